//! The token: a CMS SignedData (RFC 5652) with exactly one signer around a TSTInfo (RFC 3161 section 2.4.2).
//!
//! Reads; judges nothing. The bytes that are hashed (content, signed attributes) are kept as received.

use crate::algorithm::{AlgorithmId, HashAlgorithm};
use crate::certificate::{Certificate, Extension};
use crate::finding::{Finding, code};
use crate::moment::Moment;
use crate::name::Name;
use crate::oid;
use crate::request::Imprint;
use crate::tlv::{Fields, Read, Tlv, context, context_primitive, malformed};
use der::Tag;
use der::asn1::ObjectIdentifier as Oid;
use std::fmt;

const TOKEN: &str = "token";
const INFO: &str = "token/info";
const SIGNER: &str = "token/signer";

/// A time-stamp token, read but not judged.
#[derive(Debug, Clone)]
pub struct Token {
    /// The certificates it carries, in the order received.
    pub certificates: Vec<Certificate>,
    /// How many revocation lists or answers it carries; they are not evaluated here.
    pub revocation_entries: usize,
    /// What `content` says: read once, so that nobody can show other words than those that were signed.
    info: TstInfo,
    pub(crate) content: Vec<u8>,
    pub(crate) digest_algorithms: Vec<Oid>,
    pub(crate) signers: Vec<SignerInfo>,
}

/// TSTInfo: what the authority signed.
#[derive(Debug, Clone)]
pub struct TstInfo {
    /// The authority's policy.
    pub policy: Oid,
    /// The hash function of the imprint.
    pub imprint_algorithm: Oid,
    /// The imprint: the digest of the stamped bytes.
    pub imprint_digest: Vec<u8>,
    /// The serial number, hexadecimal; unique per authority.
    pub serial: String,
    /// The stamped time.
    pub gen_time: Moment,
    /// How far the time may be off, if the token says so; otherwise the policy does.
    pub accuracy: Option<Accuracy>,
    /// Whether tokens of this authority can be ordered by time alone.
    pub ordering: bool,
    /// The nonce, big-endian two's complement as received.
    pub nonce: Option<Vec<u8>>,
    /// The name the authority gives itself, if it is a distinguished name.
    pub tsa: Option<Name>,
    pub(crate) imprint_is_bare: bool,
    pub(crate) unknown_critical: Vec<Oid>,
}

/// How far the stamped time may be off, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accuracy {
    /// Whole seconds.
    pub seconds: u32,
    /// Milliseconds, 0 to 999.
    pub millis: u32,
    /// Microseconds, 0 to 999.
    pub micros: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct SignerInfo {
    pub(crate) id: SignerId,
    pub(crate) digest: AlgorithmId,
    pub(crate) attributes: Vec<Attribute>,
    /// The signed attributes under the tag SET OF, which is what the signature covers (RFC 5652 section 5.4).
    pub(crate) signed: Vec<u8>,
    pub(crate) algorithm: AlgorithmId,
    pub(crate) signature: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(crate) enum SignerId {
    IssuerAndSerial(Name, Vec<u8>),
    KeyIdentifier(Vec<u8>),
}

#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) kind: Oid,
    pub(crate) values: Vec<Vec<u8>>,
}

impl Token {
    /// What is stamped, when, and under which policy.
    pub fn info(&self) -> &TstInfo {
        &self.info
    }

    /// Reads a ContentInfo. Certificates that cannot be read become remarks.
    pub(crate) fn parse(der: &[u8], remarks: &mut Vec<Finding>) -> Read<Self> {
        let mut outer = Fields::of_sequence(der, TOKEN)?;
        let kind = outer.oid()?;
        if kind != oid::SIGNED_DATA {
            return Err(malformed(TOKEN, format_args!("content type {kind} is not signed data")));
        }
        let mut explicit = outer.expect(context(0))?.fields(TOKEN);
        outer.end()?;
        let mut signed_data = explicit.sequence()?;
        explicit.end()?;

        // Content other than id-data makes it 3; 4 and 5 appear with other kinds of certificates (RFC 5652 section 5.1).
        let version = signed_data.small()?;
        if !(3..=5).contains(&version) {
            return Err(malformed(TOKEN, format_args!("signed data of version {version}")));
        }
        let digest_algorithms = read_list(signed_data.expect(Tag::Set)?.fields(TOKEN), |list| {
            let algorithm = AlgorithmId::read(list)?;
            if algorithm.is_bare() { Ok(algorithm.oid) } else { Err(malformed(TOKEN, "a digest algorithm with parameters")) }
        })?;

        let mut encapsulated = signed_data.sequence()?;
        let content_type = encapsulated.oid()?;
        if content_type != oid::TST_INFO {
            return Err(malformed(TOKEN, format_args!("the content is {content_type}, not TSTInfo")));
        }
        let mut explicit = encapsulated.expect(context(0))?.fields(TOKEN);
        encapsulated.end()?;
        let content = explicit.octets()?.to_vec();
        explicit.end()?;
        let info = TstInfo::read(&content)?;

        let mut certificates = Vec::new();
        if let Some(set) = signed_data.optional(context(0))? {
            let mut entries = set.fields("token/certificates");
            for index in 0.. {
                if entries.is_empty() {
                    break;
                }
                match Certificate::parse(entries.next()?.der) {
                    Ok(certificate) => certificates.push(certificate),
                    Err(why) => remarks.push(Finding::warning(
                        code::CERTIFICATE_UNREADABLE,
                        format!("token/certificates/{index}"),
                        format!("left aside: {}", why.message),
                    )),
                }
            }
        }
        let revocation_entries = match signed_data.optional(context(1))? {
            None => 0,
            Some(set) => read_list(set.fields(TOKEN), |list| list.next().map(|_| ()))?.len(),
        };
        let signers = read_list(signed_data.expect(Tag::Set)?.fields(SIGNER), SignerInfo::read)?;
        signed_data.end()?;
        Ok(Self { info, certificates, revocation_entries, content, digest_algorithms, signers })
    }
}

