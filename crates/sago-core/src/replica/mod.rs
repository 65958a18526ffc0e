//! Replicas: second sites of storage root, logs and time-stamps (ADR 13).
//!
//! A replica gets what is new and never loses what it has: files are added, never overwritten or removed, but for the published
//! checkpoints and partial tiles that full ones replaced. What goes there is read, hashed and compared first, so that damage does not spread. The
//! vault is never part of it: what must be destroyable has few, listed copies (`sago backup --vault`). A replica is read-only wherever it is
//! opened, because what a person does there could not be entered in the log.
//!
//! `site` says where one lies, `objects` sends and compares objects.

mod objects;
mod site;

use std::path::Path;

use jiff::Timestamp;
use sago_ledger::merkle::root_at;
use sago_ledger::source::TileReader;
use sago_verify::{Finding, codes};
use sqlx::Row;
use uuid::Uuid;

use crate::backup::{check_continued, is_in_tree, is_segment};
use crate::ctx::{Ctx, Right, time_text};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::ledger::event::{Event, Log, ReplicaAdded, ReplicaAddedDetail, ReplicaLost, ReplicaLostDetail, ReplicaRepaired, ReplicaRepairedDetail};
use crate::ledger::lock::Locks;
use crate::ledger::proof::read_event;
use crate::ledger::rebuild::{last_head, published_head};
use crate::ledger::sequencer::{self, Head};
use crate::ledger::{signed, unsigned};
use crate::repository::Repository;
use crate::settings::{self, Paths, Places, Replica, Settings};
use crate::store::bucket::Server;
use crate::store::db::Db;
use crate::store::shelf::Shelf;
use crate::store::transfer::{Rule, transfer};
use crate::store::{blobs, durable};

pub use crate::store::transfer::Progress;
pub use objects::Held;
use objects::{Aside, Received};
use site::{Note, Site, is_temporary};

/// Most files of a repair that its event names; more are counted.
const MOST_NAMED: usize = 1_000;

/// What one run of replication did.
#[derive(Debug)]
pub struct Replicated {
    /// The replica, as the log names it.
    pub replica: Uuid,
    /// Files that were new.
    pub new_files: u64,
    /// Bytes of those.
    pub new_bytes: u64,
    /// What was damaged here and did not go there, or differs there.
    pub findings: Vec<Finding>,
    /// How far behind it is after the run.
    pub lag: Lag,
}

/// How far a replica is behind the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// Entries of the custody log that it lacks.
    pub custody_entries: u64,
    /// Entries of the access log that it lacks.
    pub access_entries: u64,
    /// Objects that it lacks.
    pub objects: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// When it had everything the last time; none when never.
    pub complete_at: Option<Timestamp>,
}

impl Lag {
    /// Whether nothing is missing there.
    pub fn is_none(&self) -> bool {
        (self.custody_entries, self.access_entries, self.objects) == (0, 0, 0)
    }
}

