//! The table of formats: adding one is a line here and a file in `readers`.

use crate::document::Sink;
use crate::limits::Limits;
use crate::readers;
use crate::source::{Source, Stop};

/// What a reader is told about a file besides its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Its row in the table.
    pub format: &'static Format,
    /// Its name as deposited or as its container says; may be empty.
    pub name: &'a str,
    /// What it may cost.
    pub limits: &'a Limits,
}

/// Reads one file. Broken bytes are findings, never errors.
pub type Reader = fn(&mut Source<'_>, &Context<'_>, &mut dyn Sink) -> Result<(), Stop>;

/// What kind of thing files of a format are, for filters and for what is made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Text with or without pages.
    Document,
    /// Rows and columns.
    Table,
    /// Slides.
    Presentation,
    /// Messages.
    Mail,
    /// Files in a file.
    Archive,
    /// Pictures.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Captured pages.
    Web,
    /// Data in rows or records.
    Data,
    /// Everything else.
    Other,
}

/// A format.
#[derive(Debug)]
pub struct Format {
    /// Short code, in results, filters and coverage: `pdf`, `docx`, `hwp`.
    pub code: &'static str,
    /// English name.
    pub name: &'static str,
    /// What kind of thing it is.
    pub kind: Kind,
    /// PRONOM identifiers of its versions.
    pub puids: &'static [&'static str],
    /// Media types, the registered one first.
    pub media_types: &'static [&'static str],
    /// Extensions, in lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// Who reads it; nothing when nobody does, which is said for each file.
    pub reader: Option<Reader>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Format {}

/// All formats that Sago knows by name, in the order of their kinds.
pub static FORMATS: &[Format] = &[Format {
    code: "text",
    name: "Plain text",
    kind: Kind::Document,
    puids: &["x-fmt/111"],
    media_types: &["text/plain"],
    extensions: &["txt", "text", "log"],
    reader: Some(readers::text::read),
}, Format {
    code: "pdf",
    name: "Portable Document Format",
    kind: Kind::Document,
    puids: &["fmt/14", "fmt/15", "fmt/16", "fmt/17", "fmt/18", "fmt/19", "fmt/20", "fmt/95", "fmt/144", "fmt/145", "fmt/146", "fmt/147", "fmt/148", "fmt/157", "fmt/158", "fmt/276", "fmt/354", "fmt/476", "fmt/477", "fmt/478", "fmt/479", "fmt/480", "fmt/481", "fmt/488", "fmt/489", "fmt/490", "fmt/491", "fmt/492", "fmt/493", "fmt/558", "fmt/559", "fmt/560", "fmt/561", "fmt/562", "fmt/563", "fmt/564", "fmt/565", "fmt/1129", "fmt/1451"],
    media_types: &["application/pdf"],
    extensions: &["pdf", "ai"],
    reader: Some(readers::pdf::read),
}];

/// The row with this code.
pub fn by_code(code: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.code == code)
}

/// The row that has this PRONOM identifier.
pub fn by_puid(puid: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.puids.contains(&puid))
}
