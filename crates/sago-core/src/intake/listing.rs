//! The names in one folder, sorted, in bounded memory.
//!
//! Listing only: what the names stand for is [`super::walk`]'s matter.

use std::os::fd::OwnedFd;

use rustix::fs::{RawDir, SeekFrom};
use rustix::io::Errno;

/// One piece of a listing, in bytes: holds the longest name of any file system many times over.
const LISTING_BYTES: usize = 64 * 1024;

/// The names of one folder, or of a part of it, in byte order; kept end to end, since there may be a million.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: Vec<u8>,
    spans: Vec<(u32, u16)>,
    next: usize,
    /// The last name that was taken, when there are more names after it than were kept.
    pub(super) last: Vec<u8>,
    pub(super) more: bool,
}

impl Names {
    pub(super) fn one(own_name: &[u8]) -> Self {
        let mut names = Self::default();
        names.add(own_name);
        names
    }

    /// The first `limit` names that come after `after`; a listing that breaks off still gives what it found.
    pub(super) fn list(folder: &OwnedFd, after: Option<&[u8]>, limit: usize) -> (Self, Option<Errno>) {
        let mut names = Self::default();
        let mut failure = None;
        if after.is_some()
            && let Err(errno) = rustix::fs::seek(folder, SeekFrom::Start(0))
        {
            return (names, Some(errno));
        }
        // rustix's `Dir` begins with a buffer in which a name of 255 hangul on exFAT or NTFS (765 bytes) has no room.
        let mut buffer = Vec::with_capacity(LISTING_BYTES);
        let mut listing = RawDir::new(folder, buffer.spare_capacity_mut());
        while let Some(entry) = listing.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(Errno::INTR) => continue,
                // The folder was removed while it was open: it holds nothing any more.
                Err(Errno::NOENT) => break,
                Err(errno) => {
                    failure = Some(errno);
                    break;
                }
            };
            let own_name = entry.file_name().to_bytes();
            if own_name == b"." || own_name == b".." || after.is_some_and(|after| own_name <= after) {
                continue;
            }
            names.add(own_name);
            if names.spans.len() >= limit.saturating_mul(2) {
                names.keep_first(limit);
            }
        }
        names.keep_first(limit);
        (names, failure)
    }

    fn add(&mut self, own_name: &[u8]) {
        if let (Ok(start), Ok(length)) = (u32::try_from(self.text.len()), u16::try_from(own_name.len())) {
            self.text.extend_from_slice(own_name);
            self.spans.push((start, length));
        }
    }

    /// Sorts, and keeps only the first `limit` names.
    fn keep_first(&mut self, limit: usize) {
        let text = std::mem::take(&mut self.text);
        let mut spans = std::mem::take(&mut self.spans);
        let bytes = |&(start, length): &(u32, u16)| &text[start as usize..start as usize + usize::from(length)];
        spans.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
        // A folder that changes while it is listed may show a name twice.
        spans.dedup_by(|a, b| bytes(a) == bytes(b));
        if spans.len() <= limit {
            self.text = text;
            self.spans = spans;
            return;
        }
        self.more = true;
        for span in &spans[..limit] {
            self.add(bytes(span));
        }
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.next >= self.spans.len()
    }

    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let &(start, length) = self.spans.get(self.next)?;
        self.next += 1;
        let own_name = self.text[start as usize..start as usize + usize::from(length)].to_vec();
        if self.more && self.is_exhausted() {
            self.last.clone_from(&own_name);
        }
        Some(own_name)
    }
}
