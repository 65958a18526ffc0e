//! `sago.toml`: the settings of a repository, in clear, read once and handed down as values. No names stand here.

mod reference;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::store::bucket::{self, Bucket, Server};
use crate::store::dialect::LEASE_MAX_SECONDS;
use crate::store::durable;
use crate::store::shelf::Shelf;

pub use reference::REFERENCE;

/// Version of the repository's format that this Sago writes and the newest that it reads.
pub const FORMAT: u32 = 1;

/// Name of the file in the repository's folder.
pub const FILE: &str = "sago.toml";

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
    /// Which of the places that this repository had this one is: none for the one where it was made.
    #[serde(default, skip_serializing_if = "Uuid::is_nil")]
    pub place: Uuid,
    /// Whether this folder only reads a replica: it has no lock, and nothing can be entered.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Where things are.
    #[serde(default)]
    pub paths: Paths,
    /// The S3 server, when something lies in a bucket.
    #[serde(default)]
    pub s3: Server,
    /// Schedule of fixity checks.
    #[serde(default)]
    pub fixity: Fixity,
    /// Life of keys.
    #[serde(default)]
    pub epoch: Epoch,
    /// Work of nodes.
    #[serde(default)]
    pub work: Work,
    /// Reading originals.
    #[serde(default)]
    pub reading: Reading,
    /// Time-stamping authorities (RFC 3161). None: checkpoints are not time-stamped, and `doctor` says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authority: Vec<Authority>,
    /// Witnesses (C2SP tlog-witness). None: nobody outside remembers the log, and `doctor` says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witness: Vec<Witness>,
    /// Second sites of storage root, logs and time-stamps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replica: Vec<Replica>,
}

// Serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Where things are; relative paths are below the repository's folder. What is a `String` may also be an address `s3://BUCKET/PREFIX`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// The OCFL storage root.
    pub store: String,
    /// The logs and their payload.
    pub log: String,
    /// Time-stamps.
    pub stamps: String,
    /// Text taken out of originals.
    pub derived: String,
    /// This machine's search index.
    pub index: PathBuf,
    /// Wrapped unit keys; never under the storage root.
    pub vault: String,
    /// Operating and signing keys; never under the storage root.
    pub keys: PathBuf,
    /// Deposits in progress on this machine.
    pub staging: PathBuf,
    /// SQLite file, or a `postgres://` address.
    pub database: String,
}

/// What of a repository is to lie elsewhere than below its folder, as people say it when they make or move one.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere {
    /// Address of a PostgreSQL database without a password, instead of an SQLite file.
    pub database: Option<String>,
    /// Address of a bucket (`s3://BUCKET/PREFIX`) for storage root, logs and time-stamps.
    pub blobs: Option<String>,
    /// The vault: a folder, or a bucket of its own.
    pub vault: Option<String>,
    /// The keys: a folder.
    pub keys: Option<PathBuf>,
}

impl Elsewhere {
    /// The paths to write into the settings; whether they can be used is judged when they are resolved.
    pub fn paths(&self) -> Paths {
        let mut paths = Paths::default();
        if let Some(blobs) = &self.blobs {
            let blobs = blobs.trim_end_matches('/');
            (paths.store, paths.log) = (format!("{blobs}/store"), format!("{blobs}/log"));
            (paths.stamps, paths.derived) = (format!("{blobs}/stamps"), format!("{blobs}/derived"));
        }
        paths.vault = self.vault.clone().unwrap_or(paths.vault);
        paths.keys = self.keys.clone().unwrap_or(paths.keys);
        paths.database = self.database.clone().unwrap_or(paths.database);
        paths
    }
}

