//! What can go wrong when a sealed file is opened or made.
//!
//! Streams report through [`io::Error`]; [`SealError::from`] gives the typed error back, so that a caller who copied a
//! stream still learns whether the key was wrong, the file was cut short, or the disk failed.

use std::{fmt, io};

/// Where in a sealed file something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The text armour around a file.
    Armor,
    /// The readable head: version, stanzas, nonce.
    Header,
    /// The authentication code over the header: some line above it was changed.
    HeaderMac,
    /// The sealed content; chunks of 65,536 bytes are counted from 0.
    Payload {
        /// Number of the chunk.
        chunk: u64,
    },
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Armor => f.write_str("text armour"),
            Part::Header => f.write_str("header"),
            Part::HeaderMac => f.write_str("header authentication"),
            Part::Payload { chunk } => write!(f, "content, chunk {chunk}"),
        }
    }
}

/// Why a file was not sealed or not opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file is whole as far as can be seen, but none of the keys or passphrases given opens it.
    #[error("none of the keys at hand opens this file")]
    WrongKey,
    /// Bytes were changed, or the file was never well formed.
    #[error("the sealed file is damaged ({part}): {why}")]
    Damaged {
        /// Where.
        part: Part,
        /// What rule is broken.
        why: &'static str,
    },
    /// The file ends too early, and what is there is unharmed.
    ///
    /// A file cut inside a chunk cannot be told from one whose last chunk was changed: that is [`SealError::Damaged`].
    #[error("the sealed file ends too early ({part})")]
    Truncated {
        /// Where it ends.
        part: Part,
    },
    /// The bytes do not begin like an age file.
    #[error("this is not an age file")]
    NotAge,
    /// An age file of a version later than 1.
    #[error("this age file has a version that is not known here")]
    UnknownVersion,
    /// Opening would cost more memory and time than allowed: 2^`found` KiB.
    #[error("the passphrase work factor {found} is above the limit {limit}")]
    WorkFactorTooHigh {
        /// Base-two logarithm asked for by the file.
        found: u8,
        /// The caller's limit.
        limit: u8,
    },
    /// The caller asked for something that must not be made.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// Reading or writing failed, or the system has no randomness.
    #[error(transparent)]
    Io(io::Error),
}

impl SealError {
    pub(crate) fn header(why: &'static str) -> Self {
        SealError::Damaged { part: Part::Header, why }
    }
}

impl From<io::Error> for SealError {
    /// Unwraps a seal error that travelled through a stream; any other error is [`SealError::Io`].
    fn from(e: io::Error) -> Self {
        if e.get_ref().is_some_and(|inner| inner.is::<SealError>()) {
            match e.downcast::<SealError>() {
                Ok(inner) => return inner,
                Err(e) => return SealError::Io(e),
            }
        }
        SealError::Io(e)
    }
}

impl From<SealError> for io::Error {
    fn from(e: SealError) -> Self {
        match e {
            SealError::Io(e) => e,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}

impl From<getrandom::Error> for SealError {
    fn from(e: getrandom::Error) -> Self {
        SealError::Io(io::Error::other(format!("no randomness: {e}")))
    }
}
