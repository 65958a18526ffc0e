//! Walking the sources and sealing every file into staging, several at a time.
//!
//! Nothing here knows of numbers, units or events: outcomes come back in walking order, and what is sealed is noted in the journal.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use sago_packages::Algorithm;
use sago_seal::hybrid::HybridRecipient;
use serde_json::json;

use crate::accession::deposit::{NewAccession, Progress};
use crate::accession::pipeline::{self, Failure, sha256_of};
use crate::accession::staging::{Done, Staging, content_place, journal_text, read_done};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::intake::Finding;
use crate::intake::reader::{ReadOutcome, Reader};
use crate::intake::walk::{Entry, Options, Seen, Walk};
use crate::store::spool::Spool;
use crate::store::{durable, fault};

/// Files sealed between two flushes of the journal: what an interruption may cost.
const FILES_PER_FLUSH: usize = 2_000;

/// Bytes sealed between two flushes of the journal.
const BYTES_PER_FLUSH: u64 = 1 << 30;

pub(super) struct Work<'a> {
    pub(super) new: &'a NewAccession,
    pub(super) recipient: &'a HybridRecipient,
    pub(super) progress: &'a Progress,
    pub(super) algorithms: Vec<Algorithm>,
}

/// A file that was seen, in walking order.
pub(super) enum Outcome {
    Taken(Box<Taken>),
    NotTaken(Finding),
    Note(Finding),
}

pub(super) struct Taken {
    pub(super) done: Done,
    pub(super) notes: Vec<Finding>,
    pub(super) resumed: bool,
}

/// Everything that was seen, in walking order. What is taken lies in a spool: a disk may hold more files than memory can describe.
pub(super) struct Outcomes {
    taken: Spool,
    /// Of files not taken, and notes, in the order in which the spool's texts ask for them.
    findings: Vec<Finding>,
    /// Objects that the sealed files are spread over.
    pub(super) parts: u64,
}

impl Outcomes {
    fn new(staging: &Staging) -> Self {
        Self { taken: Spool::in_folder(&staging.folder), findings: Vec::new(), parts: 1 }
    }

    fn push(&mut self, outcome: Outcome) -> Result<()> {
        let text = match outcome {
            Outcome::Taken(taken) => {
                self.parts = self.parts.max(content_place(taken.done.content).0 + 1);
                let text = json!({ "done": journal_text(&taken.done), "notes": taken.notes.len(), "resumed": taken.resumed }).to_string();
                self.findings.extend(taken.notes);
                text
            }
            Outcome::NotTaken(finding) => {
                self.findings.push(finding);
                "not taken".to_owned()
            }
            Outcome::Note(finding) => {
                self.findings.push(finding);
                "note".to_owned()
            }
        };
        self.taken.push(text)
    }

    /// Gives out every outcome, once.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Result<Outcome>> {
        let mut findings = std::mem::take(&mut self.findings).into_iter();
        self.taken.iter().map(move |text| read_outcome(&text?, &mut findings).ok_or_else(|| Error::internal("an outcome cannot be read back")))
    }
}

fn read_outcome(text: &str, findings: &mut std::vec::IntoIter<Finding>) -> Option<Outcome> {
    Some(match text {
        "not taken" => Outcome::NotTaken(findings.next()?),
        "note" => Outcome::Note(findings.next()?),
        _ => {
            let value: serde_json::Value = serde_json::from_str(text).ok()?;
            let notes = usize::try_from(value.get("notes")?.as_u64()?).ok()?;
            let taken =
                Taken { done: read_done(value.get("done")?)?, notes: findings.by_ref().take(notes).collect(), resumed: value.get("resumed")?.as_bool()? };
            Outcome::Taken(Box::new(taken))
        }
    })
}

enum Job {
    File(Entry),
    Stdin(Vec<u8>),
}

/// What an interrupted deposit sealed, by source and path: two sources may have the same name.
type Before = HashMap<(u64, Vec<u8>), Done>;

