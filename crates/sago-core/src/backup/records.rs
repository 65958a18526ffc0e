//! Copies the records (storage root, logs with their payload, time-stamps, settings) and tests the copy.
//!
//! The copy stands under one head of both logs: tiles and payload are taken while nobody can sign, what is stored is copied after that,
//! and the signed checkpoints come last. Keys, vault, lock, staging and database are never touched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sago_ledger::merkle::root_at;
use sago_ledger::source::TileReader;
use sago_ledger::tile::{CHECKPOINT, TilePath};
use sago_verify::{Finding, Report, codes};
use sqlx::Row;
use uuid::Uuid;

use super::copy::{Copied, Copier, Kind, remove_others};
use super::place::{RecordsNote, check_records};
use super::trial;
use super::{Progress, enter, known};
use crate::ctx::{Ctx, Right, time_text};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::ledger::event::Log;
use crate::ledger::rebuild::last_head;
use crate::ledger::sequencer::{self, Head, read_head};
use crate::ledger::{Position, signed};
use crate::repository::Repository;
use crate::settings::{Paths, Places, is_within};
use crate::store::durable;
use crate::store::shelf::Shelf;

/// A copy of the records that was made.
#[derive(Debug)]
pub struct Records {
    /// Id, as entered in the log.
    pub backup: Uuid,
    /// Where it is.
    pub folder: PathBuf,
    /// The head of the custody log under which it stands.
    pub custody: Head,
    /// The head of the access log.
    pub access: Head,
    /// Files in the copy.
    pub files: u64,
    /// Bytes in the copy.
    pub bytes: u64,
    /// Files that were not there before.
    pub new_files: u64,
    /// Bytes of those.
    pub new_bytes: u64,
    /// The test of the copy.
    pub report: Report,
    /// Where it was entered; nothing when the test failed.
    pub entered: Option<Position>,
}

/// Copies the records to a folder and tests the copy. A second run copies only what is new.
///
/// If we crash, the copy of the run before stands under its own checkpoints, and the next run goes on. The log speaks of the backup only
/// when its test passed.
pub async fn back_up_records(repo: &Repository, ctx: &Ctx, folder: &Path, progress: &Progress) -> Result<Records> {
    ctx.require(Right::Backup)?;
    let folder = std::path::absolute(folder).doing("Could not resolve", folder)?;
    let earlier = check_records(&repo.places, repo.settings.repository, &folder)?;
    for vault in known(repo).await?.into_iter().filter(|known| known.is_vault) {
        if is_within(&folder, &vault.folder)? || is_within(&vault.folder, &folder)? {
            return Err(Error::conflict(format!("The vault was copied to {}: the records must not lie with it.", vault.folder.display()))
                .hint("Name another folder, best on another medium. Nothing was written."));
        }
    }
    repo.integrate(ctx).await?;
    check_continued(repo, &Shelf::Disk(folder.join("log")), &folder.display().to_string()).await?;
    let mut note = RecordsNote {
        repository: repo.settings.repository,
        at: time_text(ctx.now()),
        is_complete: false,
        is_tested: false,
        is_replica: false,
        generation: 0,
        custody: String::new(),
        access: String::new(),
        files: 0,
        bytes: 0,
    };
    if earlier.is_none() {
        note.write(&folder)?;
    }
    let mut copier = Copier::new(progress);
    let snapshot = copy_logs(repo, &folder, &mut copier).await?;
    let (custody, access) = snapshot.newest()?;
    let objects = objects(repo, &custody).await?;
    let strangers = tokio::task::block_in_place(|| copy_store(repo, &folder, &mut copier, &objects))?;
    let copied = tokio::task::block_in_place(|| finish(repo, &folder, &snapshot, copier))?;
    note = RecordsNote {
        is_complete: true,
        generation: custody.generation,
        custody: custody.checkpoint.clone(),
        access: access.checkpoint.clone(),
        files: copied.files,
        bytes: copied.bytes,
        ..note
    };
    note.write(&folder)?;
    let mut report = tokio::task::block_in_place(|| trial::judge(&folder, &folder.join("log"), &snapshot.heads, ctx.now()))?;
    trial::judge_objects(&Shelf::Disk(folder.join("store")), &objects.received, &mut report)?;
    say(&copied, &strangers, &mut report);
    let backup = Uuid::new_v4();
    let mut entered = None;
    if report.is_sound() {
        RecordsNote { is_tested: true, ..note }.write(&folder)?;
        entered = Some(enter(repo, ctx, backup, "records", (copied.files, copied.bytes), &folder).await?);
    }
    Ok(Records {
        backup,
        folder,
        custody,
        access,
        files: copied.files,
        bytes: copied.bytes,
        new_files: copied.new_files,
        new_bytes: copied.new_bytes,
        report,
        entered,
    })
}

