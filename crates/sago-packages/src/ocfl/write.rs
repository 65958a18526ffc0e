//! What Sago writes of OCFL: places, inventories, sidecars and the files of a storage root. Pure functions: bytes out, nothing on disk.
//!
//! Everything is OCFL 1.1 with sha512, layout 0003 (sha256, 3, 3), a `fixity` block of sha256, and content paths equal to logical paths under
//! `vN/content` (docs/formats.md, section 6). The same inventory always gives the same bytes.

use std::collections::BTreeMap;
use std::collections::{BTreeSet, HashSet};
use std::io::{self, Write};

use super::inventory::{Inventory, PathsByDigest, User, VersionBlock};
use super::layout::{HashTuples, LAYOUT_0003, Layout};
use super::syntax::{is_date_time, is_uri, path_conflicts, path_faults};
use super::version::{SpecVersion, VersionNum};
use crate::digest::Algorithm;
use crate::error::Error;

/// Name and content of the conformance declaration of an object.
pub const OBJECT_DECLARATION: (&str, &str) = ("0=ocfl_object_1.1", "ocfl_object_1.1\n");

/// Gives the path of an object under a storage root of Sago's layout.
#[must_use]
pub fn object_path_0003(id: &str) -> String {
    let layout = Layout::HashAndId { tuples: HashTuples::DEFAULT, delimiters: Vec::new() };
    // Layout 0003 has a path for every id.
    layout.object_path(id).unwrap_or_default()
}

/// Gives the files of an empty storage root, as relative paths and bytes.
#[must_use]
pub fn storage_root_files() -> Vec<(String, Vec<u8>)> {
    let layout = format!(
        "{{\n  \"extension\": \"{LAYOUT_0003}\",\n  \"description\": \"Hashed truncated n-tuple trees with an object ID encapsulating directory\"\n}}\n"
    );
    let config = format!("{{\n  \"extensionName\": \"{LAYOUT_0003}\",\n  \"digestAlgorithm\": \"sha256\",\n  \"tupleSize\": 3,\n  \"numberOfTuples\": 3\n}}\n");
    vec![
        ("0=ocfl_1.1".to_owned(), b"ocfl_1.1\n".to_vec()),
        ("ocfl_layout.json".to_owned(), layout.into_bytes()),
        (format!("extensions/{LAYOUT_0003}/config.json"), config.into_bytes()),
    ]
}

/// A file that a version stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The logical path; the file is stored at [`content_path`].
    pub logical_path: String,
    /// Of the stored bytes; hexadecimal, lower case.
    pub sha512: String,
    /// Of the stored bytes; hexadecimal, lower case.
    pub sha256: String,
}

/// Who made a version, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    /// RFC 3339.
    pub created: String,
    /// From a fixed list of messages.
    pub message: String,
    /// A pseudonym.
    pub user_name: String,
    /// `urn:uuid:…`.
    pub user_address: String,
}

/// Gives the content path of a file that `version` stores.
#[must_use]
pub fn content_path(version: VersionNum, logical_path: &str) -> String {
    format!("{version}/content/{logical_path}")
}

/// Makes the inventory of a new object.
pub fn first_version(id: &str, info: VersionInfo, files: &[NewFile]) -> Result<Inventory, Error> {
    if !is_uri(id) {
        return Err(Error::Refused(format!("The id {id:?} is not a URI.")));
    }
    let empty = Inventory {
        spec: SpecVersion::V1_1,
        id: id.to_owned(),
        digest_algorithm: Algorithm::Sha512,
        head: VersionNum::FIRST,
        content_directory: None,
        manifest: PathsByDigest::new(),
        versions: BTreeMap::new(),
        fixity: BTreeMap::new(),
    };
    with_version(empty, VersionNum::FIRST, PathsByDigest::new(), info, files)
}

/// Makes the inventory of the next version of an object.
///
/// The new version has the files of the one before, without those `removed`, and with `files` added or in place of older ones. Every one of `files` is
/// stored in the new version's content directory, even when the object holds the same bytes already.
pub fn next_version(current: &Inventory, info: VersionInfo, files: &[NewFile], removed: &[&str]) -> Result<Inventory, Error> {
    if (current.spec, current.digest_algorithm, &current.content_directory) != (SpecVersion::V1_1, Algorithm::Sha512, &None) {
        return Err(Error::Refused("Only OCFL 1.1 objects with sha512 and the usual content directory are written.".to_owned()));
    }
    let before = current.versions.get(&current.head).map(|block| block.state.clone());
    let mut state = before.ok_or_else(|| Error::Refused("The head of the inventory is not among its versions.".to_owned()))?;
    let known: HashSet<&str> = state.values().flatten().map(String::as_str).collect();
    if let Some(path) = removed.iter().find(|path| !known.contains(*path)) {
        return Err(Error::Refused(format!("The file {path:?} is not in the newest version.")));
    }
    if current.manifest.keys().any(|digest| digest.bytes().any(|byte| byte.is_ascii_uppercase())) {
        // The same digest in lower case would be a second key for it (E096).
        return Err(Error::Refused("The object's digests are not in lower case.".to_owned()));
    }
    let gone: BTreeSet<&str> = removed.iter().copied().chain(files.iter().map(|file| file.logical_path.as_str())).collect();
    for paths in state.values_mut() {
        paths.retain(|path| !gone.contains(path.as_str()));
    }
    state.retain(|_, paths| !paths.is_empty());
    let version = current.head.next().ok_or_else(|| Error::Refused("There is no version number left.".to_owned()))?;
    with_version(current.clone(), version, state, info, files)
}

