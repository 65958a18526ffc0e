//! Copying folders so that the copy survives a power cut, and so that a second run copies only what is new.
//!
//! A file appears in the copy whole, under its name, or not at all. What never changes in a repository never changes in its copy either:
//! when the source has something else under the same name, the copy is left as it is and the path is said. Knows nothing of what the
//! files mean; links and devices are never followed and never copied.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rustix::fs::Advice;

use super::Progress;
use crate::error::{Error, IoContext, Result};
use crate::store::durable;
use crate::store::fault::{self, Operation, tried};
use crate::store::shelf::Shelf;

/// Files written between two flushes of the disk: what an interruption may cost.
const FILES_PER_FLUSH: usize = 1_000;

/// Bytes written between two flushes of the disk.
const BYTES_PER_FLUSH: u64 = 1 << 30;

/// How a file that is in the copy already is compared with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Never changes, and something else vouches for its bytes (an inventory): the size is enough.
    Vouched,
    /// Never changes: compared byte by byte.
    Fixed,
    /// May change: compared byte by byte, and replaced.
    Changing,
}

/// What a copy did.
#[derive(Debug, Default)]
pub(super) struct Copied {
    /// Files in the copy.
    pub files: u64,
    /// Bytes in the copy.
    pub bytes: u64,
    /// Files that were not there before.
    pub new_files: u64,
    /// Bytes of those.
    pub new_bytes: u64,
    /// Sources that differ from a copy that never changes; the copy was left as it is.
    pub differing: Vec<PathBuf>,
    /// Sources that are no plain files.
    pub strange: Vec<PathBuf>,
}

/// Copies files one by one and flushes them in batches.
pub(super) struct Copier<'a> {
    progress: &'a Progress,
    pending: Vec<PathBuf>,
    pending_bytes: u64,
    buffer: Vec<u8>,
    pub(super) copied: Copied,
}

impl<'a> Copier<'a> {
    pub(super) fn new(progress: &'a Progress) -> Self {
        Self { progress, pending: Vec::new(), pending_bytes: 0, buffer: vec![0; 1 << 20], copied: Copied::default() }
    }

    /// Copies the files of a shelf that `kind` does not pass over; it is asked with their paths.
    pub(super) fn shelf(&mut self, from: &Shelf, to: &Path, kind: impl Fn(&Path) -> Option<Kind>) -> Result<BTreeSet<PathBuf>> {
        if let Some(folder) = from.folder() {
            return self.folder(folder, to, kind);
        }
        let mut taken = BTreeSet::new();
        for (name, length) in from.walk("")? {
            let path = PathBuf::from(&name);
            if let Some(kind) = kind(&path) {
                self.fetch(from, &name, length, &to.join(&path), kind)?;
                taken.insert(path);
            }
        }
        Ok(taken)
    }

    /// Copies one file of a shelf.
    pub(super) fn shelved(&mut self, from: &Shelf, name: &str, to: &Path, kind: Kind) -> Result<()> {
        match from.folder() {
            Some(folder) => self.file(&folder.join(name), to, kind),
            None => {
                let length = from.length(name)?.ok_or_else(|| Error::corrupt(format!("{} is missing.", from.show(name))))?;
                self.fetch(from, name, length, to, kind)
            }
        }
    }

    /// Copies one file of a bucket.
    fn fetch(&mut self, from: &Shelf, name: &str, length: u64, to: &Path, kind: Kind) -> Result<()> {
        self.progress.files.fetch_add(1, Ordering::Relaxed);
        self.progress.bytes.fetch_add(length, Ordering::Relaxed);
        let missing = || Error::corrupt(format!("{} is missing.", from.show(name)));
        if let Some(there) = size_of(to)? {
            let is_same = there == length
                && (kind == Kind::Vouched || {
                    let (theirs, _) = from.open(name)?.ok_or_else(missing)?;
                    is_same_read(File::open(to).doing("Could not open", to)?, theirs).doing("Could not compare", to)?
                });
            if is_same || kind != Kind::Changing {
                self.copied.files += 1;
                self.copied.bytes += there;
                if !is_same {
                    self.copied.differing.push(PathBuf::from(from.show(name)));
                }
                return Ok(());
            }
        }
        let (mut source, _) = from.open(name)?.ok_or_else(missing)?;
        let written = self.write_from(&mut source, Path::new(&from.show(name)), to)?;
        self.wrote(to, written)
    }

