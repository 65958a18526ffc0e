//! A place that keeps named files: a folder on a disk, or a prefix of an S3 bucket.
//!
//! Storage root, logs, time-stamps and vault each lie on a shelf. A file appears whole under its name or not at all, and what was written
//! is durable when the call returns. Paths are relative, with `/` between their parts. What the files mean is nobody's business here.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sago_packages::DiskTree;
use sago_packages::tree::{Entry, Kind, Listing, Nest};

use crate::error::{Error, IoContext, Result};
use crate::store::bucket::Bucket;
use crate::store::durable;

/// Where named files are kept.
#[derive(Debug, Clone)]
pub enum Shelf {
    /// Below a folder.
    Disk(PathBuf),
    /// Below a prefix of a bucket.
    Bucket(Bucket),
}

/// A direct child of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(folder) => folder.display().fmt(f),
            Self::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

impl From<&Path> for Shelf {
    fn from(folder: &Path) -> Self {
        Self::Disk(folder.to_owned())
    }
}

impl Shelf {
    /// The same place as a folder, when it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Disk(folder) => Some(folder),
            Self::Bucket(_) => None,
        }
    }

    /// The shelf below one of this shelf's folders.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        match self {
            Self::Disk(folder) => Self::Disk(folder.join(path)),
            Self::Bucket(bucket) => Self::Bucket(bucket.below(path)),
        }
    }

    /// A file of this shelf as people find it.
    pub fn show(&self, path: &str) -> String {
        match self {
            Self::Disk(folder) => folder.join(path).display().to_string(),
            Self::Bucket(bucket) => bucket.show(path),
        }
    }

    /// Makes the place itself, where places have to be made.
    pub fn create(&self) -> Result<()> {
        match self {
            Self::Disk(folder) => durable::create_dir_all(folder),
            Self::Bucket(_) => Ok(()),
        }
    }

    /// The bytes of a file; `None` when there is none.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Disk(folder) => {
                let path = folder.join(path);
                match std::fs::read(&path) {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(error) if is_absence(&error) => Ok(None),
                    Err(error) => Err(Error::io("Could not read", &path, &error)),
                }
            }
            Self::Bucket(bucket) => bucket.read(path),
        }
    }

    /// The text of a file; `None` when there is none, `Corrupt` when it is no text.
    pub fn read_text(&self, path: &str) -> Result<Option<String>> {
        let text = self.read(path)?.map(String::from_utf8).transpose();
        text.map_err(|_| Error::corrupt(format!("{} holds what is no text.", self.show(path))))
    }

    /// The bytes of a file that must be there.
    pub fn need(&self, path: &str) -> Result<Vec<u8>> {
        self.read(path)?.ok_or_else(|| Error::corrupt(format!("{} is missing.", self.show(path))))
    }

    /// A file to be read from its beginning, and its length in bytes; `None` when there is none.
    pub fn open(&self, path: &str) -> Result<Option<(Box<dyn Read + Send>, u64)>> {
        match self {
            Self::Disk(folder) => {
                let path = folder.join(path);
                match File::open(&path) {
                    Ok(file) => {
                        let length = file.metadata().doing("Could not look at", &path)?.len();
                        Ok(Some((Box::new(file), length)))
                    }
                    Err(error) if is_absence(&error) => Ok(None),
                    Err(error) => Err(Error::io("Could not open", &path, &error)),
                }
            }
            Self::Bucket(bucket) => bucket.open(path),
        }
    }

    /// Length of a file in bytes; `None` when there is none.
    pub fn length(&self, path: &str) -> Result<Option<u64>> {
        match self {
            Self::Disk(folder) => {
                let path = folder.join(path);
                match std::fs::symlink_metadata(&path) {
                    Ok(found) => Ok(found.is_file().then_some(found.len())),
                    Err(error) if is_absence(&error) => Ok(None),
                    Err(error) => Err(Error::io("Could not look at", &path, &error)),
                }
            }
            Self::Bucket(bucket) => bucket.length(path),
        }
    }

    /// Writes a file, over what stands there: readers see the old bytes or the new ones.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Disk(folder) => durable::write(&folder.join(path), bytes),
            Self::Bucket(bucket) => bucket.write_all(vec![(path.to_owned(), bytes.to_vec())]),
        }
    }

    /// Writes a file of any length from a disk.
    pub fn upload(&self, path: &str, from: &Path) -> Result<()> {
        match self {
            Self::Disk(folder) => {
                let target = folder.join(path);
                durable::create_dir_all(target.parent().unwrap_or(folder))?;
                let mut file = durable::Unnamed::create(&target)?;
                io::copy(&mut File::open(from).doing("Could not open", from)?, &mut file.writer()).doing("Could not write", &target)?;
                file.finish()
            }
            Self::Bucket(bucket) => bucket.upload(path, from),
        }
    }

    /// Writes many files; all are durable when this returns. If we crash before, any subset may be there, each whole or absent.
    pub fn write_all(&self, files: Vec<(String, Vec<u8>)>) -> Result<()> {
        match self {
            Self::Disk(folder) => {
                let files: Vec<_> = files.into_iter().map(|(path, bytes)| (folder.join(path), bytes)).collect();
                durable::write_all(&files)
            }
            Self::Bucket(bucket) => bucket.write_all(files),
        }
    }

    /// The same for names that nobody else chooses and that are never written over. A file that holds these very bytes already is left.
    pub fn write_new(&self, files: Vec<(String, Vec<u8>)>) -> Result<()> {
        match self {
            Self::Disk(_) => self.write_all(files),
            Self::Bucket(bucket) => bucket.write_new(files),
        }
    }

    /// Direct children of a folder, sorted by name; none when it is not there. Names that are not UTF-8 are nobody's of ours.
    pub fn list(&self, folder: &str) -> Result<Vec<Child>> {
        let mut children = match self {
            Self::Disk(root) => {
                let folder = if folder.is_empty() { root.clone() } else { root.join(folder) };
                let entries = match std::fs::read_dir(&folder) {
                    Ok(entries) => entries,
                    Err(error) if is_absence(&error) => return Ok(Vec::new()),
                    Err(error) => return Err(Error::io("Could not list", &folder, &error)),
                };
                let mut children = Vec::new();
                for entry in entries {
                    let entry = entry.doing("Could not list", &folder)?;
                    let is_folder = entry.file_type().doing("Could not look at", &entry.path())?.is_dir();
                    children.extend(entry.file_name().into_string().ok().map(|name| Child { name, is_folder }));
                }
                children
            }
            Self::Bucket(bucket) => bucket.list(folder)?,
        };
        children.sort_unstable();
        Ok(children)
    }

    /// All files below a folder with their lengths, as paths of this shelf, sorted.
    pub fn walk(&self, folder: &str) -> Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        match self {
            Self::Disk(_) => {
                let mut waiting = vec![folder.to_owned()];
                while let Some(here) = waiting.pop() {
                    for child in self.list(&here)? {
                        let path = if here.is_empty() { child.name } else { format!("{here}/{}", child.name) };
                        if child.is_folder {
                            waiting.push(path);
                        } else if let Some(length) = self.length(&path)? {
                            found.push((path, length));
                        }
                    }
                }
            }
            Self::Bucket(bucket) => found = bucket.walk(folder)?,
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Moves a file within its folder, over what stands there. On a bucket it is copied, then the old name removed: a crash leaves both.
    pub fn rename_over(&self, from: &str, to: &str) -> Result<()> {
        match self {
            Self::Disk(folder) => durable::rename_over(&folder.join(from), &folder.join(to)),
            Self::Bucket(bucket) => {
                // Another process that finishes the same may have moved it between our looking and our moving.
                let bytes = match self.read(from)? {
                    Some(bytes) => bytes,
                    None if self.length(to)?.is_some() => return Ok(()),
                    None => self.need(from)?,
                };
                bucket.write_all(vec![(to.to_owned(), bytes)])?;
                bucket.remove(&[from.to_owned()])
            }
        }
    }

    /// Overwrites a small file where that means something, and removes it. A missing file is no error.
    ///
    /// A bucket that keeps versions keeps what was removed: such a bucket holds no vault (`sago init` and `sago doctor` look).
    pub fn erase(&self, path: &str) -> Result<()> {
        match self {
            Self::Disk(folder) => durable::erase(&folder.join(path)),
            Self::Bucket(bucket) => bucket.remove(&[path.to_owned()]),
        }
    }

    /// Removes a folder of files that are no longer needed, without ceremony. A missing folder is no error.
    pub fn remove_folder(&self, path: &str) -> Result<()> {
        match self {
            Self::Disk(folder) => {
                let path = folder.join(path);
                if path.is_dir() { durable::remove_dir_all(&path) } else { Ok(()) }
            }
            Self::Bucket(_) => self.erase_folder(path),
        }
    }

    /// Erases every file of a folder. A missing folder is no error.
    pub fn erase_folder(&self, path: &str) -> Result<()> {
        match self {
            Self::Disk(folder) => durable::erase_folder(&folder.join(path)),
            Self::Bucket(bucket) => {
                let names: Vec<_> = bucket.walk(path)?.into_iter().map(|(path, _)| path).collect();
                bucket.remove(&names)
            }
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Reads the files of one log.
impl sago_ledger::source::TileSource for Shelf {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Disk(folder) => sago_ledger::source::FolderSource::new(folder).read(path),
            Self::Bucket(_) => Self::read(self, path).map_err(|error| io::Error::other(error.to_string())),
        }
    }

    fn list(&self) -> io::Result<Option<Vec<String>>> {
        match self {
            Self::Disk(folder) => sago_ledger::source::FolderSource::new(folder).list(),
            Self::Bucket(bucket) => {
                let found = bucket.walk("").map_err(|error| io::Error::other(error.to_string()))?;
                Ok(Some(found.into_iter().map(|(path, _)| path).collect()))
            }
        }
    }
}

/// Lets the judges read a shelf as they read a folder.
impl sago_packages::Tree for Shelf {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        match self {
            Self::Disk(root) => DiskTree::new(root).list(folder),
            Self::Bucket(_) => self.listing(folder, &|_| false)?.list(folder),
        }
    }

    fn stat(&self, path: &str) -> io::Result<Option<Kind>> {
        match self {
            Self::Disk(root) => DiskTree::new(root).stat(path),
            Self::Bucket(bucket) => {
                if let Some(size_bytes) = if path.is_empty() { None } else { bucket.length(path).map_err(io::Error::other)? } {
                    return Ok(Some(Kind::File { size_bytes, shared: None }));
                }
                Ok((!bucket.list(path).map_err(io::Error::other)?.is_empty()).then_some(Kind::Folder))
            }
        }
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Disk(root) => DiskTree::new(root).open(path),
            Self::Bucket(bucket) => match bucket.open(path).map_err(io::Error::other)? {
                Some((bytes, _)) => Ok(bytes),
                None => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }

    fn place(&self, path: &str) -> PathBuf {
        PathBuf::from(self.show(path))
    }

    fn listing(&self, folder: &str, ends: &dyn Fn(&str) -> bool) -> io::Result<Listing<'_>> {
        match self {
            Self::Disk(_) => Ok(Listing::asking(move |folder| sago_packages::Tree::list(self, folder))),
            Self::Bucket(bucket) => {
                let mut nest = Nest::new(folder, ends);
                for (path, length) in bucket.walk(folder).map_err(io::Error::other)? {
                    nest.add(&path, length)?;
                }
                nest.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_what_is_written_and_names_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::from(folder.path());
        assert_eq!(shelf.read("a/b").unwrap(), None);
        assert!(shelf.list("a").unwrap().is_empty());
        shelf.write("a/b", b"one").unwrap();
        shelf.write_all((0..5).map(|n| (format!("a/c/{n}"), vec![n])).collect()).unwrap();
        assert_eq!(shelf.below("a").read("b").unwrap().as_deref(), Some(b"one".as_slice()));
        assert_eq!(shelf.length("a/c").unwrap(), None, "a folder is no file");
        assert_eq!(shelf.list("a").unwrap(), [Child { name: "b".into(), is_folder: false }, Child { name: "c".into(), is_folder: true }]);
        assert_eq!(shelf.walk("").unwrap().len(), 6);
        let (mut reader, length) = shelf.open("a/b").unwrap().unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), length), ("one", 3));
        shelf.rename_over("a/b", "a/d").unwrap();
        shelf.erase("a/d").unwrap();
        shelf.erase("a/d").unwrap();
        shelf.erase_folder("a/c").unwrap();
        assert!(shelf.walk("").unwrap().is_empty());
    }
}
