//! The vault against the rows of units, the end of the epoch, and when keys were last tried.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::Row;

use super::Visit;
use crate::error::Result;
use crate::key::current_epoch;
use crate::settings::Places;
use crate::store::db::Db;
use crate::store::shelf::Shelf;

/// From this many days before its end, a new epoch is asked for.
const EPOCH_WARNING_DAYS: i64 = 30;

/// Keys are tried at least this often. Days.
const KEY_CHECK_DAYS: i64 = 31;

/// Every living unit has the wrapped key that the log commits to, no destroyed one has any, and no ended epoch has left keys behind.
pub(super) async fn vault(visit: &mut Visit, db: &Db, places: &Places) -> Result<()> {
    let epoch = match current_epoch(&places.keys) {
        Ok(epoch) => epoch,
        Err(error) => {
            visit.error("vault", error);
            return Ok(());
        }
    };
    let rows = sqlx::query("SELECT id, mode, vault_sha256 FROM units ORDER BY id").fetch_all(db.read()).await?;
    let vault = places.vault.below(&epoch.to_string());
    let (mut missing, mut altered, mut risen) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let (unit, mode, sha256): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        match (vault.read(&format!("{unit}.age"))?, mode.as_str()) {
            (Some(_), "destroyed") => risen.push(unit),
            (None, "destroyed") => {}
            (Some(bytes), _) if hex::encode(Sha256::digest(&bytes)) == sha256 => {}
            // A command was interrupted after its entry: the key that the log commits to waits beside, and the next opening takes it.
            (_, _) if vault.read(&format!("{unit}.age.next"))?.is_some_and(|next| hex::encode(Sha256::digest(next)) == sha256) => {}
            (Some(_), _) => altered.push(unit),
            (None, _) => missing.push(unit),
        }
    }
    let hint = "Put it back from a copy of the vault of the same epoch, at once, while other copies exist.";
    for (units, what) in [(&missing, "missing from the vault"), (&altered, "not the one that the log commits to")] {
        if let Some(first) = units.first() {
            visit.broken("vault", format!("The key of {} units is {what}; the first: {first}.", units.len()), hint);
        }
    }
    if let Some(first) = risen.first() {
        visit.needs_you(
            "vault",
            format!("The key of {} destroyed units lies in the vault again; the first: {first}.", risen.len()),
            "The next command that opens the repository erases it. Find out who put it there.",
        );
    }
    let left = others(&places.vault, epoch)?;
    if !left.is_empty() {
        let message = format!("Keys of epochs that are not in force lie in the vault: {}.", left.join(", "));
        visit.needs_you(
            "vault",
            message,
            format!("An interrupted rotation left them. Once `sago key check` finds every key of epoch {epoch} in order, erase these folders below the vault."),
        );
    }
    if missing.is_empty() && altered.is_empty() && risen.is_empty() && left.is_empty() {
        visit.well("vault", format!("The vault holds the keys of epoch {epoch} that the log commits to, and no other."));
    }
    Ok(())
}

fn others(vault: &Shelf, epoch: u64) -> Result<Vec<String>> {
    let names = vault.list("")?.into_iter().map(|child| child.name);
    Ok(names.filter(|name| name.parse::<u64>().is_ok_and(|other| other != epoch)).collect())
}

/// When the epoch ends.
pub(super) async fn epoch(visit: &mut Visit, db: &Db) -> Result<()> {
    let ends = db.meta("epoch_ends").await?.and_then(|ends| ends.parse::<Timestamp>().ok());
    let hint = "Call the custodians together and run `sago key rotate`. Until then, unknown copies of destroyed keys can still be opened.";
    match ends.map(|ends| (ends, -visit.days_since(ends))) {
        None => visit.not_checked("epoch", "When the epoch ends: the database does not know."),
        Some((ends, days)) => {
            let date = ends.strftime("%Y-%m-%d");
            if ends <= visit.now {
                visit.needs_you("epoch", format!("The epoch ended on {date}."), hint);
            } else if days <= EPOCH_WARNING_DAYS {
                visit.needs_you("epoch", format!("The epoch ends on {date}, in {days} days."), hint);
            } else {
                visit.well("epoch", format!("The epoch ends on {date}."));
            }
        }
    }
    Ok(())
}

/// When keys were last tried against what they must open.
pub(super) async fn last_check(visit: &mut Visit, db: &Db) -> Result<()> {
    let failed: i64 = db.meta("keys_failed").await?.and_then(|failed| failed.parse().ok()).unwrap_or(0);
    if failed > 0 {
        visit.broken(
            "key-check",
            format!("At the last `sago key check`, {failed} keys did not fit what they must open."),
            "Put them back from a copy of the vault of the same epoch, at once, then run `sago key check` again.",
        );
        return Ok(());
    }
    let checked = db.meta("keys_checked_at").await?.and_then(|at| at.parse::<Timestamp>().ok());
    let oldest: Option<i64> = sqlx::query_scalar("SELECT MIN(created_at) FROM units").fetch_one(db.read()).await?;
    let since = checked.or_else(|| oldest.and_then(|at| Timestamp::from_microsecond(at).ok()));
    let words = checked.map_or_else(|| "never".to_owned(), |at| visit.ago(at));
    if since.is_some_and(|since| visit.days_since(since) >= KEY_CHECK_DAYS) {
        visit.needs_you(
            "key-check",
            format!("Keys were last tried: {words}."),
            "Run `sago key check` once a month: a key that no longer fits can still be replaced from a copy.",
        );
    } else {
        visit.well("key-check", format!("Keys were last tried: {words}."));
    }
    Ok(())
}
