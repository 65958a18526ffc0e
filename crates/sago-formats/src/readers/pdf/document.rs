//! What belongs to the whole document: properties, page labels, bookmarks, attached files, and what is worth knowing about the file.

use std::collections::{BTreeSet, HashMap, HashSet};

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Object, ObjectIdentifier, Stream, String as PdfString};

use super::{guarded, values};
use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Property, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::limits::Limits;
use crate::readers::xmp;
use crate::source::Stop;

/// Most nodes of a tree of names, of bookmarks, and of objects that are looked at.
const NODES: usize = 500_000;
const DEPTH: usize = 64;
/// Bytes after the end of the document that nobody need mention.
const SLACK_BYTES: usize = 1_024;
const XMP_BYTES: u64 = 32 << 20;

/// What the bytes say before anything is understood.
pub fn look(bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
    let head = &bytes[..bytes.len().min(1_024)];
    match find(head, b"%PDF-") {
        Some(at) => {
            let version: String =
                head[at + 5..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').take(8).map(|byte| char::from(*byte)).collect();
            sink.property("pdf:version", version)?;
            if at > 0 {
                sink.finding(Finding::new(Code::TrailingBytes, format!("The document begins after {at} other bytes.")).at("beginning"))?;
            }
        }
        None => sink.finding(Finding::new(Code::PartDamaged, "The file does not begin like a PDF."))?,
    }
    match rfind(bytes, b"%%EOF") {
        Some(at) => {
            let rest = &bytes[at + 5..];
            let count = rest.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != 0).count();
            if count > SLACK_BYTES {
                sink.finding(Finding::new(Code::TrailingBytes, format!("{} bytes follow the end of the document.", rest.len())))?;
            }
        }
        None => sink.finding(Finding::new(Code::Truncated, "The document has no end mark; what comes after the last byte is not known."))?,
    }
    Ok(())
}

/// Document information, XMP, language, encryption.
pub fn properties(pdf: &Pdf, bytes: &[u8], catalog: &Dict<'_>, limits: &Limits, sink: &mut dyn Sink) -> Result<(), Stop> {
    if let Some(info) = information(pdf, bytes) {
        for (key, _) in info.entries() {
            let name = values::name_text(&key);
            let Some(value) = values::entry(&info, &name, limits.memory_bytes / 8) else {
                continue;
            };
            let value = if name.ends_with("Date") { values::date(&value) } else { value };
            sink.property(&format!("pdf:{name}"), value)?;
        }
    }
    if let Some(language) = values::entry(catalog, "Lang", 1_024) {
        sink.property("dc:language", language)?;
    }
    if let Some(stream) = catalog.get::<Stream<'_>>("Metadata") {
        xmp::tell(&values::bytes(&stream, XMP_BYTES.min(limits.memory_bytes)).0, sink)?;
    }
    if is_encrypted(bytes) {
        sink.property("pdf:encryption", "opens without a password; rights are restricted by an owner's password".to_owned())?;
    }
    Ok(())
}

/// The information dictionary: the last one that a trailer names. Trailers and cross-reference streams are never compressed.
fn information<'a>(pdf: &'a Pdf, bytes: &[u8]) -> Option<Dict<'a>> {
    let mut end = bytes.len();
    for _ in 0..64 {
        let at = rfind(&bytes[..end], b"/Info")?;
        if let Some(id) = id_after(&bytes[at + 5..])
            && let Some(dict) = guarded(|| pdf.xref().get::<Dict<'a>>(id)).flatten()
        {
            return Some(dict);
        }
        end = at;
    }
    None
}

/// Whether the encryption is that of a rights management service.
pub fn is_rights_managed(bytes: &[u8]) -> bool {
    [&b"/MicrosoftIRMServices"[..], b"/EBX_HANDLER", b"/FOPN_foweb", b"/Adobe.APS"].iter().any(|name| find(bytes, name).is_some())
}

