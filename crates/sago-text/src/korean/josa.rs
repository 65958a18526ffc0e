//! Particles (josa) and forms of the copula, and where a word may be cut before them.

use std::sync::LazyLock;

use crate::jamo;

use super::closed;

/// After which stems a particle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Any,
    /// After a vowel.
    Open,
    /// After a consonant.
    Closed,
    /// After a vowel or ㄹ.
    OpenOrL,
    /// After a consonant other than ㄹ.
    ClosedNotL,
}

use After::{Any, Closed, ClosedNotL, Open, OpenOrL};

/// A particle and after which stems it stands.
type Particle = (&'static str, After);

/// The particles, the copula, and the plural. Several may follow one another.
const JOSA: &[Particle] = &[
    ("이", Closed),
    ("가", Open),
    ("을", Closed),
    ("를", Open),
    ("은", Closed),
    ("는", Open),
    ("의", Any),
    ("에", Any),
    ("도", Any),
    ("만", Any),
    ("과", Closed),
    ("와", Open),
    ("로", OpenOrL),
    ("으로", ClosedNotL),
    ("에서", Any),
    ("에게", Any),
    ("에게서", Any),
    ("한테", Any),
    ("한테서", Any),
    ("께", Any),
    ("께서", Any),
    ("까지", Any),
    ("부터", Any),
    ("조차", Any),
    ("마저", Any),
    ("마다", Any),
    ("처럼", Any),
    ("같이", Any),
    ("보다", Any),
    ("밖에", Any),
    ("대로", Any),
    ("만큼", Any),
    ("뿐", Any),
    ("하고", Any),
    ("이나", Closed),
    ("나", Open),
    ("이랑", Closed),
    ("랑", Open),
    ("이라도", Closed),
    ("라도", Open),
    ("이든", Closed),
    ("든", Open),
    ("이든지", Closed),
    ("든지", Open),
    ("이며", Closed),
    ("며", Open),
    ("이야", Closed),
    ("야", Any),
    ("아", Closed),
    ("여", Open),
    ("로서", OpenOrL),
    ("으로서", ClosedNotL),
    ("로써", OpenOrL),
    ("으로써", ClosedNotL),
    ("로부터", OpenOrL),
    ("으로부터", ClosedNotL),
    ("에로", Any),
    ("더러", Any),
    ("들", Any),
    ("씩", Any),
    ("쯤", Any),
    ("적", Any),
    ("이다", Any),
    ("다", Open),
    ("이고", Any),
    ("고", Open),
    ("입니다", Any),
    ("이었다", Closed),
    ("였다", Open),
    ("이였다", Any),
    ("이었습니다", Closed),
    ("였습니다", Open),
    ("인", Any),
    ("일", Any),
    ("임", Any),
    ("이라", Any),
    ("라", Open),
    ("이라고", Any),
    ("라고", Open),
    ("이라는", Any),
    ("라는", Open),
    ("이란", Any),
    ("란", Open),
    ("인데", Any),
    ("이지만", Any),
    ("지만", Open),
    ("이었고", Closed),
    ("였고", Open),
    ("이던", Any),
    ("였던", Open),
    ("이었던", Closed),
    ("이므로", Any),
    ("이니", Any),
    ("이자", Any),
    ("인지", Any),
    ("이냐", Any),
    ("이요", Any),
    ("이오", Any),
    ("요", Open),
    ("이였고", Any),
    ("이여서", Any),
    ("이어서", Closed),
    ("여서", Open),
    ("이면", Any),
    ("면", Open),
    // Names that end in a consonant take 이 before a particle in speech (정철이가).
    ("이가", Closed),
    ("이는", Closed),
    ("이를", Closed),
    ("이와", Closed),
    ("이도", Closed),
    ("이의", Closed),
    ("이에게", Closed),
    ("이한테", Closed),
    ("이네", Closed),
    ("네", Any),
];

/// At most so many particles are taken off one after another.
const CHAIN_MAX: usize = 4;

/// Hands out every number of characters that leaves a stem before one to four particles.
pub fn cuts(chars: &[char], push: &mut dyn FnMut(usize)) {
    cut(chars, CHAIN_MAX, push);
}

/// Whether it is one particle and no more. Some are nouns too (에서), but hardly within a compound.
pub fn is_particle(part: &[char]) -> bool {
    part.last().is_some_and(|end| candidates(*end).any(|(josa, _)| josa.chars().eq(part.iter().copied())))
}

fn cut(chars: &[char], depth: usize, push: &mut dyn FnMut(usize)) {
    let (Some(end), true) = (chars.last(), depth > 0) else { return };
    for (josa, after) in candidates(*end) {
        let len = josa.chars().count();
        let Some(at) = chars.len().checked_sub(len).filter(|at| *at > 0) else { continue };
        let (Some(stem), Some(tail)) = (chars.get(..at), chars.get(at..)) else { continue };
        if !josa.chars().eq(tail.iter().copied()) || !stem.last().is_some_and(|c| fits(*c, *after)) {
            continue;
        }
        push(at);
        cut(stem, depth - 1, push);
    }
}

fn fits(c: char, after: After) -> bool {
    let ends_in_l = jamo::split(c).is_some_and(|s| s.last == 8);
    match after {
        Any => true,
        Open => !closed(c),
        Closed => closed(c),
        OpenOrL => !closed(c) || ends_in_l,
        ClosedNotL => closed(c) && !ends_in_l,
    }
}

/// The particles that end in a syllable.
fn candidates(end: char) -> impl Iterator<Item = &'static Particle> {
    static BY_END: LazyLock<Vec<(char, Vec<&'static Particle>)>> = LazyLock::new(|| {
        let mut by_end: Vec<(char, Vec<_>)> = Vec::new();
        for entry in JOSA {
            let Some(end) = entry.0.chars().last() else { continue };
            match by_end.binary_search_by_key(&end, |e| e.0) {
                Ok(i) => by_end.get_mut(i).into_iter().for_each(|e| e.1.push(entry)),
                Err(i) => by_end.insert(i, (end, vec![entry])),
            }
        }
        by_end
    });
    let found = BY_END.binary_search_by_key(&end, |e| e.0).ok().and_then(|i| BY_END.get(i));
    found.into_iter().flat_map(|e| e.1.iter().copied())
}
