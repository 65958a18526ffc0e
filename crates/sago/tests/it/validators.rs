//! Programs that other people wrote judge what ours wrote: the storage root, packages, receipts, descriptions, shares, time-stamps.
//!
//! Every repository here is made through the binary and holds the names of [`strange_disk`]. Each judge is also shown something damaged,
//! so that its consent means something. The tools come from `cargo xtask tools`; nothing here asks a network.

pub mod stamps;
mod verifiers;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sago_seal::hybrid::HybridIdentity;
use sago_seal::slip39;

use crate::cast::{Answer, Seeded, Stage, answer, tool};

/// What a disk holds: bytes of each path, and the content.
pub type Disk = BTreeMap<Vec<u8>, Vec<u8>>;

/// A disk as they come: Korean in four writings, names that are no text, names that are meant to hurt, sizes at the seams of formats.
pub fn strange_disk() -> Disk {
    let nfd = "\u{110c}\u{1175}\u{11ab}\u{1109}\u{116e}\u{11af}\u{1109}\u{1165}.hwp";
    let long = format!("{}.hwpx", "가".repeat(83));
    let names: [&[u8]; 22] = [
        "진술서.hwp".as_bytes(),
        // The same name for the eye, in pieces, as macOS writes it.
        nfd.as_bytes(),
        // Korean Windows (CP949), and bytes that are text in nothing.
        b"\xc1\xf5\xbe\xf0.txt",
        b"\xff\xfe\x80 broken \xed\xa0\x80.doc",
        b"first\nNOT TAKEN  second\r\n.txt",
        br#"it's "quoted" `touch owned` $(touch owned); touch owned.txt"#,
        br"back\slash\n\x00.txt",
        b"-rf",
        b"--output=owned",
        b" blanks at both ends ",
        b"...",
        b"CON.txt",
        b"%0A%25%2e%2e%2fescape",
        b"<script>alert(1)<!-- ]]> &amp; --.html",
        "reversed \u{202e}fdp.exe".as_bytes(),
        b"control \x01\x1b[31m\x7f\t.txt",
        b"#?&=+,;@~!*()[]{}|^`.url",
        b".hidden",
        "온성/구류장/도면 1.txt".as_bytes(),
        "온성/구류장/```\n# heading.md".as_bytes(),
        "온성/𝒟𝓸𝓬𝓊𝓂𝑒𝓃𝓉 👩‍👧 𝒻𝓇𝑜𝓂 𝒶 𝒹𝒾𝓈𝓀 𝓉𝒽𝒶𝓉 𝒹𝒾𝒹 𝓃𝑜𝓉 𝒷𝓊𝓇𝓃 𝒾𝓃 𝓎𝒶𝓇𝒹.txt".as_bytes(),
        long.as_bytes(),
    ];
    let mut disk: Disk =
        names.into_iter().enumerate().map(|(number, name)| (name.to_vec(), format!("File {number}. 증언은 보관된다.\n").into_bytes())).collect();
    disk.insert(b"empty".to_vec(), Vec::new());
    // Age seals in chunks of 64 KiB.
    let mut random = Seeded::from_environment();
    for size in [1, 65_535, 65_536, 65_537, 300_000] {
        disk.insert(format!("sizes/{size}").into_bytes(), random.bytes(size));
    }
    let same = disk[&b"sizes/65536"[..]].clone();
    disk.insert("sizes/같은 바이트".as_bytes().to_vec(), same);
    assert_eq!(disk.len(), names.len() + 7);
    disk
}

