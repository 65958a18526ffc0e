//! The one error of the room.
//!
//! Broken input of a sender is a finding, not an error; an `Error` means that Sago could not do the work. Its kind decides the exit code
//! and (later) the HTTP status, its message is for a person, its hints say what to do next.

use std::fmt;
use std::path::Path;

/// What went wrong, in the coarse terms a door needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No such thing for this person (it may exist for others).
    NotFound,
    /// The person has no right to do this.
    Forbidden,
    /// The request cannot be understood or breaks a rule.
    Invalid,
    /// It clashes with what is there (already exists, in use, decided otherwise).
    Conflict,
    /// Something outside is missing or not answering; trying again may help.
    Unavailable,
    /// Stored bytes are not what was recorded. Stops the operation, is never retried.
    Corrupt,
    /// A defect of Sago or of the machine.
    Internal,
}

/// An operation could not be done.
#[derive(Debug, Clone)]
pub struct Error {
    /// Coarse kind.
    pub kind: ErrorKind,
    /// One or two sentences a person understands: what happened, what was kept.
    pub message: String,
    /// What to do next, one act a line.
    pub hints: Vec<String>,
}

/// Result of an operation of the room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error of any kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }

    /// Adds one line on what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The thing does not exist (for this person).
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// The request breaks a rule.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// The request clashes with the present state.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// Stored bytes are not what was recorded.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    /// A defect of Sago or of the machine.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// An input or output error, with what was touched.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::PermissionDenied => ErrorKind::Forbidden,
            Io::AlreadyExists => ErrorKind::Conflict,
            Io::StorageFull | Io::QuotaExceeded | Io::Interrupted | Io::TimedOut | Io::ReadOnlyFilesystem | Io::ConnectionAborted => ErrorKind::Unavailable,
            _ if is_fault_of_disk(error) => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        };
        let made = Self::new(kind, format!("{doing} {}: {error}", path.display()));
        match error.kind() {
            Io::StorageFull | Io::QuotaExceeded => {
                made.hint("The disk is full. Nothing that was receipted is lost. Free some space and run the same command again: it goes on where it stopped.")
            }
            Io::PermissionDenied => made.hint("Run the command as the person who owns the repository's folder, or correct the folder's permissions."),
            Io::ReadOnlyFilesystem | Io::TimedOut => made.hint(FAULT_OF_DISK),
            Io::ConnectionAborted => made.hint("Nothing that was received is lost. When the server answers again, run the same command once more."),
            _ if is_fault_of_disk(error) => made.hint(FAULT_OF_DISK),
            _ => made,
        }
    }
}

/// What to do when a disk says that it could not.
const FAULT_OF_DISK: &str = "The disk, or the way to it, reports a fault. Nothing that was receipted is lost. See what the machine's own log (`dmesg`) says of \
     the disk, then run the same command again: it goes on where it stopped.";

fn is_fault_of_disk(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let Some(explained) = crate::store::postgres::explain(&error) {
            return explained;
        }
        let text = error.to_string();
        // 4874: the memory that the database's processes share could not be enlarged (SQLITE_IOERR_SHMSIZE).
        let full = text.contains("disk is full") || text.contains("No space left") || text.contains("(code: 4874)");
        let damaged = matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
            || ["malformed", "not a database", "disk image", "no such table", "no such column"].iter().any(|sign| text.contains(sign));
        if full {
            Self::new(ErrorKind::Unavailable, "The disk is full: the database could not be written. Nothing that was receipted is lost.")
                .hint("Free some space and run the same command again.")
        } else if text.contains("disk I/O error") {
            Self::new(ErrorKind::Unavailable, format!("The database could not be read or written: {text}."))
                .hint(FAULT_OF_DISK)
                .hint("If the disk is sound and this stays so, the database's file is damaged: `sago rebuild` makes a new one and keeps the old one beside it.")
        } else if damaged {
            Self::corrupt(format!("The database is damaged ({text}). Evidence and log are kept apart from it."))
                .hint("Run `sago rebuild`: it makes a new database from the storage root, the log and the keys, and keeps the old one beside it.")
        } else {
            Self::internal(format!("The database did not do what was asked: {text}"))
        }
    }
}

/// Gives I/O results the doing and the path.
pub trait IoContext<T> {
    /// Turns an I/O error into an [`Error`] that says what was being done to which path.
    fn doing(self, doing: &str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn doing(self, doing: &str, path: &Path) -> Result<T> {
        self.map_err(|error| Error::io(doing, path, &error))
    }
}
