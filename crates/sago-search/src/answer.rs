//! Searching: matches by item, totals, order, facets, duplicates.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use tantivy::query::{BooleanQuery, EnableScoring, Occur, Query, Weight};
use tantivy::{BitSet, DocAddress};
use uuid::Uuid;

use crate::error::SearchError;
use crate::fold;
use crate::index::Index;
use crate::passage::{self, Passage};
use crate::query::parse;
use crate::query::plan::{Node, Plan, Searched};
use crate::query::set::SetQuery;
use crate::snapshot::{Number, Snapshot, Text};
use crate::visible::{Visible, VisibleSet, VisibleStatistics};

/// Hits on one page.
pub const MAX_LIMIT: usize = 1000;
/// Passages shown for one hit.
pub const MAX_PASSAGES: usize = 20;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The query ([`crate::query`]).
    pub query: String,
    /// What the viewer may see. Nothing else has any influence on the answer.
    pub visible: Visible,
    /// Hits to leave out at the beginning.
    pub offset: usize,
    /// Hits to give, at most [`MAX_LIMIT`].
    pub limit: usize,
    /// Their order.
    pub sort: Sort,
    /// Count values of accession, format, language and label over all matches.
    pub facets: bool,
    /// Passages for each hit, at most [`MAX_PASSAGES`].
    pub passages: usize,
    /// Which hits stand for others.
    pub fold: Fold,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            query: String::new(),
            visible: Visible::default(),
            offset: 0,
            limit: 20,
            sort: Sort::Relevance,
            facets: true,
            passages: 3,
            fold: Fold::Nothing,
        }
    }
}

/// The order of hits; ties go by the item's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The best first.
    #[default]
    Relevance,
    /// Received last first.
    Newest,
    /// Received first first.
    Oldest,
    /// By item number.
    Number,
    /// By path.
    Path,
    /// The largest original first.
    Largest,
}

/// Which hits are folded into one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fold {
    /// Every item is a hit.
    #[default]
    Nothing,
    /// Items with the same digest.
    Duplicates,
    /// Also items whose fingerprints differ in at most so many bits, 0 to [`fold::MAX_DISTANCE`]; nearness goes on from item to item.
    NearDuplicates(u32),
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Items that match; exact.
    pub total: u64,
    /// Hits after folding; equal to `total` when nothing is folded.
    pub folded_total: u64,
    /// The hits asked for, in order.
    pub hits: Vec<Hit>,
    /// Counts of values over all matching items; exact.
    pub facets: Facets,
    /// What could not be searched.
    pub not_searched: NotSearched,
    /// What was searched, clause by clause.
    pub searched: Vec<Searched>,
    /// Up to where the index had followed the caller's log.
    pub position: Option<u64>,
}

/// An item that matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its id, unit and properties, as they were added.
    pub item: Uuid,
    /// Unit whose key seals it.
    pub unit: Uuid,
    /// Number of its accession.
    pub accession: String,
    /// Its own number.
    pub number: String,
    /// Format.
    pub format: String,
    /// Language.
    pub language: Option<String>,
    /// Title.
    pub title: String,
    /// Path.
    pub path: String,
    /// When it was received, in microseconds since 1970.
    pub received_micros: i64,
    /// Pages.
    pub pages: Option<u64>,
    /// Bytes of the original.
    pub size_bytes: u64,
    /// Not everything in it was read: other words may stand in it.
    pub has_gaps: bool,
    /// Relevance; 0 in other orders.
    pub score: f32,
    /// Where the words stand.
    pub passages: Vec<Passage>,
    /// There may be more places: the item is longer than what is looked through for beginnings of words and fuzzy words.
    pub passages_cut: bool,
    /// Items folded into this one, the hit itself not among them.
    pub folded: Vec<Uuid>,
}

/// Counts of values over all matching items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// By number of the accession.
    pub accession: BTreeMap<String, u64>,
    /// By format.
    pub format: BTreeMap<String, u64>,
    /// By language; items without one are not counted.
    pub language: BTreeMap<String, u64>,
    /// By label; an item counts once for each of its labels.
    pub label: BTreeMap<String, u64>,
}

/// What a viewer may see and this search could not look into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotSearched {
    /// Visible items.
    pub items: u64,
    /// Those of them that were not read in full.
    pub items_with_gaps: u64,
}

/// A matching item: the document (its best part) and its score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    pub at: DocAddress,
    pub score: f32,
}

