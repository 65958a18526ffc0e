//! SpreadsheetML (ISO/IEC 29500-1, part 18): sheets in the order of the workbook, cell by cell as a stream; comments, drawings, charts, headers; what is hidden,
//! what pivot tables and links to other workbooks have kept.

use crate::document::{BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::limits::Limits;
use crate::readers::flow::Flow;
use crate::readers::markup::{Element, Node, part};
use crate::readers::package::Package;
use crate::source::Stop;

use super::drawing::{Placeholders, chart, drawing};
use super::numbers::{HiddenColumns, NumberFormat, place, shown};
use super::relations::{of_kind, relations, targets};

/// A sheet as the workbook lists it.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub name: String,
    pub id: String,
    pub is_hidden: bool,
}

/// What cells refer to.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub strings: Vec<Box<str>>,
    /// How texts are spoken, by their number: Japanese readings.
    pub spoken: std::collections::HashMap<usize, Box<str>>,
    pub formats: Vec<NumberFormat>,
    pub is_1904: bool,
}

impl Shared {
    /// The text of a cell by its kind and value.
    pub fn text(&self, kind: &str, value: &str, style: usize) -> Option<String> {
        Some(match kind {
            "s" => self.strings.get(value.trim().parse::<usize>().ok()?)?.to_string(),
            "b" => if value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "str" | "inlineStr" | "e" | "d" => value.to_owned(),
            _ => shown(value, self.formats.get(style).copied().unwrap_or_default(), self.is_1904),
        })
    }
}

/// Reads the workbook.
pub(super) fn read(package: &mut Package<'_, '_>, main: &str, limits: &Limits, sink: &mut dyn Sink) -> Result<(), Stop> {
    let nesting = limits.nesting;
    let parts = relations(package, main, nesting, sink)?;
    let by_id = targets(&parts);
    let mut sheets = Vec::new();
    let mut shared = Shared::default();
    let mut defined: Option<(String, String)> = None;
    part(package, main, nesting, sink, &mut |node, sink| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "workbookPr" => shared.is_1904 = element.is_on("date1904"),
                "sheet" => sheets.push(Listed {
                    name: element.get("name").unwrap_or_default().to_owned(),
                    id: element.get("r:id").unwrap_or_default().to_owned(),
                    is_hidden: matches!(element.get("state"), Some("hidden" | "veryHidden")),
                }),
                "definedName" => defined = Some((element.get("name").unwrap_or_default().to_owned(), String::new())),
                "workbookProtection" => sink.property("ooxml:protection", "workbook".to_owned())?,
                _ => {}
            },
            Node::Text(text) => {
                if let Some((_, value)) = &mut defined {
                    value.push_str(text);
                }
            }
            Node::Close(_) => {
                if let Some((name, value)) = defined.take() {
                    sink.property("xlsx:defined_name", format!("{name} = {value}"))?;
                }
            }
        }
        Ok(())
    })?;
    for name in of_kind(&parts, "sharedStrings") {
        strings(package, name, limits, &mut shared, sink)?;
    }
    for name in of_kind(&parts, "styles") {
        styles(package, name, nesting, &mut shared, sink)?;
    }
    for listed in &sheets {
        sink.property("sheet", listed.name.clone())?;
        match by_id.get(listed.id.as_str()).and_then(|name| Some((*name, package.find(name)?))) {
            // Listed twice; it was told.
            Some((_, index)) if package.is_seen(index) => {}
            Some((name, _)) => {
                sheet(package, name, listed, &shared, nesting, sink)?;
                around(package, name, &listed.name, nesting, sink)?;
            }
            None => sink.finding(Finding::new(Code::ChildMissing, "A sheet is listed and not there.").at(listed.name.clone()))?,
        }
    }
    for name in package.named("xl/worksheets/sheet", ".xml") {
        if package.find(&name).is_some_and(|index| !package.is_seen(index)) {
            let listed = Listed { name: name.clone(), id: String::new(), is_hidden: true };
            sheet(package, &name, &listed, &shared, nesting, sink)?;
        }
    }
    kept(package, nesting, sink)
}

