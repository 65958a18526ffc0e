//! Compound files (MS-CFB), the file system in a file of old Office, HWP 5, MSG and others: storages, streams, and their bytes.
//!
//! Our own reader, because the maintained crate refuses a file as a whole when its tables are cut or run in circles; this one gives every stream as far as
//! its sectors are there and says which are not whole. All chains are bounded by the number of sectors; all streams together by [`READ_AGAIN`].

mod properties;
mod write;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::little::{slice, u16_at, u32_at, u64_at, utf16};
use crate::finding::{Code, Finding};

pub(crate) use properties::{PropertySet, Value, civil, filetime, tell_summaries};
pub(crate) use write::{Node, write};

/// First bytes of every compound file.
pub(crate) const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Chains end with this.
const END_OF_CHAIN: u32 = 0xffff_fffe;
/// Sector numbers above this have other meanings.
const LAST_SECTOR: u32 = 0xffff_fffa;
/// No entry.
const NO_ENTRY: u32 = 0xffff_ffff;
/// How many times its own size may be read out of a file: many entries can name the same sectors.
const READ_AGAIN: u64 = 32;
/// Small files may always be read out this far.
const READ_FREE_BYTES: u64 = 64 << 20;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// The root storage.
    Root,
    /// A storage: a folder.
    Storage,
    /// A stream: a file.
    Stream,
}

/// An entry of the directory.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its name; may begin with a control character.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Class of the object whose storage it is; zeros when none.
    pub class: [u8; 16],
    /// Entries in a storage, in the order of the directory's tree.
    pub children: Vec<usize>,
    /// Length in bytes as the directory says.
    pub size_bytes: u64,
    first_sector: u32,
    links: [u32; 3],
}

/// Bytes of a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream {
    /// What is there.
    pub bytes: Vec<u8>,
    /// Whether that is all the directory promises.
    pub is_whole: bool,
}

/// A compound file in memory.
pub(crate) struct Compound {
    bytes: Vec<u8>,
    shift: u32,
    mini_cutoff: u64,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini: Vec<u8>,
    entries: Vec<Entry>,
    /// Entries by their storage and their name in lower case.
    names: HashMap<(usize, String), usize>,
    read_bytes: Cell<u64>,
}

impl Compound {
    /// Reads the tables. Nothing when these are not the bytes of a compound file, or no directory can be found; the findings say what is wrong with it.
    pub fn open(bytes: Vec<u8>) -> (Option<Self>, Vec<Finding>) {
        let mut findings = Vec::new();
        let compound = Self::tables(bytes, &mut findings);
        if compound.is_none() {
            findings.push(Finding::new(Code::Damaged, "The file is a compound file without a readable directory."));
        }
        (compound, findings)
    }

    fn tables(bytes: Vec<u8>, findings: &mut Vec<Finding>) -> Option<Self> {
        if !bytes.starts_with(&MAGIC) {
            return None;
        }
        let shift = u32::from(u16_at(&bytes, 30)?);
        if !(7..=20).contains(&shift) {
            return None;
        }
        let mini_cutoff = u64::from(u32_at(&bytes, 56)?).clamp(1, 1 << 20);
        let mut this = Self {
            bytes,
            shift,
            mini_cutoff,
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini: Vec::new(),
            entries: Vec::new(),
            names: HashMap::new(),
            read_bytes: Cell::new(0),
        };
        if !this.read_fat() {
            findings.push(Finding::new(Code::PartDamaged, "The table of sectors is not whole.").at("FAT"));
        }
        let (directory, is_whole) = this.chain(u32_at(&this.bytes, 48)?, None);
        if !is_whole {
            findings.push(Finding::new(Code::PartDamaged, "The directory is not whole.").at("directory"));
        }
        this.read_entries(&directory);
        if this.entries.first().is_none_or(|entry| entry.kind != EntryKind::Root) {
            return None;
        }
        let lost = this.link();
        if lost > 0 {
            findings.push(Finding::new(Code::PartDamaged, format!("{lost} entries hang nowhere in the tree and were put at its root.")).at("directory"));
        }
        let (mini_fat, is_whole_table) = this.chain(u32_at(&this.bytes, 60).filter(|_| u32_at(&this.bytes, 64) != Some(0)).unwrap_or(END_OF_CHAIN), None);
        this.mini_fat = mini_fat.chunks_exact(4).filter_map(|four| u32_at(four, 0)).collect();
        let root = &this.entries[0];
        let (mini, is_whole) = this.chain(root.first_sector, Some(root.size_bytes));
        if !(is_whole && is_whole_table) {
            findings.push(Finding::new(Code::PartDamaged, "The stream of small streams is not whole.").at("ministream"));
        }
        this.mini = mini;
        this.read_bytes.set(0);
        Some(this)
    }

