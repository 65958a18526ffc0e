//! Epochs: sealing and unsealing units, wrapping every key anew, and recovering a lost operating key with the custodians' shares.

use std::path::Path;

use sago_seal::hybrid::HybridIdentity;
use sago_seal::slip39;
use sqlx::Row;
use uuid::Uuid;

use super::{Keyring, Mode, Passphrase, Seed, current_epoch, read_signing, set_current, vault, write_epoch};
use crate::ctx::{Clock, Ctx, Right, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::event::{
    EpochRotated, EpochRotatedDetail, KeysChecked, KeysCheckedDetail, OperatingKeyRecovered, OperatingKeyRecoveredDetail, ShareDestroyed, ShareDestroyedDetail,
    UnitSealed, UnitSealedDetail, UnitUnsealed, UnitUnsealedDetail,
};
use crate::repository::{Repository, epoch_end, split};
use crate::settings::{Places, Settings};
use crate::store::{durable, fault};

/// A unit as lists show it.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Id.
    pub id: Uuid,
    /// `working`, `sealed` or `destroyed`.
    pub mode: String,
    /// Numbers of the accessions in it.
    pub accessions: Vec<String>,
}

/// All units but the domain's, in order of their making.
pub async fn units(repo: &Repository, ctx: &Ctx) -> Result<Vec<Unit>> {
    ctx.require(Right::See)?;
    let rows = sqlx::query("SELECT id, mode FROM units WHERE id <> $1 ORDER BY created_at, id")
        .bind(repo.settings.domain_unit.to_string())
        .fetch_all(repo.db().read())
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let id: String = row.try_get(0)?;
        let accessions = sqlx::query_scalar("SELECT number FROM accessions WHERE unit = $1 ORDER BY number").bind(&id).fetch_all(repo.db().read()).await?;
        found.push(Unit { id: Uuid::parse_str(&id).map_err(|_| Error::corrupt("A unit's row was altered."))?, mode: row.try_get(1)?, accessions });
    }
    Ok(found)
}

/// The unit meant by its id or by the number of an accession in it.
pub async fn find_unit(repo: &Repository, name: &str) -> Result<Unit> {
    let id: Option<String> = match Uuid::parse_str(name) {
        Ok(id) => sqlx::query_scalar("SELECT id FROM units WHERE id = $1").bind(id.to_string()).fetch_optional(repo.db().read()).await?,
        Err(_) => sqlx::query_scalar("SELECT unit FROM accessions WHERE number = $1").bind(name).fetch_optional(repo.db().read()).await?,
    };
    let id = id.and_then(|id| Uuid::parse_str(&id).ok()).filter(|id| *id != repo.settings.domain_unit);
    let id = id.ok_or_else(|| {
        Error::not_found(format!("There is no unit {name}.")).hint("`sago key list` shows the units; an accession's number also names its unit.")
    })?;
    let mode: String = sqlx::query_scalar("SELECT mode FROM units WHERE id = $1").bind(id.to_string()).fetch_one(repo.db().read()).await?;
    let accessions =
        sqlx::query_scalar("SELECT number FROM accessions WHERE unit = $1 ORDER BY number").bind(id.to_string()).fetch_all(repo.db().read()).await?;
    Ok(Unit { id, mode, accessions })
}

/// Seals a unit: from now on the server can add to it, but no longer open it.
pub async fn seal_unit(repo: &Repository, ctx: &Ctx, name: &str, reason: &str) -> Result<Unit> {
    ctx.require(Right::ManageKeys)?;
    let unit = find_unit(repo, name).await?;
    if unit.mode != "working" {
        return Err(Error::conflict(format!("The unit is {} already.", unit.mode)));
    }
    let identity = repo.keyring().unit(unit.id)?;
    let wrapped = repo.keyring().wrap(&identity, Mode::Sealed)?;
    let mut tx = repo.begin().await?;
    require_in_force(repo.keyring(), tx.conn()).await?;
    let event = UnitSealed { unit: unit.id, vault_sha256: wrapped.sha256() };
    tx.append(repo.settings.domain_unit, event.with(UnitSealedDetail { reason: reason.to_owned() }));
    repo.keyring().put_next(unit.id, &wrapped)?;
    tx.commit(ctx).await?;
    // If we crash here, the next opening puts the waiting key in its place before anybody can open anything.
    fault::point("seal-entered");
    repo.keyring().take_next(unit.id)?;
    repo.forget_rows();
    crate::search::forget_unit(repo, unit.id).await?;
    repo.integrate(ctx).await?;
    Ok(Unit { mode: "sealed".to_owned(), ..unit })
}