/// The logs as they were copied.
struct Snapshot {
    /// Heads of all generations, oldest first, the access log's before the custody log's.
    heads: Vec<Head>,
    /// Files of each log's tree, by generation and name of the log.
    tiles: BTreeMap<(u64, &'static str), BTreeSet<PathBuf>>,
}

impl Snapshot {
    /// Heads of the newest generation: custody, access.
    fn newest(&self) -> Result<(Head, Head)> {
        match self.heads.as_slice() {
            [.., access, custody] => Ok((custody.clone(), access.clone())),
            _ => Err(Error::corrupt("The repository has no log.")),
        }
    }
}

/// Copies tiles, payload and verifier keys while nobody can sign; not the checkpoints.
async fn copy_logs(repo: &Repository, folder: &Path, copier: &mut Copier<'_>) -> Result<Snapshot> {
    let places = &repo.places;
    let generations = sequencer::generations(places)?;
    let newest = generations.last().copied().unwrap_or(1);
    // Everybody else holds one of the two at a time, so that waiting for both ends.
    let locks = repo.locks();
    let access = locks.hold(Log::Access, newest).await?;
    let custody = locks.hold(Log::Custody, newest).await?;
    let mut snapshot = Snapshot { heads: Vec::new(), tiles: BTreeMap::new() };
    for generation in generations {
        let to = folder.join("log").join(generation.to_string());
        for log in Log::ALL {
            let head = last_head(places, &locks, log, generation).await?;
            let name = format!("{}.vkey", log.name());
            let tiles = tokio::task::block_in_place(|| {
                copier.shelved(&places.log, &format!("{generation}/{name}"), &to.join(&name), Kind::Fixed)?;
                let tree = sequencer::folder(places, generation, log);
                let tiles = copier.shelf(&tree, &to.join(log.name()), |path| is_in_tree(path, head.size).then_some(Kind::Fixed))?;
                let payload = sequencer::payload_folder(places, generation).below(log.name());
                copier.shelf(&payload, &to.join("payload").join(log.name()), |path| is_segment(path, head.size).then_some(Kind::Fixed))?;
                let witnessed = crate::witness::folder(places, generation, log);
                copier.shelf(&witnessed, &to.join("witness").join(log.name()), |_| Some(Kind::Changing))?;
                Ok::<_, Error>(tiles)
            })?;
            snapshot.tiles.insert((generation, log.name()), tiles);
            snapshot.heads.push(head);
        }
    }
    copier.flush()?;
    access.release().await?;
    custody.release().await?;
    Ok(snapshot)
}

/// Whether a file belongs to a tree of `size` entries, or stayed from a smaller one.
pub(crate) fn is_in_tree(path: &Path, size: u64) -> bool {
    let tile = path.to_str().and_then(TilePath::parse);
    tile.is_some_and(|tile| TilePath::in_tree(tile.kind, tile.index, size).is_some_and(|expected| tile.width <= expected.width))
}

/// Whether a payload segment holds entries below `size`.
pub(crate) fn is_segment(path: &Path, size: u64) -> bool {
    let name = path.to_str().filter(|name| name.ends_with(".age"));
    let first = name.and_then(|name| name.split_once('-')).and_then(|(first, _)| first.parse::<u64>().ok());
    first.is_some_and(|first| first < size)
}

/// What the repository knows of its objects, as of the copied head.
struct Objects {
    /// Those an entry under the head speaks of.
    entered: BTreeSet<Uuid>,
    /// Those received under the head, and their inventories.
    received: Vec<(Uuid, String)>,
    /// All that any entry speaks of, also after the head.
    known: BTreeSet<Uuid>,
    /// What lies in the storage root.
    stored: BTreeSet<Uuid>,
}

async fn objects(repo: &Repository, head: &Head) -> Result<Objects> {
    let altered = || Error::corrupt("An object's row was altered.").hint("Run `sago verify`, then `sago rebuild`.");
    let id = |text: &str| Uuid::parse_str(text).map_err(|_| altered());
    let entered: Vec<String> = sqlx::query_scalar(
        "SELECT s.subject FROM event_subjects s JOIN events e ON e.log = s.log AND e.generation = s.generation AND e.idx = s.idx \
         WHERE e.kind = 'accession-prepared' AND (e.generation < $1 OR e.idx < $2)",
    )
    .bind(signed(head.generation))
    .bind(signed(head.size))
    .fetch_all(repo.db().read())
    .await?;
    let rows = sqlx::query(
        "SELECT o.id, o.inventory_sha512 FROM objects o JOIN accessions a ON a.id = o.accession \
         WHERE o.status = 'stored' AND (a.generation < $1 OR a.idx < $2) ORDER BY o.id",
    )
    .bind(signed(head.generation))
    .bind(signed(head.size))
    .fetch_all(repo.db().read())
    .await?;
    let mut received = Vec::with_capacity(rows.len());
    for row in &rows {
        received.push((id(&row.try_get::<String, _>(0)?)?, row.try_get(1)?));
    }
    // What lies there is listed before the rows are read: an object is in the database before it is in the storage root.
    let stored = tokio::task::block_in_place(|| repo.blobs.objects())?.into_iter().collect();
    let known: Vec<String> = sqlx::query_scalar("SELECT id FROM objects").fetch_all(repo.db().read()).await?;
    Ok(Objects {
        entered: entered.iter().map(|text| id(text)).collect::<Result<_>>()?,
        received,
        known: known.iter().map(|text| id(text)).collect::<Result<_>>()?,
        stored,
    })
}

/// Copies the storage root and the time-stamps. Objects that were entered after the copied head are left to the next backup; objects that
/// no entry speaks of at all are copied and answered: they may be what somebody's rows were removed for.
fn copy_store(repo: &Repository, folder: &Path, copier: &mut Copier<'_>, objects: &Objects) -> Result<BTreeSet<Uuid>> {
    let is_taken = |id: &Uuid| objects.stored.contains(id) && (objects.entered.contains(id) || !objects.known.contains(id));
    copier.shelf(&repo.places.store, &folder.join("store"), |path| match object_of(path) {
        _ if is_temporary(path) => None,
        None => Some(Kind::Changing),
        Some((id, inside)) if is_taken(&id) => Some(if inside.starts_with('v') { Kind::Vouched } else { Kind::Fixed }),
        Some(_) => None,
    })?;
    copier.shelf(&repo.places.stamps, &folder.join("stamps"), |path| (!is_temporary(path)).then_some(Kind::Changing))?;
    copier.flush()?;
    Ok(objects.stored.difference(&objects.known).copied().collect())
}

/// The object a file of the storage root belongs to, and the first part of its path in it.
fn object_of(path: &Path) -> Option<(Uuid, String)> {
    let mut parts = path.iter().filter_map(|part| part.to_str());
    let id = parts.find_map(|part| part.strip_prefix("urn%3auuid%3a")).and_then(|id| Uuid::parse_str(id).ok())?;
    Some((id, parts.next().unwrap_or_default().to_owned()))
}

pub(super) fn is_temporary(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "new")
}

