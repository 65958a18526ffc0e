//! Files that the tree of the checkpoint does not need: partial ones of earlier sizes, and strange ones.
//!
//! An earlier checkpoint's partial tiles may stay beside the full ones (C2SP tlog-tiles, "Partial Tiles").
//! While they stay they must be right, for somebody may read them.

use std::collections::BTreeMap;

use super::Report;
use super::walk::Walk;
use crate::merkle::{Hash, leaf_hash};
use crate::source::TileSource;
use crate::tile::{CHECKPOINT, TileKind, TilePath, decode_bundle, encode_hashes};

/// Widths of partial files of earlier sizes, by the place of the file.
#[derive(Default)]
pub(super) struct Leftovers(BTreeMap<(TileKind, u64), Vec<u16>>);

impl Leftovers {
    /// Lists the files of a log and names those that no tree of `size` entries has or had.
    pub(super) fn find(source: &(impl TileSource + ?Sized), size: u64, report: &mut Report) -> Self {
        let mut leftovers = Self::default();
        let paths = match source.list() {
            Ok(Some(paths)) => paths,
            Ok(None) => return leftovers,
            Err(error) => {
                report.error("file-unreadable", "", format!("the files of the log cannot be listed: {error}"));
                return leftovers;
            }
        };
        report.summary.listed = true;
        for path in paths.iter().filter(|path| *path != CHECKPOINT) {
            let Some(tile) = TilePath::parse(path) else {
                report.warning("unexpected-file", path, "no log has a file of this name");
                continue;
            };
            match TilePath::in_tree(tile.kind, tile.index, size) {
                Some(expected) if tile.width == expected.width => {}
                Some(expected) if tile.width < expected.width => {
                    leftovers.0.entry((tile.kind, tile.index)).or_default().push(tile.width);
                }
                _ => {
                    let message = format!("a tree of {size} entries, the signed size, does not have it");
                    report.warning("beyond-checkpoint", path, message);
                }
            }
        }
        leftovers
    }
}

impl<S: TileSource + ?Sized> Walk<'_, S> {
    /// Checks the partial files of earlier sizes at the place of a hash tile, and of its bundle.
    ///
    /// Where the tile itself is not believed its place has a finding already and nothing more can be said.
    pub(super) fn check_leftovers(&mut self, path: &TilePath, believed: Option<&[Hash]>) {
        let mut kinds = vec![path.kind];
        if path.kind == TileKind::Hashes(0) {
            kinds.push(TileKind::Entries);
        }
        for kind in kinds {
            let widths = self.leftovers.0.remove(&(kind, path.index)).unwrap_or_default();
            let Some(believed) = believed else {
                continue;
            };
            for width in widths {
                let leftover = TilePath { kind, index: path.index, width };
                let Some(bytes) = self.report.read(self.source, &leftover.to_string()) else {
                    continue;
                };
                let expected = &believed[..usize::from(width).min(believed.len())];
                let is_right = match kind {
                    TileKind::Hashes(_) => encode_hashes(expected) == bytes,
                    TileKind::Entries => {
                        decode_bundle(&bytes, width.into()).is_ok_and(|entries| entries.iter().map(|entry| leaf_hash(entry)).eq(expected.iter().copied()))
                    }
                };
                if !is_right {
                    let message = "it stayed from an earlier size and differs from the tree";
                    self.report.error("leftover-mismatch", leftover, message);
                }
            }
        }
    }
}
