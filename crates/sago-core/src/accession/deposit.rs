//! Receiving: from a partner's disk to sealed objects, a manifest, and the two events that make it a deposit.
//!
//! Order: number taken (event) → files sealed into staging → objects finished → *prepared* (event) → objects put in place by one rename
//! each → *received* (event and rows) → integrated into the log. Whatever point we crash at, [`super::recover`] or the same command run
//! again goes on from there; an accession is visible only after *received*.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

use sago_packages::Algorithm;
use sago_packages::ocfl::write as ocfl;
use sago_seal::hybrid::{HybridIdentity, HybridRecipient};
use sqlx::Row;
use uuid::Uuid;

use crate::accession::manifest::{AccessionLine, FindingLine, ItemLine, Line, Manifest};
use crate::accession::pipeline::{self, Failure, sha256_of};
use crate::accession::staging::{Done, Plan, Staging, content_place};
use crate::accession::store::{derive_fingerprint_key, fingerprint};
use crate::accession::{bag, finding, recover};
use crate::ctx::{Ctx, Right, time_text};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::intake::name::readable;
use crate::intake::reader::{ReadOutcome, Reader};
use crate::intake::sender_list::{self, SenderList, Verdict};
use crate::intake::walk::{Entry, Options, Seen, Walk};
use crate::intake::Finding;
use crate::key::{Mode, seal_bytes};
use crate::label::Label;
use crate::ledger::event::{
    AccessionOpened, AccessionOpenedDetail, AccessionPrepared, AccessionPreparedDetail, ObjectRef, UnitCreated, UnitCreatedDetail,
};
use crate::repository::Repository;
use crate::store::blobs::urn;
use crate::store::durable;

/// Files sealed between two flushes of the journal: what an interruption may cost.
const FILES_PER_FLUSH: usize = 2_000;

/// Bytes sealed between two flushes of the journal.
const BYTES_PER_FLUSH: u64 = 1 << 30;

/// What comes in.
#[derive(Debug, Clone, Default)]
pub struct NewAccession {
    /// Files and folders; `-` is standard input.
    pub sources: Vec<PathBuf>,
    /// Name of the item that standard input becomes.
    pub stdin_name: Option<String>,
    /// Who hands over.
    pub contributor: String,
    /// What it is called.
    pub title: String,
    /// Reference of the agreement.
    pub agreement: Option<String>,
    /// The contributor's conditions, in words.
    pub conditions: Vec<String>,
    /// How confidential; the highest unless said otherwise.
    pub label: Label,
    /// The consent unit it belongs to; a new one unless said otherwise.
    pub unit: Option<Uuid>,
    /// Mode of a new unit.
    pub sealed: bool,
    /// The sender's own list of digests (`sha256sum` format).
    pub sender_list: Option<PathBuf>,
    /// Do not go on with an interrupted deposit of the same things.
    pub fresh: bool,
}

/// How far a deposit is; read by whoever shows progress.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files taken so far.
    pub files: AtomicU64,
    /// Bytes of originals read so far.
    pub bytes: AtomicU64,
    /// Files expected.
    pub files_expected: AtomicU64,
    /// Bytes expected.
    pub bytes_expected: AtomicU64,
    /// Set by the outside to stop at the next file; what is sealed stays in staging.
    pub stop: AtomicBool,
}

/// What comes back.
#[derive(Debug, Clone)]
pub struct Deposited {
    /// The accession.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// Its unit.
    pub unit: Uuid,
    /// Files seen: items and files not taken.
    pub files_seen: u64,
    /// Items received.
    pub items: u64,
    /// Files not taken; each is a finding.
    pub not_taken: u64,
    /// Things worth knowing about what was taken.
    pub notes: u64,
    /// Items whose digest differs from the sender's list.
    pub mismatches: u64,
    /// Items whose bytes were already in the unit and are stored once.
    pub duplicates: u64,
    /// Bytes of originals.
    pub bytes: u64,
    /// Bytes stored.
    pub stored_bytes: u64,
    /// Files whose sealed form was already there from an interrupted deposit.
    pub resumed: u64,
    /// Findings and notes, in order.
    pub findings: Vec<FindingLine>,
    /// Index of the event that received it.
    pub index: u64,
    /// Generation of the log.
    pub generation: u64,
}

