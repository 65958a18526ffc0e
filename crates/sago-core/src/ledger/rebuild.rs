//! A new database from storage root, log and keys; and the comparison of two databases, row by row.
//!
//! Rows are projections of events, so replaying the log through the same code gives the same rows. `sago verify` uses this to find a row
//! that was altered, `sago rebuild` to replace a database that was lost, damaged or put back from yesterday.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use futures_core::Stream;
use sago_verify::{Finding, codes};
use sqlx::any::AnyRow;
use sqlx::{Column, Row, TypeInfo, ValueRef};
use uuid::Uuid;

use crate::accession::manifest::Manifest;
use crate::accession::read_manifest_with;
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::key::Keyring;
use crate::ledger::event::{Event, Log};
use crate::ledger::lock::{self, Locks};
use crate::ledger::replay::{Replay, Replayed, Waiting};
use crate::ledger::sequencer::{self, Head};
use crate::ledger::{Record, enter, signed, unsigned};
use crate::repository::begin_heads;
use crate::settings::Places;
use crate::store::blobs::Blobs;
use crate::store::db::{Db, Engine};
use crate::store::rows::{Place, RowKeys, Writer};

/// Events replayed in one database transaction.
const BATCH: usize = 2_000;

/// What a replay saw.
#[derive(Debug, Default)]
pub struct Summary {
    /// Events replayed.
    pub events: u64,
    /// Accessions whose manifest could not be read because their unit is sealed or destroyed.
    pub closed: u64,
    /// Objects the log speaks of as received, with the digest of their inventories and their unit.
    pub objects: Vec<(Uuid, String, Uuid)>,
    /// Objects the log speaks of as prepared: they may be in place before they are received.
    pub prepared: Vec<Uuid>,
    /// The repository and its domain unit, as the first event names them.
    pub repository: Option<(Uuid, Uuid)>,
    /// People's key files that the log commits to: who, and SHA-256 of the file.
    pub person_keys: Vec<(Uuid, String)>,
    /// Events among them that wait for the next signed head.
    pub waiting: u64,
    /// Why the events that wait in the live database could not be read.
    pub unreadable: Option<String>,
}

/// The last signed head of a log: from the lock, or for a generation that ended elsewhere, from its published checkpoint.
pub(crate) async fn last_head(places: &Places, locks: &Locks, log: Log, generation: u64) -> Result<Head> {
    if locks.read(log, generation).await?.is_some() {
        return sequencer::head(locks, log, generation).await;
    }
    published_head(places, log, generation)
}

/// The same, of a repository whose locks lie in its folder, or of a copy that has none.
pub(crate) fn last_head_here(places: &Places, log: Log, generation: u64) -> Result<Head> {
    if let Some(text) = lock::read_in(&places.lock, log, generation)? {
        return sequencer::read_head(generation, &text, &places.lock.display().to_string());
    }
    published_head(places, log, generation)
}

/// The published head of a log.
pub(crate) fn published_head(places: &Places, log: Log, generation: u64) -> Result<Head> {
    let folder = sequencer::folder(places, generation, log);
    let path = folder.show("checkpoint");
    let text = folder.read_text("checkpoint")?.ok_or_else(|| Error::corrupt(format!("The checkpoint {path} is missing.")))?;
    sequencer::read_head(generation, &text, &path)
}

