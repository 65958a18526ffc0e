//! `sago fixity`: reads stored files again and compares.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use sago_core::Result;
use sago_core::fixity::{self, Progress};
use serde_json::json;

use super::{Common, Done, out, progress};

/// Arguments of `sago fixity`.
#[derive(Debug, Args)]
pub struct Fixity {
    /// Read every stored file, not only those that are due.
    #[arg(long)]
    all: bool,
}

impl Fixity {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let counters = Arc::new(Progress::default());
        let shown = counters.clone();
        let bar = progress::follow(common.quiet, false, move || {
            let words = out::size(shown.bytes.load(Ordering::Relaxed));
            (shown.files.load(Ordering::Relaxed), shown.files_expected.load(Ordering::Relaxed), words)
        });
        let stopper = {
            let counters = counters.clone();
            tokio::spawn(async move {
                if tokio::signal::ctrl_c().await.is_ok() {
                    counters.stop.store(true, Ordering::Relaxed);
                }
            })
        };
        let checked = fixity::check_fixity(&repo, &ctx, self.all, &counters).await;
        stopper.abort();
        bar.finish();
        let checked = checked?;
        if common.json {
            for failure in &checked.failures {
                out::object(&json!({
                    "code": format!("fixity-{}", failure.outcome), "path": format!("{}/{}", failure.object, failure.content), "item": failure.item,
                    "message": format!("The stored file is {}.", failure.outcome), "severity": "error",
                }));
            }
            out::object(&json!({ "files": checked.files, "bytes": checked.bytes, "failures": checked.failures.len(), "not_due": checked.not_due }));
        } else {
            out::line(format!("Read {} stored files ({}); {} are not yet due.", checked.files, out::size(checked.bytes), checked.not_due));
            for failure in &checked.failures {
                out::line(format!(
                    "  ALARM  {}: the stored file {}/{} is {}. Put it back from a backup.",
                    failure.item.as_deref().unwrap_or("no item"),
                    failure.object,
                    failure.content,
                    failure.outcome
                ));
            }
            match (checked.files, checked.failures.is_empty()) {
                (0, _) => out::line("  Nothing is due. `sago fixity --all` reads everything."),
                (_, true) => out::line("  Every one is what was received."),
                (_, false) => {}
            }
        }
        repo.close().await;
        Ok(if checked.failures.is_empty() { Done::Sound } else { Done::WithFindings })
    }
}
