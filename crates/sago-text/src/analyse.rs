//! The analyser: one walk over the folded characters of a text, the same for what is indexed and for what is asked.
//!
//! Words are runs of one script; each gives an exact token and its stems ([`crate::korean`], [`crate::english`]); neighbouring characters of Hangul and Hanja
//! give bigrams whatever the words are, so that a name no list knows is found. Memory does not grow with the text.

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

struct Analyser<'s> {
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
        let (run, sink, base) = (&self.run, &mut *self.sink, self.stem);
        let taken = korean::stems(&self.buffer, &mut |text, first, last, step| {
            if let (Some(a), Some(b)) = (run.get(first), last.checked_sub(1).and_then(|i| run.get(i))) {
                sink(TokenRef { text, start: a.start, end: b.end, position: base.saturating_add(step), kind: TokenKind::Stem });
            }
        });
        self.stem = self.stem.saturating_add(taken);
    }

    fn latin(&mut self, start: usize, end: usize) {
        let plain = english::plain(&self.buffer);
        // Marks alone leave nothing; they stay what they are.
        let plain = if plain.is_empty() { self.buffer.clone() } else { plain };
        if self.chain.open && self.chain.parts < HYPHENATED_MAX {
            self.chain.text.push_str(&plain);
            self.chain.end = end;
            self.chain.parts += 1;
            self.chain.open = false;
        } else {
            self.end_chain();
            self.chain = Chain { text: plain.clone(), start, end, position: self.stem, parts: 1, open: false };
        }
        (self.sink)(TokenRef { text: &english::stem(&plain), start, end, position: self.stem, kind: TokenKind::Stem });
        self.stem = self.stem.saturating_add(1);
        let (sink, base) = (&mut *self.sink, self.sound);
        let taken = sound::of_latin(&self.buffer, &mut |text, step| {
            sink(TokenRef { text, start, end, position: base.saturating_add(step), kind: TokenKind::Sound });
        });
        self.sound = self.sound.saturating_add(taken.max(1));
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
