//! Rows of when each stored file was last read and what was found.

use crate::ctx::micros;
use crate::error::{Error, Result};
use crate::ledger::Record;
use crate::store::rows::Writer;

/// Takes over the results of a fixity check, `<object>/<content> <outcome>` each.
pub(crate) async fn record(writer: &mut Writer<'_>, record: &Record<'_>, results: &[String]) -> Result<()> {
    let bad = || Error::corrupt("An event of a fixity check holds a result that cannot be read.");
    for result in results {
        let (place, outcome) = result.rsplit_once(' ').ok_or_else(bad)?;
        let (object, path) = place.split_once('/').ok_or_else(bad)?;
        insert(writer, object, path, micros(record.at), outcome).await?;
    }
    Ok(())
}

/// Enters or renews the state of one stored file.
pub(crate) async fn insert(writer: &mut Writer<'_>, object: &str, path: &str, at: i64, outcome: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO contents (object, path, checked_at, outcome) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (object, path) DO UPDATE SET checked_at = excluded.checked_at, outcome = excluded.outcome",
    )
    .bind(object)
    .bind(path)
    .bind(at)
    .bind(outcome)
    .execute(&mut *writer.conn)
    .await?;
    Ok(())
}
