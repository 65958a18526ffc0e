//! The queue by itself: claims, leases, tokens, pauses.

use super::*;
use crate::backup::tests::House;
use crate::settings::{Epoch, Fixity, Paths};

struct Queue {
    folder: tempfile::TempDir,
    db: Db,
    settings: Settings,
}

impl Queue {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_file(&folder.path().join("index.db"), true).await.unwrap();
        let settings = Settings {
            format: 1,
            repository: Uuid::nil(),
            domain_unit: Uuid::nil(),
            place: Uuid::nil(),
            read_only: false,
            paths: Paths::default(),
            s3: crate::store::bucket::Server::default(),
            fixity: Fixity::default(),
            epoch: Epoch::default(),
            work: Work::default(),
            reading: crate::settings::Reading::default(),
            authority: Vec::new(),
            witness_quorum: None,
            witness: Vec::new(),
            replica: Vec::new(),
        };
        Self { folder, db, settings }
    }

    async fn plan(&self, subjects: &[&str]) -> u64 {
        let subjects: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        let mut conn = self.db.write().acquire().await.unwrap();
        plan(&self.db, &mut conn, Kind::Fixity, &subjects).await.unwrap()
    }

    async fn claim(&self) -> Option<Claim> {
        claim(&self.db, Uuid::new_v4(), &self.settings).await.unwrap()
    }

    async fn set(&self, change: &str) {
        sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE jobs SET {change}"))).execute(self.db.write()).await.unwrap();
    }

    async fn number(&self, expression: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT {expression} FROM jobs"))).fetch_one(self.db.read()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_claimed_once_and_planned_once() {
    let queue = Queue::new().await;
    assert_eq!(queue.plan(&["a", "b"]).await, 2);
    assert_eq!(queue.plan(&["b", "c"]).await, 1);
    let mut subjects = Vec::new();
    while let Some(claim) = queue.claim().await {
        subjects.push(claim.subject);
    }
    subjects.sort();
    assert_eq!(subjects, ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_claims_at_once_never_take_the_same_job() {
    let queue = Queue::new().await;
    let names: Vec<String> = (0..40).map(|n| format!("{n:02}")).collect();
    queue.plan(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut claimants = Vec::new();
    for _ in 0..4 {
        // Each with connections of its own, as a node has.
        let (db, settings) = (Db::open_file(&queue.folder.path().join("index.db"), false).await.unwrap(), queue.settings.clone());
        claimants.push(tokio::spawn(async move {
            let mut taken = Vec::new();
            loop {
                // Another may be faster between looking and claiming, so only an empty queue ends this.
                match claim(&db, Uuid::new_v4(), &settings).await.unwrap() {
                    Some(claim) => taken.push(claim.subject),
                    None => return taken,
                }
            }
        }));
    }
    let mut all = Vec::new();
    for claimant in claimants {
        all.extend(claimant.await.unwrap());
    }
    all.sort();
    assert_eq!(all, names);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lease_can_neither_finish_nor_enter() {
    let queue = Queue::new().await;
    queue.plan(&["a"]).await;
    let old = queue.claim().await.unwrap();
    assert!(old.renew(&queue.db, &queue.settings.work).await.unwrap());
    queue.set("lease_until = 1").await;
    assert!(!old.renew(&queue.db, &queue.settings.work).await.unwrap());
    let new = queue.claim().await.unwrap();
    assert_eq!((new.attempt, new.token), (2, old.token + 1));
    assert!(!old.finish(&queue.db, &queue.settings).await.unwrap());
    assert!(!old.fail(&queue.db, "a defect", false).await.unwrap());
    assert!(!old.give_back(&queue.db).await.unwrap());
    let mut tx = queue.db.begin_write().await.unwrap();
    assert!(old.fence(&queue.db, &mut tx).await.is_err());
    new.fence(&queue.db, &mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(new.finish(&queue.db, &queue.settings).await.unwrap());
    assert_eq!(queue.number("COUNT(*)").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_waits_longer_each_time_and_corrupt_at_once() {
    let queue = Queue::new().await;
    queue.plan(&["a"]).await;
    let pause = format!("due_at - {}", now(queue.db.engine));
    for expected in [5, 10, 20, 40] {
        let claim = queue.claim().await.unwrap();
        assert!(claim.fail(&queue.db, "a defect", false).await.unwrap());
        let waits = queue.number(&pause).await;
        // Half of the pause is room for a slow machine; the pause before was no longer than that.
        assert!(waits <= expected * 1_000_000 && waits > expected * 500_000, "{waits} microseconds instead of {expected} seconds");
        assert_eq!(queue.claim().await, None);
        queue.set("due_at = 0").await;
    }
    assert_eq!(troubled(&queue.db).await.unwrap()[0].attempts, 4);
    queue.claim().await.unwrap().fail(&queue.db, "stored bytes are not what was recorded", true).await.unwrap();
    assert!(queue.number(&pause).await > 3500 * 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_gives_its_job_back_and_enters_nothing_half_read() {
    let house = House::build().await;
    house.deposit("testimony.txt", b"what happened").await;
    let (mut repo, ctx) = house.open().await;
    repo.settings.fixity.interval_days = 0;
    let object: String = sqlx::query_scalar("SELECT object FROM contents").fetch_one(repo.db().read()).await.unwrap();
    let mut tx = repo.db().begin_write().await.unwrap();
    plan(repo.db(), &mut tx, Kind::Fixity, &[object]).await.unwrap();
    tx.commit().await.unwrap();
    let checks =
        || async { sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM events WHERE kind = 'fixity-checked'").fetch_one(repo.db().read()).await.unwrap() };
    for (is_asked, files) in [(true, None), (false, Some(&1))] {
        let claim = claim(repo.db(), Uuid::new_v4(), &repo.settings).await.unwrap().unwrap();
        let (_ask, asked) = tokio::sync::watch::channel(is_asked);
        let ran = run::run(&repo, &ctx, claim, &asked).await.unwrap();
        assert_eq!((ran.claim.attempt, matches!(ran.verdict, Verdict::GivenBack)), (1, is_asked), "{ran:?}");
        assert_eq!((ran.counts.get("files"), checks().await), (files, i64::from(!is_asked)), "{ran:?}");
    }
    assert_eq!(claim(repo.db(), Uuid::new_v4(), &repo.settings).await.unwrap(), None);
    repo.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_given_back_counts_no_attempt() {
    let queue = Queue::new().await;
    queue.plan(&["a"]).await;
    queue.claim().await.unwrap().give_back(&queue.db).await.unwrap();
    assert_eq!(queue.claim().await.unwrap().attempt, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_periodic_job_exists_once_and_comes_again() {
    let queue = Queue::new().await;
    plan_periodic(&queue.db, &queue.settings).await.unwrap();
    plan_periodic(&queue.db, &queue.settings).await.unwrap();
    // No authority, witness or replica is configured, so nobody is to be asked for anything.
    assert_eq!(queue.number("COUNT(*)").await, 4);
    for _ in 0..4 {
        let claim = queue.claim().await.unwrap();
        assert!(claim.finish(&queue.db, &queue.settings).await.unwrap());
    }
    assert_eq!(queue.claim().await, None);
    assert_eq!(queue.number("COUNT(*)").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_from_a_clock_that_stood_wrong_binds_nobody() {
    let queue = Queue::new().await;
    queue.plan(&["a"]).await;
    queue.claim().await.unwrap();
    assert_eq!(queue.claim().await, None);
    queue.set("lease_until = lease_until + 86400 * CAST(1000000 AS BIGINT)").await;
    assert!(queue.claim().await.is_some());
}
