//! The second verifier, and the commands of VERIFY.md, on what the binary hands over: they must say what ours says.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{change, export, find, flip, put_back, run, with_strange_disk};
use crate::cast::{Answer, Stage, answer, tool};

/// What a verifier found: whether it is sound, and the errors as code and path.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    pub is_sound: bool,
    pub errors: BTreeSet<(String, String)>,
}

impl Verdict {
    fn of(said: &Answer) -> Self {
        assert!(matches!(said.code, 0 | 1), "no verdict: {}\n{}", said.out, said.err);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let errors = said.objects().iter().filter(|line| line["severity"] == "error").map(|line| (text(&line["code"]), text(&line["path"]))).collect();
        Self { is_sound: said.code == 0, errors }
    }

    pub fn codes(&self) -> BTreeSet<&str> {
        self.errors.iter().map(|(code, _)| code.as_str()).collect()
    }
}

/// The verifier keys of both logs, as a stranger got them from elsewhere.
pub fn keys(stage: &Stage) -> Vec<PathBuf> {
    let log = stage.local("log");
    ["custody", "access"].map(|name| log.join(format!("1/{name}.vkey"))).to_vec()
}

fn key_options(keys: &[PathBuf]) -> Vec<&OsStr> {
    keys.iter().flat_map(|key| ["--key".as_ref(), key.as_os_str()]).collect()
}

/// The Python verifier that lies in a package, run inside that package.
fn by_python(package: &Path, keys: &[PathBuf]) -> Verdict {
    let mut command = Command::new(tool("SAGO_TOOL_PYTHON"));
    command.current_dir(package).args(["-I", "data/verify/sago_verify.py", "--json"]).args(key_options(keys)).arg(".");
    Verdict::of(&answer(command.output().unwrap()))
}

/// Our own verifier, as a stranger runs it: no repository, no passphrase.
fn by_sago(folder: &Path, keys: &[PathBuf], anchors: &[PathBuf]) -> Verdict {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sago"));
    command.env_clear().current_dir(folder).args(["verify", ".", "--json"]).args(key_options(keys));
    for anchor in anchors {
        command.arg("--anchor").arg(anchor);
    }
    Verdict::of(&answer(command.output().unwrap()))
}

/// Both verifiers, which must agree whether it is sound. What follows from a damaged list they may name in more or fewer words.
#[track_caller]
pub fn by_both(package: &Path, keys: &[PathBuf], anchors: &[PathBuf]) -> Verdict {
    let (python, ours) = (by_python(package, keys), by_sago(package, keys, anchors));
    assert_eq!(python.is_sound, ours.is_sound, "the two verifiers differ: {python:?}\n{ours:?}");
    assert_eq!(ours.is_sound, ours.errors.is_empty());
    ours
}

/// Both verifiers, which must find the same errors at the same places.
#[track_caller]
fn by_both_alike(package: &Path, keys: &[PathBuf]) -> Verdict {
    let (python, ours) = (by_python(package, keys), by_sago(package, keys, &[]));
    assert_eq!(python, ours, "the two verifiers differ (left: Python)");
    ours
}

#[test]
fn the_two_verifiers_agree_on_a_package_and_on_its_damage() {
    let stage = Stage::new();
    let number = with_strange_disk(&stage);
    let opened = stage.path("opened");
    stage
        .sago([OsStr::new("open"), format!("{number}.00001").as_ref(), "--reason".as_ref(), "to read".as_ref(), "--output".as_ref(), opened.as_os_str()])
        .ends(0);
    let keys = keys(&stage);
    for what in [number.clone(), format!("{number}.00001")] {
        let package = export(&stage, &what);
        assert!(by_both(&package, &keys, &[]).is_sound);
        assert!(by_both(&package, &[], &[]).is_sound, "without keys from elsewhere it fits together");
        assert!(package.join("data/proofs/keys/access.vkey").exists(), "the reading is told");

        let evidence = find(&package.join("data/evidence"), "");
        let before = flip(&evidence);
        let verdict = by_both_alike(&package, &keys);
        assert_eq!(verdict.codes(), BTreeSet::from(["bag-payload-digest-mismatch", "evidence-differs"]), "{verdict:?}");
        std::fs::remove_file(&evidence).unwrap();
        assert!(!by_both(&package, &keys, &[]).is_sound);
        put_back(&evidence, &before);
        assert!(by_both(&package, &keys, &[]).is_sound);
        if what == number {
            continue;
        }
        for (folder, end) in [
            ("data/proofs/items", ".json"),
            ("data/proofs/objects", "inventory.json"),
            ("data/proofs", ".tlog-proof"),
            ("data/proofs/keys", "custody.vkey"),
            ("data/provenance", "events.jsonl"),
            ("data/provenance", "premis.xml"),
            ("", "/manifest-sha512.txt"),
        ] {
            let file = find(&package.join(folder), end);
            let before = flip(&file);
            assert!(!by_both(&package, &keys, &[]).is_sound, "{} was changed and nobody saw it", file.display());
            put_back(&file, &before);
        }
    }
    // The keys of another repository: whole in itself, and of somebody else.
    let other = Stage::new();
    let package = stage.path(&format!("export {number}"));
    assert!(!by_both(&package, &self::keys(&other), &[]).is_sound);
}

