//! The ledger: events, the transaction that is the only way to write, and the Merkle logs they end in.
//!
//! `event` lists all that can happen; `Tx` writes rows and events together; `project` turns an event into rows (the same code when it
//! happens and when a database is rebuilt); `group` enters events of many tasks together; `sequencer` integrates events into the logs
//! and signs; `lock` remembers what was signed; `replay` reads a log's payload back; `public` is what anybody may read of a log.

pub mod event;
pub mod group;
pub mod lock;
mod project;
pub mod proof;
pub mod public;
pub mod rebuild;
pub mod replay;
pub mod sequencer;

use std::collections::BTreeMap;

use jiff::Timestamp;
use sago_ledger::Hash;
use sago_ledger::json::canonical_json;
use sago_ledger::leaf::{Half, HalfKind, Leaf, commitment};
use sago_ledger::opening::Part;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::Row;
use uuid::Uuid;

use crate::accession::manifest::Manifest;
use crate::ctx::{Ctx, POLICY, SOFTWARE, micros, time_text};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Keyring, seal_bytes};
use crate::repository::PLACE;
use crate::store::db::Db;
use crate::store::rows::{Place, RowKeys, Writer};
use event::{ClockJumped, ClockJumpedDetail, Event, Log};
use replay::DetailFile;

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Which log.
    pub log: Log,
    /// Which generation of it.
    pub generation: u64,
    /// Zero-based index.
    pub index: u64,
}

/// An event in its place, as projections see it.
pub struct Record<'a> {
    /// Where it stands.
    pub position: Position,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub agent: Uuid,
    /// The unit its detail is sealed to.
    pub unit: Uuid,
    /// What happened.
    pub event: &'a Event,
    /// The manifest of the accession, for the event that receives one, when it can be read.
    pub manifest: Option<&'a Manifest>,
}

struct Pending<'a> {
    event: Event,
    unit: Uuid,
    manifest: Option<&'a Manifest>,
}

/// Whether the place that may continue the log, as its row says, is this one. Without a row it is the place where the repository was made.
pub(crate) fn is_place(live: Option<&str>, here: Uuid) -> bool {
    live.map_or(here.is_nil(), |live| live == here.to_string())
}

/// The error for a place whose repository lives elsewhere now.
pub(crate) fn moved() -> Error {
    Error::new(ErrorKind::Conflict, "The repository was moved from here: its log goes on in another place, and nothing can be entered here any more.")
        .hint("Use the folder that `sago migrate` made. If that command was interrupted, run it again with the same words: it goes on.")
        .hint("What lies here can still be read: `verify`, `list`, `show`, `log`. Two places that both go on would be a forked log.")
}

/// A writing transaction. Rows are written only by projecting the events it commits.
pub struct Tx<'a> {
    db: &'a Db,
    writer: Writer<'a>,
    pending: Vec<Pending<'a>>,
}

impl<'a> Tx<'a> {
    pub(crate) async fn begin(db: &'a Db, keyring: &'a Keyring, rows: &'a RowKeys) -> Result<Self> {
        let mut tx = db.begin_write().await?;
        // Asked under the writer's place: a process that was at work while the repository moved enters nothing more here.
        let live: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = $1").bind(PLACE).fetch_optional(&mut *tx).await?;
        if !is_place(live.as_deref(), keyring.place()) {
            return Err(moved());
        }
        Ok(Self { db, writer: Writer::new(tx, keyring, rows), pending: Vec::new() })
    }

    /// The connection, for reading inside the transaction.
    pub(crate) fn conn(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.writer.conn
    }

    /// Adds an event whose detail is sealed to `unit`; nothing is written before [`Tx::commit`].
    pub fn append(&mut self, unit: Uuid, event: Event) {
        self.pending.push(Pending { event, unit, manifest: None });
    }

    /// Adds the event that receives an accession, with its manifest.
    pub(crate) fn append_received(&mut self, unit: Uuid, event: Event, manifest: &'a Manifest) {
        self.pending.push(Pending { event, unit, manifest: Some(manifest) });
    }

