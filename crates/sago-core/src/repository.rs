//! A repository: its folder, its database, its keys; made once, opened by every command.

use std::path::Path;

use jiff::{Timestamp, ToSpan};
use sago_seal::hybrid::HybridIdentity;
use sago_seal::slip39;
use uuid::Uuid;

use crate::accession::recover;
use crate::ctx::{Clock, Ctx, Role, time_text};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{self, Keyring, Mode, Passphrase, Signing, random_seed};
use crate::ledger::event::{AccessCheckpointed, AccessCheckpointedDetail, Log, RepositoryCreated, RepositoryCreatedDetail};
use crate::ledger::lock::{self, Locks};
use crate::ledger::sequencer::{self, Head};
use crate::ledger::{Tx, rebuild, signed};
use crate::node;
use crate::settings::{self, Places, Settings};
use crate::store::blobs::Blobs;
use crate::store::bucket::Server;
use crate::store::db::Db;
use crate::store::durable;
use crate::store::rows::{Place, RowKeys};
use crate::store::shelf::Shelf;
use crate::user;

/// An unlocked repository.
pub struct Repository {
    /// Where things are.
    pub places: Places,
    /// Its settings.
    pub settings: Settings,
    /// Its sealed files.
    pub blobs: Blobs,
    db: Db,
    keyring: Keyring,
    rows: RowKeys,
    /// Deposits that this opening completed, so that the command that began one does not receive the same things again.
    recovered: std::sync::Mutex<Vec<recover::Recovered>>,
    standing: Standing,
}

/// What a place of a repository may do, as it was found when it was opened. The writing transaction asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The repository lives here.
    Live,
    /// It lived here and was moved: the log goes on elsewhere (`sago migrate`).
    Moved,
    /// A replica is read here (`sago replicate --reader`).
    Replica,
}

impl Standing {
    async fn of(settings: &Settings, db: &Db) -> Result<Self> {
        if settings.read_only {
            return Ok(Self::Replica);
        }
        match db.meta(PLACE).await {
            Ok(live) if !crate::ledger::is_place(live.as_deref(), settings.place) => Ok(Self::Moved),
            // Damaged rows are named by those who verify; the writing transaction asks again.
            Err(error) if error.kind != ErrorKind::Corrupt => Err(error),
            _ => Ok(Self::Live),
        }
    }
}

/// The row of `meta` that says which place may continue the log.
pub(crate) const PLACE: &str = "place";

/// The error for what would have to be entered where a replica is read.
pub(crate) fn replica_refuses() -> Error {
    Error::new(ErrorKind::Conflict, "This is a replica: it is read-only, and what would be done here could not be entered in the log. Nothing was done.")
        .hint("Do it where the repository lives. If that place is lost, `sago restore` makes a repository from this replica and a backup of the vault.")
}

/// A repository to be made.
pub struct NewRepository {
    /// What people call it.
    pub name: String,
    /// How many custodians hold shares of the recovery key.
    pub custodians: u8,
    /// How many of them are needed.
    pub threshold: u8,
    /// Opens the operating key.
    pub passphrase: Passphrase,
    /// Work factor of passphrases.
    pub work_factor: u8,
    /// What goes elsewhere than below the folder.
    pub elsewhere: settings::Elsewhere,
    /// Name of the first custodian.
    pub first_person: String,
}

/// Keeps the custodians' first words durably: the repository as it stands, one list of words for each custodian.
pub type KeepFirstPages<'a> = dyn Fn(&Repository, &[Vec<&'static str>]) -> Result<()> + Sync + 'a;

/// What making a repository gives back: once, to be printed and kept apart.
pub struct Created {
    /// The repository.
    pub repository: Repository,
    /// One list of words per custodian.
    pub shares: Vec<Vec<&'static str>>,
    /// Verifier keys of the custody log: what a stranger needs to check it.
    pub custody_keys: String,
    /// Verifier keys of the access log.
    pub access_keys: String,
}

impl Repository {
    /// Makes a repository in a folder that is absent or empty.
    ///
    /// If we crash here, the folder has no `sago.toml` and is no repository: remove it and begin again.
    pub async fn create(root: &Path, new: &NewRepository, clock: Clock) -> Result<Created> {
        Self::create_with_pages(root, new, clock, &|_, _| Ok(())).await
    }

