//! Real logs, exports and receipts, verified by both verifiers: sound, attacked, damaged.

#![allow(clippy::unwrap_used, missing_docs)]

mod attacks;
mod build;
mod codes;
mod flips;
mod judge;
mod logs;
#[path = "../../../sago-packages/tests/it/memory.rs"]
mod memory;
mod repository;
mod signatures;
mod sound;
mod stage;
mod stamps;
mod trees;
