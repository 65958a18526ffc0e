//! Objects and storage roots of our own that break one rule each, for what no published fixture covers.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use sago_packages::ocfl::write::{first_version, inventory_bytes, next_version, sidecar_text};
use sago_packages::ocfl::{Inventory, validate_object, validate_root};
use sago_packages::{Finding, Options, Progress, Severity};

use crate::ocfl_write::{info, put, put_first, put_root};
use crate::support::codes;

const ID: &str = "urn:uuid:6e8bc430-9c3a-41d9-9669-0800200c9a66";

/// Changes a copy of a good object and gives the findings.
fn broken(change: &dyn Fn(&Path)) -> Vec<Finding> {
    let dir = tempfile::tempdir().unwrap();
    let object = dir.path().join("object");
    put_first(&object, ID, &[("a", b"1"), ("b/c", b"2")]);
    assert_eq!(validate_object(&object, &Options::default()).unwrap().1, []);
    change(&object);
    validate_object(&object, &Options::default()).unwrap().1
}

/// Changes the text of both inventories and makes sidecars that fit.
fn rewrite(object: &Path, from: &str, to: &str) {
    for folder in [object.to_owned(), object.join("v1")] {
        let text = fs::read_to_string(folder.join("inventory.json")).unwrap();
        assert!(text.contains(from), "{from}");
        let text = text.replacen(from, to, 1);
        fs::write(folder.join("inventory.json"), &text).unwrap();
        fs::write(folder.join("inventory.json.sha512"), sidecar_text(text.as_bytes())).unwrap();
    }
}

#[test]
fn broken_inventories_have_the_code_of_their_rule() {
    let created = "\"created\": \"2026-03-14T09:00:00Z\"";
    for (from, to, code) in [
        ("\"type\":", "\"kind\":", "E036"),
        ("\"id\":", "\"extra\": 1, \"id\":", "E102"),
        ("\"id\":", "\"id\": \"urn:other\", \"id\":", "E033"),
        ("\"id\": \"urn:uuid", "\"id\": \"\", \"x\": \"", "E037"),
        ("#inventory", "#manifest", "E038"),
        ("1.1/spec", "1.0/spec", "E038"),
        ("\"sha512\"", "\"sha1\"", "E025"),
        ("\"sha512\"", "\"sha256\"", "E039"),
        ("\"head\":", "\"contentDirectory\": \"..\", \"head\":", "E018"),
        ("\"head\":", "\"contentDirectory\": \"a/b\", \"head\":", "E108"),
        ("\"head\":", "\"contentDirectory\": 3, \"head\":", "E017"),
        ("\"versions\":", "\"version\":", "E043"),
        ("\"v1\": {", "\"one\": {", "E046"),
        ("\"v1\": {", "\"v2\": {}, \"v1\": {", "E048"),
        ("\"v1\": {", "\"v2\": 7, \"v1\": {", "E047"),
        (created, "\"created\": \"2026-02-30T09:00:00Z\"", "E049"),
        (created, "\"creation\": \"2026-02-28T09:00:00Z\"", "E048"),
        (created, "\"created\": \"2026-03-14T09:00:00Z\", \"note\": 1", "E102"),
        ("\"message\": \"accession received\"", "\"message\": null", "E094"),
        ("\"user\": { \"name\"", "\"user\": { \"nick\"", "E054"),
        ("[\"b/c\"]", "\"b/c\"", "E051"),
        ("[\"b/c\"]", "[3]", "E051"),
        ("[\"b/c\"]", "[\"a/c\"]", "E095"),
        ("[\"b/c\"]", "[\"b\\u002f..\\u002fc\"]", "E052"),
        ("[\"b/c\"]", "[\"/b/c\"]", "E053"),
        ("[\"v1/content/b/c\"]", "[\"v1/content/b/c\", 4]", "E092"),
        ("[\"v1/content/b/c\"]", "[\"v9/content/b/c\"]", "E042"),
        ("[\"v1/content/b/c\"]", "[\"v01/content/b/c\"]", "E014"),
        ("[\"v1/content/b/c\"]", "[\"v1/content/a/c\"]", "E101"),
        ("\"fixity\": {", "\"fixity\": [], \"x\": {", "E111"),
        ("\"sha256\": {", "\"sha256\": [], \"md5\": {", "E057"),
        ("\"sha256\": {", "\"sha1\": {", "E057"),
    ] {
        let findings = broken(&|object| rewrite(object, from, to));
        assert!(codes(&findings, Severity::Error).contains(code), "{from} -> {to}: {code} {findings:#?}");
    }
}

