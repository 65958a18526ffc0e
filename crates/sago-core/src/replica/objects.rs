//! Objects of a replica: sent, held against each other, and fetched again, always by the digests that their inventories commit to.
//!
//! A file that is not what its inventory says is never sent on, in neither direction.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;

use sago_packages::Algorithm;
use sago_verify::{Finding, codes};
use sha2::{Digest, Sha512};
use uuid::Uuid;

use super::Progress;
use super::site::Site;
use crate::error::{Error, IoContext, Result};
use crate::store::blobs::Blobs;
use crate::store::durable;
use crate::store::shelf::Shelf;
use std::sync::atomic::Ordering;

/// Files up to this length are read whole. Bytes.
const SMALL: u64 = 1 << 20;

/// Small files written together.
const BATCH: usize = 256;

/// An object that was received, and the SHA-512 of its inventory as the log commits to it.
pub(super) type Received = (Uuid, String);

/// What holding both sides against each other found and did.
#[derive(Debug, Default)]
pub struct Held {
    /// Files fetched from the replica, because the repository's were missing or damaged.
    pub fetched: Vec<String>,
    /// Files sent to the replica, because its were missing or damaged.
    pub sent: Vec<String>,
    /// What is damaged on a side, or on both.
    pub findings: Vec<Finding>,
}

/// The files of an object with the SHA-512 that each must have; none when the inventory is not the one that was received.
fn files_of(store: &Shelf, object: &str, inventory_sha512: &str) -> Result<Option<Vec<(String, String)>>> {
    let Some(bytes) = store.read(&format!("{object}/inventory.json"))? else { return Ok(None) };
    if Algorithm::Sha512.hash(&bytes) != inventory_sha512 {
        return Ok(None);
    }
    let bad = || Error::corrupt(format!("{} cannot be understood.", store.show(&format!("{object}/inventory.json"))));
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    let mut files = Vec::new();
    for (digest, paths) in value.get("manifest").and_then(serde_json::Value::as_object).ok_or_else(bad)? {
        for path in paths.as_array().ok_or_else(bad)? {
            files.push((path.as_str().ok_or_else(bad)?.to_owned(), digest.to_ascii_lowercase()));
        }
    }
    files.sort();
    let sidecar = Algorithm::Sha512.hash(sago_packages::ocfl::write::sidecar_text(&bytes).as_bytes());
    // In the order in which an object is made: with the last of them it is there.
    for (path, sha512) in [
        ("v1/inventory.json", inventory_sha512),
        ("v1/inventory.json.sha512", sidecar.as_str()),
        ("0=ocfl_object_1.1", &Algorithm::Sha512.hash(b"ocfl_object_1.1\n")),
        ("inventory.json", inventory_sha512),
        ("inventory.json.sha512", sidecar.as_str()),
    ] {
        files.push((path.to_owned(), sha512.to_owned()));
    }
    Ok(Some(files))
}

/// SHA-512 of a file; none when it is not there.
fn sha512_of(shelf: &Shelf, path: &str, progress: &Progress) -> Result<Option<String>> {
    let Some((mut source, length)) = shelf.open(path)? else { return Ok(None) };
    progress.files.fetch_add(1, Ordering::Relaxed);
    progress.bytes.fetch_add(length, Ordering::Relaxed);
    let mut hash = Sha512::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = source.read(&mut buffer).doing("Could not read", Path::new(&shelf.show(path)))?;
        if count == 0 {
            return Ok(Some(hex::encode(hash.finalize())));
        }
        hash.update(&buffer[..count]);
    }
}

/// Sends one file if its bytes have the digest; says whether they had. The name must be free.
fn send_checked(from: &Shelf, to: &Shelf, path: &str, sha512: &str, spool: &Path) -> Result<bool> {
    let Some((mut source, length)) = from.open(path)? else { return Ok(false) };
    let show = from.show(path);
    if length <= SMALL {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).doing("Could not read", Path::new(&show))?;
        let is_same = Algorithm::Sha512.hash(&bytes) == sha512;
        return if is_same { to.write(path, &bytes).map(|()| true) } else { Ok(false) };
    }
    let target = to.folder().map_or_else(|| spool.join(format!("passing-{}", Uuid::new_v4())), |folder| folder.join(path));
    durable::create_dir_all(target.parent().unwrap_or(spool))?;
    let mut file = durable::Unnamed::create(&target)?;
    let mut hash = Sha512::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = source.read(&mut buffer).doing("Could not read", Path::new(&show))?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        file.writer().write_all(&buffer[..count]).doing("Could not write", &target)?;
    }
    if hex::encode(hash.finalize()) != sha512 {
        return Ok(false);
    }
    file.finish()?;
    if to.folder().is_none() {
        let sent = to.upload(path, &target);
        std::fs::remove_file(&target).doing("Could not remove", &target)?;
        sent?;
    }
    Ok(true)
}

fn damaged(side: &str, object: Uuid, path: &str) -> Finding {
    Finding::new(
        &codes::CONTENT_DIFFERS,
        format!("{side}store/urn:uuid:{object}/{path}"),
        "It is not the file that its inventory names, or it is missing. It was not sent on.",
    )
}

