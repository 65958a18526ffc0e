//! A file or folder for each format, or for a family of them that share a container. `crate::table` names them all.

mod compound;
mod flow;
mod markup;
mod namespaces;
mod package;
mod told;

pub mod epub;
pub mod hwp;
pub mod hwpx;
pub mod ooxml;
pub mod opendocument;
pub mod text;
