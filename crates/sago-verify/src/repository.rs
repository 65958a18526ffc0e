//! A whole repository (formats, section 1), as far as it can be judged without its keys; the keyed part is built on this in the room.
//!
//! Order matters while the repository is in use: what was kept (locks, time-stamps) is read before the logs, which only grow.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use sago_ledger::check::KnownCheckpoint;
use sago_packages::tree::Subtree;
use sago_packages::{DiskTree, Tree, ocfl};

use crate::codes;
use crate::files;
use crate::finding::{Finding, Refusal};
use crate::log::{self, kept, origin_of};
use crate::receipt::sibling_keys;
use crate::report::{Report, Target};
use crate::stamp::check_stamps;
use crate::trust::Trust;
use crate::{Error, Options};

/// Where the parts of a repository lie on a disk, when not at their usual places below its root.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    /// The OCFL storage root.
    pub store: &'a Path,
    /// The folder of the generations.
    pub log: &'a Path,
    /// The folder of locks.
    pub lock: &'a Path,
    /// The folder of time-stamps.
    pub stamps: &'a Path,
}

/// The parts of a repository, wherever they lie.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// The OCFL storage root.
    pub store: &'a dyn Tree,
    /// The generations.
    pub log: &'a dyn Tree,
    /// The last signed checkpoints.
    pub lock: Lock<'a>,
    /// The time-stamps.
    pub stamps: &'a dyn Tree,
}

