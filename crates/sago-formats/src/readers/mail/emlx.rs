//! Apple Mail's `.emlx`: the length of the message on the first line, the message, then a property list.

use super::header::line;
use super::message;
use crate::document::Sink;
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        let text = format!("The message has {} bytes.", source.size_bytes());
        return sink.finding(Finding::new(Code::LimitMemory, text).weighing(Severity::Unreadable));
    };
    let (first, rest) = line(&bytes);
    let Some(length) = std::str::from_utf8(first).ok().and_then(|digits| digits.trim().parse::<usize>().ok()) else {
        sink.finding(Finding::new(Code::PartDamaged, "The length of the message does not stand on the first line."))?;
        return message::give(&bytes, context, sink);
    };
    if length > rest.len() {
        sink.finding(Finding::new(Code::Truncated, format!("The message should have {length} bytes; {} are there.", rest.len())))?;
    }
    let (own, list) = rest.split_at(length.min(rest.len()));
    let list = String::from_utf8_lossy(list);
    let mut pieces = list.split("<key>").skip(1);
    for piece in pieces.by_ref() {
        let Some((key, after)) = piece.split_once("</key>") else { continue };
        let value = after.split_once('>').and_then(|(_, value)| value.split_once("</")).map(|(value, _)| value.trim().to_owned());
        sink.property(&format!("emlx:{key}"), value.unwrap_or_default())?;
    }
    message::give(own, context, sink)
}
