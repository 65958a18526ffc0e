//! Records of HWP 5 streams: tag, level, length, bytes ("Hangul Document File Formats 5.0", revision 1.3, 4.1), and the words in them.

use crate::readers::little;

/// Two bytes as a number; zero when the record ends before them: older versions of the format have shorter records.
pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    little::u16_at(bytes, at).unwrap_or(0)
}

/// Four bytes as a number; zero when the record ends before them.
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    little::u32_at(bytes, at).unwrap_or(0)
}

/// Data of a document for distribution: key of the rest of the stream.
pub const DISTRIBUTE_DOC_DATA: u16 = 0x1C;
/// A file in the BinData storage, or a link.
pub const BIN_DATA: u16 = 0x12;
/// Shape of paragraphs.
pub const PARA_SHAPE: u16 = 0x19;
/// Begins a paragraph.
pub const PARA_HEADER: u16 = 0x42;
/// Its text.
pub const PARA_TEXT: u16 = 0x43;
/// A control that stands in it.
pub const CTRL_HEADER: u16 = 0x47;
/// A list of paragraphs: of a cell, a text box, a note.
pub const LIST_HEADER: u16 = 0x48;
/// A drawing object.
pub const SHAPE_COMPONENT: u16 = 0x4C;
/// A table.
pub const TABLE: u16 = 0x4D;
/// Data of a control.
pub const CTRL_DATA: u16 = 0x57;
/// An equation.
pub const EQEDIT: u16 = 0x58;
/// Text as a drawing.
pub const TEXTART: u16 = 0x5A;
/// A form object.
pub const FORM_OBJECT: u16 = 0x5B;
/// Text of memos.
pub const MEMO_LIST: u16 = 0x5D;

/// One record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// What it is.
    pub tag: u16,
    /// Depth in the tree.
    pub level: u16,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// The records of a stream, one after the other.
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    /// How many bytes the last record lacks; zero when the stream ends where a record does.
    pub missing: usize,
}

impl<'a> Records<'a> {
    /// Of an unpacked stream.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, missing: 0 }
    }

    /// Where the next record begins.
    pub fn offset(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let left = self.bytes.len() - self.at;
        if left < 4 {
            self.missing = self.missing.max(if left == 0 { 0 } else { 4 - left });
            return None;
        }
        let header = u32_at(self.bytes, self.at);
        let mut begin = self.at + 4;
        let mut count = (header >> 20) as usize;
        if count == 0xFFF {
            count = u32_at(self.bytes, begin) as usize;
            begin = (begin + 4).min(self.bytes.len());
        }
        let end = begin.saturating_add(count).min(self.bytes.len());
        self.missing = count - (end - begin);
        self.at = end;
        Some(Record { tag: (header & 0x3FF) as u16, level: (header >> 10 & 0x3FF) as u16, bytes: &self.bytes[begin..end] })
    }
}

/// A text with its length in front, in UTF-16; and where it ends. Nothing when the length leads out of the record.
pub fn string(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let count = usize::from(u16_at(bytes, at)) * 2;
    let begin = at.checked_add(2)?;
    let end = begin.checked_add(count)?;
    Some((utf16(bytes.get(begin..end)?), end))
}

/// UTF-16 with the low byte first, up to a zero.
pub fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
