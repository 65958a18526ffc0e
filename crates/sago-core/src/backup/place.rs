//! Where a backup may lie, and the two small files that say what a folder is a backup of.
//!
//! Everything here is asked before the first byte is written. A copy of the vault beside a copy of the records would undo the one thing
//! that makes destruction possible, so the two refuse each other's folders.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Error, IoContext, Result};
use crate::settings::{self, Places, is_within};
use crate::store::durable;
use crate::store::shelf::Shelf;

/// Says that a folder is a backup of the records.
pub const RECORDS_FILE: &str = "backup.json";

/// Says that a folder is a backup of the vault.
pub const VAULT_FILE: &str = "vault-backup.json";

/// What `backup.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecordsNote {
    /// The repository.
    pub repository: Uuid,
    /// When it was made (payload time).
    pub at: String,
    /// Whether it was finished; a first run that was interrupted was not.
    pub is_complete: bool,
    /// Whether its test passed.
    pub is_tested: bool,
    /// Whether it is a replica, which has a note of another kind.
    pub is_replica: bool,
    /// Newest generation of the logs in it.
    pub generation: u64,
    /// The signed head of the custody log.
    pub custody: String,
    /// The signed head of the access log.
    pub access: String,
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

impl RecordsNote {
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let value = json!({
            "backup": "sago-backup/1", "repository": self.repository.to_string(), "at": self.at, "complete": self.is_complete,
            "tested": self.is_tested, "generation": self.generation, "custody": self.custody, "access": self.access, "files": self.files, "bytes": self.bytes,
        });
        write(&folder.join(RECORDS_FILE), &value)
    }

    /// What `backup.json` would say of a replica: its published heads stand for what was copied.
    pub(super) fn of_replica(folder: &Path) -> Result<Option<Self>> {
        let Some((repository, at)) = crate::replica::made_at(folder)? else { return Ok(None) };
        let log = Shelf::Disk(folder.join("log"));
        let generation = log.list("")?.iter().filter_map(|child| child.name.parse().ok()).max().unwrap_or(1);
        let head = |name: &str| log.read_text(&format!("{generation}/{name}/checkpoint")).map(Option::unwrap_or_default);
        Ok(Some(Self {
            repository,
            is_complete: at.is_some(),
            at: at.unwrap_or_default(),
            is_tested: false,
            is_replica: true,
            generation,
            custody: head("custody")?,
            access: head("access")?,
            files: 0,
            bytes: 0,
        }))
    }

    /// Reads the note in a folder; nothing when there is none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RECORDS_FILE);
        let Some(value) = read(&path)? else { return Ok(None) };
        let note = || {
            (text(&value, "backup")? == "sago-backup/1").then_some(())?;
            Some(Self {
                repository: Uuid::parse_str(text(&value, "repository")?).ok()?,
                at: text(&value, "at")?.to_owned(),
                is_complete: value.get("complete")?.as_bool()?,
                is_tested: value.get("tested")?.as_bool()?,
                is_replica: false,
                generation: value.get("generation")?.as_u64()?,
                custody: text(&value, "custody")?.to_owned(),
                access: text(&value, "access")?.to_owned(),
                files: value.get("files")?.as_u64()?,
                bytes: value.get("bytes")?.as_u64()?,
            })
        };
        note().map(Some).ok_or_else(|| not_understood(&path))
    }
}

/// What `vault-backup.json` says. No secret stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VaultNote {
    /// The repository.
    pub repository: Uuid,
    /// When it was made (payload time).
    pub at: String,
    /// Until when it must be erased (payload time).
    pub erase_by: String,
    /// Whether it was finished.
    pub is_complete: bool,
    /// The epoch whose shares open it.
    pub epoch: u64,
    /// The generation of the logs whose signing keys are in it.
    pub generation: u64,
    /// Unit keys.
    pub units: u64,
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

impl VaultNote {
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let value = json!({
            "backup": "sago-vault-backup/1", "repository": self.repository.to_string(), "at": self.at, "erase_by": self.erase_by,
            "complete": self.is_complete, "epoch": self.epoch, "generation": self.generation, "units": self.units,
            "files": self.files, "bytes": self.bytes,
        });
        write(&folder.join(VAULT_FILE), &value)
    }

    /// Reads the note in a folder; nothing when there is none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(VAULT_FILE);
        let Some(value) = read(&path)? else { return Ok(None) };
        let note = || {
            (text(&value, "backup")? == "sago-vault-backup/1").then_some(())?;
            let number = |name: &str| value.get(name).and_then(Value::as_u64);
            Some(Self {
                repository: Uuid::parse_str(text(&value, "repository")?).ok()?,
                at: text(&value, "at")?.to_owned(),
                erase_by: text(&value, "erase_by")?.to_owned(),
                is_complete: value.get("complete")?.as_bool()?,
                epoch: number("epoch")?,
                generation: number("generation")?,
                units: number("units")?,
                files: number("files")?,
                bytes: number("bytes")?,
            })
        };
        note().map(Some).ok_or_else(|| not_understood(&path))
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn write(path: &Path, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::internal(format!("The description of a backup cannot be written: {error}")))?;
    durable::write(path, format!("{text}\n").as_bytes())
}

