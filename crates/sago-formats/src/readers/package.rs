//! Packages: documents that are a ZIP file of parts (Office Open XML, OpenDocument, HWPX, EPUB, XPS).
//!
//! The list of parts comes from the central directory (APPNOTE.TXT 4.3.12); when that is damaged or lost, from the local headers that are found by scanning.
//! Parts are read by need, each as a stream; how much all of them together may unpack to is bounded. A part's checksum is judged at its end.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use crate::document::{Child, ChildRole, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::limits::Limits;
use crate::readers::little;
use crate::source::{Source, Stop};

/// Signature of a local file header.
const LOCAL: &[u8; 4] = b"PK\x03\x04";
/// Length of a local file header without name and extra field.
const LOCAL_BYTES: u64 = 30;
/// How much is looked at in one step when local headers are searched.
const SCAN_BYTES: usize = 1 << 20;
/// Method of an entry that is not packed.
const STORED: u16 = 0;
/// Method of a deflated entry.
const DEFLATED: u16 = 8;

/// One part.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its name, with `/` between folders, without one in front.
    pub name: String,
    start: u64,
    packed_bytes: u64,
    /// Length as the package says; nothing when only a scan found it.
    pub size_bytes: Option<u64>,
    crc32: Option<u32>,
    method: u16,
    is_encrypted: bool,
}

/// A package whose parts can be read.
pub(crate) struct Package<'s, 'b> {
    source: &'s mut Source<'b>,
    entries: Vec<Entry>,
    names: HashMap<String, usize>,
    seen: Vec<bool>,
    left_bytes: u64,
    memory_bytes: u64,
}

