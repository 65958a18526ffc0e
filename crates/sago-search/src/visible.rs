//! What a viewer may see, and statistics over nothing else.
//!
//! A score, an order or a count that depends on documents a viewer may not see would tell of them. So every match is tested
//! against a bit set of visible documents, and BM25 takes its numbers (documents, documents with a term, mean length) from
//! that set alone ([`VisibleStatistics`]), not from the whole index.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, Term};
use uuid::Uuid;

use crate::error::SearchError;
use crate::snapshot::{Number, Snapshot, Text};

/// What a viewer may see. `None` is no restriction; an item must pass all three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Visible {
    /// The item's unit is one of these.
    pub units: Option<Vec<Uuid>>,
    /// The item's accession is one of these.
    pub accessions: Option<Vec<String>>,
    /// The item has labels, and each of them is one of these. An item without a label is not seen under this rule.
    pub labels: Option<Vec<String>>,
}

/// The documents that pass, in one snapshot.
pub(crate) struct VisibleSet {
    /// For each segment; living documents alone.
    pub bits: Vec<BitSet>,
    /// Documents (parts).
    pub docs: u64,
    /// Items, and those of them with gaps.
    pub items: u64,
    pub items_with_gaps: u64,
    /// Everything in the index is visible and nothing is deleted: then tantivy's own counts are the right ones.
    whole: bool,
    /// Tokens of each text field that was asked for.
    tokens: Mutex<HashMap<Field, u64>>,
}

impl VisibleSet {
    pub(crate) fn of(snapshot: &Snapshot, visible: &Visible) -> Result<Self, SearchError> {
        let units = visible.units.as_ref().map(|units| units.iter().map(|unit| unit.simple().to_string()).collect::<Vec<_>>());
        let rules = [(Text::Unit, units.as_ref()), (Text::Accession, visible.accessions.as_ref()), (Text::Label, visible.labels.as_ref())];
        let mut set = VisibleSet { bits: Vec::new(), docs: 0, items: 0, items_with_gaps: 0, whole: true, tokens: Mutex::default() };
        for (segment, columns) in snapshot.segments.iter().enumerate() {
            let reader = snapshot.reader(segment);
            let mut bits = BitSet::with_max_value(reader.max_doc());
            let part = columns.number(reader, Number::Part)?;
            let gaps = columns.number(reader, Number::Gaps)?;
            let mut tests = Vec::new();
            for (which, allowed) in rules {
                let Some(allowed) = allowed else { continue };
                let column = columns.text(reader, which)?;
                let mut ords = Vec::new();
                if let Some(column) = column {
                    for value in allowed {
                        if let Some(ord) = column.dictionary().term_ord(value)? {
                            ords.push(ord);
                        }
                    }
                }
                ords.sort_unstable();
                tests.push((column, ords));
            }
            for doc in reader.doc_ids_alive() {
                let seen = tests.iter().all(|(column, allowed)| {
                    let Some(column) = column else { return false };
                    let mut any = false;
                    column.term_ords(doc).all(|ord| {
                        any = true;
                        allowed.binary_search(&ord).is_ok()
                    }) && any
                });
                if seen {
                    bits.insert(doc);
                    set.docs += 1;
                    if part.first(doc) == Some(0) {
                        set.items += 1;
                        set.items_with_gaps += u64::from(gaps.first(doc) == Some(1));
                    }
                }
            }
            set.whole &= bits.len() == reader.max_doc() as usize;
            set.bits.push(bits);
        }
        Ok(set)
    }
}

/// BM25's statistics over what is visible.
pub(crate) struct VisibleStatistics<'a> {
    pub snapshot: &'a Snapshot,
    pub set: &'a VisibleSet,
    known: Mutex<HashMap<Term, u64>>,
}

impl<'a> VisibleStatistics<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, set: &'a VisibleSet) -> Self {
        VisibleStatistics { snapshot, set, known: Mutex::default() }
    }

    fn count(&self, term: &Term) -> tantivy::Result<u64> {
        let mut count = 0;
        for (segment, bits) in self.set.bits.iter().enumerate() {
            let index = self.snapshot.reader(segment).inverted_index(term.field())?;
            if self.set.whole {
                count += u64::from(index.doc_freq(term)?);
            } else if let Some(mut postings) = index.read_block_postings(term, IndexRecordOption::Basic)? {
                while !postings.docs().is_empty() {
                    count += postings.docs().iter().filter(|doc| bits.contains(**doc)).count() as u64;
                    postings.advance();
                }
            }
        }
        Ok(count)
    }

    fn lengths(&self, field: Field) -> tantivy::Result<u64> {
        let mut sum = 0;
        for (segment, bits) in self.set.bits.iter().enumerate() {
            let reader = self.snapshot.reader(segment);
            let lengths = reader.get_fieldnorms_reader(field)?;
            sum += (0..reader.max_doc()).filter(|doc| bits.contains(*doc)).map(|doc| u64::from(lengths.fieldnorm(doc))).sum::<u64>();
        }
        // A mean of zero would divide by zero; the field then has no term either.
        Ok(sum.max(1))
    }
}

impl Bm25StatisticsProvider for VisibleStatistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        if let Some(sum) = self.set.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&field) {
            return Ok(*sum);
        }
        let sum = self.lengths(field)?;
        self.set.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(field, sum);
        Ok(sum)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.set.docs)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        if let Some(count) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(term) {
            return Ok(*count);
        }
        let count = self.count(term)?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(term.clone(), count);
        Ok(count)
    }
}
