//! What an authority is asked to stamp: the imprint, and the request that carries it (RFC 3161 section 2.4.1).

use crate::algorithm::HashAlgorithm;
use crate::tlv::{element, unsigned};
use der::asn1::ObjectIdentifier as Oid;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The digest of the bytes to be stamped. Others than these are not asked for and not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imprint {
    /// A SHA-256 digest.
    Sha256([u8; 32]),
    /// A SHA-384 digest.
    Sha384([u8; 48]),
    /// A SHA-512 digest.
    Sha512([u8; 64]),
}

impl Imprint {
    /// The SHA-256 imprint of `bytes`.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(bytes).into())
    }

    /// The SHA-384 imprint of `bytes`.
    pub fn sha384(bytes: &[u8]) -> Self {
        Self::Sha384(Sha384::digest(bytes).into())
    }

    /// The SHA-512 imprint of `bytes`.
    pub fn sha512(bytes: &[u8]) -> Self {
        Self::Sha512(Sha512::digest(bytes).into())
    }

    /// The imprint that `digest` is under `algorithm`; none for SHA-1 and for a digest of the wrong length.
    pub fn from_digest(algorithm: HashAlgorithm, digest: &[u8]) -> Option<Self> {
        match algorithm {
            HashAlgorithm::Sha1 => None,
            HashAlgorithm::Sha256 => digest.try_into().ok().map(Self::Sha256),
            HashAlgorithm::Sha384 => digest.try_into().ok().map(Self::Sha384),
            HashAlgorithm::Sha512 => digest.try_into().ok().map(Self::Sha512),
        }
    }

    /// The hash function.
    pub fn algorithm(&self) -> HashAlgorithm {
        match self {
            Self::Sha256(_) => HashAlgorithm::Sha256,
            Self::Sha384(_) => HashAlgorithm::Sha384,
            Self::Sha512(_) => HashAlgorithm::Sha512,
        }
    }

    /// The digest.
    pub fn digest(&self) -> &[u8] {
        match self {
            Self::Sha256(digest) => digest,
            Self::Sha384(digest) => digest,
            Self::Sha512(digest) => digest,
        }
    }
}

/// Makes a TimeStampReq in DER, to be sent as `application/timestamp-query`.
///
/// `nonce` is an unsigned number, most significant byte first. With `cert_req` the authority puts its certificate into the token;
/// without it the token alone cannot be verified later.
pub fn request(imprint: &Imprint, nonce: Option<[u8; 8]>, cert_req: bool, policy: Option<Oid>) -> Vec<u8> {
    let algorithm = element(0x30, &[&element(0x06, &[imprint.algorithm().oid().as_bytes()]), &[0x05, 0x00]]);
    let message_imprint = element(0x30, &[&algorithm, &element(0x04, &[imprint.digest()])]);
    let policy = policy.map(|policy| element(0x06, &[policy.as_bytes()])).unwrap_or_default();
    let nonce = nonce.map(|nonce| unsigned(&nonce)).unwrap_or_default();
    // The default, FALSE, is left out (X.690 11.5).
    let cert_req: &[u8] = if cert_req { &[0x01, 0x01, 0xFF] } else { &[] };
    element(0x30, &[&unsigned(&[1]), &message_imprint, &policy, &nonce, cert_req])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_has_the_bytes_of_rfc_3161() {
        let written = request(&Imprint::Sha256([0xAB; 32]), Some([0, 0, 0, 0, 0, 0, 0x80, 1]), true, Some(Oid::new_unwrap("1.2.3.4")));
        let expected = [
            "3043020101",
            "3031300d060960864801650304020105000420abababababababababababababababababababababababababababababababab",
            "06032a0304",
            "0203008001",
            "0101ff",
        ];
        assert_eq!(hex::encode(written), expected.concat());
    }

    #[test]
    fn bare_request_leaves_out_what_is_optional() {
        let written = request(&Imprint::sha512(b""), None, false, None);
        assert_eq!(written.len(), 2 + 3 + 2 + 15 + 66);
        assert_eq!(written[..5], [0x30, 0x56, 0x02, 0x01, 0x01]);
    }

    #[test]
    fn imprints_of_other_lengths_or_of_sha1_do_not_exist() {
        assert_eq!(Imprint::from_digest(HashAlgorithm::Sha256, &[0; 31]), None);
        assert_eq!(Imprint::from_digest(HashAlgorithm::Sha1, &[0; 20]), None);
        assert_eq!(Imprint::from_digest(HashAlgorithm::Sha384, &[0; 48]), Some(Imprint::Sha384([0; 48])));
    }
}
