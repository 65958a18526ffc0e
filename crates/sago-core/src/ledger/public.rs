//! What anybody may read of a log: its checkpoint, hash tiles and entry bundles, exactly as C2SP tlog-tiles names them.
//!
//! Allowed is what the parser of tile names takes, not what lies in a folder: payload, keys, stamps and locks have no such names. Entries
//! are blinded leaves; they tell number and rhythm, and nothing else, to who has no opening.

use sago_ledger::tile::{CHECKPOINT, TILE_HEIGHT, TILE_WIDTH, TileKind, TilePath};

use crate::error::{Error, Result};
use crate::ledger::event::Log;
use crate::ledger::sequencer;
use crate::settings::Places;

/// A file of a log that anybody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether they stay the same for ever: tiles do, the checkpoint does not.
    pub is_immutable: bool,
}

/// Reads `<generation>/<log>/checkpoint` or `<generation>/<log>/tile/…`; nothing for any other path, and for tiles that the published
/// checkpoint does not cover.
pub fn read(places: &Places, path: &str) -> Result<Option<PublicFile>> {
    let mut parts = path.splitn(3, '/');
    let (Some(generation), Some(log), Some(name)) = (parts.next(), parts.next(), parts.next()) else { return Ok(None) };
    let generation = generation.parse::<u64>().ok().filter(|number| *number > 0 && number.to_string() == generation);
    let log = Log::ALL.into_iter().find(|known| known.name() == log);
    let (Some(generation), Some(log)) = (generation, log) else { return Ok(None) };
    let Some(checkpoint) = read_file(places, generation, log, CHECKPOINT)? else { return Ok(None) };
    if name == CHECKPOINT {
        return Ok(Some(PublicFile { bytes: checkpoint, is_immutable: false }));
    }
    let Some(tile) = TilePath::parse(name) else { return Ok(None) };
    let bad = || Error::corrupt(format!("The published checkpoint of the {} log cannot be read.", log.name()));
    let text = String::from_utf8(checkpoint).map_err(|_| bad())?;
    let size = sequencer::read_head(generation, &text, "the published checkpoint")?.size;
    // Tiles are written before the checkpoint that covers them is signed: until then they are nobody's business.
    if entries_under(&tile).is_none_or(|entries| entries > size) {
        return Ok(None);
    }
    let bytes = read_file(places, generation, log, &tile.to_string())?;
    Ok(bytes.map(|bytes| PublicFile { bytes, is_immutable: true }))
}

/// How many entries a log must have for a tile to exist.
fn entries_under(tile: &TilePath) -> Option<u64> {
    let level = match tile.kind {
        TileKind::Entries => 0,
        TileKind::Hashes(level) => level,
    };
    let last = tile.index.checked_mul(TILE_WIDTH as u64)?.checked_add(tile.width.into())?;
    let width = 1_u64.checked_shl(u32::from(level).checked_mul(TILE_HEIGHT.into())?)?;
    last.checked_mul(width)
}

fn read_file(places: &Places, generation: u64, log: Log, name: &str) -> Result<Option<Vec<u8>>> {
    sequencer::folder(places, generation, log).read(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_exists_from_the_size_that_fills_it() {
        for (path, expected) in [
            ("tile/0/000", Some(256)),
            ("tile/0/000.p/3", Some(3)),
            ("tile/entries/001.p/1", Some(257)),
            ("tile/1/000.p/2", Some(512)),
            ("tile/7/000.p/1", Some(1 << 56)),
            ("tile/8/000.p/1", None),
            ("tile/63/000", None),
        ] {
            assert_eq!(entries_under(&TilePath::parse(path).unwrap()), expected, "{path}");
        }
    }
}
