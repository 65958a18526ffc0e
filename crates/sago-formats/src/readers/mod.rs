//! A file or folder for each format, or for a family of them that share a container. `crate::table` names them all.

pub mod sealed;
pub mod text;
