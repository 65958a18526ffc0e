//! Folders, settings, formats and outputs that cannot be right.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::{accession, item, opens_to, refused, snapshot, stocked};
use crate::cast::{Answer, Stage};

#[test]
fn a_folder_that_is_no_repository_is_said_by_every_command() {
    let stage = Stage::empty();
    stage.file("repository/unrelated.txt", "x");
    for line in ["list", "show A-1", "fixity", "rebuild", "key list", "agent list", "key check", "open A-1 --reason r --output x", "export A-1 --output x"] {
        refused(stage.say(line), &["is not a Sago repository: it has no sago.toml", "sago init"]);
    }
    refused(stage.say("verify"), &["repository"]);
    std::fs::remove_dir_all(&stage.repo).unwrap();
    refused(stage.say("list"), &["is not a Sago repository"]);
    let nameless = crate::cast::answer(stage.command(["list"]).env_remove("SAGO_REPO").output().unwrap());
    refused(nameless, &["Which repository?", "--repo DIR"]);
}

#[test]
fn a_repository_of_a_newer_sago_is_left_alone() {
    let stage = stocked();
    let settings = stage.repo.join("sago.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replace("format = 1", "format = 2\nfuture = \"of this we know nothing\"")).unwrap();
    let before = snapshot(&stage.repo);
    for line in ["list", "verify", "rebuild", "fixity"] {
        refused(stage.say(line), &["format 2; this Sago reads formats up to 1", "newer Sago", "Nothing was changed"]);
    }
    assert_eq!(snapshot(&stage.repo), before);
    std::fs::write(&settings, text).unwrap();
    stage.change("INSERT INTO schema_version (version) VALUES (99)");
    for line in ["list", "verify", "fixity"] {
        refused(stage.say(line), &["schema 99", "newer Sago", "Nothing was changed"]);
    }
    stage.change("DELETE FROM schema_version WHERE version = 99");
    stage.verify_everything();
}

#[test]
fn settings_that_cannot_be_understood_are_named() {
    let stage = stocked();
    let settings = stage.repo.join("sago.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    for (wrong, words) in [
        ("format = \"one\"\n".to_owned(), "format"),
        (text.replace("repository = ", "reposytory = "), "reposytory"),
        (format!("{text}\n[[["), "sago.toml"),
        (text.replace("work_factor = 10", "work_factor = 63"), "work_factor"),
        (String::new(), "format"),
    ] {
        assert_ne!(wrong, text);
        std::fs::write(&settings, wrong).unwrap();
        refused(stage.say("list"), &[words]);
    }
    std::fs::write(&settings, text).unwrap();
    stage.verify_everything();
}

#[test]
fn a_vault_or_keys_under_the_storage_root_are_refused() {
    let stage = stocked();
    let settings = stage.repo.join("sago.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    for (what, setting) in [("vault", "vault = \"vault\""), ("keys", "keys = \"keys\"")] {
        assert!(text.contains(setting), "{text}");
        for place in [format!("store/{what}"), "store".to_owned(), ".".to_owned(), stage.repo.join("store/deep/er").to_str().unwrap().to_owned()] {
            std::fs::write(&settings, text.replace(setting, &format!("{what} = \"{place}\""))).unwrap();
            for line in ["list", "verify", "rebuild"] {
                refused(stage.say(line), &[what, "lie one in the other", "nothing could ever be destroyed"]);
            }
        }
    }
    std::fs::write(&settings, text).unwrap();
    stage.verify_everything();
    let new = stage.path("new");
    for flag in ["--vault", "--keys"] {
        refused(init(&stage, &new, &[flag, new.join("store/inside").to_str().unwrap()]), &["lie one in the other"]);
        assert!(!new.exists(), "a refused init left something");
    }
}

/// Makes a repository in the usual way, but for what is given.
fn init(stage: &Stage, folder: &Path, given: &[&str]) -> Answer {
    let shares = stage.path("new shares");
    let usual = ["--name", "New", "--shares-dir", shares.to_str().unwrap(), "--work-factor", "10", "--custodians", "3", "--threshold", "2"];
    let mut arguments = vec!["init", folder.to_str().unwrap()];
    arguments.extend(usual.chunks(2).filter(|pair| !given.contains(&pair[0])).flatten());
    arguments.extend(given);
    stage.sago(arguments)
}

