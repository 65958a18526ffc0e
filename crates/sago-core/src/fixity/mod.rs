//! Fixity: reading stored files again and comparing them with their recorded digests, on schedule or on demand.
//!
//! Works on ciphertext: no key is opened, so it can run while every unit is sealed.

pub(crate) mod store;

use std::io::Read;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use sha2::{Digest, Sha256, Sha512};
use sqlx::Row;
use uuid::Uuid;

use crate::ctx::{Ctx, Right, micros};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::event::{FixityChecked, FixityCheckedDetail};
use crate::ledger::{Tx, signed};
use crate::repository::Repository;
use crate::store::fault;

/// Files checked between two events: what an interruption may cost, and what one event holds.
const BATCH: u64 = 1_000;

/// How far a check is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files read.
    pub files: AtomicU64,
    /// Bytes read.
    pub bytes: AtomicU64,
    /// Files to read.
    pub files_expected: AtomicU64,
    /// Set by the outside to stop: files that were read whole are still entered.
    pub stop: AtomicBool,
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Files that are not what they should be.
    pub failures: Vec<Failure>,
    /// Files not yet due.
    pub not_due: u64,
}

/// A stored file that is not what it should be.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Object.
    pub object: Uuid,
    /// Path in its content folder.
    pub content: String,
    /// `mismatch`, `missing` or `unreadable`.
    pub outcome: &'static str,
    /// Number of an item it belongs to.
    pub item: Option<String>,
}

/// Checks the files that are due, or all; oldest first, so that an interrupted check goes on where it stopped.
pub async fn check_fixity(repo: &Repository, ctx: &Ctx, all: bool, progress: &Progress) -> Result<Checked> {
    ctx.require(Right::Check)?;
    repo.require_live()?;
    let begun = micros(ctx.now());
    let due_before = if all { begun } else { due_before(repo, begun)? };
    let count = |due: bool| {
        let sign = if due { "<=" } else { ">" };
        format!("SELECT COUNT(*) FROM contents WHERE checked_at {sign} $1")
    };
    let expected: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count(true))).bind(due_before).fetch_one(repo.db().read()).await?;
    let not_due: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count(false))).bind(due_before).fetch_one(repo.db().read()).await?;
    progress.files_expected.store(crate::ledger::unsigned(expected)?, Ordering::Relaxed);
    let mut checked = Checked { not_due: crate::ledger::unsigned(not_due)?, ..Checked::default() };
    let mut last: Option<(String, String)> = None;
    loop {
        // Within one check, files are taken in the order of their names, each once, whatever the clock does meanwhile.
        let (object, path) = last.clone().unwrap_or_default();
        let rows = sqlx::query(
            "SELECT object, path FROM contents WHERE checked_at <= $1 AND (object > $2 OR (object = $2 AND path > $3)) ORDER BY object, path LIMIT $4",
        )
        .bind(due_before)
        .bind(&object)
        .bind(&path)
        .bind(signed(BATCH))
        .fetch_all(repo.db().read())
        .await?;
        let batch = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<Vec<(String, String)>>>()?;
        let Some(end) = batch.last() else { return Ok(checked) };
        last = Some(end.clone());
        let outcomes = tokio::task::block_in_place(|| read_batch(repo, batch, progress))?;
        fault::point("fixity-read");
        enter(repo, ctx, repo.begin().await?, &outcomes, &mut checked).await?;
        if progress.stop.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, format!("The check was stopped after {} files. What was checked is recorded.", checked.files))
                .hint("Run the same command without `--all` to go on with what is due."));
        }
    }
}

/// Files last checked at or before this moment are due. Microseconds, as is `now`.
pub(crate) fn due_before(repo: &Repository, now: i64) -> Result<i64> {
    let interval = i64::from(repo.settings.fixity.interval_days).checked_mul(24 * 60 * 60 * 1_000_000);
    interval.and_then(|interval| now.checked_sub(interval)).ok_or_else(|| Error::invalid("The fixity interval cannot be reckoned: it is too long."))
}

/// A stored file that was read: object, path in its content folder, outcome, bytes.
pub(crate) struct Outcome {
    object: String,
    content: String,
    outcome: &'static str,
    bytes: u64,
}

