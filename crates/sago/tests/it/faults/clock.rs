//! The clock stands wrong: it went back by a day, then it is right again.

use crate::cast::{Answer, Stage, answer};

fn yesterday(stage: &Stage, words: &[&str]) -> Answer {
    answer(stage.command(words).env("SAGO_FAULT_CLOCK", "-86400").output().unwrap())
}

#[test]
fn a_clock_that_went_back_by_a_day_is_entered_and_stops_nothing() {
    let stage = Stage::new();
    stage.file("one/one.txt", "one");
    stage.file("two/two.txt", "two");
    stage.file("three/three.txt", "three");
    let first = stage.deposit(&stage.path("one"))["accession"].as_str().unwrap().to_owned();
    let two = stage.path("two");
    let second = yesterday(&stage, &["deposit", two.to_str().unwrap(), "--contributor", "P", "--title", "T", "--json"]).ends(0).object();
    let second = second["accession"].as_str().unwrap().to_owned();
    for (number, content) in [(&first, "one"), (&second, "two")] {
        let output = stage.path(&format!("opened {number}"));
        yesterday(&stage, &["open", &format!("{number}.00001"), "--reason", "r", "--output", output.to_str().unwrap()]).ends(0);
        assert_eq!(std::fs::read_to_string(output).unwrap(), content);
    }
    assert_eq!(yesterday(&stage, &["fixity", "--all", "--json"]).ends(0).object()["failures"], 0);
    let package = stage.path("package");
    yesterday(&stage, &["export", &second, "--output", package.to_str().unwrap(), "--recipient", "Court", "--reason", "asked"]).ends(0);
    yesterday(&stage, &["work", "--once"]).ends(0);
    assert_eq!(yesterday(&stage, &["verify", "--json"]).ends(0).object()["sound"], true);
    stage.verify_everything();
    stage.sago(["verify", package.to_str().unwrap()]).ends(0);

    // Right again: nothing more is said of the clock.
    let told = |stage: &Stage| {
        let events = stage.say("log --all --json").ends(0).objects();
        let jumps: Vec<_> = events.iter().filter(|event| event["kind"] == "clock-jumped").cloned().collect();
        (events.len(), jumps)
    };
    let (_, jumps) = told(&stage);
    assert!(!jumps.is_empty(), "the log says nothing of the clock");
    for jump in &jumps {
        let [last, now] = ["last", "now"].map(|name| jump["skeleton"][name].as_str().unwrap_or_else(|| panic!("{jump}")));
        assert!(now < last, "{jump}");
    }
    stage.deposit(&stage.path("three"));
    assert_eq!(told(&stage).1.len(), jumps.len());
    // Entries have their order from the log, not from the clock: none is missing, none is twice.
    for log in ["custody", "access"] {
        let events = stage.say(&format!("log {log} --all --json")).ends(0).objects();
        let mut indexes: Vec<u64> = events.iter().map(|event| event["index"].as_u64().unwrap()).collect();
        indexes.sort_unstable();
        assert!(indexes.len() >= 2, "{log}: {events:?}");
        assert_eq!(indexes, (0..indexes.len() as u64).collect::<Vec<_>>(), "{log}");
    }
    assert_eq!(stage.say("rebuild --json").ends(0).object()["differences"], 0);
    stage.verify_everything();
}

#[test]
fn a_clock_a_day_ahead_delays_nothing_once_it_is_right() {
    let stage = Stage::new();
    stage.file("one/one.txt", "one");
    let one = stage.path("one");
    let words = ["deposit", one.to_str().unwrap(), "--contributor", "P", "--title", "T", "--json"];
    answer(stage.command(words).env("SAGO_FAULT_CLOCK", "86400").output().unwrap()).ends(0);
    stage.file("two/two.txt", "two");
    stage.deposit(&stage.path("two"));
    assert_eq!(stage.say("fixity --all --json").ends(0).object()["failures"], 0);
    stage.say("work --once").ends(0);
    stage.verify_everything();
}

crate::pairs::also_on_servers!(a_clock_that_went_back_by_a_day_is_entered_and_stops_nothing, a_clock_a_day_ahead_delays_nothing_once_it_is_right,);
