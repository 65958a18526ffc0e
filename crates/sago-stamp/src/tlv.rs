//! Reading and writing DER one element at a time (X.690), keeping the bytes of each element as received.
//!
//! Headers are decoded by the `der` crate (definite, minimal lengths only). What is signed is never encoded anew: callers hash
//! the slices handed out here. The order of SET OF elements is not enforced: authorities in use send certificates in any order.

use crate::finding::{Finding, code};
use der::asn1::ObjectIdentifier as Oid;
use der::{Decode, Header, Reader, SliceReader, Tag, TagNumber};

/// A value read, or the finding that says why it could not be.
pub(crate) type Read<T> = Result<T, Finding>;

pub(crate) fn malformed(place: &str, why: impl std::fmt::Display) -> Finding {
    Finding::error(code::MALFORMED, place, why.to_string())
}

/// `[number]`, constructed: explicit tagging, or implicit tagging of a SEQUENCE or SET.
pub(crate) const fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// `[number]`, primitive: implicit tagging of a simple value.
pub(crate) const fn context_primitive(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: false, number: TagNumber(number) }
}

/// One element: its tag, its content and all its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tlv<'a> {
    pub(crate) tag: Tag,
    pub(crate) value: &'a [u8],
    pub(crate) der: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The elements inside this one.
    pub(crate) fn fields(&self, place: &'static str) -> Fields<'a> {
        Fields::new(self.value, place)
    }

    /// Fails unless the element has `tag`.
    pub(crate) fn is(self, tag: Tag, place: &str) -> Read<Self> {
        if self.tag == tag { Ok(self) } else { Err(malformed(place, format_args!("expected {tag}, found {}", self.tag))) }
    }
}

/// A run of elements, consumed from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    place: &'static str,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8], place: &'static str) -> Self {
        Self { rest: bytes, place }
    }

    /// Reads `bytes` as exactly one SEQUENCE and opens it.
    pub(crate) fn of_sequence(bytes: &'a [u8], place: &'static str) -> Read<Self> {
        let mut outer = Self::new(bytes, place);
        let inner = outer.sequence()?;
        outer.end()?;
        Ok(inner)
    }

    pub(crate) fn error(&self, why: impl std::fmt::Display) -> Finding {
        malformed(self.place, why)
    }

    /// Bytes not yet consumed.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Fails when something is left.
    pub(crate) fn end(self) -> Read<()> {
        if self.is_empty() { Ok(()) } else { Err(self.error(format_args!("{} unexpected bytes at the end", self.rest.len()))) }
    }

    pub(crate) fn next(&mut self) -> Read<Tlv<'a>> {
        let read = |bytes: &'a [u8]| -> Result<(Tlv<'a>, &'a [u8]), der::Error> {
            let mut reader = SliceReader::new(bytes)?;
            let header = Header::decode(&mut reader)?;
            let value = reader.read_slice(header.length())?;
            let (der, rest) = bytes.split_at(usize::try_from(reader.position())?);
            Ok((Tlv { tag: header.tag(), value, der }, rest))
        };
        let (element, rest) = read(self.rest).map_err(|why| self.error(why))?;
        self.rest = rest;
        Ok(element)
    }

    pub(crate) fn expect(&mut self, tag: Tag) -> Read<Tlv<'a>> {
        self.next()?.is(tag, self.place)
    }

    /// The next element if it has `tag`; otherwise nothing is consumed.
    pub(crate) fn optional(&mut self, tag: Tag) -> Read<Option<Tlv<'a>>> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut ahead = *self;
        let element = ahead.next()?;
        if element.tag != tag {
            return Ok(None);
        }
        *self = ahead;
        Ok(Some(element))
    }

    pub(crate) fn sequence(&mut self) -> Read<Fields<'a>> {
        Ok(self.expect(Tag::Sequence)?.fields(self.place))
    }

    pub(crate) fn oid(&mut self) -> Read<Oid> {
        let element = self.expect(Tag::ObjectIdentifier)?;
        Oid::from_bytes(element.value).map_err(|why| self.error(why))
    }

    pub(crate) fn octets(&mut self) -> Read<&'a [u8]> {
        Ok(self.expect(Tag::OctetString)?.value)
    }

    /// The content of a BIT STRING of whole bytes, such as a key or a signature.
    pub(crate) fn bits(&mut self) -> Read<&'a [u8]> {
        match self.expect(Tag::BitString)?.value {
            [0, rest @ ..] => Ok(rest),
            _ => Err(self.error("a bit string that is not whole bytes")),
        }
    }

    /// The content of an INTEGER, two's complement, checked to be minimal.
    pub(crate) fn integer(&mut self) -> Read<&'a [u8]> {
        let element = self.expect(Tag::Integer)?;
        self.minimal(element.value)
    }

    pub(crate) fn minimal(&self, value: &'a [u8]) -> Read<&'a [u8]> {
        match value {
            [] => Err(self.error("an empty integer")),
            [0, next, ..] if *next < 0x80 => Err(self.error("an integer with a needless zero byte")),
            [0xFF, next, ..] if *next >= 0x80 => Err(self.error("an integer with a needless sign byte")),
            _ => Ok(value),
        }
    }

    /// A non-negative INTEGER below 2^31.
    pub(crate) fn small(&mut self) -> Read<u32> {
        let value = self.integer()?;
        self.small_value(value)
    }

    pub(crate) fn small_value(&self, value: &[u8]) -> Read<u32> {
        if value.len() > 4 || value.first().is_some_and(|byte| *byte >= 0x80) {
            return Err(self.error("a number outside its range"));
        }
        Ok(value.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// A BOOLEAN with a default; the default spelt out is tolerated (X.690 11.5 forbids it, authorities do it).
    pub(crate) fn boolean_or_false(&mut self) -> Read<bool> {
        match self.optional(Tag::Boolean)?.map(|element| element.value) {
            None | Some([0]) => Ok(false),
            Some([0xFF]) => Ok(true),
            Some(_) => Err(self.error("a truth value that is neither 00 nor FF")),
        }
    }
}

/// Writes one element; `content` is the concatenation of its parts.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..=0x7F => bytes.push(short as u8),
        long => {
            let length = long.to_be_bytes();
            let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
            bytes.push(0x80 | significant.len() as u8);
            bytes.extend_from_slice(significant);
        }
    }
    bytes.extend_from_slice(&content);
    bytes
}

