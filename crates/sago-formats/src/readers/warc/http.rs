//! Answers of HTTP servers (RFC 9112): head, chunks, content encodings.

use std::io::{self, BufRead, BufReader, Read};

use crate::readers::archive::{Failing, GzipReader};

/// Longest line of a head, most lines.
const LINE_BYTES: u64 = 64 << 10;
const LINES: usize = 1000;

/// A head.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) fields: Vec<(String, String)>,
}

impl Answer {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Reads a head until its empty line. Bytes that do not begin as an answer are left alone.
pub(super) fn head(stream: &mut dyn BufRead) -> io::Result<Answer> {
    let mut answer = Answer::default();
    if !stream.fill_buf().unwrap_or_default().starts_with(b"HTTP/") {
        return Ok(answer);
    }
    for number in 0..LINES {
        let mut line = Vec::new();
        // A cut end shows when the content is read.
        if Read::take(&mut *stream, LINE_BYTES).read_until(b'\n', &mut line).is_err() {
            break;
        }
        let text = crate::charset::decode(line.trim_ascii(), None).text;
        if text.is_empty() {
            break;
        }
        if number == 0 {
            answer.status = text.split_once(' ').map(|(_, status)| status.to_owned()).unwrap_or_default();
        } else if let Some((name, value)) = text.split_once(':') {
            answer.fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    Ok(answer)
}

/// Takes the chunk lines out. What does not come in chunks although it should is given as it stands.
pub(super) struct Chunked<R> {
    inner: R,
    left: u64,
    is_chunked: bool,
    is_first: bool,
    is_ended: bool,
    /// Bytes of a line that was no chunk's.
    back: Vec<u8>,
    pub(super) has_fault: bool,
}

impl<R: BufRead> Chunked<R> {
    pub(super) fn new(inner: R, is_chunked: bool) -> Self {
        Self { inner, left: 0, is_chunked, is_first: true, is_ended: false, back: Vec::new(), has_fault: false }
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let mut line = Vec::new();
        Read::take(&mut self.inner, LINE_BYTES).read_until(b'\n', &mut line)?;
        if !self.is_first && matches!(line.as_slice(), b"\r\n" | b"\n") {
            line.clear();
            Read::take(&mut self.inner, LINE_BYTES).read_until(b'\n', &mut line)?;
        }
        self.is_first = false;
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        match std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            Some(0) => self.is_ended = true,
            Some(size) => self.left = size,
            None => {
                self.has_fault = !line.is_empty();
                self.is_ended = line.is_empty();
                self.is_chunked = false;
                self.back = line;
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Chunked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_chunked && self.left == 0 && !self.is_ended {
            self.next_chunk()?;
        }
        if self.is_ended {
            return Ok(0);
        }
        if !self.back.is_empty() {
            let count = self.back.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.back[..count]);
            self.back.drain(..count);
            return Ok(count);
        }
        if !self.is_chunked {
            return self.inner.read(buffer);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..most])?;
        self.left = if count == 0 { 0 } else { self.left - count as u64 };
        self.is_ended = count == 0 && most > 0;
        Ok(count)
    }
}

/// Whether a content encoding is undone here.
pub(super) fn is_known(encoding: &str) -> bool {
    matches!(encoding, "" | "identity" | "none" | "gzip" | "x-gzip" | "deflate" | "br" | "zstd")
}

/// Undoes a content encoding. Bytes that do not have the encoding they claim are given as they stand.
pub(super) fn unpack<'a>(encoding: &str, bytes: &'a mut dyn Read) -> Box<dyn Read + 'a> {
    let mut bytes = BufReader::new(bytes);
    let begin = bytes.fill_buf().unwrap_or_default();
    match encoding {
        "gzip" | "x-gzip" if begin.starts_with(&[0x1F, 0x8B]) => Box::new(GzipReader::new(bytes)),
        "br" => Box::new(brotli_decompressor::Decompressor::new(bytes, 64 << 10)),
        "zstd" if begin.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) => match crate::readers::archive::zstd(bytes) {
            Ok(bytes) => Box::new(bytes),
            Err(error) => Box::new(Failing(Some(error))),
        },
        "deflate" if begin.first().is_some_and(|first| first & 0x0F == 8) => Box::new(flate2::bufread::ZlibDecoder::new(bytes)),
        "deflate" => Box::new(flate2::bufread::DeflateDecoder::new(bytes)),
        _ => Box::new(bytes),
    }
}
