//! Rows of cells with commas, tabs or semicolons between them (RFC 4180 and what programs make of it). A block for each cell that has words.

use std::io::Read;

use super::TextStream;
use crate::charset::without_controls;
use crate::document::{Anchor, Block, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// A cell longer than this is ended: a quotation mark that is never closed would swallow the rest of the file.
const CELL_BYTES: usize = 1 << 20;

/// How much is looked at to tell what stands between cells.
const LOOK_BYTES: usize = 32 << 10;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let first = source.at(0, LOOK_BYTES)?;
    let separator = if context.format.code == "tsv" { '\t' } else { separator(&crate::charset::decode(&first, None).text) };
    let mut stream = TextStream::open(source, None)?;
    let mut rows = Rows::new(separator);
    let outcome = run(&mut stream, &mut rows, sink);
    stream.tell(sink)?;
    outcome
}

fn run(stream: &mut TextStream<'_, '_>, rows: &mut Rows, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut buffer = vec![0; 64 << 10];
    let mut kept = Vec::new();
    loop {
        let count = stream.read(&mut buffer)?;
        kept.extend_from_slice(&buffer[..count]);
        // The stream gives whole characters.
        let text = String::from_utf8_lossy(&kept).into_owned();
        kept.clear();
        for character in text.chars() {
            rows.push(character, sink)?;
        }
        if count == 0 {
            return rows.end(sink);
        }
    }
}

/// The sign that parts most lines into the same number of cells.
fn separator(text: &str) -> char {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(50).collect();
    // Excel's own mark.
    if let Some(sign) = lines.first().and_then(|line| line.strip_prefix("sep=")).and_then(|rest| rest.chars().next()) {
        return sign;
    }
    let score = |sign: char| {
        let counts: Vec<usize> = lines.iter().map(|line| outside_quotes(line, sign)).collect();
        let first = counts.first().copied().unwrap_or(0);
        let same = counts.iter().filter(|count| **count == first && first > 0).count();
        (same * 4 + counts.iter().filter(|count| **count > 0).count(), first)
    };
    [',', '\t', ';', '|'].into_iter().rev().max_by_key(|sign| score(*sign)).filter(|sign| score(*sign).0 > 0).unwrap_or(',')
}

fn outside_quotes(line: &str, sign: char) -> usize {
    let mut is_quoted = false;
    let mut count = 0;
    for character in line.chars() {
        is_quoted ^= character == '"';
        count += usize::from(character == sign && !is_quoted);
    }
    count
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    Bare,
    Quoted,
    /// After a quotation mark in a quoted cell: the end, or one half of a doubled mark.
    AfterQuote,
}

struct Rows {
    separator: char,
    state: State,
    cell: String,
    row: u32,
    column: u32,
    /// A carriage return was the last: a line feed after it belongs to it.
    after_return: bool,
    widest: u32,
}

impl Rows {
    fn new(separator: char) -> Self {
        Self { separator, state: State::Begin, cell: String::new(), row: 1, column: 1, after_return: false, widest: 0 }
    }

    fn push(&mut self, character: char, sink: &mut dyn Sink) -> Result<(), Stop> {
        let is_second_half = std::mem::take(&mut self.after_return) && character == '\n';
        if self.cell.len() >= CELL_BYTES {
            let text = format!("A cell is longer than {CELL_BYTES} bytes: its quotation mark is not closed. It was ended.");
            sink.finding(Finding::new(Code::PartDamaged, text).at(format!("row {}, column {}", self.row, self.column)))?;
            self.cell_ends(sink)?;
            self.state = State::Bare;
        }
        match (self.state, character) {
            (State::Quoted, '"') => self.state = State::AfterQuote,
            (State::Quoted, _) => self.cell.push(character),
            (State::AfterQuote, '"') => {
                self.cell.push('"');
                self.state = State::Quoted;
            }
            (State::Begin, '"') => self.state = State::Quoted,
            (_, '\n') if is_second_half => {}
            (_, '\n' | '\r') => {
                self.after_return = character == '\r';
                self.cell_ends(sink)?;
                self.widest = self.widest.max(self.column - 1);
                self.row = self.row.saturating_add(1);
                self.column = 1;
            }
            (_, sign) if sign == self.separator => self.cell_ends(sink)?,
            (state, _) => {
                self.state = if state == State::AfterQuote { state } else { State::Bare };
                self.cell.push(character);
            }
        }
        Ok(())
    }

    fn cell_ends(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let text = std::mem::take(&mut self.cell);
        let anchor = Anchor { cell: Some((self.row, self.column)), ..Anchor::default() };
        self.state = State::Begin;
        self.column = self.column.saturating_add(1);
        if text.trim().is_empty() {
            return Ok(());
        }
        sink.block(Block::new(BlockKind::Cell, anchor, without_controls(&text)))
    }

    fn end(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        if self.state == State::Quoted {
            let place = format!("row {}, column {}", self.row, self.column);
            sink.finding(Finding::new(Code::Truncated, "A quotation mark is not closed before the end of the file.").at(place))?;
        }
        let has_rest = self.column > 1 || !self.cell.is_empty();
        self.cell_ends(sink)?;
        let rows = if has_rest { self.row } else { self.row - 1 };
        sink.property("row_count", rows.to_string())?;
        sink.property("column_count", self.widest.max(if has_rest { self.column - 1 } else { 0 }).to_string())
    }
}