fn read_list<'a, T>(mut list: Fields<'a>, read: impl Fn(&mut Fields<'a>) -> Read<T>) -> Read<Vec<T>> {
    let mut items = Vec::new();
    while !list.is_empty() {
        items.push(read(&mut list)?);
    }
    Ok(items)
}

impl TstInfo {
    fn read(content: &[u8]) -> Read<Self> {
        let mut fields = Fields::of_sequence(content, INFO)?;
        let version = fields.small()?;
        if version != 1 {
            return Err(malformed(INFO, format_args!("TSTInfo of version {version}")));
        }
        let policy = fields.oid()?;
        let mut imprint = fields.sequence()?;
        let algorithm = AlgorithmId::read(&mut imprint)?;
        let imprint_digest = imprint.octets()?.to_vec();
        imprint.end()?;
        let serial = hex::encode(fields.integer()?);
        let gen_time = Moment::from_gen_time(fields.next()?, "token/info/genTime")?;
        let accuracy = fields.optional(Tag::Sequence)?.map(Accuracy::read).transpose()?;
        let ordering = fields.boolean_or_false()?;
        let nonce = match fields.optional(Tag::Integer)? {
            None => None,
            Some(element) => Some(fields.minimal(element.value)?.to_vec()),
        };
        let tsa = match fields.optional(context(0))? {
            None => None,
            Some(explicit) => {
                let mut explicit = explicit.fields(INFO);
                let name = explicit.next()?;
                explicit.end()?;
                // directoryName [4]; the other kinds of GeneralName cannot be compared with a subject.
                if name.tag == context(4) { Some(Name::read(&mut name.fields(INFO), INFO)?) } else { None }
            }
        };
        let mut unknown_critical = Vec::new();
        if let Some(list) = fields.optional(context(1))? {
            let extensions = read_list(list.fields(INFO), Extension::read)?;
            unknown_critical.extend(extensions.iter().filter(|extension| extension.critical).map(|extension| extension.kind));
        }
        fields.end()?;
        Ok(Self {
            policy,
            imprint_algorithm: algorithm.oid,
            imprint_is_bare: algorithm.is_bare(),
            imprint_digest,
            serial,
            gen_time,
            accuracy,
            ordering,
            nonce,
            tsa,
            unknown_critical,
        })
    }

    /// The imprint, when its hash function is one that is accepted and its length fits.
    pub fn imprint(&self) -> Option<Imprint> {
        let algorithm = HashAlgorithm::from_oid(self.imprint_algorithm).filter(|_| self.imprint_is_bare)?;
        Imprint::from_digest(algorithm, &self.imprint_digest)
    }
}

impl Accuracy {
    fn read(element: Tlv<'_>) -> Read<Self> {
        let mut fields = element.fields("token/info/accuracy");
        let seconds = if let Some(seconds) = fields.optional(Tag::Integer)? { fields.small_value(fields.minimal(seconds.value)?)? } else { 0 };
        let mut thousandths = |number: u32| -> Read<u32> {
            let Some(element) = fields.optional(context_primitive(number))? else {
                return Ok(0);
            };
            let value = fields.small_value(fields.minimal(element.value)?)?;
            if value > 999 { Err(fields.error("more than 999 thousandths")) } else { Ok(value) }
        };
        let (millis, micros) = (thousandths(0)?, thousandths(1)?);
        fields.end()?;
        Ok(Self { seconds, millis, micros })
    }
}

impl fmt::Display for Accuracy {
    /// Seconds with six decimals: `±0.500000 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "±{}.{:03}{:03} s", self.seconds, self.millis, self.micros)
    }
}

impl SignerInfo {
    fn read(list: &mut Fields<'_>) -> Read<Self> {
        let mut fields = list.sequence()?;
        let version = fields.small()?;
        let id = match fields.optional(context_primitive(0))? {
            Some(identifier) => SignerId::KeyIdentifier(identifier.value.to_vec()),
            None => {
                let mut pair = fields.sequence()?;
                let issuer = Name::read(&mut pair, SIGNER)?;
                let serial = pair.integer()?.to_vec();
                pair.end()?;
                SignerId::IssuerAndSerial(issuer, serial)
            }
        };
        let fitting = if matches!(id, SignerId::KeyIdentifier(_)) { 3 } else { 1 };
        if version != fitting {
            return Err(malformed(SIGNER, format_args!("signer information of version {version}, expected {fitting}")));
        }
        let digest = AlgorithmId::read(&mut fields)?;
        // Mandatory here: the content is not id-data (RFC 5652 section 5.3).
        let attributes = fields.expect(context(0))?;
        let mut signed = attributes.der.to_vec();
        signed[0] = 0x31;
        let algorithm = AlgorithmId::read(&mut fields)?;
        let signature = fields.octets()?.to_vec();
        // Unsigned attributes prove nothing by themselves; nothing here depends on them.
        fields.optional(context(1))?;
        fields.end()?;
        let attributes = read_list(attributes.fields("token/signer/attributes"), |list| {
            let mut attribute = list.sequence()?;
            let kind = attribute.oid()?;
            let values = attribute.expect(Tag::Set)?.fields("token/signer/attributes");
            attribute.end()?;
            Ok(Attribute { kind, values: read_list(values, |values| Ok(values.next()?.der.to_vec()))? })
        })?;
        Ok(Self { id, digest, attributes, signed, algorithm, signature })
    }
}
