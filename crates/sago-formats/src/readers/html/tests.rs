//! Pages made for the test.

use crate::{BlockKind, Code, Collected, Limits};

fn page(text: &str) -> Collected {
    Collected::of("page.html", text.as_bytes(), &Limits::default()).unwrap()
}

fn kinds(read: &Collected) -> Vec<(BlockKind, &str)> {
    read.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect()
}

#[test]
fn what_is_seen_is_text_and_scripts_are_not() {
    let read = page(
        "<title>T &amp;\n t</title><h1>제목</h1><p>one\n two<br>three<script>var x = '<p>no';</script><p hidden>secret<p>shown<!-- left over --><style>p{}</style>",
    );
    let expected = [
        (BlockKind::Heading, "제목"),
        (BlockKind::Paragraph, "one two\nthree"),
        (BlockKind::Hidden, "secret"),
        (BlockKind::Hidden, "left over"),
        (BlockKind::Paragraph, "shown"),
    ];
    assert_eq!(kinds(&read), expected);
    assert_eq!(read.value("dc:title"), Some("T & t"));
    assert!(read.has(Code::ActiveContent) && read.has(Code::Hidden));
}

#[test]
fn cells_have_rows_and_columns() {
    let read = page("<table><caption>C</caption><tr><th>a<td>b<tr><td>c<td><table><tr><td>in</table></table>after");
    let cells: Vec<_> = read.blocks.iter().map(|block| (block.text.as_str(), block.anchor.cell, block.anchor.part.as_deref())).collect();
    let expected = [
        ("C", None, None),
        ("a", Some((1, 1)), Some("table 1")),
        ("b", Some((1, 2)), Some("table 1")),
        ("c", Some((2, 1)), Some("table 1")),
        ("in", Some((1, 1)), Some("table 2")),
        ("after", None, None),
    ];
    assert_eq!(cells, expected);
}

#[test]
fn korean_pages_are_decoded_by_what_they_declare() {
    let (bytes, _, _) = encoding_rs::EUC_KR.encode("<meta http-equiv=Content-Type content='text/html; charset=ks_c_5601-1987'><p>평안남도 개천");
    let read = Collected::of("a.htm", &bytes, &Limits::default()).unwrap();
    assert_eq!(read.text(), "평안남도 개천");
    assert!(!read.has(Code::EncodingGuessed));
    let (bytes, _, _) = encoding_rs::EUC_KR.encode("<p>평안남도 개천");
    let read = Collected::of("a.htm", &bytes, &Limits::default()).unwrap();
    assert_eq!(read.text(), "평안남도 개천");
    assert!(read.has(Code::EncodingGuessed));
}

#[test]
fn files_in_the_page_are_children_and_others_are_named() {
    let read = page("<img alt='사진' src='data:image/png;base64,iVBORw0K'><img src=http://example.org/a.png><script>a='data:text/plain;base64,aGk='</script>");
    assert_eq!(read.children[0].1, b"\x89PNG\r\n");
    assert_eq!(read.children[1].1, b"hi");
    assert_eq!(kinds(&read), [(BlockKind::Caption, "사진")]);
    assert!(read.findings.iter().any(|finding| finding.code == Code::External && finding.text.contains("http://example.org/a.png")));
}

#[test]
fn a_million_open_elements_are_no_trouble() {
    let deep = "<div>".repeat(200_000) + "bottom" + &"</span></b>".repeat(200_000);
    assert_eq!(page(&deep).text(), "bottom");
    let svg = Collected::of("a.svg", b"<svg><title/><script/><text>in <tspan>one</tspan></text></svg>", &Limits::default()).unwrap();
    assert_eq!(svg.text(), "in one");
}

#[test]
fn a_page_of_control_characters_only_says_that_it_has_no_text() {
    let read = page("<html><body><p>\u{1}\u{2}</p></body></html>");
    assert!(read.blocks.is_empty() && read.has(Code::NoText));
}
