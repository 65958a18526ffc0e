//! The document's own words about itself: the OLE property set `HwpSummaryInformation` (MS-OLEPS 2.21; published format, table 5).

use jiff::Timestamp;

use crate::document::Sink;
use crate::readers::compound::{u16_at, u32_at};
use crate::source::Stop;

use super::records::utf16;

/// Seconds between 1601 and 1970.
const EPOCH_SECONDS: i64 = 11_644_473_600;
/// Most properties that are looked at.
const MOST: u32 = 256;

fn name(id: u32) -> Option<&'static str> {
    Some(match id {
        2 => "dc:title",
        3 => "dc:subject",
        4 => "dc:creator",
        5 => "hwp:keywords",
        6 => "hwp:comments",
        8 => "hwp:last_author",
        9 => "hwp:program",
        11 => "hwp:last_printed",
        12 => "dcterms:created",
        13 => "dcterms:modified",
        14 => "page_count",
        20 => "hwp:date_text",
        21 => "hwp:paragraph_count",
        _ => return None,
    })
}

/// Tells the properties; `false` when the stream is damaged.
pub fn tell(bytes: &[u8], sink: &mut dyn Sink) -> Result<bool, Stop> {
    if u16_at(bytes, 0) != 0xFFFE || bytes.len() < 48 {
        return Ok(false);
    }
    let begin = u32_at(bytes, 44) as usize;
    let Some(set) = bytes.get(begin..) else { return Ok(false) };
    let mut is_whole = true;
    for index in 0..u32_at(set, 4).min(MOST) as usize {
        let Some(pair) = set.get(8 + index * 8..16 + index * 8) else { return Ok(false) };
        let Some(name) = name(u32_at(pair, 0)) else { continue };
        let Some(value) = set.get(u32_at(pair, 4) as usize..) else {
            is_whole = false;
            continue;
        };
        let text = match u16_at(value, 0) {
            // Length in letters, with the zero at the end.
            0x1F => {
                let count = (u32_at(value, 4) as usize).saturating_mul(2).min(value.len().saturating_sub(8));
                utf16(value.get(8..8 + count).unwrap_or_default())
            }
            0x03 => u32_at(value, 4).to_string(),
            0x40 => {
                let ticks = u64::from(u32_at(value, 4)) | u64::from(u32_at(value, 8)) << 32;
                let seconds = i64::try_from(ticks / 10_000_000).unwrap_or(i64::MAX).saturating_sub(EPOCH_SECONDS);
                if ticks == 0 { String::new() } else { Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string()) }
            }
            _ => String::new(),
        };
        sink.property(name, text.trim_end_matches('\0').to_owned())?;
    }
    Ok(is_whole)
}
