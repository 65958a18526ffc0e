//! From durable events to a signed head: integrates events into the Merkle tree, signs the checkpoint, publishes.
//!
//! Order of durability: payload, entry bundles, tiles, then the lock, then the published checkpoint. Whatever point we crash at, the next
//! run does the same work again from the events and ends in the same tree. A checkpoint is never signed for a tree that does not extend
//! the last one signed.

use std::path::{Path, PathBuf};

use sago_ledger::Hash;
use sago_ledger::append::Appender;
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::note::{Signer, is_with_more_signatures};
use sago_ledger::source::FolderSource;
use sago_ledger::tile::{TILE_LEVELS, TileKind, TilePath};
use sqlx::Row;

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::Keyring;
use crate::ledger::event::Log;
use crate::ledger::lock::{self, Lock};
use crate::ledger::{signed, unsigned};
use crate::settings::Places;
use crate::store::db::Db;
use crate::store::{durable, fault};

/// Most entries integrated under one checkpoint; more are taken in turns.
const BATCH: usize = 1 << 16;

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Generation.
    pub generation: u64,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// Origin.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root.
    pub root: Hash,
}

/// Folder of one log in one generation.
pub fn folder(places: &Places, generation: u64, log: Log) -> PathBuf {
    places.log.join(generation.to_string()).join(log.name())
}

/// Folder of the payload of one generation.
pub fn payload_folder(places: &Places, generation: u64) -> PathBuf {
    places.log.join(generation.to_string()).join("payload")
}

/// The generations there are.
pub fn generations(places: &Places) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&places.log).doing("Could not list", &places.log)? {
        let entry = entry.doing("Could not list", &places.log)?;
        if let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push(number);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Reads a checkpoint's three lines from a signed note, without judging its signatures.
pub(crate) fn read_head(generation: u64, text: &str, place: &Path) -> Result<Head> {
    let bad = || Error::corrupt(format!("{} does not hold a checkpoint.", place.display()));
    let body = text.split("\n\n").next().map(|body| format!("{body}\n")).ok_or_else(bad)?;
    let read = Checkpoint::parse(&body).map_err(|_| bad())?;
    Ok(Head { generation, checkpoint: text.to_owned(), origin: read.origin, size: read.size, root: read.root })
}

/// The last head that was signed, from the lock store. An absent lock is refused: a log is never silently begun anew.
pub fn head(places: &Places, log: Log, generation: u64) -> Result<Head> {
    let text = lock::read(&places.lock, log, generation)?.ok_or_else(|| {
        Error::new(ErrorKind::Conflict, format!("The lock of the {} log is missing from {}.", log.name(), places.lock.display()))
            .hint("Without it nobody can say how long the log was. If this is a copy, use `sago restore`, which begins a new generation of the log.")
    })?;
    read_head(generation, &text, &places.lock)
}

/// Begins a log: writes its verifier keys, signs and publishes the checkpoint of the empty tree.
pub(crate) fn begin(places: &Places, keyring: &Keyring, log: Log, origin: &str) -> Result<()> {
    let generation = keyring.signing().generation;
    let signers = keyring.signing().signers(log, origin)?;
    let keys: String = signers.iter().map(|signer| format!("{}\n", signer.verifier())).collect();
    durable::write(&places.log.join(generation.to_string()).join(format!("{}.vkey", log.name())), keys.as_bytes())?;
    let appended = Appender::open(&FolderSource::new(folder(places, generation, log)), 0, &Hash::EMPTY_ROOT)
        .map_err(|error| Error::internal(format!("An empty log cannot be begun: {error}")))?
        .finish();
    let text = sign(&signers, origin, appended.size, appended.root, jiff::Timestamp::now())?;
    let lock = Lock::hold(&places.lock, log, generation)?;
    lock.swap(None, &text)?;
    durable::write(&folder(places, generation, log).join("checkpoint"), text.as_bytes())
}

fn sign(signers: &[Signer], origin: &str, size: u64, root: Hash, at: jiff::Timestamp) -> Result<String> {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let bad = |error: &dyn std::fmt::Display| Error::internal(format!("The checkpoint cannot be signed: {error}"));
    let checkpoint = Checkpoint::new(origin, size, root).map_err(|error| bad(&error))?;
    Ok(checkpoint.sign(signers, seconds).map_err(|error| bad(&error))?.to_string())
}

/// Integrates every durable event of a log and returns the signed head that covers them.
pub async fn integrate(places: &Places, db: &Db, keyring: &Keyring, log: Log, at: jiff::Timestamp) -> Result<Head> {
    let row = sqlx::query("SELECT generation FROM heads WHERE log = $1").bind(log.name()).fetch_one(db.read()).await?;
    let generation = unsigned(row.try_get(0)?)?;
    let held = tokio::task::block_in_place(|| Lock::hold(&places.lock, log, generation))?;
    let text = held.current()?.ok_or_else(|| {
        Error::new(ErrorKind::Conflict, format!("The lock of the {} log is missing from {}.", log.name(), places.lock.display()))
            .hint("Without it nobody can say how long the log was. If this is a copy, use `sago restore`, which begins a new generation of the log.")
    })?;
    let mut head = read_head(generation, &text, &places.lock)?;
    publish_if_behind(places, log, &head)?;
    loop {
        let next: i64 = sqlx::query_scalar("SELECT next FROM heads WHERE log = $1").bind(log.name()).fetch_one(db.read()).await?;
        let next = unsigned(next)?;
        if next < head.size {
            return Err(database_behind(log, next, head.size));
        }
        if next == head.size {
            return Ok(head);
        }
        head = integrate_batch(places, db, keyring, log, &held, &head, at).await?;
    }
}

/// The error for a database that is older than the log.
pub(crate) fn database_behind(log: Log, next: u64, size: u64) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "The database is older than the {} log: it knows {next} entries, the log was signed at {size}. Entries {next} to {} are missing from it.",
            log.name(),
            size - 1
        ),
    )
    .hint("A database from a backup was put back. Run `sago rebuild`: it makes the database anew from storage root, log and keys, and loses nothing.")
}