impl Index {
    /// Searches. The answer is of one moment, whatever is written meanwhile.
    pub fn search(&self, request: &Request) -> Result<Answer, SearchError> {
        if request.limit > MAX_LIMIT || request.passages > MAX_PASSAGES {
            return Err(SearchError::Place(format!("at most {MAX_LIMIT} hits and {MAX_PASSAGES} passages are given at a time")));
        }
        let ast = parse(&request.query)?;
        let snapshot = self.snapshot();
        let set = snapshot.visible(&request.visible)?;
        let plan = Plan::of(&ast, &snapshot, &self.0.fields)?;
        let matches = find(&snapshot, &set, &plan, request.sort == Sort::Relevance)?;
        let total = matches.len() as u64;
        let facets = if request.facets { facets(&snapshot, &matches)? } else { Facets::default() };
        let (matches, folded) = fold::fold(&snapshot, matches, request)?;
        let folded_total = matches.len() as u64;
        let page = page(&snapshot, matches, request)?;
        let mut hits = Vec::new();
        for found in page {
            hits.push(self.hit(&snapshot, &plan, request.passages, found, &folded)?);
        }
        let not_searched = NotSearched { items: set.items, items_with_gaps: set.items_with_gaps };
        Ok(Answer { total, folded_total, hits, facets, not_searched, searched: plan.searched, position: snapshot.position })
    }

    fn hit(
        &self,
        snapshot: &Arc<Snapshot>,
        plan: &Plan,
        passages: usize,
        found: Match,
        folded: &HashMap<DocAddress, Vec<DocAddress>>,
    ) -> Result<Hit, SearchError> {
        let stored = snapshot.stored(&self.0.fields, found.at)?;
        let others = folded.get(&found.at).into_iter().flatten().map(|at| snapshot.item(*at)).collect::<Result<Vec<_>, _>>()?;
        let parts = match snapshot.many.item_of.get(&found.at) {
            Some(item) => snapshot.many.items[*item].clone(),
            None => vec![found.at],
        };
        let (passages, passages_cut) =
            if passages == 0 { (Vec::new(), false) } else { passage::passages(snapshot, &self.0.fields, plan, &parts, &stored, passages)? };
        Ok(Hit {
            item: stored.item,
            unit: stored.unit,
            accession: stored.accession,
            number: stored.number,
            format: stored.format,
            language: stored.language,
            title: stored.title,
            path: stored.path,
            received_micros: stored.received_micros,
            pages: stored.pages,
            size_bytes: stored.size_bytes,
            has_gaps: stored.has_gaps,
            score: found.score,
            passages,
            passages_cut,
            folded: others,
        })
    }
}

/// All matching items.
pub(crate) fn find(snapshot: &Snapshot, set: &VisibleSet, plan: &Plan, scored: bool) -> Result<Vec<Match>, SearchError> {
    // Without a document there is no mean length; and nothing to find.
    if set.docs == 0 {
        return Ok(Vec::new());
    }
    let statistics = VisibleStatistics::new(snapshot, set);
    let scoring = if scored {
        EnableScoring::enabled_from_statistics_provider(&statistics, &snapshot.searcher)
    } else {
        EnableScoring::disabled_from_searcher(&snapshot.searcher)
    };
    let mut matches = Vec::new();
    each(snapshot, set, plan.query().as_ref(), scoring, scored, &mut |at, score| {
        if !snapshot.many.docs[at.segment_ord as usize].contains(at.doc_id) {
            matches.push(Match { at, score });
        }
    })?;
    if !snapshot.many.items.is_empty() {
        let parts = Parts { snapshot, set, plan, scoring, scored, all: parts_query(snapshot) };
        for (item, (at, score)) in parts.node(&plan.root)? {
            matches.push(Match { at: at.unwrap_or(snapshot.many.items[item][0]), score });
        }
    }
    for found in &mut matches {
        // Sums may differ in their last bits with the order in which segments made tantivy add; an order must not.
        found.score = (found.score * 4096.0).round() / 4096.0;
    }
    Ok(matches)
}

/// Calls `found` for every visible document that matches.
fn each(
    snapshot: &Snapshot,
    set: &VisibleSet,
    query: &dyn Query,
    scoring: EnableScoring<'_>,
    scored: bool,
    found: &mut dyn FnMut(DocAddress, f32),
) -> Result<(), SearchError> {
    let weight: Box<dyn Weight> = query.weight(scoring)?;
    for (segment, reader) in snapshot.searcher.segment_readers().iter().enumerate() {
        let bits: &BitSet = &set.bits[segment];
        let segment = segment as u32;
        if scored {
            weight.for_each(reader, &mut |doc, score| {
                if bits.contains(doc) {
                    found(DocAddress::new(segment, doc), score);
                }
            })?;
        } else {
            weight.for_each_no_score(reader, &mut |docs| {
                for doc in docs {
                    if bits.contains(*doc) {
                        found(DocAddress::new(segment, *doc), 0.0);
                    }
                }
            })?;
        }
    }
    Ok(())
}

