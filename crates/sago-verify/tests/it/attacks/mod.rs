//! The table of attacks. Whoever hands over a package may do anything to it; each must be rejected by both verifiers.
//!
//! Unless an attack says otherwise, the attacker makes the bag whole again, so that nothing but the proofs can give it away.

mod bag;
mod checkpoints;
mod contents;
mod events;
mod items;
mod receipt;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::leaf::HalfKind;
use sago_ledger::note::Signer;
use sago_ledger::opening::Part;
use sago_ledger::proof::TlogProof;
use serde_json::{Value, json};

use crate::build::{ACCESSION_EVENT, OBJECT, World, canonical, seed};
use crate::judge::{both_accept, both_reject};
use crate::stage::Stage;

const ITEM_1: &str = "data/proofs/items/A-2026-0001.00001.json";
const ITEM_2: &str = "data/proofs/items/A-2026-0001.00002.json";
const EVIDENCE_1: &str = "data/evidence/A-2026-0001.00001/진술서.hwp";
const EVIDENCE_2: &str = "data/evidence/A-2026-0001.00002/photo 1.jpg";
const EVENT_4: &str = "data/proofs/custody-4.tlog-proof";
const STORY: &str = "data/provenance/events.jsonl";

struct Attack {
    name: &'static str,
    /// A code that both verifiers must name.
    code: &'static str,
    act: fn(&Stage),
}

fn swap(stage: &Stage, one: &str, other: &str) {
    let (first, second) = (stage.read(one), stage.read(other));
    stage.write(one, second);
    stage.write(other, first);
}

fn edit_proof(stage: &Stage, path: &str, edit: impl FnOnce(&mut TlogProof)) {
    let mut proof = TlogProof::parse(&stage.read(path)).unwrap();
    edit(&mut proof);
    stage.write(path, proof.encode());
}

/// Changes the opening in a proof and tells events.jsonl the same lie.
fn edit_opening(stage: &Stage, index: u64, edit: impl FnOnce(&mut Value)) {
    let honest = stage.world.custody.opening(index).to_value();
    let mut lie = honest.clone();
    edit(&mut lie);
    edit_proof(stage, &format!("data/proofs/custody-{index}.tlog-proof"), |proof| proof.extra = Some(canonical(&lie).into_bytes()));
    stage.replace(STORY, &canonical(&honest), &canonical(&lie));
}

fn edit_item(stage: &Stage, path: &str, edit: impl FnOnce(&mut Value)) {
    let mut proof: Value = serde_json::from_slice(&stage.read(path)).unwrap();
    edit(&mut proof);
    stage.write(path, canonical(&proof));
}

fn edit_line(stage: &Stage, path: &str, edit: impl FnOnce(&mut Value)) {
    edit_item(stage, path, |proof| {
        let mut line: Value = serde_json::from_str(proof["line"].as_str().unwrap()).unwrap();
        edit(&mut line);
        proof["line"] = Value::from(canonical(&line));
    });
}

fn claim_bytes(line: &mut Value, bytes: &[u8]) {
    line["sha256"] = crate::build::sha256(bytes).into();
    line["sha512"] = crate::build::sha512(bytes).into();
    line["bytes"] = bytes.len().into();
}

fn impostors(origin: &str) -> Vec<Signer> {
    vec![Signer::ed25519(origin, &seed("impostor 1")).unwrap(), Signer::ml_dsa_44(origin, &seed("impostor 2")).unwrap()]
}

/// Writes another world's export over the stage.
fn hand_over(stage: &Stage, world: &World) {
    fs::remove_dir_all(&stage.root).unwrap();
    world.write_export(&stage.root, &[]);
}

fn strip_mldsa(note: &str) -> String {
    let lines: Vec<&str> = note.lines().filter(|line| line.len() < 1000).collect();
    lines.join("\n") + "\n"
}

/// Attacks fresh exports; the attacker makes the bag whole again, unless a link makes that impossible.
fn try_on_exports(attacks: &[Attack]) {
    for attack in attacks {
        let stage = Stage::export();
        (attack.act)(&stage);
        if attack.code != "not-a-plain-file" {
            stage.fix_bag();
        }
        both_reject(attack.name, &stage.root, &stage.keys(), attack.code);
    }
}
