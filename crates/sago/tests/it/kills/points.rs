//! Every labelled point, one after the other, and those that a command passes several times as often as it does.

use std::collections::BTreeSet;
use std::path::Path;

use sago_core::store::fault::POINTS;

use super::witness::{Base, Witness, deposit, die_at, files_of, staging_is_empty};
use crate::cast::{Stage, answer};

/// Which test below stops a command at which points. Whoever adds a point to the table adds it here.
const WALKS: &[(&str, &[&str])] = &[
    (
        "deposit",
        &[
            "vault-next-written",
            "deposit-staging-begun",
            "deposit-numbered",
            "vault-next-half-taken",
            "deposit-journaled",
            "deposit-built",
            "deposit-prepared",
            "deposit-object-placed",
            "deposit-placed",
            "deposit-received",
            "deposit-integrated",
            "log-files-written",
            "log-locked",
            "log-published",
        ],
    ),
    ("writes", &["file-flushed", "files-flushed", "file-of-many-placed"]),
    ("seal", &["seal-entered"]),
    ("rotate", &["rotate-wrapped", "rotate-pages-written", "rotate-entered", "rotate-switched"]),
    ("destroy", &["destroy-approved", "destroy-entered", "destroy-erased"]),
    ("open", &["open-entered", "open-written"]),
    ("export", &["export-entered", "export-written"]),
    ("fixity", &["fixity-read"]),
    ("read", &["items-read"]),
    // By the stories of many nodes (`nodes.rs`).
    ("jobs", &["job-claimed", "job-planned", "job-worked"]),
    // By the stories of moving (`moving.rs`).
    ("migrate", &["migrate-noted", "migrate-copied", "migrate-rows-copied", "migrate-verified", "migrate-entered", "migrate-sent", "migrate-placed"]),
    ("rebuild", &["rebuild-replayed", "rebuild-kept", "rebuild-cleared", "rebuild-placed"]),
];

#[track_caller]
fn labels(walk: &str) -> &'static [&'static str] {
    WALKS.iter().find(|(name, _)| *name == walk).unwrap().1
}

#[test]
fn every_labelled_point_is_walked_through() {
    let walked: BTreeSet<&str> = WALKS.iter().flat_map(|(_, labels)| labels.iter().copied()).collect();
    let there: BTreeSet<&str> = POINTS.iter().map(|(label, _)| *label).collect();
    assert_eq!(walked, there);
}

fn with_sources() -> Base {
    let base = Base::new();
    for n in 0..5 {
        base.file(&format!("new/{n}.txt"), format!("number {n}"));
    }
    base.file("new/again.txt", "number 1");
    base.file("new/nothing.txt", "");
    base
}

/// Kills a deposit at a point and checks everything. Says whether it passed the point.
fn deposit_survives(base: &Base, label: &str, turn: u32, more: &[&str]) -> bool {
    let place = format!("deposit {more:?} killed at {label}:{turn}");
    let stage = base.fresh();
    let source = base.path("new");
    let words = deposit(&source, "New", more);
    let mut witness = Witness::of(&stage);
    let before = witness.count();
    if die_at(&stage, label, turn, &words).is_none() {
        return false;
    }
    // Judged as it lies there, before any command has mended anything.
    stage.verify_everything();
    let journaled = std::fs::read_dir(stage.repo.join("staging"))
        .unwrap()
        .any(|entry| std::fs::metadata(entry.unwrap().path().join("journal")).is_ok_and(|journal| journal.len() > 0));
    // Every other time the same command comes first, else somebody looks first.
    if turn.is_multiple_of(2) || label.contains("placed") {
        let again = stage.sago(&words).ends(0).object();
        assert_eq!(again["items"], 7, "{place}: {again}");
        assert_eq!(again["resumed"].as_u64().unwrap() > 0, journaled, "{place}: {again}");
        witness.look(&stage, &place);
    } else {
        witness.look(&stage, &place);
        witness.open_one(&stage, base, turn as usize, &place);
        if witness.count() == before {
            let again = stage.sago(&words).ends(0).object();
            assert_eq!(again["items"], 7, "{place}: {again}");
            assert_eq!(again["resumed"].as_u64().unwrap() > 0, journaled, "{place}: {again}");
            witness.look(&stage, &place);
        }
    }
    assert_eq!(witness.count(), before + 1, "{place}: received more than once, or not at all");
    let newest = stage.say("list --json").ends(0).objects().into_iter().rfind(|one| one["status"] == "received").unwrap();
    let mut got: Vec<_> = witness.items(newest["accession"].as_str().unwrap()).iter().map(|(_, path, sha256)| (path.clone(), sha256.clone())).collect();
    got.sort();
    let expected = if more.contains(&"--sealed") { vec![(String::new(), String::new()); 7] } else { files_of(&source) };
    assert_eq!(got, expected, "{place}");
    staging_is_empty(&stage, &place);
    no_key_waits(&stage, &place);
    stage.verify_everything();
    true
}

