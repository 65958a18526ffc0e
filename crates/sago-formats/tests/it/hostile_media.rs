//! Damaged bytes: cut, turned, repeated. Nothing panics, hangs, or grows beyond the limits.

use std::time::{Duration, Instant};

use sago_formats::{Collected, Limits};

use crate::shared_files::document;

const FILES: &[&str] = &[
    "testPDFVarious.pdf",
    "testPDFPackage.pdf",
    "testPDF_acroform3.pdf",
    "testPDF_XFA_govdocs1_258578.pdf",
    "testPDF_bookmarks.pdf",
    "testPDF_multiFormatEmbFiles.pdf",
    "testPDF_no_extract_no_accessibility_owner_empty.pdf",
    "testPDF_Version.4.x.pdf",
    "testJPEG_GEO_2.jpg",
    "testJPEG_commented.jpg",
    "testPNG.png",
    "testGIF.gif",
    "testTIFF.tif",
    "testWEBP.webp",
    "testHEIF.heic",
    "testJPEG.jp2",
    "testBMP.bmp",
    "testMP3i18n.mp3",
    "testMP4_twoCovers.m4a",
    "testMP4_QuickTimeMetadata.mov",
    "testMKV.mkv",
    "testWMV.wmv",
    "testFLV.flv",
    "testFLAC.flac",
    "testVORBIS.ogg",
    "testOPUS.opus",
    "testWAV.wav",
    "testAIFF.aif",
    "testAMR.amr",
    "testAAC.aac",
    "testXMP.xmp",
];

/// Longest time that one damaged small file may take, in a build that is not optimised and on a busy machine.
const MOST: Duration = Duration::from_secs(60);

/// A small generator (splitmix64), so that each round can be made again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(12) {
        let at = random.below(bytes.len());
        match random.below(7) {
            0 => bytes.truncate(at.max(16)),
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = [0, 0xFF, 0x7F, 0x80, b'9', b'<', b'/'][random.below(7)],
            3 => {
                let end = (at + random.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, part);
            }
            4 => {
                let end = (at + random.below(256)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                let end = (at + 4).min(bytes.len());
                bytes[at..end].fill(0xFF);
            }
            _ => {
                // Numbers written as digits: offsets, lengths, counts of a PDF.
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    bytes[at + digit] = b'0' + (random.below(10) as u8);
                }
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

#[test]
fn damaged_files_end_in_time_and_within_the_limits() {
    let rounds: u64 = std::env::var("SAGO_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(310);
    let limits =
        Limits { memory_bytes: 32 << 20, text_bytes: 4 << 20, child_bytes: 8 << 20, children_bytes: 32 << 20, ratio_free_bytes: 32 << 20, ..Limits::default() };
    for round in 0..rounds {
        let mut random = Random(round);
        let name = FILES[(round % FILES.len() as u64) as usize];
        let bytes = damaged(&document(name), &mut random);
        let started = Instant::now();
        let read = std::panic::catch_unwind(|| Collected::of(name, &bytes, &limits).unwrap());
        let read = read.unwrap_or_else(|_| panic!("round {round}: {name} panics"));
        assert!(started.elapsed() < MOST, "round {round}: {name} took {:?}", started.elapsed());
        assert!(read.summary.text_bytes <= limits.text_bytes, "round {round}: {name}");
        assert!(!read.blocks.is_empty() || !read.findings.is_empty(), "round {round}: {name} says nothing");
    }
}

#[test]
fn noise_under_every_name_is_read_without_harm() {
    let mut random = Random(7);
    for extension in [
        "pdf", "jpg", "png", "gif", "tif", "webp", "heic", "jp2", "bmp", "tga", "pcx", "psd", "mp3", "mp4", "mkv", "avi", "wmv", "flv", "amr", "ogg", "wav",
        "aac", "xmp",
    ] {
        for length in [1, 7, 64, 4_096] {
            let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8 | 1).collect();
            let read = Collected::of(&format!("noise.{extension}"), &bytes, &Limits::default()).unwrap();
            assert!(!read.findings.is_empty() || !read.blocks.is_empty(), "{extension}, {length} bytes");
        }
    }
}