/// Sends the objects that the replica lacks. An object of which one file is damaged here stays incomplete there, without its inventory.
pub(super) fn send_missing(ours: &Shelf, site: &Site, received: &[Received], spool: &Path, progress: &Progress) -> Result<(u64, u64, Vec<Finding>)> {
    let there: BTreeMap<String, u64> = site.store.walk("")?.into_iter().collect();
    let blobs = Blobs::open(ours)?;
    let (mut files, mut bytes, mut findings) = (0, 0, Vec::new());
    for (id, inventory_sha512) in received {
        let object = blobs.object(*id);
        if there.contains_key(&format!("{object}/inventory.json.sha512")) {
            continue;
        }
        let Some(listed) = files_of(ours, &object, inventory_sha512)? else {
            findings.push(Finding::new(
                &codes::OBJECT_INVENTORY,
                format!("store/urn:uuid:{id}"),
                "Its inventory is missing or not the one that was received. Nothing of it was sent.",
            ));
            continue;
        };
        let mut is_whole = true;
        let mut batch = Vec::new();
        let content = listed.len() - 5;
        for (at, (path, sha512)) in listed.iter().enumerate() {
            if at >= content && !is_whole {
                break;
            }
            let name = format!("{object}/{path}");
            let length = ours.length(&name)?;
            if at < content && length.is_some() && there.get(&name).copied() == length {
                continue;
            }
            // What an interruption left has another length, and nobody vouches for it.
            if there.contains_key(&name) {
                site.store.erase(&name)?;
            }
            if at < content && length.is_some_and(|length| length <= SMALL) {
                match ours.read(&name)? {
                    Some(whole) if Algorithm::Sha512.hash(&whole) == *sha512 => batch.push((name, whole)),
                    _ => {
                        is_whole = false;
                        findings.push(damaged("", *id, path));
                        continue;
                    }
                }
                if batch.len() >= BATCH {
                    site.store.write_all(std::mem::take(&mut batch))?;
                }
            } else {
                site.store.write_all(std::mem::take(&mut batch))?;
                if !send_checked(ours, &site.store, &name, sha512, spool)? {
                    is_whole = false;
                    findings.push(damaged("", *id, path));
                    continue;
                }
            }
            files += 1;
            bytes += length.unwrap_or(0);
            progress.files.fetch_add(1, Ordering::Relaxed);
            progress.bytes.fetch_add(length.unwrap_or(0), Ordering::Relaxed);
        }
        site.store.write_all(batch)?;
    }
    Ok((files, bytes, findings))
}

/// Reads every object on both sides and compares each file with its inventory; with `repair`, fetches what is damaged on one side from the
/// other. Damaged bytes are kept beside, in `damaged/`: how they were altered may be evidence.
pub(super) fn hold(ours: &Shelf, site: &Site, received: &[Received], repair: Option<&Aside<'_>>, progress: &Progress) -> Result<Held> {
    let blobs = Blobs::open(ours)?;
    let mut held = Held::default();
    for (id, inventory_sha512) in received {
        let object = blobs.object(*id);
        let here = files_of(ours, &object, inventory_sha512)?;
        let listed = match here {
            Some(listed) => Some(listed),
            None => files_of(&site.store, &object, inventory_sha512)?,
        };
        let Some(listed) = listed else {
            held.findings.push(Finding::new(
                &codes::OBJECT_INVENTORY,
                format!("store/urn:uuid:{id}"),
                "Its inventory is missing or altered, here and in the replica.",
            ));
            continue;
        };
        for (path, sha512) in &listed {
            let name = format!("{object}/{path}");
            let is_good_here = sha512_of(ours, &name, progress)?.as_ref() == Some(sha512);
            let is_good_there = sha512_of(&site.store, &name, progress)?.as_ref() == Some(sha512);
            let (from, to, side) = match (is_good_here, is_good_there) {
                (true, true) => continue,
                (true, false) => (ours, &site.store, "replica/"),
                (false, true) => (&site.store, ours, ""),
                (false, false) => {
                    held.findings.push(damaged("", *id, path));
                    held.findings.push(damaged("replica/", *id, path));
                    continue;
                }
            };
            let Some(aside) = repair else {
                held.findings.push(damaged(side, *id, path));
                continue;
            };
            aside.keep(to, if side.is_empty() { &aside.here } else { &aside.there }, &name)?;
            if send_checked(from, to, &name, sha512, aside.spool)? {
                let told = format!("{side}store/urn:uuid:{id}/{path}");
                if side.is_empty() { held.fetched.push(told) } else { held.sent.push(told) }
            } else {
                held.findings.push(damaged(side, *id, path));
            }
        }
    }
    Ok(held)
}

/// Where damaged bytes are kept.
pub(super) struct Aside<'a> {
    pub(super) here: Shelf,
    pub(super) there: Shelf,
    pub(super) spool: &'a Path,
}

impl Aside<'_> {
    /// Moves a damaged file out of the way.
    fn keep(&self, shelf: &Shelf, aside: &Shelf, path: &str) -> Result<()> {
        if shelf.length(path)?.is_none() {
            return Ok(());
        }
        match (shelf.folder(), aside.folder()) {
            (Some(from), Some(to)) => {
                let (from, to) = (from.join(path), to.join(path));
                durable::create_dir_all(to.parent().unwrap_or(&to))?;
                // Another disk cannot take it by its name.
                if std::fs::rename(&from, &to).is_err() {
                    std::fs::copy(&from, &to).doing("Could not keep", &to)?;
                    std::fs::remove_file(&from).doing("Could not remove", &from)?;
                }
                Ok(())
            }
            _ => {
                crate::store::transfer::send_large(shelf, aside, path, self.spool)?;
                shelf.erase(path)
            }
        }
    }
}
