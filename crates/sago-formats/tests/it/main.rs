//! Readers on real files and on hostile ones.

#![allow(clippy::unwrap_used)]

mod contained_archives;
mod contained_fixtures;
mod contained_hostile;
mod contained_mail;
mod contained_real;
mod contained_stores;
