//! HWPX: the package of OWPML (KS X 6101), Hangul's XML format. The sections in the order of the package's spine, with cells, notes, headers, text boxes,
//! tracked changes, form fields, equations; what lies in `BinData` as contained files.

use std::collections::{HashMap, HashSet};

use crate::document::{BlockKind, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::readers::flow::Flow;
use crate::readers::hwp::has_own_script;
use crate::readers::markup::{Element, Node, part};
use crate::readers::opendocument::manifest::{Manifest, manifest};
use crate::readers::package::Package;
use crate::readers::told::Told;
use crate::source::{Source, Stop};
use crate::table::Context;

/// Parts that hold no words: layout, settings, lists of the package.
const SILENT: &[&str] = &["mimetype", "version.xml", "settings.xml", "META-INF/container.xml", "META-INF/manifest.xml", "META-INF/container.rdf"];

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut told = Told::new(sink);
    if let Some(mut package) = Package::open(source, context.limits, &mut told)? {
        document(&mut package, context, &mut told)?;
    }
    told.finish()
}

fn document(package: &mut Package<'_, '_>, context: &Context<'_>, sink: &mut Told<'_>) -> Result<(), Stop> {
    let nesting = context.limits.nesting;
    let Manifest { encrypted, .. } = manifest(package, nesting, sink)?;
    let spine = contents(package, nesting, sink)?;
    if spine.iter().any(|name| encrypted.contains(name)) {
        sink.finding(Finding::new(Code::Encrypted, "The document needs a password."))?;
        preview(package, sink)?;
        return rest(package, &encrypted, sink);
    }
    let headings = headings(package, nesting, sink)?;
    let mut number = 0;
    for name in &spine {
        let is_section = name.to_ascii_lowercase().contains("section");
        number += u32::from(is_section);
        let place = if is_section { format!("section {number}") } else { name.rsplit('/').next().unwrap_or(name).trim_end_matches(".xml").to_owned() };
        let mut text = Text { flow: Flow::of_part(place), headings: &headings, is_text: false, deleting: 0, changes: 0, gathered: None };
        if !is_section {
            text.flow.enter(BlockKind::Margin);
        }
        let is_there = part(package, name, nesting, sink, &mut |node, sink| text.node(node, sink))?;
        text.flow.close_all(sink)?;
        if !is_there {
            sink.finding(Finding::new(Code::ChildMissing, "A section is named and not there.").at(name.clone()))?;
        }
        if text.changes > 0 {
            sink.finding(Finding::new(Code::Hidden, format!("{} tracked changes are in the text.", text.changes)).at(name.clone()))?;
        }
    }
    if number == 0 {
        sink.finding(Finding::new(Code::Damaged, "The document has no section that can be read."))?;
    }
    if sink.blocks == 0 && sink.has_loss {
        preview(package, sink)?;
    }
    for name in package.named("Chart/", ".xml") {
        crate::readers::ooxml::drawing::chart(package, &name, Flow::of_part(name.clone()), nesting, sink)?;
    }
    scripts(package, sink)?;
    rest(package, &encrypted, sink)
}

/// Properties of the document, and its sections in order (content.hpf, an OPF package file).
fn contents(package: &mut Package<'_, '_>, nesting: u32, sink: &mut dyn Sink) -> Result<Vec<String>, Stop> {
    let mut items: Vec<String> = Vec::new();
    let mut by_id: HashMap<String, String> = HashMap::new();
    let mut spine = Vec::new();
    let mut open: Option<(String, String)> = None;
    let is_there = part(package, "Contents/content.hpf", nesting, sink, &mut |node, sink| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "opf:title" => open = Some(("dc:title".to_owned(), String::new())),
                "opf:language" => open = Some(("dc:language".to_owned(), String::new())),
                "opf:meta" => open = element.get("name").map(|name| (property(name), String::new())),
                "opf:item" => {
                    let name = element.get("href").unwrap_or_default().to_owned();
                    by_id.insert(element.get("id").unwrap_or_default().to_owned(), name.clone());
                    items.push(name);
                }
                "opf:itemref" => spine.extend(element.get("idref").and_then(|id| by_id.get(id)).cloned()),
                _ => {}
            },
            Node::Text(text) => {
                if let Some((_, value)) = &mut open {
                    value.push_str(text);
                }
            }
            Node::Close(_) => {
                if let Some((name, value)) = open.take() {
                    sink.property(&name, value)?;
                }
            }
        }
        Ok(())
    })?;
    if !is_there {
        sink.finding(Finding::new(Code::PartDamaged, "The list of the document's parts is not there.").at("Contents/content.hpf"))?;
    }
    // Items that the spine forgets, and sections that nothing names, are read after the others.
    let mut sections: Vec<String> = spine.into_iter().chain(items).collect();
    sections.extend(package.named("Contents/section", ".xml"));
    sections.retain(|name| {
        let name = name.to_ascii_lowercase();
        name.ends_with(".xml") && (name.contains("/section") || name.contains("/masterpage"))
    });
    let mut seen = HashSet::new();
    sections.retain(|name| seen.insert(name.to_ascii_lowercase()));
    Ok(sections)
}

