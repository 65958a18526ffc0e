//! Offline verification of all that Sago writes: exports, receipts, proofs, logs, repositories without their keys, bags and OCFL.
//!
//! [`verify_path`] finds out by itself what a path is; every part can also be called alone ([`export`], [`receipt`], [`log`],
//! [`repository`]). Broken input yields findings in a [`Report`]; an [`Error`] means that we could not do the work. No network, no clock,
//! no account: keys, root certificates and the moment of judgement are inputs. What is verified comes from strangers: links are not
//! followed and nothing is read without a limit. A second verifier, `python/sago_verify.py`, was written apart from this one.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bag;
pub mod codes;
mod event;
pub mod export;
mod files;
pub mod finding;
mod item;
mod json;
pub mod log;
pub mod receipt;
pub mod report;
pub mod repository;
mod source;
pub mod stamp;
mod trust;

use std::io;
use std::path::{Path, PathBuf};

use sago_ledger::note::Verifier;
use sago_ledger::witness::WitnessPolicy;
use sago_packages::{PackageKind, ProgressFn, Tree};
use sago_stamp::{Certificate, Moment};

pub use finding::{Finding, Severity};
pub use report::{NotChecked, Report, Target};
pub use source::TreeSource;
pub use trust::{parse_keys, read_pinned};

/// The second verifier, as it travels in every export (formats, section 10).
pub const PYTHON_VERIFIER: &str = include_str!("../python/sago_verify.py");

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key or certificate that was given is not one.
    #[error("{}: {message}", path.display())]
    Given {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The path is nothing that we know how to verify.
    #[error("{} is no export, receipt, proof, log, repository, bag or OCFL folder", path.display())]
    Unknown {
        /// The path.
        path: PathBuf,
    },
    /// A package could not be read.
    #[error(transparent)]
    Package(#[from] sago_packages::Error),
}

impl Error {
    /// Gives a closure for `map_err` that remembers what was touched.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// The same for a path in a tree.
    pub(crate) fn at_tree(tree: &dyn Tree, path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = tree.place(path);
        move |source| Self::Io { path, source }
    }
}

/// What the verifier is given beside the path.
#[derive(Clone)]
pub struct Options {
    /// Keys from elsewhere. With any, only they count; without, those that came with the package, and a warning says so.
    pub pinned: Vec<Verifier>,
    /// Certificates at which the chain of a time-stamp may end.
    pub anchors: Vec<Certificate>,
    /// Witnesses whose cosignatures are checked, and how many of them every checkpoint must carry that something rests on.
    pub witnesses: Option<WitnessPolicy>,
    /// The moment of judgement, for certificates: today for most.
    pub at: Moment,
    /// Threads that read files; at least one.
    pub threads: usize,
    /// Hears progress while content is read.
    pub progress: Option<ProgressFn>,
}

impl Options {
    /// Judges at `at`, with nothing given, by as many threads as the machine has.
    pub fn at(at: Moment) -> Self {
        let threads = sago_packages::Options::default().threads;
        Self { pinned: Vec::new(), anchors: Vec::new(), witnesses: None, at, threads, progress: None }
    }

    /// The same, as the judges of OCFL roots and bags take it.
    pub fn packages(&self) -> sago_packages::Options {
        sago_packages::Options { threads: self.threads.max(1), progress: self.progress.clone(), ..sago_packages::Options::default() }
    }
}

/// Reads a PEM file with root certificates; a wrong file is our error, not a finding.
pub fn read_anchors(path: &Path) -> Result<Vec<Certificate>, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::at(path))?;
    let (certificates, findings) = sago_stamp::certificates_from_pem(&text);
    let message = match findings.first() {
        Some(finding) => finding.message.clone(),
        None if certificates.is_empty() => "there is no certificate in it".to_owned(),
        None if certificates.iter().any(Certificate::is_damaged_root) => {
            "a root certificate in it is not signed by its own key: the file is damaged, get it again from the authority".to_owned()
        }
        None => return Ok(certificates),
    };
    Err(Error::Given { path: path.to_owned(), message })
}

/// Reads a policy of witnesses (C2SP tlog-policy), or files of their verifier keys of which `wanted` witnesses are enough (all, unless given).
///
/// Several files are possible with lists of keys only. A wrong file is our error, not a finding.
pub fn read_witnesses(paths: &[PathBuf], wanted: Option<usize>) -> Result<WitnessPolicy, Error> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend(std::fs::read(path).map_err(Error::at(path))?);
        if paths.len() > 1 {
            bytes.push(b'\n');
        }
    }
    let path = paths.first().cloned().unwrap_or_default();
    WitnessPolicy::read(&bytes, wanted).map_err(|error| Error::Given { path, message: error.to_string() })
}

