//! What the two processes say to each other: frames of a kind, a length (4 bytes, big-endian) and a payload.

use std::io::{self, Read, Write};

use sago_formats::Limits;
use serde::{Deserialize, Serialize};

/// Longest payload. A block of text longer than this cannot be told; the longest bytes of a contained file or answer are much shorter.
pub(crate) const PAYLOAD_BYTES: usize = 64 << 20;

/// Bytes of contents and answers that travel at once.
pub(crate) const PIECE_BYTES: usize = 256 << 10;

/// Bytes before the payload.
pub(crate) const HEAD_BYTES: usize = 5;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To the child, first: what to read ([`Order`], JSON).
    Order,
    /// From the child, first: which walls stand ([`crate::Standing`], JSON).
    Standing,
    /// From the child: bytes of the file are wanted (offset and count, 8 and 4 bytes).
    Need,
    /// To the child: the bytes; fewer than wanted only at the end of the file.
    Bytes,
    /// From the child: something told ([`sago_formats::Part`], JSON).
    Part,
    /// From the child: a contained file begins ([`sago_formats::Child`], JSON).
    Child,
    /// From the child: bytes of the contained file.
    Content,
    /// From the child: the contained file ends; the payload is empty, or says why it could not be read further.
    ContentEnd,
    /// To the child: whether the contained file was taken whole (1), in part (0), or nothing more is wanted (2).
    Taken,
    /// From the child, last: the file is read.
    Done,
    /// From the child, last: the bytes of the file could not be had.
    Failed,
}

impl Kind {
    const ALL: [Self; 11] =
        [Self::Order, Self::Standing, Self::Need, Self::Bytes, Self::Part, Self::Child, Self::Content, Self::ContentEnd, Self::Taken, Self::Done, Self::Failed];

    fn byte(self) -> u8 {
        b"osnbpcxetdf"[self as usize]
    }

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }
}

/// What the child is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// Name of the file.
    pub name: String,
    /// Its length.
    pub size_bytes: u64,
    /// What reading it may cost.
    pub limits: Limits,
    /// Most bytes of address space.
    pub memory_bytes: u64,
    /// Most seconds of processor time.
    pub processor_seconds: u64,
    /// Whether it may go on without walls.
    pub may_stand_open: bool,
}

/// Splits the head of a frame. An unknown kind or a length over the limit is an error: the other side is not to be believed any more.
pub(crate) fn head(bytes: [u8; HEAD_BYTES]) -> io::Result<(Kind, usize)> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "the reading process said something that cannot be understood");
    let kind = Kind::of(bytes[0]).ok_or_else(wrong)?;
    let length = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
    if length > PAYLOAD_BYTES { Err(wrong()) } else { Ok((kind, length)) }
}

/// The head of a frame.
pub(crate) fn head_of(kind: Kind, length: usize) -> io::Result<[u8; HEAD_BYTES]> {
    let length = u32::try_from(length).ok().filter(|length| *length as usize <= PAYLOAD_BYTES);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a frame is too long"))?.to_be_bytes();
    Ok([kind.byte(), length[0], length[1], length[2], length[3]])
}

/// Writes a frame.
pub(crate) fn write(into: &mut dyn Write, kind: Kind, payload: &[u8]) -> io::Result<()> {
    into.write_all(&head_of(kind, payload.len())?)?;
    into.write_all(payload)
}

/// Reads a frame.
pub(crate) fn read(from: &mut dyn Read) -> io::Result<(Kind, Vec<u8>)> {
    let mut bytes = [0; HEAD_BYTES];
    from.read_exact(&mut bytes)?;
    let (kind, length) = head(bytes)?;
    let mut payload = vec![0; length];
    from.read_exact(&mut payload)?;
    Ok((kind, payload))
}

/// What a [`Kind::Need`] asks for.
pub(crate) fn need(payload: &[u8]) -> Option<(u64, usize)> {
    let (offset, count) = payload.split_first_chunk::<8>()?;
    let count: [u8; 4] = count.try_into().ok()?;
    let count = u32::from_be_bytes(count) as usize;
    (count <= PIECE_BYTES).then(|| (u64::from_be_bytes(*offset), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_and_nonsense_does_not() {
        for kind in Kind::ALL {
            let mut bytes = Vec::new();
            write(&mut bytes, kind, b"payload").unwrap();
            assert_eq!(read(&mut bytes.as_slice()).unwrap(), (kind, b"payload".to_vec()));
        }
        assert!(head(*b"?\0\0\0\0").is_err());
        assert!(head([b'p', 255, 0, 0, 0]).is_err());
        assert!(read(&mut b"p\0\0\0\x05abc".as_slice()).is_err());
    }
}
