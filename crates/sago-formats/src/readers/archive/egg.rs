//! EGG, the archive of ALZip 8 and later, by ESTsoft's published description: headers with four-byte marks, members in blocks of their own methods.
//! Its own method AZO and solid archives are not read: such members are named.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::checked::{Checked, damaged};
use super::member::{Tally, Writing, decode_name, file_time, tell};
use super::zip_directory::{u16_at, u32_at, u64_at};
use crate::document::{Child, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

const END: u32 = 0x08E2_8222;
const FILE: u32 = 0x0A85_90E3;
const BLOCK: u32 = 0x02B5_0C13;
const NAME: u32 = 0x0A85_91AC;
const COMMENT: u32 = 0x04C6_3672;
const WINDOWS: u32 = 0x2C86_950B;
const POSIX: u32 = 0x1EE9_22E5;
const ENCRYPTED: u32 = 0x08D1_470F;
const SPLIT: u32 = 0x24F5_A262;
const SOLID: u32 = 0x24E5_A060;
/// Longest field that is kept.
const FIELD_BYTES: u64 = 64 << 10;

struct Block {
    method: u8,
    size: u64,
    packed: u64,
    crc: u32,
    begin: u64,
}

#[derive(Default)]
struct Member {
    size: u64,
    name: Vec<u8>,
    is_utf8: bool,
    comment: Vec<u8>,
    modified: Option<String>,
    is_folder: bool,
    is_encrypted: bool,
    blocks: Vec<Block>,
}

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    if source.at(0, 4)? != b"EGGA" {
        return sink.finding(Finding::new(Code::Damaged, "The file does not begin as an EGG archive does."));
    }
    let mut tally = Tally::default();
    let (mut is_solid, mut is_ended) = (false, false);
    let mut offset = 14_u64;
    let mut open: Option<Member> = None;
    while let Some(mark) = u32_at(&source.at(offset, 4)?, 0) {
        match mark {
            // Ends the fields of a header, and, where nothing else can come, the archive.
            END => {
                offset += 4;
                is_ended = offset >= source.size_bytes();
            }
            FILE => {
                if let Some(member) = open.take() {
                    give(source, member, is_solid, &mut tally, sink)?;
                }
                open = Some(Member { size: u64_at(&source.at(offset + 8, 8)?, 0).unwrap_or(0), ..Member::default() });
                offset += 16;
            }
            BLOCK => {
                let head = source.at(offset + 4, 18)?;
                let (Some(method), Some(size), Some(packed), Some(crc)) = (head.first(), u32_at(&head, 2), u32_at(&head, 6), u32_at(&head, 10)) else { break };
                let begin = offset + 22;
                if let Some(member) = &mut open {
                    member.blocks.push(Block { method: *method, size: u64::from(size), packed: u64::from(packed), crc, begin });
                }
                offset = begin.saturating_add(u64::from(packed));
            }
            _ => {
                let head = source.at(offset + 4, 5)?;
                let Some(flags) = head.first() else { break };
                let (length, skip) = if flags & 1 != 0 { (u32_at(&head, 1).map(u64::from), 9) } else { (u16_at(&head, 1).map(u64::from), 7) };
                let Some(length) = length else { break };
                let value = source.at(offset + skip, usize::try_from(length.min(FIELD_BYTES)).unwrap_or(0))?;
                match mark {
                    SOLID => is_solid = true,
                    SPLIT => sink.finding(Finding::new(Code::PartDamaged, "The archive is one part of several; only what lies in this part is read."))?,
                    NAME | COMMENT | WINDOWS | POSIX | ENCRYPTED => field(mark, *flags, &value, open.as_mut()),
                    _ => {
                        sink.finding(Finding::new(Code::PartDamaged, format!("An unknown mark {mark:08x}.")).at(format!("offset {offset}")))?;
                        break;
                    }
                }
                offset = offset.saturating_add(skip).saturating_add(length);
            }
        }
    }
    if let Some(member) = open.take() {
        give(source, member, is_solid, &mut tally, sink)?;
    }
    if !is_ended {
        sink.finding(Finding::new(Code::Truncated, "The archive has no end."))?;
    }
    tally.finish(sink)
}

