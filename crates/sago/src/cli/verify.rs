//! `sago verify`: judges whatever it is given, offline.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use sago_core::ctx::Clock;
use sago_core::repository::Repository;
use sago_core::settings::{Places, Settings};
use sago_core::{Error, ErrorKind, Result};
use sago_stamp::Moment;
use sago_verify::{Options, Report, Severity, Target};
use serde_json::json;

use super::{Common, Done, out};

/// Arguments of `sago verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// What to judge; the repository unless given.
    path: Option<PathBuf>,
    /// Verifier keys of the log, from elsewhere than the package itself; may be given several times.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// PEM certificates trusted as roots of time-stamping authorities; may be given several times.
    #[arg(long = "anchor", value_name = "PEM")]
    anchors: Vec<PathBuf>,
    /// Policy of witnesses (C2SP tlog-policy), or a file of their verifier keys: demands their cosignatures. May be given several times.
    #[arg(long = "witness", value_name = "FILE")]
    witnesses: Vec<PathBuf>,
    /// So many witnesses are enough, with files of keys; all of them unless given.
    #[arg(long, value_name = "K", requires = "witnesses")]
    quorum: Option<usize>,
    /// Judge the path as this, instead of finding out.
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<Kind>,
    /// Check only what needs no key, even of a repository.
    #[arg(long)]
    without_keys: bool,
}

/// What a path can be said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Repository,
    Export,
    Receipt,
    Log,
    OcflRoot,
    OcflObject,
    Bag,
}

impl Kind {
    fn target(self) -> Target {
        match self {
            Self::Repository => Target::Repository,
            Self::Export => Target::Export,
            Self::Receipt => Target::Receipt,
            Self::Log => Target::Log,
            Self::OcflRoot => Target::OcflRoot,
            Self::OcflObject => Target::OcflObject,
            Self::Bag => Target::Bag,
        }
    }
}

