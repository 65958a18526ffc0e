//! Databases, web archives and signed wrappers made here.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sago_formats::{BlockKind, Code};

use crate::contained_archives::read;
use crate::contained_fixtures::SQLITE;

fn database() -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::ZlibDecoder::new(STANDARD.decode(SQLITE).unwrap().as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn every_row_of_a_database_is_read() {
    let read = read("a.sqlite", &database());
    let rows =
        |table: &str| read.blocks.iter().filter(|block| block.kind == BlockKind::Cell && block.anchor.part.as_deref() == Some(table)).collect::<Vec<_>>();
    assert_eq!((rows("person").len(), rows("place").len()), (40, 60));
    assert_eq!(rows("person")[0].text, "3\t김정은 1\t");
    assert_eq!(rows("person")[6].text, format!("21\t김정은 7{}\t", "·길다".repeat(300)));
    assert_eq!(rows("place")[59].text, "함경북도-59\t59.5");
    let (child, bytes) = &read.children[0];
    assert_eq!((child.name.as_str(), bytes.len()), ("person/9/picture", 402));
    assert!(read.findings.is_empty(), "{:?}", read.findings);
}

#[test]
fn a_database_with_a_broken_page_gives_the_others() {
    let mut bytes = database();
    let broken = (2..bytes.len() / 512).map(|page| page * 512).find(|offset| bytes[*offset] == 13).unwrap();
    bytes[broken..broken + 512].fill(0xEE);
    let read = read("a.sqlite", &bytes);
    assert!(read.has(Code::PartDamaged));
    assert!(read.blocks.len() > 40, "{} blocks", read.blocks.len());
    assert!(crate::contained_archives::read("a.sqlite", &vec![7; 4096]).has(Code::Damaged));
}

#[test]
fn a_table_of_dbase_keeps_its_deleted_rows_as_hidden() {
    let mut bytes = vec![3, 125, 1, 1, 3, 0, 0, 0, 65, 0, 11, 0];
    bytes.resize(29, 0);
    bytes.push(0x4E);
    bytes.resize(32, 0);
    bytes.extend(b"NAME\0\0\0\0\0\0\0C\0\0\0\0\x0a");
    bytes.resize(64, 0);
    bytes.push(0x0D);
    for (mark, name) in [(b' ', "김철수"), (b'*', "이영희")] {
        bytes.push(mark);
        let mut name = encoding_rs::EUC_KR.encode(name).0.into_owned();
        name.resize(10, b' ');
        bytes.extend(name);
    }
    bytes.push(0x1A);
    let read = read("a.dbf", &bytes);
    assert_eq!(read.text(), "NAME\n김철수\n이영희");
    assert_eq!(read.blocks[2].kind, BlockKind::Hidden);
    assert!(read.has(Code::Hidden) && read.has(Code::CountMismatch));
}

fn warc(kind: &str, uri: &str, block: &[u8]) -> Vec<u8> {
    let head = format!(
        "WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2025-01-01T00:00:00Z\r\nContent-Type: application/http\r\nContent-Length: {}\r\n\r\n",
        block.len()
    );
    [head.as_bytes(), block, b"\r\n\r\n"].concat()
}

#[test]
fn captures_are_unchunked_and_unpacked() {
    let chunked = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n";
    let wrong = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunks at all";
    let bytes = [warc("response", "http://a/", chunked), warc("response", "http://b/", wrong), warc("revisit", "http://a/", b"")].concat();
    let whole = read("a.warc", &bytes);
    assert_eq!(whole.children[0].1, b"Wikipedia");
    assert_eq!(whole.children[0].0.media_type.as_deref(), Some("text/html"));
    assert_eq!(whole.children[1].1, b"no chunks at all");
    assert!(whole.has(Code::PartDamaged) && whole.has(Code::External));
    assert_eq!(whole.value("warc:records"), Some("3"));
    let cut = read("a.warc", &warc("response", "http://a/", chunked)[..230]);
    assert!(cut.summary.weight.is_some());
}

#[test]
fn a_damaged_gzip_member_costs_only_its_own_record() {
    let packed = |bytes: Vec<u8>| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &bytes).unwrap();
        encoder.finish().unwrap()
    };
    let record = |name: &str| packed(warc("resource", name, format!("{name} {}", "text ".repeat(50)).as_bytes()));
    let mut second = record("http://b/");
    let middle = second.len() / 2;
    second[middle..middle + 8].fill(0xFF);
    let read = read("a.warc.gz", &[record("http://a/"), second, record("http://c/")].concat());
    let names: Vec<&str> = read.children.iter().map(|(child, _)| child.name.as_str()).collect();
    assert!(names.contains(&"http://a/") && names.contains(&"http://c/"), "{names:?}");
    assert!(read.has(Code::PartDamaged));
}

#[test]
fn wrappers_of_definite_and_indefinite_length_give_their_content() {
    // ContentInfo { data, [0] OCTET STRING }.
    let definite = b"\x30\x10\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x03\x04\x01A";
    let indefinite = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80\x24\x80\x04\x01A\x04\x01B\0\0\0\0\0\0";
    assert_eq!(read("a.txt.p7m", definite).children[0].1, b"A");
    assert_eq!(read("a.txt.p7m", indefinite).children[0].1, b"AB");
    assert_eq!(read("a.txt.p7m", indefinite).children[0].0.name, "a.txt");
    let armoured = format!("-----BEGIN PKCS7-----\n{}\n-----END PKCS7-----\n", STANDARD.encode(definite));
    assert_eq!(read("a.txt.p7m", armoured.as_bytes()).children[0].1, b"A");
}
