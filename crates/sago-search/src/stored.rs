//! What is kept of a part of an item to answer with: its properties and its text, sealed like everything else.
//!
//! The text lies in the index rather than being fetched from the caller: passages then need no second lookup, no second key
//! and no second analysis, and a unit's text goes when its segments go. The price is the text's size once more, compressed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::SearchError;
use crate::words::Kind;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredPart {
    pub item: Uuid,
    pub unit: Uuid,
    pub accession: String,
    pub number: String,
    pub format: String,
    pub language: Option<String>,
    pub title: String,
    pub path: String,
    pub received_micros: i64,
    pub pages: Option<u64>,
    pub size_bytes: u64,
    pub has_gaps: bool,
    pub part: u64,
    pub blocks: Vec<StoredBlock>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredBlock {
    pub anchor: String,
    pub page: Option<u32>,
    /// Where `text` begins in the caller's block, in bytes.
    pub offset: u64,
    /// Name of the property this text is, if it is one.
    pub property: Option<String>,
    pub text: String,
    /// First position in each text field, by [`Kind`].
    pub at: [u32; Kind::ALL.len()],
}

impl StoredPart {
    pub(crate) fn encode(&self) -> Result<Vec<u8>, SearchError> {
        serde_json::to_vec(self).map_err(|error| SearchError::Internal(format!("a part could not be written: {error}")))
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, SearchError> {
        serde_json::from_slice(bytes).map_err(|error| SearchError::Damaged(format!("a stored part does not read: {error}")))
    }
}
