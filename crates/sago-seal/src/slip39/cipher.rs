//! The four-round Feistel cipher that puts a passphrase over a secret (SLIP-0039, "Encryption of the master secret").
//!
//! Sago uses no passphrase; then this only whitens. PBKDF2-HMAC-SHA256, 10,000·2^e iterations in all.

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::share::Set;

const ROUNDS: u8 = 4;
const BASE_ITERATIONS: u32 = 10_000;

pub(super) fn encrypt(secret: &[u8], passphrase: &[u8], set: &Set) -> Zeroizing<Vec<u8>> {
    feistel(secret, passphrase, set, &[0, 1, 2, 3])
}

pub(super) fn decrypt(encrypted: &[u8], passphrase: &[u8], set: &Set) -> Zeroizing<Vec<u8>> {
    feistel(encrypted, passphrase, set, &[3, 2, 1, 0])
}

/// `text` has an even length.
fn feistel(text: &[u8], passphrase: &[u8], set: &Set, rounds: &[u8; 4]) -> Zeroizing<Vec<u8>> {
    let half = text.len() / 2;
    let mut left = Zeroizing::new(text[..half].to_vec());
    let mut right = Zeroizing::new(text[half..].to_vec());
    let iterations = (BASE_ITERATIONS << set.iteration_exponent) / u32::from(ROUNDS);
    for round in rounds {
        let password = Zeroizing::new([&[*round], passphrase].concat());
        let salt = Zeroizing::new([set.salt().as_slice(), &right].concat());
        let mut mask = Zeroizing::new(vec![0; half]);
        pbkdf2_hmac::<Sha256>(&password, &salt, iterations, &mut mask);
        for (byte, mask) in left.iter_mut().zip(mask.iter()) {
            *byte ^= mask;
        }
        std::mem::swap(&mut left, &mut right);
    }
    Zeroizing::new([right.as_slice(), &left].concat())
}
