//! Moving a repository: from the folder to servers, back, or to another folder or bucket (ADR 13).
//!
//! Sealed files, logs, time-stamps, vault, keys, locks and rows are copied while the old place is the live one; both sides are verified;
//! then one transaction of the old database enters `repository-moved`, and from that commit on only the new place may continue the log.
//! The event names the places by ids that stand in their settings, so that whoever opens a place, or rebuilds its database from its log,
//! learns from the log itself whether it is the live one. Interrupted anywhere, the same command goes on.
//!
//! `rows` copies a database into another.

mod note;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use sago_ledger::merkle::root_at;
use sago_ledger::source::TileReader;
use sago_stamp::Moment;
use sago_verify::{Options, Report};
use uuid::Uuid;

use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::{Keyring, Passphrase};
use crate::ledger::event::{Log, RepositoryMoved, RepositoryMovedDetail};
use crate::ledger::lock::Locks;
use crate::ledger::rebuild::last_head;
use crate::ledger::{moved, sequencer};
use crate::node;
use crate::repository::{PLACE, Repository, Standing};
use crate::settings::{self, Paths, Places, Settings, is_within};
use crate::store::blobs::Blobs;
use crate::store::bucket::Server;
use crate::store::db::Db;
use crate::store::shelf::Shelf;
use crate::store::transfer::{Rule, order_in_store, remove_others, transfer};
use crate::store::{durable, fault};
use crate::verify::{verify_with_keys, verify_without_keys};

pub use crate::store::transfer::Progress;
use note::Note;

/// How often the copy is brought up to date when somebody enters something meanwhile, before that is said.
const TURNS: usize = 3;

/// Where a repository is to live.
#[derive(Debug, Clone)]
pub struct NewPlace {
    /// Folder to make; absent, empty, or the one of this very migration, interrupted.
    pub folder: PathBuf,
    /// What goes elsewhere than below that folder.
    pub elsewhere: settings::Elsewhere,
}

/// A migration that was finished.
#[derive(Debug)]
pub struct Migrated {
    /// The folder in which the repository lives now.
    pub folder: PathBuf,
    /// Its place, as the log names it.
    pub place: Uuid,
    /// What it left and what it went to.
    pub left: String,
    /// What it went to.
    pub reached: String,
    /// Files that were copied or found there.
    pub files: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Entries of the custody log, the one that says that it moved included.
    pub custody_size: u64,
    /// Entries of the access log.
    pub access_size: u64,
    /// Whether an interrupted migration was finished, after the old place had been retired.
    pub was_retired: bool,
    /// The verification of the old place; none when it had been retired before.
    pub before: Option<Report>,
    /// The verification of the new place before the old one was retired.
    pub after: Option<Report>,
}

/// Moves a repository. When this returns, the new place is the live one and the old place can be read and verified, but nothing more.
///
/// Errors: `Conflict` when the target holds something else, or somebody is at work; `Corrupt` when a side is not sound. Until the event is
/// entered the old place stays the live one; after it, only the same command completes the new one.
pub async fn migrate(repo: &Repository, ctx: &Ctx, passphrase: &Passphrase, new: &NewPlace, progress: &Progress) -> Result<Migrated> {
    // The right is that of a person who may copy the repository; a retired place asks for it again.
    Ctx { is_read_only: false, ..ctx.clone() }.require(Right::Backup)?;
    let mut moving = Moving::begin(repo, new, progress).await?;
    let (mut before, mut after) = (None, None);
    let was_retired = repo.standing() == Standing::Moved;
    if !was_retired {
        (before, after) = moving.copy_and_hand_over(ctx, passphrase).await?;
    }
    moving.finish(ctx).await?;
    let sizes = moving.sizes().await?;
    let done = Migrated {
        folder: moving.places.root.clone(),
        place: moving.settings.place,
        left: kinds(&repo.settings.paths),
        reached: kinds(&moving.settings.paths),
        files: progress.files.load(Ordering::Relaxed),
        bytes: progress.bytes.load(Ordering::Relaxed),
        custody_size: sizes.0,
        access_size: sizes.1,
        was_retired,
        before,
        after,
    };
    moving.db.close().await;
    Ok(done)
}

/// A migration under way.
struct Moving<'a> {
    old: &'a Repository,
    settings: Settings,
    places: Places,
    db: Db,
    progress: &'a Progress,
}

