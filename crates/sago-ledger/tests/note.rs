//! Signed notes against examples of others, and what a policy demands of a checkpoint.
#![allow(clippy::unwrap_used, missing_docs)]

mod shared;

use sago_ledger::Hash;
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::merkle::leaf_hash;
use sago_ledger::note::{Algorithm, MAX_SIGNATURES, Note, NoteError, NoteSignature, Signer, Verifier, VerifierKeyError};
use sago_ledger::policy::{KeysError, Policy, PolicyError};
use shared::{ORIGIN, policy, signers};

/// The example of C2SP signed-note.
const POEM: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

/// The example of Go's note package, from which C2SP signed-note comes.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/// A key and its signature over the checkpoint below, made with Python's `cryptography`.
const WITNESS_KEY: &str = "witness.example/w1+d9ed62c5+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR";
const WITNESS_LINE: &str = "— witness.example/w1 2e1ixQAAAABptTIZb/gADS+5IQ5dC+QyyC63mdhWZlXGWM0wIY60935PDIPcxxjXb+oYE++wNrjDBBhAilSupTV9Zd3PGeKoW3k4DQ==\n";

fn checkpoint() -> Checkpoint {
    Checkpoint::new(ORIGIN, 3, leaf_hash(b"x")).unwrap()
}

fn signed() -> String {
    checkpoint().sign(signers(), 1_773_482_520).unwrap().to_string()
}

#[test]
fn the_example_of_the_specification_is_read_and_written() {
    let note = Note::parse(POEM.as_bytes()).unwrap();
    assert!(note.text().ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(note.signatures().len(), 1);
    assert_eq!(note.signatures()[0].name, "quasimodo.example/salvatore");
    assert_eq!((note.signatures()[0].key_id, note.signatures()[0].bytes.len()), (0x367b_a04b, 64));
    assert_eq!(note.to_string(), POEM);
    // Nobody we know has signed it.
    assert_eq!(note.verify(&[GO_KEY.parse().unwrap()]), Err(NoteError::Unsigned));
}

#[test]
fn a_note_of_go_verifies() {
    let verifier: Verifier = GO_KEY.parse().unwrap();
    assert_eq!(verifier.to_string(), GO_KEY);
    assert_eq!((verifier.name(), verifier.key_id()), ("PeterNeumann", 0xc74f_20a3));
    let verified = Note::parse(GO_NOTE.as_bytes()).unwrap().verify(std::slice::from_ref(&verifier)).unwrap();
    assert_eq!((verified.len(), verified[0].algorithm, verified[0].timestamp), (1, Algorithm::Ed25519, None));
    let changed = GO_NOTE.replace("answer", "Answer");
    let refused = Note::parse(changed.as_bytes()).unwrap().verify(&[verifier]);
    assert_eq!(refused, Err(NoteError::BadSignature { name: "PeterNeumann".to_owned(), key_id: 0xc74f_20a3 }));
}

#[test]
fn our_bytes_are_those_of_independent_implementations() {
    // The same keys and checkpoint signed with Python's `cryptography` and `dilithium-py` gave this note.
    let note = signed();
    assert_eq!(note.len(), 3445);
    let sha256 = Hash::of(&[note.as_bytes()]).to_hex();
    assert_eq!(sha256, "585137b7a28f61abdf151d7a641d1cfb282dc53aa138d1f1a1ba75867ad9819f");
    let [ed25519, ml_dsa] = signers() else { panic!("two signers") };
    let ed25519 = ed25519.verifier().to_string();
    assert_eq!(ed25519, "sago.example/log+db672bb7+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c");
    assert_eq!(ml_dsa.verifier().key_id(), 0x5727_c175);
    let sha256 = Hash::of(&[ml_dsa.verifier().to_string().as_bytes()]).to_hex();
    assert_eq!(sha256, "ca3daef14458f88fe65cd186b4594d4b707ba13f2ccc3cf55f7f23b1bbd544d6");
}

#[test]
fn a_witness_with_a_timestamped_ed25519_key_verifies() {
    let witness: Verifier = WITNESS_KEY.parse().unwrap();
    assert_eq!(witness.to_string(), WITNESS_KEY);
    let note = signed() + WITNESS_LINE;
    let verified = Note::parse(note.as_bytes()).unwrap().verify(std::slice::from_ref(&witness)).unwrap();
    assert_eq!(verified[0].timestamp, Some(1_773_482_521));
    assert_eq!(verified[0].algorithm, Algorithm::Ed25519Cosignature);
    // Another time, and another size: both are signed.
    for (from, to) in [("AAAABptTIZ", "AAAABptTIa"), ("\n3\n", "\n4\n")] {
        let changed = note.replacen(from, to, 1);
        assert_ne!(changed, note);
        let refused = Note::parse(changed.as_bytes()).unwrap().verify(std::slice::from_ref(&witness));
        assert!(matches!(refused, Err(NoteError::BadSignature { .. })), "{from}");
    }
    // The log's own policy does not mind the witness.
    assert!(policy().open(note.as_bytes()).is_ok());
}

#[test]
fn every_bit_of_both_signatures_counts() {
    let note = Note::parse(signed().as_bytes()).unwrap();
    for signer in signers() {
        let verifier = signer.verifier();
        let good = note.signatures().iter().find(|line| verifier.is_key_of(line)).unwrap();
        let verified = verifier.verify(note.text(), good).unwrap();
        assert_eq!(verified.timestamp.is_some(), verified.algorithm == Algorithm::MlDsa44Cosignature);
        for byte in 0..good.bytes.len() {
            let mut bad = good.clone();
            bad.bytes[byte] ^= 1 << (byte % 8);
            assert!(verifier.verify(note.text(), &bad).is_err(), "{verifier:?} byte {byte}");
        }
        for bytes in [vec![], good.bytes[1..].to_vec(), [&good.bytes[..], &[0]].concat()] {
            assert!(verifier.verify(note.text(), &NoteSignature { bytes, ..good.clone() }).is_err());
        }
        let other = checkpoint().text().replace(ORIGIN, "sago.example/lag");
        assert!(verifier.verify(&other, good).is_err());
    }
}

#[test]
fn sixteen_large_signatures_are_accepted_and_unknown_ones_ignored() {
    let mut note = Note::new(checkpoint().text()).unwrap();
    for number in 0..15u32 {
        let name = format!("witness.example/w{number}");
        note.add(NoteSignature { name, key_id: number, bytes: vec![7; 5000] }).unwrap();
    }
    note.add(signers()[0].sign(note.text(), 0).unwrap()).unwrap();
    let read = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read, note);
    assert_eq!(read.verify(policy().keys()).unwrap().len(), 1);
    while note.signatures().len() < MAX_SIGNATURES {
        note.add(NoteSignature { name: "w".to_owned(), key_id: 0, bytes: vec![7] }).unwrap();
    }
    let one_more = format!("{note}{}\n", note.signatures()[0]);
    assert_eq!(Note::parse(one_more.as_bytes()), Err(NoteError::TooManySignatures));
    assert!(Note::parse(note.to_string().as_bytes()).is_ok());
}

