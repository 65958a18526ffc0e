//! Deposits that were under way when the records were copied: staging is never in a backup, so each is received, set aside or given up.
//!
//! Whatever is decided here is entered in the first entries of the new generation; nothing is left for the next opening to stumble over.

use std::path::Path;

use sago_packages::Algorithm;
use uuid::Uuid;

use super::history::{History, Stage, Standing};
use crate::accession::manifest::{Line, Manifest};
use crate::accession::{finding, read_manifest_with};
use crate::error::{ErrorKind, Result};
use crate::key::Keyring;
use crate::ledger::Tx;
use crate::ledger::event::{
    AccessionAbandoned, AccessionAbandonedDetail, AccessionQuarantined, AccessionQuarantinedDetail, AccessionReceived, AccessionReceivedDetail, ObjectRef,
};
use crate::store::blobs::Blobs;

/// What became of a deposit that was under way when the records were copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// All of it was in the copy: it was received.
    Received,
    /// Part of it was in the copy: set aside.
    SetAside,
    /// Its files were not in the copy: given up. The number stays taken.
    GivenUp,
}

/// A deposit that was under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// Its number.
    pub number: String,
    /// What became of it.
    pub fate: Fate,
}

/// A deposit that was under way, and what can be made of it.
pub(super) struct Unfinished {
    accession: Uuid,
    unit: Uuid,
    number: String,
    objects: Vec<ObjectRef>,
    outcome: Outcome,
}

enum Outcome {
    Received(Box<Manifest>),
    SetAside(Uuid),
    GivenUp,
}

/// Finds the deposits that were under way, in order of their numbers.
pub(super) fn find(history: &History, keyring: &Keyring, blobs: &Blobs, staging: &Path) -> Result<Vec<Unfinished>> {
    let mut found = Vec::new();
    for (accession, account) in &history.accessions {
        let is_destroyed = history.units.get(&account.unit) == Some(&Standing::Destroyed);
        if is_destroyed || !matches!(account.stage, Stage::Opened | Stage::Prepared) {
            continue;
        }
        let mut there = 0;
        for object in &account.objects {
            there += usize::from(blobs.inventory(object.id)?.is_some_and(|bytes| Algorithm::Sha512.hash(&bytes) == object.inventory_sha512));
        }
        let ids: Vec<Uuid> = account.objects.iter().map(|object| object.id).collect();
        let is_whole = account.stage == Stage::Prepared && there == ids.len();
        let manifest = match is_whole.then(|| read_manifest_with(blobs, keyring, account.unit, &ids, Manifest::in_folder(staging))) {
            Some(Err(error)) if !matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Forbidden) => return Err(error),
            Some(Ok(manifest)) => manifest,
            Some(Err(_)) | None => None,
        };
        let outcome = match (manifest, ids.first()) {
            (Some(manifest), _) => Outcome::Received(Box::new(manifest)),
            (None, Some(first)) if there > 0 => Outcome::SetAside(*first),
            (None, _) => Outcome::GivenUp,
        };
        found.push(Unfinished { accession: *accession, unit: account.unit, number: account.number.clone(), objects: account.objects.clone(), outcome });
    }
    found.sort_by(|one, two| one.number.cmp(&two.number));
    Ok(found)
}

impl Unfinished {
    /// What is said of it.
    pub(super) fn said(&self) -> Interrupted {
        let fate = match &self.outcome {
            Outcome::Received(_) => Fate::Received,
            Outcome::SetAside(_) => Fate::SetAside,
            Outcome::GivenUp => Fate::GivenUp,
        };
        Interrupted { number: self.number.clone(), fate }
    }

    /// Enters what becomes of it.
    pub(super) fn enter<'a>(&'a self, tx: &mut Tx<'a>, domain: Uuid) -> Result<()> {
        match &self.outcome {
            Outcome::Received(manifest) => {
                let event = AccessionReceived { accession: self.accession, unit: self.unit, objects: self.objects.clone(), recovered: true };
                tx.append_received(self.unit, event.with(self.detail(manifest)?), manifest);
            }
            Outcome::SetAside(object) => {
                let reason = "part of it was in the backup from which the repository was restored".to_owned();
                tx.append(domain, AccessionQuarantined { accession: self.accession, object: *object }.with(AccessionQuarantinedDetail { reason }));
            }
            Outcome::GivenUp => {
                let reason = "it was not finished when the backup was made from which the repository was restored".to_owned();
                tx.append(domain, AccessionAbandoned { accession: self.accession }.with(AccessionAbandonedDetail { reason }));
            }
        }
        Ok(())
    }

    fn detail(&self, manifest: &Manifest) -> Result<AccessionReceivedDetail> {
        let (mut items, mut bytes, mut not_taken) = (0, 0, 0);
        for line in manifest.lines() {
            match Line::read(&line?)? {
                Line::Accession(_) => {}
                Line::Item(line) => {
                    items += 1;
                    bytes += line.bytes;
                }
                Line::Finding(line) => not_taken += u64::from(finding::is_file_not_taken(&line)),
            }
        }
        Ok(AccessionReceivedDetail {
            number: self.number.clone(),
            manifest_root: manifest.root()?.to_hex(),
            manifest_lines: manifest.len(),
            items,
            bytes,
            not_taken,
        })
    }
}
