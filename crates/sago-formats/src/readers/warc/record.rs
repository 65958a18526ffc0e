//! Heads of records.

use std::io::{self, BufRead, Read};

/// Longest line of a head.
const LINE_BYTES: u64 = 64 << 10;
/// Most lines of a head.
const LINES: usize = 1000;

/// What stands before a record's block.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) kind: String,
    pub(super) uri: String,
    pub(super) id: String,
    pub(super) date: String,
    pub(super) media_type: String,
    pub(super) ip: String,
    pub(super) digest: String,
    pub(super) truncated: String,
    pub(super) length: u64,
    pub(super) is_arc: bool,
}

impl Head {
    /// How a finding names it.
    pub(super) fn place(&self, number: u32) -> String {
        if self.uri.is_empty() { format!("record {number}: {}", self.kind) } else { format!("record {number}: {} {}", self.kind, self.uri) }
    }
}

fn line(stream: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    Read::take(stream, LINE_BYTES).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// The next head, and how many bytes before it belong to nothing. Nothing at the end.
pub(super) fn next_head(stream: &mut dyn BufRead) -> io::Result<Option<(Head, u64)>> {
    let mut skipped = 0;
    loop {
        let first = line(stream)?;
        if first.is_empty() {
            return Ok(None);
        }
        let own = first.trim_ascii();
        if own.starts_with(b"WARC/") {
            if let Some(head) = warc(stream)? {
                return Ok(Some((head, skipped)));
            }
            skipped += first.len() as u64;
        } else if let Some(head) = arc(own) {
            return Ok(Some((head, skipped)));
        } else if !own.is_empty() {
            skipped += first.len() as u64;
        }
    }
}

/// The named fields of a WARC head; nothing when it has no length.
fn warc(stream: &mut dyn BufRead) -> io::Result<Option<Head>> {
    let mut head = Head::default();
    let mut length = None;
    for _ in 0..LINES {
        let bytes = line(stream)?;
        let text = String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
        if text.is_empty() {
            break;
        }
        let Some((name, value)) = text.split_once(':') else { continue };
        let value = value.trim();
        let own = || value.trim_start_matches('<').trim_end_matches('>').to_owned();
        match name.trim().to_ascii_lowercase().as_str() {
            "warc-type" => head.kind = value.to_ascii_lowercase(),
            "warc-target-uri" => head.uri = own(),
            "warc-record-id" => head.id = own(),
            "warc-date" => head.date = value.to_owned(),
            "warc-ip-address" => head.ip = value.to_owned(),
            "warc-payload-digest" => head.digest = value.to_owned(),
            "warc-truncated" => head.truncated = value.to_owned(),
            "content-type" => head.media_type = value.to_owned(),
            "content-length" => length = value.parse().ok(),
            _ => {}
        }
    }
    Ok(length.map(|length| Head { length, ..head }))
}

/// The one line of an ARC record: address, IP address, date, type, length. An address may hold spaces.
fn arc(line: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(line).ok()?;
    let mut fields = text.rsplitn(5, ' ');
    let length = fields.next()?.parse().ok()?;
    let media_type = fields.next()?.to_owned();
    let stamp = fields.next().filter(|stamp| (8..=14).contains(&stamp.len()) && stamp.bytes().all(|byte| byte.is_ascii_digit()))?;
    let ip = fields.next()?.to_owned();
    let uri = fields.next().filter(|uri| uri.contains(':'))?.to_owned();
    let kind = if uri.starts_with("filedesc:") { "warcinfo" } else { "response" };
    let piece = |from: usize, to: usize| stamp.get(from..to).unwrap_or("00");
    let date = format!("{}-{}-{}T{}:{}:{}Z", piece(0, 4), piece(4, 6), piece(6, 8), piece(8, 10), piece(10, 12), piece(12, 14));
    Some(Head { kind: kind.to_owned(), uri, date, media_type, ip, length, is_arc: true, ..Head::default() })
}
