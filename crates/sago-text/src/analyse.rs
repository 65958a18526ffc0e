//! The analyser: one walk over the folded characters of a text, the same for what is indexed and for what is asked.
//!
//! Words are runs of one script; each gives an exact token and its stems (`korean`, `english`); neighbouring characters of Hangul and Hanja
//! give bigrams whatever the words are, so that a name no list knows is found. Memory does not grow with the text.

use std::collections::HashMap;

use crate::chars::{Class, class};
use crate::date::Dates;
use crate::fold::{FoldedChar, folding};
use crate::token::{Token, TokenKind, TokenRef};
use crate::{english, hanja, korean, sound};

/// A run of more characters than this is cut into pieces of it, each a word of its own; bigrams go across the cut.
pub const WORD_CHARS_MAX: usize = 128;

/// More white space than this between two characters is a break.
const GAP_SPACES_MAX: u32 = 8;

/// At most so many words with hyphens between them are also one word.
const HYPHENATED_MAX: u32 = 4;

/// All tokens of a text, in the order in which [`analyse_with`] hands them out.
pub fn analyse(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    analyse_with(text, &mut |t| out.push(t.to_token()));
    out
}

/// Hands out the tokens of a text. Those of one kind come with positions that never fall, except that the hyphenated whole (a stem) comes after its parts;
/// offsets are bytes of `text` on character boundaries.
pub fn analyse_with(text: &str, sink: &mut dyn FnMut(TokenRef<'_>)) {
    let mut a = Analyser {
        known_latin: HashMap::new(),
        known: HashMap::new(),
        sink,
        exact: 0,
        stem: 0,
        sound: 0,
        grams: Grams::default(),
        run: Vec::new(),
        script: Class::Break,
        after_digits: false,
        apostrophe: None,
        chain: Chain::default(),
        dates: Dates::default(),
        buffer: String::new(),
    };
    for f in folding(text) {
        a.push(f);
    }
    a.end_word();
    a.end_chain();
}

/// So many different words of one text, Korean and Latin each, are remembered with their stems: most words come again.
const KNOWN_MAX: usize = 4096;

/// A stem of a word of Hangul, its place among the word's characters, and its position from the word's first.
struct Stem {
    text: Box<str>,
    first: usize,
    last: usize,
    step: u32,
}

/// A word of Latin letters: without marks, its stem, the keys of its sounds with their positions, and how many positions it takes among the sounds.
struct Latin {
    plain: Box<str>,
    stem: Box<str>,
    sounds: Vec<(Box<str>, u32)>,
    syllables: u32,
}

impl Latin {
    fn of(word: &str) -> Self {
        let plain = english::plain(word);
        // Marks alone leave nothing; they stay what they are.
        let plain = if plain.is_empty() { word.to_owned() } else { plain };
        let mut sounds = Vec::new();
        let syllables = sound::of_latin(word, &mut |key, step| sounds.push((key.into(), step))).max(1);
        Self { stem: english::stem(&plain).into(), plain: plain.into(), sounds, syllables }
    }
}

struct Analyser<'s> {
    known_latin: HashMap<Box<str>, Latin>,
    known: HashMap<Box<str>, (Vec<Stem>, u32)>,
    sink: &'s mut dyn FnMut(TokenRef<'_>),
    exact: u32,
    stem: u32,
    sound: u32,
    grams: Grams,
    run: Vec<FoldedChar>,
    script: Class,
    /// The word before was a number and nothing stood between.
    after_digits: bool,
    apostrophe: Option<FoldedChar>,
    chain: Chain,
    dates: Dates,
    buffer: String,
}

/// Latin words with hyphens between them.
#[derive(Default)]
struct Chain {
    text: String,
    start: usize,
    end: usize,
    position: u32,
    parts: u32,
    /// A hyphen has just followed the last part.
    open: bool,
}

