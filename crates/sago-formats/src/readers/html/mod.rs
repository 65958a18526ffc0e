//! HTML, XHTML and SVG: what a reader of the page sees, and what the page hides from them. Scripts and styles are never text; nothing is fetched.
//!
//! The tokens are those of the HTML Standard (13.2.5); the tree is only followed as far as headings, tables, hidden parts and form fields need it, so that
//! nothing depends on the depth of the nesting.

mod charset;
mod data_uri;
mod page;

use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

pub(crate) use charset::decode;
pub(crate) use data_uri::decode_base64;
pub(crate) use page::{Dialect, tell};

/// Reads HTML.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    read_as(source, context, sink, Dialect::Html)
}

/// Reads XHTML.
pub fn read_xhtml(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    read_as(source, context, sink, Dialect::Xml)
}

/// Reads SVG: its texts, titles and descriptions.
pub fn read_svg(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    read_as(source, context, sink, Dialect::Svg)
}

fn read_as(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink, dialect: Dialect) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        return sink.finding(Finding::new(Code::LimitMemory, format!("The file has {} bytes.", source.size_bytes())).weighing(crate::Severity::Unreadable));
    };
    let (text, findings) = decode(&bytes, None);
    drop(bytes);
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    let given = tell(&text, None, &mut 0, dialect, sink)?;
    if given == 0 {
        sink.finding(Finding::new(Code::NoText, Code::NoText.meaning()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