#[track_caller]
fn no_key_waits(stage: &Stage, place: &str) {
    for path in crate::shredding::tree(&stage.local("vault")) {
        assert!(!path.to_string_lossy().contains(".next"), "{place}: {}", path.display());
    }
}

#[test]
fn a_deposit_survives_every_point() {
    let base = with_sources();
    for label in labels("deposit") {
        assert!(deposit_survives(&base, label, 1, &[]), "the deposit passes no point {label}");
    }
}

#[test]
fn a_deposit_survives_between_any_two_writes() {
    let base = with_sources();
    for label in labels("writes") {
        let passed = (1..).take_while(|turn| deposit_survives(&base, label, *turn, &[])).count();
        assert!(passed > 0, "the deposit passes no point {label}");
        println!("{label}: {passed} times");
    }
}

#[test]
fn a_deposit_into_a_sealed_unit_survives_every_point() {
    let base = with_sources();
    for label in
        ["vault-next-written", "deposit-numbered", "vault-next-half-taken", "deposit-journaled", "deposit-prepared", "deposit-placed", "deposit-received"]
    {
        assert!(deposit_survives(&base, label, 1, &["--sealed"]), "the deposit passes no point {label}");
    }
}

#[test]
fn a_deposit_of_two_objects_survives_between_them() {
    let base = Base::new();
    for n in 0..10_001 {
        base.file(&format!("many/{:02}/{n:05}", n / 100), n.to_string());
    }
    let stage = base.fresh();
    let mut witness = Witness::of(&stage);
    let words = deposit(&base.path("many"), "Many", &[]);
    die_at(&stage, "deposit-object-placed", 1, &words).expect("there are two objects");
    stage.verify_everything();
    let fresh = witness.look(&stage, "after the kill");
    assert_eq!(witness.items(&fresh[0]).len(), 10_001);
    staging_is_empty(&stage, "after the kill");
    stage.verify_everything();
}

#[test]
fn an_interrupted_standard_input_is_given_up_and_its_number_stays_taken() {
    let base = Base::new();
    let stage = base.fresh();
    let mut witness = Witness::of(&stage);
    for turn in 0..2 {
        let mut command = stage.command(["deposit", "-", "--stdin-name", "pipe.txt", "--contributor", "P", "--title", "T", "--json"]);
        let mut child =
            command.env("SAGO_FAULT_AT", "deposit-journaled").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"piped").unwrap();
        answer(child.wait_with_output().unwrap()).ends(-1);
        stage.verify_everything();
        assert_eq!(witness.look(&stage, "standard input").len(), 0);
        let listed = stage.say("list --json").ends(0).objects();
        assert_eq!((listed.len(), &listed[2 + turn]["status"]), (3 + turn, &"abandoned".into()));
        staging_is_empty(&stage, "standard input");
    }
    let next = stage.sago(deposit(&base.path("first"), "Next", &[])).ends(0).object();
    assert!(next["accession"].as_str().unwrap().ends_with("-0005"), "{next}");
    witness.look(&stage, "the next deposit");
    stage.verify_everything();
}

