//! A message of the store as RFC 5322 and MIME. Names of properties are those of MS-OXPROPS.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::file::{File, u32_at};
use super::rtf;
use super::tables::{Heap, Properties};
use crate::finding::{Code, Finding};

/// Deepest messages in messages.
const DEPTH: u8 = 16;
/// Nodes of the tables of recipients and attachments.
const RECIPIENTS: u32 = 0x692;
const ATTACHMENTS: u32 = 0x671;
/// Properties that stand in the rendering under their own names, or say nothing to a person.
const TOLD: &[u16] = &[
    0x001A, 0x0037, 0x003D, 0x007D, 0x0070, 0x0E1D, 0x1000, 0x1009, 0x1013, 0x1035, 0x1039, 0x1042, 0x0C1A, 0x0C1E, 0x0C1F, 0x5D01, 0x0042, 0x0064, 0x0065,
    0x5D02, 0x0E02, 0x0E03, 0x0E04, 0x0050,
];

/// A rendering and what was found.
pub(super) struct Rendered {
    pub(super) bytes: Vec<u8>,
    pub(super) subject: String,
    pub(super) class: String,
    pub(super) date: Option<String>,
    pub(super) findings: Vec<Finding>,
}

struct State {
    left: u64,
    findings: Vec<Finding>,
    parts: u32,
}

/// Renders a message; nothing when its own data are damaged.
pub(super) fn message(file: &mut File<'_, '_>, data: u64, subnodes: u64, most: u64) -> io::Result<Option<Rendered>> {
    let mut state = State { left: most, findings: Vec::new(), parts: 0 };
    let Some((bytes, properties)) = render(file, (data, subnodes), DEPTH, &mut state)? else { return Ok(None) };
    Ok(Some(Rendered {
        bytes,
        subject: subject(&properties),
        class: properties.text(0x001A).unwrap_or_default(),
        date: properties.time(0x0039).or(properties.time(0x0E06)),
        findings: state.findings,
    }))
}

/// Outlook puts a control character and the length of the prefix before it (MS-PST 2.5.3.1.1.1).
fn subject(properties: &Properties) -> String {
    let own = properties.text(0x0037).unwrap_or_default();
    match own.strip_prefix('\u{1}') {
        Some(rest) => rest.chars().skip(1).collect(),
        None => own,
    }
}

fn render(file: &mut File<'_, '_>, (data, subnodes): (u64, u64), depth: u8, state: &mut State) -> io::Result<Option<(Vec<u8>, Properties)>> {
    let Some(heap) = Heap::open(file, data, subnodes)? else { return Ok(None) };
    let properties = heap.properties(file)?;
    if properties.is_empty() {
        return Ok(None);
    }
    state.parts += 1;
    let boundary = format!("sago-rendering-{}", state.parts);
    let mut out = String::new();
    header(&mut out, &properties, &recipients(file, &heap, &properties)?);
    out.push_str(&format!("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n"));
    let mut out = out.into_bytes();
    bodies(&mut out, &properties, &boundary, state);
    if let Some(table) = heap.subnode(ATTACHMENTS)
        && let Some(rows) = Heap::open(file, table.data, table.subnodes)?
    {
        for (id, _) in rows.rows(file)? {
            attachment(file, &heap, (id, &properties), (&boundary, depth), state, &mut out)?;
        }
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(Some((out, properties)))
}

/// Kind (1 to, 2 cc, 3 bcc) and address of each recipient.
fn recipients(file: &mut File<'_, '_>, heap: &Heap, message: &Properties) -> io::Result<Vec<(u32, String)>> {
    let Some(table) = heap.subnode(RECIPIENTS) else { return Ok(Vec::new()) };
    let Some(rows) = Heap::open(file, table.data, table.subnodes)? else { return Ok(Vec::new()) };
    let rows = rows.rows(file)?.into_iter().map(|(_, mut row)| {
        row.inherit(message);
        (row.integer(0x0C15).unwrap_or(1), address(row.text(0x3001), row.text(0x39FE).or(row.text(0x3003))))
    });
    Ok(rows.filter(|(_, address)| !address.is_empty()).collect())
}

fn address(name: Option<String>, mail: Option<String>) -> String {
    match (name, mail) {
        (Some(name), Some(mail)) if name != mail && name.is_ascii() => format!("\"{}\" <{mail}>", encoded(&name).replace('"', "'")),
        (Some(name), Some(mail)) if name != mail => format!("{} <{mail}>", encoded(&name)),
        (Some(one), _) | (None, Some(one)) => encoded(&one),
        (None, None) => String::new(),
    }
}

/// A value of a header: what is not ASCII as encoded words (RFC 2047), short ones, cut between letters.
fn encoded(text: &str) -> String {
    let text = text.replace(['\r', '\n'], " ");
    if text.is_ascii() {
        return text;
    }
    let mut words = Vec::new();
    let mut piece = String::new();
    for letter in text.chars() {
        if piece.len() + letter.len_utf8() > 45 {
            words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(&piece)));
            piece.clear();
        }
        piece.push(letter);
    }
    words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(&piece)));
    words.join("\r\n ")
}

