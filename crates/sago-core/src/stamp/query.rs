//! The query that was sent: kept beside the reply, so that anybody can see what was asked, and read back when a reply comes by folder.
//!
//! Only Sago's own queries are read; a query of another hand is no query of ours.

use sago_stamp::{Imprint, request};

use crate::error::Result;
use crate::key::fill_random;

/// A TimeStampReq in DER and its nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    pub bytes: Vec<u8>,
    pub nonce: [u8; 8],
}

impl Query {
    /// Makes a query with a nonce of 62 random bits that asks for the authority's certificates.
    pub fn new(imprint: &Imprint) -> Result<Self> {
        let mut nonce = [0; 8];
        fill_random(&mut nonce)?;
        // Neither negative nor shorter than eight bytes in DER: so it can be found again at its place.
        nonce[0] = nonce[0] & 0x3F | 0x40;
        Ok(Self::with_nonce(imprint, nonce))
    }

    fn with_nonce(imprint: &Imprint, nonce: [u8; 8]) -> Self {
        Self { bytes: request(imprint, Some(nonce), true, None), nonce }
    }

    /// Reads back what [`Query::new`] made for the same imprint; `None` for anything else.
    pub fn read(bytes: &[u8], imprint: &Imprint) -> Option<Self> {
        // A query ends with the nonce and certReq TRUE (01 01 FF).
        let end = bytes.len().checked_sub(3)?;
        let nonce = bytes.get(end.checked_sub(8)?..end)?.try_into().ok()?;
        Some(Self::with_nonce(imprint, nonce)).filter(|query| query.bytes == bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_back_and_nothing_else_is() {
        let imprint = Imprint::sha512(b"checkpoint");
        let query = Query::new(&imprint).unwrap();
        assert_eq!(Query::read(&query.bytes, &imprint), Some(query.clone()));
        assert_ne!(Query::new(&imprint).unwrap().nonce, query.nonce, "nonces are random");
        assert_eq!(Query::read(&query.bytes, &Imprint::sha512(b"other")), None);
        assert_eq!(Query::read(&query.bytes, &Imprint::sha256(b"checkpoint")), None);
        let mut altered = query.bytes.clone();
        altered.push(0);
        assert_eq!(Query::read(&altered, &imprint), None);
        assert_eq!(Query::read(b"", &imprint), None);
    }
}
