//! AVI (Microsoft's RIFF): headers of film and streams, the list of descriptions.

use std::io;

use super::{PART_BYTES, StreamKind, Told, Track};
use crate::finding::{Code, Finding};
use crate::source::Source;

const CHUNKS: usize = 100_000;
const DEPTH: usize = 6;

/// Walks the chunks at the top; the film itself is skipped.
pub fn read(source: &mut Source<'_>) -> io::Result<Told> {
    let mut told = Told { is_known: true, ..Told::default() };
    let mut at = 12;
    for _ in 0..CHUNKS {
        let head = source.at(at, 12)?;
        let (Some(kind), Some(length)) = (head.get(..4), le32(&head, 4)) else {
            break;
        };
        let is_wanted = kind == b"LIST" && head.get(8..12).is_some_and(|name| name == b"hdrl" || name == b"INFO") || kind == b"IDIT";
        if is_wanted && u64::from(length) <= PART_BYTES {
            let body = source.at(at + 8, length as usize)?;
            chunk(kind, &body, &mut told, 0);
        }
        let next = at + 8 + u64::from(length) + u64::from(length & 1);
        if next > source.size_bytes() + 1 {
            told.findings.push(Finding::new(Code::Truncated, "A part of the film goes on after the end of the file."));
            break;
        }
        at = next;
    }
    Ok(told)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?)))
}

fn chunk(kind: &[u8], body: &[u8], told: &mut Told, depth: usize) {
    match kind {
        b"LIST" if depth < DEPTH => {
            let mut rest = body.get(4..).unwrap_or_default();
            while let (Some(kind), Some(length)) = (rest.get(..4), le32(rest, 4)) {
                let end = (8 + length as usize).min(rest.len());
                chunk(kind, &rest[8.min(end)..end], told, depth + 1);
                rest = rest.get((end + (length as usize & 1)).min(rest.len())..).unwrap_or_default();
            }
        }
        b"avih" => {
            if let (Some(frame), Some(count)) = (le32(body, 0), le32(body, 16)) {
                told.duration_ms = Some(u64::from(frame) * u64::from(count) / 1_000);
            }
        }
        b"strh" => stream(body, told),
        b"strf" => format(body, told),
        b"strn" => {
            if let Some(track) = told.tracks.last_mut() {
                track.name = Some(crate::readers::guessed(body.split(|byte| *byte == 0).next().unwrap_or_default()));
            }
        }
        b"IDIT" => told.property("avi:IDIT", crate::readers::guessed(body)),
        [b'I', ..] => {
            let text = crate::readers::guessed(body.split(|byte| *byte == 0).next().unwrap_or_default());
            told.property(format!("avi:{}", String::from_utf8_lossy(kind)), text);
        }
        _ => {}
    }
}

fn stream(body: &[u8], told: &mut Told) {
    let kind = match body.get(..4) {
        Some(b"vids") => StreamKind::Video,
        Some(b"auds") => StreamKind::Audio,
        Some(b"txts") => StreamKind::Subtitle,
        _ => StreamKind::Other,
    };
    let mut track = Track { kind, ..Track::default() };
    if let Some(codec) = body.get(4..8).filter(|codec| codec.iter().all(u8::is_ascii_graphic)) {
        track.codec = String::from_utf8_lossy(codec).into_owned();
    }
    if let (StreamKind::Video, Some(scale), Some(rate)) = (kind, le32(body, 20).filter(|scale| *scale > 0), le32(body, 24)) {
        track.rate = Some(f64::from(rate) / f64::from(scale));
    }
    told.tracks.push(track);
}

fn format(body: &[u8], told: &mut Told) {
    let Some(track) = told.tracks.last_mut() else {
        return;
    };
    match track.kind {
        StreamKind::Video => {
            track.size = le32(body, 4).zip(le32(body, 8)).map(|(width, height)| (width, (height as i32).unsigned_abs()));
            if track.codec.is_empty() {
                track.codec = body.get(16..20).map(|codec| String::from_utf8_lossy(codec).into_owned()).unwrap_or_default();
            }
        }
        StreamKind::Audio => {
            track.codec = le16(body, 0).map(|tag| format!("format {tag:#06x}")).unwrap_or_default();
            track.channels = le16(body, 2);
            track.sample_rate = le32(body, 4);
        }
        _ => {}
    }
}
