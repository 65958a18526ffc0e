//! Paths in manifests and `fetch.txt`: what is encoded in them and what is not allowed (RFC 8493 sections 2.1.3 and 5).

/// What is wrong with a path before it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsafe {
    Empty,
    Absolute,
    Home,
    Drive,
    Element,
    Nul,
}

impl Unsafe {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::Absolute => "it is absolute",
            Self::Home => "it begins with '~'",
            Self::Drive => "it begins with a drive or a network share",
            Self::Element => "it has an element that is '.', '..' or empty",
            Self::Nul => "it holds a NUL character",
        }
    }
}

/// Judges a path; one leading `./` must have been removed.
pub(crate) fn judge(path: &str) -> Result<(), Unsafe> {
    let bytes = path.as_bytes();
    if path.is_empty() {
        Err(Unsafe::Empty)
    } else if path.starts_with('/') {
        Err(Unsafe::Absolute)
    } else if path.starts_with('~') {
        Err(Unsafe::Home)
    } else if path.starts_with('\\') || path.starts_with('%') || (bytes.len() > 1 && bytes[1] == b':' && bytes[0].is_ascii_alphabetic()) {
        // `%HomeDrive%\…` is expanded by some Windows tools; no payload path begins with '%'.
        Err(Unsafe::Drive)
    } else if path.contains('\0') {
        Err(Unsafe::Nul)
    } else if path.split(['/', '\\']).any(|element| element == "..") || path.split('/').any(|element| matches!(element, "" | ".")) {
        Err(Unsafe::Element)
    } else {
        Ok(())
    }
}

/// Decodes `%0A`, `%0D` and `%25`, in either case, and nothing else.
pub(crate) fn decode(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        decoded.push_str(&rest[..at]);
        let c = match rest.get(at + 1..at + 3).map(str::to_ascii_uppercase).as_deref() {
            Some("0A") => Some('\n'),
            Some("0D") => Some('\r'),
            Some("25") => Some('%'),
            _ => None,
        };
        decoded.push(c.unwrap_or('%'));
        rest = &rest[at + if c.is_some() { 3 } else { 1 }..];
    }
    decoded.push_str(rest);
    decoded
}

/// Says whether every `%` begins one of the three sequences that RFC 8493 allows.
pub(crate) fn is_encoded(path: &str) -> bool {
    path.match_indices('%').all(|(at, _)| matches!(path.get(at + 1..at + 3).map(str::to_ascii_uppercase).as_deref(), Some("0A" | "0D" | "25")))
}

/// Encodes LF, CR and `%`, and nothing else.
pub(crate) fn encode(path: &str) -> String {
    path.replace('%', "%25").replace('\n', "%0A").replace('\r', "%0D")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_that_lead_out_are_refused() {
        for path in ["data/a", "data/~a", "data/a..b", "data/...", "data/a b\\c", "bag-info.txt", "data/%7E"] {
            assert_eq!(judge(path), Ok(()), "{path}");
        }
        for path in [
            "",
            "/data/a",
            "~/a",
            "~root/a",
            "../a",
            "data/../../a",
            "data/./a",
            "data//a",
            "data/a/",
            "C:\\x",
            "c:/x",
            "\\\\server\\x",
            "data\\..\\..\\x",
            "%HomeDrive%\\x",
            "data/a\0",
        ] {
            assert!(judge(path).is_err(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn encoding_is_undone_by_decoding(path in "[%a-f0-9\\r\\n é]{0,12}") {
            let encoded = encode(&path);
            prop_assert!(!encoded.contains(['\r', '\n']) && is_encoded(&encoded));
            prop_assert_eq!(decode(&encoded), path);
        }
    }
}
