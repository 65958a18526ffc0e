//! A file or folder for each format, or for a family of them that share a container. `crate::table` names them all.

pub(crate) mod codepage;
pub(crate) mod compound;
pub mod epub;
mod flow;
pub mod hwp;
pub mod hwpx;
pub(crate) mod little;
mod markup;
mod namespaces;
pub mod ooxml;
pub mod opendocument;
mod package;
pub mod text;
mod told;