/// Counts files and bytes of what is to be deposited, for showing the time left. Whatever cannot be looked at is not counted.
pub fn estimate(sources: &[PathBuf]) -> (u64, u64) {
    let plain: Vec<PathBuf> = sources.iter().filter(|source| source.as_os_str() != "-").cloned().collect();
    Walk::new(&plain, Options::default()).fold((0, 0), |(files, bytes), seen| match seen {
        Seen::File(entry) => (files + 1, bytes + entry.size_bytes),
        Seen::NotTaken(_) | Seen::Note(_) => (files, bytes),
    })
}

/// Receives files, folders or standard input.
pub async fn deposit(repo: &Repository, ctx: &Ctx, new: &NewAccession, progress: &Progress) -> Result<Deposited> {
    ctx.require(Right::Deposit)?;
    check(new)?;
    let mut notes = Vec::new();
    let list = read_sender_list(new, &mut notes)?;
    let (staging, before) = match find_interrupted(repo, new)? {
        Some(found) => found,
        None => (begin(repo, ctx, new).await?, Vec::new()),
    };
    let recipient = repo.keyring().recipient(staging.plan.unit)?;
    let earlier = Earlier::read(repo, staging.plan.unit, &mut notes).await?;
    let work = Work { new, recipient: &recipient, progress, algorithms: algorithms(list.as_ref().map(|(list, _)| list)) };
    let (staging, gathered) = tokio::task::block_in_place(|| gather(staging, before, &work))?;
    if progress.stop.load(Ordering::Relaxed) {
        return Err(Error::new(ErrorKind::Unavailable, format!("The deposit {} was stopped. What was sealed is kept.", staging.plan.number))
            .hint("Run the same command again: it goes on where it stopped."));
    }
    finish(repo, ctx, Finish { new, staging, gathered, notes, list, earlier }).await
}

fn check(new: &NewAccession) -> Result<()> {
    if new.sources.is_empty() {
        return Err(Error::invalid("There is nothing to deposit.").hint("Name files or folders, or `-` for standard input."));
    }
    if new.contributor.trim().is_empty() || new.title.trim().is_empty() {
        return Err(Error::invalid("A deposit needs a contributor and a title.").hint("Add `--contributor NAME` and `--title TEXT`."));
    }
    for source in &new.sources {
        if source.as_os_str() != "-" && source.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Err(Error::not_found(format!("There is no file or folder {}.", source.display())).hint("Nothing was received. Correct the path and run the command again."));
        }
    }
    Ok(())
}

fn read_sender_list(new: &NewAccession, notes: &mut Vec<Finding>) -> Result<Option<(SenderList, String)>> {
    if let Some(path) = &new.sender_list {
        let bytes = std::fs::read(path).doing("Could not read the sender's list", path)?;
        let (list, findings) = SenderList::parse(path.as_os_str().as_bytes(), &bytes);
        notes.extend(findings);
        if list.is_empty() {
            return Err(Error::invalid(format!("The sender's list {} names no file.", path.display()))
                .hint("It must have lines as `sha256sum` writes them: 64 hexadecimal digits, two spaces, the name."));
        }
        let name = readable(path.file_name().unwrap_or(path.as_os_str()).as_bytes()).text;
        return Ok(Some((list, name)));
    }
    bag::expectations(&new.sources, notes)
}

/// Everything that must be equal for a second command to be the same deposit.
fn fingerprint_of(new: &NewAccession) -> Result<String> {
    let mut text = format!("{}\n{}\n{:?}\n{:?}\n", new.contributor, new.title, new.unit, new.sealed);
    for source in &new.sources {
        let path = if source.as_os_str() == "-" { source.clone() } else { std::path::absolute(source).doing("Could not resolve", source)? };
        text.push_str(&hex::encode(path.as_os_str().as_bytes()));
        text.push('\n');
    }
    Ok(text)
}

