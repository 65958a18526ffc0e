//! Who is at work, and which jobs do not get done.

use super::Visit;
use crate::error::Result;
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
