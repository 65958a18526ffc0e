//! Reading one file as it is, and saying so when it would not hold still.
//!
//! A [`Reader`] gives the bytes of one open file in order; [`Reader::finish`] compares what the disk said before with
//! what it says after. It never waits on a pipe, never follows a link and never invents bytes: after a read error the
//! file is not taken, it is not padded. Holes of sparse files are read through the kernel, which makes the zeroes at
//! memory speed; asking the file system where its holes are has returned wrong answers on real systems (OpenZFS 2023).

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Advice, FileType, OFlags, Stat};
use rustix::io::Errno;

use super::disk::{kind_in_words, modified_micros, open_quietly, size_bytes, unreadable};
use super::{Code, Finding, code};

/// How many bytes beyond its first size a growing file is followed: 1 GiB.
///
/// Some file systems give the size 0 for files that have content, so reading goes on to the end; a file
/// that somebody keeps writing to must not be read for ever.
pub const GROWTH_LIMIT_BYTES: u64 = 1 << 30;

/// An open file of the sender, read from its first byte to its last.
///
/// Read errors are [`io::Error`]s that carry a [`Finding`] (see [`Finding::of_io_error`]).
#[derive(Debug)]
pub struct Reader {
    file: OwnedFd,
    path_bytes: Vec<u8>,
    before: Stat,
    moved_on: Option<String>,
    pub(super) bytes: u64,
    at_end: bool,
    pub(super) growth_limit_bytes: u64,
    unreadable: Option<Finding>,
}

/// What is known when a file has been read.
#[derive(Debug, PartialEq, Eq)]
pub struct ReadOutcome {
    /// How many bytes were given out.
    pub bytes: u64,
    /// Says that the file changed before or during the reading; the bytes given out are kept.
    pub changed: Option<Finding>,
    /// Says that the file could not be read to its end; it must not be taken.
    pub unreadable: Option<Finding>,
}

