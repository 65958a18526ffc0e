//! Nodes: the processes that work with one repository at the same time, and which versions of Sago may do so together.
//!
//! `sago serve`, `sago work` and a deposit enter themselves in a row and renew it while they live; other commands are short and only look.
//! The rows are operational: no events, not in a rebuilt database, not compared (ADR 10). Nobody's name and no machine's name stands in them.
//!
//! Rolling upgrade: nodes whose versions are the same or one step apart work together. One step is one minor version (0.3 with 0.4, any
//! patch); a change of the first number is more than one step. So a repository is upgraded node by node, without a pause, one step at a time.

mod health;
mod version;

use std::time::Duration;

use sqlx::{AnyConnection, Row};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};
use crate::repository::Repository;
use crate::settings::{Places, Work};
use crate::store::db::{Db, SCHEMA};
use crate::store::dialect::{micros_of, now};

pub use health::{Health, LogState, health};
pub use version::Version;

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Answers over the network, and does jobs unless told otherwise.
    Serve,
    /// Does jobs.
    Work,
    /// Receives one deposit.
    Deposit,
}

impl Kind {
    /// The code in rows.
    pub fn code(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Work => "work",
            Self::Deposit => "deposit",
        }
    }
}

/// A node that was seen a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: String,
    /// Version of its Sago.
    pub version: String,
    /// Newest schema of the database that it knows.
    pub schema: i64,
}

/// This process among the nodes; its row is renewed while this lives.
pub struct Node {
    /// Its id: new for every process.
    pub id: Uuid,
    db: Db,
    beat: JoinHandle<()>,
}

impl Node {
    /// Enters this process among the nodes. `Conflict` when nodes of a version more than one step apart are alive.
    ///
    /// If we crash later, the row counts as dead once its time is over; the next node that joins removes it.
    pub async fn join(repo: &Repository, kind: Kind) -> Result<Self> {
        repo.require_live()?;
        let (db, work) = (repo.db().clone(), &repo.settings.work);
        let id = Uuid::now_v7();
        let now = now(db.engine);
        let mut tx = db.begin_write().await?;
        sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM nodes WHERE alive_until < {now}"))).execute(&mut *tx).await?;
        // Under the writer's place: of two that join at the same moment, the second sees the first.
        require_step(&alive_in(&db, &mut tx).await?)?;
        let text = format!(
            "INSERT INTO nodes (id, kind, version, schema, home, started, last_seen, alive_until) VALUES ($1, $2, $3, $4, $5, {now}, {now}, {now} + $6)"
        );
        sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(id.to_string())
            .bind(kind.code())
            .bind(Version::own().to_string())
            .bind(SCHEMA)
            .bind(home(&repo.places)?)
            .bind(micros_of(work.lease_seconds))
            .execute(&mut *tx)
            .await?;
        crate::store::db::commit(tx).await?;
        let beat = tokio::spawn(beat(db.clone(), id, work.clone()));
        Ok(Self { id, db, beat })
    }

    /// Takes this process from among the nodes.
    pub async fn leave(self) -> Result<()> {
        self.beat.abort();
        self.db.run(sqlx::query("DELETE FROM nodes WHERE id = $1").bind(self.id.to_string())).await.map(drop)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

/// Renews the row of a node three times in each lease. A row that somebody removed is not made again: a rebuilt database knows no nodes.
async fn beat(db: Db, id: Uuid, work: Work) {
    let text = format!("UPDATE nodes SET last_seen = {0}, alive_until = {0} + $2 WHERE id = $1", now(db.engine));
    loop {
        tokio::time::sleep(work.beat()).await;
        // A database that does not answer now may answer at the next beat; the jobs themselves say what failed.
        let _ = sqlx::query(sqlx::AssertSqlSafe(text.clone())).bind(id.to_string()).bind(micros_of(work.lease_seconds)).execute(db.write()).await;
    }
}

/// The nodes that are alive, in the order in which they started.
pub async fn alive(db: &Db) -> Result<Vec<Alive>> {
    let mut conn = db.read().acquire().await?;
    alive_in(db, &mut conn).await
}

pub(crate) async fn alive_in(db: &Db, conn: &mut AnyConnection) -> Result<Vec<Alive>> {
    let text = format!("SELECT id, kind, version, schema FROM nodes WHERE alive_until >= {} ORDER BY id", now(db.engine));
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(conn).await?;
    rows.iter().map(|row| Ok(Alive { id: row.try_get(0)?, kind: row.try_get(1)?, version: row.try_get(2)?, schema: row.try_get(3)? })).collect()
}

/// Refuses to work beside nodes of a version more than one step apart.
pub async fn require_neighbours(db: &Db) -> Result<()> {
    require_step(&alive(db).await?)
}

/// Refuses to put another database in the place of this one while nodes hold it open: what they enter would be in neither.
pub(crate) async fn require_none_at_work(db: &Db) -> Result<()> {
    let nodes = alive(db).await?;
    let at_work: Vec<&Alive> = nodes.iter().filter(|node| node.kind != Kind::Deposit.code()).collect();
    if at_work.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, format!("These nodes have the database open: {}. Nothing was changed.", named(&at_work)))
        .hint("Stop them, then run the same command again. A node that was killed counts as stopped after its lease, a minute unless set otherwise."))
}

fn require_step(alive: &[Alive]) -> Result<()> {
    let own = Version::own();
    let is_apart = |node: &&Alive| !node.version.parse::<Version>().is_ok_and(|version| own.is_within_a_step(&version));
    let apart: Vec<&Alive> = alive.iter().filter(is_apart).collect();
    if apart.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!("Sago {own} cannot work beside nodes more than one minor version apart, and these are at work: {}. Nothing was changed.", named(&apart)),
    )
    .hint("Upgrade node by node, one minor version at a time: install the version between on every node first.")
    .hint("Or stop all of these nodes, then start this one. A node that was killed counts as stopped after its lease, a minute unless set otherwise."))
}

/// Nodes as an error names them: what they do, version, and the end of the id, which is what differs.
pub(crate) fn named(nodes: &[&Alive]) -> String {
    let name = |node: &&Alive| format!("sago {} {} (node {})", node.kind, node.version, node.id);
    nodes.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Where deposits in progress lie for this process: one staging folder on one machine, named by what no copy of it shares.
///
/// It needs no file of its own, so that a copied staging folder, or one put back from a backup, is not taken for the one it was copied from.
pub(crate) fn home(places: &Places) -> Result<String> {
    use std::os::unix::fs::MetadataExt as _;

    use crate::error::IoContext as _;
    use sha2::{Digest as _, Sha256};
    let folder = &places.staging;
    let about = std::fs::metadata(folder).doing("Could not look at", folder)?;
    // Where the disk does not say when the folder was made, its number and the machine must do.
    let born = about.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).as_ref().map_or(0, Duration::as_nanos);
    let machine = if born == 0 { std::fs::read("/etc/machine-id").unwrap_or_default() } else { Vec::new() };
    let digest = Sha256::new().chain_update(b"sago/home/1").chain_update(about.ino().to_be_bytes()).chain_update(born.to_be_bytes()).chain_update(machine);
    Ok(hex::encode(&digest.finalize()[..16]))
}