    /// The sector table, from the list in the header and the chain of further lists.
    fn read_fat(&mut self) -> bool {
        let sector_bytes = 1_usize << self.shift;
        let sectors = self.bytes.len().div_ceil(sector_bytes);
        let mut lists: Vec<u32> = (0..109).filter_map(|index| u32_at(&self.bytes, 76 + 4 * index)).collect();
        let mut next = u32_at(&self.bytes, 68).unwrap_or(END_OF_CHAIN);
        let mut seen = HashSet::new();
        let mut is_whole = true;
        while next <= LAST_SECTOR {
            let Some(sector) = self.sector(next).filter(|sector| sector.len() == sector_bytes && seen.insert(next)) else {
                is_whole = false;
                break;
            };
            let numbers = sector.chunks_exact(4).filter_map(|four| u32_at(four, 0));
            let mut numbers: Vec<u32> = numbers.collect();
            next = numbers.pop().unwrap_or(END_OF_CHAIN);
            lists.append(&mut numbers);
            // Some writers end this chain with a free mark or zero.
            if next == 0 || lists.len() > sectors {
                break;
            }
        }
        lists.retain(|number| *number <= LAST_SECTOR);
        let mut fat = Vec::new();
        for number in lists {
            if fat.len() >= sectors {
                break;
            }
            match self.sector(number) {
                Some(sector) => {
                    is_whole &= sector.len() == sector_bytes;
                    fat.extend(sector.chunks_exact(4).filter_map(|four| u32_at(four, 0)));
                    let filled = fat.len().next_multiple_of(sector_bytes / 4);
                    fat.resize(filled, NO_ENTRY);
                }
                None => {
                    is_whole = false;
                    let filled = fat.len() + sector_bytes / 4;
                    fat.resize(filled, NO_ENTRY);
                }
            }
        }
        self.fat = fat;
        is_whole
    }

    fn sector(&self, number: u32) -> Option<&[u8]> {
        let start = usize::try_from((u64::from(number) + 1) << self.shift).ok()?;
        let end = start.checked_add(1 << self.shift)?.min(self.bytes.len());
        self.bytes.get(start..end).filter(|sector| !sector.is_empty())
    }

