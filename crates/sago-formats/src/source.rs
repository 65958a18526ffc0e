//! The bytes of one file, with their length, read wherever a reader wants.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that can be read anywhere.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// One file: a reader may seek in it, and knows how long it is. Nothing is loaded before it is asked for.
pub struct Source<'a> {
    bytes: &'a mut dyn ReadSeek,
    size_bytes: u64,
}

impl<'a> Source<'a> {
    /// Measures the bytes and goes to their beginning.
    pub fn new(bytes: &'a mut dyn ReadSeek) -> io::Result<Self> {
        let size_bytes = bytes.seek(SeekFrom::End(0))?;
        bytes.rewind()?;
        Ok(Self { bytes, size_bytes })
    }

    /// Length of the whole file.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Up to `count` bytes from `offset`; fewer only at the end of the file.
    pub fn at(&mut self, offset: u64, count: usize) -> io::Result<Vec<u8>> {
        let left = self.size_bytes.saturating_sub(offset);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(count);
        self.bytes.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(count);
        Read::take(&mut *self.bytes, count as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The whole file in memory, or nothing when it is longer than `limit_bytes`.
    pub fn whole(&mut self, limit_bytes: u64) -> io::Result<Option<Vec<u8>>> {
        if self.size_bytes > limit_bytes {
            return Ok(None);
        }
        let count = usize::try_from(self.size_bytes).unwrap_or(usize::MAX);
        self.at(0, count).map(Some)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(position)
    }
}

/// Why a reader cannot go on, through no fault of the file.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The bytes could not be read, or what was found could not be handed on.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A limit was reached; the sink has said which one.
    #[error("a limit was reached")]
    Limit,
}
