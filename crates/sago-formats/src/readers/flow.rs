//! Running text with what stands in it: paragraphs in paragraphs (text boxes, footnotes), cells, and the place of each block.
//!
//! A block is numbered when it is given. What stands inside a paragraph follows it.

use crate::document::{Anchor, Block, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::source::Stop;

/// Most text that is held until the paragraph around it ends.
const MOST_HELD_BYTES: usize = 128 << 20;
/// Marks the row and column of a cell that was only counted: the file says later where it stands.
const UNPLACED: u32 = 1 << 31;

/// What surrounds a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Kind(BlockKind),
    Cell(u32, u32),
}

/// A table that is being read; rows and columns from 1.
#[derive(Debug, Clone, Copy, Default)]
struct Grid {
    row: u32,
    column: u32,
    /// Rows and columns that what was told last stands for besides its own.
    rows_after: u32,
    columns_after: u32,
}

/// A text that waits until the paragraph around it ends.
type Waiting = (BlockKind, Option<(u32, u32)>, String);

/// A paragraph that is being read.
#[derive(Debug, Default)]
struct Layer {
    text: String,
    hidden: String,
    kind: Option<BlockKind>,
    /// How many scopes were open when it began: those opened inside it do not matter to its own text.
    scopes: usize,
    inner: Vec<Waiting>,
}

/// Text as it is read.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    page: Option<u32>,
    part: Option<String>,
    count: u32,
    scopes: Vec<Scope>,
    grids: Vec<Grid>,
    layers: Vec<Layer>,
    /// For each open cell whose place is said later: how much waited when it began.
    unplaced: Vec<usize>,
    held_bytes: usize,
    lost_bytes: usize,
}

impl Flow {
    /// Text of a document without pages and parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Text of a named part; its blocks count from 1.
    pub fn of_part(part: impl Into<String>) -> Self {
        Self { part: Some(part.into()), ..Self::default() }
    }

    /// Text of a page or slide.
    pub fn of_page(page: u32) -> Self {
        Self { page: Some(page), ..Self::default() }
    }

    /// The same, with a page.
    pub fn with_page(mut self, page: Option<u32>) -> Self {
        self.page = page;
        self
    }

    /// Goes on to a page; its blocks count from 1.
    pub fn turn(&mut self, page: u32) {
        self.page = Some(page);
        self.count = 0;
    }

    /// Whatever follows is of this kind, until [`Flow::leave`].
    pub fn enter(&mut self, kind: BlockKind) {
        self.scopes.push(Scope::Kind(kind));
    }

    /// Ends what [`Flow::enter`] or [`Flow::enter_cell`] began.
    pub fn leave(&mut self) {
        self.scopes.pop();
    }

    /// Begins a table.
    pub fn open_table(&mut self) {
        self.grids.push(Grid::default());
    }

    /// Ends it.
    pub fn close_table(&mut self) {
        self.grids.pop();
    }

    /// Begins the next row.
    pub fn open_row(&mut self) {
        if let Some(grid) = self.grids.last_mut() {
            *grid = Grid { row: grid.row.saturating_add(1).saturating_add(grid.rows_after), ..Grid::default() };
        }
    }

    /// The row stands for so many more that are not told.
    pub fn skip_rows_after(&mut self, count: u32) {
        if let Some(grid) = self.grids.last_mut() {
            grid.rows_after = count;
        }
    }

    /// The cell stands for so many more that are not told.
    pub fn skip_columns_after(&mut self, count: u32) {
        if let Some(grid) = self.grids.last_mut() {
            grid.columns_after = count;
        }
    }

    /// Begins the next cell of the row.
    pub fn open_cell(&mut self) {
        let (row, column) = self.grids.last_mut().map_or((1, 1), |grid| {
            grid.column = grid.column.saturating_add(1).saturating_add(grid.columns_after);
            grid.columns_after = 0;
            (grid.row.max(1), grid.column)
        });
        self.scopes.push(Scope::Cell(row, column));
    }

    /// Begins the next cell of the row, whose own place is said later by [`Flow::place_cell`].
    pub fn open_unplaced_cell(&mut self) {
        self.open_cell();
        self.unplaced.push(self.layers.last().map_or(0, |layer| layer.inner.len()));
        if let Some(Scope::Cell(row, column)) = self.scopes.last_mut() {
            *row |= UNPLACED;
            *column |= UNPLACED;
        }
    }

    /// Ends a cell that [`Flow::open_unplaced_cell`] began.
    pub fn close_unplaced_cell(&mut self) {
        self.unplaced.pop();
        self.leave();
    }

    /// Says where the open cell stands, when that is known only behind its text.
    pub fn place_cell(&mut self, row: u32, column: u32) {
        let Some(Scope::Cell(old_row, old_column)) = self.scopes.iter_mut().rev().find(|scope| matches!(scope, Scope::Cell(..))) else { return };
        let old = (*old_row, *old_column);
        (*old_row, *old_column) = (row, column);
        // What the cell gave waits in the paragraph around its table.
        let begin = self.unplaced.last().copied().unwrap_or(usize::MAX);
        if let Some(own) = self.layers.last_mut().and_then(|layer| layer.inner.get_mut(begin..)).filter(|_| old.0 & UNPLACED != 0) {
            own.iter_mut().filter(|(_, cell, _)| *cell == Some(old)).for_each(|(_, cell, _)| *cell = Some((row, column)));
        }
    }