fn field(mark: u32, flags: u8, value: &[u8], open: Option<&mut Member>) {
    let Some(member) = open else { return };
    match mark {
        NAME => {
            member.is_utf8 = flags & 8 == 0;
            let skip = if flags & 8 != 0 { 2 } else { 0 } + if flags & 16 != 0 { 4 } else { 0 };
            member.name = value.get(skip..).unwrap_or_default().to_vec();
        }
        COMMENT => member.comment = value.to_vec(),
        WINDOWS => {
            member.modified = u64_at(value, 0).and_then(file_time);
            member.is_folder = value.get(8).is_some_and(|attributes| attributes & 0x80 != 0);
        }
        POSIX => member.is_folder = u32_at(value, 0).is_some_and(|mode| mode & 0o170_000 == 0o040_000),
        _ => member.is_encrypted = true,
    }
}

fn give(source: &mut Source<'_>, member: Member, is_solid: bool, tally: &mut Tally, sink: &mut dyn Sink) -> Result<(), Stop> {
    let writing = if member.is_utf8 { Writing::Utf8 } else { Writing::Unknown };
    let (name, name_bytes) = tally.name(&member.name, writing, sink)?;
    let mut child = Child::new(ChildRole::Member, name);
    child.name_bytes = name_bytes;
    child.size_bytes = Some(member.size);
    child.modified = member.modified;
    tell(&mut child, "egg:comment", decode_name(&member.comment).0);
    if member.is_folder && member.blocks.is_empty() {
        tally.folder();
    } else if member.is_encrypted {
        tally.lost(&child.name, Code::ChildEncrypted, Code::ChildEncrypted.meaning(), sink)?;
    } else if is_solid {
        tally.lost(&child.name, Code::ChildFailed, "solid EGG archives are not read", sink)?;
    } else {
        let bytes = Blocks { source, blocks: member.blocks.into_iter(), ready: Vec::new(), at: 0 };
        tally.give(child, &mut Checked::new(bytes).with_size(Some(member.size)), sink)?;
    }
    Ok(())
}

/// A member's blocks one after another, each unpacked in memory: ALZip makes them of a few megabytes at most.
struct Blocks<'a, 'b> {
    source: &'a mut Source<'b>,
    blocks: std::vec::IntoIter<Block>,
    ready: Vec<u8>,
    at: usize,
}

/// Longest unpacked block.
const BLOCK_BYTES: u64 = 256 << 20;

impl Blocks<'_, '_> {
    fn open(&mut self, block: &Block) -> io::Result<()> {
        if block.size > BLOCK_BYTES {
            return Err(damaged(format!("a block of {} bytes is larger than the limit", block.size)));
        }
        self.source.seek(SeekFrom::Start(block.begin))?;
        let mut packed = BufReader::new(Read::take(&mut *self.source, block.packed));
        self.ready.clear();
        self.at = 0;
        let most = block.size + 1;
        match block.method {
            0 => packed.take(most).read_to_end(&mut self.ready)?,
            1 => flate2::bufread::DeflateDecoder::new(packed).take(most).read_to_end(&mut self.ready)?,
            2 => bzip2::bufread::BzDecoder::new(packed).take(most).read_to_end(&mut self.ready)?,
            4 => {
                let mut head = [0; 9];
                packed.read_exact(&mut head)?;
                let dictionary = u32::from_le_bytes([head[5], head[6], head[7], head[8]]);
                super::compressed::lzma(packed, head[4], dictionary, block.size)?.take(most).read_to_end(&mut self.ready)?
            }
            3 => return Err(damaged("it is packed by ALZip's own method AZO, which is not read")),
            other => return Err(damaged(format!("compression method {other} is not read"))),
        };
        if self.ready.len() as u64 != block.size || crc32fast::hash(&self.ready) != block.crc {
            return Err(damaged("length or checksum of a block is wrong: the bytes are damaged"));
        }
        Ok(())
    }
}

impl Read for Blocks<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            let Some(block) = self.blocks.next() else { return Ok(0) };
            self.open(&block)?;
        }
        let count = (self.ready.len() - self.at).min(buffer.len());
        buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