    /// Copies the files below `from` that `kind` does not pass over; it is asked with the path below `from`. A missing folder is empty.
    pub(super) fn folder(&mut self, from: &Path, to: &Path, kind: impl Fn(&Path) -> Option<Kind>) -> Result<BTreeSet<PathBuf>> {
        let mut strange = Vec::new();
        let mut taken = BTreeSet::new();
        for path in files(from, &mut strange)? {
            if let Some(kind) = kind(&path) {
                self.file(&from.join(&path), &to.join(&path), kind)?;
                taken.insert(path);
            }
        }
        self.copied.strange.extend(strange.into_iter().map(|path| from.join(path)));
        Ok(taken)
    }

    /// Copies one file. It is durable after [`Copier::flush`].
    pub(super) fn file(&mut self, from: &Path, to: &Path, kind: Kind) -> Result<()> {
        let size = fs::metadata(from).doing("Could not look at", from)?.len();
        self.progress.files.fetch_add(1, Ordering::Relaxed);
        self.progress.bytes.fetch_add(size, Ordering::Relaxed);
        if let Some(there) = size_of(to)? {
            let is_same = there == size && (kind == Kind::Vouched || is_same_bytes(from, to)?);
            if is_same || kind != Kind::Changing {
                self.copied.files += 1;
                self.copied.bytes += there;
                if !is_same {
                    self.copied.differing.push(from.to_owned());
                }
                return Ok(());
            }
        }
        let mut source = File::open(from).doing("Could not open", from)?;
        let written = self.write_from(&mut source, from, to)?;
        self.wrote(to, written)
    }

    fn wrote(&mut self, to: &Path, written: u64) -> Result<()> {
        self.copied.files += 1;
        self.copied.bytes += written;
        self.copied.new_files += 1;
        self.copied.new_bytes += written;
        self.pending.push(to.to_owned());
        self.pending_bytes += written;
        if self.pending.len() >= FILES_PER_FLUSH || self.pending_bytes >= BYTES_PER_FLUSH {
            self.flush()?;
        }
        Ok(())
    }

    fn write_from(&mut self, source: &mut impl Read, from: &Path, to: &Path) -> Result<u64> {
        durable::create_dir_all(to.parent().unwrap_or(to))?;
        let temporary = beside(to);
        let mut target = fault::Writing(durable::create_anew(&temporary)?);
        let mut written = 0;
        loop {
            let count = source.read(&mut self.buffer).doing("Could not read", from)?;
            if count == 0 {
                return Ok(written);
            }
            io::Write::write_all(&mut target, &self.buffer[..count]).doing("Could not write", &temporary)?;
            written += count as u64;
        }
    }

    /// Makes everything copied so far durable and gives it its name. If we crash before, files ending in `.new` are left, and overwritten next time.
    pub(super) fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let mut disks = BTreeMap::new();
        for path in &pending {
            let folder = path.parent().unwrap_or(path);
            disks.entry(fs::metadata(folder).doing("Could not look at", folder)?.dev()).or_insert(folder);
        }
        disks.values().try_for_each(|folder| durable::sync_filesystem(folder))?;
        for path in &pending {
            tried(Operation::Rename, || fs::rename(beside(path), path)).doing("Could not put in place", path)?;
        }
        let folders: BTreeSet<&Path> = pending.iter().filter_map(|path| path.parent()).collect();
        folders.into_iter().try_for_each(durable::sync_dir)?;
        for path in &pending {
            // So that the test of the copy reads the medium, not what the machine still remembers. Advice: nothing depends on it.
            if let Ok(file) = File::open(path) {
                let _ = rustix::fs::fadvise(&file, 0, None, Advice::DontNeed);
            }
        }
        Ok(())
    }
}

/// Removes the files below `folder` whose paths `is_wanted` does not hold, with folders that become empty. Only for what is copied anew by itself.
pub(super) fn remove_others(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> Result<()> {
    for path in files(folder, &mut Vec::new())? {
        if is_wanted(&path) {
            continue;
        }
        let whole = folder.join(&path);
        durable::remove_file(&whole)?;
        let parent = whole.parent().unwrap_or(folder);
        // A folder that still holds something stays.
        if parent != folder && fs::remove_dir(parent).is_ok() {
            durable::sync_dir(parent.parent().unwrap_or(folder))?;
        } else {
            durable::sync_dir(parent)?;
        }
    }
    Ok(())
}

/// All plain files below a folder, as paths below it, sorted; whatever else lies there goes to `strange`.
pub(super) fn files(folder: &Path, strange: &mut Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(below) = waiting.pop() {
        let here = folder.join(&below);
        let entries = match fs::read_dir(&here) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && below.as_os_str().is_empty() => return Ok(found),
            Err(error) => return Err(Error::io("Could not list", &here, &error)),
        };
        for entry in entries {
            let entry = entry.doing("Could not list", &here)?;
            let kind = entry.file_type().doing("Could not look at", &entry.path())?;
            let path = below.join(entry.file_name());
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file() {
                found.push(path);
            } else {
                strange.push(path);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn size_of(path: &Path) -> Result<Option<u64>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found.len())),
        Ok(_) => Err(Error::conflict(format!("{} is in the way: it is not a plain file.", path.display())).hint("Find out who put it there, and remove it.")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("Could not look at", path, &error)),
    }
}

