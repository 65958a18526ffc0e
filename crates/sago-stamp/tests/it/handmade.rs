//! Tokens put together byte by byte and signed with `openssl dgst`: signed attributes and wrappings that no tool would write.

use crate::authority::{Authority, CURRENT, Info, P256, TSA, element, now};
use crate::tokens::{errors, warnings};
use sago_stamp::{Certificate, Expected, Finding, HashAlgorithm, Options, Trust, Verified, code, verify_der};

const STAMPED: &[u8] = b"checkpoint\n";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE: &str = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";
const ALGORITHM_PROTECTION: &str = "1.2.840.113549.1.9.52";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
const SHA256: &str = "2.16.840.1.101.3.4.2.1";
const SHA512: &str = "2.16.840.1.101.3.4.2.3";
const ECDSA_WITH_SHA256: &str = "1.2.840.10045.4.3.2";
const ECDSA_WITH_SHA512: &str = "1.2.840.10045.4.3.4";

fn oid(text: &str) -> Vec<u8> {
    element(0x06, &[sago_stamp::Oid::new(text).unwrap().as_bytes()])
}

fn algorithm(text: &str) -> Vec<u8> {
    element(0x30, &[&oid(text)])
}

fn attribute(kind: &str, values: &[&[u8]]) -> Vec<u8> {
    element(0x30, &[&oid(kind), &element(0x31, values)])
}

/// The parts of one certificate, by hand: issuer (DER) and serial number (DER).
fn issuer_and_serial(certificate: &Certificate) -> (Vec<u8>, Vec<u8>) {
    let body = content(content(certificate.der()).0).0;
    let (_version, rest) = split(body);
    let (serial, rest) = split(rest);
    let (_algorithm, rest) = split(rest);
    (split(rest).0.to_vec(), serial.to_vec())
}

/// The first element of `der`, whole, and what follows it.
fn split(der: &[u8]) -> (&[u8], &[u8]) {
    der.split_at(der.len() - content(der).1.len())
}

/// The content of the first element of `der` and what follows the element.
fn content(der: &[u8]) -> (&[u8], &[u8]) {
    let (header, length) = match der[1] {
        0x81 => (3, usize::from(der[2])),
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        short => (2, usize::from(short)),
    };
    der[header..].split_at(length)
}

struct Bench {
    authority: Authority,
    tsa: Certificate,
    info: Vec<u8>,
    /// The file of the key that signs.
    key: &'static str,
}

impl Bench {
    fn new() -> Self {
        let authority = Authority::new();
        authority.root("root", P256);
        authority.issue("tsa", "root", P256, TSA, CURRENT);
        let tsa = authority.certificate("tsa");
        Self { authority, tsa, info: Info::of(STAMPED).der(), key: "tsa.key" }
    }

    fn content_type(&self) -> Vec<u8> {
        attribute(CONTENT_TYPE, &[&oid(TST_INFO)])
    }

    fn message_digest(&self) -> Vec<u8> {
        attribute(MESSAGE_DIGEST, &[&element(0x04, &[&HashAlgorithm::Sha256.digest(&self.info)])])
    }

    /// SigningCertificateV2 with the default hash, and `more` behind the hash.
    fn signing_certificate(&self, more: &[u8]) -> Vec<u8> {
        let hash = element(0x04, &[&HashAlgorithm::Sha256.digest(self.tsa.der())]);
        let id = element(0x30, &[&hash, more]);
        attribute(SIGNING_CERTIFICATE_V2, &[&element(0x30, &[&element(0x30, &[&id])])])
    }

    fn usual(&self) -> Vec<Vec<u8>> {
        vec![self.content_type(), self.message_digest(), self.signing_certificate(&[])]
    }

    /// A bare token with these signed attributes, correctly signed over the order given.
    fn token(&self, attributes: &[Vec<u8>], unsigned: &[u8]) -> Vec<u8> {
        let attributes = attributes.concat();
        self.authority.write("attributes", element(0x31, &[&attributes]));
        self.authority.openssl(&["dgst", "-sha256", "-sign", self.key, "-out", "signature", "attributes"]);
        let (issuer, serial) = issuer_and_serial(&self.tsa);
        let signer = element(
            0x30,
            &[
                &[0x02, 0x01, 0x01],
                &element(0x30, &[&issuer, &serial]),
                &algorithm(SHA256),
                &element(0xA0, &[&attributes]),
                &algorithm(ECDSA_WITH_SHA256),
                &element(0x04, &[&self.authority.read("signature")]),
                unsigned,
            ],
        );
        let encapsulated = element(0x30, &[&oid(TST_INFO), &element(0xA0, &[&element(0x04, &[&self.info])])]);
        let signed_data = element(
            0x30,
            &[&[0x02, 0x01, 0x03], &element(0x31, &[&algorithm(SHA256)]), &encapsulated, &element(0xA0, &[self.tsa.der()]), &element(0x31, &[&signer])],
        );
        element(0x30, &[&oid("1.2.840.113549.1.7.2"), &element(0xA0, &[&signed_data])])
    }

