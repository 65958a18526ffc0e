//! PowerPoint 97 to 2003 (MS-PPT): the slides of the last saving in their order, with notes, remarks, margins, pictures and objects.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::blocks::Blocks;
use super::ppt_records::{Record, Walk, list};
use crate::document::{Anchor, BlockKind, Child, ChildRole, Part, Sink};
use crate::finding::{Code, Finding};
use crate::readers::compound::{Compound, MAGIC};
use crate::readers::little::{size_at, u32_at, utf16};
use crate::readers::officeart::Art;
use crate::readers::ole;
use crate::source::Stop;

/// Most savings that are followed back.
const MOST_EDITS: usize = 10_000;
/// Longest object that is unpacked.
const OBJECT_BYTES: u64 = 1 << 30;
/// Units of a slide's size in a point: 576 in an inch.
const UNITS_IN_POINT: f32 = 8.0;

/// A slide, or notes, as the document lists it.
struct Listed<'a> {
    persist: u32,
    id: u32,
    /// Texts that the outline holds for it: their kind and letters.
    outline: Vec<(u32, String)>,
    container: Option<Record<'a>>,
}

/// Reads it; how many blocks there were, nothing when it is encrypted.
pub(super) fn read(compound: &Compound, sink: &mut dyn Sink) -> Result<Option<u64>, Stop> {
    let mut findings = Vec::new();
    let stream = compound.read("PowerPoint Document", &mut findings).unwrap_or_default();
    let user = compound.read("Current User", &mut findings).unwrap_or_default();
    let pictures = compound.read("Pictures", &mut findings).unwrap_or_default();
    findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
    if u32_at(&user, 12) == Some(0xf3d1_c4df) || compound.find(0, "EncryptedSummary").is_some() {
        sink.finding(Finding::new(Code::Encrypted, "The presentation is encrypted."))?;
        return Ok(None);
    }
    let (document, places) = match persist(&stream, &user) {
        Some(found) => found,
        None => {
            sink.finding(Finding::new(Code::PartDamaged, "The list of objects is damaged; all slides that the file holds are told, earlier savings too."))?;
            scan(&stream)
        }
    };
    let mut show = Show { blocks: Blocks::new(sink), hidden: Vec::new(), stream: &stream, places, listed: HashSet::new() };
    if let Some(document) = document {
        show.document(document)?;
    } else {
        show.loose()?;
    }
    show.objects()?;
    let mut art = Art::default();
    let mut rest = pictures.as_slice();
    while let Some(length) = size_at(rest, 4).map(|length| length.saturating_add(8).min(rest.len())) {
        art.read(&rest[..length], &[]);
        art.hand_on(show.blocks.sink)?;
        rest = &rest[length..];
    }
    art.tell_pictures(show.blocks.sink)?;
    if !show.hidden.is_empty() {
        show.blocks.sink.finding(Finding::new(Code::Hidden, format!("Hidden slides: {}.", show.hidden.join(", "))))?;
    }
    show.blocks.finish().map(Some)
}

/// The document and where each object lies, by the list of the last saving and those before it.
fn persist<'a>(stream: &'a [u8], user: &[u8]) -> Option<(Option<Record<'a>>, BTreeMap<u32, usize>)> {
    let mut places = BTreeMap::new();
    let mut edit = size_at(user, 16)?;
    let mut document = None;
    for _ in 0..MOST_EDITS {
        let record = Record::at(stream, edit).filter(|record| record.kind == 0x0ff5)?;
        document = document.or(u32_at(record.body, 16));
        let directory = Record::at(stream, size_at(record.body, 12)?).filter(|record| record.kind == 0x1772)?;
        let mut at = 0;
        while let Some(head) = u32_at(directory.body, at) {
            at += 4;
            for id in (head & 0xf_ffff..).take((head >> 20) as usize) {
                let Some(place) = size_at(directory.body, at) else { break };
                places.entry(id).or_insert(place);
                at += 4;
            }
        }
        let before = size_at(record.body, 8)?;
        if before == 0 || before >= edit {
            break;
        }
        edit = before;
    }
    let place = places.get(&document?)?;
    let document = Record::at(stream, *place).filter(|record| record.kind == 0x03e8)?;
    Some((Some(document), places))
}

