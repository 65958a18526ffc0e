//! A log made by Tessera: every checkpoint, every entry in each of them, consistency between all pairs.
#![allow(clippy::unwrap_used, missing_docs)]

mod shared;

use std::fs;

use sago_ledger::append::Appender;
use sago_ledger::check::{CheckOptions, KnownCheckpoint, check_log};
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::merkle::{consistency_path, inclusion_path, leaf_hash, root_at, verify_consistency, verify_inclusion};
use sago_ledger::policy::Policy;
use sago_ledger::source::{FolderSource, TileReader, TileSource};
use sago_ledger::tile::decode_bundle;

const KEY: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

struct Sample {
    source: FolderSource,
    policy: Policy,
    checkpoints: Vec<Checkpoint>,
    entries: Vec<Vec<u8>>,
}

fn sample() -> Sample {
    let folder = shared::data("tlog-sample");
    let policy = Policy::parse(KEY).unwrap();
    let open = |name: String| policy.open(&fs::read(folder.join(name)).unwrap()).unwrap().checkpoint;
    let mut checkpoints: Vec<_> = (0..16).map(|size| open(format!("checkpoint.{size}"))).collect();
    checkpoints.push(open("checkpoint".to_owned()));
    let bundle = fs::read(folder.join("tile/entries/000.p/15")).unwrap();
    let entries = decode_bundle(&bundle, 15).unwrap().into_iter().map(<[u8]>::to_vec).collect();
    Sample { source: FolderSource::new(&folder), policy: policy.clone(), checkpoints, entries }
}

#[test]
fn every_checkpoint_has_the_root_of_its_size() {
    let sample = sample();
    for (number, checkpoint) in sample.checkpoints.iter().enumerate() {
        assert_eq!(checkpoint.size, number.min(15) as u64);
        assert_eq!(checkpoint.origin, sample.policy.origin());
        // From the tiles of the newest tree and from those of its own size.
        for size in [15, checkpoint.size] {
            let mut reader = TileReader::new(&sample.source, size);
            assert_eq!(root_at(checkpoint.size, &mut reader).unwrap(), checkpoint.root, "size {}", checkpoint.size);
        }
    }
    assert_eq!(sample.checkpoints.len(), 17);
}

#[test]
fn every_entry_is_in_every_tree_that_has_it() {
    let sample = sample();
    let mut proofs = 0;
    for checkpoint in &sample.checkpoints {
        let mut reader = TileReader::new(&sample.source, checkpoint.size);
        for (index, entry) in (0..checkpoint.size).zip(&sample.entries) {
            let path = inclusion_path(index, checkpoint.size, &mut reader).unwrap();
            verify_inclusion(&leaf_hash(entry), index, checkpoint.size, &path, &checkpoint.root).unwrap();
            proofs += 1;
        }
        assert!(inclusion_path(checkpoint.size, checkpoint.size, &mut reader).is_err());
    }
    assert_eq!(proofs, 120 + 15);
}

#[test]
fn every_pair_of_trees_is_consistent() {
    let sample = sample();
    let mut proofs = 0;
    for new in &sample.checkpoints[1..] {
        let mut reader = TileReader::new(&sample.source, new.size);
        for old in sample.checkpoints[1..].iter().filter(|old| old.size <= new.size) {
            let path = consistency_path(old.size, new.size, &mut reader).unwrap();
            verify_consistency(old.size, new.size, &path, &old.root, &new.root).unwrap();
            proofs += 1;
        }
    }
    // The newest checkpoint is there twice: as number 15 and by its own name.
    assert_eq!(proofs, 120 + 17);
}

#[test]
fn appending_gives_the_same_files_from_every_size() {
    let sample = sample();
    let newest = &sample.checkpoints[15];
    for old in &sample.checkpoints[..15] {
        let mut appender = Appender::open(&sample.source, old.size, &old.root).unwrap();
        for entry in &sample.entries[old.size as usize..] {
            appender.append(entry).unwrap();
        }
        let appended = appender.finish();
        assert_eq!((appended.size, appended.root), (newest.size, newest.root));
        let paths: Vec<_> = appended.files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["tile/entries/000.p/15", "tile/0/000.p/15"]);
        for (path, bytes) in &appended.files {
            assert_eq!(sample.source.read(path).unwrap().as_ref(), Some(bytes), "{path}");
        }
    }
}

#[test]
fn the_auditor_finds_nothing_but_files_beside_the_log() {
    let sample = sample();
    let folder = shared::data("tlog-sample");
    let keep = |size: u64| {
        let path = format!("checkpoint.{size}");
        KnownCheckpoint { bytes: fs::read(folder.join(&path)).unwrap(), path }
    };
    let options = CheckOptions { sago_leaves: false, known: (0..16).map(keep).collect() };
    let (summary, findings) = check_log(&sample.source, &sample.policy, &options);
    // The sample keeps its old checkpoints and Tessera's state beside the log, which ours never do; all else is in
    // order, the partial tiles of all sizes included.
    let is_beside = |path: &str| path.starts_with("checkpoint.") || path.starts_with(".state/");
    assert!(findings.iter().all(|f| f.code == "unexpected-file" && is_beside(&f.path)), "{findings:#?}");
    assert_eq!(findings.len(), 16 + 4);
    assert_eq!((summary.entries, summary.files, summary.listed), (15, 31, true));
}
