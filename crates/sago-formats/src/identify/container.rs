//! What lies inside a ZIP or OLE2 file, as far as telling its format needs: names, and the beginnings of small files. Bounded, and never a finding: what
//! cannot be looked at is left to the reader.

use std::collections::HashMap;
use std::io::{self, Read};

use flate2::read::DeflateDecoder;

use super::signature::{Inside, REGISTER};
use crate::source::Source;

/// How much of a contained file is looked at.
const PART_BYTES: usize = 128 << 10;
/// How much of a ZIP's directory is looked at.
const DIRECTORY_BYTES: usize = 4 << 20;
/// Longest comment after a ZIP's directory, with the record itself.
const END_BYTES: usize = 22 + 0xffff;
/// Most entries of an OLE2 directory that are looked at.
const ENTRIES: usize = 16_384;
/// Most sectors of a chain that are followed.
const SECTORS: usize = 65_536;

/// Something with named files in it.
trait Container {
    /// Whether there is a file, or for names that end in `/` a folder.
    fn has(&self, name: &str) -> bool;
    /// The beginning and the end of what is looked at of it.
    fn part(&mut self, name: &str) -> io::Result<Vec<u8>>;
}

/// Records that fit what is inside; beaten ones are left in.
pub(super) fn fitting(source: &mut Source<'_>, is_zip: bool) -> io::Result<Vec<usize>> {
    let mut container: Box<dyn Container + '_> = if is_zip {
        Box::new(Zip::open(source)?)
    } else {
        match Ole::open(source)? {
            Some(ole) => Box::new(ole),
            None => return Ok(Vec::new()),
        }
    };
    let mut parts = HashMap::new();
    let mut found = Vec::new();
    for inside in REGISTER.inside.iter().filter(|inside| inside.is_zip == is_zip) {
        if !found.contains(&inside.record) && fits(inside, container.as_mut(), &mut parts)? {
            found.push(inside.record);
        }
    }
    Ok(found)
}

fn fits(inside: &Inside, container: &mut dyn Container, parts: &mut HashMap<&'static str, Vec<u8>>) -> io::Result<bool> {
    if !inside.files.iter().all(|(name, _)| container.has(name)) {
        return Ok(false);
    }
    for (name, sequences) in &inside.files {
        if sequences.is_empty() {
            continue;
        }
        if !parts.contains_key(name) {
            parts.insert(name, container.part(name)?);
        }
        let part = &parts[name];
        if !sequences.iter().all(|sequence| sequence.matches(part, part)) {
            return Ok(false);
        }
    }
    Ok(!inside.files.is_empty())
}

fn number16(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 2).map_or(0, |pair| usize::from(u16::from_le_bytes([pair[0], pair[1]])))
}

fn number32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

struct Zip<'a, 'b> {
    source: &'a mut Source<'b>,
    /// Offsets of local headers by name.
    entries: HashMap<String, u64>,
}

impl<'a, 'b> Zip<'a, 'b> {
    fn open(source: &'a mut Source<'b>) -> io::Result<Self> {
        let mut entries = directory(source)?;
        if entries.is_empty() {
            entries = local_headers(source)?;
        }
        Ok(Self { source, entries })
    }
}

fn directory(source: &mut Source<'_>) -> io::Result<HashMap<String, u64>> {
    let mut entries = HashMap::new();
    let from = source.size_bytes().saturating_sub(END_BYTES as u64);
    let end = source.at(from, END_BYTES)?;
    let Some(place) = memchr::memmem::rfind(&end, b"PK\x05\x06") else { return Ok(entries) };
    let size = number32(&end, place + 12);
    let begin = (from + place as u64).saturating_sub(u64::from(size));
    // Bytes before the archive move all offsets.
    let shift = begin.saturating_sub(u64::from(number32(&end, place + 16)));
    let bytes = source.at(begin, DIRECTORY_BYTES.min(size as usize))?;
    let mut rest = bytes.as_slice();
    while rest.starts_with(b"PK\x01\x02") && rest.len() >= 46 {
        let [name, extra, comment] = [28, 30, 32].map(|at| number16(rest, at));
        let Some(name_bytes) = rest.get(46..46 + name) else { break };
        entries.insert(String::from_utf8_lossy(name_bytes).into_owned(), u64::from(number32(rest, 42)) + shift);
        rest = rest.get(46 + name + extra + comment..).unwrap_or_default();
    }
    Ok(entries)
}

