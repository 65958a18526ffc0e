//! Whose word is believed: the keys that must have signed for a log, and which checkpoints they did sign.
//!
//! Keys that were given (pinned) replace those of the package altogether: with any pinned key, a log without one is not believed, or an
//! attacker would only have to invent another log.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sago_ledger::Hash;
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::note::{Algorithm, Note, NoteError, Verifier};
use sago_ledger::policy::{Policy, PolicyError};
use sago_ledger::witness::WitnessPolicy;
use sago_stamp::Moment;

use crate::codes;
use crate::finding::{Finding, Refusal};
use crate::report::Report;
use crate::{Error, Options};

/// Reads a file of verifier keys, one a line. Timestamped Ed25519 keys, which only witnesses have, are passed over: they are no keys of a log.
pub fn parse_keys(text: &str) -> Result<Vec<Verifier>, String> {
    let mut keys: Vec<Verifier> = Vec::new();
    for word in text.split_whitespace() {
        let key: Verifier = word.parse().map_err(|error| format!("{error}"))?;
        if key.algorithm() != Algorithm::Ed25519Cosignature && !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.is_empty() { Err("there is no key of a log in it".to_owned()) } else { Ok(keys) }
}

/// Reads a file of keys that were given; here a wrong file is our error, not a finding.
pub fn read_pinned(path: &std::path::Path) -> Result<Vec<Verifier>, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::at(path))?;
    parse_keys(&text).map_err(|message| Error::Given { path: path.to_owned(), message })
}

/// The keys in force during one verification, and the checkpoints already judged by them.
pub(crate) struct Trust {
    pinned: Vec<Verifier>,
    package: Vec<Verifier>,
    witnesses: Option<WitnessPolicy>,
    shown: HashSet<Vec<u8>>,
    policies: BTreeMap<String, Policy>,
    known: HashMap<Vec<u8>, Result<Checkpoint, Refusal>>,
    roots: BTreeMap<(String, u64), Hash>,
}

impl Trust {
    pub fn new(options: &Options, package: Vec<Verifier>) -> Self {
        let (pinned, witnesses) = (options.pinned.clone(), options.witnesses.clone());
        Self { pinned, package, witnesses, shown: HashSet::new(), policies: BTreeMap::new(), known: HashMap::new(), roots: BTreeMap::new() }
    }

    /// Judges the cosignatures of a checkpoint that something rests on; once for each. The log's own signatures were judged before.
    pub fn witnessed(&mut self, note: &[u8], checkpoint: &Checkpoint, place: &str, report: &mut Report) {
        let Some(policy) = &self.witnesses else { return };
        // Nothing is in an empty tree, and it has only one root: there is nothing to remember.
        if checkpoint.size == 0 || !self.shown.insert(note.to_vec()) {
            return;
        }
        let Ok(parsed) = Note::parse(note) else { return };
        let witnessed = policy.check(&parsed);
        let what = format!("the checkpoint of log {} at {} entries", checkpoint.origin, checkpoint.size);
        for error in &witnessed.invalid {
            report.add(Finding::new(&codes::COSIGNATURE_INVALID, place, format!("{what}: {error}")));
        }
        let seconds = |time: u64| Moment::from_seconds(i64::try_from(time).unwrap_or(i64::MAX));
        let who: Vec<_> = witnessed.cosigned.iter().map(|one| format!("{} ({})", one.witness, seconds(one.timestamp))).collect();
        if !witnessed.is_quorum {
            let had = if who.is_empty() { "none of them".to_owned() } else { who.join(", ") };
            report.add(Finding::new(&codes::WITNESS_QUORUM, place, format!("{what} is to be cosigned by {}, and was by {had}", policy.demand())));
        } else if !who.is_empty() {
            report.checked(format!("{what} was cosigned by {}", who.join(", ")));
        }
    }

