//! The retrieval set of `testdata/retrieval`, asked of an index in memory with the plainest ranking there is: recall and precision of the analysis alone.
//!
//! Recall is the share of the expected documents that are found at all; precision at 10 the share of expected documents among the first `min(10, expected)`.
//! Also printed, and held: the share of expected ones among all that are found.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use sago_text::{TokenKind, Way, analyse_with, understand};
use unicode_normalization::UnicodeNormalization;

struct Query {
    id: String,
    text: String,
    aspect: String,
    expected: BTreeSet<String>,
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/retrieval")
}

/// The documents as they come in: encoded and decoded again, decomposed, or (a scan) as its text.
fn documents() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("documents.txt")).unwrap();
    let mut out = BTreeMap::new();
    for part in text.split("=== ").skip(1) {
        let (head, body) = part.split_once('\n').unwrap();
        let fields: Vec<&str> = head.split('|').map(str::trim).collect();
        let body = match fields[2] {
            "cp949" => {
                let (bytes, _, lossy) = encoding_rs::EUC_KR.encode(body);
                assert!(!lossy, "{head}: not in CP949");
                encoding_rs::EUC_KR.decode(&bytes).0.into_owned()
            }
            "nfd" => body.nfd().collect(),
            "text" | "scan" => body.to_owned(),
            other => panic!("{head}: unknown form {other}"),
        };
        assert!(out.insert(fields[0].to_owned(), body).is_none(), "{head}: twice");
    }
    out
}

fn queries(documents: &BTreeMap<String, String>) -> Vec<Query> {
    let text = std::fs::read_to_string(folder().join("queries.tsv")).unwrap();
    text.lines()
        .filter(|l| !l.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let expected: BTreeSet<String> = fields[3].split(' ').map(str::to_owned).collect();
            assert!(expected.iter().all(|d| documents.contains_key(d)), "{line}");
            Query { id: fields[0].to_owned(), text: fields[1].to_owned(), aspect: fields[2].to_owned(), expected }
        })
        .collect()
}

#[derive(Default)]
struct Index {
    postings: HashMap<(TokenKind, String), BTreeMap<String, Vec<u32>>>,
    documents: usize,
}

impl Index {
    fn add(&mut self, id: &str, text: &str) {
        self.documents += 1;
        analyse_with(text, &mut |t| {
            self.postings.entry((t.kind, t.text.to_owned())).or_default().entry(id.to_owned()).or_default().push(t.position);
        });
    }

    /// Documents that have the phrase, and how often.
    fn phrase(&self, way: &Way) -> BTreeMap<String, usize> {
        let kinds: &[TokenKind] = if way.bridged { &[TokenKind::Gram, TokenKind::Bridge] } else { &[way.kind] };
        let places = |term: &str, id: &str| -> BTreeSet<u32> {
            kinds.iter().filter_map(|k| self.postings.get(&(*k, term.to_owned()))?.get(id)).flatten().copied().collect()
        };
        let mut out = BTreeMap::new();
        let first = &way.terms[0];
        let ids: BTreeSet<&String> = kinds.iter().filter_map(|k| self.postings.get(&(*k, first.clone()))).flat_map(|p| p.keys()).collect();
        for id in ids {
            let others: Vec<BTreeSet<u32>> = way.terms.iter().skip(1).map(|t| places(t, id)).collect();
            let hits = places(first, id).into_iter().filter(|p| others.iter().zip(p + 1..).all(|(places, at)| places.contains(&at))).count();
            if hits > 0 {
                out.insert(id.clone(), hits);
            }
        }
        out
    }

    /// Documents that answer every group, the best first.
    fn search(&self, query: &str) -> Vec<String> {
        let mut scores: Option<BTreeMap<String, f64>> = None;
        for group in understand(query) {
            let mut best: BTreeMap<String, f64> = BTreeMap::new();
            for way in &group.ways {
                for (id, hits) in self.phrase(way) {
                    let score = f64::from(way.weight) * (1.0 + 0.1 * (hits as f64).ln());
                    let slot = best.entry(id).or_default();
                    *slot = slot.max(score);
                }
            }
            scores = Some(match scores {
                None => best,
                Some(before) => before.into_iter().filter_map(|(id, s)| best.get(&id).map(|b| (id, s + b))).collect(),
            });
        }
        let mut out: Vec<(String, f64)> = scores.unwrap_or_default().into_iter().collect();
        out.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        out.into_iter().map(|(id, _)| id).collect()
    }
}

#[test]
fn the_retrieval_set_is_found() {
    let documents = documents();
    let queries = queries(&documents);
    assert!(documents.len() >= 60 && queries.len() >= 120);
    let mut index = Index::default();
    for (id, text) in &documents {
        index.add(id, text);
    }
    assert_eq!(index.documents, documents.len());
    let (mut recall, mut precision, mut found_right) = (0.0, 0.0, 0.0);
    let mut by_aspect: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
    for q in &queries {
        let found = index.search(&q.text);
        let right = found.iter().filter(|d| q.expected.contains(*d)).count() as f64;
        let top = q.expected.len().min(10);
        let first = found.iter().take(top).filter(|d| q.expected.contains(*d)).count() as f64 / top as f64;
        let r = right / q.expected.len() as f64;
        let all = if found.is_empty() { 0.0 } else { right / found.len() as f64 };
        if r < 1.0 || first < 1.0 || all < 1.0 {
            let missed: Vec<_> = q.expected.iter().filter(|d| !found.contains(d)).collect();
            let wrong: Vec<_> = found.iter().filter(|d| !q.expected.contains(*d)).collect();
            println!("{} {} ({}): recall {r:.2}, precision at 10 {first:.2}, missed {missed:?}, not expected {wrong:?}", q.id, q.text, q.aspect);
        }
        recall += r;
        precision += first;
        found_right += all;
        let aspect = by_aspect.entry(q.aspect.split(' ').next().unwrap()).or_default();
        *aspect = (aspect.0 + 1.0, aspect.1 + r, aspect.2 + first);
    }
    let n = queries.len() as f64;
    for (aspect, (count, r, p)) in by_aspect {
        println!("{aspect:16} {count:3} queries: recall {:.3}, precision at 10 {:.3}", r / count, p / count);
    }
    println!(
        "{} documents, {n} queries: recall {:.4}, precision at 10 {:.4}, expected among all found {:.4}",
        documents.len(),
        recall / n,
        precision / n,
        found_right / n
    );
    assert!(recall / n >= 0.98, "recall {}", recall / n);
    assert!(precision / n >= 0.9, "precision at 10 {}", precision / n);
    assert!(found_right / n >= 0.9, "expected among all found {}", found_right / n);
}
