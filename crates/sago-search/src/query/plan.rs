//! From [`Ast`] to what is asked of the index.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use sago_text::Why;
use tantivy::query::{AllQuery, BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, Query, TermQuery};
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{BitSet, columnar::Column};
use uuid::Uuid;

use super::except::Except;
use super::pattern::{Meant, Pattern, exactly, near, phrase, words};
use super::set::SetQuery;
use super::{Ast, Clause, How, KEYWORD_FIELDS, MAX_LOOSE, range};
use crate::error::{QueryError, SearchError};
use crate::schema::{Fields, clean, term_text};
use crate::snapshot::{Number, Snapshot};
use crate::words::{Kind, analyse};

/// Share of the lesser ways of a word that is added to the best.
const TIE_BREAKER: f32 = 0.1;

/// A word or phrase as it was searched: data to show beside an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Searched {
    /// Which characters of the query, from 0.
    pub characters: Range<usize>,
    /// The text there.
    pub text: String,
    /// Field it was searched in; everywhere when `None`.
    pub field: Option<String>,
    /// Items with it are left out (NOT).
    pub excluded: bool,
    /// All ways in which it was searched; empty for ranges, whole values, beginnings and fuzzy words, which have one.
    pub ways: Vec<SearchedWay>,
}

/// One of the ways in which a word was searched.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchedWay {
    /// Why: as written, stem, spelling, synonym, reading, …
    pub why: Why,
    /// The terms, in order.
    pub terms: Vec<String>,
    /// How much a hit counts, at most 1.0.
    pub weight: f32,
}

/// The plan: a tree over leaves.
pub(crate) struct Plan {
    pub root: Node,
    pub leaves: Vec<Leaf>,
    pub searched: Vec<Searched>,
}

pub(crate) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Everything,
    Leaf(usize),
}

/// One thing that an item either has or has not.
pub(crate) struct Leaf {
    pub query: Box<dyn Query>,
    pub field: Option<String>,
    pub marks: Marks,
    /// It is asked for, not left out: its places are shown.
    pub shown: bool,
}

/// How the places of a leaf are found in a text.
pub(crate) enum Marks {
    Patterns(Vec<Pattern>),
    /// Words that begin so; words that differ so much.
    Prefix(String),
    Fuzzy(String, u8),
    /// Not in the text: a range, a whole value.
    Nowhere,
}

impl Plan {
    pub(crate) fn of(ast: &Ast, snapshot: &Snapshot, fields: &Fields) -> Result<Plan, SearchError> {
        let mut planner = Planner { snapshot, fields, leaves: Vec::new(), searched: Vec::new() };
        let root = planner.node(ast, false)?;
        Ok(Plan { root, leaves: planner.leaves, searched: planner.searched })
    }

    /// The plan as one query, for items of one part.
    pub(crate) fn query(&self) -> Box<dyn Query> {
        self.query_of(&self.root)
    }

    fn query_of(&self, node: &Node) -> Box<dyn Query> {
        let everything = || -> Box<dyn Query> { Box::new(ConstScoreQuery::new(Box::new(AllQuery), 0.0)) };
        match node {
            Node::Everything => everything(),
            Node::Leaf(leaf) => self.leaves[*leaf].query.box_clone(),
            Node::Or(parts) => Box::new(BooleanQuery::new(parts.iter().map(|part| (Occur::Should, self.query_of(part))).collect())),
            Node::Not(part) => Box::new(Except { of: everything(), without: self.query_of(part) }),
            Node::And(parts) => {
                let (without, of): (Vec<&Node>, Vec<&Node>) = parts.iter().partition(|part| matches!(part, Node::Not(_)));
                let mut of: Vec<_> = of.into_iter().map(|part| (Occur::Must, self.query_of(part))).collect();
                let of = match of.len() {
                    0 => everything(),
                    1 => of.remove(0).1,
                    _ => Box::new(BooleanQuery::new(of)),
                };
                let without: Vec<_> = without
                    .into_iter()
                    .filter_map(|part| if let Node::Not(inner) = part { Some((Occur::Should, self.query_of(inner))) } else { None })
                    .collect();
                if without.is_empty() { of } else { Box::new(Except { of, without: Box::new(BooleanQuery::new(without)) }) }
            }
        }
    }
}