/// The last signed checkpoint of each log, under `<log>-<generation>`.
#[derive(Clone, Copy)]
pub enum Lock<'a> {
    /// As files.
    Tree(&'a dyn Tree),
    /// As read from elsewhere: signed notes by name.
    Known(&'a BTreeMap<String, Vec<u8>>),
}

/// Verifies a repository whose parts lie at their usual places.
pub fn verify(root: &Path, options: &Options) -> Result<Report, Error> {
    let [store, log, lock, stamps] = ["store", "log", "lock", "stamps"].map(|name| root.join(name));
    verify_places(&Places { store: &store, log: &log, lock: &lock, stamps: &stamps }, options)
}

/// Verifies a repository on a disk: storage root, all generations of both logs, locks and time-stamps.
pub fn verify_places(places: &Places<'_>, options: &Options) -> Result<Report, Error> {
    let [store, log, lock, stamps] = [places.store, places.log, places.lock, places.stamps].map(DiskTree::new);
    verify_parts(&Parts { store: &store, log: &log, lock: Lock::Tree(&lock), stamps: &stamps }, options)
}

/// Verifies a repository, as [`verify_places`] does, wherever its parts lie.
///
/// A listing that comes late cannot be told from one with less in it: a file that a log or an inventory promises is missed, a whole object is not.
pub fn verify_parts(parts: &Parts<'_>, options: &Options) -> Result<Report, Error> {
    let mut report = Report::new(Target::Repository);
    let generations = generations(parts.log, &mut report)?;
    let locks = locks(parts, &generations, &mut report);
    let stamps = verify_stamps(parts, &generations, options, &mut report)?;
    for generation in &generations {
        let known: Vec<KnownCheckpoint> = locks.get(generation).into_iter().flatten().chain(&stamps).cloned().collect();
        let part = log::verify_generation_in(&Subtree::new(parts.log, &generation.to_string()), &known, options)?;
        report.absorb(&format!("log/{generation}"), part);
    }
    report.absorb("store", verify_store_in(parts.store, options)?);
    if generations.len() > 1 {
        report
            .not_checked("that each generation's first entry commits to the end of the one before", "its opening is sealed; that needs the repository's keys");
    }
    let sealed = "the events that say so are sealed; that needs the repository's keys";
    report.not_checked("whether every stored object is one that the log commits to, and none is missing", sealed);
    report.not_checked("whether stored files can be opened and hold what the manifests say", "that needs the repository's keys");
    for finding in &mut report.findings {
        if let Some(path) = finding.path.strip_prefix('/') {
            finding.path = path.to_owned();
        }
    }
    // A checkpoint is read for several purposes; that it cannot be read is said once.
    let mut said = HashSet::new();
    report.findings.retain(|finding| said.insert((finding.code.clone(), finding.path.clone(), finding.message.clone())));
    report.not_checked("vault, keys, staging and database", "they are mutable or can be rebuilt; nothing outside commits to them");
    Ok(report)
}

/// Verifies an OCFL storage root on a disk.
pub fn verify_store(store: &Path, options: &Options) -> Result<Report, Error> {
    verify_store_in(&DiskTree::new(store), options)
}

/// Verifies a tree as an OCFL storage root.
pub fn verify_store_in(store: &dyn Tree, options: &Options) -> Result<Report, Error> {
    let mut report = Report::new(Target::OcflRoot);
    if !files::is_folder(store, "")? {
        report.add(Finding::new(&codes::STORE_MISSING, "", "there is no storage root"));
        return Ok(report);
    }
    let (summary, findings) = ocfl::validate_root_in(store, &options.packages())?;
    findings.into_iter().for_each(|finding| report.add(finding.into()));
    let (objects, files, bytes) = (summary.objects, summary.content_files, summary.content_bytes);
    report.checked(format!("{objects} OCFL objects with {files} content files, {bytes} bytes, against their inventories"));
    Ok(report)
}

/// Finds the generations: folders 1, 2, 3 … without a gap.
fn generations(log: &dyn Tree, report: &mut Report) -> Result<Vec<u64>, Error> {
    let mut found = Vec::new();
    if files::is_folder(log, "")? {
        for entry in log.list("").map_err(Error::at_tree(log, ""))? {
            let number = entry.name.parse::<u64>().ok().filter(|number| number.to_string() == entry.name && *number > 0);
            found.extend(number.filter(|_| entry.is_folder()));
        }
    }
    found.sort_unstable();
    let last = found.last().copied().unwrap_or(1);
    for missing in (1..=last.min(10_000)).filter(|number| !found.contains(number)) {
        report.add(Finding::new(&codes::LOG_MISSING, format!("log/{missing}"), "there is no such generation of the logs"));
    }
    Ok(found)
}

/// Reads `lock/<log>-<generation>`, the last signed checkpoint of each log.
fn locks(parts: &Parts<'_>, generations: &[u64], report: &mut Report) -> BTreeMap<u64, Vec<KnownCheckpoint>> {
    let mut locks: BTreeMap<u64, Vec<KnownCheckpoint>> = BTreeMap::new();
    for generation in generations {
        for log in ["custody", "access"] {
            let name = format!("{log}-{generation}");
            let place = format!("/lock/{name}");
            let known = match locked(parts.lock, &name) {
                Ok(known) => known,
                Err(refusal) if refusal.code == &codes::FILE_MISSING => {
                    report.add(Finding::new(&codes::LOCK_MISSING, place, "there is no lock for this log"));
                    continue;
                }
                Err(refusal) => {
                    report.add(refusal.at(&place));
                    continue;
                }
            };
            // A lock of another log would hold this one against nothing.
            let own = match kept(&Subtree::new(parts.log, &generation.to_string()), &format!("{log}/checkpoint")) {
                Ok(own) => origin_of(&own.bytes),
                Err(refusal) => {
                    report.add(refusal.at(&format!("log/{generation}/{log}/checkpoint")));
                    None
                }
            };
            if own.is_some() && origin_of(&known.bytes) != own {
                report.add(Finding::new(&codes::CHECKPOINT_MALFORMED, place, "not a checkpoint of this log"));
            } else {
                locks.entry(*generation).or_default().push(KnownCheckpoint { path: place, ..known });
            }
        }
    }
    locks
}

fn locked(lock: Lock<'_>, name: &str) -> Result<KnownCheckpoint, Refusal> {
    match lock {
        Lock::Tree(tree) => kept(tree, name),
        Lock::Known(notes) => match notes.get(name) {
            Some(bytes) => Ok(KnownCheckpoint { path: name.to_owned(), bytes: bytes.clone() }),
            None => Err(Refusal::new(&codes::FILE_MISSING, format!("{name} is not there"))),
        },
    }
}

/// Verifies all time-stamps with the keys of all generations; answers the stamped checkpoints, which the logs must continue.
fn verify_stamps(parts: &Parts<'_>, generations: &[u64], options: &Options, report: &mut Report) -> Result<Vec<KnownCheckpoint>, Error> {
    if !files::is_folder(parts.stamps, "")? {
        report.not_checked("time-stamps", "there are none");
        return Ok(Vec::new());
    }
    let mut part = Report::new(Target::Repository);
    let paths = files::walk(parts.stamps, &mut part.findings)?;
    let mut keys = Vec::new();
    for generation in generations {
        let folder = Subtree::new(parts.log, &generation.to_string());
        for log in ["custody", "access"] {
            // A missing key file is said where the generation is judged.
            keys.extend(sibling_keys(&folder, &format!("{log}.vkey"), &mut Report::new(Target::Repository)));
        }
    }
    let mut trust = Trust::new(options, keys);
    check_stamps(parts.stamps, "", &paths, &mut trust, options, &mut part);
    // Which files travel beside a token is no matter here: they are the repository's own.
    part.findings.retain(|finding| finding.code != codes::NOT_COVERED.code);
    report.absorb("stamps", part);
    let mut known = Vec::new();
    for path in paths.iter().filter(|path| path.ends_with("/checkpoint")) {
        match kept(parts.stamps, path) {
            Ok(stamped) => known.push(KnownCheckpoint { path: format!("/stamps/{path}"), ..stamped }),
            Err(refusal) => report.add(refusal.at(&format!("stamps/{path}"))),
        }
    }
    Ok(known)
}
