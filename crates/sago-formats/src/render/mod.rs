//! Pictures of pages: what a person sees where text is recognised or shown, thumbnails, and fingerprints of pictures.
//!
//! PDF pages are drawn by `hayro`, pictures decoded by `image` and `hayro-jpeg2000`; no system library takes part. The bytes are judged by what they are, not
//! by a name. What cannot be drawn is a [`Finding`] that says why. Limits are kept before memory is asked for.

mod decode;
mod fingerprint;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::font::{FontData, FontQuery};
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use image::{DynamicImage, ImageFormat};

use crate::finding::{Code, Finding};
use crate::readers::pdf::open;
use crate::source::Source;

pub use decode::{count_pages, decode};
pub use fingerprint::{distance, fingerprint};

/// What drawing a page may cost, and with which fonts.
#[derive(Clone)]
pub struct RenderLimits {
    /// Most pixels of the picture; a larger page is drawn at fewer dots per inch.
    pub pixels: u64,
    /// Most pixels of a picture that is decoded.
    pub decoded_pixels: u64,
    /// Longest file that is held in memory.
    pub memory_bytes: u64,
    /// A font with Hangul and Han signs and its number in its collection, for documents that do not carry theirs.
    pub cjk_font: Option<(FontData, u32)>,
}

impl Default for RenderLimits {
    fn default() -> Self {
        Self { pixels: 40_000_000, decoded_pixels: 200_000_000, memory_bytes: 512 << 20, cjk_font: None }
    }
}

impl std::fmt::Debug for RenderLimits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RenderLimits")
            .field("pixels", &self.pixels)
            .field("decoded_pixels", &self.decoded_pixels)
            .field("memory_bytes", &self.memory_bytes)
            .field("has_cjk_font", &self.cjk_font.is_some())
            .finish()
    }
}

/// A drawn page.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Dots per inch it was drawn at: fewer than asked when the limit of pixels bit. For pictures without a size in inches, 72 by definition.
    pub dpi: f32,
    /// The picture as PNG.
    pub png: Vec<u8>,
}

/// Longest side that the rasteriser takes.
const MOST_SIDE: f64 = 16_000.0;

/// Draws a page (from 1) of a PDF at so many dots per inch, or an image of a picture file scaled as if it had 72.
///
/// # Errors
/// What the file is that it cannot be drawn, or which limit it breaks; `format-damaged` also when the bytes cannot be read.
pub fn render_page(source: &mut Source<'_>, page: u32, dpi: f32, limits: &RenderLimits) -> Result<Picture, Finding> {
    let bytes = load(source, limits)?;
    let dpi = if dpi.is_finite() { dpi.clamp(1.0, 2_400.0) } else { 150.0 };
    if is_pdf(&bytes) {
        return guarded(|| pdf_page(bytes, page, dpi, limits));
    }
    let image = guarded(|| decode(&bytes, page, limits))?;
    let scale = f64::from(dpi) / 72.0;
    let (width, height) = (f64::from(image.width()) * scale, f64::from(image.height()) * scale);
    let (scale, dpi) = fitted(width, height, limits, scale, dpi);
    let scaled = if (scale - 1.0).abs() < 1e-6 { image } else { resized(&image, scale) };
    png(&scaled, dpi)
}

/// Draws a page so small that no side is longer than `side` pixels.
///
/// # Errors
/// As [`render_page`].
pub fn thumbnail(source: &mut Source<'_>, page: u32, side: u32, limits: &RenderLimits) -> Result<Picture, Finding> {
    let side = side.clamp(1, 4_096);
    let bytes = load(source, limits)?;
    let image = if is_pdf(&bytes) {
        let drawn = guarded(|| {
            let longest = pdf_size(&bytes, page)?;
            let dpi = (f64::from(side) * 2.0 * 72.0 / longest).clamp(4.0, 150.0);
            pdf_page(bytes, page, dpi as f32, limits)
        })?;
        image::load_from_memory_with_format(&drawn.png, ImageFormat::Png).map_err(|error| Finding::new(Code::Damaged, error.to_string()))?
    } else {
        guarded(|| decode(&bytes, page, limits))?
    };
    let scale = (f64::from(side) / f64::from(image.width().max(image.height()).max(1))).min(1.0);
    png(&resized(&image, scale), (72.0 * scale) as f32)
}

