//! Reading the keys of an inventory and its version blocks (OCFL sections 3.3, 3.5.1 and 3.5.3).

use std::collections::{BTreeSet, HashMap};

use super::inventory::{Draft, User, VersionBlock};
use super::inventory_paths::Block;
use super::json::{Json, member};
use super::syntax::{is_date_time, is_uri};
use super::version::{SpecVersion, VersionNum};
use crate::digest::Algorithm;
use crate::finding::Findings;

/// Fills a draft and reports what is wrong on the way.
pub(crate) struct Reader<'a> {
    pub path: &'a str,
    pub findings: &'a mut Findings,
    pub declared: Option<SpecVersion>,
    pub draft: Draft,
}

impl Reader<'_> {
    pub(crate) fn error(&mut self, code: &str, message: impl Into<String>) {
        self.findings.error(code, self.path, message);
    }

    pub(crate) fn warning(&mut self, code: &str, message: impl Into<String>) {
        self.findings.warning(code, self.path, message);
    }

    /// The rules in force: those of the inventory's own type, else those declared, else the newest.
    pub(crate) fn spec(&self) -> SpecVersion {
        self.draft.spec.or(self.declared).unwrap_or(SpecVersion::V1_1)
    }

    pub(crate) fn read(&mut self, members: Vec<(String, Json)>) {
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
            Some(other) => {
                return self.error("E044", format!("The block versions must be an object, not {}.", other.kind()));
            }
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
            Some((_, Json::Object(state))) => {
                block.state = self.read_paths(state, &Block { name: format!("the state of {name}"), repeated: "E050", shape: "E051" })
            }
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
    let Some(other) = names.iter().find(|name| name.width != first.width) else {
        return;
    };
    findings.error("E012", path, format!("{other} is not named like {first}."));
    findings.error("E013", path, format!("{other} is not named as the first version is."));
    if first.width > 0 && other.width == 0 {
        findings.error("E011", path, format!("{other} does not begin with a zero as {first} does."));
    }
}
