//! `sago list`: accessions or items.

use clap::{Args, ValueEnum};
use sago_core::Result;
use sago_core::accession;
use sago_core::ctx::{Ctx, time_text};
use sago_core::item;
use sago_core::ledger::event::{ListShown, ListShownDetail};
use sago_core::repository::Repository;
use serde_json::json;

use super::{Common, Done, out};

/// Items read at a time.
const PAGE: u64 = 1_000;

/// Arguments of `sago list`.
#[derive(Debug, Args)]
pub struct List {
    /// What to list.
    #[arg(value_enum, default_value_t = What::Accessions)]
    what: What,
    /// Only items of this accession.
    #[arg(long, value_name = "NUMBER")]
    accession: Option<String>,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Accessions.
    Accessions,
    /// Items.
    Items,
}

impl List {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let rows = match (self.what, &self.accession) {
            (What::Accessions, None) => list_accessions(common, &repo, &ctx).await?,
            (What::Items, _) | (What::Accessions, Some(_)) => list_items(common, &repo, &ctx, self.accession.as_deref()).await?,
        };
        let what = self.accession.unwrap_or_else(|| format!("{:?}", self.what).to_lowercase());
        if !out::say_withheld(&repo) {
            let mut tx = repo.begin().await?;
            tx.append(repo.settings.domain_unit, ListShown {}.with(ListShownDetail { what, rows }));
            tx.commit(&ctx).await?;
            repo.integrate(&ctx).await?;
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}

async fn list_accessions(common: &Common, repo: &Repository, ctx: &Ctx) -> Result<u64> {
    let accessions = accession::accessions(repo, ctx).await?;
    if common.json {
        for one in &accessions {
            out::object(&json!({
                "accession": one.number, "id": one.id.to_string(), "status": one.status, "at": time_text(one.at), "items": one.items, "bytes": one.bytes,
                "findings": one.not_taken, "title": one.title, "contributor": one.contributor, "unit": one.unit.to_string(),
                "label": one.line.as_ref().map(|line| line.label.code()),
            }));
        }
    } else if accessions.is_empty() {
        out::line("Nothing has been received yet. `sago deposit PATH --contributor NAME --title TEXT` receives files.");
    } else {
        let rows: Vec<Vec<String>> = accessions
            .iter()
            .map(|one| {
                let closed = || "(sealed or destroyed)".to_owned();
                vec![
                    one.number.clone(),
                    one.status.clone(),
                    one.at.strftime("%Y-%m-%d %H:%MZ").to_string(),
                    one.items.to_string(),
                    out::size(one.bytes),
                    one.contributor.clone().unwrap_or_else(closed),
                    one.title.clone().unwrap_or_else(closed),
                ]
            })
            .collect();
        out::table(&["ACCESSION", "STATE", "RECEIVED", "ITEMS", "SIZE", "FROM", "TITLE"], &rows);
    }
    Ok(accessions.len() as u64)
}

async fn list_items(common: &Common, repo: &Repository, ctx: &Ctx, number: Option<&str>) -> Result<u64> {
    let accession = match number {
        Some(number) => {
            let found = accession::accession(repo, ctx, number).await?;
            if found.status == "destroyed" {
                out::complain(&format!("The key of {number} was destroyed: its items cannot be listed. `sago show {number}` says when, by whom and why."));
            }
            Some(found.id)
        }
        None => None,
    };
    let (mut shown, mut last) = (0, None);
    loop {
        let mut items = item::items(repo, ctx, accession, last.as_ref(), PAGE).await?;
        if items.is_empty() {
            return Ok(shown);
        }
        shown += items.len() as u64;
        if common.json {
            for one in &items {
                let line = one.line.as_ref();
                out::object(&json!({
                    "item": one.number, "id": one.id.to_string(), "path": line.map(|line| &line.path), "bytes": one.bytes,
                    "sha256": line.map(|line| &line.sha256), "sha512": line.map(|line| &line.sha512), "sender": line.map(|line| &line.sender),
                    "duplicate_of": line.and_then(|line| line.duplicate_of.as_ref()), "fixity": one.fixity.as_ref().map(|(_, outcome)| outcome),
                }));
            }
        } else {
            let rows: Vec<Vec<String>> = items
                .iter()
                .map(|one| {
                    vec![
                        one.number.clone(),
                        out::size(one.bytes),
                        one.line.as_ref().map_or_else(|| "(sealed or destroyed)".to_owned(), |line| line.path.clone()),
                    ]
                })
                .collect();
            out::table(&["ITEM", "SIZE", "NAME"], &rows);
        }
        last = items.pop();
    }
}
