//! The index against a searcher that looks through every text.

use proptest::prelude::*;
use sago_search::{Block, NewItem};

use crate::shelf::{Shelf, block, item};

/// A query whose meaning is plain.
#[derive(Clone, Debug)]
enum Asked {
    Word(&'static str),
    Phrase(Vec<&'static str>),
    And(Vec<Asked>),
    Or(Vec<Asked>),
    Not(Box<Asked>),
}

// Words without stems or sounds in common.
const WORDS: [&str; 6] = ["alpha7", "beta8", "gamma9", "1111", "2222", "3333"];

fn asked() -> impl Strategy<Value = Asked> {
    let word = proptest::sample::select(&WORDS[..]);
    let leaf = prop_oneof![word.clone().prop_map(Asked::Word), proptest::collection::vec(word, 2..4).prop_map(Asked::Phrase)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Asked::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Asked::Or),
            inner.prop_map(|part| Asked::Not(Box::new(part))),
        ]
    })
}

fn written(asked: &Asked) -> String {
    let list = |parts: &[Asked], between: &str| format!("({})", parts.iter().map(written).collect::<Vec<_>>().join(between));
    match asked {
        // Written with = : the words are made so that stems would not matter, digits and letters are split alike.
        Asked::Word(word) => format!("=\"{word}\""),
        Asked::Phrase(words) => format!("=\"{}\"", words.join(" ")),
        Asked::And(parts) => list(parts, " "),
        Asked::Or(parts) => list(parts, " OR "),
        Asked::Not(part) => format!("NOT {}", written(part)),
    }
}

/// Whether an item answers: `pages` are pieces of text that no phrase crosses.
fn answers(asked: &Asked, pages: &[Vec<&str>]) -> bool {
    match asked {
        Asked::Word(word) => pages.iter().any(|page| page.contains(word)),
        Asked::Phrase(words) => pages.iter().any(|page| page.windows(words.len()).any(|window| window == words)),
        Asked::And(parts) => parts.iter().all(|part| answers(part, pages)),
        Asked::Or(parts) => parts.iter().any(|part| answers(part, pages)),
        Asked::Not(part) => !answers(part, pages),
    }
}

type Pages = Vec<Vec<&'static str>>;

fn pages() -> impl Strategy<Value = Pages> {
    proptest::collection::vec(proptest::collection::vec(proptest::sample::select(&WORDS[..]), 0..6), 1..4)
}

fn as_item(number: u64, pages: &Pages, large: bool) -> (NewItem, Vec<Block>) {
    let mut blocks: Vec<Block> = Vec::new();
    for page in pages {
        blocks.push(block(&page.join(" ")));
        if large {
            // Pushes the next page into the next part.
            blocks.push(block(&"filler ".repeat(sago_search::PART_BYTES / 7)));
        }
    }
    (item(number), blocks)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_boolean_query_finds_what_looking_through_finds(
        items in proptest::collection::vec(pages(), 1..40),
        large in pages(),
        queries in proptest::collection::vec(asked(), 20),
        deleted in proptest::collection::vec(0usize..40, 0..5),
        commits in 1usize..4,
    ) {
        let shelf = Shelf::new();
        let mut writer = shelf.writer();
        let mut all: Vec<(u64, &Pages)> = items.iter().enumerate().map(|(n, pages)| (n as u64, pages)).collect();
        all.push((1000, &large));
        let step = all.len().div_ceil(commits);
        for (round, some) in all.chunks(step).enumerate() {
            for (n, pages) in some {
                let (item, blocks) = as_item(*n, pages, *n == 1000);
                writer.add(&item, blocks).unwrap();
            }
            writer.commit(round as u64).unwrap();
        }
        for n in &deleted {
            writer.delete_item(item(*n as u64).item);
        }
        writer.commit(99).unwrap();
        writer.close().unwrap();
        all.retain(|(n, _)| !deleted.contains(&(*n as usize)));
        for asked in &queries {
            let query = written(asked);
            let mut expected: Vec<String> = all.iter().filter(|(_, pages)| answers(asked, pages)).map(|(n, _)| format!("n{n}")).collect();
            expected.sort();
            prop_assert_eq!(shelf.ask(&query).total as usize, expected.len(), "{}", &query);
            prop_assert_eq!(shelf.found(&query), expected, "{}", &query);
        }
    }
}