impl<'a> Moving<'a> {
    /// Checks where the repository is to go, and makes the places there; or finds those of the same migration, interrupted.
    async fn begin(old: &'a Repository, new: &NewPlace, progress: &'a Progress) -> Result<Self> {
        if old.standing() == Standing::Replica {
            return Err(crate::repository::replica_refuses());
        }
        let folder = std::path::absolute(&new.folder).doing("Could not resolve", &new.folder)?;
        for place in old.places.folders() {
            if is_within(&folder, place)? || is_within(place, &folder)? {
                return Err(Error::invalid(format!("{} and the repository lie one in the other.", folder.display()))
                    .hint("Name a folder elsewhere. Nothing was changed."));
            }
        }
        let known = Note::read(&folder)?;
        let live = old.db().meta(PLACE).await?;
        let settings = target_settings(old, new, known.as_ref().map_or_else(Uuid::new_v4, |note| note.to));
        match &known {
            Some(note) => note.check(old, &settings)?,
            None if old.standing() == Standing::Moved => {
                return match Settings::read(&folder) {
                    Ok(there) if Some(there.place.to_string()) == live => {
                        Err(Error::conflict(format!("The repository was moved to {} already; there is nothing left to do.", folder.display()))
                            .hint(format!("Use it: `sago --repo {}`.", folder.display())))
                    }
                    _ => Err(moved()),
                };
            }
            None => require_empty_folder(&folder)?,
        }
        if old.standing() == Standing::Live && folder.join(settings::FILE).exists() {
            return Err(Error::conflict(format!("{} is a repository already, and this one was not moved.", folder.display()))
                .hint("Name a folder that does not exist yet. Nothing was changed."));
        }
        if old.standing() == Standing::Moved && live != Some(settings.place.to_string()) {
            return Err(moved());
        }
        settings.check()?;
        let places = Places::resolve(&folder, &settings)?;
        let db = match (&known, places.database.contains("://")) {
            (Some(_), _) => Db::open(&places.database, true).await?,
            (None, is_server) => {
                for shelf in [&places.store, &places.log, &places.stamps, &places.vault, &Shelf::Disk(places.keys.clone())] {
                    if !shelf.list("")?.is_empty() {
                        return Err(Error::conflict(format!("{shelf} is not empty."))
                            .hint("Name a place that holds nothing, or go on with the migration that filled it. Nothing was changed."));
                    }
                }
                let made = if is_server { Some(Db::create(&places.database).await?) } else { None };
                durable::create_dir_all(&folder)?;
                Note::of(old, &settings).write(&folder)?;
                match made {
                    Some(db) => db,
                    None => Db::open(&places.database, true).await?,
                }
            }
        };
        for folder in [&places.keys, &places.staging, &places.lock] {
            durable::create_dir_all(folder)?;
        }
        for shelf in [&places.vault, &places.log, &places.stamps, &places.store] {
            shelf.create()?;
        }
        fault::point("migrate-noted");
        Ok(Self { old, settings, places, db, progress })
    }

    /// Copies, verifies both sides, and retires the old place by one commit.
    async fn copy_and_hand_over(&mut self, ctx: &Ctx, passphrase: &Passphrase) -> Result<(Option<Report>, Option<Report>)> {
        let old = self.old;
        require_quiet(old.db(), &mut *old.db().read().acquire().await?).await?;
        old.integrate(ctx).await?;
        let before = judge(old, ctx).await?;
        require_sound(&before, "the repository as it is")?;
        for _ in 0..TURNS {
            old.integrate(ctx).await?;
            let heads = rows::heads(&mut *old.db().read().acquire().await?).await?;
            tokio::task::block_in_place(|| self.copy_files())?;
            fault::point("migrate-copied");
            rows::copy_all(old.db(), &self.db).await?;
            fault::point("migrate-rows-copied");
            self.copy_locks().await?;
            let keyring = Keyring::unlock(&self.places, self.settings.domain_unit, passphrase)?;
            let blobs = Blobs::open(&self.places.store)?;
            let target = Repository::assemble(self.places.clone(), self.settings.clone(), blobs, self.db.clone(), keyring, Standing::Live);
            let after = judge(&target, ctx).await?;
            require_sound(&after, "the copy")?;
            fault::point("migrate-verified");
            let mut tx = old.begin().await?;
            require_quiet(old.db(), tx.conn()).await?;
            if rows::heads(tx.conn()).await? != heads {
                // Something was entered since the rows were copied: once more.
                continue;
            }
            let event = RepositoryMoved { from: old.settings.place, to: self.settings.place };
            let detail = RepositoryMovedDetail { left: kinds(&old.settings.paths), reached: kinds(&self.settings.paths) };
            tx.append(old.settings.domain_unit, event.with(detail));
            // With this commit the old place is retired. If we crash after it, the same command finishes the new one.
            tx.commit(ctx).await?;
            fault::point("migrate-entered");
            return Ok((Some(before), Some(after)));
        }
        Err(Error::conflict("Something was entered each time the copy was made. The repository stays where it is.")
            .hint("Stop what works with it, then run the same command again."))
    }