    /// The same; `keep_pages` is called before the folder becomes a repository: one whose recovery key nobody holds must not stand.
    pub async fn create_with_pages(root: &Path, new: &NewRepository, clock: Clock, keep_pages: &KeepFirstPages<'_>) -> Result<Created> {
        check_new(root, new)?;
        let repository = Uuid::new_v4();
        let paths = new.elsewhere.paths();
        let mut settings = Settings {
            format: settings::FORMAT,
            repository,
            domain_unit: Uuid::new_v4(),
            witness_quorum: None,
            place: Uuid::nil(),
            read_only: false,
            s3: if paths.is_on_s3() { Server::default().or_environment() } else { Server::default() },
            paths,
            fixity: settings::Fixity::default(),
            epoch: settings::Epoch { work_factor: new.work_factor, ..settings::Epoch::default() },
            work: settings::Work::default(),
            reading: settings::Reading::default(),
            authority: Vec::new(),
            witness: Vec::new(),
            replica: Vec::new(),
        };
        settings.check()?;
        let mut places = Places::resolve(root, &settings)?;
        for shelf in [&places.store, &places.log, &places.stamps, &places.derived, &places.vault] {
            require_empty(shelf)?;
        }
        if let Shelf::Bucket(bucket) = &places.store {
            settings.s3.conditional_writes = bucket.probe_conditional_writes()?;
            places = Places::resolve(root, &settings)?;
        }
        let db = Db::create(&places.database).await?;
        durable::create_dir_all(&places.root)?;
        for folder in [&places.keys, &places.staging] {
            durable::create_dir_all(folder)?;
        }
        for shelf in [&places.vault, &places.log, &places.stamps, &places.derived] {
            shelf.create()?;
        }
        let blobs = Blobs::create(&places.store)?;
        let locks = Locks::of(&places, &db);

        let recovery_seed = random_seed()?;
        let recovery = HybridIdentity::from_seed(&recovery_seed);
        let operating = HybridIdentity::from_seed(&*random_seed()?);
        let signing = Signing::generate(1)?;
        key::write_epoch(&places.keys, 1, &operating, &recovery.recipient(), &signing, &new.passphrase, new.work_factor)?;
        key::set_current(&places.keys, 1)?;
        let shares = split(&recovery_seed, new.threshold, new.custodians)?;

        let keyring = Keyring::new(1, operating, recovery.recipient(), signing, &places, settings.domain_unit);
        let domain = HybridIdentity::from_seed(&*random_seed()?);
        let wrapped = keyring.wrap(&domain, Mode::Working)?;
        keyring.put(settings.domain_unit, &wrapped)?;
        for log in Log::ALL {
            sequencer::begin(&places, &locks, &keyring, log, &new_origin()?).await?;
        }
        begin_heads(&db, 1, 0, 0).await?;

        let now = clock.now();
        let epoch_ends = epoch_end(now, settings.epoch.days)?;
        let custodian = user::NewAgent { name: new.first_person.clone(), roles: vec![Role::Custodian], passphrase: None };
        let (agent, agent_event, _) = user::prepare(&custodian, 1, &places.keys, new.work_factor)?;
        let repo = Self::assemble(places, settings, blobs, db, keyring, Standing::Live);
        let ctx = Ctx { agent, roles: vec![Role::Custodian], clock, is_read_only: false };
        let mut tx = repo.begin().await?;
        let detail = RepositoryCreatedDetail {
            name: new.name.clone(),
            custodians: new.custodians.into(),
            threshold: new.threshold.into(),
            vault_sha256: wrapped.sha256(),
            epoch_ends,
        };
        tx.append(repo.settings.domain_unit, RepositoryCreated { repository, domain_unit: repo.settings.domain_unit }.with(detail));
        tx.append(repo.settings.domain_unit, agent_event);
        tx.commit(&ctx).await?;
        repo.integrate(&ctx).await?;
        keep_pages(&repo, &shares)?;
        // The settings are written last: a folder without them is no repository, so a crash above leaves nothing that looks whole.
        repo.settings.write(&repo.places.root)?;
        let (custody_keys, access_keys) = (repo.verifier_keys(Log::Custody)?, repo.verifier_keys(Log::Access)?);
        Ok(Created { repository: repo, shares, custody_keys, access_keys })
    }

