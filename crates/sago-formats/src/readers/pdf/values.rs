//! Values of PDF objects as text and bytes: text strings (ISO 32000-2, 7.9.2.2), dates (7.9.4), streams taken out piece by piece.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;
use hayro_syntax::Filter;
use hayro_syntax::object::{Array, Dict, Name, Object, Stream};

/// PDFDocEncoding where it differs from Latin-1 (ISO 32000-2, table D.2): the codes 0x18 to 0x1F and 0x80 to 0x9E, 0xA0.
const LOW: [char; 8] = ['\u{02D8}', '\u{02C7}', '\u{02C6}', '\u{02D9}', '\u{02DD}', '\u{02DB}', '\u{02DA}', '\u{02DC}'];
const HIGH: [char; 31] = [
    '\u{2022}', '\u{2020}', '\u{2021}', '\u{2026}', '\u{2014}', '\u{2013}', '\u{0192}', '\u{2044}', '\u{2039}', '\u{203A}', '\u{2212}', '\u{2030}', '\u{201E}',
    '\u{201C}', '\u{201D}', '\u{2018}', '\u{2019}', '\u{201A}', '\u{2122}', '\u{FB01}', '\u{FB02}', '\u{0141}', '\u{0152}', '\u{0160}', '\u{0178}', '\u{017D}',
    '\u{0131}', '\u{0142}', '\u{0153}', '\u{0161}', '\u{017E}',
];

/// A text string: UTF-16 or UTF-8 by its mark, else PDFDocEncoding; a string without mark that is UTF-8 or CP949 and nothing else (what some Korean writers
/// leave) is read as such.
pub fn text(bytes: &[u8]) -> String {
    let decoded = match bytes {
        [0xFE, 0xFF, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xFF, 0xFE, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into_owned(),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ if bytes.iter().filter(|byte| **byte >= 0x80).count() >= 2 => undeclared(bytes),
        _ => bytes.iter().map(|byte| doc_char(*byte)).collect(),
    };
    clean(&without_language(&decoded))
}

fn undeclared(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let (korean, had_errors) = encoding_rs::EUC_KR.decode_without_bom_handling(bytes);
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    let syllables = korean.chars().filter(|sign| ('\u{AC00}'..='\u{D7A3}').contains(sign)).count();
    if !had_errors && syllables * 2 == high {
        return korean.into_owned();
    }
    bytes.iter().map(|byte| doc_char(*byte)).collect()
}

fn doc_char(byte: u8) -> char {
    match byte {
        0x18..=0x1F => LOW[usize::from(byte - 0x18)],
        0x80..=0x9E => HIGH[usize::from(byte - 0x80)],
        0xA0 => '\u{20AC}',
        _ => char::from(byte),
    }
}

/// Escape sequences that name a language (ISO 32000-2, 7.9.2.2) are no text.
fn without_language(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut parts = text.split('\u{1B}');
    kept.push_str(parts.next().unwrap_or_default());
    let mut is_code = true;
    for part in parts {
        if !is_code {
            kept.push_str(part);
        }
        is_code = !is_code;
    }
    kept
}

/// Line ends as `\n`, no other control characters than tabs.
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|sign| !sign.is_control() || matches!(sign, '\n' | '\t')).collect()
}

/// The text of an entry that is a string, name or stream.
pub fn entry(dict: &Dict<'_>, key: &str, limit: u64) -> Option<String> {
    of_object(dict.get::<Object<'_>>(key)?, limit)
}

/// The text of an object: of a string, a name, a number, a stream, or the strings of an array with a comma between.
pub fn of_object(object: Object<'_>, limit: u64) -> Option<String> {
    let value = match object {
        Object::String(string) => text(string.as_bytes()),
        Object::Name(name) => name_text(&name),
        Object::Number(number) => number.as_f64().to_string(),
        Object::Boolean(value) => value.to_string(),
        Object::Stream(stream) => text(&bytes(&stream, limit).0),
        Object::Array(array) => strings(&array).join(", "),
        Object::Dict(_) | Object::Null(_) => return None,
    };
    (!value.trim().is_empty()).then_some(value)
}

fn strings(array: &Array<'_>) -> Vec<String> {
    array
        .iter::<Object<'_>>()
        .filter_map(|object| match object {
            Object::String(string) => Some(text(string.as_bytes())),
            Object::Name(name) => Some(name_text(&name)),
            Object::Number(number) => Some(number.as_f64().to_string()),
            _ => None,
        })
        .collect()
}

/// A name as text; what is no UTF-8 is taken as a text string.
pub fn name_text(name: &Name<'_>) -> String {
    let bytes: &[u8] = name.as_ref();
    std::str::from_utf8(bytes).map_or_else(|_| text(bytes), clean)
}

/// Whether an entry is this name.
pub fn is_name(dict: &Dict<'_>, key: &str, value: &[u8]) -> bool {
    dict.get::<Name<'_>>(key).is_some_and(|name| {
        let bytes: &[u8] = name.as_ref();
        bytes == value
    })
}

/// A date as RFC 3339 when it is one and says its zone; without zone when it does not; else as it stands.
pub fn date(value: &str) -> String {
    rfc3339(value.trim().strip_prefix("D:").unwrap_or(value.trim())).unwrap_or_else(|| value.to_owned())
}

