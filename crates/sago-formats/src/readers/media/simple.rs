//! Small containers: AMR (RFC 4867), FLV (Adobe's specification 10.1), AU, MIDI, AC-3 and E-AC-3 (ETSI TS 102 366), MPEG program and transport streams.

use std::io::{self, Read, Seek};

use super::{StreamKind, Told, Track};
use crate::source::Source;

/// Most bytes of sound that are walked to measure its length.
const WALKED_BYTES: u64 = 256 << 20;

/// Tells what the beginning of the file says.
pub fn read(source: &mut Source<'_>) -> io::Result<Told> {
    let head = source.at(0, 1 << 16)?;
    let mut told = Told { is_known: true, ..Told::default() };
    match head.as_slice() {
        [b'#', b'!', b'A', b'M', b'R', ..] => amr(source, &head, &mut told)?,
        [b'F', b'L', b'V', ..] => flv(&head, &mut told),
        [b'.', b's', b'n', b'd', ..] => au(&head, source.size_bytes(), &mut told),
        [b'M', b'T', b'h', b'd', ..] => midi(&head, &mut told),
        [0x0B, 0x77, ..] => ac3(&head, &mut told),
        [0, 0, 1, 0xBA | 0xB3, ..] => mpeg(&head, "MPEG program stream", &mut told),
        _ if head.first() == Some(&0x47) && head.get(188) == Some(&0x47) => mpeg(&head, "MPEG transport stream", &mut told),
        _ => told.is_known = false,
    }
    Ok(told)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn audio(codec: &str, sample_rate: Option<u32>, channels: Option<u32>) -> Track {
    Track { kind: StreamKind::Audio, codec: codec.to_owned(), sample_rate, channels, ..Track::default() }
}

/// Each frame is 20 ms; its first byte says how long it is.
fn amr(source: &mut Source<'_>, head: &[u8], told: &mut Told) -> io::Result<()> {
    const NARROW: [u64; 16] = [12, 13, 15, 17, 19, 20, 26, 31, 5, 0, 0, 0, 0, 0, 0, 0];
    const WIDE: [u64; 16] = [17, 23, 32, 36, 40, 46, 50, 58, 60, 5, 0, 0, 0, 0, 0, 0];
    let is_wide = head.starts_with(b"#!AMR-WB");
    told.tracks.push(audio(if is_wide { "AMR-WB" } else { "AMR" }, Some(if is_wide { 16_000 } else { 8_000 }), Some(1)));
    source.seek(io::SeekFrom::Start(if is_wide { 9 } else { 6 }))?;
    let mut reader = io::BufReader::new(&mut *source);
    let mut frames = 0_u64;
    let mut walked = 0;
    let mut first = [0];
    while walked < WALKED_BYTES && reader.read(&mut first)? == 1 {
        let length = if is_wide { WIDE } else { NARROW }[usize::from(first[0] >> 3 & 15)];
        io::copy(&mut Read::take(&mut reader, length), &mut io::sink())?;
        walked += 1 + length;
        frames += 1;
    }
    told.duration_ms = Some(frames * 20);
    Ok(())
}

fn flv(head: &[u8], told: &mut Told) {
    let flags = head.get(4).copied().unwrap_or(0);
    let metadata = script(head);
    let number = |name: &str| metadata.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    told.duration_ms = number("duration").filter(|seconds| (0.0..1e9).contains(seconds)).map(|seconds| (seconds * 1_000.0) as u64);
    if flags & 1 != 0 {
        let size = number("width").zip(number("height")).map(|(width, height)| (width as u32, height as u32));
        let codec = number("videocodecid").map_or_else(String::new, |id| format!("FLV codec {id}"));
        told.tracks.push(Track { kind: StreamKind::Video, codec, size, rate: number("framerate").filter(|rate| *rate > 0.0), ..Track::default() });
    }
    if flags & 4 != 0 {
        let codec = number("audiocodecid").map_or_else(String::new, |id| format!("FLV codec {id}"));
        told.tracks.push(audio(&codec, number("audiosamplerate").map(|rate| rate as u32), None));
    }
}

/// Numbers of the first `onMetaData` (AMF 0): a name, the mark 0, eight bytes.
fn script(head: &[u8]) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    let Some(start) = memchr::memmem::find(head, b"onMetaData") else {
        return found;
    };
    let mut at = start + 15;
    while found.len() < 200 {
        let Some(length) = head.get(at..at + 2).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]]))) else {
            break;
        };
        let Some(name) = head.get(at + 2..at + 2 + length).filter(|name| !name.is_empty()) else {
            break;
        };
        let value = at + 2 + length;
        match head.get(value) {
            Some(0) => {
                if let Some(eight) = head.get(value + 1..value + 9).and_then(|eight| <[u8; 8]>::try_from(eight).ok()) {
                    found.push((String::from_utf8_lossy(name).into_owned(), f64::from_be_bytes(eight)));
                }
                at = value + 9;
            }
            Some(1) => at = value + 2,
            Some(2) => {
                let Some(two) = head.get(value + 1..value + 3) else {
                    break;
                };
                at = value + 3 + usize::from(u16::from_be_bytes([two[0], two[1]]));
            }
            _ => break,
        }
    }
    found
}

