//! Logs: one of them, or one generation of both (`log/<n>`), with the openings' segments as far as they can be judged without keys.

use std::path::Path;

use sago_ledger::check::{CheckOptions, KnownCheckpoint, LogSummary, check_log};
use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::note::{Note, Verifier};
use sago_ledger::policy::Policy;
use sago_ledger::source::TileSource;
use sago_packages::tree::Subtree;
use sago_packages::{DiskTree, Tree};

use crate::codes;
use crate::files;
use crate::finding::{Finding, Refusal};
use crate::receipt::sibling_keys;
use crate::report::{Report, Target};
use crate::source::TreeSource;
use crate::trust::Trust;
use crate::{Error, Options};

/// What else is known about a log when it is audited.
#[derive(Debug, Clone, Default)]
pub struct LogContext {
    /// Keys that lie beside the log; nothing when they are to be looked for (`../<name>.vkey`), which only [`verify`] can.
    pub keys: Option<Vec<Verifier>>,
    /// Signed checkpoints that the log must continue: from `lock/`, from time-stamps, from receipts.
    pub known: Vec<KnownCheckpoint>,
}

/// Verifies one log on a disk: every entry, tile and signature. The checkpoint is answered when it is signed as it must be.
pub fn verify(root: &Path, context: LogContext, options: &Options) -> Result<(Report, Option<Checkpoint>), Error> {
    let mut beside = Report::new(Target::Log);
    let keys = context.keys.unwrap_or_else(|| keys_beside(root, options, &mut beside));
    let (mut report, checkpoint) = verify_in(&DiskTree::new(root), LogContext { keys: Some(keys), ..context }, options)?;
    report.findings.splice(0..0, beside.findings);
    Ok((report, checkpoint))
}

/// Verifies the log in a tree, as [`verify`] does.
pub fn verify_in(tree: &dyn Tree, context: LogContext, options: &Options) -> Result<(Report, Option<Checkpoint>), Error> {
    let mut report = Report::new(Target::Log);
    let mut trust = Trust::new(options, context.keys.unwrap_or_default());
    let judged = files::read(tree, "checkpoint").and_then(|note| trust.checkpoint(&note, &mut report).map(|checkpoint| (note, checkpoint)));
    let (mut note, checkpoint) = match judged {
        Ok(judged) => judged,
        Err(refusal) => {
            report.add(refusal.at("checkpoint"));
            return Ok((report, None));
        }
    };
    let policy = match trust.policy(&checkpoint.origin, &mut report) {
        Ok(policy) => policy,
        Err(refusal) => {
            report.add(refusal.at("checkpoint"));
            return Ok((report, None));
        }
    };
    let (ours, others): (Vec<_>, Vec<_>) = context.known.into_iter().partition(|known| origin_of(&known.bytes).as_deref() == Some(&checkpoint.origin));
    let known = ours.len();
    let check = CheckOptions { sago_leaves: true, known: ours };
    let (checkpoint, (summary, findings)) = match unpublished(tree, policy, &checkpoint, &check) {
        Some((newer, bytes, checked)) => {
            note = bytes;
            let message = format!("it is of {} entries; one of {} was signed, and the log has all of them", checkpoint.size, newer.size);
            report.add(Finding::new(&codes::CHECKPOINT_UNPUBLISHED, "checkpoint", message));
            (newer, checked)
        }
        None => (checkpoint, check_log(&TreeSource::new(tree), policy, &check)),
    };
    findings.into_iter().for_each(|finding| report.add(finding.into()));
    trust.witnessed(&note, &checkpoint, "checkpoint", &mut report);
    let what = format!("{} entries and {} files of log {} against the signed checkpoint", summary.entries, summary.files, checkpoint.origin);
    report.checked(what);
    if known > 0 {
        report.checked(format!("{known} checkpoints signed earlier against log {}", checkpoint.origin));
    }
    for other in others {
        report.add(Finding::new(&codes::CHECKPOINT_MALFORMED, other.path, "not a checkpoint of this log"));
    }
    report.not_checked("what the entries say", "a log shows commitments only; their openings need keys");
    Ok((report, Some(checkpoint)))
}

/// A log with the checkpoint that was signed last in place of the published one.
struct Locked<'a> {
    log: TreeSource<'a>,
    checkpoint: &'a [u8],
}

