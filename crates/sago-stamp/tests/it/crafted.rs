//! Tokens that a careless or hostile authority could make, signed with `openssl cms` over any TSTInfo: each is refused by the name of
//! its fault, and `openssl ts -verify` is asked for its opinion too.

use crate::authority::{Authority, CURRENT, Info, P256, TSA, element, now};
use crate::tokens::{errors, warnings};
use sago_stamp::{Expected, Finding, HashAlgorithm, Options, Reply, Trust, Verified, code, verify, verify_der};

pub const STAMPED: &[u8] = b"checkpoint\n";

/// Signs with the signing-certificate attribute, as RFC 3161 asks.
pub const BOUND: &[&str] = &["-cades"];

pub fn judge(authority: &Authority, token: &[u8]) -> (Option<Verified>, Vec<Finding>) {
    let anchors = authority.certificates(&["root"]);
    let trust = Trust { anchors: &anchors, intermediates: &[] };
    verify_der(token, Expected::Bytes(STAMPED), &trust, &Options::at(now()))
}

pub fn openssl(authority: &Authority, token: &[u8]) -> bool {
    authority.openssl_accepts(token, true, STAMPED, "root", &[])
}

/// An authority's certificate with other extensions than it should have.
struct Purpose {
    name: &'static str,
    extensions: &'static str,
    errors: &'static [&'static str],
}

#[test]
fn a_certificate_not_made_for_time_stamping_is_refused() {
    let cases = [
        Purpose { name: "no-eku", extensions: "keyUsage=critical,digitalSignature\n", errors: &[code::EKU_MISSING] },
        Purpose { name: "other-eku", extensions: "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,codeSigning\n", errors: &[code::EKU_MISSING] },
        Purpose {
            name: "any-eku",
            extensions: "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,anyExtendedKeyUsage\n",
            errors: &[code::EKU_MISSING],
        },
        Purpose {
            name: "more-eku",
            extensions: "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping,codeSigning\n",
            errors: &[code::EKU_NOT_ALONE],
        },
        Purpose { name: "meek-eku", extensions: "keyUsage=critical,digitalSignature\nextendedKeyUsage=timeStamping\n", errors: &[code::EKU_NOT_CRITICAL] },
        Purpose { name: "wrong-usage", extensions: "keyUsage=critical,keyEncipherment\nextendedKeyUsage=critical,timeStamping\n", errors: &[code::KEY_USAGE] },
        Purpose {
            name: "more-usage",
            extensions: "keyUsage=critical,digitalSignature,keyAgreement,decipherOnly\nextendedKeyUsage=critical,timeStamping\n",
            errors: &[code::KEY_USAGE],
        },
        Purpose {
            name: "critical-unknown",
            extensions: "extendedKeyUsage=critical,timeStamping\n1.2.3.4=critical,DER:0500\n",
            errors: &[code::CRITICAL_EXTENSION],
        },
        Purpose { name: "no-usage", extensions: "extendedKeyUsage=critical,timeStamping\n", errors: &[] },
        Purpose { name: "repudiation", extensions: "keyUsage=critical,nonRepudiation\nextendedKeyUsage=critical,timeStamping\n", errors: &[] },
        Purpose {
            name: "harmless-unknown",
            extensions: "extendedKeyUsage=critical,timeStamping\n1.2.3.4=DER:0500\ncertificatePolicies=critical,1.2.3.5\n",
            errors: &[],
        },
    ];
    let authority = Authority::new();
    authority.root("root", P256);
    for case in cases {
        authority.issue(case.name, "root", P256, case.extensions, CURRENT);
        let token = authority.craft(&Info::of(STAMPED).der(), case.name, &[], BOUND);
        let (verified, findings) = judge(&authority, &token);
        assert_eq!(errors(&findings), case.errors, "{}", case.name);
        assert_eq!(verified.is_some(), case.errors.is_empty(), "{}", case.name);
        assert_eq!(openssl(&authority, &token), case.errors.is_empty(), "{}", case.name);
    }
}

#[test]
fn a_certificate_that_is_not_bound_is_refused() {
    let authority = Authority::new();
    authority.root("root", P256);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], &[]);
    let (verified, findings) = judge(&authority, &token);
    assert_eq!((verified, errors(&findings)), (None, vec![code::ATTRIBUTE_MISSING]));
    assert!(!openssl(&authority, &token));
}

#[test]
fn another_certificate_of_the_same_key_is_refused() {
    // Same key, same name, same issuer: only the signed identifier tells the two apart.
    let authority = Authority::new();
    authority.root("root", P256);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], &["-cades", "-keyid"]);
    authority.share_key("tsa", "tsa.twin");
    authority.issue("tsa.twin", "root", P256, TSA, CURRENT);
    let mut reply = Reply::parse(&token).unwrap();
    let anchors = authority.certificates(&["root"]);
    let trust = Trust { anchors: &anchors, intermediates: &[] };
    let judge = |reply: &Reply| verify(reply, Expected::Bytes(STAMPED), &trust, &Options::at(now()));
    // Beside the right one the twin does no harm, wherever it stands.
    reply.token.as_mut().unwrap().certificates.insert(0, authority.certificate("tsa.twin"));
    assert!(judge(&reply).0.unwrap().trusted);
    // In its place it is refused.
    reply.token.as_mut().unwrap().certificates.truncate(1);
    let (verified, findings) = judge(&reply);
    assert_eq!((verified, errors(&findings)), (None, vec![code::SIGNING_CERTIFICATE_MISMATCH]));
}

