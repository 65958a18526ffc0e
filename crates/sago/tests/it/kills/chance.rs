//! Kills at moments that nobody chose, half of them where the commit points lie close together.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::points::opens_with;
use super::witness::{Base, Witness, deposit, files_of, staging_is_empty};
use crate::cast::{Seeded, Stage, answer, rounds};

/// Deposits in one repository before a new one is taken, so that what was received earlier is at stake too.
const ROUNDS_PER_REPOSITORY: u64 = 3;

/// Bytes of the one large file.
const LARGE_BYTES: usize = 20 << 20;

/// About 400 files of mixed sizes, some of them empty or the same, and a large one.
fn write_sources(base: &Base, random: &mut Seeded) {
    for n in 0..400_u64 {
        let size = match n % 10 {
            0 => 0,
            1..=7 => random.below(4_000),
            _ => random.below(120_000),
        };
        let bytes = if n % 37 == 5 { vec![5; 1_000] } else { random.bytes(usize::try_from(size).unwrap()) };
        base.file(&format!("disk/{:02}/{n:03}.bin", n % 23), bytes);
    }
    base.file("disk/large.bin", random.bytes(LARGE_BYTES));
}

/// Starts a command and kills it after a while. Says whether it was still at work.
fn kill_after(stage: &Stage, words: &[String], pause: Duration) -> bool {
    let mut child = stage.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// How long a command takes when nobody disturbs it.
fn undisturbed(stage: &Stage, words: &[String]) -> Duration {
    let begun = Instant::now();
    stage.sago(words).ends(0);
    begun.elapsed()
}

/// A moment within that time; every other one in its last third, where the commit points are.
fn moment(random: &mut Seeded, whole: Duration) -> Duration {
    let share = if random.below(2) == 0 { random.below(1_000) } else { 667 + random.below(333) };
    whole * u32::try_from(share).unwrap() / 1_000
}

fn journal_bytes(stage: &Stage) -> u64 {
    let folders = std::fs::read_dir(stage.repo.join("staging")).unwrap();
    folders.map(|entry| std::fs::metadata(entry.unwrap().path().join("journal")).map_or(0, |journal| journal.len())).sum()
}

#[test]
fn soak_kills() {
    let mut random = Seeded::from_environment();
    println!("seed {}", random.0);
    let base = Base::new();
    write_sources(&base, &mut random);
    let source = base.path("disk");
    let expected = files_of(&source);
    let whole = undisturbed(&base.fresh(), &deposit(&source, "Undisturbed", &[]));
    let (mut stage, mut witness) = (base.fresh(), Witness::default());
    let (rounds, mut kills, mut resumed, mut recovered) = (rounds(usual_rounds()), 0, 0, 0);
    for round in 0..rounds {
        if round % ROUNDS_PER_REPOSITORY == 0 {
            stage = base.fresh();
            witness = Witness::of(&stage);
        }
        let title = format!("Round {round}");
        let words = deposit(&source, &title, &[]);
        let of_round = |stage: &Stage| {
            let listed = stage.say("list --json").ends(0).objects().into_iter().filter(|one| one["title"] == title.as_str());
            listed.map(|one| (one["status"].as_str().unwrap().to_owned(), one["accession"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
        };
        for turn in 0..1 + random.below(2) {
            let pause = moment(&mut random, whole);
            let place = format!("round {round}.{turn}, killed after {pause:?} of {whole:?}");
            kills += u64::from(kill_after(&stage, &words, pause));
            stage.verify_everything();
            witness.look(&stage, &place);
            let nth = usize::try_from(random.below(1_000)).unwrap();
            witness.open_one(&stage, &base, nth, &place);
            let made = of_round(&stage);
            assert!(made.len() <= 1, "{place}: {made:?}");
            if made.iter().any(|(status, _)| status == "received") {
                break;
            }
        }
        let place = format!("round {round}");
        if of_round(&stage).iter().any(|(status, _)| status == "received") {
            recovered += 1;
        } else {
            let journaled = journal_bytes(&stage) > 0;
            let again = stage.sago(&words).ends(0).object();
            assert_eq!(again["resumed"].as_u64().unwrap() > 0, journaled, "{place}: {again}");
            resumed += u64::from(journaled);
            witness.look(&stage, &place);
        }
        let made = of_round(&stage);
        assert!(made.len() == 1 && made[0].0 == "received", "{place}: {made:?}");
        let mut got: Vec<_> = witness.items(&made[0].1).iter().map(|(_, path, sha256)| (path.clone(), sha256.clone())).collect();
        got.sort();
        assert!(got == expected, "{place}: other items than were handed over");
        staging_is_empty(&stage, &place);
        stage.verify_everything();
        if round % ROUNDS_PER_REPOSITORY == ROUNDS_PER_REPOSITORY - 1 || round + 1 == rounds {
            assert_eq!(stage.say("fixity --all --json").ends(0).object()["failures"], 0, "{place}");
            is_the_same_when_handed_over(&stage, &made[0].1, &source);
        }
    }
    println!(
        "{rounds} deposits of {} files, {whole:?} undisturbed; {kills} kills, {resumed} went on with what was sealed, {recovered} were received after a kill",
        expected.len()
    );
}

/// Hands an accession over and compares every original with its source, byte by byte.
fn is_the_same_when_handed_over(stage: &Stage, number: &str, source: &Path) {
    let package = stage.path("package");
    stage.sago(["export", number, "--output", package.to_str().unwrap(), "--recipient", "Court", "--reason", "asked"]).ends(0);
    stage.sago(["verify", package.to_str().unwrap()]).ends(0);
    let parent = source.parent().unwrap();
    for item in stage.sago(["list", "items", "--accession", number, "--json"]).ends(0).objects() {
        let [number, path] = ["item", "path"].map(|name| item[name].as_str().unwrap());
        let file = std::fs::read_dir(package.join("data/evidence").join(number)).unwrap().next().unwrap().unwrap().path();
        assert!(std::fs::read(file).unwrap() == std::fs::read(parent.join(path)).unwrap(), "{number} is not {path}");
    }
    std::fs::remove_dir_all(package).unwrap();
}

#[test]
fn soak_kills_of_other_commands() {
    let mut random = Seeded::from_environment();
    println!("seed {}", random.0);
    let base = Base::new();
    base.file("big/large.bin", random.bytes(LARGE_BYTES));
    let big = base.sago(deposit(&base.path("big"), "Big", &[])).ends(0).object()["accession"].as_str().unwrap().to_owned();
    let item = format!("{big}.00001");
    let words = |stage: &Stage, command: &str, name: &str| -> Vec<String> {
        let [output, one, two] = [stage.path(name), stage.path("shares/share-1-of-3.txt"), stage.path("shares/share-2-of-3.txt")];
        let [output, one, two] = [&output, &one, &two].map(|path| path.to_str().unwrap());
        let words: &[&str] = match command {
            "open" => &["open", &item, "--reason", "a reason of its own", "--output", output],
            "export" => &["export", &big, "--output", output, "--recipient", "Court", "--reason", "asked"],
            "fixity" => &["fixity", "--all"],
            "rotate" => &["key", "rotate", "--custodians", "3", "--threshold", "2", "--shares-dir", output, "--share", one, "--share", two],
            _ => &["rebuild"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    };
    let commands = ["open", "export", "fixity", "rotate", "rebuild"];
    let times = commands.map(|command| {
        let stage = base.fresh();
        undisturbed(&stage, &words(&stage, command, "undisturbed"))
    });
    let (rounds, mut kills) = (rounds(usual_rounds()), 0);
    for round in 0..rounds {
        let at = usize::try_from(round).unwrap() % commands.len();
        let (command, pause) = (commands[at], moment(&mut random, times[at]));
        let place = format!("round {round}: {command} killed after {pause:?} of {:?}", times[at]);
        let stage = base.fresh();
        let mut witness = Witness::of(&stage);
        kills += u64::from(kill_after(&stage, &words(&stage, command, "output"), pause));
        stage.verify_everything();
        assert!(stage.has_database(), "{place}");
        if command == "rebuild" {
            witness.forget_sealed();
        }
        witness.look(&stage, &place);
        witness.open_one(&stage, &base, usize::try_from(round).unwrap(), &place);
        let output = stage.path("output");
        match command {
            "open" if output.exists() => {
                assert!(std::fs::read(&output).unwrap() == std::fs::read(base.path("big/large.bin")).unwrap(), "{place}: not whole");
                let shown = stage.sago(["show", &item, "--json"]).ends(0).object();
                let told = |event: &serde_json::Value| event["kind"] == "item-opened" && event["detail"]["reason"] == "a reason of its own";
                assert!(shown["history"].as_array().unwrap().iter().any(told), "{place}: the file is there and the log does not say so");
            }
            "export" if output.join("bagit.txt").exists() => {
                stage.sago(["verify", output.to_str().unwrap()]).ends(0);
            }
            "rotate" => {
                let is_old = std::fs::read_to_string(stage.repo.join("keys/current")).unwrap() == "1\n";
                opens_with(&stage, &base, &if is_old { stage.path("shares") } else { output }, &place);
            }
            _ => {}
        }
        if command != "rotate" {
            stage.sago(words(&stage, command, "again")).ends(0);
        }
        stage.verify_everything();
    }
    println!("{rounds} rounds, {kills} kills; undisturbed: {times:?}");
}

#[test]
fn a_deposit_under_way_is_no_damage() {
    let base = Base::new();
    base.file("slow/large.bin", vec![3_u8; 2 * LARGE_BYTES]);
    let stage = base.fresh();
    let child = stage.command(deposit(&base.path("slow"), "Slow", &[])).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !std::fs::read_dir(stage.repo.join("staging")).unwrap().any(|entry| entry.unwrap().path().join("deposit.age").exists()) {
        std::thread::yield_now();
    }
    // Its number is taken and no signed head covers that: nothing is wrong.
    stage.verify_everything();
    answer(child.wait_with_output().unwrap()).ends(0);
    stage.verify_everything();
}

/// Rounds of the normal run. On the servers a round takes several times as long, and the soaks give both pairs the same.
fn usual_rounds() -> u64 {
    match crate::pairs::pair() {
        crate::pairs::Pair::Embedded => 12,
        crate::pairs::Pair::Servers => 3,
    }
}

crate::pairs::also_on_servers!(soak_kills, soak_kills_of_other_commands, a_deposit_under_way_is_no_damage,);
