//! WordprocessingML (ISO/IEC 29500-1, part 17): body, headers, footers, notes, comments, tracked changes, text boxes, content controls, fields.

use std::collections::{BTreeSet, HashMap};

use crate::document::{BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::readers::flow::Flow;
use crate::readers::markup::{Element, Node, part};
use crate::readers::package::Package;
use crate::source::Stop;

use super::drawing::{Alternates, Placeholders, chart, drawing};
use super::relations::{of_kind, relations};

/// Reads the document and everything that belongs to its text.
pub(super) fn read(package: &mut Package<'_, '_>, main: &str, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let parts = relations(package, main, nesting, sink)?;
    let mut styles = HashMap::new();
    for name in of_kind(&parts, "styles") {
        styles = read_styles(package, name, nesting, sink)?;
    }
    let mut state = Changes::default();
    stream(package, main, Flow::new(), None, &styles, &mut state, nesting, sink)?;
    let kinds = [
        ("footnotes", Some(BlockKind::Note)),
        ("endnotes", Some(BlockKind::Note)),
        ("comments", Some(BlockKind::Comment)),
        ("header", Some(BlockKind::Margin)),
        ("footer", Some(BlockKind::Margin)),
        ("glossaryDocument", Some(BlockKind::Hidden)),
    ];
    for (kind, block_kind) in kinds {
        let mut names: Vec<&str> = of_kind(&parts, kind).collect();
        names.sort_by_key(|name| (name.len(), *name));
        for name in names {
            if package.find(name).is_none_or(|index| !package.is_seen(index)) {
                let place = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".xml").to_owned();
                stream(package, name, Flow::of_part(place), block_kind, &styles, &mut state, nesting, sink)?;
            }
        }
    }
    // Diagrams and charts of the body, its notes and headers: named by number, and each is read once.
    for name in package.named("word/diagrams/data", ".xml") {
        drawing(package, &name, Flow::of_part(name.clone()), Placeholders::All, nesting, sink)?;
    }
    for name in package.named("word/charts/chart", ".xml") {
        chart(package, &name, Flow::of_part(name.clone()), nesting, sink)?;
    }
    for name in of_kind(&parts, "people") {
        part(package, name, nesting, sink, &mut |node, sink| match node {
            Node::Open(element) if element.name == "w15:person" => sink.property("ooxml:person", element.get("w15:author").unwrap_or_default().to_owned()),
            _ => Ok(()),
        })?;
    }
    for name in of_kind(&parts, "settings") {
        settings(package, name, nesting, sink)?;
    }
    state.tell(sink)
}

