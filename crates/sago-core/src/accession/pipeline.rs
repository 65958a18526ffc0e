//! One pass over an original: hashed, sealed and written at once, so that plaintext never touches the disk and every byte is read once.
//!
//! Large files run on several threads (reading, two digests, sealing, the digest of what is stored); small ones on one, several files at a time.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use sago_packages::{Algorithm, MultiHasher};
use sago_seal::file;
use sago_seal::hybrid::HybridRecipient;
use sha2::{Digest, Sha256, Sha512};

use crate::error::{Error, IoContext, Result};
use crate::store::durable;
use crate::store::fault::{Operation, tried};

/// Bytes read at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// Room for a block of sealed bytes: sealing writes chunks of 64 KiB and a tag, the last of which may end beyond the block.
const SEALED_BLOCK_BYTES: usize = BLOCK_BYTES + (64 << 10) + 16;

/// Bytes of small files read at a time, at most and at least.
const SMALL_BLOCK_BYTES: usize = 256 << 10;
const LEAST_BLOCK_BYTES: usize = 4 << 10;

/// Room for the header of a sealed file and the tags of its chunks, so that a small file is written at once.
const HEADER_BYTES: usize = 4 << 10;

/// Files of this size and more are worth several threads.
const LARGE_BYTES: u64 = 4 << 20;

/// Files of this size and more are flushed to disk one by one; smaller ones together.
const FLUSH_BYTES: u64 = 64 << 20;

/// Blocks under way between two threads: bounds memory to a few of them, whatever the file.
const BLOCKS_UNDER_WAY: usize = 4;

/// What one pass found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Size of the original.
    pub bytes: u64,
    /// SHA-256 of the original, hexadecimal.
    pub sha256: String,
    /// SHA-512 of the original, hexadecimal.
    pub sha512: String,
    /// Other digests the sender's list asks for, hexadecimal.
    pub others: Vec<(Algorithm, String)>,
    /// Size of the sealed file.
    pub content_bytes: u64,
    /// SHA-256 of the sealed file, hexadecimal.
    pub content_sha256: String,
    /// SHA-512 of the sealed file, hexadecimal.
    pub content_sha512: String,
}

