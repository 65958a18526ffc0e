//! What holds for every text.

use proptest::prelude::*;
use sago_text::analyse::WORD_CHARS_MAX;
use sago_text::{TokenKind, analyse, expand, fold, understand};
use unicode_normalization::UnicodeNormalization;

/// Texts of what matters here: syllables, letters of all blocks, hanja, Latin with marks, digits, spaces, invisible characters, and anything else.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[가-힣]{1,8}",
        3 => "[김리이박최][가-힣]{2}(은|는|이|가|에게|에서|으로|이였다)?",
        2 => "[\u{4E00}-\u{9FFF}\u{F900}-\u{FAFF}]{1,4}",
        2 => "[A-Za-z'’ŏŭŎŬ-]{1,12}",
        2 => "[0-9]{1,4}(년|월|일|호|\\.|-)?",
        2 => "[ \t\n.,·()-]{1,3}",
        1 => "[\u{1100}-\u{11FF}\u{3131}-\u{318E}\u{FFA1}-\u{FFDC}\u{A960}-\u{A97C}]{1,6}",
        1 => "[\u{200B}\u{AD}\u{FEFF}\u{300}-\u{30F}\u{3099}\u{FF9E}\u{3164}]{1,3}",
        1 => "\\PC{1,6}",
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn grams(text: &str) -> Vec<(String, u32)> {
    analyse(text).into_iter().filter(|t| t.kind == TokenKind::Gram).map(|t| (t.text, t.position)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn offsets_are_on_boundaries_within_the_text(text in texts()) {
        for t in analyse(&text) {
            prop_assert!(t.start < t.end && t.end <= text.len());
            prop_assert!(text.is_char_boundary(t.start) && text.is_char_boundary(t.end));
            prop_assert!(!t.text.is_empty());
        }
    }

    #[test]
    fn folding_twice_is_folding_once(text in texts()) {
        let once = fold(&text);
        prop_assert_eq!(&fold(&once.text).text, &once.text);
        for (at, c) in once.text.char_indices() {
            let source = once.source(at..at + c.len_utf8());
            prop_assert!(!source.is_empty() && text.is_char_boundary(source.start) && text.is_char_boundary(source.end));
        }
    }

    #[test]
    fn composed_and_decomposed_texts_have_the_same_tokens(text in texts()) {
        let plain = |t: &str| analyse(t).into_iter().map(|t| (t.kind, t.text, t.position)).collect::<Vec<_>>();
        let composed: String = text.nfc().collect();
        let decomposed: String = text.nfd().collect();
        prop_assert_eq!(plain(&composed), plain(&decomposed));
    }

    #[test]
    fn every_part_of_a_hangul_word_is_found_by_its_bigrams(before in texts(), word in "[가-힣]{2,12}", after in texts(), from in 0usize..11, len in 2usize..12) {
        let chars: Vec<char> = word.chars().collect();
        let from = from.min(chars.len() - 2);
        let asked: String = chars.iter().skip(from).take(len).collect();
        // A letter or mark beside the word may make other syllables of its ends; that is another word.
        let text = format!("{before} {word} {after}");
        let document = grams(&text);
        let query = grams(&asked);
        prop_assert!(!query.is_empty());
        let base = query[0].1;
        prop_assert!(document.iter().any(|(_, at)| query.iter().all(|(gram, p)| document.contains(&(gram.clone(), at + p - base)))));
    }

    #[test]
    fn every_query_is_understood(text in texts()) {
        for group in understand(&text) {
            prop_assert!(group.start < group.end && group.end <= text.len() && !group.ways.is_empty());
            for way in group.ways {
                prop_assert!(!way.terms.is_empty() && way.terms.iter().all(|t| !t.is_empty()) && way.weight > 0.0 && way.weight <= 1.0);
            }
        }
        expand(&text);
    }
}

#[test]
fn long_and_monstrous_texts_take_bounded_steps() {
    let texts = [
        "가".repeat(200_000),
        "\u{301}".repeat(200_000),
        "a".repeat(200_000),
        "ㄱㅏ".repeat(100_000),
        "-a".repeat(100_000),
        "'".repeat(200_000),
        "金".repeat(100_000),
        "\u{200B}".repeat(300_000),
        "은는이가".repeat(50_000),
        "1월1일".repeat(50_000),
        "\u{1100}".repeat(200_000),
    ];
    for text in texts {
        let longest = analyse(&text).iter().map(|t| t.text.chars().count()).max().unwrap_or(0);
        assert!(longest <= 4 * WORD_CHARS_MAX + 8, "{longest}");
    }
    // A query is a text too; it is cut into words, never refused.
    assert!(!understand(&"리영철 ".repeat(200)).is_empty());
}