/// Whether a trailer says that the document is encrypted.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    rfind(bytes, b"/Encrypt")
        .is_some_and(|at| id_after(&bytes[at + 8..]).is_some() || bytes[at + 8..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<'))
}

fn id_after(bytes: &[u8]) -> Option<ObjectIdentifier> {
    let text = std::str::from_utf8(&bytes[..bytes.iter().take(40).take_while(|byte| byte.is_ascii()).count()]).ok()?;
    let mut words = text.split_ascii_whitespace();
    let (number, generation, mark) = (words.next()?, words.next()?, words.next()?);
    mark.starts_with('R').then_some(())?;
    Some(ObjectIdentifier::new(number.parse().ok()?, generation.parse().ok()?))
}

/// The labels of the pages where they are not their numbers: `1=i, 5=1`, the first page of each run and its label.
pub fn page_labels(catalog: &Dict<'_>, count: usize, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(tree) = catalog.get::<Dict<'_>>("PageLabels") else {
        return Ok(());
    };
    let mut runs: Vec<(i64, String)> = Vec::new();
    leaves(&tree, "Nums", &mut |key, value| {
        if let (Object::Number(index), Object::Dict(label)) = (key, value) {
            let prefix = values::entry(&label, "P", 4_096).unwrap_or_default();
            let start = label.get::<i32>("St").unwrap_or(1).max(1);
            let style = label.get::<Name<'_>>("S").map(|name| values::name_text(&name)).unwrap_or_default();
            runs.push((index.as_i64(), format!("{prefix}{}", numeral(start, &style))));
        }
    });
    runs.sort();
    let is_plain = runs.len() == 1 && runs.first().is_some_and(|(index, label)| *index == 0 && label == "1");
    if runs.is_empty() || is_plain {
        return Ok(());
    }
    let kept: Vec<String> = runs
        .iter()
        .filter(|(index, _)| usize::try_from(*index).is_ok_and(|index| index < count))
        .map(|(index, label)| format!("{}={label}", index + 1))
        .collect();
    sink.property("pdf:page_labels", kept.join(", "))
}

fn numeral(number: i32, style: &str) -> String {
    match style {
        "D" => number.to_string(),
        "r" | "R" => {
            const STEPS: [(i32, &str); 13] = [
                (1000, "m"),
                (900, "cm"),
                (500, "d"),
                (400, "cd"),
                (100, "c"),
                (90, "xc"),
                (50, "l"),
                (40, "xl"),
                (10, "x"),
                (9, "ix"),
                (5, "v"),
                (4, "iv"),
                (1, "i"),
            ];
            if number > 20_000 {
                return number.to_string();
            }
            let mut rest = number;
            let mut text = String::new();
            for (value, sign) in STEPS {
                while rest >= value {
                    text.push_str(sign);
                    rest -= value;
                }
            }
            if style == "R" { text.to_uppercase() } else { text }
        }
        "a" | "A" => {
            let letter = char::from(b'a' + u8::try_from((number - 1) % 26).unwrap_or(0));
            let text: String = std::iter::repeat_n(letter, usize::try_from((number - 1) / 26 + 1).unwrap_or(1).min(64)).collect();
            if style == "A" { text.to_uppercase() } else { text }
        }
        _ => String::new(),
    }
}

/// Visits the pairs of a name or number tree (7.9.6, 7.9.7).
fn leaves<'a>(root: &Dict<'a>, key: &str, visit: &mut dyn FnMut(Object<'a>, Object<'a>)) {
    let mut open = vec![(root.clone(), 0_usize)];
    let mut seen = HashSet::new();
    let mut count = 0;
    while let Some((node, depth)) = open.pop() {
        count += 1;
        if count > NODES || depth > DEPTH || node.obj_id().is_some_and(|id| depth > 0 && !seen.insert(id)) {
            continue;
        }
        if let Some(pairs) = node.get::<Array<'a>>(key) {
            let mut items = pairs.flex_iter();
            while let (Some(name), Some(value)) = (items.next::<Object<'a>>(), items.next::<Object<'a>>()) {
                visit(name, value);
            }
        }
        if let Some(kids) = node.get::<Array<'a>>("Kids") {
            let kids: Vec<Dict<'a>> = kids.iter::<Dict<'a>>().collect();
            open.extend(kids.into_iter().rev().map(|kid| (kid, depth + 1)));
        }
    }
}

