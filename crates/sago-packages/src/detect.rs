//! Telling what kind of package a folder is, from its marker files alone.

use std::path::Path;

use crate::tree::{DiskTree, Entry, Tree};

/// What a folder seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PackageKind {
    /// An OCFL storage root.
    OcflRoot,
    /// An OCFL object.
    OcflObject,
    /// A BagIt bag.
    Bag,
    /// None of these, or a folder that cannot be listed.
    Unknown,
}

/// Tells what kind of package a folder is; it need not be a valid one.
///
/// A bag whose `bagit.txt` was lost is still taken for one when it has `data` and a payload manifest. Markers that are links do not count.
#[must_use]
pub fn detect(path: &Path) -> PackageKind {
    DiskTree::new(path).list("").map_or(PackageKind::Unknown, |entries| kind_of(&entries))
}

fn kind_of(entries: &[Entry]) -> PackageKind {
    let file = |test: &dyn Fn(&str) -> bool| entries.iter().any(|entry| entry.is_file() && test(&entry.name));
    let folder = |name: &str| entries.iter().any(|entry| entry.is_folder() && entry.name == name);
    if file(&|name| name.starts_with("0=ocfl_object_")) {
        PackageKind::OcflObject
    } else if file(&|name| name.starts_with("0=ocfl_")) {
        PackageKind::OcflRoot
    } else if file(&|name| name == "bagit.txt") || (folder("data") && file(&|name| name.starts_with("manifest-") && name.ends_with(".txt"))) {
        PackageKind::Bag
    } else {
        PackageKind::Unknown
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn markers_decide() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, files: &[&str], folders: &[&str]| {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            files.iter().for_each(|file| fs::write(path.join(file), b"").unwrap());
            folders.iter().for_each(|folder| fs::create_dir(path.join(folder)).unwrap());
            detect(&path)
        };
        assert_eq!(make("a", &["0=ocfl_1.1"], &[]), PackageKind::OcflRoot);
        assert_eq!(make("b", &["0=ocfl_object_1.0"], &["v1"]), PackageKind::OcflObject);
        assert_eq!(make("c", &["bagit.txt"], &[]), PackageKind::Bag);
        assert_eq!(make("d", &["manifest-sha512.txt"], &["data"]), PackageKind::Bag);
        assert_eq!(make("e", &["manifest-sha512.txt"], &[]), PackageKind::Unknown);
        assert_eq!(make("f", &[], &["bagit.txt"]), PackageKind::Unknown);
        assert_eq!(detect(&dir.path().join("absent")), PackageKind::Unknown);
        assert_eq!(detect(&dir.path().join("c/bagit.txt")), PackageKind::Unknown);
    }
}