fn header(out: &mut String, properties: &Properties, recipients: &[(u32, String)]) {
    let transport = properties.text(0x007D).unwrap_or_default();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
    };
    let mut told = String::new();
    for own in unfolded(&transport) {
        let Some((name, value)) = own.split_once(':') else { continue };
        let lower = name.trim().to_ascii_lowercase();
        // These described the body as it was sent; the rendering has its own.
        if lower.starts_with("content-") || lower == "mime-version" {
            line(&format!("X-Original-{}", name.trim()), encoded(value.trim()));
        } else {
            line(name.trim(), encoded(value.trim()));
        }
        told.push_str(&lower);
        told.push('\n');
    }
    let has = |name: &str| told.lines().any(|own| own == name);
    let kind = |wanted: u32, shown: u16| {
        let list: Vec<&str> = recipients.iter().filter(|(kind, _)| *kind == wanted).map(|(_, address)| address.as_str()).collect();
        if list.is_empty() { properties.text(shown).map(|text| encoded(&text)).unwrap_or_default() } else { list.join(",\r\n ") }
    };
    let sender = address(properties.text(0x0C1A), properties.text(0x5D01).or(properties.text(0x0C1F)));
    let from = address(properties.text(0x0042), properties.text(0x5D02).or(properties.text(0x0065)));
    let computed = [
        ("From", if from.is_empty() { sender.clone() } else { from.clone() }),
        ("Sender", if sender == from || from.is_empty() { String::new() } else { sender }),
        ("To", kind(1, 0x0E04)),
        ("Cc", kind(2, 0x0E03)),
        ("Bcc", kind(3, 0x0E02)),
        ("Subject", encoded(&subject(properties))),
        ("Date", properties.time(0x0039).or(properties.time(0x0E06)).and_then(|time| rfc2822(&time)).unwrap_or_default()),
        ("Message-ID", properties.text(0x1035).map(|text| encoded(&text)).unwrap_or_default()),
        ("In-Reply-To", properties.text(0x1042).map(|text| encoded(&text)).unwrap_or_default()),
        ("References", properties.text(0x1039).map(|text| encoded(&text)).unwrap_or_default()),
    ];
    for (name, value) in computed {
        if !has(&name.to_ascii_lowercase()) {
            line(name, value);
        }
    }
    let class = properties.text(0x001A).unwrap_or_default();
    let is_note = class.is_empty() || class.eq_ignore_ascii_case("ipm.note");
    line("X-MAPI-Message-Class", encoded(&class));
    // Contacts, appointments and tasks have their words in properties of their own.
    for (id, text) in properties.texts().into_iter().filter(|(id, _)| !is_note && !TOLD.contains(id)) {
        line(&format!("X-MAPI-{id:04X}"), encoded(&text));
    }
}

/// Lines of a header with their continuations.
fn unfolded(header: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for own in header.lines().filter(|own| !own.trim().is_empty()) {
        match lines.last_mut().filter(|_| own.starts_with([' ', '\t'])) {
            Some(last) => {
                last.push(' ');
                last.push_str(own.trim());
            }
            None => lines.push(own.to_owned()),
        }
    }
    lines
}

fn rfc2822(time: &str) -> Option<String> {
    let time: jiff::Timestamp = time.parse().ok()?;
    Some(time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string())
}

