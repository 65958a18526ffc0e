//! Passphrases and shares that are wrong, missing or lost.

use std::process::Command;

use super::{accession, item, opens_to, page, refused, snapshot, stocked};
use crate::cast::{Stage, answer};

#[test]
fn a_wrong_passphrase_opens_nothing_and_changes_nothing() {
    let stage = stocked();
    let right = std::fs::read(stage.path("passphrase")).unwrap();
    let before = snapshot(&stage.repo);
    stage.file("passphrase", "five words nobody would guesS\n");
    let (disk, output) = (stage.path("disk"), stage.path("output"));
    let (disk, output) = (disk.to_str().unwrap(), output.to_str().unwrap());
    for arguments in [
        vec!["list"],
        vec!["show", &accession(1)],
        vec!["deposit", disk, "--contributor", "c", "--title", "t"],
        vec!["open", &item(1, 1), "--reason", "r", "--output", output],
        vec!["export", &accession(1), "--output", output],
        vec!["receipt", &accession(1), "--output", output],
        vec!["fixity"],
        vec!["verify"],
        vec!["rebuild"],
        vec!["key", "list"],
        vec!["key", "check"],
        vec!["agent", "list"],
    ] {
        refused(stage.sago(arguments), &["The passphrase is wrong. Nothing was opened or changed.", "sago key recover"]);
        assert_eq!(snapshot(&stage.repo), before);
        assert!(!std::path::Path::new(output).exists());
    }
    stage.file("passphrase", right);
    stage.verify_everything();
}

#[test]
fn a_passphrase_that_cannot_be_asked_for_is_said_not_waited_for() {
    let stage = stocked();
    // In a session of its own, without a terminal: as under cron or a service.
    let run = |arguments: &[&str]| {
        let mut command = Command::new("setsid");
        command
            .arg("--wait")
            .arg(env!("CARGO_BIN_EXE_sago"))
            .args(arguments)
            .env("SAGO_REPO", &stage.repo)
            .env_remove("SAGO_PASSPHRASE_FILE")
            .stdin(std::process::Stdio::null());
        answer(command.output().expect("this test needs `setsid` (util-linux)"))
    };
    refused(run(&["list"]), &["There is no terminal to ask for the passphrase", "--passphrase-file"]);
    refused(
        run(&[
            "init",
            stage.path("new").to_str().unwrap(),
            "--name",
            "N",
            "--custodians",
            "3",
            "--threshold",
            "2",
            "--shares-dir",
            stage.path("s").to_str().unwrap(),
        ]),
        &["There is no terminal"],
    );
    assert!(!stage.path("new").exists() && !stage.path("s").exists());
    // What needs no key is judged all the same, and what was left out is said.
    let report = run(&["verify", "--json"]).ends(0).object();
    assert!(report["not_checked"].as_array().unwrap().iter().any(|one| one["why"].as_str().unwrap().contains("needs the repository's keys")), "{report}");
    refused(run(&["--passphrase-file", stage.path("absent").to_str().unwrap(), "list"]), &["Could not read the passphrase file", "absent"]);
    refused(run(&["--passphrase-file", stage.file("empty", "").to_str().unwrap(), "list"]), &["is empty", "first line"]);
    refused(run(&["--passphrase-file", stage.file("second line", "\nwords\n").to_str().unwrap(), "list"]), &["is empty", "first line"]);
    refused(run(&["--passphrase-fd", "77", "list"]), &["Could not read the passphrase file /proc/self/fd/77"]);
    refused(run(&["--passphrase-fd", "3", "--passphrase-file", "x", "list"]), &["cannot be used with"]);
    stage.verify_everything();
}