/// Writes the settings and, last of all, the checkpoints; then removes tiles that greater ones have replaced.
fn finish(repo: &Repository, folder: &Path, snapshot: &Snapshot, mut copier: Copier<'_>) -> Result<Copied> {
    let mut settings = repo.settings.clone();
    // The copy has the usual places: a path of this machine would lead a restore, or a verifier, back to the original.
    settings.paths = Paths::default();
    for (name, path) in settings.outside_files() {
        let from = repo.places.root.join(&*path);
        if from.is_file() {
            copier.file(&from, &folder.join(&name), Kind::Changing)?;
        }
        *path = name;
    }
    copier.flush()?;
    let mut copied = copier.copied;
    settings.write(folder)?;
    let mut written = vec![folder.join(crate::settings::FILE)];
    for (head, log) in snapshot.heads.iter().zip(Log::ALL.into_iter().cycle()) {
        let to = folder.join("log").join(head.generation.to_string()).join(log.name());
        durable::write(&to.join(CHECKPOINT), crate::witness::cosigned(&repo.places, log, head).as_bytes())?;
        written.push(to.join(CHECKPOINT));
        let wanted = snapshot.tiles.get(&(head.generation, log.name()));
        remove_others(&to, |path| path == Path::new(CHECKPOINT) || wanted.is_some_and(|wanted| wanted.contains(path)))?;
    }
    for path in written {
        copied.files += 1;
        copied.bytes += std::fs::metadata(&path).doing("Could not look at", &path)?.len();
    }
    Ok(copied)
}