/// Replays all generations of both logs into an empty database; with `live`, also the events that wait there for the next signed head.
pub(crate) async fn replay_into(places: &Places, locks: &Locks, keyring: &Keyring, blobs: &Blobs, db: &Db, live: Option<&Db>) -> Result<Summary> {
    let rows = RowKeys::default();
    let mut seen = Summary::default();
    let generations = sequencer::generations(places)?;
    let mut last = (0, 0, 0);
    for generation in generations {
        let mut sizes = (0, 0);
        for log in [Log::Custody, Log::Access] {
            let head = last_head(places, locks, log, generation).await?;
            let waiting = match live {
                Some(live) => match waiting_in(live, log, generation, head.size).await {
                    Err(error) if error.kind == ErrorKind::Corrupt => {
                        seen.unreadable = Some(error.message);
                        Waiting::default()
                    }
                    waiting => waiting?,
                },
                None => Waiting::default(),
            };
            let count = waiting.entries.len() as u64;
            seen.waiting += count;
            match log {
                Log::Custody => sizes.0 = head.size + count,
                Log::Access => sizes.1 = head.size + count,
            }
            let mut replay = Replay::open(places, keyring, log, head)?.with_waiting(waiting);
            let mut writer = Writer::new(db.begin_write().await?, keyring, &rows);
            let mut count = 0;
            while let Some(event) = replay.next_event()? {
                apply(&mut writer, (blobs, &places.staging), &event, &mut seen).await?;
                count += 1;
                if count % BATCH == 0 {
                    writer.commit().await?;
                    writer = Writer::new(db.begin_write().await?, keyring, &rows);
                }
            }
            writer.commit().await?;
        }
        last = (generation, sizes.0, sizes.1);
    }
    begin_heads(db, last.0, last.1, last.2).await?;
    Ok(seen)
}

/// The events of a log that a database holds beyond the signed head.
async fn waiting_in(live: &Db, log: Log, generation: u64, size: u64) -> Result<Waiting> {
    let mut waiting = Waiting::default();
    let rows = sqlx::query("SELECT idx, entry FROM events WHERE log = $1 AND generation = $2 AND idx >= $3 ORDER BY idx")
        .bind(log.name())
        .bind(signed(generation))
        .bind(signed(size))
        .fetch_all(live.read())
        .await?;
    for (row, index) in rows.iter().zip(size..) {
        // Beyond a gap nothing can be integrated: what stands there is no event, and the comparison of rows says so.
        if unsigned(row.try_get(0)?)? != index {
            break;
        }
        waiting.entries.insert(index, row.try_get(1)?);
    }
    let rows = sqlx::query("SELECT path, bytes FROM segments WHERE log = $1 AND generation = $2")
        .bind(log.name())
        .bind(signed(generation))
        .fetch_all(live.read())
        .await?;
    for row in rows {
        waiting.segments.push((row.try_get(0)?, row.try_get(1)?));
    }
    Ok(waiting)
}

async fn apply(writer: &mut Writer<'_>, (blobs, staging): (&Blobs, &Path), replayed: &Replayed, seen: &mut Summary) -> Result<()> {
    seen.events += 1;
    match &replayed.event {
        Event::RepositoryCreated(event, _) => seen.repository = Some((event.repository, event.domain_unit)),
        Event::AccessionPrepared(event, _) => seen.prepared.extend(event.objects.iter().map(|object| object.id)),
        Event::AgentAdded(event, Some(detail)) => seen.person_keys.extend(detail.key_sha256.clone().map(|sha256| (event.subject, sha256))),
        _ => {}
    }
    let manifest = match &replayed.event {
        Event::AccessionReceived(event, detail) => {
            let ids: Vec<Uuid> = event.objects.iter().map(|object| object.id).collect();
            seen.objects.extend(event.objects.iter().map(|object| (object.id, object.inventory_sha512.clone(), event.unit)));
            let manifest = read_manifest_with(blobs, writer.keyring(), event.unit, &ids, Manifest::in_folder(staging))?;
            if manifest.is_none() {
                seen.closed += 1;
            }
            check_root(manifest.as_ref(), detail.as_ref().map(|detail| detail.manifest_root.as_str()), event.accession)?;
            manifest
        }
        _ => None,
    };
    let record = Record {
        position: replayed.position,
        at: replayed.at,
        agent: replayed.agent,
        unit: replayed.unit,
        event: &replayed.event,
        manifest: manifest.as_ref(),
    };
    enter(writer, &record, &replayed.id, &replayed.sides).await
}

fn check_root(manifest: Option<&Manifest>, root: Option<&str>, accession: Uuid) -> Result<()> {
    match (manifest, root) {
        (Some(manifest), Some(root)) if manifest.root()?.to_hex() != root => {
            Err(Error::corrupt(format!("The manifest of accession {accession} in the storage root is not the one the log commits to.")))
        }
        _ => Ok(()),
    }
}

