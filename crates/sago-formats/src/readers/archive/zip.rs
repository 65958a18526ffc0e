//! ZIP: by its central directory, and by its local headers when there is none (PKWARE APPNOTE 6.3.10, Info-ZIP's extra fields).

use std::collections::{HashMap, HashSet};
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::checked::{Checked, damaged};
use super::member::{Tally, dos_time, tell, unix_time};
use super::zip_directory::{Directory, Entry, entries, find, local};
use crate::document::{Child, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Longest target of a symbolic link that is told.
const LINK_BYTES: u64 = 4096;
/// How much is searched at a time for the next local header.
const SCAN_BYTES: usize = 64 << 10;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut tally = Tally::default();
    match find(source)? {
        Some(directory) => by_directory(source, context, &directory, &mut tally, sink)?,
        None => {
            let text = "There is no central directory at the end; members were looked for from the beginning.";
            sink.finding(Finding::new(Code::Truncated, text))?;
            let _names = by_scan(source, 0, &[], &mut tally, sink)?;
            if tally.seen() == 0 {
                return sink.finding(Finding::new(Code::Damaged, "No member was found."));
            }
        }
    }
    tally.finish(sink)
}

fn by_directory(source: &mut Source<'_>, context: &Context<'_>, directory: &Directory, tally: &mut Tally, sink: &mut dyn Sink) -> Result<(), Stop> {
    tally.expect(directory.expected);
    if !directory.comment.is_empty() {
        sink.property("zip:comment", super::member::decode_name(&directory.comment).0)?;
    }
    let most = context.limits.memory_bytes / 4;
    let size = directory.size_bytes.min(source.size_bytes().saturating_sub(directory.offset));
    if size > most {
        return sink.finding(Finding::new(Code::LimitMemory, format!("The directory of the archive has {size} bytes.")).weighing(Severity::Unreadable));
    }
    let bytes = source.at(directory.offset, usize::try_from(size).unwrap_or(usize::MAX))?;
    let (listed, understood) = entries(&bytes, context.limits.children);
    if understood < bytes.len() && (listed.len() as u64) < directory.expected {
        let text = format!("The directory makes no sense after {} of {} entries.", listed.len(), directory.expected);
        sink.finding(Finding::new(Code::PartDamaged, text).at(format!("offset {}", directory.offset + understood as u64)))?;
    }
    if listed.is_empty() && directory.expected > 0 {
        return by_scan(source, directory.prefix_bytes, &[], tally, sink).map(|_| ());
    }
    // A directory that is not where it should be shows bytes before the archive, or only that its offsets are wrong: the members tell which.
    let prefix = directory.prefix_bytes;
    let is_moved = match listed.first() {
        Some(first) if prefix > 0 => local(source, prefix.saturating_add(first.header_offset))?.is_some(),
        _ => prefix > 0,
    };
    if is_moved {
        sink.finding(Finding::new(Code::ActiveContent, format!("{prefix} bytes stand before the archive; they were not read.")))?;
    }
    let directory = &Directory { prefix_bytes: if is_moved { prefix } else { 0 }, ..directory.clone() };
    tally.judge(listed.iter().filter(|entry| entry.unicode_name.is_none()).map(|entry| entry.name.as_slice()));
    let mut taken: Vec<(u64, u64)> = Vec::with_capacity(listed.len());
    let mut missing = Vec::new();
    for entry in listed {
        if !entry.is_folder() && entry.disk == directory.disk && local(source, directory.prefix_bytes.saturating_add(entry.header_offset))?.is_none() {
            missing.push(entry);
        } else if let Some(range) = one(source, directory, &entry, tally, sink)? {
            taken.push(range);
        }
    }
    if !missing.is_empty() {
        let text = format!("The directory points to the wrong place for {} members; they were looked for from the beginning.", missing.len());
        sink.finding(Finding::new(Code::PartDamaged, text))?;
        let found = by_scan(source, 0, &taken, tally, sink)?;
        for entry in missing.iter().filter(|entry| !found.contains(&entry.name)) {
            let child = describe(entry, tally, sink)?;
            tally.lost(&child.name, Code::ChildMissing, "No such member was found.", sink)?;
        }
    }
    // Members that share bytes are how small files are made to unpack to enormous ones.
    taken.sort_unstable();
    let overlapping = taken.windows(2).filter(|pair| pair[1].0 < pair[0].1).count();
    if overlapping > 0 {
        sink.finding(Finding::new(Code::PartDamaged, format!("{overlapping} members share their bytes with others.")))?;
    }
    Ok(())
}

