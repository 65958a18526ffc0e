//! What was found about a file besides its content: above all what could not be read, and why.

use serde::{Deserialize, Serialize};

/// What a finding means for the reading of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing is missing because of it.
    Note,
    /// Some of the content is not in what was read.
    Loss,
    /// None of the content could be read.
    Unreadable,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident, $english:literal;)*) => {
        /// What is the matter. Each has its code, its usual weight and a sentence; a finding adds where and what exactly.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[doc = $english] #[serde(rename = $code)] $name,)*
        }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as it is printed and kept.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How much it weighs unless the reader knows better.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $english,)* }
            }
        }
    };
}

// One line for each; `docs/guide/findings.md` is made from it.
codes! {
    // The file as a whole.
    Empty = "format-empty", Note, "The file has no bytes.";
    ZeroFilled = "format-zero-filled", Unreadable, "The file holds nothing but zero bytes: its content was lost before it came here.";
    Unknown = "format-unknown", Unreadable, "The format is not known: only name, size and digests can be searched.";
    NoReader = "format-no-reader", Unreadable, "There is no reader for this format: only its name and metadata can be searched.";
    Mislabelled = "format-mislabelled", Note, "The name promises another format than the bytes have.";
    Encrypted = "format-encrypted", Unreadable, "The file needs a password or a key.";
    PartEncrypted = "format-part-encrypted", Loss, "A part of the file needs a password or a key.";
    RightsManaged = "format-rights-managed", Unreadable, "The file is locked by a rights management system.";
    Damaged = "format-damaged", Unreadable, "The file is damaged and nothing in it could be read.";
    PartDamaged = "format-part-damaged", Loss, "A part of the file is damaged.";
    Truncated = "format-truncated", Loss, "The file ends too early.";
    Version = "format-version", Unreadable, "This version of the format is not read.";
    Feature = "format-feature", Loss, "A part uses a feature that is not read.";
    TrailingBytes = "format-trailing-bytes", Note, "There are bytes after the end of the content.";
    // Text.
    EncodingGuessed = "text-encoding-guessed", Note, "The character set is not declared; it was judged from the bytes.";
    EncodingDoubtful = "text-encoding-doubtful", Loss, "The character set is doubtful; the text may be wrong.";
    Undecodable = "text-undecodable", Loss, "Some bytes mean nothing in the character set of the text.";
    NoText = "text-none", Note, "The file was read and holds no text.";
    NeedsRecognition = "text-needs-recognition", Loss, "Pages are pictures: their text must be recognised.";
    NeedsTranscription = "audio-needs-transcription", Loss, "The recording has sound: what is spoken must be transcribed.";
    UnmappedGlyphs = "text-unmapped-glyphs", Loss, "Some letters cannot be told from the file: its fonts do not say what they are.";
    // What it contains.
    ChildFailed = "child-failed", Loss, "A contained file could not be taken out.";
    ChildEncrypted = "child-encrypted", Loss, "A contained file needs a password.";
    ChildMissing = "child-missing", Loss, "A contained file is named and not there.";
    CountMismatch = "child-count", Loss, "The container says it holds more than could be recovered.";
    NameGuessed = "child-name-guessed", Note, "The character set of contained names is not declared; it was judged from the bytes.";
    NameUnsafe = "child-name-unsafe", Note, "A contained name leads out of the container; it is kept as a name only.";
    External = "external-reference", Note, "The file refers to something that is not in it; it was not fetched.";
    ActiveContent = "active-content", Note, "The file holds macros, scripts or programs; they were not run.";
    Hidden = "hidden-content", Note, "The file holds content that its program does not show: hidden sheets, comments, changes, deleted text.";
    Signed = "signed", Note, "The file is signed; the signature was not judged.";
    // Limits.
    LimitText = "limit-text", Loss, "The text is longer than the limit.";
    LimitBlocks = "limit-blocks", Loss, "There are more paragraphs than the limit.";
    LimitProperties = "limit-properties", Note, "There are more or longer properties than the limit.";
    LimitChildren = "limit-children", Loss, "There are more contained files than the limit.";
    LimitChildBytes = "limit-child-bytes", Loss, "A contained file is larger than the limit.";
    LimitExpansion = "limit-expansion", Loss, "The container grows beyond the limit when it is unpacked.";
    LimitNesting = "limit-nesting", Loss, "The file is nested more deeply than the limit.";
    LimitMemory = "limit-memory", Loss, "A part is too large to be read in memory.";
    LimitFindings = "limit-findings", Note, "There are more findings than are listed.";
    // What the walls around the reader say.
    Crashed = "reader-crashed", Loss, "The reader ended unexpectedly.";
    TimedOut = "reader-timed-out", Loss, "The reader took longer than it may and was ended.";
    OutOfMemory = "reader-out-of-memory", Loss, "The reader needed more memory than it may.";
}

/// One thing worth knowing about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What is the matter.
    pub code: Code,
    /// What it means for the reading.
    pub severity: Severity,
    /// Where: a page, a sheet, a contained name, an offset; empty for the whole file.
    pub place: String,
    /// What exactly, in plain words. Names and words of the file may stand here: it is sealed with the rest.
    pub text: String,
}

impl Finding {
    /// A finding about the whole file, with the usual weight of its code.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, severity: code.severity(), place: String::new(), text: text.into() }
    }

    /// The same, at a place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// The same, with another weight.
    #[must_use]
    pub fn weighing(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}