    /// Writes all events and their rows in one database transaction. When this returns they are durable and have their place in the
    /// log; [`sequencer::integrate`] then makes the log's signed head cover them. If we crash between, the next start does.
    pub async fn commit(mut self, ctx: &Ctx) -> Result<Vec<Position>> {
        let now = ctx.now();
        self.note_clock(now).await?;
        let pending = std::mem::take(&mut self.pending);
        let mut positions = vec![None; pending.len()];
        let mut one_event = None;
        for log in Log::ALL {
            let members: Vec<usize> = (0..pending.len()).filter(|&n| pending[n].event.log() == log).collect();
            if members.is_empty() {
                continue;
            }
            let (generation, first) = self.take_indexes(log, members.len()).await?;
            let mut details: BTreeMap<Uuid, Vec<u8>> = BTreeMap::new();
            let mut skeletons = Vec::with_capacity(members.len());
            for (offset, &n) in members.iter().enumerate() {
                let position = Position { log, generation, index: first + offset as u64 };
                let one = &pending[n];
                let made = Made::new(&one.event, ctx.agent, now)?;
                let sides = made.sides();
                details.entry(one.unit).or_default().extend(replay::segment_line(position.index, &made.detail, None));
                skeletons.push((position.index, made.skeleton, sides.detail_commitment(), one.unit));
                let record = Record { position, at: now, agent: ctx.agent, unit: one.unit, event: &one.event, manifest: one.manifest };
                enter(&mut self.writer, &record, &made.id, &sides).await?;
                positions[n] = Some(position);
                one_event = Some((position, made.id));
            }
            let last = first + members.len() as u64 - 1;
            let mut segments = Vec::with_capacity(details.len() + 1);
            let mut digests = BTreeMap::new();
            for (unit, text) in details {
                let sealed = seal_bytes(&[&self.writer.keyring().recipient(unit)?], &text)?;
                digests.insert(unit, hex::encode(Sha256::digest(&sealed)));
                segments.push((unit, "detail", sealed));
            }
            // The skeletons say what the files of details are, so that damage to one shows also while its unit cannot be opened.
            let mut text = Vec::new();
            for (index, half, commitment, unit) in &skeletons {
                let sha256 = digests.get(unit).cloned().unwrap_or_default();
                text.extend(replay::segment_line(*index, half, Some(DetailFile { commitment: *commitment, unit: *unit, sha256 })));
            }
            let domain = self.writer.keyring().domain();
            segments.push((domain, "skeleton", seal_bytes(&[&self.writer.keyring().recipient(domain)?], &text)?));
            for (unit, half, sealed) in segments {
                let path = format!("{}/{first:012}-{last:012}.{unit}.{half}.age", log.name());
                sqlx::query("INSERT INTO segments (path, log, generation, first_idx, bytes) VALUES ($1, $2, $3, $4, $5)")
                    .bind(path)
                    .bind(log.name())
                    .bind(signed(generation))
                    .bind(signed(first))
                    .bind(sealed)
                    .execute(&mut *self.writer.conn)
                    .await?;
            }
        }
        let Self { db, writer, .. } = self;
        if let Err(error) = writer.commit().await {
            let Some((position, id)) = one_event else { return Err(error) };
            require_entered(db, position, id, error).await?;
        }
        Ok(positions.into_iter().flatten().collect())
    }

    /// Takes the next indexes of a log; the row stays locked until the transaction ends, so that indexes have no gaps.
    async fn take_indexes(&mut self, log: Log, count: usize) -> Result<(u64, u64)> {
        let row = sqlx::query("UPDATE heads SET next = next + $2 WHERE log = $1 RETURNING generation, next")
            .bind(log.name())
            .bind(signed(count as u64))
            .fetch_one(&mut *self.writer.conn)
            .await?;
        let next = unsigned(row.try_get(1)?)?;
        Ok((unsigned(row.try_get(0)?)?, next - count as u64))
    }

