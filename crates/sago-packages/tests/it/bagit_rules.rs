//! Bags of our own that break one rule of BagIt 1.0 each: the published suite has only five bags of that version.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use sago_packages::bagit::{read, validate};
use sago_packages::{Algorithm, Finding, Options, Severity};

use crate::bagit_write::write;
use crate::support::codes;

/// Changes a good bag, makes its tag manifests fit again, and gives the findings.
fn broken(change: &dyn Fn(&Path)) -> Vec<Finding> {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join("bag");
    write(&bag, &[("a", b"1"), ("b/c.txt", b"22")]);
    assert_eq!(validate(&bag, &Options::default()).unwrap().1, []);
    change(&bag);
    validate(&bag, &Options::default()).unwrap().1
}

/// Makes the tag manifests fit what they list, so that only the change itself is found.
fn seal(bag: &Path) {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let path = bag.join(format!("tagmanifest-{algorithm}.txt"));
        let text = fs::read_to_string(&path).unwrap();
        let line = |line: &str| {
            let (digest, name) = line.split_once("  ").unwrap();
            let digest = fs::read(bag.join(name)).map_or(digest.to_owned(), |bytes| algorithm.hash(&bytes));
            format!("{digest}  {name}\n")
        };
        fs::write(&path, text.lines().map(line).collect::<String>()).unwrap();
    }
}

/// Changes the text of a file.
fn edit(bag: &Path, name: &str, change: &dyn Fn(&str) -> String) {
    let text = fs::read_to_string(bag.join(name)).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed);
    fs::write(bag.join(name), changed).unwrap();
    seal(bag);
}

fn manifests(bag: &Path, change: &dyn Fn(&str) -> String) {
    edit(bag, "manifest-sha256.txt", change);
    edit(bag, "manifest-sha512.txt", change);
}

/// Adds a payload file to both manifests under a name as written there.
fn list(bag: &Path, listed: &str, bytes: &[u8]) {
    edit(bag, "manifest-sha256.txt", &|text| format!("{text}{}  {listed}\n", Algorithm::Sha256.hash(bytes)));
    edit(bag, "manifest-sha512.txt", &|text| format!("{text}{}  {listed}\n", Algorithm::Sha512.hash(bytes)));
}

fn oxum(bag: &Path, value: &str) {
    edit(bag, "bag-info.txt", &|text| text.replace("Payload-Oxum: 3.2", &format!("Payload-Oxum: {value}")));
}

