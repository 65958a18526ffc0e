//! `sago backup`: copies the records, or the vault, and tests the copy.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use sago_core::Result;
use sago_core::backup::{self, Progress, VAULT_RETENTION_DAYS};
use sago_verify::Report;
use serde_json::json;

use super::{Common, Done, out, progress};

/// Arguments of `sago backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// Folder to copy to: absent, empty, or one that this repository was copied to before.
    dir: PathBuf,
    /// Copy the vault instead of the records, sealed to the custodians alone; to a place apart, to be erased after 30 days.
    #[arg(long)]
    vault: bool,
}

impl Backup {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let done = if self.vault {
            show_vault(common, &backup::back_up_vault(&repo, &ctx, &self.dir).await?)
        } else {
            let counters = Arc::new(Progress::default());
            let bar = progress::follow(common.quiet, false, follow(&counters));
            let made = backup::back_up_records(&repo, &ctx, &self.dir, &counters).await;
            bar.finish();
            show_records(common, &made?)
        };
        repo.close().await;
        Ok(done)
    }
}

/// How far a copy is, for the bar. How much there is stands only at its end.
pub fn follow(counters: &Arc<Progress>) -> impl Fn() -> (u64, u64, String) + Send + 'static {
    let shown = counters.clone();
    move || (shown.files.load(Ordering::Relaxed), 0, out::size(shown.bytes.load(Ordering::Relaxed)))
}

/// Prints the findings of a test as objects, as `sago verify` does.
pub fn findings(report: &Report) {
    for finding in &report.findings {
        out::object(&json!({ "code": finding.code, "path": finding.path, "message": finding.message, "severity": finding.severity.word() }));
    }
}

fn show_records(common: &Common, made: &backup::Records) -> Done {
    let is_sound = made.entered.is_some();
    if common.json {
        findings(&made.report);
        out::object(&json!({
            "backup": made.backup.to_string(), "what": "records", "dir": made.folder, "files": made.files, "bytes": made.bytes,
            "new_files": made.new_files, "new_bytes": made.new_bytes, "generation": made.custody.generation,
            "custody_size": made.custody.size, "access_size": made.access.size, "sound": is_sound,
            "checked": made.report.checked, "not_checked": made.report.not_checked, "log_index": made.entered.map(|position| position.index),
        }));
        return if is_sound { Done::Sound } else { Done::WithFindings };
    }
    out::line(format!(
        "Copied the records to {}: {} files, {}; new are {} files, {}.",
        made.folder.display(),
        made.files,
        out::size(made.bytes),
        made.new_files,
        out::size(made.new_bytes)
    ));
    out::line(format!(
        "  Up to entry {} of the custody log and {} of the access log (generation {}).",
        made.custody.size, made.access.size, made.custody.generation
    ));
    out::line("  The copy was read back and tested:");
    made.report.checked.iter().for_each(|what| out::line(format!("    checked      {what}")));
    made.report.not_checked.iter().for_each(|one| out::line(format!("    not checked  {} – {}", one.what, one.why)));
    for finding in &made.report.findings {
        out::line(format!("    {:<8} {}  {}  {}", finding.severity.word(), finding.code, finding.path, finding.message));
    }
    match made.entered {
        Some(position) => {
            out::line(format!(
                "  Entered in the custody log at {}. No key is in the copy: it needs a backup of the vault and the custodians' shares.",
                position.index
            ));
            Done::Sound
        }
        None => {
            out::line(
                "  THE TEST FAILED: the backup was not entered in the log. Do not rely on it. If a file of the copy is damaged, remove that file and run the command again.",
            );
            Done::WithFindings
        }
    }
}

fn show_vault(common: &Common, made: &backup::Vault) -> Done {
    let is_sound = made.entered.is_some();
    let missing: Vec<String> = made.missing.iter().map(ToString::to_string).collect();
    let done = if is_sound && missing.is_empty() { Done::Sound } else { Done::WithFindings };
    if common.json {
        out::object(&json!({
            "backup": made.backup.to_string(), "what": "vault", "dir": made.folder, "epoch": made.epoch, "units": made.units, "agents": made.agents,
            "files": made.files, "bytes": made.bytes, "erase_by": made.erase_by, "erased_epochs": made.erased_epochs, "erased_files": made.erased_files,
            "missing": missing, "problems": made.problems, "sound": is_sound, "log_index": made.entered.map(|position| position.index),
        }));
        return done;
    }
    out::line(format!(
        "Copied the vault of epoch {} to {}: the keys of {} units and {} people, and the signing keys.",
        made.epoch,
        made.folder.display(),
        made.units,
        made.agents
    ));
    out::line("  Every file is sealed to the custodians' shares of this epoch: neither the passphrase nor this machine opens it.");
    if !made.erased_epochs.is_empty() {
        let epochs: Vec<String> = made.erased_epochs.iter().map(ToString::to_string).collect();
        out::line(format!("  Erased older copies that lay there, of epoch {}.", epochs.join(", ")));
    }
    if made.erased_files > 0 {
        out::line(format!("  Erased {} files of keys that the vault no longer holds.", made.erased_files));
    }
    missing.iter().for_each(|unit| out::line(format!("  ALARM  The key of unit {unit} is not in the vault, and so not in the copy.")));
    made.problems.iter().for_each(|problem| out::line(format!("  ALARM  {problem}")));
    match made.entered {
        Some(position) => out::line(format!("  Tested, and entered in the custody log at {}.", position.index)),
        None => out::line("  THE TEST FAILED: the backup was not entered in the log. Do not rely on it."),
    }
    out::line(format!(
        "  Keep it apart from the records. Erase it by {}: what is destroyed must not live on for more than {VAULT_RETENTION_DAYS} days. `sago doctor` lists the copies.",
        made.erase_by
    ));
    done
}
