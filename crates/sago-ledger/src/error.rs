//! The one error of operations that read a log: appending, making proofs.
//!
//! Verification has errors of its own beside each check, because there the reason is the result.

use crate::merkle::Hash;

/// Why a log could not be read or made longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read; the file system's reason is the source.
    #[error("{path} cannot be read: {source}")]
    Io {
        /// The file, relative to the log's folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that a tree of this size must have is not there.
    #[error("{path} is missing")]
    Missing {
        /// The file, relative to the log's folder.
        path: String,
    },
    /// A file is there but is not what it must be.
    #[error("{path} is damaged: {message}")]
    Corrupt {
        /// The file, relative to the log's folder.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// The tiles do not lead to the root that was given: the log was changed, or the root is another log's.
    #[error("the tiles of a tree of {size} entries lead to {found}, not to {expected}")]
    RootMismatch {
        /// Number of entries.
        size: u64,
        /// The root that was given.
        expected: Hash,
        /// The root that the tiles lead to.
        found: Hash,
    },
    /// An index, size or range lies outside the tree.
    #[error("{what} lies outside a tree of {size} entries")]
    OutOfRange {
        /// What was asked for.
        what: String,
        /// Number of entries.
        size: u64,
    },
    /// An entry is longer than a bundle can hold (65,535 bytes).
    #[error("an entry of {bytes} bytes is longer than 65535")]
    EntryTooLong {
        /// Its length.
        bytes: usize,
    },
}