fn parts_query(snapshot: &Snapshot) -> SetQuery {
    let readers = snapshot.searcher.segment_readers().iter();
    SetQuery(Arc::new(readers.zip(&snapshot.many.docs).map(|(reader, bits)| (reader.segment_id(), bits.clone())).collect()))
}

/// Items of several parts: each leaf is asked alone, and the tree is worked out over items, so that `a b` finds an item with
/// `a` on its first page and `b` on its thousandth.
struct Parts<'a> {
    snapshot: &'a Snapshot,
    set: &'a VisibleSet,
    plan: &'a Plan,
    scoring: EnableScoring<'a>,
    scored: bool,
    all: SetQuery,
}

/// Items by number, with their best part and score.
type Found = HashMap<usize, (Option<DocAddress>, f32)>;

impl Parts<'_> {
    fn node(&self, node: &Node) -> Result<Found, SearchError> {
        match node {
            Node::Everything => Ok(self.everything()),
            Node::Leaf(leaf) => self.leaf(*leaf),
            Node::Not(part) => {
                let without = self.node(part)?;
                Ok(self.everything().into_iter().filter(|(item, _)| !without.contains_key(item)).collect())
            }
            Node::Or(parts) => {
                let mut found = Found::new();
                for part in parts {
                    for (item, (at, score)) in self.node(part)? {
                        let entry = found.entry(item).or_insert((None, 0.0));
                        *entry = (entry.0.or(at), entry.1 + score);
                    }
                }
                Ok(found)
            }
            Node::And(parts) => {
                let mut found: Option<Found> = None;
                for part in parts {
                    let mut next = self.node(part)?;
                    found = Some(match found {
                        None => next,
                        Some(before) => before
                            .into_iter()
                            .filter_map(|(item, (at, score))| next.remove(&item).map(|(also, more)| (item, (at.or(also), score + more))))
                            .collect(),
                    });
                }
                Ok(found.unwrap_or_default())
            }
        }
    }

    fn everything(&self) -> Found {
        let visible = |parts: &Vec<DocAddress>| parts.first().is_some_and(|at| self.set.bits[at.segment_ord as usize].contains(at.doc_id));
        self.snapshot.many.items.iter().enumerate().filter(|(_, parts)| visible(parts)).map(|(item, _)| (item, (None, 0.0))).collect()
    }

    fn leaf(&self, leaf: usize) -> Result<Found, SearchError> {
        let query = BooleanQuery::new(vec![(Occur::Must, self.plan.leaves[leaf].query.box_clone()), (Occur::Must, Box::new(self.all.clone()))]);
        let mut found = Found::new();
        each(self.snapshot, self.set, &query, self.scoring, self.scored, &mut |at, score| {
            if let Some(item) = self.snapshot.many.item_of.get(&at) {
                let entry = found.entry(*item).or_insert((Some(at), score));
                if score > entry.1 {
                    *entry = (Some(at), score);
                }
            }
        })?;
        Ok(found)
    }
}

fn facets(snapshot: &Snapshot, matches: &[Match]) -> Result<Facets, SearchError> {
    Ok(Facets {
        accession: counts(snapshot, matches, Text::Accession)?,
        format: counts(snapshot, matches, Text::Format)?,
        language: counts(snapshot, matches, Text::Language)?,
        label: counts(snapshot, matches, Text::Label)?,
    })
}

fn counts(snapshot: &Snapshot, matches: &[Match], which: Text) -> Result<BTreeMap<String, u64>, SearchError> {
    let mut columns = Vec::new();
    for (segment, of_segment) in snapshot.segments.iter().enumerate() {
        let column = of_segment.text(snapshot.reader(segment), which)?;
        columns.push((column, vec![0u64; column.map_or(0, |column| column.dictionary().num_terms())]));
    }
    for found in matches {
        if let Some((Some(column), by_ord)) = columns.get_mut(found.at.segment_ord as usize) {
            for ord in column.term_ords(found.at.doc_id) {
                if let Some(count) = by_ord.get_mut(ord as usize) {
                    *count += 1;
                }
            }
        }
    }
    let mut total = BTreeMap::new();
    let mut value = String::new();
    for (column, by_ord) in columns {
        let Some(column) = column else { continue };
        for (ord, count) in by_ord.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            value.clear();
            column.ord_to_str(ord as u64, &mut value)?;
            *total.entry(value.clone()).or_insert(0) += count;
        }
    }
    Ok(total)
}

