//! PREMIS 3.0 (<http://www.loc.gov/premis/v3>): the view archivists and their tools expect.
//!
//! Accessions are intellectual entities, what is in the package of each is a representation, items are files with two levels: 0 the
//! original, 1 the encrypted copy the repository keeps. Each log entry is one event, followed by the acts it contains (receiving
//! contains calculating digests and encrypting). Rights say the conditions and the consent unit.

use std::collections::HashMap;

use super::dossier::{Accession, AgentKind, Detail, Dossier, Event, Item};
use super::kinds;
use super::xml::Xml;

const VOCABULARY: &str = "http://id.loc.gov/vocabulary/preservation";
const UUID: &str = "UUID";
const PSEUDONYM: &str = "pseudonym";
const PROGRAM: &str = "program";
const EVENT_ID: &str = "transparency log and index";

/// Writes the package's PREMIS 3.0 description: one document, root element `premis`.
///
/// Valid against the schema of 18 January 2016 for any dossier with at least one accession or item (PREMIS has no empty form).
/// Characters XML 1.0 cannot carry are shown as `[U+0001]`; the exact bytes of each path are given in base64.
pub fn premis_xml(dossier: &Dossier) -> String {
    let about = Links::of(dossier);
    let mut xml = Xml::new();
    xml.element(
        "premis",
        &[
            ("xmlns", "http://www.loc.gov/premis/v3"),
            ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
            ("xsi:schemaLocation", "http://www.loc.gov/premis/v3 http://www.loc.gov/standards/premis/v3/premis-v3-0.xsd"),
            ("version", "3.0"),
        ],
        |xml| {
            for accession in &dossier.accessions {
                intellectual_entity(xml, dossier, accession, &about);
                representation(xml, dossier, accession);
            }
            for item in &dossier.items {
                file(xml, item, &about);
            }
            for event in &dossier.events {
                event_and_parts(xml, dossier, event, &about);
            }
            agents(xml, dossier);
            for accession in &dossier.accessions {
                rights(xml, dossier, accession);
            }
        },
    );
    xml.finish()
}

/// Which events are about which object, computed once: packages may hold tens of thousands of items.
struct Links<'a> {
    events: HashMap<&'a str, Vec<&'a Event>>,
    /// UUID to the uuid written in the document, for what is described in it.
    objects: HashMap<&'a str, &'a str>,
    accession_events: HashMap<&'a str, Vec<&'a Event>>,
}

impl<'a> Links<'a> {
    fn of(dossier: &'a Dossier) -> Self {
        let mut objects = HashMap::new();
        objects.extend(dossier.accessions.iter().map(|accession| (accession.uuid.as_str(), accession.uuid.as_str())));
        objects.extend(dossier.items.iter().map(|item| (item.uuid.as_str(), item.uuid.as_str())));
        let mut events: HashMap<&str, Vec<&Event>> = HashMap::new();
        let mut accession_events: HashMap<&str, Vec<&Event>> = HashMap::new();
        for event in &dossier.events {
            for id in &event.about {
                let id = id.strip_prefix("urn:uuid:").unwrap_or(id);
                events.entry(id).or_default().push(event);
                if event.kind == "accession-received" {
                    accession_events.entry(id).or_default().push(event);
                }
            }
        }
        Self { events, objects, accession_events }
    }
}

/// A word of a Library of Congress vocabulary. `authorityURI` is left out: the value's URI begins with it, and packages are large enough.
fn term(xml: &mut Xml, element: &'static str, vocabulary: &str, label: &str, code: &str) {
    let value = format!("{VOCABULARY}/{vocabulary}/{code}");
    xml.text_with(element, &[("authority", vocabulary), ("valueURI", &value)], label);
}

fn pair(xml: &mut Xml, element: &'static str, (kind, kind_text): (&'static str, &str), (value, value_text): (&'static str, &str)) {
    xml.element(element, &[], |xml| {
        xml.text(kind, kind_text);
        xml.text(value, value_text);
    });
}

