//! Verifying a repository with its keys: everything a stranger can check ([`sago_verify`]), and what only the keys show.
//!
//! The log is replayed into a database beside, which is compared row by row with the one in use; every object is held against the event
//! that received it, every manifest against its object, every wrapped key against what it must open. `standing` holds the files that
//! stand beside all this against what they should be.

mod arriving;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use sago_seal::file;
use sago_verify::repository::{Lock, Parts};
use sago_verify::{Finding, Report, codes};
use sqlx::Row;
use uuid::Uuid;

use crate::accession::manifest::Line;
use crate::accession::read_manifest;
use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::Keyring;
use crate::key::epoch::check_key;
use crate::ledger::event::Log;
use crate::ledger::lock::Locks;
use crate::ledger::rebuild::{Side, Summary, compare, hold_database, remove_database, replay_into};
use crate::ledger::sequencer;
use crate::repository::{Repository, Standing};
use crate::settings::Places;
use crate::store::blobs::Blobs;
use crate::store::catalog;
use crate::store::db::{Db, Engine};
use crate::store::rows::RowKeys;
use crate::store::{durable, fault};
use arriving::Arriving;

/// Findings of one kind that are listed; more are counted.
const MOST_FINDINGS: usize = 10_000;

/// Judges a repository as a stranger would: storage root, logs, locks and time-stamps, wherever they lie.
pub async fn verify_without_keys(places: &Places, options: &sago_verify::Options) -> Result<Report> {
    let folder = sago_packages::DiskTree::new(&places.lock);
    let mut known = BTreeMap::new();
    let is_on_server = places.database.contains("://");
    if is_on_server {
        // Read before the logs, which only grow.
        let db = Db::open(&places.database, false).await?;
        let locks = Locks::of(places, &db);
        for generation in sequencer::generations(places)? {
            for log in Log::ALL {
                if let Some(text) = locks.read(log, generation).await? {
                    known.insert(format!("{}-{generation}", log.name()), text.into_bytes());
                }
            }
        }
        db.close().await;
    }
    let before = Arriving::read(places).await?;
    let lock = if is_on_server { Lock::Known(&known) } else { Lock::Tree(&folder) };
    let parts = Parts { store: &places.store, log: &places.log, lock, stamps: &places.stamps };
    let report = tokio::task::block_in_place(|| sago_verify::repository::verify_parts(&parts, options));
    let mut report = report.map_err(|error| Error::new(ErrorKind::Unavailable, error.to_string()))?;
    if let Some(before) = before {
        before.forgive(places, options, &mut report).await?;
    }
    arriving::leave_out_ways(places, &mut report).await;
    Ok(report)
}

/// Checks what only the keys show and adds it to the report of the keyless check.
pub async fn verify_with_keys(repo: &Repository, ctx: &Ctx, report: &mut Report) -> Result<()> {
    ctx.require(Right::Check)?;
    let mut findings = Vec::new();
    match repo.db().self_check().await {
        Ok(problems) => findings.extend(problems.into_iter().map(|problem| Finding::new(&codes::DATABASE_DAMAGED, "database", problem))),
        Err(error) => said(Err(error), &codes::DATABASE_DAMAGED, "database", &mut findings)?,
    }
    let waiting = crate::key::epoch::use_waiting(repo).await;
    said(waiting, &codes::VAULT_KEY, "vault", &mut findings)?;
    // Listed before the log is read: nothing is put in place of which the log does not speak by then.
    let there: BTreeSet<Uuid> = repo.blobs.objects()?.into_iter().collect();
    match replay_and_compare(repo, report, &mut findings).await {
        Ok(summary) => {
            check_objects(repo, &there, &summary, report, &mut findings)?;
            standing::check_settings(repo, &summary, report, &mut findings);
            standing::check_person_keys(repo, &summary, report, &mut findings)?;
        }
        Err(error) => said(Err(error), &codes::LOG_UNREADABLE, "log", &mut findings)?,
    }
    standing::check_root_texts(repo, report, &mut findings)?;
    check_succession(repo, report, &mut findings)?;
    let kept = crate::stamp::check_kept(repo, report, &mut findings).await;
    said(kept, &codes::DATABASE_DAMAGED, "database", &mut findings)?;
    let vault = check_vault(repo, report, &mut findings).await;
    said(vault, &codes::DATABASE_DAMAGED, "database", &mut findings)?;
    let contents = check_contents(repo, report, &mut findings).await;
    said(contents, &codes::DATABASE_DAMAGED, "database", &mut findings)?;
    if findings.len() > MOST_FINDINGS {
        report.not_checked("findings beyond the first 10,000", "so many were found that the rest are not listed");
        findings.truncate(MOST_FINDINGS);
    }
    findings.into_iter().for_each(|finding| report.add(finding));
    report.not_checked.retain(|one| !one.why.contains("needs the repository's keys") && !one.why.contains("can be rebuilt"));
    Ok(())
}

