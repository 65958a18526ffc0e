//! Writing: add, replace, delete, commit, destroy a unit.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tantivy::indexer::IndexWriterOptions;
use tantivy::schema::document::Document;
use tantivy::schema::{Field, Term};
use tantivy::{IndexWriter, TantivyDocument};
use uuid::Uuid;

use crate::document::{Added, BLOCK_BYTES, BLOCK_GAP, Block, NewItem, PART_BYTES};
use crate::error::SearchError;
use crate::fingerprint::Fingerprinter;
use crate::index::Index;
use crate::query::TEXT_FIELDS;
use crate::schema::TermList;
use crate::stored::{StoredBlock, StoredPart};
use crate::words::{self, Kind};

/// Bytes of documents that wait for tantivy's threads at any time.
const WAITING_BYTES: usize = 32 * 1024 * 1024;

/// The one writer of an index. What was added is found after [`Writer::commit`].
pub struct Writer {
    index: Index,
    writer: IndexWriter<Waiting>,
    waiting: Arc<Budget>,
    position: Option<u64>,
}

/// Settings of a writer.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// Memory of each thread before it writes a segment, in bytes; at least 15,000,000.
    pub memory_bytes: usize,
    /// Threads that build segments, 1 to 8.
    pub threads: usize,
}

impl Default for WriterOptions {
    fn default() -> Self {
        WriterOptions { memory_bytes: 128 * 1024 * 1024, threads: 1 }
    }
}

impl Writer {
    pub(crate) fn open(index: &Index, options: WriterOptions) -> Result<Self, SearchError> {
        let built =
            IndexWriterOptions::builder().memory_budget_per_thread(options.memory_bytes).num_worker_threads(options.threads).num_merge_threads(1).build();
        let writer: IndexWriter<Waiting> = index.0.tantivy.writer_with_options(built)?;
        // What a crash left: segment files that no commit names. Their names must be free again.
        writer.garbage_collect_files().wait()?;
        let position = index.position()?;
        Ok(Writer { index: index.clone(), writer, waiting: Arc::new(Budget::default()), position })
    }

    /// Adds an item with its text, or replaces it.
    ///
    /// `blocks` are taken one by one: an item of any size needs memory for one part of it.
    pub fn add(&mut self, item: &NewItem, blocks: impl IntoIterator<Item = Block>) -> Result<Added, SearchError> {
        self.delete_item(item.item);
        let mut added = Added::default();
        let mut part = Part::new(item, 0);
        part.add_properties(item);
        for block in blocks {
            if block.text.is_empty() {
                continue;
            }
            added.blocks += 1;
            added.text_bytes += block.text.len() as u64;
            for (offset, text) in pieces(&block.text) {
                // A part ends where the text pauses, or at twice its size.
                let full = part.text_bytes + text.len() > PART_BYTES;
                if full && (!(block.continues || offset > 0) || part.text_bytes + text.len() > 2 * PART_BYTES) {
                    let number = part.stored.part;
                    self.put(item, std::mem::replace(&mut part, Part::new(item, number + 1)), true)?;
                }
                let stored = StoredBlock {
                    anchor: block.anchor.clone(),
                    page: block.page,
                    offset: offset as u64,
                    property: None,
                    text: text.to_owned(),
                    at: [0; Kind::ALL.len()],
                };
                part.add_text(stored, block.continues || offset > 0);
            }
        }
        added.parts = part.stored.part + 1;
        let many = part.stored.part > 0;
        self.put(item, part, many)?;
        Ok(added)
    }

    /// Removes an item. Its bytes stay in the sealed segments until they are merged; see [`Writer::destroy_unit`].
    pub fn delete_item(&mut self, item: Uuid) {
        self.writer.delete_term(Term::from_field_bytes(self.index.0.fields.item, item.as_bytes()));
    }

    /// Removes all items of a unit from what is found.
    pub fn delete_unit(&mut self, unit: Uuid) {
        self.writer.delete_term(Term::from_field_bytes(self.index.0.fields.unit_id, unit.as_bytes()));
    }

