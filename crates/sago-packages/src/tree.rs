//! Folders and files as a judge needs them, wherever they lie: on a disk, in a bucket, in memory.
//!
//! Nothing in a tree is trusted: links are never followed, names need not be UTF-8, order is fixed. A tree tells names and bytes; what they mean is said by
//! who reads it. [`DiskTree`] is the one of a disk; [`Nest`] makes folders of the flat names of an object store.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

/// How deep a package may nest folders; deeper ones are reported, not entered. Far above what a path of 4096 bytes can name sensibly.
pub(crate) const DEPTH_LIMIT: usize = 512;

/// The greatest number of names that a [`Nest`] holds.
pub const MAX_NESTED_NAMES: usize = 10_000_000;

/// What lies under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A plain file.
    File {
        /// As the listing tells it; whoever reads the file counts.
        size_bytes: u64,
        /// Device and inode, when the tree knows that the file has more than one name.
        shared: Option<(u64, u64)>,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a pipe, a socket; in an object store a name that is no path.
    Special,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, with U+FFFD where it is not UTF-8.
    pub name: String,
    /// Whether `name` is exactly the stored name.
    pub exact: bool,
    /// What the tree is asked with: relative to the tree, `/` between parts. Equals folder and name when `exact`, else it is the tree's own spelling.
    pub path: String,
    /// What lies there.
    pub kind: Kind,
}

impl Entry {
    /// Says whether a plain file lies there.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File { .. })
    }

    /// Says whether a folder lies there.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }
}

/// Folders and files, to be read and not trusted.
///
/// Paths are relative with `/` between parts; the empty path is the tree itself. Trees that know no folders of their own, as object stores, have a folder
/// where a file lies below it; the tree itself is then there when it holds any file. Called from several threads.
pub trait Tree: Send + Sync {
    /// Lists a folder, sorted by name and path; [`NotFound`](io::ErrorKind::NotFound) when it is not there. A listing never leaves a name out: it fails instead.
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>>;

    /// Says what lies at a path, without following a link; nothing when nothing does.
    fn stat(&self, path: &str) -> io::Result<Option<Kind>>;

    /// Opens a plain file for reading from its beginning; [`NotFound`](io::ErrorKind::NotFound) when nothing is there, another error when it is no plain file.
    ///
    /// A reader that loses its source gives an error, not an end.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Gives a path as people are shown it in errors: with the place of the tree.
    fn place(&self, path: &str) -> PathBuf;

    /// Prepares the listing of a folder and all below it.
    ///
    /// A folder below it in which `ends` holds of a name is not entered: what is below that one, and beside that name, may be missing from the listing.
    /// Without more, every folder is listed when it is asked for; a tree that pays for each question answers all of them with one flat listing ([`Nest`]).
    fn listing(&self, folder: &str, ends: &dyn Fn(&str) -> bool) -> io::Result<Listing<'_>> {
        let _ = (folder, ends);
        Ok(Listing::asking(move |folder| self.list(folder)))
    }
}

/// What lists a folder when it is asked for.
type Asks<'a> = Box<dyn Fn(&str) -> io::Result<Vec<Entry>> + Send + Sync + 'a>;

/// The listing of a folder and those below it ([`Tree::listing`]).
pub struct Listing<'a>(Source<'a>);

enum Source<'a> {
    Asked(Asks<'a>),
    Known(HashMap<String, Vec<Entry>>),
}

impl<'a> Listing<'a> {
    /// Lists each folder when it is asked for.
    pub fn asking(list: impl Fn(&str) -> io::Result<Vec<Entry>> + Send + Sync + 'a) -> Self {
        Self(Source::Asked(Box::new(list)))
    }

    /// Lists a folder, which is the one asked for or lies below it.
    pub fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        match &self.0 {
            Source::Asked(list) => list(folder),
            Source::Known(folders) => folders.get(folder).cloned().ok_or_else(|| io::ErrorKind::NotFound.into()),
        }
    }
}

impl std::fmt::Debug for Listing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Source::Asked(_) => f.write_str("Listing(asked)"),
            Source::Known(folders) => write!(f, "Listing({} folders)", folders.len()),
        }
    }
}

