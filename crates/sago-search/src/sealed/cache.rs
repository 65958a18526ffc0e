//! Decrypted chunks that were read lately, bounded in bytes, shared by all files of one index.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::file::CHUNK_BYTES;

const SHARDS: usize = 16;

/// Which chunk: a number given to the opened file, and the chunk's own number.
type Key = (u64, u64);

/// The cache. A chunk in it has been authenticated.
pub(crate) struct ChunkCache {
    shards: Vec<Mutex<LruCache<Key, Arc<[u8]>>>>,
}

impl ChunkCache {
    /// Makes room for about `bytes`, and at least one chunk in each of the 16 shards.
    pub(crate) fn new(bytes: usize) -> Self {
        let per_shard = NonZeroUsize::new(bytes / CHUNK_BYTES / SHARDS).unwrap_or(NonZeroUsize::MIN);
        ChunkCache { shards: (0..SHARDS).map(|_| Mutex::new(LruCache::new(per_shard))).collect() }
    }

    pub(crate) fn get(&self, file: u64, chunk: u64) -> Option<Arc<[u8]>> {
        self.shard(file, chunk).lock().unwrap_or_else(PoisonError::into_inner).get(&(file, chunk)).cloned()
    }

    pub(crate) fn put(&self, file: u64, chunk: u64, plain: Arc<[u8]>) {
        self.shard(file, chunk).lock().unwrap_or_else(PoisonError::into_inner).put((file, chunk), plain);
    }

    /// Forgets everything, so that nothing of a destroyed unit stays.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    fn shard(&self, file: u64, chunk: u64) -> &Mutex<LruCache<Key, Arc<[u8]>>> {
        &self.shards[(file.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ chunk.wrapping_mul(0xC2B2_AE3D_27D4_EB4F)) as usize % SHARDS]
    }
}