/// Copies what is new to a replica, and begins one where nothing lies yet.
///
/// If we crash, the next run goes on. Errors: `Conflict` when something else lies there, or a log that ours does not continue.
pub async fn replicate(repo: &Repository, ctx: &Ctx, replica: &Replica, progress: &Progress) -> Result<Replicated> {
    ctx.require(Right::Backup)?;
    repo.require_live()?;
    let site = Site::of(replica, &repo.settings.s3)?;
    site.require_apart(&repo.places)?;
    let known = Note::of_this(&site, repo.settings.repository)?;
    check_continued(repo, &site.log, &replica.address).await?;
    let note = known.unwrap_or(Note { repository: repo.settings.repository, replica: Uuid::new_v4(), at: None });
    note.write(&site)?;
    if !is_entered(repo, note.replica).await? {
        let mut tx = repo.begin().await?;
        let detail = ReplicaAddedDetail { name: replica.name.clone(), address: replica.address.clone() };
        tx.append(repo.settings.domain_unit, ReplicaAdded { replica: note.replica }.with(detail));
        tx.commit(ctx).await?;
    }
    repo.integrate(ctx).await?;
    let mut findings = Vec::new();
    let heads = copy_logs(repo, &site, progress, &mut findings).await?;
    let received = received(repo.db(), heads.last()).await?;
    let spool = repo.places.staging.join("passing");
    let mut done = tokio::task::block_in_place(|| -> Result<_> {
        let beside = |path: &str| (!path.contains('/') && !is_temporary(path) || path.starts_with("extensions/")).then_some(Rule::Changing);
        let texts = transfer(&repo.places.store, &site.store, beside, |_| 0, &spool, progress)?;
        let stamps = transfer(&repo.places.stamps, &site.stamps, |path| (!is_temporary(path)).then_some(Rule::Fixed), |_| 0, &spool, progress)?;
        let (files, bytes, damaged) = objects::send_missing(&repo.places.store, &site, &received, &spool, progress)?;
        findings.extend(damaged);
        write_settings(repo, &site)?;
        // The signed heads come last: what they commit to is there.
        for (head, log) in heads.iter().zip(Log::ALL.into_iter().cycle()) {
            let folder = site.log.below(&format!("{}/{}", head.generation, log.name()));
            let root = root_at(head.size, &mut TileReader::new(&folder, head.size)).ok();
            if root != Some(head.root) {
                let message = "Its tiles are not those of the head that was signed. The replica keeps the head it had.";
                findings.push(Finding::new(&codes::CONTENT_DIFFERS, format!("replica/log/{}/{}", head.generation, log.name()), message));
                continue;
            }
            let text = crate::witness::cosigned(&repo.places, log, head);
            if folder.read("checkpoint")?.as_deref() != Some(text.as_bytes()) {
                folder.write("checkpoint", text.as_bytes())?;
            }
        }
        Ok((files + texts.files + stamps.files, bytes + texts.bytes + stamps.bytes))
    })?;
    done.0 += heads.len() as u64;
    if findings.is_empty() {
        Note { at: Some(time_text(ctx.now())), ..note.clone() }.write(&site)?;
    }
    let lag = lag(repo.db(), &repo.places, &repo.settings, replica).await?;
    Ok(Replicated { replica: note.replica, new_files: done.0, new_bytes: done.1, findings, lag })
}

async fn is_entered(repo: &Repository, replica: Uuid) -> Result<bool> {
    let text = "SELECT COUNT(*) FROM event_subjects s JOIN events e ON e.log = s.log AND e.generation = s.generation AND e.idx = s.idx \
                WHERE e.kind = 'replica-added' AND s.subject = $1";
    let count: i64 = sqlx::query_scalar(text).bind(replica.to_string()).fetch_one(repo.db().read()).await?;
    Ok(count > 0)
}

