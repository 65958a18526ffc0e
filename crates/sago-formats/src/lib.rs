//! Hostile bytes: which format they have, the text in them, the files they contain, and what could not be read and why.
//!
//! Pure: no database, no network, no clock, no file system; a reader gets a [`Source`] and tells a [`Sink`]. Broken input is not an error: it yields what can
//! be read, and [`Finding`]s for the rest. Nothing is skipped without one. [`table`] is the list of all formats; a reader is a file or folder in `readers`.
//!
//! The crate is meant to run in a process of its own that has no rights (`sago` does so); it still never panics on purpose, and bounds every depth, count and
//! length it takes from a file by [`Limits`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod charset;
mod collect;
pub mod document;
mod finding;
pub mod identify;
mod limits;
mod read;
pub mod readers;
pub mod render;
mod source;
pub mod table;

pub use collect::Collected;
pub use document::{Anchor, Block, BlockKind, Child, ChildRole, Part, Property, Recognised, Sink, Taken, WordBox};
pub use finding::{Code, Finding, Severity};
pub use limits::Limits;
pub use read::{Request, Summary, read};
pub use source::{ReadSeek, Source, Stop};
