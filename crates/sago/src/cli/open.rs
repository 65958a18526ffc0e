//! `sago open`: an original out, with a reason, as an event written before the bytes.

use std::path::PathBuf;

use clap::Args;
use sago_core::{Error, Result};
use serde_json::json;

use super::{Common, Done, out};

/// Arguments of `sago open`.
#[derive(Debug, Args)]
pub struct Open {
    /// Number of the item (`A-2026-0001.00017`), or of a file contained in it (`A-2026-0001.00017/3`, see `sago text`).
    id: String,
    /// Why; entered in the log. If opening is refused it stays readable for ever: name no person.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// File to write; must not exist.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

impl Open {
    pub async fn run(self, common: &Common) -> Result<Done> {
        if self.output.as_os_str() == "-" {
            return Err(Error::invalid("An original is written to a file: only there can nothing of it be left if its bytes turn out to be others.")
                .hint("Name a file with --output; from there it can be sent on."));
        }
        let (repo, ctx) = common.open().await?;
        if self.id.contains('/') {
            let (item, member) = sago_core::reading::open_member(&repo, &ctx, &self.id, &self.reason, &self.output).await?;
            if common.json {
                out::object(&json!({
                    "item": self.id, "output": self.output, "bytes": member.bytes, "sha256": member.sha256, "path": member.child.name, "whole": member.whole,
                }));
            } else {
                let name = out::plain(&member.child.name);
                out::line(format!(
                    "Wrote {} to {}: “{name}”, taken out of {} anew and compared with the first time (SHA-256).",
                    self.id,
                    self.output.display(),
                    item.number
                ));
                if !member.whole {
                    out::line("  Its container gave only a part of it.");
                }
                out::line("  The opening and its reason were entered in the log before the first byte was released.");
            }
            repo.close().await;
            return Ok(Done::Sound);
        }
        let item = sago_core::item::open_item(&repo, &ctx, &self.id, &self.reason, &self.output).await?;
        if common.json {
            out::object(&json!({
                "item": item.number, "output": self.output, "bytes": item.bytes, "sha256": item.line.as_ref().map(|line| &line.sha256),
                "path": item.line.as_ref().map(|line| &line.path),
            }));
        } else {
            out::line(format!("Wrote {} to {}: the exact bytes that were received (SHA-256 compared).", item.number, self.output.display()));
            out::line("  The opening and its reason were entered in the log before the first byte was released.");
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}
