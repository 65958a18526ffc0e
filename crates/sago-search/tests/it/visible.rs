//! What a viewer may not see has no influence on what he is told.

use sago_search::{Answer, Block, NewItem, Request, Sort, Visible};

use crate::shelf::{Shelf, block, item, uuid};

fn corpus(secret: bool) -> Vec<(NewItem, Vec<Block>)> {
    let open = (1..=30).map(|n| {
        let text = format!("보위부 요원 {} kim met park in camp {} {}", "kim ".repeat(n as usize % 4), n % 3, "filler ".repeat(n as usize));
        (NewItem { labels: vec!["team".into()], accession: format!("a{}", n % 3), title: format!("item {n}"), ..item(n) }, vec![block(&text)])
    });
    let hidden = (100..=160).map(|n| {
        let text = format!("kim kim park {} rareword{} 김정은", "camp ".repeat(20), n);
        (NewItem { labels: vec!["team".into(), "source".into()], accession: "a9".into(), unit: uuid(9), has_gaps: true, ..item(n) }, vec![block(&text)])
    });
    // Hidden items lie between the others, so that segments and document numbers differ.
    let mut all: Vec<_> = open.chain(hidden.filter(|_| secret)).collect();
    all.sort_by_key(|(item, _)| item.number.chars().rev().collect::<String>());
    all
}

/// Everything of an answer that a viewer could notice.
fn told(answer: &Answer) -> String {
    let hits: Vec<_> = answer.hits.iter().map(|hit| (&hit.number, hit.score.to_bits(), &hit.passages)).collect();
    format!("{} {:?} {:?} {:?} {hits:?}", answer.total, answer.facets, answer.not_searched, answer.searched)
}

#[test]
fn answers_are_those_of_an_index_that_never_received_what_is_hidden() {
    let with = Shelf::with(&corpus(true));
    let without = Shelf::with(&corpus(false));
    let seen = Visible { labels: Some(vec!["team".into()]), ..Visible::default() };
    let mut asked = 0;
    for query in [
        "kim",
        "kim park",
        "kim OR camp",
        "보위부",
        "\"kim met\"",
        "rareword100",
        "rare*",
        "김정은",
        "kim~1",
        "camp -kim",
        "accession:a9",
        "accession:a1 park",
        "* -camp",
        "pages:5..20 kim",
    ] {
        for sort in [Sort::Relevance, Sort::Newest, Sort::Number, Sort::Path, Sort::Largest] {
            let request = Request { query: query.into(), visible: seen.clone(), sort, limit: 15, ..Request::default() };
            let (a, b) = (with.index.search(&request).unwrap(), without.index.search(&request).unwrap());
            assert_eq!(told(&a), told(&b), "{query} {sort:?}");
            asked += 1;
        }
    }
    assert_eq!(asked, 70);
    let request = Request { query: "rareword100".into(), ..Request::default() };
    assert_eq!(with.index.search(&request).unwrap().total, 1, "who may see it finds it");
    assert_eq!(with.index.more_like(uuid(7), &seen, 5).unwrap(), without.index.more_like(uuid(7), &seen, 5).unwrap());
    assert_eq!(with.index.more_like(uuid(100), &seen, 5).unwrap(), None);
    assert_eq!(with.index.near_duplicates(uuid(100), &seen, 7).unwrap(), None);
}

#[test]
fn units_accessions_and_labels_restrict_together_and_no_label_is_no_sight() {
    let mut items = corpus(true);
    items.push((NewItem { labels: Vec::new(), ..item(200) }, vec![block("kim")]));
    let shelf = Shelf::with(&items);
    let total = |visible: Visible| shelf.index.search(&Request { query: "*".into(), visible, ..Request::default() }).unwrap().total;
    let some = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect());
    assert_eq!(total(Visible::default()), 92);
    assert_eq!(total(Visible { labels: some(&["team", "source"]), ..Visible::default() }), 91);
    assert_eq!(total(Visible { labels: some(&["team"]), ..Visible::default() }), 30);
    assert_eq!(total(Visible { labels: some(&[]), ..Visible::default() }), 0);
    assert_eq!(total(Visible { labels: some(&["team"]), accessions: some(&["a1"]), ..Visible::default() }), 10);
    assert_eq!(total(Visible { units: Some(vec![uuid(9)]), ..Visible::default() }), 61);
    assert_eq!(total(Visible { units: Some(vec![uuid(9)]), accessions: some(&["a1"]), ..Visible::default() }), 0);
}
