//! TAR: members one after another. Long names of GNU and pax, sparse files of both; links and devices are told.

use std::io::{self, Read, Seek, SeekFrom};

use super::checked::Checked;
use super::member::{Tally, Writing, decode_name, tell, unix_time};
use super::tar_header::{BLOCK, Header, header, pax_records, pieces};
use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Longest extended header or long name.
const EXTENDED_BYTES: u64 = 1 << 20;
/// Most pieces of a sparse file.
const PIECES: usize = 1 << 20;

/// What extended headers have said of the next member.
#[derive(Debug, Clone, Default)]
struct Extended {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    records: Vec<(String, Vec<u8>)>,
}

impl Extended {
    fn value(&self, key: &str) -> Option<&[u8]> {
        self.records.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_slice())
    }

    fn number(&self, key: &str) -> Option<u64> {
        std::str::from_utf8(self.value(key)?).ok()?.parse().ok()
    }
}

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut tally = Tally::default();
    let (mut offset, mut damaged_from) = (0_u64, None);
    let (mut next, mut global) = (Extended::default(), Vec::new());
    let mut is_ended = false;
    while offset < source.size_bytes() {
        let bytes = source.at(offset, BLOCK)?;
        let Some(block) = bytes.first_chunk::<BLOCK>() else { break };
        if block.iter().all(|byte| *byte == 0) {
            is_ended = true;
            break;
        }
        let Some(found) = header(block) else {
            // The next header may be whole: look on, block by block.
            damaged_from.get_or_insert(offset);
            offset += BLOCK as u64;
            continue;
        };
        if let Some(from) = damaged_from.take() {
            sink.finding(Finding::new(Code::PartDamaged, format!("{} bytes are no header.", offset - from)).at(format!("offset {from}")))?;
        }
        offset += BLOCK as u64;
        let mut size = found.size_bytes;
        match found.kind {
            b'x' | b'X' | b'g' | b'L' | b'K' => {
                let value = source.at(offset, usize::try_from(size.min(EXTENDED_BYTES)).unwrap_or(0))?;
                if size > EXTENDED_BYTES {
                    sink.finding(Finding::new(Code::LimitMemory, format!("An extended header has {size} bytes.")))?;
                }
                match found.kind {
                    b'g' => global = pax_records(&value),
                    b'L' => next.name = Some(value.strip_suffix(b"\0").unwrap_or(&value).to_vec()),
                    b'K' => next.link = Some(value.strip_suffix(b"\0").unwrap_or(&value).to_vec()),
                    _ => next.records = pax_records(&value),
                }
            }
            _ => {
                let mut extended = std::mem::take(&mut next);
                extended.records.splice(0..0, global.iter().cloned());
                size = extended.number("size").unwrap_or(size);
                offset = member(source, found, &extended, (offset, size), &mut tally, sink)?;
            }
        }
        offset = offset.saturating_add(size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64));
    }
    if let Some(from) = damaged_from {
        let code = if tally.seen() == 0 { Code::Damaged } else { Code::PartDamaged };
        sink.finding(Finding::new(code, format!("{} bytes are no header.", source.size_bytes() - from)).at(format!("offset {from}")))?;
        if code == Code::Damaged {
            return Ok(());
        }
    } else if !is_ended && offset > source.size_bytes() {
        sink.finding(Finding::new(Code::Truncated, "The archive ends within a member."))?;
    }
    tally.finish(sink)
}

