//! Proofs of items (formats, section 7): one line of a manifest, shown to be under the root that an event commits to.

use std::collections::BTreeMap;

use sago_ledger::Hash;
use sago_ledger::json::{MAX_INTEGER, parse_canonical};
use sago_ledger::merkle::{leaf_hash, verify_inclusion};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::codes;
use crate::event::{Event, hash_from_hex};
use crate::finding::{Refusal, want};
use crate::report::Report;

/// Events by short name of the log (`custody`, `access`) and index.
pub(crate) type Events = BTreeMap<(String, u64), Event>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemProof {
    event_index: u64,
    item_proof: String,
    line: String,
    line_index: u64,
    line_count: u64,
    log: String,
    path: Vec<String>,
}

/// What a proven line says about the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProvenItem {
    pub number: String,
    pub sha256: String,
    pub sha512: String,
    pub bytes: u64,
    /// Where the stored form lies: object, path in it, SHA-512; as far as the line says it.
    pub stored: Option<(String, String, String)>,
}

/// Checks the proof of item `number`, filed at `path`.
pub(crate) fn prove(bytes: &[u8], number: &str, path: &str, events: &Events, report: &mut Report) -> Result<ProvenItem, Refusal> {
    let malformed = |why: &str| Refusal::new(&codes::ITEM_MALFORMED, why);
    let proof: ItemProof = serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?;
    want(proof.item_proof == "sago-item-proof/1", &codes::ITEM_MALFORMED, "not a sago-item-proof/1")?;
    let numbers = [proof.event_index, proof.line_index, proof.line_count];
    want(numbers.iter().all(|number| *number <= MAX_INTEGER), &codes::ITEM_MALFORMED, "a number is too large")?;
    let siblings: Option<Vec<Hash>> = proof.path.iter().map(|hash| hash_from_hex(hash)).collect();
    let siblings = siblings.ok_or_else(|| malformed("the path is not of SHA-256 digests in lower-case hexadecimal"))?;
    let Ok(Value::Object(line)) = parse_canonical(proof.line.as_bytes()) else {
        return Err(malformed("the line is not an object in canonical JSON"));
    };
    let item = read_line(&line).ok_or_else(|| malformed("the line is not that of an item"))?;
    if item.number != number {
        return Err(Refusal::new(&codes::ITEM_NUMBER, format!("the proof is about item {}", item.number)));
    }
    let event = events.values().find(|event| event.origin() == proof.log && event.index == proof.event_index);
    let unproven = || Refusal::new(&codes::ITEM_EVENT, format!("event {} of log {} is not proven here", proof.event_index, proof.log));
    let promise = event.ok_or_else(unproven)?.manifest(path, report)?;
    want(proof.line_count == promise.lines, &codes::ITEM_INCLUSION, "the log says another number of lines")?;
    verify_inclusion(&leaf_hash(proof.line.as_bytes()), proof.line_index, proof.line_count, &siblings, &promise.root)
        .map_err(|error| Refusal::new(&codes::ITEM_INCLUSION, format!("the line is not under the manifest_root of the event: {error}")))?;
    Ok(item)
}

fn read_line(line: &Map<String, Value>) -> Option<ProvenItem> {
    let text = |member: &str| line.get(member).and_then(Value::as_str).map(str::to_owned);
    let digest =
        |member: &str, digits: usize| text(member).filter(|digest| digest.len() == digits && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    if text("line")? != "sago-item/1" {
        return None;
    }
    let stored = || Some((text("content_object")?, text("content")?, digest("content_sha512", 128)?));
    Some(ProvenItem {
        number: text("item")?,
        sha256: digest("sha256", 64)?,
        sha512: digest("sha512", 128)?,
        bytes: line.get("bytes").and_then(Value::as_u64)?,
        stored: stored(),
    })
}
