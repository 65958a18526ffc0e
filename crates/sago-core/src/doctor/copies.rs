//! Backups: whether everything is in one, whether copies lie where they must not, and which copies of the vault must be erased.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use sqlx::Row;
use uuid::Uuid;

use super::{State, Visit};
use crate::backup::{self, Known, VAULT_RETENTION_DAYS};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::key::current_epoch;
use crate::repository::Repository;
use crate::settings::{Places, is_within};
use crate::store::db::Db;

/// What is in no backup for longer than this is said. Days.
const UNCOVERED_DAYS: i64 = 1;

/// What each kind of backup must cover, by the kinds of events that add to it.
const RECORDS: (&str, &str, &str) = ("backup-records", "backup_records_at", "SELECT MIN(at) FROM events WHERE kind = 'accession-received' AND at > $1");
const VAULT: (&str, &str, &str) = (
    "backup-vault",
    "backup_vault_at",
    "SELECT MIN(at) FROM events WHERE kind IN ('unit-created', 'epoch-rotated', 'log-restarted', 'operating-key-recovered') AND at > $1",
);

/// Whether what was received, and the keys to it, are in a backup that was tested.
pub(super) async fn last_backups(visit: &mut Visit, db: &Db) -> Result<()> {
    for (check, meta, since) in [RECORDS, VAULT] {
        let made = db.meta(meta).await?.and_then(|at| at.parse::<Timestamp>().ok());
        let after = made.map_or(i64::MIN, Timestamp::as_microsecond);
        let oldest: Option<i64> = sqlx::query_scalar(since).bind(after).fetch_one(db.read()).await?;
        let uncovered = oldest.and_then(|at| Timestamp::from_microsecond(at).ok());
        let (what, command) = if check == VAULT.0 { ("vault", "sago backup --vault DIR") } else { ("records", "sago backup DIR") };
        let last = made.map_or_else(|| "never".to_owned(), |at| visit.ago(at));
        match (made, uncovered) {
            (_, Some(at)) if visit.days_since(at) >= UNCOVERED_DAYS => {
                let message = format!("Last backup of the {what}: {last}. What came {} is in none.", visit.ago(at));
                visit.needs_you(check, message, format!("Run `{command}`, and see that it runs daily."));
            }
            (Some(at), _) if check == VAULT.0 && visit.days_since(at) >= VAULT_RETENTION_DAYS => {
                let message = format!("The last backup of the vault was made {last}: it must be erased by now.");
                visit.needs_you(check, message, format!("Run `{command}` to a fresh place or over the old one, then erase older ones."));
            }
            (None, None) => visit.well(check, format!("Last backup of the {what}: never; there is nothing in it to lose yet.")),
            (None, Some(_)) => visit.add(check, State::Advice, format!("Last backup of the {what}: never."), Some(format!("Run `{command}`."))),
            (Some(_), _) => visit.well(check, format!("Last backup of the {what}: {last}.")),
        }
    }
    Ok(())
}

/// The backups that the log speaks of: where they lie, and what must be erased.
pub(super) async fn known(visit: &mut Visit, db: &Db, places: &Places, opened: Option<&(Repository, Ctx)>) -> Result<()> {
    let Some((repo, ctx)) = opened else {
        visit.not_checked("vault-copies", "Which copies of the vault exist, and whether they lie apart: their places are sealed in the log.");
        return Ok(());
    };
    let known = backup::known_backups(repo, ctx).await?;
    let mut is_apart = true;
    for one in &known {
        for secret in places.vault.folder().into_iter().chain([places.keys.as_path()]) {
            if is_within(secret, &one.folder)? || is_within(&one.folder, secret)? {
                is_apart = false;
                visit.broken(
                    "backup-apart",
                    format!("{} and the backup in {} lie one in the other.", secret.display(), one.folder.display()),
                    "Move one of them, and correct [paths] in sago.toml.",
                );
            }
        }
    }
    if is_apart {
        visit.well("backup-apart", "Vault and keys do not lie in a backup.");
    }
    let destroyed = destroyed(db).await?;
    let epoch = current_epoch(&places.keys)?;
    let mut sound = Vec::new();
    for copy in known.iter().filter(|known| known.is_vault) {
        if let Some(line) = vault_copy(visit, copy, &destroyed, epoch)? {
            sound.push(line);
        }
    }
    if !sound.is_empty() {
        visit.well("vault-copies", format!("Copies of the vault, to be erased {VAULT_RETENTION_DAYS} days after they were made: {}.", sound.join("; ")));
    } else if !known.iter().any(|known| known.is_vault) {
        visit.well("vault-copies", "The log knows no copy of the vault.");
    }
    Ok(())
}

