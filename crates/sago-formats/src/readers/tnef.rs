//! Outlook's `winmail.dat` (MS-OXTNEF): subject, bodies and attachments that other mail programs cannot show.

use crate::charset::{self, Charset};
use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::readers::pst::unpack_rtf;
use crate::source::{Source, Stop};
use crate::table::Context;

/// Longest text of a body that was packed.
const RTF_BYTES: usize = 64 << 20;

/// One property of MAPI: id, type, value.
struct Property<'a> {
    id: u16,
    kind: u16,
    value: &'a [u8],
}

#[derive(Default)]
struct Attachment<'a> {
    name: Option<String>,
    media_type: Option<String>,
    data: Option<&'a [u8]>,
    is_message: bool,
}

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        let text = format!("The file has {} bytes.", source.size_bytes());
        return sink.finding(Finding::new(Code::LimitMemory, text).weighing(Severity::Unreadable));
    };
    if u32_at(&bytes, 0) != Some(0x223E_9F78) {
        return sink.finding(Finding::new(Code::Damaged, "The file does not begin as TNEF does."));
    }
    let mut place = 6;
    let mut code_page = None;
    let mut open: Option<Attachment<'_>> = None;
    let mut given = 0_u32;
    while let (Some(tag), Some(length)) = (u32_at(&bytes, place + 1), u32_at(&bytes, place + 5)) {
        let begin = place + 9;
        let end = begin.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        let Some(data) = bytes.get(begin..end) else {
            sink.finding(Finding::new(Code::Truncated, "The last attribute is cut off.").at(format!("offset {place}")))?;
            break;
        };
        let sum = data.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        if bytes.get(end..end + 2).and_then(|own| own.first_chunk()).map(|own| u16::from_le_bytes(*own)) != Some(sum) {
            sink.finding(Finding::new(Code::PartDamaged, "The checksum of an attribute is wrong.").at(format!("offset {place}")))?;
        }
        match tag {
            0x0006_9007 => code_page = u32_at(data, 0).and_then(Charset::of_code_page),
            0x0001_8004 => sink.block(Block::new(BlockKind::Heading, Anchor::in_part("Subject", 1), text(data, code_page)))?,
            0x0002_800C => body(&text(data, code_page), sink)?,
            0x0006_9003 => message(data, code_page, sink)?,
            0x0006_9002 => {
                given += 1;
                give(open.replace(Attachment::default()), sink)?;
            }
            0x0001_8010 => _ = open.get_or_insert_default().name.get_or_insert_with(|| text(data, code_page)),
            0x0006_800F => open.get_or_insert_default().data = Some(data),
            0x0006_9005 => attachment(data, code_page, open.get_or_insert_default()),
            _ => {}
        }
        place = end + 2;
    }
    give(open.take(), sink)?;
    sink.property("tnef:attachments", given.to_string())
}

/// Bodies and subject of the message.
fn message(data: &[u8], code_page: Option<Charset>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let (properties, is_whole) = properties(data);
    if !is_whole {
        sink.finding(Finding::new(Code::PartDamaged, "The properties of the message end in something that makes no sense."))?;
    }
    for property in &properties {
        let packed = |name: &str| Child::new(ChildRole::Content, name);
        match property.id {
            0x0037 => sink.property("mail:Subject", string(property, code_page))?,
            0x1035 => sink.property("mail:Message-ID", string(property, code_page))?,
            0x0C1A => sink.property("mail:Sender", string(property, code_page))?,
            0x1000 => body(&string(property, code_page), sink)?,
            0x1013 if !property.value.is_empty() => sink.child(packed("body.html"), &mut &*property.value).map(|_| ())?,
            0x1009 => match unpack_rtf(property.value, RTF_BYTES) {
                Some(rtf) => sink.child(packed("body.rtf"), &mut rtf.as_slice()).map(|_| ())?,
                None => sink.finding(Finding::new(Code::PartDamaged, "The body (RTF) could not be unpacked."))?,
            },
            _ => {}
        }
    }
    Ok(())
}

