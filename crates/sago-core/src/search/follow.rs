//! Following the log: from the event where the index stopped to the newest, in steps that each are durable.

use std::sync::atomic::{AtomicU64, Ordering};

use sago_search::{Index, IndexOptions, SearchError, Writer, WriterOptions};
use sqlx::Row;
use uuid::Uuid;

use super::{failed, feed, key, open_index};
use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::event::Log;
use crate::ledger::{signed, unsigned};
use crate::repository::Repository;
use crate::store::durable;

/// Events looked at between two commits of the index.
const EVENTS: i64 = 64;

/// Items added between two commits.
const ITEMS: u64 = 2_000;

/// A position is a generation of the log and an index in it.
const GENERATION_BITS: u32 = 40;

/// How far it is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Items and files in them added.
    pub files: AtomicU64,
}

/// What following did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Followed {
    /// Items added or replaced.
    pub items: u64,
    /// Files in them.
    pub members: u64,
    /// Units taken out.
    pub units_removed: u64,
    /// Whether the index was made anew.
    pub is_new: bool,
}

/// Opens the index for questions.
pub(super) fn open(repo: &Repository) -> Result<Index> {
    open_index(repo).map_err(|error| failed(&error))
}

/// Brings this machine's index up to the newest event; makes it when there is none, it is damaged, or of another epoch, or when `anew` says so.
///
/// `Conflict` when another process is doing so. If we crash, the index is as after its last step, and the next call goes on there.
pub async fn follow(repo: &Repository, ctx: &Ctx, anew: bool, progress: &Progress) -> Result<Followed> {
    ctx.require(Right::Search)?;
    repo.require_live()?;
    let folder = &repo.places.index;
    let mut followed = Followed::default();
    let index = match open_index(repo) {
        Ok(index) if !anew => index,
        // Another process may hold it open: its writer would go on writing into files that nobody finds any more, so it is asked first.
        Ok(index) => {
            drop(index.writer(WriterOptions::default()).map_err(|error| failed(&error))?);
            drop(index);
            begin(repo, &mut followed)?
        }
        Err(SearchError::Place(_)) if !folder.join("head").exists() => begin(repo, &mut followed)?,
        Err(SearchError::WrongKey(_) | SearchError::Damaged(_)) => begin(repo, &mut followed)?,
        Err(error) => return Err(failed(&error)),
    };
    let (generation, next) = newest(repo).await?;
    let mut position = match index.position().map_err(|error| failed(&error))? {
        Some(position) if position >> GENERATION_BITS == generation => position,
        None => generation << GENERATION_BITS,
        // The log began again after a restore: what the index holds is of another history.
        Some(_) => {
            drop(index);
            let index = begin(repo, &mut followed)?;
            return run(repo, &index, generation << GENERATION_BITS, generation, next, progress, followed).await;
        }
    };
    let end = (generation << GENERATION_BITS) | next;
    if position >= end {
        position = end;
    }
    run(repo, &index, position, generation, next, progress, followed).await
}

fn begin(repo: &Repository, followed: &mut Followed) -> Result<Index> {
    durable::remove_dir_all(&repo.places.index)?;
    followed.is_new = true;
    Index::create(&repo.places.index, &key(repo)?, IndexOptions::default()).map_err(|error| failed(&error))
}

async fn newest(repo: &Repository) -> Result<(u64, u64)> {
    let row = sqlx::query("SELECT generation, next FROM heads WHERE log = $1").bind(Log::Custody.name()).fetch_one(repo.db().read()).await?;
    Ok((unsigned(row.try_get(0)?)?, unsigned(row.try_get(1)?)?))
}

