//! The vault: one wrapped key per consent unit, below a folder per epoch. Mutable, small, and never in the backups of the store.
//!
//! A key changes in three steps: the new wrapping waits as `<unit>.age.next`, the event that holds its digest is entered, the waiting
//! one takes its place. A crash leaves a waiting one; whether the log knows its digest says what becomes of it.

use std::path::{Path, PathBuf};

use sago_seal::hybrid::{HybridIdentity, HybridRecipient};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{open_bytes, seal_bytes};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::store::{durable, fault};

/// Whether the server can open a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Wrapped for the operating and the recovery identity: the server can open it.
    Working,
    /// Wrapped for the recovery identity alone: the server can add to it, opening needs the custodians.
    Sealed,
}

impl Mode {
    /// The code written in events and rows.
    pub fn code(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Sealed => "sealed",
        }
    }
}

/// A unit's key, wrapped and ready to be written.
pub struct Wrapped {
    /// For whom.
    pub mode: Mode,
    /// The unit's own recipient.
    pub(super) unit: HybridRecipient,
    key: Vec<u8>,
    recipient: Option<Vec<u8>>,
}

impl Wrapped {
    /// SHA-256 of the wrapped key: what the log commits to.
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.key))
    }
}

fn key_path(vault: &Path, epoch: u64, unit: Uuid) -> PathBuf {
    vault.join(epoch.to_string()).join(format!("{unit}.age"))
}

fn recipient_path(vault: &Path, epoch: u64, unit: Uuid) -> PathBuf {
    vault.join(epoch.to_string()).join(format!("{unit}.recipient.age"))
}

pub(super) fn wrap(identity: &HybridIdentity, mode: Mode, operating: &HybridRecipient, recovery: &HybridRecipient) -> Result<Wrapped> {
    let text = Zeroizing::new(format!("{}\n", identity.to_secret_string().as_str()));
    Ok(match mode {
        Mode::Working => Wrapped { mode, unit: identity.recipient(), key: seal_bytes(&[operating, recovery], text.as_bytes())?, recipient: None },
        Mode::Sealed => {
            let recipient = format!("{}\n", identity.recipient());
            Wrapped {
                mode,
                unit: identity.recipient(),
                key: seal_bytes(&[recovery], text.as_bytes())?,
                recipient: Some(seal_bytes(&[operating], recipient.as_bytes())?),
            }
        }
    })
}

pub(super) fn write(vault: &Path, epoch: u64, unit: Uuid, wrapped: &Wrapped) -> Result<()> {
    // The recipient goes first: if we crash between the two, the key is still the old one and nothing is lost.
    match &wrapped.recipient {
        Some(recipient) => durable::write(&recipient_path(vault, epoch, unit), recipient)?,
        None => durable::erase(&recipient_path(vault, epoch, unit))?,
    }
    durable::write(&key_path(vault, epoch, unit), &wrapped.key)
}

fn next_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    PathBuf::from(name)
}

/// Writes a wrapped key durably beside the one in force, to take its place when the log knows its digest.
pub(super) fn write_next(vault: &Path, epoch: u64, unit: Uuid, wrapped: &Wrapped) -> Result<()> {
    if let Some(recipient) = &wrapped.recipient {
        durable::write(&next_of(&recipient_path(vault, epoch, unit)), recipient)?;
    }
    durable::write(&next_of(&key_path(vault, epoch, unit)), &wrapped.key)?;
    fault::point("vault-next-written");
    Ok(())
}

/// Puts a waiting key in its place. Does nothing when none waits.
pub(super) fn take_next(vault: &Path, epoch: u64, unit: Uuid) -> Result<()> {
    let (key, recipient) = (key_path(vault, epoch, unit), recipient_path(vault, epoch, unit));
    if !next_of(&key).exists() {
        return Ok(());
    }
    // The recipient goes first: the waiting key is what says that there is still something to do.
    if next_of(&recipient).exists() {
        durable::rename_over(&next_of(&recipient), &recipient)?;
    } else if !is_sealed_only(&std::fs::read(next_of(&key)).doing("Could not read", &key)?) {
        durable::erase(&recipient)?;
    }
    fault::point("vault-next-half-taken");
    durable::rename_over(&next_of(&key), &key)
}

/// Whether a wrapped key is wrapped for one identity only, which is how sealed units are.
fn is_sealed_only(wrapped: &[u8]) -> bool {
    sago_seal::file::stanza_count(wrapped).is_ok_and(|stanzas| stanzas.count() == 1)
}

/// Erases a waiting key that no event speaks of.
pub(super) fn erase_next(vault: &Path, epoch: u64, unit: Uuid) -> Result<()> {
    durable::erase(&next_of(&key_path(vault, epoch, unit)))?;
    durable::erase(&next_of(&recipient_path(vault, epoch, unit)))
}

