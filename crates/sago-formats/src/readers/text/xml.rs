//! The text of any XML, and Timed Text (TTML). Streamed; entities that the file defines itself are never expanded, so that none can grow.
//!
//! A block begins where an element's text begins and ends with that element: elements inside it, such as marks for bold, do not part it.

use std::io::{self, BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::stream::{TextStream, rest_as_lines};
use super::subtitles::ttml_time;
use crate::charset::without_controls;
use crate::document::{Anchor, Block, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// A block longer than this is parted.
const BLOCK_BYTES: usize = 64 << 10;

/// Longest tag, comment or run of text.
const EVENT_BYTES: u64 = 64 << 20;

/// How much is looked at for the XML declaration.
const DECLARATION_BYTES: usize = 256;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let declared = declared(&source.at(0, DECLARATION_BYTES)?);
    let mut stream = TextStream::open(source, declared.as_deref())?;
    let mut walk = Walk {
        sink,
        path: Vec::new(),
        deeper: 0,
        most: context.limits.nesting as usize,
        has_limit: false,
        is_ttml: context.format.code == "ttml",
        text: String::new(),
        begun: None,
        times: None,
        number: 0,
    };
    let outcome = events(&mut stream, &mut walk);
    let Walk { sink, has_limit, number, .. } = walk;
    if has_limit {
        sink.finding(
            Finding::new(Code::LimitNesting, "Names of elements beyond the limit are left out of places; their text was read.").weighing(crate::Severity::Note),
        )?;
    }
    match outcome {
        Err(Ended::Stop(stop)) => return Err(stop),
        Err(Ended::Fault(at, why)) => {
            let place = format!("offset {at}");
            if number == 0 {
                // Nothing came of it: all of it is plain.
                let mut stream = TextStream::open(source, declared.as_deref())?;
                rest_as_lines(&mut stream, place, &format!("It is not XML: {why}"), sink)?;
                return stream.tell(sink);
            }
            rest_as_lines(&mut stream, place, &format!("The XML is damaged: {why}"), sink)?;
        }
        Ok(()) => {}
    }
    stream.tell(sink)
}

/// The character set in `<?xml … encoding="…"?>`, when it can be read as ASCII.
fn declared(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let head = head.strip_prefix('\u{feff}').unwrap_or(&head).trim_start();
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, rest) = declaration.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    rest[1..].split_once(quote).map(|(label, _)| label.to_owned())
}

enum Ended {
    Stop(Stop),
    Fault(u64, String),
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// Ends what reads too much for one event.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, format!("a tag or text longer than {EVENT_BYTES} bytes")));
        }
        let count = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

fn events(stream: &mut TextStream<'_, '_>, walk: &mut Walk<'_>) -> Result<(), Ended> {
    let mut reader = Reader::from_reader(BufReader::new(Capped { inner: stream, left: EVENT_BYTES }));
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().get_mut().left = EVENT_BYTES;
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => {
                walk.flush()?;
                return Ok(());
            }
            Ok(event) => walk.take(&event)?,
            Err(quick_xml::Error::Io(error)) if error.kind() != io::ErrorKind::OutOfMemory => {
                return Err(Ended::Stop(Stop::Io(io::Error::new(error.kind(), error.to_string()))));
            }
            Err(error) => {
                walk.flush()?;
                return Err(Ended::Fault(reader.error_position(), error.to_string()));
            }
        }
    }
}

struct Walk<'a> {
    sink: &'a mut dyn Sink,
    path: Vec<String>,
    /// How many open elements are not in the path.
    deeper: usize,
    most: usize,
    has_limit: bool,
    is_ttml: bool,
    text: String,
    /// Depth of the element whose text is being gathered.
    begun: Option<usize>,
    times: Option<(u64, u64)>,
    number: u32,
}

