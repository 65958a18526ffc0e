//! The auditor: a sound log has no findings, and every single changed bit is named with its file.
#![allow(clippy::unwrap_used, missing_docs)]

mod shared;

use std::fs;
use std::path::Path;

use sago_ledger::Hash;
use sago_ledger::check::{CODES, CheckOptions, Finding, KnownCheckpoint, MAX_FINDINGS, Severity, check_log, check_log_with};
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::leaf::Leaf;
use sago_ledger::policy::Policy;
use sago_ledger::source::{FolderSource, MemorySource, TileSource};
use shared::{ORIGIN, extend, log_of, policy, publish, signers};

const SAGO: CheckOptions = CheckOptions { sago_leaves: true, known: Vec::new() };

fn leaf(index: u64) -> Vec<u8> {
    Leaf::new(1_773_482_520 + index, Hash([index as u8; 32])).unwrap().entry()
}

fn findings(log: &impl TileSource, options: &CheckOptions) -> Vec<Finding> {
    findings_under(policy(), log, options)
}

fn findings_under(policy: &Policy, log: &impl TileSource, options: &CheckOptions) -> Vec<Finding> {
    let (_, findings) = check_log(log, policy, options);
    for finding in &findings {
        assert!(CODES.iter().any(|(code, _)| *code == finding.code), "{} has no meaning", finding.code);
    }
    findings
}

fn named(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|finding| (finding.code, finding.path.as_str())).collect()
}

fn write(folder: &Path, log: &MemorySource) {
    for (path, bytes) in &log.files {
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), bytes).unwrap();
    }
}

/// Flips bits of every file on disk, one at a time, and expects the auditor to name that file and no other.
fn flip_everywhere(sizes: &[u64], bits_of: impl Fn(usize) -> Vec<usize>) -> usize {
    let (log, _) = log_of(sizes, leaf);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &log);
    let source = FolderSource::new(folder.path());
    assert_eq!(findings(&source, &SAGO), []);
    // One quick signature is enough while the checkpoint is whole.
    let ed25519 = Policy::new(vec![signers()[0].verifier().clone()]).unwrap();
    let mut flips = 0;
    for (path, bytes) in &log.files {
        let policy = if path == "checkpoint" { policy() } else { &ed25519 };
        for bit in bits_of(bytes.len() * 8) {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(folder.path().join(path), changed).unwrap();
            let found = findings_under(policy, &source, &SAGO);
            assert!(!found.is_empty(), "{path} bit {bit}");
            for finding in found {
                assert_eq!((&finding.path, finding.severity), (path, Severity::Error), "bit {bit}: {finding:?}");
            }
            flips += 1;
        }
        fs::write(folder.path().join(path), bytes).unwrap();
    }
    flips
}

#[test]
fn every_single_bit_of_a_small_log_is_named() {
    // Tiles and bundles whole; of the checkpoint, whose signatures are long, one bit in each byte.
    let flips = flip_everywhere(&[2, 3], |bits| match bits {
        0..20_000 => (0..bits).collect(),
        _ => (0..bits / 8).map(|byte| byte * 8 + byte % 8).collect(),
    });
    assert!(flips > 7_000, "{flips}");
}

#[test]
fn every_file_of_a_log_with_leftovers_and_two_levels_is_named() {
    let flips = flip_everywhere(&[3, 200, 256, 300, 600], |bits| (0..bits).step_by(bits / 12 + 1).collect());
    assert!(flips > 150, "{flips}");
}

#[test]
fn one_wrong_file_of_three_levels_is_named_alone() {
    let (log, _) = log_of(&[65_600], |index| index.to_be_bytes().to_vec());
    let options = CheckOptions::default();
    assert_eq!(findings(&log, &options), []);
    for (path, code) in [
        ("tile/0/100", "tile-mismatch"),
        ("tile/entries/100", "bundle-mismatch"),
        ("tile/1/000", "tile-mismatch"),
        ("tile/2/000.p/1", "tile-mismatch"),
        ("tile/0/256.p/64", "tile-mismatch"),
        ("tile/entries/256.p/64", "bundle-mismatch"),
    ] {
        let mut bad = log.clone();
        *bad.files.get_mut(path).unwrap().last_mut().unwrap() ^= 0x80;
        assert_eq!(named(&findings(&bad, &options)), [(code, path)]);
        bad.files.remove(path);
        assert_eq!(named(&findings(&bad, &options)), [("file-missing", path)]);
    }
}

