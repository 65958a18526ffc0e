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
        puids: &["x-fmt/111"],
        media_types: &["text/plain"],
        extensions: &["txt", "text", "log"],
        reader: Some(readers::text::read),
    },
    Format {
        code: "hwp",
        name: "Hangul document, HWP",
        kind: Kind::Document,
        puids: &["fmt/1083", "fmt/1084"],
        media_types: &["application/x-hwp", "application/vnd.hancom.hwp", "application/haansofthwp"],
        extensions: &["hwp", "hwt"],
        reader: Some(readers::hwp::read),
    },
    Format {
        code: "hwpx",
        name: "Hangul document, HWPX",
        kind: Kind::Document,
        puids: &[],
        media_types: &["application/hwp+zip", "application/vnd.hancom.hwpx", "application/haansofthwpx"],
        extensions: &["hwpx", "hwtx"],
        reader: Some(readers::hwpx::read),
    },
    Format {
        code: "docx",
        name: "Word document, Office Open XML",
        kind: Kind::Document,
        puids: &["fmt/412", "fmt/523", "fmt/597", "fmt/599"],
        media_types: &[
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
            "application/vnd.ms-word.document.macroEnabled.12",
            "application/vnd.ms-word.template.macroEnabled.12",
        ],
        extensions: &["docx", "docm", "dotx", "dotm"],
        reader: Some(readers::ooxml::read),
    },
    Format {
        code: "xlsx",
        name: "Excel workbook, Office Open XML",
        kind: Kind::Table,
        puids: &["fmt/214", "fmt/445", "fmt/598", "fmt/627", "fmt/628"],
        media_types: &[
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
            "application/vnd.ms-excel.sheet.macroEnabled.12",
            "application/vnd.ms-excel.template.macroEnabled.12",
            "application/vnd.ms-excel.addin.macroEnabled.12",
        ],
        extensions: &["xlsx", "xlsm", "xltx", "xltm", "xlam"],
        reader: Some(readers::ooxml::read),
    },
    Format {
        code: "xlsb",
        name: "Excel workbook, binary",
        kind: Kind::Table,
        puids: &["fmt/595"],
        media_types: &["application/vnd.ms-excel.sheet.binary.macroEnabled.12"],
        extensions: &["xlsb"],
        reader: Some(readers::ooxml::read),
    },
    Format {
        code: "pptx",
        name: "PowerPoint presentation, Office Open XML",
        kind: Kind::Presentation,
        puids: &["fmt/215", "fmt/487", "fmt/629", "fmt/630", "fmt/631", "fmt/632", "fmt/633", "fmt/636", "fmt/524"],
        media_types: &[
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
            "application/vnd.openxmlformats-officedocument.presentationml.template",
            "application/vnd.openxmlformats-officedocument.presentationml.slide",
            "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
            "application/vnd.ms-powerpoint.slideshow.macroEnabled.12",
            "application/vnd.ms-powerpoint.template.macroEnabled.12",
            "application/vnd.ms-powerpoint.addin.macroEnabled.12",
            "application/vnd.ms-powerpoint.slide.macroEnabled.12",
            "application/vnd.ms-officetheme",
        ],
        extensions: &["pptx", "pptm", "ppsx", "ppsm", "potx", "potm", "ppam", "sldx", "sldm", "thmx"],
        reader: Some(readers::ooxml::read),
    },
    Format {
        code: "ooxml-encrypted",
        name: "Office Open XML document, encrypted",
        kind: Kind::Document,
        puids: &["fmt/494"],
        media_types: &[],
        extensions: &[],
        reader: Some(readers::ooxml::read),
    },
    Format {
        code: "vsdx",
        name: "Visio drawing, Office Open XML",
        kind: Kind::Document,
        puids: &["fmt/924", "fmt/925", "fmt/926", "fmt/927", "fmt/928", "fmt/929"],
        media_types: &[
            "application/vnd.ms-visio.drawing.main+xml",
            "application/vnd.ms-visio.stencil.main+xml",
            "application/vnd.ms-visio.template.main+xml",
            "application/vnd.ms-visio.drawing.macroEnabled.main+xml",
            "application/vnd.ms-visio.stencil.macroEnabled.main+xml",
            "application/vnd.ms-visio.template.macroEnabled.main+xml",
        ],
        extensions: &["vsdx", "vsdm", "vssx", "vssm", "vstx", "vstm"],
        reader: Some(readers::ooxml::read),
    },
    Format {
        code: "xps",
        name: "XML Paper Specification",
        kind: Kind::Document,
        puids: &["fmt/657"],
        media_types: &["application/oxps", "application/vnd.ms-xpsdocument"],
        extensions: &["xps", "oxps"],
        reader: Some(readers::ooxml::read),
    },
    Format {
        code: "odt",
        name: "OpenDocument text",
        kind: Kind::Document,
        puids: &["fmt/136", "fmt/290", "fmt/291", "fmt/1756", "fmt/128"],
        media_types: &[
            "application/vnd.oasis.opendocument.text",
            "application/vnd.oasis.opendocument.text-template",
            "application/vnd.oasis.opendocument.text-master",
            "application/vnd.sun.xml.writer",
        ],
        extensions: &["odt", "ott", "odm", "sxw", "stw"],
        reader: Some(readers::opendocument::read),
    },
    Format {
        code: "ods",
        name: "OpenDocument spreadsheet",
        kind: Kind::Table,
        puids: &["fmt/137", "fmt/294", "fmt/295", "fmt/1755", "fmt/129"],
        media_types: &[
            "application/vnd.oasis.opendocument.spreadsheet",
            "application/vnd.oasis.opendocument.spreadsheet-template",
            "application/vnd.sun.xml.calc",
        ],
        extensions: &["ods", "ots", "sxc", "stc"],
        reader: Some(readers::opendocument::read),
    },
    Format {
        code: "odp",
        name: "OpenDocument presentation",
        kind: Kind::Presentation,
        puids: &["fmt/138", "fmt/292", "fmt/293", "fmt/1754", "fmt/130"],
        media_types: &[
            "application/vnd.oasis.opendocument.presentation",
            "application/vnd.oasis.opendocument.presentation-template",
            "application/vnd.sun.xml.impress",
        ],
        extensions: &["odp", "otp", "sxi", "sti"],
        reader: Some(readers::opendocument::read),
    },
    Format {
        code: "odg",
        name: "OpenDocument drawing",
        kind: Kind::Document,
        puids: &["fmt/139", "fmt/296", "fmt/297", "fmt/1753", "fmt/127"],
        media_types: &[
            "application/vnd.oasis.opendocument.graphics",
            "application/vnd.oasis.opendocument.graphics-template",
            "application/vnd.oasis.opendocument.formula",
            "application/vnd.oasis.opendocument.chart",
            "application/vnd.sun.xml.draw",
        ],
        extensions: &["odg", "otg", "odf", "odc", "sxd"],
        reader: Some(readers::opendocument::read),
    },
    Format {
        code: "fodf",
        name: "OpenDocument in a single XML file",
        kind: Kind::Document,
        puids: &[],
        media_types: &[
            "application/vnd.oasis.opendocument.text-flat-xml",
            "application/vnd.oasis.opendocument.spreadsheet-flat-xml",
            "application/vnd.oasis.opendocument.presentation-flat-xml",
            "application/vnd.oasis.opendocument.graphics-flat-xml",
        ],
        extensions: &["fodt", "fods", "fodp", "fodg"],
        reader: Some(readers::opendocument::read_flat),
    },
    Format {
        code: "epub",
        name: "EPUB book",
        kind: Kind::Document,
        puids: &["fmt/483"],
        media_types: &["application/epub+zip"],
        extensions: &["epub"],
        reader: Some(readers::epub::read),
    },
    Format {
        code: "iwork",
        name: "Apple iWork document",
        kind: Kind::Document,
        puids: &["fmt/1441", "fmt/646", "fmt/825", "fmt/1439", "fmt/824"],
        media_types: &["application/vnd.apple.pages", "application/vnd.apple.numbers", "application/vnd.apple.keynote"],
        extensions: &["pages", "numbers", "key"],
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
