//! A bucket that misbehaves: whatever it does, the right thing comes of it or a clear error, and nothing that was receipted is lost.

use std::time::Duration;

use super::proxy::{Proxy, Way};
use crate::cast::{Answer, Seeded, Stage, answer, rounds};
use crate::kills::witness::{Base, Witness, deposit, files_of};
use crate::pairs::on_servers;

const WAYS: [Way; 9] = [
    Way::CutAfter(150),
    Way::Half(300),
    Way::Conditions,
    Way::Slow(40),
    Way::Errors(200),
    Way::CutBefore(150),
    Way::Late(4_000),
    // More than is tried again.
    Way::CutAfter(700),
    Way::Errors(800),
];

fn sources(base: &Base, random: &mut Seeded) {
    for n in 0..6 {
        base.file(&format!("new/{n}.txt"), format!("number {n}"));
    }
    // In a soak longer than one request may be.
    let megabytes = if rounds(USUAL) > USUAL { 18 } else { 1 };
    base.file("new/large.bin", random.bytes(megabytes << 20));
}

/// Ways that the normal run takes.
const USUAL: u64 = 3;

/// Runs a command on this way.
fn through(stage: &Stage, proxy: &Proxy, words: &[String]) -> Answer {
    answer(stage.command(words).env("AWS_ENDPOINT_URL", proxy.url()).env("NO_PROXY", "127.0.0.1").output().unwrap())
}