#[test]
fn unknown_fixity_algorithms_are_a_warning_and_ignored() {
    let findings = broken(&|object| rewrite(object, "\"sha256\": {", "\"sha9000\": {"));
    assert_eq!(codes(&findings, Severity::Error), [].into());
    assert_eq!(codes(&findings, Severity::Warning), ["ocfl-fixity-algorithm-unknown".to_owned()].into());
}

#[test]
fn broken_folders_have_the_code_of_their_rule() {
    type Change = fn(&Path);
    let cases: [(&str, Change); 20] = [
        ("E001", |object| fs::write(object.join("1=x"), b"").unwrap()),
        ("E001", |object| fs::create_dir(object.join("v0")).unwrap()),
        ("E003", |object| fs::write(object.join("0=ocfl_object_1.0"), "ocfl_object_1.0\n").unwrap()),
        ("E004", |object| fs::rename(object.join("0=ocfl_object_1.1"), object.join("0=ocfl_object_9.9")).unwrap()),
        ("E005", |object| fs::rename(object.join("0=ocfl_object_1.1"), object.join("1=ocfl_object_1.1")).unwrap()),
        ("E006", |object| fs::rename(object.join("0=ocfl_object_1.1"), object.join("0=ocfl_1.1")).unwrap()),
        ("E007", |object| fs::write(object.join("0=ocfl_object_1.1"), "ocfl_object_1.1").unwrap()),
        ("E015", |object| fs::write(object.join("v1/inventory.json.md5"), "x").unwrap()),
        ("E016", |object| fs::remove_dir_all(object.join("v1/content")).unwrap()),
        ("E023", |object| fs::write(object.join("v1/content/new"), b"").unwrap()),
        ("E024", |object| fs::create_dir(object.join("v1/content/b/empty")).unwrap()),
        ("E046", |object| fs::create_dir(object.join("v2")).unwrap()),
        ("E012", |object| fs::create_dir(object.join("v02")).unwrap()),
        ("E058", |object| fs::remove_file(object.join("v1/inventory.json.sha512")).unwrap()),
        ("E059", |object| fs::rename(object.join("inventory.json.sha512"), object.join("inventory.json.sha256")).unwrap()),
        ("E060", |object| fs::write(object.join("v1/inventory.json.sha512"), format!("{} inventory.json\n", "0".repeat(128))).unwrap()),
        ("E063", |object| fs::remove_file(object.join("inventory.json")).unwrap()),
        ("E067", |object| {
            fs::create_dir(object.join("extensions")).unwrap();
            fs::write(object.join("extensions/file"), b"").unwrap();
        }),
        ("E092", |object| fs::remove_file(object.join("v1/content/a")).unwrap()),
        ("E093", |object| fs::write(object.join("v1/content/a"), b"9").unwrap()),
    ];
    for (code, change) in cases {
        let findings = broken(&change);
        assert!(codes(&findings, Severity::Error).contains(code), "{code}: {findings:#?}");
    }
}

#[test]
fn what_is_only_advised_against_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let v1 = put_first(dir.path(), ID, &[("a", b"1")]);
    let v2 = next_version(&v1, info("2026-03-15T09:00:00Z"), &[], &["a"]).unwrap();
    put(dir.path(), &v2, &[]);
    fs::create_dir(dir.path().join("v2/content")).unwrap();
    fs::create_dir(dir.path().join("v2/other")).unwrap();
    fs::create_dir_all(dir.path().join("extensions/of-our-own")).unwrap();
    fs::create_dir_all(dir.path().join("extensions/0005-mutable-head")).unwrap();
    fs::remove_file(dir.path().join("v1/inventory.json")).unwrap();
    fs::remove_file(dir.path().join("v1/inventory.json.sha512")).unwrap();
    let (_, findings) = validate_object(dir.path(), &Options::default()).unwrap();
    assert_eq!(codes(&findings, Severity::Error), [].into());
    assert_eq!(codes(&findings, Severity::Warning), ["W002", "W003", "W010", "W013"].map(str::to_owned).into());
}