fn strings(package: &mut Package<'_, '_>, name: &str, limits: &Limits, shared: &mut Shared, sink: &mut dyn Sink) -> Result<(), Stop> {
    let (mut text, mut spoken) = (String::new(), String::new());
    let (mut is_text, mut phonetic, mut held, mut left_out) = (false, 0_u32, 0_u64, 0_u64);
    part(package, name, limits.nesting, sink, &mut |node, _| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "si" => text.clear(),
                "t" => is_text = true,
                "rPh" => phonetic += 1,
                _ => {}
            },
            Node::Text(more) if is_text => {
                if phonetic == 0 {
                    text.push_str(more)
                } else {
                    spoken.push_str(more)
                }
            }
            Node::Text(_) => {}
            Node::Close("t") => is_text = false,
            Node::Close("rPh") => phonetic = phonetic.saturating_sub(1),
            Node::Close("si") => {
                held += (text.len() + spoken.len() + size_of::<Box<str>>()) as u64;
                if held <= limits.memory_bytes {
                    if !spoken.is_empty() {
                        shared.spoken.insert(shared.strings.len(), std::mem::take(&mut spoken).into());
                    }
                    shared.strings.push(std::mem::take(&mut text).into());
                } else {
                    left_out += 1;
                }
            }
            Node::Close(_) => {}
        }
        Ok(())
    })?;
    if left_out > 0 {
        sink.finding(Finding::new(Code::LimitMemory, format!("{left_out} texts of cells were left out.")).at(name))?;
    }
    Ok(())
}

fn styles(package: &mut Package<'_, '_>, name: &str, nesting: u32, shared: &mut Shared, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut codes = std::collections::HashMap::new();
    let mut is_cells = false;
    part(package, name, nesting, sink, &mut |node, _| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "numFmt" => {
                    if let Some(id) = element.number("numFmtId") {
                        codes.insert(id, NumberFormat::of_code(element.get("formatCode").unwrap_or_default()));
                    }
                }
                "cellXfs" => is_cells = true,
                "xf" if is_cells => {
                    let id = element.number("numFmtId").unwrap_or(0);
                    shared.formats.push(codes.get(&id).copied().unwrap_or_else(|| NumberFormat::built_in(id)));
                }
                _ => {}
            },
            Node::Close("cellXfs") => is_cells = false,
            _ => {}
        }
        Ok(())
    })?;
    Ok(())
}

/// The cells of a sheet.
struct Cells<'a> {
    flow: Flow,
    shared: &'a Shared,
    row: u32,
    column: u32,
    hidden_columns: HiddenColumns,
    is_row_hidden: bool,
    has_hidden: bool,
    kind: String,
    style: usize,
    value: String,
    formula: String,
    phonetic: u32,
    /// Where text goes: value, formula, or words of a header.
    target: char,
    margin: String,
    unknown: u64,
}

fn sheet(package: &mut Package<'_, '_>, name: &str, listed: &Listed, shared: &Shared, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut flow = Flow::of_part(listed.name.clone());
    if listed.is_hidden {
        flow.enter(BlockKind::Hidden);
        sink.finding(Finding::new(Code::Hidden, "The sheet is hidden.").at(listed.name.clone()))?;
    }
    let mut cells = Cells {
        flow,
        shared,
        row: 0,
        column: 0,
        hidden_columns: HiddenColumns::default(),
        is_row_hidden: false,
        has_hidden: false,
        kind: String::new(),
        style: 0,
        value: String::new(),
        formula: String::new(),
        phonetic: 0,
        target: ' ',
        margin: String::new(),
        unknown: 0,
    };
    part(package, name, nesting, sink, &mut |node, sink| cells.node(node, sink))?;
    if cells.has_hidden {
        sink.finding(Finding::new(Code::Hidden, "The sheet has hidden rows or columns with content.").at(listed.name.clone()))?;
    }
    if cells.unknown > 0 {
        let text = format!("{} cells refer to texts that are not in the file.", cells.unknown);
        sink.finding(Finding::new(Code::PartDamaged, text).at(listed.name.clone()))?;
    }
    Ok(())
}

