//! dBASE tables (DBF): rows as text with tabs between; deleted rows, which stay in the file, as hidden text.

use crate::charset::{self, Charset};
use crate::document::{Anchor, Block, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Most fields of a table.
const FIELDS: usize = 2048;
/// How much is looked at to judge the character set.
const SAMPLE_BYTES: usize = 256 << 10;
/// How much is read at a time, at least one row.
const STEP_BYTES: usize = 1 << 20;

struct Field {
    name: String,
    kind: u8,
    bytes: usize,
}

/// Reads it.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let head = source.at(0, 68)?;
    let Some(&[version, year, month, day]) = head.first_chunk::<4>().filter(|_| head.len() >= 33) else {
        return sink.finding(Finding::new(Code::Damaged, "The header is cut off."));
    };
    let expected = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let head_bytes = usize::from(u16::from_le_bytes([head[8], head[9]]));
    let row_bytes = usize::from(u16::from_le_bytes([head[10], head[11]]));
    if head[15] == 1 {
        return sink.finding(Finding::new(Code::Encrypted, Code::Encrypted.meaning()));
    }
    let fields = fields(&source.at(0, head_bytes)?, version & 7 == 4);
    if fields.is_empty() || row_bytes < 2 {
        return sink.finding(Finding::new(Code::Damaged, "The header names no field."));
    }
    sink.property("dbf:version", format!("{version:02x}"))?;
    sink.property("dbf:updated", format!("{:04}-{month:02}-{day:02}", 1900 + u16::from(year)))?;
    let begin = head_bytes as u64;
    let charset = match code_page(head[29]).and_then(Charset::of_code_page) {
        Some(charset) => charset,
        None => {
            let sample = source.at(begin, SAMPLE_BYTES)?;
            let judged = charset::judge(&sample, None);
            if !sample.is_ascii() {
                for finding in charset::findings(judged.charset.name(), judged.basis, judged.confidence, 0, None) {
                    sink.finding(finding)?;
                }
            }
            judged.charset
        }
    };
    sink.block(Block::new(BlockKind::Heading, Anchor::default(), fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join("\t")))?;
    if fields.iter().any(|field| matches!(field.kind, b'M' | b'G' | b'P' | b'B')) {
        sink.finding(Finding::new(Code::External, "Long texts of the table lie in a file beside it (.dbt, .fpt)."))?;
    }
    let (mut number, mut deleted, mut undecodable) = (0_u32, 0_u32, 0_u64);
    let step = (STEP_BYTES / row_bytes).max(1);
    'all: while number < expected {
        let bytes = source.at(begin + u64::from(number) * row_bytes as u64, step * row_bytes)?;
        let mut is_any = false;
        for row in bytes.chunks_exact(row_bytes) {
            if number == expected || row[0] == 0x1A {
                break 'all;
            }
            is_any = true;
            number += 1;
            let is_deleted = row[0] == b'*';
            deleted += u32::from(is_deleted);
            let text = line(&row[1..], &fields, charset, &mut undecodable);
            sink.block(Block::new(if is_deleted { BlockKind::Hidden } else { BlockKind::Cell }, Anchor::paragraph(number), text))?;
        }
        if !is_any {
            break;
        }
    }
    if number < expected {
        sink.finding(Finding::new(Code::CountMismatch, format!("The table says it has {expected} rows; {number} are there.")))?;
    }
    if deleted > 0 {
        sink.finding(Finding::new(Code::Hidden, format!("{deleted} rows are marked as deleted and still there.")))?;
    }
    if undecodable > 0 {
        sink.finding(Finding::new(Code::Undecodable, format!("{undecodable} sequences of bytes mean nothing in {}.", charset.name())))?;
    }
    sink.property("dbf:rows", number.to_string())
}

fn fields(head: &[u8], is_dbase_7: bool) -> Vec<Field> {
    let (start, size, name, kind, bytes) = if is_dbase_7 { (68, 48, 32, 32, 33) } else { (32, 32, 11, 11, 16) };
    let entries = head.get(start..).unwrap_or_default().chunks_exact(size).take(FIELDS);
    entries
        .take_while(|entry| entry[0] != 0x0D && entry[0] != 0)
        .map(|entry| {
            let raw = entry[..name].split(|byte| *byte == 0).next().unwrap_or_default();
            Field { name: charset::decode_name(raw).text, kind: entry[kind], bytes: usize::from(entry[bytes]) }
        })
        .collect()
}

fn line(row: &[u8], fields: &[Field], charset: Charset, undecodable: &mut u64) -> String {
    let mut rest = row;
    let mut texts = Vec::with_capacity(fields.len());
    for field in fields {
        let (own, after) = rest.split_at(field.bytes.min(rest.len()));
        rest = after;
        let number = |bytes: &[u8]| bytes.first_chunk().map(|chunk| i32::from_le_bytes(*chunk));
        texts.push(match field.kind {
            b'I' | b'+' => number(own).map(|value| value.to_string()).unwrap_or_default(),
            b'O' => own.first_chunk().map(|chunk| f64::from_le_bytes(*chunk).to_string()).unwrap_or_default(),
            b'M' | b'G' | b'P' | b'B' | b'T' | b'@' | b'0' => String::new(),
            _ => {
                let (text, lost) = charset::decode_as(own, charset);
                *undecodable += lost;
                charset::without_controls(text.trim_matches([' ', '\0'])).into_owned()
            }
        });
    }
    texts.join("\t")
}

/// The character set of a language driver id.
fn code_page(driver: u8) -> Option<u32> {
    Some(match driver {
        0x01 => 437,
        0x02 => 850,
        0x03 | 0x57 | 0x58 | 0x59 => 1252,
        0x26 | 0x65 => 866,
        0x4D | 0x7A => 936,
        0x4E | 0x79 => 949,
        0x4F | 0x78 => 950,
        0x13 | 0x7B => 932,
        0x50 | 0x7C => 874,
        0xC8 => 1250,
        0xC9 => 1251,
        0xCA => 1254,
        0xCB => 1253,
        _ => return None,
    })
}
