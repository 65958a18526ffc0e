//! Group commit: what a task was told is durable is there after `kill -9`, and every task hears of its own event.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use sago_core::ctx::{Clock, Ctx};
use sago_core::ledger::event::{ListShown, ListShownDetail, Log};
use sago_core::ledger::group::group;
use sago_core::repository::{NewRepository, Repository};
use sago_core::settings::{Places, Settings};
use sago_core::user::act_as;
use sago_core::verify::verify_without_keys;

const WORDS: &str = "seven words that only this test may use";

/// Names the repository in which a copy of this program writes until it is killed.
const CHILD: &str = "SAGO_TEST_GROUP_CHILD";

async fn create(root: &Path) {
    let new = NewRepository {
        name: "Canary Archive".into(),
        custodians: 3,
        threshold: 2,
        passphrase: WORDS.to_owned().into(),
        work_factor: 10,
        elsewhere: sago_core::settings::Elsewhere::default(),
        first_person: "Canary Custodian".into(),
    };
    Repository::create(root, &new, Clock::System).await.unwrap().repository.close().await;
}

async fn open(root: &Path) -> (Repository, Ctx) {
    let repo = Repository::open(root, &WORDS.to_owned().into(), Clock::System).await.unwrap();
    let ctx = act_as(&repo, None, Clock::System).await.unwrap();
    (repo, ctx)
}

/// Enters events from many tasks for ever, and prints the index of each as soon as it is acknowledged.
async fn write_until_killed(root: &Path) {
    let (repo, ctx) = open(root).await;
    let domain = repo.settings.domain_unit;
    let (entry, committer) = group();
    for task in 0..32 {
        let entry = entry.clone();
        tokio::spawn(async move {
            loop {
                let event = ListShown {}.with(ListShownDetail { what: "items".into(), rows: task });
                println!("{}", entry.enter(domain, event).await.unwrap().index);
            }
        });
    }
    drop(entry);
    committer.run(&repo, &ctx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_entry_is_there_after_a_kill() {
    if let Some(root) = std::env::var_os(CHILD) {
        return write_until_killed(Path::new(&root)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("house");
    create(&root).await;
    let mut acknowledged = BTreeSet::new();
    for kill_after in [1, 300, 1_000] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "every_acknowledged_entry_is_there_after_a_kill", "--nocapture"])
            .env(CHILD, &root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut heard = 0;
        // The harness prints lines of its own; what is still in the pipe after the kill was acknowledged too.
        for index in lines.filter_map(|line| line.parse::<u64>().ok()) {
            heard += 1;
            assert!(acknowledged.insert(index), "two tasks were told the index {index}");
            if heard == kill_after {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(heard >= kill_after);
    }
    let (repo, ctx) = open(&root).await;
    repo.integrate(&ctx).await.unwrap();
    let size: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE log = $1").bind(Log::Access.name()).fetch_one(repo.db().read()).await.unwrap();
    let last = acknowledged.last().copied().unwrap();
    assert!(u64::try_from(size).unwrap() > last, "{size} entries, and {last} was acknowledged");
    repo.close().await;
    let places = Places::resolve(&root, &Settings::read(&root).unwrap()).unwrap();
    let now = sago_stamp::Moment::from_seconds(jiff::Timestamp::now().as_second());
    let report = verify_without_keys(&places, &sago_verify::Options::at(now)).await.unwrap();
    // The keys are those of the repository itself: nobody gave others.
    let found: Vec<_> = report.findings.iter().filter(|finding| finding.code != "key-from-package").collect();
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_is_told_the_place_of_its_own_event() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("house");
    create(&root).await;
    let (repo, ctx) = open(&root).await;
    let domain = repo.settings.domain_unit;
    let (entry, committer) = group();
    let tasks: Vec<_> = (0..100_u64)
        .map(|rows| {
            let entry = entry.clone();
            tokio::spawn(async move { (rows, entry.enter(domain, ListShown {}.with(ListShownDetail { what: "items".into(), rows })).await.unwrap()) })
        })
        .collect();
    drop(entry);
    let transactions = committer.run(&repo, &ctx).await;
    assert!(transactions < 100, "{transactions} transactions for 100 events that waited together");
    repo.integrate(&ctx).await.unwrap();
    for task in tasks {
        let (rows, position) = task.await.unwrap();
        let stored = sago_core::ledger::proof::read_event(&repo, Log::Access, position.generation, position.index).await.unwrap();
        let detail = format!("{:?}", stored.event);
        assert!(detail.contains(&format!("rows: {rows} ")), "{detail}");
    }
    repo.close().await;
}