/// Makes a finding of what kept a repository from being opened: its keys, or its database.
pub fn unopened(root: &Path, passphrase: &crate::key::Passphrase, error: &Error) -> Result<Finding> {
    let settings = crate::settings::Settings::read(root)?;
    let places = Places::resolve(root, &settings)?;
    // The same order as in opening.
    Ok(match Keyring::unlock(&places, settings.domain_unit, passphrase) {
        Err(_) => Finding::new(&codes::KEYS_UNUSABLE, "keys", error.message.clone()),
        Ok(_) if Blobs::open(&places.store).is_err() => Finding::new(&codes::STORE_MISSING, "store", error.message.clone()),
        Ok(_) => Finding::new(&codes::DATABASE_DAMAGED, "database", error.message.clone()),
    })
}

/// Makes a finding of a check that damage stopped, so that the other checks go on.
fn said(outcome: Result<()>, code: &codes::Code, path: &str, findings: &mut Vec<Finding>) -> Result<()> {
    match outcome {
        Err(error) if error.kind == ErrorKind::Corrupt => findings.push(Finding::new(code, path, error.message)),
        other => return other,
    }
    Ok(())
}

/// How often the database is compared anew because events were entered meanwhile.
const TURNS: usize = 3;

/// Where both logs stand in the database: what every event moves.
async fn written(repo: &Repository) -> Result<Vec<(String, i64, i64)>> {
    let rows = sqlx::query("SELECT log, generation, next FROM heads ORDER BY log").fetch_all(repo.db().read()).await?;
    let heads = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)));
    Ok(heads.collect::<Result<_, sqlx::Error>>()?)
}

/// Replays the log and compares. Others may write meanwhile: what differs then differs for a moment, and only what differs each time is damage.
async fn replay_and_compare(repo: &Repository, report: &mut Report, findings: &mut Vec<Finding>) -> Result<Summary> {
    let mut lasting: Option<Vec<Finding>> = None;
    for turn in 1.. {
        let (before, mut found) = (written(repo).await?, Vec::new());
        let beside = repo.places.staging.join(format!("verify-{}.db", Uuid::new_v4()));
        let held = hold_database(&beside)?;
        let outcome = replay_and_compare_once(repo, &beside, &mut found).await;
        remove_database(&beside)?;
        drop(held);
        let (summary, compared) = outcome?;
        let is_moved = written(repo).await? != before;
        if let Some(earlier) = &lasting {
            found.retain(|finding| earlier.iter().any(|one| (&one.code, &one.path) == (&finding.code, &finding.path)));
        }
        if is_moved {
            found.retain(|finding| !finding.path.starts_with("database/heads/") && finding.path != "database/meta/last_at");
        }
        if !is_moved || found.is_empty() || turn == TURNS {
            findings.append(&mut found);
            report_replay(repo, &summary, compared, report, findings).await?;
            return Ok(summary);
        }
        lasting = Some(found);
    }
    unreachable!("the last turn returns")
}

/// One replay beside, and one comparison; what was compared, or what kept it from being compared.
async fn replay_and_compare_once(repo: &Repository, beside: &Path, findings: &mut Vec<Finding>) -> Result<(Summary, Result<u64>)> {
    let replayed = Db::open_file(beside, true).await?;
    let summary = match replay_into(&repo.places, &repo.locks(), repo.keyring(), &repo.blobs, &replayed, Some(repo.db())).await {
        Ok(summary) => summary,
        Err(error) => {
            replayed.close().await;
            return Err(error);
        }
    };
    let rows = RowKeys::default();
    let live_rows = RowKeys::default();
    let live = Side { db: repo.db(), keyring: repo.keyring(), rows: &live_rows };
    let other = Side { db: &replayed, keyring: repo.keyring(), rows: &rows };
    let compared = compare(&live, &other, findings).await;
    replayed.close().await;
    Ok((summary, compared))
}

