//! A copy of an export, receipt or log that an attacker may do anything to.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::build::{World, copy, list, sha256, sha512, write};

/// What is attacked, and the honest keys in the stranger's hand.
pub struct Stage {
    pub world: World,
    pub root: PathBuf,
    pub keys: Vec<PathBuf>,
    folder: TempDir,
}

impl Stage {
    fn new(name: &str, build: impl FnOnce(&World, &Path)) -> Self {
        let world = World::new();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join(name);
        build(&world, &root);
        let keys = [("custody", &world.custody), ("access", &world.access)].map(|(name, log)| {
            let path = folder.path().join(format!("from-elsewhere/{name}.vkey"));
            write(&path, log.vkey());
            path
        });
        Self { world, root, keys: keys.to_vec(), folder }
    }

    pub fn export() -> Self {
        Self::new("export", |world, root| world.write_export(root, &[]))
    }

    pub fn stamped_export(stamps: &[(String, Vec<u8>)]) -> Self {
        Self::new("export", |world, root| world.write_export(root, stamps))
    }

    pub fn receipt() -> Self {
        Self::new("receipt", World::write_receipt)
    }

    pub fn generation() -> Self {
        Self::new("1", World::write_generation)
    }

    pub fn keys(&self) -> Vec<&Path> {
        self.keys.iter().map(PathBuf::as_path).collect()
    }

    /// A second copy beside the first.
    pub fn twin(&self, name: &str) -> PathBuf {
        let twin = self.folder.path().join(name);
        copy(&self.root, &twin);
        twin
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.root.join(path)).unwrap()
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path)).unwrap()
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        write(&self.root.join(path), bytes);
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).unwrap();
    }

    /// Replaces text in a file, which must be there.
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert!(text.contains(from), "{path} does not hold {from}");
        self.write(path, text.replace(from, to));
    }

    /// Makes the bag whole again, as an attacker would.
    pub fn fix_bag(&self) {
        fix_bag(&self.root);
    }
}

/// Writes all manifests of a bag anew.
pub fn fix_bag(root: &Path) {
    let read = |path: &str| fs::read(root.join(path)).unwrap();
    for (payload, prefix) in [(true, ""), (false, "tag")] {
        let files: Vec<String> = list(root).into_iter().filter(|path| path.starts_with("data/") == payload && !path.starts_with("tagmanifest-")).collect();
        if payload {
            let bytes: usize = files.iter().map(|path| read(path).len()).sum();
            let info = String::from_utf8(read("bag-info.txt")).unwrap();
            let kept: Vec<&str> = info.lines().filter(|line| !line.starts_with("Payload-Oxum")).collect();
            let info = format!("{}\nPayload-Oxum: {bytes}.{}\n", kept.join("\n"), files.len());
            write(&root.join("bag-info.txt"), info);
        }
        for (name, digest) in [("sha256", sha256 as fn(&[u8]) -> String), ("sha512", sha512)] {
            let mut text = String::new();
            for path in &files {
                writeln!(text, "{}  {path}", digest(&read(path))).unwrap();
            }
            write(&root.join(format!("{prefix}manifest-{name}.txt")), text);
        }
    }
}