    /// The keys that must all have signed for a log; remarks about them go to the report, once a log.
    pub fn policy(&mut self, origin: &str, report: &mut Report) -> Result<&Policy, Refusal> {
        if !self.policies.contains_key(origin) {
            let policy = self.make_policy(origin, report)?;
            self.policies.insert(origin.to_owned(), policy);
        }
        self.policies.get(origin).ok_or_else(|| Refusal::new(&codes::KEY_MISSING, "no key"))
    }

    fn make_policy(&self, origin: &str, report: &mut Report) -> Result<Policy, Refusal> {
        let of = |keys: &[Verifier]| keys.iter().filter(|key| key.name() == origin).cloned().collect::<Vec<_>>();
        let own = of(&self.package);
        let keys = if self.pinned.is_empty() { own.clone() } else { of(&self.pinned) };
        if keys.is_empty() {
            let which = if self.pinned.is_empty() { "no key" } else { "no key that was given" };
            return Err(Refusal::new(&codes::KEY_MISSING, format!("{which} is named after this log, {origin}")));
        }
        if self.pinned.is_empty() {
            let message = format!(
                "the keys of log {origin} came with the package: compare them with a copy from elsewhere (--key), otherwise anyone could have made all of this"
            );
            report.add(Finding::new(&codes::KEY_FROM_PACKAGE, "", message));
        } else if !own.is_empty() && (own.iter().any(|key| !keys.contains(key)) || keys.iter().any(|key| !own.contains(key))) {
            let message = format!("the package lists other keys for log {origin} than the ones that were given, which are used");
            report.add(Finding::new(&codes::KEY_DIFFERS, "", message));
        }
        let kinds: BTreeSet<_> = keys.iter().map(Verifier::algorithm).collect();
        if kinds != BTreeSet::from([Algorithm::Ed25519, Algorithm::MlDsa44Cosignature]) {
            let message = format!("log {origin} has no keys of both algorithms");
            report.add(Finding::new(&codes::KEY_ONE_ALGORITHM, "", message));
        }
        Policy::new(keys).map_err(|error| Refusal::new(&codes::KEY_MALFORMED, error.to_string()))
    }

    /// The checkpoint in a signed note, once every key of its log has signed it and no other tree of its size was seen.
    pub fn checkpoint(&mut self, note: &[u8], report: &mut Report) -> Result<Checkpoint, Refusal> {
        if let Some(known) = self.known.get(note) {
            return known.clone();
        }
        let judged = self.judge(note, report);
        self.known.insert(note.to_vec(), judged.clone());
        judged
    }

    fn judge(&mut self, note: &[u8], report: &mut Report) -> Result<Checkpoint, Refusal> {
        let malformed = |why: String| Refusal::new(&codes::CHECKPOINT_MALFORMED, why);
        let parsed = Note::parse(note).map_err(|error| malformed(error.to_string()))?;
        let claimed = Checkpoint::parse(parsed.text()).map_err(|error| malformed(error.to_string()))?;
        if !claimed.extensions.is_empty() {
            return Err(malformed("a checkpoint of Sago has three lines; the ML-DSA-44 signature would not cover more".to_owned()));
        }
        let signed = self.policy(&claimed.origin, report)?.open(note).map_err(|error| {
            let code = match &error {
                PolicyError::MissingSignature(_) | PolicyError::Note(NoteError::Unsigned) => &codes::SIGNATURE_MISSING,
                PolicyError::Note(NoteError::BadSignature { .. }) => &codes::SIGNATURE_INVALID,
                _ => &codes::CHECKPOINT_MALFORMED,
            };
            Refusal::new(code, error.to_string())
        })?;
        let Checkpoint { origin, size, root, .. } = &signed.checkpoint;
        if *self.roots.entry((origin.clone(), *size)).or_insert(*root) != *root {
            return Err(Refusal::new(&codes::CHECKPOINT_FORK, format!("log {origin} signed two different trees of size {size}")));
        }
        Ok(signed.checkpoint)
    }
}
