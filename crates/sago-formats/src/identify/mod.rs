//! Which format bytes have: by PRONOM's signatures and ours, by what lies inside a container, by how they read as text, and by their name last.
//!
//! `pronom.tsv` holds PRONOM's records (The National Archives, Open Government Licence v3.0, see `PRONOM.md`), `own` what they lack. What PRONOM finds
//! stands in [`Identified::puid`] even when another reader than its row's is chosen.

mod container;
mod own;
mod pattern;
mod signature;
mod text;

use std::io;

use signature::{REGISTER, Record, WINDOW_BYTES};

use crate::source::Source;
use crate::table::{self, Format, Kind};

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A signature of the bytes.
    Signature,
    /// What lies inside a container.
    Container,
    /// The bytes read as text.
    Text,
    /// The extension of the name alone.
    Extension,
}

/// A format that bytes may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// PRONOM's unique identifier, for example `fmt/276`, or one of ours that begins with `sago/`.
    pub puid: Option<String>,
    /// Name and version as PRONOM or the table say them.
    pub name: String,
    /// Media type.
    pub media_type: Option<String>,
    /// The row of our table that reads it.
    pub format: Option<&'static Format>,
    /// What decided.
    pub basis: Basis,
    /// Other identifiers that the bytes fit as well.
    pub also: Vec<String>,
    /// What the name promises instead, as a sentence.
    pub mislabelled: Option<String>,
}

/// Formats whose reader is that of plain text, and markup, between which names and contents change freely.
const TEXTS: &[&str] = &[
    "text",
    "csv",
    "tsv",
    "markdown",
    "ini",
    "yaml",
    "source",
    "json",
    "jsonl",
    "xml",
    "html",
    "eml",
    "mbox",
    "srt",
    "vtt",
    "sbv",
    "lrc",
    "ttml",
    "vcard",
    "ics",
    "kakaotalk",
    "plist",
    "tex",
    "mhtml",
    "svg",
];

/// Records that a text may bear by what it quotes: a message with a page in it, a chat about one.
const QUOTED: &[&str] = &["fmt/96", "fmt/97", "fmt/98", "fmt/99", "fmt/100", "fmt/101", "fmt/102", "fmt/103", "fmt/471"];

/// PRONOM's identifiers of kinds of text that it knows by extension only, or by signatures that most files do not bear.
const KIND_PUIDS: &[(&str, &str)] = &[("eml", "fmt/278"), ("mbox", "fmt/720"), ("html", "fmt/96"), ("text", "x-fmt/111")];

/// Extensions that promise nothing.
const EMPTY_PROMISES: &[&str] = &["bin", "dat", "tmp", "bak", "old", "orig", "file", "part", "download", "raw", "out"];

