//! Judging a character set from a sample of the bytes.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use super::decoder::{Decoder, reads};
use super::label::{Charset, Kind};
use super::score::{Language, is_common_syllable, weigh};
use super::{Basis, DOUBTFUL};

/// How much of a text is looked at: enough to meet its language, little enough for many small files.
pub const SAMPLE_BYTES: usize = 64 << 10;

/// Samples from this length on may be cut off.
const CUT_BYTES: usize = 4096;

/// From this mean weight on a reading is a language and no accident.
const READS_WELL: f32 = 0.35;

/// What was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The character set.
    pub charset: Charset,
    /// What decided.
    pub basis: Basis,
    /// How sure, in percent.
    pub confidence: u8,
    /// Length of the byte order mark, which is no text.
    pub bom_bytes: usize,
    /// What was declared and not believed.
    pub refused: Option<String>,
}

impl Judged {
    fn new(charset: Charset, basis: Basis, confidence: u8) -> Self {
        Self { charset, basis, confidence, bom_bytes: 0, refused: None }
    }
}

/// Judges by the first [`SAMPLE_BYTES`] of the bytes. `declared` is what the envelope or the text itself says.
pub fn judge(bytes: &[u8], declared: Option<&str>) -> Judged {
    if let Some(judged) = marked(bytes) {
        return judged;
    }
    let declared = declared.map(str::trim).filter(|label| !label.is_empty());
    let Some(label) = declared else { return unmarked(bytes) };
    let guess = |declared: Option<Charset>| {
        let mut judged = unmarked(bytes);
        // ASCII is a part of nearly every set: nothing is refused when there is nothing else.
        let is_ascii = judged.basis == Basis::Unicode && sample(bytes).is_ascii();
        if declared != Some(judged.charset) && !(is_ascii && declared.is_some_and(|charset| !charset.is_wide())) {
            judged.refused = Some(label.to_owned());
        }
        judged
    };
    let Some(charset) = Charset::of_label(label) else { return guess(None) };
    let sample = sample(bytes);
    let mut decoder = Decoder::new(charset);
    let mut text = String::new();
    decoder.push(sample, false, &mut text);
    let believed = Judged::new(charset, Basis::Declared, 100);
    if decoder.undecodable() > 0 {
        let guessed = guess(Some(charset));
        // Damage in a text of the declared set is likelier than a wrong declaration when nothing else reads without fault.
        let (_, faults) = super::decode_as(sample, guessed.charset);
        let is_better = faults * 4 < decoder.undecodable() && guessed.confidence >= DOUBTFUL;
        return if is_better { guessed } else { believed };
    }
    let has_zeros = text.contains('\0');
    if has_zeros || charset.is_wide() {
        // Wide units declared and none there, or the reverse.
        let guessed = guess(Some(charset));
        let is_contradicted = guessed.charset.is_wide() != charset.is_wide() && guessed.basis != Basis::Guessed || has_zeros && guessed.charset.is_wide();
        return if is_contradicted { guessed } else { believed };
    }
    if charset.is_single_byte() && !sample.is_ascii() {
        // Programs that know no better declare Latin letters over any bytes.
        let guessed = guess(Some(charset));
        let is_surely_other = guessed.basis == Basis::Unicode
            || (guessed.confidence >= 85 && [Charset::CP949, Charset::JOHAB, Charset::GB18030, Charset::SHIFT_JIS].contains(&guessed.charset));
        return if is_surely_other { guessed } else { believed };
    }
    believed
}

/// Whether bytes are UTF-16 or UTF-32, by a mark or by their zeros: what else has control characters is no text.
pub(crate) fn is_wide_text(bytes: &[u8]) -> bool {
    let judged = marked(bytes).or_else(|| wide(&bytes[..bytes.len() / 4 * 4]));
    judged.is_some_and(|judged| judged.charset.is_wide())
}

/// Whether a sample may end in the middle of a character: shorter ones are whole texts.
fn is_cut(sample: &[u8]) -> bool {
    sample.len() >= CUT_BYTES
}

fn sample(bytes: &[u8]) -> &[u8] {
    bytes.get(..SAMPLE_BYTES).unwrap_or(bytes)
}

