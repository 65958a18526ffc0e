//! Single compressed files: one contained file each. Several streams one after another are one content, as their programs treat them.

use std::io::{self, BufRead, BufReader, Read};

use super::checked::{Checked, damaged};
use super::lzw::LzwReader;
use super::member::{decode_name, tell, unix_time};
use crate::document::{Child, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Most memory of one decoder's window, in KiB; larger ones are an error of that member.
pub(super) const DECODER_KIB: u32 = 512 << 10;

/// Gzip (RFC 1952): name, time and comment of its first member.
pub fn read_gzip(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let name = context.name.to_ascii_lowercase();
    if name.ends_with(".warc.gz") || name.ends_with(".arc.gz") {
        // Each record is a gzip member of its own: a damaged one is only lost alone when both are read together.
        return crate::readers::warc::read(source, context, sink);
    }
    let mut child = unwrapped(context.name);
    let mut bytes = GzipReader::new(BufReader::new(source));
    let mut first = Vec::new();
    // The header is read with the first byte; what comes is given back below.
    let opened = (&mut bytes).take(1).read_to_end(&mut first);
    if let Some(header) = bytes.header() {
        if let Some(name) = header.filename() {
            let (name, _) = decode_name(name);
            if std::str::from_utf8(header.filename().unwrap_or_default()).is_err() {
                child.name_bytes = header.filename().map(<[u8]>::to_vec);
            }
            child.name = name;
        }
        child.modified = (header.mtime() != 0).then(|| unix_time(i64::from(header.mtime()))).flatten();
        tell(&mut child, "gzip:comment", header.comment().map(|comment| decode_name(comment).0).unwrap_or_default());
    } else if let Err(error) = opened {
        return sink.finding(Finding::new(Code::Damaged, error.to_string()));
    }
    let failed = opened.err();
    let mut all = Checked::new(first.as_slice().chain(Failing(failed)).chain(&mut bytes));
    sink.child(child, &mut all)?;
    if let Some(rest) = bytes.trailing {
        sink.finding(Finding::new(Code::TrailingBytes, format!("After {rest} bytes of the compressed file something else begins.")))?;
    }
    Ok(())
}

/// Bzip2.
pub fn read_bzip2(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    give(context, sink, Ok(bzip2::bufread::MultiBzDecoder::new(BufReader::new(source))))
}

/// XZ.
pub fn read_xz(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    give(context, sink, Ok(xz(BufReader::new(source))))
}

/// LZMA alone (`.lzma`).
pub fn read_lzma(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    give(context, sink, lzma_rust2::LzmaReader::new_mem_limit(BufReader::new(source), DECODER_KIB, None))
}

/// Lzip.
pub fn read_lzip(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    give(context, sink, Ok(lzma_rust2::LzipReader::new(BufReader::new(source))))
}

/// Zstandard (RFC 8878), skippable frames between others too.
pub fn read_zstd(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    give(context, sink, zstd(BufReader::new(source)))
}

/// LZ4 frames.
pub fn read_lz4(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    give(context, sink, Ok(Frames(lz4_flex::frame::FrameDecoder::new(BufReader::new(source)))))
}

/// Unix `compress` (`.Z`).
pub fn read_z(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    give(context, sink, LzwReader::new(BufReader::new(source)))
}

/// A zlib stream (RFC 1950) in a file of its own.
pub fn read_zlib(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    give(context, sink, Ok(flate2::bufread::ZlibDecoder::new(BufReader::new(source))))
}

/// XZ, its window bounded.
pub(super) fn xz<R: Read>(packed: R) -> impl Read {
    lzma_rust2::XzReader::new_mem_limit(packed, true, DECODER_KIB)
}

/// LZMA without a header, its window bounded.
pub(super) fn lzma<R: Read>(packed: R, properties: u8, dictionary: u32, size: u64) -> io::Result<impl Read> {
    if lzma_rust2::lzma_get_memory_usage_by_props(dictionary, properties)? > DECODER_KIB {
        return Err(damaged(format!("its dictionary of {dictionary} bytes is larger than the limit")));
    }
    lzma_rust2::LzmaReader::new_with_props(packed, size, properties, dictionary, None)
}

/// Zstandard, its window bounded.
pub(crate) fn zstd<R: Read>(packed: R) -> io::Result<ZstdReader<R>> {
    let mut reader = ZstdReader { packed: Some(Pushback { head: Vec::new(), inner: packed }), frame: None, frames: 0 };
    reader.open()?;
    Ok(reader)
}

fn give<R: Read>(context: &Context<'_>, sink: &mut dyn Sink, bytes: io::Result<R>) -> Result<(), Stop> {
    match bytes {
        Ok(bytes) => sink.child(unwrapped(context.name), &mut Checked::new(bytes)).map(|_| ()),
        Err(error) => sink.finding(Finding::new(Code::Damaged, error.to_string())),
    }
}

/// The content under the name of its wrapper without the last extension; `.tgz` and its like wrap a `.tar`.
fn unwrapped(name: &str) -> Child {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_tar = matches!(extension.to_ascii_lowercase().as_str(), "tgz" | "tbz" | "tbz2" | "txz" | "tlz" | "tzst" | "taz");
    Child::new(ChildRole::Content, if is_tar { format!("{stem}.tar") } else { stem.to_owned() })
}

/// Members of a gzip file one after another, until something else comes.
pub(crate) struct GzipReader<R: BufRead> {
    member: Option<flate2::bufread::GzDecoder<Counting<R>>>,
    header: Option<flate2::GzHeader>,
    used: u64,
    /// Where something else begins, in packed bytes.
    pub(crate) trailing: Option<u64>,
    /// What was wrong, when reading failed.
    pub(crate) failed: Option<String>,
}

impl<R: BufRead> GzipReader<R> {
    /// Begins where `inner` stands.
    pub(crate) fn new(inner: R) -> Self {
        Self { member: Some(flate2::bufread::GzDecoder::new(Counting { inner, count: 0 })), header: None, used: 0, trailing: None, failed: None }
    }

    /// How many packed bytes were used so far.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.member.as_ref().map_or(self.used, |member| member.get_ref().count)
    }

    fn header(&self) -> Option<&flate2::GzHeader> {
        self.header.as_ref().or_else(|| self.member.as_ref().and_then(flate2::bufread::GzDecoder::header))
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer).inspect_err(|error| self.failed = Some(error.to_string()))?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(member) = self.member.take() else { break };
            if self.header.is_none() {
                self.header = member.header().cloned();
            }
            let mut inner = member.into_inner();
            // Tapes pad with zeros.
            loop {
                self.used = inner.count;
                let ready = inner.fill_buf()?;
                if ready.is_empty() {
                    return Ok(0);
                }
                let zeros = ready.iter().take_while(|byte| **byte == 0).count();
                let is_other = zeros < ready.len();
                let is_gzip = ready.get(zeros) == Some(&0x1F);
                inner.consume(zeros);
                if is_gzip {
                    self.member = Some(flate2::bufread::GzDecoder::new(inner));
                    break;
                }
                if is_other {
                    self.trailing = Some(inner.count);
                    return Ok(0);
                }
            }
        }
        Ok(0)
    }
}

