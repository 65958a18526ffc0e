//! Documents made here, record by record: what the real ones at hand do not have.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::records::{BIN_DATA, CTRL_HEADER, EQEDIT, LIST_HEADER, MEMO_LIST, PARA_HEADER, PARA_SHAPE, PARA_TEXT, TABLE, TEXTART};
use crate::readers::compound::{Node, write};
use crate::{BlockKind, Code, Collected, Limits, Severity};

fn record(tag: u16, level: u32, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    let mut record = (u32::from(tag) | level << 10 | length.min(0xFFF) << 20).to_le_bytes().to_vec();
    if length >= 0xFFF {
        record.extend(length.to_le_bytes());
    }
    record.extend(bytes);
    record
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn counted(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.encode_utf16().count()).unwrap().to_le_bytes().to_vec();
    bytes.extend(wide(text));
    bytes
}

/// A paragraph whose text may hold controls: `{n}` stands for one of eight units.
fn paragraph(level: u32, shape: u16, text: &str) -> Vec<u8> {
    let mut header = vec![0; 24];
    header[8..10].copy_from_slice(&shape.to_le_bytes());
    let mut units = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        units.extend(wide(before));
        let (number, after) = after.split_once('}').unwrap();
        let number: u16 = number.parse().unwrap();
        units.extend([number, 0x6162, 0x6364, 0, 0, 0, 0, number].iter().flat_map(|unit| unit.to_le_bytes()));
        rest = after;
    }
    units.extend(wide(rest));
    [record(PARA_HEADER, level, &header), record(PARA_TEXT, level + 1, &units)].concat()
}

fn control(level: u32, id: &[u8; 4], rest: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = id.iter().rev().copied().collect();
    bytes.extend(rest);
    record(CTRL_HEADER, level, &bytes)
}

/// A list of one paragraph; of a cell when it has a place.
fn list(level: u32, cell: Option<(u16, u16)>, text: &str) -> Vec<u8> {
    let mut header = vec![1, 0, 0, 0, 0, 0, 0, 0];
    if let Some((row, column)) = cell {
        header.extend(column.to_le_bytes());
        header.extend(row.to_le_bytes());
        header.extend([1, 0, 1, 0]);
    }
    [record(LIST_HEADER, level, &header), paragraph(level, 0, text)].concat()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    let mut packed = encoder.finish().unwrap();
    packed.extend(super::checksum(bytes).to_le_bytes());
    packed.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    packed
}

fn leaf(name: &str, bytes: Vec<u8>) -> Node {
    Node { name: name.to_owned(), class: [0; 16], bytes: Some(bytes), children: Vec::new() }
}

fn folder(name: &str, children: Vec<Node>) -> Node {
    Node { name: name.to_owned(), class: [0; 16], bytes: None, children }
}

fn document(flags: u32, info: &[u8], section: Vec<u8>, more: Vec<Node>) -> Vec<u8> {
    let mut header = b"HWP Document File".to_vec();
    header.resize(256, 0);
    header[32..36].copy_from_slice(&0x0500_0500_u32.to_le_bytes());
    header[36..40].copy_from_slice(&flags.to_le_bytes());
    let mut children = vec![leaf("FileHeader", header), leaf("DocInfo", packed(info)), folder("BodyText", vec![leaf("Section0", section)])];
    children.extend(more);
    write(&folder("", children)).unwrap()
}

fn read(bytes: &[u8]) -> Collected {
    Collected::of("문서.hwp", bytes, &Limits::default()).unwrap()
}

fn blocks(read: &Collected) -> Vec<(BlockKind, &str)> {
    read.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect()
}

#[test]
fn what_stands_in_a_paragraph_follows_it_with_its_kind() {
    let info = [record(PARA_SHAPE, 0, &[0; 8]), record(PARA_SHAPE, 0, &(1_u32 << 23).to_le_bytes())].concat();
    let drawn = [vec![0; 40], counted("대체 글")].concat();
    let section = [
        paragraph(0, 1, "제목"),
        paragraph(0, 0, "본문{17}끝\u{9}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{9}탭\u{a}줄\u{d}"),
        control(1, b"fn  ", &[0; 16]),
        list(2, None, "각주 글"),
        paragraph(0, 0, "{11}"),
        control(1, b"tbl ", &drawn),
        list(2, None, "표 제목"),
        record(TABLE, 2, &[0; 20]),
        list(2, Some((0, 0)), "가"),
        list(2, Some((4, 2)), "나{17}"),
        control(3, b"en  ", &[0; 16]),
        list(4, None, "칸의 미주"),
        paragraph(0, 0, "{16}{15}뒤"),
        control(1, b"head", &[0; 8]),
        list(2, None, "머리말"),
        control(1, b"tcmt", &[]),
        list(2, None, "숨은 설명"),
        control(1, b"eqed", &[0; 20]),
        record(EQEDIT, 2, &[vec![0; 4], counted("a over b")].concat()),
        control(1, b"gso ", &[0; 20]),
        record(TEXTART, 3, &[vec![0; 32], counted("글맵시")].concat()),
        control(1, b"tdut", &[counted("본말"), counted("덧말")].concat()),
        record(MEMO_LIST, 1, &[0; 4]),
        list(1, None, "메모 글"),
    ]
    .concat();
    let read = read(&document(1, &info, packed(&section), Vec::new()));
    assert_eq!(
        blocks(&read),
        [
            (BlockKind::Heading, "제목"),
            (BlockKind::Paragraph, "본문끝\t탭\n줄"),
            (BlockKind::Note, "각주 글"),
            (BlockKind::Caption, "대체 글"),
            (BlockKind::Caption, "표 제목"),
            (BlockKind::Cell, "가"),
            (BlockKind::Cell, "나"),
            (BlockKind::Note, "칸의 미주"),
            (BlockKind::Paragraph, "뒤"),
            (BlockKind::Margin, "머리말"),
            (BlockKind::Comment, "숨은 설명"),
            (BlockKind::Paragraph, "a over b"),
            (BlockKind::Caption, "글맵시"),
            (BlockKind::Paragraph, "본말"),
            (BlockKind::Caption, "덧말"),
            (BlockKind::Comment, "메모 글"),
        ]
    );
    assert_eq!(read.blocks[6].anchor.cell, Some((5, 3)));
    assert_eq!(read.summary.weight, None, "{:?}", read.findings);
}

