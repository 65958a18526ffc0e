//! Taking a bag apart: what lies on disk, what its manifests promise, its metadata; and every finding that needs no digest.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::declaration::{self, BagVersion, Declaration};
use super::info;
use super::manifest::{self, ManifestName};
use super::path;
use crate::digest::Algorithm;
use crate::error::Error;
use crate::finding::{Finding, Findings};
use crate::folder::{DEPTH_LIMIT, Entry, Kind, join, list, read_limited};
use crate::name::{is_system_file, nfc_key, portability_fault, twin_key};

/// Largest manifest or other tag file whose text is read.
const TAG_FILE_LIMIT_BYTES: u64 = 1 << 30;

/// A file of a bag: on disk, or only promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BagFile {
    /// Relative to the bag, `/` between elements: as on disk when it is there, else as listed, decoded.
    pub path: String,
    /// Size on disk; `None` when it is not there.
    pub size_bytes: Option<u64>,
    /// What manifests promise, one per algorithm; hexadecimal, lower case.
    pub digests: Vec<(Algorithm, String)>,
    /// Where `fetch.txt` says it may be had. Never fetched by us.
    pub fetch_url: Option<String>,
}

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
    let mut findings = Findings::new(usize::MAX);
    let bag = read_into(dir, &mut findings)?;
    Ok((bag, findings.into_vec()))
}