#[test]
fn a_rebuild_right_after_a_kill_loses_nothing() {
    let base = with_sources();
    for label in ["deposit-numbered", "deposit-prepared", "deposit-placed", "deposit-received"] {
        let stage = base.fresh();
        let mut witness = Witness::of(&stage);
        let words = deposit(&base.path("new"), "New", &[]);
        die_at(&stage, label, 1, &words).unwrap();
        stage.say("rebuild --json").ends(0);
        stage.verify_everything();
        witness.forget_sealed();
        witness.look(&stage, label);
        let new =
            || stage.say("list --json").ends(0).objects().into_iter().filter(|one| one["title"] == "New").map(|one| one["status"].clone()).collect::<Vec<_>>();
        if label == "deposit-numbered" {
            assert_eq!(new(), ["opened"]);
            stage.sago(&words).ends(0);
            witness.look(&stage, label);
        }
        assert_eq!(new(), ["received"], "{label}");
        staging_is_empty(&stage, label);
        stage.verify_everything();
    }
}

#[test]
fn what_a_killed_verification_leaves_is_removed_by_the_next_command() {
    let base = Base::new();
    let stage = base.fresh();
    let left = stage.repo.join("staging/verify-00000000-0000-4000-8000-000000000000.db");
    std::fs::write(&left, "part of a database").unwrap();
    // One that somebody is working with is not what was left.
    let busy = stage.repo.join("staging/verify-00000000-0000-4000-8000-000000000001.db");
    let held = std::fs::File::create(&busy).unwrap();
    held.lock().unwrap();
    stage.say("list").ends(0);
    assert!(!left.exists() && busy.exists());
    drop(held);
    stage.say("list").ends(0);
    staging_is_empty(&stage, "after the verification");
}

#[test]
fn two_deposits_of_the_same_things_at_once_do_not_disturb_each_other() {
    let base = Base::new();
    base.file("slow/large.bin", vec![3_u8; 30 << 20]);
    let stage = base.fresh();
    let words = deposit(&base.path("slow"), "Slow", &[]);
    let first = stage.command(&words).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let staging = stage.repo.join("staging");
    while !std::fs::read_dir(&staging).unwrap().any(|entry| entry.unwrap().path().join("deposit.age").exists()) {
        std::thread::yield_now();
    }
    // Whoever opens the repository meanwhile must not mend what is no wreck.
    stage.say("list --json").ends(0);
    let second = stage.sago(&words);
    let first = answer(first.wait_with_output().unwrap()).ends(0).object();
    // Either it came while the first was at work and was refused, or after it and received the same things once more.
    assert!(second.code == 2 && second.err.contains("under way") || second.code == 0, "{second:?}");
    assert_eq!((&first["items"], &first["resumed"]), (&1.into(), &0.into()));
    staging_is_empty(&stage, "two at once");
    stage.verify_everything();
}

fn unseal(stage: &Stage, unit: &str, shares: &Path) -> crate::cast::Answer {
    let [one, two] = ["share-1-of-3.txt", "share-3-of-3.txt"].map(|name| shares.join(name).to_str().unwrap().to_owned());
    stage.sago(["key", "unseal", unit, "--reason", "court order", "--share", &one, "--share", &two])
}

/// Unseals the sealed unit with these shares and reads what it holds.
#[track_caller]
pub fn opens_with(stage: &Stage, base: &Base, shares: &Path, place: &str) {
    unseal(stage, &base.sealed, shares).ends(0);
    let output = stage.path("unsealed");
    stage.sago(["open", &format!("{}.00001", base.sealed), "--reason", "r", "--output", output.to_str().unwrap()]).ends(0);
    assert_eq!(std::fs::read(output).unwrap(), b"sealed at once", "{place}");
}

