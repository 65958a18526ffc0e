//! What looks like a Korean personal name.

/// Surnames of one syllable in both spellings, the commonest that cover more than 99 of 100 people; after the 2015 census of the Republic of Korea, with the
/// forms of the North (리, 림, 류, 량, 로, 라).
pub const SURNAMES: &str = "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민류나진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용리림량로라렴려륙";

/// Surnames of two syllables.
pub const DOUBLE_SURNAMES: [&str; 6] = ["남궁", "황보", "선우", "제갈", "독고", "사공"];

/// Whether a stem has the shape of a full name: a surname and a given name of two syllables. A given name of one syllable makes two, which most nouns have
/// too; such names are left to bigrams.
pub fn looks_like(stem: &[char]) -> bool {
    match stem {
        [surname, _, _] => SURNAMES.contains(*surname),
        [a, b, _, _] => DOUBLE_SURNAMES.iter().any(|d| d.chars().eq([*a, *b])),
        _ => false,
    }
}

/// What people are called after their name.
const TITLES: &str = "소장 부장 과장 국장 실장 반장 대장 소대장 중대장 서장 원장 사장 회장 위원장 비서 당비서 지도원 보위원 보안원 안전원 예심원 계호원 담당 선생 선생님 동무 동지 아바이 \
    아주머니 언니 오빠 할머니 할아버지 씨 군 양 님 대위 소좌 중좌 대좌 상좌 상위 중위 소위 판사 검사 교수 박사 의사 목사 기자";

/// Whether it is a title, or several (반장동무).
pub fn is_title(text: &[char]) -> bool {
    !text.is_empty()
        && TITLES.split_whitespace().any(|t| text.strip_prefix(t.chars().collect::<Vec<_>>().as_slice()).is_some_and(|rest| rest.is_empty() || is_title(rest)))
}

/// Whether a word may be a name of two syllables with the 이 of speech or of the particle: 강철이.
pub fn short_with_i(word: &[char]) -> bool {
    matches!(word, [surname, given, '이'] if SURNAMES.contains(*surname) && super::closed(*given))
}
