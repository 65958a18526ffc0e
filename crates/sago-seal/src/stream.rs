//! The content of an age file: chunks of 64 KiB, each sealed with ChaCha20-Poly1305 (STREAM, age v1 "Payload").
//!
//! The nonce of a chunk is its number and whether it is the last, so chunks cannot be dropped, moved or added unseen; a
//! file without its last chunk is an error. Our own writer and reader, because the age crate's can only be had with its
//! laxer header parser, and do not tell a file cut short from a damaged one. About 1.3 GB/s on one core
//! (`examples/seal_speed.rs`); ring's assembly would reach 2.2 GB/s but leaves its keys in memory, and hashing at
//! 0.5 GB/s bounds us anyway.

use std::io::{self, BufRead, Read, Write};

use age_core::format::FileKey;
use age_core::primitives::hkdf;
use age_core::secrecy::ExposeSecret;
use chacha20poly1305::aead::{AeadInOut, KeyInit, inout::InOutBuf};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use zeroize::Zeroizing;

use crate::error::{Part, SealError};

/// Bytes of plaintext in every chunk but the last.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes that sealing adds to every chunk.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes of the nonce between header and chunks.
pub(crate) const NONCE_BYTES: usize = 16;
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

struct ChunkKey(ChaCha20Poly1305);

impl ChunkKey {
    fn new(file_key: &FileKey, nonce: &[u8; NONCE_BYTES]) -> Self {
        let key = Zeroizing::new(hkdf(nonce, b"payload", file_key.expose_secret()));
        ChunkKey(ChaCha20Poly1305::new((&*key).into()))
    }

    fn nonce(chunk: u64, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&chunk.to_be_bytes());
        nonce[11] = u8::from(last);
        nonce.into()
    }

    /// Seals `chunk` in place and appends its tag.
    fn seal(&self, number: u64, last: bool, chunk: &mut Vec<u8>) -> Result<(), SealError> {
        let tag = self
            .0
            .encrypt_inout_detached(&Self::nonce(number, last), b"", chunk.as_mut_slice().into())
            .map_err(|_| SealError::Refused("a chunk is too long to seal"))?;
        chunk.extend_from_slice(&tag);
        Ok(())
    }

    /// Opens `sealed`, at least a tag long, into `plain`; false, and `plain` empty, if it does not authenticate.
    ///
    /// The cipher authenticates before it decrypts.
    fn open(&self, number: u64, last: bool, sealed: &[u8], plain: &mut Vec<u8>) -> bool {
        let (body, tag) = sealed.split_at(sealed.len() - TAG_BYTES);
        plain.resize(body.len(), 0);
        let opened = InOutBuf::new(body, plain)
            .is_ok_and(|buffer| Tag::try_from(tag).is_ok_and(|tag| self.0.decrypt_inout_detached(&Self::nonce(number, last), b"", buffer, &tag).is_ok()));
        if !opened {
            plain.clear();
        }
        opened
    }
}

/// Seals what is written to it; the file is complete only after [`Sealer::finish`].
///
/// Dropped without `finish`, it leaves a file that can never be opened whole ([`SealError::Truncated`]). After a
/// failed write it refuses every further call: a chunk number is never used twice with different bytes.
#[must_use = "a sealed file is complete only after `finish`"]
pub struct Sealer<W: Write> {
    writer: W,
    key: ChunkKey,
    chunk: Zeroizing<Vec<u8>>,
    number: u64,
    failed: bool,
}

impl<W: Write> Sealer<W> {
    pub(crate) fn new(file_key: &FileKey, nonce: &[u8; NONCE_BYTES], writer: W) -> Self {
        Sealer { writer, key: ChunkKey::new(file_key, nonce), chunk: Zeroizing::new(Vec::with_capacity(SEALED_CHUNK_BYTES)), number: 0, failed: false }
    }