/// Writes a disk into a new folder of the stage.
pub fn write_disk(stage: &Stage, folder: &str, disk: &Disk) -> PathBuf {
    let root = stage.path(folder);
    for (name, content) in disk {
        let path = root.join(OsStr::from_bytes(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    root
}

/// A repository that received the strange disk as A-2026-…; returns the accession's number.
pub fn with_strange_disk(stage: &Stage) -> String {
    let disk = strange_disk();
    let deposited = stage.deposit(&write_disk(stage, "disk", &disk));
    assert_eq!((&deposited["items"], &deposited["findings"]), (&disk.len().into(), &0.into()), "{deposited}");
    deposited["accession"].as_str().unwrap().to_owned()
}

/// Hands something over and returns the package.
pub fn export(stage: &Stage, what: &str) -> PathBuf {
    let folder = stage.path(&format!("export {what}"));
    stage
        .sago([
            OsStr::new("export"),
            what.as_ref(),
            "--output".as_ref(),
            folder.as_os_str(),
            "--recipient".as_ref(),
            "Court".as_ref(),
            "--reason".as_ref(),
            "it asked".as_ref(),
        ])
        .ends(0);
    folder
}

/// The path below `folder` that ends so; there must be one.
#[track_caller]
pub fn find(folder: &Path, end: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = files_in(folder).into_iter().filter(|path| path.to_string_lossy().ends_with(end)).collect();
    found.sort();
    found.into_iter().next().unwrap_or_else(|| panic!("nothing in {} ends with {end}", folder.display()))
}

/// All files below a folder.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found
}

/// Changes a file, and says what it was.
pub fn change(path: &Path, how: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let before = std::fs::read(path).unwrap();
    let mut after = before.clone();
    how(&mut after);
    assert_ne!(before, after);
    put_back(path, &after);
    before
}

/// Changes one bit in the middle of a file.
pub fn flip(path: &Path) -> Vec<u8> {
    change(path, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    })
}

/// Writes a file, even one that was made read-only.
pub fn put_back(path: &Path, bytes: &[u8]) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).unwrap();
}

/// Runs a tool of another project.
pub fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: I) -> Answer {
    answer(Command::new(program).args(arguments).stdin(std::process::Stdio::null()).output().unwrap())
}

/// Says whether ocfl-py finds the storage root valid, and how many objects it says it checked. It ends with 0 whatever it finds.
fn ocfl_py(root: &Path) -> (bool, String) {
    let arguments = ["validate".as_ref(), "--root".as_ref(), root.as_os_str(), "--validate-objects".as_ref(), "--check-digests".as_ref()];
    let said = run(tool("SAGO_TOOL_OCFL_PY"), arguments).ends(0);
    let last = said.out.lines().last().unwrap_or_default();
    let verdict = match last.rsplit_once(" is ") {
        Some((_, "VALID")) => true,
        Some((_, "INVALID")) => false,
        _ => panic!("ocfl-py gave no verdict: {}\n{}", said.out, said.err),
    };
    let objects = said.out.lines().find_map(|line| line.strip_prefix("Objects checked: ")).unwrap_or_default();
    (verdict, objects.to_owned())
}

#[test]
fn ocfl_py_accepts_the_storage_root_and_sees_every_kind_of_damage() {
    let stage = Stage::new();
    let number = with_strange_disk(&stage);
    let store = stage.local("store");
    assert_eq!(ocfl_py(&store), (true, "1 / 1 are VALID".to_owned()));
    stage.file("later/again.txt", "a second deposit into the same unit");
    stage
        .sago([
            OsStr::new("deposit"),
            stage.path("later").as_os_str(),
            "--unit".as_ref(),
            number.as_ref(),
            "--contributor".as_ref(),
            "P".as_ref(),
            "--title".as_ref(),
            "T".as_ref(),
        ])
        .ends(0);
    stage
        .sago([
            OsStr::new("deposit"),
            stage.path("later").as_os_str(),
            "--sealed".as_ref(),
            "--contributor".as_ref(),
            "P".as_ref(),
            "--title".as_ref(),
            "T".as_ref(),
        ])
        .ends(0);
    let store = stage.local("store");
    assert_eq!(ocfl_py(&store), (true, "3 / 3 are VALID".to_owned()));
    for end in ["o/000001.age", ".manifest.age", "inventory.json", "inventory.json.sha512"] {
        let file = find(&store, end);
        let before = flip(&file);
        assert!(!ocfl_py(&store).0, "ocfl-py did not see that {end} was changed");
        put_back(&file, &before);
    }
    stage.verify_everything();
}