fn identifier(xml: &mut Xml, kind: &str, value: &str) {
    pair(xml, "objectIdentifier", ("objectIdentifierType", kind), ("objectIdentifierValue", value));
}

fn property(xml: &mut Xml, kind: &str, value: &str) {
    pair(xml, "significantProperties", ("significantPropertiesType", kind), ("significantPropertiesValue", value));
}

fn relationship(xml: &mut Xml, (label, code): (&str, &str), objects: &[(&str, &str)]) {
    xml.element("relationship", &[], |xml| {
        term(xml, "relationshipType", "relationshipType", "structural", "str");
        if code.is_empty() {
            xml.text("relationshipSubType", label);
        } else {
            term(xml, "relationshipSubType", "relationshipSubType", label, code);
        }
        for (kind, value) in objects {
            pair(xml, "relatedObjectIdentifier", ("relatedObjectIdentifierType", kind), ("relatedObjectIdentifierValue", value));
        }
    });
}

fn event_id(event: &Event) -> String {
    format!("{}#{}", event.origin, event.index)
}

fn linking_event(xml: &mut Xml, event: &Event) {
    pair(xml, "linkingEventIdentifier", ("linkingEventIdentifierType", EVENT_ID), ("linkingEventIdentifierValue", &event_id(event)));
}

fn linking_rights(xml: &mut Xml, accession: &str) {
    pair(
        xml,
        "linkingRightsStatementIdentifier",
        ("linkingRightsStatementIdentifierType", "UUID of the accession"),
        ("linkingRightsStatementIdentifierValue", accession),
    );
}

fn representation_id(dossier: &Dossier, accession: &Accession) -> String {
    format!("{}/{}", dossier.export.name, accession.number)
}

fn intellectual_entity(xml: &mut Xml, dossier: &Dossier, accession: &Accession, links: &Links<'_>) {
    xml.element("object", &[("xsi:type", "intellectualEntity")], |xml| {
        identifier(xml, UUID, &accession.uuid);
        identifier(xml, "accession number", &accession.number);
        property(xml, "title", &accession.title);
        property(xml, "label", &accession.label);
        property(xml, "items received", &accession.items_received.to_string());
        if let Some(contributor) = &accession.contributor {
            property(xml, "contributor", contributor);
        }
        let package = representation_id(dossier, accession);
        relationship(xml, ("is represented by", ""), &[("part of package", package.as_str())]);
        for event in links.events.get(accession.uuid.as_str()).into_iter().flatten() {
            linking_event(xml, event);
        }
        linking_rights(xml, &accession.uuid);
    });
}

fn representation(xml: &mut Xml, dossier: &Dossier, accession: &Accession) {
    xml.element("object", &[("xsi:type", "representation")], |xml| {
        identifier(xml, "part of package", &representation_id(dossier, accession));
        relationship(xml, ("represents", ""), &[(UUID, accession.uuid.as_str())]);
        let items: Vec<_> = dossier.items.iter().filter(|item| item.accession == accession.uuid).map(|item| (UUID, item.uuid.as_str())).collect();
        if !items.is_empty() {
            relationship(xml, ("has part", "hsp"), &items);
        }
        linking_rights(xml, &accession.uuid);
    });
}

fn fixity(xml: &mut Xml, (label, code): (&str, &str), digest: &str) {
    xml.element("fixity", &[], |xml| {
        term(xml, "messageDigestAlgorithm", "cryptographicHashFunctions", label, code);
        xml.text("messageDigest", digest);
        xml.text("messageDigestOriginator", "repository, at reception");
    });
}

