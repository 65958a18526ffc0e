//! What we write of BagIt is valid, is what was put in, and does not hide a changed bit.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use proptest::prelude::*;
use sago_packages::bagit::{BagWriter, WrittenBag, read, validate};
use sago_packages::{Algorithm, Error, Finding, Options, PackageKind, detect, safe_name};

use crate::support::{files_below, name};

const INFO: [(&str, &str); 2] = [("Bagging-Date", "2026-03-14"), ("External-Description", "Disclosure\nin two lines")];

/// Writes a bag with these payload files and one tag file.
pub fn write(dir: &Path, files: &[(&str, &[u8])]) -> WrittenBag {
    let mut writer = BagWriter::create(dir).unwrap();
    for (path, bytes) in files {
        writer.add_file(path, &mut &**bytes).unwrap();
    }
    writer.add_tag_file("notes/about.txt", &mut &b"about\n"[..]).unwrap();
    writer.finish(&INFO).unwrap()
}

fn findings(dir: &Path) -> Vec<Finding> {
    validate(dir, &Options { threads: 1, ..Options::default() }).unwrap().1
}

#[test]
fn the_bytes_of_a_bag_stay_as_they_are_printed_here() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join("bag");
    let written = write(&bag, &[("evidence/1/진술서.txt", b"hello\n"), ("a%b", b"")]);
    assert_eq!((written.payload_files, written.payload_bytes), (2, 6));
    let text = |name: &str| fs::read_to_string(bag.join(name)).unwrap();
    assert_eq!(text("bagit.txt"), "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    assert_eq!(text("bag-info.txt"), "Bagging-Date: 2026-03-14\nExternal-Description: Disclosure\n  in two lines\nPayload-Oxum: 6.2\n");
    assert_eq!(
        text("manifest-sha256.txt"),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  data/a%25b\n\
         5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  data/evidence/1/진술서.txt\n"
    );
    let tags: Vec<String> = text("tagmanifest-sha512.txt").lines().map(|line| line.split_once("  ").unwrap().1.to_owned()).collect();
    assert_eq!(tags, ["bag-info.txt", "bagit.txt", "manifest-sha256.txt", "manifest-sha512.txt", "notes/about.txt"]);
    let names: Vec<&String> = written.manifests.keys().collect();
    assert_eq!(names, ["manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt"]);
    for (name, digest) in &written.manifests {
        assert_eq!(*digest, Algorithm::Sha256.hash(text(name).as_bytes()));
    }
    assert_eq!(findings(&bag), []);
    assert_eq!(detect(&bag), PackageKind::Bag);
}

#[test]
fn a_bag_is_read_back_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join("bag");
    write(&bag, &[("b", b"2"), ("a/x", b"1")]);
    let (read, findings) = read(&bag).unwrap();
    assert_eq!(findings, []);
    let files: Vec<(&str, Option<u64>)> = read.files.iter().map(|file| (file.path.as_str(), file.size_bytes)).collect();
    assert_eq!(files, [("data/a/x", Some(1)), ("data/b", Some(1))]);
    let digests = vec![(Algorithm::Sha256, Algorithm::Sha256.hash(b"1")), (Algorithm::Sha512, Algorithm::Sha512.hash(b"1"))];
    assert_eq!(read.files[0].digests, digests);
    assert_eq!(read.algorithms, [Algorithm::Sha256, Algorithm::Sha512]);
    let info = [("Bagging-Date", "2026-03-14"), ("External-Description", "Disclosure in two lines"), ("Payload-Oxum", "2.2")];
    assert_eq!(read.info, info.map(|(label, value)| (label.to_owned(), value.to_owned())));
    assert_eq!(read.version.unwrap().to_string(), "1.0");
}

#[test]
fn an_existing_folder_is_never_written_into() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("bag")).unwrap();
    assert!(matches!(BagWriter::create(&dir.path().join("bag")), Err(Error::Io { .. })));
    assert!(BagWriter::create(&dir.path().join("absent/bag")).is_err());
}

#[test]
fn paths_that_are_not_safe_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = BagWriter::create(&dir.path().join("bag")).unwrap();
    writer.add_file("one/two", &mut io::empty()).unwrap();
    for path in [
        "",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        "./a",
        "a\\b",
        "a\nb",
        "a\u{202e}b",
        "a:b",
        "NUL",
        "con.txt",
        "a ",
        "a.",
        "~a",
        "-a",
        "Thumbs.db",
        "e\u{301}",
        "one",
        "one/two",
        "one/two/three",
        "ONE/three",
        "one/TWO",
    ] {
        assert!(matches!(writer.add_file(path, &mut io::empty()), Err(Error::Refused(_))), "{path:?}");
    }
    for path in ["bagit.txt", "BAGIT.TXT", "bag-info.txt", "fetch.txt", "data/x", "Data/x", "manifest-md5.txt", "tagmanifest-sha512.txt", "../x"] {
        assert!(matches!(writer.add_tag_file(path, &mut io::empty()), Err(Error::Refused(_))), "{path:?}");
    }
    writer.add_file("one/three", &mut io::empty()).unwrap();
    for info in [("Payload-Oxum", "1.1"), ("a:b", "x"), ("", "x"), (" a", "x"), ("a\nb", "x"), ("a", "x\u{0}")] {
        let mut writer =
            BagWriter::create(&dir.path().join(format!("bag-{}", info.0.len() * 100 + info.1.len() + usize::from(info.0.contains('\n'))))).unwrap();
        writer.add_file("x", &mut io::empty()).unwrap();
        assert!(matches!(writer.finish(&[info]), Err(Error::Refused(_))), "{info:?}");
    }
    assert_eq!(writer.finish(&[]).unwrap().payload_files, 2);
    assert_eq!(findings(&dir.path().join("bag")), []);
}