#[test]
fn broken_bags_have_the_code_of_their_rule() {
    type Change = fn(&Path);
    let cases: &[(&str, Change)] = &[
        ("bag-declaration-missing", |bag| fs::remove_file(bag.join("bagit.txt")).unwrap()),
        ("bag-declaration-malformed", |bag| edit(bag, "bagit.txt", &|_| "BagIt-Version: 1.0\n".to_owned())),
        ("bag-declaration-malformed", |bag| edit(bag, "bagit.txt", &|text| text.replace("BagIt-V", "Bagit-V"))),
        ("bag-declaration-extra-lines", |bag| edit(bag, "bagit.txt", &|text| format!("{text}More: 1\n"))),
        ("bag-declaration-bom", |bag| edit(bag, "bagit.txt", &|text| format!("\u{feff}{text}"))),
        ("bag-version-unknown", |bag| edit(bag, "bagit.txt", &|text| text.replace("1.0", "1.1"))),
        ("bag-encoding-unknown", |bag| edit(bag, "bagit.txt", &|text| text.replace("UTF-8", "KLINGON"))),
        ("bag-tag-file-encoding", |bag| {
            fs::write(bag.join("bag-info.txt"), b"A: \xff\n").unwrap();
            seal(bag);
        }),
        ("bag-payload-folder-missing", |bag| fs::remove_dir_all(bag.join("data")).unwrap()),
        ("bag-manifest-missing", |bag| {
            fs::remove_file(bag.join("manifest-sha256.txt")).unwrap();
            fs::rename(bag.join("manifest-sha512.txt"), bag.join("manifest-whirlpool.txt")).unwrap();
        }),
        ("bag-manifest-repeated", |bag| {
            fs::copy(bag.join("manifest-sha256.txt"), bag.join("manifest-SHA-256.txt")).unwrap();
        }),
        ("bag-manifest-malformed", |bag| manifests(bag, &|text| format!("{text}xyz\n"))),
        ("bag-manifest-malformed", |bag| manifests(bag, &|text| format!("{text}abcd  data/a\n"))),
        ("bag-payload-file-missing", |bag| fs::remove_file(bag.join("data/a")).unwrap()),
        ("bag-payload-file-missing", |bag| list(bag, "data/absent", b"")),
        // RFC 8493 has no file under a name of another case.
        ("bag-payload-file-missing", |bag| manifests(bag, &|text| text.replace("data/a\n", "data/A\n"))),
        ("bag-payload-digest-mismatch", |bag| fs::write(bag.join("data/a"), b"9").unwrap()),
        ("bag-file-not-in-manifest", |bag| fs::write(bag.join("data/new"), b"").unwrap()),
        // In one manifest only: enough before RFC 8493, not any more.
        ("bag-file-not-in-manifest", |bag| {
            edit(bag, "manifest-sha256.txt", &|text| text.lines().skip(1).map(|line| format!("{line}\n")).collect());
        }),
        ("bag-path-listed-twice", |bag| list(bag, "data/a", b"1")),
        ("bag-path-listed-twice", |bag| list(bag, "./data/a", b"1")),
        ("bag-path-digest-conflict", |bag| list(bag, "data/a", b"2")),
        ("bag-path-outside-payload", |bag| list(bag, "bag-info.txt", b"")),
        ("bag-path-unsafe", |bag| list(bag, "data/../../x", b"")),
        ("bag-path-unsafe", |bag| list(bag, "/etc/passwd", b"")),
        ("bag-path-unsafe", |bag| list(bag, "~root/x", b"")),
        ("bag-path-unsafe", |bag| list(bag, "C:\\x", b"")),
        ("bag-path-unsafe", |bag| list(bag, "data/./a", b"1")),
        ("bag-path-unsafe", |bag| list(bag, "data//a", b"1")),
        ("bag-tag-digest-mismatch", |bag| fs::write(bag.join("notes/about.txt"), b"other").unwrap()),
        ("bag-tag-file-missing", |bag| fs::remove_file(bag.join("notes/about.txt")).unwrap()),
        ("bag-tag-manifest-lists-payload", |bag| {
            edit(bag, "tagmanifest-sha256.txt", &|text| format!("{text}{}  data/a\n", Algorithm::Sha256.hash(b"1")));
        }),
        ("bag-tag-manifest-lists-itself", |bag| {
            edit(bag, "tagmanifest-sha256.txt", &|text| format!("{text}{}  tagmanifest-sha512.txt\n", "0".repeat(64)));
        }),
        ("bag-tag-manifest-incomplete", |bag| {
            edit(bag, "tagmanifest-sha256.txt", &|text| {
                text.lines().filter(|line| !line.ends_with("manifest-sha512.txt")).map(|line| format!("{line}\n")).collect()
            });
        }),
        ("bag-info-malformed", |bag| edit(bag, "bag-info.txt", &|text| format!("{text}no colon\n"))),
        ("bag-info-whitespace", |bag| edit(bag, "bag-info.txt", &|text| format!("{text}Label : x\n"))),
        ("bag-info-whitespace", |bag| edit(bag, "bag-info.txt", &|text| format!("{text}Label:x\n"))),
        ("bag-info-oxum-mismatch", |bag| oxum(bag, "4.2")),
        ("bag-info-oxum-mismatch", |bag| oxum(bag, "3.3")),
        ("bag-info-oxum-malformed", |bag| oxum(bag, "three")),
        ("bag-info-oxum-malformed", |bag| oxum(bag, "3")),
        ("bag-info-oxum-repeated", |bag| oxum(bag, "3.2\npayload-oxum: 3.2")),
        ("bag-fetch-malformed", |bag| fs::write(bag.join("fetch.txt"), "https://a.example/x data/a\n").unwrap()),
        ("bag-fetch-malformed", |bag| fs::write(bag.join("fetch.txt"), "https://a.example/x one data/a\n").unwrap()),
        ("bag-fetch-not-in-manifest", |bag| fs::write(bag.join("fetch.txt"), "https://a.example/x - data/x\n").unwrap()),
        ("bag-fetch-length", |bag| fs::write(bag.join("fetch.txt"), "https://a.example/x 9 data/a\n").unwrap()),
        ("bag-path-unsafe", |bag| fs::write(bag.join("fetch.txt"), "https://a.example/x - data/../../a\n").unwrap()),
        ("bag-path-outside-payload", |bag| fs::write(bag.join("fetch.txt"), "https://a.example/x - bagit.txt\n").unwrap()),
        ("bag-file-to-fetch", |bag| {
            fs::remove_file(bag.join("data/a")).unwrap();
            fs::write(bag.join("fetch.txt"), "https://a.example/x 1 data/a\n").unwrap();
        }),
    ];
    for (code, change) in cases {
        let findings = broken(change);
        assert!(codes(&findings, Severity::Error).contains(*code), "{code}: {findings:#?}");
    }
    assert_eq!(cases.len(), 49);
}

