//! Is it text, and of which kind: by how it begins, and for kinds without a mark of their own by the extension.

use crate::charset::{Basis, Decoder, is_wide_text, judge};

/// How much text is looked at.
const LOOK_BYTES: usize = 32 << 10;

/// How much of it its character set is judged by.
const JUDGED_BYTES: usize = 16 << 10;

/// How much is looked at for control characters, before anything is decoded.
const FIRST_BYTES: usize = 4 << 10;

/// More control characters than one in so many are no text.
const CONTROLS: usize = 200;

/// Codes of the table for text without a format of its own; the extension may choose among them.
const BY_EXTENSION: &[&str] =
    &["csv", "tsv", "markdown", "ini", "yaml", "source", "mbox", "eml", "tex", "json", "jsonl", "xml", "html", "srt", "vtt", "sbv", "ttml", "vcard", "ics"];

/// The beginning of a file read as text, or nothing when it is not one.
pub(super) fn of(head: &[u8], is_whole: bool) -> Option<String> {
    if is_surely_not(head) {
        return None;
    }
    let judged = judge(&head[..head.len().min(JUDGED_BYTES)], None);
    let mut text = String::new();
    let mut decoder = Decoder::new(judged.charset);
    let looked = &head[..head.len().min(LOOK_BYTES)];
    decoder.push(looked.get(judged.bom_bytes..)?, is_whole && looked.len() == head.len(), &mut text);
    let (mut controls, mut all) = (0, 0);
    for character in text.chars() {
        all += 1;
        let is_usual = matches!(character, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}' | '\u{1a}' | '\u{8}');
        controls += usize::from(character == '\0') * CONTROLS + usize::from(character.is_control() && !is_usual);
    }
    let faults = usize::try_from(decoder.undecodable()).unwrap_or(usize::MAX);
    let is_text = controls.saturating_mul(CONTROLS) <= all && faults.saturating_mul(20) <= all && (judged.basis != Basis::Guessed || judged.confidence > 20);
    is_text.then_some(text)
}

/// Control characters in a number that no text has, and no zeros in the order that wide units have.
fn is_surely_not(head: &[u8]) -> bool {
    let first = &head[..head.len().min(FIRST_BYTES)];
    let is_control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0xc | 0x1b | 0x1a | 0x8 | 0xe | 0xf);
    let controls = first.iter().filter(|byte| is_control(**byte)).count();
    controls * CONTROLS > first.len() && !is_wide_text(first)
}

/// The code of the row for a text.
pub(super) fn kind(text: &str, extension: &str) -> &'static str {
    let by_extension =
        crate::table::FORMATS.iter().find(|format| BY_EXTENSION.contains(&format.code) && format.extensions.contains(&extension)).map(|format| format.code);
    let start = text.trim_start();
    marked(start, extension).or(by_extension).unwrap_or("text")
}

fn marked(start: &str, extension: &str) -> Option<&'static str> {
    let lines = || start.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines().next()?;
    let second = lines().nth(1).unwrap_or_default();
    let has_prefix = |prefix: &str| start.get(..prefix.len()).is_some_and(|found| found.eq_ignore_ascii_case(prefix));
    if has_prefix("WEBVTT") {
        return Some("vtt");
    }
    if has_prefix("BEGIN:VCARD") {
        return Some("vcard");
    }
    if has_prefix("BEGIN:VCALENDAR") {
        return Some("ics");
    }
    if is_kakaotalk(start) {
        return Some("kakaotalk");
    }
    if second.contains(" --> ") && first.parse::<u64>().is_ok() {
        return Some("srt");
    }
    if is_sbv_times(first) {
        return Some("sbv");
    }
    if extension == "lrc" && lines().take(20).filter(|line| line.starts_with('[') && line.contains(':')).count() >= 2 {
        return Some("lrc");
    }
    if first.starts_with("From ")
        && first.len() < 300
        && first.split_whitespace().last().is_some_and(|word| word.parse::<u32>().is_ok() || word.starts_with(['+', '-']))
    {
        return Some(if extension == "eml" { "eml" } else { "mbox" });
    }
    if matches!(extension, "mht" | "mhtml") && start.lines().take(50).any(|line| line.to_ascii_lowercase().starts_with("mime-version:")) {
        return Some("mhtml");
    }
    if is_message(start) {
        return Some("eml");
    }
    if start.starts_with(['{', '[']) {
        return json(start);
    }
    start.starts_with('<').then(|| markup(start, extension)).flatten()
}

