//! Whatever can be wrong with what a person gives, or with the machine: said in clear words, exit code 2 or a finding, and nothing lost.
//!
//! Every story ends with the auditor. What people give is in `keys`, `places` and `words`; what machines do in `disk`, `crowd` and `rollback`.

mod crowd;
mod disk;
mod keys;
mod places;
mod rollback;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cast::{Answer, Stage};
use crate::shredding::tree;

/// Says that a command could not be done and said why in these words, for a person: no trace of a programmer.
#[track_caller]
fn refused(answer: Answer, words: &[&str]) {
    let answer = answer.ends(2);
    for word in words {
        assert!(answer.err.contains(word), "“{word}” is not said: {}", answer.err);
    }
    assert!(answer.err.starts_with("sago: ") || answer.err.starts_with("error: "), "{}", answer.err);
    for word in ["panicked", "RUST_BACKTRACE", "unwrap", "Err(", "Some("] {
        assert!(!answer.err.contains(word), "{}", answer.err);
    }
}

/// Every file below a folder with its bytes.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    tree(folder).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// A repository with one accession of two files.
fn stocked() -> Stage {
    let stage = Stage::new();
    stage.file("disk/one.txt", "one");
    stage.file("disk/two.txt", "two");
    stage.deposit(&stage.path("disk"));
    stage
}

/// The file of the custodian with this number.
fn page(stage: &Stage, number: u8) -> String {
    stage.path(&format!("shares/share-{number}-of-3.txt")).to_str().unwrap().to_owned()
}

/// Opens an item and compares it.
#[track_caller]
fn opens_to(stage: &Stage, item: &str, content: &str) {
    let output = stage.path("opened to be compared");
    stage.sago(["open", item, "--reason", "to compare", "--output", output.to_str().unwrap()]).ends(0);
    assert_eq!(std::fs::read_to_string(&output).unwrap(), content);
    std::fs::remove_file(output).unwrap();
}

/// Number of an accession of this year.
fn accession(number: u32) -> String {
    format!("A-{}-{number:04}", jiff::Timestamp::now().strftime("%Y"))
}

/// Number of an item of this year.
fn item(number: u32, item: u32) -> String {
    format!("{}.{item:05}", accession(number))
}
