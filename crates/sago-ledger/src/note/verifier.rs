//! Public keys that may sign notes, and their text form, the verifier key (vkey).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use ml_dsa::MlDsa44;

use super::{NoteError, NoteSignature, VerifiedSignature, is_key_name, message};
use crate::merkle::Hash;

/// Kinds of note signature that Sago knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// 0x01: Ed25519 over the text.
    Ed25519,
    /// 0x04: Ed25519 over a time and a checkpoint, by a witness.
    Ed25519Cosignature,
    /// 0x06: ML-DSA-44 over a time, the signer's name, origin, size and root.
    MlDsa44Cosignature,
}

impl Algorithm {
    /// Returns the byte that stands for the kind in key ids and verifier keys.
    pub fn identifier(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Ed25519Cosignature => 0x04,
            Self::MlDsa44Cosignature => 0x06,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519",
            Self::Ed25519Cosignature => "Ed25519 cosignature",
            Self::MlDsa44Cosignature => "ML-DSA-44 cosignature",
        })
    }
}

/// Why a text is no verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// Not `name+id+base64`.
    #[error("a verifier key is `<name>+<8 hexadecimal digits>+<base64 of kind and key>`")]
    Form,
    /// The kind byte is none of those that Sago knows.
    #[error("kind of key 0x{0:02x} is not known")]
    UnknownKind(u8),
    /// The bytes are no public key of that kind, or a weak one that verifies forgeries.
    #[error("not a public key of kind {0}")]
    Key(Algorithm),
    /// The id is not the one of this name and key: the text was mistyped or changed.
    #[error("the id in the verifier key is {found:08x} but name and key give {expected:08x}")]
    Id {
        /// What name and key give.
        expected: u32,
        /// What the text says.
        found: u32,
    },
}

/// A named public key that may sign notes; its text is the verifier key.
#[derive(Clone)]
pub struct Verifier {
    name: String,
    key_id: u32,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Ed25519(VerifyingKey),
    Ed25519Cosignature(VerifyingKey),
    // Several kilobytes with what is computed in advance, so not inline.
    MlDsa44Cosignature(Box<ml_dsa::VerifyingKey<MlDsa44>>),
}

