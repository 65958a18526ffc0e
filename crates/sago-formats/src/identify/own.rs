//! Signatures of ours, for what PRONOM's register does not have, in the notation of `pronom.tsv` (see `xtask/scripts/pronom.py`) with texts in quotes.
//!
//! `W` instead of `F` is a last resort: PRONOM asks for the proper end of a PDF, JPEG, PNG or ZIP, which a damaged file does not have.

/// The lines.
pub(super) const SIGNATURES: &str = include_str!("own.tsv");
