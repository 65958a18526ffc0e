//! Who is at work, and which jobs do not get done.

use super::{State, Visit};
use crate::error::Result;
use crate::settings::{Places, Settings};
use crate::store::db::Db;
use crate::{job, node};

/// The nodes that are alive, with their versions.
pub(super) async fn nodes(visit: &mut Visit, db: &Db) -> Result<()> {
    let alive = node::alive(db).await?;
    if alive.is_empty() {
        visit.well("nodes", "No node is at work. What is due is done when a command runs, or by `sago work`.");
    } else {
        visit.well("nodes", format!("At work: {}.", node::named(&alive.iter().collect::<Vec<_>>())));
    }
    Ok(())
}

/// How far each replica is behind. One that does not answer is a line of its own, and keeps nothing else from being looked at.
pub(super) async fn replicas(visit: &mut Visit, db: &Db, places: &Places, settings: &Settings) {
    if settings.replica.is_empty() {
        visit.well("replicas", "No second site is set up: `sago replicate` keeps one.");
    }
    for replica in &settings.replica {
        match crate::replica::lag(db, places, settings, replica).await {
            Ok(lag) if lag.is_none() => visit.well("replicas", format!("The replica “{}” has everything.", replica.name)),
            Ok(lag) => {
                let since = lag.complete_at.map_or_else(|| "never complete".to_owned(), |at| format!("last complete {}", visit.ago(at)));
                let message = format!(
                    "The replica “{}” is behind by {} entries, {} objects, {} bytes; {since}.",
                    replica.name,
                    lag.custody_entries + lag.access_entries,
                    lag.objects,
                    lag.bytes
                );
                // What came since the last planned copy is no fault yet.
                let is_late = lag.complete_at.is_none_or(|at| visit.now.as_second() - at.as_second() > 2 * i64::from(settings.work.replicate_seconds));
                let state = if is_late { State::NeedsYou } else { State::Well };
                visit.add("replicas", state, message, is_late.then(|| format!("Run `sago replicate {}`, or see that `sago work` runs.", replica.name)));
            }
            Err(error) => visit.error("replicas", error),
        }
    }
}

/// Jobs that did not end well the last time.
pub(super) async fn jobs(visit: &mut Visit, db: &Db) -> Result<()> {
    let troubled = job::troubled(db).await?;
    if troubled.is_empty() {
        visit.well("jobs", "No job failed the last time.");
        return Ok(());
    }
    let told = troubled.iter().map(|job| {
        let subject = if job.subject.is_empty() { String::new() } else { format!(" of {}", job.subject) };
        format!("{}{subject} ({} attempts): {}", job.kind, job.attempts, job.error)
    });
    let message = format!("Jobs failed and are tried again: {}.", told.collect::<Vec<_>>().join("; "));
    visit.needs_you("jobs", message, "The node said why on standard error. `sago work --once` tries what is due again and says it anew.");
    Ok(())
}