impl<'s, 'b> Package<'s, 'b> {
    /// Lists the parts. Nothing, with a finding, when there is none.
    pub fn open(source: &'s mut Source<'b>, limits: &Limits, sink: &mut dyn Sink) -> Result<Option<Self>, Stop> {
        let most = usize::try_from(limits.children).unwrap_or(usize::MAX);
        let mut entries = match listed(source) {
            Ok(entries) if !entries.is_empty() => entries,
            other => {
                let why = match other {
                    Ok(_) => "it lists nothing".to_owned(),
                    Err(why) => why,
                };
                let found = scanned(source, most)?;
                if found.is_empty() {
                    let text = format!("The file should be a ZIP package and holds no part that can be read: {why}.");
                    sink.finding(Finding::new(Code::Damaged, text))?;
                    return Ok(None);
                }
                let text = format!("The list of the package's parts cannot be read ({why}); {} parts were found by searching for them.", found.len());
                sink.finding(Finding::new(Code::PartDamaged, text))?;
                found
            }
        };
        if entries.len() > most {
            let text = format!("Only the first {most} of {} parts of the package were looked at.", entries.len());
            sink.finding(Finding::new(Code::LimitChildren, text))?;
            entries.truncate(most);
        }
        let mut names = HashMap::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            // The last of the same name counts, as in the programs that write such packages by appending; the others stay in the list.
            names.insert(key(&entry.name), index);
        }
        let left_bytes = source.size_bytes().saturating_mul(limits.ratio).max(limits.ratio_free_bytes);
        let seen = vec![false; entries.len()];
        Ok(Some(Self { source, entries, names, seen, left_bytes, memory_bytes: limits.memory_bytes }))
    }

    /// All parts, in the order of the list.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The part of this name; case does not matter (ISO/IEC 29500-2, 6.2.2).
    pub fn find(&self, name: &str) -> Option<usize> {
        self.names.get(&key(name)).copied()
    }

    /// Names of parts that begin and end so, sorted with numbers by their value.
    pub fn named(&self, prefix: &str, suffix: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .entries
            .iter()
            .map(|entry| entry.name.clone())
            .filter(|name| {
                let name = key(name);
                name.starts_with(&key(prefix)) && name.ends_with(suffix)
            })
            .collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.dedup();
        names
    }

    /// Says that a part has been dealt with, so that it is not told as a child.
    pub fn mark(&mut self, index: usize) {
        if let Some(seen) = self.seen.get_mut(index) {
            *seen = true;
        }
    }

    /// Whether the part was read or marked.
    pub fn is_seen(&self, index: usize) -> bool {
        self.seen.get(index).copied().unwrap_or(true)
    }

    /// Opens a part as a stream. Failures while reading are `InvalidData`, `UnexpectedEof` or `QuotaExceeded`.
    pub fn stream(&mut self, index: usize) -> Result<PartReader<'_>, Finding> {
        self.mark(index);
        let Some(entry) = self.entries.get(index) else {
            return Err(Finding::new(Code::ChildMissing, "The part is not there."));
        };
        if entry.is_encrypted {
            return Err(Finding::new(Code::PartEncrypted, "The part is encrypted.").at(entry.name.clone()));
        }
        let window = Window { source: self.source, position: entry.start, left: entry.packed_bytes };
        let bytes: Box<dyn Read + '_> = match entry.method {
            STORED => Box::new(window),
            DEFLATED => Box::new(DeflateDecoder::new(BufReader::with_capacity(32 << 10, window))),
            other => return Err(Finding::new(Code::Feature, format!("The part is packed by method {other}, which is not read.")).at(entry.name.clone())),
        };
        Ok(PartReader { bytes, left_bytes: &mut self.left_bytes, crc: Crc::new(), wanted: entry.crc32, size_bytes: entry.size_bytes, taken: 0, is_over: false })
    }

    /// The whole part in memory; what could not be read is told. Nothing when the part is absent, which is not told.
    pub fn bytes(&mut self, name: &str, sink: &mut dyn Sink) -> Result<Option<Vec<u8>>, Stop> {
        let Some(index) = self.find(name) else { return Ok(None) };
        let memory_bytes = self.memory_bytes;
        let mut bytes = Vec::new();
        match self.stream(index) {
            Err(finding) => {
                sink.finding(finding)?;
                return Ok(None);
            }
            Ok(part) => {
                if let Err(error) = part.take(memory_bytes.saturating_add(1)).read_to_end(&mut bytes) {
                    sink.finding(told(error, name)?)?;
                }
            }
        }
        if bytes.len() as u64 > memory_bytes {
            bytes.truncate(usize::try_from(memory_bytes).unwrap_or(usize::MAX));
            sink.finding(Finding::new(Code::LimitMemory, format!("Only the first {memory_bytes} bytes were read.")).at(name))?;
        }
        Ok(Some(bytes))
    }

    /// Hands on as contained files what was neither read nor marked; `role` says as what, or that it holds nothing worth it.
    pub fn rest(&mut self, sink: &mut dyn Sink, role: impl Fn(&str) -> Option<ChildRole>) -> Result<(), Stop> {
        for index in 0..self.entries.len() {
            if self.is_seen(index) {
                continue;
            }
            if let Some(role) = role(&self.entries[index].name) {
                self.child(index, role, None, sink)?;
            }
        }
        Ok(())
    }

    /// Hands a part on as a contained file.
    pub fn child(&mut self, index: usize, role: ChildRole, media_type: Option<String>, sink: &mut dyn Sink) -> Result<(), Stop> {
        let Some(entry) = self.entries.get(index) else { return Ok(()) };
        let (name, size_bytes) = (entry.name.clone(), entry.size_bytes);
        let mut child = Child::new(role, name.clone());
        child.size_bytes = size_bytes;
        child.media_type = media_type;
        // What a child may unpack to is bounded by the sink, for all children together.
        let mut unbounded = u64::MAX;
        match self.stream(index) {
            Ok(mut part) => {
                part.left_bytes = &mut unbounded;
                sink.child(child, &mut part)?;
            }
            Err(finding) => sink.finding(Finding { code: Code::ChildFailed, severity: Severity::Loss, ..finding }.at(name))?,
        }
        Ok(())
    }
}

/// Names are compared without case, without the slash in front, with slashes only.
fn key(name: &str) -> String {
    name.trim_start_matches('/').replace('\\', "/").to_ascii_lowercase()
}

/// A failure to read as a finding, or a stop when it is not the file's fault.
pub(crate) fn told(error: io::Error, place: &str) -> Result<Finding, Stop> {
    if error.raw_os_error().is_some() {
        return Err(error.into());
    }
    let code = match error.kind() {
        io::ErrorKind::QuotaExceeded => Code::LimitExpansion,
        io::ErrorKind::UnexpectedEof => Code::Truncated,
        _ => Code::PartDamaged,
    };
    Ok(Finding::new(code, format!("{error}.")).at(place))
}

/// The parts that the central directory lists.
fn listed(source: &mut Source<'_>) -> Result<Vec<Entry>, String> {
    source.rewind().map_err(|error| error.to_string())?;
    let mut archive = zip::ZipArchive::new(source).map_err(|error| error.to_string())?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let Ok(file) = archive.by_index_raw(index) else { continue };
        let name = file.name().map_or_else(|_| String::from_utf8_lossy(file.name_raw()).into_owned(), |name| name.into_owned());
        let (Some(start), false) = (file.data_start(), file.is_dir()) else { continue };
        let method = match file.compression() {
            zip::CompressionMethod::Stored => STORED,
            zip::CompressionMethod::Deflated => DEFLATED,
            _ => u16::MAX,
        };
        entries.push(Entry {
            name: name.trim_start_matches('/').replace('\\', "/"),
            start,
            packed_bytes: file.compressed_size(),
            size_bytes: Some(file.size()),
            crc32: Some(file.crc32()),
            method,
            is_encrypted: file.encrypted(),
        });
    }
    Ok(entries)
}

