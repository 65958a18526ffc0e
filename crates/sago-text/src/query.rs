//! What a person means who writes words into a search field.
//!
//! A query becomes groups, one for each word (or few words that are one name); a document answers a group if it answers any of its ways, and the query, as a
//! rule, if it answers all groups. Ways say why they are there, so that a page can show how a query was understood, and carry a weight, so that what was
//! written comes before what was guessed. Operators, quotes and fields are the caller's: it hands in the plain words between them.

use crate::chars::{Class, class};
use crate::fold::folding;
use crate::token::TokenKind;
use crate::vocabulary::{self, Vocabulary, Word};
use crate::{english, hanja, korean, sound};

/// A word of a query and all the ways to meet it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Where the word begins in the query, in bytes.
    pub start: usize,
    /// Where it ends (exclusive).
    pub end: usize,
    /// The ways, the likeliest first; never empty.
    pub ways: Vec<Way>,
}

/// One way to meet a word: a phrase over the tokens of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// The kind of token.
    pub kind: TokenKind,
    /// With [`TokenKind::Gram`]: whether [`TokenKind::Bridge`] tokens may stand in the phrase, so that spaces do not matter.
    pub bridged: bool,
    /// The terms in order, each at the position after the one before; at least one.
    pub terms: Vec<String>,
    /// Why it is there.
    pub why: Why,
    /// How much a hit counts, at most 1.0 (as written).
    pub weight: f32,
}

/// Why a way is among those of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Why {
    /// As written, after folding.
    Written,
    /// The stem, or the parts of the compound.
    Stem,
    /// Inside longer words, or across spaces.
    Inside,
    /// The same word in the spelling of the other Korea (리, 이; 로동, 노동).
    Spelling,
    /// Another name of the same thing (보위부, 보위성).
    Synonym,
    /// Hanja for Hangul or the reverse.
    Reading,
    /// Romanised Korean for Hangul or the reverse.
    Romanised,
    /// The same date in another form.
    Date,
}

/// What was asked for counts in full; each step away from it counts less.
mod weight {
    pub const WRITTEN: f32 = 1.0;
    pub const STEM: f32 = 0.9;
    pub const PARTS: f32 = 0.7;
    pub const SPELLING: f32 = 0.65;
    pub const INSIDE: f32 = 0.5;
    pub const READING: f32 = 0.45;
    pub const SYNONYM: f32 = 0.4;
    pub const ROMANISED: f32 = 0.35;
}

/// At most so many Hangul spellings are tried for a romanised name.
const HANGUL_MAX: usize = 48;

/// At most so many readings are tried for a word of Hanja.
const READINGS_MAX: usize = 8;

/// Understands the plain words of a query. A text without a word gives no group.
pub fn understand(query: &str) -> Vec<Group> {
    let words = vocabulary::words(query);
    let vocabulary = Vocabulary::get();
    let mut groups = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let rest = words.get(at..).unwrap_or_default();
        let (used, ways) = date(query, rest)
            .or_else(|| number(rest))
            .or_else(|| thing(vocabulary, rest))
            .or_else(|| spaced(rest))
            .or_else(|| latin_name(rest))
            .unwrap_or_else(|| (1, word(vocabulary, rest)));
        let used = used.clamp(1, rest.len());
        if let (Some(first), Some(last)) = (rest.first(), rest.get(used - 1)) {
            groups.push(Group { start: first.start, end: last.end, ways: ways.done() });
        }
        at += used;
    }
    groups
}

/// Everything a single word of Hangul, Hanja or Latin may also be, as [`understand`] finds it; without the word as written. Empty if there is nothing else.
pub fn expand(word: &str) -> Vec<Way> {
    understand(word).into_iter().flat_map(|g| g.ways).filter(|w| !matches!(w.why, Why::Written | Why::Stem | Why::Inside)).collect()
}

/// The ways of a group while they are found.
#[derive(Default)]
struct Ways(Vec<Way>);

