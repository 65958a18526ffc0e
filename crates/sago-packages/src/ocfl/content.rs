//! Content files against their digests: what is on disk, what inventories promise of it, and one pass over each file for all promises.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use super::inventory::{Draft, PathsByDigest};
use crate::digest::Algorithm;
use crate::finding::{Finding, Findings, Severity};
use crate::tree::{DEPTH_LIMIT, Entry, Kind, Listing, Tree, join};
use crate::work::{Meter, spread};

/// A file below a content directory.
#[derive(Debug)]
pub(crate) struct ContentFile {
    pub size_bytes: u64,
    /// Number of the version it lies in.
    pub version: u32,
}

/// Content files by content path.
pub(crate) type ContentFiles = BTreeMap<String, ContentFile>;

/// Remembers files with several names, so that hard links inside one storage hierarchy are found; links to elsewhere (a snapshot, a backup) are none of OCFL's business.
#[derive(Default)]
pub(crate) struct LinkRegistry(Mutex<HashMap<(u64, u64), String>>);

impl LinkRegistry {
    /// Notes a file; gives the path that already stands for the same bytes on disk.
    pub(crate) fn note(&self, kind: Kind, path: &str) -> Option<String> {
        let Kind::File { shared: Some(inode), .. } = kind else {
            return None;
        };
        let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match seen.get(&inode) {
            Some(first) => Some(first.clone()),
            None => {
                seen.insert(inode, path.to_owned());
                None
            }
        }
    }
}

/// Walks one content directory.
pub(crate) struct Walk<'a> {
    pub listing: &'a Listing<'a>,
    pub files: &'a mut ContentFiles,
    pub findings: &'a mut Findings,
    pub links: &'a LinkRegistry,
    /// Where the object lies, for the link registry.
    pub object: &'a str,
    pub version: u32,
}

impl Walk<'_> {
    /// Takes up every file below `folder`, which lies at `place` in the object.
    pub(crate) fn take(&mut self, folder: &Entry, place: &str, depth: usize) {
        if depth >= DEPTH_LIMIT {
            return self.findings.error("ocfl-too-deep", place, "Folders are nested too deeply to be judged.");
        }
        let entries = match self.listing.list(&folder.path) {
            Ok(entries) => entries,
            Err(error) => {
                return self.findings.error("ocfl-unreadable", place, format!("The folder cannot be listed: {error}."));
            }
        };
        if entries.is_empty() {
            if depth == 0 {
                self.findings.warning("W003", place, "The content directory is empty and should not be there.");
            } else {
                self.findings.error("E024", place, "There must be no empty folder in a content directory.");
            }
        }
        for entry in entries {
            let path = join(place, &entry.name);
            match entry.kind {
                Kind::Folder => self.take(&entry, &path, depth + 1),
                Kind::Link => self.findings.error("E090", path, "A link must not be used in OCFL."),
                Kind::Special => self.findings.error("E090", path, "Only files and folders may be used in OCFL."),
                Kind::File { size_bytes, .. } => {
                    if let Some(first) = self.links.note(entry.kind, &join(self.object, &path)) {
                        self.findings.error("E090", &path, format!("The file is a hard link to {first}."));
                    }
                    if entry.exact {
                        self.files.insert(path, ContentFile { size_bytes, version: self.version });
                    } else {
                        self.findings.error("E023", path, "The name is not UTF-8, so no manifest can list it.");
                    }
                }
            }
        }
    }
}

/// What one inventory says of one file.
#[derive(Debug, PartialEq, Eq)]
struct Promise {
    algorithm: Algorithm,
    /// Lower case.
    digest: String,
    fixity: bool,
    /// Index into [`Promises::sources`].
    source: usize,
}

/// What all inventories of an object say of its files.
#[derive(Default)]
pub(crate) struct Promises {
    by_path: BTreeMap<String, Vec<Promise>>,
    sources: Vec<String>,
}

