//! Old Office, RTF, pages and Outlook items: every such file of Apache Tika's test documents, with what it must give.

use std::collections::BTreeSet;

use sago_formats::{BlockKind, Code, Collected, Limits};

use crate::support::shared;

/// What a file must give.
enum Expect {
    /// This text.
    Text(&'static str),
    /// No text, because it holds none, and that is said.
    Bare,
    /// No text, for this reason.
    Refused(Code),
}

use Expect::{Bare, Refused, Text};

const FILES: &[(&str, Expect)] = &[
    ("Doc1_ole.doc", Text("j1.jpg")),
    ("simple_lower_case.doc", Text("This is a sample Word document")),
    ("simple_normal_case.doc", Text("This is a sample Word document")),
    ("simple_upper_case.doc", Text("This is a sample Word document")),
    ("test.doc", Text("test")),
    ("testComment.doc", Text("Here is a comment")),
    ("testException1.doc", Text("Disability affects one third of all Western Australians.")),
    ("testException2.doc", Text("")),
    ("testMSEquation-govdocs-863534.doc", Text("")),
    ("testOptionalHyphen.doc", Text("optional\u{ad}hyphen")),
    ("testWORD.doc", Text("Sample Word Document Title")),
    ("testWORD6.doc", Text("The quick brown fox jumps over the lazy dog")),
    ("testWORD_1img.doc", Text("")),
    ("testWORD_2006ml.doc", Text("")),
    ("testWORD_3imgs.doc", Text("")),
    ("testWORD_boldHyperlink.doc", Text("hyper")),
    ("testWORD_bold_character_runs.doc", Text("Foobar")),
    ("testWORD_bold_character_runs2.doc", Text("Foobar")),
    ("testWORD_closingSmartQInHyperLink.doc", Text("TIKA-1512")),
    ("testWORD_custom_props.doc", Text("")),
    ("testWORD_embedded_rtf.doc", Text("")),
    ("testWORD_features.doc", Text("This is hidden text.")),
    ("testWORD_header_hyperlink.doc", Text("http://tw-systemhaus.de")),
    ("testWORD_italicsSurroundingHyperlink.doc", Text("hyperlink")),
    ("testWORD_macros.doc", Text("")),
    ("testWORD_multi_authors.doc", Bare),
    ("testWORD_no_format.doc", Text("")),
    ("testWORD_numbered_list.doc", Text("Intervening table")),
    ("testWORD_override_list_numbering.doc", Text("")),
    ("testWORD_phonetic.doc", Text("東京")),
    ("testWORD_protected_drm.doc", Refused(Code::RightsManaged)),
    ("testWORD_protected_passtika.doc", Refused(Code::Encrypted)),
    ("testWORD_specialControlCharacter1415.doc", Text("")),
    ("testWORD_tabular_symbol.doc", Text("")),
    ("testWORD_various.doc", Text("ゾルゲと尾崎、淡々と最期")),
    ("testWPSAttachment.doc", Bare),
    ("test_TIKA-1251.doc", Text("Ansvar- og oppgavefordeling")),
    ("test_recursive_embedded.doc", Text("")),
    ("testMSWriteFile.wri", Text("ISO/IEC JTC1/SC18/WG8 Document Register")),
    ("testPUBLISHER.pub", Text("0123456789abcdef")),
    ("testWORKS.wps", Text("Microsoft Works Word Processor")),
    ("testWORKS2000.wps", Text("Microsoft Works Word Processor")),
    ("testWORKSWordProcessor3.0.wps", Text("Microsoft Works Word Processor")),
    ("testWORKSWordProcessor4.0.wps", Text("Microsoft Works Word Processor")),
    ("testVISIO.vsd", Refused(Code::NoReader)),
    ("testPROJECT2003.mpp", Refused(Code::NoReader)),
    ("testPROJECT2007.mpp", Refused(Code::NoReader)),
    ("password.xls", Refused(Code::Encrypted)),
    ("test-columnar.xls", Text("Square of the Record Number")),
    ("testComment.xls", Text("Here is a comment")),
    ("testEXCEL-charts.xls", Text("whyaxis")),
    ("testEXCEL-formats.xls", Text("2.5%")),
    ("testEXCEL.xls", Text("Numbers and their Squares")),
    ("testEXCEL_1img.xls", Text("The quick brown fox")),
    ("testEXCEL_4.xls", Text("Examination, by Type and Size of Return")),
    ("testEXCEL_5.xls", Text("Numbers and their Squares")),
    ("testEXCEL_95.xls", Text("Foglio1")),
    ("testEXCEL_WORKBOOK_in_capitals.xls", Text("")),
    ("testEXCEL_big_numbers.xls", Text("123456789012345")),
    ("testEXCEL_custom_props.xls", Text("propriétés")),
    ("testEXCEL_dateFormats.xls", Text("2018-09-20")),
    ("testEXCEL_embeddedPDF_mac.xls", Text("Sheet1")),
    ("testEXCEL_embeddedPDF_windows.xls", Text("Sheet1")),
    ("testEXCEL_extra_metadata.xls", Text("")),
    ("testEXCEL_headers_footers.xls", Text("Header - For Internal Use Only")),
    ("testEXCEL_hyperlinks.xls", Text("http://tika.apache.org/")),
    ("testEXCEL_labels-govdocs-515858.xls", Text("Cabbage and other brassicas")),
    ("testEXCEL_macro.xls", Text("")),
    ("testEXCEL_phonetic.xls", Text("日本オラクル")),
    ("testEXCEL_protected_passtika.xls", Refused(Code::Encrypted)),
    ("testEXCEL_textbox.xls", Text("this is some autoshape text")),
    ("testExcel_embeddedPDF.xls", Text("Sheet1")),
    ("testMSChart-govdocs-428996.xls", Text("")),
    ("testWPSAttachment.xls", Text("Sheet1")),
    ("testEXCEL_template.xlt", Text("")),
    ("pictures.ppt", Bare),
    ("testComment.ppt", Text("Michael McCandless: Here is a comment")),
    ("testMSChart-govdocs-428996.ppt", Text("Thin Film Partnership")),
    ("testOptionalHyphen.ppt", Text("optional\u{ad}hyphen")),
    ("testPPT.ppt", Text("Sample Powerpoint Slide")),
    ("testPPT_2imgs.ppt", Text("")),
    ("testPPT_EmbeddedPDF.ppt", Bare),
    ("testPPT_autodate.ppt", Text("")),
    ("testPPT_comment.ppt", Text("subtitle")),
    ("testPPT_custom_props.ppt", Text("")),
    ("testPPT_embedded2.ppt", Text("")),
    ("testPPT_embeded.ppt", Text("")),
    ("testPPT_groups.ppt", Text("MyTitle")),
    ("testPPT_macros.ppt", Text("")),
    ("testPPT_masterFooter.ppt", Text("Master footer is here")),
    ("testPPT_masterText.ppt", Text("Text that I added to the master slide")),
    ("testPPT_masterText2.ppt", Text("Text that I added to the master slide")),
    ("testPPT_oleWorkbook.ppt", Text("MFL")),
    ("testPPT_protected_passtika.ppt", Refused(Code::Encrypted)),
    ("testPPT_skipBadCompressedObject.ppt", Text("")),
    ("testPPT_various.ppt", Text("ゾルゲと尾崎、淡々と最期")),
    ("testWPSAttachment.ppt", Bare),
    ("testBinControlWord.rtf", Bare),
    ("testComment.rtf", Text("Here is a comment")),
    ("testFontAfterBufferedText.rtf", Text("")),
    ("testOptionalHyphen.rtf", Text("optional\u{ad}hyphen")),
    ("testRTF-ms932.rtf", Text("こんにちは")),
    ("testRTF.rtf", Text("Test d’indexation Word")),
    ("testRTFBoldItalic.rtf", Text("bold")),
    ("testRTFBoldPlain.rtf", Text("")),
    ("testRTFControls.rtf", Text("Thiswordhasanem—dash")),
    ("testRTFCorruptListOverride.rtf", Text("")),
    ("testRTFEmbeddedLink.rtf", Bare),
    ("testRTFHexEscapeInsideWord.rtf", Text("ESPÍRITO")),
    ("testRTFHyperlink.rtf", Text("http")),
    ("testRTFHyperlinkAndStyles.rtf", Text("")),
    ("testRTFIgnoredControlWord.rtf", Bare),
    ("testRTFInvalidUnicode.rtf", Text("Unpaired hi")),
    ("testRTFJapanese.rtf", Text("ゾルゲの処刑記録")),
    ("testRTFListLibreOffice.rtf", Text("A short ordered list:")),
    ("testRTFListMicrosoftWord.rtf", Text("")),
    ("testRTFListOverride.rtf", Text("Body")),
    ("testRTFNewlines.rtf", Text("")),
    ("testRTFRegularImages.rtf", Text("")),
    ("testRTFTIKA_1713.rtf", Text("For discussion")),
    ("testRTFTIKA_2150.rtf", Text("TO\tFROM\tTEXT")),
    ("testRTFTIKA_2500.rtf", Text("This is level2 paragraph.")),
    ("testRTFTIKA_2883.rtf", Text("Enviada do meu iPhone")),
    ("testRTFTIKA_2899.rtf", Text("")),
    ("testRTFTableCellSeparation.rtf", Text("")),
    ("testRTFTableCellSeparation2.rtf", Text("Fax / Phone Station")),
    ("testRTFUmlautSpaces.rtf", Text("Übersicht")),
    ("testRTFUmlautSpaces2.rtf", Text("Übersicht")),
    ("testRTFUnicodeGothic.rtf", Text("𐌲𐌿𐍄𐌹𐍃𐌺")),
    ("testRTFUnicodeUCNControlWordCharacterDoubling.rtf", Text("")),
    ("testRTFVarious.rtf", Text("This is the footer text.")),
    ("testRTFWindowsCodepage1250.rtf", Text("zażółć gęślą jaźń")),
    ("testRTFWithCurlyBraces.rtf", Text("{ some text inside curly brackets }")),
    ("testRTFWord2010CzechCharacters.rtf", Text("Článek týdne")),
    ("testRTFWordPadCzechCharacters.rtf", Text("Článek týdne")),
    ("testRTF_annotation_spacing.rtf", Text("This is a comment")),
    ("testRTF_nestedHyperlinkPageRef.rtf", Text("")),
    ("testRTF_npeFromWMFInTikaServer.rtf", Text("")),
    ("testRTF_parInsideHyperlink.rtf", Text("")),
    ("test_list_override.rtf", Text("")),
    ("big-preamble.html", Text("")),
    ("boilerplate-whitespace.html", Text("")),
    ("boilerplate.html", Text("This is the real meat of the page")),
    ("resume.html", Text("Здравствуйте")),
    ("test.html", Text("Hello World!")),
    ("testArabicMisleadingCharset.html", Text("")),
    ("testBoilerplateMissingSpace.html", Text("")),
    ("testHTML.html", Text("")),
    ("testHTMLBadScript.html", Text("")),
    ("testHTMLGoodScript.html", Text("")),
    ("testHTMLNoisyMetaEncoding_1.html", Text("")),
    ("testHTMLNoisyMetaEncoding_2.html", Text("")),
    ("testHTMLNoisyMetaEncoding_3.html", Text("")),
    ("testHTMLNoisyMetaEncoding_4.html", Text("")),
    ("testHTML_charset_utf16le.html", Text("")),
    ("testHTML_charset_utf8.html", Text("")),
    ("testHTML_embedded_data_uri_js.html", Text("")),
    ("testHTML_embedded_img.html", Text("")),
    ("testHTML_embedded_img_in_js.html", Text("")),
    ("testHTML_head.html", Bare),
    ("testHTML_metadata.html", Text("")),
    ("testHTML_metadata_two_titles.html", Text("")),
    ("testHTML_script_in_body.html", Text("")),
    ("testHTML_utf8.html", Text("åäö")),
    ("testSrcDoc.html", Text("")),
    ("testXHTML.html", Text("")),
    ("test_ignore_IBM420.html", Text("Hi, Luis, good morning.")),
    ("tika434.html", Text("")),
    ("testSVG.svg", Text("Test SVG image")),
    ("testSVG_no_xml_header.svg", Text("Test SVG image")),
    ("test-outlook.msg", Text("Microsoft Outlook Express 6")),
    ("test-outlook2003.msg", Text("Welcome to Microsoft Office Outlook 2003")),
    ("testMSG.msg", Text("tika-dev@lucene.apache.org")),
    ("testMSG_Appointment.msg", Text("under lazy dog")),
    ("testMSG_Contact.msg", Text("quickbrown@gmail.com")),
    ("testMSG_Post.msg", Text("")),
    ("testMSG_StickyNote.msg", Text("quick brown fox")),
    ("testMSG_Task.msg", Text("Must jump over the lazy dog")),
    ("testMSG_att_doc.msg", Text("")),
    ("testMSG_att_msg.msg", Text("")),
    ("testMSG_chinese.msg", Text("張毓倫")),
    ("testMSG_forwarded.msg", Text("Forwarded Body")),
];

fn read(name: &str) -> Collected {
    let bytes = std::fs::read(shared("documents").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Collected::of(name, &bytes, &Limits::default()).unwrap()
}

#[test]
fn every_file_gives_what_it_holds() {
    let mut wrong = Vec::new();
    for (name, expect) in FILES {
        let read = read(name);
        let text = read.text();
        let is_right = match expect {
            Text(phrase) => !text.trim().is_empty() && text.contains(phrase),
            Bare => text.is_empty() && read.has(Code::NoText),
            Refused(code) => text.is_empty() && read.has(*code),
        };
        if !is_right {
            wrong.push(format!("{name}: {:?} {}", read.summary.findings, text.chars().take(300).collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{} files are not read as they should be:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn reading_again_gives_the_same() {
    for name in ["testWORD_various.doc", "testPPT_various.ppt", "testEXCEL-charts.xls", "testRTFVarious.rtf", "tika434.html", "testMSG_att_msg.msg"] {
        assert_eq!(read(name), read(name), "{name}");
    }
}

#[test]
fn kinds_and_places_are_told() {
    let word = read("testWORD_various.doc");
    let kind = |read: &Collected, text: &str| {
        read.blocks.iter().find(|block| block.text.contains(text)).map(|block| (block.kind, block.anchor.cell, block.anchor.page))
    };
    assert_eq!(kind(&word, "This is a footnote."), Some((BlockKind::Note, None, None)));
    assert_eq!(kind(&word, "This is the header text."), Some((BlockKind::Margin, None, None)));
    assert_eq!(kind(&word, "Row 2 Col 3"), Some((BlockKind::Cell, Some((2, 3)), None)));
    assert_eq!(kind(&read("testWORD_features.doc"), "This is hidden text."), Some((BlockKind::Hidden, None, None)));
    assert_eq!(kind(&read("testComment.xls"), "Here is a comment"), Some((BlockKind::Comment, Some((1, 1)), None)));
    assert_eq!(kind(&read("testComment.ppt"), "Here is some text"), Some((BlockKind::Heading, None, Some(1))));
    assert_eq!(kind(&read("testRTFVarious.rtf"), "Row 2 Col 3"), Some((BlockKind::Cell, Some((2, 3)), None)));
    assert_eq!(word.value("dc:creator"), Some("Michael McCandless"));
    assert_eq!(word.value("dcterms:created"), Some("2011-09-02T10:11:00Z"));
}

#[test]
fn embedded_files_are_taken_out_and_read() {
    for name in ["testWPSAttachment.doc", "testWPSAttachment.ppt", "testWPSAttachment.xls"] {
        let read = read(name);
        let extensions: BTreeSet<_> = read.children.iter().filter_map(|(child, _)| child.name.rsplit_once('.')).map(|(_, extension)| extension).collect();
        for wanted in ["txt", "pdf", "xml", "doc", "docx", "xls", "xlsx", "ppt", "pptx"] {
            assert!(extensions.contains(wanted), "{name}: {wanted} is not among {extensions:?}");
        }
        for (child, bytes) in
            read.children.iter().filter(|(child, _)| child.name.ends_with(".doc") || child.name.ends_with(".xls") || child.name.ends_with(".ppt"))
        {
            let inner = Collected::of(&child.name, bytes, &Limits::default()).unwrap();
            assert!(!inner.text().is_empty(), "{name}: {}", child.name);
        }
    }
    let message = read("testMSG_att_msg.msg");
    let inner = Collected::of(&message.children[0].0.name, &message.children[0].1, &Limits::default()).unwrap();
    assert_eq!(inner.summary.format.as_deref(), Some("msg"));
    assert!(inner.text().contains("Test Attachment"));
}
