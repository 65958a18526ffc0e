//! Jobs: what must be done again and again, or once, by whichever node is free.
//!
//! A job is a row with a lease. A node claims it, renews the lease while it works, and finishes it under the token it was given; a node
//! that dies lets the lease end, and another goes on. Leases are reckoned by the database's clock. Jobs are idempotent: what they do is
//! decided by events and files, and the row only says that somebody should look. The rows are operational (ADR 10): no events, not in a
//! rebuilt database, whose nodes plan everything again.
//!
//! `mod` has the kinds and the queue; `run` does one job; `worker` is the loop of a node.

mod run;
#[cfg(test)]
mod tests;
mod worker;

use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::settings::{Settings, Work};
use crate::store::db::Db;
use crate::store::dialect::{lease_ended, micros_of, now, skip_locked};

pub use run::{Ran, Verdict};
pub use worker::{Mode, work};

/// Longest pause before a job that failed is tried again, in seconds; what is corrupt waits this long at once.
const BACKOFF_MAX_SECONDS: u32 = 3600;

/// Pause after the first failure, in seconds; it doubles with each.
const BACKOFF_SECONDS: u32 = 5;

/// How often a node that others are faster than looks for another job before it rests.
const CLAIM_TRIES: u32 = 16;

/// What a job does. A new kind is a line in [`Kind::ALL`], [`Kind::code`] and [`Kind::every_seconds`], and its step in `run.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Brings the logs' signed heads up to date.
    Integrate,
    /// Completes what an interruption left.
    Recover,
    /// Without a subject: plans what is due. With an object as subject: reads its stored files that are due.
    Fixity,
    /// Asks the time-stamping authorities.
    Stamp,
    /// Asks the witnesses.
    Witness,
    /// Copies what is new to the replicas.
    Replicate,
    /// Without a subject: plans what was not read. With an accession as subject: reads its items.
    Read,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [Self::Integrate, Self::Recover, Self::Fixity, Self::Stamp, Self::Witness, Self::Replicate, Self::Read];

    /// The code in rows and answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::Integrate => "integrate",
            Self::Recover => "recover",
            Self::Fixity => "fixity",
            Self::Stamp => "stamp",
            Self::Witness => "witness",
            Self::Replicate => "replicate",
            Self::Read => "read",
        }
    }

    /// Seconds from one run of the periodic job of this kind to the next; nothing when the settings ask for none.
    pub fn every_seconds(self, settings: &Settings) -> Option<u32> {
        let work = &settings.work;
        match self {
            Self::Integrate => Some(work.integrate_seconds),
            Self::Recover => Some(work.recover_seconds),
            Self::Fixity => Some(work.fixity_seconds),
            Self::Read => (work.read_seconds > 0).then_some(work.read_seconds),
            Self::Replicate => (!settings.replica.is_empty()).then_some(work.replicate_seconds),
            Self::Stamp => (!settings.authority.is_empty()).then_some(work.stamp_seconds),
            Self::Witness => (!settings.witness.is_empty()).then_some(work.witness_seconds),
        }
    }

    fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A job that this node has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What it does.
    pub kind: Kind,
    /// To what; empty for the periodic job of its kind.
    pub subject: String,
    /// How often it was begun since it last ended well, this time included.
    pub attempt: i64,
    /// When it was planned, microseconds by the database's clock.
    pub planned_at: i64,
    /// Raised by every claim: who has an older one has lost the job.
    token: i64,
}

impl Claim {
    /// Whether the settings make it due again when it ends.
    fn every_seconds(&self, settings: &Settings) -> Option<u32> {
        if self.subject.is_empty() { self.kind.every_seconds(settings) } else { None }
    }

    /// Holds the job until the transaction ends. `Conflict` when the lease ended or another node has it: nothing may be entered any more.
    pub(crate) async fn fence(&self, db: &Db, conn: &mut AnyConnection) -> Result<()> {
        let text = format!("UPDATE jobs SET token = token WHERE kind = $1 AND subject = $2 AND token = $3 AND lease_until >= {}", now(db.engine));
        let done = sqlx::query(sqlx::AssertSqlSafe(text)).bind(self.kind.code()).bind(&self.subject).bind(self.token).execute(conn).await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::conflict("The lease of this job ended; another node goes on with it.")) }
    }

    /// Renews the lease. False when the job is lost.
    async fn renew(&self, db: &Db, work: &Work) -> Result<bool> {
        let set = format!("lease_until = {} + $4", now(db.engine));
        self.change(db, &set, micros_of(work.lease_seconds)).await
    }

    /// Ends the job well: it waits for its next turn, or is gone. False when it was lost, and another node decides.
    async fn finish(&self, db: &Db, settings: &Settings) -> Result<bool> {
        match self.every_seconds(settings) {
            Some(seconds) => {
                let set = format!("due_at = {} + $4, attempts = 0, error = NULL, node = NULL, lease_until = NULL", now(db.engine));
                self.change(db, &set, micros_of(seconds)).await
            }
            None => {
                let text = format!("DELETE FROM jobs WHERE kind = $1 AND subject = $2 AND token = $3 AND lease_until >= {}", now(db.engine));
                let ending = sqlx::query(sqlx::AssertSqlSafe(text)).bind(self.kind.code()).bind(&self.subject).bind(self.token);
                Ok(db.run(ending).await? == 1)
            }
        }
    }

    /// Ends the job badly: it is tried again after a pause. `why` names no person and no file. False when it was lost.
    async fn fail(&self, db: &Db, why: &'static str, is_corrupt: bool) -> Result<bool> {
        let doublings = u32::try_from(self.attempt - 1).unwrap_or(0).min(16);
        let pause = if is_corrupt { BACKOFF_MAX_SECONDS } else { BACKOFF_SECONDS.saturating_mul(1 << doublings).min(BACKOFF_MAX_SECONDS) };
        let set = format!("due_at = {} + $4, error = '{why}', node = NULL, lease_until = NULL", now(db.engine));
        self.change(db, &set, micros_of(pause)).await
    }

    /// Gives the job back as if it had not been claimed. False when it was lost.
    async fn give_back(&self, db: &Db) -> Result<bool> {
        self.change(db, "attempts = attempts - $4, node = NULL, lease_until = NULL", 1).await
    }

    async fn change(&self, db: &Db, set: &str, number: i64) -> Result<bool> {
        let text = format!("UPDATE jobs SET {set} WHERE kind = $1 AND subject = $2 AND token = $3 AND lease_until >= {}", now(db.engine));
        let change = sqlx::query(sqlx::AssertSqlSafe(text)).bind(self.kind.code()).bind(&self.subject).bind(self.token).bind(number);
        Ok(db.run(change).await? == 1)
    }
}

