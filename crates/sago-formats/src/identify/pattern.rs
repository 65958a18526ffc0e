//! Patterns of bytes in PRONOM's notation, and where they match.
//!
//! `4D5A` bytes; `[41:5A]` a range, `[!00]` all but these, `[&01]` all with these bits; `(AB|CD)` alternatives; `??` one byte, `{4}` `{0-20}` `{8-*}` `*` gaps;
//! for our own also `'text'`.
//!
//! Matching keeps the set of all places that can be reached, as intervals, so that nested gaps cost their number times the window and never more.

use memchr::memmem;

/// A step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Bytes(Vec<u8>),
    Range(u8, u8),
    Not(Vec<u8>),
    /// All of these bits, or, when the second says so, not all of them.
    Bits(u8, bool),
    Gap(usize, Option<usize>),
    Either(Vec<Vec<Step>>),
}

/// Where a pattern stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// So many bytes after the beginning.
    Beginning(usize, usize),
    /// So many bytes before the end.
    End(usize, usize),
    /// Anywhere.
    Anywhere,
}

/// A pattern and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    pub anchor: Anchor,
    pub steps: Vec<Step>,
}

/// Places between bytes, as disjoint intervals in order, both ends included.
type Places = Vec<(usize, usize)>;

/// Most intervals that are kept at a step; with more, the places between are taken along. It never happens with PRONOM's patterns on real files.
const PLACES: usize = 65_536;

impl Sequence {
    /// Reads `B0-4:504B0304`, `E0-1024:…`, `V:…`.
    pub fn parse(text: &str) -> Option<Self> {
        let (place, pattern) = text.split_once(':')?;
        let range = |text: &str| {
            let (least, most) = text.split_once('-')?;
            Some((least.parse().ok()?, most.parse().ok()?))
        };
        let anchor = match place.split_at_checked(1)? {
            ("B", rest) => range(rest).map(|(least, most)| Anchor::Beginning(least, most))?,
            ("E", rest) => range(rest).map(|(least, most)| Anchor::End(least, most))?,
            ("V", "") => Anchor::Anywhere,
            _ => return None,
        };
        Some(Self { anchor, steps: steps(&mut pattern.as_bytes())? })
    }

    /// Whether it stands in bytes of which `head` is the beginning and `tail` the end.
    pub fn matches(&self, head: &[u8], tail: &[u8]) -> bool {
        let (bytes, places, is_backward) = match self.anchor {
            Anchor::Beginning(least, most) => (head, vec![(least, most)], false),
            Anchor::Anywhere => (head, vec![(0, head.len())], false),
            Anchor::End(least, most) => {
                let Some(last) = tail.len().checked_sub(least) else { return false };
                (tail, vec![(tail.len().saturating_sub(most), last)], true)
            }
        };
        !walk(&self.steps, places, bytes, is_backward).is_empty()
    }
}

/// Reads steps up to the end, `|` or `)`.
fn steps(rest: &mut &[u8]) -> Option<Vec<Step>> {
    let mut found = Vec::new();
    while let Some((&first, more)) = rest.split_first() {
        match first {
            b'|' | b')' => break,
            b'*' => {
                *rest = more;
                found.push(Step::Gap(0, None));
            }
            b'?' => {
                *rest = more.strip_prefix(b"?")?;
                found.push(Step::Gap(1, Some(1)));
            }
            b'{' => {
                let inner = until(rest, b'}')?;
                found.push(match inner.split_once('-') {
                    None => inner.parse().ok().map(|count| Step::Gap(count, Some(count)))?,
                    Some((least, "*")) => Step::Gap(least.parse().ok()?, None),
                    Some((least, most)) => Step::Gap(least.parse().ok()?, Some(most.parse().ok()?)),
                });
            }
            b'[' => {
                let inner = until(rest, b']')?;
                if let Some(bits) = inner.strip_prefix("!&") {
                    found.push(Step::Bits(*hex::decode(bits).ok()?.first()?, true));
                    continue;
                }
                found.push(match (inner.strip_prefix('!'), inner.strip_prefix('&'), inner.split_once(':')) {
                    (Some(bytes), _, _) => Step::Not(hex::decode(bytes).ok()?),
                    (_, Some(bits), _) => Step::Bits(*hex::decode(bits).ok()?.first()?, false),
                    (_, _, Some((low, high))) => Step::Range(*hex::decode(low).ok()?.first()?, *hex::decode(high).ok()?.first()?),
                    _ => return None,
                });
            }
            b'(' => {
                let mut either = Vec::new();
                *rest = more;
                loop {
                    either.push(steps(rest)?);
                    let (&end, more) = rest.split_first()?;
                    *rest = more;
                    if end == b')' {
                        break;
                    }
                }
                found.push(Step::Either(either));
            }
            b'\'' => {
                let text = until(rest, b'\'')?;
                push_bytes(&mut found, text.as_bytes());
            }
            _ => {
                let (pair, more) = rest.split_at_checked(2)?;
                push_bytes(&mut found, &hex::decode(pair).ok()?);
                *rest = more;
            }
        }
    }
    Some(found)
}

fn push_bytes(found: &mut Vec<Step>, bytes: &[u8]) {
    match found.last_mut() {
        Some(Step::Bytes(last)) => last.extend_from_slice(bytes),
        _ => found.push(Step::Bytes(bytes.to_vec())),
    }
}

