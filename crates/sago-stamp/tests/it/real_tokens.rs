//! The expected verdict on every token of the shared data, by name.

use crate::tokens::{FILES, SOON_AFTER, codes, errors, judge, own_imprint, read, reply, top, warnings};
use sago_stamp::{Accuracy, Expected, Imprint, Moment, Oid, Options, Reply, Severity, Trust, code, verify};

struct Case {
    file: &'static str,
    status_present: bool,
    gen_time: &'static str,
    policy: &'static str,
    serial: &'static str,
    nonce: [u8; 8],
    /// Subjects from the authority upwards, as far as the token goes.
    chain: &'static [&'static str],
    /// What is left to say without anchors.
    warning: &'static str,
}

const IDENTRUST: &[&str] = &["C=US, O=IdenTrust, CN=TrustID Timestamp Authority", "C=US, O=IdenTrust, CN=TrustID Timestamping CA 3"];

const CASES: [Case; 5] = [
    Case {
        file: "digicert.tsr",
        status_present: true,
        gen_time: "2025-03-24T11:17:47Z",
        policy: "2.16.840.1.114412.7.1",
        serial: "5048e337a00e4ec8845f54385ddef87d",
        nonce: [0x20, 0x1D, 0x06, 0xBC, 0x8A, 0xDB, 0x3F, 0x1C],
        chain: &[
            "C=US, O=DigiCert, CN=DigiCert Timestamp 2024",
            "C=US, O=DigiCert\\, Inc., CN=DigiCert Trusted G4 RSA4096 SHA256 TimeStamping CA",
            // Cross-signed by the older Assured ID root, which the token leaves out.
            "C=US, O=DigiCert Inc, OU=www.digicert.com, CN=DigiCert Trusted Root G4",
        ],
        warning: code::CHAIN_INCOMPLETE,
    },
    Case {
        file: "rfc3161-client-issue-104.tsr",
        status_present: true,
        gen_time: "2025-03-11T08:52:08Z",
        policy: "2.16.840.1.113839.0.6.13.3",
        serial: "400195846778d8ebd3e0d31354082a24",
        nonce: [0x75, 0xC3, 0xB3, 0x21, 0x4A, 0xC3, 0x9F, 0xBB],
        chain: IDENTRUST,
        warning: code::CHAIN_INCOMPLETE,
    },
    Case {
        // Named so by those who collected it; in truth it is signed by an authority whose certificate the token leaves out.
        file: "self_signed.tsr",
        status_present: true,
        gen_time: "2025-03-24T11:38:16Z",
        policy: "2.16.188.1.1.1.1.5",
        serial: "21aee26c",
        nonce: [0x75, 0x8A, 0x29, 0x18, 0x25, 0xC6, 0xEA, 0xBF],
        chain: &["serialNumber=CPJ-4-000-004017, C=CR, O=BANCO CENTRAL DE COSTA RICA, OU=0001, CN=TSA SINPE v3"],
        warning: code::CHAIN_INCOMPLETE,
    },
    Case {
        file: "timestamp_token_http-timestamp-identrust-com",
        status_present: false,
        gen_time: "2025-03-11T10:43:58Z",
        policy: "2.16.840.1.113839.0.6.13.3",
        serial: "40019584cddc0108ae76ad8f30d833a3",
        nonce: [0xF3, 0x70, 0xA1, 0x30, 0xED, 0x46, 0xE4, 0x88],
        chain: IDENTRUST,
        warning: code::CHAIN_INCOMPLETE,
    },
    Case {
        file: "valid_timestamp.tsr",
        status_present: true,
        gen_time: "2025-03-11T10:43:58Z",
        policy: "2.16.840.1.113839.0.6.13.3",
        serial: "40019584cddc0108ae76ad8f30d833a3",
        nonce: [0xF3, 0x70, 0xA1, 0x30, 0xED, 0x46, 0xE4, 0x88],
        chain: IDENTRUST,
        warning: code::CHAIN_INCOMPLETE,
    },
];

#[test]
fn every_file_of_the_shared_data_has_a_case() {
    assert_eq!(CASES.each_ref().map(|case| case.file), FILES);
}

