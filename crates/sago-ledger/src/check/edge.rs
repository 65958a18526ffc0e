//! The right edge of the tree: partial tiles, which have no tile above them, judged by the signed root.

use super::walk::{Seen, Walk};
use crate::checkpoint::Checkpoint;
use crate::merkle::{Hash, RootBuilder};
use crate::source::TileSource;
use crate::tile::{CHECKPOINT, TILE_HEIGHT, TILE_LEVELS, TILE_WIDTH, TileKind, TilePath};

/// A partial tile and the two things it may be: as stored, and as what lies below it says.
struct Edge {
    seen: Seen,
    stored: Option<Vec<Hash>>,
    /// Nothing where it equals `stored` or cannot be known.
    merged: Option<Vec<Hash>>,
}

impl Edge {
    fn choices(&self) -> impl Iterator<Item = &Vec<Hash>> {
        self.merged.iter().chain(&self.stored)
    }
}

/// Checks the whole tree; returns the leaves of its last, partial tile if they are believed.
pub(super) fn walk<S: TileSource + ?Sized>(walk: &mut Walk<'_, S>, checkpoint: &Checkpoint) -> Option<Vec<Hash>> {
    let mut edges = Vec::new();
    // The highest tile covers the first entries.
    for level in (0..TILE_LEVELS).rev() {
        let kind = TileKind::Hashes(level);
        let full_tiles = (checkpoint.size >> (level * TILE_HEIGHT)) / TILE_WIDTH as u64;
        if let Some(path) = TilePath::in_tree(kind, full_tiles, checkpoint.size) {
            let seen = walk.look(path);
            let merged = seen.merged().filter(|merged| seen.stored.as_ref() != Some(merged));
            edges.push(Edge { stored: seen.stored.clone(), merged, seen });
        }
    }
    if walk.report.is_full() {
        return None;
    }
    let chosen = choose(&edges, &checkpoint.root);
    for (position, edge) in edges.iter().enumerate() {
        let is_chosen = |tile: &Option<Vec<Hash>>| match (&chosen, tile) {
            (Some(chosen), Some(tile)) => *chosen[position] == *tile,
            _ => false,
        };
        if !edge.seen.differing().is_empty() {
            if !is_chosen(&edge.stored) {
                walk.blame_tile(&edge.seen);
            }
            if !is_chosen(&edge.merged) {
                walk.blame_below(&edge.seen);
            }
        }
        let believed = chosen.as_ref().map(|chosen| chosen[position].as_slice());
        walk.check_leftovers(&edge.seen.path, believed);
    }
    match chosen {
        Some(chosen) => {
            let has_leaves = |edge: &Edge| edge.seen.path.kind == TileKind::Hashes(0);
            let leaves = edges.iter().zip(chosen).find(|(edge, _)| has_leaves(edge));
            Some(leaves.map_or_else(Vec::new, |(_, leaves)| leaves.clone()))
        }
        None => {
            if let Some(found) = edges.iter().map(|edge| edge.choices().next()).collect::<Option<Vec<_>>>() {
                let message = format!("tiles and entries lead to root {}, but {} was signed", root(&edges, &found), checkpoint.root);
                walk.report.error("root-mismatch", CHECKPOINT, message);
            }
            None
        }
    }
}

/// Chooses for each edge tile the one of its two forms, so that together they lead to the signed root.
///
/// Where forms differ all combinations are tried: at most `2^8`, and with one damaged file two.
fn choose<'a>(edges: &'a [Edge], expected: &Hash) -> Option<Vec<&'a Vec<Hash>>> {
    let mut combinations: Vec<Vec<&Vec<Hash>>> = vec![Vec::new()];
    for edge in edges {
        let extended = combinations.iter().flat_map(|head| edge.choices().map(move |choice| head.iter().copied().chain([choice]).collect::<Vec<_>>()));
        combinations = extended.collect();
    }
    combinations.into_iter().find(|tiles| root(edges, tiles) == *expected)
}

fn root(edges: &[Edge], tiles: &[&Vec<Hash>]) -> Hash {
    let mut builder = RootBuilder::new();
    for (edge, tile) in edges.iter().zip(tiles) {
        let TileKind::Hashes(level) = edge.seen.path.kind else {
            continue;
        };
        for hash in *tile {
            builder.push_subtree(level * TILE_HEIGHT, *hash);
        }
    }
    builder.root()
}
