//! Files of a bag: taking them up from disk, and finding the one a listed path means.

use std::collections::HashMap;

use super::path;
use crate::digest::Algorithm;
use crate::finding::Findings;
use crate::name::{is_system_file, nfc_key, portability_fault, twin_key};
use crate::tree::{DEPTH_LIMIT, Entry, Kind, Tree, join};

/// A file of a bag: on disk, or only promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BagFile {
    /// Relative to the bag, `/` between elements: as on disk when it is there, else as listed, decoded.
    pub path: String,
    /// Size on disk; `None` when it is not there.
    pub size_bytes: Option<u64>,
    /// What manifests promise, one per algorithm; hexadecimal, lower case.
    pub digests: Vec<(Algorithm, String)>,
    /// Where `fetch.txt` says it may be had. Never fetched by us.
    pub fetch_url: Option<String>,
}

/// Takes up the files at and below an entry.
pub(crate) fn take_up(tree: &dyn Tree, entry: &Entry, place: &str, depth: usize, files: &mut Vec<BagFile>, findings: &mut Findings) {
    match entry.kind {
        Kind::Link => findings.error("bag-link", place, "A bag must not hold links; this one is not followed."),
        Kind::Special => findings.error("bag-special-file", place, "A bag holds files and folders, no devices, pipes or sockets."),
        _ if !entry.exact => findings.error("bag-name-not-utf8", place, "The name is not UTF-8, so no manifest can list it."),
        Kind::File { size_bytes, .. } => {
            files.push(BagFile { path: place.to_owned(), size_bytes: Some(size_bytes), digests: Vec::new(), fetch_url: None });
        }
        Kind::Folder if depth >= DEPTH_LIMIT => findings.error("bag-too-deep", place, "Folders are nested too deeply to be judged."),
        Kind::Folder => match tree.list(&entry.path) {
            Err(error) => findings.error("bag-unreadable", place, format!("The folder cannot be listed: {error}.")),
            Ok(entries) => {
                if entries.is_empty() && depth > 0 {
                    findings.info("bag-folder-empty", place, "The folder is empty; manifests cannot list it.");
                }
                for below in entries {
                    let place = join(place, &below.name);
                    take_up(tree, &below, &place, depth + 1, files, findings);
                }
            }
        },
    }
}

/// Warns of names that not every system keeps.
pub(crate) fn judge_names(payload: &[BagFile], findings: &mut Findings) {
    for file in payload {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if is_system_file(name) {
            findings.warning("bag-system-file", &file.path, "Systems make files of this name by themselves and tools remove them.");
        } else if let Some(fault) = file.path.split('/').find_map(portability_fault) {
            findings.warning("bag-name-not-portable", &file.path, format!("The path is not portable: {fault}."));
        }
    }
}

/// Files with the ways to find them by path.
pub(crate) struct Listing {
    pub files: Vec<BagFile>,
    pub exact: HashMap<String, usize>,
    /// Twin keys of files on disk, sorted.
    pub twins: Vec<(String, usize)>,
}

/// How a listed path was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Exact,
    /// The text as it stands names the file, though RFC 8493 would have it encoded.
    NotEncoded,
    /// The file on disk has the same name in another Unicode form.
    Normalization,
    /// The file on disk has the same name but for case.
    Case,
    Absent,
}

impl Listing {
    pub(crate) fn new(files: Vec<BagFile>) -> Self {
        let exact = files.iter().enumerate().map(|(index, file)| (file.path.clone(), index)).collect();
        let mut twins: Vec<(String, usize)> = files.iter().enumerate().map(|(index, file)| (twin_key(&file.path), index)).collect();
        twins.sort_unstable();
        Self { files, exact, twins }
    }

    /// Finds the file a manifest means; one that is not there gets an entry without size.
    pub(crate) fn resolve(&mut self, listed: &str, strict: bool) -> (usize, Match) {
        let decoded = path::decode(listed);
        // Before RFC 8493 a '%' in a path mostly stood for itself.
        let candidates = if strict { [decoded.as_str(), listed] } else { [listed, decoded.as_str()] };
        for candidate in candidates {
            if let Some(index) = self.exact.get(candidate) {
                let plain = strict && ((candidate == listed && decoded != listed) || !path::is_encoded(listed));
                let found = self.files[*index].size_bytes.is_some();
                return (
                    *index,
                    if !found {
                        Match::Absent
                    } else if plain {
                        Match::NotEncoded
                    } else {
                        Match::Exact
                    },
                );
            }
        }
        if let Some((index, how)) = self.resolve_twin(candidates[0], strict) {
            return (index, how);
        }
        let index = self.files.len();
        self.files.push(BagFile { path: candidates[0].to_owned(), size_bytes: None, digests: Vec::new(), fetch_url: None });
        self.exact.insert(candidates[0].to_owned(), index);
        (index, Match::Absent)
    }

    fn resolve_twin(&self, path: &str, strict: bool) -> Option<(usize, Match)> {
        let key = twin_key(path);
        let nfc = nfc_key(path);
        let start = self.twins.partition_point(|(known, _)| *known < key);
        let alike = || self.twins[start..].iter().take_while(|(known, _)| *known == key).map(|(_, index)| *index);
        if let Some(index) = alike().find(|index| nfc_key(&self.files[*index].path) == nfc) {
            return Some((index, Match::Normalization));
        }
        // RFC 8493 has no room for a file under another name; the drafts' own suite asks only for a warning.
        if strict { None } else { alike().next().map(|index| (index, Match::Case)) }
    }
}
