//! What matches one query and not another.
//!
//! Our own, because tantivy 0.27 excludes by `seek_danger` to documents that may lie before where the excluded scorer stands,
//! which its phrase scorer does not allow (`phrase_scorer.rs` asserts it). Here the excluded documents are a bit set.

use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED};

/// Documents of `of` that are not in `without`; scored as `of`.
#[derive(Debug)]
pub(crate) struct Except {
    pub of: Box<dyn Query>,
    pub without: Box<dyn Query>,
}

impl Clone for Except {
    fn clone(&self) -> Self {
        Except { of: self.of.box_clone(), without: self.without.box_clone() }
    }
}

impl Query for Except {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let unscored = match scoring.searcher() {
            Some(searcher) => EnableScoring::disabled_from_searcher(searcher),
            None => EnableScoring::disabled_from_schema(scoring.schema()),
        };
        Ok(Box::new(ExceptWeight { of: self.of.weight(scoring)?, without: self.without.weight(unscored)? }))
    }
}

struct ExceptWeight {
    of: Box<dyn Weight>,
    without: Box<dyn Weight>,
}

impl Weight for ExceptWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut excluded = BitSet::with_max_value(reader.max_doc());
        self.without.for_each_no_score(reader, &mut |docs| {
            for doc in docs {
                excluded.insert(*doc);
            }
        })?;
        let mut scorer = ExceptScorer { of: self.of.scorer(reader, boost)?, excluded };
        scorer.settle();
        Ok(Box::new(scorer))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.of.explain(reader, doc)
    }
}

struct ExceptScorer {
    of: Box<dyn Scorer>,
    excluded: BitSet,
}

impl ExceptScorer {
    /// Goes on to the next document that is not excluded, unless it stands on one.
    fn settle(&mut self) -> DocId {
        let mut doc = self.of.doc();
        while doc != TERMINATED && self.excluded.contains(doc) {
            doc = self.of.advance();
        }
        doc
    }
}

impl DocSet for ExceptScorer {
    fn advance(&mut self) -> DocId {
        self.of.advance();
        self.settle()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.of.seek(target);
        self.settle()
    }

    fn doc(&self) -> DocId {
        self.of.doc()
    }

    fn size_hint(&self) -> u32 {
        self.of.size_hint()
    }
}

impl Scorer for ExceptScorer {
    fn score(&mut self) -> Score {
        self.of.score()
    }
}