    fn judge(&self, token: &[u8]) -> (Option<Verified>, Vec<Finding>) {
        let anchors = self.authority.certificates(&["root"]);
        let trust = Trust { anchors: &anchors, intermediates: &[] };
        verify_der(token, Expected::Bytes(STAMPED), &trust, &Options::at(now()))
    }

    fn errors_of(&self, attributes: &[Vec<u8>]) -> Vec<&'static str> {
        errors(&self.judge(&self.token(attributes, &[])).1)
    }
}

#[test]
fn a_handmade_token_is_accepted_by_both() {
    let bench = Bench::new();
    let token = bench.token(&bench.usual(), &[]);
    let (verified, findings) = bench.judge(&token);
    assert!(verified.is_some_and(|verified| verified.trusted), "{findings:#?}");
    assert!(bench.authority.openssl_accepts(&token, true, STAMPED, "root", &[]));
}

#[test]
fn a_signature_by_another_key_is_refused() {
    let mut bench = Bench::new();
    bench.key = "root.key";
    let token = bench.token(&bench.usual(), &[]);
    let (verified, findings) = bench.judge(&token);
    assert_eq!((verified, errors(&findings)), (None, vec![code::SIGNATURE_BAD]));
    assert!(!bench.authority.openssl_accepts(&token, true, STAMPED, "root", &[]));
}

#[test]
fn signed_attributes_may_stand_in_any_order() {
    let bench = Bench::new();
    let [a, b, c]: [Vec<u8>; 3] = bench.usual().try_into().unwrap();
    for order in [[&a, &c, &b], [&b, &a, &c], [&b, &c, &a], [&c, &a, &b], [&c, &b, &a]] {
        assert_eq!(bench.errors_of(&order.map(Clone::clone)), [""; 0]);
    }
}

#[test]
fn a_missing_doubled_or_many_valued_attribute_is_refused() {
    let bench = Bench::new();
    let usual = bench.usual();
    for index in 0..usual.len() {
        let mut fewer = usual.clone();
        fewer.remove(index);
        assert_eq!(bench.errors_of(&fewer), [code::ATTRIBUTE_MISSING], "without attribute {index}");
        let mut more = usual.clone();
        more.push(usual[index].clone());
        assert_eq!(bench.errors_of(&more), [code::ATTRIBUTE_MISSING], "attribute {index} twice");
    }
    let two_values = attribute(CONTENT_TYPE, &[&oid(TST_INFO), &oid(TST_INFO)]);
    assert_eq!(bench.errors_of(&[two_values, usual[1].clone(), usual[2].clone()]), [code::ATTRIBUTE_MISSING]);
}

#[test]
fn another_signed_content_type_or_digest_is_refused() {
    let bench = Bench::new();
    let usual = bench.usual();
    let data = attribute(CONTENT_TYPE, &[&oid("1.2.840.113549.1.7.1")]);
    assert_eq!(bench.errors_of(&[data, usual[1].clone(), usual[2].clone()]), [code::CONTENT_TYPE_MISMATCH]);
    let other = attribute(MESSAGE_DIGEST, &[&element(0x04, &[&HashAlgorithm::Sha256.digest(b"other")])]);
    assert_eq!(bench.errors_of(&[usual[0].clone(), other, usual[2].clone()]), [code::DIGEST_MISMATCH]);
    let shorter = attribute(MESSAGE_DIGEST, &[&element(0x04, &[&HashAlgorithm::Sha256.digest(&bench.info)[..31]])]);
    assert_eq!(bench.errors_of(&[usual[0].clone(), shorter, usual[2].clone()]), [code::DIGEST_MISMATCH]);
    let text = attribute(MESSAGE_DIGEST, &[&element(0x0C, &[b"text"])]);
    assert_eq!(bench.errors_of(&[usual[0].clone(), text, usual[2].clone()]), [code::MALFORMED]);
}

#[test]
fn the_bound_issuer_and_serial_number_are_compared() {
    let bench = Bench::new();
    let judge = |issuer: &[u8], serial: &[u8]| {
        let names = element(0x30, &[&element(0xA4, &[issuer])]);
        let bound = bench.signing_certificate(&element(0x30, &[&names, serial]));
        bench.errors_of(&[bench.content_type(), bench.message_digest(), bound])
    };
    let (issuer, serial) = issuer_and_serial(&bench.tsa);
    assert_eq!(judge(&issuer, &serial), [""; 0]);
    assert_eq!(judge(&issuer, &[0x02, 0x01, 0x07]), [code::SIGNING_CERTIFICATE_MISMATCH]);
    assert_eq!(judge(&[0x30, 0x00], &serial), [code::SIGNING_CERTIFICATE_MISMATCH]);
}

