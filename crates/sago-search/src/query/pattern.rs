//! A way to meet a word or phrase: terms of one kind at given positions; asked of the index, and found again in a text.

use std::collections::HashMap;

use sago_text::{TokenKind, Why, understand};
use tantivy::query::{BoostQuery, PhraseQuery, Query, TermQuery};
use tantivy::schema::{IndexRecordOption, Term};

use super::MAX_PHRASE_TERMS;
use crate::schema::{Fields, term_text};
use crate::words::{Kind, Word, Words, analyse};

/// Readings of a phrase in which a compound can be one word or several; more are not tried. Nothing is lost: the exact words
/// and the bigrams stand beside them.
const MAX_STEM_PATHS: usize = 8;

/// Terms of one kind, each with its distance from the first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    pub kind: Kind,
    pub terms: Vec<(u32, String)>,
    /// Words that may stand in between (proximity).
    pub slop: u32,
    pub why: Why,
    /// At most 1.0.
    pub weight: f32,
}

impl Pattern {
    fn of(kind: Kind, words: &[&Word], why: Why, weight: f32) -> Option<Pattern> {
        let first = words.first()?.position;
        let terms: Vec<_> = words.iter().map(|word| (word.position.saturating_sub(first), word.text.clone())).collect();
        (terms.len() <= MAX_PHRASE_TERMS).then_some(Pattern { kind, terms, slop: 0, why, weight })
    }

    /// The query of this pattern in a field. Its score is that of its terms on average, so that many bigrams do not outweigh a word.
    pub(crate) fn query(&self, fields: &Fields, field: Option<&str>) -> Box<dyn Query> {
        let term = |text: &str| Term::from_field_text(fields.text(self.kind), &term_text(field, text));
        let query: Box<dyn Query> = match &self.terms[..] {
            [(_, only)] => Box::new(TermQuery::new(term(only), IndexRecordOption::WithFreqs)),
            terms => Box::new(PhraseQuery::new_with_offset_and_slop(terms.iter().map(|(offset, text)| (*offset as usize, term(text))).collect(), self.slop)),
        };
        Box::new(BoostQuery::new(query, self.weight / self.terms.len() as f32))
    }

    /// Where this pattern stands in an analysed text, as ranges of bytes.
    pub(crate) fn found_in(&self, words: &Words) -> Vec<(usize, usize)> {
        let words = words.of(self.kind);
        let mut places: HashMap<&str, Vec<&Word>> = self.terms.iter().map(|(_, text)| (text.as_str(), Vec::new())).collect();
        for word in words {
            if let Some(places) = places.get_mut(word.text.as_str()) {
                places.push(word);
            }
        }
        for places in places.values_mut() {
            places.sort_by_key(|word| word.position);
        }
        let Some(((_, first), others)) = self.terms.split_first() else { return Vec::new() };
        let mut found = Vec::new();
        for begin in places.get(first.as_str()).into_iter().flatten() {
            let mut spans = vec![(begin.start, begin.end)];
            for (offset, text) in others {
                let wanted = begin.position.saturating_add(*offset);
                let all = places.get(text.as_str()).map(Vec::as_slice).unwrap_or_default();
                let after = all.partition_point(|word| word.position < wanted);
                let beside = all[after.saturating_sub(1)..all.len().min(after + 1)].iter();
                match beside.filter(|word| word.position.abs_diff(wanted) <= self.slop).min_by_key(|word| word.position.abs_diff(wanted)) {
                    Some(word) => spans.push((word.start, word.end)),
                    None => break,
                }
            }
            if spans.len() == self.terms.len() {
                match (self.slop, spans.first(), spans.last()) {
                    (0, Some((start, _)), Some((_, end))) if start < end => found.push((*start, *end)),
                    _ => found.extend(spans),
                }
            }
        }
        found
    }
}

/// A word of the query, or a few that are one name, with all ways to meet it.
pub(crate) struct Meant {
    /// Bytes of the text that was handed in.
    pub start: usize,
    pub end: usize,
    pub patterns: Vec<Pattern>,
}

