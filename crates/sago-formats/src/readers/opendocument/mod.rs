//! OpenDocument (ISO/IEC 26300, version 1.3 of OASIS) and OpenOffice.org 1 before it: texts, sheets, slides, drawings, formulas, in packages and as single XML
//! files. Words of the body, notes, comments, tracked changes, headers and footers; objects in the package are read with it; pictures are contained files.

pub(crate) mod manifest;
mod text;

use std::collections::HashSet;

use crate::document::{BlockKind, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::readers::flow::Flow;
use crate::readers::markup::{Node, part, walk};
use crate::readers::package::Package;
use crate::readers::told::Told;
use crate::source::{Source, Stop};
use crate::table::Context;

use manifest::manifest;
use text::Text;

/// Reads a package; a single XML file under the name of one, too.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let head = source.at(0, 200)?;
    if String::from_utf8_lossy(&head).trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return read_flat(source, context, sink);
    }
    let mut told = Told::new(sink);
    if let Some(mut package) = Package::open(source, context.limits, &mut told)? {
        document(&mut package, context, &mut told)?;
    }
    told.finish()
}

/// Reads a single XML file (part 3, 3.1.2).
pub fn read_flat(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut told = Told::new(sink);
    std::io::Seek::rewind(source)?;
    let mut text = Text::new(None);
    walk(source, "", context.limits.nesting, &mut told, &mut |node, sink| text.node(node, sink))?;
    let text = text.finish(&mut told)?;
    findings(&text, &mut told)?;
    told.finish()
}

fn findings(text: &Text, sink: &mut dyn Sink) -> Result<(), Stop> {
    if text.has_scripts {
        sink.finding(Finding::new(Code::ActiveContent, "The document holds macros or scripts."))?;
    }
    if text.changes > 0 {
        sink.finding(Finding::new(Code::Hidden, format!("{} tracked changes are in the document.", text.changes)))?;
    }
    if text.has_hidden() {
        sink.finding(Finding::new(Code::Hidden, "Rows of tables are hidden."))?;
    }
    for target in &text.external {
        sink.finding(Finding::new(Code::External, format!("It refers to {target}")))?;
    }
    Ok(())
}

fn document(package: &mut Package<'_, '_>, context: &Context<'_>, sink: &mut Told<'_>) -> Result<(), Stop> {
    let nesting = context.limits.nesting;
    let manifest = manifest(package, nesting, sink)?;
    let is_encrypted = |name: &str| manifest.encrypted.contains(name);
    for name in &manifest.encrypted {
        if let Some(index) = package.find(name) {
            package.mark(index);
        }
    }
    stream(package, "meta.xml", None, &is_encrypted, nesting, sink)?;
    if is_encrypted("content.xml") {
        sink.finding(Finding::new(Code::Encrypted, "The document needs a password."))?;
    } else {
        let mut waiting = match stream(package, "content.xml", None, &is_encrypted, nesting, sink)? {
            Some(objects) => objects,
            None => {
                sink.finding(Finding::new(Code::Damaged, "The document has no content that can be read.").at("content.xml"))?;
                Vec::new()
            }
        };
        stream(package, "styles.xml", Some("styles".to_owned()), &is_encrypted, nesting, sink)?;
        // Charts, formulas and documents inside; those that nothing refers to, too.
        waiting.extend(package.named("", "/content.xml").into_iter().filter_map(|name| name.strip_suffix("/content.xml").map(str::to_owned)));
        let mut seen = HashSet::new();
        waiting.reverse();
        while let Some(object) = waiting.pop() {
            if seen.insert(object.clone()) && package.find(&format!("{object}/content.xml")).is_some() {
                let more = stream(package, &format!("{object}/content.xml"), Some(object.clone()), &is_encrypted, nesting, sink)?;
                waiting.extend(more.unwrap_or_default().into_iter().map(|name| format!("{object}/{name}")));
            }
        }
    }
    rest(package, &manifest, sink)
}

/// Reads a stream of the package; nothing when it is not there or encrypted, else the objects it refers to.
fn stream(
    package: &mut Package<'_, '_>,
    name: &str,
    place: Option<String>,
    is_encrypted: &dyn Fn(&str) -> bool,
    nesting: u32,
    sink: &mut dyn Sink,
) -> Result<Option<Vec<String>>, Stop> {
    if is_encrypted(name) {
        return Ok(None);
    }
    let mut text = Text::new(place.clone());
    // A formula: its words as they are shown, and as they were written.
    let mut formula: Option<(u32, [String; 2])> = None;
    let mut is_written = false;
    let is_there = part(package, name, nesting, sink, &mut |node, sink| {
        match (&node, &mut formula) {
            (Node::Open(element), None) if element.name == "math:math" => formula = Some((1_u32, Default::default())),
            (Node::Open(element), Some((depth, _))) => {
                *depth += 1;
                is_written |= element.name == "math:annotation";
            }
            (Node::Text(text), Some((_, [shown, written]))) => if is_written { written } else { shown }.push_str(text.trim_end_matches('\n')),
            (Node::Close(name), Some((depth, [shown, written]))) => {
                *depth -= 1;
                is_written &= *name != "math:annotation";
                if *depth == 0 {
                    let mut flow = Flow::of_part(place.clone().unwrap_or_else(|| "formula".to_owned()));
                    // What was written says all that is shown.
                    flow.tell(BlockKind::Paragraph, if written.trim().is_empty() { shown } else { written }.trim(), sink)?;
                    formula = None;
                }
            }
            (_, None) => text.node(node, sink)?,
        }
        Ok(())
    })?;
    if !is_there {
        return Ok(None);
    }
    let text = text.finish(sink)?;
    findings(&text, sink)?;
    Ok(Some(text.objects))
}

/// Pictures, old objects, macros, and what else is in the package.
fn rest(package: &mut Package<'_, '_>, manifest: &manifest::Manifest, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut has_macros = false;
    for index in 0..package.entries().len() {
        let name = package.entries()[index].name.clone();
        if package.is_seen(index) {
            continue;
        }
        let lower = name.to_ascii_lowercase();
        let base = lower.rsplit('/').next().unwrap_or_default();
        if lower.starts_with("basic/") || lower.starts_with("scripts/") {
            has_macros = true;
            // A module is XML around its program.
            if lower.ends_with(".xml") && !matches!(base, "script-lc.xml" | "script-lb.xml") {
                let mut flow = Flow::of_part(name.clone());
                flow.enter(BlockKind::Hidden);
                part(package, &name, 32, sink, &mut |node, sink| {
                    match node {
                        Node::Open(_) => flow.open(),
                        Node::Text(text) => flow.push(text),
                        Node::Close(_) => flow.close(sink)?,
                    }
                    Ok(())
                })?;
                continue;
            }
        }
        let is_silent =
            matches!(base, "mimetype" | "meta.xml" | "styles.xml" | "settings.xml" | "content.xml" | "manifest.xml" | "manifest.rdf" | "layout-cache")
                || matches!(base, "script-lc.xml" | "script-lb.xml")
                || lower.starts_with("configurations2/")
                || lower == "meta-inf/documentsignatures.xml";
        if lower == "meta-inf/documentsignatures.xml" {
            sink.finding(Finding::new(Code::Signed, Code::Signed.meaning()))?;
        }
        if !is_silent {
            let role = if lower.starts_with("thumbnails/") { ChildRole::Thumbnail } else { ChildRole::Embedded };
            package.child(index, role, manifest.media_types.get(&name).cloned(), sink)?;
        }
    }
    if has_macros {
        sink.finding(Finding::new(Code::ActiveContent, "The document holds macros."))?;
    }
    Ok(())
}
