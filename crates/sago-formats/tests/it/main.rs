//! Real files and hostile ones, through the door of the crate.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod package_documents;
mod package_hostile;
mod package_table;
