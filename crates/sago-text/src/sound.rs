//! The sound of romanised Korean: one key for a syllable in all systems, and the Hangul a romanised name may stand for.
//!
//! Revised Romanisation (2000), McCune-Reischauer (1939) with or without marks, the North's rules (1992 to 2012) and what people write in passports agree in
//! little: 정 is jeong, chŏng, chong, jong, jung. The key merges what any two of them confuse: ㄱㄲㅋ, ㄷㄸㅌ, ㅂㅃㅍ, ㅈㅉㅊ, ㅓㅗㅜㅡ with and without y, ㅐㅔ; ㄹ and
//! ㄴ at the beginning fall together, before ㅣ and y they fall away.

use crate::jamo;
use crate::{hanja, spelling};

/// A word of more syllables is no romanised word.
const SYLLABLES_MAX: usize = 5;

/// At most so many ways of cutting a word into syllables are kept.
const PARSES_MAX: usize = 4;

/// At most so many characters are looked at.
const LETTERS_MAX: usize = 24;

/// Initials as written, the longest first: spelling, key, and the Hangul initials it may stand for.
const INITIALS: &[(&str, &str, &str)] = &[
    ("tch", "C", "ㅉ"),
    ("tss", "C", "ㅉ"),
    ("ch'", "C", "ㅊ"),
    ("kk", "K", "ㄲ"),
    ("kh", "K", "ㅋ"),
    ("k'", "K", "ㅋ"),
    ("tt", "T", "ㄸ"),
    ("th", "T", "ㅌ"),
    ("t'", "T", "ㅌ"),
    ("pp", "P", "ㅃ"),
    ("ph", "P", "ㅍ"),
    ("p'", "P", "ㅍ"),
    ("ss", "S", "ㅆ"),
    ("sh", "S", "ㅅ"),
    ("jj", "C", "ㅉ"),
    ("ch", "C", "ㅈㅊ"),
    ("ts", "C", "ㅈㅊ"),
    ("rh", "R", "ㄹㅇ"),
    ("k", "K", "ㄱㅋ"),
    ("g", "K", "ㄱ"),
    ("n", "R", "ㄴㄹ"),
    ("t", "T", "ㄷㅌ"),
    ("d", "T", "ㄷ"),
    ("r", "R", "ㄹㅇ"),
    ("l", "R", "ㄹㅇ"),
    ("m", "M", "ㅁ"),
    ("p", "P", "ㅂㅍ"),
    ("b", "P", "ㅂ"),
    ("s", "S", "ㅅ"),
    ("j", "C", "ㅈ"),
    ("h", "H", "ㅎ"),
    ("", "", "ㅇ"),
];

/// Vowels as written, the longest first: spelling, key, and the Hangul vowels. A key with `y` first is soft: ㄹ and ㄴ before it fall away.
const VOWELS: &[(&str, &str, &str)] = &[
    ("young", "", ""),
    ("yeo", "yO", "ㅕ"),
    ("yae", "yE", "ㅒ"),
    ("you", "yO", "ㅠㅕ"),
    ("yoo", "yO", "ㅠ"),
    ("woo", "O", "ㅜ"),
    ("wae", "WE", "ㅙ"),
    ("eui", "I", "ㅢ"),
    ("ya", "yYA", "ㅑ"),
    ("ye", "yE", "ㅖ"),
    ("yo", "yO", "ㅛㅕ"),
    ("yu", "yO", "ㅠㅕ"),
    ("yi", "yI", "ㅣ"),
    ("wa", "WA", "ㅘ"),
    ("wo", "WO", "ㅝ"),
    ("we", "WE", "ㅞ"),
    ("wi", "WI", "ㅟ"),
    ("wu", "O", "ㅜ"),
    ("oe", "WE", "ㅚ"),
    ("oi", "WE", "ㅚ"),
    ("ui", "I", "ㅢ"),
    ("uy", "I", "ㅢ"),
    ("oo", "O", "ㅜ"),
    ("ou", "O", "ㅜ"),
    ("eo", "O", "ㅓ"),
    ("eu", "O", "ㅡ"),
    ("ae", "E", "ㅐ"),
    ("ai", "E", "ㅐ"),
    ("ee", "yI", "ㅣ"),
    ("a", "A", "ㅏ"),
    ("e", "E", "ㅔ"),
    ("o", "O", "ㅗㅓ"),
    ("u", "O", "ㅜㅡ"),
    ("i", "yI", "ㅣ"),
];