#[test]
fn bagit_py_accepts_the_package_of_an_accession_and_of_one_item() {
    let stage = Stage::new();
    let number = with_strange_disk(&stage);
    for what in [number.clone(), format!("{number}.00003")] {
        let package = export(&stage, &what);
        let validate = || run(tool("SAGO_TOOL_BAGIT"), ["--validate".as_ref(), package.as_os_str()]);
        assert!(validate().ends(0).err.contains("is valid"));
        for file in [find(&package.join("data/evidence"), ""), package.join("bag-info.txt"), package.join("data/VERIFY.md")] {
            let before = flip(&file);
            assert!(validate().ends(1).err.contains("is invalid"), "{}", file.display());
            put_back(&file, &before);
        }
        std::fs::write(package.join("data/added.txt"), "added").unwrap();
        validate().ends(1);
    }
    stage.verify_everything();
}

/// What roc-validator, without a network, says of a crate.
fn roc_validator(crate_folder: &Path) -> Answer {
    let cache = tool("SAGO_TOOL_ROC_CACHE");
    let options = ["-y", "--disable-color", "validate", "--offline", "--cache-path"].map(OsString::from);
    let more = ["-p", "ro-crate-1.2", "--no-paging", "-v"].map(OsString::from);
    run(tool("SAGO_TOOL_ROC_VALIDATOR"), options.into_iter().chain([cache.into()]).chain(more).chain([crate_folder.into()]))
}

#[test]
fn roc_validator_accepts_the_crate_with_every_strange_name() {
    let stage = Stage::new();
    let number = with_strange_disk(&stage);
    for what in [number.clone(), format!("{number}.00001")] {
        let data = export(&stage, &what).join("data");
        let said = roc_validator(&data).ends(0);
        assert!(said.out.contains("RO-Crate is a valid ro-crate-1.2"), "{}", said.out);
    }
}

#[test]
fn roc_validator_refuses_a_crate_whose_part_is_missing_or_whose_root_has_no_date() {
    let stage = Stage::new();
    let number = with_strange_disk(&stage);
    let data = export(&stage, &format!("{number}.00002")).join("data");
    let evidence = find(&data.join("evidence"), "");
    let moved = stage.path("moved");
    std::fs::rename(&evidence, &moved).unwrap();
    roc_validator(&data).ends(1);
    std::fs::rename(&moved, &evidence).unwrap();
    change(&data.join("ro-crate-metadata.json"), |bytes| {
        *bytes = String::from_utf8(bytes.clone()).unwrap().replace("\"datePublished\"", "\"dateForgotten\"").into_bytes()
    });
    roc_validator(&data).ends(1);
}

#[test]
fn the_premis_schema_accepts_the_provenance_of_real_packages() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sago-packages/tests/data/premis-v3-0.xsd");
    let stage = Stage::new();
    let number = with_strange_disk(&stage);
    // Reading leaves events in the other log, whose details are withheld.
    let opened = stage.path("opened");
    stage
        .sago([
            OsStr::new("open"),
            format!("{number}.00001").as_ref(),
            "--reason".as_ref(),
            "to <read> & weigh".as_ref(),
            "--output".as_ref(),
            opened.as_os_str(),
        ])
        .ends(0);
    for what in [number.clone(), format!("{number}.00001"), format!("{number}.00004")] {
        let premis = export(&stage, &what).join("data/provenance/premis.xml");
        let validate = || run(tool("SAGO_TOOL_XMLLINT"), ["--nonet".as_ref(), "--noout".as_ref(), "--schema".as_ref(), schema.as_os_str(), premis.as_os_str()]);
        assert!(validate().ends(0).err.ends_with("validates\n"));
        let text = std::fs::read_to_string(&premis).unwrap();
        let without = text.replacen("eventDateTime>", "eventDayTime>", 2);
        assert_ne!(text, without);
        std::fs::write(&premis, without).unwrap();
        validate().ends(3);
    }
}

/// The words of a printed page, as a custodian types them.
pub fn words(page: &Path) -> String {
    let text = std::fs::read_to_string(page).unwrap();
    let (_, rest) = text.split_once("BEGIN WORDS ----").unwrap();
    let (between, _) = rest.split_once("---- END WORDS").unwrap();
    let words: Vec<&str> = between.split_whitespace().filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())).collect();
    assert_eq!(words.len(), 33, "32 bytes are 33 words: {words:?}");
    words.join(" ")
}

