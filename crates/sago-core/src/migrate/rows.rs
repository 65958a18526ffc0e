//! Copying the rows of one database into another, whatever their engines.
//!
//! Rows are copied as they are, sealed columns and wrapped row keys with them, so that also what belongs to sealed units is there. What is
//! the machines' own work (`nodes`, `jobs`, `deposit_leases`) stays behind, and so does payload that waits: nothing waits when rows are copied.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Column as _, Row as _, ValueRef as _};

use crate::error::{Error, Result};
use crate::ledger::event::Log;
use crate::ledger::{signed, unsigned};
use crate::store::db::{Db, commit};

/// Tables whose rows are copied.
pub(super) const TABLES: &[&str] = &[
    "meta",
    "heads",
    "row_keys",
    "events",
    "event_subjects",
    "agents",
    "units",
    "accessions",
    "objects",
    "items",
    "findings",
    "contents",
    "readings",
    "requests",
    "approvals",
    "stamps",
];

/// Tables that stay behind, with the reason in ADR 10; `schema_version` and `schema_readers` are made by the migrations.
#[cfg(test)]
const LEFT: &[&str] = &["segments", "nodes", "jobs", "deposit_leases", "schema_version", "schema_readers"];

/// How far both logs have come in a database: generation and next index of the custody and the access log.
pub(super) async fn heads(conn: &mut AnyConnection) -> Result<Vec<(String, i64, i64)>> {
    let rows = sqlx::query("SELECT log, generation, next FROM heads ORDER BY log").fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
}

/// Replaces all rows of the target by those of the source, in one transaction of the target.
pub(super) async fn copy_all(from: &Db, to: &Db) -> Result<u64> {
    let mut tx = to.begin_write().await?;
    let mut copied = 0;
    for table in TABLES {
        sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *tx).await?;
        copied += copy(from, &mut tx, table, &format!("SELECT * FROM {table}"), "").await?;
    }
    commit(tx).await?;
    Ok(copied)
}

/// Brings over what was entered since [`copy_all`], when that were entries without rows of their own beside `meta`.
pub(super) async fn copy_since(from: &Db, to: &Db, generation: u64) -> Result<()> {
    let mut tx = to.begin_write().await?;
    for log in Log::ALL {
        let text = "SELECT COALESCE(MAX(idx) + 1, 0) FROM events WHERE log = $1 AND generation = $2";
        let next: i64 = sqlx::query_scalar(text).bind(log.name()).bind(signed(generation)).fetch_one(&mut *tx).await?;
        let which = format!("log = '{}' AND generation = {generation} AND idx >= {}", log.name(), unsigned(next)?);
        let keys = format!(
            "SELECT * FROM row_keys WHERE id IN (SELECT skeleton_key FROM events WHERE {which}) OR id IN (SELECT detail_key FROM events WHERE {which})"
        );
        copy(from, &mut tx, "row_keys", &keys, " ON CONFLICT (id) DO NOTHING").await?;
        copy(from, &mut tx, "events", &format!("SELECT * FROM events WHERE {which}"), "").await?;
        copy(from, &mut tx, "event_subjects", &format!("SELECT * FROM event_subjects WHERE {which}"), "").await?;
    }
    for table in ["meta", "heads"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *tx).await?;
        copy(from, &mut tx, table, &format!("SELECT * FROM {table}"), "").await?;
    }
    commit(tx).await?;
    Ok(())
}

async fn copy(from: &Db, to: &mut AnyConnection, table: &str, select: &str, conflict: &str) -> Result<u64> {
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(select.to_owned())).fetch(from.read());
    let mut copied = 0;
    while let Some(row) = std::future::poll_fn(|cx| rows.as_mut().poll_next(cx)).await {
        insert(to, table, &row?, conflict).await?;
        copied += 1;
    }
    Ok(copied)
}

/// Writes one row. An empty value stands as NULL in the text: one that is bound would need the column's type, which a row does not tell.
async fn insert(to: &mut AnyConnection, table: &str, row: &AnyRow, conflict: &str) -> Result<()> {
    let (mut names, mut values, mut bound) = (Vec::new(), Vec::new(), Vec::new());
    for (at, column) in row.columns().iter().enumerate() {
        names.push(column.name());
        if row.try_get_raw(at)?.is_null() {
            values.push("NULL".to_owned());
        } else {
            bound.push(at);
            values.push(format!("${}", bound.len()));
        }
    }
    let text = format!("INSERT INTO {table} ({}) VALUES ({}){conflict}", names.join(", "), values.join(", "));
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
    for at in bound {
        query = if let Ok(number) = row.try_get::<i64, _>(at) {
            query.bind(number)
        } else if let Ok(text) = row.try_get::<String, _>(at) {
            query.bind(text)
        } else if let Ok(bytes) = row.try_get::<Vec<u8>, _>(at) {
            query.bind(bytes)
        } else {
            return Err(Error::corrupt(format!("A row of {table} holds a value of an unknown kind.")).hint("Run `sago verify`, then `sago rebuild`."));
        };
    }
    query.execute(to).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_table_is_copied_or_left_on_purpose() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_file(&folder.path().join("index.db"), true).await.unwrap();
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'").fetch_all(db.read()).await.unwrap();
        let known: BTreeSet<String> = TABLES.iter().chain(LEFT).map(|name| (*name).to_owned()).collect();
        assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), known);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_arrive_as_they_are_and_a_second_copy_replaces_them() {
        let folder = tempfile::tempdir().unwrap();
        let one = Db::open_file(&folder.path().join("one.db"), true).await.unwrap();
        let two = Db::open_file(&folder.path().join("two.db"), true).await.unwrap();
        for text in [
            "INSERT INTO meta VALUES ('epoch', '1')",
            "INSERT INTO row_keys VALUES ('k', 'u', x'00ff')",
            "INSERT INTO accessions VALUES ('a', 'A-1', 'u', 'opened', -5, 0, 0, 0, NULL, NULL, NULL, x'')",
        ] {
            sqlx::query(text).execute(one.write()).await.unwrap();
        }
        assert_eq!(copy_all(&one, &two).await.unwrap(), 3);
        assert_eq!(copy_all(&one, &two).await.unwrap(), 3);
        let row = sqlx::query("SELECT at, generation, sealed FROM accessions").fetch_one(two.read()).await.unwrap();
        assert_eq!((row.get::<i64, _>(0), row.get::<Option<i64>, _>(1), row.get::<Option<Vec<u8>>, _>(2)), (-5, None, Some(Vec::new())));
        let wrapped: Vec<u8> = sqlx::query_scalar("SELECT wrapped FROM row_keys").fetch_one(two.read()).await.unwrap();
        assert_eq!(wrapped, [0, 255]);
    }
}
