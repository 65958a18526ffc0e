//! Listing everything under the given sources: no entry is lost, none is counted twice.
//!
//! The walk goes by descriptors of open folders and never follows a link, so a path of any length is reached, a link
//! cannot lead out of the disk, and a folder swapped for a link while we read leads nowhere. Within a folder names come
//! in byte order, folders at their place. Memory: the names of the folders between the source and the current place,
//! at most [`Options::names_in_memory`] for each; the rest of a larger folder is listed again when it is needed.
//! Reading what a file holds is [`super::reader`]'s matter.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::disk::{folder_unreadable, kind_in_words, modified_micros, open_quietly, size_bytes, unreadable};
use super::listing::Names;
use super::reader::Reader;
use super::source::Source;
use super::{Code, Finding, code, name};

/// How many folders deep a source is read unless told otherwise.
pub const MAX_DEPTH: usize = 1_000;

/// How many names of one folder are held in memory unless told otherwise.
pub const NAMES_IN_MEMORY: usize = 1_000_000;

/// How many folders stay open above the current one; those above are closed and opened again on the way back.
const OPEN_FOLDERS: usize = 64;

/// The limits of a walk; what lies beyond is named, never dropped.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Folders within folders; the source itself is at depth 1.
    pub max_depth: usize,
    /// Names of one folder held at a time; more names only cost more listings.
    pub names_in_memory: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_depth: MAX_DEPTH, names_in_memory: NAMES_IN_MEMORY }
    }
}

/// What the walk meets.
///
/// Every entry that is not a folder is exactly one `File` or one `NotTaken`; a folder that cannot be read is one
/// `NotTaken`.
#[derive(Debug)]
pub enum Seen {
    /// A regular file, to be opened and read.
    File(Entry),
    /// Something that cannot or must not be taken, and why.
    NotTaken(Finding),
    /// Something to be told about what is taken, or about an empty folder.
    Note(Finding),
}

/// How many of each the walk has given so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files given out.
    pub files: u64,
    /// Entries not taken.
    pub not_taken: u64,
    /// Notes.
    pub notes: u64,
    /// Folders that were entered, empty ones too.
    pub folders: u64,
}

/// One regular file as the listing saw it. Holds its folder open: keep few at a time.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which of the sources it came from, counted from 0 in the order given.
    pub source: usize,
    /// The path as the disk has it: the source's own name, then down to the file, parted by `/`.
    pub path_bytes: Vec<u8>,
    /// Size when it was listed.
    pub size_bytes: u64,
    /// Time of last change when it was listed, microseconds since 1970 (UTC).
    pub modified_micros: i64,
    /// The file system it lies on.
    pub device: u64,
    /// Its number there; hard-linked names share it.
    pub inode: u64,
    folder: Arc<OwnedFd>,
}

impl Entry {
    /// Opens the file, as it is now, for reading.
    ///
    /// # Errors
    /// A finding when it is gone, may not be read or is no longer a regular file; it then counts as not taken.
    pub fn open(&self) -> Result<Reader, Finding> {
        let name_at = self.path_bytes.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        Reader::open(&*self.folder, &self.path_bytes[name_at..], &self.path_bytes, (self.size_bytes, self.modified_micros))
    }
}

/// The walk over all sources; see [`Seen`].
#[derive(Debug)]
pub struct Walk {
    options: Options,
    sources: Vec<Source>,
    /// Order of work: sources that lie inside others come last.
    order: VecDeque<usize>,
    levels: Vec<Level>,
    /// Path of the folder of the last level.
    path: Vec<u8>,
    source: usize,
    ready: VecDeque<Seen>,
    counts: Counts,
}

/// A folder that is being read.
#[derive(Debug)]
struct Level {
    /// `None`: closed for the time being, or lost.
    folder: Option<Arc<OwnedFd>>,
    identity: (u64, u64),
    path_bytes: usize,
    names: Names,
    was_empty: bool,
}

