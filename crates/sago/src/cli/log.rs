//! `sago log`: reads the log, and proves single entries of it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sago_core::ctx::{Right, time_text};
use sago_core::ledger::event::Log as Which;
use sago_core::ledger::proof::{prove, read_event, recent_events};
use sago_core::store::durable;
use sago_core::user::agents;
use sago_core::{Error, Result};
use serde_json::json;

use super::show::{event_json, sentence, who};
use super::{Common, Done, out};

/// Arguments of `sago log`.
#[derive(Debug, Args)]
pub struct Log {
    /// Which log.
    #[arg(value_enum, default_value_t = Name::Custody)]
    log: Name,
    /// How many entries, newest last.
    #[arg(long, default_value_t = 50, value_name = "N", conflicts_with = "all")]
    last: u64,
    /// Every entry.
    #[arg(long)]
    all: bool,
    /// Generation of the log; the present one unless given.
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// Write the proof of this entry instead (`.tlog-proof`, with its opening).
    #[arg(long, value_name = "INDEX", requires = "output")]
    prove: Option<u64>,
    /// File for the proof; must not exist.
    #[arg(long, value_name = "FILE", requires = "prove")]
    output: Option<PathBuf>,
    /// Withhold the detail in the proof: only what happened to which ids is shown.
    #[arg(long, requires = "prove")]
    skeleton_only: bool,
}

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// What was received, changed, decided, handed over.
    Custody,
    /// Who listed, showed, opened.
    Access,
}

impl Log {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        ctx.require(Right::Audit)?;
        let log = match self.log {
            Name::Custody => Which::Custody,
            Name::Access => Which::Access,
        };
        let generation = self.generation.unwrap_or_else(|| repo.keyring().signing().generation);
        if let (Some(index), Some(output)) = (self.prove, &self.output) {
            if output.exists() {
                return Err(Error::conflict(format!("{} exists already.", output.display())));
            }
            let stored = read_event(&repo, log, generation, index).await?;
            durable::write(output, prove(&repo, &stored, self.skeleton_only).await?.as_bytes())?;
            if common.json {
                out::object(&json!({ "log": log.name(), "generation": generation, "index": index, "output": output }));
            } else {
                out::line(format!(
                    "Wrote the proof of entry {index} of the {} log to {}. Whoever has the log's key verifies it: sago-verify {}",
                    log.name(),
                    output.display(),
                    output.display()
                ));
            }
        } else {
            let people = agents(&repo).await?;
            let limit = if self.all { u64::MAX >> 1 } else { self.last };
            for stored in recent_events(&repo, log, generation, limit).await? {
                if common.json {
                    out::object(&event_json(&stored, &people));
                } else {
                    let text = out::plain(&sentence(&stored.event, &who(stored.agent, &people), &people));
                    out::line(format!("{:>8}  {}  {:<22} {text}", stored.position.index, &time_text(stored.at)[..19], stored.event.kind()));
                }
            }
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}