    /// Begins a cell whose place is known; from 1.
    pub fn enter_cell(&mut self, row: u32, column: u32) {
        self.scopes.push(Scope::Cell(row, column));
    }

    /// Begins a paragraph, maybe inside another.
    pub fn open(&mut self) {
        self.layers.push(Layer { scopes: self.scopes.len(), ..Layer::default() });
    }

    /// Whether a paragraph is open.
    pub fn is_open(&self) -> bool {
        !self.layers.is_empty()
    }

    /// What the open paragraph is, if not what its surroundings make of it.
    pub fn set_kind(&mut self, kind: BlockKind) {
        if let Some(layer) = self.layers.last_mut() {
            layer.kind = Some(kind);
        }
    }

    /// Adds text to the open paragraph; text outside of one begins one.
    pub fn push(&mut self, text: &str) {
        if self.layers.is_empty() {
            if text.trim().is_empty() {
                return;
            }
            self.open();
        }
        if self.may_hold(text.len())
            && let Some(layer) = self.layers.last_mut()
        {
            layer.text.push_str(text);
        }
    }

    /// Adds text that its program does not show.
    pub fn push_hidden(&mut self, text: &str) {
        if self.layers.is_empty() {
            self.open();
        }
        if self.may_hold(text.len())
            && let Some(layer) = self.layers.last_mut()
        {
            layer.hidden.push_str(text);
        }
    }

    /// Counts what is held; what would be too much is lost, and said when the paragraph ends.
    fn may_hold(&mut self, count: usize) -> bool {
        if self.held_bytes.saturating_add(count) > MOST_HELD_BYTES {
            self.lost_bytes = self.lost_bytes.saturating_add(count);
            return false;
        }
        self.held_bytes += count;
        true
    }

    /// The text of the open paragraph so far.
    pub fn text(&self) -> &str {
        self.layers.last().map_or("", |layer| &layer.text)
    }

    /// Ends the paragraph.
    pub fn close(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let Some(layer) = self.layers.pop() else { return Ok(()) };
        let (kind, cell) = self.judged(layer.scopes, layer.kind);
        self.give(kind, cell, layer.text, sink)?;
        self.give(BlockKind::Hidden, cell, layer.hidden, sink)?;
        for (kind, cell, text) in layer.inner {
            self.give(kind, cell, text, sink)?;
        }
        if self.layers.is_empty() {
            self.held_bytes = 0;
            let lost = std::mem::take(&mut self.lost_bytes);
            if lost > 0 {
                let place = self.part.clone().unwrap_or_default();
                return sink.finding(Finding::new(Code::LimitMemory, format!("{lost} bytes of one paragraph's text were left out.")).at(place));
            }
        }
        Ok(())
    }

    /// Ends all paragraphs.
    pub fn close_all(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        while self.is_open() {
            self.close(sink)?;
        }
        Ok(())
    }

    /// Gives a text of its own, after the open paragraph.
    pub fn tell(&mut self, kind: BlockKind, text: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        let (around, cell) = self.judged(self.scopes.len(), Some(kind));
        let kind = if around == BlockKind::Hidden { around } else { kind };
        if self.is_open() && !self.may_hold(text.len()) {
            return Ok(());
        }
        self.give(kind, cell, text.to_owned(), sink)
    }

    /// Kind and cell by what surrounds.
    fn judged(&self, depth: usize, own: Option<BlockKind>) -> (BlockKind, Option<(u32, u32)>) {
        let scopes = &self.scopes[..depth.min(self.scopes.len())];
        let cell = scopes.iter().rev().find_map(|scope| match scope {
            Scope::Cell(row, column) => Some((*row, *column)),
            Scope::Kind(_) => None,
        });
        let around = scopes.iter().rev().find_map(|scope| match scope {
            Scope::Kind(kind) => Some(*kind),
            Scope::Cell(..) => None,
        });
        if scopes.contains(&Scope::Kind(BlockKind::Hidden)) {
            return (BlockKind::Hidden, cell);
        }
        let inside = if cell.is_some() { BlockKind::Cell } else { BlockKind::Paragraph };
        (around.or(own).unwrap_or(inside), cell)
    }

    fn give(&mut self, kind: BlockKind, cell: Option<(u32, u32)>, text: String, sink: &mut dyn Sink) -> Result<(), Stop> {
        if text.trim().is_empty() {
            return Ok(());
        }
        if let Some(outer) = self.layers.last_mut() {
            outer.inner.push((kind, cell, text));
            return Ok(());
        }
        self.count = self.count.saturating_add(1);
        let cell = cell.map(|(row, column)| (row & !UNPLACED, column & !UNPLACED));
        let anchor = Anchor { page: self.page, part: self.part.clone(), paragraph: Some(self.count), cell, time_ms: None };
        sink.block(Block::new(kind, anchor, plain(&text)))
    }
}

/// Text without control characters other than tabs and line ends; other breaks become line ends.
pub(crate) fn plain(text: &str) -> String {
    if !text.contains(|letter: char| letter.is_control() && letter != '\t' && letter != '\n') {
        return text.to_owned();
    }
    let mut done = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => {
                if letters.peek() != Some(&'\n') {
                    done.push('\n');
                }
            }
            '\u{b}' | '\u{c}' | '\u{85}' => done.push('\n'),
            '\t' | '\n' => done.push(letter),
            other if other.is_control() => {}
            other => done.push(other),
        }
    }
    done
}
