//! Moving a repository between the pairs, and killing the move at every stage.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cast::{Answer, Stage, answer};
use crate::pairs::Remote;

/// Every stage at which a move is killed, and whether the old place has been retired by then.
const POINTS: &[(&str, bool)] = &[
    ("migrate-noted", false),
    ("migrate-copied", false),
    ("migrate-rows-copied", false),
    ("migrate-verified", false),
    ("migrate-entered", true),
    ("migrate-sent", true),
    ("migrate-placed", true),
];

/// A repository with odd names, an empty file and a sealed unit.
fn furnished() -> Stage {
    let stage = Stage::new();
    stage.file("disk/라디오/첫째.txt", "first");
    stage.file("disk/empty", "");
    stage.deposit(&stage.path("disk"));
    let sealed = stage.file("statement.txt", "a witness speaks");
    let words = ["deposit", sealed.to_str().unwrap(), "--contributor", "Witness", "--title", "Statement", "--sealed", "--json"];
    stage.sago(words).ends(0);
    stage
}

fn on(stage: &Stage, repo: &Path, words: &[&str]) -> Answer {
    let mut command = stage.command(words);
    command.env("SAGO_REPO", repo);
    // A move between the pairs reaches the servers, whichever pair the stage is on.
    for name in crate::pairs::VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    answer(command.output().unwrap())
}

