//! What a verification answers: what was looked at, what was not and why, what was found.

use std::fmt;

use serde::Serialize;

use crate::finding::{Finding, Severity};

/// What the path turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// A package handed over (formats, section 10).
    Export,
    /// A BagIt bag that is not an export.
    Bag,
    /// An OCFL storage root.
    OcflRoot,
    /// One OCFL object.
    OcflObject,
    /// A receipt (formats, section 11).
    Receipt,
    /// A single `.tlog-proof`.
    Proof,
    /// One log.
    Log,
    /// One generation of both logs.
    Generation,
    /// A whole repository, as far as it can be judged without its keys.
    Repository,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Export => "export",
            Self::Bag => "BagIt bag",
            Self::OcflRoot => "OCFL storage root",
            Self::OcflObject => "OCFL object",
            Self::Receipt => "receipt",
            Self::Proof => "proof of one event",
            Self::Log => "log",
            Self::Generation => "generation of the logs",
            Self::Repository => "repository",
        })
    }
}

/// Something that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
}

/// The answer of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What the path turned out to be.
    pub target: Target,
    /// What was checked, with counts.
    pub checked: Vec<String>,
    /// What was not, and why.
    pub not_checked: Vec<NotChecked>,
    /// What was found; the order is that of the checks.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Begins a report.
    pub fn new(target: Target) -> Self {
        Self { target, checked: Vec::new(), not_checked: Vec::new(), findings: Vec::new() }
    }

    /// Adds a finding; the same one twice is one.
    pub fn add(&mut self, finding: Finding) {
        // Equal findings come from checks of the same file for several users of it; far-apart ones are never equal.
        if !self.findings.iter().rev().take(64).any(|known| *known == finding) {
            self.findings.push(finding);
        }
    }

    /// Says what was checked.
    pub fn checked(&mut self, what: impl Into<String>) {
        self.checked.push(what.into());
    }

    /// Says what was not checked, and why.
    pub fn not_checked(&mut self, what: impl Into<String>, why: impl Into<String>) {
        let (what, why) = (what.into(), why.into());
        if !self.not_checked.iter().any(|known| known.what == what) {
            self.not_checked.push(NotChecked { what, why });
        }
    }

    /// Takes over the report about a part that lies at `folder`.
    pub fn absorb(&mut self, folder: &str, part: Report) {
        let named = |text: String| {
            if folder.is_empty() { text } else { format!("{folder}: {text}") }
        };
        self.checked.extend(part.checked.into_iter().map(named));
        for missing in part.not_checked {
            self.not_checked(missing.what, missing.why);
        }
        self.findings.extend(part.findings.into_iter().map(|finding| finding.under(folder)));
    }

    /// Counts findings of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Says whether nothing was found that makes it unsound.
    pub fn is_sound(&self) -> bool {
        self.count(Severity::Error) == 0
    }

    /// Returns 0 for sound and 1 for findings that matter; 2 is for those who got no report at all.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.is_sound())
    }
}
