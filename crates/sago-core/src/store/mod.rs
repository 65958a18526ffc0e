//! The cellars: rows, sealed files, and the discipline of writing them durably.

pub mod blobs;
pub mod db;
pub mod dialect;
pub mod durable;
pub mod fault;
pub mod rows;
mod schema;
