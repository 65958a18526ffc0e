//! Stories through the real binary: what people do, what enemies do, what machines do to us. One file per story.

#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod canary;
mod cast;
mod faults;
mod flips;
mod golden;
mod kills;
mod moving;
mod nodes;
mod pairs;
mod reading;
mod recovery;
mod replicas;
mod servers;
mod shredding;
mod story;
mod validators;
mod witness;
