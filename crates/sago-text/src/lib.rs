//! Korean and English text: what is indexed and what is asked for.
//!
//! - [`mod@fold`]: one way of writing each character, with the way back to the original;
//! - [`mod@analyse`]: words, stems, bigrams, readings of hanja and sounds of romanised syllables, the same for an index and for a query;
//! - [`mod@query`]: what else a person means who writes a word: spellings of North and South, other names of an institution, other scripts.
//!
//! Pure: no files, no network, no clock; the tables are compiled in. What an index does with the tokens is decided by the caller.
//! Every byte sequence that is UTF-8 is a text: nothing fails, nothing is left out.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod analyse;
mod chars;
mod date;
mod english;
pub mod fold;
mod hanja;
mod jamo;
mod korean;
pub mod query;
mod sound;
mod spelling;
mod token;
mod vocabulary;

pub use analyse::{analyse, analyse_with};
pub use fold::{Folded, FoldedChar, fold};
pub use query::{Group, Way, Why, expand, understand};
pub use token::{Token, TokenKind, TokenRef};