    /// Makes everything so far durable and findable. `position` is the caller's: up to where it had read its log.
    ///
    /// *If we crash before this line returns, the index is as after the last commit, with that commit's position.*
    pub fn commit(&mut self, position: u64) -> Result<(), SearchError> {
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&position.to_string());
        prepared.commit()?;
        self.position = Some(position);
        self.index.refresh()
    }

    /// Where the last commit stood.
    pub fn position(&self) -> Option<u64> {
        self.position
    }

    /// Removes all items of a unit and rewrites every segment that held deleted documents, so that no byte of them stays in
    /// any file. Also commits everything added so far, at `position`.
    ///
    /// Idempotent: after a crash, call it again.
    pub fn destroy_unit(&mut self, unit: Uuid, position: u64) -> Result<(), SearchError> {
        self.delete_unit(unit);
        self.commit(position)?;
        self.rewrite()?;
        // Readers let go of the old segments, and of what was decrypted of them.
        self.index.refresh()?;
        self.writer.garbage_collect_files().wait()?;
        self.index.0.directory.forget_decrypted();
        Ok(())
    }

    /// Merges segments that hold deleted documents until none does.
    fn rewrite(&mut self) -> Result<(), SearchError> {
        // A merge of the policy's own may be running over the same segments; each round either ends one or waits for one.
        for _ in 0..REWRITE_ROUNDS {
            let stale: Vec<_> = self.index.0.tantivy.searchable_segment_metas()?.into_iter().filter(tantivy::SegmentMeta::has_deletes).collect();
            if stale.is_empty() {
                return Ok(());
            }
            for meta in stale {
                // An error here means that another merge has taken the segment; the next round sees what became of it.
                if self.writer.merge(&[meta.id()]).wait().is_err() {
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
        Err(SearchError::Internal("segments with destroyed items could not be rewritten".into()))
    }

    /// Waits until merges that are under way have ended, and closes.
    pub fn close(self) -> Result<(), SearchError> {
        let Writer { index, writer, .. } = self;
        writer.wait_merging_threads()?;
        index.refresh()
    }

    fn put(&mut self, item: &NewItem, part: Part, many: bool) -> Result<(), SearchError> {
        let fields = &self.index.0.fields;
        let mut doc = TantivyDocument::new();
        let (high, low) = item.item.as_u64_pair();
        doc.add_bytes(fields.item, item.item.as_bytes());
        doc.add_bytes(fields.unit_id, item.unit.as_bytes());
        doc.add_u64(fields.many, u64::from(many));
        doc.add_u64(fields.item_high, high);
        doc.add_u64(fields.item_low, low);
        doc.add_u64(fields.part, part.stored.part);
        doc.add_text(fields.unit, item.unit.simple().to_string());
        add_keyword(&mut doc, fields.accession, &item.accession);
        add_keyword(&mut doc, fields.number, &item.number);
        add_keyword(&mut doc, fields.format, &item.format);
        add_keyword(&mut doc, fields.language, item.language.as_deref().unwrap_or_default());
        add_keyword(&mut doc, fields.path, &item.path);
        for label in &item.labels {
            add_keyword(&mut doc, fields.label, label);
        }
        doc.add_i64(fields.received, item.received_micros);
        if let Some(pages) = item.pages {
            doc.add_u64(fields.pages, pages);
        }
        doc.add_u64(fields.size, item.size_bytes);
        doc.add_u64(fields.gaps, u64::from(item.has_gaps));
        if let Some(digest) = item.digest {
            let (high, low) = Uuid::from_slice(&digest[..16]).map_err(|error| SearchError::Internal(error.to_string()))?.as_u64_pair();
            doc.add_u64(fields.digest_high, high);
            doc.add_u64(fields.digest_low, low);
        }
        // An item is compared by its first part.
        if part.stored.part == 0
            && let Some(fingerprint) = part.fingerprinter.finish()
        {
            doc.add_u64(fields.fingerprint, fingerprint);
        }
        doc.add_bytes(fields.stored, &part.stored.encode()?);
        let mut bytes = part.stored_bytes;
        for (kind, list) in Kind::ALL.into_iter().zip(part.lists) {
            if !list.is_empty() {
                let text = list.into_text();
                bytes += text.len();
                doc.add_text(fields.text(kind), text);
            }
        }
        let permit = self.waiting.take(bytes);
        self.writer.add_document(Waiting { doc, _permit: permit })?;
        Ok(())
    }
}

/// Rounds of [`Writer::rewrite`], each of which rewrites every stale segment: far more than any run of merges needs.
const REWRITE_ROUNDS: u32 = 200;

/// tantivy's limit for one value of a keyword is 65,530 bytes, beyond which it would leave it out.
const KEYWORD_BYTES: usize = 4096;

fn add_keyword(doc: &mut TantivyDocument, field: Field, value: &str) {
    if !value.is_empty() {
        doc.add_text(field, crate::schema::clean(&value[..value.floor_char_boundary(KEYWORD_BYTES)]));
    }
}

/// Cuts a block into pieces of at most [`BLOCK_BYTES`], between words where there are any.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        if rest.is_empty() {
            return None;
        }
        let mut size = rest.floor_char_boundary(BLOCK_BYTES);
        if size < rest.len()
            && let Some(space) = rest[..size].rfind(char::is_whitespace).filter(|space| *space > 0)
        {
            size = space;
        }
        let piece = (at, &rest[..size]);
        at += size;
        Some(piece)
    })
}

