//! Signed notes (C2SP signed-note): a text and the signatures under it.
//!
//! [`Note`] is the form alone; who may sign is in [`Verifier`], who does in [`Signer`]. What a checkpoint must
//! carry is in [`crate::policy`]. Signatures of unknown keys are ignored, as the specification demands; one bad
//! signature of a known key rejects the note.

mod message;
mod signer;
mod verifier;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use signer::Signer;
pub use verifier::{Algorithm, Verifier, VerifierKeyError};

use crate::checkpoint::CheckpointError;

/// The longest note, in bytes: far more than 16 signatures of the largest kind (about 5 kB each).
pub const MAX_NOTE_BYTES: usize = 1024 * 1024;

/// The greatest number of signatures in a note; the specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 64;

const SIGNATURE_PREFIX: &str = "— ";

/// A text with signatures that nobody has looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key; not empty, without spaces and `+`.
    pub name: String,
    /// The first four bytes of a hash over name, kind and key.
    pub key_id: u32,
    /// The signature; its shape depends on the kind of key.
    pub bytes: Vec<u8>,
}

/// A signature that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub key_id: u32,
    /// Kind of signature.
    pub algorithm: Algorithm,
    /// When the cosigner says it signed, in seconds since 1970-01-01T00:00:00Z; only cosignatures say it.
    pub timestamp: Option<u64>,
}

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("a note of {0} bytes is longer than {MAX_NOTE_BYTES}")]
    TooLong(usize),
    /// Not UTF-8, or with a control character other than newline.
    #[error("a note is UTF-8 text without control characters other than newline")]
    Characters,
    /// No blank line with signatures after it, or a text that does not end with a newline.
    #[error("a note is a text, an empty line and signature lines, each ended by a newline")]
    Form,
    /// A line among the signatures that is no signature; lines are counted from 1 after the blank line.
    #[error("signature line {0} is malformed")]
    SignatureLine(usize),
    /// More than [`MAX_SIGNATURES`].
    #[error("a note has at most {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A key name that is empty or has spaces, control characters or `+`.
    #[error("`{0}` cannot be the name of a key")]
    KeyName(String),
    /// A known key's signature that does not verify.
    #[error("the signature of {name}+{key_id:08x} is not valid")]
    BadSignature {
        /// Name of the key.
        name: String,
        /// Id of the key.
        key_id: u32,
    },
    /// No known key has signed.
    #[error("no known key has signed the note")]
    Unsigned,
    /// A cosignature can only be made over a checkpoint.
    #[error("only a checkpoint can be cosigned: {0}")]
    NotCheckpoint(#[from] CheckpointError),
    /// What a cosignature cannot say: extension lines, a root of an empty tree that has entries, a long name.
    #[error("{0}")]
    NotCosignable(&'static str),
}

impl Note {
    /// Makes a note without signatures; the text must end with a newline.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_characters(&text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::Form);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note = str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        check_characters(note)?;
        // The text may have empty lines of its own: the last one ends it.
        let end = note.rfind("\n\n").ok_or(NoteError::Form)? + 1;
        let (text, rest) = note.split_at(end);
        let lines = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n')).ok_or(NoteError::Form)?;
        let mut signatures = Vec::new();
        for (number, line) in (1..).zip(lines.split('\n')) {
            if number > MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(NoteSignature::parse(line).ok_or(NoteError::SignatureLine(number))?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Returns the text, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the signatures in their order, checked or not.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature.
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if !is_key_name(&signature.name) {
            return Err(NoteError::KeyName(signature.name));
        }
        if self.signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Checks every signature of a known key and returns one for each key that signed, in the order of the note.
    ///
    /// Fails if any of them is bad or if there is none.
    pub fn verify(&self, verifiers: &[Verifier]) -> Result<Vec<VerifiedSignature>, NoteError> {
        let mut verified: Vec<VerifiedSignature> = Vec::new();
        for signature in &self.signatures {
            let matches = |verifier: &&Verifier| verifier.is_key_of(signature);
            let Some(verifier) = verifiers.iter().find(matches) else {
                continue;
            };
            let checked = verifier.verify(&self.text, signature)?;
            if !verified.iter().any(|other| (&other.name, other.key_id) == (&checked.name, checked.key_id)) {
                verified.push(checked);
            }
        }
        if verified.is_empty() { Err(NoteError::Unsigned) } else { Ok(verified) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// Says whether `longer` is the signed note `note` with further signature lines after its own, and nothing else.
pub fn is_with_more_signatures(note: &str, longer: &str) -> bool {
    let text = |bytes: &str| Note::parse(bytes.as_bytes()).ok().map(|note| note.text);
    longer.starts_with(note) && text(note).is_some_and(|own| Some(own) == text(longer))
}

impl NoteSignature {
    /// Reads one or more signature lines, each ended by a newline.
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, NoteError> {
        check_characters(text)?;
        let lines = text.strip_suffix('\n').ok_or(NoteError::Form)?;
        let numbered = (1..).zip(lines.split('\n'));
        let read = |(number, line)| {
            if number > MAX_SIGNATURES { Err(NoteError::TooManySignatures) } else { Self::parse(line).ok_or(NoteError::SignatureLine(number)) }
        };
        numbered.map(read).collect()
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, text) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        let decoded = STANDARD.decode(text).ok()?;
        let (key_id, bytes) = decoded.split_first_chunk::<4>()?;
        let complete = is_key_name(name) && !bytes.is_empty();
        complete.then(|| Self { name: name.to_owned(), key_id: u32::from_be_bytes(*key_id), bytes: bytes.to_vec() })
    }
}

impl fmt::Display for NoteSignature {
    /// Writes the line without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id.to_be_bytes()[..], &self.bytes].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// Says whether `name` can be the name of a key.
fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c < ' ')
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    if text.bytes().any(|b| b < b' ' && b != b'\n') { Err(NoteError::Characters) } else { Ok(()) }
}
