//! Writing a BagIt 1.0 bag, file by file, each byte read once and hashed on its way to disk.
//!
//! `bagit.txt` is written last, after everything else is durable: a folder without it is an unfinished bag. A bag is never changed once it is written,
//! and an existing folder is never written into.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::manifest::ManifestName;
use super::path;
use crate::digest::{Algorithm, BUFFER_BYTES, Digests, MultiHasher};
use crate::error::Error;
use crate::lanes::hash_stream;
use crate::name::{portability_fault, twin_key};
use crate::work::spread;

/// The algorithms of manifests we write.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

/// The whole of `bagit.txt`.
const DECLARATION: &[u8] = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// Threads that make files durable at the end; syncing waits for the disk, not for the processor.
const SYNC_THREADS: usize = 8;

/// File systems of which one flush makes everything durable, device cache included: ext2 to ext4, XFS, Btrfs, F2FS, and tmpfs, which has no disk. On
/// others, FAT and those in user space among them, it may end before the device has written (statfs(2) has the numbers).
const FLUSHED_AT_ONCE: [u32; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994];

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenBag {
    /// Number of payload files.
    pub payload_files: u64,
    /// Bytes of payload files.
    pub payload_bytes: u64,
    /// The SHA-256 of each manifest and tag manifest, by file name: enough to tell later whether the bag is the same.
    pub manifests: BTreeMap<String, String>,
}

/// Writes one bag.
///
/// Dropped before [`finish`](Self::finish), it leaves an unfinished folder, which the caller may remove. In memory: path and digests of each file.
#[derive(Debug)]
pub struct BagWriter {
    dir: PathBuf,
    payload: BTreeMap<String, Digests>,
    tags: BTreeMap<String, Digests>,
    /// Twin key to path, for every file and folder.
    taken: HashMap<String, String>,
    folders: std::collections::BTreeSet<PathBuf>,
    /// The bag's folder, open since before its first file: so that a flush tells of every error since.
    held: File,
}

impl BagWriter {
    /// Begins a bag in a folder that must not exist yet; the folder above it must.
    pub fn create(dir: &Path) -> Result<Self, Error> {
        fs::create_dir(dir).map_err(Error::at(dir))?;
        let data = dir.join("data");
        fs::create_dir(&data).map_err(Error::at(&data))?;
        let folders = [dir.to_owned(), data].into_iter().collect();
        let held = File::open(dir).map_err(Error::at(dir))?;
        Ok(Self { dir: dir.to_owned(), payload: BTreeMap::new(), tags: BTreeMap::new(), taken: HashMap::new(), folders, held })
    }

    /// Adds a payload file; `path` is relative to `data`, with `/` between elements.
    ///
    /// Refused: paths that lead out, names that are not portable (use [`safe_name`](crate::safe_name)), and paths that differ from another only in case or
    /// Unicode form. After an error the bag must be given up.
    pub fn add_file(&mut self, path: &str, source: &mut dyn Read) -> Result<Digests, Error> {
        let full = format!("data/{path}");
        self.claim(&full)?;
        let digests = self.store(&full, source)?;
        self.payload.insert(full, digests.clone());
        Ok(digests)
    }

    /// Adds a tag file; `path` is relative to the bag and neither in `data` nor one of the files that [`finish`](Self::finish) writes.
    pub fn add_tag_file(&mut self, path: &str, source: &mut dyn Read) -> Result<Digests, Error> {
        let first = path.split('/').next().unwrap_or_default().to_lowercase();
        let reserved = ["bagit.txt", "bag-info.txt", "fetch.txt", "data"].contains(&first.as_str());
        if reserved || ManifestName::parse(&first).is_some() {
            return Err(Error::Refused(format!("The name {path:?} is reserved in a bag.")));
        }
        self.claim(path)?;
        self.store_tag(path, source)
    }

