//! Pictures: size, pages, what camera and people wrote into them (Exif, XMP, IPTC, comments), small pictures and films inside them.
//!
//! No text is recognised here: each picture carries the finding that its text, if it shows any, must be recognised. Nothing is decoded to be read; the size
//! comes from the header. [`crate::render`] decodes.

mod exif_fields;
mod segments;

use std::collections::HashSet;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{ImageDecoder, ImageReader};

use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Part, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::readers::xmp;
use crate::render;
use crate::source::{Source, Stop};
use crate::table::Context;

/// Properties whose text a person wrote: they are text too.
const WRITTEN: &[&str] = &[
    "exif:ImageDescription",
    "exif:UserComment",
    "exif:XPTitle",
    "exif:XPComment",
    "exif:XPSubject",
    "exif:XPKeywords",
    "iptc:Caption",
    "iptc:Headline",
    "iptc:Title",
    "iptc:Keywords",
    "iptc:SpecialInstructions",
    "dc:title",
    "dc:description",
    "dc:subject",
    "photoshop:Headline",
    "photoshop:Instructions",
    "jpeg:comment",
    "gif:comment",
    "png:Comment",
    "png:Description",
    "png:Title",
];

/// Reads a picture file.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        let text = format!("The file has {} bytes; up to {} can be held in memory.", source.size_bytes(), context.limits.memory_bytes);
        return sink.finding(Finding::new(Code::LimitMemory, text).weighing(Severity::Unreadable));
    };
    let pages = render::count_pages(&bytes);
    let is_known = sizes(&bytes, context.format.code, pages, sink)?;
    let mut told: Vec<(String, String)> = Vec::new();
    let (fields, thumbnail) = catch_unwind(AssertUnwindSafe(|| exif_fields::read(&bytes))).unwrap_or_default();
    told.extend(fields);
    told.extend(segments::read(&bytes));
    for packet in packets(&bytes) {
        let mut listed: Vec<(String, String)> = xmp::properties(packet);
        listed.retain(|(name, _)| !name.ends_with("xmpGImg:image"));
        told.extend(listed);
    }
    let mut paragraph = 0;
    let mut written: Vec<&str> = Vec::new();
    let mut seen = HashSet::new();
    for (name, value) in &told {
        if !seen.insert((name, value)) {
            continue;
        }
        sink.property(name, value.clone())?;
        let plain = name.split('[').next().unwrap_or(name);
        if WRITTEN.contains(&plain) && !written.contains(&value.as_str()) && value.chars().any(char::is_alphanumeric) {
            written.push(value);
            paragraph += 1;
            let anchor = Anchor { part: Some(name.clone()), paragraph: Some(paragraph), ..Anchor::default() };
            sink.block(Block::new(BlockKind::Caption, anchor, value.clone()))?;
        }
    }
    if let Some(small) = thumbnail {
        let mut child = Child::new(ChildRole::Thumbnail, "thumbnail.jpg");
        child.media_type = Some("image/jpeg".to_owned());
        sink.child(child, &mut small.as_slice())?;
    }
    if let Some(film) = film(&bytes) {
        let mut child = Child::new(ChildRole::Embedded, "motion.mp4");
        child.media_type = Some("video/mp4".to_owned());
        sink.child(child, &mut &bytes[film..])?;
    }
    ended(&bytes, sink)?;
    if is_known {
        let place = if pages == 1 { "page 1".to_owned() } else { format!("pages 1-{pages}") };
        sink.finding(Finding::new(Code::NeedsRecognition, "It is a picture: text that it shows must be recognised.").at(place))?;
    }
    Ok(())
}

/// Tells the size of each image; says whether it is a picture at all.
fn sizes(bytes: &[u8], code: &str, pages: u32, sink: &mut dyn Sink) -> Result<bool, Stop> {
    let Some(first) = catch_unwind(AssertUnwindSafe(|| size(bytes, code))).unwrap_or(None) else {
        sink.finding(Finding::new(Code::Damaged, "The header of the picture could not be read."))?;
        return Ok(false);
    };
    sink.property("image:width", first.0.to_string())?;
    sink.property("image:height", first.1.to_string())?;
    if pages > 1 {
        sink.property("page_count", pages.to_string())?;
    }
    for number in 1..=pages {
        sink.part(Part::Page { number, width: first.0 as f32, height: first.1 as f32 })?;
    }
    Ok(true)
}

fn size(bytes: &[u8], code: &str) -> Option<(u32, u32)> {
    if code == "jp2" {
        let image = hayro_jpeg2000::Image::new(bytes, &hayro_jpeg2000::DecodeSettings::default()).ok()?;
        return Some((image.width(), image.height()));
    }
    if matches!(code, "heif" | "avif") {
        return segments::heif_size(bytes);
    }
    if let Some(size) = segments::header_size(bytes) {
        return Some(size);
    }
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    if reader.format().is_none() && code == "tga" {
        reader.set_format(image::ImageFormat::Tga);
    }
    let decoder = reader.into_decoder().ok()?;
    Some(decoder.dimensions())
}

/// Every XMP packet in the bytes; they are kept unpacked so that any program finds them (ISO 16684-1, 7.3).
fn packets(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut at = 0;
    while found.len() < 16 {
        let Some(start) = memchr::memmem::find(&bytes[at..], b"<x:xmpmeta").map(|start| at + start) else {
            break;
        };
        let end = memchr::memmem::find(&bytes[start..], b"</x:xmpmeta>").map_or(bytes.len(), |end| start + end + 12);
        found.push(&bytes[start..end]);
        at = end;
    }
    found
}

/// Where a film begins that a telephone put behind a photograph.
fn film(bytes: &[u8]) -> Option<usize> {
    if !bytes.starts_with(b"\xFF\xD8") {
        return None;
    }
    let mut at = memchr::memmem::find(bytes, b"\xFF\xD9")?;
    while let Some(found) = memchr::memmem::find(&bytes[at..], b"ftyp") {
        let start = (at + found).checked_sub(4)?;
        let brand = bytes.get(at + found + 4..at + found + 8)?;
        if brand.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ') && bytes[start..start + 3] == [0, 0, 0] {
            return Some(start);
        }
        at += found + 4;
    }
    None
}

/// Whether the picture has its end.
fn ended(bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
    let is_cut = if bytes.starts_with(b"\xFF\xD8") {
        memchr::memmem::rfind(bytes, b"\xFF\xD9").is_none()
    } else if bytes.starts_with(b"\x89PNG") {
        memchr::memmem::rfind(bytes, b"IEND").is_none()
    } else if bytes.starts_with(b"GIF8") {
        !bytes.contains(&0x3B)
    } else if bytes.starts_with(b"RIFF") {
        bytes.get(4..8).and_then(|four| four.try_into().ok()).is_some_and(|four| u64::from(u32::from_le_bytes(four)) + 8 > bytes.len() as u64)
    } else {
        false
    };
    if is_cut { sink.finding(Finding::new(Code::Truncated, "The picture has no end mark.")) } else { Ok(()) }
}
