//! Texts made here, read through the front door.

use crate::{BlockKind, ChildRole, Code, Collected, Limits};

fn of(name: &str, bytes: &[u8]) -> Collected {
    Collected::of(name, bytes, &Limits::default()).unwrap()
}

fn texts(collected: &Collected) -> Vec<&str> {
    collected.blocks.iter().map(|block| block.text.as_str()).collect()
}

fn korean(text: &str) -> Vec<u8> {
    encoding_rs::EUC_KR.encode(text).0.into_owned()
}

#[test]
fn plain_lines_keep_their_numbers_and_pages() {
    let read = of("a.txt", b"one\r\ntwo\r\rthree\n\x0cfour\n");
    assert_eq!(texts(&read), ["one", "two", "three", "four"]);
    let places: Vec<_> = read.blocks.iter().map(|block| (block.anchor.page, block.anchor.paragraph)).collect();
    assert_eq!(places, [(Some(1), Some(1)), (Some(1), Some(2)), (Some(1), Some(4)), (Some(2), Some(5))]);
}

#[test]
fn korean_text_after_a_long_latin_head_is_read_right() {
    let mut bytes = b"1234567890 latin head\r\n".repeat(8000);
    bytes.extend(korean("증언자는 회령 수용소에서 본 것을 말하였다.\r\n그 뒤로 소식이 없다.\r\n"));
    let read = of("a.log", &bytes);
    assert!(read.text().ends_with("증언자는 회령 수용소에서 본 것을 말하였다.\n그 뒤로 소식이 없다."), "{:?}", read.findings);
    assert!(read.has(Code::EncodingGuessed) && read.value("text:charset") == Some("CP949"));
}

#[test]
fn a_line_of_many_megabytes_is_read_whole_in_pieces() {
    let read = of("a.txt", "가".repeat(1 << 20).as_bytes());
    assert_eq!(read.blocks.iter().map(|block| block.text.chars().count()).sum::<usize>(), 1 << 20);
    assert!(read.blocks.len() > 2 && read.blocks.iter().all(|block| block.anchor.paragraph == Some(1)));
}

#[test]
fn cells_have_rows_and_columns_in_any_dialect() {
    let rows = "이름;메모\r\n김철수;\"첫 줄\r\n둘째; \"\"줄\"\"\"\r\n\r\n;끝";
    for bytes in [rows.as_bytes().to_vec(), korean(rows), rows.encode_utf16().flat_map(u16::to_le_bytes).collect()] {
        let read = of("a.csv", &bytes);
        let cells: Vec<_> = read.blocks.iter().map(|block| (block.anchor.cell.unwrap(), block.text.as_str())).collect();
        assert_eq!(cells, [((1, 1), "이름"), ((1, 2), "메모"), ((2, 1), "김철수"), ((2, 2), "첫 줄\r\n둘째; \"줄\""), ((4, 2), "끝")]);
        assert_eq!(read.value("row_count"), Some("4"));
    }
    assert_eq!(of("a.tsv", b"a\tb, c\n1\t2").blocks.len(), 4);
}

#[test]
fn a_quotation_mark_that_is_never_closed_is_said() {
    assert!(of("a.csv", b"a,b\n1,\"open\n2,3\n").has(Code::Truncated));
}

#[test]
fn values_of_json_stand_at_their_pointers() {
    let read = of("a.json", "{\"name\": \"김\", \"list\": [1, true, null, {\"a/b\": \"x\"}]}".as_bytes());
    let found: Vec<_> = read.blocks.iter().map(|block| (block.anchor.part.as_deref().unwrap(), block.text.as_str())).collect();
    assert_eq!(found, [("/name", "김"), ("/list/0", "1"), ("/list/1", "true"), ("/list/3/a~1b", "x")]);
}

