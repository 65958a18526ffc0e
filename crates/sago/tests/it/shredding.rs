//! Destroying the key of a unit, and ending an epoch: who may, what is left, and that nothing of it opens again.
//!
//! The enemy of these stories kept the oldest copy of everything and later comes by every key that anybody still holds.

mod oldest_copy;
mod rotation;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use oldest_copy::{held, spoken};
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::cast::{Answer, PASSPHRASE, Stage, answer};

/// Stands in every word that belongs to the unit that is destroyed.
const MARKS: [&str; 2] = ["Hanbyeol", "한별"];

/// A repository with two units, two approvers and a third, an auditor, an administrator and a second custodian.
struct Office {
    stage: Stage,
    /// What the deposit that will be destroyed answered.
    doomed: Value,
    /// The deposit that must stay.
    spared: Value,
}

impl Office {
    fn new() -> Self {
        let stage = Stage::new();
        stage.file("doomed/한별 진술서.txt", "the words of Hanbyeol");
        stage.file("doomed/empty folder/.keep", "of Hanbyeol too");
        stage.file("spared/other.txt", "what stays");
        let doomed = deposit(&stage, &["doomed", "--contributor", "Sister of Hanbyeol", "--title", "Tape of Hanbyeol", "--condition", "Hanbyeol must agree"]);
        let spared = deposit(&stage, &["spared", "--contributor", "Partner", "--title", "Disk"]);
        for (name, role) in [
            ("Approver One", "approver"),
            ("Approver Two", "approver"),
            ("Approver Three", "approver"),
            ("Reader", "auditor"),
            ("Machine", "administrator"),
            ("Second", "custodian"),
        ] {
            let passphrase = stage.file(&format!("passphrases/{name}"), format!("the own words of {name}\n"));
            let mut arguments = vec!["agent", "add", "--name", name, "--role", role, "--json"];
            if role == "approver" {
                arguments.extend(["--agent-passphrase-file", passphrase.to_str().unwrap()]);
            }
            stage.sago(arguments).ends(0);
        }
        Self { stage, doomed, spared }
    }

    fn number(&self) -> &str {
        self.doomed["accession"].as_str().unwrap()
    }

    fn unit(&self) -> &str {
        self.doomed["unit"].as_str().unwrap()
    }

    /// Runs a command as one of the people.
    fn as_person(&self, code: &str, arguments: &[&str]) -> Answer {
        self.stage.sago(["--as", code].iter().chain(arguments))
    }

    /// The request of the first custodian; its number.
    fn ask(&self) -> String {
        let asked = self.stage.sago(["key", "destroy", self.number(), "--reason", "consent was withdrawn", "--json"]).ends(0).object();
        asked["request"].as_str().unwrap().to_owned()
    }

    fn approve(&self, code: &str, request: &str, passphrase_of: &str) -> Answer {
        let passphrase = self.stage.path(&format!("passphrases/{passphrase_of}"));
        self.as_person(code, &["key", "approve", request, "--agent-passphrase-file", passphrase.to_str().unwrap(), "--json"])
    }

    /// Asks, signs twice, destroys; what the second signature answered.
    fn destroy(&self) -> Value {
        let request = self.ask();
        self.approve("P-02", &request, "Approver One").ends(0);
        let passphrase = self.stage.path("passphrases/Approver Two");
        let proof = self.stage.path("destroyed.tlog-proof");
        self.as_person(
            "P-03",
            &["key", "approve", &request, "--agent-passphrase-file", passphrase.to_str().unwrap(), "--proof", proof.to_str().unwrap(), "--json"],
        )
        .ends(0)
        .object()
    }

    fn open(&self, item: &str) -> Answer {
        let output = self.stage.path("opened");
        let answer = self.stage.sago(["open", item, "--reason", "to read", "--output", output.to_str().unwrap()]);
        if answer.code == 0 {
            std::fs::remove_file(output).unwrap();
        } else {
            assert!(!output.exists(), "a refused opening left {}", output.display());
        }
        answer
    }

