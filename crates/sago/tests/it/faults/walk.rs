//! A command, and every piece of its outside work made to fail: the N-th of each kind, before and after.
//!
//! A dry run counts what there is. The normal run takes a few places by chance, those of each kind in turn; a soak takes all of them.

use std::collections::BTreeMap;
use std::path::Path;

use sago_core::store::fault::OPERATIONS;

use crate::cast::{Answer, Seeded, Stage, answer};
use crate::kills::points::opens_with;
use crate::kills::witness::{Base, Witness, deposit, files_of, staging_is_empty};
use crate::validators::stamps::Authority;

/// Places that the normal run takes of each command. On the servers a place takes several times as long, and a soak takes all on both pairs.
fn usual_places() -> usize {
    match crate::pairs::pair() {
        crate::pairs::Pair::Embedded => 3,
        crate::pairs::Pair::Servers => 1,
    }
}

/// Where and how one piece of work fails: what `SAGO_FAULT_FAIL` takes.
type Fault = String;

/// A command of the table.
struct Row<'a> {
    base: &'a Base,
    /// Its words; `turn` makes names of outputs differ.
    words: &'a dyn Fn(&Stage, &str) -> Vec<String>,
    /// Runs after the failure was looked at: brings it to its end and says what must be so.
    end: &'a dyn Fn(&Stage, &mut Witness, &Answer, &str),
    /// Codes other than 2 with which a failure may be said (a node goes on with its other jobs; a stamp has one for each authority).
    codes: &'a [i32],
    /// Whether a verification may complain before the next command has mended what was entered: a destruction that is not carried out.
    is_mended_first: bool,
}

impl Row<'_> {
    fn run(&self, stage: &Stage, turn: &str, variable: &str, value: &str) -> Answer {
        let mut command = stage.command((self.words)(stage, turn));
        answer(command.env(variable, value).env("NO_PROXY", "127.0.0.1").output().unwrap())
    }

    /// How often each kind occurs.
    fn count(&self) -> BTreeMap<String, usize> {
        let stage = self.base.fresh();
        let file = stage.path("operations");
        self.run(&stage, "counted", "SAGO_FAULT_COUNT", file.to_str().unwrap()).ends(0);
        let mut counts = BTreeMap::new();
        for line in std::fs::read_to_string(file).unwrap().lines() {
            *counts.entry(line.to_owned()).or_insert(0) += 1;
        }
        counts
    }

    /// All places, kind by kind.
    #[expect(clippy::print_stdout, reason = "a soak says what it found")]
    fn places(&self) -> Vec<Vec<Fault>> {
        let counts = self.count();
        let mut kinds: Vec<Vec<Fault>> = Vec::new();
        for (_, name, _, has_effect) in OPERATIONS {
            let count = counts.get(*name).copied().unwrap_or(0);
            let error = if name.starts_with("db") || name.starts_with("lock") || name.starts_with("s3") { "timeout" } else { "eio" };
            let sides: &[&str] = if *has_effect { &["before", "after"] } else { &["before"] };
            kinds.push((1..=count).flat_map(|n| sides.iter().map(move |side| format!("{name}:{n}:{side}:{error}"))).collect());
        }
        let rooms = ["file-create", "file-write", "folder-make", "rename", "package-write", "db-commit"];
        let full: usize = rooms.iter().filter_map(|name| counts.get(*name)).sum();
        kinds.push((1..=full).map(|n| format!("disk:{n}+:before:enospc")).collect());
        kinds.retain(|places| !places.is_empty());
        println!("{counts:?}");
        kinds
    }

    /// Lets one piece of work fail and says that everything holds.
    fn survives(&self, fault: &str) -> bool {
        let stage = self.base.fresh();
        let mut witness = Witness::of(&stage);
        let said = self.run(&stage, "first", "SAGO_FAULT_FAIL", fault);
        let place = format!("{fault}: {said:?}");
        assert!(!said.err.contains("panicked"), "{place}");
        assert!([0, 2].contains(&said.code) || self.codes.contains(&said.code), "{place}");
        if said.code == 2 {
            assert!(said.err.contains("sago: ") && said.err.contains("→"), "no word on what to do: {place}");
        }
        if said.code == 2 && fault.ends_with("enospc") {
            assert!(said.err.contains("disk is full") && said.err.contains("Nothing that was receipted is lost"), "{place}");
        }
        if self.is_mended_first {
            stage.say("list").ends(0);
        }
        sound(&stage, &place);
        (self.end)(&stage, &mut witness, &said, &place);
        sound(&stage, &place);
        witness.look(&stage, &place);
        staging_is_empty(&stage, &place);
        for path in crate::shredding::tree(&stage.local("vault")) {
            assert!(!path.to_string_lossy().contains(".next"), "{place}: {}", path.display());
        }
        said.code != 0
    }

    /// Walks through the table.
    #[expect(clippy::print_stdout, reason = "a soak says its seed and what it did")]
    fn walk(&self) {
        let mut random = Seeded::from_environment();
        println!("seed {}", random.0);
        let mut kinds = self.places();
        let all: usize = kinds.iter().map(Vec::len).sum();
        let wanted = if std::env::var_os("SAGO_SOAK_ROUNDS").is_some() { all } else { usual_places() };
        let (mut tried, mut refused) = (0, 0);
        if let Ok(only) = std::env::var("SAGO_FAULT_ONLY") {
            println!("{only}: {}", if self.survives(&only) { "said" } else { "went on" });
            return;
        }
        // By turns, so that a short run meets as many kinds as it has places.
        let mut at = usize::try_from(random.below(kinds.len() as u64)).unwrap();
        while tried < wanted && !kinds.is_empty() {
            at %= kinds.len();
            let nth = usize::try_from(random.below(kinds[at].len() as u64)).unwrap();
            let fault = kinds[at].swap_remove(nth);
            if kinds[at].is_empty() {
                kinds.remove(at);
            } else {
                at += 1;
            }
            tried += 1;
            refused += usize::from(self.survives(&fault));
        }
        println!("{tried} of {all} places failed; {refused} commands said so, the others rightly went on");
        assert!(refused > 0 || wanted < all, "nothing failed: the faults are not injected");
    }
}