impl Paths {
    /// Whether any of them is in a bucket, so that an S3 server must be known.
    pub(crate) fn is_on_s3(&self) -> bool {
        [&self.store, &self.vault].iter().any(|address| address.contains("://"))
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            store: "store".into(),
            log: "log".into(),
            stamps: "stamps".into(),
            derived: "derived".into(),
            index: "index".into(),
            vault: "vault".into(),
            keys: "keys".into(),
            staging: "staging".into(),
            database: "index.db".into(),
        }
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

/// Work of nodes: leases, and how often each kind of job is due.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Work {
    /// Life of a lease that is not renewed. Seconds.
    pub lease_seconds: u32,
    /// Pause of an idle node. Milliseconds.
    pub poll_ms: u32,
    /// Between two looks at the log's head. Seconds.
    pub integrate_seconds: u32,
    /// Between two recoveries. Seconds.
    pub recover_seconds: u32,
    /// Between two plannings of fixity checks. Seconds.
    pub fixity_seconds: u32,
    /// Between two time-stamps. Seconds.
    pub stamp_seconds: u32,
    /// Between two rounds of asking witnesses. Seconds.
    pub witness_seconds: u32,
    /// Between two copies to the replicas. Seconds.
    pub replicate_seconds: u32,
    /// Between two looks for items that were not read; 0: nodes read nothing. Seconds.
    pub read_seconds: u32,
    /// After this many days without a sign of its node, a deposit is no longer waited for. Days.
    pub give_up_days: u32,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            lease_seconds: 60,
            poll_ms: 1000,
            integrate_seconds: 10,
            recover_seconds: 60,
            fixity_seconds: 3600,
            stamp_seconds: 86_400,
            witness_seconds: 3600,
            replicate_seconds: 3600,
            read_seconds: 60,
            give_up_days: 14,
        }
    }
}

impl Work {
    /// Between two renewals of a lease: a third of its life, so that one that fails costs nothing.
    pub(crate) fn beat(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.lease_seconds.into()) / 3
    }

    fn check(&self) -> Result<()> {
        if !(2..=LEASE_MAX_SECONDS).contains(&self.lease_seconds) {
            return Err(Error::invalid(format!("`lease_seconds` under [work] must lie between 2 and {LEASE_MAX_SECONDS}.")));
        }
        if !(10..=60_000).contains(&self.poll_ms) {
            return Err(Error::invalid("`poll_ms` under [work] must lie between 10 and 60000."));
        }
        let often = [self.integrate_seconds, self.recover_seconds, self.fixity_seconds, self.stamp_seconds, self.witness_seconds, self.replicate_seconds];
        if often.contains(&0) || self.give_up_days == 0 {
            return Err(Error::invalid("The times under [work] must be at least 1."));
        }
        Ok(())
    }
}

/// Reading originals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reading {
    /// Most memory for one file. MiB.
    pub memory_mb: u32,
    /// Longest time for one file. Seconds.
    pub seconds: u32,
    /// Whether to go on where the walls cannot be put up.
    #[serde(skip_serializing_if = "is_false")]
    pub without_walls: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self { memory_mb: 2048, seconds: 300, without_walls: false }
    }
}

