//! OCFL 1.0 and 1.1 (Oxford Common File Layout): judging objects and storage roots, reading inventories, writing what Sago stores.
//!
//! The judge is held to the fixtures of the OCFL editors and of ocfl-py. It reads and reports; it never repairs. Putting files in place, durably and in the
//! right order, is the business of whoever writes a store: [`mod@write`] only gives the bytes.

mod content;
mod declaration;
mod extension;
mod inventory;
mod inventory_keys;
mod inventory_paths;
mod json;
mod layout;
mod object;
mod prior;
mod root;
mod sidecar;
mod syntax;
mod version;
pub mod write;

pub use inventory::{Inventory, PathsByDigest, User, VersionBlock};
pub use layout::{HashTuples, LAYOUT_0003, Layout};
pub use object::{ObjectSummary, read_inventory, read_inventory_in, validate_object, validate_object_in};
pub use root::{RootSummary, validate_root, validate_root_in};
pub use version::{SpecVersion, VersionNum};