fn one(source: &mut Source<'_>, directory: &Directory, entry: &Entry, tally: &mut Tally, sink: &mut dyn Sink) -> Result<Option<(u64, u64)>, Stop> {
    let child = describe(entry, tally, sink)?;
    if entry.is_folder() {
        tally.folder();
        return Ok(None);
    }
    if entry.disk != directory.disk {
        tally.lost(&child.name, Code::ChildMissing, format!("It lies in part {} of an archive in several parts.", entry.disk + 1), sink)?;
        return Ok(None);
    }
    let offset = directory.prefix_bytes.saturating_add(entry.header_offset);
    let Some((header, begin)) = local(source, offset)? else {
        tally.lost(&child.name, Code::ChildMissing, format!("There is no member at offset {offset}."), sink)?;
        return Ok(None);
    };
    if header.name != entry.name {
        let own = super::member::decode_name(&header.name).0;
        sink.finding(Finding::new(Code::PartDamaged, format!("The member itself is named {own}.")).at(child.name.clone()).weighing(Severity::Note))?;
    }
    if entry.is_encrypted() {
        tally.lost(&child.name, Code::ChildEncrypted, Code::ChildEncrypted.meaning(), sink)?;
        return Ok(None);
    }
    if entry.is_link() && entry.packed_bytes <= LINK_BYTES {
        let mut target = Vec::new();
        let is_read = unpack(source, entry, begin).and_then(|mut bytes| (&mut bytes).take(LINK_BYTES).read_to_end(&mut target)).is_ok();
        let target = if is_read { super::member::decode_name(&target).0 } else { String::new() };
        tally.link(&child.name, "A symbolic link", &target, sink)?;
        return Ok(None);
    }
    give(source, entry, begin, child, tally, sink)?;
    Ok(Some((offset, begin.saturating_add(entry.packed_bytes))))
}

fn describe(entry: &Entry, tally: &mut Tally, sink: &mut dyn Sink) -> Result<Child, Stop> {
    let (raw, writing) = entry.shown_name();
    let mut child = tally.child(raw, writing, sink)?;
    if child.name_bytes.is_none() && entry.name != child.name.as_bytes() {
        child.name_bytes = Some(entry.name.clone());
    }
    child.size_bytes = Some(entry.size_bytes);
    child.modified = entry.unix_seconds.and_then(unix_time).or_else(|| dos_time(entry.date, entry.time));
    tell(&mut child, "zip:comment", super::member::decode_name(&entry.comment).0);
    Ok(child)
}

fn give(source: &mut Source<'_>, entry: &Entry, begin: u64, child: Child, tally: &mut Tally, sink: &mut dyn Sink) -> Result<(), Stop> {
    match unpack(source, entry, begin) {
        Ok(bytes) => tally.give(child, &mut Checked::new(bytes).with_crc(Some(entry.crc)).with_size(Some(entry.size_bytes)), sink),
        Err(error) => tally.lost(&child.name, Code::ChildFailed, error.to_string(), sink),
    }
}