/// A part that is being put together.
struct Part {
    stored: StoredPart,
    /// By [`Kind`], as `next`, the first free position of each.
    lists: [TermList; Kind::ALL.len()],
    next: [u32; Kind::ALL.len()],
    fingerprinter: Fingerprinter,
    text_bytes: usize,
    stored_bytes: usize,
}

impl Part {
    fn new(item: &NewItem, part: u64) -> Self {
        let stored = StoredPart {
            item: item.item,
            unit: item.unit,
            accession: item.accession.clone(),
            number: item.number.clone(),
            format: item.format.clone(),
            language: item.language.clone(),
            title: item.title.clone(),
            path: item.path.clone(),
            received_micros: item.received_micros,
            pages: item.pages,
            size_bytes: item.size_bytes,
            has_gaps: item.has_gaps,
            part,
            blocks: Vec::new(),
        };
        Part { stored, lists: Default::default(), next: [0; Kind::ALL.len()], fingerprinter: Fingerprinter::default(), text_bytes: 0, stored_bytes: 4096 }
    }

    fn add_properties(&mut self, item: &NewItem) {
        let title_and_path = [("title", item.title.as_str()), ("path", item.path.as_str()), ("item", item.number.as_str())];
        let properties = item.properties.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in title_and_path.into_iter().chain(properties) {
            for (offset, text) in pieces(value) {
                let stored = StoredBlock {
                    anchor: String::new(),
                    page: None,
                    offset: offset as u64,
                    property: Some(name.to_owned()),
                    text: text.to_owned(),
                    at: [0; Kind::ALL.len()],
                };
                self.add_text(stored, offset > 0);
            }
        }
    }

    fn add_text(&mut self, mut block: StoredBlock, continues: bool) {
        let words = words::analyse(&block.text);
        let field = block.property.as_deref().filter(|name| TEXT_FIELDS.contains(name));
        for kind in Kind::ALL {
            let i = kind as usize;
            let base = self.next[i].saturating_add(if continues { 0 } else { BLOCK_GAP });
            block.at[i] = base;
            self.next[i] = self.lists[i].add(None, words.of(kind), base);
            if field.is_some() {
                self.lists[i].add(field, words.of(kind), base);
            }
        }
        if block.property.is_none() {
            words.of(Kind::Exact).iter().for_each(|word| self.fingerprinter.word(&word.text));
        }
        self.text_bytes += block.text.len();
        self.stored_bytes += block.text.len() + block.anchor.len();
        self.stored.blocks.push(block);
    }
}

/// How long a document waits while no other leaves the queue. Then either a segment is being written very slowly, or tantivy's
/// thread has died, which the next call reports.
const MAX_WAIT_SECONDS: u32 = 120;

/// Bounds the documents that wait in tantivy's queue, which counts documents and not bytes.
#[derive(Default)]
struct Budget {
    waiting: Mutex<usize>,
    freed: Condvar,
}

impl Budget {
    /// Waits for room. A document larger than all the room goes alone.
    fn take(self: &Arc<Self>, bytes: usize) -> Permit {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seconds = 0;
        while *waiting > 0 && *waiting + bytes > WAITING_BYTES && seconds < MAX_WAIT_SECONDS {
            let (now, timed_out) = self.freed.wait_timeout(waiting, Duration::from_secs(1)).unwrap_or_else(PoisonError::into_inner);
            seconds = if timed_out.timed_out() { seconds + 1 } else { 0 };
            waiting = now;
        }
        *waiting += bytes;
        Permit { budget: Arc::clone(self), bytes }
    }
}

struct Permit {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.budget.waiting.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.budget.freed.notify_all();
    }
}

/// A document on its way to a segment.
struct Waiting {
    doc: TantivyDocument,
    _permit: Permit,
}

impl Document for Waiting {
    type Value<'a> = <TantivyDocument as Document>::Value<'a>;
    type FieldsValuesIter<'a> = <TantivyDocument as Document>::FieldsValuesIter<'a>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        self.doc.iter_fields_and_values()
    }
}
