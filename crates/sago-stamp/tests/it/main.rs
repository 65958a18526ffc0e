//! Tests of time-stamps against tokens nobody here made, and against an authority made on the spot with the `openssl` command.
#![allow(clippy::unwrap_used, missing_docs)]

mod authority;
mod bit_flips;
mod chains;
mod crafted;
mod handmade;
mod hostile_bytes;
mod real_tokens;
mod replies;
mod signatures;
mod tokens;
