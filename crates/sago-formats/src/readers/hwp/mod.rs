//! HWP 5, the compound file of Hangul, as published by Hancom ("Hangul Document File Formats 5.0", revision 1.3). HWP 3 and older are told apart and reported.
//!
//! Text of all sections with cells, notes, headers, text boxes, equations, memos; what lies in `BinData` as contained files; properties; the preview's text
//! when nothing else can be read.

mod body;
mod distribution;
mod records;

use std::io::{Cursor, Read};

use flate2::read::DeflateDecoder;

use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::limits::Limits;
use crate::readers::compound::{Compound, EntryKind, MAGIC, PropertySet, Value, filetime};
use crate::readers::flow::plain;
use crate::readers::told::Told;
use crate::source::{Source, Stop};
use crate::table::Context;

use records::{BIN_DATA, DISTRIBUTE_DOC_DATA, Records, string, u16_at, u32_at, utf16};

/// What HWP files before 5 begin with.
const OLD_SIGNATURE: &[u8] = b"HWP Document File V";
/// What the stream `FileHeader` begins with.
const SIGNATURE: &[u8] = b"HWP Document File";

/// Flags of the header (published format, table 3).
#[derive(Debug, Clone, Copy, Default)]
struct Flags(u32);

impl Flags {
    fn has(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }
}

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut told = Told::new(sink);
    let head = source.at(0, OLD_SIGNATURE.len() + 5)?;
    if head.starts_with(OLD_SIGNATURE) {
        let version = String::from_utf8_lossy(&head[OLD_SIGNATURE.len()..]).trim().to_owned();
        return told.finding(Finding::new(Code::Version, format!("It is a file of HWP version {version}; only version 5 is read.")));
    }
    let size_bytes = source.size_bytes();
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        return told.finding(Finding::new(Code::LimitMemory, format!("The file has {size_bytes} bytes.")).weighing(Severity::Unreadable));
    };
    if !bytes.starts_with(&MAGIC) {
        return told.finding(Finding::new(Code::Damaged, "It is no compound file."));
    }
    let (compound, findings) = Compound::open(bytes);
    for finding in findings {
        told.finding(finding)?;
    }
    let Some(compound) = compound else { return Ok(()) };
    let streams = streams(&compound);
    let left_bytes = size_bytes.saturating_mul(context.limits.ratio).max(context.limits.ratio_free_bytes);
    let mut document = Document { compound, streams, limits: context.limits, flags: Flags::default(), left_bytes };
    document.read(&mut told)?;
    told.finish()
}

/// A stream by its path.
#[derive(Debug, Clone)]
struct Stream {
    path: String,
    index: usize,
    size_bytes: u64,
}

/// All streams of the file, storage by storage.
fn streams(compound: &Compound) -> Vec<Stream> {
    let mut streams = Vec::new();
    // The tree of the directory has no circles: the compound file sees to it.
    let mut waiting = vec![(0, String::new())];
    while let Some((index, path)) = waiting.pop() {
        let entry = compound.entry(index);
        if entry.kind == EntryKind::Stream {
            streams.push(Stream { path, index, size_bytes: entry.size_bytes });
            continue;
        }
        for child in entry.children.iter().rev() {
            let name = &compound.entry(*child).name;
            waiting.push((*child, if path.is_empty() { name.clone() } else { format!("{path}/{name}") }));
        }
    }
    streams
}

struct Document<'s> {
    compound: Compound,
    streams: Vec<Stream>,
    limits: &'s Limits,
    flags: Flags,
    /// How much all streams together may still unpack to.
    left_bytes: u64,
}

