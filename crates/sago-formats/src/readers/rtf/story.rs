//! Where the text of a group belongs, and the text that is gathered there.

use std::collections::HashMap;

use crate::document::BlockKind;
use crate::readers::codepage::CodePage;

/// What the text of a group is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Text that is read.
    Text,
    /// Nothing: tables of styles, lists, colours.
    Skip,
    /// Names and character sets of fonts.
    Fonts,
    /// Styles.
    Styles,
    /// Properties.
    Info,
    /// The value of a property, or another small text that is kept until its group ends.
    Value(&'static str),
    /// Bytes of a picture.
    Picture,
    /// Bytes of an object.
    Object,
    /// Markup of the page that is wrapped in the RTF.
    HtmlTag,
}

/// What a group inherits.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub place: Place,
    pub font: i32,
    pub uc: usize,
    pub is_hidden: bool,
    pub is_deleted: bool,
    /// Whether the text is for RTF readers only, not part of the wrapped page.
    pub is_rtf_only: bool,
    /// Whether this group began a story, a value, a picture or an object that ends with it.
    pub ends: Ends,
    /// Whether `\*` came and the next word names the destination.
    pub is_star: bool,
}

/// What ends with a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Nothing,
    Story,
    Value,
    Picture,
    Object,
    Time,
}

/// Text that is gathered until its paragraph ends.
#[derive(Debug)]
pub(super) struct Story {
    pub kind: BlockKind,
    pub text: String,
    pub hidden: String,
    pub is_in_table: bool,
    pub is_heading: bool,
    /// Number of the table, row and column.
    pub table: u32,
    pub row: u32,
    pub column: u32,
    pub was_in_table: bool,
}

impl Story {
    pub(super) fn new(kind: BlockKind) -> Self {
        Self { kind, text: String::new(), hidden: String::new(), is_in_table: false, is_heading: false, table: 0, row: 0, column: 0, was_in_table: false }
    }
}

/// A font's code page as declared.
#[derive(Debug, Clone, Copy)]
pub(super) enum FontPage {
    /// Named by a character set or a code page.
    Known(CodePage),
    /// "ANSI", which many programs write for every font.
    Ansi,
}

/// What the tables at the beginning say.
#[derive(Debug)]
pub(super) struct Tables {
    pub default: Option<CodePage>,
    pub default_number: u32,
    pub default_font: i32,
    pub fonts: HashMap<i32, FontPage>,
    pub font: i32,
    pub headings: std::collections::HashSet<i32>,
    pub style: i32,
}

impl Tables {
    /// Decodes bytes written in a font; whether some meant nothing.
    pub(super) fn decode(&self, font: i32, bytes: &[u8]) -> (String, bool) {
        let default = self.default.unwrap_or(CodePage::WESTERN);
        let page = match self.fonts.get(&font) {
            Some(FontPage::Known(page)) => *page,
            Some(FontPage::Ansi) => {
                // Korean, Japanese and Chinese programs call fonts ANSI and write double bytes all the same.
                let double = default.decode(bytes);
                let is_double = matches!(self.default_number, 932 | 936 | 949 | 950) && !double.has_errors && !bytes.is_ascii();
                if is_double { default } else { CodePage::WESTERN }
            }
            None => default,
        };
        let decoded = page.decode(bytes);
        (decoded.text, decoded.has_errors)
    }
}
