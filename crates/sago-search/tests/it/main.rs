//! Tests of the whole index through its public doors.

mod crash;
mod destroy;
mod oracle;
mod retrieval;
mod sealed;
mod search;
mod shelf;
mod visible;
