//! Real files that are cut, flipped, repeated and filled: readers say what they can read and never fall.

use std::time::{Duration, Instant};

use sago_formats::{Collected, Limits};

use crate::support::shared;

/// Files of each format, small ones, so that many rounds fit.
const SEEDS: &[&str] = &[
    "testWORD_features.doc",
    "testWORD6.doc",
    "testWORD_various.doc",
    "testMSWriteFile.wri",
    "testPUBLISHER.pub",
    "testWORKS2000.wps",
    "testEXCEL-charts.xls",
    "testEXCEL_5.xls",
    "testEXCEL_4.xls",
    "testComment.xls",
    "testPPT.ppt",
    "testPPT_comment.ppt",
    "testRTFVarious.rtf",
    "testRTFTIKA_1713.rtf",
    "testRTFJapanese.rtf",
    "testHTML_embedded_img.html",
    "tika434.html",
    "testSVG.svg",
    "testMSG_forwarded.msg",
    "testMSG_att_doc.msg",
];

/// Longest time one file of this size may take, in a build that is not optimised, on a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

/// A small generator (xorshift), so that a failure can be repeated by its number.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most.max(1) as u64).unwrap()
    }
}

fn mutate(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=chance.below(12) {
        if out.is_empty() {
            break;
        }
        let at = chance.below(out.len());
        match chance.below(7) {
            0 => out[at] ^= 1 << chance.below(8),
            1 => out[at] = [0, 0xff, 0x7f, 0x80, b'{', b'<'][chance.below(6)],
            2 => out.truncate(at.max(16)),
            3 => {
                let length = chance.below(64).min(out.len() - at);
                out[at..at + length].fill(0xff);
            }
            4 => {
                let length = chance.below(200).min(out.len() - at);
                let piece = out[at..at + length].to_vec();
                let to = chance.below(out.len());
                out.splice(to..to, piece);
            }
            5 => {
                let length = chance.below(200).min(out.len() - at);
                out.drain(at..at + length);
            }
            // Lengths and offsets are four bytes at even places.
            _ if out.len() > 8 => {
                let at = (at & !3).min(out.len() - 4);
                let value = [0, 1, 0xffff_ffff, 0x7fff_ffff, u32::try_from(out.len()).unwrap(), 0x8000_0000][chance.below(6)];
                out[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
            _ => {}
        }
    }
    out
}

#[test]
fn broken_files_are_read_as_far_as_they_go() {
    let rounds: u64 = std::env::var("SAGO_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(20);
    let folder = shared("documents");
    let limits = Limits { memory_bytes: 16 << 20, text_bytes: 16 << 20, child_bytes: 16 << 20, children_bytes: 64 << 20, ..Limits::default() };
    for name in SEEDS {
        let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        for round in 0..rounds {
            let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ (round + 1));
            let broken = mutate(&bytes, &mut chance);
            let started = Instant::now();
            let read = Collected::of(name, &broken, &limits).unwrap();
            assert!(started.elapsed() < LONGEST, "{name}, round {round}: {:?}", started.elapsed());
            let has_something = read.summary.blocks > 0 || read.summary.children > 0 || !read.findings.is_empty();
            assert!(has_something, "{name}, round {round}: neither text nor finding");
            let has_controls = |text: &str| text.contains(|letter: char| letter.is_control() && letter != '\n' && letter != '\t');
            // What is too broken to be known is read as plain text by another reader.
            let is_ours = read.summary.format.as_deref().is_some_and(|format| !matches!(format, "text" | "xml" | "source"));
            assert!(
                !is_ours || !read.blocks.iter().any(|block| has_controls(&block.text) || block.text.trim().is_empty()),
                "{name}, round {round}: control characters"
            );
        }
    }
}
