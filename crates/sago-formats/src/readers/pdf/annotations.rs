//! Annotations of a page (ISO 32000-2, 12.5): what people wrote on it, links, attached files' notes. Attached files themselves are taken with the document's.

use std::collections::HashSet;

use hayro_syntax::object::{Array, Dict, Name, Object, ObjectIdentifier, Rect, Stream};
use kurbo::Affine;

use super::content::{Interpreter, Resources, shown};
use super::font::Fonts;
use super::{guarded, layout, values};
use crate::document::{Anchor, Block, BlockKind, Sink, WordBox};
use crate::limits::Limits;
use crate::source::Stop;

/// Longest text of one annotation.
const TEXT_BYTES: u64 = 64 << 20;

/// The page the annotations stand on.
pub struct Place {
    /// Its number.
    pub number: u32,
    /// The way to the page as it is shown.
    pub matrix: Affine,
    /// Its width and height.
    pub size: (f64, f64),
}

/// Tells the annotations; says whether there was text.
pub fn tell<'a>(
    annotations: &Array<'a>,
    place: &Place,
    paragraph: &mut u32,
    fonts: &mut Fonts<'a>,
    off: &HashSet<ObjectIdentifier>,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<bool, Stop> {
    let mut has_text = false;
    for annotation in annotations.iter::<Dict<'a>>() {
        // Fields are told with the form, pop-ups repeat what their parents say.
        let is = |kind: &[u8]| values::is_name(&annotation, "Subtype", kind);
        if is(b"Popup") {
            continue;
        }
        if is(b"Link") {
            link(&annotation, place, sink)?;
        }
        let text = if is(b"Widget") { None } else { written(&annotation) };
        let kind = if is(b"Link") { BlockKind::Caption } else { BlockKind::Comment };
        match text {
            Some(text) => {
                *paragraph += 1;
                has_text = true;
                let boxes = whole_box(&annotation, place, &text);
                let anchor = Anchor { part: author(&annotation), ..Anchor::on_page(place.number, *paragraph) };
                sink.block(Block { kind, anchor, text, boxes })?;
            }
            // A stamp or a field may say something by its looks alone.
            None if !is(b"Link") => {
                let value = field_value(&annotation);
                for passage in appearance(&annotation, place, fonts, off, limits) {
                    // The form tells the same.
                    if value.as_deref().is_some_and(|value| value.trim() == passage.text.trim()) {
                        continue;
                    }
                    *paragraph += 1;
                    has_text = true;
                    let kind = if is(b"Widget") { BlockKind::Field } else { BlockKind::Comment };
                    sink.block(Block { kind, anchor: Anchor::on_page(place.number, *paragraph), text: passage.text, boxes: passage.boxes })?;
                }
            }
            None => {}
        }
    }
    Ok(has_text)
}

fn written(annotation: &Dict<'_>) -> Option<String> {
    let subject = values::entry(annotation, "Subj", TEXT_BYTES);
    let contents = values::entry(annotation, "Contents", TEXT_BYTES).or_else(|| {
        let rich = values::entry(annotation, "RC", TEXT_BYTES)?;
        Some(crate::readers::xmp::text_of(rich.as_bytes()).join("\n")).filter(|text| !text.trim().is_empty())
    });
    // The subject is usually the tool's name ("Highlight"): it is told only with a text, and only when it says more.
    match (subject, contents) {
        (Some(subject), Some(contents)) if !TOOLS.contains(&subject.as_str()) && !contents.contains(&subject) => Some(format!("{subject}\n{contents}")),
        (_, contents) => contents,
    }
}

/// What viewers write as subject when a person wrote none.
const TOOLS: &[&str] =
    &["Highlight", "Sticky Note", "Comment on Text", "Text Box", "Pencil", "Stamp", "Underline", "Cross-Out", "Strikeout", "Inserted Text", "Note"];

/// The value of the field a widget belongs to.
fn field_value(widget: &Dict<'_>) -> Option<String> {
    let mut dict = widget.clone();
    for _ in 0..8 {
        if let Some(value) = values::entry(&dict, "V", TEXT_BYTES) {
            return Some(value);
        }
        dict = dict.get::<Dict<'_>>("Parent")?;
    }
    None
}

fn author(annotation: &Dict<'_>) -> Option<String> {
    values::entry(annotation, "T", TEXT_BYTES)
}

fn whole_box(annotation: &Dict<'_>, place: &Place, text: &str) -> Vec<WordBox> {
    let Some(rect) = annotation.get::<Rect>("Rect") else {
        return Vec::new();
    };
    let area = shown(rect, place.matrix);
    let Ok(end) = u32::try_from(text.len()) else {
        return Vec::new();
    };
    vec![WordBox { start: 0, end, x: area.x0 as f32, y: area.y0 as f32, width: area.width() as f32, height: area.height() as f32 }]
}

fn link(annotation: &Dict<'_>, place: &Place, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(uri) = annotation.get::<Dict<'_>>("A").and_then(|action| values::entry(&action, "URI", TEXT_BYTES)) else {
        return Ok(());
    };
    sink.property("pdf:link", format!("page {}: {uri}", place.number))
}

fn appearance<'a>(annotation: &Dict<'a>, place: &Place, fonts: &mut Fonts<'a>, off: &HashSet<ObjectIdentifier>, limits: &Limits) -> Vec<layout::Passage> {
    let Some(stream) = normal_appearance(annotation) else {
        return Vec::new();
    };
    let passages = guarded(|| {
        let dict = stream.dict();
        let rect = annotation.get::<Rect>("Rect").map(|rect| kurbo::Rect::new(rect.x0, rect.y0, rect.x1, rect.y1)).unwrap_or_default();
        let bbox = dict.get::<Rect>("BBox").map(|bbox| kurbo::Rect::new(bbox.x0, bbox.y0, bbox.x1, bbox.y1)).unwrap_or(rect);
        let form = dict.get::<[f64; 6]>("Matrix").map_or(Affine::IDENTITY, Affine::new).transform_rect_bbox(bbox);
        let scale = |to: f64, from: f64| if from.abs() > 1e-9 { to / from } else { 1.0 };
        let (x, y) = (scale(rect.width(), form.width()), scale(rect.height(), form.height()));
        let matrix = place.matrix * Affine::new([x, 0.0, 0.0, y, rect.x0 - form.x0 * x, rect.y0 - form.y0 * y]);
        let mut interpreter = Interpreter::new(fonts, off, matrix, place.size.0 * place.size.1, limits.memory_bytes / 4);
        interpreter.appearance(&stream, &Resources::of(&Dict::empty()));
        layout::passages(&interpreter.finish(), place.size.0, place.size.1, &|_| None)
    });
    passages.unwrap_or_default()
}

fn normal_appearance<'a>(annotation: &Dict<'a>) -> Option<Stream<'a>> {
    match annotation.get::<Dict<'a>>("AP")?.get::<Object<'a>>("N")? {
        Object::Stream(stream) => Some(stream),
        Object::Dict(states) => {
            let state = annotation.get::<Name<'_>>("AS")?;
            states.get::<Stream<'a>>(state.as_ref() as &[u8])
        }
        _ => None,
    }
}
