//! Matroska and WebM (RFC 9559 on EBML, RFC 8794): tracks, tags, attached files, chapters, subtitles kept as text.

use std::collections::HashMap;
use std::io;

use super::{PART_BYTES, SUBTITLES, StreamKind, Told, Track, utc};
use crate::document::ChildRole;
use crate::finding::{Code, Finding};
use crate::source::Source;

/// Most elements that are looked at in a level.
const ELEMENTS: usize = 2_000_000;
/// 2001-01-01 in seconds since 1970, where Matroska's dates begin.
const EPOCH: i64 = 978_307_200;

/// Walks the segment; clusters are entered only for subtitles.
pub fn read(source: &mut Source<'_>) -> io::Result<Told> {
    let mut told = Told::default();
    let mut state = State { scale_ns: 1_000_000, ..State::default() };
    let size = source.size_bytes();
    let mut at = 0;
    for _ in 0..ELEMENTS {
        let head = source.at(at, 12)?;
        let Some((id, header, length)) = element(&head) else {
            break;
        };
        let body = at + header;
        match id {
            0x1A45_DFA3 => told.is_known = true,
            // A segment is entered, and so is a cluster when there are subtitles; what follows is read as theirs.
            0x1853_8067 => {
                at = body;
                continue;
            }
            0x1F43_B675 if !state.texts.is_empty() || length.is_none() => {
                at = body;
                continue;
            }
            0xE7 => state.cluster = small(source, body, length)?.map_or(0, |bytes| unsigned(&bytes)),
            0xA3 if !state.texts.is_empty() => {
                if let Some(bytes) = small(source, body, length)? {
                    block(&bytes, None, &state, &mut told);
                }
            }
            0xA0 if !state.texts.is_empty() => {
                if let Some(bytes) = small(source, body, length)? {
                    let parts = elements(&bytes);
                    let duration = parts.iter().find(|(id, _)| *id == 0x9B).map(|(_, value)| unsigned(value));
                    if let Some((_, value)) = parts.iter().find(|(id, _)| *id == 0xA1) {
                        block(value, duration, &state, &mut told);
                    }
                }
            }
            0x1549_A966 | 0x1654_AE6B | 0x1254_C367 | 0x1941_A469 | 0x1043_A770 => match loaded(source, body, length)? {
                Some(bytes) => table(id, &bytes, &mut state, &mut told),
                None => told.findings.push(Finding::new(Code::LimitMemory, "A table of the film is too large and was not read.")),
            },
            _ => {}
        }
        let Some(length) = length else {
            break;
        };
        let next = body.saturating_add(length);
        if next > size {
            told.findings.push(Finding::new(Code::Truncated, "A part of the film goes on after the end of the file."));
            break;
        }
        at = next;
        if at >= size {
            break;
        }
    }
    Ok(told)
}

#[derive(Default)]
struct State {
    scale_ns: u64,
    cluster: u64,
    /// Numbers of the tracks whose blocks are text.
    texts: Vec<u64>,
}

/// Identifier, length of the header, length of the body when it is known.
fn element(bytes: &[u8]) -> Option<(u32, u64, Option<u64>)> {
    let first = *bytes.first()?;
    let width = first.leading_zeros() as usize + 1;
    if width > 4 {
        return None;
    }
    let id = bytes.get(..width)?.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    let (length, used) = number(bytes.get(width..)?)?;
    Some((id, (width + used) as u64, length))
}

/// A number of variable width; nothing for the one that says the length is not known.
fn number(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let first = *bytes.first()?;
    let width = first.leading_zeros() as usize + 1;
    if width > 8 {
        return None;
    }
    let mask = if width == 8 { 0 } else { 0xFF_u8 >> width };
    let value = bytes.get(1..width)?.iter().fold(u64::from(first & mask), |sum, byte| sum << 8 | u64::from(*byte));
    let unknown = (1_u64 << (7 * width)) - 1;
    Some(((value != unknown).then_some(value), width))
}

fn elements(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
    let mut found = Vec::new();
    while found.len() < ELEMENTS {
        let Some((id, header, length)) = element(bytes) else {
            break;
        };
        let from = (header as usize).min(bytes.len());
        let end = from.saturating_add(usize::try_from(length.unwrap_or(u64::MAX)).unwrap_or(usize::MAX)).min(bytes.len());
        found.push((id, &bytes[from..end]));
        if end == 0 {
            break;
        }
        bytes = &bytes[end..];
    }
    found
}

fn loaded(source: &mut Source<'_>, at: u64, length: Option<u64>) -> io::Result<Option<Vec<u8>>> {
    match length.filter(|length| *length <= PART_BYTES) {
        Some(length) => source.at(at, length as usize).map(Some),
        None => Ok(None),
    }
}

