//! The database: two pools (many readers, one writer), migrations, and the few places where SQLite and PostgreSQL differ.
//!
//! One SQL text serves both: `$1` parameters, text ids, 64-bit integers, blobs, `RETURNING`, `ON CONFLICT`. Writing happens only through
//! [`crate::ledger::Tx`], which appends the event in the same transaction.

use std::path::Path;

use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Row, Transaction};

use crate::error::{Error, ErrorKind, Result};
use crate::store::fault::{Operation, Turn};
use crate::store::{postgres, schema};

/// Number of the newest migration this Sago knows; a database with a greater one was written by a newer Sago.
pub const SCHEMA: i64 = 3;

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, include_str!("../../migrations/0001_sqlite.sql"), include_str!("../../migrations/0001_postgres.sql")),
    (2, include_str!("../../migrations/0002_sqlite.sql"), include_str!("../../migrations/0002_postgres.sql")),
    (3, include_str!("../../migrations/0003_sqlite.sql"), include_str!("../../migrations/0003_postgres.sql")),
];

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)";

/// FULL: a commit that was reported survives a power cut. `secure_delete`: what is shredded is overwritten.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout=60000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
     PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON";

/// The writer's place on a server: one advisory lock, so that there too one transaction writes at a time and what it read stays true.
const WRITER: i64 = 0x7361_676f;

/// How long a server may take to answer at first.
const REACH: std::time::Duration = std::time::Duration::from_secs(10);

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

/// The two pools.
#[derive(Debug, Clone)]
pub struct Db {
    /// Which engine answers.
    pub engine: Engine,
    read: AnyPool,
    write: AnyPool,
}

impl Db {
    /// Opens the database and brings its schema up to date. `create` says whether an absent SQLite file may be made.
    pub async fn open(url: &str, create: bool) -> Result<Self> {
        Self::open_in(url, create, None).await
    }

