//! Calendar dates in running text, however they are written: 2011년 12월 17일, 2011.12.17, 17 December 2011, 주체100(2011)년 12월.
//!
//! Day and month before the year in digits alone (03/05/2012) are not read: nobody knows which is which. A month without a year is `--12-17` with a day.

use crate::chars::Class;
use crate::token::{TokenKind, TokenRef};

/// What a word may be in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A number and how many digits it was written with.
    Number(u32, usize),
    /// 년, 월, 일.
    Unit(char),
    /// An English month.
    Month(u32),
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    part: Part,
    /// What stands before it: nothing, a space, or one of `.-/,)`; `?` for anything else.
    before: char,
    start: usize,
}

/// Reads words and separators in order and finds dates at their end.
#[derive(Default)]
pub struct Dates {
    last: Vec<Piece>,
    between: Option<char>,
    position: u32,
}

const PIECES_MAX: usize = 6;

impl Dates {
    /// A character that is no part of a word.
    pub fn separator(&mut self, c: char, class: Class) {
        self.between = Some(match (self.between, class) {
            (None | Some(' '), Class::Space) => ' ',
            (None | Some(' '), _) if matches!(c, '.' | '-' | '/' | ',' | ')') => c,
            (Some(before @ ('.' | ',' | '-' | '/' | ')')), Class::Space) => before,
            _ => '?',
        });
    }

    /// A word, and the date it completes.
    pub fn word(&mut self, word: &str, class: Class, start: usize, end: usize, sink: &mut dyn FnMut(TokenRef<'_>)) {
        let before = self.between.take().unwrap_or('\0');
        let part = match class {
            Class::Digit if word.len() <= 4 => word.parse().ok().map(|n| Part::Number(n, word.len())),
            Class::Hangul => word.chars().next().filter(|c| matches!(c, '년' | '월' | '일')).map(Part::Unit),
            Class::Han => word.chars().next().and_then(|c| [('年', '년'), ('月', '월'), ('日', '일')].into_iter().find(|p| p.0 == c)).map(|p| Part::Unit(p.1)),
            Class::Letter => month(word).map(Part::Month),
            _ => None,
        };
        let Some(part) = part else {
            self.last.clear();
            return;
        };
        if before == '?' {
            self.last.clear();
        }
        if self.last.len() == PIECES_MAX {
            self.last.remove(0);
        }
        self.last.push(Piece { part, before, start });
        if let Some((text, start)) = found(&self.last) {
            let mut put = |text: &str| sink(TokenRef { text, start, end, position: self.position, kind: TokenKind::Date });
            put(&text);
            // Who asks for a month means its days too.
            if let Some(month) = text.get(..7).filter(|m| text.len() == 10 && !m.starts_with('-')) {
                put(month);
            }
            self.position = self.position.saturating_add(1);
        }
    }
}

/// The date that ends with the last piece.
fn found(pieces: &[Piece]) -> Option<(String, usize)> {
    use Part::{Month, Number, Unit};
    let parts: Vec<(Part, char)> = pieces.iter().map(|p| (p.part, p.before)).collect();
    let start = |n: usize| pieces.len().checked_sub(n).and_then(|i| pieces.get(i)).map_or(0, |p| p.start);
    let joined = |c: char| matches!(c, '\0' | ' ' | ')');
    match parts.as_slice() {
        [.., (Number(y, 4), _), (Unit('년'), a), (Number(m, _), _), (Unit('월'), _), (Number(d, _), _), (Unit('일'), _)] if joined(*a) => {
            full(*y, *m, *d).map(|t| (t, start(6)))
        }
        [.., (Number(m, _), _), (Unit('월'), _), (Number(d, _), _), (Unit('일'), _)] if valid(*m, *d) => Some((format!("--{m:02}-{d:02}"), start(4))),
        [.., (Number(y, 4), _), (Unit('년'), a), (Number(m, _), _), (Unit('월'), _)] if joined(*a) && valid(*m, 1) && year(*y) => {
            Some((format!("{y:04}-{m:02}"), start(4)))
        }
        [.., (Number(y, 4), _), (Number(m, 1 | 2), a), (Number(d, 1 | 2), b)] if a == b && matches!(a, '.' | '-' | '/') => {
            full(*y, *m, *d).map(|t| (t, start(3)))
        }
        [.., (Number(d, 1 | 2), _), (Month(m), ' '), (Number(y, 4), ' ' | ',')] => full(*y, *m, *d).map(|t| (t, start(3))),
        [.., (Month(m), _), (Number(d, 1 | 2), ' ' | '.'), (Number(y, 4), ' ' | ',')] => full(*y, *m, *d).map(|t| (t, start(3))),
        [.., (Month(m), _), (Number(y, 4), ' ' | ',')] if year(*y) => Some((format!("{y:04}-{m:02}"), start(2))),
        _ => None,
    }
}

fn year(y: u32) -> bool {
    (1900..2100).contains(&y)
}

fn valid(m: u32, d: u32) -> bool {
    (1..=12).contains(&m) && (1..=31).contains(&d)
}

fn full(y: u32, m: u32, d: u32) -> Option<String> {
    (year(y) && valid(m, d)).then(|| format!("{y:04}-{m:02}-{d:02}"))
}

fn month(word: &str) -> Option<u32> {
    const NAMES: [&str; 12] = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
    let whole = NAMES.iter().zip(1..).find(|(n, _)| **n == word || (word.len() == 3 && n.starts_with(word)) || (word == "sept" && **n == "september"));
    whole.map(|(_, i)| i)
}

#[cfg(test)]
mod tests {
    use crate::{TokenKind, analyse};

    fn dates(text: &str) -> Vec<String> {
        analyse(text).into_iter().filter(|t| t.kind == TokenKind::Date).map(|t| t.text).collect()
    }

    #[test]
    fn one_form_for_all() {
        for text in [
            "2011년 12월 17일에",
            "2011.12.17",
            "2011. 12. 17.",
            "2011-12-17",
            "17 December 2011",
            "December 17, 2011",
            "17 Dec 2011",
            "2011年12月17日",
            "주체100(2011)년 12월 17일",
        ] {
            assert!(dates(text).contains(&"2011-12-17".to_owned()), "{text}: {:?}", dates(text));
        }
        assert_eq!(dates("2011년 12월부터"), ["2011-12"]);
        assert_eq!(dates("May 2012"), ["2012-05"]);
        assert_eq!(dates("5월 3일 밤"), ["--05-03"]);
        for text in ["2011.13.17", "03/05/2012", "9999-12-17", "12.17", "1급 2급 3급", "may I"] {
            assert_eq!(dates(text), Vec::<String>::new(), "{text}");
        }
        let text = "그날은 2011년 12월 17일이였다";
        let token = analyse(text).into_iter().find(|t| t.text == "2011-12-17").unwrap();
        assert_eq!(&text[token.start..token.end], "2011년 12월 17일이였다");
    }
}
