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
        code: "zip",
        name: "ZIP",
        kind: Kind::Archive,
        puids: &["x-fmt/263", "x-fmt/412", "sago/zip"],
        media_types: &["application/zip"],
        extensions: &["zip", "jar", "war", "apk", "ipa"],
        reader: Some(readers::archive::read_zip),
    },
    Format {
        code: "tar",
        name: "TAR",
        kind: Kind::Archive,
        puids: &["x-fmt/265"],
        media_types: &["application/x-tar"],
        extensions: &["tar"],
        reader: Some(readers::archive::read_tar),
    },
    Format {
        code: "7z",
        name: "7-Zip",
        kind: Kind::Archive,
        puids: &["fmt/484", "sago/7z"],
        media_types: &["application/x-7z-compressed"],
        extensions: &["7z"],
        reader: Some(readers::archive::read_sevenzip),
    },
    Format {
        code: "rar",
        name: "RAR",
        kind: Kind::Archive,
        puids: &["x-fmt/264", "fmt/411", "fmt/613", "sago/rar"],
        media_types: &["application/vnd.rar"],
        extensions: &["rar"],
        reader: Some(readers::archive::read_rar),
    },
    Format {
        code: "gzip",
        name: "GZIP",
        kind: Kind::Archive,
        puids: &["x-fmt/266", "sago/gzip"],
        media_types: &["application/gzip"],
        extensions: &["gz", "tgz", "taz"],
        reader: Some(readers::archive::read_gzip),
    },
    Format {
        code: "bzip2",
        name: "BZIP2",
        kind: Kind::Archive,
        puids: &["x-fmt/268", "sago/bzip2"],
        media_types: &["application/x-bzip2"],
        extensions: &["bz2", "tbz", "tbz2"],
        reader: Some(readers::archive::read_bzip2),
    },
    Format {
        code: "xz",
        name: "XZ",
        kind: Kind::Archive,
        puids: &["fmt/1098", "sago/xz"],
        media_types: &["application/x-xz"],
        extensions: &["xz", "txz"],
        reader: Some(readers::archive::read_xz),
    },
    Format {
        code: "lzma",
        name: "LZMA alone",
        kind: Kind::Archive,
        puids: &[],
        media_types: &["application/x-lzma"],
        extensions: &["lzma", "tlz"],
        reader: Some(readers::archive::read_lzma),
    },
    Format {
        code: "lzip",
        name: "Lzip",
        kind: Kind::Archive,
        puids: &["sago/lzip"],
        media_types: &["application/lzip"],
        extensions: &["lz"],
        reader: Some(readers::archive::read_lzip),
    },
    Format {
        code: "zstd",
        name: "Zstandard",
        kind: Kind::Archive,
        puids: &["sago/zstd"],
        media_types: &["application/zstd"],
        extensions: &["zst", "tzst"],
        reader: Some(readers::archive::read_zstd),
    },
    Format {
        code: "lz4",
        name: "LZ4",
        kind: Kind::Archive,
        puids: &["sago/lz4"],
        media_types: &["application/x-lz4"],
        extensions: &["lz4"],
        reader: Some(readers::archive::read_lz4),
    },
    Format {
        code: "compress",
        name: "UNIX compress",
        kind: Kind::Archive,
        puids: &["fmt/1671"],
        media_types: &["application/x-compress"],
        extensions: &["z"],
        reader: Some(readers::archive::read_z),
    },
    Format {
        code: "zlib",
        name: "zlib stream",
        kind: Kind::Archive,
        puids: &[],
        media_types: &["application/zlib"],
        extensions: &["zlib"],
        reader: Some(readers::archive::read_zlib),
    },
    Format {
        code: "ar",
        name: "AR, Debian package",
        kind: Kind::Archive,
        puids: &["sago/ar"],
        media_types: &["application/x-archive", "application/vnd.debian.binary-package"],
        extensions: &["ar", "deb", "a"],
        reader: Some(readers::archive::read_ar),
    },
    Format {
        code: "cpio",
        name: "CPIO",
        kind: Kind::Archive,
        puids: &["fmt/635"],
        media_types: &["application/x-cpio"],
        extensions: &["cpio"],
        reader: Some(readers::archive::read_cpio),
    },
    Format {
        code: "cab",
        name: "Windows Cabinet",
        kind: Kind::Archive,
        puids: &["x-fmt/414"],
        media_types: &["application/vnd.ms-cab-compressed"],
        extensions: &["cab"],
        reader: Some(readers::archive::read_cab),
    },
    Format {
        code: "lzh",
        name: "LHA",
        kind: Kind::Archive,
        puids: &["fmt/626"],
        media_types: &["application/x-lzh-compressed"],
        extensions: &["lzh", "lha"],
        reader: Some(readers::archive::read_lzh),
    },
    Format {
        code: "iso9660",
        name: "ISO 9660 image",
        kind: Kind::Archive,
        puids: &["fmt/468", "fmt/1739", "fmt/1741", "fmt/1757"],
        media_types: &["application/x-iso9660-image"],
        extensions: &["iso"],
        reader: Some(readers::archive::read_iso),
    },
    Format {
        code: "alz",
        name: "ALZip (ALZ)",
        kind: Kind::Archive,
        puids: &["sago/alz"],
        media_types: &["application/x-alz-compressed"],
        extensions: &["alz"],
        reader: Some(readers::archive::read_alz),
    },
    Format {
        code: "egg",
        name: "ALZip (EGG)",
        kind: Kind::Archive,
        puids: &["sago/egg"],
        media_types: &["application/x-egg"],
        extensions: &["egg"],
        reader: Some(readers::archive::read_egg),
    },
    Format {
        code: "eml",
        name: "E-mail message",
        kind: Kind::Mail,
        puids: &["fmt/278", "fmt/950", "sago/eml"],
        media_types: &["message/rfc822"],
        extensions: &["eml", "mail", "emlx"],
        reader: Some(readers::mail::read_eml),
    },
    Format {
        code: "mbox",
        name: "MBOX mailbox",
        kind: Kind::Mail,
        puids: &["fmt/720", "sago/mbox"],
        media_types: &["application/mbox"],
        extensions: &["mbox", "mbx"],
        reader: Some(readers::mail::read_mbox),
    },
    Format {
        code: "warc",
        name: "Web archive (WARC, ARC)",
        kind: Kind::Web,
        puids: &["fmt/289", "fmt/1281", "fmt/1355", "x-fmt/219", "fmt/410", "sago/warc"],
        media_types: &["application/warc"],
        extensions: &["warc", "arc"],
        reader: Some(readers::warc::read),
    },
    Format {
        code: "wacz",
        name: "Web archive collection (WACZ)",
        kind: Kind::Web,
        puids: &["sago/wacz"],
        media_types: &["application/wacz"],
        extensions: &["wacz"],
        reader: Some(readers::archive::read_zip),
    },
    Format {
        code: "pst",
        name: "Outlook personal folders (PST, OST)",
        kind: Kind::Mail,
        puids: &["x-fmt/248", "x-fmt/249", "x-fmt/250", "x-fmt/251", "sago/pst"],
        media_types: &["application/vnd.ms-outlook-pst"],
        extensions: &["pst", "ost"],
        reader: Some(readers::pst::read),
    },
    Format {
        code: "dbx",
        name: "Outlook Express mailbox",
        kind: Kind::Mail,
        puids: &["fmt/838", "fmt/839"],
        media_types: &["application/x-dbx"],
        extensions: &["dbx"],
        reader: None,
    },
    Format {
        code: "cms",
        name: "CMS, PKCS #7",
        kind: Kind::Archive,
        puids: &["fmt/670", "sago/cms", "sago/cms-pem"],
        media_types: &["application/pkcs7-mime", "application/pkcs7-signature"],
        extensions: &["p7m", "p7s", "p7c", "p7b", "p7z", "p7"],
        reader: Some(readers::cms::read),
    },
    Format {
        code: "tsd",
        name: "TimeStampedData",
        kind: Kind::Archive,
        puids: &["sago/tsd"],
        media_types: &["application/timestamped-data"],
        extensions: &["tsd"],
        reader: Some(readers::cms::read),
    },
    Format {
        code: "sqlite",
        name: "SQLite database",
        kind: Kind::Data,
        puids: &["fmt/729", "fmt/1135", "sago/sqlite"],
        media_types: &["application/vnd.sqlite3"],
        extensions: &["sqlite", "sqlite3", "db3", "db"],
        reader: Some(readers::sqlite::read),
    },
    Format {
        code: "dbf",
        name: "dBASE table",
        kind: Kind::Table,
        puids: &["x-fmt/8", "x-fmt/9", "x-fmt/10", "x-fmt/271", "x-fmt/272", "x-fmt/380"],
        media_types: &["application/vnd.dbf"],
        extensions: &["dbf", "dbase3"],
        reader: Some(readers::dbf::read),
    },
    Format {
        code: "access",
        name: "Microsoft Access database",
        kind: Kind::Data,
        puids: &["x-fmt/66", "x-fmt/238", "x-fmt/239", "x-fmt/240", "x-fmt/241", "fmt/275", "sago/mdb"],
        media_types: &["application/vnd.ms-access"],
        extensions: &["mdb", "accdb"],
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
