//! `sago restore`: a repository out of backups and the custodians' shares.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sago_core::backup::{self, Fate, Progress, Restored, Sources};
use sago_core::ctx::Clock;
use sago_core::{Error, Result};
use serde_json::json;

use super::backup::{findings, follow};
use super::{Common, Done, key, out, progress};

/// Arguments of `sago restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// Backup of the records, as `sago backup DIR` wrote it.
    dir: PathBuf,
    /// Backup of the vault, as `sago backup --vault DIR` wrote it.
    #[arg(long, value_name = "DIR")]
    vault: PathBuf,
    /// File with one custodian's words; once for each.
    #[arg(long = "share", value_name = "FILE", required = true)]
    shares: Vec<PathBuf>,
    /// Why; stays readable in the log for ever: name no person.
    #[arg(long)]
    reason: String,
}

impl Restore {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let root = common.repo.as_ref().ok_or_else(|| {
            Error::invalid("Where shall the repository be made?").hint("Add `--repo DIR`: a folder that does not exist yet, or an empty one.")
        })?;
        let shares = key::read_shares(&self.shares)?;
        let passphrase = common.new_passphrase()?;
        let sources = Sources { records: &self.dir, vault: &self.vault, shares: &shares, passphrase: &passphrase, reason: &self.reason };
        let counters = Arc::new(Progress::default());
        let bar = progress::follow(common.quiet, false, follow(&counters));
        let restored = backup::restore(root, &sources, &counters, Clock::System).await;
        bar.finish();
        let restored = restored?;
        let is_whole = restored.report.is_sound() && restored.lost.is_empty() && restored.destroyed.iter().all(|one| one.left.is_none());
        if common.json {
            show_json(root, &restored)
        } else {
            show(root, &restored)
        }
        Ok(if is_whole { Done::Sound } else { Done::WithFindings })
    }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Received => "received",
        Fate::SetAside => "set-aside",
        Fate::GivenUp => "given-up",
    }
}

fn show_json(root: &std::path::Path, restored: &Restored) {
    findings(&restored.report);
    out::object(&json!({
        "repository": restored.repository.to_string(), "dir": root, "generation": restored.generation, "epoch": restored.epoch,
        "custody_size": restored.custody.size, "access_size": restored.access.size, "records_at": restored.records_at, "vault_at": restored.vault_at,
        "units": restored.units, "events": restored.events,
        "destroyed": restored.destroyed.iter().map(|one| json!({ "unit": one.unit.to_string(), "accessions": one.accessions, "left": one.left })).collect::<Vec<_>>(),
        "lost": restored.lost.iter().map(|one| json!({ "unit": one.unit.to_string(), "accessions": one.accessions, "why": one.why })).collect::<Vec<_>>(),
        "interrupted": restored.interrupted.iter().map(|one| json!({ "accession": one.number, "fate": fate(one.fate) })).collect::<Vec<_>>(),
        "keyless": restored.keyless, "notes": restored.notes, "sound": restored.report.is_sound(),
        "verifier_keys": restored.verifier_keys().map(|path| root.join(path)), "checked": restored.report.checked,
    }));
}

fn show(root: &std::path::Path, restored: &Restored) {
    out::line(format!("Restored repository {} in {}.", restored.repository, root.display()));
    out::line(format!(
        "  Records of {} (entry {} of the custody log, {} of the access log), vault of {}.",
        restored.records_at, restored.custody.size, restored.access.size, restored.vault_at
    ));
    out::line(format!("  {} events replayed; the keys of {} units wrapped anew for epoch {}.", restored.events, restored.units, restored.epoch));
    for one in &restored.destroyed {
        let accessions = one.accessions.join(", ");
        match &one.left {
            None => out::line(format!(
                "  Stays destroyed: unit {} ({accessions}). Its key lay in the backup of the vault and was erased there before anything else was opened.",
                one.unit
            )),
            Some(why) => out::line(format!(
                "  ALARM  The backup of the vault holds the key of the destroyed unit {} ({accessions}), and it could not be erased ({why}). It was not restored. Destroy that medium.",
                one.unit
            )),
        }
    }
    for one in &restored.lost {
        out::line(format!("  ALARM  Cannot be opened: unit {} ({}): {}.", one.unit, one.accessions.join(", "), one.why.trim_end_matches('.')));
    }
    for one in &restored.interrupted {
        let words = match one.fate {
            Fate::Received => "was under way and all of it was in the backup: received",
            Fate::SetAside => "was under way and part of it was in the backup: set aside",
            Fate::GivenUp => "was under way and is not in the backup: given up; ask for it again",
        };
        out::line(format!("  Deposit {} {words}.", one.number));
    }
    if !restored.keyless.is_empty() {
        out::line(format!(
            "  No key of their own was in the backup for {}: they cannot sign approvals; enter them anew (`sago agent add`).",
            restored.keyless.join(", ")
        ));
    }
    for finding in &restored.report.findings {
        out::line(format!("  {:<8} {}  {}  {}", finding.severity.word(), finding.code, finding.path, finding.message));
    }
    restored.notes.iter().for_each(|note| out::line(format!("  {note}")));
    out::line(format!("  A new generation of the log began: {}. Its first entry commits to the ends of both logs before.", restored.generation));
    out::line(format!(
        "  New verifier keys, to be given to the custodians and to all who check the log: {}",
        root.join(&restored.verifier_keys()[0]).display()
    ));
    out::line(format!("  Next: sago --repo {0} verify; sago --repo {0} doctor; new backups of both", root.display()));
}
