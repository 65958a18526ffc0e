//! Distinguished names (X.501): shown to people and compared when a chain is built.
//!
//! Comparing only proposes an issuer; a signature decides. So it is lenient: case, spacing and string type do not matter.

use crate::oid::NAME_ATTRIBUTES;
use crate::tlv::{Fields, Read};
use der::Tag;
use std::fmt::{self, Write};

/// The name of a certificate's subject or issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    der: Vec<u8>,
    shown: String,
    folded: String,
}

impl Name {
    pub(crate) fn read(fields: &mut Fields<'_>, place: &'static str) -> Read<Self> {
        let whole = fields.expect(Tag::Sequence)?;
        let mut name = Self { der: whole.der.to_vec(), shown: String::new(), folded: String::new() };
        let mut relative = whole.fields(place);
        while !relative.is_empty() {
            let mut shown = Vec::new();
            let mut folded = Vec::new();
            let mut attributes = relative.expect(Tag::Set)?.fields(place);
            while !attributes.is_empty() {
                let mut attribute = attributes.sequence()?;
                let kind = attribute.oid()?;
                let value = attribute.next()?;
                attribute.end()?;
                let label = NAME_ATTRIBUTES.iter().find(|(oid, _)| *oid == kind).map(|(_, label)| (*label).to_owned());
                let label = label.unwrap_or_else(|| kind.to_string());
                let text = string(value.tag, value.value).unwrap_or_else(|| format!("#{}", hex::encode(value.der)));
                let plain = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
                // Lengths keep two attributes from reading like one with odd characters.
                folded.push(format!("{kind}={}:{plain}", plain.len()));
                shown.push(format!("{label}={}", escaped(&text)));
            }
            folded.sort();
            let separator = if name.shown.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(name.shown, "{separator}{}", shown.join(" + "));
            let _ = write!(name.folded, "{};", folded.join("+"));
        }
        Ok(name)
    }

    /// Whether two names have the same bytes.
    pub(crate) fn is_exactly(&self, other: &Self) -> bool {
        self.der == other.der
    }

    /// Whether two names are the same for building chains.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.der == other.der || self.folded == other.folded
    }
}

impl fmt::Display for Name {
    /// Attributes in encoded order, `C=US, O=DigiCert\, Inc.`; commas and control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.shown.is_empty() { "(empty name)" } else { &self.shown })
    }
}

fn string(tag: Tag, value: &[u8]) -> Option<String> {
    match tag {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => String::from_utf8(value.to_vec()).ok(),
        // T.61 is in practice Latin-1.
        Tag::TeletexString => Some(value.iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString if value.len().is_multiple_of(2) => {
            String::from_utf16(&value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect::<Vec<_>>()).ok()
        }
        _ => None,
    }
}

/// Text from a stranger, safe to print on one line: no control characters, none that turn the reading direction.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => safe.extend(['\\', letter]),
            _ if letter.is_control() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                safe.extend(letter.escape_unicode());
            }
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlv::element;

    fn name(tag: u8, text: &[u8]) -> Name {
        let attribute = element(0x30, &[&[0x06, 0x03, 0x55, 0x04, 0x03], &element(tag, &[text])]);
        let bytes = element(0x30, &[&element(0x31, &[&attribute])]);
        Name::read(&mut Fields::new(&bytes, "here"), "here").unwrap()
    }

    #[test]
    fn names_match_without_regard_to_case_spacing_and_string_type() {
        assert!(name(0x13, b"Time  Stamping CA").matches(&name(0x0C, b"time stamping ca ")));
        assert!(name(0x1E, &[0, b'C', 0, b'A']).matches(&name(0x0C, b"CA")));
        assert!(!name(0x0C, b"CA 1").matches(&name(0x0C, b"CA 2")));
    }

    #[test]
    fn hostile_letters_are_escaped() {
        assert_eq!(name(0x0C, "a\nb\u{1b}[31m\u{202e}c, d".as_bytes()).to_string(), "CN=a\\u{a}b\\u{1b}[31m\\u{202e}c\\, d");
        assert_eq!(name(0x0C, &[0xFF]).to_string(), "CN=#0c01ff");
    }
}
