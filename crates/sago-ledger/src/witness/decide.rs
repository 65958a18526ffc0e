//! The decision of a witness: a pure function of the request, the log's keys and the largest tree it has cosigned.

use super::request::{AddCheckpoint, RequestError};
use crate::checkpoint::Checkpoint;
use crate::merkle::{Hash, VerifyError, verify_consistency};
use crate::note::Note;
use crate::policy::{Policy, PolicyError};

/// A tree of a log: how many entries, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// Number of entries.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

impl Tree {
    /// The tree of a log that nobody has seen yet.
    pub const EMPTY: Self = Self { size: 0, root: Hash::EMPTY_ROOT };
}

/// A checkpoint that may be cosigned, once it is durable as the latest one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Its text with the verified signatures of the log and no others.
    pub note: Note,
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a request.
    #[error("not an add-checkpoint request: {0}")]
    Malformed(#[from] RequestError),
    /// The old size is larger than the checkpoint's.
    #[error("the old size {old} is larger than the checkpoint's, {size}")]
    OldBeyondNew {
        /// Old size in the request.
        old: u64,
        /// Size of the checkpoint.
        size: u64,
    },
    /// No log of this origin is known here.
    #[error("this witness does not know the log {0}")]
    UnknownLog(String),
    /// A key of the log that is known here has not signed, or its signature is bad.
    #[error("not signed as this witness demands of the log: {0}")]
    NotSigned(PolicyError),
    /// The witness saw another size last; the sender may ask again with a proof from there.
    #[error("the latest checkpoint cosigned here has size {size}")]
    OtherSize {
        /// The size seen last.
        size: u64,
    },
    /// The log signed two trees of one size.
    #[error("the log signed another tree of size {size} before")]
    Fork {
        /// The size of both.
        size: u64,
    },
    /// The proof does not lead from the tree seen last to this one.
    #[error("the checkpoint is not shown to continue the tree seen last: {0}")]
    NotConsistent(VerifyError),
    /// From nothing to something there is no proof; and only one root is that of nothing.
    #[error("{0}")]
    ProofOfNothing(&'static str),
}

impl Refusal {
    /// Returns the HTTP status of C2SP tlog-witness v1.0.0.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OldBeyondNew { .. } => 400,
            Self::NotSigned(_) => 403,
            Self::UnknownLog(_) => 404,
            Self::OtherSize { .. } | Self::Fork { .. } => 409,
            Self::NotConsistent(_) | Self::ProofOfNothing(_) => 422,
        }
    }

    /// Says whether the log's own signature stands on something that may contradict what it signed before: worth keeping.
    pub fn is_evidence(&self) -> bool {
        matches!(self, Self::Fork { .. } | Self::NotConsistent(_))
    }
}

/// Decides on a request for a log with these keys, `latest` being the largest tree cosigned before.
///
/// The order is that of the specification. Every key in `log` must have signed, which is stricter than the specification asks: to
/// witness a log that signs with one of several keys, list that one alone. The caller must hold the log's state from reading
/// `latest` until what was accepted is durable, or two requests can undo each other.
pub fn decide(request: &AddCheckpoint, log: &Policy, latest: Tree) -> Result<Accepted, Refusal> {
    let checkpoint = &request.checkpoint;
    if checkpoint.origin != log.origin() {
        return Err(Refusal::UnknownLog(checkpoint.origin.clone()));
    }
    log.open(request.note.to_string().as_bytes()).map_err(Refusal::NotSigned)?;
    let Checkpoint { size, root, .. } = *checkpoint;
    if request.old > size {
        return Err(Refusal::OldBeyondNew { old: request.old, size });
    }
    if request.old != latest.size {
        return Err(Refusal::OtherSize { size: latest.size });
    }
    if size == 0 && root != Hash::EMPTY_ROOT {
        return Err(Refusal::ProofOfNothing("the root of an empty tree is the hash of nothing"));
    }
    if request.old == size && root != latest.root {
        return Err(Refusal::Fork { size });
    }
    if request.old == 0 {
        if !request.proof.is_empty() {
            return Err(Refusal::ProofOfNothing("the proof from an empty tree is empty"));
        }
    } else {
        verify_consistency(request.old, size, &request.proof, &latest.root, &root).map_err(Refusal::NotConsistent)?;
    }
    // Only the log's own lines are kept: others are a stranger's, and room for them would be a stranger's too.
    let mut note = Note::new(request.note.text().to_owned()).map_err(|error| Refusal::NotSigned(error.into()))?;
    for key in log.keys() {
        if let Some(signature) = request.note.signatures().iter().find(|signature| key.is_key_of(signature)) {
            note.add(signature.clone()).map_err(|error| Refusal::NotSigned(error.into()))?;
        }
    }
    Ok(Accepted { checkpoint: checkpoint.clone(), note })
}
