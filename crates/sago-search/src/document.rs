//! What goes in: one item's properties and its text in blocks.

use uuid::Uuid;

/// What is known of an item besides its text.
#[derive(Clone, Debug, Default)]
pub struct NewItem {
    /// Id of the item; adding it again replaces it.
    pub item: Uuid,
    /// The unit whose key seals the item; with the unit destroyed the item goes too.
    pub unit: Uuid,
    /// Number of the accession (field `accession:`).
    pub accession: String,
    /// Number of the item (field `item:`).
    pub number: String,
    /// Kind or format (field `format:`), as the caller names it.
    pub format: String,
    /// Main language, as an ISO 639 code (field `language:`).
    pub language: Option<String>,
    /// Title (field `title:`).
    pub title: String,
    /// Path or file name (field `path:`).
    pub path: String,
    /// Further texts, searched like the body and, for the names in [`crate::query::TEXT_FIELDS`], as fields of their own.
    pub properties: Vec<(String, String)>,
    /// Labels; who may not see one of them does not see the item ([`crate::Visible`]).
    pub labels: Vec<String>,
    /// When it was received, in microseconds since 1970-01-01T00:00:00Z.
    pub received_micros: i64,
    /// Number of pages, where it has pages.
    pub pages: Option<u64>,
    /// Bytes of the original.
    pub size_bytes: u64,
    /// Digest of the original; items with the same one are duplicates.
    pub digest: Option<[u8; 32]>,
    /// Not everything in it could be read: a search answer counts it among what was not searched.
    pub has_gaps: bool,
}

/// A piece of text with its place: a page, a paragraph, a cell, a time span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Where it stands, in the caller's words (for example JSON); handed back unchanged.
    pub anchor: String,
    /// Number of the page, from 1.
    pub page: Option<u32>,
    /// The text itself; passages are cut from it unchanged.
    pub text: String,
    /// It goes on where the block before ended (a sentence over a page break): phrases may run across.
    pub continues: bool,
}

/// What became of an item that was added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Parts it was split into; one unless it has more than [`PART_BYTES`] of text.
    pub parts: u64,
    /// Blocks with text.
    pub blocks: u64,
    /// Bytes of text.
    pub text_bytes: u64,
}

/// Bytes of text in one part of an item. A larger item is split, so that memory stays bounded; Boolean queries hold for the
/// item as a whole all the same, phrases and proximity hold within a part.
pub const PART_BYTES: usize = 512 * 1024;
/// Bytes of a stored block; a longer block of the caller is stored in pieces with the same anchor.
pub const BLOCK_BYTES: usize = 16 * 1024;
/// Positions between blocks that do not continue each other, so that no phrase and no usual proximity reaches across.
pub(crate) const BLOCK_GAP: u32 = 128;
