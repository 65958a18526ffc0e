//! Descriptions of a package: the same facts said four times, for four readers.
//!
//! One typed [`Dossier`] goes in; out come PREMIS 3.0 for archivists ([`premis_xml`]), RO-Crate 1.2 for machines ([`ro_crate_json`]),
//! a page in plain English and Korean for a judge ([`story_html`]) and exact commands for the expert the judge appoints ([`verify_md`]).
//!
//! Pure: no file is read, no clock is asked. Nothing here decides what may be disclosed; whatever is in the dossier is written down.
//! Every text may be hostile (file names come from strangers): see [`escape`] for what each format does about it.
//! The bag around these files is made elsewhere in this crate; the proofs they point to come from the ledger.

mod dossier;
pub mod escape;
mod example;
pub mod kinds;
mod premis;
mod ro_crate;
mod story;
mod verify;
mod words;
mod xml;

pub use dossier::{
    Accession, Agent, AgentKind, BagFile, Detail, Dossier, Event, Example, Export, Item, Log, LogKeys, Omission, Repository, Software, Stamp, StampToken,
    StoredCopy,
};
pub use premis::premis_xml;
pub use ro_crate::ro_crate_json;
pub use story::{MAX_ROWS, story_html};
pub use verify::{PYTHON_VERIFIER, VERIFIER, verify_md};
