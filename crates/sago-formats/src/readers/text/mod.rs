//! Files that are text: plain, in rows, in marks, spoken, written to each other. In any character set, line by line, of any length.

pub mod calendar;
pub mod chat;
pub mod delimited;
pub mod json;
pub mod markdown;
mod stream;
pub mod subtitles;
pub mod xml;

use crate::charset::without_controls;
use crate::document::{Anchor, Block, Sink};
use crate::source::{Source, Stop};
use crate::table::Context;

pub(crate) use stream::{Line, TextStream};

/// Plain text: a paragraph for each line that has words. Form feeds begin pages.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut stream = TextStream::open(source, None)?;
    let outcome = lines(&mut stream, sink);
    stream.tell(sink)?;
    outcome
}

/// What is left of a stream, as lines.
fn lines(stream: &mut TextStream<'_, '_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    while let Some(line) = stream.next_line()? {
        plain(&line, sink)?;
    }
    Ok(())
}

/// A line as a paragraph of its page.
fn plain(line: &Line, sink: &mut dyn Sink) -> Result<(), Stop> {
    if line.text.trim().is_empty() {
        return Ok(());
    }
    sink.block(Block::paragraph(line.anchor(), without_controls(&line.text)))
}

impl Line {
    fn anchor(&self) -> Anchor {
        Anchor { page: self.page, paragraph: Some(self.number), ..Anchor::default() }
    }
}

#[cfg(test)]
mod tests;
