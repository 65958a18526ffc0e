//! The workbook around its sheets: versions, code page, formats, strings, names of sheets.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::number::{Look, look};
use super::records::{Reader, Record};
use super::sheet::Sheet;
use crate::document::{Anchor, BlockKind};
use crate::finding::{Code, Finding};
use crate::readers::codepage::CodePage;
use crate::readers::little::{size_at, u16_at};
use crate::readers::office::blocks::Blocks;
use crate::readers::officeart::Art;
use crate::source::Stop;

/// A sheet as the book lists it.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub name: String,
    pub is_hidden: bool,
}

/// A workbook while its records come.
pub(super) struct Book<'a> {
    pub blocks: Blocks<'a>,
    /// 2, 3, 4, 5 (which is also 7) or 8.
    pub version: u8,
    pub page: CodePage,
    pub is_1904: bool,
    pub strings: Vec<String>,
    /// Kinds of the substreams that are open: the book, a sheet, a chart in it.
    depth: Vec<u16>,
    codes: HashMap<u16, String>,
    formats: Vec<u16>,
    listed: BTreeMap<usize, Listed>,
    seen: HashSet<usize>,
    sheet: Option<Sheet>,
    sheets_seen: u32,
    art: Art,
    outside: u64,
    hidden: Vec<String>,
}

impl<'a> Book<'a> {
    pub(super) fn new(blocks: Blocks<'a>) -> Self {
        Self {
            blocks,
            version: 8,
            page: CodePage::WESTERN,
            is_1904: false,
            strings: Vec::new(),
            depth: Vec::new(),
            codes: HashMap::new(),
            formats: Vec::new(),
            listed: BTreeMap::new(),
            seen: HashSet::new(),
            sheet: None,
            sheets_seen: 0,
            art: Art::default(),
            outside: 0,
            hidden: Vec::new(),
        }
    }

    /// Takes a record; false when the rest is encrypted, which has been said.
    pub(super) fn record(&mut self, record: &Record<'_>) -> Result<bool, Stop> {
        let body = record.body();
        match record.kind {
            0x0009 | 0x0209 | 0x0409 | 0x0809 => self.begin(record)?,
            0x000a => self.end()?,
            0x002f => {
                self.blocks.sink.finding(Finding::new(Code::Encrypted, "The workbook is encrypted."))?;
                return Ok(false);
            }
            0x0042 => {
                let number = u32::from(u16_at(body, 0).unwrap_or(1252));
                match CodePage::by_number(number) {
                    Some(page) if number != 1200 => self.page = page,
                    Some(_) => {}
                    None => self.blocks.sink.finding(Finding::new(Code::EncodingDoubtful, format!("Code page {number} is not known; 1252 was taken.")))?,
                }
            }
            0x0022 => self.is_1904 = u16_at(body, 0) == Some(1),
            0x0085 => self.list(record),
            0x00fc => self.shared(record)?,
            0x041e | 0x001e => self.format(record),
            0x00e0 => self.formats.push(u16_at(body, 2).unwrap_or(0)),
            0x0443 | 0x0243 => self.formats.push(body.get(1).map_or(0, |id| u16::from(*id))),
            0x0043 => self.formats.push(body.get(2).map_or(0, |id| u16::from(*id & 0x3f))),
            0x00eb => self.art.read(&record.joined(), &[]),
            0x01ae if body.len() > 4 => self.outside += 1,
            _ => {
                if let Some(mut sheet) = self.sheet.take() {
                    let is_chart = self.depth.last() == Some(&0x20);
                    let result = sheet.record(record, self, is_chart);
                    self.sheet = Some(sheet);
                    result?;
                }
            }
        }
        Ok(true)
    }

    fn begin(&mut self, record: &Record<'_>) -> Result<(), Stop> {
        let body = record.body();
        let kind = u16_at(body, 2).unwrap_or(0x10);
        self.version = match (record.kind, u16_at(body, 0)) {
            (0x0009, _) => 2,
            (0x0209, _) => 3,
            (0x0409, _) => 4,
            (_, Some(0x0500)) => 5,
            _ => 8,
        };
        self.depth.push(kind);
        let is_globals = kind == 5 || kind == 0x100;
        if is_globals || self.depth.iter().filter(|kind| !matches!(kind, 5 | 0x100)).count() > 1 {
            return Ok(());
        }
        self.sheets_seen += 1;
        self.seen.insert(record.offset);
        let listed = self.listed.get(&record.offset).cloned().unwrap_or_else(|| Listed { name: format!("sheet {}", self.sheets_seen), is_hidden: false });
        if listed.is_hidden {
            self.hidden.push(listed.name.clone());
        }
        if self.listed.contains_key(&record.offset) {
            self.blocks.give(BlockKind::Heading, Anchor { part: Some(listed.name.clone()), ..Anchor::default() }, listed.name.clone())?;
        }
        self.sheet = Some(Sheet::new(listed.name));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.depth.pop();
        if self.depth.iter().all(|kind| matches!(kind, 5 | 0x100))
            && let Some(sheet) = self.sheet.take()
        {
            self.end_sheet(sheet)?;
        }
        Ok(())
    }

