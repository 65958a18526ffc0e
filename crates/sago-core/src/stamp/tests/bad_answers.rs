//! Authorities that answer badly or not at all: refused with words that help, nothing kept, nothing entered, the others served.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::authority::{Answer, Authority, Server};
use super::{House, received};
use crate::error::{Error, ErrorKind};
use crate::stamp::client::Client;

/// Stamps with one bad authority beside a good one; returns the bad one's error.
async fn refused(house: &mut House, good: &Arc<Authority>, bad_url: String) -> (Error, Vec<&'static str>) {
    let server = Server::of(good);
    house.configure("bad", bad_url, good);
    house.configure("good", server.url(), good);
    let before = house.events().await.len();
    house.happen().await;
    let mut answers = house.stamp().await;
    answers.sort_by(|a, b| a.authority.cmp(&b.authority));
    assert_eq!(answers.len(), 2);
    assert!(received(&answers[1]).is_new, "the good one is served");
    assert_eq!(house.events().await.len(), before + 2, "only the good one's tokens are entered");
    assert!(house.kept_files().iter().all(|name| !name.starts_with("bad.")), "{:?}", house.kept_files());
    let answer = answers.remove(0);
    let codes = answer.findings.iter().map(|finding| finding.code).collect();
    let error = answer.result.unwrap_err();
    assert!(error.message.contains("“bad”") && !error.hints.is_empty(), "{error:?}");
    (error, codes)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_is_said_and_others_go_on() {
    let mut house = House::new().await;
    house.client = Client::direct(Duration::from_secs(3));
    let good = Arc::new(Authority::new("good", 3000));
    let huge = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", 2 << 20, "x".repeat(2 << 20));
    let endless = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat((1 << 20) + 1));
    let cases: [(&str, Answer, &str, ErrorKind); 8] = [
        ("silence", Answer::Silence, "did not answer within 3 s", ErrorKind::Unavailable),
        ("half", Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n0"), "could not be reached", ErrorKind::Unavailable),
        ("status", Answer::raw("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), "HTTP status 500", ErrorKind::Unavailable),
        ("created", Answer::raw("HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"), "HTTP status 201", ErrorKind::Unavailable),
        (
            "redirect",
            Answer::raw("HTTP/1.1 307 Go\r\nLocation: ftp://elsewhere/\r\nContent-Length: 0\r\n\r\n"),
            "sends us on to ftp://elsewhere/",
            ErrorKind::Unavailable,
        ),
        ("huge", Answer::raw(&huge), "more than 1048576 bytes", ErrorKind::Invalid),
        ("endless", Answer::raw(&endless), "more than 1048576 bytes", ErrorKind::Invalid),
        ("not http", Answer::raw("220 mail ready\r\n"), "could not be reached", ErrorKind::Unavailable),
    ];
    for (what, answer, words, kind) in cases {
        let answer = std::sync::Mutex::new(Some(answer));
        // One question is enough for an authority that answers badly.
        let server = Server::new(move |_| answer.lock().unwrap().take().unwrap());
        let begun = Instant::now();
        let (error, _) = refused(&mut house, &good, server.url()).await;
        assert!(begun.elapsed() < Duration::from_secs(15), "{what}");
        assert!(error.message.contains(words), "{what}: {error}");
        assert_eq!((error.kind, server.asked()), (kind, 1), "{what}");
    }
    let closed = Server::of(&good).url();
    let (error, _) = refused(&mut house, &good, closed).await;
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    house.assert_sound(&[&good], 18).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_none_are_refused_before_anything_is_sent() {
    let mut house = House::new().await;
    let good = Arc::new(Authority::new("good", 3000));
    for url in ["file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1", "", "http://", "http:// /", "https://[::"] {
        let (error, _) = refused(&mut house, &good, url.to_owned()).await;
        assert_eq!(error.kind, ErrorKind::Invalid, "{url}: {error}");
        assert!(error.message.contains("address"), "{url}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_prove_nothing_are_refused_by_their_code() {
    let mut house = House::new().await;
    let good = Arc::new(Authority::new("good", 3000));
    let other = Arc::new(Authority::new("other", 3000));
    let old = good.reply(&crate::stamp::query::Query::new(&sago_stamp::Imprint::sha256(b"elsewhere")).unwrap().bytes);
    type Bad = Box<dyn Fn(&[u8]) -> Answer + Send>;
    let flipped = good.clone();
    let cases: [(&str, Bad); 5] = [
        ("stamp-malformed", Box::new(|_| Answer::Reply(b"<html>Please sign in</html>".to_vec()))),
        ("stamp-status-rejected", Box::new(|_| Answer::Reply(hex::decode("30053003020102").unwrap()))),
        ("stamp-root-untrusted", Box::new(move |query| Answer::Reply(other.reply(query)))),
        ("stamp-imprint-mismatch", Box::new(move |_| Answer::Reply(old.clone()))),
        (
            "stamp-signature-bad",
            Box::new(move |query| {
                let mut reply = flipped.reply(query);
                *reply.last_mut().unwrap() ^= 1;
                Answer::Reply(reply)
            }),
        ),
    ];
    for (code, bad) in cases {
        let server = Server::new(bad);
        let (error, codes) = refused(&mut house, &good, server.url()).await;
        assert_eq!(error.kind, ErrorKind::Invalid, "{code}");
        // An unknown root may also show as a chain that does not reach one: the token carries its signer alone.
        let expected: &[&str] = if code == "stamp-root-untrusted" { &[code, "stamp-chain-incomplete"] } else { &[code] };
        assert!(codes.iter().any(|found| expected.contains(found)), "{code}: {codes:?}");
        assert!(codes.iter().all(|found| error.message.contains(found)), "{code}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_another_query_over_the_same_checkpoint_is_refused() {
    let mut house = House::new().await;
    let good = Arc::new(Authority::new("good", 3000));
    let size = house.size();
    let head = crate::ledger::rebuild::last_head_here(&house.repo.places, crate::ledger::event::Log::Custody, 1).unwrap();
    let imprint = sago_stamp::Imprint::sha256(head.checkpoint.as_bytes());
    let old = good.reply(&crate::stamp::query::Query::new(&imprint).unwrap().bytes);
    let server = Server::new(move |_| Answer::Reply(old.clone()));
    house.configure("bad", server.url(), &good);
    let answers = house.stamp().await;
    let error = answers[0].result.as_ref().unwrap_err();
    assert!(error.message.contains("stamp-nonce-mismatch"), "{error}");
    assert!(house.kept_files().is_empty() && house.size() == size);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_good_reply_of_two_is_not_kept() {
    let mut house = House::new().await;
    let good = Arc::new(Authority::new("good", 3000));
    let (authority, first) = (good.clone(), std::sync::atomic::AtomicBool::new(true));
    let server =
        Server::new(
            move |query| {
                if first.swap(false, std::sync::atomic::Ordering::SeqCst) { Answer::Reply(authority.reply(query)) } else { Answer::Reply(b"no".to_vec()) }
            },
        );
    let (error, _) = refused(&mut house, &good, server.url()).await;
    assert!(error.message.contains("sha512"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_that_cannot_be_read_stops_only_its_authority() {
    let mut house = House::new().await;
    let good = Arc::new(Authority::new("good", 3000));
    let servers = [Server::of(&good), Server::of(&good)];
    house.configure("bad", servers[0].url(), &good);
    house.configure("good", servers[1].url(), &good);
    let anchor = house.repo.places.root.join("anchors/bad.pem");
    std::fs::write(&anchor, "no certificate").unwrap();
    let answers = house.stamp().await;
    let bad = answers.iter().find(|answer| answer.authority == "bad").unwrap();
    let error = bad.result.as_ref().unwrap_err();
    assert!(error.message.contains("anchors/bad.pem") && error.hints[0].contains("PEM"), "{error:?}");
    assert_eq!([servers[0].asked(), servers[1].asked()], [0, 2], "whom nobody can judge is not asked");
    std::fs::remove_file(&anchor).unwrap();
    assert!(house.stamp().await.iter().any(|answer| answer.result.is_err()));
    assert_eq!(servers[1].asked(), 2);
}
