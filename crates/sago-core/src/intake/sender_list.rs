//! The sender's own list of digests, and comparing what arrived with it.
//!
//! Read here: what `sha256sum`, `sha512sum`, `sha1sum`, `md5sum` and their kin write (GNU lines, BSD `--tag` lines,
//! `openssl dgst` lines, zero-terminated lists), with Windows line ends, byte-order marks, UTF-16 from PowerShell, and
//! names in any encoding. The list is data, never a path to open. Digests are computed elsewhere: [`SenderList::algorithms`]
//! says which are needed. A line that cannot be used is a finding, never dropped.

use std::collections::{BTreeSet, HashMap};

pub use super::list_line::{Algorithm, Digest};
use super::list_line::{parse_line, without_mark};
use super::name::{comparable, readable};
use super::{Finding, code};

/// The longest list that is read: 512 MiB, some four million lines.
pub const LIST_BYTES_MAX: usize = 512 << 20;

/// How many unreadable lines are told one by one; the rest are counted in one finding.
pub const LINE_FINDINGS_MAX: usize = 1_000;

/// How a received path was found in the list, most certain first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The same bytes (a leading `./` of the list does not count).
    Exact,
    /// The same text in another writing: Unicode form, CP949, or `\` between folders.
    OtherWriting,
    /// Without the source's own name: the list was made inside the folder.
    InsideSource,
    /// The list's path is longer and ends in the whole received path: it was made further up.
    LongerPath,
    /// Only the file's own name is the same, and it stands in the list once.
    OwnNameOnly,
}

impl Rule {
    /// What the rule means, to follow "found in the sender's list by …".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "the same path",
            Self::OtherWriting => "the same path in another writing",
            Self::InsideSource => "the path without the source's own name",
            Self::LongerPath => "a longer path that ends in this one",
            Self::OwnNameOnly => "the file's own name alone",
        }
    }
}

/// A line of the list that names a received file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its digests, sorted: one for each algorithm, more where the list contradicts itself.
    pub digests: &'a [Digest],
    /// How it was found.
    pub rule: Rule,
    /// The name as the list has it.
    pub name: &'a [u8],
    /// The first line that names it, counted from 1.
    pub line: usize,
    index: usize,
}

/// What the comparison of one received file gave; `sender` in manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every algorithm that could be compared agrees.
    Match(Rule),
    /// The list names this file with another digest.
    Mismatch(Rule),
    /// The list does not name this file, or only names another one of the same name.
    NotListed,
}

impl Verdict {
    /// The word that stands in manifests: `match`, `mismatch` or `not-listed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Match(_) => "match",
            Self::Mismatch(_) => "mismatch",
            Self::NotListed => "not-listed",
        }
    }
}

/// The sender's list, read.
#[derive(Debug, Default)]
pub struct SenderList {
    own_path: Vec<u8>,
    files: Vec<Listed>,
    by_bytes: HashMap<Vec<u8>, usize>,
    by_text: HashMap<String, Vec<usize>>,
    by_own_name: HashMap<String, Vec<usize>>,
    algorithms: BTreeSet<Algorithm>,
}

#[derive(Debug)]
struct Listed {
    line: usize,
    name: Vec<u8>,
    digests: Vec<Digest>,
    received: bool,
}

impl SenderList {
    /// Reads a list; `own_path` is the list's own path, for its findings.
    ///
    /// Digests without a tag are told apart by their length alone; 32 bytes are taken for SHA-256 and 64 for SHA-512.
    pub fn parse(own_path: &[u8], bytes: &[u8]) -> (Self, Vec<Finding>) {
        Self::parse_up_to(LIST_BYTES_MAX, own_path, bytes)
    }

    pub(super) fn parse_up_to(bytes_max: usize, own_path: &[u8], bytes: &[u8]) -> (Self, Vec<Finding>) {
        let mut list = Self { own_path: own_path.to_vec(), ..Self::default() };
        let mut findings = Findings { own_path, told: Vec::new(), unreadable_lines: 0 };
        let bytes = findings.within_limit(bytes_max, bytes);
        let text = without_mark(bytes);
        // A zero byte is in no name: a list that has one was written with `sha256sum --zero`, without escapes.
        let zero = text.contains(&0);
        for (index, line) in text.split(|byte| *byte == if zero { 0 } else { b'\n' }).enumerate() {
            let number = index + 1;
            let line = if zero { line } else { line.strip_suffix(b"\r").unwrap_or(line) };
            if line.iter().all(u8::is_ascii_whitespace) || line.starts_with(b"#") || line.starts_with(b";") {
                continue;
            }
            match parse_line(line, zero) {
                Ok((name, digest)) => list.add(number, name, digest, &mut findings),
                Err(reason) => findings.line(number, line, reason),
            }
        }
        list.index();
        let findings = findings.finish(&list);
        (list, findings)
    }

