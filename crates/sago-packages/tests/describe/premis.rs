//! PREMIS: the schema of the Library of Congress, and an XML parser.

use std::path::Path;
use std::process::Command;

use sago_packages::describe::*;

use super::markup::{Element, read};
use super::sample;

/// What `xmllint` says of a document against the PREMIS 3.0 schema: whether it is valid, and its words.
fn judge(name: &str, document: &str) -> (bool, String) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/premis-v3-0.xsd");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, document).unwrap();
    let output = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .args([&schema, &file])
        .output()
        .unwrap_or_else(|error| panic!("xmllint (Debian package libxml2-utils) is needed for this test: {error}"));
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn texts<'a>(document: &'a [Element], name: &str) -> Vec<&'a str> {
    document.iter().filter(|element| element.name == name).map(|element| element.text.as_str()).collect()
}

#[test]
fn the_schema_accepts_ordinary_hostile_and_bare_dossiers() {
    let mut bare = sample::sample();
    bare.events.clear();
    bare.agents.clear();
    for item in &mut bare.items {
        (item.stored, item.media_type, item.modified) = (None, None, None);
    }
    for accession in &mut bare.accessions {
        (accession.contributor, accession.agreement) = (None, None);
        accession.conditions.clear();
    }
    let mut only_items = sample::sample();
    only_items.accessions.clear();
    let mut no_items = sample::sample();
    no_items.items.clear();
    let dossiers = [("sample", sample::sample()), ("hostile", sample::hostile()), ("bare", bare), ("only-items", only_items), ("no-items", no_items)];
    for (name, dossier) in dossiers {
        let (valid, words) = judge(&format!("{name}.xml"), &premis_xml(&dossier));
        assert!(valid, "{name}: {words}");
    }
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let document = premis_xml(&sample::sample());
    let wrong = [
        document.replace("<size>48213</size>", "<size>big</size>"),
        document.replacen("<eventDateTime>", "<eventDate>", 1).replacen("</eventDateTime>", "</eventDate>", 1),
        document.replace("version=\"3.0\"", "version=\"2.2\""),
    ];
    for (n, document) in wrong.iter().enumerate() {
        assert!(!judge(&format!("wrong-{n}.xml"), document).0, "case {n} must be refused, or the schema checks nothing");
    }
}

#[test]
fn items_keep_their_digests_sizes_and_names() {
    let dossier = sample::sample();
    let document = read(&premis_xml(&dossier));
    let digests = texts(&document, "messageDigest");
    let names = texts(&document, "originalName");
    let sizes = texts(&document, "size");
    for (n, item) in dossier.items.iter().enumerate() {
        let stored = item.stored.as_ref().unwrap();
        assert_eq!(digests[4 * n..4 * n + 4], [&item.sha256, &item.sha512, &stored.sha256, &stored.sha512]);
        assert_eq!(names[n], item.path);
        assert_eq!(sizes[n], item.size.to_string());
    }
    assert_eq!(texts(&document, "formatName")[4], "application/octet-stream", "an unidentified format is said, not left out");
}

#[test]
fn events_speak_the_vocabulary_and_say_when_they_cannot() {
    let document = read(&premis_xml(&sample::sample()));
    let types: Vec<_> = document
        .iter()
        .filter(|element| element.name == "eventType")
        .map(|element| (element.text.as_str(), element.attributes.iter().find(|(key, _)| key == "valueURI").map(|(_, value)| value.as_str())))
        .collect();
    let uri = |code: &str| format!("http://id.loc.gov/vocabulary/preservation/eventType/{code}");
    for (label, code) in [
        ("ingestion", "ing"),
        ("message digest calculation", "mes"),
        ("encryption", "enc"),
        ("fixity check", "fix"),
        ("decryption", "der"),
        ("dissemination", "dis"),
    ] {
        assert!(types.contains(&(label, Some(uri(code).as_str()))), "{label} is missing in {types:?}");
    }
    assert!(types.contains(&("from-the-future", None)), "an unknown kind keeps its own code and claims no vocabulary");
    let details = texts(&document, "eventDetail");
    assert!(details.contains(&"The detail of this entry is withheld; its digest is in the log."));
    assert!(details.contains(&"proof: data/proofs/custody-5.tlog-proof"));
    let mut ids = texts(&document, "eventIdentifierValue");
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "every event has its own identifier");
}

#[test]
fn every_link_points_to_something_described() {
    let document = read(&premis_xml(&sample::sample()));
    let declared = |name: &str| texts(&document, name);
    for (link, target) in [
        ("linkingEventIdentifierValue", "eventIdentifierValue"),
        ("linkingObjectIdentifierValue", "objectIdentifierValue"),
        ("relatedObjectIdentifierValue", "objectIdentifierValue"),
        ("linkingAgentIdentifierValue", "agentIdentifierValue"),
        ("linkingRightsStatementIdentifierValue", "rightsStatementIdentifierValue"),
    ] {
        let targets = declared(target);
        let links = declared(link);
        assert!(!links.is_empty(), "{link}");
        for value in links {
            assert!(targets.contains(&value), "{link} {value} points to nothing");
        }
    }
}

#[test]
fn hostile_text_is_carried_and_what_xml_cannot_carry_is_shown() {
    let document = read(&premis_xml(&sample::hostile()));
    let expected = sample::NASTY
        .replace('\u{0}', "[U+0000]")
        .replace('\u{1}', "[U+0001]")
        .replace('\u{8}', "[U+0008]")
        .replace('\u{1b}', "[U+001B]")
        .replace('\u{7f}', "[U+007F]")
        .replace('\u{85}', "[U+0085]")
        .replace('\u{fffe}', "[U+FFFE]")
        .replace('\u{10fffe}', "[U+10FFFE]");
    for name in texts(&document, "originalName") {
        assert_eq!(name, expected);
    }
    assert!(document.iter().all(|element| !element.name.contains("script")));
}
