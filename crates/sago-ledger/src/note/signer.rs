//! Secret keys that sign notes. They come from 32-byte seeds and are wiped when dropped.

use std::fmt;

use ed25519_dalek::Signer as _;
use ml_dsa::signature::{Keypair as _, Signer as _};
use ml_dsa::{MlDsa44, Seed};
use zeroize::Zeroize as _;

use super::{Algorithm, Note, NoteError, NoteSignature, Verifier, message};

/// A named secret key.
///
/// Signing is deterministic: the same text, time and key give the same bytes.
pub struct Signer {
    verifier: Verifier,
    key: Key,
}

// Both kinds of key wipe themselves when dropped (feature `zeroize` of their crates).
enum Key {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Ed25519Cosignature(Box<ed25519_dalek::SigningKey>),
    MlDsa44Cosignature(Box<ml_dsa::SigningKey<MlDsa44>>),
}

impl Signer {
    /// Makes an Ed25519 signer (0x01) from its 32-byte seed (RFC 8032, section 5.1.5).
    pub fn ed25519(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = Box::new(ed25519_dalek::SigningKey::from_bytes(seed));
        let verifier = verifier(name, Algorithm::Ed25519, key.verifying_key().as_bytes())?;
        Ok(Self { verifier, key: Key::Ed25519(key) })
    }

    /// Makes an Ed25519 cosigner (0x04), as witnesses have, from its 32-byte seed.
    ///
    /// Its signature does not commit to the name: never use one seed under two names (C2SP tlog-cosignature).
    pub fn ed25519_cosignature(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = Box::new(ed25519_dalek::SigningKey::from_bytes(seed));
        let verifier = verifier(name, Algorithm::Ed25519Cosignature, key.verifying_key().as_bytes())?;
        Ok(Self { verifier, key: Key::Ed25519Cosignature(key) })
    }

    /// Makes an ML-DSA-44 cosigner (0x06) from its 32-byte seed (FIPS 204, algorithm 6).
    pub fn ml_dsa_44(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let mut copy = Seed::from(*seed);
        let key = Box::new(ml_dsa::SigningKey::from_seed(&copy));
        copy.zeroize();
        let verifier = verifier(name, Algorithm::MlDsa44Cosignature, &key.verifying_key().encode())?;
        Ok(Self { verifier, key: Key::MlDsa44Cosignature(key) })
    }

    /// Returns the public side.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs the text of a note.
    ///
    /// `timestamp`, in seconds since 1970-01-01T00:00:00Z, is part of cosignatures and left out of plain Ed25519 signatures.
    /// Cosignatures need a checkpoint; those of ML-DSA-44 one without extension lines.
    pub fn sign(&self, text: &str, timestamp: u64) -> Result<NoteSignature, NoteError> {
        let bytes = match &self.key {
            Key::Ed25519(key) => key.sign(text.as_bytes()).to_vec(),
            Key::Ed25519Cosignature(key) => {
                let message = message::ed25519_cosignature(text, timestamp)?;
                [&timestamp.to_be_bytes()[..], &key.sign(message.as_bytes()).to_bytes()].concat()
            }
            Key::MlDsa44Cosignature(key) => {
                // The trait signs deterministically and with an empty context, as the specification asks.
                let message = message::ml_dsa_44_cosignature(self.verifier.name(), text, timestamp)?;
                let signature: ml_dsa::Signature<MlDsa44> =
                    key.try_sign(&message).map_err(|_| NoteError::NotCosignable("ML-DSA-44 could not sign this message"))?;
                [&timestamp.to_be_bytes()[..], &signature.encode()].concat()
            }
        };
        Ok(NoteSignature { name: self.verifier.name().to_owned(), key_id: self.verifier.key_id(), bytes })
    }
}

fn verifier(name: &str, algorithm: Algorithm, public_key: &[u8]) -> Result<Verifier, NoteError> {
    // A key made from a seed is always a good one, so only the name can be refused.
    Verifier::new(name, algorithm, public_key).map_err(|_| NoteError::KeyName(name.to_owned()))
}

impl Note {
    /// Makes a note signed by every signer, in their order.
    pub fn sign(text: String, signers: &[Signer], timestamp: u64) -> Result<Self, NoteError> {
        let mut note = Self::new(text)?;
        for signer in signers {
            let signature = signer.sign(note.text(), timestamp)?;
            note.add(signature)?;
        }
        Ok(note)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}+{:08x})", self.verifier.name(), self.verifier.key_id())
    }
}
