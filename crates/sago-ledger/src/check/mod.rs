//! The auditor: reads a whole log, recomputes everything from the entries and names every file that is wrong.
//!
//! Trusts nothing but the keys in the policy. Memory does not grow with the log: a few tiles of each level are
//! held at a time. What is wrong with a log is never an error here but a [`Finding`].

mod edge;
mod leftover;
mod walk;

use std::collections::HashSet;

use crate::policy::{Policy, SignedCheckpoint};
use crate::source::TileSource;
use crate::tile::CHECKPOINT;

/// The greatest number of findings of one audit; it stops there and says so.
pub const MAX_FINDINGS: usize = 10_000;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look; what the log says is not in doubt.
    Warning,
    /// Something is missing, damaged or contradicts the signed checkpoint.
    Error,
}

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong; one of [`CODES`].
    pub code: &'static str,
    /// The file, relative to the log's folder, or the path of a known checkpoint.
    pub path: String,
    /// The finding in words.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
}

/// Every code of this auditor and what it means.
pub const CODES: &[(&str, &str)] = &[
    ("audit-stopped", "there are too many findings; the rest of the log was not read"),
    ("beyond-checkpoint", "a file of a longer tree than the one that was signed"),
    ("bundle-malformed", "a bundle does not hold the entries it must"),
    ("bundle-mismatch", "entries of a bundle do not have the hashes that the tree has for them"),
    ("bundle-trailing-bytes", "bytes follow the last entry of a bundle"),
    ("checkpoint-invalid", "the checkpoint is malformed or not signed as the policy demands"),
    ("checkpoint-missing", "there is no checkpoint"),
    ("file-missing", "a file that a tree of this size must have is not there"),
    ("file-unreadable", "a file is there but cannot be read"),
    ("known-checkpoint-invalid", "a checkpoint seen earlier is malformed or not signed as the policy demands"),
    ("known-checkpoint-mismatch", "the log does not continue a checkpoint seen earlier"),
    ("known-checkpoint-unchecked", "damage keeps the log from being compared with a checkpoint seen earlier"),
    ("leaf-invalid", "an entry is not a Sago leaf"),
    ("leftover-mismatch", "a partial file of an earlier size differs from the tree"),
    ("log-shorter-than-known", "the log has fewer entries than a checkpoint seen earlier"),
    ("root-mismatch", "tiles and entries do not lead to the root that was signed"),
    ("tile-malformed", "a hash tile does not have the length it must"),
    ("tile-mismatch", "a hash tile differs from what the entries give or from what the tile above it holds"),
    ("unexpected-file", "a file that no log has"),
];

/// A signed checkpoint that somebody kept: from `lock/`, from a time-stamp, from a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCheckpoint {
    /// Where it was kept; findings about it carry this path.
    pub path: String,
    /// The signed note.
    pub bytes: Vec<u8>,
}

/// What to check beyond the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Every entry must be a leaf (formats, section 2).
    pub sago_leaves: bool,
    /// The log must continue each of these.
    pub known: Vec<KnownCheckpoint>,
}

/// What an audit has read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSummary {
    /// The checkpoint, if it satisfies the policy; otherwise nothing else was read.
    pub signed: Option<SignedCheckpoint>,
    /// Entries read and hashed.
    pub entries: u64,
    /// Files read.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Whether the source could list its files, so that files nobody asks for were looked for too.
    pub listed: bool,
}

/// Audits a log; no findings means that every byte of it is as the signed checkpoint says.
pub fn check_log(source: &(impl TileSource + ?Sized), policy: &Policy, options: &CheckOptions) -> (LogSummary, Vec<Finding>) {
    check_log_with(source, policy, options, &mut |_, _| {})
}

/// Audits a log and shows each entry, with its index and in order, on the way.
///
/// Entries are shown before it is known whether the bundle they come from is right: look at the findings first.
pub fn check_log_with(
    source: &(impl TileSource + ?Sized),
    policy: &Policy,
    options: &CheckOptions,
    on_entry: &mut dyn FnMut(u64, &[u8]),
) -> (LogSummary, Vec<Finding>) {
    let mut report = Report::default();
    let Some(bytes) = report.read(source, CHECKPOINT) else {
        if report.findings.is_empty() {
            report.error("checkpoint-missing", CHECKPOINT, "there is no checkpoint");
        }
        return report.close();
    };
    match policy.open(&bytes) {
        Ok(signed) => {
            report.summary.signed = Some(signed.clone());
            walk::audit(source, policy, options, &signed.checkpoint, &mut report, on_entry);
        }
        Err(error) => report.error("checkpoint-invalid", CHECKPOINT, error.to_string()),
    }
    report.close()
}

/// What an audit has found so far.
#[derive(Default)]
struct Report {
    summary: LogSummary,
    findings: Vec<Finding>,
    named: HashSet<(&'static str, String)>,
}

impl Report {
    fn error(&mut self, code: &'static str, path: impl ToString, message: impl Into<String>) {
        self.add(code, path, message.into(), Severity::Error);
    }

    fn warning(&mut self, code: &'static str, path: impl ToString, message: impl Into<String>) {
        self.add(code, path, message.into(), Severity::Warning);
    }

    fn add(&mut self, code: &'static str, path: impl ToString, message: String, severity: Severity) {
        let path = path.to_string();
        // A damaged file can be met from two sides; it is named once for each way in which it is wrong.
        if !self.is_full() && self.named.insert((code, path.clone())) {
            self.findings.push(Finding { code, path, message, severity });
        }
    }

    fn is_full(&self) -> bool {
        self.findings.len() >= MAX_FINDINGS
    }

    /// Reads a file; an unreadable one is a finding and counts as none.
    fn read(&mut self, source: &(impl TileSource + ?Sized), path: &str) -> Option<Vec<u8>> {
        match source.read(path) {
            Ok(Some(bytes)) => {
                self.summary.files += 1;
                self.summary.bytes += bytes.len() as u64;
                Some(bytes)
            }
            Ok(None) => None,
            Err(error) => {
                self.error("file-unreadable", path, error.to_string());
                None
            }
        }
    }

    fn close(mut self) -> (LogSummary, Vec<Finding>) {
        if self.is_full() {
            self.findings.push(Finding {
                code: "audit-stopped",
                path: String::new(),
                message: format!("there are more than {MAX_FINDINGS} findings; the rest of the log was not read"),
                severity: Severity::Error,
            });
        }
        (self.summary, self.findings)
    }
}
