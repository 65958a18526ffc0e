//! Folding duplicates and near-duplicates, and finding what is like an item.

use std::collections::{BTreeMap, HashMap};

use tantivy::DocAddress;
use uuid::Uuid;

use crate::answer::{Fold, Match, Request};
use crate::error::SearchError;
use crate::fingerprint::distance;
use crate::snapshot::{Number, Snapshot};

/// Largest distance of fingerprints that may be asked for.
pub const MAX_DISTANCE: u32 = 7;
/// Fingerprints are compared within groups that agree in one of so many bands; by the pigeonhole principle any two that differ in
/// at most [`MAX_DISTANCE`] bits agree in one.
const BANDS: u32 = MAX_DISTANCE + 1;
const BAND_BITS: u32 = 64 / BANDS;

/// The matches that stay, and for each what was folded into it.
type Folded = (Vec<Match>, HashMap<DocAddress, Vec<DocAddress>>);

/// Folds matches as asked: the best of a group stays (with the smallest item id among equals).
pub(crate) fn fold(snapshot: &Snapshot, matches: Vec<Match>, request: &Request) -> Result<Folded, SearchError> {
    let within = match request.fold {
        Fold::Nothing => return Ok((matches, HashMap::new())),
        Fold::Duplicates => None,
        Fold::NearDuplicates(bits) if bits <= MAX_DISTANCE => Some(bits),
        Fold::NearDuplicates(_) => return Err(SearchError::Place(format!("near-duplicates differ in at most {MAX_DISTANCE} bits"))),
    };
    let mut groups = Groups { parent: (0..matches.len()).collect() };
    let mut digests: HashMap<(u64, u64), usize> = HashMap::new();
    let mut prints: Vec<(u64, usize)> = Vec::new();
    for (i, found) in matches.iter().enumerate() {
        let segment = found.at.segment_ord as usize;
        let (columns, reader) = (&snapshot.segments[segment], snapshot.reader(segment));
        let digest = (columns.number(reader, Number::DigestHigh)?.first(found.at.doc_id), columns.number(reader, Number::DigestLow)?.first(found.at.doc_id));
        if let (Some(high), Some(low)) = digest {
            let first = *digests.entry((high, low)).or_insert(i);
            groups.join(first, i);
        }
        // The fingerprint stands with the first part of an item.
        let first_part = snapshot.many.item_of.get(&found.at).and_then(|item| snapshot.many.items[*item].first()).unwrap_or(&found.at);
        let segment = first_part.segment_ord as usize;
        if let Some(print) = snapshot.segments[segment].number(snapshot.reader(segment), Number::Fingerprint)?.first(first_part.doc_id) {
            prints.push((print, i));
        }
    }
    if let Some(bits) = within {
        join_near(&mut groups, &mut prints, bits);
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for i in 0..matches.len() {
        members.entry(groups.root(i)).or_default().push(i);
    }
    let mut kept = Vec::new();
    let mut folded = HashMap::new();
    for group in members.into_values() {
        let mut group = group.into_iter().map(|i| Ok((snapshot.item(matches[i].at)?, matches[i]))).collect::<Result<Vec<(Uuid, Match)>, SearchError>>()?;
        group.sort_by(|(a, one), (b, other)| other.score.total_cmp(&one.score).then(a.cmp(b)));
        let (_, best) = group.remove(0);
        kept.push(best);
        if !group.is_empty() {
            folded.insert(best.at, group.into_iter().map(|(_, found)| found.at).collect());
        }
    }
    Ok((kept, folded))
}

/// Joins fingerprints that differ in at most `bits` bits.
fn join_near(groups: &mut Groups, prints: &mut Vec<(u64, usize)>, bits: u32) {
    // Equal ones first, so that many copies of one text cost little below.
    prints.sort_unstable();
    prints.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            groups.join(kept.1, next.1);
        }
        same
    });
    for band in 0..BANDS {
        let key = |print: u64| print.rotate_right(band * BAND_BITS);
        let low = (1u64 << BAND_BITS) - 1;
        prints.sort_unstable_by_key(|(print, _)| key(*print) & low);
        for group in prints.chunk_by(|a, b| (key(a.0) ^ key(b.0)) & low == 0) {
            for (i, one) in group.iter().enumerate() {
                for other in &group[i + 1..] {
                    if distance(one.0, other.0) <= bits {
                        groups.join(one.1, other.1);
                    }
                }
            }
        }
    }
}

/// Disjoint sets.
struct Groups {
    parent: Vec<usize>,
}

impl Groups {
    fn root(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}