impl Reading {
    fn check(&self) -> Result<()> {
        if !(256..=65_536).contains(&self.memory_mb) || self.seconds == 0 {
            return Err(Error::invalid("`memory_mb` under [reading] must lie between 256 and 65536, and `seconds` be at least 1."));
        }
        Ok(())
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

/// A second site that keeps storage root, logs and time-stamps; never the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replica {
    /// Short name: letters, digits and hyphens.
    pub name: String,
    /// The absolute path of a folder, or `s3://BUCKET/PREFIX`.
    pub address: String,
    /// Address of its S3 server, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Profile of the credentials file that opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

impl Replica {
    /// Its S3 server: what it does not say is as in the repository's own settings.
    pub fn server(&self, own: &Server) -> Server {
        let own = own.or_environment();
        Server {
            endpoint: self.endpoint.clone().or(own.endpoint),
            region: self.region.clone().or(own.region),
            // It may be another server, of which nobody found out.
            conditional_writes: false,
            profile: self.profile.clone(),
        }
    }
}

impl Settings {
    /// The files beside the repository's own that the settings name (roots of authorities, keys of witnesses), each with the path that a
    /// copy of the repository has it under: a path of this machine would lead away from the copy.
    pub(crate) fn outside_files(&mut self) -> Vec<(PathBuf, &mut PathBuf)> {
        let anchors = Path::new("anchors");
        let authorities = self.authority.iter_mut().map(|one| (anchors.join(format!("{}.pem", one.name)), &mut one.anchor));
        authorities.chain(self.witness.iter_mut().map(|one| (anchors.join(format!("{}.witness.vkey", one.name)), &mut one.keys))).collect()
    }

    /// Reads the settings of the repository in `root`.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if root.join("migration.json").exists() {
                    return Err(Error::new(ErrorKind::Conflict, format!("{} is the target of a migration that was interrupted.", root.display()))
                        .hint("Run the same `sago migrate` again, on the repository that is being moved: it goes on."));
                }
                return Err(Error::not_found(format!("{} is not a Sago repository: it has no {FILE}.", root.display()))
                    .hint("Name the repository's folder with `--repo DIR` or SAGO_REPO, or make one with `sago init DIR …`."));
            }
            Err(error) => return Err(Error::io("Could not read", &path, &error)),
        };
        Self::parse(&text, &path)
    }

    /// Reads settings from their text; `path` is where it was found, for errors.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
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
        durable::write(&root.join(FILE), self.text()?.as_bytes())
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> Result<String> {
        self.check()?;
        let text = toml::to_string_pretty(self).map_err(|error| Error::internal(format!("settings cannot be written: {error}")))?;
        let head = "# Settings of a Sago repository. No names belong here: this file is not sealed.\n# See docs/guide/settings.md.\n\n";
        Ok(format!("{head}{text}"))
    }

    /// Says what in it cannot be.
    pub fn check(&self) -> Result<()> {
        for (at, authority) in self.authority.iter().enumerate() {
            let plain = !authority.name.is_empty() && authority.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !plain {
                return Err(Error::invalid(format!("The authority's name “{}” may hold only letters, digits and hyphens.", authority.name)));
            }
            // File names are made of them, and some disks know no difference between capital and small letters.
            if self.authority[..at].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&authority.name)) {
                return Err(Error::invalid(format!("Two authorities have the name “{}”.", authority.name))
                    .hint(format!("Give each [[authority]] in {FILE} a `name` of its own; capital and small letters count as the same.")));
            }
            let is_web = authority
                .url
                .split_once("://")
                .is_some_and(|(scheme, rest)| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) && !rest.is_empty());
            if !is_web {
                return Err(Error::invalid(format!(
                    "The address “{}” of the authority “{}” begins neither with http:// nor with https://.",
                    authority.url, authority.name
                ))
                .hint(format!("Correct its `url` in {FILE}.")));
            }
        }
        for (at, replica) in self.replica.iter().enumerate() {
            let is_plain = !replica.name.is_empty() && replica.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !is_plain || self.replica[..at].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&replica.name)) {
                return Err(Error::invalid(format!("The replica's name “{}” is taken, or holds more than letters, digits and hyphens.", replica.name))
                    .hint(format!("Give each [[replica]] in {FILE} a plain `name` of its own.")));
            }
            let is_place = if replica.address.contains("://") { bucket::parse(&replica.address).is_some() } else { Path::new(&replica.address).is_absolute() };
            if !is_place {
                return Err(Error::invalid(format!("The address “{}” of the replica “{}” cannot be used.", replica.address, replica.name))
                    .hint("Write an absolute path of a folder, or `s3://BUCKET/PREFIX`."));
            }
        }
        for (name, address) in [
            ("store", &self.paths.store),
            ("log", &self.paths.log),
            ("stamps", &self.paths.stamps),
            ("derived", &self.paths.derived),
            ("vault", &self.paths.vault),
        ] {
            if address.contains("://") && bucket::parse(address).is_none() {
                return Err(Error::invalid(format!("`{name}` under [paths] is no folder and no address of a bucket: {address}"))
                    .hint("Write `s3://BUCKET/PREFIX`, in lower case, with letters, digits, `.`, `-` and `_`."));
            }
        }
        if let Some((_, rest)) = self.paths.database.split_once("://")
            && rest.split(['/', '?']).next().is_some_and(|server| server.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')))
        {
            return Err(Error::invalid("The database's address holds a password; settings are not sealed.")
                .hint("Take it out, and give it by PGPASSWORD or PGPASSFILE."));
        }
        crate::witness::check_settings(self)?;
        if !(10..=22).contains(&self.epoch.work_factor) {
            return Err(Error::invalid("`work_factor` must lie between 10 and 22."));
        }
        self.reading.check()?;
        self.work.check()
    }
}

