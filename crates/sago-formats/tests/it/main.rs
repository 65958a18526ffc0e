//! Readers on real files and on hostile ones.

#![allow(clippy::unwrap_used)]

mod hostile_media;
mod images;
mod media;
mod pdf;
mod pdf_made;
mod render;
mod shared_files;
