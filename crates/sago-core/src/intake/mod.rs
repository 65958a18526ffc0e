//! Reading a partner's disk honestly: every entry is taken or named with the reason why not.
//!
//! [`walk`] lists what is there, [`reader`] reads one file and notices when it changes, [`name`] makes names readable
//! without losing their bytes, and [`sender_list`] compares with the sender's own list of digests.
//! Nothing here hashes, seals, stores or asks the database; nothing here writes to the disk it reads.
//! Broken input becomes a [`Finding`]. The table of all finding codes is [`CODES`].

mod disk;
mod list_line;
mod listing;
pub mod name;
pub mod reader;
pub mod sender_list;
mod source;
pub mod walk;

#[cfg(test)]
mod tests;

use std::fmt;

/// One line of the table of finding codes: what happened and what a person can do.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The code as it stands in manifests; for ever.
    pub code: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// What a person can do about it, in one sentence.
    pub advice: &'static str,
}

/// Declares the codes once; the table cannot miss one.
macro_rules! codes {
    ($($name:ident: $code:literal, $meaning:literal, $advice:literal;)*) => {
        /// Every code that this module can put in a [`Finding`].
        pub(crate) mod code {
            use super::Code;
            $(pub(crate) static $name: Code = Code { code: $code, meaning: $meaning, advice: $advice };)*
        }

        /// The table of all finding codes of the intake, in the order of the documents.
        pub static CODES: &[&Code] = &[$(&code::$name),*];
    };
}

codes! {
    FILE_UNREADABLE: "file-unreadable",
        "A file could not be read, or not to its end.",
        "Give the right to read it, or ask the sender for another copy of this file.";
    FOLDER_UNREADABLE: "folder-unreadable",
        "A folder could not be read, or not to its end; what is in it is unknown.",
        "Give the right to read it, or ask the sender for another copy of this folder.";
    FILE_VANISHED: "file-vanished",
        "A file or folder was listed and then was no longer there.",
        "Make sure that nobody works on the disk, then deposit this path again.";
    FOLDER_MOVED: "folder-moved",
        "A folder was moved or replaced while it was being read; what was left in it could not be reached.",
        "Make sure that nobody works on the disk, then deposit this folder again.";
    FILE_CHANGED_BEFORE_READ: "file-changed-before-read",
        "A file changed after it was listed and before it was read; what it held when it was read is kept.",
        "Make sure that nobody works on the disk; ask the sender which version counts.";
    FILE_CHANGED_WHILE_READ: "file-changed-while-read",
        "A file changed while it was being read; what is kept may be a mixture of two versions.",
        "Make sure that nobody works on the disk, then deposit this file again.";
    LINK_NOT_FOLLOWED: "link-not-followed",
        "A symbolic link was not followed; its target is written in the message.",
        "If what it points at belongs to the deposit, deposit that by its own path.";
    SPECIAL_FILE: "special-file",
        "A socket, pipe or device has no content of its own to keep.",
        "Nothing, as a rule: such entries belong to a running computer.";
    EMPTY_FOLDER: "empty-folder",
        "A folder holds nothing; its path is kept.",
        "Ask the sender whether something should be in it.";
    OTHER_FILESYSTEM: "other-filesystem",
        "A folder lies on another disk or file system than the folder around it; it is taken all the same.",
        "Check that it belongs to the deposit.";
    DEPTH_LIMIT: "depth-limit",
        "A folder lies deeper than the limit; what is in it was not read.",
        "Deposit this folder by its own path.";
    LISTED_TWICE: "listed-twice",
        "A source was given twice, or lies inside another one; its files are taken once.",
        "Nothing: the files are in the deposit.";
    SOURCE_NAME_SHARED: "source-name-shared",
        "Two sources of one deposit have the same last name, so the paths of their items begin alike.",
        "Tell them apart by number, or deposit them one by one.";
    SOURCE_NOT_FOUND: "source-not-found",
        "Nothing was found at a path that was given as a source.",
        "Check the path and that the disk is mounted, then deposit it again.";
    OWN_LIMIT: "own-limit",
        "This computer reached a limit of its own; nothing is known to be wrong with the sender's disk.",
        "Deposit this path again when the computer is less busy.";
    NAME_READ_AS_CP949: "name-read-as-cp949",
        "A name is not Unicode and was read as Korean (CP949); its bytes are kept.",
        "Nothing, if the name makes sense; otherwise ask the sender which writing system it uses.";
    NAME_UNKNOWN_BYTES: "name-unknown-bytes",
        "A name is in no known encoding; its bytes are kept and shown as \\xNN.",
        "Ask the sender on which system the name was written.";
    NAME_HIDDEN_CHARACTERS: "name-hidden-characters",
        "A name holds characters that cannot be seen or that turn the text around; they are shown as \\u{NNNN}.",
        "Read the name with care: it may have been made to look like another one.";
    LIST_LINE_UNREADABLE: "list-line-unreadable",
        "A line of the sender's list could not be understood and was not compared.",
        "Ask the sender for a list made with sha256sum or sha512sum.";
    LIST_CONFLICT: "list-conflict",
        "The sender's list gives two different digests of one kind for one name.",
        "Ask the sender which line is right.";
    LIST_WEAK_DIGEST: "list-weak-digest",
        "The sender's list uses MD5 or SHA-1: good against accidents, not against a forger; it is compared all the same.",
        "Ask the sender for a list made with sha256sum or sha512sum.";
    LIST_TOO_LONG: "list-too-long",
        "The sender's list is longer than the limit; what stands after the limit was not compared.",
        "Ask the sender for several shorter lists.";
    LISTED_NOT_RECEIVED: "listed-not-received",
        "The sender's list names a file that was not received.",
        "Ask the sender for this file, or whether the list is of another disk.";
}

/// Something about the deposit that a person must be told; it goes into the manifest and the receipt.
///
/// As an error it prints its message; [`reader::Reader`] puts it inside an [`std::io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Finding {
    /// A code of the table [`CODES`].
    pub code: &'static str,
    /// The path as the sender's disk has it, the source's own name first.
    pub path_bytes: Vec<u8>,
    /// What happened, what was kept and what to do, in plain words.
    pub message: String,
    /// Whether what the path names is in the deposit all the same.
    pub taken: bool,
}

impl Finding {
    /// A finding about something that is *not* in the deposit.
    pub(crate) fn not_taken(code: &'static Code, path_bytes: Vec<u8>, message: impl fmt::Display) -> Self {
        Self { code: code.code, path_bytes, message: message.to_string(), taken: false }
    }

    /// A finding about something that is in the deposit, or that needs no bytes.
    pub(crate) fn note(code: &'static Code, path_bytes: Vec<u8>, message: impl fmt::Display) -> Self {
        Self { code: code.code, path_bytes, message: message.to_string(), taken: true }
    }

    /// The finding inside an I/O error that came from a [`reader::Reader`].
    ///
    /// `None` means that the error has another origin, for instance our own disk being full.
    pub fn of_io_error(error: &std::io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }
}
