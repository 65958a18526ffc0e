//! What is sound must be called sound, by both, with the same remarks.

use std::collections::BTreeSet;

use crate::judge::{both_accept, python, rust};
use crate::stage::Stage;

#[test]
fn an_untouched_export_is_sound_with_and_without_given_keys() {
    let stage = Stage::export();
    let (rust, python) = both_accept(&stage.root, &stage.keys());
    for answer in [&rust, &python] {
        assert!(!answer.findings.iter().any(|finding| finding.code == "key-from-package"), "{answer:#?}");
    }
    let (rust, python) = both_accept(&stage.root, &[]);
    for answer in [&rust, &python] {
        assert_eq!(answer.findings.iter().filter(|finding| finding.code == "key-from-package").count(), 2, "{answer:#?}");
    }
}

#[test]
fn both_verifiers_name_the_same_files_as_covered_by_no_proof() {
    let stage = Stage::export();
    let (rust, python) = both_accept(&stage.root, &stage.keys());
    let bare = |answer: &crate::judge::Answer| -> BTreeSet<String> {
        answer.findings.iter().filter(|finding| finding.code == "not-covered").map(|finding| finding.path.clone()).collect()
    };
    assert_eq!(bare(&rust), bare(&python));
    let object = format!("data/proofs/objects/{}/inventory.json.sha512", crate::build::OBJECT);
    let expected = [
        "bag-info.txt",
        "data/READ-ME-FIRST.html",
        "data/VERIFY.md",
        "data/provenance/premis.xml",
        &object,
        "data/ro-crate-metadata.json",
        "data/verify/sago_verify.py",
    ];
    assert_eq!(bare(&rust), expected.into_iter().map(str::to_owned).collect());
}

#[test]
fn files_that_only_look_like_proofs_are_said_to_be_uncovered() {
    let stage = Stage::export();
    let strange = [
        "data/proofs/custody-007.tlog-proof",
        "data/proofs/custody-1.tlog-proof.txt",
        "data/proofs/notes.txt",
        "data/proofs/objects/inventory.json",
        "manifest-notes.txt.html",
        "data/provenance/events.jsonl.old",
    ];
    for path in strange {
        stage.write(path, "I was there.");
    }
    stage.fix_bag();
    let (rust, python) = both_accept(&stage.root, &stage.keys());
    for path in strange {
        assert!(rust.has("not-covered", path) && python.has("not-covered", path), "{path}: {rust:#?} {python:#?}");
    }
}

#[test]
fn events_without_a_time_stamp_are_said() {
    let stage = Stage::export();
    let (rust, python) = both_accept(&stage.root, &stage.keys());
    assert!(rust.has("not-stamped", "") && python.has("not-stamped", ""));
}

#[test]
fn an_untouched_receipt_is_sound() {
    let stage = Stage::receipt();
    let (rust, python) = both_accept(&stage.root, &stage.keys());
    for answer in [&rust, &python] {
        assert!(answer.has("not-covered", "receipt.txt") && answer.has("not-covered", "receipt.json"), "{answer:#?}");
    }
    both_accept(&stage.root, &[]);
}

#[test]
fn a_receipt_is_found_by_its_file_and_a_proof_stands_alone() {
    let stage = Stage::receipt();
    assert_eq!(rust(&stage.root.join("receipt.json"), &stage.keys()).exit, 0);
    assert_eq!(rust(&stage.root.join("receipt.tlog-proof"), &stage.keys()).exit, 0);
    assert_eq!(rust(&stage.root.join("receipt.tlog-proof"), &[]).exit, 0);
}

#[test]
fn a_withheld_skeleton_is_a_warning_and_no_more() {
    let stage = Stage::receipt();
    let mut opening = stage.world.custody.opening(crate::build::ACCESSION_EVENT);
    opening.skeleton = opening.skeleton.withheld(sago_ledger::leaf::HalfKind::Skeleton);
    stage.write("receipt.tlog-proof", stage.world.custody.proof(&opening).encode());
    let (rust, python) = both_accept(&stage.root, &stage.keys());
    for answer in [&rust, &python] {
        assert!(answer.has("skeleton-withheld", "receipt.tlog-proof"), "{answer:#?}");
    }
}

#[test]
fn what_is_nothing_known_could_not_be_verified() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("absent")] {
        for answer in [rust(&path, &[]), python(&path, &[])] {
            assert_eq!(answer.exit, 2, "{answer:#?}");
            assert!(answer.complaint.contains("could not verify"), "{answer:#?}");
        }
    }
}

#[test]
fn a_given_key_file_that_is_none_could_not_be_used() {
    let stage = Stage::receipt();
    let wrong = stage.root.join("receipt.txt");
    for answer in [rust(&stage.root, &[&wrong]), python(&stage.root, &[&wrong])] {
        assert_eq!(answer.exit, 2, "{answer:#?}");
    }
}

#[test]
fn the_human_report_ends_with_a_verdict_and_says_what_was_not_checked() {
    let stage = Stage::export();
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_sago-verify")).arg(&stage.root).output().unwrap();
    let script = std::process::Command::new("python3").arg(crate::judge::script()).arg(&stage.root).output().expect("python3 is needed");
    for output in [program, script] {
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("SOUND") && !text.contains("NOT SOUND"), "{text}");
        assert!(text.to_lowercase().contains("not checked"), "{text}");
    }
}

#[test]
fn the_second_verifier_stays_short_enough_to_be_read_in_an_evening() {
    let lines = sago_verify::PYTHON_VERIFIER.lines().count();
    assert!(lines < 500, "{lines} lines");
    for (number, line) in (1..).zip(sago_verify::PYTHON_VERIFIER.lines()) {
        assert!(line.chars().count() <= 120, "line {number} is too wide");
    }
}
