//! A message: its header, then its parts in order.

use super::body::{self, Walk};
use super::header::split;
use super::words;
use crate::document::{Anchor, Block, BlockKind, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Fields that a person reads; they become text too.
const SHOWN: &[&str] = &["from", "sender", "reply-to", "to", "cc", "bcc", "date", "subject", "organization", "comments", "keywords"];

/// Reads an `.eml` file.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        let text = format!("The message has {} bytes.", source.size_bytes());
        return sink.finding(Finding::new(Code::LimitMemory, text).weighing(Severity::Unreadable));
    };
    give(&bytes, context, sink)
}

/// Tells a message that is in memory.
pub(super) fn give(bytes: &[u8], context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // Some exports begin with empty lines.
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let (header, rest) = split(&bytes[blank..]);
    if header.0.is_empty() {
        sink.finding(Finding::new(Code::PartDamaged, "The message has no header."))?;
    }
    let (mut guessed, mut undecodable) = (None, 0);
    for (number, field) in (1_u32..).zip(&header.0) {
        let value = words::decode(&field.value);
        guessed = guessed.or(value.guessed);
        undecodable += value.undecodable;
        let name = field.name.to_ascii_lowercase();
        if SHOWN.contains(&name.as_str()) {
            let kind = if name == "subject" { BlockKind::Heading } else { BlockKind::Paragraph };
            sink.block(Block::new(kind, Anchor::in_part(field.name, number), value.text.clone()))?;
        }
        let text = if name == "date" { rfc3339(&value.text).unwrap_or(value.text) } else { value.text };
        sink.property(&format!("mail:{}", field.name), text)?;
    }
    if let Some(charset) = guessed {
        sink.finding(Finding::new(Code::EncodingGuessed, format!("The header does not say its character set; it was read as {charset}.")))?;
    }
    if undecodable > 0 {
        sink.finding(Finding::new(Code::Undecodable, format!("{undecodable} sequences of bytes in the header mean nothing.")))?;
    }
    let mut walk = Walk::new(context.limits);
    body::part(&mut walk, &header, rest, sink)?;
    if walk.texts == 0 && walk.children == 0 {
        sink.finding(Finding::new(Code::NoText, "The message has no body."))?;
    }
    Ok(())
}

/// A date of a header (RFC 5322, section 3.3) as RFC 3339; nothing when it is not clear.
pub(crate) fn rfc3339(text: &str) -> Option<String> {
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(date.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}