fn file(xml: &mut Xml, item: &Item, links: &Links<'_>) {
    xml.element("object", &[("xsi:type", "file")], |xml| {
        identifier(xml, UUID, &item.uuid);
        identifier(xml, "item number", &item.number);
        property(xml, "original path, exact bytes, base64", &item.path_bytes);
        if let Some(modified) = &item.modified {
            property(xml, "last change according to the sender's disk", modified);
        }
        xml.element("objectCharacteristics", &[], |xml| {
            xml.text("compositionLevel", "0");
            fixity(xml, ("SHA-256", "sha256"), &item.sha256);
            fixity(xml, ("SHA-512", "sha512"), &item.sha512);
            xml.text("size", &item.size.to_string());
            xml.element("format", &[], |xml| {
                let name = item.media_type.as_deref().unwrap_or("application/octet-stream");
                xml.element("formatDesignation", &[], |xml| xml.text("formatName", name));
                if let Some(puid) = &item.puid {
                    pair(xml, "formatRegistry", ("formatRegistryName", "PRONOM"), ("formatRegistryKey", puid));
                }
                if item.media_type.is_none() {
                    xml.text("formatNote", "The format was not identified.");
                }
            });
        });
        if let Some(stored) = &item.stored {
            xml.element("objectCharacteristics", &[], |xml| {
                xml.text("compositionLevel", "1");
                fixity(xml, ("SHA-256", "sha256"), &stored.sha256);
                fixity(xml, ("SHA-512", "sha512"), &stored.sha512);
                xml.element("format", &[], |xml| {
                    pair(xml, "formatDesignation", ("formatName", "age-encryption.org"), ("formatVersion", "v1"));
                    xml.text("formatNote", "The original as one age file, as the repository keeps it; not in this package.");
                });
                pair(xml, "inhibitors", ("inhibitorType", "age encryption, ML-KEM-768 and X25519"), ("inhibitorTarget", "all content"));
            });
        }
        xml.text("originalName", &item.path);
        storage(xml, "path in this package", &item.evidence, None);
        if let Some(stored) = &item.stored {
            let place = format!("{} {}", stored.object, stored.content);
            storage(xml, "OCFL object and content path", &place, Some("OCFL 1.1 storage root"));
        }
        relationship(xml, ("is part of", "isp"), &[(UUID, item.accession.as_str())]);
        let of_accession = links.accession_events.get(item.accession.as_str()).into_iter().flatten();
        let of_item = links.events.get(item.uuid.as_str()).into_iter().flatten();
        for event in of_accession.chain(of_item) {
            linking_event(xml, event);
        }
        linking_rights(xml, &item.accession);
    });
}

fn storage(xml: &mut Xml, kind: &str, place: &str, medium: Option<&str>) {
    xml.element("storage", &[], |xml| {
        pair(xml, "contentLocation", ("contentLocationType", kind), ("contentLocationValue", place));
        if let Some(medium) = medium {
            xml.text("storageMedium", medium);
        }
    });
}

fn event_and_parts(xml: &mut Xml, dossier: &Dossier, event: &Event, links: &Links<'_>) {
    let types = kinds::find(&event.kind).map_or(&[][..], |kind| kind.premis);
    one_event(xml, dossier, event, links, &event_id(event), types.first(), true);
    for part in types.iter().skip(1) {
        let id = format!("{}/{}", event_id(event), part.label.replace(' ', "-"));
        one_event(xml, dossier, event, links, &id, Some(part), false);
    }
}

fn one_event(xml: &mut Xml, dossier: &Dossier, event: &Event, links: &Links<'_>, id: &str, kind: Option<&kinds::EventType>, whole: bool) {
    xml.element("event", &[], |xml| {
        pair(xml, "eventIdentifier", ("eventIdentifierType", EVENT_ID), ("eventIdentifierValue", id));
        match kind {
            Some(kind) => term(xml, "eventType", "eventType", kind.label, kind.code),
            // The vocabulary has no word for it: our own code, without a value URI.
            None => xml.text("eventType", &event.kind),
        }
        xml.text("eventDateTime", &event.at);
        let mut say = |text: &str| xml.element("eventDetailInformation", &[], |xml| xml.text("eventDetail", text));
        if whole {
            say(&format!("kind: {}", event.kind));
            say(&format!("proof: {}", event.proof));
            match &event.detail {
                Detail::Open(members) => members.iter().for_each(|(name, value)| say(&format!("{name}: {value}"))),
                Detail::Withheld => say("The detail of this entry is withheld; its digest is in the log."),
            }
            for id in event.about.iter().map(|id| id.strip_prefix("urn:uuid:").unwrap_or(id)) {
                if !links.objects.contains_key(id) {
                    say(&format!("also about: {id}"));
                }
            }
        } else {
            say(&format!("Part of the act entered as {}.", event_id(event)));
        }
        linking_agent(xml, PSEUDONYM, &event.agent, ("implementer", "imp"));
        linking_agent(xml, PROGRAM, &dossier.export.software.name, ("executing program", "exe"));
        for id in event.about.iter().filter_map(|id| links.objects.get(id.strip_prefix("urn:uuid:").unwrap_or(id))) {
            pair(xml, "linkingObjectIdentifier", ("linkingObjectIdentifierType", UUID), ("linkingObjectIdentifierValue", id));
        }
    });
}

