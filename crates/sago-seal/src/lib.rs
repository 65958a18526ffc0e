//! Sealing: who can open what.
//!
//! - [`hybrid`]: identities and recipients that stay shut for a quantum computer (`AGE-SECRET-KEY-PQ-1…`, `age1pq1…`);
//! - [`mod@file`]: age files, streamed, to hybrid recipients or a passphrase, and the lint of their headers;
//! - [`armor`]: the strict text armour of age files that others send;
//! - [`mod@column`]: short texts sealed in rows of the database;
//! - [`slip39`]: a recovery seed as word lists for several custodians.
//!
//! Pure: no files, no network, no clock. Which key opens which unit, epochs and the vault are decided by the caller.
//! Formats: sections 5, 6 and 12 of `docs/formats.md`; the age format, version 1 (C2SP `age.md`); SLIP-0039.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod armor;
pub mod column;
mod error;
pub mod file;
mod header;
pub mod hybrid;
mod passphrase;
pub mod slip39;
mod stream;

pub use error::{Part, SealError};
pub use file::{Stanzas, open_any, open_with, open_with_passphrase, seal_to, seal_with_passphrase, stanza_count};
pub use hybrid::{HybridIdentity, HybridRecipient, KeyError};
pub use stream::{Opener, Sealer};
