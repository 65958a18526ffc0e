//! Office Open XML (ISO/IEC 29500), transitional and strict: Word, Excel (also binary), PowerPoint, Visio, and XPS, which uses the same packages. What kind it
//! is, the package itself says; the extension does not matter.

mod binary_sheets;
pub(crate) mod drawing;
mod numbers;
mod pages;
mod relations;
mod sheets;
mod slides;
mod word;

use std::collections::BTreeSet;

use crate::document::{BlockKind, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::limits::Limits;
use crate::readers::compound::{Compound, MAGIC};
use crate::readers::flow::Flow;
use crate::readers::markup::{Node, part};
use crate::readers::package::Package;
use crate::readers::told::Told;
use crate::source::{Source, Stop};
use crate::table::Context;

pub(crate) use relations::resolved;
use relations::{ContentTypes, Relation, of_kind, relations};

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut told = Told::new(sink);
    if source.at(0, MAGIC.len())?.starts_with(&MAGIC) {
        return locked(source, context.limits, &mut told);
    }
    if let Some(mut package) = Package::open(source, context.limits, &mut told)? {
        document(&mut package, context, &mut told)?;
    }
    told.finish()
}

/// A compound file under the name of a package: the package is inside, encrypted (MS-OFFCRYPTO 2.3).
fn locked(source: &mut Source<'_>, limits: &Limits, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(limits.memory_bytes)? else {
        return sink.finding(Finding::new(Code::Encrypted, "The document is a compound file, so it needs a password; it is too large to be looked into."));
    };
    let (compound, findings) = Compound::open(bytes);
    for finding in findings {
        sink.finding(finding)?;
    }
    let Some(compound) = compound else { return Ok(()) };
    let mut has_package = false;
    let mut has_rights = false;
    let mut waiting = vec![0];
    while let Some(index) = waiting.pop() {
        let entry = compound.entry(index);
        let name = entry.name.to_ascii_lowercase();
        has_package |= name == "encryptedpackage" || name == "encryptioninfo";
        has_rights |= name.contains("drmencrypted") || name.contains("drmtransform");
        waiting.extend(&entry.children);
    }
    sink.finding(if has_rights {
        Finding::new(Code::RightsManaged, "The document is locked by a rights management system.")
    } else if has_package {
        Finding::new(Code::Encrypted, "The document needs a password.")
    } else {
        Finding::new(Code::Damaged, "It is a compound file that holds no encrypted package: an older document, or a damaged one.")
    })
}

/// What a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Sheets,
    BinarySheets,
    Slides,
    Visio,
    Xps,
}

fn document(package: &mut Package<'_, '_>, context: &Context<'_>, sink: &mut Told<'_>) -> Result<(), Stop> {
    let limits = context.limits;
    let nesting = limits.nesting;
    let types = ContentTypes::of(package, nesting, sink)?;
    let roots = relations(package, "", nesting, sink)?;
    properties(package, &roots, nesting, sink)?;
    match main(package, &types, &roots) {
        Some((kind, name)) => match kind {
            Kind::Word => word::read(package, &name, nesting, sink)?,
            Kind::Sheets => sheets::read(package, &name, limits, sink)?,
            Kind::BinarySheets => binary_sheets::read(package, &name, limits, sink)?,
            Kind::Slides => slides::read(package, &name, nesting, sink)?,
            Kind::Visio => pages::visio(package, nesting, sink)?,
            Kind::Xps => pages::xps(package, &name, nesting, sink)?,
        },
        None => sink.finding(Finding::new(Code::Damaged, "The package has no main part that is known."))?,
    }
    external(package, nesting, sink)?;
    rest(package, &types, nesting, sink)
}

