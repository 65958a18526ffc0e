//! The lists of known nouns and verb stems, and of single syllables with a meaning.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::vocabulary;

/// Nouns of one syllable that stand alone before a particle often enough to be worth a stem.
pub const SINGLE_NOUNS: &str = "집손발물밥옷눈몸돈총죄법벌말소개닭쌀죽국약병피뼈귀코입목등배팔못칼불산강길문방벽땅흙돌쇠줄끈매욕꿈빚떡술담딸형놈년딴남북곳때밤낮날달해봄겨끝앞뒤옆안밖위밑속겉맘힘덫짐차책글뜻넋왕당군중";

/// Syllables that close a compound: what the noun before them becomes.
pub const SUFFIXES: &str =
    "부소원장성국과실대군시도리동구읍면호자인범죄법형관청단반방집터길산강역항교사생병급층식품물비료금권력제당파측편간내외상하전후중별용적화력들님씨댁";

/// Syllables that open a compound.
pub const PREFIXES: &str = "대소총부신구전비무반제초재미불최고여남본주피";

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::load);

/// Words of one to four syllables, each packed into 64 bits.
pub struct Lexicon {
    nouns: Table,
    /// Those of the vocabulary that are longer.
    long: HashSet<Vec<char>>,
    verbs: Table,
}

impl Lexicon {
    /// The lexicon; read from the compiled-in lists on first use, about 1 MB.
    pub fn get() -> &'static Self {
        &LEXICON
    }

    fn load() -> Self {
        let own: Vec<String> = vocabulary::nouns().collect();
        let nouns = include_str!("../../tables/nouns.txt").lines().chain(own.iter().map(String::as_str));
        let verbs = include_str!("../../tables/verbs.txt").lines();
        Self {
            nouns: Table::new(nouns.filter_map(pack_str).collect()),
            long: own.iter().map(|w| w.chars().collect::<Vec<_>>()).filter(|w| w.len() > 4).collect(),
            verbs: Table::new(verbs.filter_map(pack_str).collect()),
        }
    }

    /// Whether it is a noun of two syllables or more that is known.
    pub fn is_noun(&self, stem: &[char]) -> bool {
        match stem.len() {
            0 | 1 => false,
            2..=4 => pack(stem.iter().copied()).is_some_and(|key| self.nouns.has(key)),
            _ => self.long.contains(stem),
        }
    }

    /// Whether it is the known stem of a verb or adjective, of one to four syllables.
    pub fn is_verb(&self, stem: &[char]) -> bool {
        pack(stem.iter().copied()).is_some_and(|key| self.verbs.has(key))
    }
}

fn pack_str(word: &str) -> Option<u64> {
    pack(word.chars())
}

/// Up to four characters of the Basic Multilingual Plane in 64 bits; none for more, for others and for no character.
fn pack(chars: impl Iterator<Item = char>) -> Option<u64> {
    let mut key = 0u64;
    for (i, c) in chars.enumerate() {
        if i == 4 {
            return None;
        }
        key = key << 16 | u64::from(u16::try_from(u32::from(c)).ok()?);
    }
    (key != 0).then_some(key)
}

/// An open hash table of keys that are not zero, at most half full.
struct Table {
    slots: Vec<u64>,
    mask: usize,
}

impl Table {
    fn new(keys: Vec<u64>) -> Self {
        let size = (keys.len() * 2 + 1).next_power_of_two();
        let mut table = Self { slots: vec![0; size], mask: size - 1 };
        for key in keys {
            let at = table.find(key);
            if let Some(slot) = table.slots.get_mut(at) {
                *slot = key;
            }
        }
        table
    }

    /// The slot of a key, or the empty one where it would stand.
    fn find(&self, key: u64) -> usize {
        let mut at = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize & self.mask;
        while self.slots.get(at).is_some_and(|s| *s != 0 && *s != key) {
            at = (at + 1) & self.mask;
        }
        at
    }

    fn has(&self, key: u64) -> bool {
        self.slots.get(self.find(key)) == Some(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read_whole() {
        let lexicon = Lexicon::get();
        for (list, table) in [(include_str!("../../tables/nouns.txt"), &lexicon.nouns), (include_str!("../../tables/verbs.txt"), &lexicon.verbs)] {
            for word in list.lines() {
                assert!(table.has(pack_str(word).unwrap()), "{word}");
            }
            assert!(table.slots.iter().filter(|s| **s != 0).count() * 2 <= table.slots.len());
        }
        let chars = |w: &str| w.chars().collect::<Vec<_>>();
        assert!(lexicon.is_noun(&chars("체포")) && !lexicon.is_noun(&chars("체")) && !lexicon.is_noun(&chars("뷁뷁")));
        assert!(lexicon.is_verb(&chars("때리")) && !lexicon.is_verb(&chars("")));
    }
}
