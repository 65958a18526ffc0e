//! Tests of the whole index through its public doors.

mod crash;
mod destroy;
mod oracle;
mod search;
mod sealed;
mod shelf;
mod visible;
