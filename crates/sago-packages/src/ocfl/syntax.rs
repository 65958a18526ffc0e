//! Small grammars OCFL leans on: RFC 3339 date-times, RFC 3986 URIs, and paths inside an object.

use std::collections::HashSet;

/// Says whether `text` is an Internet date-time (RFC 3339 section 5.6), with a day that exists.
///
/// A leap second is accepted at any minute, since tables of leap seconds go out of date.
pub(crate) fn is_date_time(text: &str) -> bool {
    date_time(text.as_bytes()).is_some()
}

fn date_time(text: &[u8]) -> Option<()> {
    let (date, rest) = text.split_at_checked(10)?;
    let (year, month, day) = (number(&date[0..4])?, number(&date[5..7])?, number(&date[8..10])?);
    if date[4] != b'-' || date[7] != b'-' || day == 0 || day > days_in(year, month)? {
        return None;
    }
    let (time, mut rest) = rest.split_at_checked(9)?;
    if !matches!(time[0], b'T' | b't') || time[3] != b':' || time[6] != b':' {
        return None;
    }
    if number(&time[1..3])? > 23 || number(&time[4..6])? > 59 || number(&time[7..9])? > 60 {
        return None;
    }
    if let Some(after) = rest.strip_prefix(b".") {
        let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        rest = &after[digits..];
    }
    match rest {
        b"Z" | b"z" => Some(()),
        [b'+' | b'-', h1, h2, b':', m1, m2] => (number(&[*h1, *h2])? < 24 && number(&[*m1, *m2])? < 60).then_some(()),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

fn days_in(year: u32, month: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Says whether `text` looks like an absolute URI (RFC 3986): a scheme, a colon, then only characters a URI may hold.
pub(crate) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let bytes = rest.as_bytes();
    let rest_ok = bytes.iter().enumerate().all(|(index, byte)| match byte {
        b'%' => bytes.get(index + 1..index + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)),
        _ => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    });
    scheme_ok && !rest.is_empty() && rest_ok
}

/// What is wrong with one path of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathFault {
    /// Begins or ends with `/`.
    Slash,
    /// Has an element that is `.`, `..` or empty.
    Element,
}

/// Lists the faults of a logical or content path.
pub(crate) fn path_faults(path: &str) -> Vec<PathFault> {
    let mut faults = Vec::new();
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    if inner.len() != path.len() {
        faults.push(PathFault::Slash);
    }
    if inner.split('/').any(|element| matches!(element, "" | "." | "..")) && !matches!(path, "/") {
        faults.push(PathFault::Element);
    }
    faults
}

/// How two paths of one set get into each other's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathConflict {
    /// The same path stands twice.
    Repeated(String),
    /// A path is a file and a folder at once.
    FileAndFolder(String),
}

/// Finds repeated paths and paths that are the beginning of another.
pub(crate) fn path_conflicts<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<PathConflict> {
    let mut conflicts = Vec::new();
    let mut files: HashSet<&str> = HashSet::new();
    for path in paths {
        if !files.insert(path) {
            conflicts.push(PathConflict::Repeated(path.to_owned()));
        }
    }
    let mut folders: HashSet<&str> = HashSet::new();
    for path in &files {
        let mut rest = *path;
        while let Some((folder, _)) = rest.rsplit_once('/') {
            // An ancestor seen before has all its own ancestors in the set already.
            if !folders.insert(folder) {
                break;
            }
            rest = folder;
        }
    }
    let mut both: Vec<&str> = files.intersection(&folders).copied().collect();
    both.sort_unstable();
    conflicts.extend(both.into_iter().map(|path| PathConflict::FileAndFolder(path.to_owned())));
    conflicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_times_are_read_as_rfc_3339_says() {
        for text in ["2019-01-01T02:03:04Z", "2020-02-29T23:59:60Z", "2021-03-30T15:18:29.613693922-05:00", "2000-02-29t00:00:00z", "0000-01-01T00:00:00+23:59"]
        {
            assert!(is_date_time(text), "{text}");
        }
        for text in [
            "",
            "2019-01-01",
            "2019-01-01T02:03:04",
            "2019-01-01T02:03Z",
            "2019-1-1T02:03:04Z",
            "2019-02-29T02:03:04Z",
            "1900-02-29T02:03:04Z",
            "2019-13-01T02:03:04Z",
            "2019-00-01T02:03:04Z",
            "2019-01-00T02:03:04Z",
            "2019-01-01 02:03:04Z",
            "2019-01-01T24:03:04Z",
            "2019-01-01T02:60:04Z",
            "2019-01-01T02:03:61Z",
            "2019-01-01T02:03:04.Z",
            "2019-01-01T02:03:04+0100",
            "2019-01-01T02:03:04+24:00",
            "2019-01-01T02:03:04Z ",
            "２019-01-01T02:03:04Z",
        ] {
            assert!(!is_date_time(text), "{text}");
        }
    }

    #[test]
    fn uris_need_a_scheme_and_only_uri_characters() {
        for text in ["urn:uuid:6e8bc430", "mailto:a@b.example", "https://orcid.org/0000", "info:x%20y", "ark:123/abc", "a:b"] {
            assert!(is_uri(text), "{text}");
        }
        for text in ["", "x", ":x", "1a:x", "a:", "a b:c", "a:b c", "a:%2", "a:%zz", "urn:한국", "alice@example.org"] {
            assert!(!is_uri(text), "{text}");
        }
    }

    #[test]
    fn paths_are_judged_by_element() {
        assert_eq!(path_faults("a/b"), []);
        assert_eq!(path_faults("a/..b/c..."), []);
        assert_eq!(path_faults("/a"), [PathFault::Slash]);
        assert_eq!(path_faults("a/"), [PathFault::Slash]);
        assert_eq!(path_faults("/"), [PathFault::Slash]);
        assert_eq!(path_faults(""), [PathFault::Element]);
        assert_eq!(path_faults("a//b"), [PathFault::Element]);
        assert_eq!(path_faults("//a"), [PathFault::Slash, PathFault::Element]);
        assert_eq!(path_faults("./a"), [PathFault::Element]);
        assert_eq!(path_faults("a/../b"), [PathFault::Element]);
    }

    #[test]
    fn conflicts_are_found_at_any_depth_and_neighbours_are_none() {
        let conflicts = path_conflicts(["a/b/c", "a/b.txt", "a/bc", "x", "x/y/z", "x"].into_iter());
        assert_eq!(conflicts, [PathConflict::Repeated("x".to_owned()), PathConflict::FileAndFolder("x".to_owned())]);
        assert_eq!(path_conflicts(["a/b/c", "a/b"].into_iter()), [PathConflict::FileAndFolder("a/b".to_owned())]);
        assert_eq!(path_conflicts(["a/b/c/d", "a/b/c/e", "a"].into_iter()), [PathConflict::FileAndFolder("a".to_owned())]);
    }
}
