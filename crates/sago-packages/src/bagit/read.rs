//! Taking a bag apart: what lies on disk, what its manifests promise, its metadata; and every finding that needs no digest.

use std::collections::HashSet;
use std::path::Path;

use super::declaration::{self, BagVersion, Declaration};
use super::listing::{BagFile, Listing, Match, judge_names, take_up};
use super::manifest::{self, ManifestName};
use super::path;
use crate::digest::Algorithm;
use crate::error::Error;
use crate::finding::{Finding, Findings};
use crate::name::nfc_key;
use crate::tree::{DiskTree, Tree, read_limited};

/// Largest manifest or other tag file whose text is read; enough for more than a million lines.
const TAG_FILE_LIMIT_BYTES: u64 = 256 * 1024 * 1024;

/// A bag, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bag {
    /// The version of BagIt it declares.
    pub version: Option<BagVersion>,
    /// The encoding of its tag files.
    pub encoding: String,
    /// Algorithms of its payload manifests.
    pub algorithms: Vec<Algorithm>,
    /// Payload files, sorted by path: those on disk first, then those only promised.
    pub files: Vec<BagFile>,
    /// Tag files, likewise. Files in other folders than `data` are tag files.
    pub tag_files: Vec<BagFile>,
    /// Metadata in the order of the file; labels may repeat.
    pub info: Vec<(String, String)>,
}

/// Reads a bag without hashing its content.
///
/// Gives what a deposit needs to take the bag in and compare digests while streaming, and every finding about structure, paths, completeness and metadata.
/// `Err` only when `dir` cannot be listed. In memory: one entry per file.
pub fn read(dir: &Path) -> Result<(Bag, Vec<Finding>), Error> {
    let mut findings = Findings::new(crate::work::DEFAULT_MAX_FINDINGS);
    let bag = read_into(&DiskTree::new(dir), &mut findings)?;
    Ok((bag, findings.into_vec()))
}

pub(crate) fn read_into(tree: &dyn Tree, findings: &mut Findings) -> Result<Bag, Error> {
    let mut payload = Vec::new();
    let mut tags = Vec::new();
    let mut has_payload_folder = false;
    for entry in tree.list("").map_err(Error::at_tree(tree, ""))? {
        let is_payload = entry.name == "data" && entry.is_folder();
        has_payload_folder |= is_payload;
        let files = if is_payload { &mut payload } else { &mut tags };
        let name = entry.name.clone();
        take_up(tree, &entry, &name, 0, files, findings);
    }
    if !has_payload_folder {
        findings.error("bag-payload-folder-missing", "data", "The bag has no folder 'data'.");
    }
    judge_names(&payload, findings);
    let declaration = read_declaration(tree, &tags, findings);
    let mut reader = Reader { tree, declaration, payload: Listing::new(payload), tags: Listing::new(tags), algorithms: Vec::new(), findings };
    reader.judge_twins();
    reader.read_payload_manifests();
    reader.read_fetch();
    reader.judge_missing();
    reader.read_tag_manifests();
    let info = reader.read_info();
    Ok(Bag {
        version: reader.declaration.version,
        encoding: reader.declaration.encoding_name,
        algorithms: reader.algorithms,
        files: reader.payload.files,
        tag_files: reader.tags.files,
        info,
    })
}

fn read_declaration(tree: &dyn Tree, tags: &[BagFile], findings: &mut Findings) -> Declaration {
    if !tags.iter().any(|file| file.path == "bagit.txt") {
        findings.error("bag-declaration-missing", "bagit.txt", "The bag has no declaration.");
        return Declaration::missing();
    }
    match read_limited(tree, "bagit.txt", 64 * 1024) {
        Ok(Some(bytes)) => declaration::parse(&bytes, findings),
        Ok(None) => {
            findings.error("bag-declaration-malformed", "bagit.txt", "The declaration is too large.");
            Declaration::missing()
        }
        Err(error) => {
            findings.error("bag-unreadable", "bagit.txt", format!("The file cannot be read: {error}."));
            Declaration::missing()
        }
    }
}

/// A bag while it is read.
pub(crate) struct Reader<'a> {
    pub tree: &'a dyn Tree,
    pub declaration: Declaration,
    pub payload: Listing,
    pub tags: Listing,
    pub algorithms: Vec<Algorithm>,
    pub findings: &'a mut Findings,
}

