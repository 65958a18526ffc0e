//! Text of Publisher and of Works from version 5 on: streams of named chunks, of which those called TEXT hold UTF-16.

use super::blocks::Blocks;
use crate::charset;
use crate::document::{Anchor, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::readers::compound::Compound;
use crate::readers::little::{size_at, slice, utf16};
use crate::source::Stop;

/// Most chunks of a stream that are looked at.
const MOST_CHUNKS: usize = 4096;

/// Text of Works 3 and 4 begins here in its stream, and ends with a zero.
const WORKS_TEXT: usize = 0x100;

/// Reads Works 3 or 4; how many blocks there were.
pub(super) fn read_works(compound: &Compound, sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let mut findings = Vec::new();
    let bytes = compound.read("MN0", &mut findings).unwrap_or_default();
    let text = bytes.get(WORKS_TEXT..).unwrap_or_default();
    let text = &text[..text.iter().position(|byte| *byte == 0).unwrap_or(text.len())];
    let decoded = charset::decode(text, None);
    if !text.is_ascii() {
        findings.extend(decoded.findings());
    }
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    let mut blocks = Blocks::new(sink);
    for line in decoded.text.split(['\r', '\n', '\u{c}']) {
        blocks.give(BlockKind::Paragraph, Anchor::default(), line.to_owned())?;
    }
    blocks.finish().map(Some)
}

/// Reads a stream of chunks; how many blocks there were, nothing when it is not such a stream.
pub(super) fn read(compound: &Compound, path: &str, sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let mut findings = Vec::new();
    let bytes = compound.read(path, &mut findings).unwrap_or_default();
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    if !bytes.starts_with(b"CHNK") {
        sink.finding(Finding::new(Code::NoReader, "This version of the format is not read."))?;
        return Ok(None);
    }
    let mut blocks = Blocks::new(sink);
    for index in 0..MOST_CHUNKS {
        let at = 0x20 + index * 24;
        let Some(head) = slice(&bytes, at, 24) else { break };
        if &head[12..16] != b"TEXT" {
            if head.iter().all(|byte| *byte == 0) {
                break;
            }
            continue;
        }
        let (from, length) = (size_at(head, 16).unwrap_or(0), size_at(head, 20).unwrap_or(0));
        let rest = bytes.get(from..).unwrap_or_default();
        if rest.len() < length {
            blocks.sink.finding(Finding::new(Code::PartDamaged, "The text ends too early."))?;
        }
        for line in utf16(&rest[..rest.len().min(length)]).split(['\r', '\n', '\u{c}']) {
            blocks.give(BlockKind::Paragraph, Anchor::default(), line.to_owned())?;
        }
    }
    blocks.finish().map(Some)
}
