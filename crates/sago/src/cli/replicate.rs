//! `sago replicate`: keeps second sites.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use sago_core::replica::{self, Lag, Progress};
use sago_core::settings::{Replica, Settings};
use sago_core::{Error, Result};
use sago_verify::Finding;
use serde_json::{Value, json};

use super::{Common, Done, out, progress};

/// Arguments of `sago replicate`.
#[derive(Debug, Args)]
pub struct Replicate {
    /// Name of a replica in the settings; all of them unless given.
    name: Option<String>,
    /// Where the replica lies (a folder, or `s3://BUCKET/PREFIX`), if it does not stand in the settings.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// Profile of the credentials file that opens that address.
    #[arg(long, value_name = "PROFILE", requires = "address")]
    profile: Option<String>,
    /// Copy nothing; say how far behind each replica is.
    #[arg(long, conflicts_with_all = ["check", "repair", "lost", "reader"])]
    status: bool,
    /// Copy nothing; read every stored file on both sides and compare it with its digest.
    #[arg(long, conflicts_with_all = ["lost", "reader"])]
    check: bool,
    /// Like --check, and fetch what is damaged or missing on one side from the other; damaged bytes are kept in a folder `damaged`.
    #[arg(long, conflicts_with_all = ["lost", "reader"])]
    repair: bool,
    /// Enter in the log that the replica was lost or given up, with the reason.
    #[arg(long, value_name = "REASON", conflicts_with = "reader", requires = "name")]
    lost: Option<String>,
    /// Make a folder in which the replica of --address is read; no repository is needed.
    #[arg(long, value_name = "DIR", requires = "address")]
    reader: Option<PathBuf>,
    /// With --reader: where the keys are, if not below the folder.
    #[arg(long, value_name = "DIR", requires = "reader")]
    keys: Option<PathBuf>,
    /// With --reader: where the vault is, if not below the folder. It is never part of a replica.
    #[arg(long, value_name = "DIR", requires = "reader")]
    vault: Option<String>,
}

impl Replicate {
    pub async fn run(self, common: &Common) -> Result<Done> {
        if let Some(folder) = &self.reader {
            return self.make_reader(common, folder);
        }
        let root = common.repo()?;
        let chosen = self.chosen(&Settings::read(root)?)?;
        let (repo, ctx) = common.open().await?;
        let mut done = Done::Sound;
        for replica in &chosen {
            let is_well = if let Some(reason) = &self.lost {
                let id = replica::lose(&repo, &ctx, &replica.name, reason).await?;
                say(common, json!({ "name": replica.name, "replica": id.to_string(), "lost": true }), || {
                    out::line(format!("Entered that the replica “{}” was lost. Take it out of sago.toml.", replica.name));
                });
                true
            } else if self.status {
                let lag = replica::lag(repo.db(), &repo.places, &repo.settings, replica).await?;
                show_lag(common, replica, &lag, None);
                lag.is_none()
            } else {
                self.work(common, &repo, &ctx, replica).await?
            };
            if !is_well {
                done = Done::WithFindings;
            }
        }
        repo.close().await;
        Ok(done)
    }

    async fn work(&self, common: &Common, repo: &sago_core::repository::Repository, ctx: &sago_core::ctx::Ctx, replica: &Replica) -> Result<bool> {
        let counters = Arc::new(Progress::default());
        let shown = counters.clone();
        let bar = progress::follow(common.quiet, false, move || (shown.files.load(Ordering::Relaxed), 0, out::size(shown.bytes.load(Ordering::Relaxed))));
        if self.check || self.repair {
            let held = replica::check(repo, ctx, replica, self.repair, &counters).await;
            bar.finish();
            let held = held?;
            findings(common, &held.findings);
            let (files, bytes) = (counters.files.load(Ordering::Relaxed), counters.bytes.load(Ordering::Relaxed));
            let value =
                json!({ "name": replica.name, "files": files, "bytes": bytes, "fetched": held.fetched, "sent": held.sent, "findings": held.findings.len() });
            say(common, value, || {
                out::line(format!("Read {files} files on both sides, {}: {} findings.", out::size(bytes), held.findings.len()));
                held.fetched.iter().for_each(|file| out::line(format!("  fetched from the replica  {file}")));
                held.sent.iter().for_each(|file| out::line(format!("  sent to the replica  {file}")));
            });
            return Ok(held.findings.is_empty());
        }
        let made = replica::replicate(repo, ctx, replica, &counters).await;
        bar.finish();
        let made = made?;
        findings(common, &made.findings);
        show_lag(common, replica, &made.lag, Some((made.new_files, made.new_bytes)));
        Ok(made.findings.is_empty())
    }

