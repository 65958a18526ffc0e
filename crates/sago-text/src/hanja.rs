//! How Hanja are read in Hangul.

/// Hands out the Hangul bigrams two neighbours may be read as; none if neither is a Chinese character.
pub fn readings_of_pair(_a: char, _b: char, _push: &mut dyn FnMut(&str)) {}