impl Cells<'_> {
    fn node(&mut self, node: Node<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
        match node {
            Node::Open(element) => self.open(element, sink),
            Node::Text(text) => {
                match self.target {
                    'v' => self.value.push_str(text),
                    'f' => self.formula.push_str(text),
                    'm' => self.margin.push_str(text),
                    _ => {}
                }
                Ok(())
            }
            Node::Close(name) => self.close(name, sink),
        }
    }

    fn open(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        match element.name.as_str() {
            "row" => {
                self.row = element.number("r").unwrap_or_else(|| self.row.saturating_add(1));
                self.column = 0;
                self.is_row_hidden = element.is_on("hidden");
            }
            "col" if element.is_on("hidden") => {
                if let (Some(first), Some(last)) = (element.number("min"), element.number("max")) {
                    self.hidden_columns.add(first, last);
                }
            }
            "c" => {
                let counted = (self.row.max(1), self.column.saturating_add(1));
                (self.row, self.column) = element.get("r").and_then(place).unwrap_or(counted);
                self.kind = element.get("t").unwrap_or("n").to_owned();
                self.style = element.number("s").unwrap_or(0) as usize;
                self.value.clear();
                self.formula.clear();
            }
            "v" => self.target = 'v',
            "t" if self.phonetic == 0 => self.target = 'v',
            "f" => self.target = 'f',
            "rPh" => self.phonetic += 1,
            "oddHeader" | "oddFooter" | "evenHeader" | "evenFooter" | "firstHeader" | "firstFooter" => {
                self.margin.clear();
                self.target = 'm';
            }
            "dataValidation" => {
                for name in ["promptTitle", "prompt", "errorTitle", "error"] {
                    if let Some(text) = element.get(name) {
                        self.flow.tell(BlockKind::Comment, text, sink)?;
                    }
                }
            }
            "sheetProtection" => sink.property("ooxml:protection", "sheet".to_owned())?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        match name {
            "v" | "t" | "f" => self.target = ' ',
            "rPh" => self.phonetic = self.phonetic.saturating_sub(1),
            "c" => self.cell(sink)?,
            "oddHeader" | "oddFooter" | "evenHeader" | "evenFooter" | "firstHeader" | "firstFooter" => {
                self.target = ' ';
                let text = header_text(&self.margin);
                self.flow.tell(BlockKind::Margin, &text, sink)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn cell(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let mut kind = BlockKind::Cell;
        let text = if !self.value.is_empty() {
            match self.shared.text(&self.kind, &self.value, self.style) {
                Some(text) => text,
                None => {
                    self.unknown += 1;
                    return Ok(());
                }
            }
        } else if !self.formula.is_empty() {
            // A formula whose value was not kept.
            kind = BlockKind::Field;
            format!("={}", self.formula)
        } else {
            return Ok(());
        };
        let is_hidden = self.is_row_hidden || self.hidden_columns.has(self.column);
        self.has_hidden |= is_hidden;
        self.flow.enter_cell(self.row, self.column);
        self.flow.tell(if is_hidden { BlockKind::Hidden } else { kind }, &text, sink)?;
        if self.kind == "s"
            && let Some(spoken) = self.value.trim().parse().ok().and_then(|number: usize| self.shared.spoken.get(&number))
        {
            self.flow.tell(if is_hidden { BlockKind::Hidden } else { BlockKind::Caption }, spoken, sink)?;
        }
        self.flow.leave();
        Ok(())
    }
}

/// Words of a header without the codes for place, font and numbers (18.3.1.46).
pub(super) fn header_text(raw: &str) -> String {
    let mut text = String::new();
    let mut letters = raw.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '&' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('&') => text.push('&'),
            Some('L' | 'C' | 'R') if !text.is_empty() => text.push('\n'),
            Some('"') => {
                letters.by_ref().find(|letter| *letter == '"');
            }
            Some('K') => {
                letters.by_ref().take(6).for_each(drop);
            }
            Some('0'..='9') => while letters.next_if(char::is_ascii_digit).is_some() {},
            _ => {}
        }
    }
    text.trim().to_owned()
}

/// What belongs to a sheet: comments, drawings, charts.
pub(super) fn around(package: &mut Package<'_, '_>, name: &str, sheet: &str, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let parts = relations(package, name, nesting, sink)?;
    for name in of_kind(&parts, "comments").chain(of_kind(&parts, "threadedComment")).filter(|name| name.ends_with(".xml")) {
        let mut flow = Flow::of_part(sheet);
        flow.enter(BlockKind::Comment);
        let mut is_text = false;
        part(package, name, nesting, sink, &mut |node, sink| {
            match node {
                Node::Open(element) => match element.name.as_str() {
                    "comment" | "tc:threadedComment" => {
                        let (row, column) = element.get("ref").and_then(place).unwrap_or((1, 1));
                        flow.enter_cell(row, column);
                        flow.open();
                    }
                    "t" | "tc:text" => is_text = true,
                    _ => {}
                },
                Node::Text(text) if is_text => flow.push(text),
                Node::Text(_) => {}
                Node::Close("t" | "tc:text") => is_text = false,
                Node::Close("comment" | "tc:threadedComment") => {
                    flow.close(sink)?;
                    flow.leave();
                }
                Node::Close(_) => {}
            }
            Ok(())
        })?;
    }
    for name in of_kind(&parts, "drawing") {
        drawing(package, name, Flow::of_part(sheet), Placeholders::All, nesting, sink)?;
        let inner = relations(package, name, nesting, sink)?;
        for name in of_kind(&inner, "chart").chain(of_kind(&inner, "chartEx")) {
            chart(package, name, Flow::of_part(format!("{sheet}: chart")), nesting, sink)?;
        }
        for name in of_kind(&inner, "diagramData") {
            drawing(package, name, Flow::of_part(format!("{sheet}: diagram")), Placeholders::All, nesting, sink)?;
        }
    }
    Ok(())
}

/// What pivot tables, links and connections keep: it may be in no sheet any more.
pub(super) fn kept(package: &mut Package<'_, '_>, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let caches: Vec<String> = package.named("xl/pivotCache/", ".xml").into_iter().filter(|name| !name.contains("/_rels/")).collect();
    for name in &caches {
        let mut flow = Flow::of_part(name.trim_start_matches("xl/").trim_end_matches(".xml"));
        flow.enter(BlockKind::Hidden);
        part(package, name, nesting, sink, &mut |node, sink| match node {
            Node::Open(element) if matches!(element.name.as_str(), "s" | "d" | "n" | "cacheField") => {
                let text = element.get(if element.name == "cacheField" { "name" } else { "v" }).unwrap_or_default();
                flow.tell(BlockKind::Hidden, text, sink)
            }
            _ => Ok(()),
        })?;
    }
    if !caches.is_empty() {
        sink.finding(Finding::new(Code::Hidden, "Pivot tables keep a copy of the data they were made from."))?;
    }
    for name in package.named("xl/externalLinks/externalLink", ".xml") {
        let mut flow = Flow::of_part(name.trim_start_matches("xl/").trim_end_matches(".xml"));
        flow.enter(BlockKind::Hidden);
        let mut is_value = false;
        part(package, &name, nesting, sink, &mut |node, sink| {
            match node {
                Node::Open(element) => match element.name.as_str() {
                    "cell" => {
                        let (row, column) = element.get("r").and_then(place).unwrap_or((1, 1));
                        flow.enter_cell(row, column);
                        flow.open();
                    }
                    "v" => is_value = true,
                    "ddeLink" => {
                        let text =
                            format!("It fetches data from {} {}", element.get("ddeService").unwrap_or_default(), element.get("ddeTopic").unwrap_or_default());
                        sink.finding(Finding::new(Code::External, text).at(name.clone()))?;
                    }
                    _ => {}
                },
                Node::Text(text) if is_value && flow.is_open() => flow.push(text),
                Node::Text(_) => {}
                Node::Close("v") => is_value = false,
                Node::Close("cell") => {
                    flow.close(sink)?;
                    flow.leave();
                }
                Node::Close(_) => {}
            }
            Ok(())
        })?;
    }
    part(package, "xl/connections.xml", nesting, sink, &mut |node, sink| match node {
        Node::Open(element) if !matches!(element.name.as_str(), "connections") => {
            let words: Vec<String> = ["name", "connection", "command", "url", "sourceFile", "localConnection"]
                .iter()
                .filter_map(|name| element.get(name).map(|value| format!("{name}: {value}")))
                .collect();
            if words.is_empty() { Ok(()) } else { sink.finding(Finding::new(Code::External, format!("A connection to data: {}", words.join("; ")))) }
        }
        _ => Ok(()),
    })?;
    for name in package.named("xl/persons/person", ".xml") {
        part(package, &name, nesting, sink, &mut |node, sink| match node {
            Node::Open(element) => sink.property("ooxml:person", element.get("displayName").unwrap_or_default().to_owned()),
            _ => Ok(()),
        })?;
    }
    Ok(())
}