/// Hands on one member; says where its bytes begin, which is later than given when a map of pieces stands before them.
fn member(source: &mut Source<'_>, found: Header, extended: &Extended, place: (u64, u64), tally: &mut Tally, sink: &mut dyn Sink) -> Result<u64, Stop> {
    let (mut begin, size) = place;
    let raw = extended.value("GNU.sparse.name").or(extended.value("path")).map(<[u8]>::to_vec).or_else(|| extended.name.clone()).unwrap_or(found.name);
    let link = extended.value("linkpath").map(<[u8]>::to_vec).or_else(|| extended.link.clone()).unwrap_or(found.link);
    let writing = if extended.value("path").is_some() { Writing::Utf8 } else { Writing::Unknown };
    let mut child = tally.child(&raw, writing, sink)?;
    let target = decode_name(&link).0;
    match found.kind {
        b'5' | b'D' => tally.folder(),
        // Old programs mark folders by the name alone.
        0 | b'0' if raw.ends_with(b"/") => tally.folder(),
        b'1' => tally.link(&child.name, "A hard link", &target, sink)?,
        b'2' => tally.link(&child.name, "A symbolic link", &target, sink)?,
        b'3' | b'4' => tally.link(&child.name, "A device", "", sink)?,
        b'6' => tally.link(&child.name, "A pipe", "", sink)?,
        b'V' => sink.property("tar:volume", child.name)?,
        b'M' => tally.lost(&child.name, Code::ChildMissing, "Its beginning lies in another part of the archive.", sink)?,
        _ => {
            child.modified =
                extended.value("mtime").and_then(|time| std::str::from_utf8(time).ok()?.split('.').next()?.parse().ok()).or(found.modified).and_then(unix_time);
            tell(&mut child, "tar:owner", decode_name(&found.owner).0);
            let mut map = found.pieces;
            let mut real = found.real_bytes;
            if found.has_more_pieces {
                begin = more_pieces(source, begin, &mut map)?;
            }
            let mut packed_begin = begin;
            if extended.value("GNU.sparse.major") == Some(b"1") {
                real = extended.number("GNU.sparse.realsize").or(extended.number("GNU.sparse.size"));
                packed_begin = map_of_1_0(source, begin, size, &mut map)?;
            } else if let Some(list) = extended.value("GNU.sparse.map") {
                real = extended.number("GNU.sparse.size").or(extended.number("GNU.sparse.realsize"));
                let numbers: Vec<u64> = String::from_utf8_lossy(list).split(',').filter_map(|number| number.parse().ok()).collect();
                map = numbers.chunks_exact(2).take(PIECES).map(|pair| (pair[0], pair[1])).collect();
            }
            source.seek(SeekFrom::Start(packed_begin))?;
            let packed = Read::take(&mut *source, size.saturating_sub(packed_begin - begin));
            child.size_bytes = Some(real.unwrap_or(size));
            match real {
                Some(real) => tally.give(child, &mut Checked::new(SparseReader::new(packed, map, real)).with_size(Some(real)), sink)?,
                None => tally.give(child, &mut Checked::new(packed).with_size(Some(size)), sink)?,
            }
        }
    }
    Ok(begin)
}

/// Blocks of further pieces (old GNU): 21 each, and whether another follows.
fn more_pieces(source: &mut Source<'_>, mut offset: u64, map: &mut Vec<(u64, u64)>) -> io::Result<u64> {
    loop {
        let block = source.at(offset, BLOCK)?;
        offset += BLOCK as u64;
        if block.len() < BLOCK || map.len() >= PIECES {
            return Ok(offset);
        }
        map.extend(pieces(&block[..504]));
        if block[504] == 0 {
            return Ok(offset);
        }
    }
}

/// The map of GNU 1.0 stands before the bytes: decimal numbers, a line each, padded to a block. Says where the bytes begin.
fn map_of_1_0(source: &mut Source<'_>, begin: u64, size: u64, map: &mut Vec<(u64, u64)>) -> io::Result<u64> {
    let head = source.at(begin, usize::try_from(size.min(EXTENDED_BYTES)).unwrap_or(0))?;
    let (mut place, mut numbers) = (0, Vec::new());
    let mut wanted = 1;
    while numbers.len() < wanted
        && let Some(length) = head.get(place..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n'))
    {
        let value: u64 = String::from_utf8_lossy(&head[place..place + length]).parse().unwrap_or(0);
        if numbers.is_empty() {
            wanted = usize::try_from(value).unwrap_or(PIECES).min(PIECES) * 2 + 1;
        }
        numbers.push(value);
        place += length + 1;
    }
    *map = numbers.get(1..).unwrap_or_default().chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    Ok(begin + (place.div_ceil(BLOCK) * BLOCK) as u64)
}

/// A sparse file with its holes filled with zeros.
struct SparseReader<R> {
    packed: R,
    map: std::vec::IntoIter<(u64, u64)>,
    piece: Option<(u64, u64)>,
    position: u64,
    size: u64,
}

impl<R: Read> SparseReader<R> {
    fn new(packed: R, map: Vec<(u64, u64)>, size: u64) -> Self {
        let mut map = map.into_iter();
        let piece = map.next();
        Self { packed, map, piece, position: 0, size }
    }
}

impl<R: Read> Read for SparseReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((offset, length)) = self.piece
            && self.position >= offset.saturating_add(length)
        {
            self.piece = self.map.next();
        }
        let most = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = match self.piece {
            Some((offset, length)) if self.position >= offset => {
                let count = most(offset.saturating_add(length).min(self.size).saturating_sub(self.position));
                self.packed.read(&mut buffer[..count])?
            }
            piece => {
                let end = piece.map_or(self.size, |(offset, _)| offset.min(self.size));
                let count = most(end.saturating_sub(self.position));
                buffer[..count].fill(0);
                count
            }
        };
        self.position += count as u64;
        Ok(count)
    }
}