async fn run(repo: &Repository, index: &Index, begun: u64, generation: u64, next: u64, progress: &Progress, mut followed: Followed) -> Result<Followed> {
    let mask = (1_u64 << GENERATION_BITS) - 1;
    let mut at = begun & mask;
    // Events that concern the index are few among many; when there is none, nothing is written.
    let mut writer: Option<Writer> = None;
    let mut is_dirty = followed.is_new;
    let mut added = 0;
    while at < next {
        let rows = sqlx::query(
            "SELECT idx, kind FROM events WHERE log = $1 AND generation = $2 AND idx >= $3 AND kind IN ('items-read', 'unit-sealed', 'unit-destroyed', 'unit-unsealed') \
             ORDER BY idx LIMIT $4",
        )
        .bind(Log::Custody.name())
        .bind(signed(generation))
        .bind(signed(at))
        .bind(EVENTS)
        .fetch_all(repo.db().read())
        .await?;
        let Some(last) = rows.last() else { break };
        let last = unsigned(last.try_get(0)?)?;
        if writer.is_none() {
            writer = Some(index.writer(WriterOptions::default()).map_err(|error| failed(&error))?);
        }
        let Some(open) = writer.as_mut() else { return Err(Error::internal("the index has no writer")) };
        for row in &rows {
            let idx = unsigned(row.try_get(0)?)?;
            let position = (generation << GENERATION_BITS) | (idx + 1);
            let kind: String = row.try_get(1)?;
            match kind.as_str() {
                "items-read" => {
                    let items = read_by(repo, generation, idx).await?;
                    added += items.len() as u64;
                    add(repo, open, &items, &mut followed, progress).await?;
                    is_dirty = true;
                    if added >= ITEMS {
                        tokio::task::block_in_place(|| open.commit(position)).map_err(|error| failed(&error))?;
                        (added, is_dirty) = (0, false);
                    }
                }
                "unit-unsealed" => {
                    for unit in units_of(repo, generation, idx).await? {
                        let items = of_unit(repo, unit).await?;
                        add(repo, open, &items, &mut followed, progress).await?;
                    }
                    is_dirty = true;
                }
                _ => {
                    for unit in units_of(repo, generation, idx).await? {
                        tokio::task::block_in_place(|| open.destroy_unit(unit, position)).map_err(|error| failed(&error))?;
                        followed.units_removed += 1;
                    }
                    (added, is_dirty) = (0, false);
                }
            }
        }
        at = last + 1;
    }
    let end = (generation << GENERATION_BITS) | next;
    if let Some(mut writer) = writer {
        tokio::task::block_in_place(|| {
            if is_dirty {
                writer.commit(end)?;
            }
            writer.close()
        })
        .map_err(|error| failed(&error))?;
    } else if is_dirty {
        // An index without documents must be one that can be asked.
        tokio::task::block_in_place(|| {
            let mut writer = index.writer(WriterOptions::default())?;
            writer.commit(end)?;
            writer.close()
        })
        .map_err(|error| failed(&error))?;
    }
    Ok(followed)
}

async fn ids(query: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>, repo: &Repository) -> Result<Vec<Uuid>> {
    let rows = query.fetch_all(repo.db().read()).await?;
    let corrupt = |_| Error::corrupt("A row of the database was altered.").hint("Run `sago verify`, then `sago rebuild`.");
    rows.iter().map(|row| Uuid::parse_str(&row.try_get::<String, _>(0)?).map_err(corrupt)).collect()
}

/// Items whose newest reading is that of an event.
async fn read_by(repo: &Repository, generation: u64, idx: u64) -> Result<Vec<Uuid>> {
    ids(sqlx::query("SELECT item FROM readings WHERE generation = $1 AND idx = $2 ORDER BY item").bind(signed(generation)).bind(signed(idx)), repo).await
}

async fn of_unit(repo: &Repository, unit: Uuid) -> Result<Vec<Uuid>> {
    ids(sqlx::query("SELECT item FROM readings WHERE unit = $1 ORDER BY item").bind(unit.to_string()), repo).await
}

/// The units that an event names.
async fn units_of(repo: &Repository, generation: u64, idx: u64) -> Result<Vec<Uuid>> {
    let text = "SELECT subject FROM event_subjects WHERE log = $1 AND generation = $2 AND idx = $3 AND subject IN (SELECT id FROM units)";
    ids(sqlx::query(text).bind(Log::Custody.name()).bind(signed(generation)).bind(signed(idx)), repo).await
}

async fn add(repo: &Repository, writer: &mut Writer, items: &[Uuid], followed: &mut Followed, progress: &Progress) -> Result<()> {
    for item in items {
        let item = match crate::item::find(repo, &item.to_string()).await {
            Ok(item) if item.line.is_some() => item,
            // Sealed or destroyed meanwhile: the event that says so follows.
            Ok(_) => continue,
            Err(error) if error.kind == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let accession = crate::accession::find(repo, &item.accession.to_string()).await?;
        let family = match crate::reading::open_family(repo, &item).await {
            Ok(family) => Some(family),
            // Its text is to be made anew; until then it is found by its name.
            Err(error) if error.kind == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let files = tokio::task::block_in_place(|| feed::add(repo, writer, &item, &accession, family))?;
        followed.items += 1;
        followed.members += files - 1;
        progress.files.fetch_add(files, Ordering::Relaxed);
    }
    Ok(())
}

/// Takes a unit out of this machine's index, with every byte of it: it was sealed or destroyed. An index that cannot be opened is removed.
pub(crate) async fn forget_unit(repo: &Repository, unit: Uuid) -> Result<()> {
    if !repo.places.index.join("head").exists() {
        return Ok(());
    }
    tokio::task::block_in_place(|| {
        let removed = open_index(repo).and_then(|index| {
            let mut writer = index.writer(WriterOptions::default())?;
            // The position stays: the event that says so is met again when the log is followed, and finds nothing.
            let position = writer.position().unwrap_or_default();
            writer.destroy_unit(unit, position)?;
            writer.close()
        });
        match removed {
            Ok(()) => Ok(()),
            // Who holds it meets the event next; it may not wait for that here.
            Err(SearchError::Busy) => Ok(()),
            Err(_) => durable::remove_dir_all(&repo.places.index),
        }
    })
}
