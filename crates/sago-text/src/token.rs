//! What the analyser hands out.

/// One thing to index or to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    /// Folded text; never empty.
    pub text: String,
    /// Where it begins in the original text, in bytes.
    pub start: usize,
    /// Where it ends in the original text, in bytes (exclusive).
    pub end: usize,
    /// Position among the tokens of its kind; see [`TokenKind`].
    pub position: u32,
    /// What it stands for.
    pub kind: TokenKind,
}

/// A [`Token`] whose text is borrowed: what [`crate::analyse_with`] hands out, without an allocation for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRef<'a> {
    /// Folded text; never empty.
    pub text: &'a str,
    /// Where it begins in the original text, in bytes.
    pub start: usize,
    /// Where it ends in the original text, in bytes (exclusive).
    pub end: usize,
    /// Position among the tokens of its kind; see [`TokenKind`].
    pub position: u32,
    /// What it stands for.
    pub kind: TokenKind,
}

impl TokenRef<'_> {
    /// Copies the text.
    pub fn to_token(self) -> Token {
        Token { text: self.text.to_owned(), start: self.start, end: self.end, position: self.position, kind: self.kind }
    }
}

/// What a token stands for. Positions of one kind make sense alone: each kind belongs into an index field of its own, except that [`Gram`](Self::Gram) and
/// [`Bridge`](Self::Bridge) count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TokenKind {
    /// A word as written, folded: one run of Hangul, Hanja, digits or letters. `25호관리소에서` has three: `25`, `호`
    /// (a counter) and `관리소에서`. One position for each; marks and apostrophes of Latin words are kept.
    Exact,
    /// A morpheme that carries meaning: the stem of an English word without marks, a Korean noun without particles, a verb without endings, the parts of a
    /// compound, each at a position of its own. What else the word could be stands at the same position (the whole compound at that of its first part).
    /// Particles and endings take no position. Digits and Hanja are here too, so that a phrase of stems can go through mixed text.
    Stem,
    /// Two neighbouring characters of a word of Hangul, Hanja or kana. The position is that of its first character; one position for each character, two
    /// more where something other than a space, a hyphen or a middle dot stands between.
    Gram,
    /// Two neighbouring characters with a space, one line end, a hyphen or a middle dot between them; counted with [`Gram`](Self::Gram), so that a phrase
    /// over both kinds ignores spacing. For two syllables only, ask [`Gram`](Self::Gram) alone: neighbours across a space are mostly chance.
    Bridge,
    /// Hangul bigrams of how Hanja are read, each reading of both characters; positions as in [`Gram`](Self::Gram), in a field of its own: someone who asks
    /// for other Hanja of the same sound must not meet them.
    Reading,
    /// The sound of one syllable of a Latin word that could be romanised Korean, the same for all systems of romanisation; one position for each syllable,
    /// one for a word that cannot be Korean.
    Sound,
    /// A calendar date in one form, `2011-12-17`, `2011-12` or `--12-17`, however it was written; counted one by one.
    Date,
}

impl TokenKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [Self::Exact, Self::Stem, Self::Gram, Self::Bridge, Self::Reading, Self::Sound, Self::Date];
}