#[test]
fn entries_forged_together_with_their_tile_are_named() {
    let (log, _) = log_of(&[600], leaf);
    let (forged, _) = log_of(&[600], |index| leaf(if index == 300 { 0 } else { index }));
    let mut bad = log.clone();
    for path in ["tile/0/001", "tile/entries/001"] {
        bad.files.insert(path.to_owned(), forged.files[path].clone());
    }
    let expect = [("tile-mismatch", "tile/0/001"), ("bundle-mismatch", "tile/entries/001")];
    assert_eq!(named(&findings(&bad, &SAGO)), expect);
    // With the whole path up to the root forged, only the signature is left to object.
    bad = forged.clone();
    bad.files.insert("checkpoint".to_owned(), log.files["checkpoint"].clone());
    assert_eq!(named(&findings(&bad, &SAGO)), [("root-mismatch", "checkpoint")]);
}

#[test]
fn two_wrong_files_are_both_named() {
    let (log, _) = log_of(&[600], leaf);
    let pairs = [
        ("tile/0/000", "tile/entries/001"),
        ("tile/0/001", "tile/entries/001"),
        ("tile/0/002.p/88", "tile/entries/002.p/88"),
        ("tile/1/000.p/2", "tile/entries/002.p/88"),
        ("tile/1/000.p/2", "tile/0/001"),
        ("tile/1/000.p/2", "tile/entries/000"),
    ];
    for (one, other) in pairs {
        let mut bad = log.clone();
        for path in [one, other] {
            bad.files.get_mut(path).unwrap()[40] ^= 1;
        }
        let found = findings(&bad, &SAGO);
        for path in [one, other] {
            assert!(found.iter().any(|finding| finding.path == path), "{path}: {found:#?}");
        }
    }
}

#[test]
fn bytes_after_the_last_entry_are_named() {
    let (log, _) = log_of(&[260], leaf);
    for path in ["tile/entries/000", "tile/entries/001.p/4"] {
        let mut bad = log.clone();
        bad.files.get_mut(path).unwrap().extend(b"\0\0");
        assert_eq!(named(&findings(&bad, &SAGO)), [("bundle-trailing-bytes", path)]);
    }
    let mut bad = log.clone();
    bad.files.get_mut("tile/entries/000").unwrap().pop();
    assert_eq!(named(&findings(&bad, &SAGO)), [("bundle-malformed", "tile/entries/000")]);
    let mut bad = log;
    bad.files.get_mut("tile/0/000").unwrap().pop();
    assert_eq!(named(&findings(&bad, &SAGO)), [("tile-malformed", "tile/0/000")]);
}

#[test]
fn files_that_no_tree_of_the_signed_size_has_are_named() {
    let (mut log, old) = log_of(&[300], leaf);
    let signed = log.files["checkpoint"].clone();
    let newer: Vec<_> = (300..600).map(leaf).collect();
    extend(&mut log, &old, &newer);
    // A crash after the files and before the checkpoint: the old tree is whole, the rest is pointed out.
    log.files.insert("checkpoint".to_owned(), signed);
    log.files.insert("tile/0/notes.txt".to_owned(), Vec::new());
    let found = findings(&log, &SAGO);
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    let mut expect = vec![("unexpected-file", "tile/0/notes.txt")];
    for path in ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/88"] {
        expect.push(("beyond-checkpoint", path));
    }
    let mut found = named(&found);
    found.sort_by_key(|(_, path)| path.to_owned());
    expect.sort_by_key(|(_, path)| path.to_owned());
    assert_eq!(found, expect);
}

#[test]
fn a_checkpoint_that_is_missing_or_badly_signed_stops_the_audit() {
    let (log, checkpoint) = log_of(&[10], leaf);
    let mut bad = log.clone();
    bad.files.remove("checkpoint");
    assert_eq!(named(&findings(&bad, &SAGO)), [("checkpoint-missing", "checkpoint")]);
    let text = String::from_utf8(log.files["checkpoint"].clone()).unwrap();
    let without_ml_dsa: String = text.lines().take(5).map(|line| format!("{line}\n")).collect();
    bad.files.insert("checkpoint".to_owned(), without_ml_dsa.into_bytes());
    let (summary, found) = check_log(&bad, policy(), &SAGO);
    assert_eq!(named(&found), [("checkpoint-invalid", "checkpoint")]);
    assert_eq!((summary.signed, summary.entries), (None, 0));
    assert!(found[0].message.contains("ML-DSA-44"), "{}", found[0].message);
    // Well signed, but the root is another.
    publish(&mut bad, &Checkpoint { root: Hash([1; 32]), ..checkpoint });
    assert_eq!(named(&findings(&bad, &SAGO)), [("root-mismatch", "checkpoint")]);
}

