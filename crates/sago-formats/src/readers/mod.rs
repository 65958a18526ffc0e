//! A file or folder for each format, or for a family of them that share a container. `crate::table` names them all.

pub mod archive;
pub mod cms;
pub mod dbf;
pub mod mail;
pub mod pst;
pub mod sqlite;
pub mod text;
pub mod tnef;
pub mod warc;
