//! Second sites: what they get, what they never get, how far behind they are, and what a replica refuses.

mod bucket;

use std::path::{Path, PathBuf};

use crate::cast::{Answer, Stage, answer};
use crate::pairs::also_on_servers;

also_on_servers!(
    a_second_site_gets_what_is_new_and_says_how_far_behind_it_is,
    damage_does_not_spread_and_is_mended_from_the_other_side,
    a_replica_is_read_with_the_keys_and_enters_nothing,
    a_killed_run_goes_on_and_two_repositories_do_not_share_a_site,
    a_lost_repository_is_made_again_from_its_replica_and_a_backup_of_the_vault,
);

fn on(stage: &Stage, repo: &Path, words: &[&str]) -> Answer {
    answer(stage.command(words).env("SAGO_REPO", repo).output().unwrap())
}

/// A repository with two deposits, one of them sealed, and a second site in its settings.
fn with_site() -> (Stage, PathBuf) {
    let stage = Stage::new();
    let site = stage.path("second site");
    let settings = std::fs::read_to_string(stage.repo.join("sago.toml")).unwrap();
    std::fs::write(stage.repo.join("sago.toml"), format!("{settings}\n[[replica]]\nname = \"hill\"\naddress = \"{}\"\n", site.display())).unwrap();
    stage.file("disk/one.txt", "first");
    stage.file("disk/big", vec![7; 3 << 20]);
    stage.deposit(&stage.path("disk"));
    let sealed = stage.file("statement.txt", "a witness speaks");
    stage.sago(["deposit", sealed.to_str().unwrap(), "--contributor", "W", "--title", "S", "--sealed", "--json"]).ends(0);
    (stage, site)
}

fn content_files(folder: &Path) -> Vec<PathBuf> {
    crate::shredding::tree(folder).into_iter().filter(|path| path.to_string_lossy().contains("/v1/content/")).collect()
}

#[test]
fn a_second_site_gets_what_is_new_and_says_how_far_behind_it_is() {
    let (stage, site) = with_site();
    assert!(stage.say("replicate --status").ends(2).err.contains("no replica"));
    let made = stage.say("replicate --json").ends(0).object();
    assert_eq!((made["custody_entries_behind"].as_u64(), made["objects_behind"].as_u64()), (Some(0), Some(0)), "{made}");
    assert!(made["new_bytes"].as_u64().unwrap() > 3 << 20);
    // A stranger judges it; the vault and the keys are not there.
    let report = on(&stage, &site, &["verify", "--json"]).ends(0).object();
    assert_eq!(report["sound"], true, "{report}");
    assert!(crate::shredding::tree(&site).iter().all(|path| !path.to_string_lossy().contains("/vault/") && !path.to_string_lossy().contains("/keys/")));
    let again = stage.say("replicate --json").ends(0).object();
    assert_eq!(again["new_bytes"], 0, "{again}");
    let file = stage.file("later.txt", "later");
    stage.deposit(&file);
    let behind = stage.say("replicate --status --json").ends(1).object();
    assert_eq!(behind["objects_behind"], 1, "{behind}");
    assert!(behind["custody_entries_behind"].as_u64().unwrap() >= 3 && behind["bytes_behind"].as_u64().unwrap() > 0, "{behind}");
    let doctor = stage.say("doctor --json").out;
    assert!(doctor.contains("replicas") && doctor.contains("is behind by"), "{doctor}");
    // A node does it by itself; what it reads meanwhile would be behind again.
    crate::nodes::process::set(&stage.repo, "read_seconds", 0);
    let ran = stage.say("work --once --json").ends(0);
    assert!(ran.out.contains("\"replicate\""), "{}", ran.out);
    assert_eq!(stage.say("replicate --status --json").ends(0).object()["objects_behind"], 0);
    assert_eq!(on(&stage, &site, &["verify", "--json"]).ends(0).object()["sound"], true);
    // It is in the log once; that it was lost, too.
    assert_eq!(stage.say("log --json").ends(0).out.matches("\"replica-added\"").count(), 1);
    stage.sago(["replicate", "hill", "--lost", "the disk was stolen"]).ends(0);
    stage.sago(["replicate", "hill", "--lost", "again"]).ends(2);
    stage.verify_everything();
}

