//! Word 97 to 2003 (MS-DOC): the pieces of its text, its parts, fields, hidden and deleted text, pictures and objects.

use std::collections::HashSet;

use super::blocks::Blocks;
use super::doc_looks::{Look, Runs, Shape, look, runs, shape};
use super::{doc_old, tell_objects};
use crate::document::{Anchor, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::readers::codepage::CodePage;
use crate::readers::compound::Compound;
use crate::readers::little::{size_at, slice, u16_at, u32_at, utf16};
use crate::readers::officeart::Art;
use crate::source::Stop;

/// Most pieces that are followed.
const MOST_PIECES: usize = 4_000_000;
/// Most characters of a document; Word itself ends at half of that.
const MOST_LETTERS: usize = 64 << 20;
/// Deepest fields in fields.
const DEEPEST_FIELDS: usize = 256;

/// A piece of the text: so many characters, and where they lie.
pub(super) struct Piece {
    pub count: u32,
    pub raw: u32,
}

/// A part of the text: what it is, and its characters with their offsets in the file.
pub(super) struct Part {
    pub kind: BlockKind,
    pub name: Option<&'static str>,
    pub count: u32,
    pub letters: Vec<(u16, u32)>,
}

/// Reads it; how many blocks there were, nothing when none could be read and that has been said.
pub(super) fn read(compound: &Compound, sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let mut findings = Vec::new();
    let main = compound.read("WordDocument", &mut findings).unwrap_or_default();
    findings.drain(..).try_for_each(|finding| sink.finding(finding))?;
    let given = match u16_at(&main, 0) {
        Some(0xa5ec) if u16_at(&main, 2).is_some_and(|version| version > 105) => read_97(compound, &main, sink)?,
        Some(0xa5dc | 0xa5db | 0xa5ec) => doc_old::read(&main, sink)?,
        _ => {
            sink.finding(Finding::new(Code::Damaged, "The header of the document is damaged."))?;
            None
        }
    };
    if let Some(pool) = compound.find(0, "ObjectPool") {
        tell_objects(compound, pool, sink)?;
    }
    Ok(given)
}

fn read_97(compound: &Compound, main: &[u8], sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let flags = u16_at(main, 0x0a).unwrap_or(0);
    if flags & 0x0100 != 0 {
        let method = if flags & 0x8000 != 0 { "by XOR" } else { "by RC4 or AES" };
        sink.finding(Finding::new(Code::Encrypted, format!("The document is encrypted {method}.")))?;
        return Ok(None);
    }
    let mut findings = Vec::new();
    let table_name = if flags & 0x0200 != 0 { "1Table" } else { "0Table" };
    let table = compound.read(table_name, &mut findings).unwrap_or_default();
    let data = compound.read("Data", &mut findings).unwrap_or_default();
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    let stored = |index: usize| -> &[u8] {
        let place = size_at(main, 0x9a + 8 * index).zip(size_at(main, 0x9e + 8 * index));
        place.and_then(|(at, length)| slice(&table, at, length)).unwrap_or_default()
    };
    let lengths: Vec<u32> = (0..8).map(|index| u32_at(main, 0x4c + 4 * index).unwrap_or(0)).collect();
    let mut list = pieces(stored(33));
    if list.is_empty() {
        // Without the table of pieces the text still lies where simple documents have it; which of the two widths it has, its zeros show.
        sink.finding(Finding::new(Code::PartDamaged, "The table of pieces is missing; the text is taken as it lies."))?;
        let start = u32_at(main, 0x18).unwrap_or(0);
        let head = main.get(start as usize..).unwrap_or_default();
        let is_wide = head.iter().take(512).filter(|byte| **byte == 0).count() > 64;
        let count: u32 = lengths.iter().fold(0, |sum, count| sum.saturating_add(*count));
        list.push(Piece { count, raw: if is_wide { start } else { start.saturating_mul(2) | 0x4000_0000 } });
    }
    let (mut letters, lost) = letters(main, &list);
    if lost > 0 {
        sink.finding(Finding::new(Code::PartDamaged, format!("{lost} characters lie outside the file, or beyond what a document may hold.")))?;
    }
    let mut looks = runs(main, stored(12), look);
    let mut shapes = runs(main, stored(13), shape);
    if looks.is_cut || shapes.is_cut {
        sink.finding(Finding::new(Code::LimitBlocks, "There are more runs than are followed: hidden text may be told as shown."))?;
    }
    let mut split = parts(&lengths);
    let starts: Vec<usize> = split.iter().scan(0_usize, |at, part| Some(std::mem::replace(at, at.saturating_add(part.count as usize)))).collect();
    let end = starts.last().map_or(0, |start| start.saturating_add(split.last().map_or(0, |part| part.count as usize)));
    letters.truncate(end);
    for (part, start) in split.iter_mut().zip(starts).rev() {
        part.letters = letters.split_off(start.min(letters.len()));
    }
    for author in authors(stored(36)) {
        sink.property("comment:author", author)?;
    }
    let mut art = Art::default();
    art.read(stored(50), main);
    // Behind the group of drawings, each drawing has a byte before it that says whose it is.
    let group = size_at(stored(50), 4).map_or(0, |length| length.saturating_add(8));
    let mut drawings = stored(50).get(group..).unwrap_or_default();
    while let Some(rest) = drawings.get(1..).filter(|rest| rest.len() > 8) {
        art.read(&rest[..rest.len().min(size_at(rest, 4).unwrap_or(0).saturating_add(8))], &[]);
        drawings = rest.get(size_at(rest, 4).unwrap_or(0).saturating_add(8)..).unwrap_or_default();
    }
    let mut blocks = Blocks::new(sink);
    let mut seen = HashSet::new();
    tell_parts(split, &mut looks, &mut shapes, &mut blocks, &mut |look, _| {
        if let Some(place) = look.picture.filter(|place| seen.insert(*place)).and_then(|place| usize::try_from(place).ok()) {
            picture(&data, place, &mut art);
        }
        Ok(())
    })?;
    for caption in art.captions.drain(..) {
        blocks.give(BlockKind::Caption, Anchor::default(), caption)?;
    }
    art.tell_pictures(blocks.sink)?;
    blocks.finish().map(Some)
}

/// A picture in the data stream: a header whose length it says, for linked ones a name, then a drawing.
fn picture(data: &[u8], place: usize, art: &mut Art) {
    let (Some(length), Some(header)) = (size_at(data, place), u16_at(data, place.saturating_add(4))) else { return };
    let Some(body) = place.checked_add(usize::from(header)).and_then(|start| data.get(start..)) else { return };
    let body = &body[..body.len().min(length.saturating_sub(usize::from(header)))];
    let name = if u16_at(data, place + 6) == Some(0x66) { 1 + body.first().map_or(0, |count| usize::from(*count)) } else { 0 };
    art.read(body.get(name..).unwrap_or_default(), &[]);
}

/// Names of those who wrote remarks.
fn authors(mut bytes: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(count) = u16_at(bytes, 0) {
        let Some(name) = slice(bytes, 2, usize::from(count) * 2) else { break };
        names.push(utf16(name));
        bytes = &bytes[2 + name.len()..];
    }
    names
}

/// The pieces of a table: before it stand changes that are jumped over (MS-DOC 2.9.38).
pub(super) fn pieces(mut table: &[u8]) -> Vec<Piece> {
    let mut found = Vec::new();
    while let Some(1) = table.first() {
        let Some(rest) = u16_at(table, 1).and_then(|length| table.get(3 + usize::from(length)..)) else { return found };
        table = rest;
    }
    if table.first() != Some(&2) {
        return found;
    }
    let length = size_at(table, 1).unwrap_or(0);
    let plan = table.get(5..).unwrap_or_default();
    let plan = &plan[..plan.len().min(length)];
    let count = (plan.len().saturating_sub(4) / 12).min(MOST_PIECES);
    for index in 0..count {
        let (Some(start), Some(end), Some(raw)) = (u32_at(plan, 4 * index), u32_at(plan, 4 * index + 4), u32_at(plan, 4 * (count + 1) + 8 * index + 2)) else {
            break;
        };
        if end > start {
            found.push(Piece { count: end - start, raw });
        }
    }
    found
}

/// The characters of all pieces with their offsets, and how many are not there. Each byte of the file is a letter of one piece only, so pieces together cannot be longer.
fn letters(main: &[u8], list: &[Piece]) -> (Vec<(u16, u32)>, u64) {
    let mut letters: Vec<(u16, u32)> = Vec::new();
    let mut lost = 0;
    for piece in list {
        let is_narrow = piece.raw & 0x4000_0000 != 0;
        let start = if is_narrow { (piece.raw & 0x3fff_ffff) / 2 } else { piece.raw & 0x3fff_ffff };
        let width = if is_narrow { 1 } else { 2 };
        let rest = main.get(start as usize..).unwrap_or_default();
        let there = (piece.count as usize).min(rest.len() / width);
        lost += u64::from(piece.count) - there as u64;
        if letters.len() + there > main.len().min(MOST_LETTERS) {
            lost += there as u64;
            continue;
        }
        let bytes = &rest[..there * width];
        if is_narrow {
            for (offset, byte) in (start..).zip(bytes) {
                letters.push((western(*byte), offset));
            }
        } else {
            letters.extend((start..).step_by(2).zip(bytes.chunks_exact(2)).map(|(offset, pair)| (u16::from_le_bytes([pair[0], pair[1]]), offset)));
        }
    }
    (letters, lost)
}

/// A letter of code page 1252; control characters keep their numbers.
fn western(byte: u8) -> u16 {
    match byte {
        0x80..=0x9f => CodePage::WESTERN.decode(&[byte]).text.encode_utf16().next().unwrap_or(u16::from(byte)),
        _ => u16::from(byte),
    }
}

/// The parts of a document by their lengths in the header.
pub(super) fn parts(lengths: &[u32]) -> Vec<Part> {
    let kinds = [
        (BlockKind::Paragraph, None),
        (BlockKind::Note, Some("footnotes")),
        (BlockKind::Margin, Some("headers and footers")),
        (BlockKind::Paragraph, Some("macros")),
        (BlockKind::Comment, Some("comments")),
        (BlockKind::Note, Some("endnotes")),
        (BlockKind::Paragraph, Some("text boxes")),
        (BlockKind::Margin, Some("text boxes of headers")),
    ];
    kinds.iter().zip(lengths).map(|((kind, name), count)| Part { kind: *kind, name: *name, count: *count, letters: Vec::new() }).collect()
}

/// Tells the parts. `special` is asked about each placeholder of a picture.
pub(super) fn tell_parts(
    split: Vec<Part>,
    looks: &mut Runs<Look>,
    shapes: &mut Runs<Shape>,
    blocks: &mut Blocks<'_>,
    special: &mut dyn FnMut(Look, u32) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut table = 0;
    for part in split {
        let mut writer =
            Writer { kind: part.kind, name: part.name, shown: Vec::new(), hidden: Vec::new(), fields: Vec::new(), table, row: 1, column: 0, was_cell: false };
        for (letter, offset) in &part.letters {
            let look = looks.at(*offset);
            match letter {
                0x01 | 0x08 => special(look, *offset)?,
                0x07 | 0x0d | 0x0c | 0x0e => writer.end(*letter, shapes.at(*offset), blocks)?,
                0x28 if look.symbol.is_some() => writer.put(look.symbol.unwrap_or(0x28), look),
                _ => writer.letter(*letter, look, blocks)?,
            }
        }
        writer.end(0x0d, Shape::default(), blocks)?;
        table = writer.table;
    }
    Ok(())
}

/// Gathers a paragraph.
struct Writer {
    kind: BlockKind,
    name: Option<&'static str>,
    shown: Vec<u16>,
    hidden: Vec<u16>,
    /// Open fields: their code, and whether it is still being read.
    fields: Vec<(Vec<u16>, bool)>,
    table: u32,
    row: u32,
    column: u32,
    was_cell: bool,
}

impl Writer {
    fn put(&mut self, letter: u16, look: Look) {
        // Codes of outer fields swallow inner ones with their results.
        if let Some((code, _)) = self.fields.iter_mut().find(|(_, is_code)| *is_code) {
            code.push(letter);
        } else if look.is_hidden {
            self.hidden.push(letter);
        } else {
            self.shown.push(letter);
        }
    }

    fn letter(&mut self, letter: u16, look: Look, blocks: &mut Blocks<'_>) -> Result<(), Stop> {
        match letter {
            0x13 if self.fields.len() < DEEPEST_FIELDS => self.fields.push((Vec::new(), true)),
            0x14 => {
                if let Some((code, is_code)) = self.fields.last_mut() {
                    *is_code = false;
                    let code = String::from_utf16_lossy(&std::mem::take(code));
                    self.link(&code, blocks)?;
                }
            }
            0x15 => {
                if let Some((code, true)) = self.fields.pop() {
                    let text = String::from_utf16_lossy(&code);
                    self.link(&text, blocks)?;
                    // Fields that have no result show their code: letters over letters, buttons.
                    if ["EQ", "MACROBUTTON", "QUOTE"].iter().any(|name| text.trim_start().to_ascii_uppercase().starts_with(name)) {
                        code.into_iter().for_each(|letter| self.put(letter, look));
                    }
                }
            }
            0x0b => self.put(0x0a, look),
            0x1e => self.put(0x2011, look),
            0x1f => self.put(0x00ad, look),
            // References of notes and remarks, separators, marks of drawings.
            0x00..=0x08 | 0x0f..=0x13 => {}
            _ => self.put(letter, look),
        }
        Ok(())
    }

    /// A link's address is text that the result need not show.
    fn link(&self, code: &str, blocks: &mut Blocks<'_>) -> Result<(), Stop> {
        let address = code.trim().strip_prefix("HYPERLINK").and_then(|code| code.split('"').nth(1)).filter(|address| address.contains(':'));
        address.map_or(Ok(()), |address| blocks.give(BlockKind::Caption, self.anchor(), address.to_owned()))
    }

    fn anchor(&self) -> Anchor {
        Anchor { part: self.name.map(str::to_owned), ..Anchor::default() }
    }

    fn end(&mut self, letter: u16, shape: Shape, blocks: &mut Blocks<'_>) -> Result<(), Stop> {
        let is_inside = letter != 0x07 && shape.is_in_table;
        if is_inside {
            // A paragraph within a cell.
            let text = if self.shown.is_empty() { &mut self.hidden } else { &mut self.shown };
            if !text.is_empty() {
                text.push(0x0a);
            }
            return Ok(());
        }
        let (shown, hidden) = (String::from_utf16_lossy(&std::mem::take(&mut self.shown)), String::from_utf16_lossy(&std::mem::take(&mut self.hidden)));
        let mut anchor = self.anchor();
        let mut kind = self.kind;
        if letter == 0x07 {
            if !self.was_cell {
                (self.table, self.row, self.column) = (self.table.saturating_add(1), 1, 0);
            }
            self.was_cell = true;
            if shape.is_row_end {
                (self.row, self.column) = (self.row.saturating_add(1), 0);
            } else {
                self.column = self.column.saturating_add(1);
                anchor.cell = Some((self.row, self.column));
            }
            let table = format!("table {}", self.table);
            anchor.part = Some(self.name.map_or_else(|| table.clone(), |name| format!("{name}, {table}")));
            kind = if kind == BlockKind::Paragraph { BlockKind::Cell } else { kind };
        } else {
            self.was_cell = false;
            if shape.is_heading && kind == BlockKind::Paragraph {
                kind = BlockKind::Heading;
            }
        }
        blocks.give(kind, anchor.clone(), shown)?;
        blocks.give(BlockKind::Hidden, anchor, hidden)
    }
}