    fn doomed_item(&self) -> String {
        format!("{}.00001", self.number())
    }

    fn spared_item(&self) -> String {
        format!("{}.00001", self.spared["accession"].as_str().unwrap())
    }
}

fn deposit(stage: &Stage, arguments: &[&str]) -> Value {
    let source = stage.path(arguments[0]);
    stage.sago(["deposit", source.to_str().unwrap(), "--json"].iter().chain(&arguments[1..])).ends(0).object()
}

#[test]
fn only_two_approvers_who_did_not_ask_can_destroy() {
    let office = Office::new();
    for code in ["P-02", "P-05", "P-06"] {
        let refused = office.as_person(code, &["key", "destroy", office.number(), "--reason", "I say so"]).ends(2);
        assert!(refused.err.contains("You have no right to do this."), "{refused:?}");
    }
    assert!(office.as_person("P-77", &["key", "destroy", office.number(), "--reason", "r"]).ends(2).err.contains("No such person works with this repository."));
    assert!(office.stage.sago(["key", "destroy", office.number(), "--reason", " "]).ends(2).err.contains("needs a reason"));
    assert!(office.stage.sago(["key", "destroy", "A-1999-0001", "--reason", "r"]).ends(2).err.contains("There is no unit A-1999-0001."));
    assert_eq!(office.stage.say("key requests --json").ends(0).out, "", "a refused request left a trace");

    let request = office.ask();
    // The one who asked, another custodian, the auditor, the administrator: none may sign, whatever passphrase they give.
    for code in ["P-01", "P-07", "P-05", "P-06"] {
        assert!(office.approve(code, &request, "Approver One").ends(2).err.contains("You have no right to do this."), "{code}");
    }
    for wrong in ["Approver Two", "Reader"] {
        assert!(office.approve("P-02", &request, wrong).ends(2).err.contains("The person's passphrase is wrong. Nothing was signed."));
    }
    let repository_passphrase = office.stage.path("passphrase");
    let tried = office.as_person("P-02", &["key", "approve", &request, "--agent-passphrase-file", repository_passphrase.to_str().unwrap()]);
    assert!(tried.ends(2).err.contains("The person's passphrase is wrong."));
    assert!(office.approve("P-02", "R-1999-0001", "Approver One").ends(2).err.contains("There is no request R-1999-0001."));
    assert_eq!(office.stage.say("key requests --json").ends(0).object()["approvals"], 0);

    let waiting = office.approve("P-02", &request, "Approver One").ends(0).object();
    assert_eq!((&waiting["status"], &waiting["approvals"]), (&"open".into(), &1.into()));
    assert!(office.approve("P-02", &request, "Approver One").ends(2).err.contains("You have signed this request already"));
    office.open(&office.doomed_item()).ends(0);
    office.stage.verify_everything();

    let destroyed = office.approve("P-03", &request, "Approver Two").ends(0).object();
    assert_eq!(destroyed["destroyed"], true);
    assert!(office.approve("P-04", &request, "Approver Three").ends(2).err.contains("is done already"));
    assert!(office.stage.sago(["key", "destroy", office.number(), "--reason", "again"]).ends(2).err.contains("destroyed already"));
    office.stage.verify_everything();
}

#[test]
fn a_second_request_for_the_same_unit_ends_with_the_first() {
    let office = Office::new();
    let (first, second) = (office.ask(), office.ask());
    for request in [&first, &second] {
        office.approve("P-02", request, "Approver One").ends(0);
    }
    office.approve("P-03", &first, "Approver Two").ends(0);
    let refused = office.approve("P-03", &second, "Approver Two").ends(2);
    assert!(refused.err.contains("destroyed already"), "{refused:?}");
    office.stage.verify_everything();
}

