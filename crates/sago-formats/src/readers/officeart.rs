//! Drawings of old Office (MS-ODRAW): pictures, and the descriptions and word art of shapes.

use flate2::read::ZlibDecoder;
use std::io::Read;

use super::little::{size_at, slice, u16_at, u32_at, utf16};
use super::ole::Object;
use crate::document::{Anchor, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::source::Stop;

/// Most records of one drawing that are looked at.
const MOST_RECORDS: usize = 1_000_000;
/// Longest metafile that is unpacked.
const METAFILE_BYTES: u64 = 64 << 20;
/// Most bytes of pictures that wait to be handed on: many entries can name the same bytes.
const WAITING_BYTES: usize = 256 << 20;

/// What a drawing holds.
#[derive(Debug, Default)]
pub(crate) struct Art {
    /// Its pictures.
    pub pictures: Vec<Object>,
    /// Descriptions, word art.
    pub captions: Vec<String>,
    /// Pictures that could not be taken out.
    pub broken: usize,
    waiting_bytes: usize,
    records: usize,
    told: usize,
}

impl Art {
    /// Adds what the records in `bytes` hold; `delayed` is the stream where pictures lie that are only pointed to.
    pub fn read(&mut self, bytes: &[u8], delayed: &[u8]) {
        let mut pending = vec![bytes];
        while let Some(rest) = pending.pop() {
            self.records += 1;
            let (Some(head), Some(kind), Some(length)) = (u16_at(rest, 0), u16_at(rest, 2), size_at(rest, 4)) else { continue };
            if self.records > MOST_RECORDS {
                self.broken += 1;
                return;
            }
            let body = &rest[8..];
            let body = &body[..body.len().min(length)];
            pending.push(&rest[8 + body.len()..]);
            match kind {
                0xf007 => self.entry(body, delayed),
                0xf01a..=0xf02a => self.blip(head >> 4, kind, body),
                0xf00b | 0xf121 | 0xf122 => self.options(usize::from(head >> 4), body),
                _ if head & 0xf == 0xf => pending.push(body),
                _ => {}
            }
        }
    }

    /// An entry of the store of pictures: the picture follows, or lies in the delayed stream.
    fn entry(&mut self, body: &[u8], delayed: &[u8]) {
        let (Some(size), Some(place), Some(name)) = (size_at(body, 20), size_at(body, 28), body.get(33)) else { return };
        let inside = body.get(36 + usize::from(*name)..).unwrap_or_default();
        let record = if inside.len() > 8 { inside } else { slice(delayed, place, size).unwrap_or_default() };
        match (u16_at(record, 0), u16_at(record, 2), record.get(8..)) {
            (Some(head), Some(kind @ 0xf01a..=0xf02a), Some(blip)) => self.blip(head >> 4, kind, blip),
            // Entries whose picture was deleted keep their place with size zero.
            _ => self.broken += usize::from(size > 0 && !delayed.is_empty()),
        }
    }

    fn blip(&mut self, instance: u16, kind: u16, body: &[u8]) {
        if self.waiting_bytes > WAITING_BYTES {
            self.broken += 1;
            return;
        }
        let digests = if instance & 1 == 1 { 32 } else { 16 };
        let (extension, is_metafile) = match kind {
            0xf01a => (".emf", true),
            0xf01b => (".wmf", true),
            0xf01c => (".pct", true),
            0xf01d | 0xf02a => (".jpg", false),
            0xf01e => (".png", false),
            0xf01f => (".dib", false),
            0xf029 => (".tif", false),
            _ => return,
        };
        let digests = if is_metafile && matches!(instance, 0x3d5 | 0x217 | 0x543) {
            32
        } else if is_metafile {
            16
        } else {
            digests
        };
        let bytes = if is_metafile {
            let data = body.get(digests + 34..).unwrap_or_default();
            match body.get(digests + 32) {
                Some(0) => {
                    let mut unpacked = Vec::new();
                    // What a damaged end leaves is kept.
                    let is_whole = ZlibDecoder::new(data).take(METAFILE_BYTES).read_to_end(&mut unpacked).is_ok();
                    self.broken += usize::from(!is_whole && size_at(body, digests) != Some(unpacked.len()));
                    unpacked
                }
                _ => data.to_vec(),
            }
        } else {
            body.get(digests + 1..).unwrap_or_default().to_vec()
        };
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
        if bytes.is_empty() || self.waiting_bytes > WAITING_BYTES {
            self.broken += 1;
            return;
        }
        self.told += 1;
        self.pictures.push(Object { name: format!("picture{}{extension}", self.told), bytes });
    }

    /// Properties of a shape: six bytes each, then the long values in the same order.
    fn options(&mut self, count: usize, body: &[u8]) {
        let mut at = count * 6;
        for index in 0..count {
            let (Some(id), Some(value)) = (u16_at(body, index * 6), u32_at(body, index * 6 + 2)) else { return };
            if id & 0x8000 == 0 {
                continue;
            }
            let Some(length) = usize::try_from(value).ok() else { return };
            let Some(data) = slice(body, at, length) else { return };
            at += length;
            // Word art, the description of a shape, its tool tip.
            if matches!(id & 0x3fff, 0x00c0 | 0x0381 | 0x038d) {
                let text = utf16(data).trim_end_matches('\0').to_owned();
                if !text.trim().is_empty() {
                    self.captions.push(text);
                }
            }
        }
    }

    /// Hands on the pictures found so far.
    pub fn hand_on(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        (self.waiting_bytes, self.records) = (0, 0);
        self.pictures.drain(..).try_for_each(|picture| super::ole::tell(&picture, ChildRole::Embedded, Anchor::default(), sink))
    }

    /// Hands on the rest and says what is missing.
    pub fn tell_pictures(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.hand_on(sink)?;
        if self.broken > 0 {
            sink.finding(Finding::new(Code::ChildFailed, format!("{} pictures of drawings are damaged, or too large to be taken out.", self.broken)))?;
        }
        Ok(())
    }
}