fn marked(bytes: &[u8]) -> Option<Judged> {
    let marks: [(&[u8], Charset); 6] = [
        (b"\xef\xbb\xbf", Charset::UTF_8),
        (b"\xff\xfe\0\0", Charset::UTF_32LE),
        (b"\0\0\xfe\xff", Charset::UTF_32BE),
        (b"\xff\xfe", Charset::UTF_16LE),
        (b"\xfe\xff", Charset::UTF_16BE),
        (b"\x84\x31\x95\x33", Charset::GB18030),
    ];
    let (mark, charset) = marks.into_iter().find(|(mark, charset)| {
        // A text of UTF-16 may begin with a zero character, one of UTF-32 has whole units.
        bytes.starts_with(mark) && (*charset != Charset::UTF_32LE || (bytes.len().is_multiple_of(4) && wide32(bytes).is_some()))
    })?;
    Some(Judged { bom_bytes: mark.len(), ..Judged::new(charset, Basis::Bom, 100) })
}

fn unmarked(bytes: &[u8]) -> Judged {
    let sample = sample(bytes);
    if let Some(charset) = wide(sample) {
        return charset;
    }
    if sample.is_ascii() {
        return seven_bits(sample);
    }
    if reads(encoding_rs::UTF_8, sample) && (is_cut(sample) || std::str::from_utf8(sample).is_ok()) && !is_korean_by_accident(sample) {
        let confidence = if sample.iter().filter(|byte| !byte.is_ascii()).count() > 4 { 100 } else { 95 };
        return Judged::new(Charset::UTF_8, Basis::Unicode, confidence);
    }
    eight_bits(sample)
}

fn seven_bits(sample: &[u8]) -> Judged {
    let has = |needle: &[u8]| sample.windows(needle.len()).any(|window| window == needle);
    if sample.contains(&0x1b) {
        if has(b"\x1b$)C") {
            return Judged::new(Charset::ISO_2022_KR, Basis::Escapes, 99);
        }
        if has(b"\x1b$B") || has(b"\x1b$@") || has(b"\x1b(J") {
            return Judged::new(Charset(Kind::Web(encoding_rs::ISO_2022_JP)), Basis::Escapes, 99);
        }
    }
    Judged::new(Charset::UTF_8, Basis::Unicode, 100)
}

/// UTF-16 and UTF-32 without a mark, told by where zeros stand, or by Korean that makes sense.
fn wide(sample: &[u8]) -> Option<Judged> {
    if sample.len() < 2 {
        return None;
    }
    if let Some(is_big_endian) = wide32(sample) {
        return Some(Judged::new(Charset(Kind::Utf32 { is_big_endian }), Basis::Guessed, 95));
    }
    let whole = &sample[..sample.len() / 2 * 2];
    if whole.len() != sample.len() && !is_cut(sample) {
        return None;
    }
    let best = [false, true].into_iter().filter_map(|is_big_endian| Some((plausible16(whole, is_big_endian)?, is_big_endian)));
    let (share, is_big_endian) = best.max_by(|left, right| left.0.total_cmp(&right.0))?;
    let has_zeros = whole.contains(&0);
    // Without a single zero nothing but sense speaks for wide units; bytes that are text otherwise are not.
    let is_enough = if has_zeros { share > 0.7 } else { share > 0.75 && whole.len() >= 6 && std::str::from_utf8(whole).is_err() };
    let charset = if is_big_endian { Charset::UTF_16BE } else { Charset::UTF_16LE };
    is_enough.then(|| Judged::new(charset, Basis::Guessed, if has_zeros { 95 } else { 80 }))
}

