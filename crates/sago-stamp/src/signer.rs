//! Judges the signer of a token: which certificate it is, whether the signed attributes bind it, whether the signature is right,
//! and whether that certificate may stamp time. Where the certificate comes from is the chain's question.

use crate::algorithm::{AlgorithmId, HashAlgorithm};
use crate::certificate::{Certificate, DIGITAL_SIGNATURE, NON_REPUDIATION};
use crate::finding::{Finding, code};
use crate::name::Name;
use crate::oid;
use crate::signature::{self, Refusal, Strength};
use crate::tlv::{Fields, Read, context, malformed};
use crate::token::{SignerId, SignerInfo, Token};
use der::asn1::ObjectIdentifier as Oid;
use std::fmt::Display;

const SIGNER: &str = "token/signer";
const ATTRIBUTES: &str = "token/signer/attributes";
const LEAF: &str = "chain/0";

/// The certificate the signer names, out of `pool`; of several, the one the signed attributes bind.
pub(crate) fn find<'a>(signer: &SignerInfo, pool: impl Iterator<Item = &'a Certificate>) -> Option<&'a Certificate> {
    let named: Vec<_> = pool
        .filter(|certificate| match &signer.id {
            SignerId::IssuerAndSerial(issuer, serial) => certificate.issuer.is_exactly(issuer) && certificate.serial == *serial,
            SignerId::KeyIdentifier(id) => certificate.extensions.subject_key_identifier.as_ref() == Some(id),
        })
        .collect();
    let bound = |certificate: &Certificate| {
        let mut findings = Vec::new();
        check_binding(signer, certificate, &mut findings);
        findings.is_empty()
    };
    named.iter().find(|certificate| bound(certificate)).or(named.first()).copied()
}

/// Judges content, attributes and signature of `token` by the key of `certificate`.
pub(crate) fn check(token: &Token, signer: &SignerInfo, certificate: &Certificate, findings: &mut Vec<Finding>) {
    check_content_type(signer, findings);
    let digest = signer.digest.hash();
    match digest {
        None => findings.push(Finding::error(code::ALGORITHM_UNSUPPORTED, SIGNER, format!("digest algorithm {} is not understood here", signer.digest.oid))),
        Some(digest) => check_message_digest(token, signer, digest, findings),
    }
    if !token.digest_algorithms.contains(&signer.digest.oid) {
        let message = "the signer's digest algorithm is not among those the token announces";
        findings.push(Finding::error(code::ALGORITHM_MISMATCH, SIGNER, message));
    }
    check_binding(signer, certificate, findings);
    check_algorithm_protection(signer, findings);
    if digest.is_some() {
        let verdict = signature::check(&certificate.key, &signer.algorithm, digest, &signer.signed, &signer.signature);
        match verdict {
            Ok(strength) => note_strength(strength, SIGNER, findings),
            Err(Refusal::Unsupported(why)) => {
                findings.push(Finding::error(code::ALGORITHM_UNSUPPORTED, SIGNER, format!("not checked: {why}")));
            }
            Err(Refusal::Bad) => {
                let message = format!("the signature is not by the key of {}", certificate.subject);
                findings.push(Finding::error(code::SIGNATURE_BAD, SIGNER, message));
            }
        }
    }
}

/// Says what a signature's hash and key leave to be desired.
pub(crate) fn note_strength(strength: Strength, path: &str, findings: &mut Vec<Finding>) {
    if strength.hash == HashAlgorithm::Sha1 {
        findings.push(Finding::warning(code::SHA1, path, "the signature rests on SHA-1"));
    }
    if let Some(bits) = strength.rsa_bits.filter(|bits| *bits < 2048) {
        findings.push(Finding::warning(code::KEY_WEAK, path, format!("signed with an RSA key of {bits} bits")));
    }
}

/// The single value of the attribute `kind`; absent, doubled and many-valued ones are a finding.
fn single<'a>(signer: &'a SignerInfo, kind: Oid, name: &str, findings: &mut Vec<Finding>) -> Option<&'a [u8]> {
    let found: Vec<_> = signer.attributes.iter().filter(|attribute| attribute.kind == kind).collect();
    let message = match found.as_slice() {
        [attribute] => match attribute.values.as_slice() {
            [value] => return Some(value),
            values => format!("{name} has {} values instead of one", values.len()),
        },
        [] => format!("{name} is absent"),
        several => format!("{name} is given {} times", several.len()),
    };
    findings.push(Finding::error(code::ATTRIBUTE_MISSING, ATTRIBUTES, message));
    None
}

