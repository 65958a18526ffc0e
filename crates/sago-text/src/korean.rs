//! Korean words: nouns without particles, verbs without endings, the parts of compounds.

/// Hands out what a run of folded Hangul may stand for: text, first and last character (exclusive) in the run, position from the first. Gives back how many
/// positions it takes, at least one.
pub fn stems(word: &str, push: &mut dyn FnMut(&str, usize, usize, u32)) -> u32 {
    push(word, 0, word.chars().count(), 0);
    1
}
