//! One way of writing each character, and the way back to the original.
//!
//! Folding is NFKC with case folding (Unicode, chapter 3.13), and beyond it: lone Hangul letters of every block become compatibility letters, and a sequence
//! of them that spells a syllable becomes the syllable (half-width texts and decomposed typing); apostrophes and hyphens of all shapes become one; characters
//! that show nothing (zero-width, soft hyphens, marks of direction, variation selectors, fillers) go. Marks on Latin letters stay.
//! Folding a folded text changes nothing. A folded character knows the bytes of the original it was made from.

use std::collections::VecDeque;
use std::ops::Range;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use crate::jamo;

/// More characters than this on one base are folded apart: a text of marks only must not be held in memory as one character.
const CLUSTER_CHARS_MAX: usize = 32;

/// One character after folding, and the bytes of the original it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldedChar {
    /// The character.
    pub c: char,
    /// First byte in the original.
    pub start: usize,
    /// Byte after the last in the original.
    pub end: usize,
}

/// A folded text with the way back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folded {
    /// The folded text.
    pub text: String,
    /// For each character its offset in [`text`](Self::text) and its range in the original, in order.
    places: Vec<(usize, usize, usize)>,
}

impl Folded {
    /// The bytes of the original that a range of bytes of the folded text comes from: from the first character touched to the last. An empty or outlying
    /// range gives an empty one.
    pub fn source(&self, range: Range<usize>) -> Range<usize> {
        let first = self.places.partition_point(|p| p.0 <= range.start).saturating_sub(1);
        let last = self.places.partition_point(|p| p.0 < range.end);
        match (self.places.get(first), last.checked_sub(1).and_then(|i| self.places.get(i))) {
            (Some(a), Some(b)) if range.start < range.end && a.1 <= b.2 && range.start < self.text.len() => a.1..b.2,
            (Some(a), _) => a.1..a.1,
            _ => 0..0,
        }
    }
}

/// Folds a whole text. For long texts [`folding`] does the same without holding the result.
pub fn fold(text: &str) -> Folded {
    let mut out = Folded { text: String::with_capacity(text.len()), places: Vec::new() };
    for f in folding(text) {
        out.places.push((out.text.len(), f.start, f.end));
        out.text.push(f.c);
    }
    out
}

/// Folds character by character.
pub fn folding(text: &str) -> Folding<'_> {
    Folding { clusters: Clusters { text, at: 0 }, ahead: VecDeque::new() }
}

/// Iterator of [`folding`]. It looks a few characters ahead, never more than one base with its marks and one syllable of letters.
#[derive(Debug, Clone)]
pub struct Folding<'a> {
    clusters: Clusters<'a>,
    ahead: VecDeque<FoldedChar>,
}

impl Iterator for Folding<'_> {
    type Item = FoldedChar;

    fn next(&mut self) -> Option<FoldedChar> {
        if self.ahead.is_empty() {
            if let Some(simple) = self.clusters.simple() {
                return Some(simple);
            }
            if !self.clusters.push_next(&mut self.ahead) {
                return None;
            }
        }
        let first = self.ahead.front().copied()?;
        if let Some(initial) = jamo::initial_index(first.c)
            && let Some(vowel) = self.peek(1).and_then(|f| jamo::vowel_index(f.c))
        {
            // A consonant closes the syllable unless it opens the next one.
            let last = self.peek(2).and_then(|f| jamo::final_index(f.c)).filter(|_| self.peek(3).is_none_or(|f| jamo::vowel_index(f.c).is_none()));
            if let Some(c) = jamo::join(jamo::Syllable { initial, vowel, last: last.unwrap_or(0) }) {
                let used = if last.is_some() { 3 } else { 2 };
                let end = self.ahead.iter().take(used).map(|f| f.end).max().unwrap_or(first.end);
                self.ahead.drain(..used);
                return Some(FoldedChar { c, start: first.start, end });
            }
        }
        self.ahead.pop_front()
    }
}

impl Folding<'_> {
    fn peek(&mut self, n: usize) -> Option<FoldedChar> {
        while self.ahead.len() <= n {
            if !self.clusters.push_next(&mut self.ahead) {
                break;
            }
        }
        self.ahead.get(n).copied()
    }
}

/// Bases with their marks.
#[derive(Debug, Clone)]
struct Clusters<'a> {
    text: &'a str,
    at: usize,
}

