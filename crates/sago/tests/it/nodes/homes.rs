//! Two machines on one repository, each with its own staging folder: what one left is the other's only when it may be.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::process::set;
use crate::cast::{Answer, Stage, answer};

/// A second folder on the same repository: everything is shared but staging.
struct Two {
    stage: Stage,
    second: PathBuf,
}

impl Two {
    fn new() -> Self {
        let stage = Stage::new();
        // Nothing here may depend on how fast the test goes: leases end when the test says so.
        set(&stage.repo, "lease_seconds", 3600);
        let second = stage.path("second");
        std::fs::create_dir_all(second.join("staging")).unwrap();
        let text = std::fs::read_to_string(stage.repo.join("sago.toml")).unwrap();
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            let shared = ["store", "vault", "keys", "database"].into_iter().find(|name| line.starts_with(&format!("{name} = ")));
            let there = |name| line.split('"').nth(1).map(|path| format!("{name} = \"{}\"", stage.repo.join(path).display())).unwrap();
            lines.push(shared.map_or(line.to_owned(), there));
        }
        std::fs::write(second.join("sago.toml"), lines.join("\n") + "\n").unwrap();
        for shared in ["log", "lock", "stamps"] {
            std::os::unix::fs::symlink(stage.repo.join(shared), second.join(shared)).unwrap();
        }
        Self { stage, second }
    }

    fn words(&self, source: &Path) -> Vec<OsString> {
        let source = source.as_os_str().to_owned();
        ["deposit".into(), source, "--contributor".into(), "Partner".into(), "--title".into(), "Disk".into(), "--json".into()].into()
    }

    /// Begins a deposit on the first machine, which dies at a point.
    fn first_dies_at(&self, point: &str, source: &Path) {
        let died = answer(self.stage.command(self.words(source)).env("SAGO_FAULT_AT", point).output().unwrap());
        assert_eq!(died.code, -1, "{died:?}");
    }

    fn on_second(&self, line: &str) -> Answer {
        answer(self.stage.command(line.split_whitespace()).env("SAGO_REPO", &self.second).output().unwrap())
    }

    /// What the second machine sees of the only accession, after it has mended what it may.
    fn status(&self) -> String {
        let listed = self.on_second("list --json").ends(0).objects();
        assert_eq!(listed.len(), 1, "{listed:?}");
        listed[0]["status"].as_str().unwrap().to_owned()
    }

    fn set_leases(&self, change: &str) {
        let options = SqliteConnectOptions::new().filename(self.stage.repo.join("index.db"));
        let text = format!("UPDATE deposit_leases SET {change}");
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            let done = sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
            assert_eq!(done.rows_affected(), 1);
            // The process that died is as old as its deposit.
            sqlx::query("UPDATE nodes SET alive_until = 1").execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    }

    fn source(&self) -> PathBuf {
        self.stage.file("disk/one.txt", "one");
        self.stage.file("disk/two.txt", "two");
        self.stage.path("disk")
    }
}

const FIFTEEN_DAYS_AGO: &str = "lease_until = 1, home_seen = home_seen - 15 * 86400 * 1000000";

#[test]
fn what_is_whole_in_the_store_is_completed_by_another_node_once_the_lease_ended() {
    let two = Two::new();
    let source = two.source();
    two.first_dies_at("deposit-placed", &source);
    assert_eq!(two.status(), "prepared", "the first node may be alive");
    two.set_leases("lease_until = 1");
    assert_eq!(two.status(), "received");
    // The same command on the first machine learns what it received, and receives nothing twice.
    let again = two.stage.sago(two.words(&source)).ends(0).object();
    assert_eq!(again["items"], 2, "{again}");
    assert_eq!(two.status(), "received");
    assert_eq!(std::fs::read_dir(two.stage.repo.join("staging")).unwrap().count(), 0);
    two.stage.verify_everything();
}

#[test]
fn what_lies_in_the_staging_of_another_node_waits_for_it() {
    let two = Two::new();
    two.first_dies_at("deposit-prepared", &two.source());
    two.set_leases("lease_until = 1");
    assert_eq!(two.status(), "prepared");
    // Back again, it completes its deposit at once.
    two.stage.say("list").ends(0);
    assert_eq!(two.status(), "received");
    two.stage.verify_everything();
}

#[test]
fn what_lies_in_the_staging_of_a_node_that_never_came_back_is_set_aside() {
    let two = Two::new();
    two.first_dies_at("deposit-prepared", &two.source());
    two.set_leases(FIFTEEN_DAYS_AGO);
    assert_eq!(two.status(), "quarantined");
    two.stage.say("list").ends(0);
    assert_eq!(two.status(), "quarantined");
    assert!(std::fs::read_dir(two.stage.repo.join("staging")).unwrap().count() > 0, "what was set aside is kept");
    two.stage.verify_everything();
}

#[test]
fn a_deposit_that_was_begun_elsewhere_is_given_up_only_when_its_node_is_gone() {
    let two = Two::new();
    let source = two.source();
    two.first_dies_at("deposit-journaled", &source);
    assert_eq!(two.status(), "opened");
    two.set_leases("lease_until = 1");
    assert_eq!(two.status(), "opened", "the same command on the first machine may go on with it");
    two.set_leases(FIFTEEN_DAYS_AGO);
    assert_eq!(two.status(), "abandoned");
    // Its own node, back after all, begins anew and loses nothing.
    let anew = two.stage.sago(two.words(&source)).ends(0).object();
    assert_eq!((&anew["items"], &anew["resumed"]), (&2.into(), &0.into()), "{anew}");
    two.stage.verify_everything();
}
