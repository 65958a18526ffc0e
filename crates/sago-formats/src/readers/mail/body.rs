//! Parts of a message (RFC 2045 to 2049): texts, alternatives, attachments, messages in messages.

use super::header::{Header, Parameters, line, split};
use super::{html, transfer};
use crate::charset;
use crate::document::{Anchor, Block, BlockKind, Child, ChildRole, Property, Sink};
use crate::finding::{Code, Finding};
use crate::limits::Limits;
use crate::source::Stop;

/// Where the walk through the parts stands.
pub(super) struct Walk<'a> {
    limits: &'a Limits,
    /// Number of each part on the way down, as IMAP counts them.
    path: Vec<u32>,
    /// Texts given and contained files given.
    pub(super) texts: u32,
    pub(super) children: u32,
    /// Letters and digits of the plain alternative, to know whether the HTML one says more.
    plain: Option<String>,
    is_cut: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, path: Vec::new(), texts: 0, children: 0, plain: None, is_cut: false }
    }

    fn number(&self) -> String {
        if self.path.is_empty() { "1".to_owned() } else { self.path.iter().map(u32::to_string).collect::<Vec<_>>().join(".") }
    }
}

/// Tells one part and all within it.
pub(super) fn part(walk: &mut Walk<'_>, header: &Header<'_>, body: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
    let kind = header.parameters("content-type");
    if kind.value.starts_with("multipart/") {
        return multipart(walk, &kind, body, sink);
    }
    let disposition = header.parameters("content-disposition");
    let name = disposition.get("filename").or(kind.get("name")).unwrap_or_default().to_owned();
    let is_attached = disposition.value == "attachment" || !name.is_empty();
    let bytes = decoded(walk, header, body, sink)?;
    let is_text = matches!(kind.value.as_str(), "" | "text/plain" | "text/html" | "text/enriched" | "text" | "message/delivery-status" | "text/rfc822-headers")
        || kind.value.starts_with("text/") && !is_attached && kind.value != "text/calendar" && kind.value != "text/vcard" && kind.value != "text/x-vcard";
    match kind.value.as_str() {
        "message/external-body" => sink.finding(Finding::new(Code::External, Code::External.meaning()).at(walk.number()))?,
        "message/partial" => sink.finding(Finding::new(Code::Feature, "The message is one piece of several.").at(walk.number()))?,
        "application/pkcs7-signature" | "application/x-pkcs7-signature" | "application/pgp-signature" => {
            sink.finding(Finding::new(Code::Signed, Code::Signed.meaning()).at(walk.number()))?;
        }
        _ => {}
    }
    if is_text && !is_attached {
        return text(walk, &kind, &bytes, sink);
    }
    let mut child = Child::new(role(header, &disposition, &kind), name);
    if child.name.is_empty() && kind.value == "message/rfc822" {
        child.name = split(&bytes).0.text("subject").map(|subject| format!("{subject}.eml")).unwrap_or_default();
    }
    child.media_type = Some(kind.value.clone()).filter(|value| !value.is_empty());
    child.anchor = Anchor { part: Some(walk.number()), ..Anchor::default() };
    child.modified = disposition.get("modification-date").and_then(super::message::rfc3339);
    for field in ["content-id", "content-description", "content-location"] {
        if let Some(value) = header.text(field).filter(|value| !value.is_empty()) {
            child.properties.push(Property { name: format!("mail:{field}"), value });
        }
    }
    walk.children += 1;
    sink.child(child, &mut bytes.as_slice()).map(|_| ())
}

fn role(header: &Header<'_>, disposition: &Parameters, kind: &Parameters) -> ChildRole {
    let is_shown = disposition.value == "inline" || disposition.value.is_empty() && header.raw("content-id").is_some();
    match kind.value.as_str() {
        "message/rfc822" => ChildRole::Message,
        _ if is_shown => ChildRole::Embedded,
        _ => ChildRole::Attachment,
    }
}

