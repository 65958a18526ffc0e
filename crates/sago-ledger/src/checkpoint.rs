//! Checkpoints (C2SP tlog-checkpoint): origin, size and root of a log, as the text of a note.
//!
//! Only the text: signatures are in [`crate::note`], which of them are needed in [`crate::policy`].

use crate::decimal::parse_decimal;
use crate::merkle::Hash;
use crate::note::{Note, NoteError, Signer};

/// The longest origin, in bytes: what an ML-DSA-44 cosignature can carry.
pub const MAX_ORIGIN_BYTES: usize = 255;

/// The state of a log at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the log; equal to the name of its keys.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Further lines, read but never written: no auditor can check them.
    pub extensions: Vec<String>,
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Fewer than three lines, an empty line, or no newline at the end.
    #[error("a checkpoint is at least three lines, none of them empty, each ended by a newline")]
    Form,
    /// Not a plain decimal of 64 bits.
    #[error("the size of a checkpoint is a plain decimal without leading zeroes")]
    Size,
    /// Not the base64 of 32 bytes.
    #[error("the root of a checkpoint is the base64 of 32 bytes")]
    Root,
    /// An origin that Sago does not write: empty, long, or with spaces, control characters or `+`.
    #[error("an origin has 1 to {MAX_ORIGIN_BYTES} bytes, no spaces and no `+`")]
    Origin,
}

impl Checkpoint {
    /// Makes a checkpoint of a log; the origin must be fit to be the name of a key.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        let unfit = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if origin.is_empty() || origin.len() > MAX_ORIGIN_BYTES || origin.contains(unfit) {
            return Err(CheckpointError::Origin);
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// Reads the text of a note.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Form)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Form);
        };
        let extensions: Vec<_> = lines.map(str::to_owned).collect();
        if origin.is_empty() || extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::Form);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size: parse_decimal(size).ok_or(CheckpointError::Size)?,
            root: Hash::from_base64(root).map_err(|_| CheckpointError::Root)?,
            extensions,
        })
    }

    /// Returns the three lines; extension lines are not written.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Returns the signed note, signed by every signer; `timestamp` as in [`Signer::sign`].
    pub fn sign(&self, signers: &[Signer], timestamp: u64) -> Result<Note, NoteError> {
        Note::sign(self.text(), signers, timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    #[test]
    fn the_example_of_the_specification_is_read_and_written() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint = Checkpoint::parse(&text).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.root.to_base64(), ROOT);
        assert_eq!(checkpoint.text(), text);
        let made = Checkpoint::new(&checkpoint.origin, checkpoint.size, checkpoint.root);
        assert_eq!(made, Ok(checkpoint));
    }

    #[test]
    fn extension_lines_are_read_and_not_written() {
        let checkpoint = Checkpoint::parse(&format!("o\n0\n{ROOT}\nfirst\nsecond line\n")).unwrap();
        assert_eq!(checkpoint.extensions, ["first", "second line"]);
        assert_eq!(checkpoint.text(), format!("o\n0\n{ROOT}\n"));
    }

    #[test]
    fn other_texts_are_no_checkpoint() {
        let check = |text: String, expect| assert_eq!(Checkpoint::parse(&text), Err(expect), "{text:?}");
        check(String::new(), CheckpointError::Form);
        check(format!("o\n1\n{ROOT}"), CheckpointError::Form);
        check("o\n1\n".to_owned(), CheckpointError::Form);
        check(format!("\n1\n{ROOT}\n"), CheckpointError::Form);
        check(format!("o\n1\n{ROOT}\n\n"), CheckpointError::Form);
        check(format!("o\n1\n{ROOT}\n\nx\n"), CheckpointError::Form);
        for size in ["", "01", "00", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616", "١"] {
            check(format!("o\n{size}\n{ROOT}\n"), CheckpointError::Size);
        }
        for root in ["", &ROOT[1..], &ROOT[..43], &format!("{ROOT}="), &ROOT.replace('/', "_"), &ROOT.replace("2I=", "2J=")] {
            check(format!("o\n1\n{root}\n"), CheckpointError::Root);
        }
        for origin in ["", "a b", "a+b", "a\nb", &"o".repeat(256)] {
            assert_eq!(Checkpoint::new(origin, 1, Hash::EMPTY_ROOT), Err(CheckpointError::Origin), "{origin:?}");
        }
    }
}
