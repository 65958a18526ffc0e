//! Checking inclusion and consistency proofs; nothing is read, nothing but the arguments is trusted.

use std::ops::Range;

use super::{Hash, node_hash};

/// Why a Merkle proof shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The leaf lies outside the tree or subtree.
    #[error("index {index} is not below size {size}")]
    IndexBeyondSize {
        /// Index of the leaf.
        index: u64,
        /// Number of leaves.
        size: u64,
    },
    /// The older tree is larger than the newer one, or empty.
    #[error("no consistency can be shown from size {old} to size {new}")]
    SizeOrder {
        /// Number of leaves of the older tree.
        old: u64,
        /// Number of leaves of the newer tree.
        new: u64,
    },
    /// The range is not one that a Merkle tree has a node for.
    #[error("{start}..{end} is not a subtree")]
    InvalidSubtree {
        /// First leaf.
        start: u64,
        /// One past the last leaf.
        end: u64,
    },
    /// The proof has too many or too few hashes for these sizes.
    #[error("the proof has {found} hashes, which is not what these sizes need")]
    WrongLength {
        /// Number of hashes in the proof.
        found: usize,
    },
    /// The proof leads to another root.
    #[error("the proof leads to root {found}, not to {expected}")]
    RootMismatch {
        /// The root that was given.
        expected: Hash,
        /// The root that the proof leads to.
        found: Hash,
    },
}

/// Says whether `start..end` is a subtree of some Merkle tree; the empty range is one.
///
/// `start` must be a multiple of the smallest power of two that is at least `end - start`
/// (draft-ietf-plants-merkle-tree-certs, section "Subtrees").
pub fn is_valid_subtree(start: u64, end: u64) -> bool {
    match end.checked_sub(start) {
        None => false,
        Some(0) => true,
        Some(length) => match length.checked_next_power_of_two() {
            Some(step) => start.is_multiple_of(step),
            None => start == 0,
        },
    }
}

/// Checks that `leaf` stands at `index` in the tree of `size` leaves with root `root` (RFC 9162, section 2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> Result<(), VerifyError> {
    if index >= size {
        return Err(VerifyError::IndexBeyondSize { index, size });
    }
    // The path has one hash for every level at which the leaf's ancestor has a sibling: below the point where
    // the ways to this leaf and to the last leaf part, all of them; above it, one for each left sibling.
    let inner = 64 - (index ^ (size - 1)).leading_zeros();
    let border = index.checked_shr(inner).unwrap_or(0).count_ones();
    if path.len() != (inner + border) as usize {
        return Err(VerifyError::WrongLength { found: path.len() });
    }
    let (inner_path, border_path) = path.split_at(inner as usize);
    let mut hash = *leaf;
    for (level, sibling) in inner_path.iter().enumerate() {
        hash = if index >> level & 1 == 0 { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) };
    }
    for sibling in border_path {
        hash = node_hash(sibling, &hash);
    }
    expect_root(root, hash)
}

/// Checks that `leaf` stands at `index` (counted from the beginning of the log) in the subtree over `range`.
pub fn verify_subtree_inclusion(leaf: &Hash, index: u64, range: Range<u64>, path: &[Hash], root: &Hash) -> Result<(), VerifyError> {
    let Range { start, end } = range;
    if !is_valid_subtree(start, end) {
        return Err(VerifyError::InvalidSubtree { start, end });
    }
    if !range.contains(&index) {
        return Err(VerifyError::IndexBeyondSize { index, size: end });
    }
    // A subtree begins at a multiple of its own width, so inside it is a tree like any other.
    verify_inclusion(leaf, index - start, end - start, path, root)
}

/// Checks that the tree of `old` leaves is the beginning of the tree of `new` leaves (RFC 9162, section 2.1.4.2).
///
/// From an empty tree to a larger one nothing can be shown and the check fails; two empty trees are equal.
pub fn verify_consistency(old: u64, new: u64, path: &[Hash], old_root: &Hash, new_root: &Hash) -> Result<(), VerifyError> {
    if old > new || (old == 0 && new != 0) {
        return Err(VerifyError::SizeOrder { old, new });
    }
    if new == 0 {
        expect_root(&Hash::EMPTY_ROOT, *new_root)?;
    }
    verify_subtree_consistency(0..old, new, path, old_root, new_root)
}

/// Checks that the subtree over `range` with root `subtree_root` is part of the tree of `size` leaves with root `root`.
///
/// An empty range is part of every tree if its root is that of the empty tree; `root` is then not looked at
/// (draft-ietf-plants-merkle-tree-certs, section "Verifying a Subtree Consistency Proof").
pub fn verify_subtree_consistency(range: Range<u64>, size: u64, path: &[Hash], subtree_root: &Hash, root: &Hash) -> Result<(), VerifyError> {
    let Range { start, end } = range;
    if end > size {
        return Err(VerifyError::SizeOrder { old: end, new: size });
    }
    if !is_valid_subtree(start, end) {
        return Err(VerifyError::InvalidSubtree { start, end });
    }
    let wrong_length = || VerifyError::WrongLength { found: path.len() };
    if start == end {
        return if path.is_empty() { expect_root(&Hash::EMPTY_ROOT, *subtree_root) } else { Err(wrong_length()) };
    }
    let (mut first, mut last, mut tree_last) = (start, end - 1, size - 1);
    // Climb to the largest node that the subtree and the tree share at the subtree's right end.
    while first != last && (last == tree_last || last & 1 == 1) {
        first >>= 1;
        last >>= 1;
        tree_last >>= 1;
    }
    let mut rest = path.iter();
    let seed = if first == last { *subtree_root } else { *rest.next().ok_or_else(wrong_length)? };
    let (mut subtree, mut tree) = (seed, seed);
    for hash in rest {
        if tree_last == 0 {
            return Err(wrong_length());
        }
        if last & 1 == 1 || last == tree_last {
            if first < last {
                subtree = node_hash(hash, &subtree);
            }
            tree = node_hash(hash, &tree);
            while last & 1 == 0 {
                first >>= 1;
                last >>= 1;
                tree_last >>= 1;
            }
        } else {
            tree = node_hash(&tree, hash);
        }
        first >>= 1;
        last >>= 1;
        tree_last >>= 1;
    }
    if tree_last != 0 {
        return Err(wrong_length());
    }
    expect_root(subtree_root, subtree)?;
    expect_root(root, tree)
}

fn expect_root(expected: &Hash, found: Hash) -> Result<(), VerifyError> {
    if *expected == found { Ok(()) } else { Err(VerifyError::RootMismatch { expected: *expected, found }) }
}
