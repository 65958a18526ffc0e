//! The sound of romanised Korean.

/// Hands out the keys of the syllables of a folded Latin word that could be Korean, with their positions; gives back how many positions it takes.
pub fn of_latin(_word: &str, _push: &mut dyn FnMut(&str, u32)) -> u32 {
    1
}
