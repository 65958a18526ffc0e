//! The table of attacks. Whoever hands over a package may do anything to it; each must be rejected by both verifiers.
//!
//! Unless an attack says otherwise, the attacker makes the bag whole again, so that nothing but the proofs can give it away.

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

const EXPORT: &[Attack] = &[
    Attack { name: "a byte of evidence changed", code: "evidence-differs", act: |stage| stage.write(EVIDENCE_1, b"\xd0\xcf\x11\xe0 statement of b witness") },
    Attack { name: "evidence cut off", code: "evidence-differs", act: |stage| stage.write(EVIDENCE_2, b"\xff\xd8") },
    Attack { name: "an empty original filled", code: "evidence-differs", act: |stage| stage.write("data/evidence/A-2026-0001.00003/empty.txt", b"x") },
    Attack { name: "two originals swapped", code: "evidence-differs", act: |stage| swap(stage, EVIDENCE_1, EVIDENCE_2) },
    Attack { name: "evidence changed, and its line with it", code: "item-inclusion", act: |stage| {
        stage.write(EVIDENCE_1, b"forged");
        edit_line(stage, ITEM_1, |line| claim_bytes(line, b"forged"));
    } },
    Attack { name: "the name in a line changed", code: "item-inclusion", act: |stage| edit_line(stage, ITEM_1, |line| line["path"] = "고백.hwp".into()) },
    Attack { name: "the proofs of two items swapped", code: "item-number", act: |stage| swap(stage, ITEM_1, ITEM_2) },
    Attack { name: "proofs and evidence of two items swapped, numbers rewritten", code: "item-inclusion", act: |stage| {
        swap(stage, ITEM_1, ITEM_2);
        edit_line(stage, ITEM_1, |line| line["item"] = "A-2026-0001.00001".into());
        edit_line(stage, ITEM_2, |line| line["item"] = "A-2026-0001.00002".into());
        swap(stage, EVIDENCE_1, EVIDENCE_2);
    } },
    Attack { name: "the line of the accession passed off as an item", code: "item-malformed", act: |stage| {
        let proof: Value = serde_json::from_str(&stage.world.item_proof(0)).unwrap();
        stage.write(ITEM_1, canonical(&proof));
    } },
    Attack { name: "the path of an item truncated", code: "item-inclusion", act: |stage| edit_item(stage, ITEM_1, |proof| {
        proof["path"].as_array_mut().unwrap().pop();
    }) },
    Attack { name: "the path of an item lengthened", code: "item-inclusion", act: |stage| edit_item(stage, ITEM_1, |proof| {
        proof["path"].as_array_mut().unwrap().push("00".repeat(32).into());
    }) },
    Attack { name: "the place of a line off by one", code: "item-inclusion", act: |stage| edit_item(stage, ITEM_1, |proof| proof["line_index"] = 2.into()) },
    Attack { name: "the number of lines off by one", code: "item-inclusion", act: |stage| edit_item(stage, ITEM_1, |proof| proof["line_count"] = 6.into()) },
    Attack { name: "an item hung on another event", code: "event-kind", act: |stage| edit_item(stage, ITEM_1, |proof| proof["event_index"] = 3.into()) },
    Attack { name: "an item hung on an event that is not there", code: "item-event", act: |stage| edit_item(stage, ITEM_1, |proof| proof["event_index"] = 99.into()) },
    Attack { name: "an item hung on another log", code: "item-event", act: |stage| edit_item(stage, ITEM_1, |proof| proof["log"] = "other.example/log".into()) },
    Attack { name: "an item proof with a member more", code: "item-malformed", act: |stage| edit_item(stage, ITEM_1, |proof| proof["note"] = 1.into()) },
    Attack { name: "an item proof with a member twice", code: "item-malformed", act: |stage| stage.replace(ITEM_1, "{\"event_index\":4,", "{\"event_index\":3,\"event_index\":4,") },
    Attack { name: "digests in upper case", code: "item-malformed", act: |stage| edit_item(stage, ITEM_1, |proof| {
        let upper = proof["path"][0].as_str().unwrap().to_uppercase();
        proof["path"][0] = upper.into();
    }) },
    Attack { name: "the path of an event truncated", code: "proof-not-included", act: |stage| edit_proof(stage, EVENT_4, |proof| {
        proof.path.pop();
    }) },
    Attack { name: "a path of an event lengthened", code: "proof-not-included", act: |stage| edit_proof(stage, EVENT_4, |proof| proof.path.push(proof.path[0])) },
    Attack { name: "the detail altered", code: "proof-not-included", act: |stage| edit_opening(stage, ACCESSION_EVENT, |opening| {
        let detail = opening["detail"]["payload"].as_str().unwrap().replace("\"items\":3", "\"items\":4");
        opening["detail"]["payload"] = detail.into();
    }) },
    Attack { name: "manifest_root replaced by that of forged lines", code: "proof-not-included", act: |stage| edit_opening(stage, ACCESSION_EVENT, |opening| {
        let honest = hex::encode(stage.world.manifest.root().0);
        let detail = opening["detail"]["payload"].as_str().unwrap().replace(&honest, &"00".repeat(32));
        opening["detail"]["payload"] = detail.into();
    }) },
    Attack { name: "the time of an event altered", code: "proof-not-included", act: |stage| edit_opening(stage, 2, |opening| opening["seconds"] = 1.into()) },
    Attack { name: "bytes moved from the nonce to the payload", code: "proof-opening-invalid", act: |stage| edit_opening(stage, 2, |opening| {
        let nonce = STANDARD.decode(opening["detail"]["nonce"].as_str().unwrap()).unwrap();
        opening["detail"]["nonce"] = STANDARD.encode(&nonce[..31]).into();
    }) },
    Attack { name: "the halves of an event exchanged", code: "proof-not-included", act: |stage| edit_opening(stage, 2, |opening| {
        let (skeleton, detail) = (opening["skeleton"].take(), opening["detail"].take());
        opening["skeleton"] = detail;
        opening["detail"] = skeleton;
    }) },
    Attack { name: "the detail of the accession withheld", code: "detail-withheld", act: |stage| edit_opening(stage, ACCESSION_EVENT, |opening| {
        let honest = stage.world.custody.opening(ACCESSION_EVENT);
        opening["detail"] = json!({ "commitment": honest.detail.commitment(HalfKind::Detail).to_base64() });
    }) },
    Attack { name: "an opening with a member more", code: "proof-opening-invalid", act: |stage| edit_opening(stage, 2, |opening| opening["note"] = 1.into()) },
    Attack { name: "no opening at all", code: "proof-opening-missing", act: |stage| edit_proof(stage, EVENT_4, |proof| proof.extra = None) },
    Attack { name: "the opening names another log", code: "proof-log-mismatch", act: |stage| edit_opening(stage, 2, |opening| opening["log"] = "other.example/log".into()) },
    Attack { name: "the opening's index off by one", code: "proof-index-mismatch", act: |stage| edit_opening(stage, 2, |opening| opening["index"] = 3.into()) },
    Attack { name: "index off by one everywhere", code: "proof-not-included", act: |stage| {
        edit_opening(stage, ACCESSION_EVENT, |opening| opening["index"] = 5.into());
        edit_proof(stage, EVENT_4, |proof| proof.index = 5);
        fs::rename(stage.root.join(EVENT_4), stage.root.join("data/proofs/custody-5.tlog-proof")).unwrap();
    } },
    Attack { name: "a proof filed under another index", code: "proof-name", act: |stage| swap(stage, EVENT_4, "data/proofs/custody-5.tlog-proof") },
    Attack { name: "a proof of the access log filed under custody", code: "item-event", act: |stage| {
        let access = stage.read("data/proofs/access-0.tlog-proof");
        stage.write("data/proofs/custody-0.tlog-proof", access);
        edit_item(stage, ITEM_1, |proof| proof["event_index"] = 0.into());
    } },
    Attack { name: "the ML-DSA-44 signature stripped", code: "signature-missing", act: |stage| edit_proof(stage, EVENT_4, |proof| proof.checkpoint = strip_mldsa(&proof.checkpoint)) },
    Attack { name: "the Ed25519 signature stripped", code: "signature-missing", act: |stage| edit_proof(stage, EVENT_4, |proof| {
        let lines: Vec<&str> = proof.checkpoint.lines().filter(|line| !line.starts_with('—') || line.len() > 1000).collect();
        proof.checkpoint = lines.join("\n") + "\n";
    }) },
    Attack { name: "the ML-DSA-44 signature stripped, and the key with it", code: "signature-missing", act: |stage| {
        for index in 0..stage.world.custody.size {
            edit_proof(stage, &format!("data/proofs/custody-{index}.tlog-proof"), |proof| proof.checkpoint = strip_mldsa(&proof.checkpoint));
        }
        stage.write("data/proofs/keys/custody.vkey", format!("{}\n", stage.world.custody.signers[0].verifier()));
    } },
    Attack { name: "a good signature beside a bad one of the same key", code: "signature-invalid", act: |stage| edit_proof(stage, EVENT_4, |proof| {
        let other = Checkpoint::new(&stage.world.custody.origin, 3, stage.world.custody.root).unwrap().sign(&stage.world.custody.signers, 1).unwrap();
        proof.checkpoint += &format!("{}\n", other.signatures()[0]);
    }) },
    Attack { name: "the size in the checkpoint changed", code: "signature-invalid", act: |stage| edit_proof(stage, EVENT_4, |proof| {
        proof.checkpoint = proof.checkpoint.replacen("\n7\n", "\n8\n", 1);
    }) },
    Attack { name: "a checkpoint with a line more", code: "checkpoint-malformed", act: |stage| edit_proof(stage, EVENT_4, |proof| {
        proof.checkpoint = proof.checkpoint.replacen("\n\n", "\nextension\n\n", 1);
    }) },
    Attack { name: "a tree of the attacker, signed with other keys that the package lists", code: "signature-missing", act: |stage| {
        let mut world = World::new();
        world.custody.signers = impostors(&world.custody.origin);
        hand_over(stage, &world);
    } },
    Attack { name: "other keys under the ids of the true ones", code: "key-malformed", act: |stage| {
        let forged = impostors(&stage.world.custody.origin);
        let mut text = String::new();
        for (honest, forged) in stage.world.custody.signers.iter().zip(&forged) {
            let id = format!("+{:08x}+", honest.verifier().key_id());
            text += &forged.verifier().to_string().replace(&format!("+{:08x}+", forged.verifier().key_id()), &id);
            text.push('\n');
        }
        stage.write("data/proofs/keys/custody.vkey", text);
    } },
    Attack { name: "the whole package from another log with its own keys", code: "key-missing", act: |stage| {
        hand_over(stage, &World::from("k7q2m9.example/custody-2", "k7q2m9.example/access-1"));
    } },
    Attack { name: "the log itself signs two trees of one size", code: "checkpoint-fork", act: |stage| {
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
    } },
    Attack { name: "a file more among the evidence", code: "evidence-unproven", act: |stage| stage.write("data/evidence/A-2026-0001.00009/planted.pdf", "planted") },
    Attack { name: "a file more right in the folder of evidence", code: "evidence-unproven", act: |stage| stage.write("data/evidence/planted.pdf", "planted") },
    Attack { name: "a second file under an item", code: "evidence-count", act: |stage| stage.write("data/evidence/A-2026-0001.00001/planted.pdf", "planted") },
    Attack { name: "a file deeper under an item", code: "evidence-unproven", act: |stage| stage.write("data/evidence/A-2026-0001.00001/more/planted.pdf", "planted") },
    Attack { name: "evidence left out", code: "evidence-count", act: |stage| stage.remove(EVIDENCE_1) },
    Attack { name: "the proof of an item missing", code: "evidence-unproven", act: |stage| stage.remove(ITEM_1) },
    Attack { name: "the proof of the event missing", code: "item-event", act: |stage| stage.remove(EVENT_4) },
    Attack { name: "all proofs missing", code: "export-empty", act: |stage| fs::remove_dir_all(stage.root.join("data/proofs")).unwrap() },
    Attack { name: "events.jsonl missing", code: "file-missing", act: |stage| stage.remove("data/provenance/events.jsonl") },
    Attack { name: "an event told otherwise than proven", code: "event-unproven", act: |stage| stage.replace(STORY, "request 17", "request 18") },
    Attack { name: "an event left out of the telling", code: "event-unlisted", act: |stage| {
        let story = stage.text(STORY);
        stage.write(STORY, story.split_once('\n').unwrap().1);
    } },
    Attack { name: "an event told that never was", code: "event-unproven", act: |stage| {
        let mut told = stage.world.custody.opening(5).to_value();
        told["index"] = 12.into();
        let line = canonical(&json!({ "log": "custody", "index": 12, "opening": told }));
        stage.write(STORY, format!("{}{line}\n", stage.text(STORY)));
    } },
    Attack { name: "a story after the last newline", code: "event-malformed", act: |stage| stage.write(STORY, stage.text(STORY) + "{}") },
    Attack { name: "an inventory changed", code: "inventory-uncommitted", act: |stage| {
        stage.replace(&format!("data/proofs/objects/{OBJECT}/inventory.json"), "Accession", "accession");
    } },
    Attack { name: "an inventory of another object", code: "inventory-uncommitted", act: |stage| {
        let inventory = stage.read(&format!("data/proofs/objects/{OBJECT}/inventory.json"));
        stage.write(&format!("data/proofs/objects/{}/inventory.json", OBJECT.replace("8c", "9c")), inventory);
    } },
    #[cfg(unix)]
    Attack { name: "a link in place of evidence", code: "not-a-plain-file", act: |stage| {
        stage.remove(EVIDENCE_1);
        std::os::unix::fs::symlink("/etc/hostname", stage.root.join(EVIDENCE_1)).unwrap();
    } },
];

