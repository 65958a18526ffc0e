//! Damaged, cut, swollen and random bytes under the names of package formats and of HWP: no panic, no hang, and always a word about what is missing.
//!
//! `SAGO_FUZZ_ROUNDS` sets how many changed files each real one yields; the seed is fixed, so that a round that fails fails again.

use std::io::Write as _;
use std::time::{Duration, Instant};

use sago_formats::{Code, Collected, Limits, Severity};
use zip::write::SimpleFileOptions;

use crate::package_documents::shared;

/// Longest that one file may take here: they are small.
const MOST: Duration = Duration::from_secs(20);
const FILES: &[&str] = &[
    "hwp/getting_clickhere_text.hwp",
    "hwp/basic/etc.hwp",
    "documents/testHWP-v5-dist.hwp",
    "hwpx/SimpleTable.hwpx",
    "documents/testWORD_various.docx",
    "documents/testPPT_various2.pptx",
    "documents/testEXCEL_headers_footers.xlsx",
    "documents/testEXCEL_various.xlsb",
    "documents/testODFwithOOo3.odt",
    "documents/testODSMacro.fods",
    "documents/testEPUB.epub",
    "documents/testVISIO_text.vsdx",
    "documents/test_text.xps",
    "documents/protectedFile.xlsx",
];

/// A small generator that gives the same numbers every time (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