/// Without a directory: the headers before the files, as far as they say where the next is.
fn local_headers(source: &mut Source<'_>) -> io::Result<HashMap<String, u64>> {
    let mut entries = HashMap::new();
    let bytes = source.at(0, DIRECTORY_BYTES)?;
    let mut at = 0;
    while let Some(place) = bytes.get(at..).and_then(|rest| memchr::memmem::find(rest, b"PK\x03\x04")) {
        let header = at + place;
        let name = number16(&bytes, header + 26);
        if let Some(name) = bytes.get(header + 30..header + 30 + name) {
            entries.insert(String::from_utf8_lossy(name).into_owned(), header as u64);
        }
        at = header + 30;
    }
    Ok(entries)
}

impl Container for Zip<'_, '_> {
    fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name) || (name.ends_with('/') && self.entries.keys().any(|entry| entry.starts_with(name)))
    }

    fn part(&mut self, name: &str) -> io::Result<Vec<u8>> {
        let Some(offset) = self.entries.get(name).copied() else { return Ok(Vec::new()) };
        let header = self.source.at(offset, 30)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Ok(Vec::new());
        }
        let data = offset + 30 + number16(&header, 26) as u64 + number16(&header, 28) as u64;
        let packed = self.source.at(data, PART_BYTES)?;
        if number16(&header, 8) != 8 {
            return Ok(packed);
        }
        let mut part = Vec::new();
        // What can be unpacked before a fault is enough.
        let _ = DeflateDecoder::new(packed.as_slice()).take(PART_BYTES as u64).read_to_end(&mut part);
        Ok(part)
    }
}

struct Ole<'a, 'b> {
    source: &'a mut Source<'b>,
    sector_bytes: u64,
    /// Sectors of the allocation table.
    table: Vec<u32>,
    cached: Option<(u32, Vec<u8>)>,
    small_table: Vec<u32>,
    small_content: Vec<u32>,
    /// First sector and size of what lies in the root, by name without control characters.
    streams: HashMap<String, (u32, u64)>,
}

/// Streams shorter than this lie in the small sectors.
const SMALL: u64 = 4096;
const SMALL_SECTOR_BYTES: u64 = 64;

impl<'a, 'b> Ole<'a, 'b> {
    fn open(source: &'a mut Source<'b>) -> io::Result<Option<Self>> {
        let header = source.at(0, 512)?;
        let shift = number16(&header, 30);
        if header.len() < 512 || !matches!(shift, 9 | 12) {
            return Ok(None);
        }
        let sector_bytes = 1_u64 << shift;
        let mut table: Vec<u32> = (0..109).map(|index| number32(&header, 76 + 4 * index)).take_while(|sector| *sector < 0xffff_fff0).collect();
        let mut next = number32(&header, 68);
        for _ in 0..SECTORS {
            if next >= 0xffff_fff0 || table.len() >= SECTORS {
                break;
            }
            let sector = source.at((u64::from(next) + 1) << shift, 1 << shift)?;
            let count = sector.len() / 4;
            if count < 2 {
                break;
            }
            table.extend((0..count - 1).map(|index| number32(&sector, 4 * index)).take_while(|sector| *sector < 0xffff_fff0));
            next = number32(&sector, 4 * (count - 1));
        }
        let mut ole = Self { source, sector_bytes, table, cached: None, small_table: Vec::new(), small_content: Vec::new(), streams: HashMap::new() };
        ole.small_table = ole.chain(number32(&header, 60), SECTORS)?;
        let directory = ole.chain(number32(&header, 48), ENTRIES / 4)?;
        let mut entries = Vec::new();
        for sector in directory {
            entries.extend(ole.sector(sector)?);
        }
        ole.list(&entries)?;
        Ok(Some(ole))
    }

