//! Property sets (MS-OLEPS): what old Office and HWP say about a document: title, authors, times, counts, and what people added.

use std::collections::HashMap;

use super::Compound;
use crate::document::{Child, ChildRole, Sink};
use crate::finding::{Code, Finding};
use crate::readers::codepage::CodePage;
use crate::readers::little::{f64_at, size_at, slice, u16_at, u32_at, u64_at, utf16};
use crate::source::Stop;

/// Most properties of a set that are read.
const MOST_PROPERTIES: usize = 10_000;
/// Most values of a vector that are read.
const MOST_VALUES: usize = 10_000;
/// The set of `\u{5}SummaryInformation`.
const SUMMARY: [u8; 4] = [0xe0, 0x85, 0x9f, 0xf2];
/// The first set of `\u{5}DocumentSummaryInformation`.
const DOCUMENT_SUMMARY: [u8; 4] = [0x02, 0xd5, 0xcd, 0xd5];

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Text, numbers and yes or no, as text.
    Text(String),
    /// A FILETIME: 100 nanoseconds since 1601, or a length of time.
    Time(u64),
    /// Bytes: a picture, a blob.
    Bytes(Vec<u8>),
    /// Several values.
    Many(Vec<Value>),
}

/// A set of properties.
#[derive(Debug, Clone, Default)]
pub(crate) struct PropertySet {
    /// Which kind of set.
    pub format: [u8; 16],
    /// Numbers and values, in the order of the file.
    pub values: Vec<(u32, Value)>,
    /// Names of those that have one.
    pub names: HashMap<u32, String>,
}

impl PropertySet {
    /// Reads the sets of a stream, as far as they can be read.
    pub fn read(bytes: &[u8], findings: &mut Vec<Finding>) -> Vec<Self> {
        let mut sets = Vec::new();
        let count = size_at(bytes, 24).unwrap_or(0);
        for index in 0..count.min(4) {
            let at = 28 + 20 * index;
            let set = size_at(bytes, at + 16).and_then(|offset| bytes.get(offset..)).and_then(|set| Self::section(set, findings));
            match (set, slice(bytes, at, 16).and_then(|format| format.try_into().ok())) {
                (Some(set), Some(format)) => sets.push(Self { format, ..set }),
                _ => findings.push(Finding::new(Code::PartDamaged, "A set of properties is damaged.").at("properties")),
            }
        }
        sets
    }

    fn section(set: &[u8], findings: &mut Vec<Finding>) -> Option<Self> {
        let count = size_at(set, 4)?;
        if count > MOST_PROPERTIES {
            findings.push(Finding::new(Code::LimitProperties, format!("Only the first {MOST_PROPERTIES} of {count} were read.")).at("properties"));
        }
        let places: Vec<(u32, usize)> =
            (0..count.min(MOST_PROPERTIES)).map_while(|index| Some((u32_at(set, 8 + 8 * index)?, size_at(set, 12 + 8 * index)?))).collect();
        let number = places.iter().find(|(id, _)| *id == 1).and_then(|(_, at)| u16_at(set, at.checked_add(4)?)).unwrap_or(1252);
        let page = CodePage::by_number(u32::from(number)).unwrap_or_else(|| {
            findings.push(Finding::new(Code::EncodingDoubtful, format!("Code page {number} is not known; 1252 was taken.")).at("properties"));
            CodePage::WESTERN
        });
        let mut read = Self::default();
        for (id, at) in places {
            match id {
                0 => read.names = dictionary(set, at, page, number == 1200).unwrap_or_default(),
                1 | 0x8000_0000.. => {}
                _ => match u16_at(set, at).and_then(|kind| variant(set, at.checked_add(4)?, u32::from(kind), page, 1)) {
                    Some((value, _)) => read.values.push((id, value)),
                    None => findings
                        .push(Finding::new(Code::PartDamaged, format!("Property {id} could not be read.")).at("properties").weighing(crate::Severity::Note)),
                },
            }
        }
        Some(read)
    }
}

fn dictionary(set: &[u8], at: usize, page: CodePage, is_wide: bool) -> Option<HashMap<u32, String>> {
    let count = size_at(set, at)?.min(MOST_PROPERTIES);
    let mut names = HashMap::new();
    let mut at = at.checked_add(4)?;
    for _ in 0..count {
        let (Some(id), Some(length)) = (u32_at(set, at), size_at(set, at + 4)) else { break };
        let length = if is_wide { length.checked_mul(2)? } else { length };
        let Some(bytes) = slice(set, at + 8, length) else { break };
        let name = if is_wide { utf16(bytes) } else { page.decode(bytes).text };
        names.insert(id, name.trim_end_matches('\0').to_owned());
        at += 8 + if is_wide { length.next_multiple_of(4) } else { length };
    }
    Some(names)
}

