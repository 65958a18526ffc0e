//! A repository out of a copy of the records, a copy of the vault, and the custodians' shares.
//!
//! Order: records copied → judged, by the keys in the copy of the vault → log read with the domain key alone → keys that the log says are
//! destroyed erased from the copy of the vault, before any other is opened → new operating key, vault wrapped anew → a new generation of both logs, whose first entry commits to the ends of the
//! one before → database by replay → `sago.toml`, last of all: until then the folder is no repository, and after a crash it is emptied and
//! the command is run again. A log is never continued from a copy: somebody may hold proofs of what came after it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sago_seal::hybrid::HybridIdentity;
use sago_verify::Report;
use uuid::Uuid;

use super::Progress;
use super::copy::{Copier, Kind};
use super::history::{History, Stage, Standing, succession_problems, three_lines};
use super::place::{RECORDS_FILE, RecordsNote, VAULT_FILE, is_empty};
use super::records::is_temporary;
use super::trial;
use super::unfinished::{self, Interrupted, Unfinished};
use super::vault::VaultCopy;
use crate::accession::{Manifest, read_manifest_with};
use crate::ctx::{Clock, Ctx, Role, micros, time_text};
use crate::error::{Error, ErrorKind, Result};
use crate::key::epoch::recovery_identity;
use crate::key::{Keyring, Mode, Passphrase, Signing, open_bytes, random_seed, read_signing, set_current, write_epoch};
use crate::ledger::Tx;
use crate::ledger::event::{
    ClockJumped, ClockJumpedDetail, Log, LogRestarted, LogRestartedDetail, OperatingKeyRecovered, OperatingKeyRecoveredDetail, UnitSealed, UnitSealedDetail,
};
use crate::ledger::lock::Locks;
use crate::ledger::rebuild::{last_head_here, replay_into};
use crate::ledger::sequencer::{self, Head};
use crate::repository::{Repository, new_origin};
use crate::settings::{Places, Settings, is_within};
use crate::store::blobs::Blobs;
use crate::store::db::Db;
use crate::store::durable;
use crate::store::rows::RowKeys;
use crate::store::shelf::Shelf;

/// What a repository is made from.
pub struct Sources<'a> {
    /// A copy of the records.
    pub records: &'a Path,
    /// A copy of the vault.
    pub vault: &'a Path,
    /// Pages or words of enough custodians.
    pub shares: &'a [String],
    /// Opens the new operating key.
    pub passphrase: &'a Passphrase,
    /// Why; entered in the log.
    pub reason: &'a str,
}

/// A unit whose key the log says is destroyed and that lay in the copy of the vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestroyedAgain {
    /// The unit.
    pub unit: Uuid,
    /// Its accessions.
    pub accessions: Vec<String>,
    /// Why it could not be erased from the copy, if so; it was not restored in any case.
    pub left: Option<String>,
}

/// A unit that lives in the log and cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The unit.
    pub unit: Uuid,
    /// Its accessions.
    pub accessions: Vec<String>,
    /// Why.
    pub why: String,
}

/// What a restore did, and what it could not do.
#[derive(Debug)]
pub struct Restored {
    /// The repository's id.
    pub repository: Uuid,
    /// The generation of the logs that began.
    pub generation: u64,
    /// The epoch in force.
    pub epoch: u64,
    /// The end of the custody log before.
    pub custody: Head,
    /// The end of the access log before.
    pub access: Head,
    /// When the records were copied (payload time).
    pub records_at: String,
    /// When the vault was copied (payload time).
    pub vault_at: String,
    /// The verdict on the restored records.
    pub report: Report,
    /// Units whose keys were restored.
    pub units: u64,
    /// Destroyed units whose keys lay in the copy of the vault.
    pub destroyed: Vec<DestroyedAgain>,
    /// Units that cannot be opened.
    pub lost: Vec<Lost>,
    /// Deposits that were under way.
    pub interrupted: Vec<Interrupted>,
    /// Codes of people whose own key was not in the copy: they cannot sign approvals.
    pub keyless: Vec<String>,
    /// Events replayed into the database.
    pub events: u64,
    /// What a person should know beside.
    pub notes: Vec<String>,
}

