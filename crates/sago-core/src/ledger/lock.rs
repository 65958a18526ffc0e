//! The lock store: the last signed checkpoint of each log, moved only by compare-and-swap, never part of a backup.
//!
//! Storage is not trusted to say how long the log is; this small folder is. A log that is shorter than its lock was rolled back, and
//! Sago refuses to sign.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::ledger::event::Log;
use crate::store::durable;

/// The lock of one log in one generation, held exclusively among the processes of this machine while it lives.
pub struct Lock {
    path: PathBuf,
    _held: File,
}

fn path(folder: &Path, log: Log, generation: u64) -> PathBuf {
    folder.join(format!("{}-{generation}", log.name()))
}

/// Reads the last signed checkpoint without holding the lock. `None` when there is none.
pub fn read(folder: &Path, log: Log, generation: u64) -> Result<Option<String>> {
    let path = path(folder, log, generation);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(Error::corrupt(format!("{} does not hold a checkpoint.", path.display()))),
        Err(error) => Err(Error::io("Could not read", &path, &error)),
    }
}

impl Lock {
    /// Waits for the lock of a log.
    pub fn hold(folder: &Path, log: Log, generation: u64) -> Result<Self> {
        durable::create_dir_all(folder)?;
        let held_path = folder.join(format!(".{}-{generation}.held", log.name()));
        let held = File::options().create(true).append(true).open(&held_path).doing("Could not open", &held_path)?;
        rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).map_err(std::io::Error::from).doing("Could not lock", &held_path)?;
        Ok(Self { path: path(folder, log, generation), _held: held })
    }

    /// The last signed checkpoint.
    pub fn current(&self) -> Result<Option<String>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("Could not read", &self.path, &error)),
        }
    }

    /// Replaces `expected` by `next`, durably; fails when something else stands there.
    pub fn swap(&self, expected: Option<&str>, next: &str) -> Result<()> {
        if self.current()?.as_deref() != expected {
            return Err(Error::new(ErrorKind::Conflict, "The log's lock moved while a checkpoint was being signed; nothing was signed."));
        }
        durable::write(&self.path, next.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_moves_only_from_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::hold(folder.path(), Log::Custody, 1).unwrap();
        lock.swap(None, "one").unwrap();
        assert!(lock.swap(None, "two").is_err());
        lock.swap(Some("one"), "two").unwrap();
        assert_eq!(read(folder.path(), Log::Custody, 1).unwrap().as_deref(), Some("two"));
        assert_eq!(read(folder.path(), Log::Custody, 2).unwrap(), None);
    }
}
