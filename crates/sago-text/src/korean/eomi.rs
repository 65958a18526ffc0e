//! Endings (eomi) of verbs and adjectives: the dictionary forms a word may come from, and nouns under the verbs that make verbs of them.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::jamo::{self, Syllable};

use super::lexicon::Lexicon;

/// What may stand after a stem, after the tense or after the first syllable of 하다. Both spellings: 였 and 었 after ㅣ, ㅐ, ㅔ, ㅚ (되여, 되어).
const ENDINGS: &str = "다 고 며 면서 면 지만 지 지는 지도 지를 지요 죠 기 기를 기가 기는 기도 기에 기만 기로 기까지 기때문에 길 긴 는 는데 는다 는지 는가 느냐 느라 느라고 니 니까 \
    던 던데 더니 더라 더라도 든 든지 든가 거나 거든 거든요 건 게 게끔 도록 려 려고 려는 려던 러 라 라고 라는 라도 라면 자 자고 자는 자마자 요 나 나요 네 네요 군 구나 소 오 세요 십시오 \
    습니다 습니까 니다 니라 다가 다는 다고 다며 다면 다니 다면서 단 단다 답니다 란 랴 으며 으면 으면서 으니 으니까 으려 으려고 으려는 으러 으므로 므로 은 은지 은데 은가 을 을지 을까 을수록 수록 \
    음 음을 음이 음은 음에도 음으로 어 어서 어도 어야 어요 어야만 아 아서 아도 아야 아요 아야만 여 여서 여도 여야 여요 서 서는 서도 도 야 야만 고서 고는 고도 고자 고나서 고있다 다시피 듯 듯이 인지 데 데도 지라 \
    었다 었고 으나 나마 을때 때 채 수 것 적 후 뒤 줄 대로 다음";

static ENDING_SET: LazyLock<HashSet<Vec<char>>> = LazyLock::new(|| ENDINGS.split_whitespace().map(|e| e.chars().collect()).collect());

/// No ending has more syllables.
const ENDING_MAX: usize = 4;

const NIEUN: u32 = 4;
const DIGEUT: u32 = 7;
const RIEUL: u32 = 8;
const MIEUM: u32 = 16;
const BIEUP: u32 = 17;
const SIOT: u32 = 19;
const SSANG_SIOT: u32 = 20;

/// The dictionary forms (with 다) of the known verbs and adjectives a word may be a form of.
pub fn verbs(lexicon: &Lexicon, chars: &[char]) -> Vec<String> {
    let mut out = Vec::new();
    for tail_len in 0..=ENDING_MAX.min(chars.len().saturating_sub(1)) {
        let (base, tail) = chars.split_at(chars.len() - tail_len);
        if tail.is_empty() || ENDING_SET.contains(tail) {
            bases(lexicon, base, tail, &mut out);
        }
    }
    out
}

/// Takes tense and honorific off and tries what is left.
fn bases(lexicon: &Lexicon, base: &[char], tail: &[char], out: &mut Vec<String>) {
    let Some((&last, before)) = base.split_last() else { return };
    if last == '겠' && !tail.is_empty() {
        return bases(lexicon, before, tail, out);
    }
    let Some(s) = jamo::split(last) else { return };
    if s.last == SSANG_SIOT && !tail.is_empty() {
        if matches!(last, '었' | '았' | '였') {
            bare(lexicon, before, out);
            softened(lexicon, before, out);
            honorific(lexicon, before, out);
        }
        let mut open = base.to_vec();
        set_last(&mut open, Syllable { last: 0, ..s });
        contracted(lexicon, &open, out);
        if last == '셨' {
            bare(lexicon, before, out);
        }
        return;
    }
    let vowel = tail.first().is_some_and(|c| matches!(c, '어' | '아' | '여' | '으' | '은' | '을' | '음'));
    if !tail.is_empty() {
        bare(lexicon, base, out);
        honorific(lexicon, base, out);
    }
    if vowel {
        softened(lexicon, base, out);
    } else if s.last == 0 {
        contracted(lexicon, base, out);
        if tail.first().is_some_and(|c| matches!(c, '는' | '니' | '네' | '느' | '세' | '십' | '오')) {
            let mut with_l = base.to_vec();
            set_last(&mut with_l, Syllable { last: RIEUL, ..s });
            bare(lexicon, &with_l, out);
        }
    }
    // ㄴ, ㄹ, ㅁ, ㅂ of the ending have become the final of the stem: 때린, 때릴, 때림, 때립니다.
    if matches!(s.last, NIEUN | RIEUL | MIEUM | BIEUP) {
        let mut open = base.to_vec();
        set_last(&mut open, Syllable { last: 0, ..s });
        bare(lexicon, &open, out);
        honorific(lexicon, &open, out);
        if last == '운' || last == '울' || last == '움' {
            b_irregular(lexicon, before, out);
        }
        let mut with_l = open;
        set_last(&mut with_l, Syllable { last: RIEUL, ..s });
        bare(lexicon, &with_l, out);
    }
}

fn set_last(chars: &mut [char], s: Syllable) {
    if let (Some(slot), Some(c)) = (chars.last_mut(), jamo::join(s)) {
        *slot = c;
    }
}

