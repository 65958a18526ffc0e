//! Walls around the reading of hostile bytes (invariant 13): a process of the same binary, without network, without files, with bounded memory, time and output.
//!
//! [`read`] starts such a process for one file and tells a [`sago_formats::Sink`] what it says; [`serve`] is what the process does. The two speak over the
//! process's standard input and output (`frame`): the process asks for bytes of the file wherever its reader seeks, so that no file is ever in memory whole and
//! none has a name on a disk. What it says is believed no further than it can be checked: lengths, counts and times are kept by the parent as well.
//!
//! A reader that crashes, stalls or asks for too much memory is ended, and what it told until then stays, with a finding.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod child;
mod frame;
mod parent;
mod walls;

pub use child::{ReadFile, serve, serve_with};
pub use parent::{Bounds, Program, SandboxError, read};
pub use walls::{Standing, test_walls};
