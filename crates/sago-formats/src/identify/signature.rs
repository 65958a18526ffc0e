//! All signatures, and which of them bytes bear: PRONOM's in `pronom.tsv`, ours in `own`.
//!
//! Each signature is filed under one of its texts: at a fixed distance from the beginning or the end, near the beginning, or anywhere. What is filed under a
//! text that does not occur is never tried.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::own;
use super::pattern::{Anchor, Sequence, Step};

/// PRONOM's records, release 109 (DROID signature file of November 2022), made by `xtask/scripts/pronom.py`.
const PRONOM: &str = include_str!("pronom.tsv");

/// How much of the beginning and of the end of a file is looked at.
pub(super) const WINDOW_BYTES: usize = 144 << 10;

/// How far from the beginning patterns without a place are looked for; DROID's own usual limit.
const ANYWHERE_BYTES: usize = 64 << 10;

/// How far from the beginning or end a text counts as near.
const NEAR_BYTES: usize = 4608;

/// Longest text that is used for filing.
const KEY_BYTES: usize = 24;

/// A format as a register knows it.
#[derive(Debug)]
pub(super) struct Record {
    pub puid: &'static str,
    /// Told only when nothing else is found: what is left of damaged files.
    pub is_last_resort: bool,
    pub name: &'static str,
    pub version: &'static str,
    pub media_types: Vec<&'static str>,
    pub extensions: Vec<&'static str>,
    /// Formats that are not told when this one is found too.
    pub beats: Vec<usize>,
}

/// A signature of what must lie inside a container.
#[derive(Debug)]
pub(super) struct Inside {
    pub is_zip: bool,
    pub record: usize,
    pub files: Vec<(&'static str, Vec<Sequence>)>,
}

/// Everything that is known, made once.
pub(super) struct Register {
    pub records: Vec<Record>,
    pub inside: Vec<Inside>,
    by_puid: BTreeMap<&'static str, usize>,
    signatures: Vec<(usize, Vec<Sequence>)>,
    from_beginning: Fixed,
    from_end: Fixed,
    near_beginning: Filed,
    near_end: Filed,
    anywhere: Filed,
    /// Those that no text stands for.
    others: Vec<usize>,
}

/// By distance, then by the byte next to the anchored side: the text and its signature.
type Fixed = BTreeMap<usize, Vec<Vec<(Vec<u8>, usize)>>>;

struct Filed {
    automaton: Option<AhoCorasick>,
    signatures: Vec<usize>,
}

pub(super) static REGISTER: LazyLock<Register> = LazyLock::new(Register::new);

impl Register {
    fn new() -> Self {
        let text = || PRONOM.lines().chain(own::SIGNATURES.lines()).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut register = Self {
            records: Vec::new(),
            inside: Vec::new(),
            by_puid: BTreeMap::new(),
            signatures: Vec::new(),
            from_beginning: Fixed::new(),
            from_end: Fixed::new(),
            near_beginning: Filed { automaton: None, signatures: Vec::new() },
            near_end: Filed { automaton: None, signatures: Vec::new() },
            anywhere: Filed { automaton: None, signatures: Vec::new() },
            others: Vec::new(),
        };
        for (index, line) in text().filter(|line| line.starts_with("F\t") || line.starts_with("W\t")).enumerate() {
            register.by_puid.insert(line.split('\t').nth(1).unwrap_or_default(), index);
        }
        for line in text() {
            let fields: Vec<&'static str> = line.split('\t').map(str::trim).collect();
            let at = |index: usize| fields.get(index).copied().unwrap_or_default();
            match at(0) {
                kind @ ("F" | "W") => register.records.push(Record {
                    puid: at(1),
                    is_last_resort: kind == "W",
                    name: at(2),
                    version: at(3),
                    media_types: at(4).split_whitespace().collect(),
                    extensions: at(5).split_whitespace().collect(),
                    beats: at(6).split_whitespace().filter_map(|puid| register.by_puid.get(puid).copied()).collect(),
                }),
                "S" => {
                    if let (Some(record), Some(sequences)) = (register.records.len().checked_sub(1), sequences(&fields[1..])) {
                        register.signatures.push((record, sequences));
                    }
                }
                "C" => {
                    let files = fields.iter().skip(3).filter_map(|file| {
                        let (path, patterns) = file.split_once('=')?;
                        let patterns: Vec<&str> = patterns.split(';').filter(|pattern| !pattern.is_empty()).collect();
                        Some((path, sequences(&patterns)?))
                    });
                    if let Some(record) = register.by_puid.get(at(2)).copied() {
                        register.inside.push(Inside { is_zip: at(1) == "ZIP", record, files: files.collect() });
                    }
                }
                _ => {}
            }
        }
        register.file();
        register
    }