/// A table and how its rows are compared.
struct Table {
    name: &'static str,
    /// Columns in clear; the first `keys` of them are the key and the order.
    clear: &'static str,
    keys: usize,
    /// Sealed column, column of its row key, and how the row's id is made from the key: parts joined by `/`.
    sealed: &'static [(&'static str, &'static str, &'static str)],
    /// Which rows are left out: those of units that cannot be opened here.
    filter: &'static str,
}

/// Tables that are not here hold no projections: payload that waits, wrapped row keys, and the machines' own work (`nodes`, `jobs`,
/// `deposit_leases`), of which a replayed database knows nothing (ADR 10).
const TABLES: &[Table] = &[
    Table { name: "schema_version", clear: "version", keys: 1, sealed: &[], filter: "" },
    Table { name: "schema_readers", clear: "version, oldest", keys: 1, sealed: &[], filter: "" },
    Table { name: "heads", clear: "log, generation, next", keys: 1, sealed: &[], filter: "" },
    Table {
        name: "events",
        clear: "log, generation, idx, id, kind, agent, at, entry, unit, detail_commitment",
        keys: 3,
        sealed: &[("skeleton", "skeleton_key", "skeleton_sealed"), ("detail", "detail_key", "detail_sealed")],
        filter: "",
    },
    Table { name: "event_subjects", clear: "subject, log, generation, idx", keys: 4, sealed: &[], filter: "" },
    Table { name: "agents", clear: "id, code, roles, public_key", keys: 1, sealed: &[("sealed", "row_key", "sealed")], filter: "" },
    Table { name: "units", clear: "id, mode, created_at, vault_sha256", keys: 1, sealed: &[], filter: "" },
    Table {
        name: "accessions",
        clear: "id, number, unit, status, at, items, bytes, not_taken, generation, idx",
        keys: 1,
        sealed: &[("sealed", "row_key", "sealed")],
        filter: "WHERE unit NOT IN (SELECT id FROM units WHERE mode = 'sealed')",
    },
    Table {
        name: "accessions",
        // What the skeletons say of accessions whose details cannot be opened here.
        clear: "id, number, unit, status, at, generation, idx",
        keys: 1,
        sealed: &[],
        filter: "WHERE unit IN (SELECT id FROM units WHERE mode = 'sealed')",
    },
    Table { name: "objects", clear: "id, accession, part, inventory_sha512, status", keys: 1, sealed: &[], filter: "" },
    Table {
        name: "items",
        clear: "id, accession, seq, number, unit, object, content, bytes, line_index, fingerprint",
        keys: 1,
        sealed: &[("sealed", "row_key", "sealed")],
        filter: "WHERE unit NOT IN (SELECT id FROM units WHERE mode = 'sealed')",
    },
    Table {
        name: "findings",
        clear: "accession, line_index, code, taken",
        keys: 2,
        sealed: &[("sealed", "row_key", "sealed")],
        filter: "WHERE accession NOT IN (SELECT a.id FROM accessions a JOIN units u ON u.id = a.unit WHERE u.mode = 'sealed')",
    },
    Table {
        name: "contents",
        clear: "object, path, checked_at, outcome",
        keys: 2,
        sealed: &[],
        filter: "WHERE object NOT IN (SELECT o.id FROM objects o JOIN accessions a ON a.id = o.accession JOIN units u ON u.id = a.unit WHERE u.mode = 'sealed')",
    },
    Table {
        name: "readings",
        clear: "item, accession, unit, generation, idx, at, state, format, puid, text_bytes, pages, members, members_partly, members_unreadable, findings, \
                input_sha256, output_sha256",
        keys: 1,
        sealed: &[],
        filter: "WHERE unit NOT IN (SELECT id FROM units WHERE mode = 'sealed')",
    },
    Table { name: "requests", clear: "id, number, kind, subject, asked_by, at, status", keys: 1, sealed: &[], filter: "" },
    Table { name: "approvals", clear: "request, agent, at, signature", keys: 2, sealed: &[], filter: "" },
    Table { name: "stamps", clear: "generation, token_sha256, log_size, gen_time", keys: 2, sealed: &[], filter: "" },
    Table { name: "meta", clear: "key, value", keys: 1, sealed: &[], filter: "" },
];