/// The parts whose local headers are found by searching (APPNOTE.TXT 4.3.7), so many at most. Lengths that stand behind the data are not known then.
fn scanned(source: &mut Source<'_>, most: usize) -> Result<Vec<Entry>, Stop> {
    let mut entries = Vec::new();
    let mut offset = 0_u64;
    while offset + LOCAL_BYTES <= source.size_bytes() && entries.len() < most {
        let block = source.at(offset, SCAN_BYTES)?;
        // Where the next block begins: a signature may lie across two.
        let mut next = offset + block.len().saturating_sub(LOCAL.len() - 1).max(1) as u64;
        let mut at = 0;
        while let Some(place) = block.get(at..).and_then(|rest| rest.windows(LOCAL.len()).position(|window| window == LOCAL)) {
            at += place + LOCAL.len();
            let Some((entry, end)) = local(source, offset + (at - LOCAL.len()) as u64)? else { continue };
            entries.push(entry);
            if entries.len() >= most {
                break;
            }
            if let Some(end) = end {
                if end >= next {
                    next = end;
                    break;
                }
                at = usize::try_from(end - offset).unwrap_or(usize::MAX).max(at);
            }
        }
        offset = next;
    }
    Ok(entries)
}

/// The part whose local header is here, and where its data ends when that is known.
fn local(source: &mut Source<'_>, header_at: u64) -> Result<Option<(Entry, Option<u64>)>, Stop> {
    let header = source.at(header_at, 30)?;
    let word = |at: usize| little::u16_at(&header, at).unwrap_or(0);
    let long = |at: usize| little::u32_at(&header, at).unwrap_or(0);
    let (flags, method) = (word(6), word(8));
    let start = header_at + LOCAL_BYTES + u64::from(word(26)) + u64::from(word(28));
    let name = source.at(header_at + LOCAL_BYTES, usize::from(word(26)))?;
    if name.is_empty() || start > source.size_bytes() || name.ends_with(b"/") {
        return Ok(None);
    }
    let is_sized = flags & 8 == 0 && long(18) != u32::MAX;
    let left = source.size_bytes() - start;
    let packed_bytes = if is_sized { u64::from(long(18)).min(left) } else { left };
    let entry = Entry {
        name: String::from_utf8_lossy(&name).trim_start_matches('/').replace('\\', "/"),
        start,
        packed_bytes,
        size_bytes: is_sized.then(|| u64::from(long(22))),
        crc32: is_sized.then(|| long(14)),
        method: if !is_sized && method == STORED { u16::MAX } else { method },
        is_encrypted: flags & 1 != 0,
    };
    Ok(Some((entry, is_sized.then_some(start + packed_bytes))))
}

/// A stretch of the source.
struct Window<'a, 'b> {
    source: &'a mut Source<'b>,
    position: u64,
    left: u64,
}

impl Read for Window<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        self.source.seek(SeekFrom::Start(self.position))?;
        let count = self.source.read(&mut buffer[..most])?;
        self.position += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// A part as it is unpacked.
pub(crate) struct PartReader<'a> {
    bytes: Box<dyn Read + 'a>,
    left_bytes: &'a mut u64,
    crc: Crc,
    wanted: Option<u32>,
    size_bytes: Option<u64>,
    taken: u64,
    is_over: bool,
}

impl Read for PartReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.is_over {
            return Ok(0);
        }
        if *self.left_bytes == 0 {
            self.is_over = true;
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                format!("the package unpacks to more than it may; {} bytes of this part were read", self.taken),
            ));
        }
        let most = usize::try_from(*self.left_bytes).unwrap_or(usize::MAX).min(buffer.len());
        let count = match self.bytes.read(&mut buffer[..most]) {
            Ok(count) => count,
            Err(error) if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.is_over = true;
                let kind = if error.kind() == io::ErrorKind::UnexpectedEof { error.kind() } else { io::ErrorKind::InvalidData };
                return Err(io::Error::new(kind, format!("its packed bytes are damaged after {} bytes ({error})", self.taken)));
            }
        };
        if count > 0 {
            self.crc.update(&buffer[..count]);
            self.taken += count as u64;
            *self.left_bytes -= count as u64;
            return Ok(count);
        }
        self.is_over = true;
        if self.size_bytes.is_some_and(|size| size > self.taken) {
            let text = format!("it ends after {} of {} bytes", self.taken, self.size_bytes.unwrap_or_default());
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        if self.wanted.is_some_and(|wanted| wanted != self.crc.sum()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not fit its bytes"));
        }
        Ok(0)
    }
}
