//! Near-duplicate fingerprints: simhash of word triples (Charikar 2002; 64 bits as in Manku, Jain and Das Sarma 2007).

/// Fewer words than this give no fingerprint: short texts would all look alike.
pub const MIN_WORDS: u64 = 12;

/// Takes the words of a text one by one.
pub struct Fingerprinter {
    weights: [i64; 64],
    words: u64,
    last: [u64; 2],
}

impl Default for Fingerprinter {
    fn default() -> Self {
        Fingerprinter { weights: [0; 64], words: 0, last: [0; 2] }
    }
}

impl Fingerprinter {
    /// Takes the next word, folded.
    pub fn word(&mut self, word: &str) {
        let hash = mix(word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)));
        let triple = mix(self.last[0].rotate_left(21) ^ self.last[1].rotate_left(42) ^ hash);
        self.last = [self.last[1], hash];
        self.words += 1;
        if self.words >= 3 {
            for (bit, weight) in self.weights.iter_mut().enumerate() {
                *weight += if triple >> bit & 1 == 1 { 1 } else { -1 };
            }
        }
    }

    /// The 64-bit simhash of all word triples; `None` for fewer than [`MIN_WORDS`] words.
    pub fn finish(&self) -> Option<u64> {
        (self.words >= MIN_WORDS).then(|| self.weights.iter().enumerate().fold(0, |print, (bit, weight)| print | u64::from(*weight > 0) << bit))
    }
}

/// Bits in which two fingerprints differ, 0 to 64.
pub fn distance(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

/// Spreads every bit over all bits (the finaliser of SplitMix64).
fn mix(mut x: u64) -> u64 {
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print_of(text: &str) -> Option<u64> {
        let mut fingerprinter = Fingerprinter::default();
        text.split_whitespace().for_each(|word| fingerprinter.word(word));
        fingerprinter.finish()
    }

    #[test]
    fn a_text_with_one_word_changed_is_near_and_another_text_is_far() {
        let text: String = (0..300).map(|i| format!("word{} ", i * 7919 % 1013)).collect();
        let changed = text.replacen("word40 ", "other ", 1);
        let other: String = (0..300).map(|i| format!("thing{} ", i * 6007 % 1511)).collect();
        let (text, changed, other) = (print_of(&text).unwrap(), print_of(&changed).unwrap(), print_of(&other).unwrap());
        assert!(distance(text, changed) <= 8, "{}", distance(text, changed));
        assert!(distance(text, other) >= 16, "{}", distance(text, other));
        assert_eq!(print_of("too short to say"), None);
    }
}
