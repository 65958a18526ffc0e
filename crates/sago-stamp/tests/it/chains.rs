//! Chains that do not lead to an anchor, or not by right: missing, unfit, expired and circular issuers.

use crate::authority::{Authority, CA, CURRENT, FUTURE, Info, P256, PAST, TSA, now};
use crate::crafted::{BOUND, STAMPED, judge, openssl};
use crate::tokens::{errors, warnings};
use sago_stamp::{Expected, Options, Trust, code, verify_der};

#[test]
fn an_issuer_that_may_not_issue_is_refused() {
    let cases = [
        ("plain", "basicConstraints=critical,CA:FALSE\n", code::ISSUER_NOT_CA),
        ("unmarked", "subjectKeyIdentifier=hash\n", code::ISSUER_NOT_CA),
        ("unsigning", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n", code::ISSUER_KEY_USAGE),
        ("critical", "basicConstraints=critical,CA:TRUE\n1.2.3.4=critical,DER:0500\n", code::CRITICAL_EXTENSION),
    ];
    let authority = Authority::new();
    authority.root("root", P256);
    for (name, extensions, code) in cases {
        authority.issue(name, "root", P256, extensions, CURRENT);
        authority.issue("tsa", name, P256, TSA, CURRENT);
        let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[name], BOUND);
        let (verified, findings) = judge(&authority, &token);
        assert_eq!((verified, errors(&findings)), (None, vec![code]), "{name}");
        assert!(!openssl(&authority, &token), "{name}");
    }
}

#[test]
fn an_issuer_limited_to_other_purposes_is_refused() {
    // Stricter than openssl, which does not look at the purposes of issuers; webpki and Windows do.
    let authority = Authority::new();
    authority.root("root", P256);
    for (name, usage, expected) in
        [("codes", "codeSigning", vec![code::ISSUER_EKU]), ("stamps", "timeStamping,codeSigning", vec![]), ("anything", "anyExtendedKeyUsage", vec![])]
    {
        authority.issue(name, "root", P256, &format!("{CA}extendedKeyUsage={usage}\n"), CURRENT);
        authority.issue("tsa", name, P256, TSA, CURRENT);
        let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[name], BOUND);
        assert_eq!(errors(&judge(&authority, &token).1), expected, "{name}");
    }
}

#[test]
fn a_path_longer_than_its_issuer_allows_is_refused() {
    let authority = Authority::new();
    authority.self_signed("root", P256, "basicConstraints=critical,CA:TRUE,pathlen:1\n", CURRENT);
    authority.issue("first", "root", P256, CA, CURRENT);
    authority.issue("second", "first", P256, CA, CURRENT);
    for (issuer, chain, expected) in [("first", &["first"][..], vec![]), ("second", &["second", "first"], vec![code::PATH_TOO_LONG])] {
        authority.issue("tsa", issuer, P256, TSA, CURRENT);
        let token = authority.craft(&Info::of(STAMPED).der(), "tsa", chain, BOUND);
        assert_eq!(errors(&judge(&authority, &token).1), expected, "{issuer}");
        assert_eq!(openssl(&authority, &token), expected.is_empty(), "{issuer}");
    }
}

#[test]
fn a_missing_intermediate_is_named_and_may_be_supplied() {
    let authority = Authority::usual(P256);
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[], BOUND);
    let (verified, findings) = judge(&authority, &token);
    assert_eq!((verified, errors(&findings)), (None, vec![code::CHAIN_INCOMPLETE]));
    let finding = findings.iter().find(|finding| finding.code == code::CHAIN_INCOMPLETE).unwrap();
    assert!(finding.message.contains("O=Test, CN=intermediate"), "{finding}");
    assert!(!openssl(&authority, &token));
    let (anchors, intermediates) = (authority.certificates(&["root"]), authority.certificates(&["intermediate"]));
    let trust = Trust { anchors: &anchors, intermediates: &intermediates };
    assert!(verify_der(&token, Expected::Bytes(STAMPED), &trust, &Options::at(now())).0.unwrap().trusted);
    assert!(authority.openssl_accepts(&token, true, STAMPED, "root", &["intermediate"]));
}

