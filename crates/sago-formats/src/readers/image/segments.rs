//! What stands between the pixels: comments and IPTC of JPEG (ISO/IEC 10918-1 B.2.4, IPTC-IIM 4.2), text of PNG (11.3.4 of its standard), comments of GIF;
//! and sizes from headers that the decoders do not read.

use std::io::Read;

use flate2::read::ZlibDecoder;

/// Longest text of one chunk.
const TEXT_BYTES: u64 = 1 << 20;

/// All properties, in order.
pub fn read(bytes: &[u8]) -> Vec<(String, String)> {
    match bytes {
        [0xFF, 0xD8, ..] => jpeg(bytes),
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        [b'G', b'I', b'F', b'8', ..] => gif(bytes),
        _ => photoshop(bytes),
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?)))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn jpeg(bytes: &[u8]) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let mut at = 2;
    while let (Some(0xFF), Some(kind)) = (bytes.get(at).copied(), bytes.get(at + 1).copied()) {
        if kind == 0xFF {
            at += 1;
            continue;
        }
        // Pixels begin, or the end.
        if matches!(kind, 0xDA | 0xD9) {
            break;
        }
        let Some(length) = be16(bytes, at + 2).filter(|length| *length >= 2) else {
            break;
        };
        let body = bytes.get(at + 4..(at + 2 + length).min(bytes.len())).unwrap_or_default();
        match kind {
            0xFE => push(&mut told, "jpeg:comment", &super::super::guessed(body)),
            0xED if body.starts_with(b"Photoshop 3.0\0") => told.extend(photoshop(&body[14..])),
            _ => {}
        }
        at += 2 + length;
    }
    told
}

fn push(told: &mut Vec<(String, String)>, name: &str, value: &str) {
    let value = super::super::printable(value.trim_matches(['\0', ' ', '\n']));
    if !value.is_empty() {
        told.push((name.to_owned(), value));
    }
}

/// Image resources of Photoshop: the one with IPTC in it.
fn photoshop(bytes: &[u8]) -> Vec<(String, String)> {
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(bytes.get(at..).unwrap_or_default(), b"8BIM") {
        at += found + 4;
        if be16(bytes, at) != Some(0x0404) {
            continue;
        }
        let name = bytes.get(at + 2).map_or(0, |length| usize::from(*length));
        let start = at + 2 + ((name + 2) & !1);
        if let Some(length) = be32(bytes, start) {
            let body = bytes.get(start + 4..).unwrap_or_default();
            return iptc(&body[..body.len().min(length as usize)]);
        }
    }
    Vec::new()
}

fn iptc(bytes: &[u8]) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let mut is_utf8 = false;
    let mut at = 0;
    while bytes.get(at) == Some(&0x1C) {
        let (Some(record), Some(set), Some(length)) = (bytes.get(at + 1).copied(), bytes.get(at + 2).copied(), be16(bytes, at + 3)) else {
            break;
        };
        let Some(value) = bytes.get(at + 5..at + 5 + length).filter(|_| length < 0x8000) else {
            break;
        };
        at += 5 + length;
        if (record, set) == (1, 90) {
            is_utf8 = value == b"\x1B%G";
        }
        if let (2, Some(name)) = (record, iptc_name(set)) {
            let text = if is_utf8 { String::from_utf8_lossy(value).into_owned() } else { super::super::guessed(value) };
            push(&mut told, name, &text);
        }
    }
    told
}

fn iptc_name(set: u8) -> Option<&'static str> {
    Some(match set {
        5 => "iptc:Title",
        7 => "iptc:EditStatus",
        15 => "iptc:Category",
        20 => "iptc:SupplementalCategory",
        25 => "iptc:Keywords",
        40 => "iptc:SpecialInstructions",
        55 => "iptc:DateCreated",
        60 => "iptc:TimeCreated",
        62 => "iptc:DigitalCreationDate",
        63 => "iptc:DigitalCreationTime",
        65 => "iptc:OriginatingProgram",
        80 => "iptc:By-line",
        85 => "iptc:By-lineTitle",
        90 => "iptc:City",
        92 => "iptc:Sub-location",
        95 => "iptc:Province-State",
        100 => "iptc:CountryCode",
        101 => "iptc:Country",
        103 => "iptc:TransmissionReference",
        105 => "iptc:Headline",
        110 => "iptc:Credit",
        115 => "iptc:Source",
        116 => "iptc:CopyrightNotice",
        118 => "iptc:Contact",
        120 => "iptc:Caption",
        122 => "iptc:Writer-Editor",
        _ => return None,
    })
}

