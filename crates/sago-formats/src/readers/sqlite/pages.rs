//! Pages and B-trees of SQLite (file format 1.6): tables by row id, and tables without one, which lie in an index.

use std::collections::HashSet;
use std::io;

use super::record::{Encoding, Value, values, varint};
use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::limits::Limits;
use crate::source::{Source, Stop};

/// One row.
pub(super) struct Row {
    pub(super) id: Option<i64>,
    pub(super) values: Vec<Value>,
}

pub(super) struct Pages<'a, 'b> {
    source: &'a mut Source<'b>,
    size: usize,
    usable: usize,
    encoding: Encoding,
    most: u64,
}

/// What is done with each row.
type Each<'e> = &'e mut dyn FnMut(Row, &mut dyn Sink) -> Result<(), Stop>;

impl<'a, 'b> Pages<'a, 'b> {
    pub(super) fn open(source: &'a mut Source<'b>, head: &[u8], limits: &Limits) -> Option<Self> {
        let size = match u16::from_be_bytes([*head.get(16)?, *head.get(17)?]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = size.checked_sub(usize::from(*head.get(20)?))?;
        if !size.is_power_of_two() || size < 512 || usable < 480 {
            return None;
        }
        let encoding = match head.get(59)? {
            2 => Encoding::Utf16Le,
            3 => Encoding::Utf16Be,
            _ => Encoding::Utf8,
        };
        Some(Self { source, size, usable, encoding, most: limits.memory_bytes })
    }

    pub(super) fn count(&self) -> u64 {
        self.source.size_bytes() / self.size as u64
    }

    fn page(&mut self, number: u32) -> io::Result<Vec<u8>> {
        self.source.at((u64::from(number).saturating_sub(1)) * self.size as u64, self.size)
    }

    /// Goes through the rows of a B-tree in order. Each page is seen once; damaged ones are told and passed over.
    pub(super) fn walk(&mut self, root: u32, sink: &mut dyn Sink, each: Each<'_>) -> Result<(), Stop> {
        let mut seen = HashSet::new();
        let mut pending = vec![Step::Page(root)];
        while let Some(step) = pending.pop() {
            let number = match step {
                Step::Page(number) => number,
                Step::Row(row) => {
                    each(row, sink)?;
                    continue;
                }
            };
            let bytes = self.page(number)?;
            let is_again = !seen.insert(number);
            if is_again || bytes.len() < self.size || self.one(number, &bytes, &mut pending, sink, each)?.is_none() {
                let text = if is_again { "It is named twice." } else { "It makes no sense; its rows are missing." };
                sink.finding(Finding::new(Code::PartDamaged, text).at(format!("page {number}")))?;
            }
        }
        Ok(())
    }

    fn one(&mut self, number: u32, bytes: &[u8], pending: &mut Vec<Step>, sink: &mut dyn Sink, each: Each<'_>) -> Result<Option<()>, Stop> {
        let start = if number == 1 { 100 } else { 0 };
        let head = &bytes[start..];
        let kind = head[0];
        let cells = usize::from(u16::from_be_bytes([head[3], head[4]]));
        let pointers_at = start + if matches!(kind, 2 | 5) { 12 } else { 8 };
        let Some(pointers) = bytes.get(pointers_at..pointers_at + cells * 2).filter(|_| matches!(kind, 2 | 5 | 10 | 13)) else { return Ok(None) };
        let mut steps = Vec::new();
        let mut damaged = 0;
        for pointer in pointers.chunks_exact(2) {
            let cell = bytes.get(usize::from(u16::from_be_bytes([pointer[0], pointer[1]]))..).unwrap_or_default();
            let child = cell.first_chunk().map(|chunk| u32::from_be_bytes(*chunk));
            if matches!(kind, 2 | 5) {
                match child {
                    Some(child) => steps.push(Step::Page(child)),
                    None => damaged += 1,
                }
            }
            let row = match kind {
                5 => continue,
                2 => self.row(cell.get(4..).unwrap_or_default(), false)?,
                10 => self.row(cell, false)?,
                _ => self.row(cell, true)?,
            };
            match row {
                // Leaves are told at once: rows may be large.
                Some(row) if kind == 13 || kind == 10 => each(row, sink)?,
                Some(row) => steps.push(Step::Row(row)),
                None => damaged += 1,
            }
        }
        if matches!(kind, 2 | 5) {
            steps.push(Step::Page(u32::from_be_bytes([head[8], head[9], head[10], head[11]])));
        }
        pending.extend(steps.into_iter().rev());
        if damaged > 0 {
            sink.finding(Finding::new(Code::PartDamaged, format!("{damaged} of its {cells} rows could not be read.")).at(format!("page {number}")))?;
        }
        Ok(Some(()))
    }

    /// A cell's record; `is_table` when a row id stands before it.
    fn row(&mut self, cell: &[u8], is_table: bool) -> io::Result<Option<Row>> {
        let Some((size, mut place)) = varint(cell) else { return Ok(None) };
        let mut id = None;
        if is_table {
            let Some((own, length)) = cell.get(place..).and_then(varint) else { return Ok(None) };
            id = Some(own.cast_signed());
            place += length;
        }
        let Some(payload) = self.payload(cell.get(place..).unwrap_or_default(), size, is_table)? else { return Ok(None) };
        Ok(values(&payload, self.encoding).map(|values| Row { id, values }))
    }

    fn payload(&mut self, cell: &[u8], size: u64, is_table: bool) -> io::Result<Option<Vec<u8>>> {
        let usable = self.usable;
        let (Ok(total), true) = (usize::try_from(size), size <= self.most.min(self.source.size_bytes())) else { return Ok(None) };
        let most = if is_table { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
        let least = (usable - 12) * 32 / 255 - 23;
        let fitting = least + total.saturating_sub(least) % (usable - 4);
        let local = if total <= most {
            total
        } else if fitting <= most {
            fitting
        } else {
            least
        };
        let Some(own) = cell.get(..local) else { return Ok(None) };
        let mut payload = own.to_vec();
        let mut next = cell.get(local..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_be_bytes(*chunk));
        while payload.len() < total {
            if next == 0 {
                return Ok(None);
            }
            let page = self.page(next)?;
            let count = (total - payload.len()).min(usable - 4);
            let (Some(head), Some(more)) = (page.first_chunk(), page.get(4..4 + count)) else { return Ok(None) };
            payload.extend_from_slice(more);
            next = u32::from_be_bytes(*head);
        }
        Ok(Some(payload))
    }
}

enum Step {
    Page(u32),
    Row(Row),
}
