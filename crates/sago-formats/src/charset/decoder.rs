//! Bytes to text, piece by piece.

use encoding_rs::{DecoderResult, Encoding};

use super::johab;
use super::label::{Charset, Kind};
use super::stateful;

/// Longest line of a set with shifts that is kept until its end: those sets begin each line anew, so that a longer one is cut there.
const LINE_BYTES: usize = 1 << 20;

/// Decodes a stream. Pieces may be cut anywhere.
pub struct Decoder {
    state: State,
    undecodable: u64,
}

enum State {
    Web(Box<encoding_rs::Decoder>),
    Dos(&'static str),
    /// What was left of the last piece.
    Johab(Option<u8>),
    Utf32 {
        is_big_endian: bool,
        kept: Vec<u8>,
    },
    Lines {
        decode: fn(&[u8], &mut String) -> u64,
        kept: Vec<u8>,
    },
}

impl Decoder {
    /// Begins a text. Byte order marks are not looked for: [`super::judge`] has said how long it is.
    pub fn new(charset: Charset) -> Self {
        let lines = |decode| State::Lines { decode, kept: Vec::new() };
        let state = match charset.0 {
            Kind::Web(encoding) => State::Web(Box::new(encoding.new_decoder_without_bom_handling())),
            Kind::Dos(_, characters) => State::Dos(characters),
            Kind::Johab => State::Johab(None),
            Kind::Utf32 { is_big_endian } => State::Utf32 { is_big_endian, kept: Vec::new() },
            Kind::Iso2022Kr => lines(stateful::iso_2022_kr),
            Kind::Hz => lines(stateful::hz),
            Kind::Utf7 => lines(stateful::utf_7),
        };
        Self { state, undecodable: 0 }
    }

    /// How many sequences meant nothing so far.
    pub fn undecodable(&self) -> u64 {
        self.undecodable
    }

    /// Adds the text of the next piece. After the last, the decoder is used up.
    pub fn push(&mut self, bytes: &[u8], is_last: bool, text: &mut String) {
        self.undecodable += match &mut self.state {
            State::Web(decoder) => web(decoder, bytes, is_last, text),
            State::Dos(characters) => {
                dos(characters, bytes, text);
                0
            }
            State::Johab(kept) => johab_text(kept, bytes, is_last, text),
            State::Utf32 { is_big_endian, kept } => {
                kept.extend_from_slice(bytes);
                let whole = if is_last { kept.len() } else { kept.len() / 4 * 4 };
                let rest = kept.split_off(whole);
                utf32(&std::mem::replace(kept, rest), *is_big_endian, text)
            }
            State::Lines { decode, kept } => {
                kept.extend_from_slice(bytes);
                let end = kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
                let end = if is_last || (end == 0 && kept.len() > LINE_BYTES) { kept.len() } else { end };
                let rest = kept.split_off(end);
                decode(&std::mem::replace(kept, rest), text)
            }
        };
    }
}

fn web(decoder: &mut encoding_rs::Decoder, bytes: &[u8], is_last: bool, text: &mut String) -> u64 {
    let (mut undecodable, mut rest) = (0, bytes);
    loop {
        // Grows with the piece, never with what a file says.
        text.reserve(decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(rest.len()).max(16));
        let (result, count) = decoder.decode_to_string_without_replacement(rest, text, is_last);
        rest = rest.get(count..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return undecodable,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                text.push('\u{fffd}');
                undecodable += 1;
            }
        }
    }
}

fn dos(characters: &str, bytes: &[u8], text: &mut String) {
    let table: Vec<char> = characters.chars().collect();
    text.extend(bytes.iter().map(|byte| match byte.checked_sub(0x80) {
        Some(high) => table.get(usize::from(high)).copied().unwrap_or('\u{fffd}'),
        None => char::from(*byte),
    }));
}

fn johab_text(kept: &mut Option<u8>, bytes: &[u8], is_last: bool, text: &mut String) -> u64 {
    let mut undecodable = 0;
    for &byte in bytes {
        match kept.take() {
            Some(lead) => match johab::character(lead, byte) {
                Some(character) => text.push(character),
                None => {
                    text.push('\u{fffd}');
                    undecodable += 1;
                    // An ASCII byte after a lead without meaning is more likely itself than part of the damage.
                    if byte.is_ascii() {
                        text.push(char::from(byte));
                    }
                }
            },
            None if byte.is_ascii() => text.push(char::from(byte)),
            None if johab::is_lead(byte) => *kept = Some(byte),
            None => {
                text.push('\u{fffd}');
                undecodable += 1;
            }
        }
    }
    if is_last && kept.take().is_some() {
        text.push('\u{fffd}');
        undecodable += 1;
    }
    undecodable
}

fn utf32(bytes: &[u8], is_big_endian: bool, text: &mut String) -> u64 {
    let mut undecodable = 0;
    for unit in bytes.chunks(4) {
        let number = <[u8; 4]>::try_from(unit).map(|unit| if is_big_endian { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) });
        let character = number.ok().and_then(char::from_u32);
        undecodable += u64::from(character.is_none());
        text.push(character.unwrap_or('\u{fffd}'));
    }
    undecodable
}

/// Whether the bytes are without fault in this set, but for a character cut off at the end.
pub(super) fn reads(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    let mut text = String::new();
    web(&mut encoding.new_decoder_without_bom_handling(), bytes, false, &mut text) == 0
}