/// Makes folders of flat names, as object stores list them; names may come in any order.
///
/// A name that is no path (an empty part, `.` or `..`) becomes an entry of kind [`Kind::Special`], so that a judge finds it.
pub struct Nest<'e> {
    base: String,
    ends: &'e dyn Fn(&str) -> bool,
    folders: HashMap<String, Vec<Entry>>,
    /// Folders in which `ends` held of a name.
    ended: HashSet<String>,
    names: usize,
}

impl<'e> Nest<'e> {
    /// Begins the listing of `folder`; `ends` as in [`Tree::listing`].
    pub fn new(folder: &str, ends: &'e dyn Fn(&str) -> bool) -> Self {
        Self { base: folder.to_owned(), ends, folders: HashMap::new(), ended: HashSet::new(), names: 0 }
    }

    /// Takes up a file; `path` is relative to the tree, not to the folder, and lies below the folder.
    pub fn add(&mut self, path: &str, size_bytes: u64) -> io::Result<()> {
        let below = if self.base.is_empty() { Some(path) } else { path.strip_prefix(&self.base).and_then(|rest| rest.strip_prefix('/')) };
        let mut rest = below.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{path:?} does not lie below {:?}", self.base)))?;
        let mut folder = self.base.clone();
        self.folders.entry(folder.clone()).or_default();
        for depth in 0.. {
            let (name, below) = rest.split_once('/').map_or((rest, None), |(name, below)| (name, Some(below)));
            let ends = (self.ends)(name);
            if ends && depth > 0 {
                self.ended.insert(folder.clone());
            } else if self.ended.contains(&folder) {
                return Ok(());
            }
            if matches!(name, "" | "." | "..") {
                return self.push(&folder, rest, Kind::Special);
            }
            let Some(below) = below else {
                return self.push(&folder, name, Kind::File { size_bytes, shared: None });
            };
            let child = join(&folder, name);
            if !self.folders.contains_key(&child) {
                self.push(&folder, name, Kind::Folder)?;
                self.folders.insert(child.clone(), Vec::new());
            }
            if depth > DEPTH_LIMIT {
                // Who walks the listing stops above this folder and says so.
                return Ok(());
            }
            (folder, rest) = (child, below);
        }
        Ok(())
    }

    fn push(&mut self, folder: &str, name: &str, kind: Kind) -> io::Result<()> {
        self.names += 1;
        if self.names > MAX_NESTED_NAMES {
            let message = format!("there are more than {MAX_NESTED_NAMES} names");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let entry = Entry { name: name.to_owned(), exact: true, path: join(folder, name), kind };
        self.folders.entry(folder.to_owned()).or_default().push(entry);
        Ok(())
    }

    /// Ends the listing; [`NotFound`](io::ErrorKind::NotFound) when there was no file.
    pub fn finish(mut self) -> io::Result<Listing<'static>> {
        let (ended, ends) = (&self.ended, self.ends);
        let is_below_an_end = |folder: &str| folder.match_indices('/').any(|(at, _)| ended.contains(&folder[..at]));
        self.folders.retain(|folder, entries| {
            if ended.contains(folder) {
                entries.retain(|entry| ends(&entry.name));
            }
            !is_below_an_end(folder)
        });
        self.folders.values_mut().for_each(|entries| sort(entries));
        if self.names == 0 { Err(io::ErrorKind::NotFound.into()) } else { Ok(Listing(Source::Known(self.folders))) }
    }
}

/// A folder of another tree, as a tree of its own.
pub struct Subtree<'a> {
    tree: &'a dyn Tree,
    folder: String,
}

impl<'a> Subtree<'a> {
    /// Takes the folder at `folder`, which need not be there.
    pub fn new(tree: &'a dyn Tree, folder: &str) -> Self {
        Self { tree, folder: folder.to_owned() }
    }

    /// Makes paths of entries relative to this tree.
    fn own(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        for entry in &mut entries {
            if let Some(own) = entry.path.strip_prefix(&self.folder) {
                entry.path = own.trim_start_matches('/').to_owned();
            }
        }
        entries
    }

    fn outer(&self, path: &str) -> String {
        if path.is_empty() { self.folder.clone() } else { join(&self.folder, path) }
    }
}