#[test]
fn what_is_only_unwise_is_a_warning_and_no_error() {
    type Change = fn(&Path);
    let cases: &[(&str, Change)] = &[
        ("bag-manifest-blank-line", |bag| manifests(bag, &|text| format!("{text}\n"))),
        ("bag-manifest-md5sum-style", |bag| manifests(bag, &|text| text.replace("  data", " *data"))),
        ("bag-path-dot-slash", |bag| manifests(bag, &|text| text.replace("  data", "  ./data"))),
        ("bag-tag-file-bom", |bag| edit(bag, "bag-info.txt", &|text| format!("\u{feff}{text}"))),
        ("bag-tag-file-not-in-manifest", |bag| fs::write(bag.join("new.txt"), b"").unwrap()),
        ("bag-info-repeated", |bag| edit(bag, "bag-info.txt", &|text| format!("{text}bagging-date: 2026-03-15\n"))),
        ("bag-info-whitespace", |bag| edit(bag, "bag-info.txt", &|text| format!("{text}Label:  x\n"))),
        ("bag-algorithm-unknown", |bag| {
            fs::write(bag.join("manifest-whirlpool.txt"), b"").unwrap();
            for name in ["tagmanifest-sha256.txt", "tagmanifest-sha512.txt"] {
                let digits = if name.contains("256") { 64 } else { 128 };
                edit(bag, name, &|text| format!("{text}{}  manifest-whirlpool.txt\n", "0".repeat(digits)));
            }
        }),
        ("bag-algorithm-spelling", |bag| {
            fs::rename(bag.join("manifest-sha512.txt"), bag.join("manifest-SHA512.txt")).unwrap();
            let rename = |text: &str| text.replace(" manifest-sha512", " manifest-SHA512");
            edit(bag, "tagmanifest-sha256.txt", &rename);
            edit(bag, "tagmanifest-sha512.txt", &rename);
        }),
        ("bag-system-file", |bag| add(bag, "data/.DS_Store", "data/.DS_Store")),
        ("bag-name-not-portable", |bag| add(bag, "data/a:b", "data/a:b")),
        ("bag-name-not-portable", |bag| add(bag, "data/line\nbreak", "data/line%0Abreak")),
        ("bag-path-not-encoded", |bag| add(bag, "data/100%", "data/100%")),
        ("bag-path-not-encoded", |bag| add(bag, "data/a%0Ab", "data/a%0Ab")),
        ("bag-path-case-twin", |bag| add(bag, "data/A", "data/A")),
        ("bag-path-normalization-twin", |bag| add(bag, "data/e\u{301}", "data/\u{e9}")),
        ("bag-path-normalization-twin", |bag| {
            add(bag, "data/e\u{301}", "data/e\u{301}");
            add(bag, "data/\u{e9}", "data/\u{e9}");
        }),
        ("bag-fetch-address", |bag| fs::write(bag.join("fetch.txt"), "file:///x 1 data/a\n").unwrap()),
        ("bag-fetch-listed-twice", |bag| fs::write(bag.join("fetch.txt"), "https://x 1 data/a\n".repeat(2)).unwrap()),
    ];
    for (code, change) in cases {
        let findings = broken(change);
        assert_eq!(codes(&findings, Severity::Error), [].into(), "{code}: {findings:#?}");
        assert!(codes(&findings, Severity::Warning).contains(*code), "{code}: {findings:#?}");
    }
    assert_eq!(cases.len(), 19);
}

