//! Texts made for the test.

use crate::{BlockKind, Code, Collected, Limits};

fn rtf(text: &str) -> Collected {
    Collected::of("a.rtf", text.as_bytes(), &Limits::default()).unwrap()
}

fn kinds(read: &Collected) -> Vec<(BlockKind, &str)> {
    read.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect()
}

#[test]
fn korean_is_read_from_double_bytes_and_from_numbers() {
    let read = rtf(
        r"{\rtf1\ansi\ansicpg949\deff0{\fonttbl{\f0\fcharset129 Batang;}{\f1\fcharset0 Arial;}}\f0\'c7\'d1\'b1\'db \f1 caf\'e9\par\uc2\u-10916\'c7\'d1\u44544 ??!\par\u-10179?\u-8704?}",
    );
    assert_eq!(read.text(), "한글 café\n한글!\n😀");
    assert!(!read.has(Code::Undecodable));
}

#[test]
fn every_place_has_its_kind() {
    let read = rtf(concat!(
        r"{\rtf1\ansi{\stylesheet{\s1\outlinelevel0 heading 1;}}{\info{\title T}{\creatim\yr2020\mo2\dy3\hr4\min5}}{\header top\par}",
        r"\pard\s1 Head\par\pard body{\footnote note}{\v secret}{\*\annotation remark}\par",
        r"\trowd\intbl a\cell b\par c\cell\row\pard{\field{\*\fldinst HYPERLINK \'22http://example.org/\'22}{\fldrslt link}}\par{\*\unknown no}{\deleted gone}}"
    ));
    let expected = [
        (BlockKind::Margin, "top"),
        (BlockKind::Heading, "Head"),
        (BlockKind::Note, "note"),
        (BlockKind::Comment, "remark"),
        (BlockKind::Paragraph, "body"),
        (BlockKind::Hidden, "secret"),
        (BlockKind::Cell, "a"),
        (BlockKind::Cell, "b\nc"),
        (BlockKind::Caption, "http://example.org/"),
        (BlockKind::Paragraph, "link"),
        (BlockKind::Hidden, "gone"),
    ];
    assert_eq!(kinds(&read), expected);
    assert_eq!(read.blocks[7].anchor.cell, Some((1, 2)));
    assert_eq!((read.value("dc:title"), read.value("dcterms:created")), (Some("T"), Some("2020-02-03T04:05:00")));
}

#[test]
fn pages_wrapped_by_outlook_are_read_as_pages() {
    let read = rtf(r"{\rtf1\ansi\fromhtml1 {\*\htmltag19 <html>}{\*\htmltag64 <p>}\htmlrtf \par\htmlrtf0 a < b{\*\htmltag84 &nbsp;}c\par{\*\htmltag72 </p>}}");
    assert_eq!(read.text(), "a < b\u{a0}c");
}

#[test]
fn pictures_and_objects_are_children() {
    let package: Vec<u8> = [&b"\x02\0a.txt\0C:\\a.txt\0\0\0\x03\0\x04\0\0\0C:\\\0\x02\0\0\0hi"[..]].concat();
    let ole = [&[1, 5, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0][..], b"Package\0", &[0; 8], &(package.len() as u32).to_le_bytes(), &package].concat();
    let hex: String = ole.iter().map(|byte| format!("{byte:02x}")).collect();
    let read = rtf(&format!(r"{{\rtf1{{\pict\pngblip 8950\n4e47}}{{\object\objemb{{\*\objdata {hex}}}{{\result shown}}}}}}").replace("\\n", "\n"));
    let names: Vec<_> = read.children.iter().map(|(child, bytes)| (child.name.as_str(), bytes.as_slice())).collect();
    assert_eq!(names, [("picture1.png", &b"\x89PNG"[..]), ("a.txt", b"hi")]);
    assert_eq!(read.text(), "shown");
}

#[test]
fn depth_and_broken_groups_are_said() {
    let read = rtf(&("{\\rtf1 top".to_owned() + &"{".repeat(200_000) + "deep"));
    assert!(read.has(Code::LimitNesting) && read.has(Code::Truncated));
    assert_eq!(read.text(), "top");
    assert!(rtf(r"{\rtf1 x} tail").has(Code::TrailingBytes));
    assert!(rtf(r"{\rtf1 \bin99999999999 x").has(Code::Truncated));
}
