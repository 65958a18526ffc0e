//! How a package is judged: options, progress, and spreading of file work over threads.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::digest::{Algorithm, Digests};
use crate::lanes::hash_stream;
use crate::tree::Tree;

/// Progress is told at least this often while one large file is read.
const PROGRESS_STEP_BYTES: u64 = 16 * 1024 * 1024;

/// Findings listed by default before the rest is only counted.
pub(crate) const DEFAULT_MAX_FINDINGS: usize = 100_000;

/// What has been done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// OCFL objects judged (storage roots only).
    pub objects: u64,
    /// Files whose digests were checked.
    pub files: u64,
    /// Bytes read for that.
    pub bytes: u64,
}

/// Hears progress; called from several threads.
pub type ProgressFn = Arc<dyn Fn(Progress) + Send + Sync>;

/// How a package is judged.
#[derive(Clone)]
pub struct Options {
    /// Whether the bytes of content are read and compared with their digests. Without, only structure is judged; inventories, sidecars,
    /// manifests and tag files of a bag are read in any case.
    pub content: bool,
    /// Threads that read files; at least one.
    pub threads: usize,
    /// Findings beyond this number are counted, not listed.
    pub max_findings: usize,
    /// Hears progress.
    pub progress: Option<ProgressFn>,
}

impl Default for Options {
    /// Everything is checked, by as many threads as the machine has, at most 16.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(16);
        Self { content: true, threads, max_findings: DEFAULT_MAX_FINDINGS, progress: None }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("content", &self.content)
            .field("threads", &self.threads)
            .field("max_findings", &self.max_findings)
            .finish_non_exhaustive()
    }
}

/// Counts what was done and tells it on.
pub(crate) struct Meter {
    objects: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    hears: Option<ProgressFn>,
}

impl Meter {
    pub(crate) fn new(options: &Options) -> Self {
        Self { objects: AtomicU64::new(0), files: AtomicU64::new(0), bytes: AtomicU64::new(0), hears: options.progress.clone() }
    }

    pub(crate) fn object_done(&self) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    fn tell(&self) {
        if let Some(hears) = &self.hears {
            hears(Progress {
                objects: self.objects.load(Ordering::Relaxed),
                files: self.files.load(Ordering::Relaxed),
                bytes: self.bytes.load(Ordering::Relaxed),
            });
        }
    }

    /// Hashes one file in one pass; `size_bytes` is what the listing said of it.
    pub(crate) fn hash_file(&self, tree: &dyn Tree, path: &str, size_bytes: u64, algorithms: &[Algorithm]) -> io::Result<Digests> {
        let mut untold = 0_u64;
        let mut file = tree.open(path)?;
        let digests = hash_stream(&mut file, size_bytes, algorithms, &mut |piece| {
            let count = piece.len() as u64;
            self.bytes.fetch_add(count, Ordering::Relaxed);
            untold += count;
            if untold >= PROGRESS_STEP_BYTES {
                untold = 0;
                self.tell();
            }
            Ok(())
        })?;
        self.files.fetch_add(1, Ordering::Relaxed);
        self.tell();
        Ok(digests)
    }
}

/// Runs `work` for every index below `count`, spread over at most `threads` threads; returns when all are done.
pub(crate) fn spread(count: usize, threads: usize, work: &(dyn Fn(usize) + Sync)) {
    let threads = threads.clamp(1, count.max(1));
    if threads == 1 {
        (0..count).for_each(work);
        return;
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    work(index);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_worked_on_exactly_once() {
        for (count, threads) in [(0, 4), (1, 4), (1000, 1), (1000, 7), (3, 99)] {
            let seen: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            spread(count, threads, &|index| {
                seen[index].fetch_add(1, Ordering::Relaxed);
            });
            assert!(seen.iter().all(|times| times.load(Ordering::Relaxed) == 1));
        }
    }
}
