//! The database and what it knows: its own pages, the heads of the logs, deposits, fixity, time-stamps, the clock.

use std::io::Read as _;
use std::path::Path;

use jiff::Timestamp;
use sago_ledger::append::Appender;
use sago_ledger::note::is_with_more_signatures;
use sqlx::Row;

use super::{State, Visit};
use crate::accession::recover;
use crate::ctx::Ctx;
use crate::error::{Error, IoContext, Result};
use crate::ledger::event::Log;
use crate::ledger::lock::Locks;
use crate::ledger::sequencer::{self, Head};
use crate::ledger::unsigned;
use crate::repository::Repository;
use crate::settings::{Places, Settings};
use crate::stamp;
use crate::store::db::{Db, Engine};

/// A time-stamp older than this is too old when an authority is configured. Days.
const STAMP_DAYS: i64 = 2;

/// A stamp that must be renewed within this is said. Days.
const RENEW_DAYS: i64 = 90;

/// A clock that stands this far before the last entry is wrong. Seconds.
const CLOCK_SLACK_SECONDS: i64 = 60;

/// Refuses a file that is no SQLite database before the engine is asked, which would try again for a long while.
pub(super) fn begins_as_one(path: &Path) -> Result<()> {
    let mut head = [0; 16];
    let read = std::fs::File::open(path).doing("Could not open", path)?.read(&mut head).doing("Could not read", path)?;
    if read == head.len() && &head == b"SQLite format 3\0" {
        return Ok(());
    }
    Err(Error::corrupt(format!("{} is not a database any more. Evidence and log are kept apart from it.", path.display()))
        .hint("Run `sago rebuild`: it makes a new one from storage root, log and keys, and keeps the old one beside it."))
}

/// The engine's check of its own pages.
pub(super) async fn integrity(visit: &mut Visit, db: &Db) -> Result<()> {
    if db.engine == Engine::Postgres {
        let sums: String = sqlx::query_scalar("SELECT setting::text FROM pg_settings WHERE name = 'data_checksums'").fetch_one(db.read()).await?;
        if sums == "on" {
            visit.well("database", "The database server answers, and finds damaged pages itself (data checksums are on).");
        } else {
            visit.not_checked(
                "database",
                "Whether pages of the database are damaged: the server's data checksums are off (`pg_checksums --enable` turns them on). `sago verify` compares every row with the log.",
            );
        }
        return Ok(());
    }
    let problems = db.self_check().await?;
    match problems.first() {
        None => visit.well("database", "The database's own check of its pages passes."),
        Some(first) => visit.broken("database", format!("The database is damaged ({} problems; the first: {first}).", problems.len()), "Run `sago rebuild`."),
    }
    Ok(())
}

/// Locks, published checkpoints, tiles and rows: they must all be of one log.
pub(super) async fn logs(visit: &mut Visit, db: &Db, places: &Places) -> Result<()> {
    let generations = sequencer::generations(places)?;
    let Some(&newest) = generations.last() else {
        visit.broken("log", "There is no log.", "Restore the repository from a backup: `sago restore`.");
        return Ok(());
    };
    let locks = Locks::of(places, db);
    for log in Log::ALL {
        match sequencer::head(&locks, log, newest).await {
            Err(error) => visit.error("lock", error),
            Ok(head) => {
                published(visit, places, log, &head);
                rows(visit, db, log, &head).await?;
            }
        }
    }
    let mut unlocked = Vec::new();
    for &generation in generations.iter().filter(|generation| **generation != newest) {
        for log in Log::ALL {
            if locks.read(log, generation).await?.is_none() {
                unlocked.push(format!("{}-{generation}", log.name()));
            }
        }
    }
    if !unlocked.is_empty() {
        visit.add("lock", State::Advice, format!("Generations that ended have no lock: {}.", unlocked.join(", ")), None);
    }
    Ok(())
}

