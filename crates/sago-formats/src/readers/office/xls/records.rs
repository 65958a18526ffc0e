//! Records of Excel's old format with their continuations, and the strings in them (MS-XLS 2.1.4, 2.5.293, 2.5.294).

use crate::readers::codepage::CodePage;
use crate::readers::little::{u16_at, utf16};

/// Continues the record before it.
const CONTINUE: u16 = 0x003c;

/// A record: its number, where it begins, and its body in one piece for each continuation.
pub(super) struct Record<'a> {
    pub kind: u16,
    pub offset: usize,
    pub pieces: Vec<&'a [u8]>,
}

impl Record<'_> {
    /// The first piece: what records without long strings consist of.
    pub(super) fn body(&self) -> &[u8] {
        self.pieces.first().copied().unwrap_or_default()
    }

    /// Reads on from a place in the first piece.
    pub(super) fn reader(&self, at: usize) -> Reader<'_> {
        Reader { pieces: &self.pieces, piece: 0, at }
    }

    /// All pieces as one.
    pub(super) fn joined(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

/// The records of a stream.
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether the last record is not whole.
    pub is_cut: bool,
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, is_cut: false }
    }

    fn one(&mut self) -> Option<(u16, &'a [u8])> {
        let (kind, length) = (u16_at(self.bytes, self.at)?, usize::from(u16_at(self.bytes, self.at + 2)?));
        let rest = &self.bytes[self.at + 4..];
        self.is_cut |= rest.len() < length;
        let body = &rest[..rest.len().min(length)];
        self.at += 4 + body.len();
        Some((kind, body))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let offset = self.at;
        let (kind, body) = self.one()?;
        let mut pieces = vec![body];
        while u16_at(self.bytes, self.at) == Some(CONTINUE) {
            match self.one() {
                Some((_, body)) => pieces.push(body),
                None => break,
            }
        }
        Some(Record { kind, offset, pieces })
    }
}

/// Reads across the pieces of a record.
pub(super) struct Reader<'a> {
    pieces: &'a [&'a [u8]],
    piece: usize,
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        loop {
            let piece = self.pieces.get(self.piece)?;
            if let Some(byte) = piece.get(self.at) {
                self.at += 1;
                return Some(*byte);
            }
            self.piece += 1;
            self.at = 0;
        }
    }

    /// Sixteen bits.
    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from(self.u16()?) | u32::from(self.u16()?) << 16)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        let mut left = count;
        while left > 0 {
            let there = self.pieces.get(self.piece)?.len().saturating_sub(self.at);
            let step = there.min(left);
            (self.at, left) = (self.at + step, left - step);
            if left > 0 {
                (self.piece, self.at) = (self.piece + 1, 0);
            }
        }
        Some(())
    }

    /// So many letters; where a new piece begins it says again how wide they are.
    pub(super) fn letters(&mut self, count: usize, is_wide: bool) -> Option<String> {
        let (mut left, mut is_wide) = (count, is_wide);
        let mut raw = Vec::new();
        while left > 0 {
            let piece = self.pieces.get(self.piece)?;
            let rest = piece.get(self.at..).unwrap_or_default();
            let width = if is_wide { 2 } else { 1 };
            let there = (rest.len() / width).min(left);
            for letter in rest[..there * width].chunks_exact(width) {
                raw.extend([letter[0], if is_wide { letter[1] } else { 0 }]);
            }
            (self.at, left) = (self.at + there * width, left - there);
            if left > 0 {
                self.piece += 1;
                is_wide = self.pieces.get(self.piece)?.first()? & 1 == 1;
                self.at = 1;
            }
        }
        Some(utf16(&raw))
    }

    /// A string of BIFF8 after its length: flags, counts of what follows it, letters.
    pub(super) fn string(&mut self, count: usize) -> Option<String> {
        let flags = self.byte()?;
        let runs = if flags & 8 != 0 { usize::from(self.u16()?) * 4 } else { 0 };
        let extra = if flags & 4 != 0 { usize::try_from(self.u32()?).ok()? } else { 0 };
        let text = self.letters(count, flags & 1 == 1)?;
        // A string whose tail is missing is a string all the same.
        let _ = self.skip(runs.saturating_add(extra));
        Some(text)
    }

    /// The same with a length of one byte.
    pub(super) fn short_string(&mut self) -> Option<String> {
        let count = usize::from(self.byte()?);
        self.string(count)
    }

    /// A string of BIFF2 to 5: bytes in a code page.
    pub(super) fn bytes(&mut self, count: usize, page: CodePage) -> Option<String> {
        let raw: Option<Vec<u8>> = (0..count).map(|_| self.byte()).collect();
        Some(page.decode(&raw?).text)
    }

    /// A byte as a length.
    pub(super) fn length(&mut self) -> Option<usize> {
        self.byte().map(usize::from)
    }
}
