//! What one thing is called by North and South, in English and romanised: the tables `tables/vocabulary.txt` and `tables/places.txt`.
//!
//! The tables are for reading and adding to; a test holds them to their form. They serve queries only, so that a new line needs no new index.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::token::TokenKind;
use crate::{jamo, korean, sound, spelling};

/// One name of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// As the table has it.
    pub text: &'static str,
    /// Tried, but does not bring in its line.
    pub loose: bool,
}

/// One thing and its names.
pub type Thing = Vec<Name>;

/// All things, and which of them a key names.
pub struct Vocabulary {
    things: Vec<Thing>,
    by_key: HashMap<String, Vec<usize>>,
    /// Sounds of places, for romanised spellings.
    places: HashMap<Vec<String>, Vec<&'static str>>,
    longest: usize,
}

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::load);

/// The lines of the vocabulary that are not comments.
fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("../tables/vocabulary.txt").lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'))
}

/// The places, each with its other names.
fn places() -> impl Iterator<Item = impl Iterator<Item = &'static str>> {
    include_str!("../tables/places.txt").lines().filter(|l| !l.starts_with('#')).flat_map(str::split_whitespace).map(|p| p.split('='))
}

fn names(line: &'static str) -> impl Iterator<Item = Name> {
    line.split('|').map(|name| {
        let name = name.trim();
        Name { text: name.strip_prefix('~').unwrap_or(name).trim(), loose: name.starts_with('~') }
    })
}

/// The Hangul nouns of both tables: they belong to the lexicon, in both spellings.
pub fn nouns() -> impl Iterator<Item = String> {
    let all = lines().flat_map(names).map(|n| n.text).chain(places().flatten());
    all.filter(|w| w.chars().all(jamo::is_syllable)).flat_map(|w| {
        let chars: Vec<char> = w.chars().collect();
        let mut forms = spelling::others(&chars, &[0]);
        forms.push(w.to_owned());
        forms
    })
}

impl Vocabulary {
    /// The vocabulary, read on first use.
    pub fn get() -> &'static Self {
        &VOCABULARY
    }

    fn load() -> Self {
        let mut things: Vec<Thing> = lines().map(|line| names(line).collect()).collect();
        things.extend(places().map(|p| p.map(|text| Name { text, loose: false }).collect::<Thing>()).filter(|t: &Thing| t.len() > 1));
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        let mut longest = 1;
        for (i, thing) in things.iter().enumerate() {
            for name in thing.iter().filter(|n| !n.loose) {
                let words = words(name.text);
                longest = longest.max(words.len());
                let key = key(&words);
                let mut keys = vec![key.clone()];
                if key.chars().all(jamo::is_syllable) {
                    let chars: Vec<char> = key.chars().collect();
                    keys.extend(spelling::others(&chars, &[0]));
                }
                for key in keys {
                    let at = by_key.entry(key).or_default();
                    if !at.contains(&i) {
                        at.push(i);
                    }
                }
            }
        }
        let mut sounds: HashMap<Vec<String>, Vec<&'static str>> = HashMap::new();
        for place in places().flatten() {
            sounds.entry(sound::keys_of_hangul(place)).or_default().push(place);
        }
        Self { things, by_key, places: sounds, longest }
    }

    /// The most words a name has.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The other names of what a key (see [`key`]) names.
    pub fn others(&self, key: &str) -> Vec<Name> {
        let mut out: Vec<Name> = Vec::new();
        for name in self.by_key.get(key).into_iter().flatten().filter_map(|i| self.things.get(*i)).flatten() {
            if !out.contains(name) {
                out.push(*name);
            }
        }
        out
    }

    /// The places whose name sounds so.
    pub fn places_of(&self, keys: &[String]) -> &[&'static str] {
        self.places.get(keys).map(Vec::as_slice).unwrap_or_default()
    }

    /// The places a Hangul word names, in the spelling of the table; a city or county also without its last syllable (회령시, 온성군).
    pub fn place_in(&self, word: &str) -> Vec<&'static str> {
        let chars: Vec<char> = word.chars().collect();
        let short = chars.split_last().filter(|(c, rest)| matches!(c, '시' | '군') && rest.len() > 1).map(|(_, rest)| rest.to_vec());
        let mut out = Vec::new();
        for chars in std::iter::once(chars.clone()).chain(short) {
            let word: String = chars.iter().collect();
            for form in std::iter::once(word).chain(spelling::others(&chars, &[0])) {
                out.extend(self.places_of(&sound::keys_of_hangul(&form)).iter().filter(|p| **p == form));
            }
        }
        out
    }
}

/// One word of a query or of a name: its surest stem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The stem: a Korean noun without particles (a verb's dictionary form if it is only a verb), an English stem, digits, Hanja.
    pub stem: String,
    /// The word as written, folded.
    pub exact: String,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends (exclusive).
    pub end: usize,
}

/// The words of a short text.
pub fn words(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let mut open = false;
    crate::analyse_with(text, &mut |t| match t.kind {
        TokenKind::Exact => {
            out.push(Word { stem: String::new(), exact: t.text.to_owned(), start: t.start, end: t.end });
            open = true;
        }
        TokenKind::Stem if open => {
            // The first stem of a word is the surest. A word of Hangul is asked for its noun, so that a name is met without its particle.
            if let Some(word) = out.last_mut() {
                word.stem = t.text.to_owned();
            }
            open = false;
        }
        _ => {}
    });
    for word in &mut out {
        if word.exact.chars().all(jamo::is_syllable) {
            word.stem = korean::best(&word.exact);
        }
    }
    out
}

/// The key of some words: stems with a space between, except between Korean words, whose spacing does not matter.
pub fn key(words: &[Word]) -> String {
    let mut out = String::new();
    let mut korean = false;
    for word in words {
        let now = !word.stem.starts_with(|c: char| c.is_ascii_alphabetic());
        let spaced = !(korean && now);
        if spaced && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word.stem);
        korean = now;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_their_form() {
        for line in lines() {
            assert!(line.contains('|'), "{line}: a thing with one name");
            let all: Vec<_> = names(line).map(|n| n.text).collect();
            for name in &all {
                assert!(!name.is_empty() && all.iter().filter(|n| n == &name).count() == 1, "{line}: {name}");
            }
        }
        for place in places().flatten() {
            assert!(place.chars().all(jamo::is_syllable) && place.chars().count() >= 2, "{place}");
        }
    }

    #[test]
    fn every_name_brings_in_its_line() {
        let vocabulary = Vocabulary::get();
        for line in lines() {
            let all: Vec<_> = names(line).collect();
            for name in all.iter().filter(|n| !n.loose) {
                let found = vocabulary.others(&key(&words(name.text)));
                assert!(all.iter().all(|n| found.contains(n)), "{}: {found:?}", name.text);
            }
        }
        assert!(vocabulary.others(&key(&words("노동단련대에서"))).iter().any(|n| n.text == "단련대"));
        assert!(vocabulary.others(&key(&words("국가 안전 보위부"))).iter().any(|n| n.text == "국가보위성"));
        assert!(vocabulary.places_of(&sound::keys_of_hangul("청진")).contains(&"청진"));
        assert_eq!((vocabulary.place_in("나진"), vocabulary.place_in("회령시"), vocabulary.place_in("체포")), (vec!["라진"], vec!["회령"], vec![]));
    }
}
