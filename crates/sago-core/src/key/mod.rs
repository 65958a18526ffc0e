//! Keys: the operating and signing keys of an epoch, and the vault of wrapped unit keys (docs/formats.md section 5).
//!
//! No key does two jobs. The recovery identity is kept nowhere: only its recipient is, and only sealed. What opens content is the key of
//! a consent unit, and that exists, wrapped, in one mutable place: the vault.

pub mod destroy;
pub mod epoch;
pub mod share;
pub(crate) mod store;
mod vault;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sago_ledger::note::Signer;
use sago_seal::SealError;
use sago_seal::file;
use sago_seal::hybrid::{HybridIdentity, HybridRecipient};
use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::ledger::event::Log;
use crate::settings::Places;
use crate::store::durable;
use crate::store::shelf::Shelf;

pub use vault::{Mode, Wrapped};

/// A passphrase; wiped from memory when dropped.
pub type Passphrase = Zeroizing<String>;

/// 32 secret bytes; wiped from memory when dropped.
pub type Seed = Zeroizing<[u8; 32]>;

/// Draws 32 bytes from the machine's generator.
pub fn random_seed() -> Result<Seed> {
    let mut seed = Seed::default();
    fill_random(seed.as_mut())?;
    Ok(seed)
}

/// Fills a buffer from the machine's generator.
pub fn fill_random(buffer: &mut [u8]) -> Result<()> {
    getrandom::fill(buffer).map_err(|error| Error::internal(format!("The machine gives no random numbers: {error}")))
}

/// Everything that is open while a repository is unlocked.
pub struct Keyring {
    /// Number of the epoch in force.
    pub epoch: u64,
    operating: HybridIdentity,
    recovery: HybridRecipient,
    signing: Signing,
    vault: Shelf,
    keys: PathBuf,
    place: Uuid,
    domain: Uuid,
    units: Mutex<HashMap<Uuid, Arc<HybridIdentity>>>,
    /// Recipients of units whose key waits for its event.
    waiting: Mutex<HashMap<Uuid, HybridRecipient>>,
}

/// The four seeds with which checkpoints are signed.
pub struct Signing {
    /// Generation of the logs they sign.
    pub generation: u64,
    custody: [Seed; 2],
    access: [Seed; 2],
}

impl Signing {
    /// Draws new seeds for a generation.
    pub fn generate(generation: u64) -> Result<Self> {
        Ok(Self { generation, custody: [random_seed()?, random_seed()?], access: [random_seed()?, random_seed()?] })
    }

    /// The two signers of a log, Ed25519 first, under the log's origin.
    pub fn signers(&self, log: Log, origin: &str) -> Result<Vec<Signer>> {
        let [ed25519, mldsa44] = match log {
            Log::Custody => &self.custody,
            Log::Access => &self.access,
        };
        let bad = |error: sago_ledger::note::NoteError| Error::internal(format!("The signing keys of the log cannot be used: {error}"));
        Ok(vec![Signer::ed25519(origin, ed25519).map_err(bad)?, Signer::ml_dsa_44(origin, mldsa44).map_err(bad)?])
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let pair = |[ed25519, mldsa44]: &[Seed; 2]| serde_json::json!({ "ed25519": BASE64.encode(ed25519), "mldsa44": BASE64.encode(mldsa44) });
        let value = serde_json::json!({
            "keys": "sago-signing/1", "generation": self.generation, "custody": pair(&self.custody), "access": pair(&self.access),
        });
        Zeroizing::new(value.to_string().into_bytes())
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let pair = |log: &str| Some([seed_of(value.get(log)?.get("ed25519")?)?, seed_of(value.get(log)?.get("mldsa44")?)?]);
        if value.get("keys")?.as_str()? != "sago-signing/1" {
            return None;
        }
        Some(Self { generation: value.get("generation")?.as_u64()?, custody: pair("custody")?, access: pair("access")? })
    }
}

fn seed_of(value: &Value) -> Option<Seed> {
    let bytes = Zeroizing::new(BASE64.decode(value.as_str()?).ok()?);
    let mut seed = Seed::default();
    (bytes.len() == 32).then(|| seed.copy_from_slice(&bytes))?;
    Some(seed)
}

