//! Archives made here, byte by byte, whole and broken.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use sago_formats::{Code, Collected, Limits};

use crate::contained_fixtures::{BZIP2, LZMA, XZ};

/// What the fixtures of compressed files hold.
const TEXT: &str = "한글 문서입니다.\n한글 문서입니다.\n한글 문서입니다.\n";

pub fn read(name: &str, bytes: &[u8]) -> Collected {
    Collected::of(name, bytes, &Limits::default()).unwrap()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn names(read: &Collected) -> Vec<&str> {
    read.children.iter().map(|(child, _)| child.name.as_str()).collect()
}

#[derive(Clone, Default)]
pub struct Member {
    name: Vec<u8>,
    content: Vec<u8>,
    flags: u16,
    is_stored: bool,
    mode: u32,
    extra: Vec<u8>,
}

impl Member {
    pub fn new(name: &[u8], content: &[u8]) -> Self {
        Self { name: name.to_vec(), content: content.to_vec(), ..Self::default() }
    }
}

/// A ZIP file; its local part and its directory.
pub fn zip(members: &[Member]) -> (Vec<u8>, Vec<u8>) {
    let (mut local, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let packed = if member.is_stored { member.content.clone() } else { deflated(&member.content) };
        let offset = local.len() as u32;
        let mut common = Vec::new();
        common.extend(member.flags.to_le_bytes());
        common.extend(if member.is_stored { 0_u16 } else { 8 }.to_le_bytes());
        common.extend(0x6000_u16.to_le_bytes());
        common.extend(0x5A21_u16.to_le_bytes());
        let mut sizes = crc32fast::hash(&member.content).to_le_bytes().to_vec();
        sizes.extend((packed.len() as u32).to_le_bytes());
        sizes.extend((member.content.len() as u32).to_le_bytes());
        let lengths = [(member.name.len() as u16).to_le_bytes(), (member.extra.len() as u16).to_le_bytes()].concat();
        local.extend(b"PK\x03\x04\x14\0");
        local.extend(&common);
        // Sizes that follow the bytes are zero here.
        if member.flags & 8 != 0 {
            local.extend([0; 12])
        } else {
            local.extend(&sizes)
        }
        local.extend(&lengths);
        local.extend(&member.name);
        local.extend(&member.extra);
        local.extend(&packed);
        if member.flags & 8 != 0 {
            local.extend(b"PK\x07\x08");
            local.extend(&sizes);
        }
        directory.extend(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend(&common);
        directory.extend(&sizes);
        directory.extend(&lengths);
        directory.extend([0; 6]);
        directory.extend((member.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&member.name);
        directory.extend(&member.extra);
    }
    let mut end = directory.clone();
    end.extend(b"PK\x05\x06\0\0\0\0");
    end.extend((members.len() as u16).to_le_bytes());
    end.extend((members.len() as u16).to_le_bytes());
    end.extend((directory.len() as u32).to_le_bytes());
    end.extend((local.len() as u32).to_le_bytes());
    end.extend([0; 2]);
    (local, end)
}

fn whole_zip(members: &[Member]) -> Vec<u8> {
    let (local, end) = zip(members);
    [local, end].concat()
}

#[test]
fn korean_names_without_a_declaration_are_decoded_and_their_bytes_kept() {
    let name = encoding_rs::EUC_KR.encode("증언/김철수 진술서.txt").0.into_owned();
    let second = encoding_rs::EUC_KR.encode("증언/수용소 배치도.txt").0.into_owned();
    let read = read("a.zip", &whole_zip(&[Member::new(&name, b"x"), Member::new(&second, b"y")]));
    assert_eq!(names(&read), ["증언/김철수 진술서.txt", "증언/수용소 배치도.txt"]);
    assert_eq!(read.children[0].0.name_bytes.as_deref(), Some(name.as_slice()));
    assert_eq!(read.children[0].0.modified.as_deref(), Some("2025-01-01T12:00:00"));
    assert!(read.has(Code::NameGuessed));
}

#[test]
fn the_unicode_path_field_wins_over_the_old_name() {
    let raw = b"?.txt";
    let unicode = "한글.txt".as_bytes();
    let mut field = vec![1];
    field.extend(crc32fast::hash(raw).to_le_bytes());
    field.extend(unicode);
    let mut member = Member::new(raw, b"x");
    member.extra = [0x75, 0x70].into_iter().chain((field.len() as u16).to_le_bytes()).chain(field).collect();
    let read = read("a.zip", &whole_zip(&[member]));
    assert_eq!(names(&read), ["한글.txt"]);
    assert!(!read.has(Code::NameGuessed));
}

#[test]
fn encrypted_linked_and_unsafe_members_are_told() {
    let mut secret = Member::new(b"secret.txt", b"xxxxxxxxxxxx");
    secret.flags = 1;
    let mut link = Member::new(b"link", b"/etc/passwd");
    link.mode = 0o120_777;
    let unsafe_name = Member::new(b"../../evil.txt", b"evil");
    let read = read("a.zip", &whole_zip(&[secret, link, unsafe_name]));
    assert_eq!(names(&read), ["../../evil.txt"]);
    assert!(read.has(Code::ChildEncrypted) && read.has(Code::NameUnsafe));
    assert!(read.findings.iter().any(|finding| finding.code == Code::External && finding.text.contains("/etc/passwd")));
    assert!(!read.has(Code::CountMismatch));
}

#[test]
fn without_a_directory_members_are_recovered() {
    let mut streamed = Member::new(b"b.txt", &b"two ".repeat(1000));
    streamed.flags = 8;
    let (local, _) = zip(&[Member::new(b"a.txt", b"one"), streamed, Member::new(b"c.txt", b"three")]);
    let found = read("a.zip", &local);
    assert_eq!(names(&found), ["a.txt", "b.txt", "c.txt"]);
    assert_eq!(found.children[1].1, b"two ".repeat(1000));
    assert!(found.has(Code::Truncated));
    let cut = read("a.zip", &local[..local.len() - 3]);
    assert_eq!(names(&cut), ["a.txt", "b.txt", "c.txt"]);
    assert!(cut.has(Code::ChildFailed));
}

#[test]
fn a_wrong_checksum_keeps_the_bytes_and_says_so() {
    let mut member = Member::new(b"a.txt", b"hello");
    member.is_stored = true;
    let mut bytes = whole_zip(&[member]);
    bytes[35] = b'j';
    let read = read("a.zip", &bytes);
    assert_eq!(read.children[0].1, b"jello");
    assert!(read.findings.iter().any(|finding| finding.code == Code::ChildFailed && finding.text.contains("CRC-32")));
}

#[test]
fn a_directory_that_promises_more_than_there_is_is_told() {
    let mut bytes = whole_zip(&[Member::new(b"a.txt", b"one")]);
    let end = bytes.len() - 22;
    bytes[end + 10] = 5;
    let read = read("a.zip", &bytes);
    assert_eq!(names(&read), ["a.txt"]);
    assert!(read.has(Code::CountMismatch));
}

#[test]
fn bombs_end_at_the_limit() {
    let limits = Limits { ratio_free_bytes: 1 << 20, ratio: 10, ..Limits::default() };
    let bomb = whole_zip(&[Member::new(b"zeros", &vec![0; 64 << 20])]);
    let read = Collected::of("bomb.zip", &bomb, &limits).unwrap();
    assert!(read.has(Code::LimitExpansion));
    assert!(read.children[0].1.len() <= 1 << 20);
    let gzip = Collected::of("bomb.gz", &gzipped(&vec![0; 64 << 20]), &limits).unwrap();
    assert!(gzip.has(Code::LimitExpansion) && gzip.children[0].1.len() <= 1 << 20);
    let many: Vec<Member> = (0..100).map(|number| Member::new(format!("{number}").as_bytes(), b"x")).collect();
    let few = Collected::of("many.zip", &whole_zip(&many), &Limits { children: 10, ..Limits::default() }).unwrap();
    assert_eq!(few.children.len(), 10);
    assert!(few.summary.weight.is_some());
}

#[test]
fn deep_nesting_costs_one_level_at_a_time() {
    let mut bytes = b"end".to_vec();
    for _ in 0..10_000 {
        bytes = whole_zip(&[Member { name: b"in.zip".to_vec(), content: bytes, is_stored: true, ..Member::default() }]);
        if bytes.len() > 4 << 20 {
            break;
        }
    }
    let read = read("deep.zip", &bytes);
    assert_eq!(names(&read), ["in.zip"]);
}

fn tar_entry(name: &[u8], kind: u8, content: &[u8], link: &[u8]) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    block[..name.len()].copy_from_slice(name);
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[136..147].copy_from_slice(format!("{:011o}", 1_600_000_000).as_bytes());
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..263].copy_from_slice(b"ustar\0");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

#[test]
fn tar_gives_long_names_links_and_what_comes_after_damage() {
    let long = format!("{}/긴 이름.txt", "가".repeat(60));
    let record = format!("path={long}\n");
    let length = record.len() + 4;
    let pax = format!("{length} {record}");
    let korean = encoding_rs::EUC_KR.encode("보고서 초안.hwp").0.into_owned();
    let mut bytes = [
        tar_entry(b"pax", b'x', pax.as_bytes(), b""),
        tar_entry(b"short", b'0', b"one", b""),
        tar_entry(b"link", b'2', b"", b"../target"),
        tar_entry(b"folder/", b'5', b"", b""),
    ]
    .concat();
    bytes.extend(vec![0xAA; 512]);
    bytes.extend(tar_entry(&korean, b'0', b"two", b""));
    bytes.extend(vec![0; 1024]);
    let read = read("a.tar", &bytes);
    assert_eq!(names(&read), [long.as_str(), "보고서 초안.hwp"]);
    assert_eq!(read.children[0].0.modified.as_deref(), Some("2020-09-13T12:26:40Z"));
    assert!(read.has(Code::PartDamaged) && read.has(Code::External) && read.has(Code::NameGuessed));
    assert_eq!(read.value("archive:folders"), Some("1"));
}

#[test]
fn sparse_tar_members_get_their_holes_back() {
    let mut content = b"1\n1024\n3\n".to_vec();
    content.resize(512, 0);
    content.extend(b"abc");
    let records = ["GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=real", "GNU.sparse.realsize=1027"];
    let pax: String = records.iter().map(|record| format!("{} {record}\n", record.len() + 4)).collect();
    let bytes = [tar_entry(b"pax", b'x', pax.as_bytes(), b""), tar_entry(b"GNUSparseFile.0/real", b'0', &content, b""), vec![0; 1024]].concat();
    let read = read("a.tar", &bytes);
    assert_eq!(names(&read), ["real"]);
    assert_eq!(read.children[0].1, [vec![0; 1024], b"abc".to_vec()].concat());
    assert!(!read.has(Code::ChildFailed));
}

#[test]
fn single_compressed_files_give_their_content() {
    let lz4 = {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(TEXT.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let twice = [gzipped(&TEXT.as_bytes()[..20]), gzipped(&TEXT.as_bytes()[20..])].concat();
    let cases = [
        ("a.xz", STANDARD.decode(XZ).unwrap()),
        ("a.lzma", STANDARD.decode(LZMA).unwrap()),
        ("a.bz2", STANDARD.decode(BZIP2).unwrap()),
        ("a.lz4", lz4),
        ("a.gz", twice),
    ];
    for (name, bytes) in cases {
        let whole = read(name, &bytes);
        assert_eq!(String::from_utf8_lossy(&whole.children[0].1), TEXT, "{name}");
        assert!(whole.findings.is_empty(), "{name}: {:?}", whole.findings);
        let cut = read(name, &bytes[..bytes.len() - 9]);
        assert!(cut.summary.weight.is_some(), "{name}: a cut file must not pass");
    }
    assert_eq!(read("folder.tgz", &gzipped(b"x")).children[0].0.name, "folder.tar");
    let trailing = read("a.gz", &[gzipped(b"x"), b"garbage".to_vec()].concat());
    assert!(trailing.has(Code::TrailingBytes));
}

#[test]
fn ar_and_cpio_give_their_members() {
    let member = |name: &str, content: &str| format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n{content}", 0, 0, 0, 644, content.len());
    let ar = format!("!<arch>\n{}{}{}", member("//", "a long name of a member.txt/\n\n"), member("/0", "first."), member("b.txt/", "second"));
    let found = read("a.deb", ar.as_bytes());
    assert_eq!(names(&found), ["a long name of a member.txt", "b.txt"]);
    let cpio = |name: &str, mode: u32, content: &str| {
        let mut head = format!("070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{:08x}", 1, 0, 0, 1, 0, content.len());
        head.push_str(&format!("{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{name}\0", 0, 0, 0, 0, name.len() + 1, 0));
        head.push_str(&"\0".repeat(head.len().next_multiple_of(4) - head.len()));
        head.push_str(content);
        head.push_str(&"\0".repeat(head.len().next_multiple_of(4) - head.len()));
        head
    };
    let bytes = cpio("a.txt", 0o100_644, "one") + &cpio("dir", 0o040_755, "") + &cpio("TRAILER!!!", 0, "");
    let found = read("a.cpio", bytes.as_bytes());
    assert_eq!(names(&found), ["a.txt"]);
    assert!(found.findings.is_empty(), "{:?}", found.findings);
}

fn cabinet(kind: u16, blocks: &[(Vec<u8>, usize)], files: &[(&[u8], u32, u32)]) -> Vec<u8> {
    let entries: Vec<u8> = files
        .iter()
        .flat_map(|(name, start, size)| [&size.to_le_bytes()[..], &start.to_le_bytes(), &[0, 0, 0x21, 0x5A, 0, 0x60, 0, 0], name, &[0]].concat())
        .collect();
    let data_at = 36 + 8 + entries.len() as u32;
    let data: Vec<u8> =
        blocks.iter().flat_map(|(packed, size)| [&[0; 4][..], &(packed.len() as u16).to_le_bytes(), &(*size as u16).to_le_bytes(), packed].concat()).collect();
    let mut head = b"MSCF\0\0\0\0".to_vec();
    head.extend((data_at + data.len() as u32).to_le_bytes());
    head.extend([0; 4]);
    head.extend(44_u32.to_le_bytes());
    head.extend([0, 0, 0, 0, 3, 1, 1, 0]);
    head.extend((files.len() as u16).to_le_bytes());
    head.extend([0; 6]);
    head.extend(data_at.to_le_bytes());
    head.extend((blocks.len() as u16).to_le_bytes());
    head.extend(kind.to_le_bytes());
    [head, entries, data].concat()
}

#[test]
fn cabinets_are_unpacked() {
    let korean = encoding_rs::EUC_KR.encode("사진 목록.txt").0.into_owned();
    let mszip = [b"CK".to_vec(), deflated(b"firstsecond")].concat();
    for (kind, block) in [(0, b"firstsecond".to_vec()), (1, mszip)] {
        let found = read("a.cab", &cabinet(kind, &[(block, 11)], &[(&korean, 0, 5), (b"b.txt", 5, 6)]));
        assert_eq!(names(&found), ["사진 목록.txt", "b.txt"]);
        assert_eq!(found.children[1].1, b"second");
        assert_eq!(found.findings.iter().filter(|finding| finding.code != Code::NameGuessed).count(), 0, "{:?}", found.findings);
    }
    let quantum = read("a.cab", &cabinet(2, &[(b"x".to_vec(), 1)], &[(b"a", 0, 1)]));
    assert!(quantum.has(Code::ChildFailed));
}

#[test]
fn lha_alz_and_egg_give_their_members() {
    let name = encoding_rs::EUC_KR.encode("한글.txt").0.into_owned();
    // LHA, level 0, stored; CRC-16 of "hello" is 34D2.
    let mut lha = vec![0, 0];
    lha.extend(b"-lh0-\x05\0\0\0\x05\0\0\0\0\x60\x21\x5A\x20\0");
    lha.push(name.len() as u8);
    lha.extend(&name);
    lha.extend([0xD2, 0x34]);
    lha[0] = (lha.len() - 2) as u8;
    lha[1] = lha[2..].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    lha.extend(b"hello\0");
    let found = read("a.lzh", &lha);
    assert_eq!(names(&found), ["한글.txt"]);
    assert_eq!(found.children[0].1, b"hello");
    assert!(!found.has(Code::ChildFailed), "{:?}", found.findings);

    let packed = deflated(b"hello alz");
    let mut alz = b"ALZ\x01\x0a\0\0\0BLZ\x01".to_vec();
    alz.extend((name.len() as u16).to_le_bytes());
    alz.extend(b"\x20\0\x60\x21\x5A\x10\0\x02\0");
    alz.extend(crc32fast::hash(b"hello alz").to_le_bytes());
    alz.extend([packed.len() as u8, 9]);
    alz.extend(&name);
    alz.extend(&packed);
    alz.extend(b"CLZ\x01\0\0\0\0\0\0\0\0CLZ\x02");
    let found = read("a.alz", &alz);
    assert_eq!((names(&found), found.children[0].1.as_slice()), (vec!["한글.txt"], &b"hello alz"[..]));
    assert!(!found.has(Code::ChildFailed) && !found.has(Code::Truncated), "{:?}", found.findings);

    let end = 0x08E2_8222_u32.to_le_bytes();
    let mut egg = b"EGGA\0\x01\x01\0\0\0\0\0\0\0".to_vec();
    egg.extend(end);
    egg.extend(0x0A85_90E3_u32.to_le_bytes());
    egg.extend([0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    egg.extend(0x0A85_91AC_u32.to_le_bytes());
    egg.extend([0, 10, 0]);
    egg.extend("한글.txt".as_bytes());
    egg.extend(end);
    egg.extend(0x02B5_0C13_u32.to_le_bytes());
    egg.extend([1, 0, 9, 0, 0, 0, packed.len() as u8, 0, 0, 0]);
    egg.extend(crc32fast::hash(b"hello alz").to_le_bytes());
    egg.extend(end);
    egg.extend(&packed);
    egg.extend(end);
    let found = read("a.egg", &egg);
    assert_eq!((names(&found), found.children[0].1.as_slice()), (vec!["한글.txt"], &b"hello alz"[..]));
    assert!(found.findings.is_empty(), "{:?}", found.findings);
}

#[test]
fn a_disc_image_gives_its_files_and_survives_a_folder_in_itself() {
    let mut image = vec![0_u8; 2048 * 22];
    let both = |value: u32| [value.to_le_bytes(), value.to_be_bytes()].concat();
    let record = |name: &[u8], sector: u32, size: u32, flags: u8| {
        let mut bytes = vec![0, 0];
        bytes.extend(both(sector));
        bytes.extend(both(size));
        bytes.extend([125, 1, 1, 12, 0, 0, 36, flags, 0, 0, 1, 0, 0, 1, name.len() as u8]);
        bytes.extend(name);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes[0] = bytes.len() as u8;
        bytes
    };
    let volume = &mut image[16 * 2048..17 * 2048];
    volume[..7].copy_from_slice(b"\x01CD001\x01");
    volume[40..46].copy_from_slice(b"PHOTOS");
    volume[128..130].copy_from_slice(&2048_u16.to_le_bytes());
    volume[156..190].copy_from_slice(&record(&[0], 18, 2048, 2));
    image[17 * 2048..17 * 2048 + 6].copy_from_slice(b"\xffCD001");
    let root = [record(&[0], 18, 2048, 2), record(&[1], 18, 2048, 2), record(b"A.TXT;1", 20, 5, 0), record(b"SELF", 18, 2048, 2), record(b"SUB", 19, 2048, 2)]
        .concat();
    image[18 * 2048..18 * 2048 + root.len()].copy_from_slice(&root);
    let sub = record(b"B.TXT;1", 21, 3, 0);
    image[19 * 2048..19 * 2048 + sub.len()].copy_from_slice(&sub);
    image[20 * 2048..20 * 2048 + 5].copy_from_slice(b"hello");
    image[21 * 2048..21 * 2048 + 3].copy_from_slice(b"two");
    let found = read("a.iso", &image);
    assert_eq!(names(&found), ["A.TXT", "SUB/B.TXT"]);
    assert_eq!(found.children[0].1, b"hello");
    assert_eq!(found.children[0].0.modified.as_deref(), Some("2025-01-01T12:00:00+09:00"));
    assert_eq!(found.value("iso:volume"), Some("PHOTOS"));
}