fn is_same_bytes(one: &Path, two: &Path) -> Result<bool> {
    is_same_read(File::open(one).doing("Could not open", one)?, File::open(two).doing("Could not open", two)?).doing("Could not read", one)
}

fn is_same_read(one: impl Read, two: impl Read) -> io::Result<bool> {
    let mut left = io::BufReader::with_capacity(1 << 16, one);
    let mut right = io::BufReader::with_capacity(1 << 16, two);
    loop {
        use io::BufRead as _;
        let (ours, theirs) = (left.fill_buf()?, right.fill_buf()?);
        let count = ours.len().min(theirs.len());
        if count == 0 {
            return Ok(ours.len() == theirs.len());
        }
        if ours[..count] != theirs[..count] {
            return Ok(false);
        }
        left.consume(count);
        right.consume(count);
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(from: &Path, to: &Path, kind: Kind) -> Copied {
        let progress = Progress::default();
        let mut copier = Copier::new(&progress);
        copier.folder(from, to, |_| Some(kind)).unwrap();
        copier.flush().unwrap();
        copier.copied
    }

    #[test]
    fn a_second_run_copies_only_what_is_new() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(from.path().join("a/b")).unwrap();
        fs::write(from.path().join("a/b/one"), b"1").unwrap();
        assert_eq!(copy(from.path(), to.path(), Kind::Fixed).new_files, 1);
        fs::write(from.path().join("a/two"), b"22").unwrap();
        let second = copy(from.path(), to.path(), Kind::Fixed);
        assert_eq!((second.files, second.bytes, second.new_files, second.new_bytes), (2, 3, 1, 2));
        assert_eq!(fs::read(to.path().join("a/two")).unwrap(), b"22");
        assert_eq!(fs::read_dir(to.path().join("a")).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn what_never_changes_is_not_overwritten_by_a_changed_source() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for kind in [Kind::Vouched, Kind::Fixed] {
            fs::write(from.path().join("evidence"), b"whole").unwrap();
            copy(from.path(), to.path(), kind);
            fs::write(from.path().join("evidence"), b"encrypted by a stranger").unwrap();
            let again = copy(from.path(), to.path(), kind);
            assert_eq!(again.differing, [from.path().join("evidence")]);
            assert_eq!(fs::read(to.path().join("evidence")).unwrap(), b"whole");
        }
        assert_eq!(copy(from.path(), to.path(), Kind::Changing).new_files, 1);
        assert_eq!(fs::read(to.path().join("evidence")).unwrap(), b"encrypted by a stranger");
    }

    #[test]
    fn equal_sizes_do_not_hide_a_difference_unless_something_else_vouches() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("tile"), b"aa").unwrap();
        copy(from.path(), to.path(), Kind::Fixed);
        fs::write(from.path().join("tile"), b"bb").unwrap();
        assert_eq!(copy(from.path(), to.path(), Kind::Fixed).differing.len(), 1);
        assert_eq!(copy(from.path(), to.path(), Kind::Vouched).differing.len(), 0);
    }

    #[test]
    fn links_are_said_and_not_followed() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("real"), b"x").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", from.path().join("link")).unwrap();
        let copied = copy(from.path(), to.path(), Kind::Fixed);
        assert_eq!(copied.strange, [from.path().join("link")]);
        assert!(!to.path().join("link").exists());
    }

    #[test]
    fn others_are_removed_with_their_empty_folders() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("tile/000.p")).unwrap();
        fs::write(folder.path().join("tile/000.p/7"), b"x").unwrap();
        fs::write(folder.path().join("tile/000"), b"y").unwrap();
        remove_others(folder.path(), |path| path == Path::new("tile/000")).unwrap();
        assert!(folder.path().join("tile/000").exists() && !folder.path().join("tile/000.p").exists());
    }
}
