//! `sago show`: an accession or an item, with its custody history in plain words.

use clap::Args;
use sago_core::accession::{self, Accession};
use sago_core::ctx::{Ctx, time_text};
use sago_core::item::{self, Item};
use sago_core::ledger::event::{Event, RecordShown, RecordShownDetail};
use sago_core::ledger::proof::{Stored, events_about};
use sago_core::repository::Repository;
use sago_core::user::{Agent, agents};
use sago_core::{ErrorKind, Result};
use serde_json::{Value, json};
use uuid::Uuid;

use super::deposit::finding_json;
use super::{Common, Done, out};

/// Arguments of `sago show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Number of an accession (`A-2026-0001`) or of an item (`A-2026-0001.00017`).
    id: String,
}

impl Show {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let (record, number) = match item::item(&repo, &ctx, &self.id).await {
            Ok(item) => show_item(common, &repo, &item).await?,
            Err(error) if error.kind == ErrorKind::NotFound => {
                let accession = match accession::accession(&repo, &ctx, &self.id).await {
                    Err(other) if other.kind == ErrorKind::NotFound => return Err(error),
                    found => found?,
                };
                show_accession(common, &repo, &ctx, &accession).await?
            }
            Err(error) => return Err(error),
        };
        if !out::say_withheld(&repo) {
            let mut tx = repo.begin().await?;
            tx.append(repo.settings.domain_unit, RecordShown { record }.with(RecordShownDetail { number }));
            tx.commit(&ctx).await?;
            repo.integrate(&ctx).await?;
        }
        repo.close().await;
        Ok(Done::Sound)
    }
}

async fn show_accession(common: &Common, repo: &Repository, ctx: &Ctx, one: &Accession) -> Result<(Uuid, String)> {
    let findings = accession::findings(repo, ctx, one).await?;
    let people = agents(repo).await?;
    let mut events = events_about(repo, one.id).await?;
    if one.status == "destroyed" {
        events.extend(destruction(repo, one.unit).await?);
    }
    let line = one.line.as_ref();
    if common.json {
        out::object(&json!({
            "accession": one.number, "id": one.id.to_string(), "status": one.status, "at": time_text(one.at), "unit": one.unit.to_string(),
            "title": one.title, "contributor": one.contributor, "agreement": line.and_then(|line| line.agreement.as_ref()),
            "conditions": line.map(|line| &line.conditions), "label": line.map(|line| line.label.code()), "items": one.items, "bytes": one.bytes,
            "findings": one.not_taken, "details": findings.iter().map(finding_json).collect::<Vec<_>>(),
            "history": events.iter().map(|event| event_json(event, &people)).collect::<Vec<_>>(),
        }));
        return Ok((one.id, one.number.clone()));
    }
    out::line(format!("{}   {}", one.number, out::plain(one.title.as_deref().unwrap_or("(its unit is sealed or destroyed)"))));
    if let Some(line) = line {
        out::line(format!("  Label        {}", line.label));
        out::line(format!("  From         {}", out::plain(&line.contributor)));
        if let Some(agreement) = &line.agreement {
            out::line(format!("  Agreement    {}", out::plain(agreement)));
        }
        line.conditions.iter().for_each(|condition| out::line(format!("  Condition    {}", out::plain(condition))));
    }
    out::line(format!("  State        {}", one.status));
    out::line(format!("  Holdings     {} items, {}; {} files were seen and not taken", one.items, out::size(one.bytes), one.not_taken));
    out::line(format!("  Unit         {}", one.unit));
    if !findings.is_empty() {
        out::line("\n  Not taken, and things to know");
        for finding in &findings {
            let mark = if accession::finding::is_file_not_taken(finding) { "NOT TAKEN" } else { "note" };
            out::line(format!("    {mark}  {}  {}  {}", finding.item.as_deref().unwrap_or("-"), out::plain(&finding.path), out::plain(&finding.message)));
        }
    }
    history(&events, &people);
    Ok((one.id, one.number.clone()))
}

/// What the log says about the destruction of a unit: who asked, who signed, when, and why.
async fn destruction(repo: &Repository, unit: Uuid) -> Result<Vec<Stored>> {
    let about = events_about(repo, unit).await?;
    let request = about.iter().find_map(|stored| match &stored.event {
        Event::UnitDestroyed(destroyed, _) if destroyed.unit == unit => Some(destroyed.request),
        _ => None,
    });
    match request {
        Some(request) => events_about(repo, request).await,
        None => Ok(Vec::new()),
    }
}