#[cfg(unix)]
#[test]
fn links_are_errors_and_never_followed() {
    use std::os::unix::fs::symlink;
    type Change = fn(&Path);
    let cases: [Change; 7] = [
        |object| symlink("a", object.join("v1/content/soft")).unwrap(),
        |object| symlink("/", object.join("v1/content/root")).unwrap(),
        |object| symlink("v1", object.join("v2")).unwrap(),
        |object| fs::hard_link(object.join("v1/content/a"), object.join("v1/content/hard")).unwrap(),
        |object| {
            fs::create_dir(object.join("logs")).unwrap();
            symlink("../inventory.json", object.join("logs/link")).unwrap();
        },
        |object| {
            fs::create_dir_all(object.join("extensions/initial")).unwrap();
            symlink("/etc", object.join("extensions/initial/link")).unwrap();
        },
        |object| {
            fs::rename(object.join("v1/content/a"), object.with_extension("elsewhere")).unwrap();
            symlink(object.with_extension("elsewhere"), object.join("v1/content/a")).unwrap();
        },
    ];
    for (index, change) in cases.into_iter().enumerate() {
        let findings = broken(&change);
        assert!(codes(&findings, Severity::Error).contains("E090"), "{index}: {findings:#?}");
        assert!(findings.len() < 10, "{index}: {findings:#?}");
    }
    // A hard link from outside the object, as snapshots make them, is no fault of the object.
    let findings = broken(&|object| fs::hard_link(object.join("v1/content/a"), object.with_extension("snapshot")).unwrap());
    assert_eq!(findings, []);
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8_are_found() {
    use std::os::unix::ffi::OsStrExt as _;
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let findings = broken(&|object| fs::write(object.join("v1/content").join(name), b"").unwrap());
    assert_eq!(codes(&findings, Severity::Error), ["E023".to_owned()].into());
    let findings = broken(&|object| fs::create_dir(object.join(name)).unwrap());
    assert_eq!(codes(&findings, Severity::Error), ["E001".to_owned()].into());
}

#[test]
fn broken_storage_roots_have_the_code_of_their_rule() {
    type Change = fn(&Path);
    const LAYOUT: &str = "0003-hash-and-id-n-tuple-storage-layout";
    let cases: [(&str, Severity, Change); 18] = [
        ("E069", Severity::Error, |root| fs::remove_file(root.join("0=ocfl_1.1")).unwrap()),
        ("E076", Severity::Error, |root| fs::write(root.join("0=ocfl_1.0"), "ocfl_1.0\n").unwrap()),
        ("E077", Severity::Error, |root| fs::rename(root.join("0=ocfl_1.1"), root.join("0=ocfl_9")).unwrap()),
        ("E078", Severity::Error, |root| fs::rename(root.join("0=ocfl_1.1"), root.join("1=ocfl_1.1")).unwrap()),
        ("E080", Severity::Error, |root| fs::write(root.join("0=ocfl_1.1"), "ocfl_1.1\r\n").unwrap()),
        ("E070", Severity::Error, |root| fs::write(root.join("ocfl_layout.json"), "[]").unwrap()),
        ("E070", Severity::Error, |root| fs::write(root.join("ocfl_layout.json"), "{\"extension\":\"initial\"}").unwrap()),
        ("E071", Severity::Error, |root| fs::write(root.join("ocfl_layout.json"), "{\"extension\":1,\"description\":\"\"}").unwrap()),
        ("ocfl-layout-unknown", Severity::Warning, |root| {
            fs::write(root.join("ocfl_layout.json"), "{\"extension\":\"x\",\"description\":\"\"}").unwrap();
        }),
        ("ocfl-layout-not-checked", Severity::Info, |root| {
            fs::write(root.join("ocfl_layout.json"), "{\"extension\":\"0011-direct-clean-path-layout\",\"description\":\"\"}").unwrap();
        }),
        ("ocfl-layout-config", Severity::Error, |root| fs::write(root.join(format!("extensions/{LAYOUT}/config.json")), "{\"tupleSize\":99}").unwrap()),
        ("E083", Severity::Error, |root| fs::write(root.join(format!("extensions/{LAYOUT}/config.json")), "{\"tupleSize\":4}").unwrap()),
        ("E112", Severity::Error, |root| fs::write(root.join("extensions/file"), "").unwrap()),
        ("W016", Severity::Warning, |root| fs::create_dir(root.join("extensions/of-our-own")).unwrap()),
        ("E072", Severity::Error, |root| {
            fs::create_dir(root.join("zz")).unwrap();
            fs::write(root.join("zz/file"), "").unwrap();
        }),
        ("E073", Severity::Error, |root| fs::create_dir_all(root.join("zz/empty")).unwrap()),
        ("E081", Severity::Error, |root| {
            fs::rename(root.join("0=ocfl_1.1"), root.join("0=ocfl_1.0")).unwrap();
            fs::write(root.join("0=ocfl_1.0"), "ocfl_1.0\n").unwrap();
        }),
        ("E037", Severity::Error, |root| {
            put_first(&root.join("copy"), ID, &[("a", b"1")]);
        }),
    ];
    for (code, severity, change) in cases {
        let dir = tempfile::tempdir().unwrap();
        put_root(dir.path(), &[ID]);
        change(dir.path());
        let (_, findings) = validate_root(dir.path(), &Options::default()).unwrap();
        assert!(codes(&findings, severity).contains(code), "{code}: {findings:#?}");
    }
}

#[test]
fn objects_at_the_top_and_in_a_hierarchy_are_a_warning_where_no_layout_is_declared() {
    let dir = tempfile::tempdir().unwrap();
    put_root(dir.path(), &[ID]);
    put_first(&dir.path().join("top"), "urn:x:2", &[("a", b"1")]);
    fs::remove_file(dir.path().join("ocfl_layout.json")).unwrap();
    let (_, findings) = validate_root(dir.path(), &Options::default()).unwrap();
    assert_eq!(findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), ["W015"]);
}

