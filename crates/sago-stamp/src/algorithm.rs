//! Hash functions and algorithm identifiers, read from tokens and certificates.

use crate::oid;
use crate::tlv::{Fields, Read};
use der::asn1::ObjectIdentifier as Oid;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::fmt;

/// The hash functions understood here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// SHA-1: read where older authorities still use it, always with a finding when a signature rests on it.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashAlgorithm {
    const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    pub(crate) fn oid(self) -> Oid {
        match self {
            Self::Sha1 => oid::SHA1,
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    pub(crate) fn from_oid(oid: Oid) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.oid() == oid)
    }

    /// The digest of `bytes`.
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// AlgorithmIdentifier (RFC 5280 section 4.1.1.2); parameters are kept as all their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlgorithmId {
    pub(crate) oid: Oid,
    pub(crate) parameters: Option<Vec<u8>>,
}

impl AlgorithmId {
    pub(crate) fn read(fields: &mut Fields<'_>) -> Read<Self> {
        Self::read_fields(fields.sequence()?)
    }

    pub(crate) fn read_fields(mut fields: Fields<'_>) -> Read<Self> {
        let oid = fields.oid()?;
        let parameters = if fields.is_empty() { None } else { Some(fields.next()?.der.to_vec()) };
        fields.end()?;
        Ok(Self { oid, parameters })
    }

    /// Whether parameters are absent or NULL; both are in use for hashes and RSA (RFC 5754 section 2, RFC 4055 section 2.1).
    pub(crate) fn is_bare(&self) -> bool {
        self.parameters.as_deref().is_none_or(|parameters| parameters == [0x05, 0x00])
    }

    /// The hash function this names, if it is one understood here.
    pub(crate) fn hash(&self) -> Option<HashAlgorithm> {
        HashAlgorithm::from_oid(self.oid).filter(|_| self.is_bare())
    }
}