#[test]
fn a_repository_is_not_made_where_or_how_it_must_not_be() {
    let stage = Stage::empty();
    let new = stage.path("new");
    for (custodians, threshold) in [("1", "1"), ("3", "1"), ("2", "3"), ("17", "2"), ("0", "0")] {
        let tried = init(&stage, &new, &["--custodians", custodians, "--threshold", threshold]);
        refused(tried, &[&format!("{threshold} of {custodians} custodians is not possible"), "2 to 16 custodians"]);
    }
    refused(init(&stage, &new, &["--custodians", "300", "--threshold", "2"]), &["300"]);
    refused(init(&stage, &new, &["--custodians", "three", "--threshold", "2"]), &["three"]);
    refused(init(&stage, &new, &["--name", "  "]), &["name"]);
    refused(init(&stage, &new, &["--work-factor", "40"]), &["40"]);
    let short = stage.file("short", "seven77\n");
    refused(init(&stage, &new, &["--passphrase-file", short.to_str().unwrap()]), &["shorter than 8 characters"]);
    // Eight letters of another script are eight characters, not sixteen bytes.
    let korean = stage.file("korean", "일곱글자뿐이\n");
    refused(init(&stage, &new, &["--passphrase-file", korean.to_str().unwrap()]), &["shorter than 8 characters"]);
    assert!(!new.exists() && !stage.path("new shares").exists(), "a refused init left something");

    let full = stage.file("full/letter.txt", "dear").parent().unwrap().to_owned();
    refused(init(&stage, &full, &[]), &["is not empty", "Nothing was changed"]);
    assert_eq!(snapshot(&full).len(), 1);
    refused(init(&stage, &stage.file("a file", "x"), &[]), &["a file"]);
    stage.file("new shares/old page.txt", "x");
    refused(init(&stage, &new, &[]), &["new shares is not empty", "Nothing was made"]);
    std::fs::remove_dir_all(stage.path("new shares")).unwrap();
    std::fs::create_dir(&new).unwrap();
    init(&stage, &new, &[]).ends(0);
    refused(init(&stage, &new, &["--shares-dir", stage.path("other shares").to_str().unwrap()]), &["is not empty", "Nothing was changed"]);
    assert!(!stage.path("other shares").exists());
}

#[test]
fn pages_that_cannot_be_written_are_no_repository_without_custodians() {
    let stage = Stage::empty();
    let impossible = stage.file("a file", "x").join("shares");
    let new = stage.path("new");
    let tried = stage.sago([
        "init",
        new.to_str().unwrap(),
        "--name",
        "New",
        "--custodians",
        "3",
        "--threshold",
        "2",
        "--work-factor",
        "10",
        "--shares-dir",
        impossible.to_str().unwrap(),
    ]);
    refused(tried, &["a file"]);
    assert!(!new.join("sago.toml").exists(), "a repository stands whose recovery key nobody holds");
}

#[test]
fn nothing_is_overwritten_and_nothing_in_clear_goes_into_the_repository() {
    let stage = stocked();
    let there = stage.file("there", "mine");
    let folder = stage.file("folder/mine.txt", "mine").parent().unwrap().to_owned();
    let (item, accession) = (&item(1, 1)[..], &accession(1)[..]);
    for output in [&there, &folder] {
        let output = output.to_str().unwrap();
        refused(stage.sago(["open", item, "--reason", "r", "--output", output]), &["exists already"]);
        refused(stage.sago(["export", accession, "--output", output]), &["exists already", "nothing is overwritten"]);
        refused(stage.sago(["receipt", accession, "--output", output]), &["exists already"]);
        refused(
            stage.sago(["deposit", there.to_str().unwrap(), "--contributor", "c", "--title", "t", "--receipt", output]),
            &["exists already", "Nothing was received"],
        );
    }
    refused(stage.sago(["open", item, "--reason", "r", "--output", "-"]), &["written to a file"]);
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    assert_eq!(snapshot(&folder).len(), 1);
    for place in ["out", "store/out", "log/out", "staging/out", "vault/../out", "keys/agents/../out"] {
        let output = stage.repo.join(place);
        let output = output.to_str().unwrap();
        refused(stage.sago(["export", accession, "--output", output]), &["inside the repository"]);
        refused(stage.sago(["open", item, "--reason", "r", "--output", output]), &["inside the repository"]);
        refused(stage.sago(["receipt", accession, "--output", output]), &["inside the repository"]);
        refused(stage.sago(["deposit", there.to_str().unwrap(), "--contributor", "c", "--title", "t", "--receipt", output]), &["inside the repository"]);
    }
    assert_eq!(stage.say("list --json").ends(0).objects().len(), 1, "a deposit whose receipt had no place was received");
    stage.verify_everything();
}

#[test]
fn a_repository_does_not_swallow_itself() {
    // Its own keys would lie in its own store, where nothing can be destroyed any more.
    let stage = stocked();
    std::os::unix::fs::symlink(&stage.repo, stage.path("elsewhere")).unwrap();
    for source in [stage.repo.clone(), stage.repo.join("vault"), stage.repo.join("keys/current"), stage.folder.path().to_owned(), stage.path("elsewhere/keys")]
    {
        let tried = stage.sago(["deposit", source.to_str().unwrap(), "--contributor", "c", "--title", "t"]);
        refused(tried, &["repository itself", "Nothing was received"]);
    }
    assert_eq!(stage.say("list --json").ends(0).objects().len(), 1);
    stage.verify_everything();
}