/// A stem as it is.
fn bare(lexicon: &Lexicon, stem: &[char], out: &mut Vec<String>) {
    if lexicon.is_verb(stem) {
        let form: String = stem.iter().copied().chain(['다']).collect();
        if !out.contains(&form) {
            out.push(form);
        }
    }
}

/// A stem before 시 or 으시.
fn honorific(lexicon: &Lexicon, base: &[char], out: &mut Vec<String>) {
    if let Some(stem) = base.strip_suffix(&['으', '시']).or_else(|| base.strip_suffix(&['시'])) {
        bare(lexicon, stem, out);
    }
}

/// Stems whose final changes before a vowel: 들어 is of 듣다, 지어 of 짓다, 추우 of 춥다.
fn softened(lexicon: &Lexicon, base: &[char], out: &mut Vec<String>) {
    bare(lexicon, base, out);
    let Some(s) = base.last().and_then(|c| jamo::split(*c)) else { return };
    let last = match s.last {
        RIEUL => DIGEUT,
        0 => SIOT,
        _ => return,
    };
    let mut stem = base.to_vec();
    set_last(&mut stem, Syllable { last, ..s });
    bare(lexicon, &stem, out);
}

/// Stems that have run together with 어 or 아: 려 is 리어, 와 is 오아, 해 is 하여.
fn contracted(lexicon: &Lexicon, base: &[char], out: &mut Vec<String>) {
    let Some((&last, before)) = base.split_last() else { return };
    let Some(s) = jamo::split(last).filter(|s| s.last == 0) else { return };
    // Vowels by index: ㅏ0 ㅐ1 ㅓ4 ㅔ5 ㅕ6 ㅗ8 ㅘ9 ㅙ10 ㅚ11 ㅜ13 ㅝ14 ㅡ18 ㅣ20.
    let vowels: &[u32] = match s.vowel {
        0 => &[0, 18],
        1 => &[1, 0],
        4 => &[4, 18],
        5 => &[5],
        6 => &[6, 20],
        9 => &[8],
        10 => &[11],
        14 => &[13],
        _ => &[],
    };
    for vowel in vowels {
        let mut stem = base.to_vec();
        set_last(&mut stem, Syllable { vowel: *vowel, ..s });
        bare(lexicon, &stem, out);
    }
    if last == '워' || last == '와' {
        b_irregular(lexicon, before, out);
    }
    // 몰라 is of 모르다, 굴러 of 구르다.
    if (last == '라' || last == '러')
        && let Some(p) = before.last().and_then(|c| jamo::split(*c)).filter(|p| p.last == RIEUL)
    {
        let mut stem = before.to_vec();
        set_last(&mut stem, Syllable { last: 0, ..p });
        stem.push('르');
        bare(lexicon, &stem, out);
    }
}

/// 추 before 워 or 운 is of 춥다.
fn b_irregular(lexicon: &Lexicon, before: &[char], out: &mut Vec<String>) {
    if let Some(s) = before.last().and_then(|c| jamo::split(*c)).filter(|s| s.last == 0) {
        let mut stem = before.to_vec();
        set_last(&mut stem, Syllable { last: BIEUP, ..s });
        bare(lexicon, &stem, out);
    }
}

/// Hands out every number of characters that leaves a noun before a form of 하다, 되다, 당하다, 시키다, 받다, 없다, 있다, 스럽다, 롭다 or before 적.
pub fn verbal_nouns(chars: &[char], push: &mut dyn FnMut(usize)) {
    for (at, c) in chars.iter().enumerate().skip(1) {
        let (Some(rest), next) = (chars.get(at + 1..), chars.get(at + 1)) else { continue };
        let fits = match c {
            '하' | '되' | '해' | '돼' | '했' | '됐' | '받' => tail_fits(rest),
            '한' | '할' | '함' | '된' | '될' | '됨' => rest.is_empty() || tail_fits(rest) || rest.len() <= 2,
            '합' | '됩' => rest.starts_with(&['니']) || rest.starts_with(&['시']),
            '당' => matches!(next, Some('하' | '한' | '할' | '함' | '해' | '했' | '합')),
            '시' => matches!(next, Some('키' | '킨' | '킬' | '킴' | '켜' | '켰' | '킵')),
            '없' | '있' => tail_fits(rest),
            '적' => matches!(rest, [] | ['인'] | ['으', '로'] | ['이', ..]),
            '스' => matches!(next, Some('럽' | '러' | '런' | '레')),
            '롭' | '로' => matches!(next, Some('게' | '운' | '워')),
            _ => false,
        };
        if fits {
            push(at);
        }
    }
}

/// Whether what follows the verb's first syllable can be an ending, with tense and honorific.
fn tail_fits(tail: &[char]) -> bool {
    let mut tail = tail;
    loop {
        if tail.is_empty() || ENDING_SET.contains(tail) {
            return true;
        }
        match tail.split_first() {
            Some(('시' | '셨' | '였' | '었' | '았' | '겠' | '으', rest)) => tail = rest,
            Some(('신' | '실' | '십', rest)) => return rest.len() <= 2,
            // 하는데, 하던, and particles after 하기, 함.
            Some((_, rest)) if !rest.is_empty() && tail.len() <= ENDING_MAX + 1 => {
                return ENDING_SET.iter().any(|e| e.len() < tail.len() && tail.starts_with(e));
            }
            _ => return false,
        }
    }
}
