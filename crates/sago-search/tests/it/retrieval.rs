//! The project's retrieval set through the real index: what the analyser promises must hold behind query language, index and
//! ranking.
//!
//! Recall is the share of the expected documents that are found at all; precision at 10 the share of expected documents among the
//! first `min(10, expected)`; also held is the share of expected documents among all that are found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sago_search::{NewItem, Request};
use unicode_normalization::UnicodeNormalization;

use crate::shelf::{Shelf, block, item};

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/retrieval").join(name)).unwrap()
}

/// Documents by id, as they come in: decoded from CP949, decomposed, or a scan as its text.
fn documents() -> BTreeMap<String, String> {
    let text = read("documents.txt");
    let document = |part: &str| {
        let (head, body) = part.split_once('\n').unwrap();
        let fields: Vec<&str> = head.split('|').map(str::trim).collect();
        let body = match fields[2] {
            "cp949" => encoding_rs::EUC_KR.decode(&encoding_rs::EUC_KR.encode(body).0).0.into_owned(),
            "nfd" => body.nfd().collect(),
            "text" | "scan" => body.to_owned(),
            other => panic!("{head}: unknown form {other}"),
        };
        (fields[0].to_owned(), body)
    };
    text.split("=== ").skip(1).map(document).collect()
}

#[test]
fn the_retrieval_set_is_found_through_the_index() {
    let documents = documents();
    let items: Vec<_> = documents.iter().enumerate().map(|(n, (id, text))| (NewItem { number: id.clone(), ..item(n as u64) }, vec![block(text)])).collect();
    let shelf = Shelf::with(&items);
    let queries = read("queries.tsv");
    let (mut asked, mut recall, mut precision, mut expected_of_found) = (0.0, 0.0, 0.0, 0.0);
    for line in queries.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let expected: BTreeSet<&str> = fields[3].split(' ').collect();
        let answer =
            shelf.index.search(&Request { query: fields[1].into(), limit: 100, ..Request::default() }).unwrap_or_else(|error| panic!("{line}: {error}"));
        let found: Vec<&str> = answer.hits.iter().map(|hit| hit.number.as_str()).collect();
        let right = found.iter().filter(|id| expected.contains(**id)).count() as f64;
        let top = expected.len().min(10);
        let first = found.iter().take(top).filter(|id| expected.contains(**id)).count() as f64 / top as f64;
        if right < expected.len() as f64 || first < 1.0 {
            let missed: Vec<_> = expected.iter().filter(|id| !found.contains(id)).collect();
            println!("{} {} ({}): missed {missed:?}, found {found:?}", fields[0], fields[1], fields[2]);
        }
        let without: Vec<_> = answer.hits.iter().filter(|hit| hit.passages.is_empty()).map(|hit| &hit.number).collect();
        assert!(without.is_empty(), "{line}: no passage shows why {without:?} were found");
        asked += 1.0;
        recall += right / expected.len() as f64;
        precision += first;
        expected_of_found += if found.is_empty() { 0.0 } else { right / found.len() as f64 };
    }
    let (recall, precision, expected_of_found) = (recall / asked, precision / asked, expected_of_found / asked);
    println!(
        "{} documents, {asked} queries: recall {recall:.4}, precision at 10 {precision:.4}, expected among all found {expected_of_found:.4}",
        documents.len()
    );
    assert!(documents.len() >= 60 && asked >= 120.0);
    assert!(recall >= 0.98 && precision >= 0.9 && expected_of_found >= 0.8);
}
