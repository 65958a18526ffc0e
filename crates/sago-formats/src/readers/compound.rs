//! Compound files (MS-CFB 3.0): streams in storages. Reads what is left of damaged and cut ones: a table sector that is not there counts as free, a chain
//! ends where the file does, a folder that is not linked is found all the same.
//!
//! The tables are held in memory: at most a hundredth of the file. Nothing else is before a stream is asked for.

use std::collections::HashSet;
use std::io;

use crate::source::Source;

/// What a compound file begins with.
pub(crate) const SIGNATURE: &[u8; 8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// Highest number of a sector that holds data.
const LAST_SECTOR: u32 = 0xFFFF_FFFA;
/// Marks the absence of an entry.
const NONE: u32 = 0xFFFF_FFFF;
/// Length of an entry of the directory.
const ENTRY_BYTES: usize = 128;
/// Most entries that are kept: far more than any document has.
const MOST_ENTRIES: usize = 200_000;
/// Deepest nesting of storages whose names are joined.
const DEPTH: usize = 32;

/// A stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    /// Names of its storages and its own, with `/` between them.
    pub path: String,
    start: u32,
    /// Its length as the directory says.
    pub size_bytes: u64,
}

/// An open compound file.
pub(crate) struct Compound {
    sector_bytes: u64,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini_chain: Vec<u32>,
    mini_cutoff: u64,
    /// All streams, in the order of the directory.
    pub streams: Vec<Stream>,
    /// What was wrong with the tables; empty when nothing was.
    pub troubles: Vec<String>,
}

/// What could be read of a stream, and whether it is all.
pub(crate) struct Content {
    pub bytes: Vec<u8>,
    pub is_whole: bool,
}

impl Compound {
    /// Reads the tables. Nothing when it is no compound file or has no directory.
    pub fn open(source: &mut Source<'_>) -> io::Result<Option<Self>> {
        let header = source.at(0, 512)?;
        if !header.starts_with(SIGNATURE) || header.len() < 512 {
            return Ok(None);
        }
        let sector_bytes = match u16_at(&header, 30) {
            12 => 4096,
            _ => 512,
        };
        let mut compound = Self {
            sector_bytes,
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini_chain: Vec::new(),
            mini_cutoff: u64::from(u32_at(&header, 56)).min(1 << 20),
            streams: Vec::new(),
            troubles: Vec::new(),
        };
        compound.read_fat(source, &header)?;
        let directory = compound.chain(u32_at(&header, 48), &compound.fat);
        let directory = compound.sectors(source, &directory, (MOST_ENTRIES * ENTRY_BYTES) as u64)?.bytes;
        if directory.len() < ENTRY_BYTES {
            return Ok(None);
        }
        let mini_fat = compound.chain(u32_at(&header, 60), &compound.fat);
        let most = source.size_bytes();
        compound.mini_fat = longs(&compound.sectors(source, &mini_fat, most)?.bytes);
        compound.list(&directory);
        Ok(Some(compound))
    }

    fn read_fat(&mut self, source: &mut Source<'_>, header: &[u8]) -> io::Result<()> {
        let most = source.size_bytes() / self.sector_bytes + 1;
        let mut tables = longs(&header[76..512]);
        let mut next = u32_at(header, 68);
        let mut seen = HashSet::new();
        while next < LAST_SECTOR && u64::from(next) < most && seen.insert(next) {
            let mut more = longs(&self.sector(source, next)?);
            next = more.pop().unwrap_or(NONE);
            tables.append(&mut more);
        }
        let mut is_cut = false;
        for table in tables {
            if table > LAST_SECTOR {
                continue;
            }
            let mut sector = longs(&self.sector(source, table)?);
            is_cut |= (sector.len() as u64) < self.sector_bytes / 4;
            sector.resize(usize::try_from(self.sector_bytes / 4).unwrap_or(128), NONE);
            // A table that says more than the file can hold is cut: its entries lead nowhere.
            if self.fat.len() as u64 <= most {
                self.fat.append(&mut sector);
            }
        }
        if is_cut {
            self.troubles.push("A part of the allocation table is not in the file".to_owned());
        }
        Ok(())
    }

    fn sector(&self, source: &mut Source<'_>, number: u32) -> io::Result<Vec<u8>> {
        let offset = (u64::from(number) + 1) * self.sector_bytes;
        source.at(offset, usize::try_from(self.sector_bytes).unwrap_or(4096))
    }

