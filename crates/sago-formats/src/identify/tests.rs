//! Identification on bytes made for the test.

use std::io::Cursor;

use super::*;

fn of(name: &str, bytes: &[u8]) -> Option<Identified> {
    let mut cursor = Cursor::new(bytes);
    identify(&mut Source::new(&mut cursor).unwrap(), name).unwrap()
}

fn puid(name: &str, bytes: &[u8]) -> String {
    of(name, bytes).and_then(|found| found.puid).unwrap_or_default()
}

#[test]
fn bytes_say_more_than_names() {
    let pdf = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n";
    assert_eq!(puid("report.hwp", pdf), "fmt/18");
    assert_eq!(puid("report", b"%PDF-1.4\ncut off"), "sago/pdf");
    assert_eq!(puid("a.txt", b"SQLite format 3\0rest"), "fmt/729");
    assert_eq!(puid("a", b"age-encryption.org/v1\n-> X25519"), "sago/age");
}

#[test]
fn texts_are_told_by_how_they_begin() {
    for (name, bytes, code) in [
        ("a", "{\"a\": [1, 2]}", "json"),
        ("a", "{\"a\": 1}\n{\"a\": 2}\n", "jsonl"),
        ("a", "1\n00:00:01,000 --> 00:00:02,000\nwords\n", "srt"),
        ("a", "WEBVTT\n\n00:01.000 --> 00:02.000\nwords\n", "vtt"),
        ("a.csv", "name,born\nKim,1970\n", "csv"),
        ("a.txt", "김철수 님과 카카오톡 대화\n저장한 날짜 : 2021-03-04 10:00:00\n\n", "kakaotalk"),
        ("a", "Just words.\nAnd more of them.", "text"),
    ] {
        assert_eq!(of(name, bytes.as_bytes()).and_then(|found| found.format).map(|format| format.code), Some(code), "{bytes}");
    }
}

#[test]
fn what_is_nothing_is_nothing() {
    let noise: Vec<u8> = (0..4000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(of("noise", &noise), None);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2000), name in "[a-z.]{0,8}") {
        of(&name, &bytes);
        of(&name, &[b"PK\x03\x04".as_slice(), &bytes].concat());
        of(&name, &[b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &bytes].concat());
    }
}
