//! Documents for distribution ("배포용 문서"): their text lies in `ViewText`, enciphered with a key that stands in front of it (Hancom's note on the format of
//! documents for distribution, revision 1.2). Whoever has the file has the key: it only keeps programs from printing and copying.

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, KeyInit};

use super::records::u32_at;

/// Length of the data that holds the key.
const DATA_BYTES: usize = 256;
/// Length of a block and of the key.
const BLOCK_BYTES: usize = 16;

/// The key, out of the data of the record; nothing when that is too short.
fn key(data: &[u8]) -> Option<[u8; BLOCK_BYTES]> {
    let mut clear = data.get(..DATA_BYTES)?.to_vec();
    let mut seed = u32_at(&clear, 0);
    // The generator of Microsoft's C library: a byte repeated so many times is laid over the data.
    let mut random = || {
        seed = seed.wrapping_mul(214_013).wrapping_add(2_531_011);
        seed >> 16 & 0x7FFF
    };
    let (mut letter, mut count) = (0_u8, 0_u32);
    for (at, byte) in clear.iter_mut().enumerate() {
        if count == 0 {
            letter = (random() & 0xFF) as u8;
            count = (random() & 0xF) + 1;
        }
        if at >= 4 {
            *byte ^= letter;
        }
        count -= 1;
    }
    let offset = 4 + (data.first().copied().unwrap_or(0) & 0xF) as usize;
    clear.get(offset..offset + BLOCK_BYTES)?.try_into().ok()
}

/// Deciphers what follows the record, in place; a last piece that is no whole block stays as it is.
pub fn decipher(data: &[u8], bytes: &mut [u8]) -> Option<()> {
    let cipher = Aes128::new(&key(data)?.into());
    let (blocks, _) = bytes.as_chunks_mut::<BLOCK_BYTES>();
    for block in blocks {
        cipher.decrypt_block(block.into());
    }
    Some(())
}
