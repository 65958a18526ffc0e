//! `sago receipt`: the receipt of an accession, with its proof.

use std::path::PathBuf;

use clap::Args;
use sago_core::Result;
use serde_json::json;

use super::{Common, Done, out};

/// Arguments of `sago receipt`.
#[derive(Debug, Args)]
pub struct Receipt {
    /// Number of the accession.
    id: String,
    /// Folder to write; must not exist.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

impl Receipt {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let accession = sago_core::accession::receipt::write_receipt(&repo, &ctx, &self.id, &self.output).await?;
        if common.json {
            out::object(&json!({ "accession": accession.number, "receipt": self.output }));
        } else {
            out::line(format!("Wrote the receipt of {} to {}.", accession.number, self.output.display()));
            out::line("  receipt.txt is to print; the other files let the contributor check it without us: `sago-verify DIR`.");
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}
