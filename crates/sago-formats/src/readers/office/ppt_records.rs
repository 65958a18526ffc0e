//! Records of PowerPoint (MS-PPT 2.3.1): version and instance, kind, length, body.

use crate::readers::little::{size_at, u16_at};

/// Most records of one container that are walked.
const MOST_RECORDS: usize = 4_000_000;

/// A record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub kind: u16,
    pub instance: u16,
    is_container: bool,
    pub body: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record at an offset; a body that ends too early is what is left of it.
    pub(super) fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let rest = bytes.get(at..)?;
        let (head, kind, length) = (u16_at(rest, 0)?, u16_at(rest, 2)?, size_at(rest, 4)?);
        let body = &rest[8..];
        Some(Self { kind, instance: head >> 4, is_container: head & 0xf == 0xf, body: &body[..body.len().min(length)] })
    }
}

/// The records of a container with their offsets, without those inside them.
pub(super) fn list(bytes: &[u8]) -> Vec<(usize, Record<'_>)> {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some(record) = Record::at(bytes, at) {
        if records.len() == MOST_RECORDS {
            break;
        }
        records.push((at, record));
        at += 8 + record.body.len();
    }
    records
}

/// All records of a container and of those in it, in the order of the file.
pub(super) struct Walk<'a> {
    pending: Vec<&'a [u8]>,
    left: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { pending: vec![bytes], left: MOST_RECORDS }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            let rest = self.pending.pop()?;
            let Some(record) = Record::at(rest, 0) else { continue };
            self.left = self.left.checked_sub(1)?;
            self.pending.push(&rest[8 + record.body.len()..]);
            // Data of later versions hang in a record that does not call itself a container.
            if record.is_container || record.kind == 0x138b {
                self.pending.push(record.body);
            }
            return Some(record);
        }
    }
}
