//! Many nodes on one repository: jobs are shared, a node that dies loses nothing, versions too far apart are refused, the log is public.

mod homes;
pub mod process;
mod served;
mod together;
mod versions;

use std::collections::BTreeSet;

use process::{Running, set};

use crate::cast::Stage;

/// A repository of `count` accessions, one object each, whose files are all due at once, and short leases.
fn backlog(count: usize) -> Stage {
    let stage = Stage::new();
    for n in 0..count {
        let source = stage.file(&format!("disk {n}/one.txt"), format!("number {n}"));
        stage.deposit(source.parent().unwrap());
    }
    set(&stage.repo, "interval_days", 0);
    set(&stage.repo, "lease_seconds", 2);
    set(&stage.repo, "poll_ms", 20);
    // Reading has a story of its own.
    set(&stage.repo, "read_seconds", 0);
    stage
}

/// The objects that the log says were read, one for each time.
fn objects_read(stage: &Stage) -> Vec<String> {
    let events = stage.say("log --all --json").ends(0).objects();
    let results = events.iter().filter(|event| event["kind"] == "fixity-checked").flat_map(|event| event["detail"]["results"].as_array().unwrap().clone());
    results.map(|result| result.as_str().unwrap().split('/').next().unwrap().to_owned()).collect()
}

fn files_of_fixity(line: &serde_json::Value) -> Option<String> {
    (line["job"] == "fixity" && line["subject"] != "" && line["outcome"] == "done").then(|| line["subject"].as_str().unwrap().to_owned())
}

#[test]
fn two_nodes_share_a_backlog_without_doing_a_job_twice() {
    let stage = backlog(12);
    // Nobody takes over from the one that dies while it plans: where everything is always due, planning again would find it due again.
    set(&stage.repo, "lease_seconds", 60);
    // The jobs are planned and nothing is done yet.
    Running::begin_with(&stage, &["work", "--json"], &[("SAGO_FAULT_AT", "job-planned")]).dies();
    let mut nodes = [Running::begin(&stage, &["work", "--json"]), Running::begin(&stage, &["work", "--json"])];
    let mut done: Vec<String> = Vec::new();
    process::until(|| {
        done.extend(nodes.iter_mut().flat_map(Running::objects).filter_map(|line| files_of_fixity(&line)));
        done.len() >= 12
    });
    for node in nodes {
        node.ends_when_asked();
    }
    let different: BTreeSet<_> = done.iter().collect();
    assert_eq!((done.len(), different.len()), (12, 12), "{done:?}");
    let mut read = objects_read(&stage);
    read.sort();
    let expected: BTreeSet<_> = read.iter().cloned().collect();
    assert_eq!((read.len(), expected.len()), (12, 12), "{read:?}");
    stage.verify_everything();
}

#[test]
fn what_a_killed_node_was_doing_another_does_after_its_lease() {
    // The first three in mid-checkpoint: the event is entered, the head that covers it is not signed, or not published.
    for point in ["log-files-written", "log-locked", "log-published", "job-claimed:3", "fixity-read", "job-worked:3", "job-worked:4", "job-planned"] {
        let stage = backlog(2);
        Running::begin_with(&stage, &["work", "--json"], &[("SAGO_FAULT_AT", point)]).dies();
        let mut other = Running::begin(&stage, &["work", "--json"]);
        let mut done = BTreeSet::new();
        let mut again = 0;
        process::until(|| {
            for line in other.objects() {
                again += u64::from(line["attempt"].as_u64() > Some(1));
                done.extend(files_of_fixity(&line));
            }
            let read: BTreeSet<_> = objects_read(&stage).into_iter().collect();
            again > 0 && read.len() == 2 && done.len() == 2
        });
        other.ends_when_asked();
        // Where the interval is nothing, as here, planning once more finds everything due once more.
        if !["job-claimed:3", "job-worked:3", "job-planned"].contains(&point) {
            assert_eq!(objects_read(&stage).len(), 2, "{point}: what was entered is not read again");
        }
        assert_eq!(again, 1, "{point}: only what was interrupted is tried again");
        stage.verify_everything();
    }
}

#[test]
fn a_node_does_what_is_due_once_and_ends() {
    let stage = backlog(1);
    let lines = stage.say("work --once --json").ends(0).objects();
    let kinds: BTreeSet<_> = lines.iter().map(|line| line["job"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), ["fixity", "integrate", "recover"]);
    assert_eq!(lines.iter().filter_map(files_of_fixity).count(), 1);
    assert!(lines.iter().all(|line| line["outcome"] == "done" && line["attempt"] == 1), "{lines:?}");
    // Nothing is due again.
    assert_eq!(stage.say("work --once --json").ends(0).objects().len(), 0);
    stage.verify_everything();
}

#[test]
fn a_node_that_finds_an_altered_file_says_so() {
    let stage = backlog(1);
    let content = process::tree(&stage.repo.join("store")).into_iter().find(|path| path.ends_with("v1/content/o/000001.age")).unwrap();
    let mut bytes = std::fs::read(&content).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&content, bytes).unwrap();
    let answer = stage.say("work --once --json").ends(1);
    assert!(answer.objects().iter().any(|line| line["failures"] == 1), "{answer:?}");
    assert!(answer.err.contains("ALARM"), "{answer:?}");
}

#[test]
fn a_node_ends_when_the_epoch_of_its_keys_does() {
    for words in [&["work"][..], &["serve", "--listen", "127.0.0.1:0", "--no-jobs"]] {
        let stage = backlog(1);
        let node = Running::begin(&stage, words);
        let pages = stage.path("new pages");
        stage.sago(["key", "rotate", "--custodians", "3", "--threshold", "2", "--shares-dir", pages.to_str().unwrap()]).ends(0);
        let said = node.ends_by_itself(2);
        assert!(said.contains("Epoch 1 of the keys ended") && said.contains("Run the same command again"), "{said}");
        // With the new epoch's keys it works.
        stage.say("work --once").ends(0);
        stage.verify_everything();
    }
}

#[test]
fn a_database_is_not_replaced_under_a_node_that_has_it_open() {
    let stage = backlog(1);
    let node = Running::begin(&stage, &["work"]);
    let refused = stage.say("rebuild").ends(2);
    assert!(refused.err.contains("sago work") && refused.err.contains("Stop them"), "{refused:?}");
    node.ends_when_asked();
    stage.say("rebuild").ends(0);
    // A rebuilt database knows no jobs; the next node plans them again.
    assert!(stage.say("work --once --json").ends(0).objects().len() >= 3);
    stage.verify_everything();
}

crate::pairs::also_on_servers!(
    two_nodes_share_a_backlog_without_doing_a_job_twice,
    what_a_killed_node_was_doing_another_does_after_its_lease,
    a_node_does_what_is_due_once_and_ends,
    a_node_ends_when_the_epoch_of_its_keys_does,
);
