//! vCard (RFC 6350, and 2.1 of telephones) and iCalendar (RFC 5545): each property is a block; its part says the record and the name. Pictures and sounds in
//! them are contained files.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::TextStream;
use crate::charset::{decode, without_controls};
use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Deepest nesting of components that is named.
const DEPTH: usize = 16;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut stream = TextStream::open(source, None)?;
    let longest = usize::try_from(context.limits.memory_bytes).unwrap_or(usize::MAX);
    let mut cards = Cards { sink, path: Vec::new(), records: 0, number: 0 };
    // A property and the lines it was folded into.
    let mut held: Option<(u32, String)> = None;
    while let Some(line) = stream.next_line()? {
        let is_folded = line.text.starts_with([' ', '\t']);
        let is_soft = held.as_ref().is_some_and(|(_, text)| text.ends_with('=') && is_quoted_printable(text));
        match &mut held {
            Some((_, text)) if (is_folded || is_soft) && text.len() < longest => {
                if is_soft {
                    text.pop();
                }
                text.push_str(if is_folded { &line.text[1..] } else { &line.text });
            }
            _ => {
                if let Some((number, text)) = held.replace((line.number, line.text)) {
                    cards.property(number, &text)?;
                }
            }
        }
    }
    if let Some((number, text)) = held {
        cards.property(number, &text)?;
    }
    let Cards { sink, path, records, .. } = cards;
    if let Some(open) = path.last() {
        sink.finding(Finding::new(Code::Truncated, format!("{open} is not ended before the end of the file.")))?;
    }
    sink.property("record_count", records.to_string())?;
    stream.tell(sink)
}

fn is_quoted_printable(line: &str) -> bool {
    line.split_once(':').is_some_and(|(head, _)| head.to_ascii_uppercase().contains("QUOTED-PRINTABLE"))
}

struct Cards<'a> {
    sink: &'a mut dyn Sink,
    path: Vec<String>,
    records: u64,
    number: u32,
}

impl Cards<'_> {
    fn property(&mut self, line: u32, text: &str) -> Result<(), Stop> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.number = line;
        let Some((head, value)) = split(text) else {
            return self.tell("", text);
        };
        let mut parameters = head.split(';');
        let name = parameters.next().unwrap_or_default().trim().to_ascii_uppercase();
        let parameters: Vec<String> = parameters.map(|parameter| parameter.trim().to_ascii_uppercase()).collect();
        match name.as_str() {
            "BEGIN" => {
                if self.path.len() < DEPTH {
                    self.path.push(value.trim().to_ascii_uppercase());
                }
                self.records += u64::from(self.path.len() == 1 || value.trim().eq_ignore_ascii_case("VEVENT"));
                return Ok(());
            }
            "END" => {
                self.path.pop();
                return Ok(());
            }
            "VERSION" | "PRODID" | "METHOD" | "CALSCALE" => {
                return self.sink.property(&format!("{}:{}", self.kind(), name.to_ascii_lowercase()), value.trim().to_owned());
            }
            _ => {}
        }
        let has = |wanted: &str| parameters.iter().any(|parameter| parameter.rsplit('=').next() == Some(wanted));
        if has("QUOTED-PRINTABLE") {
            let charset = parameters.iter().find_map(|parameter| parameter.strip_prefix("CHARSET="));
            let decoded = decode(&quoted_printable(value), charset);
            for finding in decoded.findings() {
                self.sink.finding(finding.at(format!("line {line}")))?;
            }
            return self.tell(&name, &decoded.text);
        }
        if has("BASE64") || has("B") {
            return self.child(&name, &parameters, value);
        }
        if let Some((kind, data)) = value.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
            return self.child(&name, &[format!("TYPE={}", kind.to_ascii_uppercase())], data);
        }
        self.tell(&name, &unescape(value))
    }

    fn kind(&self) -> &'static str {
        if self.path.first().is_some_and(|first| first == "VCALENDAR") { "ical" } else { "vcard" }
    }

    fn tell(&mut self, name: &str, text: &str) -> Result<(), Stop> {
        let part = format!("{} {}/{name}", self.path.join("/"), self.records);
        self.sink.block(Block::new(BlockKind::Field, Anchor::in_part(part, self.number), without_controls(text)))
    }

    fn child(&mut self, name: &str, parameters: &[String], value: &str) -> Result<(), Stop> {
        let engine = GeneralPurpose::new(
            &STANDARD,
            GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        let clean: Vec<u8> = value.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let place = format!("line {}", self.number);
        let Ok(bytes) = engine.decode(&clean) else {
            return self.sink.finding(Finding::new(Code::ChildFailed, format!("{name} is not base64.")).at(place));
        };
        let kind = parameters
            .iter()
            .find_map(|parameter| parameter.strip_prefix("TYPE=").or_else(|| parameter.strip_prefix("FMTTYPE=")))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let extension = kind.rsplit('/').next().unwrap_or_default().to_owned();
        let mut child = Child::new(ChildRole::Embedded, format!("{}-{}.{extension}", name.to_ascii_lowercase(), self.number).trim_end_matches('.').to_owned());
        child.media_type = kind.contains('/').then_some(kind);
        child.anchor = Anchor::in_part(format!("{} {}/{name}", self.path.join("/"), self.records), self.number);
        child.size_bytes = Some(bytes.len() as u64);
        self.sink.child(child, &mut bytes.as_slice()).map(|_| ())
    }
}

/// Name with parameters, and value: parted at the first colon outside quotation marks.
fn split(line: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let place = line.char_indices().find_map(|(place, character)| {
        is_quoted ^= character == '"';
        (character == ':' && !is_quoted).then_some(place)
    })?;
    Some((&line[..place], &line[place + 1..]))
}

fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other @ ('\\' | ',' | ';' | ':')) => out.push(other),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            (character, false) => out.push(character),
        }
    }
    out
}

/// What is no proper code stays as it stands.
fn quoted_printable(value: &str) -> Vec<u8> {
    let bytes = value.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'=').then(|| bytes.get(at + 1..at + 3)).flatten().and_then(|pair| hex::decode(pair).ok());
        match code.as_deref() {
            Some([decoded]) => {
                out.push(*decoded);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}
