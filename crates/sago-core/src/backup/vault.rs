//! Copies of the vault: the wrapped unit keys of the epoch in force, the signing keys, and people's own keys, each file sealed once more,
//! whole, to the recovery identity alone.
//!
//! So neither the server nor anybody with its passphrase can open a copy; only the custodians' shares can (integrity.md B3). The operating
//! key is never in it. Below the folder:
//!
//! ```text
//! vault-backup.json                  what it is; no secret
//! epoch-<n>/units/<unit>.age         vault/<n>/<unit>.age
//! epoch-<n>/signing.age              keys/<n>/signing.age
//! epoch-<n>/agents/<agent>.age       keys/agents/<agent>.age
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};
use sago_seal::file;
use sago_seal::hybrid::HybridIdentity;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::copy::files;
use super::place::{VAULT_FILE, VaultNote, check_vault};
use super::{VAULT_RETENTION_DAYS, enter, known};
use crate::ctx::{Ctx, Right, time_text};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::{open_bytes, seal_bytes};
use crate::ledger::Position;
use crate::repository::Repository;
use crate::settings::is_within;
use crate::store::durable;
use crate::store::shelf::Shelf;

/// A copy of the vault that was made.
#[derive(Debug)]
pub struct Vault {
    /// Id, as entered in the log.
    pub backup: Uuid,
    /// Where it is.
    pub folder: PathBuf,
    /// The epoch whose shares open it.
    pub epoch: u64,
    /// Unit keys in it.
    pub units: u64,
    /// People's keys in it.
    pub agents: u64,
    /// Files in it.
    pub files: u64,
    /// Bytes in it.
    pub bytes: u64,
    /// Until when it must be erased.
    pub erase_by: String,
    /// Epochs whose copies lay in the folder and were erased.
    pub erased_epochs: Vec<u64>,
    /// Files of this epoch that the vault no longer has (units destroyed since) and that were erased from the copy.
    pub erased_files: u64,
    /// Living units whose key is not in the vault, and so not in the copy.
    pub missing: Vec<Uuid>,
    /// What the test of the copy found; nothing when it passed.
    pub problems: Vec<String>,
    /// Where it was entered; nothing when the test failed.
    pub entered: Option<Position>,
}

/// Copies the vault to a folder and tests the copy.
///
/// If we crash, a mixture of this copy and the one before is left, each file whole; the next run replaces it.
pub async fn back_up_vault(repo: &Repository, ctx: &Ctx, folder: &Path) -> Result<Vault> {
    ctx.require(Right::Backup)?;
    let folder = std::path::absolute(folder).doing("Could not resolve", folder)?;
    let earlier = check_vault(&repo.places, repo.settings.repository, &folder)?;
    for records in known(repo).await?.into_iter().filter(|known| !known.is_vault) {
        if is_within(&folder, &records.folder)? || is_within(&records.folder, &folder)? {
            return Err(Error::conflict(format!("The records were copied to {}: the vault must not lie with them.", records.folder.display()))
                .hint("Name another folder, best on another medium that is kept elsewhere. Nothing was written."));
        }
    }
    let (living, destroyed) = units(repo).await?;
    let now = ctx.now();
    let erase_by = now.checked_add((VAULT_RETENTION_DAYS * 24).hours()).map_or_else(|_| String::new(), time_text);
    let mut note = VaultNote {
        repository: repo.settings.repository,
        at: time_text(now),
        erase_by: erase_by.clone(),
        is_complete: false,
        epoch: repo.keyring().epoch,
        generation: repo.keyring().signing().generation,
        units: 0,
        files: 0,
        bytes: 0,
    };
    if earlier.is_none() {
        note.write(&folder)?;
    }
    let copied = tokio::task::block_in_place(|| copy(repo, &folder, &destroyed))?;
    note = VaultNote { is_complete: true, units: copied.units.len() as u64, files: copied.digests.len() as u64, bytes: copied.bytes, ..note };
    note.write(&folder)?;
    let problems = tokio::task::block_in_place(|| test(repo, &folder, &copied))?;
    let backup = Uuid::new_v4();
    let entered = if problems.is_empty() { Some(enter(repo, ctx, backup, "vault", (note.files, note.bytes), &folder).await?) } else { None };
    Ok(Vault {
        backup,
        epoch: note.epoch,
        units: note.units,
        agents: copied.agents,
        files: note.files,
        bytes: note.bytes,
        erase_by,
        erased_epochs: copied.erased_epochs,
        erased_files: copied.erased_files,
        missing: living.difference(&copied.units).copied().collect(),
        problems,
        entered,
        folder,
    })
}

