//! Reading one file: identify, choose the reader, keep the limits, sum up.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::document::{Child, Part, Recognised, Sink, Taken};
use crate::finding::{Code, Finding, Severity};
use crate::identify::{Identified, identify};
use crate::limits::Limits;
use crate::source::{Source, Stop};
use crate::table::Context;

/// How much is looked at to tell a file of nothing but zeros.
const ZERO_BLOCK_BYTES: usize = 64 << 10;

/// What is to be read.
pub struct Request<'a, 'b> {
    /// The bytes.
    pub source: &'a mut Source<'b>,
    /// The name it was deposited under, or its container gives it; may be empty.
    pub name: &'a str,
    /// What it may cost.
    pub limits: &'a Limits,
}

/// What came of reading a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The code of the format in our table; nothing when it is unknown.
    pub format: Option<String>,
    /// PRONOM's identifier.
    pub puid: Option<String>,
    /// The format's name.
    pub format_name: Option<String>,
    /// Media type.
    pub media_type: Option<String>,
    /// Blocks of text.
    pub blocks: u64,
    /// Bytes of text.
    pub text_bytes: u64,
    /// Pages, slides or images told.
    pub pages: u32,
    /// Contained files taken, whole or not.
    pub children: u64,
    /// How heavy the findings are together: what the file counts as.
    pub weight: Option<Severity>,
    /// How often each code was found, listed or not.
    pub findings: BTreeMap<String, u64>,
}

impl Summary {
    /// Counts one thing that was told. Contained files are counted by [`Summary::count_child`].
    pub fn count(&mut self, part: &Part) {
        match part {
            Part::Identified(Recognised { format, puid, name, media_type }) => {
                self.format.clone_from(format);
                self.puid.clone_from(puid);
                self.format_name = Some(name.clone());
                self.media_type.clone_from(media_type);
            }
            Part::Block(block) => {
                self.blocks += 1;
                self.text_bytes += block.text.len() as u64;
            }
            Part::Finding(finding) => {
                *self.findings.entry(finding.code.code().to_owned()).or_default() += 1;
                self.weight = self.weight.max(Some(finding.severity));
            }
            Part::Page { .. } => self.pages = self.pages.saturating_add(1),
            Part::Property(_) => {}
        }
    }

    /// Counts a contained file.
    pub fn count_child(&mut self) {
        self.children += 1;
    }
}

/// Reads a file and tells the sink. `Err` only when the bytes could not be had or the sink refused; never because of what the file is.
pub fn read(request: Request<'_, '_>, sink: &mut dyn Sink) -> io::Result<Summary> {
    let Request { source, name, limits } = request;
    let mut limited = Limited { sink, limits, summary: Summary::default(), child_bytes: 0, source_bytes: source.size_bytes(), properties: 0, listed: 0 };
    match choose(source, name, limits, &mut limited) {
        Ok(()) | Err(Stop::Limit) => Ok(limited.summary),
        Err(Stop::Io(error)) => Err(error),
    }
}

fn choose(source: &mut Source<'_>, name: &str, limits: &Limits, sink: &mut Limited<'_>) -> Result<(), Stop> {
    if source.size_bytes() == 0 {
        return sink.finding(Finding::new(Code::Empty, Code::Empty.meaning()));
    }
    let Some(Identified { puid, name: format_name, media_type, format, mislabelled, .. }) = identify(source, name)? else {
        let code = if is_zero_filled(source)? { Code::ZeroFilled } else { Code::Unknown };
        return sink.finding(Finding::new(code, code.meaning()));
    };
    sink.part(Part::Identified(Recognised { format: format.map(|format| format.code.to_owned()), puid, name: format_name, media_type }))?;
    if is_zero_filled(source)? {
        return sink.finding(Finding::new(Code::ZeroFilled, Code::ZeroFilled.meaning()));
    }
    if let Some(text) = mislabelled {
        sink.finding(Finding::new(Code::Mislabelled, text))?;
    }
    let Some(format) = format else {
        return sink.finding(Finding::new(Code::NoReader, Code::NoReader.meaning()));
    };
    let Some(reader) = format.reader else {
        return sink.finding(Finding::new(Code::NoReader, format!("{}: {}", format.name, Code::NoReader.meaning())));
    };
    io::Seek::rewind(source)?;
    reader(source, &Context { format, name, limits }, sink)
}

fn is_zero_filled(source: &mut Source<'_>) -> io::Result<bool> {
    let mut offset = 0;
    while offset < source.size_bytes() {
        let block = source.at(offset, ZERO_BLOCK_BYTES)?;
        if block.is_empty() || block.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset += block.len() as u64;
    }
    Ok(true)
}