impl TileSource for Locked<'_> {
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        if path == "checkpoint" { Ok(Some(self.checkpoint.to_vec())) } else { self.log.read(path) }
    }

    fn list(&self) -> std::io::Result<Option<Vec<String>>> {
        self.log.list()
    }
}

/// What an audit of a log answers.
type Audited = (LogSummary, Vec<sago_ledger::check::Finding>);

/// Audits the log under its lock, when that is ahead of the published checkpoint: an interruption between signing and publishing leaves
/// it so. Nothing unless all that was signed is there, and continues what was published.
fn unpublished(tree: &dyn Tree, policy: &Policy, published: &Checkpoint, check: &CheckOptions) -> Option<(Checkpoint, Vec<u8>, Audited)> {
    let locks = check.known.iter().filter(|known| known.path.starts_with("/lock/"));
    let signed = locks.filter_map(|lock| Some((lock, policy.open(&lock.bytes).ok()?.checkpoint)));
    let (lock, newer) = signed.max_by_key(|(_, newer)| newer.size).filter(|(_, newer)| newer.size > published.size)?;
    let mut known = check.known.clone();
    known.push(KnownCheckpoint { path: "checkpoint".to_owned(), bytes: files::read(tree, "checkpoint").ok()? });
    let source = Locked { log: TreeSource::new(tree), checkpoint: &lock.bytes };
    let checked = check_log(&source, policy, &CheckOptions { sago_leaves: check.sago_leaves, known });
    let is_whole = checked.1.iter().all(|finding| finding.severity != sago_ledger::check::Severity::Error);
    is_whole.then(|| (newer, lock.bytes.clone(), checked))
}

/// Reads the origin in a note, believed or not.
pub(crate) fn origin_of(note: &[u8]) -> Option<String> {
    let note = Note::parse(note).ok()?;
    Some(Checkpoint::parse(note.text()).ok()?.origin)
}

/// The keys in `../<name of the folder>.vkey`.
fn keys_beside(root: &Path, options: &Options, report: &mut Report) -> Vec<Verifier> {
    if !options.pinned.is_empty() {
        return Vec::new();
    }
    // The folder may be given as `.`: its name is that of the real place.
    let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    match (real.parent(), real.file_name()) {
        (Some(folder), Some(name)) => sibling_keys(&DiskTree::new(folder), &format!("{}.vkey", name.to_string_lossy()), report),
        _ => Vec::new(),
    }
}

/// Verifies one generation on a disk: both logs and the coverage of their payload segments. Findings carry paths below `root`.
///
/// `known` are checkpoints that the two logs must continue; those of neither are passed over: whoever brings them judges that.
pub fn verify_generation(root: &Path, known: &[KnownCheckpoint], options: &Options) -> Result<Report, Error> {
    verify_generation_in(&DiskTree::new(root), known, options)
}

/// Verifies the generation in a tree, as [`verify_generation`] does.
pub fn verify_generation_in(tree: &dyn Tree, known: &[KnownCheckpoint], options: &Options) -> Result<Report, Error> {
    let mut report = Report::new(Target::Generation);
    for log in ["custody", "access"] {
        if !files::is_folder(tree, log)? {
            report.add(Finding::new(&codes::LOG_MISSING, log, format!("there is no {log} log in this generation")));
            continue;
        }
        let keys = sibling_keys(tree, &format!("{log}.vkey"), &mut report);
        let place = format!("{log}/checkpoint");
        let origin = match files::read(tree, &place) {
            Ok(note) => origin_of(&note),
            // Without it we would not know what to hold the log against.
            Err(refusal) => {
                report.add(refusal.at(&place));
                continue;
            }
        };
        let mut known: Vec<_> = known.iter().filter(|known| origin.is_some() && origin_of(&known.bytes) == origin).cloned().collect();
        known.extend(cosigned(tree, log, origin.as_deref(), options, &mut report)?);
        let (part, checkpoint) = verify_in(&Subtree::new(tree, log), LogContext { keys: Some(keys), known }, options)?;
        report.absorb(log, part);
        // What was kept of witnesses lies beside the log's folder, not in it.
        let beside = format!("{log}/../");
        report.findings.iter_mut().for_each(|finding| finding.path = finding.path.strip_prefix(&beside).unwrap_or(&finding.path).to_owned());
        let segments = Subtree::new(tree, &format!("payload/{log}"));
        if let Some(checkpoint) = checkpoint {
            let mut part = Report::new(Target::Generation);
            judge_segments(&segments, checkpoint.size, &mut part)?;
            report.absorb(&format!("payload/{log}"), part);
        }
    }
    report.not_checked("what the payload segments hold", "they are sealed to units; opening them needs the repository's keys");
    Ok(report)
}

