//! What is spoken when: SubRip, WebVTT, YouTube's SBV, lyrics with times. Each cue is a block with its times; tags that only dress it up are taken out.

use super::{Line, TextStream, plain};
use crate::charset::without_controls;
use crate::document::{Anchor, Block, BlockKind, Sink};
use crate::finding::{Code, Finding};
use crate::source::{Source, Stop};
use crate::table::Context;

/// A cue of more lines than this is damage; it is told in pieces.
const CUE_LINES: usize = 500;

/// Reads SubRip, WebVTT and SBV: a line with times, then the words up to an empty line.
pub fn read(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut stream = TextStream::open(source, None)?;
    let mut cue: Option<Cue> = None;
    // Whether a block of notes or styles (WebVTT) is being read.
    let mut is_note = false;
    let (mut cues, mut last, mut before): (u64, u64, Option<Line>) = (0, 0, None);
    while let Some(line) = stream.next_line()? {
        let text = line.text.trim();
        if let Some(times) = times(text) {
            // The line before is the cue's number or name.
            before = None;
            if let Some(cue) = cue.take() {
                cue.tell(sink)?;
            }
            cues += 1;
            last = last.max(times.1);
            cue = Some(Cue { times, number: line.number, lines: Vec::new() });
            is_note = false;
            continue;
        }
        if text.is_empty() {
            if let Some(cue) = cue.take() {
                cue.tell(sink)?;
            }
            if let Some(line) = before.take() {
                other(&line, sink)?;
            }
            is_note = false;
            continue;
        }
        match &mut cue {
            Some(cue) if cue.lines.len() < CUE_LINES => cue.lines.push(line.text),
            Some(full) => {
                let next = Cue { times: full.times, number: line.number, lines: vec![line.text] };
                std::mem::replace(full, next).tell(sink)?;
            }
            None => {
                if let Some(line) = before.take() {
                    other(&line, sink)?;
                }
                is_note |= text.starts_with("NOTE") || text.starts_with("STYLE") || text.starts_with("REGION");
                if is_note { plain(&line, sink)? } else { before = Some(line) }
            }
        }
    }
    if let Some(cue) = cue.take() {
        cue.tell(sink)?;
    }
    if let Some(line) = before.take() {
        other(&line, sink)?;
    }
    if cues == 0 {
        sink.finding(Finding::new(Code::PartDamaged, "No line with times was found; the text was read as plain lines."))?;
    } else {
        sink.property("subtitle:cues", cues.to_string())?;
        sink.property("subtitle:end_ms", last.to_string())?;
    }
    stream.tell(sink)
}

/// Lines outside cues: titles, notes, words without times. A number alone is a cue's number.
fn other(line: &Line, sink: &mut dyn Sink) -> Result<(), Stop> {
    let text = line.text.trim();
    if text.parse::<u64>().is_ok() || text == "WEBVTT" { Ok(()) } else { plain(line, sink) }
}

struct Cue {
    times: (u64, u64),
    number: u32,
    lines: Vec<String>,
}

impl Cue {
    fn tell(self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let text = without_tags(&self.lines.join("\n"));
        if text.trim().is_empty() {
            return Ok(());
        }
        let anchor = Anchor { time_ms: Some(self.times), ..Anchor::paragraph(self.number) };
        sink.block(Block::new(BlockKind::Speech, anchor, without_controls(&text)))
    }
}

/// `00:00:01,000 --> 00:00:02,500 …` or `0:00:01.000,0:00:02.500`.
fn times(line: &str) -> Option<(u64, u64)> {
    if let Some((from, rest)) = line.split_once("-->") {
        return Some((milliseconds(from.trim())?, milliseconds(rest.split_whitespace().next()?)?));
    }
    let (from, to) = line.split_once(',')?;
    (from.contains('.') && from.matches(':').count() == 2).then(|| Some((milliseconds(from)?, milliseconds(to)?)))?
}

