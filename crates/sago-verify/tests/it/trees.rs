//! A repository whose parts lie in trees, not in folders: the same report, and no fault of a source that passes for soundness.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use sago_ledger::source::TileSource;
use sago_packages::{DiskTree, Tree};
use sago_verify::repository::{Lock, Parts, Places, verify_parts, verify_places};
use sago_verify::stamp::log_id;
use sago_verify::{Error, Options, Report, TreeSource};

use crate::build::{Log, write};
use crate::memory::{Fault, MemoryTree};
use crate::repository::Repository;

/// The parts of a repository in memory.
struct InMemory {
    store: MemoryTree,
    log: MemoryTree,
    lock: BTreeMap<String, Vec<u8>>,
    stamps: MemoryTree,
}

const STORE: usize = 0;
const LOG: usize = 1;
const STAMPS: usize = 2;

impl InMemory {
    fn load(repository: &Repository) -> Self {
        let part = |name: &str| {
            let folder = repository.folder.path().join(name);
            if folder.is_dir() { MemoryTree::load(&folder).0 } else { MemoryTree::default() }
        };
        let [store, log, lock, stamps] = ["store", "log", "lock", "stamps"].map(part);
        Self { store, log, lock: lock.files, stamps }
    }

    fn part(&mut self, part: usize) -> &mut MemoryTree {
        [&mut self.store, &mut self.log, &mut self.stamps].into_iter().nth(part).unwrap()
    }

    fn verify(&self) -> Result<Report, Error> {
        verify_parts(&Parts { store: &self.store, log: &self.log, lock: Lock::Known(&self.lock), stamps: &self.stamps }, &options())
    }
}

/// 2026-03-20; one thread, so that questions come in a fixed order.
fn options() -> Options {
    Options { threads: 1, ..Options::at(sago_stamp::Moment::from_seconds(1_773_964_800)) }
}

/// A repository with a kept checkpoint of each log among its time-stamps.
fn repository() -> Repository {
    let repository = Repository::new();
    for log in [&repository.world.custody, &repository.world.access] {
        let place = format!("stamps/{}/{}/checkpoint", log_id(&log.origin), log.size);
        write(&repository.folder.path().join(place), log.checkpoint());
    }
    repository
}

const NAMES: [&str; 3] = ["store", "log", "stamps"];

#[track_caller]
fn same(repository: &Repository) -> Report {
    let [store, log, lock, stamps] = ["store", "log", "lock", "stamps"].map(|name| repository.folder.path().join(name));
    let disk = verify_places(&Places { store: &store, log: &log, lock: &lock, stamps: &stamps }, &options()).unwrap();
    let memory = InMemory::load(repository).verify().unwrap();
    assert_eq!((&disk.findings, &disk.checked), (&memory.findings, &memory.checked));
    assert_eq!(format!("{:?}", disk.not_checked), format!("{:?}", memory.not_checked));
    memory
}