impl Clusters<'_> {
    /// The next character if it needs no look at any table and nothing after it joins it.
    #[inline]
    fn simple(&mut self) -> Option<FoldedChar> {
        let rest = self.text.get(self.at..)?;
        let mut chars = rest.chars();
        let c = chars.next()?;
        let plain = match c {
            '`' => return None,
            '\0'..='\x7f' => c.to_ascii_lowercase(),
            '가'..='힣' | '\u{4E00}'..='\u{9FFF}' => c,
            _ => return None,
        };
        match chars.next() {
            None | Some('\0'..='\x7f' | '가'..='힣' | '\u{4E00}'..='\u{9FFF}') => {}
            Some(next) if joins(next) || invisible(next) => return None,
            Some(_) => {}
        }
        let start = self.at;
        self.at += c.len_utf8();
        Some(FoldedChar { c: plain, start, end: self.at })
    }

    /// Folds on until `out` has grown; false if the text ends before.
    fn push_next(&mut self, out: &mut VecDeque<FoldedChar>) -> bool {
        let before = out.len();
        while out.len() == before && self.at < self.text.len() {
            match self.simple() {
                Some(simple) => out.push_back(simple),
                None => self.cluster(out),
            }
        }
        out.len() > before
    }

    /// Folds one base with its marks into `out`, which may get nothing of it.
    fn cluster(&mut self, out: &mut VecDeque<FoldedChar>) {
        let (mut cluster, mut count) = ([' '; CLUSTER_CHARS_MAX], 0);
        let (mut start, mut end) = (self.at, self.at);
        for (i, c) in self.text.get(self.at..).unwrap_or_default().char_indices() {
            let (at, after) = (self.at + i, self.at + i + c.len_utf8());
            if invisible(c) {
                // What is invisible after the last mark belongs to nothing; it is met again and dropped.
                end = if count == 0 { after } else { end };
                continue;
            }
            if count > 0 && !joins(c) {
                break;
            }
            let Some(slot) = cluster.get_mut(count) else { break };
            *slot = c;
            start = if count == 0 { at } else { start };
            end = after;
            count += 1;
        }
        self.at = end;
        fold_cluster(cluster.get(..count).unwrap_or_default(), |c| out.push_back(FoldedChar { c, start, end }));
    }
}

/// Folds one base with its marks until nothing changes any more.
fn fold_cluster(cluster: &[char], mut push: impl FnMut(char)) {
    let step = |text: &mut dyn Iterator<Item = char>| -> Vec<char> { text.map(shape).nfkc().flat_map(lower).filter(|c| !invisible(*c)).collect() };
    let mut now: Vec<char> = step(&mut cluster.iter().copied());
    // Two rounds suffice for all of Unicode 16; the third guards against a newer one.
    for _ in 0..3 {
        let next = step(&mut now.iter().copied());
        if next == now {
            break;
        }
        now = next;
    }
    now.into_iter().map(jamo::lone).for_each(&mut push);
}

/// Apostrophes and hyphens of one shape. Before NFKC, which would make a space and a mark of some.
fn shape(c: char) -> char {
    match c {
        '`' | '´' | '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2032}' | '\u{02B9}' | '\u{02BB}' | '\u{02BC}' | '\u{02BD}' | '\u{02C8}' | '\u{FF07}' => '\'',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' | '\u{FF0D}' => '-',
        _ => c,
    }
}

/// Case folding of one character: lower case, and the letters whose lower case is not yet folded.
fn lower(c: char) -> impl Iterator<Item = char> {
    let (special, plain) = match c {
        'ß' | 'ẞ' => ("ss", None),
        'ς' => ("σ", None),
        _ => ("", Some(c)),
    };
    special.chars().chain(plain.into_iter().flat_map(char::to_lowercase))
}

/// Whether a character belongs to what stands before it.
fn joins(c: char) -> bool {
    match c {
        '\0'..='\u{2FF}' | '가'..='힣' | '\u{2E80}'..='\u{3029}' | '\u{3400}'..='\u{9FFF}' => false,
        '\u{FF9E}' | '\u{FF9F}' => true,
        _ => canonical_combining_class(c) != 0 || is_nfkc_quick(std::iter::once(c)) == IsNormalized::Maybe,
    }
}

/// Whether a character shows nothing and separates nothing.
fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_of_writing() {
        let table = [
            ("\u{1100}\u{1175}\u{11B7}\u{110C}\u{1165}\u{11BC}", "김정"), // NFD of macOS file names
            ("ｶﾞ", "ガ"),
            ("ㄱㅣㅁ ㅈㅓㅇ", "김 정"),
            ("ﾡￂﾤ", "간"), // half-width letters
            ("ㄱ씨", "ㄱ씨"),
            ("ㅋㅋㅋ ㅠㅠ", "ㅋㅋㅋ ㅠㅠ"),
            ("\u{F90A}正恩", "金正恩"), // compatibility ideograph
            ("Ｋｉｍ　ＪＯＮＧ", "kim jong"),
            ("P’yŏngyang", "p'yŏngyang"),
            ("P'yo\u{306}ngyang", "p'yŏngyang"),
            ("수\u{200B}용\u{AD}소", "수용소"),
            ("Straße ﬁn", "strasse fin"),
            ("㈜ ①", "(주) 1"),
            ("re\u{2011}education", "re-education"),
            ("", ""),
            ("\u{FEFF}", ""),
            ("\u{200B}가\u{200B}", "가"),
        ];
        for (input, expect) in table {
            assert_eq!(fold(input).text, expect, "{input:?}");
        }
    }

    #[test]
    fn the_way_back_leads_to_the_original() {
        let text = "a\u{1100}\u{1175}\u{11B7}은 수\u{200B}용";
        let folded = fold(text);
        assert_eq!(folded.text, "a김은 수용");
        assert_eq!(&text[folded.source(1..4)], "\u{1100}\u{1175}\u{11B7}");
        assert_eq!(&text[folded.source(8..14)], "수\u{200B}용");
        assert_eq!(folded.source(0..folded.text.len()), 0..text.len());
        assert!(folded.source(99..100).is_empty());
        assert!(fold("").source(0..1).is_empty());
    }
}
