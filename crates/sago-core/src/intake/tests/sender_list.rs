//! The sender's list: what it may look like, how paths are matched, what is missing at the end.

use std::process::Command;

use super::super::sender_list::*;
use super::{Finding, assert_well_said};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn parse(bytes: &[u8]) -> (SenderList, Vec<Finding>) {
    let (list, findings) = SenderList::parse(b"disk/SHA256SUMS", bytes);
    for finding in findings.iter().chain(&list.unmatched()) {
        assert_well_said(finding);
    }
    (list, findings)
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code).collect()
}

fn digest(hex: &str) -> Digest {
    let value = hex::decode(hex).unwrap();
    let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.digest_bytes() == value.len()).unwrap();
    Digest { algorithm, value }
}

/// A list of one line gives exactly this name and digest, and no finding.
fn one(line: &[u8], name: &[u8], hex: &str) {
    let (list, findings) = parse(line);
    let strong: Vec<&Finding> = findings.iter().filter(|finding| finding.code != "list-weak-digest").collect();
    assert!(strong.is_empty(), "{strong:?}");
    assert_eq!(list.len(), 1, "{}", String::from_utf8_lossy(line));
    let found = list.lookup(name).unwrap_or_else(|| panic!("{} does not give {}", String::from_utf8_lossy(line), String::from_utf8_lossy(name)));
    assert_eq!((found.name, found.rule), (name, Rule::Exact));
    assert_eq!(found.digests, [digest(hex)]);
}

fn bad(line: &str, reason: &str) {
    let (list, findings) = parse(format!("{A}  good\n{line}\n").as_bytes());
    assert_eq!(list.len(), 1, "{line}");
    assert_eq!(codes(&findings), ["list-line-unreadable"], "{line}");
    assert!(findings[0].message.starts_with("Line 2 ") && findings[0].message.contains(reason), "{}", findings[0].message);
    assert_eq!(findings[0].path_bytes, b"disk/SHA256SUMS");
}

#[test]
fn gnu_lines() {
    one(format!("{A}  a.txt\n").as_bytes(), b"a.txt", A);
    one(format!("{A} *a.txt").as_bytes(), b"a.txt", A);
    one(format!("{A} a.txt").as_bytes(), b"a.txt", A);
    one(format!("{A}\ta.txt").as_bytes(), b"a.txt", A);
    one(format!("{A}   two spaces before").as_bytes(), b" two spaces before", A);
    one(format!("{}  ./d/a (1) = b.txt\r\n\r\n", A.to_uppercase()).as_bytes(), b"d/a (1) = b.txt", A);
    one(format!("\\{A}  a\\nb\\\\c\\rd").as_bytes(), b"a\nb\\c\rd", A);
    one(format!("{A}  a\\nb").as_bytes(), b"a\\nb", A);
    one(format!("\u{FEFF}{A}  진술서.hwp").as_bytes(), "진술서.hwp".as_bytes(), A);
    one(format!("# made on a Monday\n\n; sums\n   \n{A}  a").as_bytes(), b"a", A);
    one(format!("{A}  a\nb\0").as_bytes(), b"a\nb", A);
    one(&[A.as_bytes(), b"  \xC1\xF8\xBC\xFA"].concat(), b"\xC1\xF8\xBC\xFA", A);
    for hex in ["d41d8cd98f00b204e9800998ecf8427e", &A[..40], &A[..56], &A.repeat(2)[..96], &A.repeat(2)] {
        one(format!("{hex}  a").as_bytes(), b"a", hex);
    }
}

