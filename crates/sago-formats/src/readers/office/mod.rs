//! Old Office: Word, Excel, PowerPoint and their kin in compound files. Which of them a file is, its streams say, not its name.

mod blocks;
mod chunks;
mod doc;
mod doc_looks;
mod doc_old;
mod ppt;
mod ppt_records;
mod xls;

use super::compound::{Compound, MAGIC, tell_summaries};
use super::{html, rtf};
use crate::document::{Anchor, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        return sink.finding(Finding::new(Code::LimitMemory, format!("The file has {} bytes.", source.size_bytes())).weighing(Severity::Unreadable));
    };
    if !bytes.starts_with(&MAGIC) {
        return loose(bytes, source, context, sink);
    }
    let (compound, findings) = Compound::open(bytes);
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    let Some(compound) = compound else { return Ok(()) };
    let has = |name: &str| compound.find(0, name).is_some();
    if has("\u{9}DRMContent") || has("\u{6}DataSpaces/DataSpaceInfo/DRMEncryptedDataSpace") {
        return sink.finding(Finding::new(Code::RightsManaged, Code::RightsManaged.meaning()));
    }
    if has("EncryptedPackage") {
        return sink.finding(Finding::new(Code::Encrypted, "The document is encrypted as a whole."));
    }
    if has("_VBA_PROJECT_CUR") || has("Macros") || has("VBA") {
        sink.finding(Finding::new(Code::ActiveContent, "Macros."))?;
    }
    if has("__properties_version1.0") {
        return super::msg::tell(&compound, sink);
    }
    let given = if has("WordDocument") {
        doc::read(&compound, sink)?
    } else if let Some(name) = ["Workbook", "Book"].into_iter().find(|name| has(name)) {
        xls::read(&compound, name, sink)?
    } else if has("PowerPoint Document") {
        ppt::read(&compound, sink)?
    } else if has("PP40") {
        sink.finding(Finding::new(Code::Version, "The text of PowerPoint 95 is not read."))?;
        None
    } else if has("Quill/QuillSub/CONTENTS") {
        chunks::read(&compound, "Quill/QuillSub/CONTENTS", sink)?
    } else if has("MN0") {
        chunks::read_works(&compound, sink)?
    } else if has("CONTENTS") {
        chunks::read(&compound, "CONTENTS", sink)?
    } else {
        sink.finding(Finding::new(Code::NoReader, format!("{}: the text of such files is not read.", context.format.name)))?;
        None
    };
    tell_summaries(&compound, 0, sink)?;
    match given {
        Some(0) => sink.finding(Finding::new(Code::NoText, Code::NoText.meaning())),
        _ => Ok(()),
    }
}

/// Files that bear the name of old Office and are something else: RTF, pages, Word before compound files, Write.
fn loose(bytes: Vec<u8>, source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    std::io::Seek::rewind(source)?;
    if bytes.starts_with(b"{\\rtf") {
        return rtf::read(source, context, sink);
    }
    let start = bytes.trim_ascii_start();
    if start.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"<html") || start.eq_ignore_ascii_case(b"<!doc")) {
        return html::read(source, context, sink);
    }
    let given = match bytes.get(..2) {
        Some(b"\xdb\xa5" | b"\xdc\xa5" | b"\x9b\xa5") => doc_old::read(&bytes, sink)?,
        Some([0x09, 0x00 | 0x02 | 0x04 | 0x08]) => xls::read_stream(&bytes, sink)?,
        Some(b"\x31\xbe" | b"\x32\xbe") => doc_old::read_write(&bytes, sink)?,
        _ => return sink.finding(Finding::new(Code::Damaged, format!("The bytes are not those of {}.", context.format.name))),
    };
    match given {
        Some(0) => sink.finding(Finding::new(Code::NoText, Code::NoText.meaning())),
        _ => Ok(()),
    }
}

/// Tells the objects in the storages of a storage.
fn tell_objects(compound: &Compound, pool: usize, sink: &mut dyn Sink) -> Result<(), Stop> {
    use super::compound::EntryKind;
    for child in &compound.entry(pool).children {
        let entry = compound.entry(*child);
        if entry.kind == EntryKind::Storage {
            let name = entry.name.trim_start_matches('_').to_owned();
            let anchor = Anchor { part: Some(name.clone()), ..Anchor::default() };
            super::ole::tell_storage(compound, *child, &format!("object{name}"), anchor, sink)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