/// The auditor, with the place in what it says.
#[track_caller]
fn sound(stage: &Stage, place: &str) {
    let said = stage.say("verify --json");
    assert!(said.code == 0 && said.object()["sound"] == true, "{place}: {said:?}");
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Most commands are simply run again.
fn again<'a>(words: &'a dyn Fn(&Stage, &str) -> Vec<String>) -> impl Fn(&Stage, &mut Witness, &Answer, &str) + 'a {
    move |stage, _, said, place| {
        if said.code != 0 {
            let again = stage.sago(words(stage, "again"));
            assert_eq!(again.code, 0, "{place}: again: {again:?}");
        }
    }
}

fn sources(base: &Base) {
    for n in 0..4 {
        base.file(&format!("new/{n}.txt"), format!("number {n}"));
    }
    base.file("new/again.txt", "number 1");
    base.file("new/nothing.txt", "");
}

fn deposits(more: &[&str]) {
    let base = Base::new();
    sources(&base);
    let source = base.path("new");
    let words = |_: &Stage, _: &str| deposit(&source, "New", more);
    let end = |stage: &Stage, witness: &mut Witness, said: &Answer, place: &str| {
        let before = witness.count();
        if said.code != 0 {
            let again = stage.sago(words(stage, "again"));
            assert_eq!(again.code, 0, "{place}: again: {again:?}");
            assert_eq!(again.object()["items"], 6, "{place}: {again:?}");
        }
        witness.look(stage, place);
        assert_eq!(witness.count(), before + 1, "{place}: received more than once, or not at all");
        let newest = stage.say("list --json").ends(0).objects().into_iter().rfind(|one| one["status"] == "received").unwrap();
        let mut got: Vec<_> = witness.items(newest["accession"].as_str().unwrap()).iter().map(|(_, path, sha256)| (path.clone(), sha256.clone())).collect();
        got.sort();
        let expected = if more.is_empty() { files_of(&source) } else { vec![(String::new(), String::new()); 6] };
        assert_eq!(got, expected, "{place}");
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_deposit() {
    deposits(&[]);
}

#[test]
fn soak_faults_of_deposit_sealed() {
    deposits(&["--sealed"]);
}

#[test]
fn soak_faults_of_open() {
    let base = Base::new();
    let item = format!("{}.00003", base.working);
    let words = |stage: &Stage, turn: &str| strings(&["open", &item, "--reason", "asked", "--output", &text(&stage.path(turn))]);
    let end = |stage: &Stage, _: &mut Witness, said: &Answer, place: &str| {
        let whole = std::fs::read(base.path("first/two.txt")).unwrap();
        if stage.path("first").exists() {
            assert!(std::fs::read(stage.path("first")).unwrap() == whole, "{place}: not whole");
        }
        assert!(said.code != 0 || stage.path("first").exists(), "{place}");
        stage.sago(words(stage, "again")).ends(0);
        assert!(std::fs::read(stage.path("again")).unwrap() == whole, "{place}");
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_export() {
    let base = Base::new();
    let words =
        |stage: &Stage, turn: &str| strings(&["export", &base.working, "--output", &text(&stage.path(turn)), "--recipient", "Court", "--reason", "asked"]);
    let end = |stage: &Stage, _: &mut Witness, said: &Answer, place: &str| {
        if said.code == 0 || stage.path("first/bagit.txt").exists() {
            let judged = stage.sago(["verify", &text(&stage.path("first"))]);
            assert_eq!(judged.code, 0, "{place}: {judged:?}");
        }
        stage.sago(words(stage, "again")).ends(0);
        stage.sago(["verify", &text(&stage.path("again"))]).ends(0);
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_fixity() {
    let base = Base::new();
    let words = |_: &Stage, _: &str| strings(&["fixity", "--all", "--json"]);
    Row { base: &base, words: &words, end: &again(&words), codes: &[], is_mended_first: false }.walk();
}

fn mode_of(stage: &Stage, number: &str) -> String {
    let units = stage.say("key list --json").ends(0).objects();
    units.iter().find(|one| one["accessions"][0] == number).unwrap()["mode"].as_str().unwrap().to_owned()
}

fn shares(stage: &Stage) -> [String; 2] {
    [1, 2].map(|n| text(&stage.path("shares").join(format!("share-{n}-of-3.txt"))))
}

#[test]
fn soak_faults_of_seal() {
    let base = Base::new();
    let words = |_: &Stage, _: &str| strings(&["key", "seal", &base.working, "--reason", "asked"]);
    let end = |stage: &Stage, witness: &mut Witness, said: &Answer, place: &str| {
        if mode_of(stage, &base.working) == "working" {
            assert_eq!(said.code, 2, "{place}");
            stage.sago(words(stage, "again")).ends(0);
        }
        assert_eq!(mode_of(stage, &base.working), "sealed", "{place}");
        // What its items are can be seen no longer.
        *witness = Witness::of(stage);
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_unseal() {
    let base = Base::new();
    let words = |stage: &Stage, _: &str| {
        let [one, two] = shares(stage);
        strings(&["key", "unseal", &base.sealed, "--reason", "court order", "--share", &one, "--share", &two])
    };
    let end = |stage: &Stage, witness: &mut Witness, said: &Answer, place: &str| {
        if mode_of(stage, &base.sealed) == "sealed" {
            assert_eq!(said.code, 2, "{place}");
            stage.sago(words(stage, "again")).ends(0);
        }
        *witness = Witness::of(stage);
        let output = stage.path("unsealed");
        stage.sago(["open", &format!("{}.00001", base.sealed), "--reason", "r", "--output", &text(&output)]).ends(0);
        assert_eq!(std::fs::read(output).unwrap(), b"sealed at once", "{place}");
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_rotate() {
    let base = Base::new();
    let words = |stage: &Stage, turn: &str| {
        let [one, two] = shares(stage);
        let pages = text(&stage.path(&format!("pages {turn}")));
        strings(&["key", "rotate", "--custodians", "3", "--threshold", "2", "--shares-dir", &pages, "--share", &one, "--share", &two])
    };
    let end = |stage: &Stage, witness: &mut Witness, said: &Answer, place: &str| {
        let epoch = || std::fs::read_to_string(stage.repo.join("keys/current")).unwrap();
        stage.say("list").ends(0);
        let mut pages = "pages first";
        if epoch() == "1\n" {
            assert_eq!(said.code, 2, "{place}");
            stage.sago(words(stage, "again")).ends(0);
            pages = "pages again";
        }
        assert_eq!(epoch(), "2\n", "{place}");
        opens_with(stage, &base, &stage.path(pages), place);
        stage.say("list").ends(0);
        for folder in ["vault", "keys"] {
            let left: Vec<_> = std::fs::read_dir(stage.local(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            assert!(left.iter().all(|name| ["2", "current", "agents"].contains(&name.as_str())), "{place}: {folder} holds {left:?}");
        }
        *witness = Witness::of(stage);
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_destroy() {
    let base = Base::new();
    base.file("own", "an approver's own words\n");
    let own = text(&base.path("own"));
    for name in ["Lee", "Park"] {
        base.sago(["agent", "add", "--name", name, "--role", "approver", "--agent-passphrase-file", &own]).ends(0);
    }
    let request = base.sago(["key", "destroy", &base.working, "--reason", "withdrawn", "--json"]).ends(0).object();
    let (number, unit) = (request["request"].as_str().unwrap().to_owned(), request["unit"].as_str().unwrap().to_owned());
    let approve = |code: &str| strings(&["--as", code, "key", "approve", &number, "--agent-passphrase-file", &own, "--json"]);
    base.sago(approve("P-02")).ends(0);
    let words = |_: &Stage, _: &str| approve("P-03");
    let end = |stage: &Stage, witness: &mut Witness, said: &Answer, place: &str| {
        if mode_of(stage, &base.working) != "destroyed" {
            assert_eq!(said.code, 2, "{place}");
            assert_eq!(stage.sago(approve("P-03")).ends(0).object()["destroyed"], true, "{place}");
        }
        assert_eq!(mode_of(stage, &base.working), "destroyed", "{place}");
        for path in crate::shredding::tree(&stage.local("vault")) {
            assert!(!path.to_string_lossy().contains(&unit), "{place}: {}", path.display());
        }
        *witness = Witness::of(stage);
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: true }.walk();
}

#[test]
fn soak_faults_of_stamp() {
    let authority = Authority::new("house");
    let base = Base::with(|stage| authority.enter(stage, "house"));
    let words = |_: &Stage, _: &str| strings(&["stamp", "--json"]);
    let end = |stage: &Stage, _: &mut Witness, said: &Answer, place: &str| {
        if said.code != 0 {
            let again = answer(stage.command(words(stage, "again")).env("NO_PROXY", "127.0.0.1").output().unwrap());
            assert_eq!(again.code, 0, "{place}: again: {again:?}");
        }
        let kept = stage.say("stamp --list --json").ends(0).objects();
        assert!(!kept.is_empty() && kept.iter().all(|one| one["is_entered"] == true), "{place}: {kept:?}");
    };
    Row { base: &base, words: &words, end: &end, codes: &[1], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_backup() {
    let base = Base::new();
    let words = |stage: &Stage, _: &str| strings(&["backup", &text(&stage.path("copy")), "--json"]);
    let end = |stage: &Stage, _: &mut Witness, said: &Answer, place: &str| {
        if said.code != 0 {
            let again = stage.sago(words(stage, "again"));
            assert!(again.code == 0 && again.object()["sound"] == true, "{place}: again: {again:?}");
        }
        let left = crate::shredding::tree(&stage.path("copy")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "new")).count();
        assert_eq!(left, 0, "{place}");
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_backup_of_the_vault() {
    let base = Base::new();
    let words = |stage: &Stage, _: &str| strings(&["backup", "--vault", &text(&stage.path("copy")), "--json"]);
    Row { base: &base, words: &words, end: &again(&words), codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_restore() {
    let base = Base::new();
    let [records, vault] = ["records", "vaults"].map(|name| text(&base.path(name)));
    base.sago(["backup", &records]).ends(0);
    base.sago(["backup", "--vault", &vault]).ends(0);
    let words = |stage: &Stage, turn: &str| {
        let [one, two] = shares(stage);
        let root = text(&stage.path(&format!("restored {turn}")));
        strings(&["restore", &records, "--vault", &vault, "--share", &one, "--share", &two, "--reason", "fire", "--repo", &root, "--json"])
    };
    let end = |stage: &Stage, _: &mut Witness, said: &Answer, place: &str| {
        let mut root = stage.path("restored first");
        if said.code != 0 {
            // What an interruption left is no repository, or one that is whole.
            root = stage.path("restored again");
            let again = stage.sago(words(stage, "again"));
            assert_eq!(again.code, 0, "{place}: again: {again:?}");
        }
        let judged = answer(stage.command(["verify", "--json"]).env("SAGO_REPO", &root).output().unwrap());
        assert!(judged.code == 0 && judged.object()["sound"] == true, "{place}: {judged:?}");
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_rebuild() {
    let base = Base::new();
    let words = |_: &Stage, _: &str| strings(&["rebuild", "--json"]);
    let end = |stage: &Stage, witness: &mut Witness, said: &Answer, place: &str| {
        assert!(stage.has_database(), "{place}: there is no database");
        if said.code != 0 {
            let again = stage.sago(words(stage, "again"));
            assert!(again.code == 0 && again.object()["differences"] == 0, "{place}: again: {again:?}");
        }
        witness.forget_sealed();
    };
    Row { base: &base, words: &words, end: &end, codes: &[], is_mended_first: false }.walk();
}

#[test]
fn soak_faults_of_work() {
    let base = Base::with(|stage| crate::nodes::process::set(&stage.repo, "interval_days", 0));
    let words = |_: &Stage, _: &str| strings(&["work", "--once", "--json"]);
    let end = |stage: &Stage, _: &mut Witness, _: &Answer, place: &str| {
        // A job that failed waits before it is tried again; by hand nobody waits.
        let fixity = stage.say("fixity --all --json");
        assert!(fixity.code == 0 && fixity.object()["failures"] == 0, "{place}: {fixity:?}");
    };
    Row { base: &base, words: &words, end: &end, codes: &[1], is_mended_first: false }.walk();
}

crate::pairs::also_on_servers!(
    soak_faults_of_deposit,
    soak_faults_of_deposit_sealed,
    soak_faults_of_open,
    soak_faults_of_export,
    soak_faults_of_fixity,
    soak_faults_of_seal,
    soak_faults_of_unseal,
    soak_faults_of_rotate,
    soak_faults_of_destroy,
    soak_faults_of_stamp,
    soak_faults_of_backup,
    soak_faults_of_backup_of_the_vault,
    soak_faults_of_rebuild,
    soak_faults_of_work,
);
