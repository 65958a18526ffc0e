//! DrawingML: words of shapes, tables, diagrams and charts (ISO/IEC 29500-1, parts 20 and 21), in slides, sheets and texts.

use crate::document::{BlockKind, Sink};
use crate::readers::flow::Flow;
use crate::readers::markup::{Element, Node, part};
use crate::readers::package::Package;
use crate::source::Stop;

/// Lets through of each `mc:AlternateContent` the first choice, else the fallback: they say the same twice (ISO/IEC 29500-3, 7.6).
#[derive(Debug, Default)]
pub(crate) struct Alternates {
    /// For each open alternative, whether one was let through.
    chosen: Vec<bool>,
    skipped: u32,
}

impl Alternates {
    /// Whether the node counts.
    pub fn passes(&mut self, node: &Node<'_>) -> bool {
        match node {
            Node::Open(_) if self.skipped > 0 => self.skipped += 1,
            Node::Open(element) => match element.name.as_str() {
                "mc:AlternateContent" => self.chosen.push(false),
                "mc:Choice" | "mc:Fallback" => match self.chosen.last_mut() {
                    Some(true) => self.skipped = 1,
                    Some(chosen) => *chosen = true,
                    None => {}
                },
                _ => return true,
            },
            Node::Close(_) if self.skipped > 0 => self.skipped -= 1,
            Node::Close("mc:AlternateContent") => {
                self.chosen.pop();
            }
            Node::Close("mc:Choice" | "mc:Fallback") => {}
            Node::Close(_) => return true,
            Node::Text(_) => return self.skipped == 0,
        }
        false
    }
}

/// Which placeholders' words count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholders {
    /// All: the words of a slide.
    All,
    /// Only those of headers and footers: what masters and layouts add to slides.
    Margins,
}

/// Reads the words of DrawingML.
pub(crate) struct Drawing {
    pub flow: Flow,
    placeholders: Placeholders,
    alternates: Alternates,
    is_text: bool,
    /// Inside a field whose words the program makes itself.
    is_number: bool,
    is_title: bool,
    is_dropped: bool,
    /// Values of a chart's cache.
    cache: Option<Vec<String>>,
    value: Option<String>,
    comment: bool,
    /// Whether the slide is not shown.
    pub is_hidden: bool,
}

impl Drawing {
    /// Into this flow.
    pub fn new(flow: Flow, placeholders: Placeholders) -> Self {
        Self {
            flow,
            placeholders,
            alternates: Alternates::default(),
            is_text: false,
            is_number: false,
            is_title: false,
            is_dropped: false,
            cache: None,
            value: None,
            comment: false,
            is_hidden: false,
        }
    }

    /// Takes the next node.
    pub fn node(&mut self, node: Node<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
        if !self.alternates.passes(&node) {
            return Ok(());
        }
        match node {
            Node::Open(element) => self.open(element, sink),
            Node::Text(text) => {
                if let Some(value) = &mut self.value {
                    value.push_str(text);
                } else if self.is_text && !self.is_dropped && !self.is_number {
                    self.flow.push(text);
                }
                Ok(())
            }
            Node::Close(name) => self.close(name, sink),
        }
    }

    fn open(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        match element.name.as_str() {
            "p:sld" if element.get("show") == Some("0") => {
                self.is_hidden = true;
                self.flow.enter(BlockKind::Hidden);
            }
            "p:sp" => {
                self.is_title = false;
                self.is_dropped = false;
            }
            "p:ph" => {
                let kind = element.get("type").unwrap_or("obj");
                self.is_title = matches!(kind, "title" | "ctrTitle");
                self.is_dropped = self.placeholders == Placeholders::Margins && !matches!(kind, "ftr" | "hdr" | "dt");
            }
            "a:p" => {
                self.flow.open();
                if self.is_title {
                    self.flow.set_kind(BlockKind::Heading);
                }
            }
            "a:t" | "m:t" => self.is_text = true,
            "a:br" if !self.is_dropped => self.flow.push("\n"),
            "a:tab" if !self.is_dropped => {}
            "a:fld" => self.is_number = element.get("type") == Some("slidenum"),
            "a:tbl" => self.flow.open_table(),
            "a:tr" => self.flow.open_row(),
            "a:tc" => self.flow.open_cell(),
            "p:cNvPr" | "xdr:cNvPr" | "wp:docPr" | "pic:cNvPr" | "wps:cNvPr" | "cdr:cNvPr" => self.described(element, sink)?,
            "c:strCache" | "c:numCache" | "c:multiLvlStrCache" | "cx:lvl" => self.cache = Some(Vec::new()),
            "c:v" | "cx:pt" => self.value = Some(String::new()),
            "p:text" => {
                self.comment = true;
                self.flow.enter(BlockKind::Comment);
                self.value = Some(String::new());
            }
            "p:cm" | "p188:cm" | "p188:reply" => {
                let who: Vec<&str> = ["authorId", "dt", "created"].iter().filter_map(|name| element.get(name)).collect();
                sink.property("comment_by", who.join(" "))?;
            }
            "p188:txBody" => self.flow.enter(BlockKind::Comment),
            _ => {}
        }
        Ok(())
    }

    /// Alternative text of a picture or shape.
    fn described(&mut self, element: &Element, sink: &mut dyn Sink) -> Result<(), Stop> {
        if self.placeholders == Placeholders::Margins {
            return Ok(());
        }
        for name in ["title", "descr"] {
            if let Some(text) = element.get(name) {
                self.flow.tell(BlockKind::Caption, text, sink)?;
            }
        }
        Ok(())
    }

    fn close(&mut self, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        match name {
            "a:p" => self.flow.close(sink)?,
            "a:t" | "m:t" => self.is_text = false,
            "a:fld" => self.is_number = false,
            "a:tbl" => self.flow.close_table(),
            "a:tc" | "p188:txBody" => self.flow.leave(),
            "p:sp" => {
                self.is_title = false;
                self.is_dropped = false;
            }
            "c:v" | "cx:pt" => {
                let value = self.value.take().unwrap_or_default();
                match &mut self.cache {
                    Some(cache) => cache.push(value),
                    None => self.flow.tell(BlockKind::Caption, &value, sink)?,
                }
            }
            "c:strCache" | "c:numCache" | "c:multiLvlStrCache" | "cx:lvl" => {
                let values = self.cache.take().unwrap_or_default().join("\t");
                self.flow.tell(BlockKind::Caption, &values, sink)?;
            }
            "p:text" if self.comment => {
                let text = self.value.take().unwrap_or_default();
                self.comment = false;
                self.flow.tell(BlockKind::Comment, &text, sink)?;
                self.flow.leave();
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads a part of DrawingML into a flow; `true` when the slide in it is hidden.
pub(crate) fn drawing(
    package: &mut Package<'_, '_>,
    name: &str,
    flow: Flow,
    placeholders: Placeholders,
    nesting: u32,
    sink: &mut dyn Sink,
) -> Result<bool, Stop> {
    if package.find(name).is_none_or(|index| package.is_seen(index)) {
        return Ok(false);
    }
    let mut drawing = Drawing::new(flow, placeholders);
    part(package, name, nesting, sink, &mut |node, sink| drawing.node(node, sink))?;
    drawing.flow.close_all(sink)?;
    Ok(drawing.is_hidden)
}

/// Reads a chart: titles, labels, and the values it was drawn with.
pub(crate) fn chart(package: &mut Package<'_, '_>, name: &str, mut flow: Flow, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    flow.enter(BlockKind::Caption);
    drawing(package, name, flow, Placeholders::All, nesting, sink).map(|_| ())
}
