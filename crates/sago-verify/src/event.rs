//! One event shown by its `.tlog-proof`, and what the event of an accession says about the manifest.

use sago_ledger::Hash;
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::json::MAX_INTEGER;
use sago_ledger::opening::{Opening, OpeningError, Part};
use sago_ledger::proof::{ProofError, TlogProof};
use serde_json::{Map, Value};

use crate::codes;
use crate::finding::{Finding, Refusal, want};
use crate::report::Report;
use crate::trust::Trust;

/// An event that is in a signed tree.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub index: u64,
    pub opening: Opening,
    pub checkpoint: Checkpoint,
    /// Nothing when that half is withheld.
    pub skeleton: Option<Map<String, Value>>,
    pub detail: Option<Map<String, Value>>,
}

/// What an accession's event commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ManifestPromise {
    pub root: Hash,
    pub lines: u64,
}

impl Event {
    /// Runs the five checks of formats, section 3, on the bytes of a `.tlog-proof`.
    pub fn prove(bytes: &[u8], trust: &mut Trust, report: &mut Report) -> Result<Self, Refusal> {
        let proof = TlogProof::parse(bytes).map_err(|error| Refusal::new(&codes::PROOF_MALFORMED, error.to_string()))?;
        let missing = || Refusal::new(&codes::PROOF_OPENING_MISSING, "the proof carries no opening of its leaf");
        let opening = Opening::parse(proof.extra.as_deref().ok_or_else(missing)?).map_err(invalid_opening)?;
        let checkpoint = trust.checkpoint(proof.checkpoint.as_bytes(), report)?;
        let policy = trust.policy(&checkpoint.origin, report)?;
        let verified = proof.verify_opening(opening, policy).map_err(|error| {
            let code = match error {
                ProofError::OpeningMissing => &codes::PROOF_OPENING_MISSING,
                ProofError::NotIncluded(_) => &codes::PROOF_NOT_INCLUDED,
                ProofError::LogMismatch { .. } => &codes::PROOF_LOG_MISMATCH,
                ProofError::IndexMismatch { .. } => &codes::PROOF_INDEX_MISMATCH,
                ProofError::CheckpointInvalid(_) => &codes::SIGNATURE_INVALID,
                _ => &codes::PROOF_OPENING_INVALID,
            };
            Refusal::new(code, error.to_string())
        })?;
        trust.witnessed(proof.checkpoint.as_bytes(), &checkpoint, "", report);
        let (skeleton, detail) = (payload(&verified.opening.skeleton), payload(&verified.opening.detail));
        Ok(Self { index: proof.index, opening: verified.opening, checkpoint, skeleton, detail })
    }

    /// The origin of its log.
    pub fn origin(&self) -> &str {
        &self.checkpoint.origin
    }

    /// The root and number of lines of the manifest that this event, of an accession, commits to.
    ///
    /// `path` is the place of the finding when the kind of event is withheld.
    pub fn manifest(&self, path: &str, report: &mut Report) -> Result<ManifestPromise, Refusal> {
        let withheld = || Refusal::new(&codes::DETAIL_WITHHELD, "the detail that holds manifest_root is withheld");
        let detail = self.detail.as_ref().ok_or_else(withheld)?;
        match &self.skeleton {
            None => report.add(Finding::new(&codes::SKELETON_WITHHELD, path, "the kind of the event is withheld")),
            Some(skeleton) => {
                let kind = skeleton.get("kind").and_then(Value::as_str);
                want(kind == Some("accession-received"), &codes::EVENT_KIND, "the event is not accession-received")?;
            }
        }
        let root = detail.get("manifest_root").and_then(Value::as_str).and_then(hash_from_hex);
        let lines = detail.get("manifest_lines").and_then(Value::as_u64).filter(|lines| *lines <= MAX_INTEGER);
        let missing = || Refusal::new(&codes::EVENT_DETAIL, "the detail holds no manifest_root and manifest_lines");
        Ok(ManifestPromise { root: root.ok_or_else(missing)?, lines: lines.ok_or_else(missing)? })
    }

    /// Says whether the skeleton commits to this OCFL inventory of this object.
    pub fn commits_to(&self, object: &str, inventory_sha512: &str) -> bool {
        let objects = self.skeleton.as_ref().and_then(|skeleton| skeleton.get("objects")).and_then(Value::as_array);
        objects.is_some_and(|objects| {
            objects.iter().any(|one| {
                let is = |member: &str, wanted: &str| one.get(member).and_then(Value::as_str) == Some(wanted);
                is("id", object) && is("inventory_sha512", inventory_sha512)
            })
        })
    }
}

/// Reads 64 lower-case hexadecimal digits.
pub(crate) fn hash_from_hex(text: &str) -> Option<Hash> {
    let mut bytes = [0; 32];
    let plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (plain && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Hash(bytes))
}

fn invalid_opening(error: OpeningError) -> Refusal {
    Refusal::new(&codes::PROOF_OPENING_INVALID, error.to_string())
}

/// The payload as an object; its form was checked with the opening.
fn payload(part: &Part) -> Option<Map<String, Value>> {
    match serde_json::from_str(&part.half()?.payload) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}