/// Makes a repository in a folder that is absent or empty.
pub async fn restore(root: &Path, sources: &Sources<'_>, progress: &Progress, clock: Clock) -> Result<Restored> {
    let note = check(root, sources)?;
    let copy = VaultCopy::open(sources.vault)?;
    if copy.note.repository != note.repository {
        return Err(Error::conflict("The two backups are of different repositories. Nothing was restored."));
    }
    let recovery = recovery_identity(sources.shares)?;
    let sealed_signing = copy.signing(&recovery)?;
    let mut settings = settings(sources.records, &note)?;
    let places = Places::resolve(root, &settings)?;
    let work = Work { places: &places, settings: &settings, copy: &copy, recovery: &recovery, clock };

    tokio::task::block_in_place(|| copy_records(&places, sources.records, progress))?;
    let heads = newest_heads(&places)?;
    let scratch = Scratch { folder: places.staging.join("restore") };
    let signing = scratch.signing(&sealed_signing, copy.note.epoch, &recovery)?;
    let (mut report, generation) = tokio::task::block_in_place(|| work.judge(&note, &signing, &heads))?;
    let history = tokio::task::block_in_place(|| work.read_history(&scratch))?;
    scratch.erase()?;
    let place = history.place;
    let is_vouched = signing.generation == heads.0.generation;
    let destroyed = work.erase_destroyed(&history, is_vouched)?;
    trial::judge_objects(&places.store, &history.received(), &mut report)?;
    let signing = Signing::generate(generation)?;
    let (keyring, mut keys) = tokio::task::block_in_place(|| work.write_keys(&history, signing, sources.passphrase))?;
    let locks = Locks::Folder(places.lock.clone());
    end_generations(&places, &locks).await?;
    for log in Log::ALL {
        sequencer::begin(&places, &locks, &keyring, log, &new_origin()?).await?;
    }
    let db = Db::open_file(Path::new(&places.database), true).await?;
    let blobs = Blobs::open(&places.store)?;
    let summary = replay_into(&places, &locks, &keyring, &blobs, &db, None).await?;
    let interrupted = work.begin_generation(&db, &keyring, &blobs, &history, &heads, &keys, sources.reason).await?;
    db.checkpoint().await?;
    db.close().await;
    if let Some((place, problem)) = succession_problems(&places, &keyring)?.into_iter().next() {
        return Err(Error::internal(format!("The restored log does not hold together at {place}: {problem}")));
    }
    // The log says which place may continue it; the settings of a replica may be newer or older than its log.
    settings.place = place;
    settings.write(&places.root)?;
    // If we crash before this line, the folder is no repository; after it, it is whole.
    let epoch = keyring.epoch;
    drop(keyring);
    Repository::open(root, sources.passphrase, clock).await?.close().await;
    let closed = std::mem::take(&mut keys.closed);
    keys.lost.extend(closed.into_iter().map(|(unit, _, problem)| Lost {
        unit,
        accessions: history.numbers(unit),
        why: format!("{problem} The unit is sealed: put the file back from another backup, then `sago key unseal` and `sago rebuild`"),
    }));
    keys.lost.sort_by(|one, two| one.accessions.cmp(&two.accessions));
    Ok(Restored {
        repository: note.repository,
        generation,
        epoch,
        custody: heads.0,
        access: heads.1,
        notes: notes(&note, &copy, &history, epoch, &keys, is_vouched),
        records_at: note.at,
        vault_at: copy.note.at,
        report,
        units: keys.digests.len() as u64,
        destroyed,
        lost: keys.lost,
        interrupted,
        keyless: keys.keyless,
        events: summary.events,
    })
}

