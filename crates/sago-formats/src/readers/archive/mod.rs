//! Archives and compressed files. Each member becomes a contained file; what is named and cannot be had becomes a finding.
//!
//! Names are only names here: nothing is written, no link followed. How much comes out is bounded by the sink (`crate::read`); what a decoder may hold in
//! memory is bounded here.

mod alz;
mod ar;
mod cab;
mod checked;
mod compressed;
mod cpio;
mod egg;
mod iso;
mod lzh;
mod lzw;
mod member;
mod rar;
mod sevenzip;
mod tar;
mod tar_header;
mod zip;
mod zip_directory;

pub(crate) use checked::Checked;
pub(crate) use compressed::{Failing, GzipReader, zstd};
pub(crate) use member::file_time;

pub use compressed::{read_bzip2, read_gzip, read_lz4, read_lzip, read_lzma, read_xz, read_z, read_zlib, read_zstd};
pub use {alz::read as read_alz, ar::read as read_ar, cab::read as read_cab, cpio::read as read_cpio, egg::read as read_egg, iso::read as read_iso};
pub use {lzh::read as read_lzh, rar::read as read_rar, sevenzip::read as read_sevenzip, tar::read as read_tar, zip::read as read_zip};