#[test]
fn both_kinds_of_certificate_identifier_count() {
    let bench = Bench::new();
    let first = |certificate: &[u8]| {
        let id = element(0x30, &[&element(0x04, &[&HashAlgorithm::Sha1.digest(certificate)])]);
        attribute(SIGNING_CERTIFICATE, &[&element(0x30, &[&element(0x30, &[&id])])])
    };
    let with = |more: &[Vec<u8>]| bench.errors_of(&[&[bench.content_type(), bench.message_digest()], more].concat());
    assert_eq!(with(&[first(bench.tsa.der())]), [""; 0]);
    assert_eq!(with(&[first(b"other")]), [code::SIGNING_CERTIFICATE_MISMATCH]);
    assert_eq!(with(&[first(bench.tsa.der()), bench.signing_certificate(&[])]), [""; 0]);
    assert_eq!(with(&[first(b"other"), bench.signing_certificate(&[])]), [code::SIGNING_CERTIFICATE_MISMATCH]);
    // No identifier in the list at all.
    let empty = attribute(SIGNING_CERTIFICATE, &[&element(0x30, &[&[0x30, 0x00]])]);
    assert_eq!(with(&[empty]), [code::MALFORMED]);
}

#[test]
fn protected_algorithms_are_compared() {
    let bench = Bench::new();
    let judge = |digest: &str, signature: &str| {
        let value = element(0x30, &[&algorithm(digest), &element(0xA1, &[&oid(signature)])]);
        bench.errors_of(&[bench.usual(), vec![attribute(ALGORITHM_PROTECTION, &[&value])]].concat())
    };
    assert_eq!(judge(SHA256, ECDSA_WITH_SHA256), [""; 0]);
    assert_eq!(judge(SHA512, ECDSA_WITH_SHA256), [code::ALGORITHM_MISMATCH]);
    assert_eq!(judge(SHA256, ECDSA_WITH_SHA512), [code::ALGORITHM_MISMATCH]);
}

#[test]
fn an_unannounced_digest_algorithm_is_refused() {
    let bench = Bench::new();
    let mut token = bench.token(&bench.usual(), &[]);
    // The first place that names SHA-256 is the announcement; its last byte makes it SHA-512.
    let sha256 = oid(SHA256);
    let position = token.windows(sha256.len()).position(|window| window == sha256).unwrap();
    token[position + sha256.len() - 1] = 3;
    assert_eq!(errors(&bench.judge(&token).1), [code::ALGORITHM_MISMATCH]);
}

#[test]
fn unsigned_attributes_prove_nothing_and_spoil_nothing() {
    let bench = Bench::new();
    let unsigned = element(0xA1, &[&attribute("1.2.3.4", &[&[0x05, 0x00]])]);
    let mut token = bench.token(&bench.usual(), &unsigned);
    assert!(bench.judge(&token).0.unwrap().trusted);
    *token.last_mut().unwrap() = 0xFF;
    // 05 FF does not end inside the token, and nobody reads so far; nothing rests on it.
    assert!(bench.judge(&token).0.unwrap().trusted);
}

#[test]
fn a_certificate_that_cannot_be_read_is_told_and_not_needed() {
    let bench = Bench::new();
    let token = bench.token(&bench.usual(), &[]);
    // Another kind of entry in the certificates, [3]: allowed by CMS, of no use here.
    let position = token.windows(bench.tsa.der().len()).position(|window| window == bench.tsa.der()).unwrap();
    let mut odd = token.clone();
    odd[position] = 0xA3;
    let (verified, findings) = bench.judge(&odd);
    assert_eq!((verified, errors(&findings)), (None, vec![code::CERTIFICATE_MISSING]));
    assert_eq!(warnings(&findings), [code::CERTIFICATE_UNREADABLE]);
    let (anchors, intermediates) = (bench.authority.certificates(&["root"]), bench.authority.certificates(&["tsa"]));
    let trust = Trust { anchors: &anchors, intermediates: &intermediates };
    let (verified, findings) = verify_der(&odd, Expected::Bytes(STAMPED), &trust, &Options::at(now()));
    assert!(verified.is_some_and(|verified| verified.trusted));
    assert_eq!(warnings(&findings), [code::CERTIFICATE_UNREADABLE]);
}

#[test]
fn a_status_that_contradicts_itself_is_refused() {
    let bench = Bench::new();
    let token = bench.token(&bench.usual(), &[]);
    let reply = |status: &[u8]| element(0x30, &[&element(0x30, &[status]), &token]);
    assert!(bench.judge(&reply(&[0x02, 0x01, 0x00])).0.is_some());
    // granted, badAlg
    let (verified, findings) = bench.judge(&reply(&[0x02, 0x01, 0x00, 0x03, 0x02, 0x07, 0x80]));
    assert_eq!((verified, errors(&findings)), (None, vec![code::STATUS_CONTRADICTORY]));
    // rejection, with a token all the same
    let (verified, findings) = bench.judge(&reply(&[0x02, 0x01, 0x02]));
    assert_eq!((verified, errors(&findings)), (None, vec![code::STATUS_REJECTED]));
}

#[test]
fn versions_that_do_not_exist_are_refused() {
    let bench = Bench::new();
    let token = bench.token(&bench.usual(), &[]);
    let position = token.windows(5).position(|window| window == [0x02, 0x01, 0x03, 0x31, 0x0D]).unwrap();
    for version in [0, 1, 2, 6, 0x7F] {
        let mut other = token.clone();
        other[position + 2] = version;
        assert_eq!(errors(&bench.judge(&other).1), [code::MALFORMED], "version {version}");
    }
}