impl Ways {
    fn add(&mut self, kind: TokenKind, terms: Vec<String>, why: Why, weight: f32) {
        let bridged = kind == TokenKind::Gram && terms.len() > 1;
        let known = self.0.iter().any(|w| w.kind == kind && w.terms == terms);
        if !known && !terms.is_empty() && terms.iter().all(|t| !t.is_empty()) {
            self.0.push(Way { kind, bridged, terms, why, weight });
        }
    }

    fn one(&mut self, kind: TokenKind, term: &str, why: Why, weight: f32) {
        self.add(kind, vec![term.to_owned()], why, weight);
    }

    /// A word of Hangul or Hanja wherever it stands. Two syllables are a stem first: inside longer words they are often chance.
    fn inside(&mut self, text: &str, why: Why, weight: f32) {
        self.add(TokenKind::Gram, bigrams(text), why, if bigrams(text).len() == 1 { weight * 0.6 } else { weight });
    }

    /// The parts of a compound one after another, so that particles between them do not matter (강제로 낙태).
    fn parts(&mut self, noun: &str, why: Why, weight: f32) {
        let parts = korean::compound_parts(noun);
        if parts.len() > 1 {
            self.add(TokenKind::Stem, parts, why, weight);
        }
    }

    fn done(mut self) -> Vec<Way> {
        self.0.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        self.0
    }
}

/// The bigrams of a text without what makes none.
fn bigrams(text: &str) -> Vec<String> {
    let chars: Vec<char> = folding(text).map(|f| f.c).filter(|c| class(*c).makes_grams()).collect();
    chars.windows(2).map(|pair| pair.iter().collect()).collect()
}

fn is_hangul(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| class(c) == Class::Hangul)
}

fn is_hanja(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| class(c) == Class::Han)
}

fn is_latin(word: &str) -> bool {
    word.chars().next().is_some_and(|c| class(c) == Class::Letter)
}

/// One word.
fn word(vocabulary: &Vocabulary, rest: &[Word]) -> Ways {
    let mut ways = Ways::default();
    let Some(word) = rest.first() else { return ways };
    ways.one(TokenKind::Exact, &word.exact, Why::Written, weight::WRITTEN);
    ways.one(TokenKind::Stem, &word.stem, Why::Stem, weight::STEM);
    if is_hangul(&word.exact) {
        hangul(vocabulary, word, &mut ways);
    } else if is_hanja(&word.exact) {
        ways.inside(&word.exact, Why::Inside, weight::INSIDE);
        hanja_as_hangul(&word.exact, &mut ways);
    } else if is_latin(&word.exact) {
        latin(vocabulary, word, &mut ways);
    } else {
        ways.inside(&word.exact, Why::Inside, weight::INSIDE);
    }
    ways
}

fn hangul(vocabulary: &Vocabulary, word: &Word, ways: &mut Ways) {
    for stem in korean::whole_stems(&word.exact) {
        ways.one(TokenKind::Stem, &stem, Why::Stem, if stem == word.stem { weight::STEM } else { weight::PARTS });
    }
    // A bare verb has no noun to look for inside other words: what was written is looked for.
    let base = if word.exact.starts_with(&word.stem) { word.stem.clone() } else { word.exact.clone() };
    ways.inside(&base, Why::Inside, weight::INSIDE);
    if base != word.exact && korean::is_guess(&word.exact) {
        ways.inside(&word.exact, Why::Inside, weight::INSIDE);
    }
    ways.parts(&base, Why::Stem, weight::PARTS);
    if let Some(name) = korean::titled_name(&base) {
        ways.inside(&name, Why::Inside, weight::INSIDE - 0.05);
        sounds(&name, ways);
    }
    for place in vocabulary.place_in(&base) {
        sounds(place, ways);
    }
    spellings(&base, ways);
    ways.add(TokenKind::Reading, bigrams(&base), Why::Reading, weight::READING);
    if korean::is_name(&base) {
        sounds(&base, ways);
    }
}