/// Judges a file. Nothing when neither bytes nor name tell.
pub fn identify(source: &mut Source<'_>, name: &str) -> io::Result<Option<Identified>> {
    let extension = extension(name);
    let head = source.at(0, WINDOW_BYTES)?;
    let tail_bytes;
    let tail = if source.size_bytes() <= WINDOW_BYTES as u64 {
        &head
    } else {
        tail_bytes = source.at(source.size_bytes() - WINDOW_BYTES as u64, WINDOW_BYTES)?;
        &tail_bytes
    };
    let mut found = REGISTER.borne(&head, tail);
    let mut basis = Basis::Signature;
    let inside = if head.starts_with(b"PK\x03\x04") || has(&found, "x-fmt/263") {
        container::fitting(source, true)?
    } else if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        container::fitting(source, false)?
    } else {
        Vec::new()
    };
    if !inside.is_empty() {
        basis = Basis::Container;
        // What a container holds says more than its outside: only what outranks it there stays.
        found.retain(|record| inside.iter().any(|other| REGISTER.records[*record].beats.contains(other)));
        found.extend(inside);
        found.dedup();
    }
    let mut found = REGISTER.prevail(&found);
    // A signature of something that is no text needs no second opinion.
    let may_be_text = found.iter().all(|record| row_of(&REGISTER.records[*record], None).is_none_or(|row| TEXTS.contains(&row.code)));
    let is_text = if may_be_text { text::of(&head, head.len() as u64 == source.size_bytes()) } else { None };
    let kind = is_text.as_deref().map(|text| text::kind(text, &extension));
    // Messages hold parts in several character sets, or bytes: then their header alone is text.
    let kind = kind.or_else(|| if may_be_text { text::kind_by_header(&head) } else { None });
    if kind
        .is_some_and(|kind| matches!(kind, "eml" | "mhtml" | "mbox" | "kakaotalk" | "srt" | "vtt" | "csv" | "tsv" | "json" | "jsonl" | "source" | "markdown"))
    {
        found.retain(|record| !QUOTED.contains(&REGISTER.records[*record].puid));
    }
    if kind == Some("mbox") {
        // The first message of a mailbox is one.
        found.retain(|record| !matches!(REGISTER.records[*record].puid, "fmt/278" | "fmt/950"));
    }
    // Between equals the extension decides, then the register's order.
    found.sort_by_key(|record| !REGISTER.records[*record].extensions.contains(&extension.as_str()));
    if let Some((best, others)) = found.split_first() {
        let record = &REGISTER.records[*best];
        let format = inner_row(record, &extension).or_else(|| kind_of_xml(record, kind, &extension)).or_else(|| row_of(record, kind));
        let also = others.iter().map(|other| REGISTER.records[*other].puid.to_owned()).collect();
        let mislabelled = mislabelled(&extension, Some(record), format, kind.is_some());
        return Ok(Some(Identified { also, mislabelled, ..of_record(record, format, basis) }));
    }
    if let Some(kind) = kind {
        let format = table::by_code(kind).or_else(|| table::by_code("text"));
        let mislabelled = mislabelled(&extension, None, format, true);
        let puid = KIND_PUIDS.iter().find(|(code, _)| *code == kind).map(|(_, puid)| (*puid).to_owned());
        return Ok(format.map(|format| {
            let judged = of_row(format, Basis::Text);
            Identified { mislabelled, puid: puid.or_else(|| judged.puid.clone()), ..judged }
        }));
    }
    Ok(by_extension(&extension))
}

fn has(found: &[usize], puid: &str) -> bool {
    found.iter().any(|record| REGISTER.records[*record].puid == puid)
}

/// The last part of a name, in lower case; empty without one.
fn extension(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default()
}

/// The row for a record: by its identifier, then by media type, then, for texts, as text.
fn row_of(record: &Record, text: Option<&str>) -> Option<&'static Format> {
    let by_media_type = || table::FORMATS.iter().find(|format| record.media_types.iter().any(|media| format.media_types.contains(media)));
    let as_text = || text.and_then(table::by_code).or_else(|| text.and_then(|_| table::by_code("text")));
    table::by_puid(record.puid).or_else(by_media_type).or_else(as_text)
}

/// For a container that says no more than that it is one, as damaged ones do: the row of the extension, when its files lie in such containers.
fn inner_row(record: &Record, extension: &str) -> Option<&'static Format> {
    let is_zip = matches!(record.puid, "x-fmt/263" | "fmt/189" | "sago/zip");
    if !is_zip && !matches!(record.puid, "fmt/111" | "sago/ole2") {
        return None;
    }
    let lies_in = |puid: &&str| REGISTER.inside.iter().any(|inside| inside.is_zip == is_zip && REGISTER.records[inside.record].puid == *puid);
    table::FORMATS.iter().find(|format| format.extensions.contains(&extension) && format.puids.iter().any(&lies_in))
}

/// XML says of itself only that it is XML: what kind of it, its root or its extension tell.
fn kind_of_xml(record: &Record, kind: Option<&str>, extension: &str) -> Option<&'static Format> {
    if record.puid != "fmt/101" {
        return None;
    }
    let is_xml = |format: &&Format| format.media_types.iter().any(|media| media.contains("xml"));
    let by_extension = || table::FORMATS.iter().find(|format| format.extensions.contains(&extension)).filter(is_xml);
    kind.filter(|kind| matches!(*kind, "ttml" | "html")).and_then(table::by_code).or_else(by_extension)
}