#[test]
fn a_repository_in_trees_gets_the_report_of_one_on_a_disk() {
    assert!(same(&repository()).is_sound());
    type Case = (&'static str, fn(&Repository));
    let cases: [Case; 7] = [
        ("E092", |repository| fs::write(repository.object("v1/content/o/000002.age"), "x").unwrap()),
        ("store-missing", |repository| fs::remove_dir_all(repository.folder.path().join("store")).unwrap()),
        ("log-missing", |repository| fs::remove_dir_all(repository.folder.path().join("log/1/access")).unwrap()),
        ("log-missing", |repository| fs::rename(repository.folder.path().join("log/1"), repository.folder.path().join("log/2")).unwrap()),
        ("payload-gap", |repository| fs::remove_dir_all(repository.folder.path().join("log/1/payload/custody")).unwrap()),
        ("checkpoint-malformed", |repository| write(&repository.folder.path().join("lock/custody-1"), repository.world.access.checkpoint())),
        ("log-shorter-than-known", |repository| {
            let mut shorter = Log::new(&repository.world.custody.origin);
            shorter.events = repository.world.custody.events[..5].to_vec();
            shorter.integrate();
            let folder = repository.folder.path().join("log/1/custody");
            fs::remove_dir_all(&folder).unwrap();
            shorter.write(&folder);
        }),
    ];
    for (code, act) in cases {
        let repository = repository();
        act(&repository);
        let report = same(&repository);
        assert!(report.findings.iter().any(|finding| finding.code == code && finding.is_error()), "{code}: {report:#?}");
    }
    let repository = repository();
    fs::remove_file(repository.folder.path().join("lock/access-1")).unwrap();
    assert!(same(&repository).findings.iter().any(|finding| finding.code == "lock-missing" && finding.path == "lock/access-1"));
    fs::remove_dir_all(repository.folder.path().join("stamps")).unwrap();
    assert!(same(&repository).not_checked.iter().any(|not| not.what == "time-stamps"));
}

#[test]
fn a_file_that_breaks_off_ends_early_or_differs_is_named_and_never_sound() {
    let repository = repository();
    let mut cases = 0;
    for (part, name) in NAMES.into_iter().enumerate() {
        for (path, bytes) in InMemory::load(&repository).part(part).files.clone() {
            // Segments are sealed, and judged by their names; nothing promises the bytes of the layout and its parameters.
            if path.contains("/payload/") || path.starts_with("extensions/") || path == "ocfl_layout.json" {
                continue;
            }
            let middle = bytes.len() / 2;
            for fault in [Fault::Lost(0), Fault::Lost(middle), Fault::Lost(bytes.len()), Fault::Cut(middle), Fault::Flipped(middle)] {
                let mut memory = InMemory::load(&repository);
                memory.part(part).faults.insert(path.clone(), fault);
                let report = memory.verify().unwrap();
                assert!(!report.is_sound(), "{name}/{path} {fault:?}");
                // A key or a checkpoint that is another one is found where it is needed.
                if matches!(fault, Fault::Lost(_)) {
                    let pair = |path: &str| path.trim_end_matches(".sha512").to_owned();
                    let full = pair(&format!("{name}/{path}"));
                    assert!(report.findings.iter().any(|finding| finding.is_error() && pair(&finding.path) == full), "{full} {fault:?}: {report:#?}");
                }
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 19 * 5);
}

#[test]
fn whichever_question_gets_no_answer_the_repository_is_not_sound() {
    let repository = repository();
    let sound = InMemory::load(&repository);
    assert!(sound.verify().unwrap().is_sound());
    for (part, tree) in [(STORE, sound.store), (LOG, sound.log), (STAMPS, sound.stamps)] {
        let questions = tree.asked.into_inner().unwrap();
        assert!(!questions.is_empty());
        for (number, question) in questions.iter().enumerate() {
            let mut memory = InMemory::load(&repository);
            memory.part(part).silent_at = Some(number);
            match memory.verify() {
                // The newest inventory is compared with the object's at a second reading as well.
                Ok(report) if report.is_sound() => assert!(part == STORE && question.ends_with("v1/inventory.json"), "{} {number} {question}", NAMES[part]),
                Ok(_) => {}
                Err(error) => assert!(error.to_string().contains("memory:"), "{error}"),
            }
        }
    }
}

#[test]
fn short_reads_change_nothing_and_segments_not_listed_yet_are_missed() {
    let repository = repository();
    let mut memory = InMemory::load(&repository);
    (0..3).for_each(|part| memory.part(part).step = 5);
    assert_eq!(memory.verify().unwrap().findings, repository.verify().findings);
    let segment = memory.log.files.keys().find(|path| path.contains("payload/custody") && path.contains("detail")).unwrap().clone();
    memory.log.unlisted.insert(segment);
    let report = memory.verify().unwrap();
    assert!(report.findings.iter().any(|finding| finding.code == "payload-gap" && finding.path == "log/1/payload/custody"), "{report:#?}");
}

#[test]
fn a_log_in_a_tree_is_read_as_strictly_as_one_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("log");
    write(&root.join("tile/0/000"), "abc");
    write(&folder.path().join("secret"), "x");
    let memory = MemoryTree { files: BTreeMap::from([("tile/0/000".to_owned(), b"abc".to_vec())]), ..MemoryTree::default() };
    for tree in [&DiskTree::new(&root) as &dyn Tree, &memory] {
        let source = TreeSource::new(tree);
        assert_eq!(source.read("tile/0/000").unwrap(), Some(b"abc".to_vec()));
        assert_eq!(source.read("tile/0/001").unwrap(), None);
        assert_eq!(source.read("tile/0/000/x").unwrap(), None);
        for path in ["", "/", "../secret", "tile/../../secret", "tile//0", "tile/0/", "./tile", ".hidden", "a\\b"] {
            assert_eq!(source.read(path).unwrap_err().kind(), ErrorKind::InvalidInput, "{path}");
        }
        assert_eq!(source.list().unwrap(), Some(vec!["tile/0/000".to_owned()]));
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("secret"), root.join("checkpoint")).unwrap();
    fs::File::create(root.join("long")).unwrap().set_len(sago_ledger::tile::MAX_FILE_BYTES as u64 + 1).unwrap();
    let disk = DiskTree::new(&root);
    let source = TreeSource::new(&disk);
    for path in ["checkpoint", "tile", "long"] {
        assert!(source.read(path).is_err(), "{path}");
    }
    assert_eq!(source.list().unwrap(), Some(["checkpoint", "long", "tile/0/000"].map(str::to_owned).to_vec()));
}