#[test]
fn a_destroyed_unit_says_so_everywhere_and_the_other_is_untouched() {
    let office = Office::new();
    let (stage, number, item) = (&office.stage, office.number(), office.doomed_item());
    office.open(&item).ends(0);
    let destroyed = office.destroy();
    let ends = stage.value_of("SELECT value FROM meta WHERE key = 'epoch_ends'");
    let guarantee = destroyed["guarantee"].as_str().unwrap();
    assert!(guarantee.contains(&ends) && guarantee.contains(office.unit()) && guarantee.contains("one hour"), "{guarantee}");
    assert_eq!(destroyed["accessions"][0], number);

    let listed = stage.say("list --json").ends(0).objects();
    let one = listed.iter().find(|one| one["accession"] == number).unwrap();
    assert_eq!((&one["status"], &one["title"], &one["contributor"]), (&"destroyed".into(), &Value::Null, &Value::Null));
    assert!(stage.say("list").ends(0).out.lines().any(|line| line.contains(number) && line.contains("destroyed")));
    assert!(stage.say("list items --json").ends(0).objects().iter().all(|one| one["item"] != item));
    let items = stage.say(&format!("list items --accession {number}"));
    assert!(format!("{}{}", items.out, items.err).contains("destroyed"), "a list of the destroyed accession is merely empty: {items:?}");

    let output = stage.path("out");
    let output = output.to_str().unwrap();
    for refused in [
        stage.sago(["show", &item]),
        stage.sago(["open", &item, "--reason", "r", "--output", output]),
        stage.sago(["export", number, "--output", output]),
        stage.sago(["export", &item, "--output", output]),
        stage.sago(["receipt", number, "--output", output]),
        stage.sago(["key", "seal", number, "--reason", "r"]),
        stage.sago(["deposit", stage.path("spared").to_str().unwrap(), "--unit", number, "--contributor", "c", "--title", "t"]),
    ] {
        let refused = refused.ends(2);
        assert!(refused.err.contains("destroyed"), "{refused:?}");
        assert!(!Path::new(output).exists());
    }
    assert!(stage.say("key list --json").ends(0).objects().iter().any(|unit| unit["unit"] == office.unit() && unit["mode"] == "destroyed"));

    office.open(&office.spared_item()).ends(0);
    stage.sago(["export", office.spared["accession"].as_str().unwrap(), "--output", output, "--recipient", "Court", "--reason", "asked"]).ends(0);
    stage.sago(["verify", output]).ends(0);
    stage.verify_everything();
    assert_eq!(stage.say("rebuild --json").ends(0).object()["differences"], 0);
    stage.verify_everything();
    office.open(&office.spared_item()).ends(0);
}

#[test]
fn the_tombstone_says_when_by_whom_and_why() {
    let office = Office::new();
    office.destroy();
    let shown = office.stage.sago(["show", office.number(), "--json"]).ends(0).object();
    let events = shown["history"].as_array().unwrap();
    let event =
        |kind: &str| events.iter().find(|event| event["kind"] == kind).unwrap_or_else(|| panic!("the history of a destroyed accession has no {kind}: {shown}"));
    assert_eq!(event("destruction-requested")["detail"]["reason"], "consent was withdrawn");
    assert_eq!(event("destruction-requested")["agent"], "P-01");
    let approvals: Vec<_> = events.iter().filter(|event| event["kind"] == "approval-given").map(|event| event["agent"].as_str().unwrap()).collect();
    assert_eq!(approvals, ["P-02", "P-03"]);
    assert_eq!(event("unit-destroyed")["detail"]["reason"], "consent was withdrawn");
    let text = office.stage.sago(["show", office.number()]).ends(0).out;
    let line =
        text.lines().find(|line| line.contains("destroyed the key") || line.contains("DESTROYED")).unwrap_or_else(|| panic!("nobody is told in words: {text}"));
    let year = shown["at"].as_str().unwrap().get(..4).unwrap();
    assert!(line.contains(year) && line.contains("P-02") && line.contains("P-03") && line.contains("consent was withdrawn"), "{line}");
    // Only the words of the destruction speak: what was in the unit does not.
    assert!(MARKS.iter().all(|mark| !text.contains(mark) && !shown.to_string().contains(mark)), "{text}");
}