fn with_version(mut inventory: Inventory, version: VersionNum, mut state: PathsByDigest, info: VersionInfo, files: &[NewFile]) -> Result<Inventory, Error> {
    if !is_date_time(&info.created) {
        return Err(Error::Refused(format!("{:?} is not a date-time of RFC 3339.", info.created)));
    }
    if info.user_name.is_empty() || !is_uri(&info.user_address) {
        return Err(Error::Refused("The user needs a name and a URI as address.".to_owned()));
    }
    let fixity = inventory.fixity.entry(Algorithm::Sha256.name().to_owned()).or_default();
    for file in files {
        let lower = |text: &str| !text.bytes().any(|byte| byte.is_ascii_uppercase());
        if !(Algorithm::Sha512.is_shape_of(&file.sha512) && Algorithm::Sha256.is_shape_of(&file.sha256) && lower(&file.sha512) && lower(&file.sha256)) {
            return Err(Error::Refused(format!("The digests of {:?} are not hexadecimal digests in lower case.", file.logical_path)));
        }
        if !path_faults(&file.logical_path).is_empty() || file.logical_path.chars().any(char::is_control) {
            return Err(Error::Refused(format!("{:?} is not a safe logical path.", file.logical_path)));
        }
        let stored = content_path(version, &file.logical_path);
        add(&mut inventory.manifest, &file.sha512, stored.clone());
        add(fixity, &file.sha256, stored);
        add(&mut state, &file.sha512, file.logical_path.clone());
    }
    if !path_conflicts(state.values().flatten().map(String::as_str)).is_empty() {
        return Err(Error::Refused("Two files of the version have the same path, or one is a folder of another.".to_owned()));
    }
    for paths in inventory.manifest.values_mut().chain(fixity.values_mut()).chain(state.values_mut()) {
        paths.sort_unstable();
    }
    let user = User { name: info.user_name, address: Some(info.user_address) };
    let block = VersionBlock { created: info.created, state, message: Some(info.message), user: Some(user) };
    inventory.versions.insert(version, block);
    inventory.head = version;
    Ok(inventory)
}

fn add(map: &mut PathsByDigest, digest: &str, path: String) {
    map.entry(digest.to_owned()).or_default().push(path);
}

/// Gives the bytes of an inventory.
#[must_use]
pub fn inventory_bytes(inventory: &Inventory) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = write_inventory(inventory, &mut bytes);
    bytes
}

/// Gives the text of the sidecar of an inventory, to be stored as `inventory.json.sha512`.
#[must_use]
pub fn sidecar_text(inventory: &[u8]) -> String {
    format!("{} inventory.json\n", Algorithm::Sha512.hash(inventory))
}

/// Writes an inventory as JSON: one digest a line, digests and paths sorted, versions in number order, `\n` after the last brace.
pub fn write_inventory(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{{\n  \"type\": ")?;
    text(out, inventory.spec.inventory_type())?;
    write!(out, ",\n  \"id\": ")?;
    text(out, &inventory.id)?;
    write!(out, ",\n  \"digestAlgorithm\": ")?;
    text(out, inventory.digest_algorithm.name())?;
    write!(out, ",\n  \"head\": ")?;
    text(out, &inventory.head.to_string())?;
    if let Some(name) = &inventory.content_directory {
        write!(out, ",\n  \"contentDirectory\": ")?;
        text(out, name)?;
    }
    write!(out, ",\n  \"manifest\": ")?;
    paths_by_digest(out, &inventory.manifest, "  ")?;
    write!(out, ",\n  \"versions\": {{")?;
    for (index, (version, block)) in inventory.versions.iter().enumerate() {
        write!(out, "{}\n    ", if index > 0 { "," } else { "" })?;
        text(out, &version.to_string())?;
        write!(out, ": ")?;
        version_block(out, block)?;
    }
    write!(out, "{}}}", if inventory.versions.is_empty() { "" } else { "\n  " })?;
    if !inventory.fixity.is_empty() {
        write!(out, ",\n  \"fixity\": {{")?;
        for (index, (name, block)) in inventory.fixity.iter().enumerate() {
            write!(out, "{}\n    ", if index > 0 { "," } else { "" })?;
            text(out, name)?;
            write!(out, ": ")?;
            paths_by_digest(out, block, "    ")?;
        }
        write!(out, "\n  }}")?;
    }
    writeln!(out, "\n}}")
}

fn version_block(out: &mut dyn Write, block: &VersionBlock) -> io::Result<()> {
    write!(out, "{{\n      \"created\": ")?;
    text(out, &block.created)?;
    if let Some(message) = &block.message {
        write!(out, ",\n      \"message\": ")?;
        text(out, message)?;
    }
    if let Some(user) = &block.user {
        write!(out, ",\n      \"user\": {{ \"name\": ")?;
        text(out, &user.name)?;
        if let Some(address) = &user.address {
            write!(out, ", \"address\": ")?;
            text(out, address)?;
        }
        write!(out, " }}")?;
    }
    write!(out, ",\n      \"state\": ")?;
    paths_by_digest(out, &block.state, "      ")?;
    write!(out, "\n    }}")
}

fn paths_by_digest(out: &mut dyn Write, map: &PathsByDigest, indent: &str) -> io::Result<()> {
    write!(out, "{{")?;
    for (index, (digest, paths)) in map.iter().enumerate() {
        write!(out, "{}\n{indent}  ", if index > 0 { "," } else { "" })?;
        text(out, digest)?;
        write!(out, ": [")?;
        for (index, path) in paths.iter().enumerate() {
            write!(out, "{}", if index > 0 { ", " } else { "" })?;
            text(out, path)?;
        }
        write!(out, "]")?;
    }
    if map.is_empty() { write!(out, "}}") } else { write!(out, "\n{indent}}}") }
}

fn text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}
