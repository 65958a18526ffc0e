//! The 1,024 words of SLIP-0039 and what a mistyped word may have been.
//!
//! `wordlist.txt` is the standard's list, as in the reference implementation (MIT licence). It is sorted, and the first
//! four letters of every word are unique.

use std::sync::LazyLock;

/// Words in the list: each stands for ten bits.
pub(super) const COUNT: usize = 1024;

static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("wordlist.txt").lines().collect());

/// The word for a number; only the lowest ten bits count.
pub(super) fn word(index: u16) -> &'static str {
    WORDS[usize::from(index) % COUNT]
}

/// The number of a word in lower case.
pub(super) fn index(word: &str) -> Option<u16> {
    WORDS.binary_search(&word).ok().and_then(|index| u16::try_from(index).ok())
}

/// The word most like `typed`, if one is like it at all: same first four letters, or at most two letters wrong.
pub(super) fn nearest(typed: &str) -> Option<&'static str> {
    if typed.chars().count() > 16 {
        return None;
    }
    if let Some(start) = typed.get(..4)
        && let Some(word) = WORDS.iter().find(|word| word.starts_with(start))
    {
        return Some(word);
    }
    WORDS.iter().map(|word| (distance(typed, word), *word)).min().filter(|(distance, _)| *distance <= 2).map(|(_, word)| word)
}

/// Letters to change, add or leave out to come from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_the_standard_s() {
        use sha2::{Digest, Sha256};
        assert_eq!(WORDS.len(), COUNT);
        assert!(WORDS.is_sorted());
        assert!(WORDS.iter().all(|word| (4..=8).contains(&word.len())));
        assert!(WORDS.windows(2).all(|pair| pair[0][..4] != pair[1][..4]));
        assert_eq!(hex::encode(Sha256::digest(include_str!("wordlist.txt"))), "bcc4555340332d169718aed8bf31dd9d5248cb7da6e5d355140ef4f1e601eec3");
        for (i, listed) in WORDS.iter().enumerate() {
            assert_eq!(index(listed), Some(i as u16));
            assert_eq!(word(i as u16), *listed);
        }
    }

    #[test]
    fn slips_of_the_pen_find_their_word() {
        assert_eq!(nearest("acadmic"), Some("academic"));
        assert_eq!(nearest("duckilng"), Some("duckling"));
        assert_eq!(nearest("keybord"), Some("keyboard"));
        assert_eq!(nearest("xzqqw"), None);
        assert_eq!(nearest("진술서"), None);
        assert_eq!(nearest(""), None);
        assert_eq!(nearest(&"a".repeat(10_000)), None);
    }
}
