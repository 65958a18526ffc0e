//! The inventory of an OCFL object: its type, and a strict parser that reports every fault of one document.
//!
//! What can only be judged against the files on disk or against other inventories is in `object.rs` and `prior.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::json::{Json, member};
use super::syntax::{PathConflict, PathFault, is_date_time, is_uri, path_conflicts, path_faults};
use super::version::{SpecVersion, VersionNum};
use crate::digest::Algorithm;
use crate::finding::{Finding, Findings};

/// Digest to paths, as in `manifest`, `state` and one block of `fixity`. Paths are sorted; digests are spelt as in the file.
pub type PathsByDigest = BTreeMap<String, Vec<String>>;

/// Who made a version (OCFL section 3.5.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// A readable name.
    pub name: String,
    /// A URI.
    pub address: Option<String>,
}

/// One version of an object (OCFL section 3.5.3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionBlock {
    /// RFC 3339.
    pub created: String,
    /// Digest to logical paths.
    pub state: PathsByDigest,
    /// Why the version was made.
    pub message: Option<String>,
    /// Who made it.
    pub user: Option<User>,
}

/// An OCFL inventory (OCFL section 3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Which specification it follows.
    pub spec: SpecVersion,
    /// The object's identifier.
    pub id: String,
    /// `sha512` or `sha256`.
    pub digest_algorithm: Algorithm,
    /// The newest version.
    pub head: VersionNum,
    /// The name of content folders, when it is not `content`.
    pub content_directory: Option<String>,
    /// Digest to content paths.
    pub manifest: PathsByDigest,
    /// All versions.
    pub versions: BTreeMap<VersionNum, VersionBlock>,
    /// Algorithm name to digests to content paths.
    pub fixity: BTreeMap<String, PathsByDigest>,
}

impl Inventory {
    /// Parses an inventory.
    ///
    /// Findings have `path` as their place. An inventory is given whenever id, type, algorithm, head and versions could be read, even when there are
    /// findings: only one without errors may be relied upon. `declared` is the version of the object's conformance declaration, when known.
    #[must_use]
    pub fn parse(bytes: &[u8], path: &str, declared: Option<SpecVersion>) -> (Option<Self>, Vec<Finding>) {
        let mut findings = Findings::new(usize::MAX);
        let draft = Draft::parse(bytes, path, declared, &mut findings);
        (draft.and_then(Draft::finish), findings.into_vec())
    }
}

/// An inventory as far as it could be read.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub spec: Option<SpecVersion>,
    pub id: Option<String>,
    pub algorithm: Option<Algorithm>,
    pub head: Option<VersionNum>,
    pub content_directory: Option<String>,
    pub manifest: PathsByDigest,
    pub versions: BTreeMap<VersionNum, VersionBlock>,
    pub fixity: BTreeMap<String, PathsByDigest>,
}

impl Draft {
    /// Parses; `None` when the document is not a JSON object.
    pub(crate) fn parse(bytes: &[u8], path: &str, declared: Option<SpecVersion>, findings: &mut Findings) -> Option<Self> {
        let members = match Json::parse(bytes) {
            Ok(Json::Object(members)) => members,
            Ok(other) => {
                findings.error("E033", path, format!("An inventory must be a JSON object, not {}.", other.kind()));
                return None;
            }
            Err(error) => {
                findings.error("E033", path, format!("The inventory is not JSON: {error}."));
                return None;
            }
        };
        let mut reader = Reader { path, findings, declared, draft: Draft::default() };
        reader.read(members);
        Some(reader.draft)
    }

    fn finish(self) -> Option<Inventory> {
        Some(Inventory {
            spec: self.spec?,
            id: self.id?,
            digest_algorithm: self.algorithm?,
            head: self.head?,
            content_directory: self.content_directory,
            manifest: self.manifest,
            versions: self.versions,
            fixity: self.fixity,
        })
    }

    /// Gives the name of content folders.
    pub(crate) fn content_folder(&self) -> &str {
        self.content_directory.as_deref().unwrap_or("content")
    }
}

struct Reader<'a> {
    path: &'a str,
    findings: &'a mut Findings,
    declared: Option<SpecVersion>,
    draft: Draft,
}