/// Finals as written, the longest first.
const FINALS: &[(&str, &str, &str)] = &[
    ("ng", "Q", "ㅇ"),
    ("k", "K", "ㄱ"),
    ("g", "K", "ㄱ"),
    ("n", "N", "ㄴ"),
    ("t", "T", "ㄷㅅ"),
    ("d", "T", "ㄷ"),
    ("s", "T", "ㅅ"),
    ("l", "L", "ㄹ"),
    ("r", "L", "ㄹ"),
    ("m", "M", "ㅁ"),
    ("p", "P", "ㅂ"),
    ("b", "P", "ㅂ"),
    ("h", "", ""),
    ("", "", ""),
];

/// Whole words that follow no system: how surnames are written in passports, and the syllable they stand for.
const HABITS: &[(&str, &str)] = &[
    ("lee", "이"),
    ("rhee", "이"),
    ("yi", "이"),
    ("li", "이"),
    ("ri", "리"),
    ("park", "박"),
    ("paik", "백"),
    ("choi", "최"),
    ("choe", "최"),
    ("ch'oe", "최"),
    ("woo", "우"),
    ("roh", "노"),
    ("noh", "노"),
    ("suh", "서"),
    ("sur", "서"),
    ("hur", "허"),
    ("huh", "허"),
    ("kwak", "곽"),
    ("jung", "정"),
    ("chung", "정"),
    ("young", "영"),
    ("hyun", "현"),
    ("sung", "성"),
    ("kyung", "경"),
    ("myung", "명"),
    ("hun", "훈"),
    ("byun", "변"),
    ("yun", "윤"),
    ("yoon", "윤"),
    ("shin", "신"),
    ("moon", "문"),
    ("ahn", "안"),
    ("oh", "오"),
    ("cho", "조"),
    ("joo", "주"),
    ("im", "임"),
    ("chul", "철"),
    ("suk", "석"),
    ("hyuk", "혁"),
    ("duk", "덕"),
    ("bum", "범"),
    ("lim", "림"),
    ("rim", "림"),
    ("yim", "임"),
];

/// One syllable as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written {
    initial: usize,
    vowel: usize,
    last: usize,
}

/// Hands out the keys of the syllables of a folded Latin word that could be Korean, with their positions; gives back how many positions it takes (0 if it
/// could not).
pub fn of_latin(word: &str, push: &mut dyn FnMut(&str, u32)) -> u32 {
    let mut seen: Vec<(String, u32)> = Vec::new();
    let mut taken = 0;
    for keys in keys_of_latin(word) {
        for (key, step) in keys.into_iter().zip(0u32..) {
            taken = taken.max(step + 1);
            if !seen.iter().any(|(k, s)| *k == key && *s == step) {
                push(&key, step);
                seen.push((key, step));
            }
        }
    }
    taken
}

/// The keys of a Latin word, one list for each way of cutting it; none if it cannot be Korean.
pub fn keys_of_latin(word: &str) -> Vec<Vec<String>> {
    if let Some((_, hangul)) = HABITS.iter().find(|h| h.0 == word) {
        return vec![keys_of_hangul(hangul)];
    }
    let mut out: Vec<Vec<String>> = Vec::new();
    for parse in parses(&letters(word)) {
        let keys = parse.iter().map(key_of_written).collect();
        if !out.contains(&keys) {
            out.push(keys);
        }
    }
    out
}