    fn sector(&mut self, sector: u32) -> io::Result<Vec<u8>> {
        self.source.at((u64::from(sector) + 1) * self.sector_bytes, usize::try_from(self.sector_bytes).unwrap_or(512))
    }

    fn chain(&mut self, first: u32, most: usize) -> io::Result<Vec<u32>> {
        let (mut chain, mut sector) = (Vec::new(), first);
        let per_sector = u32::try_from(self.sector_bytes / 4).unwrap_or(128);
        // A chain that runs in a circle ends at the limit.
        while sector < 0xffff_fff0 && chain.len() < most && u64::from(sector) * self.sector_bytes < self.source.size_bytes() {
            chain.push(sector);
            let Some(table) = self.table.get((sector / per_sector) as usize).copied() else { break };
            if self.cached.as_ref().is_none_or(|(cached, _)| *cached != table) {
                self.cached = Some((table, self.sector(table)?));
            }
            let Some((_, bytes)) = &self.cached else { break };
            if bytes.len() < 4 {
                break;
            }
            sector = if bytes.len() > 4 * (sector % per_sector) as usize { number32(bytes, 4 * (sector % per_sector) as usize) } else { u32::MAX };
        }
        Ok(chain)
    }

    /// Only what lies directly in the root: an embedded document has the same names further down.
    fn list(&mut self, entries: &[u8]) -> io::Result<()> {
        let entry = |index: u32| entries.get(index as usize * 128..).and_then(|rest| rest.get(..128));
        let Some(root) = entry(0) else { return Ok(()) };
        self.small_content = self.chain(number32(root, 116), SECTORS)?;
        let mut waiting = vec![number32(root, 76)];
        let mut seen = vec![false; entries.len() / 128];
        while let Some(index) = waiting.pop() {
            let Some(found) = entry(index) else { continue };
            if std::mem::replace(&mut seen[index as usize], true) {
                continue;
            }
            waiting.extend([number32(found, 68), number32(found, 72)]);
            let count = (number16(found, 64).min(64) / 2).saturating_sub(1);
            let units: Vec<u16> = (0..count).map(|unit| u16::from_le_bytes([found[2 * unit], found[2 * unit + 1]])).collect();
            let name = String::from_utf16_lossy(&units);
            let name = name.trim_start_matches(char::is_control).to_owned();
            self.streams.insert(name, (number32(found, 116), u64::from(number32(found, 120))));
        }
        Ok(())
    }
}

impl Container for Ole<'_, '_> {
    fn has(&self, name: &str) -> bool {
        self.streams.contains_key(name)
    }

    fn part(&mut self, name: &str) -> io::Result<Vec<u8>> {
        let Some((first, size)) = self.streams.get(name).copied() else { return Ok(Vec::new()) };
        let wanted = usize::try_from(size).unwrap_or(PART_BYTES).min(PART_BYTES);
        let mut part = Vec::new();
        if size >= SMALL {
            for sector in self.chain(first, PART_BYTES / 512)? {
                if part.len() >= wanted {
                    break;
                }
                part.extend(self.sector(sector)?);
            }
        } else {
            let per_sector = u32::try_from(self.sector_bytes / 4).unwrap_or(128);
            let mut small = first;
            while small < 0xffff_fff0 && part.len() < wanted {
                let at = u64::from(small) * SMALL_SECTOR_BYTES;
                let Some(sector) = usize::try_from(at / self.sector_bytes).ok().and_then(|index| self.small_content.get(index)).copied() else { break };
                let offset = (u64::from(sector) + 1) * self.sector_bytes + at % self.sector_bytes;
                let bytes = self.source.at(offset, 64)?;
                if bytes.is_empty() {
                    break;
                }
                part.extend(bytes);
                let Some(table) = self.small_table.get((small / per_sector) as usize).copied() else { break };
                let table = self.sector(table)?;
                small = if table.is_empty() { u32::MAX } else { number32(&table, 4 * (small % per_sector) as usize) };
            }
        }
        part.truncate(wanted);
        Ok(part)
    }
}
