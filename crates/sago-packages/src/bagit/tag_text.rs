//! Text of tag files: character encodings, byte order marks and lines (RFC 8493 sections 2.1.1 and 2.2.4).

use encoding_rs::Encoding;

/// How tag files other than `bagit.txt` are encoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TagEncoding {
    Utf8,
    /// By byte order mark, else big-endian (RFC 2781 section 4.3).
    Utf16,
    /// ISO-8859-1 proper, which web encoders take for windows-1252.
    Latin1,
    Other(&'static Encoding),
}

/// Text that was decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub text: String,
    /// Whether a UTF-8 byte order mark was removed.
    pub utf8_mark: bool,
}

impl TagEncoding {
    /// Finds an encoding by the name in `bagit.txt`.
    pub(crate) fn from_label(label: &str) -> Option<Self> {
        match label.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Self::Utf8),
            "utf-16" | "utf16" => Some(Self::Utf16),
            "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "l1" => Some(Self::Latin1),
            other => Encoding::for_label_no_replacement(other.as_bytes()).map(Self::Other),
        }
    }

    /// Decodes without replacing anything; `None` when the bytes are not in this encoding.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Decoded> {
        let mut utf8_mark = false;
        let text = match self {
            Self::Utf8 => {
                let rest = bytes.strip_prefix(b"\xef\xbb\xbf");
                utf8_mark = rest.is_some();
                std::str::from_utf8(rest.unwrap_or(bytes)).ok()?.to_owned()
            }
            Self::Latin1 => encoding_rs::mem::decode_latin1(bytes).into_owned(),
            Self::Utf16 => match bytes {
                [0xff, 0xfe, rest @ ..] => whole(encoding_rs::UTF_16LE, rest)?,
                [0xfe, 0xff, rest @ ..] => whole(encoding_rs::UTF_16BE, rest)?,
                _ => whole(encoding_rs::UTF_16BE, bytes)?,
            },
            Self::Other(encoding) => {
                let mark = match bytes {
                    [0xff, 0xfe, ..] if encoding == encoding_rs::UTF_16LE => 2,
                    [0xfe, 0xff, ..] if encoding == encoding_rs::UTF_16BE => 2,
                    _ => 0,
                };
                whole(encoding, &bytes[mark..])?
            }
        };
        Some(Decoded { text, utf8_mark })
    }
}

fn whole(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

/// Splits text into lines ended by LF, CR or CRLF; a missing end of the last line does no harm.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        lines.push(&rest[..at]);
        let end = if rest[at..].starts_with("\r\n") { at + 2 } else { at + 1 };
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_any_of_the_three() {
        assert_eq!(lines("a\nb\rc\r\nd"), ["a", "b", "c", "d"]);
        assert_eq!(lines("a\n\r\n\n"), ["a", "", ""]);
        assert_eq!(lines(""), Vec::<&str>::new());
    }

    #[test]
    fn encodings_are_decoded_without_guessing() {
        let decode = |label: &str, bytes: &[u8]| TagEncoding::from_label(label).unwrap().decode(bytes).map(|decoded| decoded.text);
        assert_eq!(decode("UTF-8", "\u{feff}é".as_bytes()).as_deref(), Some("é"));
        assert_eq!(decode("UTF-8", b"\xe9"), None);
        assert_eq!(decode("ISO-8859-1", b"\xe9\x80").as_deref(), Some("é\u{80}"));
        assert_eq!(decode("UTF-16", b"\xff\xfea\0").as_deref(), Some("a"));
        assert_eq!(decode("UTF-16", b"\xfe\xff\0a").as_deref(), Some("a"));
        assert_eq!(decode("utf-16", b"\0a").as_deref(), Some("a"));
        assert_eq!(decode("UTF-16LE", b"a\0").as_deref(), Some("a"));
        assert_eq!(decode("UTF-16", b"\0"), None);
        assert_eq!(decode("EUC-KR", b"\xc7\xd1").as_deref(), Some("한"));
        assert_eq!(TagEncoding::from_label("UTF-99"), None);
        assert_eq!(TagEncoding::from_label(""), None);
    }
}