fn find_interrupted(repo: &Repository, new: &NewAccession) -> Result<Option<(Staging, Vec<Done>)>> {
    // What was read from standard input cannot be read again.
    if new.fresh || new.sources.iter().any(|source| source.as_os_str() == "-") {
        return Ok(None);
    }
    let wanted = fingerprint_of(new)?;
    for accession in Staging::all(&repo.places)? {
        match Staging::reopen(&repo.places, repo.keyring(), accession) {
            Ok((staging, done)) if staging.plan.fingerprint == wanted => return Ok(Some((staging, done))),
            Ok(_) => {}
            // A folder begun in the moment of the crash: recovery has already given it up or will.
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Takes a number and a unit, and begins the staging folder.
async fn begin(repo: &Repository, ctx: &Ctx, new: &NewAccession) -> Result<Staging> {
    let accession = Uuid::new_v4();
    let mut tx = repo.begin().await?;
    let unit = match new.unit {
        Some(unit) => {
            let mode: Option<String> = sqlx::query_scalar("SELECT mode FROM units WHERE id = $1").bind(unit.to_string()).fetch_optional(tx.conn()).await?;
            match mode.as_deref() {
                None => return Err(Error::not_found(format!("There is no unit {unit}.")).hint("`sago key list` shows the units.")),
                Some("destroyed") => return Err(Error::conflict(format!("The key of unit {unit} was destroyed: nothing can be added to it."))),
                Some(_) if unit == repo.settings.domain_unit => return Err(Error::invalid("This unit holds the repository's own records.")),
                Some(_) => unit,
            }
        }
        None => {
            let unit = Uuid::new_v4();
            let mode = if new.sealed { Mode::Sealed } else { Mode::Working };
            let wrapped = repo.keyring().wrap(&HybridIdentity::generate().map_err(|error| Error::internal(error.to_string()))?, mode)?;
            // The key is durable before the event speaks of it. If we crash here, recovery removes a key that no unit names.
            repo.keyring().put(unit, &wrapped)?;
            let event = UnitCreated { unit, mode: mode.code().to_owned(), vault_sha256: wrapped.sha256() };
            tx.append(repo.settings.domain_unit, event.with(UnitCreatedDetail {}));
            unit
        }
    };
    let year = ctx.now().strftime("%Y").to_string();
    let last: Option<String> = sqlx::query_scalar("SELECT MAX(number) FROM accessions WHERE number LIKE $1")
        .bind(format!("A-{year}-%"))
        .fetch_one(tx.conn())
        .await?;
    let next = last.as_deref().and_then(|last| last.rsplit('-').next()).and_then(|last| last.parse::<u64>().ok()).unwrap_or(0) + 1;
    if next > 9_999 {
        return Err(Error::conflict(format!("All numbers of {year} are taken (A-{year}-9999).")));
    }
    let number = format!("A-{year}-{next:04}");
    let detail = AccessionOpenedDetail { contributor: new.contributor.clone(), title: new.title.clone() };
    tx.append(unit, AccessionOpened { accession, unit, number: number.clone() }.with(detail));
    tx.commit(ctx).await?;
    Staging::begin(&repo.places, repo.keyring(), Plan { accession, number, unit, fingerprint: fingerprint_of(new)? })
}

/// Which digests beside SHA-256 and SHA-512 the sender's list asks for.
fn algorithms(list: Option<&SenderList>) -> Vec<Algorithm> {
    list.map(|list| list.algorithms().filter_map(hasher_of).collect()).unwrap_or_default()
}

fn hasher_of(algorithm: sender_list::Algorithm) -> Option<Algorithm> {
    match algorithm {
        sender_list::Algorithm::Md5 => Some(Algorithm::Md5),
        sender_list::Algorithm::Sha1 => Some(Algorithm::Sha1),
        sender_list::Algorithm::Sha224 => Some(Algorithm::Sha224),
        sender_list::Algorithm::Sha384 => Some(Algorithm::Sha384),
        // These two are always computed.
        sender_list::Algorithm::Sha256 | sender_list::Algorithm::Sha512 => None,
    }
}

struct Work<'a> {
    new: &'a NewAccession,
    recipient: &'a HybridRecipient,
    progress: &'a Progress,
    algorithms: Vec<Algorithm>,
}

/// A file that was seen, in walking order.
enum Outcome {
    Taken(Box<Taken>),
    NotTaken(Finding),
    Note(Finding),
}

struct Taken {
    done: Done,
    notes: Vec<Finding>,
    resumed: bool,
}

enum Job {
    File(Entry),
    Stdin(Vec<u8>),
}

struct Gathered {
    outcomes: Vec<Outcome>,
}

/// What an interrupted deposit sealed, by source and path: two sources may have the same name.
type Before = HashMap<(u64, Vec<u8>), Done>;

/// Walks all sources and seals every file, several at a time; outcomes come back in walking order.
fn gather(staging: Staging, before: Vec<Done>, work: &Work<'_>) -> Result<(Staging, Gathered)> {
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
        if made.insert(part) {
            durable::create_dir_all(path.parent().unwrap_or(&staged.folder))?;
        }
        drop(made);
        Ok(path)
    };
    let place = &place;
    let (next_content, before, failed_ref) = (&next_content, &before, &failed);
    let mut journal = Vec::new();
    let mut sorted: BTreeMap<usize, Outcome> = BTreeMap::new();
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
                    journal.push(taken.done.clone());
                }
            }
            sorted.insert(seq, outcome);
            // The journal is written by whoever holds the staging; it is handed back below in batches.
            if journal.len() >= FILES_PER_FLUSH || journal.iter().map(|done: &Done| done.sealed.bytes).sum::<u64>() >= BYTES_PER_FLUSH {
                write_journal(staged, &mut journal)?;
            }
        }
        write_journal(staged, &mut journal)
    })?;
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok((staging, Gathered { outcomes: sorted.into_values().collect() }))
}