/// Counts the packed bytes that were used.
struct Counting<R> {
    inner: R,
    count: u64,
}

impl<R: BufRead> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.count += count as u64;
        self.inner.consume(count);
    }
}

/// Fails once, when there is something to fail with: an error that came before its time.
pub(crate) struct Failing(pub(crate) Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Frames of LZ4 one after another: its decoder stops at the end of each.
struct Frames<R: Read>(lz4_flex::frame::FrameDecoder<BufReader<R>>);

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.0.read(buffer)?;
            if count > 0 || buffer.is_empty() || self.0.get_mut().fill_buf()?.is_empty() {
                return Ok(count);
            }
        }
    }
}

/// Bytes that were looked at are given back before the rest.
pub(crate) struct Pushback<R> {
    head: Vec<u8>,
    inner: R,
}

impl<R: Read> Read for Pushback<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.head.is_empty() {
            return self.inner.read(buffer);
        }
        let count = self.head.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.head[..count]);
        self.head.drain(..count);
        Ok(count)
    }
}

type ZstdFrame<R> = ruzstd::decoding::StreamingDecoder<Pushback<R>, ruzstd::decoding::FrameDecoder>;

/// Frames of Zstandard one after another.
pub(crate) struct ZstdReader<R: Read> {
    packed: Option<Pushback<R>>,
    frame: Option<ZstdFrame<R>>,
    frames: u64,
}

impl<R: Read> ZstdReader<R> {
    /// Opens the next frame, skipping those that hold no content; false at the end.
    fn open(&mut self) -> io::Result<bool> {
        let Some(mut packed) = self.packed.take() else { return Ok(false) };
        loop {
            let mut magic = Vec::new();
            (&mut packed).take(4).read_to_end(&mut magic)?;
            if magic.is_empty() {
                return Ok(false);
            }
            if magic.len() == 4 && magic[0] & 0xF0 == 0x50 && magic[1..] == [0x2A, 0x4D, 0x18] {
                let mut size = [0; 4];
                packed.read_exact(&mut size)?;
                let size = u64::from(u32::from_le_bytes(size));
                if io::copy(&mut (&mut packed).take(size), &mut io::sink())? < size {
                    return Err(damaged("a skippable frame ends too early"));
                }
                continue;
            }
            packed.head = magic;
            let most = u64::from(DECODER_KIB) << 10;
            let frame = ZstdFrame::new_with_max_window_size(packed, most).map_err(|error| damaged(format!("frame {}: {error}", self.frames + 1)))?;
            self.frames += 1;
            self.frame = Some(frame);
            return Ok(true);
        }
    }
}

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(frame) = &mut self.frame {
            let count = frame.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(frame) = self.frame.take() else { break };
            let (packed, decoder) = frame.into_parts();
            if let (Some(expected), Some(found)) = (decoder.get_checksum_from_data(), decoder.get_calculated_checksum())
                && expected != found
            {
                return Err(damaged("the checksum (XXH64) is wrong: the bytes are damaged"));
            }
            self.packed = Some(packed);
            self.open()?;
        }
        Ok(0)
    }
}