    /// The numbers of a chain; it ends before it would go in a circle.
    fn chain(&self, start: u32, table: &[u32]) -> Vec<u32> {
        let mut chain = Vec::new();
        let mut seen = HashSet::new();
        let mut next = start;
        while next <= LAST_SECTOR && seen.insert(next) {
            chain.push(next);
            let Some(after) = table.get(next as usize) else { break };
            next = *after;
        }
        chain
    }

    fn sectors(&self, source: &mut Source<'_>, chain: &[u32], most: u64) -> io::Result<Content> {
        let mut bytes = Vec::new();
        for number in chain {
            if bytes.len() as u64 >= most {
                break;
            }
            let sector = self.sector(source, *number)?;
            let is_short = (sector.len() as u64) < self.sector_bytes;
            bytes.extend_from_slice(&sector);
            if is_short {
                break;
            }
        }
        let is_whole = bytes.len() as u64 >= most;
        bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(Content { bytes, is_whole })
    }

    fn list(&mut self, directory: &[u8]) {
        let entries: Vec<&[u8]> = directory.chunks_exact(ENTRY_BYTES).take(MOST_ENTRIES).collect();
        let parents = parents(&entries);
        for (index, entry) in entries.iter().enumerate() {
            let size_bytes =
                if self.sector_bytes == 512 { u64::from(u32_at(entry, 120)) } else { u64::from(u32_at(entry, 120)) | u64::from(u32_at(entry, 124)) << 32 };
            match entry[66] {
                5 => self.mini_chain = self.chain(u32_at(entry, 116), &self.fat),
                2 => {
                    let mut path = name(entry);
                    let mut at = index;
                    for _ in 0..DEPTH {
                        let Some(parent) = parents.get(at).copied().flatten().filter(|parent| *parent != 0) else { break };
                        at = parent;
                        path = format!("{}/{path}", name(entries[at]));
                    }
                    self.streams.push(Stream { path, start: u32_at(entry, 116), size_bytes });
                }
                _ => {}
            }
        }
    }

    /// The stream of this path; case does not matter.
    pub fn find(&self, path: &str) -> Option<Stream> {
        self.streams.iter().find(|stream| stream.path.eq_ignore_ascii_case(path)).cloned()
    }

    /// What a stream holds, at most so much.
    pub fn read(&self, source: &mut Source<'_>, stream: &Stream, most: u64) -> io::Result<Content> {
        let wanted = stream.size_bytes.min(most);
        if stream.size_bytes >= self.mini_cutoff {
            let chain = self.chain(stream.start, &self.fat);
            let content = self.sectors(source, &chain, wanted)?;
            return Ok(Content { is_whole: content.is_whole && wanted == stream.size_bytes, ..content });
        }
        let mut bytes = Vec::new();
        for number in self.chain(stream.start, &self.mini_fat) {
            if bytes.len() as u64 >= wanted {
                break;
            }
            let offset = u64::from(number) * 64;
            let Some(sector) = usize::try_from(offset / self.sector_bytes).ok().and_then(|at| self.mini_chain.get(at)) else { break };
            bytes.extend(source.at((u64::from(*sector) + 1) * self.sector_bytes + offset % self.sector_bytes, 64)?);
        }
        let is_whole = bytes.len() as u64 >= stream.size_bytes;
        bytes.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        Ok(Content { bytes, is_whole })
    }
}

/// Which storage each entry lies in.
fn parents(entries: &[&[u8]]) -> Vec<Option<usize>> {
    let mut parents = vec![None; entries.len()];
    let mut seen = HashSet::new();
    for (index, entry) in entries.iter().enumerate() {
        if !matches!(entry[66], 1 | 5) {
            continue;
        }
        let mut waiting = vec![u32_at(entry, 76)];
        while let Some(next) = waiting.pop() {
            let Some(other) = usize::try_from(next).ok().and_then(|next| entries.get(next).map(|entry| (next, entry))) else { continue };
            if next == NONE || !seen.insert(next) {
                continue;
            }
            parents[other.0] = Some(index);
            waiting.push(u32_at(other.1, 68));
            waiting.push(u32_at(other.1, 72));
        }
    }
    parents
}

fn name(entry: &[u8]) -> String {
    let count = usize::from(u16_at(entry, 64)).saturating_sub(2).min(64) / 2;
    let units: Vec<u16> = (0..count).map(|at| u16_at(entry, at * 2)).collect();
    String::from_utf16_lossy(&units)
}

fn longs(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|four| u32_at(four, 0)).collect()
}

/// Two bytes as a number, low byte first; zero when they are not there.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    at.checked_add(2).and_then(|end| bytes.get(at..end)).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]))
}

/// Four bytes as a number, low byte first; zero when they are not there.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    at.checked_add(4).and_then(|end| bytes.get(at..end)).map_or(0, |four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}
