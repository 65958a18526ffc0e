//! Decoding picture files.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::{RenderLimits, no_page};
use crate::finding::{Code, Finding};

/// Most images of one file.
const PAGES: usize = 100_000;

/// How many images a file holds: those of a TIFF, else one.
pub fn count_pages(bytes: &[u8]) -> u32 {
    u32::try_from(tiff_pages(bytes).len()).unwrap_or(u32::MAX).max(1)
}

/// Decodes an image (from 1), turned as its metadata says it is to be seen.
///
/// # Errors
/// Why it cannot be decoded: a format without decoder, damage, or a limit.
pub fn decode(bytes: &[u8], page: u32, limits: &RenderLimits) -> Result<DynamicImage, Finding> {
    if let Some(name) = undecodable(bytes) {
        return Err(Finding::new(Code::Feature, format!("{name} pictures are not decoded.")));
    }
    if is_jpeg2000(bytes) {
        return jpeg2000(bytes, limits);
    }
    let pages = tiff_pages(bytes);
    let index = usize::try_from(page).unwrap_or(usize::MAX).wrapping_sub(1);
    if index >= pages.len().max(1) {
        return Err(no_page(page, pages.len().max(1)));
    }
    let patched;
    let bytes = match pages.get(index) {
        Some(offset) if index > 0 => {
            patched = starting_at(bytes, *offset);
            patched.as_slice()
        }
        _ => bytes,
    };
    let format = image::guess_format(bytes).ok().or_else(|| is_tga(bytes).then_some(ImageFormat::Tga));
    let Some(format) = format else {
        return Err(Finding::new(Code::Feature, "There is no decoder for this kind of picture."));
    };
    let failed = |error: image::ImageError| match error {
        image::ImageError::Unsupported(error) => Finding::new(Code::Feature, format!("The picture is of a kind that is not decoded: {error}")),
        image::ImageError::Limits(error) => Finding::new(Code::LimitMemory, format!("The picture is too large: {error}")),
        error => Finding::new(Code::Damaged, format!("The picture could not be decoded: {error}")),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut allowed = image::Limits::default();
    allowed.max_alloc = Some(limits.decoded_pixels.saturating_mul(4).min(limits.memory_bytes.saturating_mul(2)));
    reader.limits(allowed);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    within(width, height, limits)?;
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn within(width: u32, height: u32, limits: &RenderLimits) -> Result<(), Finding> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Finding::new(Code::Damaged, "The picture has no size."));
    }
    if pixels > limits.decoded_pixels {
        return Err(Finding::new(Code::LimitMemory, format!("The picture has {pixels} pixels; up to {} are decoded.", limits.decoded_pixels)));
    }
    Ok(())
}

fn jpeg2000(bytes: &[u8], limits: &RenderLimits) -> Result<DynamicImage, Finding> {
    let damaged = |error: String| Finding::new(Code::Damaged, format!("The picture could not be decoded: {error}"));
    let image = hayro_jpeg2000::Image::new(bytes, &hayro_jpeg2000::DecodeSettings::default()).map_err(|error| damaged(error.to_string()))?;
    within(image.width(), image.height(), limits)?;
    DynamicImage::from_decoder(image).map_err(|error| damaged(error.to_string()))
}

/// Whether it is JPEG 2000: a JP2 file or a bare code stream.
pub fn is_jpeg2000(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x00\x00\x00\x0CjP  ") || bytes.starts_with(b"\xFF\x4F\xFF\x51")
}

/// Known kinds of pictures without a decoder that is free to use, well kept and written in Rust.
fn undecodable(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', _, ..] => Some("AVIF"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h' | b'm', b'e' | b'i', _, _, ..] => Some("HEIF"),
        [0xFF, 0x0A, ..] | [0, 0, 0, 0x0C, b'J', b'X', b'L', ..] => Some("JPEG XL"),
        [b'8', b'B', b'P', b'S', ..] => Some("Photoshop"),
        [b'A', b'T', b'&', b'T', b'F', b'O', b'R', b'M', ..] => Some("DjVu"),
        _ => None,
    }
}

/// TGA has no signature at its beginning; its header must make sense.
fn is_tga(bytes: &[u8]) -> bool {
    matches!(bytes.get(1..3), Some([0 | 1, 1 | 2 | 3 | 9 | 10 | 11])) && matches!(bytes.get(16), Some(8 | 15 | 16 | 24 | 32)) && bytes.len() > 18
}

/// Offsets of the directories of a TIFF, one for each image; empty when it is none.
fn tiff_pages(bytes: &[u8]) -> Vec<u32> {
    let is_little = match bytes.get(..4) {
        Some([b'I', b'I', 42, 0]) => true,
        Some([b'M', b'M', 0, 42]) => false,
        _ => return Vec::new(),
    };
    let u32_at = |at: usize| -> Option<u32> {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if is_little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    };
    let u16_at = |at: usize| -> Option<u16> {
        let two: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    };
    let mut pages = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut next = u32_at(4);
    while let Some(offset) = next.filter(|offset| *offset >= 8) {
        let at = offset as usize;
        let Some(entries) = u16_at(at).filter(|_| seen.insert(offset) && pages.len() < PAGES) else {
            break;
        };
        pages.push(offset);
        next = at.checked_add(2 + usize::from(entries) * 12).and_then(u32_at);
    }
    pages
}

/// The same TIFF with another directory as its first.
fn starting_at(bytes: &[u8], offset: u32) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    let four = if bytes.starts_with(b"II") { offset.to_le_bytes() } else { offset.to_be_bytes() };
    if let Some(place) = copy.get_mut(4..8) {
        place.copy_from_slice(&four);
    }
    copy
}
