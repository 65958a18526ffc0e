//! One witness asked about one head, and what its answer means.

use sago_ledger::Hash;
use sago_ledger::merkle::{consistency_path, root_at, verify_consistency};
use sago_ledger::note::{NoteSignature, Verifier};
use sago_ledger::policy::Policy;
use sago_ledger::source::TileReader;
use sago_ledger::witness::{AddCheckpoint, Answer, Tree};

use super::Outcome;
use super::client::{Client, shown};
use super::kept;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::event::Log;
use crate::ledger::lock::Locks;
use crate::ledger::sequencer::{self, Head};
use crate::settings::{Places, Witness};

/// How often a witness may say that it saw another size, before we give up: somebody else may be asking, too.
const TURNS: usize = 4;

/// A head of ours and what is needed to speak of it.
pub(super) struct Ours {
    pub log: Log,
    pub head: Head,
    places: Places,
    locks: Locks,
    policy: Policy,
}

impl Ours {
    pub fn read(places: &Places, locks: &Locks, log: Log, head: Head) -> Result<Self> {
        let path = format!("{}/{}.vkey", head.generation, log.name());
        let place = places.log.show(&path);
        let text = places.log.read_text(&path)?.ok_or_else(|| Error::corrupt(format!("The verifier keys {place} are missing.")))?;
        let policy = Policy::parse(&text).map_err(|error| Error::corrupt(format!("The verifier keys in {place} cannot be used: {error}.")))?;
        Ok(Self { log, head, places: places.clone(), locks: locks.clone(), policy })
    }

    /// The root of our tree at an earlier size, and the proof from there; the proof is checked, so that damage of ours is not taken for another's word.
    fn proof(&self, old: u64) -> Result<(Hash, Vec<Hash>)> {
        let Head { size, root, generation, .. } = self.head;
        if old == size {
            return Ok((root, Vec::new()));
        }
        if old == 0 {
            return Ok((Hash::EMPTY_ROOT, Vec::new()));
        }
        let damaged = |why: String| {
            Error::corrupt(format!("The {} log cannot be shown to continue its own first {old} entries: {why}.", self.log.name())).hint("Run `sago verify`.")
        };
        let source = sequencer::folder(&self.places, generation, self.log);
        let mut reader = TileReader::new(&source, size);
        let before = root_at(old, &mut reader).map_err(|error| damaged(error.to_string()))?;
        let proof = consistency_path(old, size, &mut reader).map_err(|error| damaged(error.to_string()))?;
        verify_consistency(old, size, &proof, &before, &root).map_err(|error| damaged(error.to_string()))?;
        Ok((before, proof))
    }
}

/// Asks one witness about one head and keeps what it cosigns.
pub(super) fn ask(client: &Client, witness: &Witness, keys: &[Verifier], ours: &Ours) -> Outcome {
    try_ask(client, witness, keys, ours).unwrap_or_else(Outcome::Failed)
}

fn try_ask(client: &Client, witness: &Witness, keys: &[Verifier], ours: &Ours) -> Result<Outcome> {
    let Head { size, generation, .. } = ours.head;
    let key_name = keys.first().map(Verifier::name).unwrap_or_default();
    let mut old = kept::newest_of(&ours.places, generation, ours.log, key_name)?.filter(|known| *known <= size).unwrap_or(0);
    let refused = |kind, what: String, hint: &str| Error::new(kind, format!("The witness “{}” {what}.", witness.name)).hint(hint);
    for _ in 0..TURNS {
        let (_, proof) = ours.proof(old)?;
        let response = client.add_checkpoint(&witness.name, &witness.url, &AddCheckpoint::encode(old, &proof, &ours.head.checkpoint))?;
        let said = shown(&String::from_utf8_lossy(&response.body));
        let answer = Answer::read(response.status, &response.content_type, &response.body).map_err(|error| {
            refused(ErrorKind::Invalid, format!("answered with something that is no cosignature ({error})"), "Is its `url` in sago.toml that of a witness?")
        })?;
        match answer {
            Answer::Cosigned(lines) => return take(witness, keys, ours, &lines),
            // It may have seen a size of this very log that we know; a larger one we cannot have signed and forgotten.
            Answer::Size(seen) if seen > size => return Ok(contradiction(client, witness, ours, seen)),
            Answer::Size(seen) if seen != old => old = seen,
            // It repeats the size that we named: to some witnesses that means another root.
            Answer::Size(_) | Answer::OtherTree | Answer::NotConsistent => return Ok(contradiction(client, witness, ours, old)),
            Answer::UnknownLog => {
                let file = format!("log/{generation}/{}.vkey", ours.log.name());
                let hint = format!("Send the people who run it the file {file}; with Sago they run `sago witness add-log`.");
                return Err(refused(ErrorKind::NotFound, format!("does not know the {} log of generation {generation}", ours.log.name()), &hint));
            }
            Answer::NotSigned => {
                let hint = "It has other keys for this log: send the people who run it the log's `.vkey` file.";
                return Err(refused(ErrorKind::Forbidden, format!("does not take the signatures of the {} log: {said}", ours.log.name()), hint));
            }
            Answer::Unexpected(status) => {
                let hint = "Check its `url` in sago.toml. If the status begins with 5, the trouble is theirs: try again later.";
                return Err(refused(ErrorKind::Unavailable, format!("answered with the HTTP status {status}: {said}"), hint));
            }
        }
    }
    Err(refused(ErrorKind::Conflict, "names another size each time it is asked".to_owned(), "Somebody else may be asking it about this log. Try again."))
}

