//! A log in a tree, as the auditor of logs reads it.

use std::io::{Error, ErrorKind, Result};

use sago_ledger::source::{MAX_LISTED_FILES, TileSource, is_plain_path};
use sago_ledger::tile::MAX_FILE_BYTES;
use sago_packages::Tree;
use sago_packages::tree::{join, read_limited};

/// A log in a tree.
///
/// As strict as [`FolderSource`](sago_ledger::source::FolderSource): plain names, plain files of at most [`MAX_FILE_BYTES`], no links.
#[derive(Clone, Copy)]
pub struct TreeSource<'a> {
    tree: &'a dyn Tree,
}

impl<'a> TreeSource<'a> {
    /// Reads the log that the tree holds at its root.
    pub fn new(tree: &'a dyn Tree) -> Self {
        Self { tree }
    }
}

impl TileSource for TreeSource<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        if !is_plain_path(path) {
            return Err(Error::new(ErrorKind::InvalidInput, "not a path inside a log"));
        }
        match read_limited(self.tree, path, MAX_FILE_BYTES as u64) {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => Err(Error::new(ErrorKind::InvalidData, "longer than any file of a log can be")),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self) -> Result<Option<Vec<String>>> {
        let listing = self.tree.listing("", &|_| false)?;
        let mut paths = Vec::new();
        let mut folders = vec![(String::new(), String::new())];
        while let Some((folder, shown)) = folders.pop() {
            for entry in listing.list(&folder)? {
                // A name that is not UTF-8 is no file of a log; the lossy text still names it for the auditor.
                let path = join(&shown, &entry.name);
                if entry.is_folder() {
                    folders.push((entry.path, path));
                } else if paths.len() < MAX_LISTED_FILES {
                    paths.push(path);
                } else {
                    let message = format!("there are more than {MAX_LISTED_FILES} files");
                    return Err(Error::new(ErrorKind::FileTooLarge, message));
                }
            }
        }
        paths.sort_unstable();
        Ok(Some(paths))
    }
}
