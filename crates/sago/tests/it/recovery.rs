//! The drill: everything is gone but the storage root, the vault and two custodians' pages, and a stranger follows RECOVERY.md.
//!
//! The programs are taken out of the RECOVERY.md that lies in the storage root, with the command it prints, and run as it says: Node.js with
//! the npm package `age-encryption`, `shamir` of shamir-mnemonic, Python, coreutils. The repository is removed before: no database, no
//! keys, no settings, no `sago`. The expected bytes and names are those of the disks that were deposited, kept in memory.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::cast::{Answer, PASSPHRASE, Stage, answer, tool};
use crate::validators::stamps::{Authority, stamp};
use crate::validators::{Disk, files_in, find, flip, put_back, strange_disk, write_disk};

/// What is left of a repository, and the stranger's folder of work.
struct Ruins {
    folder: TempDir,
}

impl Ruins {
    /// Keeps the named parts of the stage, such as `repository/store`, and removes all the rest of it.
    fn of(stage: Stage, parts: &[&str]) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for part in parts {
            let name = Path::new(part).file_name().unwrap();
            let from = if part.starts_with("repository/") { stage.local(name.to_str().unwrap()) } else { stage.path(part) };
            let copied = Command::new("cp").arg("-aT").args([&from, &folder.path().join(name)]).status().unwrap();
            assert!(copied.success(), "{part}");
        }
        let gone = stage.repo.clone();
        drop(stage);
        assert!(!gone.exists());
        let ruins = Self { folder };
        for name in ["work", "programs"] {
            std::fs::create_dir(ruins.path(name)).unwrap();
        }
        // What step 1 gets from the network is here already: the packages, and the programs under the names that the text uses.
        std::os::unix::fs::symlink(tool("SAGO_TOOL_AGE_ENCRYPTION").join("node_modules"), ruins.path("work/node_modules")).unwrap();
        std::os::unix::fs::symlink(tool("SAGO_TOOL_NODE"), ruins.path("programs/node")).unwrap();
        std::os::unix::fs::symlink(tool("SAGO_TOOL_PYTHON"), ruins.path("programs/python3")).unwrap();
        let manual = std::fs::read_to_string(ruins.path("store/RECOVERY.md")).unwrap();
        let extract = manual.lines().find(|line| line.starts_with("awk '")).expect("RECOVERY.md says how its programs are taken out of it");
        ruins.shell(&extract.replace("STORE", ruins.path("store").to_str().unwrap())).ends(0);
        ruins
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a line in the folder of work, in which the capital words of the text are the paths of what is left.
    fn shell(&self, line: &str) -> Answer {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).current_dir(self.path("work")).env_clear();
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("programs").display())).env("LC_ALL", "C.UTF-8").env("HOME", self.path("work"));
        command.env("SHAMIR", tool("SAGO_TOOL_SHAMIR"));
        for (name, place) in [("STORE", "store"), ("VAULT", "vault"), ("LOG", "log"), ("KEYS", "keys"), ("OUT", "out")] {
            command.env(name, self.path(place));
        }
        answer(command.stdin(std::process::Stdio::null()).output().unwrap())
    }

    /// Steps 2 to 4 with two pages; returns what step 4 said.
    fn recover(&self) -> Answer {
        self.shell("sh step-2 ../share-3-of-3.txt ../share-1-of-3.txt").ends(0);
        self.shell("sh step-3 \"$STORE\"").ends(0);
        self.shell("sh step-4 \"$STORE\" \"$VAULT\" \"$OUT\"")
    }

    /// Every recovered original under the name that the sender's disk held, with the standard library of Python and nothing of ours.
    fn under_their_names(&self) -> Disk {
        let restore = "import base64, glob, json, os, shutil, sys\nout, to = map(os.fsencode, sys.argv[1:])\n\
                       names = [line.rstrip(b'\\n')[66:] for line in open(os.path.join(out, b'SHA256SUMS'), 'rb')]\n\
                       for manifest in sorted(glob.glob(os.path.join(out, b'manifests', b'*.jsonl'))):\n\
                       \x20   for line in map(json.loads, open(manifest, encoding='utf-8', newline='\\n')):\n\
                       \x20       if line['line'] != 'sago-item/1': continue\n\
                       \x20       found = [name for name in names if name.startswith(line['item'].encode() + b'-')]\n\
                       \x20       if not found: continue\n\
                       \x20       path = os.path.join(to, base64.b64decode(line['path_bytes']))\n\
                       \x20       os.makedirs(os.path.dirname(path), exist_ok=True)\n\
                       \x20       assert len(found) == 1 and not os.path.exists(path), path\n\
                       \x20       shutil.copyfile(os.path.join(out, found[0]), path)\n";
        std::fs::write(self.path("work/restore.py"), restore).unwrap();
        self.shell("rm -rf restored && mkdir restored && python3 restore.py \"$OUT\" restored").ends(0);
        disk_in(&self.path("work/restored"))
    }

    /// Lines of JSON in a file of the folder of work.
    fn lines(&self, name: &str) -> Vec<Value> {
        std::fs::read_to_string(self.path(name)).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// All files below a folder, as a disk.
fn disk_in(root: &Path) -> Disk {
    let name = |path: &PathBuf| path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
    files_in(root).iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// The disk as it lies in a folder of this name.
fn below(folder: &str, disk: &Disk) -> Disk {
    disk.iter().map(|(name, content)| ([folder.as_bytes(), b"/", name].concat(), content.clone())).collect()
}

/// Compares two disks, naming what differs instead of printing all bytes.
#[track_caller]
fn assert_same(found: &Disk, expected: &Disk) {
    let differing: BTreeMap<OsString, (Option<usize>, Option<usize>)> = found
        .keys()
        .chain(expected.keys())
        .filter(|name| found.get(*name) != expected.get(*name))
        .map(|name| (OsString::from_vec(name.clone()), (found.get(name).map(Vec::len), expected.get(name).map(Vec::len))))
        .collect();
    assert!(differing.is_empty(), "name: (bytes found, bytes expected): {differing:?}");
}

fn deposit(stage: &Stage, folder: &Path, options: &[&str]) -> Value {
    let arguments = ["deposit".as_ref(), folder.as_os_str(), "--contributor".as_ref(), "이웃".as_ref(), "--title".as_ref(), "둘째".as_ref(), "--json".as_ref()];
    stage.sago(arguments.into_iter().chain(options.iter().map(OsStr::new))).ends(0).object()
}

/// A repository with a working unit of two deposits and a sealed one. Returns what was deposited: in all, and of it what is not sealed.
fn full_house(stage: &Stage) -> (Disk, Disk) {
    let strange = strange_disk();
    let first = deposit(stage, &write_disk(stage, "disk", &strange), &[]);
    // The same unit again: content that it holds already, under other names, and new content.
    let mut second: Disk = strange.iter().take(9).map(|(name, content)| ([b"again ", name.as_slice()].concat(), content.clone())).collect();
    second.insert(b"new".to_vec(), b"new in the second".to_vec());
    let again = deposit(stage, &write_disk(stage, "둘째", &second), &["--unit", first["unit"].as_str().unwrap()]);
    assert_eq!(again["duplicates"], 9);
    let mut sealed = strange.clone();
    sealed.insert("비밀.txt".as_bytes().to_vec(), b"sealed at once".to_vec());
    deposit(stage, &write_disk(stage, "sealed", &sealed), &["--sealed"]);
    let open: Disk = below("disk", &strange).into_iter().chain(below("둘째", &second)).collect();
    (open.clone().into_iter().chain(below("sealed", &sealed)).collect(), open)
}

const LEFT: [&str; 4] = ["repository/store", "repository/vault", "shares/share-1-of-3.txt", "shares/share-3-of-3.txt"];

#[test]
fn two_custodians_recover_every_original_also_the_sealed_ones() {
    let stage = Stage::new();
    let (all, _) = full_house(&stage);
    let ruins = Ruins::of(stage, &LEFT);
    let said = ruins.recover().ends(0);
    assert!(said.out.contains(&format!("3 objects, {} originals recovered, 0 problems", all.len())), "{}", said.out);
    assert_same(&ruins.under_their_names(), &all);

    let index = std::fs::read_to_string(ruins.path("out/index.tsv")).unwrap();
    assert_eq!(index.lines().count(), all.len());
    let sums = std::fs::read_to_string(ruins.path("out/SHA256SUMS")).unwrap();
    for content in all.values() {
        assert!(sums.contains(&crate::story::sha256(content)));
    }
    // What the text promises to lie beside it does.
    let manual = std::fs::read_to_string(ruins.path("store/RECOVERY.md")).unwrap();
    for name in manual.split('`').filter(|word| word.starts_with("spec-") && word.ends_with(".md") && !word.contains('*')) {
        assert!(ruins.path("store").join(name).is_file(), "{name} is named and not there");
    }
}

#[test]
fn the_log_shows_that_what_was_recovered_is_what_was_received() {
    let stage = Stage::new();
    full_house(&stage);
    let opened = stage.path("opened");
    stage.sago([OsStr::new("open"), "A-2026-0001.00002".as_ref(), "--reason".as_ref(), "읽으려고".as_ref(), "--output".as_ref(), opened.as_os_str()]).ends(0);
    let logged: u64 = stage.say("verify --json").ends(0).object()["checked"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|what| what.as_str()?.strip_suffix(" events opened and held against their leaves")?.parse().ok())
        .unwrap();
    let ruins = Ruins::of(stage, &[&LEFT[..], &["repository/log"]].concat());
    ruins.recover().ends(0);
    let mut events = Vec::new();
    for log in ["custody", "access"] {
        let said = ruins.shell(&format!("sh step-5 \"$LOG/1\" {log} \"$VAULT\"")).ends(0);
        assert!(said.out.contains(": sound\n") && said.out.contains("; 0 have no payload here; 0 payload files are of units closed here"), "{}", said.out);
        events.extend(ruins.lines(&format!("work/{log}.jsonl")));
    }
    assert_eq!(events.len() as u64, logged);
    assert!(events.iter().all(|event| event["proven"] == true && event["detail"].is_object()));
    assert!(events.iter().any(|event| event["skeleton"]["kind"] == "item-opened" && event["detail"]["reason"] == "읽으려고"));
    let said = ruins.shell("sh step-6 \"$STORE\" \"$OUT\"").ends(0);
    assert!(said.out.contains("3 deposits received, 0 of them in units that are closed here, 0 problems"), "{}", said.out);

    // A manifest line is another one; then the log is.
    let manifest = find(&ruins.path("out/manifests"), ".jsonl");
    let before = flip(&manifest);
    assert!(ruins.shell("sh step-6 \"$STORE\" \"$OUT\"").ends(1).out.contains("PROBLEM"));
    put_back(&manifest, &before);
    let bundles = ruins.path("log/1/custody/tile/entries");
    let newest = files_in(&bundles).into_iter().max_by_key(|path| path.file_name().unwrap().to_str().unwrap().parse::<u64>().unwrap()).unwrap();
    for file in [newest, ruins.path("log/1/custody/checkpoint"), ruins.path("log/1/custody.vkey")] {
        let before = flip(&file);
        let said = ruins.shell("sh step-5 \"$LOG/1\" custody \"$VAULT\"");
        assert!(said.code == 1 && !said.out.contains(": sound"), "{} was changed: {said:?}", file.display());
        put_back(&file, &before);
    }
    ruins.shell("sh step-5 \"$LOG/1\" custody \"$VAULT\"").ends(0);
}

#[test]
fn the_passphrase_opens_what_is_working_and_leaves_closed_what_is_sealed() {
    let stage = Stage::new();
    let (_, open) = full_house(&stage);
    let ruins = Ruins::of(stage, &["repository/store", "repository/vault", "repository/keys", "repository/log"]);
    std::fs::write(ruins.path("work/passphrase"), format!("{PASSPHRASE}\r\n")).unwrap();
    ruins.shell("node operating.mjs \"$KEYS\" passphrase > recovery.txt").ends(0);
    let said = ruins.shell("sh step-4 \"$STORE\" \"$VAULT\" \"$OUT\"").ends(0);
    assert!(
        said.out.lines().filter(|line| line.starts_with("CLOSED ")).count() == 1 && said.out.contains("sealed to other keys than those given"),
        "{}",
        said.out
    );
    assert_same(&ruins.under_their_names(), &open);
    let said = ruins.shell("sh step-5 \"$LOG/1\" custody \"$VAULT\"").ends(0);
    assert!(said.out.contains(": sound\n") && !said.out.contains(" 0 payload files are of units closed here"), "{}", said.out);
    assert!(ruins.shell("sh step-6 \"$STORE\" \"$OUT\"").ends(0).out.contains("3 deposits received, 1 of them in units that are closed here, 0 problems"));

    std::fs::write(ruins.path("work/passphrase"), "five words somebody guessed\n").unwrap();
    assert_eq!(ruins.shell("node operating.mjs \"$KEYS\" passphrase").ends(1).out, "");
}

#[test]
fn pages_that_are_not_enough_or_do_not_fit_give_no_key() {
    let (stage, other) = (Stage::new(), Stage::new());
    stage.file("disk/one.txt", "one");
    stage.deposit(&stage.path("disk"));
    std::fs::copy(other.path("shares/share-2-of-3.txt"), stage.path("shares/share-2-of-3.txt")).unwrap();
    let ruins = Ruins::of(stage, &[&LEFT[..], &["shares/share-2-of-3.txt"]].concat());
    for pages in ["../share-1-of-3.txt", "../share-1-of-3.txt ../share-2-of-3.txt", "../share-1-of-3.txt ../share-1-of-3.txt"] {
        let said = ruins.shell(&format!("sh step-2 {pages}"));
        assert!(said.code != 0 && said.err.contains("the shares were not joined"), "{pages}: {said:?}");
        assert_eq!(std::fs::read(ruins.path("work/recovery.txt")).unwrap(), b"");
    }
    // A wrong word on a page is noticed, and typed words do as well as a page.
    let page = std::fs::read_to_string(ruins.path("share-1-of-3.txt")).unwrap();
    let typed = crate::validators::words(&ruins.path("share-1-of-3.txt"));
    let last = typed.rsplit(' ').next().unwrap();
    let wrong = page.replacen(&format!("33 {last}"), if last == "academic" { "33 acid" } else { "33 academic" }, 1);
    assert_ne!(wrong, page);
    std::fs::write(ruins.path("wrong.txt"), wrong).unwrap();
    assert_ne!(ruins.shell("sh step-2 ../wrong.txt ../share-3-of-3.txt").code, 0);
    std::fs::write(ruins.path("typed.txt"), typed.replace(' ', "\n")).unwrap();
    ruins.shell("sh step-2 ../typed.txt ../share-3-of-3.txt").ends(0);
    assert!(std::fs::read_to_string(ruins.path("work/recovery.txt")).unwrap().starts_with("AGE-SECRET-KEY-PQ-1"));
}

#[test]
fn after_a_rotation_the_new_pages_recover_and_the_old_ones_open_nothing() {
    let stage = Stage::new();
    let (all, _) = full_house(&stage);
    let pages = ["share-1-of-3.txt", "share-2-of-3.txt"].map(|page| stage.path("shares").join(page));
    let new = stage.path("new");
    let arguments = ["key", "rotate", "--custodians", "3", "--threshold", "2", "--shares-dir"].map(OsStr::new).into_iter().chain([new.as_os_str()]);
    stage.sago(arguments.chain(pages.iter().flat_map(|page| ["--share".as_ref(), page.as_os_str()]))).ends(0);
    std::fs::rename(&pages[0], stage.path("shares/old-1.txt")).unwrap();
    std::fs::rename(&pages[1], stage.path("shares/old-2.txt")).unwrap();
    let left = ["repository/store", "repository/vault", "new/share-1-of-3.txt", "new/share-3-of-3.txt", "shares/old-1.txt", "shares/old-2.txt"];
    let ruins = Ruins::of(stage, &left);
    ruins.recover().ends(0);
    assert_same(&ruins.under_their_names(), &all);
    ruins.shell("sh step-2 ../old-1.txt ../old-2.txt").ends(0);
    std::fs::remove_dir_all(ruins.path("out")).unwrap();
    let said = ruins.shell("sh step-4 \"$STORE\" \"$VAULT\" \"$OUT\"").ends(1);
    assert!(said.out.contains("3 objects, 0 originals recovered, 0 problems\nnothing was opened\n"), "{}", said.out);
    assert_eq!(said.out.lines().filter(|line| line.starts_with("CLOSED ")).count(), 3);
}

#[test]
fn damage_is_named_and_the_rest_is_recovered() {
    let stage = Stage::new();
    let (all, _) = full_house(&stage);
    let ruins = Ruins::of(stage, &LEFT);
    ruins.recover().ends(0);
    let damaged = find(&ruins.path("store"), "o/000003.age");
    let before = flip(&damaged);
    let said = ruins.shell("sh step-3 \"$STORE\"").ends(1);
    assert!(said.out.contains("DAMAGED") && said.out.contains("o/000003.age"), "{said:?}");
    std::fs::remove_dir_all(ruins.path("out")).unwrap();
    let said = ruins.shell("sh step-4 \"$STORE\" \"$VAULT\" \"$OUT\"").ends(1);
    let problems = said.out.lines().filter(|line| line.starts_with("PROBLEM ")).count();
    // Several items may rest on one stored file: each of them is named, and nothing else is lost.
    assert!(problems >= 1, "{said:?}");
    let left = ruins.under_their_names();
    assert_eq!(left.len(), all.len() - problems, "{}", said.out);
    assert!(left.iter().all(|(name, content)| all.get(name) == Some(content)));
    put_back(&damaged, &before);

    // The inventory lies twice in an object: without the first nothing is lost.
    std::fs::remove_dir_all(ruins.path("out")).unwrap();
    let inventory = find(&ruins.path("store"), "inventory.json");
    let before = std::fs::read(&inventory).unwrap();
    std::fs::remove_file(&inventory).unwrap();
    assert!(ruins.shell("sh step-3 \"$STORE\"").ends(1).out.contains("DAMAGED"));
    assert!(ruins.shell("sh step-4 \"$STORE\" \"$VAULT\" \"$OUT\"").ends(1).out.contains("PROBLEM "));
    assert_same(&ruins.under_their_names(), &all);
    put_back(&inventory, &before);

    // A manifest that is gone: named, and no reason to stop.
    std::fs::remove_dir_all(ruins.path("out")).unwrap();
    std::fs::remove_file(find(&ruins.path("store"), ".manifest.age")).unwrap();
    assert!(ruins.shell("sh step-3 \"$STORE\"").ends(1).out.contains("DAMAGED"));
    let said = ruins.shell("sh step-4 \"$STORE\" \"$VAULT\" \"$OUT\"").ends(1);
    assert!(said.out.contains("PROBLEM "), "{said:?}");
    let left = ruins.under_their_names();
    assert!(!left.is_empty() && left.len() < all.len());
    assert!(left.iter().all(|(name, content)| all.get(name) == Some(content)));
}

#[test]
fn the_steps_for_the_program_age_open_a_unit_an_object_and_an_original() {
    let stage = Stage::new();
    stage.file("disk/진술서.txt", "온성 구류장");
    let deposited = deposit(&stage, &stage.path("disk"), &["--sealed"]);
    let unit = deposited["unit"].as_str().unwrap().to_owned();
    let ruins = Ruins::of(stage, &LEFT);
    ruins.recover().ends(0);
    // No package of age 1.3 is installed with the tools: the other implementation stands in, with the arguments that age takes.
    let age = "import { Decrypter } from 'age-encryption';\nimport fs from 'node:fs';\nimport { parseArgs } from 'node:util';\n\
               const options = { decrypt: { type: 'boolean' }, identity: { type: 'string' }, output: { type: 'string' } };\n\
               const { values, positionals } = parseArgs({ options, allowPositionals: true });\n\
               if (!values.decrypt || positionals.length !== 1) throw new Error('not these arguments');\nconst age = new Decrypter();\n\
               age.addIdentity(fs.readFileSync(values.identity, 'utf8').trim());\n\
               fs.writeFileSync(values.output, await age.decrypt(fs.readFileSync(positionals[0])));\n";
    std::fs::write(ruins.path("work/age.mjs"), age).unwrap();
    let program = ruins.path("programs/age");
    std::fs::write(&program, format!("#!/bin/sh\nexec node '{}' \"$@\"\n", ruins.path("work/age.mjs").display())).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let object = find(&ruins.path("store"), "0=ocfl_object_1.1").parent().unwrap().to_owned();
    let said = ruins.shell(&format!("sh by-age recovery.txt \"$VAULT/1/{unit}.age\" '{}' {unit} 000001", object.display())).ends(0);
    assert_eq!(std::fs::read_to_string(ruins.path("work/original")).unwrap(), "온성 구류장");
    let line = ruins.lines("work/manifest.jsonl").into_iter().find(|line| line["content"] == "o/000001.age").unwrap();
    assert_eq!(line["path"], "disk/진술서.txt");
    assert_eq!(said.out, format!("{}  original\n", line["sha256"].as_str().unwrap()));
}

#[test]
fn the_step_for_time_stamps_accepts_the_tokens_of_the_repository_alone() {
    let (stage, authority, stranger) = (Stage::new(), Authority::new("house"), Authority::new("stranger"));
    authority.enter(&stage, "house");
    stage.file("disk/one.txt", "one");
    stage.deposit(&stage.path("disk"));
    stamp(&stage);
    let ruins = Ruins::of(stage, &[&LEFT[..], &["repository/stamps"]].concat());
    for (name, root) in [("root.pem", authority.root()), ("stranger.pem", stranger.root())] {
        std::fs::copy(root, ruins.path("work").join(name)).unwrap();
    }
    let folder = find(&ruins.path("stamps"), "checkpoint").parent().unwrap().to_owned();
    let step = |root: &str| ruins.shell(&format!("sh step-7 '{}' {root}", folder.display()));
    let said = step("root.pem").ends(0);
    assert_eq!((said.out.matches("Verification: OK").count(), said.out.matches("Time stamp: ").count()), (2, 2), "{}", said.out);
    step("stranger.pem").ends(1);
    let before = flip(&folder.join("checkpoint"));
    step("root.pem").ends(1);
    put_back(&folder.join("checkpoint"), &before);
    step("root.pem").ends(0);
}

crate::pairs::also_on_servers!(
    two_custodians_recover_every_original_also_the_sealed_ones,
    the_passphrase_opens_what_is_working_and_leaves_closed_what_is_sealed,
    after_a_rotation_the_new_pages_recover_and_the_old_ones_open_nothing,
);