fn decoded(walk: &Walk<'_>, header: &Header<'_>, body: &[u8], sink: &mut dyn Sink) -> Result<Vec<u8>, Stop> {
    let encoding = header.parameters("content-transfer-encoding").value;
    Ok(match encoding.as_str() {
        "base64" => {
            let (bytes, strange) = transfer::base64(body);
            if strange > 0 {
                let text = format!("{strange} characters do not belong to base64 and were passed over.");
                sink.finding(Finding::new(Code::PartDamaged, text).at(walk.number()))?;
            }
            bytes
        }
        "quoted-printable" => transfer::quoted(body, false),
        "" | "7bit" | "8bit" | "binary" => body.to_vec(),
        "x-uuencode" | "uuencode" | "x-uue" => {
            let lines = body.split(|byte| *byte == b'\n').skip_while(|line| !line.starts_with(b"begin "));
            lines.skip(1).map_while(|line| transfer::uu_line(line.strip_suffix(b"\r").unwrap_or(line))).flatten().collect()
        }
        other => {
            sink.finding(Finding::new(Code::Feature, format!("The transfer encoding {other} is not read; the bytes are as they stand.")).at(walk.number()))?;
            body.to_vec()
        }
    })
}

fn multipart(walk: &mut Walk<'_>, kind: &Parameters, body: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
    match kind.value.as_str() {
        "multipart/encrypted" => sink.finding(Finding::new(Code::PartEncrypted, "The body is encrypted.").at(walk.number()))?,
        "multipart/signed" => sink.finding(Finding::new(Code::Signed, Code::Signed.meaning()).at(walk.number()))?,
        _ => {}
    }
    let boundary = kind.get("boundary").map_or_else(|| first_boundary(body), |own| own.as_bytes().to_vec());
    let cut = cut(body, &boundary);
    if cut.parts.is_empty() {
        sink.finding(Finding::new(Code::PartDamaged, "The message says that it has parts, and none begins.").at(walk.number()))?;
        return text(walk, &Parameters::default(), body, sink);
    }
    // When the end is cut off, all parts around the last one are open: once is enough.
    if !cut.is_closed && !walk.is_cut {
        walk.is_cut = true;
        sink.finding(Finding::new(Code::Truncated, "The last part has no end.").at(walk.number()))?;
    }
    outside(walk, "preamble", cut.preamble, sink)?;
    if walk.path.len() >= walk.limits.nesting as usize {
        sink.finding(Finding::new(Code::LimitNesting, Code::LimitNesting.meaning()).at(walk.number()))?;
        return text(walk, &Parameters::default(), body, sink);
    }
    let is_alternative = kind.value == "multipart/alternative";
    let before = walk.plain.take();
    for (number, own) in (1_u32..).zip(cut.parts) {
        let (header, rest) = split(own);
        walk.path.push(number);
        part(walk, &header, rest, sink)?;
        walk.path.pop();
        if !is_alternative {
            walk.plain = None;
        }
    }
    walk.plain = before;
    outside(walk, "epilogue", cut.epilogue, sink)
}

/// What stands before and after the parts is not shown by mail programs.
fn outside(walk: &Walk<'_>, place: &str, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
    if bytes.trim_ascii().is_empty() {
        return Ok(());
    }
    let text = charset::decode(bytes, None).text;
    let part = format!("{} {place}", walk.number());
    sink.block(Block::new(BlockKind::Hidden, Anchor::in_part(part, 1), charset::without_controls(text.trim())))
}

#[derive(Default)]
struct Cut<'a> {
    preamble: &'a [u8],
    parts: Vec<&'a [u8]>,
    epilogue: &'a [u8],
    is_closed: bool,
}

/// Cuts a body at its boundary lines. The line end before one belongs to it.
fn cut<'a>(body: &'a [u8], boundary: &[u8]) -> Cut<'a> {
    let mut cut = Cut::default();
    let mut rest = body;
    let mut start: Option<usize> = None;
    while !rest.is_empty() {
        let place = body.len() - rest.len();
        let (own, after) = line(rest);
        rest = after;
        let Some(tail) = own.strip_prefix(b"--").and_then(|own| own.strip_prefix(boundary)) else { continue };
        let is_last = tail.starts_with(b"--");
        if !is_last && !tail.trim_ascii().is_empty() {
            continue;
        }
        let content = |from: usize| {
            let own = &body[from.min(place)..place];
            own.strip_suffix(b"\n").map_or(own, |own| own.strip_suffix(b"\r").unwrap_or(own))
        };
        match start {
            Some(from) => cut.parts.push(content(from)),
            None => cut.preamble = content(0),
        }
        start = Some(body.len() - rest.len());
        if is_last {
            cut.is_closed = true;
            cut.epilogue = rest;
            return cut;
        }
    }
    if let Some(from) = start.filter(|from| *from < body.len()) {
        cut.parts.push(&body[from..]);
    }
    cut
}