fn property(name: &str) -> String {
    match name {
        "creator" | "subject" | "description" => format!("dc:{name}"),
        "CreatedDate" => "dcterms:created".to_owned(),
        "ModifiedDate" => "dcterms:modified".to_owned(),
        other => format!("hwpx:{other}"),
    }
}

/// Ids of paragraph shapes that make headings; authors of changes are told on the way.
fn headings(package: &mut Package<'_, '_>, nesting: u32, sink: &mut dyn Sink) -> Result<HashSet<String>, Stop> {
    let mut headings = HashSet::new();
    let mut shape = String::new();
    part(package, "Contents/header.xml", nesting, sink, &mut |node, sink| {
        if let Node::Open(element) = node {
            match element.name.as_str() {
                "hh:paraPr" => shape = element.get("id").unwrap_or_default().to_owned(),
                "hh:heading" if element.get("type") == Some("OUTLINE") => {
                    headings.insert(shape.clone());
                }
                "hh:trackChangeAuthor" => sink.property("hwpx:change_author", element.get("name").unwrap_or_default().to_owned())?,
                "hh:trackChange" => {
                    let value = |name| element.get(name).unwrap_or_default();
                    let text = format!("{} {} by author {}", value("type"), value("date"), value("authorID"));
                    sink.property(&format!("hwpx:change_{}", value("id")), text)?;
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    Ok(headings)
}

/// The text of a section as it is read.
struct Text<'a> {
    flow: Flow,
    headings: &'a HashSet<String>,
    /// Inside `hp:t`.
    is_text: bool,
    /// How many deletions are open.
    deleting: u32,
    changes: u32,
    /// What is gathered until its element ends.
    gathered: Option<String>,
}

impl Text<'_> {
    fn node(&mut self, node: Node<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
        match node {
            Node::Open(element) => self.open(element, sink),
            Node::Text(text) => {
                if let Some(gathered) = &mut self.gathered {
                    gathered.push_str(text);
                } else if self.is_text {
                    self.push(text);
                }
                Ok(())
            }
            Node::Close(name) => self.close(name, sink),
        }
    }

    fn push(&mut self, text: &str) {
        if self.deleting > 0 {
            self.flow.push_hidden(text);
        } else {
            self.flow.push(text);
        }
    }

    fn open(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        match element.name.as_str() {
            "hp:p" => {
                self.is_text = false;
                self.flow.open();
                if element.get("paraPrIDRef").is_some_and(|id| self.headings.contains(id)) {
                    self.flow.set_kind(BlockKind::Heading);
                }
            }
            "hp:t" => self.is_text = true,
            "hp:tab" if self.is_text => self.push("\t"),
            "hp:lineBreak" if self.is_text => self.push("\n"),
            "hp:nbSpace" if self.is_text => self.push("\u{a0}"),
            "hp:fwSpace" if self.is_text => self.push("\u{2002}"),
            "hp:hyphen" if self.is_text => self.push("\u{2011}"),
            "hp:deleteBegin" => {
                self.deleting = self.deleting.saturating_add(1);
                self.changes = self.changes.saturating_add(1);
            }
            "hp:deleteEnd" => self.deleting = self.deleting.saturating_sub(1),
            "hp:insertBegin" => self.changes = self.changes.saturating_add(1),
            "hp:header" | "hp:footer" => self.flow.enter(BlockKind::Margin),
            "hp:footNote" | "hp:endNote" => self.flow.enter(BlockKind::Note),
            "hp:hiddenComment" => self.flow.enter(BlockKind::Comment),
            "hp:caption" => self.flow.enter(BlockKind::Caption),
            "hp:fieldBegin" => self.flow.enter(if element.get("type") == Some("MEMO") { BlockKind::Comment } else { BlockKind::Field }),
            "hp:tbl" => self.flow.open_table(),
            "hp:tr" => self.flow.open_row(),
            "hp:tc" => self.flow.open_unplaced_cell(),
            // Stands behind the text of its cell.
            "hp:cellAddr" => {
                if let (Some(row), Some(column)) = (element.number("rowAddr"), element.number("colAddr")) {
                    self.flow.place_cell(row.saturating_add(1), column.saturating_add(1));
                }
            }
            "hp:script" | "hp:mainText" | "hp:subText" | "hp:text" | "hp:shapeComment" | "hp:firstKey" | "hp:secondKey" | "hp:stringParam" => {
                self.gathered = Some(if element.get("name") == Some("Path") { "\u{0}".to_owned() } else { String::new() });
            }
            "hp:textart" => self.attribute(element, "text", BlockKind::Caption, sink)?,
            "hp:compose" => self.attribute(element, "composeText", BlockKind::Paragraph, sink)?,
            "hp:btn" | "hp:checkBtn" | "hp:radioBtn" => self.attribute(element, "caption", BlockKind::Field, sink)?,
            "hp:comboBox" | "hp:listBox" => self.attribute(element, "selectedValue", BlockKind::Field, sink)?,
            "hp:listItem" => self.attribute(element, "displayText", BlockKind::Field, sink)?,
            _ => {}
        }
        Ok(())
    }

    fn attribute(&mut self, element: &Element, name: &str, kind: BlockKind, sink: &mut dyn Sink) -> Result<(), Stop> {
        // Line ends stand as their pictures in attributes.
        let text = element.get(name).unwrap_or_default().replace("␍␊", "\n");
        self.flow.tell(kind, &text, sink)
    }

    fn close(&mut self, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        match name {
            "hp:p" => self.flow.close(sink)?,
            "hp:t" => self.is_text = false,
            "hp:header" | "hp:footer" | "hp:footNote" | "hp:endNote" | "hp:hiddenComment" | "hp:caption" | "hp:fieldBegin" => self.flow.leave(),
            "hp:tc" => self.flow.close_unplaced_cell(),
            "hp:tbl" => self.flow.close_table(),
            "hp:script" | "hp:mainText" => self.gathered(BlockKind::Paragraph, sink)?,
            "hp:subText" | "hp:shapeComment" => self.gathered(BlockKind::Caption, sink)?,
            "hp:text" | "hp:firstKey" | "hp:secondKey" => self.gathered(BlockKind::Field, sink)?,
            "hp:stringParam" => {
                if let Some(target) = self.gathered.take().and_then(|text| text.strip_prefix('\u{0}').map(str::to_owned)) {
                    sink.property("hwpx:hyperlink", target)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn gathered(&mut self, kind: BlockKind, sink: &mut dyn Sink) -> Result<(), Stop> {
        let text = self.gathered.take().unwrap_or_default();
        self.flow.tell(kind, &text, sink)
    }
}

/// The beginning of the text, kept for file managers: told when the text itself cannot be read.
fn preview(package: &mut Package<'_, '_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let bytes = package.bytes("Preview/PrvText.txt", sink)?.unwrap_or_default();
    let mut flow = Flow::of_part("preview");
    for line in String::from_utf8_lossy(&bytes).lines() {
        flow.tell(BlockKind::Hidden, line, sink)?;
    }
    Ok(())
}

fn scripts(package: &mut Package<'_, '_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    for name in package.named("Scripts/", "") {
        let bytes = package.bytes(&name, sink)?.unwrap_or_default();
        let (text, ..) = encoding_rs::UTF_16LE.decode(&bytes);
        if has_own_script(text.trim()) {
            sink.finding(Finding::new(Code::ActiveContent, "The document holds a script.").at(name.clone()))?;
            if let Some(index) = package.find(&name) {
                package.child(index, ChildRole::Embedded, Some("text/javascript".to_owned()), sink)?;
            }
        }
    }
    Ok(())
}

/// Whatever else is in the package.
fn rest(package: &mut Package<'_, '_>, encrypted: &HashSet<String>, sink: &mut dyn Sink) -> Result<(), Stop> {
    package.rest(sink, |name| {
        if SILENT.contains(&name) || name.starts_with("Preview/PrvText") || encrypted.contains(name) {
            None
        } else if name.starts_with("Preview/") {
            Some(ChildRole::Thumbnail)
        } else if name.starts_with("Contents/") && (name.ends_with(".xml") || name.ends_with(".hpf")) {
            None
        } else {
            Some(ChildRole::Embedded)
        }
    })
}
