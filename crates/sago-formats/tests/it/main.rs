//! Readers on real files, and on files that are cut, flipped and mixed.

mod old_office;
mod old_office_fuzz;
mod support;
//! Real files and hostile ones, through the door of the crate.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod package_documents;
mod package_hostile;
mod package_table;
//! Readers on real files and on hostile ones.

#![allow(clippy::unwrap_used)]

mod hostile_media;
mod images;
mod media;
mod pdf;
mod pdf_made;
mod render;
mod shared_files;
