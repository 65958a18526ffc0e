//! A whole repository without its keys: storage root, generations, locks, and what cannot be judged.

use std::fs;

use sago_packages::ocfl::write::{object_path_0003, sidecar_text, storage_root_files};
use sago_verify::{Options, Report, Target, detect, verify_path};

use crate::build::{Log, OBJECT, World, sha256, write};

pub struct Repository {
    pub folder: tempfile::TempDir,
    pub world: World,
}

impl Repository {
    pub fn new() -> Self {
        let (folder, world) = (tempfile::tempdir().unwrap(), World::new());
        let root = folder.path();
        write(&root.join("sago.toml"), "[repository]\n");
        for (path, bytes) in storage_root_files() {
            write(&root.join("store").join(path), bytes);
        }
        let object = root.join("store").join(object_path_0003(&format!("urn:uuid:{OBJECT}")));
        write(&object.join("0=ocfl_object_1.1"), "ocfl_object_1.1\n");
        for place in ["", "v1/"] {
            write(&object.join(format!("{place}inventory.json")), &world.inventory);
            write(&object.join(format!("{place}inventory.json.sha512")), sidecar_text(&world.inventory));
        }
        for (index, original) in (1..).zip(&world.originals) {
            let sealed = [b"age-encryption.org/v1\n", &original.bytes[..]].concat();
            write(&object.join(format!("v1/content/o/{index:06}.age")), sealed);
        }
        world.write_generation(&root.join("log/1"));
        write(&root.join("lock/custody-1"), world.custody.checkpoint());
        write(&root.join("lock/access-1"), world.access.checkpoint());
        Self { folder, world }
    }

    pub fn verify(&self) -> Report {
        // 2026-03-20
        verify_path(self.folder.path(), &Options::at(sago_stamp::Moment::from_seconds(1_773_964_800))).unwrap()
    }

    pub fn object(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join("store").join(object_path_0003(&format!("urn:uuid:{OBJECT}"))).join(path)
    }

    #[track_caller]
    fn has_error(&self, code: &str, path: &str) {
        let report = self.verify();
        assert_eq!(report.exit_code(), 1);
        assert!(report.findings.iter().any(|finding| finding.code == code && finding.path == path && finding.is_error()), "{report:#?}");
    }
}

#[test]
fn an_untouched_repository_is_sound_and_says_what_needs_keys() {
    let repository = Repository::new();
    assert_eq!(detect(repository.folder.path()), Some(Target::Repository));
    let report = repository.verify();
    assert!(report.is_sound(), "{report:#?}");
    assert!(report.not_checked.iter().any(|not| not.what.contains("every stored object") && not.why.contains("keys")), "{report:#?}");
    assert!(report.checked.iter().any(|what| what.contains("1 OCFL objects")), "{report:#?}");
}

#[test]
fn a_log_rolled_back_behind_its_lock_is_found() {
    let repository = Repository::new();
    let mut shorter = Log::new(&repository.world.custody.origin);
    shorter.events = repository.world.custody.events[..5].to_vec();
    shorter.integrate();
    let folder = repository.folder.path().join("log/1/custody");
    fs::remove_dir_all(&folder).unwrap();
    shorter.write(&folder);
    repository.has_error("log-shorter-than-known", "log/1/custody/checkpoint");
}

#[test]
fn a_lock_over_another_history_is_found() {
    let mut repository = Repository::new();
    let other = &mut repository.world.custody;
    other.events[2] = other.events[1].clone();
    (other.size, other.root) = (0, sago_ledger::Hash::EMPTY_ROOT);
    other.files = Default::default();
    other.integrate();
    let note = other.checkpoint();
    write(&repository.folder.path().join("lock/custody-1"), note);
    repository.has_error("known-checkpoint-mismatch", "lock/custody-1");
}

#[test]
fn a_lock_that_is_none_is_found() {
    let repository = Repository::new();
    write(&repository.folder.path().join("lock/custody-1"), "nothing\n");
    repository.has_error("checkpoint-malformed", "lock/custody-1");
    write(&repository.folder.path().join("lock/custody-1"), repository.world.access.checkpoint());
    repository.has_error("checkpoint-malformed", "lock/custody-1");
}

#[test]
fn a_missing_lock_is_a_warning() {
    let repository = Repository::new();
    fs::remove_file(repository.folder.path().join("lock/access-1")).unwrap();
    let report = repository.verify();
    assert!(report.is_sound() && report.findings.iter().any(|finding| finding.code == "lock-missing" && finding.path == "lock/access-1"), "{report:#?}");
}

#[test]
fn a_generation_that_is_gone_is_missed() {
    let repository = Repository::new();
    let log = repository.folder.path().join("log");
    fs::rename(log.join("1"), log.join("2")).unwrap();
    repository.has_error("log-missing", "log/1");
    fs::remove_dir_all(&log).unwrap();
    repository.has_error("log-missing", "log/1");
}

#[test]
fn a_damaged_or_missing_store_is_found() {
    let repository = Repository::new();
    let content = repository.object("v1/content/o/000002.age");
    fs::write(&content, "x").unwrap();
    let path = content.strip_prefix(repository.folder.path()).unwrap().to_str().unwrap().to_owned();
    repository.has_error("E092", &path);
    fs::remove_dir_all(repository.folder.path().join("store")).unwrap();
    repository.has_error("store-missing", "store");
}

#[test]
fn parts_of_a_repository_are_recognised_alone() {
    let repository = Repository::new();
    let root = repository.folder.path();
    let object = repository.object("");
    for (path, target) in [
        (root.join("store"), Target::OcflRoot),
        (object, Target::OcflObject),
        (root.join("log/1"), Target::Generation),
        (root.join("log/1/custody"), Target::Log),
    ] {
        assert_eq!(detect(&path), Some(target), "{}", path.display());
        let report = verify_path(&path, &Options::at(sago_stamp::Moment::from_seconds(0))).unwrap();
        assert!(report.is_sound() && report.target == target, "{report:#?}");
    }
    assert_eq!(detect(&root.join("lock")), None);
    assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn a_plain_bag_is_judged_as_one_and_said_to_prove_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("bag");
    let mut bag = sago_packages::bagit::BagWriter::create(&root).unwrap();
    bag.add_file("a.txt", &mut &b"a"[..]).unwrap();
    bag.finish(&[]).unwrap();
    let report = verify_path(&root, &Options::at(sago_stamp::Moment::from_seconds(0))).unwrap();
    assert!(report.is_sound() && report.target == Target::Bag && !report.not_checked.is_empty(), "{report:#?}");
    fs::write(root.join("data/a.txt"), "b").unwrap();
    assert!(!verify_path(&root, &Options::at(sago_stamp::Moment::from_seconds(0))).unwrap().is_sound());
}