/// Opens a sealed unit again with the shares of enough custodians.
pub async fn unseal_unit(repo: &Repository, ctx: &Ctx, name: &str, reason: &str, shares: &[String]) -> Result<Unit> {
    ctx.require(Right::ManageKeys)?;
    if reason.trim().is_empty() {
        return Err(Error::invalid("Opening a sealed unit needs a reason.").hint("Add `--reason TEXT`: it is entered in the log."));
    }
    let unit = find_unit(repo, name).await?;
    if unit.mode != "sealed" {
        return Err(Error::conflict(format!("The unit is {}, not sealed.", unit.mode)));
    }
    let recovery = recovery_identity(shares)?;
    check_recovery(repo.keyring(), &recovery)?;
    let identity = vault::open(repo.keyring().vault(), repo.keyring().epoch, unit.id, &recovery)?;
    let wrapped = repo.keyring().wrap(&identity, Mode::Working)?;
    let mut tx = repo.begin().await?;
    require_in_force(repo.keyring(), tx.conn()).await?;
    let event = UnitUnsealed { unit: unit.id, vault_sha256: wrapped.sha256() };
    tx.append(repo.settings.domain_unit, event.with(UnitUnsealedDetail { reason: reason.to_owned() }));
    repo.keyring().put_next(unit.id, &wrapped)?;
    tx.commit(ctx).await?;
    // The event is durable before the key is opened (fail closed). If we crash here, the next opening puts the waiting key in its place.
    fault::point("seal-entered");
    repo.keyring().take_next(unit.id)?;
    repo.forget_rows();
    repo.integrate(ctx).await?;
    Ok(Unit { mode: "working".to_owned(), ..unit })
}

/// What a rotation gives back: once, to be printed and kept apart.
pub struct Rotated {
    /// The epoch that began.
    pub epoch: u64,
    /// One list of words per custodian.
    pub shares: Vec<Vec<&'static str>>,
    /// Units wrapped anew.
    pub units: usize,
}

/// Who holds the shares of the new epoch.
pub struct NewEpoch<'a> {
    /// The repository's passphrase for the new operating key.
    pub passphrase: &'a Passphrase,
    /// How many custodians.
    pub custodians: u8,
    /// How many of them are needed.
    pub threshold: u8,
    /// Shares of the epoch that ends; needed when a unit is sealed.
    pub shares: &'a [String],
}

/// Keeps the custodians' new words durably: number of the epoch, one list of words for each custodian.
pub type KeepPages<'a> = dyn Fn(u64, &[Vec<&'static str>]) -> Result<()> + Sync + 'a;

