//! Korean words: nouns without particles, verbs without endings, the parts of compounds.
//!
//! Rules and lists, no statistics: [`josa`] and [`eomi`] say what may follow a stem, [`lexicon`] which stems are known, [`compound`] takes long nouns apart.
//! A word of which nothing is known keeps its form and every form without a particle; bigrams find it in any case. ADR 15 has the figures.

pub mod compound;
pub mod eomi;
pub mod josa;
pub mod lexicon;
pub mod names;

use crate::jamo;
use lexicon::Lexicon;

/// A longer word is tried as a noun only: no form of a verb has more syllables.
const VERB_SYLLABLES_MAX: usize = 10;

/// A reading of a word as noun and particles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Noun {
    /// Characters of the stem.
    len: usize,
    rank: Rank,
}

/// How sure a stem is, the surest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Unknown,
    Name,
    Compound,
    Known,
}

/// What a word of Hangul may be: its stems as a noun, the surest and longest first, and the dictionary forms of verbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    nouns: Vec<Noun>,
    /// Dictionary forms, with 다.
    pub verbs: Vec<String>,
    /// Nothing but verbs is known of it: they come first.
    pub only_verbs: bool,
}

/// Analyses a word of folded Hangul.
fn analysis(lexicon: &Lexicon, chars: &[char]) -> Analysis {
    let mut nouns = nouns(lexicon, chars);
    let mut verbs = if chars.len() <= VERB_SYLLABLES_MAX { eomi::verbs(lexicon, chars) } else { Vec::new() };
    let best = nouns.iter().map(|n| n.rank).max().unwrap_or(Rank::Unknown);
    // A known verb beats a guess at a name; both stay where both are known.
    if best <= Rank::Name && !verbs.is_empty() {
        nouns.retain(|n| n.len == chars.len() || n.rank > Rank::Name);
    }
    let short = names::short_with_i(chars);
    nouns.retain(|n| n.rank >= best || n.rank == Rank::Name || (short && n.len == 2));
    // 녀자 is not a form of 녀다: a short verb is no match for a known noun.
    if nouns.iter().any(|n| n.rank == Rank::Known && n.len > 1) {
        verbs.retain(|v| v.chars().count() > 2);
    }
    let only_verbs = best == Rank::Unknown && !verbs.is_empty();
    Analysis { nouns, verbs, only_verbs }
}

/// Hands out what a run of folded Hangul may stand for: text, first and last character (exclusive) in the run, position from the first. Gives back how many
/// positions it takes, at least one.
pub fn stems(word: &str, push: &mut dyn FnMut(&str, usize, usize, u32)) -> u32 {
    let lexicon = Lexicon::get();
    let chars: Vec<char> = word.chars().collect();
    let found = analysis(lexicon, &chars);
    let mut taken = 1;
    let mut text = String::new();
    for (i, noun) in found.nouns.iter().enumerate() {
        let Some(stem) = chars.get(..noun.len) else { continue };
        put(&mut text, stem);
        push(&text, 0, noun.len, 0);
        if i == 0 {
            taken = taken.max(parts(lexicon, stem, &mut text, push));
        }
    }
    for verb in &found.verbs {
        push(verb, 0, chars.len(), 0);
    }
    taken
}

/// All stems of a word of Hangul without the parts of compounds, the surest first.
pub fn whole_stems(word: &str) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    let found = analysis(Lexicon::get(), &chars);
    let nouns = found.nouns.iter().filter_map(|n| chars.get(..n.len)).map(|s| s.iter().collect::<String>());
    if found.only_verbs { found.verbs.iter().cloned().chain(nouns).collect() } else { nouns.chain(found.verbs.iter().cloned()).collect() }
}

/// The surest stem of a word of Hangul: its noun without particles, or the dictionary form of a verb where no noun is known.
pub fn best(word: &str) -> String {
    whole_stems(word).into_iter().next().unwrap_or_else(|| word.to_owned())
}

/// The first dictionary form of a verb that a word may be.
pub fn verb(word: &str) -> Option<String> {
    let chars: Vec<char> = word.chars().collect();
    analysis(Lexicon::get(), &chars).verbs.into_iter().next()
}

/// The parts of a compound that take positions of their own, in order; fewer than two if it is none.
pub fn compound_parts(noun: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let chars: Vec<char> = noun.chars().collect();
    let mut next = 0;
    parts(Lexicon::get(), &chars, &mut String::new(), &mut |text, _, _, step| {
        if step == next {
            out.push(text.to_owned());
            next += 1;
        }
    });
    out
}

