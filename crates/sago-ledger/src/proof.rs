//! Transparency log proofs (C2SP tlog-proof@v1): one entry shown to a stranger, with nothing but the log's keys.
//!
//! Sago puts the opening of the leaf in the `extra` line, so one file says what was entered, when, and that it
//! is in the log (formats, section 3). The extra line is believed only as far as the five checks reach.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::Checkpoint;
use crate::decimal::parse_decimal;
use crate::leaf::{Leaf, LeafError};
use crate::merkle::{Hash, MAX_PATH, VerifyError, leaf_hash, verify_inclusion};
use crate::note::{MAX_NOTE_BYTES, Note};
use crate::opening::{MAX_OPENING_BYTES, Opening, OpeningError};
use crate::policy::{Policy, PolicyError, SignedCheckpoint};

/// The longest proof, in bytes: the longest opening in base64, a path and a note.
pub const MAX_PROOF_BYTES: usize = MAX_OPENING_BYTES.div_ceil(3) * 4 + MAX_NOTE_BYTES + 64 * 1024;

const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// A proof as it stands in a `.tlog-proof` file; nothing in it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Index of the entry, from 0.
    pub index: u64,
    /// Inclusion path, the leaf's sibling first.
    pub path: Vec<Hash>,
    /// The signed checkpoint, exactly as the log published it.
    pub checkpoint: String,
    /// Bytes of any kind; in Sago's files the opening.
    pub extra: Option<Vec<u8>>,
}

/// Why bytes are no proof, by the part that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFormError {
    /// Longer than [`MAX_PROOF_BYTES`].
    #[error("a proof of {0} bytes is longer than {MAX_PROOF_BYTES}")]
    TooLong(usize),
    /// Not UTF-8 that begins with the version line.
    #[error("a proof is text that begins with `c2sp.org/tlog-proof@v1`")]
    Header,
    /// The extra line is not base64.
    #[error("the extra line of a proof is base64")]
    Extra,
    /// No index line, or not a plain decimal.
    #[error("the index line of a proof is `index` and a plain decimal")]
    Index,
    /// A path line that is not the base64 of 32 bytes, or more than 64 of them.
    #[error("the path of a proof is at most {MAX_PATH} lines of the base64 of 32 bytes")]
    Path,
    /// No empty line before the checkpoint.
    #[error("the checkpoint of a proof follows after an empty line")]
    Checkpoint,
}

/// Why a proof shows nothing: the first of the five checks of formats, section 3, that fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Check 1: the proof has no opening.
    #[error("the proof carries no opening of its leaf")]
    OpeningMissing,
    /// Check 1: what should be the opening is none.
    #[error("the opening in the proof is not valid: {0}")]
    OpeningInvalid(OpeningError),
    /// Check 2: the opening makes no entry.
    #[error("no leaf can be rebuilt from the opening: {0}")]
    LeafInvalid(LeafError),
    /// Check 3: the entry is not in the tree of the checkpoint, or the opening was changed.
    #[error("the entry is not in the log at that place: {0}")]
    NotIncluded(VerifyError),
    /// Check 4: the checkpoint is not signed as it must be.
    #[error("the checkpoint is not to be believed: {0}")]
    CheckpointInvalid(PolicyError),
    /// Check 5: the opening is of another log.
    #[error("the opening is of log {opening}, the checkpoint of {checkpoint}")]
    LogMismatch {
        /// Log in the opening.
        opening: String,
        /// Origin in the checkpoint.
        checkpoint: String,
    },
    /// Check 5: the opening is of another index.
    #[error("the opening is of index {opening}, the proof of {proof}")]
    IndexMismatch {
        /// Index in the opening.
        opening: u64,
        /// Index in the proof.
        proof: u64,
    },
}

impl ProofError {
    /// Returns the code of the check that failed, for findings and for the other verifiers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OpeningMissing => "proof-opening-missing",
            Self::OpeningInvalid(_) => "proof-opening-invalid",
            Self::LeafInvalid(_) => "proof-leaf-invalid",
            Self::NotIncluded(_) => "proof-not-included",
            Self::CheckpointInvalid(_) => "proof-checkpoint-invalid",
            Self::LogMismatch { .. } => "proof-log-mismatch",
            Self::IndexMismatch { .. } => "proof-index-mismatch",
        }
    }
}