    /// Enters an event when the clock stands before the last entry: times are annotated, never rewritten.
    async fn note_clock(&mut self, now: Timestamp) -> Result<()> {
        let last: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = 'last_at'").fetch_optional(&mut *self.writer.conn).await?;
        let Some(last) = last.and_then(|text| text.parse::<i64>().ok()).and_then(|at| Timestamp::from_microsecond(at).ok()) else { return Ok(()) };
        if micros(now) < micros(last) {
            let event = ClockJumped { last: time_text(last), now: time_text(now) }.with(ClockJumpedDetail {});
            self.pending.insert(0, Pending { event, unit: self.writer.keyring().domain(), manifest: None });
        }
        Ok(())
    }
}

/// Finds out whether a transaction was committed whose commit was answered by an error, or not at all: the answer may have been lost after
/// the commit. All its events stand or fall together, so one of them is looked for.
async fn require_entered(db: &Db, position: Position, id: Uuid, error: Error) -> Result<()> {
    let look = async || -> Result<Option<String>> {
        // Whoever gets the writer's place knows that the transaction in question has ended, one way or the other.
        let mut tx = db.begin_write().await?;
        let found = sqlx::query_scalar("SELECT id FROM events WHERE log = $1 AND generation = $2 AND idx = $3")
            .bind(position.log.name())
            .bind(signed(position.generation))
            .bind(signed(position.index))
            .fetch_optional(&mut *tx)
            .await?;
        tx.rollback().await?;
        Ok(found)
    };
    match look().await {
        Ok(Some(found)) if found == id.to_string() => Ok(()),
        Ok(_) => Err(error),
        Err(_) => Err(Error::new(
            error.kind,
            format!("{} Whether this last step was entered cannot be said before the database answers again.", error.message),
        )
        .hint("Nothing that was receipted is lost. When the database answers again, `sago list` and `sago log` show what was entered; then run the same command once more.")),
    }
}

/// The two halves of a leaf, each open or withheld, and its time.
#[derive(Debug, Clone)]
pub struct Sides {
    /// Whole seconds since 1970.
    pub seconds: u64,
    /// What happened to which ids.
    pub skeleton: Part,
    /// Everything else; withheld when its unit is sealed or destroyed.
    pub detail: Part,
}

impl Sides {
    /// The commitment of the detail.
    pub fn detail_commitment(&self) -> Hash {
        self.detail.commitment(HalfKind::Detail)
    }

    /// The entry in the log.
    pub fn entry(&self) -> Result<Vec<u8>> {
        let made = Leaf::new(self.seconds, commitment(&self.skeleton.commitment(HalfKind::Skeleton), &self.detail_commitment()));
        Ok(made.map_err(|error| Error::internal(format!("A leaf cannot be made: {error}")))?.entry())
    }
}

/// An event with its salt: what the leaf is made of.
struct Made {
    id: Uuid,
    seconds: u64,
    skeleton: Half,
    detail: Half,
}

impl Made {
    fn new(event: &Event, agent: Uuid, at: Timestamp) -> Result<Self> {
        let id = Uuid::now_v7();
        let mut skeleton = event.skeleton();
        for (name, value) in [
            ("kind", event.kind().to_owned()),
            ("event", id.to_string()),
            ("agent", format!("urn:uuid:{agent}")),
            ("at", time_text(at)),
            ("software", SOFTWARE.to_owned()),
            ("policy", POLICY.to_owned()),
        ] {
            skeleton.insert(name.to_owned(), Value::String(name_once(&skeleton, name, value)?));
        }
        let detail = event.detail().ok_or_else(|| Error::internal("An event without its detail cannot be entered."))?;
        Ok(Self { id, seconds: u64::try_from(at.as_second()).unwrap_or(0), skeleton: half(skeleton)?, detail: half(detail)? })
    }

    fn sides(&self) -> Sides {
        Sides { seconds: self.seconds, skeleton: Part::Open(self.skeleton.clone()), detail: Part::Open(self.detail.clone()) }
    }
}

