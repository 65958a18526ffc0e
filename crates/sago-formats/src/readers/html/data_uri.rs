//! Files that stand in a page itself, as `data:` addresses (RFC 2397).

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding is often left off.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// A file in a page.
pub(crate) struct Inline {
    /// What the address says it is; empty when it says nothing.
    pub media_type: String,
    /// Its bytes; nothing when they could not be decoded.
    pub bytes: Option<Vec<u8>>,
}

/// Reads an address that begins with `data:`.
pub(crate) fn parse(address: &str) -> Option<Inline> {
    let (head, body) = address.trim().get(5..)?.split_once(',')?;
    let (media_type, is_base64) = match head.strip_suffix(";base64") {
        Some(media_type) => (media_type, true),
        None => (head, false),
    };
    let plain = percent(body);
    let bytes = if is_base64 { decode_base64(&plain) } else { Some(plain) };
    Some(Inline { media_type: media_type.split(';').next().unwrap_or_default().to_owned(), bytes })
}

/// Base64 with white space in it and without all of its padding.
pub(crate) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let packed: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    LENIENT.decode(packed).ok()
}

fn percent(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.filter(|_| bytes[at] == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// The `data:` addresses in base64 that stand somewhere in a script or style.
pub(crate) fn find_all(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("data:") {
        rest = &rest[at..];
        let Some(comma) = rest.bytes().take(200).position(|byte| byte == b',').filter(|comma| rest[..*comma].ends_with(";base64")) else {
            rest = &rest[5..];
            continue;
        };
        let body = &rest[comma + 1..];
        let end = body.find(|letter: char| !(letter.is_ascii_alphanumeric() || "+/=%".contains(letter))).unwrap_or(body.len());
        if end > 0 {
            found.push(&rest[..comma + 1 + end]);
        }
        rest = &body[end..];
    }
    found
}
