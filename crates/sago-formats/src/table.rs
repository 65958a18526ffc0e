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
pub static FORMATS: &[Format] = &[
    Format {
        code: "text",
        name: "Plain text",
        kind: Kind::Document,
        puids: &["x-fmt/111", "x-fmt/16", "x-fmt/14", "x-fmt/15", "x-fmt/21", "x-fmt/22", "x-fmt/130", "x-fmt/131", "x-fmt/282"],
        media_types: &["text/plain"],
        extensions: &["txt", "text", "log", "asc", "readme", "me", "nfo"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "markdown",
        name: "Markdown",
        kind: Kind::Document,
        puids: &["fmt/1149"],
        media_types: &["text/markdown"],
        extensions: &["md", "markdown", "mkd"],
        reader: Some(readers::text::markdown::read),
    },
    Format {
        code: "source",
        name: "Source code or settings",
        kind: Kind::Other,
        puids: &["x-fmt/423", "fmt/938"],
        media_types: &["text/x-source"],
        extensions: &[
            "rs",
            "c",
            "h",
            "cpp",
            "hpp",
            "cc",
            "cs",
            "java",
            "kt",
            "swift",
            "go",
            "py",
            "rb",
            "pl",
            "php",
            "jsp",
            "asp",
            "aspx",
            "js",
            "ts",
            "jsx",
            "tsx",
            "css",
            "scss",
            "sql",
            "sh",
            "bash",
            "bat",
            "cmd",
            "ps1",
            "vb",
            "vbs",
            "vba",
            "lua",
            "r",
            "m",
            "groovy",
            "scala",
            "asm",
            "pas",
            "f",
            "f90",
            "tcl",
            "awk",
            "diff",
            "patch",
            "cfg",
            "conf",
            "properties",
            "toml",
            "gradle",
            "cmake",
            "mk",
        ],
        reader: Some(readers::text::read),
    },
    Format {
        code: "ini",
        name: "Settings in sections (INI)",
        kind: Kind::Data,
        puids: &["x-fmt/421"],
        media_types: &["text/x-ini"],
        extensions: &["ini", "inf", "reg", "url", "desktop"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "yaml",
        name: "YAML",
        kind: Kind::Data,
        puids: &["fmt/818"],
        media_types: &["application/yaml"],
        extensions: &["yaml", "yml"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "tex",
        name: "TeX or LaTeX",
        kind: Kind::Document,
        puids: &["fmt/160", "fmt/161"],
        media_types: &["application/x-tex"],
        extensions: &["tex", "latex", "bib", "sty"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "csv",
        name: "Comma separated values",
        kind: Kind::Table,
        puids: &["x-fmt/18"],
        media_types: &["text/csv"],
        extensions: &["csv"],
        reader: Some(readers::text::delimited::read),
    },
    Format {
        code: "tsv",
        name: "Tab separated values",
        kind: Kind::Table,
        puids: &["x-fmt/13"],
        media_types: &["text/tab-separated-values"],
        extensions: &["tsv", "tab"],
        reader: Some(readers::text::delimited::read),
    },
    Format {
        code: "json",
        name: "JSON",
        kind: Kind::Data,
        puids: &["fmt/817"],
        media_types: &["application/json"],
        extensions: &["json", "geojson", "ipynb", "har", "webmanifest"],
        reader: Some(readers::text::json::read),
    },
    Format {
        code: "jsonl",
        name: "JSON lines",
        kind: Kind::Data,
        puids: &["sago/jsonl"],
        media_types: &["application/jsonl"],
        extensions: &["jsonl", "ndjson"],
        reader: Some(readers::text::json::read_lines),
    },
    Format {
        code: "xml",
        name: "XML",
        kind: Kind::Data,
        puids: &["fmt/101", "x-fmt/280"],
        media_types: &["application/xml", "text/xml"],
        extensions: &["xml", "xsd", "xsl", "xslt", "rdf", "owl", "rss", "atom", "kml", "gml", "gpx", "xliff", "xlf", "tmx", "tei", "opml", "fb2", "dtd"],
        reader: Some(readers::text::xml::read),
    },
    Format {
        code: "srt",
        name: "SubRip subtitles",
        kind: Kind::Document,
        puids: &["fmt/1218"],
        media_types: &["application/x-subrip"],
        extensions: &["srt"],
        reader: Some(readers::text::subtitles::read),
    },
    Format {
        code: "vtt",
        name: "WebVTT subtitles",
        kind: Kind::Document,
        puids: &["fmt/1454"],
        media_types: &["text/vtt"],
        extensions: &["vtt"],
        reader: Some(readers::text::subtitles::read),
    },
    Format {
        code: "sbv",
        name: "YouTube subtitles (SBV)",
        kind: Kind::Document,
        puids: &["sago/sbv"],
        media_types: &["text/x-sbv"],
        extensions: &["sbv"],
        reader: Some(readers::text::subtitles::read),
    },
    Format {
        code: "lrc",
        name: "Lyrics with times (LRC)",
        kind: Kind::Document,
        puids: &["sago/lrc"],
        media_types: &["text/x-lrc"],
        extensions: &["lrc"],
        reader: Some(readers::text::subtitles::read_lyrics),
    },
    Format {
        code: "ttml",
        name: "Timed Text Markup Language",
        kind: Kind::Document,
        puids: &["sago/ttml"],
        media_types: &["application/ttml+xml"],
        extensions: &["ttml", "dfxp"],
        reader: Some(readers::text::xml::read),
    },
    Format {
        code: "vcard",
        name: "vCard",
        kind: Kind::Data,
        puids: &["fmt/395", "fmt/1217"],
        media_types: &["text/vcard", "text/x-vcard"],
        extensions: &["vcf", "vcard"],
        reader: Some(readers::text::calendar::read),
    },
    Format {
        code: "ics",
        name: "iCalendar",
        kind: Kind::Data,
        puids: &["fmt/388", "fmt/387"],
        media_types: &["text/calendar", "text/x-vCalendar"],
        extensions: &["ics", "ical", "ifb", "vcs"],
        reader: Some(readers::text::calendar::read),
    },
    Format {
        code: "kakaotalk",
        name: "KakaoTalk export",
        kind: Kind::Mail,
        puids: &["sago/kakaotalk"],
        media_types: &["text/x-kakaotalk"],
        extensions: &[],
        reader: Some(readers::text::chat::read),
    },
    Format {
        code: "age",
        name: "age encrypted file",
        kind: Kind::Other,
        puids: &["sago/age"],
        media_types: &["application/age"],
        extensions: &["age"],
        reader: Some(readers::sealed::read),
    },
    Format {
        code: "pgp",
        name: "OpenPGP message",
        kind: Kind::Other,
        puids: &["sago/pgp-message"],
        media_types: &["application/pgp-encrypted"],
        extensions: &["pgp", "gpg"],
        reader: Some(readers::sealed::read),
    },
    Format {
        code: "timestamp",
        name: "Time-stamp",
        kind: Kind::Other,
        puids: &["sago/tsr", "sago/ots"],
        media_types: &["application/timestamp-reply", "application/vnd.opentimestamps.v1"],
        extensions: &["tsr", "ots"],
        reader: None,
    },
    Format {
        code: "program",
        name: "Program",
        kind: Kind::Other,
        puids: &[
            "sago/elf",
            "sago/exe",
            "sago/class",
            "fmt/688",
            "fmt/689",
            "fmt/690",
            "fmt/691",
            "fmt/899",
            "fmt/900",
            "x-fmt/409",
            "x-fmt/410",
            "x-fmt/411",
            "x-fmt/415",
        ],
        media_types: &["application/vnd.microsoft.portable-executable", "application/x-executable", "application/java-vm"],
        extensions: &["exe", "dll", "so", "class"],
        reader: None,
    },
    Format {
        code: "font",
        name: "Font",
        kind: Kind::Other,
        puids: &["x-fmt/453", "fmt/520", "fmt/1172"],
        media_types: &["font/ttf", "font/otf", "font/woff", "font/woff2"],
        extensions: &["ttf", "otf", "woff", "woff2"],
        reader: None,
    },
];

/// The row with this code.
pub fn by_code(code: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.code == code)
}

/// The row that has this PRONOM identifier.
pub fn by_puid(puid: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.puids.contains(&puid))
}
