//! `sago export`: hands over an accession or an item as a package that a stranger can verify.

use std::path::PathBuf;

use clap::Args;
use sago_core::Result;
use sago_core::export::{NewExport, export};
use serde_json::json;

use super::{Common, Done, out};

/// Arguments of `sago export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Number of the accession or item.
    id: String,
    /// Folder to make; must not exist.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// To whom it is handed over; entered in the log.
    #[arg(long, default_value = "not stated", value_name = "NAME")]
    recipient: String,
    /// Why; entered in the log.
    #[arg(long, default_value = "not stated", value_name = "TEXT")]
    reason: String,
}

impl Export {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let new = NewExport { what: self.id.clone(), recipient: self.recipient, reason: self.reason, output: self.output.clone() };
        let made = export(&repo, &ctx, &new).await?;
        if common.json {
            out::object(&json!({
                "export": made.id.to_string(), "output": self.output, "items": made.items, "bytes": made.bytes, "events": made.events,
                "tagmanifest_sha256": made.tagmanifest_sha256, "log_index": made.index,
                "witnesses": made.witnessed.iter().map(super::witness::asked_object).collect::<Vec<_>>(),
            }));
        } else {
            out::line(format!("Wrote {} items ({}) with {} proven events to {}.", made.items, out::size(made.bytes), made.events, self.output.display()));
            out::line("  Begin with data/READ-ME-FIRST.html. Whoever receives it verifies it without us:");
            out::line(format!("    sago-verify {0}    or    python3 {0}/data/verify/sago_verify.py {0}", self.output.display()));
            out::line(format!("  The log commits to every byte of it (tag manifest {}).", made.tagmanifest_sha256));
        }
        for error in made.witnessed.iter().filter_map(|asked| asked.outcome.error(&asked.witness, asked.log, asked.size)) {
            out::error(&error, false);
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}
