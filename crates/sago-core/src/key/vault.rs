//! The vault: one wrapped key per consent unit, below a folder per epoch. Mutable, small, and never in the backups of the store.
//!
//! A key changes in three steps: the new wrapping waits as `<unit>.age.next`, the event that holds its digest is entered, the waiting
//! one takes its place. A crash leaves a waiting one; whether the log knows its digest says what becomes of it.

use std::path::Path;

use sago_seal::hybrid::{HybridIdentity, HybridRecipient};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{open_bytes, seal_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::store::fault;
use crate::store::shelf::Shelf;

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

fn key_path(epoch: u64, unit: Uuid) -> String {
    format!("{epoch}/{unit}.age")
}

fn recipient_path(epoch: u64, unit: Uuid) -> String {
    format!("{epoch}/{unit}.recipient.age")
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

pub(super) fn write(vault: &Shelf, epoch: u64, unit: Uuid, wrapped: &Wrapped) -> Result<()> {
    // The recipient goes first: if we crash between the two, the key is still the old one and nothing is lost.
    match &wrapped.recipient {
        Some(recipient) => vault.write(&recipient_path(epoch, unit), recipient)?,
        None => vault.erase(&recipient_path(epoch, unit))?,
    }
    vault.write(&key_path(epoch, unit), &wrapped.key)
}

fn next_of(path: &str) -> String {
    format!("{path}.next")
}

/// Writes a wrapped key durably beside the one in force, to take its place when the log knows its digest.
pub(super) fn write_next(vault: &Shelf, epoch: u64, unit: Uuid, wrapped: &Wrapped) -> Result<()> {
    if let Some(recipient) = &wrapped.recipient {
        vault.write(&next_of(&recipient_path(epoch, unit)), recipient)?;
    }
    vault.write(&next_of(&key_path(epoch, unit)), &wrapped.key)?;
    fault::point("vault-next-written");
    Ok(())
}

/// Puts a waiting key in its place. Does nothing when none waits.
pub(super) fn take_next(vault: &Shelf, epoch: u64, unit: Uuid) -> Result<()> {
    let (key, recipient) = (key_path(epoch, unit), recipient_path(epoch, unit));
    let Some(waiting) = vault.read(&next_of(&key))? else { return Ok(()) };
    // The recipient goes first: the waiting key is what says that there is still something to do.
    if vault.length(&next_of(&recipient))?.is_some() {
        vault.rename_over(&next_of(&recipient), &recipient)?;
    } else if !is_sealed_only(&waiting) {
        vault.erase(&recipient)?;
    }
    fault::point("vault-next-half-taken");
    vault.rename_over(&next_of(&key), &key)
}

/// Whether a wrapped key is wrapped for one identity only, which is how sealed units are.
fn is_sealed_only(wrapped: &[u8]) -> bool {
    sago_seal::file::stanza_count(wrapped).is_ok_and(|stanzas| stanzas.count() == 1)
}

/// Erases a waiting key that no event speaks of.
pub(super) fn erase_next(vault: &Shelf, epoch: u64, unit: Uuid) -> Result<()> {
    vault.erase(&next_of(&key_path(epoch, unit)))?;
    vault.erase(&next_of(&recipient_path(epoch, unit)))
}

/// Waiting keys: the unit, and the SHA-256 of the wrapped key if it is there (not its recipient alone).
pub(super) fn waiting(vault: &Shelf, epoch: u64) -> Result<Vec<(Uuid, Option<String>)>> {
    let mut found = Vec::new();
    // Without a vault no key waits; that the keys are missing is said where they are needed.
    for child in vault.list(&epoch.to_string())? {
        // What a crash left of writing one (`.next.new`) is no waiting key, but goes with it.
        let name = child.name.strip_suffix(".new").unwrap_or(&child.name);
        let unit = name.strip_suffix(".next").and_then(|name| name.split_once('.')).and_then(|(unit, _)| Uuid::parse_str(unit).ok());
        found.extend(unit);
    }
    found.sort_unstable();
    found.dedup();
    let digest = |unit: Uuid| -> Result<Option<String>> { Ok(vault.read(&next_of(&key_path(epoch, unit)))?.map(|bytes| hex::encode(Sha256::digest(&bytes)))) };
    found.into_iter().map(|unit| Ok((unit, digest(unit)?))).collect()
}

pub(super) fn open(vault: &Shelf, epoch: u64, unit: Uuid, with: &HybridIdentity) -> Result<HybridIdentity> {
    open_at(vault, &key_path(epoch, unit), unit, with)
}

/// Opens a key that waits for its place.
pub(super) fn open_next(vault: &Shelf, epoch: u64, unit: Uuid, with: &HybridIdentity) -> Result<HybridIdentity> {
    open_at(vault, &next_of(&key_path(epoch, unit)), unit, with)
}

fn open_at(vault: &Shelf, path: &str, unit: Uuid, with: &HybridIdentity) -> Result<HybridIdentity> {
    let sealed = vault.read(path)?.ok_or_else(|| Error::not_found(format!("The vault holds no key for unit {unit}.")))?;
    let path = vault.show(path);
    let text = open_bytes(&[with], &sealed, Path::new(&path)).map_err(|error| {
        if error.kind == ErrorKind::Forbidden && !is_sealed_only(&sealed) {
            // Only what is wrapped for the recovery identity alone is sealed; whatever else does not open was altered.
            Error::corrupt(format!("{path} is not wrapped for the keys at hand: it was altered, or is of another epoch."))
        } else if error.kind == ErrorKind::Forbidden {
            Error::new(ErrorKind::Forbidden, format!("Unit {unit} is sealed: it is opened with the shares of the custodians."))
                .hint("`sago key unseal UNIT --reason TEXT --share FILE --share FILE …`")
        } else {
            error
        }
    })?;
    let bad = || Error::corrupt(format!("{path} does not hold a unit's key."));
    std::str::from_utf8(&text).map_err(|_| bad())?.trim_end().parse().map_err(|_| bad())
}

pub(super) fn open_recipient(vault: &Shelf, epoch: u64, unit: Uuid, operating: &HybridIdentity) -> Result<HybridRecipient> {
    let sealed = vault.need(&recipient_path(epoch, unit))?;
    let path = vault.show(&recipient_path(epoch, unit));
    let text = super::open_own(operating, &sealed, Path::new(&path))?;
    let bad = || Error::corrupt(format!("{path} does not hold a recipient."));
    std::str::from_utf8(&text).map_err(|_| bad())?.trim_end().parse().map_err(|_| bad())
}

/// The epochs that have a folder in the vault.
pub(super) fn epochs(vault: &Shelf) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    found.extend(vault.list("")?.iter().filter_map(|child| child.name.parse::<u64>().ok()));
    found.sort_unstable();
    Ok(found)
}

/// The same and the epoch in force, which a bucket that lists late may leave out.
fn epochs_and(vault: &Shelf, in_force: u64) -> Result<Vec<u64>> {
    let mut found = epochs(vault)?;
    if !found.contains(&in_force) {
        found.push(in_force);
    }
    Ok(found)
}

/// The units that have a wrapped key in an epoch.
pub(super) fn units(vault: &Shelf, epoch: u64) -> Result<Vec<Uuid>> {
    let mut found = Vec::new();
    for child in vault.list(&epoch.to_string())? {
        found.extend(child.name.strip_suffix(".age").and_then(|name| Uuid::parse_str(name).ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// The bytes of a wrapped key, if there is one.
pub(super) fn read_wrapped(vault: &Shelf, epoch: u64, unit: Uuid) -> Result<Option<Vec<u8>>> {
    vault.read(&key_path(epoch, unit))
}

pub(super) fn holds(vault: &Shelf, in_force: u64, unit: Uuid) -> Result<bool> {
    for epoch in epochs_and(vault, in_force)? {
        for path in [key_path(epoch, unit), recipient_path(epoch, unit)] {
            if vault.length(&path)?.is_some() || vault.length(&next_of(&path))?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

pub(super) fn erase(vault: &Shelf, in_force: u64, unit: Uuid) -> Result<()> {
    for epoch in epochs_and(vault, in_force)? {
        erase_next(vault, epoch, unit)?;
        vault.erase(&recipient_path(epoch, unit))?;
        vault.erase(&key_path(epoch, unit))?;
    }
    Ok(())
}

pub(super) fn erase_epoch(vault: &Shelf, epoch: u64) -> Result<()> {
    vault.erase_folder(&epoch.to_string())
}

/// Whether a unit is sealed, told from what lies in the vault: only sealed units have their recipient beside them.
pub(super) fn is_sealed(vault: &Shelf, epoch: u64, unit: Uuid) -> Result<bool> {
    Ok(vault.length(&recipient_path(epoch, unit))?.is_some())
}
