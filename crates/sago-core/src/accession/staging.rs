//! A deposit in progress: what was asked, and which files are already sealed, kept as ciphertext so that an interruption loses nothing.
//!
//! `staging/<accession>/deposit.age` says what the deposit is; `journal` lists what is sealed; `objects/<n>/` are the OCFL objects as
//! they will stand in the store; `held` is locked while a deposit works in the folder. Nothing here is promised to anyone: a folder that
//! no event names is swept. What is sealed here is sealed to the operating key and ends with its epoch: the domain unit's key lives for ever,
//! and names that a copy of this folder kept under it would outlive the destruction of their unit.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sago_packages::Algorithm;
use sago_seal::column::RowKey;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accession::manifest::Manifest;
use crate::accession::pipeline::Sealed;
use crate::error::{Error, IoContext, Result};
use crate::key::{Keyring, open_bytes, random_seed, seal_bytes};
use crate::settings::Places;
use crate::store::durable;
use crate::store::fault::{Operation, tried};

/// What a deposit is, as far as needed to go on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The accession.
    pub accession: Uuid,
    /// Its number.
    pub number: String,
    /// Its unit.
    pub unit: Uuid,
    /// Everything that must be equal for a second command to be the same deposit.
    pub fingerprint: String,
    /// Whether the same command can go on with it: what was read from standard input cannot be read again.
    pub is_resumable: bool,
}

/// A file that is sealed and waits in staging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Which of the sources it came from; the greatest number for standard input.
    pub source: u64,
    /// Path as the sender's disk has it.
    pub path_bytes: Vec<u8>,
    /// Time of change when it was read, microseconds.
    pub modified_micros: i64,
    /// Number of its stored file, from 1.
    pub content: u64,
    /// What the pass found.
    pub sealed: Sealed,
}

/// The staging folder of one deposit.
pub struct Staging {
    /// Its folder.
    pub folder: PathBuf,
    /// What the deposit is.
    pub plan: Plan,
    key: RowKey,
    journal: Mutex<Journal>,
    _held: File,
}

/// Who works in a staging folder.
pub enum Hold {
    /// This process alone, while the file lives. Without a file there was nothing to take.
    Here(Option<File>),
    /// Another process.
    Elsewhere,
}

struct Journal {
    file: File,
    written: u64,
}

impl Staging {
    /// Begins the folder of a deposit.
    pub fn begin(places: &Places, keyring: &Keyring, plan: Plan) -> Result<Self> {
        let folder = places.staging.join(plan.accession.to_string());
        durable::create_dir_all(&folder)?;
        let held = take(&folder, &plan)?;
        let seed = random_seed()?;
        let text = json!({
            "staging": "sago-staging/1", "accession": plan.accession.to_string(), "number": plan.number, "unit": plan.unit.to_string(),
            "fingerprint": plan.fingerprint, "resumable": plan.is_resumable, "key": BASE64.encode(seed.as_ref()),
        });
        let operating = keyring.operating().recipient();
        durable::write(&folder.join("deposit.age"), &seal_bytes(&[&operating], text.to_string().as_bytes())?)?;
        let journal = open_journal(&folder)?;
        Ok(Self { folder, plan, key: RowKey::from_bytes(&seed), journal: Mutex::new(Journal { file: journal, written: 0 }), _held: held })
    }

    /// Takes the folder of an interrupted deposit for this process, unless another works in it.
    pub fn hold(places: &Places, accession: Uuid) -> Result<Hold> {
        let path = places.staging.join(accession.to_string()).join("held");
        match File::options().append(true).open(&path) {
            Ok(held) => Ok(if lock(&held, &path)? { Hold::Here(Some(held)) } else { Hold::Elsewhere }),
            // Nothing is made here: the folder may be one that is just being removed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Hold::Here(None)),
            Err(error) => Err(Error::io("Could not open", &path, &error)),
        }
    }

    /// Reads what a deposit is, without touching its folder. `Forbidden` when the operating key has ended since.
    pub fn plan(places: &Places, keyring: &Keyring, accession: Uuid) -> Result<Plan> {
        Ok(read_plan(places, keyring, accession)?.0)
    }

    /// Opens the folder of a deposit that was interrupted, with what was already sealed. A journal cut short by a crash is read as far as it is whole.
    pub fn reopen(places: &Places, keyring: &Keyring, accession: Uuid) -> Result<(Self, Vec<Done>)> {
        let (plan, key) = read_plan(places, keyring, accession)?;
        let folder = places.staging.join(accession.to_string());
        let held = take(&folder, &plan)?;
        let (done, whole_bytes) = read_journal(&folder, &key)?;
        let journal = open_journal(&folder)?;
        journal.set_len(whole_bytes).doing("Could not mend", &folder.join("journal"))?;
        let written = done.len() as u64;
        Ok((Self { folder, plan, key, journal: Mutex::new(Journal { file: journal, written }), _held: held }, done))
    }