    /// Which digests have to be computed of every received file.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.algorithms.iter().copied()
    }

    /// How many files the list names.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether the list names no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Finds the line for a received path, trying the rules in the order of [`Rule`].
    ///
    /// A rule that leads to several files with different digests leads nowhere.
    pub fn lookup(&self, path_bytes: &[u8]) -> Option<Found<'_>> {
        let text = comparable(path_bytes);
        let inside = path_bytes.iter().position(|byte| *byte == b'/').map(|slash| &path_bytes[slash + 1..]);
        if let Some(&index) = self.by_bytes.get(path_bytes) {
            return Some(self.found(index, Rule::Exact));
        }
        if let Some(index) = text.as_deref().and_then(|text| self.only(self.by_text.get(text)?)) {
            return Some(self.found(index, Rule::OtherWriting));
        }
        if let Some(inside) = inside {
            let by_bytes = self.by_bytes.get(inside).copied();
            let by_text = || self.only(self.by_text.get(&comparable(inside)?)?);
            if let Some(index) = by_bytes.or_else(by_text) {
                return Some(self.found(index, Rule::InsideSource));
            }
        }
        let text = text?;
        let namesakes = self.by_own_name.get(own_name(&text))?;
        for ending in [Some(text.as_str()), text.split_once('/').map(|(_, inside)| inside)].into_iter().flatten() {
            let ending = format!("/{ending}");
            // A single name at the end of a path is the next rule's matter.
            if ending.rfind('/') == Some(0) {
                continue;
            }
            let longer: Vec<usize> = namesakes.iter().copied().filter(|&index| self.files[index].text().is_some_and(|text| text.ends_with(&ending))).collect();
            if let Some(index) = self.only(&longer) {
                return Some(self.found(index, Rule::LongerPath));
            }
        }
        match namesakes.as_slice() {
            [index] => Some(self.found(*index, Rule::OwnNameOnly)),
            _ => None,
        }
    }

    /// Compares a received file with the list and marks its line as received.
    ///
    /// `computed` should hold every digest of [`Self::algorithms`]. A file that is only found by its own name counts
    /// if the digests agree; otherwise it is another file of the same name, not a mismatch. Where the list contradicts
    /// itself, agreement with one of its lines is enough; the contradiction is a finding of its own.
    pub fn check(&mut self, path_bytes: &[u8], computed: &[Digest]) -> Verdict {
        let Some(found) = self.lookup(path_bytes) else {
            return Verdict::NotListed;
        };
        let mut compared = 0;
        let mut agree = true;
        for digest in computed {
            let mut listed = found.digests.iter().filter(|listed| listed.algorithm == digest.algorithm).peekable();
            if listed.peek().is_some() {
                compared += 1;
                agree &= listed.any(|listed| listed.value == digest.value);
            }
        }
        let (rule, index) = (found.rule, found.index);
        match (compared > 0 && agree, rule) {
            (false, Rule::OwnNameOnly) => Verdict::NotListed,
            (agree, rule) => {
                self.files[index].received = true;
                if agree { Verdict::Match(rule) } else { Verdict::Mismatch(rule) }
            }
        }
    }

    /// The files that the list names and that were not received, in the order of the list.
    pub fn unmatched(&self) -> Vec<Finding> {
        let missing = self.files.iter().filter(|listed| !listed.received);
        missing
            .map(|listed| {
                let message = format!(
                    "The sender's list “{}” names “{}” on line {}, and no such file was received. Ask the \
                    sender for it, or whether the list is of another disk.",
                    readable(&self.own_path).text,
                    readable(&listed.name).text,
                    listed.line
                );
                Finding::not_taken(&code::LISTED_NOT_RECEIVED, listed.name.clone(), message)
            })
            .collect()
    }

    fn found(&self, index: usize, rule: Rule) -> Found<'_> {
        let Listed { line, name, digests, .. } = &self.files[index];
        Found { digests, rule, name, line: *line, index }
    }

    /// The one candidate, or the first of several that say the same.
    fn only(&self, candidates: &[usize]) -> Option<usize> {
        let (&first, rest) = candidates.split_first()?;
        rest.iter().all(|&other| self.files[other].digests == self.files[first].digests).then_some(first)
    }

    fn add(&mut self, line: usize, name: Vec<u8>, digest: Digest, findings: &mut Findings<'_>) {
        self.algorithms.insert(digest.algorithm);
        let Some(&index) = self.by_bytes.get(&name) else {
            self.by_bytes.insert(name.clone(), self.files.len());
            self.files.push(Listed { line, name, digests: vec![digest], received: false });
            return;
        };
        let listed = &mut self.files[index];
        if listed.digests.contains(&digest) {
            return;
        }
        if listed.digests.iter().any(|other| other.algorithm == digest.algorithm) {
            let message = format!(
                "The sender's list gives two different {} digests for “{}”: on line {} and on line {line}. \
                The file is compared with both; ask the sender which one is right.",
                digest.algorithm.as_str(),
                readable(&name).text,
                listed.line
            );
            findings.told.push(Finding::note(&code::LIST_CONFLICT, name, message));
        }
        listed.digests.push(digest);
        listed.digests.sort();
    }

    fn index(&mut self) {
        for (index, listed) in self.files.iter().enumerate() {
            if let Some(text) = listed.text() {
                self.by_own_name.entry(own_name(&text).to_owned()).or_default().push(index);
                self.by_text.entry(text).or_default().push(index);
            }
        }
    }
}