/// Waiting keys: the unit, and the SHA-256 of the wrapped key if it is there (not its recipient alone).
pub(super) fn waiting(vault: &Path, epoch: u64) -> Result<Vec<(Uuid, Option<String>)>> {
    let folder = vault.join(epoch.to_string());
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        // Without a vault no key waits; that the keys are missing is said where they are needed.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("Could not list", &folder, &error)),
    };
    for entry in entries {
        let name = entry.doing("Could not list", &folder)?.file_name();
        // What a crash left of writing one (`.next.new`) is no waiting key, but goes with it.
        let name = name.to_str().map(|name| name.strip_suffix(".new").unwrap_or(name));
        let unit = name.and_then(|name| name.strip_suffix(".next")?.split_once('.')).and_then(|(unit, _)| Uuid::parse_str(unit).ok());
        found.extend(unit);
    }
    found.sort_unstable();
    found.dedup();
    let digest = |unit: Uuid| -> Result<Option<String>> {
        let path = next_of(&key_path(vault, epoch, unit));
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(hex::encode(Sha256::digest(&bytes)))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("Could not read", &path, &error)),
        }
    };
    found.into_iter().map(|unit| Ok((unit, digest(unit)?))).collect()
}

pub(super) fn open(vault: &Path, epoch: u64, unit: Uuid, with: &HybridIdentity) -> Result<HybridIdentity> {
    open_at(&key_path(vault, epoch, unit), unit, with)
}

/// Opens a key that waits for its place.
pub(super) fn open_next(vault: &Path, epoch: u64, unit: Uuid, with: &HybridIdentity) -> Result<HybridIdentity> {
    open_at(&next_of(&key_path(vault, epoch, unit)), unit, with)
}

fn open_at(path: &Path, unit: Uuid, with: &HybridIdentity) -> Result<HybridIdentity> {
    let sealed = match std::fs::read(path) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::not_found(format!("The vault holds no key for unit {unit}.")));
        }
        Err(error) => return Err(Error::io("Could not read", path, &error)),
    };
    let text = open_bytes(&[with], &sealed, path).map_err(|error| {
        if error.kind == ErrorKind::Forbidden && !is_sealed_only(&sealed) {
            // Only what is wrapped for the recovery identity alone is sealed; whatever else does not open was altered.
            Error::corrupt(format!("{} is not wrapped for the keys at hand: it was altered, or is of another epoch.", path.display()))
        } else if error.kind == ErrorKind::Forbidden {
            Error::new(ErrorKind::Forbidden, format!("Unit {unit} is sealed: it is opened with the shares of the custodians."))
                .hint("`sago key unseal UNIT --reason TEXT --share FILE --share FILE …`")
        } else {
            error
        }
    })?;
    let bad = || Error::corrupt(format!("{} does not hold a unit's key.", path.display()));
    std::str::from_utf8(&text).map_err(|_| bad())?.trim_end().parse().map_err(|_| bad())
}

pub(super) fn open_recipient(vault: &Path, epoch: u64, unit: Uuid, operating: &HybridIdentity) -> Result<HybridRecipient> {
    let path = recipient_path(vault, epoch, unit);
    let text = super::open_own(operating, &std::fs::read(&path).doing("Could not read", &path)?, &path)?;
    let bad = || Error::corrupt(format!("{} does not hold a recipient.", path.display()));
    std::str::from_utf8(&text).map_err(|_| bad())?.trim_end().parse().map_err(|_| bad())
}

/// The epochs that have a folder in the vault.
pub(super) fn epochs(vault: &Path) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(vault).doing("Could not list", vault)? {
        let entry = entry.doing("Could not list", vault)?;
        if let Some(epoch) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push(epoch);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The units that have a wrapped key in an epoch.
pub(super) fn units(vault: &Path, epoch: u64) -> Result<Vec<Uuid>> {
    let folder = vault.join(epoch.to_string());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).doing("Could not list", &folder)? {
        let entry = entry.doing("Could not list", &folder)?;
        let name = entry.file_name();
        if let Some(unit) = name.to_str().and_then(|name| name.strip_suffix(".age")).and_then(|name| Uuid::parse_str(name).ok()) {
            found.push(unit);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The bytes of a wrapped key, if there is one.
pub(super) fn read_wrapped(vault: &Path, epoch: u64, unit: Uuid) -> Result<Option<Vec<u8>>> {
    let path = key_path(vault, epoch, unit);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("Could not read", &path, &error)),
    }
}

pub(super) fn holds(vault: &Path, unit: Uuid) -> Result<bool> {
    let files = |epoch| [key_path(vault, epoch, unit), recipient_path(vault, epoch, unit)];
    Ok(epochs(vault)?.into_iter().flat_map(files).any(|path| path.exists() || next_of(&path).exists()))
}

pub(super) fn erase(vault: &Path, unit: Uuid) -> Result<()> {
    for epoch in epochs(vault)? {
        erase_next(vault, epoch, unit)?;
        durable::erase(&recipient_path(vault, epoch, unit))?;
        durable::erase(&key_path(vault, epoch, unit))?;
    }
    Ok(())
}

pub(super) fn erase_epoch(vault: &Path, epoch: u64) -> Result<()> {
    durable::erase_folder(&vault.join(epoch.to_string()))
}

/// Whether a unit is sealed, told from what lies in the vault: only sealed units have their recipient beside them.
pub(super) fn is_sealed(vault: &Path, epoch: u64, unit: Uuid) -> bool {
    recipient_path(vault, epoch, unit).exists()
}