fn png(bytes: &[u8]) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let mut at = 8;
    while let (Some(length), Some(kind)) = (be32(bytes, at), bytes.get(at + 4..at + 8)) {
        let Some(body) = bytes.get(at + 8..).and_then(|rest| rest.get(..length as usize)) else {
            break;
        };
        at += 12 + length as usize;
        let Some(end) = body.iter().position(|byte| *byte == 0) else {
            continue;
        };
        let name = format!("png:{}", super::super::guessed(&body[..end]));
        let rest = &body[end + 1..];
        match kind {
            b"tEXt" => push(&mut told, &name, &super::super::guessed(rest)),
            b"zTXt" => push(&mut told, &name, &super::super::guessed(&unpacked(rest.get(1..).unwrap_or_default()))),
            b"iTXt" if name != "png:XML:com.adobe.xmp" => {
                let is_packed = rest.first() == Some(&1);
                let mut parts = rest.get(2..).unwrap_or_default().splitn(3, |byte| *byte == 0);
                let text = parts.nth(2).unwrap_or_default();
                let text = if is_packed { unpacked(text) } else { text.to_vec() };
                push(&mut told, &name, &String::from_utf8_lossy(&text));
            }
            _ => {}
        }
    }
    told
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    // A damaged end leaves what came before it.
    let _ = ZlibDecoder::new(bytes).take(TEXT_BYTES).read_to_end(&mut text);
    text
}

/// Walks the blocks of a GIF: comments, and how many images it has.
fn gif(bytes: &[u8]) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let mut frames = 0_u64;
    let flags = bytes.get(10).copied().unwrap_or(0);
    let table = |flags: u8| if flags & 0x80 != 0 { 3 << ((flags & 7) + 1) } else { 0 };
    let mut at = 13 + table(flags);
    loop {
        match bytes.get(at) {
            Some(0x21) => {
                let is_comment = bytes.get(at + 1) == Some(&0xFE);
                let (body, next) = sub_blocks(bytes, at + 2);
                if is_comment {
                    push(&mut told, "gif:comment", &super::super::guessed(&body));
                }
                at = next;
            }
            Some(0x2C) => {
                frames += 1;
                let flags = bytes.get(at + 9).copied().unwrap_or(0);
                at = sub_blocks(bytes, at + 11 + table(flags)).1;
            }
            _ => break,
        }
    }
    if frames > 1 {
        told.push(("image:frames".to_owned(), frames.to_string()));
    }
    told
}

fn sub_blocks(bytes: &[u8], mut at: usize) -> (Vec<u8>, usize) {
    let mut body = Vec::new();
    while let Some(length) = bytes.get(at).map(|length| usize::from(*length)) {
        at += 1;
        if length == 0 {
            break;
        }
        let part = bytes.get(at..).unwrap_or_default();
        if body.len() < TEXT_BYTES as usize {
            body.extend_from_slice(&part[..part.len().min(length)]);
        }
        at += length;
    }
    (body, at)
}

/// The largest size that an image in a HEIF or AVIF file declares (`ispe`, ISO/IEC 23008-12, 6.5.3): the others are tiles and thumbnails.
pub fn heif_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let head = &bytes[..bytes.len().min(1 << 20)];
    memchr::memmem::find_iter(head, b"ispe")
        .take(100_000)
        .filter_map(|at| Some((be32(head, at + 8)?, be32(head, at + 12)?)))
        .filter(|(width, height)| *width > 0 && *height > 0 && *width < 1 << 20 && *height < 1 << 20)
        .max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))
}

/// Sizes of kinds that are not decoded: Photoshop, PCX, DjVu, JBIG2, JPEG XL's first form.
pub fn header_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let le16 = |at: usize| bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map(u16::from_le_bytes).map(u32::from);
    match bytes {
        [b'8', b'B', b'P', b'S', ..] => Some((be32(bytes, 18)?, be32(bytes, 14)?)),
        [0x0A, 0 | 2..=5, 1, ..] => Some(((le16(8)?.checked_sub(le16(4)?)?) + 1, (le16(10)?.checked_sub(le16(6)?)?) + 1)),
        [b'A', b'T', b'&', b'T', ..] => {
            let at = memchr::memmem::find(&bytes[..bytes.len().min(4_096)], b"INFO")?;
            Some((be16(bytes, at + 8)? as u32, be16(bytes, at + 10)? as u32))
        }
        _ => None,
    }
}
