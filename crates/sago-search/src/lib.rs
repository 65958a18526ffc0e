//! Full-text search over what was read from items.
//!
//! - [`sealed`]: the folder in which everything of the index is encrypted and authenticated.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod sealed;