/// What a proof has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The checkpoint and who signed it.
    pub signed: SignedCheckpoint,
    /// Index of the entry.
    pub index: u64,
    /// Record hash of the entry.
    pub leaf_hash: Hash,
}

/// What a proof with an opening has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOpening {
    /// The checkpoint and who signed it.
    pub signed: SignedCheckpoint,
    /// The leaf in the log.
    pub leaf: Leaf,
    /// What was entered; withheld halves stay withheld.
    pub opening: Opening,
}

impl TlogProof {
    /// Writes the text of a `.tlog-proof` file.
    pub fn encode(&self) -> String {
        let mut text = HEADER.to_owned();
        if let Some(extra) = &self.extra {
            text.push_str("extra ");
            STANDARD.encode_string(extra, &mut text);
            text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "index {}", self.index);
        for hash in &self.path {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads a `.tlog-proof` file; only the form is checked.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFormError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(ProofFormError::TooLong(bytes.len()));
        }
        let text = str::from_utf8(bytes).map_err(|_| ProofFormError::Header)?;
        let mut rest = text.strip_prefix(HEADER).ok_or(ProofFormError::Header)?;
        let mut extra = None;
        if let Some(line) = rest.strip_prefix("extra ") {
            let (line, after) = line.split_once('\n').ok_or(ProofFormError::Extra)?;
            extra = Some(STANDARD.decode(line).map_err(|_| ProofFormError::Extra)?);
            rest = after;
        }
        let line = rest.strip_prefix("index ").ok_or(ProofFormError::Index)?;
        let (index, mut rest) = line.split_once('\n').ok_or(ProofFormError::Index)?;
        let index = parse_decimal(index).ok_or(ProofFormError::Index)?;
        let mut path = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n').ok_or(ProofFormError::Checkpoint)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if path.len() == MAX_PATH {
                return Err(ProofFormError::Path);
            }
            path.push(Hash::from_base64(line).map_err(|_| ProofFormError::Path)?);
        }
        Ok(Self { index, path, checkpoint: rest.to_owned(), extra })
    }

    /// Checks that `entry` is in the log: checks 3 and 4. The extra line is not looked at.
    pub fn verify_entry(&self, entry: &[u8], policy: &Policy) -> Result<Verified, ProofError> {
        let signed = policy.open(self.checkpoint.as_bytes());
        let hash = leaf_hash(entry);
        // An inclusion that fails is reported before a bad signature, as the checks are numbered; the root it is
        // checked against is that of the unverified checkpoint, and is believed only if check 4 passes too.
        let claimed = match &signed {
            Ok(signed) => Some(signed.checkpoint.clone()),
            Err(_) => self.unverified_checkpoint(),
        };
        if let Some(claimed) = claimed {
            verify_inclusion(&hash, self.index, claimed.size, &self.path, &claimed.root).map_err(ProofError::NotIncluded)?;
        }
        let signed = signed.map_err(ProofError::CheckpointInvalid)?;
        Ok(Verified { signed, index: self.index, leaf_hash: hash })
    }

    /// Runs the five checks of formats, section 3, on a proof that carries the opening of its leaf.
    pub fn verify(&self, policy: &Policy) -> Result<VerifiedOpening, ProofError> {
        let extra = self.extra.as_deref().ok_or(ProofError::OpeningMissing)?;
        let opening = Opening::parse(extra).map_err(ProofError::OpeningInvalid)?;
        self.verify_opening(opening, policy)
    }

    /// Runs checks 2 to 5 with an opening that came from elsewhere.
    pub fn verify_opening(&self, opening: Opening, policy: &Policy) -> Result<VerifiedOpening, ProofError> {
        let leaf = opening.leaf().map_err(ProofError::LeafInvalid)?;
        let Verified { signed, .. } = self.verify_entry(&leaf.entry(), policy)?;
        if opening.log != signed.checkpoint.origin {
            return Err(ProofError::LogMismatch { opening: opening.log, checkpoint: signed.checkpoint.origin });
        }
        if opening.index != self.index {
            return Err(ProofError::IndexMismatch { opening: opening.index, proof: self.index });
        }
        Ok(VerifiedOpening { signed, leaf, opening })
    }

    fn unverified_checkpoint(&self) -> Option<Checkpoint> {
        let note = Note::parse(self.checkpoint.as_bytes()).ok()?;
        Checkpoint::parse(note.text()).ok()
    }
}
