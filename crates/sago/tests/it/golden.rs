//! Golden repositories of every release: opened, verified and gone on with by this build. Their bytes never change; when a story fails, this
//! build breaks a promise.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::cast::{Answer, Stage, answer};

/// A copy of a golden repository, and what must hold of it.
struct Golden {
    version: String,
    expected: Value,
    stage: Stage,
}

/// Copies of all of them; there is at least one.
fn all() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/golden");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let from = entry.unwrap().path();
        let mut stage = Stage::empty();
        for name in ["repository", "shares", "approvers", "receipt", "export", "backup", "vault-backup"] {
            crate::flips::holdings::copy(&from.join(name), &stage.path(name));
        }
        std::fs::copy(from.join("passphrase"), stage.path("passphrase")).unwrap();
        // Git keeps no empty folders.
        std::fs::create_dir_all(stage.path("repository/staging")).unwrap();
        stage.repo = stage.path("repository");
        let expected: Value = serde_json::from_slice(&std::fs::read(from.join("expected.json")).unwrap()).unwrap();
        let version = from.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(expected["version"], version.as_str());
        found.push(Golden { version, expected, stage });
    }
    assert!(!found.is_empty(), "there is no golden repository: `cargo xtask golden` makes the one of this release");
    found
}

impl Golden {
    fn text(&self, name: &str) -> &str {
        self.expected[name].as_str().unwrap()
    }

    fn share(&self, epoch: u64, number: u32) -> PathBuf {
        self.stage.path(&format!("shares/{epoch}/share-{number}-of-3.txt"))
    }

    fn on(&self, repo: &Path, words: &[&str]) -> Answer {
        answer(self.stage.command(words).env("SAGO_REPO", repo).output().unwrap())
    }

    /// Lists say what they said when it was made.
    #[track_caller]
    fn tells_what_it_told(&self, repo: &Path) {
        for (words, name, key) in [(["list", "accessions", "--json"], "accessions", "accession"), (["list", "items", "--json"], "items", "item")] {
            let told = self.on(repo, &words).ends(0).objects();
            for expected in self.expected[name].as_array().unwrap() {
                let one = told.iter().find(|one| one[key] == expected[key]).unwrap_or_else(|| panic!("{}: {expected} is not listed", self.version));
                for (member, value) in expected.as_object().unwrap() {
                    assert_eq!(&one[member], value, "{}: {member} of {}", self.version, expected[key]);
                }
            }
            assert_eq!(told.len(), self.expected[name].as_array().unwrap().len(), "{}: {told:?}", self.version);
        }
    }

    /// Every original that may be opened has the digest that was recorded.
    #[track_caller]
    fn opens_every_original(&self, repo: &Path) {
        let mut opened = 0;
        for item in self.expected["items"].as_array().unwrap().iter().filter(|item| item["sha256"].is_string()) {
            let output = self.stage.path(&format!("opened-{}", uuid::Uuid::new_v4()));
            let words = ["open", item["item"].as_str().unwrap(), "--reason", "to see that it is there", "--output", output.to_str().unwrap()];
            self.on(repo, &words).ends(0);
            assert_eq!(hex::encode(Sha256::digest(std::fs::read(output).unwrap())), item["sha256"].as_str().unwrap(), "{}: {item}", self.version);
            opened += 1;
        }
        assert!(opened >= 7, "{}: {opened} originals", self.version);
    }

    #[track_caller]
    fn is_sound(&self, repo: &Path) {
        assert_eq!(self.on(repo, &["verify", "--json"]).ends(0).object()["sound"], true, "{}", self.version);
        assert_eq!(self.on(repo, &["verify", "--without-keys", "--json"]).ends(0).object()["sound"], true, "{}", self.version);
    }
}

