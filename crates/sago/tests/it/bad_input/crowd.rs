//! Many at once: files in one folder, bytes in one file, people at one repository.

use std::fmt::Write as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::{accession, item, stocked};
use crate::cast::{Stage, answer};

/// Runs a process to its end; its answer, how long it took, and the most memory it ever held, in bytes.
fn measured(mut child: Child) -> (crate::cast::Answer, Duration, u64) {
    let begun = Instant::now();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    // The kernel keeps the greatest value: what is missed between two looks is not lost, except in the last instant.
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kibibytes = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(kibibytes.unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_millis(20));
    }
    (answer(child.wait_with_output().unwrap()), begun.elapsed(), most)
}

fn begin(stage: &Stage, arguments: &[&str]) -> Child {
    stage.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_file_larger_than_memory_may_be_passes_in_little_memory() {
    const BYTES: u64 = 3 << 29;
    const MOST_MEMORY: u64 = 300_000_000;
    let stage = Stage::new();
    std::fs::create_dir(stage.path("disk")).unwrap();
    let film = stage.path("disk/film.mp4");
    std::fs::File::create(&film).unwrap().set_len(BYTES).unwrap();
    let (deposited, took, memory) = measured(begin(&stage, &["deposit", stage.path("disk").to_str().unwrap(), "--contributor", "c", "--title", "t", "--json"]));
    assert_eq!(deposited.ends(0).object()["bytes"], BYTES);
    println!("deposit of {BYTES} bytes: {took:?}, {memory} bytes of memory");
    assert!(memory > 1_000_000 && memory < MOST_MEMORY, "{memory} bytes of memory");
    let opened = stage.path("opened");
    let (answer, took, memory) = measured(begin(&stage, &["open", &item(1, 1), "--reason", "to watch", "--output", opened.to_str().unwrap()]));
    answer.ends(0);
    println!("opening it: {took:?}, {memory} bytes of memory");
    assert!(memory < MOST_MEMORY, "{memory} bytes of memory");
    assert_eq!(opened.metadata().unwrap().len(), BYTES);
    stage.verify_everything();
}

/// 30,000 files in one folder, 300,000 in a soak: three objects and more, and no limit in sight.
#[test]
fn very_many_files_in_one_folder_are_one_deposit() {
    let count: u64 = if std::env::var_os("SAGO_SOAK_ROUNDS").is_some() { 300_000 } else { 30_000 };
    let stage = Stage::new();
    let disk = stage.path("disk");
    std::fs::create_dir(&disk).unwrap();
    for n in 0..count {
        std::fs::write(disk.join(format!("{n:06}.txt")), format!("file {n}")).unwrap();
    }
    let (deposited, took, memory) = measured(begin(&stage, &["deposit", disk.to_str().unwrap(), "--contributor", "c", "--title", "t", "--json"]));
    let deposited = deposited.ends(0).object();
    assert_eq!((&deposited["items"], &deposited["findings"], &deposited["duplicates"]), (&count.into(), &0.into(), &0.into()));
    println!("deposit of {count} files: {took:?}, {memory} bytes of memory");
    let inventories = crate::shredding::tree(&stage.repo.join("store")).iter().filter(|path| path.ends_with("v1/inventory.json")).count() as u64;
    assert_eq!(inventories, count.div_ceil(10_000), "objects");
    let begun = Instant::now();
    let listed = stage.say("list items --json").ends(0);
    let lines = listed.out.lines().count() as u64;
    assert_eq!(lines, count);
    println!("listing them: {:?}", begun.elapsed());
    let last = stage.say(&format!("show {}.{count:05} --json", accession(1))).ends(0).object();
    assert_eq!(last["path"], format!("disk/{:06}.txt", count - 1));
    let begun = Instant::now();
    stage.verify_everything();
    println!("verifying them: {:?}", begun.elapsed());
}

#[test]
fn two_deposits_at_once_both_succeed() {
    let stage = stocked();
    for round in 0..crate::cast::rounds(4) {
        let mut children = Vec::new();
        for who in 0..3 {
            let disk = format!("disk {round} {who}");
            for n in 0..40 {
                stage.file(&format!("{disk}/{n}.txt"), format!("{round} {who} {n}"));
            }
            children.push(begin(&stage, &["deposit", stage.path(&disk).to_str().unwrap(), "--contributor", "c", "--title", &disk, "--json"]));
        }
        // Meanwhile others come and go: each opening of the repository looks for what a crash may have left.
        for _ in 0..4 {
            children.push(begin(&stage, &["list", "--json"]));
        }
        let mut said = String::new();
        for child in children {
            let answer = answer(child.wait_with_output().unwrap());
            if answer.code != 0 {
                writeln!(said, "{answer:?}").unwrap();
            }
        }
        assert!(said.is_empty(), "round {round}: {said}");
    }
    let listed = stage.say("list --json").ends(0).objects();
    assert!(listed.iter().all(|one| one["status"] == "received"), "{listed:?}");
    assert_eq!(listed.iter().filter(|one| one["items"] == 40).count() as u64, crate::cast::rounds(4) * 3);
    stage.verify_everything();
}

#[test]
fn a_long_deposit_is_left_alone_by_everybody_who_comes_meanwhile() {
    let stage = stocked();
    for n in 0..1_500 {
        stage.file(&format!("long/{n:04}.txt"), format!("{n}"));
    }
    let mut long = begin(&stage, &["deposit", stage.path("long").to_str().unwrap(), "--contributor", "c", "--title", "long", "--json"]);
    let mut openings = 0;
    while long.try_wait().unwrap().is_none() {
        stage.say("list --json").ends(0);
        openings += 1;
    }
    let deposited = answer(long.wait_with_output().unwrap()).ends(0).object();
    assert!(openings > 1, "nobody came meanwhile");
    assert_eq!(deposited["items"], 1_500);
    stage.verify_everything();
}

#[test]
fn the_same_deposit_begun_twice_at_once_loses_nothing() {
    let stage = stocked();
    for n in 0..300 {
        stage.file(&format!("same/{n:04}.txt"), format!("{n}"));
    }
    let arguments = ["deposit", stage.path("same").to_str().unwrap(), "--contributor", "c", "--title", "same", "--json"].map(str::to_owned);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (one, two) = (begin(&stage, &arguments), begin(&stage, &arguments));
    let answers = [one, two].map(|child| answer(child.wait_with_output().unwrap()));
    let received = answers.iter().filter(|answer| answer.code == 0).count();
    assert!(received >= 1, "{answers:?}");
    for answer in answers {
        // The second may be told that the first is at it; it must not fail otherwise.
        assert!(answer.code == 0 || answer.err.contains("under way in another process"), "{answer:?}");
    }
    let listed = stage.say("list --json").ends(0).objects();
    assert_eq!(listed.iter().filter(|one| one["items"] == 300 && one["status"] == "received").count(), received, "{listed:?}");
    stage.verify_everything();
}

#[test]
fn what_arrives_while_an_epoch_ends_is_received_or_refused_but_never_lost() {
    let stage = stocked();
    for round in 1..=crate::cast::rounds(3) {
        let disks: Vec<String> = (0..4).map(|who| format!("rotated {round} {who}")).collect();
        for (who, disk) in disks.iter().enumerate() {
            for n in 0..150 * who {
                stage.file(&format!("{disk}/{n}.txt"), format!("{round} {who} {n}"));
            }
            stage.file(&format!("{disk}/last.txt"), format!("the last of {disk}"));
        }
        let shares = stage.path(&format!("shares of {}", round + 1));
        let rotation = ["key", "rotate", "--custodians", "2", "--threshold", "2", "--shares-dir", shares.to_str().unwrap()].map(str::to_owned);
        let deposits: Vec<[String; 7]> = disks
            .iter()
            .map(|disk| ["deposit", stage.path(disk).to_str().unwrap(), "--contributor", "c", "--title", disk, "--json"].map(str::to_owned))
            .collect();
        let spawn = |arguments: &[String]| begin(&stage, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let mut children: Vec<Child> = deposits[..2].iter().map(|arguments| spawn(arguments)).collect();
        std::thread::sleep(Duration::from_millis(100 * round));
        let rotating = spawn(&rotation);
        children.extend(deposits[2..].iter().map(|arguments| spawn(arguments)));
        let answers: Vec<_> = children.into_iter().map(|child| answer(child.wait_with_output().unwrap())).collect();
        answer(rotating.wait_with_output().unwrap()).ends(0);
        for (answer, arguments) in answers.iter().zip(&deposits) {
            if answer.code != 0 {
                assert!(answer.err.contains("same command again"), "{answer:?}");
                stage.sago(arguments).ends(0);
            }
        }
        let items = stage.say("list items --json").ends(0).objects();
        for disk in &disks {
            let found: Vec<_> = items.iter().filter(|item| item["path"] == format!("{disk}/last.txt")).collect();
            assert_eq!(found.len(), 1, "{disk} was received {} times", found.len());
            super::opens_to(&stage, found[0]["item"].as_str().unwrap(), &format!("the last of {disk}"));
        }
        stage.verify_everything();
    }
}

crate::pairs::also_on_servers!(
    two_deposits_at_once_both_succeed,
    a_long_deposit_is_left_alone_by_everybody_who_comes_meanwhile,
    the_same_deposit_begun_twice_at_once_loses_nothing,
    what_arrives_while_an_epoch_ends_is_received_or_refused_but_never_lost,
);
