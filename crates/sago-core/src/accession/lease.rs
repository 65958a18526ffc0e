//! Who works on a deposit, when several nodes share one database but each has a staging folder of its own.
//!
//! The lease decides first, the lock of the staging folder second. A row says where the staging folder of a deposit lies (its home), when
//! that home last gave a sign, and who works on the deposit until when. Processes of the home need not wait for a lease to end: the lock
//! of the folder tells them exactly whether another of them lives. Every other node waits for the end of the lease, then may do what needs
//! no staging folder: complete the deposit when all its objects are in the storage root. Only when the home was not seen for
//! `work.give_up_days` is the deposit given up.
//!
//! Each taking raises the token. Whoever worked on under an older one is stopped in the transaction that would have entered its result.
//! The rows are operational (ADR 10): no events, not in a rebuilt database. A deposit without a row is its staging folder's alone.

use std::time::Duration;

use sqlx::{AnyConnection, Row};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::node;
use crate::repository::Repository;
use crate::settings::{Places, Work};
use crate::store::db::Db;
use crate::store::dialect::{lease_ended, micros_of, now};

/// A deposit that this process works on; renewed while this lives.
pub(crate) struct Lease {
    accession: Uuid,
    token: i64,
    db: Db,
    beat: JoinHandle<()>,
}

/// How a deposit stands between the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its staging folder is this process's, or nobody's: the lock of the folder decides.
    Home,
    /// A process of another home works on it.
    Busy,
    /// Another home's, where nobody works on it now; that home may come back.
    Away,
    /// Another home's, which was not seen for so long that nobody waits for it.
    Gone,
}

impl Lease {
    /// Takes a deposit that begins, in the transaction that takes its number.
    pub(crate) async fn begin(db: &Db, places: &Places, work: &Work, accession: Uuid, conn: &mut AnyConnection) -> Result<Self> {
        let home = node::home(places)?;
        let text =
            format!("INSERT INTO deposit_leases (accession, home, home_seen, place, token, lease_until) VALUES ($1, $2, {0}, $2, 1, {0} + $3)", now(db.engine));
        sqlx::query(sqlx::AssertSqlSafe(text)).bind(accession.to_string()).bind(&home).bind(micros_of(work.lease_seconds)).execute(conn).await?;
        Ok(Self::beating(db, work, home, accession, 1))
    }

    /// Takes a deposit that was begun, unless a process of another home works on it.
    pub(crate) async fn take(repo: &Repository, accession: Uuid) -> Result<Option<Self>> {
        Self::take_in(repo.db(), &repo.settings.work, node::home(&repo.places)?, accession).await
    }

    async fn take_in(db: &Db, work: &Work, home: String, accession: Uuid) -> Result<Option<Self>> {
        let now = now(db.engine);
        let text = format!(
            "INSERT INTO deposit_leases (accession, home, home_seen, place, token, lease_until) VALUES ($1, $2, {now}, $2, 1, {now} + $3) \
             ON CONFLICT (accession) DO UPDATE SET place = excluded.place, token = deposit_leases.token + 1, lease_until = excluded.lease_until, \
             home_seen = CASE WHEN deposit_leases.home = excluded.place THEN excluded.home_seen ELSE deposit_leases.home_seen END \
             WHERE (deposit_leases.place = excluded.place AND deposit_leases.home = excluded.place) OR {} RETURNING token",
            lease_ended(db.engine, "deposit_leases.lease_until")
        );
        let taking = sqlx::query(sqlx::AssertSqlSafe(text)).bind(accession.to_string()).bind(&home).bind(micros_of(work.lease_seconds));
        let token: Option<i64> = db.run_returning(taking).await?.map(|row| row.try_get(0)).transpose()?;
        Ok(token.map(|token| Self::beating(db, work, home, accession, token)))
    }

    fn beating(db: &Db, work: &Work, place: String, accession: Uuid, token: i64) -> Self {
        let beat = tokio::spawn(renew(db.clone(), work.clone(), place, accession, token));
        Self { accession, token, db: db.clone(), beat }
    }

