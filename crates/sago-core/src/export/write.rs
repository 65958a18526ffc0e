//! Writing the bag of an export.

use std::collections::HashSet;
use std::io::Read;

use sago_packages::bagit::BagWriter;
use sago_packages::describe::{BagFile, premis_xml, ro_crate_json, story_html, verify_md};
use sago_packages::{Algorithm, safe_name};
use sha2::{Digest, Sha256};

use super::{Exported, NewExport, Package, dossier, in_payload, read, stamp_folders};
use crate::ctx::{Ctx, SOFTWARE};
use crate::error::{Error, Result};
use crate::item::open_original;
use crate::ledger::event::{Event, Log};
use crate::ledger::proof::{opening, prove_in};
use crate::repository::Repository;
use crate::store::durable;
use crate::store::fault::{Operation, Turn};
use crate::user::Agent;

/// The bag under way, and the list of what is in it.
pub(super) struct Bag {
    writer: BagWriter,
    pub(super) files: Vec<BagFile>,
}

impl Bag {
    fn add(&mut self, path: &str, media_type: &str, description: &str, source: &mut dyn Read) -> Result<()> {
        let turn = Turn::of(Operation::PackageWrite);
        turn.before::<Error>().map_err(unfinished)?;
        let digests = self.writer.add_file(in_payload(path), source).map_err(could_not)?;
        turn.after::<Error>().map_err(unfinished)?;
        self.files.push(BagFile {
            path: path.to_owned(),
            size: Some(digests.size_bytes),
            sha256: digests.get(Algorithm::Sha256).map(str::to_owned),
            media_type: media_type.to_owned(),
            description: description.to_owned(),
        });
        Ok(())
    }

    fn add_text(&mut self, path: &str, media_type: &str, description: &str, text: impl AsRef<[u8]>) -> Result<()> {
        self.add(path, media_type, description, &mut text.as_ref())
    }
}

fn could_not(error: sago_packages::Error) -> Error {
    let made = match &error {
        // The disk that receives the package refuses: nothing of ours is damaged.
        sago_packages::Error::Io { path, source } => Error::io("The package was not finished:", path, source),
        // The way to the bucket broke off: nothing of ours is damaged either.
        sago_packages::Error::Source { path, source } if source.kind() == std::io::ErrorKind::ConnectionAborted => {
            Error::io("The package was not finished: could not read what goes to", std::path::Path::new(path), source)
        }
        sago_packages::Error::Source { .. } | sago_packages::Error::Refused(_) => Error::corrupt(format!("The package was not finished: {error}")),
    };
    unfinished(made)
}

fn unfinished(error: Error) -> Error {
    error.hint("The unfinished folder has no bagit.txt; remove it and try again.")
}

pub(super) fn write(repo: &Repository, ctx: &Ctx, new: &NewExport, package: &Package, agents: &[Agent], name: &str) -> Result<Exported> {
    if let Some(parent) = new.output.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        durable::create_dir_all(parent)?;
    }
    let mut bag = Bag { writer: BagWriter::create(&new.output).map_err(could_not)?, files: Vec::new() };
    let mut bytes = 0;
    for item in &package.items {
        let line = item.line.as_ref().ok_or_else(|| Error::internal("a checked item lost its line"))?;
        bytes += line.bytes;
        let mut original = open_original(repo, item.unit, line)?;
        bag.add(&evidence_path(&item.number, &line.path), "application/octet-stream", &format!("Original of {}", item.number), &mut original)?;
    }
    let example = write_proofs(repo, &mut bag, package)?;
    let stamps = write_stamps(repo, &mut bag, package)?;
    bag.add_text(
        "data/verify/sago_verify.py",
        "text/x-python",
        "The second, independent verifier (Python, standard library only)",
        sago_verify::PYTHON_VERIFIER,
    )?;

    let described = [
        ("data/READ-ME-FIRST.html", "text/html", "What this folder is and how to check it, in plain words"),
        ("data/VERIFY.md", "text/markdown", "The steps to verify this folder, with exact commands"),
        ("data/provenance/premis.xml", "application/xml", "PREMIS 3.0 description"),
        ("data/ro-crate-metadata.json", "application/ld+json", "RO-Crate 1.2 description"),
    ];
    let mut dossier = dossier::dossier(repo, ctx, new, package, agents, name, stamps, example)?;
    dossier.files = bag.files.clone();
    dossier.files.extend(described.iter().map(|(path, media_type, description)| BagFile {
        path: (*path).to_owned(),
        size: None,
        sha256: None,
        media_type: (*media_type).to_owned(),
        description: (*description).to_owned(),
    }));
    for ((path, media_type, description), text) in
        described.iter().zip([story_html(&dossier), verify_md(&dossier), premis_xml(&dossier), ro_crate_json(&dossier)])
    {
        bag.add_text(path, media_type, description, text)?;
    }
    let id = format!("urn:uuid:{}", package.id);
    let date = package.at.strftime("%Y-%m-%d").to_string();
    let info = [
        ("Source-Organization", name),
        ("External-Identifier", id.as_str()),
        ("External-Description", package.accession.number.as_str()),
        ("Bagging-Date", date.as_str()),
        ("Bag-Software-Agent", SOFTWARE),
    ];
    let turn = Turn::of(Operation::PackageWrite);
    turn.before::<Error>().map_err(unfinished)?;
    bag.writer.finish(&info).map_err(could_not)?;
    turn.after::<Error>().map_err(unfinished)?;
    let tagmanifest = read(&new.output.join("tagmanifest-sha256.txt"))?;
    Ok(Exported {
        id: package.id,
        items: package.items.len() as u64,
        bytes,
        events: package.events.len() as u64,
        tagmanifest_sha256: hex::encode(Sha256::digest(&tagmanifest)),
        index: 0,
        witnessed: Vec::new(),
    })
}

