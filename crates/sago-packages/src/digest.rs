//! Digest algorithms that OCFL and BagIt name, and hashing of bytes with several of them at once; `lanes.rs` reads streams.
//!
//! Not here: which algorithms a standard allows where; that is said beside the rule.

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use sha2::digest::consts::{U20, U32, U48};

/// Bytes read at once while hashing.
pub(crate) const BUFFER_BYTES: usize = 256 * 1024;

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Algorithm {
    #[serde(rename = "md5")]
    Md5,
    #[serde(rename = "sha1")]
    Sha1,
    #[serde(rename = "sha224")]
    Sha224,
    #[serde(rename = "sha256")]
    Sha256,
    #[serde(rename = "sha384")]
    Sha384,
    #[serde(rename = "sha512")]
    Sha512,
    #[serde(rename = "sha512/256")]
    Sha512Truncated256,
    #[serde(rename = "blake2b-160")]
    Blake2b160,
    #[serde(rename = "blake2b-256")]
    Blake2b256,
    #[serde(rename = "blake2b-384")]
    Blake2b384,
    #[serde(rename = "blake2b-512")]
    Blake2b512,
    /// The number of bytes, in decimal (OCFL extension 0009).
    #[serde(rename = "size")]
    Size,
}

use Algorithm::{Blake2b160, Blake2b256, Blake2b384, Blake2b512, Md5, Sha1, Sha224, Sha256, Sha384, Sha512, Sha512Truncated256, Size};

impl Algorithm {
    /// Every algorithm, with the name OCFL uses.
    pub const ALL: [(Algorithm, &'static str); 12] = [
        (Md5, "md5"),
        (Sha1, "sha1"),
        (Sha224, "sha224"),
        (Sha256, "sha256"),
        (Sha384, "sha384"),
        (Sha512, "sha512"),
        (Sha512Truncated256, "sha512/256"),
        (Blake2b160, "blake2b-160"),
        (Blake2b256, "blake2b-256"),
        (Blake2b384, "blake2b-384"),
        (Blake2b512, "blake2b-512"),
        (Size, "size"),
    ];

    /// Gives the name, as OCFL writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(algorithm, _)| *algorithm == self).map_or("", |(_, name)| name)
    }

    /// Finds an algorithm in OCFL's vocabulary (section 3.4 and extension 0009); names are case sensitive.
    #[must_use]
    pub fn from_ocfl(name: &str) -> Option<Self> {
        match name {
            // SHA-224 and SHA-384 are known to BagIt alone.
            "sha224" | "sha384" => None,
            _ => Self::ALL.iter().find(|(_, known)| *known == name).map(|(algorithm, _)| *algorithm),
        }
    }

    /// Finds an algorithm by the part of a manifest's file name after `manifest-` (RFC 8493 section 2.4: lower case, no punctuation;
    /// other spellings are accepted on reading).
    #[must_use]
    pub fn from_bagit(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        [Md5, Sha1, Sha224, Sha256, Sha384, Sha512].into_iter().find(|algorithm| algorithm.name() == plain)
    }

    /// Says whether `text` has the shape of a digest of this algorithm; hexadecimal in any case.
    #[must_use]
    pub fn is_shape_of(self, text: &str) -> bool {
        match self.digest_bytes() {
            Some(bytes) => text.len() == bytes * 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0')),
        }
    }

    fn digest_bytes(self) -> Option<usize> {
        match self {
            Md5 => Some(16),
            Sha1 | Blake2b160 => Some(20),
            Sha224 => Some(28),
            Sha256 | Sha512Truncated256 | Blake2b256 => Some(32),
            Sha384 | Blake2b384 => Some(48),
            Sha512 | Blake2b512 => Some(64),
            Size => None,
        }
    }

