//! Passages: where the words of a query stand in an item, cut from its text unchanged.

use std::collections::BTreeMap;
use std::ops::Range;

use tantivy::postings::Postings;
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{DocAddress, DocSet, TERMINATED};

use crate::error::SearchError;
use crate::query::plan::{Leaf, Marks, Plan};
use crate::schema::{Fields, term_text};
use crate::snapshot::Snapshot;
use crate::stored::{StoredBlock, StoredPart};
use crate::words::{Kind, Words, analyse};

/// Bytes of a passage around its first highlight, on each side.
const BEFORE_BYTES: usize = 160;
const AFTER_BYTES: usize = 320;
/// Bytes of an item that are looked through for words of which the index does not say where they stand (beginnings, fuzzy
/// words); [`crate::Hit::passages_cut`] says when that was not all of it.
pub const MAX_LOOKED_THROUGH_BYTES: usize = 1024 * 1024;
/// Highlights in one passage.
const MAX_HIGHLIGHTS: usize = 64;

/// A piece of an item's text with the words that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Place of the block, as it was given when the item was added; empty for a property.
    pub anchor: String,
    /// Page.
    pub page: Option<u32>,
    /// The property whose text this is (`title`, `from`, …), if it is one.
    pub property: Option<String>,
    /// Where `text` begins in the block, in bytes.
    pub start: u64,
    /// The text, unchanged.
    pub text: String,
    /// What to highlight, as ranges of bytes of `text`, in order, without overlaps.
    pub highlights: Vec<Range<usize>>,
}

/// The best passages of an item, in the order of its text; and whether a part of it was not looked through.
pub(crate) fn passages(
    snapshot: &Snapshot,
    fields: &Fields,
    plan: &Plan,
    parts: &[DocAddress],
    first: &StoredPart,
    limit: usize,
) -> Result<(Vec<Passage>, bool), SearchError> {
    let leaves: Vec<&Leaf> = plan.leaves.iter().filter(|leaf| leaf.shown).collect();
    let mut chosen: Vec<(u32, usize, usize, Passage)> = Vec::new();
    let (mut looked_through, mut was_cut) = (0, false);
    for (number, at) in parts.iter().enumerate() {
        // An item of many parts: enough to choose from.
        if chosen.len() >= limit * 4 {
            break;
        }
        let candidates = match blocks_with_terms(snapshot, fields, &leaves, *at)? {
            Some(positions) if positions.is_empty() => continue,
            positions => positions,
        };
        let read;
        let stored = if first.part == number as u64 {
            first
        } else {
            read = snapshot.stored(fields, *at)?;
            &read
        };
        for (block, wanted) in ranked(stored, candidates, limit) {
            if wanted == 0 {
                if chosen.len() >= limit {
                    break;
                }
                if looked_through >= MAX_LOOKED_THROUGH_BYTES {
                    was_cut = true;
                    break;
                }
                looked_through += stored.blocks[block].text.len();
            }
            let words = analyse(&stored.blocks[block].text);
            let (found, spans) = highlights(&leaves, &stored.blocks[block], &words);
            if !spans.is_empty() {
                chosen.push((found.max(wanted), number, block, cut(&stored.blocks[block], spans)));
            }
        }
    }
    chosen.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    chosen.truncate(limit);
    chosen.sort_by_key(|(_, part, block, _)| (*part, *block));
    Ok((chosen.into_iter().map(|(_, _, _, passage)| passage).collect(), was_cut))
}

/// Positions of the terms of each leaf in one document, by leaf; `None` if the index cannot say.
type Positions = Vec<(usize, Kind, Vec<u32>)>;

fn blocks_with_terms(snapshot: &Snapshot, fields: &Fields, leaves: &[&Leaf], at: DocAddress) -> Result<Option<Positions>, SearchError> {
    let mut all = Positions::new();
    let mut loose = false;
    for (i, leaf) in leaves.iter().enumerate() {
        let patterns = match &leaf.marks {
            Marks::Patterns(patterns) => patterns,
            Marks::Nowhere => continue,
            Marks::Prefix(_) | Marks::Fuzzy(..) => {
                loose = true;
                continue;
            }
        };
        for pattern in patterns {
            // Pairs are kept without positions; they stand where the bigrams stand.
            let kind = if pattern.kind == Kind::Pair { Kind::Gram } else { pattern.kind };
            let mut stands: Option<Vec<u32>> = None;
            for (offset, text) in &pattern.terms {
                let term = Term::from_field_text(fields.text(kind), &term_text(leaf.field.as_deref(), text));
                let mut begins = positions(snapshot, at, &term)?;
                begins.iter_mut().for_each(|position| *position = position.wrapping_sub(*offset));
                stands = Some(match stands {
                    None => begins,
                    // In a phrase the terms stand at their distances; near each other, any of the rarest leads to the place.
                    Some(mut stands) if pattern.slop == 0 => {
                        stands.retain(|position| begins.binary_search(position).is_ok());
                        stands
                    }
                    Some(stands) => {
                        if begins.len() < stands.len() {
                            begins
                        } else {
                            stands
                        }
                    }
                });
                if stands.as_ref().is_some_and(Vec::is_empty) {
                    break;
                }
            }
            if let Some(stands) = stands.filter(|stands| !stands.is_empty()) {
                all.push((i, kind, stands));
            }
        }
    }
    // Where nothing else leads to a block, all are looked through.
    Ok(if loose && all.is_empty() { None } else { Some(all) })
}