fn first_boundary(body: &[u8]) -> Vec<u8> {
    let line = body.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"--")).unwrap_or_default();
    line.trim_ascii_end().get(2..).unwrap_or_default().to_vec()
}

fn text(walk: &mut Walk<'_>, kind: &Parameters, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
    let is_html = kind.value == "text/html";
    let own = if is_html { html::declared_charset(bytes) } else { None };
    let decoded = charset::decode(bytes, kind.get("charset").or(own.as_deref()));
    for finding in decoded.findings() {
        sink.finding(finding.at(walk.number()))?;
    }
    let text = if is_html { html::text(&decoded.text) } else { decoded.text };
    let text = charset::without_controls(&text);
    if is_html {
        // The same words a second time help nobody; others are what only some readers saw.
        if walk.plain.as_deref().is_some_and(|plain| plain == letters(&text)) {
            return Ok(());
        }
    } else {
        walk.plain = Some(letters(&text));
    }
    let text = if is_html { text.into_owned() } else { take_uuencoded(walk, &text, sink)? };
    if text.contains("-----BEGIN PGP MESSAGE-----") {
        sink.finding(Finding::new(Code::PartEncrypted, "The text is encrypted with PGP.").at(walk.number()))?;
    }
    if text.contains("-----BEGIN PGP SIGNED MESSAGE-----") {
        sink.finding(Finding::new(Code::Signed, Code::Signed.meaning()).at(walk.number()))?;
    }
    for (number, paragraph) in (1_u32..).zip(paragraphs(&text)) {
        walk.texts += 1;
        sink.block(Block::paragraph(Anchor::in_part(walk.number(), number), paragraph))?;
    }
    Ok(())
}

fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// Lines that stand together.
fn paragraphs(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut paragraphs = vec![Vec::new()];
    for line in text.split('\n') {
        if line.trim().is_empty() {
            paragraphs.push(Vec::new());
        } else if let Some(last) = paragraphs.last_mut() {
            last.push(line);
        }
    }
    paragraphs.into_iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n")).collect()
}

/// Files that old programs wrote into the text (uuencode) become attachments; the text is what is left.
fn take_uuencoded(walk: &mut Walk<'_>, text: &str, sink: &mut dyn Sink) -> Result<String, Stop> {
    if !text.contains("\nend") || !(text.starts_with("begin ") || text.contains("\nbegin ")) {
        return Ok(text.to_owned());
    }
    let mut out = String::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(own) = lines.next() {
        let name = own
            .strip_prefix("begin ")
            .and_then(|rest| rest.trim_end().split_once(' '))
            .filter(|(mode, _)| mode.len() >= 3 && mode.bytes().all(|byte| byte.is_ascii_digit()));
        let Some((_, name)) = name else {
            out.push_str(own);
            continue;
        };
        let mut bytes = Vec::new();
        let mut raw = String::from(own);
        let mut is_closed = false;
        for line in lines.by_ref() {
            raw.push_str(line);
            if line.trim_end() == "end" {
                is_closed = true;
                break;
            }
            let Some(decoded) = transfer::uu_line(line.trim_end_matches(['\r', '\n']).as_bytes()) else { break };
            bytes.extend(decoded);
        }
        if is_closed {
            let mut child = Child::new(ChildRole::Attachment, name);
            child.anchor.part = Some(walk.number());
            walk.children += 1;
            sink.child(child, &mut bytes.as_slice())?;
        } else {
            out.push_str(&raw);
        }
    }
    Ok(out)
}
