//! Classes of folded characters.

/// What a folded character is to the analyser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Hangul syllables and letters, old ones included.
    Hangul,
    /// Chinese characters.
    Han,
    /// Japanese syllabaries.
    Kana,
    /// Decimal digits and other numbers.
    Digit,
    /// Letters of all other scripts, and marks.
    Letter,
    /// An apostrophe: part of a word between letters.
    Apostrophe,
    /// White space other than a line end.
    Space,
    /// A line end.
    Line,
    /// A hyphen or a middle dot: what stands on both sides may be one word.
    Join,
    /// Anything else.
    Break,
}

/// The class of a folded character.
pub fn class(c: char) -> Class {
    match c {
        'a'..='z' => Class::Letter,
        '0'..='9' => Class::Digit,
        ' ' | '\t' => Class::Space,
        '\n' | '\r' | '\u{2028}' => Class::Line,
        '\'' => Class::Apostrophe,
        '-' | '·' | '・' | '‧' | 'ㆍ' => Class::Join,
        '\0'..='\x7f' => Class::Break,
        '가'..='힣' | '\u{1100}'..='\u{11FF}' | '\u{3131}'..='\u{318E}' | '\u{A960}'..='\u{A97F}' | '\u{D7B0}'..='\u{D7FF}' => Class::Hangul,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' | '々' | '〇' | '〆' => Class::Han,
        '\u{3041}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' => Class::Kana,
        _ if c.is_alphabetic() || unicode_normalization::char::canonical_combining_class(c) != 0 => Class::Letter,
        _ if c.is_numeric() => Class::Digit,
        _ if c.is_whitespace() => Class::Space,
        _ => Class::Break,
    }
}

impl Class {
    /// Whether neighbours of this class make bigrams.
    pub fn makes_grams(self) -> bool {
        matches!(self, Self::Hangul | Self::Han | Self::Kana)
    }

    /// Whether characters of this class make words.
    pub fn makes_words(self) -> bool {
        matches!(self, Self::Hangul | Self::Han | Self::Kana | Self::Digit | Self::Letter)
    }
}
