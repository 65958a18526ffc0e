//! The node database (MS-PST 2.2): header, pages of the two B-trees, blocks. ANSI, Unicode, and the Unicode form with pages of 4096 bytes (OST).

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};

use super::coding;
use crate::source::Source;

/// Deepest B-tree that is followed.
const LEVELS: usize = 16;
/// Pages that are kept.
const CACHED_PAGES: usize = 4096;
/// Largest block of any kind, unpacked.
const BLOCK_BYTES: u64 = 64 << 10;
/// Most entries of a subnode tree.
const SUBNODES: usize = 1_000_000;

/// Which layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Ansi,
    Unicode,
    Unicode4k,
}

/// A node: a folder, a message, a table.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Node {
    pub(super) id: u32,
    pub(super) data: u64,
    pub(super) subnodes: u64,
    pub(super) parent: u32,
}

impl Node {
    /// The five low bits of its id (MS-PST 2.2.2.1).
    pub(super) fn kind(&self) -> u32 {
        self.id & 0x1F
    }
}

/// A node inside a node: its data and its own subnodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subnode {
    pub(super) data: u64,
    pub(super) subnodes: u64,
}

pub(super) struct File<'a, 'b> {
    source: &'a mut Source<'b>,
    pub(super) form: Form,
    coding: u8,
    blocks_root: u64,
    nodes_root: u64,
    pages: HashMap<u64, Vec<u8>>,
    memory_bytes: u64,
    /// Pages that could not be read, with their offsets.
    pub(super) damaged_pages: Vec<u64>,
}

/// Why a file cannot be opened.
pub(super) enum Refused {
    NotPst,
    Version(u16),
    Coding(u8),
    Io(io::Error),
}

impl<'a, 'b> File<'a, 'b> {
    pub(super) fn open(source: &'a mut Source<'b>, memory_bytes: u64) -> Result<Self, Refused> {
        let head = source.at(0, 564).map_err(Refused::Io)?;
        if !head.starts_with(b"!BDN") || head.len() < 564 {
            return Err(Refused::NotPst);
        }
        let version = u16_at(&head, 10);
        let form = match version {
            14 | 15 => Form::Ansi,
            23..=35 => Form::Unicode,
            36..=64 => Form::Unicode4k,
            other => return Err(Refused::Version(other)),
        };
        let (nodes_root, blocks_root, coding) = match form {
            Form::Ansi => (u64::from(u32_at(&head, 188)), u64::from(u32_at(&head, 196)), head[461]),
            _ => (u64_at(&head, 224), u64_at(&head, 240), head[513]),
        };
        if coding > 2 {
            return Err(Refused::Coding(coding));
        }
        Ok(Self { source, form, coding, blocks_root, nodes_root, pages: HashMap::new(), memory_bytes, damaged_pages: Vec::new() })
    }

    fn wide(&self) -> usize {
        if self.form == Form::Ansi { 4 } else { 8 }
    }

    /// A number of four or eight bytes: ids and offsets.
    fn number(&self, bytes: &[u8], place: usize) -> u64 {
        if self.form == Form::Ansi { u64::from(u32_at(bytes, place)) } else { u64_at(bytes, place) }
    }

    /// A page's level and its entries; nothing when it is damaged.
    fn page(&mut self, offset: u64, kind: u8) -> io::Result<Option<(u8, Vec<Vec<u8>>)>> {
        if !self.pages.contains_key(&offset) {
            if self.pages.len() >= CACHED_PAGES {
                self.pages.clear();
            }
            let size = if self.form == Form::Unicode4k { 4096 } else { 512 };
            let bytes = self.source.at(offset, size)?;
            self.pages.insert(offset, bytes);
        }
        let bytes = self.pages.get(&offset).map(Vec::as_slice).unwrap_or_default();
        let (count, entry, level, own, room) = match self.form {
            Form::Ansi => (usize::from(u8_at(bytes, 496)), u8_at(bytes, 498), u8_at(bytes, 499), u8_at(bytes, 500), 496),
            Form::Unicode => (usize::from(u8_at(bytes, 488)), u8_at(bytes, 490), u8_at(bytes, 491), u8_at(bytes, 496), 488),
            Form::Unicode4k => (usize::from(u16_at(bytes, 4056)), u8_at(bytes, 4060), u8_at(bytes, 4061), u8_at(bytes, 4072), 4056),
        };
        let entry = usize::from(entry);
        if own != kind || entry < 3 * self.wide() || count * entry > room || bytes.len() < room {
            if !self.damaged_pages.contains(&offset) && self.damaged_pages.len() < 1000 {
                self.damaged_pages.push(offset);
            }
            return Ok(None);
        }
        Ok(Some((level, bytes[..count * entry].chunks_exact(entry).map(<[u8]>::to_vec).collect())))
    }

    /// All nodes, in the order of their ids. Damaged pages are passed over and kept in `damaged_pages`.
    pub(super) fn nodes(&mut self) -> io::Result<Vec<Node>> {
        let wide = self.wide();
        let mut nodes = Vec::new();
        let mut seen = HashSet::new();
        let mut pending = vec![(self.nodes_root, LEVELS)];
        while let Some((offset, depth)) = pending.pop() {
            if depth == 0 || !seen.insert(offset) {
                continue;
            }
            let Some((level, entries)) = self.page(offset, 0x81)? else { continue };
            for entry in entries.iter().rev().filter(|_| level > 0) {
                pending.push((self.number(entry, 2 * wide), depth - 1));
            }
            for entry in entries.iter().filter(|entry| level == 0 && entry.len() >= 4 * wide) {
                nodes.push(Node {
                    id: u32_at(entry, 0),
                    data: self.number(entry, wide),
                    subnodes: self.number(entry, 2 * wide),
                    parent: u32_at(entry, 3 * wide),
                });
            }
        }
        Ok(nodes)
    }

