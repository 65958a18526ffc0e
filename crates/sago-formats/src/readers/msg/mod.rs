//! Outlook items (MS-OXMSG): messages, appointments, contacts, tasks and notes, with their recipients, texts and attachments.

mod bag;
mod compressed;

use std::collections::BTreeSet;

use bag::{Bag, NAMED};

use super::codepage::CodePage;
use super::compound::{Compound, MAGIC, Node, write};
use super::printable::printable;
use super::{html, ole, rtf};
use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Property, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Deepest storages that are copied out of a message.
const DEPTH: u32 = 64;

/// Properties that are told under the names of a mail's header, or are texts told elsewhere.
const TOLD: &[u16] = &[
    0x0037, 0x0c1a, 0x0c1f, 0x5d01, 0x0042, 0x0065, 0x5d02, 0x0e04, 0x0e03, 0x0e02, 0x0039, 0x0e06, 0x1035, 0x1042, 0x1039, 0x1000, 0x1013, 0x1009, 0x007d,
    0x3007, 0x3008,
];

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        return sink.finding(Finding::new(Code::LimitMemory, format!("The message has {} bytes.", source.size_bytes())).weighing(Severity::Unreadable));
    };
    if !bytes.starts_with(&MAGIC) {
        return sink.finding(Finding::new(Code::Damaged, "The bytes are not those of an Outlook item."));
    }
    let (compound, findings) = Compound::open(bytes);
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    match compound {
        Some(compound) => tell(&compound, sink),
        None => Ok(()),
    }
}

/// Tells the item at the root of a compound file.
pub(super) fn tell(compound: &Compound, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut findings = Vec::new();
    let bag = Bag::read(compound, 0, 32, CodePage::WESTERN, &mut findings);
    let mut item = Item { compound, bag, sink, paragraph: 0, given: 0 };
    item.header(&mut findings)?;
    item.recipients(&mut findings)?;
    item.bodies()?;
    item.attachments(&mut findings)?;
    let Item { sink, given, .. } = item;
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    if given == 0 {
        sink.finding(Finding::new(Code::NoText, "The item has no text."))?;
    }
    Ok(())
}

struct Item<'a> {
    compound: &'a Compound,
    bag: Bag<'a>,
    sink: &'a mut dyn Sink,
    paragraph: u32,
    given: u64,
}

