//! Attacks on receipts.

use super::*;

const RECEIPT: &[Attack] = &[
    Attack {
        name: "a line removed",
        code: "receipt-root",
        act: |stage| {
            let manifest = stage.text("manifest.jsonl");
            let lines: Vec<&str> = manifest.lines().enumerate().filter(|(index, _)| *index != 2).map(|(_, line)| line).collect();
            stage.write("manifest.jsonl", lines.join("\n") + "\n");
        },
    },
    Attack {
        name: "the last line removed",
        code: "receipt-root",
        act: |stage| {
            let manifest = stage.text("manifest.jsonl");
            let lines: Vec<&str> = manifest.lines().collect();
            stage.write("manifest.jsonl", lines[..lines.len() - 1].join("\n") + "\n");
        },
    },
    Attack { name: "a line added", code: "receipt-root", act: |stage| stage.write("manifest.jsonl", stage.text("manifest.jsonl") + "{}\n") },
    Attack { name: "a name in a line changed", code: "receipt-root", act: |stage| stage.replace("manifest.jsonl", "진술서.hwp", "고백서.hwp") },
    Attack {
        name: "lines swapped",
        code: "receipt-root",
        act: |stage| {
            let manifest = stage.text("manifest.jsonl");
            let mut lines: Vec<&str> = manifest.lines().collect();
            lines.swap(1, 2);
            stage.write("manifest.jsonl", lines.join("\n") + "\n");
        },
    },
    Attack {
        name: "the last newline removed",
        code: "manifest-malformed",
        act: |stage| {
            let manifest = stage.text("manifest.jsonl");
            stage.write("manifest.jsonl", manifest.trim_end());
        },
    },
    Attack { name: "no manifest", code: "file-missing", act: |stage| stage.remove("manifest.jsonl") },
    Attack { name: "no proof", code: "file-missing", act: |stage| stage.remove("receipt.tlog-proof") },
    Attack { name: "another accession", code: "receipt-accession", act: |stage| stage.replace("receipt.json", "A-2026-0001", "A-2026-0002") },
    Attack { name: "another event", code: "receipt-event", act: |stage| stage.replace("receipt.json", "\"event_index\": 4", "\"event_index\": 5") },
    Attack { name: "another log", code: "receipt-event", act: |stage| stage.replace("receipt.json", "custody-1", "custody-2") },
    Attack {
        name: "the proof of another event",
        code: "event-kind",
        act: |stage| {
            let opening = stage.world.custody.opening(5);
            stage.write("receipt.tlog-proof", stage.world.custody.proof(&opening).encode());
            stage.replace("receipt.json", "\"event_index\": 4", "\"event_index\": 5");
        },
    },
    Attack {
        name: "the detail withheld",
        code: "detail-withheld",
        act: |stage| {
            let mut opening = stage.world.custody.opening(ACCESSION_EVENT);
            opening.detail = opening.detail.withheld(HalfKind::Detail);
            stage.write("receipt.tlog-proof", stage.world.custody.proof(&opening).encode());
        },
    },
    Attack {
        name: "the detail altered",
        code: "proof-not-included",
        act: |stage| {
            let mut opening = stage.world.custody.opening(ACCESSION_EVENT);
            let Part::Open(half) = &mut opening.detail else { unreachable!("the builder opens both halves") };
            half.payload = half.payload.replace("\"not_taken\":1", "\"not_taken\":0");
            stage.write("receipt.tlog-proof", stage.world.custody.proof(&opening).encode());
        },
    },
    Attack {
        name: "a manifest outside the folder",
        code: "receipt-malformed",
        act: |stage| stage.replace("receipt.json", "\"manifest.jsonl\"", "\"../manifest.jsonl\""),
    },
    Attack { name: "an absolute manifest", code: "receipt-malformed", act: |stage| stage.replace("receipt.json", "\"manifest.jsonl\"", "\"/etc/passwd\"") },
    Attack { name: "another version", code: "receipt-malformed", act: |stage| stage.replace("receipt.json", "sago-receipt/1", "sago-receipt/2") },
    Attack { name: "not JSON", code: "receipt-malformed", act: |stage| stage.write("receipt.json", "{") },
    Attack {
        name: "signed by others, with their key",
        code: "signature-missing",
        act: |stage| {
            let mut world = World::new();
            world.custody.signers = impostors(&world.custody.origin);
            world.write_receipt(&stage.root);
        },
    },
    Attack { name: "from another log", code: "key-missing", act: |stage| World::from("k7q2m9.example/custody-2", "x.example/a").write_receipt(&stage.root) },
    Attack {
        name: "the ML-DSA-44 signature stripped",
        code: "signature-missing",
        act: |stage| edit_proof(stage, "receipt.tlog-proof", |proof| proof.checkpoint = strip_mldsa(&proof.checkpoint)),
    },
];

#[test]
fn every_attack_on_a_receipt_is_rejected_by_both() {
    for attack in RECEIPT {
        let stage = Stage::receipt();
        (attack.act)(&stage);
        both_reject(attack.name, &stage.root, &stage.keys(), attack.code);
    }
}
