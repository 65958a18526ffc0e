//! Where the files of a log are read from, and hashes read from its tiles.
//!
//! The only input of this crate. A source is never trusted: who reads from it checks what comes.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::merkle::{Hash, HashReader, Node};
use crate::tile::{MAX_FILE_BYTES, TILE_HEIGHT, TileKind, TilePath, complete_root, decode_hashes};

/// Reads the files of one log.
pub trait TileSource {
    /// Returns a file's bytes, or nothing when there is no such file.
    ///
    /// `path` is relative with `/` between its parts: `checkpoint`, `tile/0/000`.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Returns the paths of all files, or nothing when this source cannot list.
    fn list(&self) -> io::Result<Option<Vec<String>>> {
        Ok(None)
    }
}

/// The greatest number of files that are listed: those of a log of 1,000 million entries.
pub const MAX_LISTED_FILES: usize = 10_000_000;

/// A log in a folder on a disk.
///
/// Files are plain files of at most [`MAX_FILE_BYTES`]; links, devices and longer files are errors, not read.
#[derive(Debug, Clone)]
pub struct FolderSource {
    root: PathBuf,
}

impl FolderSource {
    /// Reads below `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl TileSource for FolderSource {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        if !is_plain_path(path) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a path inside a log"));
        }
        let place = self.root.join(path);
        let metadata = match fs::symlink_metadata(&place) {
            Ok(metadata) => metadata,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a plain file"));
        }
        let mut bytes = Vec::with_capacity(metadata.len().min(MAX_FILE_BYTES as u64) as usize);
        fs::File::open(&place)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_FILE_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than any file of a log can be"));
        }
        Ok(Some(bytes))
    }

    fn list(&self) -> io::Result<Option<Vec<String>>> {
        let mut paths = Vec::new();
        let mut folders = vec![(self.root.clone(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                // A name that is not UTF-8 is no file of a log; the lossy text still names it for the auditor.
                let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.file_type()?.is_dir() {
                    folders.push((entry.path(), path + "/"));
                } else if paths.len() < MAX_LISTED_FILES {
                    paths.push(path);
                } else {
                    let message = format!("there are more than {MAX_LISTED_FILES} files");
                    return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
                }
            }
        }
        paths.sort_unstable();
        Ok(Some(paths))
    }
}

/// Says whether every part is a plain name: no absolute path, no way up, nothing hidden.
pub fn is_plain_path(path: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    path.len() <= 128 && path.split('/').all(is_name) && Path::new(path).is_relative()
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A log in memory: path to bytes.
#[derive(Debug, Clone, Default)]
pub struct MemorySource {
    /// The files.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl TileSource for MemorySource {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(path).cloned())
    }

    fn list(&self) -> io::Result<Option<Vec<String>>> {
        Ok(Some(self.files.keys().cloned().collect()))
    }
}

/// Tiles kept by a [`TileReader`]: 2 MiB at most.
const CACHED_TILES: usize = 256;

/// Reads hashes of complete subtrees from the tiles of a log of a known size.
///
/// Keeps the tiles it has read, so many proofs over one log are best made with one reader. The tiles are taken
/// as they are: check the proof that was made, or the root, before trusting it.
pub struct TileReader<'a, S: TileSource + ?Sized> {
    source: &'a S,
    size: u64,
    cache: HashMap<(u8, u64), Vec<Hash>>,
}

impl<'a, S: TileSource + ?Sized> TileReader<'a, S> {
    /// Reads a tree of `size` entries; the log must have published a checkpoint of this size, or be longer.
    pub fn new(source: &'a S, size: u64) -> Self {
        Self { source, size, cache: HashMap::new() }
    }

    /// Returns the number of entries of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], Error> {
        if self.cache.len() >= CACHED_TILES && !self.cache.contains_key(&(level, index)) {
            self.cache.clear();
        }
        match self.cache.entry((level, index)) {
            std::collections::hash_map::Entry::Occupied(tile) => Ok(tile.into_mut()),
            std::collections::hash_map::Entry::Vacant(place) => {
                let path = TilePath::in_tree(TileKind::Hashes(level), index, self.size)
                    .ok_or_else(|| Error::OutOfRange { what: format!("tile {index} of level {level}"), size: self.size })?;
                Ok(place.insert(read_tile(self.source, path)?))
            }
        }
    }
}

impl<S: TileSource + ?Sized> HashReader for TileReader<'_, S> {
    fn read_hash(&mut self, node: Node) -> Result<Hash, Error> {
        let out_of_range = Error::OutOfRange { what: node.to_string(), size: self.size };
        let (tile_level, height) = (node.level / TILE_HEIGHT, node.level % TILE_HEIGHT);
        // The node covers `1 << height` hashes of one tile, beginning at this one of its level.
        let Some(first) = node.index.checked_mul(1 << height) else {
            return Err(out_of_range);
        };
        let start = (first % 256) as usize;
        let tile = self.tile(tile_level, first / 256)?;
        tile.get(start..start + (1 << height)).and_then(complete_root).ok_or(out_of_range)
    }
}

/// Reads a hash tile; of a partial tile that is gone, the beginning of the full one that took its place.
pub(crate) fn read_tile(source: &(impl TileSource + ?Sized), path: TilePath) -> Result<Vec<Hash>, Error> {
    let (found, bytes) = read_file(source, path)?;
    let mut hashes = decode_hashes(&bytes, found.width.into()).ok_or_else(|| Error::Corrupt {
        path: found.to_string(),
        message: format!("{} bytes instead of {}", bytes.len(), usize::from(found.width) * Hash::LEN),
    })?;
    hashes.truncate(path.width.into());
    Ok(hashes)
}

/// Reads a tile or bundle, or the full one in place of a partial one, and says which it was.
pub(crate) fn read_file(source: &(impl TileSource + ?Sized), path: TilePath) -> Result<(TilePath, Vec<u8>), Error> {
    for candidate in [path, path.full()] {
        let name = candidate.to_string();
        match source.read(&name) {
            Ok(Some(bytes)) => return Ok((candidate, bytes)),
            Ok(None) => {}
            Err(source) => return Err(Error::Io { path: name, source }),
        }
    }
    Err(Error::Missing { path: path.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_source_reads_plain_files_below_its_root_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("log");
        fs::create_dir_all(root.join("tile/0")).unwrap();
        fs::write(root.join("tile/0/000"), b"abc").unwrap();
        fs::write(folder.path().join("secret"), b"x").unwrap();
        let source = FolderSource::new(&root);
        assert_eq!(source.read("tile/0/000").unwrap(), Some(b"abc".to_vec()));
        assert_eq!(source.read("tile/0/001").unwrap(), None);
        assert_eq!(source.read("tile/0/000/x").unwrap(), None);
        for path in ["", "/", "../secret", "tile/../../secret", "tile//0", "tile/0/", "./tile", ".hidden", "a\\b"] {
            assert_eq!(source.read(path).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{path}");
        }
        assert_eq!(source.read("tile").unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(source.list().unwrap(), Some(vec!["tile/0/000".to_owned()]));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_source_follows_no_links() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("real"), b"x").unwrap();
        std::os::unix::fs::symlink(folder.path().join("real"), folder.path().join("checkpoint")).unwrap();
        let source = FolderSource::new(folder.path());
        assert_eq!(source.read("checkpoint").unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_file_longer_than_any_bundle_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::File::create(folder.path().join("checkpoint")).unwrap();
        file.set_len(MAX_FILE_BYTES as u64 + 1).unwrap();
        let source = FolderSource::new(folder.path());
        assert_eq!(source.read("checkpoint").unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
