//! Messages and mailboxes made here, as Korean programs and broken ones write them.

use sago_formats::{BlockKind, ChildRole, Code, Collected, Limits};

use crate::contained_archives::read;

fn euc_kr(text: &str) -> Vec<u8> {
    encoding_rs::EUC_KR.encode(text).0.into_owned()
}

#[test]
fn a_korean_message_gives_headers_text_and_attachments() {
    let mut bytes = b"From: =?ks_c_5601-1987?B?sei6ubnM?= <kim@example.org>\r\nTo: \"".to_vec();
    bytes.extend(euc_kr("받는 사람"));
    bytes.extend(b"\" <a@example.org>\r\nSubject: =?euc-kr?Q?=C1=F5=BE=F0_?=\r\n =?euc-kr?Q?=C0=DA=B7=E1?=\r\nDate: Tue, 3 Mar 2020 09:10:11 +0900\r\n");
    bytes.extend(b"Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\nnot shown\r\n--b\r\nContent-Type: text/plain; charset=ks_c_5601-1987\r\n\r\n");
    bytes.extend(euc_kr("회령시에서 온 증언입니다.\r\n\r\n둘째 문단"));
    bytes.extend(
        b"\r\n--b\r\nContent-Type: application/x-hwp; name*=euc-kr''%C1%F5%BE%F0.hwp\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n",
    );
    let read = read("a.eml", &bytes);
    assert_eq!(read.value("mail:From"), Some("김복미 <kim@example.org>"));
    assert_eq!(read.value("mail:To"), Some("\"받는 사람\" <a@example.org>"));
    assert_eq!(read.value("mail:Date"), Some("2020-03-03T09:10:11+09:00"));
    assert!(read.blocks.iter().any(|block| block.kind == BlockKind::Heading && block.text == "증언 자료"));
    let body: Vec<&str> = read.blocks.iter().filter(|block| block.anchor.part.as_deref() == Some("1")).map(|block| block.text.as_str()).collect();
    assert_eq!(body, ["회령시에서 온 증언입니다.", "둘째 문단"]);
    assert!(read.blocks.iter().any(|block| block.kind == BlockKind::Hidden && block.text == "not shown"));
    let (child, content) = &read.children[0];
    assert_eq!((child.name.as_str(), child.role, content.as_slice()), ("증언.hwp", ChildRole::Attachment, &b"hello"[..]));
    assert!(read.has(Code::EncodingGuessed));
}

#[test]
fn iso_2022_kr_and_alternatives_are_read_once() {
    let bytes = b"Subject: x\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-2022-kr\r\n\r\n\x1b$)C\x0eGQ1[\x0f ok\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>\xed\x95\x9c\xea\xb8\x80 <b>ok</b></p>\r\n--b--\r\n";
    let read = read("a.eml", bytes);
    assert_eq!(read.blocks.iter().filter(|block| block.text.contains("한글 ok")).count(), 1, "{:?}", read.blocks);
}

#[test]
fn broken_multiparts_keep_their_text() {
    let unclosed = read("a.eml", b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nstill here");
    assert!(unclosed.text().contains("still here") && unclosed.has(Code::Truncated));
    let absent = read("a.eml", b"Subject: x\nContent-Type: multipart/mixed; boundary=zzz\n\njust text");
    assert!(absent.text().contains("just text") && absent.has(Code::PartDamaged));
    let unnamed = read("a.eml", b"Subject: x\nContent-Type: multipart/mixed\n\n--q\n\npart one\n--q--\n");
    assert!(unnamed.text().contains("part one"));
}

#[test]
fn signed_encrypted_forwarded_and_uuencoded_parts_are_told_and_taken() {
    let signed = read(
        "a.eml",
        b"Subject: x\nContent-Type: multipart/signed; boundary=b\n\n--b\n\nwords\n--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nMAA=\n--b--\n",
    );
    assert!(signed.has(Code::Signed) && signed.children[0].0.name == "smime.p7s");
    assert!(read("a.eml", b"Subject: x\n\n-----BEGIN PGP MESSAGE-----\nabc\n").has(Code::PartEncrypted));
    let forwarded = read("a.eml", b"Subject: x\nContent-Type: message/rfc822\n\nSubject: inner\n\nbody");
    assert_eq!((forwarded.children[0].0.name.as_str(), forwarded.children[0].0.role), ("inner.eml", ChildRole::Message));
    let old = read("a.eml", b"Subject: x\n\nsee\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n");
    assert_eq!((old.children[0].0.name.as_str(), old.children[0].1.as_slice()), ("cat.txt", &b"Cat"[..]));
    assert!(old.text().contains("see") && old.text().contains("bye"));
}

#[test]
fn thousands_of_parts_in_parts_end_at_the_limit() {
    let mut bytes = b"Subject: x\n".to_vec();
    for level in 0..2_000 {
        bytes.extend(format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n").as_bytes());
    }
    let read = Collected::of("a.eml", &bytes, &Limits::default()).unwrap();
    assert!(read.has(Code::LimitNesting));
}

#[test]
fn a_mailbox_gives_each_message_with_its_quotes_taken_off() {
    let bytes = b"From a@b Thu Jan  1 00:00:00 2015\nSubject: one\n\n>From here on\nFrom now we go\n\n>>From twice\n\nFrom c@d Fri Jan  2 00:00:00 2015\nSubject: two\n\nbody\n";
    let read = read("a.mbox", bytes);
    assert_eq!(read.children.len(), 2);
    assert_eq!(read.children[0].1, b"Subject: one\n\nFrom here on\nFrom now we go\n\n>From twice\n\n");
    assert_eq!(read.value("mbox:messages"), Some("2"));
    assert_eq!(read.children[1].0.anchor.paragraph, Some(2));
}

#[test]
fn a_line_without_end_in_a_mailbox_is_read_in_pieces() {
    let mut bytes = b"From a@b Thu Jan  1 00:00:00 2015\nSubject: one\n\n".to_vec();
    bytes.extend(vec![b'x'; 1 << 20]);
    bytes.extend(b"\n\nFrom a@b Thu Jan  1 00:00:00 2015\n\nend\n");
    let read = read("a.mbox", &bytes);
    assert_eq!(read.children.iter().map(|(_, bytes)| bytes.len()).collect::<Vec<_>>(), [(1 << 20) + 16, 5]);
}
