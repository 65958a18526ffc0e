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
        reader: Some(readers::text::read),
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
        reader: Some(readers::text::read),
    },
    Format {
        code: "tsv",
        name: "Tab separated values",
        kind: Kind::Table,
        puids: &["x-fmt/13"],
        media_types: &["text/tab-separated-values"],
        extensions: &["tsv", "tab"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "json",
        name: "JSON",
        kind: Kind::Data,
        puids: &["fmt/817"],
        media_types: &["application/json"],
        extensions: &["json", "geojson", "ipynb", "har", "webmanifest"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "jsonl",
        name: "JSON lines",
        kind: Kind::Data,
        puids: &["sago/jsonl"],
        media_types: &["application/jsonl"],
        extensions: &["jsonl", "ndjson"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "xml",
        name: "XML",
        kind: Kind::Data,
        puids: &["fmt/101", "x-fmt/280"],
        media_types: &["application/xml", "text/xml"],
        extensions: &["xml", "xsd", "xsl", "xslt", "rdf", "owl", "rss", "atom", "kml", "gml", "gpx", "xliff", "xlf", "tmx", "tei", "opml", "fb2", "dtd"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "srt",
        name: "SubRip subtitles",
        kind: Kind::Document,
        puids: &["fmt/1218"],
        media_types: &["application/x-subrip"],
        extensions: &["srt"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "vtt",
        name: "WebVTT subtitles",
        kind: Kind::Document,
        puids: &["fmt/1454"],
        media_types: &["text/vtt"],
        extensions: &["vtt"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "sbv",
        name: "YouTube subtitles (SBV)",
        kind: Kind::Document,
        puids: &["sago/sbv"],
        media_types: &["text/x-sbv"],
        extensions: &["sbv"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "lrc",
        name: "Lyrics with times (LRC)",
        kind: Kind::Document,
        puids: &["sago/lrc"],
        media_types: &["text/x-lrc"],
        extensions: &["lrc"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "ttml",
        name: "Timed Text Markup Language",
        kind: Kind::Document,
        puids: &["sago/ttml"],
        media_types: &["application/ttml+xml"],
        extensions: &["ttml", "dfxp"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "vcard",
        name: "vCard",
        kind: Kind::Data,
        puids: &["fmt/395", "fmt/1217"],
        media_types: &["text/vcard", "text/x-vcard"],
        extensions: &["vcf", "vcard"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "ics",
        name: "iCalendar",
        kind: Kind::Data,
        puids: &["fmt/388", "fmt/387"],
        media_types: &["text/calendar", "text/x-vCalendar"],
        extensions: &["ics", "ical", "ifb", "vcs"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "kakaotalk",
        name: "KakaoTalk export",
        kind: Kind::Mail,
        puids: &["sago/kakaotalk"],
        media_types: &["text/x-kakaotalk"],
        extensions: &[],
        reader: Some(readers::text::read),
    },
    Format {
        code: "html",
        name: "Hypertext Markup Language",
        kind: Kind::Web,
        puids: &["fmt/96", "fmt/97", "fmt/98", "fmt/99", "fmt/100", "fmt/471"],
        media_types: &["text/html"],
        extensions: &["html", "htm", "shtml", "hta"],
        reader: Some(readers::html::read),
    },
    Format {
        code: "xhtml",
        name: "Extensible Hypertext Markup Language",
        kind: Kind::Web,
        puids: &["fmt/102", "fmt/103"],
        media_types: &["application/xhtml+xml"],
        extensions: &["xhtml", "xht"],
        reader: Some(readers::html::read_xhtml),
    },
    Format {
        code: "svg",
        name: "Scalable Vector Graphics",
        kind: Kind::Image,
        puids: &["fmt/91", "fmt/92", "fmt/413"],
        media_types: &["image/svg+xml"],
        extensions: &["svg"],
        reader: Some(readers::html::read_svg),
    },
    Format {
        code: "mhtml",
        name: "MHTML",
        kind: Kind::Web,
        puids: &["x-fmt/429"],
        media_types: &["multipart/related", "application/x-mimearchive"],
        extensions: &["mht", "mhtml"],
        reader: Some(readers::mhtml::read),
    },
    Format {
        code: "rtf",
        name: "Rich Text Format",
        kind: Kind::Document,
        puids: &["fmt/45", "fmt/50", "fmt/52", "fmt/53", "fmt/355", "fmt/969", "sago/rtf"],
        media_types: &["application/rtf", "text/rtf"],
        extensions: &["rtf"],
        reader: Some(readers::rtf::read),
    },
    Format {
        code: "doc",
        name: "Microsoft Word 1.0 to 2003",
        kind: Kind::Document,
        puids: &[
            "fmt/37",
            "fmt/38",
            "fmt/39",
            "fmt/40",
            "fmt/609",
            "fmt/754",
            "x-fmt/2",
            "x-fmt/45",
            "x-fmt/65",
            "x-fmt/129",
            "x-fmt/273",
            "x-fmt/274",
            "x-fmt/275",
            "x-fmt/276",
        ],
        media_types: &["application/msword"],
        extensions: &["doc", "dot"],
        reader: Some(readers::office::read),
    },
    Format {
        code: "xls",
        name: "Microsoft Excel 2.0 to 2003",
        kind: Kind::Table,
        puids: &[
            "fmt/55", "fmt/56", "fmt/57", "fmt/58", "fmt/59", "fmt/60", "fmt/61", "fmt/62", "fmt/553", "fmt/554", "fmt/555", "fmt/556", "fmt/597", "fmt/598",
            "x-fmt/17",
        ],
        media_types: &["application/vnd.ms-excel"],
        extensions: &["xls", "xlt", "xlw", "xlm", "xla", "xlc"],
        reader: Some(readers::office::read),
    },
    Format {
        code: "ppt",
        name: "Microsoft PowerPoint 95 to 2003",
        kind: Kind::Presentation,
        puids: &[
            "fmt/125", "fmt/126", "fmt/179", "fmt/180", "fmt/181", "fmt/182", "x-fmt/84", "x-fmt/87", "x-fmt/88", "fmt/1537", "fmt/1747", "fmt/1748",
            "fmt/1866", "fmt/1867",
        ],
        media_types: &["application/vnd.ms-powerpoint"],
        extensions: &["ppt", "pps", "pot", "ppa"],
        reader: Some(readers::office::read),
    },
    Format {
        code: "msg",
        name: "Microsoft Outlook Item",
        kind: Kind::Mail,
        puids: &["x-fmt/430", "fmt/1144"],
        media_types: &["application/vnd.ms-outlook"],
        extensions: &["msg", "oft"],
        reader: Some(readers::msg::read),
    },
    Format {
        code: "ole2",
        name: "OLE2 compound file",
        kind: Kind::Other,
        puids: &["fmt/111", "fmt/494", "sago/ole2"],
        media_types: &["application/x-ole-storage"],
        extensions: &["ole"],
        reader: Some(readers::office::read),
    },
    Format {
        code: "write",
        name: "Windows Write",
        kind: Kind::Document,
        puids: &["x-fmt/12"],
        media_types: &["application/x-mswrite"],
        extensions: &["wri"],
        reader: Some(readers::office::read),
    },
    Format {
        code: "publisher",
        name: "Microsoft Publisher",
        kind: Kind::Document,
        puids: &["x-fmt/252", "x-fmt/253", "x-fmt/254", "x-fmt/255", "x-fmt/256", "x-fmt/257", "fmt/1511", "fmt/1512", "fmt/1513", "fmt/1514", "fmt/1515"],
        media_types: &["application/x-mspublisher"],
        extensions: &["pub"],
        reader: Some(readers::office::read),
    },
    Format {
        code: "works",
        name: "Microsoft Works Word Processor",
        kind: Kind::Document,
        puids: &["fmt/163", "fmt/164", "fmt/165", "fmt/166", "fmt/233", "fmt/234", "fmt/258"],
        media_types: &["application/vnd.ms-works"],
        extensions: &["wps"],
        reader: Some(readers::office::read),
    },
    Format {
        code: "visio",
        name: "Microsoft Visio Drawing",
        kind: Kind::Document,
        puids: &["x-fmt/258", "x-fmt/259", "x-fmt/260", "fmt/443"],
        media_types: &["application/vnd.visio"],
        extensions: &["vsd", "vss", "vst"],
        reader: Some(readers::office::read),
    },
    Format {
        code: "mpp",
        name: "Microsoft Project",
        kind: Kind::Document,
        puids: &["x-fmt/243", "x-fmt/244", "x-fmt/245", "x-fmt/246", "x-fmt/247", "fmt/440"],
        media_types: &["application/vnd.ms-project"],
        extensions: &["mpp", "mpt"],
        reader: Some(readers::office::read),
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