fn bodies(out: &mut Vec<u8>, properties: &Properties, boundary: &str, state: &mut State) {
    let plain = properties.text(0x1000);
    let html_text = properties.text(0x1013);
    let html = html_text.as_deref().map(str::as_bytes).or(properties.bytes(0x1013)).filter(|html| !html.is_empty());
    let inner = format!("{boundary}-bodies");
    out.extend_from_slice(format!("--{boundary}\r\nContent-Type: multipart/alternative; boundary=\"{inner}\"\r\n\r\n").as_bytes());
    if let Some(plain) = &plain {
        part(out, &inner, "Content-Type: text/plain; charset=utf-8\r\n", plain.as_bytes(), state);
    }
    if let Some(html) = html {
        let code_page = if html_text.is_some() { None } else { properties.integer(0x3FDE).and_then(crate::charset::Charset::of_code_page) };
        let label = if html_text.is_some() { "utf-8" } else { code_page.map_or("", crate::charset::Charset::name) };
        let kind = if label.is_empty() { "Content-Type: text/html\r\n".to_owned() } else { format!("Content-Type: text/html; charset=\"{label}\"\r\n") };
        part(out, &inner, &kind, html, state);
    }
    let most = usize::try_from(state.left).unwrap_or(usize::MAX);
    if let (None, None, Some(rtf)) = (&plain, html, properties.bytes(0x1009).and_then(|packed| rtf::unpack(packed, most))) {
        part(out, &inner, "Content-Type: text/rtf; name=\"body.rtf\"\r\nContent-Disposition: attachment; filename=\"body.rtf\"\r\n", &rtf, state);
    }
    out.extend_from_slice(format!("--{inner}--\r\n").as_bytes());
}

fn part(out: &mut Vec<u8>, boundary: &str, header: &str, bytes: &[u8], state: &mut State) {
    let size = bytes.len() as u64 / 3 * 4;
    if size > state.left {
        state.findings.push(Finding::new(Code::LimitMemory, format!("A part of {} bytes was left out.", bytes.len())));
        return;
    }
    state.left -= size;
    out.extend_from_slice(format!("--{boundary}\r\n{header}Content-Transfer-Encoding: base64\r\n\r\n").as_bytes());
    for line in bytes.chunks(57) {
        out.extend_from_slice(STANDARD.encode(line).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

fn attachment(
    file: &mut File<'_, '_>,
    heap: &Heap,
    (id, message): (u32, &Properties),
    (boundary, depth): (&str, u8),
    state: &mut State,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let own = match heap.subnode(id) {
        Some(node) => Heap::open(file, node.data, node.subnodes)?,
        None => None,
    };
    let Some(own) = own else {
        state.findings.push(Finding::new(Code::ChildMissing, "An attachment is named and its data are not there."));
        return Ok(());
    };
    let mut properties = own.properties(file)?;
    properties.inherit(message);
    let name = properties.text(0x3707).or(properties.text(0x3704)).or(properties.text(0x3001)).unwrap_or_default();
    let method = properties.integer(0x3705).unwrap_or(1);
    let mut header = String::new();
    let quoted: String = encoded(&name).chars().filter(|letter| !matches!(letter, '"' | '\\')).collect();
    if let Some(id) = properties.text(0x3712).filter(|id| id.is_ascii()) {
        header.push_str(&format!("Content-ID: <{}>\r\n", id.replace(['\r', '\n'], "")));
    }
    if method == 5 {
        // The value is the id of a subnode that holds a message (MS-PST 2.4.6.2.2).
        let node = properties.bytes(0x3701).and_then(|bytes| own.subnode(u32_at(bytes, 0)));
        let rendered = match node {
            Some(_) if depth == 0 => {
                state.findings.push(Finding::new(Code::LimitNesting, Code::LimitNesting.meaning()));
                return Ok(());
            }
            Some(node) => render(file, (node.data, node.subnodes), depth - 1, state)?,
            None => None,
        };
        match rendered {
            Some((bytes, _)) => part(out, boundary, &format!("{header}Content-Type: message/rfc822; name=\"{quoted}.eml\"\r\n"), &bytes, state),
            None => state.findings.push(Finding::new(Code::ChildFailed, format!("The attached message {name} could not be read."))),
        }
        return Ok(());
    }
    if matches!(method, 2..=4 | 7) {
        let target = properties.text(0x370D).or(properties.text(0x3708)).unwrap_or_default();
        state.findings.push(Finding::new(Code::External, format!("The attachment {name} is only a reference: {target}")));
        return Ok(());
    }
    let mime = properties.text(0x370E).filter(|mime| mime.is_ascii()).unwrap_or_else(|| "application/octet-stream".to_owned());
    let kind = mime.replace(['\r', '\n', '"', ';'], "");
    header.push_str(&format!("Content-Type: {kind}; name=\"{quoted}\"\r\nContent-Disposition: attachment; filename=\"{quoted}\"\r\n"));
    match properties.bytes(0x3701) {
        Some(bytes) => part(out, boundary, &header, bytes, state),
        None => state.findings.push(Finding::new(Code::ChildMissing, format!("The bytes of the attachment {name} are not there."))),
    }
    Ok(())
}
