//! The verdict on a repository, by the code that `sago verify` runs, without starting a process for each flip.

use std::path::Path;

use sago_core::ctx::{Clock, Ctx};
use sago_core::repository::Repository;
use sago_core::settings::{Places, Settings};
use sago_core::{Error, ErrorKind};
use sago_verify::{Options, Report};
use zeroize::Zeroizing;

use crate::cast::PASSPHRASE;

/// What was said.
#[derive(Debug)]
pub enum Verdict {
    /// The repository was judged.
    Judged(Report),
    /// It refused to open, with this message.
    Refused(String),
}

impl Verdict {
    pub fn is_sound(&self) -> bool {
        matches!(self, Self::Judged(report) if report.is_sound())
    }

    /// Every finding that makes it unsound, or the refusal, one a line: code, path, message.
    pub fn words(&self) -> String {
        match self {
            Self::Judged(report) => {
                let errors = report.findings.iter().filter(|finding| finding.is_error());
                errors.map(|finding| format!("{} {} {}\n", finding.code, finding.path, finding.message)).collect()
            }
            Self::Refused(message) => format!("refused: {message}\n"),
        }
    }

    /// Whether a warning names the thing.
    pub fn warns_of(&self, thing: &str) -> bool {
        matches!(self, Self::Judged(report) if report.findings.iter().any(|finding| finding.severity == sago_verify::Severity::Warning && finding.path == thing))
    }

    /// Whether a finding that makes it unsound, or the refusal, names one of the given things.
    pub fn names(&self, things: &[String]) -> bool {
        let words = self.words();
        things.iter().any(|thing| words.contains(thing.as_str()))
    }
}

/// Runs a future to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// Judges a repository as `sago verify` does, with its keys.
pub fn audit(root: &Path) -> Verdict {
    run(async {
        match judge(root).await {
            Ok(report) => Verdict::Judged(report),
            Err(error) => Verdict::Refused(error.message),
        }
    })
}

/// The same steps as in `cli/verify.rs`; `the_audit_here_is_that_of_the_binary` holds the two against each other.
async fn judge(root: &Path) -> Result<Report, Error> {
    let could_not = |error: sago_verify::Error| Error::invalid(error.to_string());
    let settings = Settings::read(root)?;
    let places = Places::resolve(root, &settings)?;
    let mut options = Options::at(sago_stamp::Moment::from_seconds(Clock::System.now().as_second()));
    for authority in &settings.authority {
        options.anchors.extend(sago_verify::read_anchors(&places.root.join(&authority.anchor)).map_err(could_not)?);
    }
    let passphrase = Zeroizing::new(PASSPHRASE.to_owned());
    let unlocked = Repository::open_unchecked(root, &passphrase).await;
    if let Ok(repo) = &unlocked {
        options.pinned = repo.own_verifier_keys().await?;
    }
    let mut report = sago_core::verify::verify_without_keys(&places, &options).await?;
    let damaged = |report: &mut Report, error: Error| report.add(sago_verify::Finding::new(&sago_verify::codes::DATABASE_DAMAGED, "repository", error.message));
    match unlocked {
        Ok(repo) => {
            let outcome = sago_core::verify::verify_with_keys(&repo, &Ctx::unnamed_auditor(Clock::System), &mut report).await;
            repo.close().await;
            match outcome {
                Err(error) if error.kind == ErrorKind::Corrupt => damaged(&mut report, error),
                other => other?,
            }
        }
        Err(error) if matches!(error.kind, ErrorKind::Corrupt | ErrorKind::NotFound) => report.add(sago_core::verify::unopened(root, &passphrase, &error)?),
        Err(error) => return Err(error),
    }
    Ok(report)
}
