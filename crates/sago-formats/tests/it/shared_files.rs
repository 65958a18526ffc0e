//! Files that nobody here wrote.

use std::path::{Path, PathBuf};

use sago_formats::{Collected, Limits};

/// A folder of the shared data; fails if it is not there.
pub fn folder(name: &str) -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("SAGO_SHARED_DATA").map_or(beside, PathBuf::from);
    let place = root.join(name);
    assert!(place.is_dir(), "the test data {} is missing: set SAGO_SHARED_DATA to the folder that holds `{name}`", place.display());
    place
}

/// The bytes of a test document.
pub fn document(name: &str) -> Vec<u8> {
    let path = folder("documents").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All test documents with one of these extensions, by name.
pub fn with_extension(extensions: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder("documents"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension.to_ascii_lowercase().as_str())))
        .collect();
    names.sort();
    names
}

/// What a test document holds.
pub fn read(name: &str) -> Collected {
    let read = Collected::of(name, &document(name), &Limits::default()).unwrap();
    // A wrapper of the old Macintosh: what is meant is the file in it.
    match (read.summary.format.as_deref(), read.children.as_slice()) {
        (Some("applesingle"), [(child, bytes)]) => Collected::of(&child.name, bytes, &Limits::default()).unwrap(),
        _ => read,
    }
}