/// Tells what a path is, from names alone; it need not be a sound one.
pub fn detect(path: &Path) -> Option<Target> {
    let file = |name: &str| path.join(name).is_file();
    let folder = |name: &str| path.join(name).is_dir();
    let is_named = |name: &str| path.file_name().is_some_and(|own| own == name);
    if path.is_file() {
        let proof = path.extension().is_some_and(|extension| extension == "tlog-proof");
        return if proof { Some(Target::Proof) } else { is_named("receipt.json").then_some(Target::Receipt) };
    }
    if file("sago.toml") {
        return Some(Target::Repository);
    }
    if ["data/proofs", "data/evidence", "data/provenance"].into_iter().any(folder) {
        return Some(Target::Export);
    }
    match sago_packages::detect(path) {
        PackageKind::OcflRoot => Some(Target::OcflRoot),
        PackageKind::OcflObject => Some(Target::OcflObject),
        PackageKind::Bag => Some(Target::Bag),
        PackageKind::Unknown if file("receipt.json") => Some(Target::Receipt),
        // An object or a bag that lost its declaration is a broken one, not an unknown thing.
        PackageKind::Unknown if file("inventory.json") || file("inventory.json.sha512") => Some(Target::OcflObject),
        PackageKind::Unknown if file("manifest-sha256.txt") || file("manifest-sha512.txt") || file("bag-info.txt") => Some(Target::Bag),
        PackageKind::Unknown if file("checkpoint") || folder("tile") => Some(Target::Log),
        PackageKind::Unknown if folder("custody") || folder("access") => Some(Target::Generation),
        PackageKind::Unknown => None,
    }
}

/// Finds out what a path is and verifies it.
pub fn verify_path(path: &Path, options: &Options) -> Result<Report, Error> {
    std::fs::metadata(path).map_err(Error::at(path))?;
    verify_as(path, detect(path).ok_or_else(|| Error::Unknown { path: path.to_owned() })?, options)
}

/// Verifies a path as what the caller says it is, even where nothing in it says so.
pub fn verify_as(path: &Path, target: Target, options: &Options) -> Result<Report, Error> {
    let mut report = judge(path, target, options)?;
    if options.witnesses.is_none() && !matches!(target, Target::OcflRoot | Target::OcflObject | Target::Bag) {
        report.not_checked("whether others remember the log", "no keys of witnesses were given (--witness)");
    }
    Ok(report)
}

fn judge(path: &Path, target: Target, options: &Options) -> Result<Report, Error> {
    match target {
        Target::Export => export::verify(path, options),
        Target::Receipt if path.is_file() => {
            let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            receipt::verify(folder.unwrap_or(Path::new(".")), options)
        }
        Target::Receipt => receipt::verify(path, options),
        Target::Proof => receipt::verify_proof(path, options),
        Target::Log => Ok(log::verify(path, log::LogContext::default(), options)?.0),
        Target::Generation => log::verify_generation(path, &[], options),
        Target::Repository => repository::verify(path, options),
        Target::OcflRoot => repository::verify_store(path, options),
        Target::OcflObject => verify_object(path, options),
        Target::Bag => verify_bag(path, options),
    }
}

fn verify_object(path: &Path, options: &Options) -> Result<Report, Error> {
    let mut report = Report::new(Target::OcflObject);
    let (summary, findings) = sago_packages::ocfl::validate_object(path, &options.packages())?;
    findings.into_iter().for_each(|finding| report.add(finding.into()));
    report.checked(format!("{} content files, {} bytes, against the inventory", summary.content_files, summary.content_bytes));
    report.not_checked("whether a log commits to the object", "an object alone shows only that it is whole");
    Ok(report)
}

fn verify_bag(path: &Path, options: &Options) -> Result<Report, Error> {
    let mut report = Report::new(Target::Bag);
    let (bag, findings) = sago_packages::bagit::validate(path, &options.packages())?;
    findings.into_iter().for_each(|finding| report.add(finding.into()));
    report.checked(format!("{} payload files against the manifests of the bag", bag.files.len()));
    report.not_checked("where the files come from and how old they are", "the bag holds no proofs: whoever changes a file can change its manifests");
    Ok(report)
}
