//! `bag-info.txt`: metadata of a bag (RFC 8493 section 2.2.2); `package-info.txt` in the oldest drafts.

use super::declaration::Declaration;
use super::tag_text::lines;
use crate::finding::Findings;

/// Elements that should stand once.
const SINGLE: [&str; 4] = ["bagging-date", "bag-size", "bag-group-identifier", "bag-count"];

/// Parses label and value pairs; folded lines are joined with one blank.
pub(crate) fn parse(text: &str, place: &str, declaration: &Declaration, findings: &mut Findings) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (index, line) in lines(text).into_iter().enumerate() {
        let number = index + 1;
        if line.starts_with([' ', '\t']) {
            match pairs.last_mut() {
                Some((_, value)) => {
                    value.push(' ');
                    value.push_str(line.trim_matches([' ', '\t']));
                }
                None => findings.error("bag-info-malformed", place, format!("Line {number} continues a line that is not there.")),
            }
            continue;
        }
        let Some((label, value)) = line.split_once(':') else {
            if !line.is_empty() || declaration.is_strict() {
                findings.error("bag-info-malformed", place, format!("Line {number} has no label and colon."));
            }
            continue;
        };
        let name = label.trim_matches([' ', '\t']);
        if name.is_empty() {
            findings.error("bag-info-malformed", place, format!("Line {number} has no label."));
        }
        if declaration.is_strict() {
            if name != label {
                findings.error("bag-info-whitespace", place, format!("Line {number} has a blank before the colon."));
            }
            if !value.starts_with([' ', '\t']) {
                findings.error("bag-info-whitespace", place, format!("Line {number} has no blank after the colon."));
            } else if value[1..].starts_with([' ', '\t']) {
                findings.warning("bag-info-whitespace", place, format!("Line {number} has more than one blank after the colon."));
            }
        }
        pairs.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
    for label in SINGLE {
        if pairs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(label)).count() > 1 {
            findings.warning("bag-info-repeated", place, format!("The element {label} should stand once."));
        }
    }
    pairs
}

/// Holds `Payload-Oxum` against the payload on disk.
pub(crate) fn judge_oxum(pairs: &[(String, String)], payload: (u64, u64), place: &str, declaration: &Declaration, findings: &mut Findings) {
    let values: Vec<&String> = pairs.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Payload-Oxum")).map(|(_, value)| value).collect();
    if values.len() > 1 {
        let message = "The element Payload-Oxum must stand once.";
        if declaration.is_strict() {
            findings.error("bag-info-oxum-repeated", place, message);
        } else {
            findings.warning("bag-info-oxum-repeated", place, message);
        }
    }
    for value in values {
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
        let parsed = value.split_once('.').and_then(|(bytes, files)| Some((number(bytes)?, number(files)?)));
        match parsed {
            None => findings.error("bag-info-oxum-malformed", place, format!("Payload-Oxum is {value:?}, not bytes, a point and files.")),
            Some(expected) if expected != payload => {
                let message = format!("Payload-Oxum is {value}, the payload has {} bytes in {} files.", payload.0, payload.1);
                findings.error("bag-info-oxum-mismatch", place, message);
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let mut findings = Findings::new(99);
        let pairs = parse(text, "bag-info.txt", &Declaration::missing(), &mut findings);
        (pairs, findings.into_vec().into_iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn pairs_keep_their_order_and_folded_lines_are_joined() {
        let (pairs, codes) = check("A: 1\nB: long\n  value\n\tthere\nA: 2:3\n");
        let expected = [("A", "1"), ("B", "long value there"), ("A", "2:3")];
        assert_eq!(pairs, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(codes, Vec::<String>::new());
    }

    #[test]
    fn strict_rules_for_blanks() {
        for (text, code) in [
            ("A : 1\n", "bag-info-whitespace"),
            ("A:1\n", "bag-info-whitespace"),
            ("A:  1\n", "bag-info-whitespace"),
            ("A\n", "bag-info-malformed"),
            (": x\n", "bag-info-malformed"),
            (" x\n", "bag-info-malformed"),
            ("Bag-Size: 1\nbag-size: 2\n", "bag-info-repeated"),
        ] {
            assert_eq!(check(text).1, [code], "{text:?}");
        }
    }
}
