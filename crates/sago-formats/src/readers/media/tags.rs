//! Tags and properties of sound files (ID3, Vorbis comments, APE, iTunes lists, RIFF INFO) as `lofty` reads them.

use std::io::{BufReader, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use lofty::config::{ParseOptions, ParsingMode};
use lofty::file::{AudioFile, FileType, TaggedFile, TaggedFileExt};
use lofty::probe::Probe;
use lofty::tag::{ItemKey, ItemValue};

use super::{StreamKind, Told, Track};
use crate::document::ChildRole;
use crate::finding::{Code, Finding};
use crate::source::Source;

/// Adds what the tags say.
pub fn add(source: &mut Source<'_>, code: &str, told: &mut Told) {
    if code == "mp3" {
        lyrics3(source, told);
    }
    let read = catch_unwind(AssertUnwindSafe(|| probe(source, code)));
    let file = match read {
        Ok(Some(Ok(file))) => file,
        Ok(Some(Err(error))) => {
            if !told.is_known {
                told.is_known = true;
                told.findings.push(Finding::new(Code::PartDamaged, format!("The recording's headers could not be read: {error}")));
            }
            return;
        }
        Ok(None) => return,
        Err(_) => return told.findings.push(Finding::new(Code::PartDamaged, "The reader failed on the tags of the recording.")),
    };
    told.is_known = true;
    let properties = file.properties();
    if told.duration_ms.is_none() {
        told.duration_ms = u64::try_from(properties.duration().as_millis()).ok();
    }
    if told.tracks.is_empty() {
        told.tracks.push(Track {
            kind: StreamKind::Audio,
            codec: format!("{:?}", file.file_type()),
            sample_rate: properties.sample_rate(),
            channels: properties.channels().map(u32::from),
            ..Track::default()
        });
    }
    if let Some(rate) = properties.audio_bitrate() {
        told.property("audio:kilobits_per_second", rate.to_string());
    }
    for tag in file.tags() {
        let mut texts = Vec::new();
        for item in tag.items() {
            let (ItemValue::Text(text) | ItemValue::Locator(text)) = item.value() else {
                continue;
            };
            let text = repaired(text);
            if matches!(item.key(), ItemKey::Lyrics | ItemKey::UnsyncLyrics) {
                texts.push(("lyrics".to_owned(), text.clone()));
            } else {
                told.property(format!("audio:{:?}", item.key()), text);
            }
        }
        told.texts.extend(texts);
        for picture in tag.pictures() {
            let media_type = picture.mime_type().map(|kind| kind.as_str().to_owned());
            let name = picture.description().map(repaired).filter(|name| !name.trim().is_empty()).unwrap_or_else(|| format!("{:?}", picture.pic_type()));
            let extension = picture.mime_type().and_then(|kind| kind.ext()).or_else(|| kind_of(picture.data()));
            let name = extension.map_or(name.clone(), |extension| format!("{name}.{extension}"));
            told.files.push((ChildRole::Embedded, name, media_type, picture.data().to_vec()));
        }
    }
    told.properties.dedup();
}

fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xD8, ..] => Some("jpg"),
        [0x89, b'P', b'N', b'G', ..] => Some("png"),
        [b'G', b'I', b'F', ..] => Some("gif"),
        [b'B', b'M', ..] => Some("bmp"),
        _ => None,
    }
}

/// Lyrics3 2.00, a block near the end of old MP3 files: fields of three letters, five digits of length, text.
fn lyrics3(source: &mut Source<'_>, told: &mut Told) {
    const MOST_BYTES: u64 = 1 << 20;
    let Ok(end) = source.at(source.size_bytes().saturating_sub(MOST_BYTES), MOST_BYTES as usize) else {
        return;
    };
    let Some(start) = memchr::memmem::rfind(&end, b"LYRICSBEGIN") else {
        return;
    };
    let mut rest = &end[start + 11..];
    while let (Some(name), Some(length)) = (rest.get(..3), rest.get(3..8)) {
        let Some(length) = std::str::from_utf8(length).ok().and_then(|length| length.parse::<usize>().ok()) else {
            return;
        };
        let Some(value) = rest.get(8..8 + length) else {
            return;
        };
        let text = crate::readers::guessed(value);
        match name {
            b"LYR" => told.texts.push(("lyrics".to_owned(), text)),
            b"IND" => {}
            _ => told.property(format!("lyrics3:{}", String::from_utf8_lossy(name)), text),
        }
        rest = &rest[8 + length..];
    }
}

fn probe(source: &mut Source<'_>, code: &str) -> Option<Result<TaggedFile, lofty::error::FileParseError>> {
    source.rewind().ok()?;
    let mut options = ParseOptions::new();
    options.parsing_mode(ParsingMode::Relaxed);
    let mut probe = Probe::new(BufReader::new(source)).guess_file_type().ok()?;
    if probe.file_type().is_none() {
        let kind = match code {
            "aac" => FileType::Aac,
            "mp3" => FileType::Mpeg,
            _ => return None,
        };
        probe = probe.set_file_type(kind);
    }
    Some(probe.options(options).read())
}

/// Old Korean programs wrote CP949 where the tag's standard means Latin-1.
fn repaired(text: &str) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(|sign| u8::try_from(u32::from(sign)).ok()).collect();
    let Some(bytes) = bytes.filter(|bytes| bytes.iter().filter(|byte| **byte >= 0xA1).count() >= 2) else {
        return text.to_owned();
    };
    let (korean, had_errors) = encoding_rs::EUC_KR.decode_without_bom_handling(&bytes);
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    let syllables = korean.chars().filter(|sign| ('\u{AC00}'..='\u{D7A3}').contains(sign)).count();
    if !had_errors && syllables * 2 == high { korean.into_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn korean_written_as_latin_is_korean_again() {
        assert_eq!(super::repaired("\u{BE}\u{C8}\u{B3}\u{E7}"), "안녕");
        assert_eq!(super::repaired("café"), "café");
        assert_eq!(super::repaired("안녕"), "안녕");
    }
}
