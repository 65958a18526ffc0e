//! Spellings of North and South: the initial-sound rule.
//!
//! The South writes no ㄹ at the beginning of a Sino-Korean word, and no ㄴ before ㅣ and y-vowels (Hangul orthography, articles 10 to 12); the North writes
//! the sound of the character everywhere. Names follow either.

use crate::jamo::{self, Syllable};

const NIEUN: u32 = 2;
const RIEUL: u32 = 5;
const IEUNG: u32 = 11;

/// At most so many spellings are tried for one word.
const SPELLINGS_MAX: usize = 8;

/// Whether a vowel is ㅣ or begins with y: ㅑ ㅒ ㅕ ㅖ ㅛ ㅠ ㅣ.
pub fn is_soft(vowel: u32) -> bool {
    matches!(vowel, 2 | 3 | 6 | 7 | 12 | 17 | 20)
}

/// The southern form of a northern first syllable; none if the rule does not change it.
pub fn southern_initial(c: char) -> Option<char> {
    let s = jamo::split(c)?;
    let initial = match s.initial {
        RIEUL | NIEUN if is_soft(s.vowel) => IEUNG,
        RIEUL => NIEUN,
        _ => return None,
    };
    jamo::join(Syllable { initial, ..s })
}

/// The northern forms a southern first syllable may stand for.
pub fn northern_initials(c: char) -> impl Iterator<Item = char> {
    let forms = jamo::split(c).map(|s| {
        let initials: [Option<u32>; 2] = match s.initial {
            IEUNG if is_soft(s.vowel) => [Some(RIEUL), Some(NIEUN)],
            NIEUN if !is_soft(s.vowel) => [Some(RIEUL), None],
            _ => [None, None],
        };
        initials.map(|i| i.and_then(|initial| jamo::join(Syllable { initial, ..s })))
    });
    forms.into_iter().flatten().flatten()
}

/// Other spellings of a word in which the syllables at `places` (indices of characters) may follow either rule; without the word itself.
pub fn others(word: &[char], places: &[usize]) -> Vec<String> {
    let mut out: Vec<Vec<char>> = vec![word.to_vec()];
    for place in places {
        let Some(c) = word.get(*place).copied() else { continue };
        let forms: Vec<char> = southern_initial(c).into_iter().chain(northern_initials(c)).collect();
        let more: Vec<Vec<char>> = out
            .iter()
            .flat_map(|w| {
                forms.iter().map(move |f| {
                    let mut w = w.clone();
                    if let Some(slot) = w.get_mut(*place) {
                        *slot = *f;
                    }
                    w
                })
            })
            .collect();
        out.extend(more);
        out.truncate(SPELLINGS_MAX + 1);
    }
    out.into_iter().skip(1).map(|w| w.into_iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_koreas_spell() {
        for (north, south) in [('리', '이'), ('로', '노'), ('량', '양'), ('녀', '여'), ('류', '유'), ('례', '예'), ('란', '난'), ('래', '내')] {
            assert_eq!(southern_initial(north), Some(south));
            assert!(northern_initials(south).any(|c| c == north));
        }
        assert_eq!(southern_initial('김'), None);
        let word: Vec<char> = "강제노동".chars().collect();
        assert_eq!(others(&word, &[0, 2]), ["강제로동"]);
        let word: Vec<char> = "리련희".chars().collect();
        assert_eq!(others(&word, &[0, 1, 2]), ["이련희", "리연희", "이연희"]);
    }
}
