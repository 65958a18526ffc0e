//! File names that every system can hold and no tool misreads, made from names that senders chose.
//!
//! The sender's own name is never lost by this: it stands in the manifest of the accession. Here only the copy in a bag gets its name.

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Longest safe name, in bytes of UTF-8: leaves room for folders within the 260 characters of older Windows tools.
const NAME_LIMIT_BYTES: usize = 150;

/// Longest extension kept when a name is cut, in bytes with its dot.
const EXTENSION_LIMIT_BYTES: usize = 20;

/// Names of devices on Windows, with any extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Files that systems make by themselves, and that cleaning tools remove.
const SYSTEM_FILES: [&str; 3] = ["thumbs.db", "desktop.ini", ".ds_store"];

/// Makes a safe file name for one element of a path.
///
/// The result is NFC, at most 150 bytes, never empty, has no separator, control, format or wildcard character and no `%`, does not begin with `.`, `-` or
/// `~`, does not end with a dot or blank, and is no device of Windows. A safe name stays as it is. Two names may become the same: put each file in a
/// numbered folder of its own.
#[must_use]
pub fn safe_name(raw: &str) -> String {
    let replaced: String = raw.nfc().map(replacement).collect();
    // Replacing a character between two others may let these compose.
    let mut name: String = replaced.nfc().collect();
    name = trimmed(&name).to_owned();
    if name.len() > NAME_LIMIT_BYTES {
        name = cut(&name);
    }
    if name.is_empty() {
        return "unnamed".to_owned();
    }
    if name.starts_with(['.', '-', '~']) || is_reserved(&name) {
        name.insert(0, '_');
        if name.len() > NAME_LIMIT_BYTES {
            name = cut(&name);
        }
    }
    name
}

fn replacement(c: char) -> char {
    match c {
        '%' => '_',
        _ if c.is_whitespace() && !c.is_control() => ' ',
        _ if is_unsafe_char(c) => '_',
        _ => c,
    }
}

fn trimmed(name: &str) -> &str {
    name.trim_start_matches(' ').trim_end_matches([' ', '.'])
}

/// Cuts a long name in the middle, so that a short extension stays.
fn cut(name: &str) -> String {
    let extension = name.rfind('.').map(|dot| &name[dot..]).filter(|extension| extension.len() <= EXTENSION_LIMIT_BYTES).unwrap_or_default();
    let mut end = NAME_LIMIT_BYTES - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", trimmed(&name[..end]))
}

/// Characters that no portable name holds.
fn is_unsafe_char(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        // Invisible and direction-changing characters: two names that look the same, or `txt.exe` shown as `exe.txt`.
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_reserved(name: &str) -> bool {
    let lower = name.to_lowercase();
    let stem = lower.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            let mut chars = rest.chars();
            matches!((chars.next(), chars.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
        })
    };
    DEVICES.contains(&stem) || numbered("com") || numbered("lpt") || is_system_file(name)
}

/// Says whether a name is one that systems make by themselves.
pub(crate) fn is_system_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SYSTEM_FILES.contains(&lower.as_str()) || name.starts_with("._") || name == "__MACOSX"
}

/// Says what keeps one element of a path from being portable; `%` is allowed, for BagIt can write it.
pub(crate) fn portability_fault(element: &str) -> Option<&'static str> {
    if element.is_empty() || element == "." || element == ".." {
        Some("it is empty, '.' or '..'")
    } else if element.chars().any(is_unsafe_char) {
        Some("it holds a character that not every system can store or show")
    } else if element.ends_with([' ', '.']) || element.starts_with(' ') {
        Some("it begins with a blank, or ends with a blank or a dot")
    } else if element.starts_with(['~', '-']) {
        Some("it begins with '~' or '-'")
    } else if is_reserved(element) {
        Some("a system reserves it")
    } else if !is_nfc(element) {
        Some("it is not in Unicode's composed form (NFC)")
    } else if element.len() > 255 {
        Some("it is longer than 255 bytes")
    } else {
        None
    }
}

fn is_nfc(text: &str) -> bool {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => text.nfc().eq(text.chars()),
    }
}

/// Gives the form in which paths are compared for twins: NFC and lower case.
pub(crate) fn twin_key(path: &str) -> String {
    path.nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// Gives the form in which paths are compared for twins of normalisation alone.
pub(crate) fn nfc_key(path: &str) -> String {
    path.nfc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_keep_what_they_can() {
        for (raw, safe) in [
            ("report.pdf", "report.pdf"),
            ("진술서 1.hwp", "진술서 1.hwp"),
            ("a/b\\c:d.txt", "a_b_c_d.txt"),
            ("..", "unnamed"),
            ("", "unnamed"),
            ("   ", "unnamed"),
            ("../../etc/passwd", "_.._.._etc_passwd"),
            (".hidden", "_.hidden"),
            ("~root", "_~root"),
            ("-rf", "_-rf"),
            ("NUL", "_NUL"),
            ("con.txt", "_con.txt"),
            ("COM1 .log", "_COM1 .log"),
            ("lpt¹", "_lpt¹"),
            ("compass.txt", "compass.txt"),
            ("Thumbs.db", "_Thumbs.db"),
            ("trailing. . ", "trailing"),
            ("100%.txt", "100_.txt"),
            ("line\r\nbreak", "line__break"),
            ("exe\u{202e}txt.scr", "exe_txt.scr"),
            ("e\u{301}.txt", "é.txt"),
            ("a\u{3000}b", "a b"),
        ] {
            assert_eq!(safe_name(raw), safe, "{raw:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension_and_stay_whole_characters() {
        let name = safe_name(&format!("{}.jpeg", "한".repeat(200)));
        assert!(name.len() <= NAME_LIMIT_BYTES && name.ends_with("한.jpeg"), "{name}");
        let name = safe_name(&"x".repeat(1000));
        assert_eq!(name.len(), NAME_LIMIT_BYTES);
        let name = safe_name(&format!("a.{}", "y".repeat(500)));
        assert_eq!(name.len(), NAME_LIMIT_BYTES);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn safe_names_are_portable_and_stay_as_they_are(raw in "\\PC*|[ .~%-]{0,9}(con|nul|com1|\u{1100}\u{1161}|e\u{301}|[a-z]{140,160})[ .\\x00-\\x1f\u{202e}]{0,3}(\\.[a-z]{0,25})?") {
            let name = safe_name(&raw);
            prop_assert_eq!(portability_fault(&name), None, "{:?} -> {:?}", raw, name);
            prop_assert!(name.len() <= NAME_LIMIT_BYTES);
            prop_assert!(!name.contains('%'));
            prop_assert_eq!(safe_name(&name), name.clone(), "{:?}", raw);
        }
    }
}
