//! Messages made for the test.

use crate::readers::compound::{Node, write};
use crate::{BlockKind, Code, Collected, Limits};

fn stream(name: &str, bytes: Vec<u8>) -> Node {
    Node { name: name.to_owned(), class: [0; 16], bytes: Some(bytes), children: Vec::new() }
}

fn storage(name: &str, children: Vec<Node>) -> Node {
    Node { name: name.to_owned(), class: [0; 16], bytes: None, children }
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A table with a header of so many bytes and the entries tag, value.
fn table(header: usize, entries: &[(u32, u64)]) -> Node {
    let mut bytes = vec![0; header];
    for (tag, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend([6, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    stream("__properties_version1.0", bytes)
}

fn korean() -> Node {
    let euc = |text: &str| encoding_rs::EUC_KR.encode(text).0.into_owned();
    let inner = storage(
        "__substg1.0_3701000D",
        vec![table(24, &[(0x3ffd_0003, 949)]), stream("__substg1.0_0037001E", euc("안쪽 편지")), stream("__substg1.0_1000001E", euc("안쪽 글"))],
    );
    storage(
        "",
        vec![
            table(32, &[(0x3ffd_0003, 949), (0x0039_0040, 116_444_736_000_000_000)]),
            stream("__substg1.0_0037001F", wide("제목")),
            stream("__substg1.0_0C1A001E", euc("홍길동")),
            stream("__substg1.0_0C1F001F", wide("hong@example.org")),
            stream("__substg1.0_0E04001F", wide("받는 이")),
            stream("__substg1.0_1000001E", euc("첫째 줄\r\n\r\n둘째 줄")),
            storage(
                "__recip_version1.0_#00000000",
                vec![table(8, &[(0x0c15_0003, 2)]), stream("__substg1.0_3001001F", wide("김")), stream("__substg1.0_39FE001F", wide("kim@example.org"))],
            ),
            storage(
                "__attach_version1.0_#00000000",
                vec![table(8, &[(0x3705_0003, 1)]), stream("__substg1.0_3707001F", wide("보고.txt")), stream("__substg1.0_37010102", b"data".to_vec())],
            ),
            storage("__attach_version1.0_#00000001", vec![table(8, &[(0x3705_0003, 5)]), inner]),
            storage("__attach_version1.0_#00000002", vec![table(8, &[(0x3705_0003, 2)]), stream("__substg1.0_3708001F", wide("\\\\server\\a"))]),
        ],
    )
}

#[test]
fn headers_texts_people_and_attachments_are_told() {
    let read = Collected::of("a.msg", &write(&korean()).unwrap(), &Limits::default()).unwrap();
    let told: Vec<_> = read.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect();
    let expected = [
        (BlockKind::Paragraph, "홍길동 <hong@example.org>"),
        (BlockKind::Paragraph, "받는 이"),
        (BlockKind::Paragraph, "1970-01-01T00:00:00Z"),
        (BlockKind::Heading, "제목"),
        (BlockKind::Paragraph, "첫째 줄"),
        (BlockKind::Paragraph, "둘째 줄"),
    ];
    assert_eq!(told, expected);
    assert_eq!(read.value("mail:recipient-cc"), Some("김 <kim@example.org>"));
    assert_eq!((read.children[0].0.name.as_str(), read.children[0].1.as_slice()), ("보고.txt", &b"data"[..]));
    assert!(read.has(Code::ChildMissing));
    let inner = Collected::of(&read.children[1].0.name, &read.children[1].1, &Limits::default()).unwrap();
    assert_eq!(inner.text(), "안쪽 편지\n안쪽 글");
}

#[test]
fn cut_messages_give_what_is_left() {
    let bytes = write(&korean()).unwrap();
    for cut in (8..bytes.len()).step_by(61) {
        let read = Collected::of("a.msg", &bytes[..cut], &Limits::default()).unwrap();
        assert!(read.summary.weight.is_some(), "{cut}");
    }
}
