//! A witness's decision, every refusal of it; and policies: k of n, groups, every line that is none.
#![allow(clippy::unwrap_used, missing_docs)]

mod shared;

use sago_ledger::Hash;
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::merkle::{MerkleList, consistency_path, leaf_hash};
use sago_ledger::note::{Algorithm, Note, Signer, is_with_more_signatures};
use sago_ledger::witness::{AddCheckpoint, Answer, LineError, Refusal, Tree, WitnessPolicy, WitnessPolicyError, decide, monitor_path};
use shared::{ORIGIN, policy, signers};

/// Trees of two histories that part at entry 5.
fn history(size: u64, fork: bool) -> MerkleList {
    MerkleList::from_entries((0..size).map(|index| if fork && index >= 5 { format!("other {index}") } else { format!("entry {index}") }))
}

fn signed(list: &MerkleList) -> String {
    Checkpoint::new(ORIGIN, list.len(), list.root()).unwrap().sign(signers(), 1_773_482_520).unwrap().to_string()
}

fn tree(list: &MerkleList) -> Tree {
    Tree { size: list.len(), root: list.root() }
}

fn request(old: u64, list: &MerkleList) -> String {
    let mut reader = list;
    let proof = if old == 0 || old >= list.len() { Vec::new() } else { consistency_path(old, list.len(), &mut reader).unwrap() };
    AddCheckpoint::encode(old, &proof, &signed(list))
}

fn asked(text: &str, latest: Tree) -> Result<u64, Refusal> {
    let request = AddCheckpoint::parse(text.as_bytes())?;
    decide(&request, policy(), latest).map(|accepted| accepted.checkpoint.size)
}

#[test]
fn a_log_that_only_grows_is_cosigned_at_every_step() {
    for (old, new) in [(0, 1), (1, 2), (2, 7), (7, 8), (8, 300), (300, 300), (0, 0)] {
        let before = history(old, false);
        assert_eq!(asked(&request(old, &history(new, false)), tree(&before)), Ok(new), "{old} to {new}");
    }
}

#[test]
fn only_the_signatures_of_the_log_are_kept() {
    let list = history(3, false);
    let stranger = Signer::ed25519("stranger.example", &[9; 32]).unwrap();
    let mut note = Note::parse(signed(&list).as_bytes()).unwrap();
    note.add(stranger.sign(note.text(), 1).unwrap()).unwrap();
    let request = AddCheckpoint::parse(AddCheckpoint::encode(0, &[], &note.to_string()).as_bytes()).unwrap();
    assert_eq!(decide(&request, policy(), Tree::EMPTY).unwrap().note.to_string(), signed(&list));
}