/// The main part: by the package's relationships, by content type, by its usual name.
fn main(package: &Package<'_, '_>, types: &ContentTypes, roots: &[Relation]) -> Option<(Kind, String)> {
    let kind_of = |name: &str| {
        let content_type = types.get(name).unwrap_or_default().to_ascii_lowercase();
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| content_type.contains(word));
        if has(&["excel.sheet.binary"]) || name.ends_with("workbook.bin") {
            Some(Kind::BinarySheets)
        } else if has(&["wordprocessingml", "ms-word"]) || name.starts_with("word/") {
            Some(Kind::Word)
        } else if has(&["spreadsheetml", "ms-excel"]) || name.starts_with("xl/") {
            Some(Kind::Sheets)
        } else if has(&["presentationml", "ms-powerpoint"]) || name.starts_with("ppt/") {
            Some(Kind::Slides)
        } else if has(&["visio"]) || name.starts_with("visio/") {
            Some(Kind::Visio)
        } else if has(&["fixeddocumentsequence"]) || name.ends_with(".fdseq") {
            Some(Kind::Xps)
        } else {
            None
        }
    };
    let rooted = of_kind(roots, "officeDocument")
        .filter(|name| !name.ends_with("themeManager.xml"))
        .chain(of_kind(roots, "document"))
        .chain(of_kind(roots, "fixedrepresentation"));
    let usual = ["word/document.xml", "xl/workbook.xml", "xl/workbook.bin", "ppt/presentation.xml", "visio/document.xml", "theme/presentation.xml"];
    let by_extension = package.entries().iter().filter(|entry| entry.name.ends_with(".fdseq")).map(|entry| entry.name.clone()).take(1);
    rooted
        .chain(usual)
        .map(str::to_owned)
        .chain(by_extension)
        .filter(|name| package.find(name).is_some())
        .find_map(|name| kind_of(&name).map(|kind| (kind, name)))
}

