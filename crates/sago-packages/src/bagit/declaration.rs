//! `bagit.txt`: which BagIt a bag follows and how its tag files are encoded (RFC 8493 section 2.1.1).

use std::fmt;

use super::tag_text::{TagEncoding, lines};
use crate::finding::Findings;

/// A version of BagIt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BagVersion {
    /// Before the point.
    pub major: u32,
    /// After the point.
    pub minor: u32,
}

impl BagVersion {
    /// RFC 8493.
    pub const V1_0: Self = Self { major: 1, minor: 0 };

    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        Some(Self { major: number(major)?, minor: number(minor)? })
    }

    /// Drafts 0.93 to 0.97 and RFC 8493.
    fn is_known(self) -> bool {
        self == Self::V1_0 || (self.major == 0 && (93..=97).contains(&self.minor))
    }
}

impl fmt::Display for BagVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What `bagit.txt` says.
#[derive(Debug, PartialEq)]
pub(crate) struct Declaration {
    pub version: Option<BagVersion>,
    pub encoding_name: String,
    pub encoding: TagEncoding,
}

impl Declaration {
    /// What is assumed of a bag that does not say: the rules of RFC 8493.
    pub(crate) fn missing() -> Self {
        Self { version: None, encoding_name: "UTF-8".to_owned(), encoding: TagEncoding::Utf8 }
    }

    /// Whether the rules of RFC 8493 apply, which are stricter than those of the drafts.
    pub(crate) fn is_strict(&self) -> bool {
        self.version.is_none_or(|version| version >= BagVersion::V1_0)
    }
}

/// Parses `bagit.txt`.
pub(crate) fn parse(bytes: &[u8], findings: &mut Findings) -> Declaration {
    let place = "bagit.txt";
    let mut declaration = Declaration::missing();
    let rest = bytes.strip_prefix(b"\xef\xbb\xbf");
    if rest.is_some() || bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        findings.error("bag-declaration-bom", place, "The declaration must not begin with a byte order mark.");
    }
    let Ok(text) = std::str::from_utf8(rest.unwrap_or(bytes)) else {
        findings.error("bag-declaration-malformed", place, "The declaration is not UTF-8.");
        return declaration;
    };
    let lines = lines(text);
    let mut plain = true;
    let version = value_of(lines.first().copied(), "BagIt-Version", &mut plain);
    let encoding = value_of(lines.get(1).copied(), "Tag-File-Character-Encoding", &mut plain);
    match version {
        None => findings.error("bag-declaration-malformed", place, "The first line must be 'BagIt-Version: ' and a version."),
        Some(text) => match BagVersion::parse(text) {
            None => findings.error("bag-version-malformed", place, format!("{text:?} is not a version of the form M.N.")),
            Some(version) => {
                declaration.version = Some(version);
                if !version.is_known() {
                    findings.error("bag-version-unknown", place, format!("BagIt {version} is not one we know; it is judged by the nearest rules."));
                }
            }
        },
    }
    match encoding {
        None => findings.error("bag-declaration-malformed", place, "The second line must be 'Tag-File-Character-Encoding: ' and an encoding."),
        Some(label) => match TagEncoding::from_label(label) {
            None => findings.error("bag-encoding-unknown", place, format!("{label:?} is not an encoding we know; tag files are read as UTF-8.")),
            Some(encoding) => {
                declaration.encoding = encoding;
                declaration.encoding_name = label.to_owned();
            }
        },
    }
    if lines.len() > 2 {
        report(&declaration, "bag-declaration-extra-lines", "There must be two lines and no more.", findings);
    }
    if !plain && version.is_some() && encoding.is_some() {
        report(&declaration, "bag-declaration-whitespace", "After each label there must be a colon and one blank, and nothing else between.", findings);
    }
    declaration
}

/// Gives the value of a line with this label; clears `plain` when there is not exactly one blank after the colon and none elsewhere.
fn value_of<'a>(line: Option<&'a str>, label: &str, plain: &mut bool) -> Option<&'a str> {
    let (name, value) = line?.split_once(':')?;
    let trimmed = value.trim_matches([' ', '\t']);
    *plain &= name == label && value.strip_prefix([' ', '\t']) == Some(trimmed);
    (name.trim_matches([' ', '\t']) == label).then_some(trimmed)
}

fn report(declaration: &Declaration, code: &str, message: &str, findings: &mut Findings) {
    if declaration.is_strict() {
        findings.error(code, "bagit.txt", message);
    } else {
        findings.warning(code, "bagit.txt", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &[u8]) -> (Declaration, Vec<String>) {
        let mut findings = Findings::new(99);
        let declaration = parse(text, &mut findings);
        (declaration, findings.into_vec().into_iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn declarations_are_read_strictly() {
        for text in ["BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "BagIt-Version: 0.97\r\nTag-File-Character-Encoding: UTF-8"] {
            assert_eq!(codes(text.as_bytes()).1, Vec::<String>::new(), "{text:?}");
        }
        for (text, code) in [
            ("", "bag-declaration-malformed"),
            ("\u{feff}BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "bag-declaration-bom"),
            ("BagIt-Version : 1.0\nTag-File-Character-Encoding: UTF-8\n", "bag-declaration-whitespace"),
            ("BagIt-Version:  1.0\nTag-File-Character-Encoding: UTF-8\n", "bag-declaration-whitespace"),
            ("BagIt-Version:1.0\nTag-File-Character-Encoding: UTF-8\n", "bag-declaration-whitespace"),
            ("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8 \n", "bag-declaration-whitespace"),
            ("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n\n", "bag-declaration-extra-lines"),
            ("BagIt-Version: .97\nTag-File-Character-Encoding: UTF-8\n", "bag-version-malformed"),
            ("BagIt-Version: 1\nTag-File-Character-Encoding: UTF-8\n", "bag-version-malformed"),
            ("BagIt-Version: +1.0\nTag-File-Character-Encoding: UTF-8\n", "bag-version-malformed"),
            ("BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n", "bag-version-unknown"),
            ("BagIt-Version: 1.0\nTag-File-Character-Encoding: EBCDIC-9\n", "bag-encoding-unknown"),
            ("Tag-File-Character-Encoding: UTF-8\nBagIt-Version: 1.0\n", "bag-declaration-malformed"),
            ("bagit-version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "bag-declaration-malformed"),
        ] {
            assert!(codes(text.as_bytes()).1.contains(&code.to_owned()), "{text:?} {:?}", codes(text.as_bytes()).1);
        }
    }
}