/// The same word in the spelling of the other Korea.
fn spellings(base: &str, ways: &mut Ways) {
    for other in korean::spellings(base) {
        ways.one(TokenKind::Stem, &other, Why::Spelling, weight::SPELLING);
        ways.inside(&other, Why::Spelling, weight::SPELLING - 0.15);
    }
}

/// A Hangul name in Latin letters, family name first or last.
fn sounds(base: &str, ways: &mut Ways) {
    let keys = sound::keys_of_hangul(base);
    if keys.len() > 1 {
        ways.add(TokenKind::Sound, keys.clone(), Why::Romanised, weight::ROMANISED);
    }
    if keys.len() == 3 && korean::is_name(base) {
        let turned = keys.iter().skip(1).chain(keys.first()).cloned().collect();
        ways.add(TokenKind::Sound, turned, Why::Romanised, weight::ROMANISED - 0.05);
    }
}

fn hanja_as_hangul(word: &str, ways: &mut Ways) {
    for reading in hanja::readings_of_word(word, READINGS_MAX) {
        ways.one(TokenKind::Stem, &reading, Why::Reading, weight::READING + 0.05);
        ways.inside(&reading, Why::Reading, weight::READING);
        if korean::is_name(&reading) {
            sounds(&reading, ways);
        }
        for place in Vocabulary::get().place_in(&reading) {
            sounds(place, ways);
        }
    }
}

fn latin(vocabulary: &Vocabulary, word: &Word, ways: &mut Ways) {
    for keys in sound::keys_of_latin(&word.exact).into_iter().filter(|keys| keys.len() > 1) {
        for place in vocabulary.places_of(&keys) {
            ways.one(TokenKind::Stem, place, Why::Romanised, weight::ROMANISED + 0.05);
            ways.inside(place, Why::Romanised, weight::ROMANISED);
            spellings_of_place(place, ways);
            ways.add(TokenKind::Sound, keys.clone(), Why::Romanised, weight::ROMANISED);
            ways.add(TokenKind::Reading, bigrams(place), Why::Romanised, weight::ROMANISED - 0.05);
        }
    }
}

fn spellings_of_place(place: &str, ways: &mut Ways) {
    for other in korean::spellings(place) {
        ways.inside(&other, Why::Romanised, weight::ROMANISED - 0.05);
    }
}

/// The longest run of words that names something of the vocabulary.
fn thing(vocabulary: &Vocabulary, rest: &[Word]) -> Option<(usize, Ways)> {
    (1..=vocabulary.longest().min(rest.len())).rev().find_map(|n| {
        let words = rest.get(..n)?;
        let mut names = vocabulary.others(&vocabulary::key(words));
        if let [only] = words
            && is_hanja(&only.exact)
        {
            names.extend(hanja::readings_of_word(&only.exact, READINGS_MAX).iter().flat_map(|r| vocabulary.others(r)));
        }
        // 죽은 is of 죽다 and of 죽: the vocabulary may know the verb only.
        let verbs: Vec<Word> = words.iter().map(|w| Word { stem: korean::verb(&w.exact).unwrap_or_else(|| w.stem.clone()), ..w.clone() }).collect();
        names.extend(vocabulary.others(&vocabulary::key(&verbs)));
        if names.is_empty() {
            return None;
        }
        let mut ways = if n == 1 { word(vocabulary, words) } else { phrase(words) };
        for name in names {
            let theirs = vocabulary::words(name.text);
            if theirs.iter().all(|w| is_hangul(&w.exact)) {
                if theirs.len() > 1 {
                    // Several words of Korean are verbs among others (굶어 죽다): their forms differ, their stems do not.
                    let stems = |verbs: bool| theirs.iter().map(|w| korean::verb(&w.exact).filter(|_| verbs).unwrap_or_else(|| w.stem.clone())).collect();
                    ways.add(TokenKind::Stem, stems(false), Why::Synonym, weight::SYNONYM);
                    ways.add(TokenKind::Stem, stems(true), Why::Synonym, weight::SYNONYM);
                    continue;
                }
                let joined: String = theirs.iter().map(|w| w.exact.as_str()).collect();
                ways.parts(&joined, Why::Synonym, weight::SYNONYM - 0.05);
                ways.one(TokenKind::Stem, &joined, Why::Synonym, weight::SYNONYM + 0.05);
                ways.inside(&joined, Why::Synonym, weight::SYNONYM);
                for other in korean::spellings(&joined) {
                    ways.inside(&other, Why::Synonym, weight::SYNONYM - 0.05);
                }
                ways.add(TokenKind::Reading, bigrams(&joined), Why::Synonym, weight::SYNONYM - 0.1);
            } else {
                ways.add(TokenKind::Stem, theirs.into_iter().map(|w| w.stem).collect(), Why::Synonym, weight::SYNONYM);
            }
        }
        Some((n, ways))
    })
}