async fn integrate_batch(places: &Places, db: &Db, keyring: &Keyring, log: Log, held: &Lock, head: &Head, at: jiff::Timestamp) -> Result<Head> {
    let generation = head.generation;
    let rows = sqlx::query("SELECT idx, entry FROM events WHERE log = $1 AND generation = $2 AND idx >= $3 ORDER BY idx LIMIT $4")
        .bind(log.name())
        .bind(signed(generation))
        .bind(signed(head.size))
        .bind(signed(BATCH as u64))
        .fetch_all(db.read())
        .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for (offset, row) in rows.iter().enumerate() {
        if unsigned(row.try_get(0)?)? != head.size + offset as u64 {
            return Err(Error::corrupt(format!("The database lacks an entry of the {} log after {}.", log.name(), head.size + offset as u64))
                .hint("Run `sago verify`, then `sago rebuild`."));
        }
        entries.push(row.try_get::<Vec<u8>, _>(1)?);
    }
    let until = head.size + entries.len() as u64;
    let segments = sqlx::query("SELECT path, bytes FROM segments WHERE log = $1 AND generation = $2 AND first_idx < $3 ORDER BY first_idx")
        .bind(log.name())
        .bind(signed(generation))
        .bind(signed(until))
        .fetch_all(db.read())
        .await?;
    let mut payload = Vec::with_capacity(segments.len());
    for row in &segments {
        payload.push((payload_folder(places, generation).join(row.try_get::<String, _>(0)?), row.try_get::<Vec<u8>, _>(1)?));
    }
    let next = tokio::task::block_in_place(|| write_batch(places, keyring, log, held, head, &entries, payload, at))?;
    // If we crash here, the segments are written once more by the next run, into the same files.
    let mut tx = db.begin_write().await?;
    for row in &segments {
        sqlx::query("DELETE FROM segments WHERE path = $1 AND generation = $2")
            .bind(row.try_get::<String, _>(0)?)
            .bind(signed(generation))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(next)
}

#[allow(clippy::too_many_arguments)] // one straight line of durable steps; splitting it would hide their order
fn write_batch(
    places: &Places,
    keyring: &Keyring,
    log: Log,
    held: &Lock,
    head: &Head,
    entries: &[Vec<u8>],
    mut files: Vec<(PathBuf, Vec<u8>)>,
    at: jiff::Timestamp,
) -> Result<Head> {
    let folder = folder(places, head.generation, log);
    let source = FolderSource::new(&folder);
    let rolled_back = |error: &dyn std::fmt::Display| {
        Error::corrupt(format!(
            "The {} log on disk is not the one that was last signed (size {}): {error}. Nothing was signed.",
            log.name(),
            head.size
        ))
        .hint("The log was rolled back or damaged. `sago verify` names the files. Put the newer files back, or use `sago restore` to begin a new generation that says what is missing.")
    };
    let mut appender = Appender::open(&source, head.size, &head.root).map_err(|error| rolled_back(&error))?;
    for entry in entries {
        appender.append(entry).map_err(|error| rolled_back(&error))?;
    }
    let appended = appender.finish();
    files.extend(appended.files.into_iter().map(|(path, bytes)| (folder.join(path), bytes)));
    durable::write_all(&files)?;
    fault::point("log-files-written");
    let signers = keyring.signing().signers(log, &head.origin)?;
    let text = sign(&signers, &head.origin, appended.size, appended.root, at)?;
    // If we crash before the swap, the tiles are ahead of the lock and are made again, byte for byte. After it, the checkpoint is published by the next run.
    held.swap(Some(&head.checkpoint), &text)?;
    fault::point("log-locked");
    durable::write(&folder.join("checkpoint"), text.as_bytes())?;
    fault::point("log-published");
    drop_partial_tiles(&folder, head.size, appended.size)?;
    Ok(Head { checkpoint: text, size: appended.size, root: appended.root, ..head.clone() })
}

/// Publishes the locked checkpoint when a crash came between locking and publishing.
pub(crate) fn publish_if_behind(places: &Places, log: Log, head: &Head) -> Result<()> {
    let path = folder(places, head.generation, log).join("checkpoint");
    let published = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData) => String::new(),
        Err(error) => return Err(Error::io("Could not read", &path, &error)),
    };
    // Witnesses' signatures may stand after ours, and nothing else.
    if is_with_more_signatures(&head.checkpoint, &published) {
        return Ok(());
    }
    let is_older = read_head(head.generation, &published, &path).is_ok_and(|published| published.size < head.size && published.origin == head.origin);
    if is_older {
        return durable::write(&path, head.checkpoint.as_bytes());
    }
    Err(Error::corrupt(format!("The published checkpoint {} is not the one that was signed last (size {}).", path.display(), head.size))
        .hint("It was altered. `sago verify` says more; the signed one is in the lock folder."))
}

/// Removes partial tiles that a full tile has replaced; every full tile was made durable before.
fn drop_partial_tiles(folder: &Path, before: u64, after: u64) -> Result<()> {
    let kinds = std::iter::once((TileKind::Entries, 1)).chain((0..TILE_LEVELS).map(|level| (TileKind::Hashes(level), u32::from(level) + 1)));
    for (kind, height) in kinds {
        let Some(width) = 256_u64.checked_pow(height) else { break };
        for index in before / width..after / width {
            let Some(tile) = TilePath::in_tree(kind, index, after) else { continue };
            let path = folder.join(format!("{}.p", tile.full()));
            if path.is_dir() {
                std::fs::remove_dir_all(&path).doing("Could not remove", &path)?;
            }
        }
    }
    Ok(())
}
