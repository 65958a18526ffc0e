//! The elements of OpenDocument that hold words (OpenDocument 1.3, part 3): the same for texts, sheets, slides and drawings, in packages and in single files.

use std::io::Read;

use crate::document::{BlockKind, Child, ChildRole, Part, Sink};
use crate::finding::{Code, Finding};
use crate::readers::flow::Flow;
use crate::readers::markup::{Element, Node};
use crate::source::Stop;

/// Most spaces that one element stands for.
const MOST_SPACES: u32 = 4096;
/// Points in a unit of length.
const UNITS: &[(&str, f32)] = &[("in", 72.0), ("cm", 28.346_457), ("mm", 2.834_645_7), ("pt", 1.0), ("pc", 12.0), ("px", 0.75)];

/// What is gathered until its element ends.
#[derive(Debug, PartialEq, Eq)]
enum Gathering {
    Property(String),
    Caption,
    Script,
    Annotation(&'static str),
    Binary,
}

/// Reads the words of one stream of XML.
pub(crate) struct Text {
    flow: Flow,
    gathered: Option<(Gathering, String)>,
    pages: u32,
    sheets: u32,
    /// How many elements are open that hold no words.
    silent: u32,
    /// Whether tables are sheets: every one starts a part.
    is_sheet: bool,
    table_depth: u32,
    /// Names of changes that deleted text, whether inside one now.
    deletion: bool,
    /// Repeated rows and columns are told once.
    is_hidden_row: bool,
    entered: Vec<(u32, usize)>,
    depth: u32,
    cell_value: Option<String>,
    cell_has_text: bool,
    /// Inside a comment or the remark of a change: who and when are said in it.
    is_remark: bool,
    author: String,
    date: String,
    page_size: Option<(f32, f32)>,
    /// Objects that are referred to, in order.
    pub objects: Vec<String>,
    /// References that lead out of the file.
    pub external: Vec<String>,
    /// Whether there are macros or scripts.
    pub has_scripts: bool,
    /// How many changes are tracked.
    pub changes: u32,
}

impl Text {
    /// For the main stream or a part of this name.
    pub fn new(part: Option<String>) -> Self {
        Self {
            flow: part.map_or_else(Flow::new, Flow::of_part),
            gathered: None,
            pages: 0,
            sheets: 0,
            silent: 0,
            is_sheet: false,
            table_depth: 0,
            deletion: false,
            is_hidden_row: false,
            entered: Vec::new(),
            depth: 0,
            cell_value: None,
            cell_has_text: false,
            is_remark: false,
            author: String::new(),
            date: String::new(),
            page_size: None,
            objects: Vec::new(),
            external: Vec::new(),
            has_scripts: false,
            changes: 0,
        }
    }

