//! The walk over the tree: every tile against what lies below it, judged by what lies above it.
//!
//! Goes down from the tiles of the right edge to the entries, so that entries are met in order. Where a tile and
//! what lies below it disagree, the hash in the tile above says which of the two is wrong, and the walk goes on
//! with the right one: one damaged file gives one finding, not a trail of them up to the root.

use super::leftover::Leftovers;
use super::{CheckOptions, Report};
use crate::checkpoint::Checkpoint;
use crate::leaf::Leaf;
use crate::merkle::{Hash, RootBuilder, leaf_hash};
use crate::policy::Policy;
use crate::source::TileSource;
use crate::tile::{CHECKPOINT, TILE_HEIGHT, TILE_WIDTH, TileKind, TilePath, complete_root, decode_bundle_prefix, decode_hashes};

/// One audit under way.
pub(super) struct Walk<'a, S: ?Sized> {
    pub(super) source: &'a S,
    pub(super) report: &'a mut Report,
    pub(super) leftovers: Leftovers,
    sago_leaves: bool,
    on_entry: &'a mut dyn FnMut(u64, &[u8]),
    /// Checkpoints seen earlier that the walk has not reached, the largest first.
    known: Vec<(String, Checkpoint)>,
    /// The tree up to here, as far as it is believed; nothing once it cannot be known.
    so_far: Option<RootBuilder>,
}

/// A tile as it is stored and as what lies below it says it must be.
pub(super) struct Seen {
    pub(super) path: TilePath,
    /// Nothing if it is missing or malformed, which is then already a finding.
    pub(super) stored: Option<Vec<Hash>>,
    /// For each hash nothing if it cannot be computed, for which there is then already a finding.
    pub(super) below: Vec<Option<Hash>>,
}

/// Audits everything below a checkpoint that satisfies the policy.
pub(super) fn audit(
    source: &(impl TileSource + ?Sized),
    policy: &Policy,
    options: &CheckOptions,
    checkpoint: &Checkpoint,
    report: &mut Report,
    on_entry: &mut dyn FnMut(u64, &[u8]),
) {
    let known = known_checkpoints(policy, options, checkpoint, report);
    let leftovers = Leftovers::find(source, checkpoint.size, report);
    let mut walk = Walk { source, report, leftovers, sago_leaves: options.sago_leaves, on_entry, known, so_far: Some(RootBuilder::new()) };
    walk.reach_known(&[]);
    let edge = super::edge::walk(&mut walk, checkpoint);
    if let Some(leaves) = edge {
        walk.advance(Some(&leaves), None);
    } else {
        walk.so_far = None;
    }
    if !walk.report.is_full() {
        for (path, known) in std::mem::take(&mut walk.known) {
            let message = format!("damage keeps size {} from being compared", known.size);
            walk.report.error("known-checkpoint-unchecked", path, message);
        }
    }
}

/// Reads the checkpoints that were kept; returns those that the log is long enough for, the largest first.
fn known_checkpoints(policy: &Policy, options: &CheckOptions, checkpoint: &Checkpoint, report: &mut Report) -> Vec<(String, Checkpoint)> {
    let mut known = Vec::new();
    for kept in &options.known {
        match policy.open(&kept.bytes) {
            Err(error) => report.error("known-checkpoint-invalid", &kept.path, error.to_string()),
            Ok(signed) if signed.checkpoint.size > checkpoint.size => {
                let (had, has) = (signed.checkpoint.size, checkpoint.size);
                let message = format!("the log has {has} entries, but {had} were signed in {}", kept.path);
                report.error("log-shorter-than-known", CHECKPOINT, message);
            }
            Ok(signed) => known.push((kept.path.clone(), signed.checkpoint)),
        }
    }
    known.sort_by_key(|(_, checkpoint)| std::cmp::Reverse(checkpoint.size));
    known
}

