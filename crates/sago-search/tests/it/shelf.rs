//! An index in a temporary folder, and items to put into it.

use std::path::Path;

use sago_search::{Answer, Block, Index, IndexKey, IndexOptions, NewItem, Request, SearchError, Writer, WriterOptions};
use tempfile::TempDir;
use uuid::Uuid;

pub struct Shelf {
    pub folder: TempDir,
    pub index: Index,
}

pub fn key() -> IndexKey {
    IndexKey::from_bytes(&[7; 32])
}

impl Shelf {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let index = Index::create(folder.path(), &key(), IndexOptions::default()).unwrap();
        Shelf { folder, index }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn with(items: &[(NewItem, Vec<Block>)]) -> Self {
        let shelf = Shelf::new();
        let mut writer = shelf.writer();
        for (item, blocks) in items {
            writer.add(item, blocks.clone()).unwrap();
        }
        writer.commit(items.len() as u64).unwrap();
        writer.close().unwrap();
        shelf
    }

    pub fn writer(&self) -> Writer {
        self.index.writer(WriterOptions { memory_bytes: 15_000_000, threads: 1 }).unwrap()
    }

    pub fn reopen(&self) -> Result<Index, SearchError> {
        Index::open(self.path(), &key(), IndexOptions::default())
    }

    pub fn ask(&self, query: &str) -> Answer {
        self.index.search(&Request { query: query.into(), limit: 100, ..Request::default() }).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Numbers of the items found, sorted.
    pub fn found(&self, query: &str) -> Vec<String> {
        let mut found: Vec<String> = self.ask(query).hits.into_iter().map(|hit| hit.number).collect();
        found.sort();
        found
    }
}

pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | number)
}

pub fn item(number: u64) -> NewItem {
    NewItem {
        item: uuid(number),
        unit: uuid(1_000_000 + number % 3),
        accession: format!("2024-{:03}", number % 4),
        number: format!("n{number}"),
        format: if number.is_multiple_of(2) { "pdf".into() } else { "hwp".into() },
        language: (!number.is_multiple_of(3)).then(|| "ko".to_owned()),
        labels: vec![if number.is_multiple_of(5) { "sealed".into() } else { "team".into() }],
        received_micros: 1_700_000_000_000_000 + number as i64 * 86_400_000_000,
        pages: Some(number),
        size_bytes: 1000_u64.saturating_sub(number),
        has_gaps: number.is_multiple_of(7),
        ..NewItem::default()
    }
}

pub fn block(text: &str) -> Block {
    Block { anchor: "{\"paragraph\":1}".into(), page: Some(1), text: text.into(), continues: false }
}

/// Items n1, n2, … with one block of text each.
pub fn texts(texts: &[&str]) -> Vec<(NewItem, Vec<Block>)> {
    texts.iter().enumerate().map(|(i, text)| (item(i as u64 + 1), vec![block(text)])).collect()
}
