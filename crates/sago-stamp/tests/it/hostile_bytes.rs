//! Whatever the bytes, reading and judging ends in a verdict: no panic, no acceptance without the signed bytes being the same.

use crate::tokens::{FILES, SOON_AFTER, read};
use proptest::prelude::*;
use sago_stamp::{Certificate, Expected, Imprint, Options, Reply, Severity, Trust, certificates_from_pem, verify_der};

fn judge(bytes: &[u8], anchors: &[Certificate]) {
    let trust = Trust { anchors, intermediates: anchors };
    let (verified, findings) = verify_der(bytes, Expected::Imprints(&[Imprint::sha256(b"")]), &trust, &Options::at(SOON_AFTER));
    assert!(verified.is_none());
    assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
}

#[derive(Debug, Clone)]
enum Edit {
    Set(usize, u8),
    Cut(usize),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        1 => any::<usize>().prop_map(Edit::Cut),
        1 => (any::<usize>(), 1..64_usize).prop_map(|(at, count)| Edit::Remove(at, count)),
        1 => (any::<usize>(), proptest::collection::vec(any::<u8>(), 1..16)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        1 => (any::<usize>(), 1..256_usize).prop_map(|(at, count)| Edit::Repeat(at, count)),
    ]
}

fn apply(bytes: &mut Vec<u8>, edit: Edit) {
    let place = |at: usize| at % bytes.len().max(1);
    match edit {
        _ if bytes.is_empty() => {}
        Edit::Set(at, byte) => {
            let at = place(at);
            bytes[at] = byte;
        }
        Edit::Cut(at) => bytes.truncate(place(at)),
        Edit::Remove(at, count) => {
            let at = place(at);
            bytes.drain(at..(at + count).min(bytes.len()));
        }
        Edit::Insert(at, inserted) => {
            let at = place(at);
            bytes.splice(at..at, inserted);
        }
        Edit::Repeat(at, count) => {
            let at = place(at);
            let copy = bytes[at..(at + count).min(bytes.len())].to_vec();
            bytes.splice(at..at, copy);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_tokens_end_in_a_verdict(file in 0..FILES.len(), edits in proptest::collection::vec(edit(), 1..6)) {
        let mut bytes = read(FILES[file]);
        for edit in edits {
            apply(&mut bytes, edit);
        }
        judge(&bytes, &[]);
    }

    #[test]
    fn mutated_certificates_end_in_a_verdict(edits in proptest::collection::vec(edit(), 1..4)) {
        let original = read("valid_timestamp.tsr");
        let certificates = Reply::parse(&original).unwrap().token.unwrap().certificates;
        let mut bytes = certificates[1].der().to_vec();
        for edit in edits {
            apply(&mut bytes, edit);
        }
        if let Ok(certificate) = Certificate::parse(&bytes) {
            judge(&original, &[certificate]);
        }
    }

    #[test]
    fn noise_ends_in_a_verdict(bytes in proptest::collection::vec(any::<u8>(), 0..256), text in "\\PC*") {
        judge(&bytes, &[]);
        let _ = Certificate::parse(&bytes);
        certificates_from_pem(&format!("-----BEGIN CERTIFICATE-----{text}-----END CERTIFICATE-----{text}-----BEGIN CERTIFICATE-----"));
    }
}

#[test]
fn every_truncation_is_refused() {
    for file in FILES {
        let bytes = read(file);
        for length in 0..bytes.len() {
            assert!(Reply::parse(&bytes[..length]).is_err(), "{file} cut at {length}");
        }
    }
}
