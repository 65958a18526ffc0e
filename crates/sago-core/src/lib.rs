//! The room: nouns, rules, rights, transactions and custody events of a Sago repository.
//!
//! Doors (command line, pages, interface) call the operations and queries here; nothing stands between. Every operation takes a
//! [`ctx::Ctx`] and first says which right it needs; every write goes through [`ledger::Tx`], which appends the event in the same
//! database transaction. The workshops (`sago-ledger`, `sago-seal`, `sago-packages`, `sago-stamp`, `sago-formats`, `sago-sandbox`) are pure and know nothing of this.
//!
//! In reading order: [`error`], [`label`], [`ctx`], [`settings`], [`store`], [`node`], [`key`], [`ledger`], [`user`], [`repository`], [`intake`],
//! [`accession`], [`item`], [`reading`], [`search`], [`fixity`], [`job`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod accession;
pub mod backup;
pub mod cosigner;
pub mod ctx;
pub mod doctor;
pub mod error;
pub mod export;
pub mod fixity;
pub mod intake;
pub mod item;
pub mod job;
pub mod key;
pub mod label;
pub mod ledger;
pub mod migrate;
pub mod node;
pub mod reading;
pub mod replica;
pub mod repository;
pub mod search;
pub mod settings;
pub mod stamp;
pub mod store;
pub mod user;
pub mod verify;
pub mod witness;

pub use error::{Error, ErrorKind, Result};