impl Walk<'_> {
    fn take(&mut self, event: &Event<'_>) -> Result<(), Stop> {
        match event {
            Event::Start(start) => {
                self.attributes(start)?;
                self.open(start);
                Ok(())
            }
            Event::Empty(start) => {
                self.attributes(start)?;
                if start.local_name().into_inner() == "br" {
                    self.text.push('\n');
                }
                Ok(())
            }
            Event::End(_) => {
                if self.begun == Some(self.depth()) {
                    self.flush()?;
                }
                if self.deeper > 0 {
                    self.deeper -= 1;
                } else {
                    self.path.pop();
                }
                if self.path.is_empty() { self.flush() } else { Ok(()) }
            }
            Event::Text(text) => self.gather(&text.xml10_content()),
            Event::CData(text) => self.gather(&text.xml10_content()),
            Event::GeneralRef(name) => {
                let character = name.resolve_char_ref().ok().flatten().map(String::from);
                let known = character.or_else(|| quick_xml::escape::resolve_predefined_entity(name).map(str::to_owned));
                // An entity that the file or its type defines stays as it is written.
                self.gather(&known.unwrap_or_else(|| format!("&{};", &**name)))
            }
            Event::Comment(text) => self.tell(BlockKind::Hidden, "comment", &text.xml10_content()),
            Event::PI(_) | Event::Decl(_) | Event::DocType(_) | Event::Eof => Ok(()),
        }
    }

    fn depth(&self) -> usize {
        self.path.len() + self.deeper
    }

    fn open(&mut self, start: &BytesStart<'_>) {
        if self.path.len() < self.most && self.deeper == 0 {
            self.path.push(start.name().into_inner().to_owned());
        } else {
            self.deeper += 1;
            self.has_limit = true;
        }
    }

    /// Values of attributes are text too; declarations of namespaces are not.
    fn attributes(&mut self, start: &BytesStart<'_>) -> Result<(), Stop> {
        let (mut begin, mut end, mut duration) = (None, None, None);
        for attribute in start.attributes().with_checks(false).flatten() {
            let name = attribute.key.into_inner();
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let value = quick_xml::escape::unescape(&attribute.value).map_or_else(|_| attribute.value.to_string(), |value| value.into_owned());
            match attribute.key.local_name().into_inner() {
                "begin" if self.is_ttml => begin = ttml_time(&value),
                "end" if self.is_ttml => end = ttml_time(&value),
                "dur" if self.is_ttml => duration = ttml_time(&value),
                _ if self.is_ttml => {}
                _ => self.tell(BlockKind::Field, &format!("{}/@{name}", start.name().into_inner()), &value)?,
            }
        }
        if let Some(begin) = begin {
            self.flush()?;
            self.times = Some((begin, end.or(duration.map(|duration| begin.saturating_add(duration))).unwrap_or(begin)));
        }
        Ok(())
    }

    fn gather(&mut self, text: &str) -> Result<(), Stop> {
        if self.begun.is_none() && !text.trim().is_empty() {
            self.begun = Some(self.depth());
            self.text.clear();
        }
        if self.begun.is_some() {
            self.text.push_str(text);
        }
        if self.text.len() > BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Stop> {
        self.begun = None;
        let text = std::mem::take(&mut self.text);
        let kind = if self.times.is_some() { BlockKind::Speech } else { BlockKind::Paragraph };
        self.tell(kind, "", text.trim())?;
        self.times = None;
        Ok(())
    }

    fn tell(&mut self, kind: BlockKind, under: &str, text: &str) -> Result<(), Stop> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.number = self.number.saturating_add(1);
        let mut part = self.path.join("/");
        if !under.is_empty() {
            part = if part.is_empty() { under.to_owned() } else { format!("{part}/{under}") };
        }
        let time_ms = self.times.filter(|_| kind == BlockKind::Speech);
        let anchor = Anchor { time_ms, ..Anchor::in_part(part, self.number) };
        self.sink.block(Block::new(kind, anchor, without_controls(text)))
    }
}