fn changed(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len());
        match numbers.below(6) {
            0 => bytes.truncate(at.max(1)),
            1 => bytes[at] = numbers.next() as u8,
            2 => bytes[at] ^= 1 << numbers.below(8),
            3 => {
                let end = (at + numbers.below(64)).min(bytes.len());
                bytes[at..end].fill(0xFF);
            }
            4 => {
                let end = (at + numbers.below(512)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = numbers.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let end = (at + numbers.below(512)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

fn read(name: &str, bytes: &[u8]) -> Collected {
    let started = Instant::now();
    let read = Collected::of(name, bytes, &Limits { memory_bytes: 32 << 20, ratio_free_bytes: 32 << 20, ..Limits::default() }).unwrap();
    assert!(started.elapsed() < MOST, "{name} took {:?}", started.elapsed());
    assert!(!read.blocks.is_empty() || !read.findings.is_empty(), "{name} says nothing at all");
    for block in &read.blocks {
        assert!(!block.text.trim().is_empty());
        assert!(block.text.chars().all(|letter| !letter.is_control() || matches!(letter, '\t' | '\n')), "{name}: {:?}", block.text);
    }
    read
}

#[test]
fn changed_files_are_read_as_far_as_they_go() {
    let rounds: usize = std::env::var("SAGO_FUZZ_ROUNDS").ok().map_or(24, |rounds| rounds.parse().unwrap());
    for path in FILES {
        let bytes = std::fs::read(shared(path)).unwrap();
        let name = path.rsplit('/').next().unwrap();
        let mut numbers = Numbers(0x5A60);
        for _ in 0..rounds {
            read(name, &changed(&bytes, &mut numbers));
        }
    }
}

/// Packages whose parts are changed inside, so that the change is not stopped by the packing.
#[test]
fn changed_parts_are_read_as_far_as_they_go() {
    let rounds: usize = std::env::var("SAGO_FUZZ_ROUNDS").ok().map_or(12, |rounds| rounds.parse().unwrap());
    for path in FILES.iter().filter(|path| !path.ends_with(".hwp") && !path.ends_with(".fods") && !path.contains("protected")) {
        let bytes = std::fs::read(shared(path)).unwrap();
        let name = path.rsplit('/').next().unwrap();
        let mut numbers = Numbers(0xDEAD);
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).unwrap();
        let parts: Vec<(String, Vec<u8>)> = (0..archive.len())
            .map(|index| {
                let mut part = archive.by_index(index).unwrap();
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut part, &mut bytes).unwrap();
                (part.name().unwrap().into_owned(), bytes)
            })
            .filter(|(name, _)| !name.ends_with('/'))
            .collect();
        for _ in 0..rounds {
            let victim = numbers.below(parts.len());
            let parts: Vec<(&str, Vec<u8>)> = parts
                .iter()
                .enumerate()
                .map(|(index, (name, bytes))| (name.as_str(), if index == victim && !bytes.is_empty() { changed(bytes, &mut numbers) } else { bytes.clone() }))
                .collect();
            read(name, &package(&parts));
        }
    }
}

#[test]
fn random_bytes_are_told_as_such() {
    let mut numbers = Numbers(7);
    for name in ["a.hwp", "a.hwpx", "a.docx", "a.xlsx", "a.xlsb", "a.pptx", "a.odt", "a.fods", "a.epub", "a.vsdx", "a.xps"] {
        for _ in 0..40 {
            let count = 1 + numbers.below(3000);
            let mut bytes: Vec<u8> = (0..count).map(|_| numbers.next() as u8).collect();
            if numbers.below(2) == 0 {
                let head: &[u8] = if name == "a.hwp" { b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" } else { b"PK\x03\x04" };
                bytes.splice(..head.len().min(count), head.iter().copied());
            }
            read(name, &bytes);
        }
    }
}

/// A package of these parts.
pub fn package(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const WORD: &str = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main""#;

fn word(body: &str) -> Vec<u8> {
    package(&[("word/document.xml", format!("<w:document {WORD}><w:body>{body}</w:body></w:document>").into_bytes())])
}

#[test]
fn nesting_without_end_is_cut_and_said() {
    for (name, bytes) in [
        ("deep.docx", word(&"<w:tbl><w:tr><w:tc><w:p>".repeat(20_000))),
        ("deep.hwpx", package(&[("Contents/section0.xml", "<a>".repeat(200_000).into_bytes())])),
        ("deep.fodt", format!("<?xml version=\"1.0\"?>{}", "<office:text>".repeat(100_000)).into_bytes()),
    ] {
        let read = read(name, &bytes);
        assert!(read.has(Code::LimitNesting), "{name}: {:?}", read.findings);
    }
}

#[test]
fn a_package_that_swells_is_cut_and_said() {
    let mut body = "<w:p><w:r><w:t>".to_owned();
    body.push_str(&"가".repeat(40 << 20));
    let read = read("bomb.docx", &word(&body));
    assert!(read.has(Code::LimitExpansion), "{:?}", read.findings);
}

#[test]
fn repeated_cells_are_counted_and_not_copied() {
    let table = r#"<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
        xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="가">
        <table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16380"><text:p>x</text:p></table:table-cell>
        <table:table-cell><text:p>y</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>z</text:p></table:table-cell>
        </table:table-row></table:table></office:spreadsheet></office:body></office:document>"#;
    let read = read("a.fods", table.as_bytes());
    let cells: Vec<_> = read.blocks.iter().map(|block| (block.text.as_str(), block.anchor.cell.unwrap())).collect();
    assert_eq!(cells, [("x", (1, 1)), ("y", (1, 16_381)), ("z", (1_048_571, 1))]);
}

#[test]
fn entities_are_never_expanded() {
    let bomb = r#"<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>"#;
    let body = format!("{bomb}<w:document {WORD}><w:body><w:p><w:r><w:t>before &c; &d; after</w:t></w:r></w:p></w:body></w:document>");
    let read = read("a.docx", &package(&[("word/document.xml", body.into_bytes())]));
    assert_eq!(read.text(), "before &c; &d; after");
}

#[test]
fn a_package_without_its_list_is_searched() {
    let bytes = std::fs::read(shared("documents/testWORD_various.docx")).unwrap();
    let list = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let read = read("a.docx", &bytes[..list]);
    assert!(read.text().contains("This is a footnote."), "{:?}", read.findings);
    assert!(read.has(Code::PartDamaged));
    assert_eq!(read.summary.weight, Some(Severity::Loss));
}

#[test]
fn utf_16_parts_are_decoded() {
    let text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?><w:document {WORD}><w:body><w:p><w:r><w:t>증거 목록</w:t></w:r></w:p></w:body></w:document>");
    let mut bytes = vec![0xFF, 0xFE];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(read("a.docx", &package(&[("word/document.xml", bytes)])).text(), "증거 목록");
}

#[test]
fn locked_hwpx_is_told_and_its_preview_kept() {
    let manifest = r#"<odf:manifest xmlns:odf="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><odf:file-entry odf:full-path="Contents/section0.xml"
        odf:media-type="application/xml"><odf:encryption-data/></odf:file-entry></odf:manifest>"#;
    let bytes = package(&[
        ("META-INF/manifest.xml", manifest.as_bytes().to_vec()),
        ("Contents/section0.xml", vec![0x5A; 100]),
        ("Preview/PrvText.txt", "첫 줄".as_bytes().to_vec()),
    ]);
    let read = read("a.hwpx", &bytes);
    assert!(read.has(Code::Encrypted), "{:?}", read.findings);
    assert_eq!(read.text(), "첫 줄");
}
