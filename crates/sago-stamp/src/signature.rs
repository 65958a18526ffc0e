//! Checks one signature by one public key: RSA (PKCS#1 v1.5 and PSS) and ECDSA on P-256, P-384 and P-521.
//!
//! Who may sign what, and whether the algorithm is still good, is judged elsewhere.

use crate::algorithm::{AlgorithmId, HashAlgorithm};
use crate::certificate::SubjectKey;
use crate::oid;
use crate::tlv::{Fields, Read, context, malformed};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pss};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// The largest PSS salt accepted, in bytes: the digest of the largest hash is 64.
const MAX_SALT_BYTES: u32 = 512;

/// Why a signature was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The algorithm or key cannot be used here, so nothing was checked.
    Unsupported(String),
    /// Checked, and wrong.
    Bad,
}

/// What an accepted signature rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strength {
    pub(crate) hash: HashAlgorithm,
    /// Modulus bits, for RSA.
    pub(crate) rsa_bits: Option<usize>,
}

/// How the bytes were signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Pkcs1(HashAlgorithm),
    Pss(HashAlgorithm, usize),
    Ecdsa(HashAlgorithm),
}

/// Verifies `signature` over `message`.
///
/// `digest` is the hash named beside the signature in CMS; it must agree with the one inside `algorithm`, and supplies it where
/// `algorithm` only says "RSA".
pub(crate) fn check(key: &SubjectKey, algorithm: &AlgorithmId, digest: Option<HashAlgorithm>, message: &[u8], signature: &[u8]) -> Result<Strength, Refusal> {
    let scheme = scheme(algorithm, digest)?;
    let (Scheme::Pkcs1(hash) | Scheme::Pss(hash, _) | Scheme::Ecdsa(hash)) = scheme;
    if digest.is_some_and(|digest| digest != hash) {
        return Err(Refusal::Unsupported(format!("the signature uses {hash}, another digest is named beside it")));
    }
    let hashed = hash.digest(message);
    match scheme {
        Scheme::Ecdsa(_) => check_ecdsa(key, &hashed, signature).map(|()| Strength { hash, rsa_bits: None }),
        Scheme::Pkcs1(_) | Scheme::Pss(..) => check_rsa(key, scheme, &hashed, signature).map(|bits| Strength { hash, rsa_bits: Some(bits) }),
    }
}

fn scheme(algorithm: &AlgorithmId, digest: Option<HashAlgorithm>) -> Result<Scheme, Refusal> {
    let unsupported = || Refusal::Unsupported(format!("signature algorithm {}", algorithm.oid));
    if algorithm.oid == oid::RSASSA_PSS {
        return read_pss(algorithm).map_err(|finding| Refusal::Unsupported(finding.message));
    }
    if !algorithm.is_bare() {
        return Err(unsupported());
    }
    Ok(match algorithm.oid {
        // CMS may name the bare key type; the digest then stands beside it (RFC 3370 section 3.2).
        oid::RSA_ENCRYPTION => Scheme::Pkcs1(digest.ok_or_else(unsupported)?),
        oid::SHA1_WITH_RSA => Scheme::Pkcs1(HashAlgorithm::Sha1),
        oid::SHA256_WITH_RSA => Scheme::Pkcs1(HashAlgorithm::Sha256),
        oid::SHA384_WITH_RSA => Scheme::Pkcs1(HashAlgorithm::Sha384),
        oid::SHA512_WITH_RSA => Scheme::Pkcs1(HashAlgorithm::Sha512),
        oid::ECDSA_WITH_SHA1 => Scheme::Ecdsa(HashAlgorithm::Sha1),
        oid::ECDSA_WITH_SHA256 => Scheme::Ecdsa(HashAlgorithm::Sha256),
        oid::ECDSA_WITH_SHA384 => Scheme::Ecdsa(HashAlgorithm::Sha384),
        oid::ECDSA_WITH_SHA512 => Scheme::Ecdsa(HashAlgorithm::Sha512),
        _ => return Err(unsupported()),
    })
}

/// RSASSA-PSS-params (RFC 4055 section 3.1). The mask must use the same hash, as every authority in use does.
fn read_pss(algorithm: &AlgorithmId) -> Read<Scheme> {
    const PLACE: &str = "pss";
    let bytes = algorithm.parameters.as_deref().ok_or_else(|| malformed(PLACE, "PSS without parameters"))?;
    let mut fields = Fields::of_sequence(bytes, PLACE)?;
    let hash = match fields.optional(context(0))? {
        None => Some(HashAlgorithm::Sha1),
        Some(element) => AlgorithmId::read_fields(Fields::of_sequence(element.value, PLACE)?)?.hash(),
    };
    let mask = match fields.optional(context(1))? {
        None => Some(HashAlgorithm::Sha1),
        Some(element) => {
            let mask = AlgorithmId::read_fields(Fields::of_sequence(element.value, PLACE)?)?;
            let inner = mask.parameters.as_deref().filter(|_| mask.oid == oid::MGF1);
            let inner = inner.ok_or_else(|| malformed(PLACE, "PSS with a mask other than MGF1"))?;
            AlgorithmId::read_fields(Fields::of_sequence(inner, PLACE)?)?.hash()
        }
    };
    let mut number = |tag: u32, default: u32| -> Read<u32> {
        let Some(element) = fields.optional(context(tag))? else {
            return Ok(default);
        };
        let mut inner = element.fields(PLACE);
        let number = inner.small()?;
        inner.end()?;
        Ok(number)
    };
    let (salt, trailer) = (number(2, 20)?, number(3, 1)?);
    fields.end()?;
    match (hash, mask) {
        (Some(hash), Some(mask)) if hash == mask && trailer == 1 && salt <= MAX_SALT_BYTES => Ok(Scheme::Pss(hash, salt as usize)),
        _ => Err(malformed(PLACE, "PSS parameters that are not supported")),
    }
}

