//! Lists, tables and properties (MS-PST 2.3): the heap on a node, B-trees on it, property contexts, table contexts.

use std::collections::HashMap;
use std::io;

use super::file::{File, Form, Subnode, u8_at, u16_at, u32_at, u64_at};
use crate::charset::{self, Charset};
use crate::readers::archive::file_time;

/// Deepest B-tree on a heap, most records of one.
const LEVELS: u8 = 8;
const RECORDS: usize = 1_000_000;

/// A heap: the blocks of a node and the subnodes that its values may lie in.
pub(super) struct Heap {
    blocks: Vec<Vec<u8>>,
    subnodes: HashMap<u32, Subnode>,
    form: Form,
}

/// One property's value as it lies there.
#[derive(Debug, Clone)]
pub(super) struct Value {
    kind: u16,
    bytes: Vec<u8>,
}

/// The properties of a folder, message, recipient or attachment.
#[derive(Debug, Default)]
pub(super) struct Properties {
    map: HashMap<u16, Value>,
    code_page: Option<u32>,
}

impl Heap {
    /// Opens the heap of a node; nothing when its data are damaged.
    pub(super) fn open(file: &mut File<'_, '_>, data: u64, subnodes: u64) -> io::Result<Option<Self>> {
        let Some(blocks) = file.data(data)? else { return Ok(None) };
        if blocks.first().is_none_or(|first| u8_at(first, 2) != 0xEC) {
            return Ok(None);
        }
        let subnodes = file.subnodes(subnodes)?;
        Ok(Some(Self { blocks, subnodes, form: file.form }))
    }

    pub(super) fn subnode(&self, id: u32) -> Option<Subnode> {
        self.subnodes.get(&id).copied()
    }

    /// An allocation of the heap.
    fn get(&self, id: u32) -> Option<&[u8]> {
        let (index, block) = if self.form == Form::Unicode4k { (id >> 5 & 0x3FFF, id >> 19) } else { (id >> 5 & 0x7FF, id >> 16) };
        if id & 0x1F != 0 || index == 0 {
            return None;
        }
        let bytes = self.blocks.get(block as usize)?;
        let map = usize::from(u16_at(bytes, 0));
        let place = map + 4 + (index as usize - 1) * 2;
        if index > u32::from(u16_at(bytes, map)) {
            return None;
        }
        bytes.get(usize::from(u16_at(bytes, place))..usize::from(u16_at(bytes, place + 2)))
    }

    /// What an id of either kind stands for: an allocation, or the data of a subnode.
    fn value(&self, file: &mut File<'_, '_>, id: u32) -> io::Result<Option<Vec<u8>>> {
        if id == 0 {
            return Ok(Some(Vec::new()));
        }
        if id & 0x1F == 0 {
            return Ok(self.get(id).map(<[u8]>::to_vec));
        }
        let Some(own) = self.subnode(id) else { return Ok(None) };
        Ok(file.data(own.data)?.map(|blocks| blocks.concat()))
    }

    /// All records of a B-tree on the heap: key and data.
    fn records(&self, root: u32, key_bytes: usize) -> Vec<(u32, Vec<u8>)> {
        let mut records = Vec::new();
        let Some(head) = self.get(root).filter(|head| u8_at(head, 0) == 0xB5 && usize::from(u8_at(head, 1)) == key_bytes) else { return records };
        let data_bytes = usize::from(u8_at(head, 2));
        let mut pending = vec![(u32_at(head, 4), u8_at(head, 3).min(LEVELS))];
        let mut visited = 0;
        while let Some((id, level)) = pending.pop() {
            visited += 1;
            if visited > RECORDS || records.len() > RECORDS {
                break;
            }
            let Some(bytes) = self.get(id) else { continue };
            if level > 0 {
                pending.extend(bytes.chunks_exact(key_bytes + 4).rev().map(|entry| (u32_at(entry, key_bytes), level - 1)));
                continue;
            }
            for entry in bytes.chunks_exact((key_bytes + data_bytes).max(1)) {
                let key = if key_bytes == 2 { u32::from(u16_at(entry, 0)) } else { u32_at(entry, 0) };
                records.push((key, entry[key_bytes.min(entry.len())..].to_vec()));
            }
        }
        records
    }

    /// The property context of this heap.
    pub(super) fn properties(&self, file: &mut File<'_, '_>) -> io::Result<Properties> {
        let mut properties = Properties::default();
        let root = self.blocks.first().map_or(0, |first| u32_at(first, 4));
        for (key, data) in self.records(root, 2) {
            let kind = u16_at(&data, 0);
            let raw = u32_at(&data, 2);
            let bytes = match kind {
                0x0002 | 0x0003 | 0x0004 | 0x000A | 0x000B => Some(raw.to_le_bytes().to_vec()),
                _ => self.value(file, raw)?,
            };
            if let (Some(bytes), Ok(key)) = (bytes, u16::try_from(key)) {
                properties.map.insert(key, Value { kind, bytes });
            }
        }
        properties.settle();
        Ok(properties)
    }

