//! PDF (ISO 32000): text of the pages with the places of their words, and everything else in the file that says something.
//!
//! Objects, cross-reference tables (rebuilt when they are damaged) and decryption are `hayro-syntax`'s, widths and most of the way to Unicode `hayro-font`'s
//! (ADR 17). Here: what is read in which order (this file), pages (`content`, `font`, `layout`), annotations, forms, and what belongs to the whole
//! document. A panic of a library on hostile bytes costs a page or a part, and is said.

mod annotations;
mod content;
mod document;
mod fields;
mod font;
mod layout;
mod structure;
mod values;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_syntax::object::{Array, Dict, ObjectIdentifier};
use hayro_syntax::page::Page;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use kurbo::Affine;

use crate::document::{Anchor, Block, BlockKind, Part, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

use content::{Content, Interpreter, Resources};
use font::Fonts;

/// A page counts as a picture when pictures cover this share of it and it has fewer visible letters than the next number.
const PICTURE_COVER: f64 = 0.35;
const FEW_LETTERS: usize = 40;
/// From this share of unknown signs on a page must be recognised.
const UNKNOWN_SHARE: f64 = 0.3;
/// Most pages whose numbers a finding lists as ranges.
const RANGES: usize = 60;

/// Reads a PDF.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        let text = format!("The file has {} bytes; up to {} can be held in memory.", source.size_bytes(), context.limits.memory_bytes);
        return sink.finding(Finding::new(Code::LimitMemory, text).weighing(Severity::Unreadable));
    };
    let bytes = std::sync::Arc::new(bytes);
    document::look(&bytes, sink)?;
    let pdf = match open(&bytes) {
        Ok(pdf) => pdf,
        Err(finding) => return sink.finding(finding),
    };
    let mut reading = Reading { pdf: &pdf, bytes: &bytes, limits: context.limits, sink, pages: HashMap::new(), has_text: false };
    reading.all()
}

/// Opens a document, with the empty password when it is encrypted.
pub(crate) fn open(bytes: &std::sync::Arc<Vec<u8>>) -> Result<Pdf, Finding> {
    match guarded(|| Pdf::new(std::sync::Arc::clone(bytes))) {
        Some(Ok(pdf)) => Ok(pdf),
        Some(Err(LoadPdfError::Decryption(_))) if document::is_rights_managed(bytes) => Err(Finding::new(Code::RightsManaged, Code::RightsManaged.meaning())),
        Some(Err(LoadPdfError::Decryption(error))) => Err(encrypted(error)),
        // With some passwords the library fails before it can say so.
        Some(Err(LoadPdfError::Invalid)) if document::is_encrypted(bytes) => Err(encrypted(DecryptionError::PasswordProtected)),
        Some(Err(LoadPdfError::Invalid)) => Err(Finding::new(Code::Damaged, "No page of the document could be found.")),
        None => Err(Finding::new(Code::Damaged, "The reader of PDF failed on the structure of the file.")),
    }
}

fn encrypted(error: DecryptionError) -> Finding {
    match error {
        DecryptionError::PasswordProtected => Finding::new(Code::Encrypted, "The document cannot be opened without its password."),
        DecryptionError::UnsupportedAlgorithm => {
            Finding::new(Code::Encrypted, "The document is encrypted in a way that is not read (perhaps with certificates or rights management).")
        }
        DecryptionError::MissingIDEntry | DecryptionError::InvalidEncryption => {
            Finding::new(Code::Encrypted, "The document is encrypted and the description of its encryption is damaged.")
        }
    }
}

/// Runs a library on hostile bytes; nothing when it panicked.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

struct Reading<'p, 's> {
    pdf: &'p Pdf,
    bytes: &'p [u8],
    limits: &'p crate::Limits,
    sink: &'s mut dyn Sink,
    /// The number of each page by its object.
    pages: HashMap<ObjectIdentifier, u32>,
    has_text: bool,
}

