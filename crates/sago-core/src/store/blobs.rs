//! Sealed files: the OCFL storage root, on a disk or in a bucket.
//!
//! On a disk an object appears whole by one rename; in a bucket its inventory is written last, and an object without one is not there. It never changes. What an object means is the business of [`crate::accession`].

use std::io::Read;
use std::path::Path;

use sago_packages::ocfl::write as ocfl;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::store::shelf::Shelf;
use crate::store::{durable, texts};

/// Files of an object that are sent after all others, in this order: with them it is there.
const ORDER: &[&str] = &["v1/inventory.json", "v1/inventory.json.sha512", "0=ocfl_object_1.1", "inventory.json", "inventory.json.sha512"];

/// Files up to this length are sent several at once. Bytes.
const SMALL: u64 = 1 << 20;

/// Small files held in memory at once while they are sent.
const BATCH: usize = 64;

/// The storage root.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: Shelf,
}

impl Blobs {
    /// Makes an empty storage root.
    pub fn create(root: &Shelf) -> Result<Self> {
        root.write_all(texts::root_files())?;
        Ok(Self { root: root.clone() })
    }

    /// Opens a storage root.
    pub fn open(root: &Shelf) -> Result<Self> {
        if root.length("0=ocfl_1.1")?.is_none() {
            return Err(Error::new(ErrorKind::NotFound, format!("{root} is not an OCFL 1.1 storage root."))
                .hint("Correct `store` under [paths] in sago.toml, or mount the disk that holds it."));
        }
        Ok(Self { root: root.clone() })
    }

    /// Where the root lies.
    pub fn root(&self) -> &Shelf {
        &self.root
    }

    /// The folder of an object, as a path below the root.
    pub fn object(&self, id: Uuid) -> String {
        ocfl::object_path_0003(&urn(id))
    }