fn has(signer: &SignerInfo, kind: Oid) -> bool {
    signer.attributes.iter().any(|attribute| attribute.kind == kind)
}

fn check_content_type(signer: &SignerInfo, findings: &mut Vec<Finding>) {
    let Some(value) = single(signer, oid::CONTENT_TYPE, "contentType", findings) else {
        return;
    };
    let read = || -> Read<Oid> {
        let mut fields = Fields::new(value, ATTRIBUTES);
        let kind = fields.oid()?;
        fields.end().map(|()| kind)
    };
    match read() {
        Ok(oid::TST_INFO) => {}
        Ok(other) => findings.push(Finding::error(code::CONTENT_TYPE_MISMATCH, ATTRIBUTES, format!("the signed content type is {other}, not TSTInfo"))),
        Err(finding) => findings.push(finding),
    }
}

fn check_message_digest(token: &Token, signer: &SignerInfo, digest: HashAlgorithm, findings: &mut Vec<Finding>) {
    let Some(value) = single(signer, oid::MESSAGE_DIGEST, "messageDigest", findings) else {
        return;
    };
    let read = || -> Read<&[u8]> {
        let mut fields = Fields::new(value, ATTRIBUTES);
        let octets = fields.octets()?;
        fields.end().map(|()| octets)
    };
    match read() {
        Ok(signed) if signed == digest.digest(&token.content) => {}
        Ok(_) => findings.push(Finding::error(code::DIGEST_MISMATCH, ATTRIBUTES, format!("the signed {digest} digest is not that of the token's content"))),
        Err(finding) => findings.push(finding),
    }
}

/// The signer's certificate must be the one named in ESSCertID (RFC 3161) or ESSCertIDv2 (RFC 5816); if both are there, in both.
fn check_binding(signer: &SignerInfo, certificate: &Certificate, findings: &mut Vec<Finding>) {
    let (first, second) = (has(signer, oid::SIGNING_CERTIFICATE), has(signer, oid::SIGNING_CERTIFICATE_V2));
    if !first && !second {
        let message = "neither signingCertificate nor signingCertificateV2 is there, so the certificate is not bound";
        findings.push(Finding::error(code::ATTRIBUTE_MISSING, ATTRIBUTES, message));
    }
    for (kind, name, present) in [(oid::SIGNING_CERTIFICATE, "signingCertificate", first), (oid::SIGNING_CERTIFICATE_V2, "signingCertificateV2", second)] {
        let Some(value) = present.then(|| single(signer, kind, name, findings)).flatten() else {
            continue;
        };
        match CertificateId::read(value, kind == oid::SIGNING_CERTIFICATE_V2) {
            Err(finding) => findings.push(finding),
            Ok(id) => match id.mismatch(certificate) {
                None => {}
                Some((code, why)) => findings.push(Finding::error(code, ATTRIBUTES, format!("{name}: {why}"))),
            },
        }
    }
}

/// ESSCertID or ESSCertIDv2 (RFC 5035 section 4).
struct CertificateId {
    algorithm: AlgorithmId,
    hash: Vec<u8>,
    issuer_and_serial: Option<(Vec<Name>, Vec<u8>)>,
}

