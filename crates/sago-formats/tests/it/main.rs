//! Readers on real files, and beside other people's programs.

mod identification;
mod texts;
