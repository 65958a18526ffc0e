//! Hybrid identities and recipients: ML-KEM-768 with X25519 (X-Wing), age's `mlkem768x25519`.
//!
//! A file sealed to such a recipient stays shut unless *both* halves are broken. Source: C2SP `age.md`, "MLKEM768-X25519
//! hybrid post-quantum recipient type"; HPKE (RFC 9180) base mode over `draft-ietf-hpke-pq-03`. Also implements the age
//! crate's traits, so that its own reader and writer work with these keys and refuse to mix them with classic ones.

use std::collections::HashSet;
use std::{fmt, str::FromStr};

use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use bech32::primitives::{Bech32, decode::CheckedHrpstring};
use bech32::{Checksum, Hrp};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256, kem::XWing, single_shot_open, single_shot_seal};
use zeroize::{Zeroize, Zeroizing};

use crate::error::SealError;

/// First argument of a hybrid stanza.
pub const STANZA_TYPE: &str = "mlkem768x25519";
/// Label that keeps hybrid recipients from being mixed with others in one file.
pub const LABEL: &str = "postquantum";

const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
const IDENTITY_HRP: Hrp = Hrp::parse_unchecked("age-secret-key-pq-");
const RECIPIENT_HRP: Hrp = Hrp::parse_unchecked("age1pq");
const SEED_BYTES: usize = 32;
const RECIPIENT_BYTES: usize = 1216;
const ENC_BYTES: usize = 1120;
const X25519_BYTES: usize = 32;
const BODY_BYTES: usize = FILE_KEY_BYTES + 16;

type PrivateKey = <XWing as Kem>::PrivateKey;
type PublicKey = <XWing as Kem>::PublicKey;
type EncappedKey = <XWing as Kem>::EncappedKey;

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A character is missing, added or changed, or the case is mixed.
    #[error("the key is mistyped: its checksum does not fit")]
    Mistyped,
    /// Well-formed, but not a hybrid key of the wanted sort.
    #[error("this is not a hybrid {0}")]
    WrongKind(&'static str),
    /// The key itself is invalid: wrong length, not a valid ML-KEM key, or a low-order X25519 point.
    #[error("the key is well written but not valid: {0}")]
    Invalid(&'static str),
}

/// A secret key: 32 bytes, from which everything else is derived.
///
/// The bytes are wiped when it is dropped, and never shown by `Debug`.
#[derive(Clone)]
pub struct HybridIdentity(Box<PrivateKey>);

impl HybridIdentity {
    /// Makes a new identity from the system's randomness.
    pub fn generate() -> Result<Self, SealError> {
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        getrandom::fill(seed.as_mut_slice())?;
        Ok(Self::from_seed(&seed))
    }

    /// Rebuilds the identity of a seed, for example one recovered from custodians' shares.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let key = PrivateKey::from_bytes(seed).unwrap_or_else(|_| unreachable!("any 32 bytes are a key"));
        HybridIdentity(Box::new(key))
    }

    /// The 32 secret bytes.
    pub fn seed(&self) -> Zeroizing<[u8; SEED_BYTES]> {
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        self.0.write_exact(seed.as_mut_slice());
        seed
    }

    /// The recipient to which files for this identity are sealed.
    pub fn recipient(&self) -> HybridRecipient {
        HybridRecipient::of(XWing::sk_to_pk(&self.0))
    }

    /// `AGE-SECRET-KEY-PQ-1…`; the text is wiped when dropped.
    pub fn to_secret_string(&self) -> Zeroizing<String> {
        // Room for the whole text at once: a growing string would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(128));
        bech32::encode_upper_to_fmt::<LongBech32, _>(&mut *text, IDENTITY_HRP, self.seed().as_slice())
            .unwrap_or_else(|_| unreachable!("no length limit, and a string takes every write"));
        text
    }

    /// Opens a hybrid stanza: `None` if it is of another type or for another key.
    pub(crate) fn unwrap(&self, stanza: &Stanza) -> Option<Result<FileKey, SealError>> {
        if stanza.tag != STANZA_TYPE {
            return None;
        }
        let enc = match encapsulated_key(stanza) {
            Ok(enc) => enc,
            Err(e) => return Some(Err(e)),
        };
        let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(&OpModeR::Base, &self.0, &enc, INFO, &stanza.body, b"");
        // A stanza for another key fails exactly like a changed one: nothing in it names the key.
        let mut opened = Zeroizing::new(opened.ok()?);
        if opened.len() != FILE_KEY_BYTES {
            return Some(Err(SealError::header("a file key has the wrong length")));
        }
        let file_key = FileKey::init_with_mut(|key| key.copy_from_slice(&opened));
        opened.zeroize();
        Some(Ok(file_key))
    }
}