impl Walk {
    /// Prepares the walk; nothing is read before the first `next`.
    ///
    /// A source may be a folder or a file. A source inside another is read as part of that one.
    pub fn new(sources: &[PathBuf], options: Options) -> Self {
        let mut sources: Vec<Source> = sources.iter().map(|path| Source::find(path)).collect();
        for index in 0..sources.len() {
            sources[index].inside = (0..sources.len()).find(|&other| {
                other != index
                    && sources[index].lies_in(&sources[other])
                    // Of two that are the same, the first counts.
                    && (other < index || !sources[other].lies_in(&sources[index]))
            });
        }
        let (mut inner, outer): (Vec<usize>, Vec<usize>) = (0..sources.len()).partition(|&index| sources[index].inside.is_some());
        // One that was not met from outside is read by itself; then those inside it must still come after it.
        inner.sort_by_key(|&index| sources[index].full().map_or(0, |full| full.components().count()));
        let options = Options { names_in_memory: options.names_in_memory.clamp(1, 1 << 22), ..options };
        Self {
            options,
            sources,
            order: outer.into_iter().chain(inner).collect(),
            levels: Vec::new(),
            path: Vec::new(),
            source: 0,
            ready: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// What was given out so far; at the end these are the sums for the receipt.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Begins the next source; `false` when there is none.
    fn start_source(&mut self) -> bool {
        let Some(index) = self.order.pop_front() else {
            return false;
        };
        self.source = index;
        self.path.clear();
        let source = &self.sources[index];
        if source.met {
            let around = source.inside.map_or_else(String::new, |outer| name::readable(&self.sources[outer].given).text);
            let message = format!("This source was already read as part of “{around}”. Its files are in the deposit once.");
            let finding = Finding::note(&code::LISTED_TWICE, source.name.clone(), message);
            self.ready.push_back(Seen::Note(finding));
            return true;
        }
        let (folder, own_name) = match &source.place {
            Ok(place) => place.clone(),
            Err(errno) => {
                let finding = source.not_found(*errno);
                self.ready.push_back(Seen::NotTaken(finding));
                return true;
            }
        };
        let opened = rustix::fs::openat(CWD, &folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let folder = match opened {
            Ok(folder) => folder,
            Err(errno) => {
                let finding = source.not_found(errno);
                self.ready.push_back(Seen::NotTaken(finding));
                return true;
            }
        };
        let namesake =
            self.sources.iter().enumerate().find(|(other, earlier)| *other < index && !earlier.met && earlier.place.is_ok() && earlier.name == source.name);
        if let Some((_, earlier)) = namesake {
            let message = format!(
                "Two sources end in the same name: “{}” and “{}”. Both are taken; the paths of their items \
                begin alike.",
                name::readable(&earlier.given).text,
                name::readable(&source.given).text
            );
            let finding = Finding::note(&code::SOURCE_NAME_SHARED, source.name.clone(), message);
            self.ready.push_back(Seen::Note(finding));
        }
        self.levels.push(Level { folder: Some(Arc::new(folder)), identity: (0, 0), path_bytes: 0, names: Names::one(&own_name), was_empty: false });
        true
    }

    /// Goes one name further in the current folder, or back to the folder around it.
    fn step(&mut self) {
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        self.path.truncate(level.path_bytes);
        if level.names.is_exhausted()
            && level.names.more
            && let Some(folder) = &level.folder
        {
            let last = std::mem::take(&mut level.names.last);
            let (names, failure) = Names::list(folder, Some(&last), self.options.names_in_memory);
            level.names = names;
            if let Some(errno) = failure {
                let finding = folder_unreadable(&self.path, errno, true);
                self.ready.push_back(Seen::NotTaken(finding));
            }
        }
        match level.names.take() {
            Some(own_name) => self.visit(&own_name),
            None => self.leave(),
        }
    }

    /// Looks at one entry of the current folder.
    fn visit(&mut self, own_name: &[u8]) {
        let Some(level) = self.levels.last() else {
            return;
        };
        // The root of the file system has no name of its own.
        let root = self.levels.len() == 1 && own_name == b".";
        if !root {
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(own_name);
        }
        let path = self.path.clone();
        let (folder, stat) = match self.look(level, own_name) {
            Ok(looked) => looked,
            Err(finding) => return self.ready.push_back(Seen::NotTaken(finding)),
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        let too_deep = kind == FileType::Directory && self.levels.len() > self.options.max_depth;
        if !too_deep {
            self.meet();
        }
        match kind {
            FileType::RegularFile => self.ready.push_back(Seen::File(Entry {
                source: self.source,
                path_bytes: path,
                size_bytes: size_bytes(&stat),
                modified_micros: modified_micros(&stat),
                device: stat.st_dev,
                inode: stat.st_ino,
                folder,
            })),
            FileType::Directory if too_deep => {
                let message = format!(
                    "This folder lies more than {} folders deep, which is the limit. What is in it was not \
                    read and is unknown; deposit this folder by its own path.",
                    self.options.max_depth
                );
                self.not_taken(&code::DEPTH_LIMIT, path, &message);
            }
            FileType::Directory => self.enter(&folder, own_name, path),
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(&*folder, own_name, Vec::new());
                let target = target.map_or_else(|_| "a place that could not be read".to_owned(), |to| format!("“{}”", name::readable(to.as_bytes()).text));
                let message = format!(
                    "This is a symbolic link to {target}. Links are not followed, so that nothing from \
                    outside enters the deposit. Its name and target are kept here; if what it points at \
                    belongs to the deposit, deposit that by its own path."
                );
                self.not_taken(&code::LINK_NOT_FOLLOWED, path, &message);
            }
            kind => {
                let message = format!(
                    "This is {}, which has no content of its own. Its name is kept here; \
                    there is nothing to do.",
                    kind_in_words(kind)
                );
                self.not_taken(&code::SPECIAL_FILE, path, &message);
            }
        }
    }

    /// Asks what an entry of `level` is, without following it; `self.path` is its path.
    fn look(&self, level: &Level, own_name: &[u8]) -> Result<(Arc<OwnedFd>, Stat), Finding> {
        let Some(folder) = level.folder.clone() else {
            let message = "The folder around this entry was moved or replaced while it was being read, so the \
            entry could not be reached. It is named and not kept; make sure that nobody works on the disk and \
            deposit the folder again.";
            return Err(Finding::not_taken(&code::FOLDER_MOVED, self.path.clone(), message));
        };
        match rustix::fs::statat(&*folder, own_name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok((folder, stat)),
            Err(Errno::NOENT) if self.levels.len() == 1 => Err(self.sources[self.source].not_found(Errno::NOENT)),
            Err(Errno::NOENT) => Err(vanished(self.path.clone())),
            Err(errno) => Err(unreadable(&self.path, 0, errno)),
        }
    }

    /// Enters a folder: opens it, lists it and puts it on top of the levels.
    fn enter(&mut self, around: &OwnedFd, own_name: &[u8], path: Vec<u8>) {
        let depth = self.levels.len();
        let opened = open_quietly(around, own_name, OFlags::DIRECTORY).and_then(|folder| {
            let stat = rustix::fs::fstat(&folder)?;
            Ok((folder, stat))
        });
        let (folder, stat) = match opened {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return self.ready.push_back(Seen::NotTaken(vanished(path))),
            // O_DIRECTORY with O_NOFOLLOW answers "not a folder" for a link.
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let message = "This folder was replaced by a file or a symbolic link after it was listed. \
                Links are not followed and nothing of it is kept; make sure that nobody works on the disk and \
                deposit it again.";
                return self.not_taken(&code::FOLDER_MOVED, path, message);
            }
            Err(errno) => {
                return self.ready.push_back(Seen::NotTaken(folder_unreadable(&path, errno, false)));
            }
        };
        if self.levels.len() > 1 && self.levels.last().is_some_and(|level| level.identity.0 != stat.st_dev) {
            let message = "This folder lies on another disk or file system than the folder around it. It is \
            taken all the same; check that it belongs to the deposit.";
            self.ready.push_back(Seen::Note(Finding::note(&code::OTHER_FILESYSTEM, path.clone(), message)));
        }
        let (names, failure) = Names::list(&folder, None, self.options.names_in_memory);
        let was_empty = failure.is_none() && names.is_exhausted();
        if let Some(errno) = failure {
            self.ready.push_back(Seen::NotTaken(folder_unreadable(&path, errno, !names.is_exhausted())));
        }
        self.counts.folders += 1;
        if depth > OPEN_FOLDERS
            && let Some(far) = self.levels.get_mut(depth - OPEN_FOLDERS)
        {
            far.folder = None;
        }
        self.levels.push(Level { folder: Some(Arc::new(folder)), identity: identity(&stat), path_bytes: path.len(), names, was_empty });
    }

    /// Leaves the current folder and makes sure that the one around it is open.
    fn leave(&mut self) {
        let Some(done) = self.levels.pop() else {
            return;
        };
        if done.was_empty {
            let message = "This folder is empty. Its path is kept; ask the sender whether something should be \
            in it.";
            self.ready.push_back(Seen::Note(Finding::note(&code::EMPTY_FOLDER, self.path.clone(), message)));
        }
        let at_source = self.levels.len() == 1;
        let Some(around) = self.levels.last_mut() else {
            return;
        };
        if around.folder.is_some() || at_source {
            return;
        }
        // The way back is taken only if it leads to the very folder we came from.
        around.folder = done.folder.and_then(|folder| {
            let back = open_quietly(&*folder, b"..", OFlags::DIRECTORY).ok()?;
            let stat = rustix::fs::fstat(&back).ok()?;
            (identity(&stat) == around.identity).then(|| Arc::new(back))
        });
        if around.folder.is_none() && around.names.more {
            let path = self.path[..around.path_bytes].to_vec();
            let message = "This folder was moved or replaced while it was being read. Part of what is in it \
            is unknown; make sure that nobody works on the disk and deposit the folder again.";
            self.not_taken(&code::FOLDER_MOVED, path, message);
        }
    }

    /// Marks sources that are the current path, so that they are not read a second time.
    fn meet(&mut self) {
        if self.sources.iter().all(|source| source.inside.is_none()) {
            return;
        }
        let Ok((parent, _)) = &self.sources[self.source].place else {
            return;
        };
        let here = parent.join(OsStr::from_bytes(&self.path));
        for (index, source) in self.sources.iter_mut().enumerate() {
            if index != self.source && source.inside.is_some() && source.full().is_some_and(|full| full == here) {
                source.met = true;
            }
        }
    }

    fn not_taken(&mut self, code: &'static Code, path: Vec<u8>, message: &str) {
        self.ready.push_back(Seen::NotTaken(Finding::not_taken(code, path, message)));
    }
}

impl Iterator for Walk {
    type Item = Seen;

    fn next(&mut self) -> Option<Seen> {
        loop {
            if let Some(seen) = self.ready.pop_front() {
                match &seen {
                    Seen::File(_) => self.counts.files += 1,
                    Seen::NotTaken(_) => self.counts.not_taken += 1,
                    Seen::Note(_) => self.counts.notes += 1,
                }
                return Some(seen);
            }
            if !self.levels.is_empty() {
                self.step();
            } else if !self.start_source() {
                return None;
            }
        }
    }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn vanished(path: Vec<u8>) -> Finding {
    let message = "This was listed and then was no longer there. Nothing of it is kept; make sure that nobody \
    works on the disk and deposit it again.";
    Finding::not_taken(&code::FILE_VANISHED, path, message)
}