struct Planner<'a> {
    snapshot: &'a Snapshot,
    fields: &'a Fields,
    leaves: Vec<Leaf>,
    searched: Vec<Searched>,
}

impl Planner<'_> {
    fn node(&mut self, ast: &Ast, excluded: bool) -> Result<Node, SearchError> {
        Ok(match ast {
            Ast::Everything => Node::Everything,
            Ast::Not(part) => Node::Not(Box::new(self.node(part, !excluded)?)),
            Ast::Or(parts) => Node::Or(parts.iter().map(|part| self.node(part, excluded)).collect::<Result<_, _>>()?),
            Ast::And(parts) => Node::And(self.all(parts, excluded)?),
            Ast::Clause(clause) => all_of(self.clause(clause, excluded)?),
        })
    }

    /// Plain words that follow each other are understood together: they may be one name.
    fn all(&mut self, parts: &[Ast], excluded: bool) -> Result<Vec<Node>, SearchError> {
        let mut nodes = Vec::new();
        let mut rest = parts;
        while let Some((first, after)) = rest.split_first() {
            let run: Vec<&Clause> = rest.iter().map_while(plain).take_while(|clause| plain(first).is_some_and(|first| first.field == clause.field)).collect();
            if run.len() > 1 {
                nodes.extend(self.run(&run, excluded)?);
                rest = &rest[run.len()..];
            } else {
                match first {
                    Ast::Clause(clause) => nodes.extend(self.clause(clause, excluded)?),
                    other => nodes.push(self.node(other, excluded)?),
                }
                rest = after;
            }
        }
        Ok(nodes)
    }

    fn clause(&mut self, clause: &Clause, excluded: bool) -> Result<Vec<Node>, SearchError> {
        if let Some(node) = self.property(clause, excluded)? {
            return Ok(vec![node]);
        }
        let patterns = match clause.how {
            How::Usual => return self.run(&[clause], excluded),
            How::Prefix | How::Fuzzy(_) => return Ok(vec![self.loose(clause, excluded)?]),
            How::Exact => exactly(&clause.text),
            How::Near(words) => near(&clause.text, words),
            How::Phrase | How::Range => phrase(&clause.text),
        };
        if patterns.is_empty() {
            return Err(nothing(clause).into());
        }
        Ok(vec![self.met(clause.characters.clone(), clause.text.clone(), clause.field.as_deref(), patterns, excluded)])
    }

    fn run(&mut self, run: &[&Clause], excluded: bool) -> Result<Vec<Node>, SearchError> {
        let mut text = String::new();
        let mut begins = Vec::new();
        for clause in run {
            let words = analyse(&clause.text);
            if Kind::ALL.iter().all(|kind| words.of(*kind).is_empty()) {
                return Err(nothing(clause).into());
            }
            begins.push(text.len());
            text.push_str(&clause.text);
            text.push(' ');
        }
        let clause_at = |byte: usize| run[begins.partition_point(|begin| *begin <= byte).saturating_sub(1)];
        let mut meant: Vec<_> = words(&text).into_iter().filter(|meant| !meant.patterns.is_empty()).collect();
        for (clause, begin) in run.iter().zip(&begins) {
            whole(&mut meant, *begin, &clause.text);
        }
        if meant.is_empty() {
            return Err(nothing(run[0]).into());
        }
        let field = run[0].field.as_deref();
        let nodes = meant.into_iter().map(|meant| {
            let characters = clause_at(meant.start).characters.start..clause_at(meant.end.saturating_sub(1)).characters.end;
            self.met(characters, text[meant.start..meant.end].to_owned(), field, meant.patterns, excluded)
        });
        Ok(nodes.collect())
    }

    fn met(&mut self, characters: Range<usize>, text: String, field: Option<&str>, patterns: Vec<Pattern>, excluded: bool) -> Node {
        let mut queries: Vec<Box<dyn Query>> = patterns.iter().map(|pattern| pattern.query(self.fields, field)).collect();
        let query = if queries.len() == 1 { queries.remove(0) } else { Box::new(DisjunctionMaxQuery::with_tie_breaker(queries, TIE_BREAKER)) };
        let way =
            |pattern: &Pattern| SearchedWay { why: pattern.why, terms: pattern.terms.iter().map(|(_, term)| term.clone()).collect(), weight: pattern.weight };
        self.searched.push(Searched { characters, text, field: field.map(str::to_owned), excluded, ways: patterns.iter().map(way).collect() });
        self.leaf(query, field, Marks::Patterns(patterns), excluded)
    }

    fn leaf(&mut self, query: Box<dyn Query>, field: Option<&str>, marks: Marks, excluded: bool) -> Node {
        self.leaves.push(Leaf { query, field: field.map(str::to_owned), marks, shown: !excluded });
        Node::Leaf(self.leaves.len() - 1)
    }

    fn note(&mut self, clause: &Clause, excluded: bool) {
        self.searched.push(Searched {
            characters: clause.characters.clone(),
            text: clause.text.clone(),
            field: clause.field.clone(),
            excluded,
            ways: Vec::new(),
        });
    }

    /// Beginnings and fuzzy words: every term of the index that fits, however many.
    fn loose(&mut self, clause: &Clause, excluded: bool) -> Result<Node, SearchError> {
        let before = self.leaves.iter().filter(|leaf| matches!(leaf.marks, Marks::Prefix(_) | Marks::Fuzzy(..))).count();
        if before >= MAX_LOOSE {
            let message = format!("a query has at most {MAX_LOOSE} words with * or ~");
            return Err(QueryError { characters: clause.characters.clone(), message }.into());
        }
        let words = analyse(&clause.text);
        let [only] = words.of(Kind::Exact) else {
            let message = "* and ~ go with one word without signs in it".to_owned();
            return Err(QueryError { characters: clause.characters.clone(), message }.into());
        };
        let field = clause.field.as_deref();
        let kinds = if matches!(clause.how, How::Prefix) { &[Kind::Exact, Kind::Stem][..] } else { &[Kind::Exact] };
        let mut queries: Vec<Box<dyn Query>> = Vec::new();
        for kind in kinds {
            let term = Term::from_field_text(self.fields.text(*kind), &term_text(field, &only.text));
            queries.push(Box::new(match clause.how {
                How::Fuzzy(letters) => FuzzyTermQuery::new(term, letters, true),
                _ => FuzzyTermQuery::new_prefix(term, 0, true),
            }));
        }
        let marks = match clause.how {
            How::Fuzzy(letters) => Marks::Fuzzy(only.text.clone(), letters),
            _ => Marks::Prefix(only.text.clone()),
        };
        self.note(clause, excluded);
        Ok(self.leaf(Box::new(DisjunctionMaxQuery::new(queries)), field, marks, excluded))
    }

    /// Ranges and whole values.
    fn property(&mut self, clause: &Clause, excluded: bool) -> Result<Option<Node>, SearchError> {
        let Some(name) = clause.field.as_deref() else { return Ok(None) };
        let query: Box<dyn Query> = match name {
            "received" => Box::new(self.times(range::times(clause)?)?),
            "pages" => Box::new(self.numbers(Number::Pages, range::numbers(clause)?)?),
            "size" => Box::new(self.numbers(Number::Size, range::numbers(clause)?)?),
            name if KEYWORD_FIELDS.contains(&name) => self.keyword(name, clause)?,
            _ => return Ok(None),
        };
        self.note(clause, excluded);
        Ok(Some(self.leaf(Box::new(ConstScoreQuery::new(query, 0.0)), None, Marks::Nowhere, excluded)))
    }

    fn keyword(&self, name: &str, clause: &Clause) -> Result<Box<dyn Query>, SearchError> {
        let fields = self.fields;
        let (field, value) = match name {
            "accession" => (fields.accession, clean(&clause.text)),
            "number" => (fields.number, clean(&clause.text)),
            "format" => (fields.format, clean(&clause.text)),
            "language" => (fields.language, clean(&clause.text)),
            "label" => (fields.label, clean(&clause.text)),
            _ => match Uuid::parse_str(&clause.text) {
                Ok(unit) => (fields.unit, unit.simple().to_string()),
                Err(_) => return Err(QueryError { characters: clause.characters.clone(), message: "unit: takes the id of a unit".into() }.into()),
            },
        };
        let term = Term::from_field_text(field, &value);
        Ok(match clause.how {
            How::Prefix => Box::new(FuzzyTermQuery::new_prefix(term, 0, true)),
            _ => Box::new(TermQuery::new(term, IndexRecordOption::Basic)),
        })
    }

    fn numbers(&self, which: Number, range: RangeInclusive<u64>) -> Result<SetQuery, SearchError> {
        self.set(|segment, max_doc| Ok(in_range(self.snapshot.segments[segment].number(self.snapshot.reader(segment), which)?, &range, max_doc)))
    }

    fn times(&self, range: RangeInclusive<i64>) -> Result<SetQuery, SearchError> {
        self.set(|segment, max_doc| Ok(in_range(self.snapshot.segments[segment].received(self.snapshot.reader(segment))?, &range, max_doc)))
    }

    fn set(&self, of: impl Fn(usize, u32) -> Result<BitSet, SearchError>) -> Result<SetQuery, SearchError> {
        let mut sets = HashMap::new();
        for (segment, reader) in self.snapshot.searcher.segment_readers().iter().enumerate() {
            sets.insert(reader.segment_id(), of(segment, reader.max_doc())?);
        }
        Ok(SetQuery(Arc::new(sets)))
    }
}

