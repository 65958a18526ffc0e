//! A reply as an authority sends it: a status and, if granted, a token (RFC 3161 section 2.4.2); or a token alone.

use crate::finding::Finding;
use crate::name::escaped;
use crate::tlv::{Fields, Read, malformed};
use crate::token::Token;
use der::Tag;
use std::fmt;

/// Replies above this size are refused; real ones, with revocation lists, stay below 200 kB.
pub const MAX_REPLY_BYTES: usize = 1 << 20;

const PLACE: &str = "reply";
const STATUS: &str = "reply/status";

/// A reply, read but not judged.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Absent when the bytes were a bare TimeStampToken.
    pub status: Option<Status>,
    /// The token, if there is one.
    pub token: Option<Token>,
    /// What was noticed while reading; [`crate::verify()`] repeats it.
    pub remarks: Vec<Finding>,
}

/// PKIStatusInfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What the authority decided.
    pub status: PkiStatus,
    /// Its own words, if any; control characters are escaped.
    pub texts: Vec<String>,
    /// The names of the failures it gave, as RFC 3161 spells them; `bit <n>` for others.
    pub failures: Vec<String>,
}

/// PKIStatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PkiStatus {
    /// 0: a token as asked for.
    Granted,
    /// 1: a token, not quite as asked for.
    GrantedWithMods,
    /// 2: no token.
    Rejection,
    /// 3: no token yet.
    Waiting,
    /// 4: no token; a revocation is near.
    RevocationWarning,
    /// 5: no token; a revocation has happened.
    RevocationNotification,
    /// A number RFC 3161 does not know.
    Unknown(u32),
}

impl PkiStatus {
    /// Whether a token should be there.
    pub fn is_granted(self) -> bool {
        matches!(self, Self::Granted | Self::GrantedWithMods)
    }
}

impl fmt::Display for PkiStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("granted"),
            Self::GrantedWithMods => f.write_str("grantedWithMods"),
            Self::Rejection => f.write_str("rejection"),
            Self::Waiting => f.write_str("waiting"),
            Self::RevocationWarning => f.write_str("revocationWarning"),
            Self::RevocationNotification => f.write_str("revocationNotification"),
            Self::Unknown(number) => write!(f, "status {number}"),
        }
    }
}

impl Reply {
    /// Reads a TimeStampResp, or a TimeStampToken alone, in DER.
    ///
    /// Tolerated: certificates in any order, certificates that cannot be read (with a remark), a spelt-out default.
    /// Not tolerated: indefinite lengths, bytes after the end, more than [`MAX_REPLY_BYTES`].
    ///
    /// # Errors
    /// A finding `stamp-malformed` whose path says where the reading stopped.
    pub fn parse(der: &[u8]) -> Result<Self, Finding> {
        if der.len() > MAX_REPLY_BYTES {
            return Err(malformed(PLACE, format_args!("{} bytes; the limit is {MAX_REPLY_BYTES}", der.len())));
        }
        let mut fields = Fields::of_sequence(der, PLACE)?;
        let mut remarks = Vec::new();
        if fields.optional(Tag::ObjectIdentifier)?.is_some() {
            let token = Token::parse(der, &mut remarks)?;
            return Ok(Self { status: None, token: Some(token), remarks });
        }
        let status = Status::read(fields.expect(Tag::Sequence)?.fields(STATUS))?;
        let token = if fields.is_empty() { None } else { Some(Token::parse(fields.next()?.der, &mut remarks)?) };
        fields.end()?;
        Ok(Self { status: Some(status), token, remarks })
    }
}

impl Status {
    fn read(mut fields: Fields<'_>) -> Read<Self> {
        let status = match fields.small()? {
            0 => PkiStatus::Granted,
            1 => PkiStatus::GrantedWithMods,
            2 => PkiStatus::Rejection,
            3 => PkiStatus::Waiting,
            4 => PkiStatus::RevocationWarning,
            5 => PkiStatus::RevocationNotification,
            other => PkiStatus::Unknown(other),
        };
        let mut texts = Vec::new();
        if let Some(list) = fields.optional(Tag::Sequence)? {
            let mut list = list.fields(STATUS);
            while !list.is_empty() {
                texts.push(escaped(&String::from_utf8_lossy(list.expect(Tag::Utf8String)?.value)));
            }
        }
        let mut failures = Vec::new();
        if let Some(bits) = fields.optional(Tag::BitString)? {
            let [_unused @ 0..=7, bytes @ ..] = bits.value else {
                return Err(malformed(STATUS, "failure information is not a bit string"));
            };
            // Thirty-two bits are all that RFC 3161 and its successors use.
            for (index, byte) in bytes.iter().enumerate().take(4) {
                failures.extend((0..8).filter(|bit| byte & (0x80 >> bit) != 0).map(|bit| failure(index * 8 + bit)));
            }
        }
        fields.end()?;
        Ok(Self { status, texts, failures })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for part in self.failures.iter().chain(&self.texts) {
            write!(f, "; {part}")?;
        }
        Ok(())
    }
}

/// PKIFailureInfo (RFC 3161 section 2.4.2).
fn failure(bit: usize) -> String {
    match bit {
        0 => "badAlg".to_owned(),
        2 => "badRequest".to_owned(),
        5 => "badDataFormat".to_owned(),
        14 => "timeNotAvailable".to_owned(),
        15 => "unacceptedPolicy".to_owned(),
        16 => "unacceptedExtension".to_owned(),
        17 => "addInfoNotAvailable".to_owned(),
        25 => "systemFailure".to_owned(),
        other => format!("bit {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejection_is_read_with_its_reasons() {
        // rejection, "no\n", badAlg and systemFailure
        let der = hex::decode("3013301102010230050c036e6f0a0305 0680000040".replace(' ', "")).unwrap();
        let reply = Reply::parse(&der).unwrap();
        let status = reply.status.unwrap();
        assert_eq!(status.status, PkiStatus::Rejection);
        assert_eq!(status.to_string(), "rejection; badAlg; systemFailure; no\\u{a}");
        assert!(reply.token.is_none());
    }

    #[test]
    fn oversized_and_empty_replies_are_refused() {
        assert!(Reply::parse(&[]).is_err());
        let finding = Reply::parse(&vec![0x30; MAX_REPLY_BYTES + 1]).unwrap_err();
        assert!(finding.message.contains("limit"), "{finding}");
    }
}
