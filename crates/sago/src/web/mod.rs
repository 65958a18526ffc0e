//! The network door: one list of routes, one file per part of them, and the server with its limits.

mod health;
mod log;
mod routes;
mod server;

pub use server::serve;
