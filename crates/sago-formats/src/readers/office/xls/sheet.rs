//! A sheet: its cells, remarks, text boxes, margins, links and the labels of its charts.

use std::collections::HashMap;

use super::book::Book;
use super::number::show;
use super::records::Record;
use crate::document::{Anchor, BlockKind};
use crate::readers::little::{f64_at, size_at, slice, u16_at, u32_at, utf16};
use crate::source::Stop;

/// The class of addresses in links, which stands before each.
const ADDRESS: [u8; 16] = [0xe0, 0xc9, 0xea, 0x79, 0xf9, 0xba, 0xce, 0x11, 0x8c, 0x82, 0x00, 0xaa, 0x00, 0x4b, 0xa9, 0x0b];

/// A sheet while its records come.
pub(super) struct Sheet {
    pub name: String,
    /// The cell of the last formula, whose text follows it.
    formula: Option<(u32, u32)>,
    /// Number of the last object, and whether it is a remark.
    object: Option<(u16, bool)>,
    /// Texts of remarks by the number of their object.
    remarks: HashMap<u16, String>,
    /// Cell, author and object of remarks.
    notes: Vec<((u32, u32), String, u16)>,
    drawing: Vec<u8>,
    has_hidden: bool,
}

impl Sheet {
    pub(super) fn new(name: String) -> Self {
        Self { name, formula: None, object: None, remarks: HashMap::new(), notes: Vec::new(), drawing: Vec::new(), has_hidden: false }
    }

    fn anchor(&self, cell: Option<(u32, u32)>) -> Anchor {
        Anchor { part: Some(self.name.clone()), cell, ..Anchor::default() }
    }

    fn cell(&self, place: (u32, u32), text: String, book: &mut Book<'_>) -> Result<(), Stop> {
        book.blocks.give(BlockKind::Cell, self.anchor(Some(place)), text)
    }

    pub(super) fn record(&mut self, record: &Record<'_>, book: &mut Book<'_>, is_chart: bool) -> Result<(), Stop> {
        let body = record.body();
        let place = || Some((u32::from(u16_at(body, 0)?) + 1, u32::from(u16_at(body, 2)?) + 1));
        match record.kind {
            0x100d => {
                let mut reader = record.reader(2);
                let text = book.short(&mut reader).unwrap_or_default();
                return book.blocks.give(BlockKind::Caption, self.anchor(None), text);
            }
            0x0014 | 0x0015 => return self.margin(record, book),
            0x005d => self.object = u16_at(body, 4).zip(u16_at(body, 6)).map(|(kind, id)| (id, kind == 0x19)),
            0x01b6 => return self.text_box(record, book),
            0x00ec => self.drawing.extend(record.joined()),
            // A chart repeats the numbers of its cells.
            _ if is_chart => {}
            0x0208 => self.has_hidden |= u16_at(body, 12).is_some_and(|flags| flags & 0x20 != 0),
            0x007d => self.has_hidden |= u16_at(body, 8).is_some_and(|flags| flags & 1 != 0),
            0x001c => self.note(record, book)?,
            0x01b8 => self.link(record, book)?,
            0x0207 | 0x0007 => {
                if let Some(cell) = self.formula.take() {
                    let mut reader = record.reader(0);
                    let text = if book.version == 2 { book.short(&mut reader) } else { book.long(&mut reader) };
                    self.cell(cell, text.unwrap_or_default(), book)?;
                }
            }
            _ => {
                if let Some(place) = place() {
                    self.value(record, place, book)?;
                }
            }
        }
        Ok(())
    }