    /// Seals the last chunk, flushes, and gives the writer back.
    pub fn finish(mut self) -> Result<W, SealError> {
        self.put(true)?;
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn put(&mut self, last: bool) -> Result<(), SealError> {
        if self.failed {
            return Err(SealError::Refused("an earlier write to this file failed"));
        }
        self.failed = true;
        self.key.seal(self.number, last, &mut self.chunk)?;
        self.writer.write_all(&self.chunk)?;
        self.chunk.clear();
        self.number += 1;
        self.failed = false;
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until more follows: only then is it known not to be the last.
        if self.chunk.len() == CHUNK_BYTES && !bytes.is_empty() {
            self.put(false)?;
        }
        if self.failed {
            return Err(SealError::Refused("an earlier write to this file failed").into());
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Flushes the writer below; an unfinished chunk stays here until it is full or last.
    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Opens what is read from it, chunk by chunk; only authenticated bytes come out.
///
/// `Ok(0)` means that the last chunk was there and authenticated. On any error the bytes that came before are
/// genuine but the file is not whole: a caller must not treat them as the document. After an error it stays in error.
pub struct Opener<R: Read> {
    reader: R,
    key: ChunkKey,
    sealed: Vec<u8>,
    plain: Zeroizing<Vec<u8>>,
    at: usize,
    number: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    /// The last chunk authenticated; nothing may follow it.
    Last,
    Done,
    Failed,
}

impl<R: Read> Opener<R> {
    pub(crate) fn new(file_key: &FileKey, nonce: &[u8; NONCE_BYTES], reader: R) -> Self {
        Opener {
            reader,
            key: ChunkKey::new(file_key, nonce),
            sealed: Vec::with_capacity(SEALED_CHUNK_BYTES),
            plain: Zeroizing::new(Vec::with_capacity(SEALED_CHUNK_BYTES)),
            at: 0,
            number: 0,
            state: State::Reading,
        }
    }

    /// Called when all of `plain` was handed out, and leaves it so on every error.
    fn advance(&mut self) -> Result<(), SealError> {
        let before = std::mem::replace(&mut self.state, State::Failed);
        if before == State::Failed {
            return Err(self.damaged("an earlier chunk was not read or did not open"));
        }
        self.sealed.clear();
        (&mut self.reader).take(SEALED_CHUNK_BYTES as u64).read_to_end(&mut self.sealed)?;
        self.state = match before {
            State::Failed | State::Done => before,
            State::Last if self.sealed.is_empty() => State::Done,
            State::Last => return Err(self.damaged("bytes follow the last chunk")),
            State::Reading => self.open_chunk()?,
        };
        Ok(())
    }

    fn open_chunk(&mut self) -> Result<State, SealError> {
        let number = self.number;
        if self.sealed.len() < TAG_BYTES {
            return Err(SealError::Truncated { part: Part::Payload { chunk: number } });
        }
        self.number += 1;
        self.at = 0;
        let full = self.sealed.len() == SEALED_CHUNK_BYTES;
        if full && self.key.open(number, false, &self.sealed, &mut self.plain) {
            return Ok(State::Reading);
        }
        if !self.key.open(number, true, &self.sealed, &mut self.plain) {
            self.number = number;
            return Err(self.damaged("it does not authenticate: changed, moved or cut short"));
        }
        if self.plain.is_empty() && number > 0 {
            self.number = number;
            return Err(self.damaged("the last chunk is empty"));
        }
        Ok(State::Last)
    }

    fn damaged(&self, why: &'static str) -> SealError {
        SealError::Damaged { part: Part::Payload { chunk: self.number }, why }
    }
}

impl<R: Read> BufRead for Opener<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.plain.len() && self.state != State::Done {
            self.advance()?;
        }
        Ok(&self.plain[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.plain.len());
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let from = self.fill_buf()?;
        let taken = from.len().min(into.len());
        into[..taken].copy_from_slice(&from[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}
