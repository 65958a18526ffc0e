//! The index as it is at one moment, with what is kept in memory of it: columns, and the items of several parts.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use lru::LruCache;
use tantivy::columnar::{Column, StrColumn};
use tantivy::index::SegmentId;
use tantivy::schema::{IndexRecordOption, Value};
use tantivy::{BitSet, DocAddress, DocSet, Searcher, SegmentReader, TERMINATED, TantivyDocument, Term};
use uuid::Uuid;

use crate::error::SearchError;
use crate::schema::Fields;
use crate::stored::StoredPart;
use crate::visible::{Visible, VisibleSet};

/// Visible sets that are kept for one snapshot.
const KEPT_VISIBLE_SETS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

pub(crate) struct Snapshot {
    pub searcher: Searcher,
    pub segments: Vec<Arc<Columns>>,
    /// Items of more than one part.
    pub many: Many,
    /// Of the commit that is seen, or of one before it.
    pub position: Option<u64>,
    visible: Mutex<LruCache<Visible, Arc<VisibleSet>>>,
}

/// Items of more than one part, which tantivy knows as documents of their own.
#[derive(Default)]
pub(crate) struct Many {
    /// Parts of each item, in order.
    pub items: Vec<Vec<DocAddress>>,
    /// For each segment, the living parts, and which item each belongs to.
    pub docs: Vec<BitSet>,
    pub item_of: HashMap<DocAddress, usize>,
}

impl Snapshot {
    pub(crate) fn of(searcher: Searcher, fields: &Fields, before: Option<&Snapshot>, position: Option<u64>) -> Result<Self, SearchError> {
        // Columns of a segment never change: those of the snapshot before are taken over.
        let known: HashMap<SegmentId, &Arc<Columns>> = before.iter().flat_map(|before| &before.segments).map(|columns| (columns.id, columns)).collect();
        let segments: Vec<Arc<Columns>> = searcher
            .segment_readers()
            .iter()
            .map(|reader| known.get(&reader.segment_id()).map_or_else(|| Arc::new(Columns::of(reader)), |columns| Arc::clone(columns)))
            .collect();
        let many = Many::of(&searcher, &segments, fields)?;
        Ok(Snapshot { searcher, segments, many, position, visible: Mutex::new(LruCache::new(KEPT_VISIBLE_SETS)) })
    }

    /// Which documents a viewer may see.
    pub(crate) fn visible(&self, visible: &Visible) -> Result<Arc<VisibleSet>, SearchError> {
        if let Some(set) = self.visible.lock().unwrap_or_else(PoisonError::into_inner).get(visible) {
            return Ok(Arc::clone(set));
        }
        let set = Arc::new(VisibleSet::of(self, visible)?);
        self.visible.lock().unwrap_or_else(PoisonError::into_inner).put(visible.clone(), Arc::clone(&set));
        Ok(set)
    }

    pub(crate) fn reader(&self, segment: usize) -> &SegmentReader {
        self.searcher.segment_reader(segment as u32)
    }

    /// What is kept of a document.
    pub(crate) fn stored(&self, fields: &Fields, at: DocAddress) -> Result<StoredPart, SearchError> {
        let doc: TantivyDocument = self.searcher.doc(at)?;
        let bytes =
            doc.get_first(fields.stored).and_then(|value| value.as_bytes()).ok_or_else(|| SearchError::Damaged("a document without its text".into()))?;
        StoredPart::decode(bytes)
    }

    /// Item of a document.
    pub(crate) fn item(&self, at: DocAddress) -> Result<Uuid, SearchError> {
        let columns = &self.segments[at.segment_ord as usize];
        let reader = self.reader(at.segment_ord as usize);
        let high = columns.number(reader, Number::ItemHigh)?.first(at.doc_id).unwrap_or(0);
        let low = columns.number(reader, Number::ItemLow)?.first(at.doc_id).unwrap_or(0);
        Ok(Uuid::from_u64_pair(high, low))
    }

    /// Living documents of an item, in the order of its parts.
    pub(crate) fn documents_of(&self, fields: &Fields, item: Uuid) -> Result<Vec<DocAddress>, SearchError> {
        let term = Term::from_field_bytes(fields.item, item.as_bytes());
        let mut found = Vec::new();
        for (segment, reader) in self.searcher.segment_readers().iter().enumerate() {
            for doc in documents(reader, &term)? {
                let part = self.segments[segment].number(reader, Number::Part)?.first(doc).unwrap_or(0);
                found.push((part, DocAddress::new(segment as u32, doc)));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, at)| at).collect())
    }
}

