//! How much one file may cost.

use serde::{Deserialize, Serialize};

/// Limits for one file. What is left out because of one is said by a finding that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Longest file or part of one that a reader may hold in memory.
    pub memory_bytes: u64,
    /// Longest text that is taken out of one file, in UTF-8.
    pub text_bytes: u64,
    /// Most blocks of text of one file.
    pub blocks: u64,
    /// Most properties of one file, and longest value of each.
    pub properties: u32,
    /// Longest value of a property, in UTF-8.
    pub property_bytes: u32,
    /// Most files directly in one container.
    pub children: u64,
    /// Longest file in a container.
    pub child_bytes: u64,
    /// All files of one container together.
    pub children_bytes: u64,
    /// How many times larger than itself a container may become, once it is past [`Limits::ratio_free_bytes`].
    pub ratio: u64,
    /// Until here a container may become as large as it likes in proportion.
    pub ratio_free_bytes: u64,
    /// Deepest nesting inside one file that a reader follows: elements, records, lists.
    pub nesting: u32,
    /// Most findings of one file that are listed; the rest is counted.
    pub findings: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            text_bytes: 1 << 30,
            blocks: 20_000_000,
            properties: 2_000,
            property_bytes: 64 << 10,
            children: 1_000_000,
            child_bytes: 64 << 30,
            children_bytes: 256 << 30,
            ratio: 200,
            ratio_free_bytes: 256 << 20,
            nesting: 256,
            findings: 200,
        }
    }
}
