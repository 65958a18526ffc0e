//! Yesterday's files put back: database, lock, log. Refused, named, mended.

use std::path::Path;

use super::{item, opens_to, refused, stocked};
use crate::cast::Stage;
use crate::shredding::copy_tree;

fn copy_database(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in ["index.db", "index.db-wal", "index.db-shm"] {
        match std::fs::copy(from.join(name), to.join(name)) {
            Ok(_) => {}
            Err(_) => std::fs::remove_file(to.join(name)).unwrap_or_default(),
        }
    }
}

fn deposit_more(stage: &Stage) {
    stage.file("more/three.txt", "three");
    stage.deposit(&stage.path("more"));
}

/// Says that everything that was ever received is there.
#[track_caller]
fn assert_all_there(stage: &Stage) {
    for (item, content) in [(&item(1, 1), "one"), (&item(1, 2), "two"), (&item(2, 1), "three")] {
        opens_to(stage, item, content);
    }
    stage.verify_everything();
}

#[test]
fn yesterdays_database_is_refused_named_and_mended() {
    let stage = stocked();
    let yesterday = stage.path("yesterday");
    copy_database(&stage.repo, &yesterday);
    deposit_more(&stage);
    copy_database(&yesterday, &stage.repo);
    for line in ["list", "list items", "fixity", "key list"] {
        refused(stage.say(line), &["The database is older than the", "log: it knows", "are missing from it", "sago rebuild", "loses nothing"]);
    }
    stage.file("later/four.txt", "four");
    refused(stage.sago(["deposit", stage.path("later").to_str().unwrap(), "--contributor", "c", "--title", "t"]), &["The database is older"]);
    let found = stage.say("verify --json").ends(1);
    assert!(found.objects().iter().any(|one| one["code"] == "database-row-missing"), "{found:?}");
    let rebuilt = stage.say("rebuild --json");
    assert!(rebuilt.code <= 1, "{rebuilt:?}");
    assert!(rebuilt.object()["differences"].as_u64().unwrap() > 0, "the rebuild does not say what was missing: {rebuilt:?}");
    assert_all_there(&stage);
}

#[test]
fn a_lost_or_broken_database_is_said_and_rebuilt() {
    let stage = stocked();
    deposit_more(&stage);
    let path = stage.repo.join("index.db");
    let whole = std::fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn[4096..].iter_mut().for_each(|byte| *byte = 0x5a);
    for (what, bytes) in [
        ("absent", None),
        ("garbage", Some(crate::cast::Seeded(3).bytes(100_000))),
        ("text", Some(b"this is a text, not a database, although it is longer than a hundred bytes: it goes on and on and on and on".to_vec())),
        ("empty", Some(Vec::new())),
        ("half", Some(whole[..whole.len() / 2 / 4096 * 4096].to_vec())),
        ("torn", Some(torn)),
    ] {
        for name in ["index.db", "index.db-wal", "index.db-shm"] {
            std::fs::remove_file(stage.repo.join(name)).unwrap_or_default();
        }
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        refused(stage.say("list"), &["database", "sago rebuild"]);
        let found = stage.say("verify --json").ends(1);
        assert!(found.objects().iter().any(|one| one["code"].as_str().is_some_and(|code| code.starts_with("database"))), "{what}: {found:?}");
        let rebuilt = stage.say("rebuild --json");
        assert!(rebuilt.code <= 1, "{what}: {rebuilt:?}");
        assert_all_there(&stage);
    }
}

#[test]
fn a_missing_lock_is_refused() {
    let stage = stocked();
    let lock = stage.repo.join("lock/custody-1");
    let text = std::fs::read(&lock).unwrap();
    std::fs::remove_file(&lock).unwrap();
    for line in ["list", "fixity", "key list", "rebuild"] {
        if line == "rebuild" {
            // Reading the log back needs no lock; signing does.
            refused(stage.say(line), &["lock"]);
        } else {
            refused(stage.say(line), &["The lock of the custody log is missing", "sago restore"]);
        }
    }
    // A copy of a repository has no lock: a warning, not an error.
    assert!(stage.say("verify --json").objects().iter().any(|one| one["code"] == "lock-missing" && one["path"] == "lock/custody-1"));
    assert!(!lock.exists(), "a lock was silently made anew");
    std::fs::write(&lock, text).unwrap();
    stage.verify_everything();
}

#[test]
fn a_log_that_was_rolled_back_is_not_signed_and_is_named() {
    let stage = stocked();
    let yesterday = stage.path("yesterday");
    copy_tree(&stage.repo.join("log"), &yesterday);
    deposit_more(&stage);
    let today = stage.path("today");
    copy_tree(&stage.repo.join("log"), &today);
    let lock = std::fs::read(stage.repo.join("lock/custody-1")).unwrap();
    std::fs::remove_dir_all(stage.repo.join("log")).unwrap();
    copy_tree(&yesterday, &stage.repo.join("log"));
    let found = stage.say("verify --json").ends(1);
    assert!(
        found.objects().iter().any(|one| one["path"].as_str().is_some_and(|path| path.contains("lock") || path.contains("log") || path.contains("checkpoint"))),
        "{found:?}"
    );
    stage.file("later/four.txt", "four");
    for _ in 0..2 {
        refused(
            stage.sago(["deposit", stage.path("later").to_str().unwrap(), "--contributor", "c", "--title", "t"]),
            &["custody log", "last signed", "Nothing was signed"],
        );
    }
    assert_eq!(std::fs::read(stage.repo.join("lock/custody-1")).unwrap(), lock, "a fork was signed");
    let published = std::fs::read(stage.repo.join("log/1/custody/checkpoint")).unwrap();
    assert!(published == std::fs::read(yesterday.join("1/custody/checkpoint")).unwrap() || published == lock, "another head was published");
    // The newer files come back, and whatever was entered meanwhile is integrated.
    std::fs::remove_dir_all(stage.repo.join("log")).unwrap();
    copy_tree(&today, &stage.repo.join("log"));
    assert_all_there(&stage);
}

#[test]
fn a_lock_that_was_rolled_back_is_refused() {
    let stage = stocked();
    let lock = stage.repo.join("lock");
    let yesterday = stage.path("yesterday");
    copy_tree(&lock, &yesterday);
    deposit_more(&stage);
    let today = stage.path("today");
    copy_tree(&lock, &today);
    copy_tree(&yesterday, &lock);
    let checkpoint = stage.repo.join("log/1/custody/checkpoint");
    let before = std::fs::read(&checkpoint).unwrap();
    refused(stage.say("list"), &["not the one that was signed last"]);
    stage.say("verify").ends(1);
    assert_eq!(std::fs::read(&checkpoint).unwrap(), before, "a fork was published");
    let access = std::fs::read(lock.join("access-1")).unwrap();
    copy_tree(&today, &lock);
    std::fs::write(lock.join("access-1"), access).unwrap();
    assert_all_there(&stage);
}
