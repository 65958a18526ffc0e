//! Our requests, answered by `openssl ts -reply`: an authority that follows the rules. `openssl ts -verify` must agree each time.

use crate::authority::{Authority, CA, CURRENT, OTHER_POLICY, P256, PAST, POLICY, RSA, TSA, now};
use crate::tokens::{codes, errors, warnings};
use sago_stamp::{
    Accuracy, Expected, Finding, Imprint, Moment, Oid, Options, PkiStatus, Reply, Severity, Trust, Verified, certificates_from_pem, certificates_to_pem, code,
    request, verify_der,
};

const CHECKPOINT: &[u8] = "log.example/custody\n17\nabc=\n\n— log.example/custody xyz\n".as_bytes();
const NONCE: [u8; 8] = [0x9A, 0, 1, 2, 3, 4, 5, 0xFF];

struct Scene {
    authority: Authority,
    reply: Vec<u8>,
}

impl Scene {
    /// A reply with the intermediate certificate inside and the root outside.
    fn new(key: &[&str], imprint: Imprint) -> Self {
        let authority = Authority::usual(key);
        let reply = authority.reply(&request(&imprint, Some(NONCE), true, None), "tsa", &["intermediate"], &[]);
        Self { authority, reply }
    }

    fn judge_at(&self, at: Moment, stamped: &[u8], nonce: [u8; 8], anchors: &[&str]) -> (Option<Verified>, Vec<Finding>) {
        let anchors = self.authority.certificates(anchors);
        let options = Options { nonce: Some(nonce), ..Options::at(at) };
        verify_der(&self.reply, Expected::Bytes(stamped), &Trust { anchors: &anchors, intermediates: &[] }, &options)
    }

    fn judge(&self, stamped: &[u8], nonce: [u8; 8], anchors: &[&str]) -> (Option<Verified>, Vec<Finding>) {
        self.judge_at(now(), stamped, nonce, anchors)
    }

    fn openssl_accepts(&self, stamped: &[u8], anchor: &str) -> bool {
        self.authority.openssl_accepts(&self.reply, false, stamped, anchor, &[])
    }
}

fn accepted_with(key: &[&str], imprint: Imprint) {
    let scene = Scene::new(key, imprint);
    let before = now();
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &["root"]);
    let verified = verified.unwrap_or_else(|| panic!("{findings:#?}"));
    assert!(verified.trusted);
    assert!((verified.gen_time.seconds - before.seconds).abs() < 60);
    assert_eq!(verified.accuracy, Some(Accuracy { seconds: 1, millis: 500, micros: 100 }));
    assert_eq!(verified.policy, Oid::new(POLICY).unwrap());
    assert_eq!(verified.serial, "2b");
    assert_eq!(verified.imprint, imprint);
    assert_eq!(verified.tsa, "O=Test, CN=tsa");
    let chain: Vec<_> = verified.chain.iter().map(|link| link.subject.as_str()).collect();
    assert_eq!(chain, ["O=Test, CN=tsa", "O=Test, CN=intermediate", "O=Test, CN=root"]);
    assert_eq!(verified.not_after.to_string(), "2099-01-01T00:00:00Z");
    assert_eq!((findings.len(), findings[0].code), (1, code::REVOCATION_NOT_CHECKED), "{findings:#?}");
    assert!(scene.openssl_accepts(CHECKPOINT, "root"));
    // openssl also accepts it as the answer to our very request.
    scene.authority.openssl(&["ts", "-verify", "-in", "reply.tsr", "-queryfile", "request.tsq", "-CAfile", "root.pem"]);
}

#[test]
fn rsa_authority_stamps_sha256() {
    accepted_with(RSA, Imprint::sha256(CHECKPOINT));
}

#[test]
fn rsa_authority_stamps_sha512() {
    accepted_with(RSA, Imprint::sha512(CHECKPOINT));
}

