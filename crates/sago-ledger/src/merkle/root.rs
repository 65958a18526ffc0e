//! Roots from a stream of hashes, in memory that grows with the logarithm of the size.

use super::{Hash, leaf_hash, node_hash};

/// Collects complete subtrees from left to right and gives the root of all of them so far.
///
/// Holds at most 64 hashes, whatever the size.
#[derive(Debug, Clone, Default)]
pub struct RootBuilder {
    /// Complete subtrees, largest first; sizes are strictly falling powers of two.
    stack: Vec<(u8, Hash)>,
    size: u64,
}

impl RootBuilder {
    /// Starts with no leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the hash of one leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Hashes an entry and adds it.
    pub fn push_entry(&mut self, entry: &[u8]) {
        self.push(leaf_hash(entry));
    }

    /// Adds the hash of a complete subtree of `2^level` leaves.
    ///
    /// The number of leaves so far must be a multiple of `2^level`; larger subtrees come first.
    pub fn push_subtree(&mut self, mut level: u8, mut hash: Hash) {
        debug_assert!(self.size.trailing_zeros() >= u32::from(level), "subtree is not aligned");
        self.size = self.size.saturating_add(1u64.checked_shl(level.into()).unwrap_or(u64::MAX));
        while let Some((_, left)) = self.stack.pop_if(|(top, _)| *top == level) {
            hash = node_hash(&left, &hash);
            level += 1;
        }
        self.stack.push((level, hash));
    }

    /// Returns the number of leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the root of the tree so far; [`Hash::EMPTY_ROOT`] when nothing was added.
    pub fn root(&self) -> Hash {
        let mut subtrees = self.stack.iter().rev().map(|(_, hash)| *hash);
        let Some(last) = subtrees.next() else {
            return Hash::EMPTY_ROOT;
        };
        subtrees.fold(last, |right, left| node_hash(&left, &right))
    }
}

/// Returns the root over leaf hashes in order; linear time, logarithmic memory.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut builder = RootBuilder::new();
    for leaf in leaves {
        builder.push(leaf);
    }
    builder.root()
}