/// Core, extended and custom properties (ISO/IEC 29500-2, 11; 29500-1, 22.2 and 22.3).
fn properties(package: &mut Package<'_, '_>, roots: &[Relation], nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut names: Vec<String> = ["core-properties", "extended-properties", "extendedProperties", "custom-properties", "customProperties"]
        .iter()
        .flat_map(|kind| of_kind(roots, kind).map(str::to_owned))
        .collect();
    names.extend(["docProps/core.xml", "docProps/app.xml", "docProps/custom.xml"].map(str::to_owned));
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.to_ascii_lowercase()) {
            continue;
        }
        let mut own: Option<String> = None;
        let mut is_links = false;
        let mut value = String::new();
        part(package, &name, nesting, sink, &mut |node, sink| {
            match node {
                Node::Open(element) => {
                    is_links |= element.name == "ap:HLinks";
                    if element.name == "op:property" {
                        own = element.get("name").map(|name| format!("custom:{name}"));
                    }
                    value.clear();
                }
                Node::Text(text) => value.push_str(text),
                Node::Close(name) => {
                    let text = std::mem::take(&mut value);
                    let name = match name {
                        "op:property" => {
                            own = None;
                            return Ok(());
                        }
                        // Values of the document's own properties; other vectors repeat what the parts say.
                        "vt:lpwstr" if own.is_none() && is_links => "ooxml:hyperlink".to_owned(),
                        name if name.starts_with("vt:") => match &own {
                            Some(own) => own.clone(),
                            None => return Ok(()),
                        },
                        "ap:HLinks" => {
                            is_links = false;
                            return Ok(());
                        }
                        "ap:Pages" | "ap:Slides" => "page_count".to_owned(),
                        "cp:lastModifiedBy" => "ooxml:last_author".to_owned(),
                        name => name.to_owned(),
                    };
                    sink.property(&name, text.trim().to_owned())?;
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What leads out of the package, of all parts: links that a reader follows are properties, what a program would fetch is a finding.
fn external(package: &mut Package<'_, '_>, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let lists: Vec<String> = package.named("", ".rels");
    let (mut links, mut fetched) = (BTreeSet::new(), BTreeSet::new());
    for list in lists {
        let of = list.replacen("_rels/", "", 1);
        let of = of.strip_suffix(".rels").unwrap_or(&of);
        for relation in relations(package, of, nesting, sink)?.into_iter().filter(|relation| relation.is_external) {
            if relation.kind == "hyperlink" {
                links.insert(relation.target);
            } else {
                fetched.insert((relation.kind, relation.target));
            }
        }
    }
    for (kind, target) in fetched {
        sink.finding(Finding::new(Code::External, format!("It refers to {target} ({kind}).")))?;
    }
    for target in links {
        sink.property("ooxml:hyperlink", target)?;
    }
    Ok(())
}

/// Content types of parts that hold no words of their own: layout, settings, pictures of what is read elsewhere.
const SILENT: &[&str] = &[
    "theme",
    "styles",
    "settings",
    "fonttable",
    "websettings",
    "styleswitheffects",
    "numbering",
    "presprops",
    "viewprops",
    "tablestyles",
    "calcchain",
    "relationships",
    "core-properties",
    "extended-properties",
    "custom-properties",
    "diagramlayout",
    "diagramstyle",
    "diagramcolors",
    "diagramdrawing",
    "chartstyle",
    "chartcolorstyle",
    "themeoverride",
    "sheetmetadata",
    "pivottable",
    "table+xml",
    "tablesinglecells",
    "querytable",
    "slideupdateinfo",
    "tags+xml",
    "volatiledependencies",
    "digital-signature",
    "customxmlproperties",
    "revisionheaders",
    "usernames",
    "diagramlayoutheader",
    "windows",
    "xps",
    "font",
    "printing",
];

/// Embedded objects, pictures, macros, custom XML: whatever was not read as text.
fn rest(package: &mut Package<'_, '_>, types: &ContentTypes, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let (mut has_macros, mut is_signed) = (false, false);
    for index in 0..package.entries().len() {
        if package.is_seen(index) {
            continue;
        }
        let name = package.entries()[index].name.clone();
        let lower = name.to_ascii_lowercase();
        let content_type = types.get(&name).map(str::to_owned);
        let kind = content_type.clone().unwrap_or_default().to_ascii_lowercase();
        has_macros |= kind.contains("vbaproject") || lower.ends_with("vbaproject.bin") || kind.contains("macrosheet") || lower.contains("/activex/");
        is_signed |= kind.contains("digital-signature") || lower.starts_with("_xmlsignatures/");
        if lower.contains("printersettings") && lower.ends_with(".bin") {
            printer(package, &name, sink)?;
        } else if kind.contains("vmldrawing") || lower.ends_with(".vml") {
            vml(package, &name, nesting, sink)?;
        } else if is_silent(&lower, &kind) {
            package.mark(index);
        } else {
            let role = if lower.contains("thumbnail") { ChildRole::Thumbnail } else { ChildRole::Embedded };
            package.child(index, role, content_type, sink)?;
        }
    }
    if has_macros {
        sink.finding(Finding::new(Code::ActiveContent, "The document holds macros or controls that are programs."))?;
    }
    if is_signed {
        sink.finding(Finding::new(Code::Signed, Code::Signed.meaning()))?;
    }
    Ok(())
}

/// Whether a part, by its name and content type in lower case, holds no words of its own.
fn is_silent(name: &str, content_type: &str) -> bool {
    let is_list = name == "[content_types].xml" || name.ends_with(".rels") || name.starts_with("_xmlsignatures/") || name.starts_with("customxml/itemprops");
    let can_be = content_type.ends_with("xml") || name.ends_with(".bin") && content_type.contains("ms-excel");
    is_list || can_be && SILENT.iter().any(|word| content_type.contains(word))
}

/// Settings of a printer begin with its name, in UTF-16: it can tell where a document was printed.
fn printer(package: &mut Package<'_, '_>, name: &str, sink: &mut dyn Sink) -> Result<(), Stop> {
    const NAME_BYTES: usize = 64;
    let bytes = package.bytes(name, sink)?.unwrap_or_default();
    let units = bytes.chunks_exact(2).take(NAME_BYTES / 2).map(|two| u16::from_le_bytes([two[0], two[1]])).take_while(|unit| *unit != 0);
    let printer: String = char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if printer.chars().all(|letter| !letter.is_control() && letter != char::REPLACEMENT_CHARACTER) {
        sink.property("ooxml:printer", printer)?;
    }
    Ok(())
}

/// Words in boxes of the older drawing language: labels of controls, legacy comments.
fn vml(package: &mut Package<'_, '_>, name: &str, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut flow = Flow::of_part(name);
    flow.enter(BlockKind::Caption);
    let mut depth = 0_u32;
    part(package, name, nesting, sink, &mut |node, sink| {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "v:textbox" => {
                    depth += 1;
                    flow.open();
                }
                "br" if depth > 0 => flow.push("\n"),
                "v:textpath" => flow.tell(BlockKind::Caption, element.get("string").unwrap_or_default(), sink)?,
                "v:shape" => flow.tell(BlockKind::Caption, element.get("alt").unwrap_or_default(), sink)?,
                _ => {}
            },
            Node::Text(text) if depth > 0 => flow.push(text),
            Node::Text(_) => {}
            Node::Close("v:textbox") => {
                depth = depth.saturating_sub(1);
                flow.close(sink)?;
            }
            Node::Close(_) => {}
        }
        Ok(())
    })?;
    flow.close_all(sink)
}