/// A value of a kind at a place, and how many bytes it takes.
pub(crate) fn variant(bytes: &[u8], at: usize, kind: u32, page: CodePage, depth: u32) -> Option<(Value, usize)> {
    let text = |text: String| Value::Text(text);
    Some(match kind {
        0 | 1 => (text(String::new()), 0),
        2 => (text((u16_at(bytes, at)? as i16).to_string()), 4),
        3 | 10 | 22 => (text((u32_at(bytes, at)? as i32).to_string()), 4),
        4 => (text(f32::from_bits(u32_at(bytes, at)?).to_string()), 4),
        5 => (text(f64_at(bytes, at)?.to_string()), 8),
        6 => (text((u64_at(bytes, at)? as i64 as f64 / 10_000.0).to_string()), 8),
        7 => (text(variant_date(f64_at(bytes, at)?)), 8),
        11 => (text((u16_at(bytes, at)? != 0).to_string()), 4),
        16 => (text((*bytes.get(at)? as i8).to_string()), 4),
        17 => (text(bytes.get(at)?.to_string()), 4),
        18 => (text(u16_at(bytes, at)?.to_string()), 4),
        19 | 23 => (text(u32_at(bytes, at)?.to_string()), 4),
        20 => (text((u64_at(bytes, at)? as i64).to_string()), 8),
        21 => (text(u64_at(bytes, at)?.to_string()), 8),
        8 | 30 => {
            let length = size_at(bytes, at)?;
            let raw = slice(bytes, at + 4, length)?;
            let decoded = page.decode(raw).text;
            // In a list they follow each other without filling.
            let taken = if depth == 0 { length } else { length.next_multiple_of(4) };
            (text(decoded.split('\0').next().unwrap_or_default().to_owned()), 4 + taken)
        }
        31 => {
            let length = size_at(bytes, at)?.checked_mul(2)?;
            let decoded = utf16(slice(bytes, at + 4, length)?);
            (text(decoded.split('\0').next().unwrap_or_default().to_owned()), 4 + length.next_multiple_of(4))
        }
        64 => (Value::Time(u64_at(bytes, at)?), 8),
        65 | 70 | 71 => {
            let length = size_at(bytes, at)?;
            (Value::Bytes(slice(bytes, at + 4, length)?.to_vec()), 4 + length.next_multiple_of(4))
        }
        72 => (text(guid(slice(bytes, at, 16)?)), 16),
        0x1000..=0x10ff if depth > 0 => {
            let count = size_at(bytes, at)?.min(MOST_VALUES);
            let (mut values, mut next) = (Vec::new(), at + 4);
            for _ in 0..count {
                let inner = kind & 0xff;
                let (value, length) = if inner == 12 {
                    let (value, length) = variant(bytes, next + 4, u32::from(u16_at(bytes, next)?), page, 0)?;
                    (value, length + 4)
                } else {
                    variant(bytes, next, inner, page, 0)?
                };
                values.push(value);
                next += length;
            }
            (Value::Many(values), next - at)
        }
        _ => return None,
    })
}

impl Value {
    /// The value as text; several joined by semicolons, bytes as nothing.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Time(time) => filetime(*time).unwrap_or_default(),
            Self::Bytes(_) => String::new(),
            Self::Many(values) => values.iter().map(Self::text).collect::<Vec<_>>().join("; "),
        }
    }
}

/// A class or set identifier as it is written in braces.
pub(crate) fn guid(bytes: &[u8]) -> String {
    let (first, second, third) = (u32_at(bytes, 0).unwrap_or(0), u16_at(bytes, 4).unwrap_or(0), u16_at(bytes, 6).unwrap_or(0));
    let tail: Vec<String> = bytes.iter().skip(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{first:08x}-{second:04x}-{third:04x}-{}-{}", tail[..tail.len().min(2)].concat(), tail[tail.len().min(2)..].concat())
}

/// A FILETIME as RFC 3339 in UTC, to the second or finer; nothing for zero and for years after 9999.
pub(crate) fn filetime(time: u64) -> Option<String> {
    let seconds = i64::try_from(time / 10_000_000).ok()? - 11_644_473_600;
    let ticks = time % 10_000_000;
    (time != 0).then_some(())?;
    let fraction = if ticks == 0 { String::new() } else { format!(".{}", format!("{ticks:07}").trim_end_matches('0')) };
    Some(format!("{}{fraction}Z", civil(seconds)?))
}

/// Seconds since 1970 as date and time without zone; nothing outside the years 1 to 9999.
pub(crate) fn civil(seconds: i64) -> Option<String> {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days are counted from 1 March of year 0, so that the leap day is the last of its year (Hinnant, chrono-compatible low-level date algorithms).
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (1..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60))
}

