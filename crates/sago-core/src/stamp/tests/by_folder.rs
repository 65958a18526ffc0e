//! A site without a network: queries out in a folder, replies back in it.

use std::path::Path;
use std::sync::Arc;

use super::authority::Authority;
use super::{House, received};
use crate::error::ErrorKind;
use crate::stamp::{take_replies, write_queries};

/// What a person with the folder does on another machine.
fn answer(authority: &Authority, name: &str, dir: &Path) {
    for algorithm in ["sha256", "sha512"] {
        let query = std::fs::read(dir.join(format!("{name}.{algorithm}.tsq"))).unwrap();
        std::fs::write(dir.join(format!("{name}.{algorithm}.tsr")), authority.reply(&query)).unwrap();
    }
}

/// A site with two authorities that it cannot reach.
async fn offline() -> (House, Arc<Authority>, Arc<Authority>) {
    let mut house = House::new().await;
    let (one, two) = (Arc::new(Authority::new("one", 3000)), Arc::new(Authority::new("two", 3000)));
    house.configure("one", "https://one.invalid/tsr?a='b'".into(), &one);
    house.configure("two", "http://two.invalid/".into(), &two);
    (house, one, two)
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_go_out_and_replies_come_back() {
    let (house, one, two) = offline().await;
    let (dir, size) = (house.folder.path().join("stick"), house.size());
    let carried = write_queries(&house.repo, &house.ctx, &dir).await.unwrap();
    assert!(carried.size == size && carried.questions.len() == 2 && carried.others.is_empty());
    let script = std::fs::read_to_string(dir.join("ask.sh")).unwrap();
    for command in carried.questions.iter().flat_map(|question| question.commands()) {
        assert!(script.contains(&command));
    }
    assert!(script.contains(r"'https://one.invalid/tsr?a='\''b'\'''"), "{script}");
    assert_eq!(house.size(), size, "asking enters nothing");

    // Meanwhile the work goes on.
    house.happen().await;
    answer(&one, "one", &dir);
    answer(&two, "two", &dir);
    let answers = take_replies(&house.repo, &house.ctx, &dir).await.unwrap();
    assert_eq!(answers.len(), 2);
    for answer in &answers {
        assert!(answer.size == size && received(answer).is_new && received(answer).tokens.len() == 2);
    }
    assert_eq!(house.events().await.len(), 4);
    house.assert_sound(&[&one, &two], 4).await;

    let again = take_replies(&house.repo, &house.ctx, &dir).await.unwrap();
    assert!(again.iter().all(|answer| !received(answer).is_new));
    assert_eq!(house.events().await.len(), 4, "twice is once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_queries_are_written_again_and_none_when_all_is_stamped() {
    let (house, one, two) = offline().await;
    let dirs = ["first", "second", "third"].map(|name| house.folder.path().join(name));
    for dir in &dirs[..2] {
        write_queries(&house.repo, &house.ctx, dir).await.unwrap();
    }
    let bytes = |dir: &Path| std::fs::read(dir.join("two.sha512.tsq")).unwrap();
    assert_eq!(bytes(&dirs[0]), bytes(&dirs[1]));
    let error = write_queries(&house.repo, &house.ctx, &dirs[0]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "a folder with something in it is left alone");

    answer(&one, "one", &dirs[0]);
    answer(&two, "two", &dirs[0]);
    take_replies(&house.repo, &house.ctx, &dirs[0]).await.unwrap();
    let carried = write_queries(&house.repo, &house.ctx, &dirs[2]).await.unwrap();
    assert!(carried.questions.is_empty() && carried.others.len() == 2 && !dirs[2].exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_incomplete_or_exchanged_is_refused_for_that_authority() {
    let (house, one, two) = offline().await;
    let dir = house.folder.path().join("stick");
    write_queries(&house.repo, &house.ctx, &dir).await.unwrap();
    let error = take_replies(&house.repo, &house.ctx, &dir).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "no reply at all: {error}");

    answer(&one, "one", &dir);
    answer(&two, "two", &dir);
    let path = |name: &str| dir.join(name);
    std::fs::remove_file(path("one.sha512.tsr")).unwrap();
    std::fs::rename(path("two.sha256.tsr"), path("other.sha256.tsr")).unwrap();
    std::fs::copy(path("two.sha512.tsr"), path("two.sha256.tsr")).unwrap();
    let answers = take_replies(&house.repo, &house.ctx, &dir).await.unwrap();
    let errors: Vec<_> = answers.iter().map(|answer| answer.result.as_ref().unwrap_err()).collect();
    assert_eq!(errors.len(), 3);
    assert!(errors[0].message.contains("one.sha512.tsr"), "{}", errors[0]);
    assert!(errors[1].message.contains("stamp-imprint-mismatch"), "{}", errors[1]);
    assert!(errors[2].message.contains("other.sha256.tsr"), "{}", errors[2]);
    assert!(house.kept_files().iter().all(|name| !name.ends_with(".tsr")));
    assert!(house.events().await.is_empty());

    std::fs::rename(path("other.sha256.tsr"), path("two.sha256.tsr")).unwrap();
    answer(&one, "one", &dir);
    let answers = take_replies(&house.repo, &house.ctx, &dir).await.unwrap();
    assert!(answers.iter().all(|answer| received(answer).is_new));
    house.assert_sound(&[&one, &two], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_a_query_that_was_not_ours_is_refused() {
    let (house, one, _) = offline().await;
    let dir = house.folder.path().join("stick");
    write_queries(&house.repo, &house.ctx, &dir).await.unwrap();
    let note = std::fs::read(dir.join("checkpoint")).unwrap();
    let imprint = sago_stamp::Imprint::sha256(&note);
    let foreign = crate::stamp::query::Query::new(&imprint).unwrap().bytes;
    std::fs::write(dir.join("one.sha256.tsq"), foreign).unwrap();
    answer(&one, "one", &dir);
    let answers = take_replies(&house.repo, &house.ctx, &dir).await.unwrap();
    let error = answers[0].result.as_ref().unwrap_err();
    assert!(error.message.contains("stamp-nonce-mismatch"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_was_not_carried_out_from_here_is_refused() {
    let (house, one, _) = offline().await;
    let dir = house.folder.path().join("stick");
    write_queries(&house.repo, &house.ctx, &dir).await.unwrap();
    answer(&one, "one", &dir);
    let place = dir.join("checkpoint");
    let ours = std::fs::read(&place).unwrap();
    let elsewhere = House::new().await;
    let foreign = crate::ledger::sequencer::folder(&elsewhere.repo.places, 1, crate::ledger::event::Log::Custody).need("checkpoint").unwrap();
    let mut altered = ours.clone();
    let last = altered.len() - 5;
    altered[last] ^= 1;
    for (bytes, what) in [(foreign, "foreign"), (altered, "altered"), (b"text".to_vec(), "text"), (Vec::new(), "empty")] {
        std::fs::write(&place, bytes).unwrap();
        let error = take_replies(&house.repo, &house.ctx, &dir).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{what}: {error}");
    }
    std::fs::remove_file(&place).unwrap();
    let error = take_replies(&house.repo, &house.ctx, &dir).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    assert!(house.events().await.is_empty());
    std::fs::write(&place, ours).unwrap();
    let answers = take_replies(&house.repo, &house.ctx, &dir).await.unwrap();
    received(&answers[0]);
    assert!(answers[1].result.is_err(), "two was asked and did not answer");
}
