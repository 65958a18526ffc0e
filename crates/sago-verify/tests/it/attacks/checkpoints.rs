//! Attacks on checkpoints, signatures and keys.

use super::*;

const ATTACKS: &[Attack] = &[
    Attack {
        name: "the ML-DSA-44 signature stripped",
        code: "signature-missing",
        act: |stage| edit_proof(stage, EVENT_4, |proof| proof.checkpoint = strip_mldsa(&proof.checkpoint)),
    },
    Attack {
        name: "the Ed25519 signature stripped",
        code: "signature-missing",
        act: |stage| {
            edit_proof(stage, EVENT_4, |proof| {
                let lines: Vec<&str> = proof.checkpoint.lines().filter(|line| !line.starts_with('—') || line.len() > 1000).collect();
                proof.checkpoint = lines.join("\n") + "\n";
            })
        },
    },
    Attack {
        name: "the ML-DSA-44 signature stripped, and the key with it",
        code: "signature-missing",
        act: |stage| {
            for index in 0..stage.world.custody.size {
                edit_proof(stage, &format!("data/proofs/custody-{index}.tlog-proof"), |proof| proof.checkpoint = strip_mldsa(&proof.checkpoint));
            }
            stage.write("data/proofs/keys/custody.vkey", format!("{}\n", stage.world.custody.signers[0].verifier()));
        },
    },
    Attack {
        name: "a good signature beside a bad one of the same key",
        code: "signature-invalid",
        act: |stage| {
            edit_proof(stage, EVENT_4, |proof| {
                let other = Checkpoint::new(&stage.world.custody.origin, 3, stage.world.custody.root).unwrap().sign(&stage.world.custody.signers, 1).unwrap();
                proof.checkpoint += &format!("{}\n", other.signatures()[0]);
            })
        },
    },
    Attack {
        name: "the size in the checkpoint changed",
        code: "signature-invalid",
        act: |stage| {
            edit_proof(stage, EVENT_4, |proof| {
                proof.checkpoint = proof.checkpoint.replacen("\n7\n", "\n8\n", 1);
            })
        },
    },
    Attack {
        name: "a checkpoint with a line more",
        code: "checkpoint-malformed",
        act: |stage| {
            edit_proof(stage, EVENT_4, |proof| {
                proof.checkpoint = proof.checkpoint.replacen("\n\n", "\nextension\n\n", 1);
            })
        },
    },
    Attack {
        name: "a tree of the attacker, signed with other keys that the package lists",
        code: "signature-missing",
        act: |stage| {
            let mut world = World::new();
            world.custody.signers = impostors(&world.custody.origin);
            hand_over(stage, &world);
        },
    },
    Attack {
        name: "other keys under the ids of the true ones",
        code: "key-malformed",
        act: |stage| {
            let forged = impostors(&stage.world.custody.origin);
            let mut text = String::new();
            for (honest, forged) in stage.world.custody.signers.iter().zip(&forged) {
                let id = format!("+{:08x}+", honest.verifier().key_id());
                text += &forged.verifier().to_string().replace(&format!("+{:08x}+", forged.verifier().key_id()), &id);
                text.push('\n');
            }
            stage.write("data/proofs/keys/custody.vkey", text);
        },
    },
    Attack {
        name: "the whole package from another log with its own keys",
        code: "key-missing",
        act: |stage| {
            hand_over(stage, &World::from("k7q2m9.example/custody-2", "k7q2m9.example/access-1"));
        },
    },
    Attack {
        name: "the log itself signs two trees of one size",
        code: "checkpoint-fork",
        act: |stage| {
            let mut other = World::new();
            other.custody.events.pop();
            other.custody.add("keys-checked", json!({ "units": 2, "failures": 0 }), &json!({ "failed": [] }));
            (other.custody.size, other.custody.root) = (0, sago_ledger::Hash::EMPTY_ROOT);
            other.custody.files = Default::default();
            other.custody.integrate();
            let opening = other.custody.opening(6);
            let honest = stage.world.custody.opening(6);
            stage.write("data/proofs/custody-6.tlog-proof", other.custody.proof(&opening).encode());
            stage.replace(STORY, &canonical(&honest.to_value()), &canonical(&opening.to_value()));
        },
    },
];

#[test]
fn each_is_rejected_by_both_with_the_bag_made_whole_again() {
    try_on_exports(ATTACKS);
}

#[test]
fn a_wholly_forged_package_passes_without_given_keys_and_both_say_so() {
    let stage = Stage::export();
    let mut world = World::new();
    world.custody.signers = impostors(&world.custody.origin);
    world.access.signers = impostors(&world.access.origin);
    hand_over(&stage, &world);
    let (rust, python) = both_accept(&stage.root, &[]);
    for answer in [&rust, &python] {
        assert!(answer.has("key-from-package", ""), "{answer:#?}");
    }
    both_reject("forged, keys given", &stage.root, &stage.keys(), "signature-missing");
}

#[test]
fn a_key_given_for_one_log_does_not_let_another_pass_on_its_own_word() {
    let stage = Stage::export();
    both_reject("no key for the access log", &stage.root, &[&stage.keys[0]], "key-missing");
}

#[test]
fn keys_in_the_package_that_differ_from_the_given_are_said() {
    let stage = Stage::export();
    let forged: String = impostors(&stage.world.custody.origin).iter().map(|signer| format!("{}\n", signer.verifier())).collect();
    stage.write("data/proofs/keys/custody.vkey", forged);
    stage.fix_bag();
    let (rust, python) = both_accept(&stage.root, &stage.keys());
    for answer in [&rust, &python] {
        assert!(answer.has("key-differs", ""), "{answer:#?}");
    }
}

#[test]
fn keys_of_one_algorithm_only_are_said() {
    let stage = Stage::receipt();
    let mut world = World::new();
    world.custody.signers.pop();
    world.write_receipt(&stage.root);
    let (rust, python) = both_accept(&stage.root, &[]);
    for answer in [&rust, &python] {
        assert!(answer.has("key-one-algorithm", ""), "{answer:#?}");
    }
}
