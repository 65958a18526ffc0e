//! Logs and generations: sound, damaged, attacked, and the sample of another implementation.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::build::{Log, write};
use crate::judge::{both_accept, python, rust};
use crate::stage::Stage;

/// A log with a full tile and a partial one, and its key beside it.
fn long_log(entries: u64) -> (tempfile::TempDir, PathBuf, Log) {
    let mut log = Log::new("k7q2m9.example/custody-1");
    for number in 0..entries {
        log.add("clock-jumped", json!({ "last": number.to_string(), "now": "0" }), &json!({}));
    }
    log.integrate();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("custody");
    log.write(&root);
    write(&folder.path().join("custody.vkey"), log.vkey());
    (folder, root, log)
}

#[test]
fn logs_of_all_awkward_sizes_are_sound_to_both() {
    for entries in [1, 2, 255, 256, 257, 600] {
        let (folder, root, _) = long_log(entries);
        both_accept(&root, &[]);
        both_accept(&root, &[&folder.path().join("custody.vkey")]);
    }
}

#[test]
fn an_empty_log_is_sound_to_both() {
    let log = Log::new("k7q2m9.example/custody-1");
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("custody/checkpoint"), log.checkpoint());
    write(&folder.path().join("custody.vkey"), log.vkey());
    both_accept(&folder.path().join("custody"), &[]);
}

#[test]
fn every_file_of_a_log_is_missed_or_found_damaged_by_both() {
    let (_folder, root, _) = long_log(300);
    for path in crate::build::list(&root) {
        let place = root.join(&path);
        let honest = fs::read(&place).unwrap();
        for (name, bytes) in [("removed", None), ("cut off", Some(honest[..honest.len() - 1].to_vec())), ("changed", Some(changed(&honest)))] {
            match &bytes {
                None => fs::remove_file(&place).unwrap(),
                Some(bytes) => fs::write(&place, bytes).unwrap(),
            }
            // Without a checkpoint a folder still has the shape of a log for the first verifier, and none for the second.
            let wanted = if path == "checkpoint" && bytes.is_none() { 2 } else { 1 };
            assert_eq!(rust(&root, &[]).exit, 1, "{path} {name}");
            assert_eq!(python(&root, &[]).exit, wanted, "{path} {name}");
            fs::write(&place, &honest).unwrap();
        }
    }
    both_accept(&root, &[]);
}

fn changed(honest: &[u8]) -> Vec<u8> {
    let mut bytes = honest.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x20;
    bytes
}

#[test]
fn a_log_signed_by_others_or_by_nobody_known_is_rejected_by_both() {
    let (folder, root, _) = long_log(3);
    let other = Log::new("k7q2m9.example/custody-2");
    let elsewhere = folder.path().join("elsewhere.vkey");
    write(&elsewhere, other.vkey());
    for answer in [rust(&root, &[&elsewhere]), python(&root, &[&elsewhere])] {
        assert_eq!(answer.exit, 1);
        assert!(answer.errors().contains("key-missing"), "{answer:#?}");
    }
    fs::remove_file(folder.path().join("custody.vkey")).unwrap();
    for answer in [rust(&root, &[]), python(&root, &[])] {
        assert_eq!(answer.exit, 1);
        assert!(answer.errors().contains("key-missing"), "{answer:#?}");
    }
}

#[test]
fn the_sample_log_of_another_implementation_is_sound_but_holds_no_leaves_of_ours() {
    let data = std::env::var_os("SAGO_SHARED_DATA").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let sample = data.join("tlog-sample");
    assert!(sample.join("checkpoint").is_file(), "the shared data is needed: set SAGO_SHARED_DATA to its folder (looked in {})", data.display());
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("sample.vkey");
    // From the list of sources that lies beside the sample.
    write(&key, "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx\n");
    let python = python(&sample, &[&key]);
    assert_eq!(python.exit, 0, "{python:#?}");
    let rust = rust(&sample, &[&key]);
    assert_eq!(rust.errors().into_iter().collect::<Vec<_>>(), ["leaf-invalid"], "{rust:#?}");
}

#[test]
fn a_generation_is_verified_as_a_whole() {
    let stage = Stage::generation();
    let answer = rust(&stage.root, &stage.keys());
    assert_eq!(answer.exit, 0, "{answer:#?}");
    type Case = (&'static str, &'static str, fn(&Stage));
    let cases: [Case; 5] = [
        ("payload-gap", "payload/custody", |stage| fs::remove_file(segment(stage, "custody", "detail")).unwrap()),
        ("payload-gap", "payload/access", |stage| fs::remove_file(segment(stage, "access", "skeleton")).unwrap()),
        ("log-missing", "access", |stage| fs::remove_dir_all(stage.root.join("access")).unwrap()),
        ("file-missing", "custody.vkey", |stage| stage.remove("custody.vkey")),
        ("file-missing", "custody/tile/entries/000.p/7", |stage| stage.remove("custody/tile/entries/000.p/7")),
    ];
    for (code, path, act) in cases {
        let stage = Stage::generation();
        act(&stage);
        let answer = rust(&stage.root, &stage.keys());
        assert_eq!(answer.exit, 1, "{code}");
        assert!(answer.has(code, path), "{code} at {path}: {answer:#?}");
    }
    let strange = Stage::generation();
    strange.write("payload/custody/notes.txt", "notes");
    let answer = rust(&strange.root, &strange.keys());
    assert!(answer.exit == 0 && answer.has("payload-name", "payload/custody/notes.txt"), "{answer:#?}");
}

fn segment(stage: &Stage, log: &str, half: &str) -> PathBuf {
    let folder = stage.root.join("payload").join(log);
    let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.to_str().unwrap().contains(half));
    found.unwrap()
}
