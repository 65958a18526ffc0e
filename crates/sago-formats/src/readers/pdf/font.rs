//! Fonts of a PDF: from the codes of a string to widths and Unicode.
//!
//! Widths, codes and the usual ways to Unicode (ToUnicode maps, glyph names) are `hayro-font`'s. Here is what it lacks for text: the predefined character
//! collections (Adobe-Korea1 and its sisters) of embedded fonts without ToUnicode map, and the character table inside an embedded font.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use hayro_font::{CMapResolverFn, Font, FontCache, FontGlyph, FontQuery, FontResolverFn};
use hayro_syntax::object::{Array, Dict, Name, Object, ObjectIdentifier, Rect, Stream, String as PdfString};

use super::values;

/// Longest character map that is read.
const CMAP_BYTES: u64 = 16 << 20;

/// All fonts of a document, each loaded once.
pub struct Fonts<'a> {
    cache: FontCache<'a>,
    fonts: HashMap<usize, Rc<PdfFont<'a>>>,
    by_id: HashMap<ObjectIdentifier, Rc<PdfFont<'a>>>,
    collections: HashMap<&'static [u8], Option<Rc<CMap>>>,
    font_resolver: FontResolverFn,
    cmap_resolver: CMapResolverFn,
}

impl<'a> Fonts<'a> {
    /// No font yet.
    pub fn new() -> Self {
        Self {
            cache: FontCache::new(),
            fonts: HashMap::new(),
            by_id: HashMap::new(),
            collections: HashMap::new(),
            font_resolver: Arc::new(|query| match query {
                FontQuery::Standard(font) => Some(font.get_font_data()),
                FontQuery::Fallback(font) => Some(font.pick_standard_font().get_font_data()),
            }),
            cmap_resolver: Arc::new(load_embedded),
        }
    }

    /// The font of this name among the resources of a page. A dictionary is taken apart only once: writers name a font again for every word.
    pub fn named(&mut self, resources: &Dict<'a>, name: &[u8]) -> Option<Rc<PdfFont<'a>>> {
        let Some(id) = resources.get_ref(name).map(ObjectIdentifier::from) else {
            return resources.get::<Dict<'a>>(name).map(|dict| self.get(&dict));
        };
        if let Some(font) = self.by_id.get(&id) {
            return Some(Rc::clone(font));
        }
        let font = self.get(&resources.get::<Dict<'a>>(name)?);
        self.by_id.insert(id, Rc::clone(&font));
        Some(font)
    }

    /// The font of a dictionary.
    pub fn get(&mut self, dict: &Dict<'a>) -> Rc<PdfFont<'a>> {
        // A dictionary's bytes stand at one place of the document: their address names it.
        let key = dict.data().as_ptr() as usize;
        if let Some(font) = self.fonts.get(&key) {
            return Rc::clone(font);
        }
        let font = self.cache.font(dict, &self.font_resolver, &self.cmap_resolver);
        let loaded = Rc::new(PdfFont {
            collection: self.collection(dict),
            name: dict.get::<Name<'_>>("BaseFont").map(|name| values::name_text(&name)).unwrap_or_default(),
            extent: Extent::of(dict),
            font,
            known: RefCell::new(HashMap::new()),
        });
        self.fonts.insert(key, Rc::clone(&loaded));
        loaded
    }

    /// The way from codes to Unicode through a predefined character collection.
    fn collection(&mut self, dict: &Dict<'a>) -> Option<Collection> {
        let descendant = dict.get::<Array<'_>>("DescendantFonts")?.iter::<Dict<'_>>().next()?;
        let mut is_unicode = false;
        let encoding = match dict.get::<Object<'_>>("Encoding")? {
            Object::Name(name) => {
                let bytes: &[u8] = name.as_ref();
                is_unicode = bytes.starts_with(b"Uni");
                match bytes {
                    b"Identity-H" => CMap::identity_h(),
                    b"Identity-V" => CMap::identity_v(),
                    _ => CMap::parse(load_embedded(CMapName::from_bytes(bytes))?, load_embedded)?,
                }
            }
            Object::Stream(stream) => parsed(&stream)?,
            _ => return None,
        };
        let info = descendant.get::<Dict<'_>>("CIDSystemInfo");
        let said = info.and_then(|info| {
            let registry = info.get::<PdfString<'_>>("Registry")?;
            let ordering = info.get::<PdfString<'_>>("Ordering")?;
            Some(CidFamily::from_registry_ordering(registry.as_bytes(), ordering.as_bytes()))
        });
        let of_encoding = encoding.metadata().character_collection.as_ref().map(|collection| collection.family.clone());
        let name = [said, of_encoding].into_iter().flatten().find_map(|family| family.ucs2_cmap())?;
        let to_unicode = self.ucs2(name)?;
        Some(Collection { encoding, to_unicode, is_unicode })
    }

    fn ucs2(&mut self, name: CMapName<'static>) -> Option<Rc<CMap>> {
        let key: &'static [u8] = match name {
            CMapName::AdobeKorea1Ucs2 => b"Korea1",
            CMapName::AdobeJapan1Ucs2 => b"Japan1",
            CMapName::AdobeGb1Ucs2 => b"GB1",
            _ => b"CNS1",
        };
        self.collections.entry(key).or_insert_with(|| load_embedded(name).and_then(|data| CMap::parse(data, load_embedded)).map(Rc::new)).clone()
    }
}

fn parsed(stream: &Stream<'_>) -> Option<CMap> {
    CMap::parse(&values::bytes(stream, CMAP_BYTES).0, load_embedded)
}

struct Collection {
    encoding: CMap,
    to_unicode: Rc<CMap>,
    is_unicode: bool,
}

impl Collection {
    fn unicode(&self, code: u32, length: usize) -> Option<String> {
        if self.is_unicode {
            let units: Vec<u16> = if length == 4 { vec![(code >> 16) as u16, code as u16] } else { vec![code as u16] };
            return String::from_utf16(&units).ok().filter(|text| text != "\0");
        }
        let cid = self.encoding.lookup_cid_code(code, u8::try_from(length).ok()?)?;
        self.to_unicode.lookup_bf_string(cid).map(owned)
    }
}

fn owned(text: BfString) -> String {
    match text {
        BfString::Char(sign) => sign.to_string(),
        BfString::String(text) => text,
    }
}

/// How far the signs of a font reach above and below the line, and how large its unit is, all in units of the font's size.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Above the line.
    pub ascent: f64,
    /// Below it; negative.
    pub descent: f64,
    /// What the height of a letter is when the size is 1: 1 but for Type 3 fonts.
    pub unit: f64,
}

