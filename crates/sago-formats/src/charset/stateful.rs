//! Sets that switch between alphabets by sequences of seven-bit bytes: ISO-2022-KR (RFC 1557), HZ (RFC 1843), UTF-7 (RFC 2152).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{EUC_KR, Encoding, GBK};

/// ISO-2022-KR: between SO and SI two bytes are a character of KS X 1001. Adds to `text`; answers how many sequences meant nothing.
pub(super) fn iso_2022_kr(bytes: &[u8], text: &mut String) -> u64 {
    let mut eight_bits = Vec::with_capacity(bytes.len());
    let (mut is_shifted, mut rest) = (false, bytes);
    while let Some((&first, more)) = rest.split_first() {
        rest = match first {
            0x1b if more.starts_with(b"$)C") => &more[3..],
            0x0e => {
                is_shifted = true;
                more
            }
            0x0f => {
                is_shifted = false;
                more
            }
            // RFC 1557: a line begins in ASCII.
            b'\n' => {
                is_shifted = false;
                eight_bits.push(first);
                more
            }
            0x21..=0x7e if is_shifted => {
                eight_bits.push(first | 0x80);
                more
            }
            _ => {
                eight_bits.push(first);
                more
            }
        };
    }
    eight_bit_text(&eight_bits, EUC_KR, text)
}

/// HZ: between `~{` and `~}` two bytes are a character of GB 2312.
pub(super) fn hz(bytes: &[u8], text: &mut String) -> u64 {
    let mut eight_bits = Vec::with_capacity(bytes.len());
    let (mut is_shifted, mut rest) = (false, bytes);
    while let Some((&first, more)) = rest.split_first() {
        rest = match (first, more.first()) {
            (b'~', Some(b'{')) => {
                is_shifted = true;
                &more[1..]
            }
            (b'~', Some(b'}')) => {
                is_shifted = false;
                &more[1..]
            }
            (b'~', Some(b'~')) if !is_shifted => {
                eight_bits.push(b'~');
                &more[1..]
            }
            (b'~', Some(b'\n')) if !is_shifted => &more[1..],
            (0x21..=0x7e, _) if is_shifted => {
                eight_bits.push(first | 0x80);
                more
            }
            _ => {
                is_shifted &= first != b'\n';
                eight_bits.push(first);
                more
            }
        };
    }
    eight_bit_text(&eight_bits, GBK, text)
}

fn eight_bit_text(bytes: &[u8], encoding: &'static Encoding, text: &mut String) -> u64 {
    let (decoded, has_errors) = encoding.decode_without_bom_handling(bytes);
    text.push_str(&decoded);
    if has_errors { decoded.matches('\u{fffd}').count() as u64 } else { 0 }
}

/// UTF-7: `+`, base64 of UTF-16 without padding, `-`.
pub(super) fn utf_7(bytes: &[u8], text: &mut String) -> u64 {
    let engine = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::RequireNone),
    );
    let (mut undecodable, mut rest) = (0, bytes);
    while let Some((&first, more)) = rest.split_first() {
        if first != b'+' {
            if first.is_ascii() {
                text.push(char::from(first));
            } else {
                text.push('\u{fffd}');
                undecodable += 1;
            }
            rest = more;
            continue;
        }
        let count = more.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')).count();
        let (coded, after) = more.split_at(count);
        rest = after.strip_prefix(b"-").unwrap_or(after);
        if coded.is_empty() {
            text.push('+');
            continue;
        }
        // A last group of one letter holds no whole byte: it would make the rest undecodable.
        let coded = if coded.len() % 4 == 1 { &coded[..coded.len() - 1] } else { coded };
        let Ok(wide) = engine.decode(coded) else {
            text.push('\u{fffd}');
            undecodable += 1;
            continue;
        };
        let units = wide.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        for unit in char::decode_utf16(units) {
            undecodable += u64::from(unit.is_err());
            text.push(unit.unwrap_or('\u{fffd}'));
        }
    }
    undecodable
}
