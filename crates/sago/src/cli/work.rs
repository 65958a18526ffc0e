//! `sago work`: a node that does jobs.

use clap::Args;
use sago_core::ErrorKind;
use sago_core::Result;
use sago_core::job::{self, Mode, Ran, Verdict};
use sago_core::node::{Kind, Node};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Common, Done, out};

/// Arguments of `sago work`.
#[derive(Debug, Args)]
pub struct Work {
    /// Do what is due and that no other node is doing, then end.
    #[arg(long)]
    once: bool,
}

impl Work {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let stop = on_signal()?;
        let (repo, ctx) = common.open().await?;
        let node = Node::join(&repo, Kind::Work).await?;
        out::complain(&format!("sago work: node {} does jobs; SIGTERM ends it", node.id));
        let mode = if self.once { Mode::Once } else { Mode::UntilStopped };
        let mut done = Done::Sound;
        let mut tell = |ran: Result<Ran>| {
            if !show(common, ran) {
                done = Done::WithFindings;
            }
        };
        let worked = job::work(&repo, &ctx, node.id, mode, stop, &mut tell).await;
        let left = node.leave().await;
        repo.close().await;
        worked?;
        left?;
        out::complain("sago work: ended; nothing is held");
        // Who was asked to stop did what it was asked; what failed before is told in its place.
        Ok(if mode == Mode::Once { done } else { Done::Sound })
    }
}

/// Becomes true when the process is asked to end (SIGTERM, SIGINT).
pub fn on_signal() -> Result<watch::Receiver<bool>> {
    let bad = |error: std::io::Error| sago_core::Error::internal(format!("Signals cannot be listened to: {error}"));
    let (mut term, mut int) = (signal(SignalKind::terminate()).map_err(bad)?, signal(SignalKind::interrupt()).map_err(bad)?);
    let (ask, asked) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        // The sender lives on in this task until nobody listens any more.
        ask.send_replace(true);
        ask.closed().await;
    });
    Ok(asked)
}

/// Shows a job, one line; says whether all is well. For people, jobs that found nothing to do are not worth a line.
pub fn show(common: &Common, ran: Result<Ran>) -> bool {
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => {
            out::error(&error, false);
            return false;
        }
    };
    let (outcome, error) = match &ran.verdict {
        Verdict::Done => ("done", None),
        Verdict::GivenBack => ("given-back", None),
        Verdict::Lost => ("lost", None),
        Verdict::Failed(error) => ("failed", Some(error)),
    };
    let (kind, subject) = (ran.claim.kind.code(), &ran.claim.subject);
    if common.json {
        let mut object = json!({ "job": kind, "subject": subject, "attempt": ran.claim.attempt, "outcome": outcome });
        for (name, count) in &ran.counts {
            object[*name] = (*count).into();
        }
        if let Some(error) = error {
            object["message"] = error.message.clone().into();
        }
        out::object(&object);
    } else if !ran.counts.is_empty() || outcome != "done" {
        let counts: String = ran.counts.iter().map(|(name, count)| format!(", {name} {count}")).collect();
        out::line(format!("{kind} {subject}: {outcome}{counts}"));
    }
    if let Some(error) = error {
        out::error(error, false);
    }
    let failures = ran.counts.get("failures").copied().unwrap_or(0);
    if failures > 0 {
        out::complain(&format!("sago: ALARM: {failures} stored files of object {subject} are not what was received; `sago fixity --all` names them"));
    }
    // A job that another process was just doing is none that failed.
    failures == 0 && error.is_none_or(|error| error.kind == ErrorKind::Conflict)
}
