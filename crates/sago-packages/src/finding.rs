//! What a judge of packages reports: findings with a place, a code and a text.
//!
//! A finding is about the package, never about us: what keeps us from working at all is an [`Error`](crate::Error).
//! Codes of OCFL findings are the standard's own (`E092`, `W004`); where the standard has no code, and for all of BagIt, the codes are
//! ours, in kebab case, and begin with `ocfl-` or `bag-`.

use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The package breaks a rule of its standard, or its bytes are not the ones it promises.
    Error,
    /// The package does what its standard advises against, or holds something that is lost easily elsewhere.
    Warning,
    /// Worth knowing; nothing is wrong.
    Info,
}

/// One thing found in a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The standard's code, or ours in kebab case.
    pub code: String,
    /// Where: relative to the package, `/` between elements, empty for the package itself. Names that are not UTF-8 are shown with U+FFFD.
    pub path: String,
    /// One sentence for a person.
    pub message: String,
    /// How much it weighs.
    pub severity: Severity,
}

impl Finding {
    /// Says whether this finding makes the package invalid.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Collects findings up to a limit and says how many were left out.
#[derive(Debug)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    limit: usize,
    left_out: usize,
    worst_left_out: Severity,
}

impl Findings {
    pub(crate) fn new(limit: usize) -> Self {
        Self { list: Vec::new(), limit, left_out: 0, worst_left_out: Severity::Info }
    }

    pub(crate) fn error(&mut self, code: &str, path: impl Into<String>, message: impl Into<String>) {
        self.push(code, path, message, Severity::Error);
    }

    pub(crate) fn warning(&mut self, code: &str, path: impl Into<String>, message: impl Into<String>) {
        self.push(code, path, message, Severity::Warning);
    }

    pub(crate) fn info(&mut self, code: &str, path: impl Into<String>, message: impl Into<String>) {
        self.push(code, path, message, Severity::Info);
    }

    fn push(&mut self, code: &str, path: impl Into<String>, message: impl Into<String>, severity: Severity) {
        self.add(Finding { code: code.to_owned(), path: path.into(), message: message.into(), severity });
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        if self.list.len() < self.limit {
            self.list.push(finding);
        } else {
            self.left_out += 1;
            self.worst_left_out = self.worst_left_out.min(finding.severity);
        }
    }

    /// Takes over the findings of a part that lies at `prefix`.
    pub(crate) fn absorb(&mut self, prefix: &str, part: Findings) {
        for mut finding in part.list {
            finding.path = match (prefix, finding.path.as_str()) {
                ("", _) => finding.path,
                (_, "") => prefix.to_owned(),
                (_, path) => format!("{prefix}/{path}"),
            };
            self.add(finding);
        }
        if part.left_out > 0 {
            self.left_out += part.left_out;
            self.worst_left_out = self.worst_left_out.min(part.worst_left_out);
        }
    }

    /// Gives the list, sorted by path and code, with a last line for what was left out.
    pub(crate) fn into_vec(self) -> Vec<Finding> {
        let mut list = self.list;
        list.sort_by(|a, b| (&a.path, &a.code, &a.message).cmp(&(&b.path, &b.code, &b.message)));
        if self.left_out > 0 {
            list.push(Finding {
                code: "findings-left-out".to_owned(),
                path: String::new(),
                message: format!("{} more findings are not listed (limit {}).", self.left_out, self.limit),
                severity: self.worst_left_out,
            });
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_beyond_the_limit_are_counted_and_keep_their_weight() {
        let mut findings = Findings::new(1);
        findings.warning("W001", "b", "first");
        findings.info("x", "a", "second");
        findings.error("E001", "c", "third");
        let list = findings.into_vec();
        assert_eq!(list.len(), 2);
        assert_eq!(list[1].code, "findings-left-out");
        assert!(list[1].is_error());
        assert!(list[1].message.starts_with("2 more"));
    }

    #[test]
    fn parts_are_placed_under_their_folder() {
        let mut part = Findings::new(9);
        part.error("E001", "x/y", "m");
        part.error("E003", "", "m");
        let mut whole = Findings::new(9);
        whole.absorb("a/b", part);
        let paths: Vec<String> = whole.into_vec().into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, ["a/b", "a/b/x/y"]);
    }
}