    /// Path below the root of a stored file, by the path used in manifests (`o/000001.age`).
    fn content(&self, object: Uuid, content: &str) -> Result<String> {
        // Paths come from sealed manifests, but a path is never followed upwards whoever wrote it.
        if content.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
            return Err(Error::corrupt(format!("A manifest names the impossible path “{content}”.")));
        }
        Ok(format!("{}/v1/content/{content}", self.object(object)))
    }

    /// Opens a stored file.
    pub fn open_content(&self, object: Uuid, content: &str) -> Result<Stored> {
        let path = self.content(object, content)?;
        let (bytes, length) = self.root.open(&path)?.ok_or_else(|| {
            Error::corrupt(format!("Could not open the stored file {}: it is missing from the storage root.", self.root.show(&path)))
                .hint("Put it back from a backup. `sago fixity --all` shows what else is missing.")
        })?;
        Ok(Stored { bytes, length, name: self.root.show(&path) })
    }

    /// The bytes of a small stored file (a manifest, a key check) and where people find it.
    pub fn read_content(&self, object: Uuid, content: &str) -> Result<(Vec<u8>, String)> {
        let path = self.content(object, content)?;
        Ok((self.root.need(&path)?, self.root.show(&path)))
    }

    /// Puts a finished object in place with one rename, durably. Idempotent: an object already in place is left as it is.
    pub fn publish(&self, staged: &Path, id: Uuid) -> Result<()> {
        let object = self.object(id);
        let Some(root) = self.root.folder() else { return self.send(staged, &object) };
        let target = root.join(object);
        if target.exists() && !staged.exists() {
            return Ok(());
        }
        durable::rename_new(staged, &target)
    }

    /// Removes the empty folders on the way to an object that will not be put in its place after all: OCFL knows none (E073).
    pub fn remove_empty_way(&self, id: Uuid) -> Result<()> {
        let Some(root) = self.root.folder() else { return Ok(()) };
        let object = self.object(id);
        for folder in Path::new(&object).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            match std::fs::remove_dir(root.join(folder)) {
                Ok(()) => {}
                // Not there, or something lies in it.
                Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound) => {}
                Err(error) if matches!(error.kind(), std::io::ErrorKind::DirectoryNotEmpty) => return Ok(()),
                Err(error) => return Err(Error::io("Could not remove", &root.join(folder), &error)),
            }
        }
        Ok(())
    }

    /// Sends a finished object to a bucket: contents first, the inventory's sidecar last. Done again after an interruption, from the
    /// beginning; the names are the object's own, so that nothing else is ever overwritten.
    fn send(&self, staged: &Path, object: &str) -> Result<()> {
        if !staged.exists() {
            return Ok(());
        }
        let mut files: Vec<_> = Shelf::from(staged).walk("")?.into_iter().map(|(path, _)| path).collect();
        // A reader takes an object for whole when its root inventory and sidecar are there.
        files.sort_by_key(|path| (ORDER.iter().position(|name| path == name), path.clone()));
        let small = |path: &String| staged.join(path).metadata().map(|found| found.len() <= SMALL).unwrap_or(false);
        let (last, first): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| ORDER.contains(&path.as_str()));
        let (few, many): (Vec<_>, Vec<_>) = first.into_iter().partition(|path| !small(path));
        for batch in many.chunks(BATCH) {
            let read = |path: &String| {
                let from = staged.join(path);
                std::fs::read(&from).doing("Could not read", &from).map(|bytes| (format!("{object}/{path}"), bytes))
            };
            self.root.write_new(batch.iter().map(read).collect::<Result<_>>()?)?;
        }
        for path in few.iter().chain(&last) {
            self.root.upload(&format!("{object}/{path}"), &staged.join(path))?;
        }
        Ok(())
    }

    /// The bytes of an object's inventory, if it is in place.
    pub fn inventory(&self, id: Uuid) -> Result<Option<Vec<u8>>> {
        self.root.read(&format!("{}/inventory.json", self.object(id)))
    }

    /// Copies of an inventory and their sidecars that are not, to the byte, what was written with it.
    pub fn altered_sidecars(&self, id: Uuid, inventory: &[u8]) -> Result<Vec<&'static str>> {
        let sidecar = ocfl::sidecar_text(inventory);
        let mut altered = Vec::new();
        for (name, expected) in
            [("inventory.json.sha512", sidecar.as_bytes()), ("v1/inventory.json", inventory), ("v1/inventory.json.sha512", sidecar.as_bytes())]
        {
            if self.root.read(&format!("{}/{name}", self.object(id)))?.is_none_or(|found| found != expected) {
                altered.push(name);
            }
        }
        Ok(altered)
    }

    /// Ids of all objects in the root, found by walking it.
    pub fn objects(&self) -> Result<Vec<Uuid>> {
        let mut found = Vec::new();
        walk(&self.root, "", 0, &mut found)?;
        found.sort_unstable();
        Ok(found)
    }
}

/// A stored file that is being read.
pub struct Stored {
    bytes: Box<dyn Read + Send>,
    /// Its length in bytes.
    pub length: u64,
    /// Where it lies, for people.
    pub name: String,
}

impl Read for Stored {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.bytes.read(into)
    }
}

/// An id as OCFL writes it.
pub fn urn(id: Uuid) -> String {
    format!("urn:uuid:{id}")
}

fn walk(root: &Shelf, folder: &str, depth: usize, found: &mut Vec<Uuid>) -> Result<()> {
    for child in root.list(folder)? {
        if !child.is_folder || (depth == 0 && child.name == "extensions") {
            continue;
        }
        match child.name.strip_prefix("urn%3auuid%3a").and_then(|id| Uuid::parse_str(id).ok()) {
            Some(id) => found.push(id),
            None if depth < 4 => {
                let below = if folder.is_empty() { child.name } else { format!("{folder}/{}", child.name) };
                walk(root, &below, depth + 1, found)?;
            }
            None => {}
        }
    }
    Ok(())
}
