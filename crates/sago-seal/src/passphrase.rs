//! The passphrase stanza of an age file (`scrypt`, C2SP `age.md`).
//!
//! Our own few lines instead of the age crate's, whose constructor times the machine: here the work factor is an input.
//! Passphrases are used as the bytes given: normalise before, the same way each time.

use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::{aead_decrypt, aead_encrypt};
use age_core::secrecy::ExposeSecret;
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use scrypt::Params;
use zeroize::Zeroizing;

use crate::error::SealError;

const STANZA_TYPE: &str = "scrypt";
const SALT_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
const SALT_BYTES: usize = 16;
const BODY_BYTES: usize = FILE_KEY_BYTES + 16;

/// A passphrase stanza promises that whoever made the file knew the passphrase: it may not stand beside others.
pub(crate) fn must_be_alone(stanzas: &[Stanza]) -> Result<(), SealError> {
    if stanzas.len() > 1 && stanzas.iter().any(|stanza| stanza.tag == STANZA_TYPE) {
        return Err(SealError::header("a passphrase stanza stands beside another stanza"));
    }
    Ok(())
}

pub(crate) fn wrap(passphrase: &str, work_factor: u8, file_key: &FileKey) -> Result<Stanza, SealError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)?;
    let key = derive(passphrase, &salt, work_factor)?;
    Ok(Stanza { tag: STANZA_TYPE.to_owned(), args: vec![BASE64.encode(salt), work_factor.to_string()], body: aead_encrypt(&key, file_key.expose_secret()) })
}

/// Opens a passphrase stanza: `None` if it is of another type or for another passphrase.
pub(crate) fn unwrap(passphrase: &str, limit: u8, stanza: &Stanza) -> Option<Result<FileKey, SealError>> {
    if stanza.tag != STANZA_TYPE {
        return None;
    }
    let key = parse(stanza, limit).and_then(|(salt, work_factor)| derive(passphrase, &salt, work_factor));
    match key {
        Err(e) => Some(Err(e)),
        Ok(key) => {
            let opened = Zeroizing::new(aead_decrypt(&key, FILE_KEY_BYTES, &stanza.body).ok()?);
            Some(Ok(FileKey::init_with_mut(|key| key.copy_from_slice(&opened))))
        }
    }
}

fn parse(stanza: &Stanza, limit: u8) -> Result<([u8; SALT_BYTES], u8), SealError> {
    let [salt, work_factor] = stanza.args.as_slice() else {
        return Err(SealError::header("a passphrase stanza needs exactly two arguments"));
    };
    let salt = BASE64.decode(salt).ok().and_then(|salt| salt.try_into().ok()).ok_or(SealError::header("a salt is not 16 bytes of canonical base64"))?;
    let digits = !work_factor.starts_with('0') && work_factor.bytes().all(|b| b.is_ascii_digit());
    let work_factor = work_factor.parse::<u8>().ok().filter(|_| digits).ok_or(SealError::header("a work factor is not a small decimal number"))?;
    if stanza.body.len() != BODY_BYTES {
        return Err(SealError::header("a passphrase stanza's body is not 32 bytes"));
    }
    if work_factor > limit {
        return Err(SealError::WorkFactorTooHigh { found: work_factor, limit });
    }
    Ok((salt, work_factor))
}

/// Takes 2^`work_factor` KiB of memory.
fn derive(passphrase: &str, salt: &[u8; SALT_BYTES], work_factor: u8) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let params = Params::new(work_factor, 8, 1, 32).map_err(|_| SealError::header("a work factor cannot be computed on this machine"))?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.as_bytes(), &[SALT_LABEL, salt].concat(), &params, key.as_mut_slice())
        .map_err(|_| SealError::Refused("the passphrase key has a wrong length"))?;
    Ok(key)
}