/// Bookmarks as headings of the part `outline`, with the page they lead to.
pub fn outline(catalog: &Dict<'_>, pages: &HashMap<ObjectIdentifier, u32>, sink: &mut dyn Sink) -> Result<bool, Stop> {
    let Some(first) = catalog.get::<Dict<'_>>("Outlines").and_then(|outlines| outlines.get::<Dict<'_>>("First")) else {
        return Ok(false);
    };
    let mut open = vec![first];
    let mut seen = HashSet::new();
    let mut number = 0;
    while let Some(item) = open.pop() {
        if item.obj_id().is_some_and(|id| !seen.insert(id)) || seen.len() > NODES {
            continue;
        }
        open.extend(item.get::<Dict<'_>>("Next"));
        open.extend(item.get::<Dict<'_>>("First"));
        if let Some(title) = values::entry(&item, "Title", 1 << 20) {
            number += 1;
            let anchor = Anchor { page: target(&item, pages), part: Some("outline".to_owned()), paragraph: Some(number), ..Anchor::default() };
            sink.block(Block::new(BlockKind::Heading, anchor, title))?;
        }
    }
    Ok(number > 0)
}

fn target(item: &Dict<'_>, pages: &HashMap<ObjectIdentifier, u32>) -> Option<u32> {
    let destination = item.get::<Array<'_>>("Dest").or_else(|| item.get::<Dict<'_>>("A")?.get::<Array<'_>>("D"))?;
    let page = destination.raw_iter().next()?.as_obj_ref()?;
    pages.get(&page.into()).copied()
}

/// Attached files: of the document, of annotations, and those that only stand in the file.
pub fn attachments<'a>(pdf: &'a Pdf, catalog: &Dict<'a>, pages: &HashMap<ObjectIdentifier, u32>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut found: Vec<(Dict<'a>, Option<String>, Option<u32>)> = Vec::new();
    guarded(|| {
        if let Some(tree) = catalog.get::<Dict<'a>>("Names").and_then(|names| names.get::<Dict<'a>>("EmbeddedFiles")) {
            leaves(&tree, "Names", &mut |name, value| {
                if let (Object::String(name), Object::Dict(file)) = (name, value) {
                    found.push((file, Some(values::text(name.as_bytes())), None));
                }
            });
        }
        for page in pdf.pages().iter() {
            let number = page.raw().obj_id().and_then(|id| pages.get(&id).copied());
            for annotation in page.raw().get::<Array<'a>>("Annots").iter().flat_map(|array| array.iter::<Dict<'a>>()) {
                if let Some(file) = annotation.get::<Dict<'a>>("FS") {
                    let note = values::entry(&annotation, "Contents", 1 << 20);
                    found.push((file, note, number));
                }
            }
        }
    });
    // Some are reached by neither way (associated files, rich media, what was unlinked): every object is looked at.
    let others = guarded(|| pdf.objects().into_iter().take(NODES).filter_map(Object::into_dict).filter(|dict| dict.contains_key("EF")).collect::<Vec<_>>());
    if others.is_none() {
        sink.finding(Finding::new(Code::PartDamaged, "Not all objects could be looked at for attached files."))?;
    }
    found.extend(others.unwrap_or_default().into_iter().map(|file| (file, None, None)));
    let mut taken = HashSet::new();
    for (file, name, page) in found {
        attachment(&file, name, page, &mut taken, sink)?;
    }
    Ok(())
}

