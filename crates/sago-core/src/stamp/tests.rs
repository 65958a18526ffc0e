//! Time-stamps against real authorities (`openssl ts` behind a local server) and real repositories; the auditor has the last word.

mod authority;
mod bad_answers;
mod by_folder;
mod interrupted;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use sqlx::Row;
use tempfile::TempDir;

use super::client::Client;
use super::folder::Folder;
use super::{Received, Stamped, State, list, stamp_with};
use crate::ctx::{Clock, Ctx, Role};
use crate::error::{ErrorKind, Result};
use crate::key::Passphrase;
use crate::ledger::event::{Event, Log};
use crate::ledger::proof::read_event;
use crate::ledger::rebuild::last_head_here;
use crate::repository::{NewRepository, Repository};
use crate::user;
use authority::{Authority, Server};

/// A repository of nobody, and the custodian who acts.
struct House {
    repo: Repository,
    ctx: Ctx,
    client: Client,
    folder: TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = NewRepository {
            name: "Test".into(),
            custodians: 2,
            threshold: 2,
            passphrase: Passphrase::new("correct horse battery".into()),
            work_factor: 10,
            elsewhere: crate::settings::Elsewhere::default(),
            first_person: "Custodian".into(),
        };
        let root = folder.path().join("repository");
        let repo = Repository::create(&root, &new, Clock::System).await.unwrap().repository;
        let ctx = user::act_as(&repo, None, Clock::System).await.unwrap();
        Self { repo, ctx, client: Client::direct(Duration::from_secs(20)), folder }
    }

    /// Enters an authority in the settings, with the root of `anchor`.
    fn configure(&mut self, name: &str, url: String, anchor: &Authority) {
        let file = PathBuf::from(format!("anchors/{name}.pem"));
        let path = self.repo.places.root.join(&file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(anchor.root(), &path).unwrap();
        self.repo.settings.authority.retain(|one| one.name != name);
        self.repo.settings.authority.push(crate::settings::Authority { name: name.into(), url, anchor: file });
    }

    async fn stamp(&self) -> Vec<Stamped> {
        self.try_stamp(&self.ctx).await.unwrap()
    }

    async fn try_stamp(&self, ctx: &Ctx) -> Result<Vec<Stamped>> {
        stamp_with(&self.repo, ctx, &self.client).await
    }

    /// Something happens in the repository.
    async fn happen(&self) {
        let new = user::NewAgent { name: "Auditor".into(), roles: vec![Role::Auditor], passphrase: None };
        user::add_agent(&self.repo, &self.ctx, &new).await.unwrap();
        self.repo.integrate(&self.ctx).await.unwrap();
    }

    fn size(&self) -> u64 {
        last_head_here(&self.repo.places, Log::Custody, 1).unwrap().size
    }

    /// The folder of the stamps of a checkpoint.
    fn stamps(&self, size: u64) -> PathBuf {
        let head = last_head_here(&self.repo.places, Log::Custody, 1).unwrap();
        self.repo.places.stamps.folder().unwrap().join(Folder::of(&self.repo.places, &head.origin, size).name)
    }

    fn kept_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.repo.places.stamps.folder().unwrap().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// The time-stamps in the log: size, digest, authority, folder.
    async fn events(&self) -> Vec<(u64, String, String, String)> {
        let rows = sqlx::query("SELECT idx FROM events WHERE log = 'custody' AND kind = 'timestamp-received' ORDER BY idx")
            .fetch_all(self.repo.db().read())
            .await
            .unwrap();
        let mut found = Vec::new();
        for row in rows {
            let index = u64::try_from(row.get::<i64, _>(0)).unwrap();
            let read = read_event(&self.repo, Log::Custody, 1, index).await.unwrap();
            let Event::TimestampReceived(event, Some(detail)) = read.event else {
                panic!("another event at {index}");
            };
            assert!(event.gen_time.ends_with('Z') && event.gen_time.len() == 27);
            found.push((event.size, event.token_sha256, detail.authority, detail.folder));
        }
        found
    }

    /// What `sago verify` would say, with the anchors of these authorities: everything must be sound.
    async fn assert_sound(&self, anchors: &[&Authority], tokens: usize) {
        let mut options = sago_verify::Options::at(super::round::moment(Timestamp::now()));
        for anchor in anchors {
            options.anchors.extend(sago_verify::read_anchors(&anchor.root()).unwrap());
        }
        let mut report = crate::verify::verify_without_keys(&self.repo.places, &options).await.unwrap();
        crate::verify::verify_with_keys(&self.repo, &self.ctx, &mut report).await.unwrap();
        assert!(report.is_sound(), "{:#?}", report.findings);
        let counted = format!("{tokens} time-stamp tokens over");
        assert!(tokens == 0 || report.checked.iter().any(|what| what.contains(&counted)), "{:#?}", report.checked);
    }
}

