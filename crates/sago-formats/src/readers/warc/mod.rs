//! Web archives: WARC 1.0 and 1.1 (ISO 28500) and the older ARC, plain or with a gzip member for each record. Each captured resource is a contained file
//! under its address; the other records are text. WACZ is a ZIP of such files.

mod http;
mod record;

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use self::record::{Head, next_head};
use crate::document::{Anchor, Block, Child, ChildRole, Property, Sink};
use crate::finding::{Code, Finding};
use crate::readers::archive::{Checked, GzipReader};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Longest record that becomes text.
const TEXT_BYTES: u64 = 1 << 20;
/// How much is searched at a time for the next gzip member.
const SCAN_BYTES: usize = 64 << 10;

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut counts = Counts::default();
    if source.at(0, 2)? != [0x1F, 0x8B] {
        source.rewind()?;
        records(&mut BufReader::new(source), &mut counts, sink)?;
        return counts.finish(sink);
    }
    let mut offset = 0;
    loop {
        source.seek(SeekFrom::Start(offset))?;
        let mut packed = GzipReader::new(BufReader::new(&mut *source));
        let outcome = records(&mut BufReader::new(&mut packed), &mut counts, sink);
        let used = packed.used_bytes();
        match outcome {
            Ok(()) if packed.failed.is_none() => {
                if let Some(at) = packed.trailing {
                    sink.finding(Finding::new(Code::TrailingBytes, "Something else follows the compressed records.").at(format!("offset {}", offset + at)))?;
                }
                return counts.finish(sink);
            }
            Err(stop @ (Stop::Io(_) | Stop::Limit)) if packed.failed.is_none() => return Err(stop),
            _ => {}
        }
        // A damaged member costs itself: the next one may be whole.
        let failed_at = offset + used;
        let text = format!("{}; records were looked for after it.", packed.failed.take().unwrap_or_default());
        sink.finding(Finding::new(Code::PartDamaged, text).at(format!("offset {failed_at}")))?;
        match next_member(source, (offset + used).max(offset + 1))? {
            Some(next) => offset = next,
            None => return counts.finish(sink),
        }
    }
}

fn next_member(source: &mut Source<'_>, mut offset: u64) -> io::Result<Option<u64>> {
    while offset < source.size_bytes() {
        let bytes = source.at(offset, SCAN_BYTES)?;
        if let Some(place) = bytes.windows(3).position(|three| three == [0x1F, 0x8B, 8]) {
            return Ok(Some(offset + place as u64));
        }
        if bytes.len() < SCAN_BYTES {
            break;
        }
        offset += bytes.len() as u64 - 2;
    }
    Ok(None)
}

#[derive(Default)]
struct Counts {
    records: u32,
    captured: u32,
    revisits: u32,
}

impl Counts {
    fn finish(&self, sink: &mut dyn Sink) -> Result<(), Stop> {
        if self.records == 0 {
            return sink.finding(Finding::new(Code::Damaged, "No record was found."));
        }
        sink.property("warc:records", self.records.to_string())?;
        sink.property("warc:captured", self.captured.to_string())?;
        if self.revisits > 0 {
            let text = format!("{} records say that a resource was the same as in an earlier capture.", self.revisits);
            sink.finding(Finding::new(Code::External, text))?;
        }
        Ok(())
    }
}

fn records(stream: &mut dyn BufRead, counts: &mut Counts, sink: &mut dyn Sink) -> Result<(), Stop> {
    while let Some((head, skipped)) = next_head(stream)? {
        if skipped > 0 {
            let place = format!("record {}", counts.records + 1);
            sink.finding(Finding::new(Code::PartDamaged, format!("{skipped} bytes before it belong to no record.")).at(place))?;
        }
        counts.records = counts.records.saturating_add(1);
        let mut block = Checked::new(Read::take(&mut *stream, head.length)).with_size(Some(head.length));
        one(&head, &mut block, counts, sink)?;
        // What was not wanted is passed over. A cut end was said with the record, or is said here.
        if let Err(error) = io::copy(&mut block, &mut io::sink()) {
            sink.finding(Finding::new(Code::Truncated, error.to_string()).at(head.place(counts.records)))?;
        }
    }
    Ok(())
}

