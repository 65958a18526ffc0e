//! Coverage: how much of what was received was read, and why not the rest. Counts always add up.

use std::collections::BTreeMap;

use sqlx::Row;

use crate::accession::Accession;
use crate::ctx::{Ctx, Right};
use crate::error::{Error, Result};
use crate::ledger::unsigned;
use crate::reading::State;
use crate::repository::Repository;

/// How many files came to what. `all` is the sum of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standings {
    /// All of them.
    pub all: u64,
    /// Read whole.
    pub read: u64,
    /// Read in part.
    pub partly: u64,
    /// Not read at all.
    pub unreadable: u64,
    /// Not looked at yet.
    pub waiting: u64,
}

/// The coverage of an accession.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Items received.
    pub items: Standings,
    /// Files contained in those items that were looked at.
    pub members: Standings,
    /// In how many of all these files each code of a finding occurs.
    pub findings: BTreeMap<String, u64>,
    /// Items by format and what they came to.
    pub formats: BTreeMap<String, Standings>,
    /// Bytes of text.
    pub text_bytes: u64,
    /// Files seen at the deposit that could not be taken: they are no items.
    pub not_taken: u64,
    /// Whether the unit is sealed, so that nothing can be read now.
    pub is_sealed: bool,
}

/// Counts an accession.
pub async fn coverage(repo: &Repository, ctx: &Ctx, accession: &Accession) -> Result<Coverage> {
    ctx.require(Right::See)?;
    let id = accession.id.to_string();
    let all: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM items WHERE accession = $1").bind(&id).fetch_one(repo.db().read()).await?;
    let rows = sqlx::query("SELECT state, format, members, members_partly, members_unreadable, text_bytes, findings FROM readings WHERE accession = $1")
        .bind(&id)
        .fetch_all(repo.db().read())
        .await?;
    let mode: Option<String> =
        sqlx::query_scalar("SELECT mode FROM units WHERE id = $1").bind(accession.unit.to_string()).fetch_optional(repo.db().read()).await?;
    let mut found = Coverage { not_taken: accession.not_taken, is_sealed: mode.as_deref() == Some("sealed"), ..Coverage::default() };
    for row in &rows {
        let state = State::of(&row.try_get::<String, _>(0)?)?;
        let format: String = row.try_get(1)?;
        found.items.count(state);
        found.formats.entry(format).or_default().count(state);
        let (members, partly, unreadable) = (unsigned(row.try_get(2)?)?, unsigned(row.try_get(3)?)?, unsigned(row.try_get(4)?)?);
        let corrupt = || Error::corrupt("A reading's row was altered.").hint("Run `sago verify`, then `sago rebuild`.");
        found.members.all += members;
        found.members.partly += partly;
        found.members.unreadable += unreadable;
        found.members.read += members.checked_sub(partly + unreadable).ok_or_else(corrupt)?;
        found.text_bytes += unsigned(row.try_get(5)?)?;
        let findings: BTreeMap<String, u64> = serde_json::from_str(&row.try_get::<String, _>(6)?).map_err(|_| corrupt())?;
        for (code, count) in findings {
            *found.findings.entry(code).or_default() += count;
        }
    }
    let all = unsigned(all)?;
    found.items.waiting = all.saturating_sub(found.items.all);
    found.items.all = all;
    Ok(found)
}

impl Standings {
    fn count(&mut self, state: State) {
        self.all += 1;
        match state {
            State::Read => self.read += 1,
            State::Partly => self.partly += 1,
            State::Unreadable => self.unreadable += 1,
        }
    }
}