#[test]
fn every_refusal_has_its_status() {
    let (three, seven) = (history(3, false), history(7, false));
    let check = |text: String, latest: Tree, status: u16, is_evidence: bool| {
        let refusal = asked(&text, latest).unwrap_err();
        assert_eq!((refusal.status(), refusal.is_evidence()), (status, is_evidence), "{refusal}");
        refusal
    };
    // 400: no request, or from a larger size to a smaller.
    check("nonsense".to_owned(), Tree::EMPTY, 400, false);
    let refusal = check(request(7, &three), tree(&seven), 400, false);
    assert_eq!(refusal, Refusal::OldBeyondNew { old: 7, size: 3 });
    // 404: another log, however well signed.
    let other = Signer::ed25519("other.example", &[1; 32]).unwrap();
    let note = Checkpoint::new("other.example", 3, three.root()).unwrap().sign(&[other], 1).unwrap();
    check(AddCheckpoint::encode(0, &[], &note.to_string()), Tree::EMPTY, 404, false);
    // 403: one of the two signatures is missing; bad; both are missing.
    for keep in [0, 1] {
        let mut note = Note::new(Note::parse(signed(&three).as_bytes()).unwrap().text().to_owned()).unwrap();
        note.add(signers()[keep].sign(note.text(), 1_773_482_520).unwrap()).unwrap();
        check(AddCheckpoint::encode(0, &[], &note.to_string()), Tree::EMPTY, 403, false);
    }
    check(request(0, &three).replacen("\n3\n", "\n4\n", 1), Tree::EMPTY, 403, false);
    let stranger = Signer::ed25519("stranger.example", &[9; 32]).unwrap();
    let unsigned = Checkpoint::new(ORIGIN, 3, three.root()).unwrap().sign(&[stranger], 1).unwrap();
    check(AddCheckpoint::encode(0, &[], &unsigned.to_string()), Tree::EMPTY, 403, false);
    // 409 with the size seen last: behind, ahead, never seen.
    for (old, latest) in [(3, tree(&history(2, false))), (2, tree(&three)), (3, Tree::EMPTY), (0, tree(&three))] {
        assert_eq!(check(request(old, &seven), latest, 409, false), Refusal::OtherSize { size: latest.size });
    }
    // 409: the same size and another root.
    let fork = history(7, true);
    assert_eq!(check(request(7, &fork), tree(&seven), 409, true), Refusal::Fork { size: 7 });
    // 422: the proof does not lead there, is not of the right length, or stands where there can be none.
    check(request(7, &history(9, true)), tree(&seven), 422, true);
    check(AddCheckpoint::encode(3, &[], &signed(&seven)), tree(&three), 422, true);
    check(AddCheckpoint::encode(7, &[Hash::EMPTY_ROOT], &signed(&seven)), tree(&seven), 422, true);
    check(AddCheckpoint::encode(0, &[Hash::EMPTY_ROOT], &signed(&seven)), Tree::EMPTY, 422, false);
    let nothing = Checkpoint::new(ORIGIN, 0, leaf_hash(b"x")).unwrap();
    let ed25519 = Signer::ed25519(ORIGIN, &[1; 32]).unwrap();
    let only = sago_ledger::policy::Policy::new(vec![ed25519.verifier().clone()]).unwrap();
    let text = AddCheckpoint::encode(0, &[], &nothing.sign(&[ed25519], 1).unwrap().to_string());
    let refusal = decide(&AddCheckpoint::parse(text.as_bytes()).unwrap(), &only, Tree::EMPTY).unwrap_err();
    assert_eq!(refusal.status(), 422);
}

fn witness(name: &str, seed: u8) -> [Signer; 2] {
    [Signer::ed25519_cosignature(name, &[seed; 32]).unwrap(), Signer::ml_dsa_44(name, &[seed; 32]).unwrap()]
}

/// A checkpoint cosigned by these, and a policy of three witnesses of which two are enough.
fn cosigned(by: &[&Signer]) -> Note {
    let mut note = Note::parse(signed(&history(7, false)).as_bytes()).unwrap();
    for signer in by {
        note.add(signer.sign(note.text(), 1_773_482_600).unwrap()).unwrap();
    }
    note
}

fn vkeys(signers: &[Signer]) -> String {
    signers.iter().map(|signer| format!("{}\n", signer.verifier())).collect()
}

#[test]
fn a_list_of_keys_demands_k_witnesses_with_every_key() {
    let (a, b, c) = (witness("a.example", 1), witness("b.example", 2), witness("c.example", 3));
    let list = format!("# partners\n{}\n{}{}", vkeys(&a), vkeys(&b), vkeys(&c));
    let policy = WitnessPolicy::read(list.as_bytes(), Some(2)).unwrap();
    assert_eq!((policy.witness_count(), policy.demand().as_str()), (3, "2 of 3 witnesses"));
    let check = |by: &[&Signer], count: usize, enough: bool| {
        let witnessed = policy.check(&cosigned(by));
        assert_eq!((witnessed.cosigned.len(), witnessed.is_quorum, witnessed.invalid.len()), (count, enough, 0));
    };
    check(&[], 0, false);
    check(&[&a[0], &a[1]], 1, false);
    check(&[&a[0], &a[1], &b[0]], 1, false);
    check(&[&a[0], &a[1], &b[0], &b[1]], 2, true);
    check(&[&c[1], &b[0], &b[1], &c[0]], 2, true);
    // The same witness twice is one.
    check(&[&a[0], &a[1], &a[0], &a[1]], 1, false);
    let all = WitnessPolicy::read(list.as_bytes(), None).unwrap();
    assert!(!all.check(&cosigned(&[&a[0], &a[1], &b[0], &b[1]])).is_quorum);
    assert!(all.clone().without_quorum().check(&cosigned(&[])).is_quorum);
    let witnessed = all.check(&cosigned(&[&a[0], &a[1]]));
    assert_eq!((witnessed.since(), witnessed.cosigned[0].witness.as_str()), (Some(1_773_482_600), "a.example"));
    assert_eq!(WitnessPolicy::read(list.as_bytes(), Some(4)), Err(WitnessPolicyError::Threshold { wanted: 4, there: 3 }));
    assert_eq!(WitnessPolicy::read(list.as_bytes(), Some(0)), Err(WitnessPolicyError::Threshold { wanted: 0, there: 3 }));
    assert_eq!(WitnessPolicy::read(b"# nobody\n", Some(1)), Err(WitnessPolicyError::NoKeys));
}

