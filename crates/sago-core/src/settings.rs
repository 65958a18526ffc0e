//! `sago.toml`: the settings of a repository, in clear, read once and handed down as values. No names stand here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::store::durable;

/// Version of the repository's format that this Sago writes and the newest that it reads.
pub const FORMAT: u32 = 1;

/// Name of the file in the repository's folder.
pub const FILE: &str = "sago.toml";

/// What stands in the file, as the guide shows it.
pub const REFERENCE: &str = "\
| Setting | Meaning | Unless set |
| --- | --- | --- |
| `format` | Version of the repository's format; written by `sago init`, never changed by hand. | – |
| `repository` | The repository's id. | – |
| `domain_unit` | The unit that holds what belongs to no person. | – |
| `paths.store` | The OCFL storage root. | `store` |
| `paths.vault` | Wrapped unit keys; never under the storage root. | `vault` |
| `paths.keys` | Operating and signing keys; never under the storage root. | `keys` |
| `paths.database` | SQLite file, or a `postgres://` address. | `index.db` |
| `fixity.interval_days` | A stored file is due to be read again after this many days. | `90` |
| `epoch.days` | After this many days `sago doctor` asks for a new epoch. | `365` |
| `epoch.work_factor` | Cost of trying one passphrase: scrypt with N = 2^this; 10 to 22. | `18` |
| `authority.name` | A time-stamping authority, in a table `[[authority]]` each: a short name. | – |
| `authority.url` | Where its requests are sent. | – |
| `authority.anchor` | File of PEM certificates trusted as its roots; a former root stays in it for as long as its stamps are kept. | – |
| `witness_quorum` | So many witnesses must have cosigned; stands above all tables. | all of them |
| `witness.name` | A witness (C2SP tlog-witness) run by somebody else, in a table `[[witness]]` each: a short name. | – |
| `witness.url` | Its submission prefix: `/add-checkpoint` is put behind it. | – |
| `witness.keys` | File of its verifier keys, one a line; every one of them must cosign. | – |
";

/// What the file holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Version of the repository's format.
    pub format: u32,
    /// The repository.
    pub repository: Uuid,
    /// The unit that holds what belongs to no person.
    pub domain_unit: Uuid,
    /// So many witnesses must have cosigned; all of them unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness_quorum: Option<u32>,
    /// Where things are.
    #[serde(default)]
    pub paths: Paths,
    /// Schedule of fixity checks.
    #[serde(default)]
    pub fixity: Fixity,
    /// Life of keys.
    #[serde(default)]
    pub epoch: Epoch,
    /// Time-stamping authorities (RFC 3161). None: checkpoints are not time-stamped, and `doctor` says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authority: Vec<Authority>,
    /// Witnesses (C2SP tlog-witness). None: nobody outside remembers the log, and `doctor` says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witness: Vec<Witness>,
}

/// Where things are; relative paths are below the repository's folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// The OCFL storage root.
    pub store: PathBuf,
    /// Wrapped unit keys; never under the storage root.
    pub vault: PathBuf,
    /// Operating and signing keys; never under the storage root.
    pub keys: PathBuf,
    /// SQLite file, or a `postgres://` address.
    pub database: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self { store: "store".into(), vault: "vault".into(), keys: "keys".into(), database: "index.db".into() }
    }
}

/// Schedule of fixity checks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fixity {
    /// A stored file is due when it was last read longer ago than this. Days.
    pub interval_days: u32,
}

impl Default for Fixity {
    fn default() -> Self {
        Self { interval_days: 90 }
    }
}

/// Life of keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Epoch {
    /// After this many days `doctor` asks for a rotation. Days.
    pub days: u32,
    /// Work factor of passphrases: scrypt with N = 2^this.
    pub work_factor: u8,
}

impl Default for Epoch {
    fn default() -> Self {
        Self { days: 365, work_factor: 18 }
    }
}

/// A time-stamping authority.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Short name, used in file names: letters, digits and hyphens.
    pub name: String,
    /// Where requests are sent.
    pub url: String,
    /// File of PEM certificates trusted as roots for it; relative to the repository's folder.
    pub anchor: PathBuf,
}

