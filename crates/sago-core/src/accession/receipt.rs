//! The receipt: what was received, every digest, everything that could not be read, and a proof (docs/formats.md section 11).

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde_json::json;

use crate::accession::manifest::{Line, Manifest};
use crate::accession::{Accession, read_manifest};
use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::ledger::event::{Event, Log};
use crate::ledger::proof::{prove, read_event};
use crate::ledger::sequencer;
use crate::repository::Repository;
use crate::store::durable;

/// Writes the receipt of an accession into a new folder.
pub async fn write_receipt(repo: &Repository, ctx: &Ctx, name: &str, output: &Path) -> Result<Accession> {
    ctx.require(Right::See)?;
    repo.require_live()?;
    if output.exists() {
        return Err(Error::conflict(format!("{} exists already.", output.display())).hint("Name a folder that does not exist: nothing is overwritten."));
    }
    repo.places.refuse_inside(output)?;
    let accession = super::find(repo, name).await?;
    let Some((generation, index)) = accession.received else {
        return Err(Error::conflict(format!("{} has not been received: its state is “{}”.", accession.number, accession.status)));
    };
    let stored = read_event(repo, Log::Custody, generation, index).await?;
    let Event::AccessionReceived(received, Some(detail)) = &stored.event else {
        return Err(Error::new(ErrorKind::Forbidden, format!("The unit of {} is sealed or destroyed: its receipt cannot be written.", accession.number)));
    };
    let objects: Vec<_> = received.objects.iter().map(|object| object.id).collect();
    let manifest = read_manifest(repo, accession.unit, &objects)?.ok_or_else(|| Error::internal("The unit is open and its manifest is not."))?;
    if manifest.root()?.to_hex() != detail.manifest_root {
        return Err(Error::corrupt(format!("The manifest of {} is not the one that was received.", accession.number)).hint("Run `sago verify`."));
    }
    let origin = sequencer::head(&repo.locks(), Log::Custody, generation).await?.origin;
    let summary = json!({
        "receipt": "sago-receipt/1", "accession": accession.number, "log": origin, "event_index": index, "manifest": "manifest.jsonl",
        "proof": "receipt.tlog-proof", "key": "custody.vkey", "title": accession.title, "contributor": accession.contributor,
        "received_at": accession.line.as_ref().map(|line| &line.received_at), "items": accession.items, "bytes": accession.bytes,
        "not_taken": accession.not_taken, "manifest_root": detail.manifest_root,
    });
    let key_text = repo.verifier_keys_of(generation, Log::Custody)?.into_bytes();
    let text = receipt_text(&accession, &manifest, &origin, index, &key_text)?;
    durable::create_dir_all(output)?;
    let pretty = serde_json::to_string_pretty(&summary).map_err(|error| Error::internal(error.to_string()))?;
    for (file, bytes) in [
        ("receipt.txt", text.into_bytes()),
        ("receipt.json", format!("{pretty}\n").into_bytes()),
        ("receipt.tlog-proof", prove(repo, &stored, false).await?.into_bytes()),
        ("custody.vkey", key_text),
    ] {
        durable::write(&output.join(file), &bytes)?;
    }
    let path = output.join("manifest.jsonl");
    durable::write_with(&path, |file| {
        let mut file = BufWriter::with_capacity(1 << 18, file);
        manifest.write_to(&mut file, &path)?;
        file.flush().doing("Could not write", &path)
    })?;
    Ok(accession)
}

/// The receipt to print: what could not be read stands first.
fn receipt_text(accession: &Accession, manifest: &Manifest, origin: &str, index: u64, key: &[u8]) -> Result<String> {
    let mut text = String::new();
    let line = accession.line.as_ref().ok_or_else(|| Error::internal("A received accession has no first line."))?;
    let mut put = |line: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        let _ = text.write_fmt(line);
        text.push('\n');
    };
    put(format_args!("RECEIPT                                                {}", line.label));
    put(format_args!("{}   {}", line.number, line.title));
    put(format_args!("From       {}", line.contributor));
    if let Some(agreement) = &line.agreement {
        put(format_args!("Agreement  {agreement}"));
    }
    for condition in &line.conditions {
        put(format_args!("Condition  {condition}"));
    }
    put(format_args!("Received   {} by {}", line.received_at, line.received_by));
    put(format_args!("Items      {} ({} bytes); {} more were seen and could not be taken", accession.items, accession.bytes, accession.not_taken));
    put(format_args!("Log        {origin}, entry {index}"));
    put(format_args!("Log's key  SHA-256 of custody.vkey {}", sago_packages::Algorithm::Sha256.hash(key)));
    put(format_args!("Manifest   {} lines, root {}", manifest.len(), manifest.root()?.to_hex()));
    put(format_args!("\nNOT TAKEN, AND THINGS TO KNOW"));
    let mut any = false;
    for line in manifest.lines() {
        if let Line::Finding(finding) = Line::read(&line?)? {
            any = true;
            let mark = if super::finding::is_file_not_taken(&finding) { "NOT TAKEN" } else { "note" };
            put(format_args!("  {mark}  {}  {}  {}\n      {}", finding.code, finding.item.as_deref().unwrap_or(""), finding.path, finding.message));
        }
    }
    if !any {
        put(format_args!("  Nothing: every file that was seen was taken, and there is nothing to remark."));
    }
    put(format_args!("\nITEMS"));
    for line in manifest.lines() {
        if let Line::Item(item) = Line::read(&line?)? {
            put(format_args!("  {}  {} bytes  {}", item.number, item.bytes, item.path));
            put(format_args!("      SHA-256 {}", item.sha256));
            put(format_args!("      SHA-512 {}", item.sha512));
            match item.sender.as_str() {
                "no-list" => {}
                "match" => put(format_args!("      The sender's list gives the same digest.")),
                "mismatch" => put(format_args!("      THE SENDER'S LIST GIVES ANOTHER DIGEST.")),
                _ => put(format_args!("      The sender's list does not name this file.")),
            }
            if let Some(first) = &item.duplicate_of {
                put(format_args!("      The same bytes as {first}; stored once."));
            }
        }
    }
    put(format_args!(
        "\nHOW TO CHECK THIS RECEIPT\n  sago-verify FOLDER --key KEY   (or: python3 sago_verify.py FOLDER --key KEY)\n  KEY is the verifier key of the repository's log, which you should have from elsewhere;\n  custody.vkey beside this file is a copy of it."
    ));
    Ok(text)
}