/// Seals a small text to one or more recipients.
pub fn seal_bytes(recipients: &[&HybridRecipient], text: &[u8]) -> Result<Vec<u8>> {
    let seal = || -> std::result::Result<Vec<u8>, SealError> {
        let mut sealer = file::seal_to(recipients, Vec::with_capacity(text.len() + 4096))?;
        sealer.write_all(text)?;
        sealer.finish()
    };
    seal().map_err(|error| Error::internal(format!("Sealing failed: {error}")))
}

/// Seals a small text to a passphrase.
pub(crate) fn seal_with_passphrase(passphrase: &Passphrase, work_factor: u8, text: &[u8]) -> Result<Vec<u8>> {
    let seal = || -> std::result::Result<Vec<u8>, SealError> {
        let mut sealer = file::seal_with_passphrase(passphrase, work_factor, Vec::new())?;
        sealer.write_all(text)?;
        sealer.finish()
    };
    seal().map_err(|error| Error::internal(format!("Sealing failed: {error}")))
}

/// Opens a text sealed to a passphrase. `wrong` is what is said when it does not fit.
pub(crate) fn open_with_passphrase(passphrase: &Passphrase, path: &Path, wrong: &str) -> Result<Zeroizing<Vec<u8>>> {
    let sealed = std::fs::read(path).doing("Could not read", path)?;
    let mut text = Zeroizing::new(Vec::new());
    let opened = file::open_with_passphrase(passphrase, *file::WORK_FACTORS.end(), sealed.as_slice()).and_then(|mut opener| Ok(opener.read_to_end(&mut text)?));
    match opened {
        Ok(_) => Ok(text),
        Err(SealError::WrongKey) => Err(Error::new(ErrorKind::Forbidden, wrong)),
        Err(other) => Err(Error::corrupt(format!("{} cannot be opened: {other}", path.display()))),
    }
}

/// Opens a small sealed text.
pub fn open_bytes(identities: &[&HybridIdentity], sealed: &[u8], what: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(sealed.len()));
    match file::open_with(identities, sealed).and_then(|mut opener| Ok(opener.read_to_end(&mut text)?)) {
        Ok(_) => Ok(text),
        Err(SealError::WrongKey) => Err(Error::new(ErrorKind::Forbidden, format!("{} is not sealed to the keys at hand.", what.display()))),
        Err(other) => Err(Error::corrupt(format!("{} cannot be opened: {other}", what.display()))),
    }
}

/// Opens a small text that was sealed to this identity: one that it does not open was altered.
pub(crate) fn open_own(identity: &HybridIdentity, sealed: &[u8], what: &Path) -> Result<Zeroizing<Vec<u8>>> {
    open_bytes(&[identity], sealed, what).map_err(|error| match error.kind {
        ErrorKind::Forbidden => Error::corrupt(format!("{} is not sealed to the key of its unit: it was altered.", what.display())),
        _ => error,
    })
}

/// Path of the file that holds the number of the epoch in force.
fn current_path(keys: &Path) -> PathBuf {
    keys.join("current")
}

fn operating_path(keys: &Path, epoch: u64) -> PathBuf {
    keys.join(epoch.to_string()).join("operating.age")
}

fn signing_path(keys: &Path, epoch: u64) -> PathBuf {
    keys.join(epoch.to_string()).join("signing.age")
}

/// Reads the number of the epoch in force.
pub fn current_epoch(keys: &Path) -> Result<u64> {
    let path = current_path(keys);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Error::io("Could not read", &path, &error).hint(
            "The keys folder is not where the settings say. If the operating key is lost, `sago key recover` makes a new one from the custodians' shares.",
        )
    })?;
    let epoch = text.strip_suffix('\n').and_then(|text| text.parse::<u64>().ok()).filter(|epoch| format!("{epoch}\n") == text);
    epoch.ok_or_else(|| Error::corrupt(format!("{} does not hold the number of an epoch.", path.display())))
}