/// Says that a command came to its end or said clearly that it could not.
#[track_caller]
fn is_clear(said: &Answer, place: &str) {
    assert!(!said.err.contains("panicked"), "{place}: {said:?}");
    assert!(said.code == 0 || (said.code == 2 && said.err.contains("sago: ") && said.err.contains("→")), "{place}: {said:?}");
    // Nothing that lies in the bucket is damaged.
    assert!(!said.err.contains("corrupt") && !said.err.contains("damaged") && !said.err.contains("altered"), "{place}: {said:?}");
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn soak_faults_of_a_bad_way_to_the_bucket() {
    on_servers(|| {
        let mut random = Seeded::from_environment();
        println!("seed {}", random.0);
        let base = Base::new();
        sources(&base, &mut random);
        let source = base.path("new");
        let proxy = Proxy::new(random.next());
        let rounds = rounds(USUAL);
        let (mut refused, mut hits) = (0, 0);
        for round in 0..rounds {
            let way = WAYS[usize::try_from(round).unwrap() % WAYS.len()];
            let place = format!("round {round}: {way:?}");
            let stage = base.fresh();
            let mut witness = Witness::of(&stage);
            let before = witness.count();
            proxy.set(way);
            let words = deposit(&source, "New", &[]);
            let first = through(&stage, &proxy, &words);
            is_clear(&first, &place);
            if first.code != 0 {
                refused += 1;
                proxy.set(Way::Good);
                let again = through(&stage, &proxy, &words);
                assert_eq!(again.code, 0, "{place}: again: {again:?}");
                assert_eq!(again.object()["items"], 7, "{place}: {again:?}");
                proxy.set(way);
            }
            // Reading through it: what comes is checked, whatever came.
            let package = stage.path("package");
            for words in [
                strings(&["fixity", "--all", "--json"]),
                strings(&["export", &base.working, "--output", package.to_str().unwrap(), "--recipient", "Court", "--reason", "asked"]),
                strings(&["key", "seal", &base.working, "--reason", "asked"]),
            ] {
                let said = through(&stage, &proxy, &words);
                is_clear(&said, &place);
                refused += u64::from(said.code != 0);
            }
            if package.join("bagit.txt").exists() {
                stage.sago(["verify", package.to_str().unwrap()]).ends(0);
            }
            hits += proxy.set(Way::Good);
            stage.verify_everything();
            witness.forget_sealed();
            let sealed =
                stage.say("key list --json").ends(0).objects().iter().any(|unit| unit["accessions"][0] == base.working.as_str() && unit["mode"] == "sealed");
            if sealed {
                witness = Witness::default();
            }
            witness.look(&stage, &place);
            assert_eq!(stage.say("list --json").ends(0).objects().iter().filter(|one| one["status"] == "received").count(), before + 1, "{place}");
            let newest = stage.say("list --json").ends(0).objects().into_iter().rfind(|one| one["status"] == "received").unwrap();
            let mut got: Vec<_> = witness.items(newest["accession"].as_str().unwrap()).iter().map(|(_, path, sha256)| (path.clone(), sha256.clone())).collect();
            got.sort();
            assert_eq!(got, files_of(&source), "{place}");
            assert_eq!(stage.say("fixity --all --json").ends(0).object()["failures"], 0, "{place}");
        }
        println!("{rounds} rounds, {hits} requests hit, {refused} commands said that they could not");
        assert!(hits > 0);
    });
}

#[test]
fn no_key_is_lost_or_left_by_a_bucket_that_lists_late() {
    on_servers(|| {
        let base = Base::new();
        base.file("new/one.txt", "one");
        let proxy = Proxy::new(1);
        let stage = base.fresh();
        proxy.set(Way::Late(600_000));
        // The key of the new unit is in no listing yet, and its epoch ends.
        let number = through(&stage, &proxy, &deposit(&base.path("new"), "New", &[])).ends(0).object()["accession"].as_str().unwrap().to_owned();
        let pages = stage.path("pages");
        let [one, two] = [1, 2].map(|n| stage.path("shares").join(format!("share-{n}-of-3.txt")).to_str().unwrap().to_owned());
        let rotate = ["key", "rotate", "--custodians", "3", "--threshold", "2", "--shares-dir", pages.to_str().unwrap(), "--share", &one, "--share", &two];
        through(&stage, &proxy, &strings(&rotate)).ends(0);
        let output = stage.path("opened");
        let open = ["open", &format!("{number}.00001"), "--reason", "r", "--output", output.to_str().unwrap()].map(str::to_owned);
        through(&stage, &proxy, &open).ends(0);
        assert!(proxy.set(Way::Good) > 0, "nothing was hidden");
        // What the listing left out of the old epoch is erased when it is listed.
        stage.say("list").ends(0);
        let vault = stage.local("vault");
        let epochs: Vec<_> = std::fs::read_dir(vault).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(epochs, ["2"]);
        stage.verify_everything();
    });
}

#[test]
fn a_server_that_does_not_answer_is_said_within_a_minute() {
    on_servers(|| {
        let base = Base::new();
        base.file("new/one.txt", "one");
        let proxy = Proxy::new(1);
        let stage = base.fresh();
        proxy.set(Way::CutBefore(1_000));
        let begun = std::time::Instant::now();
        let said = through(&stage, &proxy, &deposit(&base.path("new"), "New", &[])).ends(2);
        assert!(begun.elapsed() < Duration::from_secs(60), "it took {:?}", begun.elapsed());
        assert!(said.err.contains("s3://") && said.err.contains("run the same command once more"), "{said:?}");
        proxy.set(Way::Good);
        through(&stage, &proxy, &deposit(&base.path("new"), "New", &[])).ends(0);
        stage.verify_everything();
    });
}

#[test]
fn where_the_server_knows_conditions_they_are_a_second_guard() {
    on_servers(|| {
        let settings = |stage: &Stage| std::fs::read_to_string(stage.repo.join("sago.toml")).unwrap();
        assert!(!settings(&Stage::new()).contains("conditional_writes"), "this server ignores conditions, and the settings say otherwise");
        let proxy = Proxy::new(1);
        proxy.set(Way::Conditions);
        let stage = Stage::empty();
        let shares = stage.path("shares");
        let mut init = strings(&["init", stage.repo.to_str().unwrap(), "--name", "Story", "--custodians", "3", "--threshold", "2", "--work-factor", "10"]);
        init.extend(strings(&["--shares-dir", shares.to_str().unwrap()]));
        init.extend(stage.where_it_lies());
        through(&stage, &proxy, &init).ends(0);
        assert!(settings(&stage).contains("conditional_writes = true"), "{}", settings(&stage));
        stage.file("new/one.txt", "one");
        stage.file("new/two.txt", "two");
        let words = deposit(&stage.path("new"), "New", &[]);
        // Sent, and interrupted before anybody knew: sent again, the names are taken by the very same bytes.
        let mut command = stage.command(&words);
        let died = command.env("AWS_ENDPOINT_URL", proxy.url()).env("NO_PROXY", "127.0.0.1").env("SAGO_FAULT_AT", "deposit-object-placed").output().unwrap();
        assert_eq!(died.status.code(), None);
        // Somebody writes into the bucket beside Sago.
        let folder = stage.local("store");
        let path = crate::shredding::tree(&folder).into_iter().find(|path| path.ends_with("v1/content/o/000001.age")).unwrap();
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        stage.put("store", &name, Some(b"somebody else's".to_vec()));
        let refused = through(&stage, &proxy, &words).ends(2);
        assert!(refused.err.contains("holds other bytes already. Nothing was written over") && refused.err.contains("→"), "{refused:?}");
        assert_eq!(stage.remote.as_ref().unwrap().read("store", &name), b"somebody else's");
        stage.put("store", &name, Some(std::fs::read(&path).unwrap()));
        assert_eq!(through(&stage, &proxy, &words).ends(0).object()["items"], 2);
        assert!(proxy.set(Way::Good) > 5, "nothing was asked with a condition");
        stage.verify_everything();
        assert_eq!(stage.say("list --json").ends(0).objects().len(), 1);
    });
}
