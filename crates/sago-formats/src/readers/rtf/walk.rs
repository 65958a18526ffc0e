//! Follows the groups of RTF and tells what they hold.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::lex::{Lexer, Token};
use super::story::{Ends, FontPage, Place, State, Story, Tables};
use super::words::{is_followed, is_skipped, letter_of, story_of, time_of, value_of};
use crate::document::{BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::readers::codepage::CodePage;
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

pub(super) struct Walk<'a> {
    pub(super) sink: &'a mut dyn Sink,
    pub(super) part: Option<String>,
    pub(super) paragraph: &'a mut u32,
    pub(super) given: u64,
    pub(super) tables: Tables,
    pub(super) stack: Vec<State>,
    pub(super) too_deep: usize,
    pub(super) stories: Vec<Story>,
    pub(super) tables_seen: u32,
    pub(super) values: Vec<String>,
    /// Name of the property or shape property whose value comes next.
    pub(super) property: String,
    pub(super) time: [i32; 6],
    pub(super) time_name: &'static str,
    /// Bytes not yet decoded, all in one font.
    pub(super) pending: Vec<u8>,
    /// Bytes that stand for the last `\u` in older programs.
    pub(super) skip: usize,
    /// First half of a pair of UTF-16 units.
    pub(super) half: Option<u16>,
    /// Bytes of the open picture or object.
    pub(super) data: Vec<u8>,
    pub(super) nibble: Option<u8>,
    pub(super) extension: &'static str,
    pub(super) files: u32,
    /// The page that is wrapped in the RTF.
    pub(super) html: Option<String>,
    pub(super) undecodable: u64,
    pub(super) hidden: u64,
    pub(super) authors: BTreeSet<String>,
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
    pub(super) fn decode(&mut self) {
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

    pub(super) fn put(&mut self, text: &str) {
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
}
