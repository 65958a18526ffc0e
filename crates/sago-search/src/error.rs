//! What can go wrong.

use std::io;
use std::ops::Range;

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenReadError};

use crate::sealed::Damage;

/// Why the index did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The query cannot be understood; nothing was searched.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// The index is sealed with another key.
    #[error("the index is sealed with another key: {0}")]
    WrongKey(String),
    /// The index is damaged, was altered or rolled back. It holds nothing that cannot be rebuilt.
    #[error("the index is damaged and must be rebuilt: {0}")]
    Damaged(String),
    /// Another process or task is writing.
    #[error("another writer has the index open")]
    Busy,
    /// There is no index here, or there is one already.
    #[error("{0}")]
    Place(String),
    /// The file system refused.
    #[error("index folder: {0}")]
    Io(#[from] io::Error),
    /// A fault of ours.
    #[error("index: {0}")]
    Internal(String),
}

/// Why a query was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {})", .characters.start + 1)]
pub struct QueryError {
    /// Which characters of the query are meant, from 0.
    pub characters: Range<usize>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl SearchError {
    fn from_io(error: &io::Error) -> Self {
        match Damage::of(error) {
            Some(damage @ Damage::WrongKey { .. }) => SearchError::WrongKey(damage.to_string()),
            Some(damage) => SearchError::Damaged(damage.to_string()),
            None => SearchError::Io(io::Error::new(error.kind(), error.to_string())),
        }
    }

    /// Sorts an I/O error of the sealed folder.
    pub(crate) fn folder(error: io::Error) -> Self {
        Self::from_io(&error)
    }
}

impl From<TantivyError> for SearchError {
    fn from(error: TantivyError) -> Self {
        match &error {
            TantivyError::IoError(io) | TantivyError::OpenReadError(OpenReadError::IoError { io_error: io, .. }) => Self::from_io(io),
            TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(path)) => {
                SearchError::Damaged(format!("{}: in use by the index, and missing", path.display()))
            }
            TantivyError::LockFailure(LockError::LockBusy, _) => SearchError::Busy,
            TantivyError::LockFailure(LockError::IoError(io), _) => Self::from_io(io),
            TantivyError::DataCorruption(what) => SearchError::Damaged(format!("{what:?}")),
            TantivyError::IncompatibleIndex(what) => SearchError::Damaged(format!("written by another version: {what:?}")),
            _ => SearchError::Internal(error.to_string()),
        }
    }
}
