//! XMP (ISO 16684-1): the XML packet of properties in documents and pictures; and the text of small XML documents inside them.

use base64::Engine as _;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Deepest nesting that is followed.
const DEPTH: usize = 64;
/// Longest value that is told.
const VALUE_BYTES: usize = 64 << 10;

/// Reads a file that is a packet by itself, as it lies beside a picture or film.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        return sink.finding(Finding::new(Code::LimitMemory, Code::LimitMemory.meaning()).weighing(Severity::Unreadable));
    };
    let told = properties(&bytes);
    for (number, (name, value)) in (1_u32..).zip(&told) {
        if value.chars().any(char::is_alphanumeric) && !name.ends_with("xmpGImg:image") {
            sink.block(Block::new(BlockKind::Paragraph, Anchor::in_part(name.clone(), number), value.clone()))?;
        }
    }
    tell(&bytes, sink)?;
    if told.is_empty() { sink.finding(Finding::new(Code::NoText, "The packet holds no properties.")) } else { Ok(()) }
}

/// Tells the properties of a packet under their own prefixes: `dc:title`, `xmp:CreateDate`, `photoshop:City`. Nested ones are joined by a slash, languages
/// stand in brackets.
pub fn tell(bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
    for (name, value) in properties(bytes) {
        if name.ends_with("xmpGImg:image") {
            thumbnail(&value, sink)?;
            continue;
        }
        sink.property(&name, value)?;
    }
    Ok(())
}

/// A small picture of the document, written as base64.
fn thumbnail(value: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
    let packed: String = value.chars().filter(|sign| !sign.is_whitespace()).collect();
    match base64::engine::general_purpose::STANDARD.decode(packed.as_bytes()) {
        Ok(bytes) => {
            let mut child = Child::new(ChildRole::Thumbnail, "thumbnail.jpg");
            child.media_type = Some("image/jpeg".to_owned());
            sink.child(child, &mut bytes.as_slice()).map(drop)
        }
        Err(error) => sink.finding(Finding::new(Code::ChildFailed, format!("A small picture in the XMP packet could not be decoded: {error}"))),
    }
}

/// All properties of a packet, in order.
pub fn properties(bytes: &[u8]) -> Vec<(String, String)> {
    let text = decoded(bytes);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut path: Vec<String> = Vec::new();
    let mut language: Option<String> = None;
    let mut told = Vec::new();
    let mut value = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                let name = element.name().as_ref().to_owned();
                attributes(&element, &path, &name, &mut told, &mut language);
                value.clear();
                if path.len() < DEPTH {
                    path.push(name);
                }
            }
            Ok(Event::Empty(element)) => {
                let name = element.name().as_ref().to_owned();
                attributes(&element, &path, &name, &mut told, &mut language);
            }
            Ok(Event::Text(part)) => append(&mut value, &part.xml10_content()),
            Ok(Event::CData(part)) => append(&mut value, &part),
            Ok(Event::GeneralRef(part)) => append(&mut value, &reference(&part)),
            Ok(Event::End(_)) => {
                let kept = value.trim();
                if !kept.is_empty()
                    && let Some(name) = joined(&path)
                {
                    let name = language.take().map_or(name.clone(), |language| format!("{name}[{language}]"));
                    told.push((name, kept.to_owned()));
                }
                value.clear();
                path.pop();
            }
            Ok(Event::Eof) | Err(_) => return told,
            Ok(_) => {}
        }
    }
}

fn append(value: &mut String, part: &str) {
    if value.len() + part.len() <= VALUE_BYTES {
        value.push_str(part);
    }
}

fn reference(part: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(sign)) = part.resolve_char_ref() {
        return sign.to_string();
    }
    match part.as_ref() {
        "amp" => "&".to_owned(),
        "lt" => "<".to_owned(),
        "gt" => ">".to_owned(),
        "quot" => "\"".to_owned(),
        "apos" => "'".to_owned(),
        "nbsp" => "\u{A0}".to_owned(),
        other => format!("&{};", other),
    }
}

