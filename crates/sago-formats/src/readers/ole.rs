//! Objects of other programs in documents (MS-OLEDS): what they are called, and their own file out of the wrapping.

use super::codepage::CodePage;
use super::compound::{Compound, MAGIC, Node, write};
use super::little::{size_at, slice, u16_at, u32_at, utf16};
use crate::document::{Anchor, Child, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::source::Stop;

/// Deepest storages that are copied out of an embedded object.
const DEPTH: u32 = 32;

/// A file out of an object.
#[derive(Debug)]
pub(crate) struct Object {
    /// Its name, as far as the object or its kind gives one.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Tells an object as a child.
pub(crate) fn tell(object: &Object, role: ChildRole, anchor: Anchor, sink: &mut dyn Sink) -> Result<(), Stop> {
    let child = Child { anchor, size_bytes: Some(object.bytes.len() as u64), ..Child::new(role, object.name.clone()) };
    sink.child(child, &mut object.bytes.as_slice()).map(|_| ())
}

/// The object in a storage, and tells it; `fallback` names it when it has no name.
pub(crate) fn tell_storage(compound: &Compound, storage: usize, fallback: &str, anchor: Anchor, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut findings = Vec::new();
    let object = from_storage(compound, storage, fallback, &mut findings);
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    match object {
        Some(object) => tell(&object, ChildRole::Embedded, anchor, sink),
        None => sink.finding(Finding::new(Code::ChildFailed, "The object is too large to be written as a file of its own.").at(fallback)),
    }
}

fn from_storage(compound: &Compound, storage: usize, fallback: &str, findings: &mut Vec<Finding>) -> Option<Object> {
    if let Some(native) = compound.read_from(storage, "\u{1}Ole10Native", findings) {
        let length = size_at(&native, 0).unwrap_or(0);
        let body = native.get(4..).unwrap_or_default();
        let body = &body[..body.len().min(length)];
        if let Some(object) = package(body) {
            return Some(object);
        }
        return Some(Object { name: fallback.to_owned() + extension_of(body), bytes: body.to_vec() });
    }
    if let Some(bytes) = compound.read_from(storage, "Package", findings).filter(|bytes| !bytes.is_empty()) {
        return Some(Object { name: fallback.to_owned() + extension_of(&bytes), bytes });
    }
    // Acrobat, Works and some drawing programs keep their file in one stream.
    if let Some(bytes) = compound.read_from(storage, "CONTENTS", findings).filter(|bytes| !extension_of(bytes).is_empty()) {
        return Some(Object { name: fallback.to_owned() + extension_of(&bytes), bytes });
    }
    let has = |name: &str| compound.find(storage, name).is_some();
    let extension = if has("WordDocument") {
        ".doc"
    } else if has("Workbook") || has("Book") {
        ".xls"
    } else if has("PowerPoint Document") {
        ".ppt"
    } else if has("VisioDocument") {
        ".vsd"
    } else if has("__properties_version1.0") {
        ".msg"
    } else if has("MatOST") || has("MM") {
        ".wps"
    } else {
        ".ole"
    };
    let node = compound.node(storage, DEPTH, findings);
    let root = Node { name: String::new(), ..node };
    write(&root).map(|bytes| Object { name: fallback.to_owned() + extension, bytes })
}

/// An object as OLE 1 writes it, in RTF and old Write files (MS-OLEDS 2.2.5). Nothing when it is a link or not one.
pub(crate) fn from_ole1(bytes: &[u8], fallback: &str, findings: &mut Vec<Finding>) -> Option<Object> {
    if u32_at(bytes, 4)? != 2 {
        return None;
    }
    let mut at = 8;
    let mut class = String::new();
    for index in 0..3 {
        let length = size_at(bytes, at)?;
        let text = slice(bytes, at + 4, length)?;
        if index == 0 {
            class = zero_ended(text).0;
        }
        at += 4 + length;
    }
    let length = size_at(bytes, at)?;
    let native = bytes.get(at + 4..)?;
    if native.len() < length {
        findings.push(Finding::new(Code::PartDamaged, format!("{} of {length} bytes are there.", native.len())).at(fallback));
    }
    let native = &native[..native.len().min(length)];
    if class == "Package"
        && let Some(object) = package(native)
    {
        return Some(object);
    }
    if native.starts_with(&MAGIC) {
        let (compound, broken) = Compound::open(native.to_vec());
        findings.extend(broken);
        if let Some(object) = compound.and_then(|compound| from_storage(&compound, 0, fallback, findings)) {
            return Some(object);
        }
    }
    Some(Object { name: fallback.to_owned() + extension_of(native), bytes: native.to_vec() })
}

/// A file that the object packager wrapped: label, path, bytes, and in newer ones the same names in UTF-16.
fn package(native: &[u8]) -> Option<Object> {
    if u16_at(native, 0)? != 2 {
        return None;
    }
    let (label, length) = zero_ended(native.get(2..)?);
    let mut at = 2 + length;
    let (path, length) = zero_ended(native.get(at..)?);
    at += length + 4;
    at += 4 + size_at(native, at)?;
    let size = size_at(native, at)?;
    let bytes = slice(native, at + 4, size)?.to_vec();
    // Command, label and source follow in UTF-16, each with its count of letters.
    let mut wide = at + 4 + size;
    let mut names = Vec::new();
    while names.len() < 3 {
        let Some(text) = size_at(native, wide).and_then(|count| slice(native, wide + 4, count.checked_mul(2)?)) else { break };
        names.push(utf16(text).trim_end_matches('\0').to_owned());
        wide += 4 + text.len();
    }
    let name = names.get(1).filter(|name| !name.is_empty()).cloned().unwrap_or(if label.is_empty() { path } else { label });
    Some(Object { name, bytes })
}

/// Text to the zero that ends it, judged as UTF-8, Korean or Western, and its length with the zero.
fn zero_ended(bytes: &[u8]) -> (String, usize) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let raw = &bytes[..end];
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let korean = CodePage::by_number(949).map(|page| page.decode(raw)).filter(|decoded| !decoded.has_errors);
            korean.unwrap_or_else(|| CodePage::WESTERN.decode(raw)).text
        }
    };
    (text, (end + 1).min(bytes.len()))
}

/// The extension that the first bytes speak for; empty when they say nothing.
pub(crate) fn extension_of(bytes: &[u8]) -> &'static str {
    const STARTS: &[(&[u8], &str)] = &[
        (b"%PDF", ".pdf"),
        (b"PK\x03\x04", ".zip"),
        (b"{\\rtf", ".rtf"),
        (b"\x89PNG", ".png"),
        (b"\xff\xd8\xff", ".jpg"),
        (b"GIF8", ".gif"),
        (b"BM", ".bmp"),
        (b"II*\0", ".tif"),
        (b"MM\0*", ".tif"),
        (b"\xd7\xcd\xc6\x9a", ".wmf"),
        (b"\x01\0\x09\0\0\x03", ".wmf"),
        (b"\x01\0\0\0", ".emf"),
    ];
    if bytes.starts_with(b"PK\x03\x04") {
        // What kind of package it is stands in the names of its first parts.
        let head = &bytes[..bytes.len().min(4 << 20)];
        let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
        return if has(b"word/document") {
            ".docx"
        } else if has(b"xl/workbook") {
            ".xlsx"
        } else if has(b"ppt/presentation") {
            ".pptx"
        } else {
            ".zip"
        };
    }
    STARTS.iter().find(|(start, _)| bytes.starts_with(start)).map_or("", |(_, extension)| extension)
}