pub(crate) fn read_into(dir: &Path, findings: &mut Findings) -> Result<Bag, Error> {
    let mut payload = Vec::new();
    let mut tags = Vec::new();
    let mut has_payload_folder = false;
    for entry in list(dir).map_err(Error::at(dir))? {
        let is_payload = entry.name == "data" && entry.is_folder();
        has_payload_folder |= is_payload;
        let files = if is_payload { &mut payload } else { &mut tags };
        let name = entry.name.clone();
        take_up(&entry, &name, 0, files, findings);
    }
    if !has_payload_folder {
        findings.error("bag-payload-folder-missing", "data", "The bag has no folder 'data'.");
    }
    judge_names(&payload, findings);
    let declaration = read_declaration(dir, &tags, findings);
    let mut reader = Reader { dir, declaration, payload: Listing::new(payload), tags: Listing::new(tags), algorithms: Vec::new(), findings };
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

/// Takes up the files at and below an entry.
fn take_up(entry: &Entry, place: &str, depth: usize, files: &mut Vec<BagFile>, findings: &mut Findings) {
    match entry.kind {
        Kind::Link => findings.error("bag-link", place, "A bag must not hold links; this one is not followed."),
        Kind::Special => findings.error("bag-special-file", place, "A bag holds files and folders, no devices, pipes or sockets."),
        _ if !entry.exact => findings.error("bag-name-not-utf8", place, "The name is not UTF-8, so no manifest can list it."),
        Kind::File { size_bytes, .. } => {
            files.push(BagFile { path: place.to_owned(), size_bytes: Some(size_bytes), digests: Vec::new(), fetch_url: None });
        }
        Kind::Folder if depth >= DEPTH_LIMIT => findings.error("bag-too-deep", place, "Folders are nested too deeply to be judged."),
        Kind::Folder => match list(&entry.path) {
            Err(error) => findings.error("bag-unreadable", place, format!("The folder cannot be listed: {error}.")),
            Ok(entries) => {
                if entries.is_empty() && depth > 0 {
                    findings.info("bag-folder-empty", place, "The folder is empty; manifests cannot list it.");
                }
                for below in entries {
                    let place = join(place, &below.name);
                    take_up(&below, &place, depth + 1, files, findings);
                }
            }
        },
    }
}

fn judge_names(payload: &[BagFile], findings: &mut Findings) {
    for file in payload {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if is_system_file(name) {
            findings.warning("bag-system-file", &file.path, "Systems make files of this name by themselves and tools remove them.");
        } else if let Some(fault) = file.path.split('/').find_map(portability_fault) {
            findings.warning("bag-name-not-portable", &file.path, format!("The path is not portable: {fault}."));
        }
    }
}

fn read_declaration(dir: &Path, tags: &[BagFile], findings: &mut Findings) -> Declaration {
    if !tags.iter().any(|file| file.path == "bagit.txt") {
        findings.error("bag-declaration-missing", "bagit.txt", "The bag has no declaration.");
        return Declaration::missing();
    }
    match read_limited(&dir.join("bagit.txt"), 64 * 1024) {
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

/// Files with the ways to find them by path.
struct Listing {
    files: Vec<BagFile>,
    exact: HashMap<String, usize>,
    /// Twin keys of files on disk, sorted.
    twins: Vec<(String, usize)>,
}

/// How a listed path was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Exact,
    /// The text as it stands names the file, though RFC 8493 would have it encoded.
    NotEncoded,
    /// The file on disk has the same name in another Unicode form.
    Normalization,
    /// The file on disk has the same name but for case.
    Case,
    Absent,
}

impl Listing {
    fn new(files: Vec<BagFile>) -> Self {
        let exact = files.iter().enumerate().map(|(index, file)| (file.path.clone(), index)).collect();
        let mut twins: Vec<(String, usize)> = files.iter().enumerate().map(|(index, file)| (twin_key(&file.path), index)).collect();
        twins.sort_unstable();
        Self { files, exact, twins }
    }

    /// Finds the file a manifest means; one that is not there gets an entry without size.
    fn resolve(&mut self, listed: &str, strict: bool) -> (usize, Match) {
        let decoded = path::decode(listed);
        // Before RFC 8493 a '%' in a path mostly stood for itself.
        let candidates = if strict { [decoded.as_str(), listed] } else { [listed, decoded.as_str()] };
        for candidate in candidates {
            if let Some(index) = self.exact.get(candidate) {
                let plain = strict && ((candidate == listed && decoded != listed) || !path::is_encoded(listed));
                let found = self.files[*index].size_bytes.is_some();
                return (*index, if !found { Match::Absent } else if plain { Match::NotEncoded } else { Match::Exact });
            }
        }
        if let Some((index, how)) = self.resolve_twin(candidates[0], strict) {
            return (index, how);
        }
        let index = self.files.len();
        self.files.push(BagFile { path: candidates[0].to_owned(), size_bytes: None, digests: Vec::new(), fetch_url: None });
        self.exact.insert(candidates[0].to_owned(), index);
        (index, Match::Absent)
    }

    fn resolve_twin(&self, path: &str, strict: bool) -> Option<(usize, Match)> {
        let key = twin_key(path);
        let nfc = nfc_key(path);
        let start = self.twins.partition_point(|(known, _)| *known < key);
        let alike = || self.twins[start..].iter().take_while(|(known, _)| *known == key).map(|(_, index)| *index);
        if let Some(index) = alike().find(|index| nfc_key(&self.files[*index].path) == nfc) {
            return Some((index, Match::Normalization));
        }
        // RFC 8493 has no room for a file under another name; the drafts' own suite asks only for a warning.
        if strict { None } else { alike().next().map(|index| (index, Match::Case)) }
    }
}

struct Reader<'a> {
    dir: &'a Path,
    declaration: Declaration,
    payload: Listing,
    tags: Listing,
    algorithms: Vec<Algorithm>,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    /// An error by RFC 8493, a warning by the drafts before it.
    fn strict_error(&mut self, code: &str, place: &str, message: impl Into<String>) {
        if self.declaration.is_strict() {
            self.findings.error(code, place, message);
        } else {
            self.findings.warning(code, place, message);
        }
    }

    fn judge_twins(&mut self) {
        for pair in self.payload.twins.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let (first, second) = (&self.payload.files[pair[0].1].path, &self.payload.files[pair[1].1].path);
            let (code, how) = if nfc_key(first) == nfc_key(second) {
                ("bag-path-normalization-twin", "Unicode form")
            } else {
                ("bag-path-case-twin", "case")
            };
            self.findings.warning(code, second, format!("The path differs from {first:?} only in {how}."));
        }
    }

    /// Lists the manifests of one kind, by name.
    fn manifests(&self, is_tag: bool) -> Vec<(String, ManifestName)> {
        let names = self.tags.files.iter().filter(|file| file.size_bytes.is_some());
        names.filter_map(|file| Some((file.path.clone(), ManifestName::parse(&file.path)?))).filter(|(_, name)| name.is_tag == is_tag).collect()
    }

    fn read_text(&mut self, name: &str) -> Option<String> {
        let bytes = match read_limited(&self.dir.join(name), TAG_FILE_LIMIT_BYTES) {
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
            let Some(algorithm) = self.known_algorithm(&place, &name) else { continue };
            if self.algorithms.contains(&algorithm) {
                self.findings.error("bag-manifest-repeated", &place, format!("There is another manifest of {algorithm}."));
            } else {
                self.algorithms.push(algorithm);
            }
            let Some(text) = self.read_text(&place) else { continue };
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

    fn known_algorithm(&mut self, place: &str, name: &ManifestName) -> Option<Algorithm> {
        if name.algorithm.is_none() {
            self.findings.warning("bag-algorithm-unknown", place, format!("The algorithm {:?} is not one we know; this manifest is not checked.", name.algorithm_name));
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

    fn report_match(&mut self, how: Match, listed: &str, on_disk: &str, place: &str) {
        let (code, message) = match how {
            Match::Exact | Match::Absent => return,
            Match::NotEncoded => ("bag-path-not-encoded", "A '%' in this path should be written as %25."),
            Match::Normalization => ("bag-path-normalization-twin", "The file on disk has this name in another Unicode form."),
            Match::Case => ("bag-path-case-twin", "The file on disk has this name in another case."),
        };
        self.findings.warning(code, on_disk, format!("{message} Listed in {place} as {listed:?}."));
    }

    /// Notes what a manifest promises of a file.
    fn note(&mut self, is_tag: bool, index: usize, promise: (Algorithm, &str), twice: bool, place: &str) {
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
        let Some(text) = self.read_text("fetch.txt") else { return };
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

    fn read_tag_manifests(&mut self) {
        let manifests = self.manifests(false);
        let on_disk = self.tags.files.len();
        for (place, name) in self.manifests(true) {
            let Some(algorithm) = self.known_algorithm(&place, &name) else { continue };
            let Some(text) = self.read_text(&place) else { continue };
            let mut seen = HashSet::new();
            for line in manifest::parse(&text, &place, algorithm, self.findings) {
                self.take_tag_line(&place, algorithm, &line, &mut seen);
            }
            for (payload_manifest, _) in &manifests {
                let listed = self.tags.exact.get(payload_manifest).is_some_and(|index| seen.contains(index));
                if !listed {
                    self.strict_error("bag-tag-manifest-incomplete", &place, format!("The tag manifest does not list {payload_manifest}."));
                }
            }
        }
        if self.manifests(true).is_empty() {
            self.findings.info("bag-tag-manifest-missing", "", "The bag has no tag manifest: its metadata and manifests are not protected.");
            return;
        }
        let unlisted = |file: &&BagFile| file.digests.is_empty() && ManifestName::parse(&file.path).is_none_or(|name| !name.is_tag);
        for file in self.tags.files[..on_disk].iter().filter(unlisted) {
            self.findings.warning("bag-tag-file-not-in-manifest", &file.path, "The file is in no tag manifest, so changes to it are not noticed.");
        }
    }

    fn take_tag_line(&mut self, place: &str, algorithm: Algorithm, line: &manifest::Line, seen: &mut HashSet<usize>) {
        let path = &line.path;
        if let Err(reason) = path::judge(path) {
            let message = format!("The path {path:?} in line {} is refused: {}.", line.number, reason.reason());
            return self.findings.error("bag-path-unsafe", place, message);
        }
        if path.starts_with("data/") {
            return self.findings.error("bag-tag-manifest-lists-payload", place, format!("The payload file {path:?} is in a tag manifest."));
        }
        if ManifestName::parse(path).is_some_and(|name| name.is_tag) {
            self.strict_error("bag-tag-manifest-lists-itself", place, format!("The tag manifest {path:?} is in a tag manifest."));
        }
        let (index, how) = self.tags.resolve(path, self.declaration.is_strict());
        self.report_match(how, path, &self.tags.files[index].path.clone(), place);
        if how == Match::Absent && seen.insert(index) {
            self.findings.error("bag-tag-file-missing", path, format!("The file is in {place} and not there."));
        } else {
            let twice = !matches!(how, Match::Normalization | Match::Case) && seen.contains(&index) && how != Match::Absent;
            seen.insert(index);
            self.note(true, index, (algorithm, &line.digest), twice, place);
        }
    }

    fn read_info(&mut self) -> Vec<(String, String)> {
        let present = |name: &&str| self.tags.exact.get(*name).is_some_and(|index| self.tags.files[*index].size_bytes.is_some());
        let Some(place) = ["bag-info.txt", "package-info.txt"].into_iter().find(present) else { return Vec::new() };
        let Some(text) = self.read_text(place) else { return Vec::new() };
        let pairs = info::parse(&text, place, &self.declaration, self.findings);
        let sizes = self.payload.files.iter().filter_map(|file| file.size_bytes);
        let payload = sizes.fold((0_u64, 0_u64), |(bytes, files), size| (bytes + size, files + 1));
        info::judge_oxum(&pairs, payload, place, &self.declaration, self.findings);
        pairs
    }
}