#[test]
fn every_attack_on_an_export_with_the_bag_made_whole_again_is_rejected_by_both() {
    for attack in EXPORT {
        let stage = Stage::export();
        (attack.act)(&stage);
        if !attack.name.starts_with("a link") {
            stage.fix_bag();
        }
        both_reject(attack.name, &stage.root, &stage.keys(), attack.code);
    }
}

#[test]
fn making_the_bag_whole_again_leaves_a_sound_export_sound() {
    let stage = Stage::export();
    let before = crate::build::list(&stage.root).into_iter().map(|path| stage.read(&path)).collect::<Vec<_>>();
    stage.fix_bag();
    let after = crate::build::list(&stage.root).into_iter().map(|path| stage.read(&path)).collect::<Vec<_>>();
    assert_eq!(before, after);
    both_accept(&stage.root, &stage.keys());
}

/// Attacks by someone who cannot, or does not care to, make the bag whole again.
const BAG: &[Attack] = &[
    Attack { name: "a byte of evidence changed", code: "bag-payload-digest-mismatch", act: |stage| stage.write(EVIDENCE_2, b"\xff\xd8\xff\xe1 a photograph") },
    Attack { name: "the page for the judge changed", code: "bag-payload-digest-mismatch", act: |stage| stage.write("data/READ-ME-FIRST.html", "all is well") },
    Attack { name: "the bag's own data changed", code: "bag-tag-digest-mismatch", act: |stage| stage.replace("bag-info.txt", "E-2026-0001", "E-2026-0002") },
    Attack { name: "a file removed", code: "bag-payload-file-missing", act: |stage| stage.remove("data/VERIFY.md") },
    Attack { name: "a tag file removed", code: "bag-tag-file-missing", act: |stage| stage.remove("bag-info.txt") },
    Attack { name: "a file added", code: "bag-unlisted", act: |stage| stage.write("data/more.txt", "more") },
    Attack { name: "a tag file added", code: "bag-unlisted", act: |stage| stage.write("more.txt", "more") },
    Attack { name: "a manifest removed", code: "bag-form", act: |stage| stage.remove("manifest-sha512.txt") },
    Attack { name: "a tag manifest removed", code: "bag-form", act: |stage| stage.remove("tagmanifest-sha512.txt") },
    Attack { name: "a tag manifest in upper case", code: "bag-form", act: |stage| stage.write("tagmanifest-sha256.txt", stage.text("tagmanifest-sha256.txt").replace('a', "A")) },
    Attack { name: "a tag manifest with a tab", code: "bag-form", act: |stage| stage.write("tagmanifest-sha512.txt", stage.text("tagmanifest-sha512.txt").replacen("  ", " \t", 1)) },
    Attack { name: "another declaration", code: "bag-form", act: |stage| stage.write("bagit.txt", "BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n") },
];