/// Copies tiles, payload and verifier keys that are new, while nobody can sign; answers the heads, the access log's before the custody log's.
async fn copy_logs(repo: &Repository, site: &Site, progress: &Progress, findings: &mut Vec<Finding>) -> Result<Vec<Head>> {
    let places = &repo.places;
    let generations = sequencer::generations(places)?;
    let newest = generations.last().copied().unwrap_or(1);
    let locks = repo.locks();
    let access = locks.hold(Log::Access, newest).await?;
    let custody = locks.hold(Log::Custody, newest).await?;
    let mut heads = Vec::new();
    for generation in generations {
        for log in Log::ALL {
            heads.push(last_head(places, &locks, log, generation).await?);
        }
    }
    let size = |generation: u64, log: &str| {
        heads.iter().zip(Log::ALL.into_iter().cycle()).find(|(head, of)| head.generation == generation && of.name() == log).map_or(0, |(head, _)| head.size)
    };
    let rule = |path: &str| {
        let (generation, below) = path.split_once('/')?;
        let generation: u64 = generation.parse().ok()?;
        if is_temporary(path) {
            return None;
        }
        let is_wanted = match below.split_once('/') {
            None => Path::new(below).extension().is_some_and(|extension| extension == "vkey"),
            // Others add their cosignatures to what is kept of a head.
            Some(("witness", _)) => return Some(Rule::Changing),
            Some(("payload", rest)) => rest.split_once('/').is_some_and(|(log, name)| is_segment(Path::new(name), size(generation, log))),
            Some((log, tile)) => is_in_tree(Path::new(tile), size(generation, log)),
        };
        is_wanted.then_some(Rule::Fixed)
    };
    let copied = tokio::task::block_in_place(|| -> Result<()> {
        let there: std::collections::BTreeMap<String, u64> = site.log.walk("")?.into_iter().collect();
        for (path, length) in places.log.walk("")? {
            if rule(&path) == Some(Rule::Fixed) && there.get(&path).is_some_and(|found| *found != length) {
                let message = "It is not as long as the repository's, and it is something that never changes. It was left as it is.";
                findings.push(Finding::new(&codes::CONTENT_DIFFERS, format!("replica/log/{path}"), message));
            }
        }
        let new = |path: &str| rule(path).filter(|rule| *rule == Rule::Changing || !there.contains_key(path));
        transfer(&places.log, &site.log, new, |_| 0, &places.staging, progress)?;
        // A partial tile may go once the full one is there, which a reader of the new head asks for.
        let wanted: std::collections::BTreeSet<String> = places.log.walk("")?.into_iter().map(|(path, _)| path).collect();
        for path in there.keys().filter(|path| path.contains(".p/") && !wanted.contains(*path)) {
            if site.log.length(path.split(".p/").next().unwrap_or(path))?.is_some() {
                site.log.erase(path)?;
            }
        }
        Ok(())
    });
    access.release().await?;
    custody.release().await?;
    copied.map(|()| heads)
}

/// Objects received under a head, or all, with the digests of their inventories.
async fn received(db: &Db, head: Option<&Head>) -> Result<Vec<Received>> {
    let (generation, size) = head.map_or((u64::MAX >> 1, 0), |head| (head.generation, head.size));
    let rows = sqlx::query(
        "SELECT o.id, o.inventory_sha512 FROM objects o JOIN accessions a ON a.id = o.accession \
         WHERE o.status = 'stored' AND (a.generation < $1 OR a.idx < $2) ORDER BY o.id",
    )
    .bind(signed(generation))
    .bind(signed(size))
    .fetch_all(db.read())
    .await?;
    let altered = || Error::corrupt("An object's row was altered.").hint("Run `sago verify`, then `sago rebuild`.");
    rows.iter().map(|row| Ok((Uuid::parse_str(&row.try_get::<String, _>(0)?).map_err(|_| altered())?, row.try_get(1)?))).collect()
}

/// Settings with which the replica is read: its own places, no keys, nothing to enter.
fn write_settings(repo: &Repository, site: &Site) -> Result<()> {
    let mut settings = Settings { paths: Paths::default(), s3: Server::default(), replica: Vec::new(), read_only: true, ..repo.settings.clone() };
    for (name, path) in settings.outside_files() {
        let from = repo.places.root.join(&*path);
        let bytes = std::fs::read(&from).doing("Could not read", &from)?;
        write_changed(&site.root, &name.to_string_lossy(), &bytes)?;
        *path = name;
    }
    write_changed(&site.root, settings::FILE, settings.text()?.as_bytes())
}

fn write_changed(shelf: &Shelf, path: &str, bytes: &[u8]) -> Result<()> {
    if shelf.read(path)?.as_deref() == Some(bytes) { Ok(()) } else { shelf.write(path, bytes) }
}