impl Document<'_> {
    fn find(&self, path: &str) -> Option<Stream> {
        self.streams.iter().find(|stream| stream.path.eq_ignore_ascii_case(path)).cloned()
    }

    fn read(&mut self, sink: &mut Told<'_>) -> Result<(), Stop> {
        self.header(sink)?;
        self.properties(sink)?;
        let lock = if self.flags.has(4) || self.flags.has(10) {
            Some(Finding::new(Code::RightsManaged, "The document is locked by a rights management system."))
        } else if self.flags.has(1) {
            Some(Finding::new(Code::Encrypted, "The document needs a password."))
        } else if self.flags.has(8) {
            Some(Finding::new(Code::Encrypted, "The document is encrypted for the holder of a certificate."))
        } else {
            None
        };
        match lock {
            Some(finding) => {
                sink.finding(finding)?;
                return self.preview(sink);
            }
            None => self.content(sink)?,
        }
        if sink.blocks == 0 && sink.has_loss {
            self.preview(sink)?;
        }
        Ok(())
    }

    fn header(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let header = self.find("FileHeader").map(|stream| self.compound.stream(stream.index).bytes).unwrap_or_default();
        if !header.starts_with(SIGNATURE) || header.len() < 40 {
            // Nearly all documents are compressed; the streams show it when this one is not.
            self.flags = Flags(1);
            return sink.finding(Finding::new(Code::PartDamaged, "The header of the document cannot be read.").at("FileHeader"));
        }
        self.flags = Flags(u32_at(&header, 36));
        let [revision, build, minor, major] = u32_at(&header, 32).to_le_bytes();
        sink.property("hwp:version", format!("{major}.{minor}.{build}.{revision}"))?;
        if major != 5 {
            sink.finding(Finding::new(Code::Feature, format!("Version {major} of the format is not published; it is read as version 5.")))?;
        }
        if self.flags.has(2) {
            // Its program neither prints nor copies it; that locks nothing away.
            sink.property("hwp:distribution", "true".to_owned())?;
        }
        let notes = [
            (7, Code::Signed, "The document is signed; the signature was not judged."),
            (14, Code::Hidden, "Changes are tracked in the document; inserted and deleted text is not told apart from the rest."),
        ];
        for (bit, code, text) in notes {
            if self.flags.has(bit) {
                sink.finding(Finding::new(code, text).weighing(Severity::Note))?;
            }
        }
        Ok(())
    }

    /// The property set of the format's own (published format, table 5).
    fn properties(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let Some(stream) = self.find("\u{5}HwpSummaryInformation") else { return Ok(()) };
        let mut findings = Vec::new();
        let sets = PropertySet::read(&self.compound.stream(stream.index).bytes, &mut findings);
        for (id, value) in sets.iter().flat_map(|set| &set.values) {
            let name = match id {
                2 => "dc:title",
                3 => "dc:subject",
                4 => "dc:creator",
                5 => "hwp:keywords",
                6 => "hwp:comments",
                8 => "hwp:last_author",
                9 => "hwp:program",
                11 => "hwp:last_printed",
                12 => "dcterms:created",
                13 => "dcterms:modified",
                14 => "page_count",
                20 => "hwp:date_text",
                21 => "hwp:paragraph_count",
                _ => continue,
            };
            let text = match value {
                Value::Time(time) => filetime(*time).unwrap_or_default(),
                other => other.text(),
            };
            sink.property(name, text.trim_end_matches('\0').to_owned())?;
        }
        for finding in findings {
            sink.finding(Finding { place: "HwpSummaryInformation".to_owned(), ..finding })?;
        }
        Ok(())
    }

    fn content(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let info = match self.find("DocInfo") {
            Some(stream) => self.unpacked(&stream, sink)?,
            None => {
                sink.finding(Finding::new(Code::PartDamaged, "The stream is not there.").at("DocInfo"))?;
                Vec::new()
            }
        };
        let headings = body::headings(Records::new(&info));
        let is_distributed = self.flags.has(2);
        let folder = if is_distributed { "ViewText/" } else { "BodyText/" };
        let sections = self.sections(folder);
        let declared = Records::new(&info).find(|record| record.tag == 0x10).map(|record| usize::from(u16_at(record.bytes, 0)));
        for (number, stream) in &sections {
            let part = format!("section {}", number + 1);
            let bytes = if is_distributed { self.distributed(stream, sink)? } else { self.unpacked(stream, sink)? };
            body::Body::new(&stream.path, part, &headings, self.limits.nesting).read(&bytes, sink)?;
        }
        if declared.is_some_and(|declared| declared > sections.len()) || sections.is_empty() {
            let text = format!("The document has {} sections, {} are there.", declared.unwrap_or(1), sections.len());
            sink.finding(Finding::new(Code::CountMismatch, text))?;
        }
        self.others(&info, sink)
    }

    fn sections(&self, folder: &str) -> Vec<(u32, Stream)> {
        let of = |folder: &str| -> Vec<(u32, Stream)> {
            let mut sections: Vec<_> = self
                .streams
                .iter()
                .filter_map(|stream| Some((stream.path.strip_prefix(folder)?.strip_prefix("Section")?.parse().ok()?, stream.clone())))
                .collect();
            sections.sort_by_key(|(number, _)| *number);
            sections
        };
        let sections = of(folder);
        // In a damaged directory streams lose their folders.
        if sections.is_empty() { of("") } else { sections }
    }

    /// A stream, unpacked when the document is packed. What can be read of a damaged one.
    fn unpacked(&mut self, stream: &Stream, sink: &mut dyn Sink) -> Result<Vec<u8>, Stop> {
        let raw = self.raw(stream, sink)?;
        if self.flags.has(0) { self.inflated(raw, &stream.path, sink) } else { Ok(raw) }
    }

    fn raw(&mut self, stream: &Stream, sink: &mut dyn Sink) -> Result<Vec<u8>, Stop> {
        let content = self.compound.stream(stream.index);
        if !content.is_whole {
            let text = format!("Only {} of {} bytes are there.", content.bytes.len(), stream.size_bytes);
            sink.finding(Finding::new(Code::Truncated, text).at(stream.path.clone()))?;
        }
        Ok(content.bytes)
    }

    fn inflated(&mut self, raw: Vec<u8>, place: &str, sink: &mut dyn Sink) -> Result<Vec<u8>, Stop> {
        let most = self.left_bytes.min(self.limits.memory_bytes);
        let mut bytes = Vec::new();
        let result = DeflateDecoder::new(raw.as_slice()).take(most.saturating_add(1)).read_to_end(&mut bytes);
        if bytes.len() as u64 > most {
            bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            sink.finding(Finding::new(Code::LimitExpansion, format!("Only the first {most} bytes were unpacked.")).at(place))?;
        } else if let Err(error) = result {
            if bytes.is_empty() && is_records(&raw) {
                // Not packed although the header says so.
                return Ok(raw);
            }
            let text = format!("The packed bytes are damaged; {} bytes were unpacked ({error}).", bytes.len());
            sink.finding(Finding::new(Code::PartDamaged, text).at(place))?;
        }
        self.left_bytes = self.left_bytes.saturating_sub(bytes.len() as u64);
        Ok(bytes)
    }

    /// A section of a document for distribution.
    fn distributed(&mut self, stream: &Stream, sink: &mut dyn Sink) -> Result<Vec<u8>, Stop> {
        let mut raw = self.raw(stream, sink)?;
        let mut records = Records::new(&raw);
        let data = match records.next() {
            Some(record) if record.tag == DISTRIBUTE_DOC_DATA => record.bytes.to_vec(),
            _ => {
                sink.finding(Finding::new(Code::PartDamaged, "The key of the document for distribution is not there.").at(stream.path.clone()))?;
                return Ok(Vec::new());
            }
        };
        let mut bytes = raw.split_off(records.offset());
        if distribution::decipher(&data, &mut bytes).is_none() {
            sink.finding(Finding::new(Code::PartDamaged, "The key of the document for distribution is cut off.").at(stream.path.clone()))?;
            return Ok(Vec::new());
        }
        if self.flags.has(0) { self.inflated(bytes, &stream.path, sink) } else { Ok(bytes) }
    }

    /// What else there is: contained files, scripts, earlier versions.
    fn others(&mut self, info: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
        let mut packing = std::collections::BTreeMap::new();
        for record in Records::new(info).filter(|record| record.tag == BIN_DATA) {
            let kind = u16_at(record.bytes, 0);
            if kind & 0xF == 0 {
                let (absolute, end) = string(record.bytes, 2).unwrap_or_default();
                let relative = string(record.bytes, end).map_or_else(String::new, |(path, _)| path);
                let target = if absolute.is_empty() { relative } else { absolute };
                sink.finding(Finding::new(Code::External, format!("It shows a file that is not in it: {target}")))?;
            } else {
                packing.insert(u16_at(record.bytes, 2), kind >> 4 & 3);
            }
        }
        let mut found = std::collections::BTreeSet::new();
        for stream in self.streams.clone() {
            if let Some(name) = stream.path.strip_prefix("BinData/") {
                let number = name.get(3..7).and_then(|digits| u16::from_str_radix(digits, 16).ok());
                found.extend(number);
                let is_packed = match number.and_then(|number| packing.get(&number)) {
                    Some(1) => true,
                    Some(2) => false,
                    _ => self.flags.has(0),
                };
                self.contained(&stream, name, is_packed, sink)?;
            } else if stream.path == "Scripts/DefaultJScript" {
                let script = script_text(&if self.flags.has(2) { self.distributed(&stream, sink)? } else { self.unpacked(&stream, sink)? });
                if has_own_script(&script) {
                    sink.finding(Finding::new(Code::ActiveContent, "The document holds a script.").at("Scripts/DefaultJScript"))?;
                    let mut child = Child::new(ChildRole::Embedded, "DefaultJScript.js");
                    child.media_type = Some("text/javascript".to_owned());
                    child.size_bytes = Some(script.len() as u64);
                    sink.child(child, &mut Cursor::new(script))?;
                }
            } else if stream.path.starts_with("DocHistory/") {
                let text = "An earlier version of the document is kept here; it is handed on as it is.";
                sink.finding(Finding::new(Code::Feature, text).at(stream.path.clone()))?;
                let raw = self.raw(&stream, sink)?;
                sink.child(Child::new(ChildRole::Embedded, stream.path.clone()), &mut Cursor::new(raw))?;
            } else if stream.path == "PrvImage" {
                let raw = self.raw(&stream, sink)?;
                if !raw.is_empty() {
                    let name = if raw.starts_with(b"GIF") {
                        "PrvImage.gif"
                    } else if raw.starts_with(b"BM") {
                        "PrvImage.bmp"
                    } else {
                        "PrvImage.png"
                    };
                    sink.child(Child::new(ChildRole::Thumbnail, name), &mut Cursor::new(raw))?;
                }
            }
        }
        for number in packing.keys().filter(|number| !found.contains(*number)) {
            sink.finding(Finding::new(Code::ChildMissing, Code::ChildMissing.meaning()).at(format!("BIN{number:04X}")))?;
        }
        Ok(())
    }

    fn contained(&mut self, stream: &Stream, name: &str, is_packed: bool, sink: &mut dyn Sink) -> Result<(), Stop> {
        let raw = self.raw(stream, sink)?;
        let mut bytes = if is_packed { self.inflated(raw, &stream.path, sink)? } else { raw };
        // An OLE object is a compound file with its length in front.
        if bytes.get(4..).is_some_and(|rest| rest.starts_with(&MAGIC)) {
            bytes.drain(..4);
        }
        let mut child = Child::new(ChildRole::Embedded, name);
        child.size_bytes = Some(bytes.len() as u64);
        sink.child(child, &mut Cursor::new(bytes))?;
        Ok(())
    }

    /// The beginning of the text, kept for file managers: told when the text itself cannot be read.
    fn preview(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let Some(stream) = self.find("PrvText") else { return Ok(()) };
        let text = utf16(&self.compound.stream(stream.index).bytes);
        for (number, line) in (1_u32..).zip(plain(&text).lines()) {
            sink.block(Block::new(BlockKind::Hidden, Anchor::in_part("preview", number), line))?;
        }
        Ok(())
    }
}

/// Whether bytes look like records as they are: a first tag of the format at the first level.
fn is_records(bytes: &[u8]) -> bool {
    Records::new(bytes).next().is_some_and(|record| (0x10..0x80).contains(&record.tag) && record.level == 0)
}

/// The texts of a script, each with its length in letters in front (published format, table 9).
fn script_text(bytes: &[u8]) -> String {
    let mut at = 0_usize;
    let mut texts = Vec::new();
    while at.saturating_add(4) <= bytes.len() && u32_at(bytes, at) != u32::MAX {
        let end = (at + 4).saturating_add((u32_at(bytes, at) as usize).saturating_mul(2)).min(bytes.len());
        texts.push(utf16(&bytes[at + 4..end]));
        at = end;
    }
    texts.join("\n").trim().to_owned()
}

/// Whether a script holds more than what Hangul puts into every document.
pub(crate) fn has_own_script(script: &str) -> bool {
    const USUAL: &[&str] = &[
        "",
        "{",
        "}",
        "//todo :",
        "function OnDocument_New()",
        "function OnDocument_Open()",
        "var Documents = XHwpDocuments;",
        "var Document = Documents.Active_XHwpDocument;",
    ];
    script.lines().any(|line| !USUAL.contains(&line.trim()))
}