#[test]
fn a_false_signature_in_a_witness_s_name_counts_against_it() {
    let a = witness("a.example", 1);
    let policy = WitnessPolicy::of_keys(vec![a[0].verifier().clone()], Some(1)).unwrap();
    let mut false_line = a[0].sign(&format!("{ORIGIN}\n8\n{}\n", Hash::EMPTY_ROOT.to_base64()), 5).unwrap();
    let mut note = cosigned(&[&a[0]]);
    assert!(policy.check(&note).is_quorum);
    note.add(false_line.clone()).unwrap();
    let witnessed = policy.check(&note);
    assert_eq!((witnessed.is_quorum, witnessed.invalid.len()), (false, 1));
    // Without a time a cosignature says nothing about the largest tree.
    false_line = a[0].sign(note.text(), 0).unwrap();
    let mut note = cosigned(&[]);
    note.add(false_line).unwrap();
    assert!(!policy.check(&note).is_quorum);
}

#[test]
fn the_policy_of_the_specification_is_read() {
    let log = vkeys(&signers()[..1]);
    let (x, y): (Vec<_>, Vec<_>) = ((1..4).map(|seed| witness("x", seed)).collect(), (4..7).map(|seed| witness("y", seed)).collect());
    let key = |signer: &Signer| signer.verifier().to_string();
    let text = format!(
        "log {log}\nwitness X1 {}\nwitness X2 {}\n \twitness\tX3  {} https://x3.example/ \ngroup X-witnesses 2 X1 X2 X3\n\n# theirs\nwitness Y1 {}\nwitness Y2 {}\nwitness Y3 {}\n\
         group Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
        key(&x[0][0]),
        key(&x[1][0]),
        key(&x[2][1]),
        key(&y[0][0]),
        key(&y[1][0]),
        key(&y[2][0]),
    );
    let policy = WitnessPolicy::read(text.as_bytes(), None).unwrap();
    assert_eq!((policy.witness_count(), policy.logs().len(), policy.demand().as_str()), (6, 1, "2 of 2 groups"));
    let enough = |by: &[&Signer]| policy.check(&cosigned(by)).is_quorum;
    assert!(enough(&[&x[0][0], &x[2][1], &y[1][0]]));
    assert!(!enough(&[&x[0][0], &x[1][0], &x[2][1]]));
    assert!(!enough(&[&x[0][0], &y[0][0], &y[1][0], &y[2][0]]));
    assert_eq!(WitnessPolicy::read(text.as_bytes(), Some(2)), Err(WitnessPolicyError::OwnQuorum));
    let none = WitnessPolicy::parse(b"quorum none\n").unwrap();
    assert!(!none.has_quorum() && none.check(&cosigned(&[])).is_quorum);
}

