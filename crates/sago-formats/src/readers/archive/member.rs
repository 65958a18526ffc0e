//! What all archives share: names of members with their own bytes, times, links, and the count of what was expected and what came.

use std::io::Read;

use crate::charset::{self, Basis, Charset};
use crate::document::{Child, ChildRole, Property, Sink};
use crate::finding::{Code, Finding};
use crate::source::Stop;

/// How many names are judged together.
const NAMES_JUDGED: usize = 1000;

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// The archive says that it is UTF-8.
    Utf8,
    /// The archive does not say.
    Unknown,
}

/// Keeps count of an archive's members and says at the end what they were.
#[derive(Debug, Default)]
pub(super) struct Tally {
    members: u64,
    folders: u64,
    links: u64,
    guessed: u64,
    guessed_as: Option<(&'static str, String)>,
    expected: Option<u64>,
    charset: Option<Charset>,
}

impl Tally {
    /// The archive says it has so many entries, folders and links among them.
    pub(super) fn expect(&mut self, entries: u64) {
        self.expected = Some(entries);
    }

    /// Judges the character set by all names together: one alone is often too short.
    pub(super) fn judge<'a>(&mut self, names: impl Iterator<Item = &'a [u8]>) {
        let mut joined = Vec::new();
        for name in names.filter(|name| std::str::from_utf8(name).is_err()).take(NAMES_JUDGED) {
            joined.extend_from_slice(name);
            joined.push(b'\n');
        }
        let judged = charset::judge(&joined, None);
        self.charset = (judged.basis == Basis::Guessed && judged.confidence > 60).then_some(judged.charset);
    }

    fn decode(&self, raw: &[u8]) -> (String, &'static str) {
        match self.charset.map(|charset| (charset, charset::decode_as(raw, charset))) {
            Some((charset, (name, 0))) => (name, charset.name()),
            _ => decode_name(raw),
        }
    }

    /// How many entries were seen.
    pub(super) fn seen(&self) -> u64 {
        self.members + self.folders + self.links
    }

    /// Decodes a name; a name that leads out of the archive is told.
    pub(super) fn name(&mut self, raw: &[u8], writing: Writing, sink: &mut dyn Sink) -> Result<(String, Option<Vec<u8>>), Stop> {
        let (name, own) = match std::str::from_utf8(raw) {
            Ok(name) => (name.to_owned(), None),
            Err(_) => {
                let (name, charset) = self.decode(raw);
                if writing == Writing::Utf8 {
                    let text = format!("The name is said to be UTF-8 and is not; it was read as {charset}.");
                    sink.finding(Finding::new(Code::NameGuessed, text).at(name.clone()))?;
                }
                self.guessed += 1;
                self.guessed_as.get_or_insert_with(|| (charset, name.clone()));
                (name, Some(raw.to_vec()))
            }
        };
        if is_unsafe(&name) {
            sink.finding(Finding::new(Code::NameUnsafe, Code::NameUnsafe.meaning()).at(name.clone()))?;
        }
        Ok((name, own))
    }

    /// A member with its name.
    pub(super) fn child(&mut self, raw: &[u8], writing: Writing, sink: &mut dyn Sink) -> Result<Child, Stop> {
        let (name, name_bytes) = self.name(raw, writing, sink)?;
        let mut child = Child::new(ChildRole::Member, name);
        child.name_bytes = name_bytes;
        Ok(child)
    }

    /// Hands a member on.
    pub(super) fn give(&mut self, child: Child, bytes: &mut dyn Read, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.members += 1;
        sink.child(child, bytes).map(|_| ())
    }

    /// A member that is there and could not be handed on.
    pub(super) fn lost(&mut self, name: &str, code: Code, text: impl Into<String>, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.members += 1;
        sink.finding(Finding::new(code, text).at(name))
    }

    /// A folder.
    pub(super) fn folder(&mut self) {
        self.folders += 1;
    }

    /// A link or device: told, never followed.
    pub(super) fn link(&mut self, name: &str, what: &str, target: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.links += 1;
        let text = if target.is_empty() { format!("{what}; it was not followed.") } else { format!("{what} to {target}; it was not followed.") };
        sink.finding(Finding::new(Code::External, text).at(name))
    }

    /// Says what was counted. Call it when nothing more comes.
    pub(super) fn finish(&self, sink: &mut dyn Sink) -> Result<(), Stop> {
        sink.property("archive:members", self.members.to_string())?;
        if self.folders > 0 {
            sink.property("archive:folders", self.folders.to_string())?;
        }
        if self.links > 0 {
            sink.property("archive:links", self.links.to_string())?;
        }
        if let Some(expected) = self.expected
            && expected != self.seen()
        {
            let text = format!("The archive says it holds {expected} entries; {} were found.", self.seen());
            sink.finding(Finding::new(Code::CountMismatch, text))?;
        }
        if let Some((charset, first)) = &self.guessed_as {
            let text = format!("{} names were read as {charset}, the first is {first}.", self.guessed);
            sink.finding(Finding::new(Code::NameGuessed, text))?;
        }
        if self.seen() == 0 {
            sink.finding(Finding::new(Code::NoText, "The archive is empty."))?;
        }
        Ok(())
    }
}

/// Adds what an archive says of a member; nothing when it says nothing.
pub(super) fn tell(child: &mut Child, name: &str, value: impl Into<String>) {
    let value = value.into();
    if !value.is_empty() {
        child.properties.push(Property { name: name.to_owned(), value });
    }
}

/// Whether a name, used as a path, would leave the folder it is unpacked in.
fn is_unsafe(name: &str) -> bool {
    let has_drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    name.starts_with(['/', '\\']) || has_drive || name.contains('\0') || name.split(['/', '\\']).any(|step| step == "..")
}

/// Decodes a name of which no character set is known, and says which was taken.
pub(crate) fn decode_name(raw: &[u8]) -> (String, &'static str) {
    let decoded = charset::decode_name(raw);
    (decoded.text, decoded.charset)
}

/// Seconds since 1970 as RFC 3339 in UTC.
pub(crate) fn unix_time(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// Hundreds of nanoseconds since 1601 (FILETIME) as RFC 3339 in UTC; zero means not set.
pub(crate) fn file_time(ticks: u64) -> Option<String> {
    if ticks == 0 {
        return None;
    }
    let micros = i64::try_from(ticks / 10).ok()?.checked_sub(11_644_473_600_000_000)?;
    jiff::Timestamp::from_microsecond(micros).ok().map(|time| time.to_string())
}

/// Date and time of DOS (FAT): local time without zone; zero means not set.
pub(crate) fn dos_time(date: u16, time: u16) -> Option<String> {
    let (year, month, day) = (1980 + (date >> 9), (date >> 5) & 15, date & 31);
    let (hour, minute, second) = (time >> 11, (time >> 5) & 63, (time & 31) * 2);
    let is_real = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    is_real.then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
}