/// A witness.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Short name, used in file names: letters, digits and hyphens.
    pub name: String,
    /// Its submission prefix.
    pub url: String,
    /// File of its verifier keys, one a line; relative to the repository's folder.
    pub keys: PathBuf,
}

impl Settings {
    /// Reads the settings of the repository in `root`.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::not_found(format!("{} is not a Sago repository: it has no {FILE}.", root.display()))
                    .hint("Name the repository's folder with `--repo DIR` or SAGO_REPO, or make one with `sago init DIR …`."));
            }
            Err(error) => return Err(Error::io("Could not read", &path, &error)),
        };
        let bad = |error: &dyn std::fmt::Display| {
            Error::invalid(format!("{} cannot be understood: {error}", path.display())).hint("Correct the line named, or restore the file from a backup.")
        };
        // The format is read first and alone: a newer Sago may have written members that this one does not know.
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| bad(&error))?;
        let format = table.get("format").and_then(toml::Value::as_integer).ok_or_else(|| bad(&"it has no `format`"))?;
        if format > i64::from(FORMAT) {
            return Err(Error::new(ErrorKind::Conflict, format!("The repository has format {format}; this Sago reads formats up to {FORMAT}."))
                .hint("It was written by a newer Sago: use that version or a later one. Nothing was changed."));
        }
        if format < 1 {
            return Err(bad(&format!("there is no format {format}")));
        }
        let settings: Self = table.try_into().map_err(|error: toml::de::Error| bad(&error))?;
        settings.check()?;
        Ok(settings)
    }

    /// Writes the settings durably.
    pub fn write(&self, root: &Path) -> Result<()> {
        self.check()?;
        let text = toml::to_string_pretty(self).map_err(|error| Error::internal(format!("settings cannot be written: {error}")))?;
        let head = "# Settings of a Sago repository. No names belong here: this file is not sealed.\n# See docs/guide/settings.md.\n\n";
        durable::write(&root.join(FILE), format!("{head}{text}").as_bytes())
    }

    fn check(&self) -> Result<()> {
        for authority in &self.authority {
            let plain = !authority.name.is_empty() && authority.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !plain {
                return Err(Error::invalid(format!("The authority's name “{}” may hold only letters, digits and hyphens.", authority.name)));
            }
        }
        crate::witness::check_settings(self)?;
        if !(10..=22).contains(&self.epoch.work_factor) {
            return Err(Error::invalid("`work_factor` must lie between 10 and 22."));
        }
        Ok(())
    }
}

/// The places of a repository, resolved, and checked against each other.
#[derive(Debug, Clone)]
pub struct Places {
    /// The repository's folder.
    pub root: PathBuf,
    /// The OCFL storage root.
    pub store: PathBuf,
    /// Wrapped unit keys.
    pub vault: PathBuf,
    /// Operating and signing keys.
    pub keys: PathBuf,
    /// Logs.
    pub log: PathBuf,
    /// Last signed checkpoints.
    pub lock: PathBuf,
    /// Time-stamps.
    pub stamps: PathBuf,
    /// Deposits in progress; on the same file system as the store.
    pub staging: PathBuf,
    /// SQLite file or address.
    pub database: String,
}

impl Places {
    /// Resolves the settings' paths and refuses a vault or keys below the storage root, and the reverse.
    pub fn resolve(root: &Path, settings: &Settings) -> Result<Self> {
        let root = std::path::absolute(root).doing("Could not resolve", root)?;
        let at = |path: &Path| if path.is_absolute() { path.to_owned() } else { root.join(path) };
        let database = if settings.paths.database.contains("://") {
            settings.paths.database.clone()
        } else {
            at(Path::new(&settings.paths.database)).to_string_lossy().into_owned()
        };
        let places = Self {
            store: at(&settings.paths.store),
            vault: at(&settings.paths.vault),
            keys: at(&settings.paths.keys),
            log: root.join("log"),
            lock: root.join("lock"),
            stamps: root.join("stamps"),
            staging: root.join("staging"),
            database,
            root,
        };
        for (what, secret) in [("vault", &places.vault), ("keys", &places.keys)] {
            if is_within(secret, &places.store)? || is_within(&places.store, secret)? {
                return Err(Error::invalid(format!(
                    "The {what} folder {} lies under the storage root {} (or the reverse): every copy of the store would carry the keys that open it, and nothing could ever be destroyed.",
                    secret.display(),
                    places.store.display()
                ))
                .hint(format!("Move the {what} elsewhere and correct `{what}` under [paths] in {FILE}.")));
            }
        }
        Ok(places)
    }

