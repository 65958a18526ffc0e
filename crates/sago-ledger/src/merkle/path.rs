//! Making inclusion and consistency proofs from complete subtrees.

use std::fmt;
use std::ops::Range;

use super::{Hash, is_valid_subtree, node_hash};
use crate::Error;

/// The complete subtree over leaves `index * 2^level .. (index + 1) * 2^level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Node {
    /// Height above the leaves: 0 is a leaf.
    pub level: u8,
    /// Position among the subtrees of that height.
    pub index: u64,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} of level {}", self.index, self.level)
    }
}

/// Answers with hashes of complete subtrees.
pub trait HashReader {
    /// Returns the hash of `node`, all of whose leaves are in the tree.
    fn read_hash(&mut self, node: Node) -> Result<Hash, Error>;
}

/// Returns the root over the first `size` leaves; [`Hash::EMPTY_ROOT`] for none.
pub fn root_at(size: u64, reader: &mut impl HashReader) -> Result<Hash, Error> {
    range_root(&(0..size), reader)
}

/// Returns the root of the subtree over the leaves of `range`.
///
/// The range must be a subtree in the sense of draft-ietf-plants-merkle-tree-certs: see [`is_valid_subtree`].
pub fn subtree_root(range: Range<u64>, reader: &mut impl HashReader) -> Result<Hash, Error> {
    if !is_valid_subtree(range.start, range.end) {
        return Err(out_of_range(format!("subtree {}..{}", range.start, range.end), range.end));
    }
    range_root(&range, reader)
}

/// Returns the hashes that show leaf `index` in the tree of the first `size` leaves, the leaf's sibling first.
///
/// Asks for at most `2 * log2(size)` nodes (RFC 9162, section 2.1.3.1).
pub fn inclusion_path(index: u64, size: u64, reader: &mut impl HashReader) -> Result<Vec<Hash>, Error> {
    if index >= size {
        return Err(out_of_range(format!("index {index}"), size));
    }
    let mut parts = Vec::new();
    let (mut low, mut high) = (0, size);
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            parts.push(middle..high);
            high = middle;
        } else {
            parts.push(low..middle);
            low = middle;
        }
    }
    parts.iter().rev().map(|part| range_root(part, reader)).collect()
}

/// Returns the hashes that show that the first `old` leaves are the beginning of the first `new` ones.
///
/// Empty when `old` is 0 or equals `new` (RFC 9162, section 2.1.4.1).
pub fn consistency_path(old: u64, new: u64, reader: &mut impl HashReader) -> Result<Vec<Hash>, Error> {
    subtree_consistency_path(0..old, new, reader)
}

/// Returns the hashes that show that the subtree over `range` is part of the tree of the first `size` leaves.
///
/// draft-ietf-plants-merkle-tree-certs, section "Subtree Consistency Proofs".
pub fn subtree_consistency_path(range: Range<u64>, size: u64, reader: &mut impl HashReader) -> Result<Vec<Hash>, Error> {
    if range.end > size || !is_valid_subtree(range.start, range.end) {
        return Err(out_of_range(format!("subtree {}..{}", range.start, range.end), size));
    }
    if range.is_empty() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let Range { mut start, end } = range;
    let (mut low, mut high) = (0, size);
    // While the verifier can still compute `low..high` from the subtree it knows, that hash is not sent.
    let mut known = true;
    while (start, end) != (low, high) {
        let middle = low + split(high - low);
        if end <= middle {
            parts.push(middle..high);
            high = middle;
        } else {
            parts.push(low..middle);
            low = middle;
            if start < middle {
                start = middle;
                known = false;
            }
        }
    }
    if !known {
        parts.push(low..high);
    }
    parts.iter().rev().map(|part| range_root(part, reader)).collect()
}

/// Returns the largest power of two below `size`, which must be at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Returns the root over a range that is a subtree: its complete parts, folded from the right.
fn range_root(range: &Range<u64>, reader: &mut impl HashReader) -> Result<Hash, Error> {
    let mut parts = Vec::new();
    let mut position = range.start;
    while position < range.end {
        let level = (range.end - position).ilog2();
        let node = Node { level: level as u8, index: position >> level };
        parts.push(reader.read_hash(node)?);
        position += 1 << level;
    }
    let root = parts.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
    Ok(root.unwrap_or(Hash::EMPTY_ROOT))
}

fn out_of_range(what: String, size: u64) -> Error {
    Error::OutOfRange { what, size }
}