/// Why a pass failed: on the sender's side (a finding; the deposit goes on) or on ours (the deposit stops).
#[derive(Debug)]
pub enum Failure {
    /// The original could not be read to its end.
    Source(io::Error),
    /// We could not write.
    Ours(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// Reads an original to its end, hashes it, and writes it sealed to exactly one recipient.
///
/// `size_hint` chooses how many threads; the file may be longer or shorter. The sealed file is created anew and left behind unfinished
/// when this fails: the caller removes it.
pub fn seal(reader: &mut (dyn Read + Send), size_hint: u64, recipient: &HybridRecipient, others: &[Algorithm], target: &Path) -> Result<Sealed, Failure> {
    let file = durable::create_anew(target)?;
    let sealed = if size_hint >= LARGE_BYTES {
        seal_large(reader, recipient, others, &file, target)
    } else {
        seal_small(reader, size_hint, recipient, others, &file, target)
    }?;
    if sealed.content_bytes >= FLUSH_BYTES {
        tried(Operation::FileFlush, || file.sync_data()).doing("Could not flush", target)?;
    }
    Ok(sealed)
}

/// The digests of an original while it streams by.
struct Originals {
    bytes: u64,
    sha256: Sha256,
    others: Option<(Vec<Algorithm>, MultiHasher)>,
}

impl Originals {
    fn new(others: &[Algorithm]) -> Self {
        Self { bytes: 0, sha256: Sha256::new(), others: (!others.is_empty()).then(|| (others.to_vec(), MultiHasher::new(others))) }
    }

    fn update(&mut self, block: &[u8]) {
        self.bytes += block.len() as u64;
        self.sha256.update(block);
        if let Some((_, hasher)) = &mut self.others {
            hasher.update(block);
        }
    }

    fn others(other: Option<(Vec<Algorithm>, MultiHasher)>) -> Vec<(Algorithm, String)> {
        let Some((algorithms, hasher)) = other else { return Vec::new() };
        let digests = hasher.finish();
        algorithms.into_iter().filter_map(|algorithm| digests.get(algorithm).map(|digest| (algorithm, digest.to_owned()))).collect()
    }
}

/// Counts and hashes what is stored, of small files.
struct Stored<'a> {
    file: &'a File,
    bytes: u64,
    sha256: Sha256,
    sha512: Sha512,
}

impl Write for Stored<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        tried(Operation::FileWrite, || self.file.write_all(buffer))?;
        self.bytes += buffer.len() as u64;
        self.sha256.update(buffer);
        self.sha512.update(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn seal_failed(target: &Path) -> impl Fn(sago_seal::SealError) -> Error + '_ {
    move |error| match error {
        sago_seal::SealError::Io(error) => Error::io("Could not write", target, &error),
        other => Error::internal(format!("Sealing {} failed: {other}", target.display())),
    }
}

fn seal_small(reader: &mut dyn Read, size_hint: u64, recipient: &HybridRecipient, others: &[Algorithm], file: &File, target: &Path) -> Result<Sealed, Failure> {
    let mut originals = Originals::new(others);
    let mut sha512 = Sha512::new();
    let stored = Stored { file, bytes: 0, sha256: Sha256::new(), sha512: Sha512::new() };
    // Of the file's own size: clearing large buffers costs more than sealing a small file. One byte more lets the end be seen at once.
    let length = usize::try_from(size_hint).unwrap_or(SMALL_BLOCK_BYTES).saturating_add(1).clamp(LEAST_BLOCK_BYTES, SMALL_BLOCK_BYTES);
    let buffered = io::BufWriter::with_capacity((length + HEADER_BYTES).min(SMALL_BLOCK_BYTES), stored);
    let mut sealer = file::seal_to(&[recipient], buffered).map_err(seal_failed(target))?;
    let mut block = vec![0; length];
    loop {
        let read = read_block(reader, &mut block).map_err(Failure::Source)?;
        if read == 0 {
            break;
        }
        originals.update(&block[..read]);
        sha512.update(&block[..read]);
        sealer.write_all(&block[..read]).doing("Could not write", target)?;
    }
    let stored = sealer.finish().map_err(seal_failed(target))?.into_inner().map_err(io::IntoInnerError::into_error).doing("Could not write", target)?;
    Ok(Sealed {
        bytes: originals.bytes,
        sha256: hex::encode(originals.sha256.finalize()),
        sha512: hex::encode(sha512.finalize()),
        others: Originals::others(originals.others),
        content_bytes: stored.bytes,
        content_sha256: hex::encode(stored.sha256.finalize()),
        content_sha512: hex::encode(stored.sha512.finalize()),
    })
}

/// A block on its way through the threads, used again when all of them are done with it.
type Block = Arc<Vec<u8>>;

/// Blocks that were sent out, the oldest first.
#[derive(Default)]
struct Ring(VecDeque<Block>);

impl Ring {
    /// A block nobody reads any more, as it was left, or a new one.
    fn take(&mut self) -> Vec<u8> {
        match self.0.pop_front().map(Arc::try_unwrap) {
            Some(Ok(block)) => block,
            Some(Err(busy)) => {
                self.0.push_front(busy);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Sends a block to every receiver; false when one of them has ended: its own error says more.
    fn send(&mut self, block: Vec<u8>, to: &[&SyncSender<Block>]) -> bool {
        let block = Arc::new(block);
        // The clone that stays here keeps the memory for the next use. Bounded by what the channels hold.
        self.0.push_back(block.clone());
        to.iter().all(|to| to.send(block.clone()).is_ok())
    }
}

/// What the sealer writes: whole blocks to whoever stores and whoever hashes them.
struct SealedBlocks {
    block: Vec<u8>,
    ring: Ring,
    to_disk: SyncSender<Block>,
    to_digest: SyncSender<Block>,
}

impl SealedBlocks {
    fn send(&mut self) -> io::Result<()> {
        let block = std::mem::take(&mut self.block);
        if !self.ring.send(block, &[&self.to_disk, &self.to_digest]) {
            return Err(io::Error::other("the writing thread ended"));
        }
        self.block = self.ring.take();
        self.block.clear();
        self.block.reserve(SEALED_BLOCK_BYTES);
        Ok(())
    }
}

impl Write for SealedBlocks {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.block.extend_from_slice(buffer);
        if self.block.len() >= BLOCK_BYTES {
            self.send()?;
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.block.is_empty() { Ok(()) } else { self.send() }
    }
}

fn seal_large(reader: &mut (dyn Read + Send), recipient: &HybridRecipient, others: &[Algorithm], file: &File, target: &Path) -> Result<Sealed, Failure> {
    let sha512_of = |blocks: Receiver<Block>| blocks.iter().fold(Sha512::new(), |hasher, block| hasher.chain_update(block.as_slice()));
    std::thread::scope(|scope| {
        let (to_digest, digest_blocks) = sync_channel::<Block>(BLOCKS_UNDER_WAY);
        let (to_sealer, seal_blocks) = sync_channel::<Block>(BLOCKS_UNDER_WAY);
        let (to_disk, disk_blocks) = sync_channel::<Block>(BLOCKS_UNDER_WAY);
        let (to_content, content_blocks) = sync_channel::<Block>(BLOCKS_UNDER_WAY);
        let (to_flush, flushes) = sync_channel::<()>(1);
        let sha512 = scope.spawn(move || sha512_of(digest_blocks));
        let content_sha512 = scope.spawn(move || sha512_of(content_blocks));
        let flushing = scope.spawn(move || flushes.iter().try_for_each(|()| file.sync_data()).doing("Could not flush", target));
        let writing = scope.spawn(move || write_blocks(&disk_blocks, file, &to_flush, target));
        let sealing = scope.spawn(move || {
            let sealed = SealedBlocks { block: Vec::with_capacity(SEALED_BLOCK_BYTES), ring: Ring::default(), to_disk, to_digest: to_content };
            seal_blocks_to(&seal_blocks, recipient, sealed, target)
        });

        let mut originals = Originals::new(others);
        let mut ring = Ring::default();
        let source = loop {
            let mut block = ring.take();
            block.resize(BLOCK_BYTES, 0);
            match read_block(reader, &mut block) {
                Ok(0) => break Ok(()),
                Ok(read) => {
                    block.truncate(read);
                    originals.update(&block);
                    if !ring.send(block, &[&to_digest, &to_sealer]) {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
        };
        drop((to_digest, to_sealer));
        let lost = || Error::internal("a thread of the sealing pipeline ended early");
        let sealing = sealing.join().map_err(|_| lost());
        let writing = writing.join().map_err(|_| lost());
        let flushing = flushing.join().map_err(|_| lost());
        let sha512 = sha512.join().map_err(|_| lost())?;
        let content_sha512 = content_sha512.join().map_err(|_| lost())?;
        source.map_err(Failure::Source)?;
        // Who stores the bytes knows best why they could not be stored: its failure ends the threads before it.
        let (content_bytes, content_sha256) = writing??;
        flushing??;
        sealing??;
        Ok(Sealed {
            bytes: originals.bytes,
            sha256: hex::encode(originals.sha256.finalize()),
            sha512: hex::encode(sha512.finalize()),
            others: Originals::others(originals.others),
            content_bytes,
            content_sha256,
            content_sha512: hex::encode(content_sha512.finalize()),
        })
    })
}

fn seal_blocks_to(blocks: &Receiver<Block>, recipient: &HybridRecipient, sealed: SealedBlocks, target: &Path) -> Result<()> {
    let mut sealer = file::seal_to(&[recipient], sealed).map_err(seal_failed(target))?;
    for block in blocks {
        sealer.write_all(&block).doing("Could not write", target)?;
    }
    sealer.finish().map_err(seal_failed(target))?;
    Ok(())
}

/// Writes sealed blocks and hashes them. Another thread flushes what is written meanwhile, so that the disk works while the processor does.
fn write_blocks(blocks: &Receiver<Block>, mut file: &File, to_flush: &SyncSender<()>, target: &Path) -> Result<(u64, String)> {
    let mut sha256 = Sha256::new();
    let (mut bytes, mut unflushed) = (0, 0);
    for block in blocks {
        file.write_all(&block).doing("Could not write", target)?;
        sha256.update(block.as_slice());
        bytes += block.len() as u64;
        unflushed += block.len() as u64;
        // A full channel means that it still flushes; the next block asks again. The caller flushes the rest.
        if unflushed >= FLUSH_BYTES && to_flush.try_send(()).is_ok() {
            unflushed = 0;
        }
    }
    Ok((bytes, hex::encode(sha256.finalize())))
}

/// Fills a block as far as the source gives bytes; zero means its end.
fn read_block(reader: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match reader.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// SHA-256 of a stream, hexadecimal, and its length.
pub fn sha256_of(reader: &mut dyn Read) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK_BYTES];
    let mut bytes = 0;
    loop {
        let read = read_block(reader, &mut block)?;
        if read == 0 {
            return Ok((hex::encode(hasher.finalize()), bytes));
        }
        bytes += read as u64;
        hasher.update(&block[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sago_seal::hybrid::HybridIdentity;

    fn check(size: usize) {
        let identity = HybridIdentity::from_seed(&[7; 32]);
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("sealed");
        let original: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        let sealed = seal(&mut original.as_slice(), size as u64, &identity.recipient(), &[Algorithm::Md5], &target).unwrap();
        assert_eq!(sealed.bytes, size as u64);
        assert_eq!(sealed.sha256, hex::encode(Sha256::digest(&original)));
        assert_eq!(sealed.sha512, hex::encode(Sha512::digest(&original)));
        let stored = std::fs::read(&target).unwrap();
        assert_eq!(sealed.content_bytes, stored.len() as u64);
        assert_eq!(sealed.content_sha256, hex::encode(Sha256::digest(&stored)));
        assert_eq!(sealed.content_sha512, hex::encode(Sha512::digest(&stored)));
        let mut opened = Vec::new();
        file::open_with(&[&identity], stored.as_slice()).unwrap().read_to_end(&mut opened).unwrap();
        assert_eq!(opened, original);
        assert!(file::stanza_count(stored.as_slice()).unwrap().is_content_file());
    }

    #[test]
    fn small_and_large_files_are_sealed_with_the_right_digests() {
        for size in [0, 1, BLOCK_BYTES / 4, LARGE_BYTES as usize - 1, LARGE_BYTES as usize, LARGE_BYTES as usize * 2 + 17] {
            check(size);
        }
    }

    struct Breaks(u64);

    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("bad sector"));
            }
            let given = buffer.len().min(usize::try_from(self.0).unwrap());
            self.0 -= given as u64;
            Ok(given)
        }
    }

    #[test]
    fn a_source_that_breaks_is_the_senders_failure() {
        let identity = HybridIdentity::from_seed(&[7; 32]);
        let folder = tempfile::tempdir().unwrap();
        for size in [10, LARGE_BYTES * 2] {
            let failed = seal(&mut Breaks(size), size, &identity.recipient(), &[], &folder.path().join("x"));
            assert!(matches!(failed, Err(Failure::Source(_))));
        }
    }
}
