//! Inclusion and consistency: every proof verifies, none does after any bit of it has changed.
#![allow(clippy::unwrap_used, missing_docs)]

use proptest::prelude::*;
use sago_ledger::Hash;
use sago_ledger::merkle::{
    MerkleList, consistency_path, inclusion_path, is_valid_subtree, leaf_hash, root_of, subtree_consistency_path, subtree_root, verify_consistency,
    verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};

fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

fn list(size: u64) -> MerkleList {
    let mut list = MerkleList::new();
    leaves(size).into_iter().for_each(|leaf| list.push(leaf));
    list
}

#[test]
fn every_proof_of_every_small_tree_verifies() {
    let leaves = leaves(34);
    let root = |size: u64| root_of(leaves[..size as usize].iter().copied());
    let mut all = &list(34);
    for new in 1..=34 {
        for old in 0..=new {
            let path = consistency_path(old, new, &mut all).unwrap();
            let verified = verify_consistency(old, new, &path, &root(old), &root(new));
            assert_eq!(verified.is_ok(), old > 0, "{old} {new}");
        }
        for index in 0..new {
            let path = inclusion_path(index, new, &mut all).unwrap();
            verify_inclusion(&leaves[index as usize], index, new, &path, &root(new)).unwrap();
        }
        assert!(consistency_path(new + 1, new, &mut all).is_err());
        assert!(inclusion_path(new, new, &mut all).is_err());
    }
    verify_consistency(0, 0, &[], &Hash::EMPTY_ROOT, &Hash::EMPTY_ROOT).unwrap();
}

#[test]
fn every_subtree_of_every_small_tree_is_shown() {
    let leaves = leaves(40);
    let mut all = &list(40);
    let mut subtrees = 0;
    for (start, end) in (0..40).flat_map(|start| (start + 1..=40).map(move |end| (start, end))) {
        if !is_valid_subtree(start, end) {
            assert!(subtree_root(start..end, &mut all).is_err());
            continue;
        }
        subtrees += 1;
        let part = subtree_root(start..end, &mut all).unwrap();
        assert_eq!(part, root_of(leaves[start as usize..end as usize].iter().copied()));
        for index in start..end {
            let path = inclusion_path(index - start, end - start, &mut &sublist(&leaves, start, end)).unwrap();
            verify_subtree_inclusion(&leaves[index as usize], index, start..end, &path, &part).unwrap();
        }
        for size in end..=40 {
            let whole = root_of(leaves[..size as usize].iter().copied());
            let path = subtree_consistency_path(start..end, size, &mut all).unwrap();
            verify_subtree_consistency(start..end, size, &path, &part, &whole).unwrap();
        }
    }
    // 40 begin at 0; 20 + 20 + 20 + 16 + 16 + 8 begin at odd numbers, odd multiples of 2, of 4, …, of 32.
    assert_eq!(subtrees, 140);
}

fn sublist(leaves: &[Hash], start: u64, end: u64) -> MerkleList {
    let mut list = MerkleList::new();
    leaves[start as usize..end as usize].iter().for_each(|leaf| list.push(*leaf));
    list
}

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = hash.0;
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_changed_inclusion_proof_verifies(size in 1u64..3000, place in any::<prop::sample::Index>(), bit in 0usize..256) {
        let list = list(size);
        let index = place.index(size as usize) as u64;
        let (leaf, path, root) = (list.leaf(index).unwrap(), list.inclusion_path(index).unwrap(), list.root());
        prop_assert!(verify_inclusion(&leaf, index, size, &path, &root).is_ok());
        prop_assert!(verify_inclusion(&flipped(&leaf, bit), index, size, &path, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &path, &flipped(&root, bit)).is_err());
        for position in 0..path.len() {
            let mut changed = path.clone();
            changed[position] = flipped(&path[position], bit);
            prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());
            changed.remove(position);
            prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());
        }
        let mut longer = path.clone();
        longer.push(root);
        prop_assert!(verify_inclusion(&leaf, index, size, &longer, &root).is_err());
        for other in [index ^ 1, index + 1, index.wrapping_sub(1), index + size] {
            prop_assert!(other == index || verify_inclusion(&leaf, other, size, &path, &root).is_err());
        }
    }

    #[test]
    fn no_changed_consistency_proof_verifies(new in 2u64..3000, place in any::<prop::sample::Index>(), bit in 0usize..256) {
        let list = list(new);
        let old = place.index(new as usize - 1) as u64 + 1;
        let (old_root, new_root) = (subtree_root(0..old, &mut &list).unwrap(), list.root());
        let path = consistency_path(old, new, &mut &list).unwrap();
        prop_assert!(verify_consistency(old, new, &path, &old_root, &new_root).is_ok());
        prop_assert!(verify_consistency(old, new, &path, &flipped(&old_root, bit), &new_root).is_err());
        prop_assert!(verify_consistency(old, new, &path, &old_root, &flipped(&new_root, bit)).is_err());
        for position in 0..path.len() {
            let mut changed = path.clone();
            changed[position] = flipped(&path[position], bit);
            prop_assert!(verify_consistency(old, new, &changed, &old_root, &new_root).is_err());
            changed.remove(position);
            prop_assert!(verify_consistency(old, new, &changed, &old_root, &new_root).is_err());
        }
        let mut longer = path.clone();
        longer.push(new_root);
        prop_assert!(verify_consistency(old, new, &longer, &old_root, &new_root).is_err());
        prop_assert!(verify_consistency(new, old, &path, &new_root, &old_root).is_err());
    }
}
