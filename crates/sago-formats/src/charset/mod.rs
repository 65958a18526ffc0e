//! Which characters bytes mean: declared, marked or judged, and how sure that is.
//!
//! Texts of any age and country come in. What the file or its envelope declares is believed as long as the bytes agree; then marks at the beginning (BOM),
//! then UTF-8 (which is hardly ever right by accident), then what reads best: see `judge`. Nothing is normalised. What means nothing becomes U+FFFD and is
//! counted.

mod decoder;
mod johab;
mod judge;
mod label;
mod name;
mod score;
mod stateful;

use crate::finding::{Code, Finding};

pub use decoder::Decoder;
pub(crate) use judge::is_wide_text;
pub use judge::{Judged, SAMPLE_BYTES, judge};
pub use label::Charset;
pub use name::decode_name;

/// Below this a judgement is doubtful and the finding weighs as a loss.
pub const DOUBTFUL: u8 = 40;

/// What decided on a character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The bytes agree with what was declared.
    Declared,
    /// A byte order mark.
    Bom,
    /// Nothing but ASCII, or UTF-8 without a fault.
    Unicode,
    /// Escape sequences that only this set has.
    Escapes,
    /// What reads best.
    Guessed,
}

/// Text, and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark. What means nothing is U+FFFD.
    pub text: String,
    /// Name of the character set.
    pub charset: &'static str,
    /// What decided.
    pub basis: Basis,
    /// How sure, in percent.
    pub confidence: u8,
    /// How many sequences of bytes meant nothing.
    pub undecodable: u64,
    /// What was declared and not believed.
    pub refused: Option<String>,
}

impl Decoded {
    /// What a reader must say about it: the set was judged, is doubtful, or left bytes over.
    pub fn findings(&self) -> Vec<Finding> {
        findings(self.charset, self.basis, self.confidence, self.undecodable, self.refused.as_deref())
    }
}

/// The findings about a decoded text.
pub fn findings(charset: &str, basis: Basis, confidence: u8, undecodable: u64, refused: Option<&str>) -> Vec<Finding> {
    let mut found = Vec::new();
    let declared = refused.map(|label| format!(" {label} was declared and does not fit.")).unwrap_or_default();
    if basis == Basis::Guessed {
        let code = if confidence < DOUBTFUL { Code::EncodingDoubtful } else { Code::EncodingGuessed };
        found.push(Finding::new(code, format!("Read as {charset}, {confidence} % sure.{declared}")));
    } else if refused.is_some() {
        found.push(Finding::new(Code::EncodingGuessed, format!("Read as {charset}.{declared}")));
    }
    if undecodable > 0 {
        found.push(Finding::new(Code::Undecodable, format!("{undecodable} sequences of bytes mean nothing in {charset}; each is shown as U+FFFD.")));
    }
    found
}

/// Decodes a text that is whole in memory. `declared` is what its envelope or it itself says, for example `ks_c_5601-1987`.
pub fn decode(bytes: &[u8], declared: Option<&str>) -> Decoded {
    let judged = judge(bytes, declared);
    let mut decoder = Decoder::new(judged.charset);
    let mut text = String::new();
    decoder.push(bytes.get(judged.bom_bytes..).unwrap_or_default(), true, &mut text);
    Decoded {
        text,
        charset: judged.charset.name(),
        basis: judged.basis,
        confidence: judged.confidence,
        undecodable: decoder.undecodable(),
        refused: judged.refused,
    }
}

/// Decodes bytes whose character set is known for certain (a code page in a file's header).
pub fn decode_as(bytes: &[u8], charset: Charset) -> (String, u64) {
    let mut decoder = Decoder::new(charset);
    let mut text = String::new();
    decoder.push(bytes, true, &mut text);
    (text, decoder.undecodable())
}

/// Takes out control characters but tabs and line ends, as [`crate::Block`] wants it: form feeds and vertical tabs become line ends, others vanish.
pub fn without_controls(text: &str) -> std::borrow::Cow<'_, str> {
    let is_kept = |character: char| !character.is_control() || matches!(character, '\t' | '\n' | '\r');
    if text.chars().all(is_kept) {
        return text.into();
    }
    let replaced = text.chars().filter_map(|character| match character {
        '\u{b}' | '\u{c}' | '\u{85}' => Some('\n'),
        character => is_kept(character).then_some(character),
    });
    replaced.collect::<String>().into()
}

#[cfg(test)]
mod tests;
