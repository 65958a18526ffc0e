//! Making a log longer: from a tree and new entries to the files that must be written.
//!
//! Nothing is written here and nothing is signed. Write the files in the order given and make them durable,
//! then sign a checkpoint for the new size and root, then publish it: a crash before that leaves the old tree
//! whole, because no file of it is changed. Files of a crashed attempt are overwritten by the next one.

use crate::Error;
use crate::merkle::{Hash, RootBuilder, leaf_hash};
use crate::source::{TileSource, read_file, read_tile};
use crate::tile::{TILE_HEIGHT, TILE_LEVELS, TILE_WIDTH, TileKind, TilePath, complete_root, decode_bundle_prefix, encode_hashes, push_entry};

/// What an [`Appender`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Number of entries of the longer tree.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// Every file to write, path and bytes, in order: a file comes after those it is made from.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Adds entries to a tree of known size and root.
///
/// Holds the right edge of the tree (at most 8 tiles and one bundle) and the files not yet taken. Opening reads
/// one tile a level and one bundle, whatever the size; adding is linear in the entries.
#[derive(Debug, Clone)]
pub struct Appender {
    old_size: u64,
    size: u64,
    /// Hashes of the partial tile of each level.
    edge: [Vec<Hash>; TILE_LEVELS as usize],
    /// Bytes of the partial bundle.
    bundle: Vec<u8>,
    files: Vec<(String, Vec<u8>)>,
}

impl Appender {
    /// Reads the right edge of a tree and checks that it leads to `root`; of an empty tree nothing is read.
    pub fn open(source: &(impl TileSource + ?Sized), size: u64, root: &Hash) -> Result<Self, Error> {
        let mut appender = Self { old_size: size, size, edge: Default::default(), bundle: Vec::new(), files: Vec::new() };
        for (level, edge) in (0..TILE_LEVELS).zip(&mut appender.edge) {
            if let Some(path) = edge_path(TileKind::Hashes(level), size) {
                *edge = read_tile(source, path)?;
            }
        }
        let found = appender.root();
        if found != *root {
            return Err(Error::RootMismatch { size, expected: *root, found });
        }
        if let Some(path) = edge_path(TileKind::Entries, size) {
            appender.bundle = read_bundle(source, path, &appender.edge[0])?;
        }
        Ok(appender)
    }

    /// Adds one entry and returns its index.
    pub fn append(&mut self, entry: &[u8]) -> Result<u64, Error> {
        if !push_entry(&mut self.bundle, entry) {
            return Err(Error::EntryTooLong { bytes: entry.len() });
        }
        let index = self.size;
        self.size += 1;
        if self.size.is_multiple_of(TILE_WIDTH as u64) {
            let bundle = std::mem::take(&mut self.bundle);
            self.file(TileKind::Entries, bundle);
        }
        self.push_hash(leaf_hash(entry));
        Ok(index)
    }

    /// Returns the number of entries so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the root of the tree so far.
    pub fn root(&self) -> Hash {
        let mut builder = RootBuilder::new();
        for (level, edge) in self.edge.iter().enumerate().rev() {
            for hash in edge {
                builder.push_subtree(level as u8 * TILE_HEIGHT, *hash);
            }
        }
        builder.root()
    }

    /// Gives away the full tiles and bundles made so far, so that a very long batch need not stay in memory.
    ///
    /// They belong to the batch: [`Appender::finish`] gives only the files that follow them.
    pub fn take_full_files(&mut self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.files)
    }

    /// Ends the batch: adds the partial files of the final size. Without new entries there are no files.
    pub fn finish(mut self) -> Appended {
        let changed = |kind, size| {
            let path = edge_path(kind, size);
            path.filter(|_| path != edge_path(kind, self.old_size)).map(|path| path.to_string())
        };
        if let Some(path) = changed(TileKind::Entries, self.size) {
            self.files.push((path, std::mem::take(&mut self.bundle)));
        }
        for (level, edge) in (0..TILE_LEVELS).zip(&self.edge) {
            if let Some(path) = changed(TileKind::Hashes(level), self.size) {
                self.files.push((path, encode_hashes(edge)));
            }
        }
        Appended { size: self.size, root: self.root(), files: self.files }
    }

    /// Adds a leaf hash to the right edge; a tile that is full becomes a file and one hash of the level above.
    fn push_hash(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0..TILE_LEVELS {
            let edge = &mut self.edge[usize::from(level)];
            edge.push(hash);
            if edge.len() < TILE_WIDTH {
                return;
            }
            let full = std::mem::take(edge);
            let Some(root) = complete_root(&full) else {
                return;
            };
            self.file(TileKind::Hashes(level), encode_hashes(&full));
            hash = root;
        }
    }

    /// Keeps the full file that ends exactly at the present size.
    fn file(&mut self, kind: TileKind, bytes: Vec<u8>) {
        let height = match kind {
            TileKind::Hashes(level) => TILE_HEIGHT * (level + 1),
            TileKind::Entries => TILE_HEIGHT,
        };
        let index = self.size.checked_shr(height.into()).unwrap_or(0).saturating_sub(1);
        let path = TilePath { kind, index, width: TILE_WIDTH as u16 };
        self.files.push((path.to_string(), bytes));
    }
}

/// Names the partial file of `kind` at the right edge of a tree; nothing when its last file is full.
fn edge_path(kind: TileKind, size: u64) -> Option<TilePath> {
    let level = match kind {
        TileKind::Hashes(level) => level,
        TileKind::Entries => 0,
    };
    let index = (size >> (level * TILE_HEIGHT)) / TILE_WIDTH as u64;
    TilePath::in_tree(kind, index, size)
}

/// Reads the partial bundle and checks each entry against its leaf hash.
fn read_bundle(source: &(impl TileSource + ?Sized), path: TilePath, leaves: &[Hash]) -> Result<Vec<u8>, Error> {
    let (found, mut bytes) = read_file(source, path)?;
    let corrupt = |message: String| Error::Corrupt { path: found.to_string(), message };
    let (entries, rest) = decode_bundle_prefix(&bytes, path.width.into()).map_err(|error| corrupt(error.to_string()))?;
    if found == path && !rest.is_empty() {
        return Err(corrupt(format!("{} unexpected bytes follow the last entry", rest.len())));
    }
    if let Some(entry) = entries.iter().zip(leaves).position(|(entry, leaf)| leaf_hash(entry) != *leaf) {
        return Err(corrupt(format!("entry {entry} does not have the hash that the tree has for it")));
    }
    let length = bytes.len() - rest.len();
    bytes.truncate(length);
    Ok(bytes)
}