    /// Writes manifests and metadata, makes everything durable, and last of all the declaration.
    ///
    /// `info` goes to `bag-info.txt` in its order, `Payload-Oxum` is added. Values may have several lines; they are folded. If we crash before the end,
    /// the folder has no `bagit.txt`.
    pub fn finish(mut self, info: &[(&str, &str)]) -> Result<WrittenBag, Error> {
        let payload_files = self.payload.len() as u64;
        let payload_bytes = self.payload.values().map(|digests| digests.size_bytes).sum();
        let text = info_text(info, payload_bytes, payload_files)?;
        self.store_tag("bag-info.txt", &mut text.as_bytes())?;
        let mut manifests = BTreeMap::new();
        for algorithm in ALGORITHMS {
            let name = format!("manifest-{algorithm}.txt");
            let text = manifest_text(&self.payload, algorithm);
            let digests = self.store_tag(&name, &mut text.as_slice())?;
            manifests.insert(name, digests.get(Algorithm::Sha256).unwrap_or_default().to_owned());
        }
        let mut declaration = MultiHasher::new(&ALGORITHMS);
        declaration.update(DECLARATION);
        let mut listed = self.tags.clone();
        listed.insert("bagit.txt".to_owned(), declaration.finish());
        for algorithm in ALGORITHMS {
            let name = format!("tagmanifest-{algorithm}.txt");
            let text = manifest_text(&listed, algorithm);
            let digests = self.store(&name, &mut text.as_slice())?;
            manifests.insert(name.clone(), digests.get(Algorithm::Sha256).unwrap_or_default().to_owned());
            self.tags.insert(name, digests);
        }
        self.sync()?;
        self.store("bagit.txt", &mut &*DECLARATION)?;
        sync_path(&self.dir.join("bagit.txt"))?;
        sync_path(&self.dir)?;
        match self.dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => sync_path(parent)?,
            None => sync_path(Path::new("."))?,
        }
        Ok(WrittenBag { payload_files, payload_bytes, manifests })
    }

    /// Judges a path and keeps its place from twins.
    fn claim(&mut self, path: &str) -> Result<(), Error> {
        if let Some(fault) = path.split('/').find_map(portability_fault) {
            return Err(Error::Refused(format!("The path {path:?} is not portable: {fault}.")));
        }
        let mut end = path.len();
        loop {
            let part = &path[..end];
            let known = self.taken.get(&twin_key(part));
            let conflict = match known {
                // A folder may be used again under exactly its own name, a file never.
                Some(known) => end == path.len() || known != part || self.payload.contains_key(part) || self.tags.contains_key(part),
                None => false,
            };
            if let (true, Some(known)) = (conflict, known) {
                return Err(Error::Refused(format!("The path {path:?} is in the way of {known:?}.")));
            }
            match part.rfind('/') {
                Some(at) => end = at,
                None => break,
            }
        }
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            self.taken.insert(twin_key(&path[..end]), path[..end].to_owned());
        }
        Ok(())
    }

    fn store_tag(&mut self, path: &str, source: &mut dyn Read) -> Result<Digests, Error> {
        let digests = self.store(path, source)?;
        self.tags.insert(path.to_owned(), digests.clone());
        Ok(digests)
    }

    /// Copies a stream to a new file and hashes it on the way.
    fn store(&mut self, path: &str, source: &mut dyn Read) -> Result<Digests, Error> {
        let target = self.dir.join(path);
        let folder = target.parent().unwrap_or(&self.dir);
        if !self.folders.contains(folder) {
            fs::create_dir_all(folder).map_err(Error::at(folder))?;
            let new = folder.ancestors().take_while(|above| *above != self.dir).map(Path::to_owned).collect::<Vec<_>>();
            self.folders.extend(new);
        }
        let mut file = File::create_new(&target).map_err(Error::at(&target))?;
        let mut unwritten = None;
        // Of unknown length: small until it proves long.
        let hashed = hash_stream(source, BUFFER_BYTES as u64, &ALGORITHMS, &mut |piece| {
            file.write_all(piece).map_err(|error| {
                unwritten = Some(error);
                io::Error::other("the file could not be written")
            })
        });
        match (hashed, unwritten) {
            (_, Some(error)) => Err(Error::at(&target)(error)),
            (Err(source), None) => Err(Error::Source { path: path.to_owned(), source }),
            (Ok(digests), None) => Ok(digests),
        }
    }

    /// Makes the whole bag durable.
    ///
    /// By one flush of the file system where that is known to reach the disk (`syncfs`, Linux man-pages 6.9): a bag has two files for every item, and
    /// waiting for each takes minutes. Elsewhere file by file.
    fn sync(&self) -> Result<(), Error> {
        let kind = rustix::fs::fstatfs(&self.held).map_err(io::Error::from).map_err(Error::at(&self.dir))?.f_type;
        if FLUSHED_AT_ONCE.iter().any(|known| i128::from(*known) == i128::from(kind)) {
            return rustix::fs::syncfs(&self.held).map_err(io::Error::from).map_err(Error::at(&self.dir));
        }
        self.sync_each()
    }

    /// Makes all files durable, then all folders, the deepest first.
    fn sync_each(&self) -> Result<(), Error> {
        let files: Vec<PathBuf> = self.payload.keys().chain(self.tags.keys()).map(|path| self.dir.join(path)).collect();
        let failed: Mutex<Option<Error>> = Mutex::new(None);
        spread(files.len(), SYNC_THREADS, &|index| {
            if let Err(error) = sync_path(&files[index]) {
                failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(error);
            }
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            return Err(error);
        }
        self.folders.iter().rev().try_for_each(|folder| sync_path(folder))
    }
}

fn sync_path(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::at(path))
}

fn manifest_text(files: &BTreeMap<String, Digests>, algorithm: Algorithm) -> Vec<u8> {
    let line = |(path, digests): (&String, &Digests)| format!("{}  {}\n", digests.get(algorithm).unwrap_or_default(), path::encode(path));
    files.iter().map(line).collect::<String>().into_bytes()
}

fn info_text(info: &[(&str, &str)], payload_bytes: u64, payload_files: u64) -> Result<String, Error> {
    let mut text = String::new();
    for (label, value) in info {
        let bad_label = label.is_empty() || label.trim() != *label || label.contains(':') || label.chars().any(char::is_control);
        if bad_label || label.eq_ignore_ascii_case("Payload-Oxum") {
            return Err(Error::Refused(format!("{label:?} cannot be a label of bag-info.txt.")));
        }
        // Blank lines cannot be folded: a folded line needs text.
        let lines: Vec<&str> = value.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.iter().any(|line| line.chars().any(|c| c.is_control() && c != '\t')) {
            return Err(Error::Refused(format!("The value of {label:?} holds control characters.")));
        }
        text.push_str(&format!("{label}: {}\n", lines.join("\n  ")));
    }
    text.push_str(&format!("Payload-Oxum: {payload_bytes}.{payload_files}\n"));
    Ok(text)
}