/// Everything that can be refused before a byte is written.
fn check(root: &Path, sources: &Sources<'_>) -> Result<RecordsNote> {
    if sources.reason.trim().is_empty() {
        return Err(Error::invalid("A restore needs a reason.").hint("Add `--reason TEXT`: it is entered in the log."));
    }
    if sources.passphrase.chars().count() < 8 {
        return Err(Error::invalid("The passphrase is shorter than 8 characters.").hint("Take five or more words that nobody would guess together."));
    }
    for source in [sources.records, sources.vault] {
        if is_within(root, source)? || is_within(source, root)? {
            return Err(Error::invalid(format!("{} and the backup {} lie one in the other.", root.display(), source.display()))
                .hint("Restore to a folder elsewhere. Nothing was written."));
        }
    }
    if !is_empty(root)? {
        return Err(Error::conflict(format!("{} is not empty.", root.display()))
            .hint("Name a folder that does not exist yet, or an empty one.")
            .hint("If an interrupted restore left it (it has no sago.toml), remove it and run the same command again."));
    }
    let note = match RecordsNote::read(sources.records)? {
        None => RecordsNote::of_replica(sources.records)?,
        note => note,
    };
    let note = note.ok_or_else(|| {
        let hint = if sources.records.join(VAULT_FILE).exists() {
            "It is a backup of the vault: give that with `--vault`."
        } else {
            "Name the folder that `sago backup` or `sago replicate` wrote."
        };
        Error::not_found(format!("{} is not a backup of the records: it has no {RECORDS_FILE}.", sources.records.display())).hint(hint)
    })?;
    if !note.is_complete {
        return Err(Error::new(ErrorKind::Conflict, "This backup of the records was interrupted before it was finished. Nothing was restored.")
            .hint("Take another one."));
    }
    Ok(note)
}

/// The settings of the copy; they already have the usual places.
fn settings(records: &Path, note: &RecordsNote) -> Result<Settings> {
    let mut settings = Settings::read(records)?;
    if settings.repository != note.repository {
        return Err(Error::corrupt("The settings in the backup are those of another repository. Nothing was restored."));
    }
    // Whoever wrote the file, a restore stays in its own folder.
    settings.paths = crate::settings::Paths::default();
    settings.read_only = false;
    Ok(settings)
}

fn copy_records(places: &Places, records: &Path, progress: &Progress) -> Result<()> {
    for folder in places.folders() {
        durable::create_dir_all(folder)?;
    }
    let mut copier = Copier::new(progress);
    // A restore goes to a folder; `sago migrate` takes it from there to a server.
    let to = [("log", places.log.folder()), ("store", places.store.folder()), ("stamps", places.stamps.folder())];
    for (name, to) in to.into_iter().filter_map(|(name, to)| Some((name, to?))) {
        copier.folder(&records.join(name), to, |path| (!is_temporary(path)).then_some(Kind::Fixed))?;
    }
    copier.folder(&records.join("anchors"), &places.root.join("anchors"), |path| (!is_temporary(path)).then_some(Kind::Fixed))?;
    copier.flush()
}

/// Heads of custody and access log of the newest generation.
fn newest_heads(places: &Places) -> Result<(Head, Head)> {
    let newest = sequencer::generations(places)?.last().copied();
    let newest = newest.ok_or_else(|| Error::corrupt("The backup of the records holds no log. Nothing was restored."))?;
    Ok((last_head_here(places, Log::Custody, newest)?, last_head_here(places, Log::Access, newest)?))
}

/// Keeps the ends of the generations that ended, as the lock keeps them: proofs are made against these, and nobody can sign further.
async fn end_generations(places: &Places, locks: &Locks) -> Result<()> {
    for generation in sequencer::generations(places)? {
        for log in Log::ALL {
            let head = last_head_here(places, log, generation)?;
            let mut lock = locks.hold(log, generation).await?;
            lock.swap(None, &head.checkpoint).await?;
            lock.release().await?;
        }
    }
    Ok(())
}

