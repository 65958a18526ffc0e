//! Judging one OCFL object (specification section 3).
//!
//! The order: the object root, version directories, the inventory of the object, those of its versions, then the bytes of content. Faults of a single
//! inventory are found in `inventory.rs`, the comparison of inventories in `prior.rs`, digests in `content.rs`.

use std::path::Path;
use std::sync::Mutex;

use super::content::{ContentFiles, LinkRegistry, Promises, Walk};
use super::declaration;
use super::extension;
use super::inventory::{Draft, Inventory};
use super::inventory_keys::check_sequence;
use super::sidecar::judge_sidecar;
use super::version::{SpecVersion, VersionNum};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::finding::{Finding, Findings};
use crate::tree::{DiskTree, Entry, Kind, Listing, Tree, join, read_limited};
use crate::work::{DEFAULT_MAX_FINDINGS, Meter, Options};

/// Largest inventory that is read; enough for some 700,000 content files.
const INVENTORY_LIMIT_BYTES: u64 = 512 * 1024 * 1024;

/// In a storage root, an object with more content than this is read by all threads, one such object at a time.
const WIDE_OBJECT_BYTES: u64 = 64 * 1024 * 1024;

/// What an object is, as far as it could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectSummary {
    /// The identifier in the inventory.
    pub id: Option<String>,
    /// The specification it declares.
    pub spec: Option<SpecVersion>,
    /// The newest version.
    pub head: Option<VersionNum>,
    /// The digest of the inventory in the object root, by the object's own algorithm, with that algorithm.
    pub inventory_digest: Option<(Algorithm, String)>,
    /// Content files on disk.
    pub content_files: u64,
    /// Bytes of content files on disk.
    pub content_bytes: u64,
}

/// Judges an OCFL 1.0 or 1.1 object on a disk.
///
/// `Err` only when `dir` cannot be listed. Memory is bounded by the inventories and the number of files, not by content; each content file is read once,
/// however many digests are promised for it.
pub fn validate_object(dir: &Path, options: &Options) -> Result<(ObjectSummary, Vec<Finding>), Error> {
    validate_object_in(&DiskTree::new(dir), "", options)
}

/// Judges the OCFL object in a folder of a tree, as [`validate_object`] does.
pub fn validate_object_in(tree: &dyn Tree, folder: &str, options: &Options) -> Result<(ObjectSummary, Vec<Finding>), Error> {
    let meter = Meter::new(options);
    let links = LinkRegistry::default();
    let context = Context { options, meter: &meter, links: &links, place: "", wide: None };
    let (summary, findings) = judge(tree, folder, &context)?;
    meter.object_done();
    Ok((summary, findings.into_vec()))
}

/// Reads the inventory in an object root and holds it against its sidecar; nothing else of the object is judged.
pub fn read_inventory(dir: &Path) -> Result<(Option<Inventory>, Vec<Finding>), Error> {
    read_inventory_in(&DiskTree::new(dir), "")
}

/// Reads the inventory of the object in a folder of a tree, as [`read_inventory`] does.
pub fn read_inventory_in(tree: &dyn Tree, folder: &str) -> Result<(Option<Inventory>, Vec<Finding>), Error> {
    let path = join(folder, "inventory.json");
    let bytes = read_limited(tree, &path, INVENTORY_LIMIT_BYTES).map_err(Error::at_tree(tree, &path))?;
    let mut findings = Findings::new(DEFAULT_MAX_FINDINGS);
    let Some(bytes) = bytes else {
        findings.error("ocfl-inventory-too-large", "inventory.json", "The inventory is too large to be read.");
        return Ok((None, findings.into_vec()));
    };
    let (inventory, list_of_faults) = Inventory::parse(&bytes, "inventory.json", None);
    list_of_faults.into_iter().for_each(|finding| findings.add(finding));
    if let Some(inventory) = &inventory {
        let entries = tree.list(folder).map_err(Error::at_tree(tree, folder))?;
        judge_sidecar(tree, (&entries, ""), &bytes, Some(inventory.digest_algorithm), &mut findings);
    }
    Ok((inventory, findings.into_vec()))
}

