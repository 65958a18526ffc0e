//! Tests of the whole index through its public doors.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod crash;
mod destroy;
mod oracle;
mod retrieval;
mod sealed;
mod search;
mod shelf;
mod visible;