impl Item<'_> {
    fn field(&mut self, prefix: &str, name: &str, value: Option<String>) -> Result<(), Stop> {
        let Some(value) = value.map(printable).filter(|value| !value.trim().is_empty()) else { return Ok(()) };
        self.paragraph = self.paragraph.saturating_add(1);
        self.given += 1;
        let kind = if name == "Subject" { BlockKind::Heading } else { BlockKind::Paragraph };
        self.sink.block(Block::new(kind, Anchor::in_part(name, self.paragraph), value.clone()))?;
        self.sink.property(&format!("{prefix}:{name}"), value)
    }

    /// A person by name and address.
    fn person(&self, name: u16, addresses: &[u16]) -> Option<String> {
        let name = self.bag.text(name);
        let address = addresses.iter().find_map(|id| self.bag.text(*id));
        person(name, address)
    }

    fn header(&mut self, findings: &mut Vec<Finding>) -> Result<(), Stop> {
        let from = self.person(0x0042, &[0x5d02, 0x0065]);
        let sender = self.person(0x0c1a, &[0x5d01, 0x0c1f]);
        self.field("mail", "From", from.clone().or_else(|| sender.clone()))?;
        if from.is_some() && sender != from {
            self.field("mail", "Sender", sender)?;
        }
        for (name, id) in [("To", 0x0e04), ("Cc", 0x0e03), ("Bcc", 0x0e02)] {
            self.field("mail", name, self.bag.text(id))?;
        }
        let date = self.bag.time(0x0039).or_else(|| self.bag.time(0x0e06)).or_else(|| self.bag.time(0x3007));
        self.field("mail", "Date", date)?;
        self.field("mail", "Subject", self.bag.text(0x0037))?;
        for (name, value) in [
            ("mail:Received", self.bag.time(0x0e06)),
            ("dcterms:created", self.bag.time(0x3007)),
            ("dcterms:modified", self.bag.time(0x3008)),
            ("mail:Message-ID", self.bag.text(0x1035)),
            ("mail:In-Reply-To", self.bag.text(0x1042)),
            ("mail:References", self.bag.text(0x1039)),
            ("mail:headers", self.bag.text(0x007d)),
        ] {
            self.sink.property(name, value.unwrap_or_default())?;
        }
        let names = bag::names(self.compound, findings);
        for (id, kind) in self.bag.all() {
            let name = if id >= NAMED { names.get(&id).cloned() } else { standard(id).map(str::to_owned) };
            let is_text = matches!(kind, 0x1e | 0x1f);
            let value = match kind {
                0x1e | 0x1f => self.bag.text(id),
                0x101e | 0x101f => Some(self.bag.texts(id, kind).join("; ")),
                // Numbers and times without a name are the program's own.
                _ => name.as_ref().filter(|name| u32::from_str_radix(name, 16).is_err()).and_then(|_| self.bag.fixed_text(id)),
            };
            if let Some(value) = value.filter(|_| !TOLD.contains(&id)) {
                let name = name.unwrap_or_else(|| format!("{id:04x}"));
                // What an appointment or a contact is about stands only here.
                if is_text && is_content(&name) {
                    self.field("mapi", &name, Some(value))?;
                } else {
                    self.sink.property(&format!("mapi:{name}"), printable(value))?;
                }
            }
        }
        Ok(())
    }

    fn storages(&self, prefix: &str) -> Vec<usize> {
        let children = &self.compound.entry(0).children;
        children.iter().copied().filter(|child| self.compound.entry(*child).name.to_ascii_lowercase().starts_with(prefix)).collect()
    }

    fn recipients(&mut self, findings: &mut Vec<Finding>) -> Result<(), Stop> {
        for storage in self.storages("__recip_version1.0_") {
            let bag = Bag::read(self.compound, storage, 8, self.bag.page, findings);
            let kind = match bag.number(0x0c15).map(|kind| kind & 0xf) {
                Some(2) => "mail:recipient-cc",
                Some(3) => "mail:recipient-bcc",
                _ => "mail:recipient-to",
            };
            let address = bag.text(0x39fe).or_else(|| bag.text(0x3003));
            self.sink.property(kind, person(bag.text(0x3001), address).unwrap_or_default())?;
        }
        Ok(())
    }

    /// The text: as a page if there is one, else as RTF, else plain. Outlook makes each from the other; what the best says, the others say too.
    fn bodies(&mut self) -> Result<(), Stop> {
        let before = self.given;
        if let Some((bytes, is_whole)) = self.bag.bytes(0x1013).filter(|(bytes, _)| !bytes.is_empty()) {
            self.damaged(is_whole, "html")?;
            let (text, findings) = match self.bag.text(0x1013) {
                Some(text) => (text, Vec::new()),
                None => html::decode(&bytes, None),
            };
            findings.into_iter().try_for_each(|finding| self.sink.finding(finding))?;
            self.given += html::tell(&text, Some("body"), &mut self.paragraph, html::Dialect::Html, self.sink)?;
        }
        if self.given == before
            && let Some((bytes, is_stored)) = self.bag.bytes(0x1009)
        {
            match compressed::unpack(&bytes) {
                Some((bytes, is_whole)) => {
                    self.damaged(is_whole && is_stored, "rtf")?;
                    self.given += rtf::tell(&bytes, Some("body"), &mut self.paragraph, self.sink)?;
                }
                None => self.sink.finding(Finding::new(Code::PartDamaged, "The packed text could not be unpacked.").at("rtf"))?,
            }
        }
        if self.given == before
            && let Some(text) = self.bag.text(0x1000)
        {
            for line in printable(text).lines() {
                if !line.trim().is_empty() {
                    self.paragraph = self.paragraph.saturating_add(1);
                    self.given += 1;
                    self.sink.block(Block::paragraph(Anchor::in_part("body", self.paragraph), line))?;
                }
            }
        }
        Ok(())
    }

    fn damaged(&mut self, is_whole: bool, place: &str) -> Result<(), Stop> {
        if is_whole { Ok(()) } else { self.sink.finding(Finding::new(Code::PartDamaged, "The text ends too early.").at(place)) }
    }

    fn attachments(&mut self, findings: &mut Vec<Finding>) -> Result<(), Stop> {
        for (number, storage) in (1_u32..).zip(self.storages("__attach_version1.0_")) {
            let bag = Bag::read(self.compound, storage, 8, self.bag.page, findings);
            let name = [0x3707, 0x3704, 0x3001].into_iter().find_map(|id| bag.text(id)).unwrap_or_else(|| format!("attachment{number}"));
            let properties = [("mail:Content-ID", 0x3712), ("mail:path", 0x3708)]
                .into_iter()
                .filter_map(|(name, id)| Some(Property { name: name.to_owned(), value: bag.text(id)? }));
            let mut child = Child {
                media_type: bag.text(0x370e),
                modified: bag.time(0x3008),
                anchor: Anchor { part: Some(format!("attachment {number}")), ..Anchor::default() },
                properties: properties.collect(),
                ..Child::new(ChildRole::Attachment, name.clone())
            };
            if let Some((bytes, is_whole)) = bag.bytes(0x3701) {
                child.size_bytes = Some(bytes.len() as u64);
                self.sink.child(child, &mut bytes.as_slice())?;
                if !is_whole {
                    self.sink.finding(Finding::new(Code::ChildFailed, "The attachment is not whole.").at(name))?;
                }
            } else if let Some(object) = bag.object(0x3701) {
                if bag.number(0x3705) != Some(5) && self.compound.find(object, "__properties_version1.0").is_none() {
                    ole::tell_storage(self.compound, object, &name, child.anchor, self.sink)?;
                    continue;
                }
                match self.message(object, findings) {
                    Some(bytes) => {
                        if !child.name.to_ascii_lowercase().ends_with(".msg") {
                            child.name.push_str(".msg");
                        }
                        child.media_type = Some("application/vnd.ms-outlook".to_owned());
                        child.size_bytes = Some(bytes.len() as u64);
                        self.sink.child(child, &mut bytes.as_slice())?;
                    }
                    None => self.sink.finding(Finding::new(Code::ChildFailed, "The message in the message is too large to be written as a file.").at(name))?,
                }
            } else {
                let path = [0x370d, 0x3708].into_iter().find_map(|id| bag.text(id)).unwrap_or_default();
                self.sink.finding(Finding::new(Code::ChildMissing, format!("Only a reference is there. {path}").trim_end()).at(name))?;
            }
        }
        Ok(())
    }

    /// A message in this one as a file of its own: its table begins earlier than that of a file, and the names are those of the outer one.
    fn message(&self, storage: usize, findings: &mut Vec<Finding>) -> Option<Vec<u8>> {
        let mut node = self.compound.node(storage, DEPTH, findings);
        for child in &mut node.children {
            if child.name == "__properties_version1.0"
                && let Some(bytes) = &mut child.bytes
            {
                let at = bytes.len().min(24);
                bytes.splice(at..at, [0; 8]);
            }
        }
        if let Some(names) = self.compound.find(0, "__nameid_version1.0") {
            node.children.push(self.compound.node(names, DEPTH, findings));
        }
        write(&Node { name: String::new(), ..node })
    }
}

