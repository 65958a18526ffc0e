//! Locks that end with their process: a kill leaves none behind.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// How often a blocking lock is tried, and how long it waits in between: 30 seconds in all.
const TRIES: u32 = 3000;
const WAIT: Duration = Duration::from_millis(10);

/// Takes the lock on the file at `path`; `None` when another holds it.
pub(super) fn take(path: &Path, blocking: bool) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    for attempt in 0..if blocking { TRIES } else { 1 } {
        if attempt > 0 {
            std::thread::sleep(WAIT);
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
