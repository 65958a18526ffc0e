//! The query language: what may be asked, and how it is said.
//!
//! ```text
//! 보위부 요원              both words (AND is the default)
//! a OR b, a AND b, NOT a   capital letters; AND binds tighter than OR; parentheses
//! -a                       the same as NOT a;  +a  the same as a (it may not stand in an OR)
//! "국가 보위부"            a phrase, with stems but without synonyms; between Korean words spacing does not matter
//! "a b"~5                  both within five words, in either order
//! 보위*                    words and morphemes that begin so
//! kim~1, kim~              words that differ by one letter (~2: by two)
//! =보위부, ="a b"          exactly so: no stems, no spellings, no synonyms
//! title:, path:, …         only there ([`TEXT_FIELDS`]); also title:(a OR b) and title:"a b"
//! accession:2024-003       a property, whole ([`KEYWORD_FIELDS`]); accession:2024-* for its beginning
//! received:2024-01..2024-06, received:2024, pages:10.., size:..1000000   ranges, both ends included
//! *                        everything
//! ```
//! A character that means something else is quoted: `"10:30"`. What cannot be understood is an error with its place; nothing is
//! ever taken to mean something else.

mod except;
mod parse;
pub(crate) mod pattern;
pub(crate) mod plan;
pub(crate) mod range;
pub(crate) mod set;

pub(crate) use parse::parse;

use std::ops::Range;

/// Fields whose text is searched like the body: names of properties.
pub const TEXT_FIELDS: [&str; 8] = ["title", "path", "item", "from", "to", "cc", "subject", "author"];
/// As a field, the same as `=`.
pub(crate) const EXACT_FIELD: &str = "exact";
/// Properties that are asked for as a whole.
pub const KEYWORD_FIELDS: [&str; 6] = ["accession", "number", "format", "language", "label", "unit"];
/// Properties that have an order.
pub const RANGE_FIELDS: [&str; 3] = ["received", "pages", "size"];

/// Characters of a query.
pub const MAX_QUERY_CHARS: usize = 8192;
/// Words and phrases in a query.
pub const MAX_CLAUSES: usize = 256;
/// Beginnings and fuzzy words in a query: each goes through the whole dictionary.
pub const MAX_LOOSE: usize = 16;
/// Parentheses within each other, and signs before them.
pub const MAX_DEPTH: usize = 32;
/// Terms of one phrase, of the kind that has most.
pub const MAX_PHRASE_TERMS: usize = 256;
/// Letters by which a word may differ.
pub const MAX_FUZZY: u8 = 2;
/// Words between the words of a proximity.
pub const MAX_PROXIMITY: u32 = 100;

/// A query as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ast {
    And(Vec<Ast>),
    Or(Vec<Ast>),
    Not(Box<Ast>),
    Everything,
    Clause(Clause),
}

/// A word, a phrase or a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub field: Option<String>,
    pub text: String,
    pub how: How,
    /// Which characters of the query.
    pub characters: Range<usize>,
}

/// How a clause is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// A word with stems, spellings and synonyms.
    Usual,
    /// A phrase, with stems.
    Phrase,
    /// A word or phrase as it is written.
    Exact,
    Prefix,
    Fuzzy(u8),
    Near(u32),
    /// The text is `from..to`.
    Range,
}
