//! X.509 certificates (RFC 5280), as far as a time-stamp's chain needs them; signed bytes stay as received.

use crate::algorithm::{AlgorithmId, HashAlgorithm};
use crate::finding::Finding;
use crate::moment::Moment;
use crate::name::Name;
use crate::tlv::{Fields, Read, context, context_primitive, malformed};
use crate::{oid, signature};
use der::Tag;
use der::asn1::ObjectIdentifier as Oid;
use std::ops::Range;

const PLACE: &str = "certificate";

/// Bits of the key usage extension (RFC 5280 section 4.2.1.3), first bit highest.
pub(crate) const DIGITAL_SIGNATURE: u16 = 0x8000;
pub(crate) const NON_REPUDIATION: u16 = 0x4000;
pub(crate) const KEY_CERT_SIGN: u16 = 0x0400;

/// A certificate, read but not judged.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Whose key it is.
    pub subject: Name,
    /// Who signed it.
    pub issuer: Name,
    /// Valid from this moment on.
    pub not_before: Moment,
    /// Valid up to and with this moment.
    pub not_after: Moment,
    pub(crate) serial: Vec<u8>,
    pub(crate) key: SubjectKey,
    pub(crate) signature_algorithm: AlgorithmId,
    pub(crate) signature: Vec<u8>,
    pub(crate) extensions: Extensions,
    /// Version 1 has no extensions; only an anchor may be that old.
    pub(crate) version: u32,
    signed: Range<usize>,
    der: Vec<u8>,
}

/// SubjectPublicKeyInfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubjectKey {
    pub(crate) algorithm: AlgorithmId,
    pub(crate) bytes: Vec<u8>,
}

/// The extensions that matter here; `None` or empty where absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extensions {
    pub(crate) basic_constraints: Option<BasicConstraints>,
    pub(crate) key_usage: Option<u16>,
    pub(crate) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(crate) subject_key_identifier: Option<Vec<u8>>,
    pub(crate) unknown_critical: Vec<Oid>,
}

#[derive(Debug, Clone)]
pub(crate) struct BasicConstraints {
    pub(crate) ca: bool,
    pub(crate) path_length: Option<u32>,
}

#[derive(Debug, Clone)]
pub(crate) struct ExtendedKeyUsage {
    pub(crate) critical: bool,
    pub(crate) purposes: Vec<Oid>,
}

impl Certificate {
    /// Reads one certificate in DER.
    ///
    /// # Errors
    /// A finding `stamp-malformed` that says what is wrong.
    pub fn parse(der: &[u8]) -> Result<Self, Finding> {
        let mut outer = Fields::of_sequence(der, PLACE)?;
        let start = der.len() - outer.len();
        let signed = outer.expect(Tag::Sequence)?;
        let signature_algorithm = AlgorithmId::read(&mut outer)?;
        let signature = outer.bits()?.to_vec();
        outer.end()?;

        let mut fields = signed.fields(PLACE);
        let version = match fields.optional(context(0))? {
            None => 1,
            Some(element) => {
                let mut inner = element.fields(PLACE);
                let version = inner.small()?;
                inner.end()?;
                version.saturating_add(1)
            }
        };
        let serial = fields.integer()?.to_vec();
        // The outer algorithm is not signed; RFC 5280 section 4.1.1.2 makes it equal the signed one.
        if AlgorithmId::read(&mut fields)? != signature_algorithm {
            return Err(malformed(PLACE, "the two signature algorithms differ"));
        }
        let issuer = Name::read(&mut fields, PLACE)?;
        let mut validity = fields.sequence()?;
        let not_before = Moment::from_validity(validity.next()?, PLACE)?;
        let not_after = Moment::from_validity(validity.next()?, PLACE)?;
        validity.end()?;
        let subject = Name::read(&mut fields, PLACE)?;
        let mut key = fields.sequence()?;
        let subject_key = SubjectKey { algorithm: AlgorithmId::read(&mut key)?, bytes: key.bits()?.to_vec() };
        key.end()?;
        for unique_identifier in [1, 2] {
            fields.optional(context_primitive(unique_identifier))?;
        }
        let extensions = match fields.optional(context(3))? {
            None => Extensions::default(),
            Some(element) => {
                let mut inner = element.fields(PLACE);
                let list = inner.sequence()?;
                inner.end()?;
                Extensions::read(list)?
            }
        };
        fields.end()?;
        Ok(Self {
            subject,
            issuer,
            not_before,
            not_after,
            serial,
            key: subject_key,
            signature_algorithm,
            signature,
            extensions,
            version,
            signed: start..start + signed.der.len(),
            der: der.to_vec(),
        })
    }