#[test]
fn a_damaged_section_gives_its_beginning() {
    let lines: Vec<u8> = (0..20_000).flat_map(|number| paragraph(0, 0, &format!("증언 {number} {}", number * 7919 % 10_007))).collect();
    let mut section = packed(&lines);
    let half = section.len() / 2;
    section[half..half + 64].fill(0xFF);
    let read = read(&document(1, &[], section, Vec::new()));
    assert!(read.blocks.len() > 5_000, "{}", read.blocks.len());
    assert!(read.has(Code::PartDamaged), "{:?}", read.findings);
    assert_eq!(read.summary.weight, Some(Severity::Loss));
}

#[test]
fn a_cut_file_gives_what_is_left() {
    let text: String = (0..3000).map(|number| char::from_u32(0xAC00 + number * 3).unwrap()).collect();
    let bytes = document(0, &[], paragraph(0, 0, &text), Vec::new());
    let whole = read(&bytes);
    assert_eq!(whole.text(), text);
    for cut in (600..bytes.len()).step_by(512) {
        let read = read(&bytes[..cut]);
        assert!(read.text() == text || read.summary.weight >= Some(Severity::Loss), "{cut}: {:?}", read.findings);
    }
}

#[test]
fn locked_documents_are_told_with_their_preview() {
    for (flags, code) in [(0b11, Code::Encrypted), (1 | 1 << 4, Code::RightsManaged), (1 | 1 << 8, Code::Encrypted), (1 | 1 << 10, Code::RightsManaged)] {
        let read = read(&document(flags, &[], vec![0x5A; 300], vec![leaf("PrvText", wide("첫 줄"))]));
        assert!(read.has(code), "{flags:b}: {:?}", read.findings);
        assert_eq!(read.summary.weight, Some(Severity::Unreadable));
        assert_eq!(blocks(&read), [(BlockKind::Hidden, "첫 줄")]);
    }
}

#[test]
fn files_that_are_named_and_not_there_are_missed() {
    let embedded = [&1_u16.to_le_bytes()[..], &1_u16.to_le_bytes(), &counted("png")].concat();
    let missing = [&1_u16.to_le_bytes()[..], &2_u16.to_le_bytes(), &counted("jpg")].concat();
    let linked = [&0_u16.to_le_bytes()[..], &counted("C:\\사진\\증거.jpg"), &counted("증거.jpg")].concat();
    let info = [record(BIN_DATA, 1, &embedded), record(BIN_DATA, 1, &missing), record(BIN_DATA, 1, &linked)].concat();
    let bin = folder("BinData", vec![leaf("BIN0001.png", packed(b"\x89PNG picture"))]);
    let read = read(&document(1, &info, packed(&paragraph(0, 0, "글")), vec![bin]));
    assert_eq!(read.children[0].0.name, "BIN0001.png");
    assert_eq!(read.children[0].1, b"\x89PNG picture");
    assert!(read.findings.iter().any(|finding| finding.code == Code::ChildMissing && finding.place == "BIN0002"), "{:?}", read.findings);
    assert!(read.findings.iter().any(|finding| finding.code == Code::External && finding.text.contains("증거.jpg")), "{:?}", read.findings);
}

#[test]
fn levels_without_end_are_cut_and_said() {
    let section: Vec<u8> = (0..1000).flat_map(|level| paragraph(level, 0, "깊다")).collect();
    let read = read(&document(1, &[], packed(&section), Vec::new()));
    assert!(read.has(Code::LimitNesting), "{:?}", read.findings);
}

#[test]
fn a_stream_that_swells_is_cut_and_said() {
    let limits = Limits { ratio_free_bytes: 1 << 20, ratio: 2, ..Limits::default() };
    let bytes = document(1, &[], packed(&vec![0; 64 << 20]), Vec::new());
    let read = Collected::of("a.hwp", &bytes, &limits).unwrap();
    assert!(read.has(Code::LimitExpansion), "{:?}", read.findings);
}