/// How far a replica is behind, without copying anything. `Unavailable` when it does not answer, `NotFound` when it is not there.
pub async fn lag(db: &Db, places: &Places, settings: &Settings, replica: &Replica) -> Result<Lag> {
    let site = Site::of(replica, &settings.s3)?;
    let note = Note::read(&site)?.ok_or_else(|| {
        Error::not_found(format!("There is no replica in {}.", replica.address)).hint(format!(
            "`sago replicate {0}` makes it. If it was lost: `sago replicate {0} --lost REASON`, then correct {1}.",
            replica.name,
            settings::FILE
        ))
    })?;
    if note.repository != settings.repository {
        return Err(Error::conflict(format!("{} is a replica of another repository.", replica.address)));
    }
    let there = Places { log: site.log.clone(), ..places.clone() };
    let locks = Locks::of(places, db);
    let (mut custody_entries, mut access_entries, mut newest) = (0, 0, None);
    for generation in sequencer::generations(places)? {
        for log in Log::ALL {
            let head = last_head(places, &locks, log, generation).await?;
            // What has no head there has nothing that counts.
            let size = published_head(&there, log, generation).map_or(0, |head| head.size);
            match log {
                Log::Custody => {
                    custody_entries += head.size.saturating_sub(size);
                    newest = Some(head);
                }
                Log::Access => access_entries += head.size.saturating_sub(size),
            }
        }
    }
    let all = received(db, newest.as_ref()).await?;
    let (objects, bytes) = tokio::task::block_in_place(|| -> Result<_> {
        let kept: std::collections::BTreeSet<String> = site.store.walk("")?.into_iter().map(|(path, _)| path).collect();
        let own = blobs::Blobs::open(&places.store)?;
        let (mut objects, mut bytes) = (0, 0);
        for (id, _) in &all {
            let object = own.object(*id);
            if !kept.contains(&format!("{object}/inventory.json.sha512")) {
                objects += 1;
                bytes += places.store.walk(&object)?.iter().map(|(_, length)| length).sum::<u64>();
            }
        }
        Ok((objects, bytes))
    })?;
    Ok(Lag { custody_entries, access_entries, objects, bytes, complete_at: note.at.and_then(|at| at.parse().ok()) })
}

/// Holds every stored file of both sides against its inventory, and the log's files against each other; with `repair`, mends one side from
/// the other and enters it. Files of the log are never mended: which side is true, `sago verify` says of each.
pub async fn check(repo: &Repository, ctx: &Ctx, replica: &Replica, repair: bool, progress: &Progress) -> Result<Held> {
    ctx.require(if repair { Right::Backup } else { Right::Check })?;
    let site = Site::of(replica, &repo.settings.s3)?;
    site.require_apart(&repo.places)?;
    let note = Note::of_this(&site, repo.settings.repository)?
        .ok_or_else(|| Error::not_found(format!("There is no replica in {}.", replica.address)).hint("`sago replicate` makes it."))?;
    if repair {
        repo.require_live()?;
    }
    let all = received(repo.db(), None).await?;
    let spool = repo.places.staging.join("passing");
    let stamp = ctx.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let aside = Aside { here: Shelf::Disk(repo.places.root.join("damaged").join(&stamp)), there: site.root.below(&format!("damaged/{stamp}")), spool: &spool };
    let mut held = tokio::task::block_in_place(|| objects::hold(&repo.places.store, &site, &all, repair.then_some(&aside), progress))?;
    tokio::task::block_in_place(|| compare_logs(&repo.places.log, &site.log, &mut held.findings))?;
    let (fetched, sent) = (held.fetched.len() as u64, held.sent.len() as u64);
    if fetched + sent > 0 {
        let mut files: Vec<String> = held.fetched.iter().chain(&held.sent).take(MOST_NAMED).cloned().collect();
        let left = (fetched + sent).saturating_sub(files.len() as u64);
        if left > 0 {
            files.push(format!("and {left} more"));
        }
        let mut tx = repo.begin().await?;
        tx.append(repo.settings.domain_unit, ReplicaRepaired { replica: note.replica, fetched, sent }.with(ReplicaRepairedDetail { files }));
        tx.commit(ctx).await?;
        repo.integrate(ctx).await?;
    }
    Ok(held)
}

/// Files of the log that are on both sides and differ.
fn compare_logs(ours: &Shelf, theirs: &Shelf, findings: &mut Vec<Finding>) -> Result<()> {
    for (path, _) in theirs.walk("")? {
        if path.ends_with("/checkpoint") || path.contains("/witness/") || is_temporary(&path) {
            continue;
        }
        if let (Some(one), Some(two)) = (ours.read(&path)?, theirs.read(&path)?)
            && one != two
        {
            let message = "It differs from the repository's. `sago verify` on both sides says which one is damaged; neither was changed.";
            findings.push(Finding::new(&codes::CONTENT_DIFFERS, format!("replica/log/{path}"), message));
        }
    }
    Ok(())
}

