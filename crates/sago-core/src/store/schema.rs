//! Which Sago can work with which schema of the database, while nodes of two versions are at work.
//!
//! The rule. Every migration says the oldest schema whose Sago can go on beside it ([`OLDEST_READER`]). One that only adds tables, or
//! columns that older software need not fill, names the schema before it: it may run while those nodes are alive. One that changes what
//! they rely on names itself: it runs only when no node that knows less is alive, and the node that brings it says which to stop. A
//! release's migrations are always readable by the release before it, so that one step of an upgrade needs no pause; what must break is
//! spread over two releases.

use sqlx::AnyConnection;

use crate::error::{Error, ErrorKind, Result};
use crate::node;
use crate::store::db::{Db, SCHEMA};

/// For every migration from 2 on: its number, and the oldest schema whose Sago can work with a database that has it.
///
/// Sagos of schema 1 know neither nodes nor this table and refuse every newer schema.
const OLDEST_READER: &[(i64, i64)] = &[(2, 2), (3, 3)];

fn oldest_reader(number: i64) -> i64 {
    OLDEST_READER.iter().find(|(known, _)| *known == number).map_or(number, |(_, oldest)| *oldest)
}

/// Refuses a database with a schema that this Sago cannot work with.
pub(super) async fn require_readable(conn: &mut AnyConnection, have: i64) -> Result<()> {
    if have <= SCHEMA {
        return Ok(());
    }
    let oldest: Option<i64> =
        sqlx::query_scalar("SELECT MAX(oldest) FROM schema_readers WHERE version > $1").bind(SCHEMA).fetch_optional(&mut *conn).await?.flatten();
    if oldest.is_some_and(|oldest| oldest <= SCHEMA) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, format!("The database has schema {have}; this Sago knows schemas up to {SCHEMA}."))
        .hint("The repository was written by a newer Sago: use that version or a later one. Nothing was changed."))
}

/// Refuses to migrate while a node is alive that could not work with the new schema.
pub(super) async fn require_no_stranded_node(db: &Db, conn: &mut AnyConnection, have: i64) -> Result<()> {
    // Before schema 2 there is no table of nodes to ask.
    if !(2..SCHEMA).contains(&have) {
        return Ok(());
    }
    let needed = (have + 1..=SCHEMA).map(oldest_reader).max().unwrap_or(SCHEMA);
    refuse_stranded(&node::alive_in(db, conn).await?, needed, &format!("from schema {have} to {SCHEMA}"))
}

fn refuse_stranded(nodes: &[node::Alive], needed: i64, step: &str) -> Result<()> {
    let stranded: Vec<&node::Alive> = nodes.iter().filter(|node| node.schema < needed).collect();
    if stranded.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!("The database must be brought {step}, which these nodes cannot work with: {}. Nothing was changed.", node::named(&stranded)),
    )
    .hint("Stop these nodes, or bring them to this version one after the other, then start this one again."))
}

/// Notes who can go on beside a migration that was just made.
pub(super) async fn note_readers(conn: &mut AnyConnection, number: i64) -> Result<()> {
    if number >= 2 {
        sqlx::query("INSERT INTO schema_readers (version, oldest) VALUES ($1, $2)").bind(number).bind(oldest_reader(number)).execute(conn).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open_with(oldest: i64) -> Result<Db> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.db");
        let db = Db::open_file(&path, true).await.unwrap();
        for text in ["INSERT INTO schema_version (version) VALUES ($1)", "INSERT INTO schema_readers (version, oldest) VALUES ($1, $2)"] {
            sqlx::query(text).bind(SCHEMA + 1).bind(oldest).execute(db.write()).await.unwrap();
        }
        db.close().await;
        Db::open_file(&path, false).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_newer_schema_is_read_only_where_it_says_that_this_one_may() {
        open_with(SCHEMA).await.unwrap();
        let Err(error) = open_with(SCHEMA + 1).await else { panic!("a schema was read that this Sago does not know") };
        assert!(error.message.contains(&format!("schema {}", SCHEMA + 1)), "{error}");
    }

    #[test]
    fn a_migration_waits_for_nodes_that_cannot_work_with_it_and_names_them() {
        let node = |id: &str, schema| node::Alive { id: id.to_owned(), kind: "work".to_owned(), version: "0.3.0".to_owned(), schema };
        refuse_stranded(&[node("a", 3)], 3, "from schema 2 to 3").unwrap();
        let error = refuse_stranded(&[node("a", 3), node("b", 2)], 3, "from schema 2 to 3").unwrap_err();
        assert!(error.message.contains("sago work 0.3.0 (node b)") && !error.message.contains("node a"), "{error}");
        assert_eq!(error.kind, ErrorKind::Conflict);
    }
}