#[test]
fn without_anchors_all_but_trust_is_verified() {
    for case in &CASES {
        let reply = reply(case.file);
        let (verified, findings) = judge(&reply, &[], SOON_AFTER);
        let verified = verified.unwrap_or_else(|| panic!("{}: {findings:#?}", case.file));
        assert_eq!(reply.status.is_some(), case.status_present, "{}", case.file);
        assert_eq!(verified.gen_time.to_string(), case.gen_time, "{}", case.file);
        assert_eq!(verified.policy, Oid::new(case.policy).unwrap(), "{}", case.file);
        assert_eq!(verified.serial, case.serial, "{}", case.file);
        assert_eq!(verified.chain.iter().map(|link| link.subject.as_str()).collect::<Vec<_>>(), case.chain, "{}", case.file);
        assert!(!verified.trusted, "{}", case.file);
        assert_eq!(warnings(&findings), [case.warning], "{}", case.file);
        assert_eq!(codes(&findings, Severity::Info), [code::REVOCATION_NOT_CHECKED], "{}", case.file);
        let top = verified.chain.last().unwrap();
        let end = findings.iter().find(|finding| finding.code == case.warning).unwrap();
        assert!(end.message.contains(&top.subject) && end.message.contains(&top.sha256), "{end}");
        assert_eq!(end.path, format!("chain/{}", case.chain.len() - 1));
    }
}

#[test]
fn with_the_top_of_its_own_chain_as_anchor_every_token_is_trusted() {
    for case in &CASES {
        let reply = reply(case.file);
        let (verified, findings) = judge(&reply, &[top(&reply)], SOON_AFTER);
        let verified = verified.unwrap_or_else(|| panic!("{}: {findings:#?}", case.file));
        assert!(verified.trusted, "{}", case.file);
        assert_eq!(verified.chain.len(), case.chain.len(), "{}", case.file);
        assert_eq!(codes(&findings, Severity::Info), [code::REVOCATION_NOT_CHECKED], "{}", case.file);
        assert_eq!(warnings(&findings), [""; 0], "{}", case.file);
    }
}

#[test]
fn with_a_foreign_anchor_every_token_is_refused_by_name() {
    let foreign = [top(&reply("digicert.tsr"))];
    for case in CASES.iter().filter(|case| case.file != "digicert.tsr") {
        let (verified, findings) = judge(&reply(case.file), &foreign, SOON_AFTER);
        assert_eq!((verified, errors(&findings)), (None, vec![code::CHAIN_INCOMPLETE]), "{}", case.file);
    }
    let foreign = [top(&reply("valid_timestamp.tsr"))];
    let (verified, findings) = judge(&reply("digicert.tsr"), &foreign, SOON_AFTER);
    assert_eq!((verified, errors(&findings)), (None, vec![code::CHAIN_INCOMPLETE]));
}

#[test]
fn the_nonce_is_compared() {
    for case in &CASES {
        let reply = reply(case.file);
        let imprint = [own_imprint(&reply)];
        let mut options = Options::at(SOON_AFTER);
        options.nonce = Some(case.nonce);
        assert!(verify(&reply, Expected::Imprints(&imprint), &Trust::default(), &options).0.is_some(), "{}", case.file);
        options.nonce = Some([1; 8]);
        let (verified, findings) = verify(&reply, Expected::Imprints(&imprint), &Trust::default(), &options);
        assert_eq!((verified, errors(&findings)), (None, vec![code::NONCE_MISMATCH]), "{}", case.file);
    }
}

#[test]
fn the_policy_is_compared() {
    let reply = reply("digicert.tsr");
    let imprint = [own_imprint(&reply)];
    let judge = |allowed: &[&str]| {
        let allowed_policies = allowed.iter().map(|policy| Oid::new(policy).unwrap()).collect();
        let options = Options { allowed_policies, ..Options::at(SOON_AFTER) };
        errors(&verify(&reply, Expected::Imprints(&imprint), &Trust::default(), &options).1)
    };
    assert_eq!(judge(&["1.2.3", "2.16.840.1.114412.7.1"]), [""; 0]);
    assert_eq!(judge(&["1.2.3"]), [code::POLICY_NOT_ALLOWED]);
}

