//! Gives blocks with counted paragraphs.

use crate::document::{Anchor, Block, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::readers::printable::printable;
use crate::source::Stop;

/// Gives blocks and counts them.
pub(super) struct Blocks<'a> {
    pub sink: &'a mut dyn Sink,
    paragraph: u32,
    hidden: u64,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(sink: &'a mut dyn Sink) -> Self {
        Self { sink, paragraph: 0, hidden: 0 }
    }

    /// Gives text, unless it is blank; the anchor gets its number.
    pub(super) fn give(&mut self, kind: BlockKind, anchor: Anchor, text: String) -> Result<(), Stop> {
        let text = printable(text);
        let text = text.trim_end_matches(['\n', '\0']);
        if text.trim().is_empty() {
            return Ok(());
        }
        self.paragraph = self.paragraph.saturating_add(1);
        self.hidden += u64::from(kind == BlockKind::Hidden);
        self.sink.block(Block::new(kind, Anchor { paragraph: Some(self.paragraph), ..anchor }, text))
    }

    /// Says how much of it was hidden.
    pub(super) fn finish(self) -> Result<u64, Stop> {
        if self.hidden > 0 {
            self.sink.finding(Finding::new(Code::Hidden, format!("{} hidden or deleted passages.", self.hidden)))?;
        }
        Ok(u64::from(self.paragraph))
    }
}