/// Exports of KakaoTalk begin with whose conversation it is and when it was saved; those of the desktop with a row of headings.
fn is_kakaotalk(start: &str) -> bool {
    let head: String = start.lines().take(4).collect::<Vec<_>>().join("\n");
    let has_date = ["저장한 날짜", "Date Saved", "保存した日付"].iter().any(|word| head.contains(word));
    let is_chat = ["카카오톡 대화", "KakaoTalk Chats", "님과 카카오톡"].iter().any(|word| head.contains(word));
    (has_date && is_chat) || start.lines().next().is_some_and(|line| line.trim() == "Date,User,Message")
}

/// `0:00:01.000,0:00:03.500`
fn is_sbv_times(line: &str) -> bool {
    let is_time =
        |text: &str| text.split(':').count() == 3 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')) && text.contains('.');
    line.split_once(',').is_some_and(|(from, to)| is_time(from) && is_time(to))
}

/// Fields of mail at the beginning (RFC 5322).
fn is_message(start: &str) -> bool {
    const KNOWN: &[&str] = &[
        "from",
        "to",
        "subject",
        "date",
        "received",
        "message-id",
        "mime-version",
        "return-path",
        "delivered-to",
        "content-type",
        "cc",
        "reply-to",
        "sender",
        "x-mailer",
        "x-mozilla-status",
        "content-transfer-encoding",
        "in-reply-to",
        "references",
        "dkim-signature",
        "x-original-to",
        "thread-topic",
        "envelope-to",
    ];
    // Of mail alone: web servers, WARC records and others have the rest too.
    const OF_MAIL: &[&str] =
        &["from", "to", "subject", "received", "message-id", "return-path", "delivered-to", "mime-version", "x-mozilla-status", "reply-to"];
    let (mut known, mut of_mail) = (0, 0);
    for line in start.lines().take(60) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { return false };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        let name = name.to_ascii_lowercase();
        known += usize::from(KNOWN.contains(&name.as_str()));
        of_mail += usize::from(OF_MAIL.contains(&name.as_str()));
    }
    known >= 2 && of_mail >= 1
}

fn json(start: &str) -> Option<&'static str> {
    use serde::de::IgnoredAny;
    let mut values = serde_json::Deserializer::from_str(start).into_iter::<IgnoredAny>();
    match values.next()? {
        Ok(_) => match values.next() {
            None => Some("json"),
            // Several values: a line for each, or written one after the other.
            Some(Ok(_)) => {
                let first = start.lines().next().unwrap_or_default();
                Some(if serde_json::from_str::<IgnoredAny>(first).is_ok() { "jsonl" } else { "json" })
            }
            Some(Err(error)) if error.is_eof() => Some("jsonl"),
            Some(Err(_)) => None,
        },
        // Longer than what was looked at, or cut off.
        Err(error) if error.is_eof() => Some("json"),
        Err(_) => None,
    }
}

fn markup(start: &str, extension: &str) -> Option<&'static str> {
    const OF_HTML: &[&str] = &[
        "<html", "<head", "<body", "<title", "<p>", "<p ", "<br", "<div", "<table", "<meta", "<script", "<h1", "<span", "<a ", "<font", "<center", "<ul", "<li",
    ];
    let mut end = start.len().min(4096);
    while !start.is_char_boundary(end) {
        end -= 1;
    }
    let head = start[..end].to_ascii_lowercase();
    if head.starts_with("<!doctype html") || head.starts_with("<html") || (head.starts_with("<?xml") && head.contains("<html")) {
        return Some("html");
    }
    if head.starts_with("<?xml") {
        return Some(match root(&head) {
            Some("tt") => "ttml",
            Some("svg") => "svg",
            _ => "xml",
        });
    }
    let has_html = OF_HTML.iter().any(|tag| head.contains(tag));
    let name = root(&head)?;
    if name == "tt" {
        return Some("ttml");
    }
    if name == "svg" {
        return Some("svg");
    }
    if has_html && !matches!(extension, "xml" | "svg" | "md" | "php" | "jsp" | "asp" | "vue") {
        return Some("html");
    }
    (head.contains(&format!("</{name}")) || extension == "xml" || head.contains("xmlns")).then_some("xml")
}

/// The first element's name.
fn root(head: &str) -> Option<&str> {
    let mut rest = head;
    loop {
        rest = &rest[rest.find('<')? + 1..];
        if rest.starts_with(['?', '!']) {
            continue;
        }
        let name = rest.split(|character: char| !character.is_alphanumeric() && !matches!(character, ':' | '-' | '_' | '.')).next()?;
        return Some(name.rsplit(':').next().unwrap_or(name)).filter(|name| !name.is_empty());
    }
}