/// Destroyed units, and when the last one was.
struct Destroyed {
    units: BTreeSet<Uuid>,
    last_at: Option<Timestamp>,
    epoch_began: Option<Timestamp>,
}

async fn destroyed(db: &Db) -> Result<Destroyed> {
    let rows = sqlx::query("SELECT id FROM units WHERE mode = 'destroyed'").fetch_all(db.read()).await?;
    let last = async |kind: &str| -> Result<Option<Timestamp>> {
        let at: Option<i64> = sqlx::query_scalar("SELECT MAX(at) FROM events WHERE kind = $1").bind(kind).fetch_one(db.read()).await?;
        Ok(at.and_then(|at| Timestamp::from_microsecond(at).ok()))
    };
    Ok(Destroyed {
        units: rows.iter().filter_map(|row| Uuid::parse_str(&row.try_get::<String, _>(0).ok()?).ok()).collect(),
        last_at: last("unit-destroyed").await?,
        epoch_began: last("epoch-rotated").await?,
    })
}

/// Judges one copy of the vault; answers a line about it when all is well.
fn vault_copy(visit: &mut Visit, copy: &Known, destroyed: &Destroyed, epoch: u64) -> Result<Option<String>> {
    let place = copy.folder.display();
    let is_of_ended_epoch = destroyed.epoch_began.is_some_and(|began| copy.at < began);
    let Some(seen) = backup::look_at_vault(&copy.folder)? else {
        if is_gone(&copy.folder) || is_of_ended_epoch {
            return Ok(None);
        }
        let is_late = visit.days_since(copy.at) >= VAULT_RETENTION_DAYS;
        let holds_destroyed = destroyed.last_at.is_some_and(|last| copy.at < last);
        if is_late || holds_destroyed {
            let why = if holds_destroyed { "it may hold keys that were destroyed since" } else { "it is too old" };
            let message = format!("A copy of the vault was written to {place} {}, which is not within reach: {why}.", visit.ago(copy.at));
            visit.needs_you("vault-copies", message, "Erase it. A new epoch (`sago key rotate`) makes it useless also where it cannot be found.");
            return Ok(None);
        }
        return Ok(Some(format!("{place} ({}, not within reach)", visit.ago(copy.at))));
    };
    let risen = seen.units.intersection(&destroyed.units).count();
    let erase = format!("Run `sago backup --vault {place}`: it replaces the copy and erases what must not be in it. Or erase the folder.");
    if risen > 0 {
        visit.needs_you("vault-copies", format!("The copy of the vault in {place} holds the keys of {risen} destroyed units."), erase);
    } else if seen.epochs.iter().any(|other| *other != epoch) {
        visit.needs_you("vault-copies", format!("The copy of the vault in {place} holds keys of an epoch that is not in force."), erase);
    } else if seen.at.is_none_or(|at| visit.days_since(at) >= VAULT_RETENTION_DAYS) {
        visit.needs_you("vault-copies", format!("The copy of the vault in {place} is older than {VAULT_RETENTION_DAYS} days."), erase);
    } else {
        return Ok(Some(format!("{place} ({})", visit.ago(copy.at))));
    }
    Ok(None)
}

/// Whether a folder was removed, as far as can be told: an empty place may be where a medium is mounted at other times.
fn is_gone(folder: &Path) -> bool {
    let is_empty = |path: &Path| std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    !folder.exists() && folder.parent().is_some_and(|parent| parent.is_dir() && !is_empty(parent))
}