fn attachment(
    file: &Dict<'_>,
    label: Option<String>,
    page: Option<u32>,
    taken: &mut HashSet<(ObjectIdentifier, usize)>,
    sink: &mut dyn Sink,
) -> Result<(), Stop> {
    let Some(streams) = file.get::<Dict<'_>>("EF") else {
        if let Some(path) = values::entry(file, "UF", 1 << 16).or_else(|| values::entry(file, "F", 1 << 16)) {
            sink.finding(Finding::new(Code::External, "An attached file is named and not in the document.").at(path))?;
        }
        return Ok(());
    };
    for key in ["UF", "F", "Unix", "DOS", "Mac"] {
        let Some(stream) = streams.get::<Stream<'_>>(key) else {
            continue;
        };
        if !taken.insert((stream.obj_id(), stream.raw_data().len())) {
            continue;
        }
        let named = if matches!(key, "F" | "UF") { ["UF", "F"] } else { [key, "UF"] };
        let name = named.iter().find_map(|key| values::entry(file, key, 1 << 16)).or_else(|| label.clone()).unwrap_or_default();
        let mut child = Child::new(ChildRole::Attachment, name);
        child.media_type = stream.dict().get::<Name<'_>>("Subtype").map(|name| values::name_text(&name));
        child.anchor.page = page;
        if let Some(parameters) = stream.dict().get::<Dict<'_>>("Params") {
            child.size_bytes = parameters.get::<i32>("Size").and_then(|size| u64::try_from(size).ok());
            child.modified = values::entry(&parameters, "ModDate", 256).map(|date| values::date(&date));
            if let Some(date) = values::entry(&parameters, "CreationDate", 256) {
                child.properties.push(Property { name: "pdf:CreationDate".to_owned(), value: values::date(&date) });
            }
        }
        for (key, name) in [("Desc", "pdf:Desc"), ("AFRelationship", "pdf:AFRelationship")] {
            if let Some(value) = values::entry(file, key, 1 << 20) {
                child.properties.push(Property { name: name.to_owned(), value });
            }
        }
        match guarded(|| values::reader(&stream)).unwrap_or_else(|| Err("the reader failed on it".to_owned())) {
            Ok(mut reader) => {
                sink.child(child, &mut reader)?;
            }
            Err(why) => sink.finding(Finding::new(Code::ChildFailed, format!("An attached file could not be taken out: {why}.")).at(child.name))?,
        }
    }
    Ok(())
}

/// Scripts, signatures, earlier states, pages that are missing.
pub fn findings(pdf: &Pdf, bytes: &[u8], catalog: &Dict<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let declared = catalog.get::<Dict<'_>>("Pages").and_then(|pages| pages.get::<i32>("Count")).unwrap_or(0);
    if let Ok(declared) = usize::try_from(declared)
        && declared > pdf.pages().len()
    {
        let text = format!("The document says it has {declared} pages; {} could be found.", pdf.pages().len());
        sink.finding(Finding::new(Code::CountMismatch, text))?;
    }
    let mut scripts = 0_u64;
    let mut launches = 0_u64;
    let mut signatures: Vec<String> = Vec::new();
    let mut kinds: BTreeSet<&'static str> = BTreeSet::new();
    let looked = guarded(|| {
        for dict in pdf.objects().into_iter().take(NODES).filter_map(|object| match object {
            Object::Dict(dict) => Some(dict),
            Object::Stream(stream) => Some(stream.dict().clone()),
            _ => None,
        }) {
            look_at(&dict, &mut scripts, &mut launches, &mut signatures, &mut kinds);
            for key in ["A", "OpenAction", "AA"] {
                if let Some(action) = dict.get::<Dict<'_>>(key) {
                    look_at(&action, &mut scripts, &mut launches, &mut signatures, &mut kinds);
                    for (name, _) in action.entries() {
                        let name: &[u8] = name.as_ref();
                        if let Some(inner) = action.get::<Dict<'_>>(name) {
                            look_at(&inner, &mut scripts, &mut launches, &mut signatures, &mut kinds);
                        }
                    }
                }
            }
        }
        if let Some(tree) = catalog.get::<Dict<'_>>("Names").and_then(|names| names.get::<Dict<'_>>("JavaScript")) {
            leaves(&tree, "Names", &mut |_, _| scripts += 1);
        }
    });
    if looked.is_none() {
        sink.finding(Finding::new(Code::PartDamaged, "Not all objects could be looked at for scripts and signatures."))?;
    }
    if scripts > 0 {
        sink.finding(Finding::new(Code::ActiveContent, "The document holds JavaScript; it was not run."))?;
    }
    if launches > 0 {
        sink.finding(Finding::new(Code::ActiveContent, "The document asks to start programs or open files; nothing was started."))?;
    }
    for kind in kinds {
        sink.finding(
            Finding::new(Code::Feature, format!("The document holds {kind} annotations; their content is read only as far as it is a contained file."))
                .weighing(Severity::Note),
        )?;
    }
    for signature in signatures {
        sink.finding(Finding::new(Code::Signed, signature))?;
    }
    let states = states(bytes);
    if states > 1 {
        let text = format!("The file holds {states} states of the document, one saved after the other; the last one was read.");
        sink.finding(Finding::new(Code::Hidden, text))?;
    }
    Ok(())
}

