//! RO-Crate 1.2 (<https://w3id.org/ro/crate/1.2>): the same package for machines, as flattened JSON-LD.
//!
//! The crate root is the bag's `data/` folder (an attached crate). Files are data entities, custody entries are actions, people are
//! pseudonyms. Text is carried exactly; JSON escapes what must be escaped.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::dossier::{Accession, AgentKind, BagFile, Detail, Dossier, Event, Item, Log};
use super::{escape, kinds};

const DESCRIPTOR: &str = "ro-crate-metadata.json";
const TERMS: &str = "#terms";
const REPOSITORY: &str = "#repository";
const SOFTWARE: &str = "#software";

/// Writes `ro-crate-metadata.json`, ending with a line end.
///
/// Lists every file of [`Dossier::files`] and every item's original below `data/`, each once; files elsewhere in the bag lie outside
/// the crate and are left to the bag's manifests.
pub fn ro_crate_json(dossier: &Dossier) -> String {
    let mut parts: Vec<(String, Map<String, Value>)> = Vec::new();
    let mut files = HashSet::from([DESCRIPTOR.to_owned()]);
    for item in &dossier.items {
        if let Some(id) = inside(&item.evidence).filter(|id| files.insert(id.clone())) {
            parts.push((id, item_entity(dossier, item)));
        }
    }
    for file in &dossier.files {
        if let Some(id) = inside(&file.path).filter(|id| files.insert(id.clone())) {
            parts.push((id, file_entity(file)));
        }
    }
    let mut graph = vec![descriptor(), root(dossier, &parts)];
    graph.extend(parts.into_iter().map(|(id, entity)| with_id(&id, entity)));
    graph.extend(contextual(dossier));
    graph.extend(dossier.accessions.iter().flat_map(|accession| accession_entities(dossier, accession)));
    graph.extend(dossier.named_agents().into_iter().map(|(urn, agent)| {
        let kind = match agent.map(|agent| agent.kind) {
            Some(AgentKind::Person) => "Person",
            Some(AgentKind::Organization) => "Organization",
            // Of a program RO-Crate requires version and address, which no dossier has; of the undescribed nothing is known.
            Some(AgentKind::Software) | None => "Thing",
        };
        let role = agent.map_or("Not described in this package.", |agent| agent.role.as_str());
        json!({ "@id": agent_id(urn), "@type": kind, "name": format!("Pseudonym {urn}"), "description": role })
    }));
    let subjects = subjects(dossier);
    graph.extend(dossier.events.iter().map(|event| action(event, &subjects, &files)));

    let document = json!({ "@context": "https://w3id.org/ro/crate/1.2/context", "@graph": graph });
    // A Value of strings and maps always serialises; the fallback keeps this free of panics.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn set(entity: &mut Map<String, Value>, member: &str, value: Option<String>) {
    if let Some(value) = value {
        entity.insert(member.to_owned(), Value::String(value));
    }
}

/// Several values as an array, one as itself, none as nothing: as RO-Crate 1.2 recommends.
fn set_all(entity: &mut Map<String, Value>, member: &str, mut values: Vec<Value>) {
    let value = if values.len() > 1 { Some(Value::Array(values)) } else { values.pop() };
    if let Some(value) = value {
        entity.insert(member.to_owned(), value);
    }
}

fn with_id(id: &str, entity: Map<String, Value>) -> Value {
    let mut all = object(json!({ "@id": id }));
    all.extend(entity);
    Value::Object(all)
}

fn reference(id: &str) -> Value {
    json!({ "@id": id })
}

/// The identifier of a file of the crate: its path from `data/`, encoded.
fn inside(path: &str) -> Option<String> {
    path.strip_prefix("data/").map(escape::uri_path)
}

fn agent_id(urn: &str) -> String {
    let uuid = urn.strip_prefix("urn:uuid:").unwrap_or_default();
    if !uuid.is_empty() && uuid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        urn.to_owned()
    } else {
        format!("#agent-{}", escape::uri_path(urn).replace('/', "%2F"))
    }
}

fn accession_id(accession: &Accession) -> String {
    format!("#accession-{}", escape::uri_path(&accession.uuid).replace('/', "%2F"))
}

fn event_id(event: &Event) -> String {
    // Two generations of a log may both have an entry of this index: the origin tells them apart.
    format!("#{}-{}-{}", event.log.code(), event.index, escape::uri_path(&event.origin).replace('/', "%2F"))
}

fn descriptor() -> Value {
    json!({
        "@id": DESCRIPTOR,
        "@type": "CreativeWork",
        "name": "Description of this package (RO-Crate)",
        "about": reference("./"),
        "conformsTo": reference("https://w3id.org/ro/crate/1.2"),
    })
}

fn root(dossier: &Dossier, parts: &[(String, Map<String, Value>)]) -> Value {
    let export = &dossier.export;
    let mut root = object(json!({
        "@type": "Dataset",
        "name": format!("{}: originals and their chain of custody", export.name),
        "description": format!(
            "{} original files handed over by {} to {}. Reason: {}. With the digests, log entries, proofs and time-stamps that let anyone check them without asking the repository.",
            dossier.items.len(), dossier.repository.name, export.recipient, export.reason,
        ),
        "identifier": export.name,
        "datePublished": export.at,
        "license": reference(TERMS),
        "publisher": reference(REPOSITORY),
        "creator": reference(&agent_id(&export.by)),
        "conditionsOfAccess": dossier.label(),
    }));
    let contributors = dossier.accessions.iter().filter(|a| a.contributor.is_some()).map(|a| reference(&contributor_id(a)));
    set_all(&mut root, "contributor", contributors.collect());
    set_all(&mut root, "hasPart", parts.iter().map(|(id, _)| reference(id)).collect());
    let mentioned = dossier.accessions.iter().map(accession_id).chain(dossier.events.iter().map(event_id));
    set_all(&mut root, "mentions", mentioned.map(|id| reference(&id)).collect());
    with_id("./", root)
}

