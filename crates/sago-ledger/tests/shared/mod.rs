//! What several test files need: the folder of data that nobody here wrote, small logs and their keys.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sago_ledger::append::{Appended, Appender};
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::note::Signer;
use sago_ledger::policy::Policy;
use sago_ledger::source::MemorySource;
use sago_ledger::tile::CHECKPOINT;

pub const ORIGIN: &str = "sago.example/log";

/// Returns a folder of the shared data; fails if it is not there.
pub fn data(folder: &str) -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("SAGO_SHARED_DATA").map_or(beside, PathBuf::from);
    let place = root.join(folder);
    assert!(place.is_dir(), "the test data {} is missing: set SAGO_SHARED_DATA to the folder that holds `{folder}`", place.display());
    place
}

static SIGNERS: LazyLock<[Signer; 2]> = LazyLock::new(|| [Signer::ed25519(ORIGIN, &[1; 32]).unwrap(), Signer::ml_dsa_44(ORIGIN, &[2; 32]).unwrap()]);

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::new(signers().iter().map(|signer| signer.verifier().clone()).collect()).unwrap());

/// The two keys of a log made for tests.
pub fn signers() -> &'static [Signer] {
    &*SIGNERS
}

pub fn policy() -> &'static Policy {
    &POLICY
}

/// Adds entries to a log in memory and publishes its checkpoint.
pub fn extend<T: AsRef<[u8]>>(log: &mut MemorySource, at: &Checkpoint, entries: &[T]) -> Checkpoint {
    let mut appender = Appender::open(log, at.size, &at.root).unwrap();
    for entry in entries {
        appender.append(entry.as_ref()).unwrap();
    }
    let Appended { size, root, files } = appender.finish();
    log.files.extend(files);
    let checkpoint = Checkpoint::new(ORIGIN, size, root).unwrap();
    publish(log, &checkpoint);
    checkpoint
}

pub fn publish(log: &mut MemorySource, checkpoint: &Checkpoint) {
    let note = checkpoint.sign(signers(), 1_773_482_520).unwrap();
    log.files.insert(CHECKPOINT.to_owned(), note.to_string().into_bytes());
}

/// Makes a log by publishing a checkpoint at each of these sizes.
pub fn log_of(sizes: &[u64], entry: impl Fn(u64) -> Vec<u8>) -> (MemorySource, Checkpoint) {
    let mut log = MemorySource::default();
    let mut checkpoint = Checkpoint::new(ORIGIN, 0, sago_ledger::Hash::EMPTY_ROOT).unwrap();
    publish(&mut log, &checkpoint);
    for size in sizes {
        let entries: Vec<_> = (checkpoint.size..*size).map(&entry).collect();
        checkpoint = extend(&mut log, &checkpoint, &entries);
    }
    (log, checkpoint)
}
