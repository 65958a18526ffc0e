//! The folder `extensions` of objects and storage roots, and the names that are registered (github.com/OCFL/extensions).

use crate::finding::Findings;
use crate::tree::{DEPTH_LIMIT, Entry, Kind, Listing, join};

/// Names registered when this was written; a newer one is a warning (W013, W016), never an error.
const REGISTERED: [&str; 14] = [
    "0000-example-extension",
    "0001-digest-algorithms",
    "0002-flat-direct-storage-layout",
    "0003-hash-and-id-n-tuple-storage-layout",
    "0004-hashed-n-tuple-storage-layout",
    "0005-mutable-head",
    "0006-flat-omit-prefix-storage-layout",
    "0007-n-tuple-omit-prefix-storage-layout",
    "0008-schema-registry",
    "0009-digest-algorithms",
    "0010-differential-n-tuple-omit-prefix-storage-layout",
    "0011-direct-clean-path-layout",
    "0012-hash-and-no-prefix-id-n-tuple-storage-layout",
    // Not an extension: the README of the registry reserves the name for the extension to be applied first.
    "initial",
];

/// Says whether an extension's name is registered.
pub(crate) fn is_registered(name: &str) -> bool {
    REGISTERED.contains(&name)
}

/// Codes for one kind of `extensions` folder.
pub(crate) struct Codes {
    pub file: &'static str,
    pub unregistered: &'static str,
}

/// Section 3.9.
pub(crate) const OBJECT: Codes = Codes { file: "E067", unregistered: "W013" };
/// Section 4.4.
pub(crate) const ROOT: Codes = Codes { file: "E112", unregistered: "W016" };

/// Judges the children of a folder `extensions`; what is inside an extension's folder is that extension's business, save for links.
pub(crate) fn judge(listing: &Listing<'_>, folder: &Entry, place: &str, codes: &Codes, findings: &mut Findings) {
    let entries = match listing.list(&folder.path) {
        Ok(entries) => entries,
        Err(error) => {
            return findings.error("ocfl-unreadable", place, format!("The folder cannot be listed: {error}."));
        }
    };
    for entry in entries {
        let place = join(place, &entry.name);
        match entry.kind {
            Kind::Folder => {
                if !is_registered(&entry.name) {
                    findings.warning(codes.unregistered, &place, "The name of this extension is not registered.");
                }
                find_links(listing, &entry, &place, 0, findings);
            }
            Kind::Link => findings.error("E090", place, "A link must not be used in OCFL."),
            Kind::File { .. } | Kind::Special => findings.error(codes.file, place, "Only folders of extensions may be here."),
        }
    }
}

/// Looks for links below a folder whose content is not judged otherwise (section 4.6).
pub(crate) fn find_links(listing: &Listing<'_>, folder: &Entry, place: &str, depth: usize, findings: &mut Findings) {
    if depth >= DEPTH_LIMIT {
        return findings.error("ocfl-too-deep", place, "Folders are nested too deeply to be judged.");
    }
    let entries = match listing.list(&folder.path) {
        Ok(entries) => entries,
        Err(error) => {
            return findings.error("ocfl-unreadable", place, format!("The folder cannot be listed: {error}."));
        }
    };
    for entry in entries {
        let place = join(place, &entry.name);
        match entry.kind {
            Kind::Folder => find_links(listing, &entry, &place, depth + 1, findings),
            Kind::Link => findings.error("E090", place, "A link must not be used in OCFL."),
            Kind::Special => findings.error("E090", place, "Only files and folders may be used in OCFL."),
            Kind::File { .. } => {}
        }
    }
}