    /// Deposits in progress.
    pub fn all(places: &Places) -> Result<Vec<Uuid>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&places.staging).doing("Could not list", &places.staging)? {
            let entry = entry.doing("Could not list", &places.staging)?;
            if let Some(id) = entry.file_name().to_str().and_then(|name| Uuid::parse_str(name).ok()) {
                found.push(id);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Folder of the object with the given number, from 0.
    pub fn object(&self, part: u64) -> PathBuf {
        self.folder.join("objects").join(part.to_string())
    }

    /// Where the sealed file with the given number is written.
    pub fn content(&self, number: u64) -> PathBuf {
        let (part, name) = content_place(number);
        self.object(part).join("v1/content").join(name)
    }

    /// Notes that files are sealed, durably. The files themselves must be durable already.
    pub fn note_all(&self, done: &[Done]) -> Result<()> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let mut records = Vec::new();
        for (number, one) in (journal.written..).zip(done) {
            let text = journal_text(one).to_string();
            let sealed = self
                .key
                .seal("staging", "journal", &number.to_string(), text.as_bytes())
                .map_err(|error| Error::internal(format!("Sealing failed: {error}")))?;
            records.extend(u32::try_from(sealed.len()).map_err(|_| Error::internal("a journal record is too long"))?.to_be_bytes());
            records.extend(sealed);
        }
        let path = self.folder.join("journal");
        tried(Operation::FileWrite, || journal.file.write_all(&records)).doing("Could not write", &path)?;
        tried(Operation::FileFlush, || journal.file.sync_data()).doing("Could not flush", &path)?;
        journal.written += done.len() as u64;
        Ok(())
    }

    /// Makes everything sealed so far durable.
    pub fn flush(&self) -> Result<()> {
        durable::sync_filesystem(&self.folder)
    }

    /// Keeps the manifest beside the objects, so that a deposit into a sealed unit can be completed after a crash too.
    pub fn keep_manifest(&self, keyring: &Keyring, manifest: &Manifest) -> Result<()> {
        let operating = keyring.operating().recipient();
        let path = self.folder.join("manifest.age");
        durable::write_with(&path, |file| {
            let failed = |error: sago_seal::SealError| match error {
                sago_seal::SealError::Io(error) => Error::io("Could not write", &path, &error),
                other => Error::internal(format!("Sealing failed: {other}")),
            };
            let mut sealer = sago_seal::file::seal_to(&[&operating], BufWriter::with_capacity(1 << 18, file)).map_err(failed)?;
            manifest.write_to(&mut sealer, &path)?;
            sealer.finish().map_err(failed)?.flush().doing("Could not write", &path)
        })
    }

    /// Reads back what [`Staging::keep_manifest`] kept. `Forbidden` when the operating key has ended since.
    pub fn read_manifest(places: &Places, keyring: &Keyring, accession: Uuid) -> Result<Manifest> {
        let path = places.staging.join(accession.to_string()).join("manifest.age");
        let mut manifest = Manifest::in_folder(&places.staging);
        manifest.read_part(&open_bytes(&[keyring.operating()], &std::fs::read(&path).doing("Could not read", &path)?, &path)?)?;
        Ok(manifest)
    }

    /// Removes the folder. What it held is in the store, or was given up.
    pub fn remove(places: &Places, accession: Uuid) -> Result<()> {
        let folder = places.staging.join(accession.to_string());
        if folder.exists() {
            durable::remove_dir_all(&folder)?;
            durable::sync_dir(&places.staging)?;
        }
        Ok(())
    }
}

/// Most stored files in one object: inventories grow with their number (integrity.md B2).
pub const CONTENTS_PER_OBJECT: u64 = 10_000;

/// Object number (from 0) and path in its content folder of a stored file with a number from 1.
pub fn content_place(number: u64) -> (u64, String) {
    let part = (number - 1) / CONTENTS_PER_OBJECT;
    (part, format!("o/{:06}.age", (number - 1) % CONTENTS_PER_OBJECT + 1))
}