impl Tree for Subtree<'_> {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        Ok(self.own(self.tree.list(&self.outer(folder))?))
    }

    fn stat(&self, path: &str) -> io::Result<Option<Kind>> {
        self.tree.stat(&self.outer(path))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        self.tree.open(&self.outer(path))
    }

    fn place(&self, path: &str) -> PathBuf {
        self.tree.place(&self.outer(path))
    }

    fn listing(&self, folder: &str, ends: &dyn Fn(&str) -> bool) -> io::Result<Listing<'_>> {
        let outer = self.tree.listing(&self.outer(folder), ends)?;
        Ok(Listing::asking(move |folder| Ok(self.own(outer.list(&self.outer(folder))?))))
    }
}

/// A folder of a disk.
#[derive(Debug, Clone)]
pub struct DiskTree {
    root: PathBuf,
}

impl DiskTree {
    /// Reads below `root`, which may itself be a link and need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn resolve(&self, path: &str) -> io::Result<PathBuf> {
        if path.is_empty() {
            return Ok(self.root.clone());
        }
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a path inside the folder"));
        }
        if !path.contains('\0') {
            return Ok(self.root.join(path));
        }
        let mut place = self.root.clone();
        for part in path.split('/') {
            place.push(raw_name(part)?);
        }
        Ok(place)
    }
}

impl Tree for DiskTree {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.resolve(folder)?)? {
            let entry = entry?;
            let raw = entry.file_name();
            let kind = kind_of(&entry.metadata()?);
            let (path, exact) = match raw.to_str() {
                Some(name) => (join(folder, name), true),
                None => (join(folder, &spell(&raw)), false),
            };
            entries.push(Entry { name: raw.to_string_lossy().into_owned(), exact, path, kind });
        }
        sort(&mut entries);
        Ok(entries)
    }

    fn stat(&self, path: &str) -> io::Result<Option<Kind>> {
        let place = self.resolve(path)?;
        let metadata = if path.is_empty() { fs::metadata(place) } else { fs::symlink_metadata(place) };
        match metadata {
            Ok(metadata) => Ok(Some(kind_of(&metadata))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        let place = self.resolve(path)?;
        // Opening a pipe would wait for ever, opening a link lead out of the folder.
        if !fs::symlink_metadata(&place)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
        }
        Ok(Box::new(fs::File::open(place)?))
    }

    fn place(&self, path: &str) -> PathBuf {
        self.resolve(path).unwrap_or_else(|_| self.root.join(path))
    }
}

fn kind_of(metadata: &fs::Metadata) -> Kind {
    if metadata.is_symlink() {
        Kind::Link
    } else if metadata.is_dir() {
        Kind::Folder
    } else if metadata.is_file() {
        Kind::File { size_bytes: metadata.len(), shared: shared_inode(metadata) }
    } else {
        Kind::Special
    }
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

/// Spells a name that is not UTF-8: NUL, which no name on a disk holds, and its bytes in hexadecimal.
fn spell(raw: &std::ffi::OsStr) -> String {
    format!("\0{}", hex::encode(raw.as_encoded_bytes()))
}

/// Gives the name on disk of one part of a path.
#[cfg(unix)]
fn raw_name(part: &str) -> io::Result<std::ffi::OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    match part.strip_prefix('\0') {
        Some(digits) => hex::decode(digits).map(std::ffi::OsString::from_vec).map_err(|_| io::ErrorKind::InvalidInput.into()),
        None => Ok(part.into()),
    }
}

/// Gives the name on disk of one part of a path; names that are not Unicode cannot be asked for here.
#[cfg(not(unix))]
fn raw_name(part: &str) -> io::Result<std::ffi::OsString> {
    if part.starts_with('\0') { Err(io::ErrorKind::Unsupported.into()) } else { Ok(part.into()) }
}

fn sort(entries: &mut [Entry]) {
    entries.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
}

/// Reads a small file to its end; `Ok(None)` when it holds more than `limit_bytes`.
pub fn read_limited(tree: &dyn Tree, path: &str, limit_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    tree.open(path)?.take(limit_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit_bytes).then_some(bytes))
}

/// Joins two relative paths with `/`.
#[must_use]
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
