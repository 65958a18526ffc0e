//! Reading events from the database, and proofs that they are in the log.

use jiff::Timestamp;
use sago_ledger::Hash;
use sago_ledger::leaf::{Half, HalfKind, Leaf};
use sago_ledger::opening::{Opening, Part};
use sago_ledger::proof::TlogProof;
use sago_ledger::source::TileReader;
use serde_json::{Map, Value};
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::ledger::event::{Event, Log};
use crate::ledger::{Position, Sides, read_opened, rebuild, sequencer, signed, unsigned};
use crate::repository::Repository;
use crate::store::rows::Place;

/// An event as the database holds it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Where it stands.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub agent: Uuid,
    /// The unit its detail is sealed to.
    pub unit: Uuid,
    /// What; without detail when that unit is sealed or destroyed.
    pub event: Event,
    /// Its leaf's halves.
    pub sides: Sides,
}

const COLUMNS: &str = "log, generation, idx, at, agent, unit, entry, skeleton_key, skeleton_sealed, detail_key, detail_sealed, detail_commitment";

/// Reads one event.
pub async fn read_event(repo: &Repository, log: Log, generation: u64, index: u64) -> Result<Stored> {
    let text = format!("SELECT {COLUMNS} FROM events WHERE log = $1 AND generation = $2 AND idx = $3");
    let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(log.name()).bind(signed(generation)).bind(signed(index)).fetch_optional(repo.db().read()).await?;
    let row = row.ok_or_else(|| Error::not_found(format!("There is no entry {index} in generation {generation} of the {} log.", log.name())))?;
    stored(repo, &row).await
}

/// The last entries of a log, oldest of them first.
pub async fn recent_events(repo: &Repository, log: Log, generation: u64, limit: u64) -> Result<Vec<Stored>> {
    let text = format!("SELECT {COLUMNS} FROM events WHERE log = $1 AND generation = $2 ORDER BY idx DESC LIMIT $3");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(log.name()).bind(signed(generation)).bind(signed(limit)).fetch_all(repo.db().read()).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows.iter().rev() {
        found.push(stored(repo, row).await?);
    }
    Ok(found)
}

/// All events about a subject, oldest first; the custody log's before the access log's within the same moment.
pub async fn events_about(repo: &Repository, subject: Uuid) -> Result<Vec<Stored>> {
    let columns = COLUMNS.split(", ").map(|column| format!("e.{column}")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "SELECT {columns} FROM event_subjects s JOIN events e ON e.log = s.log AND e.generation = s.generation AND e.idx = s.idx \
         WHERE s.subject = $1 ORDER BY e.at, e.log DESC, e.idx"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(subject.to_string()).fetch_all(repo.db().read()).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(stored(repo, row).await?);
    }
    Ok(found)
}

async fn stored(repo: &Repository, row: &AnyRow) -> Result<Stored> {
    let log = if row.try_get::<String, _>("log")? == Log::Access.name() { Log::Access } else { Log::Custody };
    let position = Position { log, generation: unsigned(row.try_get("generation")?)?, index: unsigned(row.try_get("idx")?)? };
    let name = format!("{}/{}/{}", log.name(), position.generation, position.index);
    let corrupt = || Error::corrupt(format!("The database row of entry {name} was altered.")).hint("Run `sago verify`, then `sago rebuild`.");
    let opened = async |column: &'static str, key: &str, sealed: &str| -> Result<Option<Half>> {
        let sealed: Option<Vec<u8>> = row.try_get(sealed)?;
        let key: String = row.try_get(key)?;
        let text = repo.open_column(&key, Place { table: "events", column, row: &name }, sealed.as_deref()).await?;
        text.map(|text| read_opened(&text).ok_or_else(corrupt)).transpose()
    };
    let skeleton = opened("skeleton", "skeleton_key", "skeleton_sealed").await?.ok_or_else(corrupt)?;
    let detail = opened("detail", "detail_key", "detail_sealed").await?;
    let map: Map<String, Value> = serde_json::from_str(&skeleton.payload).map_err(|_| corrupt())?;
    let detail_map: Option<Map<String, Value>> = detail.as_ref().map(|half| serde_json::from_str(&half.payload)).transpose().map_err(|_| corrupt())?;
    let entry: Vec<u8> = row.try_get("entry")?;
    let commitment: [u8; 32] = row.try_get::<Vec<u8>, _>("detail_commitment")?.try_into().map_err(|_| corrupt())?;
    let seconds = Leaf::parse(&entry).map_err(|_| corrupt())?.seconds();
    let kind = map.get("kind").and_then(Value::as_str).ok_or_else(corrupt)?;
    let event = Event::read(kind, &map, detail_map.as_ref())?;
    let sides = Sides { seconds, skeleton: Part::Open(skeleton), detail: detail.map_or(Part::Withheld(Hash(commitment)), Part::Open) };
    if sides.entry()? != entry {
        return Err(corrupt());
    }
    Ok(Stored {
        position,
        at: Timestamp::from_microsecond(row.try_get("at")?).map_err(|_| corrupt())?,
        agent: Uuid::parse_str(&row.try_get::<String, _>("agent")?).map_err(|_| corrupt())?,
        unit: Uuid::parse_str(&row.try_get::<String, _>("unit")?).map_err(|_| corrupt())?,
        event,
        sides,
    })
}

/// The opening of an event, its detail withheld when asked.
pub fn opening(head: &sequencer::Head, stored: &Stored, withhold_detail: bool) -> Opening {
    let Sides { seconds, skeleton, detail } = stored.sides.clone();
    let detail = if withhold_detail { detail.withheld(HalfKind::Detail) } else { detail };
    Opening { log: head.origin.clone(), index: stored.position.index, seconds, skeleton, detail }
}

/// A `.tlog-proof` of an event, with its opening inside, against the last signed head, or the first after it that enough witnesses have cosigned.
pub async fn prove(repo: &Repository, stored: &Stored, withhold_detail: bool) -> Result<String> {
    let last = rebuild::last_head(&repo.places, &repo.locks(), stored.position.log, stored.position.generation).await?;
    let head = crate::witness::head_for(repo, &last, stored.position, |_| true).unwrap_or(last);
    prove_in(repo, stored, withhold_detail, &head)
}

/// The same, against a given head: one that was time-stamped, say.
pub fn prove_in(repo: &Repository, stored: &Stored, withhold_detail: bool, head: &sequencer::Head) -> Result<String> {
    let Position { log, generation, index } = stored.position;
    let source = sequencer::folder(&repo.places, generation, log);
    let mut reader = TileReader::new(&source, head.size);
    let path = sago_ledger::merkle::inclusion_path(index, head.size, &mut reader)
        .map_err(|error| Error::corrupt(format!("Entry {index} of the {} log cannot be proven: {error}", log.name())).hint("Run `sago verify`."))?;
    let opening = opening(head, stored, withhold_detail).encode();
    let extra = opening.map_err(|error| Error::internal(format!("An opening cannot be written: {error}")))?;
    Ok(TlogProof { index, path, checkpoint: crate::witness::cosigned(&repo.places, log, head), extra: Some(extra) }.encode())
}
