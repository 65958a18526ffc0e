//! Appending: random batches against a naive construction, and logs too large to hold.
#![allow(clippy::unwrap_used, missing_docs)]

mod shared;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;

use proptest::prelude::*;
use sago_ledger::append::Appender;
use sago_ledger::merkle::{RootBuilder, inclusion_path, leaf_hash, root_at, root_of, verify_inclusion};
use sago_ledger::source::{MemorySource, TileReader, TileSource};
use sago_ledger::tile::{TILE_WIDTH, TileKind, TilePath, complete_root, encode_hashes, push_entry};
use sago_ledger::{Error, Hash};

/// Builds every file of a tree by the definition in C2SP tlog-tiles, from all leaves at once.
fn naive(entries: &[Vec<u8>]) -> BTreeMap<String, Vec<u8>> {
    let size = entries.len() as u64;
    let mut files = BTreeMap::new();
    for (index, bundle) in (0..).zip(entries.chunks(TILE_WIDTH)) {
        let mut bytes = Vec::new();
        bundle.iter().for_each(|entry| assert!(push_entry(&mut bytes, entry)));
        files.insert(TilePath::in_tree(TileKind::Entries, index, size).unwrap().to_string(), bytes);
    }
    let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    for level in 0..4u8 {
        let span = 256usize.pow(level.into());
        let hashes: Vec<_> = leaves.chunks_exact(span).map(|part| root_of(part.iter().copied())).collect();
        for (index, tile) in (0..).zip(hashes.chunks(TILE_WIDTH)) {
            let path = TilePath::in_tree(TileKind::Hashes(level), index, size).unwrap();
            files.insert(path.to_string(), encode_hashes(tile));
        }
    }
    files
}

fn entry(index: u64) -> Vec<u8> {
    vec![index as u8; (index % 7) as usize]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_batches_equal_the_naive_tree(batches in prop::collection::vec(0u64..400, 1..6), taken in any::<bool>()) {
        let mut log = MemorySource::default();
        let (mut size, mut root) = (0, Hash::EMPTY_ROOT);
        let mut entries = Vec::new();
        for batch in batches {
            let mut appender = Appender::open(&log, size, &root).unwrap();
            let mut early = Vec::new();
            for index in size..size + batch {
                entries.push(entry(index));
                prop_assert_eq!(appender.append(&entry(index)).unwrap(), index);
                if taken {
                    early.extend(appender.take_full_files());
                }
            }
            let appended = appender.finish();
            prop_assert_eq!(batch == 0, appended.files.is_empty() && early.is_empty());
            for (path, bytes) in early.into_iter().chain(appended.files) {
                // Nothing that is there is ever changed.
                prop_assert!(log.files.insert(path, bytes).is_none());
            }
            (size, root) = (appended.size, appended.root);
            let expected = naive(&entries);
            prop_assert_eq!(size, entries.len() as u64);
            prop_assert_eq!(root, root_of(entries.iter().map(|entry| leaf_hash(entry))));
            for (path, bytes) in &expected {
                prop_assert_eq!(log.files.get(path), Some(bytes), "{}", path);
            }
            prop_assert_eq!(root_at(size, &mut TileReader::new(&log, size)).unwrap(), root);
        }
    }
}

#[test]
fn a_tree_of_three_tile_levels_equals_the_naive_one() {
    let entries: Vec<_> = (0..66_000).map(entry).collect();
    let mut log = MemorySource::default();
    let (mut size, mut root) = (0, Hash::EMPTY_ROOT);
    for end in [65_535, 65_536, 65_537, 66_000] {
        let mut appender = Appender::open(&log, size, &root).unwrap();
        entries[size as usize..end].iter().for_each(|entry| assert!(appender.append(entry).is_ok()));
        let appended = appender.finish();
        log.files.extend(appended.files);
        (size, root) = (appended.size, appended.root);
    }
    for (path, bytes) in naive(&entries) {
        assert_eq!(log.files.get(&path), Some(&bytes), "{path}");
    }
    assert_eq!(root, root_of(entries.iter().map(|entry| leaf_hash(entry))));
}

/// A log of any size whose entries are all the same, made up as it is read.
struct Endless {
    size: u64,
    reads: Cell<usize>,
}

impl TileSource for Endless {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.reads.set(self.reads.get() + 1);
        let Some(path) = TilePath::parse(path) else {
            return Ok(None);
        };
        if TilePath::in_tree(path.kind, path.index, self.size) != Some(path) {
            return Ok(None);
        }
        Ok(Some(match path.kind {
            TileKind::Entries => b"\0\x01x".repeat(path.width.into()),
            TileKind::Hashes(level) => encode_hashes(&vec![subtree(level); path.width.into()]),
        }))
    }
}

/// Returns the hash of `256^level` leaves that are all the same.
fn subtree(level: u8) -> Hash {
    (0..level).fold(leaf_hash(b"x"), |hash, _| complete_root(&[hash; TILE_WIDTH]).unwrap())
}