/// Begins a new epoch: new operating and recovery keys, every living unit key wrapped anew, the old wrapping erased.
///
/// `keep_pages` is called before anything is in force: words that were kept nowhere would leave sealed units that nobody can open.
/// If we crash before the event, the old epoch stands, the pages kept are worthless and the new folders are overwritten by the next
/// attempt; after it, the next opening switches `keys/current` and erases what is left of the old.
pub async fn rotate(repo: &Repository, ctx: &Ctx, new: &NewEpoch<'_>, keep_pages: &KeepPages<'_>) -> Result<Rotated> {
    ctx.require(Right::ManageKeys)?;
    let keyring = repo.keyring();
    let (from, to) = (keyring.epoch, keyring.epoch + 1);
    let vault = keyring.vault();
    let recovery = if new.shares.is_empty() { None } else { Some(recovery_identity(new.shares)?) };
    if let Some(recovery) = &recovery {
        check_recovery(keyring, recovery)?;
    }
    if new.threshold < 2 || new.threshold > new.custodians || new.custodians > 16 {
        return Err(Error::invalid(format!("{} of {} custodians is not possible.", new.threshold, new.custodians)));
    }
    // The writer's place is held from here on: the key of a unit that another process makes meanwhile would end with the old epoch.
    let mut tx = repo.begin().await?;
    require_in_force(keyring, tx.conn()).await?;
    settle_waiting(keyring, tx.conn()).await?;
    // Nothing is written before every key could be opened.
    let mut units = Vec::new();
    for unit in units_to_wrap(keyring, tx.conn()).await? {
        let (identity, mode) = match vault::open(vault, from, unit, keyring.operating()) {
            Ok(identity) => (identity, Mode::Working),
            Err(error) if error.kind == ErrorKind::Forbidden => {
                let recovery = recovery.as_ref().ok_or_else(|| {
                    Error::new(ErrorKind::Forbidden, format!("Unit {unit} is sealed: its key is wrapped anew with the shares of the epoch that ends."))
                        .hint("Add `--share FILE` for enough custodians. Nothing was changed.")
                })?;
                (vault::open(vault, from, unit, recovery)?, Mode::Sealed)
            }
            Err(error) => return Err(error),
        };
        units.push((unit, identity, mode));
    }
    let seed: Seed = super::random_seed()?;
    let new_recovery = HybridIdentity::from_seed(&seed);
    let operating = HybridIdentity::from_seed(&*super::random_seed()?);
    write_epoch(&repo.places.keys, to, &operating, &new_recovery.recipient(), keyring.signing(), new.passphrase, repo.settings.epoch.work_factor)?;
    let mut lines = Vec::new();
    for (unit, identity, mode) in units {
        let wrapped = vault::wrap(&identity, mode, &operating.recipient(), &new_recovery.recipient())?;
        lines.push(format!("{unit} {}", wrapped.sha256()));
        vault::write(vault, to, unit, &wrapped)?;
    }
    let units = lines.len();
    let detail = EpochRotatedDetail {
        vault: lines,
        custodians: new.custodians.into(),
        threshold: new.threshold.into(),
        epoch_ends: epoch_end(ctx.now(), repo.settings.epoch.days)?,
    };
    tx.append(repo.settings.domain_unit, EpochRotated { from, to }.with(detail));
    let shares = split(&seed, new.threshold, new.custodians)?;
    fault::point("rotate-wrapped");
    keep_pages(to, &shares)?;
    fault::point("rotate-pages-written");
    tx.commit(ctx).await?;
    fault::point("rotate-entered");
    set_current(&repo.places.keys, to)?;
    fault::point("rotate-switched");
    repo.integrate(ctx).await?;
    erase_if_replaced(repo, from)?;
    Ok(Rotated { epoch: to, shares, units })
}

/// The units whose keys must be wrapped anew: those that the vault lists, and those that the database knows and whose key is there. A bucket
/// may list late, and a key that its listing leaves out must not end with its epoch.
async fn units_to_wrap(keyring: &Keyring, held: &mut sqlx::AnyConnection) -> Result<Vec<Uuid>> {
    let listed = vault::units(keyring.vault(), keyring.epoch)?;
    let known: Vec<String> = sqlx::query_scalar("SELECT id FROM units WHERE mode <> 'destroyed'").fetch_all(&mut *held).await?;
    let mut units = listed.clone();
    for unit in known {
        let unit = Uuid::parse_str(&unit).map_err(|_| Error::corrupt("A unit's row was altered."))?;
        // A key that is lost stays lost; `sago key check` and `sago verify` say so.
        if listed.binary_search(&unit).is_err() && vault::read_wrapped(keyring.vault(), keyring.epoch, unit)?.is_some() {
            units.push(unit);
        }
    }
    units.sort_unstable();
    Ok(units)
}

/// The epoch that the log says is in force.
pub(crate) async fn epoch_of_log(repo: &Repository) -> Result<u64> {
    let told = repo.db().meta("epoch").await?.and_then(|text| text.parse().ok());
    Ok(told.unwrap_or(repo.keyring().epoch))
}

/// Uses, without putting them in their place, keys whose event is in the log and that wait: for verifying what an interruption left.
pub(crate) async fn use_waiting(repo: &Repository) -> Result<()> {
    let keyring = repo.keyring();
    for (unit, digest) in vault::waiting(keyring.vault(), keyring.epoch)? {
        let told: Option<String> = sqlx::query_scalar("SELECT vault_sha256 FROM units WHERE id = $1 AND mode = 'working'")
            .bind(unit.to_string())
            .fetch_optional(repo.db().read())
            .await?;
        if told.is_some() && told == digest {
            keyring.open_waiting(unit)?;
        }
    }
    Ok(())
}

