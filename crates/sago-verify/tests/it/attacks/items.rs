//! Attacks on proofs of items and on the evidence under them.

use super::*;

const ATTACKS: &[Attack] = &[
    Attack { name: "a byte of evidence changed", code: "evidence-differs", act: |stage| stage.write(EVIDENCE_1, b"\xd0\xcf\x11\xe0 statement of b witness") },
    Attack { name: "evidence cut off", code: "evidence-differs", act: |stage| stage.write(EVIDENCE_2, b"\xff\xd8") },
    Attack { name: "an empty original filled", code: "evidence-differs", act: |stage| stage.write("data/evidence/A-2026-0001.00003/empty.txt", b"x") },
    Attack { name: "two originals swapped", code: "evidence-differs", act: |stage| swap(stage, EVIDENCE_1, EVIDENCE_2) },
    Attack {
        name: "evidence changed, and its line with it",
        code: "item-inclusion",
        act: |stage| {
            stage.write(EVIDENCE_1, b"forged");
            edit_line(stage, ITEM_1, |line| claim_bytes(line, b"forged"));
        },
    },
    Attack { name: "the name in a line changed", code: "item-inclusion", act: |stage| edit_line(stage, ITEM_1, |line| line["path"] = "고백.hwp".into()) },
    Attack { name: "the proofs of two items swapped", code: "item-number", act: |stage| swap(stage, ITEM_1, ITEM_2) },
    Attack {
        name: "proofs and evidence of two items swapped, numbers rewritten",
        code: "item-inclusion",
        act: |stage| {
            swap(stage, ITEM_1, ITEM_2);
            edit_line(stage, ITEM_1, |line| line["item"] = "A-2026-0001.00001".into());
            edit_line(stage, ITEM_2, |line| line["item"] = "A-2026-0001.00002".into());
            swap(stage, EVIDENCE_1, EVIDENCE_2);
        },
    },
    Attack {
        name: "the line of the accession passed off as an item",
        code: "item-malformed",
        act: |stage| {
            let proof: Value = serde_json::from_str(&stage.world.item_proof(0)).unwrap();
            stage.write(ITEM_1, canonical(&proof));
        },
    },
    Attack {
        name: "the path of an item truncated",
        code: "item-inclusion",
        act: |stage| {
            edit_item(stage, ITEM_1, |proof| {
                proof["path"].as_array_mut().unwrap().pop();
            })
        },
    },
    Attack {
        name: "the path of an item lengthened",
        code: "item-inclusion",
        act: |stage| {
            edit_item(stage, ITEM_1, |proof| {
                proof["path"].as_array_mut().unwrap().push("00".repeat(32).into());
            })
        },
    },
    Attack { name: "the place of a line off by one", code: "item-inclusion", act: |stage| edit_item(stage, ITEM_1, |proof| proof["line_index"] = 2.into()) },
    Attack { name: "the number of lines off by one", code: "item-inclusion", act: |stage| edit_item(stage, ITEM_1, |proof| proof["line_count"] = 6.into()) },
    Attack { name: "an item hung on another event", code: "event-kind", act: |stage| edit_item(stage, ITEM_1, |proof| proof["event_index"] = 3.into()) },
    Attack {
        name: "an item hung on an event that is not there",
        code: "item-event",
        act: |stage| edit_item(stage, ITEM_1, |proof| proof["event_index"] = 99.into()),
    },
    Attack {
        name: "an item hung on another log",
        code: "item-event",
        act: |stage| edit_item(stage, ITEM_1, |proof| proof["log"] = "other.example/log".into()),
    },
    Attack { name: "an item proof with a member more", code: "item-malformed", act: |stage| edit_item(stage, ITEM_1, |proof| proof["note"] = 1.into()) },
    Attack {
        name: "an item proof with a member twice",
        code: "item-malformed",
        act: |stage| stage.replace(ITEM_1, "{\"event_index\":4,", "{\"event_index\":3,\"event_index\":4,"),
    },
    Attack {
        name: "digests in upper case",
        code: "item-malformed",
        act: |stage| {
            edit_item(stage, ITEM_1, |proof| {
                let upper = proof["path"][0].as_str().unwrap().to_uppercase();
                proof["path"][0] = upper.into();
            })
        },
    },
];

#[test]
fn each_is_rejected_by_both_with_the_bag_made_whole_again() {
    try_on_exports(ATTACKS);
}
