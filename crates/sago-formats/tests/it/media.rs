//! Sound and film on real files: length, streams, tags, places, and that what is spoken is not transcribed.

use sago_formats::{BlockKind, Code, Collected, Limits, Severity};

use crate::shared_files::{document, read, with_extension};

/// Files without sound.
const SILENT: &[&str] = &["testMP4Video.mp4", "testMP4_QuickTimeMetadata.mov", "testMP4_StillImageTimeZero.mov", "testMID.mid"];

#[test]
fn every_recording_is_known_and_its_speech_is_not_transcribed() {
    let names = with_extension(&[
        "mp3", "mp4", "m4a", "mov", "wav", "flac", "ogg", "oga", "opus", "aac", "aif", "amr", "au", "mid", "mkv", "webm", "asf", "wma", "wmv", "flv", "ac3",
    ]);
    assert!(names.len() >= 55, "{}", names.len());
    for name in names {
        let read = read(&name);
        assert_eq!(read.has(Code::NeedsTranscription), !SILENT.contains(&name.as_str()), "{name}: {:?}", read.findings);
        assert!(read.summary.weight != Some(Severity::Unreadable), "{name}: {:?}", read.findings);
    }
}

#[test]
fn lengths_and_streams_are_told() {
    for (name, ms, stream) in [
        ("testMKV.mkv", 1166, "video V_MPEG4/ISO/AVC, 320x240"),
        ("testFLV.flv", 1167, "video FLV codec 2, 170x120"),
        ("testWMV.wmv", 5000, "video WMV3, 640x480"),
        ("testAMR.amr", 5560, "audio AMR, 8000 Hz"),
        ("ko-KR_(Annyeonghaseyo).mp4", 4087, "video avc1, 256x144, 29.97 per second"),
        ("testMP3i18n.mp3", 2456, "audio Mpeg, 44100 Hz"),
    ] {
        let read = read(name);
        let duration: u64 = read.value("media:duration_ms").unwrap().parse().unwrap();
        assert!(duration.abs_diff(ms) < 30, "{name}: {duration}");
        assert!(read.properties.iter().any(|property| property.name == "media:stream" && property.value.contains(stream)), "{name}: {:?}", read.properties);
    }
}

#[test]
fn tags_places_and_covers_are_told() {
    let mp3 = read("testMP3i18n.mp3");
    assert_eq!(mp3.value("audio:TrackTitle"), Some("Une chason en Français"));
    assert_eq!(mp3.value("audio:AlbumTitle"), Some("Test Album ①⑨"));
    let film = read("testMP4_udtaLocation.mp4");
    assert_eq!((film.value("gps:latitude"), film.value("gps:longitude")), (Some("12.345600"), Some("-98.765400")));
    assert_eq!(read("testMP4_QuickTimeMetadata.mov").value("gps:latitude"), Some("12.345600"));
    for name in ["testMP4_twoCovers.m4a", "testMP3_twoCovers.mp3", "testFLAC_twoCovers.flac", "testVORBIS_twoCovers.ogg"] {
        assert_eq!(read(name).children.len(), 2, "{name}");
    }
    assert_eq!(read("testWMV.wmv").value("asf:creation_time"), Some("2005-09-28T15:40:21Z"));
    assert!(read("testMP4_drm.m4a").has(Code::PartEncrypted));
    assert!(read("testMP4_truncated.m4a").has(Code::Truncated));
}

