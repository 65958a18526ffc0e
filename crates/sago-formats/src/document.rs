//! What a reader tells: blocks of text with anchors, properties, contained files, findings; in the order of the document.

use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::source::Stop;

/// Where a block stands, so that a citation finds it again. What a format does not have is absent. Pages, sheets, paragraphs, rows and columns count from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Page of a paged document, slide of a presentation, image of an image file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Named part: sheet, section, header of a message, stream, file of a package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Paragraph, line or record within page and part; the reader counts every block it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paragraph: Option<u32>,
    /// Row and column of a table's or sheet's cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<(u32, u32)>,
    /// Beginning and end in milliseconds of a recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<(u64, u64)>,
}

impl Anchor {
    /// A paragraph of a document without pages.
    pub fn paragraph(number: u32) -> Self {
        Self { paragraph: Some(number), ..Self::default() }
    }

    /// A paragraph on a page.
    pub fn on_page(page: u32, paragraph: u32) -> Self {
        Self { page: Some(page), paragraph: Some(paragraph), ..Self::default() }
    }

    /// A paragraph of a named part.
    pub fn in_part(part: impl Into<String>, paragraph: u32) -> Self {
        Self { part: Some(part.into()), paragraph: Some(paragraph), ..Self::default() }
    }
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// Running text: a paragraph, a line, a message's text.
    Paragraph,
    /// A heading.
    Heading,
    /// A cell of a table or sheet.
    Cell,
    /// A footnote or endnote.
    Note,
    /// Header or footer of pages.
    Margin,
    /// A remark by a reader: comment, annotation, speaker's notes.
    Comment,
    /// Text that was deleted or is hidden and still in the file.
    Hidden,
    /// A caption, alternative text, label of a picture or shape.
    Caption,
    /// Spoken words with times.
    Speech,
    /// Value of a form field.
    Field,
    /// Text recognised in a picture.
    Recognised,
}

/// A word's place on its page, in points of 1/72 inch from the upper left corner of the page as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordBox {
    /// First byte of the word in the block's text.
    pub start: u32,
    /// Byte after its last.
    pub end: u32,
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

/// Text that belongs together, as it stands in the file: never normalised, only decoded to Unicode. It may hold line ends, never other control characters
/// than tabs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Where it stands.
    pub anchor: Anchor,
    /// The text; never empty or only white space (such blocks are not given).
    pub text: String,
    /// Where its words stand on the page, when the format says so; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boxes: Vec<WordBox>,
}

impl Block {
    /// A paragraph without boxes.
    pub fn paragraph(anchor: Anchor, text: impl Into<String>) -> Self {
        Self::new(BlockKind::Paragraph, anchor, text)
    }

    /// A block without boxes.
    pub fn new(kind: BlockKind, anchor: Anchor, text: impl Into<String>) -> Self {
        Self { kind, anchor, text: text.into(), boxes: Vec::new() }
    }
}

/// Something the file says about itself. Names are those of the format, in lower case with its usual prefix: `dc:title`, `pdf:Producer`, `exif:DateTimeOriginal`,
/// `mail:From`, `xmp:…`, `audio:duration_ms`, `page_count`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its value as text. Times as RFC 3339 where the file is clear about them, else as they stand.
    pub value: String,
}

/// How a contained file belongs to its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChildRole {
    /// A file in an archive.
    Member,
    /// A file attached by a person: to a message, a PDF.
    Attachment,
    /// An object, picture or font's picture embedded in a document.
    Embedded,
    /// A message in a mailbox.
    Message,
    /// What a wrapper wraps: the content of a signature, of a compressed file.
    Content,
    /// A record of a web archive.
    Record,
    /// A small picture of the file inside it.
    Thumbnail,
}

/// A file inside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// How it belongs.
    pub role: ChildRole,
    /// Its name or path as decoded; empty when it has none. Never used as a path on a disk.
    pub name: String,
    /// The name's own bytes, when they are not the UTF-8 of `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_bytes: Option<Vec<u8>>,
    /// What the container says its media type is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// When it was last changed, as the container says: RFC 3339, without zone when the container has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Where it stands in the container, when that can be cited.
    #[serde(default)]
    pub anchor: Anchor,
    /// Length in bytes as the container says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// What else the container says of it: sender, folder, comment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
}

impl Child {
    /// A contained file with a name and nothing else known.
    pub fn new(role: ChildRole, name: impl Into<String>) -> Self {
        Self {
            role,
            name: name.into(),
            name_bytes: None,
            media_type: None,
            modified: None,
            anchor: Anchor::default(),
            size_bytes: None,
            properties: Vec::new(),
        }
    }
}

/// The format that a file was recognised to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recognised {
    /// Code in our table; nothing when the format is known and not in it.
    pub format: Option<String>,
    /// PRONOM's identifier.
    pub puid: Option<String>,
    /// Name and version.
    pub name: String,
    /// Media type.
    pub media_type: Option<String>,
}

/// One thing a reader tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Which format it is, told before anything else of a file whose format is known.
    Identified(Recognised),
    /// Text.
    Block(Block),
    /// A property.
    Property(Property),
    /// A finding.
    Finding(Finding),
    /// A page and its size in points, told before its blocks.
    Page {
        /// Its number, from 1.
        number: u32,
        /// Width in points of 1/72 inch.
        width: f32,
        /// Height.
        height: f32,
    },
}

/// What became of a contained file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Bytes taken.
    pub bytes: u64,
    /// Whether all of it was taken. When not, the sink has said why by a finding, and the reader goes on with the next.
    pub is_whole: bool,
}

/// Who listens to a reader. It keeps the limits: when one bites it adds the finding itself and answers [`Stop::Limit`], upon which the reader returns.
pub trait Sink {
    /// Takes text, a property or a finding.
    fn part(&mut self, part: Part) -> Result<(), Stop>;

    /// Takes a contained file. Its bytes are read to their end, or until they fail or a limit for one file bites: then what came is kept, [`crate::read`]
    /// adds the finding, the answer is not whole, and the reader goes on. `Stop` only when nothing more is wanted.
    fn child(&mut self, child: Child, bytes: &mut dyn Read) -> Result<Taken, Stop>;

    /// Takes text.
    fn block(&mut self, block: Block) -> Result<(), Stop> {
        self.part(Part::Block(block))
    }

    /// Takes a finding.
    fn finding(&mut self, finding: Finding) -> Result<(), Stop> {
        self.part(Part::Finding(finding))
    }

    /// Takes a property; an empty value is not told.
    fn property(&mut self, name: &str, value: String) -> Result<(), Stop> {
        if value.is_empty() {
            return Ok(());
        }
        self.part(Part::Property(Property { name: name.to_owned(), value }))
    }
}