    /// Takes the next node.
    pub fn node(&mut self, node: Node<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
        match node {
            Node::Open(element) => {
                self.depth += 1;
                self.open(element, sink)
            }
            Node::Text(text) => {
                self.text(text);
                Ok(())
            }
            Node::Close(name) => {
                self.close(name, sink)?;
                while let Some((_, scopes)) = self.entered.pop_if(|(depth, _)| *depth >= self.depth) {
                    for _ in 0..scopes {
                        self.flow.leave();
                    }
                }
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
        }
    }

    /// Ends the stream.
    pub fn finish(mut self, sink: &mut dyn Sink) -> Result<Self, Stop> {
        self.flow.close_all(sink)?;
        Ok(self)
    }

    fn text(&mut self, text: &str) {
        if let Some((_, gathered)) = &mut self.gathered {
            gathered.push_str(text);
        } else if self.silent == 0 && self.flow.is_open() {
            // White space in paragraphs is one space, and none at their beginning (part 3, 6.1.2).
            let mut last_is_space = self.flow.text().is_empty() || self.flow.text().ends_with([' ', '\n', '\t']);
            let mut plain = String::with_capacity(text.len());
            for letter in text.chars() {
                let is_space = matches!(letter, ' ' | '\t' | '\n' | '\r');
                if !is_space {
                    plain.push(letter);
                } else if !last_is_space {
                    plain.push(' ');
                }
                last_is_space = is_space;
            }
            self.push(&plain);
        }
    }

    fn push(&mut self, text: &str) {
        if self.deletion { self.flow.push_hidden(text) } else { self.flow.push(text) }
    }

    /// Whatever is in the open element is of this kind.
    fn enter(&mut self, kind: BlockKind) {
        self.flow.enter(kind);
        self.entered.push((self.depth, 1));
    }

    fn open(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        if let Some(target) = element.get("xlink:href") {
            self.link(&element.name, target, sink)?;
        }
        match element.name.as_str() {
            "text:p" | "text:h" => {
                self.flow.open();
                self.cell_has_text = true;
                if element.name == "text:h" {
                    self.flow.set_kind(BlockKind::Heading);
                }
            }
            "text:s" => {
                let count = element.number("text:c").unwrap_or(1).min(MOST_SPACES);
                self.push(&" ".repeat(count as usize));
            }
            "text:tab" | "text:tab-stop" => self.push("\t"),
            "text:line-break" => self.push("\n"),
            "text:note-body" | "text:footnote-body" | "text:endnote-body" => self.enter(BlockKind::Note),
            "text:note-citation" | "text:footnote-citation" | "text:endnote-citation" => self.silent += 1,
            "office:annotation" | "office:change-info" => {
                self.author.clear();
                self.date.clear();
                self.is_remark = true;
                self.enter(BlockKind::Comment);
            }
            "presentation:notes" => self.enter(BlockKind::Comment),
            "text:deletion" => {
                self.changes = self.changes.saturating_add(1);
                self.enter(BlockKind::Hidden);
            }
            "text:insertion" | "text:format-change" => self.changes = self.changes.saturating_add(1),
            "text:hidden-text" => {
                self.flow.push_hidden(element.get("text:string-value").unwrap_or_default());
            }
            "text:hidden-paragraph" => {}
            "style:header" | "style:footer" | "style:header-left" | "style:footer-left" | "style:header-first" | "style:footer-first" => {
                self.enter(BlockKind::Margin);
            }
            "presentation:header-decl" | "presentation:footer-decl" | "presentation:date-time-decl" => {
                self.enter(BlockKind::Margin);
                self.flow.open();
            }
            "style:master-page" => self.enter(BlockKind::Margin),
            "office:automatic-styles" | "office:styles" | "office:font-face-decls" | "office:settings" => self.silent += 1,
            "office:spreadsheet" => self.is_sheet = true,
            "script:event-listener" | "office:event" => self.has_scripts = true,
            "ooo:source-code" | "script:source-code" => self.gathered = Some((Gathering::Script, String::new())),
            "style:page-layout-properties" if self.page_size.is_none() => {
                let length = |name| element.get(name).and_then(points);
                self.page_size = length("fo:page-width").zip(length("fo:page-height"));
            }
            "draw:page" => {
                self.pages = self.pages.saturating_add(1);
                self.flow.turn(self.pages);
                let (width, height) = self.page_size.unwrap_or_default();
                sink.part(Part::Page { number: self.pages, width, height })?;
            }
            "draw:frame" | "draw:custom-shape" if element.get("presentation:placeholder") == Some("true") => {}
            "svg:title" | "svg:desc" => self.gathered = Some((Gathering::Caption, String::new())),
            "office:binary-data" => self.gathered = Some((Gathering::Binary, String::new())),
            "dc:creator" if self.is_remark => self.gathered = Some((Gathering::Annotation("author"), String::new())),
            "dc:date" if self.is_remark => self.gathered = Some((Gathering::Annotation("date"), String::new())),
            name if name.starts_with("table:") => self.open_table(element, sink)?,
            name if name.starts_with("form:") => self.form(element, sink)?,
            name if name.starts_with("meta:") || name.starts_with("dc:") => self.property(element, sink)?,
            _ => {}
        }
        Ok(())
    }

    fn link(&mut self, name: &str, target: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        let is_outside = target.contains("://") || target.starts_with("file:") || target.starts_with("../") || target.starts_with("mailto:");
        match name {
            "text:a" | "office:a" | "draw:a" => sink.property("odf:hyperlink", target.to_owned()),
            _ if is_outside => {
                self.external.push(target.to_owned());
                Ok(())
            }
            "draw:object" | "draw:object-ole" => {
                self.objects.push(target.trim_start_matches("./").to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open_table(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        match element.name.as_str() {
            "table:table" => {
                self.table_depth += 1;
                if self.is_sheet && self.table_depth == 1 {
                    self.sheets = self.sheets.saturating_add(1);
                    let name = element.get("table:name").map_or_else(|| format!("sheet {}", self.sheets), str::to_owned);
                    self.flow.close_all(sink)?;
                    sink.property("sheet", name.clone())?;
                    self.flow = Flow::of_part(name);
                    self.entered.clear();
                }
                self.flow.open_table();
            }
            "table:table-row" => {
                self.flow.open_row();
                if matches!(element.get("table:visibility"), Some("collapse")) {
                    self.is_hidden_row = true;
                    self.enter(BlockKind::Hidden);
                }
                // The row is told once, at its first place.
                self.flow.skip_rows_after(element.number("table:number-rows-repeated").unwrap_or(1).saturating_sub(1));
            }
            "table:table-cell" | "table:covered-table-cell" => {
                self.flow.open_cell();
                self.entered.push((self.depth, 1));
                self.cell_has_text = false;
                self.cell_value = ["office:string-value", "office:date-value", "office:time-value", "office:boolean-value", "office:value", "table:value"]
                    .iter()
                    .find_map(|name| element.get(name))
                    .map(str::to_owned);
                self.flow.skip_columns_after(element.number("table:number-columns-repeated").unwrap_or(1).saturating_sub(1));
            }
            // Saved values of linked sheets, and changes to cells, are content that is not shown.
            "table:tracked-changes" => self.enter(BlockKind::Hidden),
            "table:dde-link" | "table:table-source" => self.enter(BlockKind::Hidden),
            "table:content-validation" | "table:error-message" | "table:help-message" => {}
            "table:named-range" | "table:named-expression" => {
                let value = element.get("table:cell-range-address").or_else(|| element.get("table:expression")).unwrap_or_default();
                sink.property("ods:defined_name", format!("{} = {value}", element.get("table:name").unwrap_or_default()))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn form(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        for name in ["form:label", "form:current-value", "form:value", "form:title"] {
            if let Some(value) = element.get(name) {
                self.flow.tell(BlockKind::Field, value, sink)?;
            }
        }
        Ok(())
    }

    /// Something the document says about itself.
    fn property(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        if element.name == "meta:document-statistic" {
            for (name, value) in &element.attributes {
                let name = if name == "meta:page-count" { "page_count".to_owned() } else { name.clone() };
                sink.property(&name, value.clone())?;
            }
        } else if self.gathered.is_none() && !self.flow.is_open() {
            let name = match (element.name.as_str(), element.get("meta:name")) {
                ("meta:user-defined", Some(name)) => format!("odf:{name}"),
                ("meta:initial-creator", _) => "dc:creator".to_owned(),
                ("dc:creator", _) => "odf:last_author".to_owned(),
                ("meta:creation-date", _) => "dcterms:created".to_owned(),
                ("dc:date", _) => "dcterms:modified".to_owned(),
                (name, _) => name.to_owned(),
            };
            self.gathered = Some((Gathering::Property(name), String::new()));
        }
        Ok(())
    }

    fn close(&mut self, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        if !matches!(name, "text:span" | "text:line-break") {
            self.gathered(name, sink)?;
        }
        match name {
            "text:p" | "text:h" | "presentation:header-decl" | "presentation:footer-decl" | "presentation:date-time-decl" => self.flow.close(sink)?,
            "text:note-citation" | "text:footnote-citation" | "text:endnote-citation" => self.silent = self.silent.saturating_sub(1),
            "office:automatic-styles" | "office:styles" | "office:font-face-decls" | "office:settings" => self.silent = self.silent.saturating_sub(1),
            "office:annotation" | "office:change-info" => {
                self.is_remark = false;
                let who: Vec<&str> = [self.author.as_str(), self.date.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
                if !who.is_empty() {
                    sink.property(if name == "office:annotation" { "comment_by" } else { "change_by" }, who.join(" "))?;
                }
            }
            "table:table-cell" | "table:covered-table-cell" => {
                if let Some(value) = self.cell_value.take().filter(|_| !self.cell_has_text) {
                    self.flow.open();
                    self.flow.push(&value);
                    self.flow.close(sink)?;
                }
            }
            "table:table" => {
                self.table_depth = self.table_depth.saturating_sub(1);
                self.flow.close_table();
            }
            _ => {}
        }
        Ok(())
    }

    fn gathered(&mut self, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        let Some((gathering, text)) = self.gathered.take() else { return Ok(()) };
        match gathering {
            Gathering::Property(property) => sink.property(&property, text.trim().to_owned()),
            Gathering::Caption => self.flow.tell(BlockKind::Caption, &text, sink),
            Gathering::Script => {
                self.has_scripts |= !text.trim().is_empty();
                self.flow.tell(BlockKind::Hidden, &text, sink)
            }
            Gathering::Annotation("author") => {
                self.author = text.trim().to_owned();
                Ok(())
            }
            Gathering::Annotation(_) => {
                self.date = text.trim().to_owned();
                Ok(())
            }
            Gathering::Binary => binary(name, &text, sink),
        }
    }

    /// Whether hidden rows were found.
    pub fn has_hidden(&self) -> bool {
        self.is_hidden_row
    }
}

/// A picture or object that stands in the XML.
fn binary(place: &str, text: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
    use base64::Engine as _;
    let packed: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    match base64::engine::general_purpose::STANDARD.decode(packed) {
        Ok(bytes) => {
            let mut child = Child::new(ChildRole::Embedded, "");
            child.size_bytes = Some(bytes.len() as u64);
            sink.child(child, &mut (bytes.as_slice() as &[u8]).by_ref())?;
            Ok(())
        }
        Err(error) => sink.finding(Finding::new(Code::ChildFailed, format!("An embedded file cannot be decoded: {error}.")).at(place)),
    }
}

/// A length in points.
fn points(length: &str) -> Option<f32> {
    let (number, factor) = UNITS.iter().find_map(|(unit, factor)| Some((length.trim().strip_suffix(unit)?, factor)))?;
    number.trim().parse::<f32>().ok().map(|number| number * factor).filter(|points| points.is_finite())
}
