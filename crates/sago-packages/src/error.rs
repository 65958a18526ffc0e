//! What keeps us from working at all; broken packages are [`Finding`](crate::Finding)s instead.

use std::io;
use std::path::{Path, PathBuf};

use crate::tree::Tree;

/// Why a package could not be judged, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The stream given by the caller failed while it was read.
    #[error("the source of {path} could not be read: {source}")]
    Source {
        /// The path in the package that the stream was meant for.
        path: String,
        /// What the stream said.
        source: io::Error,
    },
    /// We were asked to write something the standard, or safety, forbids.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// Gives a closure for `map_err` that remembers what was touched.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    }

    /// The same for a path in a tree.
    pub(crate) fn at_tree(tree: &dyn Tree, path: &str) -> impl FnOnce(io::Error) -> Error {
        let path = tree.place(path);
        move |source| Error::Io { path, source }
    }
}
