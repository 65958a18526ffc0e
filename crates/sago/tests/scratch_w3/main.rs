//! Scratch target of one helper while other files of `it` are in the making; removed at the end.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]
#[path = "../it/bad_input.rs"]
mod bad_input;
#[path = "../it/canary.rs"]
mod canary;
#[path = "../it/cast.rs"]
mod cast;
#[path = "../it/shredding.rs"]
mod shredding;
