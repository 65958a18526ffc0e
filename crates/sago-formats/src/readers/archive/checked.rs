//! A member's bytes with what the archive says they must be: length and CRC-32 are judged at the end, and a decoder that panics becomes an error.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes that fail at their end when they are not what was promised; then the sink keeps what came and says so.
pub(crate) struct Checked<R> {
    inner: R,
    crc: Option<(u32, crc32fast::Hasher)>,
    size_bytes: Option<u64>,
    count: u64,
    is_ended: bool,
}

impl<R: Read> Checked<R> {
    /// Bytes of which nothing is promised.
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, crc: None, size_bytes: None, count: 0, is_ended: false }
    }

    /// They have this CRC-32 (ISO-HDLC, as in ZIP and gzip).
    pub(crate) fn with_crc(mut self, crc: Option<u32>) -> Self {
        self.crc = crc.map(|crc| (crc, crc32fast::Hasher::new()));
        self
    }

    /// They are this long.
    pub(crate) fn with_size(mut self, size_bytes: Option<u64>) -> Self {
        self.size_bytes = size_bytes;
        self
    }

    /// What is inside, to ask it where it ended.
    pub(crate) fn into_inner(self) -> R {
        self.inner
    }

    fn end(&mut self) -> io::Result<usize> {
        if self.is_ended {
            return Ok(0);
        }
        self.is_ended = true;
        if let Some(size) = self.size_bytes
            && size != self.count
        {
            return Err(damaged(format!("{} bytes came out, the archive says {size}", self.count)));
        }
        if let Some((expected, hasher)) = self.crc.take()
            && hasher.finalize() != expected
        {
            return Err(damaged("the checksum (CRC-32) is wrong: the bytes are damaged"));
        }
        Ok(0)
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.is_ended {
            return Ok(0);
        }
        // Decoders of other people read hostile bytes here: a panic of theirs costs this member, not the rest.
        let count = catch_unwind(AssertUnwindSafe(|| self.inner.read(buffer))).unwrap_or_else(|_| Err(damaged("the decoder gave up")))?;
        if count == 0 {
            return self.end();
        }
        self.count += count as u64;
        if let Some((_, hasher)) = &mut self.crc {
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}

/// An error that says that bytes are not what they should be.
pub(crate) fn damaged(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.into())
}