    /// Records that hold the value of one cell or of a run of cells.
    fn value(&mut self, record: &Record<'_>, place: (u32, u32), book: &mut Book<'_>) -> Result<(), Stop> {
        let body = record.body();
        // Excel 2 has three bytes of looks where later ones have the number of a format.
        let (at, format) = if book.version == 2 { (7, body.get(4).map_or(0, |format| u16::from(format & 0x3f))) } else { (6, u16_at(body, 4).unwrap_or(0)) };
        let text = match record.kind {
            0x00fd => size_at(body, 6).and_then(|index| book.strings.get(index)).cloned(),
            0x0204 | 0x00d6 | 0x0004 => {
                let mut reader = record.reader(at);
                if book.version == 2 { book.short(&mut reader) } else { book.long(&mut reader) }
            }
            0x0203 | 0x0003 => f64_at(body, at).map(|value| show(value, book.look(format), book.is_1904)),
            0x0002 => u16_at(body, at).map(|value| show(f64::from(value), book.look(format), book.is_1904)),
            0x027e => u32_at(body, 6).map(|value| show(packed(value), book.look(format), book.is_1904)),
            0x0205 | 0x0005 => body.get(at).zip(body.get(at + 1)).map(|(value, is_error)| truth(*value, *is_error == 1)),
            0x0006 | 0x0206 | 0x0406 => self.formula(body, at, format, place, book),
            0x00bd => {
                let count = body.len().saturating_sub(6) / 6;
                for index in 0..count {
                    let (Some(format), Some(value)) = (u16_at(body, 4 + 6 * index), u32_at(body, 6 + 6 * index)) else { break };
                    let column = place.1.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
                    self.cell((place.0, column), show(packed(value), book.look(format), book.is_1904), book)?;
                }
                None
            }
            _ => None,
        };
        text.map_or(Ok(()), |text| self.cell(place, text, book))
    }

    /// The result of a formula; a text follows in a record of its own.
    fn formula(&mut self, body: &[u8], at: usize, format: u16, place: (u32, u32), book: &Book<'_>) -> Option<String> {
        let result = slice(body, at, 8)?;
        self.formula = None;
        if result[6..] != [0xff, 0xff] {
            return Some(show(f64_at(result, 0)?, book.look(format), book.is_1904));
        }
        match result[0] {
            0 => {
                self.formula = Some(place);
                None
            }
            1 => Some(truth(result[2], false)),
            2 => Some(truth(result[2], true)),
            _ => None,
        }
    }

    fn margin(&self, record: &Record<'_>, book: &mut Book<'_>) -> Result<(), Stop> {
        if record.body().is_empty() {
            return Ok(());
        }
        let mut reader = record.reader(0);
        let text = if book.version == 8 { book.long(&mut reader) } else { book.short(&mut reader) };
        book.blocks.give(BlockKind::Margin, self.anchor(None), margin_text(&text.unwrap_or_default()))
    }

    fn text_box(&mut self, record: &Record<'_>, book: &mut Book<'_>) -> Result<(), Stop> {
        let count = u16_at(record.body(), 10).map_or(0, usize::from);
        if count == 0 || record.pieces.len() < 2 {
            return Ok(());
        }
        let rest = Record { kind: record.kind, offset: record.offset, pieces: record.pieces[1..].to_vec() };
        let is_wide = rest.body().first().is_some_and(|flags| flags & 1 == 1);
        let text = rest.reader(1).letters(count, is_wide).unwrap_or_default();
        match self.object {
            Some((id, true)) => {
                self.remarks.insert(id, text);
                Ok(())
            }
            _ => book.blocks.give(BlockKind::Paragraph, self.anchor(None), text),
        }
    }

    fn note(&mut self, record: &Record<'_>, book: &mut Book<'_>) -> Result<(), Stop> {
        let body = record.body();
        let Some(place) = u16_at(body, 0).zip(u16_at(body, 2)).map(|(row, column)| (u32::from(row) + 1, u32::from(column) + 1)) else { return Ok(()) };
        if book.version == 8 {
            let author = book.long(&mut record.reader(8)).unwrap_or_default();
            self.notes.push((place, author, u16_at(body, 6).unwrap_or(0)));
            return Ok(());
        }
        let text = book.page.decode(body.get(6..).unwrap_or_default()).text;
        // A long remark goes on in records whose row is 65536.
        let anchor = if place.0 == 0x1_0000 { self.anchor(None) } else { self.anchor(Some(place)) };
        book.blocks.give(BlockKind::Comment, anchor, text)
    }

