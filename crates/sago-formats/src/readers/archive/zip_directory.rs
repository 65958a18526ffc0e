//! The central directory of a ZIP file (PKWARE APPNOTE 6.3.10, sections 4.3.12 to 4.3.16): where it is, and its entries.

use std::io;

use super::member::Writing;
use crate::source::Source;

/// Longest comment after the end record, and the record itself.
const END_WINDOW_BYTES: u64 = 65_535 + 22;
/// Shortest entry of the directory.
const ENTRY_BYTES: usize = 46;

/// One member as a directory or a local header describes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    /// The name in UTF-8 from the Info-ZIP Unicode Path field, when it belongs to this name.
    pub(super) unicode_name: Option<Vec<u8>>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) date: u16,
    pub(super) time: u16,
    /// Seconds since 1970 from the extended timestamp field.
    pub(super) unix_seconds: Option<i64>,
    pub(super) crc: u32,
    pub(super) packed_bytes: u64,
    pub(super) size_bytes: u64,
    pub(super) disk: u32,
    /// From the beginning of the archive, which may lie after other bytes.
    pub(super) header_offset: u64,
    pub(super) unix_mode: Option<u32>,
    pub(super) comment: Vec<u8>,
}

impl Entry {
    /// Whether it needs a password: by its flag, or its method (AES).
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0 || self.method == 99
    }

    /// Whether its sizes follow its bytes.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }

    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with(b"/") && self.size_bytes == 0 || self.unix_mode.is_some_and(|mode| mode & 0o170_000 == 0o040_000)
    }

    pub(super) fn is_link(&self) -> bool {
        self.unix_mode.is_some_and(|mode| mode & 0o170_000 == 0o120_000)
    }

    /// The bytes of the name to be shown, and whether they are UTF-8.
    pub(super) fn shown_name(&self) -> (&[u8], Writing) {
        match &self.unicode_name {
            Some(name) => (name, Writing::Utf8),
            None if self.flags & 0x800 != 0 => (&self.name, Writing::Utf8),
            None => (&self.name, Writing::Unknown),
        }
    }

    /// Reads the extra fields: ZIP64 sizes, Unicode path, time. `wide` says which of size, packed size, offset and disk were too large for their fields.
    fn take_extra(&mut self, mut extra: &[u8], is_central: bool) {
        while let (Some(id), Some(size)) = (u16_at(extra, 0), u16_at(extra, 2)) {
            let Some(field) = extra.get(4..4 + usize::from(size)) else { return };
            match id {
                0x0001 => self.take_zip64(field, is_central),
                // The checksum tells whether a program that does not know the field has changed the name since.
                0x7075 if field.first() == Some(&1) && u32_at(field, 1) == Some(crc32fast::hash(&self.name)) => {
                    self.unicode_name = field.get(5..).map(<[u8]>::to_vec)
                }
                0x5455 if field.first().is_some_and(|flags| flags & 1 != 0) => {
                    self.unix_seconds = u32_at(field, 1).map(|seconds| i64::from(seconds.cast_signed()))
                }
                _ => {}
            }
            extra = extra.get(4 + usize::from(size)..).unwrap_or_default();
        }
    }

    fn take_zip64(&mut self, field: &[u8], is_central: bool) {
        let mut place = 0;
        let mut next = |value: &mut u64| {
            if *value == u64::from(u32::MAX)
                && let Some(wide) = u64_at(field, place)
            {
                *value = wide;
                place += 8;
            }
        };
        next(&mut self.size_bytes);
        next(&mut self.packed_bytes);
        if is_central {
            next(&mut self.header_offset);
            if self.disk == u32::from(u16::MAX)
                && let Some(disk) = u32_at(field, place)
            {
                self.disk = disk;
            }
        }
    }
}

/// What the end of the archive says.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    pub(super) expected: u64,
    pub(super) disk: u32,
    pub(super) offset: u64,
    pub(super) size_bytes: u64,
    /// Bytes before the archive's own beginning: a program that unpacks itself.
    pub(super) prefix_bytes: u64,
    pub(super) comment: Vec<u8>,
}

