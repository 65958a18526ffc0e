//! Lines of payload manifests, tag manifests and `fetch.txt` (RFC 8493 sections 2.1.3, 2.2.1 and 2.2.3).

use super::tag_text::lines;
use crate::digest::Algorithm;
use crate::finding::Findings;

/// Which kind of manifest a file name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ManifestName {
    pub is_tag: bool,
    /// The part of the name that names the algorithm.
    pub algorithm_name: String,
    pub algorithm: Option<Algorithm>,
}

impl ManifestName {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (is_tag, rest) = match name.strip_prefix("tagmanifest-") {
            Some(rest) => (true, rest),
            None => (false, name.strip_prefix("manifest-")?),
        };
        let algorithm_name = rest.strip_suffix(".txt")?.to_owned();
        Some(Self { is_tag, algorithm: Algorithm::from_bagit(&algorithm_name), algorithm_name })
    }
}

/// One line of a manifest, before its path is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub number: usize,
    /// Lower case.
    pub digest: String,
    /// As written, without a leading `./`.
    pub path: String,
}

/// Parses a manifest.
pub(crate) fn parse(text: &str, place: &str, algorithm: Algorithm, findings: &mut Findings) -> Vec<Line> {
    let mut parsed = Vec::new();
    let mut starred = 0_usize;
    let mut dotted = 0_usize;
    for (index, line) in lines(text).into_iter().enumerate() {
        let number = index + 1;
        if line.trim().is_empty() {
            findings.warning("bag-manifest-blank-line", place, format!("Line {number} is blank."));
            continue;
        }
        let Some((digest, path)) = line.split_once([' ', '\t']) else {
            findings.error("bag-manifest-malformed", place, format!("Line {number} has no digest and path."));
            continue;
        };
        let mut path = path.trim_start_matches([' ', '\t']);
        if !algorithm.is_shape_of(digest) {
            findings.error("bag-manifest-malformed", place, format!("Line {number} does not begin with a digest of {algorithm}."));
            continue;
        }
        if let Some(rest) = path.strip_prefix('*') {
            starred += 1;
            path = rest;
        }
        if let Some(rest) = path.strip_prefix("./") {
            dotted += 1;
            path = rest;
        }
        parsed.push(Line { number, digest: digest.to_ascii_lowercase(), path: path.to_owned() });
    }
    if starred > 0 {
        findings.warning("bag-manifest-md5sum-style", place, format!("{starred} paths have the '*' of checksum tools before them."));
    }
    if dotted > 0 {
        findings.warning("bag-path-dot-slash", place, format!("{dotted} paths begin with './'."));
    }
    parsed
}

/// One line of `fetch.txt`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FetchLine {
    pub number: usize,
    pub url: String,
    pub size_bytes: Option<u64>,
    pub path: String,
}

/// Parses `fetch.txt`. Nothing is ever fetched.
pub(crate) fn parse_fetch(text: &str, findings: &mut Findings) -> Vec<FetchLine> {
    let place = "fetch.txt";
    let mut parsed = Vec::new();
    for (index, line) in lines(text).into_iter().enumerate() {
        let number = index + 1;
        if line.trim().is_empty() {
            findings.warning("bag-fetch-blank-line", place, format!("Line {number} is blank."));
            continue;
        }
        let blank = [' ', '\t'];
        let fields = line.split_once(blank).and_then(|(url, rest)| {
            let (size, path) = rest.trim_start_matches(blank).split_once(blank)?;
            Some((url, size, path.trim_start_matches(blank)))
        });
        let Some((url, size, path)) = fields else {
            findings.error("bag-fetch-malformed", place, format!("Line {number} has no address, length and path."));
            continue;
        };
        let size_bytes = size.parse::<u64>().ok().filter(|_| size.bytes().all(|byte| byte.is_ascii_digit()));
        if size != "-" && size_bytes.is_none() {
            findings.error("bag-fetch-malformed", place, format!("The length in line {number} is neither a number nor '-'."));
        }
        let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        if !matches!(scheme.as_deref(), Some("http" | "https" | "ftp" | "ftps" | "sftp")) {
            findings.warning("bag-fetch-address", place, format!("The address in line {number} is not one of the web."));
        }
        let path = path.strip_prefix("./").unwrap_or(path);
        parsed.push(FetchLine { number, url: url.to_owned(), size_bytes, path: path.to_owned() });
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_lines_keep_blanks_inside_paths() {
        let digest = Algorithm::Md5.hash(b"x");
        let text = format!("{digest}  data/a b \n{}\t data/c\n{digest} *data/d\n{digest} ./data/e\nnonsense\nzz data/f\n\n", digest.to_uppercase());
        let mut findings = Findings::new(99);
        let lines = parse(&text, "manifest-md5.txt", Algorithm::Md5, &mut findings);
        let paths: Vec<&str> = lines.iter().map(|line| line.path.as_str()).collect();
        assert_eq!(paths, ["data/a b ", "data/c", "data/d", "data/e"]);
        assert!(lines.iter().all(|line| line.digest == digest));
        let codes: Vec<String> = findings.into_vec().into_iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["bag-manifest-blank-line", "bag-manifest-malformed", "bag-manifest-malformed", "bag-manifest-md5sum-style", "bag-path-dot-slash"]);
    }

    #[test]
    fn fetch_lines_have_three_fields() {
        let mut findings = Findings::new(99);
        let lines = parse_fetch("https://a.example/x 12 data/x y\nhttps://a.example/z - data/z\nfile:///etc/passwd 1x data/p\nshort line\n", &mut findings);
        assert_eq!(lines.len(), 3);
        assert_eq!((lines[0].size_bytes, lines[0].path.as_str()), (Some(12), "data/x y"));
        assert_eq!(lines[1].size_bytes, None);
        let codes: Vec<String> = findings.into_vec().into_iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["bag-fetch-address", "bag-fetch-malformed", "bag-fetch-malformed"]);
    }
}
