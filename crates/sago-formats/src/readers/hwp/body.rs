//! The text of a section of HWP 5: its records in order, with a stack for what they stand in (published format, 4.3 and tables 57 to 150).

use crate::document::{BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::readers::flow::Flow;
use crate::source::Stop;

use super::records::{
    CTRL_DATA, CTRL_HEADER, EQEDIT, FORM_OBJECT, LIST_HEADER, MEMO_LIST, PARA_HEADER, PARA_TEXT, Record, Records, SHAPE_COMPONENT, TABLE, TEXTART, string,
    u16_at, u32_at, utf16,
};

/// What a stack of open things holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Paragraph,
    /// A control; whether its table or drawing has begun: a list before that is its caption.
    Control {
        id: [u8; 4],
        has_body: bool,
    },
    List,
    Memos,
}

/// Reads a section.
pub struct Body<'a> {
    flow: Flow,
    stack: Vec<(u16, Open)>,
    /// Shapes of paragraphs that are headings.
    headings: &'a [bool],
    nesting: usize,
    is_limit_told: bool,
    place: &'a str,
}

impl<'a> Body<'a> {
    /// For a section of this name.
    pub fn new(place: &'a str, part: String, headings: &'a [bool], nesting: u32) -> Self {
        Self { flow: Flow::of_part(part), stack: Vec::new(), headings, nesting: nesting as usize, is_limit_told: false, place }
    }

    /// Tells the text of an unpacked stream.
    pub fn read(mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
        let mut records = Records::new(bytes);
        for record in records.by_ref() {
            self.record(record, sink)?;
        }
        self.close(0, true, sink)?;
        self.flow.close_all(sink)?;
        if records.missing > 0 {
            let text = format!("The last record lacks {} bytes at {}.", records.missing, records.offset());
            sink.finding(Finding::new(Code::Truncated, text).at(self.place))?;
        }
        Ok(())
    }

    /// Closes what is deeper than the level; what is at it, too, unless it holds what follows.
    fn close(&mut self, level: u16, closes_lists: bool, sink: &mut dyn Sink) -> Result<(), Stop> {
        while let Some((open_level, open)) = self.stack.last().copied() {
            let stays = matches!(open, Open::List | Open::Memos) && !closes_lists;
            if open_level < level || open_level == level && stays {
                return Ok(());
            }
            self.stack.pop();
            match open {
                Open::Paragraph => self.flow.close(sink)?,
                Open::List => self.flow.leave(),
                Open::Memos => self.flow.leave(),
                Open::Control { .. } => {}
            }
        }
        Ok(())
    }

    fn control(&self) -> Option<([u8; 4], bool)> {
        self.stack.iter().rev().find_map(|(_, open)| match open {
            Open::Control { id, has_body } => Some((*id, *has_body)),
            _ => None,
        })
    }

    fn record(&mut self, record: Record<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
        let Record { tag, level, bytes } = record;
        if self.stack.len() >= self.nesting
            && matches!(tag, PARA_HEADER | CTRL_HEADER | LIST_HEADER)
            && self.stack.last().is_some_and(|(open, _)| *open < level)
        {
            if !self.is_limit_told {
                self.is_limit_told = true;
                sink.finding(Finding::new(Code::LimitNesting, format!("Text deeper than {} is given without its place.", self.nesting)).at(self.place))?;
            }
            return Ok(());
        }
        match tag {
            PARA_HEADER => {
                self.close(level, false, sink)?;
                self.flow.open();
                if self.headings.get(usize::from(u16_at(bytes, 8))).copied().unwrap_or(false) {
                    self.flow.set_kind(BlockKind::Heading);
                }
                self.stack.push((level, Open::Paragraph));
            }
            PARA_TEXT => self.text(bytes, sink)?,
            CTRL_HEADER => {
                self.close(level, true, sink)?;
                let mut id = [0; 4];
                for (to, from) in id.iter_mut().zip(bytes.iter().take(4).rev()) {
                    *to = *from;
                }
                self.stack.push((level, Open::Control { id, has_body: false }));
                self.control_header(id, bytes, sink)?;
            }
            LIST_HEADER => self.list(level, bytes, sink)?,
            TABLE | SHAPE_COMPONENT => {
                self.close(level, true, sink)?;
                if let Some((_, Open::Control { has_body, .. })) = self.stack.iter_mut().rev().find(|(_, open)| matches!(open, Open::Control { .. })) {
                    *has_body = true;
                }
            }
            EQEDIT => self.tell(BlockKind::Paragraph, string(bytes, 4), sink)?,
            // Four corners, then the text.
            TEXTART => self.tell(BlockKind::Caption, string(bytes, 32), sink)?,
            FORM_OBJECT => self.form(bytes, sink)?,
            CTRL_DATA => {}
            MEMO_LIST => {
                self.close(level, true, sink)?;
                self.flow.enter(BlockKind::Comment);
                self.stack.push((level, Open::Memos));
            }
            _ => {}
        }
        Ok(())
    }