/// Says what a replay and its comparison showed.
async fn report_replay(repo: &Repository, summary: &Summary, compared: Result<u64>, report: &mut Report, findings: &mut Vec<Finding>) -> Result<()> {
    let looked = check_shape(repo, report, findings).await;
    said(looked, &codes::DATABASE_DAMAGED, "database", findings)?;
    match compared {
        Ok(compared) => report.checked(format!("{compared} rows of the database against the log")),
        Err(error) if error.kind == ErrorKind::Corrupt => findings.push(Finding::new(&codes::DATABASE_DAMAGED, "database", error.message)),
        Err(error) => return Err(error),
    }
    findings.extend(summary.unreadable.iter().map(|why| Finding::new(&codes::DATABASE_DAMAGED, "database", why.clone())));
    report.checked(format!("{} events opened and held against their leaves", summary.events));
    if summary.waiting > 0 {
        report.not_checked(
            format!("signatures over {} events that are durable in the database", summary.waiting),
            "they wait for the next signed head: a command is under way or was interrupted",
        );
    }
    if summary.closed > 0 {
        report.not_checked(format!("rows, manifests and details of {} accessions", summary.closed), "their units are sealed or destroyed");
    }
    Ok(())
}

/// Holds the tables of a server against those that Sago makes; what an SQLite file is made of is compared like its rows.
async fn check_shape(repo: &Repository, report: &mut Report, findings: &mut Vec<Finding>) -> Result<()> {
    if repo.db().engine != Engine::Postgres {
        return Ok(());
    }
    let (there, expected) = match catalog::there_and_expected(repo.db()).await {
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Invalid) => {
            report.not_checked("whether the database's tables are as Sago makes them", error.message);
            return Ok(());
        }
        other => other?,
    };
    report.checked(format!("{} tables, columns, indexes and constraints of the database", expected.len()));
    for (part, how) in &expected {
        let path = format!("database/{part}");
        match there.get(part) {
            None => findings.push(Finding::new(&codes::DATABASE_ROW_MISSING, path, "The database lacks what Sago made.")),
            Some(found) if found != how => {
                findings.push(Finding::new(&codes::DATABASE_ROW_DIFFERS, path, format!("It is “{found}”, and Sago makes it “{how}”.")));
            }
            Some(_) => {}
        }
    }
    let unknown = there.iter().filter(|(part, _)| !expected.contains_key(*part));
    findings.extend(unknown.map(|(part, how)| {
        let path = format!("database/{part}");
        Finding::new(&codes::DATABASE_ROW_UNKNOWN, path, format!("Sago made nothing of this name; the server says “{how}”."))
    }));
    Ok(())
}

/// Holds the storage root against the events that received its objects.
fn check_objects(repo: &Repository, there: &BTreeSet<Uuid>, summary: &Summary, report: &mut Report, findings: &mut Vec<Finding>) -> Result<()> {
    let mut known: HashSet<Uuid> = summary.prepared.iter().copied().collect();
    for (object, inventory_sha512, _) in &summary.objects {
        known.insert(*object);
        let path = format!("store/urn:uuid:{object}");
        match repo.blobs.inventory(*object)? {
            None => findings.push(Finding::new(&codes::OBJECT_MISSING, path, "The object was received and is not there.")),
            Some(bytes) if sago_packages::Algorithm::Sha512.hash(&bytes) != *inventory_sha512 => {
                findings.push(Finding::new(&codes::OBJECT_INVENTORY, path, "inventory.json is not the one that was received."));
            }
            Some(bytes) => {
                for name in repo.blobs.altered_sidecars(*object, &bytes)? {
                    findings.push(Finding::new(&codes::OBJECT_INVENTORY, format!("{path}/{name}"), "It is not as it was received."));
                }
            }
        }
    }
    for object in there.iter().filter(|object| !known.contains(object)) {
        findings.push(Finding::new(&codes::OBJECT_UNKNOWN, format!("store/urn:uuid:{object}"), "No event of the log speaks of this object."));
    }
    report.checked(format!("{} objects against the events that received them", summary.objects.len()));
    Ok(())
}

