//! Hangul, Office Open XML, OpenDocument, EPUB, XPS: every real file of the shared data, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sago_formats::{BlockKind, Code, Collected, Limits, Severity};

use crate::package_table::TABLE;

/// Extensions of the formats of this table.
const EXTENSIONS: &[&str] = &[
    "docx", "docm", "dotx", "dotm", "xlsx", "xlsm", "xltx", "xltm", "xlsb", "xlam", "pptx", "pptm", "potx", "potm", "ppsx", "ppsm", "thmx", "odt", "ods",
    "odp", "odg", "odf", "fods", "fodt", "fodp", "epub", "vsdx", "vsdm", "vssx", "vssm", "vstx", "vstm", "xps", "sxc", "sxi", "hwp", "hwpx",
];

/// A file or folder of the shared data.
pub fn shared(path: &str) -> PathBuf {
    let root = std::env::var_os("SAGO_SHARED_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(path);
    assert!(path.exists(), "the shared data is needed: {} is not there; set SAGO_SHARED_DATA to its folder", path.display());
    path
}

/// Reads a file of the shared data under its own name.
pub fn read(path: &str) -> Collected {
    let name = path.rsplit('/').next().unwrap();
    Collected::of(name, &std::fs::read(shared(path)).unwrap(), &Limits::default()).unwrap()
}

#[test]
fn every_real_file_gives_what_the_table_says() {
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<&str, (u32, u32, u32)> = BTreeMap::new();
    for (path, code, words) in TABLE {
        let read = read(path);
        let count = counts.entry(path.rsplit('.').next().unwrap()).or_default();
        let codes: Vec<&str> = read.findings.iter().map(|finding| finding.code.code()).collect();
        if code.is_empty() {
            count.0 += 1;
            if read.blocks.is_empty() || !read.text().contains(words) {
                wrong.push(format!("{path}: {} blocks, {codes:?}, no {words:?}", read.blocks.len()));
            }
            // Nothing is wrong with these files: whatever weighs more than a note would be a defect of ours.
            if read.summary.weight > Some(Severity::Note) {
                wrong.push(format!("{path}: {codes:?}"));
            }
        } else {
            if *code == "text-none" {
                count.1 += 1
            } else {
                count.2 += 1
            }
            if !codes.contains(code) || !read.blocks.is_empty() {
                wrong.push(format!("{path}: {} blocks, {codes:?} instead of {code}", read.blocks.len()));
            }
        }
    }
    for (extension, (text, empty, unreadable)) in counts {
        println!("{extension}: {text} with text, {empty} read and without, {unreadable} unreadable and said why");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_of_these_formats_is_left_out_of_the_table() {
    let listed: BTreeSet<&str> = TABLE.iter().map(|row| row.0).collect();
    assert_eq!(listed.len(), TABLE.len(), "a file is listed twice");
    for folder in ["documents", "hwp", "hwp/basic", "hwpx"] {
        for entry in std::fs::read_dir(shared(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if EXTENSIONS.iter().any(|extension| name.ends_with(&format!(".{extension}"))) {
                let path = format!("{folder}/{name}");
                assert!(listed.contains(path.as_str()), "{path} is not in the table");
            }
        }
    }
}

/// The kind of the first block with these words.
fn kind(read: &Collected, words: &str) -> BlockKind {
    read.blocks.iter().find(|block| block.text.contains(words)).unwrap_or_else(|| panic!("no {words:?} in {}", read.text())).kind
}

#[test]
fn words_are_what_they_are() {
    let cases = [
        ("documents/testWORD_various.docx", "This is a footnote.", BlockKind::Note),
        ("documents/testWORD_various.docx", "This is the header text.", BlockKind::Margin),
        ("documents/testWORD_various.docx", "This is a caption for Figure 1", BlockKind::Caption),
        ("documents/testWORD_various.docx", "Row 2 Col 3", BlockKind::Cell),
        ("documents/testWORD_features.docx", "This is hidden text.", BlockKind::Hidden),
        ("documents/testWORD_features.docx", "This is a comment", BlockKind::Comment),
        ("documents/testWORD_phonetic.docx", "とうきょう", BlockKind::Caption),
        ("documents/testPPT_various2.pptx", "Slide2Header", BlockKind::Heading),
        ("documents/testPPT_various2.pptx", "NotesForSlide2", BlockKind::Comment),
        ("documents/testPPT_various2.pptx", "This slide is hidden", BlockKind::Hidden),
        ("documents/testPPT_various2.pptx", "MASTERTEXTBOX", BlockKind::Margin),
        ("documents/testPPT_various2.pptx", "SLIDE3ChartTitle", BlockKind::Caption),
        ("documents/testComment.xlsx", "Here is a comment", BlockKind::Comment),
        ("documents/testEXCEL_headers_footers.xlsx", "Header - Corporate Spreadsheet", BlockKind::Margin),
        ("documents/testODFwithOOo3.odt", "This is of course a simple footnote", BlockKind::Note),
        ("documents/testODFwithOOo3.odt", "Tika is part of the Lucene project.", BlockKind::Comment),
        ("documents/testODFwithOOo3.odt", "Apache Tika Test Document", BlockKind::Heading),
        ("documents/testODFwithOOo3.odt", "complex", BlockKind::Hidden),
        ("hwpx/ChangeTrack.hwpx", "추적", BlockKind::Hidden),
        ("hwpx/HeaderFooter.hwpx", "머리말 테스트", BlockKind::Margin),
        ("hwpx/SimpleEdit.hwpx", "1234", BlockKind::Field),
        ("hwp/getting_clickhere_text.hwp", "테이블안", BlockKind::Cell),
    ];
    for (path, words, wanted) in cases {
        assert_eq!(kind(&read(path), words), wanted, "{path}: {words}");
    }
}

#[test]
fn words_in_both_choice_and_fallback_are_told_once() {
    let read = read("documents/testWORD_text_box.docx");
    let mut seen = BTreeSet::new();
    assert!(read.blocks.iter().all(|block| seen.insert(&block.text)), "{}", read.text());
}

#[test]
fn cells_have_their_places() {
    let cell = |path: &str, words: &str| read(path).blocks.iter().find(|block| block.text == words).and_then(|block| block.anchor.cell);
    assert_eq!(cell("hwp/merging-cell.hwp", "6,5"), Some((7, 6)));
    assert_eq!(cell("hwpx/SimpleTable.hwpx", "2"), Some((1, 3)), "the cell before it is two columns wide");
    assert_eq!(cell("documents/testWORD_various.docx", "Row 2 Col 3"), Some((2, 3)));
    assert_eq!(cell("documents/testEXCEL_charts.xlsx", "August"), Some((9, 1)));
    assert_eq!(cell("documents/testEXCEL_charts.xlsb", "August"), Some((9, 1)));
    assert_eq!(cell("documents/testODFwithOOo3.odt", "three embedded"), Some((4, 2)));
}

#[test]
fn dates_of_sheets_read_as_dates() {
    let formats = read("documents/testEXCEL-formats.xlsx");
    assert!(formats.text().contains("2007-05-17"), "{}", formats.text());
    assert!(formats.text().contains("0.025"), "{}", formats.text());
    let binary = read("documents/test-columnar.xlsb").text();
    assert_eq!(read("documents/test-columnar.xlsx").text(), binary, "the same workbook in both forms");
}

#[test]
fn a_document_for_distribution_gives_the_same_words_as_the_open_one() {
    let words = |path: &str| -> Vec<String> { read(path).blocks.into_iter().map(|block| block.text).collect() };
    assert_eq!(words("documents/testHWP-v5-dist.hwp"), words("documents/testHWP-v5b.hwp"));
    assert_eq!(read("documents/testHWP-v5-dist.hwp").value("dc:creator"), Some("SooMyung Lee"));
}

#[test]
fn what_leads_out_and_what_could_run_is_said() {
    let has = |path: &str, code: Code| assert!(read(path).has(code), "{path}: no {code:?}");
    has("documents/testDdeLink.xlsx", Code::External);
    has("documents/testDataConnections.xlsx", Code::External);
    has("documents/testExternalRefs.docx", Code::External);
    has("documents/testAttachedTemplate.docx", Code::External);
    has("documents/testMailMerge.docx", Code::External);
    has("documents/testWORD_macros.docm", Code::ActiveContent);
    has("documents/testPPT_macros.pptm", Code::ActiveContent);
    has("documents/testODTMacro.odt", Code::ActiveContent);
    has("documents/testODTMacro.fodt", Code::ActiveContent);
    has("hwpx/SimpleComboBox.hwpx", Code::ActiveContent);
    has("documents/testWORD_signed.docx", Code::Signed);
    has("documents/testPPT_various2.pptx", Code::Hidden);
    assert!(!read("documents/testHWP-v5b.hwp").has(Code::ActiveContent), "the script that Hangul puts into every document");
}

#[test]
fn what_is_embedded_comes_out() {
    let children = |path: &str| -> Vec<(String, usize)> { read(path).children.into_iter().map(|(child, bytes)| (child.name, bytes.len())).collect() };
    assert!(children("documents/testWORD_3imgs.docx").iter().filter(|(name, _)| name.starts_with("word/media/")).count() == 3);
    assert!(children("documents/testAltChunkHTML.docx").iter().any(|(name, _)| name.ends_with(".html")));
    assert!(
        children("hwp/changing-image.hwp").iter().any(|(name, bytes)| name == "BIN0001.jpg" && *bytes == 53_745),
        "{:?}",
        children("hwp/changing-image.hwp")
    );
    let ole = read("hwp/basic/ole.hwp");
    assert!(ole.children.iter().any(|(_, bytes)| bytes.starts_with(b"\xD0\xCF\x11\xE0")), "an OLE object is a compound file of its own");
    assert!(children("hwpx/SimplePicture.hwpx").iter().any(|(name, _)| name == "BinData/image1.jpg"));
    assert!(children("documents/testPPT_embeddedMP3.pptx").iter().any(|(name, bytes)| name.ends_with(".mp3") && *bytes > 1000));
}

#[test]
fn documents_say_who_made_them_and_when() {
    let value = |path: &str, name: &str| read(path).value(name).map(str::to_owned);
    assert_eq!(value("documents/testWORD_various.docx", "dc:creator").as_deref(), Some("Michael McCandless"));
    assert_eq!(value("documents/testWORD_various.docx", "dcterms:created").as_deref(), Some("2011-09-05T11:00:00Z"));
    assert_eq!(value("documents/testODFwithOOo3.odt", "dc:title").as_deref(), Some("Apache Tika"));
    assert_eq!(value("documents/testODFwithOOo3.odt", "odf:Editor").as_deref(), Some("Bart Hanssens"));
    assert_eq!(value("hwp/merging-cell.hwp", "dc:creator").as_deref(), Some("박성균"));
    assert_eq!(value("hwp/merging-cell.hwp", "dcterms:created").as_deref(), Some("2016-11-02T04:44:16.686Z"));
    assert_eq!(value("hwpx/sample1.hwpx", "dc:creator").as_deref(), Some("fff"));
}
