//! The words of an HTML body. Tolerant and small: the reader of HTML files knows more; bodies of messages need their text only.

/// Elements that begin a new line.
const BREAKS: &[&str] = &[
    "br",
    "p",
    "div",
    "tr",
    "li",
    "ul",
    "ol",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "pre",
    "hr",
    "title",
    "dt",
    "dd",
    "section",
    "article",
];

/// The text, a line for each block. Scripts and styles are not text.
pub(super) fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        push(&mut out, &rest[..open]);
        rest = &rest[open..];
        if rest.starts_with("<!--") {
            rest = rest.find("-->").map_or("", |end| &rest[end + 3..]);
            continue;
        }
        let name: String =
            rest[1..].trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
        if name.is_empty() && !rest[1..].starts_with(['!', '?', '/']) {
            push(&mut out, "<");
            rest = &rest[1..];
            continue;
        }
        let end = tag_end(rest);
        let is_closing = rest[1..].starts_with('/');
        rest = &rest[end..];
        if !is_closing && matches!(name.as_str(), "script" | "style") {
            rest = after_element(rest, &name);
        } else if BREAKS.contains(&name.as_str()) {
            out.push('\n');
        } else if matches!(name.as_str(), "td" | "th") {
            out.push('\t');
        }
    }
    push(&mut out, rest);
    let lines = out.lines().map(|line| line.trim_matches([' ', '\t'])).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// Where a tag ends; quoted values may hold its end mark.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (place, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return place + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    // An odd quote must not swallow the rest.
    tag.find('>').map_or(tag.len(), |end| end + 1)
}

fn after_element<'a>(rest: &'a str, name: &str) -> &'a str {
    let close = format!("</{name}");
    let place = rest.as_bytes().windows(close.len()).position(|window| window.eq_ignore_ascii_case(close.as_bytes()));
    place.and_then(|place| rest.get(place..)).unwrap_or("")
}

/// Adds text with its references decoded and its white space folded.
fn push(out: &mut String, raw: &str) {
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        if first == '&'
            && let Some(end) = rest.bytes().take(32).position(|byte| byte == b';')
            && let Some(decoded) = reference(&rest[1..end])
        {
            out.push(decoded);
            rest = &rest[end + 1..];
            continue;
        }
        if matches!(first, ' ' | '\t' | '\r' | '\n') {
            if !out.ends_with([' ', '\n', '\t']) {
                out.push(' ');
            }
        } else {
            out.push(first);
        }
        rest = &rest[first.len_utf8()..];
    }
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = number.strip_prefix(['x', 'X']).map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())?;
        return char::from_u32(code).filter(|letter| !letter.is_control());
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "rsquo" => '’',
        "nbsp" => '\u{a0}',
        "lsquo" => '‘',
        "ldquo" => '“',
        "rdquo" => '”',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "middot" => '·',
        "bull" => '•',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "euro" => '€',
        "laquo" => '«',
        "raquo" => '»',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "agrave" => 'à',
        "ccedil" => 'ç',
        _ => return None,
    })
}

/// The character set that the page names in its first bytes.
pub(super) fn declared_charset(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(4096))?).to_ascii_lowercase();
    let place = head.find("charset=")? + 8;
    let name: String =
        head[place..].trim_start_matches(['"', '\'']).chars().take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')).collect();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_scripts_are_not() {
        let html = "<style>p{}</style><p title='a>b'>한국&nbsp;어<br>2 < 3 &amp; 4<script>x()</script><td>a<td>b<!-- no -->";
        assert_eq!(text(html), "한국\u{a0}어\n2 < 3 & 4\ta\tb");
        assert_eq!(text("<p title=\"open>still here"), "still here");
        assert_eq!(text("a<script>never closed"), "a");
    }
}