impl Verify {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let path = match &self.path {
            Some(path) => path.clone(),
            None => common.repo()?.clone(),
        };
        let options = self.options()?;
        let report = match self.kind.map(Kind::target).or_else(|| sago_verify::detect(&path)) {
            Some(Target::Repository) => self.repository(common, &path, &options).await?,
            Some(target) => tokio::task::block_in_place(|| sago_verify::verify_as(&path, target, &options)).map_err(could_not)?,
            None => tokio::task::block_in_place(|| sago_verify::verify_path(&path, &options)).map_err(could_not)?,
        };
        show(common, &path, &report);
        Ok(if report.is_sound() { Done::Sound } else { Done::WithFindings })
    }

    fn options(&self) -> Result<Options> {
        let mut options = Options::at(Moment::from_seconds(Clock::System.now().as_second()));
        for key in &self.keys {
            options.pinned.extend(sago_verify::read_pinned(key).map_err(could_not)?);
        }
        for anchor in &self.anchors {
            options.anchors.extend(sago_verify::read_anchors(anchor).map_err(could_not)?);
        }
        if !self.witnesses.is_empty() {
            let policy = sago_verify::read_witnesses(&self.witnesses, self.quorum).map_err(could_not)?;
            options.pinned.extend(policy.logs().iter().cloned());
            options.witnesses = Some(policy);
        }
        Ok(options)
    }

    async fn repository(&self, common: &Common, root: &std::path::Path, options: &Options) -> Result<Report> {
        let settings = Settings::read(root)?;
        let places = Places::resolve(root, &settings)?;
        let mut options = options.clone();
        for authority in &settings.authority {
            options.anchors.extend(sago_verify::read_anchors(&places.root.join(&authority.anchor)).map_err(could_not)?);
        }
        let mut unread = None;
        if options.witnesses.is_none() {
            // The configured witnesses' signatures are checked where there are any; how many there must be is the verifier's to say.
            match sago_core::witness::policy(&places, &settings) {
                Ok(policy) => options.witnesses = policy.map(sago_ledger::witness::WitnessPolicy::without_quorum),
                Err(error) => unread = Some(error.message),
            }
        }
        let has_passphrase = common.passphrase_file.is_some() || common.passphrase_fd.is_some() || std::io::stdin().is_terminal();
        // A replica itself has no keys; the folder that reads one may.
        let is_keyless = settings.read_only && !places.keys.join("current").exists();
        let passphrase = if self.without_keys || !has_passphrase || is_keyless { None } else { Some(common.passphrase()?) };
        let unlocked = match &passphrase {
            Some(passphrase) => Some(Repository::open_unchecked(root, passphrase).await.map_err(|error| (error, passphrase))),
            None => None,
        };
        if let (Some(Ok(repo)), true) = (&unlocked, options.pinned.is_empty()) {
            options.pinned = repo.own_verifier_keys().await?;
        }
        let mut report = sago_core::verify::verify_without_keys(&places, &options).await?;
        if let Some(why) = unread {
            report.not_checked("cosignatures of the configured witnesses", why);
        }
        if self.witnesses.is_empty() {
            report.not_checked("whether others remember the log", "no keys of witnesses were given (--witness)");
        }
        match unlocked {
            None => {}
            Some(Ok(repo)) => {
                let ctx = match &common.act_as {
                    Some(code) => sago_core::user::act_as(&repo, Some(code), Clock::System).await,
                    None => Ok(sago_core::ctx::Ctx::unnamed_auditor(Clock::System)),
                };
                let outcome = match ctx {
                    Ok(ctx) => sago_core::verify::verify_with_keys(&repo, &ctx, &mut report).await,
                    Err(error) => Err(error),
                };
                repo.close().await;
                match outcome {
                    Err(error) if error.kind == ErrorKind::Corrupt => damaged(&mut report, &error),
                    other => other?,
                }
            }
            // Damaged keys or a damaged database are a finding of the verification, not a reason to stop it.
            Some(Err((error, passphrase))) if matches!(error.kind, ErrorKind::Corrupt | ErrorKind::NotFound) => {
                report.add(sago_core::verify::unopened(root, passphrase, &error)?);
            }
            Some(Err((error, _))) => return Err(error),
        }
        Ok(report)
    }
}

fn damaged(report: &mut Report, error: &Error) {
    report.add(sago_verify::Finding::new(&sago_verify::codes::DATABASE_DAMAGED, "repository", error.message.clone()));
}

fn could_not(error: sago_verify::Error) -> Error {
    let made = Error::new(ErrorKind::Invalid, error.to_string());
    match error {
        sago_verify::Error::Unknown { .. } => {
            made.hint("`sago verify` judges a repository, an export, a receipt, a .tlog-proof, a log, an OCFL root or object, or a BagIt bag.")
        }
        _ => made,
    }
}

fn show(common: &Common, path: &std::path::Path, report: &Report) {
    if common.json {
        for finding in &report.findings {
            out::object(&json!({ "code": finding.code, "path": finding.path, "message": finding.message, "severity": finding.severity.word() }));
        }
        out::object(&json!({
            "target": report.target, "sound": report.is_sound(), "errors": report.count(Severity::Error), "warnings": report.count(Severity::Warning),
            "checked": report.checked, "not_checked": report.not_checked,
        }));
        return;
    }
    out::line(format!("{} ({})", path.display(), report.target));
    report.checked.iter().for_each(|what| out::line(format!("  checked      {what}")));
    report.not_checked.iter().for_each(|one| out::line(format!("  not checked  {} – {}", one.what, one.why)));
    for finding in &report.findings {
        out::line(format!("  {:<8} {}  {}  {}", finding.severity.word(), finding.code, finding.path, finding.message));
    }
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    out::line(if report.is_sound() { format!("SOUND ({warnings} warnings)") } else { format!("NOT SOUND: {errors} errors, {warnings} warnings") });
}
