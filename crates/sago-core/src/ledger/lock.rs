//! The lock store: the last signed checkpoint of each log, moved only by compare-and-swap, never part of a backup.
//!
//! Storage is not trusted to say how long the log is; this small store is. A log that is shorter than its lock was rolled back, and
//! Sago refuses to sign. With an embedded database it is a folder; where several nodes share a server, it is a table of that database,
//! and a database put back from yesterday brings yesterday's lock with it: what was published since is then ahead of it, and that too is refused.

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::AnyConnection;

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::ledger::event::Log;
use crate::ledger::signed;
use crate::settings::Places;
use crate::store::db::{Db, Engine};
use crate::store::durable;
use crate::store::fault::{Operation, Turn};

/// Where the locks are kept.
#[derive(Debug, Clone)]
pub enum Locks {
    /// One file each in a folder.
    Folder(PathBuf),
    /// One row each in the shared database.
    Table(Db),
}

/// The lock of one log in one generation, held exclusively among all nodes while it lives.
pub struct Lock(Held);

enum Held {
    Folder { path: PathBuf, _held: File },
    Table { connection: AnyConnection, log: Log, generation: u64 },
}

/// The table of a database that several nodes share.
pub(crate) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS locks (log TEXT NOT NULL, generation BIGINT NOT NULL, checkpoint TEXT NOT NULL, PRIMARY KEY (log, generation))";

/// Advisory locks of the two logs; the database gives each to one connection at a time.
fn advisory(log: Log) -> i64 {
    match log {
        Log::Custody => 0x0073_6167_6f01,
        Log::Access => 0x0073_6167_6f02,
    }
}

fn path(folder: &Path, log: Log, generation: u64) -> PathBuf {
    folder.join(format!("{}-{generation}", log.name()))
}

fn read_file(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(Error::corrupt(format!("{} does not hold a checkpoint.", path.display()))),
        Err(error) => Err(Error::io("Could not read", path, &error)),
    }
}

/// Reads a lock of a repository whose locks lie in a folder.
pub(crate) fn read_in(folder: &Path, log: Log, generation: u64) -> Result<Option<String>> {
    read_file(&path(folder, log, generation))
}

impl Locks {
    /// The locks of a repository whose database is open.
    pub fn of(places: &Places, db: &Db) -> Self {
        match db.engine {
            Engine::Sqlite => Self::Folder(places.lock.clone()),
            Engine::Postgres => Self::Table(db.clone()),
        }
    }

    /// Makes the store, where it is not there yet.
    pub(crate) async fn create(&self) -> Result<()> {
        match self {
            Self::Folder(folder) => durable::create_dir_all(folder),
            Self::Table(db) => {
                sqlx::query(TABLE).execute(db.read()).await?;
                Ok(())
            }
        }
    }

    /// Where people look for them.
    pub fn place(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Table(_) => "the table `locks` of the database".to_owned(),
        }
    }

    /// Reads the last signed checkpoint without holding the lock. `None` when there is none.
    pub async fn read(&self, log: Log, generation: u64) -> Result<Option<String>> {
        match self {
            Self::Folder(folder) => read_file(&path(folder, log, generation)),
            Self::Table(db) => {
                let text = "SELECT checkpoint FROM locks WHERE log = $1 AND generation = $2";
                Ok(sqlx::query_scalar(text).bind(log.name()).bind(signed(generation)).fetch_optional(db.read()).await?)
            }
        }
    }

    /// Waits for the lock of a log.
    pub async fn hold(&self, log: Log, generation: u64) -> Result<Lock> {
        match self {
            Self::Folder(folder) => tokio::task::block_in_place(|| {
                durable::create_dir_all(folder)?;
                let held_path = folder.join(format!(".{}-{generation}.held", log.name()));
                let held = File::options().create(true).append(true).open(&held_path).doing("Could not open", &held_path)?;
                rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).map_err(std::io::Error::from).doing("Could not lock", &held_path)?;
                Ok(Lock(Held::Folder { path: path(folder, log, generation), _held: held }))
            }),
            Self::Table(db) => {
                // A connection of its own, never given back to the pool: when it goes, and be it with the node, the database frees the lock.
                let mut connection = db.read().acquire().await?.detach();
                // Publishing to a slow store takes longer than any transaction.
                sqlx::query("SET lock_timeout = '15min'").execute(&mut connection).await?;
                sqlx::query("SELECT pg_advisory_lock($1)").bind(advisory(log)).execute(&mut connection).await?;
                Ok(Lock(Held::Table { connection, log, generation }))
            }
        }
    }
}

impl Lock {
    /// The last signed checkpoint.
    pub async fn current(&mut self) -> Result<Option<String>> {
        match &mut self.0 {
            Held::Folder { path, .. } => read_file(path),
            Held::Table { connection, log, generation } => {
                let text = "SELECT checkpoint FROM locks WHERE log = $1 AND generation = $2";
                Ok(sqlx::query_scalar(text).bind(log.name()).bind(signed(*generation)).fetch_optional(connection).await?)
            }
        }
    }

    /// Replaces `expected` by `next`, durably; fails when something else stands there.
    pub async fn swap(&mut self, expected: Option<&str>, next: &str) -> Result<()> {
        let moved = || Error::new(ErrorKind::Conflict, "The log's lock moved while a checkpoint was being signed; nothing was signed.");
        match &mut self.0 {
            Held::Folder { path, .. } => {
                if read_file(path)?.as_deref() != expected {
                    return Err(moved());
                }
                durable::write(path, next.as_bytes())
            }
            Held::Table { connection, log, generation } => {
                let turn = Turn::of(Operation::LockSwap);
                turn.before::<sqlx::Error>()?;
                let done = match expected {
                    Some(expected) => {
                        let text = "UPDATE locks SET checkpoint = $3 WHERE log = $1 AND generation = $2 AND checkpoint = $4";
                        sqlx::query(text).bind(log.name()).bind(signed(*generation)).bind(next).bind(expected).execute(connection).await?
                    }
                    None => {
                        let text = "INSERT INTO locks (log, generation, checkpoint) VALUES ($1, $2, $3) ON CONFLICT (log, generation) DO NOTHING";
                        sqlx::query(text).bind(log.name()).bind(signed(*generation)).bind(next).execute(connection).await?
                    }
                };
                turn.after::<sqlx::Error>()?;
                if done.rows_affected() == 1 { Ok(()) } else { Err(moved()) }
            }
        }
    }

    /// Gives the lock back. A lock that is dropped without it is given back too, a little later.
    pub async fn release(self) -> Result<()> {
        if let Held::Table { mut connection, log, .. } = self.0 {
            sqlx::query("SELECT pg_advisory_unlock($1)").bind(advisory(log)).execute(&mut connection).await?;
            sqlx::Connection::close(connection).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_lock_moves_only_from_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks::Folder(folder.path().to_owned());
        let mut lock = locks.hold(Log::Custody, 1).await.unwrap();
        lock.swap(None, "one").await.unwrap();
        assert!(lock.swap(None, "two").await.is_err());
        lock.swap(Some("one"), "two").await.unwrap();
        assert_eq!(locks.read(Log::Custody, 1).await.unwrap().as_deref(), Some("two"));
        assert_eq!(locks.read(Log::Custody, 2).await.unwrap(), None);
    }
}