fn linking_agent(xml: &mut Xml, kind: &str, id: &str, (label, code): (&str, &str)) {
    xml.element("linkingAgentIdentifier", &[], |xml| {
        xml.text("linkingAgentIdentifierType", kind);
        xml.text("linkingAgentIdentifierValue", id);
        term(xml, "linkingAgentRole", "eventRelatedAgentRole", label, code);
    });
}

fn agents(xml: &mut Xml, dossier: &Dossier) {
    for (urn, agent) in dossier.named_agents() {
        xml.element("agent", &[], |xml| {
            pair(xml, "agentIdentifier", ("agentIdentifierType", PSEUDONYM), ("agentIdentifierValue", urn));
            let Some(agent) = agent else {
                xml.text("agentNote", "not described in this package");
                return;
            };
            let (label, code) = match agent.kind {
                AgentKind::Person => ("person", "per"),
                AgentKind::Organization => ("organization", "org"),
                AgentKind::Software => ("software", "sof"),
            };
            term(xml, "agentType", "agentType", label, code);
            xml.text("agentNote", &format!("role: {}", agent.role));
        });
    }
    let software = &dossier.export.software;
    xml.element("agent", &[], |xml| {
        pair(xml, "agentIdentifier", ("agentIdentifierType", PROGRAM), ("agentIdentifierValue", &software.name));
        xml.text("agentName", &software.name);
        term(xml, "agentType", "agentType", "software", "sof");
        xml.text("agentVersion", &software.version);
        xml.text("agentNote", "The version that made this package; the version that made an entry is in the entry itself.");
    });
}

fn rights(xml: &mut Xml, dossier: &Dossier, accession: &Accession) {
    xml.element("rights", &[], |xml| {
        xml.element("rightsStatement", &[], |xml| {
            pair(
                xml,
                "rightsStatementIdentifier",
                ("rightsStatementIdentifierType", "UUID of the accession"),
                ("rightsStatementIdentifierValue", &accession.uuid),
            );
            term(xml, "rightsBasis", "rightsBasis", "other", "oth");
            xml.element("otherRightsInformation", &[], |xml| {
                if let Some(agreement) = &accession.agreement {
                    pair(
                        xml,
                        "otherRightsDocumentationIdentifier",
                        ("otherRightsDocumentationIdentifierType", "agreement"),
                        ("otherRightsDocumentationIdentifierValue", agreement),
                    );
                }
                xml.text("otherRightsBasis", "consent of the source and conditions of the contributor");
                xml.text("otherRightsNote", &format!("consent unit: {}", accession.unit));
                xml.text("otherRightsNote", &format!("label: {}", accession.label));
                for condition in &accession.conditions {
                    xml.text("otherRightsNote", &format!("condition: {condition}"));
                }
            });
            xml.element("rightsGranted", &[], |xml| {
                xml.text("act", "use by the recipient of this package");
                xml.text("restriction", &dossier.export.terms);
                xml.text("rightsGrantedNote", &format!("recipient: {}", dossier.export.recipient));
                xml.text("rightsGrantedNote", &format!("reason: {}", dossier.export.reason));
            });
            let object = ("linkingObjectIdentifierType", UUID);
            pair(xml, "linkingObjectIdentifier", object, ("linkingObjectIdentifierValue", &accession.uuid));
        });
    });
}
