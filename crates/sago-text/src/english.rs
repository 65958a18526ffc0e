//! English words: what is left of marks and apostrophes, and the stem (Snowball, English).

use frostem::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A folded word without possessive, apostrophes and marks: `kim's` is `kim`, `p'yŏngyang` is `pyongyang`, `ø` stays.
pub fn plain(word: &str) -> String {
    let word = word.strip_suffix("'s").unwrap_or(word);
    if word.is_ascii() {
        return word.chars().filter(|c| *c != '\'').collect();
    }
    word.nfd().filter(|c| *c != '\'' && !is_combining_mark(*c)).nfc().collect()
}

/// The stem of a folded plain word.
pub fn stem(word: &str) -> String {
    if !word.is_ascii() {
        return word.to_owned();
    }
    Stemmer::new(Algorithm::English).stem(word).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_and_stems() {
        for (word, expect) in [("kim's", "kim"), ("p'yŏngyang", "pyongyang"), ("ŭn", "un"), ("prisoners'", "prisoners"), ("don't", "dont")] {
            assert_eq!(plain(word), expect);
        }
        for (word, expect) in [("beatings", "beat"), ("beaten", "beaten"), ("prisoners", "prison"), ("executed", "execut"), ("execution", "execut")] {
            assert_eq!(stem(word), expect, "{word}");
        }
    }
}
