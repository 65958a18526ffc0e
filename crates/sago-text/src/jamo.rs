//! Arithmetic of Hangul syllables and letters (Unicode, chapter 3.12, and the block of compatibility letters).

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

const S_BASE: u32 = 0xAC00;
const V_COUNT: u32 = 21;
const T_COUNT: u32 = 28;
const S_COUNT: u32 = 19 * V_COUNT * T_COUNT;

/// Compatibility letters of the 19 initial consonants, in the order of the syllables.
pub const INITIALS: [char; 19] = ['ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ'];

/// Compatibility letters of the 27 final consonants (batchim), in the order of the syllables, without "none".
pub const FINALS: [char; 27] = [
    'ㄱ', 'ㄲ', 'ㄳ', 'ㄴ', 'ㄵ', 'ㄶ', 'ㄷ', 'ㄹ', 'ㄺ', 'ㄻ', 'ㄼ', 'ㄽ', 'ㄾ', 'ㄿ', 'ㅀ', 'ㅁ', 'ㅂ', 'ㅄ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ',
    'ㅎ',
];

/// A syllable taken apart: indices of the initial (0 to 18), the vowel (0 to 20) and the final (0 is none, to 27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syllable {
    /// Initial consonant, 11 is ㅇ.
    pub initial: u32,
    /// Vowel, 0 is ㅏ, 20 is ㅣ.
    pub vowel: u32,
    /// Final consonant, 0 is none.
    pub last: u32,
}

/// Takes a precomposed syllable apart; none for any other character.
pub fn split(c: char) -> Option<Syllable> {
    let index = u32::from(c).checked_sub(S_BASE).filter(|i| *i < S_COUNT)?;
    Some(Syllable { initial: index / (V_COUNT * T_COUNT), vowel: index / T_COUNT % V_COUNT, last: index % T_COUNT })
}

/// Puts a syllable together; none if an index is out of range.
pub fn join(s: Syllable) -> Option<char> {
    if s.initial >= 19 || s.vowel >= V_COUNT || s.last >= T_COUNT {
        return None;
    }
    char::from_u32(S_BASE + (s.initial * V_COUNT + s.vowel) * T_COUNT + s.last)
}

/// Whether it is a precomposed syllable.
pub fn is_syllable(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

/// Whether it is a syllable with a final consonant.
pub fn has_final(c: char) -> bool {
    split(c).is_some_and(|s| s.last != 0)
}

/// Index of a compatibility letter as an initial consonant.
pub fn initial_index(c: char) -> Option<u32> {
    INITIALS.iter().position(|x| *x == c).and_then(|i| u32::try_from(i).ok())
}

/// Index of a compatibility letter as a vowel.
pub fn vowel_index(c: char) -> Option<u32> {
    ('ㅏ'..='ㅣ').contains(&c).then(|| u32::from(c) - u32::from('ㅏ'))
}

/// Index of a compatibility letter as a final consonant, from 1.
pub fn final_index(c: char) -> Option<u32> {
    FINALS.iter().position(|x| *x == c).and_then(|i| u32::try_from(i + 1).ok())
}

/// The compatibility letter of a lone conjoining letter; any other character, and a letter of old Hangul that has none, as it is.
pub fn lone(c: char) -> char {
    // NFKC makes conjoining letters of compatibility letters; this is the way back, so that folding twice is folding once.
    static BACK: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
        let mut back: Vec<(char, char)> = ('\u{3131}'..='\u{318E}').filter_map(|c| std::iter::once(c).nfkc().next().map(|n| (n, c))).collect();
        back.sort_unstable();
        back
    });
    match c {
        '\u{1100}'..='\u{11FF}' => match BACK.binary_search_by_key(&c, |b| b.0) {
            Ok(i) => BACK.get(i).map_or(c, |b| b.1),
            Err(_) => (u32::from(c) as usize).checked_sub(0x11A8).and_then(|i| FINALS.get(i)).copied().unwrap_or(c),
        },
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syllable_comes_apart_and_together() {
        let mut count = 0;
        for c in '가'..='힣' {
            assert_eq!(join(split(c).unwrap()), Some(c));
            count += 1;
        }
        assert_eq!(count, 11_172);
        assert_eq!(split('A'), None);
        assert_eq!(join(Syllable { initial: 19, vowel: 0, last: 0 }), None);
    }

    #[test]
    fn letters_have_their_places() {
        assert_eq!(lone('\u{1100}'), 'ㄱ');
        assert_eq!(lone('\u{11C2}'), 'ㅎ');
        assert_eq!(lone('\u{1175}'), 'ㅣ');
        assert_eq!(lone('\u{1113}'), '\u{1113}');
        assert_eq!(join(Syllable { initial: initial_index('ㅎ').unwrap(), vowel: vowel_index('ㅏ').unwrap(), last: final_index('ㄴ').unwrap() }), Some('한'));
        assert!(has_final('김') && !has_final('리') && !has_final('x'));
        assert_eq!((lone('\u{111A}'), lone('\u{11B6}'), lone('\u{1140}')), ('ㅀ', 'ㅀ', 'ㅿ'));
    }
}
