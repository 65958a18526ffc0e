//! `sago rebuild`: a new database from storage root, log and keys, compared with the old one.

use clap::Args;
use sago_core::Result;
use sago_core::ctx::Clock;
use serde_json::json;

use super::{Common, Done, out};

/// Arguments of `sago rebuild`.
#[derive(Debug, Args)]
pub struct Rebuild {}

impl Rebuild {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let root = common.repo()?;
        sago_core::settings::Settings::read(root)?;
        let rebuilt = sago_core::verify::rebuild(root, &common.passphrase()?, Clock::System).await?;
        if common.json {
            for finding in &rebuilt.differences {
                out::object(&json!({ "code": finding.code, "path": finding.path, "message": finding.message, "severity": finding.severity.word() }));
            }
            out::object(&json!({ "events": rebuilt.events, "differences": rebuilt.differences.len(), "kept": rebuilt.kept, "note": rebuilt.note }));
        } else {
            out::line(format!("Made a new database from {} events of the log, the storage root and the keys.", rebuilt.events));
            match &rebuilt.note {
                Some(note) => out::line(format!("  {note}")),
                None => out::line(format!("  It differs from the old one in {} rows.", rebuilt.differences.len())),
            }
            rebuilt.differences.iter().take(20).for_each(|finding| out::line(format!("    {}  {}  {}", finding.code, finding.path, finding.message)));
            if let Some(kept) = &rebuilt.kept {
                out::line(format!("  The old one is kept as {}; remove it when it is no longer needed.", kept.display()));
            }
        }
        Ok(if rebuilt.differences.is_empty() { Done::Sound } else { Done::WithFindings })
    }
}