#[test]
fn p256_authority_stamps_sha256() {
    accepted_with(P256, Imprint::sha256(CHECKPOINT));
}

#[test]
fn p256_authority_stamps_sha512() {
    accepted_with(P256, Imprint::sha512(CHECKPOINT));
}

#[test]
fn other_bytes_are_refused() {
    for key in [P256, RSA] {
        let scene = Scene::new(key, Imprint::sha256(CHECKPOINT));
        let (verified, findings) = scene.judge(b"other", NONCE, &["root"]);
        assert_eq!((verified, errors(&findings)), (None, vec![code::IMPRINT_MISMATCH]));
        assert!(!scene.openssl_accepts(b"other", "root"));
    }
}

#[test]
fn another_nonce_is_refused() {
    let scene = Scene::new(P256, Imprint::sha512(CHECKPOINT));
    let (verified, findings) = scene.judge(CHECKPOINT, [0; 8], &["root"]);
    assert_eq!((verified, errors(&findings)), (None, vec![code::NONCE_MISMATCH]));
}

#[test]
fn a_missing_nonce_is_refused_only_when_one_was_sent() {
    let authority = Authority::usual(P256);
    let reply = authority.reply(&request(&Imprint::sha256(CHECKPOINT), None, true, None), "tsa", &["intermediate"], &[]);
    let scene = Scene { authority, reply };
    assert_eq!(errors(&scene.judge(CHECKPOINT, NONCE, &["root"]).1), [code::NONCE_MISMATCH]);
    let anchors = scene.authority.certificates(&["root"]);
    let trust = Trust { anchors: &anchors, intermediates: &[] };
    assert!(verify_der(&scene.reply, Expected::Bytes(CHECKPOINT), &trust, &Options::at(now())).0.is_some());
}

#[test]
fn another_root_is_refused() {
    let scene = Scene::new(P256, Imprint::sha256(CHECKPOINT));
    scene.authority.root("stranger", P256);
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &["stranger"]);
    assert_eq!((verified, errors(&findings)), (None, vec![code::CHAIN_INCOMPLETE]));
    assert!(!scene.openssl_accepts(CHECKPOINT, "stranger"));
}

#[test]
fn another_root_is_refused_when_the_token_brings_its_own() {
    let authority = Authority::usual(P256);
    authority.root("stranger", P256);
    let wanted = request(&Imprint::sha256(CHECKPOINT), Some(NONCE), true, None);
    let reply = authority.reply(&wanted, "tsa", &["intermediate", "root"], &[]);
    let scene = Scene { authority, reply };
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &["stranger"]);
    assert_eq!((verified, errors(&findings)), (None, vec![code::ROOT_UNTRUSTED]));
    assert!(!scene.openssl_accepts(CHECKPOINT, "stranger"));
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &[]);
    assert!(!verified.unwrap().trusted);
    assert_eq!(warnings(&findings), [code::ROOT_UNTRUSTED]);
    assert!(scene.judge(CHECKPOINT, NONCE, &["stranger", "root"]).0.unwrap().trusted);
}

#[test]
fn a_root_of_the_same_name_with_another_key_is_refused() {
    let scene = Scene::new(P256, Imprint::sha256(CHECKPOINT));
    scene.authority.root("root.impostor", P256);
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &["root.impostor"]);
    assert_eq!((verified, errors(&findings)), (None, vec![code::CHAIN_SIGNATURE_BAD]));
    assert!(!scene.openssl_accepts(CHECKPOINT, "root.impostor"));
    assert!(scene.judge(CHECKPOINT, NONCE, &["root.impostor", "root"]).0.unwrap().trusted);
}

#[test]
fn an_intermediate_or_the_authority_itself_may_be_the_anchor() {
    let scene = Scene::new(P256, Imprint::sha256(CHECKPOINT));
    for (anchor, length) in [("intermediate", 2), ("tsa", 1)] {
        let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &[anchor]);
        let verified = verified.unwrap_or_else(|| panic!("{findings:#?}"));
        assert_eq!((verified.trusted, verified.chain.len()), (true, length));
    }
}

