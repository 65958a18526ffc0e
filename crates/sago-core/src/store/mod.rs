//! The cellars: rows, sealed files, and the discipline of writing them durably.

pub mod blobs;
pub mod bucket;
pub(crate) mod catalog;
pub mod db;
pub mod dialect;
pub mod durable;
pub mod fault;
pub(crate) mod postgres;
pub mod rows;
mod schema;
pub mod shelf;
pub mod spool;
pub mod texts;
pub(crate) mod transfer;