impl Listed {
    /// The name for comparing; folders parted by `\` (a list from Windows) are parted by `/`.
    fn text(&self) -> Option<String> {
        let text = comparable(&self.name)?;
        let windows = !text.contains('/') && text.contains('\\');
        let text = if windows { text.replace('\\', "/") } else { text };
        Some(text.strip_prefix("./").map(str::to_owned).unwrap_or(text))
    }
}

/// The findings of one reading, with the number of lines told one by one bounded.
struct Findings<'a> {
    own_path: &'a [u8],
    told: Vec<Finding>,
    unreadable_lines: usize,
}

impl Findings<'_> {
    fn line(&mut self, number: usize, line: &[u8], reason: &str) {
        self.unreadable_lines += 1;
        if self.unreadable_lines > LINE_FINDINGS_MAX {
            return;
        }
        let shown: String = readable(line).text.chars().take(200).collect();
        let message = format!(
            "Line {number} of the sender's list could not be used: {reason}. It reads “{shown}”. Nothing was \
            compared with it; ask the sender for a list made with sha256sum."
        );
        self.told.push(Finding::note(&code::LIST_LINE_UNREADABLE, self.own_path.to_vec(), message));
    }

    /// The part of the list that is read, in whole lines.
    fn within_limit<'b>(&mut self, bytes_max: usize, bytes: &'b [u8]) -> &'b [u8] {
        if bytes.len() <= bytes_max {
            return bytes;
        }
        let kept = &bytes[..bytes_max];
        let end = kept.iter().rposition(|byte| *byte == b'\n' || *byte == 0).map_or(0, |at| at + 1);
        let message = format!(
            "The sender's list has {} bytes and the limit is {bytes_max}. What stands after byte {end} was \
            not compared; ask the sender for several shorter lists.",
            bytes.len()
        );
        self.told.push(Finding::note(&code::LIST_TOO_LONG, self.own_path.to_vec(), message));
        &kept[..end]
    }

    fn finish(mut self, list: &SenderList) -> Vec<Finding> {
        let untold = self.unreadable_lines.saturating_sub(LINE_FINDINGS_MAX);
        if untold > 0 {
            let message = format!(
                "{untold} more lines of the sender's list could not be used. Nothing was compared with them; \
                ask the sender for a list made with sha256sum."
            );
            self.told.push(Finding::note(&code::LIST_LINE_UNREADABLE, self.own_path.to_vec(), message));
        }
        let weak_only = list.files.iter().filter(|listed| listed.digests.iter().all(|digest| digest.algorithm.is_weak())).count();
        if weak_only > 0 {
            let names: Vec<&str> = list.algorithms().filter(|algorithm| algorithm.is_weak()).map(Algorithm::as_str).collect();
            let message = format!(
                "For {weak_only} files the sender's list gives nothing better than {}. They are compared, and \
                accidents are found; a forger could have made another file with the same digest. Ask the \
                sender for a list made with sha256sum.",
                names.join(" and ")
            );
            self.told.push(Finding::note(&code::LIST_WEAK_DIGEST, self.own_path.to_vec(), message));
        }
        self.told
    }
}

fn own_name(text: &str) -> &str {
    text.rsplit_once('/').map_or(text, |(_, own_name)| own_name)
}