/// The name in a name with a title (박영호소장), if a word is one.
pub fn titled_name(noun: &str) -> Option<String> {
    let chars: Vec<char> = noun.chars().collect();
    let parts = compound::split(Lexicon::get(), &chars);
    let first = parts.first().filter(|_| parts.len() > 1)?;
    let name = chars.get(first.clone())?;
    (names::looks_like(name) && !Lexicon::get().is_noun(name)).then(|| name.iter().collect())
}

/// Whether nothing is known of a word of Hangul but its form.
pub fn is_guess(word: &str) -> bool {
    let chars: Vec<char> = word.chars().collect();
    nouns(Lexicon::get(), &chars).iter().all(|n| n.rank < Rank::Compound)
}

/// Whether a word of Hangul is no known noun and has the shape of a full name.
pub fn is_name(word: &str) -> bool {
    let chars: Vec<char> = word.chars().collect();
    names::looks_like(&chars) && !Lexicon::get().is_noun(&chars)
}

/// Whether a word is a surname.
pub fn is_surname(word: &str) -> bool {
    let mut chars = word.chars();
    matches!((chars.next(), chars.next()), (Some(c), None) if names::SURNAMES.contains(c)) || names::DOUBLE_SURNAMES.contains(&word)
}

/// A noun in the spelling of the other Korea: the rule may apply where the word, a part of a compound or a syllable of a name begins.
pub fn spellings(noun: &str) -> Vec<String> {
    let chars: Vec<char> = noun.chars().collect();
    let places: Vec<usize> =
        if is_name(noun) { (0..chars.len()).collect() } else { compound::split(Lexicon::get(), &chars).into_iter().map(|p| p.start).collect() };
    crate::spelling::others(&chars, &places)
}

/// Hands out the parts of a compound; gives back how many positions they take.
fn parts(lexicon: &Lexicon, stem: &[char], text: &mut String, push: &mut dyn FnMut(&str, usize, usize, u32)) -> u32 {
    let parts = compound::split(lexicon, stem);
    if parts.len() < 2 {
        return 1;
    }
    let mut step = 0;
    for (i, part) in parts.iter().enumerate() {
        if part.len() < 2 {
            continue;
        }
        put(text, stem.get(part.clone()).unwrap_or_default());
        push(text, part.start, part.end, step);
        // What one syllable makes of a noun (보위+부, 수용+소) stands beside the noun itself, unless that is the whole word.
        let after = parts.get(i + 1).filter(|next| next.len() == 1);
        if let Some(next) = after
            && !(part.start == 0 && next.end == stem.len())
        {
            put(text, stem.get(part.start..next.end).unwrap_or_default());
            push(text, part.start, next.end, step);
        }
        step += 1;
    }
    step.max(1)
}

fn put(text: &mut String, chars: &[char]) {
    text.clear();
    text.extend(chars);
}

/// All readings of a word as a noun with or without particles, the likeliest first; the word itself is always among them.
fn nouns(lexicon: &Lexicon, chars: &[char]) -> Vec<Noun> {
    let mut found = vec![Noun { len: chars.len(), rank: rank(lexicon, chars) }];
    josa::cuts(chars, &mut |cut| {
        if let Some(stem) = chars.get(..cut) {
            let rank = rank(lexicon, stem);
            if (cut > 1 || rank == Rank::Known) && !found.iter().any(|n| n.len == cut) {
                found.push(Noun { len: cut, rank });
            }
        }
    });
    eomi::verbal_nouns(chars, &mut |cut| {
        if let Some(stem) = chars.get(..cut)
            && cut > 1
            && !found.iter().any(|n| n.len == cut)
        {
            let rank = rank(lexicon, stem);
            if rank != Rank::Name {
                found.push(Noun { len: cut, rank });
            }
        }
    });
    found.sort_by(|a, b| b.rank.cmp(&a.rank).then(b.len.cmp(&a.len)));
    found
}

fn rank(lexicon: &Lexicon, stem: &[char]) -> Rank {
    if stem.len() == 1 {
        return if stem.first().is_some_and(|c| lexicon::SINGLE_NOUNS.contains(*c)) { Rank::Known } else { Rank::Unknown };
    }
    if lexicon.is_noun(stem) {
        Rank::Known
    } else if names::looks_like(stem) {
        Rank::Name
    } else if compound::split(lexicon, stem).len() > 1 {
        Rank::Compound
    } else {
        Rank::Unknown
    }
}

/// Whether a syllable takes the forms of particles and endings for a closed syllable.
fn closed(c: char) -> bool {
    jamo::has_final(c)
}

#[cfg(test)]
mod tests;
