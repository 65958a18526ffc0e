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
