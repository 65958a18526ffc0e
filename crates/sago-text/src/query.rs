//! What a person means who writes words into a search field.
//!
//! A query becomes groups, one for each word (or few words that are one name); a document answers a group if it answers any of its ways, and the query, as a
//! rule, if it answers all groups. Ways say why they are there, so that a page can show how a query was understood, and carry a weight, so that what was
//! written comes before what was guessed. Operators, quotes and fields are the caller's: it hands in the plain words between them.

use crate::analyse::analyse_with;
use crate::token::TokenKind;

/// A word of a query and all the ways to meet it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Where the word begins in the query, in bytes.
    pub start: usize,
    /// Where it ends (exclusive).
    pub end: usize,
    /// The ways, the likeliest first; never empty.
    pub ways: Vec<Way>,
}

/// One way to meet a word: a phrase over the tokens of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// The kind of token.
    pub kind: TokenKind,
    /// With [`TokenKind::Gram`]: whether [`TokenKind::Bridge`] tokens may stand in the phrase, so that spaces do not matter.
    pub bridged: bool,
    /// The terms in order, each at the position after the one before; at least one.
    pub terms: Vec<String>,
    /// Why it is there.
    pub why: Why,
    /// How much a hit counts, at most 1.0 (as written).
    pub weight: f32,
}

/// Why a way is among those of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Why {
    /// As written, after folding.
    Written,
    /// The stem, or the parts of the compound.
    Stem,
    /// Inside longer words, or across spaces.
    Inside,
    /// The same word in the spelling of the other Korea (리, 이; 로동, 노동).
    Spelling,
    /// Another name of the same thing (보위부, 보위성).
    Synonym,
    /// Hanja for Hangul or the reverse.
    Reading,
    /// Romanised Korean for Hangul or the reverse.
    Romanised,
    /// The same date in another form.
    Date,
}

/// Understands the plain words of a query. A text without a word gives no group.
pub fn understand(query: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    analyse_with(query, &mut |t| {
        if t.kind == TokenKind::Exact {
            let way = Way { kind: TokenKind::Exact, bridged: false, terms: vec![t.text.to_owned()], why: Why::Written, weight: 1.0 };
            groups.push(Group { start: t.start, end: t.end, ways: vec![way] });
        }
    });
    analyse_with(query, &mut |t| {
        let Some(group) = groups.iter_mut().find(|g| g.start <= t.start && t.end <= g.end) else { return };
        let (why, weight) = match t.kind {
            TokenKind::Stem => (Why::Stem, 0.9),
            TokenKind::Gram => (Why::Inside, 0.5),
            _ => return,
        };
        match group.ways.iter_mut().find(|w| w.kind == t.kind) {
            Some(way) if t.kind == TokenKind::Gram => way.terms.push(t.text.to_owned()),
            _ => group.ways.push(Way { kind: t.kind, bridged: false, terms: vec![t.text.to_owned()], why, weight }),
        }
    });
    for way in groups.iter_mut().flat_map(|g| g.ways.iter_mut()) {
        way.bridged = way.kind == TokenKind::Gram && way.terms.len() > 1;
    }
    groups
}