#[test]
fn a_source_that_fails_is_told_apart_from_the_disk() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mut writer = BagWriter::create(&dir.path().join("bag")).unwrap();
    assert!(matches!(writer.add_file("x", &mut Failing), Err(Error::Source { .. })));
}

#[test]
fn an_unfinished_bag_is_no_valid_bag() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join("bag");
    let mut writer = BagWriter::create(&bag).unwrap();
    writer.add_file("x", &mut &b"x"[..]).unwrap();
    drop(writer);
    assert!(findings(&bag).iter().any(Finding::is_error));
    assert_eq!(detect(&bag), PackageKind::Unknown);
}

/// Says whether a changed tag manifest still says the same: nothing covers these files, and a digest is hexadecimal in any case, blanks may be tabs, lines may
/// end with CR.
fn means_the_same(path: &Path, before: &[u8], after: &[u8]) -> bool {
    let plain = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).ok()?.replace('\t', " ").replace('\r', "\n");
        text.lines().map(|line| Some((line.split_once(' ')?.0.to_lowercase(), line.split_once(' ')?.1.trim_start().to_owned()))).collect::<Option<Vec<_>>>()
    };
    name(path).starts_with("tagmanifest-") && plain(before).is_some() && plain(before) == plain(after)
}

#[test]
fn every_flipped_bit_of_a_bag_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join("bag");
    write(&bag, &[("a", b"x")]);
    let mut flips = 0;
    for path in files_below(&bag) {
        let before = fs::read(&path).unwrap();
        for bit in 0..before.len() * 8 {
            let mut after = before.clone();
            after[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &after).unwrap();
            let found = findings(&bag).iter().any(Finding::is_error);
            assert!(found || means_the_same(&path, &before, &after), "{} bit {bit}", path.display());
            flips += 1;
        }
        fs::write(&path, &before).unwrap();
    }
    assert!(flips > 10_000, "{flips}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_files_make_a_valid_bag(
        files in prop::collection::vec(("\\PC{0,12}", prop::collection::vec(any::<u8>(), 0..60)), 0..8),
        info in prop::collection::vec(("[A-Za-z][A-Za-z -]{0,8}[a-z]", "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\u{9f}]{0,40}"), 0..4),
        flip in any::<(prop::sample::Index, prop::sample::Index, u8)>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let bag = dir.path().join("bag");
        let mut writer = BagWriter::create(&bag).unwrap();
        let mut expected = BTreeMap::new();
        for (index, (raw, bytes)) in files.iter().enumerate() {
            let path = format!("evidence/{index:04}/{}", safe_name(raw));
            let digests = writer.add_file(&path, &mut bytes.as_slice()).unwrap();
            prop_assert_eq!(digests.get(Algorithm::Sha512).unwrap(), Algorithm::Sha512.hash(bytes));
            expected.insert(format!("data/{path}"), bytes.clone());
        }
        let pairs: Vec<(&str, &str)> = info.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
        writer.finish(&pairs).unwrap();
        let errors: Vec<Finding> = findings(&bag).into_iter().filter(|finding| finding.code != "bag-info-whitespace").collect();
        prop_assert_eq!(errors, vec![]);
        let (read, _) = read(&bag).unwrap();
        let on_disk: BTreeMap<String, Vec<u8>> = read.files.iter().map(|file| (file.path.clone(), fs::read(bag.join(&file.path)).unwrap())).collect();
        prop_assert_eq!(on_disk, expected);
        prop_assert_eq!(read.info.len(), pairs.len() + 1);

        // Any other byte anywhere is found.
        let files = files_below(&bag);
        let path = &files[flip.0.index(files.len())];
        let before = fs::read(path).unwrap();
        if !before.is_empty() && flip.2 != 0 {
            let mut after = before.clone();
            after[flip.1.index(before.len())] ^= flip.2;
            fs::write(path, &after).unwrap();
            prop_assert!(findings(&bag).iter().any(Finding::is_error) || means_the_same(path, &before, &after), "{}", path.display());
        }
    }
}
