//! Every signature algorithm that is accepted, those that are told as weak, and those that are refused as unchecked.

use crate::authority::{Authority, CA, CURRENT, Info, P256, P384, P521, RSA, TSA};
use crate::crafted::{BOUND, STAMPED, judge, openssl};
use crate::tokens::{errors, warnings};
use sago_stamp::code;

#[test]
fn every_supported_signature_is_accepted() {
    let pss = |salt: &'static str| ["-cades", "-keyopt", "rsa_padding_mode:pss", "-keyopt", salt].to_vec();
    let cases: [(&str, &[&str], Vec<&str>); 14] = [
        ("rsa sha256", RSA, vec!["-cades", "-md", "sha256"]),
        ("rsa sha384", RSA, vec!["-cades", "-md", "sha384"]),
        ("rsa sha512", RSA, vec!["-cades", "-md", "sha512"]),
        ("pss sha256", RSA, [pss("rsa_pss_saltlen:digest"), vec!["-md", "sha256"]].concat()),
        ("pss sha384", RSA, [pss("rsa_pss_saltlen:digest"), vec!["-md", "sha384"]].concat()),
        ("pss sha512", RSA, [pss("rsa_pss_saltlen:max"), vec!["-md", "sha512"]].concat()),
        ("pss short salt", RSA, [pss("rsa_pss_saltlen:0"), vec!["-md", "sha256"]].concat()),
        ("p256 sha256", P256, vec!["-cades", "-md", "sha256"]),
        ("p256 sha512", P256, vec!["-cades", "-md", "sha512"]),
        ("p384 sha256", P384, vec!["-cades", "-md", "sha256"]),
        ("p384 sha384", P384, vec!["-cades", "-md", "sha384"]),
        ("p521 sha256", P521, vec!["-cades", "-md", "sha256"]),
        ("p521 sha512", P521, vec!["-cades", "-md", "sha512"]),
        ("key identifier", P256, vec!["-cades", "-keyid"]),
    ];
    for key in [RSA, P256, P384, P521] {
        let authority = Authority::new();
        authority.root("root", key);
        authority.issue("tsa", "root", key, TSA, CURRENT);
        for (name, _, options) in cases.iter().filter(|(_, case_key, _)| *case_key == key) {
            let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], options);
            let (verified, findings) = judge(&authority, &token);
            assert!(verified.is_some_and(|verified| verified.trusted), "{name}: {findings:#?}");
            assert_eq!(warnings(&findings), [""; 0], "{name}");
            assert!(authority.openssl_cms_accepts(&token, "root"), "{name}");
            // The older code behind `openssl ts` knows neither PSS nor key identifiers.
            let is_known_to_ts = !name.starts_with("pss") && !name.starts_with("key");
            assert_eq!(openssl(&authority, &token), is_known_to_ts, "{name}");
            // The last byte of a bare token is the last of its signature.
            let mut turned = token.clone();
            *turned.last_mut().unwrap() ^= 1;
            let (verified, findings) = judge(&authority, &turned);
            assert_eq!((verified, errors(&findings)), (None, vec![code::SIGNATURE_BAD]), "{name}");
        }
    }
}

#[test]
fn certificates_signed_with_pss_and_keys_only_for_pss_are_accepted() {
    let authority = Authority::new();
    authority.root("root", RSA);
    let more = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
    let only_pss = ["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"];
    authority.issue_with("tsa", "root", &only_pss, TSA, CURRENT, &more);
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], &["-cades", "-md", "sha256", "-keyopt", "rsa_padding_mode:pss"]);
    let (verified, findings) = judge(&authority, &token);
    assert!(verified.is_some_and(|verified| verified.trusted), "{findings:#?}");
    assert!(authority.openssl_cms_accepts(&token, "root"));
    // Left to itself, openssl names such a signature plain RSA, which the key forbids.
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], BOUND);
    let (verified, findings) = judge(&authority, &token);
    assert_eq!((verified, errors(&findings)), (None, vec![code::ALGORITHM_UNSUPPORTED]));
}

#[test]
fn weak_signatures_are_told() {
    let authority = Authority::new();
    authority.root("root", RSA);
    authority.issue("tsa", "root", RSA, TSA, CURRENT);
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], &["-cades", "-md", "sha1"]);
    let (verified, findings) = judge(&authority, &token);
    assert!(verified.is_some(), "{findings:#?}");
    assert_eq!(warnings(&findings), [code::SHA1]);

    let short = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];
    authority.issue("short", "root", &short, TSA, CURRENT);
    let token = authority.craft(&Info::of(STAMPED).der(), "short", &[], BOUND);
    let (verified, findings) = judge(&authority, &token);
    assert!(verified.is_some(), "{findings:#?}");
    assert_eq!(warnings(&findings), [code::KEY_WEAK]);

    authority.issue_with("sha1", "root", P256, TSA, CURRENT, &["-md", "sha1"]);
    let token = authority.craft(&Info::of(STAMPED).der(), "sha1", &[], BOUND);
    let (verified, findings) = judge(&authority, &token);
    assert!(verified.is_some(), "{findings:#?}");
    assert_eq!(warnings(&findings), [code::SHA1]);
}

#[test]
fn algorithms_unknown_here_are_refused_as_unchecked() {
    let authority = Authority::new();
    authority.root("root", P256);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    let sha224 = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], &["-cades", "-md", "sha224"]);
    let edwards = ["-algorithm", "ED25519"];
    let koblitz = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"];
    authority.issue("koblitz", "root", &koblitz, TSA, CURRENT);
    let secp256k1 = authority.craft(&Info::of(STAMPED).der(), "koblitz", &[], BOUND);
    authority.self_signed("edwards.root", &edwards, CA, CURRENT);
    authority.issue_with("below", "edwards.root", P256, TSA, CURRENT, &["-md", "null"]);
    let issued = authority.craft(&Info::of(STAMPED).der(), "below", &["edwards.root"], BOUND);
    for (name, token) in [("sha224", sha224), ("secp256k1", secp256k1), ("ed25519 issuer", issued)] {
        let (verified, findings) = judge(&authority, &token);
        assert_eq!(verified, None, "{name}");
        let errors = errors(&findings);
        assert!(!errors.is_empty() && errors.iter().all(|found| *found == code::ALGORITHM_UNSUPPORTED), "{name}: {findings:#?}");
    }
}