    fn list(&mut self, level: u16, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
        // The lists of memos stand at the level of their record.
        if self.stack.last().is_some_and(|(open_level, open)| *open == Open::Memos && *open_level == level) {
            self.flow.enter(BlockKind::Comment);
            self.stack.push((level, Open::List));
            return Ok(());
        }
        self.close_list(level, sink)?;
        let is_memo = matches!(self.stack.last(), Some((_, Open::Memos)));
        let (id, has_body) = self.control().unwrap_or_default();
        match (&id, has_body) {
            _ if is_memo => self.flow.enter(BlockKind::Comment),
            (b"tbl ", true) => self.flow.enter_cell(u32::from(u16_at(bytes, 10)) + 1, u32::from(u16_at(bytes, 8)) + 1),
            (b"tbl " | b"gso " | b"eqed", false) => self.flow.enter(BlockKind::Caption),
            (b"head" | b"foot", _) => self.flow.enter(BlockKind::Margin),
            (b"fn  " | b"en  ", _) => self.flow.enter(BlockKind::Note),
            (b"tcmt", _) => self.flow.enter(BlockKind::Comment),
            _ => self.flow.enter(BlockKind::Paragraph),
        }
        self.stack.push((level, Open::List));
        Ok(())
    }

    /// Closes up to the control or memos that the list belongs to.
    fn close_list(&mut self, level: u16, sink: &mut dyn Sink) -> Result<(), Stop> {
        while let Some((open_level, open)) = self.stack.last().copied() {
            if open_level < level || open == Open::Memos && open_level <= level {
                return Ok(());
            }
            self.close(open_level, true, sink)?;
        }
        Ok(())
    }

    fn tell(&mut self, kind: BlockKind, text: Option<(String, usize)>, sink: &mut dyn Sink) -> Result<(), Stop> {
        match text {
            Some((text, _)) => self.flow.tell(kind, &text, sink),
            None => sink.finding(Finding::new(Code::PartDamaged, "A text is longer than its record.").at(self.place)),
        }
    }

    fn control_header(&mut self, id: [u8; 4], bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
        match &id {
            // Alternative text; older versions of the format end before it.
            b"tbl " | b"gso " | b"eqed" if bytes.len() > 46 => self.tell(BlockKind::Caption, string(bytes, 44), sink),
            // Text with a smaller one above.
            b"tdut" => {
                let main = string(bytes, 4);
                let above = main.as_ref().and_then(|(_, end)| string(bytes, *end));
                self.tell(BlockKind::Paragraph, main, sink)?;
                if above.is_some() { self.tell(BlockKind::Caption, above, sink) } else { Ok(()) }
            }
            // Letters that overlap.
            b"tcps" => self.tell(BlockKind::Paragraph, string(bytes, 4), sink),
            b"%hlk" => {
                if let Some((command, _)) = string(bytes, 9) {
                    // Colons are escaped; what follows the first bare semicolon is how the link is opened.
                    let target = command.replace("\\:", ":").replace("\\;", "\u{0}");
                    let target = target.split(';').next().unwrap_or_default().replace('\u{0}', ";");
                    sink.property("hwp:hyperlink", target)?;
                }
                Ok(())
            }
            b"idxm" => {
                let first = string(bytes, 4);
                let second = first.as_ref().and_then(|(_, end)| string(bytes, *end));
                for text in [first, second].into_iter().flatten() {
                    self.tell(BlockKind::Field, Some(text), sink)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A form object keeps its properties as text: `Caption:wstring:4:텍스트`, `Text:…`, `Name:…` (lengths in letters).
    fn form(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
        let text = utf16(bytes.get(bytes.len().min(10)..).unwrap_or_default());
        for name in ["Caption:wstring:", "Text:wstring:", "SelectedText:wstring:"] {
            let mut rest = text.as_str();
            while let Some(place) = rest.find(name) {
                let is_own_word = rest[..place].chars().next_back().is_none_or(|letter| !letter.is_alphanumeric());
                rest = &rest[place + name.len()..];
                if let (true, Some((count, value))) = (is_own_word, rest.split_once(':')) {
                    let value: String = value.chars().take(count.parse().unwrap_or(0)).collect();
                    self.flow.tell(BlockKind::Field, &value, sink)?;
                }
            }
        }
        Ok(())
    }

    /// Text with controls in it (published format, table 6): those of one unit, and those of eight.
    fn text(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
        let mut text = String::new();
        let mut run: Vec<u16> = Vec::new();
        let mut at = 0;
        while let Some(unit) = units.get(at).copied() {
            if unit >= 32 {
                run.push(unit);
                at += 1;
                continue;
            }
            flush(&mut run, &mut text);
            match unit {
                9 => text.push('\t'),
                10 => text.push('\n'),
                24 => text.push('\u{2011}'),
                30 => text.push('\u{a0}'),
                31 => text.push('\u{2002}'),
                _ => {}
            }
            at += if matches!(unit, 0 | 10 | 13 | 24..=31) { 1 } else { 8 };
        }
        flush(&mut run, &mut text);
        if at > units.len() {
            sink.finding(Finding::new(Code::PartDamaged, "A control in the text is cut off.").at(self.place))?;
        }
        self.flow.push(&text);
        Ok(())
    }
}

fn flush(run: &mut Vec<u16>, text: &mut String) {
    text.extend(char::decode_utf16(run.drain(..)).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// Which paragraph shapes make headings: those of the outline (published format, table 44, bits 23 and 24).
pub fn headings(records: Records<'_>) -> Vec<bool> {
    records.filter(|record| record.tag == super::records::PARA_SHAPE).map(|record| u32_at(record.bytes, 0) >> 23 & 3 == 1).collect()
}
