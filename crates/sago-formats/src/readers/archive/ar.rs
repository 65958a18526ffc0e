//! AR: members with headers of 60 bytes; long names of GNU and BSD. Debian packages are such archives.

use std::io::{Read, Seek, SeekFrom};

use super::checked::Checked;
use super::member::{Tally, Writing, unix_time};
use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

const HEADER_BYTES: u64 = 60;
/// Longest table of long names.
const NAMES_BYTES: u64 = 16 << 20;

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    if source.at(0, 8)? != b"!<arch>\n" {
        return sink.finding(Finding::new(Code::Damaged, "The file does not begin as an AR archive does."));
    }
    let mut tally = Tally::default();
    let (mut offset, mut names) = (8_u64, Vec::new());
    while offset < source.size_bytes() {
        let header = source.at(offset, 60)?;
        let size = header.get(48..58).and_then(|digits| std::str::from_utf8(digits).ok()?.trim().parse::<u64>().ok());
        let (Some(mut size), true) = (size, header.ends_with(b"`\n")) else {
            sink.finding(Finding::new(Code::PartDamaged, "No member begins here.").at(format!("offset {offset}")))?;
            break;
        };
        let mut begin = offset + HEADER_BYTES;
        offset = begin.saturating_add(size).saturating_add(size & 1);
        let raw = header[..16].trim_ascii_end();
        let mut name = raw.strip_suffix(b"/").filter(|name| !name.is_empty()).unwrap_or(raw).to_vec();
        match raw {
            b"/" | b"/SYM64/" | b"__.SYMDEF" | b"__.SYMDEF SORTED" => continue,
            b"//" => {
                names = source.at(begin, usize::try_from(size.min(NAMES_BYTES)).unwrap_or(0))?;
                continue;
            }
            _ => {}
        }
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.trim().parse::<usize>().ok();
        if let Some(length) = raw.strip_prefix(b"#1/").and_then(number) {
            name = source.at(begin, length.min(4096))?;
            name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
            begin += length as u64;
            size = size.saturating_sub(length as u64);
        } else if let Some(place) = raw.strip_prefix(b"/").and_then(number) {
            let rest = names.get(place..).unwrap_or_default();
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | 0)).unwrap_or(rest.len());
            name = rest[..end].strip_suffix(b"/").unwrap_or(&rest[..end]).to_vec();
        }
        let mut child = tally.child(&name, Writing::Unknown, sink)?;
        child.size_bytes = Some(size);
        child.modified = number(&header[16..28]).and_then(|seconds| i64::try_from(seconds).ok()).filter(|seconds| *seconds != 0).and_then(unix_time);
        source.seek(SeekFrom::Start(begin))?;
        tally.give(child, &mut Checked::new(Read::take(&mut *source, size)).with_size(Some(size)), sink)?;
    }
    tally.finish(sink)
}