/// Guards against an event whose own member would be overwritten by one that every skeleton has.
fn name_once(skeleton: &Map<String, Value>, name: &str, value: String) -> Result<String> {
    if skeleton.contains_key(name) {
        return Err(Error::internal(format!("An event uses the reserved member “{name}”.")));
    }
    Ok(value)
}

fn half(map: Map<String, Value>) -> Result<Half> {
    let payload = canonical_json(&Value::Object(map)).map_err(|error| Error::internal(format!("An event cannot be written: {error}")))?;
    let payload = String::from_utf8(payload).map_err(|_| Error::internal("An event is not UTF-8."))?;
    Ok(Half { nonce: *crate::key::random_seed()?, payload })
}

/// Writes the rows of one event: its own, its subjects', and its projection. Used when it happens and when it is replayed.
pub(crate) async fn enter(writer: &mut Writer<'_>, record: &Record<'_>, id: &Uuid, sides: &Sides) -> Result<()> {
    let Position { log, generation, index } = record.position;
    let row = format!("{}/{generation}/{index}", log.name());
    let domain = writer.keyring().domain();
    let place = |column| Place { table: "events", column, row: &row };
    let (skeleton_key, skeleton_sealed) = writer.seal_some(domain, place("skeleton"), opened_text(&sides.skeleton).as_deref()).await?;
    let (detail_key, detail_sealed) = writer.seal_some(record.unit, place("detail"), opened_text(&sides.detail).as_deref()).await?;
    sqlx::query(
        "INSERT INTO events (log, generation, idx, id, kind, agent, at, entry, skeleton_key, skeleton_sealed, unit, detail_key, detail_sealed, detail_commitment) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(log.name())
    .bind(signed(generation))
    .bind(signed(index))
    .bind(id.to_string())
    .bind(record.event.kind())
    .bind(record.agent.to_string())
    .bind(micros(record.at))
    .bind(sides.entry()?)
    .bind(skeleton_key)
    .bind(skeleton_sealed)
    .bind(record.unit.to_string())
    .bind(detail_key)
    .bind(detail_sealed)
    .bind(sides.detail_commitment().0.to_vec())
    .execute(&mut *writer.conn)
    .await?;
    for subject in record.event.subjects() {
        sqlx::query("INSERT INTO event_subjects (subject, log, generation, idx) VALUES ($1, $2, $3, $4)")
            .bind(subject.to_string())
            .bind(log.name())
            .bind(signed(generation))
            .bind(signed(index))
            .execute(&mut *writer.conn)
            .await?;
    }
    sqlx::query(
        "INSERT INTO meta (key, value) VALUES ('last_at', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value \
         WHERE CAST(meta.value AS BIGINT) < CAST(excluded.value AS BIGINT)",
    )
    .bind(micros(record.at).to_string())
    .execute(&mut *writer.conn)
    .await?;
    project::project(writer, record).await
}

/// Nonce and payload of an open half as they are kept in the sealed column: base64, a space, the payload.
fn opened_text(part: &Part) -> Option<String> {
    use base64::Engine as _;
    part.half().map(|half| format!("{} {}", base64::engine::general_purpose::STANDARD.encode(half.nonce), half.payload))
}

/// Reads back what [`opened_text`] wrote.
pub(crate) fn read_opened(text: &str) -> Option<Half> {
    use base64::Engine as _;
    let (nonce, payload) = text.split_once(' ')?;
    let nonce = base64::engine::general_purpose::STANDARD.decode(nonce).ok()?.try_into().ok()?;
    Some(Half { nonce, payload: payload.to_owned() })
}

/// A number as the database keeps it.
pub(crate) fn signed(number: u64) -> i64 {
    // Indexes, sizes and counts of this system stay far below 2^63; a greater one is a defect that must not wrap.
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as it comes from the database.
pub(crate) fn unsigned(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Error::corrupt("The database holds a negative count: it was altered."))
}
