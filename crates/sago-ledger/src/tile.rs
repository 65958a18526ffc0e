//! Names and contents of the files of a tiled log (C2SP tlog-tiles): hash tiles and entry bundles.
//!
//! What is in them, not where they are: see [`crate::source`] for reading, [`crate::append`] for making them.

use std::fmt;

use crate::decimal::parse_decimal;
use crate::merkle::{Hash, node_hash};

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: usize = 256;

/// Tree levels that one level of tiles spans.
pub const TILE_HEIGHT: u8 = 8;

/// Levels of tiles that a tree of 64-bit size can have.
pub const TILE_LEVELS: u8 = 8;

/// The longest entry that a bundle can hold, in bytes.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// The longest file of a log: a bundle of 256 entries of the greatest length.
pub const MAX_FILE_BYTES: usize = TILE_WIDTH * (MAX_ENTRY_BYTES + 2);

/// Name of the file that holds the signed checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// What a file under `tile/` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of complete subtrees of `256^level` leaves; level 0 to 63.
    Hashes(u8),
    /// Entries.
    Entries,
}

/// One file under `tile/`: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    /// Hashes of some level, or entries.
    pub kind: TileKind,
    /// Position among the files of its kind.
    pub index: u64,
    /// Hashes or entries in it, 1 to 256; below 256 the file is partial.
    pub width: u16,
}

impl TilePath {
    /// Names the file of `kind` at `index` in a tree of `size` entries; nothing when the tree has none there.
    pub fn in_tree(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        let level = match kind {
            TileKind::Hashes(level) if level < TILE_LEVELS => level,
            TileKind::Hashes(_) => return None,
            TileKind::Entries => 0,
        };
        let items = size >> (level * TILE_HEIGHT);
        let width = items.checked_sub(index.checked_mul(TILE_WIDTH as u64)?)?.min(TILE_WIDTH as u64);
        (width > 0).then_some(Self { kind, index, width: width as u16 })
    }

    /// Names the full file at the same place.
    pub fn full(self) -> Self {
        Self { width: TILE_WIDTH as u16, ..self }
    }

    /// Says whether the file holds 256 hashes or entries.
    pub fn is_full(&self) -> bool {
        usize::from(self.width) == TILE_WIDTH
    }

    /// Reads a path; nothing unless it is exactly what [`fmt::Display`] writes.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(parse_decimal(level).filter(|level| *level <= 63)? as u8),
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH as u16),
            Some((number, width)) => (number, parse_decimal(width).filter(|width| (1..=255).contains(width))? as u16),
        };
        let mut index = 0u64;
        let mut groups = number.split('/').peekable();
        while let Some(group) = groups.next() {
            let digits = if groups.peek().is_some() { group.strip_prefix('x')? } else { group };
            if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        // Leading groups of zeroes would give one tile several names.
        let parsed = Self { kind, index, width };
        (parsed.to_string() == path).then_some(parsed)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Entries => f.write_str("tile/entries/")?,
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups[1..].iter().rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if !self.is_full() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// Writes the bytes of a hash tile.
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Reads exactly `width` hashes; nothing when the bytes are fewer or more.
pub fn decode_hashes(bytes: &[u8], width: usize) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<{ Hash::LEN }>();
    (hashes.len() == width && rest.is_empty()).then(|| hashes.iter().map(|hash| Hash(*hash)).collect())
}

/// Returns the root over the 256 hashes of a full tile: one hash of the tile above.
///
/// Works for any number of hashes that is a power of two; nothing for other numbers.
pub fn complete_root(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        for i in 0..row.len() / 2 {
            row[i] = node_hash(&row[2 * i], &row[2 * i + 1]);
        }
        row.truncate(row.len() / 2);
    }
    row.first().copied()
}

/// Why bytes are not the bundle that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes end before the entries do.
    #[error("the bundle ends inside entry {entry} of {width}")]
    Truncated {
        /// Position in the bundle, from 0.
        entry: usize,
        /// Entries the bundle must have.
        width: usize,
    },
    /// Bytes follow the last entry.
    #[error("{bytes} unexpected bytes follow the last entry")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// Adds an entry to the bytes of a bundle: its length as two bytes, big-endian, and itself.
///
/// Says whether it was added: entries above [`MAX_ENTRY_BYTES`] cannot be.
#[must_use]
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else {
        return false;
    };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}

/// Reads exactly `width` entries.
pub fn decode_bundle(bytes: &[u8], width: usize) -> Result<Vec<&[u8]>, BundleError> {
    let (entries, rest) = decode_bundle_prefix(bytes, width)?;
    if rest.is_empty() { Ok(entries) } else { Err(BundleError::Trailing { bytes: rest.len() }) }
}

