//! Readers on real files, and on files that are cut, flipped and mixed.

#![allow(clippy::unwrap_used)]

mod old_office;
mod old_office_fuzz;
mod support;
