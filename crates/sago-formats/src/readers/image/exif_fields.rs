//! Exif (CIPA DC-008): the fields as they stand, places in decimal degrees, the small picture.

use std::io::Cursor;

use exif::{Exif, Field, In, Reader, Tag, Value};

/// Longest value that is told.
const VALUE_BYTES: usize = 16 << 10;

/// All fields in order, and the small picture.
pub fn read(bytes: &[u8]) -> (Vec<(String, String)>, Option<Vec<u8>>) {
    let mut reader = Reader::new();
    let read = reader.continue_on_error(true).read_from_container(&mut Cursor::new(bytes));
    let Ok(exif) = read.or_else(|error| error.distill_partial_result(|_| {})) else {
        return (Vec::new(), None);
    };
    let mut told = Vec::new();
    let is_tiff = bytes.starts_with(b"II") || bytes.starts_with(b"MM");
    for field in exif.fields() {
        let Some(value) = value(&field.value, field.tag, &exif) else {
            continue;
        };
        let name = if field.tag.description().is_some() { field.tag.to_string() } else { format!("tag-{:#06x}", field.tag.number()) };
        // The second directory of a TIFF is its second image, of other pictures the small one.
        let prefix = match field.ifd_num {
            In::PRIMARY => "exif:".to_owned(),
            In::THUMBNAIL if !is_tiff => "exif:thumbnail:".to_owned(),
            In(index) => format!("exif:page {}:", index.saturating_add(1)),
        };
        let name = undefined_name(field.tag.number()).map_or(name, str::to_owned);
        told.push((format!("{prefix}{name}"), value));
    }
    told.extend(place(&exif));
    (told, thumbnail(&exif))
}

/// Fields that Windows writes (UTF-16) and the library does not name.
fn undefined_name(number: u16) -> Option<&'static str> {
    Some(match number {
        0x9C9B => "XPTitle",
        0x9C9C => "XPComment",
        0x9C9D => "XPAuthor",
        0x9C9E => "XPKeywords",
        0x9C9F => "XPSubject",
        0x9010 => "OffsetTime",
        0x9011 => "OffsetTimeOriginal",
        0x9012 => "OffsetTimeDigitized",
        _ => return None,
    })
}

fn value(value: &Value, tag: Tag, exif: &Exif) -> Option<String> {
    // Not for reading: blocks of the maker's own, other containers' metadata that is read elsewhere.
    if matches!(tag.number(), 0x927C | 0x02BC | 0x83BB | 0x8649 | 0x8773 | 0xC4A5) || matches!(tag.number(), 0x0111 | 0x0117 | 0x0144 | 0x0145) {
        return None;
    }
    let text = match value {
        Value::Ascii(parts) => parts.iter().map(|part| decoded(part)).collect::<Vec<_>>().join("\n"),
        Value::Byte(bytes) if (0x9C9B..=0x9C9F).contains(&tag.number()) => encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned(),
        Value::Undefined(bytes, _) if tag == Tag::UserComment => comment(bytes, exif.little_endian()),
        Value::Undefined(bytes, _) | Value::Byte(bytes) if bytes.len() > 64 => return None,
        Value::Undefined(bytes, _) if tag == Tag::ExifVersion || tag == Tag::FlashpixVersion => decoded(bytes),
        other => other.display_as(tag).to_string(),
    };
    let text = text.trim_matches(['\0', ' ']).to_owned();
    (!text.is_empty() && text.len() <= VALUE_BYTES).then(|| super::super::printable(&text))
}

/// Text without a declared character set: UTF-8, else CP949, else Windows-1252.
fn decoded(bytes: &[u8]) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    super::super::guessed(bytes)
}

/// A comment begins with eight bytes that say how it is written.
fn comment(bytes: &[u8], is_little: bool) -> String {
    let Some((head, rest)) = bytes.split_at_checked(8) else {
        return decoded(bytes);
    };
    match head {
        b"UNICODE\0" if is_little => encoding_rs::UTF_16LE.decode_with_bom_removal(rest).0.into_owned(),
        b"UNICODE\0" => encoding_rs::UTF_16BE.decode_with_bom_removal(rest).0.into_owned(),
        b"JIS\0\0\0\0\0" => encoding_rs::ISO_2022_JP.decode_without_bom_handling(rest).0.into_owned(),
        b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0" => decoded(rest),
        _ => decoded(bytes),
    }
}

/// Where it was taken, in decimal degrees (WGS 84 unless the file says another datum) and metres.
fn place(exif: &Exif) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for (tag, reference, negative, name, most) in
        [(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S', "gps:latitude", 90.0), (Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W', "gps:longitude", 180.0)]
    {
        let Some(degrees) = exif.get_field(tag, In::PRIMARY).and_then(degrees) else {
            continue;
        };
        let is_negative = matches!(exif.get_field(reference, In::PRIMARY).map(|field| &field.value), Some(Value::Ascii(parts)) if parts.first().and_then(|part| part.first()) == Some(&negative));
        if degrees <= most {
            told.push((name.to_owned(), format!("{:.6}", if is_negative { -degrees } else { degrees })));
        }
    }
    if let Some(Value::Rational(parts)) = exif.get_field(Tag::GPSAltitude, In::PRIMARY).map(|field| &field.value)
        && let Some(metres) = parts.first().map(exif::Rational::to_f64).filter(|metres| metres.is_finite())
    {
        let is_below = exif.get_field(Tag::GPSAltitudeRef, In::PRIMARY).and_then(|field| field.value.get_uint(0)) == Some(1);
        told.push(("gps:altitude_m".to_owned(), format!("{:.1}", if is_below { -metres } else { metres })));
    }
    told
}

fn degrees(field: &Field) -> Option<f64> {
    let Value::Rational(parts) = &field.value else {
        return None;
    };
    let part = |index: usize| parts.get(index).map_or(0.0, exif::Rational::to_f64);
    let sum = parts.first()?.to_f64() + part(1) / 60.0 + part(2) / 3600.0;
    sum.is_finite().then_some(sum)
}

fn thumbnail(exif: &Exif) -> Option<Vec<u8>> {
    let number = |tag: Tag| exif.get_field(tag, In::THUMBNAIL).and_then(|field| field.value.get_uint(0)).map(|number| number as usize);
    let (from, length) = (number(Tag::JPEGInterchangeFormat)?, number(Tag::JPEGInterchangeFormatLength)?);
    let small = exif.buf().get(from..from.checked_add(length)?)?;
    small.starts_with(b"\xFF\xD8").then(|| small.to_vec())
}
