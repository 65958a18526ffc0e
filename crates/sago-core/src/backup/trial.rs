//! The test of a copy of the records: everything that can be said of it without a share.
//!
//! The copy is judged by the verifier that strangers use, with the repository's own verifier keys, against the heads that were signed and
//! against the objects the repository knows to have received.

use std::path::Path;

use jiff::Timestamp;
use sago_ledger::check::KnownCheckpoint;
use sago_packages::Algorithm;
use sago_stamp::Moment;
use sago_verify::{Finding, Options, Report, Target, codes};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::ledger::sequencer::Head;
use crate::store::blobs::Blobs;
use crate::store::shelf::Shelf;

/// Judges storage root and logs at their usual places below `folder`, with the verifier keys that lie below `keys`
/// (`<generation>/<log>.vkey`), against the signed heads of all generations of both logs.
pub(super) fn judge(folder: &Path, keys: &Path, heads: &[Head], at: Timestamp) -> Result<Report> {
    let mut options = Options::at(Moment::from_seconds(at.as_second()));
    let mut generations: Vec<u64> = heads.iter().map(|head| head.generation).collect();
    generations.dedup();
    for generation in &generations {
        for log in ["custody", "access"] {
            let path = keys.join(generation.to_string()).join(format!("{log}.vkey"));
            options.pinned.extend(sago_verify::read_pinned(&path).map_err(could_not)?);
        }
    }
    let mut report = Report::new(Target::Repository);
    for generation in generations {
        let known: Vec<KnownCheckpoint> = heads
            .iter()
            .filter(|head| head.generation == generation)
            .map(|head| KnownCheckpoint { path: "lock".to_owned(), bytes: head.checkpoint.clone().into_bytes() })
            .collect();
        let part = sago_verify::log::verify_generation(&folder.join("log").join(generation.to_string()), &known, &options).map_err(could_not)?;
        report.absorb(&format!("log/{generation}"), part);
    }
    let store = folder.join("store");
    report.absorb("store", sago_verify::repository::verify_store(&store, &options).map_err(could_not)?);
    report.not_checked("whether the keys open what is in the copy", "that needs the shares of the custodians: restore it once a year to a machine apart");
    Ok(report)
}

/// Holds a storage root against the objects that were received, and the SHA-512 of their inventories.
pub(super) fn judge_objects(store: &Shelf, received: &[(Uuid, String)], report: &mut Report) -> Result<()> {
    let Ok(blobs) = Blobs::open(store) else { return Ok(()) };
    for (object, inventory_sha512) in received {
        let path = format!("store/urn:uuid:{object}");
        match blobs.inventory(*object)? {
            None => report.add(Finding::new(&codes::OBJECT_MISSING, path, "The object was received and is not in the copy.")),
            Some(bytes) if Algorithm::Sha512.hash(&bytes) != *inventory_sha512 => {
                report.add(Finding::new(&codes::OBJECT_INVENTORY, path, "inventory.json is not the one that was received."));
            }
            Some(_) => {}
        }
    }
    report.checked(format!("{} objects against what was received", received.len()));
    Ok(())
}

fn could_not(error: sago_verify::Error) -> Error {
    Error::internal(format!("The copy could not be tested: {error}"))
}