impl Verifier {
    /// Takes a public key: 32 bytes for the Ed25519 kinds, 1,312 for ML-DSA-44.
    pub fn new(name: &str, algorithm: Algorithm, public_key: &[u8]) -> Result<Self, VerifierKeyError> {
        if !is_key_name(name) {
            return Err(VerifierKeyError::Form);
        }
        let invalid = || VerifierKeyError::Key(algorithm);
        let ed25519 = || {
            let bytes = public_key.try_into().map_err(|_| invalid())?;
            // Under a weak key one signature fits many texts.
            VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak()).ok_or_else(invalid)
        };
        let key = match algorithm {
            Algorithm::Ed25519 => Key::Ed25519(ed25519()?),
            Algorithm::Ed25519Cosignature => Key::Ed25519Cosignature(ed25519()?),
            Algorithm::MlDsa44Cosignature => {
                let bytes = public_key.try_into().map_err(|_| invalid())?;
                Key::MlDsa44Cosignature(Box::new(ml_dsa::VerifyingKey::decode(&bytes)))
            }
        };
        Ok(Self { name: name.to_owned(), key_id: key_id(name, algorithm, public_key), key })
    }

    /// Returns the name of the key; for a log's own key, the origin of the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the id: the first four bytes of SHA-256(name ‖ newline ‖ kind ‖ key). Not unique.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Returns the kind of signature.
    pub fn algorithm(&self) -> Algorithm {
        match self.key {
            Key::Ed25519(_) => Algorithm::Ed25519,
            Key::Ed25519Cosignature(_) => Algorithm::Ed25519Cosignature,
            Key::MlDsa44Cosignature(_) => Algorithm::MlDsa44Cosignature,
        }
    }

    /// Returns the bytes of the public key.
    pub fn public_key(&self) -> Vec<u8> {
        match &self.key {
            Key::Ed25519(key) | Key::Ed25519Cosignature(key) => key.as_bytes().to_vec(),
            Key::MlDsa44Cosignature(key) => key.encode().to_vec(),
        }
    }

    /// Says whether a signature names this key.
    pub fn is_key_of(&self, signature: &NoteSignature) -> bool {
        self.name == signature.name && self.key_id == signature.key_id
    }

    /// Checks one signature that names this key over the text of a note.
    pub fn verify(&self, text: &str, signature: &NoteSignature) -> Result<VerifiedSignature, NoteError> {
        let timestamp = self.check(text, signature).ok_or_else(|| NoteError::BadSignature { name: self.name.clone(), key_id: self.key_id })?;
        Ok(VerifiedSignature { name: self.name.clone(), key_id: self.key_id, algorithm: self.algorithm(), timestamp })
    }

    /// Returns the time the signature states, if any, or nothing if it is bad.
    fn check(&self, text: &str, signature: &NoteSignature) -> Option<Option<u64>> {
        if !self.is_key_of(signature) {
            return None;
        }
        match &self.key {
            Key::Ed25519(key) => {
                let signature = ed25519_dalek::Signature::from_slice(&signature.bytes).ok()?;
                key.verify_strict(text.as_bytes(), &signature).ok()?;
                Some(None)
            }
            Key::Ed25519Cosignature(key) => {
                let (timestamp, signature) = split_timestamp(&signature.bytes)?;
                let message = message::ed25519_cosignature(text, timestamp).ok()?;
                let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
                key.verify_strict(message.as_bytes(), &signature).ok()?;
                Some(Some(timestamp))
            }
            Key::MlDsa44Cosignature(key) => {
                let (timestamp, signature) = split_timestamp(&signature.bytes)?;
                let message = message::ml_dsa_44_cosignature(&self.name, text, timestamp).ok()?;
                let signature = ml_dsa::Signature::try_from(signature).ok()?;
                key.verify_with_context(&message, b"", &signature).then_some(Some(timestamp))
            }
        }
    }
}

/// Splits a `timestamped_signature` (C2SP tlog-cosignature); times above 2^63 - 1 are not allowed.
fn split_timestamp(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (timestamp, signature) = bytes.split_first_chunk::<8>()?;
    let timestamp = u64::from_be_bytes(*timestamp);
    (timestamp <= message::MAX_TIMESTAMP).then_some((timestamp, signature))
}

fn key_id(name: &str, algorithm: Algorithm, public_key: &[u8]) -> u32 {
    let Hash([a, b, c, d, ..]) = Hash::of(&[name.as_bytes(), b"\n", &[algorithm.identifier()], public_key]);
    u32::from_be_bytes([a, b, c, d])
}

impl FromStr for Verifier {
    type Err = VerifierKeyError;

    /// Reads a verifier key: `<name>+<id>+<base64 of kind and key>`.
    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        // Base64 may hold a plus too, names may not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Form);
        };
        let is_id = id.len() == 8 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let found = u32::from_str_radix(id, 16).ok().filter(|_| is_id).ok_or(VerifierKeyError::Form)?;
        let key = STANDARD.decode(key).map_err(|_| VerifierKeyError::Form)?;
        let (kind, public_key) = key.split_first().ok_or(VerifierKeyError::Form)?;
        let algorithm = match kind {
            0x01 => Algorithm::Ed25519,
            0x04 => Algorithm::Ed25519Cosignature,
            0x06 => Algorithm::MlDsa44Cosignature,
            other => return Err(VerifierKeyError::UnknownKind(*other)),
        };
        let verifier = Self::new(name, algorithm, public_key)?;
        if verifier.key_id != found {
            return Err(VerifierKeyError::Id { expected: verifier.key_id, found });
        }
        Ok(verifier)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm().identifier()][..], &self.public_key()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.key_id, STANDARD.encode(key))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({}+{:08x}, {})", self.name, self.key_id, self.algorithm())
    }
}

impl PartialEq for Verifier {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.algorithm(), self.public_key()) == (&other.name, other.algorithm(), other.public_key())
    }
}

impl Eq for Verifier {}
