//! Text of Publisher and of Works from version 5: streams of named chunks, of which those called TEXT hold UTF-16.

use super::blocks::Blocks;
use crate::document::{Anchor, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::readers::compound::Compound;
use crate::readers::little::{size_at, slice, utf16};
use crate::source::Stop;

/// Most chunks of a stream that are looked at.
const MOST_CHUNKS: usize = 4096;

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
