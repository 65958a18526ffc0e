//! Sealing and opening age files as streams.
//!
//! A file is sealed to hybrid recipients or to one passphrase, never to both and never to a classic key. Opening
//! checks the whole header before the first byte comes out. Who holds which key is the caller's matter; text armour is
//! [`crate::armor`]'s.

use std::io::{BufReader, Read, Write};
use std::ops::RangeInclusive;

use age_core::format::{FileKey, Stanza};

use crate::error::{Part, SealError};
use crate::header::{self, Header};
use crate::hybrid::{self, HybridIdentity, HybridRecipient};
use crate::passphrase;
use crate::stream::{CHUNK_BYTES, NONCE_BYTES, Opener, Sealer, TAG_BYTES};

/// Work factors that may be used for sealing, and the highest that can be allowed for opening: 1 MiB to 4 GiB of memory.
pub const WORK_FACTORS: RangeInclusive<u8> = 10..=22;

/// Begins a file that any one of `recipients` can open.
///
/// Content files get exactly one recipient (a second one would outlive the destruction of the unit's key): see
/// [`Stanzas::is_content_file`]. Fails with [`SealError::Refused`] when there is none or one is named twice.
pub fn seal_to<W: Write>(recipients: &[&HybridRecipient], writer: W) -> Result<Sealer<W>, SealError> {
    if recipients.is_empty() {
        return Err(SealError::Refused("a file without recipients could never be opened"));
    }
    for (i, recipient) in recipients.iter().enumerate() {
        if recipients[..i].contains(recipient) {
            return Err(SealError::Refused("the same recipient is named twice"));
        }
    }
    begin(writer, |file_key| recipients.iter().map(|recipient| recipient.wrap(file_key)).collect())
}

/// Begins a file that opens with `passphrase`; takes 2^`work_factor` KiB of memory and the same to open.
///
/// Refuses an empty passphrase and a work factor outside [`WORK_FACTORS`].
pub fn seal_with_passphrase<W: Write>(passphrase: &str, work_factor: u8, writer: W) -> Result<Sealer<W>, SealError> {
    if passphrase.is_empty() {
        return Err(SealError::Refused("the passphrase is empty"));
    }
    if !WORK_FACTORS.contains(&work_factor) {
        return Err(SealError::Refused("the work factor must be from 10 to 22"));
    }
    begin(writer, |file_key| Ok(vec![passphrase::wrap(passphrase, work_factor, file_key)?]))
}

fn begin<W: Write>(mut writer: W, wrap: impl FnOnce(&FileKey) -> Result<Vec<Stanza>, SealError>) -> Result<Sealer<W>, SealError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce)?;
    let file_key = FileKey::try_init_with_mut(|key| getrandom::fill(key))?;
    let stanzas = wrap(&file_key)?;
    writer.write_all(&header::encode(&stanzas, &file_key))?;
    writer.write_all(&nonce)?;
    Ok(Sealer::new(&file_key, &nonce, writer))
}

/// Opens a file with whichever of `identities` fits.
pub fn open_with<R: Read>(identities: &[&HybridIdentity], reader: R) -> Result<Opener<BufReader<R>>, SealError> {
    open(reader, |stanzas| {
        for identity in identities {
            for stanza in stanzas {
                if let Some(opened) = identity.unwrap(stanza) {
                    return opened;
                }
            }
        }
        Err(SealError::WrongKey)
    })
}

/// Opens a file with whichever of `identities` fits, of any sort the age crate knows.
///
/// For files that others sealed to a classic key. Limits on work factors are the identity's own.
pub fn open_any<R: Read>(identities: &[&dyn age::Identity], reader: R) -> Result<Opener<BufReader<R>>, SealError> {
    open(reader, |stanzas| {
        for identity in identities {
            if let Some(opened) = identity.unwrap_stanzas(stanzas) {
                return opened.map_err(foreign_error);
            }
        }
        Err(SealError::WrongKey)
    })
}

/// Opens a file sealed with a passphrase.
///
/// `max_work_factor`, at most 22, bounds what a hostile file may cost: 2^`max_work_factor` KiB of memory. A file that
/// is sealed to keys instead gives [`SealError::WrongKey`].
pub fn open_with_passphrase<R: Read>(passphrase: &str, max_work_factor: u8, reader: R) -> Result<Opener<BufReader<R>>, SealError> {
    let limit = max_work_factor.min(*WORK_FACTORS.end());
    open(reader, |stanzas| stanzas.iter().find_map(|stanza| passphrase::unwrap(passphrase, limit, stanza)).unwrap_or(Err(SealError::WrongKey)))
}

fn open<R: Read>(reader: R, unwrap: impl FnOnce(&[Stanza]) -> Result<FileKey, SealError>) -> Result<Opener<BufReader<R>>, SealError> {
    let mut reader = BufReader::with_capacity(CHUNK_BYTES + TAG_BYTES, reader);
    let header = Header::read(&mut reader)?;
    let file_key = unwrap(&header.stanzas)?;
    header.verify(&file_key)?;
    let mut nonce = Vec::with_capacity(NONCE_BYTES);
    (&mut reader).take(NONCE_BYTES as u64).read_to_end(&mut nonce)?;
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| SealError::Truncated { part: Part::Header })?;
    Ok(Opener::new(&file_key, &nonce, reader))
}

fn foreign_error(e: age::DecryptError) -> SealError {
    match e {
        age::DecryptError::ExcessiveWork { required, target } => SealError::WorkFactorTooHigh { found: required, limit: target },
        age::DecryptError::Io(e) => SealError::from(e),
        age::DecryptError::InvalidHeader => SealError::header("a stanza is malformed"),
        _ => SealError::WrongKey,
    }
}

/// What the header of a sealed file says about its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stanzas {
    /// The type of each stanza, in order: `mlkem768x25519`, `scrypt`, `X25519`, …
    pub types: Vec<String>,
}

impl Stanzas {
    /// How many there are; at least one.
    pub fn count(&self) -> usize {
        self.types.len()
    }

    /// Whether this may be a content file: exactly one stanza, and a hybrid one.
    ///
    /// A second stanza in a content file would silently void the destruction of its unit's key.
    pub fn is_content_file(&self) -> bool {
        self.types == [hybrid::STANZA_TYPE]
    }
}

/// Reads only the header of a sealed file, without any key, so its authentication code stays unchecked.
pub fn stanza_count(reader: impl Read) -> Result<Stanzas, SealError> {
    let header = Header::read(&mut BufReader::new(reader))?;
    Ok(Stanzas { types: header.stanzas.into_iter().map(|stanza| stanza.tag).collect() })
}