/// What the judge of one object shares with those of its neighbours.
pub(crate) struct Context<'a> {
    pub options: &'a Options,
    pub meter: &'a Meter,
    pub links: &'a LinkRegistry,
    /// Where the object lies in its storage root.
    pub place: &'a str,
    /// Held while all threads read one large object; `None` when the object is judged alone.
    pub wide: Option<&'a Mutex<()>>,
}

/// A version directory as it lies on disk.
struct VersionFolder {
    number: VersionNum,
    entries: Vec<Entry>,
}

/// What lies in an object root.
#[derive(Default)]
struct ObjectRoot {
    spec: Option<SpecVersion>,
    versions: Vec<VersionFolder>,
    entries: Vec<Entry>,
}

/// Judges the object in the folder of `tree` that is asked for with `base`.
pub(crate) fn judge(tree: &dyn Tree, base: &str, context: &Context<'_>) -> Result<(ObjectSummary, Findings), Error> {
    let mut findings = Findings::new(context.options.max_findings);
    let listing = tree.listing(base, &|_| false).map_err(Error::at_tree(tree, base))?;
    let entries = listing.list(base).map_err(Error::at_tree(tree, base))?;
    let root = survey(tree, &listing, entries, &mut findings);
    let mut summary = ObjectSummary { spec: root.spec, ..ObjectSummary::default() };

    let (bytes, draft) = match read_version_inventory(tree, (&root.entries, ""), root.spec, &mut findings) {
        Some((bytes, draft)) => (bytes, draft),
        None => {
            findings.error("E063", "inventory.json", "The object has no inventory.");
            (Vec::new(), None)
        }
    };
    judge_version_names(&root, draft.as_ref(), &mut findings);
    let content_folder = draft.as_ref().map_or("content", Draft::content_folder).to_owned();
    let mut files = ContentFiles::new();
    for version in &root.versions {
        survey_version((&listing, version), &content_folder, &mut files, context, &mut findings);
    }
    summary.content_files = files.len() as u64;
    summary.content_bytes = files.values().map(|file| file.size_bytes).sum();

    let Some(draft) = draft else {
        return Ok((summary, findings));
    };
    summary.id.clone_from(&draft.id);
    summary.head = draft.head;
    summary.inventory_digest = draft.algorithm.map(|algorithm| (algorithm, algorithm.hash(&bytes)));

    let mut promises = Promises::default();
    promises.add(&draft, "inventory.json");
    judge_prior_inventories((tree, &root), (&bytes, &draft), &files, &mut promises, &mut findings);
    judge_content((tree, base), &draft, &files, &promises, context, &mut findings);
    Ok((summary, findings))
}

/// Sorts what lies in the object root (sections 3.1 and 3.2).
fn survey(tree: &dyn Tree, listing: &Listing<'_>, entries: Vec<Entry>, findings: &mut Findings) -> ObjectRoot {
    let mut root = ObjectRoot { spec: declaration::read(tree, &entries, &declaration::OBJECT, findings), ..ObjectRoot::default() };
    for entry in &entries {
        let name = entry.name.as_str();
        match entry.kind {
            Kind::Link => findings.error("E090", name, "A link must not be used in OCFL."),
            Kind::Special => findings.error("E001", name, "Only files and folders may be in an object."),
            Kind::File { .. } => {
                // Sidecars are judged with the inventory they belong to.
                if !name.starts_with("0=") && name != "inventory.json" && !name.starts_with("inventory.json.") {
                    findings.error("E001", name, "This file may not be in an object root.");
                }
            }
            Kind::Folder => match VersionNum::parse(name) {
                Some(number) if entry.exact => match listing.list(&entry.path) {
                    Ok(entries) => root.versions.push(VersionFolder { number, entries }),
                    Err(error) => findings.error("ocfl-unreadable", name, format!("The folder cannot be listed: {error}.")),
                },
                _ if name == "extensions" => extension::judge(listing, entry, name, &extension::OBJECT, findings),
                _ if name == "logs" => extension::find_links(listing, entry, name, 0, findings),
                _ => findings.error("E001", name, "This folder may not be in an object root."),
            },
        }
    }
    root.versions.sort_by_key(|version| version.number);
    root.entries = entries;
    root
}