fn au(head: &[u8], size: u64, told: &mut Told) {
    let (rate, channels) = (be32(head, 16), be32(head, 20));
    let encoding = be32(head, 12).unwrap_or(0);
    let bytes = match encoding {
        1 | 2 | 27 => 1,
        3 => 2,
        4 => 3,
        5 | 6 => 4,
        7 => 8,
        _ => 0,
    };
    told.tracks.push(audio(&format!("AU encoding {encoding}"), rate, channels));
    let data = be32(head, 8).filter(|length| *length != u32::MAX).map_or(size.saturating_sub(be32(head, 4).unwrap_or(24).into()), u64::from);
    let second = u64::from(rate.unwrap_or(0)) * u64::from(channels.unwrap_or(0)) * bytes;
    told.duration_ms = data.saturating_mul(1_000).checked_div(second);
    if let Some(note) = be32(head, 4).and_then(|offset| head.get(24..offset as usize)) {
        told.property("au:annotation", crate::readers::guessed(note.split(|byte| *byte == 0).next().unwrap_or_default()));
    }
}

/// Text events of the tracks in the beginning of the file: names, lyrics, markers.
fn midi(head: &[u8], told: &mut Told) {
    let mut at = 0;
    while let Some(found) = memchr::memchr(0xFF, head.get(at..).unwrap_or_default()) {
        at += found + 1;
        let (Some(kind @ 1..=7), Some(length)) = (head.get(at).copied(), head.get(at + 1).copied().filter(|length| (2..0x80).contains(length))) else {
            continue;
        };
        if let Some(text) = head.get(at + 2..at + 2 + usize::from(length)).filter(|text| text.iter().all(|byte| *byte >= 0x20)) {
            let name = ["text", "copyright", "track", "instrument", "lyrics", "marker", "cue"][usize::from(kind) - 1];
            told.texts.push((name.to_owned(), crate::readers::guessed(text)));
        }
    }
}

fn ac3(head: &[u8], told: &mut Told) {
    let bsid = head.get(5).map_or(0, |byte| byte >> 3);
    let is_extended = bsid > 10;
    let rates = [Some(48_000), Some(44_100), Some(32_000), None];
    let rate = rates[usize::from(head.get(4).copied().unwrap_or(0) >> 6)];
    told.tracks.push(audio(if is_extended { "E-AC-3" } else { "AC-3" }, rate, None));
}

fn mpeg(head: &[u8], codec: &str, told: &mut Told) {
    let mut track = Track { kind: StreamKind::Video, codec: codec.to_owned(), ..Track::default() };
    if let Some(at) = memchr::memmem::find(head, &[0, 0, 1, 0xB3])
        && let Some(size) = be32(head, at + 4)
    {
        track.size = Some((size >> 20, size >> 8 & 0xFFF));
    }
    told.tracks.push(track);
    // Whether there is sound cannot be told from the beginning: it is taken for granted, so that nobody relies on silence.
    told.tracks.push(audio("not examined", None, None));
}