/// The matches of the page that was asked for, in order.
fn page(snapshot: &Snapshot, mut matches: Vec<Match>, request: &Request) -> Result<Vec<Match>, SearchError> {
    let end = request.offset.saturating_add(request.limit).min(matches.len());
    let wanted = request.offset.min(end)..end;
    match request.sort {
        Sort::Relevance => sort_to(&mut matches, &wanted, |a, b| b.score.total_cmp(&a.score), snapshot)?,
        Sort::Newest | Sort::Oldest | Sort::Largest => {
            let mut keys = HashMap::with_capacity(matches.len());
            for found in &matches {
                let segment = found.at.segment_ord as usize;
                let (columns, reader) = (&snapshot.segments[segment], snapshot.reader(segment));
                let key = match request.sort {
                    Sort::Largest => -(columns.number(reader, Number::Size)?.first(found.at.doc_id).unwrap_or(0).min(i64::MAX as u64) as i64),
                    Sort::Newest => columns.received(reader)?.first(found.at.doc_id).unwrap_or(i64::MIN).saturating_neg(),
                    _ => columns.received(reader)?.first(found.at.doc_id).unwrap_or(i64::MIN),
                };
                keys.insert(found.at, key);
            }
            sort_to(&mut matches, &wanted, |a, b| keys.get(&a.at).cmp(&keys.get(&b.at)), snapshot)?;
        }
        Sort::Number => by_text(snapshot, &mut matches, &wanted, Text::Number)?,
        Sort::Path => by_text(snapshot, &mut matches, &wanted, Text::Path)?,
    }
    Ok(matches[wanted].to_vec())
}

/// Sorts as far as `wanted` reaches; ties go by item.
fn sort_to(matches: &mut [Match], wanted: &Range<usize>, by: impl Fn(&Match, &Match) -> Ordering, snapshot: &Snapshot) -> Result<(), SearchError> {
    // Columns are read before, so that the comparison cannot fail.
    let mut ids = Vec::new();
    for (segment, columns) in snapshot.segments.iter().enumerate() {
        let reader = snapshot.reader(segment);
        ids.push((columns.number(reader, Number::ItemHigh)?, columns.number(reader, Number::ItemLow)?));
    }
    let id = |found: &Match| {
        let (high, low) = ids[found.at.segment_ord as usize];
        (high.first(found.at.doc_id), low.first(found.at.doc_id))
    };
    let order = |a: &Match, b: &Match| by(a, b).then_with(|| id(a).cmp(&id(b)));
    if wanted.end > 0 && wanted.end < matches.len() {
        matches.select_nth_unstable_by(wanted.end - 1, order);
    }
    matches[..wanted.end].sort_unstable_by(order);
    Ok(())
}

/// Within a segment values are ordered by their number in its dictionary; only what may be on the page is compared as text.
fn by_text(snapshot: &Snapshot, matches: &mut Vec<Match>, wanted: &Range<usize>, which: Text) -> Result<(), SearchError> {
    let mut texts: HashMap<DocAddress, String> = HashMap::new();
    let mut kept = Vec::new();
    for (segment, columns) in snapshot.segments.iter().enumerate() {
        let column = columns.text(snapshot.reader(segment), which)?;
        let ord = |found: &Match| column.and_then(|column| column.term_ords(found.at.doc_id).next());
        let mut of_segment: Vec<(Option<u64>, Match)> =
            matches.iter().filter(|found| found.at.segment_ord as usize == segment).map(|found| (ord(found), *found)).collect();
        of_segment.sort_unstable_by_key(|(ord, _)| *ord);
        // Equal values at the edge all stay: their order is decided by the item.
        let edge = wanted.end.checked_sub(1).and_then(|last| of_segment.get(last)).map(|(ord, _)| *ord);
        of_segment.retain(|(ord, _)| edge.is_none_or(|edge| *ord <= edge));
        for (ord, found) in of_segment {
            let mut text = String::new();
            if let (Some(column), Some(ord)) = (column, ord) {
                column.ord_to_str(ord, &mut text)?;
            }
            texts.insert(found.at, text);
            kept.push(found);
        }
    }
    *matches = kept;
    sort_to(matches, wanted, |a, b| texts.get(&a.at).cmp(&texts.get(&b.at)), snapshot)
}
