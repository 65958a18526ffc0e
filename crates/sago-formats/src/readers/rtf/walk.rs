//! Follows the groups of RTF and tells what they hold.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::lex::{Lexer, Token};
use super::story::{Ends, FontPage, Place, State, Story, Tables};
use crate::document::{Anchor, Block, BlockKind, ChildRole, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::readers::codepage::CodePage;
use crate::readers::html;
use crate::readers::ole::{self, Object};
use crate::readers::printable::printable;
use crate::source::Stop;

/// Deepest groups that are followed.
const DEEPEST: usize = 10_000;

/// Tells the text of RTF: blocks count on from `paragraph` and lie in `part`; how many there were.
pub(crate) fn tell(bytes: &[u8], part: Option<&str>, paragraph: &mut u32, sink: &mut dyn Sink) -> Result<u64, Stop> {
    let root = State { place: Place::Text, font: -1, uc: 1, is_hidden: false, is_deleted: false, is_rtf_only: false, ends: Ends::Nothing, is_star: false };
    let mut walk = Walk {
        sink,
        part: part.map(str::to_owned),
        paragraph,
        given: 0,
        tables: Tables { default: None, default_number: 0, default_font: 0, fonts: HashMap::new(), font: 0, headings: HashSet::new(), style: 0 },
        stack: vec![root],
        too_deep: 0,
        stories: vec![Story::new(BlockKind::Paragraph)],
        tables_seen: 0,
        values: Vec::new(),
        property: String::new(),
        time: [0; 6],
        time_name: "",
        pending: Vec::new(),
        skip: 0,
        half: None,
        data: Vec::new(),
        nibble: None,
        extension: "",
        files: 0,
        html: None,
        undecodable: 0,
        hidden: 0,
        authors: BTreeSet::new(),
    };
    let mut lexer = Lexer::new(bytes);
    // Some programs close a group too many in the middle: what follows is read all the same, and said.
    let mut end = None;
    while let Some(token) = lexer.next() {
        walk.token(token)?;
        if walk.stack.len() == 1 && token == Token::Close && end.is_none() {
            end = Some(lexer.position());
        }
    }
    let rest = &bytes[end.unwrap_or(bytes.len())..];
    let ends_well = bytes.trim_ascii_end().ends_with(b"}");
    walk.finish(end.is_some(), ends_well, rest.iter().filter(|byte| !(byte.is_ascii_whitespace() || matches!(byte, 0 | b'}'))).count())
}

struct Walk<'a> {
    sink: &'a mut dyn Sink,
    part: Option<String>,
    paragraph: &'a mut u32,
    given: u64,
    tables: Tables,
    stack: Vec<State>,
    too_deep: usize,
    stories: Vec<Story>,
    tables_seen: u32,
    values: Vec<String>,
    /// Name of the property or shape property whose value comes next.
    property: String,
    time: [i32; 6],
    time_name: &'static str,
    /// Bytes not yet decoded, all in one font.
    pending: Vec<u8>,
    /// Bytes that stand for the last `\u` in older programs.
    skip: usize,
    /// First half of a pair of UTF-16 units.
    half: Option<u16>,
    /// Bytes of the open picture or object.
    data: Vec<u8>,
    nibble: Option<u8>,
    extension: &'static str,
    files: u32,
    /// The page that is wrapped in the RTF.
    html: Option<String>,
    undecodable: u64,
    hidden: u64,
    authors: BTreeSet<String>,
}

/// Groups whose text is never read: tables of looks, and copies of what stands elsewhere.
fn is_skipped(word: &str) -> bool {
    matches!(
        word,
        "colortbl"
            | "listtable"
            | "listoverridetable"
            | "rsidtbl"
            | "revtbl"
            | "filetbl"
            | "fontemb"
            | "themedata"
            | "colorschememapping"
            | "datastore"
            | "latentstyles"
            | "nonshppict"
            | "pgdsctbl"
            | "bkmkstart"
            | "bkmkend"
            | "falt"
            | "panose"
            | "listname"
            | "blipuid"
            | "mhtmltag"
            | "shprslt"
            | "upr"
            | "nonesttables"
            | "mmathPict"
            | "ftnsep"
            | "ftnsepc"
            | "ftncn"
            | "aftnsep"
            | "aftnsepc"
            | "aftncn"
            | "datafield"
            | "template"
            | "private"
            | "atnid"
            | "atndate"
            | "atnref"
            | "atntime"
            | "atrfstart"
            | "atrfend"
            | "atnparent"
            | "objalias"
            | "objsect"
            | "objname"
            | "oleclsid"
            | "pnseclvl"
            | "passwordhash"
            | "mctrlPr"
    )
}

