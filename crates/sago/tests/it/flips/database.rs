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

/// The columns of a table.
async fn columns(connection: &mut SqliteConnection, table: &str) -> Option<Vec<String>> {
    let rows = connection.fetch_all(AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')"))).await.ok()?;
    rows.iter().map(|row| row.try_get(0).ok()).collect()
}