fn until<'a>(rest: &mut &'a [u8], end: u8) -> Option<&'a str> {
    let place = rest.iter().skip(1).position(|byte| *byte == end)? + 1;
    let inner = std::str::from_utf8(&rest[1..place]).ok()?;
    *rest = &rest[place + 1..];
    Some(inner)
}

fn walk(steps: &[Step], mut places: Places, bytes: &[u8], is_backward: bool) -> Places {
    let ordered: Box<dyn Iterator<Item = &Step>> = if is_backward { Box::new(steps.iter().rev()) } else { Box::new(steps.iter()) };
    for step in ordered {
        let mut reached = Places::new();
        if let Step::Either(either) = step {
            for steps in either {
                reached.extend(walk(steps, places.clone(), bytes, is_backward));
            }
        } else {
            for (first, last) in places {
                let last = last.min(bytes.len());
                if first <= last {
                    take(step, first, last, bytes, is_backward, &mut reached);
                }
            }
        }
        places = merged(reached);
        if places.is_empty() {
            break;
        }
    }
    places
}

/// Where one step leads from the places `first` to `last`.
fn take(step: &Step, first: usize, last: usize, bytes: &[u8], is_backward: bool, reached: &mut Places) {
    // A step of fixed length is looked for at its beginnings, in either direction.
    let beginnings = |count: usize| {
        let (low, high) = if is_backward { (first.saturating_sub(count), last.checked_sub(count)?) } else { (first, last) };
        let low = if is_backward && first < count { 0 } else { low };
        let high = high.min(bytes.len().checked_sub(count)?);
        (low <= high).then_some((low, high))
    };
    let mut add = |begin: usize, count: usize| {
        let place = if is_backward { begin } else { begin + count };
        match reached.last_mut() {
            Some(last) if last.1 + 1 == place || last.1 == place => last.1 = place,
            _ => reached.push((place, place)),
        }
    };
    let mut each = |count: usize, fits: &dyn Fn(&[u8]) -> bool| {
        if let Some((low, high)) = beginnings(count) {
            for begin in low..=high {
                if fits(&bytes[begin..begin + count]) {
                    add(begin, count);
                }
            }
        }
    };
    match step {
        Step::Bytes(wanted) if first == last => each(wanted.len(), &|found| found == wanted.as_slice()),
        Step::Bytes(wanted) => {
            let Some((low, high)) = beginnings(wanted.len()) else { return };
            let finder = memmem::Finder::new(wanted);
            let mut from = low;
            while let Some(place) = bytes.get(from..high + wanted.len()).and_then(|rest| finder.find(rest)) {
                add(from + place, wanted.len());
                from += place + 1;
            }
        }
        Step::Range(low, high) => each(1, &|found| (*low..=*high).contains(&found[0])),
        Step::Bits(bits, is_not) => each(1, &|found| (found[0] & bits == *bits) != *is_not),
        Step::Not(unwanted) => each(unwanted.len(), &|found| found != unwanted.as_slice()),
        Step::Gap(least, most) => {
            if is_backward {
                let Some(high) = last.checked_sub(*least) else { return };
                reached.push((most.map_or(0, |most| first.saturating_sub(most)), high));
            } else {
                reached.push((first.saturating_add(*least), most.map_or(bytes.len(), |most| last.saturating_add(most)).min(bytes.len())));
            }
        }
        // Taken by `walk`, for all places at once.
        Step::Either(_) => {}
    }
}

fn merged(mut places: Places) -> Places {
    places.retain(|(first, last)| first <= last);
    places.sort_unstable();
    let mut merged: Places = Vec::with_capacity(places.len().min(PLACES));
    for (first, last) in places {
        let is_full = merged.len() >= PLACES;
        match merged.last_mut() {
            Some(before) if is_full || first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, bytes: &[u8]) -> bool {
        Sequence::parse(pattern).unwrap().matches(bytes, bytes)
    }

    #[test]
    fn patterns_mean_what_pronom_says() {
        assert!(matches("B0-0:504B{2}04", b"PK\x03\x03\x04"));
        assert!(!matches("B0-0:504B{2}04", b"PK\x03\x04"));
        assert!(matches("B0-4:504B", b"....PK") && !matches("B0-3:504B", b"....PK"));
        assert!(matches("B1-1:(4142|43)44", b".CD") && matches("B1-1:(4142|43)44", b".ABD"));
        assert!(matches("B0-0:41[30:39][!00]*5A", b"A7x..........Z"));
        assert!(!matches("B0-0:41[!4243]", b"ABC") && matches("B0-0:41[!4243]", b"ABD"));
        assert!(matches("B0-0:[&01]", b"\x03") && matches("B0-0:[!01]??42", b"\x00AB"));
        assert!(matches("B0-0:[!&03]", b"\x01") && !matches("B0-0:[!&01]", b"\x03"));
        assert!(matches("E0-0:'end'", b"at the end") && matches("E1-2:'end'0D", b"at the end\r\r\n"));
        assert!(!matches("E1-2:'end'", b"at the end") && matches("E0-0:6174*'end'", b"at the end"));
        assert!(matches("V:'the'", b"at the end"));
        assert!(matches("E0-0:504B01{2-10}504B0506{2-9}", b"..PK\x01......PK\x05\x06...."));
    }

    #[test]
    fn many_gaps_cost_no_more_than_their_number() {
        let pattern = format!("B0-0:{}00", "41{0-1000}".repeat(20));
        assert!(!matches(&pattern, &vec![b'A'; 100_000]));
    }
}
