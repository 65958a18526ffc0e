//! Markdown: as plain text, with its headings told (`# …`, and lines underlined with `===` or `---`).

use super::{TextStream, plain};
use crate::charset::without_controls;
use crate::document::{Block, BlockKind, Sink};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut stream = TextStream::open(source, None)?;
    let mut held: Option<super::Line> = None;
    let mut is_fenced = false;
    while let Some(line) = stream.next_line()? {
        let text = line.text.trim();
        let is_rule = |sign: char| text.len() >= 3 && text.chars().all(|character| character == sign);
        if let Some(before) = held.take() {
            let is_underlined = !is_fenced && !before.text.trim().is_empty() && (is_rule('=') || is_rule('-'));
            tell(&before, is_underlined, is_fenced, sink)?;
        }
        is_fenced ^= text.starts_with("```") || text.starts_with("~~~");
        held = Some(line);
    }
    if let Some(last) = held {
        tell(&last, false, is_fenced, sink)?;
    }
    stream.tell(sink)
}

fn tell(line: &super::Line, is_underlined: bool, is_fenced: bool, sink: &mut dyn Sink) -> Result<(), Stop> {
    let marks = line.text.bytes().take_while(|byte| *byte == b'#').count();
    let is_heading = is_underlined || (!is_fenced && (1..=6).contains(&marks) && line.text[marks..].starts_with([' ', '\t']));
    if is_heading {
        return sink.block(Block::new(BlockKind::Heading, line.anchor(), without_controls(&line.text)));
    }
    plain(line, sink)
}