/// What plain words mean: stems, spellings, synonyms, readings.
pub(crate) fn words(text: &str) -> Vec<Meant> {
    let meant = understand(text).into_iter().map(|group| {
        let patterns = group.ways.into_iter().filter(|way| (1..=MAX_PHRASE_TERMS).contains(&way.terms.len())).map(|way| {
            let kind = match way.kind {
                TokenKind::Stem => Kind::Stem,
                TokenKind::Gram if way.terms.len() == 1 && !way.bridged => Kind::Pair,
                TokenKind::Gram | TokenKind::Bridge => Kind::Gram,
                TokenKind::Reading => Kind::Reading,
                TokenKind::Sound => Kind::Sound,
                TokenKind::Date => Kind::Date,
                _ => Kind::Exact,
            };
            let terms = way.terms.into_iter().enumerate().map(|(offset, term)| (offset as u32, term)).collect();
            Pattern { kind, terms, slop: 0, why: way.why, weight: way.weight }
        });
        Meant { start: group.start, end: group.end, patterns: patterns.collect() }
    });
    meant.collect()
}

/// What a phrase means: its exact words; its stems; and, where bigrams cover it, its syllables whatever the spacing.
pub(crate) fn phrase(text: &str) -> Vec<Pattern> {
    let words = analyse(text);
    let mut patterns = exactly(text);
    for path in stem_paths(words.of(Kind::Stem)) {
        patterns.extend(Pattern::of(Kind::Stem, &path, Why::Stem, 0.9));
    }
    let grams: Vec<&Word> = words.of(Kind::Gram).iter().collect();
    let covered = |word: &Word| {
        let mut at = word.start;
        for gram in &grams {
            if gram.start <= at && gram.end > at {
                at = gram.end;
            }
        }
        at >= word.end
    };
    // Bigrams that leave out a part of the phrase (a number, a Latin word) would find phrases with another part there.
    if words.of(Kind::Exact).iter().all(covered) {
        let kind = if grams.len() == 1 && words.of(Kind::Pair).len() == 1 { Kind::Pair } else { Kind::Gram };
        patterns.extend(Pattern::of(kind, &grams, Why::Inside, 0.5));
    }
    patterns
}

/// The exact words alone.
pub(crate) fn exactly(text: &str) -> Vec<Pattern> {
    let words = analyse(text);
    Pattern::of(Kind::Exact, &words.of(Kind::Exact).iter().collect::<Vec<_>>(), Why::Written, 1.0).into_iter().collect()
}

/// Words near each other: exact words, and stems.
pub(crate) fn near(text: &str, words_between: u32) -> Vec<Pattern> {
    let words = analyse(text);
    let mut patterns = exactly(text);
    for path in stem_paths(words.of(Kind::Stem)) {
        patterns.extend(Pattern::of(Kind::Stem, &path, Why::Stem, 0.9));
    }
    for pattern in &mut patterns {
        pattern.slop = words_between;
    }
    patterns
}

/// Ways to go through stems from the first to the last, a compound being one word or several.
fn stem_paths(stems: &[Word]) -> Vec<Vec<&Word>> {
    let mut done = Vec::new();
    let mut open = vec![Vec::<&Word>::new()];
    while let Some(path) = open.pop() {
        if done.len() >= MAX_STEM_PATHS {
            break;
        }
        let from = path.last().map_or(0, |word| word.end);
        let after = path.last().map(|word| word.position);
        let candidates = || stems.iter().filter(|word| word.start >= from && after.is_none_or(|position| word.position > position));
        let Some(next) = candidates().map(|word| word.position).min() else {
            if !path.is_empty() {
                done.push(path);
            }
            continue;
        };
        if path.len() > MAX_PHRASE_TERMS {
            continue;
        }
        for word in candidates().filter(|word| word.position == next) {
            let mut longer = path.clone();
            longer.push(word);
            open.push(longer);
        }
    }
    done
}