    /// Bytes of a chain of sectors, up to `size` or to the chain's end, and whether that is whole.
    fn chain(&self, first: u32, size: Option<u64>) -> (Vec<u8>, bool) {
        let most = usize::try_from(size.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let mut next = first;
        let mut count = 0;
        while bytes.len() < most && next <= LAST_SECTOR && self.may_read(1 << self.shift) {
            let Some(sector) = self.sector(next).filter(|_| count <= self.fat.len()) else {
                return (bytes, false);
            };
            bytes.extend_from_slice(&sector[..sector.len().min(most - bytes.len())]);
            count += 1;
            next = match usize::try_from(next).ok().and_then(|index| self.fat.get(index)) {
                Some(next) => *next,
                None => NO_ENTRY,
            };
        }
        let is_whole = match size {
            Some(size) => bytes.len() as u64 == size,
            None => next == END_OF_CHAIN,
        };
        (bytes, is_whole)
    }

    /// Keeps count of what was read, because a small directory can name the same sectors without end.
    fn may_read(&self, count: u64) -> bool {
        let read = self.read_bytes.get() + count;
        self.read_bytes.set(read);
        read <= READ_FREE_BYTES.max(self.bytes.len() as u64 * READ_AGAIN)
    }

    fn read_entries(&mut self, directory: &[u8]) {
        let is_version_3 = u16_at(&self.bytes, 26) == Some(3);
        for entry in directory.chunks_exact(128) {
            let length = usize::from(u16_at(entry, 64).unwrap_or(0)).clamp(2, 64) - 2;
            let kind = match entry[66] {
                1 => EntryKind::Storage,
                2 => EntryKind::Stream,
                5 => EntryKind::Root,
                _ => {
                    // An unused place keeps its number, and is never reached.
                    self.entries.push(Entry {
                        name: String::new(),
                        kind: EntryKind::Stream,
                        class: [0; 16],
                        children: Vec::new(),
                        size_bytes: 0,
                        first_sector: NO_ENTRY,
                        links: [NO_ENTRY; 3],
                    });
                    continue;
                }
            };
            let size_bytes = u64_at(entry, 120).unwrap_or(0);
            self.entries.push(Entry {
                name: utf16(&entry[..length]),
                kind,
                class: slice(entry, 80, 16).and_then(|class| class.try_into().ok()).unwrap_or_default(),
                children: Vec::new(),
                // Older writers leave rubbish in the upper half.
                size_bytes: if is_version_3 { size_bytes & 0xffff_ffff } else { size_bytes },
                first_sector: u32_at(entry, 116).unwrap_or(NO_ENTRY),
                links: [68, 72, 76].map(|at| u32_at(entry, at).unwrap_or(NO_ENTRY)),
            });
        }
    }

    /// Makes lists of children from the trees of siblings; how many entries were in none.
    fn link(&mut self) -> usize {
        let mut is_seen = vec![false; self.entries.len()];
        is_seen[0] = true;
        let mut storages = vec![0_usize];
        while let Some(storage) = storages.pop() {
            let mut children = Vec::new();
            // In-order walk: an entry is put off once to let its left side go first.
            let mut pending = vec![(self.entries[storage].links[2], false)];
            while let Some((number, is_ready)) = pending.pop() {
                let Some(index) = usize::try_from(number).ok().filter(|index| *index < self.entries.len()) else { continue };
                if is_ready {
                    children.push(index);
                    continue;
                }
                if std::mem::replace(&mut is_seen[index], true) || self.entries[index].name.is_empty() {
                    continue;
                }
                let [left, right, _] = self.entries[index].links;
                pending.extend([(right, false), (number, true), (left, false)]);
                if self.entries[index].kind != EntryKind::Stream {
                    storages.push(index);
                }
            }
            self.entries[storage].children = children;
        }
        let lost: Vec<usize> = (0..self.entries.len()).filter(|index| !is_seen[*index] && !self.entries[*index].name.is_empty()).collect();
        let count = lost.len();
        self.entries[0].children.extend(lost);
        for (storage, entry) in self.entries.iter().enumerate() {
            for child in &entry.children {
                self.names.entry((storage, self.entries[*child].name.to_lowercase())).or_insert(*child);
            }
        }
        count
    }

    /// An entry by its number; 0 is the root.
    pub fn entry(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    /// Finds an entry by names separated by `/`, from a storage; letters' case does not count.
    pub fn find(&self, from: usize, path: &str) -> Option<usize> {
        path.split('/').try_fold(from, |storage, name| self.names.get(&(storage, name.to_lowercase())).copied())
    }

    /// Bytes of a stream.
    pub fn stream(&self, index: usize) -> Stream {
        let entry = &self.entries[index];
        if entry.kind != EntryKind::Stream || entry.size_bytes == 0 {
            return Stream { bytes: Vec::new(), is_whole: entry.kind == EntryKind::Stream };
        }
        if entry.size_bytes >= self.mini_cutoff {
            let (bytes, is_whole) = self.chain(entry.first_sector, Some(entry.size_bytes));
            return Stream { bytes, is_whole };
        }
        let size = usize::try_from(entry.size_bytes).unwrap_or(0);
        let mut bytes = Vec::with_capacity(size);
        let mut next = entry.first_sector;
        while bytes.len() < size && self.may_read(64) {
            let Some(index) = usize::try_from(next).ok().filter(|_| next <= LAST_SECTOR) else { break };
            let Some(rest) = index.checked_mul(64).and_then(|start| self.mini.get(start..)).filter(|rest| !rest.is_empty()) else { break };
            bytes.extend_from_slice(&rest[..rest.len().min(64).min(size - bytes.len())]);
            next = self.mini_fat.get(index).copied().unwrap_or(NO_ENTRY);
        }
        let is_whole = bytes.len() == size;
        Stream { bytes, is_whole }
    }

    /// Bytes of a stream by its path from the root; the finding says when it is there and not whole.
    pub fn read(&self, path: &str, findings: &mut Vec<Finding>) -> Option<Vec<u8>> {
        self.read_from(0, path, findings)
    }

    /// The same from a storage.
    pub fn read_from(&self, from: usize, path: &str, findings: &mut Vec<Finding>) -> Option<Vec<u8>> {
        let index = self.find(from, path).filter(|index| self.entries[*index].kind == EntryKind::Stream)?;
        let stream = self.stream(index);
        if !stream.is_whole {
            let text = format!("{} of {} bytes are there.", stream.bytes.len(), self.entries[index].size_bytes);
            findings.push(Finding::new(Code::PartDamaged, text).at(path.trim_start_matches(char::is_control)));
        }
        Some(stream.bytes)
    }

    /// A storage with all it holds, to be written as a file of its own. Deeper than `depth` is left out, and said.
    pub fn node(&self, index: usize, depth: u32, findings: &mut Vec<Finding>) -> Node {
        let entry = &self.entries[index];
        if entry.kind == EntryKind::Stream {
            let stream = self.stream(index);
            if !stream.is_whole {
                let text = format!("{} of {} bytes are there.", stream.bytes.len(), entry.size_bytes);
                findings.push(Finding::new(Code::PartDamaged, text).at(entry.name.trim_start_matches(char::is_control)));
            }
            return Node { name: entry.name.clone(), class: entry.class, bytes: Some(stream.bytes), children: Vec::new() };
        }
        let children = if depth == 0 {
            findings.push(Finding::new(Code::LimitNesting, "Storages inside this one were left out.").at(entry.name.clone()));
            Vec::new()
        } else {
            entry.children.iter().map(|child| self.node(*child, depth - 1, findings)).collect()
        };
        Node { name: entry.name.clone(), class: entry.class, bytes: None, children }
    }
}

#[cfg(test)]
mod tests {
    use super::{Compound, Node, write};

    fn sample() -> Node {
        let leaf = |name: &str, bytes: Vec<u8>| Node { name: name.to_owned(), class: [0; 16], bytes: Some(bytes), children: Vec::new() };
        let inner = Node { name: "속".to_owned(), class: [7; 16], bytes: None, children: vec![leaf("a", vec![1; 100]), leaf("empty", Vec::new())] };
        Node { name: String::new(), class: [0; 16], bytes: None, children: vec![leaf("Large", (0..9000).map(|n| n as u8).collect()), inner] }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (compound, findings) = Compound::open(write(&sample()).unwrap());
        let compound = compound.unwrap();
        assert_eq!(findings, []);
        assert_eq!(compound.stream(compound.find(0, "large").unwrap()).bytes.len(), 9000);
        assert_eq!(compound.stream(compound.find(0, "속/a").unwrap()).bytes, vec![1; 100]);
        assert!(compound.stream(compound.find(0, "속/empty").unwrap()).is_whole);
        assert_eq!(compound.entry(compound.find(0, "속").unwrap()).class, [7; 16]);
        let many = Node {
            children: (0..500).map(|n| Node { name: format!("s{n}"), class: [0; 16], bytes: Some(vec![n as u8; 5000]), children: Vec::new() }).collect(),
            ..sample()
        };
        let (compound, findings) = Compound::open(write(&many).unwrap());
        assert_eq!(findings, []);
        assert_eq!(compound.unwrap().entry(0).children.len(), 500);
    }

    #[test]
    fn a_cut_file_gives_what_is_left() {
        let mut bytes = write(&sample()).unwrap();
        let whole = bytes.len();
        for cut in (0..whole).step_by(97) {
            let (compound, findings) = Compound::open(bytes[..cut].to_vec());
            assert!(compound.is_some() || !findings.is_empty());
        }
        // Every chain runs in a circle.
        let fat = 512 * (1 + u32::from_le_bytes(bytes[76..80].try_into().unwrap()) as usize);
        bytes[fat..fat + 512].fill(0);
        let (compound, findings) = Compound::open(bytes);
        assert!(compound.is_none() || !findings.is_empty());
    }
}
