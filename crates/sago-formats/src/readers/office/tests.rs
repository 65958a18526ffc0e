//! Word documents made for the purpose: pieces, parts, fields, deleted text.

use crate::readers::compound::{Node, write};
use crate::{BlockKind, Code, Collected, Limits};

fn stream(name: &str, bytes: Vec<u8>) -> Node {
    Node { name: name.to_owned(), class: [0; 16], bytes: Some(bytes), children: Vec::new() }
}

fn file(children: Vec<Node>) -> Vec<u8> {
    write(&Node { name: String::new(), class: [0; 16], bytes: None, children }).unwrap()
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// A document of two pieces: the first narrow, the second wide, with one run that is marked as deleted.
fn document(flags: u16) -> Vec<u8> {
    let narrow = b"caf\xe9 \x13 HYPERLINK \"http://example.org/\" \x14link\x15\r";
    let wide: Vec<u8> = "한글 지움\r주석\r".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut main = vec![0; 2048];
    main[..2].copy_from_slice(&[0xec, 0xa5]);
    main[2] = 0xc1;
    main[10..12].copy_from_slice(&flags.to_le_bytes());
    let (first, second) = (1024_u32, 1536_u32);
    main[1024..1024 + narrow.len()].copy_from_slice(narrow);
    main[1536..1536 + wide.len()].copy_from_slice(&wide);
    let length = u32::try_from(narrow.len()).unwrap();
    put(&mut main, 0x4c, length + 6);
    put(&mut main, 0x50, 3);
    // One page of looks: "지움" is marked as deleted.
    let start = second + 6;
    for (index, place) in [second, start, start + 4].into_iter().enumerate() {
        put(&mut main, 512 + 4 * index, place);
    }
    main[512 + 12..512 + 14].copy_from_slice(&[0, 200]);
    main[512 + 400..512 + 404].copy_from_slice(&[3, 0x00, 0x08, 1]);
    main[512 + 511] = 2;
    let mut table = vec![2];
    table.extend(28_u32.to_le_bytes());
    for place in [0, length, length + 9] {
        table.extend(place.to_le_bytes());
    }
    for raw in [first * 2 | 0x4000_0000, second] {
        table.extend([0, 0]);
        table.extend(raw.to_le_bytes());
        table.extend([0, 0]);
    }
    put(&mut main, 0x1a2, 0);
    put(&mut main, 0x1a6, u32::try_from(table.len()).unwrap());
    put(&mut main, 0xfa, u32::try_from(table.len()).unwrap());
    put(&mut main, 0xfe, 12);
    for value in [second, second + 100, 1] {
        table.extend(value.to_le_bytes());
    }
    file(vec![stream("WordDocument", main), stream("0Table", table)])
}

#[test]
fn pieces_of_both_widths_fields_and_deleted_text_are_told() {
    let read = Collected::of("a.doc", &document(0), &Limits::default()).unwrap();
    let told: Vec<_> = read.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect();
    let expected = [
        (BlockKind::Caption, "http://example.org/"),
        (BlockKind::Paragraph, "café link"),
        (BlockKind::Paragraph, "한글 "),
        (BlockKind::Hidden, "지움"),
        (BlockKind::Note, "주석"),
    ];
    assert_eq!(told, expected);
    assert!(read.has(Code::Hidden));
}

#[test]
fn encrypted_and_locked_documents_are_said() {
    assert!(Collected::of("a.doc", &document(0x0100), &Limits::default()).unwrap().has(Code::Encrypted));
    let locked = file(vec![stream("WordDocument", vec![0; 10]), stream("\u{9}DRMContent", vec![0; 10])]);
    assert!(Collected::of("a.doc", &locked, &Limits::default()).unwrap().has(Code::RightsManaged));
    let package = file(vec![stream("EncryptedPackage", vec![0; 10]), stream("EncryptionInfo", vec![0; 10])]);
    assert!(Collected::of("a.docx", &package, &Limits::default()).unwrap().has(Code::Encrypted));
}

#[test]
fn korean_word_95_is_read_in_its_code_page() {
    let text = encoding_rs::EUC_KR.encode("평안북도\r신의주\r").0.into_owned();
    let mut main = vec![0; 1024];
    main[..2].copy_from_slice(&[0xdc, 0xa5]);
    main[2] = 104;
    main[6..8].copy_from_slice(&0x412_u16.to_le_bytes());
    let end = 768 + u32::try_from(text.len()).unwrap();
    put(&mut main, 0x18, 768);
    put(&mut main, 0x1c, end);
    put(&mut main, 0x34, end - 768);
    main[768..768 + text.len()].copy_from_slice(&text);
    let read = Collected::of("a.doc", &file(vec![stream("WordDocument", main)]), &Limits::default()).unwrap();
    assert_eq!(read.text(), "평안북도\n신의주");
}
