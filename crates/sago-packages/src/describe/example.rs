//! The arithmetic of one item, worked out step by step from its two proof files, so that VERIFY.md can print every value.
//!
//! This is an illustration, not a verifier: it follows the files where they lead and leaves it to the reader to see that they agree.
//! (The ledger's own verification is in another crate; this one states the few lines of RFC 6962 itself and stays free of it.)

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One step up a Merkle tree.
pub(super) struct Step {
    /// The neighbour's hash, hexadecimal.
    pub(super) sibling: String,
    /// Whether the neighbour stands on the left.
    pub(super) left: bool,
    /// SHA-256(0x01 ‖ left ‖ right), hexadecimal.
    pub(super) result: String,
}

/// A walk from a leaf to a root.
pub(super) struct Walk {
    pub(super) leaf: String,
    pub(super) steps: Vec<Step>,
}

impl Walk {
    /// Where the walk ends.
    pub(super) fn root(&self) -> &str {
        self.steps.last().map_or(&self.leaf, |step| &step.result)
    }
}

/// One half of an opening.
pub(super) struct Half {
    /// Whether nonce and payload are given, or only the commitment.
    pub(super) open: bool,
    /// The half's commitment, hexadecimal.
    pub(super) commitment: String,
}

/// A log signature that `openssl` can check.
pub(super) struct Signature {
    /// Line of the key file, from 1.
    pub(super) key_line: usize,
    /// Line of the checkpoint's signatures, from 1.
    pub(super) signature_line: usize,
}

/// All values of the example.
pub(super) struct Worked {
    pub(super) manifest: Walk,
    pub(super) manifest_root: Option<String>,
    pub(super) skeleton: Half,
    pub(super) detail: Half,
    pub(super) commitment: String,
    pub(super) seconds: u64,
    pub(super) log: Walk,
    pub(super) checkpoint_root: String,
    pub(super) signature: Option<Signature>,
}

fn sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

fn base64(value: &str) -> Option<Vec<u8>> {
    STANDARD.decode(value).ok()
}

/// Works the example out; `None` when a file is not of its form.
pub(super) fn work_out(item_proof: &str, tlog_proof: &str, keys: &str) -> Option<Worked> {
    let item: Value = serde_json::from_str(item_proof).ok()?;
    let siblings: Option<Vec<Vec<u8>>> = item["path"].as_array()?.iter().map(|hash| hex::decode(hash.as_str()?).ok()).collect();
    let line = sha256(&[&[0], item["line"].as_str()?.as_bytes()]);
    let manifest = walk(line, item["line_index"].as_u64()?, item["line_count"].as_u64()?, &siblings?)?;

    let (head, checkpoint) = tlog_proof.split_once("\n\n")?;
    let mut lines = head.lines().skip(1);
    let extra = base64(lines.next()?.strip_prefix("extra ")?)?;
    let index = lines.next()?.strip_prefix("index ")?.parse().ok()?;
    let siblings: Option<Vec<Vec<u8>>> = lines.map(base64).collect();

    let opening: Value = serde_json::from_slice(&extra).ok()?;
    let skeleton = half(&opening["skeleton"], b"sago/skeleton/1\n")?;
    let detail = half(&opening["detail"], b"sago/detail/1\n")?;
    let manifest_root = opening["detail"]["payload"].as_str().and_then(|payload| {
        let payload: Value = serde_json::from_str(payload).ok()?;
        let root = payload["manifest_root"].as_str()?;
        // It is printed into a command's comment: only a digest may come through.
        hex::decode(root).is_ok_and(|bytes| bytes.len() == 32).then(|| root.to_owned())
    });
    let commitment = sha256(&[b"sago/leaf/1\n", &hex::decode(&skeleton.commitment).ok()?, &hex::decode(&detail.commitment).ok()?]);
    let seconds = opening["seconds"].as_u64()?;
    let entry = format!("sago-leaf/1 {seconds} {}\n", STANDARD.encode(hex::decode(&commitment).ok()?));
    let record = sha256(&[&[0], entry.as_bytes()]);

    let (note, signatures) = checkpoint.split_once("\n\n")?;
    let mut note = note.lines().skip(1);
    let size = note.next()?.parse().ok()?;
    let checkpoint_root = hex::encode(base64(note.next()?)?);
    let log = walk(record, index, size, &siblings?)?;
    let signature = ed25519(keys, signatures);
    Some(Worked { manifest, manifest_root, skeleton, detail, commitment, seconds, log, checkpoint_root, signature })
}

fn half(value: &Value, domain: &[u8]) -> Option<Half> {
    if let Some(commitment) = value["commitment"].as_str() {
        return Some(Half { open: false, commitment: hex::encode(base64(commitment)?) });
    }
    let nonce = base64(value["nonce"].as_str()?)?;
    Some(Half { open: true, commitment: sha256(&[domain, &nonce, value["payload"].as_str()?.as_bytes()]) })
}

/// The audit path of RFC 9162, section 2.1.3.2; `None` when path, index and size do not fit each other.
fn walk(leaf: String, index: u64, size: u64, siblings: &[Vec<u8>]) -> Option<Walk> {
    let (mut node, mut last) = (index, size.checked_sub(1)?);
    if node > last {
        return None;
    }
    let mut steps: Vec<Step> = Vec::with_capacity(siblings.len());
    for sibling in siblings {
        if last == 0 {
            return None;
        }
        let here = hex::decode(steps.last().map_or(&leaf, |step| &step.result)).ok()?;
        let left = node % 2 == 1 || node == last;
        let result = if left { sha256(&[&[1], sibling, &here]) } else { sha256(&[&[1], &here, sibling]) };
        steps.push(Step { sibling: hex::encode(sibling), left, result });
        // A right border without a neighbour climbs to the level where it has one.
        while left && node.is_multiple_of(2) && node != 0 {
            node /= 2;
            last /= 2;
        }
        node /= 2;
        last /= 2;
    }
    (last == 0).then_some(Walk { leaf, steps })
}

/// The first Ed25519 key (C2SP signed-note type 0x01) that has a signature on the checkpoint.
fn ed25519(keys: &str, signatures: &str) -> Option<Signature> {
    keys.lines().enumerate().find_map(|(key_line, key)| {
        let mut fields = key.splitn(3, '+');
        let (name, id) = (fields.next()?, hex::decode(fields.next()?).ok()?);
        let public = base64(fields.next()?)?;
        if public.len() != 33 || public.first() != Some(&1) {
            return None;
        }
        let signature_line = signatures.lines().position(|line| {
            let signed = line.strip_prefix("— ").and_then(|rest| rest.split_once(' '));
            signed.is_some_and(|(signer, bytes)| signer == name && base64(bytes).is_some_and(|bytes| bytes.len() == 68 && bytes.starts_with(&id)))
        })?;
        Some(Signature { key_line: key_line + 1, signature_line: signature_line + 1 })
    })
}