fn endless_root(size: u64) -> Hash {
    let mut builder = RootBuilder::new();
    for level in (0..8u8).rev() {
        for _ in 0..(size >> (8 * level)) % 256 {
            builder.push_subtree(8 * level, subtree(level));
        }
    }
    builder.root()
}

#[test]
fn one_entry_more_in_ten_million_reads_one_tile_a_level() {
    for size in [10_000_000, 1 << 32, (1 << 40) + 12_345_678] {
        let log = Endless { size, reads: Cell::new(0) };
        let mut appender = Appender::open(&log, size, &endless_root(size)).unwrap();
        assert!(log.reads.get() <= 7, "{} reads", log.reads.get());
        appender.append(b"x").unwrap();
        let appended = appender.finish();
        assert_eq!(appended.root, endless_root(size + 1));
        assert!(appended.files.len() <= 2, "{:?}", appended.files.iter().map(|(path, _)| path).collect::<Vec<_>>());
    }
}

#[test]
fn a_proof_in_ten_million_reads_two_tiles_a_level() {
    let size = 10_000_000;
    let log = Endless { size, reads: Cell::new(0) };
    for index in [0, 1, 255, 256, 65_535, 4_999_999, size - 257, size - 1] {
        log.reads.set(0);
        let path = inclusion_path(index, size, &mut TileReader::new(&log, size)).unwrap();
        verify_inclusion(&leaf_hash(b"x"), index, size, &path, &endless_root(size)).unwrap();
        assert!(log.reads.get() <= 6, "{} reads for {index}", log.reads.get());
    }
}

#[test]
fn a_tree_that_is_not_the_expected_one_is_not_continued() {
    let (log, checkpoint) = shared::log_of(&[300], entry);
    let open = |log: &MemorySource, size, root: &Hash| Appender::open(log, size, root).unwrap_err();
    assert!(matches!(open(&log, 300, &Hash([7; 32])), Error::RootMismatch { size: 300, .. }));
    assert!(matches!(open(&log, 301, &checkpoint.root), Error::Missing { .. }));
    assert!(matches!(open(&log, 0, &checkpoint.root), Error::RootMismatch { size: 0, .. }));
    for (path, change) in [("tile/0/001.p/44", 40 * 32), ("tile/1/000.p/1", 5)] {
        let mut bad = log.clone();
        bad.files.get_mut(path).unwrap()[change] ^= 1;
        assert!(matches!(open(&bad, 300, &checkpoint.root), Error::RootMismatch { .. }), "{path}");
        bad.files.get_mut(path).unwrap().pop();
        assert!(matches!(open(&bad, 300, &checkpoint.root), Error::Corrupt { .. }), "{path}");
        bad.files.remove(path);
        assert!(matches!(open(&bad, 300, &checkpoint.root), Error::Missing { path: p } if p == path));
    }
    let bundle = "tile/entries/001.p/44";
    let length = log.files[bundle].len();
    for change in 0..length {
        let mut bad = log.clone();
        bad.files.get_mut(bundle).unwrap()[change] ^= 0x10;
        assert!(matches!(open(&bad, 300, &checkpoint.root), Error::Corrupt { path, .. } if path == bundle), "{change}");
    }
    let mut long = log.clone();
    long.files.get_mut(bundle).unwrap().push(0);
    assert!(matches!(open(&long, 300, &checkpoint.root), Error::Corrupt { .. }));
}

#[test]
fn a_partial_file_that_gave_way_to_the_full_one_is_not_needed() {
    let (mut log, old) = shared::log_of(&[300], entry);
    let newer: Vec<_> = (300..520).map(entry).collect();
    let new = shared::extend(&mut log, &old, &newer);
    for path in ["tile/0/001.p/44", "tile/entries/001.p/44"] {
        assert!(log.files.remove(path).is_some());
    }
    assert_eq!(root_at(old.size, &mut TileReader::new(&log, old.size)).unwrap(), old.root);
    let mut appender = Appender::open(&log, old.size, &old.root).unwrap();
    newer.iter().for_each(|entry| assert!(appender.append(entry).is_ok()));
    assert_eq!(appender.finish().root, new.root);
}

#[test]
fn an_entry_that_fits_no_bundle_is_refused_and_leaves_the_tree_as_it_was() {
    let mut appender = Appender::open(&MemorySource::default(), 0, &Hash::EMPTY_ROOT).unwrap();
    assert!(matches!(appender.append(&vec![0; 65_536]), Err(Error::EntryTooLong { bytes: 65_536 })));
    assert_eq!((appender.size(), appender.root()), (0, Hash::EMPTY_ROOT));
    assert_eq!(appender.append(&vec![0; 65_535]).unwrap(), 0);
    assert_eq!(appender.finish().files.len(), 2);
}
