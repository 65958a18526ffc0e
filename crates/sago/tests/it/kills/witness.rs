//! What was promised and printed so far, and whether it still holds: asked after every kill.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cast::{Answer, Stage, answer};

/// Item number, path and SHA-256, in order.
pub type Items = Vec<(String, String, String)>;

/// A repository that was receipted, and the sources of everything in it.
pub struct Base {
    stage: Stage,
    /// Number of the accession of a working unit.
    pub working: String,
    /// Number of the accession of a sealed unit.
    pub sealed: String,
}

impl Base {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// The same, prepared before anything is received.
    pub fn with(prepare: impl FnOnce(&Stage)) -> Self {
        let stage = Stage::new();
        prepare(&stage);
        stage.file("first/one.txt", "the first original");
        stage.file("first/two.txt", vec![7_u8; 200_000]);
        stage.file("first/empty.txt", "");
        stage.file("closed/secret.txt", "sealed at once");
        let working = stage.deposit(&stage.path("first"));
        let sealed = stage.sago(deposit(&stage.path("closed"), "Closed", &["--sealed"])).ends(0).object();
        for (number, name) in [(&working, "receipt-1"), (&sealed, "receipt-2")] {
            let output = stage.path(name);
            // A sealed unit gives no receipt later; its deposit printed everything.
            let code = if name == "receipt-1" { 0 } else { 2 };
            stage.sago(["receipt", number["accession"].as_str().unwrap(), "--output", output.to_str().unwrap()]).ends(code);
        }
        let number = |value: &Value| value["accession"].as_str().unwrap().to_owned();
        Self { working: number(&working), sealed: number(&sealed), stage }
    }

    /// Where sources lie.
    pub fn path(&self, name: &str) -> PathBuf {
        self.stage.path(name)
    }

    /// Writes a source.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) {
        self.stage.file(name, bytes);
    }

    /// Runs a command on the repository itself, before it is copied.
    pub fn sago<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Answer {
        self.stage.sago(arguments)
    }

    /// A copy of the repository, to be killed in.
    pub fn fresh(&self) -> Stage {
        self.stage.copy()
    }
}

/// The words of a deposit.
pub fn deposit(source: &Path, title: &str, more: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = ["deposit", source.to_str().unwrap(), "--contributor", "Partner", "--title", title, "--json"].map(str::to_owned).to_vec();
    words.extend(more.iter().map(|word| (*word).to_owned()));
    words
}

/// Runs a command that ends itself at a labelled point. `None` when it passed no such point and came to its end.
pub fn die_at(stage: &Stage, label: &str, turn: u32, words: &[String]) -> Option<Answer> {
    let mut command: Command = stage.command(words);
    let said = answer(command.env("SAGO_FAULT_AT", format!("{label}:{turn}")).output().unwrap());
    assert!(said.code == -1 || said.code == 0, "{label}:{turn}: {said:?}");
    (said.code == -1).then_some(said)
}

/// Everything promised so far.
#[derive(Default)]
pub struct Witness {
    /// Numbers that were ever seen, with the id they belong to.
    numbers: BTreeMap<String, String>,
    /// Accessions that were received, with their items.
    received: BTreeMap<String, Items>,
}

impl Witness {
    /// Looks at a repository for the first time.
    pub fn of(stage: &Stage) -> Self {
        let mut witness = Self::default();
        witness.look(stage, "at the beginning");
        witness
    }

    /// Says that all that was promised is there, that no number belongs to two accessions, and that nothing half-made is called received.
    /// Answers the numbers received since the last look.
    #[track_caller]
    pub fn look(&mut self, stage: &Stage, place: &str) -> Vec<String> {
        let listed = stage.say("list --json").ends(0).objects();
        let mut fresh = Vec::new();
        for one in &listed {
            let [number, id, status] = ["accession", "id", "status"].map(|name| one[name].as_str().unwrap().to_owned());
            let known = self.numbers.entry(number.clone()).or_insert_with(|| id.clone());
            assert_eq!(*known, id, "{place}: {number} was given twice");
            if status != "received" {
                assert!(!self.received.contains_key(&number), "{place}: {number} was received and is now {status}");
                continue;
            }
            let items = items_of(stage, &number);
            assert_eq!(items.len() as u64, one["items"].as_u64().unwrap(), "{place}: {number} is half-made");
            match self.received.get(&number) {
                Some(before) => assert_eq!(*before, items, "{place}: {number} is not as it was received"),
                None => {
                    self.received.insert(number.clone(), items);
                    fresh.push(number);
                }
            }
        }
        for number in self.numbers.keys() {
            assert!(listed.iter().any(|one| one["accession"] == number.as_str()), "{place}: {number} is gone");
        }
        fresh
    }

    /// Opens the item `nth` of all that are open, and compares it with its source byte by byte.
    #[track_caller]
    pub fn open_one(&self, stage: &Stage, base: &Base, nth: usize, place: &str) {
        let open: Vec<_> = self.received.values().flatten().filter(|(_, path, _)| !path.is_empty()).collect();
        let (item, path, _) = open[nth % open.len()];
        let output = stage.path(&format!("opened {nth}"));
        stage.sago(["open", item.as_str(), "--reason", "to compare", "--output", output.to_str().unwrap()]).ends(0);
        assert!(std::fs::read(&output).unwrap() == std::fs::read(base.path(path)).unwrap(), "{place}: {item} opened to other bytes");
        std::fs::remove_file(output).unwrap();
    }

    /// Expects no rows of sealed units any more: a rebuild cannot make them while nobody can open the unit.
    pub fn forget_sealed(&mut self) {
        self.received.retain(|_, items| items.iter().all(|(_, path, _)| !path.is_empty()));
    }

    /// Items of an accession that was seen received.
    pub fn items(&self, number: &str) -> &Items {
        &self.received[number]
    }

    /// How many accessions were seen received.
    pub fn count(&self) -> usize {
        self.received.len()
    }
}

/// The items of an accession; path and digest are empty while its unit is sealed.
fn items_of(stage: &Stage, number: &str) -> Items {
    let objects = stage.sago(["list", "items", "--accession", number, "--json"]).ends(0).objects();
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    objects.iter().map(|one| (word(one, "item"), word(one, "path"), word(one, "sha256"))).collect()
}

/// Paths (as items have them) and SHA-256 of the files of a source.
pub fn files_of(source: &Path) -> Vec<(String, String)> {
    let name = source.file_name().unwrap().to_str().unwrap();
    let mut found = Vec::new();
    let mut folders = vec![(source.to_owned(), name.to_owned())];
    while let Some((folder, name)) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{name}/{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                folders.push((path, name));
            } else {
                found.push((name, crate::story::sha256(&std::fs::read(path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

/// Says that the staging folder is empty.
#[track_caller]
pub fn staging_is_empty(stage: &Stage, place: &str) {
    let left: Vec<_> = std::fs::read_dir(stage.repo.join("staging")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{place}: {left:?}");
}