/// What `shamir recover` answers to lines typed at it.
fn shamir(shares: &[String]) -> Answer {
    let mut child = Command::new(tool("SAGO_TOOL_SHAMIR"))
        .arg("recover")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let typed: String = shares.iter().map(|share| format!("{share}\n")).collect();
    // The tool may have heard enough, or too much, before the last line.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), typed.as_bytes());
    answer(child.wait_with_output().unwrap())
}

fn master_secret(said: &Answer) -> Option<String> {
    Some(said.out.lines().find_map(|line| line.strip_prefix("Your master secret is: "))?.trim().to_owned())
}

#[test]
fn shamir_joins_any_two_pages_to_the_key_that_opens_the_vault() {
    let stage = Stage::new();
    stage.file("disk/one.txt", "sealed");
    let sealed = stage
        .sago([
            OsStr::new("deposit"),
            stage.path("disk").as_os_str(),
            "--sealed".as_ref(),
            "--contributor".as_ref(),
            "P".as_ref(),
            "--title".as_ref(),
            "T".as_ref(),
            "--json".as_ref(),
        ])
        .ends(0)
        .object();
    let pages = [1, 2, 3].map(|number| words(&stage.path(&format!("shares/share-{number}-of-3.txt"))));
    let ours = hex::encode(*slip39::recover(&pages[..2]).unwrap().to_seed().unwrap());
    for (one, two) in [(0, 1), (2, 0), (1, 2)] {
        let said = shamir(&[pages[one].clone(), pages[two].clone()]).ends(0);
        assert_eq!(master_secret(&said).as_ref(), Some(&ours), "{}", said.out);
    }
    assert_eq!(master_secret(&shamir(&pages[..1])), None, "one page is not enough");
    let other = Stage::new();
    assert_eq!(master_secret(&shamir(&[pages[0].clone(), words(&other.path("shares/share-2-of-3.txt"))])), None, "pages of two repositories do not fit");

    // The 32 bytes are the recovery identity: the other implementation of age opens with it the key of the sealed unit.
    let seed: [u8; 32] = hex::decode(&ours).unwrap().try_into().unwrap();
    let identity = HybridIdentity::from_seed(&seed);
    let unit = stage.local("vault").join(format!("1/{}.age", sealed["unit"].as_str().unwrap()));
    let opened = age_encryption(&stage, &unit, &identity.to_secret_string()).ends(0);
    let unit_key = opened.out.trim();
    assert!(unit_key.starts_with("AGE-SECRET-KEY-PQ-1"), "{unit_key}");
    let content = find(&stage.local("store"), "o/000001.age");
    assert_eq!(age_encryption(&stage, &content, unit_key).ends(0).out, "sealed");
    let stranger = HybridIdentity::from_seed(&[7; 32]);
    age_encryption(&stage, &unit, &stranger.to_secret_string()).ends(1);
}

/// Opens a file with the npm package `age-encryption`.
fn age_encryption(stage: &Stage, file: &Path, identity: &str) -> Answer {
    let folder = stage.path("javascript");
    std::fs::create_dir_all(&folder).unwrap();
    if !folder.join("node_modules").exists() {
        std::os::unix::fs::symlink(tool("SAGO_TOOL_AGE_ENCRYPTION").join("node_modules"), folder.join("node_modules")).unwrap();
    }
    let script = "import { Decrypter } from 'age-encryption';\nimport fs from 'node:fs';\nconst age = new Decrypter();\n\
                  age.addIdentity(process.argv[3]);\nprocess.stdout.write(await age.decrypt(fs.readFileSync(process.argv[2])));\n";
    std::fs::write(folder.join("open.mjs"), script).unwrap();
    let script = folder.join("open.mjs");
    run(tool("SAGO_TOOL_NODE"), [script.as_os_str(), file.as_os_str(), identity.as_ref()])
}

crate::pairs::also_on_servers!(
    ocfl_py_accepts_the_storage_root_and_sees_every_kind_of_damage,
    bagit_py_accepts_the_package_of_an_accession_and_of_one_item,
    shamir_joins_any_two_pages_to_the_key_that_opens_the_vault,
);
