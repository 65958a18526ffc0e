//! How characters and paragraphs of a Word document look, as far as it says what they are: hidden, deleted, cells, headings (MS-DOC 2.9.32, 2.9.174, 2.6).

use crate::readers::little::{size_at, slice, u16_at, u32_at};

/// Pages of properties are this long.
const PAGE_BYTES: usize = 512;
/// Most runs that are kept.
const MOST_RUNS: usize = 4_000_000;

/// What a run of characters is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Hidden or deleted.
    pub is_hidden: bool,
    /// Where its picture lies in the data stream.
    pub picture: Option<u32>,
    /// A letter of a symbol font that stands for the character.
    pub symbol: Option<u16>,
}

/// What a paragraph is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// A heading.
    pub is_heading: bool,
    /// The end of a table's row.
    pub is_row_end: bool,
    /// In a table.
    pub is_in_table: bool,
}

/// Runs by their beginning in the file; a run reaches to the next.
#[derive(Debug)]
pub(super) struct Runs<T> {
    runs: Vec<(u32, u32, T)>,
    /// Whether there were more than are kept.
    pub is_cut: bool,
    last: usize,
}

impl<T: Copy + Default> Runs<T> {
    /// No runs at all: everything looks plain.
    pub(super) fn none() -> Self {
        Self { runs: Vec::new(), is_cut: false, last: 0 }
    }

    /// What stands at an offset of the file. Quick when asked in rising order.
    pub(super) fn at(&mut self, offset: u32) -> T {
        let fits = |run: Option<&(u32, u32, T)>| run.is_some_and(|(start, end, _)| (*start..*end).contains(&offset));
        if !fits(self.runs.get(self.last)) {
            if fits(self.runs.get(self.last + 1)) {
                self.last += 1;
            } else {
                self.last = self.runs.partition_point(|(start, _, _)| *start <= offset).saturating_sub(1);
            }
        }
        if fits(self.runs.get(self.last)) { self.runs[self.last].2 } else { T::default() }
    }
}

/// Reads the runs that a table of pages names.
pub(super) fn runs<T>(main: &[u8], table: &[u8], read: fn(&[u8], usize, usize) -> T) -> Runs<T> {
    let count = table.len().saturating_sub(4) / 8;
    let mut runs = Vec::new();
    let mut is_cut = false;
    'pages: for index in 0..count {
        let Some(page) = size_at(table, 4 * (count + 1) + 4 * index).and_then(|page| slice(main, (page & 0x003f_ffff).checked_mul(PAGE_BYTES)?, PAGE_BYTES))
        else {
            continue;
        };
        let run_count = usize::from(page[PAGE_BYTES - 1]);
        for run in 0..run_count {
            let (Some(start), Some(end)) = (u32_at(page, 4 * run), u32_at(page, 4 * run + 4)) else { break };
            if runs.len() == MOST_RUNS {
                is_cut = true;
                break 'pages;
            }
            if start < end {
                runs.push((start, end, read(page, run_count, run)));
            }
        }
    }
    runs.sort_by_key(|(start, _, _)| *start);
    Runs { runs, is_cut, last: 0 }
}

/// The look of a run on a page of character properties.
pub(super) fn look(page: &[u8], count: usize, run: usize) -> Look {
    let mut look = Look::default();
    let at = page.get(4 * (count + 1) + run).map_or(0, |offset| usize::from(*offset) * 2);
    let Some(length) = page.get(at).filter(|_| at > 0) else { return look };
    let changes = slice(page, at + 1, usize::from(*length)).unwrap_or_default();
    each(changes, |kind, value| match kind {
        // Inserted text stays; deleted and hidden text is not shown.
        0x0800 | 0x083c => look.is_hidden |= value.first().is_some_and(|value| *value & 1 == 1),
        0x6a03 => look.picture = u32_at(value, 0),
        0x6a09 => look.symbol = u16_at(value, 2),
        _ => {}
    });
    look
}

/// The shape of a paragraph on a page of paragraph properties.
pub(super) fn shape(page: &[u8], count: usize, run: usize) -> Shape {
    let mut shape = Shape::default();
    let at = page.get(4 * (count + 1) + 13 * run).map_or(0, |offset| usize::from(*offset) * 2);
    let Some(length) = page.get(at).filter(|_| at > 0) else { return shape };
    let (start, length) =
        if *length == 0 { (at + 2, page.get(at + 1).map_or(0, |half| usize::from(*half) * 2)) } else { (at + 1, usize::from(*length) * 2 - 1) };
    let rest = page.get(start..).unwrap_or_default();
    let rest = &rest[..rest.len().min(length)];
    // The first nine styles after the normal one are the headings in every document.
    shape.is_heading = u16_at(rest, 0).is_some_and(|style| (1..=9).contains(&style));
    each(rest.get(2..).unwrap_or_default(), |kind, value| match (kind, value.first()) {
        (0x2416, Some(value)) => shape.is_in_table = *value == 1,
        (0x2417, Some(value)) => shape.is_row_end = *value == 1,
        (0x2640, Some(value)) => shape.is_heading |= *value < 9,
        _ => {}
    });
    shape
}

/// Walks a list of changes: a number whose upper bits say how long the value is.
fn each(mut changes: &[u8], mut take: impl FnMut(u16, &[u8])) {
    while let Some(kind) = u16_at(changes, 0) {
        let rest = &changes[2..];
        let length = match kind >> 13 {
            0 | 1 => 1,
            2 | 4 | 5 => 2,
            3 => 4,
            7 => 3,
            _ if kind == 0xd608 => u16_at(rest, 0).map_or(rest.len(), |length| usize::from(length) + 1),
            _ => rest.first().map_or(0, |length| usize::from(*length) + 1),
        };
        let length = length.min(rest.len());
        take(kind, &rest[..length]);
        changes = &rest[length..];
    }
}
