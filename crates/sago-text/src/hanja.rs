//! How Hanja are read in Hangul.
//!
//! The table is `tables/hanja.txt`, one line for a reading. A reading that begins with ㄹ, or with ㄴ before ㅣ or a y-vowel, is written otherwise at the
//! beginning of a word in the South (initial-sound rule); both forms count everywhere, because a name has one of them and nobody knows which.

use std::sync::LazyLock;

use crate::spelling;

/// Readings that the table lacks: characters that are read in more than one way.
const MORE: &str = "락樂 악樂 요樂 차車 거車 강降 항降 복復 부復 도度 탁度 북北 배北 살殺 쇄殺 성省 생省 경更 갱更 식識 지識 악惡 오惡 역易 이易 참參 삼參 색索 삭索 자刺 척刺 절切 체切 \
    칙則 즉則 댁宅 택宅 척拓 탁拓 변便 편便 행行 항行 화畫 획畫 률率 솔率 설說 세說 동洞 통洞 견見 현見 금金 김金 십十 시十 륙六 유六 륙陸 우牛 반般";

/// Readings of the characters from U+3400 to U+9FFF, at most four each; none is `'\0'`.
static READINGS: LazyLock<Vec<[char; 4]>> = LazyLock::new(|| {
    let mut table = vec![['\0'; 4]; 0xA000 - 0x3400];
    for line in include_str!("../tables/hanja.txt").lines().chain(MORE.split_whitespace()) {
        let mut chars = line.chars();
        let Some(reading) = chars.next() else { continue };
        for hanja in chars {
            let slots = (u32::from(hanja) as usize).checked_sub(0x3400).and_then(|i| table.get_mut(i));
            if let Some(slots) = slots
                && !slots.contains(&reading)
                && let Some(slot) = slots.iter_mut().find(|s| **s == '\0')
            {
                *slot = reading;
            }
        }
    }
    table
});

/// The readings of a character without their forms at the beginning of words; for any other character none.
pub fn readings(c: char) -> impl Iterator<Item = char> {
    let found = (u32::from(c) as usize).checked_sub(0x3400).and_then(|i| READINGS.get(i)).copied().unwrap_or_default();
    found.into_iter().filter(|r| *r != '\0')
}

/// A character's readings with their forms at the beginning of words; a syllable of Hangul is itself.
fn spoken(c: char, out: &mut Vec<char>) {
    out.clear();
    if crate::jamo::is_syllable(c) {
        out.push(c);
        return;
    }
    for reading in readings(c) {
        out.push(reading);
        out.extend(spelling::southern_initial(reading));
    }
}

/// Hands out the Hangul bigrams two neighbours may be read as; none if neither is a Chinese character or one has no known reading.
pub fn readings_of_pair(a: char, b: char, push: &mut dyn FnMut(&str)) {
    let plain = |c: char| !('\u{3400}'..='\u{9FFF}').contains(&c);
    if plain(a) && plain(b) {
        return;
    }
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    spoken(a, &mut firsts);
    spoken(b, &mut seconds);
    let mut text = String::new();
    for first in &firsts {
        for second in &seconds {
            text.clear();
            text.push(*first);
            text.push(*second);
            push(&text);
        }
    }
}

/// How a run of Chinese characters may be read, at most `max` ways; none if a character has no known reading.
pub fn readings_of_word(word: &str, max: usize) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut forms = Vec::new();
    for c in word.chars() {
        spoken(c, &mut forms);
        out = out.iter().flat_map(|prefix| forms.iter().map(move |f| format!("{prefix}{f}"))).take(max).collect();
    }
    out.retain(|w| !w.is_empty());
    out
}

/// Whether a syllable is the reading of some character: what most names are made of.
pub fn is_reading(syllable: char) -> bool {
    static ALL: LazyLock<Vec<char>> = LazyLock::new(|| {
        let mut all: Vec<char> = include_str!("../tables/hanja.txt").lines().filter_map(|l| l.chars().next()).collect();
        let southern: Vec<char> = all.iter().filter_map(|c| spelling::southern_initial(*c)).collect();
        all.extend(southern);
        all.sort_unstable();
        all
    });
    ALL.binary_search(&syllable).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_their_readings() {
        let pairs = |a, b| {
            let mut out = Vec::new();
            readings_of_pair(a, b, &mut |t| out.push(t.to_owned()));
            out
        };
        assert_eq!(pairs('正', '恩'), ["정은"]);
        assert_eq!(pairs('金', '正'), ["금정", "김정"]);
        assert_eq!(pairs('李', '英'), ["리영", "이영"]);
        assert_eq!(pairs('가', '나'), Vec::<String>::new());
        assert_eq!(readings_of_word("金正恩", 8), ["금정은", "김정은"]);
        assert_eq!(readings_of_word("勞動", 8), ["로동", "노동"]);
        assert_eq!(readings('車').count(), 2);
        assert!(is_reading('영') && is_reading('이') && !is_reading('뷁'));
    }
}
