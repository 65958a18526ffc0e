//! Outlook's personal folders (PST, OST; MS-PST). Each message becomes a contained file: an RFC 5322 rendering made from its properties, its transport
//! headers as they came, its bodies and attachments; what the folders say they hold is compared with what was found.

mod coding;
mod file;
mod render;
mod rtf;
mod tables;

use std::collections::{BTreeMap, HashMap, HashSet};

use self::file::{File, Form, Node, Refused};
use self::tables::Heap;
use crate::document::{Anchor, Child, ChildRole, Property, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Kinds of nodes (MS-PST 2.2.2.1).
const FOLDER: u32 = 0x02;
const MESSAGE: u32 = 0x04;

struct Folder {
    name: String,
    parent: u32,
    expected: u32,
    found: u32,
}

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut file = match File::open(source, context.limits.memory_bytes / 4) {
        Ok(file) => file,
        Err(Refused::Io(error)) => return Err(error.into()),
        Err(Refused::NotPst) => return sink.finding(Finding::new(Code::Damaged, "The header of a personal folders file is missing.")),
        Err(Refused::Version(version)) => return sink.finding(Finding::new(Code::Version, format!("Version {version}."))),
        Err(Refused::Coding(coding)) => return sink.finding(Finding::new(Code::Encrypted, format!("Encoding {coding} needs the key of a Windows account."))),
    };
    let form = match file.form {
        Form::Ansi => "ANSI",
        Form::Unicode => "Unicode",
        Form::Unicode4k => "Unicode, pages of 4096 bytes",
    };
    sink.property("pst:form", form.to_owned())?;
    let nodes = file.nodes()?;
    let mut folders = folders(&mut file, &nodes, sink)?;
    let messages: Vec<Node> = nodes.iter().copied().filter(|node| node.kind() == MESSAGE).collect();
    let (mut given, mut failed) = (0_u64, 0_u64);
    for node in &messages {
        if let Some(folder) = folders.get_mut(&node.parent) {
            folder.found += 1;
        }
        if one(&mut file, node, &folders, context, sink)? { given += 1 } else { failed += 1 }
    }
    finish(&file, &folders, (given, failed), sink)
}

fn folders(file: &mut File<'_, '_>, nodes: &[Node], sink: &mut dyn Sink) -> Result<BTreeMap<u32, Folder>, Stop> {
    let mut folders = BTreeMap::new();
    for node in nodes.iter().filter(|node| node.kind() == FOLDER) {
        let Some(heap) = Heap::open(file, node.data, node.subnodes)? else {
            sink.finding(Finding::new(Code::PartDamaged, "The properties of a folder could not be read.").at(format!("node {:x}", node.id)))?;
            continue;
        };
        let properties = heap.properties(file)?;
        let name = properties.text(0x3001).unwrap_or_default();
        folders.insert(node.id, Folder { name, parent: node.parent, expected: properties.integer(0x3602).unwrap_or(0), found: 0 });
    }
    Ok(folders)
}

/// The names of a folder and those above it.
fn path(folders: &BTreeMap<u32, Folder>, mut id: u32) -> String {
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    while let Some(folder) = folders.get(&id).filter(|_| seen.insert(id)) {
        if !folder.name.is_empty() {
            names.push(folder.name.as_str());
        }
        id = folder.parent;
    }
    names.reverse();
    names.join("/")
}

fn one(file: &mut File<'_, '_>, node: &Node, folders: &BTreeMap<u32, Folder>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<bool, Stop> {
    let place = format!("node {:x}", node.id);
    let rendered = render::message(file, node.data, node.subnodes, context.limits.memory_bytes)?;
    let folder = path(folders, node.parent);
    let Some(rendered) = rendered else {
        let text = format!("A message in {folder} could not be read: its data are damaged.");
        sink.finding(Finding::new(Code::ChildFailed, text).at(place))?;
        return Ok(false);
    };
    for finding in rendered.findings {
        sink.finding(finding.at(place.clone()))?;
    }
    let subject = if rendered.subject.is_empty() { format!("{:x}", node.id) } else { rendered.subject };
    let mut child = Child::new(ChildRole::Message, format!("{subject}.eml"));
    child.media_type = Some("message/rfc822".to_owned());
    child.modified = rendered.date;
    child.size_bytes = Some(rendered.bytes.len() as u64);
    child.anchor = Anchor { part: Some(place), ..Anchor::default() };
    for (name, value) in [
        ("pst:folder", folder),
        ("pst:message-class", rendered.class),
        ("pst:rendering", "made from the properties of the message; not the bytes that were sent".to_owned()),
    ] {
        if !value.is_empty() {
            child.properties.push(Property { name: name.to_owned(), value });
        }
    }
    Ok(sink.child(child, &mut rendered.bytes.as_slice())?.is_whole)
}

fn finish(file: &File<'_, '_>, folders: &BTreeMap<u32, Folder>, (given, failed): (u64, u64), sink: &mut dyn Sink) -> Result<(), Stop> {
    for offset in &file.damaged_pages {
        sink.finding(Finding::new(Code::PartDamaged, "A page of the directory is damaged; what it names is missing.").at(format!("offset {offset}")))?;
    }
    let expected: u64 = folders.values().map(|folder| u64::from(folder.expected)).sum();
    sink.property("pst:folders", folders.len().to_string())?;
    sink.property("pst:messages-expected", expected.to_string())?;
    sink.property("pst:messages", (given + failed).to_string())?;
    let names: HashMap<u32, String> = folders.keys().map(|id| (*id, path(folders, *id))).collect();
    for (id, folder) in folders {
        if folder.expected > 0 || folder.found > 0 {
            sink.property("pst:folder", format!("{}: {} of {}", names.get(id).map_or("", String::as_str), folder.found, folder.expected))?;
        }
        if folder.expected != folder.found {
            let text = format!("The folder says it holds {} messages; {} were found.", folder.expected, folder.found);
            let finding = Finding::new(Code::CountMismatch, text).at(names.get(id).cloned().unwrap_or_default());
            sink.finding(if folder.found > folder.expected { finding.weighing(Severity::Note) } else { finding })?;
        }
    }
    if failed > 0 {
        sink.finding(Finding::new(Code::CountMismatch, format!("{failed} of {} messages could not be read.", given + failed)))?;
    }
    if given + failed == 0 {
        let code = if folders.is_empty() { Code::Damaged } else { Code::NoText };
        sink.finding(Finding::new(code, "No message was found."))?;
    }
    Ok(())
}
