//! MP4, QuickTime, 3GPP, M4A (ISO/IEC 14496-12, QuickTime File Format): movie, tracks, user data, metadata, timed text.

use std::collections::HashMap;
use std::io;

use super::{PART_BYTES, SUBTITLES, StreamKind, Told, Track, iso_6709, utc};
use crate::finding::{Code, Finding};
use crate::source::Source;

/// Seconds between 1904, where these times begin, and 1970.
const EPOCH: i64 = 2_082_844_800;
const DEPTH: usize = 12;
/// Most boxes at the top of a file, and most of a level.
const BOXES: usize = 200_000;

/// Walks the boxes of the file and loads the movie's tables.
pub fn read(source: &mut Source<'_>) -> io::Result<Told> {
    let mut told = Told::default();
    let mut at = 0;
    let mut movie = None;
    for _ in 0..BOXES {
        let head = source.at(at, 16)?;
        let Some((kind, header, size)) = header(&head, source.size_bytes() - at.min(source.size_bytes())) else {
            break;
        };
        let body = size - header;
        match &kind {
            b"ftyp" => {
                told.is_known = true;
                let brand = source.at(at + header, 4)?;
                told.property("mp4:brand", String::from_utf8_lossy(&brand).into_owned());
            }
            b"moov" if body <= PART_BYTES => movie = Some(source.at(at + header, body as usize)?),
            b"moov" => told.findings.push(Finding::new(Code::LimitMemory, format!("The tables of the film have {body} bytes and were not read."))),
            _ => {}
        }
        if at + size > source.size_bytes() {
            let name = String::from_utf8_lossy(&kind).into_owned();
            told.findings.push(Finding::new(Code::Truncated, format!("The part `{name}` goes on after the end of the file.")));
            break;
        }
        at += size;
        if at >= source.size_bytes() {
            break;
        }
    }
    let Some(movie) = movie else {
        told.findings.push(Finding::new(Code::PartDamaged, "The film has no tables: its length and streams are not known."));
        return Ok(told);
    };
    told.is_known = true;
    let mut texts = Vec::new();
    for (kind, body) in boxes(&movie) {
        match &kind {
            b"mvhd" => movie_header(body, &mut told),
            b"trak" => track(body, &mut told, &mut texts),
            b"udta" => user_data(body, &mut told),
            b"meta" => metadata(body, &mut told),
            _ => {}
        }
    }
    for text in texts {
        subtitles(source, &text, &mut told)?;
    }
    Ok(told)
}

