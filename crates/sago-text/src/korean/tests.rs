//! Words of Korean, taken apart.

use super::*;

fn all(word: &str) -> Vec<String> {
    let mut out = Vec::new();
    stems(word, &mut |text, first, last, step| {
        assert!(first < last && last <= word.chars().count());
        out.push(format!("{text}/{step}"));
    });
    out
}

#[test]
fn particles_come_off() {
    for (word, stem) in [
        ("김정은이", "김정은/0"),
        ("보위부에서는", "보위부/0"),
        ("어머니께서", "어머니/0"),
        ("관리소로부터", "관리소/0"),
        ("사람들에게도", "사람/0"),
        ("집에서", "집/0"),
        ("국가가", "국가/0"),
        ("회의를", "회의/0"),
        ("박영호에게서", "박영호/0"),
        ("보위원이였다", "보위원/0"),
        ("체포되었다", "체포/0"),
        ("고문당했습니다", "고문/0"),
        ("수감되여", "수감/0"),
        ("송환시켰다", "송환/0"),
        ("구타하는", "구타/0"),
        ("최성도", "최성도/0"),
    ] {
        assert!(all(word).contains(&stem.to_owned()), "{word}: {:?}", all(word));
    }
}

#[test]
fn verbs_lose_their_endings() {
    for (word, stem) in [
        ("때렸다", "때리다/0"),
        ("때리고", "때리다/0"),
        ("굶어", "굶다/0"),
        ("굶었습니다", "굶다/0"),
        ("끌려갔다", "끌려가다/0"),
        ("맞았다", "맞다/0"),
        ("들었다", "듣다/0"),
        ("추웠다", "춥다/0"),
        ("몰랐다", "모르다/0"),
        ("죽는", "죽다/0"),
        ("죽은", "죽다/0"),
        ("보냈다", "보내다/0"),
        ("갑니다", "가다/0"),
        ("울면서", "울다/0"),
        ("만든", "만들다/0"),
        ("잡혔는데", "잡히다/0"),
        ("도와주었다", "도와주다/0"),
        ("숨졌다", "숨지다/0"),
        ("물었다", "묻다/0"),
        ("때리였다", "때리다/0"),
    ] {
        assert!(all(word).contains(&stem.to_owned()), "{word}: {:?}", all(word));
    }
}

#[test]
fn compounds_come_apart() {
    assert_eq!(all("국가안전보위부"), ["국가안전보위부/0", "국가/0", "안전/1", "보위부/2"]);
    assert!(all("정치범수용소에서").contains(&"수용소/1".to_owned()));
    assert!(all("강제송환된").contains(&"송환/1".to_owned()), "{:?}", all("강제송환된"));
    assert!(all("박영호소장은").contains(&"박영호/0".to_owned()), "{:?}", all("박영호소장은"));
}