/// Adds an empty payload file on disk and, as written there, to both manifests; the oxum is made to fit.
fn add(bag: &Path, on_disk: &str, listed: &str) {
    fs::write(bag.join(on_disk), b"").unwrap();
    list(bag, listed, b"");
    let count = fs::read_dir(bag.join("data")).unwrap().count();
    edit(bag, "bag-info.txt", &|text| {
        let start = text.find("Payload-Oxum").unwrap();
        format!("{}Payload-Oxum: 3.{count}\n", &text[..start])
    });
}

#[test]
fn what_every_rule_allows_has_no_finding() {
    type Change = fn(&Path);
    let cases: &[Change] = &[
        |bag| manifests(bag, &|text| text.replace('\n', "\r\n")),
        |bag| manifests(bag, &|text| text.replace("  ", "\t ")),
        |bag| manifests(bag, &|text| text.replace("  data", " data")),
        |bag| edit(bag, "bag-info.txt", &|text| format!("{text}X: 1\nX: 2\n")),
        |bag| add(bag, "data/100%", "data/100%25"),
        |bag| {
            fs::remove_file(bag.join("tagmanifest-sha256.txt")).unwrap();
        },
        |bag| {
            fs::write(bag.join("fetch.txt"), "https://a.example/x 1 data/a\n").unwrap();
            edit(bag, "tagmanifest-sha256.txt", &|text| format!("{text}{}  fetch.txt\n", "0".repeat(64)));
        },
    ];
    for (index, change) in cases.iter().enumerate() {
        assert_eq!(broken(change), [], "{index}");
    }
}