/// Plans jobs, due at once; one that is planned already stays as it is.
pub(crate) async fn plan(db: &Db, conn: &mut AnyConnection, kind: Kind, subjects: &[String]) -> Result<u64> {
    let text = format!(
        "INSERT INTO jobs (kind, subject, planned_at, due_at, token, attempts) VALUES ($1, $2, {0}, {0}, 0, 0) ON CONFLICT (kind, subject) DO NOTHING",
        now(db.engine)
    );
    let mut planned = 0;
    for subject in subjects {
        planned += sqlx::query(sqlx::AssertSqlSafe(text.clone())).bind(kind.code()).bind(subject).execute(&mut *conn).await?.rows_affected();
    }
    Ok(planned)
}

/// Plans the periodic jobs that the settings ask for; each exists once, whatever number of nodes asks.
async fn plan_periodic(db: &Db, settings: &Settings) -> Result<()> {
    let mut tx = db.begin_write().await?;
    for kind in Kind::ALL.into_iter().filter(|kind| kind.every_seconds(settings).is_some()) {
        plan(db, &mut tx, kind, &[String::new()]).await?;
    }
    crate::store::db::commit(tx).await?;
    Ok(())
}

/// Claims the job that is due and that nobody holds: those that never failed first, then the one that waited longest.
///
/// If we crash after this, the lease ends by itself and the job is claimed again, with the next attempt's number.
async fn claim(db: &Db, node: Uuid, settings: &Settings) -> Result<Option<Claim>> {
    let (now, ended) = (now(db.engine), lease_ended(db.engine, "lease_until"));
    // Kinds of a newer Sago are left to its nodes, and so are stamps to nodes that know an authority.
    let known =
        Kind::ALL.into_iter().filter(|kind| kind.every_seconds(settings).is_some()).map(|kind| format!("'{}'", kind.code())).collect::<Vec<_>>().join(", ");
    let is_free = format!("kind IN ({known}) AND due_at <= {now} AND {ended}");
    let text = format!(
        "UPDATE jobs SET token = token + 1, attempts = attempts + 1, node = $1, lease_until = {now} + $2 \
         WHERE (kind, subject) = (SELECT kind, subject FROM jobs WHERE {is_free} ORDER BY attempts, due_at, kind, subject LIMIT 1 {}) \
         AND {ended} RETURNING kind, subject, attempts, planned_at, token",
        skip_locked(db.engine)
    );
    for _ in 0..CLAIM_TRIES {
        // An idle node only reads.
        let waiting: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM jobs WHERE {is_free}"))).fetch_one(db.read()).await?;
        if waiting == 0 {
            break;
        }
        let taking = sqlx::query(sqlx::AssertSqlSafe(text.clone())).bind(node.to_string()).bind(micros_of(settings.work.lease_seconds));
        if let Some(row) = db.run_returning(taking).await? {
            let kind = Kind::of(&row.try_get::<String, _>(0)?).ok_or_else(|| Error::internal("a job of a kind that was not asked for"))?;
            return Ok(Some(Claim { kind, subject: row.try_get(1)?, attempt: row.try_get(2)?, planned_at: row.try_get(3)?, token: row.try_get(4)? }));
        }
    }
    Ok(None)
}

/// A job that failed when it was last tried, or that is being tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Troubled {
    /// Code of its kind.
    pub kind: String,
    /// To what; empty for the periodic job of its kind.
    pub subject: String,
    /// Attempts since it last ended well.
    pub attempts: i64,
    /// Why, in a fixed sentence.
    pub error: String,
}

/// Jobs that did not end well the last time.
pub async fn troubled(db: &Db) -> Result<Vec<Troubled>> {
    let rows = sqlx::query("SELECT kind, subject, attempts, error FROM jobs WHERE error IS NOT NULL ORDER BY kind, subject").fetch_all(db.read()).await?;
    rows.iter().map(|row| Ok(Troubled { kind: row.try_get(0)?, subject: row.try_get(1)?, attempts: row.try_get(2)?, error: row.try_get(3)? })).collect()
}
