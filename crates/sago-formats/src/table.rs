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
        code: "pdf",
        name: "Portable Document Format",
        kind: Kind::Document,
        puids: &[
            "fmt/14", "fmt/15", "fmt/16", "fmt/17", "fmt/18", "fmt/19", "fmt/20", "fmt/95", "fmt/144", "fmt/145", "fmt/146", "fmt/147", "fmt/148", "fmt/157",
            "fmt/158", "fmt/276", "fmt/354", "fmt/476", "fmt/477", "fmt/478", "fmt/479", "fmt/480", "fmt/481", "fmt/488", "fmt/489", "fmt/490", "fmt/491",
            "fmt/492", "fmt/493", "fmt/558", "fmt/559", "fmt/560", "fmt/561", "fmt/562", "fmt/563", "fmt/564", "fmt/565", "fmt/1129", "fmt/1451",
        ],
        media_types: &["application/pdf"],
        extensions: &["pdf", "ai"],
        reader: Some(readers::pdf::read),
    },
    Format {
        code: "jpeg",
        name: "JPEG picture",
        kind: Kind::Image,
        puids: &["fmt/41", "fmt/42", "fmt/43", "fmt/44", "fmt/112", "fmt/645", "fmt/1507", "x-fmt/390", "x-fmt/391", "x-fmt/398"],
        media_types: &["image/jpeg"],
        extensions: &["jpg", "jpeg", "jpe", "jfif"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "png",
        name: "Portable Network Graphics",
        kind: Kind::Image,
        puids: &["fmt/11", "fmt/12", "fmt/13", "fmt/935"],
        media_types: &["image/png"],
        extensions: &["png", "apng"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "gif",
        name: "Graphics Interchange Format",
        kind: Kind::Image,
        puids: &["fmt/3", "fmt/4"],
        media_types: &["image/gif"],
        extensions: &["gif"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "bmp",
        name: "Bitmap",
        kind: Kind::Image,
        puids: &["fmt/114", "fmt/115", "fmt/116", "fmt/117", "fmt/118", "fmt/119", "x-fmt/25", "x-fmt/270"],
        media_types: &["image/bmp", "image/x-ms-bmp"],
        extensions: &["bmp", "dib"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "tiff",
        name: "Tagged Image File Format",
        kind: Kind::Image,
        puids: &["fmt/152", "fmt/153", "fmt/154", "fmt/155", "fmt/156", "fmt/353", "x-fmt/387", "x-fmt/388", "x-fmt/399"],
        media_types: &["image/tiff"],
        extensions: &["tif", "tiff", "dng"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "webp",
        name: "WebP",
        kind: Kind::Image,
        puids: &["fmt/566", "fmt/567", "fmt/568"],
        media_types: &["image/webp"],
        extensions: &["webp"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "heif",
        name: "High Efficiency Image File Format",
        kind: Kind::Image,
        puids: &["fmt/1101"],
        media_types: &["image/heic", "image/heif"],
        extensions: &["heic", "heif", "hif"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "avif",
        name: "AV1 Image File Format",
        kind: Kind::Image,
        puids: &[],
        media_types: &["image/avif"],
        extensions: &["avif"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "jp2",
        name: "JPEG 2000",
        kind: Kind::Image,
        puids: &["fmt/151", "x-fmt/392"],
        media_types: &["image/jp2", "image/jpx", "image/x-jp2"],
        extensions: &["jp2", "jpx", "jpf", "j2k", "j2c", "jpc"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "ico",
        name: "Windows icon",
        kind: Kind::Image,
        puids: &["x-fmt/418"],
        media_types: &["image/vnd.microsoft.icon", "image/x-icon"],
        extensions: &["ico"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "pnm",
        name: "Portable any map",
        kind: Kind::Image,
        puids: &["fmt/406", "fmt/407", "fmt/408", "fmt/409", "x-fmt/164", "x-fmt/178"],
        media_types: &["image/x-portable-anymap", "image/x-portable-bitmap", "image/x-portable-graymap", "image/x-portable-pixmap"],
        extensions: &["pnm", "pbm", "pgm", "ppm"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "tga",
        name: "Truevision TGA",
        kind: Kind::Image,
        puids: &["fmt/402", "x-fmt/367"],
        media_types: &["image/x-tga"],
        extensions: &["tga"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "pcx",
        name: "PCX picture",
        kind: Kind::Image,
        puids: &["fmt/86", "fmt/87", "fmt/88", "fmt/89", "fmt/90"],
        media_types: &["image/vnd.zbrush.pcx", "image/x-pcx"],
        extensions: &["pcx"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "psd",
        name: "Photoshop picture",
        kind: Kind::Image,
        puids: &["x-fmt/92"],
        media_types: &["image/vnd.adobe.photoshop"],
        extensions: &["psd"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "djvu",
        name: "DjVu",
        kind: Kind::Image,
        puids: &["fmt/255", "fmt/318"],
        media_types: &["image/vnd.djvu"],
        extensions: &["djvu", "djv"],
        reader: Some(readers::image::read),
    },
    Format {
        code: "jxl",
        name: "JPEG XL",
        kind: Kind::Image,
        puids: &["fmt/1484", "fmt/1485"],
        media_types: &["image/jxl"],
        extensions: &["jxl"],
        reader: None,
    },
    Format {
        code: "jbig2",
        name: "JBIG2 picture",
        kind: Kind::Image,
        puids: &[],
        media_types: &["image/x-jbig2"],
        extensions: &["jb2", "jbig2"],
        reader: None,
    },
    Format {
        code: "emf",
        name: "Windows Enhanced Metafile",
        kind: Kind::Image,
        puids: &["fmt/344", "fmt/345", "x-fmt/153"],
        media_types: &["image/emf"],
        extensions: &["emf"],
        reader: None,
    },
    Format { code: "wmf", name: "Windows Metafile", kind: Kind::Image, puids: &["x-fmt/119"], media_types: &["image/wmf"], extensions: &["wmf"], reader: None },
    Format {
        code: "xmp",
        name: "Extensible Metadata Platform",
        kind: Kind::Other,
        puids: &["fmt/570", "fmt/986"],
        media_types: &["application/rdf+xml"],
        extensions: &["xmp"],
        reader: Some(readers::xmp::read),
    },
    Format {
        code: "mp3",
        name: "MPEG audio layer 3",
        kind: Kind::Audio,
        puids: &["fmt/134", "fmt/198"],
        media_types: &["audio/mpeg"],
        extensions: &["mp3", "mp2", "mpga"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "wav",
        name: "Waveform audio",
        kind: Kind::Audio,
        puids: &[
            "fmt/1",
            "fmt/2",
            "fmt/6",
            "fmt/141",
            "fmt/142",
            "fmt/143",
            "fmt/527",
            "fmt/703",
            "fmt/704",
            "fmt/705",
            "fmt/706",
            "fmt/707",
            "fmt/708",
            "fmt/709",
            "fmt/710",
            "fmt/711",
            "fmt/712",
            "fmt/713",
            "x-fmt/389",
            "x-fmt/396",
            "x-fmt/397",
        ],
        media_types: &["audio/vnd.wave", "audio/wav", "audio/x-wav"],
        extensions: &["wav", "wave", "bwf"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "flac",
        name: "Free Lossless Audio Codec",
        kind: Kind::Audio,
        puids: &["fmt/279"],
        media_types: &["audio/flac", "audio/x-flac"],
        extensions: &["flac"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "ogg",
        name: "Ogg sound and film",
        kind: Kind::Audio,
        puids: &["fmt/203", "fmt/944", "fmt/945", "fmt/946", "fmt/947", "fmt/948"],
        media_types: &["audio/ogg", "application/ogg", "video/ogg", "audio/opus", "audio/vorbis", "audio/speex"],
        extensions: &["ogg", "oga", "opus", "ogv", "spx"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "aac",
        name: "Advanced Audio Coding",
        kind: Kind::Audio,
        puids: &[],
        media_types: &["audio/aac"],
        extensions: &["aac"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "aiff",
        name: "Audio Interchange File Format",
        kind: Kind::Audio,
        puids: &["fmt/414", "x-fmt/135", "x-fmt/136"],
        media_types: &["audio/aiff", "audio/x-aiff"],
        extensions: &["aif", "aiff", "aifc"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "amr",
        name: "Adaptive Multi-Rate sound",
        kind: Kind::Audio,
        puids: &["fmt/356", "fmt/954"],
        media_types: &["audio/amr", "audio/amr-wb"],
        extensions: &["amr", "awb"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "au",
        name: "NeXT and Sun sound",
        kind: Kind::Audio,
        puids: &["x-fmt/139"],
        media_types: &["audio/basic"],
        extensions: &["au", "snd"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "ac3",
        name: "Dolby Digital",
        kind: Kind::Audio,
        puids: &["fmt/735"],
        media_types: &["audio/ac3", "audio/eac3"],
        extensions: &["ac3", "eac3", "ec3"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "midi",
        name: "MIDI",
        kind: Kind::Audio,
        puids: &["x-fmt/230"],
        media_types: &["audio/midi"],
        extensions: &["mid", "midi", "kar"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "mp4",
        name: "MPEG-4 film or sound",
        kind: Kind::Video,
        puids: &["fmt/199", "fmt/596", "fmt/357"],
        media_types: &["video/mp4", "audio/mp4", "video/3gpp", "video/3gpp2", "video/x-m4v"],
        extensions: &["mp4", "m4v", "m4a", "m4b", "3gp", "3g2"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "mov",
        name: "QuickTime film",
        kind: Kind::Video,
        puids: &["x-fmt/384", "fmt/797"],
        media_types: &["video/quicktime"],
        extensions: &["mov", "qt"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "mkv",
        name: "Matroska film",
        kind: Kind::Video,
        puids: &["fmt/569"],
        media_types: &["video/matroska", "audio/matroska", "video/x-matroska"],
        extensions: &["mkv", "mka", "mks"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "webm",
        name: "WebM",
        kind: Kind::Video,
        puids: &["fmt/573"],
        media_types: &["video/webm", "audio/webm"],
        extensions: &["webm"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "avi",
        name: "Audio/Video Interleaved",
        kind: Kind::Video,
        puids: &["fmt/5"],
        media_types: &["video/vnd.avi", "video/x-msvideo"],
        extensions: &["avi"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "asf",
        name: "Windows Media",
        kind: Kind::Video,
        puids: &["fmt/131", "fmt/132", "fmt/133", "fmt/441"],
        media_types: &["video/x-ms-asf", "audio/x-ms-wma", "video/x-ms-wmv"],
        extensions: &["asf", "wma", "wmv"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "flv",
        name: "Flash video",
        kind: Kind::Video,
        puids: &["x-fmt/382"],
        media_types: &["video/x-flv"],
        extensions: &["flv"],
        reader: Some(readers::media::read),
    },
    Format {
        code: "mpeg",
        name: "MPEG film",
        kind: Kind::Video,
        puids: &["fmt/585", "fmt/640", "fmt/649", "x-fmt/385", "x-fmt/386"],
        media_types: &["video/mpeg", "video/mp2t"],
        extensions: &["mpg", "mpeg", "vob", "m2ts", "mts"],
        reader: Some(readers::media::read),
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
