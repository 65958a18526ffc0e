//! Sheets made for the test.

use crate::readers::compound::{Node, write};
use crate::{BlockKind, Code, Collected, Limits};

fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &u16::try_from(body.len()).unwrap().to_le_bytes(), body].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn cell(row: u16, column: u16, rest: &[u8]) -> Vec<u8> {
    [&row.to_le_bytes()[..], &column.to_le_bytes(), &[0, 0], rest].concat()
}

fn file(stream: Vec<u8>, name: &str) -> Vec<u8> {
    let stream = Node { name: name.to_owned(), class: [0; 16], bytes: Some(stream), children: Vec::new() };
    write(&Node { name: String::new(), class: [0; 16], bytes: None, children: vec![stream] }).unwrap()
}

/// Kind, text and cell of a block.
type Told<'a> = (BlockKind, &'a str, Option<(u32, u32)>);

fn told(read: &Collected) -> Vec<Told<'_>> {
    read.blocks.iter().map(|block| (block.kind, block.text.as_str(), block.anchor.cell)).collect()
}

#[test]
fn shared_strings_go_on_in_continuations_with_another_width() {
    let begin = record(0x0809, &[0, 6, 5, 0, 0, 0, 0, 0]);
    // "Pyongyang 평양": the first letters narrow, the rest after the break wide; then a rich string.
    let shared = record(0x00fc, &[&[2, 0, 0, 0, 2, 0, 0, 0][..], &[12, 0, 0], b"Pyongyang "].concat());
    let more = record(0x003c, &[&[1][..], &wide("평양"), &[2, 0, 8 | 1, 1, 0], &wide("함흥"), &[0, 0, 1, 0]].concat());
    let listed = |offset: u32| record(0x0085, &[&offset.to_le_bytes()[..], &[1, 0, 2, 1], &wide("숨음")].concat());
    let offset = u32::try_from(begin.len() + listed(0).len() + shared.len() + more.len() + 4).unwrap();
    let stream = [
        begin,
        listed(offset),
        shared,
        more,
        record(0x000a, &[]),
        record(0x0809, &[0, 6, 0x10, 0, 0, 0, 0, 0]),
        record(0x00fd, &cell(0, 0, &[0, 0, 0, 0])),
        record(0x00fd, &cell(1, 2, &[1, 0, 0, 0])),
        record(0x0006, &cell(2, 0, &[&[0, 0, 0, 0, 0, 0, 0xff, 0xff][..], &[0; 6]].concat())),
        record(0x0207, &[&[2, 0, 1][..], &wide("결과")].concat()),
        record(0x0203, &cell(3, 0, &1.5_f64.to_le_bytes())),
        record(0x000a, &[]),
    ]
    .concat();
    let read = Collected::of("a.xls", &file(stream.clone(), "Workbook"), &Limits::default()).unwrap();
    let expected = [
        (BlockKind::Heading, "숨음", None),
        (BlockKind::Cell, "Pyongyang 평양", Some((1, 1))),
        (BlockKind::Cell, "함흥", Some((2, 3))),
        (BlockKind::Cell, "결과", Some((3, 1))),
        (BlockKind::Cell, "1.5", Some((4, 1))),
    ];
    assert_eq!(told(&read), expected);
    assert!(read.findings.iter().any(|finding| finding.code == Code::Hidden && finding.text.contains("숨음")));
    let cut = Collected::of("a.xls", &file(stream[..stream.len() - 30].to_vec(), "Workbook"), &Limits::default()).unwrap();
    assert!(cut.has(Code::Truncated));
}

#[test]
fn old_sheets_are_read_in_their_code_page() {
    let korean = encoding_rs::EUC_KR.encode("개천").0.into_owned();
    let stream = [
        record(0x0809, &[0, 5, 0x10, 0, 0, 0, 0, 0]),
        record(0x0042, &949_u16.to_le_bytes()),
        record(0x0204, &cell(0, 1, &[&[4, 0][..], &korean].concat())),
        record(0x000a, &[]),
    ]
    .concat();
    let read = Collected::of("a.xls", &file(stream, "Book"), &Limits::default()).unwrap();
    assert_eq!(told(&read), [(BlockKind::Cell, "개천", Some((1, 2)))]);
}

#[test]
fn encryption_is_said() {
    let stream = [record(0x0809, &[0, 6, 5, 0, 0, 0, 0, 0]), record(0x002f, &[0; 6]), record(0x00fc, &[0; 8])].concat();
    let read = Collected::of("a.xls", &file(stream, "Workbook"), &Limits::default()).unwrap();
    assert!(read.has(Code::Encrypted) && read.blocks.is_empty());
}
