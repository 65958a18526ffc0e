//! Writing to a local disk so that it survives a power cut: write, fsync, rename, fsync the folder.
//!
//! Whoever calls a function of this file may, when it returns, tell the world that the bytes are there. It knows nothing of what the bytes mean.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, IoContext, Result};
use crate::store::fault::{self, Operation, tried};

/// Writes a file at once: readers see the old bytes or the new ones, never a part, and the new ones survive a power cut when this returns.
///
/// Missing parent folders are made. If we crash here, a file ending in `.new` may be left; it is overwritten by the next attempt.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |mut file| file.write_all(bytes).doing("Could not write", path))
}

/// The same for bytes that are made while they are written, so that they need not be held in memory.
pub fn write_with(path: &Path, fill: impl FnOnce(fault::Writing<&mut File>) -> Result<()>) -> Result<()> {
    let parent = parent_of(path)?;
    create_dir_all(parent)?;
    let temporary = temporary_beside(path);
    let mut file = create_anew(&temporary)?;
    fill(fault::Writing(&mut file))?;
    tried(Operation::FileFlush, || file.sync_all()).doing("Could not write", &temporary)?;
    fault::point("file-flushed");
    tried(Operation::Rename, || fs::rename(&temporary, path)).doing("Could not put in place", path)?;
    sync_dir(parent)
}

/// Writes many files with one flush of the file system at the end instead of one for each; the same promise as [`write()`] for all of them together.
///
/// If we crash before it returns, any subset may be there, each whole or absent.
pub fn write_all(files: &[(PathBuf, Vec<u8>)]) -> Result<()> {
    if files.len() < 4 {
        return files.iter().try_for_each(|(path, bytes)| write(path, bytes));
    }
    let mut last = None;
    for (path, bytes) in files {
        create_dir_all(parent_of(path)?)?;
        let temporary = temporary_beside(path);
        let mut file = create_anew(&temporary)?;
        tried(Operation::FileWrite, || file.write_all(bytes)).doing("Could not write", &temporary)?;
        last = Some(file);
    }
    if let (Some(file), Some((path, _))) = (last, files.last()) {
        tried(Operation::DiskFlush, || rustix::fs::syncfs(&file).map_err(std::io::Error::from)).doing("Could not flush the disk under", path)?;
    }
    fault::point("files-flushed");
    for (path, _) in files {
        tried(Operation::Rename, || fs::rename(temporary_beside(path), path)).doing("Could not put in place", path)?;
        fault::point("file-of-many-placed");
    }
    let mut parents: Vec<&Path> = files.iter().filter_map(|(path, _)| path.parent()).collect();
    parents.sort_unstable();
    parents.dedup();
    parents.into_iter().try_for_each(sync_dir)
}

/// Makes a folder and its parents, readable by the owner alone, and makes the new entries durable.
pub fn create_dir_all(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent()
        && !parent.as_os_str().is_empty()
    {
        create_dir_all(parent)?;
    }
    match tried(Operation::FolderMake, || fs::DirBuilder::new().mode(0o700).create(path)) {
        Ok(()) => path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_dir),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(Error::io("Could not make the folder", path, &error)),
    }
}

/// Makes the entries of a folder durable.
pub fn sync_dir(path: &Path) -> Result<()> {
    tried(Operation::FolderFlush, || File::open(path).and_then(|folder| folder.sync_all())).doing("Could not flush the folder", path)
}

/// Flushes everything written to the file system that holds `path`.
pub fn sync_filesystem(path: &Path) -> Result<()> {
    let folder = File::open(path).doing("Could not open", path)?;
    tried(Operation::DiskFlush, || rustix::fs::syncfs(&folder).map_err(std::io::Error::from)).doing("Could not flush the disk under", path)
}

/// Renames a file within its folder, over what stands there, and makes that durable.
pub fn rename_over(from: &Path, to: &Path) -> Result<()> {
    tried(Operation::Rename, || fs::rename(from, to)).doing("Could not put in place", to)?;
    sync_dir(parent_of(to)?)
}

/// Renames a folder or file and makes both parents durable. Fails when the target exists.
pub fn rename_new(from: &Path, to: &Path) -> Result<()> {
    let parent = parent_of(to)?;
    create_dir_all(parent)?;
    let rename = || rustix::fs::renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, rustix::fs::RenameFlags::NOREPLACE).map_err(std::io::Error::from);
    tried(Operation::Rename, rename).doing("Could not put in place", to)?;
    sync_dir(parent)?;
    let left = parent_of(from)?;
    if left.is_dir() { sync_dir(left) } else { Ok(()) }
}

/// A file that gets its name only when it is whole. Dropped before, by whatever end of the process, nothing of it stays.
///
/// File systems that know no files without a name get a hidden one beside the target, which a crash leaves and the next attempt overwrites.
pub struct Unnamed {
    file: File,
    target: PathBuf,
    hidden: Option<PathBuf>,
}

impl Unnamed {
    /// Makes the file, readable by the owner alone.
    pub fn create(target: &Path) -> Result<Self> {
        use rustix::fs::{CWD, Mode, OFlags};
        let name = target.file_name().ok_or_else(|| Error::invalid(format!("{} is no file name.", target.display())))?;
        let folder = parent_of(target)?;
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let turn = fault::Turn::of(Operation::FileCreate);
        turn.before::<std::io::Error>().doing("Could not create", target)?;
        let opened = rustix::fs::openat(CWD, folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
        turn.after::<std::io::Error>().doing("Could not create", target)?;
        if let Ok(file) = opened
            && Path::new("/proc/self/fd").is_dir()
        {
            return Ok(Self { file: file.into(), target: target.to_owned(), hidden: None });
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".sago-part");
        let hidden = target.with_file_name(hidden);
        let file = create_anew(&hidden)?;
        Ok(Self { file, target: target.to_owned(), hidden: Some(hidden) })
    }

    /// Where its bytes go.
    pub fn writer(&mut self) -> impl Write + '_ {
        fault::Writing(&mut self.file)
    }

