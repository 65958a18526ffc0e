//! Which signatures a checkpoint must carry before anything in it is believed.
//!
//! Every key of the log that is configured must have signed: Sago's logs sign with Ed25519 and with ML-DSA-44,
//! and who breaks one of the two must not be able to leave it out. Keys of others (witnesses) are no part of
//! this; their signatures are ignored.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::{Note, NoteError, VerifiedSignature, Verifier, VerifierKeyError};

/// The keys of one log, all of which must sign; they share one name, the origin of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    log: Vec<Verifier>,
}

/// Why keys make no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// There is no key at all.
    #[error("there is no verifier key")]
    None,
    /// Keys of several logs.
    #[error("the verifier keys belong to several logs: {0} and {1}")]
    SeveralLogs(String, String),
    /// The same key twice, or two that signature lines cannot tell apart.
    #[error("two verifier keys have the id {0:08x}")]
    SameId(u32),
    /// A line that is no verifier key; lines are counted from 1.
    #[error("line {0}: {1}")]
    Line(usize, VerifierKeyError),
}

/// Why a signed checkpoint is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No note, or a bad signature, or none of a known key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text of the note is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint of another log.
    #[error("the checkpoint is of log {found}, not of {expected}")]
    OtherLog {
        /// Name of the keys.
        expected: String,
        /// Origin in the checkpoint.
        found: String,
    },
    /// A key of the log that must sign has not.
    #[error("the signature of {0} is missing")]
    MissingSignature(String),
}

/// A checkpoint that satisfies a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// Who signed it, as far as the keys are known.
    pub signatures: Vec<VerifiedSignature>,
}

impl Policy {
    /// Demands the signatures of all these keys.
    pub fn new(log: Vec<Verifier>) -> Result<Self, KeysError> {
        let first = log.first().ok_or(KeysError::None)?;
        for (position, key) in log.iter().enumerate() {
            if key.name() != first.name() {
                return Err(KeysError::SeveralLogs(first.name().to_owned(), key.name().to_owned()));
            }
            if log[..position].iter().any(|other| other.key_id() == key.key_id()) {
                return Err(KeysError::SameId(key.key_id()));
            }
        }
        Ok(Self { log })
    }

    /// Reads a file of verifier keys, one a line; empty lines are passed over.
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty());
        let keys = lines.map(|(number, line)| line.parse().map_err(|error| KeysError::Line(number, error)));
        Self::new(keys.collect::<Result<_, _>>()?)
    }

    /// Returns the file of verifier keys, one a line.
    pub fn text(&self) -> String {
        self.log.iter().map(|key| format!("{key}\n")).collect()
    }

    /// Returns the origin of the log.
    pub fn origin(&self) -> &str {
        // A policy has at least one key, see `new`.
        self.log.first().map_or("", Verifier::name)
    }

    /// Returns the keys.
    pub fn keys(&self) -> &[Verifier] {
        &self.log
    }

    /// Reads a signed checkpoint and checks everything this policy demands.
    pub fn open(&self, bytes: &[u8]) -> Result<SignedCheckpoint, PolicyError> {
        let note = Note::parse(bytes)?;
        let signatures = note.verify(&self.log)?;
        let signed = |key: &Verifier| signatures.iter().any(|signature| signature.key_id == key.key_id());
        if let Some(missing) = self.log.iter().find(|key| !signed(key)) {
            let key = format!("{}+{:08x} ({})", missing.name(), missing.key_id(), missing.algorithm());
            return Err(PolicyError::MissingSignature(key));
        }
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != self.origin() {
            return Err(PolicyError::OtherLog { expected: self.origin().to_owned(), found: checkpoint.origin });
        }
        Ok(SignedCheckpoint { checkpoint, signatures })
    }
}