fn look_at(dict: &Dict<'_>, scripts: &mut u64, launches: &mut u64, signatures: &mut Vec<String>, kinds: &mut BTreeSet<&'static str>) {
    if values::is_name(dict, "S", b"JavaScript") || (dict.contains_key("JS") && dict.contains_key("S")) {
        *scripts += 1;
    }
    if values::is_name(dict, "S", b"Launch") {
        *launches += 1;
    }
    for (name, kind) in [(&b"3D"[..], "3D"), (b"RichMedia", "rich media"), (b"Movie", "film"), (b"Sound", "sound"), (b"Screen", "screen")] {
        if values::is_name(dict, "Subtype", name) && dict.contains_key("Rect") {
            kinds.insert(kind);
        }
    }
    let is_signature = dict.contains_key("ByteRange") && dict.contains_key("Contents");
    if is_signature && signatures.len() < 100 {
        let part = |key: &str| dict.get::<PdfString<'_>>(key).map(|string| values::text(string.as_bytes())).filter(|text| !text.trim().is_empty());
        let told: Vec<String> =
            [("by", part("Name")), ("at", part("M").map(|date| values::date(&date))), ("reason:", part("Reason")), ("place:", part("Location"))]
                .into_iter()
                .filter_map(|(label, value)| value.map(|value| format!("{label} {value}")))
                .collect();
        let text = if told.is_empty() { Code::Signed.meaning().to_owned() } else { format!("{} It says: {}.", Code::Signed.meaning(), told.join(", ")) };
        if !signatures.contains(&text) {
            signatures.push(text);
        }
    }
}

/// How many states of the document the file holds: a document that was changed without being written anew keeps all earlier ones.
fn states(bytes: &[u8]) -> usize {
    let mut count = 0;
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], b"startxref") {
        let from = at + found + 9;
        let offset: String = bytes[from..]
            .iter()
            .skip_while(|byte| byte.is_ascii_whitespace())
            .take_while(|byte| byte.is_ascii_digit())
            .take(20)
            .map(|byte| char::from(*byte))
            .collect();
        // The first part of a linearised file ends with `startxref 0` and is no state of its own; nor is a second table without objects, which word
        // processors add for old viewers.
        if offset.parse::<u64>().is_ok_and(|offset| offset > 0) && find(&bytes[at..from], b" obj").is_some() {
            count += 1;
        }
        at = from;
    }
    let is_linearised = find(&bytes[..bytes.len().min(2_048)], b"/Linearized").is_some();
    if is_linearised && count > 1 && !has_zero_start(bytes) { count - 1 } else { count }
}

fn has_zero_start(bytes: &[u8]) -> bool {
    find(bytes, b"startxref").is_some_and(|at| bytes[at + 9..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'0'))
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, needle)
}

fn rfind(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(bytes, needle)
}
