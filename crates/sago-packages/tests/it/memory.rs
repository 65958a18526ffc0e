//! A tree in memory for tests, as an object store is one: flat names, no folders of its own, no links; with faults that are told beforehand.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sago_packages::tree::{Entry, Kind, Listing, Nest, Tree};

/// What may go wrong with a file while it is read.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The source is lost after so many bytes.
    Lost(usize),
    /// The stream ends after so many bytes without saying that there should be more.
    Cut(usize),
    /// One byte is another.
    Flipped(usize),
}

/// Files by path.
#[derive(Default)]
pub struct MemoryTree {
    pub files: BTreeMap<String, Vec<u8>>,
    /// Files that can be opened but are not listed yet.
    pub unlisted: BTreeSet<String>,
    pub faults: BTreeMap<String, Fault>,
    /// The most a single read gives; 0 for as much as is asked for.
    pub step: usize,
    /// The question, counted from 0, that gets no answer.
    pub silent_at: Option<usize>,
    /// All questions so far, as `open a/b`.
    pub asked: Mutex<Vec<String>>,
}

impl MemoryTree {
    /// Takes up the files of a folder; answers also what only a disk can hold: links and empty folders.
    pub fn load(folder: &Path) -> (Self, Vec<String>) {
        let mut tree = Self::default();
        let mut lost = Vec::new();
        tree.take(folder, "", &mut lost);
        (tree, lost)
    }

    fn take(&mut self, folder: &Path, place: &str, lost: &mut Vec<String>) {
        let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        if entries.is_empty() {
            lost.push(format!("{place}/"));
        }
        for entry in entries {
            let name = entry.file_name().into_string().unwrap();
            let path = if place.is_empty() { name } else { format!("{place}/{name}") };
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                self.take(&entry.path(), &path, lost);
            } else if kind.is_file() {
                self.files.insert(path, std::fs::read(entry.path()).unwrap());
            } else {
                lost.push(path);
            }
        }
    }

    fn ask(&self, what: &str, path: &str) -> io::Result<()> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(format!("{what} {path}"));
        if self.silent_at == Some(asked.len() - 1) { Err(io::Error::other("no answer")) } else { Ok(()) }
    }

    fn nest(&self, folder: &str, ends: &dyn Fn(&str) -> bool) -> io::Result<Listing<'static>> {
        let mut nest = Nest::new(folder, ends);
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        for (path, bytes) in self.files.iter().filter(|(path, _)| path.starts_with(&prefix) && !self.unlisted.contains(*path)) {
            nest.add(path, bytes.len() as u64)?;
        }
        nest.finish()
    }
}

impl Tree for MemoryTree {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        self.ask("list", folder)?;
        self.nest(folder, &|_| false)?.list(folder)
    }

    fn stat(&self, path: &str) -> io::Result<Option<Kind>> {
        self.ask("stat", path)?;
        if let Some(bytes) = self.files.get(path) {
            return Ok(Some(Kind::File { size_bytes: bytes.len() as u64, shared: None }));
        }
        Ok(self.nest(path, &|_| false).is_ok().then_some(Kind::Folder))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        self.ask("open", path)?;
        let mut bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?.clone();
        let step = if self.step == 0 { usize::MAX } else { self.step };
        let mut ending: Option<io::Error> = None;
        match self.faults.get(path).copied() {
            None => {}
            Some(Fault::Lost(after)) => {
                bytes.truncate(after);
                ending = Some(io::Error::new(io::ErrorKind::ConnectionReset, "the source is lost"));
            }
            Some(Fault::Cut(after)) => bytes.truncate(after),
            Some(Fault::Flipped(at)) => bytes[at] ^= 1,
        }
        Ok(Box::new(MemoryFile { bytes: io::Cursor::new(bytes), step, ending }))
    }

    fn place(&self, path: &str) -> PathBuf {
        Path::new("memory:").join(path)
    }

    fn listing(&self, folder: &str, ends: &dyn Fn(&str) -> bool) -> io::Result<Listing<'_>> {
        self.ask("listing", folder)?;
        self.nest(folder, ends)
    }
}

struct MemoryFile {
    bytes: io::Cursor<Vec<u8>>,
    step: usize,
    ending: Option<io::Error>,
}

impl Read for MemoryFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.step);
        match self.bytes.read(&mut buffer[..most])? {
            0 if most > 0 => self.ending.take().map_or(Ok(0), Err),
            count => Ok(count),
        }
    }
}
