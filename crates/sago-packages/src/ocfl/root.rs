//! Judging an OCFL storage root and every object in it (specification section 4).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use super::content::LinkRegistry;
use super::declaration;
use super::extension;
use super::layout::Layout;
use super::object::{Context, ObjectSummary, judge};
use super::version::SpecVersion;
use crate::error::Error;
use crate::finding::{Finding, Findings};
use crate::tree::{DEPTH_LIMIT, DiskTree, Entry, Kind, Listing, Tree, join};
use crate::work::{Meter, Options, spread};

/// What a storage root holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RootSummary {
    /// The specification it declares.
    pub spec: Option<SpecVersion>,
    /// Objects found.
    pub objects: u64,
    /// Content files of all objects.
    pub content_files: u64,
    /// Bytes of all content files.
    pub content_bytes: u64,
}

/// Begins the names of the files that make a folder an object root.
const OBJECT_MARK: &str = "0=ocfl_object_";

/// Judges an OCFL 1.0 or 1.1 storage root on a disk, and every object in it.
///
/// `Err` only when `dir` cannot be listed. Objects are judged side by side; an object with much content is read by all threads. Kept in memory are the
/// path and id of each object, and the inventories of the objects being judged.
pub fn validate_root(dir: &Path, options: &Options) -> Result<(RootSummary, Vec<Finding>), Error> {
    validate_root_in(&DiskTree::new(dir), options)
}

/// Judges a tree as an OCFL storage root, as [`validate_root`] does.
///
/// The hierarchy above objects is one [listing](Tree::listing), and each object another, made when the object is judged.
pub fn validate_root_in(tree: &dyn Tree, options: &Options) -> Result<(RootSummary, Vec<Finding>), Error> {
    let mut findings = Findings::new(options.max_findings);
    let listing = tree.listing("", &|name| name.starts_with(OBJECT_MARK)).map_err(Error::at_tree(tree, ""))?;
    let entries = listing.list("").map_err(Error::at_tree(tree, ""))?;
    let spec = declaration::read(tree, &entries, &declaration::ROOT, &mut findings);
    if spec.is_none() {
        findings.error("E069", "", "The storage root has no conformance declaration.");
    }
    let layout = Layout::read(tree, &mut findings);
    let mut hierarchy = Hierarchy { listing: &listing, objects: Vec::new(), findings: &mut findings };
    for entry in &entries {
        match entry.kind {
            Kind::Link => hierarchy.findings.error("E090", &entry.name, "A link must not be used in OCFL."),
            Kind::Special => hierarchy.findings.error("E090", &entry.name, "Only files and folders may be used in OCFL."),
            Kind::Folder if entry.name == "extensions" => extension::judge(&listing, entry, &entry.name, &extension::ROOT, hierarchy.findings),
            Kind::Folder => hierarchy.walk(entry, &entry.name, 1),
            // E087: other files are ignored.
            Kind::File { .. } => {}
        }
    }
    let objects = hierarchy.objects;
    judge_depths(&objects, layout.as_ref(), &mut findings);
    let summary = judge_objects((tree, &objects), spec, layout.as_ref(), options, &mut findings);
    Ok((summary, findings.into_vec()))
}

/// An object root that was found.
struct Found {
    place: String,
    /// What the tree is asked with.
    path: String,
    /// Whether the place is exactly the name on disk.
    exact: bool,
}

/// Looks for object roots (section 4.3).
struct Hierarchy<'a> {
    listing: &'a Listing<'a>,
    objects: Vec<Found>,
    findings: &'a mut Findings,
}