/// Reads the inventory of a folder, given by its entries and its place, and judges it and its sidecar; `None` when there is none.
fn read_version_inventory(
    tree: &dyn Tree,
    (entries, place): (&[Entry], &str),
    declared: Option<SpecVersion>,
    findings: &mut Findings,
) -> Option<(Vec<u8>, Option<Draft>)> {
    let entry = entries.iter().find(|entry| entry.name == "inventory.json" && entry.is_file())?;
    let path = join(place, "inventory.json");
    let bytes = match read_limited(tree, &entry.path, INVENTORY_LIMIT_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            findings.error("ocfl-inventory-too-large", path, "The inventory is too large to be read.");
            return Some((Vec::new(), None));
        }
        Err(error) => {
            findings.error("ocfl-unreadable", path, format!("The file cannot be read: {error}."));
            return Some((Vec::new(), None));
        }
    };
    let draft = Draft::parse(&bytes, &path, declared, findings);
    judge_sidecar(tree, (entries, place), &bytes, draft.as_ref().and_then(|draft| draft.algorithm), findings);
    Some((bytes, draft))
}

/// Compares version directories with the inventory (section 3.3).
fn judge_version_names(root: &ObjectRoot, draft: Option<&Draft>, findings: &mut Findings) {
    let on_disk: Vec<VersionNum> = root.versions.iter().map(|version| version.number).collect();
    let Some(draft) = draft else {
        if on_disk.is_empty() {
            findings.error("E008", "", "The object has no version.");
        }
        return check_sequence(&on_disk, "", findings);
    };
    // What the inventory names is judged there; the disk is judged apart only where it differs.
    let named: Vec<VersionNum> = draft.versions.keys().copied().collect();
    if on_disk != named {
        check_sequence(&on_disk, "", findings);
    }
    for version in named.iter().filter(|version| !on_disk.contains(version)) {
        findings.error("E046", version.to_string(), "The version of the inventory has no directory.");
    }
    for version in on_disk.iter().filter(|version| !named.contains(version)) {
        findings.error("E046", version.to_string(), "The version directory is not in the inventory.");
    }
    if let (Some(head), Some(last)) = (draft.head, on_disk.last())
        && last.number > head.number
    {
        findings.error("E040", "inventory.json", format!("The head is {head}, but there is a directory {last}."));
    }
}