async fn show_item(common: &Common, repo: &Repository, one: &Item) -> Result<(Uuid, String)> {
    let people = agents(repo).await?;
    let mut events = events_about(repo, one.accession).await?;
    events.retain(|stored| !matches!(&stored.event, Event::ItemOpened(opened, _) if opened.item != one.id));
    events.extend(events_about(repo, one.id).await?.into_iter().filter(|stored| !stored.event.subjects().contains(&one.accession)));
    events.sort_by_key(|stored| stored.at);
    let checked = one.fixity.as_ref().and_then(|(at, outcome)| Some((jiff::Timestamp::from_microsecond(*at).ok()?, outcome)));
    let line = one.line.as_ref();
    if common.json {
        out::object(&json!({
            "item": one.number, "id": one.id.to_string(), "path": line.map(|line| &line.path), "path_encoding": line.map(|line| &line.path_encoding),
            "bytes": one.bytes, "sha256": line.map(|line| &line.sha256), "sha512": line.map(|line| &line.sha512),
            "modified": line.and_then(|line| line.modified.as_ref()), "sender": line.map(|line| &line.sender),
            "duplicate_of": line.and_then(|line| line.duplicate_of.as_ref()), "object": one.object.to_string(), "content": one.content,
            "last_verified": checked.map(|(at, _)| time_text(at)), "fixity": checked.map(|(_, outcome)| outcome),
            "history": events.iter().map(|event| event_json(event, &people)).collect::<Vec<_>>(),
        }));
        return Ok((one.id, one.number.clone()));
    }
    out::line(format!("{}   {}", one.number, out::plain(line.map_or("(its unit is sealed or destroyed)", |line| line.path.as_str()))));
    out::line(format!("  Size         {} ({} bytes)", out::size(one.bytes), one.bytes));
    if let Some(line) = line {
        out::line(format!("  SHA-256      {}", line.sha256));
        out::line(format!("  SHA-512      {}", line.sha512));
        if let Some(modified) = &line.modified {
            out::line(format!("  Changed      {modified} (by the sender's disk)"));
        }
        out::line(format!("  Name         kept byte for byte; read as {}", line.path_encoding));
        out::line(format!(
            "  Sender       {}",
            match line.sender.as_str() {
                "match" => "the sender's list gives the same digest",
                "mismatch" => "THE SENDER'S LIST GIVES ANOTHER DIGEST",
                "not-listed" => "the sender's list does not name this file",
                _ => "there was no sender's list",
            }
        ));
        if let Some(first) = &line.duplicate_of {
            out::line(format!("  Same bytes   as {first}; stored once"));
        }
    }
    if let Some((at, outcome)) = checked {
        out::line(format!("  Fixity       {outcome}, last read {}", at.strftime("%-d %B %Y, %H:%M UTC")));
    }
    out::line(format!("  Stored as    urn:uuid:{} {}", one.object, one.content));
    history(&events, &people);
    Ok((one.id, one.number.clone()))
}

/// The custody history, newest first.
fn history(events: &[Stored], people: &[Agent]) {
    out::line("\n  Custody, newest first");
    for stored in events.iter().rev() {
        out::line(format!(
            "    {}  {}  [{} {}]",
            stored.at.strftime("%-d %B %Y, %H:%M:%S UTC"),
            out::plain(&sentence(&stored.event, &who(stored.agent, people), people)),
            stored.position.log.name(),
            stored.position.index
        ));
    }
}

/// The code of a person.
pub fn who(agent: Uuid, people: &[Agent]) -> String {
    people.iter().find(|person| person.id == agent).map_or_else(|| format!("urn:uuid:{agent}"), |person| person.code.clone())
}

/// What an event says, in one sentence.
pub fn sentence(event: &Event, who: &str, people: &[Agent]) -> String {
    match event {
        Event::AccessionOpened(..) => format!("{who} began to receive it; its number was taken."),
        Event::AccessionPrepared(..) => format!("{who} sealed every file; nothing was received yet."),
        Event::AccessionReceived(received, detail) => {
            let how = if received.recovered { ", after an interruption" } else { "" };
            let what = detail
                .as_ref()
                .map_or_else(String::new, |detail| format!(": {} items, {} bytes, {} files not taken", detail.items, detail.bytes, detail.not_taken));
            format!("{who} received it{how}{what}.")
        }
        Event::AccessionAbandoned(_, detail) => {
            format!("{who} gave it up{}.", detail.as_ref().map_or_else(String::new, |detail| format!(": {}", detail.reason)))
        }
        Event::AccessionQuarantined(_, detail) => {
            format!("It was set aside{}.", detail.as_ref().map_or_else(String::new, |detail| format!(": {}", detail.reason)))
        }
        Event::ItemOpened(_, detail) => {
            format!("{who} opened the original{}.", detail.as_ref().map_or_else(String::new, |detail| format!(": “{}”", detail.reason)))
        }
        Event::OpenRefused(..) => format!("{who} tried to open the original and was refused."),
        Event::RecordShown(..) => format!("{who} looked at its record."),
        Event::ExportMade(made, detail) => {
            let to = detail.as_ref().map_or_else(String::new, |detail| format!(" to {}: “{}”", detail.recipient, detail.reason));
            format!("{who} handed over {} items{to}.", made.items)
        }
        Event::DestructionRequested(_, detail) => {
            format!("{who} asked to destroy the key of its unit{}.", detail.as_ref().map_or_else(String::new, |detail| format!(": “{}”", detail.reason)))
        }
        Event::ApprovalGiven(..) => format!("{who} signed the request to destroy the key."),
        Event::UnitDestroyed(destroyed, detail) => {
            let approvers: Vec<String> = destroyed.approvers.iter().map(|approver| self::who(*approver, people)).collect();
            let why = detail.as_ref().map_or_else(String::new, |detail| format!(": “{}”", detail.reason));
            format!("THE KEY OF ITS UNIT WAS DESTROYED, as {} had signed{why}.", approvers.join(" and "))
        }
        other => match sago_packages::describe::kinds::find(other.kind()) {
            Some(kind) => kind.en.replace("{who}", who).replace("{about}", "it"),
            None => format!("{who}: {}.", other.kind().replace('-', " ")),
        },
    }
}

/// An event as JSON.
pub fn event_json(stored: &Stored, people: &[Agent]) -> Value {
    json!({
        "log": stored.position.log.name(), "generation": stored.position.generation, "index": stored.position.index, "kind": stored.event.kind(),
        "at": time_text(stored.at), "agent": who(stored.agent, people), "skeleton": stored.event.skeleton(), "detail": stored.event.detail(),
    })
}
