//! Forms: the values of fields (ISO 32000-2, 12.7) and the XML of XFA forms.

use std::collections::{HashMap, HashSet};

use hayro_syntax::object::{Array, Dict, Object, ObjectIdentifier, Stream, String as PdfString};

use super::values;
use crate::document::{Anchor, Block, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::limits::Limits;
use crate::source::Stop;

/// Most fields, and how deep they are nested.
const FIELDS: usize = 200_000;
const DEPTH: usize = 64;

struct Field<'a> {
    dict: Dict<'a>,
    name: String,
    value: Option<String>,
    depth: usize,
}

/// Tells the values of all fields; says whether there was text.
pub fn tell(catalog: &Dict<'_>, pages: &HashMap<ObjectIdentifier, u32>, limits: &Limits, sink: &mut dyn Sink) -> Result<bool, Stop> {
    let Some(form) = catalog.get::<Dict<'_>>("AcroForm") else {
        return Ok(false);
    };
    let mut told = Told { pages, limits, sink, paragraph: 0 };
    let fields = form.get::<Array<'_>>("Fields");
    let mut open: Vec<Field<'_>> =
        fields.iter().flat_map(|fields| fields.iter::<Dict<'_>>()).map(|dict| Field { dict, name: String::new(), value: None, depth: 0 }).collect();
    open.reverse();
    let mut seen = HashSet::new();
    let mut count = 0;
    while let Some(mut field) = open.pop() {
        count += 1;
        if count > FIELDS || field.depth > DEPTH {
            told.sink.finding(Finding::new(Code::LimitNesting, "The form has more fields, or more deeply nested ones, than are read."))?;
            break;
        }
        if field.dict.obj_id().is_some_and(|id| field.depth > 0 && !seen.insert(id)) {
            continue;
        }
        if let Some(part) = values::entry(&field.dict, "T", limits.memory_bytes / 8) {
            field.name = if field.name.is_empty() { part } else { format!("{}.{part}", field.name) };
        }
        let own = value(&field.dict, limits);
        let is_new = own.is_some();
        field.value = own.or(field.value);
        let kids = field.dict.get::<Array<'_>>("Kids");
        if is_new {
            told.field(&field)?;
        }
        for dict in kids.iter().flat_map(|kids| kids.iter::<Dict<'_>>()).collect::<Vec<_>>().into_iter().rev() {
            open.push(Field { dict, name: field.name.clone(), value: field.value.clone(), depth: field.depth + 1 });
        }
    }
    told.xfa(&form)?;
    Ok(told.paragraph > 0)
}

fn value(field: &Dict<'_>, limits: &Limits) -> Option<String> {
    // The value of a signature is told as a signature.
    if values::is_name(field, "FT", b"Sig") {
        return None;
    }
    let text = values::entry(field, "V", limits.memory_bytes / 8)?;
    (text != "Off").then_some(text)
}

struct Told<'a, 's> {
    pages: &'a HashMap<ObjectIdentifier, u32>,
    limits: &'a Limits,
    sink: &'s mut dyn Sink,
    paragraph: u32,
}

impl Told<'_, '_> {
    fn field(&mut self, field: &Field<'_>) -> Result<(), Stop> {
        let widget = field.dict.get::<Array<'_>>("Kids").and_then(|kids| kids.iter::<Dict<'_>>().next());
        let page = field.dict.get_ref("P").or_else(|| widget?.get_ref("P")).and_then(|page| self.pages.get(&page.into()).copied());
        self.paragraph += 1;
        let part = (!field.name.is_empty()).then(|| field.name.clone());
        let anchor = Anchor { page, part, paragraph: Some(self.paragraph), ..Anchor::default() };
        self.sink.block(Block::new(BlockKind::Field, anchor, field.value.clone().unwrap_or_default()))
    }

    /// An XFA form keeps its own template and data as XML; its pages often say only that another viewer is needed.
    fn xfa(&mut self, form: &Dict<'_>) -> Result<(), Stop> {
        let packets: Vec<(String, Vec<u8>)> = match form.get::<Object<'_>>("XFA") {
            Some(Object::Stream(stream)) => vec![("xfa".to_owned(), values::bytes(&stream, self.limits.memory_bytes / 8).0)],
            Some(Object::Array(array)) => {
                let names: Vec<PdfString<'_>> = array.iter::<PdfString<'_>>().collect();
                let streams: Vec<Stream<'_>> = array.iter::<Stream<'_>>().collect();
                names
                    .iter()
                    .map(|name| values::text(name.as_bytes()))
                    .zip(streams)
                    .map(|(name, stream)| (name, values::bytes(&stream, self.limits.memory_bytes / 8).0))
                    .collect()
            }
            _ => return Ok(()),
        };
        self.sink.property("pdf:XFA", packets.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "))?;
        for (name, bytes) in &packets {
            if !["xfa", "template", "datasets"].contains(&name.as_str()) {
                continue;
            }
            let kind = if name == "datasets" { BlockKind::Field } else { BlockKind::Paragraph };
            for text in crate::readers::xmp::text_of(bytes) {
                self.paragraph += 1;
                self.sink.block(Block::new(kind, Anchor::in_part(format!("xfa:{name}"), self.paragraph), text))?;
            }
        }
        Ok(())
    }
}
