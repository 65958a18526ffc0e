//! The four descriptions, judged by other people's tools: an XML parser and the PREMIS schema, a JSON parser, bash with OpenSSL.
//!
//! RO-Crate is judged by `roc-validator` in the integration suite, through `tests/roc_offline.py`; here its structure is tested.
#![allow(clippy::unwrap_used, missing_docs)]

mod bag;
mod crate_json;
mod markup;
mod page;
mod premis;
mod sample;
mod steps;

use sago_packages::describe::*;

#[test]
fn an_empty_dossier_is_described_without_complaint() {
    let mut dossier = sample::sample();
    dossier.repository.logs.clear();
    dossier.repository.published_at.clear();
    dossier.items.clear();
    dossier.accessions.clear();
    dossier.events.clear();
    dossier.agents.clear();
    dossier.stamps.clear();
    dossier.files.clear();
    dossier.omissions.clear();
    let page = story_html(&dossier);
    assert!(page.contains("<body class=\"strictly-confidential\">"), "without an accession the highest label counts");
    assert!(page.contains("This package has no time-stamp from outside"));
    assert!(page.contains("Nothing was named as left out."));
    assert!(verify_md(&dossier).contains("This package holds no time-stamp."));
    assert!(serde_json::from_str::<serde_json::Value>(&ro_crate_json(&dossier)).is_ok());
    assert!(premis_xml(&dossier).contains("<agentType"));
}

#[test]
fn the_strictest_label_of_the_accessions_is_on_the_band() {
    let mut dossier = sample::sample();
    dossier.accessions[0].label = "restricted".into();
    assert!(story_html(&dossier).contains("<body class=\"restricted\">"));
    let mut second = dossier.accessions[0].clone();
    second.label = "confidential".into();
    dossier.accessions.push(second);
    assert!(story_html(&dossier).contains("<body class=\"confidential\">"));
    dossier.accessions[0].label = "cosmic top secret".into();
    assert!(story_html(&dossier).contains("<body class=\"strictly-confidential\">"), "an unknown label counts as the highest");
}
