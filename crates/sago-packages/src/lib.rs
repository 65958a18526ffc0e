//! Packages: OCFL objects and storage roots, BagIt bags, and what describes an export; read, write, judge.
//!
//! Pure: no database, no network, no clock. Broken packages are not errors: every judge gives a summary and a list of [`Finding`]s, and an [`Error`] only
//! when it could not work at all. Nothing in a package is trusted: links are never followed, paths never leave the package.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bagit;
pub mod describe;
mod detect;
mod digest;
mod error;
mod finding;
mod lanes;
mod name;
pub mod ocfl;
pub mod tree;
mod work;

pub use detect::{PackageKind, detect};
pub use digest::{Algorithm, Digests, MultiHasher};
pub use error::Error;
pub use finding::{Finding, Severity};
pub use name::safe_name;
pub use tree::{DiskTree, Tree};
pub use work::{Options, Progress, ProgressFn};
