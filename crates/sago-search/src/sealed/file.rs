//! One sealed file: a header of 64 bytes, then chunks of 32 KiB, each sealed with ChaCha20-Poly1305.
//!
//! The nonce of a chunk is its number and whether it is the last (STREAM, as in age), so chunks cannot be dropped, moved
//! or added unseen. Every file has its own key, derived from the index key, a random file id and the file's name.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chacha20poly1305::aead::{AeadInOut, inout::InOutBuf};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use tantivy::HasLen;
use tantivy::directory::{AntiCallToken, FileHandle, OwnedBytes, TerminatingWrite};
use zeroize::Zeroizing;

use super::Damage;
use super::cache::ChunkCache;
use super::key::IndexKey;

/// First bytes of every sealed file; the digit is the version of this layout.
const MAGIC: &[u8; 16] = b"sago-index/1\n\0\0\0";
/// Bytes before the first chunk: magic (16), key id (16), file id (32).
pub const HEADER_BYTES: usize = 64;
/// Bytes of plaintext in every chunk but the last.
pub const CHUNK_BYTES: usize = 32 * 1024;
/// Bytes that sealing adds to every chunk.
pub const TAG_BYTES: usize = 16;
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Longer reads (whole columns) bypass the cache, which they would flush.
const CACHED_READ_CHUNKS: u64 = 64;

fn nonce(chunk: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&chunk.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce.into()
}

/// Seals what is written to it; complete only after `terminate`, which also makes it durable.
pub(crate) struct SealedWriter {
    file: File,
    cipher: ChaCha20Poly1305,
    chunk: Zeroizing<Vec<u8>>,
    number: u64,
    /// After a failed write every further one is refused: a chunk number is never used twice with different bytes.
    failed: bool,
}

impl SealedWriter {
    /// Writes the header of a file that the index calls `name`.
    pub(crate) fn begin(mut file: File, key: &IndexKey, name: &str) -> io::Result<Self> {
        let mut file_id = [0; 32];
        getrandom::fill(&mut file_id).map_err(|_| io::Error::other("the system has no randomness"))?;
        let mut header = [0; HEADER_BYTES];
        header[..16].copy_from_slice(MAGIC);
        header[16..32].copy_from_slice(&key.id());
        header[32..].copy_from_slice(&file_id);
        file.write_all(&header)?;
        let chunk = Zeroizing::new(Vec::with_capacity(SEALED_CHUNK_BYTES));
        Ok(SealedWriter { file, cipher: key.cipher(&file_id, name), chunk, number: 0, failed: false })
    }

    /// Seals the last chunk and makes the file durable.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.put(true)?;
        // No further write may follow the last chunk.
        self.failed = true;
        self.file.sync_all()
    }

    fn put(&mut self, last: bool) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier write to this sealed file failed, or it is finished"));
        }
        self.failed = true;
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce(self.number, last), b"", self.chunk.as_mut_slice().into())
            .map_err(|_| io::Error::other("a chunk is too long to seal"))?;
        self.chunk.extend_from_slice(&tag);
        self.file.write_all(&self.chunk)?;
        self.chunk.clear();
        self.number += 1;
        self.failed = false;
        Ok(())
    }
}

impl Write for SealedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until more follows: only then is it known not to be the last.
        if self.chunk.len() == CHUNK_BYTES && !bytes.is_empty() {
            self.put(false)?;
        }
        if self.failed {
            return Err(io::Error::other("an earlier write to this sealed file failed, or it is finished"));
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Does nothing: chunks have a fixed size, and what counts is `terminate`.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TerminatingWrite for SealedWriter {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.finish()
    }
}

/// A sealed file opened for random access.
pub(crate) struct SealedFile {
    file: File,
    disk_name: String,
    cipher: ChaCha20Poly1305,
    /// Bytes of plaintext.
    len: usize,
    chunks: u64,
    serial: u64,
    cache: Arc<ChunkCache>,
}

