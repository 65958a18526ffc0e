//! Copying files from one shelf to another, so that a second run sends only what is missing.
//!
//! Each file appears whole or not at all. What the files mean, and whether they are sound, is judged by whoever asks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, IoContext, Result};
use crate::store::durable;
use crate::store::shelf::Shelf;

/// Files up to this length are read whole and written together. Bytes.
const SMALL: u64 = 1 << 20;

/// Small files written together; all of them are durable before the next.
const BATCH: usize = 256;

/// How far a copy is; read by whoever shows progress.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files looked at.
    pub files: AtomicU64,
    /// Bytes of those.
    pub bytes: AtomicU64,
}

/// How a file that is at the target already is compared with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Never changes: one of the same length is the same; its bytes are judged later by what vouches for them.
    Fixed,
    /// Small, and may change: compared, and replaced.
    Changing,
}

/// What was sent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Files that were not there.
    pub files: u64,
    /// Bytes of those.
    pub bytes: u64,
}

/// Copies the files that `rule` does not pass over; those that `last` names are sent after all others, in the order of their numbers.
///
/// `spool` is a folder on this machine for large files that go from one bucket to another.
pub(crate) fn transfer(
    from: &Shelf,
    to: &Shelf,
    rule: impl Fn(&str) -> Option<Rule>,
    last: impl Fn(&str) -> usize,
    spool: &Path,
    progress: &Progress,
) -> Result<Sent> {
    let there: BTreeMap<String, u64> = to.walk("")?.into_iter().collect();
    let mut waiting: Vec<(usize, String, u64, Rule)> = Vec::new();
    for (path, length) in from.walk("")? {
        let Some(rule) = rule(&path) else { continue };
        progress.files.fetch_add(1, Ordering::Relaxed);
        progress.bytes.fetch_add(length, Ordering::Relaxed);
        if rule == Rule::Fixed && there.get(&path) == Some(&length) {
            continue;
        }
        waiting.push((last(&path), path, length, rule));
    }
    waiting.sort_by(|one, two| (one.0, &one.1).cmp(&(two.0, &two.1)));
    let mut sent = Sent::default();
    let mut batch: Vec<(String, Vec<u8>)> = Vec::new();
    let mut rank = 0;
    for (order, path, length, rule) in waiting {
        if order != rank || batch.len() >= BATCH {
            rank = order;
            to.write_all(std::mem::take(&mut batch))?;
        }
        if length > SMALL && rule == Rule::Fixed {
            send_large(from, to, &path, spool)?;
        } else {
            let bytes = from.need(&path)?;
            if rule == Rule::Changing && there.contains_key(&path) && to.read(&path)?.as_deref() == Some(bytes.as_slice()) {
                continue;
            }
            batch.push((path, bytes));
        }
        sent.files += 1;
        sent.bytes += length;
    }
    to.write_all(batch)?;
    Ok(sent)
}

/// Sends one file of any length.
pub(crate) fn send_large(from: &Shelf, to: &Shelf, path: &str, spool: &Path) -> Result<()> {
    if let Some(folder) = from.folder() {
        return to.upload(path, &folder.join(path));
    }
    durable::create_dir_all(spool)?;
    let passing = spool.join(format!("passing-{}", uuid::Uuid::new_v4()));
    let fetched = fetch(from, path, &passing).and_then(|()| to.upload(path, &passing));
    match std::fs::remove_file(&passing) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).doing("Could not remove", &passing),
        _ => {}
    }
    fetched
}

fn fetch(from: &Shelf, path: &str, passing: &Path) -> Result<()> {
    let (mut source, length) = from.open(path)?.ok_or_else(|| Error::corrupt(format!("{} is missing.", from.show(path))))?;
    let mut file = File::options().write(true).create_new(true).open(passing).doing("Could not create", passing)?;
    let written = io::copy(&mut source.by_ref(), &mut file).doing("Could not fetch", Path::new(&from.show(path)))?;
    if written != length {
        return Err(Error::corrupt(format!("{} ended after {written} of {length} bytes.", from.show(path))));
    }
    Ok(())
}

/// Removes files that the source does not have: only from a copy that follows it.
pub(crate) fn remove_others(from: &Shelf, to: &Shelf) -> Result<()> {
    let wanted: std::collections::BTreeSet<String> = from.walk("")?.into_iter().map(|(path, _)| path).collect();
    for (path, _) in to.walk("")? {
        if !wanted.contains(&path) {
            to.erase(&path)?;
        }
    }
    Ok(())
}

/// Where a file of a storage root stands in the order in which an object is made: its root inventory and sidecar come last.
pub(crate) fn order_in_store(path: &str) -> usize {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_version = path.ends_with("/v1/inventory.json") || path.ends_with("/v1/inventory.json.sha512");
    match name {
        _ if is_version => 1,
        "0=ocfl_object_1.1" => 2,
        "inventory.json" => 3,
        "inventory.json.sha512" => 4,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_sends_what_is_missing_and_what_may_change() {
        let (one, two, spool) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (from, to) = (Shelf::from(one.path()), Shelf::from(two.path()));
        from.write("a/inventory.json", b"{}").unwrap();
        from.write("a/v1/content/1", &vec![7; 3 << 20]).unwrap();
        from.write("head", b"one").unwrap();
        let rule = |path: &str| Some(if path == "head" { Rule::Changing } else { Rule::Fixed });
        let run = || transfer(&from, &to, rule, order_in_store, spool.path(), &Progress::default()).unwrap();
        assert_eq!(run(), Sent { files: 3, bytes: (3 << 20) + 5 });
        assert_eq!(run(), Sent::default());
        from.write("head", b"two").unwrap();
        assert_eq!(run(), Sent { files: 1, bytes: 3 });
        assert_eq!(to.read("a/v1/content/1").unwrap().unwrap().len(), 3 << 20);
        to.write("other", b"x").unwrap();
        remove_others(&from, &to).unwrap();
        assert_eq!(to.read("other").unwrap(), None);
    }
}