fn write_journal(staging: &Staging, journal: &mut Vec<Done>) -> Result<()> {
    // The sealed files first, then the lines that speak of them (invariant 1).
    staging.flush()?;
    staging.note_all(journal)?;
    journal.clear();
    Ok(())
}

fn walk(work: &Work<'_>, jobs: &std::sync::mpsc::SyncSender<(usize, Job)>, outcomes: &std::sync::mpsc::SyncSender<(usize, Outcome)>, failed: &Mutex<Option<Error>>) {
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

fn take_file(
    entry: &Entry,
    work: &Work<'_>,
    before: &Before,
    next: &AtomicU64,
    place: &(dyn Fn(u64) -> Result<PathBuf> + Sync),
) -> Result<Outcome> {
    let reader = match entry.open() {
        Ok(reader) => reader,
        Err(finding) => return Ok(Outcome::NotTaken(finding)),
    };
    if let Some(done) = before.get(&(entry.source as u64, entry.path_bytes.clone())).filter(|done| done.sealed.bytes == reader.size_bytes() && done.modified_micros == reader.modified_micros())
        && let Some(taken) = still_the_same(entry, reader, done, work, place)?
    {
        return Ok(taken);
    }
    let reader = match entry.open() {
        Ok(reader) => reader,
        Err(finding) => return Ok(Outcome::NotTaken(finding)),
    };
    let modified_micros = reader.modified_micros();
    let size = reader.size_bytes();
    let content = next.fetch_add(1, Ordering::Relaxed);
    let target = place(content)?;
    let mut counted = Counted { inner: reader, progress: work.progress };
    let sealed = pipeline::seal(&mut counted, size, work.recipient, &work.algorithms, &target);
    let ReadOutcome { changed, unreadable, .. } = counted.inner.finish();
    let refused = |finding: Finding| -> Result<Outcome> {
        std::fs::remove_file(&target).doing("Could not remove", &target)?;
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

/// What the unit already holds, by blinded fingerprint.
struct Earlier {
    key: Option<zeroize::Zeroizing<[u8; 32]>>,
    items: HashMap<String, (Uuid, String)>,
}

impl Earlier {
    async fn read(repo: &Repository, unit: Uuid, notes: &mut Vec<Finding>) -> Result<Self> {
        let key = match repo.keyring().unit(unit) {
            Ok(identity) => Some(derive_fingerprint_key(&identity)?),
            Err(error) if error.kind == ErrorKind::Forbidden => {
                notes.push(finding::sealed_unit_not_compared());
                None
            }
            Err(error) => return Err(error),
        };
        let mut items = HashMap::new();
        let Some(key) = key else { return Ok(Self { key, items }) };
        let rows = sqlx::query("SELECT fingerprint, id, number FROM items WHERE unit = $1 ORDER BY number DESC").bind(unit.to_string()).fetch_all(repo.db().read()).await?;
        for row in rows {
            let id = Uuid::parse_str(&row.try_get::<String, _>(1)?).map_err(|_| Error::corrupt("An item's row was altered."))?;
            let print = match row.try_get::<Option<String>, _>(0)? {
                Some(print) => print,
                // It arrived while the unit was sealed.
                None => match crate::item::line_of(repo, id).await? {
                    Some(line) => fingerprint(&key, &line.sha256, line.bytes),
                    None => continue,
                },
            };
            items.insert(print, (id, row.try_get(2)?));
        }
        Ok(Self { key: Some(key), items })
    }

    fn find(&self, done: &Done) -> Option<&(Uuid, String)> {
        let key = self.key.as_ref()?;
        self.items.get(&fingerprint(key, &done.sealed.sha256, done.sealed.bytes))
    }
}

struct Finish<'a> {
    new: &'a NewAccession,
    staging: Staging,
    gathered: Gathered,
    notes: Vec<Finding>,
    list: Option<(SenderList, String)>,
    earlier: Earlier,
}

/// Where the bytes of an item are stored.
#[derive(Clone)]
struct Stored {
    number: String,
    object: Uuid,
    content: String,
    content_sha512: String,
    content_sha256: String,
}

async fn finish(repo: &Repository, ctx: &Ctx, finish: Finish<'_>) -> Result<Deposited> {
    let Finish { new, staging, gathered, notes, mut list, earlier } = finish;
    let plan = &staging.plan;
    let parts = gathered.outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Taken(taken) => Some(content_place(taken.done.content).0 + 1),
        Outcome::NotTaken(_) | Outcome::Note(_) => None,
    });
    let parts = parts.max().unwrap_or(1);
    let objects: Vec<Uuid> = (0..parts).map(|_| Uuid::new_v4()).collect();

    let mut items: Vec<ItemLine> = Vec::new();
    let mut findings: Vec<FindingLine> = notes.iter().map(|note| finding_line(note, None)).collect();
    let mut first_with: HashMap<(String, u64), Stored> = HashMap::new();
    let mut counts = Deposited {
        id: plan.accession, number: plan.number.clone(), unit: plan.unit, files_seen: 0, items: 0, not_taken: 0, notes: 0, mismatches: 0,
        duplicates: 0, bytes: 0, stored_bytes: 0, resumed: 0, findings: Vec::new(), index: 0, generation: 0,
    };
    for outcome in &gathered.outcomes {
        let taken = match outcome {
            Outcome::Taken(taken) => taken,
            Outcome::NotTaken(finding) | Outcome::Note(finding) => {
                findings.push(finding_line(finding, None));
                continue;
            }
        };
        let done = &taken.done;
        let number = format!("{}.{:05}", plan.number, items.len() + 1);
        let name = readable(&done.path_bytes);
        findings.extend(taken.notes.iter().chain(&name.note).map(|note| finding_line(note, Some(&number))));
        let sender = match &mut list {
            None => "no-list",
            Some((list, _)) => {
                let verdict = list.check(&done.path_bytes, &computed(done)?);
                if matches!(verdict, Verdict::Mismatch(_)) {
                    counts.mismatches += 1;
                    findings.push(finding_line(&finding::sender_mismatch(&done.path_bytes, &done.sealed.sha256), Some(&number)));
                }
                verdict.as_str()
            }
        };
        let key = (done.sealed.sha256.clone(), done.sealed.bytes);
        let known = match first_with.get(&key) {
            Some(stored) => Some(stored.clone()),
            None => match earlier.find(done) {
                Some((id, number)) => stored_of(repo, *id, number, done).await?,
                None => None,
            },
        };
        let duplicate_of = known.as_ref().map(|stored| stored.number.clone());
        let (part, content) = content_place(done.content);
        let stored = match known {
            Some(stored) => {
                counts.duplicates += 1;
                let path = staging.content(done.content);
                std::fs::remove_file(&path).or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }).doing("Could not remove", &path)?;
                stored
            }
            None => {
                counts.stored_bytes += done.sealed.content_bytes;
                let object = objects[usize::try_from(part).unwrap_or(0)];
                let stored = Stored {
                    number: number.clone(), object, content,
                    content_sha512: done.sealed.content_sha512.clone(), content_sha256: done.sealed.content_sha256.clone(),
                };
                first_with.insert(key, stored.clone());
                stored
            }
        };
        counts.bytes += done.sealed.bytes;
        counts.resumed += u64::from(taken.resumed);
        let modified = jiff::Timestamp::from_microsecond(done.modified_micros).ok().map(time_text);
        items.push(ItemLine {
            id: Uuid::new_v4(), number, path: name.text, path_bytes: done.path_bytes.clone(), path_encoding: name.encoding.as_str().to_owned(),
            bytes: done.sealed.bytes, sha256: done.sealed.sha256.clone(), sha512: done.sealed.sha512.clone(), modified, sender: sender.to_owned(),
            duplicate_of, object: stored.object, content: stored.content, content_sha512: stored.content_sha512, content_sha256: stored.content_sha256,
        });
    }
    if let Some((list, _)) = &list {
        findings.extend(list.unmatched().iter().map(|finding| finding_line(finding, None)));
    }
    counts.not_taken = findings.iter().filter(|line| finding::is_file_not_taken(line)).count() as u64;
    counts.items = items.len() as u64;
    counts.files_seen = counts.items + counts.not_taken;
    counts.notes = findings.len() as u64 - counts.not_taken;
    if counts.files_seen == 0 {
        return give_up_empty(repo, ctx, plan.accession, &findings).await;
    }

    let head = AccessionLine {
        id: plan.accession, number: plan.number.clone(), unit: plan.unit, contributor: new.contributor.clone(), title: new.title.clone(),
        agreement: new.agreement.clone(), conditions: new.conditions.clone(), label: new.label, received_at: time_text(ctx.now()),
        received_by: urn(ctx.agent), sender_list: list.map(|(_, name)| name), objects: parts,
    };
    let mut manifest = Manifest::default();
    manifest.lines.push(Line::Accession(head).write()?);
    let contents: Vec<(Uuid, String, String, String)> = items
        .iter()
        .filter(|item| item.duplicate_of.is_none())
        .map(|item| (item.object, item.content.clone(), item.content_sha512.clone(), item.content_sha256.clone()))
        .collect();
    for item in items {
        manifest.lines.push(Line::Item(item).write()?);
    }
    for finding in &findings {
        manifest.lines.push(Line::Finding(finding.clone()).write()?);
    }
    let references = tokio::task::block_in_place(|| build_objects(repo, ctx, &staging, &objects, &contents, &manifest))?;

    let mut tx = repo.begin().await?;
    let prepared = AccessionPrepared { accession: plan.accession, unit: plan.unit, objects: references.clone() };
    tx.append(plan.unit, prepared.with(AccessionPreparedDetail {}));
    tx.commit(ctx).await?;
    // If we crash here or later, recovery finds the prepared objects in staging or in place and completes the deposit.
    let position = recover::complete(repo, ctx, plan.accession, plan.unit, &references, &manifest, false).await?;
    counts.index = position.index;
    counts.generation = position.generation;
    counts.findings = findings;
    repo.integrate(ctx).await?;
    Staging::remove(&repo.places, plan.accession)?;
    Ok(counts)
}

