//! Where the files of others lie that the tests read.

use std::path::{Path, PathBuf};

/// A folder of the shared data: `SAGO_SHARED_DATA` says where, else it lies beside the project. Fails when it is absent.
pub fn shared(folder: &str) -> PathBuf {
    let root = std::env::var_os("SAGO_SHARED_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(folder);
    assert!(path.is_dir(), "the test data {} is not there: set SAGO_SHARED_DATA to the folder that holds {folder}", path.display());
    path
}
