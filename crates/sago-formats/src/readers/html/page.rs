//! Follows the tokens of a page and tells its text.

use std::collections::{BTreeSet, HashMap};

use html5gum::{HtmlString, StartTag, State, Token, Tokenizer};

use super::data_uri;
use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::source::Stop;

/// Most outside addresses that are named in the finding about them.
const MOST_NAMED: usize = 20;

/// Which rules hold where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// HTML.
    Html,
    /// XHTML: elements may close themselves.
    Xml,
    /// SVG: so too, and a title names what it stands in.
    Svg,
}

/// Tells the text of a page: blocks count on from `paragraph` and lie in `part`; how many there were.
pub(crate) fn tell(text: &str, part: Option<&str>, paragraph: &mut u32, dialect: Dialect, sink: &mut dyn Sink) -> Result<u64, Stop> {
    let mut page = Page {
        sink,
        part: part.map(str::to_owned),
        paragraph,
        dialect,
        open: Vec::new(),
        counts: HashMap::new(),
        hidden: 0,
        preformatted: 0,
        text: String::new(),
        raw: String::new(),
        tables: Vec::new(),
        tables_seen: 0,
        given: 0,
        captions: Vec::new(),
        outside: BTreeSet::new(),
        outside_count: 0,
        scripts: 0,
        hidden_blocks: 0,
        comments_left: 0,
        files: 0,
    };
    let mut tokens = Tokenizer::new(text);
    while let Some(Ok(token)) = tokens.next() {
        match token {
            Token::StartTag(tag) => {
                let name = lossy(&tag.name);
                let closes_itself = tag.self_closing && dialect != Dialect::Html;
                page.start(&name, &tag, closes_itself)?;
                if !closes_itself && let Some(state) = state_after(&name, dialect) {
                    tokens.set_state(state);
                }
            }
            Token::EndTag(tag) => page.end(&lossy(&tag.name))?,
            Token::String(string) => page.string(&lossy(&string.value)),
            Token::Comment(comment) => page.comment(&lossy(&comment.value))?,
            Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.finish()
}

fn lossy(bytes: &HtmlString) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn state_after(name: &str, dialect: Dialect) -> Option<State> {
    match name {
        "script" => Some(State::ScriptData),
        "style" => Some(State::RawText),
        "title" | "textarea" if dialect == Dialect::Html => Some(State::RcData),
        "xmp" | "iframe" | "noembed" | "noframes" if dialect == Dialect::Html => Some(State::RawText),
        "plaintext" if dialect == Dialect::Html => Some(State::PlainText),
        _ => None,
    }
}

/// An open element.
struct Open {
    name: String,
    is_hidden: bool,
    kind: Option<BlockKind>,
}

/// A table that is open: its number, row and column.
struct Table {
    number: u32,
    row: u32,
    column: u32,
}

struct Page<'a> {
    sink: &'a mut dyn Sink,
    part: Option<String>,
    paragraph: &'a mut u32,
    dialect: Dialect,
    open: Vec<Open>,
    counts: HashMap<String, usize>,
    hidden: usize,
    preformatted: usize,
    text: String,
    /// What stands in a script, style or title, until it ends.
    raw: String,
    tables: Vec<Table>,
    tables_seen: u32,
    given: u64,
    /// Labels and addresses that wait for the end of the text they stand in.
    captions: Vec<String>,
    outside: BTreeSet<String>,
    outside_count: u64,
    scripts: u64,
    hidden_blocks: u64,
    comments_left: u64,
    files: u32,
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements that begin and end a line of their own.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "button"
            | "caption"
            | "center"
            | "dd"
            | "desc"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "flowpara"
            | "footer"
            | "form"
            | "frameset"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "header"
            | "hr"
            | "html"
            | "iframe"
            | "legend"
            | "li"
            | "listing"
            | "main"
            | "menu"
            | "nav"
            | "noframes"
            | "noscript"
            | "ol"
            | "optgroup"
            | "option"
            | "p"
            | "plaintext"
            | "pre"
            | "section"
            | "select"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "template"
            | "text"
            | "textarea"
            | "tfoot"
            | "th"
            | "thead"
            | "title"
            | "tr"
            | "ul"
            | "xmp"
            | "w:p"
            | "o:p"
    )
}

fn is_raw(name: &str) -> bool {
    matches!(name, "script" | "style" | "title")
}

