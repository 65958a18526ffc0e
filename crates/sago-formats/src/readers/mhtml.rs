//! Pages saved with all they need (MHTML, RFC 2557): the text of the page, and its pictures and frames as contained files.

use super::html::{self, Dialect};
use crate::document::{Child, ChildRole, Property, Sink};
use crate::finding::{Code, Finding, Severity};
use crate::source::{Source, Stop};
use crate::table::Context;

/// Deepest parts in parts.
const DEEPEST: usize = 32;
/// Longest header of a part.
const HEADER_BYTES: usize = 1 << 20;

/// A part: its header fields with names in lower case, and its body as it stands.
struct Entity<'a> {
    fields: Vec<(String, String)>,
    body: &'a [u8],
    /// Whether the boundary after it is there.
    is_closed: bool,
}

/// Reads it.
pub fn read(source: &mut Source<'_>, context: &Context<'_>, sink: &mut dyn Sink) -> Result<(), Stop> {
    let Some(bytes) = source.whole(context.limits.memory_bytes)? else {
        return sink.finding(Finding::new(Code::LimitMemory, format!("The file has {} bytes.", source.size_bytes())).weighing(Severity::Unreadable));
    };
    let root = Entity::read(&bytes, true);
    for (name, label) in [
        ("subject", "dc:title"),
        ("date", "mail:Date"),
        ("from", "mail:From"),
        ("snapshot-content-location", "mhtml:Location"),
        ("content-location", "mhtml:Location"),
    ] {
        if let Some(value) = root.field(name) {
            sink.property(label, value.to_owned())?;
        }
    }
    let start = parameter(root.field("content-type").unwrap_or_default(), "start");
    let parts = leaves(root, sink)?;
    let is_start = |part: &Entity<'_>| start.as_ref().is_some_and(|start| part.field("content-id").is_some_and(|id| id.trim() == start.trim()));
    let page = parts.iter().position(is_start).or_else(|| parts.iter().position(Entity::is_page));
    let mut given = 0;
    if let Some(part) = page.and_then(|index| parts.get(index)) {
        let (bytes, is_whole) = part.decoded();
        if !is_whole || !part.is_closed {
            sink.finding(Finding::new(Code::Truncated, "The page ends too early or is not encoded as it says."))?;
        }
        let charset = parameter(part.field("content-type").unwrap_or_default(), "charset");
        let (text, findings) = html::decode(&bytes, charset.as_deref());
        findings.into_iter().try_for_each(|finding| sink.finding(finding))?;
        given = html::tell(&text, None, &mut 0, Dialect::Html, sink)?;
    } else {
        sink.finding(Finding::new(Code::PartDamaged, "No part of the file is a page."))?;
    }
    for (index, part) in parts.iter().enumerate().filter(|(index, _)| Some(*index) != page) {
        part.tell(index + 1, sink)?;
    }
    if given == 0 {
        sink.finding(Finding::new(Code::NoText, Code::NoText.meaning()))?;
    }
    Ok(())
}

/// The parts that hold no parts, in their order.
fn leaves<'a>(root: Entity<'a>, sink: &mut dyn Sink) -> Result<Vec<Entity<'a>>, Stop> {
    let mut found = Vec::new();
    let mut pending = vec![(root, 0)];
    while let Some((entity, depth)) = pending.pop() {
        let kind = entity.field("content-type").unwrap_or_default().to_owned();
        let boundary = parameter(&kind, "boundary").filter(|boundary| !boundary.is_empty() && kind.trim_start().to_ascii_lowercase().starts_with("multipart/"));
        match boundary {
            Some(_) if depth == DEEPEST => sink.finding(Finding::new(Code::LimitNesting, format!("Parts deeper than {DEEPEST} were left out.")))?,
            Some(boundary) => {
                let mut inner = split(entity.body, &boundary);
                inner.reverse();
                pending.extend(inner.into_iter().map(|part| (part, depth + 1)));
            }
            None => found.push(entity),
        }
    }
    Ok(found)
}

/// The bodies between lines of a boundary.
fn split<'a>(body: &'a [u8], boundary: &str) -> Vec<Entity<'a>> {
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at < body.len() {
        let end = body[at..].iter().position(|byte| *byte == b'\n').map_or(body.len(), |length| at + length + 1);
        let line = body[at..end].trim_ascii_end();
        let rest = line.strip_prefix(mark.as_bytes());
        if rest.is_some_and(|rest| rest.is_empty() || rest == b"--") {
            if let Some(start) = start.take() {
                let piece: &[u8] = &body[start..at];
                let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
                parts.push(Entity::read(piece.strip_suffix(b"\r").unwrap_or(piece), true));
            }
            if rest == Some(b"--") {
                return parts;
            }
            start = Some(end);
        }
        at = end;
    }
    if let Some(start) = start {
        parts.push(Entity::read(&body[start.min(body.len())..], false));
    }
    parts
}