/// Where sealed keys lie for a moment, because keys are opened from files. Nothing of it stays.
struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// Opens the signing keys of the generation that ended.
    fn signing(&self, sealed: &[u8], epoch: u64, recovery: &HybridIdentity) -> Result<Signing> {
        let path = self.folder.join(epoch.to_string()).join("signing.age");
        durable::write(&path, sealed)?;
        let signing = read_signing(&self.folder, epoch, recovery);
        durable::erase(&path)?;
        signing
    }

    fn erase(&self) -> Result<()> {
        for file in super::copy::files(&self.folder, &mut Vec::new())? {
            durable::erase(&self.folder.join(file))?;
        }
        durable::remove_dir_all(&self.folder)
    }
}

/// What is the same through a whole restore.
struct Work<'a> {
    places: &'a Places,
    settings: &'a Settings,
    copy: &'a VaultCopy,
    recovery: &'a HybridIdentity,
    clock: Clock,
}

/// What became of the keys.
#[derive(Default)]
struct Keys {
    /// `<unit> <sha256>` of each wrapped key.
    digests: Vec<String>,
    lost: Vec<Lost>,
    keyless: Vec<String>,
    /// Units whose manifest in the storage root cannot be read, with their wrapped key's digest and why: sealed until it is repaired.
    closed: Vec<(Uuid, String, String)>,
    /// Units in the copy of the vault that the log does not know.
    unknown: usize,
}