impl Promises {
    /// Takes up manifest and fixity of an inventory.
    pub(crate) fn add(&mut self, draft: &Draft, source: &str) {
        self.sources.push(source.to_owned());
        if let Some(algorithm) = draft.algorithm {
            self.add_block(&draft.manifest, algorithm, false);
        }
        for (name, block) in &draft.fixity {
            if let Some(algorithm) = Algorithm::from_ocfl(name) {
                self.add_block(block, algorithm, true);
            }
        }
    }

    fn add_block(&mut self, block: &PathsByDigest, algorithm: Algorithm, fixity: bool) {
        let source = self.sources.len() - 1;
        for (digest, paths) in block {
            let digest = digest.to_ascii_lowercase();
            for path in paths {
                let promise = Promise { algorithm, digest: digest.clone(), fixity, source };
                let known = self.by_path.entry(path.clone()).or_default();
                let same = |old: &Promise| (old.algorithm, &old.digest, old.fixity) == (algorithm, &promise.digest, fixity);
                if !known.iter().any(same) {
                    known.push(promise);
                }
            }
        }
    }

    /// Reports promised files that are not there.
    pub(crate) fn report_missing(&self, files: &ContentFiles, findings: &mut Findings) {
        for (path, promises) in self.by_path.iter().filter(|(path, _)| !files.contains_key(*path)) {
            for (fixity, code) in [(false, "E092"), (true, "E093")] {
                if let Some(promise) = promises.iter().find(|promise| promise.fixity == fixity) {
                    findings.error(code, path, format!("The file named in {} is not there.", self.sources[promise.source]));
                }
            }
        }
    }

    /// Reports promises that contradict each other, without reading a file.
    pub(crate) fn report_contradictions(&self, findings: &mut Findings) {
        for (path, promises) in &self.by_path {
            for (index, promise) in promises.iter().enumerate() {
                let other = promises[..index].iter().find(|other| other.algorithm == promise.algorithm && other.digest != promise.digest);
                if let Some(other) = other {
                    let code = if promise.fixity || other.fixity { "E093" } else { "E092" };
                    let (a, b) = (&self.sources[other.source], &self.sources[promise.source]);
                    findings.error(code, path, format!("{a} and {b} give different {} digests.", promise.algorithm));
                }
            }
        }
    }

    /// Reads every promised file of the object at `base` once and reports digests that differ.
    pub(crate) fn check(&self, (tree, base): (&dyn Tree, &str), files: &ContentFiles, threads: usize, meter: &Meter, findings: &mut Findings) {
        let jobs: Vec<_> = self.by_path.iter().filter_map(|(path, promises)| Some((path, promises, files.get(path)?.size_bytes))).collect();
        let found: Mutex<Vec<Finding>> = Mutex::new(Vec::new());
        spread(jobs.len(), threads, &|index| {
            let (path, promises, size_bytes) = jobs[index];
            let wrong = self.check_file((tree, base), (path, promises, size_bytes), meter);
            if !wrong.is_empty() {
                found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(wrong);
            }
        });
        for finding in found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            findings.add(finding);
        }
    }

    fn check_file(&self, (tree, base): (&dyn Tree, &str), (path, promises, size_bytes): (&str, &[Promise], u64), meter: &Meter) -> Vec<Finding> {
        let algorithms: Vec<Algorithm> = promises.iter().map(|promise| promise.algorithm).collect();
        let finding = |code: &str, message: String| Finding { code: code.to_owned(), path: path.to_owned(), message, severity: Severity::Error };
        let digests = match meter.hash_file(tree, &join(base, path), size_bytes, &algorithms) {
            Ok(digests) => digests,
            Err(error) => {
                return vec![finding("ocfl-unreadable", format!("The file cannot be read: {error}."))];
            }
        };
        let mut wrong = Vec::new();
        for promise in promises {
            let actual = digests.get(promise.algorithm).unwrap_or_default();
            if actual != promise.digest {
                let code = if promise.fixity { "E093" } else { "E092" };
                let source = &self.sources[promise.source];
                wrong.push(finding(code, format!("{} is {actual}, {source} says {}.", promise.algorithm, promise.digest)));
            }
        }
        wrong
    }
}
