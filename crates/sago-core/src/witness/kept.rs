//! `log/<generation>/witness/<log>/<size>`: heads of ours with the cosignatures that others gave them.
//!
//! Each file is a signed note: our text, our signatures, then the witnesses'. Nothing here is trusted: whoever reads it checks it.

use std::path::PathBuf;

use sago_ledger::note::{Note, NoteSignature, is_with_more_signatures};
use sago_ledger::witness::WitnessPolicy;

use crate::error::{Error, IoContext, Result};
use crate::ledger::Position;
use crate::ledger::event::Log;
use crate::ledger::lock::{self, Lock};
use crate::ledger::sequencer::{self, Head};
use crate::repository::Repository;
use crate::settings::Places;
use crate::store::durable;

/// The folder of a log's cosigned heads; it may not be there.
pub fn folder(places: &Places, generation: u64, log: Log) -> PathBuf {
    places.log.join(generation.to_string()).join("witness").join(log.name())
}

/// Sizes of the heads that are kept, smallest first.
fn sizes(places: &Places, generation: u64, log: Log) -> Result<Vec<u64>> {
    let folder = folder(places, generation, log);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("Could not list", &folder, &error)),
    };
    let mut sizes = Vec::new();
    for entry in entries {
        let name = entry.doing("Could not list", &folder)?.file_name();
        let size = name.to_str().and_then(|name| name.parse::<u64>().ok());
        sizes.extend(size.filter(|size| Some(size.to_string().as_str()) == name.to_str()));
    }
    sizes.sort_unstable();
    Ok(sizes)
}

fn read(places: &Places, generation: u64, log: Log, size: u64) -> Result<Option<String>> {
    let path = folder(places, generation, log).join(size.to_string());
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        // Bytes that are no text are no note either; `sago verify` says so.
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData) => Ok(None),
        Err(error) => Err(Error::io("Could not read", &path, &error)),
    }
}

/// A head as it is shown to others: with the cosignatures that are kept for it. What is kept and does not fit is left out.
pub(crate) fn cosigned(places: &Places, log: Log, head: &Head) -> String {
    let kept = read(places, head.generation, log, head.size).ok().flatten();
    kept.filter(|kept| is_with_more_signatures(&head.checkpoint, kept)).unwrap_or_else(|| head.checkpoint.clone())
}

/// The first head after an entry that enough of the configured witnesses have cosigned, one that is `preferred` before others.
///
/// Nothing when there is none, when no witnesses are configured, or when their keys cannot be read: then the last head serves.
pub(crate) fn head_for(repo: &Repository, last: &Head, position: Position, preferred: impl Fn(u64) -> bool) -> Option<Head> {
    let policy = super::policy(&repo.places, &repo.settings).ok().flatten()?;
    let sizes = sizes(&repo.places, position.generation, position.log).ok()?;
    let (first, second): (Vec<_>, Vec<_>) = sizes.into_iter().filter(|size| *size > position.index && *size <= last.size).partition(|size| preferred(*size));
    first.into_iter().chain(second).find_map(|size| {
        let text = read(&repo.places, position.generation, position.log, size).ok().flatten()?;
        let note = Note::parse(text.as_bytes()).ok()?;
        let head = sequencer::read_head(position.generation, &text, &repo.places.log).ok()?;
        (head.size == size && head.origin == last.origin && policy.check(&note).is_quorum).then_some(head)
    })
}

/// The newest head that enough witnesses have cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastQuorum {
    /// Entries under it.
    pub size: u64,
    /// Since when no witness's statement is older, in seconds since 1970-01-01T00:00:00Z.
    pub at: u64,
}

/// Finds the newest head of a log that enough of the configured witnesses have cosigned.
pub fn last_quorum(places: &Places, policy: &WitnessPolicy, generation: u64, log: Log) -> Result<Option<LastQuorum>> {
    for size in sizes(places, generation, log)?.into_iter().rev() {
        let Some(note) = read(places, generation, log, size)?.and_then(|text| Note::parse(text.as_bytes()).ok()) else { continue };
        let witnessed = policy.check(&note);
        if let Some(at) = witnessed.since().filter(|_| witnessed.is_quorum) {
            return Ok(Some(LastQuorum { size, at }));
        }
    }
    Ok(None)
}

/// The largest head of ours that carries a line of a key of this name.
pub(super) fn newest_of(places: &Places, generation: u64, log: Log, name: &str) -> Result<Option<u64>> {
    for size in sizes(places, generation, log)?.into_iter().rev() {
        let note = read(places, generation, log, size)?.and_then(|text| Note::parse(text.as_bytes()).ok());
        if note.is_some_and(|note| note.signatures().iter().any(|signature| signature.name == name)) {
            return Ok(Some(size));
        }
    }
    Ok(None)
}

/// Adds verified cosignatures to what is kept of a head, in place of older ones of the same keys, and publishes them while it is the last head.
pub(super) fn keep(places: &Places, log: Log, head: &Head, lines: &[NoteSignature]) -> Result<()> {
    // The log's own lock orders those who keep and those who sign; it is held for a moment, never while somebody is asked.
    let held = Lock::hold(&places.lock, log, head.generation)?;
    let is_last = lock::read(&places.lock, log, head.generation)?.is_some_and(|last| is_with_more_signatures(&last, &head.checkpoint));
    if is_last {
        // What was published and is not ours is not written over: it is for people to look at.
        sequencer::publish_if_behind(places, log, head)?;
    }
    let own = |error: &dyn std::fmt::Display| Error::corrupt(format!("The checkpoint of the {} log cannot be read: {error}.", log.name()));
    let mut note = Note::parse(head.checkpoint.as_bytes()).map_err(|error| own(&error))?;
    let before = Note::parse(cosigned(places, log, head).as_bytes()).map_err(|error| own(&error))?;
    let is_same_key = |one: &NoteSignature, other: &NoteSignature| (&one.name, one.key_id) == (&other.name, other.key_id);
    let ours = note.signatures().len();
    let older = before.signatures().iter().skip(ours).filter(|one| !lines.iter().any(|line| is_same_key(line, one)));
    for signature in older.chain(lines) {
        note.add(signature.clone()).map_err(|error| Error::invalid(format!("The cosignatures do not fit into the checkpoint: {error}.")))?;
    }
    let text = note.to_string();
    durable::write(&folder(places, head.generation, log).join(head.size.to_string()), text.as_bytes())?;
    // If we crash here, the cosignatures are kept and the next round publishes them.
    if is_last {
        durable::write(&sequencer::folder(places, head.generation, log).join("checkpoint"), text.as_bytes())?;
    }
    drop(held);
    Ok(())
}

/// Keeps a checkpoint that contradicts ours, signed with our own keys; it is never overwritten by another.
pub(super) fn keep_evidence(places: &Places, head: &Head, log: Log, witness: &str, text: &str) -> Result<PathBuf> {
    let digest = sago_packages::Algorithm::Sha256.hash(text.as_bytes());
    let name = format!("{witness}-{}-{}.checkpoint", head.size, &digest[..16]);
    let path = folder(places, head.generation, log).join("contradicting").join(name);
    durable::write(&path, text.as_bytes())?;
    Ok(path)
}
