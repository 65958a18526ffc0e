//! LHA (LZH), by `delharc`; the names are read here, because they are in the character set of whoever packed them.

use std::io::{self, Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use delharc::LhaHeader;
use delharc::decode::{Decoder, DecoderAny};

use super::checked::{Checked, damaged};
use super::member::{Tally, Writing, dos_time, unix_time};
use crate::document::Sink;
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// How much is decoded at a time.
const STEP_BYTES: usize = 512;

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut tally = Tally::default();
    let mut offset = 0_u64;
    while offset < source.size_bytes() {
        source.seek(SeekFrom::Start(offset))?;
        let header = match catch_unwind(AssertUnwindSafe(|| LhaHeader::read(source))) {
            Ok(Ok(Some(header))) => header,
            Ok(Ok(None)) => break,
            _ => {
                let code = if tally.seen() == 0 { Code::Damaged } else { Code::PartDamaged };
                sink.finding(Finding::new(code, "No member begins here.").at(format!("offset {offset}")))?;
                if code == Code::Damaged {
                    return Ok(());
                }
                break;
            }
        };
        let begin = source.stream_position()?;
        offset = begin.saturating_add(header.compressed_size);
        let mut child = tally.child(&raw_name(&header), Writing::Unknown, sink)?;
        child.size_bytes = Some(header.original_size);
        let (date, time) = (header.last_modified >> 16, header.last_modified & 0xFFFF);
        child.modified = if header.level < 2 {
            dos_time(u16::try_from(date).unwrap_or(0), u16::try_from(time).unwrap_or(0))
        } else {
            unix_time(i64::from(header.last_modified))
        };
        if header.is_directory() {
            tally.folder();
            continue;
        }
        let decoder = DecoderAny::new_from_header(&header, &mut *source);
        if !decoder.is_supported() {
            let method = String::from_utf8_lossy(&header.compression).into_owned();
            tally.lost(&child.name, Code::ChildFailed, format!("compression method {method} is not read"), sink)?;
            continue;
        }
        let bytes = LhaReader { decoder, inner: PhantomData, left: header.original_size, crc: 0, expected: header.file_crc };
        tally.give(child, &mut Checked::new(bytes).with_size(Some(header.original_size)), sink)?;
    }
    tally.finish(sink)
}

/// Bytes of a member; its decoder fills buffers whole and does not know where it ends.
struct LhaReader<D, R> {
    decoder: D,
    inner: PhantomData<R>,
    left: u64,
    crc: u16,
    expected: u16,
}

impl<D: Decoder<R, Error = io::Error>, R> Read for LhaReader<D, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Small steps: when one fails, only it is lost.
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len()).min(STEP_BYTES);
        if count == 0 {
            return if self.left == 0 && self.crc != self.expected { Err(damaged("the checksum (CRC-16) is wrong: the bytes are damaged")) } else { Ok(0) };
        }
        let taken = &mut buffer[..count];
        self.decoder.fill_buffer(taken).map_err(|error| damaged(error.to_string()))?;
        for byte in taken.iter() {
            self.crc ^= u16::from(*byte);
            for _ in 0..8 {
                self.crc = if self.crc & 1 == 1 { self.crc >> 1 ^ 0xA001 } else { self.crc >> 1 };
            }
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Folder and name from the extended headers, else the old field; `0xFF` separates folders.
fn raw_name(header: &LhaHeader) -> Vec<u8> {
    let (mut folder, mut name) = (Vec::new(), Vec::new());
    for extra in header.iter_extra() {
        match extra {
            [1, rest @ ..] => name = rest.to_vec(),
            [2, rest @ ..] => folder = rest.to_vec(),
            _ => {}
        }
    }
    if name.is_empty() {
        name = header.filename.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
    }
    if !folder.is_empty() && !folder.ends_with(&[0xFF]) {
        folder.push(0xFF);
    }
    folder.extend(name);
    folder.iter_mut().filter(|byte| **byte == 0xFF).for_each(|byte| *byte = b'/');
    folder
}
