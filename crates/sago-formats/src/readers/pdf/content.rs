//! The content of a page: which sign stands where, and what is drawn besides.
//!
//! Only what places text is followed (ISO 32000-2, 8.4, 9.3, 9.4, 14.6): matrices, text state, forms, marked content, optional content. Nothing is painted.

use std::collections::HashSet;
use std::rc::Rc;

use hayro_syntax::content::UntypedIter;
use hayro_syntax::object::{Array, Dict, Name, Object, ObjectIdentifier, Rect, Stream, String as PdfString};
use kurbo::{Affine, Point, Vec2};

use super::font::{Fonts, Meaning, PdfFont};
use super::values::{self, End};

/// Most operators of one page with all its forms.
const OPERATORS: u64 = 30_000_000;
/// Most signs of one page.
const GLYPHS: usize = 4_000_000;
/// Deepest nesting of forms, and of saved states.
const FORMS: usize = 24;
const STATES: usize = 4_096;
/// How often reading goes on behind a place in one stream that makes no sense.
const RESUMES: usize = 64;

/// Why a sign is not simply text of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Text of the page.
    Shown,
    /// Drawn without ink (rendering mode 3): the text layer of a scan, or text that somebody hid.
    Invisible,
    /// In a layer that is switched off.
    Layer,
    /// Header, footer or other artefact of pagination, as the file marks it.
    Artefact,
}

/// One sign on the page, in points from the upper left corner, y downwards.
#[derive(Debug, Clone)]
pub struct Glyph {
    /// Where its text stands in [`Content::text`].
    pub start: u32,
    /// Its end there.
    pub end: u32,
    /// Its origin.
    pub origin: Point,
    /// Where the next would begin, without extra spacing.
    pub advance: Vec2,
    /// Height of the font.
    pub size: f64,
    /// Corners of its box.
    pub bounds: kurbo::Rect,
    /// What it is.
    pub class: Class,
    /// Number of the marked content it stands in.
    pub mark: Option<i32>,
}

/// What a page shows.
#[derive(Debug, Default)]
pub struct Content {
    /// Text of the glyphs, one after the other as they are drawn.
    pub text: String,
    /// The glyphs.
    pub glyphs: Vec<Glyph>,
    /// Signs that nothing names, and the fonts they are in.
    pub unknown: u64,
    /// Fonts with such signs.
    pub unknown_fonts: HashSet<String>,
    /// Pictures drawn.
    pub images: u64,
    /// The largest share of the page that one picture covers, or all together when they are strips.
    pub image_cover: f64,
    /// Paths painted: drawings, or letters drawn as shapes.
    pub paths: u64,
    /// What went wrong, once each.
    pub faults: HashSet<&'static str>,
}

/// The named resources of a content stream.
#[derive(Clone)]
pub struct Resources<'a> {
    fonts: Dict<'a>,
    forms: Dict<'a>,
    properties: Dict<'a>,
    states: Dict<'a>,
}

impl<'a> Resources<'a> {
    /// From a resource dictionary.
    pub fn of(dict: &Dict<'a>) -> Self {
        let part = |key: &str| dict.get::<Dict<'a>>(key).unwrap_or_default();
        Self { fonts: part("Font"), forms: part("XObject"), properties: part("Properties"), states: part("ExtGState") }
    }

    /// From those of a page, with what it inherits.
    pub fn of_page(page: &hayro_syntax::page::Resources<'a>) -> Self {
        Self { fonts: page.fonts.clone(), forms: page.x_objects.clone(), properties: page.properties.clone(), states: page.ext_g_states.clone() }
    }
}

#[derive(Clone)]
struct State<'a> {
    matrix: Affine,
    font: Option<Rc<PdfFont<'a>>>,
    size: f64,
    char_space: f64,
    word_space: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
    mode: i64,
}

#[derive(Clone, Copy, Default)]
struct Mark {
    is_hidden: bool,
    is_artefact: bool,
    number: Option<i32>,
    /// Where the glyphs begin that another text stands for.
    replaced_from: Option<(usize, usize)>,
}