/// The shape of an SQLite database itself.
const SCHEMA: Table = Table { name: "sqlite_master", clear: "type, name, tbl_name, sql", keys: 2, sealed: &[], filter: "" };

/// A database with what is needed to open its sealed columns.
pub(crate) struct Side<'a> {
    pub db: &'a Db,
    pub keyring: &'a Keyring,
    pub rows: &'a RowKeys,
}

/// Compares a database with the one replayed from the log, row by row, sealed values opened. Names every row that differs; returns rows compared.
pub(crate) async fn compare(live: &Side<'_>, replayed: &Side<'_>, findings: &mut Vec<Finding>) -> Result<u64> {
    let mut compared = 0;
    live.rows.check_all(live.db, live.keyring).await?;
    let schema = (live.db.engine == Engine::Sqlite).then_some(&SCHEMA);
    for table in TABLES.iter().chain(schema) {
        let order = table.clear.split(", ").take(table.keys).collect::<Vec<_>>().join(", ");
        let sealed: String = table.sealed.iter().map(|(_, key, column)| format!(", {key}, {column}")).collect();
        let text = format!("SELECT {}{sealed} FROM {} {} ORDER BY {order}", table.clear, table.name, table.filter);
        let mut ours = sqlx::query(sqlx::AssertSqlSafe(text.clone())).fetch(live.db.read());
        let mut theirs = sqlx::query(sqlx::AssertSqlSafe(text)).fetch(replayed.db.read());
        let (mut one, mut two) = (read(table, live, next(&mut ours).await?).await?, read(table, replayed, next(&mut theirs).await?).await?);
        loop {
            match (&one, &two) {
                (None, None) => break,
                (Some(left), Some(right)) if left.key == right.key => {
                    compared += 1;
                    let columns = differing(left, right).join(", ");
                    if !columns.is_empty() {
                        findings.push(Finding::new(
                            &codes::DATABASE_ROW_DIFFERS,
                            row_path(table, left),
                            format!("The row differs from what the log says, in: {columns}."),
                        ));
                    }
                    one = read(table, live, next(&mut ours).await?).await?;
                    two = read(table, replayed, next(&mut theirs).await?).await?;
                }
                (Some(left), Some(right)) if left.key > right.key => {
                    findings.push(Finding::new(&codes::DATABASE_ROW_MISSING, row_path(table, right), "The log speaks of this row; the database lacks it."));
                    two = read(table, replayed, next(&mut theirs).await?).await?;
                }
                (None, Some(right)) => {
                    findings.push(Finding::new(&codes::DATABASE_ROW_MISSING, row_path(table, right), "The log speaks of this row; the database lacks it."));
                    two = read(table, replayed, next(&mut theirs).await?).await?;
                }
                (Some(left), _) => {
                    findings.push(Finding::new(&codes::DATABASE_ROW_UNKNOWN, row_path(table, left), "No event of the log accounts for this row."));
                    one = read(table, live, next(&mut ours).await?).await?;
                }
            }
        }
    }
    Ok(compared)
}

/// Names of the columns in which two rows differ.
fn differing(left: &Comparable, right: &Comparable) -> Vec<&'static str> {
    // Fingerprints are absent where an item came while its unit was sealed, here or in the replay.
    let is_absent = |name: &str, one: &Cell, two: &Cell| name == "fingerprint" && (*one == Cell::Null || *two == Cell::Null);
    let pairs = left.value.iter().zip(&right.value);
    pairs.filter(|((name, one), (_, two))| one != two && !is_absent(name, one, two)).map(|((name, _), _)| *name).collect()
}

