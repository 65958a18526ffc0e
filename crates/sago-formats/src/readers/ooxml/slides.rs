//! PresentationML (ISO/IEC 29500-1, part 19): slides in the order of the presentation, each with its notes, comments, diagrams and charts; the words that masters
//! and layouts add are told once.

use crate::document::{BlockKind, Part, Sink};
use crate::finding::{Code, Finding};
use crate::readers::flow::Flow;
use crate::readers::markup::{Node, part};
use crate::readers::package::Package;
use crate::source::Stop;

use super::drawing::{Placeholders, chart, drawing};
use super::relations::{Relation, of_kind, relations, targets};

/// English Metric Units in a point.
const EMU: f32 = 12_700.0;

/// Reads the presentation.
pub(super) fn read(package: &mut Package<'_, '_>, main: &str, nesting: u32, sink: &mut dyn Sink) -> Result<(), Stop> {
    let parts = relations(package, main, nesting, sink)?;
    // A theme keeps the same parts in another folder.
    let root = main.rsplit_once('/').map_or("ppt", |(folder, _)| folder);
    let mut ids = Vec::new();
    let mut size = (0.0, 0.0);
    part(package, main, nesting, sink, &mut |node, _| {
        if let Node::Open(element) = node {
            match element.name.as_str() {
                "p:sldId" => ids.extend(element.get("r:id").map(str::to_owned)),
                "p:sldSz" => {
                    let length = |name| element.number(name).map_or(0.0, |length| length as f32 / EMU);
                    size = (length("cx"), length("cy"));
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    let by_id = targets(&parts);
    let mut number = 0;
    for id in &ids {
        match by_id.get(id.as_str()).and_then(|name| Some((*name, package.find(name)?))) {
            // Listed twice; it was told.
            Some((_, index)) if package.is_seen(index) => {}
            Some((name, _)) => {
                number += 1;
                slide(package, name, number, size, false, nesting, sink)?;
            }
            None => sink.finding(Finding::new(Code::ChildMissing, "A slide is listed and not there.").at(id.clone()))?,
        }
    }
    // Slides that are in the file and not in the presentation: removed ones that a program left.
    for name in package.named(&format!("{root}/slides/slide"), ".xml") {
        if package.find(&name).is_some_and(|index| !package.is_seen(index)) {
            number += 1;
            slide(package, &name, number, size, true, nesting, sink)?;
            sink.finding(Finding::new(Code::Hidden, "A slide is in the file and not in the presentation.").at(format!("slide {number}")))?;
        }
    }
    for (folder, place) in [("slideMasters/slideMaster", "slide master"), ("slideLayouts/slideLayout", "slide layout")] {
        for (number, name) in (1..).zip(package.named(&format!("{root}/{folder}"), ".xml")) {
            let mut flow = Flow::of_part(format!("{place} {number}"));
            flow.enter(BlockKind::Margin);
            drawing(package, &name, flow, Placeholders::Margins, nesting, sink)?;
        }
    }
    for (name, place) in [("notesMasters/notesMaster1.xml", "notes master"), ("handoutMasters/handoutMaster1.xml", "handout master")] {
        let mut flow = Flow::of_part(place);
        flow.enter(BlockKind::Margin);
        drawing(package, &format!("{root}/{name}"), flow, Placeholders::Margins, nesting, sink)?;
    }
    for name in of_kind(&parts, "commentAuthors").chain(of_kind(&parts, "authors")) {
        part(package, name, nesting, sink, &mut |node, sink| match node {
            Node::Open(element) if matches!(element.name.as_str(), "p:cmAuthor" | "p188:author") => {
                let words: Vec<&str> = ["id", "name"].iter().filter_map(|name| element.get(name)).collect();
                sink.property("ooxml:person", words.join(" "))
            }
            _ => Ok(()),
        })?;
    }
    Ok(())
}

fn slide(
    package: &mut Package<'_, '_>,
    name: &str,
    number: u32,
    (width, height): (f32, f32),
    is_left_over: bool,
    nesting: u32,
    sink: &mut dyn Sink,
) -> Result<(), Stop> {
    sink.part(Part::Page { number, width, height })?;
    let mut flow = Flow::of_page(number);
    if is_left_over {
        flow.enter(BlockKind::Hidden);
    }
    if drawing(package, name, flow, Placeholders::All, nesting, sink)? {
        sink.finding(Finding::new(Code::Hidden, "The slide is not shown.").at(format!("slide {number}")))?;
    }
    let parts: Vec<Relation> = relations(package, name, nesting, sink)?;
    let of_page = |part: &str| Flow::of_part(part).with_page(Some(number));
    for name in of_kind(&parts, "diagramData") {
        drawing(package, name, of_page("diagram"), Placeholders::All, nesting, sink)?;
    }
    for name in of_kind(&parts, "chart").chain(of_kind(&parts, "chartEx")) {
        chart(package, name, of_page("chart"), nesting, sink)?;
    }
    for name in of_kind(&parts, "notesSlide") {
        let mut flow = of_page("notes");
        flow.enter(BlockKind::Comment);
        drawing(package, name, flow, Placeholders::All, nesting, sink)?;
    }
    for name in of_kind(&parts, "comments") {
        drawing(package, name, of_page("comments"), Placeholders::All, nesting, sink)?;
    }
    Ok(())
}