impl Hierarchy<'_> {
    fn walk(&mut self, folder: &Entry, place: &str, depth: usize) {
        if depth >= DEPTH_LIMIT {
            return self.findings.error("ocfl-too-deep", place, "Folders are nested too deeply to be judged.");
        }
        let entries = match self.listing.list(&folder.path) {
            Ok(entries) => entries,
            Err(error) => {
                return self.findings.error("ocfl-unreadable", place, format!("The folder cannot be listed: {error}."));
            }
        };
        if entries.iter().any(|entry| entry.name.starts_with(OBJECT_MARK)) {
            return self.objects.push(Found { place: place.to_owned(), path: folder.path.clone(), exact: folder.exact });
        }
        if entries.is_empty() {
            self.findings.error("E073", place, "There must be no empty folder in a storage root.");
        }
        let mut has_folder = false;
        let mut has_file = false;
        for entry in entries {
            let below = join(place, &entry.name);
            match entry.kind {
                Kind::Folder => {
                    has_folder = true;
                    self.walk(&entry, &below, depth + 1);
                }
                Kind::Link => self.findings.error("E090", below, "A link must not be used in OCFL."),
                Kind::Special => self.findings.error("E090", below, "Only files and folders may be used in OCFL."),
                Kind::File { .. } => {
                    has_file = true;
                    self.findings.error("E072", &below, "The file is not part of an object.");
                    self.findings.error("E084", below, "There must be no file in the folders above objects.");
                }
            }
        }
        if has_file && !has_folder {
            self.findings.error("E085", place, "The hierarchy does not end with an object here.");
        }
    }
}

/// W015: objects lie either all at the top or all in a hierarchy. A declared layout decides this by itself.
fn judge_depths(objects: &[Found], layout: Option<&Layout>, findings: &mut Findings) {
    let top = objects.iter().filter(|object| !object.place.contains('/')).count();
    if layout.is_none() && top > 0 && top < objects.len() {
        findings.warning("W015", "", "Some objects are children of the storage root and some lie in a hierarchy.");
    }
}

fn judge_objects(
    (tree, objects): (&dyn Tree, &[Found]),
    spec: Option<SpecVersion>,
    layout: Option<&Layout>,
    options: &Options,
    findings: &mut Findings,
) -> RootSummary {
    let meter = Meter::new(options);
    let links = LinkRegistry::default();
    let wide = Mutex::new(());
    let part = Findings::new(options.max_findings);
    let total = Mutex::new((part, RootSummary { spec, ..RootSummary::default() }, HashMap::<String, String>::new()));
    spread(objects.len(), options.threads, &|index| {
        let object = &objects[index];
        let context = Context { options, meter: &meter, links: &links, place: &object.place, wide: Some(&wide) };
        let judged = judge(tree, &object.path, &context);
        let mut guard = total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (all, summary, ids) = &mut *guard;
        match judged {
            Ok((one, part)) => {
                all.absorb(&object.place, part);
                judge_place(object, &one, (spec, layout), ids, all);
                summary.content_files += one.content_files;
                summary.content_bytes += one.content_bytes;
            }
            Err(error) => all.error("ocfl-unreadable", &object.place, format!("The object cannot be judged: {error}.")),
        }
        summary.objects += 1;
        drop(guard);
        meter.object_done();
    });
    let (all, summary, _) = total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    findings.absorb("", all);
    summary
}

/// Judges where an object lies and whether its id is its own.
fn judge_place(
    object: &Found,
    summary: &ObjectSummary,
    root: (Option<SpecVersion>, Option<&Layout>),
    ids: &mut HashMap<String, String>,
    findings: &mut Findings,
) {
    let (spec, layout) = root;
    if spec.is_some() && summary.spec > spec {
        findings.error("E081", &object.place, "The object follows a later specification than the storage root.");
    }
    let Some(id) = &summary.id else { return };
    if let Some(other) = ids.insert(id.clone(), object.place.clone()) {
        // Objects end in any order; the smaller path is named so that the finding is always the same.
        let (first, second) = if other < object.place { (&other, &object.place) } else { (&object.place, &other) };
        findings.error("E037", second, format!("The object has the same id as the one at {first}."));
    }
    let Some(layout) = layout else { return };
    match layout.object_path(id) {
        Some(path) if path == object.place && object.exact => {}
        Some(path) => findings.error("E083", &object.place, format!("By the layout, the object {id:?} belongs at {path}.")),
        None => findings.error("E083", &object.place, format!("The layout gives no path for the id {id:?}.")),
    }
}