    /// The same in a schema of its own of a server's database; an SQLite file has none.
    pub(crate) async fn open_in(url: &str, create: bool, schema: Option<&str>) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let engine = if url.starts_with("postgres:") || url.starts_with("postgresql:") { Engine::Postgres } else { Engine::Sqlite };
        let full = match engine {
            Engine::Postgres => {
                postgres::check_address(url)?;
                url.to_owned()
            }
            Engine::Sqlite => format!("sqlite://{}?mode={}", encode_path(url), if create { "rwc" } else { "rw" }),
        };
        let settings: &'static str = match (engine, schema) {
            (Engine::Sqlite, _) => SQLITE_SETTINGS,
            (Engine::Postgres, None) => postgres::SETTINGS,
            (Engine::Postgres, Some(schema)) => format!("{}; SET search_path TO {schema}", postgres::SETTINGS).leak(),
        };
        let options = |most: u32| {
            AnyPoolOptions::new().max_connections(most).after_connect(move |connection, _| {
                Box::pin(async move {
                    connection.execute(settings).await?;
                    Ok(())
                })
            })
        };
        // A pool tries again for half a minute what fails at once, and then only says that it waited: a full disk, or a file that is no
        // database, is found out by one plain connection, which stays until the pools have theirs.
        let reached = tokio::time::timeout(REACH, AnyConnection::connect(&full)).await;
        let reached = reached.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
        let mut first = reached.map_err(|error| unreachable_database(url, &error))?;
        if engine == Engine::Postgres {
            postgres::check_promises(&mut first).await?;
            first.execute(settings).await?;
        }
        if engine == Engine::Sqlite {
            first.execute(SQLITE_SETTINGS).await.map_err(|error| unreachable_database(url, &error))?;
            // A read makes the files beside the database, which also need room.
            first.execute("SELECT COUNT(*) FROM sqlite_master").await.map_err(|error| unreachable_database(url, &error))?;
        }
        let readable = sqlx::query("SELECT 1 FROM schema_version WHERE version < 0").fetch_optional(&mut first).await;
        if let Err(error) = &readable
            && !error.to_string().contains("schema_version")
        {
            return Err(unreachable_database(url, error));
        }
        if let (Engine::Postgres, false, Err(_)) = (engine, create, &readable) {
            return Err(Error::new(ErrorKind::NotFound, "The database holds no repository.")
                .hint("Correct `database` under [paths] in sago.toml. Nothing was made in it."));
        }
        let write = options(1).connect(&full).await.map_err(|error| unreachable_database(url, &error))?;
        let read = options(4).connect(&full).await?;
        first.close().await?;
        let db = Self { engine, read, write };
        db.migrate().await?;
        Ok(db)
    }

    /// Makes the database of a new repository: an SQLite file that does not exist yet, or an empty database of a server.
    pub async fn create(url: &str) -> Result<Self> {
        if !url.contains("://") {
            let path = Path::new(url);
            crate::store::durable::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            return Self::open_file(path, true).await;
        }
        let db = Self::open(url, true).await?;
        let (heads, locks): (i64, Option<String>) = (
            sqlx::query_scalar("SELECT COUNT(*) FROM heads").fetch_one(&db.read).await?,
            sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'locks'")
                .fetch_optional(&db.read)
                .await?,
        );
        if heads > 0 || locks.is_some() {
            return Err(
                Error::conflict("The database holds a repository already.").hint("Name an empty database of its own: `createdb NAME`. Nothing was changed.")
            );
        }
        Ok(db)
    }

    /// Opens an SQLite file by its path.
    pub async fn open_file(path: &Path, create: bool) -> Result<Self> {
        let text = path.to_str().ok_or_else(|| Error::invalid("The database's path is not valid UTF-8. Choose a folder with a plain name."))?;
        Self::open(text, create).await
    }

    async fn migrate(&self) -> Result<()> {
        let mut tx = self.begin_write().await?;
        sqlx::query(VERSIONS).execute(&mut *tx).await?;
        let have: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM schema_version").fetch_one(&mut *tx).await?;
        schema::require_readable(&mut tx, have).await?;
        schema::require_no_stranded_node(self, &mut tx, have).await?;
        self.run_migrations(&mut tx, have).await?;
        commit(tx).await?;
        Ok(())
    }

    async fn run_migrations(&self, conn: &mut AnyConnection, have: i64) -> Result<()> {
        for (number, sqlite, postgres) in MIGRATIONS.iter().filter(|(number, ..)| *number > have) {
            let text = if self.engine == Engine::Sqlite { *sqlite } else { *postgres };
            for statement in text.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
                sqlx::query(statement).execute(&mut *conn).await?;
            }
            sqlx::query("INSERT INTO schema_version (version) VALUES ($1)").bind(*number).execute(&mut *conn).await?;
            schema::note_readers(conn, *number).await?;
        }
        Ok(())
    }

    /// Makes all tables of today's schema where the connection stands.
    pub(crate) async fn make_tables(&self, conn: &mut AnyConnection) -> Result<()> {
        sqlx::query(VERSIONS).execute(&mut *conn).await?;
        self.run_migrations(conn, 0).await
    }

    /// The pool for queries.
    pub fn read(&self) -> &AnyPool {
        &self.read
    }

    /// The pool for single statements that write rows of the machines' own work (nodes, jobs, leases): each is its own transaction.
    pub(crate) fn write(&self) -> &AnyPool {
        &self.write
    }

    /// Runs one statement that writes, by itself.
    pub(crate) async fn run(&self, statement: sqlx::query::Query<'_, Any, sqlx::any::AnyArguments>) -> Result<u64> {
        let turn = Turn::of(Operation::DbWrite);
        turn.before::<sqlx::Error>()?;
        let done = statement.execute(&self.write).await?;
        turn.after::<sqlx::Error>()?;
        Ok(done.rows_affected())
    }

    /// The same with the row that it gives back, if any.
    pub(crate) async fn run_returning(&self, statement: sqlx::query::Query<'_, Any, sqlx::any::AnyArguments>) -> Result<Option<AnyRow>> {
        let turn = Turn::of(Operation::DbWrite);
        turn.before::<sqlx::Error>()?;
        let row = statement.fetch_optional(&self.write).await?;
        turn.after::<sqlx::Error>()?;
        Ok(row)
    }

    /// Begins a writing transaction that holds the writer's place at once, so that two processes queue instead of failing.
    pub(crate) async fn begin_write(&self) -> Result<Transaction<'static, Any>> {
        Turn::of(Operation::DbBegin).before::<sqlx::Error>()?;
        match self.engine {
            Engine::Sqlite => Ok(self.write.begin_with("BEGIN IMMEDIATE").await?),
            Engine::Postgres => {
                let mut tx = self.write.begin_with("BEGIN").await?;
                sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITER).execute(&mut *tx).await?;
                Ok(tx)
            }
        }
    }

    /// Empties the write-ahead log into the database, so that bytes removed by a destruction do not linger beside it.
    pub async fn checkpoint(&self) -> Result<()> {
        match self.engine {
            Engine::Sqlite => {
                self.write.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
            }
            // Removed rows leave the tables; the server's own log and its copies keep them longer, sealed to the destroyed key.
            Engine::Postgres => {
                for statement in ["VACUUM row_keys", "VACUUM items", "VACUUM findings", "VACUUM events", "VACUUM accessions", "VACUUM contents"] {
                    self.write.execute(statement).await?;
                }
            }
        }
        Ok(())
    }

    /// Asks the engine to check its own pages. Empty when sound.
    pub async fn self_check(&self) -> Result<Vec<String>> {
        if self.engine != Engine::Sqlite {
            return Ok(Vec::new());
        }
        let rows = sqlx::query("PRAGMA integrity_check").fetch_all(&self.read).await?;
        Ok(rows.iter().filter_map(|row| row.try_get::<String, _>(0).ok()).filter(|line| line != "ok").collect())
    }

    /// Puts the tables of another schema of the same database in the place of ours, which go to a schema `kept`; in one transaction.
    pub(crate) async fn replace_by_schema(&self, new: &str, kept: &str) -> Result<()> {
        let mut tx = self.begin_write().await?;
        let names = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY tablename";
        let tables: Vec<String> = sqlx::query_scalar(names).bind(new).fetch_all(&mut *tx).await?;
        let ours: String = sqlx::query_scalar("SELECT current_schema()::text").fetch_one(&mut *tx).await?;
        let there: Vec<String> = sqlx::query_scalar(names).bind(&ours).fetch_all(&mut *tx).await?;
        let run = async |tx: &mut Transaction<'static, Any>, text: String| sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut **tx).await.map(drop);
        run(&mut tx, format!("CREATE SCHEMA {kept}")).await?;
        for table in &tables {
            if there.contains(table) {
                run(&mut tx, format!("ALTER TABLE {ours}.{table} SET SCHEMA {kept}")).await?;
            }
            run(&mut tx, format!("ALTER TABLE {new}.{table} SET SCHEMA {ours}")).await?;
        }
        run(&mut tx, format!("DROP SCHEMA {new}")).await?;
        commit(tx).await?;
        Ok(())
    }

    /// Removes what an interrupted rebuild left, and makes an empty schema.
    pub(crate) async fn empty_schema(&self, name: &str) -> Result<()> {
        for text in [format!("DROP SCHEMA IF EXISTS {name} CASCADE"), format!("CREATE SCHEMA {name}")] {
            sqlx::query(sqlx::AssertSqlSafe(text)).execute(&self.write).await?;
        }
        Ok(())
    }

    /// Closes both pools.
    pub async fn close(self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// One value of the small table of settings that follow the log.
    pub async fn meta(&self, key: &str) -> Result<Option<String>> {
        let row: Option<AnyRow> = sqlx::query("SELECT value FROM meta WHERE key = $1").bind(key).fetch_optional(&self.read).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}

/// Commits. An error does not say that nothing was committed: the answer may have been lost ([`crate::ledger::Tx::commit`] finds out).
pub(crate) async fn commit(tx: Transaction<'static, Any>) -> Result<()> {
    let turn = Turn::of(Operation::DbCommit);
    turn.before::<sqlx::Error>()?;
    tx.commit().await?;
    turn.after::<sqlx::Error>()?;
    Ok(())
}

/// Percent-encodes what would end a path in a database address.
fn encode_path(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}

fn unreachable_database(url: &str, error: &sqlx::Error) -> Error {
    if url.starts_with("postgres") {
        // The address may hold a password; it is not repeated.
        return postgres::explain(error).unwrap_or_else(|| {
            Error::new(ErrorKind::Unavailable, format!("The PostgreSQL database does not answer: {error}"))
                .hint("See whether the server runs, and whether `database` under [paths] in sago.toml is its address.")
        });
    }
    match Error::from(sqlx::Error::Protocol(error.to_string())) {
        known if matches!(known.kind, ErrorKind::Corrupt | ErrorKind::Unavailable) => known,
        _ => Error::new(ErrorKind::Unavailable, format!("The database {url} could not be opened: {error}"))
            .hint("If the file was lost or damaged, `sago rebuild` makes a new one from storage root, log and keys."),
    }
}
