//! The end of an epoch: every key wrapped anew, the old shares and the old passphrase worthless, and nothing lost on the way.

use std::path::{Path, PathBuf};

use super::{Office, tree};
use crate::cast::Stage;

#[test]
fn rotating_wraps_everything_anew_and_ends_the_old_shares_and_passphrase() {
    let office = Office::new();
    let stage = &office.stage;
    let sealed = office.number();
    stage.sago(["key", "seal", sealed, "--reason", "threat"]).ends(0);
    let new_words = stage.file("new passphrase", "five newer words nobody would guess\n");
    let pages = |folder: &str, numbers: [u8; 2]| numbers.map(|n| stage.path(folder).join(format!("share-{n}-of-3.txt")).to_str().unwrap().to_owned());
    let shares_dir = stage.path("shares of 2");
    let rotate = |who: &str, extra: &[&str]| {
        let mut arguments = vec!["--as", who, "key", "rotate", "--custodians", "3", "--threshold", "2", "--shares-dir", shares_dir.to_str().unwrap()];
        arguments.extend(["--new-passphrase-file", new_words.to_str().unwrap(), "--json"]);
        arguments.extend(extra);
        stage.sago(arguments)
    };
    let other = Stage::new();
    let strange = [1, 2].map(|n| other.path("shares").join(format!("share-{n}-of-3.txt")).to_str().unwrap().to_owned());
    let [one, two] = pages("shares", [1, 3]);
    let before = tree_names(&stage.repo, &["keys", "vault"]);
    for (answer, words) in [
        (rotate("P-05", &[]), "You have no right"),
        (rotate("P-01", &[]), "is sealed: its key is wrapped anew with the shares of the epoch that ends"),
        (rotate("P-01", &["--share", &one]), "2 are needed"),
        (rotate("P-01", &["--share", &strange[0], "--share", &strange[1]]), "belong to another epoch or another repository"),
    ] {
        let answer = answer.ends(2);
        assert!(answer.err.contains(words), "{answer:?}");
        assert_eq!(tree_names(&stage.repo, &["keys", "vault"]), before, "a refused rotation changed something: {}", answer.err);
        assert!(!shares_dir.exists());
    }
    let refused = stage.sago(["key", "rotate", "--custodians", "2", "--threshold", "3", "--shares-dir", shares_dir.to_str().unwrap()]).ends(2);
    assert!(refused.err.contains("3 of 2 custodians is not possible"), "{refused:?}");
    assert!(
        stage
            .sago(["key", "rotate", "--custodians", "3", "--threshold", "2", "--shares-dir", stage.path("shares").to_str().unwrap()])
            .ends(2)
            .err
            .contains("exists already")
    );
    stage.verify_everything();

    let rotated = rotate("P-01", &["--share", &one, "--share", &two]).ends(0).object();
    assert_eq!(rotated["epoch"], 2);
    assert_eq!(std::fs::read_dir(&shares_dir).unwrap().count(), 3);
    for gone in ["keys/1", "vault/1"] {
        assert!(!stage.repo.join(gone).exists(), "{gone} outlived its epoch");
    }
    assert!(stage.say("list").ends(2).err.contains("The passphrase is wrong"));
    std::fs::copy(&new_words, stage.path("passphrase")).unwrap();
    stage.verify_everything();
    office.open(&office.spared_item()).ends(0);
    assert!(office.open(&office.doomed_item()).ends(2).err.contains("sealed"));
    let unseal = |pages: &[String; 2]| stage.sago(["key", "unseal", sealed, "--reason", "court order", "--share", &pages[0], "--share", &pages[1]]);
    assert!(unseal(&[one, two]).ends(2).err.contains("belong to another epoch"));
    unseal(&pages("shares of 2", [2, 3])).ends(0);
    office.open(&office.doomed_item()).ends(0);

    let attest = |epoch: &str| stage.sago(["key", "attest", "--epoch", epoch, "--statement", "burnt on 1 May before two witnesses"]);
    attest("1").ends(0);
    assert!(attest("2").ends(2).err.contains("has not ended"));
    assert!(attest("0").ends(2).err.contains("There was no epoch 0"));
    assert_eq!(stage.say("rebuild --json").ends(0).object()["differences"], 0);
    stage.verify_everything();
}

#[test]
fn pages_that_cannot_be_written_stop_a_rotation_before_anything_is_changed() {
    // Were the epoch switched first, nobody would hold the new recovery key, and what is sealed would be lost for ever.
    let office = Office::new();
    let stage = &office.stage;
    stage.sago(["key", "seal", office.number(), "--reason", "threat"]).ends(0);
    let shares = stage.path("shares");
    let pages = ["share-1-of-3.txt", "share-2-of-3.txt"].map(|name| shares.join(name).to_str().unwrap().to_owned());
    let impossible = stage.file("a file", "").join("shares");
    let failed = stage.sago([
        "key",
        "rotate",
        "--custodians",
        "3",
        "--threshold",
        "2",
        "--shares-dir",
        impossible.to_str().unwrap(),
        "--share",
        &pages[0],
        "--share",
        &pages[1],
    ]);
    failed.ends(2);
    stage.verify_everything();
    stage.sago(["key", "unseal", office.number(), "--reason", "court order", "--share", &pages[0], "--share", &pages[1]]).ends(0);
    office.open(&office.doomed_item()).ends(0);
    stage.verify_everything();
}

fn tree_names(repo: &Path, folders: &[&str]) -> Vec<PathBuf> {
    folders.iter().flat_map(|folder| tree(&repo.join(folder))).collect()
}