    /// Makes it durable and gives it its name. Fails when the name is taken.
    pub fn finish(mut self) -> Result<()> {
        use rustix::fs::{AtFlags, CWD};
        use std::os::fd::AsRawFd;
        tried(Operation::FileFlush, || self.file.sync_all()).doing("Could not flush", &self.target)?;
        match self.hidden.take() {
            Some(hidden) => rename_new(&hidden, &self.target),
            None => {
                let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                let link = || rustix::fs::linkat(CWD, own, CWD, &self.target, AtFlags::SYMLINK_FOLLOW).map_err(std::io::Error::from);
                tried(Operation::Rename, link).doing("Could not put in place", &self.target)?;
                let folder = parent_of(&self.target)?;
                sync_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
            }
        }
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if let Some(hidden) = &self.hidden {
            // Nobody is told of a hidden file that stays; the next attempt overwrites it.
            let _ = fs::remove_file(hidden);
        }
    }
}

/// Overwrites a small file with zeroes, then removes it, durably, and with it what an interrupted [`write()`] may have left beside it.
/// A missing file is no error.
///
/// Overwriting reaches the bytes on a plain disk; on flash or copy-on-write file systems old blocks may survive, which is why
/// what must be destroyable is also wrapped under a key that ends with its epoch.
pub fn erase(path: &Path) -> Result<()> {
    erase_one(&temporary_beside(path))?;
    erase_one(path)
}

fn erase_one(path: &Path) -> Result<()> {
    let length = match fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("Could not look at", path, &error)),
    };
    let mut file = match OpenOptions::new().write(true).open(path) {
        // Another process erases the same.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        opened => opened.doing("Could not open", path)?,
    };
    let zeroes = vec![0_u8; usize::try_from(length.min(1 << 20)).unwrap_or(1 << 20)];
    let mut left = length;
    while left > 0 {
        let step = usize::try_from(left.min(zeroes.len() as u64)).unwrap_or(zeroes.len());
        tried(Operation::FileWrite, || file.write_all(&zeroes[..step])).doing("Could not overwrite", path)?;
        left -= step as u64;
    }
    tried(Operation::FileFlush, || file.sync_all()).doing("Could not flush", path)?;
    unless_gone(tried(Operation::Remove, || fs::remove_file(path))).doing("Could not remove", path)?;
    let parent = parent_of(path)?;
    unless_gone(tried(Operation::FolderFlush, || File::open(parent).and_then(|folder| folder.sync_all()))).doing("Could not flush the folder", parent)
}

/// Erases every file of a folder without folders in it, then the folder, durably. A missing folder, or one that another process erases too, is no error.
pub fn erase_folder(path: &Path) -> Result<()> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        read => read.doing("Could not list", path)?,
    };
    for entry in entries {
        erase_one(&entry.doing("Could not list", path)?.path())?;
    }
    unless_gone(tried(Operation::Remove, || fs::remove_dir(path))).doing("Could not remove", path)?;
    sync_dir(parent_of(path)?)
}

/// Removes a folder with all that is in it, without ceremony. A missing one is no error.
pub fn remove_dir_all(path: &Path) -> Result<()> {
    unless_gone(tried(Operation::Remove, || fs::remove_dir_all(path))).doing("Could not remove", path)
}

/// Removes a file. A missing one is no error.
pub fn remove_file(path: &Path) -> Result<()> {
    unless_gone(tried(Operation::Remove, || fs::remove_file(path))).doing("Could not remove", path)
}

/// Makes a file, or empties the one that an interruption left there.
pub fn create_anew(path: &Path) -> Result<File> {
    let create = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    tried(Operation::FileCreate, create).doing("Could not create", path)
}

fn unless_gone(result: std::io::Result<()>) -> std::io::Result<()> {
    result.or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn parent_of(path: &Path) -> Result<&Path> {
    match path.parent() {
        // A bare name lies in the folder we are in.
        Some(parent) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(parent) => Ok(parent),
        None => Err(Error::internal(format!("{} has no parent folder", path.display()))),
    }
}

fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a/b/one"), b"1").unwrap();
        let many: Vec<_> = (0..9).map(|n| (folder.path().join(format!("c/{n}")), vec![n])).collect();
        write_all(&many).unwrap();
        assert_eq!(fs::read(folder.path().join("a/b/one")).unwrap(), b"1");
        assert_eq!(fs::read_dir(folder.path().join("c")).unwrap().count(), 9);
        assert_eq!(fs::read(folder.path().join("c/7")).unwrap(), [7]);
    }

    #[test]
    fn a_rename_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        write(&from, b"new").unwrap();
        write(&to, b"old").unwrap();
        assert!(rename_new(&from, &to).is_err());
        assert_eq!(fs::read(&to).unwrap(), b"old");
    }

    #[test]
    fn a_file_has_no_name_until_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("original");
        let mut file = Unnamed::create(&path).unwrap();
        file.writer().write_all(b"whole").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        let mut other = Unnamed::create(&path).unwrap();
        other.writer().write_all(b"other").unwrap();
        assert!(other.finish().is_err(), "a name that is taken is never taken over");
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        drop(Unnamed::create(&folder.path().join("given up")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_erased_file_is_gone_and_erasing_again_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, b"secret").unwrap();
        erase(&path).unwrap();
        erase(&path).unwrap();
        assert!(!path.exists());
        // What a crash left while the file was being written holds the same secret.
        fs::write(temporary_beside(&path), b"secret").unwrap();
        erase(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
