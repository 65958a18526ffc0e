//! `sago read`: text out of originals, each file behind walls of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use sago_core::Result;
use sago_core::reading::{self, Progress, State, Which};
use serde_json::json;

use super::{Common, Done, out, progress};

/// Arguments of `sago read`.
#[derive(Debug, Args)]
pub struct Read {
    /// Number of an accession; all of them unless given.
    accession: Option<String>,
    /// Also read again what could be read in part or not at all.
    #[arg(long, conflicts_with = "again")]
    failed: bool,
    /// Read everything again.
    #[arg(long)]
    again: bool,
}

impl Read {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let accession = match &self.accession {
            Some(number) => Some(sago_core::accession::accession(&repo, &ctx, number).await?.id),
            None => None,
        };
        let which = match (self.failed, self.again) {
            (_, true) => Which::All,
            (true, false) => Which::Failed,
            (false, false) => Which::Unread,
        };
        let counters = Arc::new(Progress::default());
        let shown = counters.clone();
        let bar = progress::follow(common.quiet, false, move || {
            let words = format!("{} files", shown.files.load(Ordering::Relaxed));
            (shown.items.load(Ordering::Relaxed), shown.items_expected.load(Ordering::Relaxed), words)
        });
        let stopper = {
            let counters = counters.clone();
            tokio::spawn(async move {
                if tokio::signal::ctrl_c().await.is_ok() {
                    counters.stop.store(true, Ordering::Relaxed);
                }
            })
        };
        let done = reading::read_items(&repo, &ctx, accession, which, &counters).await;
        stopper.abort();
        bar.finish();
        let done = done?;
        let count = |state: State| done.states.get(&state).copied().unwrap_or(0);
        let (read, partly, unreadable) = (count(State::Read), count(State::Partly), count(State::Unreadable));
        if common.json {
            for (number, message) in &done.damaged {
                out::object(&json!({ "code": "original-damaged", "item": number, "message": message, "severity": "error" }));
            }
            out::object(&json!({
                "items": done.items, "members": done.members, "read": read, "partly": partly, "unreadable": unreadable, "sealed": done.sealed,
                "damaged": done.damaged.len(),
            }));
        } else {
            out::line(format!("Read {} items and {} files in them: {read} whole, {partly} in part, {unreadable} not at all.", done.items, done.members));
            if done.sealed > 0 {
                out::line(format!("  {} items belong to sealed units and wait.", done.sealed));
            }
            for (number, message) in &done.damaged {
                out::line(format!("  ALARM  {number}: {}", out::plain(message)));
            }
            out::line("  `sago coverage` says what could not be read and why.");
        }
        repo.close().await;
        Ok(if done.damaged.is_empty() { Done::Sound } else { Done::WithFindings })
    }
}
