//! Reading what maps digests to paths in an inventory: manifest, fixity and states (OCFL sections 3.5.2, 3.5.3.1 and 3.5.4).

use std::collections::BTreeSet;

use super::inventory::PathsByDigest;
use super::inventory_keys::Reader;
use super::json::Json;
use super::syntax::{PathConflict, PathFault, path_conflicts, path_faults};
use super::version::{SpecVersion, VersionNum};
use crate::digest::Algorithm;

impl Reader<'_> {
    pub(crate) fn read_manifest(&mut self, value: Option<Json>) {
        match value {
            None => self.error("E041", "The block manifest is missing."),
            Some(Json::Object(members)) => {
                let manifest = self.read_paths(members, &Block { name: "the manifest".to_owned(), repeated: "E096", shape: "E092" });
                self.check_digests(&manifest, self.draft.algorithm, "E039", "the manifest");
                self.check_content_paths(&manifest, "the manifest");
                self.draft.manifest = manifest;
            }
            Some(other) => {
                self.error("E041", format!("The manifest must be an object, not {}.", other.kind()));
                if self.spec() >= SpecVersion::V1_1 {
                    self.error("E106", format!("The manifest must be an object, not {}.", other.kind()));
                }
            }
        }
    }

    pub(crate) fn read_fixity(&mut self, value: Option<Json>) {
        let members = match value {
            None => return,
            Some(Json::Object(members)) => members,
            Some(other) => {
                let code = if self.spec() >= SpecVersion::V1_1 { "E111" } else { "E056" };
                return self.error(code, format!("The fixity must be an object, not {}.", other.kind()));
            }
        };
        for (name, value) in members {
            let Json::Object(block) = value else {
                self.error("E057", format!("The fixity of {name} must be an object, not {}.", value.kind()));
                continue;
            };
            let place = format!("the fixity of {name}");
            let paths = self.read_paths(block, &Block { name: place.clone(), repeated: "E097", shape: "E057" });
            let algorithm = Algorithm::from_ocfl(&name);
            if algorithm.is_none() {
                // E028: what a client does not know it must ignore; E056 would condemn algorithms of later extensions.
                self.warning(
                    "ocfl-fixity-algorithm-unknown",
                    format!("The algorithm {name:?} is none of the specification or its extensions; its digests are not checked."),
                );
            }
            self.check_digests(&paths, algorithm, "E057", &place);
            self.check_content_paths(&paths, &place);
            if self.draft.fixity.insert(name.clone(), paths).is_some() {
                self.error("E033", format!("The key {name:?} stands twice in the fixity."));
            }
        }
    }

    /// Reads an object of digests to arrays of paths, with one code for repeated digests and one for a wrong shape.
    pub(crate) fn read_paths(&mut self, members: Vec<(String, Json)>, block: &Block) -> PathsByDigest {
        let mut map = PathsByDigest::new();
        let mut seen = BTreeSet::new();
        for (digest, value) in members {
            if !seen.insert(digest.to_ascii_lowercase()) {
                self.error(block.repeated, format!("The digest {} stands twice in {}.", short(&digest), block.name));
            }
            let Json::List(values) = value else {
                self.error(block.shape, format!("The value of {} in {} must be an array, not {}.", short(&digest), block.name, value.kind()));
                continue;
            };
            let paths: &mut Vec<String> = map.entry(digest.clone()).or_default();
            for value in values {
                match value {
                    Json::Text(path) => paths.push(path),
                    other => self.error(block.shape, format!("A path of {} in {} must be a string, not {}.", short(&digest), block.name, other.kind())),
                }
            }
            paths.sort_unstable();
        }
        map
    }

    fn check_digests(&mut self, map: &PathsByDigest, algorithm: Option<Algorithm>, code: &str, place: &str) {
        let Some(algorithm) = algorithm else { return };
        for digest in map.keys().filter(|digest| !algorithm.is_shape_of(digest)) {
            self.error(code, format!("{} in {place} is not a digest of {algorithm}.", short(digest)));
        }
    }

    fn check_content_paths(&mut self, map: &PathsByDigest, place: &str) {
        for path in map.values().flatten() {
            let faults = path_faults(path);
            for fault in &faults {
                match fault {
                    PathFault::Slash => self.error("E100", format!("The content path {path:?} in {place} begins or ends with a slash.")),
                    PathFault::Element => self.error("E099", format!("The content path {path:?} in {place} has an element that is '.', '..' or empty.")),
                }
            }
            if faults.is_empty() {
                self.check_content_place(path, place);
            }
        }
        for conflict in path_conflicts(map.values().flatten().map(String::as_str)) {
            let message = match conflict {
                PathConflict::Repeated(path) => {
                    format!("The content path {path:?} stands twice in {place}.")
                }
                PathConflict::FileAndFolder(path) => {
                    format!("The content path {path:?} in {place} is a file and a folder at once.")
                }
            };
            self.error("E101", message);
        }
    }

    fn check_content_place(&mut self, path: &str, place: &str) {
        let mut elements = path.splitn(3, '/');
        let version = elements.next().unwrap_or_default();
        let number = VersionNum::parse(version);
        if !number.is_some_and(|number| self.draft.versions.contains_key(&number)) {
            let same_number = number.is_some_and(|number| self.draft.versions.keys().any(|known| known.number == number.number));
            if same_number {
                self.error("E014", format!("The content path {path:?} in {place} spells the version directory differently."));
            }
            return self.error("E042", format!("The content path {path:?} in {place} does not begin with a version of the object."));
        }
        if elements.next() != Some(self.draft.content_folder()) || elements.next().is_none() {
            self.error("E042", format!("The content path {path:?} in {place} is not in the content directory of a version."));
        }
    }

    /// Judges states once the manifest is known.
    pub(crate) fn check_states(&mut self) {
        // Both are taken out so that findings can be reported while they are looked at.
        let versions = std::mem::take(&mut self.draft.versions);
        let manifest = std::mem::take(&mut self.draft.manifest);
        for (name, block) in &versions {
            for digest in block.state.keys().filter(|digest| !manifest.contains_key(*digest)) {
                self.error("E050", format!("The digest {} in the state of {name} is not in the manifest.", short(digest)));
            }
            for path in block.state.values().flatten() {
                for fault in path_faults(path) {
                    match fault {
                        PathFault::Slash => self.error("E053", format!("The logical path {path:?} of {name} begins or ends with a slash.")),
                        PathFault::Element => self.error("E052", format!("The logical path {path:?} of {name} has an element that is '.', '..' or empty.")),
                    }
                }
            }
            for conflict in path_conflicts(block.state.values().flatten().map(String::as_str)) {
                let message = match conflict {
                    PathConflict::Repeated(path) => {
                        format!("The logical path {path:?} stands twice in the state of {name}.")
                    }
                    PathConflict::FileAndFolder(path) => format!("The logical path {path:?} of {name} is a file and a folder at once."),
                };
                self.error("E095", message);
            }
        }
        if self.spec() >= SpecVersion::V1_1 {
            for digest in manifest.keys().filter(|digest| !versions.values().any(|block| block.state.contains_key(*digest))) {
                self.error("E107", format!("The digest {} of the manifest is in no state.", short(digest)));
            }
        }
        self.draft.manifest = manifest;
        self.draft.versions = versions;
    }
}

/// A block of digests to paths, with its codes.
pub(crate) struct Block {
    pub name: String,
    pub repeated: &'static str,
    pub shape: &'static str,
}

/// Shortens a digest for a message.
fn short(digest: &str) -> String {
    if digest.chars().count() <= 20 {
        return format!("{digest:?}");
    }
    format!("{}…", digest.chars().take(16).collect::<String>())
}
