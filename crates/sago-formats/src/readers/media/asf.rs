//! ASF, Windows Media (Advanced Systems Format specification 1.20.03): the header object.

use std::io;

use super::{PART_BYTES, StreamKind, Told, Track, utc};
use crate::document::ChildRole;
use crate::finding::{Code, Finding};
use crate::source::Source;

/// Seconds between 1601, where Windows' times begin, and 1970.
const EPOCH: i64 = 11_644_473_600;

const FILE: [u8; 4] = [0xA1, 0xDC, 0xAB, 0x8C];
const STREAM: [u8; 4] = [0x91, 0x07, 0xDC, 0xB7];
const DESCRIPTION: [u8; 4] = [0x33, 0x26, 0xB2, 0x75];
const MORE: [u8; 4] = [0x40, 0xA4, 0xD0, 0xD2];
const EXTENSION: [u8; 4] = [0xB5, 0x03, 0xBF, 0x5F];
const LIBRARY: [u8; 4] = [0x94, 0x1C, 0x23, 0x44];
const METADATA: [u8; 4] = [0xEA, 0xCB, 0xF8, 0xC5];
const ENCRYPTION: [[u8; 4]; 2] = [[0xFB, 0xB3, 0x11, 0x22], [0x14, 0xE6, 0x8A, 0x29]];

/// Loads and reads the header.
pub fn read(source: &mut Source<'_>) -> io::Result<Told> {
    let mut told = Told { is_known: true, ..Told::default() };
    let head = source.at(0, 30)?;
    let Some(length) = le64(&head, 16) else {
        told.findings.push(Finding::new(Code::Truncated, "The header is not whole."));
        return Ok(told);
    };
    if length > PART_BYTES {
        told.findings.push(Finding::new(Code::LimitMemory, format!("The header has {length} bytes and was not read.")));
        return Ok(told);
    }
    if length > source.size_bytes() {
        told.findings.push(Finding::new(Code::Truncated, "The header goes on after the end of the file."));
    }
    let header = source.at(30, (length as usize).saturating_sub(30))?;
    objects(&header, &mut told, 0);
    Ok(told)
}

fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn le16(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?)))
}

fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.trim_end_matches('\0').to_owned()
}

fn objects(mut bytes: &[u8], told: &mut Told, depth: usize) {
    while let (Some(id), Some(length)) = (bytes.get(..4).and_then(|id| <[u8; 4]>::try_from(id).ok()), le64(bytes, 16).filter(|length| *length >= 24)) {
        let end = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
        let body = &bytes[24.min(end)..end];
        match id {
            FILE => file(body, told),
            STREAM => stream(body, told),
            DESCRIPTION => description(body, told),
            MORE => more(body, told),
            METADATA | LIBRARY => library(body, told),
            EXTENSION if depth < 4 => objects(body.get(22..).unwrap_or_default(), told, depth + 1),
            id if ENCRYPTION.contains(&id) => told.findings.push(Finding::new(Code::PartEncrypted, "The streams are locked by a rights management system.")),
            _ => {}
        }
        bytes = &bytes[end..];
    }
}

fn file(body: &[u8], told: &mut Told) {
    if let Some(time) = le64(body, 24).filter(|time| *time > 0).and_then(|time| utc(i64::try_from(time / 10_000_000).ok()? - EPOCH)) {
        told.property("asf:creation_time", time);
    }
    if let (Some(duration), Some(preroll)) = (le64(body, 40), le64(body, 56)) {
        told.duration_ms = Some((duration / 10_000).saturating_sub(preroll));
    }
}

fn stream(body: &[u8], told: &mut Told) {
    let data = body.get(54..).unwrap_or_default();
    let mut track = Track::default();
    match body.get(..4) {
        Some([0x40, 0x9E, 0x69, 0xF8]) => {
            track.kind = StreamKind::Audio;
            track.codec = le16(data, 0).map(|tag| format!("format {tag:#06x}")).unwrap_or_default();
            track.channels = le16(data, 2).and_then(|channels| u32::try_from(channels).ok());
            track.sample_rate = le32(data, 4);
        }
        Some([0xC0, 0xEF, 0x19, 0xBC]) => {
            track.kind = StreamKind::Video;
            track.size = le32(data, 0).zip(le32(data, 4));
            track.codec = data.get(27..31).map(|codec| String::from_utf8_lossy(codec).into_owned()).unwrap_or_default();
        }
        _ => {}
    }
    told.tracks.push(track);
}

fn description(body: &[u8], told: &mut Told) {
    let mut at = 10;
    for (index, name) in ["asf:title", "asf:author", "asf:copyright", "asf:description", "asf:rating"].into_iter().enumerate() {
        let length = le16(body, index * 2).unwrap_or(0);
        if let Some(value) = body.get(at..at + length) {
            told.property(name, utf16(value));
        }
        at += length;
    }
}

fn more(body: &[u8], told: &mut Told) {
    let mut at = 2;
    for _ in 0..le16(body, 0).unwrap_or(0) {
        let Some(name) = le16(body, at).and_then(|length| body.get(at + 2..at + 2 + length)) else {
            return;
        };
        at += 2 + name.len();
        let (Some(kind), Some(length)) = (le16(body, at), le16(body, at + 2)) else {
            return;
        };
        let Some(value) = body.get(at + 4..at + 4 + length) else {
            return;
        };
        at += 4 + length;
        attribute(&utf16(name), kind, value, told);
    }
}

fn library(body: &[u8], told: &mut Told) {
    let mut at = 2;
    for _ in 0..le16(body, 0).unwrap_or(0) {
        let (Some(name), Some(kind), Some(length)) = (le16(body, at + 4), le16(body, at + 6), le32(body, at + 8)) else {
            return;
        };
        let from = at + 12;
        let (Some(label), Some(value)) = (body.get(from..from + name), body.get(from + name..(from + name).saturating_add(length as usize))) else {
            return;
        };
        attribute(&utf16(label), kind, value, told);
        at = from + name + length as usize;
    }
}

fn attribute(name: &str, kind: usize, value: &[u8], told: &mut Told) {
    match kind {
        0 if name.eq_ignore_ascii_case("WM/Lyrics") => told.texts.push(("lyrics".to_owned(), utf16(value))),
        0 => told.property(format!("asf:{name}"), utf16(value)),
        1 if name == "WM/Picture" => picture(value, told),
        2..=5 if value.len() <= 8 => told.property(format!("asf:{name}"), value.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)).to_string()),
        _ => {}
    }
}

/// Kind, length, media type and description in UTF-16, picture.
fn picture(value: &[u8], told: &mut Told) {
    let Some(mut rest) = value.get(5..) else {
        return;
    };
    let mut names = Vec::new();
    for _ in 0..2 {
        let end = rest.chunks_exact(2).position(|unit| unit == [0, 0]).map_or(rest.len(), |units| units * 2);
        names.push(utf16(&rest[..end]));
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    if !rest.is_empty() {
        told.files.push((ChildRole::Embedded, "cover".to_owned(), names.into_iter().next(), rest.to_vec()));
    }
}