/// What is told about pages at the end.
#[derive(Default)]
struct Pages {
    pictures: BTreeSet<u32>,
    shapes: BTreeSet<u32>,
    unclear: BTreeSet<u32>,
    failed: BTreeSet<u32>,
    hidden: BTreeSet<u32>,
    unknown: u64,
    unknown_pages: BTreeSet<u32>,
    unknown_fonts: BTreeSet<String>,
    faults: HashMap<&'static str, BTreeSet<u32>>,
}

impl<'p> Reading<'p, '_> {
    fn all(&mut self) -> Result<(), Stop> {
        let catalog = self.pdf.xref().get::<Dict<'p>>(self.pdf.xref().root_id()).unwrap_or_default();
        let pages = self.pdf.pages();
        for (index, page) in pages.iter().enumerate() {
            if let Some(id) = page.raw().obj_id() {
                self.pages.entry(id).or_insert(number(index));
            }
        }
        self.sink.property("page_count", pages.len().to_string())?;
        document::properties(self.pdf, self.bytes, &catalog, self.limits, self.sink)?;
        document::page_labels(&catalog, pages.len(), self.sink)?;
        let off = content::layers_off(&catalog);
        let roles = guarded(|| structure::Roles::of(&catalog, &self.pages)).unwrap_or_default();
        let mut fonts = Fonts::new();
        let mut told = Pages::default();
        for (index, page) in pages.iter().enumerate() {
            self.page(page, number(index), &mut fonts, &off, &roles, &mut told)?;
        }
        self.has_text |= fields::tell(&catalog, &self.pages, self.limits, self.sink)?;
        self.has_text |= document::outline(&catalog, &self.pages, self.sink)?;
        document::attachments(self.pdf, &catalog, &self.pages, self.sink)?;
        self.findings(&told, &catalog)
    }

    fn page(
        &mut self,
        page: &Page<'p>,
        number: u32,
        fonts: &mut Fonts<'p>,
        off: &HashSet<ObjectIdentifier>,
        roles: &structure::Roles,
        told: &mut Pages,
    ) -> Result<(), Stop> {
        let (width, height) = page.render_dimensions();
        self.sink.part(Part::Page { number, width, height })?;
        let matrix = Affine::new(page.initial_transform(true).as_coeffs());
        let area = f64::from(width) * f64::from(height);
        let limit = self.limits.memory_bytes / 4;
        let read = guarded(|| {
            let mut interpreter = Interpreter::new(fonts, off, matrix, area, limit);
            interpreter.page(page.raw(), &Resources::of_page(page.resources()));
            let content = interpreter.finish();
            let passages = layout::passages(&content, f64::from(width), f64::from(height), &|mark| roles.get(number, mark));
            (content, passages)
        });
        let Some((content, passages)) = read else {
            // The fonts may be left half made.
            *fonts = Fonts::new();
            told.failed.insert(number);
            return Ok(());
        };
        judge(&content, number, told);
        let mut paragraph = 0;
        let mut last_alternative = None;
        for passage in passages {
            let kind = passage.kind;
            if kind == BlockKind::Hidden {
                told.hidden.insert(number);
            }
            self.has_text |= !passage.text.trim().is_empty();
            paragraph += 1;
            self.sink.block(Block { kind, anchor: Anchor::on_page(number, paragraph), text: passage.text, boxes: passage.boxes })?;
        }
        for text in roles.alternatives(number) {
            if last_alternative.replace(text) != Some(text) {
                paragraph += 1;
                self.has_text = true;
                self.sink.block(Block::new(BlockKind::Caption, Anchor::on_page(number, paragraph), text.clone()))?;
            }
        }
        let annotations = page.raw().get::<Array<'p>>("Annots");
        if let Some(annotations) = annotations {
            let place = annotations::Place { number, matrix, size: (f64::from(width), f64::from(height)) };
            self.has_text |= annotations::tell(&annotations, &place, &mut paragraph, fonts, off, self.limits, self.sink)?;
        }
        Ok(())
    }

    fn findings(&mut self, told: &Pages, catalog: &Dict<'p>) -> Result<(), Stop> {
        let sink = &mut *self.sink;
        if !told.pictures.is_empty() {
            let text = format!("{} of {} pages are pictures of text or without text.", told.pictures.len(), self.pdf.pages().len());
            sink.finding(Finding::new(Code::NeedsRecognition, text).at(ranges(&told.pictures)))?;
        }
        if !told.shapes.is_empty() {
            let text = "These pages have no text; what they show is drawn as shapes, perhaps letters.";
            sink.finding(Finding::new(Code::NeedsRecognition, text).at(ranges(&told.shapes)))?;
        }
        if told.unknown > 0 {
            let fonts: Vec<&str> = told.unknown_fonts.iter().map(String::as_str).collect();
            let text = format!("{} signs have no meaning in the file; they stand as U+FFFD. Fonts: {}.", told.unknown, fonts.join(", "));
            sink.finding(Finding::new(Code::UnmappedGlyphs, text).at(ranges(&told.unknown_pages)))?;
        }
        if !told.unclear.is_empty() {
            let text = "Much of the text of these pages has no meaning in the file and must be recognised from their pictures.";
            sink.finding(Finding::new(Code::NeedsRecognition, text).at(ranges(&told.unclear)))?;
        }
        if !told.failed.is_empty() {
            sink.finding(Finding::new(Code::PartDamaged, "The reader failed on these pages.").at(ranges(&told.failed)))?;
        }
        let mut faults: Vec<_> = told.faults.iter().collect();
        faults.sort();
        for (fault, pages) in faults {
            sink.finding(Finding::new(Code::PartDamaged, format!("On these pages {fault}.")).at(ranges(pages)))?;
        }
        if !told.hidden.is_empty() {
            let text = "Text is hidden: drawn without ink, outside of the page, or in layers that are off.";
            sink.finding(Finding::new(Code::Hidden, text).at(ranges(&told.hidden)))?;
        }
        document::findings(self.pdf, self.bytes, catalog, sink)?;
        if !self.has_text && told.pictures.is_empty() && told.shapes.is_empty() && told.failed.is_empty() && told.unknown == 0 {
            sink.finding(Finding::new(Code::NoText, Code::NoText.meaning()))?;
        }
        Ok(())
    }
}

