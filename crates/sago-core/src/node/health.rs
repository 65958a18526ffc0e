//! Whether a node can answer: database, store and keys, and how far the logs' signed heads are.

use sqlx::Row;

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::event::Log;
use crate::ledger::{sequencer, unsigned};
use crate::repository::Repository;
use crate::store::blobs::Blobs;
use crate::store::dialect::now;

/// What [`health`] saw.
#[derive(Debug)]
pub struct Health {
    /// What does not answer: `database`, `store`, `keys`, `log`, with why.
    pub failing: Vec<(&'static str, Error)>,
    /// The logs, when they can be read.
    pub logs: Vec<LogState>,
}

/// How far the signed head of a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogState {
    /// Name of the log.
    pub log: &'static str,
    /// Generation.
    pub generation: u64,
    /// Entries under the signed head.
    pub size: u64,
    /// Seconds since the newest entry under the head was made.
    pub age_seconds: u64,
    /// Entries that wait for the next head.
    pub waiting: u64,
}

/// Asks everything a node stands on.
pub async fn health(repo: &Repository) -> Health {
    let mut failing = Vec::new();
    let mut logs = Vec::new();
    if let Err(error) = sqlx::query("SELECT 1").fetch_one(repo.db().read()).await {
        failing.push(("database", Error::new(ErrorKind::Unavailable, format!("The database does not answer: {error}"))));
        return Health { failing, logs };
    }
    if let Err(error) = tokio::task::block_in_place(|| Blobs::open(&repo.places.store)) {
        failing.push(("store", error));
    }
    if let Err(error) = keys(repo).await {
        failing.push(("keys", error));
    }
    for log in Log::ALL {
        match state(repo, log).await {
            Ok(state) => logs.push(state),
            Err(error) => failing.push(("log", error)),
        }
    }
    Health { failing, logs }
}

/// The keys at hand are those in force, and the vault can be looked into.
async fn keys(repo: &Repository) -> Result<()> {
    repo.require_keys_in_force().await?;
    if tokio::task::block_in_place(|| repo.keyring().holds(repo.settings.domain_unit))? {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unavailable, "The vault holds no key of the domain unit."))
}

async fn state(repo: &Repository, log: Log) -> Result<LogState> {
    let row = sqlx::query("SELECT generation, next FROM heads WHERE log = $1").bind(log.name()).fetch_one(repo.db().read()).await?;
    let (generation, next) = (unsigned(row.try_get(0)?)?, unsigned(row.try_get(1)?)?);
    let head = sequencer::head(&repo.locks(), log, generation).await?;
    let text = format!("SELECT {} - at FROM events WHERE log = $1 AND generation = $2 AND idx = $3", now(repo.db().engine));
    let age: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(text))
        .bind(log.name())
        .bind(crate::ledger::signed(generation))
        .bind(crate::ledger::signed(head.size.saturating_sub(1)))
        .fetch_optional(repo.db().read())
        .await?;
    // An entry from a clock that stood ahead has no age yet; neither has an empty log.
    let age_seconds = age.and_then(|micros| u64::try_from(micros).ok()).unwrap_or(0) / 1_000_000;
    Ok(LogState { log: log.name(), generation, size: head.size, age_seconds, waiting: next.saturating_sub(head.size) })
}
