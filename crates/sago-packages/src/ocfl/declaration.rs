//! Conformance declarations: the NAMASTE file that says what a folder is and which OCFL it follows (sections 3.2 and 4.2).

use super::version::SpecVersion;
use crate::finding::Findings;
use crate::tree::{Entry, Tree, read_limited};

/// Largest declaration that is read.
const DECLARATION_LIMIT_BYTES: u64 = 4096;

/// What a declaration is called in one kind of folder, and the codes of its rules.
pub(crate) struct Kind {
    /// What stands before the version number.
    prefix: &'static str,
    /// There must be exactly one.
    count: &'static str,
    /// The version number.
    number: &'static str,
    /// The `0=`.
    zero: &'static str,
    /// The prefix.
    value: &'static str,
    /// The text in the file.
    text: &'static str,
}

/// Of an object (E003 to E007).
pub(crate) const OBJECT: Kind = Kind { prefix: "ocfl_object_", count: "E003", number: "E004", zero: "E005", value: "E006", text: "E007" };

/// Of a storage root (E076 to E080).
pub(crate) const ROOT: Kind = Kind { prefix: "ocfl_", count: "E076", number: "E077", zero: "E078", value: "E079", text: "E080" };

/// Judges the declarations among the entries of a folder; gives the newest declared version that we know.
pub(crate) fn read(tree: &dyn Tree, entries: &[Entry], kind: &Kind, findings: &mut Findings) -> Option<SpecVersion> {
    let mut newest = None;
    let mut count = 0;
    for entry in entries.iter().filter(|entry| entry.is_file()) {
        let Some(value) = entry.name.strip_prefix("0=") else {
            if entry.name.contains(&format!("={}", kind.prefix)) {
                findings.error(kind.zero, &entry.name, "A conformance declaration must begin with '0='.");
            }
            continue;
        };
        count += 1;
        // A storage root's prefix is also the beginning of an object's.
        let number = value.strip_prefix(kind.prefix).filter(|number| !number.starts_with("object_"));
        let Some(number) = number else {
            findings.error(kind.value, &entry.name, format!("A declaration must begin with '0={}' here.", kind.prefix));
            continue;
        };
        match SpecVersion::from_number(number) {
            Some(spec) => newest = newest.max(Some(spec)),
            None => findings.error(kind.number, &entry.name, format!("OCFL {number:?} is not a version we know.")),
        }
        match read_limited(tree, &entry.path, DECLARATION_LIMIT_BYTES) {
            Ok(Some(bytes)) if bytes == format!("{value}\n").as_bytes() => {}
            Ok(_) => findings.error(kind.text, &entry.name, format!("The declaration must hold '{value}' and a newline.")),
            Err(error) => findings.error("ocfl-unreadable", &entry.name, format!("The file cannot be read: {error}.")),
        }
    }
    if count != 1 {
        findings.error(kind.count, "", format!("There must be one conformance declaration, not {count}."));
    }
    newest
}
