//! A leaf: the one public line that commits to an event and shows nothing of it (formats, section 2).
//!
//! What opens a leaf is in [`crate::opening`].

use std::fmt;

use serde_json::Value;

use crate::decimal::parse_decimal;
use crate::json::{JsonError, canonical_json};
use crate::merkle::{Hash, leaf_hash};

/// The longest entry, in bytes.
pub const MAX_LEAF_BYTES: usize = 120;

/// The last second of the year 9999: later times have no text in payloads.
pub const MAX_SECONDS: u64 = 253_402_300_799;

const PREFIX: &str = "sago-leaf/1 ";

/// Which half of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HalfKind {
    /// What happened to which identifiers.
    Skeleton,
    /// Everything else.
    Detail,
}

impl HalfKind {
    fn tag(self) -> &'static [u8] {
        match self {
            Self::Skeleton => b"sago/skeleton/1\n",
            Self::Detail => b"sago/detail/1\n",
        }
    }
}

impl fmt::Display for HalfKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Skeleton => "skeleton",
            Self::Detail => "detail",
        })
    }
}

/// One half of an event: the bytes that were committed to, and the 32 random bytes that hide them.
#[derive(Clone, PartialEq, Eq)]
pub struct Half {
    /// Random, used once: without it the payload could be guessed from its commitment.
    pub nonce: [u8; 32],
    /// Exactly the bytes that were committed to: by format the canonical JSON of an object, see [`Half::new`].
    ///
    /// What is read is never encoded again, nor refused for its form: the bytes are the evidence.
    pub payload: String,
}

impl Half {
    /// Makes a half of a value, whose canonical JSON becomes the payload; `nonce` must be random and new.
    pub fn new(nonce: [u8; 32], value: &Value) -> Result<Self, JsonError> {
        let payload = String::from_utf8_lossy(&canonical_json(value)?).into_owned();
        Ok(Self { nonce, payload })
    }

    /// Returns SHA-256(tag ‖ nonce ‖ payload), with the tag of the kind.
    pub fn commitment(&self, kind: HalfKind) -> Hash {
        Hash::of(&[kind.tag(), &self.nonce, self.payload.as_bytes()])
    }
}

impl fmt::Debug for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Payloads name people; they must not reach a log file through a debug line.
        write!(f, "Half({} bytes)", self.payload.len())
    }
}

/// Returns the commitment of a leaf: SHA-256("sago/leaf/1\n" ‖ skeleton commitment ‖ detail commitment).
pub fn commitment(skeleton: &Hash, detail: &Hash) -> Hash {
    Hash::of(&[b"sago/leaf/1\n", &skeleton.0, &detail.0])
}

/// One entry of the public log: when, and the commitment to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    seconds: u64,
    commitment: Hash,
}

/// Why bytes are no leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Longer than [`MAX_LEAF_BYTES`].
    #[error("a leaf of {0} bytes is longer than {MAX_LEAF_BYTES}")]
    TooLong(usize),
    /// Not `sago-leaf/1 <seconds> <base64>\n`.
    #[error("a leaf is `sago-leaf/1 <seconds> <base64 of 32 bytes>` and a newline")]
    Form,
    /// Seconds with leading zeroes, or after the year 9999.
    #[error("the seconds of a leaf are a plain decimal up to {MAX_SECONDS}")]
    Seconds,
}

impl Leaf {
    /// Makes a leaf; `seconds` count from 1970-01-01T00:00:00Z and are at most [`MAX_SECONDS`].
    pub fn new(seconds: u64, commitment: Hash) -> Result<Self, LeafError> {
        if seconds > MAX_SECONDS {
            return Err(LeafError::Seconds);
        }
        Ok(Self { seconds, commitment })
    }

    /// Makes the leaf that commits to two halves.
    pub fn of(seconds: u64, skeleton: &Half, detail: &Half) -> Result<Self, LeafError> {
        let skeleton = skeleton.commitment(HalfKind::Skeleton);
        Self::new(seconds, commitment(&skeleton, &detail.commitment(HalfKind::Detail)))
    }

    /// Returns the time, in whole seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }

    /// Returns the commitment.
    pub fn commitment(&self) -> Hash {
        self.commitment
    }