/// Takes a staging folder for a deposit. A process that ends, however it ends, lets it go.
fn take(folder: &Path, plan: &Plan) -> Result<File> {
    let path = folder.join("held");
    let held = tried(Operation::FileCreate, || File::options().append(true).create(true).mode(0o600).open(&path)).doing("Could not open", &path)?;
    if lock(&held, &path)? {
        return Ok(held);
    }
    Err(Error::conflict(format!("The same deposit ({}) is under way in another process. Nothing was received by this one.", plan.number))
        .hint("Wait until it is done."))
}

fn lock(held: &File, path: &Path) -> Result<bool> {
    match rustix::fs::flock(held, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(Error::io("Could not lock", path, &error.into())),
    }
}

fn read_plan(places: &Places, keyring: &Keyring, accession: Uuid) -> Result<(Plan, RowKey)> {
    let path = places.staging.join(accession.to_string()).join("deposit.age");
    let text = open_bytes(&[keyring.operating()], &std::fs::read(&path).doing("Could not read", &path)?, &path)?;
    let bad = || Error::corrupt(format!("{} cannot be read.", path.display()));
    let value: Value = serde_json::from_slice(&text).map_err(|_| bad())?;
    let get = |name: &str| value.get(name).and_then(Value::as_str).ok_or_else(bad);
    let key: [u8; 32] = BASE64.decode(get("key")?).ok().and_then(|key| key.try_into().ok()).ok_or_else(bad)?;
    let plan = Plan {
        accession,
        number: get("number")?.to_owned(),
        unit: Uuid::parse_str(get("unit")?).map_err(|_| bad())?,
        fingerprint: get("fingerprint")?.to_owned(),
        is_resumable: value.get("resumable").and_then(Value::as_bool).ok_or_else(bad)?,
    };
    Ok((plan, RowKey::from_bytes(&key)))
}

/// A sealed file as the journal notes it.
pub(super) fn journal_text(done: &Done) -> Value {
    json!({
        "source": done.source, "path": BASE64.encode(&done.path_bytes), "modified": done.modified_micros, "content": done.content, "bytes": done.sealed.bytes,
        "sha256": done.sealed.sha256, "sha512": done.sealed.sha512, "content_bytes": done.sealed.content_bytes,
        "content_sha256": done.sealed.content_sha256, "content_sha512": done.sealed.content_sha512,
        "others": done.sealed.others.iter().map(|(algorithm, digest)| json!([algorithm.name(), digest])).collect::<Vec<_>>(),
    })
}

fn open_journal(folder: &Path) -> Result<File> {
    let path = folder.join("journal");
    tried(Operation::FileCreate, || File::options().append(true).create(true).mode(0o600).open(&path)).doing("Could not open", &path)
}

fn read_journal(folder: &Path, key: &RowKey) -> Result<(Vec<Done>, u64)> {
    let path = folder.join("journal");
    let mut bytes = Vec::new();
    match File::open(&path) {
        Ok(mut file) => file.read_to_end(&mut bytes).doing("Could not read", &path)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(Error::io("Could not open", &path, &error)),
    };
    let mut done = Vec::new();
    let mut at = 0;
    while let Some(record) = next_record(&bytes[at..]) {
        let Ok(text) = key.open("staging", "journal", &done.len().to_string(), record) else { break };
        let Some(one) = serde_json::from_slice(&text).ok().as_ref().and_then(read_done) else { break };
        done.push(one);
        at += 4 + record.len();
    }
    Ok((done, at as u64))
}

fn next_record(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Reads back what [`journal_text`] noted.
pub(super) fn read_done(value: &Value) -> Option<Done> {
    let string = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    let number = |name: &str| value.get(name)?.as_u64();
    let others = value.get("others")?.as_array()?.iter().map(|pair| Some((Algorithm::from_bagit(pair.get(0)?.as_str()?)?, pair.get(1)?.as_str()?.to_owned())));
    Some(Done {
        source: number("source")?,
        path_bytes: BASE64.decode(string("path")?).ok()?,
        modified_micros: value.get("modified")?.as_i64()?,
        content: number("content")?,
        sealed: Sealed {
            bytes: number("bytes")?,
            sha256: string("sha256")?,
            sha512: string("sha512")?,
            others: others.collect::<Option<_>>()?,
            content_bytes: number("content_bytes")?,
            content_sha256: string("content_sha256")?,
            content_sha512: string("content_sha512")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_spread_over_objects_of_ten_thousand() {
        assert_eq!(content_place(1), (0, "o/000001.age".into()));
        assert_eq!(content_place(10_000), (0, "o/010000.age".into()));
        assert_eq!(content_place(10_001), (1, "o/000001.age".into()));
    }
}
