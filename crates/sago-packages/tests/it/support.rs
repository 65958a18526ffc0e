//! What the tests of packages share: where the suites are, copies of them, and lists of codes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sago_packages::{Finding, Severity};

/// Gives a folder of the shared test data; fails loudly when it is not there.
pub fn shared(folder: &str) -> PathBuf {
    let root = match std::env::var_os("SAGO_SHARED_DATA") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    let path = root.join(folder);
    assert!(path.is_dir(), "the test data {} is not there: set SAGO_SHARED_DATA to the folder that holds {folder}", path.display());
    path
}

/// Lists what a folder holds, by name; nothing when it is not there, since some suites lack some kinds.
pub fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

pub fn codes(findings: &[Finding], severity: Severity) -> BTreeSet<String> {
    findings.iter().filter(|finding| finding.severity == severity).map(|finding| finding.code.clone()).collect()
}

/// Copies a folder so that it can be changed.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in children(from) {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(&target, fs::read(&path).unwrap()).unwrap();
        }
    }
}

/// Lists all files below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in children(folder) {
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// Unpacks an archive, empty folders included.
pub fn unzip(archive: &Path, to: &Path) {
    let mut archive = zip::ZipArchive::new(fs::File::open(archive).unwrap()).unwrap();
    archive.extract(to).unwrap();
}