#[test]
fn tag_files_may_be_in_other_encodings() {
    // Manifests are in the declared encoding too, and so are the names in them.
    let text = |bytes: &dyn Fn(&str) -> Vec<u8>, label: &str| {
        broken(&|bag| {
            add(bag, "data/é", "data/é");
            for name in ["bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt"] {
                let text = fs::read_to_string(bag.join(name)).unwrap();
                fs::write(bag.join(name), bytes(&text)).unwrap();
            }
            edit(bag, "bagit.txt", &|text| text.replace("UTF-8", label));
            for name in ["tagmanifest-sha256.txt", "tagmanifest-sha512.txt"] {
                let text = fs::read_to_string(bag.join(name)).unwrap();
                fs::write(bag.join(name), bytes(&text)).unwrap();
            }
        })
    };
    let latin1 = |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let utf16 = |text: &str| [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    let utf16le = |text: &str| [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(text(&latin1, "ISO-8859-1"), []);
    assert_eq!(text(&utf16, "UTF-16"), []);
    assert_eq!(text(&utf16le, "UTF-16"), []);
    assert!(codes(&text(&latin1, "UTF-8 "), Severity::Error).contains("bag-tag-file-encoding"));
}

#[cfg(unix)]
#[test]
fn links_and_special_files_are_errors_and_never_followed() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    let findings = broken(&|bag| {
        fs::rename(bag.join("data/a"), bag.with_extension("elsewhere")).unwrap();
        symlink(bag.with_extension("elsewhere"), bag.join("data/a")).unwrap();
    });
    let errors = codes(&findings, Severity::Error);
    assert!(errors.contains("bag-link") && errors.contains("bag-payload-file-missing"), "{findings:#?}");
    let findings = broken(&|bag| symlink("/", bag.join("data/root")).unwrap());
    assert_eq!(codes(&findings, Severity::Error), ["bag-link".to_owned()].into());
    let findings = broken(&|bag| symlink("bag-info.txt", bag.join("link")).unwrap());
    assert_eq!(codes(&findings, Severity::Error), ["bag-link".to_owned()].into());
    let findings = broken(&|bag| {
        fs::rename(bag.join("data"), bag.with_extension("data")).unwrap();
        symlink(bag.with_extension("data"), bag.join("data")).unwrap();
    });
    assert!(codes(&findings, Severity::Error).contains("bag-payload-folder-missing"));
    let findings = broken(&|bag| drop(UnixListener::bind(bag.join("data/s")).unwrap()));
    assert_eq!(codes(&findings, Severity::Error), ["bag-special-file".to_owned()].into());
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8_are_errors() {
    use std::os::unix::ffi::OsStrExt as _;
    let findings = broken(&|bag| fs::write(bag.join("data").join(std::ffi::OsStr::from_bytes(b"\xff")), b"").unwrap());
    assert_eq!(codes(&findings, Severity::Error), ["bag-name-not-utf8".to_owned()].into());
}

#[test]
fn structure_alone_leaves_payload_unread() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join("bag");
    write(&bag, &[("a", b"1")]);
    fs::write(bag.join("data/a"), b"2").unwrap();
    assert_eq!(validate(&bag, &Options { content: false, ..Options::default() }).unwrap().1, []);
    assert_eq!(read(&bag).unwrap().1, []);
    fs::write(bag.join("notes/about.txt"), b"2").unwrap();
    let (_, findings) = validate(&bag, &Options { content: false, ..Options::default() }).unwrap();
    assert_eq!(codes(&findings, Severity::Error), ["bag-tag-digest-mismatch".to_owned()].into());
}

#[test]
fn a_bag_to_be_fetched_is_read_with_its_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let bag = dir.path().join("bag");
    write(&bag, &[("a", b"1"), ("b", b"2")]);
    fs::remove_file(bag.join("data/a")).unwrap();
    fs::write(bag.join("fetch.txt"), "https://a.example/x 1 data/a\n").unwrap();
    let (read, _) = read(&bag).unwrap();
    let missing = read.files.iter().find(|file| file.path == "data/a").unwrap();
    assert_eq!((missing.size_bytes, missing.fetch_url.as_deref(), missing.digests.len()), (None, Some("https://a.example/x"), 2));
}

#[test]
fn a_folder_that_cannot_be_listed_is_an_error_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    assert!(validate(&dir.path().join("absent"), &Options::default()).is_err());
    assert!(!validate(dir.path(), &Options::default()).unwrap().1.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn hostile_tag_files_are_judged_without_panic(
        name in prop::sample::select(vec!["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", "fetch.txt"]),
        text in prop::collection::vec(prop_oneof![Just("data/a".to_owned()), Just("0".repeat(64)), "[ \\t\\r\\n:*./%~\\\\A-Za-z0-9é\u{0}]{0,6}"], 0..20),
        bytes in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let bag = dir.path().join("bag");
        write(&bag, &[("a", b"1")]);
        let mut content = text.concat().into_bytes();
        content.extend(bytes);
        fs::write(bag.join(name), &content).unwrap();
        let (_, findings) = validate(&bag, &Options::default()).unwrap();
        // An empty fetch.txt asks for nothing; anything else is at least not in the tag manifest.
        prop_assert!(!findings.is_empty(), "{} {:?}", name, content);
    }
}