impl SealedFile {
    /// Checks header and last chunk, so a wrong key and a file cut short are seen at once.
    pub(crate) fn open(file: File, disk_name: &str, key: &IndexKey, name: &str, cache: Arc<ChunkCache>) -> io::Result<Self> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let bytes = file.metadata()?.len();
        let not_sealed = || Damage::NotSealed { file: disk_name.to_owned() };
        if bytes < HEADER_BYTES as u64 {
            return Err(Damage::CutShort { file: disk_name.to_owned(), bytes }.into());
        }
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0)?;
        if &header[..16] != MAGIC {
            return Err(not_sealed().into());
        }
        if header[16..32] != key.id() {
            return Err(Damage::WrongKey { file: disk_name.to_owned() }.into());
        }
        let file_id = header[32..].try_into().map_err(|_| not_sealed())?;
        let body = bytes - HEADER_BYTES as u64;
        let chunks = body.div_ceil(SEALED_CHUNK_BYTES as u64);
        let last = body - chunks.saturating_sub(1) * SEALED_CHUNK_BYTES as u64;
        // An empty file has one empty chunk; any other ends with a chunk of at least one byte.
        let ends_well = if chunks <= 1 { last >= TAG_BYTES as u64 } else { last > TAG_BYTES as u64 };
        if chunks == 0 || !ends_well {
            return Err(Damage::CutShort { file: disk_name.to_owned(), bytes }.into());
        }
        let len = usize::try_from(body - chunks * TAG_BYTES as u64).map_err(|_| io::Error::other("too long for this machine"))?;
        let cipher = key.cipher(&file_id, name);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let opened = SealedFile { file, disk_name: disk_name.to_owned(), cipher, len, chunks, serial, cache };
        opened.cached_chunk(chunks - 1)?;
        Ok(opened)
    }

    fn plain_bytes_of(&self, chunk: u64) -> usize {
        if chunk + 1 == self.chunks { self.len - chunk as usize * CHUNK_BYTES } else { CHUNK_BYTES }
    }

    /// Decrypts one chunk into `plain`, which has its exact size. The cipher authenticates before it decrypts.
    fn open_chunk(&self, chunk: u64, plain: &mut [u8]) -> io::Result<()> {
        let mut sealed = vec![0; plain.len() + TAG_BYTES];
        self.file.read_exact_at(&mut sealed, HEADER_BYTES as u64 + chunk * SEALED_CHUNK_BYTES as u64)?;
        let (body, tag) = sealed.split_at(plain.len());
        let nonce = nonce(chunk, chunk + 1 == self.chunks);
        let opened = InOutBuf::new(body, plain)
            .is_ok_and(|buffer| Tag::try_from(tag).is_ok_and(|tag| self.cipher.decrypt_inout_detached(&nonce, b"", buffer, &tag).is_ok()));
        if opened { Ok(()) } else { Err(Damage::Altered { file: self.disk_name.clone(), chunk }.into()) }
    }

    fn cached_chunk(&self, chunk: u64) -> io::Result<Arc<[u8]>> {
        if let Some(plain) = self.cache.get(self.serial, chunk) {
            return Ok(plain);
        }
        let mut plain = vec![0; self.plain_bytes_of(chunk)];
        self.open_chunk(chunk, &mut plain)?;
        let plain: Arc<[u8]> = plain.into();
        self.cache.put(self.serial, chunk, Arc::clone(&plain));
        Ok(plain)
    }

    /// Reads a range that spans chunks.
    fn read_across(&self, range: Range<usize>, first: u64, last: u64) -> io::Result<OwnedBytes> {
        let mut out = vec![0; range.len()];
        let mut filled = 0;
        let mut whole = Zeroizing::new(Vec::new());
        for chunk in first..=last {
            let begins = chunk as usize * CHUNK_BYTES;
            let size = self.plain_bytes_of(chunk);
            let from = range.start.max(begins) - begins;
            let to = range.end.min(begins + size) - begins;
            let target = &mut out[filled..filled + (to - from)];
            if last - first < CACHED_READ_CHUNKS {
                target.copy_from_slice(&self.cached_chunk(chunk)?[from..to]);
            } else if to - from == size {
                self.open_chunk(chunk, target)?;
            } else {
                whole.resize(size, 0);
                self.open_chunk(chunk, &mut whole)?;
                target.copy_from_slice(&whole[from..to]);
            }
            filled += to - from;
        }
        Ok(OwnedBytes::new(out))
    }
}

impl FileHandle for SealedFile {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if range.start > range.end || range.end > self.len {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("bytes {range:?} of a file of {} were asked for", self.len)));
        }
        if range.is_empty() {
            return Ok(OwnedBytes::empty());
        }
        let first = (range.start / CHUNK_BYTES) as u64;
        let last = ((range.end - 1) / CHUNK_BYTES) as u64;
        if first == last {
            let begins = first as usize * CHUNK_BYTES;
            return Ok(OwnedBytes::new(self.cached_chunk(first)?).slice(range.start - begins..range.end - begins));
        }
        self.read_across(range, first, last)
    }
}

impl HasLen for SealedFile {
    fn len(&self) -> usize {
        self.len
    }
}

impl std::fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedFile({}, {} bytes)", self.disk_name, self.len)
    }
}