    /// Files every signature under the best of its texts.
    fn file(&mut self) {
        let (mut near_beginning, mut near_end, mut anywhere) = (Vec::new(), Vec::new(), Vec::new());
        for (index, (_, sequences)) in self.signatures.iter().enumerate() {
            let Some(key) = sequences.iter().flat_map(keys).max_by_key(Key::worth) else {
                self.others.push(index);
                continue;
            };
            for text in key.texts {
                match (key.from_end, key.least, key.most) {
                    (false, least, Some(most)) if least == most => fixed(&mut self.from_beginning, least, text, index, false),
                    (true, least, Some(most)) if least == most => fixed(&mut self.from_end, least, text, index, true),
                    (false, _, Some(most)) if most + text.len() <= NEAR_BYTES => near_beginning.push((text, index)),
                    (true, _, Some(most)) if most + text.len() <= NEAR_BYTES => near_end.push((text, index)),
                    (false, ..) => anywhere.push((text, index)),
                    (true, ..) => self.others.push(index),
                }
            }
        }
        self.near_beginning = Filed::new(near_beginning);
        self.near_end = Filed::new(near_end);
        self.anywhere = Filed::new(anywhere);
    }

    /// The records whose signatures the bytes bear, each once, in the order of the register; beaten ones are left in.
    pub fn borne(&self, head: &[u8], tail: &[u8]) -> Vec<usize> {
        let mut is_wanted = vec![false; self.signatures.len()];
        for (distance, firsts) in &self.from_beginning {
            let Some(rest) = head.get(*distance..).filter(|rest| !rest.is_empty()) else { break };
            for (text, signature) in &firsts[usize::from(rest[0])] {
                is_wanted[*signature] |= rest.starts_with(text);
            }
        }
        for (distance, lasts) in &self.from_end {
            let Some(rest) = tail.len().checked_sub(*distance).map(|end| &tail[..end]).filter(|rest| !rest.is_empty()) else { break };
            for (text, signature) in &lasts[usize::from(rest[rest.len() - 1])] {
                is_wanted[*signature] |= rest.ends_with(text);
            }
        }
        self.near_beginning.mark(&head[..head.len().min(NEAR_BYTES)], &mut is_wanted);
        self.near_end.mark(&tail[tail.len().saturating_sub(NEAR_BYTES)..], &mut is_wanted);
        let reach = &head[..head.len().min(ANYWHERE_BYTES)];
        self.anywhere.mark(reach, &mut is_wanted);
        for signature in &self.others {
            is_wanted[*signature] = true;
        }
        let mut found = Vec::new();
        for (_, (record, sequences)) in is_wanted.iter().zip(&self.signatures).filter(|(is_wanted, _)| **is_wanted) {
            let fits = |sequence: &Sequence| {
                let reach = if sequence.anchor == Anchor::Anywhere { reach } else { head };
                sequence.matches(reach, tail)
            };
            if !found.contains(record) && sequences.iter().all(fits) {
                found.push(*record);
            }
        }
        found
    }

    /// Takes out those that another one found has priority over.
    pub fn prevail(&self, found: &[usize]) -> Vec<usize> {
        let has_better = found.iter().any(|record| !self.records[*record].is_last_resort);
        let is_beaten = |record: &usize| {
            let is_last_resort = self.records[*record].is_last_resort;
            (has_better && is_last_resort) || found.iter().any(|other| other != record && self.records[*other].beats.contains(record))
        };
        found.iter().filter(|record| !is_beaten(record)).copied().collect()
    }
}

fn sequences(texts: &[&str]) -> Option<Vec<Sequence>> {
    texts.iter().map(|text| Sequence::parse(text)).collect()
}

fn fixed(filed: &mut Fixed, distance: usize, text: Vec<u8>, signature: usize, from_end: bool) {
    let firsts = filed.entry(distance).or_insert_with(|| vec![Vec::new(); 256]);
    if let Some(next_to_anchor) = if from_end { text.last().copied() } else { text.first().copied() } {
        firsts[usize::from(next_to_anchor)].push((text, signature));
    }
}

impl Filed {
    fn new(keys: Vec<(Vec<u8>, usize)>) -> Self {
        let texts = keys.iter().map(|(text, _)| text.as_slice());
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(texts).ok();
        Self { automaton, signatures: keys.iter().map(|(_, signature)| *signature).collect() }
    }

