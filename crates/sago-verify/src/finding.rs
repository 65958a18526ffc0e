//! One finding, whoever made it: this crate, the auditor of logs, the judges of packages, the judge of time-stamps.
//!
//! Codes stand in [`crate::codes`]; severities of our own codes come from that table and from nowhere else.

use serde::{Deserialize, Serialize};

use crate::codes::Code;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something is missing, damaged, altered or not proven: what was verified is not sound.
    Error,
    /// It holds, but someone should look or act.
    Warning,
    /// Worth knowing; nothing is wrong.
    Info,
}

impl Severity {
    /// Returns the word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Kebab case, or the standard's own (`E092`); see [`crate::codes::lookup`].
    pub code: String,
    /// Where: relative to what was verified, `/` between parts, empty for the whole.
    pub path: String,
    /// One sentence for a person. May quote what a stranger wrote: escape control characters before showing it.
    pub message: String,
    /// How much it weighs.
    pub severity: Severity,
}

impl Finding {
    /// Makes a finding of one of our own codes, with the severity of the table.
    pub fn new(code: &Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.code.to_owned(), path: path.into(), message: message.into(), severity: code.severity }
    }

    /// Says whether what was verified is unsound because of this.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Moves a finding about a part to its place in the whole; a path that begins with `/` already is one in the whole.
    #[must_use]
    pub fn under(mut self, folder: &str) -> Self {
        self.path = match (folder, self.path.as_str()) {
            ("", _) => self.path,
            (_, path) if path.starts_with('/') => self.path,
            (_, "") => folder.to_owned(),
            (_, path) => format!("{folder}/{path}"),
        };
        self
    }
}

impl From<sago_packages::Finding> for Finding {
    fn from(found: sago_packages::Finding) -> Self {
        let severity = match found.severity {
            sago_packages::Severity::Error => Severity::Error,
            sago_packages::Severity::Warning => Severity::Warning,
            sago_packages::Severity::Info => Severity::Info,
        };
        Self { code: found.code, path: found.path, message: found.message, severity }
    }
}

impl From<sago_ledger::check::Finding> for Finding {
    fn from(found: sago_ledger::check::Finding) -> Self {
        let severity = match found.severity {
            sago_ledger::check::Severity::Error => Severity::Error,
            sago_ledger::check::Severity::Warning => Severity::Warning,
        };
        Self { code: found.code.to_owned(), path: found.path, message: found.message, severity }
    }
}

impl From<sago_stamp::Finding> for Finding {
    fn from(found: sago_stamp::Finding) -> Self {
        let severity = match found.severity {
            sago_stamp::Severity::Error => Severity::Error,
            sago_stamp::Severity::Warning => Severity::Warning,
            sago_stamp::Severity::Info => Severity::Info,
        };
        // Places inside a reply (`token/signer`) are no paths of files: they go into the sentence.
        let message = format!("{}: {}", found.path, found.message);
        Self { code: found.code.to_owned(), path: String::new(), message, severity }
    }
}

/// Why one check stopped: a finding that has no place yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: &'static Code,
    pub message: String,
}

impl Refusal {
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub fn at(self, path: &str) -> Finding {
        Finding::new(self.code, path, self.message)
    }
}

/// Stops a check unless `condition` holds.
pub(crate) fn want(condition: bool, code: &'static Code, message: &str) -> Result<(), Refusal> {
    if condition { Ok(()) } else { Err(Refusal::new(code, message)) }
}
