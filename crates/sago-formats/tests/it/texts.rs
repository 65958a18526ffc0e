//! Simple texts among real files: what must come of each, and what never may happen to broken ones.

use std::path::PathBuf;

use sago_formats::{Code, Collected, Limits};

/// File, code of its row, and words that must stand in its text.
const FILES: &[(&str, &str, &str)] = &[
    ("english.txt", "text", "This is English!"),
    ("french.txt", "text", "c’est comme ci comme ça"),
    ("russian.cp866.txt", "text", "Однажды, в студеную зимнюю пору,"),
    ("multi-language.txt", "text", "español ABC adhoc prácticas"),
    ("testTXT.txt", "text", "Test d'indexation de Txt"),
    ("testTXTNonASCIIUTF8.txt", "text", "Der schnelle braune Fuchs springt über den faulen Hund"),
    ("testTXT_win-1252.txt", "text", "“windows” encoding"),
    ("testCSV.csv", "csv", "Sample CSV File - Numbers and their Squares"),
    ("foo.csv", "csv", "abc def"),
    ("test-columnar.csv", "csv", "Square of the Record Number"),
    ("test.json", "json", "myid-0"),
    ("testMARKDOWN.md", "markdown", "Some **bold** and *italic*"),
    ("testKML.kml", "xml", "Tessellated"),
    ("testATOM.atom", "xml", "Atom-Powered Robots Run Amok"),
    ("testICalendar.ics", "ics", "Banque Nationale Stage"),
    ("testVCalendar.vcs", "ics", "Battleme, My Goodness, the Ax"),
    ("test_subrip.srt", "srt", "ESSAI DE SOUS-TITRES"),
    ("test_ttml.ttml", "ttml", "ESSAI DE SOUS-TITRES"),
    ("testWebVTT.vtt", "vtt", ""),
    ("testWebVTT_utf8.vtt", "vtt", ""),
    ("testTEI.xml", "xml", ""),
    ("testWORD2003.xml", "xml", ""),
    ("testEXCEL2003.xml", "xml", ""),
    ("undeclared_entity.xml", "xml", ""),
    ("testXML.xml", "xml", "Tika test document"),
    ("testJS.js", "source", "function"),
    ("testCSS.css", "source", "body"),
    ("testRobots.txt", "text", "Disallow"),
];

/// Rounds of damage for each file; more with `SAGO_FUZZ_ROUNDS`.
const ROUNDS: u64 = 12;

fn documents() -> PathBuf {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let folder = std::env::var_os("SAGO_SHARED_DATA").map_or(beside, PathBuf::from).join("documents");
    assert!(folder.is_dir(), "the test data {} is not there: set SAGO_SHARED_DATA", folder.display());
    folder
}

#[test]
fn real_texts_give_their_words() {
    let mut wrong = Vec::new();
    for (name, code, words) in FILES {
        let bytes = std::fs::read(documents().join(name)).unwrap_or_else(|why| panic!("{name}: {why}"));
        let read = Collected::of(name, &bytes, &Limits::default()).unwrap();
        let format = read.summary.format.as_deref();
        if format != Some(code) || !read.text().contains(words) || read.blocks.is_empty() || read.has(Code::Undecodable) {
            wrong.push(format!("{name}: {format:?}, {} blocks, {:?}: {:.200}", read.blocks.len(), read.findings, read.text()));
        }
        assert_eq!(Collected::of(name, &bytes, &Limits::default()).unwrap(), read, "{name} reads differently again");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_page_without_words_and_entities_outside_are_said() {
    let read = Collected::of("testXXE.xml", &std::fs::read(documents().join("testXXE.xml")).unwrap(), &Limits::default()).unwrap();
    assert!(read.blocks.is_empty() && read.has(Code::NoText) && read.has(Code::External), "{:?}", read.findings);
    for (name, bytes) in [("a.txt", " \n\n"), ("a.csv", ",,\n"), ("a.json", "{}"), ("a.xml", "<?xml version='1.0'?><a/>")] {
        assert!(Collected::of(name, bytes.as_bytes(), &Limits::default()).unwrap().has(Code::NoText), "{name}");
    }
}

#[test]
fn spoken_words_of_real_subtitles_have_their_times() {
    for (name, first) in [("test_subrip.srt", (74_440, 75_760)), ("test_ttml.ttml", (74_440, 75_760))] {
        let read = Collected::of(name, &std::fs::read(documents().join(name)).unwrap(), &Limits::default()).unwrap();
        let times: Vec<_> = read.blocks.iter().filter_map(|block| block.anchor.time_ms).collect();
        assert_eq!(times.first(), Some(&first), "{name}");
        assert!(times.len() >= 10 && times.is_sorted(), "{name}: {times:?}");
    }
}

/// Numbers that are the same in each run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (most.max(1) as u64)).unwrap()
    }
}

#[test]
fn damaged_texts_never_end_a_reader() {
    let rounds: u64 = std::env::var("SAGO_FUZZ_ROUNDS").ok().map_or(ROUNDS, |rounds| rounds.parse().expect("SAGO_FUZZ_ROUNDS is a number"));
    let limits = Limits { memory_bytes: 16 << 20, text_bytes: 4 << 20, blocks: 20_000, ..Limits::default() };
    let mut numbers = Numbers(4);
    let mut bad = 0;
    for (name, ..) in FILES {
        let original = std::fs::read(documents().join(name)).unwrap();
        for _ in 0..rounds {
            let mut bytes = original.clone();
            for _ in 0..1 + numbers.below(8) {
                let at = numbers.below(bytes.len());
                match numbers.below(4) {
                    0 => bytes.truncate(at),
                    1 if !bytes.is_empty() => bytes[at] = numbers.below(256).to_le_bytes()[0],
                    2 => drop(bytes.splice(at..at, (0..numbers.below(40)).map(|_| b"<[{\"'(&;:,\n\0\xff\xb0\xa1"[numbers.below(15)]).collect::<Vec<_>>())),
                    _ => {
                        let end = (at + numbers.below(200)).min(bytes.len());
                        bytes.drain(at..end);
                    }
                }
            }
            let read = Collected::of(name, &bytes, &limits).unwrap();
            assert!(read.summary.text_bytes <= limits.text_bytes && read.summary.blocks <= limits.blocks);
            bad += usize::from(read.summary.weight.is_some());
            let is_told = bytes.iter().all(u8::is_ascii_whitespace) || !read.blocks.is_empty() || !read.findings.is_empty();
            assert!(is_told, "{name}: nothing came of it and nothing was said: {:?}", read.summary);
        }
    }
    assert!(bad > 0, "no damage was ever noticed");
}