/// Where an original stands in the bag.
pub(super) fn evidence_path(number: &str, path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    format!("data/evidence/{number}/{}", safe_name(name))
}

/// Where the proof of an item stands in the bag.
pub(super) fn item_proof_path(number: &str) -> String {
    format!("data/proofs/items/{number}.json")
}

/// Writes proofs of events and items, keys and inventories. Returns the worked example: first item proof, and the proof of the event it rests on.
fn write_proofs(repo: &Repository, bag: &mut Bag, package: &Package) -> Result<Option<(String, String, String)>> {
    let mut story = Vec::new();
    let mut received_proof = None;
    for told in &package.events {
        let position = told.stored.position;
        let text = prove_in(repo, &told.stored, told.withhold_detail, &told.head)?;
        let path = told.proof_path();
        bag.add_text(&path, "text/plain", &format!("Proof of entry {} of the {} log", position.index, position.log.name()), &text)?;
        if position == package.received.position {
            received_proof = Some((text, path));
        }
        let value = serde_json::json!({
            "log": told.log_name(), "index": position.index, "opening": opening(&told.head, &told.stored, told.withhold_detail).to_value(),
        });
        story.extend(value.to_string().into_bytes());
        story.push(b'\n');
    }
    bag.add_text("data/provenance/events.jsonl", "application/jsonl", "Every event about what is in this folder, opened", story)?;

    let (text, path) = received_proof.ok_or_else(|| Error::internal("the event that received the accession is not among its events"))?;
    let origin = package.events.iter().find(|told| told.stored.position == package.received.position).map(|told| told.head.origin.clone()).unwrap_or_default();
    let mut example = None;
    for item in &package.items {
        let proof = item_proof(package, item, &origin)?;
        bag.add_text(&item_proof_path(&item.number), "application/json", &format!("Proof that the line of {} was received", item.number), &proof)?;
        example.get_or_insert_with(|| (proof, text.clone(), path.clone()));
    }
    for (log, head) in &package.heads {
        let name = if head.generation == 1 { log.name().to_owned() } else { format!("{}.{}", log.name(), head.generation) };
        let key = repo.verifier_keys_of(head.generation, *log)?.into_bytes();
        bag.add_text(&format!("data/proofs/keys/{name}.vkey"), "text/plain", &format!("Verifier keys of the {} log", log.name()), key)?;
    }
    if let Event::AccessionReceived(received, _) = &package.received.event {
        let used: HashSet<_> = package.items.iter().map(|item| item.object).collect();
        for object in received.objects.iter().filter(|object| used.contains(&object.id)) {
            for file in ["inventory.json", "inventory.json.sha512"] {
                let bytes = repo.blobs.root().need(&format!("{}/{file}", repo.blobs.object(object.id)))?;
                bag.add_text(
                    &format!("data/proofs/objects/{}/{file}", object.id),
                    "application/json",
                    "Inventory of the sealed object the event commits to",
                    bytes,
                )?;
            }
        }
    }
    Ok(example)
}

fn item_proof(package: &Package, item: &crate::item::Item, origin: &str) -> Result<String> {
    let path = package.tree.inclusion_path(item.line_index).ok_or_else(|| Error::internal("an item's line is not in its manifest"))?;
    let value = serde_json::json!({
        "item_proof": "sago-item-proof/1", "event_index": package.received.position.index, "log": origin, "line": item.text,
        "line_index": item.line_index, "line_count": package.tree.len(), "path": path.iter().map(|hash| hash.to_hex()).collect::<Vec<_>>(),
    });
    Ok(value.to_string())
}

/// A time-stamp folder in the package: log id, size, names of its files.
pub(super) struct StampFolder {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) names: Vec<String>,
}

fn write_stamps(repo: &Repository, bag: &mut Bag, package: &Package) -> Result<Vec<StampFolder>> {
    let mut folders = Vec::new();
    for (id, size, folder) in stamp_folders(repo, package)? {
        let names: Vec<String> = folder.list("")?.into_iter().map(|child| child.name).collect();
        for name in &names {
            bag.add_text(
                &format!("data/stamps/{id}/{size}/{name}"),
                "application/octet-stream",
                "Time-stamp over a checkpoint of the log",
                folder.need(name)?,
            )?;
        }
        folders.push(StampFolder { path: format!("data/stamps/{id}/{size}"), size, names });
    }
    Ok(folders)
}

/// The log's word in the descriptions.
pub(super) fn described_log(log: Log) -> sago_packages::describe::Log {
    match log {
        Log::Custody => sago_packages::describe::Log::Custody,
        Log::Access => sago_packages::describe::Log::Access,
    }
}