impl Reader<'_> {
    fn error(&mut self, code: &str, message: impl Into<String>) {
        self.findings.error(code, self.path, message);
    }

    fn warning(&mut self, code: &str, message: impl Into<String>) {
        self.findings.warning(code, self.path, message);
    }

    /// The rules in force: those of the inventory's own type, else those declared, else the newest.
    fn spec(&self) -> SpecVersion {
        self.draft.spec.or(self.declared).unwrap_or(SpecVersion::V1_1)
    }

    fn read(&mut self, members: Vec<(String, Json)>) {
        self.read_type(member(&members, "type"));
        self.check_keys(&members, &["id", "type", "digestAlgorithm", "head", "contentDirectory", "manifest", "versions", "fixity"], "the inventory");
        self.read_id(member(&members, "id"));
        self.read_algorithm(member(&members, "digestAlgorithm"));
        self.read_head(member(&members, "head"));
        self.read_content_directory(member(&members, "contentDirectory"));
        let mut blocks: HashMap<String, Json> = HashMap::new();
        for (key, value) in members {
            // The first of repeated members is read, as `member` does; the repetition is an error of its own.
            blocks.entry(key).or_insert(value);
        }
        self.read_versions(blocks.remove("versions"));
        self.read_manifest(blocks.remove("manifest"));
        self.read_fixity(blocks.remove("fixity"));
        self.check_states();
    }

    fn check_keys(&mut self, members: &[(String, Json)], known: &[&str], place: &str) {
        let mut seen = BTreeSet::new();
        for (key, _) in members {
            if !known.contains(&key.as_str()) {
                self.error("E102", format!("The key {key:?} in {place} is not one of the specification."));
            }
            if !seen.insert(key) {
                self.error("E033", format!("The key {key:?} stands twice in {place}."));
            }
        }
    }

    fn read_type(&mut self, value: Option<&Json>) {
        let Some(value) = value else {
            return self.error("E036", "The key type is missing.");
        };
        let Some(spec) = value.as_text().and_then(SpecVersion::from_inventory_type) else {
            return self.error("E038", "The value of type is not the URI of an OCFL 1.0 or 1.1 inventory.");
        };
        self.draft.spec = Some(spec);
        if let Some(declared) = self.declared.filter(|declared| *declared != spec) {
            self.error("E038", format!("The inventory is of type {spec}, the object declares {declared}."));
        }
    }

    fn read_id(&mut self, value: Option<&Json>) {
        match value {
            None => self.error("E036", "The key id is missing."),
            Some(Json::Text(id)) if !id.is_empty() => {
                if !is_uri(id) {
                    self.warning("W005", format!("The id {id:?} is not a URI."));
                }
                self.draft.id = Some(id.clone());
            }
            Some(other) => self.error("E037", format!("The id must be a string that is not empty, not {}.", other.kind())),
        }
    }

    fn read_algorithm(&mut self, value: Option<&Json>) {
        let Some(value) = value else {
            return self.error("E036", "The key digestAlgorithm is missing.");
        };
        let name = value.as_text().unwrap_or_default();
        self.draft.algorithm = Algorithm::from_ocfl(name);
        match self.draft.algorithm {
            Some(Algorithm::Sha512) => {}
            Some(Algorithm::Sha256) => self.warning("W004", "The object uses sha256 where sha512 is advised."),
            _ => self.error("E025", format!("The digestAlgorithm must be sha512 or sha256, not {name:?}.")),
        }
    }

    fn read_head(&mut self, value: Option<&Json>) {
        let Some(value) = value else {
            return self.error("E036", "The key head is missing.");
        };
        self.draft.head = value.as_text().and_then(VersionNum::parse);
        if self.draft.head.is_none() {
            self.error("E040", "The value of head is not the name of a version.");
        }
    }

    fn read_content_directory(&mut self, value: Option<&Json>) {
        let Some(value) = value else { return };
        match value.as_text() {
            Some(name) if name.contains('/') => {
                self.error("E017", "The contentDirectory must not hold a slash.");
                if self.spec() >= SpecVersion::V1_1 {
                    self.error("E108", "The contentDirectory must be a direct child of the version directory.");
                }
            }
            Some("." | "..") => self.error("E018", "The contentDirectory must not be one or two periods."),
            Some(name) if !name.is_empty() => self.draft.content_directory = Some(name.to_owned()),
            _ => self.error("E017", "The contentDirectory must be a string that names a directory."),
        }
    }

    fn read_versions(&mut self, value: Option<Json>) {
        let members = match value {
            None => {
                self.error("E043", "The block versions is missing.");
                return self.error("E041", "The block versions is missing.");
            }
            Some(Json::Object(members)) => members,
            Some(other) => return self.error("E044", format!("The block versions must be an object, not {}.", other.kind())),
        };
        if members.is_empty() {
            self.error("E008", "The object has no version.");
        }
        for (name, value) in members {
            let Some(number) = VersionNum::parse(&name) else {
                self.error("E046", format!("The key {name:?} of versions is not the name of a version directory."));
                continue;
            };
            let block = self.read_version(&name, value);
            if self.draft.versions.insert(number, block).is_some() {
                self.error("E033", format!("The version {name} stands twice."));
            }
        }
        let names: Vec<VersionNum> = self.draft.versions.keys().copied().collect();
        check_sequence(&names, self.path, self.findings);
        if let (Some(head), Some(last)) = (self.draft.head, names.last())
            && head != *last
        {
            self.error("E040", format!("The head is {head}, the highest version is {last}."));
        }
    }

    fn read_version(&mut self, name: &str, value: Json) -> VersionBlock {
        let mut block = VersionBlock::default();
        let members = match value {
            Json::Object(members) => members,
            other => {
                self.error("E047", format!("The version {name} must be an object, not {}.", other.kind()));
                return block;
            }
        };
        self.check_keys(&members, &["created", "state", "message", "user"], &format!("version {name}"));
        match member(&members, "created") {
            None => self.error("E048", format!("The version {name} has no created.")),
            Some(Json::Text(text)) if is_date_time(text) => block.created.clone_from(text),
            Some(_) => self.error("E049", format!("The created of version {name} is not a date-time of RFC 3339.")),
        }
        block.message = self.read_message(name, member(&members, "message"));
        block.user = self.read_user(name, member(&members, "user"));
        match members.into_iter().find(|(key, _)| key == "state") {
            None => self.error("E048", format!("The version {name} has no state.")),
            Some((_, Json::Object(state))) => block.state = self.read_paths(state, &Block { name: format!("the state of {name}"), repeated: "E050", shape: "E051" }),
            Some((_, other)) => self.error("E050", format!("The state of version {name} must be an object, not {}.", other.kind())),
        }
        block
    }

    fn read_message(&mut self, name: &str, value: Option<&Json>) -> Option<String> {
        match value {
            None => self.warning("W007", format!("The version {name} has no message.")),
            Some(Json::Text(text)) => return Some(text.clone()),
            Some(other) => self.error("E094", format!("The message of version {name} must be a string, not {}.", other.kind())),
        }
        None
    }

    fn read_user(&mut self, name: &str, value: Option<&Json>) -> Option<User> {
        let members = match value {
            None => {
                self.warning("W007", format!("The version {name} has no user."));
                return None;
            }
            Some(Json::Object(members)) => members,
            Some(other) => {
                self.error("E054", format!("The user of version {name} must be an object, not {}.", other.kind()));
                return None;
            }
        };
        self.check_keys(members, &["name", "address"], &format!("the user of version {name}"));
        let address = match member(members, "address") {
            None => {
                self.warning("W008", format!("The user of version {name} has no address."));
                None
            }
            Some(Json::Text(address)) => {
                if !is_uri(address) {
                    self.warning("W009", format!("The address of the user of version {name} is not a URI."));
                }
                Some(address.clone())
            }
            Some(other) => {
                self.warning("W009", format!("The address of the user of version {name} is {}, not a URI.", other.kind()));
                None
            }
        };
        match member(members, "name") {
            Some(Json::Text(user)) if !user.is_empty() => Some(User { name: user.clone(), address }),
            _ => {
                self.error("E054", format!("The user of version {name} has no name."));
                None
            }
        }
    }

    fn read_manifest(&mut self, value: Option<Json>) {
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

    fn read_fixity(&mut self, value: Option<Json>) {
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
                self.warning("ocfl-fixity-algorithm-unknown", format!("The algorithm {name:?} is none of the specification or its extensions; its digests are not checked."));
            }
            self.check_digests(&paths, algorithm, "E057", &place);
            self.check_content_paths(&paths, &place);
            if self.draft.fixity.insert(name.clone(), paths).is_some() {
                self.error("E033", format!("The key {name:?} stands twice in the fixity."));
            }
        }
    }

    /// Reads an object of digests to arrays of paths, with one code for repeated digests and one for a wrong shape.
    fn read_paths(&mut self, members: Vec<(String, Json)>, block: &Block) -> PathsByDigest {
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
                PathConflict::Repeated(path) => format!("The content path {path:?} stands twice in {place}."),
                PathConflict::FileAndFolder(path) => format!("The content path {path:?} in {place} is a file and a folder at once."),
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
    fn check_states(&mut self) {
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
                    PathConflict::Repeated(path) => format!("The logical path {path:?} stands twice in the state of {name}."),
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
struct Block {
    name: String,
    repeated: &'static str,
    shape: &'static str,
}

/// Judges the names of versions: numbers without gap from 1, all written alike. `names` is sorted by number.
pub(crate) fn check_sequence(names: &[VersionNum], path: &str, findings: &mut Findings) {
    let mut numbers: Vec<u32> = names.iter().map(|name| name.number).collect();
    numbers.dedup();
    if numbers.first().is_some_and(|first| *first != 1) {
        findings.error("E009", path, "The versions do not begin with 1.");
    }
    if let Some(gap) = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1) {
        findings.error("E010", path, format!("A version is missing between {} and {}.", gap[0], gap[1]));
    }
    let Some(first) = names.first() else { return };
    if names.iter().any(|name| name.width > 0) {
        findings.warning("W001", path, "The versions are zero-padded.");
    }
    let Some(other) = names.iter().find(|name| name.width != first.width) else { return };
    findings.error("E012", path, format!("{other} is not named like {first}."));
    findings.error("E013", path, format!("{other} is not named as the first version is."));
    if first.width > 0 && other.width == 0 {
        findings.error("E011", path, format!("{other} does not begin with a zero as {first} does."));
    }
}

/// Shortens a digest for a message.
pub(crate) fn short(digest: &str) -> String {
    if digest.chars().count() <= 20 {
        return format!("{digest:?}");
    }
    format!("{}…", digest.chars().take(16).collect::<String>())
}
