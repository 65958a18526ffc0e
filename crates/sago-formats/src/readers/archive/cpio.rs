//! CPIO: the new ASCII kinds (`070701`, `070702`) and the old portable one (`070707`).

use std::io::{Read, Seek, SeekFrom};

use super::checked::Checked;
use super::member::{Tally, Writing, decode_name, unix_time};
use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Longest name.
const NAME_BYTES: u64 = 64 << 10;

struct Header {
    mode: u64,
    modified: u64,
    name_bytes: u64,
    size_bytes: u64,
    length: u64,
    align: u64,
}

fn header(bytes: &[u8]) -> Option<Header> {
    let field = |from: usize, count: usize, radix: u32| u64::from_str_radix(std::str::from_utf8(bytes.get(from..from + count)?).ok()?, radix).ok();
    let hex = |index: usize| field(6 + index * 8, 8, 16);
    if bytes.starts_with(b"070701") || bytes.starts_with(b"070702") {
        return Some(Header { mode: hex(1)?, modified: hex(5)?, size_bytes: hex(6)?, name_bytes: hex(11)?, length: 110, align: 4 });
    }
    if bytes.starts_with(b"070707") {
        return Some(Header {
            mode: field(18, 6, 8)?,
            modified: field(48, 11, 8)?,
            name_bytes: field(59, 6, 8)?,
            size_bytes: field(65, 11, 8)?,
            length: 76,
            align: 1,
        });
    }
    None
}

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut tally = Tally::default();
    let mut offset = 0_u64;
    let mut is_ended = false;
    while offset < source.size_bytes() {
        let Some(found) = header(&source.at(offset, 110)?) else { break };
        let mut name = source.at(offset + found.length, usize::try_from(found.name_bytes.min(NAME_BYTES)).unwrap_or(0))?;
        name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
        let begin = (offset + found.length + found.name_bytes).next_multiple_of(found.align);
        offset = begin.saturating_add(found.size_bytes);
        offset = offset.checked_next_multiple_of(found.align).unwrap_or(offset);
        if name == b"TRAILER!!!" {
            is_ended = true;
            break;
        }
        let mut child = tally.child(&name, Writing::Unknown, sink)?;
        child.modified = i64::try_from(found.modified).ok().and_then(unix_time);
        child.size_bytes = Some(found.size_bytes);
        match found.mode & 0o170_000 {
            0o040_000 => tally.folder(),
            0o120_000 => {
                let target = source.at(begin, usize::try_from(found.size_bytes.min(4096)).unwrap_or(0))?;
                tally.link(&child.name, "A symbolic link", &decode_name(&target).0, sink)?;
            }
            0o020_000 | 0o060_000 | 0o010_000 | 0o140_000 => tally.link(&child.name, "A device", "", sink)?,
            _ => {
                source.seek(SeekFrom::Start(begin))?;
                tally.give(child, &mut Checked::new(Read::take(&mut *source, found.size_bytes)).with_size(Some(found.size_bytes)), sink)?;
            }
        }
    }
    if !is_ended {
        let code = if tally.seen() == 0 { Code::Damaged } else { Code::Truncated };
        sink.finding(Finding::new(code, "The archive has no end.").at(format!("offset {offset}")))?;
        if code == Code::Damaged {
            return Ok(());
        }
    }
    tally.finish(sink)
}
