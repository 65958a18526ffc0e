//! BagIt (RFC 8493 and the drafts 0.93 to 0.97 before it): reading, judging and writing bags.
//!
//! A bag that comes in is read by [`read()`] or judged by [`validate()`]; nothing in it is trusted, nothing is fetched, links are not followed. A bag that goes out is written by
//! [`BagWriter`]. Codes of findings are ours and begin with `bag-`.

mod declaration;
mod info;
mod listing;
mod manifest;
mod path;
mod read;
mod tag_manifest;
mod tag_text;
mod validate;
mod write;

pub use declaration::BagVersion;
pub use listing::BagFile;
pub use read::{Bag, read};
pub use validate::validate;
pub use write::{BagWriter, WrittenBag};