#[test]
fn it_is_opened_verified_and_gone_on_with() {
    for golden in all() {
        let repo = golden.stage.repo.clone();
        for log in ["custody", "access"] {
            assert_eq!(std::fs::read_to_string(repo.join(format!("lock/{log}-1"))).unwrap(), golden.text(&format!("{log}_head")));
        }
        golden.is_sound(&repo);
        golden.tells_what_it_told(&repo);
        for name in ["exported", "sealed", "destroyed"] {
            assert!(golden.on(&repo, &["show", golden.text(name), "--json"]).ends(0).out.contains(golden.text(name)));
        }
        golden.opens_every_original(&repo);
        golden.on(&repo, &["fixity", "--all"]).ends(0);
        // The sealed unit opens with the pages of the epoch in force, and not with those of the one that ended.
        let unseal = |epoch: u64| {
            let (one, two) = (golden.share(epoch, 1), golden.share(epoch, 2));
            let words = ["key", "unseal", golden.text("sealed"), "--reason", "court", "--share", one.to_str().unwrap(), "--share", two.to_str().unwrap()];
            golden.on(&repo, &words)
        };
        assert_ne!(unseal(1).code, 0);
        unseal(2).ends(0);
        let item = format!("{}.00001", golden.text("sealed"));
        let output = golden.stage.path("unsealed");
        golden.on(&repo, &["open", &item, "--reason", "court", "--output", output.to_str().unwrap()]).ends(0);
        let gone = format!("{}.00001", golden.text("destroyed"));
        golden.on(&repo, &["open", &gone, "--reason", "x", "--output", golden.stage.path("gone").to_str().unwrap()]).ends(2);
        let file = golden.stage.file("new.txt", "received by a later build");
        let words = ["deposit", file.to_str().unwrap(), "--contributor", "Later", "--title", "New", "--json"];
        assert_eq!(golden.on(&repo, &words).ends(0).object()["items"], 1);
        golden.is_sound(&repo);
    }
}

#[test]
fn its_database_is_made_anew_from_its_log() {
    for golden in all() {
        let repo = golden.stage.repo.clone();
        golden.on(&repo, &["rebuild"]).ends(0);
        golden.is_sound(&repo);
        std::fs::remove_file(repo.join("index.db")).unwrap();
        golden.on(&repo, &["rebuild"]).ends(0);
        golden.is_sound(&repo);
        golden.opens_every_original(&repo);
    }
}

#[test]
fn what_was_handed_out_is_verified_by_both_verifiers() {
    for golden in all() {
        let own = golden.stage.repo.join("log/1/custody.vkey");
        let access = golden.stage.repo.join("log/1/access.vkey");
        for name in ["export", "receipt"] {
            let folder = golden.stage.path(name);
            let report =
                golden.on(Path::new("/nowhere"), &["verify", folder.to_str().unwrap(), "--key", own.to_str().unwrap(), "--key", access.to_str().unwrap()]);
            report.ends(0);
        }
        let python = std::process::Command::new("python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../sago-verify/python/sago_verify.py"))
            .arg(golden.stage.path("export"))
            .args(["--key".as_ref(), own.as_os_str(), "--key".as_ref(), access.as_os_str()])
            .output()
            .unwrap();
        assert!(python.status.success(), "{}: {}{}", golden.version, String::from_utf8_lossy(&python.stdout), String::from_utf8_lossy(&python.stderr));
        // One byte of evidence is altered: the package is no longer what was handed over.
        let evidence = crate::shredding::tree(&golden.stage.path("export/data")).into_iter().find(|path| path.metadata().unwrap().len() > 0).unwrap();
        let mut bytes = std::fs::read(&evidence).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&evidence, bytes).unwrap();
        golden.on(Path::new("/nowhere"), &["verify", golden.stage.path("export").to_str().unwrap()]).ends(1);
    }
}

#[test]
fn its_backup_is_restored_with_its_pages() {
    for golden in all() {
        let restored = golden.stage.path("restored");
        let (one, three) = (golden.share(2, 1), golden.share(2, 3));
        let (backup, vault) = (golden.stage.path("backup"), golden.stage.path("vault-backup"));
        let words = ["restore", backup.to_str().unwrap(), "--vault", vault.to_str().unwrap(), "--reason", "a later build tries", "--share"];
        let shares = [one.to_str().unwrap(), "--share", three.to_str().unwrap(), "--json"];
        golden.on(&restored, &[words.as_slice(), shares.as_slice()].concat()).ends(0);
        golden.is_sound(&restored);
        golden.opens_every_original(&restored);
    }
}
