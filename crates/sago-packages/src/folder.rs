//! Listing folders of a package without trusting them: links are never followed, names need not be UTF-8, order is fixed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How deep a package may nest folders; deeper ones are reported, not entered. Far above what a path of 4096 bytes can name sensibly.
pub(crate) const DEPTH_LIMIT: usize = 512;

/// What lies under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File {
        size_bytes: u64,
        /// Device and inode, when the file has more than one name.
        shared: Option<(u64, u64)>,
    },
    Folder,
    Link,
    /// A device, a pipe or a socket.
    Special,
}

/// One name in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The name, with U+FFFD where it is not UTF-8.
    pub name: String,
    /// Whether `name` is exactly the name on disk.
    pub exact: bool,
    pub path: PathBuf,
    pub kind: Kind,
}

impl Entry {
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File { .. })
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }
}

/// Lists a folder, sorted by name.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let raw = entry.file_name();
        let path = entry.path();
        let metadata = fs::symlink_metadata(&path)?;
        let kind = if metadata.is_symlink() {
            Kind::Link
        } else if metadata.is_dir() {
            Kind::Folder
        } else if metadata.is_file() {
            Kind::File { size_bytes: metadata.len(), shared: shared_inode(&metadata) }
        } else {
            Kind::Special
        };
        let exact = raw.to_str().is_some();
        entries.push(Entry { name: raw.to_string_lossy().into_owned(), exact, path, kind });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

#[cfg(unix)]
fn shared_inode(metadata: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn shared_inode(_: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// Reads a small file to its end; `Ok(None)` when it holds more than `limit_bytes`.
pub(crate) fn read_limited(path: &Path, limit_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit_bytes + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit_bytes).then_some(bytes))
}

/// Joins two relative paths with `/`.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