impl Reader {
    /// Opens `name` in `folder`; `listed` is what the listing said about it: size and time of change.
    pub(super) fn open(folder: impl AsFd, name: &[u8], path_bytes: &[u8], listed: (u64, i64)) -> Result<Self, Finding> {
        let fail = |code: &'static Code, message: String| Err(Finding::not_taken(code, path_bytes.to_vec(), message));
        let file = match open_quietly(folder, name, OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(file) => file,
            Err(Errno::NOENT) => {
                return fail(
                    &code::FILE_VANISHED,
                    "This file was listed and then was no longer there. Nothing \
                of it is kept; make sure that nobody works on the disk and deposit it again."
                        .into(),
                );
            }
            Err(Errno::LOOP) => {
                return fail(
                    &code::LINK_NOT_FOLLOWED,
                    "This file was replaced by a symbolic link after it was \
                listed. Links are not followed and nothing of it is kept."
                        .into(),
                );
            }
            Err(Errno::NXIO) => {
                return fail(
                    &code::SPECIAL_FILE,
                    "This file was replaced by a socket or device after it was \
                listed. Nothing of it is kept."
                        .into(),
                );
            }
            Err(errno) => return Err(unreadable(path_bytes, 0, errno)),
        };
        let before = match rustix::fs::fstat(&file) {
            Ok(stat) => stat,
            Err(errno) => return Err(unreadable(path_bytes, 0, errno)),
        };
        let kind = FileType::from_raw_mode(before.st_mode);
        if kind == FileType::Directory {
            return fail(
                &code::FILE_VANISHED,
                "This file was replaced by a folder after it was listed. \
            Nothing of it is kept; deposit the folder again."
                    .into(),
            );
        }
        if kind != FileType::RegularFile {
            return fail(&code::SPECIAL_FILE, format!("This file was replaced by {} after it was listed. Nothing of it is kept.", kind_in_words(kind)));
        }
        // Non-blocking was for pipes. On a regular file some network file systems would answer "try again".
        let flags = rustix::fs::fcntl_getfl(&file).unwrap_or(OFlags::empty());
        let _ = rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK);
        let _ = rustix::fs::fadvise(&file, 0, None, Advice::Sequential);
        let now = (size_bytes(&before), modified_micros(&before));
        let moved_on = (now != listed).then(|| {
            format!(
                "This file changed after it was listed ({} bytes then, {} bytes when it was read). What \
            it held when it was read is kept.",
                listed.0, now.0
            )
        });
        Ok(Self { file, path_bytes: path_bytes.to_vec(), before, moved_on, bytes: 0, at_end: false, growth_limit_bytes: GROWTH_LIMIT_BYTES, unreadable: None })
    }

    /// Size in bytes when the file was opened; more recent than [`super::walk::Entry::size_bytes`].
    pub fn size_bytes(&self) -> u64 {
        size_bytes(&self.before)
    }

    /// Time of last change when the file was opened, in microseconds since 1970 (UTC).
    pub fn modified_micros(&self) -> i64 {
        modified_micros(&self.before)
    }

    /// Compares the file with what it was when it was opened.
    ///
    /// Call it after the last byte. A change that keeps size and both times (within one tick of the
    /// kernel's clock, or by somebody who sets the clock) cannot be seen.
    pub fn finish(self) -> ReadOutcome {
        let bytes = self.bytes;
        if self.unreadable.is_some() {
            return ReadOutcome { bytes, changed: None, unreadable: self.unreadable };
        }
        let after = match rustix::fs::fstat(&self.file) {
            Ok(after) => after,
            Err(errno) => {
                return ReadOutcome { bytes, changed: None, unreadable: Some(unreadable(&self.path_bytes, bytes, errno)) };
            }
        };
        let changed = self.change(&after);
        ReadOutcome { bytes, changed, unreadable: None }
    }

    /// What changed between opening and `after`, worst first.
    fn change(self, after: &Stat) -> Option<Finding> {
        let (before_bytes, after_bytes) = (size_bytes(&self.before), size_bytes(after));
        let what = if !self.at_end {
            format!("reading stopped after {} bytes, before its end", self.bytes)
        } else if before_bytes != after_bytes || self.bytes != after_bytes {
            format!("it had {before_bytes} bytes at the beginning and {after_bytes} at the end, and {} were read", self.bytes)
        } else if (self.before.st_mtime, self.before.st_mtime_nsec) != (after.st_mtime, after.st_mtime_nsec) {
            "it was written to".to_owned()
        } else if (self.before.st_ctime, self.before.st_ctime_nsec) != (after.st_ctime, after.st_ctime_nsec) {
            "its content, its rights or its name changed, and the disk does not say which".to_owned()
        } else {
            return self.moved_on.map(|message| Finding::note(&code::FILE_CHANGED_BEFORE_READ, self.path_bytes, message));
        };
        let message = format!(
            "This file changed while it was being read: {what}. The {} bytes that were read are kept as they \
            were read; \
             make sure that nobody works on the disk and deposit the file again.",
            self.bytes
        );
        Some(Finding::note(&code::FILE_CHANGED_WHILE_READ, self.path_bytes, message))
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(finding) = &self.unreadable {
            return Err(io::Error::other(finding.clone()));
        }
        let room = self.size_bytes().saturating_add(self.growth_limit_bytes).saturating_sub(self.bytes);
        let wanted = usize::try_from(room).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        loop {
            match rustix::io::pread(&self.file, &mut buffer[..wanted], self.bytes) {
                Ok(0) => {
                    self.at_end = true;
                    return Ok(0);
                }
                Ok(count) => {
                    self.bytes = self.bytes.saturating_add(count as u64);
                    return Ok(count);
                }
                Err(Errno::INTR) => {}
                Err(errno) => {
                    let finding = unreadable(&self.path_bytes, self.bytes, errno);
                    self.unreadable = Some(finding.clone());
                    return Err(io::Error::other(finding));
                }
            }
        }
    }
}
