//! Compounds: a long noun taken apart into known nouns.

use std::ops::Range;

use super::lexicon::{Lexicon, PREFIXES, SUFFIXES};
use super::{josa, names};

/// A longer stem is left whole: nobody writes such a compound, and the search is over all cuts.
const SYLLABLES_MAX: usize = 24;

/// What a part costs; the cheapest way of cutting wins.
const NOUN: u32 = 10;
const SINGLE: u32 = 14;
const NAME: u32 = 18;

/// The parts of a stem, in order and without gaps; one part if it cannot be taken apart. Nouns of four syllables are taken apart too if both halves are known.
pub fn split(lexicon: &Lexicon, stem: &[char]) -> Vec<Range<usize>> {
    let n = stem.len();
    let whole = 0..n;
    if !(3..=SYLLABLES_MAX).contains(&n) {
        return vec![whole];
    }
    // Cheapest cost to reach each place, where from, and whether the part before it is a single syllable.
    let mut best: Vec<Option<(u32, usize)>> = vec![None; n + 1];
    if let Some(first) = best.first_mut() {
        *first = Some((0, 0));
    }
    for end in 1..=n {
        for start in end.saturating_sub(4)..end {
            if start == 0 && end == n {
                continue;
            }
            let (Some(Some((before, from))), Some(part)) = (best.get(start).copied(), stem.get(start..end)) else { continue };
            let single_before = start > 0 && start - from == 1;
            let after = stem.get(end..).unwrap_or_default();
            let Some(cost) = cost(lexicon, part, start, after, single_before) else { continue };
            let total = before + cost;
            if best.get(end).copied().flatten().is_none_or(|(c, _)| total < c)
                && let Some(slot) = best.get_mut(end)
            {
                *slot = Some((total, start));
            }
        }
    }
    let mut parts = Vec::new();
    let mut at = n;
    while let Some((_, from)) = best.get(at).copied().flatten().filter(|_| at > 0) {
        parts.push(from..at);
        at = from;
    }
    if at != 0 || parts.is_empty() {
        return vec![whole];
    }
    parts.reverse();
    parts
}

fn cost(lexicon: &Lexicon, part: &[char], start: usize, after: &[char], single_before: bool) -> Option<u32> {
    if let [c] = part {
        let fits = if start == 0 { PREFIXES.contains(*c) } else { SUFFIXES.contains(*c) };
        return (fits && !single_before).then_some(if start == 0 { SINGLE + 2 } else { SINGLE });
    }
    if start > 0 && josa::is_particle(part) {
        return None;
    }
    if lexicon.is_noun(part) {
        return Some(NOUN);
    }
    // A name before a title: 박영호소장.
    (start == 0 && names::looks_like(part) && names::is_title(after)).then_some(NAME)
}
