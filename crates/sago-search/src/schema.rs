//! The fields of the index, and how tokens are handed to tantivy.
//!
//! The text fields hold the same text in several ways ([`Kind`]): exact words, stems or morphemes, pairs of syllables, and so
//! on. Text of a property stands in them twice: bare, so that an unnamed search finds it, and behind the name of its field.
//! Analysis happens before tantivy: it receives a list of terms with positions, so that index and query cannot differ.

use tantivy::schema::{BytesOptions, FAST, Field, INDEXED, IndexRecordOption, NumericOptions, STORED, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};

use crate::words::{Kind, Word};

/// Name of our tokenizer in the index.
const TERMS: &str = "terms-1";
/// Between a term and its position, and between terms; neither occurs in a term ([`clean`]).
const UNIT_SEPARATOR: char = '\u{1f}';
const RECORD_SEPARATOR: char = '\u{1e}';
/// Before and after the name of a field, in terms that belong to it.
const FIELD_OPEN: char = '\u{1d}';
const FIELD_CLOSE: char = '\u{1c}';

/// Handles of the fields.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub schema: Schema,
    /// By [`Kind`].
    text: [Field; Kind::ALL.len()],
    /// Terms for deletion.
    pub item: Field,
    pub unit_id: Field,
    /// 1 for every part of an item with more than one part.
    pub many: Field,
    pub item_high: Field,
    pub item_low: Field,
    pub part: Field,
    pub unit: Field,
    pub accession: Field,
    pub number: Field,
    pub format: Field,
    pub language: Field,
    pub label: Field,
    pub path: Field,
    pub received: Field,
    pub pages: Field,
    pub size: Field,
    pub gaps: Field,
    pub digest_high: Field,
    pub digest_low: Field,
    pub fingerprint: Field,
    pub stored: Field,
}

impl Fields {
    pub(crate) fn new() -> Self {
        let mut builder = Schema::builder();
        let column = || NumericOptions::default().set_fast();
        let text = Kind::ALL.map(|kind| {
            let recorded = if kind == Kind::Pair { IndexRecordOption::WithFreqs } else { IndexRecordOption::WithFreqsAndPositions };
            let indexing = TextFieldIndexing::default().set_tokenizer(TERMS).set_index_option(recorded).set_fieldnorms(true);
            builder.add_text_field(kind.name(), TextOptions::default().set_indexing_options(indexing))
        });
        let item = builder.add_bytes_field("item", BytesOptions::default().set_indexed());
        let unit_id = builder.add_bytes_field("unit_id", BytesOptions::default().set_indexed());
        let many = builder.add_u64_field("many", INDEXED);
        let item_high = builder.add_u64_field("item_high", column());
        let item_low = builder.add_u64_field("item_low", column());
        let part = builder.add_u64_field("part", column());
        let unit = builder.add_text_field("unit", STRING | FAST);
        let accession = builder.add_text_field("accession", STRING | FAST);
        let number = builder.add_text_field("number", STRING | FAST);
        let format = builder.add_text_field("format", STRING | FAST);
        let language = builder.add_text_field("language", STRING | FAST);
        let label = builder.add_text_field("label", STRING | FAST);
        let path = builder.add_text_field("path", STRING | FAST);
        let received = builder.add_i64_field("received", column());
        let pages = builder.add_u64_field("pages", column());
        let size = builder.add_u64_field("size", column());
        let gaps = builder.add_u64_field("gaps", column());
        let digest_high = builder.add_u64_field("digest_high", column());
        let digest_low = builder.add_u64_field("digest_low", column());
        let fingerprint = builder.add_u64_field("fingerprint", column());
        let stored = builder.add_bytes_field("stored", STORED);
        let schema = builder.build();
        Fields {
            schema,
            text,
            item,
            unit_id,
            many,
            item_high,
            item_low,
            part,
            unit,
            accession,
            number,
            format,
            language,
            label,
            path,
            received,
            pages,
            size,
            gaps,
            digest_high,
            digest_low,
            fingerprint,
            stored,
        }
    }

    /// The text field of a kind.
    pub(crate) fn text(&self, kind: Kind) -> Field {
        self.text[kind as usize]
    }
}

/// Tokenizers under the names that the schema uses.
pub(crate) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(TERMS, Terms::default());
    manager
}

/// A term without the characters that separate terms.
pub(crate) fn clean(term: &str) -> String {
    term.chars().map(|c| if matches!(c, FIELD_CLOSE..=UNIT_SEPARATOR) { '\u{fffd}' } else { c }).collect()
}

/// The term of `word` in the text field `field` (or of all text together).
pub(crate) fn term_text(field: Option<&str>, word: &str) -> String {
    match field {
        None => clean(word),
        Some(field) => format!("{FIELD_OPEN}{field}{FIELD_CLOSE}{}", clean(word)),
    }
}

/// Terms with their positions, as one text that [`Terms`] takes apart again.
#[derive(Default)]
pub(crate) struct TermList {
    text: String,
}

impl TermList {
    /// Adds words; their positions begin at `base`. Gives the position after the last.
    pub(crate) fn add(&mut self, field: Option<&str>, words: &[Word], base: u32) -> u32 {
        use std::fmt::Write;
        let mut end = base;
        for word in words {
            let position = base.saturating_add(word.position);
            end = end.max(position.saturating_add(1));
            self.text.push_str(&term_text(field, &word.text));
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{UNIT_SEPARATOR}{position}{RECORD_SEPARATOR}");
        }
        end
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// Takes a [`TermList`] apart.
#[derive(Clone, Default)]
struct Terms {
    token: Token,
}

struct TermStream<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for Terms {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        self.token.reset();
        TermStream { rest: text, token: &mut self.token }
    }
}

impl TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        let Some((record, rest)) = self.rest.split_once(RECORD_SEPARATOR) else { return false };
        let Some((term, position)) = record.split_once(UNIT_SEPARATOR) else { return false };
        self.rest = rest;
        self.token.text.clear();
        self.token.text.push_str(term);
        // Written by `TermList::add` alone.
        self.token.position = position.parse().unwrap_or(0);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
