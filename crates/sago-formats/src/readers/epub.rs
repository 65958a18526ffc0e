//! EPUB 2 and 3 (ISO/IEC 23736): the texts of a book in the order of its spine, its properties, its pictures as contained files.

use std::collections::{HashMap, HashSet};

use crate::document::{BlockKind, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::readers::flow::Flow;
use crate::readers::markup::{Element, Node, part};
use crate::readers::ooxml::resolved;
use crate::readers::package::Package;
use crate::readers::told::Told;
use crate::source::{Source, Stop};
use crate::table::Context;

/// An item of the book's manifest.
#[derive(Debug, Clone, Default)]
struct Item {
    name: String,
    media_type: String,
}

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut told = Told::new(sink);
    if let Some(mut package) = Package::open(source, context.limits, &mut told)? {
        book(&mut package, context.limits.nesting, &mut told)?;
    }
    told.finish()
}

fn book(package: &mut Package<'_, '_>, nesting: u32, sink: &mut Told<'_>) -> Result<(), Stop> {
    let mut roots = Vec::new();
    part(package, "META-INF/container.xml", nesting, sink, &mut |node, _| {
        if let Node::Open(element) = node
            && element.name.ends_with("rootfile")
        {
            roots.extend(element.get("full-path").map(str::to_owned));
        }
        Ok(())
    })?;
    if roots.is_empty() {
        roots = package.named("", ".opf");
    }
    let encrypted = encrypted(package, nesting, sink)?;
    let mut items = Vec::new();
    let mut spine = Vec::new();
    for root in &roots {
        root_file(package, root, &mut items, &mut spine, nesting, sink)?;
    }
    if spine.is_empty() {
        sink.finding(Finding::new(Code::PartDamaged, "The order of the book is not known; its texts are read as they lie in the file."))?;
    }
    // Texts that the spine forgets are read after the others.
    let listed = items.iter().filter(|item: &&Item| is_text(&item.media_type, &item.name)).map(|item| item.name.clone());
    let mut names: Vec<String> = spine.iter().cloned().chain(listed).collect();
    names.extend(package.entries().iter().map(|entry| entry.name.clone()).filter(|name| is_text("", name)));
    let mut seen = HashSet::new();
    let mut locked = 0_u32;
    for name in names {
        if !seen.insert(name.to_ascii_lowercase()) {
            continue;
        }
        if encrypted.contains(&name) {
            locked += 1;
            continue;
        }
        let mut text = Text { flow: Flow::of_part(name.clone()), ..Text::default() };
        if !part(package, &name, nesting, sink, &mut |node, sink| text.node(node, sink))? {
            sink.finding(Finding::new(Code::ChildMissing, "A text of the book is listed and not there.").at(name.clone()))?;
        }
        text.flow.close_all(sink)?;
    }
    if locked > 0 {
        let text = format!("{locked} texts of the book are encrypted.");
        sink.finding(if sink.blocks == 0 { Finding::new(Code::Encrypted, text) } else { Finding::new(Code::PartEncrypted, text) })?;
    }
    let media_types: HashMap<&str, &str> = items.iter().map(|item| (item.name.as_str(), item.media_type.as_str())).collect();
    for index in 0..package.entries().len() {
        let name = package.entries()[index].name.clone();
        let lower = name.to_ascii_lowercase();
        let is_silent = lower == "mimetype" || lower.starts_with("meta-inf/") || lower.ends_with(".css") || lower.ends_with(".ncx") || lower.ends_with(".opf");
        if !package.is_seen(index) && !is_silent && !encrypted.contains(&name) {
            let media_type = media_types.get(name.as_str()).map(|media_type| (*media_type).to_owned());
            package.child(index, ChildRole::Embedded, media_type, sink)?;
        }
    }
    Ok(())
}

fn is_text(media_type: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(media_type, "application/xhtml+xml" | "text/html" | "text/x-oeb1-document")
        || name.ends_with(".xhtml")
        || name.ends_with(".html")
        || name.ends_with(".htm")
}

/// Names of encrypted items (EPUB Open Container Format, 3.5.2.2).
fn encrypted(package: &mut Package<'_, '_>, nesting: u32, sink: &mut dyn Sink) -> Result<HashSet<String>, Stop> {
    let mut names = HashSet::new();
    part(package, "META-INF/encryption.xml", nesting, sink, &mut |node, _| {
        if let Node::Open(element) = node
            && element.name.ends_with("CipherReference")
        {
            names.extend(element.get("URI").map(decoded));
        }
        Ok(())
    })?;
    Ok(names)
}