    /// Opens a repository: unlocks its keys, checks that database and logs are not older than what was signed, and finishes what a crash interrupted.
    pub async fn open(root: &Path, passphrase: &Passphrase, clock: Clock) -> Result<Self> {
        let mut repo = Self::open_unchecked(root, passphrase).await?;
        if repo.standing == Standing::Replica {
            return Ok(repo);
        }
        node::require_neighbours(&repo.db).await?;
        repo.check_not_rolled_back().await?;
        if repo.standing == Standing::Moved {
            return Ok(repo);
        }
        if key::epoch::finish_switch(&repo).await? {
            repo.close().await;
            repo = Self::open_unchecked(root, passphrase).await.map_err(|error| {
                error.hint("An interrupted `sago key rotate` was completed: from now on the passphrase is the one given to it as the new one.")
            })?;
        }
        recover::recover(&repo, clock).await?;
        Ok(repo)
    }

    /// Opens a repository without the checks of [`Repository::open`]: for verifying and rebuilding one that may be damaged.
    pub async fn open_unchecked(root: &Path, passphrase: &Passphrase) -> Result<Self> {
        let settings = Settings::read(root)?;
        let places = Places::resolve(root, &settings)?;
        let keyring = Keyring::unlock(&places, settings.domain_unit, passphrase)?;
        let blobs = Blobs::open(&places.store)?;
        let db = if places.database.contains("://") {
            Db::open(&places.database, false).await?
        } else {
            let path = Path::new(&places.database);
            if !path.exists() {
                return Err(Error::new(ErrorKind::NotFound, format!("The database {} is missing.", path.display()))
                    .hint("Run `sago rebuild`: it makes a new one from storage root, log and keys."));
            }
            Db::open_file(path, false).await?
        };
        let standing = Standing::of(&settings, &db).await?;
        Ok(Self::assemble(places, settings, blobs, db, keyring, standing))
    }

    pub(crate) fn assemble(places: Places, settings: Settings, blobs: Blobs, db: Db, keyring: Keyring, standing: Standing) -> Self {
        Self { places, settings, blobs, db, keyring, rows: RowKeys::default(), recovered: std::sync::Mutex::default(), standing }
    }

    /// What this place may do.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Fails unless this is the place where the repository lives.
    pub fn require_live(&self) -> Result<()> {
        match self.standing {
            Standing::Live => Ok(()),
            Standing::Moved => Err(crate::ledger::moved()),
            Standing::Replica => Err(replica_refuses()),
        }
    }