    fn mark(&self, bytes: &[u8], is_wanted: &mut [bool]) {
        let Some(automaton) = &self.automaton else {
            // Without an automaton nothing is ruled out.
            for signature in &self.signatures {
                is_wanted[*signature] = true;
            }
            return;
        };
        for found in automaton.find_overlapping_iter(bytes) {
            is_wanted[self.signatures[found.pattern().as_usize()]] = true;
        }
    }
}

/// Texts one of which stands in every match of a sequence, and how far from the anchor.
struct Key {
    texts: Vec<Vec<u8>>,
    from_end: bool,
    least: usize,
    most: Option<usize>,
}

impl Key {
    fn worth(&self) -> (u8, usize) {
        let length = self.texts.iter().map(Vec::len).min().unwrap_or_default();
        let place = match self.most {
            Some(most) if most == self.least => 3,
            Some(most) if most < NEAR_BYTES - KEY_BYTES => 2,
            // The end is not searched as a whole: see `file`.
            _ if self.from_end => 0,
            _ => 1,
        };
        // A single byte at a loose place is hardly better than none.
        if place < 3 && length < 3 { (0, length) } else { (place, length) }
    }
}

fn keys(sequence: &Sequence) -> Vec<Key> {
    let (from_end, mut least, mut most) = match sequence.anchor {
        Anchor::Beginning(least, most) => (false, least, Some(most)),
        Anchor::End(least, most) => (true, least, Some(most)),
        Anchor::Anywhere => (false, 0, None),
    };
    let mut found = Vec::new();
    let mut steps: Vec<&Step> = sequence.steps.iter().collect();
    if from_end {
        steps.reverse();
    }
    for (index, step) in steps.iter().enumerate() {
        let mut texts = texts(step);
        // `<(HTML|html)`: the text before makes each of the alternatives longer.
        if let (Step::Either(_), false, Some(Step::Bytes(before))) = (step, from_end, index.checked_sub(1).map(|before| steps[before])) {
            let before = &before[before.len().saturating_sub(KEY_BYTES / 2)..];
            let joined = texts.iter().map(|text| [before, text].concat()).collect();
            found.push(Key { texts: joined, from_end, least: least - before.len(), most: most.map(|most| most - before.len()) });
        }
        for text in &mut texts {
            if from_end {
                text.drain(..text.len().saturating_sub(KEY_BYTES));
            } else {
                text.truncate(KEY_BYTES);
            }
        }
        if !texts.is_empty() && texts.iter().all(|text| !text.is_empty()) {
            found.push(Key { texts, from_end, least, most });
        }
        let (shortest, longest) = length(step);
        least += shortest;
        most = most.zip(longest).map(|(most, longest)| most + longest);
    }
    found
}

fn texts(step: &Step) -> Vec<Vec<u8>> {
    match step {
        Step::Bytes(bytes) => vec![bytes.clone()],
        Step::Either(either) => {
            let texts = either.iter().map(|steps| match steps.as_slice() {
                [Step::Bytes(bytes)] => Some(bytes.clone()),
                _ => None,
            });
            texts.collect::<Option<Vec<_>>>().unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Shortest and longest stretch that a step covers.
fn length(step: &Step) -> (usize, Option<usize>) {
    match step {
        Step::Bytes(bytes) | Step::Not(bytes) => (bytes.len(), Some(bytes.len())),
        Step::Range(..) | Step::Bits(..) => (1, Some(1)),
        Step::Gap(least, most) => (*least, *most),
        Step::Either(either) => {
            let lengths: Vec<_> =
                either.iter().map(|steps| steps.iter().map(length).fold((0, Some(0)), |(a, b), (c, d)| (a + c, b.zip(d).map(|(b, d)| b + d)))).collect();
            let longest = lengths.iter().map(|(_, most)| *most).collect::<Option<Vec<usize>>>().and_then(|all| all.into_iter().max());
            (lengths.iter().map(|(least, _)| *least).min().unwrap_or_default(), longest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_register_is_understood() {
        let lines: Vec<&str> = PRONOM.lines().chain(own::SIGNATURES.lines()).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        for line in lines.iter().filter(|line| line.starts_with("S\t")) {
            assert!(sequences(&line.split('\t').skip(1).collect::<Vec<_>>()).is_some(), "{line}");
        }
        let count = |kind: &str| lines.iter().filter(|line| line.split('\t').next() == Some(kind)).count();
        assert_eq!((REGISTER.records.len(), REGISTER.signatures.len(), REGISTER.inside.len()), (count("F") + count("W"), count("S"), count("C")));
        assert_eq!(
            REGISTER.inside.iter().map(|inside| inside.files.len()).sum::<usize>(),
            lines.iter().filter(|line| line.starts_with("C\t")).map(|line| line.split('\t').count() - 3).sum::<usize>()
        );
        assert!(REGISTER.others.len() < 20, "{} signatures are tried on every file", REGISTER.others.len());
        assert!(REGISTER.near_beginning.automaton.is_some() && REGISTER.near_end.automaton.is_some() && REGISTER.anywhere.automaton.is_some());
    }
}