#[test]
fn tagged_lines() {
    one(format!("SHA256 (a.txt) = {A}").as_bytes(), b"a.txt", A);
    one(format!("SHA256 (a (1)) = b.txt) = {A}\r\n").as_bytes(), b"a (1)) = b.txt", A);
    one(format!("SHA2-256(a.txt)= {A}").as_bytes(), b"a.txt", A);
    one(format!("\\SHA256 (a\\nb) = {A}").as_bytes(), b"a\nb", A);
    one(format!("SHA1 (a) = {}", &A[..40]).as_bytes(), b"a", &A[..40]);
    one(b"MD5 (a) = d41d8cd98f00b204e9800998ecf8427e", b"a", "d41d8cd98f00b204e9800998ecf8427e");
}

#[test]
fn utf16_from_powershell() {
    let text = format!("{A}  진술서.hwp\r\n{B}  b.txt\r\n");
    let little: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    for bytes in [little, big] {
        let (list, findings) = parse(&bytes);
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(list.lookup("진술서.hwp".as_bytes()).unwrap().digests, [digest(A)]);
        assert_eq!(list.lookup(b"b.txt").unwrap().digests, [digest(B)]);
    }
}

#[test]
fn lines_that_cannot_be_used_are_told() {
    bad("hello", "neither");
    bad(&A[..63], "neither");
    bad(&format!("{}  a", &A[..62]), "neither");
    bad(&format!("{A}  "), "names no file");
    bad(&format!("{A}  ./"), "names no file");
    bad(&format!("\\{A}  a\\tb"), "unknown escape");
    bad(&format!("\\{A}  a\\"), "unknown escape");
    bad(&format!("BLAKE2b (a) = {A}"), "kind of digest");
    bad(&format!("SHA512 (a) = {A}"), "wrong length");
    bad("SHA256 (a) = xyz", "neither");
    bad(") = (", "neither");
    bad("\u{1B}[2J\u{202E}", "neither");
}

#[test]
fn a_flood_of_bad_lines_is_counted() {
    let (list, findings) = parse("nonsense\n".repeat(LINE_FINDINGS_MAX + 234).as_bytes());
    assert!(list.is_empty());
    assert_eq!(findings.len(), LINE_FINDINGS_MAX + 1);
    assert!(findings[LINE_FINDINGS_MAX].message.starts_with("234 more lines"));
}

#[test]
fn what_the_public_tools_write_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["plain.txt", "진술서 (1).hwp", "line\nbreak", "back\\slash", "a) = b"];
    for name in names {
        std::fs::write(folder.path().join(name), name).unwrap();
    }
    for (tool, options) in [
        ("sha256sum", vec!["--binary"]),
        ("sha256sum", vec!["--tag"]),
        ("sha256sum", vec!["--zero"]),
        ("sha224sum", vec![]),
        ("sha384sum", vec![]),
        ("sha512sum", vec![]),
        ("sha1sum", vec![]),
        ("md5sum", vec![]),
        ("openssl", vec!["dgst", "-sha256", "-r"]),
        ("openssl", vec!["dgst", "-sha512"]),
    ] {
        // OpenSSL does not escape line breaks, so its lists cannot name such files.
        let names = names.into_iter().filter(|name| tool != "openssl" || !name.contains('\n'));
        let expected = names.clone().count();
        let output = Command::new(tool).args(&options).args(names.clone()).current_dir(folder.path()).output();
        let output = output.unwrap_or_else(|error| panic!("this test needs {tool}: {error}"));
        assert!(output.status.success(), "{tool}: {output:?}");
        let (list, findings) = parse(&output.stdout);
        assert!(findings.iter().all(|finding| finding.code == "list-weak-digest"), "{tool} {options:?}: {findings:?}");
        assert_eq!(list.len(), expected, "{tool} {options:?}");
        for name in names {
            assert_eq!(list.lookup(name.as_bytes()).map(|found| found.rule), Some(Rule::Exact), "{tool} {options:?}: {name:?}");
        }
    }
}

