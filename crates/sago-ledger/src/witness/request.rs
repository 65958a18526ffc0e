//! The body of `add-checkpoint`: old size, consistency proof, empty line, signed checkpoint.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::decimal::parse_decimal;
use crate::merkle::Hash;
use crate::note::{Note, NoteError};

/// The longest request that is read, in bytes: a proof and a checkpoint with 16 signatures of the largest kind.
pub const MAX_REQUEST_BYTES: usize = 128 * 1024;

/// The greatest number of lines of a consistency proof.
pub const MAX_PROOF_LINES: usize = 63;

/// A request for a cosignature; the form alone was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the tree that the sender believes the witness saw last.
    pub old: u64,
    /// Consistency proof from that size to the checkpoint's.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: Note,
    /// What its text says.
    pub checkpoint: Checkpoint,
}

/// Why bytes are no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Longer than [`MAX_REQUEST_BYTES`].
    #[error("a request of {0} bytes is longer than {MAX_REQUEST_BYTES}")]
    TooLong(usize),
    /// The first line is not `old` and a decimal.
    #[error("the first line of a request is `old`, a space and a plain decimal")]
    Old,
    /// A line of the proof is not the base64 of 32 bytes.
    #[error("line {0} of the proof is not the base64 of 32 bytes")]
    ProofLine(usize),
    /// More lines than any proof has.
    #[error("a proof has at most {MAX_PROOF_LINES} lines")]
    ProofTooLong,
    /// No empty line after the proof.
    #[error("an empty line and a signed checkpoint follow the proof")]
    NoCheckpoint,
    /// What follows is no signed note.
    #[error("the checkpoint is no signed note: {0}")]
    Note(#[from] NoteError),
    /// The note's text is no checkpoint.
    #[error("the signed note is no checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
}

impl AddCheckpoint {
    /// Reads a request.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::TooLong(bytes.len()));
        }
        let text = str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        let (line, mut rest) = text.split_once('\n').ok_or(RequestError::Old)?;
        let old = line.strip_prefix("old ").and_then(parse_decimal).ok_or(RequestError::Old)?;
        let mut proof = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n').ok_or(RequestError::NoCheckpoint)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if proof.len() == MAX_PROOF_LINES {
                return Err(RequestError::ProofTooLong);
            }
            proof.push(Hash::from_base64(line).map_err(|_| RequestError::ProofLine(proof.len() + 1))?);
        }
        let note = Note::parse(rest.as_bytes())?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { old, proof, note, checkpoint })
    }

    /// Writes a request over the bytes of a signed checkpoint.
    pub fn encode(old: u64, proof: &[Hash], checkpoint: &str) -> String {
        let mut text = format!("old {old}\n");
        for hash in proof {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(checkpoint);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP tlog-witness.
    const EXAMPLE: &str = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

    #[test]
    fn the_example_of_the_specification_is_read_and_written() {
        let request = AddCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((request.old, request.proof.len(), request.note.signatures().len()), (20_852_014, 4, 2));
        assert_eq!((request.checkpoint.origin.as_str(), request.checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(AddCheckpoint::encode(request.old, &request.proof, &request.note.to_string()), EXAMPLE);
    }

    #[test]
    fn other_bytes_are_no_request() {
        let check = |text: String, expect| assert_eq!(AddCheckpoint::parse(text.as_bytes()), Err(expect), "{text:?}");
        let with_old = |old: &str| EXAMPLE.replacen("old 20852014", old, 1);
        check(String::new(), RequestError::Old);
        for old in ["20852014", "old", "old ", "old  1", "old 01", "old -1", "old 1 ", "Old 1", "old 18446744073709551616", "old 1\r"] {
            check(with_old(old), RequestError::Old);
        }
        check(EXAMPLE.replacen("jrJZ", "jrJ", 1), RequestError::ProofLine(2));
        check(EXAMPLE.replacen("/6WVh", "_6WVh", 1), RequestError::ProofLine(4));
        check("old 0\n".to_owned(), RequestError::NoCheckpoint);
        check("old 0\n\n".to_owned(), RequestError::Note(NoteError::Form));
        check("old 0\n\ntext\n\n— a AAAAAAA=\n".to_owned(), RequestError::Checkpoint(CheckpointError::Form));
        check(EXAMPLE.trim_end_matches('\n').to_owned(), RequestError::Note(NoteError::Form));
        let line = format!("{}\n", Hash::EMPTY_ROOT.to_base64());
        check(format!("old 1\n{}\n", line.repeat(64)), RequestError::ProofTooLong);
        check("x".repeat(MAX_REQUEST_BYTES + 1), RequestError::TooLong(MAX_REQUEST_BYTES + 1));
        assert_eq!(AddCheckpoint::parse(b"old 0\n\n\xff"), Err(RequestError::Note(NoteError::Characters)));
    }
}