    /// The certificate's bytes, as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the certificate's bytes, hexadecimal.
    pub fn sha256(&self) -> String {
        hex::encode(HashAlgorithm::Sha256.digest(&self.der))
    }

    /// Whether it names itself as its issuer and is not signed by its own key: then its bytes are not those that were issued. Of one that
    /// another issued, or that is signed in a way that cannot be checked here, nothing is said.
    pub fn is_damaged_root(&self) -> bool {
        self.is_self_issued() && signature::check(&self.key, &self.signature_algorithm, None, self.signed(), &self.signature) == Err(signature::Refusal::Bad)
    }

    /// The bytes its issuer signed.
    pub(crate) fn signed(&self) -> &[u8] {
        &self.der[self.signed.clone()]
    }

    /// Whether subject and issuer are the same name.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject.matches(&self.issuer)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl Extensions {
    fn read(mut list: Fields<'_>) -> Read<Self> {
        let mut extensions = Self::default();
        let mut seen = Vec::new();
        while !list.is_empty() {
            let extension = Extension::read(&mut list)?;
            if seen.contains(&extension.kind) {
                return Err(malformed(PLACE, format_args!("extension {} given twice", extension.kind)));
            }
            seen.push(extension.kind);
            extensions.take(&extension)?;
        }
        Ok(extensions)
    }

    fn take(&mut self, extension: &Extension<'_>) -> Read<()> {
        let mut value = Fields::new(extension.value, PLACE);
        match extension.kind {
            oid::BASIC_CONSTRAINTS => {
                let mut fields = value.sequence()?;
                let ca = fields.boolean_or_false()?;
                let path_length = if fields.is_empty() { None } else { Some(fields.small()?) };
                fields.end()?;
                value.end()?;
                self.basic_constraints = Some(BasicConstraints { ca, path_length });
            }
            oid::KEY_USAGE => {
                let [unused @ 0..=7, bits @ ..] = value.expect(Tag::BitString)?.value else {
                    return Err(malformed(PLACE, "key usage is not a bit string"));
                };
                value.end()?;
                let bit = |index: usize| u16::from(bits.get(index).copied().unwrap_or(0));
                let mask = if bits.len() == 1 { 0xFF00 << unused } else { 0xFFFF };
                self.key_usage = Some((bit(0) << 8 | bit(1)) & mask);
            }
            oid::EXTENDED_KEY_USAGE => {
                let mut fields = value.sequence()?;
                let mut purposes = Vec::new();
                while !fields.is_empty() {
                    purposes.push(fields.oid()?);
                }
                value.end()?;
                self.extended_key_usage = Some(ExtendedKeyUsage { critical: extension.critical, purposes });
            }
            oid::SUBJECT_KEY_IDENTIFIER => {
                self.subject_key_identifier = Some(value.octets()?.to_vec());
                value.end()?;
            }
            // Policies are not asked for, so whatever they say cannot shorten or extend a path (RFC 5280 section 6.1.1, any-policy).
            oid::CERTIFICATE_POLICIES
            | oid::POLICY_MAPPINGS
            | oid::INHIBIT_ANY_POLICY
            | oid::SUBJECT_ALT_NAME
            | oid::ISSUER_ALT_NAME
            | oid::AUTHORITY_KEY_IDENTIFIER => {}
            other if extension.critical => self.unknown_critical.push(other),
            _ => {}
        }
        Ok(())
    }
}

/// One entry of Extensions (RFC 5280 section 4.2), in certificates and in TSTInfo.
pub(crate) struct Extension<'a> {
    pub(crate) kind: Oid,
    pub(crate) critical: bool,
    pub(crate) value: &'a [u8],
}

impl<'a> Extension<'a> {
    pub(crate) fn read(list: &mut Fields<'a>) -> Read<Self> {
        let mut fields = list.sequence()?;
        let extension = Self { kind: fields.oid()?, critical: fields.boolean_or_false()?, value: fields.octets()? };
        fields.end()?;
        Ok(extension)
    }
}
