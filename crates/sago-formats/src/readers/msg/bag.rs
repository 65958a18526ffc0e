//! The properties of a message, a recipient or an attachment (MS-OXMSG 2.4, MS-OXPROPS).

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::readers::codepage::CodePage;
use crate::readers::compound::{Compound, EntryKind, civil, filetime};
use crate::readers::little::{f64_at, size_at, slice, u16_at, u32_at, u64_at, utf16};

/// Numbers from here on have their names in a table of the file.
pub(super) const NAMED: u16 = 0x8000;

/// Properties of one storage.
pub(super) struct Bag<'a> {
    compound: &'a Compound,
    pub storage: usize,
    pub page: CodePage,
    /// Kind and eight bytes of those that are short, by number.
    fixed: BTreeMap<u16, (u16, [u8; 8])>,
    /// Kind and stream of those that are long.
    streams: BTreeMap<u16, (u16, usize)>,
}

impl<'a> Bag<'a> {
    /// Reads the table of a storage; it begins after a header of so many bytes.
    pub(super) fn read(compound: &'a Compound, storage: usize, header_bytes: usize, page: CodePage, findings: &mut Vec<Finding>) -> Self {
        let table = compound.read_from(storage, "__properties_version1.0", findings).unwrap_or_default();
        let entries = table.get(header_bytes..).unwrap_or_default().chunks_exact(16);
        let fixed = entries.filter_map(|entry| Some((u16_at(entry, 2)?, (u16_at(entry, 0)?, entry.get(8..16)?.try_into().ok()?)))).collect();
        let mut streams = BTreeMap::new();
        for child in &compound.entry(storage).children {
            let name = &compound.entry(*child).name;
            let tag = name.get(..12).filter(|start| start.eq_ignore_ascii_case("__substg1.0_")).and_then(|_| name.get(12..20));
            if let Some(tag) = tag.filter(|_| name.len() == 20).and_then(|tag| u32::from_str_radix(tag, 16).ok()) {
                streams.insert((tag >> 16) as u16, (tag as u16, *child));
            }
        }
        let mut bag = Self { compound, storage, page, fixed, streams };
        // The code page of the texts, else of the mail, else of the sender's language.
        let number = [0x3ffd, 0x3fde].into_iter().find_map(|id| bag.number(id)).filter(|number| !matches!(number, 1200 | 0));
        if let Some(page) = number.and_then(CodePage::by_number).or_else(|| bag.number(0x3ff1).and_then(CodePage::by_language)) {
            bag.page = page;
        }
        bag
    }

    /// A number.
    pub(super) fn number(&self, id: u16) -> Option<u32> {
        self.fixed.get(&id).filter(|(kind, _)| matches!(kind, 2 | 3)).and_then(|(_, value)| u32_at(value, 0))
    }

    /// A time.
    pub(super) fn time(&self, id: u16) -> Option<String> {
        self.fixed.get(&id).filter(|(kind, _)| *kind == 0x40).and_then(|(_, value)| filetime(u64_at(value, 0)?))
    }

    /// A short value as text.
    pub(super) fn fixed_text(&self, id: u16) -> Option<String> {
        let (kind, value) = self.fixed.get(&id)?;
        Some(match kind {
            0x02 => (u16_at(value, 0)? as i16).to_string(),
            0x03 => (u32_at(value, 0)? as i32).to_string(),
            0x05 => f64_at(value, 0)?.to_string(),
            0x07 => civil(((f64_at(value, 0)? - 25_569.0) * 86_400.0).round() as i64)?,
            0x0b => (value[0] != 0).to_string(),
            0x14 => (u64_at(value, 0)? as i64).to_string(),
            0x40 => filetime(u64_at(value, 0)?)?,
            _ => return None,
        })
    }

    /// A text.
    pub(super) fn text(&self, id: u16) -> Option<String> {
        let (kind, stream) = self.streams.get(&id)?;
        let bytes = || self.compound.stream(*stream).bytes;
        let text = match kind {
            0x1f => utf16(&bytes()),
            0x1e => self.page.decode(&bytes()).text,
            _ => return None,
        };
        Some(text.trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty())
    }

