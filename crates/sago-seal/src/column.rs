//! Short texts sealed in the rows of the database (formats, section 12).
//!
//! `0x01 ‖ nonce(24) ‖ XChaCha20-Poly1305`, bound to table, column and row, so that a sealed text moved to another place
//! does not open. Nonces are random: with 24 bytes they never need counting. Where row keys are kept is not decided here.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

const VERSION: u8 = 0x01;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// Bytes that sealing adds to a text.
pub const OVERHEAD_BYTES: usize = 1 + NONCE_BYTES + TAG_BYTES;

/// Why a column was not sealed or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// Too short, or of a version that is not known here.
    #[error("this is not a sealed column of a known version")]
    NotSealed,
    /// Sealed with another key, for another place, or changed since.
    #[error("the column does not open: another key, another place, or changed bytes")]
    DoesNotOpen,
    /// A name contains a zero byte, which would make places ambiguous.
    #[error("the name of a table, column or row contains a zero byte")]
    BadPlace,
    /// The system has no randomness.
    #[error("no randomness")]
    NoRandomness,
}

/// The key of the rows of one deposit or one batch of events; wiped when dropped.
#[derive(Clone)]
pub struct RowKey(Zeroizing<[u8; 32]>);

impl RowKey {
    /// Makes a new key from the system's randomness.
    pub fn generate() -> Result<Self, ColumnError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| ColumnError::NoRandomness)?;
        Ok(RowKey(key))
    }

    /// Takes a key that was kept.
    pub fn from_bytes(key: &[u8; 32]) -> Self {
        RowKey(Zeroizing::new(*key))
    }

    /// The 32 secret bytes, to be sealed to a unit's key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals `text` for one place.
    pub fn seal(&self, table: &str, column: &str, row: &str, text: &[u8]) -> Result<Vec<u8>, ColumnError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| ColumnError::NoRandomness)?;
        self.seal_with_nonce(&nonce, &place(table, column, row)?, text)
    }

    /// Opens what was sealed for this very place.
    pub fn open(&self, table: &str, column: &str, row: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, ColumnError> {
        let place = place(table, column, row)?;
        if sealed.len() < OVERHEAD_BYTES || sealed[0] != VERSION {
            return Err(ColumnError::NotSealed);
        }
        let (nonce, body) = sealed[1..].split_at(NONCE_BYTES);
        let nonce = XNonce::try_from(nonce).map_err(|_| ColumnError::NotSealed)?;
        self.cipher().decrypt(&nonce, Payload { msg: body, aad: &place }).map(Zeroizing::new).map_err(|_| ColumnError::DoesNotOpen)
    }

    fn seal_with_nonce(&self, nonce: &[u8; NONCE_BYTES], place: &[u8], text: &[u8]) -> Result<Vec<u8>, ColumnError> {
        let body = self.cipher().encrypt(&XNonce::from(*nonce), Payload { msg: text, aad: place }).map_err(|_| ColumnError::DoesNotOpen)?;
        Ok([&[VERSION], nonce.as_slice(), &body].concat())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowKey(hidden)")
    }
}

fn place(table: &str, column: &str, row: &str) -> Result<Vec<u8>, ColumnError> {
    if [table, column, row].iter().any(|name| name.contains('\0')) {
        return Err(ColumnError::BadPlace);
    }
    Ok(["sago/column/1", table, column, row].join("\0").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RowKey {
        RowKey::from_bytes(&[3; 32])
    }

    #[test]
    fn opens_only_at_its_own_place_with_its_own_key() {
        let sealed = key().seal("items", "path", "r1", "진술서.hwp".as_bytes()).unwrap();
        assert_eq!(sealed.len(), "진술서.hwp".len() + OVERHEAD_BYTES);
        let open = |key: &RowKey, t, c, r| key.open(t, c, r, &sealed).map(|text| text.to_vec());
        assert_eq!(open(&key(), "items", "path", "r1").unwrap(), "진술서.hwp".as_bytes());
        for (t, c, r) in [("item", "path", "r1"), ("items", "title", "r1"), ("items", "path", "r2")] {
            assert_eq!(open(&key(), t, c, r).unwrap_err(), ColumnError::DoesNotOpen);
        }
        let other = RowKey::from_bytes(&[4; 32]);
        assert_eq!(open(&other, "items", "path", "r1").unwrap_err(), ColumnError::DoesNotOpen);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let sealed = key().seal("t", "c", "r", b"text").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(key().open("t", "c", "r", &changed).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(key().open("t", "c", "r", &sealed[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn sealing_twice_differs_and_empty_text_is_a_text() {
        let once = key().seal("t", "c", "r", b"").unwrap();
        assert_ne!(once, key().seal("t", "c", "r", b"").unwrap());
        assert!(key().open("t", "c", "r", &once).unwrap().is_empty());
    }

    #[test]
    fn zero_bytes_in_names_are_refused() {
        assert_eq!(key().seal("t\0c", "", "r", b"").unwrap_err(), ColumnError::BadPlace);
        assert_eq!(key().open("t", "c", "r\0", &[0; 64]).unwrap_err(), ColumnError::BadPlace);
    }

    /// Made once with the reference construction in Python written out by hand (draft-irtf-cfrg-xchacha, RFC 8439).
    #[test]
    fn bytes_are_those_of_the_format() {
        let nonce: [u8; 24] = std::array::from_fn(|i| i as u8);
        let place = place("items", "path", "r1").unwrap();
        assert_eq!(place, b"sago/column/1\0items\0path\0r1");
        let sealed = key().seal_with_nonce(&nonce, &place, b"hello").unwrap();
        assert_eq!(hex::encode(sealed), "01000102030405060708090a0b0c0d0e0f10111213141516173b332389fc9919bb5bc9901d18cbf05ce964a54401");
    }

    #[test]
    fn debug_hides_the_secret() {
        assert_eq!(format!("{:?}", key()), "RowKey(hidden)");
    }
}