#[test]
fn each_rule_finds_its_line() {
    let decomposed = "\u{110C}\u{1175}\u{11AB}.hwp"; // 진 in pieces
    let text = format!(
        "{A}  disk/same.txt\n{A}  disk/진.hwp\n{A}  inside/deep.txt\n{A}  win\\dows\\x.doc\n{A}  /media/u/disk/long/er.txt\n{A}  elsewhere/alone.txt\n"
    );
    let cp949 = [A.as_bytes(), b"  disk/\xC1\xF8\xBC\xFA.txt\n"].concat();
    let (list, findings) = parse(&[text.as_bytes(), &cp949].concat());
    assert!(findings.is_empty(), "{findings:?}");
    let rule = |path: &str| list.lookup(path.as_bytes()).map(|found| found.rule);
    assert_eq!(rule("disk/same.txt"), Some(Rule::Exact));
    assert_eq!(rule(&format!("disk/{decomposed}")), Some(Rule::OtherWriting));
    assert_eq!(rule("disk/진술.txt"), Some(Rule::OtherWriting));
    assert_eq!(rule("win/dows/x.doc"), Some(Rule::OtherWriting));
    assert_eq!(rule("disk/inside/deep.txt"), Some(Rule::InsideSource));
    assert_eq!(rule("disk/win/dows/x.doc"), Some(Rule::InsideSource));
    assert_eq!(rule("disk/long/er.txt"), Some(Rule::LongerPath));
    assert_eq!(rule("mount/disk/long/er.txt"), Some(Rule::LongerPath));
    assert_eq!(rule("disk/other/alone.txt"), Some(Rule::OwnNameOnly));
    assert_eq!(rule("disk/nowhere.txt"), None);
    assert_eq!(rule("disk/Same.txt"), None);
    assert_eq!(list.lookup(b"disk/\xFF.txt"), None);
}

#[test]
fn what_could_mean_two_files_means_none() {
    let (list, _) = parse(format!("{A}  x/IMG.jpg\n{B}  y/IMG.jpg\n{A}  z/same.jpg\n{A}  w/same.jpg\n{A}  p/q/r.txt\n{B}  o/q/r.txt\n").as_bytes());
    assert_eq!(list.lookup(b"disk/v/IMG.jpg"), None);
    assert_eq!(list.lookup(b"disk/v/same.jpg"), None);
    assert_eq!(list.lookup(b"disk/q/r.txt"), None);
    assert_eq!(list.lookup(b"disk/x/IMG.jpg").map(|found| found.rule), Some(Rule::InsideSource));
}

#[test]
fn verdicts_and_what_is_missing() {
    let (mut list, _) = parse(format!("{A}  good\n{A}  wrong\n{A}  missing\n{A}  far/namesake\n{B}  far/twin\n").as_bytes());
    assert_eq!(list.algorithms().collect::<Vec<_>>(), [Algorithm::Sha256]);
    assert_eq!(list.check(b"disk/good", &[digest(A)]), Verdict::Match(Rule::InsideSource));
    assert_eq!(list.check(b"disk/wrong", &[digest(B)]), Verdict::Mismatch(Rule::InsideSource));
    assert_eq!(list.check(b"disk/extra", &[digest(A)]), Verdict::NotListed);
    // Another file of the same name is no mismatch; the same file elsewhere is a match.
    assert_eq!(list.check(b"disk/namesake", &[digest(B)]), Verdict::NotListed);
    assert_eq!(list.check(b"disk/twin", &[digest(B)]), Verdict::Match(Rule::OwnNameOnly));
    let missing = list.unmatched();
    assert_eq!(missing.iter().map(|finding| finding.path_bytes.as_slice()).collect::<Vec<_>>(), [b"missing".as_slice(), b"far/namesake"]);
    for finding in &missing {
        assert_well_said(finding);
        assert_eq!((finding.code, finding.taken), ("listed-not-received", false));
    }
    assert!(missing[0].message.contains("on line 3"));
}