fn received(answer: &Stamped) -> &Received {
    answer.result.as_ref().unwrap_or_else(|why| panic!("{}: {why} {:?}", answer.authority, why.hints))
}

fn sha256_of(path: &Path) -> String {
    super::folder::token_digest(&std::fs::read(path).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_authorities_stamp_and_openssl_agrees() {
    let mut house = House::new().await;
    let (one, two) = (Arc::new(Authority::new("one", 3000)), Arc::new(Authority::new("two", 3000)));
    let servers = [Server::of(&one), Server::of(&two)];
    house.configure("one", servers[0].url(), &one);
    house.configure("two", servers[1].url(), &two);
    let before = house.size();
    let answers = house.stamp().await;

    assert_eq!(answers.len(), 2);
    let folder = house.stamps(before);
    let events = house.events().await;
    assert_eq!(events.len(), 4);
    for (answer, authority) in answers.iter().zip([&one, &two]) {
        let name = &answer.authority;
        assert_eq!(answer.size, before);
        let Received { tokens, is_new } = received(answer);
        assert!(*is_new && tokens.len() == 2);
        for token in tokens {
            let file = |extension: &str| folder.join(format!("{name}.{}.{extension}", token.algorithm.name()));
            assert!(token.trusted && token.tsa.contains(&format!("{name} signer")), "{token:?}");
            assert_eq!(token.token_sha256, sha256_of(&file("tsr")));
            let chain = folder.join(format!("{name}.chain.pem"));
            assert!(authority.openssl_accepts(&file("tsr"), &folder.join("checkpoint"), &file("tsq"), &chain));
            let expected =
                (before, token.token_sha256.clone(), name.clone(), format!("{}/{before}", folder.parent().unwrap().file_name().unwrap().to_str().unwrap()));
            assert!(events.contains(&expected), "{events:?}");
        }
    }
    let head = last_head_here(&house.repo.places, Log::Custody, 1).unwrap();
    assert_eq!(head.size, before + 4, "the signed head covers the events");
    assert_eq!(house.kept_files().len(), 1 + 2 * 5);
    house.assert_sound(&[&one, &two], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_is_what_rfc_3161_asks_for_and_does_not_say_who_sends_it() {
    let mut house = House::new().await;
    let authority = Arc::new(Authority::new("one", 3000));
    let server = Server::of(&authority);
    house.configure("one", server.url(), &authority);
    let size = house.size();
    received(&house.stamp().await[0]);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for (head, body) in &requests {
        assert!(head.starts_with("post /tsr http/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: application/timestamp-query\r\n"), "{head}");
        assert!(!head.contains("sago") && !head.contains("user-agent"), "{head}");
        assert!(body.ends_with(&[0x01, 0x01, 0xFF]), "certificates are asked for");
    }
    let kept = |algorithm: &str| std::fs::read(house.stamps(size).join(format!("one.{algorithm}.tsq"))).unwrap();
    assert_eq!([requests[0].1.clone(), requests[1].1.clone()], [kept("sha256"), kept("sha512")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_again_until_something_happens() {
    let mut house = House::new().await;
    let authority = Arc::new(Authority::new("one", 3000));
    let server = Server::of(&authority);
    house.configure("one", server.url(), &authority);
    let first = house.stamp().await;
    let size = house.size();

    let second = house.stamp().await;
    assert_eq!(server.asked(), 2);
    assert_eq!(received(&second[0]).tokens, received(&first[0]).tokens);
    assert!(!received(&second[0]).is_new);
    assert_eq!(house.size(), size, "asking nothing enters nothing");

    house.happen().await;
    let third = house.stamp().await;
    assert_eq!(server.asked(), 4);
    assert!(received(&third[0]).is_new && third[0].size > size);
    house.assert_sound(&[&authority], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_authority_does_not_make_the_first_be_asked_again() {
    let mut house = House::new().await;
    let (one, two) = (Arc::new(Authority::new("one", 3000)), Arc::new(Authority::new("two", 3000)));
    let servers = [Server::of(&one), Server::of(&two)];
    house.configure("one", servers[0].url(), &one);
    house.stamp().await;
    house.configure("two", servers[1].url(), &two);
    house.stamp().await;
    house.stamp().await;
    assert_eq!([servers[0].asked(), servers[1].asked()], [2, 2]);
    house.assert_sound(&[&one, &two], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_that_ends_soon_is_renewed_even_when_nothing_happens() {
    for (days, asked_later) in [(30, 4), (3000, 2)] {
        let mut house = House::new().await;
        let authority = Arc::new(Authority::new("one", days));
        let server = Server::of(&authority);
        house.configure("one", server.url(), &authority);
        house.stamp().await;
        house.stamp().await;
        assert_eq!(server.asked(), 2, "not on the same day");
        let later = Ctx { clock: Clock::Fixed(Timestamp::now().checked_add((8 * 24).hours()).unwrap()), ..house.ctx.clone() };
        received(&house.try_stamp(&later).await.unwrap()[0]);
        assert_eq!(server.asked(), asked_later, "{days} days");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_anchor_gets_a_new_stamp_and_the_old_one_stays() {
    let mut house = House::new().await;
    let (old, new) = (Arc::new(Authority::new("old", 3000)), Arc::new(Authority::new("new", 3000)));
    let server = Server::of(&old);
    house.configure("one", server.url(), &old);
    house.stamp().await;
    let server = Server::of(&new);
    house.configure("one", server.url(), &new);
    let answers = house.stamp().await;
    assert!(received(&answers[0]).is_new);
    assert_eq!(server.asked(), 2);
    let listed = list(&house.repo, &house.ctx).await.unwrap();
    let trusted: Vec<_> = listed.iter().map(|one| matches!(&one.state, State::Holds(token) if token.trusted)).collect();
    assert_eq!(trusted, [false, false, true, true]);
    // A former root stays among the settings for as long as its stamps are kept.
    house.configure("former", server.url(), &old);
    house.assert_sound(&[&old, &new], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_until_when_stamps_hold_and_what_is_broken() {
    let mut house = House::new().await;
    assert!(list(&house.repo, &house.ctx).await.unwrap().is_empty());
    let authority = Arc::new(Authority::new("one", 30));
    let server = Server::of(&authority);
    house.configure("one", server.url(), &authority);
    let size = house.size();
    house.stamp().await;

    let listed = list(&house.repo, &house.ctx).await.unwrap();
    assert_eq!(listed.len(), 2);
    for one in &listed {
        assert!(one.size == size && one.authority == "one" && one.is_entered && one.generation == 1);
        let State::Holds(token) = &one.state else { panic!("{one:?}") };
        let days = (token.renew_before.seconds - token.gen_time.seconds) / 86_400;
        assert!(token.trusted && (29..=30).contains(&days), "{days}: the signer's end, not the root's");
    }

    house.repo.settings.authority.clear();
    let listed = list(&house.repo, &house.ctx).await.unwrap();
    assert!(listed.iter().all(|one| matches!(&one.state, State::Holds(token) if !token.trusted)));

    let path = house.stamps(size).join("one.sha512.tsr");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let listed = list(&house.repo, &house.ctx).await.unwrap();
    assert!(matches!(&listed[0].state, State::Holds(_)) && listed[0].is_entered);
    assert!(matches!(&listed[1].state, State::Broken(findings) if !findings.is_empty()));
    assert!(!listed[1].is_entered, "these bytes were never entered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_stamp_ask_or_list() {
    let mut house = House::new().await;
    let authority = Arc::new(Authority::new("one", 3000));
    let server = Server::of(&authority);
    house.configure("one", server.url(), &authority);
    let size = house.size();
    let dir = house.folder.path().join("out");
    for roles in [vec![], vec![Role::Approver]] {
        let stranger = Ctx { roles, ..house.ctx.clone() };
        let kinds = [
            house.try_stamp(&stranger).await.unwrap_err().kind,
            super::write_queries(&house.repo, &stranger, &dir).await.unwrap_err().kind,
            super::take_replies(&house.repo, &stranger, &dir).await.unwrap_err().kind,
            list(&house.repo, &stranger).await.unwrap_err().kind,
        ];
        assert_eq!(kinds, [ErrorKind::Forbidden; 4]);
    }
    assert!(server.asked() == 0 && house.size() == size && !dir.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_authorities_the_way_to_configure_one_is_said() {
    let mut house = House::new().await;
    let error = house.try_stamp(&house.ctx).await.unwrap_err();
    let hints = error.hints.join("\n");
    for word in ["[[authority]]", "name =", "url =", "anchor =", "sago.toml"] {
        assert!(hints.contains(word), "{hints}");
    }
    let authority = Authority::new("one", 3000);
    house.configure("one", "http://127.0.0.1:1/".into(), &authority);
    house.configure("ONE", "http://127.0.0.1:1/".into(), &authority);
    let error = house.try_stamp(&house.ctx).await.unwrap_err();
    assert!(error.message.contains("Two authorities"), "{error}");
}
