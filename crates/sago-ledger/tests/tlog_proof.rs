//! Transparency log proofs with openings: the five checks, each failing under its own name.
#![allow(clippy::unwrap_used, missing_docs)]

mod shared;

use sago_ledger::leaf::{Half, HalfKind, Leaf};
use sago_ledger::merkle::inclusion_path;
use sago_ledger::opening::{Opening, Part};
use sago_ledger::policy::Policy;
use sago_ledger::proof::{ProofError, ProofFormError, TlogProof};
use sago_ledger::source::{MemorySource, TileReader, TileSource};
use shared::{ORIGIN, policy};

const SECONDS: u64 = 1_773_482_520;

fn halves(index: u64) -> (Half, Half) {
    let skeleton = Half { nonce: [index as u8; 32], payload: format!("{{\"kind\":\"test\",\"number\":{index}}}") };
    (skeleton, Half { nonce: [0xa5; 32], payload: "{\"name\":\"김순자\"}".to_owned() })
}

fn log() -> MemorySource {
    let leaf = |index| {
        let (skeleton, detail) = halves(index);
        Leaf::of(SECONDS + index, &skeleton, &detail).unwrap().entry()
    };
    shared::log_of(&[300], leaf).0
}

fn opening(index: u64) -> Opening {
    let (skeleton, detail) = halves(index);
    let (skeleton, detail) = (Part::Open(skeleton), Part::Open(detail));
    Opening { log: ORIGIN.to_owned(), index, seconds: SECONDS + index, skeleton, detail }
}

fn proof(log: &MemorySource, index: u64) -> TlogProof {
    TlogProof {
        index,
        path: inclusion_path(index, 300, &mut TileReader::new(log, 300)).unwrap(),
        checkpoint: String::from_utf8(log.read("checkpoint").unwrap().unwrap()).unwrap(),
        extra: Some(opening(index).encode().unwrap()),
    }
}

fn with_opening(proof: &TlogProof, change: impl FnOnce(&mut Opening)) -> TlogProof {
    let mut opening = Opening::parse(proof.extra.as_ref().unwrap()).unwrap();
    change(&mut opening);
    TlogProof { extra: Some(opening.encode().unwrap()), ..proof.clone() }
}

#[test]
fn a_proof_is_written_read_and_verified() {
    let log = log();
    for index in [0, 17, 255, 256, 299] {
        let text = proof(&log, index).encode();
        let read = TlogProof::parse(text.as_bytes()).unwrap();
        assert_eq!(read, proof(&log, index));
        let shown = read.verify(policy()).unwrap();
        assert_eq!(shown.opening, opening(index));
        assert_eq!((shown.leaf.seconds(), shown.signed.checkpoint.size), (SECONDS + index, 300));
        assert_eq!(shown.signed.signatures.len(), 2);
        let entry = shown.leaf.entry();
        assert_eq!(read.verify_entry(&entry, policy()).unwrap().leaf_hash, shown.leaf.hash());
    }
    let without = TlogProof { extra: None, ..proof(&log, 3) };
    assert!(without.encode().starts_with("c2sp.org/tlog-proof@v1\nindex 3\n"));
    assert_eq!(TlogProof::parse(without.encode().as_bytes()), Ok(without));
}

#[test]
fn a_withheld_half_is_still_proven() {
    let log = log();
    let held = with_opening(&proof(&log, 17), |opening| opening.detail = opening.detail.withheld(HalfKind::Detail));
    assert!(!held.encode().contains("김순자"));
    let shown = held.verify(policy()).unwrap();
    assert_eq!(shown.opening.detail.half(), None);
    assert_eq!(shown.opening.skeleton.half(), Some(&halves(17).0));
}

#[test]
fn each_check_fails_under_its_own_name() {
    let log = log();
    let good = proof(&log, 17);
    let check = |proof: TlogProof, expect: &str| {
        assert_eq!(proof.verify(policy()).unwrap_err().code(), expect);
    };
    // 1. The opening.
    check(TlogProof { extra: None, ..good.clone() }, "proof-opening-missing");
    check(TlogProof { extra: Some(b"{}".to_vec()), ..good.clone() }, "proof-opening-invalid");
    // 2. and 3. The entry and its place: another time, another payload, another nonce, another index.
    check(with_opening(&good, |opening| opening.seconds += 1), "proof-not-included");
    for change in [
        Part::Open(Half { payload: "{}".to_owned(), ..halves(17).1 }),
        Part::Open(Half { nonce: [0; 32], ..halves(17).1 }),
        Part::Withheld(sago_ledger::Hash([0; 32])),
    ] {
        check(with_opening(&good, |opening| opening.detail = change), "proof-not-included");
    }
    check(TlogProof { index: 18, ..good.clone() }, "proof-not-included");
    check(TlogProof { path: Vec::new(), ..good.clone() }, "proof-not-included");
    // 4. The signatures.
    let unsigned = good.checkpoint.lines().take(5).map(|line| format!("{line}\n")).collect::<String>();
    check(TlogProof { checkpoint: unsigned, ..good.clone() }, "proof-checkpoint-invalid");
    let broken = good.checkpoint.replace("/log\n300\n", "/lag\n300\n");
    check(TlogProof { checkpoint: broken, ..good.clone() }, "proof-checkpoint-invalid");
    check(TlogProof { checkpoint: String::new(), ..good.clone() }, "proof-checkpoint-invalid");
    let stranger = Policy::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    assert!(matches!(good.verify(&stranger), Err(ProofError::CheckpointInvalid(_))));
    // 5. What the opening says of itself.
    check(with_opening(&good, |opening| opening.log = "other.example/log".to_owned()), "proof-log-mismatch");
    check(with_opening(&good, |opening| opening.index = 18), "proof-index-mismatch");
}

#[test]
fn no_byte_of_a_proof_can_change() {
    let text = proof(&log(), 17).encode().into_bytes();
    for position in 0..text.len() {
        let mut changed = text.clone();
        changed[position] ^= 1 << (position % 8);
        let verified = TlogProof::parse(&changed).ok().map(|proof| proof.verify(policy()));
        assert!(!matches!(verified, Some(Ok(_))), "byte {position}");
    }
}

#[test]
fn malformed_proofs_are_refused() {
    let good = proof(&log(), 17).encode();
    let check = |text: String, expect| assert_eq!(TlogProof::parse(text.as_bytes()), Err(expect));
    check(String::new(), ProofFormError::Header);
    check(good.replace("@v1", "@v2"), ProofFormError::Header);
    check(good.replace("\nextra ", "\nextra !"), ProofFormError::Extra);
    check(good.replace("\nindex 17\n", "\n"), ProofFormError::Index);
    for index in ["017", "", "-1", "18446744073709551616", "17 "] {
        check(good.replace("\nindex 17\n", &format!("\nindex {index}\n")), ProofFormError::Index);
    }
    let line = format!("{}\n", sago_ledger::Hash([1; 32]).to_base64());
    check(good.replace("\nindex 17\n", &format!("\nindex 17\n{}", line.repeat(65))), ProofFormError::Path);
    check(good.replace("\nindex 17\n", "\nindex 17\nAAAA\n"), ProofFormError::Path);
    check("c2sp.org/tlog-proof@v1\nindex 17\n".to_owned(), ProofFormError::Checkpoint);
}
