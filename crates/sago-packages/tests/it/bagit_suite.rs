//! The bags of github.com/LibraryOfCongress/bagit-conformance-suite.

use std::fs;
use std::path::{Path, PathBuf};

use sago_packages::bagit::validate;
use sago_packages::{Finding, Options, Severity};

use crate::support::{children, codes, copy, name, shared};

/// Lists the bags of one kind of all versions.
fn bags(kind: &str) -> Vec<PathBuf> {
    let versions = children(&shared("bagit-suite"));
    let folders = versions.iter().flat_map(|version| children(&version.join(kind)));
    folders.filter(|path| path.is_dir()).collect()
}

fn judge(path: &Path) -> Vec<Finding> {
    validate(path, &Options::default()).unwrap().1
}

fn show(path: &Path, findings: &[Finding]) -> String {
    format!("{} {findings:#?}", path.display())
}

#[test]
fn valid_bags_have_no_error() {
    let bags = bags("valid");
    for path in &bags {
        let findings = judge(path);
        assert!(!findings.iter().any(Finding::is_error), "{}", show(path, &findings));
    }
    assert_eq!(bags.len(), 27);
}

#[test]
fn invalid_bags_have_an_error_for_the_reason_in_their_name() {
    let bags = bags("invalid");
    for path in &bags {
        let expected = match name(path).as_str() {
            "baginfo-missing-encoding" => "bag-declaration-malformed",
            "bom-in-bagit.txt" => "bag-declaration-bom",
            "corrupt-data-file" => "bag-payload-digest-mismatch",
            "corrupt-tag-file" => "bag-tag-digest-mismatch",
            "extra-file-in-bag" | "notAllManifestsListAllFiles" => "bag-file-not-in-manifest",
            "invalid-version-number" => "bag-version-malformed",
            "missing-baginfo" => "bag-tag-file-missing",
            "missing-bagit.txt" => "bag-declaration-missing",
            "out-of-scope-file-paths-using-dot-notation" | "out-of-scope-file-paths-using-dot-notation-for-fetch" => "bag-path-unsafe",
            "same-filename-listed-twice-with-different-hashes" => "bag-path-digest-conflict",
            "same-filename-listed-twice-with-the-same-hash" => "bag-path-listed-twice",
            "bagit-with-invalid-whitespace" => "bag-declaration-whitespace",
            other => panic!("a new case: {other}"),
        };
        let findings = judge(path);
        assert!(codes(&findings, Severity::Error).contains(expected), "{}", show(path, &findings));
    }
    assert_eq!(bags.len(), 15);
}

#[test]
fn warned_of_bags_have_a_warning_for_the_reason_in_their_name_and_no_error() {
    let temporary = tempfile::tempdir().unwrap();
    let bags = bags("warning");
    for path in &bags {
        let expected = match name(path).as_str() {
            "duplicate-file-with-different-case" => "bag-path-case-twin",
            "made-with-md5sum-tools" => "bag-manifest-md5sum-style",
            "relative-path" => "bag-path-dot-slash",
            "same-filename-listed-twice-with-different-normalization" => "bag-path-normalization-twin",
            "same-filename-listed-twice-with-the-same-hash" => "bag-path-listed-twice",
            "special-system-files" => "bag-system-file",
            other => panic!("a new case: {other}"),
        };
        let mut bag = path.clone();
        if name(path) == "special-system-files" {
            // The stored copy of the suite lost `data/.DS_Store`, which its manifest lists as an empty file. Without it the bag is incomplete, which is
            // checked here too, and then the file is put back.
            bag = temporary.path().join("special-system-files");
            copy(path, &bag);
            if !bag.join("data/.DS_Store").exists() {
                assert!(codes(&judge(&bag), Severity::Error).contains("bag-payload-file-missing"));
                fs::write(bag.join("data/.DS_Store"), b"").unwrap();
            }
        }
        let findings = judge(&bag);
        assert!(!findings.iter().any(Finding::is_error), "{}", show(path, &findings));
        assert!(codes(&findings, Severity::Warning).contains(expected), "{}", show(path, &findings));
    }
    assert_eq!(bags.len(), 6);
}

#[test]
fn paths_that_lead_out_on_linux_are_errors() {
    let bags = bags("linux-only");
    for path in &bags {
        let findings = judge(path);
        assert!(codes(&findings, Severity::Error).contains("bag-path-unsafe"), "{}", show(path, &findings));
    }
    assert_eq!(bags.len(), 6);
}

#[test]
fn paths_that_lead_out_on_windows_are_errors_here_too() {
    // The suite asks this of Windows alone. A bag does not get safer by being judged elsewhere, so we refuse the same paths on every system.
    let bags = bags("windows-only");
    for path in &bags {
        let findings = judge(path);
        assert!(codes(&findings, Severity::Error).contains("bag-path-unsafe"), "{}", show(path, &findings));
    }
    assert_eq!(bags.len(), 6);
}
