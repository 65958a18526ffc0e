//! ALZ, the archive of ALZip 1 to 7: records with four-byte marks, members stored, deflated or packed by a changed bzip2. No standard is published; the
//! layout is known from free programs. The changed bzip2 is not read: such members are named.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::checked::Checked;
use super::member::{Tally, Writing, dos_time};
use super::zip_directory::{u16_at, u32_at};
use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    if source.at(0, 4)? != b"ALZ\x01" {
        return sink.finding(Finding::new(Code::Damaged, "The file does not begin as an ALZ archive does."));
    }
    let mut tally = Tally::default();
    let mut offset = 8_u64;
    let mut is_ended = false;
    while offset < source.size_bytes() {
        let mark = source.at(offset, 4)?;
        match mark.as_slice() {
            b"BLZ\x01" => match member(source, offset + 4, &mut tally, sink)? {
                Some(next) => offset = next,
                None => break,
            },
            b"CLZ\x01" | b"CLZ\x02" => {
                is_ended = true;
                break;
            }
            _ => {
                sink.finding(Finding::new(Code::PartDamaged, "No member begins here.").at(format!("offset {offset}")))?;
                break;
            }
        }
    }
    if !is_ended {
        sink.finding(Finding::new(Code::Truncated, "The archive has no end; it may be one part of several."))?;
    }
    tally.finish(sink)
}

/// Reads a member after its mark and says where the next record begins; nothing when the header is cut off.
fn member(source: &mut Source<'_>, offset: u64, tally: &mut Tally, sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let head = source.at(offset, 9 + 6 + 16)?;
    let (Some(name_bytes), Some(attributes), Some(stamp), Some(descriptor)) = (u16_at(&head, 0), head.get(2), u32_at(&head, 3), head.get(7)) else {
        return Ok(None);
    };
    let width = usize::from(descriptor >> 4);
    let (mut method, mut crc, mut packed, mut size, mut place) = (0, 0, 0_u64, 0_u64, 9);
    if width > 0 {
        let wide = |from: usize| {
            head.get(from..from + width).filter(|_| width <= 8).map(|bytes| bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))
        };
        let (Some(own_method), Some(own_crc), Some(own_packed), Some(own_size)) = (head.get(9), u32_at(&head, 11), wide(15), wide(15 + width)) else {
            return Ok(None);
        };
        (method, crc, packed, size, place) = (*own_method, own_crc, own_packed, own_size, 15 + 2 * width);
    }
    let name = source.at(offset + place as u64, usize::from(name_bytes))?;
    let mut begin = offset + place as u64 + u64::from(name_bytes);
    let mut child = tally.child(&name, Writing::Unknown, sink)?;
    child.size_bytes = Some(size);
    child.modified = dos_time(u16::try_from(stamp >> 16).unwrap_or(0), u16::try_from(stamp & 0xFFFF).unwrap_or(0));
    let is_encrypted = descriptor & 1 != 0;
    if is_encrypted {
        begin += 12;
    }
    let next = begin.saturating_add(packed);
    if attributes & 0x10 != 0 {
        tally.folder();
    } else if is_encrypted {
        tally.lost(&child.name, Code::ChildEncrypted, Code::ChildEncrypted.meaning(), sink)?;
    } else {
        source.seek(SeekFrom::Start(begin))?;
        let bytes = BufReader::new(Read::take(&mut *source, packed));
        match method {
            0 => tally.give(child, &mut Checked::new(bytes).with_crc(Some(crc)).with_size(Some(size)), sink)?,
            2 => tally.give(child, &mut Checked::new(flate2::bufread::DeflateDecoder::new(bytes)).with_crc(Some(crc)).with_size(Some(size)), sink)?,
            1 => tally.lost(&child.name, Code::ChildFailed, "it is packed by ALZip's own bzip2, which is not read", sink)?,
            other => tally.lost(&child.name, Code::ChildFailed, format!("compression method {other} is not read"), sink)?,
        }
    }
    Ok(Some(next))
}