#[test]
fn damaged_json_is_read_as_far_as_it_goes_and_then_as_lines() {
    let read = of("a.json", b"{\"a\": \"first\",\n\"b\": oops words}\nmore words\n");
    assert_eq!(read.blocks.first().map(|block| block.text.as_str()), Some("first"));
    assert!(read.text().contains("oops words") && read.text().contains("more words"));
    assert!(read.findings.iter().any(|finding| finding.code == Code::PartDamaged && finding.place == "line 2"), "{:?}", read.findings);
    let deep = of("a.json", "[".repeat(100_000).as_bytes());
    assert!(deep.has(Code::PartDamaged));
}

#[test]
fn json_lines_stand_on_their_own() {
    let read = of("a.jsonl", b"{\"a\": \"x\"}\nbroken line\n{\"a\": \"y\"}\n");
    assert_eq!(texts(&read), ["x", "broken line", "y"]);
    assert!(read.has(Code::PartDamaged));
}

#[test]
fn text_of_xml_is_not_parted_by_marks_inside_it() {
    let xml = "<?xml version=\"1.0\" encoding=\"euc-kr\"?><r><p id=\"가\">한 <b>굵은</b> 글 &amp; &#54620; &x;</p><!-- 말 --><q>둘</q></r>";
    let read = of("a.xml", &korean(xml));
    assert_eq!(texts(&read), ["가", "한 굵은 글 & 한 &x;", " 말 ", "둘"]);
    assert_eq!(read.blocks[1].anchor.part.as_deref(), Some("r/p"));
    assert_eq!(read.blocks[2].kind, BlockKind::Hidden);
}

#[test]
fn damaged_xml_and_deep_xml_end_well() {
    let read = of("a.xml", b"<?xml version='1.0'?><r><p>first</p><p>second <![CDATA[ never closed and more words");
    assert!(read.text().contains("first") && read.has(Code::PartDamaged), "{read:?}");
    let deep = format!("<?xml version='1.0'?>{}inner", "<a>".repeat(200_000));
    let read = of("a.xml", deep.as_bytes());
    assert!(read.text().contains("inner") && read.has(Code::LimitNesting));
    let growing = "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><r>&b;</r>";
    assert_eq!(of("a.xml", growing.as_bytes()).text(), "&b;");
}

#[test]
fn cues_have_their_times() {
    let srt = korean("1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>안녕하십니까</i>\r\n둘째 줄\r\n\r\n2\r\n01:00:00,000 --> 01:00:01,000\r\n끝입니다\r\n");
    let vtt = "WEBVTT\n\nNOTE made by hand\n\nname\n00:01.000 --> 00:02.500 line:0\n<v 김>안녕\n\n";
    let sbv = "0:00:01.000,0:00:02.500\nhello\n\n0:00:03.000,0:00:04.000\nagain\n";
    let ttml = "<tt xmlns=\"http://www.w3.org/ns/ttml\"><body><div><p begin=\"1s\" end=\"2500ms\">one<br/>two</p></div></body></tt>";
    let lrc = "[ti:Song]\n[00:01.00]first\n[00:02.50]second\n";
    for (name, bytes, count, text, times) in [
        ("a.srt", srt, 2, "안녕하십니까\n둘째 줄", (1000, 2500)),
        ("a.vtt", vtt.as_bytes().to_vec(), 1, "김: 안녕", (1000, 2500)),
        ("a.sbv", sbv.as_bytes().to_vec(), 2, "hello", (1000, 2500)),
        ("a.ttml", ttml.as_bytes().to_vec(), 1, "one\ntwo", (1000, 2500)),
        ("a.lrc", lrc.as_bytes().to_vec(), 2, "first", (1000, 2500)),
    ] {
        let read = of(name, &bytes);
        let speech: Vec<_> = read.blocks.iter().filter(|block| block.kind == BlockKind::Speech).collect();
        assert_eq!((speech.len(), speech[0].text.as_str(), speech[0].anchor.time_ms), (count, text, Some(times)), "{name} {:?}", read.summary);
    }
}