fn small(source: &mut Source<'_>, at: u64, length: Option<u64>) -> io::Result<Option<Vec<u8>>> {
    match length.filter(|length| *length <= 1 << 20) {
        Some(length) => source.at(at, length as usize).map(Some),
        None => Ok(None),
    }
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => Some(f64::from(f32::from_be_bytes(bytes.try_into().ok()?))),
        8 => Some(f64::from_be_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> String {
    crate::readers::guessed(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
}

fn table(id: u32, bytes: &[u8], state: &mut State, told: &mut Told) {
    match id {
        0x1549_A966 => info(bytes, state, told),
        0x1654_AE6B => {
            for (_, entry) in elements(bytes).into_iter().filter(|(id, _)| *id == 0xAE) {
                track(entry, state, told);
            }
        }
        0x1254_C367 => {
            for (_, tag) in elements(bytes).into_iter().filter(|(id, _)| *id == 0x7373) {
                for (_, simple) in elements(tag).into_iter().filter(|(id, _)| *id == 0x67C8) {
                    let parts: HashMap<u32, &[u8]> = elements(simple).into_iter().collect();
                    if let (Some(name), Some(value)) = (parts.get(&0x45A3), parts.get(&0x4487)) {
                        told.property(format!("matroska:{}", text(name)), text(value));
                    }
                }
            }
        }
        0x1941_A469 => {
            for (_, file) in elements(bytes).into_iter().filter(|(id, _)| *id == 0x61A7) {
                let parts: HashMap<u32, &[u8]> = elements(file).into_iter().collect();
                if let Some(data) = parts.get(&0x465C) {
                    let name = parts.get(&0x466E).map(|name| text(name)).unwrap_or_default();
                    told.files.push((ChildRole::Attachment, name, parts.get(&0x4660).map(|kind| text(kind)), data.to_vec()));
                }
            }
        }
        _ => chapters(bytes, told, 0),
    }
}

fn chapters(bytes: &[u8], told: &mut Told, depth: usize) {
    for (id, body) in elements(bytes) {
        match id {
            0x85 => told.texts.push(("chapter".to_owned(), text(body))),
            0x45B9 | 0xB6 | 0x80 if depth < 8 => chapters(body, told, depth + 1),
            _ => {}
        }
    }
}

fn info(bytes: &[u8], state: &mut State, told: &mut Told) {
    let parts: HashMap<u32, &[u8]> = elements(bytes).into_iter().collect();
    if let Some(scale) = parts.get(&0x2A_D7B1).map(|value| unsigned(value)).filter(|scale| *scale > 0) {
        state.scale_ns = scale;
    }
    if let Some(duration) = parts.get(&0x4489).and_then(|value| float(value)) {
        let ms = duration * state.scale_ns as f64 / 1e6;
        told.duration_ms = (0.0..1e15).contains(&ms).then_some(ms as u64);
    }
    if let Some(time) = parts.get(&0x4461).and_then(|value| utc((unsigned(value) as i64).div_euclid(1_000_000_000) + EPOCH)) {
        told.property("matroska:DateUTC", time);
    }
    for (id, name) in [(0x7BA9, "matroska:Title"), (0x4D80, "matroska:MuxingApp"), (0x5741, "matroska:WritingApp"), (0x7384, "matroska:SegmentFilename")] {
        if let Some(value) = parts.get(&id) {
            told.property(name, text(value));
        }
    }
}

fn track(bytes: &[u8], state: &mut State, told: &mut Told) {
    let parts: HashMap<u32, &[u8]> = elements(bytes).into_iter().collect();
    let kind = match parts.get(&0x83).map(|value| unsigned(value)) {
        Some(1) => StreamKind::Video,
        Some(2) => StreamKind::Audio,
        Some(17) => StreamKind::Subtitle,
        _ => StreamKind::Other,
    };
    let mut track = Track { kind, codec: parts.get(&0x86).map(|value| text(value)).unwrap_or_default(), ..Track::default() };
    track.language = parts.get(&0x22_B59D).or_else(|| parts.get(&0x22_B59C)).map(|value| text(value)).filter(|language| language != "und");
    track.name = parts.get(&0x536E).map(|value| text(value));
    let number = |value: &&[u8]| u32::try_from(unsigned(value)).ok();
    if let Some(video) = parts.get(&0xE0) {
        let video: HashMap<u32, &[u8]> = elements(video).into_iter().collect();
        track.size = video.get(&0xB0).and_then(number).zip(video.get(&0xBA).and_then(number));
        track.rate = parts.get(&0x23_E383).map(|value| unsigned(value)).filter(|ns| *ns > 0).map(|ns| 1e9 / ns as f64);
    }
    if let Some(audio) = parts.get(&0xE1) {
        let audio: HashMap<u32, &[u8]> = elements(audio).into_iter().collect();
        track.sample_rate = audio.get(&0xB5).and_then(|value| float(value)).filter(|rate| (1.0..1e9).contains(rate)).map(|rate| rate as u32);
        track.channels = audio.get(&0x9F).and_then(number);
    }
    // Compressed or encrypted blocks (6D80) are not text as they stand.
    if kind == StreamKind::Subtitle && track.codec.starts_with("S_TEXT") && !parts.contains_key(&0x6D80) {
        state.texts.extend(parts.get(&0xD7).map(|value| unsigned(value)));
    }
    told.tracks.push(track);
}

fn block(bytes: &[u8], duration: Option<u64>, state: &State, told: &mut Told) {
    let Some((Some(number), used)) = number(bytes) else {
        return;
    };
    if !state.texts.contains(&number) {
        return;
    }
    let (Some(offset), Some(body)) = (bytes.get(used..used + 2), bytes.get(used + 3..)) else {
        return;
    };
    if told.subtitles.len() == SUBTITLES {
        return told.findings.push(Finding::new(Code::LimitBlocks, format!("Only the first {SUBTITLES} subtitles were read.")));
    }
    if told.subtitles.len() > SUBTITLES {
        return;
    }
    let offset = i64::from(i16::from_be_bytes([offset[0], offset[1]]));
    let start = u64::try_from(i64::try_from(state.cluster).unwrap_or(i64::MAX).saturating_add(offset)).unwrap_or(0);
    let ms = |units: u64| u64::try_from(u128::from(units) * u128::from(state.scale_ns) / 1_000_000).unwrap_or(u64::MAX);
    let said = text(body);
    if !said.trim().is_empty() {
        told.subtitles.push((ms(start), ms(start.saturating_add(duration.unwrap_or(0))), said));
    }
}
