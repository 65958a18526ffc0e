//! Microsoft cabinets (MS-CAB): stored, MSZIP and LZX folders, each unpacked once from its beginning. Quantum is not read.

use std::io::{self, Read};

use lzxd::{Lzxd, WindowSize};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF};

use super::checked::{Checked, damaged};
use super::member::{Tally, Writing, dos_time};
use super::zip_directory::{u16_at, u32_at};
use crate::document::{Child, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// An unpacked block has this many bytes at most.
const BLOCK_BYTES: usize = 32 << 10;
/// A name ends within so many bytes.
const NAME_BYTES: usize = 260;

#[derive(Clone, Copy)]
struct Folder {
    offset: u64,
    blocks: u16,
    kind: u16,
}

struct File {
    size: u64,
    start: u64,
    folder: u16,
    child: Child,
}

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let head = source.at(0, 40)?;
    let (Some(files_at), Some(folders), Some(files), Some(flags), true) =
        (u32_at(&head, 16), u16_at(&head, 26), u16_at(&head, 28), u16_at(&head, 30), head.starts_with(b"MSCF"))
    else {
        return sink.finding(Finding::new(Code::Damaged, "The file does not begin as a cabinet does."));
    };
    let mut offset = 36_u64;
    let (mut folder_extra, mut block_extra) = (0_u64, 0_u64);
    if flags & 4 != 0 {
        folder_extra = u64::from(head.get(38).copied().unwrap_or(0));
        block_extra = u64::from(head.get(39).copied().unwrap_or(0));
        offset += 4 + u64::from(u16_at(&head, 36).unwrap_or(0));
    }
    for _ in 0..(u32::from(flags & 1 != 0) + u32::from(flags & 2 != 0)) * 2 {
        offset += text(source, offset)?.len() as u64 + 1;
    }
    let mut listed = Vec::new();
    for index in 0..u64::from(folders) {
        let entry = source.at(offset + index * (8 + folder_extra), 8)?;
        let (Some(at), Some(blocks), Some(kind)) = (u32_at(&entry, 0), u16_at(&entry, 4), u16_at(&entry, 6)) else { break };
        listed.push(Folder { offset: u64::from(at), blocks, kind });
    }
    let mut tally = Tally::default();
    tally.expect(u64::from(files));
    let mut members = files_of(source, u64::from(files_at), files, &mut tally, sink)?;
    members.sort_by_key(|file| (file.folder, file.start));
    let mut members = members.into_iter().peekable();
    while let Some(index) = members.peek().map(|file| file.folder) {
        let own: Vec<File> = std::iter::from_fn(|| members.next_if(|file| file.folder == index)).collect();
        match listed.get(usize::from(index)) {
            Some(folder) => one_folder(source, (*folder, block_extra), own, &mut tally, sink)?,
            None => {
                for file in own {
                    tally.lost(&file.child.name, Code::ChildMissing, "It lies in another cabinet of the set.", sink)?;
                }
            }
        }
    }
    tally.finish(sink)
}

fn text(source: &mut Source<'_>, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = source.at(offset, NAME_BYTES)?;
    bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    Ok(bytes)
}

fn files_of(source: &mut Source<'_>, mut offset: u64, count: u16, tally: &mut Tally, sink: &mut dyn Sink) -> Result<Vec<File>, Stop> {
    let mut files = Vec::new();
    for _ in 0..count {
        let entry = source.at(offset, 16)?;
        let (Some(size), Some(start), Some(folder)) = (u32_at(&entry, 0), u32_at(&entry, 4), u16_at(&entry, 8)) else { break };
        let (date, time, attributes) = (u16_at(&entry, 10).unwrap_or(0), u16_at(&entry, 12).unwrap_or(0), u16_at(&entry, 14).unwrap_or(0));
        let name = text(source, offset + 16)?;
        offset += 17 + name.len() as u64;
        let writing = if attributes & 0x80 != 0 { Writing::Utf8 } else { Writing::Unknown };
        let mut child = tally.child(&name, writing, sink)?;
        child.size_bytes = Some(u64::from(size));
        child.modified = dos_time(date, time);
        files.push(File { size: u64::from(size), start: u64::from(start), folder, child });
    }
    Ok(files)
}

