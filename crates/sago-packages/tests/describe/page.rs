//! READ-ME-FIRST.html: read by an XML parser (the page is written so that it is both HTML and XML), judged by what may not be in it.

use quick_xml::escape::unescape;
use quick_xml::events::Event as Xml;
use sago_packages::describe::*;

use super::{markup, sample};

/// All text of the page but the style sheet, in document order.
fn text(html: &str) -> String {
    let elements = markup::read(html);
    let style = &elements.iter().find(|element| element.name == "style").unwrap().text;
    let mut text = String::new();
    let mut reader = quick_xml::Reader::from_str(html);
    loop {
        match reader.read_event().unwrap() {
            Xml::Text(piece) if *piece != *style.as_str() => text.push_str(&piece),
            Xml::GeneralRef(reference) => text.push_str(&unescape(&format!("&{};", &*reference)).unwrap()),
            Xml::Eof => return text,
            _ => {}
        }
    }
}

/// Elements and attributes the page is made of. What is not listed has no business in it.
const ELEMENTS: &[&str] = &[
    "html", "head", "meta", "title", "style", "body", "div", "span", "main", "article", "p", "a", "h1", "h2", "h3", "dl", "dt", "dd", "br", "ul", "ol", "li",
    "strong", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "bdi", "time",
];
const ATTRIBUTES: &[&str] = &["lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "hreflang", "scope", "data-label", "datetime"];

#[test]
fn the_page_holds_nothing_that_runs_or_loads() {
    for dossier in [sample::sample(), sample::hostile()] {
        let html = story_html(&dossier);
        for element in markup::read(&html) {
            assert!(ELEMENTS.contains(&element.name.as_str()), "element {}", element.name);
            for (key, value) in &element.attributes {
                assert!(ATTRIBUTES.contains(&key.as_str()), "attribute {key} of {}", element.name);
                if key == "href" {
                    assert!(value == "#en" || value == "#ko", "{value}");
                }
            }
        }
        assert!(!html.contains("url(") && !html.contains("@import"));
        assert!(html.contains("default-src 'none'"));
        assert!(html.contains("@top-center { content: \"Strictly confidential · 극비\"; }"), "every printed sheet carries the label");
    }
}

#[test]
fn hostile_text_is_visible_and_harmless() {
    let html = story_html(&sample::hostile());
    assert!(html.chars().all(|c| !c.is_control() || c == '\n'));
    assert!(!html.contains(['\u{202e}', '\u{2066}', '\u{feff}', '\u{fffe}']));
    let text = text(&html);
    for shown in ["<script>alert(1)</script> ]]> --> [U+0000][U+0001]", "[U+202E]gpj.exe[U+2066]", "[U+000A]", "\u{1f9ea}", "{who} {about|을/를}"] {
        assert!(text.contains(shown), "{shown}");
    }
}

#[test]
fn every_item_and_every_entry_is_there_in_both_languages() {
    let dossier = sample::sample();
    let html = story_html(&dossier);
    let text = text(&html);
    for item in &dossier.items {
        for value in [&item.number, &item.path, &item.sha256, &item.evidence] {
            assert!(text.matches(value.as_str()).count() >= 2, "{value}");
        }
    }
    for event in &dossier.events {
        assert!(text.matches(event.proof.as_str()).count() >= 2, "{}", event.proof);
    }
    for sentence in [
        "A custodian (pseudonym 3f2b91c4) received deposit A-2026-0001: the digests of every file were taken, and every file was encrypted and kept.",
        "An approver (pseudonym 9a01c2d3) opened the original of item A-2026-0001.00001.",
        "A custodian (pseudonym 3f2b91c4) made an entry of the kind “from-the-future”.",
        "14 March 2026, 09:02:00 UTC",
        "보관 담당자(가명 3f2b91c4)가 접수 건 A-2026-0001을 접수했습니다. 모든 파일의 해시값을 계산하고 암호화하여 보관했습니다.",
        "승인 담당자(가명 9a01c2d3)가 자료 A-2026-0001.00001의 원본을 열었습니다.",
        "2026년 3월 14일 09:02:00(협정 세계시)",
        "The source did not consent to this use.",
        "3 of its 878 items are in this package.",
        "전체 878건 중 3건이 이 자료에 들어 있습니다.",
    ] {
        assert!(text.contains(sentence), "{sentence}");
    }
}

#[test]
fn the_history_is_newest_first() {
    let text = text(&story_html(&sample::sample()));
    let order = ["made a package with material of", "from-the-future", "opened the original of", "read stored files again", "received deposit"];
    let places: Vec<_> = order.iter().map(|words| text.find(words).unwrap_or_else(|| panic!("{words}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn what_is_not_shown_is_said() {
    let mut dossier = sample::sample();
    dossier.items = vec![dossier.items[2].clone(); MAX_ROWS + 7];
    dossier.events = vec![dossier.events[0].clone(); MAX_ROWS + 3];
    let html = story_html(&dossier);
    assert_eq!(html.matches("<tr>").count(), 2 * (MAX_ROWS + 1));
    for words in ["7 further items", "자료가 7건 더", "3 older entries", "기록 3건은"] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn what_is_missing_outside_is_admitted() {
    let mut dossier = sample::sample();
    assert!(story_html(&dossier).contains("No independent witness signed the log."));
    assert!(story_html(&dossier).contains("Test authority (not qualified), outside the repository, signed that."));
    for log in &mut dossier.repository.logs {
        log.witnesses = vec!["witness.example".into()];
    }
    dossier.stamps.clear();
    dossier.accessions[0].contributor = None;
    dossier.repository.published_at.clear();
    let html = story_html(&dossier);
    assert!(!html.contains("No independent witness signed the log."));
    for words in [
        "This package has no time-stamp from outside",
        "Who handed it over is not disclosed.",
        "제출자는 공개하지 않습니다.",
        "names no place where the fingerprints were published",
    ] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn every_known_kind_is_a_sentence_in_both_languages() {
    for kind in kinds::KINDS {
        let mut dossier = sample::sample();
        dossier.events.truncate(1);
        dossier.events[0].kind = kind.code.into();
        let text = text(&story_html(&dossier));
        assert!(!text.contains(['{', '}']), "{}: a placeholder was left", kind.code);
        assert!(!text.contains("을(를)") && !text.contains("이(가)"), "{}: a particle was left open", kind.code);
    }
}