#[test]
fn other_files_of_a_storage_root_are_ignored() {
    let dir = tempfile::tempdir().unwrap();
    put_root(dir.path(), &[ID]);
    fs::write(dir.path().join("ocfl_1.1.md"), "text").unwrap();
    assert_eq!(validate_root(dir.path(), &Options::default()).unwrap().1, []);
}

#[test]
fn large_objects_are_read_once_by_all_threads_and_progress_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let content = vec![7_u8; 33 * 1024 * 1024];
    for (path, bytes) in sago_packages::ocfl::write::storage_root_files() {
        fs::create_dir_all(dir.path().join(&path).parent().unwrap()).unwrap();
        fs::write(dir.path().join(path), bytes).unwrap();
    }
    let object = dir.path().join(sago_packages::ocfl::write::object_path_0003(ID));
    put_first(&object, ID, &[("a", &content), ("b", &content)]);
    let last = Arc::new(AtomicU64::new(0));
    let calls = Arc::new(AtomicU64::new(0));
    let (heard, times) = (Arc::clone(&last), Arc::clone(&calls));
    let progress = Arc::new(move |progress: Progress| {
        heard.fetch_max(progress.bytes, Ordering::Relaxed);
        times.fetch_add(1, Ordering::Relaxed);
    });
    let (_, findings) = validate_root(dir.path(), &Options { threads: 3, progress: Some(progress), ..Options::default() }).unwrap();
    assert_eq!(findings, []);
    assert_eq!(last.load(Ordering::Relaxed), 66 * 1024 * 1024);
    // Two steps within each file, then each file, then the object.
    assert!(calls.load(Ordering::Relaxed) > 6);
}

#[test]
fn findings_are_limited_and_the_rest_is_counted() {
    let findings = {
        let dir = tempfile::tempdir().unwrap();
        put_first(dir.path(), ID, &[("a", b"1")]);
        (0..50).for_each(|index| fs::write(dir.path().join(format!("extra{index}")), b"").unwrap());
        validate_object(dir.path(), &Options { max_findings: 10, ..Options::default() }).unwrap().1
    };
    assert_eq!(findings.len(), 11);
    assert!(findings[10].message.starts_with("40 more") && findings[10].is_error());
}

#[test]
fn a_folder_that_cannot_be_listed_is_an_error_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    assert!(validate_object(&dir.path().join("absent"), &Options::default()).is_err());
    assert!(validate_root(&dir.path().join("absent"), &Options::default()).is_err());
}

#[test]
fn an_inventory_without_its_needful_parts_is_not_given() {
    for text in ["", "[]", "{}", "{\"id\":\"urn:x:1\"}"] {
        let (inventory, findings) = Inventory::parse(text.as_bytes(), "inventory.json", None);
        assert_eq!(inventory, None);
        assert!(findings.iter().any(Finding::is_error), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn hostile_inventories_are_judged_without_panic(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..30_usize, "[\\[\\]{}:,\"a-zA-Z0-9/.\\\\\u{0}é]{0,12}"), 1..6),
    ) {
        let file = sago_packages::ocfl::write::NewFile { logical_path: "a/b".to_owned(), sha512: "ab".repeat(64), sha256: "cd".repeat(32) };
        let mut text = inventory_bytes(&first_version(ID, info("2026-03-14T09:00:00Z"), &[file]).unwrap());
        for (at, length, with) in cuts {
            let start = at.index(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, with.into_bytes());
        }
        let (inventory, findings) = Inventory::parse(&text, "inventory.json", None);
        prop_assert!(inventory.is_some() || findings.iter().any(Finding::is_error));
        let dir = tempfile::tempdir().unwrap();
        put_first(dir.path(), ID, &[("a/b", b"1")]);
        fs::write(dir.path().join("inventory.json"), &text).unwrap();
        fs::write(dir.path().join("inventory.json.sha512"), sidecar_text(&text)).unwrap();
        let (_, findings) = validate_object(dir.path(), &Options::default()).unwrap();
        prop_assert!(findings.iter().any(Finding::is_error));
    }
}
