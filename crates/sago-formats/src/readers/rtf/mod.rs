//! Rich Text Format (specification 1.9.1), and the pages and mails that Outlook wraps in it (MS-OXRTFEX).

mod ends;
mod lex;
mod story;
mod walk;
mod words;

use crate::document::Sink;
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

pub(crate) use walk::tell;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        return sink.finding(Finding::new(Code::LimitMemory, format!("The file has {} bytes.", source.size_bytes())).weighing(Severity::Unreadable));
    };
    let Some(start) = bytes.windows(5).take(1024).position(|window| window == b"{\\rtf") else {
        return sink.finding(Finding::new(Code::Damaged, "The file does not begin as RTF does."));
    };
    if tell(&bytes[start..], None, &mut 0, sink)? == 0 {
        sink.finding(Finding::new(Code::NoText, Code::NoText.meaning()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
