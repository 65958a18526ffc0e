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
const OLDEST_READER: &[(i64, i64)] = &[(2, 2)];

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
    if have < 2 || have >= SCHEMA {
        return Ok(());
    }
    let needed = (have + 1..=SCHEMA).map(oldest_reader).max().unwrap_or(SCHEMA);
    let nodes = node::alive_in(db, conn).await?;
    let stranded: Vec<&node::Alive> = nodes.iter().filter(|node| node.schema < needed).collect();
    if stranded.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!("The database must be brought from schema {have} to {SCHEMA}, which these nodes cannot work with: {}. Nothing was changed.", node::named(&stranded)),
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
