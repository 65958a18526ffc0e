//! `sago deposit`: receives files, folders or standard input.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use sago_core::accession::{self, Deposited, FindingLine, NewAccession, Progress, finding, receipt};
use sago_core::key::epoch::find_unit;
use sago_core::label::Label;
use sago_core::{Error, Result};
use serde_json::{Value, json};

use super::{Common, Done, out, progress};

/// Findings shown in full on the terminal; all of them are in the receipt and in `--json`.
const SHOWN: usize = 20;

/// Arguments of `sago deposit`.
#[derive(Debug, Args)]
pub struct Deposit {
    /// Files and folders; `-` is standard input.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Who hands over.
    #[arg(long, value_name = "NAME")]
    contributor: String,
    /// What the deposit is called.
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// Reference of the agreement with the contributor.
    #[arg(long, value_name = "TEXT")]
    agreement: Option<String>,
    /// A condition of the contributor, in words; may be given several times.
    #[arg(long = "condition", value_name = "TEXT")]
    conditions: Vec<String>,
    /// How confidential: public, restricted, confidential, strictly-confidential.
    #[arg(long, default_value_t = Label::default())]
    label: Label,
    /// Consent unit to add to (its id, or the number of an accession in it); a new one unless given.
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// Make the new unit sealed: the server can add to it but not open it.
    #[arg(long, conflicts_with = "unit")]
    sealed: bool,
    /// The sender's own hash list, as `sha256sum` writes it.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Name of the item that standard input becomes.
    #[arg(long, value_name = "NAME")]
    stdin_name: Option<String>,
    /// Folder to write the receipt to; must not exist.
    #[arg(long, value_name = "DIR")]
    receipt: Option<PathBuf>,
    /// Begin anew instead of going on with an interrupted deposit of the same things.
    #[arg(long)]
    fresh: bool,
}

impl Deposit {
    pub async fn run(self, common: &Common) -> Result<Done> {
        if let Some(receipt) = self.receipt.as_ref().filter(|receipt| receipt.exists()) {
            return Err(Error::conflict(format!("{} exists already.", receipt.display())).hint("Name a folder that does not exist. Nothing was received."));
        }
        let (repo, ctx) = common.open().await?;
        if let Some(receipt) = &self.receipt {
            repo.places.refuse_inside(receipt)?;
        }
        let unit = match &self.unit {
            Some(name) => Some(find_unit(&repo, name).await?.id),
            None => None,
        };
        let new = NewAccession {
            sources: self.paths,
            stdin_name: self.stdin_name,
            contributor: self.contributor,
            title: self.title,
            agreement: self.agreement,
            conditions: self.conditions,
            label: self.label,
            unit,
            sealed: self.sealed,
            sender_list: self.manifest,
            fresh: self.fresh,
        };
        let counters = Arc::new(Progress::default());
        let bar = follow(common, &new, &counters);
        let stopper = tokio::spawn(stop_on_interrupt(counters.clone()));
        let deposited = accession::deposit(&repo, &ctx, &new, &counters).await;
        stopper.abort();
        bar.finish();
        let deposited = deposited?;
        if let Some(folder) = &self.receipt {
            receipt::write_receipt(&repo, &ctx, &deposited.number, folder).await?;
        }
        show(common, &deposited, self.receipt.as_ref());
        repo.close().await;
        Ok(Done::Sound)
    }
}

/// Counting what is to come would cost time that nobody watches: only for a person at a terminal.
fn follow(common: &Common, new: &NewAccession, counters: &Arc<Progress>) -> progress::Bar {
    use std::io::IsTerminal as _;
    if !common.quiet && std::io::stderr().is_terminal() {
        let (files, bytes) = accession::estimate(&new.sources);
        counters.files_expected.store(files, Ordering::Relaxed);
        counters.bytes_expected.store(bytes, Ordering::Relaxed);
    }
    let counters = counters.clone();
    progress::follow(common.quiet, true, move || {
        let words = format!("{} of {} files", counters.files.load(Ordering::Relaxed), counters.files_expected.load(Ordering::Relaxed));
        (counters.bytes.load(Ordering::Relaxed), counters.bytes_expected.load(Ordering::Relaxed), words)
    })
}

async fn stop_on_interrupt(counters: Arc<Progress>) {
    if tokio::signal::ctrl_c().await.is_ok() {
        counters.stop.store(true, Ordering::Relaxed);
        out::complain("Stopping at the next file; what is sealed is kept. Run the same command again to go on.");
    }
}

fn show(common: &Common, deposited: &Deposited, receipt: Option<&PathBuf>) {
    if common.json {
        let mut object = json!({
            "accession": deposited.number, "id": deposited.id.to_string(), "unit": deposited.unit.to_string(), "files_seen": deposited.files_seen,
            "items": deposited.items, "findings": deposited.not_taken, "notes": deposited.notes, "mismatches": deposited.mismatches,
            "duplicates": deposited.duplicates, "bytes": deposited.bytes, "stored_bytes": deposited.stored_bytes, "resumed": deposited.resumed,
            "log_generation": deposited.generation, "log_index": deposited.index,
            "details": deposited.findings.iter().map(finding_json).collect::<Vec<_>>(),
        });
        if let (Some(receipt), Some(object)) = (receipt, object.as_object_mut()) {
            object.insert("receipt".into(), json!(receipt));
        }
        out::object(&object);
        return;
    }
    out::line(format!("Received {} ({}).", deposited.number, out::size(deposited.bytes)));
    out::line(format!("  {} files seen: {} items, {} not taken.", deposited.files_seen, deposited.items, deposited.not_taken));
    for (count, words) in [
        (deposited.duplicates, "had bytes the unit already holds: stored once, each with its own number"),
        (deposited.mismatches, "differ from the sender's list"),
        (deposited.resumed, "were already sealed by the interrupted deposit"),
    ] {
        if count > 0 {
            out::line(format!("  {count} {words}."));
        }
    }
    for line in deposited.findings.iter().take(SHOWN) {
        let mark = if finding::is_file_not_taken(line) { "NOT TAKEN" } else { "note" };
        out::line(format!("  {mark}  {}", out::plain(&format!("{}  {}", line.path, line.message))));
    }
    if deposited.findings.len() > SHOWN {
        out::line(format!("  … and {} more: `sago show {}` and the receipt list all of them.", deposited.findings.len() - SHOWN, deposited.number));
    }
    out::line(format!("  Entered in the custody log at {}.", deposited.index));
    match receipt {
        Some(folder) => out::line(format!("  Receipt: {}", folder.display())),
        None => out::line(format!("  Receipt: sago receipt {} --output DIR", deposited.number)),
    }
}

/// A finding as JSON.
pub fn finding_json(line: &FindingLine) -> Value {
    json!({ "code": line.code, "path": line.path, "message": line.message, "item": line.item, "taken": line.taken })
}
