//! Readers on real files, on hostile ones, and beside other people's programs.

#![allow(clippy::unwrap_used)]

mod contained_archives;
mod contained_fixtures;
mod contained_hostile;
mod contained_mail;
mod contained_real;
mod contained_stores;
mod identification;
mod texts;