#[test]
fn a_forger_who_rewrites_every_manifest_is_seen_by_both_verifiers() {
    let stage = Stage::new();
    let number = with_strange_disk(&stage);
    let package = export(&stage, &number);
    flip(&find(&package.join("data/evidence"), "진술서.hwp"));
    // The bag is whole again for every tool that knows bags only.
    let rehash = "for a in 256 512; do cut -c$((a / 4 + 3))- manifest-sha$a.txt | tr '\\n' '\\0' | xargs -0 sha${a}sum > new && mv new manifest-sha$a.txt; done\n\
                  for a in 256 512; do sha${a}sum bagit.txt bag-info.txt manifest-*.txt > tagmanifest-sha$a.txt; done";
    answer(Command::new("sh").args(["-ec", rehash]).current_dir(&package).output().unwrap()).ends(0);
    run(tool("SAGO_TOOL_BAGIT"), ["--validate".as_ref(), package.as_os_str()]).ends(0);
    let verdict = by_both(&package, &keys(&stage), &[]);
    assert_eq!(verdict.codes(), BTreeSet::from(["evidence-differs"]), "{verdict:?}");
}

#[test]
fn the_two_verifiers_agree_on_a_receipt_and_on_one_that_lost_a_line() {
    let stage = Stage::new();
    let number = with_strange_disk(&stage);
    let receipt = stage.path("receipt");
    stage.sago([OsStr::new("receipt"), number.as_ref(), "--output".as_ref(), receipt.as_os_str()]).ends(0);
    // The contributor has the verifier from a package or from us, not from the receipt.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sago-verify/python/sago_verify.py");
    let keys = &keys(&stage)[..1];
    let judge = || {
        let mut python = Command::new(tool("SAGO_TOOL_PYTHON"));
        python.arg("-I").arg(&script).arg("--json").args(key_options(keys)).arg(&receipt);
        let (python, ours) = (Verdict::of(&answer(python.output().unwrap())), by_sago(&receipt, keys, &[]));
        assert_eq!(python.is_sound, ours.is_sound, "the two verifiers differ: {python:?}\n{ours:?}");
        (python, ours)
    };
    assert!(judge().0.is_sound);
    let lines = receipt.join("manifest.jsonl");
    type Forgery = fn(&[u8]) -> Vec<u8>;
    let forgeries: [(&str, Forgery); 4] = [
        ("a line is gone", |text| {
            text.split_inclusive(|byte| *byte == b'\n').enumerate().filter(|(at, _)| *at != 4).flat_map(|(_, line)| line.to_vec()).collect()
        }),
        ("the last line is gone", |text| {
            let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
            lines[..lines.len() - 1].concat()
        }),
        ("a line stands twice", |text| {
            let first: Vec<u8> = text.split_inclusive(|byte| *byte == b'\n').next().unwrap().to_vec();
            [&first[..], text].concat()
        }),
        ("a word was changed", |text| String::from_utf8(text.to_vec()).unwrap().replacen("no-list", "match", 1).into_bytes()),
    ];
    for (what, forge) in forgeries {
        let before = change(&lines, |bytes| *bytes = forge(bytes));
        let (python, ours) = judge();
        assert_eq!(python, ours, "the two verifiers differ (left: Python): {what}");
        assert_eq!(ours.codes(), BTreeSet::from(["receipt-root"]), "{what}: {ours:?}");
        put_back(&lines, &before);
    }
    for name in ["receipt.tlog-proof", "custody.vkey"] {
        let before = flip(&receipt.join(name));
        assert!(!judge().0.is_sound, "{name}");
        put_back(&receipt.join(name), &before);
    }
    assert!(judge().0.is_sound);
}

/// The blocks of commands in a page, in order.
fn blocks(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fence: Option<(String, String)> = None;
    for line in markdown.lines() {
        match &mut fence {
            None if line.starts_with("```") => fence = Some((line.chars().take_while(|tick| *tick == '`').collect(), String::new())),
            Some((ticks, block)) if line == ticks => {
                found.push(std::mem::take(block));
                fence = None;
            }
            Some((_, block)) => *block += &format!("{line}\n"),
            None => {}
        }
    }
    assert!(fence.is_none(), "a block is not closed");
    found
}

