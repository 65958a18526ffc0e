//! PDF on real files: what they are known to hold, and what must be said of the others.

use sago_formats::{BlockKind, Code, Collected, Severity};

use crate::shared_files::{document, read, with_extension};

/// File and what must stand in its text.
const TEXTS: &[(&str, &[&str])] = &[
    ("testPDF.pdf", &["Tika - Content Analysis Toolkit", "March 22nd, 2007: Apache Tika project started"]),
    ("testPDF_rotated.pdf", &["Tika - Content Analysis Toolkit", "March 22nd, 2007: Apache Tika project started"]),
    ("testAnnotations.pdf", &["Here is a comment"]),
    ("testComment.pdf", &["Here is some text.", "Here is a comment"]),
    ("testPopupAnnotation.pdf", &["this is the note"]),
    ("testPDFTwoTextBoxes.pdf", &["Left column line 1", "Left column line 2", "Right column line 1", "Right column line 2"]),
    (
        "testPDFVarious.pdf",
        &["This is the header text.", "This is the footer text.", "Row 2 Col 3", "ゾルゲと尾崎、淡々と最期", "This is a footnote.", "Here is a text box"],
    ),
    ("testPDF_bookmarks.pdf", &["This is a page about France", "Denmark bookmark is here"]),
    ("testPDFPackage.pdf", &["Multiple files are bound together in this PDF Package."]),
    ("testPDFFileEmbInAnnotation.pdf", &["This is a pdf document", "文件附件"]),
    ("testPDF_multiFormatEmbFiles.pdf", &["Go to Document->File Attachments to View Embedded Files"]),
    ("testPageNumber.pdf", &["This is page one."]),
    ("testOptionalHyphen.pdf", &["optionalhyphen"]),
    ("testOverlappingText.pdf", &["Text the first time", "Text the second time"]),
    ("testExtraSpaces.pdf", &["Here is some formatted text"]),
    ("testPDF_incrementalUpdates.pdf", &["Testing", "Testing Incremental"]),
    ("testPDF_acroform3.pdf", &["TIKA-1226", "comboItemB", "listItemB"]),
    ("testPDF_XFA_govdocs1_258578.pdf", &["Mount Rushmore National Memorial", "my_school", "Young Abraham Lincoln (Ranger Ed)"]),
    ("testPDF_JBIG2.pdf", &["images compressed using JBIG2"]),
    ("testMicrosoftIRMServices.pdf", &["This PDF Document has been protected."]),
    ("testPDF_no_extract_no_accessibility_owner_empty.pdf", &["Hello World"]),
    ("testPDF_no_extract_yes_accessibility_owner_empty.pdf", &["Hello World"]),
    ("testAppleSingleFile.pdf", &["Hello World"]),
    ("testPDF_bom.pdf", &["Hello World"]),
];

/// Files whose text, if any, cannot be had from them, and the finding that must say so.
const WITHOUT: &[(&str, Code)] = &[
    ("testColorRendering.pdf", Code::NeedsRecognition),
    ("testFlashInPDF.pdf", Code::NeedsRecognition),
    ("testOCR.pdf", Code::NeedsRecognition),
    ("testPDF_jpeg2000.pdf", Code::NeedsRecognition),
    ("testPDF_Version.11.x.PDFA-1b.pdf", Code::NeedsRecognition),
    ("testPDF_jsActionOnPage.pdf", Code::ActiveContent),
    ("testPDF_malformedXFA.pdf", Code::NoText),
    ("testPDF_sigflags.pdf", Code::NoText),
    ("testPDF_no_extract_no_accessibility_owner_user.pdf", Code::Encrypted),
    ("testPDF_no_extract_yes_accessibility_owner_user.pdf", Code::Encrypted),
    ("testPassword4Spaces.pdf", Code::Encrypted),
    ("testUnicodePassword.pdf", Code::Encrypted),
];

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn known_phrases_are_found() {
    for (name, phrases) in TEXTS {
        let text = squeezed(&read(name).text());
        for phrase in *phrases {
            assert!(text.contains(phrase), "{name}: {phrase:?} is not in {text:?}");
        }
    }
}

#[test]
fn every_document_gives_text_or_says_why_not() {
    let names = with_extension(&["pdf"]);
    assert!(names.len() >= 54, "{} documents", names.len());
    for name in &names {
        let read = read(name);
        match WITHOUT.iter().find(|(file, _)| file == name) {
            Some((_, code)) => assert!(read.blocks.is_empty() && read.has(*code), "{name}: {:?}", read.findings),
            None => assert!(!read.blocks.is_empty() && read.summary.weight != Some(Severity::Unreadable), "{name}: {:?}", read.findings),
        }
    }
}

