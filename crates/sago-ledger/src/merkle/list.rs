//! A Merkle tree whose leaves are all in memory: manifests and batches of fixity results.

use super::path::{HashReader, Node, inclusion_path};
use super::{Hash, RootBuilder, leaf_hash, node_hash};
use crate::Error;

/// All leaves of one tree, with every complete subtree kept: about 64 bytes for each leaf.
#[derive(Debug, Clone, Default)]
pub struct MerkleList {
    /// `levels[l][i]` is the hash of leaves `i << l .. (i + 1) << l`.
    levels: Vec<Vec<Hash>>,
}

impl MerkleList {
    /// Starts with no leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds the tree over entries, each hashed as a leaf.
    pub fn from_entries<T: AsRef<[u8]>>(entries: impl IntoIterator<Item = T>) -> Self {
        let mut list = Self::new();
        for entry in entries {
            list.push(leaf_hash(entry.as_ref()));
        }
        list
    }

    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[level];
            row.push(hash);
            let [.., left, right] = row.as_slice() else {
                return;
            };
            if row.len() % 2 == 1 {
                return;
            }
            hash = node_hash(left, right);
        }
    }

    /// Returns the number of leaves.
    pub fn len(&self) -> u64 {
        self.levels.first().map_or(0, |row| row.len() as u64)
    }

    /// Says whether there are no leaves.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the hash of one leaf.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.node(Node { level: 0, index })
    }

    /// Returns the RFC 6962 root.
    pub fn root(&self) -> Hash {
        // A complete subtree that has no sibling is one of the parts of the right edge.
        let mut builder = RootBuilder::new();
        for (level, row) in self.levels.iter().enumerate().rev() {
            if let (1, Some(last)) = (row.len() % 2, row.last()) {
                builder.push_subtree(level as u8, *last);
            }
        }
        builder.root()
    }

    /// Returns the path that shows leaf `index` in this tree, or nothing when there is no such leaf.
    pub fn inclusion_path(&self, index: u64) -> Option<Vec<Hash>> {
        inclusion_path(index, self.len(), &mut &*self).ok()
    }

    fn node(&self, node: Node) -> Option<Hash> {
        let index = usize::try_from(node.index).ok()?;
        self.levels.get(usize::from(node.level))?.get(index).copied()
    }
}

impl HashReader for &MerkleList {
    fn read_hash(&mut self, node: Node) -> Result<Hash, Error> {
        self.node(node).ok_or_else(|| Error::OutOfRange { what: node.to_string(), size: self.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{root_of, verify_inclusion};
    use super::*;

    #[test]
    fn root_and_every_path_agree_with_the_stream() {
        let mut list = MerkleList::new();
        assert_eq!(list.root(), Hash::EMPTY_ROOT);
        assert_eq!(list.inclusion_path(0), None);
        let mut leaves = Vec::new();
        for i in 0..70u32 {
            let leaf = leaf_hash(&i.to_be_bytes());
            leaves.push(leaf);
            list.push(leaf);
            let size = list.len();
            assert_eq!(list.root(), root_of(leaves.iter().copied()), "size {size}");
            for index in 0..size {
                let path = list.inclusion_path(index).unwrap();
                verify_inclusion(&list.leaf(index).unwrap(), index, size, &path, &list.root()).unwrap();
            }
            assert_eq!(list.inclusion_path(size), None);
        }
    }
}