#[test]
fn an_expired_authority_is_refused() {
    let authority = Authority::usual(P256);
    authority.issue("old", "intermediate", P256, TSA, PAST);
    let reply = authority.reply(&request(&Imprint::sha256(CHECKPOINT), Some(NONCE), true, None), "old", &["intermediate"], &[]);
    let scene = Scene { authority, reply };
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &["root"]);
    assert_eq!((verified, errors(&findings)), (None, vec![code::CERTIFICATE_EXPIRED]));
    assert_eq!(findings.iter().find(|finding| finding.severity == Severity::Error).unwrap().path, "chain/0");
    assert!(!scene.openssl_accepts(CHECKPOINT, "root"));
}

#[test]
fn an_expired_root_is_refused() {
    let authority = Authority::new();
    authority.self_signed("root", P256, CA, PAST);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    let reply = authority.reply(&request(&Imprint::sha256(CHECKPOINT), Some(NONCE), true, None), "tsa", &[], &[]);
    let scene = Scene { authority, reply };
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &["root"]);
    assert_eq!((verified, errors(&findings)), (None, vec![code::CERTIFICATE_EXPIRED]));
    assert!(!scene.openssl_accepts(CHECKPOINT, "root"));
}

#[test]
fn a_certificate_that_expires_later_leaves_the_stamp_good_with_a_warning() {
    let scene = Scene::new(P256, Imprint::sha256(CHECKPOINT));
    let (verified, findings) = scene.judge_at(Moment::from_seconds(4_500_000_000), CHECKPOINT, NONCE, &["root"]);
    assert!(verified.unwrap().trusted);
    assert_eq!(warnings(&findings), [code::CERTIFICATE_EXPIRED_SINCE; 3]);
}

#[test]
fn a_refused_request_is_told_with_the_authoritys_reason() {
    // The authority of these tests stamps SHA-256 and SHA-512 alone.
    let scene = Scene::new(P256, Imprint::sha384(CHECKPOINT));
    let status = Reply::parse(&scene.reply).unwrap().status.unwrap();
    assert_eq!((status.status, status.failures), (PkiStatus::Rejection, vec!["badAlg".to_owned()]));
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &["root"]);
    assert_eq!((verified, errors(&findings)), (None, vec![code::STATUS_REJECTED]));
    assert!(findings[0].message.contains("badAlg"), "{}", findings[0]);
}

#[test]
fn the_policy_asked_for_is_the_policy_given() {
    let authority = Authority::usual(P256);
    let policy = Oid::new(OTHER_POLICY).unwrap();
    let reply = authority.reply(&request(&Imprint::sha256(CHECKPOINT), None, true, Some(policy)), "tsa", &["intermediate"], &[]);
    assert_eq!(Reply::parse(&reply).unwrap().token.unwrap().info().policy, policy);
    let unknown = Oid::new("1.2.3.4").unwrap();
    let reply = authority.reply(&request(&Imprint::sha256(CHECKPOINT), None, true, Some(unknown)), "tsa", &["intermediate"], &[]);
    assert_eq!(Reply::parse(&reply).unwrap().status.unwrap().failures, ["unacceptedPolicy"]);
}

