//! The key of an index and what is derived from it (HKDF-SHA-256, RFC 5869).

use std::fmt;

use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The 32 secret bytes that open one index, given by the caller (one key for each operating epoch); wiped when dropped.
#[derive(Clone)]
pub struct IndexKey(Zeroizing<[u8; 32]>);

impl IndexKey {
    /// Takes the secret bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        IndexKey(Zeroizing::new(*bytes))
    }

    /// What stands in the header of every file, so that a wrong key is told from damage. It says nothing about the key.
    pub(crate) fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        self.expand(None, &[b"sago/index/key-id/1\n"], &mut id);
        id
    }

    /// The name in the folder of the file that the index calls `name`: 32 hexadecimal digits.
    pub(crate) fn disk_name(&self, name: &str) -> String {
        let mut digest = [0; 16];
        self.expand(None, &[b"sago/index/name/1\n", name.as_bytes()], &mut digest);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The cipher of the file that the index calls `name` and that carries `file_id`: under another name it does not open.
    pub(crate) fn cipher(&self, file_id: &[u8; 32], name: &str) -> ChaCha20Poly1305 {
        let mut key = Zeroizing::new([0; 32]);
        self.expand(Some(file_id), &[b"sago/index/file/1\n", name.as_bytes()], key.as_mut_slice());
        ChaCha20Poly1305::new((&*key).into())
    }

    fn expand(&self, salt: Option<&[u8]>, info: &[&[u8]], out: &mut [u8]) {
        let expanded = Hkdf::<Sha256>::new(salt, self.0.as_slice()).expand_multi_info(info, out);
        // HKDF refuses only more than 255 × 32 bytes; we ask for at most 32.
        debug_assert!(expanded.is_ok());
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey(…)")
    }
}