#[test]
fn a_passphrase_comes_by_a_file_descriptor_too() {
    let stage = stocked();
    let run = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, env!("CARGO_BIN_EXE_sago")]).arg(stage.path("passphrase")).env("SAGO_REPO", &stage.repo).env_remove("SAGO_PASSPHRASE_FILE");
        answer(shell.output().unwrap())
    };
    assert_eq!(run(r#"exec "$0" --passphrase-fd 7 list --json 7< "$1""#).ends(0).object()["title"], "Disk");
    assert_eq!(run(r#"cat "$1" | "$0" --passphrase-fd 0 list --json"#).ends(0).object()["title"], "Disk");
    // Windows ends lines with two bytes; the passphrase is the same.
    let windows = stage.file("windows", format!("{}\r\n", crate::cast::PASSPHRASE));
    stage.sago(["--passphrase-file", windows.to_str().unwrap(), "list"]).ends(0);
    stage.verify_everything();
}

#[test]
fn a_lost_operating_key_is_made_anew_with_the_shares_of_two_custodians() {
    let stage = stocked();
    stage.file("secret/three.txt", "three");
    stage.sago(["deposit", stage.path("secret").to_str().unwrap(), "--sealed", "--contributor", "c", "--title", "t"]).ends(0);
    std::fs::remove_file(stage.repo.join("keys/1/operating.age")).unwrap();
    for line in ["list", "rebuild", "key list"] {
        refused(stage.say(line), &["operating.age", "sago key recover"]);
    }
    // What needs no key is judged all the same; that the key is gone is a finding.
    assert!(stage.say("verify").ends(1).out.contains("operating.age"));
    let new = stage.file("new passphrase", "five newer words nobody would guess\n");
    let recover = |pages: &[String]| {
        let mut arguments = vec!["key", "recover", "--reason", "the machine burnt", "--passphrase-file", new.to_str().unwrap()];
        pages.iter().for_each(|page| arguments.extend(["--share", page.as_str()]));
        stage.sago(arguments)
    };
    let before = snapshot(&stage.repo);
    refused(recover(&[page(&stage, 2)]), &["2 are needed"]);
    assert_eq!(snapshot(&stage.repo), before, "a refused recovery changed something");
    let recovered = recover(&[page(&stage, 2), page(&stage, 3)]).ends(0);
    assert!(recovered.out.contains("new operating key"), "{recovered:?}");
    refused(stage.say("list"), &["The passphrase is wrong"]);
    std::fs::copy(new, stage.path("passphrase")).unwrap();
    opens_to(&stage, &item(1, 1), "one");
    opens_to(&stage, &item(1, 2), "two");
    refused(stage.sago(["open", &item(2, 1), "--reason", "r", "--output", stage.path("x").to_str().unwrap()]), &["sealed"]);
    stage.sago(["key", "unseal", &accession(2), "--reason", "court", "--share", &page(&stage, 1), "--share", &page(&stage, 2)]).ends(0);
    opens_to(&stage, &item(2, 1), "three");
    assert_eq!(stage.say("key check --json").ends(0).object()["failures"], 0);
    stage.verify_everything();
    assert_eq!(stage.say("rebuild --json").ends(0).object()["differences"], 0);
    stage.verify_everything();
}

#[test]
fn a_keys_folder_that_is_gone_is_said_and_its_return_mends_all() {
    let stage = stocked();
    let (keys, away) = (stage.repo.join("keys"), stage.path("keys elsewhere"));
    std::fs::rename(&keys, &away).unwrap();
    refused(stage.say("list"), &["keys", "sago key recover"]);
    let tried = stage.sago(["key", "recover", "--reason", "r", "--share", &page(&stage, 1), "--share", &page(&stage, 2)]);
    refused(tried, &["signing.age", "sago restore"]);
    if keys.exists() {
        std::fs::remove_dir_all(&keys).unwrap();
    }
    std::fs::rename(&away, &keys).unwrap();
    stage.verify_everything();
}

#[test]
fn shares_that_do_not_fit_are_told_apart() {
    let stage = stocked();
    stage.sago(["key", "seal", &accession(1), "--reason", "threat"]).ends(0);
    let other = Stage::new();
    let words = std::fs::read_to_string(page(&stage, 1)).unwrap();
    let (from, to) = (words.find("---- BEGIN WORDS ----").unwrap() + 21, words.find("---- END").unwrap());
    let list: Vec<&str> = words[from..to].split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)).collect();
    let alone = list.join(" ");
    let swapped = {
        let mut list = list.clone();
        list.swap(5, 6);
        list.join(" ")
    };
    let misspelt = alone.replacen(list[8], &format!("{}x", list[8]), 1);
    let given = |name: &str, text: &[u8]| stage.file(name, text).to_str().unwrap().to_owned();
    let (one, two) = (page(&stage, 1), page(&stage, 2));
    let before = snapshot(&stage.local("vault"));
    for (shares, words) in [
        (vec![one.clone()], vec!["1 shares, but 2 are needed"]),
        (vec![one.clone(), one.clone()], vec!["share 2 is the same as share 1"]),
        (vec![one.clone(), given("garbage", b"the quick brown fox jumps over the lazy dog")], vec!["share 2", "is not in the list"]),
        (vec![one.clone(), given("nothing", b"")], vec!["share 2 has 0 words", "33"]),
        (vec![one.clone(), given("bytes", &[0xff, 0xfe, 0x00, 0x80])], vec!["Could not read the share", "bytes"]),
        (vec![one.clone(), stage.path("absent").to_str().unwrap().to_owned()], vec!["Could not read the share", "absent"]),
        (vec![given("swapped", swapped.as_bytes()), two.clone()], vec!["a word of share 1 is wrong"]),
        (vec![given("misspelt", misspelt.as_bytes()), two.clone()], vec!["word 9 of share 1 is not in the list", "did you mean", list[8]]),
        (vec![one.clone(), page(&other, 2)], vec!["share 2 belongs to another set than share 1"]),
        (vec![page(&other, 1), page(&other, 2)], vec!["belong to another epoch or another repository", "Nothing was changed"]),
    ] {
        for act in [&["key", "unseal", &accession(1), "--reason", "r"][..], &["key", "recover", "--reason", "r"][..]] {
            let mut arguments = act.to_vec();
            shares.iter().for_each(|share| arguments.extend(["--share", share.as_str()]));
            refused(stage.sago(arguments), &words);
            assert_eq!(snapshot(&stage.local("vault")), before);
        }
    }
    // The bare words do as well as the page.
    stage.sago(["key", "unseal", &accession(1), "--reason", "court", "--share", &given("alone", alone.to_uppercase().as_bytes()), "--share", &two]).ends(0);
    opens_to(&stage, &item(1, 1), "one");
    stage.verify_everything();
}

crate::pairs::also_on_servers!(
    a_wrong_passphrase_opens_nothing_and_changes_nothing,
    a_passphrase_comes_by_a_file_descriptor_too,
    a_lost_operating_key_is_made_anew_with_the_shares_of_two_custodians,
    a_keys_folder_that_is_gone_is_said_and_its_return_mends_all,
    shares_that_do_not_fit_are_told_apart,
);
