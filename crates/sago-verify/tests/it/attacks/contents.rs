//! Attacks on what is in the package and what is not.

use super::*;

const ATTACKS: &[Attack] = &[
    Attack {
        name: "a file more among the evidence",
        code: "evidence-unproven",
        act: |stage| stage.write("data/evidence/A-2026-0001.00009/planted.pdf", "planted"),
    },
    Attack { name: "a file more right in the folder of evidence", code: "evidence-unproven", act: |stage| stage.write("data/evidence/planted.pdf", "planted") },
    Attack { name: "a second file under an item", code: "evidence-count", act: |stage| stage.write("data/evidence/A-2026-0001.00001/planted.pdf", "planted") },
    Attack {
        name: "a file deeper under an item",
        code: "evidence-unproven",
        act: |stage| stage.write("data/evidence/A-2026-0001.00001/more/planted.pdf", "planted"),
    },
    Attack { name: "evidence left out", code: "evidence-count", act: |stage| stage.remove(EVIDENCE_1) },
    Attack { name: "the proof of an item missing", code: "evidence-unproven", act: |stage| stage.remove(ITEM_1) },
    Attack { name: "the proof of the event missing", code: "item-event", act: |stage| stage.remove(EVENT_4) },
    Attack { name: "all proofs missing", code: "export-empty", act: |stage| fs::remove_dir_all(stage.root.join("data/proofs")).unwrap() },
    Attack { name: "events.jsonl missing", code: "file-missing", act: |stage| stage.remove("data/provenance/events.jsonl") },
    Attack { name: "an event told otherwise than proven", code: "event-unproven", act: |stage| stage.replace(STORY, "request 17", "request 18") },
    Attack {
        name: "an event left out of the telling",
        code: "event-unlisted",
        act: |stage| {
            let story = stage.text(STORY);
            stage.write(STORY, story.split_once('\n').unwrap().1);
        },
    },
    Attack {
        name: "an event told that never was",
        code: "event-unproven",
        act: |stage| {
            let mut told = stage.world.custody.opening(5).to_value();
            told["index"] = 12.into();
            let line = canonical(&json!({ "log": "custody", "index": 12, "opening": told }));
            stage.write(STORY, format!("{}{line}\n", stage.text(STORY)));
        },
    },
    Attack { name: "a story after the last newline", code: "event-malformed", act: |stage| stage.write(STORY, stage.text(STORY) + "{}") },
    Attack {
        name: "an inventory changed",
        code: "inventory-uncommitted",
        act: |stage| {
            stage.replace(&format!("data/proofs/objects/{OBJECT}/inventory.json"), "Accession", "accession");
        },
    },
    Attack {
        name: "an inventory of another object",
        code: "inventory-uncommitted",
        act: |stage| {
            let inventory = stage.read(&format!("data/proofs/objects/{OBJECT}/inventory.json"));
            stage.write(&format!("data/proofs/objects/{}/inventory.json", OBJECT.replace("8c", "9c")), inventory);
        },
    },
    #[cfg(unix)]
    Attack {
        name: "a link in place of evidence",
        code: "not-a-plain-file",
        act: |stage| {
            stage.remove(EVIDENCE_1);
            std::os::unix::fs::symlink("/etc/hostname", stage.root.join(EVIDENCE_1)).unwrap();
        },
    },
];

#[test]
fn each_is_rejected_by_both_with_the_bag_made_whole_again() {
    try_on_exports(ATTACKS);
}