/// Units that must have a key, and units that must not.
async fn units(repo: &Repository) -> Result<(BTreeSet<Uuid>, BTreeSet<Uuid>)> {
    let altered = || Error::corrupt("A unit's row was altered.").hint("Run `sago verify`, then `sago rebuild`.");
    let mut sets = (BTreeSet::new(), BTreeSet::new());
    for (set, text) in [(&mut sets.0, "SELECT id FROM units WHERE mode <> 'destroyed'"), (&mut sets.1, "SELECT id FROM units WHERE mode = 'destroyed'")] {
        let ids: Vec<String> = sqlx::query_scalar(text).fetch_all(repo.db().read()).await?;
        for id in ids {
            set.insert(Uuid::parse_str(&id).map_err(|_| altered())?);
        }
    }
    Ok(sets)
}

#[derive(Default)]
struct Copy {
    units: BTreeSet<Uuid>,
    agents: u64,
    bytes: u64,
    /// SHA-256 of each file as it was written, by its path below the folder.
    digests: BTreeMap<PathBuf, [u8; 32]>,
    erased_epochs: Vec<u64>,
    erased_files: u64,
}

fn copy(repo: &Repository, folder: &Path, destroyed: &BTreeSet<Uuid>) -> Result<Copy> {
    let epoch = repo.keyring().epoch;
    let mut copied = Copy { erased_epochs: erase_other_epochs(folder, epoch)?, ..Copy::default() };
    let here = PathBuf::from(format!("epoch-{epoch}"));
    let (vault, keys) = (repo.places.vault.below(&epoch.to_string()), Shelf::Disk(repo.places.keys.clone()));
    let mut sources = vec![(here.join("signing.age"), keys.below(&epoch.to_string()), "signing.age".to_owned())];
    for unit in named(&vault)? {
        // A key that the log says is destroyed may lie in the vault for a moment more; it is never copied.
        if !destroyed.contains(&unit) {
            copied.units.insert(unit);
            sources.push((here.join("units").join(format!("{unit}.age")), vault.clone(), format!("{unit}.age")));
        }
    }
    let people = keys.below("agents");
    for agent in named(&people)? {
        copied.agents += 1;
        sources.push((here.join("agents").join(format!("{agent}.age")), people.clone(), format!("{agent}.age")));
    }
    for batch in sources.chunks(1_000) {
        let mut written = Vec::with_capacity(batch.len());
        for (to, from, name) in batch {
            let sealed = seal_bytes(&[repo.keyring().recovery()], &from.need(name)?)?;
            copied.digests.insert(to.clone(), Sha256::digest(&sealed).into());
            copied.bytes += sealed.len() as u64;
            written.push((folder.join(to), sealed));
        }
        durable::write_all(&written)?;
    }
    for path in files(&folder.join(&here), &mut Vec::new())? {
        if !copied.digests.contains_key(&here.join(&path)) {
            durable::erase(&folder.join(&here).join(&path))?;
            copied.erased_files += 1;
        }
    }
    Ok(copied)
}

/// The files `<uuid>.age` of a folder; none when it is absent.
fn named(place: &Shelf) -> Result<Vec<Uuid>> {
    let children = place.list("")?;
    Ok(children.iter().filter_map(|child| child.name.strip_suffix(".age").and_then(|id| Uuid::parse_str(id).ok())).collect())
}

fn epoch_folders(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).doing("Could not list", folder)? {
        let path = entry.doing("Could not list", folder)?.path();
        let epoch = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix("epoch-")).and_then(|epoch| epoch.parse().ok());
        found.extend(epoch.map(|epoch| (epoch, path)));
    }
    found.sort_unstable();
    Ok(found)
}

fn erase_other_epochs(folder: &Path, epoch: u64) -> Result<Vec<u64>> {
    let mut erased = Vec::new();
    for (other, path) in epoch_folders(folder)?.into_iter().filter(|(other, _)| *other != epoch) {
        for file in files(&path, &mut Vec::new())? {
            durable::erase(&path.join(file))?;
        }
        durable::remove_dir_all(&path)?;
        durable::sync_dir(folder)?;
        erased.push(other);
    }
    Ok(erased)
}

