//! Backups and what is made from them: copies of the records, copies of the vault, and a repository out of both.
//!
//! The two never lie together (integrity.md B3). The records (storage root, log, time-stamps, settings) are ciphertext and commitments,
//! and may be kept for ever. The vault holds what must be destroyable: its copies are sealed once more to the recovery identity alone,
//! kept for at most [`VAULT_RETENTION_DAYS`], and never hold the operating key. Locks are in neither: a restored log is never continued,
//! a new generation of it begins ([`restore()`]).
//!
//! `records` and `vault` copy, `place` says where a copy may lie, `trial` tests a copy of the records without any share, `history` reads
//! from a log what its units and deposits have become, `unfinished` decides what becomes of deposits that were under way.

mod copy;
mod history;
mod place;
mod records;
mod restore;
#[cfg(test)]
pub(crate) mod tests;
mod trial;
mod unfinished;
mod vault;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use sqlx::Row;
use uuid::Uuid;

use crate::ctx::{Ctx, Right};
use crate::error::{Error, Result};
use crate::ledger::event::{BackupMade, BackupMadeDetail, Event, Log};
use crate::ledger::proof::read_event;
use crate::ledger::{Position, unsigned};
use crate::repository::Repository;

pub use history::succession_problems;
pub use place::{RECORDS_FILE, VAULT_FILE};
pub use records::{Records, back_up_records};
pub(crate) use records::{check_continued, is_in_tree, is_segment};
pub use restore::{DestroyedAgain, Lost, Restored, Sources, restore};
pub use unfinished::{Fate, Interrupted};
pub(crate) use vault::look as look_at_vault;
pub use vault::{Vault, back_up_vault};

/// A copy of the vault must be erased after this many days (integrity.md B3).
pub const VAULT_RETENTION_DAYS: i64 = 30;

/// How far a copy is; read by whoever shows progress.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files looked at.
    pub files: AtomicU64,
    /// Bytes of those.
    pub bytes: AtomicU64,
}

/// A backup that the log speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Whether it is of the vault; otherwise of the records.
    pub is_vault: bool,
    /// When it was made and tested.
    pub at: Timestamp,
    /// The folder it was written to.
    pub folder: PathBuf,
}

/// The last backup to each folder, oldest first.
pub async fn known_backups(repo: &Repository, ctx: &Ctx) -> Result<Vec<Known>> {
    ctx.require(Right::Check)?;
    known(repo).await
}

async fn known(repo: &Repository) -> Result<Vec<Known>> {
    let rows = sqlx::query("SELECT generation, idx FROM events WHERE log = 'custody' AND kind = 'backup-made' ORDER BY generation, idx")
        .fetch_all(repo.db().read())
        .await?;
    let mut found: Vec<Known> = Vec::new();
    for row in rows {
        let stored = read_event(repo, Log::Custody, unsigned(row.try_get(0)?)?, unsigned(row.try_get(1)?)?).await?;
        if let Event::BackupMade(event, Some(detail)) = stored.event {
            let made = Known { is_vault: event.what == "vault", at: stored.at, folder: PathBuf::from(detail.folder) };
            found.retain(|known| (known.is_vault, &known.folder) != (made.is_vault, &made.folder));
            found.push(made);
        }
    }
    Ok(found)
}

/// Enters a backup that was made and tested.
async fn enter(repo: &Repository, ctx: &Ctx, backup: Uuid, what: &str, size: (u64, u64), folder: &std::path::Path) -> Result<Position> {
    let mut tx = repo.begin().await?;
    let event = BackupMade { backup, what: what.to_owned(), files: size.0, bytes: size.1 };
    tx.append(repo.settings.domain_unit, event.with(BackupMadeDetail { folder: folder.to_string_lossy().into_owned() }));
    let positions = tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    positions.last().copied().ok_or_else(|| Error::internal("the event has no place"))
}
