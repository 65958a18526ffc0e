//! Which characters the bytes of a page mean: its mark, what the transport said, what the page declares, else a judgement (HTML Standard 13.2.3).

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::charset;
use crate::finding::{Code, Finding};

/// How far a declaration is looked for. The standard asks for 1024; pages with long heads exist.
const PRESCAN_BYTES: usize = 16 << 10;

/// The text of a page, and what was doubtful. `transport` is the character set that a message's or an archive's header names.
pub(crate) fn decode(bytes: &[u8], transport: Option<&str>) -> (String, Vec<Finding>) {
    let mut findings = Vec::new();
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        let (text, has_errors) = encoding.decode_without_bom_handling(&bytes[length..]);
        if has_errors {
            findings.push(Finding::new(Code::Undecodable, format!("In {}.", encoding.name())));
        }
        return (text.into_owned(), findings);
    }
    if let Some(encoding) = without_mark(bytes) {
        findings.push(Finding::new(Code::EncodingGuessed, format!("{}: every other byte is zero.", encoding.name())));
        return (encoding.decode_without_bom_handling(bytes).0.into_owned(), findings);
    }
    for label in transport.map(str::to_owned).into_iter().chain(declared(bytes)) {
        let Some(encoding) = Encoding::for_label(label.as_bytes()) else {
            findings.push(Finding::new(Code::EncodingDoubtful, format!("The character set “{label}” is not known.")).weighing(crate::Severity::Note));
            continue;
        };
        // A page whose bytes could be scanned for its declaration is not in UTF-16, whatever it says.
        let encoding = if [UTF_16LE, UTF_16BE].contains(&encoding) { UTF_8 } else { encoding };
        let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
        if !has_errors {
            return (text.into_owned(), findings);
        }
        // What is declared does not fit: the bytes themselves are asked.
        let decoded = charset::decode(bytes, Some(&label));
        findings.extend(decoded.findings());
        return (decoded.text, findings);
    }
    if bytes.is_ascii() {
        return (String::from_utf8_lossy(bytes).into_owned(), findings);
    }
    let decoded = charset::decode(bytes, None);
    findings.extend(decoded.findings());
    (decoded.text, findings)
}

/// UTF-16 without its mark, told by `<` beside a zero.
fn without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..4)?;
    match head {
        [b'<', 0, letter, 0] if letter.is_ascii() => Some(UTF_16LE),
        [0, b'<', 0, letter] if letter.is_ascii() => Some(UTF_16BE),
        _ => None,
    }
}

/// The character set named in an XML declaration or a `meta`; the labels in the order they stand, comments left out.
fn declared(bytes: &[u8]) -> Vec<String> {
    let head = &bytes[..bytes.len().min(PRESCAN_BYTES)];
    let lower = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut labels = Vec::new();
    let mut rest = lower.trim_start();
    if rest.starts_with("<?xml") {
        let declaration = &rest[..rest.find("?>").unwrap_or(0)];
        labels.extend(declaration.split_once("encoding").and_then(|(_, value)| label(value)));
    }
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
        } else if let Some(meta) = rest.strip_prefix("<meta") {
            let end = meta.find('>').unwrap_or(meta.len());
            labels.extend(meta[..end].split_once("charset").and_then(|(_, value)| label(value)));
            rest = &meta[end..];
        } else {
            rest = &rest[1..];
        }
    }
    labels
}

fn label(value: &str) -> Option<String> {
    let value = value.trim_start().strip_prefix('=')?.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '"' || letter == '\'');
    let end = value.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.:".contains(letter))).unwrap_or(value.len());
    (end > 0).then(|| value[..end].to_owned())
}