fn rfc3339(value: &str) -> Option<String> {
    let digits: String = value.chars().take_while(char::is_ascii_digit).take(14).collect();
    let rest = value.get(digits.len()..)?;
    let part = |from: usize, default: &str| digits.get(from..from + 2).map_or_else(|| default.to_owned(), str::to_owned);
    let year = digits.get(..4)?;
    let (month, day, hour, minute, second) = (part(4, "01"), part(6, "01"), part(8, "00"), part(10, "00"), part(12, "00"));
    let in_range = |text: &str, low: u8, high: u8| text.parse::<u8>().is_ok_and(|number| (low..=high).contains(&number));
    if !in_range(&month, 1, 12) || !in_range(&day, 1, 31) || !in_range(&hour, 0, 23) || !in_range(&minute, 0, 59) || !in_range(&second, 0, 60) {
        return None;
    }
    if digits.len() < 8 {
        return Some(if digits.len() < 6 { year.to_owned() } else { format!("{year}-{month}") });
    }
    if digits.len() < 10 {
        return Some(format!("{year}-{month}-{day}"));
    }
    let zone = match rest.chars().next() {
        None => String::new(),
        Some('Z') => "Z".to_owned(),
        Some(sign @ ('+' | '-')) => {
            let numbers: String = rest.chars().filter(char::is_ascii_digit).take(4).collect();
            let hours = numbers.get(..2)?;
            format!("{sign}{hours}:{}", numbers.get(2..4).unwrap_or("00"))
        }
        Some(_) => return None,
    };
    Some(format!("{year}-{month}-{day}T{hour}:{minute}:{second}{zone}"))
}

/// The content of a stream, unpacked as it is read, so that its length never matters.
pub fn reader<'a>(stream: &Stream<'a>) -> Result<Box<dyn Read + 'a>, String> {
    let filters = stream.filters();
    if filters.iter().all(|filter| matches!(filter, Filter::FlateDecode | Filter::Crypt)) && !has_predictor(stream.dict()) {
        let mut reader: Box<dyn Read + 'a> = Box::new(io::Cursor::new(stream.raw_data()));
        for _ in filters.iter().filter(|filter| matches!(filter, Filter::FlateDecode)) {
            reader = Box::new(ZlibDecoder::new(reader));
        }
        return Ok(reader);
    }
    match stream.decoded() {
        Ok(bytes) => Ok(Box::new(io::Cursor::new(bytes))),
        Err(failure) => Err(format!("it could not be unpacked ({failure:?})")),
    }
}

fn has_predictor(dict: &Dict<'_>) -> bool {
    let predicts = |parameters: &Dict<'_>| parameters.get::<i32>("Predictor").is_some_and(|predictor| predictor > 1);
    ["DecodeParms", "DP"].iter().any(|key| match dict.get::<Object<'_>>(*key) {
        Some(Object::Dict(parameters)) => predicts(&parameters),
        Some(Object::Array(array)) => array.iter::<Dict<'_>>().any(|parameters| predicts(&parameters)),
        _ => false,
    })
}

/// How the reading of a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was read to its end.
    Whole,
    /// It is damaged; what could be read was.
    Damaged,
    /// It is longer than the limit.
    Limit,
}

/// The content of a stream up to a limit.
pub fn bytes(stream: &Stream<'_>, limit: u64) -> (Vec<u8>, End) {
    let mut content = Vec::new();
    let Ok(reader) = reader(stream) else {
        return (content, End::Damaged);
    };
    let end = match reader.take(limit.saturating_add(1)).read_to_end(&mut content) {
        Ok(_) if content.len() as u64 > limit => {
            content.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            End::Limit
        }
        Ok(_) => End::Whole,
        Err(_) => End::Damaged,
    };
    // A damaged zlib stream: the library's own unpacker is more forgiving. It keeps no limit, so it gets only what cannot grow beyond ours.
    if end == End::Damaged
        && (stream.raw_data().len() as u64).saturating_mul(1100) < limit
        && let Ok(better) = stream.decoded_data()
        && better.len() > content.len()
    {
        content = better.into_owned();
    }
    (content, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_strings_are_read_in_every_encoding_they_may_have() {
        assert_eq!(text(b"\xFE\xFF\xD5\x5C\xAE\x00"), "한글");
        assert_eq!(text(b"\xEF\xBB\xBF\xED\x95\x9C"), "한");
        assert_eq!(text(b"caf\xE9 \x80"), "café •");
        assert_eq!(text(b"\xC7\xD1\xB1\xDB"), "한글");
        assert_eq!(text("한글".as_bytes()), "한글");
        assert_eq!(text(b"\xFE\xFF\x00\x1B\x00e\x00n\x00\x1B\x00A"), "A");
    }

    #[test]
    fn dates_keep_what_they_say_and_no_more() {
        assert_eq!(date("D:20130826132109+09'00'"), "2013-08-26T13:21:09+09:00");
        assert_eq!(date("D:20130826132109"), "2013-08-26T13:21:09");
        assert_eq!(date("D:20130826132109Z"), "2013-08-26T13:21:09Z");
        assert_eq!(date("D:20130826"), "2013-08-26");
        assert_eq!(date("D:20131326"), "D:20131326");
        assert_eq!(date("Mon Aug 3"), "Mon Aug 3");
    }
}