/// Keeps the lines of this witness's keys that verify. One that does not verify spoils the answer.
fn take(witness: &Witness, keys: &[Verifier], ours: &Ours, lines: &[NoteSignature]) -> Result<Outcome> {
    let text = ours.head.checkpoint.split_inclusive('\n').take(3).collect::<String>();
    let (mut good, mut times) = (Vec::new(), Vec::new());
    for key in keys {
        let Some(line) = lines.iter().find(|line| key.is_key_of(line)) else { continue };
        let checked = key.verify(&text, line).map_err(|error| {
            Error::invalid(format!("The witness “{}” answered with a false cosignature: {error}. Nothing was kept.", witness.name))
                .hint("Ask the people who run it; until then, do not count on it.")
        })?;
        times.extend(checked.timestamp.filter(|time| *time > 0));
        good.push(line.clone());
    }
    let Some(at) = times.into_iter().min() else {
        return Err(Error::invalid(format!("The witness “{}” signed with none of the keys that are known here.", witness.name))
            .hint("Compare the `keys` file in sago.toml with the keys that the witness publishes."));
    };
    // This thread does nothing but ask this witness: it may wait for the lock.
    tokio::runtime::Handle::current().block_on(kept::keep(&ours.places, &ours.locks, ours.log, &ours.head, &good))?;
    Ok(Outcome::Cosigned { at, is_complete: good.len() == keys.len() })
}

/// Asks for the checkpoint that contradicts ours. If our own keys signed it, it is evidence, and is kept.
fn contradiction(client: &Client, witness: &Witness, ours: &Ours, seen: u64) -> Outcome {
    let head = &ours.head;
    let shown = client.latest(&witness.name, &witness.url, &head.origin).ok().filter(|response| response.status == 200);
    let signed = shown.and_then(|response| {
        let theirs = ours.policy.open(&response.body).ok()?.checkpoint;
        Some((Tree { size: theirs.size, root: theirs.root }, String::from_utf8(response.body).ok()?))
    });
    let Some((theirs, text)) = signed else {
        return if seen > head.size { Outcome::Ahead { size: seen, evidence: None } } else { Outcome::Forked { size: seen, evidence: None } };
    };
    if theirs.size <= head.size {
        match ours.proof(theirs.size) {
            Ok((root, _)) if root == theirs.root => {
                return Outcome::Failed(
                    Error::invalid(format!(
                        "The witness “{}” refuses the {} log, although the checkpoint it shows (size {}) is one that this log continues.",
                        witness.name,
                        ours.log.name(),
                        theirs.size
                    ))
                    .hint("Ask the people who run it."),
                );
            }
            Ok(_) => {}
            Err(error) => return Outcome::Failed(error),
        }
    }
    let evidence = match kept::keep_evidence(&ours.places, head, ours.log, &witness.name, &text) {
        Ok(place) => Some(place),
        Err(error) => {
            return Outcome::Failed(error.hint(format!("The witness “{}” contradicts this log, and its checkpoint could not be kept.", witness.name)));
        }
    };
    if theirs.size > head.size { Outcome::Ahead { size: theirs.size, evidence } } else { Outcome::Forked { size: theirs.size, evidence } }
}
