//! From text to [`Ast`].

use std::ops::Range;

use super::{Ast, Clause, EXACT_FIELD, How, KEYWORD_FIELDS, MAX_CLAUSES, MAX_DEPTH, MAX_FUZZY, MAX_PROXIMITY, MAX_QUERY_CHARS, RANGE_FIELDS, TEXT_FIELDS};
use crate::error::QueryError;

/// Reads a query.
pub(crate) fn parse(query: &str) -> Result<Ast, QueryError> {
    let chars: Vec<char> = query.chars().collect();
    if chars.len() > MAX_QUERY_CHARS {
        return error(MAX_QUERY_CHARS..chars.len(), format!("a query has at most {MAX_QUERY_CHARS} characters"));
    }
    let mut parser = Parser { chars, at: 0, clauses: 0 };
    let ast = parser.either(None, 0)?;
    match parser.peek() {
        None => Ok(ast),
        Some(_) => error(parser.at..parser.at + 1, "this parenthesis closes nothing"),
    }
}

fn error<T>(characters: Range<usize>, message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError { characters, message: message.into() })
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    clauses: usize,
}

/// What a word ends at. A quotation mark or parenthesis inside a word is an error, so it ends there too.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"' | '“' | '”' | '„' | '「' | '」' | '『' | '』')
}

/// The mark that closes a phrase opened with `open`.
fn closing(open: char) -> Option<&'static [char]> {
    match open {
        '"' | '“' | '”' | '„' => Some(&['"', '“', '”']),
        '「' => Some(&['」']),
        '『' => Some(&['』']),
        _ => None,
    }
}

impl Parser {
    /// The next character after white space.
    fn peek(&mut self) -> Option<char> {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.chars.get(self.at).copied()
    }

    /// Whether the word `word` comes next, alone.
    fn keyword(&mut self, word: &str) -> bool {
        self.peek();
        let end = self.at + word.len();
        self.chars.get(self.at..end).is_some_and(|found| found.iter().copied().eq(word.chars())) && self.chars.get(end).is_none_or(|c| ends_word(*c))
    }