fn of_record(record: &Record, format: Option<&'static Format>, basis: Basis) -> Identified {
    let name = if record.version.is_empty() { record.name.to_owned() } else { format!("{} {}", record.name, record.version) };
    let media_type = record.media_types.first().or_else(|| format.and_then(|format| format.media_types.first()));
    Identified {
        puid: Some(record.puid.to_owned()),
        name,
        media_type: media_type.map(|media| (*media).to_owned()),
        format,
        basis,
        also: Vec::new(),
        mislabelled: None,
    }
}

fn of_row(format: &'static Format, basis: Basis) -> Identified {
    Identified {
        puid: format.puids.first().map(|puid| (*puid).to_owned()),
        name: format.name.to_owned(),
        media_type: format.media_types.first().map(|kind| (*kind).to_owned()),
        format: Some(format),
        basis,
        also: Vec::new(),
        mislabelled: None,
    }
}

/// For bytes that bear no signature and are no text: a format that has no signature in the register.
fn by_extension(extension: &str) -> Option<Identified> {
    if extension.is_empty() {
        return None;
    }
    let row = table::FORMATS.iter().find(|format| format.extensions.contains(&extension) && !TEXTS.contains(&format.code));
    if let Some(format) = row {
        return Some(of_row(format, Basis::Extension));
    }
    let mut records =
        REGISTER.records.iter().filter(|record| record.extensions.contains(&extension) && !record.media_types.iter().any(|media| media.starts_with("text/")));
    let only = records.next()?;
    records.next().is_none().then(|| of_record(only, None, Basis::Extension))
}

/// A sentence when the extension belongs to other formats than the bytes.
fn mislabelled(extension: &str, record: Option<&Record>, format: Option<&'static Format>, is_text: bool) -> Option<String> {
    if extension.is_empty() || EMPTY_PROMISES.contains(&extension) || record.is_some_and(|record| record.extensions.contains(&extension)) {
        return None;
    }
    // Programs keep their files in ZIP, gzip and OLE2 under many names; only what is surely no such container is worth a word.
    let is_generic =
        record.is_some_and(|record| matches!(record.puid, "x-fmt/263" | "fmt/189" | "fmt/111" | "x-fmt/266" | "sago/zip" | "sago/ole2" | "sago/gzip"));
    let rows: Vec<&Format> = table::FORMATS.iter().filter(|row| row.extensions.contains(&extension)).collect();
    let is_row = |row: &&Format| Some(row.code) == format.map(|format| format.code);
    if rows.iter().any(is_row) {
        return None;
    }
    // Texts go by many names; what matters is a text that claims to be something else, or the reverse.
    if is_text && (rows.iter().any(|row| TEXTS.contains(&row.code)) || rows.is_empty()) {
        return None;
    }
    // Archives and sound or moving pictures are containers with many names of programs.
    if rows.iter().any(|row| format.is_some_and(|format| format.kind == row.kind && matches!(format.kind, Kind::Archive | Kind::Audio | Kind::Video))) {
        return None;
    }
    if is_generic && !rows.iter().any(|row| matches!(row.kind, Kind::Image | Kind::Audio | Kind::Video) || TEXTS.contains(&row.code) || row.code == "pdf") {
        return None;
    }
    let promised = match rows.first() {
        Some(row) => row.name,
        None => {
            // A name that many formats share promises little.
            let mut records = REGISTER.records.iter().filter(|other| other.extensions.contains(&extension));
            let first = records.next()?;
            if records.any(|other| other.name != first.name) || record.is_none() {
                return None;
            }
            first.name
        }
    };
    let found = record.map(|record| record.name).or(format.map(|format| format.name))?;
    Some(format!("The name ends in .{extension}, which is {promised}; the bytes are {found}."))
}

#[cfg(test)]
mod tests;
