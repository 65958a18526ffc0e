//! RO-Crate: the structure its specification asks for, read back by a JSON parser.

use std::collections::HashSet;

use sago_packages::describe::*;
use serde_json::Value;

use super::sample;

fn graph(dossier: &Dossier) -> Vec<Value> {
    let text = ro_crate_json(dossier);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["@context"], "https://w3id.org/ro/crate/1.2/context");
    document["@graph"].as_array().unwrap().clone()
}

fn entity<'a>(graph: &'a [Value], id: &str) -> &'a Value {
    graph.iter().find(|entity| entity["@id"] == id).unwrap_or_else(|| panic!("no entity {id}"))
}

/// Every `{"@id": …}` inside entities.
fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key("@id") => into.push(map["@id"].as_str().unwrap().to_owned()),
        Value::Object(map) => map.values().for_each(|value| references(value, into)),
        Value::Array(values) => values.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[test]
fn entities_are_flat_unique_and_every_local_reference_is_described() {
    for dossier in [sample::sample(), sample::hostile()] {
        let graph = graph(&dossier);
        let mut ids = HashSet::new();
        for entity in &graph {
            assert!(ids.insert(entity["@id"].as_str().unwrap().to_owned()), "{} is described twice", entity["@id"]);
            assert!(entity["@type"].is_string(), "{entity}");
        }
        for entity in &graph {
            let mut found = Vec::new();
            entity.as_object().unwrap().values().for_each(|value| references(value, &mut found));
            for id in found.iter().filter(|id| !id.starts_with("http") && !id.starts_with("urn:")) {
                assert!(ids.contains(id), "{} points to {id}, which is not described", entity["@id"]);
            }
        }
    }
}

#[test]
fn every_file_is_part_of_the_root_once_and_the_description_itself_is_not() {
    let dossier = sample::sample();
    let graph = graph(&dossier);
    let root = entity(&graph, "./");
    for member in ["name", "description", "datePublished"] {
        assert!(root[member].is_string(), "{member}");
    }
    let parts: Vec<_> = root["hasPart"].as_array().unwrap().iter().map(|part| part["@id"].as_str().unwrap()).collect();
    assert_eq!(parts.len(), dossier.files.len() - 1);
    assert!(!parts.contains(&"ro-crate-metadata.json"));
    for part in parts {
        assert_eq!(entity(&graph, part)["@type"], "File");
        assert!(!part.starts_with("data/") && !part.contains(' '), "{part}");
    }
    assert_eq!(entity(&graph, root["license"]["@id"].as_str().unwrap())["description"], dossier.export.terms);
    assert_eq!(entity(&graph, "ro-crate-metadata.json")["conformsTo"]["@id"], "https://w3id.org/ro/crate/1.2");
}

#[test]
fn items_and_events_say_what_they_are() {
    let dossier = sample::sample();
    let graph = graph(&dossier);
    let item = entity(&graph, "evidence/A-2026-0001.00001/진술서_2011.hwp");
    assert_eq!(item["name"], "조사 자료/2011/진술서_2011.hwp");
    assert_eq!(item["sha256"], dossier.items[0].sha256);
    assert_eq!(item["contentSize"], "48213");
    assert_eq!(item["identifier"][0], "A-2026-0001.00001");
    let received = graph.iter().find(|entity| entity["@type"] == "ReceiveAction").unwrap();
    assert_eq!(received["agent"]["@id"], sample::CUSTODIAN);
    assert_eq!(received["subjectOf"]["@id"], "proofs/custody-5.tlog-proof");
    assert_eq!(received["object"]["@id"], format!("#accession-{}", sample::ACCESSION));
    assert_eq!(graph.iter().filter(|entity| entity["@type"] == "Action").count(), 1, "an unknown kind is a plain action");
    assert_eq!(entity(&graph, sample::APPROVER)["@type"], "Person");
}

#[test]
fn hostile_text_is_carried_exactly() {
    let graph = graph(&sample::hostile());
    let names: Vec<_> = graph.iter().filter(|entity| entity["@type"] == "File" && entity["name"] == sample::NASTY).collect();
    assert_eq!(names.len(), 3);
    for entity in &graph {
        let id = entity["@id"].as_str().unwrap();
        assert!(id.chars().all(|c| c.is_alphanumeric() || "-._~/%#:@".contains(c)), "{id} is no reference (RFC 3987)");
    }
}

#[test]
fn what_is_listed_twice_is_described_once() {
    let mut dossier = sample::sample();
    let once = ro_crate_json(&dossier);
    dossier.files.extend(dossier.files.clone());
    dossier.agents.extend(dossier.agents.clone());
    assert_eq!(ro_crate_json(&dossier), once);
}
