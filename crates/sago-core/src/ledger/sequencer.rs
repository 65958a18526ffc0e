//! From durable events to a signed head: integrates events into the Merkle tree, signs the checkpoint, publishes.
//!
//! Order of durability: payload, entry bundles, tiles, then the lock, then the published checkpoint. Whatever point we crash at, the next
//! run does the same work again from the events and ends in the same tree. A checkpoint is never signed for a tree that does not extend
//! the last one signed.

use sago_ledger::Hash;
use sago_ledger::append::Appender;
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::note::{Note, Signer, is_with_more_signatures};
use sago_ledger::policy::Policy;
use sago_ledger::tile::{TILE_LEVELS, TileKind, TilePath};
use sqlx::Row;

use crate::error::{Error, ErrorKind, Result};
use crate::key::Keyring;
use crate::ledger::event::Log;
use crate::ledger::lock::{Lock, Locks};
use crate::ledger::rebuild::published_head;
use crate::ledger::{signed, unsigned};
use crate::settings::Places;
use crate::store::db::Db;
use crate::store::fault;
use crate::store::shelf::Shelf;

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
pub fn folder(places: &Places, generation: u64, log: Log) -> Shelf {
    places.log.below(&format!("{generation}/{}", log.name()))
}

/// Folder of the payload of one generation.
pub fn payload_folder(places: &Places, generation: u64) -> Shelf {
    places.log.below(&format!("{generation}/payload"))
}

/// The generations there are.
pub fn generations(places: &Places) -> Result<Vec<u64>> {
    let mut found: Vec<u64> = places.log.list("")?.iter().filter_map(|child| child.name.parse().ok()).collect();
    found.sort_unstable();
    Ok(found)
}

/// Reads a checkpoint's three lines from a signed note, without judging its signatures.
pub(crate) fn read_head(generation: u64, text: &str, place: &str) -> Result<Head> {
    let bad = || Error::corrupt(format!("{place} does not hold a checkpoint."));
    let body = text.split("\n\n").next().map(|body| format!("{body}\n")).ok_or_else(bad)?;
    let read = Checkpoint::parse(&body).map_err(|_| bad())?;
    Ok(Head { generation, checkpoint: text.to_owned(), origin: read.origin, size: read.size, root: read.root })
}

/// The last head that was signed, from the lock store. An absent lock is refused: a log is never silently begun anew.
pub async fn head(locks: &Locks, log: Log, generation: u64) -> Result<Head> {
    let text = locks.read(log, generation).await?.ok_or_else(|| lock_missing(locks, log))?;
    read_head(generation, &text, &locks.place())
}

fn lock_missing(locks: &Locks, log: Log) -> Error {
    Error::new(ErrorKind::Conflict, format!("The lock of the {} log is missing from {}.", log.name(), locks.place()))
        .hint("Without it nobody can say how long the log was. If this is a copy, use `sago restore`, which begins a new generation of the log.")
}