    fn link(&self, record: &Record<'_>, book: &mut Book<'_>) -> Result<(), Stop> {
        let bytes = record.joined();
        let place = u16_at(&bytes, 0).zip(u16_at(&bytes, 4)).map(|(row, column)| (u32::from(row) + 1, u32::from(column) + 1));
        let Some(at) = bytes.windows(16).skip(16).position(|window| window == ADDRESS).map(|at| at + 32) else { return Ok(()) };
        let text = size_at(&bytes, at).and_then(|length| slice(&bytes, at + 4, length)).map(utf16).unwrap_or_default();
        let address = text.split('\0').next().unwrap_or_default().to_owned();
        book.blocks.give(BlockKind::Caption, self.anchor(place), address)
    }

    /// Tells what waits for the end; whether rows or columns are hidden.
    pub(super) fn finish(mut self, book: &mut Book<'_>) -> Result<bool, Stop> {
        for (place, author, id) in std::mem::take(&mut self.notes) {
            let text = self.remarks.remove(&id).unwrap_or_default();
            // Programs write the author before the remark; where they do not, it is told with it.
            let text = if author.is_empty() || text.starts_with(&author) || text.is_empty() { text } else { format!("{author}: {text}") };
            book.blocks.give(BlockKind::Comment, self.anchor(Some(place)), text)?;
        }
        let mut rest: Vec<_> = self.remarks.drain().collect();
        rest.sort();
        for (_, text) in rest {
            book.blocks.give(BlockKind::Comment, self.anchor(None), text)?;
        }
        book.draw(&self.drawing);
        Ok(self.has_hidden)
    }
}

/// A number in thirty bits (MS-XLS 2.5.217).
fn packed(raw: u32) -> f64 {
    let value = if raw & 2 != 0 { f64::from((raw as i32) >> 2) } else { f64::from_bits(u64::from(raw & 0xffff_fffc) << 32) };
    if raw & 1 != 0 { value / 100.0 } else { value }
}

fn truth(value: u8, is_error: bool) -> String {
    let text = match (is_error, value) {
        (false, 0) => "FALSE",
        (false, _) => "TRUE",
        (true, 0x00) => "#NULL!",
        (true, 0x07) => "#DIV/0!",
        (true, 0x0f) => "#VALUE!",
        (true, 0x17) => "#REF!",
        (true, 0x1d) => "#NAME?",
        (true, 0x24) => "#NUM!",
        (true, _) => "#N/A",
    };
    text.to_owned()
}

/// A margin's text without the marks of its looks; its three parts are lines.
fn margin_text(code: &str) -> String {
    let mut text = String::new();
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '&' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('&') => text.push('&'),
            Some('L' | 'C' | 'R') if text.is_empty() => {}
            Some('L' | 'C' | 'R') => text.push('\n'),
            Some('"') => while letters.next().is_some_and(|letter| letter != '"') {},
            Some(digit) if digit.is_ascii_digit() => while letters.next_if(char::is_ascii_digit).is_some() {},
            Some('K') => (0..6).for_each(|_| {
                letters.next_if(char::is_ascii_hexdigit);
            }),
            // Bold, italic, underlined, struck, raised, lowered, outlined, shadowed.
            Some('B' | 'I' | 'U' | 'E' | 'S' | 'X' | 'Y' | 'O' | 'H') | None => {}
            // Page, count, date, time, file, sheet: they stay as they are written.
            Some(other) => text.extend(['&', other]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{margin_text, packed};

    #[test]
    fn margins_and_packed_numbers_are_read() {
        assert_eq!(margin_text("&L&\"Arial,Bold\"&12left&CR && D&Rpage &P"), "left\nR & D\npage &P");
        assert_eq!(packed(0x3ff0_0000), 1.0);
        assert_eq!(packed(3 | 12345 << 2), 123.45);
        assert_eq!(packed(2 | ((-5_i32) << 2) as u32), -5.0);
    }
}