    /// `a OR b OR c`
    fn either(&mut self, field: Option<&str>, depth: usize) -> Result<Ast, QueryError> {
        let mut parts = Vec::new();
        let mut plus: Option<Range<usize>> = None;
        loop {
            parts.push(self.all(field, depth, &mut plus)?);
            if !self.keyword("OR") {
                break;
            }
            self.at += 2;
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        match plus {
            Some(place) => error(place, "a + says that a word must be there, an OR that it need not: use AND and parentheses"),
            None => Ok(Ast::Or(parts)),
        }
    }

    /// `a b AND c -d`
    fn all(&mut self, field: Option<&str>, depth: usize, plus: &mut Option<Range<usize>>) -> Result<Ast, QueryError> {
        let mut parts = vec![self.one(field, depth, plus)?];
        loop {
            match self.peek() {
                None | Some(')') => break,
                Some(_) if self.keyword("OR") => break,
                Some(_) if self.keyword("AND") => self.at += 3,
                Some(_) => {}
            }
            parts.push(self.one(field, depth, plus)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Ast::And(parts) })
    }

    /// A word, a phrase, a parenthesis, with signs and a field before it.
    fn one(&mut self, field: Option<&str>, depth: usize, plus: &mut Option<Range<usize>>) -> Result<Ast, QueryError> {
        let Some(first) = self.peek() else {
            return error(
                self.at.saturating_sub(1)..self.at.max(1),
                if self.at == 0 { "the query is empty; * asks for everything" } else { "something to search for is missing at the end" },
            );
        };
        let start = self.at;
        if depth >= MAX_DEPTH {
            return error(start..start + 1, format!("parentheses and signs go at most {MAX_DEPTH} deep"));
        }
        if self.keyword("NOT") {
            self.at += 3;
            return Ok(Ast::Not(Box::new(self.one(field, depth + 1, plus)?)));
        }
        if self.keyword("OR") || self.keyword("AND") {
            return error(start..start + 2, "AND and OR stand between two things; a word of that spelling is quoted: \"OR\"");
        }
        match first {
            ')' => error(start..start + 1, "something to search for is missing before this parenthesis"),
            '(' => {
                self.at += 1;
                let inner = self.either(field, depth + 1)?;
                if self.peek() != Some(')') {
                    return error(start..start + 1, "this parenthesis is not closed");
                }
                self.at += 1;
                Ok(inner)
            }
            '-' | '+' if self.chars.get(start + 1).is_some_and(|c| !c.is_whitespace()) => {
                self.at += 1;
                if first == '-' {
                    return Ok(Ast::Not(Box::new(self.one(field, depth + 1, plus)?)));
                }
                plus.get_or_insert(start..start + 1);
                self.one(field, depth + 1, plus)
            }
            '-' | '+' => error(start..start + 1, "a sign stands right before what it is about; to search for the sign itself, quote it with a word"),
            '*' if self.chars.get(start + 1).is_none_or(|c| ends_word(*c)) && field.is_none() => {
                self.at += 1;
                Ok(Ast::Everything)
            }
            _ => self.named_or_clause(field, depth, plus),
        }
    }

    fn named_or_clause(&mut self, field: Option<&str>, depth: usize, plus: &mut Option<Range<usize>>) -> Result<Ast, QueryError> {
        let start = self.at;
        let name_end = (start..self.chars.len()).find(|i| !self.chars[*i].is_ascii_alphabetic()).unwrap_or(self.chars.len());
        if name_end == start || self.chars.get(name_end) != Some(&':') {
            return self.clause(field, start);
        }
        let name: String = self.chars[start..name_end].iter().collect();
        let known = [&TEXT_FIELDS[..], &KEYWORD_FIELDS, &RANGE_FIELDS, &[EXACT_FIELD]].concat();
        if !known.contains(&name.as_str()) {
            return error(start..name_end + 1, format!("there is no field {name}; there are {}. A text with a colon is quoted", known.join(", ")));
        }
        if let Some(outer) = field {
            return error(start..name_end + 1, format!("this stands within {outer}: already"));
        }
        self.at = name_end + 1;
        if self.chars.get(self.at).is_none_or(|c| c.is_whitespace()) {
            return error(start..name_end + 1, format!("what to search for stands right after {name}:"));
        }
        if self.chars[self.at] == '(' {
            return self.one(Some(&name), depth + 1, plus);
        }
        self.clause(Some(&name), start)
    }

    /// A word or phrase with what comes behind it. `start` is where its field begins.
    fn clause(&mut self, field: Option<&str>, start: usize) -> Result<Ast, QueryError> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            return error(start..start + 1, format!("a query has at most {MAX_CLAUSES} words and phrases"));
        }
        let mut exact = field == Some(EXACT_FIELD);
        if self.chars.get(self.at) == Some(&'=') {
            exact = true;
            self.at += 1;
        }
        let (text, quoted) = match self.chars.get(self.at).copied().and_then(closing) {
            Some(closing) => (self.phrase(closing)?, true),
            None => (self.word(), false),
        };
        let field = field.filter(|name| *name != EXACT_FIELD);
        let (text, how) = if quoted { (text, self.behind_phrase()?) } else { self.behind_word(text, start)? };
        let characters = start..self.at;
        if self.chars.get(self.at).is_some_and(|c| !c.is_whitespace() && *c != ')') {
            return error(self.at..self.at + 1, "a space is missing here");
        }
        if text.trim().is_empty() {
            return error(characters, "there is nothing to search for here");
        }
        let how = match (how, exact) {
            (How::Usual | How::Phrase, true) => How::Exact,
            (_, true) => return error(characters, "exactly so (=) does not go with *, ~ or a range"),
            (how, false) => how,
        };
        let how = self.fits(field, how, &characters)?;
        Ok(Ast::Clause(Clause { field: field.map(str::to_owned), text, how, characters }))
    }

    fn fits(&self, field: Option<&str>, how: How, characters: &Range<usize>) -> Result<How, QueryError> {
        let Some(name) = field else { return Ok(how) };
        if RANGE_FIELDS.contains(&name) {
            return match how {
                How::Usual | How::Phrase => Ok(How::Range),
                _ => error(characters.clone(), format!("{name}: takes a value or a range from..to")),
            };
        }
        if KEYWORD_FIELDS.contains(&name) && !matches!(how, How::Usual | How::Phrase | How::Exact | How::Prefix) {
            return error(characters.clone(), format!("{name}: takes a whole value, or its beginning and *"));
        }
        Ok(how)
    }

    fn phrase(&mut self, closing: &[char]) -> Result<String, QueryError> {
        let start = self.at;
        let end = (start + 1..self.chars.len()).find(|i| closing.contains(&self.chars[*i]));
        let Some(end) = end else { return error(start..start + 1, "this quotation mark is not closed") };
        self.at = end + 1;
        Ok(self.chars[start + 1..end].iter().collect())
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.chars.get(self.at).is_some_and(|c| !ends_word(*c)) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn behind_phrase(&mut self) -> Result<How, QueryError> {
        let start = self.at;
        if self.chars.get(start) != Some(&'~') {
            return Ok(How::Phrase);
        }
        self.at += 1;
        let digits = self.word();
        match digits.parse() {
            Ok(words) if words <= MAX_PROXIMITY => Ok(How::Near(words)),
            _ => error(start..self.at, format!("~ behind a phrase is followed by a number of words, 0 to {MAX_PROXIMITY}")),
        }
    }

    fn behind_word(&self, word: String, start: usize) -> Result<(String, How), QueryError> {
        let place = start..self.at;
        if let Some(stem) = word.strip_suffix('*') {
            if stem.contains(['*', '~']) || stem.is_empty() {
                return error(place, "a * stands at the end of a word, behind at least one letter");
            }
            return Ok((stem.to_owned(), How::Prefix));
        }
        if word.contains('*') {
            return error(place, "a * stands at the end of a word only; to search for the sign itself, quote it with a word");
        }
        let Some((stem, letters)) = word.split_once('~') else { return Ok((word, How::Usual)) };
        let letters = if letters.is_empty() { Ok(1) } else { letters.parse() };
        match letters {
            Ok(letters @ 1..=MAX_FUZZY) if !stem.is_empty() => Ok((stem.to_owned(), How::Fuzzy(letters))),
            _ => error(place, format!("~ behind a word is followed by nothing or by 1 to {MAX_FUZZY}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An `Ast` in a short form that a table can hold.
    fn show(ast: &Ast) -> String {
        let list = |name: &str, parts: &[Ast]| format!("{name}({})", parts.iter().map(show).collect::<Vec<_>>().join(" "));
        match ast {
            Ast::And(parts) => list("and", parts),
            Ast::Or(parts) => list("or", parts),
            Ast::Not(part) => format!("not({})", show(part)),
            Ast::Everything => "*".into(),
            Ast::Clause(Clause { field, text, how, .. }) => {
                let field = field.as_ref().map(|field| format!("{field}:")).unwrap_or_default();
                match how {
                    How::Usual => format!("{field}[{text}]"),
                    How::Phrase => format!("{field}\"{text}\""),
                    How::Exact => format!("{field}=[{text}]"),
                    How::Prefix => format!("{field}[{text}]*"),
                    How::Fuzzy(letters) => format!("{field}[{text}]~{letters}"),
                    How::Near(words) => format!("{field}[{text}]~{words}w"),
                    How::Range => format!("{field}<{text}>"),
                }
            }
        }
    }

    #[test]
    fn queries_mean_what_they_say() {
        let table = [
            ("a", "[a]"),
            ("a b", "and([a] [b])"),
            ("a AND b", "and([a] [b])"),
            ("a and b", "and([a] [and] [b])"),
            ("a b OR c d", "or(and([a] [b]) and([c] [d]))"),
            ("a (b OR c) d", "and([a] or([b] [c]) [d])"),
            ("a NOT b", "and([a] not([b]))"),
            ("a AND NOT b", "and([a] not([b]))"),
            ("a -b", "and([a] not([b]))"),
            ("-a", "not([a])"),
            ("+a b", "and([a] [b])"),
            ("-(a OR b) c", "and(not(or([a] [b])) [c])"),
            ("NOT NOT a", "not(not([a]))"),
            ("\"a b\"", "\"a b\""),
            ("“국가 보위부”", "\"국가 보위부\""),
            ("「a b」", "\"a b\""),
            ("\"김정은\" OR \"김정일\" OR \"장성택\" OR \"리설주\"", "or(\"김정은\" \"김정일\" \"장성택\" \"리설주\")"),
            ("\"a b\"~5", "[a b]~5w"),
            ("보위*", "[보위]*"),
            ("kim~", "[kim]~1"),
            ("kim~2", "[kim]~2"),
            ("=보위부", "=[보위부]"),
            ("=\"a b\"", "=[a b]"),
            ("exact:a", "=[a]"),
            ("exact:\"a b\"", "=[a b]"),
            ("title:a b", "and(title:[a] [b])"),
            ("title:(a OR b)", "or(title:[a] title:[b])"),
            ("title:\"a b\"~3", "title:[a b]~3w"),
            ("-title:a", "not(title:[a])"),
            ("accession:2024-003", "accession:[2024-003]"),
            ("accession:2024-*", "accession:[2024-]*"),
            ("received:2024-01-01..2024-12-31", "received:<2024-01-01..2024-12-31>"),
            ("pages:10..", "pages:<10..>"),
            ("Kim Jong-un", "and([Kim] [Jong-un])"),
            ("*", "*"),
            ("* -a", "and(* not([a]))"),
            ("ORDER ANDROID NOTE", "and([ORDER] [ANDROID] [NOTE])"),
            ("OR", "!1"),
            ("", "!1"),
            ("a OR", "!4"),
            ("(a", "!1"),
            ("a)", "!2"),
            ("\"a", "!1"),
            ("a \"b", "!3"),
            ("a - b", "!3"),
            ("+a OR b", "!1"),
            ("nofield:a", "!1"),
            ("http://x", "!1"),
            ("title: a", "!1"),
            ("title:(path:a)", "!8"),
            ("a*b", "!1"),
            ("**", "!1"),
            ("a~3", "!1"),
            ("\"a b\"~x", "!6"),
            ("\"a b\"~101", "!6"),
            ("=a*", "!1"),
            ("pages:1*", "!1"),
            ("format:a~1", "!1"),
            ("\"\"", "!1"),
            ("a\"b\"", "!2"),
            ("()", "!2"),
        ];
        for (query, expected) in table {
            let got = match parse(query) {
                Ok(ast) => show(&ast),
                Err(error) => format!("!{}", error.characters.start + 1),
            };
            assert_eq!(got, expected, "{query}");
        }
    }

    #[test]
    fn a_query_without_end_is_refused_and_does_not_exhaust_the_stack() {
        for query in ["(".repeat(8000), "-".repeat(8000), "NOT ".repeat(2000), "a ".repeat(4000), "a".repeat(9000)] {
            assert!(parse(&query).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_query_or_an_error_with_a_place_in_it(query in "[-a가 ()\"+*~:=.OR0-9]{0,40}") {
            if let Err(error) = parse(&query) {
                proptest::prop_assert!(error.characters.start <= query.chars().count());
            }
        }
    }
}