/// A date of OLE Automation: days since 30 December 1899.
fn variant_date(days: f64) -> String {
    let seconds = (days * 86_400.0).round();
    if seconds.is_nan() || seconds.abs() >= 1e12 {
        return days.to_string();
    }
    civil(seconds as i64 - 25_569 * 86_400).unwrap_or_else(|| days.to_string())
}

fn summary_name(id: u32) -> Option<&'static str> {
    Some(match id {
        2 => "dc:title",
        3 => "dc:subject",
        4 => "dc:creator",
        5 => "cp:keywords",
        6 => "dc:description",
        7 => "app:Template",
        8 => "cp:lastModifiedBy",
        9 => "cp:revision",
        11 => "cp:lastPrinted",
        12 => "dcterms:created",
        13 => "dcterms:modified",
        14 => "page_count",
        15 => "app:Words",
        16 => "app:Characters",
        18 => "app:Application",
        19 => "app:DocSecurity",
        _ => return None,
    })
}

fn document_name(id: u32) -> Option<&'static str> {
    Some(match id {
        2 => "cp:category",
        3 => "app:PresentationFormat",
        5 => "app:Lines",
        6 => "app:Paragraphs",
        7 => "app:Slides",
        8 => "app:Notes",
        9 => "app:HiddenSlides",
        13 => "app:TitlesOfParts",
        14 => "app:Manager",
        15 => "app:Company",
        21 => "app:HyperlinkBase",
        26 => "cp:contentType",
        27 => "cp:contentStatus",
        28 => "dc:language",
        29 => "cp:version",
        _ => return None,
    })
}

/// Tells the properties in the two summary streams of a compound file, and hands on the small picture of it.
pub(crate) fn tell_summaries(compound: &Compound, storage: usize, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut findings = Vec::new();
    for stream in ["\u{5}SummaryInformation", "\u{5}DocumentSummaryInformation"] {
        let Some(bytes) = compound.read_from(storage, stream, &mut findings) else { continue };
        for set in PropertySet::read(&bytes, &mut findings) {
            for (id, value) in &set.values {
                match (&set.format[..4], value) {
                    (kind, Value::Time(time)) if kind == SUMMARY && *id == 10 => sink.property("app:TotalTime", (time / 600_000_000).to_string())?,
                    (kind, Value::Bytes(bytes)) if kind == SUMMARY && *id == 17 => thumbnail(bytes, sink)?,
                    (_, Value::Bytes(_)) => {}
                    (kind, value) if kind == SUMMARY => tell(sink, summary_name(*id), value)?,
                    (kind, value) if kind == DOCUMENT_SUMMARY => tell(sink, document_name(*id), value)?,
                    (_, value) => {
                        let name = set.names.get(id).map(|name| format!("custom:{name}"));
                        tell(sink, name.as_deref(), value)?;
                    }
                }
            }
        }
    }
    findings.into_iter().try_for_each(|finding| sink.finding(finding))
}

fn tell(sink: &mut dyn Sink, name: Option<&str>, value: &Value) -> Result<(), Stop> {
    match name {
        Some(name) => sink.property(name, value.text().trim_end_matches('\0').to_owned()),
        // Numbers without a name are the program's own bookkeeping: counts of bytes, flags, link bases.
        None => Ok(()),
    }
}

/// The clipboard picture: a tag of four bytes, a format, for metafiles a header of eight bytes before the picture (MS-OSHARED, MS-OLEPS 2.11).
fn thumbnail(bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
    let (Some(tag), Some(format)) = (u32_at(bytes, 0), u32_at(bytes, 4)) else { return Ok(()) };
    if tag != 0xffff_ffff {
        return Ok(());
    }
    let (name, skipped) = match format {
        3 => ("thumbnail.wmf", 16),
        8 => ("thumbnail.dib", 8),
        14 => ("thumbnail.emf", 8),
        0x333 => ("thumbnail.jpg", 8),
        _ => ("thumbnail", 8),
    };
    let Some(mut picture) = bytes.get(skipped..).filter(|picture| !picture.is_empty()) else { return Ok(()) };
    sink.child(Child::new(ChildRole::Thumbnail, name), &mut picture).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::{civil, filetime, variant_date};

    #[test]
    fn times_are_read() {
        assert_eq!(filetime(116_444_736_000_000_000).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(filetime(0), None);
        assert_eq!(filetime(u64::MAX), None);
        assert_eq!(civil(951_782_400).as_deref(), Some("2000-02-29T00:00:00"));
        assert_eq!(variant_date(36_526.5), "2000-01-01T12:00:00");
        assert_eq!(variant_date(f64::NAN), "NaN");
    }
}