    async fn check_not_rolled_back(&self) -> Result<()> {
        for log in Log::ALL {
            let (generation, next) = self.head_row(log).await?;
            let newest = sequencer::generations(&self.places)?.into_iter().max().unwrap_or(0);
            if newest > generation {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("The database knows generation {generation} of the log, the log is at generation {newest}."),
                )
                .hint("A database from a backup was put back. Run `sago rebuild`."));
            }
            let head = sequencer::head(&self.locks(), log, generation).await?;
            // A lock in a database that was put back is as old as the rest of it: what was published since knows better.
            let published = match rebuild::published_head(&self.places, log, generation) {
                Ok(published) if published.origin == head.origin => published.size,
                // What is missing or unreadable there is published again, or said by those who verify.
                _ => 0,
            };
            let size = head.size.max(published);
            if next < size {
                return Err(sequencer::database_behind(log, next, size));
            }
        }
        Ok(())
    }

    async fn head_row(&self, log: Log) -> Result<(u64, u64)> {
        use sqlx::Row;
        let row = sqlx::query("SELECT generation, next FROM heads WHERE log = $1").bind(log.name()).fetch_optional(self.db.read()).await?;
        let row = row.ok_or_else(|| Error::corrupt("The database does not know the log.").hint("Run `sago rebuild`."))?;
        Ok((crate::ledger::unsigned(row.try_get(0)?)?, crate::ledger::unsigned(row.try_get(1)?)?))
    }

    /// Begins a writing transaction.
    pub async fn begin(&self) -> Result<Tx<'_>> {
        if self.standing == Standing::Replica {
            return Err(replica_refuses());
        }
        Tx::begin(&self.db, &self.keyring, &self.rows).await
    }

    /// Brings both logs' signed heads up to date; the access log's head is entered in the custody log when it moved. Returns the custody head.
    pub async fn integrate(&self, ctx: &Ctx) -> Result<Head> {
        self.require_live()?;
        let access = sequencer::integrate(&self.places, &self.db, &self.keyring, Log::Access, ctx.now()).await?;
        let anchored = self.db.meta("access_anchored").await?.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        if access.size > anchored {
            let mut tx = self.begin().await?;
            let event = AccessCheckpointed { size: access.size, root: access.root.to_base64() }.with(AccessCheckpointedDetail {});
            tx.append(self.settings.domain_unit, event);
            tx.commit(ctx).await?;
        }
        sequencer::integrate(&self.places, &self.db, &self.keyring, Log::Custody, ctx.now()).await
    }

    /// The database, for queries.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The keys.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Opens a sealed column; `None` when its unit is sealed or destroyed, or when looking at names could not be entered in the log. The
    /// log itself can be read everywhere.
    pub async fn open_column(&self, row_key: &str, place: Place<'_>, sealed: Option<&[u8]>) -> Result<Option<String>> {
        if self.standing != Standing::Live && place.table != "events" {
            return Ok(None);
        }
        self.rows.open(&self.db, &self.keyring, row_key, place, sealed).await
    }

    pub(crate) fn recovered(&self) -> &std::sync::Mutex<Vec<recover::Recovered>> {
        &self.recovered
    }

    /// Forgets opened keys of rows: after sealing or destroying a unit.
    pub(crate) fn forget_rows(&self) {
        self.rows.forget();
    }

    /// Forgets every opened key of units and rows; they are opened again when needed. A process that runs for long does this often, so
    /// that a unit which another process sealed or destroyed is closed here too.
    pub fn forget_opened(&self) {
        self.keyring.forget_all();
        self.rows.forget();
    }

    /// Whether the keys with which this process works are still those in force: another process may have begun a new epoch.
    pub async fn are_keys_in_force(&self) -> Result<bool> {
        Ok(self.db.meta("epoch").await?.and_then(|text| text.parse::<u64>().ok()).is_none_or(|epoch| epoch == self.keyring.epoch))
    }

    /// Fails unless the keys are still those in force.
    pub async fn require_keys_in_force(&self) -> Result<()> {
        if self.are_keys_in_force().await? { Ok(()) } else { Err(key::epoch_ended(self.keyring.epoch)) }
    }

    /// The verifier keys of a log, one a line: what a stranger needs to check it.
    pub fn verifier_keys(&self, log: Log) -> Result<String> {
        self.verifier_keys_of(self.keyring.signing().generation, log)
    }

    /// The same of one generation.
    pub fn verifier_keys_of(&self, generation: u64, log: Log) -> Result<String> {
        let path = format!("{generation}/{}.vkey", log.name());
        self.places.log.read_text(&path)?.ok_or_else(|| Error::corrupt(format!("{} is missing.", self.places.log.show(&path))))
    }

    /// Where the last signed checkpoints are kept.
    pub fn locks(&self) -> Locks {
        Locks::of(&self.places, &self.db)
    }

    /// The keys that verify this repository's own logs: those of the present generation follow from its signing keys, those of earlier
    /// ones are read from beside their logs (the present generation commits to where they ended). Empty when a log's head is gone.
    pub async fn own_verifier_keys(&self) -> Result<Vec<sago_ledger::note::Verifier>> {
        let present = self.keyring.signing().generation;
        let mut keys = Vec::new();
        for generation in sequencer::generations(&self.places)? {
            for log in Log::ALL {
                if generation == present {
                    // Without lock and checkpoint nobody can say what the log is called; the verification says that they are missing.
                    let Ok(head) = rebuild::last_head(&self.places, &self.locks(), log, generation).await else { return Ok(Vec::new()) };
                    let origin = head.origin;
                    keys.extend(self.keyring.signing().signers(log, &origin)?.iter().map(|signer| signer.verifier().clone()));
                } else {
                    let read = sago_verify::parse_keys(&self.verifier_keys_of(generation, log)?);
                    keys.extend(read.map_err(|error| Error::corrupt(format!("The verifier keys of an earlier log cannot be read: {error}")))?);
                }
            }
        }
        Ok(keys)
    }

    /// The repository's name, from its first event.
    pub async fn name(&self) -> Result<String> {
        let event = crate::ledger::proof::read_event(self, Log::Custody, 1, 0).await?;
        match event.event {
            crate::ledger::event::Event::RepositoryCreated(_, Some(detail)) => Ok(detail.name),
            _ => Err(Error::corrupt("The first entry of the log is not the making of the repository.")),
        }
    }

    /// Closes the database.
    pub async fn close(self) {
        self.db.close().await;
    }
}

