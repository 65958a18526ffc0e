//! ISO 9660 images (ECMA-119): long names of Joliet (UTF-16) or Rock Ridge where they are; folders walked once each.

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};

use super::checked::Checked;
use super::member::{Tally, Writing, decode_name};
use super::zip_directory::u32_at;
use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

const SECTOR: u64 = 2048;
/// Most volume descriptors that are looked at.
const DESCRIPTORS: u64 = 64;

struct Volume {
    root: (u64, u64),
    block: u64,
    is_joliet: bool,
}

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut volume: Option<Volume> = None;
    for sector in 16..16 + DESCRIPTORS {
        let bytes = source.at(sector * SECTOR, 2048)?;
        if bytes.len() < 2048 || bytes.get(1..6) != Some(b"CD001") || bytes[0] == 255 {
            break;
        }
        let escapes = &bytes[88..91];
        let is_joliet = bytes[0] == 2 && matches!(escapes, b"%/@" | b"%/C" | b"%/E");
        if bytes[0] == 1 && volume.is_none() {
            for (name, from, to) in
                [("iso:volume", 40, 72), ("iso:publisher", 318, 446), ("iso:preparer", 446, 574), ("iso:application", 574, 702), ("iso:created", 813, 829)]
            {
                sink.property(name, decode_name(&bytes[from..to]).0.trim_matches([' ', '\0']).to_owned())?;
            }
        }
        if bytes[0] == 1 && volume.is_none() || is_joliet {
            let block = u64::from(u16::from_le_bytes([bytes[128], bytes[129]])).max(1);
            let root = (u64::from(u32_at(&bytes, 158).unwrap_or(0)) * block, u64::from(u32_at(&bytes, 166).unwrap_or(0)));
            volume = Some(Volume { root, block, is_joliet });
        }
    }
    let Some(volume) = volume else {
        return sink.finding(Finding::new(Code::Damaged, "There is no volume descriptor where ISO 9660 has it."));
    };
    let mut tally = Tally::default();
    let mut seen = HashSet::from([volume.root.0]);
    let mut folders = vec![(volume.root, String::new(), 0_u32)];
    while let Some(((begin, size), path, depth)) = folders.pop() {
        let mut offset = 0_u64;
        let mut pending: Vec<Record> = Vec::new();
        while offset < size {
            let Some(length) = source.at(begin + offset, 1)?.first().copied() else {
                sink.finding(Finding::new(Code::Truncated, "A folder lies beyond the end of the image.").at(path.clone()))?;
                break;
            };
            if length == 0 {
                // Records do not cross sectors: the rest of this one is empty.
                offset = (offset / SECTOR + 1) * SECTOR;
                continue;
            }
            let bytes = source.at(begin + offset, usize::from(length))?;
            offset += u64::from(length);
            let Some(record) = record(&bytes, &volume) else { continue };
            pending.push(record);
        }
        for record in join_extents(pending) {
            let raw = [path.as_bytes(), &record.name].concat();
            if record.is_folder {
                tally.folder();
                if depth >= context.limits.nesting {
                    sink.finding(Finding::new(Code::LimitNesting, Code::LimitNesting.meaning()).at(path.clone()))?;
                } else if record.extents.first().is_some_and(|extent| seen.insert(extent.0)) {
                    let name = decode_name(&raw).0;
                    folders.extend(record.extents.first().map(|extent| (*extent, format!("{name}/"), depth + 1)));
                }
                continue;
            }
            let mut child = tally.child(&raw, if volume.is_joliet { Writing::Utf8 } else { Writing::Unknown }, sink)?;
            if let Some(target) = record.link {
                tally.link(&child.name, "A symbolic link", &decode_name(&target).0, sink)?;
                continue;
            }
            let total = record.extents.iter().map(|extent| extent.1).sum();
            child.size_bytes = Some(total);
            child.modified = record.modified;
            let bytes = Extents { source, extents: record.extents.into_iter(), left: 0 };
            tally.give(child, &mut Checked::new(bytes).with_size(Some(total)), sink)?;
        }
    }
    tally.finish(sink)
}