/// A path without its escapes.
fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// Properties, items and order of the book (Open Packaging Format).
fn root_file(package: &mut Package<'_, '_>, root: &str, items: &mut Vec<Item>, spine: &mut Vec<String>, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let mut property: Option<(String, String)> = None;
    let mut by_id: HashMap<String, String> = HashMap::new();
    let is_there = part(package, root, nesting, sink, &mut |node, sink| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                name if name.starts_with("dc:") => property = Some((name.to_owned(), String::new())),
                "opf:meta" | "meta" => {
                    if let (Some(name), Some(content)) = (element.get("name"), element.get("content")) {
                        sink.property(&format!("epub:{name}"), content.to_owned())?;
                    } else if let Some(name) = element.get("property") {
                        property = Some((name.to_owned(), String::new()));
                    }
                }
                "opf:item" | "item" => {
                    let name = resolved(&folder, &decoded(element.get("href").unwrap_or_default()));
                    by_id.insert(element.get("id").unwrap_or_default().to_owned(), name.clone());
                    items.push(Item { name, media_type: element.get("media-type").unwrap_or_default().to_owned() });
                }
                "opf:itemref" | "itemref" => {
                    spine.extend(element.get("idref").and_then(|id| by_id.get(id)).cloned());
                }
                _ => {}
            },
            Node::Text(text) => {
                if let Some((_, value)) = &mut property {
                    value.push_str(text);
                }
            }
            Node::Close(_) => {
                if let Some((name, value)) = property.take() {
                    sink.property(&name, value.trim().to_owned())?;
                }
            }
        }
        Ok(())
    })?;
    if !is_there {
        sink.finding(Finding::new(Code::ChildMissing, "The list of the book's parts is not there.").at(root))?;
    }
    Ok(())
}

/// The words of a page of XHTML.
#[derive(Default)]
struct Text {
    flow: Flow,
    /// How many elements are open whose words are not shown.
    silent: u32,
    pre: u32,
    is_heading: bool,
}

impl Text {
    fn node(&mut self, node: Node<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
        match node {
            Node::Open(_) if self.silent > 0 => {
                self.silent += 1;
                Ok(())
            }
            Node::Close(_) if self.silent > 0 => {
                self.silent -= 1;
                Ok(())
            }
            Node::Text(text) if self.silent == 0 => {
                self.text(text);
                Ok(())
            }
            Node::Text(_) => Ok(()),
            Node::Open(element) => self.open(element, sink),
            Node::Close(name) => self.close(name, sink),
        }
    }

    fn text(&mut self, text: &str) {
        if self.pre > 0 {
            return self.flow.push(text);
        }
        let mut last_is_space = !self.flow.is_open() || self.flow.text().ends_with([' ', '\n']);
        let mut plain = String::with_capacity(text.len());
        for letter in text.chars() {
            let is_space = matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}');
            if !is_space {
                plain.push(letter);
            } else if !last_is_space {
                plain.push(' ');
            }
            last_is_space = is_space;
        }
        let opens = !self.flow.is_open();
        self.flow.push(&plain);
        if opens && self.is_heading {
            self.flow.set_kind(BlockKind::Heading);
        }
    }

    fn open(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        match element.name.as_str() {
            "script" | "style" | "head" | "template" => self.silent = 1,
            "br" => self.flow.push("\n"),
            "img" | "image" => self.flow.tell(BlockKind::Caption, element.get("alt").unwrap_or_default(), sink)?,
            name if is_block(name) => {
                self.flow.close_all(sink)?;
                match name {
                    "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.is_heading = true,
                    "pre" => self.pre += 1,
                    "table" => self.flow.open_table(),
                    "tr" => self.flow.open_row(),
                    "td" | "th" => {
                        self.flow.open_cell();
                        self.flow.skip_columns_after(element.number("colspan").unwrap_or(1).saturating_sub(1));
                    }
                    "aside" => self.flow.enter(BlockKind::Note),
                    "figcaption" | "caption" => self.flow.enter(BlockKind::Caption),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        if !is_block(name) {
            return Ok(());
        }
        self.flow.close_all(sink)?;
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.is_heading = false,
            "pre" => self.pre = self.pre.saturating_sub(1),
            "table" => self.flow.close_table(),
            "td" | "th" | "aside" | "figcaption" | "caption" => self.flow.leave(),
            _ => {}
        }
        Ok(())
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "li"
            | "ul"
            | "ol"
            | "dl"
            | "dt"
            | "dd"
            | "blockquote"
            | "pre"
            | "table"
            | "tr"
            | "td"
            | "th"
            | "caption"
            | "figure"
            | "figcaption"
            | "section"
            | "article"
            | "aside"
            | "header"
            | "footer"
            | "nav"
            | "hr"
            | "body"
            | "tbody"
            | "thead"
            | "tfoot"
    )
}