/// Finds the end record and what it points to. Nothing when there is none.
pub(super) fn find(source: &mut Source<'_>) -> io::Result<Option<Directory>> {
    let size = source.size_bytes();
    let start = size.saturating_sub(END_WINDOW_BYTES);
    let tail = source.at(start, usize::try_from(END_WINDOW_BYTES).unwrap_or(usize::MAX))?;
    let Some(place) = (0..tail.len().saturating_sub(21)).rev().find(|place| tail.get(*place..*place + 4) == Some(b"PK\x05\x06")) else {
        return Ok(None);
    };
    let end = tail.get(place..).unwrap_or_default();
    let at = start + place as u64;
    let mut found = Directory {
        expected: u64::from(u16_at(end, 10).unwrap_or(0)),
        disk: u32::from(u16_at(end, 4).unwrap_or(0)),
        size_bytes: u64::from(u32_at(end, 12).unwrap_or(0)),
        offset: u64::from(u32_at(end, 16).unwrap_or(0)),
        prefix_bytes: 0,
        comment: end.get(22..).unwrap_or_default().iter().copied().take(usize::from(u16_at(end, 20).unwrap_or(0))).collect(),
    };
    let mut directory_end = at;
    let locator = source.at(at.saturating_sub(20), 20)?;
    if at >= 20 && locator.starts_with(b"PK\x06\x07") {
        // Its own offset is wrong when bytes were put before the archive: the record then stands right before the locator.
        for offset in [u64_at(&locator, 8).unwrap_or(0), at.saturating_sub(76)] {
            let wide = source.at(offset, 56)?;
            if wide.starts_with(b"PK\x06\x06") && wide.len() == 56 {
                found.disk = u32_at(&wide, 16).unwrap_or(0);
                found.expected = u64_at(&wide, 32).unwrap_or(0);
                found.size_bytes = u64_at(&wide, 40).unwrap_or(0);
                found.offset = u64_at(&wide, 48).unwrap_or(0);
                directory_end = offset;
                break;
            }
        }
    }
    let begins_at_offset = source.at(found.offset, 4)? == b"PK\x01\x02";
    if !begins_at_offset && let Some(begin) = directory_end.checked_sub(found.size_bytes) {
        found.prefix_bytes = begin.saturating_sub(found.offset);
        found.offset = begin;
    }
    Ok(Some(found))
}

/// Reads entries from the bytes of a directory until they end or make no sense; says how many bytes were understood.
pub(super) fn entries(bytes: &[u8], most: u64) -> (Vec<Entry>, usize) {
    let mut entries = Vec::new();
    let mut place = 0;
    while (entries.len() as u64) < most
        && let Some((entry, length)) = central_entry(bytes.get(place..).unwrap_or_default())
    {
        entries.push(entry);
        place += length;
    }
    (entries, place)
}

fn central_entry(bytes: &[u8]) -> Option<(Entry, usize)> {
    if !bytes.starts_with(b"PK\x01\x02") {
        return None;
    }
    let (name, extra, comment) = (u16_at(bytes, 28)?, u16_at(bytes, 30)?, u16_at(bytes, 32)?);
    let (name, extra, comment) = (usize::from(name), usize::from(extra), usize::from(comment));
    let made_by_unix = matches!(bytes.get(5), Some(3 | 19));
    let attributes = u32_at(bytes, 38)?;
    let mut entry = Entry {
        flags: u16_at(bytes, 8)?,
        method: u16_at(bytes, 10)?,
        time: u16_at(bytes, 12)?,
        date: u16_at(bytes, 14)?,
        crc: u32_at(bytes, 16)?,
        packed_bytes: u64::from(u32_at(bytes, 20)?),
        size_bytes: u64::from(u32_at(bytes, 24)?),
        disk: u32::from(u16_at(bytes, 34)?),
        header_offset: u64::from(u32_at(bytes, 42)?),
        unix_mode: (made_by_unix && attributes >> 16 != 0).then_some(attributes >> 16),
        name: bytes.get(ENTRY_BYTES..ENTRY_BYTES + name)?.to_vec(),
        comment: bytes.get(ENTRY_BYTES + name + extra..ENTRY_BYTES + name + extra + comment)?.to_vec(),
        ..Entry::default()
    };
    entry.take_extra(bytes.get(ENTRY_BYTES + name..ENTRY_BYTES + name + extra)?, true);
    Some((entry, ENTRY_BYTES + name + extra + comment))
}

/// A local header and where its bytes begin. Nothing when there is none at this place.
pub(super) fn local(source: &mut Source<'_>, offset: u64) -> io::Result<Option<(Entry, u64)>> {
    let head = source.at(offset, 30)?;
    if head.len() < 30 || !head.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let (name, extra) = (u16_at(&head, 26).unwrap_or(0), u16_at(&head, 28).unwrap_or(0));
    let rest = source.at(offset + 30, usize::from(name) + usize::from(extra))?;
    let mut entry = Entry {
        flags: u16_at(&head, 6).unwrap_or(0),
        method: u16_at(&head, 8).unwrap_or(0),
        time: u16_at(&head, 10).unwrap_or(0),
        date: u16_at(&head, 12).unwrap_or(0),
        crc: u32_at(&head, 14).unwrap_or(0),
        packed_bytes: u64::from(u32_at(&head, 18).unwrap_or(0)),
        size_bytes: u64::from(u32_at(&head, 22).unwrap_or(0)),
        header_offset: offset,
        name: rest.get(..usize::from(name)).unwrap_or(&rest).to_vec(),
        ..Entry::default()
    };
    entry.take_extra(rest.get(usize::from(name)..).unwrap_or_default(), false);
    Ok(Some((entry, offset + 30 + u64::from(name) + u64::from(extra))))
}

pub(super) fn u16_at(bytes: &[u8], place: usize) -> Option<u16> {
    bytes.get(place..)?.first_chunk().map(|chunk| u16::from_le_bytes(*chunk))
}

pub(super) fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

pub(super) fn u64_at(bytes: &[u8], place: usize) -> Option<u64> {
    bytes.get(place..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}