/// Walks all sources and seals every file, several at a time; outcomes come back in walking order.
pub(super) fn gather(staging: Staging, before: Vec<Done>, work: &Work<'_>) -> Result<(Staging, Outcomes)> {
    let next_content = AtomicU64::new(before.iter().map(|done| done.content).max().unwrap_or(0) + 1);
    let before: Before = before.into_iter().map(|done| ((done.source, done.path_bytes.clone()), done)).collect();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
    let made_parts: Mutex<HashSet<u64>> = Mutex::default();
    let failed: Mutex<Option<Error>> = Mutex::default();
    let (job_sender, jobs) = sync_channel::<(usize, Job)>(workers * 2);
    let jobs = Arc::new(Mutex::new(jobs));
    let (outcome_sender, outcomes) = sync_channel::<(usize, Outcome)>(workers * 4);
    let staged = &staging;
    let place = |number: u64| -> Result<PathBuf> {
        let (part, _) = content_place(number);
        let path = staged.content(number);
        // Held while the folder is made: no other worker may go on before it is there.
        let mut made = made_parts.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains(&part) {
            durable::create_dir_all(path.parent().unwrap_or(&staged.folder))?;
            made.insert(part);
        }
        drop(made);
        Ok(path)
    };
    let place = &place;
    let (next_content, before, failed_ref) = (&next_content, &before, &failed);
    let mut journal = Vec::new();
    let mut journal_bytes = 0;
    // Outcomes come nearly in order: what waits for an earlier one is what other workers did meanwhile.
    let mut early: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut next_seq = 0;
    let mut all = Outcomes::new(staged);
    std::thread::scope(|scope| -> Result<()> {
        for _ in 0..workers {
            let jobs = jobs.clone();
            let outcome_sender = outcome_sender.clone();
            scope.spawn(move || {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((seq, job)) = job else { break };
                    match take(job, work, before, next_content, place) {
                        Ok(outcome) => {
                            if outcome_sender.send((seq, outcome)).is_err() {
                                break;
                            }
                        }
                        Err(error) => {
                            failed_ref.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                            break;
                        }
                    }
                }
            });
        }
        // The workers alone hold the queue's end: when they have all ended, the walker notices.
        drop(jobs);
        let walker_sender = outcome_sender.clone();
        scope.spawn(move || walk(work, &job_sender, &walker_sender, failed_ref));
        drop(outcome_sender);
        for (seq, outcome) in outcomes {
            if let Outcome::Taken(taken) = &outcome {
                work.progress.files.fetch_add(1, Ordering::Relaxed);
                if !taken.resumed {
                    journal_bytes += taken.done.sealed.bytes;
                    journal.push(taken.done.clone());
                }
            }
            early.insert(seq, outcome);
            while let Some(outcome) = early.remove(&next_seq) {
                all.push(outcome)?;
                next_seq += 1;
            }
            // The journal is written by whoever holds the staging; it is handed back below in batches.
            if journal.len() >= FILES_PER_FLUSH || journal_bytes >= BYTES_PER_FLUSH {
                write_journal(staged, &mut journal)?;
                journal_bytes = 0;
            }
        }
        write_journal(staged, &mut journal)
    })?;
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    // After a stop, outcomes may be missing in between; the caller stops too.
    early.into_values().try_for_each(|outcome| all.push(outcome))?;
    Ok((staging, all))
}

fn write_journal(staging: &Staging, journal: &mut Vec<Done>) -> Result<()> {
    // The sealed files first, then the lines that speak of them (invariant 1).
    staging.flush()?;
    staging.note_all(journal)?;
    fault::point("deposit-journaled");
    journal.clear();
    Ok(())
}

fn walk(work: &Work<'_>, jobs: &SyncSender<(usize, Job)>, outcomes: &SyncSender<(usize, Outcome)>, failed: &Mutex<Option<Error>>) {
    let plain: Vec<PathBuf> = work.new.sources.iter().filter(|source| source.as_os_str() != "-").cloned().collect();
    let mut seq = 0;
    if plain.len() < work.new.sources.len() {
        let name = work.new.stdin_name.clone().unwrap_or_else(|| "stdin".to_owned());
        if jobs.send((seq, Job::Stdin(name.into_bytes()))).is_err() {
            return;
        }
        seq += 1;
    }
    for seen in Walk::new(&plain, Options::default()) {
        let stopped = work.progress.stop.load(Ordering::Relaxed) || failed.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if stopped {
            return;
        }
        let sent = match seen {
            Seen::File(entry) => jobs.send((seq, Job::File(entry))).is_ok(),
            Seen::NotTaken(finding) => outcomes.send((seq, Outcome::NotTaken(finding))).is_ok(),
            Seen::Note(finding) => outcomes.send((seq, Outcome::Note(finding))).is_ok(),
        };
        if !sent {
            return;
        }
        seq += 1;
    }
}