struct Comparable {
    key: Vec<Cell>,
    value: Vec<(&'static str, Cell)>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
    Unreadable,
}

fn row_path(table: &Table, row: &Comparable) -> String {
    let key = row.key.iter().map(|cell| match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Null | Cell::Bytes(_) | Cell::Unreadable => "?".to_owned(),
    });
    format!("database/{}/{}", table.name, key.collect::<Vec<_>>().join("/"))
}

async fn next(stream: &mut (impl Stream<Item = std::result::Result<AnyRow, sqlx::Error>> + Unpin)) -> Result<Option<AnyRow>> {
    Ok(std::future::poll_fn(|cx| std::pin::Pin::new(&mut *stream).poll_next(cx)).await.transpose()?)
}

async fn read(table: &Table, side: &Side<'_>, row: Option<AnyRow>) -> Result<Option<Comparable>> {
    let Some(row) = row else { return Ok(None) };
    let clear: Vec<&'static str> = table.clear.split(", ").collect();
    let mut cells = Vec::with_capacity(clear.len());
    for (at, name) in clear.iter().enumerate() {
        cells.push((*name, cell(&row, at)?));
    }
    let key: Vec<Cell> = cells.iter().take(table.keys).map(|(_, cell)| cell.clone()).collect();
    let id = key
        .iter()
        .map(|cell| match cell {
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
            Cell::Null | Cell::Bytes(_) | Cell::Unreadable => String::new(),
        })
        .collect::<Vec<_>>()
        .join("/");
    for (at, (column, _, _)) in table.sealed.iter().enumerate() {
        let row_key: Option<String> = row.try_get(clear.len() + at * 2)?;
        let sealed: Option<Vec<u8>> = row.try_get(clear.len() + at * 2 + 1)?;
        let place = Place { table: table.name, column, row: &id };
        let opened = side.rows.open(side.db, side.keyring, row_key.as_deref().unwrap_or_default(), place, sealed.as_deref()).await;
        let cell = match opened {
            Ok(Some(text)) => Cell::Text(text),
            // Where nothing is sealed no key is named.
            Ok(None) if sealed.is_none() && row_key.is_some_and(|key| !key.is_empty()) => Cell::Unreadable,
            Ok(None) => Cell::Null,
            Err(error) if error.kind == ErrorKind::Corrupt => Cell::Unreadable,
            Err(error) => return Err(error),
        };
        cells.push((column, cell));
    }
    Ok(Some(Comparable { key, value: cells }))
}

fn cell(row: &AnyRow, at: usize) -> Result<Cell> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let name = raw.type_info().name().to_owned();
    // An altered file may hold a value of another type than its column: that too is a difference, not a failure.
    Ok(if let Ok(number) = row.try_get::<i64, _>(at) {
        Cell::Number(number)
    } else if let Ok(text) = row.try_get::<String, _>(at) {
        Cell::Text(text)
    } else if let Ok(bytes) = row.try_get::<Vec<u8>, _>(at) {
        Cell::Bytes(bytes)
    } else {
        Cell::Text(format!("a value of type {name} in {}", row.column(at).name()))
    })
}

/// Makes the empty file of a database for this process alone: while the answer lives, [`remove_left_databases`] leaves it.
pub(crate) fn hold_database(path: &Path) -> Result<File> {
    let held = File::options().append(true).create_new(true).mode(0o600).open(path).doing("Could not create", path)?;
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).map_err(std::io::Error::from).doing("Could not lock", path)?;
    Ok(held)
}

/// Removes databases (`verify-….db`) that an interrupted verification left in a folder.
pub(crate) fn remove_left_databases(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).doing("Could not list", folder)? {
        let entry = entry.doing("Could not list", folder)?;
        let name = entry.file_name();
        let is_one = name.to_str().is_some_and(|name| name.starts_with("verify-") && name.ends_with(".db"));
        // One that cannot be opened is gone already.
        if let (true, Ok(file)) = (is_one, File::open(entry.path()))
            && rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            remove_database(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes an SQLite database with its side files.
pub(crate) fn remove_database(path: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let path = PathBuf::from(name);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).doing("Could not remove", &path),
        }
    }
    Ok(())
}