#[test]
fn what_does_not_exist_is_not_found() {
    let stage = stocked();
    stage.file("more/three.txt", "three");
    stage.deposit(&stage.path("more"));
    let output = stage.path("output");
    let output = output.to_str().unwrap();
    // The second accession has one item: the number of another's second item is nothing.
    let almost = [item(2, 2), item(1, 3), accession(3), format!("{}.", accession(1)), format!("{}.1", accession(1)), accession(1).replace("0001", "000_")];
    for id in almost.iter().map(String::as_str).chain([".", "", "' OR 1=1 --", "%", "../../etc/passwd"]) {
        let said = format!("There is no {id} here.");
        refused(stage.sago(["show", id]), &[&said]);
        refused(stage.sago(["open", id, "--reason", "r", "--output", output]), &[&said]);
        refused(stage.sago(["export", id, "--output", output]), &[&said]);
        refused(stage.sago(["receipt", id, "--output", output]), &[&said]);
        refused(stage.sago(["list", "--accession", id]), &[&said]);
        refused(stage.sago(["key", "seal", id, "--reason", "r"]), &["There is no unit"]);
        assert!(!Path::new(output).exists());
    }
    refused(stage.sago(["open", &accession(1), "--reason", "r", "--output", output]), &[&accession(1)]);
    refused(stage.sago(["receipt", &item(1, 1), "--output", output]), &[&format!("There is no {} here.", item(1, 1))]);
    refused(stage.sago(["open", &item(1, 1), "--reason", "", "--output", output]), &["needs a reason"]);
    refused(
        stage.sago(["deposit", stage.path("absent").to_str().unwrap(), "--contributor", "c", "--title", "t"]),
        &["There is no file or folder", "Nothing was received"],
    );
    refused(stage.sago(["deposit", stage.path("disk").to_str().unwrap(), "--contributor", " ", "--title", "t"]), &["contributor"]);
    refused(
        stage.sago(["deposit", stage.path("disk").to_str().unwrap(), "--unit", &accession(9), "--contributor", "c", "--title", "t"]),
        &[&format!("There is no unit {}", accession(9))],
    );
    refused(stage.sago(["--as", "P-99", "list"]), &["No such person works with this repository"]);
    refused(stage.sago(["liszt"]), &["liszt"]);
    stage.verify_everything();
}

#[test]
fn files_at_the_edges_of_what_a_disk_can_hold_are_received_whole() {
    let stage = Stage::new();
    let long_latin = "n".repeat(255);
    let long_korean = format!("{}가", "한".repeat(84));
    assert_eq!(long_korean.len(), 255);
    let mut bytes = vec![0xe9; 255];
    bytes[0] = b'b';
    let unreadable = std::ffi::OsStr::from_bytes(&bytes);
    stage.file("disk/zero", "");
    stage.file(&format!("disk/{long_latin}"), "long latin");
    stage.file(&format!("disk/{long_korean}"), "long korean");
    std::fs::write(stage.path("disk").join(unreadable), "long bytes").unwrap();
    std::fs::create_dir_all(stage.path("disk/empty/emptier")).unwrap();
    let mut deep = stage.path("disk");
    for _ in 0..12 {
        deep.push("d".repeat(255));
    }
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("deep"), "deep").unwrap();
    let deposited = stage.deposit(&stage.path("disk"));
    assert_eq!((&deposited["items"], &deposited["findings"]), (&5.into(), &0.into()), "{deposited}");
    let details = deposited["details"].as_array().unwrap();
    assert!(details.iter().any(|one| one["code"] == "empty-folder" && one["path"].as_str().unwrap().ends_with("empty/emptier")), "{deposited}");
    let items = stage.say("list items --json").ends(0).objects();
    for (name, content) in [("/zero", ""), (&long_latin, "long latin"), (&long_korean, "long korean"), ("/deep", "deep")] {
        let item = items.iter().find(|item| item["path"].as_str().unwrap().ends_with(name)).unwrap_or_else(|| panic!("{name}"));
        opens_to(&stage, item["item"].as_str().unwrap(), content);
    }
    let output = stage.path("package");
    stage.sago(["export", &accession(1), "--output", output.to_str().unwrap()]).ends(0);
    stage.sago(["verify", output.to_str().unwrap()]).ends(0);
    let nothing = stage.path("disk/empty");
    refused(
        stage.sago(["deposit", nothing.to_str().unwrap(), "--contributor", "c", "--title", "t"]),
        &["There is no file in what was named: nothing was received"],
    );
    stage.verify_everything();
}

crate::pairs::also_on_servers!(
    a_repository_of_a_newer_sago_is_left_alone,
    settings_that_cannot_be_understood_are_named,
    what_does_not_exist_is_not_found,
    files_at_the_edges_of_what_a_disk_can_hold_are_received_whole,
);