/// Reads the heads that witnesses cosigned (`witness/<log>/<size>`), and what witnesses showed that contradicts the log: it must continue each.
fn cosigned(tree: &dyn Tree, log: &str, origin: Option<&str>, options: &Options, report: &mut Report) -> Result<Vec<KnownCheckpoint>, Error> {
    let folder = Subtree::new(tree, &format!("witness/{log}"));
    if !files::is_folder(&folder, "")? {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let mut findings = Vec::new();
    for name in files::walk(&folder, &mut findings)? {
        let place = format!("witness/{log}/{name}");
        let known = match kept(&folder, &name) {
            Ok(known) => known,
            Err(refusal) => {
                report.add(refusal.at(&place));
                continue;
            }
        };
        if origin.is_none() || origin_of(&known.bytes).as_deref() != origin {
            report.add(Finding::new(&codes::CHECKPOINT_MALFORMED, place, "not a checkpoint of this log"));
            continue;
        }
        if let (Some(policy), Ok(note)) = (&options.witnesses, Note::parse(&known.bytes)) {
            for error in policy.check(&note).invalid {
                report.add(Finding::new(&codes::COSIGNATURE_INVALID, place.as_str(), error.to_string()));
            }
        }
        found.push(KnownCheckpoint { path: format!("../{place}"), bytes: known.bytes });
    }
    findings.into_iter().for_each(|finding| report.add(finding.under(&format!("witness/{log}"))));
    Ok(found)
}

/// Judges names and coverage of payload segments (formats, section 4): every index has a segment of each half.
fn judge_segments(folder: &dyn Tree, size: u64, report: &mut Report) -> Result<(), Error> {
    let mut names = Vec::new();
    if files::is_folder(folder, "")? {
        names = files::walk(folder, &mut report.findings)?;
    }
    let mut halves = [("skeleton", Vec::new()), ("detail", Vec::new())];
    for name in &names {
        match (segment_name(name), &mut halves) {
            (Some((first, last, "skeleton")), [(_, ranges), _]) | (Some((first, last, _)), [_, (_, ranges)]) => ranges.push((first, last)),
            (None, _) => report.add(Finding::new(&codes::PAYLOAD_NAME, name.as_str(), "not the name of a segment")),
        }
    }
    for (half, mut ranges) in halves {
        ranges.sort_unstable();
        let mut next = 0;
        let mut gaps = Vec::new();
        for (first, last) in ranges.into_iter().chain([(size, size)]) {
            let first = first.min(size);
            if first > next {
                gaps.push(format!("{next} to {}", first - 1));
            }
            next = next.max(last.saturating_add(1).min(size));
        }
        if !gaps.is_empty() {
            let message = format!("no {half} segment holds entries {}", gaps.join(", "));
            report.add(Finding::new(&codes::PAYLOAD_GAP, "", message));
        }
    }
    report.checked(format!("{} payload segments, by name: whether every entry has one", names.len()));
    Ok(())
}

/// Reads `<first>-<last>.<unit>.<half>.age`.
fn segment_name(name: &str) -> Option<(u64, u64, &str)> {
    let (range, rest) = name.split_once('.')?;
    let (unit, half) = rest.strip_suffix(".age")?.split_once('.')?;
    let (first, last) = range.split_once('-')?;
    let index = |text: &str| text.parse().ok().filter(|_| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()));
    let (first, last): (u64, u64) = (index(first)?, index(last)?);
    let is_unit = unit.len() == 36 && unit.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (is_unit && first <= last && matches!(half, "skeleton" | "detail")).then_some((first, last, half))
}

/// Reads a signed checkpoint that somebody kept, to hold a log against it.
pub(crate) fn kept(tree: &dyn Tree, path: &str) -> Result<KnownCheckpoint, Refusal> {
    Ok(KnownCheckpoint { path: path.to_owned(), bytes: files::read(tree, path)? })
}
