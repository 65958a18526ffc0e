//! The head of an age file: version line, stanzas, authentication code.
//!
//! Parses strictly: what the specification says must be rejected is rejected here, whoever the recipients are. Says
//! nothing about what a stanza means; that is [`crate::hybrid`] and [`crate::passphrase`].

use std::io::{BufRead, Read};

use age_core::format::{FileKey, Stanza, is_arbitrary_string};
use age_core::primitives::hkdf;
use age_core::secrecy::ExposeSecret;
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Part, SealError};
use crate::passphrase;

const VERSION_LINE: &[u8] = b"age-encryption.org/v1";
const VERSION_PREFIX: &[u8] = b"age-encryption.org/";
const COLUMNS: usize = 64;

/// Headers longer than this are refused: room for 500 hybrid recipients.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// A parsed header; its authentication code is not yet checked.
pub(crate) struct Header {
    pub(crate) stanzas: Vec<Stanza>,
    mac: Vec<u8>,
    authenticated: Vec<u8>,
}

impl Header {
    /// Reads exactly the header and leaves `reader` at the nonce.
    pub(crate) fn read(reader: &mut impl BufRead) -> Result<Self, SealError> {
        let mut lines = Lines { reader: reader.take(MAX_HEADER_BYTES), seen: Vec::new() };
        lines.version()?;
        let mut stanzas = Vec::new();
        loop {
            let line = lines.next()?;
            if let Some(arguments) = line.strip_prefix(b"-> ") {
                let (tag, args) = arguments_of(arguments)?;
                let body = lines.body()?;
                stanzas.push(Stanza { tag, args, body });
            } else if let Some(mac) = line.strip_prefix(b"--- ") {
                if stanzas.is_empty() {
                    return Err(SealError::header("no stanza"));
                }
                let mac = BASE64
                    .decode(mac)
                    .ok()
                    .filter(|mac| mac.len() == 32)
                    .ok_or(SealError::header("the authentication code is not 32 bytes of canonical base64"))?;
                let authenticated = lines.seen.len() - (line.len() + 1) + 3;
                lines.seen.truncate(authenticated);
                let header = Header { stanzas, mac, authenticated: lines.seen };
                passphrase::must_be_alone(&header.stanzas)?;
                return Ok(header);
            } else {
                return Err(SealError::header("a line is neither a stanza nor the end"));
            }
        }
    }

    /// Checks the authentication code in constant time.
    pub(crate) fn verify(&self, file_key: &FileKey) -> Result<(), SealError> {
        mac_over(&self.authenticated, file_key)
            .verify_slice(&self.mac)
            .map_err(|_| SealError::Damaged { part: Part::HeaderMac, why: "the header was changed after sealing" })
    }
}

/// Writes a header with its authentication code.
pub(crate) fn encode(stanzas: &[Stanza], file_key: &FileKey) -> Vec<u8> {
    let mut out = VERSION_LINE.to_vec();
    out.push(b'\n');
    for stanza in stanzas {
        out.extend_from_slice(b"-> ");
        out.extend_from_slice(stanza.tag.as_bytes());
        for arg in &stanza.args {
            out.push(b' ');
            out.extend_from_slice(arg.as_bytes());
        }
        out.push(b'\n');
        let body = BASE64.encode(&stanza.body);
        for line in body.as_bytes().chunks(COLUMNS) {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        // The body ends at the first short line, so a body of full lines needs an empty one.
        if body.len().is_multiple_of(COLUMNS) {
            out.push(b'\n');
        }
    }
    out.extend_from_slice(b"---");
    let mac = mac_over(&out, file_key).finalize().into_bytes();
    out.push(b' ');
    out.extend_from_slice(BASE64.encode(mac).as_bytes());
    out.push(b'\n');
    out
}

fn mac_over(bytes: &[u8], file_key: &FileKey) -> Hmac<Sha256> {
    let key = Zeroizing::new(hkdf(&[], b"header", file_key.expose_secret()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(bytes);
    mac
}

fn arguments_of(line: &[u8]) -> Result<(String, Vec<String>), SealError> {
    let line = std::str::from_utf8(line).map_err(|_| SealError::header("a stanza is not ASCII"))?;
    let mut arguments = line.split(' ').map(|argument| {
        if is_arbitrary_string(&argument) { Ok(argument.to_owned()) } else { Err(SealError::header("a stanza argument is empty or not visible ASCII")) }
    });
    let tag = arguments.next().unwrap_or(Err(SealError::header("a stanza has no type")))?;
    Ok((tag, arguments.collect::<Result<_, _>>()?))
}

struct Lines<R> {
    reader: std::io::Take<R>,
    seen: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads no more than the version line, so that a stray large file is recognised at once.
    fn version(&mut self) -> Result<(), SealError> {
        let mut line = Vec::new();
        (&mut self.reader).take(VERSION_LINE.len() as u64 + 1).read_until(b'\n', &mut line)?;
        let whole = [VERSION_LINE, b"\n"].concat();
        if line == whole {
            self.seen = line;
            Ok(())
        } else if !line.is_empty() && whole.starts_with(&line) {
            Err(SealError::Truncated { part: Part::Header })
        } else if line.starts_with(VERSION_PREFIX) {
            Err(SealError::UnknownVersion)
        } else {
            Err(SealError::NotAge)
        }
    }

    /// One line without its end; also kept in `seen`, for the authentication code.
    fn next(&mut self) -> Result<Vec<u8>, SealError> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(if self.reader.limit() == 0 {
                SealError::header("the header is longer than 1 MiB")
            } else {
                SealError::Truncated { part: Part::Header }
            });
        }
        self.seen.extend_from_slice(&line);
        line.pop();
        Ok(line)
    }

    fn body(&mut self) -> Result<Vec<u8>, SealError> {
        let mut text = Vec::new();
        loop {
            let line = self.next()?;
            if line.len() > COLUMNS {
                return Err(SealError::header("a stanza line is longer than 64 columns"));
            }
            text.extend_from_slice(&line);
            if line.len() < COLUMNS {
                return BASE64.decode(&text).map_err(|_| SealError::header("a stanza body is not canonical base64"));
            }
        }
    }
}