#[test]
fn a_name_or_an_id_alone_is_not_a_known_key() {
    let good = signers()[0].sign(&checkpoint().text(), 0).unwrap();
    for bad in [
        NoteSignature { name: "other.example".to_owned(), bytes: vec![1; 64], ..good.clone() },
        NoteSignature { key_id: good.key_id ^ 1, bytes: vec![1; 64], ..good.clone() },
    ] {
        let mut note = Note::new(checkpoint().text()).unwrap();
        note.add(bad).unwrap();
        assert_eq!(note.verify(policy().keys()), Err(NoteError::Unsigned));
        note.add(good.clone()).unwrap();
        assert_eq!(note.verify(policy().keys()).unwrap().len(), 1);
    }
    // The same key twice, once right and once wrong: the note is refused.
    let mut note = Note::new(checkpoint().text()).unwrap();
    note.add(good.clone()).unwrap();
    note.add(NoteSignature { bytes: vec![1; 64], ..good }).unwrap();
    assert!(matches!(note.verify(policy().keys()), Err(NoteError::BadSignature { .. })));
}

#[test]
fn malformed_notes_are_refused() {
    let check = |note: &[u8], expect| assert_eq!(Note::parse(note), Err(expect), "{}", String::from_utf8_lossy(note));
    check(b"", NoteError::Form);
    check(b"text\n", NoteError::Form);
    check(b"text\n\n", NoteError::Form);
    check(POEM.trim_end().as_bytes(), NoteError::Form);
    check(POEM.replace("sera.\n\n", "sera.\n").as_bytes(), NoteError::SignatureLine(1));
    check(format!("{POEM}\n").as_bytes(), NoteError::Form);
    check(POEM.replace("— ", "- ").as_bytes(), NoteError::SignatureLine(1));
    check(POEM.replace("— ", "—").as_bytes(), NoteError::SignatureLine(1));
    check(POEM.replace("quasimodo.example", "quasi+modo.example").as_bytes(), NoteError::SignatureLine(1));
    check(POEM.replace("quasimodo.example", "quasi\u{a0}modo.example").as_bytes(), NoteError::SignatureLine(1));
    check(POEM.replace("quasimodo.example/salvatore", "").as_bytes(), NoteError::SignatureLine(1));
    check(POEM.replace("Ic=\n", "Id=\n").as_bytes(), NoteError::SignatureLine(1));
    check(POEM.replace("Ic=\n", "Ic\n").as_bytes(), NoteError::SignatureLine(1));
    check(POEM.replace("Ic=\n", "Ic= \n").as_bytes(), NoteError::SignatureLine(1));
    check("text\n\n— name AAAAAA==\n".as_bytes(), NoteError::SignatureLine(1));
    check(POEM.replace('\n', "\r\n").as_bytes(), NoteError::Characters);
    check(b"text\xff\n\n", NoteError::Characters);
    check(&vec![b'a'; 1024 * 1024 + 1], NoteError::TooLong(1024 * 1024 + 1));
    assert_eq!(Note::new("no newline".to_owned()), Err(NoteError::Form));
    assert_eq!(Note::new("tab\t\n".to_owned()), Err(NoteError::Characters));
    for name in ["", "a b", "a+b", "a\nb"] {
        assert!(matches!(Signer::ed25519(name, &[1; 32]), Err(NoteError::KeyName(_))), "{name:?}");
    }
}