/// Begins a log: writes its verifier keys, signs and publishes the checkpoint of the empty tree.
pub(crate) async fn begin(places: &Places, locks: &Locks, keyring: &Keyring, log: Log, origin: &str) -> Result<()> {
    let generation = keyring.signing().generation;
    let signers = keyring.signing().signers(log, origin)?;
    let keys: String = signers.iter().map(|signer| format!("{}\n", signer.verifier())).collect();
    places.log.write(&format!("{generation}/{}.vkey", log.name()), keys.as_bytes())?;
    let appended = Appender::open(&folder(places, generation, log), 0, &Hash::EMPTY_ROOT)
        .map_err(|error| Error::internal(format!("An empty log cannot be begun: {error}")))?
        .finish();
    let text = sign(&signers, origin, appended.size, appended.root, jiff::Timestamp::now())?;
    locks.create().await?;
    let mut lock = locks.hold(log, generation).await?;
    lock.swap(None, &text).await?;
    lock.release().await?;
    folder(places, generation, log).write("checkpoint", text.as_bytes())
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
    let locks = Locks::of(places, db);
    let mut held = locks.hold(log, generation).await?;
    let text = held.current().await?.ok_or_else(|| lock_missing(&locks, log))?;
    let mut head = read_head(generation, &text, &locks.place())?;
    publish_if_behind(places, log, &head)?;
    loop {
        let next: i64 = sqlx::query_scalar("SELECT next FROM heads WHERE log = $1").bind(log.name()).fetch_one(db.read()).await?;
        let next = unsigned(next)?;
        if next < head.size {
            return Err(database_behind(log, next, head.size));
        }
        if next == head.size {
            held.release().await?;
            return Ok(head);
        }
        head = integrate_batch(places, db, keyring, log, &mut held, &head, at).await?;
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

async fn integrate_batch(places: &Places, db: &Db, keyring: &Keyring, log: Log, held: &mut Lock, head: &Head, at: jiff::Timestamp) -> Result<Head> {
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
        payload.push((row.try_get::<String, _>(0)?, row.try_get::<Vec<u8>, _>(1)?));
    }
    let (size, root) = tokio::task::block_in_place(|| write_batch(places, log, head, &entries, payload))?;
    let signers = keyring.signing().signers(log, &head.origin)?;
    let text = sign(&signers, &head.origin, size, root, at)?;
    // If we crash before the swap, the tiles are ahead of the lock and are made again, byte for byte. After it, the checkpoint is published by the next run.
    held.swap(Some(&head.checkpoint), &text).await?;
    fault::point("log-locked");
    let folder = folder(places, generation, log);
    folder.write("checkpoint", text.as_bytes())?;
    fault::point("log-published");
    drop_partial_tiles(&folder, head.size, size)?;
    let next = Head { checkpoint: text, size, root, ..head.clone() };
    // If we crash here, the segments are written once more by the next run, into the same files.
    let mut tx = db.begin_write().await?;
    for row in &segments {
        sqlx::query("DELETE FROM segments WHERE path = $1 AND generation = $2")
            .bind(row.try_get::<String, _>(0)?)
            .bind(signed(generation))
            .execute(&mut *tx)
            .await?;
    }
    crate::store::db::commit(tx).await?;
    Ok(next)
}

/// Writes payload, entries and tiles of a batch, durably; says what the tree is then.
fn write_batch(places: &Places, log: Log, head: &Head, entries: &[Vec<u8>], payload: Vec<(String, Vec<u8>)>) -> Result<(u64, Hash)> {
    let folder = folder(places, head.generation, log);
    let rolled_back = |error: &dyn std::fmt::Display| {
        Error::corrupt(format!(
            "The {} log on disk is not the one that was last signed (size {}): {error}. Nothing was signed.",
            log.name(),
            head.size
        ))
        .hint("The log was rolled back or damaged. `sago verify` names the files. Put the newer files back, or use `sago restore` to begin a new generation that says what is missing.")
    };
    let mut appender = Appender::open(&folder, head.size, &head.root).map_err(|error| rolled_back(&error))?;
    for entry in entries {
        appender.append(entry).map_err(|error| rolled_back(&error))?;
    }
    let appended = appender.finish();
    // One flush for all of them, where that is how it is done.
    let payload = payload.into_iter().map(|(path, bytes)| (format!("payload/{path}"), bytes));
    let tiles = appended.files.into_iter().map(|(path, bytes)| (format!("{}/{path}", log.name()), bytes));
    places.log.below(&head.generation.to_string()).write_all(payload.chain(tiles).collect())?;
    fault::point("log-files-written");
    Ok((appended.size, appended.root))
}

/// Moves a lock that is behind the published log up to it, when that log is signed with these keys and extends what the lock remembers.
///
/// Only a lock that came back with an old database can be behind: nothing is published before it is locked.
pub(crate) async fn catch_up(places: &Places, locks: &Locks, keyring: &Keyring, log: Log, generation: u64) -> Result<()> {
    let mut held = locks.hold(log, generation).await?;
    let text = held.current().await?.ok_or_else(|| lock_missing(locks, log))?;
    let locked = read_head(generation, &text, &locks.place())?;
    let published = published_head(places, log, generation)?;
    if published.size > locked.size && generation == keyring.signing().generation {
        let refused = |what: &dyn std::fmt::Display| {
            Error::corrupt(format!("The published {} log is longer than the lock remembers, and cannot be believed: {what}.", log.name()))
                .hint("Somebody wrote into the log's place, or its files are damaged. `sago verify` says more.")
        };
        let verifiers = keyring.signing().signers(log, &locked.origin)?.iter().map(|signer| signer.verifier().clone()).collect();
        let policy = Policy::new(verifiers).map_err(|error| refused(&error))?;
        policy.open(published.checkpoint.as_bytes()).map_err(|error| refused(&error))?;
        let folder = folder(places, generation, log);
        let root_at = |size: u64| {
            let mut reader = sago_ledger::source::TileReader::new(&folder, published.size);
            sago_ledger::merkle::root_at(size, &mut reader).map_err(|error| refused(&error))
        };
        if root_at(published.size)? != published.root {
            return Err(refused(&"its tiles are not those that were signed"));
        }
        if root_at(locked.size)? != locked.root {
            return Err(refused(&"it does not extend what the lock remembers"));
        }
        held.swap(Some(&text), &own_signatures(&published)?).await?;
    }
    held.release().await
}

/// A head's checkpoint as we signed it: without what witnesses added, which the lock does not remember.
fn own_signatures(head: &Head) -> Result<String> {
    let bad = |error: &dyn std::fmt::Display| Error::corrupt(format!("A published checkpoint cannot be read: {error}."));
    let note = Note::parse(head.checkpoint.as_bytes()).map_err(|error| bad(&error))?;
    let mut own = Note::new(note.text().to_owned()).map_err(|error| bad(&error))?;
    for signature in note.signatures().iter().filter(|signature| signature.name == head.origin) {
        own.add(signature.clone()).map_err(|error| bad(&error))?;
    }
    Ok(own.to_string())
}

/// Publishes the locked checkpoint when a crash came between locking and publishing.
pub(crate) fn publish_if_behind(places: &Places, log: Log, head: &Head) -> Result<()> {
    let folder = folder(places, head.generation, log);
    let path = folder.show("checkpoint");
    let published = folder.read("checkpoint")?.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    // Witnesses' signatures may stand after ours, and nothing else.
    if is_with_more_signatures(&head.checkpoint, &published) {
        return Ok(());
    }
    let is_older = read_head(head.generation, &published, &path).is_ok_and(|published| published.size < head.size && published.origin == head.origin);
    if is_older {
        return folder.write("checkpoint", head.checkpoint.as_bytes());
    }
    Err(Error::corrupt(format!("The published checkpoint {path} is not the one that was signed last (size {}).", head.size))
        .hint("It was altered. `sago verify` says more; the signed one is in the lock folder."))
}

/// Removes partial tiles that a full tile has replaced; every full tile was made durable before.
fn drop_partial_tiles(folder: &Shelf, before: u64, after: u64) -> Result<()> {
    let kinds = std::iter::once((TileKind::Entries, 1)).chain((0..TILE_LEVELS).map(|level| (TileKind::Hashes(level), u32::from(level) + 1)));
    for (kind, height) in kinds {
        let Some(width) = 256_u64.checked_pow(height) else { break };
        for index in before / width..after / width {
            let Some(tile) = TilePath::in_tree(kind, index, after) else { continue };
            folder.remove_folder(&format!("{}.p", tile.full()))?;
        }
    }
    Ok(())
}