/// Puts the epoch in force that a rotation entered in the log before it was interrupted. Says whether it did; the keys must then be opened anew.
pub(crate) async fn finish_switch(repo: &Repository) -> Result<bool> {
    let to = epoch_of_log(repo).await?;
    if to != repo.keyring().epoch + 1 || !super::operating_path(&repo.places.keys, to).is_file() {
        return Ok(false);
    }
    set_current(&repo.places.keys, to)?;
    Ok(true)
}

/// Finishes what a crash interrupted: keys that wait for their place, epochs that ended.
pub(crate) async fn finish_interrupted(repo: &Repository) -> Result<()> {
    let (vault, epoch) = (repo.keyring().vault(), repo.keyring().epoch);
    if !vault::waiting(vault, epoch)?.is_empty() {
        let mut held = repo.db().begin_write().await?;
        settle_waiting(repo.keyring(), &mut held).await?;
        held.rollback().await?;
    }
    if epoch_of_log(repo).await? == epoch {
        // The keys of an ended epoch may outlast its wrapped keys, when the machine stopped between the two.
        let mut ended = vault::epochs(vault)?;
        // Without the vault at hand nobody can say what the old keys still open.
        if ended.contains(&epoch) {
            ended.extend(super::epochs_with_keys(&repo.places.keys)?);
        }
        ended.retain(|ended| *ended < epoch);
        ended.sort_unstable();
        ended.dedup();
        for ended in ended {
            erase_if_replaced(repo, ended)?;
        }
    }
    Ok(())
}

/// Erases the keys and wrapped keys of an epoch that ended. A wrapped key that stands nowhere else is never erased: it may have been put
/// back by hand, or be one that a listing left out when the others were wrapped anew.
fn erase_if_replaced(repo: &Repository, ended: u64) -> Result<()> {
    let (vault, epoch) = (repo.keyring().vault(), current_epoch(&repo.places.keys)?);
    for unit in vault::units(vault, ended)? {
        if vault::read_wrapped(vault, epoch, unit)?.is_none() {
            return Ok(());
        }
    }
    erase_epoch(&repo.places, ended)
}

/// Puts every waiting key in its place, or erases it when no event speaks of it.
///
/// Who writes a waiting key holds the writer's place until its event is entered: while we hold it, every one was interrupted or is about to
/// be put in its place by the process that entered its event.
async fn settle_waiting(keyring: &Keyring, held: &mut sqlx::AnyConnection) -> Result<()> {
    for (unit, digest) in vault::waiting(keyring.vault(), keyring.epoch)? {
        let told: Option<String> = sqlx::query_scalar("SELECT vault_sha256 FROM units WHERE id = $1").bind(unit.to_string()).fetch_optional(&mut *held).await?;
        match digest {
            Some(digest) if told.as_deref() == Some(digest.as_str()) => keyring.take_next(unit)?,
            _ => vault::erase_next(keyring.vault(), keyring.epoch, unit)?,
        }
    }
    Ok(())
}

/// Fails when another process began a new epoch since these keys were opened: a key wrapped for the old one would be lost with it.
pub(crate) async fn require_in_force(keyring: &Keyring, held: &mut sqlx::AnyConnection) -> Result<()> {
    let told: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = 'epoch'").fetch_optional(&mut *held).await?;
    match told.and_then(|text| text.parse::<u64>().ok()) {
        Some(epoch) if epoch != keyring.epoch => Err(super::epoch_ended(keyring.epoch)),
        _ => Ok(()),
    }
}

/// Erases the keys and wrapped keys of an epoch that ended.
fn erase_epoch(places: &Places, epoch: u64) -> Result<()> {
    vault::erase_epoch(&places.vault, epoch)?;
    durable::erase_folder(&places.keys.join(epoch.to_string()))
}

