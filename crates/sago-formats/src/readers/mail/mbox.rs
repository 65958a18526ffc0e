//! MBOX (RFC 4155 and its dialects): messages behind `From ` lines. Each is a contained file; one `>` of quoted `From ` lines is taken off, as readers do.

use std::io::{self, BufRead, BufReader, Read};

use crate::document::{Anchor, Child, ChildRole, Property, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Longer lines are read in pieces of this length.
const LINE_BYTES: u64 = 64 << 10;

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut lines = Lines { inner: BufReader::with_capacity(256 << 10, source), line: Vec::new(), is_start: true, was_blank: true };
    let mut skipped = 0_u64;
    let mut count = 0_u32;
    let mut found = lines.next()?;
    while found && !lines.is_separator() {
        skipped += lines.line.len() as u64;
        found = lines.next()?;
    }
    if !found {
        return sink.finding(Finding::new(Code::Damaged, "No message begins with a From line."));
    }
    if skipped > 0 {
        sink.finding(Finding::new(Code::PartDamaged, format!("{skipped} bytes stand before the first message.")))?;
    }
    while found {
        count += 1;
        let mut child = Child::new(ChildRole::Message, format!("{count}.eml"));
        child.anchor = Anchor::paragraph(count);
        child.media_type = Some("message/rfc822".to_owned());
        let envelope = crate::charset::decode(lines.line.trim_ascii_end(), None).text;
        child.properties.push(Property { name: "mbox:envelope".to_owned(), value: envelope });
        let mut message = Message { lines: &mut lines, at: 0, is_ended: false, has_line: false };
        sink.child(child, &mut message)?;
        // When the sink did not want all of it, the rest is passed over.
        io::copy(&mut message, &mut io::sink())?;
        found = !lines.line.is_empty();
    }
    sink.property("mbox:messages", count.to_string())
}

/// Lines of the file, one at a time.
struct Lines<R> {
    inner: R,
    line: Vec<u8>,
    /// Whether the piece in `line` begins a line, and whether the line before was empty.
    is_start: bool,
    was_blank: bool,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> io::Result<bool> {
        let was_whole = self.line.is_empty() || self.line.ends_with(b"\n");
        if !self.line.is_empty() {
            self.was_blank = self.is_start && matches!(self.line.as_slice(), b"\n" | b"\r\n");
        }
        self.is_start = was_whole;
        self.line.clear();
        (&mut self.inner).take(LINE_BYTES).read_until(b'\n', &mut self.line)?;
        Ok(!self.line.is_empty())
    }

    /// `From `, a sender, and a time or year: words of a letter that begin so do not have both. Some programs leave out the empty line before it.
    fn is_separator(&self) -> bool {
        if !self.is_start || !self.line.starts_with(b"From ") {
            return false;
        }
        let rest = &self.line[5..];
        let has_time = rest.windows(5).any(|five| five[2] == b':' && [five[0], five[1], five[3], five[4]].iter().all(u8::is_ascii_digit));
        let has_year = rest.windows(4).any(|four| four.iter().all(u8::is_ascii_digit) && matches!(four[0], b'1' | b'2'));
        has_time && has_year || self.was_blank && (has_time || has_year || rest.trim_ascii() == b"-" || rest.contains(&b'@'))
    }
}

/// One message, until the next separator, which then stands in `lines`.
struct Message<'a, R> {
    lines: &'a mut Lines<R>,
    at: usize,
    is_ended: bool,
    has_line: bool,
}

impl<R: BufRead> Read for Message<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.is_ended && (!self.has_line || self.at == self.lines.line.len()) {
            self.is_ended = !self.lines.next()? || self.lines.is_separator();
            self.has_line = true;
            let quotes = self.lines.line.iter().take_while(|byte| **byte == b'>').count();
            let is_quoted = quotes > 0 && self.lines.is_start && self.lines.line[quotes..].starts_with(b"From ");
            self.at = usize::from(is_quoted);
        }
        if self.is_ended {
            return Ok(0);
        }
        let rest = &self.lines.line[self.at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