#[test]
fn cards_and_events_give_their_properties_and_pictures() {
    let card = "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=EUC-KR;ENCODING=QUOTED-PRINTABLE:=B1=E8=\r\n=C3=B6=BC=F6\r\nNOTE:long\r\n  folded\\, line\r\nPHOTO;ENCODING=BASE64;TYPE=PNG:iVBO\r\n Rw0K\r\nEND:VCARD\r\n";
    let read = of("a.vcf", card.as_bytes());
    assert_eq!(texts(&read), ["김철수", "long folded, line"]);
    assert_eq!(read.blocks[0].anchor.part.as_deref(), Some("VCARD 1/FN"));
    assert_eq!((read.children[0].0.role, read.children[0].1.as_slice()), (ChildRole::Embedded, b"\x89PNG\r\n".as_slice()));
    let calendar = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nDTSTART:20210304T150000Z\nSUMMARY:면담\nEND:VEVENT\n";
    let read = of("a.ics", calendar.as_bytes());
    assert!(texts(&read).contains(&"면담") && read.has(Code::Truncated));
}

#[test]
fn chats_say_who_wrote_when() {
    let telephone = "홍길동 님과 카카오톡 대화\n저장한 날짜 : 2021. 3. 5. 오전 9:00\n\n2021년 3월 4일 목요일\n2021. 3. 4. 오후 3:05, 홍길동 : 안녕하세요\n둘째 줄\n2021년 3월 4일 오후 12:06, 김 : 네\n";
    let computer = "홍길동 님과 카카오톡 대화\n저장한 날짜 : 2021-03-05 09:00:00\n\n--------------- 2021년 3월 4일 목요일 ---------------\n[홍길동] [오후 3:05] 안녕하세요\n둘째 줄\n[김] [오후 12:06] 네\n";
    let mac = "Date,User,Message\n2021-03-04 15:05:00,\"홍길동\",\"안녕하세요\n둘째 줄\"\n2021-03-04 12:06:00,\"김\",\"네\"\n";
    let english = "KakaoTalk Chats with Hong\nDate Saved : Mar 5, 2021 at 09:00\n\nMar 4, 2021 at 3:05 PM, 홍길동 : 안녕하세요\n둘째 줄\nMar 4, 2021 at 12:06 PM, 김 : 네\n";
    for text in [telephone, computer, mac, english] {
        let read = of("KakaoTalk.txt", text.as_bytes());
        let messages: Vec<_> = read.blocks.iter().filter(|block| block.anchor.part.is_some()).collect();
        let parts: Vec<_> = messages.iter().map(|block| block.anchor.part.clone().unwrap().replace(":00 ", " ")).collect();
        assert_eq!(parts, ["2021-03-04T15:05 홍길동", "2021-03-04T12:06 김"], "{text}");
        assert!(messages[0].text.ends_with("안녕하세요\n둘째 줄"), "{:?}", messages[0].text);
        assert_eq!((read.value("chat:messages"), read.summary.format.as_deref()), (Some("2"), Some("kakaotalk")));
    }
}

#[test]
fn names_that_promise_another_format_are_named() {
    let read = of("photo.json", b"SQLite format 3\0\x10\0\x01\x01\0");
    assert!(read.has(Code::Mislabelled), "{:?}", read.findings);
    assert!(!of("words.txt", b"just words").has(Code::Mislabelled) && !of("page.log", b"{\"a\": 1}").has(Code::Mislabelled));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600), kind in 0..12_usize) {
        let (name, start): (&str, &[u8]) = [
            ("a.txt", b"" as &[u8]), ("a.csv", b"a,\"b"), ("a.json", b"{\"a\": "), ("a.jsonl", b"{}\n{}\n"), ("a.xml", b"<?xml version='1.0'?><a b='"), ("a.srt", b"1\n00:00:01,000 --> 00:00:02,000\n"),
            ("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v "), ("a.lrc", b"[00:01.00]a\n[00:02.00]"), ("a.ttml", b"<tt><p begin='1s'>"), ("a.vcf", b"BEGIN:VCARD\nNOTE;ENCODING=QUOTED-PRINTABLE:="),
            ("a.md", b"# a\n"), ("a.txt", "님과 카카오톡 대화\n저장한 날짜 : \n2021. 3. 4. 오후 3:05, ".as_bytes()),
        ][kind];
        of(name, &[start, &bytes].concat());
    }
}
