//! The inventories in version directories against the one in the object root (OCFL section 3.7).

use std::collections::{BTreeSet, HashMap};

use super::content::ContentFiles;
use super::inventory::{Draft, PathsByDigest};
use super::version::{SpecVersion, VersionNum};
use crate::finding::Findings;

/// Judges the inventory of one version directory that is not the same file as the root's.
pub(crate) fn judge(prior: &Draft, root: &Draft, version: VersionNum, place: &str, files: &ContentFiles, findings: &mut Findings) {
    let declared = root.spec.unwrap_or(SpecVersion::V1_1);
    if prior.head.is_some_and(|head| head != version) {
        findings.error("E040", place, format!("The inventory of {version} says its head is another version."));
    }
    if let (Some(old), Some(new)) = (&prior.id, &root.id)
        && old != new
    {
        findings.error("E037", place, format!("The id {old:?} is not that of the object, {new:?}."));
        if declared >= SpecVersion::V1_1 {
            findings.error("E110", place, format!("The id {old:?} is not that of the object, {new:?}."));
        }
    }
    if prior.content_directory != root.content_directory {
        let message = format!("The content directory is {:?} here and {:?} in the object's inventory.", prior.content_folder(), root.content_folder());
        findings.error("E019", place, message.clone());
        findings.error("E020", place, message);
    }
    if prior.spec.is_some_and(|spec| spec > declared) {
        findings.error("E103", place, "The inventory follows a later specification than the object.");
    }
    for (number, block) in &prior.versions {
        let Some(current) = root.versions.get(number) else {
            findings.error("E066", place, format!("The version {number} is not in the object's inventory."));
            continue;
        };
        if !same_state((prior, &block.state), (root, &current.state)) {
            findings.error("E066", place, format!("The state of {number} is not the one in the object's inventory."));
        }
        if (&block.created, &block.message, &block.user) != (&current.created, &current.message, &current.user) {
            findings.warning("W011", place, format!("The created, message or user of {number} is not the one in the object's inventory."));
        }
    }
    let listed: BTreeSet<&String> = prior.manifest.values().flatten().collect();
    for (path, _) in files.iter().filter(|(path, file)| file.version <= version.number && !listed.contains(path)) {
        findings.error("E023", path, format!("The file is not in the manifest of {place}."));
    }
}

/// Says whether two states give the same content to the same logical paths.
///
/// With one algorithm digests are compared. Where the algorithm changed, two digests mean the same content when they share a content path,
/// whose bytes are held against both elsewhere. Digests missing from a manifest are an error of their own (E050) and not compared.
fn same_state(old: (&Draft, &PathsByDigest), new: (&Draft, &PathsByDigest)) -> bool {
    let same_algorithm = old.0.algorithm == new.0.algorithm;
    if same_algorithm && old.1 == new.1 {
        return true;
    }
    let new_digests = by_path(new.1);
    let old_digests = by_path(old.1);
    old_digests.len() == new_digests.len()
        && old_digests.iter().all(|(path, old_digest)| match new_digests.get(path) {
            None => false,
            Some(new_digest) if same_algorithm => old_digest.eq_ignore_ascii_case(new_digest),
            Some(new_digest) => match (old.0.manifest.get(*old_digest), new.0.manifest.get(*new_digest)) {
                (Some(old_paths), Some(new_paths)) => old_paths.iter().any(|path| new_paths.binary_search(path).is_ok()),
                _ => true,
            },
        })
}

fn by_path(state: &PathsByDigest) -> HashMap<&str, &str> {
    state.iter().flat_map(|(digest, paths)| paths.iter().map(move |path| (path.as_str(), digest.as_str()))).collect()
}