    /// The rows of the table context of this heap: id and properties.
    pub(super) fn rows(&self, file: &mut File<'_, '_>) -> io::Result<Vec<(u32, Properties)>> {
        let root = self.blocks.first().map_or(0, |first| u32_at(first, 4));
        let Some(head) = self.get(root).filter(|head| u8_at(head, 0) == 0x7C) else { return Ok(Vec::new()) };
        let head = head.to_vec();
        let exists_at = usize::from(u16_at(&head, 6));
        let row_bytes = usize::from(u16_at(&head, 8));
        let columns: Vec<(u32, usize, usize, usize)> = head
            .get(22..)
            .unwrap_or_default()
            .chunks_exact(8)
            .take(usize::from(u8_at(&head, 1)))
            .map(|column| (u32_at(column, 0), usize::from(u16_at(column, 4)), usize::from(u8_at(column, 6)), usize::from(u8_at(column, 7))))
            .collect();
        let rows_id = u32_at(&head, 14);
        // Rows do not cross blocks.
        let blocks = if rows_id & 0x1F == 0 {
            self.get(rows_id).map(|bytes| vec![bytes.to_vec()]).unwrap_or_default()
        } else {
            match self.subnode(rows_id) {
                Some(own) => file.data(own.data)?.unwrap_or_default(),
                None => Vec::new(),
            }
        };
        let mut rows = Vec::new();
        if row_bytes < 4 || exists_at > row_bytes {
            return Ok(rows);
        }
        for row in blocks.iter().flat_map(|block| block.chunks_exact(row_bytes)) {
            let mut properties = Properties::default();
            for (tag, place, width, bit) in &columns {
                if u8_at(row, exists_at + bit / 8) & (0x80 >> (bit % 8)) == 0 {
                    continue;
                }
                let [kind_low, kind_high, id_low, id_high] = tag.to_le_bytes();
                let kind = u16::from_le_bytes([kind_low, kind_high]);
                let Some(own) = row.get(*place..place + width) else { continue };
                let bytes = match kind {
                    0x0002..=0x0007 | 0x000A | 0x000B | 0x0014 | 0x0040 => Some(own.to_vec()),
                    _ => self.value(file, u32_at(own, 0))?,
                };
                if let Some(bytes) = bytes {
                    properties.map.insert(u16::from_le_bytes([id_low, id_high]), Value { kind, bytes });
                }
            }
            properties.settle();
            rows.push((u32_at(row, 0), properties));
        }
        Ok(rows)
    }
}

impl Properties {
    fn settle(&mut self) {
        self.code_page = self.integer(0x3FFD).or(self.integer(0x3FDE)).filter(|page| *page > 0);
    }

    /// Eight-bit strings of recipients and attachments are in their message's character set.
    pub(super) fn inherit(&mut self, message: &Self) {
        self.code_page = self.code_page.or(message.code_page);
    }

    pub(super) fn integer(&self, id: u16) -> Option<u32> {
        self.map.get(&id).filter(|value| value.kind == 0x0003 || value.kind == 0x0002 || value.kind == 0x000B).map(|value| u32_at(&value.bytes, 0))
    }

    /// A time as RFC 3339.
    pub(super) fn time(&self, id: u16) -> Option<String> {
        self.map.get(&id).filter(|value| value.kind == 0x0040).and_then(|value| file_time(u64_at(&value.bytes, 0)))
    }

    pub(super) fn bytes(&self, id: u16) -> Option<&[u8]> {
        self.map.get(&id).map(|value| value.bytes.as_slice())
    }

    /// A text; empty ones are nothing.
    pub(super) fn text(&self, id: u16) -> Option<String> {
        let value = self.map.get(&id)?;
        let text = match value.kind {
            0x001F => {
                let units = value.bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
                char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
            0x001E => match self.code_page.and_then(Charset::of_code_page) {
                Some(charset) => charset::decode_as(&value.bytes, charset).0,
                None => charset::decode(&value.bytes, None).text,
            },
            _ => return None,
        };
        Some(text.trim_end_matches('\0').to_owned()).filter(|text| !text.is_empty())
    }

    /// All texts by their property ids, in order.
    pub(super) fn texts(&self) -> Vec<(u16, String)> {
        let mut ids: Vec<u16> = self.map.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.text(id).map(|text| (id, text))).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
}