async fn give_up_empty(repo: &Repository, ctx: &Ctx, accession: Uuid, findings: &[FindingLine]) -> Result<Deposited> {
    recover::abandon(repo, ctx, accession, "there was no file in what was named").await?;
    let mut error = Error::invalid("There is no file in what was named: nothing was received.");
    for finding in findings.iter().take(5) {
        error = error.hint(format!("{}: {}", finding.path, finding.message));
    }
    Err(error)
}

fn computed(done: &Done) -> Result<Vec<sender_list::Digest>> {
    let decode = |digest: &str| hex::decode(digest).map_err(|_| Error::internal("a digest is not hexadecimal"));
    let mut digests = vec![
        sender_list::Digest { algorithm: sender_list::Algorithm::Sha256, value: decode(&done.sealed.sha256)? },
        sender_list::Digest { algorithm: sender_list::Algorithm::Sha512, value: decode(&done.sealed.sha512)? },
    ];
    for (algorithm, digest) in &done.sealed.others {
        let wanted = sender_list::Algorithm::ALL.into_iter().find(|wanted| hasher_of(*wanted) == Some(*algorithm));
        if let Some(algorithm) = wanted {
            digests.push(sender_list::Digest { algorithm, value: decode(digest)? });
        }
    }
    Ok(digests)
}