#[test]
fn damage_does_not_spread_and_is_mended_from_the_other_side() {
    let (stage, site) = with_site();
    stage.say("replicate").ends(0);
    assert_eq!(stage.say("replicate --check --json").ends(0).object()["findings"], 0);
    // The replica's disk flips a bit of one file and loses another.
    let files = content_files(&site);
    let mut bytes = std::fs::read(&files[0]).unwrap();
    let whole = bytes.clone();
    bytes[100] ^= 1;
    std::fs::write(&files[0], &bytes).unwrap();
    std::fs::remove_file(&files[1]).unwrap();
    let checked = stage.say("replicate --check --json").ends(1);
    assert_eq!(checked.object()["findings"], 2, "{}", checked.out);
    // An ordinary run leaves it as it is.
    stage.say("replicate").ends(0);
    assert_eq!(std::fs::read(&files[0]).unwrap(), bytes);
    let mended = stage.say("replicate --repair --json").ends(0).object();
    assert_eq!(mended["sent"].as_array().unwrap().len(), 2, "{mended}");
    assert_eq!(std::fs::read(&files[0]).unwrap(), whole);
    assert!(crate::shredding::tree(&site.join("damaged")).iter().any(|path| std::fs::read(path).unwrap() == bytes), "the damaged bytes are kept");
    // Now the repository's own: one file is altered, and the replica has it.
    let name = files[2].strip_prefix(site.join("store")).unwrap().to_str().unwrap().to_owned();
    stage.put("store", &name, Some(b"encrypted by a stranger".to_vec()));
    let file = stage.file("later.txt", "later");
    stage.deposit(&file);
    stage.say("replicate").ends(0);
    let mended = stage.say("replicate --repair --json").ends(0).object();
    assert_eq!(mended["fetched"].as_array().unwrap().len(), 1, "{mended}");
    stage.verify_everything();
    assert_eq!(stage.say("log --json").ends(0).out.matches("\"replica-repaired\"").count(), 2);
    // A new object that is damaged here before it was ever sent does not go there whole.
    let file = stage.file("last.txt", "last");
    stage.deposit(&file);
    let before: Vec<_> = content_files(&site);
    let there = content_files(&stage.local("store"));
    let new = there
        .iter()
        .find(|path| path.to_string_lossy().contains("/o/") && !before.iter().any(|known| known.ends_with(path.strip_prefix(stage.local("store")).unwrap())))
        .unwrap();
    let name = new.strip_prefix(stage.local("store")).unwrap().to_str().unwrap().to_owned();
    stage.put("store", &name, Some(b"not what was received".to_vec()));
    let refused = stage.say("replicate --json").ends(1);
    assert!(refused.out.contains("content-differs"), "{}", refused.out);
    assert!(!site.join("store").join(&name).exists());
    assert_eq!(stage.say("replicate --status --json").ends(1).object()["objects_behind"], 1);
}