fn load(source: &mut Source<'_>, limits: &RenderLimits) -> Result<Vec<u8>, Finding> {
    match source.whole(limits.memory_bytes) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => {
            Err(Finding::new(Code::LimitMemory, format!("The file has {} bytes; up to {} are held in memory.", source.size_bytes(), limits.memory_bytes)))
        }
        Err(error) => Err(Finding::new(Code::Damaged, format!("The bytes could not be read: {error}"))),
    }
}

fn is_pdf(bytes: &[u8]) -> bool {
    memchr::memmem::find(&bytes[..bytes.len().min(1_024)], b"%PDF-").is_some()
}

/// Runs a decoder on hostile bytes; its panic is a finding.
fn guarded<T>(work: impl FnOnce() -> Result<T, Finding>) -> Result<T, Finding> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Finding::new(Code::Crashed, "The decoder failed on the file.")))
}

fn no_page(page: u32, count: usize) -> Finding {
    Finding::new(Code::ChildMissing, format!("There is no page {page}; the file has {count}.")).at(format!("page {page}"))
}

fn pdf_size(bytes: &[u8], page: u32) -> Result<f64, Finding> {
    let pdf = open(&Arc::new(bytes.to_vec()))?;
    let index = usize::try_from(page).unwrap_or(usize::MAX).wrapping_sub(1);
    let found = pdf.pages().get(index).ok_or_else(|| no_page(page, pdf.pages().len()))?;
    let (width, height) = found.render_dimensions();
    Ok(f64::from(width.max(height)).max(1.0))
}

fn pdf_page(bytes: Vec<u8>, page: u32, dpi: f32, limits: &RenderLimits) -> Result<Picture, Finding> {
    let pdf = open(&Arc::new(bytes))?;
    let index = usize::try_from(page).unwrap_or(usize::MAX).wrapping_sub(1);
    let found = pdf.pages().get(index).ok_or_else(|| no_page(page, pdf.pages().len()))?;
    let (width, height) = found.render_dimensions();
    let wanted = f64::from(dpi) / 72.0;
    let (scale, dpi) = fitted(f64::from(width) * wanted, f64::from(height) * wanted, limits, wanted, dpi);
    let cjk = limits.cjk_font.clone();
    let settings = InterpreterSettings {
        font_resolver: Arc::new(move |query| match query {
            FontQuery::Standard(font) => Some(font.get_font_data()),
            FontQuery::Fallback(query) if query.character_collection.is_some() && cjk.is_some() => cjk.clone(),
            FontQuery::Fallback(query) => Some(query.pick_standard_font().get_font_data()),
        }),
        ..InterpreterSettings::default()
    };
    let pixels = PixmapSettings { x_scale: scale as f32, y_scale: scale as f32, bg_color: hayro::vello_cpu::color::palette::css::WHITE };
    let pixmap = hayro::render(found, &RenderCache::new(), &settings, &RenderSettings::default(), &pixels);
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    if width == 0 || height == 0 {
        return Err(Finding::new(Code::Damaged, "The page has no size.").at(format!("page {page}")));
    }
    let png = pixmap.into_png().map_err(|error| Finding::new(Code::Damaged, format!("The picture could not be written: {error}")))?;
    Ok(Picture { width, height, dpi, png })
}

/// The scale and dots per inch at which a picture keeps the limits.
fn fitted(width: f64, height: f64, limits: &RenderLimits, scale: f64, dpi: f32) -> (f64, f32) {
    let by_pixels = (limits.pixels as f64 / (width * height).max(1.0)).sqrt();
    let by_side = MOST_SIDE / width.max(height).max(1.0);
    let factor = by_pixels.min(by_side).min(1.0);
    // A page thinner than a pixel is drawn one pixel thin.
    let scale = (scale * factor).max(f64::MIN_POSITIVE);
    (scale, (f64::from(dpi) * factor) as f32)
}

fn resized(image: &DynamicImage, scale: f64) -> DynamicImage {
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, MOST_SIDE as u32);
    if scale < 1.0 {
        image.thumbnail_exact(side(image.width()), side(image.height()))
    } else {
        image.resize_exact(side(image.width()), side(image.height()), image::imageops::FilterType::Triangle)
    }
}

fn png(image: &DynamicImage, dpi: f32) -> Result<Picture, Finding> {
    // PNG has no 32-bit samples.
    let plain = match image {
        DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_) => DynamicImage::ImageRgba8(image.to_rgba8()),
        other => other.clone(),
    };
    let mut png = Vec::new();
    plain
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(|error| Finding::new(Code::Damaged, format!("The picture could not be written: {error}")))?;
    Ok(Picture { width: plain.width(), height: plain.height(), dpi, png })
}