/// Groups that begin with `\*` and hold text or groups with text.
fn is_followed(word: &str) -> bool {
    matches!(
        word,
        "shppict"
            | "shpinst"
            | "shp"
            | "do"
            | "background"
            | "mmath"
            | "moMath"
            | "moMathPara"
            | "nesttableprops"
            | "userprops"
            | "formfield"
            | "picprop"
            | "shpgrp"
            | "objattph"
            | "fchars"
            | "lchars"
            | "result"
    )
}

fn story_of(word: &str) -> Option<BlockKind> {
    Some(match word {
        "footnote" => BlockKind::Note,
        "header" | "headerl" | "headerr" | "headerf" | "footer" | "footerl" | "footerr" | "footerf" => BlockKind::Margin,
        "annotation" => BlockKind::Comment,
        "shptxt" | "dptxbxtext" => BlockKind::Paragraph,
        "xe" | "tc" | "rxe" | "txe" => BlockKind::Hidden,
        _ => return None,
    })
}

fn value_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "title" => "dc:title",
        "subject" => "dc:subject",
        "author" => "dc:creator",
        "operator" => "cp:lastModifiedBy",
        "keywords" => "cp:keywords",
        "doccomm" | "comment" => "dc:description",
        "company" => "app:Company",
        "manager" => "app:Manager",
        "category" => "cp:category",
        "generator" => "app:Application",
        "hlinkbase" => "app:HyperlinkBase",
        "atnauthor" => "atnauthor",
        "fldinst" => "fldinst",
        "sn" => "sn",
        "sv" => "sv",
        "propname" => "propname",
        "staticval" => "staticval",
        "objclass" => "rtf:objclass",
        "ffdeftext" | "ffl" | "ffhelptext" | "ffstattext" => "field",
        _ => return None,
    })
}

fn time_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "creatim" => "dcterms:created",
        "revtim" => "dcterms:modified",
        "printim" => "cp:lastPrinted",
        _ => return None,
    })
}

fn letter_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "emdash" => "—",
        "endash" => "–",
        "bullet" => "•",
        "lquote" => "‘",
        "rquote" => "’",
        "ldblquote" => "“",
        "rdblquote" => "”",
        "emspace" => "\u{2003}",
        "enspace" => "\u{2002}",
        "qmspace" => "\u{2005}",
        "zwj" => "\u{200d}",
        "zwnj" => "\u{200c}",
        "zwbo" => "\u{200b}",
        "zwnbo" => "\u{2060}",
        "ltrmark" => "\u{200e}",
        "rtlmark" => "\u{200f}",
        "tab" => "\t",
        "line" | "lbr" | "softline" => "\n",
        _ => return None,
    })
}