#[test]
fn words_stand_in_their_boxes_and_boxes_on_the_page() {
    for name in with_extension(&["pdf"]) {
        let read = read(&name);
        for block in &read.blocks {
            let mut end = 0;
            for word in &block.boxes {
                let text = block.text.get(word.start as usize..word.end as usize);
                assert!(text.is_some_and(|text| !text.is_empty()) && word.start >= end, "{name}: {word:?} in {:?}", block.text);
                end = word.end;
                let page = block.anchor.page.and_then(|page| read.pages.iter().find(|(number, ..)| *number == page));
                let (_, width, height) = *page.unwrap_or_else(|| panic!("{name}: {:?} has no page", block.anchor));
                // A letter that reaches over the edge is still on the page.
                let is_there = word.x + word.width >= -12.0 && word.y + word.height >= -12.0 && word.x <= width + 12.0 && word.y <= height + 12.0;
                assert!(is_there || block.kind == BlockKind::Hidden, "{name}: {word:?} is not on the page of {width} by {height}");
            }
            let is_widget =
                block.kind == BlockKind::Field || block.kind == BlockKind::Comment || block.anchor.part.is_some() || block.kind == BlockKind::Caption;
            assert!(is_widget || !block.boxes.is_empty(), "{name}: {:?} has no boxes", block.text);
        }
    }
}

#[test]
fn reading_again_gives_the_same_anchors() {
    for name in ["testPDFVarious.pdf", "testPDF_XFA_govdocs1_258578.pdf", "testPDF-TIKA-4444.pdf", "testPDFPackage.pdf"] {
        assert!(read(name) == read(name), "{name}");
    }
}

#[test]
fn attached_files_come_out_whole() {
    let files = read("testPDF_multiFormatEmbFiles.pdf");
    let texts: Vec<(&str, &str)> = files.children.iter().map(|(child, bytes)| (child.name.as_str(), std::str::from_utf8(bytes).unwrap())).collect();
    for (name, text) in [
        ("Test.txt", "This is the contents of a non os specific embedded file"),
        ("TestUnix.txt", "This is the contents of a unix embedded file"),
        ("TestDos.txt", "This is the contents of a dos embedded file"),
        ("TestMac.txt", "This is the contents of a mac embedded file"),
    ] {
        assert!(texts.contains(&(name, text)), "{texts:?}");
    }
    let sheet = read("testPDFFileEmbInAnnotation.pdf");
    assert!(sheet.children.iter().any(|(child, bytes)| child.name == "Excel.xlsx" && child.anchor.page == Some(1) && bytes.starts_with(b"PK")));
    assert_eq!(read("testPDF_deeplyEmbeddedAttachments.pdf").children.len(), 20);
    let package = read("testPDFPackage.pdf");
    for (child, bytes) in &package.children {
        let inner = Collected::of(&child.name, bytes, &sago_formats::Limits::default()).unwrap();
        assert!(inner.text().contains(child.name.trim_end_matches(".pdf")), "{}", child.name);
    }
    let protected = read("testMicrosoftIRMServices.pdf");
    let (child, bytes) = &protected.children[0];
    assert!(Collected::of(&child.name, bytes, &sago_formats::Limits::default()).unwrap().has(Code::RightsManaged));
}

#[test]
fn properties_of_the_document_are_told() {
    let read = read("testPDF-custommetadata.pdf");
    assert!(
        read.properties.iter().any(|property| property.name.starts_with("pdf:") && property.name == "pdf:Custom Property" && property.value == "Custom Value"),
        "{:?}",
        read.properties
    );
    let acroform = self::read("testPDF_acroform3.pdf");
    assert_eq!(acroform.value("pdf:CreationDate"), Some("2014-01-24T11:11:44+01:00"));
    assert_eq!(acroform.value("dc:creator"), Some("Dr. Eric Knauel"));
    assert_eq!(acroform.value("page_count"), Some("1"));
}

#[test]
fn a_cut_document_gives_what_is_left_and_says_that_it_is_cut() {
    let whole = document("testPDFVarious.pdf");
    let mut given = 0;
    for part in [95, 80, 60, 40] {
        let read = Collected::of("cut.pdf", &whole[..whole.len() * part / 100], &sago_formats::Limits::default()).unwrap();
        assert!(read.has(Code::Truncated), "{part} per cent: {:?}", read.findings);
        given += usize::from(!read.blocks.is_empty());
    }
    assert!(given >= 1, "no part of a cut document was read");
}

#[test]
fn a_document_without_its_table_of_objects_is_read() {
    let mut bytes = document("testPDF.pdf");
    let at = bytes.windows(9).rposition(|window| window == b"startxref").unwrap();
    bytes[at..].fill(b' ');
    let read = Collected::of("no-table.pdf", &bytes, &sago_formats::Limits::default()).unwrap();
    assert!(squeezed(&read.text()).contains("Tika - Content Analysis Toolkit"));
    assert!(read.has(Code::Truncated));
}