fn settings(package: &mut Package<'_, '_>, name: &str, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    part(package, name, nesting, sink, &mut |node, sink| {
        if let Node::Open(element) = node {
            match element.name.as_str() {
                "w:documentProtection" => sink.property("ooxml:protection", element.get("w:edit").unwrap_or("on").to_owned())?,
                "w:query" | "w:connectString" => {
                    let text = format!("It merges letters from a source of data: {}", element.get("w:val").unwrap_or_default());
                    sink.finding(Finding::new(Code::External, text))?;
                }
                "w:docVar" => {
                    let text = format!("{} = {}", element.get("w:name").unwrap_or_default(), element.get("w:val").unwrap_or_default());
                    sink.property("ooxml:document_variable", text)?;
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// What styles make of paragraphs: headings and captions, by the style's outline level and English name, which files keep in all languages.
fn read_styles(package: &mut Package<'_, '_>, name: &str, nesting: u32, sink: &mut dyn Sink) -> Result<HashMap<String, BlockKind>, Stop> {
    let mut styles = HashMap::new();
    let mut id = String::new();
    part(package, name, nesting, sink, &mut |node, _| {
        if let Node::Open(element) = node {
            match element.name.as_str() {
                "w:style" => id = element.get("w:styleId").unwrap_or_default().to_owned(),
                "w:name" => {
                    let name = element.get("w:val").unwrap_or_default().to_ascii_lowercase();
                    if name.starts_with("heading ") || name == "title" || name == "subtitle" {
                        styles.insert(id.clone(), BlockKind::Heading);
                    } else if name == "caption" {
                        styles.insert(id.clone(), BlockKind::Caption);
                    }
                }
                "w:outlineLvl" if element.number("w:val").is_some_and(|level| level < 9) => {
                    styles.insert(id.clone(), BlockKind::Heading);
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(styles)
}

/// Changes that were found in all streams.
#[derive(Debug, Default)]
struct Changes {
    inserted: u64,
    deleted: u64,
    hidden: u64,
    unmapped: u64,
    authors: BTreeSet<String>,
    external: BTreeSet<String>,
}

impl Changes {
    fn tell(self, sink: &mut dyn Sink) -> Result<(), Stop> {
        if self.inserted + self.deleted > 0 {
            let authors: Vec<String> = self.authors.into_iter().collect();
            let text = format!("Changes are tracked: {} insertions, {} deletions, by {}.", self.inserted, self.deleted, authors.join(", "));
            sink.finding(Finding::new(Code::Hidden, text))?;
        }
        if self.hidden > 0 {
            sink.finding(Finding::new(Code::Hidden, format!("{} runs of text are formatted as hidden.", self.hidden)))?;
        }
        if self.unmapped > 0 {
            let text = format!("{} signs are given by their place in a font of symbols.", self.unmapped);
            sink.finding(Finding::new(Code::UnmappedGlyphs, text))?;
        }
        for target in self.external {
            sink.finding(Finding::new(Code::External, format!("A field refers to {target}")))?;
        }
        Ok(())
    }
}

#[allow(clippy::too_many_arguments, reason = "what a stream is read into and by; every caller says all of it")]
fn stream(
    package: &mut Package<'_, '_>,
    name: &str,
    mut flow: Flow,
    kind: Option<BlockKind>,
    styles: &HashMap<String, BlockKind>,
    changes: &mut Changes,
    nesting: u32,
    sink: &mut dyn Sink,
) -> Result<(), Stop> {
    if let Some(kind) = kind {
        flow.enter(kind);
    }
    let mut text = Text {
        flow,
        styles,
        changes,
        alternates: Alternates::default(),
        silent: 0,
        target: Target::None,
        deleting: 0,
        is_run_hidden: false,
        is_ruby: 0,
        in_run: 0,
        instruction: String::new(),
    };
    part(package, name, nesting, sink, &mut |node, sink| text.node(node, sink))?;
    text.flow.close_all(sink)
}

/// Where text goes that comes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    None,
    Text,
    Deleted,
    Instruction,
}

struct Text<'a> {
    flow: Flow,
    styles: &'a HashMap<String, BlockKind>,
    changes: &'a mut Changes,
    alternates: Alternates,
    /// How many elements are open whose words do not count.
    silent: u32,
    target: Target,
    deleting: u32,
    is_run_hidden: bool,
    is_ruby: u32,
    in_run: u32,
    instruction: String,
}

impl Text<'_> {
    fn node(&mut self, node: Node<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
        if !self.alternates.passes(&node) {
            return Ok(());
        }
        match node {
            Node::Open(_) if self.silent > 0 => {
                self.silent += 1;
                Ok(())
            }
            Node::Close(_) if self.silent > 0 => {
                self.silent -= 1;
                Ok(())
            }
            Node::Open(element) => self.open(element, sink),
            Node::Text(text) => {
                if self.silent == 0 {
                    self.text(text);
                }
                Ok(())
            }
            Node::Close(name) => self.close(name, sink),
        }
    }

    fn text(&mut self, text: &str) {
        match self.target {
            Target::None => {}
            Target::Instruction => self.instruction.push_str(text),
            Target::Deleted => self.flow.push_hidden(text),
            Target::Text => self.push(text),
        }
    }

    fn push(&mut self, text: &str) {
        if self.deleting > 0 || self.is_run_hidden {
            self.flow.push_hidden(text);
        } else {
            self.flow.push(text);
        }
    }

    fn change(&mut self, element: &Element) {
        if let Some(author) = element.get("w:author") {
            self.changes.authors.insert(author.to_owned());
        }
    }

    fn open(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        match element.name.as_str() {
            "w:p" | "a:p" => self.flow.open(),
            "w:pStyle" => {
                if let Some(kind) = element.get("w:val").and_then(|id| self.styles.get(id)) {
                    self.flow.set_kind(*kind);
                }
            }
            "w:outlineLvl" if element.number("w:val").is_some_and(|level| level < 9) => self.flow.set_kind(BlockKind::Heading),
            "w:t" | "m:t" | "a:t" => self.target = Target::Text,
            "w:delText" => self.target = Target::Deleted,
            "w:instrText" | "w:delInstrText" => self.target = Target::Instruction,
            "w:r" => {
                self.is_run_hidden = false;
                self.in_run += 1;
            }
            "w:vanish" | "w:webHidden" if self.in_run > 0 && !matches!(element.get("w:val"), Some("0" | "false" | "off")) => {
                self.is_run_hidden = element.name == "w:vanish";
                self.changes.hidden += u64::from(self.is_run_hidden);
            }
            "w:tab" | "w:ptab" if self.in_run > 0 => self.push("\t"),
            "w:br" | "w:cr" if self.in_run > 0 => self.push("\n"),
            "w:noBreakHyphen" => self.push("\u{2011}"),
            "w:softHyphen" => self.push("\u{ad}"),
            "w:sym" => self.symbol(element),
            "w:ins" | "w:moveTo" => {
                self.changes.inserted += 1;
                self.change(element);
            }
            "w:del" | "w:moveFrom" => {
                self.deleting += 1;
                self.changes.deleted += 1;
                self.change(element);
            }
            "w:tbl" | "a:tbl" => self.flow.open_table(),
            "w:tr" | "a:tr" => self.flow.open_row(),
            "w:tc" | "a:tc" => self.flow.open_cell(),
            "w:gridBefore" => self.flow.skip_columns_after(element.number("w:val").unwrap_or(0)),
            "w:gridSpan" => self.flow.skip_columns_after(element.number("w:val").unwrap_or(1).saturating_sub(1)),
            "w:footnote" | "w:endnote" if element.get("w:type").is_some_and(|kind| kind.ends_with("eparator")) => self.silent = 1,
            "w:comment" => {
                let words: Vec<&str> = ["w:id", "w:author", "w:date"].iter().filter_map(|name| element.get(name)).collect();
                sink.property("comment_by", words.join(" "))?;
            }
            "w:fldSimple" => {
                self.instruction.push_str(element.get("w:instr").unwrap_or_default());
                self.instructed(sink)?;
            }
            "w:fldChar" if element.get("w:fldCharType") != Some("begin") => self.instructed(sink)?,
            "w:rt" => {
                self.is_ruby += 1;
                self.flow.enter(BlockKind::Caption);
                self.flow.open();
            }
            "wp:docPr" | "pic:cNvPr" | "wps:cNvPr" => self.tell(BlockKind::Caption, element, &["title", "descr"], sink)?,
            "v:shape" | "v:rect" | "v:roundrect" | "v:oval" => self.tell(BlockKind::Caption, element, &["alt"], sink)?,
            "v:textpath" => self.tell(BlockKind::Caption, element, &["string"], sink)?,
            "w:default" | "w:result" | "w:listEntry" => self.tell(BlockKind::Field, element, &["w:val"], sink)?,
            "w:listItem" => self.tell(BlockKind::Field, element, &["w:displayText"], sink)?,
            "w:statusText" | "w:helpText" => self.tell(BlockKind::Comment, element, &["w:val"], sink)?,
            // What the paragraph was like before a change of its format.
            "w:pPrChange" | "w:rPrChange" | "w:sectPrChange" | "w:tblPrChange" | "w:tcPrChange" | "w:trPrChange" => self.silent = 1,
            _ => {}
        }
        Ok(())
    }

    fn tell(&mut self, kind: BlockKind, element: &Element, names: &[&str], sink: &mut dyn Sink) -> Result<(), Stop> {
        for name in names {
            if let Some(text) = element.get(name) {
                self.flow.tell(kind, text, sink)?;
            }
        }
        Ok(())
    }

    /// A sign by its number in a font. Numbers of the private area are places in fonts of symbols: the sign is not known, the number is kept.
    fn symbol(&mut self, element: &Element) {
        let letter = element.get("w:char").and_then(|number| u32::from_str_radix(number, 16).ok()).and_then(char::from_u32);
        if let Some(letter) = letter {
            self.changes.unmapped += u64::from(('\u{e000}'..='\u{f8ff}').contains(&letter));
            self.push(letter.encode_utf8(&mut [0; 4]));
        }
    }

    /// The instruction of a field is complete: what it fetches from elsewhere is said.
    fn instructed(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let instruction = std::mem::take(&mut self.instruction);
        let mut words = instruction.split_whitespace();
        match words.next().map(str::to_ascii_uppercase).as_deref() {
            Some("HYPERLINK") => {
                let target = instruction.split('"').nth(1).or_else(|| words.next()).unwrap_or_default();
                sink.property("ooxml:hyperlink", target.to_owned())
            }
            Some("INCLUDETEXT" | "INCLUDEPICTURE" | "INCLUDE" | "IMPORT" | "DDE" | "DDEAUTO" | "LINK" | "RD" | "DATABASE") => {
                self.changes.external.insert(instruction.trim().to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn close(&mut self, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        match name {
            "w:p" | "a:p" => self.flow.close(sink)?,
            "w:t" | "m:t" | "a:t" | "w:delText" | "w:instrText" | "w:delInstrText" => self.target = Target::None,
            "w:r" => {
                self.is_run_hidden = false;
                self.in_run = self.in_run.saturating_sub(1);
            }
            "w:del" | "w:moveFrom" => self.deleting = self.deleting.saturating_sub(1),
            "w:tbl" | "a:tbl" => self.flow.close_table(),
            "w:tc" | "a:tc" => self.flow.leave(),
            "w:rt" => {
                self.flow.close(sink)?;
                self.flow.leave();
                self.is_ruby = self.is_ruby.saturating_sub(1);
            }
            _ => {}
        }
        Ok(())
    }
}