/// Reads `width` entries and returns them with the bytes that follow.
pub fn decode_bundle_prefix(bytes: &[u8], width: usize) -> Result<(Vec<&[u8]>, &[u8]), BundleError> {
    let mut entries = Vec::with_capacity(width.min(TILE_WIDTH));
    let mut rest = bytes;
    for entry in 0..width {
        let parts = rest.split_first_chunk::<2>().and_then(|(length, after)| after.split_at_checked(u16::from_be_bytes(*length).into()));
        let (data, after) = parts.ok_or(BundleError::Truncated { entry, width })?;
        entries.push(data);
        rest = after;
    }
    Ok((entries, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{leaf_hash, root_of};

    #[test]
    fn paths_are_written_and_read() {
        let check = |kind, index, width, text: &str| {
            let path = TilePath { kind, index, width };
            assert_eq!(path.to_string(), text);
            assert_eq!(TilePath::parse(text), Some(path));
        };
        check(TileKind::Hashes(0), 0, 256, "tile/0/000");
        check(TileKind::Hashes(0), 999, 1, "tile/0/999.p/1");
        check(TileKind::Hashes(3), 1_234_067, 256, "tile/3/x001/x234/067");
        check(TileKind::Hashes(63), 1_000, 255, "tile/63/x001/000.p/255");
        check(TileKind::Entries, 0, 7, "tile/entries/000.p/7");
        check(TileKind::Entries, u64::MAX, 256, "tile/entries/x018/x446/x744/x073/x709/x551/615");
    }

    #[test]
    fn other_paths_are_refused() {
        for text in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/x000/000",
            "tile/0/x001/x000",
            "tile/0/001/000",
            "tile/0/x01/000",
            "tile/0/+01",
            "tile/entry/000",
            "/tile/0/000",
            "tile/0/000/",
            "tile/0/000.p/1.p/1",
            "tile/entries/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(TilePath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_tree_of_70000_has_the_files_of_the_specification() {
        let width = |kind, index| TilePath::in_tree(kind, index, 70_000).map(|path| path.width);
        assert_eq!(width(TileKind::Hashes(0), 272), Some(256));
        assert_eq!(width(TileKind::Hashes(0), 273), Some(112));
        assert_eq!(width(TileKind::Hashes(0), 274), None);
        assert_eq!(width(TileKind::Entries, 273), Some(112));
        assert_eq!(width(TileKind::Hashes(1), 0), Some(256));
        assert_eq!(width(TileKind::Hashes(1), 1), Some(17));
        assert_eq!(width(TileKind::Hashes(2), 0), Some(1));
        assert_eq!(width(TileKind::Hashes(3), 0), None);
        assert_eq!(width(TileKind::Hashes(9), 0), None);
    }

    #[test]
    fn bundles_hold_exactly_their_entries() {
        let mut bundle = Vec::new();
        assert!(push_entry(&mut bundle, b""));
        assert!(push_entry(&mut bundle, b"abc"));
        assert_eq!(bundle, b"\0\0\0\x03abc");
        assert_eq!(decode_bundle(&bundle, 2), Ok(vec![&b""[..], b"abc"]));
        assert_eq!(decode_bundle(&bundle, 1), Err(BundleError::Trailing { bytes: 5 }));
        assert_eq!(decode_bundle(&bundle, 3), Err(BundleError::Truncated { entry: 2, width: 3 }));
        assert_eq!(decode_bundle(&bundle[..6], 2), Err(BundleError::Truncated { entry: 1, width: 2 }));
        assert!(push_entry(&mut Vec::new(), &vec![0; MAX_ENTRY_BYTES]));
        assert!(!push_entry(&mut Vec::new(), &vec![0; MAX_ENTRY_BYTES + 1]));
    }

    #[test]
    fn complete_root_is_the_root() {
        let hashes: Vec<_> = (0..256u16).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        assert_eq!(complete_root(&hashes), Some(root_of(hashes.iter().copied())));
        assert_eq!(complete_root(&hashes[..64]), Some(root_of(hashes[..64].iter().copied())));
        assert_eq!(complete_root(&hashes[..65]), None);
        assert_eq!(complete_root(&[]), None);
        assert_eq!(decode_hashes(&encode_hashes(&hashes), 256), Some(hashes.clone()));
        assert_eq!(decode_hashes(&encode_hashes(&hashes)[..8191], 256), None);
    }
}