#[test]
fn a_stranger_verifies_the_proof_of_the_destruction() {
    let office = Office::new();
    office.destroy();
    let proof = office.stage.path("destroyed.tlog-proof");
    let key = office.stage.local("log").join("1/custody.vkey");
    let mut stranger = std::process::Command::new(env!("CARGO_BIN_EXE_sago"));
    stranger.arg("verify").arg(&proof).arg("--key").arg(&key).arg("--json").env_clear();
    let report = answer(stranger.output().unwrap()).ends(0).object();
    assert_eq!((&report["sound"], &report["warnings"]), (&true.into(), &0.into()), "{report}");
    let opening = opening_of(&std::fs::read_to_string(&proof).unwrap());
    let skeleton: Value = serde_json::from_str(opening["skeleton"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!((&skeleton["kind"], &skeleton["unit"]), (&"unit-destroyed".into(), &office.unit().into()));
    assert_eq!(skeleton["approvers"].as_array().unwrap().len(), 2);
    // One letter of the proof changed is one lie found.
    let forged = office.stage.file("forged.tlog-proof", forge(&std::fs::read_to_string(&proof).unwrap()));
    let mut stranger = std::process::Command::new(env!("CARGO_BIN_EXE_sago"));
    stranger.arg("verify").arg(forged).arg("--key").arg(&key).env_clear();
    assert_ne!(answer(stranger.output().unwrap()).code, 0);
}

/// The opening in the `extra` line of a proof.
fn opening_of(proof: &str) -> Value {
    let line = proof.lines().find_map(|line| line.strip_prefix("extra ")).expect("a proof carries its opening");
    serde_json::from_slice(&BASE64.decode(line).unwrap()).unwrap()
}

/// The same proof about another reason.
fn forge(proof: &str) -> String {
    let lines = proof.lines().map(|line| match line.strip_prefix("extra ") {
        Some(extra) => format!("extra {}", BASE64.encode(String::from_utf8(BASE64.decode(extra).unwrap()).unwrap().replace("withdrawn", "WITHDRAWN"))),
        None => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect()
}

#[test]
fn the_database_keeps_nothing_of_a_destroyed_unit() {
    let office = Office::new();
    let path = office.stage.repo.join("index.db");
    let seen = blocking(spoken(&path, &held(&office.stage.repo, PASSPHRASE, &office.stage.path("shares"))));
    for mark in MARKS {
        assert!(seen.iter().any(|text| text.contains(mark)), "the search does not find “{mark}” while it is there");
    }
    office.destroy();
    let unit = office.unit();
    for table in ["row_keys", "items"] {
        assert_eq!(office.stage.value_of(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table} WHERE unit = '{unit}'")), "0", "{table}");
    }
    let seen = blocking(spoken(&path, &held(&office.stage.repo, PASSPHRASE, &office.stage.path("shares"))));
    assert!(seen.iter().any(|text| text.contains("Disk")), "the search finds nothing at all");
    for text in &seen {
        assert!(MARKS.iter().all(|mark| !text.contains(mark)), "the database still says: {text}");
    }
    // The pages of the file too: what stood in a row is overwritten, not merely unlinked, and not left in the write-ahead log.
    assert_eq!(std::fs::metadata(office.stage.repo.join("index.db-wal")).map_or(0, |wal| wal.len()), 0);
    for name in vault_files(&office.stage.repo) {
        assert!(!name.contains(unit), "the vault still holds {name}");
    }
}

#[test]
fn an_old_wrapped_key_put_back_is_named_opens_nothing_and_is_erased() {
    let office = Office::new();
    let stage = &office.stage;
    let copy = stage.path("oldest copy");
    copy_tree(&stage.repo, &copy);
    office.destroy();
    rotate(stage, &[], PASSPHRASE);
    let name = format!("{}.age", office.unit());
    let old = copy.join("vault/1").join(&name);
    for folder in ["vault/1", "vault/2"] {
        let target = stage.repo.join(folder).join(&name);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&old, &target).unwrap();
        let report = stage.say("verify --json").ends(1);
        let found = report.objects().into_iter().find(|finding| finding["code"] == "vault-key").unwrap_or_else(|| panic!("{report:?}"));
        assert!(found["message"].as_str().unwrap().contains("was destroyed and lies in the vault again"), "{found}");
        assert!(target.exists(), "verify must not change what it judges");
        assert!(office.open(&office.doomed_item()).ends(2).err.contains("destroyed"));
        assert!(!target.exists(), "the next opening of the repository must erase {}", target.display());
        stage.verify_everything();
    }
}

#[test]
fn a_destruction_that_was_interrupted_is_finished_at_the_next_opening() {
    // A crash after the event and before the erasing leaves the wrapped key of the epoch in force where it was.
    let office = Office::new();
    let path = format!("1/{}.age", office.unit());
    let wrapped = std::fs::read(office.stage.local("vault").join(&path)).unwrap();
    office.destroy();
    office.stage.put("vault", &path, Some(wrapped));
    assert!(office.open(&office.doomed_item()).ends(2).err.contains("destroyed"));
    assert!(!office.stage.local("vault").join(&path).exists());
    office.stage.verify_everything();
    assert_eq!(office.stage.say("rebuild --json").ends(0).object()["differences"], 0);
    office.stage.verify_everything();
}

/// Begins a new epoch with pages in `shares of 2` and a new passphrase, which the stage then uses.
fn rotate(stage: &Stage, shares: &[&str], passphrase: &str) {
    let words = stage.file("new passphrase", format!("{passphrase}\n"));
    let folder = stage.path("shares of 2");
    let mut arguments = vec![
        "key",
        "rotate",
        "--custodians",
        "3",
        "--threshold",
        "2",
        "--shares-dir",
        folder.to_str().unwrap(),
        "--new-passphrase-file",
        words.to_str().unwrap(),
    ];
    shares.iter().for_each(|share| arguments.extend(["--share", share]));
    stage.sago(arguments).ends(0);
    std::fs::copy(words, stage.path("passphrase")).unwrap();
}

/// The one text that a query gives.
pub async fn value_of(path: &Path, query: &str) -> String {
    let mut db = connect(path).await;
    let value = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&mut db).await.unwrap();
    db.close().await.unwrap();
    value
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&sqlx::sqlite::SqliteConnectOptions::new().filename(path)).await.unwrap()
}

/// Changes rows behind the back of the software.
pub async fn change(path: &Path, statement: &str) {
    let mut db = connect(path).await;
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

/// Runs a future to its end.
pub fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn vault_files(repo: &Path) -> Vec<String> {
    tree(&repo.join("vault")).iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

/// All files below a folder, in order.
pub fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    found
}

/// Copies a folder as a backup program would.
pub fn copy_tree(from: &Path, to: &Path) {
    for path in tree(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&path, target).unwrap();
    }
    for folder in ["staging", "stamps", "lock"] {
        if from.join(folder).is_dir() {
            std::fs::create_dir_all(to.join(folder)).unwrap();
        }
    }
}

crate::pairs::also_on_servers!(
    only_two_approvers_who_did_not_ask_can_destroy,
    a_second_request_for_the_same_unit_ends_with_the_first,
    a_destroyed_unit_says_so_everywhere_and_the_other_is_untouched,
    the_tombstone_says_when_by_whom_and_why,
    a_stranger_verifies_the_proof_of_the_destruction,
    a_destruction_that_was_interrupted_is_finished_at_the_next_opening,
);