    /// Hashes a short text or document held in memory.
    #[must_use]
    pub fn hash(self, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

enum Hasher {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sha512Truncated256(sha2::Sha512_256),
    Blake2b160(blake2::Blake2b<U20>),
    Blake2b256(blake2::Blake2b<U32>),
    Blake2b384(blake2::Blake2b<U48>),
    Blake2b512(blake2::Blake2b512),
    Size(u64),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Md5 => Self::Md5(md5::Md5::new()),
            Sha1 => Self::Sha1(sha1::Sha1::new()),
            Sha224 => Self::Sha224(sha2::Sha224::new()),
            Sha256 => Self::Sha256(sha2::Sha256::new()),
            Sha384 => Self::Sha384(sha2::Sha384::new()),
            Sha512 => Self::Sha512(sha2::Sha512::new()),
            Sha512Truncated256 => Self::Sha512Truncated256(sha2::Sha512_256::new()),
            Blake2b160 => Self::Blake2b160(blake2::Blake2b::new()),
            Blake2b256 => Self::Blake2b256(blake2::Blake2b::new()),
            Blake2b384 => Self::Blake2b384(blake2::Blake2b::new()),
            Blake2b512 => Self::Blake2b512(blake2::Blake2b512::new()),
            Size => Self::Size(0),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha224(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
            Self::Sha512Truncated256(hasher) => hasher.update(bytes),
            Self::Blake2b160(hasher) => hasher.update(bytes),
            Self::Blake2b256(hasher) => hasher.update(bytes),
            Self::Blake2b384(hasher) => hasher.update(bytes),
            Self::Blake2b512(hasher) => hasher.update(bytes),
            Self::Size(count) => *count += bytes.len() as u64,
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Md5(hasher) => hex::encode(hasher.finalize()),
            Self::Sha1(hasher) => hex::encode(hasher.finalize()),
            Self::Sha224(hasher) => hex::encode(hasher.finalize()),
            Self::Sha256(hasher) => hex::encode(hasher.finalize()),
            Self::Sha384(hasher) => hex::encode(hasher.finalize()),
            Self::Sha512(hasher) => hex::encode(hasher.finalize()),
            Self::Sha512Truncated256(hasher) => hex::encode(hasher.finalize()),
            Self::Blake2b160(hasher) => hex::encode(hasher.finalize()),
            Self::Blake2b256(hasher) => hex::encode(hasher.finalize()),
            Self::Blake2b384(hasher) => hex::encode(hasher.finalize()),
            Self::Blake2b512(hasher) => hex::encode(hasher.finalize()),
            Self::Size(count) => count.to_string(),
        }
    }
}

/// Hashes one stream with several algorithms at once.
pub struct MultiHasher {
    hashers: Vec<(Algorithm, Hasher)>,
    bytes: u64,
}

impl MultiHasher {
    /// Begins; an algorithm named twice is computed once.
    #[must_use]
    pub fn new(algorithms: &[Algorithm]) -> Self {
        let mut wanted = algorithms.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        Self { hashers: wanted.into_iter().map(|algorithm| (algorithm, Hasher::new(algorithm))).collect(), bytes: 0 }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        for (_, hasher) in &mut self.hashers {
            hasher.update(bytes);
        }
    }

    /// How many bytes were taken.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Parts that each go on with one algorithm.
    pub(crate) fn split(self) -> Vec<Self> {
        let bytes = self.bytes;
        self.hashers.into_iter().map(|hasher| Self { hashers: vec![hasher], bytes }).collect()
    }

    /// Puts parts together that [`split`](Self::split) made and that took the same bytes.
    pub(crate) fn join(parts: Vec<Self>, bytes: u64) -> Self {
        Self { hashers: parts.into_iter().flat_map(|part| part.hashers).collect(), bytes }
    }

    /// Ends and gives the number of bytes and the digests.
    #[must_use]
    pub fn finish(self) -> Digests {
        let list = self.hashers.into_iter().map(|(algorithm, hasher)| (algorithm, hasher.finish())).collect();
        Digests { size_bytes: self.bytes, list }
    }
}

/// Digests of one stream; hexadecimal, lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// How many bytes were hashed.
    pub size_bytes: u64,
    /// One digest per algorithm, in the order of [`Algorithm`].
    pub list: Vec<(Algorithm, String)>,
}

impl Digests {
    /// Gives the digest of one algorithm, when it was asked for.
    #[must_use]
    pub fn get(&self, algorithm: Algorithm) -> Option<&str> {
        self.list.iter().find(|(known, _)| *known == algorithm).map(|(_, digest)| digest.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_stream_gives_the_digests_printed_in_the_standards() {
        let expected = [
            (Md5, "d41d8cd98f00b204e9800998ecf8427e"),
            (Sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (Sha224, "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f"),
            (Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4"),
            (Sha384, "38b060a751ac96384cd9327eb1b1e36a21fdb711"),
            (Sha512, "cf83e1357eefb8bdf1542850d66d8007d620e405"),
            (Sha512Truncated256, "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7"),
            (Blake2b160, "3345524abf6bbe1809449224b5972c41790b6cf2"),
            (Blake2b256, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47"),
            (Blake2b384, "b32811423377f52d7862286ee1a72ee540524380"),
            (Blake2b512, "786a02f742015903c6c6fd852552d272912f4740"),
            (Size, "0"),
        ];
        let algorithms: Vec<Algorithm> = expected.iter().map(|(algorithm, _)| *algorithm).collect();
        let digests = MultiHasher::new(&algorithms).finish();
        for (algorithm, start) in expected {
            let digest = digests.get(algorithm).unwrap();
            assert!(digest.starts_with(start), "{algorithm}: {digest}");
            assert!(algorithm.is_shape_of(digest), "{algorithm}: {digest}");
            assert!(algorithm == Size || algorithm.is_shape_of(&digest.to_uppercase()));
        }
        assert_eq!(digests.list.len(), Algorithm::ALL.len());
    }

    #[test]
    fn names_of_one_standard_are_not_names_of_the_other() {
        assert_eq!(Algorithm::from_ocfl("sha512/256"), Some(Sha512Truncated256));
        assert_eq!(Algorithm::from_ocfl("SHA512"), None);
        assert_eq!(Algorithm::from_ocfl("sha384"), None);
        assert_eq!(Algorithm::from_bagit("SHA-256"), Some(Sha256));
        assert_eq!(Algorithm::from_bagit("blake2b-512"), None);
    }
}