/// The epochs that have a folder among the keys.
pub(crate) fn epochs_with_keys(keys: &Path) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(keys).doing("Could not list", keys)? {
        let entry = entry.doing("Could not list", keys)?;
        found.extend(entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    Ok(found)
}

/// Writes the operating and signing keys of an epoch. Does not make the epoch the one in force.
pub(crate) fn write_epoch(
    keys: &Path,
    epoch: u64,
    operating: &HybridIdentity,
    recovery: &HybridRecipient,
    signing: &Signing,
    passphrase: &Passphrase,
    work_factor: u8,
) -> Result<()> {
    let text = Zeroizing::new(
        serde_json::json!({
            "keys": "sago-operating/1", "epoch": epoch,
            "operating": operating.to_secret_string().as_str(), "recovery": recovery.to_string(),
        })
        .to_string()
        .into_bytes(),
    );
    let sealed = seal_with_passphrase(passphrase, work_factor, &text)?;
    durable::write(&operating_path(keys, epoch), &sealed)?;
    let own = operating.recipient();
    durable::write(&signing_path(keys, epoch), &seal_bytes(&[&own, recovery], &signing.encode())?)
}

/// Makes an epoch the one in force: the one atomic step of a rotation.
pub(crate) fn set_current(keys: &Path, epoch: u64) -> Result<()> {
    durable::write(&current_path(keys), format!("{epoch}\n").as_bytes())
}

/// Opens the signing keys of an epoch with any identity that may (operating or recovery).
pub(crate) fn read_signing(keys: &Path, epoch: u64, identity: &HybridIdentity) -> Result<Signing> {
    let path = signing_path(keys, epoch);
    let text = open_bytes(&[identity], &std::fs::read(&path).doing("Could not read", &path)?, &path)?;
    Signing::decode(&text).ok_or_else(|| Error::corrupt(format!("{} does not hold signing keys.", path.display())))
}

/// The error for keys that ended while they were in use.
pub(crate) fn epoch_ended(epoch: u64) -> Error {
    Error::new(ErrorKind::Unavailable, format!("Epoch {epoch} of the keys ended while this was under way. What was received is kept."))
        .hint("Run the same command again: it works with the keys of the new epoch.")
}

impl Keyring {
    /// Opens the keys of the epoch in force.
    pub fn unlock(places: &Places, domain: Uuid, passphrase: &Passphrase) -> Result<Self> {
        let epoch = current_epoch(&places.keys)?;
        let path = operating_path(&places.keys, epoch);
        let text = open_with_passphrase(passphrase, &path, "The passphrase is wrong. Nothing was opened or changed.").map_err(|error| {
            error.hint("If the passphrase or the key is lost for good, `sago key recover` makes a new operating key from the custodians' shares.")
        })?;
        let bad = || Error::corrupt(format!("{} does not hold an operating key.", path.display()));
        let value: Value = serde_json::from_slice(&text).map_err(|_| bad())?;
        let member = |name: &str| value.get(name).and_then(Value::as_str).ok_or_else(bad);
        if member("keys")? != "sago-operating/1" || value.get("epoch").and_then(Value::as_u64) != Some(epoch) {
            return Err(bad());
        }
        let operating = member("operating")?.parse::<HybridIdentity>().map_err(|_| bad())?;
        let recovery = member("recovery")?.parse::<HybridRecipient>().map_err(|_| bad())?;
        let signing = read_signing(&places.keys, epoch, &operating)?;
        Ok(Self::new(epoch, operating, recovery, signing, places, domain))
    }

    pub(crate) fn new(epoch: u64, operating: HybridIdentity, recovery: HybridRecipient, signing: Signing, places: &Places, domain: Uuid) -> Self {
        Self {
            epoch,
            operating,
            recovery,
            signing,
            vault: places.vault.clone(),
            keys: places.keys.clone(),
            place: places.place,
            domain,
            units: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// The keys that sign checkpoints.
    pub fn signing(&self) -> &Signing {
        &self.signing
    }

    /// The recipient of the offline recovery identity.
    pub fn recovery(&self) -> &HybridRecipient {
        &self.recovery
    }

    /// Which of the repository's places these keys work in.
    pub(crate) fn place(&self) -> Uuid {
        self.place
    }

    /// The unit that holds what belongs to no person.
    pub fn domain(&self) -> Uuid {
        self.domain
    }

    /// Wraps a unit's key for the vault; does not write it.
    pub fn wrap(&self, identity: &HybridIdentity, mode: Mode) -> Result<Wrapped> {
        vault::wrap(identity, mode, &self.operating.recipient(), &self.recovery)
    }

    /// Writes a wrapped key into the vault, durably.
    pub fn put(&self, unit: Uuid, wrapped: &Wrapped) -> Result<()> {
        vault::write(&self.vault, self.epoch, unit, wrapped)?;
        if wrapped.mode == Mode::Sealed {
            self.forget(unit);
        }
        Ok(())
    }

    /// Writes a wrapped key durably beside the one in force. It takes its place by [`Keyring::take_next`], once its event is entered; if we
    /// crash between, the next opening does that, and erases it when no event speaks of it.
    pub(crate) fn put_next(&self, unit: Uuid, wrapped: &Wrapped) -> Result<()> {
        vault::write_next(&self.vault, self.epoch, unit, wrapped)?;
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(unit, wrapped.unit.clone());
        Ok(())
    }

    /// Puts a waiting key in its place.
    pub(crate) fn take_next(&self, unit: Uuid) -> Result<()> {
        vault::take_next(&self.vault, self.epoch, unit)?;
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&unit);
        self.forget(unit);
        Ok(())
    }

    /// Opens a waiting key as if it were in its place.
    pub(crate) fn open_waiting(&self, unit: Uuid) -> Result<()> {
        let identity = vault::open_next(&self.vault, self.epoch, unit, &self.operating)?;
        self.units.lock().unwrap_or_else(PoisonError::into_inner).insert(unit, Arc::new(identity));
        Ok(())
    }

    /// The key of a unit. `Forbidden` when the unit is sealed, `NotFound` when its key is not in the vault.
    pub fn unit(&self, unit: Uuid) -> Result<Arc<HybridIdentity>> {
        if let Some(found) = self.units.lock().unwrap_or_else(PoisonError::into_inner).get(&unit) {
            return Ok(found.clone());
        }
        let opened = vault::open(&self.vault, self.epoch, unit, &self.operating);
        let identity = Arc::new(opened.map_err(|error| match error.kind {
            // Destroyed, unless all keys of this epoch are gone.
            ErrorKind::NotFound if current_epoch(&self.keys).is_ok_and(|current| current != self.epoch) => epoch_ended(self.epoch),
            _ => error,
        })?);
        self.units.lock().unwrap_or_else(PoisonError::into_inner).insert(unit, identity.clone());
        Ok(identity)
    }

    /// The recipient of a unit: works for sealed units too, so that evidence can be added to them.
    pub fn recipient(&self, unit: Uuid) -> Result<HybridRecipient> {
        if let Some(waiting) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(&unit) {
            return Ok(waiting.clone());
        }
        match self.unit(unit) {
            Ok(identity) => Ok(identity.recipient()),
            Err(error) if error.kind == ErrorKind::Forbidden => vault::open_recipient(&self.vault, self.epoch, unit, &self.operating),
            Err(error) => Err(error),
        }
    }

    /// Forgets the opened key of a unit.
    pub fn forget(&self, unit: Uuid) {
        self.units.lock().unwrap_or_else(PoisonError::into_inner).remove(&unit);
    }

    /// Forgets the opened keys of all units.
    pub(crate) fn forget_all(&self) {
        self.units.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Removes the wrapped key of a unit from the vault, in every epoch folder, and forgets it.
    pub(crate) fn destroy(&self, unit: Uuid) -> Result<()> {
        self.forget(unit);
        vault::erase(&self.vault, self.epoch, unit)
    }

    /// Whether the vault still holds a wrapped key of the unit, in any epoch.
    pub(crate) fn holds(&self, unit: Uuid) -> Result<bool> {
        vault::holds(&self.vault, self.epoch, unit)
    }

    pub(crate) fn operating(&self) -> &HybridIdentity {
        &self.operating
    }

    pub(crate) fn vault(&self) -> &Shelf {
        &self.vault
    }
}
