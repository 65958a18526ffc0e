//! Finishing the OCFL objects of a deposit in staging: manifest, keycheck, description, inventory.

use std::collections::HashSet;
use std::path::Path;

use sago_packages::Algorithm;
use sago_packages::ocfl::write as ocfl;
use uuid::Uuid;

use crate::accession::describe::Content;
use crate::accession::manifest::Manifest;
use crate::accession::staging::Staging;
use crate::ctx::{Ctx, time_text};
use crate::error::{Error, IoContext, Result};
use crate::key::seal_bytes;
use crate::ledger::event::ObjectRef;
use crate::repository::Repository;
use crate::store::blobs::urn;
use crate::store::{durable, fault};

/// Finishes the OCFL objects in staging: manifest, keycheck, description, inventory. Returns what the log commits to.
pub(super) async fn build_objects(
    repo: &Repository,
    ctx: &Ctx,
    staging: &Staging,
    objects: &[Uuid],
    contents: &[Content],
    manifest: &Manifest,
) -> Result<Vec<ObjectRef>> {
    let unit = staging.plan.unit;
    let recipient = repo.keyring().recipient(unit)?;
    let origin = crate::ledger::sequencer::head(&repo.locks(), crate::ledger::event::Log::Custody, repo.keyring().signing().generation).await?.origin;
    // Every object holds its share of the lines, in order.
    let lines_per_part = usize::try_from(manifest.len()).unwrap_or(usize::MAX).div_ceil(objects.len());
    let mut lines = manifest.lines();
    staging.keep_manifest(repo.keyring(), manifest)?;
    let mut references = Vec::with_capacity(objects.len());
    for (part, object) in objects.iter().enumerate() {
        let folder = staging.object(part as u64);
        let mut text = Vec::new();
        for line in lines.by_ref().take(lines_per_part) {
            text.extend_from_slice(line?.as_bytes());
            text.push(b'\n');
        }
        let mut keycheck = [0_u8; 32];
        crate::key::fill_random(&mut keycheck)?;
        let description = serde_json::json!({
            "accession": staging.plan.accession.to_string(), "kind": "accession", "log": origin, "object": "sago-object/1", "units": [unit.to_string()],
        });
        let small = [
            (format!("m/{unit}.manifest.age"), seal_bytes(&[&recipient], &text)?),
            (format!("m/{unit}.keycheck.age"), seal_bytes(&[&recipient], &keycheck)?),
            ("m/object.json".to_owned(), format!("{description}\n").into_bytes()),
        ];
        let mut files: Vec<ocfl::NewFile> = contents
            .iter()
            .filter_map(|content| {
                let (lies_in, logical_path) = content.place();
                (lies_in == part as u64).then(|| ocfl::NewFile { logical_path, sha512: content.sha512(), sha256: content.sha256() })
            })
            .collect();
        remove_others(&folder.join("v1/content"), &files)?;
        for (path, bytes) in &small {
            write_plain(&folder.join("v1/content").join(path), bytes)?;
            files.push(ocfl::NewFile { logical_path: path.clone(), sha512: Algorithm::Sha512.hash(bytes), sha256: Algorithm::Sha256.hash(bytes) });
        }
        let info =
            ocfl::VersionInfo { created: time_text(ctx.now()), message: "Received".to_owned(), user_name: ctx.agent.to_string(), user_address: urn(ctx.agent) };
        let refused = |error: sago_packages::Error| Error::internal(format!("The inventory cannot be written: {error}"));
        let inventory = ocfl::first_version(&urn(*object), info, &files).map_err(refused)?;
        let bytes = ocfl::inventory_bytes(&inventory);
        let sidecar = ocfl::sidecar_text(&bytes);
        let (declaration, declared) = ocfl::OBJECT_DECLARATION;
        for (path, bytes) in [
            ("v1/inventory.json", bytes.as_slice()),
            ("v1/inventory.json.sha512", sidecar.as_bytes()),
            ("inventory.json", bytes.as_slice()),
            ("inventory.json.sha512", sidecar.as_bytes()),
            (declaration, declared.as_bytes()),
        ] {
            write_plain(&folder.join(path), bytes)?;
        }
        remove_empty(&folder.join("v1/content/o"))?;
        references.push(ObjectRef { id: *object, inventory_sha512: Algorithm::Sha512.hash(&bytes) });
    }
    durable::sync_filesystem(&staging.folder)?;
    Ok(references)
}

/// Writes a file of the object; made durable with all others by one flush at the end.
fn write_plain(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    if let Some(parent) = path.parent() {
        durable::create_dir_all(parent)?;
    }
    let mut file = durable::create_anew(path)?;
    fault::Writing(&mut file).write_all(bytes).doing("Could not write", path)
}

/// Removes sealed files that no item refers to: of duplicates, and of files that changed between an interruption and its resumption.
fn remove_others(content: &Path, files: &[ocfl::NewFile]) -> Result<()> {
    let wanted: HashSet<&str> = files.iter().map(|file| file.logical_path.as_str()).collect();
    let folder = content.join("o");
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(&folder).doing("Could not list", &folder)? {
        let entry = entry.doing("Could not list", &folder)?;
        if !wanted.contains(format!("o/{}", entry.file_name().to_string_lossy()).as_str()) {
            durable::remove_file(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a folder that holds nothing: OCFL forbids empty folders (E024).
fn remove_empty(folder: &Path) -> Result<()> {
    let is_empty = folder.is_dir() && std::fs::read_dir(folder).doing("Could not list", folder)?.next().is_none();
    if is_empty {
        durable::remove_dir_all(folder)?;
    }
    Ok(())
}
