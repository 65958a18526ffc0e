//! The workshop of the Merkle logs: leaves, tiles, checkpoints, signed notes, proofs and their verification.
//!
//! Everything here is pure: no database, no network, no clock, no randomness. The only input and output is
//! reading files through a [`source::TileSource`]; nothing in this crate writes. Formats are those of
//! `docs/formats.md` sections 2 and 3 and of C2SP (signed-note, tlog-checkpoint, tlog-tiles,
//! tlog-cosignature, tlog-proof, tlog-witness, tlog-policy).
//!
//! Read in this order: [`merkle`] (hashes and proofs), [`tile`] and [`source`] (where they are kept),
//! [`append`] (making a tree longer), [`note`], [`checkpoint`] and [`policy`] (what is signed, and by whom),
//! [`leaf`], [`opening`] and [`json`] (what an entry commits to), [`proof`] (one entry shown to a stranger),
//! [`check`] (the whole log shown to an auditor) and [`witness`] (its head shown to others who remember).

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod append;
pub mod check;
pub mod checkpoint;
mod decimal;
mod error;
pub mod json;
pub mod leaf;
pub mod merkle;
pub mod note;
pub mod opening;
pub mod policy;
pub mod proof;
pub mod source;
pub mod tile;
pub mod witness;

pub use error::Error;
pub use merkle::Hash;