    /// Returns the entry: at most [`MAX_LEAF_BYTES`] bytes that end with a newline.
    pub fn entry(&self) -> Vec<u8> {
        format!("{PREFIX}{} {}\n", self.seconds, self.commitment.to_base64()).into_bytes()
    }

    /// Returns the record hash of the entry in the tree.
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.entry())
    }

    /// Reads an entry; only the bytes that [`Leaf::entry`] writes are one.
    pub fn parse(entry: &[u8]) -> Result<Self, LeafError> {
        if entry.len() > MAX_LEAF_BYTES {
            return Err(LeafError::TooLong(entry.len()));
        }
        let text = str::from_utf8(entry).map_err(|_| LeafError::Form)?;
        let body = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix('\n')).ok_or(LeafError::Form)?;
        let (seconds, commitment) = body.split_once(' ').ok_or(LeafError::Form)?;
        let commitment = Hash::from_base64(commitment).map_err(|_| LeafError::Form)?;
        let seconds = parse_decimal(seconds).ok_or(LeafError::Seconds)?;
        Self::new(seconds, commitment)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bytes_of_a_leaf_are_for_ever() {
        let skeleton = Half::new([1; 32], &json!({ "kind": "test" })).unwrap();
        let detail = Half { nonce: [2; 32], payload: "{}".to_owned() };
        let leaf = Leaf::of(1_773_482_520, &skeleton, &detail).unwrap();
        // Computed once with Python's hashlib.
        assert_eq!(skeleton.commitment(HalfKind::Skeleton).to_hex(), SKELETON);
        assert_eq!(detail.commitment(HalfKind::Detail).to_hex(), DETAIL);
        assert_eq!(leaf.commitment().to_hex(), LEAF);
        assert_eq!(String::from_utf8(leaf.entry()).unwrap(), ENTRY);
        assert_eq!(leaf.hash().to_hex(), RECORD);
        assert_eq!(Leaf::parse(ENTRY.as_bytes()), Ok(leaf));
    }

    const SKELETON: &str = "68e1f47ae513f67ad56916621ada53801c841e8eed36453b4457f7e270498550";
    const DETAIL: &str = "6060955d5d612cacaf4d4f729d16b273e59f9042377cb946810986c62ce7e4d4";
    const LEAF: &str = "ccf837f4377975c1f84040f4f871c3e49f00bcc723575316385a716ae730b74b";
    const ENTRY: &str = "sago-leaf/1 1773482520 zPg39Dd5dcH4QED0+HHD5J8AvMcjV1MWOFpxaucwt0s=\n";
    const RECORD: &str = "73f6c449f6bd6e61459679978acb587b2ce59b18d9523d6927774f7f68dd5f81";

    #[test]
    fn other_bytes_are_no_leaf() {
        let good = String::from_utf8(Leaf::new(7, Hash([9; 32])).unwrap().entry()).unwrap();
        let hash = Hash([9; 32]).to_base64();
        assert_eq!(good, format!("sago-leaf/1 7 {hash}\n"));
        let check = |entry: &str, expect| assert_eq!(Leaf::parse(entry.as_bytes()), Err(expect), "{entry:?}");
        check("", LeafError::Form);
        check(good.trim_end(), LeafError::Form);
        check(&format!("{good}\n"), LeafError::Form);
        check(&format!(" {good}"), LeafError::Form);
        check(&good.replace("/1", "/2"), LeafError::Form);
        check(&good.replace(' ', "  "), LeafError::Form);
        check(&good.replace(&hash, &hash[..43]), LeafError::Form);
        check(&good.replace(" 7 ", " 07 "), LeafError::Seconds);
        check(&good.replace(" 7 ", " +7 "), LeafError::Seconds);
        check(&good.replace(" 7 ", " 253402300800 "), LeafError::Seconds);
        check(&good.replace(" 7 ", &format!(" {} ", "9".repeat(80))), LeafError::TooLong(138));
        assert_eq!(Leaf::new(MAX_SECONDS + 1, Hash([9; 32])), Err(LeafError::Seconds));
        assert!(Leaf::new(MAX_SECONDS, Hash([9; 32])).unwrap().entry().len() <= MAX_LEAF_BYTES);
    }
}