fn one_folder(source: &mut Source<'_>, (folder, extra): (Folder, u64), files: Vec<File>, tally: &mut Tally, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut bytes = match FolderReader::new(source, folder, extra) {
        Ok(bytes) => bytes,
        Err(error) => {
            for file in files {
                tally.lost(&file.child.name, Code::ChildFailed, error.to_string(), sink)?;
            }
            return Ok(());
        }
    };
    let mut position = 0;
    let mut failure: Option<String> = None;
    for file in files {
        if failure.is_none() {
            failure = match file.start.checked_sub(position) {
                None => {
                    tally.lost(&file.child.name, Code::ChildFailed, "its bytes overlap those of another", sink)?;
                    continue;
                }
                Some(gap) => io::copy(&mut (&mut bytes).take(gap), &mut io::sink()).err().map(|error| error.to_string()),
            };
        }
        if let Some(reason) = &failure {
            tally.lost(&file.child.name, Code::ChildFailed, reason.clone(), sink)?;
            continue;
        }
        let mut own = Checked::new((&mut bytes).take(file.size)).with_size(Some(file.size));
        tally.give(file.child, &mut own, sink)?;
        let left = own.into_inner().limit();
        position = file.start + file.size - left;
        if let Some(reason) = bytes.failed.take() {
            failure = Some(reason);
        }
    }
    Ok(())
}

enum Method {
    Stored,
    Zip,
    Lzx(Box<Lzxd>),
}

/// A folder's blocks one after another, unpacked.
struct FolderReader<'a, 'b> {
    source: &'a mut Source<'b>,
    method: Method,
    offset: u64,
    extra: u64,
    left: u16,
    /// The block before, which MSZIP may refer to, then the block that is read.
    window: Vec<u8>,
    before: usize,
    at: usize,
    failed: Option<String>,
}

impl<'a, 'b> FolderReader<'a, 'b> {
    fn new(source: &'a mut Source<'b>, folder: Folder, extra: u64) -> io::Result<Self> {
        let method = match folder.kind & 0x0F {
            0 => Method::Stored,
            1 => Method::Zip,
            3 => Method::Lzx(Box::new(Lzxd::new(match folder.kind >> 8 & 0x1F {
                15 => WindowSize::KB32,
                16 => WindowSize::KB64,
                17 => WindowSize::KB128,
                18 => WindowSize::KB256,
                19 => WindowSize::KB512,
                20 => WindowSize::MB1,
                21 => WindowSize::MB2,
                other => return Err(damaged(format!("an LZX window of 2^{other} bytes is not allowed"))),
            }))),
            2 => return Err(damaged("it is packed by Quantum, which is not read")),
            other => return Err(damaged(format!("compression method {other} is not read"))),
        };
        Ok(Self { source, method, offset: folder.offset, extra, left: folder.blocks, window: Vec::new(), before: 0, at: 0, failed: None })
    }

    fn next_block(&mut self) -> io::Result<()> {
        let head = self.source.at(self.offset, 8)?;
        let (Some(packed), Some(size)) = (u16_at(&head, 4), u16_at(&head, 6)) else { return Err(damaged("the cabinet ends too early")) };
        let size = usize::from(size);
        if size > BLOCK_BYTES {
            return Err(damaged(format!("a block says it has {size} bytes")));
        }
        let begin = self.offset + 8 + self.extra;
        let bytes = self.source.at(begin, usize::from(packed))?;
        if bytes.len() < usize::from(packed) {
            return Err(damaged("the cabinet ends too early"));
        }
        self.offset = begin + u64::from(packed);
        self.left -= 1;
        let from = self.window.len().saturating_sub(BLOCK_BYTES);
        self.window.drain(..from);
        self.before = self.window.len();
        self.at = self.before;
        match &mut self.method {
            Method::Stored => self.window.extend_from_slice(&bytes),
            Method::Zip => {
                let Some(deflated) = bytes.strip_prefix(b"CK") else { return Err(damaged("a block does not begin as MSZIP does")) };
                self.window.resize(self.before + size, 0);
                let mut state = DecompressorOxide::new();
                let (_, _, count) = decompress(&mut state, deflated, &mut self.window, self.before, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF);
                self.window.truncate(self.before + count);
            }
            Method::Lzx(lzx) => {
                let out = lzx.decompress_next(&bytes, size).map_err(|error| damaged(error.to_string()))?;
                self.window.extend_from_slice(out);
            }
        }
        if self.window.len() - self.before != size {
            return Err(damaged("a block is damaged"));
        }
        Ok(())
    }
}

impl Read for FolderReader<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.window.len() {
            if self.left == 0 {
                return Ok(0);
            }
            if let Err(error) = self.next_block() {
                self.left = 0;
                self.at = self.window.len();
                self.failed = Some(error.to_string());
                return Err(error);
            }
        }
        let count = (self.window.len() - self.at).min(buffer.len());
        buffer[..count].copy_from_slice(&self.window[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
