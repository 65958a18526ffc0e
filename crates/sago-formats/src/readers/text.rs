//! Plain text: a paragraph for each line that has words.

use crate::document::{Anchor, Block, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        return sink.finding(Finding::new(Code::LimitMemory, format!("The file has {} bytes.", source.size_bytes())));
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            sink.finding(Finding::new(Code::Undecodable, format!("After {} bytes.", error.utf8_error().valid_up_to())))?;
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
    };
    for (number, line) in (1_u32..).zip(text.lines()) {
        if !line.trim().is_empty() {
            sink.block(Block::paragraph(Anchor::paragraph(number), line))?;
        }
    }
    Ok(())
}