/// The places of a repository, resolved, and checked against each other.
#[derive(Debug, Clone)]
pub struct Places {
    /// The repository's folder.
    pub root: PathBuf,
    /// Which of the repository's places this is ([`Settings::place`]).
    pub place: Uuid,
    /// The OCFL storage root.
    pub store: Shelf,
    /// Wrapped unit keys.
    pub vault: Shelf,
    /// Operating and signing keys.
    pub keys: PathBuf,
    /// Logs.
    pub log: Shelf,
    /// Last signed checkpoints, unless the database keeps them.
    pub lock: PathBuf,
    /// Time-stamps.
    pub stamps: Shelf,
    /// Text taken out of originals.
    pub derived: Shelf,
    /// This machine's search index.
    pub index: PathBuf,
    /// Deposits in progress on this machine; on the same file system as the store, if that is a folder.
    pub staging: PathBuf,
    /// SQLite file or address.
    pub database: String,
}

impl Places {
    /// Resolves the settings' paths and refuses a vault or keys below the storage root, and the reverse.
    pub fn resolve(root: &Path, settings: &Settings) -> Result<Self> {
        let root = std::path::absolute(root).doing("Could not resolve", root)?;
        let at = |path: &Path| if path.is_absolute() { path.to_owned() } else { root.join(path) };
        let shelf = |address: &str| {
            if address.contains("://") { Bucket::at(address, &settings.s3).map(Shelf::Bucket) } else { Ok(Shelf::Disk(at(Path::new(address)))) }
        };
        let database = if settings.paths.database.contains("://") {
            settings.paths.database.clone()
        } else {
            at(Path::new(&settings.paths.database)).to_string_lossy().into_owned()
        };
        let places = Self {
            place: settings.place,
            store: shelf(&settings.paths.store)?,
            vault: shelf(&settings.paths.vault)?,
            keys: at(&settings.paths.keys),
            log: shelf(&settings.paths.log)?,
            lock: root.join("lock"),
            stamps: shelf(&settings.paths.stamps)?,
            derived: shelf(&settings.paths.derived)?,
            index: at(&settings.paths.index),
            staging: at(&settings.paths.staging),
            database,
            root,
        };
        for (what, secret) in [("vault", &places.vault), ("keys", &Shelf::Disk(places.keys.clone()))] {
            for kept in [&places.store, &places.log, &places.stamps, &places.derived] {
                let is_together = match (secret, kept) {
                    (Shelf::Disk(secret), Shelf::Disk(kept)) => is_within(secret, kept)? || is_within(kept, secret)?,
                    // Whoever copies or shares a bucket does it with the whole of it.
                    (Shelf::Bucket(secret), Shelf::Bucket(kept)) => secret.name() == kept.name(),
                    _ => false,
                };
                if is_together {
                    return Err(Error::invalid(format!(
                        "The {what} {secret} and {kept}, which is copied and kept for ever, lie one in the other: every copy would carry the keys that open it, and nothing could ever be destroyed.",
                    ))
                    .hint(format!("Move the {what} elsewhere and correct `{what}` under [paths] in {FILE}.")));
                }
            }
        }
        Ok(places)
    }

    /// The repository's folder, and every folder of it that may lie elsewhere.
    pub fn folders(&self) -> Vec<&Path> {
        let shelves = [&self.store, &self.vault, &self.log, &self.stamps, &self.derived].into_iter().filter_map(Shelf::folder);
        [self.root.as_path(), &self.keys, &self.lock, &self.staging, &self.index].into_iter().chain(shelves).collect()
    }

    /// Refuses to write something in clear into the repository: no copy of the repository may carry it.
    pub fn refuse_inside(&self, output: &Path) -> Result<()> {
        for place in self.folders() {
            if is_within(output, place)? {
                return Err(Error::invalid(format!("{} would lie inside the repository: it holds originals or names in clear.", output.display()))
                    .hint("Name a place elsewhere. Nothing was handed over."));
            }
        }
        Ok(())
    }

    /// Refuses to receive the repository itself, a part of it, or a folder around it: its keys would lie in its own store for ever.
    pub fn refuse_as_source(&self, source: &Path) -> Result<()> {
        for place in self.folders() {
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