/// Follows VERIFY.md of a package as an expert does: every block in one bash, in the package's folder.
///
/// Only the folder of keys is another, since `/elsewhere` is the page's word for “where you have them”; `sago-verify` is our binary's verb.
/// Returns how many promised outputs (`# expected: …`) were compared.
pub fn follow_verify_md(stage: &Stage, package: &Path) -> usize {
    let markdown = std::fs::read_to_string(package.join("data/VERIFY.md")).unwrap();
    let elsewhere = stage.path("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    for key in keys(stage) {
        std::fs::copy(&key, elsewhere.join(key.file_name().unwrap())).unwrap();
    }
    let own = stage.file("programs/sago-verify", format!("#!/bin/sh\nexec '{}' verify \"$@\"\n", env!("CARGO_BIN_EXE_sago")));
    std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    let mut script = "set -euo pipefail\n".to_owned();
    let mut promises = 0;
    for (number, block) in blocks(&markdown).iter().enumerate() {
        script += &format!("echo 'BLOCK {number}'\n");
        for line in block.replace("/elsewhere", elsewhere.to_str().unwrap()).lines() {
            match line.strip_prefix("# expected: ") {
                Some(value) => {
                    promises += 1;
                    script += &format!("echo 'EXPECTED {value}'\n");
                }
                None => script += &format!("{line}\n"),
            }
        }
    }
    script += "rm -r \"$work\"\necho END\n";
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).current_dir(package).env("LC_ALL", "C.UTF-8");
    let path = [stage.path("programs"), tool("SAGO_TOOL_PYTHON").parent().unwrap().to_owned()].into_iter();
    bash.env("PATH", std::env::join_paths(path.chain(std::env::split_paths(&std::env::var_os("PATH").unwrap()))).unwrap());
    let said = answer(bash.output().unwrap()).ends(0);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.last(), Some(&"END"), "{}\n{}", said.out, said.err);
    let mut at = 0;
    let mut compared = 0;
    while at < lines.len() {
        let marks = lines[at..].iter().take_while(|line| line.starts_with("EXPECTED ")).count();
        for n in 0..marks {
            assert_eq!(Some(lines[at + n - marks]), lines[at + n].strip_prefix("EXPECTED "), "in:\n{}", said.out);
        }
        compared += marks;
        at += marks.max(1);
    }
    assert_eq!(compared, promises, "every promise is kept");
    assert!(said.out.lines().filter(|line| line.starts_with("SOUND")).count() == 2, "both verifiers: {}", said.out);
    compared
}

#[test]
fn every_command_of_verify_md_does_what_the_page_says() {
    let stage = Stage::new();
    let number = with_strange_disk(&stage);
    let opened = stage.path("opened");
    stage
        .sago([OsStr::new("open"), format!("{number}.00005").as_ref(), "--reason".as_ref(), "to read".as_ref(), "--output".as_ref(), opened.as_os_str()])
        .ends(0);
    // The worked example takes the first item of a package, so the strangest names have their turn as the only item of one.
    let strange = ["`touch owned`", "NOT TAKEN", "<script>", "```", "`.url", "xFF", "-rf", "가가"];
    let items = stage.say("list items --json").ends(0).objects();
    let shown = |item: &&Value| strange.iter().any(|part| item["path"].as_str().unwrap().contains(part));
    let chosen: Vec<_> = items.iter().filter(shown).map(|item| item["item"].as_str().unwrap().to_owned()).collect();
    assert_eq!(chosen.len(), strange.len(), "{chosen:?}");
    let mut promises = 0;
    for what in std::iter::once(&number).chain(&chosen) {
        promises += follow_verify_md(&stage, &export(&stage, what));
    }
    assert!(promises > chosen.len() * 15, "{promises}");
    assert!(!super::files_in(stage.folder.path()).iter().any(|path| path.ends_with("owned")), "no name became a command");
}

#[test]
fn the_fingerprint_of_verify_md_stands_on_the_custodians_pages() {
    let stage = Stage::new();
    stage.file("disk/one.txt", "one");
    let number = stage.deposit(&stage.path("disk"))["accession"].as_str().unwrap().to_owned();
    let page = std::fs::read_to_string(export(&stage, &number).join("data/VERIFY.md")).unwrap();
    let fingerprint = crate::story::sha256(&std::fs::read(stage.local("log").join("1/custody.vkey")).unwrap());
    assert!(page.contains(&format!("# expected: {fingerprint}")));
    assert!(page.contains("- the custodians' pages\n") && page.contains("- the receipt of the deposit\n"));
    assert!(std::fs::read_to_string(stage.path("shares/share-1-of-3.txt")).unwrap().contains(&fingerprint));
    let receipt = stage.path("receipt");
    stage.sago([OsStr::new("receipt"), number.as_ref(), "--output".as_ref(), receipt.as_os_str()]).ends(0);
    assert!(std::fs::read_to_string(receipt.join("receipt.txt")).unwrap().contains(&fingerprint), "the printed receipt has no fingerprint to compare");
}

crate::pairs::also_on_servers!(the_two_verifiers_agree_on_a_receipt_and_on_one_that_lost_a_line, the_fingerprint_of_verify_md_stands_on_the_custodians_pages,);