    fn end_sheet(&mut self, sheet: Sheet) -> Result<(), Stop> {
        let name = sheet.name.clone();
        if sheet.finish(self)? {
            self.hidden.push(format!("rows or columns of {name}"));
        }
        Ok(())
    }

    fn list(&mut self, record: &Record<'_>) {
        let body = record.body();
        let Some(offset) = size_at(body, 0) else { return };
        let state = body.get(4).copied().unwrap_or(0) & 3;
        let mut reader = record.reader(6);
        if let Some(name) = self.short(&mut reader) {
            self.listed.insert(offset, Listed { name, is_hidden: state != 0 });
        }
    }

    fn format(&mut self, record: &Record<'_>) {
        let (id, mut reader) = match self.version {
            2 | 3 => (u16::try_from(self.codes.len()).unwrap_or(u16::MAX), record.reader(0)),
            4 => (u16::try_from(self.codes.len()).unwrap_or(u16::MAX), record.reader(2)),
            _ => (u16_at(record.body(), 0).unwrap_or(0), record.reader(2)),
        };
        let code = if self.version == 8 { self.long(&mut reader) } else { self.short(&mut reader) };
        if let Some(code) = code {
            self.codes.insert(id, code);
        }
    }

    /// The shared strings: each has its length, and may be cut anywhere by a continuation.
    fn shared(&mut self, record: &Record<'_>) -> Result<(), Stop> {
        let wanted = size_at(record.body(), 4).unwrap_or(0);
        let mut reader = record.reader(8);
        while self.strings.len() < wanted {
            let Some(text) = reader.u16().and_then(|count| reader.string(usize::from(count))) else { break };
            self.strings.push(text);
        }
        if self.strings.len() < wanted {
            let text = format!("{} of {wanted} shared strings are there.", self.strings.len());
            self.blocks.sink.finding(Finding::new(Code::PartDamaged, text))?;
        }
        Ok(())
    }

    /// A string with a length of two bytes.
    pub(super) fn long(&self, reader: &mut Reader<'_>) -> Option<String> {
        let count = usize::from(reader.u16()?);
        if self.version == 8 { reader.string(count) } else { reader.bytes(count, self.page) }
    }

    /// A string with a length of one byte.
    pub(super) fn short(&self, reader: &mut Reader<'_>) -> Option<String> {
        if self.version == 8 {
            return reader.short_string();
        }
        let count = reader.length()?;
        reader.bytes(count, self.page)
    }

    /// How a cell with this format shows numbers.
    pub(super) fn look(&self, format: u16) -> Look {
        let id = self.formats.get(usize::from(format)).copied().unwrap_or(0);
        look(id, self.codes.get(&id).map(String::as_str))
    }

    /// Takes a drawing of a sheet.
    pub(super) fn draw(&mut self, bytes: &[u8]) {
        self.art.read(bytes, &[]);
    }

    pub(super) fn finish(mut self) -> Result<u64, Stop> {
        if let Some(sheet) = self.sheet.take() {
            self.end_sheet(sheet)?;
            self.blocks.sink.finding(Finding::new(Code::Truncated, "The last sheet has no end."))?;
        }
        for (offset, listed) in std::mem::take(&mut self.listed) {
            if !self.seen.contains(&offset) {
                self.blocks.sink.finding(Finding::new(Code::PartDamaged, "The sheet is listed and was not found.").at(listed.name))?;
            }
        }
        for caption in std::mem::take(&mut self.art.captions) {
            self.blocks.give(BlockKind::Caption, Anchor::default(), caption)?;
        }
        self.art.tell_pictures(self.blocks.sink)?;
        if !self.hidden.is_empty() {
            self.blocks.sink.finding(Finding::new(Code::Hidden, format!("Hidden: {}.", self.hidden.join(", "))))?;
        }
        if self.outside > 0 {
            self.blocks.sink.finding(Finding::new(Code::External, format!("Formulas refer to {} other workbooks.", self.outside)))?;
        }
        self.blocks.finish()
    }
}
