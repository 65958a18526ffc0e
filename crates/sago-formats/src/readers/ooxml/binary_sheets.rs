//! Sheets in binary form, `.xlsb` (MS-XLSB): the same parts as in SpreadsheetML, each a stream of records.

use std::io::Read;

use crate::document::{BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::limits::Limits;
use crate::readers::flow::Flow;
use crate::readers::little;
use crate::readers::package::{Package, told};
use crate::source::Stop;

use super::numbers::{HiddenColumns, NumberFormat};
use super::relations::{of_kind, relations, targets};
use super::sheets::{Listed, Shared, around, kept};

/// Records that are read (MS-XLSB 2.3).
const ROW: u16 = 0;
const CELL_RK: u16 = 2;
const CELL_ERROR: u16 = 3;
const CELL_BOOL: u16 = 4;
const CELL_REAL: u16 = 5;
const CELL_TEXT: u16 = 6;
const CELL_SHARED: u16 = 7;
const FORMULA_TEXT: u16 = 8;
const FORMULA_NUMBER: u16 = 9;
const FORMULA_BOOL: u16 = 10;
const FORMULA_ERROR: u16 = 11;
const SHARED_ITEM: u16 = 19;
const CELL_RICH: u16 = 62;
const NAME: u16 = 39;
const FORMAT: u16 = 44;
const XF: u16 = 47;
const COLUMN: u16 = 60;
const WORKBOOK: u16 = 153;
const SHEET: u16 = 156;
const BEGIN_CELL_XFS: u16 = 617;
const END_CELL_XFS: u16 = 618;
const HEADER_FOOTER: u16 = 479;
const BEGIN_COMMENT: u16 = 635;
const COMMENT_TEXT: u16 = 637;

/// Reads the workbook.
pub(super) fn read(package: &mut Package<'_, '_>, main: &str, limits: &Limits, sink: &mut dyn Sink) -> Result<(), Stop> {
    let nesting = limits.nesting;
    let parts = relations(package, main, nesting, sink)?;
    let by_id = targets(&parts);
    let mut sheets = Vec::new();
    let mut shared = Shared::default();
    records(package, main, limits, sink, &mut |tag, bytes, sink| {
        match tag {
            WORKBOOK => shared.is_1904 = bytes.first().is_some_and(|flags| flags & 1 == 1),
            SHEET => {
                // Files of the first trial versions have four bytes more in front.
                let listed = [8, 12].into_iter().filter_map(|at| string(bytes, at)).find(|(id, _)| by_id.contains_key(id.as_str()));
                let (id, end) = listed.or_else(|| string(bytes, 8)).unwrap_or_default();
                let (name, _) = string(bytes, end).unwrap_or_default();
                sheets.push(Listed { name, id, is_hidden: u32_at(bytes, 0) != 0 });
            }
            NAME => {
                if let Some((name, _)) = string(bytes, 9) {
                    sink.property("xlsx:defined_name", name)?;
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    for name in of_kind(&parts, "sharedStrings") {
        let (mut held, mut left_out) = (0_u64, 0_u64);
        records(package, name, limits, sink, &mut |tag, bytes, _| {
            if tag == SHARED_ITEM {
                let text = string(bytes, 1).map(|(text, _)| text).unwrap_or_default();
                held += text.len() as u64 + size_of::<Box<str>>() as u64;
                if held <= limits.memory_bytes { shared.strings.push(text.into()) } else { left_out += 1 }
            }
            Ok(())
        })?;
        if left_out > 0 {
            sink.finding(Finding::new(Code::LimitMemory, format!("{left_out} texts of cells were left out.")).at(name))?;
        }
    }
    for name in of_kind(&parts, "styles") {
        let mut codes = std::collections::HashMap::new();
        let mut is_cells = false;
        records(package, name, limits, sink, &mut |tag, bytes, _| {
            match tag {
                FORMAT => {
                    codes.insert(u16_at(bytes, 0), NumberFormat::of_code(&string(bytes, 2).unwrap_or_default().0));
                }
                BEGIN_CELL_XFS => is_cells = true,
                END_CELL_XFS => is_cells = false,
                XF if is_cells => {
                    let id = u16_at(bytes, 2);
                    shared.formats.push(codes.get(&id).copied().unwrap_or_else(|| NumberFormat::built_in(u32::from(id))));
                }
                _ => {}
            }
            Ok(())
        })?;
    }
    for listed in &sheets {
        sink.property("sheet", listed.name.clone())?;
        match by_id.get(listed.id.as_str()).and_then(|name| Some((*name, package.find(name)?))) {
            // Listed twice; it was told.
            Some((_, index)) if package.is_seen(index) => {}
            Some((name, _)) => {
                sheet(package, name, listed, &shared, limits, sink)?;
                let own = relations(package, name, nesting, sink)?;
                for name in of_kind(&own, "comments") {
                    comments(package, name, &listed.name, limits, sink)?;
                }
                around(package, name, &listed.name, nesting, sink)?;
            }
            None => sink.finding(Finding::new(Code::ChildMissing, "A sheet is listed and not there.").at(listed.name.clone()))?,
        }
    }
    kept(package, nesting, sink)
}

fn sheet(package: &mut Package<'_, '_>, name: &str, listed: &Listed, shared: &Shared, limits: &Limits, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut flow = Flow::of_part(listed.name.clone());
    if listed.is_hidden {
        flow.enter(BlockKind::Hidden);
        sink.finding(Finding::new(Code::Hidden, "The sheet is hidden.").at(listed.name.clone()))?;
    }
    let (mut row, mut is_row_hidden, mut has_hidden, mut unknown) = (0, false, false, 0_u64);
    let mut hidden_columns = HiddenColumns::default();
    records(package, name, limits, sink, &mut |tag, bytes, sink| {
        let style = (u32_at(bytes, 4) & 0x00FF_FFFF) as usize;
        let text = match tag {
            ROW => {
                row = u32_at(bytes, 0).saturating_add(1);
                is_row_hidden = bytes.get(11).is_some_and(|flags| flags & 0x10 != 0);
                return Ok(());
            }
            COLUMN if u16_at(bytes, 16) & 1 == 1 => {
                hidden_columns.add(u32_at(bytes, 0).saturating_add(1), u32_at(bytes, 4).saturating_add(1));
                return Ok(());
            }
            HEADER_FOOTER => {
                let mut at = 2;
                while let Some((text, end)) = string(bytes, at) {
                    flow.tell(BlockKind::Margin, &super::sheets::header_text(&text), sink)?;
                    at = end;
                }
                return Ok(());
            }
            CELL_RK => shared.text("n", &rk(u32_at(bytes, 8)).to_string(), style),
            CELL_REAL | FORMULA_NUMBER => {
                shared.text("n", &f64::from_bits(u64::from(u32_at(bytes, 8)) | u64::from(u32_at(bytes, 12)) << 32).to_string(), style)
            }
            CELL_BOOL | FORMULA_BOOL => shared.text("b", if bytes.get(8) == Some(&1) { "1" } else { "0" }, style),
            CELL_ERROR | FORMULA_ERROR => Some(error(bytes.get(8).copied().unwrap_or(0)).to_owned()),
            CELL_TEXT | FORMULA_TEXT => string(bytes, 8).map(|(text, _)| text),
            CELL_RICH => string(bytes, 9).map(|(text, _)| text),
            CELL_SHARED => shared.strings.get(u32_at(bytes, 8) as usize).map(ToString::to_string),
            _ => return Ok(()),
        };
        let column = u32_at(bytes, 0).saturating_add(1);
        let is_hidden = is_row_hidden || hidden_columns.has(column);
        has_hidden |= is_hidden;
        match text {
            Some(text) => {
                flow.enter_cell(row, column);
                flow.tell(if is_hidden { BlockKind::Hidden } else { BlockKind::Cell }, &text, sink)?;
                flow.leave();
            }
            None => unknown += 1,
        }
        Ok(())
    })?;
    if has_hidden {
        sink.finding(Finding::new(Code::Hidden, "The sheet has hidden rows or columns with content.").at(listed.name.clone()))?;
    }
    if unknown > 0 {
        sink.finding(Finding::new(Code::PartDamaged, format!("{unknown} cells have texts that are not in the file.")).at(listed.name.clone()))?;
    }
    Ok(())
}

fn comments(package: &mut Package<'_, '_>, name: &str, sheet: &str, limits: &Limits, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut flow = Flow::of_part(sheet);
    flow.enter(BlockKind::Comment);
    let mut cell = (1, 1);
    records(package, name, limits, sink, &mut |tag, bytes, sink| {
        match tag {
            BEGIN_COMMENT => cell = (u32_at(bytes, 4).saturating_add(1), u32_at(bytes, 12).saturating_add(1)),
            COMMENT_TEXT => {
                if let Some((text, _)) = string(bytes, 1) {
                    flow.enter_cell(cell.0, cell.1);
                    flow.tell(BlockKind::Comment, &text, sink)?;
                    flow.leave();
                }
            }
            _ => {}
        }
        Ok(())
    })
}

/// Two bytes as a number; zero when the record ends before them.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    little::u16_at(bytes, at).unwrap_or(0)
}

/// Four bytes as a number; zero when the record ends before them.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    little::u32_at(bytes, at).unwrap_or(0)
}

type Handler<'h> = &'h mut dyn FnMut(u16, &[u8], &mut dyn Sink) -> Result<(), Stop>;

/// Goes through the records of a part: kind in one or two bytes, length in one to four, seven bits each (2.1.4).
fn records(package: &mut Package<'_, '_>, name: &str, limits: &Limits, sink: &mut dyn Sink, handler: Handler<'_>) -> Result<(), Stop> {
    let Some(index) = package.find(name) else { return Ok(()) };
    let bytes = match package.stream(index) {
        Ok(bytes) => bytes,
        Err(finding) => return sink.finding(finding),
    };
    let mut bytes = std::io::BufReader::new(bytes);
    let mut record = Vec::new();
    loop {
        let header = match number(&mut bytes, 2).and_then(|tag| Ok((tag, if tag.is_some() { number(&mut bytes, 4)? } else { None }))) {
            Ok((Some(tag), Some(length))) => (tag, length),
            Ok((None, _)) => return Ok(()),
            Ok((Some(_), None)) => return sink.finding(Finding::new(Code::Truncated, "The last record has no length.").at(name)),
            Err(error) => return sink.finding(told(error, name)?),
        };
        let length = u64::from(header.1);
        if length > limits.memory_bytes {
            return sink.finding(Finding::new(Code::LimitMemory, format!("A record has {length} bytes; what follows it was not read.")).at(name));
        }
        record.clear();
        if let Err(error) = bytes.by_ref().take(length).read_to_end(&mut record) {
            return sink.finding(told(error, name)?);
        }
        let is_cut = (record.len() as u64) < length;
        handler(u16::try_from(header.0).unwrap_or(u16::MAX), &record, sink)?;
        if is_cut {
            return sink.finding(Finding::new(Code::Truncated, "The last record is cut off.").at(name));
        }
    }
}

/// A number of so many bytes at most; nothing at the end of the part.
fn number(bytes: &mut impl Read, most: u32) -> std::io::Result<Option<u32>> {
    let mut value = 0;
    for at in 0..most {
        let mut byte = [0];
        if bytes.read(&mut byte)? == 0 {
            return Ok(None);
        }
        value |= u32::from(byte[0] & 0x7F) << (7 * at);
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    Ok(Some(value))
}

/// A text with its length in letters in front, and where it ends (2.5.168).
fn string(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let count = (bytes.len() >= at.checked_add(4)?).then(|| u32_at(bytes, at) as usize)?;
    let begin = at + 4;
    // A text that is absent.
    if count == u32::MAX as usize {
        return Some((String::new(), begin));
    }
    let end = begin.checked_add(count.checked_mul(2)?)?;
    let units = bytes.get(begin..end)?.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    Some((char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(), end))
}

/// A number in four bytes (2.5.122).
fn rk(bits: u32) -> f64 {
    let number = if bits & 2 != 0 { f64::from((bits as i32) >> 2) } else { f64::from_bits(u64::from(bits & 0xFFFF_FFFC) << 32) };
    if bits & 1 != 0 { number / 100.0 } else { number }
}

fn error(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0F => "#VALUE!",
        0x17 => "#REF!",
        0x1D => "#NAME?",
        0x24 => "#NUM!",
        0x2A => "#N/A",
        _ => "#ERROR",
    }
}