    /// The replicas that are meant.
    fn chosen(&self, settings: &Settings) -> Result<Vec<Replica>> {
        let known: Vec<Replica> = settings.replica.iter().filter(|replica| self.name.as_ref().is_none_or(|name| *name == replica.name)).cloned().collect();
        match (&self.address, &self.name) {
            (Some(address), name) => {
                let replica = self.at(address, name.as_deref().unwrap_or("replica"))?;
                Settings { replica: vec![replica.clone()], ..settings.clone() }.check()?;
                Ok(vec![replica])
            }
            (None, Some(name)) if known.is_empty() && self.lost.is_some() => {
                Ok(vec![Replica { name: name.clone(), address: String::new(), endpoint: None, region: None, profile: None }])
            }
            (None, _) if known.is_empty() => Err(Error::not_found("No such replica is in the settings.")
                .hint("Add a table [[replica]] with `name` and `address` to sago.toml, or give `--address ADDRESS`.")),
            (None, _) => Ok(known),
        }
    }

    fn at(&self, address: &str, name: &str) -> Result<Replica> {
        use sago_core::error::IoContext as _;
        let address = if address.contains("://") {
            address.to_owned()
        } else {
            let path = std::path::Path::new(address);
            std::path::absolute(path).doing("Could not resolve", path)?.to_string_lossy().into_owned()
        };
        Ok(Replica { name: name.to_owned(), address, endpoint: None, region: None, profile: self.profile.clone() })
    }

    fn make_reader(&self, common: &Common, folder: &std::path::Path) -> Result<Done> {
        let replica = self.at(self.address.as_deref().unwrap_or_default(), "replica")?;
        let settings = replica::make_reader(&replica, folder, self.keys.as_deref(), self.vault.as_deref())?;
        say(common, json!({ "dir": folder, "repository": settings.repository.to_string() }), || {
            out::line(format!("Made {}, in which the replica {} is read.", folder.display(), replica.address));
            out::line(format!("  Without keys: sago --repo {} verify --without-keys", folder.display()));
            out::line("  With the keys folder and the vault brought there: `sago rebuild`, then `verify`, `list`, `show`, `log`.");
            out::line("  Nothing is opened or handed over here: what a person does must be entered in the log, and that is done where the repository lives.");
        });
        Ok(Done::Sound)
    }
}

fn say(common: &Common, value: Value, text: impl FnOnce()) {
    if common.json { out::object(&value) } else { text() }
}

fn findings(common: &Common, findings: &[Finding]) {
    for finding in findings {
        let value = json!({ "code": finding.code, "path": finding.path, "message": finding.message, "severity": finding.severity.word() });
        say(common, value, || out::line(format!("  {:<8} {}  {}  {}", finding.severity.word(), finding.code, finding.path, finding.message)));
    }
}

fn show_lag(common: &Common, replica: &Replica, lag: &Lag, new: Option<(u64, u64)>) {
    let (files, bytes) = new.unwrap_or_default();
    let value = json!({
        "name": replica.name, "address": replica.address, "new_files": files, "new_bytes": bytes, "custody_entries_behind": lag.custody_entries,
        "access_entries_behind": lag.access_entries, "objects_behind": lag.objects, "bytes_behind": lag.bytes,
        "complete_at": lag.complete_at.map(|at| at.to_string()),
    });
    say(common, value, || {
        if new.is_some() {
            out::line(format!("Copied to the replica “{}”: {files} new files, {}. The vault is not in it.", replica.name, out::size(bytes)));
        }
        let since = lag.complete_at.map_or_else(|| "never complete".to_owned(), |at| format!("last complete at {at}"));
        if lag.is_none() {
            out::line(format!("  “{}” has everything ({since}).", replica.name));
        } else {
            out::line(format!(
                "  “{}” is behind by {} entries of the custody log, {} of the access log, {} objects, {} ({since}).",
                replica.name,
                lag.custody_entries,
                lag.access_entries,
                lag.objects,
                out::size(lag.bytes)
            ));
        }
    });
}