#[test]
fn other_texts_are_no_policy() {
    let [a, b] = witness("a", 1);
    let (a, b) = (a.verifier().to_string(), b.verifier().to_string());
    let plain = signers()[0].verifier().to_string();
    let refused = |text: String| WitnessPolicy::parse(text.as_bytes()).unwrap_err();
    let line = |text: String, number, error| assert_eq!(refused(text.clone()), WitnessPolicyError::Line(number, error), "{text}");
    assert_eq!(refused(String::new()), WitnessPolicyError::NoQuorum);
    assert_eq!(refused(format!("witness A {a}\n")), WitnessPolicyError::NoQuorum);
    assert_eq!(refused("quorum none".to_owned()), WitnessPolicyError::Unfinished);
    line("quorum none\nquorum none\n".to_owned(), 2, LineError::SecondQuorum);
    line("quorum A\n".to_owned(), 1, LineError::Undefined("A".to_owned()));
    line(format!("quorum A\nwitness A {a}\n"), 1, LineError::Undefined("A".to_owned()));
    line(format!("witness none {a}\n"), 1, LineError::Taken("none".to_owned()));
    line(format!("witness A {a}\nwitness A {b}\n"), 2, LineError::Taken("A".to_owned()));
    line(format!("witness A {a}\nwitness B {a}\n"), 2, LineError::SameKey);
    line(format!("log {plain}\nlog {plain}\n"), 2, LineError::SameKey);
    line(format!("witness A {plain}\n"), 1, LineError::KindOfKey(Algorithm::Ed25519));
    line(format!("log {a}\n"), 1, LineError::KindOfKey(Algorithm::Ed25519Cosignature));
    for threshold in ["0", "2", "01", "some", "-1", ""] {
        let expect = if threshold.is_empty() { LineError::Form } else { LineError::Threshold };
        line(format!("witness A {a}\ngroup G {threshold} A\n"), 2, expect);
    }
    line(format!("witness A {a}\ngroup G any\n"), 2, LineError::Form);
    line("group G any none\n".to_owned(), 1, LineError::Undefined("none".to_owned()));
    line(format!("witness A {a}\ngroup G any A A\n"), 2, LineError::MemberTwice("A".to_owned()));
    line(format!("witness A {a}\ngroup G any A\ngroup H any A\n"), 3, LineError::MemberTwice("A".to_owned()));
    line("group G any G\n".to_owned(), 1, LineError::Undefined("G".to_owned()));
    line(format!("witness A {a}\r\n"), 1, LineError::Characters);
    line("Quorum none\n".to_owned(), 1, LineError::Form);
    line("quorum\u{a0}none\n".to_owned(), 1, LineError::Form);
    assert!(matches!(refused(format!("witness A {}\n", a.replace("a+", "b+"))), WitnessPolicyError::Line(1, LineError::Key(_))));
}

#[test]
fn a_cosigned_checkpoint_is_the_signed_one_with_lines_after_its_own() {
    let [a, _] = witness("a.example", 1);
    let (own, longer) = (signed(&history(7, false)), cosigned(&[&a]).to_string());
    assert!(is_with_more_signatures(&own, &longer) && is_with_more_signatures(&own, &own));
    assert!(!is_with_more_signatures(&longer, &own));
    for other in [
        format!("{own}x"),
        format!("{own}\n— a AAAAAAA=\n"),
        format!("x\n{own}"),
        own.replacen("\n7\n", "\n8\n", 1),
        format!("{own}— a\n"),
        longer.trim_end().to_owned(),
    ] {
        assert!(!is_with_more_signatures(&own, &other), "{other:?}");
    }
}

#[test]
fn a_witness_answers_with_lines_that_verify() {
    let [ed25519, ml_dsa] = witness("a.example", 1);
    let note = cosigned(&[]);
    let body: String = [&ed25519, &ml_dsa].map(|signer| format!("{}\n", signer.sign(note.text(), 77).unwrap())).concat();
    let Ok(Answer::Cosigned(lines)) = Answer::read(200, "", body.as_bytes()) else { panic!("no lines") };
    let times: Vec<_> = [&ed25519, &ml_dsa].iter().zip(&lines).map(|(signer, line)| signer.verifier().verify(note.text(), line).unwrap().timestamp).collect();
    assert_eq!(times, [Some(77), Some(77)]);
    // By sha256sum.
    assert_eq!(monitor_path("example.com/log"), "4d3203c8f35cdf600e475f55fede6081a703d3d322f208865fca2ec4f0e030f8/checkpoint");
}
