//! Crashes between files and events, runs at the same time, and kept files that were altered.

use std::sync::Arc;

use super::authority::{Authority, Server};
use super::{House, received};
use crate::error::ErrorKind;
use crate::stamp::round::{Need, Round};
use crate::stamp::{ask_all, authority};

/// Stamps with every configured authority up to the files, and crashes before the events.
async fn stamp_and_crash(house: &House) {
    let mut round = Round::begin(&house.repo, &house.ctx).await.unwrap();
    for (_, judge) in authority::configured(&house.repo).unwrap() {
        let judge = judge.unwrap();
        let Ok(Need::Ask(queries)) = round.need(&judge).await else { panic!("nothing to ask") };
        let replies = tokio::task::block_in_place(|| ask_all(&house.client, &judge.url, queries)).unwrap();
        assert!(round.accept_head(&judge, &replies).is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_without_events_are_entered_and_not_asked_for_again() {
    for happens_between in [false, true] {
        let mut house = House::new().await;
        let authority = Arc::new(Authority::new("one", 3000));
        let server = Server::of(&authority);
        house.configure("one", server.url(), &authority);
        let size = house.size();
        stamp_and_crash(&house).await;
        assert_eq!((server.asked(), house.events().await.len()), (2, 0));
        if happens_between {
            house.happen().await;
        }
        let answers = house.stamp().await;
        assert!(received(&answers[0]).is_new);
        let events = house.events().await;
        assert_eq!(events.iter().filter(|event| event.0 == size).count(), 2, "entered once");
        let expected = if happens_between { (4, 4) } else { (2, 2) };
        assert_eq!((server.asked(), events.len()), expected);
        house.assert_sound(&[&authority], expected.1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_reply_is_completed_by_asking_for_the_other() {
    let mut house = House::new().await;
    let authority = Arc::new(Authority::new("one", 3000));
    let server = Server::of(&authority);
    house.configure("one", server.url(), &authority);
    let size = house.size();
    stamp_and_crash(&house).await;
    std::fs::remove_file(house.stamps(size).join("one.sha512.tsr")).unwrap();
    let answers = house.stamp().await;
    let answer = received(&answers[0]);
    assert!(answer.is_new && answer.tokens.len() == 2);
    assert_eq!((server.asked(), house.events().await.len()), (3, 2));
    let requests = server.requests();
    assert_eq!(requests[1].1, requests[2].1, "the kept query is asked again");
    house.assert_sound(&[&authority], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_the_same_time_are_one_too_many() {
    let mut house = House::new().await;
    let authority = Arc::new(Authority::new("one", 3000));
    let server = Server::of(&authority);
    house.configure("one", server.url(), &authority);
    let held = Round::begin(&house.repo, &house.ctx).await.unwrap();
    let error = house.try_stamp(&house.ctx).await.unwrap_err();
    assert_eq!((error.kind, server.asked()), (ErrorKind::Conflict, 0), "{error}");
    drop(held);
    received(&house.stamp().await[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_reply_over_the_head_is_never_overwritten_or_entered() {
    let mut house = House::new().await;
    let authority = Arc::new(Authority::new("one", 3000));
    let server = Server::of(&authority);
    house.configure("one", server.url(), &authority);
    let size = house.size();
    stamp_and_crash(&house).await;
    let path = house.stamps(size).join("one.sha256.tsr");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let answers = house.stamp().await;
    assert_eq!(answers.len(), 1);
    let error = answers[0].result.as_ref().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt, "{error}");
    assert!(error.message.contains("stamp-signature-bad"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!((server.asked(), house.events().await.len()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_checkpoint_is_said_and_nothing_is_asked_over_it() {
    let mut house = House::new().await;
    let authority = Arc::new(Authority::new("one", 3000));
    let server = Server::of(&authority);
    house.configure("one", server.url(), &authority);
    let size = house.size();
    stamp_and_crash(&house).await;
    std::fs::write(house.stamps(size).join("checkpoint"), "another").unwrap();
    let answers = house.stamp().await;
    let error = answers[0].result.as_ref().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt, "{error}");
    assert_eq!((answers.len(), server.asked(), house.events().await.len()), (1, 2, 0));
}