fn say(copied: &Copied, strangers: &BTreeSet<Uuid>, report: &mut Report) {
    for path in &copied.differing {
        let message = "It is not what was copied earlier, and it is something that never changes. The copy was left as it is.";
        report.add(Finding::new(&codes::CONTENT_DIFFERS, path.to_string_lossy(), message));
    }
    for path in &copied.strange {
        report.add(Finding::new(&codes::NOT_A_PLAIN_FILE, path.to_string_lossy(), "It was not copied."));
    }
    for object in strangers {
        report.add(Finding::new(&codes::OBJECT_UNKNOWN, format!("store/urn:uuid:{object}"), "No event of the log speaks of this object. It was copied."));
    }
}

/// Refuses to overwrite a copy that this repository's log does not continue: the older copy may be the only true one.
pub(crate) async fn check_continued(repo: &Repository, log: &Shelf, place: &str) -> Result<()> {
    let places = &repo.places;
    let not_continued = |what: String| {
        Error::new(ErrorKind::Conflict, format!("The log of the copy in {place} is not continued by this repository's log: {what}. Nothing was written."))
            .hint("Keep that copy: this repository, or the copy, was rolled back or altered. `sago verify` judges both.")
            .hint("To go on, name another folder.")
    };
    let copy = Places { log: log.clone(), ..places.clone() };
    let ours = sequencer::generations(places)?;
    for generation in sequencer::generations(&copy)? {
        for log in Log::ALL {
            let there = sequencer::folder(&copy, generation, log);
            let Ok(Some(text)) = there.read_text(CHECKPOINT) else { continue };
            let theirs = read_head(generation, &text, &there.show(CHECKPOINT))?;
            if !ours.contains(&generation) {
                return Err(not_continued(format!("it has no generation {generation}")));
            }
            let head = last_head(places, &repo.locks(), log, generation).await?;
            if head.origin != theirs.origin || head.size < theirs.size {
                return Err(not_continued(format!("the {} log of the copy has {} entries, this one {}", log.name(), theirs.size, head.size)));
            }
            let source = sequencer::folder(places, generation, log);
            let root = root_at(theirs.size, &mut TileReader::new(&source, head.size))
                .map_err(|error| Error::corrupt(format!("The {} log cannot be read: {error}", log.name())).hint("Run `sago verify`."))?;
            if root != theirs.root {
                return Err(not_continued(format!("the first {} entries of the {} log differ", theirs.size, log.name())));
            }
        }
    }
    Ok(())
}
