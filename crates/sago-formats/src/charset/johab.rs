//! Johab: the combination code of KS X 1001 (annex 3), code page 1361, in which Korean texts and HWP files before Windows 95 are written.
//!
//! A syllable is 16 bits: a one, then five bits each for the leading consonant, the vowel and the final consonant. Signs and hanja stand beside, in an order
//! that follows the rows of KS X 1001, so that no table is needed.

use encoding_rs::EUC_KR;

/// Number that means "no letter here" in each of the three places.
const FILLER: usize = 0xff;

/// Place of a leading consonant among the 19 of Unicode, by its five bits.
const LEADING: [usize; 32] = places(&[(2, 0, 19)]);
/// Place of a vowel among 21.
const VOWEL: [usize; 32] = places(&[(3, 0, 5), (10, 5, 6), (18, 11, 6), (26, 17, 4)]);
/// Place of a final consonant among 28, of which the first is none.
const FINAL: [usize; 32] = places(&[(1, 0, 17), (19, 17, 11)]);

/// Letters that stand alone, by the place of a leading consonant, a vowel or a final consonant.
const LEADING_ALONE: [char; 19] = ['ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ'];
const FINAL_ALONE: [char; 27] = [
    'ㄱ', 'ㄲ', 'ㄳ', 'ㄴ', 'ㄵ', 'ㄶ', 'ㄷ', 'ㄹ', 'ㄺ', 'ㄻ', 'ㄼ', 'ㄽ', 'ㄾ', 'ㄿ', 'ㅀ', 'ㅁ', 'ㅂ', 'ㅄ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ',
    'ㅎ',
];

const fn places(runs: &[(usize, usize, usize)]) -> [usize; 32] {
    let mut table = [FILLER; 32];
    let mut run = 0;
    while run < runs.len() {
        let (first, place, count) = runs[run];
        let mut index = 0;
        while index < count {
            table[first + index] = place + index;
            index += 1;
        }
        run += 1;
    }
    table
}

/// Whether a byte begins a character of two.
pub(super) fn is_lead(byte: u8) -> bool {
    matches!(byte, 0x84..=0xd3 | 0xd9..=0xde | 0xe0..=0xf9)
}

/// The character of two bytes, or nothing when they mean none.
pub(super) fn character(lead: u8, trail: u8) -> Option<char> {
    if lead <= 0xd3 { syllable(u16::from_be_bytes([lead, trail])) } else { sign(lead, trail) }
}

fn syllable(code: u16) -> Option<char> {
    let [leading, vowel, last] = [code >> 10, code >> 5, code].map(|bits| usize::from(bits & 0x1f));
    // 1 and 2 are the fillers of the first two places, 1 of the last.
    match (LEADING[leading], VOWEL[vowel], FINAL[last]) {
        (FILLER, FILLER, 0) if leading == 1 && vowel == 2 => Some('\u{3000}'),
        (FILLER, FILLER, last) if leading == 1 && vowel == 2 => FINAL_ALONE.get(last.checked_sub(1)?).copied(),
        (FILLER, vowel, 0) if leading == 1 && vowel != FILLER => char::from_u32(0x314f + u32::try_from(vowel).ok()?),
        (leading, FILLER, 0) if vowel == 2 => LEADING_ALONE.get(leading).copied(),
        (leading, vowel, last) if leading != FILLER && vowel != FILLER && last != FILLER => {
            char::from_u32(0xac00 + u32::try_from((leading * 21 + vowel) * 28 + last).ok()?)
        }
        _ => None,
    }
}

/// Each lead byte holds two rows of KS X 1001: 94 places in trails 31–7E and 91–A0, 94 in A1–FE.
fn sign(lead: u8, trail: u8) -> Option<char> {
    let row = match lead {
        0xd9..=0xde => 0x21 + 2 * (lead - 0xd9),
        0xe0..=0xf9 => 0x4a + 2 * (lead - 0xe0),
        _ => return None,
    };
    let place = match trail {
        0x31..=0x7e => trail - 0x31,
        0x91..=0xfe => trail - 0x91 + 78,
        _ => return None,
    };
    // Letters of row 0x24 are written as syllables without the other places.
    if lead == 0xda && (94..145).contains(&place) {
        return None;
    }
    let bytes = [(row + place / 94) | 0x80, place % 94 + 0xa1];
    let (text, _, has_errors) = EUC_KR.decode(&bytes);
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) if !has_errors => Some(character),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a over `lead trail character` of all 17 065 pairs that Python's `johab` knows:
    /// `for l in range(128,256): for t in range(256): s = bytes([l,t]).decode('johab')`, when `s` is one character.
    const PYTHON: u64 = 0x7703_5d0c_9981_6d99;

    #[test]
    fn every_pair_means_what_it_means_to_python() {
        let (mut count, mut hash) = (0, 0xcbf2_9ce4_8422_2325_u64);
        for lead in 0x80..=0xff_u8 {
            for trail in 0..=0xff_u8 {
                let Some(found) = is_lead(lead).then(|| character(lead, trail)).flatten() else { continue };
                count += 1;
                for byte in [lead, trail].iter().chain(found.to_string().as_bytes()) {
                    hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
        assert_eq!((count, hash), (17_065, PYTHON));
    }
}