fn published(visit: &mut Visit, places: &Places, log: Log, head: &Head) {
    let name = log.name();
    let folder = sequencer::folder(places, head.generation, log);
    let text = folder.read_text("checkpoint").ok().flatten().unwrap_or_default();
    let older = sequencer::read_head(head.generation, &text, &folder.show("checkpoint"))
        .is_ok_and(|published| published.origin == head.origin && published.size < head.size);
    let is_signed = is_with_more_signatures(&head.checkpoint, &text);
    if !is_signed && !older && !text.is_empty() {
        visit.broken(
            "lock",
            format!("The published checkpoint of the {name} log is not the one that was signed last (size {}).", head.size),
            "It was altered: run `sago verify`.",
        );
        return;
    }
    match Appender::open(&folder, head.size, &head.root) {
        Err(error) => visit.broken(
            "lock",
            format!("The {name} log on the disk is not the one that was signed last (size {}): {error}.", head.size),
            "It was rolled back or damaged. Run `sago verify`; put the newer files back, or use `sago restore`.",
        ),
        Ok(_) if is_signed => visit.well("lock", format!("The {name} log is the one that was signed last ({} entries).", head.size)),
        Ok(_) => visit.well("lock", format!("The {name} log was signed at {} entries; the next command publishes that checkpoint.", head.size)),
    }
}

async fn rows(visit: &mut Visit, db: &Db, log: Log, head: &Head) -> Result<()> {
    let name = log.name();
    let row = sqlx::query("SELECT generation, next FROM heads WHERE log = $1").bind(name).fetch_optional(db.read()).await?;
    let hint = "Run `sago rebuild`: it makes the database anew from storage root, log and keys, and loses nothing.";
    let Some(row) = row else {
        visit.broken("database-age", format!("The database does not know the {name} log."), hint);
        return Ok(());
    };
    let (generation, next) = (unsigned(row.try_get(0)?)?, unsigned(row.try_get(1)?)?);
    if generation != head.generation {
        visit.broken("database-age", format!("The database knows generation {generation} of the {name} log; it is at generation {}.", head.generation), hint);
    } else if next < head.size {
        visit.broken("database-age", format!("The database is older than the {name} log: it knows {next} entries of {}.", head.size), hint);
    } else if next > head.size {
        let waiting = next - head.size;
        visit.well("database-age", format!("{waiting} entries wait to be signed into the {name} log; the next command does."));
    } else {
        visit.well("database-age", format!("The database knows all {next} entries of the {name} log."));
    }
    Ok(())
}

/// Deposits that wait for somebody.
pub(super) async fn deposits(visit: &mut Visit, db: &Db, repo: Option<&Repository>) -> Result<()> {
    let waiting: Vec<String> = match repo {
        Some(repo) => {
            let found = recover::interrupted(repo).await?;
            let since = |at: u64| i64::try_from(at).ok().and_then(|at| Timestamp::from_microsecond(at).ok());
            found
                .into_iter()
                .map(|(number, at)| format!("{number} (begun {})", since(at).map_or_else(|| "at an unknown time".to_owned(), |at| visit.ago(at))))
                .collect()
        }
        None => sqlx::query_scalar("SELECT number FROM accessions WHERE status = 'opened' ORDER BY number").fetch_all(db.read()).await?,
    };
    if waiting.is_empty() {
        visit.well("deposits", "No deposit was interrupted.");
    } else {
        let message = format!("Interrupted deposits wait: {}.", waiting.join(", "));
        visit.needs_you("deposits", message, "Run the same `sago deposit` again: it goes on where it stopped. With `--fresh` it gives the old one up.");
    }
    let aside: Vec<String> = sqlx::query_scalar("SELECT number FROM accessions WHERE status = 'quarantined' ORDER BY number").fetch_all(db.read()).await?;
    if aside.is_empty() {
        visit.well("quarantine", "No accession is set aside.");
    } else {
        let message = format!("Set aside because a stored object was not what had been prepared: {}.", aside.join(", "));
        visit.needs_you("quarantine", message, "`sago show NUMBER` says what was found. Ask the contributor to hand over again; keep what is set aside.");
    }
    Ok(())
}

