//! Writes a storage as a compound file of its own (MS-CFB), so that an embedded object can be kept, read and opened by its own program.

use super::{END_OF_CHAIN, MAGIC, NO_ENTRY};

/// Marks a sector of the sector table.
const FAT_SECTOR: u32 = 0xffff_fffd;
/// Streams shorter than this lie in the stream of small streams.
const MINI_CUTOFF: usize = 4096;
/// Sector tables that fit in the header.
const HEADER_LISTS: usize = 109;

/// A storage or stream to write.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Its name, at most 31 UTF-16 units; the root's is not written.
    pub name: String,
    /// Its class.
    pub class: [u8; 16],
    /// A stream's bytes; nothing for a storage.
    pub bytes: Option<Vec<u8>>,
    /// What a storage holds.
    pub children: Vec<Node>,
}

struct Flat<'a> {
    node: &'a Node,
    links: [u32; 3],
    first: u32,
    size: u64,
}

/// The file; nothing when it would be too large for the tables we write (over 400 MB).
pub(crate) fn write(root: &Node) -> Option<Vec<u8>> {
    let total: usize = measure(root);
    // Large sectors keep the list of tables within the header.
    let shift = if total > 6 << 20 { 12 } else { 9 };
    let sector = 1_usize << shift;
    let mut flats = vec![Flat { node: root, links: [NO_ENTRY; 3], first: END_OF_CHAIN, size: 0 }];
    let mut next = 0;
    while next < flats.len() {
        let node = flats[next].node;
        let mut children: Vec<&Node> = node.children.iter().collect();
        children.sort_by_cached_key(|child| (child.name.encode_utf16().count(), child.name.to_uppercase()));
        let first = u32::try_from(flats.len()).ok()?;
        flats.extend(children.iter().map(|node| Flat { node, links: [NO_ENTRY; 3], first: END_OF_CHAIN, size: 0 }));
        flats[next].links[2] = balance(&mut flats, first, u32::try_from(children.len()).ok()?);
        next += 1;
    }
    let mut body: Vec<u8> = Vec::new();
    let mut fat: Vec<u32> = Vec::new();
    let mut mini: Vec<u8> = Vec::new();
    let mut mini_fat: Vec<u32> = Vec::new();
    for flat in &mut flats {
        let Some(bytes) = &flat.node.bytes else { continue };
        flat.size = bytes.len() as u64;
        if bytes.len() >= MINI_CUTOFF {
            flat.first = append(&mut body, &mut fat, bytes, sector)?;
        } else if !bytes.is_empty() {
            flat.first = append(&mut mini, &mut mini_fat, bytes, 64)?;
        }
    }
    if !mini.is_empty() {
        flats[0].size = mini.len() as u64;
        flats[0].first = append(&mut body, &mut fat, &mini, sector)?;
    }
    let table: Vec<u8> = mini_fat.iter().flat_map(|number| number.to_le_bytes()).collect();
    let mini_fat_first = if table.is_empty() { END_OF_CHAIN } else { append_filled(&mut body, &mut fat, &table, sector, 0xff)? };
    let directory: Vec<u8> = flats.iter().enumerate().flat_map(|(index, flat)| entry(index == 0, flat)).collect();
    let directory_first = append(&mut body, &mut fat, &directory, sector)?;
    let per_sector = sector / 4;
    let mut lists = 0;
    while (fat.len() + lists).div_ceil(per_sector) > lists {
        lists += 1;
    }
    if lists > HEADER_LISTS {
        return None;
    }
    let first_list = u32::try_from(fat.len()).ok()?;
    fat.extend(std::iter::repeat_n(FAT_SECTOR, lists));
    fat.resize(lists * per_sector, NO_ENTRY);
    body.extend(fat.iter().flat_map(|number| number.to_le_bytes()));

    let mut file = Vec::with_capacity(sector + body.len());
    file.extend(MAGIC);
    file.extend([0; 16]);
    file.extend([0x3e, 0, if shift == 12 { 4 } else { 3 }, 0, 0xfe, 0xff, shift, 0, 6, 0]);
    file.extend([0; 6]);
    let directory_sectors = if shift == 12 { u32::try_from(directory.len().div_ceil(sector)).ok()? } else { 0 };
    let mini_sectors = u32::try_from(table.len().div_ceil(sector)).ok()?;
    for number in [directory_sectors, u32::try_from(lists).ok()?, directory_first, 0, 4096, mini_fat_first, mini_sectors, END_OF_CHAIN, 0] {
        file.extend(number.to_le_bytes());
    }
    for index in 0..HEADER_LISTS {
        let number = if index < lists { first_list + u32::try_from(index).ok()? } else { NO_ENTRY };
        file.extend(number.to_le_bytes());
    }
    file.resize(sector, 0);
    file.append(&mut body);
    Some(file)
}

fn measure(node: &Node) -> usize {
    node.bytes.as_ref().map_or(0, Vec::len) + 128 + node.children.iter().map(measure).sum::<usize>()
}

/// Makes a balanced tree of a run of entries; its top.
fn balance(flats: &mut [Flat<'_>], first: u32, count: u32) -> u32 {
    if count == 0 {
        return NO_ENTRY;
    }
    let middle = first + count / 2;
    let left = balance(flats, first, count / 2);
    let right = balance(flats, middle + 1, count - count / 2 - 1);
    if let Some(flat) = usize::try_from(middle).ok().and_then(|index| flats.get_mut(index)) {
        flat.links[0] = left;
        flat.links[1] = right;
    }
    middle
}

fn append(body: &mut Vec<u8>, table: &mut Vec<u32>, bytes: &[u8], sector: usize) -> Option<u32> {
    append_filled(body, table, bytes, sector, 0)
}

/// Appends bytes as a chain of sectors, the last filled up; its first sector.
fn append_filled(body: &mut Vec<u8>, table: &mut Vec<u32>, bytes: &[u8], sector: usize, fill: u8) -> Option<u32> {
    let first = u32::try_from(table.len()).ok()?;
    let count = u32::try_from(bytes.len().div_ceil(sector)).ok()?;
    body.extend_from_slice(bytes);
    body.resize(body.len().next_multiple_of(sector), fill);
    table.extend((1..count).map(|step| first + step));
    table.push(END_OF_CHAIN);
    Some(first)
}

fn entry(is_root: bool, flat: &Flat<'_>) -> Vec<u8> {
    let name = if is_root { "Root Entry" } else { &flat.node.name };
    let units: Vec<u16> = name.encode_utf16().take(31).collect();
    let mut bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    bytes.resize(64, 0);
    bytes.extend(((units.len() as u16 + 1) * 2).to_le_bytes());
    let kind = if is_root {
        5
    } else if flat.node.bytes.is_some() {
        2
    } else {
        1
    };
    bytes.extend([kind, 1]);
    bytes.extend(flat.links.iter().flat_map(|link| link.to_le_bytes()));
    bytes.extend(flat.node.class);
    bytes.extend([0; 20]);
    bytes.extend(flat.first.to_le_bytes());
    bytes.extend(flat.size.to_le_bytes());
    bytes
}