fn in_range<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(column: &Column<T>, range: &RangeInclusive<T>, max_doc: u32) -> BitSet {
    let mut bits = BitSet::with_max_value(max_doc);
    for doc in 0..max_doc {
        if column.first(doc).is_some_and(|value| range.contains(&value)) {
            bits.insert(doc);
        }
    }
    bits
}

/// A word without Korean that is taken apart (`A08`, `10:30`, `user@example`) is asked as a phrase: its pieces anywhere are not
/// meant. What the analyser takes apart in Korean (a number and what it counts, a name and a title) may stand apart.
fn whole(meant: &mut Vec<Meant>, begin: usize, text: &str) {
    let end = begin + text.len();
    let inside = |part: &Meant| begin <= part.start && part.end <= end;
    if meant.iter().filter(|part| inside(part)).count() > 1
        && analyse(text).of(Kind::Gram).is_empty()
        && let Some(first) = meant.iter().position(inside)
    {
        meant.retain(|part| !inside(part));
        meant.insert(first, Meant { start: begin, end, patterns: phrase(text) });
    }
}

fn all_of(mut nodes: Vec<Node>) -> Node {
    if nodes.len() == 1 { nodes.remove(0) } else { Node::And(nodes) }
}

/// A word that is understood together with its neighbours.
fn plain(ast: &Ast) -> Option<&Clause> {
    match ast {
        Ast::Clause(clause) if clause.how == How::Usual && clause.field.as_deref().is_none_or(|name| !KEYWORD_FIELDS.contains(&name)) => Some(clause),
        _ => None,
    }
}

fn nothing(clause: &Clause) -> QueryError {
    QueryError { characters: clause.characters.clone(), message: "nothing in this can be searched for".into() }
}