/// Stored files that are not what they should be, or were not looked at for long.
pub(super) async fn fixity(visit: &mut Visit, db: &Db, settings: &Settings) -> Result<()> {
    let interval = i64::from(settings.fixity.interval_days) * 24 * 3600;
    let due_before = (visit.now.as_second() - interval).saturating_mul(1_000_000);
    let row = sqlx::query(
        "SELECT COUNT(*), COALESCE(MIN(checked_at), 0), COALESCE(SUM(CASE WHEN checked_at <= $1 THEN 1 ELSE 0 END), 0), \
         COALESCE(SUM(CASE WHEN outcome <> 'ok' THEN 1 ELSE 0 END), 0) FROM contents",
    )
    .bind(due_before)
    .fetch_one(db.read())
    .await?;
    let (files, oldest, due, failing): (i64, i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    if failing > 0 {
        visit.broken(
            "fixity",
            format!("{failing} of {files} stored files were not what they should be when they were last read."),
            "`sago fixity --all` names them. Put them back from a backup.",
        );
    } else if due > 0 {
        let oldest = Timestamp::from_microsecond(oldest).map_or_else(|_| "at an unknown time".to_owned(), |at| visit.ago(at));
        visit.needs_you("fixity", format!("{due} of {files} stored files are due to be read again; the oldest was read {oldest}."), "Run `sago fixity`.");
    } else if files == 0 {
        visit.well("fixity", "No stored file is open to fixity checks yet.");
    } else {
        let oldest = Timestamp::from_microsecond(oldest).map_or_else(|_| "at an unknown time".to_owned(), |at| visit.ago(at));
        visit.well("fixity", format!("All {files} stored files were sound when last read, the oldest {oldest}."));
    }
    Ok(())
}

/// Time-stamps over the log, when an authority is configured.
pub(super) async fn stamps(visit: &mut Visit, db: &Db, settings: &Settings, opened: Option<&(Repository, Ctx)>) -> Result<()> {
    if settings.authority.is_empty() {
        return Ok(());
    }
    let last: Option<String> = sqlx::query_scalar("SELECT MAX(gen_time) FROM stamps").fetch_one(db.read()).await?;
    match last.as_deref().map(|last| (last, last.parse::<Timestamp>())) {
        None => visit.needs_you("stamps", "The log was never time-stamped.", "Run `sago stamp`, and see that it runs daily."),
        Some((_, Ok(at))) if visit.days_since(at) > STAMP_DAYS => {
            visit.needs_you("stamps", format!("The log was last time-stamped {}.", visit.ago(at)), "Run `sago stamp`, and see that it runs daily.");
        }
        Some((_, Ok(at))) => visit.well("stamps", format!("The log was last time-stamped {}.", visit.ago(at))),
        Some((last, Err(_))) => visit.well("stamps", format!("The log was last time-stamped at {last}.")),
    }
    for authority in &settings.authority {
        if let Some((repo, _)) = opened
            && !Path::new(&repo.places.root).join(&authority.anchor).is_file()
        {
            visit.broken(
                "stamps",
                format!("The root certificates of {} are missing ({}).", authority.name, authority.anchor.display()),
                "Put the PEM file back, or correct `anchor` in sago.toml.",
            );
        }
    }
    let Some((repo, ctx)) = opened else { return Ok(()) };
    let soon = visit.now.as_second() + RENEW_DAYS * 24 * 3600;
    let kept = stamp::list(repo, ctx).await?;
    let broken = kept.iter().filter(|one| matches!(one.state, stamp::State::Broken(_))).count();
    if broken > 0 {
        visit.broken(
            "stamps",
            format!("{broken} kept time-stamps prove nothing as they lie there."),
            "Put the files back from a backup; `sago verify` names them.",
        );
    }
    let newest = kept.iter().filter_map(|one| match &one.state {
        stamp::State::Holds(token) => Some(token.renew_before.seconds),
        stamp::State::Broken(_) => None,
    });
    if let Some(renew) = newest.max().filter(|renew| *renew < soon) {
        let date = Timestamp::from_second(renew).map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%d").to_string());
        visit.needs_you(
            "stamps",
            format!("The certificates behind the newest time-stamps end on {date}."),
            "Run `sago stamp` with an authority whose certificates last longer, before that day.",
        );
    }
    Ok(())
}

/// Whether the clock stands before what was entered last.
pub(super) async fn clock(visit: &mut Visit, db: &Db) -> Result<()> {
    let last = db.meta("last_at").await?.and_then(|last| last.parse::<i64>().ok()).and_then(|last| Timestamp::from_microsecond(last).ok());
    match last {
        Some(last) if last.as_second() > visit.now.as_second() + CLOCK_SLACK_SECONDS => {
            let message = format!("The clock stands before the last entry ({}).", last.strftime("%Y-%m-%d %H:%M:%S UTC"));
            visit.needs_you("clock", message, "Set the clock, or find out whether it was wrong before. Entries made now are marked.");
        }
        Some(_) => visit.well("clock", "The clock stands after the last entry."),
        None => visit.not_checked("clock", "Whether the clock is right: nothing was entered yet."),
    }
    Ok(())
}