struct Record {
    name: Vec<u8>,
    extents: Vec<(u64, u64)>,
    is_folder: bool,
    continues: bool,
    modified: Option<String>,
    link: Option<Vec<u8>>,
}

fn record(bytes: &[u8], volume: &Volume) -> Option<Record> {
    let begin = u64::from(u32_at(bytes, 2)?) * volume.block;
    let size = u64::from(u32_at(bytes, 10)?);
    let time = bytes.get(18..25)?;
    let flags = *bytes.get(25)?;
    let name_bytes = usize::from(*bytes.get(32)?);
    let raw = bytes.get(33..33 + name_bytes)?;
    if matches!(raw, [0] | [1]) {
        return None;
    }
    let mut name = raw.to_vec();
    let mut link = None;
    if volume.is_joliet {
        let units = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        name = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into_bytes();
    } else {
        rock_ridge(bytes.get(33 + name_bytes + (1 - name_bytes % 2)..).unwrap_or_default(), &mut name, &mut link);
    }
    let end = name.iter().rposition(|byte| *byte == b';').unwrap_or(name.len());
    name.truncate(end);
    let offset = i32::from(time[6].cast_signed()) * 15;
    let zone = if offset == 0 { "Z".to_owned() } else { format!("{}{:02}:{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 60, offset.abs() % 60) };
    let modified =
        (time[1] > 0).then(|| format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}", 1900 + u16::from(time[0]), time[1], time[2], time[3], time[4], time[5]));
    Some(Record { name, extents: vec![(begin, size)], is_folder: flags & 2 != 0, continues: flags & 0x80 != 0, modified, link })
}

/// Fields of Rock Ridge (IEEE P1282): `NM` the name, `SL` a symbolic link.
fn rock_ridge(mut fields: &[u8], name: &mut Vec<u8>, link: &mut Option<Vec<u8>>) {
    let mut own = Vec::new();
    while let Some(length) = fields.get(2).map(|length| usize::from(*length)).filter(|length| *length >= 4)
        && let Some(field) = fields.get(..length)
    {
        match &field[..2] {
            b"NM" => own.extend_from_slice(field.get(5..).unwrap_or_default()),
            b"SL" => {
                let target = link.get_or_insert_default();
                let mut parts = field.get(5..).unwrap_or_default();
                while let (Some(flags), Some(count)) = (parts.first(), parts.get(1)) {
                    if !target.is_empty() && !target.ends_with(b"/") {
                        target.push(b'/');
                    }
                    match flags & 0x0E {
                        2 => target.push(b'.'),
                        4 => target.extend_from_slice(b".."),
                        8 => target.push(b'/'),
                        _ => target.extend_from_slice(parts.get(2..2 + usize::from(*count)).unwrap_or_default()),
                    }
                    parts = parts.get(2 + usize::from(*count)..).unwrap_or_default();
                }
            }
            _ => {}
        }
        fields = &fields[length..];
    }
    if !own.is_empty() {
        *name = own;
    }
}

/// A large file has several records of the same name, all but the last marked.
fn join_extents(records: Vec<Record>) -> Vec<Record> {
    let mut joined: Vec<Record> = Vec::new();
    for record in records {
        match joined.last_mut() {
            Some(last) if last.continues && last.name == record.name => {
                last.extents.extend(record.extents);
                last.continues = record.continues;
            }
            _ => joined.push(record),
        }
    }
    joined
}

struct Extents<'a, 'b> {
    source: &'a mut Source<'b>,
    extents: std::vec::IntoIter<(u64, u64)>,
    left: u64,
}

impl Read for Extents<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.left == 0 {
            let Some((begin, size)) = self.extents.next() else { return Ok(0) };
            self.source.seek(SeekFrom::Start(begin))?;
            self.left = size;
        }
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.source.read(&mut buffer[..count])?;
        self.left = if count == 0 { 0 } else { self.left - count as u64 };
        Ok(count)
    }
}