fn attributes(element: &quick_xml::events::BytesStart<'_>, path: &[String], name: &str, told: &mut Vec<(String, String)>, language: &mut Option<String>) {
    for attribute in element.attributes().with_checks(false).flatten() {
        let key = attribute.key.as_ref().to_owned();
        let value = quick_xml::escape::unescape(&attribute.value).map_or_else(|_| attribute.value.to_string(), |value| value.into_owned());
        if key == "xml:lang" {
            *language = (value != "x-default").then_some(value);
            continue;
        }
        if key.starts_with("xmlns") || matches!(key.as_str(), "rdf:about" | "rdf:parseType" | "rdf:ID" | "x:xmptk" | "about") || value.trim().is_empty() {
            continue;
        }
        let mut whole = path.to_vec();
        whole.push(name.to_owned());
        whole.push(key);
        if let Some(name) = joined(&whole)
            && value.len() <= VALUE_BYTES
        {
            told.push((name, value.trim().to_owned()));
        }
    }
}

/// The name of a property from the elements it stands in, without those that only hold it.
fn joined(path: &[String]) -> Option<String> {
    let parts: Vec<&str> =
        path.iter().map(String::as_str).filter(|part| !part.starts_with("rdf:") && !part.starts_with("x:") && !part.starts_with('?')).collect();
    (!parts.is_empty()).then(|| parts.join("/")).filter(|name| name.len() <= 512)
}

fn decoded(bytes: &[u8]) -> String {
    match bytes {
        [0xFE, 0xFF, ..] => encoding_rs::UTF_16BE.decode(bytes).0.into_owned(),
        [0xFF, 0xFE, ..] => encoding_rs::UTF_16LE.decode(bytes).0.into_owned(),
        [0, b'<', ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(bytes).0.into_owned(),
        [b'<', 0, ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned(),
        _ => String::from_utf8_lossy(bytes).trim_start_matches('\u{FEFF}').to_owned(),
    }
}

/// The texts of an XML document, one for each run of text that has more than white space, in order. Scripts and styles are left out.
pub fn text_of(bytes: &[u8]) -> Vec<String> {
    let text = decoded(bytes);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut texts = Vec::new();
    let mut open = String::new();
    let mut skipped = 0_u32;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                close(&mut open, &mut texts);
                if skipped > 0 || matches!(element.local_name().as_ref(), "script" | "style" | "image" | "calculate" | "validate") {
                    skipped += 1;
                }
            }
            Ok(Event::End(_)) => {
                close(&mut open, &mut texts);
                skipped = skipped.saturating_sub(1);
            }
            Ok(Event::Text(part)) if skipped == 0 => open.push_str(&part.xml10_content()),
            Ok(Event::CData(part)) if skipped == 0 => open.push_str(&part),
            Ok(Event::GeneralRef(part)) if skipped == 0 => open.push_str(&reference(&part)),
            Ok(Event::Eof) | Err(_) => {
                close(&mut open, &mut texts);
                return texts;
            }
            Ok(_) => {}
        }
    }
}

fn close(open: &mut String, texts: &mut Vec<String>) {
    let kept = open.trim();
    if !kept.is_empty() {
        texts.push(kept.to_owned());
    }
    open.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_keep_prefix_language_and_nesting() {
        let packet = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about="" xmp:CreatorTool="A &amp; B"><dc:title><rdf:Alt>
            <rdf:li xml:lang="x-default">Camp</rdf:li><rdf:li xml:lang="ko">수용소</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"#;
        let told = properties(packet.as_bytes());
        assert_eq!(
            told,
            [("xmp:CreatorTool".to_owned(), "A & B".to_owned()), ("dc:title".to_owned(), "Camp".to_owned()), ("dc:title[ko]".to_owned(), "수용소".to_owned())]
        );
    }

    #[test]
    fn broken_xml_gives_what_came_before() {
        assert_eq!(text_of(b"<a>one<b>two &lt; three</b><c"), ["one", "two < three"]);
        assert!(properties(b"<<<>&&&").is_empty());
    }
}
