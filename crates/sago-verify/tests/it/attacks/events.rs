//! Attacks on openings and inclusion paths of events.

use super::*;

const ATTACKS: &[Attack] = &[
    Attack {
        name: "the path of an event truncated",
        code: "proof-not-included",
        act: |stage| {
            edit_proof(stage, EVENT_4, |proof| {
                proof.path.pop();
            })
        },
    },
    Attack {
        name: "a path of an event lengthened",
        code: "proof-not-included",
        act: |stage| edit_proof(stage, EVENT_4, |proof| proof.path.push(proof.path[0])),
    },
    Attack {
        name: "the detail altered",
        code: "proof-not-included",
        act: |stage| {
            edit_opening(stage, ACCESSION_EVENT, |opening| {
                let detail = opening["detail"]["payload"].as_str().unwrap().replace("\"items\":3", "\"items\":4");
                opening["detail"]["payload"] = detail.into();
            })
        },
    },
    Attack {
        name: "manifest_root replaced by that of forged lines",
        code: "proof-not-included",
        act: |stage| {
            edit_opening(stage, ACCESSION_EVENT, |opening| {
                let honest = hex::encode(stage.world.manifest.root().0);
                let detail = opening["detail"]["payload"].as_str().unwrap().replace(&honest, &"00".repeat(32));
                opening["detail"]["payload"] = detail.into();
            })
        },
    },
    Attack { name: "the time of an event altered", code: "proof-not-included", act: |stage| edit_opening(stage, 2, |opening| opening["seconds"] = 1.into()) },
    Attack {
        name: "bytes moved from the nonce to the payload",
        code: "proof-opening-invalid",
        act: |stage| {
            edit_opening(stage, 2, |opening| {
                let nonce = STANDARD.decode(opening["detail"]["nonce"].as_str().unwrap()).unwrap();
                opening["detail"]["nonce"] = STANDARD.encode(&nonce[..31]).into();
            })
        },
    },
    Attack {
        name: "the halves of an event exchanged",
        code: "proof-not-included",
        act: |stage| {
            edit_opening(stage, 2, |opening| {
                let (skeleton, detail) = (opening["skeleton"].take(), opening["detail"].take());
                opening["skeleton"] = detail;
                opening["detail"] = skeleton;
            })
        },
    },
    Attack {
        name: "the detail of the accession withheld",
        code: "detail-withheld",
        act: |stage| {
            edit_opening(stage, ACCESSION_EVENT, |opening| {
                let honest = stage.world.custody.opening(ACCESSION_EVENT);
                opening["detail"] = json!({ "commitment": honest.detail.commitment(HalfKind::Detail).to_base64() });
            })
        },
    },
    Attack { name: "an opening with a member more", code: "proof-opening-invalid", act: |stage| edit_opening(stage, 2, |opening| opening["note"] = 1.into()) },
    Attack { name: "no opening at all", code: "proof-opening-missing", act: |stage| edit_proof(stage, EVENT_4, |proof| proof.extra = None) },
    Attack {
        name: "the opening names another log",
        code: "proof-log-mismatch",
        act: |stage| edit_opening(stage, 2, |opening| opening["log"] = "other.example/log".into()),
    },
    Attack { name: "the opening's index off by one", code: "proof-index-mismatch", act: |stage| edit_opening(stage, 2, |opening| opening["index"] = 3.into()) },
    Attack {
        name: "index off by one everywhere",
        code: "proof-not-included",
        act: |stage| {
            edit_opening(stage, ACCESSION_EVENT, |opening| opening["index"] = 5.into());
            edit_proof(stage, EVENT_4, |proof| proof.index = 5);
            fs::rename(stage.root.join(EVENT_4), stage.root.join("data/proofs/custody-5.tlog-proof")).unwrap();
        },
    },
    Attack { name: "a proof filed under another index", code: "proof-name", act: |stage| swap(stage, EVENT_4, "data/proofs/custody-5.tlog-proof") },
    Attack {
        name: "a proof of the access log filed under custody",
        code: "item-event",
        act: |stage| {
            let access = stage.read("data/proofs/access-0.tlog-proof");
            stage.write("data/proofs/custody-0.tlog-proof", access);
            edit_item(stage, ITEM_1, |proof| proof["event_index"] = 0.into());
        },
    },
];

#[test]
fn each_is_rejected_by_both_with_the_bag_made_whole_again() {
    try_on_exports(ATTACKS);
}
