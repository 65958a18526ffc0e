//! The objects of github.com/OCFL/fixtures: a folder's name carries the codes that must be found.

use std::collections::BTreeSet;
use std::path::Path;

use sago_packages::ocfl::validate_object;
use sago_packages::{Options, Severity};

use crate::support::{children, codes, name, shared};

/// Gives the codes at the beginning of a name: `E003_E063_empty` has two.
pub fn expected_codes(name: &str) -> BTreeSet<String> {
    let is_code = |part: &&str| part.len() >= 4 && matches!(part.as_bytes()[0], b'E' | b'W') && part[1..4].bytes().all(|byte| byte.is_ascii_digit());
    name.split('_').take_while(is_code).map(|part| part[..4].to_owned()).collect()
}

fn judge(path: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let (_, findings) = validate_object(path, &Options::default()).unwrap();
    (codes(&findings, Severity::Error), codes(&findings, Severity::Warning))
}

#[test]
fn bad_objects_have_the_errors_in_their_names() {
    let mut cases = 0;
    for spec in ["1.0", "1.1"] {
        for path in children(&shared("ocfl-fixtures").join(spec).join("bad-objects")) {
            let (errors, _) = judge(&path);
            let expected = expected_codes(&name(&path));
            assert!(!expected.is_empty() && expected.is_subset(&errors), "{spec} {}: {errors:?}", name(&path));
            cases += 1;
        }
    }
    assert_eq!(cases, 52 + 55);
}

#[test]
fn good_objects_have_neither_errors_nor_warnings() {
    let mut cases = 0;
    for spec in ["1.0", "1.1"] {
        for path in children(&shared("ocfl-fixtures").join(spec).join("good-objects")) {
            let (errors, warnings) = judge(&path);
            assert!(errors.is_empty() && warnings.is_empty(), "{spec} {}: {errors:?} {warnings:?}", name(&path));
            cases += 1;
        }
    }
    assert_eq!(cases, 10 + 12);
}

#[test]
fn warned_of_objects_have_the_warnings_in_their_names_and_no_error() {
    let mut cases = 0;
    for spec in ["1.0", "1.1"] {
        for path in children(&shared("ocfl-fixtures").join(spec).join("warn-objects")) {
            let (errors, warnings) = judge(&path);
            let expected = expected_codes(&name(&path));
            assert!(errors.is_empty(), "{spec} {}: {errors:?}", name(&path));
            assert!(!expected.is_empty() && expected.is_subset(&warnings), "{spec} {}: {warnings:?}", name(&path));
            cases += 1;
        }
    }
    assert_eq!(cases, 14 + 13);
}

#[test]
fn structure_alone_shows_everything_but_damaged_bytes() {
    // These objects differ from good ones only in bytes of content, which are not read here.
    let only_bytes = ["E092_algorithm_change_incorrect_digest", "E092_content_file_digest_mismatch", "E093_fixity_digest_mismatch"];
    let options = Options { content: false, ..Options::default() };
    let mut unseen = BTreeSet::new();
    for spec in ["1.0", "1.1"] {
        for path in children(&shared("ocfl-fixtures").join(spec).join("bad-objects")) {
            let (_, findings) = validate_object(&path, &options).unwrap();
            if codes(&findings, Severity::Error).is_empty() {
                unseen.insert(name(&path));
            }
        }
    }
    assert_eq!(unseen, only_bytes.map(str::to_owned).into());
}
