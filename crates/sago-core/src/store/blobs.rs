//! Sealed files: the OCFL storage root on a local disk.
//!
//! An object appears whole by one rename and never changes. What an object means is the business of [`crate::accession`].

use std::fs::File;
use std::path::{Path, PathBuf};

use sago_packages::ocfl::write as ocfl;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::store::{durable, texts};

/// The storage root.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: PathBuf,
}

impl Blobs {
    /// Makes an empty storage root.
    pub fn create(root: &Path) -> Result<Self> {
        let files: Vec<_> = texts::root_files().into_iter().map(|(path, bytes)| (root.join(path), bytes)).collect();
        durable::write_all(&files)?;
        Ok(Self { root: root.to_owned() })
    }

    /// Opens a storage root.
    pub fn open(root: &Path) -> Result<Self> {
        if !root.join("0=ocfl_1.1").is_file() {
            return Err(Error::new(ErrorKind::NotFound, format!("{} is not an OCFL 1.1 storage root.", root.display()))
                .hint("Correct `store` under [paths] in sago.toml, or mount the disk that holds it."));
        }
        Ok(Self { root: root.to_owned() })
    }

    /// The root's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of an object.
    pub fn object(&self, id: Uuid) -> PathBuf {
        self.root.join(ocfl::object_path_0003(&urn(id)))
    }

    /// A stored file, by the path used in manifests (`o/000001.age`).
    pub fn content(&self, object: Uuid, content: &str) -> Result<PathBuf> {
        // Paths come from sealed manifests, but a path is never followed upwards whoever wrote it.
        if content.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
            return Err(Error::corrupt(format!("A manifest names the impossible path “{content}”.")));
        }
        Ok(self.object(object).join("v1/content").join(content))
    }

    /// Opens a stored file.
    pub fn open_content(&self, object: Uuid, content: &str) -> Result<File> {
        let path = self.content(object, content)?;
        File::open(&path).map_err(|error| {
            let made = Error::io("Could not open the stored file", &path, &error);
            if error.kind() == std::io::ErrorKind::NotFound {
                Error::corrupt(made.message)
                    .hint("It is missing from the storage root: put it back from a backup. `sago fixity --all` shows what else is missing.")
            } else {
                made
            }
        })
    }

    /// Puts a finished object in place with one rename, durably. Idempotent: an object already in place is left as it is.
    pub fn publish(&self, staged: &Path, id: Uuid) -> Result<()> {
        let target = self.object(id);
        if target.exists() && !staged.exists() {
            return Ok(());
        }
        durable::rename_new(staged, &target)
    }

    /// The bytes of an object's inventory, if it is in place.
    pub fn inventory(&self, id: Uuid) -> Result<Option<Vec<u8>>> {
        let path = self.object(id).join("inventory.json");
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing("Could not read", &path),
        }
    }

    /// Copies of an inventory and their sidecars that are not, to the byte, what was written with it.
    pub fn altered_sidecars(&self, id: Uuid, inventory: &[u8]) -> Result<Vec<&'static str>> {
        let sidecar = ocfl::sidecar_text(inventory);
        let mut altered = Vec::new();
        for (name, expected) in
            [("inventory.json.sha512", sidecar.as_bytes()), ("v1/inventory.json", inventory), ("v1/inventory.json.sha512", sidecar.as_bytes())]
        {
            let path = self.object(id).join(name);
            match std::fs::read(&path) {
                Ok(found) if found == expected => {}
                Ok(_) => altered.push(name),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => altered.push(name),
                Err(error) => return Err(error).doing("Could not read", &path),
            }
        }
        Ok(altered)
    }

    /// Ids of all objects in the root, found by walking it.
    pub fn objects(&self) -> Result<Vec<Uuid>> {
        let mut found = Vec::new();
        walk(&self.root, 0, &mut found)?;
        found.sort_unstable();
        Ok(found)
    }
}

/// An id as OCFL writes it.
pub fn urn(id: Uuid) -> String {
    format!("urn:uuid:{id}")
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<Uuid>) -> Result<()> {
    for entry in std::fs::read_dir(folder).doing("Could not list", folder)? {
        let path = entry.doing("Could not list", folder)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if !path.is_dir() || (depth == 0 && name == "extensions") {
            continue;
        }
        match name.strip_prefix("urn%3auuid%3a").and_then(|id| Uuid::parse_str(id).ok()) {
            Some(id) => found.push(id),
            None if depth < 4 => walk(&path, depth + 1, found)?,
            None => {}
        }
    }
    Ok(())
}
