//! From the package to the facts its descriptions tell.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sago_packages::describe::{
    Accession, Agent, AgentKind, Detail, Dossier, Event, Example, Export, Item, LogKeys, Omission, Repository as Origin, Software, Stamp, StampToken,
    StoredCopy,
};
use serde_json::Value;

use super::write::{StampFolder, described_log, evidence_path, item_proof_path};
use super::{NewExport, Package, Told};
use crate::ctx::{Ctx, time_text};
use crate::error::{Error, Result};
use crate::ledger::event::Log;
use crate::repository::Repository;
use crate::store::blobs::urn;
use crate::user;

#[allow(clippy::too_many_arguments)] // one fact after the other; a struct of them would be the dossier itself
pub(super) fn dossier(
    repo: &Repository,
    ctx: &Ctx,
    new: &NewExport,
    package: &Package,
    agents: &[user::Agent],
    name: &str,
    stamps: Vec<StampFolder>,
    example: Option<(String, String, String)>,
) -> Result<Dossier> {
    let line = package.accession.line.as_ref().ok_or_else(|| Error::internal("a received accession has no first line"))?;
    let mut logs = Vec::new();
    for (log, head) in &package.heads {
        let content = repo.verifier_keys_of(head.generation, *log)?;
        let file = if head.generation == 1 { log.name().to_owned() } else { format!("{}.{}", log.name(), head.generation) };
        logs.push(LogKeys {
            log: described_log(*log),
            origin: head.origin.clone(),
            file: format!("data/proofs/keys/{file}.vkey"),
            content,
            witnesses: Vec::new(),
        });
    }
    let accession = Accession {
        number: line.number.clone(),
        uuid: line.id.to_string(),
        title: line.title.clone(),
        contributor: Some(line.contributor.clone()),
        agreement: line.agreement.clone(),
        conditions: line.conditions.clone(),
        label: line.label.code().to_owned(),
        received_at: line.received_at.clone(),
        received_by: line.received_by.clone(),
        unit: line.unit.to_string(),
        items_received: package.accession.items,
    };
    Ok(Dossier {
        repository: Origin { name: name.to_owned(), logs, published_at: vec!["the receipt of the deposit".to_owned(), "the custodians' pages".to_owned()] },
        export: Export {
            name: new.output.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            at: time_text(package.at),
            by: urn(ctx.agent),
            reason: new.reason.clone(),
            recipient: new.recipient.clone(),
            terms: terms(&accession),
            software: Software { name: "Sago".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), url: "https://sago.invalid/".to_owned() },
        },
        accessions: vec![accession],
        items: package.items.iter().map(item).collect::<Result<_>>()?,
        agents: agents.iter().map(agent).collect(),
        events: package.events.iter().map(event).collect(),
        stamps: stamps.into_iter().flat_map(|folder| stamps_of(&folder, &new.output)).collect(),
        files: Vec::new(),
        omissions: omissions(package),
        example: example.map(|(item_proof, tlog_proof, tlog_proof_file)| Example { item_proof, tlog_proof, tlog_proof_file }),
    })
}

fn terms(accession: &Accession) -> String {
    if accession.conditions.is_empty() {
        "For the recipient named and the reason given; not to be passed on without asking.".to_owned()
    } else {
        format!(
            "For the recipient named and the reason given; not to be passed on without asking. Conditions of the contributor: {}",
            accession.conditions.join("; ")
        )
    }
}

fn item(one: &crate::item::Item) -> Result<Item> {
    let line = one.line.as_ref().ok_or_else(|| Error::internal("a checked item lost its line"))?;
    Ok(Item {
        number: line.number.clone(),
        uuid: line.id.to_string(),
        accession: one.accession.to_string(),
        path: line.path.clone(),
        path_bytes: BASE64.encode(&line.path_bytes),
        size: line.bytes,
        sha256: line.sha256.clone(),
        sha512: line.sha512.clone(),
        modified: line.modified.clone(),
        media_type: None,
        puid: None,
        evidence: evidence_path(&line.number, &line.path),
        proof: item_proof_path(&line.number),
        stored: Some(StoredCopy {
            object: urn(line.object),
            content: line.content.clone(),
            sha256: line.content_sha256.clone(),
            sha512: line.content_sha512.clone(),
        }),
    })
}

fn agent(one: &user::Agent) -> Agent {
    let role = one.roles.iter().map(|role| role.code()).collect::<Vec<_>>().join(", ");
    Agent { urn: urn(one.id), role, kind: AgentKind::Person }
}

fn event(told: &Told) -> Event {
    let stored = &told.stored;
    let detail = match stored.event.detail() {
        Some(detail) if !told.withhold_detail => Detail::Open(detail.iter().map(|(name, value)| (name.replace('_', " "), text(value))).collect()),
        _ => Detail::Withheld,
    };
    Event {
        log: described_log(stored.position.log),
        origin: told.head.origin.clone(),
        index: stored.position.index,
        kind: stored.event.kind().to_owned(),
        at: time_text(stored.at),
        agent: urn(stored.agent),
        about: stored.event.subjects().iter().map(ToString::to_string).collect(),
        detail,
        proof: told.proof_path(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn stamps_of(folder: &StampFolder, bag: &Path) -> Vec<Stamp> {
    let authorities: Vec<&str> = folder.names.iter().filter_map(|name| name.strip_suffix(".chain.pem")).collect();
    authorities
        .into_iter()
        .map(|authority| Stamp {
            authority: authority.to_owned(),
            gen_time: gen_time(folder, authority, bag),
            log: described_log(Log::Custody),
            size: folder.size,
            checkpoint: format!("{}/checkpoint", folder.path),
            chain: format!("{}/{authority}.chain.pem", folder.path),
            tokens: ["sha256", "sha512"]
                .into_iter()
                .filter(|digest| folder.names.contains(&format!("{authority}.{digest}.tsr")))
                .map(|digest| StampToken { digest: digest.to_owned(), response: format!("{}/{authority}.{digest}.tsr", folder.path) })
                .collect(),
        })
        .collect()
}

/// The authority's time, earliest of its tokens; empty when none of them can be read (the verifiers say more).
fn gen_time(folder: &StampFolder, authority: &str, bag: &Path) -> String {
    let tokens = ["sha256", "sha512"].into_iter().filter_map(|digest| std::fs::read(bag.join(&folder.path).join(format!("{authority}.{digest}.tsr"))).ok());
    let times = tokens.filter_map(|bytes| Some(sago_stamp::Reply::parse(&bytes).ok()?.token?.info().gen_time));
    let earliest = times.min_by_key(|moment| (moment.seconds, moment.nanos));
    earliest.and_then(|moment| jiff::Timestamp::new(moment.seconds, i32::try_from(moment.nanos).ok()?).ok()).map(time_text).unwrap_or_default()
}

fn omissions(package: &Package) -> Vec<Omission> {
    let mut found = Vec::new();
    if !package.is_whole {
        found.push(Omission {
            what: format!("The other items of {}", package.accession.number),
            reason: "They were not asked for, or may not be handed over.".to_owned(),
        });
    }
    if package.events.iter().any(|told| told.withhold_detail) {
        found.push(Omission {
            what: "Reasons of readers, and other recipients".to_owned(),
            reason: "They concern other people. The proofs show that each event happened and when; its detail can be opened separately.".to_owned(),
        });
    }
    found.push(Omission {
        what: "Names of those who worked on it".to_owned(),
        reason: "They appear under pseudonyms; the repository can name them to a court.".to_owned(),
    });
    found
}