/// Enters a custodian's statement that a share of an ended epoch was destroyed.
pub async fn attest_share_destroyed(repo: &Repository, ctx: &Ctx, epoch: u64, statement: &str) -> Result<()> {
    ctx.require(Right::ManageKeys)?;
    if epoch == 0 {
        return Err(Error::not_found("There was no epoch 0.").hint("Epochs are counted from 1."));
    }
    if epoch >= repo.keyring().epoch {
        return Err(Error::conflict(format!("Epoch {epoch} has not ended: its shares are still needed."))
            .hint("`sago key rotate` begins a new epoch; then the shares of the old one are destroyed."));
    }
    let mut tx = repo.begin().await?;
    tx.append(repo.settings.domain_unit, ShareDestroyed { epoch }.with(ShareDestroyedDetail { statement: statement.to_owned() }));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Ok(())
}

/// Tries every unit's key against the keycheck file of one of its objects, and the wrapped key against its recorded digest.
pub async fn check_keys(repo: &Repository, ctx: &Ctx) -> Result<Vec<String>> {
    ctx.require(Right::Check)?;
    let rows = sqlx::query("SELECT id, mode, vault_sha256 FROM units WHERE mode <> 'destroyed' ORDER BY id").fetch_all(repo.db().read()).await?;
    let mut failures = Vec::new();
    let mut failed = Vec::new();
    for row in &rows {
        let unit = Uuid::parse_str(&row.try_get::<String, _>(0)?).map_err(|_| Error::corrupt("A unit's row was altered."))?;
        if let Some(problem) = check_key(repo, unit, &row.try_get::<String, _>(1)?, &row.try_get::<String, _>(2)?).await? {
            failures.push(format!("Unit {unit}: {problem}"));
            failed.push(unit);
        }
    }
    let mut tx = repo.begin().await?;
    let event = KeysChecked { units: rows.len() as u64, failures: failed.len() as u64 };
    tx.append(repo.settings.domain_unit, event.with(KeysCheckedDetail { failed }));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Ok(failures)
}

/// What is wrong with the key of one unit, if anything.
pub(crate) async fn check_key(repo: &Repository, unit: Uuid, mode: &str, vault_sha256: &str) -> Result<Option<String>> {
    use sha2::{Digest, Sha256};
    let (vault, epoch) = (repo.keyring().vault(), epoch_of_log(repo).await?);
    // A crash may have left the new wrapping waiting: the next opening puts it in its place.
    let is_waiting = vault::waiting(vault, epoch)?.contains(&(unit, Some(vault_sha256.to_owned())));
    let wrapped = vault::read_wrapped(vault, epoch, unit)?;
    if wrapped.is_none() && !is_waiting {
        return Ok(Some("its key is missing from the vault".to_owned()));
    }
    if !is_waiting && wrapped.is_some_and(|wrapped| hex::encode(Sha256::digest(&wrapped)) != vault_sha256) {
        return Ok(Some("its wrapped key in the vault is not the one the log commits to".to_owned()));
    }
    if is_waiting {
        return Ok(None);
    }
    if mode == "sealed" {
        // Without its recipient nothing could be added to the unit any more.
        return Ok(repo.keyring().recipient(unit).err().map(|error| error.message));
    }
    let identity = match repo.keyring().unit(unit) {
        Ok(identity) => identity,
        Err(error) => return Ok(Some(error.message)),
    };
    let object: Option<String> = sqlx::query_scalar(
        "SELECT o.id FROM objects o JOIN accessions a ON a.id = o.accession WHERE a.unit = $1 AND o.status = 'stored' ORDER BY o.id LIMIT 1",
    )
    .bind(unit.to_string())
    .fetch_optional(repo.db().read())
    .await?;
    let Some(object) = object.and_then(|object| Uuid::parse_str(&object).ok()) else { return Ok(None) };
    let read = repo.blobs.read_content(object, &format!("m/{unit}.keycheck.age"));
    let opened = read.and_then(|(sealed, place)| super::open_bytes(&[&identity], &sealed, Path::new(&place)).map(|text| (text, place)));
    Ok(match opened {
        Ok((text, _)) if text.len() == 32 => None,
        Ok((_, place)) => Some(format!("{place} does not hold 32 bytes")),
        Err(error) => Some(error.message),
    })
}