#[test]
fn a_token_without_certificates_needs_them_from_elsewhere() {
    let authority = Authority::usual(P256);
    let reply = authority.reply(&request(&Imprint::sha256(CHECKPOINT), Some(NONCE), false, None), "tsa", &[], &[]);
    let scene = Scene { authority, reply };
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &["root"]);
    assert_eq!((verified, errors(&findings)), (None, vec![code::CERTIFICATE_MISSING]));
    let anchors = scene.authority.certificates(&["root"]);
    // Through PEM, as chains are kept beside stamps.
    let chain = certificates_to_pem(&scene.authority.certificates(&["intermediate", "tsa"]));
    let (intermediates, unreadable) = certificates_from_pem(&chain);
    assert!(unreadable.is_empty());
    let trust = Trust { anchors: &anchors, intermediates: &intermediates };
    let (verified, findings) = verify_der(&scene.reply, Expected::Bytes(CHECKPOINT), &trust, &Options::at(now()));
    assert!(verified.unwrap().trusted, "{findings:#?}");
    // Certificates that only help are not believed.
    let trust = Trust { anchors: &[], intermediates: &intermediates };
    let (verified, findings) = verify_der(&scene.reply, Expected::Bytes(CHECKPOINT), &trust, &Options::at(now()));
    assert!(!verified.unwrap().trusted);
    assert_eq!(warnings(&findings), [code::CHAIN_INCOMPLETE]);
}

#[test]
fn a_bare_token_from_openssl_is_accepted() {
    let authority = Authority::usual(P256);
    let wanted = request(&Imprint::sha256(CHECKPOINT), Some(NONCE), true, None);
    let reply = authority.reply(&wanted, "tsa", &["intermediate"], &["-token_out"]);
    assert!(Reply::parse(&reply).unwrap().status.is_none());
    let scene = Scene { authority, reply };
    assert!(scene.judge(CHECKPOINT, NONCE, &["root"]).0.unwrap().trusted);
    assert!(scene.authority.openssl_accepts(&scene.reply, true, CHECKPOINT, "root", &[]));
}

#[test]
fn a_granted_reply_without_token_is_refused() {
    let (verified, findings) = verify_der(&[0x30, 5, 0x30, 3, 2, 1, 0], Expected::Bytes(b""), &Trust::default(), &Options::at(Moment::from_seconds(0)));
    assert_eq!((verified, errors(&findings)), (None, vec![code::TOKEN_MISSING]));
}

#[test]
fn a_status_that_is_not_plainly_granted_is_told() {
    let mut scene = Scene::new(P256, Imprint::sha256(CHECKPOINT));
    // PKIStatusInfo stands right behind the outer header: 30 03 02 01 00.
    let position = scene.reply.windows(5).position(|window| window == [0x30, 3, 2, 1, 0]).unwrap();
    scene.reply[position + 4] = 1;
    let (verified, findings) = scene.judge(CHECKPOINT, NONCE, &["root"]);
    assert!(verified.is_some());
    assert_eq!(codes(&findings, Severity::Warning), [code::GRANTED_WITH_MODS]);
    for status in 2..=6 {
        scene.reply[position + 4] = status;
        assert_eq!(errors(&scene.judge(CHECKPOINT, NONCE, &["root"]).1), [code::STATUS_REJECTED]);
    }
}

#[test]
fn no_bit_of_a_p256_reply_can_be_turned_unnoticed() {
    let authority = Authority::new();
    authority.root("root", P256);
    authority.issue("tsa", "root", P256, TSA, CURRENT);
    let wanted = request(&Imprint::sha256(CHECKPOINT), Some(NONCE), true, None);
    let reply = authority.reply(&wanted, "tsa", &[], &[]);
    let (anchors, at) = (authority.certificates(&["root"]), now());
    let options = Options { nonce: Some(NONCE), ..Options::at(at) };
    let trust = Trust { anchors: &anchors, intermediates: &[] };
    let mut accepted = Vec::new();
    for bit in 0..reply.len() * 8 {
        let mut turned = reply.clone();
        turned[bit / 8] ^= 0x80 >> (bit % 8);
        if let (Some(_), findings) = verify_der(&turned, Expected::Bytes(CHECKPOINT), &trust, &options) {
            accepted.push((bit, warnings(&findings)));
        }
    }
    // The one bit outside everything signed: granted may become grantedWithMods, which is told.
    let [(_, told)] = accepted.as_slice() else { panic!("{accepted:?}") };
    assert_eq!(*told, [code::GRANTED_WITH_MODS]);
}
