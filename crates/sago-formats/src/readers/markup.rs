//! XML as a stream of elements and text, for readers of strangers' documents: never fails, closes what is left open, bounds the depth, and says what was wrong.
//!
//! Names of elements and attributes come with the usual prefix of their namespace, whatever prefix the document chose: `w:p`, `text:p`, `hp:p`. External and
//! internal entities of a document type are never expanded.

use std::io::{self, BufRead, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::readers::namespaces;
use crate::readers::package::{Package, told};
use crate::source::Stop;

/// How much is read before it is decoded.
const CHUNK_BYTES: usize = 16 << 10;
/// Longest run of text, tag or comment in XML: the reader holds each as a whole.
const MOST_TOKEN_BYTES: u64 = 64 << 20;
/// How far a declaration of the character set is looked for.
const DECLARATION_BYTES: usize = 200;

/// An element that begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its name, with the usual prefix of its namespace.
    pub name: String,
    /// Names and values of its attributes.
    pub attributes: Vec<(String, String)>,
}

impl Element {
    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// An attribute as a number.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.get(name).and_then(|value| value.trim().parse().ok())
    }

    /// Whether an attribute is switched on, as Office Open XML and OpenDocument write it: `1`, `true`, `on`.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some("1" | "true" | "on" | "TRUE"))
    }
}