impl Reader<'_> {
    /// An error by RFC 8493, a warning by the drafts before it.
    pub(crate) fn strict_error(&mut self, code: &str, place: &str, message: impl Into<String>) {
        if self.declaration.is_strict() {
            self.findings.error(code, place, message);
        } else {
            self.findings.warning(code, place, message);
        }
    }

    fn judge_twins(&mut self) {
        for pair in self.payload.twins.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let (first, second) = (&self.payload.files[pair[0].1].path, &self.payload.files[pair[1].1].path);
            let (code, how) = if nfc_key(first) == nfc_key(second) { ("bag-path-normalization-twin", "Unicode form") } else { ("bag-path-case-twin", "case") };
            self.findings.warning(code, second, format!("The path differs from {first:?} only in {how}."));
        }
    }

    /// Lists the manifests of one kind, by name.
    pub(crate) fn manifests(&self, is_tag: bool) -> Vec<(String, ManifestName)> {
        let names = self.tags.files.iter().filter(|file| file.size_bytes.is_some());
        names.filter_map(|file| Some((file.path.clone(), ManifestName::parse(&file.path)?))).filter(|(_, name)| name.is_tag == is_tag).collect()
    }

    pub(crate) fn read_text(&mut self, name: &str) -> Option<String> {
        let bytes = match read_limited(self.tree, name, TAG_FILE_LIMIT_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.findings.error("bag-tag-file-too-large", name, "The tag file is too large to be read.");
                return None;
            }
            Err(error) => {
                self.findings.error("bag-unreadable", name, format!("The file cannot be read: {error}."));
                return None;
            }
        };
        let Some(decoded) = self.declaration.encoding.decode(&bytes) else {
            self.findings.error("bag-tag-file-encoding", name, format!("The file is not {}.", self.declaration.encoding_name));
            return None;
        };
        if decoded.utf8_mark {
            self.findings.warning("bag-tag-file-bom", name, "The file begins with a byte order mark.");
        }
        Some(decoded.text)
    }

    fn read_payload_manifests(&mut self) {
        for (place, name) in self.manifests(false) {
            let Some(algorithm) = self.known_algorithm(&place, &name) else {
                continue;
            };
            if self.algorithms.contains(&algorithm) {
                self.findings.error("bag-manifest-repeated", &place, format!("There is another manifest of {algorithm}."));
            } else {
                self.algorithms.push(algorithm);
            }
            let Some(text) = self.read_text(&place) else {
                continue;
            };
            let mut seen = HashSet::new();
            for line in manifest::parse(&text, &place, algorithm, self.findings) {
                self.take_payload_line(&place, algorithm, &line, &mut seen);
            }
            if self.declaration.is_strict() {
                for (index, file) in self.payload.files.iter().enumerate() {
                    if file.size_bytes.is_some() && !seen.contains(&index) {
                        self.findings.error("bag-file-not-in-manifest", &file.path, format!("The file is not in {place}."));
                    }
                }
            }
        }
        if self.algorithms.is_empty() {
            self.findings.error("bag-manifest-missing", "", "The bag has no payload manifest of an algorithm we know.");
        } else if self.algorithms.iter().all(|algorithm| matches!(algorithm, Algorithm::Md5 | Algorithm::Sha1)) {
            self.findings.info("bag-algorithm-weak", "", "The bag's digests are of algorithms that can be forged.");
        }
        if !self.declaration.is_strict() {
            for file in self.payload.files.iter().filter(|file| file.size_bytes.is_some() && file.digests.is_empty()) {
                self.findings.error("bag-file-not-in-manifest", &file.path, "The file is in no payload manifest.");
            }
        }
    }

    pub(crate) fn known_algorithm(&mut self, place: &str, name: &ManifestName) -> Option<Algorithm> {
        if name.algorithm.is_none() {
            self.findings.warning(
                "bag-algorithm-unknown",
                place,
                format!("The algorithm {:?} is not one we know; this manifest is not checked.", name.algorithm_name),
            );
        } else if name.algorithm.is_some_and(|algorithm| algorithm.name() != name.algorithm_name) {
            self.findings.warning("bag-algorithm-spelling", place, "The algorithm's name should be in lower case, without punctuation.");
        }
        name.algorithm
    }

    fn take_payload_line(&mut self, place: &str, algorithm: Algorithm, line: &manifest::Line, seen: &mut HashSet<usize>) {
        if !self.judge_payload_path(place, line.number, &line.path) {
            return;
        }
        let (index, how) = self.payload.resolve(&line.path, self.declaration.is_strict());
        self.report_match(how, &line.path, &self.payload.files[index].path.clone(), place);
        let twice = !matches!(how, Match::Normalization | Match::Case) && !seen.insert(index);
        seen.insert(index);
        self.note(false, index, (algorithm, &line.digest), twice, place);
    }

    /// Judges a path of a payload manifest or of `fetch.txt`; false when it must not be used.
    fn judge_payload_path(&mut self, place: &str, number: usize, path: &str) -> bool {
        if let Err(reason) = path::judge(path) {
            self.findings.error("bag-path-unsafe", place, format!("The path {path:?} in line {number} is refused: {}.", reason.reason()));
            return false;
        }
        if !path.starts_with("data/") {
            self.findings.error("bag-path-outside-payload", place, format!("The path {path:?} in line {number} is not in 'data'."));
            return false;
        }
        true
    }

    pub(crate) fn report_match(&mut self, how: Match, listed: &str, on_disk: &str, place: &str) {
        let (code, message) = match how {
            Match::Exact | Match::Absent => return,
            Match::NotEncoded => ("bag-path-not-encoded", "A '%' in this path should be written as %25."),
            Match::Normalization => ("bag-path-normalization-twin", "The file on disk has this name in another Unicode form."),
            Match::Case => ("bag-path-case-twin", "The file on disk has this name in another case."),
        };
        self.findings.warning(code, on_disk, format!("{message} Listed in {place} as {listed:?}."));
    }

    /// Notes what a manifest promises of a file.
    pub(crate) fn note(&mut self, is_tag: bool, index: usize, promise: (Algorithm, &str), twice: bool, place: &str) {
        let file = if is_tag { &mut self.tags.files[index] } else { &mut self.payload.files[index] };
        let path = file.path.clone();
        let known = file.digests.iter().find(|(algorithm, _)| *algorithm == promise.0).map(|(_, digest)| digest == promise.1);
        if known.is_none() {
            file.digests.push((promise.0, promise.1.to_owned()));
        }
        if known == Some(false) {
            self.findings.error("bag-path-digest-conflict", path, format!("Different {} digests are promised for this file, the last in {place}.", promise.0));
        } else if twice {
            self.strict_error("bag-path-listed-twice", &path, format!("The file stands twice in {place}."));
        }
    }

    fn read_fetch(&mut self) {
        if !self.tags.exact.contains_key("fetch.txt") {
            return;
        }
        let Some(text) = self.read_text("fetch.txt") else {
            return;
        };
        let mut seen = HashSet::new();
        for line in manifest::parse_fetch(&text, self.findings) {
            if !self.judge_payload_path("fetch.txt", line.number, &line.path) {
                continue;
            }
            let (index, _) = self.payload.resolve(&line.path, self.declaration.is_strict());
            let file = &mut self.payload.files[index];
            let path = file.path.clone();
            file.fetch_url = Some(line.url);
            let (promised, size_bytes) = (file.digests.len(), file.size_bytes);
            if !seen.insert(index) {
                self.findings.warning("bag-fetch-listed-twice", &path, "The file stands twice in fetch.txt.");
            }
            if promised < self.algorithms.len() {
                self.findings.error("bag-fetch-not-in-manifest", &path, "A file to be fetched must be in every payload manifest.");
            }
            if let (Some(expected), Some(actual)) = (line.size_bytes, size_bytes)
                && expected != actual
            {
                self.findings.error("bag-fetch-length", &path, format!("The file has {actual} bytes, fetch.txt says {expected}."));
            }
        }
    }

    /// Reports files that are promised and not there.
    fn judge_missing(&mut self) {
        for file in self.payload.files.iter().filter(|file| file.size_bytes.is_none()) {
            match &file.fetch_url {
                Some(url) => self.findings.error("bag-file-to-fetch", &file.path, format!("The file is not here; fetch.txt says it may be had at {url}.")),
                None => self.findings.error("bag-payload-file-missing", &file.path, "The file is in a manifest and not there."),
            }
        }
    }
}
