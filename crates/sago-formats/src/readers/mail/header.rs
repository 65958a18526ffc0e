//! Header fields of a message or a part (RFC 5322, section 2.2; RFC 2045; RFC 2231), as they come: folded, unencoded 8-bit, cut off.

use super::words;

/// Most fields of one header.
const FIELDS: usize = 10_000;

/// One field, unfolded, not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) value: Vec<u8>,
}

/// The fields in order.
#[derive(Debug, Default)]
pub(super) struct Header<'a>(pub(super) Vec<Field<'a>>);

/// A value with parameters: `text/plain; charset=euc-kr`.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// What stands before the first semicolon, in lower case.
    pub(super) value: String,
    list: Vec<(String, String)>,
}

impl Parameters {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl Header<'_> {
    /// The raw value of the first field of this name.
    pub(super) fn raw(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.as_slice())
    }

    /// The decoded value of the first field of this name.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.raw(name).map(|raw| words::decode(raw).text)
    }

    /// The parameters of the first field of this name.
    pub(super) fn parameters(&self, name: &str) -> Parameters {
        self.raw(name).map(parameters).unwrap_or_default()
    }
}

/// Takes the header off a message; what is left is the body. A line that is no field ends it, as an empty one does.
pub(super) fn split(bytes: &[u8]) -> (Header<'_>, &[u8]) {
    let mut fields: Vec<Field<'_>> = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() && fields.len() < FIELDS {
        let (line, after) = line(rest);
        if line.is_empty() {
            return (Header(fields), after);
        }
        if let Some(last) = fields.last_mut().filter(|_| matches!(line[0], b' ' | b'\t')) {
            // A line end before white space only folds: the white space stays.
            last.value.extend_from_slice(line);
        } else if let Some((name, value)) = field(line) {
            fields.push(Field { name, value: value.to_vec() });
        } else if !fields.is_empty() || !line.starts_with(b"From ") && !line.starts_with(b">From ") {
            return (Header(fields), rest);
        }
        rest = after;
    }
    (Header(fields), rest)
}

fn field(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic());
    Some((std::str::from_utf8(name).ok().filter(|_| is_name)?, line[colon + 1..].trim_ascii()))
}

/// A line without its end, and what follows it.
pub(super) fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (line, rest) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + 1..]));
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

fn parameters(raw: &[u8]) -> Parameters {
    let mut pieces = split_quoted(raw).into_iter();
    let value = String::from_utf8_lossy(pieces.next().unwrap_or_default().trim_ascii()).to_ascii_lowercase();
    let mut whole: Vec<(String, String)> = Vec::new();
    // RFC 2231: name*2*=… is the third piece of a value, with percent signs.
    let mut parts: Vec<(String, u32, bool, Vec<u8>)> = Vec::new();
    for piece in pieces {
        let Some(equals) = piece.iter().position(|byte| *byte == b'=') else { continue };
        let name = String::from_utf8_lossy(piece[..equals].trim_ascii()).to_ascii_lowercase();
        let own = unquote(piece[equals + 1..].trim_ascii());
        if let Some((base, tail)) = name.split_once('*') {
            let is_extended = name.ends_with('*');
            let number = tail.trim_end_matches('*').parse().unwrap_or(0);
            parts.push((base.to_owned(), number, is_extended, own));
        } else {
            whole.push((name, words::decode(&own).text));
        }
    }
    parts.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for group in parts.chunk_by(|a, b| a.0 == b.0) {
        let mut charset = None;
        let mut bytes = Vec::new();
        for (index, (_, _, is_extended, own)) in group.iter().enumerate() {
            let mut own = own.as_slice();
            if *is_extended && index == 0 {
                let mut quotes = own.splitn(3, |byte| *byte == b'\'');
                if let (Some(label), Some(_), Some(rest)) = (quotes.next(), quotes.next(), quotes.next()) {
                    charset = Some(String::from_utf8_lossy(label).into_owned()).filter(|label| !label.is_empty());
                    own = rest;
                }
            }
            if *is_extended { bytes.extend(percent(own)) } else { bytes.extend_from_slice(own) }
        }
        // The extended form is the better one when both are there.
        whole.insert(0, (group[0].0.clone(), crate::charset::decode(&bytes, charset.as_deref()).text));
    }
    Parameters { value, list: whole }
}

fn split_quoted(raw: &[u8]) -> Vec<&[u8]> {
    let (mut pieces, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (place, byte) in raw.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted => {
                pieces.push(&raw[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    pieces.push(&raw[start..]);
    pieces
}

fn unquote(raw: &[u8]) -> Vec<u8> {
    let Some(inner) = raw.strip_prefix(b"\"") else { return raw.to_vec() };
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        // Only quotes and backslashes are escaped by those who escape; others write paths with single backslashes.
        if byte == b'\\' && matches!(bytes.peek(), Some(b'"' | b'\\')) {
            out.extend(bytes.next());
        } else {
            out.push(byte);
        }
    }
    out
}

fn percent(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut place = 0;
    while let Some(byte) = raw.get(place) {
        let hex = raw.get(place + 1..place + 3).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match hex {
            Some(value) if *byte == b'%' => {
                out.push(value);
                place += 3;
            }
            _ => {
                out.push(*byte);
                place += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_pieces_and_percent_signs_is_put_together() {
        let found = parameters(b"attachment; filename*0*=euc-kr''%C7%D1; filename*1*=%B1%DB.hwp; size=3");
        assert_eq!(found.value, "attachment");
        assert_eq!(found.get("filename"), Some("한글.hwp"));
        assert_eq!(found.get("size"), Some("3"));
    }

    #[test]
    fn a_name_without_any_encoding_is_judged() {
        let found = parameters(b"application/octet-stream; name=\"\xc7\xd1\xb1\xdb \xb9\xae\xbc\xad.hwp\"");
        assert_eq!(found.get("name"), Some("한글 문서.hwp"));
    }

    #[test]
    fn folds_and_broken_lines_do_not_end_in_loss() {
        let (header, body) = split(b"Subject: a\r\n b\r\nTo: c\r\nno field here\r\n\r\nbody");
        assert_eq!(header.text("subject").as_deref(), Some("a b"));
        assert_eq!(body, b"no field here\r\n\r\nbody");
    }
}
