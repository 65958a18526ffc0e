//! Packages on disk: the conformance suites of OCFL and BagIt, our own broken ones, and what we write.
#![allow(clippy::unwrap_used, missing_docs)]

mod bagit_rules;
mod bagit_suite;
mod bagit_write;
mod memory;
mod ocfl_extra;
mod ocfl_fixtures;
mod ocfl_rules;
mod ocfl_write;
mod support;
mod tree;