#[test]
fn the_imprint_is_compared_with_bytes_and_with_imprints() {
    // Three of the tokens stamp the same file, unknown here; issue-104's stamps the bytes "hello".
    let reply = reply("rfc3161-client-issue-104.tsr");
    let judge = |expected: Expected<'_>| errors(&verify(&reply, expected, &Trust::default(), &Options::at(SOON_AFTER)).1);
    assert_eq!(judge(Expected::Bytes(b"hello")), [""; 0]);
    assert_eq!(judge(Expected::Bytes(b"hello\n")), [code::IMPRINT_MISMATCH]);
    assert_eq!(judge(Expected::Imprints(&[Imprint::sha512(b"hello")])), [""; 0]);
    assert_eq!(judge(Expected::Imprints(&[Imprint::sha256(b"other"), Imprint::sha512(b"hello")])), [""; 0]);
    assert_eq!(judge(Expected::Imprints(&[Imprint::sha512(b"other"), Imprint::sha512(b"hello")])), [code::IMPRINT_MISMATCH]);
    assert_eq!(judge(Expected::Imprints(&[Imprint::sha256(b"hello")])), [code::IMPRINT_MISMATCH]);
    assert_eq!(judge(Expected::Imprints(&[])), [code::IMPRINT_MISMATCH]);
}

#[test]
fn certificates_may_come_in_any_order() {
    let mut reply = reply("digicert.tsr");
    let anchor = [top(&reply)];
    let expected = judge(&reply, &anchor, SOON_AFTER);
    let certificates = reply.token.as_ref().unwrap().certificates.clone();
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        reply.token.as_mut().unwrap().certificates = order.map(|index| certificates[index].clone()).to_vec();
        assert_eq!(judge(&reply, &anchor, SOON_AFTER), expected, "{order:?}");
    }
}

#[test]
fn a_bare_token_and_its_reply_are_judged_alike() {
    let (bare, reply) = (reply("timestamp_token_http-timestamp-identrust-com"), reply("valid_timestamp.tsr"));
    assert_eq!(judge(&bare, &[], SOON_AFTER), judge(&reply, &[], SOON_AFTER));
}

#[test]
fn accuracy_and_ordering_are_read() {
    let token = reply("self_signed.tsr").token.unwrap();
    let info = token.info();
    assert_eq!(info.accuracy, Some(Accuracy { seconds: 0, millis: 500, micros: 0 }));
    assert!(info.ordering);
    let token = reply("digicert.tsr").token.unwrap();
    let info = token.info();
    assert_eq!((info.accuracy, info.ordering), (None, false));
}

#[test]
fn time_passes_over_a_token() {
    let reply = reply("valid_timestamp.tsr");
    let anchor = [top(&reply)];
    let at = |seconds| judge(&reply, &anchor, Moment::from_seconds(seconds));
    // The day before it was made; within the skew of clocks; after the authority's certificate expired; after all have.
    let (verified, findings) = at(1_741_600_000);
    assert_eq!((verified, errors(&findings)), (None, vec![code::TIME_IN_FUTURE]));
    assert_eq!(errors(&at(1_741_689_838 - 300).1), [""; 0]);
    assert_eq!(errors(&at(1_741_689_838 - 301).1), [code::TIME_IN_FUTURE]);
    assert_eq!(at(1_741_689_838).0.unwrap().not_after.to_string(), "2026-01-17T19:48:39Z");
    let (verified, findings) = at(1_790_000_000);
    assert!(verified.is_some());
    assert_eq!(warnings(&findings), [code::CERTIFICATE_EXPIRED_SINCE]);
    let (verified, findings) = at(2_600_000_000);
    assert!(verified.is_some());
    assert_eq!(warnings(&findings), [code::CERTIFICATE_EXPIRED_SINCE; 2]);
}

#[test]
fn bytes_after_the_end_are_refused() {
    for file in FILES {
        let mut bytes = read(file);
        bytes.push(b'\n');
        let finding = Reply::parse(&bytes).unwrap_err();
        assert_eq!((finding.code, finding.path.as_str()), (code::MALFORMED, "reply"), "{file}");
    }
}
