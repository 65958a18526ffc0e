//! Excel 2 to 2003 (MS-XLS and its forerunners): sheets, shared strings, results of formulas, remarks, text boxes, margins, charts' labels, pictures.

mod book;
mod number;
mod records;
mod sheet;

use super::blocks::Blocks;
use crate::document::{Anchor, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::readers::compound::{Compound, EntryKind};
use crate::source::Stop;

/// Reads the workbook in a compound file; how many blocks there were, nothing when it is encrypted.
pub(super) fn read(compound: &Compound, name: &str, sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let mut findings = Vec::new();
    let stream = compound.read(name, &mut findings).unwrap_or_default();
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    let given = read_stream(&stream, sink)?;
    if let Some(caches) = compound.find(0, "_SX_DB_CUR") {
        pivot_caches(compound, caches, sink)?;
    }
    super::tell_objects(compound, 0, sink)?;
    Ok(given)
}

/// Reads the records of a workbook or of a sheet that is a file of its own.
pub(super) fn read_stream(stream: &[u8], sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let mut book = book::Book::new(Blocks::new(sink));
    let mut records = records::Records::new(stream);
    for record in records.by_ref() {
        if !book.record(&record)? {
            return Ok(None);
        }
    }
    if records.is_cut {
        book.blocks.sink.finding(Finding::new(Code::Truncated, "The last record is not whole."))?;
    }
    book.finish().map(Some)
}

/// Texts that pivot tables keep of their sources, which need not be in any sheet.
fn pivot_caches(compound: &Compound, caches: usize, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut blocks = Blocks::new(sink);
    for child in &compound.entry(caches).children {
        if compound.entry(*child).kind != EntryKind::Stream {
            continue;
        }
        let stream = compound.stream(*child).bytes;
        for record in records::Records::new(&stream).filter(|record| record.kind == 0x00cd) {
            let mut reader = record.reader(0);
            let text = reader.u16().and_then(|count| reader.string(usize::from(count)));
            let anchor = Anchor { part: Some(format!("pivot cache {}", compound.entry(*child).name)), ..Anchor::default() };
            blocks.give(BlockKind::Hidden, anchor, text.unwrap_or_default())?;
        }
    }
    blocks.finish().map(|_| ())
}

#[cfg(test)]
mod tests;