#[test]
fn several_digests_of_one_file_must_all_agree() {
    let long = A.repeat(2);
    let text = format!("{A}  a\n{long}  a\n{A}  a\n");
    let (mut list, findings) = parse(text.as_bytes());
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(list.algorithms().collect::<Vec<_>>(), [Algorithm::Sha256, Algorithm::Sha512]);
    assert_eq!(list.check(b"a", &[digest(A), digest(&long)]), Verdict::Match(Rule::Exact));
    assert_eq!(list.check(b"a", &[digest(A), digest(&B.repeat(2))]), Verdict::Mismatch(Rule::Exact));
    // Nothing to compare with is not agreement.
    assert_eq!(list.check(b"a", &[]), Verdict::Mismatch(Rule::Exact));
}

#[test]
fn a_list_that_contradicts_itself_says_so() {
    let (mut list, findings) = parse(format!("{A}  a\n{B}  ./a\n").as_bytes());
    assert_eq!(codes(&findings), ["list-conflict"]);
    assert_eq!(findings[0].path_bytes, b"a");
    assert!(findings[0].message.contains("line 1") && findings[0].message.contains("line 2"));
    assert_eq!(list.check(b"a", &[digest(B)]), Verdict::Match(Rule::Exact));
    assert_eq!(list.check(b"a", &[digest(&"c".repeat(64))]), Verdict::Mismatch(Rule::Exact));
}

#[test]
fn weak_digests_are_compared_and_told_once() {
    let (md5, sha1) = (&A[..32], &A[..40]);
    let (mut list, findings) = parse(format!("{md5}  a\n{sha1}  b\n{md5}  c\n{A}  c\n").as_bytes());
    assert_eq!(codes(&findings), ["list-weak-digest"]);
    assert!(findings[0].message.starts_with("For 2 files ") && findings[0].message.contains("MD5 and SHA-1"));
    assert_eq!(list.check(b"a", &[digest(md5)]), Verdict::Match(Rule::Exact));
    assert_eq!(list.check(b"b", &[digest(&B[..40])]), Verdict::Mismatch(Rule::Exact));
}

#[test]
fn a_list_beyond_the_limit_is_read_up_to_it_and_told() {
    let bytes = format!("{A}  first\n{A}  second\n{A}  last\n").into_bytes();
    let (list, findings) = SenderList::parse_up_to(bytes.len() - 3, b"disk/SHA256SUMS", &bytes);
    findings.iter().for_each(assert_well_said);
    assert_eq!(codes(&findings), ["list-too-long"]);
    assert!(findings[0].message.contains("after byte 145 "), "{}", findings[0].message);
    assert_eq!(list.len(), 2);
    assert!(list.lookup(b"second").is_some());
    assert!(list.lookup(b"last").is_none());
}

#[test]
fn any_bytes_are_read_without_panic() {
    let pieces: Vec<Vec<u8>> = vec![
        A.into(),
        b"  ".to_vec(),
        b" *".to_vec(),
        b"\\".to_vec(),
        b"\n".to_vec(),
        b"\r\n".to_vec(),
        b"\0".to_vec(),
        b"SHA256 (".to_vec(),
        b") = ".to_vec(),
        b")= ".to_vec(),
        b"(".to_vec(),
        b")".to_vec(),
        b"./".to_vec(),
        b"/".to_vec(),
        b"\xC1\xF8".to_vec(),
        b"\xFF\xFE".to_vec(),
        b"\xEF\xBB\xBF".to_vec(),
        b"#".to_vec(),
        b"a".to_vec(),
        A[..32].into(),
    ];
    let mut state = 7_u64;
    for _ in 0..30_000 {
        let mut bytes = Vec::new();
        for _ in 0..20 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.extend_from_slice(&pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
        }
        let (list, findings) = SenderList::parse(b"list", &bytes);
        findings.iter().chain(&list.unmatched()).for_each(assert_well_said);
        let missing = list.unmatched();
        for finding in &missing {
            assert!(list.lookup(&finding.path_bytes).is_some(), "{:?} is in the list and is not found", finding.path_bytes);
        }
    }
}
