//! A source that a person gave: where it lies, how its items' paths begin, and whether another source holds it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::disk::folder_unreadable;
use super::{Finding, code, name};

/// A source given by a person.
#[derive(Debug)]
pub(super) struct Source {
    /// The folder around it and its own name there; or why it was not found.
    pub(super) place: Result<(PathBuf, Vec<u8>), Errno>,
    pub(super) given: Vec<u8>,
    /// The last part of its path: how its items' paths begin.
    pub(super) name: Vec<u8>,
    /// The source that lies around it (or is the same), where there is one.
    pub(super) inside: Option<usize>,
    /// The walk of another source already came past it.
    pub(super) met: bool,
}

impl Source {
    /// Finds the folder around a source and its own name, without following a link at its end.
    pub(super) fn find(path: &Path) -> Self {
        let given = path.as_os_str().as_bytes().to_vec();
        let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        let place = match (path.file_name(), path.parent()) {
            (Some(own_name), Some(parent)) => {
                let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                parent.canonicalize().map(|parent| (parent, own_name.as_bytes().to_vec()))
            }
            // "." and ".." have no name of their own: they are named as the folder they are.
            _ => path.canonicalize().map(|full| match (full.parent(), full.file_name()) {
                (Some(parent), Some(own_name)) => (parent.to_owned(), own_name.as_bytes().to_vec()),
                _ => (full, b".".to_vec()),
            }),
        };
        let name = match &place {
            Ok((_, own_name)) if own_name != b"." => own_name.clone(),
            Ok(_) => b"/".to_vec(),
            Err(_) => given.clone(),
        };
        Self { place: place.map_err(errno), given, name, inside: None, met: false }
    }

    pub(super) fn full(&self) -> Option<PathBuf> {
        self.place.as_ref().ok().map(|(parent, own_name)| match own_name.as_slice() {
            b"." => parent.clone(),
            own_name => parent.join(OsStr::from_bytes(own_name)),
        })
    }

    /// Whether this source is `other` or lies inside it.
    pub(super) fn lies_in(&self, other: &Self) -> bool {
        match (self.full(), other.full()) {
            (Some(inner), Some(outer)) => inner.starts_with(outer),
            _ => false,
        }
    }

    pub(super) fn not_found(&self, errno: Errno) -> Finding {
        let given = name::readable(&self.given).text;
        if matches!(errno, Errno::NOENT | Errno::NOTDIR) {
            let message = format!(
                "Nothing was found at “{given}”. Check the path and that the disk is mounted, then deposit it \
                again."
            );
            return Finding::not_taken(&code::SOURCE_NOT_FOUND, self.name.clone(), message);
        }
        folder_unreadable(&self.name, errno, false)
    }
}