/// An EBML element with a length of eight bytes.
fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend((0x0100_0000_0000_0000_u64 | body.len() as u64).to_be_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn subtitles_tags_and_files_of_matroska_are_read() {
    let track = [element(&[0xD7], &[1]), element(&[0x83], &[17]), element(&[0x86], b"S_TEXT/UTF8"), element(&[0x22, 0xB5, 0x9C], b"kor")].concat();
    let tracks = element(&[0x16, 0x54, 0xAE, 0x6B], &element(&[0xAE], &track));
    let tag = element(&[0x67, 0xC8], &[element(&[0x45, 0xA3], b"ARTIST"), element(&[0x44, 0x87], "증언자".as_bytes())].concat());
    let tags = element(&[0x12, 0x54, 0xC3, 0x67], &element(&[0x73, 0x73], &tag));
    let file = [element(&[0x46, 0x6E], b"note.txt"), element(&[0x46, 0x5C], b"hello")].concat();
    let files = element(&[0x19, 0x41, 0xA4, 0x69], &element(&[0x61, 0xA7], &file));
    let said = [&[0x81, 0x00, 0x64, 0x00][..], "수용소에서 나왔다".as_bytes()].concat();
    let group = element(&[0xA0], &[element(&[0xA1], &said), element(&[0x9B], &[0x07, 0xD0])].concat());
    let cluster = element(&[0x1F, 0x43, 0xB6, 0x75], &[element(&[0xE7], &[0x03, 0xE8]), group].concat());
    let segment = element(&[0x18, 0x53, 0x80, 0x67], &[tracks, tags, files, cluster].concat());
    let bytes = [element(&[0x1A, 0x45, 0xDF, 0xA3], &element(&[0x42, 0x82], b"matroska")), segment].concat();
    let read = Collected::of("film.mkv", &bytes, &Limits::default()).unwrap();
    let speech = read.blocks.iter().find(|block| block.kind == BlockKind::Speech).unwrap_or_else(|| panic!("{read:?}"));
    assert_eq!((speech.text.as_str(), speech.anchor.time_ms), ("수용소에서 나왔다", Some((1_100, 3_100))));
    assert_eq!(read.value("matroska:ARTIST"), Some("증언자"));
    assert_eq!((read.children[0].0.name.as_str(), read.children[0].1.as_slice()), ("note.txt", &b"hello"[..]));
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

#[test]
fn headers_of_avi_are_read() {
    let mut avih = vec![0; 56];
    avih[..4].copy_from_slice(&40_000_u32.to_le_bytes());
    avih[16..20].copy_from_slice(&250_u32.to_le_bytes());
    let mut strh = vec![0; 56];
    strh[..8].copy_from_slice(b"vidsXVID");
    strh[20..24].copy_from_slice(&1_u32.to_le_bytes());
    strh[24..28].copy_from_slice(&25_u32.to_le_bytes());
    let mut strf = vec![0; 40];
    strf[4..8].copy_from_slice(&640_u32.to_le_bytes());
    strf[8..12].copy_from_slice(&480_u32.to_le_bytes());
    let strl = chunk(b"LIST", &[b"strl".to_vec(), chunk(b"strh", &strh), chunk(b"strf", &strf)].concat());
    let hdrl = chunk(b"LIST", &[b"hdrl".to_vec(), chunk(b"avih", &avih), strl].concat());
    let info = chunk(b"LIST", &[b"INFO".to_vec(), chunk(b"INAM", "회령 시장".as_bytes())].concat());
    let bytes = chunk(b"RIFF", &[b"AVI ".to_vec(), hdrl, info].concat());
    let read = Collected::of("film.avi", &bytes, &Limits::default()).unwrap();
    assert_eq!(read.value("media:duration_ms"), Some("10000"));
    assert_eq!(read.value("media:stream"), Some("1: video XVID, 640x480, 25 per second"));
    assert_eq!(read.value("avi:INAM"), Some("회령 시장"));
}

#[test]
fn what_is_no_recording_is_said_to_be_damaged() {
    // Words under the name of a film are read as words, and the wrong name is said.
    let read = Collected::of("film.mkv", &document("testTXT.txt"), &Limits::default()).unwrap();
    assert!(read.has(Code::Mislabelled) && !read.blocks.is_empty(), "{:?}", read.findings);
    // The beginning of a film and nothing after it.
    let read = Collected::of("film.mkv", b"\x1A\x45\xDF\xA3\xFF\xFF\xFF\xFF\xFF", &Limits::default()).unwrap();
    assert!(read.summary.weight > Some(Severity::Note), "{:?}", read.findings);
}