impl CertificateId {
    /// The first identifier of the list, which is the signer's; the others only describe its issuers.
    fn read(value: &[u8], second: bool) -> Read<Self> {
        let mut list = Fields::of_sequence(value, ATTRIBUTES)?.sequence()?;
        let mut fields = list.sequence()?;
        let default = if second { oid::SHA256 } else { oid::SHA1 };
        let mut algorithm = AlgorithmId { oid: default, parameters: None };
        let mut ahead = fields;
        if second && ahead.next()?.tag == der::Tag::Sequence {
            algorithm = AlgorithmId::read(&mut fields)?;
        }
        let hash = fields.octets()?.to_vec();
        let mut issuer_and_serial = None;
        if !fields.is_empty() {
            let mut pair = fields.sequence()?;
            let mut general_names = pair.sequence()?;
            let mut names = Vec::new();
            while !general_names.is_empty() {
                let general = general_names.next()?;
                if general.tag == context(4) {
                    names.push(Name::read(&mut general.fields(ATTRIBUTES), ATTRIBUTES)?);
                }
            }
            issuer_and_serial = Some((names, pair.integer()?.to_vec()));
            pair.end()?;
        }
        fields.end()?;
        Ok(Self { algorithm, hash, issuer_and_serial })
    }

    fn mismatch(&self, certificate: &Certificate) -> Option<(&'static str, String)> {
        let Some(algorithm) = self.algorithm.hash() else {
            return Some((code::ALGORITHM_UNSUPPORTED, format!("digest algorithm {} is not understood here", self.algorithm.oid)));
        };
        if self.hash != algorithm.digest(certificate.der()) {
            let why = format!("another certificate than {} (SHA-256 {}) is bound", certificate.subject, certificate.sha256());
            return Some((code::SIGNING_CERTIFICATE_MISMATCH, why));
        }
        let (issuers, serial) = self.issuer_and_serial.as_ref()?;
        let fits = issuers.iter().any(|issuer| issuer.matches(&certificate.issuer)) && *serial == certificate.serial;
        (!fits).then(|| (code::SIGNING_CERTIFICATE_MISMATCH, "the issuer and serial number bound are another certificate's".to_owned()))
    }
}

/// CMSAlgorithmProtection (RFC 6211): if it is there, the algorithms it signs must be those that stand outside.
fn check_algorithm_protection(signer: &SignerInfo, findings: &mut Vec<Finding>) {
    if !has(signer, oid::ALGORITHM_PROTECTION) {
        return;
    }
    let Some(value) = single(signer, oid::ALGORITHM_PROTECTION, "algorithmProtection", findings) else {
        return;
    };
    let read = || -> Read<(AlgorithmId, AlgorithmId)> {
        let mut fields = Fields::of_sequence(value, ATTRIBUTES)?;
        let digest = AlgorithmId::read(&mut fields)?;
        let signature = fields.optional(context(1))?.ok_or_else(|| malformed(ATTRIBUTES, "no signature algorithm is protected"))?;
        Ok((digest, AlgorithmId::read_fields(signature.fields(ATTRIBUTES))?))
    };
    match read() {
        Err(finding) => findings.push(finding),
        Ok((digest, signature)) if digest.oid == signer.digest.oid && signature.oid == signer.algorithm.oid => {}
        Ok(_) => {
            let message = "the signed algorithms are not those the token names";
            findings.push(Finding::error(code::ALGORITHM_MISMATCH, ATTRIBUTES, message));
        }
    }
}

/// Whether `certificate` may stamp time: the rules of RFC 3161 section 2.3, as `openssl ts -verify` applies them.
pub(crate) fn check_purpose(certificate: &Certificate, findings: &mut Vec<Finding>) {
    let mut fail = |code, message: &dyn Display| findings.push(Finding::error(code, LEAF, message.to_string()));
    match &certificate.extensions.extended_key_usage {
        None => fail(code::EKU_MISSING, &"the authority's certificate has no extended key usage"),
        Some(usage) if !usage.purposes.contains(&oid::KP_TIME_STAMPING) => {
            fail(code::EKU_MISSING, &"the extended key usage of the authority's certificate does not name time-stamping");
        }
        Some(usage) => {
            if usage.purposes.len() != 1 {
                fail(code::EKU_NOT_ALONE, &"time-stamping is not the only extended key usage");
            }
            if !usage.critical {
                fail(code::EKU_NOT_CRITICAL, &"the extended key usage is not marked critical");
            }
        }
    }
    if let Some(usage) = certificate.extensions.key_usage {
        let signing = DIGITAL_SIGNATURE | NON_REPUDIATION;
        if usage & signing == 0 || usage & !signing != 0 {
            fail(code::KEY_USAGE, &"key usage must be digital signature or non-repudiation and nothing else");
        }
    }
}