    /// Copies files: what never changes once, what may change as it is now.
    fn copy_files(&self) -> Result<()> {
        let (from, to, spool) = (&self.old.places, &self.places, &self.places.staging);
        let is_temporary = |path: &str| Path::new(path).extension().is_some_and(|extension| extension == "new");
        let in_store = |path: &str| match path.contains('/') {
            _ if is_temporary(path) => None,
            true => Some(Rule::Fixed),
            false => Some(Rule::Changing),
        };
        transfer(&from.store, &to.store, in_store, order_in_store, spool, self.progress)?;
        transfer(&from.stamps, &to.stamps, |path| (!is_temporary(path)).then_some(Rule::Changing), |_| 0, spool, self.progress)?;
        // The vault and the keys are copied as they are now: a key that was destroyed since an earlier turn goes there too.
        for (from, to) in [(&from.vault, &to.vault), (&Shelf::Disk(from.keys.clone()), &Shelf::Disk(to.keys.clone()))] {
            transfer(from, to, |path| (!is_temporary(path)).then_some(Rule::Changing), |_| 0, spool, self.progress)?;
            remove_others(from, to)?;
        }
        for (name, path) in self.old.settings.clone().outside_files() {
            let from = from.root.join(path);
            durable::write(&to.root.join(name), &std::fs::read(&from).doing("Could not read", &from)?)?;
        }
        self.copy_logs()
    }

    fn copy_logs(&self) -> Result<()> {
        let (from, to) = (&self.old.places.log, &self.places.log);
        let rule = |path: &str| match path.rsplit('/').next().unwrap_or(path) {
            _ if path.contains("/witness/") => Some(Rule::Changing),
            name if Path::new(name).extension().is_some_and(|extension| extension == "new") => None,
            name if name == "checkpoint" || name.ends_with(".vkey") => Some(Rule::Changing),
            _ => Some(Rule::Fixed),
        };
        transfer(from, to, rule, |path| usize::from(path.ends_with("/checkpoint")), &self.places.staging, self.progress)?;
        remove_others(from, to)
    }

    /// Writes the last signed checkpoints of the old place as the locks of the new one.
    async fn copy_locks(&self) -> Result<()> {
        let (from, to) = (self.old.locks(), Locks::of(&self.places, &self.db));
        to.create().await?;
        for generation in sequencer::generations(&self.old.places)? {
            for log in Log::ALL {
                let Some(text) = from.read(log, generation).await? else { continue };
                let mut held = to.hold(log, generation).await?;
                let there = held.current().await?;
                if there.as_deref() != Some(text.as_str()) {
                    held.swap(there.as_deref(), &text).await?;
                }
                held.release().await?;
            }
        }
        Ok(())
    }

    /// Brings over the entry that retired the old place, signed there for the last time, and makes the folder a repository.
    async fn finish(&mut self, ctx: &Ctx) -> Result<()> {
        let old = self.old;
        if self.places.root.join(settings::FILE).exists() {
            // The new place is the live one already and may have grown: nothing is copied over it.
            return Note::remove(&self.places.root);
        }
        let head = sequencer::integrate(&old.places, old.db(), old.keyring(), Log::Custody, ctx.now()).await?;
        tokio::task::block_in_place(|| self.copy_logs())?;
        rows::copy_since(old.db(), &self.db, head.generation).await?;
        self.copy_locks().await?;
        for log in Log::ALL {
            let head = last_head(&old.places, &old.locks(), log, head.generation).await?;
            let folder = sequencer::folder(&self.places, head.generation, log);
            let root = root_at(head.size, &mut TileReader::new(&folder, head.size))
                .map_err(|error| Error::corrupt(format!("The copy of the {} log cannot be read: {error}", log.name())))?;
            if root != head.root {
                return Err(Error::corrupt(format!("The copy of the {} log is not the one that was signed.", log.name()))
                    .hint("Run the same command again. The old place is retired and whole."));
            }
        }
        fault::point("migrate-sent");
        // If we crash before this, the folder is no repository yet, and the same command goes on.
        self.settings.write(&self.places.root)?;
        fault::point("migrate-placed");
        Note::remove(&self.places.root)?;
        let text = "The repository was moved from here; its log goes on in another place. What lies here can be read and verified, nothing can be entered.\n\
                    Remove it when the new place is in your backups: the vault and the keys here open the same units.\n";
        durable::write(&old.places.root.join("MOVED.txt"), text.as_bytes())
    }