#[test]
fn every_attack_on_the_bag_itself_is_rejected_by_both() {
    for attack in BAG {
        let stage = Stage::export();
        (attack.act)(&stage);
        both_reject(attack.name, &stage.root, &stage.keys(), attack.code);
    }
}

const RECEIPT: &[Attack] = &[
    Attack { name: "a line removed", code: "receipt-root", act: |stage| {
        let manifest = stage.text("manifest.jsonl");
        let lines: Vec<&str> = manifest.lines().enumerate().filter(|(index, _)| *index != 2).map(|(_, line)| line).collect();
        stage.write("manifest.jsonl", lines.join("\n") + "\n");
    } },
    Attack { name: "the last line removed", code: "receipt-root", act: |stage| {
        let manifest = stage.text("manifest.jsonl");
        let lines: Vec<&str> = manifest.lines().collect();
        stage.write("manifest.jsonl", lines[..lines.len() - 1].join("\n") + "\n");
    } },
    Attack { name: "a line added", code: "receipt-root", act: |stage| stage.write("manifest.jsonl", stage.text("manifest.jsonl") + "{}\n") },
    Attack { name: "a name in a line changed", code: "receipt-root", act: |stage| stage.replace("manifest.jsonl", "진술서.hwp", "고백서.hwp") },
    Attack { name: "lines swapped", code: "receipt-root", act: |stage| {
        let manifest = stage.text("manifest.jsonl");
        let mut lines: Vec<&str> = manifest.lines().collect();
        lines.swap(1, 2);
        stage.write("manifest.jsonl", lines.join("\n") + "\n");
    } },
    Attack { name: "the last newline removed", code: "manifest-malformed", act: |stage| {
        let manifest = stage.text("manifest.jsonl");
        stage.write("manifest.jsonl", manifest.trim_end());
    } },
    Attack { name: "no manifest", code: "file-missing", act: |stage| stage.remove("manifest.jsonl") },
    Attack { name: "no proof", code: "file-missing", act: |stage| stage.remove("receipt.tlog-proof") },
    Attack { name: "another accession", code: "receipt-accession", act: |stage| stage.replace("receipt.json", "A-2026-0001", "A-2026-0002") },
    Attack { name: "another event", code: "receipt-event", act: |stage| stage.replace("receipt.json", "\"event_index\": 4", "\"event_index\": 5") },
    Attack { name: "another log", code: "receipt-event", act: |stage| stage.replace("receipt.json", "custody-1", "custody-2") },
    Attack { name: "the proof of another event", code: "event-kind", act: |stage| {
        let opening = stage.world.custody.opening(5);
        stage.write("receipt.tlog-proof", stage.world.custody.proof(&opening).encode());
        stage.replace("receipt.json", "\"event_index\": 4", "\"event_index\": 5");
    } },
    Attack { name: "the detail withheld", code: "detail-withheld", act: |stage| {
        let mut opening = stage.world.custody.opening(ACCESSION_EVENT);
        opening.detail = opening.detail.withheld(HalfKind::Detail);
        stage.write("receipt.tlog-proof", stage.world.custody.proof(&opening).encode());
    } },
    Attack { name: "the detail altered", code: "proof-not-included", act: |stage| {
        let mut opening = stage.world.custody.opening(ACCESSION_EVENT);
        let Part::Open(half) = &mut opening.detail else { unreachable!("the builder opens both halves") };
        half.payload = half.payload.replace("\"not_taken\":1", "\"not_taken\":0");
        stage.write("receipt.tlog-proof", stage.world.custody.proof(&opening).encode());
    } },
    Attack { name: "a manifest outside the folder", code: "receipt-malformed", act: |stage| stage.replace("receipt.json", "\"manifest.jsonl\"", "\"../manifest.jsonl\"") },
    Attack { name: "an absolute manifest", code: "receipt-malformed", act: |stage| stage.replace("receipt.json", "\"manifest.jsonl\"", "\"/etc/passwd\"") },
    Attack { name: "another version", code: "receipt-malformed", act: |stage| stage.replace("receipt.json", "sago-receipt/1", "sago-receipt/2") },
    Attack { name: "not JSON", code: "receipt-malformed", act: |stage| stage.write("receipt.json", "{") },
    Attack { name: "signed by others, with their key", code: "signature-missing", act: |stage| {
        let mut world = World::new();
        world.custody.signers = impostors(&world.custody.origin);
        world.write_receipt(&stage.root);
    } },
    Attack { name: "from another log", code: "key-missing", act: |stage| World::from("k7q2m9.example/custody-2", "x.example/a").write_receipt(&stage.root) },
    Attack { name: "the ML-DSA-44 signature stripped", code: "signature-missing", act: |stage| edit_proof(stage, "receipt.tlog-proof", |proof| proof.checkpoint = strip_mldsa(&proof.checkpoint)) },
];

#[test]
fn every_attack_on_a_receipt_is_rejected_by_both() {
    for attack in RECEIPT {
        let stage = Stage::receipt();
        (attack.act)(&stage);
        both_reject(attack.name, &stage.root, &stage.keys(), attack.code);
    }
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