fn finding_line(finding: &Finding, item: Option<&str>) -> FindingLine {
    FindingLine {
        code: finding.code.to_owned(),
        item: item.map(str::to_owned),
        path: readable(&finding.path_bytes).text,
        path_bytes: finding.path_bytes.clone(),
        message: finding.message.clone(),
        taken: finding.taken,
    }
}

/// Where the bytes of an earlier item of the unit are stored; `None` unless its sealed line really has the same digests, whatever the database hints.
async fn stored_of(repo: &Repository, item: Uuid, number: &str, done: &Done) -> Result<Option<Stored>> {
    let line = crate::item::line_of(repo, item).await?;
    let line = line.ok_or_else(|| Error::internal(format!("The item {number} cannot be read although its unit is open.")))?;
    let is_same = (&line.sha256, &line.sha512, line.bytes) == (&done.sealed.sha256, &done.sealed.sha512, done.sealed.bytes);
    Ok(is_same.then(|| Stored {
        number: number.to_owned(),
        object: line.object,
        content: line.content,
        content_sha512: line.content_sha512,
        content_sha256: line.content_sha256,
    }))
}

/// Finishes the OCFL objects in staging: manifest, keycheck, description, inventory. Returns what the log commits to.
fn build_objects(
    repo: &Repository,
    ctx: &Ctx,
    staging: &Staging,
    objects: &[Uuid],
    contents: &[(Uuid, String, String, String)],
    manifest: &Manifest,
) -> Result<Vec<ObjectRef>> {
    let unit = staging.plan.unit;
    let recipient = repo.keyring().recipient(unit)?;
    let origin = crate::ledger::sequencer::head(&repo.places, crate::ledger::event::Log::Custody, repo.keyring().signing().generation)?.origin;
    let lines_per_part = manifest.lines.len().div_ceil(objects.len());
    staging.keep_manifest(repo.keyring(), manifest)?;
    let mut references = Vec::with_capacity(objects.len());
    for (part, object) in objects.iter().enumerate() {
        let folder = staging.object(part as u64);
        let lines = manifest.lines.chunks(lines_per_part).nth(part).unwrap_or_default();
        let text = Manifest { lines: lines.to_vec() }.bytes();
        let mut keycheck = [0_u8; 32];
        crate::key::fill_random(&mut keycheck)?;
        let description = serde_json::json!({
            "accession": staging.plan.accession.to_string(), "kind": "accession", "log": origin, "object": "sago-object/1", "units": [unit.to_string()],
        });
        let small = [
            (format!("m/{unit}.manifest.age"), seal_bytes(&[&recipient], &text)?),
            (format!("m/{unit}.keycheck.age"), seal_bytes(&[&recipient], &keycheck)?),
            ("m/object.json".to_owned(), format!("{description}\n").into_bytes()),
        ];
        let mut files: Vec<ocfl::NewFile> = contents
            .iter()
            .filter(|(id, ..)| id == object)
            .map(|(_, content, sha512, sha256)| ocfl::NewFile { logical_path: content.clone(), sha512: sha512.clone(), sha256: sha256.clone() })
            .collect();
        for (path, bytes) in &small {
            write_plain(&folder.join("v1/content").join(path), bytes)?;
            files.push(ocfl::NewFile { logical_path: path.clone(), sha512: Algorithm::Sha512.hash(bytes), sha256: Algorithm::Sha256.hash(bytes) });
        }
        let info = ocfl::VersionInfo {
            created: time_text(ctx.now()),
            message: "Received".to_owned(),
            user_name: ctx.agent.to_string(),
            user_address: urn(ctx.agent),
        };
        let refused = |error: sago_packages::Error| Error::internal(format!("The inventory cannot be written: {error}"));
        let inventory = ocfl::first_version(&urn(*object), info, &files).map_err(refused)?;
        let bytes = ocfl::inventory_bytes(&inventory);
        let sidecar = ocfl::sidecar_text(&bytes);
        let (declaration, declared) = ocfl::OBJECT_DECLARATION;
        for (path, bytes) in [
            ("v1/inventory.json", bytes.as_slice()),
            ("v1/inventory.json.sha512", sidecar.as_bytes()),
            ("inventory.json", bytes.as_slice()),
            ("inventory.json.sha512", sidecar.as_bytes()),
            (declaration, declared.as_bytes()),
        ] {
            write_plain(&folder.join(path), bytes)?;
        }
        remove_empty(&folder.join("v1/content/o"))?;
        references.push(ObjectRef { id: *object, inventory_sha512: Algorithm::Sha512.hash(&bytes) });
    }
    durable::sync_filesystem(&staging.folder)?;
    Ok(references)
}

/// Writes a file of the object; made durable with all others by one flush at the end.
fn write_plain(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(parent) = path.parent() {
        durable::create_dir_all(parent)?;
    }
    let mut file = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path).doing("Could not create", path)?;
    file.write_all(bytes).doing("Could not write", path)
}

/// Removes a folder that holds nothing: OCFL forbids empty folders (E024).
fn remove_empty(folder: &Path) -> Result<()> {
    let is_empty = folder.is_dir() && std::fs::read_dir(folder).doing("Could not list", folder)?.next().is_none();
    if is_empty {
        std::fs::remove_dir(folder).doing("Could not remove", folder)?;
    }
    Ok(())
}
