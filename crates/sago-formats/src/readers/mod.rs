//! A file or folder for each format, or for a family of them that share a container. `crate::table` names them all.

pub(crate) mod codepage;
pub(crate) mod compound;
pub mod html;
pub(crate) mod little;
pub mod mhtml;
pub mod msg;
pub mod office;
pub(crate) mod officeart;
pub(crate) mod ole;
pub(crate) mod printable;
pub mod rtf;
pub mod text;
