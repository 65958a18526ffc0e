//! Readers on real files, on files made for the test, on hostile ones, and beside other people's programs.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod contained_archives;
mod contained_fixtures;
mod contained_hostile;
mod contained_mail;
mod contained_real;
mod contained_stores;
mod hostile_media;
mod identification;
mod images;
mod media;
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
mod texts;