fn one(head: &Head, block: &mut dyn Read, counts: &mut Counts, sink: &mut dyn Sink) -> Result<(), Stop> {
    let place = head.place(counts.records);
    let is_http = head.media_type.starts_with("application/http") || head.is_arc && head.uri.starts_with("http");
    match head.kind.as_str() {
        "response" if is_http => {
            counts.captured += 1;
            captured(head, counts.records, block, sink)
        }
        "response" | "resource" | "conversion" => {
            counts.captured += 1;
            let mut child = describe(head, counts.records);
            child.media_type = Some(head.media_type.clone()).filter(|kind| !kind.is_empty());
            child.size_bytes = Some(head.length);
            sink.child(child, block).map(|_| ())
        }
        "revisit" => {
            counts.revisits += 1;
            Ok(())
        }
        "continuation" => {
            sink.finding(Finding::new(Code::Feature, "It continues an earlier record; the pieces are not joined.").at(place))?;
            sink.child(describe(head, counts.records), block).map(|_| ())
        }
        _ if head.length > TEXT_BYTES => sink.child(describe(head, counts.records), block).map(|_| ()),
        _ => {
            let mut bytes = Vec::new();
            if let Err(error) = block.read_to_end(&mut bytes) {
                sink.finding(Finding::new(Code::Truncated, error.to_string()).at(place.clone()))?;
            }
            let text = crate::charset::decode(&bytes, None).text;
            let text = crate::charset::without_controls(&text);
            sink.block(Block::paragraph(Anchor::in_part(place, counts.records), text.trim_end()))
        }
    }
}

fn describe(head: &Head, number: u32) -> Child {
    let mut child = Child::new(ChildRole::Record, head.uri.clone());
    child.anchor = Anchor { part: Some(head.id.clone()).filter(|id| !id.is_empty()), paragraph: Some(number), ..Anchor::default() };
    for (name, value) in [
        ("warc:type", &head.kind),
        ("warc:date", &head.date),
        ("warc:ip", &head.ip),
        ("warc:payload-digest", &head.digest),
        ("warc:truncated", &head.truncated),
    ] {
        if !value.is_empty() {
            child.properties.push(Property { name: name.to_owned(), value: value.clone() });
        }
    }
    child
}

/// A captured answer of a server: its header as properties, its content unchunked and unpacked.
fn captured(head: &Head, number: u32, block: &mut dyn Read, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut child = describe(head, number);
    let mut stream = BufReader::new(block);
    let answer = http::head(&mut stream)?;
    if !head.truncated.is_empty() {
        sink.finding(Finding::new(Code::Truncated, format!("The capture was cut off: {}.", head.truncated)).at(head.uri.clone()))?;
    }
    for (name, value) in &answer.fields {
        child.properties.push(Property { name: format!("http:{name}"), value: value.clone() });
    }
    if !answer.status.is_empty() {
        child.properties.push(Property { name: "http:status".to_owned(), value: answer.status.clone() });
    }
    child.media_type = answer.get("content-type").map(str::to_owned);
    child.modified = answer.get("last-modified").and_then(crate::readers::mail::rfc3339);
    let uri = head.uri.clone();
    let is_chunked = answer.get("transfer-encoding").is_some_and(|encoding| encoding.to_ascii_lowercase().contains("chunked"));
    let mut chunked = http::Chunked::new(&mut stream, is_chunked);
    let encoding = answer.get("content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    if !http::is_known(&encoding) {
        sink.finding(Finding::new(Code::Feature, format!("The content encoding {encoding} is not read; the bytes are as they stand.")).at(uri.clone()))?;
    }
    sink.child(child, &mut Checked::new(http::unpack(&encoding, &mut chunked)))?;
    if chunked.has_fault {
        sink.finding(Finding::new(Code::PartDamaged, "It says it comes in chunks and does not; the rest is as it stands.").at(uri))?;
    }
    Ok(())
}