fn contributor_id(accession: &Accession) -> String {
    format!("#contributor-{}", escape::uri_path(&accession.uuid).replace('/', "%2F"))
}

fn file_entity(file: &BagFile) -> Map<String, Value> {
    let mut entity = object(json!({
        "@type": "File",
        "name": file.path.strip_prefix("data/").unwrap_or(&file.path),
        "description": file.description,
        "encodingFormat": file.media_type,
    }));
    set(&mut entity, "contentSize", file.size.map(|size| size.to_string()));
    set(&mut entity, "sha256", file.sha256.clone());
    entity
}

fn item_entity(dossier: &Dossier, item: &Item) -> Map<String, Value> {
    let mut entity = object(json!({
        "@type": "File",
        "name": item.path,
        "alternateName": item.number,
        "identifier": [item.number, format!("urn:uuid:{}", item.uuid)],
        "description": "An original, byte for byte as it was received.",
        "contentSize": item.size.to_string(),
        "sha256": item.sha256,
        "encodingFormat": item.media_type.as_deref().unwrap_or("application/octet-stream"),
    }));
    set(&mut entity, "dateModified", item.modified.clone());
    if let Some(accession) = dossier.accessions.iter().find(|accession| accession.uuid == item.accession) {
        entity.insert("isPartOf".into(), reference(&accession_id(accession)));
    }
    entity
}

fn contextual(dossier: &Dossier) -> Vec<Value> {
    let software = &dossier.export.software;
    vec![
        json!({
            "@id": TERMS,
            "@type": "CreativeWork",
            "name": "Restricted: the terms of this disclosure",
            "description": dossier.export.terms,
        }),
        json!({
            "@id": REPOSITORY,
            "@type": "Organization",
            "name": dossier.repository.name,
            "identifier": dossier.repository.logs.iter().map(|log| log.origin.as_str()).collect::<Vec<_>>(),
        }),
        json!({
            "@id": SOFTWARE,
            "@type": "SoftwareApplication",
            "name": software.name,
            "version": software.version,
            "url": software.url,
        }),
    ]
}

fn accession_entities(dossier: &Dossier, accession: &Accession) -> Vec<Value> {
    let here = dossier.items.iter().filter(|item| item.accession == accession.uuid).count();
    let mut entity = object(json!({
        "@id": accession_id(accession),
        "@type": "Collection",
        "name": accession.title,
        "identifier": [accession.number, format!("urn:uuid:{}", accession.uuid)],
        "description": format!("Accession {}; {here} of its {} items are in this package.", accession.number, accession.items_received),
        "conditionsOfAccess": accession.label,
        "holdingArchive": reference(REPOSITORY),
    }));
    set_all(&mut entity, "usageInfo", accession.conditions.iter().map(|condition| json!(condition)).collect());
    let mut entities = Vec::new();
    if let Some(contributor) = &accession.contributor {
        entity.insert("contributor".into(), reference(&contributor_id(accession)));
        // Whether a person or a body handed it over is not recorded as such; the name is what the repository wrote down.
        entities.push(json!({
            "@id": contributor_id(accession),
            "@type": "Thing",
            "name": contributor,
            "description": "Who handed the material over, as the repository recorded it.",
        }));
    }
    entities.insert(0, Value::Object(entity));
    entities
}

fn action(event: &Event, known: &HashMap<&str, String>, files: &HashSet<String>) -> Value {
    let kind = kinds::find(&event.kind);
    let subjects: Vec<Value> = event.about.iter().filter_map(|id| known.get(plain(id))).map(|id| reference(id)).collect();
    let description = match &event.detail {
        Detail::Open(members) => members.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; "),
        Detail::Withheld => "The detail of this entry is withheld; its digest is in the log.".to_owned(),
    };
    let log = match event.log {
        Log::Custody => "custody log",
        Log::Access => "access log",
    };
    let mut entity = object(json!({
        "@id": event_id(event),
        "@type": kind.map_or("Action", |kind| kind.action),
        "name": format!("{} (entry {} of the {log})", event.kind, event.index),
        "endTime": event.at,
        "agent": reference(&agent_id(&event.agent)),
        "instrument": reference(SOFTWARE),
    }));
    set(&mut entity, "description", Some(description).filter(|text| !text.is_empty()));
    set_all(&mut entity, "object", subjects);
    if let Some(proof) = inside(&event.proof).filter(|proof| files.contains(proof)) {
        entity.insert("subjectOf".into(), reference(&proof));
    }
    Value::Object(entity)
}

/// What entries can be about, of what is described here: UUID to identifier in the crate.
fn subjects(dossier: &Dossier) -> HashMap<&str, String> {
    let accessions = dossier.accessions.iter().map(|accession| (accession.uuid.as_str(), accession_id(accession)));
    let items = dossier.items.iter().filter_map(|item| Some((item.uuid.as_str(), inside(&item.evidence)?)));
    accessions.chain(items).collect()
}

fn plain(uuid: &str) -> &str {
    uuid.strip_prefix("urn:uuid:").unwrap_or(uuid)
}
