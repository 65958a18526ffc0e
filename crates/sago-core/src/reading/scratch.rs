//! Bytes that a reader must be able to seek in: short ones in memory, long ones sealed in a file without a name whose key is never kept.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use sago_seal::column::RowKey;
use zeroize::Zeroizing;

use crate::error::{Error, IoContext, Result};
use crate::key::random_seed;

/// So much stays in memory.
const MEMORY_BYTES: usize = 8 << 20;

/// Plain bytes in each sealed piece.
const PIECE_BYTES: usize = 256 << 10;

/// Bytes that can be written once, in order, and then read anywhere.
pub(super) struct Scratch {
    memory: Zeroizing<Vec<u8>>,
    sealed: Option<Sealed>,
    size_bytes: u64,
    at: u64,
    piece: Zeroizing<Vec<u8>>,
    piece_number: Option<u64>,
}

struct Sealed {
    file: File,
    key: RowKey,
    /// Offset and length of each piece.
    pieces: Vec<(u64, usize)>,
    end: u64,
}

impl Scratch {
    /// Takes all of a stream. The first error is that of the stream, or of the disk.
    pub(super) fn fill(folder: &Path, from: &mut dyn Read) -> Result<(Self, Option<io::Error>)> {
        let mut scratch = Self { memory: Zeroizing::default(), sealed: None, size_bytes: 0, at: 0, piece: Zeroizing::default(), piece_number: None };
        let mut block = Zeroizing::new(vec![0; PIECE_BYTES]);
        let broken = loop {
            match from.read(&mut block) {
                Ok(0) => break None,
                Ok(count) => scratch.push(folder, &block[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        scratch.spill_rest()?;
        Ok((scratch, broken))
    }

    /// Bytes in all.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn push(&mut self, folder: &Path, bytes: &[u8]) -> Result<()> {
        self.size_bytes += bytes.len() as u64;
        self.memory.extend_from_slice(bytes);
        if self.sealed.is_none() && self.memory.len() > MEMORY_BYTES {
            let file = tempfile::tempfile_in(folder).doing("Could not make a temporary file in", folder)?;
            self.sealed = Some(Sealed { file, key: RowKey::from_bytes(&*random_seed()?), pieces: Vec::new(), end: 0 });
        }
        if let Some(sealed) = &mut self.sealed {
            let whole = self.memory.len() / PIECE_BYTES * PIECE_BYTES;
            for piece in self.memory[..whole].chunks(PIECE_BYTES) {
                sealed.put(piece)?;
            }
            self.memory.drain(..whole);
        }
        Ok(())
    }

    fn spill_rest(&mut self) -> Result<()> {
        match &mut self.sealed {
            Some(sealed) if !self.memory.is_empty() => {
                sealed.put(&self.memory)?;
                self.memory = Zeroizing::default();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Sealed {
    fn put(&mut self, piece: &[u8]) -> Result<()> {
        let number = self.pieces.len().to_string();
        let sealed = self.key.seal("scratch", "piece", &number, piece).map_err(|error| Error::internal(format!("Sealing failed: {error}")))?;
        self.file.write_all(&sealed).doing("Could not write", Path::new("a temporary file"))?;
        self.pieces.push((self.end, sealed.len()));
        self.end += sealed.len() as u64;
        Ok(())
    }

    fn get(&self, number: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let piece = usize::try_from(number).ok().and_then(|number| self.pieces.get(number)).copied();
        let (at, length) = piece.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut sealed = vec![0; length];
        self.file.read_exact_at(&mut sealed, at)?;
        let altered = |_| io::Error::other("a temporary file was altered while it was in use");
        self.key.open("scratch", "piece", &number.to_string(), &sealed).map(|plain| Zeroizing::new(plain.to_vec())).map_err(altered)
    }
}

impl Read for Scratch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at >= self.size_bytes {
            return Ok(0);
        }
        let (bytes, skip) = match &self.sealed {
            None => (&self.memory, self.at),
            Some(sealed) => {
                let number = self.at / PIECE_BYTES as u64;
                if self.piece_number != Some(number) {
                    self.piece = sealed.get(number)?;
                    self.piece_number = Some(number);
                }
                (&self.piece, self.at % PIECE_BYTES as u64)
            }
        };
        let from = usize::try_from(skip).ok().and_then(|skip| bytes.get(skip..)).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Scratch {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let at = match position {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size_bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_bytes_are_read_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        for size in [0_usize, 1, PIECE_BYTES, MEMORY_BYTES, MEMORY_BYTES + 1, 3 * MEMORY_BYTES + 17] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let (mut scratch, broken) = Scratch::fill(folder.path(), &mut bytes.as_slice()).unwrap();
            assert!(broken.is_none());
            assert_eq!(scratch.size_bytes(), size as u64);
            for at in [0, size / 3, size.saturating_sub(1), size] {
                scratch.seek(SeekFrom::Start(at as u64)).unwrap();
                let mut read = Vec::new();
                scratch.read_to_end(&mut read).unwrap();
                assert_eq!(read, bytes[at..], "{size} from {at}");
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_stream_that_breaks_off_is_kept_as_far_as_it_came() {
        struct Breaks(bool);
        impl Read for Breaks {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("a bad checksum"));
                }
                buffer[..3].copy_from_slice(b"abc");
                Ok(3)
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let (scratch, broken) = Scratch::fill(folder.path(), &mut Breaks(false)).unwrap();
        assert_eq!((scratch.size_bytes(), broken.unwrap().to_string()), (3, "a bad checksum".to_owned()));
    }
}