/// Writes an INTEGER from an unsigned big-endian number.
pub(crate) fn unsigned(number: &[u8]) -> Vec<u8> {
    let digits = &number[number.iter().take_while(|byte| **byte == 0).count()..];
    let sign: &[u8] = if digits.first().is_none_or(|byte| *byte >= 0x80) { &[0] } else { &[] };
    element(0x02, &[sign, digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_are_not_minimal_or_not_definite_are_refused() {
        for bytes in [&[0x04, 0x81, 0x01, 0xAA][..], &[0x30, 0x80, 0, 0], &[0x04, 0x05, 0xAA], &[0x04], &[]] {
            let finding = Fields::new(bytes, "here").next().unwrap_err();
            assert_eq!((finding.code, finding.path.as_str()), (code::MALFORMED, "here"), "{bytes:02x?}");
        }
    }

    #[test]
    fn integers_are_written_and_read_minimally() {
        for (number, written) in [(&[0, 0][..], &[2, 1, 0][..]), (&[0, 0x7F], &[2, 1, 0x7F]), (&[0x80], &[2, 2, 0, 0x80]), (&[1, 0], &[2, 2, 1, 0])] {
            assert_eq!(unsigned(number), written);
            assert!(Fields::new(written, "here").integer().is_ok());
        }
        for bytes in [&[2, 2, 0, 1][..], &[2, 2, 0xFF, 0x80], &[2, 0]] {
            assert!(Fields::new(bytes, "here").integer().is_err(), "{bytes:02x?}");
        }
    }

    #[test]
    fn long_elements_are_read_back() {
        for size in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![0x5A; size];
            let bytes = element(0x04, &[&content]);
            let mut fields = Fields::new(&bytes, "here");
            assert_eq!(fields.octets().unwrap(), content);
            fields.end().unwrap();
        }
    }
}