/// Checks a hybrid stanza as the specification demands before any decryption.
fn encapsulated_key(stanza: &Stanza) -> Result<EncappedKey, SealError> {
    let [enc] = stanza.args.as_slice() else {
        return Err(SealError::header("a hybrid stanza needs exactly one argument"));
    };
    let enc =
        BASE64.decode(enc).ok().filter(|enc| enc.len() == ENC_BYTES).ok_or(SealError::header("an encapsulated key is not 1,120 bytes of canonical base64"))?;
    if stanza.body.len() != BODY_BYTES {
        return Err(SealError::header("a hybrid stanza's body is not 32 bytes"));
    }
    if is_low_order(&enc) {
        return Err(SealError::header("the X25519 half of an encapsulated key is a low-order point"));
    }
    EncappedKey::from_bytes(&enc).map_err(|_| SealError::header("an encapsulated key is not valid"))
}

/// Whether the X25519 share at the end of `bytes` forces the all-zero shared secret.
///
/// Any clamped scalar shows it: clamped scalars are multiples of 8, which takes exactly the points of small order, on
/// the curve and on its twist, to zero; and this scalar is no multiple of either large prime order.
fn is_low_order(bytes: &[u8]) -> bool {
    let mut share = [0; X25519_BYTES];
    share.copy_from_slice(&bytes[bytes.len() - X25519_BYTES..]);
    x25519_dalek::x25519([1; 32], share) == [0; 32]
}

impl age::Identity for HybridIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        self.unwrap(stanza).map(|opened| opened.map_err(|_| age::DecryptError::InvalidHeader))
    }
}

impl fmt::Debug for HybridIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HybridIdentity(hidden)")
    }
}

impl FromStr for HybridIdentity {
    type Err = KeyError;

    /// Reads `AGE-SECRET-KEY-PQ-1…`, upper case, nothing around it.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = decode(text, IDENTITY_HRP, "identity", SEED_BYTES)?;
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        seed.copy_from_slice(&bytes);
        let identity = Self::from_seed(&seed);
        // Re-encoding catches lower case and stray padding bits.
        if *identity.to_secret_string() != text {
            return Err(KeyError::Mistyped);
        }
        Ok(identity)
    }
}

/// A public key: whoever has it can seal files that only its identity opens.
#[derive(Clone)]
pub struct HybridRecipient {
    key: Box<PublicKey>,
    text: String,
}

impl HybridRecipient {
    fn of(key: PublicKey) -> Self {
        let text = bech32::encode_lower::<LongBech32>(RECIPIENT_HRP, &key.to_bytes()).unwrap_or_else(|_| unreachable!("no length limit"));
        HybridRecipient { key: Box::new(key), text }
    }

    /// `age1pq1…`, 1,959 characters.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn wrap(&self, file_key: &FileKey) -> Result<Stanza, SealError> {
        let (enc, body) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, XWing>(&OpModeS::Base, &self.key, INFO, file_key.expose_secret(), b"")
            .map_err(|_| SealError::Refused("the recipient's key cannot be used"))?;
        Ok(Stanza { tag: STANZA_TYPE.to_owned(), args: vec![BASE64.encode(enc.to_bytes())], body })
    }
}

impl age::Recipient for HybridRecipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let stanza = self.wrap(file_key).map_err(|e| age::EncryptError::Io(e.into()))?;
        Ok((vec![stanza], HashSet::from([LABEL.to_owned()])))
    }
}

impl PartialEq for HybridRecipient {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for HybridRecipient {}

impl fmt::Display for HybridRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for HybridRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for HybridRecipient {
    type Err = KeyError;

    /// Reads `age1pq1…`, lower case, nothing around it; refuses keys that could only make weak files.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = decode(text, RECIPIENT_HRP, "recipient", RECIPIENT_BYTES)?;
        if is_low_order(&bytes) {
            return Err(KeyError::Invalid("its X25519 half is a low-order point"));
        }
        let key = PublicKey::from_bytes(&bytes).map_err(|_| KeyError::Invalid("its ML-KEM half is not a valid key"))?;
        let recipient = Self::of(key);
        if recipient.text != text {
            return Err(KeyError::Mistyped);
        }
        Ok(recipient)
    }
}

