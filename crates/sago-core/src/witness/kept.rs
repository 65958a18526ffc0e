//! `log/<generation>/witness/<log>/<size>`: heads of ours with the cosignatures that others gave them.
//!
//! Each file is a signed note: our text, our signatures, then the witnesses'. Nothing here is trusted: whoever reads it checks it.

use sago_ledger::note::{Note, NoteSignature, is_with_more_signatures};
use sago_ledger::witness::WitnessPolicy;

use crate::error::{Error, Result};
use crate::ledger::Position;
use crate::ledger::event::Log;
use crate::ledger::lock::Locks;
use crate::ledger::sequencer::{self, Head};
use crate::repository::Repository;
use crate::settings::Places;
use crate::store::shelf::Shelf;

/// The folder of a log's cosigned heads; it may not be there.
pub fn folder(places: &Places, generation: u64, log: Log) -> Shelf {
    places.log.below(&format!("{generation}/witness/{}", log.name()))
}

/// Sizes of the heads that are kept, smallest first.
fn sizes(places: &Places, generation: u64, log: Log) -> Result<Vec<u64>> {
    let children = folder(places, generation, log).list("")?;
    let size = |name: &str| name.parse::<u64>().ok().filter(|size| size.to_string() == name);
    let mut sizes: Vec<u64> = children.iter().filter_map(|child| size(&child.name)).collect();
    sizes.sort_unstable();
    Ok(sizes)
}

fn read(places: &Places, generation: u64, log: Log, size: u64) -> Result<Option<String>> {
    // Bytes that are no text are no note either; `sago verify` says so.
    Ok(folder(places, generation, log).read(&size.to_string())?.and_then(|bytes| String::from_utf8(bytes).ok()))
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
        let head = sequencer::read_head(position.generation, &text, "").ok()?;
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
pub(super) async fn keep(places: &Places, locks: &Locks, log: Log, head: &Head, lines: &[NoteSignature]) -> Result<()> {
    // The log's own lock orders those who keep and those who sign; it is held for a moment, never while somebody is asked.
    let mut held = locks.hold(log, head.generation).await?;
    let is_last = held.current().await?.is_some_and(|last| is_with_more_signatures(&last, &head.checkpoint));
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
    folder(places, head.generation, log).write(&head.size.to_string(), text.as_bytes())?;
    // If we crash here, the cosignatures are kept and the next round publishes them.
    if is_last {
        sequencer::folder(places, head.generation, log).write("checkpoint", text.as_bytes())?;
    }
    held.release().await
}

/// Keeps a checkpoint that contradicts ours, signed with our own keys; it is never overwritten by another.
pub(super) fn keep_evidence(places: &Places, head: &Head, log: Log, witness: &str, text: &str) -> Result<String> {
    let digest = sago_packages::Algorithm::Sha256.hash(text.as_bytes());
    let name = format!("{witness}-{}-{}.checkpoint", head.size, &digest[..16]);
    let (folder, path) = (folder(places, head.generation, log), format!("contradicting/{name}"));
    folder.write(&path, text.as_bytes())?;
    Ok(folder.show(&path))
}