/// One thing in a document.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    /// An element begins; each one is closed later.
    Open(&'a Element),
    /// Text; a run of it may come in pieces.
    Text(&'a str),
    /// The element of this name ends.
    Close(&'a str),
}

/// Who listens to the nodes of a document.
pub(crate) type Handler<'h> = &'h mut dyn FnMut(Node<'_>, &mut dyn Sink) -> Result<(), Stop>;

/// Goes through a part of a package. `false` when it is not there, which is not told.
pub(crate) fn part(package: &mut Package<'_, '_>, name: &str, nesting: u32, sink: &mut dyn Sink, handler: Handler<'_>) -> Result<bool, Stop> {
    let Some(index) = package.find(name) else { return Ok(false) };
    match package.stream(index) {
        Ok(mut bytes) => walk(&mut bytes, name, nesting, sink, handler)?,
        Err(finding) => sink.finding(finding)?,
    }
    Ok(true)
}

/// Goes through XML and tells at the end what was wrong with it.
pub(crate) fn walk(bytes: &mut dyn Read, place: &str, nesting: u32, sink: &mut dyn Sink, handler: Handler<'_>) -> Result<(), Stop> {
    let mut reader = NsReader::from_reader(Utf8::new(bytes));
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    config.expand_empty_elements = true;
    let mut open: Vec<String> = Vec::new();
    // Elements that are open and not told, because they are nested too deeply.
    let mut too_deep = 0_u64;
    let mut is_limit_told = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let position = reader.buffer_position();
        reader.get_mut().token_bytes = 0;
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(quick_xml::Error::Io(error)) => {
                sink.finding(told(io::Error::new(error.kind(), error.to_string()), place)?)?;
                break;
            }
            Err(error) => {
                sink.finding(Finding::new(Code::PartDamaged, format!("The XML cannot be read further than {position} bytes: {error}.")).at(place))?;
                break;
            }
        };
        match event {
            Event::Start(start) if open.len() >= nesting as usize => {
                drop(start);
                too_deep += 1;
                if !is_limit_told {
                    is_limit_told = true;
                    sink.finding(Finding::new(Code::LimitNesting, format!("Elements deeper than {nesting} were left out.")).at(place))?;
                }
            }
            Event::Start(start) => {
                let element = element(&reader, &start);
                handler(Node::Open(&element), sink)?;
                open.push(element.name);
            }
            Event::End(_) if too_deep > 0 => too_deep -= 1,
            Event::End(end) => {
                let name = namespaces::usual(reader.resolver().resolve_element(end.name()), end.name().prefix().map(|prefix| prefix.into_inner()));
                if let Some(place) = open.iter().rposition(|other| *other == name) {
                    while open.len() > place {
                        if let Some(name) = open.pop() {
                            handler(Node::Close(&name), sink)?;
                        }
                    }
                }
            }
            Event::Text(text) if too_deep == 0 => handler(Node::Text(&text), sink)?,
            Event::CData(text) if too_deep == 0 => handler(Node::Text(&text), sink)?,
            Event::GeneralRef(entity) if too_deep == 0 => {
                let mut text = String::new();
                push_entity(&entity, &mut text);
                handler(Node::Text(&text), sink)?;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if !open.is_empty() {
        sink.finding(Finding::new(Code::Truncated, format!("The XML ends before {} of its elements do.", open.len())).at(place))?;
    }
    while let Some(name) = open.pop() {
        handler(Node::Close(&name), sink)?;
    }
    let bad = reader.into_inner().bad;
    if bad > 0 {
        sink.finding(Finding::new(Code::Undecodable, format!("{bad} places mean nothing in the character set of the XML.")).at(place))?;
    }
    Ok(())
}

fn element<R>(reader: &NsReader<R>, start: &BytesStart<'_>) -> Element {
    let resolver = reader.resolver();
    let name = namespaces::usual(resolver.resolve_element(start.name()), start.name().prefix().map(|prefix| prefix.into_inner()));
    let mut attributes = Vec::new();
    for attribute in start.html_attributes().with_checks(false).flatten() {
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (resolved, local) = resolver.resolve_attribute(attribute.key);
        let name = match resolved {
            ResolveResult::Unbound => local.into_inner().to_owned(),
            _ => namespaces::usual((resolved, local), attribute.key.prefix().map(|prefix| prefix.into_inner())),
        };
        attributes.push((name, unescaped(&attribute.value)));
    }
    Element { name, attributes }
}

/// Resolves references in a value; what cannot be resolved stays as it stands.
fn unescaped(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('&') {
        done.push_str(&rest[..place]);
        rest = &rest[place + 1..];
        // No entity has a longer name than this.
        match rest.char_indices().take(12).find(|(_, letter)| *letter == ';') {
            Some((end, _)) => {
                push_entity(&rest[..end], &mut done);
                rest = &rest[end + 1..];
            }
            None => done.push('&'),
        }
    }
    done.push_str(rest);
    done
}

/// Adds what an entity stands for; itself when that is not known.
fn push_entity(name: &str, text: &mut String) {
    let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
        None => number.parse().ok(),
    });
    if let Some(letter) = number.and_then(char::from_u32) {
        text.push(letter);
    } else if let Some(letter) = namespaces::entity(name) {
        text.push(letter);
    } else {
        text.push('&');
        text.push_str(name);
        text.push(';');
    }
}

/// Decodes a stream to UTF-8: by its mark, its declaration, or as UTF-8.
struct Utf8<'a> {
    bytes: &'a mut dyn Read,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    decoded: Vec<u8>,
    at: usize,
    bad: u64,
    is_over: bool,
    error: Option<io::Error>,
    /// How much was decoded for the token that is being read.
    token_bytes: u64,
}

impl<'a> Utf8<'a> {
    fn new(bytes: &'a mut dyn Read) -> Self {
        Self { bytes, decoder: None, raw: Vec::new(), decoded: Vec::new(), at: 0, bad: 0, is_over: false, error: None, token_bytes: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.decoded.clear();
        self.at = 0;
        while self.decoded.is_empty() && !self.is_over {
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            self.raw.resize(CHUNK_BYTES, 0);
            let mut count = 0;
            // The first chunk is read whole, so that the declaration is in it.
            while count < CHUNK_BYTES {
                match self.bytes.read(&mut self.raw[count..]) {
                    Ok(0) => {
                        self.is_over = true;
                        break;
                    }
                    Ok(more) => count += more,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        // What came before the failure is read first.
                        self.error = Some(error);
                        break;
                    }
                }
            }
            self.raw.truncate(count);
            let raw = &self.raw;
            let decoder = self.decoder.get_or_insert_with(|| encoding(raw).new_decoder());
            self.decoded.resize(decoder.max_utf8_buffer_length(count).unwrap_or(count * 3 + 16), 0);
            let (result, _, written, had_errors) = decoder.decode_to_utf8(&self.raw, &mut self.decoded, self.is_over);
            debug_assert_eq!(result, CoderResult::InputEmpty, "the buffer is as long as the decoder asks for");
            self.decoded.truncate(written);
            self.bad += u64::from(had_errors);
            self.token_bytes += written as u64;
            if self.token_bytes > MOST_TOKEN_BYTES {
                self.is_over = true;
                self.decoded.clear();
                let text = format!("a run of text or a tag has more than {MOST_TOKEN_BYTES} bytes; it and what follows was not read");
                return Err(io::Error::new(io::ErrorKind::QuotaExceeded, text));
            }
        }
        match self.error.take() {
            Some(error) if self.decoded.is_empty() => Err(error),
            other => {
                self.error = other;
                Ok(())
            }
        }
    }
}

/// The character set of XML (XML 1.0, appendix F).
fn encoding(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    match bytes {
        [b'<', 0, b'?', 0, ..] => return encoding_rs::UTF_16LE,
        [0, b'<', 0, b'?', ..] => return encoding_rs::UTF_16BE,
        _ => {}
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION_BYTES)]);
    let declared = head.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).and_then(|(declaration, _)| {
        let (_, rest) = declaration.split_once("encoding")?;
        let rest = rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next()?;
        Encoding::for_label(rest.get(1..)?.split(quote).next()?.as_bytes())
    });
    // A document that can be read so far is not in a set of two bytes a letter, whatever it says.
    declared.filter(|encoding| encoding.is_ascii_compatible()).unwrap_or(UTF_8)
}

impl Read for Utf8<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Utf8<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.decoded.len() {
            self.fill()?;
        }
        Ok(&self.decoded[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.decoded.len());
    }
}