impl Analyser<'_> {
    fn push(&mut self, f: FoldedChar) {
        let class = class(f.c);
        self.grams.push(f, class, self.sink);
        if class == Class::Apostrophe && self.script == Class::Letter && self.apostrophe.is_none() && !self.run.is_empty() {
            self.apostrophe = Some(f);
            return;
        }
        if !class.makes_words() {
            self.end_word();
            self.after_digits = false;
            self.dates.separator(f.c, class);
            if class == Class::Join && self.chain.parts > 0 && !self.chain.open {
                self.chain.open = true;
            } else {
                self.end_chain();
            }
            return;
        }
        if class != self.script || self.run.len() >= WORD_CHARS_MAX {
            self.end_word();
            if class != Class::Letter {
                self.end_chain();
            }
        }
        if let Some(apostrophe) = self.apostrophe.take() {
            self.run.push(apostrophe);
        }
        self.script = class;
        self.run.push(f);
    }

    fn end_word(&mut self) {
        // 25호관리소: the counter is a word of its own.
        if self.script == Class::Hangul && self.after_digits && self.run.len() > 2 && self.run.first().is_some_and(|f| f.c == '호') {
            let rest = self.run.split_off(1);
            self.end_run();
            self.run = rest;
        }
        self.end_run();
    }

    fn end_run(&mut self) {
        self.apostrophe = None;
        let (Some(first), Some(last)) = (self.run.first(), self.run.last()) else { return };
        let (start, end) = (first.start, last.end);
        self.after_digits = self.script == Class::Digit;
        self.buffer.clear();
        self.buffer.extend(self.run.iter().map(|f| f.c));
        (self.sink)(TokenRef { text: &self.buffer, start, end, position: self.exact, kind: TokenKind::Exact });
        self.exact = self.exact.saturating_add(1);
        self.dates.word(&self.buffer, self.script, start, end, self.sink);
        match self.script {
            Class::Hangul => self.hangul(),
            Class::Letter => self.latin(start, end),
            Class::Digit => {
                // Leading zeros of a written date or number are no part of what it says.
                let plain = self.buffer.trim_start_matches('0');
                let plain = if plain.is_empty() { "0" } else { plain };
                (self.sink)(TokenRef { text: plain, start, end, position: self.stem, kind: TokenKind::Stem });
                self.stem = self.stem.saturating_add(1);
            }
            _ => {
                (self.sink)(TokenRef { text: &self.buffer, start, end, position: self.stem, kind: TokenKind::Stem });
                self.stem = self.stem.saturating_add(1);
            }
        }
        self.run.clear();
    }

    fn hangul(&mut self) {
        if !self.known.contains_key(self.buffer.as_str()) {
            let mut stems = Vec::new();
            let taken = korean::stems(&self.buffer, &mut |text, first, last, step| stems.push(Stem { text: text.into(), first, last, step }));
            if self.known.len() >= KNOWN_MAX {
                self.known.clear();
            }
            self.known.insert(self.buffer.as_str().into(), (stems, taken));
        }
        let Some((stems, taken)) = self.known.get(self.buffer.as_str()) else { return };
        for stem in stems {
            if let (Some(a), Some(b)) = (self.run.get(stem.first), stem.last.checked_sub(1).and_then(|i| self.run.get(i))) {
                let position = self.stem.saturating_add(stem.step);
                (self.sink)(TokenRef { text: &stem.text, start: a.start, end: b.end, position, kind: TokenKind::Stem });
            }
        }
        self.stem = self.stem.saturating_add(*taken);
    }

    fn latin(&mut self, start: usize, end: usize) {
        if !self.known_latin.contains_key(self.buffer.as_str()) {
            if self.known_latin.len() >= KNOWN_MAX {
                self.known_latin.clear();
            }
            self.known_latin.insert(self.buffer.as_str().into(), Latin::of(&self.buffer));
        }
        if !(self.chain.open && self.chain.parts < HYPHENATED_MAX) {
            self.end_chain();
        }
        let Some(word) = self.known_latin.get(self.buffer.as_str()) else { return };
        if self.chain.parts == 0 {
            self.chain.text.clear();
            self.chain.start = start;
            self.chain.position = self.stem;
        }
        self.chain.text.push_str(&word.plain);
        self.chain.end = end;
        self.chain.parts += 1;
        self.chain.open = false;
        (self.sink)(TokenRef { text: &word.stem, start, end, position: self.stem, kind: TokenKind::Stem });
        self.stem = self.stem.saturating_add(1);
        for (key, step) in &word.sounds {
            (self.sink)(TokenRef { text: key, start, end, position: self.sound.saturating_add(*step), kind: TokenKind::Sound });
        }
        self.sound = self.sound.saturating_add(word.syllables);
    }

    fn end_chain(&mut self) {
        if self.chain.parts > 1 {
            let Chain { start, end, position, .. } = self.chain;
            (self.sink)(TokenRef { text: &english::stem(&self.chain.text), start, end, position, kind: TokenKind::Stem });
        }
        self.chain.parts = 0;
        self.chain.open = false;
    }
}

/// What stands between the last character that makes bigrams and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Soft { spaces: u32, lines: u32, joins: u32 },
    Hard,
}

struct Grams {
    last: Option<FoldedChar>,
    position: u32,
    gap: Gap,
    buffer: String,
}

impl Default for Grams {
    fn default() -> Self {
        Self { last: None, position: 0, gap: Gap::None, buffer: String::new() }
    }
}

impl Grams {
    fn push(&mut self, f: FoldedChar, class: Class, sink: &mut dyn FnMut(TokenRef<'_>)) {
        if !class.makes_grams() {
            self.widen(class);
            return;
        }
        if let Some(last) = self.last {
            if self.gap == Gap::Hard {
                self.position = self.position.saturating_add(3);
            } else {
                let kind = if self.gap == Gap::None { TokenKind::Gram } else { TokenKind::Bridge };
                let (start, end, position) = (last.start, f.end, self.position);
                self.buffer.clear();
                self.buffer.push(last.c);
                self.buffer.push(f.c);
                sink(TokenRef { text: &self.buffer, start, end, position, kind });
                hanja::readings_of_pair(last.c, f.c, &mut |text| sink(TokenRef { text, start, end, position, kind: TokenKind::Reading }));
                self.position = self.position.saturating_add(1);
            }
        }
        self.last = Some(f);
        self.gap = Gap::None;
    }

    fn widen(&mut self, class: Class) {
        let (mut s, mut l, mut j) = match self.gap {
            Gap::None => (0, 0, 0),
            Gap::Soft { spaces, lines, joins } => (spaces, lines, joins),
            Gap::Hard => return,
        };
        match class {
            Class::Space => s += 1,
            Class::Line => l += 1,
            Class::Join => j += 1,
            _ => s = GAP_SPACES_MAX + 1,
        }
        self.gap = if s > GAP_SPACES_MAX || l > 1 || j > 1 { Gap::Hard } else { Gap::Soft { spaces: s, lines: l, joins: j } };
    }
}
