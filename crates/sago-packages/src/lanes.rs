//! One stream hashed with several algorithms in one pass: small streams on the caller's thread, long ones with a thread for each algorithm.
//!
//! A pass then takes as long as the slowest digest, not as all of them together.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Scope;

use crate::digest::{Algorithm, BUFFER_BYTES, Digests, MultiHasher};

/// Streams are long from here on: until then threads cost more than they gain.
const LONG_BYTES: u64 = 4 << 20;

/// Bytes that travel between threads at once.
const BLOCK_BYTES: usize = 1 << 20;

/// Blocks under way to each thread: bounds memory to a few of them, whatever the stream.
const BLOCKS_UNDER_WAY: usize = 3;

/// Hashes a stream to its end in one pass; `each` gets every piece, in order, and may stop the pass with its own error.
///
/// `size_bytes` is what is expected of the stream, so that small files cost small buffers; it may be wrong.
pub(crate) fn hash_stream(
    reader: &mut dyn Read,
    size_bytes: u64,
    algorithms: &[Algorithm],
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Digests> {
    let mut hasher = MultiHasher::new(algorithms);
    // One byte more lets the end be seen by the second read.
    let length = usize::try_from(size_bytes).unwrap_or(usize::MAX).saturating_add(1);
    let mut buffer = vec![0_u8; length.min(BUFFER_BYTES)];
    let mut bytes = 0;
    while bytes < LONG_BYTES {
        let count = read_some(reader, &mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        bytes += count as u64;
        hasher.update(&buffer[..count]);
        each(&buffer[..count])?;
    }
    drop(buffer);
    hash_long(reader, hasher, each)
}

struct Block {
    bytes: Vec<u8>,
    filled: usize,
}

fn hash_long(reader: &mut dyn Read, hasher: MultiHasher, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<Digests> {
    std::thread::scope(|scope| {
        let mut bytes = hasher.bytes();
        let lanes: Vec<_> = hasher.split().into_iter().map(|hasher| lane(scope, hasher)).collect();
        let mut sent: VecDeque<Arc<Block>> = VecDeque::new();
        loop {
            // The oldest block is used again when every thread is done with it.
            let mut block = match sent.pop_front().map(Arc::try_unwrap) {
                Some(Ok(block)) => block,
                Some(Err(busy)) => {
                    sent.push_front(busy);
                    Block { bytes: vec![0; BLOCK_BYTES], filled: 0 }
                }
                None => Block { bytes: vec![0; BLOCK_BYTES], filled: 0 },
            };
            block.filled = read_some(reader, &mut block.bytes)?;
            if block.filled == 0 {
                break;
            }
            bytes += block.filled as u64;
            let block = Arc::new(block);
            // A thread that ended is told below.
            lanes.iter().for_each(|(sender, _)| drop(sender.send(block.clone())));
            each(&block.bytes[..block.filled])?;
            sent.push_back(block);
        }
        let mut parts = Vec::with_capacity(lanes.len());
        for (sender, thread) in lanes {
            drop(sender);
            parts.push(thread.join().map_err(|_| io::Error::other("a hashing thread ended early"))?);
        }
        Ok(MultiHasher::join(parts, bytes).finish())
    })
}

type Lane<'scope> = (SyncSender<Arc<Block>>, std::thread::ScopedJoinHandle<'scope, MultiHasher>);

fn lane<'scope>(scope: &'scope Scope<'scope, '_>, mut hasher: MultiHasher) -> Lane<'scope> {
    let (sender, blocks) = sync_channel::<Arc<Block>>(BLOCKS_UNDER_WAY);
    let thread = scope.spawn(move || {
        blocks.iter().for_each(|block| hasher.update(&block.bytes[..block.filled]));
        hasher
    });
    (sender, thread)
}

fn read_some(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALGORITHMS: [Algorithm; 3] = [Algorithm::Sha256, Algorithm::Sha512, Algorithm::Size];

    /// Gives a few bytes at a time, and an interruption now and then.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(7) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let given = buffer.len().min(self.0.len()).min(100_003);
            buffer[..given].copy_from_slice(&self.0[..given]);
            self.0 = &self.0[given..];
            Ok(given)
        }
    }

    #[test]
    fn long_streams_have_the_digests_of_one_hasher_and_every_piece_is_heard_in_order() {
        let long = usize::try_from(LONG_BYTES).unwrap();
        for size in [0, 1, long - 1, long, long + 1, 3 * long + 17] {
            let stream: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let mut expected = MultiHasher::new(&ALGORITHMS);
            expected.update(&stream);
            let mut heard = Vec::new();
            let found = hash_stream(&mut Trickle(&stream, 0), 10, &ALGORITHMS, &mut |piece| {
                heard.extend_from_slice(piece);
                Ok(())
            });
            assert_eq!(found.unwrap(), expected.finish(), "{size}");
            assert!(heard == stream, "{size}");
        }
    }

    #[test]
    fn whoever_hears_the_pieces_can_stop_a_long_stream() {
        let stream = vec![1; usize::try_from(2 * LONG_BYTES).unwrap()];
        let mut left = LONG_BYTES + 1;
        let stopped = hash_stream(&mut stream.as_slice(), 0, &ALGORITHMS, &mut |piece| {
            left = left.saturating_sub(piece.len() as u64);
            if left == 0 { Err(io::Error::other("full")) } else { Ok(()) }
        });
        assert_eq!(stopped.unwrap_err().to_string(), "full");
    }
}