fn kind_of(name: &str) -> Option<BlockKind> {
    Some(match name {
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => BlockKind::Heading,
        "caption" | "figcaption" | "legend" | "desc" => BlockKind::Caption,
        "textarea" | "option" | "button" => BlockKind::Field,
        "td" | "th" => BlockKind::Cell,
        _ => return None,
    })
}

/// Elements that an unclosed one of `name` cannot reach beyond, and those it closes (HTML Standard 13.2.6.4.7, in short).
fn implied_end(name: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match name {
        "li" => (&["li"], &["ul", "ol", "menu", "dir", "table"]),
        "dt" | "dd" => (&["dt", "dd"], &["dl", "table"]),
        "td" | "th" => (&["td", "th"], &["table", "tr"]),
        "tr" => (&["tr"], &["table"]),
        "tbody" | "thead" | "tfoot" => (&["tbody", "thead", "tfoot"], &["table"]),
        "option" | "optgroup" => (&["option"], &["select"]),
        _ if is_block(name) => (&["p"], &["table", "td", "th", "button", "div", "li", "body"]),
        _ => (&[], &[]),
    }
}

impl Page<'_> {
    fn start(&mut self, name: &str, tag: &StartTag<()>, closes_itself: bool) -> Result<(), Stop> {
        if name == "br" || name == "w:br" {
            self.text.push('\n');
            return Ok(());
        }
        if is_block(name) {
            self.flush()?;
            let (closed, walls) = implied_end(name);
            if !closed.is_empty() {
                self.close_to(closed, walls);
            }
        }
        let attribute = |wanted: &str| tag.attributes.iter().find(|(found, _)| found.as_slice() == wanted.as_bytes()).map(|(_, value)| lossy(&value.value));
        let style = attribute("style").unwrap_or_default().to_ascii_lowercase().replace(char::is_whitespace, "");
        let is_hidden = tag.attributes.iter().any(|(found, _)| found.as_slice() == b"hidden")
            || style.contains("display:none")
            || style.contains("visibility:hidden")
            || style.contains("mso-hide:all")
            || name == "template"
            || name == "input" && attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden"));
        if !(is_void(name) || closes_itself) {
            self.hidden += usize::from(is_hidden);
            self.preformatted += usize::from(matches!(name, "pre" | "textarea" | "xmp" | "plaintext" | "listing"));
            *self.counts.entry(name.to_owned()).or_default() += 1;
            self.open.push(Open { name: name.to_owned(), is_hidden, kind: kind_of(name) });
        }
        match name {
            "table" => {
                self.tables_seen += 1;
                self.tables.push(Table { number: self.tables_seen, row: 0, column: 0 });
            }
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    table.row = table.row.saturating_add(1);
                    table.column = 0;
                }
            }
            "td" | "th" => {
                if let Some(table) = self.tables.last_mut() {
                    table.row = table.row.max(1);
                    table.column = table.column.saturating_add(1);
                }
            }
            "script" => self.scripts += 1,
            "meta" => {
                if let (Some(name), Some(content)) =
                    (attribute("name").or_else(|| attribute("property")).or_else(|| attribute("http-equiv")), attribute("content"))
                {
                    self.sink.property(&format!("meta:{name}"), content)?;
                }
            }
            "html" => {
                if let Some(language) = attribute("lang").or_else(|| attribute("xml:lang")) {
                    self.sink.property("dc:language", language)?;
                }
            }
            "input" => self.input(&attribute, is_hidden)?,
            _ => {}
        }
        self.attributes(name, &attribute)?;
        if is_raw(name) {
            self.raw.clear();
        }
        Ok(())
    }

    fn input(&mut self, attribute: &dyn Fn(&str) -> Option<String>, is_hidden: bool) -> Result<(), Stop> {
        let kind = attribute("type").unwrap_or_default().to_ascii_lowercase();
        if matches!(kind.as_str(), "checkbox" | "radio" | "image" | "reset") {
            return Ok(());
        }
        let Some(value) = attribute("value") else { return Ok(()) };
        self.flush()?;
        self.give(if is_hidden { BlockKind::Hidden } else { BlockKind::Field }, value)
    }

    /// Labels that stand in attributes, files in the page, and addresses of what is not in it.
    fn attributes(&mut self, name: &str, attribute: &dyn Fn(&str) -> Option<String>) -> Result<(), Stop> {
        for label in ["alt", "title", "aria-label", "placeholder", "summary"] {
            if let Some(text) = attribute(label).filter(|text| !text.trim().is_empty() && !self.is_waiting(text)) {
                self.captions.push(text);
            }
        }
        for place in ["src", "href", "data", "background", "poster", "xlink:href", "srcdoc"] {
            let Some(address) = attribute(place) else { continue };
            if address.trim_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:")) {
                self.inline(&address)?;
            } else if place == "srcdoc" {
                let mut bytes = address.as_bytes();
                self.files += 1;
                let child = Child { media_type: Some("text/html".to_owned()), ..Child::new(ChildRole::Embedded, format!("frame{}.html", self.files)) };
                self.sink.child(child, &mut bytes)?;
            } else if matches!(name, "a" | "area") {
                // Where a link leads is text that the page need not show.
                let address = address.trim();
                let is_new = !self.is_waiting(address);
                if is_new && ["http://", "https://", "ftp://", "mailto:", "tel:", "file:"].iter().any(|scheme| address.to_ascii_lowercase().starts_with(scheme))
                {
                    self.captions.push(address.to_owned());
                }
            } else if !matches!(name, "base") && !address.trim().is_empty() && !address.starts_with('#') && !address.starts_with("cid:") {
                self.outside_count += 1;
                if self.outside.len() < MOST_NAMED {
                    self.outside.insert(address);
                }
            }
        }
        if let Some(style) = attribute("style") {
            for address in data_uri::find_all(&style) {
                self.inline(address)?;
            }
        }
        Ok(())
    }

    fn inline(&mut self, address: &str) -> Result<(), Stop> {
        self.files += 1;
        let name = format!("data{}", self.files);
        match data_uri::parse(address) {
            Some(data_uri::Inline { media_type, bytes: Some(bytes) }) => {
                let extension = match media_type.as_str() {
                    "image/png" => ".png",
                    "image/jpeg" | "image/jpg" => ".jpg",
                    "image/gif" => ".gif",
                    "image/svg+xml" => ".svg",
                    "text/html" => ".html",
                    "application/pdf" => ".pdf",
                    "text/plain" => ".txt",
                    _ => "",
                };
                let child = Child { media_type: Some(media_type).filter(|kind| !kind.is_empty()), ..Child::new(ChildRole::Embedded, name + extension) };
                self.sink.child(child, &mut bytes.as_slice()).map(|_| ())
            }
            _ => self.sink.finding(Finding::new(Code::ChildFailed, "A data address could not be decoded.").at(name)),
        }
    }

    fn end(&mut self, name: &str) -> Result<(), Stop> {
        if is_raw(name) {
            self.end_raw(name)?;
        }
        if name == "p" && !self.is_open("p") {
            self.flush()?;
        }
        if !self.is_open(name) {
            return Ok(());
        }
        if is_block(name) {
            self.flush()?;
        }
        while let Some(open) = self.pop() {
            if open == name {
                break;
            }
        }
        Ok(())
    }

    fn is_open(&self, name: &str) -> bool {
        self.counts.get(name).is_some_and(|count| *count > 0)
    }

    fn pop(&mut self) -> Option<String> {
        let open = self.open.pop()?;
        self.hidden -= usize::from(open.is_hidden);
        self.preformatted -= usize::from(matches!(open.name.as_str(), "pre" | "textarea" | "xmp" | "plaintext" | "listing"));
        if let Some(count) = self.counts.get_mut(&open.name) {
            *count -= 1;
        }
        if open.name == "table" {
            self.tables.pop();
        }
        Some(open.name)
    }

    /// Closes the nearest open element of these names, if none of the walls stands before it. Looks only as far as a page written by a program nests.
    fn close_to(&mut self, names: &[&str], walls: &[&str]) {
        if !names.iter().any(|name| self.is_open(name)) {
            return;
        }
        let found = self.open.iter().rev().take(64).position(|open| names.contains(&open.name.as_str()) || walls.contains(&open.name.as_str()));
        let Some(depth) = found else { return };
        let index = self.open.len() - 1 - depth;
        if names.contains(&self.open[index].name.as_str()) {
            while self.open.len() > index {
                self.pop();
            }
        }
    }

    fn string(&mut self, text: &str) {
        if self.open.last().is_some_and(|open| is_raw(&open.name)) {
            self.raw.push_str(text);
        } else if self.preformatted > 0 {
            self.text.push_str(text);
        } else {
            // White space of the source is one space on the page; spaces that do not break are letters.
            for letter in text.chars() {
                if !letter.is_ascii_whitespace() {
                    self.text.push(letter);
                } else if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
                    self.text.push(' ');
                }
            }
        }
    }

    fn end_raw(&mut self, name: &str) -> Result<(), Stop> {
        let raw = std::mem::take(&mut self.raw);
        if name == "title" {
            let title = raw.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            if self.dialect == Dialect::Svg || self.is_open("svg") {
                return self.give(BlockKind::Caption, title);
            }
            return self.sink.property("dc:title", title);
        }
        for address in data_uri::find_all(&raw) {
            self.inline(address)?;
        }
        Ok(())
    }

    fn comment(&mut self, text: &str) -> Result<(), Stop> {
        let text = text.trim();
        // Conditions for one program, and XML instructions, are markup.
        let is_markup = text.starts_with("[if") || text.starts_with("<![") || text.ends_with("[endif]") || text.starts_with('?') || text.starts_with("[CDATA[");
        if is_markup || !text.contains(char::is_alphabetic) {
            self.comments_left += u64::from(text.starts_with("[if"));
            return Ok(());
        }
        let before = std::mem::take(&mut self.text);
        self.give(BlockKind::Hidden, text.to_owned())?;
        self.text = before;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stop> {
        let text = std::mem::take(&mut self.text);
        let text = if self.preformatted > 0 { text.trim_matches('\n') } else { text.trim_matches([' ', '\n']) };
        if text.trim().is_empty() {
            return self.labels();
        }
        let kind = self.open.iter().rev().take(64).find_map(|open| open.kind).unwrap_or(BlockKind::Paragraph);
        let kind = if self.hidden > 0 { BlockKind::Hidden } else { kind };
        self.give(kind, text.to_owned())?;
        self.labels()
    }

    /// Whether a label says what the last ones say already.
    fn is_waiting(&self, text: &str) -> bool {
        self.captions.iter().rev().take(16).any(|caption| caption == text)
    }

    /// Labels and addresses that stood in the text, after it, so that they do not cut it.
    fn labels(&mut self) -> Result<(), Stop> {
        let captions = std::mem::take(&mut self.captions);
        captions.into_iter().try_for_each(|caption| self.give(BlockKind::Caption, caption))
    }

    fn give(&mut self, kind: BlockKind, text: String) -> Result<(), Stop> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.hidden_blocks += u64::from(kind == BlockKind::Hidden);
        *self.paragraph = self.paragraph.saturating_add(1);
        self.given += 1;
        let mut anchor = Anchor { part: self.part.clone(), ..Anchor::paragraph(*self.paragraph) };
        if let Some(table) = self.tables.last().filter(|table| table.row > 0 && table.column > 0) {
            anchor.cell = Some((table.row, table.column));
            let table = format!("table {}", table.number);
            anchor.part = Some(self.part.as_ref().map_or_else(|| table.clone(), |part| format!("{part}, {table}")));
        }
        let text = if text.contains(|letter: char| letter.is_control() && letter != '\n' && letter != '\t') {
            text.replace("\r\n", "\n").replace('\r', "\n").replace(|letter: char| letter.is_control() && letter != '\n' && letter != '\t', " ")
        } else {
            text
        };
        self.sink.block(Block::new(kind, anchor, text))
    }

    fn finish(mut self) -> Result<u64, Stop> {
        if let Some(name) = self.open.last().map(|open| open.name.clone()).filter(|name| is_raw(name)) {
            self.end_raw(&name)?;
        }
        self.flush()?;
        if self.scripts > 0 {
            self.sink.finding(Finding::new(Code::ActiveContent, format!("{} scripts.", self.scripts)))?;
        }
        if self.hidden_blocks > 0 {
            self.sink.finding(Finding::new(Code::Hidden, format!("{} comments and hidden parts.", self.hidden_blocks)))?;
        }
        if self.comments_left > 0 {
            let text = format!("{} comments hold markup for one program only; they were left out.", self.comments_left);
            self.sink.finding(Finding::new(Code::Feature, text).weighing(crate::Severity::Note))?;
        }
        if self.outside_count > 0 {
            let named = self.outside.into_iter().collect::<Vec<_>>().join(", ");
            self.sink.finding(Finding::new(Code::External, format!("{} resources, among them: {named}", self.outside_count)))?;
        }
        Ok(self.given)
    }
}