/// The keys of Hangul syllables; other characters are left out.
pub fn keys_of_hangul(word: &str) -> Vec<String> {
    const INITIAL: [&str; 19] = ["K", "K", "R", "T", "T", "R", "M", "P", "P", "S", "S", "", "C", "C", "C", "K", "T", "P", "H"];
    const VOWEL: [&str; 21] = ["A", "E", "YA", "E", "O", "E", "O", "E", "O", "WA", "WE", "WE", "O", "O", "WO", "WE", "WI", "O", "O", "I", "I"];
    const LAST: [&str; 28] =
        ["", "K", "K", "K", "N", "N", "N", "T", "L", "K", "M", "L", "L", "L", "P", "L", "M", "P", "P", "T", "T", "Q", "T", "T", "K", "T", "P", "T"];
    let at = |table: &[&'static str], i: u32| table.get(i as usize).copied().unwrap_or_default();
    word.chars()
        .filter_map(jamo::split)
        .map(|s| {
            let initial = at(&INITIAL, s.initial);
            let initial = if initial == "R" && spelling::is_soft(s.vowel) { "" } else { initial };
            format!("{initial}{}{}", at(&VOWEL, s.vowel), at(&LAST, s.last))
        })
        .collect()
}

/// The Hangul words a romanised word may stand for, at most `max`, made of syllables that are readings of Hanja.
pub fn hangul_of_latin(word: &str, max: usize) -> Vec<String> {
    let mut out: Vec<String> = HABITS.iter().filter(|h| h.0 == word).map(|h| h.1.to_owned()).collect();
    for parse in parses(&letters(word)) {
        let mut words = vec![String::new()];
        for written in &parse {
            let syllables = syllables(written);
            words = words.iter().flat_map(|w| syllables.iter().map(move |s| format!("{w}{s}"))).take(max).collect();
        }
        for word in words {
            if !out.contains(&word) && out.len() < max {
                out.push(word);
            }
        }
    }
    out
}

fn syllables(written: &Written) -> Vec<char> {
    let (Some(initial), Some(vowel), Some(last)) = (INITIALS.get(written.initial), VOWELS.get(written.vowel), FINALS.get(written.last)) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    // In the South 녀 may be 여.
    let softened = if initial.0 == "n" && vowel.1.starts_with('y') { "ㅇ" } else { "" };
    for i in initial.2.chars().chain(softened.chars()).filter_map(jamo::initial_index) {
        for v in vowel.2.chars().filter_map(jamo::vowel_index) {
            let lasts = last.2.chars().filter_map(jamo::final_index);
            let none = last.2.is_empty().then_some(0);
            out.extend(lasts.chain(none).filter_map(|last| jamo::join(jamo::Syllable { initial: i, vowel: v, last })).filter(|c| hanja::is_reading(*c)));
        }
    }
    out
}

/// Letters with the marked vowels of McCune-Reischauer and of the North in the letters of Revised Romanisation; empty if the word is too long or has others.
fn letters(word: &str) -> String {
    let mut out = String::new();
    for (i, c) in word.chars().enumerate() {
        match c {
            _ if i >= LETTERS_MAX => return String::new(),
            'ŏ' | 'ǒ' => out.push_str("eo"),
            'ŭ' | 'ǔ' => out.push_str("eu"),
            'ë' => out.push('e'),
            'a'..='z' | '\'' => out.push(c),
            _ => return String::new(),
        }
    }
    out
}

fn parses(letters: &str) -> Vec<Vec<Written>> {
    let mut out = Vec::new();
    if !letters.is_empty() {
        let mut budget = 400;
        parse(letters, &mut Vec::new(), &mut budget, &mut out);
        // Positions count syllables: only the ways with the fewest are kept, so that all have as many.
        let fewest = out.iter().map(Vec::len).min().unwrap_or(0);
        out.retain(|parse: &Vec<Written>| parse.len() == fewest);
    }
    out
}

fn parse(rest: &str, so_far: &mut Vec<Written>, budget: &mut u32, out: &mut Vec<Vec<Written>>) {
    if rest.is_empty() || rest == "'" {
        out.push(so_far.clone());
        return;
    }
    if so_far.len() == SYLLABLES_MAX {
        return;
    }
    for (initial, i) in INITIALS.iter().zip(0..) {
        let Some(after) = rest.strip_prefix(initial.0) else { continue };
        for (vowel, v) in VOWELS.iter().zip(0..) {
            let Some(after) = after.strip_prefix(vowel.0).filter(|_| !vowel.1.is_empty()) else { continue };
            for (last, l) in FINALS.iter().zip(0..) {
                let Some(after) = after.strip_prefix(last.0) else { continue };
                // An h closes a vowel at the end of a word only (Noh); elsewhere it opens a syllable.
                let fits = last.0 != "h" || after.is_empty();
                if out.len() >= PARSES_MAX || *budget == 0 {
                    return;
                }
                *budget -= 1;
                if fits {
                    so_far.push(Written { initial: i, vowel: v, last: l });
                    parse(after, so_far, budget, out);
                    so_far.pop();
                }
            }
            // Shorter spellings of the same vowel are tried only where the longest leads nowhere.
            if !out.is_empty() && so_far.is_empty() && out.len() >= 2 {
                break;
            }
        }
    }
}

fn key_of_written(written: &Written) -> String {
    let part = |table: &[(&'static str, &'static str, &'static str)], i: usize| table.get(i).map(|e| e.1).unwrap_or_default();
    let (initial, vowel, last) = (part(INITIALS, written.initial), part(VOWELS, written.vowel), part(FINALS, written.last));
    let soft = vowel.starts_with('y');
    let initial = if initial == "R" && soft { "" } else { initial };
    format!("{initial}{}{last}", vowel.trim_start_matches('y'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_for_all_systems() {
        for (hangul, latin) in [
            ("정은", "jongun"),
            ("정은", "jeongeun"),
            ("정은", "chŏngŭn"),
            ("정은", "jong"),
            ("김", "kim"),
            ("김", "gim"),
            ("이", "lee"),
            ("리", "ri"),
            ("박", "park"),
            ("박", "pak"),
            ("최", "choe"),
            ("청진", "chongjin"),
            ("청진", "ch'ŏngjin"),
            ("청진", "cheongjin"),
            ("회령", "hoeryong"),
            ("회령", "hoeryŏng"),
            ("평양", "p'yŏngyang"),
            ("평양", "phyongyang"),
            ("영희", "yonghui"),
            ("철수", "cholsu"),
            ("철수", "ch'ŏlsu"),
            ("무산", "musan"),
            ("요덕", "yodok"),
            ("개천", "kaech'ŏn"),
            ("개천", "gaecheon"),
            ("혜산", "hyesan"),
            ("온성", "onsŏng"),
        ] {
            let want = keys_of_hangul(hangul);
            let got = keys_of_latin(latin);
            assert!(got.iter().any(|keys| want.starts_with(keys)), "{hangul} {latin}: {want:?} {got:?}");
        }
        for word in ["execution", "strength", "through", "", "ñandú", "prisoner"] {
            assert!(keys_of_latin(word).is_empty(), "{word}: {:?}", keys_of_latin(word));
        }
    }

    #[test]
    fn hangul_behind_latin() {
        let has = |latin: &str, hangul: &str| hangul_of_latin(latin, 64).contains(&hangul.to_owned());
        assert!(has("jong", "정") && has("un", "은") && has("chŏng", "정") && has("kim", "김") && has("park", "박") && has("yong", "영") && has("chol", "철"));
        assert!(hangul_of_latin("strength", 64).is_empty());
    }
}
