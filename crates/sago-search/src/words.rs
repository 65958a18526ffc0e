//! What the analyser says of a text, sorted into the text fields of the index.

use sago_text::{TokenKind, analyse_with};

/// A text field of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Words as written, folded.
    Exact,
    /// Stems and morphemes.
    Stem,
    /// Neighbouring characters, across spaces too, for phrases that ignore spacing.
    Gram,
    /// Neighbouring characters of one word, for words of two syllables, which across a space would mostly be chance.
    Pair,
    /// How Hanja are read.
    Reading,
    /// Sounds of Latin words that could be romanised Korean.
    Sound,
    /// Calendar dates in one form.
    Date,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] = [Kind::Exact, Kind::Stem, Kind::Gram, Kind::Pair, Kind::Reading, Kind::Sound, Kind::Date];

    /// Name of the field.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Exact => "exact",
            Kind::Stem => "stem",
            Kind::Gram => "gram",
            Kind::Pair => "pair",
            Kind::Reading => "reading",
            Kind::Sound => "sound",
            Kind::Date => "date",
        }
    }
}

/// A term with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    /// Bytes in the original text.
    pub start: usize,
    pub end: usize,
    pub position: u32,
}

/// The terms of one text, by [`Kind`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Words([Vec<Word>; Kind::ALL.len()]);

impl Words {
    pub(crate) fn of(&self, kind: Kind) -> &[Word] {
        &self.0[kind as usize]
    }
}

/// Analyses a text; the same for what is indexed and what is asked.
pub(crate) fn analyse(text: &str) -> Words {
    let mut words = Words::default();
    analyse_with(text, &mut |token| {
        let word = Word { text: token.text.to_owned(), start: token.start, end: token.end, position: token.position };
        let kind = match token.kind {
            TokenKind::Exact => Kind::Exact,
            TokenKind::Stem => Kind::Stem,
            TokenKind::Gram => {
                words.0[Kind::Pair as usize].push(word.clone());
                Kind::Gram
            }
            TokenKind::Bridge => Kind::Gram,
            TokenKind::Reading => Kind::Reading,
            TokenKind::Sound => Kind::Sound,
            TokenKind::Date => Kind::Date,
            // A kind that is added to the analyser must be given a field here; the test below counts them.
            _ => return,
        };
        words.0[kind as usize].push(word);
    });
    for list in &mut words.0 {
        // A hyphenated whole comes after its parts; the index wants positions that never fall.
        list.sort_by_key(|word| word.position);
        list.dedup_by(|next, kept| next.position == kept.position && next.text == kept.text);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_token_has_a_field() {
        assert_eq!(TokenKind::ALL.len(), 7, "a kind was added to the analyser: give it a field in `analyse`");
    }
}