/// Counts bytes as they are read, for whoever shows progress.
struct Counted<'a, R> {
    inner: R,
    progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn take(job: Job, work: &Work<'_>, before: &Before, next: &AtomicU64, place: &(dyn Fn(u64) -> Result<PathBuf> + Sync)) -> Result<Outcome> {
    match job {
        Job::Stdin(path_bytes) => {
            let mut reader = Counted { inner: std::io::stdin(), progress: work.progress };
            let content = next.fetch_add(1, Ordering::Relaxed);
            let target = place(content)?;
            match pipeline::seal(&mut reader, u64::MAX, work.recipient, &work.algorithms, &target) {
                Ok(sealed) => {
                    let done = Done { source: u64::MAX, path_bytes, modified_micros: i64::MIN, content, sealed };
                    Ok(Outcome::Taken(Box::new(Taken { done, notes: Vec::new(), resumed: false })))
                }
                Err(Failure::Source(error)) => Err(Error::new(ErrorKind::Unavailable, format!("Standard input broke off: {error}. Nothing was received."))),
                Err(Failure::Ours(error)) => Err(error),
            }
        }
        Job::File(entry) => take_file(&entry, work, before, next, place),
    }
}

fn take_file(entry: &Entry, work: &Work<'_>, before: &Before, next: &AtomicU64, place: &(dyn Fn(u64) -> Result<PathBuf> + Sync)) -> Result<Outcome> {
    let mut reader = match entry.open() {
        Ok(reader) => reader,
        Err(finding) => return Ok(Outcome::NotTaken(finding)),
    };
    let known = if before.is_empty() { None } else { before.get(&(entry.source as u64, entry.path_bytes.clone())) };
    if let Some(done) = known.filter(|done| done.sealed.bytes == reader.size_bytes() && done.modified_micros == reader.modified_micros()) {
        if let Some(taken) = still_the_same(entry, reader, done, work, place)? {
            return Ok(taken);
        }
        // It was read to its end for the comparison.
        reader = match entry.open() {
            Ok(reader) => reader,
            Err(finding) => return Ok(Outcome::NotTaken(finding)),
        };
    }
    let modified_micros = reader.modified_micros();
    let size = reader.size_bytes();
    let content = next.fetch_add(1, Ordering::Relaxed);
    let target = place(content)?;
    let mut counted = Counted { inner: reader, progress: work.progress };
    let sealed = pipeline::seal(&mut counted, size, work.recipient, &work.algorithms, &target);
    let ReadOutcome { changed, unreadable, .. } = counted.inner.finish();
    let refused = |finding: Finding| -> Result<Outcome> {
        durable::remove_file(&target)?;
        Ok(Outcome::NotTaken(finding))
    };
    match sealed {
        Err(Failure::Ours(error)) => Err(error),
        Err(Failure::Source(error)) => match unreadable.or_else(|| Finding::of_io_error(&error).cloned()) {
            Some(finding) => refused(finding),
            None => Err(Error::internal(format!("A file could not be read and no reason was given: {error}"))),
        },
        Ok(sealed) => match unreadable {
            Some(finding) => refused(finding),
            None => {
                let done = Done { source: entry.source as u64, path_bytes: entry.path_bytes.clone(), modified_micros, content, sealed };
                Ok(Outcome::Taken(Box::new(Taken { done, notes: changed.into_iter().collect(), resumed: false })))
            }
        },
    }
}

/// Takes over what an interrupted deposit sealed, if both the original and the sealed file are what the journal says, bit by bit.
fn still_the_same(entry: &Entry, reader: Reader, done: &Done, work: &Work<'_>, place: &(dyn Fn(u64) -> Result<PathBuf> + Sync)) -> Result<Option<Outcome>> {
    let has_digests = work.algorithms.iter().all(|wanted| done.sealed.others.iter().any(|(algorithm, _)| algorithm == wanted));
    let target = place(done.content)?;
    let Ok(mut sealed) = std::fs::File::open(&target) else { return Ok(None) };
    let stored = sha256_of(&mut sealed).doing("Could not read", &target)?;
    if !has_digests || stored != (done.sealed.content_sha256.clone(), done.sealed.content_bytes) {
        return Ok(None);
    }
    let mut counted = Counted { inner: reader, progress: work.progress };
    let original = sha256_of(&mut counted);
    let outcome = counted.inner.finish();
    if outcome.unreadable.is_some() || outcome.changed.is_some() || original.ok() != Some((done.sealed.sha256.clone(), done.sealed.bytes)) {
        return Ok(None);
    }
    let done = Done { path_bytes: entry.path_bytes.clone(), ..done.clone() };
    Ok(Some(Outcome::Taken(Box::new(Taken { done, notes: Vec::new(), resumed: true }))))
}