/// Without a list: the last document, and every object in the order of the file.
fn scan(stream: &[u8]) -> (Option<Record<'_>>, BTreeMap<u32, usize>) {
    let mut places = BTreeMap::new();
    for (id, (at, _)) in (0_u32..).zip(list(stream)) {
        places.insert(id, at);
    }
    (None, places)
}

struct Show<'a, 'b> {
    blocks: Blocks<'b>,
    hidden: Vec<String>,
    stream: &'a [u8],
    places: BTreeMap<u32, usize>,
    /// Places of objects that a list has named.
    listed: HashSet<usize>,
}

impl<'a> Show<'a, '_> {
    fn document(&mut self, document: Record<'a>) -> Result<(), Stop> {
        let mut lists: HashMap<u16, Vec<Listed<'a>>> = HashMap::new();
        let mut size = (720.0, 540.0);
        for (_, record) in list(document.body) {
            match record.kind {
                0x03e9 => {
                    if let (Some(width), Some(height)) = (u32_at(record.body, 0), u32_at(record.body, 4)) {
                        size = (width as f32 / UNITS_IN_POINT, height as f32 / UNITS_IN_POINT);
                    }
                }
                0x0ff0 => lists.entry(record.instance).or_default().extend(self.listed(record.body)),
                0x0fd9 => self.margins(&record, Anchor::default())?,
                0x0409 => self.links(&record)?,
                0x07e4 => self.sounds(&record)?,
                _ => {}
            }
        }
        let notes: HashMap<u32, Listed<'a>> = lists.remove(&2).unwrap_or_default().into_iter().map(|notes| (notes.id, notes)).collect();
        let mut is_told: HashMap<u32, bool> = HashMap::new();
        for (number, slide) in (1_u32..).zip(lists.remove(&0).unwrap_or_default()) {
            self.blocks.sink.part(Part::Page { number, width: size.0, height: size.1 })?;
            let Some(container) = slide.container else {
                let text = format!("Slide {number} is listed and was not found; of its text only the outline is there.");
                self.blocks.sink.finding(Finding::new(Code::PartDamaged, text))?;
                self.texts(&slide.outline, number)?;
                continue;
            };
            self.slide(container, &slide.outline, number)?;
            let id = list(container.body).into_iter().find(|(_, record)| record.kind == 0x03ef).and_then(|(_, record)| u32_at(record.body, 16));
            if let Some(notes) = id.filter(|id| *id != 0).and_then(|id| notes.get(&id)) {
                is_told.insert(notes.id, true);
                if let Some(container) = notes.container {
                    self.drawing(
                        container,
                        &notes.outline,
                        BlockKind::Comment,
                        Anchor { page: Some(number), part: Some("notes".to_owned()), ..Anchor::default() },
                        false,
                    )?;
                }
            }
        }
        let mut rest: Vec<&Listed<'a>> = notes.values().filter(|notes| !is_told.contains_key(&notes.id)).collect();
        rest.sort_by_key(|notes| notes.id);
        for notes in rest {
            if let Some(container) = notes.container {
                self.drawing(container, &notes.outline, BlockKind::Comment, Anchor { part: Some("notes".to_owned()), ..Anchor::default() }, false)?;
            }
        }
        for (number, master) in (1_u32..).zip(lists.remove(&1).unwrap_or_default()) {
            if let Some(container) = master.container {
                self.drawing(container, &[], BlockKind::Margin, Anchor { part: Some(format!("master {number}")), ..Anchor::default() }, true)?;
            }
        }
        Ok(())
    }

    /// Slides and notes of a file whose lists are damaged.
    fn loose(&mut self) -> Result<(), Stop> {
        let mut number = 0;
        for place in self.places.clone().into_values() {
            let Some(record) = Record::at(self.stream, place) else { continue };
            match record.kind {
                0x03ee => {
                    number += 1;
                    self.slide(record, &[], number)?;
                }
                0x03f0 => self.drawing(record, &[], BlockKind::Comment, Anchor { part: Some("notes".to_owned()), ..Anchor::default() }, false)?,
                0x03e8 => {
                    for (_, record) in list(record.body).into_iter().filter(|(_, record)| record.kind == 0x0ff0 && record.instance == 0) {
                        for slide in self.listed(record.body) {
                            for (_, text) in &slide.outline {
                                self.paragraphs(BlockKind::Paragraph, &Anchor { part: Some("outline".to_owned()), ..Anchor::default() }, text)?;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Slides of a list, each with the texts that follow it.
    fn listed(&mut self, body: &'a [u8]) -> Vec<Listed<'a>> {
        let mut slides: Vec<Listed<'a>> = Vec::new();
        let mut kind = 0;
        for (_, record) in list(body) {
            match record.kind {
                0x03f3 => {
                    let persist = u32_at(record.body, 0).unwrap_or(0);
                    slides.push(Listed { persist, id: u32_at(record.body, 12).unwrap_or(0), outline: Vec::new(), container: None });
                }
                0x0f9f => kind = u32_at(record.body, 0).unwrap_or(0),
                0x0fa0 | 0x0fa8 => {
                    if let Some(slide) = slides.last_mut() {
                        slide.outline.push((kind, record.text()));
                    }
                }
                _ => {}
            }
        }
        // A slide stands in a list once; a list that names one again and again is damaged.
        for slide in &mut slides {
            slide.container = self.places.get(&slide.persist).filter(|place| self.listed.insert(**place)).and_then(|place| Record::at(self.stream, *place));
        }
        slides
    }

    fn slide(&mut self, container: Record<'a>, outline: &[(u32, String)], number: u32) -> Result<(), Stop> {
        let anchor = Anchor { page: Some(number), ..Anchor::default() };
        for (_, record) in list(container.body) {
            match record.kind {
                0x03f9 if record.body.get(10).is_some_and(|flags| flags & 4 != 0) => self.hidden.push(number.to_string()),
                0x0fd9 => self.margins(&record, anchor.clone())?,
                _ => {}
            }
        }
        self.drawing(container, outline, BlockKind::Paragraph, anchor, false)
    }

    fn texts(&mut self, outline: &[(u32, String)], number: u32) -> Result<(), Stop> {
        for (kind, text) in outline {
            let kind = if matches!(kind, 0 | 6) { BlockKind::Heading } else { BlockKind::Paragraph };
            self.paragraphs(kind, &Anchor { page: Some(number), ..Anchor::default() }, text)?;
        }
        Ok(())
    }

    /// The texts of a slide in the order of its shapes; those the outline holds where the shape points to them, the others after.
    fn drawing(&mut self, container: Record<'a>, outline: &[(u32, String)], kind: BlockKind, anchor: Anchor, skips_prompts: bool) -> Result<(), Stop> {
        let mut is_used = vec![false; outline.len()];
        let (mut text_kind, mut is_prompt) = (0, false);
        let mut remark: Option<String> = None;
        let as_block = |text_kind: u32| if kind == BlockKind::Paragraph && matches!(text_kind, 0 | 6) { BlockKind::Heading } else { kind };
        for record in Walk::new(container.body) {
            match record.kind {
                0xf004 => is_prompt = false,
                0x0bc3 => is_prompt = true,
                0x0f9f => text_kind = u32_at(record.body, 0).unwrap_or(4),
                0x0fa0 | 0x0fa8 if !(skips_prompts && is_prompt) => self.paragraphs(as_block(text_kind), &anchor, &record.text())?,
                0x0f9e => {
                    if let Some((index, (text_kind, text))) = size_at(record.body, 0).and_then(|index| Some((index, outline.get(index)?))) {
                        is_used[index] = true;
                        self.paragraphs(as_block(*text_kind), &anchor, text)?;
                    }
                }
                0x2ee0 => remark = Some(String::new()),
                0x0fba if remark.is_some() => match record.instance {
                    0 => remark = Some(utf16(record.body)),
                    1 => {
                        let author = remark.take().unwrap_or_default();
                        let text = utf16(record.body);
                        let text = if author.is_empty() { text } else { format!("{author}: {text}") };
                        self.blocks.give(BlockKind::Comment, anchor.clone(), text)?;
                        remark = Some(author);
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        for (index, (text_kind, text)) in outline.iter().enumerate() {
            if !is_used[index] {
                self.paragraphs(as_block(*text_kind), &anchor, text)?;
            }
        }
        let mut art = Art::default();
        for (_, record) in list(container.body).into_iter().filter(|(_, record)| record.kind == 0x040c) {
            art.read(record.body, &[]);
        }
        for caption in art.captions {
            self.blocks.give(BlockKind::Caption, anchor.clone(), caption)?;
        }
        Ok(())
    }

    fn paragraphs(&mut self, kind: BlockKind, anchor: &Anchor, text: &str) -> Result<(), Stop> {
        text.split('\r').try_for_each(|paragraph| self.blocks.give(kind, anchor.clone(), paragraph.to_owned()))
    }

    /// Date, header and footer that somebody wrote.
    fn margins(&mut self, record: &Record<'a>, anchor: Anchor) -> Result<(), Stop> {
        for (_, record) in list(record.body).into_iter().filter(|(_, record)| record.kind == 0x0fba) {
            self.blocks.give(BlockKind::Margin, anchor.clone(), utf16(record.body))?;
        }
        Ok(())
    }

    /// Addresses of links.
    fn links(&mut self, objects: &Record<'a>) -> Result<(), Stop> {
        for (_, link) in list(objects.body).into_iter().filter(|(_, record)| record.kind == 0x0fd7) {
            for (_, record) in list(link.body).into_iter().filter(|(_, record)| record.kind == 0x0fba && record.instance == 1) {
                self.blocks.give(BlockKind::Caption, Anchor { part: Some("links".to_owned()), ..Anchor::default() }, utf16(record.body))?;
            }
        }
        Ok(())
    }

    fn sounds(&mut self, sounds: &Record<'a>) -> Result<(), Stop> {
        for (number, (_, sound)) in (1_u32..).zip(list(sounds.body).into_iter().filter(|(_, record)| record.kind == 0x07e6)) {
            let mut name = format!("sound{number}.wav");
            for (_, record) in list(sound.body) {
                match (record.kind, record.instance) {
                    (0x0fba, 0) => name = utf16(record.body),
                    (0x07e7, _) => {
                        let mut bytes = record.body;
                        self.blocks.sink.child(Child::new(ChildRole::Embedded, name.clone()), &mut bytes)?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Objects of other programs: each a compound file, packed or as it is.
    fn objects(&mut self) -> Result<(), Stop> {
        let mut number = 0;
        let mut seen = HashSet::new();
        for place in self.places.clone().into_values().filter(|place| seen.insert(*place)) {
            let Some(record) = Record::at(self.stream, place).filter(|record| record.kind == 0x1011) else { continue };
            number += 1;
            let name = format!("object{number}");
            let bytes = if record.instance == 1 {
                let mut unpacked = Vec::new();
                let packed = record.body.get(4..).unwrap_or_default();
                let is_whole = ZlibDecoder::new(packed).take(OBJECT_BYTES).read_to_end(&mut unpacked).is_ok();
                // Some streams lack their last mark; what counts is the length.
                if !is_whole && size_at(record.body, 0) != Some(unpacked.len()) {
                    self.blocks.sink.finding(Finding::new(Code::ChildFailed, "The object could not be unpacked to its end.").at(name.clone()))?;
                }
                unpacked
            } else {
                record.body.to_vec()
            };
            if !bytes.starts_with(&MAGIC) {
                if !bytes.is_empty() {
                    let object = ole::Object { name: name.clone() + ole::extension_of(&bytes), bytes };
                    ole::tell(&object, ChildRole::Embedded, Anchor::default(), self.blocks.sink)?;
                }
                continue;
            }
            let (compound, findings) = Compound::open(bytes);
            findings.into_iter().try_for_each(|finding| self.blocks.sink.finding(finding.at(name.clone())))?;
            let Some(compound) = compound else { continue };
            if compound.find(0, "VBA").is_some() {
                self.blocks.sink.finding(Finding::new(Code::ActiveContent, "Macros."))?;
                continue;
            }
            ole::tell_storage(&compound, 0, &name, Anchor::default(), self.blocks.sink)?;
        }
        Ok(())
    }
}

impl Record<'_> {
    /// The letters of a text atom: UTF-16, or its lower bytes only.
    fn text(&self) -> String {
        if self.kind == 0x0fa0 { utf16(self.body) } else { self.body.iter().map(|byte| char::from(*byte)).collect() }
    }
}