#[test]
fn sealing_and_unsealing_survive_every_point() {
    let base = Base::new();
    let shares = |stage: &Stage| stage.path("shares");
    for label in ["vault-next-written", "seal-entered", "vault-next-half-taken", "log-files-written", "log-locked"] {
        assert!(label != "seal-entered" || labels("seal").contains(&label));
        let place = format!("seal killed at {label}");
        let stage = base.fresh();
        let seal = ["key", "seal", &base.working, "--reason", "asked"].map(str::to_owned);
        die_at(&stage, label, 1, &seal).expect(&place);
        stage.verify_everything();
        let units = stage.say("key list --json").ends(0).objects();
        let mode = units.iter().find(|one| one["accessions"][0] == base.working.as_str()).unwrap()["mode"].clone();
        no_key_waits(&stage, &place);
        if mode == "working" {
            assert_eq!(label, "vault-next-written", "{place}");
            stage.sago(&seal).ends(0);
        }
        stage.verify_everything();
        unseal(&stage, &base.working, &shares(&stage)).ends(0);
        stage.verify_everything();

        let place = format!("unseal killed at {label}");
        let stage = base.fresh();
        let [one, two] = [1, 2].map(|n| shares(&stage).join(format!("share-{n}-of-3.txt")).to_str().unwrap().to_owned());
        let words = ["key", "unseal", &base.sealed, "--reason", "court order", "--share", &one, "--share", &two].map(str::to_owned);
        die_at(&stage, label, 1, &words).expect(&place);
        stage.verify_everything();
        if label == "vault-next-written" {
            stage.say("list").ends(0);
            opens_with(&stage, &base, &shares(&stage), &place);
        }
        let output = stage.path("open again");
        stage.sago(["open", &format!("{}.00001", base.sealed), "--reason", "r", "--output", output.to_str().unwrap()]).ends(0);
        no_key_waits(&stage, &place);
        stage.verify_everything();
    }
}