impl<S: TileSource + ?Sized> Walk<'_, S> {
    /// Reads a tile and everything below it.
    pub(super) fn look(&mut self, path: TilePath) -> Seen {
        let stored = self.read_tile(path);
        let below = match path.kind {
            TileKind::Hashes(level) if level > 0 => {
                let child = |position: usize| TilePath {
                    kind: TileKind::Hashes(level - 1),
                    index: path.index * TILE_WIDTH as u64 + position as u64,
                    width: TILE_WIDTH as u16,
                };
                let hint = |position: usize| stored.as_ref().map(|hashes| hashes[position]);
                (0..path.width.into()).map(|position| self.full(child(position), hint(position))).collect()
            }
            _ => self.read_bundle(TilePath { kind: TileKind::Entries, ..path }),
        };
        Seen { path, stored, below }
    }

    /// Checks a full tile, everything below it, and that both lead to `expected`, the hash in the tile above.
    ///
    /// Returns the hash that is believed, or nothing if it cannot be known from here.
    fn full(&mut self, path: TilePath, expected: Option<Hash>) -> Option<Hash> {
        if self.report.is_full() {
            self.so_far = None;
            return None;
        }
        let seen = self.look(path);
        let stored_root = seen.stored.as_deref().and_then(complete_root);
        let (believed, root) = match (seen.differing().is_empty(), seen.merged()) {
            (true, Some(merged)) => (seen.stored.as_ref().map_or(Some(merged), |stored| Some(stored.clone())), None),
            (true, None) => (None, None),
            (false, _) if stored_root == expected && expected.is_some() => {
                self.blame_below(&seen);
                (seen.stored.clone(), stored_root)
            }
            (false, merged) => {
                let root = merged.as_deref().and_then(complete_root);
                self.blame_tile(&seen);
                if root != expected {
                    self.blame_below(&seen);
                }
                (merged, root)
            }
        };
        let root = root.or_else(|| believed.as_deref().and_then(complete_root));
        self.check_leftovers(&seen.path, believed.as_deref());
        if seen.path.kind == TileKind::Hashes(0) {
            self.advance(believed.as_deref(), expected);
        }
        root
    }

    /// Names the tile as the wrong one of the two.
    pub(super) fn blame_tile(&mut self, seen: &Seen) {
        let differing = seen.differing();
        let message = format!("hash {} is not what lies below it", list(&differing));
        self.report.error("tile-mismatch", seen.path, message);
    }

    /// Names what lies below the tile as the wrong one of the two.
    pub(super) fn blame_below(&mut self, seen: &Seen) {
        let differing = seen.differing();
        let TileKind::Hashes(level @ 1..) = seen.path.kind else {
            let message = format!("entry {} does not have the hash that {} has", list(&differing), seen.path);
            self.report.error("bundle-mismatch", TilePath { kind: TileKind::Entries, ..seen.path }, message);
            return;
        };
        for position in differing {
            let index = seen.path.index * TILE_WIDTH as u64 + position as u64;
            let child = TilePath { kind: TileKind::Hashes(level - 1), index, width: TILE_WIDTH as u16 };
            let message = format!("it and what lies below it lead to another hash than {} has", seen.path);
            self.report.error("tile-mismatch", child, &message);
            if level == 1 {
                // The bundle agrees with its tile, or it would have been named already: both were changed.
                self.report.error("bundle-mismatch", TilePath { kind: TileKind::Entries, ..child }, &message);
            }
        }
    }

    /// Goes past one level 0 tile: `leaves` if they are believed, else the hash that the tile above has for it.
    fn advance(&mut self, leaves: Option<&[Hash]>, expected: Option<Hash>) {
        if let Some(leaves) = leaves {
            self.reach_known(leaves);
        }
        self.so_far = match (self.so_far.take(), leaves, expected) {
            (Some(mut tree), Some(leaves), _) => {
                match complete_root(leaves).filter(|_| leaves.len() == TILE_WIDTH) {
                    Some(root) => tree.push_subtree(TILE_HEIGHT, root),
                    None => leaves.iter().for_each(|leaf| tree.push(*leaf)),
                }
                Some(tree)
            }
            (Some(mut tree), None, Some(expected)) => {
                tree.push_subtree(TILE_HEIGHT, expected);
                Some(tree)
            }
            _ => None,
        };
    }

    /// Compares the checkpoints that were kept of sizes up to the end of `leaves`, which follow the tree so far.
    fn reach_known(&mut self, leaves: &[Hash]) {
        let Some(so_far) = &self.so_far else {
            return;
        };
        let (start, end) = (so_far.size(), so_far.size() + leaves.len() as u64);
        let mut skipped = Vec::new();
        while let Some((path, known)) = self.known.pop_if(|(_, known)| known.size <= end) {
            let Some(leaves) = known.size.checked_sub(start).and_then(|count| leaves.get(..count as usize)) else {
                skipped.push((path, known));
                continue;
            };
            let mut tree = so_far.clone();
            leaves.iter().for_each(|leaf| tree.push(*leaf));
            let root = tree.root();
            if root != known.root {
                let message = format!("at size {} the log has root {root}, but {} was signed", known.size, known.root);
                self.report.error("known-checkpoint-mismatch", path, message);
            }
        }
        for (path, known) in skipped {
            let message = format!("damage keeps size {} from being compared", known.size);
            self.report.error("known-checkpoint-unchecked", path, message);
        }
    }

    /// Reads a tile or bundle; of a partial one that is gone, the full one that took its place.
    fn read_file(&mut self, path: TilePath) -> Option<(TilePath, Vec<u8>)> {
        let before = self.report.findings.len();
        for candidate in [path, path.full()] {
            if let Some(bytes) = self.report.read(self.source, &candidate.to_string()) {
                return Some((candidate, bytes));
            }
        }
        if self.report.findings.len() == before {
            self.report.error("file-missing", path, "a tree of this size must have it");
        }
        None
    }

    fn read_tile(&mut self, path: TilePath) -> Option<Vec<Hash>> {
        let (found, bytes) = self.read_file(path)?;
        let Some(mut hashes) = decode_hashes(&bytes, found.width.into()) else {
            let message = format!("{} bytes instead of {}", bytes.len(), usize::from(found.width) * Hash::LEN);
            self.report.error("tile-malformed", found, message);
            return None;
        };
        hashes.truncate(path.width.into());
        Some(hashes)
    }

    /// Reads a bundle, shows its entries and returns their hashes.
    fn read_bundle(&mut self, path: TilePath) -> Vec<Option<Hash>> {
        let unknown = vec![None; path.width.into()];
        let Some((found, bytes)) = self.read_file(path) else {
            return unknown;
        };
        let (entries, rest) = match decode_bundle_prefix(&bytes, path.width.into()) {
            Ok(parts) => parts,
            Err(error) => {
                self.report.error("bundle-malformed", found, error.to_string());
                return unknown;
            }
        };
        if found == path && !rest.is_empty() {
            let message = format!("{} unexpected bytes follow the last entry", rest.len());
            self.report.error("bundle-trailing-bytes", found, message);
        }
        let start = path.index * TILE_WIDTH as u64;
        let mut first_invalid = None;
        for (index, entry) in (start..).zip(&entries) {
            if self.sago_leaves && first_invalid.is_none() {
                first_invalid = Leaf::parse(entry).err().map(|error| (index, error));
            }
            (self.on_entry)(index, entry);
        }
        if let Some((index, error)) = first_invalid {
            self.report.error("leaf-invalid", found, format!("entry {index} of the log: {error}"));
        }
        self.report.summary.entries += entries.len() as u64;
        entries.into_iter().map(|entry| Some(leaf_hash(entry))).collect()
    }
}

impl Seen {
    /// Returns the positions at which the tile and what lies below it disagree.
    pub(super) fn differing(&self) -> Vec<usize> {
        let Some(stored) = &self.stored else {
            return Vec::new();
        };
        let pairs = stored.iter().zip(&self.below).enumerate();
        pairs.filter(|(_, (stored, below))| below.is_some_and(|below| below != **stored)).map(|(i, _)| i).collect()
    }

    /// Returns the tile that what lies below gives, completed from the stored one where that is unknown.
    pub(super) fn merged(&self) -> Option<Vec<Hash>> {
        let stored = |position: usize| self.stored.as_ref().map(|hashes| hashes[position]);
        self.below.iter().enumerate().map(|(position, below)| below.or_else(|| stored(position))).collect()
    }
}

/// Writes positions for a message: all of a few, else the first and how many.
fn list(positions: &[usize]) -> String {
    match positions {
        [] => "?".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] if rest.len() > 7 => format!("{first} (and {} more)", rest.len()),
        many => many.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    }
}
