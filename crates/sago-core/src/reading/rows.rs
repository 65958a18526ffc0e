//! Rows of readings, and the line in the event that they are made from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use uuid::Uuid;

use crate::ctx::micros;
use crate::error::{Error, Result};
use crate::ledger::event::{ItemsRead, ItemsReadDetail};
use crate::ledger::{Record, signed, unsigned};
use crate::repository::Repository;
use crate::store::rows::Writer;

/// What reading a file came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// All of its content was read.
    Read,
    /// A part of it was.
    Partly,
    /// Nothing of it was.
    Unreadable,
}

impl State {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Read, Self::Partly, Self::Unreadable];

    /// The code in rows and answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Partly => "partly",
            Self::Unreadable => "unreadable",
        }
    }

    pub(crate) fn of(code: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|state| state.code() == code);
        known.ok_or_else(|| Error::corrupt("A reading's row was altered.").hint("Run `sago verify`, then `sago rebuild`."))
    }

    /// What the findings' weight makes of a file.
    pub(crate) fn weighing(weight: Option<sago_formats::Severity>) -> Self {
        match weight {
            None | Some(sago_formats::Severity::Note) => Self::Read,
            Some(sago_formats::Severity::Loss) => Self::Partly,
            Some(sago_formats::Severity::Unreadable) => Self::Unreadable,
        }
    }
}

/// What reading an item and its family came to: names and words stand elsewhere, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// SHA-256 of the original that was read.
    pub input_sha256: String,
    /// SHA-256 of what was made of it, before sealing.
    pub output_sha256: String,
    /// What the item itself came to.
    pub state: State,
    /// Code of its format in our table.
    pub format: Option<String>,
    /// PRONOM's identifier of its format.
    pub puid: Option<String>,
    /// Bytes of text, contained files included.
    pub text_bytes: u64,
    /// Pages of the item itself.
    pub pages: u32,
    /// Files it contains, at any depth.
    pub members: u64,
    /// How many of them were read in part.
    pub members_partly: u64,
    /// And how many not at all.
    pub members_unreadable: u64,
    /// In how many of these files, the item among them, each code of a finding occurs.
    pub findings: BTreeMap<String, u64>,
}

/// A line of the event: an outcome and whose it is.
#[derive(Serialize, Deserialize)]
struct Line {
    item: Uuid,
    #[serde(flatten)]
    outcome: serde_json::Value,
}

impl Outcome {
    /// The line of the event.
    pub(crate) fn write(&self, item: Uuid) -> Result<String> {
        let unwritable = |error: serde_json::Error| Error::internal(format!("an outcome cannot be written: {error}"));
        let outcome = serde_json::to_value(self).map_err(unwritable)?;
        serde_json::to_string(&Line { item, outcome }).map_err(unwritable)
    }

    fn read(line: &str) -> Result<(Uuid, Self)> {
        let bad = |_| Error::corrupt("An event about a reading cannot be understood.");
        let line: Line = serde_json::from_str(line).map_err(bad)?;
        Ok((line.item, serde_json::from_value(line.outcome).map_err(bad)?))
    }
}

pub(crate) async fn record(writer: &mut Writer<'_>, record: &Record<'_>, event: &ItemsRead, detail: Option<&ItemsReadDetail>) -> Result<()> {
    for line in detail.map(|detail| detail.results.as_slice()).unwrap_or_default() {
        let (item, outcome) = Outcome::read(line)?;
        let findings = serde_json::to_string(&outcome.findings).map_err(|error| Error::internal(format!("counts cannot be written: {error}")))?;
        sqlx::query("DELETE FROM readings WHERE item = $1").bind(item.to_string()).execute(&mut *writer.conn).await?;
        sqlx::query(
            "INSERT INTO readings (item, accession, unit, generation, idx, at, state, format, puid, text_bytes, pages, members, members_partly, members_unreadable, \
             findings, input_sha256, output_sha256) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        )
        .bind(item.to_string())
        .bind(event.accession.to_string())
        .bind(event.unit.to_string())
        .bind(signed(record.position.generation))
        .bind(signed(record.position.index))
        .bind(micros(record.at))
        .bind(outcome.state.code())
        .bind(outcome.format.unwrap_or_default())
        .bind(outcome.puid.unwrap_or_default())
        .bind(signed(outcome.text_bytes))
        .bind(i64::from(outcome.pages))
        .bind(signed(outcome.members))
        .bind(signed(outcome.members_partly))
        .bind(signed(outcome.members_unreadable))
        .bind(findings)
        .bind(outcome.input_sha256)
        .bind(outcome.output_sha256)
        .execute(&mut *writer.conn)
        .await?;
    }
    Ok(())
}

pub(crate) async fn outcome(repo: &Repository, item: Uuid) -> Result<Option<Outcome>> {
    let row = sqlx::query(
        "SELECT state, format, puid, text_bytes, pages, members, members_partly, members_unreadable, findings, input_sha256, output_sha256 \
         FROM readings WHERE item = $1",
    )
    .bind(item.to_string())
    .fetch_optional(repo.db().read())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let some = |text: String| (!text.is_empty()).then_some(text);
    let corrupt = || Error::corrupt("A reading's row was altered.").hint("Run `sago verify`, then `sago rebuild`.");
    Ok(Some(Outcome {
        state: State::of(&row.try_get::<String, _>(0)?)?,
        format: some(row.try_get(1)?),
        puid: some(row.try_get(2)?),
        text_bytes: unsigned(row.try_get(3)?)?,
        pages: u32::try_from(row.try_get::<i64, _>(4)?).map_err(|_| corrupt())?,
        members: unsigned(row.try_get(5)?)?,
        members_partly: unsigned(row.try_get(6)?)?,
        members_unreadable: unsigned(row.try_get(7)?)?,
        findings: serde_json::from_str(&row.try_get::<String, _>(8)?).map_err(|_| corrupt())?,
        input_sha256: row.try_get(9)?,
        output_sha256: row.try_get(10)?,
    }))
}
