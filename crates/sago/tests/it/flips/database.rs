//! The database as it reads, whoever wrote it: every table, every row, every value; and changing single values behind Sago's back.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

use super::audit::run;

/// What a database says: its schema and all its rows, as text. `None` when it cannot be read to its end.
pub fn dump(path: &Path) -> Option<Vec<String>> {
    run(async {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let mut connection = SqliteConnection::connect_with(&options).await.ok()?;
        let mut lines = Vec::new();
        let mut tables = Vec::new();
        for row in connection.fetch_all("SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_master ORDER BY rowid").await.ok()? {
            let [kind, name, table, sql] = [0, 1, 2, 3].map(|at| row.try_get::<String, _>(at).ok());
            let (kind, name) = (kind?, name?);
            lines.push(format!("schema {kind} {name} {} {}", table?, sql?));
            if kind == "table" {
                tables.push(name);
            }
        }
        for table in tables {
            let columns = columns(&mut connection, &table).await?;
            let quoted: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
            let text = format!("SELECT {} FROM \"{table}\" ORDER BY rowid", quoted.join(" || ' ' || "));
            for row in connection.fetch_all(AssertSqlSafe(text)).await.ok()? {
                lines.push(format!("{table} {}", row.try_get::<String, _>(0).ok()?));
            }
        }
        connection.close().await.ok()?;
        Some(lines)
    })
}

/// Every table with its columns.
pub fn tables(path: &Path) -> Vec<(String, Vec<String>)> {
    run(async {
        let mut connection = open(path).await;
        let mut found = Vec::new();
        for row in connection.fetch_all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").await.unwrap() {
            let table: String = row.get(0);
            let columns = columns(&mut connection, &table).await.unwrap();
            found.push((table, columns));
        }
        connection.close().await.unwrap();
        found
    })
}

/// Flips a bit of a number, or of a byte in the middle of a text or blob, in one row. `None` when the table has no such row.
///
/// Rows of the sealed unit are passed over: what only its key can judge is not judged, and `sago verify` says so.
pub fn flip_value(path: &Path, table: &str, column: &str, sealed_unit: &str) -> Option<String> {
    run(async {
        let mut connection = open(path).await;
        let accessions = format!("(SELECT id FROM accessions WHERE unit = '{sealed_unit}')");
        let not_sealed = match table {
            "row_keys" | "items" | "accessions" | "events" => format!("unit <> '{sealed_unit}'"),
            "findings" => format!("accession NOT IN {accessions}"),
            "contents" => format!("object NOT IN (SELECT id FROM objects WHERE accession IN {accessions})"),
            _ => "1".to_owned(),
        };
        let text = format!("SELECT rowid, typeof(\"{column}\") FROM {table} WHERE length(\"{column}\") > 0 AND {not_sealed} ORDER BY rowid LIMIT 1");
        let row = connection.fetch_optional(AssertSqlSafe(text)).await.unwrap()?;
        let (rowid, kind): (i64, String) = (row.get(0), row.get(1));
        let read = format!("SELECT \"{column}\" FROM {table} WHERE rowid = {rowid}");
        let row = connection.fetch_one(AssertSqlSafe(read)).await.unwrap();
        let update = sqlx::query(AssertSqlSafe(format!("UPDATE {table} SET \"{column}\" = $1 WHERE rowid = {rowid}")));
        let update = match kind.as_str() {
            // A high one: a low bit of an index makes it another row's, which SQLite itself refuses.
            "integer" => update.bind(row.get::<i64, _>(0) ^ (1 << 20)),
            "text" => {
                let mut bytes = row.get::<String, _>(0).into_bytes();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                update.bind(String::from_utf8(bytes).unwrap())
            }
            "blob" => {
                let mut bytes = row.get::<Vec<u8>, _>(0);
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                update.bind(bytes)
            }
            other => panic!("{table}.{column} holds a {other}"),
        };
        update.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        Some(kind)
    })
}

/// Runs one statement.
pub fn run_sql(path: &Path, text: &str) {
    let text = text.to_owned();
    run(async {
        let mut connection = open(path).await;
        connection.execute(AssertSqlSafe(text)).await.unwrap();
        connection.close().await.unwrap();
    });
}

async fn open(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap()
}

/// The columns of a table.
async fn columns(connection: &mut SqliteConnection, table: &str) -> Option<Vec<String>> {
    let rows = connection.fetch_all(AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')"))).await.ok()?;
    rows.iter().map(|row| row.try_get(0).ok()).collect()
}