/// Makes a new operating key when the old one or its passphrase is lost, from the shares of enough custodians.
pub async fn recover_operating_key(root: &Path, shares: &[String], passphrase: &Passphrase, reason: &str, clock: Clock) -> Result<u64> {
    if reason.trim().is_empty() {
        return Err(Error::invalid("Recovering the operating key needs a reason.").hint("Add `--reason TEXT`: it is entered in the log."));
    }
    let settings = Settings::read(root)?;
    let places = Places::resolve(root, &settings)?;
    let recovery = recovery_identity(shares)?;
    let epoch = current_epoch(&places.keys).or_else(|_| vault::epochs(&places.vault).map(|epochs| epochs.into_iter().max().unwrap_or(1)))?;
    let signing = read_signing(&places.keys, epoch, &recovery).map_err(|error| {
        if error.kind == ErrorKind::Forbidden {
            Error::new(
                ErrorKind::Forbidden,
                "These shares do not open this repository: they belong to another epoch or another repository. Nothing was changed.",
            )
        } else {
            error.hint("If the signing keys are lost too, restore the repository from a backup: `sago restore` begins a new generation of the log.")
        }
    })?;
    let operating = HybridIdentity::from_seed(&*super::random_seed()?);
    let mut lines = Vec::new();
    for unit in vault::units(&places.vault, epoch)? {
        let identity = vault::open(&places.vault, epoch, unit, &recovery)?;
        let was_sealed = vault::is_sealed(&places.vault, epoch, unit)?;
        let mode = if was_sealed { Mode::Sealed } else { Mode::Working };
        let wrapped = vault::wrap(&identity, mode, &operating.recipient(), &recovery.recipient())?;
        lines.push(format!("{unit} {}", wrapped.sha256()));
        // If we crash here, some keys are wrapped for a key that is not written yet: the recovery identity still opens all, and the command is run again.
        vault::write(&places.vault, epoch, unit, &wrapped)?;
    }
    write_epoch(&places.keys, epoch, &operating, &recovery.recipient(), &signing, passphrase, settings.epoch.work_factor)?;
    set_current(&places.keys, epoch)?;
    let repo = Repository::open(root, passphrase, clock).await?;
    let mut ctx = crate::user::act_as(&repo, None, clock).await?;
    ctx.roles = vec![Role::Custodian];
    let mut tx = repo.begin().await?;
    let detail = OperatingKeyRecoveredDetail { reason: reason.to_owned(), vault: lines };
    tx.append(repo.settings.domain_unit, OperatingKeyRecovered { epoch }.with(detail));
    tx.commit(&ctx).await?;
    repo.integrate(&ctx).await?;
    repo.close().await;
    Ok(epoch)
}

/// Joins the shares of custodians; each is the text of a page or of its words.
pub fn recovery_identity(shares: &[String]) -> Result<HybridIdentity> {
    let words: Vec<String> = shares.iter().map(|share| words_of(share)).collect();
    let secret = slip39::recover(&words).map_err(|error| {
        Error::invalid(format!("The shares cannot be joined: {error}")).hint("Check the words against the printed pages. Nothing was changed.")
    })?;
    let seed = secret.to_seed().map_err(|error| Error::invalid(format!("The shares cannot be joined: {error}")))?;
    Ok(HybridIdentity::from_seed(&seed))
}

/// The words of a share: on a printed page they stand between two marks, numbered; alone they are the whole text.
fn words_of(text: &str) -> String {
    let body = match (text.find(crate::key::share::BEGIN), text.find(crate::key::share::END)) {
        (Some(begin), Some(end)) if begin < end => &text[begin + crate::key::share::BEGIN.len()..end],
        _ => text,
    };
    let is_word = |word: &&str| word.chars().all(|letter| letter.is_ascii_alphabetic());
    body.split_whitespace().filter(is_word).map(str::to_ascii_lowercase).collect::<Vec<_>>().join(" ")
}

fn check_recovery(keyring: &Keyring, recovery: &HybridIdentity) -> Result<()> {
    if recovery.recipient() == *keyring.recovery() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Forbidden, "These shares belong to another epoch or another repository. Nothing was changed.")
        .hint(format!("The epoch in force is {}: take the pages printed when it began.", keyring.epoch)))
}
