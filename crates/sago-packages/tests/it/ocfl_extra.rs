//! Objects, storage roots and inventories of github.com/zimeon/ocfl-py (`extra_fixtures`), some in archives because they hold empty folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sago_packages::ocfl::{Inventory, validate_object, validate_root};
use sago_packages::{Finding, Options, Severity};

use crate::ocfl_fixtures::expected_codes;
use crate::support::{children, codes, name, shared, unzip};

/// Gives a folder to judge: the fixture itself, or a temporary one with what its archive holds.
fn folder(path: &Path, temporary: &Path) -> PathBuf {
    if path.extension().is_none_or(|extension| extension != "zip") {
        return path.to_owned();
    }
    let target = temporary.join(name(path));
    unzip(path, &target);
    target
}

fn list(codes: &[&str]) -> BTreeSet<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

fn objects(kind: &str, check: &dyn Fn(&str, &[Finding])) -> usize {
    let temporary = tempfile::tempdir().unwrap();
    let mut cases = 0;
    for spec in ["1.0", "1.1"] {
        for path in children(&shared("ocfl-extra").join(spec).join(kind)) {
            let object = folder(&path, &temporary.path().join(spec));
            let (_, findings) = validate_object(&object, &Options::default()).unwrap();
            check(&name(&path), &findings);
            cases += 1;
        }
    }
    cases
}

#[test]
fn bad_objects_have_the_errors_in_their_names() {
    let cases = objects("bad-objects", &|name, findings| {
        let errors = codes(findings, Severity::Error);
        let expected = expected_codes(name);
        assert!(!expected.is_empty() && expected.is_subset(&errors), "{name}: {errors:?}");
    });
    assert_eq!(cases, 17 + 5);
}

#[test]
fn good_objects_have_no_error_and_only_the_warnings_they_earn() {
    let cases = objects("good-objects", &|name, findings| {
        assert_eq!(codes(findings, Severity::Error), list(&[]), "{name}");
        let earned = match name {
            // Their ids, taken from the examples of extension 0003, are no URIs.
            "root_ext0003_horrible-obj" | "root_ext0003_object-01" => list(&["W005"]),
            _ => list(&[]),
        };
        assert_eq!(codes(findings, Severity::Warning), earned, "{name}");
    });
    assert_eq!(cases, 3 + 1);
}

#[test]
fn warned_of_objects_have_the_warnings_in_their_names_and_no_error() {
    let cases = objects("warn-objects", &|name, findings| {
        assert_eq!(codes(findings, Severity::Error), list(&[]), "{name}");
        assert!(expected_codes(name).is_subset(&codes(findings, Severity::Warning)), "{name}: {findings:?}");
    });
    assert_eq!(cases, 1);
}

#[test]
fn good_storage_roots_have_no_error_and_only_the_warnings_they_earn() {
    let temporary = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for path in children(&shared("ocfl-extra/1.0/good-storage-roots")) {
        let root = folder(&path, temporary.path());
        let (summary, findings) = validate_root(&root, &Options::default()).unwrap();
        let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.is_error()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", name(&path));
        let earned = match name(&path).as_str() {
            // Ids without a scheme, versions without message, user or address, and an extension before it was registered under a number.
            "fedora-root" => list(&["W005", "W007", "W008", "W013"]),
            "root_ext0003_ex1.zip" | "root_ext0003_ex2.zip" => list(&["W005"]),
            "unreg-extension-dir-root" => list(&["W016"]),
            _ => list(&[]),
        };
        assert_eq!(codes(&findings, Severity::Warning), earned, "{}", name(&path));
        seen.push((name(&path), summary.objects));
    }
    let expected = [
        ("fedora-root", 176),
        ("reg-extension-dir-root", 1),
        ("root_ext0003_ex1.zip", 2),
        ("root_ext0003_ex2.zip", 2),
        ("simple-root", 3),
        ("unreg-extension-dir-root", 1),
    ];
    assert_eq!(seen, expected.map(|(name, objects)| (name.to_owned(), objects)));
}

#[test]
fn bad_storage_roots_have_their_errors() {
    let temporary = tempfile::tempdir().unwrap();
    let mut cases = 0;
    for path in children(&shared("ocfl-extra/1.0/bad-storage-roots")) {
        let root = folder(&path, temporary.path());
        let (summary, findings) = validate_root(&root, &Options::default()).unwrap();
        let errors = codes(&findings, Severity::Error);
        let mut expected = expected_codes(&name(&path));
        if name(&path) == "simple-bad-root.zip" {
            // An unknown version, two declarations, a folder that is no object, an empty folder, and two good objects.
            expected = list(&["E003", "E004", "E072", "E073", "E085"]);
            assert_eq!(summary.objects, 4);
        }
        assert!(!expected.is_empty() && expected.is_subset(&errors), "{}: {errors:?}", name(&path));
        cases += 1;
    }
    assert_eq!(cases, 4);
}

#[test]
fn bad_inventories_have_the_errors_in_their_names() {
    let mut cases = 0;
    for path in children(&shared("ocfl-extra/1.0/bad-inventories")) {
        let (_, findings) = Inventory::parse(&fs::read(&path).unwrap(), "inventory.json", None);
        assert!(codes(&findings, Severity::Error).contains("E042"), "{}: {findings:?}", name(&path));
        cases += 1;
    }
    assert_eq!(cases, 4);
}

#[test]
fn other_roots_declarations_are_not_taken_for_one() {
    for (folder, expected) in [("misc/multiple_declarations", list(&["E076", "E079"])), ("misc/unknown_declaration", list(&["E069", "E079"]))] {
        let (_, findings) = validate_root(&shared("ocfl-extra").join(folder), &Options::default()).unwrap();
        let errors = codes(&findings, Severity::Error);
        assert!(expected.is_subset(&errors), "{folder}: {errors:?}");
    }
}