/// Reads the copy back: every file is there, is what was written, is sealed to exactly one recipient, and the operating key does not open it.
fn test(repo: &Repository, folder: &Path, copied: &Copy) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (path, digest) in &copied.digests {
        let path = folder.join(path);
        let Ok(bytes) = std::fs::read(&path) else {
            problems.push(format!("{} cannot be read back.", path.display()));
            continue;
        };
        if Sha256::digest(&bytes).as_slice() != digest {
            problems.push(format!("{} is not what was written.", path.display()));
            continue;
        }
        let is_for_one = file::stanza_count(bytes.as_slice()).is_ok_and(|stanzas| stanzas.is_content_file());
        let is_closed = open_bytes(&[repo.keyring().operating()], &bytes, &path).is_err_and(|error| error.kind == ErrorKind::Forbidden);
        if !is_for_one || !is_closed {
            problems.push(format!("{} is not sealed to the recovery identity alone.", path.display()));
        }
    }
    Ok(problems)
}

/// A copy of the vault, for reading with the custodians' shares.
pub(super) struct VaultCopy {
    pub note: VaultNote,
    here: PathBuf,
}

impl VaultCopy {
    /// Opens the description of a copy.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let note = VaultNote::read(folder)?.ok_or_else(|| {
            Error::not_found(format!("{} is not a backup of the vault: it has no {VAULT_FILE}.", folder.display()))
                .hint("Name the folder that `sago backup --vault` wrote.")
        })?;
        let here = folder.join(format!("epoch-{}", note.epoch));
        Ok(Self { note, here })
    }

    /// The signing keys, still sealed to operating and recovery identity.
    pub(super) fn signing(&self, recovery: &HybridIdentity) -> Result<Zeroizing<Vec<u8>>> {
        self.unseal(&self.here.join("signing.age"), recovery).map_err(|error| match error.kind {
            ErrorKind::Forbidden => Error::new(
                ErrorKind::Forbidden,
                "These shares do not open this backup of the vault: they belong to another epoch or another repository. Nothing was restored.",
            )
            .hint(format!("The backup is of epoch {}: take the pages printed when that epoch began.", self.note.epoch)),
            _ => error,
        })
    }

    /// Units whose keys are in the copy.
    pub(super) fn units(&self) -> Result<BTreeSet<Uuid>> {
        Ok(named(&Shelf::Disk(self.here.join("units")))?.into_iter().collect())
    }

    /// Opens the key of a unit, and says whether the server could open it when the copy was made.
    pub(super) fn unit(&self, unit: Uuid, recovery: &HybridIdentity) -> Result<(HybridIdentity, bool)> {
        let path = self.unit_path(unit);
        let wrapped = self.unseal(&path, recovery)?;
        let text = open_bytes(&[recovery], &wrapped, &path)?;
        let bad = || Error::corrupt(format!("{} does not hold a unit's key.", path.display()));
        let identity = std::str::from_utf8(&text).map_err(|_| bad())?.trim_end().parse().map_err(|_| bad())?;
        let was_working = file::stanza_count(wrapped.as_slice()).is_ok_and(|stanzas| stanzas.count() > 1);
        Ok((identity, was_working))
    }

    /// Overwrites and removes the key of a unit from the copy.
    pub(super) fn erase(&self, unit: Uuid) -> Result<()> {
        durable::erase(&self.unit_path(unit))
    }

    /// People's keys, each still sealed to that person's passphrase.
    pub(super) fn agents(&self, recovery: &HybridIdentity) -> Result<Vec<(Uuid, Zeroizing<Vec<u8>>)>> {
        let people = self.here.join("agents");
        let found = named(&Shelf::Disk(people.clone()))?;
        found.into_iter().map(|agent| Ok((agent, self.unseal(&people.join(format!("{agent}.age")), recovery)?))).collect()
    }

    fn unit_path(&self, unit: Uuid) -> PathBuf {
        self.here.join("units").join(format!("{unit}.age"))
    }

    fn unseal(&self, path: &Path, recovery: &HybridIdentity) -> Result<Zeroizing<Vec<u8>>> {
        open_bytes(&[recovery], &std::fs::read(path).doing("Could not read", path)?, path)
    }
}

/// What can be seen of a copy of the vault without opening it: for `sago doctor`.
pub(crate) struct Seen {
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Epochs whose keys lie in it.
    pub epochs: Vec<u64>,
    /// Units whose keys lie in it.
    pub units: BTreeSet<Uuid>,
}

/// Looks at a copy of the vault; nothing when there is none in the folder.
pub(crate) fn look(folder: &Path) -> Result<Option<Seen>> {
    let Some(note) = VaultNote::read(folder)? else { return Ok(None) };
    let mut seen = Seen { at: note.at.parse().ok(), epochs: Vec::new(), units: BTreeSet::new() };
    for (epoch, path) in epoch_folders(folder)? {
        seen.epochs.push(epoch);
        seen.units.extend(named(&Shelf::Disk(path.join("units")))?);
    }
    Ok(Some(seen))
}