/// The stored files of one object that were last checked before a moment, in the order of their names, after `last`: at most one batch.
pub(crate) async fn due_of(repo: &Repository, object: &str, due_before: i64, last: &str) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query("SELECT object, path FROM contents WHERE object = $1 AND path > $2 AND checked_at <= $3 ORDER BY path LIMIT $4")
        .bind(object)
        .bind(last)
        .bind(due_before)
        .bind(signed(BATCH))
        .fetch_all(repo.db().read())
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Enters what a batch found.
pub(crate) async fn enter(repo: &Repository, ctx: &Ctx, mut tx: Tx<'_>, outcomes: &[Outcome], checked: &mut Checked) -> Result<()> {
    if outcomes.is_empty() {
        return Ok(());
    }
    let mut failures = 0;
    let mut bytes = 0;
    let mut results = Vec::with_capacity(outcomes.len());
    for Outcome { object, content, outcome, bytes: read } in outcomes {
        results.push(format!("{object}/{content} {outcome}"));
        bytes += read;
        if *outcome != "ok" {
            failures += 1;
            let text =
                "SELECT i.number FROM items i JOIN accessions a ON a.id = i.accession WHERE i.object = $1 AND i.content = $2 ORDER BY a.number, i.seq LIMIT 1";
            let item: Option<String> = sqlx::query_scalar(text).bind(object).bind(content).fetch_optional(repo.db().read()).await?;
            let object = Uuid::parse_str(object).map_err(|_| Error::corrupt("A content's row was altered."))?;
            checked.failures.push(Failure { object, content: content.clone(), outcome, item });
        }
    }
    checked.files += outcomes.len() as u64;
    checked.bytes += bytes;
    let event = FixityChecked { files: outcomes.len() as u64, bytes, failures };
    tx.append(repo.settings.domain_unit, event.with(FixityCheckedDetail { results }));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Ok(())
}

/// Reads a batch on all cores. The recorded digest is the one in the object's inventory, which the log commits to. What a stop came
/// before is not in the answer.
pub(crate) fn read_batch(repo: &Repository, batch: Vec<(String, String)>, progress: &Progress) -> Result<Vec<Outcome>> {
    let mut inventories = std::collections::HashMap::new();
    for (object, _) in &batch {
        if !inventories.contains_key(object) {
            let id = Uuid::parse_str(object).map_err(|_| Error::corrupt("A content's row was altered."))?;
            inventories.insert(object.clone(), (id, digests_of(repo, id)?));
        }
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<Reading>>>> = Mutex::new(batch.iter().map(|_| None).collect());
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((object, content)) = batch.get(at) else { break };
                    let outcome = match inventories.get(object) {
                        Some((id, Some(digests))) => check_one(repo, *id, content, digests, progress),
                        _ => Ok(Some(("missing", 0))),
                    };
                    let Some(outcome) = outcome.transpose() else { break };
                    progress.files.fetch_add(1, Ordering::Relaxed);
                    results.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(outcome);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !progress.stop.load(Ordering::Relaxed) && results.iter().any(Option::is_none) {
        return Err(Error::internal("a fixity thread ended early"));
    }
    let mut read = Vec::with_capacity(batch.len());
    for ((object, content), outcome) in batch.into_iter().zip(results) {
        if let Some(outcome) = outcome {
            let (outcome, bytes) = outcome?;
            read.push(Outcome { object, content, outcome, bytes });
        }
    }
    Ok(read)
}

type Digests = std::collections::HashMap<String, String>;

/// What reading one file came to, and bytes read.
type Reading = (&'static str, u64);

/// SHA-256 of every stored file of an object, from its inventory's fixity block; `None` when the inventory is not there.
fn digests_of(repo: &Repository, object: Uuid) -> Result<Option<Digests>> {
    let Some(bytes) = repo.blobs.inventory(object)? else { return Ok(None) };
    let value: serde_json::Value = match serde_json::from_slice(&bytes) {
        Ok(value) => value,
        Err(_) => return Ok(None),
    };
    let Some(block) = value.pointer("/fixity/sha256").and_then(serde_json::Value::as_object) else { return Ok(None) };
    let mut found = Digests::new();
    for (digest, paths) in block {
        for path in paths.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str) {
            if let Some(content) = path.strip_prefix("v1/content/") {
                found.insert(content.to_owned(), digest.clone());
            }
        }
    }
    Ok(Some(found))
}

/// Reads one stored file and compares; nothing when a stop came before its end. A store that does not answer is an error, never a missing file.
fn check_one(repo: &Repository, object: Uuid, content: &str, digests: &Digests, progress: &Progress) -> Result<Option<Reading>> {
    let mut file = match repo.blobs.open_content(object, content) {
        Ok(file) => file,
        Err(error) if error.kind == ErrorKind::Corrupt => return Ok(Some(("missing", 0))),
        Err(error) if repo.blobs.root().folder().is_none() => return Err(error),
        Err(_) => return Ok(Some(("unreadable", 0))),
    };
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        // One file may be tens of gigabytes: whoever stops does not wait for its end.
        if progress.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&block[..read]);
                bytes += read as u64;
                progress.bytes.fetch_add(read as u64, Ordering::Relaxed);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            // A connection that breaks off says nothing of the file: it must not be entered as a failure for ever.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {
                return Err(Error::io("Could not read", std::path::Path::new(&file.name), &error));
            }
            Err(_) => return Ok(Some(("unreadable", bytes))),
        }
    }
    let is_same = digests.get(content).is_some_and(|digest| *digest == hex::encode(hasher.finalize()));
    Ok(Some((if is_same { "ok" } else { "mismatch" }, bytes)))
}

/// SHA-512 of a stream, hexadecimal.
pub(crate) fn sha512_of(reader: &mut dyn Read) -> std::io::Result<String> {
    let mut hasher = Sha512::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok(hex::encode(hasher.finalize())),
            Ok(read) => hasher.update(&block[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