impl Walk<'_> {
    fn state(&mut self) -> &mut State {
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    fn place(&self) -> Place {
        self.stack.last().map_or(Place::Text, |state| state.place)
    }

    fn token(&mut self, token: Token<'_>) -> Result<(), Stop> {
        if self.too_deep > 0 {
            match token {
                Token::Open => self.too_deep += 1,
                Token::Close => self.too_deep -= 1,
                _ => {}
            }
            return Ok(());
        }
        match token {
            Token::Open => {
                self.decode();
                self.skip = 0;
                if self.stack.len() == DEEPEST {
                    self.too_deep = 1;
                    return self.sink.finding(Finding::new(Code::LimitNesting, format!("Groups deeper than {DEEPEST} were left out.")));
                }
                let inner = State { ends: Ends::Nothing, is_star: false, ..self.state().clone() };
                self.stack.push(inner);
            }
            Token::Close => self.close()?,
            Token::Word(word, number) => self.word(word, number)?,
            Token::Symbol(symbol) => self.symbol(symbol)?,
            Token::Byte(byte) => self.bytes(&[byte]),
            Token::Text(bytes) => self.bytes(bytes),
            Token::Binary(bytes, is_whole) => {
                if matches!(self.place(), Place::Picture | Place::Object) {
                    self.data.extend_from_slice(bytes);
                }
                if !is_whole {
                    self.sink.finding(Finding::new(Code::Truncated, "A picture or object in binary ends too early."))?;
                }
            }
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        match self.place() {
            Place::Skip | Place::Info => {}
            Place::Picture | Place::Object => {
                for byte in bytes {
                    let Some(digit) = char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()) else { continue };
                    match self.nibble.take() {
                        Some(high) => self.data.push(high << 4 | digit),
                        None => self.nibble = Some(digit),
                    }
                }
            }
            _ => {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                self.pending.extend_from_slice(&bytes[skipped..]);
            }
        }
    }

    /// Decodes what waits and puts it where it belongs.
    fn decode(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        let font = match self.stack.last().map_or(-1, |state| state.font) {
            -1 => self.tables.default_font,
            font => font,
        };
        let (text, has_errors) = self.tables.decode(font, &bytes);
        self.undecodable += u64::from(has_errors);
        self.put(&text);
    }

    fn put(&mut self, text: &str) {
        let Some(state) = self.stack.last() else { return };
        match state.place {
            Place::Text if self.html.is_some() && self.stories.len() == 1 => {
                if let Some(html) = self.html.as_mut().filter(|_| !state.is_rtf_only) {
                    html.push_str(&text.replace('&', "&amp;").replace('<', "&lt;"));
                }
            }
            Place::Text => {
                let is_hidden = state.is_hidden || state.is_deleted;
                if let Some(story) = self.stories.last_mut() {
                    if is_hidden { story.hidden.push_str(text) } else { story.text.push_str(text) }
                }
            }
            Place::HtmlTag => {
                if let Some(html) = &mut self.html {
                    html.push_str(text);
                }
            }
            Place::Value(_) => {
                if let Some(value) = self.values.last_mut() {
                    value.push_str(text);
                }
            }
            Place::Styles => {
                let name = text.trim_start().to_lowercase();
                if name.starts_with("heading") || name.starts_with("title") || name.starts_with("제목") {
                    self.tables.headings.insert(self.tables.style);
                }
            }
            _ => {}
        }
    }

    fn letter(&mut self, text: &str) {
        self.decode();
        self.put(text);
    }

    fn symbol(&mut self, symbol: u8) -> Result<(), Stop> {
        match symbol {
            b'*' => self.state().is_star = true,
            b'\\' | b'{' | b'}' => self.bytes(&[symbol]),
            _ if self.skip > 0 => self.skip -= 1,
            b'~' => self.letter("\u{a0}"),
            b'_' => self.letter("\u{2011}"),
            b'-' => self.letter("\u{ad}"),
            b'\r' | b'\n' => self.end_paragraph()?,
            b'\t' => self.letter("\t"),
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, word: &str, number: Option<i32>) -> Result<(), Stop> {
        if word != "u" {
            self.decode();
            self.skip = 0;
        }
        let is_star = std::mem::take(&mut self.state().is_star);
        if word == "ud" {
            // The Unicode copy of what the group before it said in old bytes; it counts where the pair stands.
            let place = self.stack.iter().rev().map(|state| state.place).find(|place| *place != Place::Skip).unwrap_or(Place::Text);
            self.state().place = place;
            return Ok(());
        }
        if self.place() == Place::Skip || self.destination(word, is_star) {
            return Ok(());
        }
        if let Some(text) = letter_of(word) {
            self.letter(text);
            return Ok(());
        }
        match self.place() {
            Place::Picture => self.picture_word(word),
            Place::Fonts => self.font_word(word, number),
            Place::Styles => match word {
                "s" => self.tables.style = number.unwrap_or(0),
                "cs" | "ds" | "ts" => self.tables.style = -1,
                "outlinelevel" if number.is_none_or(|level| level < 9) => {
                    self.tables.headings.insert(self.tables.style);
                }
                _ => self.common_word(word, number),
            },
            Place::Info => self.time_word(word, number.unwrap_or(0)),
            Place::Text => self.text_word(word, number)?,
            _ => self.common_word(word, number),
        }
        Ok(())
    }

    /// Begins a destination; whether the word is one.
    fn destination(&mut self, word: &str, is_star: bool) -> bool {
        let (place, ends) = if is_skipped(word) {
            (Place::Skip, Ends::Nothing)
        } else if let Some(kind) = story_of(word) {
            self.stories.push(Story::new(kind));
            (Place::Text, Ends::Story)
        } else if let Some(name) = value_of(word) {
            self.values.push(String::new());
            (Place::Value(name), Ends::Value)
        } else if let Some(name) = time_of(word) {
            (self.time, self.time_name) = ([0; 6], name);
            (Place::Info, Ends::Time)
        } else {
            match word {
                "fonttbl" => (Place::Fonts, Ends::Nothing),
                "stylesheet" => (Place::Styles, Ends::Nothing),
                "info" => (Place::Info, Ends::Nothing),
                "htmltag" if self.html.is_some() => (Place::HtmlTag, Ends::Nothing),
                "pict" | "objdata" => {
                    self.data.clear();
                    (self.nibble, self.extension) = (None, "");
                    if word == "pict" { (Place::Picture, Ends::Picture) } else { (Place::Object, Ends::Object) }
                }
                _ if is_star && !is_followed(word) => (Place::Skip, Ends::Nothing),
                _ => return is_star && is_followed(word),
            }
        };
        let state = self.state();
        state.place = place;
        // A word that stands twice in a group begins nothing new that would have to end twice.
        if ends != Ends::Nothing {
            if state.ends == Ends::Story && ends == Ends::Story {
                let extra = self.stories.pop();
                if let (Some(story), Some(extra)) = (self.stories.last_mut(), extra) {
                    story.kind = extra.kind;
                }
            } else if state.ends == Ends::Value && ends == Ends::Value {
                self.values.pop();
            } else if state.ends == Ends::Nothing {
                state.ends = ends;
            } else if ends == Ends::Story {
                self.stories.pop();
            } else if ends == Ends::Value {
                self.values.pop();
            }
        }
        true
    }

    fn picture_word(&mut self, word: &str) {
        self.extension = match word {
            "pngblip" => ".png",
            "jpegblip" => ".jpg",
            "emfblip" => ".emf",
            "wmetafile" => ".wmf",
            "dibitmap" => ".dib",
            "macpict" => ".pct",
            "wbitmap" => ".ddb",
            _ => return,
        };
    }

    fn font_word(&mut self, word: &str, number: Option<i32>) {
        let number = number.unwrap_or(0);
        match word {
            "f" => self.tables.font = number,
            "fcharset" => {
                let page = u32::try_from(number).ok().and_then(CodePage::by_font);
                let page = if number == 0 { Some(FontPage::Ansi) } else { page.map(FontPage::Known) };
                if let Some(page) = page {
                    self.tables.fonts.insert(self.tables.font, page);
                }
            }
            "cpg" => {
                if let Some(page) = u32::try_from(number).ok().and_then(CodePage::by_number) {
                    self.tables.fonts.insert(self.tables.font, FontPage::Known(page));
                }
            }
            _ => {}
        }
    }

    fn time_word(&mut self, word: &str, number: i32) {
        let index = match word {
            "yr" => 0,
            "mo" => 1,
            "dy" => 2,
            "hr" => 3,
            "min" => 4,
            "sec" => 5,
            _ => return,
        };
        self.time[index] = number;
    }

    fn text_word(&mut self, word: &str, number: Option<i32>) -> Result<(), Stop> {
        let is_on = number != Some(0);
        match word {
            "par" | "sect" | "page" | "column" => self.end_paragraph()?,
            "cell" => self.end_cell(false)?,
            "nestcell" => self.end_cell(true)?,
            "row" => {
                self.end_cell_rest()?;
                if let Some(story) = self.stories.last_mut() {
                    story.row = story.row.saturating_add(1);
                    story.column = 0;
                }
            }
            "pard" => {
                if let Some(story) = self.stories.last_mut() {
                    (story.is_in_table, story.is_heading) = (false, false);
                }
            }
            "intbl" => {
                if let Some(story) = self.stories.last_mut() {
                    story.is_in_table = true;
                }
            }
            "s" => {
                let is_heading = self.tables.headings.contains(&number.unwrap_or(0));
                if let Some(story) = self.stories.last_mut() {
                    story.is_heading = is_heading;
                }
            }
            "outlinelevel" => {
                if let Some(story) = self.stories.last_mut() {
                    story.is_heading = number.is_none_or(|level| level < 9);
                }
            }
            "plain" => {
                let state = self.state();
                (state.is_hidden, state.is_deleted, state.font) = (false, false, -1);
            }
            "v" => self.state().is_hidden = is_on,
            "deleted" => self.state().is_deleted = is_on,
            "ftnalt" => {
                if let Some(story) = self.stories.last_mut() {
                    story.kind = BlockKind::Note;
                }
            }
            _ => self.common_word(word, number),
        }
        Ok(())
    }

    /// Words that mean the same in every place.
    fn common_word(&mut self, word: &str, number: Option<i32>) {
        match word {
            "u" => self.unicode(number.unwrap_or(0)),
            "uc" => self.state().uc = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(64),
            "f" => self.state().font = number.unwrap_or(0).max(0),
            "ansi" => self.tables.default = self.tables.default.or(Some(CodePage::WESTERN)),
            "mac" => self.default_page(10000),
            "pc" => self.default_page(437),
            "pca" => self.default_page(850),
            "ansicpg" => self.default_page(number.and_then(|number| u32::try_from(number).ok()).unwrap_or(1252)),
            "deff" => self.tables.default_font = number.unwrap_or(0),
            "fromhtml" => self.html = Some(String::new()),
            "htmlrtf" => self.state().is_rtf_only = number != Some(0),
            _ => {}
        }
    }

    fn default_page(&mut self, number: u32) {
        if let Some(page) = CodePage::by_number(number).filter(|_| number > 1) {
            (self.tables.default, self.tables.default_number) = (Some(page), number);
        }
    }

    fn unicode(&mut self, number: i32) {
        self.decode();
        // Above 32767 the number is written as a negative one; some write it as it is.
        let unit = u32::try_from(if number < 0 { number.wrapping_add(65_536) } else { number }).unwrap_or(0xfffd);
        match (u16::try_from(unit).ok(), self.half.take()) {
            (Some(low @ 0xdc00..=0xdfff), Some(high)) => {
                let letter = char::decode_utf16([high, low]).next().and_then(Result::ok).unwrap_or('\u{fffd}');
                self.put(letter.encode_utf8(&mut [0; 4]));
            }
            (Some(high @ 0xd800..=0xdbff), _) => self.half = Some(high),
            _ => {
                let letter = char::from_u32(unit).unwrap_or('\u{fffd}');
                self.undecodable += u64::from(letter == '\u{fffd}');
                self.put(letter.encode_utf8(&mut [0; 4]));
            }
        }
        self.skip = self.state().uc;
    }

    fn close(&mut self) -> Result<(), Stop> {
        self.decode();
        self.skip = 0;
        let Some(state) = (self.stack.len() > 1).then(|| self.stack.pop()).flatten() else { return Ok(()) };
        match state.ends {
            Ends::Nothing => Ok(()),
            Ends::Story => {
                self.end_cell_rest()?;
                self.stories.pop();
                Ok(())
            }
            Ends::Value => {
                let value = self.values.pop().unwrap_or_default();
                self.end_value(state.place, value)
            }
            Ends::Time => {
                let [year, month, day, hour, minute, second] = self.time;
                if year == 0 {
                    return Ok(());
                }
                self.sink.property(self.time_name, format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
            }
            Ends::Picture => {
                let bytes = std::mem::take(&mut self.data);
                self.file(bytes, "picture")
            }
            Ends::Object => {
                let bytes = std::mem::take(&mut self.data);
                self.object(&bytes)
            }
        }
    }

    fn file(&mut self, bytes: Vec<u8>, stem: &str) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.files += 1;
        let extension = if self.extension.is_empty() { ole::extension_of(&bytes) } else { self.extension };
        let object = Object { name: format!("{stem}{}{extension}", self.files), bytes };
        ole::tell(&object, ChildRole::Embedded, Anchor::paragraph(self.paragraph.saturating_add(1)), self.sink)
    }

    fn object(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        let name = format!("object{}", self.files + 1);
        let mut findings = Vec::new();
        let object = ole::from_ole1(bytes, &name, &mut findings);
        findings.into_iter().try_for_each(|finding| self.sink.finding(finding))?;
        match object {
            Some(object) => {
                self.files += 1;
                ole::tell(&object, ChildRole::Embedded, Anchor::paragraph(self.paragraph.saturating_add(1)), self.sink)
            }
            None => {
                self.extension = ".ole";
                self.file(bytes.to_vec(), "object")
            }
        }
    }

    fn end_value(&mut self, place: Place, value: String) -> Result<(), Stop> {
        let Place::Value(name) = place else { return Ok(()) };
        let value = printable(value);
        match name {
            // Links of a wrapped page stand in its own marks.
            "fldinst" if self.html.is_some() => Ok(()),
            "fldinst" => {
                let link = value.trim().strip_prefix("HYPERLINK").map(|link| link.replace("\\l", "").replace("\\o", "").replace('"', " ").trim().to_owned());
                let link = link.filter(|link| link.contains(':'));
                link.map_or(Ok(()), |link| self.give(BlockKind::Caption, link, None))
            }
            "sn" | "propname" => {
                self.property = value;
                Ok(())
            }
            "sv" if matches!(self.property.as_str(), "wzDescription" | "gtextUNICODE" | "wzTooltip") => self.give(BlockKind::Caption, value, None),
            "sv" => Ok(()),
            "staticval" => self.sink.property(&format!("custom:{}", self.property), value),
            "field" => self.give(BlockKind::Field, value, None),
            "atnauthor" => {
                if self.authors.insert(value.clone()) {
                    self.sink.property("comment:author", value)?;
                }
                Ok(())
            }
            _ => self.sink.property(name, value.trim_end_matches([';', ' ']).to_owned()),
        }
    }

    fn end_paragraph(&mut self) -> Result<(), Stop> {
        if self.html.is_some() && self.stories.len() == 1 {
            self.put("\r\n");
            return Ok(());
        }
        let Some(story) = self.stories.last_mut() else { return Ok(()) };
        if story.is_in_table {
            story.text.push('\n');
            return Ok(());
        }
        story.was_in_table = false;
        let kind = if story.is_heading && story.kind == BlockKind::Paragraph { BlockKind::Heading } else { story.kind };
        self.flush(kind, None)
    }

    fn end_cell(&mut self, is_nested: bool) -> Result<(), Stop> {
        let tables_seen = &mut self.tables_seen;
        let Some(story) = self.stories.last_mut() else { return Ok(()) };
        if !story.was_in_table {
            *tables_seen += 1;
            (story.table, story.row, story.column, story.was_in_table) = (*tables_seen, 0, 0, true);
        }
        let column = story.column.saturating_add(1);
        // Cells of an inner table stand at the place of the cell that holds it.
        if !is_nested {
            story.column = column;
        }
        let place = (story.table, story.row.saturating_add(1), column);
        let kind = if story.kind == BlockKind::Paragraph { BlockKind::Cell } else { story.kind };
        self.flush(kind, Some(place))
    }

    /// What stands after the last cell of a row, or at the end of a story.
    fn end_cell_rest(&mut self) -> Result<(), Stop> {
        let kind = self.stories.last().map_or(BlockKind::Paragraph, |story| story.kind);
        self.flush(kind, None)
    }

    fn flush(&mut self, kind: BlockKind, cell: Option<(u32, u32, u32)>) -> Result<(), Stop> {
        let Some(story) = self.stories.last_mut() else { return Ok(()) };
        let (text, hidden) = (std::mem::take(&mut story.text), std::mem::take(&mut story.hidden));
        self.give(kind, printable(text).trim_end_matches('\n').to_owned(), cell)?;
        self.give(BlockKind::Hidden, printable(hidden), cell)
    }

    fn give(&mut self, kind: BlockKind, text: String, cell: Option<(u32, u32, u32)>) -> Result<(), Stop> {
        if text.trim().is_empty() {
            return Ok(());
        }
        *self.paragraph = self.paragraph.saturating_add(1);
        self.given += 1;
        self.hidden += u64::from(kind == BlockKind::Hidden);
        let mut anchor = Anchor { part: self.part.clone(), ..Anchor::paragraph(*self.paragraph) };
        if let Some((table, row, column)) = cell {
            anchor.cell = Some((row, column));
            let table = format!("table {table}");
            anchor.part = Some(self.part.as_ref().map_or_else(|| table.clone(), |part| format!("{part}, {table}")));
        }
        self.sink.block(Block::new(kind, anchor, text))
    }

    fn finish(mut self, is_closed: bool, ends_well: bool, rest: usize) -> Result<u64, Stop> {
        while self.stack.len() > 1 {
            self.close()?;
        }
        self.decode();
        while !self.stories.is_empty() {
            self.end_cell_rest()?;
            self.stories.pop();
        }
        if let Some(page) = self.html.take() {
            self.given += html::tell(&page, self.part.as_deref(), self.paragraph, html::Dialect::Html, self.sink)?;
        }
        if !is_closed {
            let weight = if ends_well { Severity::Note } else { Severity::Loss };
            self.sink.finding(Finding::new(Code::Truncated, "The last groups are not closed.").weighing(weight))?;
        } else if rest > 0 {
            self.sink.finding(Finding::new(Code::TrailingBytes, format!("{rest} bytes stand after the last group; they were read as far as they are RTF.")))?;
        }
        if self.undecodable > 0 {
            self.sink.finding(Finding::new(Code::Undecodable, format!("In {} places.", self.undecodable)))?;
        }
        if self.hidden > 0 {
            self.sink.finding(Finding::new(Code::Hidden, format!("{} hidden or deleted passages.", self.hidden)))?;
        }
        Ok(self.given)
    }
}