/// Several words as one.
fn phrase(words: &[Word]) -> Ways {
    let mut ways = Ways::default();
    ways.add(TokenKind::Exact, words.iter().map(|w| w.exact.clone()).collect(), Why::Written, weight::WRITTEN);
    ways.add(TokenKind::Stem, words.iter().map(|w| w.stem.clone()).collect(), Why::Stem, weight::STEM);
    if words.iter().all(|w| is_hangul(&w.exact) || is_hanja(&w.exact)) {
        let joined: String = words.iter().map(|w| w.stem.as_str()).collect();
        ways.one(TokenKind::Stem, &joined, Why::Inside, weight::PARTS);
        ways.inside(&joined, Why::Inside, weight::INSIDE);
        for other in korean::spellings(&joined) {
            ways.inside(&other, Why::Spelling, weight::INSIDE);
        }
    }
    ways
}

/// A name whose syllables stand apart: 김 정은, 남궁 혁, 金 正 恩.
fn spaced(rest: &[Word]) -> Option<(usize, Ways)> {
    let syllables = |w: &Word| w.exact.chars().count();
    let [first, second, more @ ..] = rest else { return None };
    let hangul = is_hangul(&first.exact) && is_hangul(&second.exact) && korean::is_surname(&first.exact);
    let hanja = is_hanja(&first.exact) && is_hanja(&second.exact) && syllables(first) == 1;
    if !(hangul || hanja) || syllables(second) > if syllables(first) == 1 { 4 } else { 2 } {
        return None;
    }
    let third = more.first().filter(|w| syllables(second) == 1 && syllables(w) == 1 && is_hangul(&w.exact) == hangul && (hangul || is_hanja(&w.exact)));
    let used = if third.is_some() { 3 } else { 2 };
    let words = rest.get(..used)?;
    let joined: String = words.iter().map(|w| w.exact.as_str()).collect();
    let mut ways = phrase(words);
    for way in word(Vocabulary::get(), &vocabulary::words(&joined)).0 {
        ways.add(way.kind, way.terms, way.why, way.weight);
    }
    Some((used, ways))
}

/// A number with what is counted: 25호, 제12호, 2003년. The number alone will do, since others write No. 25 or 2003.
fn number(rest: &[Word]) -> Option<(usize, Ways)> {
    let before = usize::from(rest.first().is_some_and(|w| w.exact == "제" || w.exact == "第"));
    let digits = rest.get(before).filter(|w| w.exact.chars().all(|c| class(c) == Class::Digit))?;
    let counter = rest.get(before + 1).filter(|w| w.start == digits.end && COUNTERS.contains(&w.exact.as_str()));
    if before == 0 && counter.is_none() {
        return None;
    }
    let mut ways = Ways::default();
    if let Some(counter) = counter {
        ways.add(TokenKind::Exact, vec![digits.exact.clone(), counter.exact.clone()], Why::Written, weight::WRITTEN);
        ways.add(TokenKind::Stem, vec![digits.stem.clone(), counter.stem.clone()], Why::Stem, weight::STEM);
    }
    ways.one(TokenKind::Exact, &digits.exact, Why::Written, weight::INSIDE);
    Some((before + 1 + usize::from(counter.is_some()), ways))
}