/// The bytes of a member, unpacked; an error when its method is not read.
fn unpack<'a>(source: &'a mut Source<'_>, entry: &Entry, begin: u64) -> io::Result<Box<dyn Read + 'a>> {
    source.seek(SeekFrom::Start(begin))?;
    let mut packed = BufReader::new(source.take(entry.packed_bytes));
    Ok(match entry.method {
        0 => Box::new(packed),
        8 => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        9 => Box::new(deflate64::Deflate64Decoder::with_buffer(packed)),
        12 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
        14 => {
            let mut head = [0; 9];
            packed.read_exact(&mut head)?;
            let dictionary = u32::from_le_bytes([head[5], head[6], head[7], head[8]]);
            let size = if entry.flags & 2 != 0 { u64::MAX } else { entry.size_bytes };
            Box::new(super::compressed::lzma(packed, head[4], dictionary, size)?)
        }
        93 | 20 => Box::new(super::compressed::zstd(packed)?),
        95 => Box::new(super::compressed::xz(packed)),
        other => return Err(damaged(format!("compression method {other} is not read"))),
    })
}

/// Looks for members by their own headers, but those that begin where one was taken; says the names of those it found.
fn by_scan(source: &mut Source<'_>, mut offset: u64, taken: &[(u64, u64)], tally: &mut Tally, sink: &mut dyn Sink) -> Result<HashSet<Vec<u8>>, Stop> {
    let taken: HashMap<u64, u64> = taken.iter().copied().collect();
    let mut names = HashSet::new();
    while let Some(place) = next_header(source, offset)? {
        if let Some(end) = taken.get(&place) {
            offset = (*end).max(place + 4);
            continue;
        }
        let Some((mut entry, begin)) = local(source, place)? else {
            offset = place + 4;
            continue;
        };
        names.insert(entry.name.clone());
        let child = describe(&entry, tally, sink)?;
        let is_open = entry.has_descriptor() && entry.packed_bytes == 0;
        offset = begin.saturating_add(entry.packed_bytes);
        if entry.is_folder() && !is_open {
            tally.folder();
        } else if entry.is_encrypted() {
            tally.lost(&child.name, Code::ChildEncrypted, Code::ChildEncrypted.meaning(), sink)?;
        } else if is_open && entry.method == 8 {
            offset = begin + open_deflated(source, begin, child, tally, sink)?;
        } else if is_open {
            // Without its length it ends where the next member or the directory begins.
            let end = next_header(source, begin)?.unwrap_or(source.size_bytes());
            entry.packed_bytes = end - begin;
            let mut bytes = Checked::new(unpack(source, &entry, begin)?);
            tally.give(child, &mut bytes, sink)?;
            offset = end;
        } else {
            if offset > source.size_bytes() {
                let text = format!("{} of {} packed bytes are there.", source.size_bytes().saturating_sub(begin), entry.packed_bytes);
                sink.finding(Finding::new(Code::PartDamaged, text).at(child.name.clone()))?;
            }
            give(source, &entry, begin, child, tally, sink)?;
        }
    }
    Ok(names)
}

/// Hands on a deflated member whose length stands after it, and says how many packed bytes it had.
fn open_deflated(source: &mut Source<'_>, begin: u64, mut child: Child, tally: &mut Tally, sink: &mut dyn Sink) -> Result<u64, Stop> {
    child.size_bytes = None;
    source.seek(SeekFrom::Start(begin))?;
    let mut bytes = Checked::new(flate2::bufread::DeflateDecoder::new(BufReader::new(source)));
    tally.give(child, &mut bytes, sink)?;
    Ok(bytes.into_inner().total_in())
}

fn next_header(source: &mut Source<'_>, mut offset: u64) -> io::Result<Option<u64>> {
    while offset < source.size_bytes() {
        let bytes = source.at(offset, SCAN_BYTES)?;
        if let Some(place) = bytes.windows(4).position(|four| four == b"PK\x03\x04") {
            return Ok(Some(offset + place as u64));
        }
        offset += (bytes.len() as u64).saturating_sub(3).max(1);
        if bytes.len() < SCAN_BYTES {
            break;
        }
    }
    Ok(None)
}
