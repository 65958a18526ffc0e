//! What is told when a group, a paragraph or a cell of RTF ends.

use super::story::{Ends, Place};
use super::walk::Walk;
use crate::document::{Anchor, Block, BlockKind, ChildRole};
use crate::finding::{Code, Finding, Severity};
use crate::readers::html;
use crate::readers::ole::{self, Object};
use crate::readers::printable::printable;
use crate::source::Stop;

impl Walk<'_> {
    pub(super) fn close(&mut self) -> Result<(), Stop> {
        self.decode();
        self.skip = 0;
        let Some(state) = (self.stack.len() > 1).then(|| self.stack.pop()).flatten() else { return Ok(()) };
        match state.ends {
            Ends::Nothing => Ok(()),
            Ends::Story => {
                self.end_cell_rest()?;
                self.stories.pop();
                Ok(())
            }
            Ends::Value => {
                let value = self.values.pop().unwrap_or_default();
                self.end_value(state.place, value)
            }
            Ends::Time => {
                let [year, month, day, hour, minute, second] = self.time;
                if year == 0 {
                    return Ok(());
                }
                self.sink.property(self.time_name, format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
            }
            Ends::Picture => {
                let bytes = std::mem::take(&mut self.data);
                self.file(bytes, "picture")
            }
            Ends::Object => {
                let bytes = std::mem::take(&mut self.data);
                self.object(&bytes)
            }
        }
    }

    fn file(&mut self, bytes: Vec<u8>, stem: &str) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.files += 1;
        let extension = if self.extension.is_empty() { ole::extension_of(&bytes) } else { self.extension };
        let object = Object { name: format!("{stem}{}{extension}", self.files), bytes };
        ole::tell(&object, ChildRole::Embedded, Anchor::paragraph(self.paragraph.saturating_add(1)), self.sink)
    }

    fn object(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        let name = format!("object{}", self.files + 1);
        let mut findings = Vec::new();
        let object = ole::from_ole1(bytes, &name, &mut findings);
        findings.into_iter().try_for_each(|finding| self.sink.finding(finding))?;
        match object {
            Some(object) => {
                self.files += 1;
                ole::tell(&object, ChildRole::Embedded, Anchor::paragraph(self.paragraph.saturating_add(1)), self.sink)
            }
            None => {
                self.extension = ".ole";
                self.file(bytes.to_vec(), "object")
            }
        }
    }

    fn end_value(&mut self, place: Place, value: String) -> Result<(), Stop> {
        let Place::Value(name) = place else { return Ok(()) };
        let value = printable(value);
        match name {
            // Links of a wrapped page stand in its own marks.
            "fldinst" if self.html.is_some() => Ok(()),
            "fldinst" => {
                let link = value.trim().strip_prefix("HYPERLINK").map(|link| link.replace("\\l", "").replace("\\o", "").replace('"', " ").trim().to_owned());
                let link = link.filter(|link| link.contains(':'));
                link.map_or(Ok(()), |link| self.give(BlockKind::Caption, link, None))
            }
            "sn" | "propname" => {
                self.property = value;
                Ok(())
            }
            "sv" if matches!(self.property.as_str(), "wzDescription" | "gtextUNICODE" | "wzTooltip") => self.give(BlockKind::Caption, value, None),
            "sv" => Ok(()),
            "staticval" => self.sink.property(&format!("custom:{}", self.property), value),
            "field" => self.give(BlockKind::Field, value, None),
            "atnauthor" => {
                if self.authors.insert(value.clone()) {
                    self.sink.property("comment:author", value)?;
                }
                Ok(())
            }
            _ => self.sink.property(name, value.trim_end_matches([';', ' ']).to_owned()),
        }
    }

    pub(super) fn end_paragraph(&mut self) -> Result<(), Stop> {
        if self.html.is_some() && self.stories.len() == 1 {
            self.put("\r\n");
            return Ok(());
        }
        let Some(story) = self.stories.last_mut() else { return Ok(()) };
        if story.is_in_table {
            story.text.push('\n');
            return Ok(());
        }
        story.was_in_table = false;
        let kind = if story.is_heading && story.kind == BlockKind::Paragraph { BlockKind::Heading } else { story.kind };
        self.flush(kind, None)
    }

    pub(super) fn end_cell(&mut self, is_nested: bool) -> Result<(), Stop> {
        let tables_seen = &mut self.tables_seen;
        let Some(story) = self.stories.last_mut() else { return Ok(()) };
        if !story.was_in_table {
            *tables_seen += 1;
            (story.table, story.row, story.column, story.was_in_table) = (*tables_seen, 0, 0, true);
        }
        let column = story.column.saturating_add(1);
        // Cells of an inner table stand at the place of the cell that holds it.
        if !is_nested {
            story.column = column;
        }
        let place = (story.table, story.row.saturating_add(1), column);
        let kind = if story.kind == BlockKind::Paragraph { BlockKind::Cell } else { story.kind };
        self.flush(kind, Some(place))
    }

    /// What stands after the last cell of a row, or at the end of a story.
    pub(super) fn end_cell_rest(&mut self) -> Result<(), Stop> {
        let kind = self.stories.last().map_or(BlockKind::Paragraph, |story| story.kind);
        self.flush(kind, None)
    }

    fn flush(&mut self, kind: BlockKind, cell: Option<(u32, u32, u32)>) -> Result<(), Stop> {
        let Some(story) = self.stories.last_mut() else { return Ok(()) };
        let (text, hidden) = (std::mem::take(&mut story.text), std::mem::take(&mut story.hidden));
        self.give(kind, printable(text).trim_end_matches('\n').to_owned(), cell)?;
        self.give(BlockKind::Hidden, printable(hidden), cell)
    }

    fn give(&mut self, kind: BlockKind, text: String, cell: Option<(u32, u32, u32)>) -> Result<(), Stop> {
        if text.trim().is_empty() {
            return Ok(());
        }
        *self.paragraph = self.paragraph.saturating_add(1);
        self.given += 1;
        self.hidden += u64::from(kind == BlockKind::Hidden);
        let mut anchor = Anchor { part: self.part.clone(), ..Anchor::paragraph(*self.paragraph) };
        if let Some((table, row, column)) = cell {
            anchor.cell = Some((row, column));
            let table = format!("table {table}");
            anchor.part = Some(self.part.as_ref().map_or_else(|| table.clone(), |part| format!("{part}, {table}")));
        }
        self.sink.block(Block::new(kind, anchor, text))
    }

    pub(super) fn finish(mut self, is_closed: bool, ends_well: bool, rest: usize) -> Result<u64, Stop> {
        while self.stack.len() > 1 {
            self.close()?;
        }
        self.decode();
        while !self.stories.is_empty() {
            self.end_cell_rest()?;
            self.stories.pop();
        }
        if let Some(page) = self.html.take() {
            self.given += html::tell(&page, self.part.as_deref(), self.paragraph, html::Dialect::Html, self.sink)?;
        }
        if !is_closed {
            let weight = if ends_well { Severity::Note } else { Severity::Loss };
            self.sink.finding(Finding::new(Code::Truncated, "The last groups are not closed.").weighing(weight))?;
        } else if rest > 0 {
            self.sink.finding(Finding::new(Code::TrailingBytes, format!("{rest} bytes stand after the last group; they were read as far as they are RTF.")))?;
        }
        if self.undecodable > 0 {
            self.sink.finding(Finding::new(Code::Undecodable, format!("In {} places.", self.undecodable)))?;
        }
        if self.hidden > 0 {
            self.sink.finding(Finding::new(Code::Hidden, format!("{} hidden or deleted passages.", self.hidden)))?;
        }
        Ok(self.given)
    }
}