fn migrate_words(to: &Path, remote: Option<&Remote>) -> Vec<String> {
    let mut words = vec!["migrate".to_owned(), "--to".to_owned(), to.to_str().unwrap().to_owned(), "--json".to_owned()];
    words.extend(remote.map(Remote::words).unwrap_or_default());
    words
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// What people see of a repository, and the verifier keys: the same before and after.
fn seen(stage: &Stage, repo: &Path) -> (Vec<Value>, Vec<Value>) {
    (on(stage, repo, &["list", "--json"]).ends(0).objects(), on(stage, repo, &["list", "items", "--json"]).ends(0).objects())
}

#[track_caller]
fn sound(stage: &Stage, repo: &Path) {
    assert_eq!(on(stage, repo, &["verify", "--json"]).ends(0).object()["sound"], true);
    assert_eq!(on(stage, repo, &["verify", "--without-keys", "--json"]).ends(0).object()["sound"], true);
}

/// The old place reads and verifies, and enters nothing.
#[track_caller]
fn retired(stage: &Stage, repo: &Path) {
    sound(stage, repo);
    let file = stage.file("late.txt", "too late");
    for words in [
        vec!["deposit", file.to_str().unwrap(), "--contributor", "X", "--title", "Y"],
        vec!["open", "A-2026-0001.00001", "--reason", "x", "--output", stage.path("x").to_str().unwrap()],
        vec!["fixity", "--all"],
        vec!["backup", stage.path("late backup").to_str().unwrap()],
        vec!["agent", "add", "--name", "Nobody", "--role", "auditor"],
    ] {
        let refused = on(stage, repo, &words).ends(2);
        assert!(refused.err.contains("moved"), "{words:?}: {}", refused.err);
    }
    assert!(!stage.path("x").exists());
    sound(stage, repo);
}

#[track_caller]
fn lives(stage: &Stage, repo: &Path) {
    sound(stage, repo);
    let file = stage.file("after.txt", "received after the move");
    let words = ["deposit", file.to_str().unwrap(), "--contributor", "Later", "--title", "After", "--json"];
    assert_eq!(on(stage, repo, &words).ends(0).object()["items"], 1);
    let output = stage.path(&format!("opened {}", uuid::Uuid::new_v4()));
    on(stage, repo, &["open", "A-2026-0001.00002", "--reason", "to see", "--output", output.to_str().unwrap()]).ends(0);
    assert!(["", "first"].contains(&std::fs::read_to_string(output).unwrap().as_str()));
    sound(stage, repo);
}

/// Moves and says what the new place is.
#[track_caller]
fn moves(stage: &Stage, from: &Path, name: &str, remote: Option<&Remote>) -> PathBuf {
    let to = stage.path(name);
    let before = seen(stage, from);
    let words = migrate_words(&to, remote);
    let moved = on(stage, from, &strs(&words)).ends(0).object();
    assert_eq!(moved["went_on"], false, "{moved}");
    assert_eq!(seen(stage, &to), before);
    retired(stage, from);
    // Said again, it is done already.
    assert!(on(stage, from, &strs(&words)).ends(2).err.contains("already"));
    to
}

#[test]
fn a_repository_moves_to_another_folder_and_the_old_place_enters_nothing_more() {
    let stage = furnished();
    let to = moves(&stage, &stage.repo, "second", None);
    lives(&stage, &to);
    // The log tells it, to whoever may read it.
    let log = on(&stage, &to, &["log", "--json"]).ends(0);
    assert_eq!(log.out.matches("repository-moved").count(), 1, "{}", log.out);
    // A database made anew from the old log does not bring the old place back to life, and a rebuilt new one lives.
    std::fs::remove_file(stage.repo.join("index.db")).unwrap();
    on(&stage, &stage.repo, &["rebuild"]).ends(0);
    retired(&stage, &stage.repo);
    on(&stage, &to, &["rebuild"]).ends(0);
    lives(&stage, &to);
}

#[test]
fn a_repository_moves_to_servers_and_back_and_to_other_servers() {
    let stage = furnished();
    let (one, two) = (Remote::new(), Remote::new());
    let there = moves(&stage, &stage.repo, "on servers", Some(&one));
    lives(&stage, &there);
    let other = moves(&stage, &there, "on other servers", Some(&two));
    lives(&stage, &other);
    let back = moves(&stage, &other, "back", None);
    lives(&stage, &back);
}

#[test]
fn what_is_not_whole_or_not_empty_does_not_move() {
    let stage = furnished();
    let full = stage.file("full/something", "of somebody").parent().unwrap().to_owned();
    let words = migrate_words(&full, None);
    assert!(on(&stage, &stage.repo, &strs(&words)).ends(2).err.contains("not empty"));
    let inside = stage.repo.join("inside");
    assert!(on(&stage, &stage.repo, &strs(&migrate_words(&inside, None))).ends(2).err.contains("lie one in the other"));
    // A flipped bit in a stored file.
    let damaged = stage.copy();
    let path = crate::shredding::tree(&damaged.repo.join("store")).into_iter().find(|path| path.to_string_lossy().contains("/o/")).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[200] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let to = damaged.path("second");
    let refused = on(&damaged, &damaged.repo, &strs(&migrate_words(&to, None))).ends(2);
    assert!(refused.err.contains("stays where it is"), "{}", refused.err);
    // A deposit that was interrupted.
    let dying = stage.copy();
    let file = dying.file("more.txt", "more");
    let mut command = dying.command(["deposit", file.to_str().unwrap(), "--contributor", "X", "--title", "Y"]);
    assert_ne!(command.env("SAGO_FAULT_AT", "deposit-journaled").output().unwrap().status.code(), Some(0));
    let refused = on(&dying, &dying.repo, &strs(&migrate_words(&dying.path("second"), None))).ends(2);
    assert!(refused.err.contains("under way") || refused.err.contains("at work"), "{}", refused.err);
    stage.verify_everything();
}

fn killed_everywhere(remote: impl Fn() -> Option<Remote>) {
    let base = furnished();
    for (point, is_retired) in POINTS {
        let stage = base.copy();
        let servers = remote();
        let to = stage.path("second");
        let before = seen(&stage, &stage.repo);
        let words = migrate_words(&to, servers.as_ref());
        let mut command = stage.command(&words);
        for name in crate::pairs::VARIABLES {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        let killed = command.env("SAGO_FAULT_AT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}: {}", String::from_utf8_lossy(&killed.stderr));
        if *is_retired {
            retired(&stage, &stage.repo);
        } else {
            // The old one is the live one: it can be used, and what is received meanwhile moves with it.
            assert!(on(&stage, &to, &["list"]).ends(2).err.contains("interrupted"), "{point}");
            let file = stage.file("meanwhile.txt", "meanwhile");
            stage.deposit(&file);
        }
        // One other folder does not get it.
        let elsewhere = migrate_words(&stage.path("third"), None);
        if *is_retired {
            on(&stage, &stage.repo, &strs(&elsewhere)).ends(2);
        }
        let moved = on(&stage, &stage.repo, &strs(&words)).ends(0).object();
        assert_eq!(moved["went_on"], *is_retired, "{point}: {moved}");
        assert_eq!(seen(&stage, &to).0.len(), before.0.len() + usize::from(!is_retired), "{point}");
        retired(&stage, &stage.repo);
        lives(&stage, &to);
    }
}

#[test]
fn a_move_that_is_killed_at_any_stage_goes_on() {
    killed_everywhere(|| None);
}

#[test]
fn a_move_to_servers_that_is_killed_at_any_stage_goes_on() {
    killed_everywhere(|| Some(Remote::new()));
}