/// Living documents with a term.
fn documents(reader: &SegmentReader, term: &Term) -> Result<Vec<u32>, SearchError> {
    let mut found = Vec::new();
    if let Some(mut postings) = reader.inverted_index(term.field())?.read_postings(term, IndexRecordOption::Basic)? {
        let mut doc = postings.doc();
        while doc != TERMINATED {
            if !reader.is_deleted(doc) {
                found.push(doc);
            }
            doc = postings.advance();
        }
    }
    Ok(found)
}

impl Many {
    fn of(searcher: &Searcher, segments: &[Arc<Columns>], fields: &Fields) -> Result<Self, SearchError> {
        let mut docs = Vec::new();
        let mut parts: BTreeMap<(u64, u64), Vec<(u64, DocAddress)>> = BTreeMap::new();
        for (segment, reader) in searcher.segment_readers().iter().enumerate() {
            let mut bits = BitSet::with_max_value(reader.max_doc());
            let found = documents(reader, &Term::from_field_u64(fields.many, 1))?;
            if !found.is_empty() {
                let columns = &segments[segment];
                let (high, low, part) =
                    (columns.number(reader, Number::ItemHigh)?, columns.number(reader, Number::ItemLow)?, columns.number(reader, Number::Part)?);
                for doc in found {
                    bits.insert(doc);
                    let item = (high.first(doc).unwrap_or(0), low.first(doc).unwrap_or(0));
                    parts.entry(item).or_default().push((part.first(doc).unwrap_or(0), DocAddress::new(segment as u32, doc)));
                }
            }
            docs.push(bits);
        }
        let mut many = Many { docs, ..Many::default() };
        for (_, mut parts) in parts {
            parts.sort();
            for (_, at) in &parts {
                many.item_of.insert(*at, many.items.len());
            }
            many.items.push(parts.into_iter().map(|(_, at)| at).collect());
        }
        Ok(many)
    }
}

/// A column of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    ItemHigh,
    ItemLow,
    Part,
    Pages,
    Size,
    Gaps,
    DigestHigh,
    DigestLow,
    Fingerprint,
}

const NUMBERS: [&str; 9] = ["item_high", "item_low", "part", "pages", "size", "gaps", "digest_high", "digest_low", "fingerprint"];

/// A column of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Unit,
    Accession,
    Number,
    Format,
    Language,
    Label,
    Path,
}

const TEXTS: [&str; 7] = ["unit", "accession", "number", "format", "language", "label", "path"];

/// The columns of one segment, each decrypted when it is first used and then kept.
pub(crate) struct Columns {
    pub id: SegmentId,
    numbers: [OnceLock<Column<u64>>; NUMBERS.len()],
    received: OnceLock<Column<i64>>,
    texts: [OnceLock<Option<StrColumn>>; TEXTS.len()],
}

impl Columns {
    fn of(reader: &SegmentReader) -> Self {
        Columns { id: reader.segment_id(), numbers: Default::default(), received: OnceLock::new(), texts: Default::default() }
    }

    pub(crate) fn number(&self, reader: &SegmentReader, which: Number) -> Result<&Column<u64>, SearchError> {
        let place = &self.numbers[which as usize];
        if let Some(column) = place.get() {
            return Ok(column);
        }
        // A segment in which no document has a value has no column.
        let read = reader.fast_fields().column_opt::<u64>(NUMBERS[which as usize])?.unwrap_or_else(|| Column::build_empty_column(reader.max_doc()));
        Ok(place.get_or_init(|| read))
    }

    pub(crate) fn received(&self, reader: &SegmentReader) -> Result<&Column<i64>, SearchError> {
        if let Some(column) = self.received.get() {
            return Ok(column);
        }
        let read = reader.fast_fields().column_opt::<i64>("received")?.unwrap_or_else(|| Column::build_empty_column(reader.max_doc()));
        Ok(self.received.get_or_init(|| read))
    }

    /// `None` when no document of the segment has a value.
    pub(crate) fn text(&self, reader: &SegmentReader, which: Text) -> Result<Option<&StrColumn>, SearchError> {
        let place = &self.texts[which as usize];
        if let Some(column) = place.get() {
            return Ok(column.as_ref());
        }
        let read = reader.fast_fields().str(TEXTS[which as usize])?;
        Ok(place.get_or_init(|| read).as_ref())
    }
}