    /// Holds the deposit until the transaction ends. `Conflict` when another process took it meanwhile: nothing may be entered any more.
    pub(crate) async fn fence(&self, conn: &mut AnyConnection) -> Result<()> {
        let done = sqlx::query("UPDATE deposit_leases SET token = token WHERE accession = $1 AND token = $2")
            .bind(self.accession.to_string())
            .bind(self.token)
            .execute(conn)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(lost()) }
    }

    /// Ends the lease in the transaction that receives the deposit or gives it up. `Conflict` as in [`Lease::fence`].
    pub(crate) async fn end(&self, conn: &mut AnyConnection) -> Result<()> {
        let done = sqlx::query("DELETE FROM deposit_leases WHERE accession = $1 AND token = $2")
            .bind(self.accession.to_string())
            .bind(self.token)
            .execute(conn)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(lost()) }
    }

    /// Gives the deposit back before the lease ends; its home keeps it. Does nothing when it was taken meanwhile.
    pub(crate) async fn give_back(self) -> Result<()> {
        self.beat.abort();
        let text = "UPDATE deposit_leases SET lease_until = 0, place = home WHERE accession = $1 AND token = $2";
        self.db.run(sqlx::query(text).bind(self.accession.to_string()).bind(self.token)).await.map(drop)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

fn lost() -> Error {
    Error::conflict("Another node took over this deposit while this one did not answer. This one entered nothing more.")
        .hint("`sago list` shows whether it was received; if not, run the same command again.")
}

async fn renew(db: Db, work: Work, place: String, accession: Uuid, token: i64) {
    let text = format!(
        "UPDATE deposit_leases SET lease_until = {0} + $3, home_seen = CASE WHEN home = $4 THEN {0} ELSE home_seen END WHERE accession = $1 AND token = $2",
        now(db.engine)
    );
    loop {
        tokio::time::sleep(work.beat()).await;
        // A beat that fails is followed by the next; what may be entered is decided by the token.
        let _ = sqlx::query(sqlx::AssertSqlSafe(text.clone()))
            .bind(accession.to_string())
            .bind(token)
            .bind(micros_of(work.lease_seconds))
            .bind(&place)
            .execute(db.write())
            .await;
    }
}

/// How a deposit stands, seen from this process.
pub(crate) async fn standing(repo: &Repository, accession: Uuid) -> Result<Standing> {
    standing_in(repo.db(), &repo.settings.work, &node::home(&repo.places)?, accession).await
}

async fn standing_in(db: &Db, work: &Work, own: &str, accession: Uuid) -> Result<Standing> {
    let text = format!(
        "SELECT home, place, CASE WHEN {} THEN 1 ELSE 0 END, {} - home_seen, \
         (SELECT COUNT(*) FROM nodes WHERE nodes.home = deposit_leases.home AND alive_until >= {1}) FROM deposit_leases WHERE accession = $1",
        lease_ended(db.engine, "lease_until"),
        now(db.engine)
    );
    let Some(row) = sqlx::query(sqlx::AssertSqlSafe(text)).bind(accession.to_string()).fetch_optional(db.read()).await? else { return Ok(Standing::Home) };
    let (home, place): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let (has_ended, unseen_micros, nodes): (bool, i64, i64) = (flag(&row, 2)?, row.try_get(3)?, row.try_get(4)?);
    let patience = Duration::from_secs(u64::from(work.give_up_days) * 24 * 60 * 60);
    let is_gone = nodes == 0 && u64::try_from(unseen_micros).is_ok_and(|unseen| Duration::from_micros(unseen) > patience);
    let is_home = home == own;
    Ok(match (has_ended, is_gone) {
        // At home the lock of the folder says who works in it; of a deposit from elsewhere there is no folder here to lock.
        _ if is_home && (has_ended || place == own) => Standing::Home,
        (false, _) => Standing::Busy,
        (true, true) => Standing::Gone,
        (true, false) => Standing::Away,
    })
}

fn flag(row: &sqlx::any::AnyRow, at: usize) -> Result<bool> {
    // One engine answers with 32 bits, the other with 64.
    Ok(row.try_get::<i64, _>(at).or_else(|_| row.try_get::<i32, _>(at).map(i64::from))? == 1)
}

/// Notes that this home is there, for the deposits that wait in it, at most once an hour, since every opening comes by here; and removes
/// the rows of deposits that have come to an end.
pub(crate) async fn note_home(repo: &Repository) -> Result<()> {
    note_home_in(repo.db(), &node::home(&repo.places)?).await
}

async fn note_home_in(db: &Db, home: &str) -> Result<()> {
    let unseen = format!("home = $1 AND home_seen < {} - {}", now(db.engine), micros_of(3600));
    let ended = format!("{} AND accession IN (SELECT id FROM accessions WHERE status NOT IN ('opened', 'prepared'))", lease_ended(db.engine, "lease_until"));
    // Most openings find nothing and only read.
    let text = format!("SELECT COUNT(*) FROM deposit_leases WHERE ({unseen}) OR ({ended})");
    let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).bind(home).fetch_one(db.read()).await?;
    if count > 0 {
        let text = format!("UPDATE deposit_leases SET home_seen = {} WHERE {unseen}", now(db.engine));
        db.run(sqlx::query(sqlx::AssertSqlSafe(text)).bind(home)).await?;
        db.run(sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM deposit_leases WHERE {ended}")))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