/// Follows content streams.
pub struct Interpreter<'a, 'f> {
    fonts: &'f mut Fonts<'a>,
    off: &'f HashSet<ObjectIdentifier>,
    limit_bytes: u64,
    page_area: f64,
    state: State<'a>,
    states: Vec<State<'a>>,
    text_matrix: Affine,
    line_matrix: Affine,
    marks: Vec<Mark>,
    replacements: Vec<String>,
    forms: Vec<ObjectIdentifier>,
    operators: u64,
    content: Content,
}

impl<'a, 'f> Interpreter<'a, 'f> {
    /// For one page, with the matrix that leads to the page as it is shown.
    pub fn new(fonts: &'f mut Fonts<'a>, off: &'f HashSet<ObjectIdentifier>, matrix: Affine, page_area: f64, limit_bytes: u64) -> Self {
        let state = State { matrix, font: None, size: 1.0, char_space: 0.0, word_space: 0.0, stretch: 1.0, leading: 0.0, rise: 0.0, mode: 0 };
        Self {
            fonts,
            off,
            limit_bytes,
            page_area: page_area.max(1.0),
            state,
            states: Vec::new(),
            text_matrix: Affine::IDENTITY,
            line_matrix: Affine::IDENTITY,
            marks: Vec::new(),
            replacements: Vec::new(),
            forms: Vec::new(),
            operators: 0,
            content: Content::default(),
        }
    }

    /// What was found.
    pub fn finish(self) -> Content {
        self.content
    }