/// The repository of the replica in a folder, and when everything was there the last time; none when the folder is no replica.
pub(crate) fn made_at(folder: &Path) -> Result<Option<(Uuid, Option<String>)>> {
    let root = Shelf::Disk(folder.to_owned());
    let site = Site { store: root.below("store"), log: root.below("log"), stamps: root.below("stamps"), root };
    Ok(Note::read(&site)?.map(|note| (note.repository, note.at)))
}

/// Enters that a replica was lost or given up. What lies there, if anything, is left as it is.
pub async fn lose(repo: &Repository, ctx: &Ctx, name: &str, reason: &str) -> Result<Uuid> {
    ctx.require(Right::Backup)?;
    if reason.trim().is_empty() {
        return Err(Error::invalid("Giving up a replica needs a reason.").hint("It is entered in the log."));
    }
    let replica = known(repo).await?.into_iter().rfind(|(_, known)| known == name).map(|(id, _)| id);
    let replica = replica.ok_or_else(|| Error::not_found(format!("The log knows no replica “{name}” that is not lost already.")))?;
    let mut tx = repo.begin().await?;
    tx.append(repo.settings.domain_unit, ReplicaLost { replica }.with(ReplicaLostDetail { reason: reason.to_owned() }));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    Ok(replica)
}

/// Replicas that the log speaks of and that were not lost, oldest first, with their names.
pub async fn known(repo: &Repository) -> Result<Vec<(Uuid, String)>> {
    let text = "SELECT generation, idx FROM events WHERE log = 'custody' AND kind IN ('replica-added', 'replica-lost') ORDER BY generation, idx";
    let mut found = Vec::new();
    for row in sqlx::query(text).fetch_all(repo.db().read()).await? {
        match read_event(repo, Log::Custody, unsigned(row.try_get(0)?)?, unsigned(row.try_get(1)?)?).await?.event {
            Event::ReplicaAdded(event, detail) => found.push((event.replica, detail.map(|detail| detail.name).unwrap_or_default())),
            Event::ReplicaLost(event, _) => found.retain(|(id, _)| *id != event.replica),
            _ => {}
        }
    }
    Ok(found)
}

/// Makes a folder in which a replica is read: verified, listed and shown, once `sago rebuild` made its database. Keys and vault are brought
/// there by hand; without them, `verify` says what a stranger could.
pub fn make_reader(replica: &Replica, folder: &Path, keys: Option<&Path>, vault: Option<&str>) -> Result<Settings> {
    if !Shelf::from(folder).list("")?.is_empty() {
        return Err(Error::conflict(format!("{} is not empty.", folder.display())).hint("Name a folder that does not exist yet. Nothing was changed."));
    }
    let s3 = replica.server(&Server::default());
    let site = Site::of(replica, &Server::default())?;
    let text = site
        .root
        .read_text(settings::FILE)?
        .ok_or_else(|| Error::not_found(format!("There is no replica in {}.", replica.address)).hint("Name the address that `sago replicate` copies to."))?;
    let mut made = Settings::parse(&text, Path::new(&site.root.show(settings::FILE)))?;
    if !made.read_only {
        return Err(Error::new(ErrorKind::Conflict, format!("{} is a repository, not a replica.", replica.address)).hint("Open it with `--repo`."));
    }
    let address = replica.address.trim_end_matches('/');
    (made.paths.store, made.paths.log, made.paths.stamps) = (format!("{address}/store"), format!("{address}/log"), format!("{address}/stamps"));
    made.paths.vault = vault.map_or(made.paths.vault, str::to_owned);
    made.paths.keys = keys.map_or(made.paths.keys, Path::to_owned);
    made.s3 = if address.contains("://") { s3 } else { Server::default() };
    for (_, path) in made.outside_files() {
        durable::write(&folder.join(&*path), &site.root.need(&path.to_string_lossy())?)?;
    }
    for below in ["staging", "keys"] {
        durable::create_dir_all(&folder.join(below))?;
    }
    made.write(folder)?;
    Ok(made)
}