fn attachment<'a>(data: &'a [u8], code_page: Option<Charset>, open: &mut Attachment<'a>) {
    for property in properties(data).0 {
        match property.id {
            0x3707 => open.name = Some(string(&property, code_page)),
            0x370E => open.media_type = Some(string(&property, code_page)),
            // An object begins with the interface it is to be asked by: a message is a file like this one.
            0x3701 if property.kind == 0x000D => {
                open.data = property.value.get(16..);
                open.is_message = open.data.is_some_and(|data| u32_at(data, 0) == Some(0x223E_9F78));
            }
            0x3701 => open.data = Some(property.value),
            _ => {}
        }
    }
}

fn give(attachment: Option<Attachment<'_>>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(own) = attachment else { return Ok(()) };
    let mut child = Child::new(ChildRole::Attachment, own.name.unwrap_or_default());
    child.media_type = own.media_type;
    if own.is_message {
        child.role = ChildRole::Message;
        child.media_type = Some("application/ms-tnef".to_owned());
    }
    match own.data {
        Some(data) => sink.child(child, &mut &*data).map(|_| ()),
        None => sink.finding(Finding::new(Code::ChildMissing, "An attachment is named and its bytes are not there.").at(child.name)),
    }
}

fn body(text: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
    for (number, paragraph) in (1_u32..).zip(text.replace("\r\n", "\n").split("\n\n").filter(|paragraph| !paragraph.trim().is_empty())) {
        sink.block(Block::paragraph(Anchor::in_part("body", number), charset::without_controls(paragraph.trim_matches('\n'))))?;
    }
    Ok(())
}

fn text(data: &[u8], code_page: Option<Charset>) -> String {
    let data = data.split(|byte| *byte == 0).next().unwrap_or_default();
    match code_page {
        Some(charset) => charset::decode_as(data, charset).0,
        None => charset::decode(data, None).text,
    }
}

fn string(property: &Property<'_>, code_page: Option<Charset>) -> String {
    if property.kind != 0x001F {
        return text(property.value, code_page);
    }
    let units = property.value.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches('\0').to_owned()
}

/// The properties (MS-OXTNEF 2.1.3.4), the first value of each, and whether all made sense.
fn properties(data: &[u8]) -> (Vec<Property<'_>>, bool) {
    let mut found = Vec::new();
    let count = u32_at(data, 0).unwrap_or(0);
    let mut place = 4;
    for _ in 0..count {
        match property(data, place) {
            Some((property, next)) => {
                found.push(property);
                place = next;
            }
            None => return (found, false),
        }
    }
    (found, true)
}

fn property(data: &[u8], mut place: usize) -> Option<(Property<'_>, usize)> {
    let tag = u32_at(data, place)?;
    let [kind_low, kind_high, id_low, id_high] = tag.to_le_bytes();
    let (kind, id) = (u16::from_le_bytes([kind_low, kind_high]), u16::from_le_bytes([id_low, id_high]));
    place += 4;
    if id >= 0x8000 {
        // A named property: who defined it, then a number or a name.
        place += 20;
        place += if u32_at(data, place - 4)? == 0 { 4 } else { 4 + padded(u32_at(data, place)?)? };
    }
    let base = kind & 0x0FFF;
    let is_variable = matches!(base, 0x000D | 0x001E | 0x001F | 0x0102);
    let count = if is_variable || kind & 0x1000 != 0 {
        place += 4;
        u32_at(data, place - 4)?
    } else {
        1
    };
    let mut value: &[u8] = &[];
    for index in 0..count {
        let size = if is_variable {
            place += 4;
            u32_at(data, place - 4)?
        } else {
            match base {
                0x0002..=0x0004 | 0x000A | 0x000B => 4,
                0x0005..=0x0007 | 0x0014 | 0x0040 => 8,
                0x0048 => 16,
                _ => return None,
            }
        };
        let own = data.get(place..place.checked_add(usize::try_from(size).ok()?)?)?;
        if index == 0 {
            value = own;
        }
        place += padded(size)?;
    }
    Some((Property { id, kind: base, value }, place))
}

/// Values fill up to four bytes.
fn padded(size: u32) -> Option<usize> {
    usize::try_from(size).ok()?.checked_next_multiple_of(4)
}

fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}