impl Work<'_> {
    /// Reads the log with the domain key alone.
    fn read_history(&self, scratch: &Scratch) -> Result<History> {
        let domain = self.settings.domain_unit;
        let (identity, _) = self
            .copy
            .unit(domain, self.recovery)
            .map_err(|error| error.hint("Without the key of the domain unit nobody can read the log. Take another backup of the vault of the same epoch."))?;
        let places = Places { vault: Shelf::Disk(scratch.folder.clone()), ..self.places.clone() };
        let passing = HybridIdentity::from_seed(&*random_seed()?);
        let keyring = Keyring::new(self.copy.note.epoch, passing, self.recovery.recipient(), Signing::generate(0)?, &places, domain);
        keyring.put(domain, &keyring.wrap(&identity, Mode::Working)?)?;
        if let Some((place, problem)) = succession_problems(self.places, &keyring)?.into_iter().next() {
            return Err(Error::corrupt(format!("The log in the backup does not hold together at {place}: {problem}")));
        }
        History::read(self.places, &keyring)
    }

    /// Erases from the copy of the vault what the log says is destroyed, before any other key is opened. A log that the signing keys in the
    /// copy do not vouch for erases nothing: whoever made it up could have keys destroyed that way. Its word still keeps them from being restored.
    fn erase_destroyed(&self, history: &History, is_vouched: bool) -> Result<Vec<DestroyedAgain>> {
        let there = self.copy.units()?;
        let mut erased = Vec::new();
        for unit in history.destroyed().intersection(&there) {
            let left = if is_vouched {
                self.copy.erase(*unit).err().map(|error| error.message)
            } else {
                Some("the log that says so was signed with keys that are not in this backup of the vault".to_owned())
            };
            erased.push(DestroyedAgain { unit: *unit, accessions: history.numbers(*unit), left });
        }
        Ok(erased)
    }

    /// Judges the restored records as a stranger would, and that they were signed with the keys in the copy of the vault. A log that does not
    /// hold together stops the restore; damage in the storage root is said. Answers the number of the next generation, too.
    fn judge(&self, note: &RecordsNote, signing: &Signing, heads: &(Head, Head)) -> Result<(Report, u64)> {
        let generations = sequencer::generations(self.places)?;
        let forged = || {
            Error::corrupt(
                "The log in the backup was not signed with the keys in the backup of the vault: it is another repository's, or somebody made it up. Nothing was restored.",
            )
        };
        let mut all = Vec::new();
        for &generation in &generations {
            for log in Log::ALL {
                let head = last_head_here(self.places, log, generation)?;
                if generation == signing.generation {
                    let keys = self.places.log.need(&format!("{generation}/{}.vkey", log.name()))?;
                    let keys = String::from_utf8_lossy(&keys);
                    let keys: BTreeSet<&str> = keys.lines().collect();
                    let ours: Vec<String> = signing.signers(log, &head.origin)?.iter().map(|signer| signer.verifier().to_string()).collect();
                    if keys != ours.iter().map(String::as_str).collect() {
                        return Err(forged());
                    }
                }
                all.push(head);
            }
        }
        // The note beside the copy was written after the checkpoints: a log that is shorter than the note says was rolled back in the copy.
        for (text, head) in [(&note.custody, &heads.0), (&note.access, &heads.1)] {
            let noted = sequencer::read_head(note.generation, text, RECORDS_FILE)?;
            if noted.generation > head.generation || (noted.generation == head.generation && noted.size > head.size) {
                return Err(Error::corrupt(format!(
                    "The log in the backup has {} entries; when it was copied it had {}. Nothing was restored.",
                    head.size, noted.size
                )));
            }
        }
        let report = trial::judge(&self.places.root, &self.places.root.join("log"), &all, self.clock.now())?;
        if let Some(finding) = report.findings.iter().find(|finding| finding.is_error() && finding.path.starts_with("log/")) {
            return Err(Error::corrupt(format!("The log in the backup is damaged: {}: {}", finding.path, finding.message))
                .hint("`sago verify` on the backup's folder says more. Take another backup of the records."));
        }
        // A number is never used twice, even when the records of a generation are lost.
        let generation = generations.last().copied().unwrap_or(0).max(signing.generation) + 1;
        Ok((report, generation))
    }

    /// Writes the new operating key, people's keys, and the vault: every living unit in the mode the log says.
    fn write_keys(&self, history: &History, signing: Signing, passphrase: &Passphrase) -> Result<(Keyring, Keys)> {
        let epoch = history.epoch.max(self.copy.note.epoch);
        let operating = HybridIdentity::from_seed(&*random_seed()?);
        let recovery = self.recovery.recipient();
        write_epoch(&self.places.keys, epoch, &operating, &recovery, &signing, passphrase, self.settings.epoch.work_factor)?;
        let places = Places { place: history.place, ..self.places.clone() };
        let keyring = Keyring::new(epoch, operating, recovery, signing, &places, self.settings.domain_unit);
        let mut keys = Keys::default();
        let there = self.copy.units()?;
        let destroyed = history.destroyed();
        for unit in there.difference(&destroyed) {
            match self.copy.unit(*unit, self.recovery).and_then(|opened| self.try_key(history, *unit, &opened.0).map(|()| opened)) {
                Ok((identity, was_working)) => {
                    let mode = match history.units.get(unit) {
                        Some(Standing::Working) => Mode::Working,
                        Some(Standing::Sealed | Standing::Destroyed) => Mode::Sealed,
                        None if was_working => Mode::Working,
                        None => Mode::Sealed,
                    };
                    keys.unknown += usize::from(!history.units.contains_key(unit));
                    let mut wrapped = keyring.wrap(&identity, mode)?;
                    keyring.put(*unit, &wrapped)?;
                    if mode == Mode::Working
                        && let Some(problem) = self.manifest_problem(history, *unit, &keyring)?
                    {
                        // Nothing could be replayed past a manifest that cannot be read. The key stays, for the custodians to open once it is repaired.
                        wrapped = keyring.wrap(&identity, Mode::Sealed)?;
                        keyring.put(*unit, &wrapped)?;
                        keys.closed.push((*unit, wrapped.sha256(), problem));
                    }
                    keys.digests.push(format!("{unit} {}", wrapped.sha256()));
                }
                Err(error) if *unit == self.settings.domain_unit => return Err(error),
                Err(error) => keys.lost.push(Lost { unit: *unit, accessions: history.numbers(*unit), why: error.message }),
            }
        }
        for (unit, _) in history.units.iter().filter(|(unit, standing)| **standing != Standing::Destroyed && !there.contains(unit)) {
            let why = "its key is not in the backup of the vault".to_owned();
            keys.lost.push(Lost { unit: *unit, accessions: history.numbers(*unit), why });
        }
        let agents = self.copy.agents(self.recovery)?;
        for (agent, sealed) in &agents {
            durable::write(&self.places.keys.join("agents").join(format!("{agent}.age")), sealed)?;
        }
        let lacking = history.signers.iter().filter(|(agent, _)| !agents.iter().any(|(there, _)| there == *agent));
        keys.keyless = lacking.map(|(_, code)| code.clone()).collect();
        set_current(&self.places.keys, epoch)?;
        Ok((keyring, keys))
    }

    /// Tries a unit's key against the keycheck file of one of its objects.
    fn try_key(&self, history: &History, unit: Uuid, identity: &HybridIdentity) -> Result<()> {
        let blobs = Blobs::open(&self.places.store)?;
        let received = history.accessions.values().find(|account| account.unit == unit && account.stage == Stage::Received);
        let Some(object) = received.and_then(|account| account.objects.first()) else { return Ok(()) };
        match blobs.read_content(object.id, &format!("m/{unit}.keycheck.age")) {
            // A file that is missing is a finding about the storage root, not about the key.
            Err(_) => Ok(()),
            Ok((sealed, place)) => match open_bytes(&[identity], &sealed, Path::new(&place)) {
                Err(error) if error.kind == ErrorKind::Forbidden => Err(Error::corrupt("the key in the backup of the vault does not open what was received")),
                _ => Ok(()),
            },
        }
    }

    /// What is wrong with the manifests of a unit that was just put into the vault, if anything.
    fn manifest_problem(&self, history: &History, unit: Uuid, keyring: &Keyring) -> Result<Option<String>> {
        let blobs = Blobs::open(&self.places.store)?;
        for account in history.accessions.values().filter(|account| account.unit == unit && account.stage == Stage::Received) {
            let ids: Vec<Uuid> = account.objects.iter().map(|object| object.id).collect();
            match read_manifest_with(&blobs, keyring, unit, &ids, Manifest::in_folder(&self.places.staging)) {
                Ok(_) => {}
                Err(error) if matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Forbidden) => return Ok(Some(error.message)),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Enters what happened as the first entries of the new generation, and signs them.
    #[allow(clippy::too_many_arguments)] // one straight line at the end of a restore; every argument is a different thing
    async fn begin_generation(
        &self,
        db: &Db,
        keyring: &Keyring,
        blobs: &Blobs,
        history: &History,
        heads: &(Head, Head),
        keys: &Keys,
        reason: &str,
    ) -> Result<Vec<Interrupted>> {
        let now = self.clock.now();
        let agent = history.first_agent.ok_or_else(|| Error::corrupt("The log in the backup names no person."))?;
        let ctx = Ctx { agent, roles: vec![Role::Custodian], clock: self.clock, is_read_only: false };
        let domain = self.settings.domain_unit;
        let rows = RowKeys::default();
        let unfinished = unfinished::find(history, keyring, blobs, &self.places.staging)?;
        // The entry that commits to the generation before must be the first, also when this machine's clock stands before the last entry:
        // so the jump of the clock is entered here, after it.
        let last = forget_last_time(db).await?;
        let mut tx = Tx::begin(db, keyring, &rows).await?;
        let restarted = LogRestarted {
            repository: self.settings.repository,
            generation: keyring.signing().generation,
            custody_before: three_lines(&heads.0.checkpoint),
            access_before: three_lines(&heads.1.checkpoint),
        };
        tx.append(domain, restarted.with(LogRestartedDetail { reason: reason.to_owned() }));
        if let Some(last) = history.last_at.filter(|last| *last > now) {
            tx.append(domain, ClockJumped { last: time_text(last), now: time_text(now) }.with(ClockJumpedDetail {}));
        }
        let recovered = OperatingKeyRecoveredDetail { reason: reason.to_owned(), vault: keys.digests.clone() };
        tx.append(domain, OperatingKeyRecovered { epoch: keyring.epoch }.with(recovered));
        for (unit, vault_sha256, problem) in &keys.closed {
            let event = UnitSealed { unit: *unit, vault_sha256: vault_sha256.clone() };
            tx.append(domain, event.with(UnitSealedDetail { reason: format!("restored from a backup in which its manifest is damaged: {problem}") }));
        }
        for one in &unfinished {
            one.enter(&mut tx, domain)?;
        }
        tx.commit(&ctx).await?;
        remember_last_time(db, last).await?;
        for log in Log::ALL {
            sequencer::integrate(self.places, db, keyring, log, now).await?;
        }
        Ok(unfinished.iter().map(Unfinished::said).collect())
    }
}

/// Takes the time of the last entry out of the database, so that the next transaction puts no entry about the clock before its own.
async fn forget_last_time(db: &Db) -> Result<Option<String>> {
    let last = db.meta("last_at").await?;
    let mut tx = db.begin_write().await?;
    sqlx::query("DELETE FROM meta WHERE key = 'last_at'").execute(&mut *tx).await?;
    crate::store::db::commit(tx).await?;
    Ok(last)
}

/// Puts it back when it is later than what was entered since: the latest time counts, as in a replay.
async fn remember_last_time(db: &Db, last: Option<String>) -> Result<()> {
    let Some(last) = last.and_then(|last| last.parse::<i64>().ok()).and_then(|last| Timestamp::from_microsecond(last).ok()) else { return Ok(()) };
    let mut tx = db.begin_write().await?;
    sqlx::query("UPDATE meta SET value = $1 WHERE key = 'last_at' AND CAST(value AS BIGINT) < $2")
        .bind(micros(last).to_string())
        .bind(micros(last))
        .execute(&mut *tx)
        .await?;
    crate::store::db::commit(tx).await?;
    Ok(())
}

fn notes(note: &RecordsNote, copy: &VaultCopy, history: &History, epoch: u64, keys: &Keys, is_vouched: bool) -> Vec<String> {
    let mut notes = Vec::new();
    notes.push(format!(
        "What happened after {} is not in the backup: deposits received since must be asked for again (receipts name them), keys destroyed since must be destroyed again.",
        note.at
    ));
    if !is_vouched {
        notes.push(format!(
            "The newest generation of the log could not be held against the signing keys: those in the backup of the vault are of generation {}. Compare its \
             verifier keys with a copy from elsewhere.",
            copy.note.generation
        ));
    }
    if note.is_replica {
        notes.push("The records are those of a replica, as far as its published heads go.".to_owned());
    } else if !note.is_tested {
        notes.push("The backup of the records had not passed its test when it was made.".to_owned());
    }
    if copy.note.epoch < history.epoch {
        notes.push(format!(
            "The backup of the vault is of epoch {}, the log had come to epoch {}. Epoch {epoch} is now opened by the pages of epoch {}: begin a new one at once (`sago key rotate`).",
            copy.note.epoch, history.epoch, copy.note.epoch
        ));
    }
    if !copy.note.is_complete {
        notes.push("The backup of the vault was interrupted before it was finished.".to_owned());
    }
    if keys.unknown > 0 {
        notes.push(format!("The backup of the vault held {} keys of units that the log does not know yet; they were kept.", keys.unknown));
    }
    notes
}

impl Restored {
    /// Paths of the new generation's verifier keys, below the repository's folder: whoever checks the log must get them.
    pub fn verifier_keys(&self) -> [PathBuf; 2] {
        ["custody", "access"].map(|log| PathBuf::from("log").join(self.generation.to_string()).join(format!("{log}.vkey")))
    }
}