#[test]
fn a_rotation_survives_every_point_with_the_shares_of_the_epoch_in_force() {
    let base = Base::new();
    let mut places: Vec<(&str, u32)> = labels("rotate").iter().map(|label| (*label, 1)).collect();
    places.extend((1..=14).map(|turn| ("file-flushed", turn)));
    places.extend([("log-files-written", 1), ("log-locked", 1)]);
    let mut epochs = BTreeSet::new();
    for (label, turn) in places {
        let place = format!("rotate killed at {label}:{turn}");
        let stage = base.fresh();
        let pages = stage.path("pages");
        let rotate = |pages: &Path, shares: &Path| {
            let [one, two] = [1, 2].map(|n| shares.join(format!("share-{n}-of-3.txt")).to_str().unwrap().to_owned());
            let words =
                ["key", "rotate", "--custodians", "3", "--threshold", "2", "--shares-dir", pages.to_str().unwrap(), "--share", &one, "--share", &two, "--json"];
            words.map(str::to_owned)
        };
        let mut witness = Witness::of(&stage);
        if die_at(&stage, label, turn, &rotate(&pages, &stage.path("shares"))).is_none() {
            assert_eq!(label, "file-flushed", "{place}");
            break;
        }
        stage.verify_everything();
        witness.look(&stage, &place);
        witness.open_one(&stage, &base, turn as usize, &place);
        let epoch = std::fs::read_to_string(stage.repo.join("keys/current")).unwrap().trim().to_owned();
        let shares = if epoch == "1" { stage.path("shares") } else { pages };
        opens_with(&stage, &base, &shares, &place);
        stage.sago(rotate(&stage.path("more pages"), &shares)).ends(0);
        stage.verify_everything();
        // Of what ended nothing is left: no wrapped key, no operating key.
        let next = (epoch.parse::<u64>().unwrap() + 1).to_string();
        for folder in ["vault", "keys"] {
            let left: Vec<_> = std::fs::read_dir(stage.local(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            assert!(left.iter().all(|name| *name == next || name == "current" || name == "agents"), "{place}: {folder} holds {left:?}");
        }
        epochs.insert(epoch);
    }
    assert_eq!(epochs.len(), 2, "both epochs were met in force");
}

#[test]
fn an_interrupted_rotation_to_a_new_passphrase_says_which_one_holds() {
    let base = Base::new();
    let stage = base.fresh();
    let new = stage.file("new-passphrase", "other words nobody would guess\n");
    let (pages, [one, two]) = (stage.path("pages"), [1, 2].map(|n| stage.path("shares").join(format!("share-{n}-of-3.txt")).to_str().unwrap().to_owned()));
    let words = ["key", "rotate", "--custodians", "3", "--threshold", "2", "--shares-dir", pages.to_str().unwrap(), "--share", &one, "--share", &two];
    let words = [words.as_slice(), &["--new-passphrase-file", new.to_str().unwrap()]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    die_at(&stage, "rotate-entered", 1, &words).unwrap();
    assert!(stage.say("list").ends(2).err.contains("given to it as the new one"));
    stage.command(["list"]).env("SAGO_PASSPHRASE_FILE", &new).status().unwrap().success().then_some(()).expect("the new passphrase opens it");
    stage.say("list").ends(2);
}

#[test]
fn a_destruction_survives_every_point() {
    let base = Base::new();
    base.file("own", "an approver's own words\n");
    let own = base.path("own").to_str().unwrap().to_owned();
    for name in ["Lee", "Park", "Choi"] {
        base.sago(["agent", "add", "--name", name, "--role", "approver", "--agent-passphrase-file", &own]).ends(0);
    }
    let request = base.sago(["key", "destroy", &base.working, "--reason", "withdrawn", "--json"]).ends(0).object();
    let (number, unit) = (request["request"].as_str().unwrap(), request["unit"].as_str().unwrap());
    let approve = |code: &str| ["--as", code, "key", "approve", number, "--agent-passphrase-file", &own, "--json"].map(str::to_owned);
    base.sago(approve("P-02")).ends(0);
    for label in labels("destroy").iter().chain(&["log-locked", "log-published"]) {
        let stage = base.fresh();
        let turn = if label.starts_with("log") { 2 } else { 1 };
        die_at(&stage, label, turn, &approve("P-03")).unwrap_or_else(|| panic!("{label}"));
        if *label == "destroy-entered" {
            // The log says that it is gone and it is not: that is said until a command has erased it.
            let report = stage.say("verify --json").ends(1).objects();
            assert!(report.iter().any(|one| one["code"] == "vault-key" && one["path"].as_str().unwrap().contains(unit)), "{report:?}");
        } else {
            stage.verify_everything();
        }
        if *label == "destroy-approved" {
            stage.say("list").ends(0);
            stage.verify_everything();
            assert_eq!(stage.sago(approve("P-03")).ends(0).object()["destroyed"], true);
        }
        let listed = stage.say("list --json").ends(0).objects();
        assert_eq!(listed[0]["status"], "destroyed", "{label}");
        let left: Vec<_> = std::fs::read_dir(stage.local("vault").join("1")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(!left.iter().any(|name| name.contains(unit)), "{label}: {left:?}");
        stage.verify_everything();
        stage.sago(approve("P-04")).ends(2);
    }
}

#[test]
fn an_opening_survives_every_point() {
    let base = Base::new();
    for label in labels("open").iter().chain(&["log-files-written", "log-locked"]) {
        let stage = base.fresh();
        let output = stage.path("opened");
        let words = ["open", &format!("{}.00002", base.working), "--reason", "a reason of its own", "--output", output.to_str().unwrap()].map(str::to_owned);
        let before: BTreeSet<_> = std::fs::read_dir(stage.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        die_at(&stage, label, 1, &words).unwrap_or_else(|| panic!("{label}"));
        assert!(!output.exists(), "{label}");
        let after: BTreeSet<_> = std::fs::read_dir(stage.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(before, after, "{label}: something of an original was left behind");
        stage.verify_everything();
        stage.sago(&words).ends(0);
        assert!(
            std::fs::read(&output).unwrap() == std::fs::read(base.path("first/two.txt")).unwrap()
                || std::fs::read(&output).unwrap() == std::fs::read(base.path("first/one.txt")).unwrap()
        );
        stage.verify_everything();
    }
}

#[test]
fn an_export_survives_every_point() {
    let base = Base::new();
    for label in labels("export").iter().chain(&["log-locked"]) {
        let stage = base.fresh();
        let words = |name: &str| {
            ["export", &base.working, "--output", stage.path(name).to_str().unwrap(), "--recipient", "Court", "--reason", "asked"].map(str::to_owned)
        };
        die_at(&stage, label, 1, &words("package")).unwrap_or_else(|| panic!("{label}"));
        let is_whole = stage.path("package/bagit.txt").exists();
        assert_eq!(is_whole, *label == "export-written", "{label}");
        if is_whole {
            stage.sago(["verify", stage.path("package").to_str().unwrap()]).ends(0);
        }
        stage.verify_everything();
        stage.sago(words("another")).ends(0);
        stage.sago(["verify", stage.path("another").to_str().unwrap()]).ends(0);
        stage.verify_everything();
    }
}

#[test]
fn a_fixity_check_survives_every_point() {
    let base = Base::new();
    for label in labels("fixity").iter().chain(&["log-files-written", "log-locked", "log-published"]) {
        let stage = base.fresh();
        die_at(&stage, label, 1, &["fixity", "--all", "--json"].map(str::to_owned)).unwrap_or_else(|| panic!("{label}"));
        stage.verify_everything();
        assert_eq!(stage.say("fixity --all --json").ends(0).object()["failures"], 0, "{label}");
        stage.verify_everything();
    }
}

#[test]
fn a_reading_survives_every_point() {
    let base = Base::new();
    for label in labels("read").iter().chain(&["log-files-written", "log-locked", "log-published"]) {
        let stage = base.fresh();
        die_at(&stage, label, 1, &["read", "--json"].map(str::to_owned)).unwrap_or_else(|| panic!("{label}"));
        stage.verify_everything();
        // What was entered is not read again; what was not is.
        let again = stage.say("read --json").ends(0).object();
        assert_eq!(again["items"].as_u64().unwrap() > 0, *label == "items-read", "{label}: {again}");
        let coverage = stage.say("coverage --json").ends(0).objects();
        assert!(coverage.iter().all(|one| one["sealed"] == true || one["items"]["waiting"] == 0), "{label}: {coverage:?}");
        stage.verify_everything();
        stage.say("rebuild --json").ends(0);
    }
}

#[test]
fn a_rebuild_survives_every_point() {
    let base = Base::new();
    for label in labels("rebuild").iter().chain(&["log-locked"]) {
        let stage = base.fresh();
        let mut witness = Witness::of(&stage);
        let died = die_at(&stage, label, 1, &["rebuild", "--json"].map(str::to_owned)).is_some();
        // PostgreSQL sets the old rows aside and puts the new ones in their place in one transaction: there is nothing between.
        let is_between = ["rebuild-kept", "rebuild-cleared"].contains(label);
        assert_eq!(died, stage.remote.is_none() || !is_between, "{label}");
        assert!(stage.has_database(), "{label}: there is no database");
        stage.verify_everything();
        witness.forget_sealed();
        witness.look(&stage, label);
        witness.open_one(&stage, &base, 1, label);
        assert_eq!(stage.say("rebuild --json").ends(0).object()["differences"], 0, "{label}");
        stage.verify_everything();
        witness.forget_sealed();
        witness.look(&stage, label);
    }
}

crate::pairs::also_on_servers!(
    every_labelled_point_is_walked_through,
    a_deposit_survives_every_point,
    a_deposit_into_a_sealed_unit_survives_every_point,
    an_interrupted_standard_input_is_given_up_and_its_number_stays_taken,
    a_rebuild_right_after_a_kill_loses_nothing,
    two_deposits_of_the_same_things_at_once_do_not_disturb_each_other,
    sealing_and_unsealing_survive_every_point,
    a_rotation_survives_every_point_with_the_shares_of_the_epoch_in_force,
    an_interrupted_rotation_to_a_new_passphrase_says_which_one_holds,
    a_destruction_survives_every_point,
    an_opening_survives_every_point,
    an_export_survives_every_point,
    a_fixity_check_survives_every_point,
    a_reading_survives_every_point,
    a_rebuild_survives_every_point,
);