/// Sorts what lies in a version directory and takes up its content files (section 3.3).
fn survey_version(
    (listing, version): (&Listing<'_>, &VersionFolder),
    content_folder: &str,
    files: &mut ContentFiles,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let folder = version.number.to_string();
    let has_inventory = version.entries.iter().any(|entry| entry.name == "inventory.json" && entry.is_file());
    if !has_inventory {
        findings.warning("W010", &folder, "The version directory has no inventory.");
    }
    for entry in &version.entries {
        let place = join(&folder, &entry.name);
        match entry.kind {
            Kind::Link => findings.error("E090", place, "A link must not be used in OCFL."),
            Kind::Special => findings.error("E015", place, "Only files and folders may be in an object."),
            Kind::Folder if entry.exact && entry.name == content_folder => {
                let mut walk = Walk { listing, files, findings, links: context.links, object: context.place, version: version.number.number };
                walk.take(entry, &place, 0);
            }
            Kind::Folder => {
                findings.warning("W002", &place, "A version directory should hold no folder but the content directory.");
                extension::find_links(listing, entry, &place, 0, findings);
            }
            Kind::File { .. } => {
                let belongs = entry.name == "inventory.json" || (has_inventory && entry.name.starts_with("inventory.json."));
                if !belongs {
                    findings.error("E015", place, "A version directory may hold no file but the inventory and its sidecar.");
                }
            }
        }
    }
}

/// Judges the inventories in version directories, the newest included.
fn judge_prior_inventories(
    (tree, root): (&dyn Tree, &ObjectRoot),
    object: (&[u8], &Draft),
    files: &ContentFiles,
    promises: &mut Promises,
    findings: &mut Findings,
) {
    let (root_bytes, root_draft) = object;
    let mut last_spec: Option<SpecVersion> = None;
    for version in &root.versions {
        let folder = version.number.to_string();
        let place = join(&folder, "inventory.json");
        let is_head = root_draft.head == Some(version.number);
        if is_head && is_same_file(tree, &version.entries, root_bytes) {
            // The sidecar is still a file of its own.
            judge_sidecar(tree, (&version.entries, &folder), root_bytes, root_draft.algorithm, findings);
            judge_spec_order(root_draft.spec, &mut last_spec, &place, findings);
            continue;
        }
        let Some((bytes, draft)) = read_version_inventory(tree, (&version.entries, &folder), None, findings) else {
            continue;
        };
        // A file that could not be read is said to be so already; it is no other file for that.
        if is_head && !bytes.is_empty() && bytes != root_bytes {
            findings.error("E064", &place, "The inventory of the newest version is not the same file as that of the object.");
        }
        let Some(draft) = draft else { continue };
        judge_spec_order(draft.spec, &mut last_spec, &place, findings);
        super::prior::judge(&draft, root_draft, version.number, &place, files, findings);
        promises.add(&draft, &place);
    }
}

fn is_same_file(tree: &dyn Tree, entries: &[Entry], bytes: &[u8]) -> bool {
    let inventory = entries.iter().find(|entry| entry.name == "inventory.json" && entry.is_file());
    inventory.is_some_and(|entry| read_limited(tree, &entry.path, bytes.len() as u64).is_ok_and(|other| other.as_deref() == Some(bytes)))
}

/// Section 3.7.1: no version follows an older specification than the one before it.
fn judge_spec_order(spec: Option<SpecVersion>, last: &mut Option<SpecVersion>, place: &str, findings: &mut Findings) {
    if spec.is_some() && spec < *last {
        findings.error("E103", place, "The inventory follows an older specification than the version before it.");
    }
    *last = spec.or(*last);
}

/// Holds content files against all inventories.
fn judge_content(object: (&dyn Tree, &str), draft: &Draft, files: &ContentFiles, promises: &Promises, context: &Context<'_>, findings: &mut Findings) {
    let listed: std::collections::HashSet<&String> = draft.manifest.values().flatten().collect();
    for path in files.keys().filter(|path| !listed.contains(path)) {
        findings.error("E023", path, "The file is not in the manifest.");
    }
    judge_content_directories(draft, files, findings);
    promises.report_missing(files, findings);
    if !context.options.content {
        return promises.report_contradictions(findings);
    }
    let Some(wide) = context.wide else {
        return promises.check(object, files, context.options.threads, context.meter, findings);
    };
    let bytes: u64 = files.values().map(|file| file.size_bytes).sum();
    if bytes < WIDE_OBJECT_BYTES {
        return promises.check(object, files, 1, context.meter, findings);
    }
    let _alone = wide.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    promises.check(object, files, context.options.threads, context.meter, findings);
}

/// E016: a version that stores files has its content directory.
fn judge_content_directories(draft: &Draft, files: &ContentFiles, findings: &mut Findings) {
    let stored: std::collections::BTreeSet<u32> = files.values().map(|file| file.version).collect();
    let mut promised: Vec<VersionNum> = draft.manifest.values().flatten().filter_map(|path| VersionNum::parse(path.split('/').next()?)).collect();
    promised.sort_unstable();
    promised.dedup();
    for version in promised.into_iter().filter(|version| !stored.contains(&version.number)) {
        findings.error("E016", version.to_string(), "The version stores files by the manifest, but has none in a content directory.");
    }
}
