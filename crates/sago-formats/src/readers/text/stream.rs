//! Bytes as text, piece by piece: lines, or a reader of UTF-8 for parsers.

use std::io::{self, Read, Seek};

use crate::charset::{Basis, Decoder, Judged, SAMPLE_BYTES, findings, judge};
use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};

/// Longest line that is kept whole; a longer one becomes several blocks of the same line.
const LINE_BYTES: usize = 1 << 20;

/// How much is read at once.
const PIECE_BYTES: usize = 64 << 10;

/// A file as text.
pub(crate) struct TextStream<'s, 'b> {
    source: &'s mut Source<'b>,
    decoder: Decoder,
    judged: Judged,
    pending: String,
    at: usize,
    is_done: bool,
    number: u32,
    page: Option<u32>,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1; the pieces of a line that was too long have the same.
    pub number: u32,
    /// From 1, when form feeds part the file into pages.
    pub page: Option<u32>,
    /// Without its end.
    pub text: String,
}

impl<'s, 'b> TextStream<'s, 'b> {
    /// Judges the character set, by what is declared and by the first piece that has more than ASCII in it.
    pub fn open(source: &'s mut Source<'b>, declared: Option<&str>) -> io::Result<Self> {
        let sample = source.at(0, SAMPLE_BYTES)?;
        let mut judged = judge(&sample, declared);
        if judged.basis == Basis::Unicode && sample.is_ascii() {
            judged = later(source, judged)?;
        }
        source.seek(io::SeekFrom::Start(judged.bom_bytes as u64))?;
        let page = sample.contains(&b'\x0c').then_some(1);
        Ok(Self { source, decoder: Decoder::new(judged.charset), judged, pending: String::new(), at: 0, is_done: false, number: 0, page })
    }

    /// Tells what there is to say about the character set, once all was read.
    pub fn tell(&self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let Judged { charset, basis, confidence, refused, .. } = &self.judged;
        for finding in findings(charset.name(), *basis, *confidence, self.decoder.undecodable(), refused.as_deref()) {
            sink.finding(finding)?;
        }
        sink.property("text:charset", charset.name().to_owned())
    }

    /// The next line. Ends are CR, LF or both.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let rest = &self.pending[self.at..];
            let (end, next) = match memchr::memchr2(b'\n', b'\r', rest.as_bytes()) {
                // The other half of a line end may still come.
                Some(end) if rest.as_bytes()[end] == b'\r' && end + 1 == rest.len() && !self.is_done => {
                    self.fill()?;
                    continue;
                }
                Some(end) => (end, end + if rest[end..].starts_with("\r\n") { 2 } else { 1 }),
                None if rest.len() >= LINE_BYTES => {
                    let mut cut = LINE_BYTES;
                    while !rest.is_char_boundary(cut) {
                        cut -= 1;
                    }
                    return Ok(Some(self.take(cut, cut, false)));
                }
                None if self.is_done && rest.is_empty() => return Ok(None),
                None if self.is_done => (rest.len(), rest.len()),
                None => {
                    self.fill()?;
                    continue;
                }
            };
            return Ok(Some(self.take(end, next, true)));
        }
    }

    /// Whether form feeds part the file.
    fn take(&mut self, end: usize, next: usize, is_end: bool) -> Line {
        let mut text = self.pending[self.at..self.at + end].to_owned();
        // A form feed begins the page of the line it stands in.
        let feeds = u32::try_from(text.matches('\u{c}').count()).unwrap_or(u32::MAX);
        if let (Some(page), true) = (&mut self.page, feeds > 0) {
            *page = page.saturating_add(feeds);
        }
        if text.starts_with('\u{c}') {
            text = text.trim_start_matches('\u{c}').to_owned();
        }
        self.at += next;
        let number = self.number.saturating_add(1);
        if is_end {
            self.number = number;
        }
        Line { number, page: self.page, text }
    }

    /// Reads on. The text before the place where the reader stands is let go.
    fn fill(&mut self) -> io::Result<()> {
        self.pending.drain(..self.at);
        self.at = 0;
        let mut bytes = Vec::with_capacity(PIECE_BYTES);
        let count = Read::take(&mut *self.source, PIECE_BYTES as u64).read_to_end(&mut bytes)?;
        self.is_done = count == 0;
        self.decoder.push(&bytes, self.is_done, &mut self.pending);
        Ok(())
    }
}

/// A parser reads UTF-8, whatever the file is in.
impl Read for TextStream<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.pending.len() && !self.is_done {
            self.fill()?;
        }
        let rest = &self.pending.as_bytes()[self.at..];
        let mut count = rest.len().min(buffer.len());
        // What is left must begin at a character, for lines are read after a parser has given up.
        while count > 0 && !self.pending.is_char_boundary(self.at + count) {
            count -= 1;
        }
        if count == 0 && !rest.is_empty() && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a buffer shorter than a character"));
        }
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

/// Judges by the first piece with more than ASCII: long heads of Latin letters and numbers stand before many a Korean text.
fn later(source: &mut Source<'_>, judged: Judged) -> io::Result<Judged> {
    let mut offset = SAMPLE_BYTES as u64;
    while offset < source.size_bytes() {
        let piece = source.at(offset, SAMPLE_BYTES)?;
        if piece.is_empty() {
            break;
        }
        if let Some(place) = piece.iter().position(|byte| !byte.is_ascii()) {
            let sample = source.at(offset + place as u64, SAMPLE_BYTES)?;
            let found = judge(&sample, None);
            return Ok(if found.charset.is_wide() { judged } else { found });
        }
        offset += piece.len() as u64;
    }
    Ok(judged)
}

/// A parser gave up: says so, and reads the rest as lines, so that nothing is lost.
pub(super) fn rest_as_lines(stream: &mut TextStream<'_, '_>, place: String, why: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
    sink.finding(Finding::new(Code::PartDamaged, format!("{why}. From here on it is read as plain lines.")).at(place))?;
    super::lines(stream, sink)
}
