//! Readers on real files, and beside other people's programs.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod identification;
mod texts;