    /// Where a block lies and how long it is: stored, unpacked.
    fn place(&mut self, block: u64) -> io::Result<Option<(u64, u16, u16)>> {
        let wide = self.wide();
        let wanted = block & !1;
        let mut offset = self.blocks_root;
        for _ in 0..LEVELS {
            let Some((level, entries)) = self.page(offset, 0x80)? else { return Ok(None) };
            if level == 0 {
                let found = entries.iter().find(|entry| self.number(entry, 0) & !1 == wanted);
                return Ok(found.map(|entry| {
                    let stored = u16_at(entry, 2 * wide);
                    let unpacked = if self.form == Form::Unicode4k { u16_at(entry, 2 * wide + 2) } else { stored };
                    (self.number(entry, wide), stored, unpacked)
                }));
            }
            let Some(next) = entries.iter().rev().find(|entry| self.number(entry, 0) & !1 <= wanted) else { return Ok(None) };
            offset = self.number(next, 2 * wide);
        }
        Ok(None)
    }

    /// A block's bytes; nothing when it is not there.
    fn block(&mut self, id: u64) -> io::Result<Option<Vec<u8>>> {
        let Some((offset, stored, unpacked)) = self.place(id)? else { return Ok(None) };
        let mut bytes = self.source.at(offset, usize::from(stored))?;
        if bytes.len() < usize::from(stored) {
            return Ok(None);
        }
        if self.form == Form::Unicode4k && stored != unpacked {
            let mut out = Vec::new();
            if flate2::read::ZlibDecoder::new(bytes.as_slice()).take(BLOCK_BYTES).read_to_end(&mut out).is_err() {
                return Ok(None);
            }
            bytes = out;
        }
        // Inner blocks, which only hold ids, are never encoded.
        if id & 2 == 0 {
            match self.coding {
                1 => coding::permuted(&mut bytes),
                2 => coding::cyclic(&mut bytes, id),
                _ => {}
            }
        }
        Ok(Some(bytes))
    }

    /// The blocks of a data tree, in order. Nothing when one is missing or all are longer than the limit.
    pub(super) fn data(&mut self, id: u64) -> io::Result<Option<Vec<Vec<u8>>>> {
        if id == 0 {
            return Ok(Some(Vec::new()));
        }
        let mut blocks = Vec::new();
        let mut total = 0_u64;
        let mut pending = vec![(id, 3_u8)];
        while let Some((id, depth)) = pending.pop() {
            let Some(bytes) = self.block(id)? else { return Ok(None) };
            total += bytes.len() as u64 + 8;
            if total > self.memory_bytes || depth == 0 {
                return Ok(None);
            }
            if id & 2 == 0 {
                blocks.push(bytes);
                continue;
            }
            if u8_at(&bytes, 0) != 1 {
                return Ok(None);
            }
            let wide = self.wide();
            let ids = bytes.get(8..).unwrap_or_default().chunks_exact(wide).take(usize::from(u16_at(&bytes, 2)));
            let ids: Vec<u64> = ids.map(|own| self.number(own, 0)).collect();
            pending.extend(ids.into_iter().rev().map(|id| (id, depth - 1)));
        }
        Ok(Some(blocks))
    }

    /// The subnodes of a node by their ids.
    pub(super) fn subnodes(&mut self, id: u64) -> io::Result<HashMap<u32, Subnode>> {
        let mut found = HashMap::new();
        let wide = self.wide();
        let mut pending = vec![(id, 3_u8)];
        let mut visited = 0_usize;
        while let Some((id, depth)) = pending.pop() {
            visited += 1;
            if id == 0 || depth == 0 || visited > SUBNODES {
                continue;
            }
            let Some(bytes) = self.block(id)? else { continue };
            if u8_at(&bytes, 0) != 2 {
                continue;
            }
            let entries = bytes.get(if self.form == Form::Ansi { 4 } else { 8 }..).unwrap_or_default();
            let count = usize::from(u16_at(&bytes, 2));
            if u8_at(&bytes, 1) == 0 {
                for entry in entries.chunks_exact(3 * wide).take(count) {
                    found.insert(u32_at(entry, 0), Subnode { data: self.number(entry, wide), subnodes: self.number(entry, 2 * wide) });
                }
            } else {
                pending.extend(entries.chunks_exact(2 * wide).take(count).map(|entry| (self.number(entry, wide), depth - 1)));
            }
        }
        Ok(found)
    }
}

pub(super) fn u8_at(bytes: &[u8], place: usize) -> u8 {
    bytes.get(place).copied().unwrap_or(0)
}

pub(super) fn u16_at(bytes: &[u8], place: usize) -> u16 {
    bytes.get(place..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u16::from_le_bytes(*chunk))
}

pub(super) fn u32_at(bytes: &[u8], place: usize) -> u32 {
    bytes.get(place..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

pub(super) fn u64_at(bytes: &[u8], place: usize) -> u64 {
    bytes.get(place..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}