#[test]
fn a_replica_is_read_with_the_keys_and_enters_nothing() {
    let (stage, site) = with_site();
    stage.say("replicate").ends(0);
    let reader = stage.path("reader");
    let (vault, keys) = (stage.local("vault"), stage.repo.join("keys"));
    let words = ["replicate", "--address", site.to_str().unwrap(), "--reader", reader.to_str().unwrap()];
    let more = ["--vault", vault.to_str().unwrap(), "--keys", keys.to_str().unwrap()];
    on(&stage, Path::new("/nowhere"), &[words.as_slice(), more.as_slice()].concat()).ends(0);
    on(&stage, &reader, &["verify", "--without-keys"]).ends(0);
    on(&stage, &reader, &["rebuild"]).ends(0);
    let report = on(&stage, &reader, &["verify", "--json"]).ends(0).object();
    assert_eq!(report["sound"], true, "{report}");
    let listed = on(&stage, &reader, &["list", "items", "--json"]).ends(0).objects();
    assert!(listed.iter().any(|item| item["number"] == "A-2026-0001.00001" || item["item"] == "A-2026-0001.00001"), "{listed:?}");
    assert!(listed.iter().all(|item| item["path"].is_null()), "names are withheld: {listed:?}");
    let shown = on(&stage, &reader, &["show", "A-2026-0001", "--json"]).ends(0);
    assert!(shown.err.contains("withheld"), "{}", shown.err);
    on(&stage, &reader, &["log", "--json"]).ends(0);
    let file = stage.file("late.txt", "late");
    for words in [
        vec!["open", "A-2026-0001.00001", "--reason", "x", "--output", stage.path("opened").to_str().unwrap()],
        vec!["export", "A-2026-0001", "--recipient", "x", "--reason", "x", "--output", stage.path("package").to_str().unwrap()],
        vec!["deposit", file.to_str().unwrap(), "--contributor", "X", "--title", "Y"],
        vec!["fixity", "--all"],
        vec!["receipt", "A-2026-0001", "--output", stage.path("receipt").to_str().unwrap()],
        vec!["agent", "add", "--name", "N", "--role", "auditor"],
        vec!["backup", stage.path("backup").to_str().unwrap()],
        vec!["replicate", "--address", stage.path("third").to_str().unwrap()],
    ] {
        let refused = on(&stage, &reader, &words).ends(2);
        assert!(refused.err.contains("read-only"), "{words:?}: {}", refused.err);
    }
    assert!(!stage.path("opened").exists() && !stage.path("package").exists());
    assert_eq!(on(&stage, &reader, &["verify", "--json"]).ends(0).object()["sound"], true);
    stage.verify_everything();
}

#[test]
fn a_killed_run_goes_on_and_two_repositories_do_not_share_a_site() {
    let (stage, site) = with_site();
    // Nothing of the vault and nothing of the repository itself is a site.
    let inside = stage.repo.join("second");
    assert!(stage.sago(["replicate", "--address", inside.to_str().unwrap()]).ends(2).err.contains("lie one in the other"));
    let mut killed = 0;
    for turn in 1..6 {
        let mut command = stage.command(["replicate"]);
        command.env("SAGO_FAULT_AT", format!("file-of-many-placed:{}", turn * 9));
        killed += usize::from(command.output().unwrap().status.code().is_none());
        stage.verify_everything();
    }
    assert!(killed > 0, "no run was killed");
    stage.say("replicate").ends(0);
    assert_eq!(on(&stage, &site, &["verify", "--json"]).ends(0).object()["sound"], true);
    assert_eq!(stage.say("replicate --check --json").ends(0).object()["findings"], 0);
    let other = Stage::new();
    assert!(other.sago(["replicate", "--address", site.to_str().unwrap()]).ends(2).err.contains("another repository"));
    // A repository that was put back to an earlier state does not continue what the replica holds.
    assert!(other.sago(["replicate", "--address", other.path("passphrase").parent().unwrap().to_str().unwrap()]).ends(2).err.contains("lie one in the other"));
}

#[test]
fn a_lost_repository_is_made_again_from_its_replica_and_a_backup_of_the_vault() {
    let (stage, site) = with_site();
    stage.say("replicate").ends(0);
    let vault = stage.path("vault copy");
    stage.sago(["backup", "--vault", vault.to_str().unwrap()]).ends(0);
    stage.say("replicate").ends(0);
    let restored = stage.path("restored");
    let (one, two) = (stage.path("shares/share-1-of-3.txt"), stage.path("shares/share-2-of-3.txt"));
    let words = ["restore", site.to_str().unwrap(), "--vault", vault.to_str().unwrap(), "--reason", "the house burnt", "--share", one.to_str().unwrap()];
    let more = ["--share", two.to_str().unwrap(), "--json"];
    let told = on(&stage, &restored, &[words.as_slice(), more.as_slice()].concat()).ends(0).object();
    assert_eq!(told["generation"], 2, "{told}");
    let output = stage.path("opened");
    on(&stage, &restored, &["open", "A-2026-0001.00002", "--reason", "court", "--output", output.to_str().unwrap()]).ends(0);
    assert_eq!(std::fs::read(output).unwrap(), b"first");
    assert_eq!(on(&stage, &restored, &["verify", "--json"]).ends(0).object()["sound"], true);
}