#[test]
fn validity_is_judged_at_the_stamped_time() {
    let authority = Authority::new();
    authority.self_signed("root", P256, CA, ("20000101000000Z", "20990101000000Z"));
    authority.issue("past", "root", P256, TSA, PAST);
    authority.issue("future", "root", P256, TSA, FUTURE);
    let at = |signer: &str, gen_time: &str| {
        let token = authority.craft(&Info { gen_time, ..Info::of(STAMPED) }.der(), signer, &[], BOUND);
        let (_, findings) = judge(&authority, &token);
        (errors(&findings), warnings(&findings))
    };
    // The certificate was good then: it still is, with the advice to stamp again.
    assert_eq!(at("past", "20120601000000Z"), (vec![], vec![code::CERTIFICATE_EXPIRED_SINCE]));
    assert_eq!(at("past", "20150101000000.999Z"), (vec![], vec![code::CERTIFICATE_EXPIRED_SINCE]));
    assert_eq!(at("past", "20150101000001Z"), (vec![code::CERTIFICATE_EXPIRED], vec![]));
    assert_eq!(at("past", "20100101000000Z"), (vec![], vec![code::CERTIFICATE_EXPIRED_SINCE]));
    assert_eq!(at("past", "20091231235959.999Z"), (vec![code::CERTIFICATE_NOT_YET_VALID], vec![code::CERTIFICATE_EXPIRED_SINCE]));
    assert_eq!(at("future", "20250601120000Z"), (vec![code::CERTIFICATE_NOT_YET_VALID], vec![]));
    assert_eq!(at("future", "20950601120000Z"), (vec![code::TIME_IN_FUTURE], vec![]));
}

#[test]
fn of_two_paths_the_good_one_is_taken() {
    // The same intermediate key, certified by an expired and by a current root; then by a stranger and by the anchor.
    let authority = Authority::new();
    authority.self_signed("old", P256, CA, PAST);
    authority.root("root", P256);
    authority.issue("intermediate", "root", P256, CA, CURRENT);
    authority.share_key("intermediate", "intermediate.old");
    authority.issue("intermediate.old", "old", P256, CA, PAST);
    authority.issue("tsa", "intermediate", P256, TSA, CURRENT);
    for chain in [["intermediate", "intermediate.old", "old"], ["old", "intermediate.old", "intermediate"]] {
        let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &chain, BOUND);
        let anchors = authority.certificates(&["old", "root"]);
        let trust = Trust { anchors: &anchors, intermediates: &[] };
        let (verified, findings) = verify_der(&token, Expected::Bytes(STAMPED), &trust, &Options::at(now()));
        let verified = verified.unwrap_or_else(|| panic!("{findings:#?}"));
        assert_eq!(verified.chain[2].subject, "O=Test, CN=root");
        assert!(verified.trusted);
    }
}

#[test]
fn issuers_that_certify_each_other_end_the_search() {
    // Two keys, each certifying the other five times: more ways up than anyone should try.
    let authority = Authority::new();
    authority.root("root", P256);
    authority.self_signed("this", P256, CA, CURRENT);
    authority.self_signed("that", P256, CA, CURRENT);
    let mut names = Vec::new();
    for number in 0..5 {
        for (subject, issuer) in [("this", "that"), ("that", "this")] {
            let name = format!("{subject}.{number}");
            authority.share_key(subject, &name);
            authority.issue(&name, issuer, P256, CA, CURRENT);
            names.push(name);
        }
    }
    authority.issue("tsa", "this", P256, TSA, CURRENT);
    let chain: Vec<&str> = names.iter().map(String::as_str).collect();
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &chain, BOUND);
    let (verified, findings) = judge(&authority, &token);
    assert_eq!((verified, errors(&findings)), (None, vec![code::CHAIN_INCOMPLETE]));
    assert_eq!(warnings(&findings), [code::CHAIN_LIMIT]);
    // One way out to the anchor is found all the same.
    authority.share_key("this", "this.out");
    authority.issue("this.out", "root", P256, CA, CURRENT);
    let token = authority.craft(&Info::of(STAMPED).der(), "tsa", &[&["this.out"], &chain[..]].concat(), BOUND);
    let (verified, findings) = judge(&authority, &token);
    assert!(verified.is_some_and(|verified| verified.trusted), "{findings:#?}");
}

#[test]
fn a_self_signed_authority_is_refused_unless_it_is_the_anchor() {
    let authority = Authority::new();
    authority.root("root", P256);
    authority.self_signed("alone", P256, TSA, CURRENT);
    let token = authority.craft(&Info::of(STAMPED).der(), "alone", &[], BOUND);
    let (verified, findings) = judge(&authority, &token);
    assert_eq!((verified, errors(&findings)), (None, vec![code::SELF_SIGNED]));
    assert!(!openssl(&authority, &token));
    let (verified, findings) = verify_der(&token, Expected::Bytes(STAMPED), &Trust::default(), &Options::at(now()));
    assert_eq!((verified, errors(&findings)), (None, vec![code::SELF_SIGNED]));
    let anchors = authority.certificates(&["alone"]);
    let trust = Trust { anchors: &anchors, intermediates: &[] };
    assert!(verify_der(&token, Expected::Bytes(STAMPED), &trust, &Options::at(now())).0.unwrap().trusted);
    assert!(authority.openssl_accepts(&token, true, STAMPED, "alone", &[]));
}
