//! The file that keeps what was read of an item and of everything in it: JSON lines, sealed to the item's unit (docs/formats.md section 15).
//!
//! It names no time and no machine: the same software makes the same lines of the same bytes. It is derived and never the truth.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

use sago_formats::{Child, Part, Summary};
use sago_seal::hybrid::{HybridIdentity, HybridRecipient};
use sago_seal::{Opener, Sealer, file};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, IoContext, Result};
use crate::item::Item;
use crate::reading::State;
use crate::store::shelf::Shelf;

/// A file contained in an item, at any depth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its place in the family: the third file in the first one is `1/3`.
    pub path: String,
    /// What its container says of it.
    pub child: Child,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
    /// Whether all of it could be taken out.
    pub whole: bool,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line")]
pub enum FamilyLine {
    /// First: whose it is, and what made it.
    #[serde(rename = "sago-reading/1")]
    Head {
        /// The item's number.
        number: String,
        /// SHA-256 of the original.
        sha256: String,
        /// Name and version of the software.
        software: String,
    },
    /// Something told of the item (`of` is empty) or of a member.
    #[serde(rename = "part")]
    Part {
        /// Of which file.
        of: String,
        /// What.
        part: Part,
    },
    /// A contained file; what is told of it follows.
    #[serde(rename = "member")]
    Member(Member),
    /// The end of what is told of a file.
    #[serde(rename = "end")]
    End {
        /// Of which file.
        of: String,
        /// The sum.
        summary: Summary,
    },
    /// Last: how many members there are.
    #[serde(rename = "sago-reading-end/1")]
    Tail {
        /// Members.
        members: u64,
    },
}

/// Writes the file.
pub(super) struct Writer {
    sealer: Sealer<BufWriter<File>>,
    hasher: Sha256,
    /// Members so far.
    pub(super) members: u64,
    /// Those read in part.
    pub(super) members_partly: u64,
    /// Those not read.
    pub(super) members_unreadable: u64,
    /// Files with each code.
    pub(super) findings: BTreeMap<String, u64>,
    /// Bytes of text.
    pub(super) text_bytes: u64,
}

impl Writer {
    /// Begins it in a file without a name.
    pub(super) fn begin(folder: &Path, recipient: &HybridRecipient, number: &str, sha256: &str) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).doing("Could not make a temporary file in", folder)?;
        let sealer = file::seal_to(&[recipient], BufWriter::new(file)).map_err(unsealed)?;
        let mut writer = Self { sealer, hasher: Sha256::new(), members: 0, members_partly: 0, members_unreadable: 0, findings: BTreeMap::new(), text_bytes: 0 };
        writer.put(&FamilyLine::Head { number: number.to_owned(), sha256: sha256.to_owned(), software: crate::ctx::SOFTWARE.to_owned() })?;
        Ok(writer)
    }

    /// Writes a line.
    pub(super) fn put(&mut self, line: &FamilyLine) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(|error| Error::internal(format!("a line cannot be written: {error}")))?;
        text.push(b'\n');
        self.hasher.update(&text);
        self.sealer.write_all(&text).doing("Could not write", Path::new("a temporary file"))
    }

    /// Ends what is told of a file, and counts it. Returns what it came to.
    pub(super) fn end(&mut self, of: &str, summary: Summary) -> Result<State> {
        let state = State::weighing(summary.weight);
        if !of.is_empty() {
            match state {
                State::Read => {}
                State::Partly => self.members_partly += 1,
                State::Unreadable => self.members_unreadable += 1,
            }
        }
        self.text_bytes += summary.text_bytes;
        for code in summary.findings.keys() {
            *self.findings.entry(code.clone()).or_default() += 1;
        }
        self.put(&FamilyLine::End { of: of.to_owned(), summary })?;
        Ok(state)
    }

    /// Ends the file and puts it in place, over an earlier one. Returns the SHA-256 of its lines.
    pub(super) fn finish(mut self, shelf: &Shelf, path: &str) -> Result<String> {
        self.put(&FamilyLine::Tail { members: self.members })?;
        let mut writer = self.sealer.finish().map_err(unsealed)?;
        let context = Path::new("a temporary file");
        writer.flush().doing("Could not write", context)?;
        let file = writer.into_inner().map_err(|error| Error::io("Could not write", context, error.error()))?;
        // It has no name; the system lends it one for as long as it is open.
        let lent = format!("/proc/self/fd/{}", file.as_raw_fd());
        if shelf.folder().is_some() {
            // A disk puts nothing over what stands there unless it is asked to; an earlier text stays until the new one is whole.
            let beside = format!("{path}.{}.new", uuid::Uuid::new_v4());
            shelf.upload(&beside, Path::new(&lent))?;
            shelf.rename_over(&beside, path)?;
        } else {
            shelf.upload(path, Path::new(&lent))?;
        }
        Ok(hex::encode(self.hasher.finalize()))
    }
}

fn unsealed(error: sago_seal::SealError) -> Error {
    Error::internal(format!("Sealing failed: {error}"))
}

/// Reads the file, line by line. The last line is given only when the whole is what was entered in the log.
pub struct Family {
    lines: BufReader<Opener<BufReader<Box<dyn Read + Send>>>>,
    hasher: Sha256,
    expected: String,
    number: String,
    is_done: bool,
}

impl Family {
    pub(super) fn open(stored: Box<dyn Read + Send>, identity: &HybridIdentity, item: &Item, expected: &str) -> Result<Self> {
        let opener = file::open_with(&[identity], stored).map_err(|error| damaged(&item.number, &error.to_string()))?;
        Ok(Self { lines: BufReader::new(opener), hasher: Sha256::new(), expected: expected.to_owned(), number: item.number.clone(), is_done: false })
    }

    fn read(&mut self) -> Result<Option<FamilyLine>> {
        let mut text = Vec::new();
        let count = self.lines.read_until(b'\n', &mut text).map_err(|error| damaged(&self.number, &error.to_string()))?;
        if count == 0 {
            return Err(damaged(&self.number, "its end is missing"));
        }
        self.hasher.update(&text);
        let line = serde_json::from_slice(&text).map_err(|error| damaged(&self.number, &error.to_string()))?;
        if matches!(line, FamilyLine::Tail { .. }) {
            self.is_done = true;
            if hex::encode(std::mem::take(&mut self.hasher).finalize()) != self.expected {
                return Err(damaged(&self.number, "it is not what was entered in the log"));
            }
            // Nothing may follow, and the last sealed piece must have been there.
            if self.lines.read_until(b'\n', &mut text).map_err(|error| damaged(&self.number, &error.to_string()))? > 0 {
                return Err(damaged(&self.number, "more follows its end"));
            }
        }
        Ok(Some(line))
    }
}

fn damaged(number: &str, why: &str) -> Error {
    Error::corrupt(format!("The text of {number} is damaged: {why}.")).hint(format!("`sago read {number} --again` makes it anew from the original."))
}

impl Iterator for Family {
    type Item = Result<FamilyLine>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let line = self.read().transpose();
        if matches!(line, Some(Err(_))) {
            self.is_done = true;
        }
        line
    }
}
