//! Elements of BER (X.690), definite and indefinite, as far as wrappers need them. Depth is bounded; lengths are checked against what is there.

/// Deepest elements within elements of indefinite length.
const DEPTH: u8 = 32;

/// Tags.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OCTETS_BUILT: u8 = 0x24;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// One element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
}

/// Elements one after another; ends at what makes no sense.
#[derive(Clone)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
}

/// The elements in some bytes.
pub(super) fn elements(bytes: &[u8]) -> Elements<'_> {
    Elements { rest: bytes }
}

impl<'a> Element<'a> {
    pub(super) fn inner(&self) -> Elements<'a> {
        elements(self.content)
    }

    /// The first element in this one.
    pub(super) fn first(&self) -> Option<Element<'a>> {
        self.inner().next()
    }

    /// The bytes of an octet string, in one piece or in several.
    pub(super) fn octets(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut pending = vec![*self];
        while let Some(element) = pending.pop() {
            if element.tag & 0x20 == 0 {
                out.extend_from_slice(element.content);
            } else {
                let inner: Vec<_> = element.inner().collect();
                pending.extend(inner.into_iter().rev());
            }
        }
        out
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (element, length) = element(self.rest, DEPTH)?;
        self.rest = &self.rest[length..];
        (element.tag != 0).then_some(element)
    }
}

/// An element and its whole length. One that is cut off holds what is there.
fn element(bytes: &[u8], depth: u8) -> Option<(Element<'_>, usize)> {
    let (tag, first) = (*bytes.first()?, *bytes.get(1)?);
    // Tags of more than one byte are not used by any of these.
    if tag & 0x1F == 0x1F || depth == 0 {
        return None;
    }
    if first == 0x80 {
        let mut place = 2;
        loop {
            if bytes.get(place..place + 2) == Some(&[0, 0]) {
                return Some((Element { tag, content: &bytes[2..place] }, place + 2));
            }
            match element(bytes.get(place..)?, depth - 1) {
                Some((_, length)) => place += length,
                None => return Some((Element { tag, content: &bytes[2..] }, bytes.len())),
            }
        }
    }
    let (length, head) = if first & 0x80 == 0 {
        (usize::from(first), 2)
    } else {
        let count = usize::from(first & 0x7F);
        let digits = bytes.get(2..2 + count).filter(|_| count <= 8)?;
        let length = digits.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        (usize::try_from(length).unwrap_or(usize::MAX), 2 + count)
    };
    let end = head.saturating_add(length).min(bytes.len());
    Some((Element { tag, content: &bytes[head..end] }, end))
}

/// Digits of an object identifier.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut numbers = Vec::new();
    let mut value = 0_u64;
    for byte in oid {
        value = value << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (value / 40).min(2);
                numbers.extend([first, value - first * 40]);
            } else {
                numbers.push(value);
            }
            value = 0;
        }
    }
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// A string of any of the kinds that names use.
pub(super) fn text(element: &Element<'_>) -> String {
    match element.tag {
        0x1E => {
            let units = element.content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => crate::charset::decode(element.content, None).text,
    }
}