/// A parameter of a field such as `text/html; charset="euc-kr"`.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value;
    while let Some((_, after)) = rest.split_once(';') {
        let after = after.trim_start();
        let (key, value) = after.split_once('=')?;
        let value = value.trim_start();
        let (found, left) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(found.trim().to_owned());
        }
        rest = left;
    }
    None
}

impl<'a> Entity<'a> {
    fn read(bytes: &'a [u8], is_closed: bool) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut at = 0;
        while at < bytes.len().min(HEADER_BYTES) {
            let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length + 1);
            let line = bytes[at..end].trim_ascii_end();
            at = end;
            if line.is_empty() {
                break;
            }
            let text = String::from_utf8_lossy(line);
            match (line[0], fields.last_mut(), text.split_once(':')) {
                (b' ' | b'\t', Some((_, value)), _) => {
                    value.push(' ');
                    value.push_str(text.trim());
                }
                (_, _, Some((name, value))) => fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned())),
                _ => {}
            }
        }
        Self { fields, body: &bytes[at..], is_closed }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    fn media_type(&self) -> String {
        self.field("content-type").unwrap_or("text/plain").split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    fn is_page(&self) -> bool {
        matches!(self.media_type().as_str(), "text/html" | "application/xhtml+xml")
    }

    /// The body out of its transfer encoding, and whether all of it could be decoded.
    fn decoded(&self) -> (Vec<u8>, bool) {
        match self.field("content-transfer-encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
            "base64" => match html::decode_base64(self.body) {
                Some(bytes) => (bytes, true),
                None => (lenient_base64(self.body), false),
            },
            "quoted-printable" => (quoted_printable(self.body), true),
            _ => (self.body.to_vec(), true),
        }
    }

    fn tell(&self, number: usize, sink: &mut dyn Sink) -> Result<(), Stop> {
        let (bytes, is_whole) = self.decoded();
        let location = self.field("content-location").unwrap_or_default().to_owned();
        let last = location.split(['?', '#']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        let named = parameter(self.field("content-type").unwrap_or_default(), "name")
            .or_else(|| parameter(self.field("content-disposition").unwrap_or_default(), "filename"));
        let name = named.unwrap_or(if last.is_empty() { format!("part{number}") } else { last });
        let properties = [("mhtml:Location", location), ("mail:Content-ID", self.field("content-id").unwrap_or_default().to_owned())];
        let child = Child {
            media_type: Some(self.media_type()),
            size_bytes: Some(bytes.len() as u64),
            properties: properties.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| Property { name: name.to_owned(), value }).collect(),
            ..Child::new(ChildRole::Embedded, name.clone())
        };
        sink.child(child, &mut bytes.as_slice())?;
        if !is_whole || !self.is_closed {
            sink.finding(Finding::new(Code::ChildFailed, "The part ends too early or is not encoded as it says.").at(name))?;
        }
        Ok(())
    }
}

/// What can be decoded when some letters are wrong: four at a time.
fn lenient_base64(body: &[u8]) -> Vec<u8> {
    let letters: Vec<u8> = body.iter().copied().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')).collect();
    letters.chunks(4).filter_map(html::decode_base64).flatten().collect()
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let is_soft = text.ends_with(b"=");
        let text = if is_soft { &text[..text.len() - 1] } else { text };
        let mut at = 0;
        while at < text.len() {
            let pair = text.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
            match pair.filter(|_| text[at] == b'=').and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                Some(byte) => {
                    out.push(byte);
                    at += 3;
                }
                None => {
                    out.push(text[at]);
                    at += 1;
                }
            }
        }
        if !is_soft && line.ends_with(b"\n") {
            out.extend(b"\r\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::{Code, Collected, Limits};

    #[test]
    fn the_page_is_text_and_its_pictures_are_children() {
        let file = concat!(
            "From: <Saved by>\r\nSubject: T\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n type=\"text/html\"; boundary=\"B\"\r\n\r\npreamble\r\n",
            "--B\r\nContent-Type: text/html; charset=euc-kr\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=C7=D1=\r\n=B1=DB<img src=\"cid:a\">\r\n",
            "--B\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-Location: http://example.org/a.png?x\r\nContent-ID: <a>\r\n\r\niVBO\r\nRw==\r\n--B--\r\n"
        );
        let read = Collected::of("a.mhtml", file.as_bytes(), &Limits::default()).unwrap();
        assert_eq!((read.summary.format.as_deref(), read.text().as_str(), read.value("dc:title")), (Some("mhtml"), "한글", Some("T")));
        assert_eq!((read.children[0].0.name.as_str(), read.children[0].1.as_slice()), ("a.png", &b"\x89PNG"[..]));
        let cut = Collected::of("a.mhtml", &file.as_bytes()[..file.len() - 20], &Limits::default()).unwrap();
        assert!(cut.has(Code::ChildFailed));
    }
}