fn read(path: &Path) -> Result<Option<Value>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| not_understood(path)),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::io("Could not read", path, &error)),
    }
}

fn not_understood(path: &Path) -> Error {
    Error::invalid(format!("{} is not the description of a backup that this Sago knows.", path.display()))
        .hint("It was damaged, or written by a newer Sago. Name another folder; nothing was written.")
}

/// Checks that the records may be copied to `folder`. Answers what the copy that is there says of itself.
pub(super) fn check_records(places: &Places, repository: Uuid, folder: &Path) -> Result<Option<RecordsNote>> {
    check_apart(places, folder)?;
    for vault in std::iter::once(folder.to_owned()).chain(children(folder)?).chain(above(folder)?) {
        if vault.join(VAULT_FILE).exists() {
            return Err(Error::conflict(format!("{} holds a backup of the vault.", vault.display()))
                .hint("The records and the vault must not lie together: who carries away the one must not have the other. Name another folder, best on another medium."));
        }
    }
    let note = RecordsNote::read(folder)?;
    match &note {
        Some(note) if note.repository != repository => Err(other_repository(folder)),
        Some(_) => Ok(note),
        None => check_empty(folder).map(|()| None),
    }
}

/// Checks that the vault may be copied to `folder`. Answers what the copy that is there says of itself.
pub(super) fn check_vault(places: &Places, repository: Uuid, folder: &Path) -> Result<Option<VaultNote>> {
    check_apart(places, folder)?;
    for records in std::iter::once(folder.to_owned()).chain(children(folder)?).chain(above(folder)?) {
        if records.join(RECORDS_FILE).exists() || records.join("0=ocfl_1.1").exists() {
            return Err(Error::conflict(format!("{} holds records: a copy of the vault must not lie with what it opens.", records.display()))
                .hint("Name another folder, best on another medium that is kept elsewhere."));
        }
    }
    let note = VaultNote::read(folder)?;
    match &note {
        Some(note) if note.repository != repository => Err(other_repository(folder)),
        Some(_) => Ok(note),
        None => check_empty(folder).map(|()| None),
    }
}

fn check_apart(places: &Places, folder: &Path) -> Result<()> {
    for place in places.folders() {
        if is_within(folder, place)? || is_within(place, folder)? {
            return Err(Error::invalid(format!("{} and the repository's own {} lie one in the other.", folder.display(), place.display()))
                .hint("Name a folder elsewhere, best on another disk: a copy beside the original is lost with it. Nothing was written."));
        }
    }
    for other in above(folder)?.into_iter().filter(|other| !is_same(other, folder)) {
        if [RECORDS_FILE, VAULT_FILE, settings::FILE].iter().any(|name| other.join(name).exists()) {
            return Err(Error::conflict(format!("{} lies in {}, which is a repository or a backup itself.", folder.display(), other.display()))
                .hint("Name a folder elsewhere. Nothing was written."));
        }
    }
    if folder.join(settings::FILE).exists() && !folder.join(RECORDS_FILE).exists() {
        return Err(Error::conflict(format!("{} is a repository.", folder.display())).hint("Name another folder. Nothing was written."));
    }
    Ok(())
}

fn other_repository(folder: &Path) -> Error {
    Error::conflict(format!("{} is a backup of another repository.", folder.display())).hint("Name another folder. Nothing was written.")
}

/// A folder that is no backup yet must be absent or empty.
fn check_empty(folder: &Path) -> Result<()> {
    if is_empty(folder)? {
        return Ok(());
    }
    Err(Error::conflict(format!("{} holds something else.", folder.display()))
        .hint("Name a folder that does not exist yet, an empty one, or one that this repository was copied to before."))
}

/// Whether a folder is absent or empty. What a new file system brings along does not count.
pub(super) fn is_empty(folder: &Path) -> Result<bool> {
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                if entry.doing("Could not look into", folder)?.file_name() != "lost+found" {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Error::io("Could not look into", folder, &error)),
    }
}

fn is_same(one: &Path, two: &Path) -> bool {
    one == two || one.canonicalize().ok().is_some_and(|one| two.canonicalize().ok() == Some(one))
}

/// The folders above one, and where it really lies.
fn above(folder: &Path) -> Result<Vec<PathBuf>> {
    let folder = std::path::absolute(folder).doing("Could not resolve", folder)?;
    // Links are followed as far as the path exists, so that a backup is not hidden behind one.
    let there = folder.ancestors().find_map(|path| path.canonicalize().ok());
    Ok(folder.ancestors().skip(1).map(Path::to_owned).chain(there.iter().flat_map(|path| path.ancestors().map(Path::to_owned))).collect())
}

/// The folders directly below one.
fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            let mut found = Vec::new();
            for entry in entries {
                let path = entry.doing("Could not look into", folder)?.path();
                if path.is_dir() {
                    found.push(path);
                }
            }
            Ok(found)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("Could not look into", folder, &error)),
    }
}