/// Keeps the limits between a reader and who listens, and counts.
struct Limited<'a> {
    sink: &'a mut dyn Sink,
    limits: &'a Limits,
    summary: Summary,
    source_bytes: u64,
    child_bytes: u64,
    properties: u32,
    listed: u32,
}

impl Limited<'_> {
    fn stop(&mut self, code: Code, text: String) -> Result<(), Stop> {
        self.finding(Finding::new(code, text))?;
        Err(Stop::Limit)
    }
}

impl Sink for Limited<'_> {
    fn part(&mut self, part: Part) -> Result<(), Stop> {
        match &part {
            Part::Block(block) => {
                if block.text.trim().is_empty() {
                    return Ok(());
                }
                if self.summary.blocks == self.limits.blocks {
                    return self.stop(Code::LimitBlocks, format!("Text after the first {} paragraphs was not read.", self.limits.blocks));
                }
                if self.summary.text_bytes + block.text.len() as u64 > self.limits.text_bytes {
                    return self.stop(Code::LimitText, format!("Text after the first {} bytes was not read.", self.summary.text_bytes));
                }
            }
            Part::Property(property) => {
                if property.value.len() as u64 > u64::from(self.limits.property_bytes) {
                    let text = format!("{} has {} bytes and was left out.", property.name, property.value.len());
                    return self.finding(Finding::new(Code::LimitProperties, text));
                }
                if self.properties == self.limits.properties {
                    self.properties += 1;
                    return self.finding(Finding::new(Code::LimitProperties, format!("Only the first {} properties were taken.", self.limits.properties)));
                }
                if self.properties > self.limits.properties {
                    return Ok(());
                }
                self.properties += 1;
            }
            Part::Finding(_) => {
                if self.listed == self.limits.findings {
                    self.listed += 1;
                    let text = format!("Only the first {} findings are listed; all are counted.", self.limits.findings);
                    self.summary.count(&part);
                    let last = Part::Finding(Finding::new(Code::LimitFindings, text));
                    self.summary.count(&last);
                    return self.sink.part(last);
                }
                if self.listed > self.limits.findings {
                    self.summary.count(&part);
                    return Ok(());
                }
                self.listed += 1;
            }
            Part::Page { .. } | Part::Identified(_) => {}
        }
        self.summary.count(&part);
        self.sink.part(part)
    }

    fn child(&mut self, child: Child, bytes: &mut dyn Read) -> Result<Taken, Stop> {
        if self.summary.children == self.limits.children {
            self.stop(Code::LimitChildren, format!("Only the first {} contained files were taken out.", self.limits.children))?;
        }
        self.summary.count_child();
        let most = self.source_bytes.saturating_mul(self.limits.ratio).max(self.limits.ratio_free_bytes).min(self.limits.children_bytes);
        let left = most.saturating_sub(self.child_bytes);
        let place = child.name.clone();
        let mut measured = Measured { bytes, left: left.min(self.limits.child_bytes), taken: 0, has_hit: false, error: None };
        let taken = self.sink.child(child, &mut measured)?;
        let (count, has_hit, error) = (measured.taken, measured.has_hit, measured.error);
        self.child_bytes += count;
        let is_whole = taken.is_whole && !has_hit && error.is_none();
        if let Some(error) = error {
            self.finding(Finding::new(Code::ChildFailed, format!("{count} bytes were taken, then: {error}")).at(place.clone()))?;
        }
        if has_hit {
            let text = format!("{count} bytes were taken; the rest was left out.");
            if count >= self.limits.child_bytes {
                self.finding(Finding::new(Code::LimitChildBytes, text).at(place))?;
            } else {
                self.finding(Finding::new(Code::LimitExpansion, text).at(place))?;
                return Err(Stop::Limit);
            }
        }
        Ok(Taken { bytes: count, is_whole })
    }
}

/// Lets through so many bytes and remembers whether there were more.
struct Measured<'a> {
    bytes: &'a mut dyn Read,
    left: u64,
    taken: u64,
    has_hit: bool,
    error: Option<String>,
}

impl Measured<'_> {
    fn read_inner(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.error = Some(error.to_string());
            }
        })
    }
}

impl Read for Measured<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.has_hit {
            return Ok(0);
        }
        if self.left == 0 {
            self.has_hit = self.read_inner(&mut [0])? > 0;
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.read_inner(&mut buffer[..most])?;
        self.left -= count as u64;
        self.taken += count as u64;
        Ok(count)
    }
}