#[test]
fn mangled_verifier_keys_are_refused() {
    for start in 0..GO_KEY.len() {
        for end in start..=GO_KEY.len() {
            let part = &GO_KEY[start..end];
            assert_eq!(part.parse::<Verifier>().is_ok(), part == GO_KEY, "{part}");
        }
    }
    for position in 0..GO_KEY.len() {
        let mut bytes = GO_KEY.as_bytes().to_vec();
        bytes[position] += 1;
        assert!(String::from_utf8(bytes).unwrap().parse::<Verifier>().is_err(), "{position}");
    }
    assert_eq!(GO_KEY.replace("c74f20a3", "C74F20A3").parse::<Verifier>(), Err(VerifierKeyError::Form));
    assert_eq!(GO_KEY.replace("+ARpc", "+AhpC").parse::<Verifier>(), Err(VerifierKeyError::UnknownKind(2)));
    // The neutral point of the curve: any signature of one kind verifies under it.
    let mut weak = [0; 32];
    weak[0] = 1;
    let refused = Verifier::new("weak", Algorithm::Ed25519, &weak);
    assert_eq!(refused, Err(VerifierKeyError::Key(Algorithm::Ed25519)));
    let short = Verifier::new("short", Algorithm::MlDsa44Cosignature, &[0; 32]);
    assert_eq!(short, Err(VerifierKeyError::Key(Algorithm::MlDsa44Cosignature)));
}

#[test]
fn a_policy_demands_every_key_of_the_log() {
    let both = policy();
    let opened = both.open(signed().as_bytes()).unwrap();
    assert_eq!(opened.checkpoint, checkpoint());
    assert_eq!(opened.signatures.len(), 2);
    for (kept, lost) in [(0, "ML-DSA-44"), (1, "Ed25519")] {
        let one = checkpoint().sign(&signers()[kept..=kept], 1).unwrap().to_string();
        match both.open(one.as_bytes()) {
            Err(PolicyError::MissingSignature(key)) => assert!(key.contains(lost), "{key}"),
            other => panic!("{other:?}"),
        }
        let lenient = Policy::new(vec![signers()[kept].verifier().clone()]).unwrap();
        assert!(lenient.open(one.as_bytes()).is_ok());
    }
    assert_eq!(both.open(POEM.as_bytes()), Err(PolicyError::Note(NoteError::Unsigned)));
    let poem = Note::sign("a poem\n".to_owned(), &signers()[..1], 0).unwrap().to_string();
    let ed25519_only = Policy::new(vec![signers()[0].verifier().clone()]).unwrap();
    assert!(matches!(ed25519_only.open(poem.as_bytes()), Err(PolicyError::Checkpoint(_))));
    let other = Checkpoint::new("other.example", 3, leaf_hash(b"x")).unwrap();
    let other = other.sign(signers(), 1).unwrap().to_string();
    assert!(matches!(both.open(other.as_bytes()), Err(PolicyError::OtherLog { .. })));
}

#[test]
fn a_file_of_verifier_keys_is_read_and_written() {
    let policy = policy().clone();
    assert_eq!(policy.origin(), ORIGIN);
    assert_eq!(policy.text().lines().count(), 2);
    assert_eq!(Policy::parse(&policy.text()), Ok(policy.clone()));
    assert_eq!(Policy::parse(&format!("\n{}\n", policy.text())), Ok(policy.clone()));
    assert_eq!(Policy::parse("\n"), Err(KeysError::None));
    assert!(matches!(Policy::parse(&format!("{GO_KEY}\nx")), Err(KeysError::Line(2, _))));
    assert!(matches!(Policy::parse(&format!("{GO_KEY}\n{}", policy.text())), Err(KeysError::SeveralLogs(..))));
    assert!(matches!(Policy::parse(&format!("{GO_KEY}\n{GO_KEY}")), Err(KeysError::SameId(0xc74f_20a3))));
}

#[test]
fn a_signer_shows_no_secret() {
    for signer in signers() {
        assert_eq!(format!("{signer:?}"), format!("Signer({ORIGIN}+{:08x})", signer.verifier().key_id()));
    }
}