/// `[h:]mm:ss[.,]mmm` in milliseconds.
fn milliseconds(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let mut seconds = 0_u64;
    let parts: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&parts.len()) || fraction.len() > 9 {
        return None;
    }
    for part in parts {
        let number: u64 = part.parse().ok().filter(|number| *number < 1_000_000)?;
        seconds = seconds.checked_mul(60)?.checked_add(number)?;
    }
    let digits: u64 = fraction.parse().ok()?;
    let length = u32::try_from(fraction.len()).ok()?;
    let thousandths = if length <= 3 { digits * 10_u64.pow(3 - length) } else { digits / 10_u64.pow(length - 3) };
    seconds.checked_mul(1000)?.checked_add(thousandths)
}

/// Takes out `<i>`, `<c.yellow>`, `<00:01.000>`, `{\an8}`; of `<v Name>` the name stays, for it says who speaks.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(['<', '{']) {
        out.push_str(&rest[..place]);
        let tag = &rest[place..];
        let end = if tag.starts_with('<') { '>' } else { '}' };
        let is_tag = tag[1..].starts_with(|next: char| next == '/' || next == '\\' || next.is_ascii_alphanumeric());
        match tag.find(end).filter(|_| is_tag && (end == '>' || tag.starts_with("{\\"))) {
            Some(close) => {
                if let Some(name) =
                    tag[1..close].strip_prefix("v ").or_else(|| tag[1..close].strip_prefix("v.").and_then(|rest| rest.split_once(' ')).map(|(_, name)| name))
                {
                    out.push_str(name.trim());
                    out.push_str(": ");
                }
                rest = &tag[close + 1..];
            }
            None => {
                out.push_str(&tag[..1]);
                rest = &tag[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Reads lyrics: `[mm:ss.xx]` before each line, which lasts until the next; `[ti:…]` and such are properties.
pub fn read_lyrics(source: &mut Source<'_>, _: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut stream = TextStream::open(source, None)?;
    let mut held: Option<(u64, Line)> = None;
    while let Some(mut line) = stream.next_line()? {
        let mut begins = Vec::new();
        loop {
            let text = line.text.trim_start();
            let Some((mark, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { break };
            if let Some(begin) = milliseconds(mark) {
                begins.push(begin);
            } else if let Some((name, value)) = mark.split_once(':').filter(|(name, _)| name.len() < 16) {
                sink.property(&format!("lrc:{}", name.trim().to_lowercase()), value.trim().to_owned())?;
            } else {
                break;
            }
            line.text = rest.to_owned();
        }
        // A line that is sung again has several times: each is a block.
        for begin in &begins {
            if let Some((before, words)) = held.replace((*begin, line.clone())) {
                lyric(before, (*begin).max(before), words, sink)?;
            }
        }
        if begins.is_empty() {
            plain(&line, sink)?;
        }
    }
    if let Some((begin, words)) = held {
        lyric(begin, begin, words, sink)?;
    }
    stream.tell(sink)
}

fn lyric(begin: u64, end: u64, line: Line, sink: &mut dyn Sink) -> Result<(), Stop> {
    Cue { times: (begin, end), number: line.number, lines: vec![line.text] }.tell(sink)
}

/// Milliseconds of a time of TTML: a clock, or a number with `h`, `m`, `s` or `ms`.
pub(super) fn ttml_time(text: &str) -> Option<u64> {
    if text.contains(':') {
        return milliseconds(text);
    }
    let (number, factor) = if let Some(number) = text.strip_suffix("ms") {
        (number, 1.0)
    } else if let Some(number) = text.strip_suffix('s') {
        (number, 1000.0)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 60_000.0)
    } else {
        (text.strip_suffix('h')?, 3_600_000.0)
    };
    let value: f64 = number.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "finite, not negative; a cast saturates")]
    Some((value * factor).round() as u64)
}