fn check_rsa(key: &SubjectKey, scheme: Scheme, hashed: &[u8], signature: &[u8]) -> Result<usize, Refusal> {
    let bare = key.algorithm.oid == oid::RSA_ENCRYPTION && key.algorithm.is_bare();
    // A key marked for PSS may only sign so, with the hash and at least the salt it names (RFC 4055 section 3.3).
    let pss_only = key.algorithm.oid == oid::RSASSA_PSS
        && match (scheme, key.algorithm.parameters.is_some().then(|| read_pss(&key.algorithm))) {
            (Scheme::Pss(..), None) => true,
            (Scheme::Pss(hash, salt), Some(Ok(Scheme::Pss(only, least)))) => hash == only && salt >= least,
            _ => false,
        };
    if !bare && !pss_only {
        return Err(Refusal::Unsupported(format!("a key of type {} with an RSA signature", key.algorithm.oid)));
    }
    let read = || -> Read<(&[u8], &[u8])> {
        let mut fields = Fields::of_sequence(&key.bytes, "rsa key")?;
        let (modulus, exponent) = (fields.integer()?, fields.integer()?);
        fields.end()?;
        Ok((modulus, exponent))
    };
    let unsupported = |why: String| Refusal::Unsupported(format!("an RSA key that cannot be used: {why}"));
    let (modulus, exponent) = read().map_err(|finding| unsupported(finding.message))?;
    if modulus.first().is_none_or(|byte| *byte >= 0x80) || exponent.first().is_none_or(|byte| *byte >= 0x80) {
        return Err(unsupported("a negative number".to_owned()));
    }
    let (modulus, exponent) = (BoxedUint::from_be_slice_vartime(modulus), BoxedUint::from_be_slice_vartime(exponent));
    // 1024 to 8192 bits, exponent below 2^33.
    let public = rsa::PublicKey::new(modulus, exponent).map_err(|why| unsupported(why.to_string()))?;
    let verdict = match scheme {
        Scheme::Pkcs1(HashAlgorithm::Sha1) => public.pkcs1v15_verify_prehash::<Sha1>(hashed, signature),
        Scheme::Pkcs1(HashAlgorithm::Sha256) => public.pkcs1v15_verify_prehash::<Sha256>(hashed, signature),
        Scheme::Pkcs1(HashAlgorithm::Sha384) => public.pkcs1v15_verify_prehash::<Sha384>(hashed, signature),
        Scheme::Pkcs1(HashAlgorithm::Sha512) => public.pkcs1v15_verify_prehash::<Sha512>(hashed, signature),
        Scheme::Pss(HashAlgorithm::Sha1, salt) => public.verify(Pss::<Sha1>::new_with_salt(salt), hashed, signature),
        Scheme::Pss(HashAlgorithm::Sha256, salt) => public.verify(Pss::<Sha256>::new_with_salt(salt), hashed, signature),
        Scheme::Pss(HashAlgorithm::Sha384, salt) => public.verify(Pss::<Sha384>::new_with_salt(salt), hashed, signature),
        Scheme::Pss(HashAlgorithm::Sha512, salt) => public.verify(Pss::<Sha512>::new_with_salt(salt), hashed, signature),
        Scheme::Ecdsa(_) => return Err(unsupported("an ECDSA signature".to_owned())),
    };
    verdict.map(|()| public.n().bit_width_vartime() as usize).map_err(|_| Refusal::Bad)
}

fn check_ecdsa(key: &SubjectKey, hashed: &[u8], signature: &[u8]) -> Result<(), Refusal> {
    let unsupported = |why: &str| Refusal::Unsupported(format!("an elliptic curve key that cannot be used: {why}"));
    if key.algorithm.oid != oid::EC_PUBLIC_KEY {
        return Err(unsupported("not an elliptic curve key"));
    }
    let parameters = key.algorithm.parameters.as_deref().unwrap_or_default();
    let curve = Fields::new(parameters, "curve").oid().map_err(|_| unsupported("no named curve"))?;
    macro_rules! verify_on {
        ($curve:ident) => {{
            let point = $curve::ecdsa::VerifyingKey::from_sec1_bytes(&key.bytes).map_err(|_| unsupported("not a point on its curve"))?;
            let signature = $curve::ecdsa::Signature::from_der(signature).map_err(|_| Refusal::Bad)?;
            point.verify_prehash(hashed, &signature).map_err(|_| Refusal::Bad)
        }};
    }
    match curve {
        oid::P256 => verify_on!(p256),
        oid::P384 => verify_on!(p384),
        oid::P521 => verify_on!(p521),
        other => Err(unsupported(&format!("curve {other}"))),
    }
}
