//! All 518 proof cases of transparency-dev/merkle: what must verify does, everything else does not.
#![allow(clippy::unwrap_used, missing_docs)]

mod shared;

use std::fs;
use std::path::Path;

use sago_ledger::Hash;
use sago_ledger::merkle::{verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion};
use serde_json::Value;

fn cases(folder: &Path, found: &mut Vec<(String, Value)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let place = entry.unwrap().path();
        if place.is_dir() {
            cases(&place, found);
        } else {
            let case = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
            found.push((place.display().to_string(), case));
        }
    }
}

fn number(case: &Value, name: &str) -> u64 {
    case[name].as_u64().unwrap_or_else(|| panic!("{name} in {case}"))
}

/// The vectors are base64; several hold texts that are no hash at all, which is one way to be refused.
fn hash(value: &Value) -> Option<Hash> {
    Hash::from_base64(value.as_str().unwrap()).ok()
}

/// "don't care 1" is a root in the vectors: 12 bytes that stand for any hash.
fn root(case: &Value, name: &str) -> Option<Hash> {
    match case[name].as_str().unwrap() {
        "ZG9uJ3QgY2FyZSAx" => Some(Hash([1; 32])),
        "ZG9uJ3QgY2FyZSAy" => Some(Hash([2; 32])),
        _ => hash(&case[name]),
    }
}

fn proof(case: &Value) -> Option<Vec<Hash>> {
    match &case["proof"] {
        Value::Null => Some(Vec::new()),
        proof => proof.as_array().unwrap().iter().map(hash).collect(),
    }
}

fn run(folder: &str, expected: usize, expected_good: usize, verify: impl Fn(&Value) -> Option<bool>) {
    let mut found = Vec::new();
    cases(&shared::data("merkle-vectors").join(folder), &mut found);
    assert_eq!(found.len(), expected);
    let mut good = 0;
    for (place, case) in found {
        let verifies = verify(&case).unwrap_or(false);
        assert_eq!(verifies, !case["wantErr"].as_bool().unwrap(), "{place}");
        good += usize::from(verifies);
    }
    assert_eq!(good, expected_good);
}

#[test]
fn inclusion() {
    run("inclusion", 98, 6, |case| {
        let (index, size) = (number(case, "leafIdx"), number(case, "treeSize"));
        let leaf = hash(&case["leafHash"])?;
        Some(verify_inclusion(&leaf, index, size, &proof(case)?, &root(case, "root")?).is_ok())
    });
}

#[test]
fn consistency() {
    run("consistency", 98, 6, |case| {
        let (old, new) = (number(case, "size1"), number(case, "size2"));
        Some(verify_consistency(old, new, &proof(case)?, &root(case, "root1")?, &root(case, "root2")?).is_ok())
    });
}

#[test]
fn subtree_inclusion() {
    run("subtreeinclusion", 204, 12, |case| {
        let range = number(case, "start")..number(case, "end");
        let leaf = hash(&case["leafHash"])?;
        let index = number(case, "leafIdx");
        Some(verify_subtree_inclusion(&leaf, index, range, &proof(case)?, &root(case, "root")?).is_ok())
    });
}

#[test]
fn subtree_consistency() {
    run("subtreeconsistency", 118, 12, |case| {
        let range = number(case, "start")..number(case, "end");
        let (part, whole) = (root(case, "root1")?, root(case, "root2")?);
        Some(verify_subtree_consistency(range, number(case, "size"), &proof(case)?, &part, &whole).is_ok())
    });
}
