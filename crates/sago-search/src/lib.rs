//! Full-text search over what was read from items: an index in a sealed folder.
//!
//! - [`Index`], [`Writer`]: make, open, fill, destroy what belongs to a unit; the index follows a log by a position;
//! - [`Request`], [`Answer`]: search, with exact totals by item, facets, passages and what was not searched;
//! - [`query`]: the query language;
//! - [`Visible`]: what a viewer may see, and scores that depend on nothing else;
//! - [`sealed`]: the folder in which everything is encrypted and authenticated.
//!
//! The index can be rebuilt at any time and is never the truth. It knows nothing of repositories, rights or events: the caller
//! says what is added, what a viewer may see and which key opens the folder. Reasons: ADR 16.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod document;
mod error;
pub mod fingerprint;
pub mod fold;
mod index;
mod passage;
pub mod query;
mod schema;
pub mod sealed;
mod similar;
mod snapshot;
mod stored;
mod visible;
mod words;
mod writer;

pub use answer::{Answer, Facets, Fold, Hit, MAX_LIMIT, MAX_PASSAGES, NotSearched, Request, Sort};
pub use document::{Added, BLOCK_BYTES, Block, NewItem, PART_BYTES};
pub use error::{QueryError, SearchError};
pub use index::{Index, IndexOptions};
pub use passage::{MAX_LOOKED_THROUGH_BYTES, Passage};
pub use query::plan::{Searched, SearchedWay};
pub use sago_text::Why;
pub use sealed::IndexKey;
pub use visible::Visible;
pub use writer::{Writer, WriterOptions};
