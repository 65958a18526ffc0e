//! RFC 6962 and RFC 9162 Merkle trees over SHA-256: hashes, roots, proofs, and their verification.
//!
//! Nothing here knows files: proofs are made from a [`HashReader`], which answers with the hash of any
//! complete subtree ([`Node`]). Two exist: [`MerkleList`] (all leaves in memory) and
//! [`crate::source::TileReader`] (tiles of a log).

mod hash;
mod list;
mod path;
mod root;
mod verify;

pub use hash::{Hash, HashError, leaf_hash, node_hash};
pub use list::MerkleList;
pub use path::{HashReader, Node, consistency_path, inclusion_path, root_at, subtree_consistency_path, subtree_root};
pub use root::{RootBuilder, root_of};
pub use verify::{VerifyError, is_valid_subtree, verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion};

/// The longest inclusion path: one hash for each bit of a 64-bit size.
pub const MAX_PATH: usize = 64;
