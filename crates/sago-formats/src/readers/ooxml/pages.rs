//! Drawings of Visio (MS-VSDX) and fixed pages of XPS (ECMA-388): text where it stands on pages.

use crate::document::{BlockKind, Part, Sink};
use crate::finding::{Code, Finding};
use crate::readers::flow::Flow;
use crate::readers::markup::{Node, part};
use crate::readers::package::Package;
use crate::source::Stop;

use super::relations::{relations, resolved, targets};

/// Points in a unit of XPS, which is 1/96 inch.
const XPS_POINTS: f32 = 0.75;

/// Reads the pages of a drawing; those that are only in the file, and the masters, after them.
pub(super) fn visio(package: &mut Package<'_, '_>, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    for (list, kind) in [("visio/pages/pages.xml", BlockKind::Paragraph), ("visio/masters/masters.xml", BlockKind::Margin)] {
        let parts = relations(package, list, nesting, sink)?;
        let by_id = targets(&parts);
        let mut pages: Vec<(String, String)> = Vec::new();
        part(package, list, nesting, sink, &mut |node, _| {
            if let Node::Open(element) = node {
                match element.name.as_str() {
                    "Page" | "Master" => pages.push((element.get("Name").or_else(|| element.get("NameU")).unwrap_or_default().to_owned(), String::new())),
                    "Rel" => {
                        if let (Some(page), Some(id)) = (pages.last_mut(), element.get("r:id")) {
                            page.1 = id.to_owned();
                        }
                    }
                    _ => {}
                }
            }
            Ok(())
        })?;
        for (number, (title, id)) in (1_u32..).zip(pages) {
            let Some(name) = by_id.get(id.as_str()).map(|name| (*name).to_owned()) else { continue };
            let is_page = kind == BlockKind::Paragraph;
            if is_page {
                sink.part(Part::Page { number, width: 0.0, height: 0.0 })?;
            }
            let mut flow = if is_page { Flow::of_page(number) } else { Flow::of_part(format!("master {number}")) };
            flow.tell(if is_page { BlockKind::Heading } else { kind }, &title, sink)?;
            flow.enter(kind);
            let mut depth = 0_u32;
            part(package, &name, nesting, sink, &mut |node, sink| {
                match node {
                    Node::Open(element) if element.name == "Text" => {
                        depth += 1;
                        flow.open();
                    }
                    Node::Text(text) if depth > 0 => flow.push(text),
                    Node::Close("Text") => {
                        depth = depth.saturating_sub(1);
                        flow.close(sink)?;
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Reads the fixed documents that start from this part.
pub(super) fn xps(package: &mut Package<'_, '_>, main: &str, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut documents = Vec::new();
    references(package, main, "DocumentReference", &mut documents, nesting, sink)?;
    let mut pages = Vec::new();
    for name in &documents {
        references(package, name, "PageContent", &mut pages, nesting, sink)?;
    }
    for (number, name) in (1_u32..).zip(&pages) {
        let mut flow = Flow::of_page(number);
        let mut line: Option<String> = None;
        let is_there = part(package, name, nesting, sink, &mut |node, sink| {
            if let Node::Open(element) = node {
                match element.name.as_str() {
                    "FixedPage" => {
                        let length = |name| element.get(name).and_then(|length| length.parse::<f32>().ok()).unwrap_or(0.0) * XPS_POINTS;
                        sink.part(Part::Page { number, width: length("Width"), height: length("Height") })?;
                    }
                    "Glyphs" => {
                        let text = element.get("UnicodeString").unwrap_or_default();
                        let text = text.strip_prefix("{}").unwrap_or(text);
                        let origin = element.get("OriginY").map(str::to_owned);
                        // Runs on one height are a line.
                        if flow.is_open() && line != origin {
                            flow.close(sink)?;
                        }
                        if !flow.is_open() {
                            flow.open();
                        }
                        flow.push(text);
                        line = origin;
                    }
                    _ => {}
                }
            }
            Ok(())
        })?;
        flow.close_all(sink)?;
        if !is_there {
            sink.finding(Finding::new(Code::ChildMissing, "A page is listed and not there, or is kept in pieces.").at(name.clone()))?;
        }
    }
    Ok(())
}

fn references(package: &mut Package<'_, '_>, name: &str, element_name: &str, names: &mut Vec<String>, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    part(package, name, nesting, sink, &mut |node, _| {
        if let Node::Open(element) = node
            && element.name == element_name
        {
            names.extend(element.get("Source").map(|source| resolved(&folder, source)));
        }
        Ok(())
    })?;
    Ok(())
}