#[test]
fn the_log_must_continue_every_checkpoint_that_was_kept() {
    let mut log = MemorySource::default();
    let mut kept = Vec::new();
    let mut at = Checkpoint::new(ORIGIN, 0, Hash::EMPTY_ROOT).unwrap();
    publish(&mut log, &at);
    for size in [0, 1, 5, 255, 256, 257, 300, 512, 600] {
        at = extend(&mut log, &at, &(at.size..size).map(leaf).collect::<Vec<_>>());
        kept.push(KnownCheckpoint { path: format!("lock/{size}"), bytes: log.files["checkpoint"].clone() });
    }
    let options = CheckOptions { sago_leaves: true, known: kept.clone() };
    assert_eq!(findings(&log, &options), []);

    // Another log of the same keys: the same up to entry 256, then not.
    let (other, _) = log_of(&[256, 600], |index| leaf(if index == 256 { 0 } else { index }));
    let expect: Vec<_> = ["lock/257", "lock/300", "lock/512", "lock/600"].map(|p| ("known-checkpoint-mismatch", p)).into();
    assert_eq!(named(&findings(&other, &options)), expect);

    // A log rolled back.
    let (shorter, _) = log_of(&[300], leaf);
    let found = findings(&shorter, &options);
    assert_eq!(named(&found), [("log-shorter-than-known", "checkpoint")]);

    // A kept checkpoint that is none, and damage that keeps one size from being compared.
    let bad = KnownCheckpoint { path: "lock/bad".to_owned(), bytes: b"x".to_vec() };
    let options = CheckOptions { sago_leaves: true, known: vec![bad, kept[2].clone(), kept[7].clone()] };
    let mut damaged = log.clone();
    damaged.files.remove("tile/0/000");
    damaged.files.remove("tile/entries/000");
    let mut found = findings(&damaged, &options);
    found.sort_by(|a, b| (a.code, &a.path).cmp(&(b.code, &b.path)));
    let expect = [
        ("file-missing", "tile/0/000"),
        ("file-missing", "tile/entries/000"),
        ("known-checkpoint-invalid", "lock/bad"),
        ("known-checkpoint-unchecked", "lock/5"),
    ];
    assert_eq!(named(&found), expect);
}

#[test]
fn entries_are_shown_in_order_and_must_be_leaves_if_asked() {
    let entries = |index: u64| {
        if index == 270 { b"not a leaf".to_vec() } else { leaf(index) }
    };
    let (log, _) = log_of(&[300], entries);
    let mut shown = Vec::new();
    let (summary, found) = check_log_with(&log, policy(), &SAGO, &mut |index, entry| {
        assert_eq!(index, shown.len() as u64);
        shown.push(entry.to_vec());
    });
    assert_eq!(shown, (0..300).map(entries).collect::<Vec<_>>());
    assert_eq!(summary.entries, 300);
    assert_eq!(named(&found), [("leaf-invalid", "tile/entries/001.p/44")]);
    assert!(found[0].message.contains("entry 270"), "{}", found[0].message);
    assert_eq!(findings(&log, &CheckOptions::default()), []);
}

#[test]
fn logs_of_every_awkward_size_have_no_findings() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537] {
        let (log, _) = log_of(&[size], |index| index.to_be_bytes().to_vec());
        let (summary, found) = check_log(&log, policy(), &CheckOptions::default());
        assert_eq!(found, [], "size {size}");
        assert_eq!((summary.entries, summary.listed), (size, true));
        assert_eq!(summary.files, log.files.len() as u64);
    }
}

/// A folder of which nothing but the checkpoint is left.
#[test]
fn an_audit_of_a_log_that_is_gone_ends() {
    let mut log = MemorySource::default();
    publish(&mut log, &Checkpoint::new(ORIGIN, u64::MAX, Hash([1; 32])).unwrap());
    let found = findings(&log, &CheckOptions::default());
    assert_eq!(found.len(), MAX_FINDINGS + 1);
    assert_eq!(found.last().unwrap().code, "audit-stopped");
}

/// A log of which files can be read but not listed, as over a network.
struct Unlisted(MemorySource);

impl TileSource for Unlisted {
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        self.0.read(path)
    }
}

#[test]
fn a_source_that_cannot_list_is_audited_and_the_summary_says_so() {
    let (mut log, _) = log_of(&[3, 300], leaf);
    log.files.insert("stranger".to_owned(), Vec::new());
    log.files.get_mut("tile/0/000.p/3").unwrap()[0] ^= 1;
    let expect = [("unexpected-file", "stranger"), ("leftover-mismatch", "tile/0/000.p/3")];
    assert_eq!(named(&findings(&log, &SAGO)), expect);
    let (summary, found) = check_log(&Unlisted(log.clone()), policy(), &SAGO);
    assert_eq!((found, summary.listed, summary.entries), (Vec::new(), false, 300));
    *log.files.get_mut("tile/0/000").unwrap().last_mut().unwrap() ^= 1;
    assert_eq!(named(&findings(&Unlisted(log), &SAGO)), [("tile-mismatch", "tile/0/000")]);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_is_a_finding() {
    let (log, _) = log_of(&[300], leaf);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &log);
    let tile = folder.path().join("tile/0/000");
    fs::remove_file(&tile).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &tile).unwrap();
    let found = findings(&FolderSource::new(folder.path()), &SAGO);
    assert_eq!(named(&found), [("file-unreadable", "tile/0/000")]);
}
