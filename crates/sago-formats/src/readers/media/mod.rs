//! Sound and film: length, streams, what people and devices wrote into the container (titles, lyrics, places, times), subtitles, pictures and files inside.
//!
//! Containers are walked here and only their tables are loaded, whatever the length of the file; the tags of sound files are `lofty`'s. Nothing is decoded:
//! every file with sound carries the finding that its speech is not transcribed.

mod asf;
mod iso;
mod matroska;
mod riff;
mod simple;
mod tags;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// What kind of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StreamKind {
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Text with times.
    Subtitle,
    /// Anything else.
    #[default]
    Other,
}

/// One stream.
#[derive(Debug, Clone, Default)]
pub struct Track {
    /// What it is.
    pub kind: StreamKind,
    /// Codec as the container names it.
    pub codec: String,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// Pictures per second.
    pub rate: Option<f64>,
    /// Samples per second.
    pub sample_rate: Option<u32>,
    /// Channels.
    pub channels: Option<u32>,
    /// Language as the container names it.
    pub language: Option<String>,
    /// Its name or title.
    pub name: Option<String>,
}

/// What a container told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Length.
    pub duration_ms: Option<u64>,
    /// Streams, in order.
    pub tracks: Vec<Track>,
    /// Properties, in order.
    pub properties: Vec<(String, String)>,
    /// Spoken or shown text with its time in milliseconds.
    pub subtitles: Vec<(u64, u64, String)>,
    /// Text without time: lyrics, descriptions.
    pub texts: Vec<(String, String)>,
    /// Files inside: role, name, media type, bytes.
    pub files: Vec<(ChildRole, String, Option<String>, Vec<u8>)>,
    /// Findings.
    pub findings: Vec<Finding>,
    /// Whether the bytes are such a container at all.
    pub is_known: bool,
}

impl Told {
    fn property(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let value = super::printable(&value.into());
        if !value.trim().is_empty() {
            self.properties.push((name.into(), value.trim().to_owned()));
        }
    }
}

/// Longest part of a container that is loaded at once.
pub const PART_BYTES: u64 = 64 << 20;
/// Most subtitles of one file.
pub const SUBTITLES: usize = 200_000;

/// Reads a file of sound or film.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let head = source.at(0, 64)?;
    let mut told = container(source, &head)?;
    let has_container = told.is_known;
    if !has_container || told.tracks.iter().all(|track| track.kind == StreamKind::Audio) || told.tracks.is_empty() {
        tags::add(source, context.format.code, &mut told);
    }
    if !told.is_known && told.tracks.is_empty() {
        sink.finding(Finding::new(Code::Damaged, "The beginning of the file is not that of a recording of this kind."))?;
    }
    tell(told, context, sink)
}

fn container(source: &mut Source<'_>, head: &[u8]) -> Result<Told, Stop> {
    let read: fn(&mut Source<'_>) -> std::io::Result<Told> = match head {
        [_, _, _, _, b'f', b't', b'y', b'p', ..]
        | [_, _, _, _, b'm', b'o', b'o', b'v', ..]
        | [_, _, _, _, b'm' | b'w' | b'f' | b's', b'd' | b'i' | b'r' | b'k', b'a' | b'd' | b'e' | b'i', b't' | b'e' | b'p', ..] => iso::read,
        [0x1A, 0x45, 0xDF, 0xA3, ..] => matroska::read,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => riff::read,
        [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, ..] => asf::read,
        _ => simple::read,
    };
    // A panic on hostile bytes costs the container's tables, not what the tags say.
    match catch_unwind(AssertUnwindSafe(|| read(source))) {
        Ok(told) => Ok(told?),
        Err(_) => {
            let mut told = Told::default();
            told.findings.push(Finding::new(Code::PartDamaged, "The reader failed on the tables of the recording."));
            Ok(told)
        }
    }
}

