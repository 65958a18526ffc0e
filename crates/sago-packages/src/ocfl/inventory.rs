//! The inventory of an OCFL object: its type, and a strict parser that reports every fault of one document.
//!
//! The parser's steps are in `inventory_keys.rs` (keys and versions) and `inventory_paths.rs` (manifest, fixity and states). What can only be
//! judged against the files on disk or against other inventories is in `object.rs` and `prior.rs`.

use std::collections::BTreeMap;

use super::inventory_keys::Reader;
use super::json::Json;
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
        let mut findings = Findings::new(crate::work::DEFAULT_MAX_FINDINGS);
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