/// Splits a recovery seed into the words of the custodians.
pub(crate) fn split(seed: &key::Seed, threshold: u8, custodians: u8) -> Result<Vec<Vec<&'static str>>> {
    slip39::split(seed, threshold, custodians, &mut slip39::os_random).map_err(|error| Error::internal(format!("The recovery key cannot be split: {error}")))
}

/// Enters where the logs stand in an empty database.
pub(crate) async fn begin_heads(db: &Db, generation: u64, custody: u64, access: u64) -> Result<()> {
    let mut tx = db.begin_write().await?;
    for (log, next) in [(Log::Custody, custody), (Log::Access, access)] {
        sqlx::query("INSERT INTO heads (log, generation, next) VALUES ($1, $2, $3) ON CONFLICT (log) DO UPDATE SET generation = excluded.generation, next = excluded.next")
            .bind(log.name())
            .bind(signed(generation))
            .bind(signed(next))
            .execute(&mut *tx)
            .await?;
    }
    crate::store::db::commit(tx).await?;
    Ok(())
}

/// A random origin that names nobody.
pub(crate) fn new_origin() -> Result<String> {
    let mut name = [0_u8; 16];
    key::fill_random(&mut name)?;
    Ok(format!("sago.invalid/{}", hex::encode(name)))
}

/// When an epoch that begins now ends.
pub(crate) fn epoch_end(now: Timestamp, days: u32) -> Result<String> {
    let end = now
        .checked_add((i64::from(days) * 24).hours())
        .map_err(|error| Error::invalid(format!("The epoch's length of {days} days cannot be reckoned: {error}")))?;
    Ok(time_text(end))
}

/// A place in which something lies already is not taken: it may be another repository's evidence.
fn require_empty(shelf: &Shelf) -> Result<()> {
    if shelf.list("")?.is_empty() {
        return Ok(());
    }
    Err(Error::conflict(format!("{shelf} is not empty."))
        .hint("Name a place that holds nothing. If an interrupted `sago init` left this, remove it first. Nothing was changed."))
}

fn check_new(root: &Path, new: &NewRepository) -> Result<()> {
    if new.name.trim().is_empty() {
        return Err(Error::invalid("The repository's name is empty.").hint("Add `--name NAME`."));
    }
    if new.threshold < 2 || new.threshold > new.custodians || new.custodians > 16 {
        return Err(Error::invalid(format!("{} of {} custodians is not possible.", new.threshold, new.custodians))
            .hint("There may be 2 to 16 custodians, and at least 2 of them must be needed: one person alone must not open everything."));
    }
    if new.passphrase.chars().count() < 8 {
        return Err(Error::invalid("The passphrase is shorter than 8 characters.").hint("Take five or more words that nobody would guess together."));
    }
    match std::fs::read_dir(root) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Error::conflict(format!("{} is not empty.", root.display()))
                    .hint("Name a folder that does not exist yet, or an empty one. Nothing was changed."));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("Could not look into", root, &error)),
    }
    if lock::read_in(&root.join("lock"), Log::Custody, 1)?.is_some() {
        return Err(Error::conflict("There is a lock of an earlier log here."));
    }
    Ok(())
}
