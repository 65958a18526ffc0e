//! Readers on real files, on files made for the test, and on hostile ones, through the door of the crate.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod hostile_media;
mod images;
mod media;
#![allow(clippy::unwrap_used)]

mod old_office;
mod old_office_fuzz;
mod package_documents;
mod package_hostile;
mod package_table;
mod pdf;
mod pdf_made;
mod render;
mod shared_files;
mod support;
//! Readers on real files, and beside other people's programs.

mod identification;
mod texts;
//! Readers on real files and on hostile ones.

#![allow(clippy::unwrap_used)]

mod contained_archives;
mod contained_fixtures;
mod contained_hostile;
mod contained_mail;
mod contained_real;
mod contained_stores;