/// A person as a mail's header writes one.
fn person(name: Option<String>, address: Option<String>) -> Option<String> {
    match (name, address) {
        (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
        (name, address) => name.or(address),
    }
}

/// Texts that people read, not marks of the program.
fn is_content(name: &str) -> bool {
    let contents: BTreeSet<&str> = [
        "Location",
        "HomeAddress",
        "WorkAddress",
        "Email1EmailAddress",
        "Email2EmailAddress",
        "Email3EmailAddress",
        "Contacts",
        "Companies",
        "AllAttendeesString",
        "RecurrencePattern",
        "DisplayName",
        "CompanyName",
        "Title",
        "BusinessTelephoneNumber",
        "HomeTelephoneNumber",
        "MobileTelephoneNumber",
        "Department",
        "Keywords",
    ]
    .into();
    contents.contains(name)
}

/// Names of numbers below [`NAMED`] that are told (MS-OXPROPS).
fn standard(id: u16) -> Option<&'static str> {
    Some(match id {
        0x0017 => "Importance",
        0x001a => "MessageClass",
        0x0026 => "Priority",
        0x0036 => "Sensitivity",
        0x0060 => "StartDate",
        0x0061 => "EndDate",
        0x0070 => "ConversationTopic",
        0x0e1d => "NormalizedSubject",
        0x0e07 => "MessageFlags",
        0x3001 => "DisplayName",
        0x3a05 => "Generation",
        0x3a06 => "GivenName",
        0x3a08 => "BusinessTelephoneNumber",
        0x3a09 => "HomeTelephoneNumber",
        0x3a11 => "Surname",
        0x3a16 => "CompanyName",
        0x3a17 => "Title",
        0x3a18 => "Department",
        0x3a1c => "MobileTelephoneNumber",
        0x3a24 => "BusinessFaxNumber",
        0x3a26 => "Country",
        0x3a27 => "Locality",
        0x3a42 => "Birthday",
        0x3a4f => "Nickname",
        0x3ffa => "LastModifierName",
        0x3ff8 => "CreatorName",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