/// What the content of a page means for its reading.
fn judge(content: &Content, number: u32, told: &mut Pages) {
    let letters = content.text.chars().filter(|sign| sign.is_alphanumeric()).count();
    let has_scan = content.images > 0 && content.image_cover >= PICTURE_COVER;
    if (letters == 0 && content.images > 0) || (has_scan && letters < FEW_LETTERS) {
        told.pictures.insert(number);
    } else if letters == 0 && content.unknown == 0 && content.paths > 0 {
        told.shapes.insert(number);
    }
    if content.unknown > 0 {
        told.unknown += content.unknown;
        told.unknown_pages.insert(number);
        told.unknown_fonts.extend(content.unknown_fonts.iter().take(16).cloned());
        if content.unknown as f64 > UNKNOWN_SHARE * (letters as f64 + content.unknown as f64) {
            told.unclear.insert(number);
        }
    }
    for fault in &content.faults {
        told.faults.entry(fault).or_default().insert(number);
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

/// Page numbers as they are cited: `page 3`, `pages 1-4, 7`.
fn ranges(pages: &BTreeSet<u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for page in pages {
        match runs.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(*page) => *end = *page,
            _ => runs.push((*page, *page)),
        }
    }
    let more = runs.len().saturating_sub(RANGES);
    let mut named: Vec<String> = runs.iter().take(RANGES).map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") }).collect();
    if more > 0 {
        named.push(format!("and {more} more runs"));
    }
    format!("{} {}", if pages.len() == 1 { "page" } else { "pages" }, named.join(", "))
}