fn header(head: &[u8], left: u64) -> Option<([u8; 4], u64, u64)> {
    let size = u64::from(be32(head, 0)?);
    let kind: [u8; 4] = head.get(4..8)?.try_into().ok()?;
    match size {
        0 => Some((kind, 8, left)),
        1 => {
            let long = u64::from_be_bytes(head.get(8..16)?.try_into().ok()?);
            (long >= 16).then_some((kind, 16, long))
        }
        2..=7 => None,
        _ => Some((kind, 8, size)),
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// The boxes of a body; one that is longer than what is left is cut there.
fn boxes(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while found.len() < BOXES {
        let Some((kind, header, size)) = header(bytes, bytes.len() as u64) else {
            break;
        };
        let end = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
        let Some(body) = bytes.get(header as usize..end) else {
            break;
        };
        found.push((kind, body));
        bytes = &bytes[end..];
    }
    found
}

fn child<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    let mut bytes = bytes;
    for name in path.iter().take(DEPTH) {
        bytes = boxes(bytes).into_iter().find(|(kind, _)| kind == *name)?.1;
    }
    Some(bytes)
}

fn movie_header(body: &[u8], told: &mut Told) {
    let is_long = body.first() == Some(&1);
    let (created, changed, scale, duration) = if is_long {
        (be64(body, 4), be64(body, 12), be32(body, 20), be64(body, 24))
    } else {
        (
            be32(body, 4).map(u64::from),
            be32(body, 8).map(u64::from),
            be32(body, 12),
            be32(body, 16).map(u64::from).filter(|duration| *duration != u64::from(u32::MAX)),
        )
    };
    if let (Some(scale), Some(duration)) = (scale.filter(|scale| *scale > 0), duration) {
        told.duration_ms = u64::try_from(u128::from(duration) * 1_000 / u128::from(scale)).ok();
    }
    for (name, value) in [("mp4:creation_time", created), ("mp4:modification_time", changed)] {
        if let Some(time) = value.filter(|value| *value > 0).and_then(|value| utc(i64::try_from(value).ok()? - EPOCH)) {
            told.property(name, time);
        }
    }
}

/// A track of text and where its samples stand.
struct TextTrack {
    scale: u32,
    /// Offset, length, start and duration in units of the scale.
    samples: Vec<(u64, u32, u64, u64)>,
}

fn track(body: &[u8], told: &mut Told, texts: &mut Vec<TextTrack>) {
    let media = child(body, &[b"mdia"]).unwrap_or_default();
    let handler = child(media, &[b"hdlr"]).and_then(|handler| handler.get(8..12)).unwrap_or_default();
    let kind = match handler {
        b"vide" => StreamKind::Video,
        b"soun" => StreamKind::Audio,
        b"text" | b"sbtl" | b"subt" | b"clcp" => StreamKind::Subtitle,
        _ => StreamKind::Other,
    };
    let media_header = child(media, &[b"mdhd"]).unwrap_or_default();
    let is_long = media_header.first() == Some(&1);
    let scale = be32(media_header, if is_long { 20 } else { 12 }).unwrap_or(0);
    let duration = if is_long { be64(media_header, 24) } else { be32(media_header, 16).map(u64::from) };
    let language = be16(media_header, if is_long { 32 } else { 20 }).and_then(language);
    let table = child(media, &[b"minf", b"stbl"]).unwrap_or_default();
    let entry = child(table, &[b"stsd"]).and_then(|described| described.get(8..)).and_then(|rest| boxes(rest).into_iter().next());
    let mut track = Track { kind, language, ..Track::default() };
    if let Some((codec, entry)) = entry {
        track.codec = String::from_utf8_lossy(&codec).trim().to_owned();
        match kind {
            StreamKind::Video => {
                track.size = be16(entry, 24).zip(be16(entry, 26)).map(|(width, height)| (u32::from(width), u32::from(height)));
                let count = child(table, &[b"stsz"]).and_then(|sizes| be32(sizes, 8));
                if let (Some(count), Some(duration)) = (count.filter(|count| *count > 1), duration.filter(|duration| *duration > 0)) {
                    track.rate = Some(f64::from(count) * f64::from(scale) / duration as f64);
                }
            }
            StreamKind::Audio => {
                track.channels = be16(entry, 16).map(u32::from);
                track.sample_rate = be32(entry, 24).map(|rate| rate >> 16).filter(|rate| *rate > 0);
            }
            _ => {}
        }
        if matches!(&codec, b"encv" | b"enca" | b"drms" | b"drmi" | b"enct") {
            told.findings
                .push(Finding::new(Code::PartEncrypted, "A stream is locked by a rights management system.").at(format!("stream {}", told.tracks.len() + 1)));
        }
        if kind == StreamKind::Subtitle && matches!(&codec, b"tx3g" | b"text") && scale > 0 {
            texts.push(TextTrack { scale, samples: samples(table) });
        }
    }
    told.tracks.push(track);
}

/// Three letters in five bits each (ISO 639-2/T); Apple's own numbers, below 0x400, are not told.
fn language(code: u16) -> Option<String> {
    if code < 0x400 || code == 0x7FFF {
        return None;
    }
    let letters: String = [code >> 10, code >> 5, code].iter().map(|part| char::from(((part & 31) as u8) + 0x60)).collect();
    (letters.chars().all(|letter| letter.is_ascii_lowercase()) && letters != "und").then_some(letters)
}

fn samples(table: &[u8]) -> Vec<(u64, u32, u64, u64)> {
    let sizes = child(table, &[b"stsz"]).unwrap_or_default();
    let fixed = be32(sizes, 4).unwrap_or(0);
    let count = (be32(sizes, 8).unwrap_or(0) as usize).min(SUBTITLES);
    let length = |index: usize| if fixed > 0 { Some(fixed) } else { be32(sizes, 12 + index * 4) };
    let chunks: Vec<u64> = match (child(table, &[b"stco"]), child(table, &[b"co64"])) {
        (Some(short), _) => (0..(be32(short, 4).unwrap_or(0) as usize).min(SUBTITLES)).filter_map(|index| be32(short, 8 + index * 4).map(u64::from)).collect(),
        (None, Some(long)) => (0..(be32(long, 4).unwrap_or(0) as usize).min(SUBTITLES)).filter_map(|index| be64(long, 8 + index * 8)).collect(),
        (None, None) => Vec::new(),
    };
    let runs = child(table, &[b"stsc"]).unwrap_or_default();
    let runs: Vec<(u32, u32)> = (0..(be32(runs, 4).unwrap_or(0) as usize).min(SUBTITLES))
        .filter_map(|index| Some((be32(runs, 8 + index * 12)?, be32(runs, 12 + index * 12)?)))
        .collect();
    let times = child(table, &[b"stts"]).unwrap_or_default();
    let mut durations = (0..(be32(times, 4).unwrap_or(0) as usize).min(SUBTITLES))
        .filter_map(|index| Some((be32(times, 8 + index * 8)?, be32(times, 12 + index * 8)?)))
        .flat_map(|(count, duration)| std::iter::repeat_n(u64::from(duration), (count as usize).min(SUBTITLES)));
    let mut found = Vec::new();
    let mut run = 0;
    let mut time = 0_u64;
    for (number, chunk) in (1_u32..).zip(chunks) {
        while runs.get(run + 1).is_some_and(|(first, _)| *first <= number) {
            run += 1;
        }
        let mut offset = chunk;
        for _ in 0..runs.get(run).map_or(0, |(_, count)| *count) {
            if found.len() >= count {
                return found;
            }
            let (Some(length), Some(duration)) = (length(found.len()), durations.next()) else {
                return found;
            };
            found.push((offset, length, time, duration));
            offset = offset.saturating_add(u64::from(length));
            time = time.saturating_add(duration);
        }
    }
    found
}

/// A sample of timed text begins with its length in two bytes (3GPP TS 26.245, 5.17).
fn subtitles(source: &mut Source<'_>, track: &TextTrack, told: &mut Told) -> io::Result<()> {
    let ms = |units: u64| u64::try_from(u128::from(units) * 1_000 / u128::from(track.scale.max(1))).unwrap_or(u64::MAX);
    for (offset, length, start, duration) in &track.samples {
        let sample = source.at(*offset, (*length as usize).min(1 << 16))?;
        let Some(text) = be16(&sample, 0).and_then(|length| sample.get(2..2 + usize::from(length))) else {
            continue;
        };
        let text = match text {
            [0xFE, 0xFF, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
            text => crate::readers::guessed(text),
        };
        if !text.trim().is_empty() {
            told.subtitles.push((ms(*start), ms(start.saturating_add(*duration)), text));
        }
    }
    Ok(())
}

/// QuickTime's user data: text in boxes whose name begins with `©`, 3GPP's `loci` and titles.
fn user_data(body: &[u8], told: &mut Told) {
    for (kind, body) in boxes(body) {
        match &kind {
            [0xA9, name @ ..] => {
                let text = match (be16(body, 0), body.get(4..)) {
                    // Length, language, text.
                    (Some(length), Some(text)) => crate::readers::guessed(&text[..text.len().min(usize::from(length))]),
                    _ => continue,
                };
                let name = String::from_utf8_lossy(name).into_owned();
                if name == "xyz" {
                    place(&text, told);
                }
                told.property(format!("quicktime:{name}"), text);
            }
            b"loci" => location(body, told),
            b"titl" | b"dscp" | b"auth" | b"perf" | b"cprt" => {
                if let Some(text) = body.get(6..) {
                    told.property(format!("3gpp:{}", String::from_utf8_lossy(&kind)), crate::readers::guessed(text));
                }
            }
            b"meta" => metadata(body, told),
            _ => {}
        }
    }
}

fn place(text: &str, told: &mut Told) {
    if let Some((latitude, longitude)) = iso_6709(text) {
        told.property("gps:latitude", format!("{latitude:.6}"));
        told.property("gps:longitude", format!("{longitude:.6}"));
    }
}

/// 3GPP TS 26.244, 8.10: name, role, longitude, latitude, altitude as 16.16 fixed numbers.
fn location(body: &[u8], told: &mut Told) {
    let Some(rest) = body.get(6..) else {
        return;
    };
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    told.property("3gpp:location", crate::readers::guessed(&rest[..end]));
    let fixed = |at: usize| be32(rest, at).map(|value| f64::from(value as i32) / 65_536.0);
    if let (Some(longitude), Some(latitude)) = (fixed(end + 2), fixed(end + 6))
        && longitude.abs() <= 180.0
        && latitude.abs() <= 90.0
    {
        told.property("gps:latitude", format!("{latitude:.6}"));
        told.property("gps:longitude", format!("{longitude:.6}"));
    }
}

/// Keys and values (QuickTime metadata, iTunes list). Sound files' lists are read by the tags' reader too.
fn metadata(body: &[u8], told: &mut Told) {
    // In MP4 the box has a version first, in QuickTime it has not.
    let body = if body.get(4..8) == Some(b"hdlr") { body } else { body.get(4..).unwrap_or_default() };
    let mut keys: HashMap<u32, String> = HashMap::new();
    if let Some(listed) = child(body, &[b"keys"]).and_then(|keys| keys.get(8..)) {
        for (number, (_, name)) in (1_u32..).zip(boxes(listed)) {
            keys.insert(number, crate::readers::guessed(name));
        }
    }
    for (kind, item) in child(body, &[b"ilst"]).map(boxes).unwrap_or_default() {
        let data = boxes(item).into_iter().filter(|(kind, _)| kind == b"data");
        for (_, data) in data {
            let (Some(form), Some(value)) = (be32(data, 0), data.get(8..)) else {
                continue;
            };
            let text = match form & 0x00FF_FFFF {
                1 => crate::readers::guessed(value),
                2 => encoding_rs::UTF_16BE.decode_without_bom_handling(value).0.into_owned(),
                21 | 65..=67 | 74 if (1..=8).contains(&value.len()) => signed(value).to_string(),
                22 | 75..=78 if value.len() <= 8 => value.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)).to_string(),
                _ => continue,
            };
            let name = keys.get(&u32::from_be_bytes(kind)).cloned().unwrap_or_else(|| itunes_name(&kind));
            if name.ends_with("location.ISO6709") {
                place(&text, told);
            }
            told.property(name, text);
        }
    }
}

fn itunes_name(kind: &[u8; 4]) -> String {
    format!("itunes:{}", String::from_utf8_lossy(kind.strip_prefix(&[0xA9]).unwrap_or(kind)).trim())
}

fn signed(value: &[u8]) -> i64 {
    let start = if value.first().is_some_and(|first| *first >= 0x80) { -1_i64 } else { 0 };
    value.iter().fold(start, |sum, byte| sum << 8 | i64::from(*byte))
}