/// Holds the beginning of every generation of the log against the end of the one before.
fn check_succession(repo: &Repository, report: &mut Report, findings: &mut Vec<Finding>) -> Result<()> {
    match crate::backup::succession_problems(&repo.places, repo.keyring()) {
        Ok(problems) => {
            findings.extend(problems.into_iter().map(|(place, message)| Finding::new(&codes::LOG_SUCCESSION, place, message)));
            report.checked("each generation of the log against the end of the one before");
        }
        Err(error) if error.kind == ErrorKind::Corrupt => findings.push(Finding::new(&codes::LOG_UNREADABLE, "log", error.message)),
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn check_vault(repo: &Repository, report: &mut Report, findings: &mut Vec<Finding>) -> Result<()> {
    let rows = sqlx::query("SELECT id, mode, vault_sha256 FROM units ORDER BY id").fetch_all(repo.db().read()).await?;
    let mut sealed = 0;
    for row in &rows {
        let unit = Uuid::parse_str(&row.try_get::<String, _>(0)?).map_err(|_| Error::corrupt("A unit's row was altered."))?;
        let mode: String = row.try_get(1)?;
        let path = format!("vault/{}/{unit}.age", repo.keyring().epoch);
        if mode == "destroyed" {
            if repo.keyring().holds(unit)? {
                findings.push(Finding::new(&codes::VAULT_KEY, path, "The unit's key was destroyed and lies in the vault again."));
            }
            continue;
        }
        sealed += u64::from(mode == "sealed");
        if let Some(problem) = check_key(repo, unit, &mode, &row.try_get::<String, _>(2)?).await? {
            findings.push(Finding::new(&codes::VAULT_KEY, path, problem));
        }
    }
    report.checked(format!("{} keys in the vault against the log and against what they open", rows.len()));
    if sealed > 0 {
        report.not_checked(format!("that the keys of {sealed} sealed units still open them"), "that needs the custodians' shares: `sago key unseal`");
    }
    Ok(())
}

/// Holds every readable manifest against the inventories, and every content file's header against the rule of one recipient.
async fn check_contents(repo: &Repository, report: &mut Report, findings: &mut Vec<Finding>) -> Result<()> {
    let rows =
        sqlx::query("SELECT a.id, a.unit, o.id FROM accessions a JOIN objects o ON o.accession = a.id WHERE a.status = 'received' ORDER BY a.number, o.part")
            .fetch_all(repo.db().read())
            .await?;
    let mut accessions: BTreeMap<(String, String), Vec<Uuid>> = BTreeMap::new();
    for row in &rows {
        let object = Uuid::parse_str(&row.try_get::<String, _>(2)?).map_err(|_| Error::corrupt("An object's row was altered."))?;
        accessions.entry((row.try_get(0)?, row.try_get(1)?)).or_default().push(object);
    }
    let mut items = 0;
    let mut inventories = Inventories::default();
    for ((_, unit), objects) in accessions {
        let unit = Uuid::parse_str(&unit).map_err(|_| Error::corrupt("A unit's row was altered."))?;
        let manifest = match read_manifest(repo, unit, &objects) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => continue,
            Err(error) if error.kind == ErrorKind::Corrupt => {
                findings.push(Finding::new(&codes::CONTENT_DIFFERS, "store", error.message));
                continue;
            }
            Err(error) => return Err(error),
        };
        for line in manifest.lines() {
            if let Line::Item(item) = Line::read(&line?)? {
                items += 1;
                check_content(repo, &item, &mut inventories, findings)?;
            }
        }
    }
    report.checked(format!("{items} items: their stored files against the manifests, and that each has exactly one recipient"));
    Ok(())
}

/// The digests that the inventory of the object last asked for lists; items of one object follow each other.
#[derive(Default)]
struct Inventories {
    object: Option<Uuid>,
    digests: HashSet<String>,
}

impl Inventories {
    fn of(&mut self, repo: &Repository, object: Uuid) -> Result<&HashSet<String>> {
        if self.object != Some(object) {
            let bytes = repo.blobs.inventory(object)?.unwrap_or_default();
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            let manifest = value.get("manifest").and_then(serde_json::Value::as_object);
            self.digests = manifest.map(|manifest| manifest.keys().cloned().collect()).unwrap_or_default();
            self.object = Some(object);
        }
        Ok(&self.digests)
    }
}

fn check_content(repo: &Repository, item: &crate::accession::ItemLine, inventories: &mut Inventories, findings: &mut Vec<Finding>) -> Result<()> {
    let path = format!("store/urn:uuid:{}/v1/content/{}", item.object, item.content);
    let file = match repo.blobs.open_content(item.object, &item.content) {
        Ok(file) => file,
        Err(error) => {
            findings.push(Finding::new(&codes::CONTENT_DIFFERS, path, error.message));
            return Ok(());
        }
    };
    match file::stanza_count(file) {
        Ok(stanzas) if stanzas.is_content_file() => {}
        Ok(stanzas) => findings.push(Finding::new(&codes::CONTENT_RECIPIENTS, path.clone(), format!("It has {} recipients.", stanzas.count()))),
        Err(error) => findings.push(Finding::new(&codes::CONTENT_DIFFERS, path.clone(), error.to_string())),
    }
    if !inventories.of(repo, item.object)?.contains(&item.content_sha512) {
        findings.push(Finding::new(&codes::CONTENT_DIFFERS, path, "The inventory does not list the digest that the manifest names."));
    }
    Ok(())
}

/// Makes a new database from storage root, log and keys, compares it with the old one if that can be read, and puts it in its place.
///
/// The old database is kept beside, under a name that says when it was replaced. If we crash before the last rename, the old one stands.
pub async fn rebuild(root: &Path, passphrase: &crate::key::Passphrase, clock: crate::ctx::Clock) -> Result<Rebuilt> {
    use crate::ledger::event::{DatabaseRebuilt, DatabaseRebuiltDetail};
    let settings = crate::settings::Settings::read(root)?;
    let places = Places::resolve(root, &settings)?;
    // A database of a newer Sago is not a damaged one: what that version alone writes would be lost. Any other reason why it cannot be
    // opened is what a rebuild is for.
    match Db::open(&places.database, false).await {
        Ok(old) => old.close().await,
        Err(error) if error.kind == ErrorKind::Conflict => return Err(error),
        Err(_) => {}
    }
    // What the old database knows alone, events that wait for the next signed head, is first brought into the log. A database that cannot
    // be opened is no reason to stop: whatever of it is lost shows in the comparison below.
    if let Ok(repo) = Repository::open(root, passphrase, clock).await {
        let at_work = crate::node::require_none_at_work(repo.db()).await;
        repo.close().await;
        at_work?;
    }
    let keyring = Keyring::unlock(&places, settings.domain_unit, passphrase)?;
    let blobs = Blobs::open(&places.store)?;
    let made = if places.database.contains("://") {
        rebuild_on_server(&places, &keyring, &blobs, clock).await?
    } else {
        rebuild_file(&places, &keyring, &blobs, clock).await?
    };
    let repo = Repository::open(root, passphrase, clock).await?;
    if repo.standing() != Standing::Live {
        // Here nothing can be entered: the database is for reading.
        repo.close().await;
        return Ok(made);
    }
    let ctx = crate::user::act_as(&repo, None, clock).await?;
    let mut tx = repo.begin().await?;
    let examples = made.differences.iter().take(20).map(|finding| format!("{} {}", finding.code, finding.path)).collect();
    let event = DatabaseRebuilt { events: made.events, differences: made.differences.len() as u64 };
    tx.append(repo.settings.domain_unit, event.with(DatabaseRebuiltDetail { examples }));
    tx.commit(&ctx).await?;
    repo.integrate(&ctx).await?;
    repo.close().await;
    Ok(made)
}

/// A new set of tables in a schema of its own, which then takes the place of the old one in one transaction.
///
/// A lock that is behind the published, signed log is first brought up to it: the database that holds it was put back from a copy.
async fn rebuild_on_server(places: &Places, keyring: &Keyring, blobs: &Blobs, clock: crate::ctx::Clock) -> Result<Rebuilt> {
    const NEW: &str = "sago_rebuilt";
    let old = Db::open(&places.database, false).await?;
    let locks = Locks::of(places, &old);
    for generation in sequencer::generations(places)? {
        for log in Log::ALL {
            sequencer::catch_up(places, &locks, keyring, log, generation).await?;
        }
    }
    old.empty_schema(NEW).await?;
    let replayed = Db::open_in(&places.database, true, Some(NEW)).await?;
    let summary = replay_into(places, &locks, keyring, blobs, &replayed, None).await?;
    fault::point("rebuild-replayed");
    let mut findings = Vec::new();
    let (one, two) = (RowKeys::default(), RowKeys::default());
    let live = Side { db: &old, keyring, rows: &one };
    let other = Side { db: &replayed, keyring, rows: &two };
    let compared = compare(&live, &other, &mut findings).await;
    let note = compared.err().map(|error| format!("The old database could not be read to its end: {error}"));
    replayed.close().await;
    let kept = format!("sago_before_{}", clock.now().strftime("%Y%m%dt%H%M%Sz"));
    old.replace_by_schema(NEW, &kept).await?;
    old.close().await;
    fault::point("rebuild-placed");
    Ok(Rebuilt { events: summary.events, differences: findings, kept: Some(kept.into()), note })
}

/// A new file, which then takes the place of the old one.
async fn rebuild_file(places: &Places, keyring: &Keyring, blobs: &Blobs, clock: crate::ctx::Clock) -> Result<Rebuilt> {
    let path = std::path::PathBuf::from(&places.database);
    let beside = path.with_extension("rebuilt");
    remove_database(&beside)?;
    let replayed = Db::open_file(&beside, true).await?;
    let locks = Locks::Folder(places.lock.clone());
    let summary = replay_into(places, &locks, keyring, blobs, &replayed, None).await?;
    let mut findings = Vec::new();
    let mut note = None;
    match Db::open_file(&path, false).await {
        Ok(old) => {
            let (one, two) = (RowKeys::default(), RowKeys::default());
            let live = Side { db: &old, keyring, rows: &one };
            let other = Side { db: &replayed, keyring, rows: &two };
            if let Err(error) = compare(&live, &other, &mut findings).await {
                note = Some(format!("The old database could not be read to its end: {error}"));
            }
            old.close().await;
        }
        Err(error) => note = Some(format!("There was no old database to compare with: {error}")),
    }
    replayed.checkpoint().await?;
    replayed.close().await;
    fault::point("rebuild-replayed");
    let stamp = clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    // Never a name that is taken: it may be a second name of the very file.
    let mut kept = path.with_extension(format!("db.before-{stamp}"));
    for turn in 2.. {
        if !kept.exists() {
            break;
        }
        kept = path.with_extension(format!("db.before-{stamp}-{turn}"));
    }
    let had_old = path.exists();
    if had_old {
        // A second name, or a copy where the disk knows no second names: at no moment is there no database.
        std::fs::hard_link(&path, &kept).or_else(|_| std::fs::copy(&path, &kept).map(drop)).doing("Could not set aside", &path)?;
    }
    fault::point("rebuild-kept");
    for suffix in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let side = std::path::PathBuf::from(name);
        if side.exists() {
            let mut target = kept.as_os_str().to_owned();
            target.push(suffix);
            std::fs::rename(&side, std::path::PathBuf::from(target)).doing("Could not set aside", &side)?;
        }
    }
    fault::point("rebuild-cleared");
    durable::rename_over(&beside, &path)?;
    remove_database(&beside)?;
    fault::point("rebuild-placed");
    Ok(Rebuilt { events: summary.events, differences: findings, kept: had_old.then_some(kept), note })
}

/// What a rebuild did.
pub struct Rebuilt {
    /// Events replayed.
    pub events: u64,
    /// Where the old database differed.
    pub differences: Vec<Finding>,
    /// Where the old database is kept.
    pub kept: Option<std::path::PathBuf>,
    /// What could not be compared, and why.
    pub note: Option<String>,
}