    /// The repository's folder, and every folder of it that lies elsewhere.
    fn all(&self) -> [&Path; 4] {
        [&self.root, &self.store, &self.vault, &self.keys]
    }

    /// Refuses to write something in clear into the repository: no copy of the repository may carry it.
    pub fn refuse_inside(&self, output: &Path) -> Result<()> {
        for place in self.all() {
            if is_within(output, place)? {
                return Err(Error::invalid(format!("{} would lie inside the repository: it holds originals or names in clear.", output.display()))
                    .hint("Name a place elsewhere. Nothing was handed over."));
            }
        }
        Ok(())
    }

    /// Refuses to receive the repository itself, a part of it, or a folder around it: its keys would lie in its own store for ever.
    pub fn refuse_as_source(&self, source: &Path) -> Result<()> {
        for place in self.all() {
            if is_within(source, place)? || is_within(place, source)? {
                return Err(Error::invalid(format!(
                    "{} is or holds the repository itself: its keys would lie in its own store, and nothing could ever be destroyed.",
                    source.display()
                ))
                .hint("Nothing was received. Name what the sender handed over, and nothing else."));
            }
        }
        Ok(())
    }
}

/// Whether `inner` is `outer` or lies below it, following links as far as the paths exist.
pub fn is_within(inner: &Path, outer: &Path) -> Result<bool> {
    let outer = real(outer)?;
    let inner = real(inner)?;
    Ok(inner.starts_with(&outer))
}

fn real(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).doing("Could not resolve", path)?;
    let mut missing = Vec::new();
    let mut there: &Path = &path;
    loop {
        match there.canonicalize() {
            Ok(found) => return Ok(missing.iter().rev().fold(found, |path, name| path.join(name))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match (there.parent(), there.file_name()) {
                (Some(parent), Some(name)) => {
                    missing.push(name.to_owned());
                    there = parent;
                }
                _ => return Ok(path.clone()),
            },
            Err(error) => return Err(Error::io("Could not resolve", there, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            format: FORMAT,
            repository: Uuid::nil(),
            domain_unit: Uuid::nil(),
            witness_quorum: None,
            paths: Paths::default(),
            fixity: Fixity::default(),
            epoch: Epoch::default(),
            authority: Vec::new(),
            witness: Vec::new(),
        }
    }

    #[test]
    fn settings_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let written = settings();
        written.write(folder.path()).unwrap();
        let read = Settings::read(folder.path()).unwrap();
        assert_eq!(read.fixity.interval_days, written.fixity.interval_days);
    }

    #[test]
    fn a_folder_that_is_no_repository_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let error = Settings::read(folder.path()).unwrap_err();
        assert!(error.message.contains("not a Sago repository"));
    }

    #[test]
    fn a_newer_format_is_refused_even_with_unknown_members() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "format = 99\nfuture = true\n").unwrap();
        let error = Settings::read(folder.path()).unwrap_err();
        assert!(error.message.contains("format 99"));
        assert!(error.hints[0].contains("newer Sago"));
    }

    #[test]
    fn a_vault_under_the_storage_root_is_refused_also_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("store")).unwrap();
        let mut bad = settings();
        bad.paths.vault = "store/vault".into();
        assert!(Places::resolve(folder.path(), &bad).is_err());
        std::os::unix::fs::symlink(folder.path().join("store"), folder.path().join("elsewhere")).unwrap();
        bad.paths.vault = "elsewhere/vault".into();
        assert!(Places::resolve(folder.path(), &bad).is_err());
        bad.paths.vault = ".".into();
        assert!(Places::resolve(folder.path(), &bad).is_err());
        assert!(Places::resolve(folder.path(), &settings()).is_ok());
    }
}