    async fn sizes(&self) -> Result<(u64, u64)> {
        let locks = Locks::of(&self.places, &self.db);
        let generation = self.old.keyring().signing().generation;
        let size = async |log| Ok::<_, Error>(sequencer::head(&locks, log, generation).await?.size);
        Ok((size(Log::Custody).await?, size(Log::Access).await?))
    }
}

/// The settings of the new place: those of the old one, with other paths.
fn target_settings(old: &Repository, new: &NewPlace, place: Uuid) -> Settings {
    let paths = new.elsewhere.paths();
    let s3 = if paths.is_on_s3() { old.settings.s3.or_environment() } else { Server::default() };
    let mut settings = Settings { place, paths, s3, ..old.settings.clone() };
    settings.outside_files().into_iter().for_each(|(name, path)| *path = name);
    settings
}

/// Engines in words, without addresses.
fn kinds(paths: &Paths) -> String {
    let place = |address: &str| if address.contains("://") { "s3" } else { "disk" };
    let database = if paths.database.contains("://") { "postgresql" } else { "sqlite" };
    format!("database {database}, storage root {}, vault {}", place(&paths.store), place(&paths.vault))
}

fn require_empty_folder(folder: &Path) -> Result<()> {
    if folder.join(settings::FILE).exists() || !Shelf::from(folder).list("")?.is_empty() {
        return Err(Error::conflict(format!("{} is not empty, and holds no migration of this repository.", folder.display()))
            .hint("Name a folder that does not exist yet, or an empty one. Nothing was changed."));
    }
    Ok(())
}

/// Fails while somebody is at work: what they hold in staging would stay behind.
async fn require_quiet(db: &Db, conn: &mut sqlx::AnyConnection) -> Result<()> {
    let alive = node::alive_in(db, conn).await?;
    if !alive.is_empty() {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!("These are at work: {}. The repository stays where it is.", node::named(&alive.iter().collect::<Vec<_>>())),
        )
        .hint("Stop them, or wait for the deposit, then run the same command again. What was killed counts as stopped after its lease."));
    }
    let text = "SELECT COUNT(*) FROM accessions WHERE status IN ('opened', 'prepared')";
    let open: i64 = sqlx::query_scalar(text).fetch_one(conn).await?;
    if open > 0 {
        return Err(Error::conflict(format!(
            "{open} deposits are under way: their files lie in staging, which is not moved. The repository stays where it is."
        ))
        .hint("Complete them with the commands that began them, then run this one again. `sago list` shows them."));
    }
    Ok(())
}

/// Everything that can be said of a side, with its keys.
async fn judge(repo: &Repository, ctx: &Ctx) -> Result<Report> {
    let mut options = Options::at(Moment::from_seconds(ctx.now().as_second()));
    options.pinned = repo.own_verifier_keys().await?;
    for authority in &repo.settings.authority {
        let read = sago_verify::read_anchors(&repo.places.root.join(&authority.anchor));
        options.anchors.extend(read.map_err(|error| Error::invalid(error.to_string()))?);
    }
    options.witnesses = crate::witness::policy(&repo.places, &repo.settings)?.map(sago_ledger::witness::WitnessPolicy::without_quorum);
    let mut report = verify_without_keys(&repo.places, &options).await?;
    verify_with_keys(repo, ctx, &mut report).await?;
    Ok(report)
}

fn require_sound(report: &Report, what: &str) -> Result<()> {
    let errors: Vec<_> = report.findings.iter().filter(|finding| finding.is_error()).collect();
    let Some(first) = errors.first() else { return Ok(()) };
    Err(Error::corrupt(format!(
        "Verified {what}: {} findings, the first {}: {}: {}. The repository stays where it is.",
        errors.len(),
        first.code,
        first.path,
        first.message
    ))
    .hint("`sago verify` shows all of the repository's. Damage is mended before anything moves, so that nobody asks later on which way it came.")
    .hint("If it is the copy: remove the target folder and what lies in its places, and begin again."))
}