fn tell(told: Told, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    if let Some(duration) = told.duration_ms {
        sink.property("media:duration_ms", duration.to_string())?;
    }
    for (index, track) in told.tracks.iter().enumerate() {
        sink.property("media:stream", described(index + 1, track))?;
    }
    let mut seen = HashSet::new();
    for (name, value) in told.properties {
        if !seen.insert((name.clone(), value.clone())) {
            continue;
        }
        sink.property(&name, value)?;
    }
    let mut paragraph = 0;
    for (part, text) in told.texts {
        paragraph += 1;
        sink.block(Block::new(BlockKind::Paragraph, Anchor::in_part(part, paragraph), super::printable(&text)))?;
    }
    let has_subtitles = !told.subtitles.is_empty();
    for (start, end, text) in told.subtitles {
        paragraph += 1;
        let anchor = Anchor { part: Some("subtitles".to_owned()), paragraph: Some(paragraph), time_ms: Some((start, end)), ..Anchor::default() };
        sink.block(Block::new(BlockKind::Speech, anchor, super::printable(&text)))?;
    }
    for (role, name, media_type, bytes) in told.files {
        let mut child = Child::new(role, name);
        child.media_type = media_type;
        child.size_bytes = Some(bytes.len() as u64);
        sink.child(child, &mut bytes.as_slice())?;
    }
    for finding in told.findings {
        sink.finding(finding)?;
    }
    if told.is_known {
        let has = |kind: StreamKind| told.tracks.iter().any(|track| track.kind == kind);
        let is_score = matches!(context.format.code, "midi");
        if has(StreamKind::Audio) || (told.tracks.is_empty() && !is_score) {
            let text = if has_subtitles {
                "It has sound; its subtitles were read, what is spoken was not transcribed."
            } else {
                "It has sound; what is spoken was not transcribed."
            };
            sink.finding(Finding::new(Code::NeedsTranscription, text))?;
        }
        if has(StreamKind::Video) {
            let text = "It has moving pictures; text that they show was not recognised.";
            sink.finding(Finding::new(Code::NeedsRecognition, text).weighing(Severity::Note))?;
        }
        if is_score {
            sink.finding(Finding::new(Code::NoText, "It holds notes, not sound."))?;
        } else if !told.tracks.is_empty() && !has(StreamKind::Audio) && !has(StreamKind::Video) && paragraph == 0 {
            sink.finding(Finding::new(Code::NoText, "It holds streams of data, no sound, pictures or text."))?;
        }
    }
    Ok(())
}

/// `1: video avc1, 1920x1080, 29.97 per second, kor`.
fn described(number: usize, track: &Track) -> String {
    let kind = match track.kind {
        StreamKind::Video => "video",
        StreamKind::Audio => "audio",
        StreamKind::Subtitle => "subtitles",
        StreamKind::Other => "other",
    };
    let mut text = format!("{number}: {kind} {}", track.codec.trim());
    if let Some((width, height)) = track.size {
        text.push_str(&format!(", {width}x{height}"));
    }
    if let Some(rate) = track.rate {
        text.push_str(&format!(", {} per second", (rate * 100.0).round() / 100.0));
    }
    if let Some(rate) = track.sample_rate {
        text.push_str(&format!(", {rate} Hz"));
    }
    if let Some(channels) = track.channels {
        text.push_str(&format!(", {channels} channels"));
    }
    for more in [&track.language, &track.name].into_iter().flatten() {
        text.push_str(&format!(", {more}"));
    }
    text
}

/// A time in seconds since 1970 as RFC 3339 in UTC; nothing for what is no time of a recording.
pub fn utc(seconds: i64) -> Option<String> {
    // 1900 to 2200: what lies outside is an empty or broken field.
    if !(-2_208_988_800..7_258_118_400).contains(&seconds) {
        return None;
    }
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to a date of the Gregorian calendar, with years that begin in March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some(format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest % 3_600 / 60, rest % 60))
}

/// A place as devices write it (ISO 6709: `+37.5665+126.9780+038/`) in decimal degrees.
pub fn iso_6709(text: &str) -> Option<(f64, f64)> {
    let starts: Vec<usize> = text.char_indices().filter(|(_, sign)| matches!(sign, '+' | '-')).map(|(at, _)| at).collect();
    let part = |index: usize| -> Option<f64> {
        let from = *starts.get(index)?;
        let to = starts.get(index + 1).copied().unwrap_or(text.len());
        text.get(from..to)?.trim_end_matches(|sign: char| !sign.is_ascii_digit()).parse().ok()
    };
    let degrees = |value: f64, whole: f64| if value.abs() <= whole { Some(value) } else { None };
    Some((degrees(part(0)?, 90.0)?, degrees(part(1)?, 180.0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_places_are_written_plainly() {
        assert_eq!(utc(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(utc(951_782_400).as_deref(), Some("2000-02-29T00:00:00Z"));
        assert_eq!(utc(-1).as_deref(), Some("1969-12-31T23:59:59Z"));
        assert_eq!(utc(i64::MAX), None);
        assert_eq!(iso_6709("+37.5665+126.9780+038.000/"), Some((37.5665, 126.978)));
        assert_eq!(iso_6709("-33.8688+151.2093/"), Some((-33.8688, 151.2093)));
        assert_eq!(iso_6709("nothing"), None);
    }
}