/// Where a term stands in a document, in order.
fn positions(snapshot: &Snapshot, at: DocAddress, term: &Term) -> Result<Vec<u32>, SearchError> {
    let mut positions = Vec::new();
    let index = snapshot.reader(at.segment_ord as usize).inverted_index(term.field())?;
    if let Some(mut postings) = index.read_postings(term, IndexRecordOption::WithFreqsAndPositions)? {
        let doc = if postings.doc() < at.doc_id { postings.seek(at.doc_id) } else { postings.doc() };
        if doc == at.doc_id && doc != TERMINATED {
            postings.positions(&mut positions);
        }
    }
    Ok(positions)
}

/// Blocks worth looking at, the most promising first, with the number of leaves whose terms stand in them.
fn ranked(stored: &StoredPart, positions: Option<Positions>, limit: usize) -> Vec<(usize, u32)> {
    let Some(positions) = positions else {
        return (0..stored.blocks.len()).map(|block| (block, 0)).collect();
    };
    let mut leaves_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (leaf, kind, positions) in positions {
        for position in positions {
            let block = stored.blocks.partition_point(|block| block.at[kind as usize] <= position).saturating_sub(1);
            let leaves = leaves_of.entry(block).or_default();
            if !leaves.contains(&leaf) {
                leaves.push(leaf);
            }
        }
    }
    let mut ranked: Vec<(usize, u32)> = leaves_of.into_iter().map(|(block, leaves)| (block, leaves.len() as u32)).collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    // Some candidates hold the first word of a phrase and not the phrase.
    ranked.truncate(limit * 8);
    ranked
}

/// How many leaves stand in a block, and where.
fn highlights(leaves: &[&Leaf], block: &StoredBlock, words: &Words) -> (u32, Vec<(usize, usize)>) {
    let mut spans = Vec::new();
    let mut found = 0;
    for leaf in leaves.iter().filter(|leaf| leaf.field.is_none() || leaf.field == block.property) {
        let before = spans.len();
        match &leaf.marks {
            Marks::Patterns(patterns) => spans.extend(patterns.iter().flat_map(|pattern| pattern.found_in(words))),
            Marks::Prefix(prefix) => {
                let kinds = [Kind::Exact, Kind::Stem];
                spans.extend(
                    kinds.into_iter().flat_map(|kind| words.of(kind)).filter(|word| word.text.starts_with(prefix.as_str())).map(|word| (word.start, word.end)),
                );
            }
            Marks::Fuzzy(text, letters) => spans
                .extend(words.of(Kind::Exact).iter().filter(|word| differs_by(text, &word.text) <= usize::from(*letters)).map(|word| (word.start, word.end))),
            Marks::Nowhere => {}
        }
        found += u32::from(spans.len() > before);
    }
    spans.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (start, end) in spans {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    (found, merged)
}

/// Cuts the text around the first highlights.
fn cut(block: &StoredBlock, spans: Vec<(usize, usize)>) -> Passage {
    let text = &block.text;
    let (first, _) = spans.first().copied().unwrap_or_default();
    let start = match text.floor_char_boundary(first.saturating_sub(BEFORE_BYTES)) {
        0 => 0,
        from => text[from..first].find(char::is_whitespace).map_or(from, |space| text.ceil_char_boundary(from + space + 1).min(first)),
    };
    let end = match text.floor_char_boundary((first + AFTER_BYTES).min(text.len())) {
        to if to == text.len() => to,
        to => text[first..to].rfind(char::is_whitespace).map_or(to, |space| first + space),
    };
    let within = spans.into_iter().map(|(from, to)| (from, to.min(text.len()))).filter(|(from, to)| *from >= start && *to <= end);
    let mut highlights: Vec<Range<usize>> = within.take(MAX_HIGHLIGHTS).map(|(from, to)| from - start..to - start).collect();
    let mut end = end;
    if highlights.is_empty() {
        // The first highlight is longer than a passage, or its end was cut away with the last word.
        end = text.floor_char_boundary((first + AFTER_BYTES).min(text.len()));
        highlights.push(first - start..end - start);
    }
    Passage {
        anchor: block.anchor.clone(),
        page: block.page,
        property: block.property.clone(),
        start: block.offset + start as u64,
        text: text[start..end].to_owned(),
        highlights,
    }
}

/// Letters in which two words differ: insertions, deletions, replacements, neighbours changed over (as tantivy counts).
fn differs_by(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: [Vec<usize>; 3] = [Vec::new(), (0..=b.len()).collect(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        rows[2][0] = i;
        for j in 1..=b.len() {
            let mut best = (rows[1][j] + 1).min(rows[2][j - 1] + 1).min(rows[1][j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = best;
        }
        rows.rotate_left(1);
        rows[2].resize(b.len() + 1, 0);
    }
    rows[1][b.len()]
}
