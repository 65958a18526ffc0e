//! Nodes at work at once for a while: two that sign, and some that are killed.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use sago_ledger::merkle::root_at;
use sago_ledger::source::{FolderSource, TileReader};

use super::backlog;
use super::process::{Running, set, until};
use crate::cast::{Seeded, Stage, rounds};
use crate::kills::witness::{Witness, deposit};

/// Deposits of each of the two that receive.
const DEPOSITS: usize = 4;

fn hurry(stage: &Stage) {
    set(&stage.repo, "integrate_seconds", 1);
    set(&stage.repo, "recover_seconds", 1);
}

/// Size and root of the published head of a log, by size.
fn note_head(stage: &Stage, log: &str, heads: &mut BTreeMap<u64, String>) {
    let text = match &stage.remote {
        Some(remote) => remote.read("log", &format!("1/{log}/checkpoint")),
        None => std::fs::read(stage.repo.join(format!("log/1/{log}/checkpoint"))).unwrap(),
    };
    let text = String::from_utf8(text).unwrap();
    let mut lines = text.lines().skip(1);
    let (size, root) = (lines.next().unwrap().parse().unwrap(), lines.next().unwrap().to_owned());
    let newest = heads.keys().next_back().copied().unwrap_or(0);
    assert!(size >= newest, "the {log} log went from {newest} back to {size}");
    let known = heads.entry(size).or_insert_with(|| root.clone());
    assert_eq!(*known, root, "two heads of the {log} log at {size}");
}

#[test]
fn two_sequencers_at_once_sign_one_log() {
    let stage = backlog(1);
    hurry(&stage);
    for n in 0..2 * DEPOSITS {
        stage.file(&format!("more {n}/file.txt"), format!("number {n}"));
    }
    let nodes = [Running::begin(&stage, &["work"]), Running::begin(&stage, &["work"])];
    let mut heads = [BTreeMap::new(), BTreeMap::new()];
    for n in 0..DEPOSITS {
        // Two deposits at once, each of which also signs, beside the two nodes.
        let both = [n, DEPOSITS + n].map(|n| {
            let words = deposit(&stage.path(&format!("more {n}")), &format!("More {n}"), &[]);
            stage.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        });
        for mut child in both {
            while child.try_wait().unwrap().is_none() {
                for (log, heads) in ["custody", "access"].into_iter().zip(&mut heads) {
                    note_head(&stage, log, heads);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            crate::cast::answer(child.wait_with_output().unwrap()).ends(0);
        }
    }
    for node in nodes {
        node.ends_when_asked();
    }
    // Every head that anybody saw is a head of the one log there is.
    let folder = stage.local("log");
    for (log, heads) in ["custody", "access"].into_iter().zip(&mut heads) {
        note_head(&stage, log, heads);
        let source = FolderSource::new(folder.join("1").join(log));
        let last = *heads.keys().next_back().unwrap();
        for (size, root) in heads {
            let mut reader = TileReader::new(&source, last);
            assert_eq!(root_at(*size, &mut reader).unwrap().to_base64(), *root, "{log} at {size}");
        }
    }
    assert!(heads[0].len() > DEPOSITS, "only {} heads were seen", heads[0].len());
    assert_eq!(stage.say("list --json").ends(0).objects().len(), 1 + 2 * DEPOSITS);
    stage.verify_everything();
}

#[test]
fn soak_kills_with_two_nodes_at_work() {
    let mut random = Seeded::from_environment();
    println!("seed {}", random.0);
    let stage = backlog(2);
    hurry(&stage);
    let mut witness = Witness::of(&stage);
    let usual = if stage.remote.is_some() { 2 } else { 4 };
    let rounds = rounds(usual);
    let mut kills = [0_u64; 3];
    for round in 0..rounds {
        for n in 0..40 {
            stage.file(&format!("round {round}/{n}.bin"), random.bytes(usize::try_from(random.0 % 60_000).unwrap()));
        }
        let mut nodes = vec![Running::begin(&stage, &["work"]), Running::begin(&stage, &["work"])];
        let words = deposit(&stage.path(&format!("round {round}")), &format!("Round {round}"), &[]);
        let mut child = stage.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.below(900)));
        let whom = usize::try_from(random.below(3)).unwrap();
        kills[whom] += 1;
        if whom == 2 {
            child.kill().unwrap();
        } else {
            // Dropped, it is killed.
            drop(nodes.swap_remove(whom));
        }
        let ended = child.wait().unwrap();
        let place = format!("round {round}: {} was killed", ["a node", "the other node", "the deposit"][whom]);
        assert!(ended.success() || whom == 2, "{place}: {ended}");
        // Beside the nodes that are left.
        stage.verify_everything();
        let title = format!("Round {round}");
        let received = |stage: &Stage| {
            let listed = stage.say("list --json").ends(0).objects();
            listed.iter().filter(|one| one["title"] == title.as_str() && one["status"] == "received").count()
        };
        if received(&stage) == 0 {
            // Or it was just completed by a node.
            let again = stage.sago(&words);
            assert_eq!(again.code, 0, "{place}: {again:?}");
        }
        for node in nodes {
            node.ends_when_asked();
        }
        let count = received(&stage);
        // A node may complete what the killed command prepared in the very moment in which the same command is run again.
        assert!(count == 1 || (count == 2 && whom == 2), "{place}: received {count} times");
        witness.look(&stage, &place);
        stage.verify_everything();
    }
    assert_eq!(stage.say("fixity --all --json").ends(0).object()["failures"], 0);
    // Refused while a node that was killed in the last round counts as alive: until its lease ends.
    let mut rebuilt = stage.say("rebuild --json");
    until(|| {
        if rebuilt.code == 2 && rebuilt.out.contains("These nodes have the database open") {
            rebuilt = stage.say("rebuild --json");
        }
        rebuilt.code != 2
    });
    assert_eq!(rebuilt.ends(0).object()["differences"], 0);
    stage.verify_everything();
    println!("{rounds} rounds; killed were nodes {} times, deposits {} times", kills[0] + kills[1], kills[2]);
}

crate::pairs::also_on_servers!(two_sequencers_at_once_sign_one_log, soak_kills_with_two_nodes_at_work,);