#[test]
fn a_changed_time_is_refused() {
    let authority = Authority::new();
    authority.root("root", P256);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], BOUND);
    // The token is kept, the time in it is changed: the digest of the content no longer fits.
    let other = Info { gen_time: "19990601120000Z", ..Info::of(STAMPED) }.der();
    let (original, position) = (Info::of(STAMPED).der(), token.windows(16).position(|window| window == b"\x0f20250601120000Z"));
    let mut changed = token.clone();
    changed[position.unwrap()..][..16].copy_from_slice(b"\x0f19990601120000Z");
    assert_eq!(original.len(), other.len());
    let (verified, findings) = judge(&authority, &changed);
    assert_eq!(verified, None);
    assert_eq!(errors(&findings), [code::DIGEST_MISMATCH, code::CERTIFICATE_NOT_YET_VALID, code::CERTIFICATE_NOT_YET_VALID]);
}

#[test]
fn imprints_that_are_weak_or_of_the_wrong_length_are_refused() {
    let authority = Authority::new();
    authority.root("root", P256);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    let sha1 = hex::decode("300906052b0e03021a0500").unwrap();
    let sha256 = hex::decode("300d06096086480165030402010500").unwrap();
    let md5 = hex::decode("300c06082a864886f70d02050500").unwrap();
    for imprint in [
        (sha1, HashAlgorithm::Sha1.digest(STAMPED)),
        (md5, vec![0; 16]),
        (sha256.clone(), HashAlgorithm::Sha256.digest(STAMPED)[..31].to_vec()),
        (sha256, Vec::new()),
    ] {
        let token = authority.craft(&Info { imprint: Some(imprint), ..Info::of(STAMPED) }.der(), "tsa", &[], BOUND);
        let (verified, findings) = judge(&authority, &token);
        assert_eq!((verified, errors(&findings)), (None, vec![code::IMPRINT_ALGORITHM]));
    }
}

#[test]
fn extensions_and_names_in_the_token_are_read() {
    let authority = Authority::new();
    authority.root("root", P256);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    let extension = |critical: &[u8]| {
        let one = element(0x30, &[&[0x06, 0x03, 0x2A, 0x03, 0x04], critical, &[0x04, 0x02, 0x05, 0x00]]);
        element(0xA1, &[&one])
    };
    let name = |text: &[u8]| {
        let part = |kind: u8, text: &[u8]| element(0x31, &[&element(0x30, &[&[0x06, 0x03, 0x55, 0x04, kind], &element(0x0C, &[text])])]);
        element(0xA0, &[&element(0xA4, &[&element(0x30, &[&part(10, b"Test"), &part(3, text)])])])
    };
    let judge = |rest: Vec<u8>| {
        let token = authority.craft(&Info { rest, ..Info::of(STAMPED) }.der(), "tsa", &[], BOUND);
        let (_, findings) = judge(&authority, &token);
        (errors(&findings), warnings(&findings))
    };
    assert_eq!(judge(extension(&[])), (vec![], vec![]));
    assert_eq!(judge(extension(&[1, 1, 0])), (vec![], vec![]));
    assert_eq!(judge(extension(&[1, 1, 0xFF])), (vec![code::CRITICAL_EXTENSION], vec![]));
    assert_eq!(judge(name(b"tsa")), (vec![], vec![]));
    assert_eq!(judge(name(b"TSA ")), (vec![], vec![]));
    assert_eq!(judge(name(b"someone else")), (vec![], vec![code::TSA_NAME_MISMATCH]));
    // A DNS name instead of a distinguished one cannot be compared.
    assert_eq!(judge(element(0xA0, &[&element(0x82, &[b"tsa.example"])])), (vec![], vec![]));
}

#[test]
fn two_signers_are_refused() {
    let authority = Authority::new();
    authority.root("root", P256);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    authority.issue("second", "root", P256, TSA, CURRENT);
    let more = ["-cades", "-signer", "second.pem", "-inkey", "second.key"];
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], &more);
    let (verified, findings) = judge(&authority, &token);
    assert_eq!((verified, errors(&findings)), (None, vec![code::SIGNER_COUNT]));
    assert!(!openssl(&authority, &token));
}

#[test]
fn content_that_is_not_tst_info_is_refused_where_it_stands() {
    let authority = Authority::new();
    authority.root("root", P256);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    let cases: [(&[u8], &str); 5] = [
        (b"\x30\x00", "token/info"),
        (b"text", "token/info"),
        (&Info { gen_time: "20250601120000+0100", ..Info::of(STAMPED) }.der(), "token/info/genTime"),
        (&Info { rest: vec![0x02, 0x01, 0x07, 0x05, 0x00], ..Info::of(STAMPED) }.der(), "token/info"),
        (&Info { rest: element(0x30, &[&[0x80, 0x02, 0x03, 0xE8]]), ..Info::of(STAMPED) }.der(), "token/info/accuracy"),
    ];
    for (content, path) in cases {
        let token = authority.craft(content, "tsa", &[], BOUND);
        let (verified, findings) = judge(&authority, &token);
        assert_eq!(verified, None);
        assert_eq!((findings[0].code, findings[0].path.as_str(), findings.len()), (code::MALFORMED, path, 1));
    }
}