fn wide32(sample: &[u8]) -> Option<bool> {
    let whole = &sample[..sample.len() / 4 * 4];
    if whole.len() < 8 || (whole.len() != sample.len() && !is_cut(sample)) {
        return None;
    }
    [false, true].into_iter().find(|is_big_endian| {
        whole.as_chunks::<4>().0.iter().all(|unit| {
            let number = if *is_big_endian { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
            char::from_u32(number).is_some_and(|character| !character.is_control() || matches!(character, '\t' | '\n' | '\r') || number == 0xfeff)
        })
    })
}

/// The share of characters that people write, or nothing when there are faults.
fn plausible16(bytes: &[u8], is_big_endian: bool) -> Option<f32> {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| if is_big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
    let (mut good, mut all, mut faults) = (0_u32, 0_u32, 0_u32);
    for unit in char::decode_utf16(units) {
        let character = match unit {
            Ok(character) => character,
            // The sample may have cut a pair.
            Err(_) if is_cut(bytes) && faults == 0 => {
                faults += 1;
                continue;
            }
            Err(_) => return None,
        };
        all += 1;
        match character {
            '\0' | '\u{fffe}' | '\u{ffff}' => return None,
            '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='ɏ' | 'Ͱ'..='ӿ' | '‐'..='※' | '\u{3000}'..='ヿ' | 'ㄱ'..='ㆎ' | 'ᄀ'..='ᇿ' => good += 1,
            '가'..='힣' if is_common_syllable(character) => good += 1,
            '\u{1}'..='\u{1f}' => return None,
            _ => {}
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
    (all > 0).then(|| good as f32 / all as f32)
}

/// Bytes of EUC-KR that are UTF-8 without fault: pairs of a lead C2 to C8 and a trail A1 to BF. Two of them side by side would be signs of Latin letters that
/// nobody writes so.
fn is_korean_by_accident(sample: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(sample) else { return false };
    let mut count = 0;
    for character in text.chars() {
        match character {
            '\u{a1}'..='\u{23f}' => count += 1,
            'a'..='z' | 'A'..='Z' => return false,
            character if !character.is_ascii() => return false,
            _ => {}
        }
    }
    count >= 2 && {
        let (korean, faults) = super::decode_as(sample, Charset::CP949);
        faults == 0 && korean.chars().filter(|character| !character.is_ascii()).all(is_common_syllable)
    }
}

/// Sets of eight bits: the East Asian ones are weighed by how they read; of the others chardetng decides.
fn eight_bits(sample: &[u8]) -> Judged {
    let candidates = [
        (Charset::CP949, Language::Korean, 0.1),
        (Charset::JOHAB, Language::Korean, 0.0),
        (Charset::SHIFT_JIS, Language::Japanese, 0.0),
        (Charset(Kind::Web(encoding_rs::EUC_JP)), Language::Japanese, 0.0),
        (Charset::GB18030, Language::Simplified, 0.0),
        (Charset::BIG5, Language::Traditional, 0.0),
    ];
    let mut weighed: Vec<(f32, usize, Charset)> = candidates
        .into_iter()
        .map(|(charset, language, favour)| {
            let mut decoder = Decoder::new(charset);
            let mut text = String::new();
            // At the end of a cut sample a character may be cut: not said to be the last, it is no fault.
            decoder.push(sample, !is_cut(sample), &mut text);
            let (mean, count) = weigh(&text, decoder.undecodable(), language);
            (mean + favour, count, charset)
        })
        .collect();
    weighed.sort_by(|left, right| right.0.total_cmp(&left.0));
    let (best, count, charset) = weighed[0];
    let margin = best - weighed[1].0.max(0.0);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let other = detector.guess(None, Utf8Detection::Deny);
    if best >= READS_WELL && margin > 0.05 {
        return Judged::new(charset, Basis::Guessed, sure(margin, count));
    }
    let high = sample.iter().filter(|byte| !byte.is_ascii()).count();
    let is_multibyte = !other.is_single_byte();
    let agrees = weighed.iter().any(|(mean, _, charset)| charset.0 == Kind::Web(other) && *mean > -0.3);
    let is_likely = if is_multibyte { agrees } else { high >= 8 };
    let confidence = if is_likely { 60 } else { 45 };
    let other = if other == encoding_rs::GBK { encoding_rs::GB18030 } else { other };
    Judged::new(Charset(Kind::Web(other)), Basis::Guessed, if is_multibyte && !agrees { 20 } else { confidence })
}

/// Sure in percent: by how far the best is ahead of the next, and by how many characters say so.
fn sure(margin: f32, count: usize) -> u8 {
    let evidence = match count {
        0..=1 => 0.5,
        2..=3 => 0.75,
        4..=9 => 0.9,
        _ => 1.0,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 40 and 99")]
    let sure = (40.0 + 59.0 * (margin * 1.6).min(1.0) * evidence) as u8;
    sure.min(99)
}