    /// Several texts: their lengths in one stream, each in one of its own.
    pub(super) fn texts(&self, id: u16, kind: u16) -> Vec<String> {
        let Some(lengths) = self.streams.get(&id).filter(|(found, _)| *found == kind).map(|(_, stream)| self.compound.stream(*stream).bytes) else {
            return Vec::new();
        };
        let count = (lengths.len() / 4).min(1000);
        let texts = (0..count).filter_map(|index| {
            let name = format!("__substg1.0_{id:04X}{kind:04X}-{index:08X}");
            let bytes = self.compound.find(self.storage, &name).map(|stream| self.compound.stream(stream).bytes)?;
            let text = if kind == 0x101f { utf16(&bytes) } else { self.page.decode(&bytes).text };
            Some(text.trim_end_matches('\0').to_owned())
        });
        texts.collect()
    }

    /// Bytes, and whether they are all there.
    pub(super) fn bytes(&self, id: u16) -> Option<(Vec<u8>, bool)> {
        let (_, stream) = self.streams.get(&id).filter(|(kind, _)| *kind != 0x0d)?;
        let stream = self.compound.stream(*stream);
        Some((stream.bytes, stream.is_whole))
    }

    /// The storage of an object: an embedded message or an OLE object.
    pub(super) fn object(&self, id: u16) -> Option<usize> {
        self.streams
            .get(&id)
            .filter(|(kind, _)| *kind == 0x0d)
            .map(|(_, storage)| *storage)
            .filter(|storage| self.compound.entry(*storage).kind == EntryKind::Storage)
    }

    /// Numbers and kinds of all properties.
    pub(super) fn all(&self) -> Vec<(u16, u16)> {
        let mut all: BTreeMap<u16, u16> = self.fixed.iter().map(|(id, (kind, _))| (*id, *kind)).collect();
        all.extend(self.streams.iter().map(|(id, (kind, _))| (*id, *kind)));
        all.into_iter().collect()
    }
}

/// Names of the properties from [`NAMED`] on: texts, or numbers of the specification.
pub(super) fn names(compound: &Compound, findings: &mut Vec<Finding>) -> BTreeMap<u16, String> {
    let entries = compound.read("__nameid_version1.0/__substg1.0_00030102", findings).unwrap_or_default();
    let strings = compound.read("__nameid_version1.0/__substg1.0_00040102", findings).unwrap_or_default();
    let mut names = BTreeMap::new();
    for (index, entry) in entries.chunks_exact(8).enumerate() {
        let (Some(value), Some(flags)) = (u32_at(entry, 0), u16_at(entry, 4)) else { continue };
        let Some(id) = u16::try_from(index).ok().and_then(|index| NAMED.checked_add(index)) else { break };
        let name = if flags & 1 == 1 {
            let at = value as usize;
            size_at(&strings, at).and_then(|length| slice(&strings, at.checked_add(4)?, length)).map(utf16)
        } else {
            Some(known(value).map_or_else(|| format!("{value:04x}"), str::to_owned))
        };
        if let Some(name) = name {
            names.insert(id, name);
        }
    }
    names
}

/// Properties of appointments, contacts and tasks that people look for (MS-OXPROPS section 2).
fn known(number: u32) -> Option<&'static str> {
    Some(match number {
        0x8005 => "FileUnder",
        0x801a => "HomeAddress",
        0x801b => "WorkAddress",
        0x802b => "Html",
        0x8062 => "InstantMessagingAddress",
        0x8080 => "Email1DisplayName",
        0x8083 => "Email1EmailAddress",
        0x8090 => "Email2DisplayName",
        0x8093 => "Email2EmailAddress",
        0x80a3 => "Email3EmailAddress",
        0x8104 => "TaskStartDate",
        0x8105 => "TaskDueDate",
        0x810f => "TaskDateCompleted",
        0x811f => "TaskOwner",
        0x8208 => "Location",
        0x820d => "AppointmentStartWhole",
        0x820e => "AppointmentEndWhole",
        0x8232 => "RecurrencePattern",
        0x8234 => "TimeZoneDescription",
        0x8238 => "AllAttendeesString",
        0x823b => "ToAttendeesString",
        0x823c => "CcAttendeesString",
        0x8516 => "CommonStart",
        0x8517 => "CommonEnd",
        0x8530 => "FlagRequest",
        0x8539 => "Companies",
        0x853a => "Contacts",
        _ => return None,
    })
}
