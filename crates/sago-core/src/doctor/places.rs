//! Folders: that they are there, apart, closed to others, on the right disk, and that the disk has room.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use uuid::Uuid;

use super::Visit;
use crate::settings::Places;
use crate::store::shelf::Shelf;

/// Less free than this is too little, whatever the disk's size.
const LEAST_FREE_BYTES: u64 = 1 << 30;

/// Less free than this share of the disk is too little. Percent.
const LEAST_FREE_PERCENT: u64 = 5;

pub(super) fn places(visit: &mut Visit, places: &Places) {
    folders(visit, places);
    staging(visit, places);
    permissions(visit, places);
    space(visit, places);
}

fn folders(visit: &mut Visit, places: &Places) {
    let missing: Vec<String> = needed(places).iter().filter(|path| !path.is_dir()).map(|path| path.display().to_string()).collect();
    for shelf in [&places.store, &places.vault, &places.log, &places.stamps] {
        if let Shelf::Bucket(bucket) = shelf {
            match shelf.list("") {
                Ok(_) => visit.well("buckets", format!("{bucket} answers.")),
                Err(error) => visit.error("buckets", error),
            }
        }
    }
    // Places were refused before this when it is otherwise.
    visit.well("apart", "Vault and keys lie apart from the storage root.");
    if missing.is_empty() {
        visit.well("folders", "All folders are there.");
    } else {
        visit.broken("folders", format!("Missing: {}.", missing.join(", ")), "Mount the disk that holds it, or correct [paths] in sago.toml.");
    }
}

/// A deposit is put in place by renaming, which works only within one mount. Renaming what does not exist shows it and changes nothing.
fn staging(visit: &mut Visit, places: &Places) {
    let Some(store) = places.store.folder() else { return };
    let name = format!(".sago-{}", Uuid::new_v4());
    match fs::rename(places.staging.join(&name), store.join(&name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && places.staging.is_dir() && store.is_dir() => {
            visit.well("staging", "Staging and storage root are on one file system.");
        }
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => visit.broken(
            "staging",
            "Staging and storage root are on different file systems: no deposit can be put in place.",
            "Put the storage root and the folder `staging` on one mount.",
        ),
        Err(error) => visit.broken("staging", format!("Staging or storage root cannot be used: {error}."), "Look at the folders and their permissions."),
        // Nothing can have been renamed: the name was never there.
        Ok(()) => visit.well("staging", "Staging and storage root are on one file system."),
    }
}

fn permissions(visit: &mut Visit, places: &Places) {
    let mut open = Vec::new();
    let closed = [places.vault.folder(), Some(&places.keys), Some(&places.lock)];
    for path in closed.into_iter().flatten() {
        if let Ok(found) = fs::metadata(path)
            && found.permissions().mode() & 0o077 != 0
        {
            open.push(path.display().to_string());
        }
    }
    if open.is_empty() {
        visit.well("permissions", "Vault, keys and lock are closed to other users of the machine.");
    } else {
        visit.needs_you("permissions", format!("Open to other users of the machine: {}.", open.join(", ")), format!("chmod 700 {}", open.join(" ")));
    }
}

fn space(visit: &mut Visit, places: &Places) {
    let database = (!places.database.contains("://")).then(|| Path::new(&places.database).parent().unwrap_or(&places.root));
    let mut disks: BTreeMap<u64, &Path> = BTreeMap::new();
    for path in places.folders().into_iter().chain(database) {
        if let Ok(found) = fs::metadata(path) {
            disks.entry(found.dev()).or_insert(path);
        }
    }
    for path in disks.values() {
        match rustix::fs::statvfs(*path) {
            Ok(disk) => {
                let (free, all) = (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize).max(1));
                let percent = (u128::from(free) * 100 / u128::from(all)) as u64;
                let message = format!("{} free under {} ({percent} %).", gigabytes(free), path.display());
                if is_too_little(free, percent) {
                    visit.needs_you("space", message, "Make room before the next deposit: a full disk stops everything, though it loses nothing.");
                } else {
                    visit.well("space", message);
                }
            }
            Err(error) => visit.not_checked("space", format!("Room under {}: {error}.", path.display())),
        }
    }
}

/// Folders without which nothing works.
fn needed(places: &Places) -> Vec<&Path> {
    let shelves = [&places.store, &places.vault, &places.log].into_iter().filter_map(Shelf::folder);
    // A database on a server keeps the locks itself.
    let lock = (!places.database.contains("://")).then_some(places.lock.as_path());
    [places.keys.as_path(), &places.staging].into_iter().chain(lock).chain(shelves).collect()
}

pub(super) fn is_too_little(free_bytes: u64, percent: u64) -> bool {
    free_bytes < LEAST_FREE_BYTES || percent < LEAST_FREE_PERCENT
}

fn gigabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    format!("{}.{} GB", tenths / 10, tenths % 10)
}