    /// Follows the streams of a page, which count as one.
    pub fn page(&mut self, page: &Dict<'a>, resources: &Resources<'a>) {
        let mut bytes = Vec::new();
        match page.get::<Object<'a>>("Contents") {
            Some(Object::Stream(stream)) => self.append(&stream, &mut bytes),
            Some(Object::Array(array)) => {
                for stream in array.iter::<Stream<'a>>() {
                    self.append(&stream, &mut bytes);
                    bytes.push(b' ');
                }
            }
            _ => {}
        }
        self.run(&bytes, resources);
    }

    fn append(&mut self, stream: &Stream<'a>, bytes: &mut Vec<u8>) {
        let (more, end) = values::bytes(stream, self.limit_bytes.saturating_sub(bytes.len() as u64));
        bytes.extend(more);
        self.note(end);
    }

    fn note(&mut self, end: End) {
        match end {
            End::Whole => {}
            End::Damaged => {
                self.content.faults.insert("a content stream is damaged; what could be unpacked was read");
            }
            End::Limit => {
                self.content.faults.insert("a content stream is longer than the limit; only its beginning was read");
            }
        }
    }

    /// Draws the appearance of an annotation.
    pub fn appearance(&mut self, stream: &Stream<'a>, resources: &Resources<'a>) {
        self.form(stream, resources);
    }

    fn run(&mut self, bytes: &[u8], resources: &Resources<'a>) {
        let depth = self.states.len();
        let marks = self.marks.len();
        let mut rest = bytes;
        for _ in 0..RESUMES {
            let Some(tail) = self.follow(rest, resources, depth) else {
                break;
            };
            // Here the content makes no sense: an open string, an object that is none. Reading goes on behind the next place where it may.
            self.content.faults.insert("the content cannot be understood at a place; reading went on behind it");
            let next = memchr::memchr2(b'\n', b'\r', tail).into_iter().chain(memchr::memmem::find(tail, b" BT")).min();
            let Some(next) = next else {
                break;
            };
            rest = &tail[next + 1..];
        }
        while self.marks.len() > marks {
            self.end_mark();
        }
        if let Some(state) = self.states.get(depth).cloned() {
            self.state = state;
        }
        self.states.truncate(depth);
    }

    /// Follows the operators; gives what is left when they end before the bytes do.
    fn follow<'c>(&mut self, bytes: &'c [u8], resources: &Resources<'a>, depth: usize) -> Option<&'c [u8]> {
        let base = bytes.as_ptr() as usize;
        let mut end = 0;
        let mut is_image = false;
        let mut operations = UntypedIter::new(bytes);
        while let Some(operation) = operations.next() {
            self.operators += 1;
            if self.operators > OPERATORS || self.content.glyphs.len() >= GLYPHS {
                self.content.faults.insert("the page has more operators than the limit; the rest was not read");
                return None;
            }
            let name: &[u8] = operation.operator;
            // Where the operator stands, by the place of its bytes; one with escapes has been copied.
            let at = (name.as_ptr() as usize).wrapping_sub(base);
            if at < bytes.len() {
                end = at + name.len();
            }
            is_image = name == b"BI";
            let mut operands: [Option<&Object<'_>>; 6] = [None; 6];
            for (place, operand) in operands.iter_mut().zip(operation.operands()) {
                *place = Some(operand);
            }
            if self.operation(name, &operands, resources, depth).is_none() {
                self.content.faults.insert("an operator lacks its values and was passed over");
            }
        }
        let tail = bytes.get(end..).unwrap_or_default();
        let tail = if is_image { tail.get(memchr::memmem::rfind(tail, b"EI").map_or(0, |at| at + 2)..).unwrap_or_default() } else { tail };
        let is_over = tail.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
            || tail.trim_ascii_start().starts_with(b"%") && memchr::memchr2(b'\n', b'\r', tail.trim_ascii()).is_none();
        (!is_over).then_some(tail)
    }

    /// Follows one operator; nothing when it lacks its operands.
    fn operation(&mut self, name: &[u8], operands: &[Option<&Object<'_>>; 6], resources: &Resources<'a>, depth: usize) -> Option<()> {
        let number = |index: usize| match operands[index] {
            Some(Object::Number(number)) => Some(number.as_f64()),
            _ => None,
        };
        let string = |index: usize| match operands[index] {
            Some(Object::String(string)) => Some(string.as_bytes()),
            _ => None,
        };
        let named = |index: usize| match operands[index] {
            Some(Object::Name(name)) => Some(name),
            _ => None,
        };
        let matrix = || Some(Affine::new([number(0)?, number(1)?, number(2)?, number(3)?, number(4)?, number(5)?]));
        match name {
            b"q" => {
                if self.states.len() < STATES {
                    self.states.push(self.state.clone());
                } else {
                    self.content.faults.insert("graphics states are nested more deeply than the limit");
                }
            }
            b"Q" => {
                if self.states.len() > depth
                    && let Some(state) = self.states.pop()
                {
                    self.state = state;
                }
            }
            b"cm" => self.state.matrix *= matrix()?,
            b"gs" => self.graphics_state(named(0)?, resources),
            b"BT" => self.move_to(Affine::IDENTITY),
            b"Tm" => self.move_to(matrix()?),
            b"Td" => self.next_line(number(0)?, number(1)?),
            b"TD" => {
                self.state.leading = -number(1)?;
                self.next_line(number(0)?, number(1)?);
            }
            b"T*" => self.next_line(0.0, -self.state.leading),
            b"Tc" => self.state.char_space = number(0)?,
            b"Tw" => self.state.word_space = number(0)?,
            b"Tz" => self.state.stretch = number(0)? / 100.0,
            b"TL" => self.state.leading = number(0)?,
            b"Ts" => self.state.rise = number(0)?,
            b"Tr" => self.state.mode = number(0)? as i64,
            b"Tf" => {
                self.state.size = number(1)?;
                let key: &[u8] = named(0)?.as_ref();
                self.state.font = self.fonts.named(&resources.fonts, key);
            }
            b"Tj" => self.show(string(0)?),
            b"'" => {
                self.next_line(0.0, -self.state.leading);
                self.show(string(0)?);
            }
            b"\"" => {
                self.state.word_space = number(0)?;
                self.state.char_space = number(1)?;
                self.next_line(0.0, -self.state.leading);
                self.show(string(2)?);
            }
            b"TJ" => {
                let Some(Object::Array(texts)) = operands[0] else {
                    return None;
                };
                for object in texts.iter::<Object<'_>>() {
                    match object {
                        Object::Number(number) => self.adjust(number.as_f64()),
                        Object::String(text) => self.show(text.as_bytes()),
                        _ => {}
                    }
                }
            }
            b"Do" => match resources.forms.get::<Stream<'a>>(named(0)?.as_ref() as &[u8]) {
                Some(stream) => self.x_object(&stream, resources),
                None => {
                    self.content.faults.insert("a form or picture is named that is not there, is damaged, or contains itself");
                }
            },
            b"BI" => self.image(),
            b"BMC" => self.begin_mark(named(0)?, None, None),
            b"BDC" => self.begin_properties(named(0)?, operands[1]?, resources),
            b"EMC" => self.end_mark(),
            b"f" | b"F" | b"f*" | b"S" | b"s" | b"B" | b"B*" | b"b" | b"b*" | b"sh" => self.content.paths += 1,
            _ => {}
        }
        Some(())
    }

    fn graphics_state(&mut self, name: &Name<'_>, resources: &Resources<'a>) {
        let Some(font) = resources.states.get::<Dict<'a>>(name.as_ref() as &[u8]).and_then(|state| state.get::<Array<'a>>("Font")) else {
            return;
        };
        let mut values = font.iter::<Object<'a>>();
        if let (Some(Object::Dict(dict)), Some(Object::Number(size))) = (values.next(), values.next()) {
            self.state.font = Some(self.fonts.get(&dict));
            self.state.size = size.as_f64();
        }
    }

    fn move_to(&mut self, matrix: Affine) {
        self.text_matrix = matrix;
        self.line_matrix = matrix;
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.move_to(self.line_matrix * Affine::translate((x, y)));
    }

    fn adjust(&mut self, thousandths: f64) {
        let distance = -thousandths / 1000.0 * self.state.size;
        let is_horizontal = self.state.font.as_ref().is_none_or(|font| font.is_horizontal());
        let shift = if is_horizontal { (distance * self.state.stretch, 0.0) } else { (0.0, distance) };
        self.text_matrix *= Affine::translate(shift);
    }

    fn show(&mut self, bytes: &[u8]) {
        let Some(font) = self.state.font.clone() else {
            // No font is named: what the codes mean is a guess, and they are counted as unknown.
            self.content.unknown += bytes.iter().filter(|byte| !byte.is_ascii_whitespace()).count() as u64;
            self.content.unknown_fonts.insert("(no font)".to_owned());
            return;
        };
        let mut offset = 0;
        while offset < bytes.len() {
            let coded = font.code(bytes, offset);
            offset += coded.length;
            let meaning = font.meaning(&coded);
            self.glyph(&font, &coded, &meaning);
            let space = self.state.char_space + if coded.code == 32 && coded.length == 1 { self.state.word_space } else { 0.0 };
            let shift = if font.is_horizontal() {
                ((coded.advance.0 * self.state.size + space) * self.state.stretch, 0.0)
            } else {
                (0.0, coded.advance.1 * self.state.size + space)
            };
            self.text_matrix *= Affine::translate(shift);
        }
    }

    fn glyph(&mut self, font: &PdfFont<'a>, coded: &super::font::Coded, meaning: &Meaning) {
        let text: &str = match meaning {
            Meaning::Text(text) => text,
            Meaning::Blank => " ",
            Meaning::Unknown => {
                self.content.unknown += 1;
                if self.content.unknown_fonts.len() < 16 {
                    self.content.unknown_fonts.insert(if font.name.is_empty() { "(font without name)".to_owned() } else { font.name.clone() });
                }
                "\u{FFFD}"
            }
        };
        if self.content.glyphs.len() >= GLYPHS {
            return;
        }
        let size = self.state.size;
        let matrix = self.state.matrix * self.text_matrix * Affine::new([size * self.state.stretch, 0.0, 0.0, size, 0.0, self.state.rise]);
        let extent = font.extent;
        let (width, bottom, top, left) = if font.is_horizontal() {
            (coded.advance.0, extent.descent * extent.unit, extent.ascent * extent.unit, 0.0)
        } else {
            (1.0, coded.advance.1, 0.0, -0.5)
        };
        let origin = matrix * Point::ZERO;
        let advance = matrix * Point::new(coded.advance.0, coded.advance.1) - origin;
        let bounds = matrix.transform_rect_bbox(kurbo::Rect::new(left, bottom, left + width, top));
        let height = (matrix * Point::new(0.0, extent.unit) - origin).hypot();
        if !(origin.is_finite() && advance.is_finite() && bounds.is_finite() && height.is_finite()) {
            self.content.faults.insert("signs stand at no place that can be computed; they were left out");
            return;
        }
        let mark = self.marks.last().copied().unwrap_or_default();
        let class = if mark.is_hidden {
            Class::Layer
        } else if matches!(self.state.mode, 3 | 7) {
            Class::Invisible
        } else if mark.is_artefact {
            Class::Artefact
        } else {
            Class::Shown
        };
        let start = self.content.text.len() as u32;
        self.content.text.push_str(text);
        let end = self.content.text.len() as u32;
        self.content.glyphs.push(Glyph { start, end, origin, advance, size: height, bounds, class, mark: mark.number });
    }

    fn x_object(&mut self, stream: &Stream<'a>, resources: &Resources<'a>) {
        let dict = stream.dict();
        let is_hidden = dict.get::<Dict<'_>>("OC").is_some_and(|group| self.is_off(&group, dict.get_ref("OC").map(Into::into)));
        if values::is_name(dict, "Subtype", b"Image") {
            if !is_hidden {
                self.image();
            }
            return;
        }
        let mut mark = self.marks.last().copied().unwrap_or_default();
        mark.is_hidden |= is_hidden;
        mark.replaced_from = None;
        self.marks.push(mark);
        self.form(stream, resources);
        self.marks.pop();
    }

    fn form(&mut self, stream: &Stream<'a>, resources: &Resources<'a>) {
        let id = stream.obj_id();
        if self.forms.contains(&id) || self.forms.len() >= FORMS {
            self.content.faults.insert("forms contain each other or are nested more deeply than the limit");
            return;
        }
        let dict = stream.dict();
        let (bytes, end) = values::bytes(stream, self.limit_bytes);
        self.note(end);
        let saved = (self.state.clone(), self.text_matrix, self.line_matrix);
        if let Some(matrix) = dict.get::<[f64; 6]>("Matrix") {
            self.state.matrix *= Affine::new(matrix);
        }
        let own = dict.get::<Dict<'a>>("Resources").map(|dict| Resources::of(&dict));
        self.forms.push(id);
        self.run(&bytes, own.as_ref().unwrap_or(resources));
        self.forms.pop();
        (self.state, self.text_matrix, self.line_matrix) = saved;
    }

    fn image(&mut self) {
        self.content.images += 1;
        let area = self.state.matrix.determinant().abs();
        if area.is_finite() {
            self.content.image_cover = (self.content.image_cover + area / self.page_area).min(1.0);
        }
    }

    fn is_off(&self, group: &Dict<'_>, id: Option<ObjectIdentifier>) -> bool {
        if id.is_some_and(|id| self.off.contains(&id)) {
            return true;
        }
        // A membership dictionary (8.11.2.2): here only whether all its groups are off.
        match group.get_raw::<Object<'_>>("OCGs") {
            Some(hayro_syntax::object::MaybeRef::Ref(one)) if group.get::<Array<'_>>("OCGs").is_none() => self.off.contains(&one.into()),
            Some(_) => group.get::<Array<'_>>("OCGs").is_some_and(|groups| {
                let ids: Vec<ObjectIdentifier> = groups.raw_iter().filter_map(|group| group.as_obj_ref()).map(Into::into).collect();
                !ids.is_empty() && ids.iter().all(|id| self.off.contains(id))
            }),
            None => false,
        }
    }

    fn begin_properties(&mut self, tag: &Name<'_>, value: &Object<'_>, resources: &Resources<'a>) {
        match value {
            Object::Name(name) => {
                let key: &[u8] = name.as_ref();
                let dict = resources.properties.get::<Dict<'a>>(key);
                let id = resources.properties.get_ref(key).map(Into::into);
                self.begin_mark(tag, dict.as_ref(), id);
            }
            Object::Dict(dict) => self.begin_mark(tag, Some(dict), None),
            _ => self.begin_mark(tag, None, None),
        }
    }

    fn begin_mark(&mut self, tag: &Name<'_>, properties: Option<&Dict<'_>>, id: Option<ObjectIdentifier>) {
        let mut mark = self.marks.last().copied().unwrap_or_default();
        mark.replaced_from = None;
        let tag: &[u8] = tag.as_ref();
        if let Some(properties) = properties {
            mark.is_hidden |= tag == b"OC" && self.is_off(properties, id);
            mark.is_artefact |= tag == b"Artifact" && values::is_name(properties, "Type", b"Pagination");
            mark.number = properties.get::<i32>("MCID").or(mark.number);
            if let Some(text) = properties.get::<PdfString<'_>>("ActualText") {
                mark.replaced_from = Some((self.content.glyphs.len(), self.replacements.len()));
                self.replacements.push(values::text(text.as_bytes()));
            }
        }
        if self.marks.len() < STATES {
            self.marks.push(mark);
        } else {
            self.content.faults.insert("marked content is nested more deeply than the limit");
        }
    }

    /// Where the file says which text its signs stand for (`ActualText`, 14.9.4), that text takes their place.
    fn end_mark(&mut self) {
        let Some((from, index)) = self.marks.pop().and_then(|mark| mark.replaced_from) else {
            return;
        };
        let text = std::mem::take(&mut self.replacements[index]);
        self.replacements.truncate(index);
        let Some((first, rest)) = self.content.glyphs.get(from..).and_then(<[Glyph]>::split_first) else {
            return;
        };
        // One line of signs only: a text that stands for a whole paragraph would lose the places of its words.
        if rest.iter().any(|glyph| (glyph.origin.y - first.origin.y).abs() > first.size * 0.8) || text.chars().count() > 3 * (rest.len() + 1) {
            return;
        }
        let mut whole = first.clone();
        for glyph in rest {
            whole.bounds = whole.bounds.union(glyph.bounds);
            whole.advance = glyph.origin + glyph.advance - whole.origin;
        }
        self.content.glyphs.truncate(from);
        self.content.text.truncate(whole.start as usize);
        self.content.text.push_str(&text);
        whole.end = self.content.text.len() as u32;
        self.content.glyphs.push(whole);
    }
}

/// The layers that are off when the document is opened (8.11.4.3).
pub fn layers_off(catalog: &Dict<'_>) -> HashSet<ObjectIdentifier> {
    let mut off = HashSet::new();
    let Some(properties) = catalog.get::<Dict<'_>>("OCProperties") else {
        return off;
    };
    let Some(config) = properties.get::<Dict<'_>>("D") else {
        return off;
    };
    let ids = |dict: &Dict<'_>, key: &str| -> Vec<ObjectIdentifier> {
        dict.get::<Array<'_>>(key).map(|array| array.raw_iter().filter_map(|item| item.as_obj_ref()).map(Into::into).collect()).unwrap_or_default()
    };
    if values::is_name(&config, "BaseState", b"OFF") {
        off.extend(ids(&properties, "OCGs"));
        for id in ids(&config, "ON") {
            off.remove(&id);
        }
    }
    off.extend(ids(&config, "OFF"));
    off
}

/// A rectangle of an annotation or field as it is shown.
pub fn shown(rect: Rect, matrix: Affine) -> kurbo::Rect {
    matrix.transform_rect_bbox(kurbo::Rect::new(rect.x0, rect.y0, rect.x1, rect.y1))
}
