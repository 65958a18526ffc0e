//! What is like an item: by its weightiest words, and by its fingerprint.

use std::collections::HashMap;

use tantivy::query::{Bm25StatisticsProvider, BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{IndexRecordOption, Term};
use uuid::Uuid;

use crate::answer::{Match, find};
use crate::error::SearchError;
use crate::fingerprint::distance;
use crate::fold::MAX_DISTANCE;
use crate::index::Index;
use crate::query::plan::{Leaf, Marks, Node, Plan};
use crate::schema::term_text;
use crate::snapshot::Number;
use crate::visible::{Visible, VisibleStatistics};
use crate::words::{Kind, analyse};

/// Words of an item that are compared.
const COMPARED_WORDS: usize = 24;
/// Bytes of an item's text from which they are taken.
const COMPARED_BYTES: usize = 64 * 1024;

impl Index {
    /// Items like this one, the most like first, with their scores; the item itself is not among them. `None` if the viewer
    /// may not see the item, or it is not in the index.
    pub fn more_like(&self, item: Uuid, visible: &Visible, limit: usize) -> Result<Option<Vec<(Uuid, f32)>>, SearchError> {
        let snapshot = self.snapshot();
        let set = snapshot.visible(visible)?;
        let fields = &self.0.fields;
        let documents = snapshot.documents_of(fields, item)?;
        let Some(first) = documents.first().filter(|at| set.bits[at.segment_ord as usize].contains(at.doc_id)) else { return Ok(None) };
        let statistics = VisibleStatistics::new(&snapshot, &set);
        let mut counts: HashMap<String, u32> = HashMap::new();
        let mut bytes = 0;
        for block in snapshot.stored(fields, *first)?.blocks {
            if bytes < COMPARED_BYTES {
                bytes += block.text.len();
                for word in analyse(&block.text).of(Kind::Stem).iter().filter(|word| word.text.chars().count() > 1) {
                    *counts.entry(word.text.clone()).or_insert(0) += 1;
                }
            }
        }
        let mut weighed = Vec::new();
        for (word, count) in counts {
            let term = Term::from_field_text(fields.text(Kind::Stem), &term_text(None, &word));
            let with = statistics.doc_freq(&term)?;
            let rarity = (1.0 + (set.docs - with) as f32 / (with as f32 + 0.5)).ln();
            // A word of this item alone leads nowhere.
            if with > 1 {
                weighed.push((count as f32 / (count as f32 + 1.2) * rarity, word, term));
            }
        }
        weighed.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        weighed.truncate(COMPARED_WORDS);
        let clauses = weighed.into_iter().map(|(weight, _, term)| -> (Occur, Box<dyn Query>) {
            (Occur::Should, Box::new(BoostQuery::new(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)), weight)))
        });
        let leaf = Leaf { query: Box::new(BooleanQuery::new(clauses.collect())), field: None, marks: Marks::Nowhere, shown: false };
        let plan = Plan { root: Node::Leaf(0), leaves: vec![leaf], searched: Vec::new() };
        let mut found = find(&snapshot, &set, &plan, true)?
            .into_iter()
            .map(|Match { at, score }| Ok((snapshot.item(at)?, score)))
            .collect::<Result<Vec<_>, SearchError>>()?;
        found.retain(|(other, _)| *other != item);
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(limit);
        Ok(Some(found))
    }

    /// Items whose text is nearly that of this one, the nearest first, with the bits in which the fingerprints differ (at most
    /// `within`, at most [`MAX_DISTANCE`]). `None` if the viewer may not see the item; an item of a few words has none.
    pub fn near_duplicates(&self, item: Uuid, visible: &Visible, within: u32) -> Result<Option<Vec<(Uuid, u32)>>, SearchError> {
        let snapshot = self.snapshot();
        let set = snapshot.visible(visible)?;
        let documents = snapshot.documents_of(&self.0.fields, item)?;
        let Some(first) = documents.first().filter(|at| set.bits[at.segment_ord as usize].contains(at.doc_id)) else { return Ok(None) };
        let segment = first.segment_ord as usize;
        let Some(print) = snapshot.segments[segment].number(snapshot.reader(segment), Number::Fingerprint)?.first(first.doc_id) else {
            return Ok(Some(Vec::new()));
        };
        let mut near = Vec::new();
        for (segment, columns) in snapshot.segments.iter().enumerate() {
            let reader = snapshot.reader(segment);
            let prints = columns.number(reader, Number::Fingerprint)?;
            for doc in (0..reader.max_doc()).filter(|doc| set.bits[segment].contains(*doc)) {
                let Some(bits) = prints.first(doc).map(|other| distance(print, other)).filter(|bits| *bits <= within.min(MAX_DISTANCE)) else { continue };
                let other = snapshot.item(tantivy::DocAddress::new(segment as u32, doc))?;
                if other != item {
                    near.push((bits, other));
                }
            }
        }
        near.sort_unstable();
        Ok(Some(near.into_iter().map(|(bits, other)| (other, bits)).collect()))
    }
}