/// What is counted by a number that stands directly before it.
const COUNTERS: [&str; 14] = ["호", "년", "월", "일", "명", "살", "세", "번", "대", "차", "號", "年", "月", "日"];

/// A romanised name: a family name and one or two more syllables, before or after it.
fn latin_name(rest: &[Word]) -> Option<(usize, Ways)> {
    (2..=3usize.min(rest.len())).rev().find_map(|n| {
        let words = rest.get(..n)?;
        let parts: Vec<&str> = words.iter().map(|w| w.exact.as_str()).collect();
        if !words.iter().all(|w| is_latin(&w.exact)) {
            return None;
        }
        let (first, last) = (parts.first()?, parts.last()?);
        let mut ways = phrase(words);
        let mut found = false;
        for (surname, given) in [(*first, parts.get(1..)?), (*last, parts.get(..n - 1)?)] {
            let surnames: Vec<String> = sound::hangul_of_latin(surname, 8).into_iter().filter(|h| korean::is_surname(h)).collect();
            let given_hangul = given_names(given);
            if surnames.is_empty() || given_hangul.is_empty() {
                continue;
            }
            found = true;
            for keys in sound_phrases(surname, given) {
                let turned: Vec<String> = keys.iter().skip(1).chain(keys.first()).cloned().collect();
                ways.add(TokenKind::Sound, keys, Why::Romanised, weight::ROMANISED);
                ways.add(TokenKind::Sound, turned, Why::Romanised, weight::ROMANISED - 0.05);
            }
            let names = surnames.iter().flat_map(|s| given_hangul.iter().map(move |g| format!("{s}{g}")));
            for name in names.take(HANGUL_MAX) {
                ways.inside(&name, Why::Romanised, weight::ROMANISED);
                ways.add(TokenKind::Reading, bigrams(&name), Why::Romanised, weight::ROMANISED - 0.05);
            }
        }
        let joined: String = words.iter().skip(1).map(|w| w.exact.as_str()).collect();
        ways.add(TokenKind::Stem, vec![words.first()?.stem.clone(), english::stem(&english::plain(&joined))], Why::Stem, weight::PARTS);
        found.then_some((n, ways))
    })
}

/// The Hangul given names, of two syllables or one, behind one or two words.
fn given_names(given: &[&str]) -> Vec<String> {
    let mut out = vec![String::new()];
    for word in given {
        let parts = sound::hangul_of_latin(word, HANGUL_MAX);
        out = out.iter().flat_map(|o| parts.iter().map(move |p| format!("{o}{p}"))).take(HANGUL_MAX).collect();
    }
    out.retain(|w| (1..=2).contains(&w.chars().count()));
    out
}

/// The key phrases of a romanised name, family name first.
fn sound_phrases(surname: &str, given: &[&str]) -> Vec<Vec<String>> {
    let mut out = sound::keys_of_latin(surname);
    for word in given {
        let parts = sound::keys_of_latin(word);
        out = out.iter().flat_map(|o| parts.iter().map(move |p| o.iter().chain(p).cloned().collect())).take(READINGS_MAX).collect();
    }
    out.retain(|keys: &Vec<String>| (2..=3).contains(&keys.len()));
    out
}

/// A date at the beginning of what is left of the query.
fn date(query: &str, rest: &[Word]) -> Option<(usize, Ways)> {
    let first = rest.first()?;
    let mut found: Option<(String, usize)> = None;
    crate::analyse_with(query, &mut |t| {
        if t.kind == TokenKind::Date && t.start == first.start && found.as_ref().is_none_or(|f| f.0.len() < t.text.len()) {
            found = Some((t.text.to_owned(), t.end));
        }
    });
    let (text, end) = found?;
    let used = rest.iter().take_while(|w| w.start < end).count();
    let mut ways = Ways::default();
    ways.one(TokenKind::Date, &text, Why::Date, weight::STEM);
    ways.add(TokenKind::Exact, rest.iter().take(used).map(|w| w.exact.clone()).collect(), Why::Written, weight::WRITTEN);
    Some((used, ways))
}
