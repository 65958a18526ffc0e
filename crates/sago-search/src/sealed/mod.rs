//! The sealed directory: every byte the index writes is encrypted and authenticated, names included.
//!
//! [`SealedDirectory`] is what tantivy writes to and reads from instead of plain files or memory maps. Files that are
//! written once (segments) are chunked and each has a key of its own (`file.rs`); the two small files that are replaced
//! lie together in one `head` with a counter (`head.rs`), so that one of them alone cannot be rolled back. Decrypted
//! chunks are kept in a bounded cache (`cache.rs`). Nothing is ever written in clear, temporary files included.
//!
//! What the owner of the folder still learns: number, sizes and times of files. Byte layout: `docs/formats.md`, section
//! on the index; reasons: ADR 16.

pub(crate) mod cache;
mod directory;
pub(crate) mod file;
mod head;
mod key;
mod lock;

pub use directory::SealedDirectory;
pub use file::{CHUNK_BYTES, HEADER_BYTES, TAG_BYTES};
pub use head::Head;
pub use key::IndexKey;

use std::io;

/// Why a sealed file was not opened or read.
///
/// It travels inside an [`io::Error`] through tantivy; [`Damage::of`] finds it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file was sealed with another key.
    #[error("{file}: sealed with another key")]
    WrongKey {
        /// Name in the folder.
        file: String,
    },
    /// The file is not of a version that is known here, or its first bytes were changed.
    #[error("{file}: not a sealed index file of a known version")]
    NotSealed {
        /// Name in the folder.
        file: String,
    },
    /// A chunk does not authenticate: changed bytes, a file cut at a chunk, or another file under this name.
    #[error("{file}: chunk {chunk} does not open: changed, cut short or put in another's place")]
    Altered {
        /// Name in the folder.
        file: String,
        /// Number of the chunk, from 0.
        chunk: u64,
    },
    /// The file ends where none of its chunks can end.
    #[error("{file}: cut short at {bytes} bytes")]
    CutShort {
        /// Name in the folder.
        file: String,
        /// Bytes that are there.
        bytes: u64,
    },
    /// The folder holds a file that its head does not name: the head is older than the folder.
    #[error("{file}: the head does not know this file; it is older than the folder, or the file is a stranger's")]
    UnknownFile {
        /// Name in the folder.
        file: String,
    },
    /// A file that the head says is in use is not there.
    #[error("{file}: in use by the index, and missing")]
    MissingFile {
        /// Name in the folder.
        file: String,
    },
    /// The head is older than the one the caller remembers.
    #[error("the index was rolled back: its head has count {found}, at least {expected} was expected")]
    RolledBack {
        /// Count of the head that is there.
        found: u64,
        /// Smallest count that the caller accepts.
        expected: u64,
    },
    /// The head opens but does not say what a head says.
    #[error("head: malformed after opening: {0}")]
    MalformedHead(&'static str),
}

impl Damage {
    /// The damage behind an I/O error, if it is one of ours.
    pub fn of(error: &io::Error) -> Option<&Damage> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }
}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, damage)
    }
}