fn decode(text: &str, hrp: Hrp, kind: &'static str, length: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let parsed = CheckedHrpstring::new::<LongBech32>(text).map_err(|_| KeyError::Mistyped)?;
    if parsed.hrp() != hrp {
        return Err(KeyError::WrongKind(kind));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    bytes.extend(parsed.byte_iter());
    if bytes.len() != length {
        return Err(KeyError::Invalid("it has the wrong length"));
    }
    Ok(bytes)
}

/// Bech32 (BIP 173) without its limit on length, as age uses it.
enum LongBech32 {}

impl Checksum for LongBech32 {
    type MidstateRepr = <Bech32 as Checksum>::MidstateRepr;
    type CorrectionField = <Bech32 as Checksum>::CorrectionField;
    const ROOT_GENERATOR: Self::CorrectionField = Bech32::ROOT_GENERATOR;
    const ROOT_EXPONENTS: core::ops::RangeInclusive<usize> = Bech32::ROOT_EXPONENTS;
    const CODE_LENGTH: usize = usize::MAX;
    const CHECKSUM_LENGTH: usize = Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [Self::MidstateRepr; 5] = Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: Self::MidstateRepr = Bech32::TARGET_RESIDUE;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_text_and_recipient_roundtrip() {
        let identity = HybridIdentity::from_seed(&[7; 32]);
        let text = identity.to_secret_string();
        assert!(text.starts_with("AGE-SECRET-KEY-PQ-1"));
        let again: HybridIdentity = text.parse().unwrap();
        assert_eq!(*again.seed(), [7; 32]);
        let recipient = identity.recipient();
        assert_eq!(recipient.as_str().len(), 1959);
        assert_eq!(recipient.as_str().parse::<HybridRecipient>().unwrap(), recipient);
        assert_eq!(again.recipient(), recipient);
    }

    #[test]
    fn specification_example_is_read() {
        let text = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR";
        let identity: HybridIdentity = text.parse().unwrap();
        assert_eq!(*identity.to_secret_string(), text);
        assert!(identity.recipient().as_str().starts_with("age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5z"));
        assert!(identity.recipient().as_str().ends_with("dkmhh6gjtqmwze9pyyzk3tlhl53k2ykx3qheyty7saeq0d3fzv49zc0k"));
    }

    #[test]
    fn debug_hides_the_secret() {
        let identity = HybridIdentity::from_seed(&[7; 32]);
        assert_eq!(format!("{identity:?}"), "HybridIdentity(hidden)");
    }

    #[test]
    fn mistyped_and_foreign_keys_are_told_apart() {
        let identity = HybridIdentity::from_seed(&[7; 32]);
        let text = identity.to_secret_string();
        let parse = |text: &str| text.parse::<HybridIdentity>().unwrap_err();
        assert_eq!(parse(&text.to_lowercase()), KeyError::Mistyped);
        assert_eq!(parse(&text[..text.len() - 1]), KeyError::Mistyped);
        assert_eq!(parse(&format!("{} ", *text)), KeyError::Mistyped);
        assert_eq!(parse(""), KeyError::Mistyped);
        assert_eq!(parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"), KeyError::WrongKind("identity"));
        let recipient = identity.recipient().to_string();
        assert_eq!(parse(&recipient), KeyError::WrongKind("identity"));
        assert_eq!(recipient.to_uppercase().parse::<HybridRecipient>().unwrap_err(), KeyError::Mistyped);
        assert_eq!("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj".parse::<HybridRecipient>().unwrap_err(), KeyError::WrongKind("recipient"));
    }

    #[test]
    fn every_changed_character_of_a_key_is_noticed() {
        let text = HybridIdentity::from_seed(&[9; 32]).to_secret_string();
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'Q' { b'P' } else { b'Q' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(changed.parse::<HybridIdentity>().is_err(), "character {at}");
        }
    }

    /// The points of order 1, 2, 4 and 8 of Curve25519 and its twist, with their non-canonical twins.
    #[test]
    fn low_order_halves_are_refused() {
        let points = [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ];
        let good = HybridIdentity::from_seed(&[7; 32]).recipient();
        for point in points {
            let mut bytes = good.key.to_bytes();
            let at = bytes.len() - X25519_BYTES;
            bytes[at..].copy_from_slice(&hex::decode(point).unwrap());
            let text = bech32::encode_lower::<LongBech32>(RECIPIENT_HRP, &bytes).unwrap();
            assert!(matches!(text.parse::<HybridRecipient>(), Err(KeyError::Invalid(_))), "{point}");
            // The high bit is ignored by X25519, so it must not help.
            bytes[at + 31] |= 0x80;
            assert!(is_low_order(&bytes), "{point} with its high bit");
        }
        assert!(!is_low_order(&good.key.to_bytes()));
    }

    #[test]
    fn bech32_is_that_of_bip_173_and_not_its_successor() {
        let text = bech32::encode_lower::<Bech32>(RECIPIENT_HRP, &[1, 2, 3]).unwrap();
        assert!(CheckedHrpstring::new::<LongBech32>(&text).is_ok());
        let text = bech32::encode_lower::<bech32::Bech32m>(RECIPIENT_HRP, &[1, 2, 3]).unwrap();
        assert!(CheckedHrpstring::new::<LongBech32>(&text).is_err());
    }
}