impl Extent {
    fn of(dict: &Dict<'_>) -> Self {
        if values::is_name(dict, "Subtype", b"Type3") {
            let scale = dict.get::<[f64; 6]>("FontMatrix").map_or(0.001, |matrix| matrix[3].abs().max(matrix[1].abs()));
            let height = dict.get::<Rect>("FontBBox").map_or(0.0, |bbox| (bbox.y1 - bbox.y0).abs());
            let unit = scale * height;
            return Self { ascent: 0.8, descent: -0.2, unit: if unit.is_finite() && unit > 1e-6 { unit } else { 1.0 } };
        }
        let descendant = dict.get::<Array<'_>>("DescendantFonts").and_then(|array| array.iter::<Dict<'_>>().next());
        let descriptor = descendant.as_ref().unwrap_or(dict).get::<Dict<'_>>("FontDescriptor");
        let value = |key: &str| descriptor.as_ref().and_then(|descriptor| descriptor.get::<f64>(key)).map(|value| value / 1000.0);
        let ascent = value("Ascent").filter(|value| (0.4..=1.3).contains(value)).unwrap_or(0.85);
        let descent = value("Descent").map(|value| -value.abs()).filter(|value| (-0.6..=0.0).contains(value)).unwrap_or(-0.2);
        Self { ascent, descent, unit: 1.0 }
    }
}

/// What a code means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// This text.
    Text(Rc<str>),
    /// A sign that nothing names.
    Unknown,
    /// Nothing is shown.
    Blank,
}

/// One font.
pub struct PdfFont<'a> {
    font: Option<Font<'a>>,
    collection: Option<Collection>,
    known: RefCell<HashMap<(u32, usize), Meaning>>,
    /// Its name in the file, with the prefix of a subset.
    pub name: String,
    /// How tall it is.
    pub extent: Extent,
}

/// One code of a string.
#[derive(Debug, Clone)]
pub struct Coded {
    /// The code.
    pub code: u32,
    /// How many bytes it has.
    pub length: usize,
    /// How far the next one stands, in units of the size.
    pub advance: (f64, f64),
}

impl PdfFont<'_> {
    /// Whether its strings run from left to right.
    pub fn is_horizontal(&self) -> bool {
        self.font.as_ref().is_none_or(Font::is_horizontal)
    }

    /// The code at `offset`, which lies within the bytes.
    pub fn code(&self, bytes: &[u8], offset: usize) -> Coded {
        let Some(font) = &self.font else {
            return Coded { code: bytes.get(offset).copied().map_or(0, u32::from), length: 1, advance: (0.5, 0.0) };
        };
        let (code, length) = font.read_code(bytes, offset);
        let advance = font.code_advance(code);
        Coded { code, length: length.max(1), advance: (advance.x / 1000.0, advance.y / 1000.0) }
    }

    /// What a code means.
    pub fn meaning(&self, coded: &Coded) -> Meaning {
        let key = (coded.code, coded.length);
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let meaning = self.find(coded);
        self.known.borrow_mut().insert(key, meaning.clone());
        meaning
    }

    fn find(&self, coded: &Coded) -> Meaning {
        let Some(font) = &self.font else {
            return Meaning::Unknown;
        };
        let glyph = font.glyph(font.map_code(coded.code), coded.code);
        let said = match &glyph {
            FontGlyph::Outline(glyph) => glyph.as_unicode(),
            FontGlyph::Type3(glyph) => glyph.as_unicode(),
        };
        let said = said.map(owned).or_else(|| self.collection.as_ref()?.unicode(coded.code, coded.length));
        if let Some(text) = said {
            let kept: String = text.chars().filter(|sign| !sign.is_control() && *sign != '\u{FFFD}').collect();
            if !kept.is_empty() {
                return Meaning::Text(kept.into());
            }
            // A map that says tab, line end or nothing for a sign says that it is a space.
            if text.chars().all(char::is_whitespace) {
                return Meaning::Text(" ".into());
            }
        }
        match glyph {
            FontGlyph::Outline(glyph) if glyph.outline().elements().is_empty() => Meaning::Blank,
            _ => Meaning::Unknown,
        }
    }
}
