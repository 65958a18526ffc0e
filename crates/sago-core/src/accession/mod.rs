//! Accessions: what was handed over together, from arrival to receipt.
//!
//! `deposit` receives, `recover` completes what a crash interrupted, `lease` says which node works on a deposit, `receipt` proves to the contributor what was received,
//! `manifest` holds the bytes the log commits to.

mod bag;
pub mod deposit;
mod describe;
pub mod finding;
mod gather;
pub(crate) mod lease;
pub mod manifest;
mod objects;
mod pipeline;
pub mod receipt;
pub(crate) mod recover;
mod staging;
pub(crate) mod store;

use std::path::Path;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

pub use deposit::{Deposited, NewAccession, Progress, deposit, estimate};
pub use manifest::{AccessionLine, FindingLine, ItemLine, Line, Manifest};

use crate::ctx::{Ctx, Right};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Keyring, open_own};
use crate::ledger::unsigned;
use crate::repository::Repository;
use crate::store::blobs::Blobs;
use crate::store::rows::Place;

/// An accession as lists and pages show it.
#[derive(Debug, Clone)]
pub struct Accession {
    /// Id.
    pub id: Uuid,
    /// Number.
    pub number: String,
    /// Consent unit.
    pub unit: Uuid,
    /// `opened`, `prepared`, `received`, `abandoned`, `quarantined`, `destroyed`.
    pub status: String,
    /// When it was received (or opened).
    pub at: Timestamp,
    /// Items.
    pub items: u64,
    /// Bytes of originals.
    pub bytes: u64,
    /// Files seen that were not taken.
    pub not_taken: u64,
    /// Generation and index of the event that received it.
    pub received: Option<(u64, u64)>,
    /// Title, when the unit is open.
    pub title: Option<String>,
    /// Contributor, when the unit is open.
    pub contributor: Option<String>,
    /// The manifest's first line, when received and the unit is open.
    pub line: Option<AccessionLine>,
}

const COLUMNS: &str = "id, number, unit, status, at, items, bytes, not_taken, generation, idx, row_key, sealed";

/// All accessions, oldest first.
pub async fn accessions(repo: &Repository, ctx: &Ctx) -> Result<Vec<Accession>> {
    ctx.require(Right::See)?;
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM accessions ORDER BY number"))).fetch_all(repo.db().read()).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(read(repo, row).await?);
    }
    Ok(found)
}

/// One accession by number or id.
pub async fn accession(repo: &Repository, ctx: &Ctx, name: &str) -> Result<Accession> {
    ctx.require(Right::See)?;
    find(repo, name).await
}

pub(crate) async fn find(repo: &Repository, name: &str) -> Result<Accession> {
    let text = format!("SELECT {COLUMNS} FROM accessions WHERE number = $1 OR id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(name).fetch_optional(repo.db().read()).await?;
    let row =
        row.ok_or_else(|| Error::not_found(format!("There is no {name} here.")).hint("`sago list` shows the accessions, `sago list items` their items."))?;
    read(repo, &row).await
}

async fn read(repo: &Repository, row: &AnyRow) -> Result<Accession> {
    let corrupt = || Error::corrupt("An accession's row was altered.").hint("Run `sago verify`, then `sago rebuild`.");
    let uuid = |column: &str| -> Result<Uuid> { Uuid::parse_str(&row.try_get::<String, _>(column)?).map_err(|_| corrupt()) };
    let id: String = row.try_get("id")?;
    let sealed: Option<Vec<u8>> = row.try_get("sealed")?;
    let row_key: Option<String> = row.try_get("row_key")?;
    let place = Place { table: "accessions", column: "sealed", row: &id };
    let text = repo.open_column(row_key.as_deref().unwrap_or_default(), place, sealed.as_deref()).await?;
    let value: Option<serde_json::Value> = text.as_deref().map(serde_json::from_str).transpose().map_err(|_| corrupt())?;
    let member = |name: &str| value.as_ref().and_then(|value| value.get(name)).and_then(serde_json::Value::as_str).map(str::to_owned);
    let line = match &text {
        Some(text) if member("line").is_some() => match Line::read(text)? {
            Line::Accession(line) => Some(line),
            Line::Item(_) | Line::Finding(_) => return Err(corrupt()),
        },
        _ => None,
    };
    let generation: Option<i64> = row.try_get("generation")?;
    let index: Option<i64> = row.try_get("idx")?;
    Ok(Accession {
        id: uuid("id")?,
        number: row.try_get("number")?,
        unit: uuid("unit")?,
        status: row.try_get("status")?,
        at: Timestamp::from_microsecond(row.try_get("at")?).map_err(|_| corrupt())?,
        items: unsigned(row.try_get("items")?)?,
        bytes: unsigned(row.try_get("bytes")?)?,
        not_taken: unsigned(row.try_get("not_taken")?)?,
        received: generation.zip(index).map(|(generation, index)| Ok::<_, Error>((unsigned(generation)?, unsigned(index)?))).transpose()?,
        title: member("title"),
        contributor: member("contributor"),
        line,
    })
}

/// Findings and notes of an accession, in manifest order; empty when its unit is sealed or destroyed.
pub async fn findings(repo: &Repository, ctx: &Ctx, accession: &Accession) -> Result<Vec<FindingLine>> {
    ctx.require(Right::See)?;
    let id = accession.id.to_string();
    let rows =
        sqlx::query("SELECT line_index, row_key, sealed FROM findings WHERE accession = $1 ORDER BY line_index").bind(&id).fetch_all(repo.db().read()).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let name = format!("{id}/{}", row.try_get::<i64, _>(0)?);
        let sealed: Option<Vec<u8>> = row.try_get(2)?;
        let place = Place { table: "findings", column: "sealed", row: &name };
        if let Some(text) = repo.open_column(&row.try_get::<String, _>(1)?, place, sealed.as_deref()).await?
            && let Line::Finding(line) = Line::read(&text)?
        {
            found.push(line);
        }
    }
    Ok(found)
}

/// Reads the manifest of an accession from the storage root, checking every part against its object's inventory. `None` when the unit is sealed or destroyed.
pub(crate) fn read_manifest(repo: &Repository, unit: Uuid, objects: &[Uuid]) -> Result<Option<Manifest>> {
    read_manifest_with(&repo.blobs, repo.keyring(), unit, objects, Manifest::in_folder(&repo.places.staging))
}

/// The same, for a repository that is not open as a whole, into an empty manifest.
pub(crate) fn read_manifest_with(blobs: &Blobs, keyring: &Keyring, unit: Uuid, objects: &[Uuid], mut manifest: Manifest) -> Result<Option<Manifest>> {
    let identity = match keyring.unit(unit) {
        Ok(identity) => identity,
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    for object in objects {
        let (sealed, place) = blobs.read_content(*object, &format!("m/{unit}.manifest.age"))?;
        manifest.read_part(&open_own(&identity, &sealed, Path::new(&place))?)?;
    }
    Ok(Some(manifest))
}
