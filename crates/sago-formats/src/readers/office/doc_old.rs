//! Word before 97, outside compound files (Word 2) or in them (Word 6 and 95), and Windows Write. Text and its parts are read, not looks.

use super::blocks::Blocks;
use super::doc::{Part, parts, tell_parts};
use super::doc_looks::Runs;
use crate::document::{Anchor, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::readers::codepage::CodePage;
use crate::readers::little::{size_at, slice, u16_at, u32_at};
use crate::source::Stop;

/// Reads the main stream of Word 2, 6 or 95; how many blocks there were, nothing when it is encrypted.
pub(super) fn read(main: &[u8], sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let flags = u16_at(main, 0x0a).unwrap_or(0);
    if flags & 0x0100 != 0 {
        sink.finding(Finding::new(Code::Encrypted, "The document is encrypted by the old method of Word."))?;
        return Ok(None);
    }
    let language = u32::from(u16_at(main, 6).unwrap_or(0));
    let page = match u16_at(main, 0x14) {
        Some(0x100) => CodePage::by_number(10000),
        _ => CodePage::by_language(language),
    };
    let page = page.unwrap_or(CodePage::WESTERN);
    let start = size_at(main, 0x18).unwrap_or(0);
    let lengths: Vec<u32> = (0..8).map(|index| u32_at(main, 0x34 + 4 * index).unwrap_or(0)).collect();
    let mut pieces = Vec::new();
    let is_word_6 = main.first() == Some(&0xdc);
    if flags & 4 != 0 && is_word_6 {
        let table = size_at(main, 0x160).zip(size_at(main, 0x164)).and_then(|(at, length)| slice(main, at, length)).unwrap_or_default();
        for piece in super::doc::pieces(table) {
            pieces.push((piece.count, slice(main, piece.raw as usize & 0x3fff_ffff, piece.count as usize)));
        }
    }
    if pieces.is_empty() {
        let end = size_at(main, 0x1c).unwrap_or(main.len()).clamp(start.min(main.len()), main.len());
        let bytes = main.get(start..end);
        pieces.push((u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX), bytes));
    }
    let mut letters: Vec<u8> = Vec::new();
    for (count, bytes) in pieces {
        match bytes {
            Some(bytes) => letters.extend_from_slice(bytes),
            None => sink.finding(Finding::new(Code::PartDamaged, format!("{count} characters lie outside the file.")))?,
        }
    }
    // Positions count bytes, so the parts are cut before they are decoded.
    let mut split: Vec<Part> = Vec::new();
    let mut at = 0;
    for part in parts(&lengths) {
        let end = (at + part.count as usize).min(letters.len());
        let decoded = page.decode(&letters[at..end]);
        at = end;
        let text: Vec<(u16, u32)> = decoded.text.encode_utf16().map(|unit| (unit, 0)).collect();
        split.push(Part { letters: text, ..part });
    }
    let mut blocks = Blocks::new(sink);
    let (mut looks, mut shapes) = (Runs::none(), Runs::none());
    tell_parts(split, &mut looks, &mut shapes, &mut blocks, &mut |_, _| Ok(()))?;
    blocks.finish().map(Some)
}

/// Reads Windows Write: text from byte 128 to the place that the header names.
pub(super) fn read_write(bytes: &[u8], sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let end = size_at(bytes, 0x0e).unwrap_or(0).clamp(128.min(bytes.len()), bytes.len());
    let text = CodePage::WESTERN.decode(bytes.get(128..end).unwrap_or_default()).text;
    if u16_at(bytes, 0) == Some(0xbe32) {
        sink.finding(Finding::new(Code::Feature, "Objects in the text were not taken out."))?;
    }
    let mut blocks = Blocks::new(sink);
    for line in text.split("\r\n") {
        blocks.give(BlockKind::Paragraph, Anchor::default(), line.to_owned())?;
    }
    blocks.finish().map(Some)
}
