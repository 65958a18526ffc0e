//! The table of codes: complete, in one voice, and used by everyone.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use sago_verify::codes::{OWN, all, lookup};
use sago_verify::{PYTHON_VERIFIER, Severity};

#[test]
fn codes_are_unique_kebab_case_and_explained() {
    let mut seen = BTreeSet::new();
    for row in all() {
        assert!(seen.insert(row.code.clone()), "{} stands twice", row.code);
        let kebab = row.code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(kebab || ["E000", "W000"].contains(&row.code.as_str()), "{}", row.code);
        for text in [&row.meaning, &row.action] {
            assert!(text.ends_with('.') && text.len() > 10 && text.starts_with(|c: char| c.is_uppercase() || !c.is_alphabetic()), "{}: {text}", row.code);
        }
    }
}

/// Every quoted word after one of these beginnings in a source text.
fn quoted_after(text: &str, beginnings: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for beginning in beginnings {
        for rest in text.split(beginning).skip(1) {
            let word = rest.split('"').next().unwrap_or_default();
            if word.contains('-') && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
                found.insert(word.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_code_of_the_second_verifier_stands_in_the_table() {
    let used = quoted_after(PYTHON_VERIFIER, &["\""]);
    let known: BTreeSet<String> = used.iter().filter(|word| lookup(word).is_some()).cloned().collect();
    // Words with a hyphen that are no codes: kinds of events, encodings, file name parts.
    let other: Vec<&String> = used.difference(&known).collect();
    let no_codes = ["accession-received", "utf-8", "tagmanifest-", "digest-mismatch", "--json", "--key"];
    assert!(other.iter().all(|word| no_codes.contains(&word.as_str())), "{other:?}");
    assert!(known.len() > 40, "{known:?}");
}

#[test]
fn severities_of_the_second_verifier_are_those_of_the_table() {
    for code in OWN.iter().filter(|code| code.severity != Severity::Error) {
        let place = PYTHON_VERIFIER.find(&format!("\"{}\"", code.code));
        let Some(place) = place else { continue };
        let rest = &PYTHON_VERIFIER[place..];
        let word = format!("\"{}\"", code.severity.word());
        assert!(rest.chars().take(700).collect::<String>().contains(&word), "{} is not {word} there", code.code);
    }
}

#[test]
fn every_code_of_the_judges_of_bags_stands_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sago-packages/src");
    let mut used = BTreeSet::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                used.extend(
                    quoted_after(&text, &["error(\"", "warning(\"", "info(\"", "(\"bag-", "code: \"", "\"bag-"]).into_iter().map(|word| word.to_owned()),
                );
                for kind in ["bag", "ocfl"] {
                    used.extend(quoted_after(&text, &[&format!("\"{kind}-")]).into_iter().map(|word| format!("{kind}-{word}")));
                }
            }
        }
    }
    let used: Vec<String> = used.into_iter().filter(|code| code.starts_with("bag-") || code.starts_with("ocfl-") || code == "findings-left-out").collect();
    let missing: Vec<&String> = used.iter().filter(|code| lookup(code).is_none()).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    assert!(used.len() > 50, "{used:?}");
}

#[test]
fn codes_of_the_ocfl_specification_are_explained_by_pattern() {
    for code in ["E092", "W004"] {
        assert!(lookup(code).unwrap().meaning.contains("OCFL"));
    }
    for code in ["E92", "X092", "E0920", "no-such-code", ""] {
        assert_eq!(lookup(code), None, "{code}");
    }
}

#[test]
fn the_program_prints_the_whole_table() {
    let output = Command::new(env!("CARGO_BIN_EXE_sago-verify")).arg("--codes").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for row in all() {
        assert!(text.lines().any(|line| line.starts_with(&format!("{} (", row.code))), "{}", row.code);
    }
}
