//! What queries find, and what answers say.

use sago_search::{Block, Fold, NewItem, Request, SearchError, Sort, Why};

use crate::shelf::{Shelf, block, item, texts, uuid};

fn numbers(found: &[&str]) -> Vec<String> {
    found.iter().map(|number| (*number).to_owned()).collect()
}

#[test]
fn queries_find_what_they_say() {
    let shelf = Shelf::with(&texts(&[
        "김정은이 국가보위부의 요원을 만났다",    // n1
        "국가 보위부 요원 김철수",                // n2
        "보위 사업",                              // n3
        "The prisoners were running to the camp", // n4
        "A prisoner ran from camp fifteen",       // n5
        "Kim Jong-un met Pak in the camp",        // n6
        "요덕 제15호관리소에서 강제노동을 했다",  // n7
        "one two three four five six seven",      // n8
        "one seven",                              // n9
        "金正恩",                                 // n10
        "kin kim kym",                            // n11
        "OR and NOT are words",                   // n12
    ]));
    let table: &[(&str, &[&str])] = &[
        ("김정은", &["n1", "n10", "n6"]),
        ("\"김정은\"", &["n1"]),
        ("=김정은", &[]),
        ("=김정은이", &["n1"]),
        ("보위부", &["n1", "n2"]),
        ("국가보위부", &["n1", "n2"]),
        ("\"국가보위부\"", &["n1", "n2"]),
        ("\"국가 보위부\"", &["n1", "n2"]),
        ("보위부 요원", &["n1", "n2"]),
        ("보위부 -김철수", &["n1"]),
        ("김철수 OR 요덕", &["n2", "n7"]),
        ("관리소", &["n7"]),
        ("prisoner", &["n4", "n5"]),
        ("=prisoner", &["n5"]),
        ("exact:prisoners", &["n4"]),
        ("run", &["n4"]),
        ("camp NOT prisoner", &["n6"]),
        ("camp -(ran OR met)", &["n4"]),
        ("\"one two\"", &["n8"]),
        ("\"two one\"", &[]),
        ("\"one seven\"", &["n9"]),
        ("\"one seven\"~5", &["n8", "n9"]),
        ("\"one seven\"~4", &["n9"]),
        ("\"one three\"~1", &["n8"]),
        ("prison*", &["n4", "n5"]),
        ("kim~1", &["n11", "n6"]),
        ("kim", &["n11", "n6"]),
        ("\"OR\"", &["n12"]),
        ("\"김철수\" OR \"김정은\" OR \"요덕\" OR \"없음\"", &["n1", "n2", "n7"]),
        ("(one OR camp) -seven -met", &["n4", "n5"]),
        ("-one -camp -보위부 -요덕 -보위 -金正恩 -kim", &["n12"]),
        ("*", &["n1", "n10", "n11", "n12", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"]),
        ("pages:3..5", &["n3", "n4", "n5"]),
        ("pages:11..", &["n11", "n12"]),
        ("size:..988", &["n12"]),
        ("accession:2024-001", &["n1", "n5", "n9"]),
        ("accession:2024-00* one", &["n8", "n9"]),
        ("format:pdf camp", &["n4", "n6"]),
        ("language:ko -pages:5..", &["n1", "n2", "n4"]),
        ("label:sealed", &["n10", "n5"]),
        ("number:n7", &["n7"]),
        ("received:2023-11-15..2023-11-16", &["n1", "n2"]),
    ];
    let mut failed = Vec::new();
    for (query, expected) in table {
        let found = shelf.found(query);
        if found != numbers(expected) {
            failed.push(format!("{query}: {found:?}, expected {expected:?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_bad_query_is_an_error_with_its_place() {
    let shelf = Shelf::with(&texts(&["a"]));
    for (query, character) in [
        ("보위부 (요원", 5),
        ("a OR", 4),
        ("nothing:x", 1),
        ("보위부 !!!", 5),
        ("received:tomorrow", 1),
        ("unit:7", 1),
        ("a~9", 1),
        ("kim-jong*", 1),
        ("\"...\"", 1),
    ] {
        match shelf.index.search(&Request { query: query.into(), ..Request::default() }) {
            Err(SearchError::Query(error)) => assert_eq!(error.characters.start + 1, character, "{query}: {error}"),
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn fields_are_searched_alone_and_everything_together() {
    let mail = NewItem {
        title: "Report on Hoeryong".into(),
        path: "inbox/보고서.eml".into(),
        properties: vec![("from".into(), "Lee <lee@example.org>".into()), ("to".into(), "Park".into()), ("x-mailer".into(), "Sylpheed".into())],
        ..item(1)
    };
    let shelf = Shelf::with(&[(mail, vec![block("the camp")]), (NewItem { title: "camp".into(), ..item(2) }, vec![block("Lee wrote a report to Park")])]);
    let table: &[(&str, &[&str])] = &[
        ("title:report", &["n1"]),
        ("title:camp", &["n2"]),
        ("camp", &["n1", "n2"]),
        ("from:lee", &["n1"]),
        ("from:park", &[]),
        ("to:park", &["n1"]),
        ("lee", &["n1", "n2"]),
        ("sylpheed", &["n1"]),
        ("path:보고서", &["n1"]),
        ("보고서", &["n1"]),
        ("title:(camp OR hoeryong)", &["n1", "n2"]),
        ("title:rep*", &["n1"]),
        ("title:=report", &["n1"]),
        ("tit*", &[]),
        ("item:n2", &["n2"]),
    ];
    for (query, expected) in table {
        assert_eq!(shelf.found(query), numbers(expected), "{query}");
    }
    let answer = shelf.ask("from:lee");
    assert_eq!(answer.hits[0].passages.len(), 1);
    let passage = &answer.hits[0].passages[0];
    assert_eq!(passage.property.as_deref(), Some("from"));
    assert_eq!(&passage.text[passage.highlights[0].clone()], "Lee");
}

#[test]
fn passages_are_the_original_text_with_place_and_highlights() {
    // Decomposed Hangul and full-width letters: found, and shown as they are.
    let decomposed = "보위부";
    let text = format!("{} Then the Ｋｉｍ family and {decomposed}의 요원 came. {}", "before ".repeat(100), "after ".repeat(100));
    let blocks = vec![
        Block { anchor: "page 1".into(), page: Some(1), text: "nothing here".into(), continues: false },
        Block { anchor: "page 2".into(), page: Some(2), text: text.clone(), continues: false },
        Block { anchor: "page 3".into(), page: Some(3), text: "보위부".into(), continues: false },
    ];
    let shelf = Shelf::with(&[(item(1), blocks)]);
    let answer = shelf.ask("보위부 kim");
    assert_eq!(answer.total, 1);
    let passages = &answer.hits[0].passages;
    assert_eq!(passages.iter().map(|passage| passage.anchor.as_str()).collect::<Vec<_>>(), ["page 2", "page 3"]);
    let passage = &passages[0];
    assert_eq!(passage.page, Some(2));
    let start = passage.start as usize;
    assert_eq!(&text[start..start + passage.text.len()], passage.text);
    assert!(passage.text.len() < 600);
    let marked: Vec<_> = passage.highlights.iter().map(|range| &passage.text[range.clone()]).collect();
    assert_eq!(marked[0], "Ｋｉｍ");
    assert!(marked[1].starts_with(decomposed), "{marked:?}");
    for query in ["kim~1", "보위*", "\"kim family\""] {
        assert!(!shelf.ask(query).hits[0].passages.is_empty(), "{query}");
    }
}

#[test]
fn totals_facets_and_order_are_exact() {
    let items: Vec<_> = (1..=500)
        .map(|n| (NewItem { path: format!("{:05}", n * 7919 % 5003), ..item(n) }, vec![block(if n % 10 == 0 { "rare common" } else { "common" })]))
        .collect();
    let shelf = Shelf::with(&items);
    let ask = |query: &str, sort, offset, limit| shelf.index.search(&Request { query: query.into(), sort, offset, limit, ..Request::default() }).unwrap();
    let answer = ask("common", Sort::Relevance, 0, 10);
    assert_eq!(answer.total, 500);
    assert_eq!(answer.hits.len(), 10);
    assert_eq!(answer.facets.format.clone().into_iter().collect::<Vec<_>>(), [("hwp".to_owned(), 250), ("pdf".to_owned(), 250)]);
    assert_eq!(answer.facets.accession.values().sum::<u64>(), 500);
    assert_eq!(answer.facets.label["sealed"], 100);
    assert_eq!(answer.facets.language["ko"], 500 - 166);
    assert_eq!((answer.not_searched.items, answer.not_searched.items_with_gaps), (500, 71));
    assert_eq!(answer.position, Some(500));
    let by = |sort| {
        (0..500).step_by(37).flat_map(|offset| ask("common", sort, offset, 37).hits).map(|hit| hit.number[1..].parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    let sorted_by = |key: &dyn Fn(u64) -> String| {
        let mut all: Vec<u64> = (1..=500).collect();
        all.sort_by_key(|n| (key(*n), *n));
        all
    };
    assert_eq!(by(Sort::Oldest), (1..=500).collect::<Vec<_>>());
    assert_eq!(by(Sort::Newest), (1..=500).rev().collect::<Vec<_>>());
    assert_eq!(by(Sort::Largest), (1..=500).collect::<Vec<_>>());
    assert_eq!(by(Sort::Number), sorted_by(&|n| format!("n{n}")));
    assert_eq!(by(Sort::Path), sorted_by(&|n| format!("{:05}", n * 7919 % 5003)));
    let mut seen = by(Sort::Relevance);
    seen.sort_unstable();
    assert_eq!(seen, (1..=500).collect::<Vec<_>>());
    assert!(shelf.index.search(&Request { query: "a".into(), limit: 1001, ..Request::default() }).is_err());
}

#[test]
fn an_item_of_many_parts_is_one_item() {
    let pages: Vec<_> = (1..=3000u32)
        .map(|page| {
            let text = format!(
                "page number{page} {} {}",
                "lorem ipsum dolor sit amet ".repeat(20),
                if page == 5 {
                    "요덕"
                } else if page == 2900 {
                    "회령 special"
                } else {
                    ""
                }
            );
            Block { anchor: format!("p{page}"), page: Some(page), text, continues: page % 2 == 0 }
        })
        .collect();
    let shelf = Shelf::new();
    let mut writer = shelf.writer();
    let added = writer.add(&item(1), pages.clone()).unwrap();
    assert!(added.parts >= 3, "{added:?}");
    assert_eq!(added.blocks, 3000);
    writer.add(&item(2), [block("요덕 alone")]).unwrap();
    writer.add(&item(3), [block("회령 alone")]).unwrap();
    writer.commit(1).unwrap();
    let table: &[(&str, &[&str])] = &[
        ("요덕 회령", &["n1"]),
        ("요덕 -회령", &["n2"]),
        ("요덕 OR 회령", &["n1", "n2", "n3"]),
        ("lorem", &["n1"]),
        ("-lorem", &["n2", "n3"]),
        ("number17 number2999", &["n1"]),
        ("* special", &["n1"]),
        ("NOT (요덕 회령)", &["n2", "n3"]),
    ];
    for (query, expected) in table {
        assert_eq!(shelf.found(query), numbers(expected), "{query}");
        assert_eq!(shelf.ask(query).total as usize, expected.len(), "{query}");
    }
    let answer = shelf.ask("요덕 회령");
    assert_eq!(answer.hits[0].passages.iter().map(|passage| passage.page).collect::<Vec<_>>(), [Some(5), Some(2900)]);
    assert_eq!(answer.not_searched.items, 3);
    assert_eq!(answer.facets.format.values().sum::<u64>(), 1);
    // Adding it again replaces all of it.
    writer.add(&item(1), [block("short now")]).unwrap();
    writer.commit(2).unwrap();
    assert_eq!(shelf.found("lorem"), Vec::<String>::new());
    assert_eq!(shelf.found("short"), numbers(&["n1"]));
    writer.delete_item(uuid(1));
    writer.commit(3).unwrap();
    assert_eq!(shelf.found("*"), numbers(&["n2", "n3"]));
    writer.close().unwrap();
}

#[test]
fn a_block_without_end_is_stored_in_pieces_and_found_throughout() {
    let text = (0..200_000).map(|n| format!("w{n} ")).collect::<String>();
    let shelf = Shelf::with(&[
        (item(1), vec![Block { anchor: "cell".into(), page: None, text: text.clone(), continues: false }]),
        (item(2), vec![block(&"x".repeat(100_000))]),
    ]);
    for n in [0, 1, 2047, 99_999, 150_000, 199_999] {
        let answer = shelf.ask(&format!("w{n}"));
        assert_eq!(answer.total, 1, "w{n}");
        let passage = &answer.hits[0].passages[0];
        let start = passage.start as usize;
        assert_eq!(&text[start..start + passage.text.len()], passage.text);
        assert_eq!(passage.text[passage.highlights[0].clone()], format!("w{n}"));
    }
    assert_eq!(shelf.found("\"w5000 w5001\""), numbers(&["n1"]));
    assert_eq!(shelf.found("x*"), numbers(&["n2"]));
}

#[test]
fn what_was_searched_is_said_with_all_ways() {
    let shelf = Shelf::with(&texts(&["보위부"]));
    let answer = shelf.ask("title:보위부의 OR -\"a b\"");
    assert_eq!(answer.searched.len(), 2);
    assert_eq!((answer.searched[0].characters.clone(), answer.searched[0].field.as_deref(), answer.searched[0].excluded), (0..10, Some("title"), false));
    assert!(answer.searched[0].ways.iter().any(|way| way.why == Why::Written && way.terms == ["보위부의"]));
    assert!(answer.searched[1].excluded);
    assert!(answer.searched[1].ways.iter().any(|way| way.terms == ["a", "b"]));
}

#[test]
fn an_exact_word_comes_before_a_stem_and_a_stem_before_what_lies_inside_words() {
    let filler = "그리고 다른 말이 여기에 조금 더 있다";
    let shelf = Shelf::with(&texts(&[&format!("밀영감독 {filler}"), &format!("영감 {filler}"), &format!("영감이 {filler}")]));
    let answer = shelf.ask("영감");
    let order: Vec<_> = answer.hits.iter().map(|hit| hit.number.as_str()).collect();
    assert_eq!(order[0], "n2");
    assert!(order.contains(&"n3"));
}

#[test]
fn duplicates_fold_by_digest_and_near_duplicates_by_fingerprint() {
    let long = (0..400).map(|n| format!("word{} ", n * 7919 % 1013)).collect::<String>();
    let nearly = long.replacen("word40 ", "other ", 1);
    let other = (0..400).map(|n| format!("thing{} ", n * 6007 % 1511)).collect::<String>();
    let shelf = Shelf::with(&[
        (NewItem { digest: Some([1; 32]), ..item(1) }, vec![block(&long)]),
        (NewItem { digest: Some([1; 32]), ..item(2) }, vec![block(&long)]),
        (NewItem { digest: Some([2; 32]), ..item(3) }, vec![block(&nearly)]),
        (NewItem { digest: Some([3; 32]), ..item(4) }, vec![block(&other)]),
    ]);
    let ask = |fold| shelf.index.search(&Request { query: "*".into(), fold, sort: Sort::Oldest, ..Request::default() }).unwrap();
    let answer = ask(Fold::Duplicates);
    assert_eq!((answer.total, answer.folded_total), (4, 3));
    assert_eq!(answer.hits[0].folded, [uuid(2)]);
    let answer = ask(Fold::NearDuplicates(7));
    assert_eq!((answer.total, answer.folded_total), (4, 2));
    assert_eq!(answer.hits[0].folded, [uuid(2), uuid(3)]);
    let near = shelf.index.near_duplicates(uuid(1), &Default::default(), 7).unwrap().unwrap();
    assert_eq!(near.iter().map(|(other, _)| *other).collect::<Vec<_>>(), [uuid(2), uuid(3)]);
    assert_eq!(shelf.index.more_like(uuid(1), &Default::default(), 10).unwrap().unwrap().len(), 2);
    assert_eq!(shelf.index.more_like(uuid(99), &Default::default(), 10).unwrap(), None);
}

#[test]
fn results_are_usable_while_indexing_goes_on() {
    let shelf = Shelf::new();
    let reader = shelf.reopen().unwrap();
    let mut writer = shelf.writer();
    for round in 1..=5u64 {
        for n in 0..20 {
            writer.add(&item(round * 100 + n), [block("common")]).unwrap();
        }
        assert_eq!(shelf.ask("common").total, (round - 1) * 20, "not before the commit");
        writer.commit(round).unwrap();
        assert_eq!(shelf.ask("common").total, round * 20);
        reader.refresh().unwrap();
        let answer = reader.search(&Request { query: "common".into(), ..Request::default() }).unwrap();
        assert_eq!((answer.total, answer.position), (round * 20, Some(round)), "another reader sees it too");
    }
    writer.close().unwrap();
}
