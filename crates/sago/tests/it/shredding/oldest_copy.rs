//! Somebody kept the oldest copy of everything: what opens of a destroyed unit with every key that is still held, or can be come by?

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sago_seal::column::RowKey;
use sago_seal::{HybridIdentity, file};
use serde_json::Value;
use sqlx::{Connection as _, Row as _};

use super::{MARKS, Office, blocking, connect, copy_tree, rotate, tree};
use crate::canary;
use crate::cast::{PASSPHRASE, answer};

#[test]
fn nothing_of_a_destroyed_unit_opens_from_the_oldest_copy_with_any_key_that_is_still_held() {
    let office = Office::new();
    let stage = &office.stage;
    let copy = stage.path("oldest copy");
    copy_tree(&stage.repo, &copy);
    office.destroy();
    rotate(stage, &[], "five newer words nobody would guess");
    // The old epoch's keys are gone: the custodians burnt their pages, the keys folder of the copy lay elsewhere and was erased.
    std::fs::remove_dir_all(stage.path("shares")).unwrap();
    std::fs::remove_dir_all(copy.join("keys")).unwrap();

    let mut keys = held(&stage.repo, "five newer words nobody would guess", &stage.path("shares of 2"));
    let opened = open_everything(&copy, &mut keys);
    assert!(opened.keys().any(|path| path.starts_with(copy.join("store"))), "the trial opens nothing of the unit that stays, so it proves nothing");
    assert!(opened.keys().any(|path| path.to_string_lossy().contains(".skeleton.age")), "the trial opens no skeleton, so it proves nothing");
    assert!(!opened.keys().any(|path| path.starts_with(copy.join("vault"))), "a wrapped key of the old epoch opens: {:?}", opened.keys());
    assert_unspoken(&opened, &blocking(spoken(&copy.join("index.db"), &keys)), office.unit());

    // The whole old copy under the new keys, with the old wrapped key put where the new ones lie: as good as a restore by an enemy.
    let forged = stage.path("old copy under new keys");
    copy_tree(&copy, &forged);
    copy_tree(&stage.repo.join("keys"), &forged.join("keys"));
    copy_tree(&stage.repo.join("vault/2"), &forged.join("vault/2"));
    let name = format!("{}.age", office.unit());
    std::fs::copy(copy.join("vault/1").join(&name), forged.join("vault/2").join(&name)).unwrap();
    let output = stage.path("stolen");
    for arguments in [
        vec!["open", &office.doomed_item(), "--reason", "r", "--output", output.to_str().unwrap()],
        vec!["export", office.number(), "--output", output.to_str().unwrap()],
    ] {
        let tried = answer(stage.command(arguments).env("SAGO_REPO", &forged).output().unwrap()).ends(2);
        assert!(!output.exists() && MARKS.iter().all(|mark| !tried.out.contains(mark) && !tried.err.contains(mark)), "{tried:?}");
    }
    for line in ["list --json", "list items --json"] {
        let told = answer(stage.command(line.split_whitespace()).env("SAGO_REPO", &forged).output().unwrap());
        assert!(MARKS.iter().all(|mark| !told.out.contains(mark)), "{told:?}");
    }
}

#[test]
fn what_an_interrupted_deposit_left_in_staging_dies_with_its_unit() {
    let office = Office::new();
    let stage = &office.stage;
    canary::interrupt_deposit(
        stage,
        "more",
        |n| format!("한별 {n:04} of Hanbyeol.txt"),
        &["--unit", office.number(), "--contributor", "Sister of Hanbyeol", "--title", "More of Hanbyeol"],
    );
    let copy = stage.path("oldest copy");
    copy_tree(&stage.repo, &copy);
    assert!(std::fs::read_dir(copy.join("staging")).unwrap().count() > 0, "nothing was interrupted");
    office.destroy();
    assert_eq!(std::fs::read_dir(stage.repo.join("staging")).unwrap().count(), 0, "the interrupted deposit outlives its unit");
    rotate(stage, &[], PASSPHRASE);
    std::fs::remove_dir_all(copy.join("keys")).unwrap();
    let mut keys = held(&stage.repo, PASSPHRASE, &stage.path("shares of 2"));
    let opened = open_everything(&copy, &mut keys);
    assert_unspoken(&opened, &[], office.unit());
    stage.verify_everything();
}

#[test]
fn a_deposit_under_way_when_its_unit_is_destroyed_is_not_received() {
    let office = Office::new();
    let stage = &office.stage;
    let arguments = ["--unit", office.number(), "--contributor", "Sister of Hanbyeol", "--title", "More of Hanbyeol", "--json"];
    let under_way = canary::begin_deposit(stage, "more", |n| format!("한별 {n:04} of Hanbyeol.txt"), 1 << 30, &arguments);
    let copy = stage.path("oldest copy");
    office.destroy();
    let refused = answer(under_way.wait_with_output().unwrap()).ends(2);
    assert!(refused.err.contains("was destroyed while"), "{refused:?}");
    copy_tree(&stage.repo, &copy);
    assert_eq!(std::fs::read_dir(stage.repo.join("staging")).unwrap().count(), 0, "what was under way outlives its unit");
    assert!(stage.say("list --json").ends(0).objects().iter().all(|one| one["status"] != "received" || one["title"] == "Disk"));
    rotate(stage, &[], PASSPHRASE);
    let mut keys = held(&stage.repo, PASSPHRASE, &stage.path("shares of 2"));
    let opened = open_everything(&copy, &mut keys);
    assert_unspoken(&opened, &[], office.unit());
    stage.verify_everything();
}

/// Every key that people of a repository hold or can come by: operating, recovery, and every unit's in the vault.
pub(super) fn held(repo: &Path, passphrase: &str, shares: &Path) -> Vec<HybridIdentity> {
    let epoch = std::fs::read_to_string(repo.join("keys/current")).unwrap();
    let epoch = epoch.trim();
    let mut text = String::new();
    let sealed = std::fs::File::open(repo.join("keys").join(epoch).join("operating.age")).unwrap();
    file::open_with_passphrase(passphrase, 22, sealed).unwrap().read_to_string(&mut text).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let pages: Vec<String> = ["share-1-of-3.txt", "share-3-of-3.txt"].iter().map(|name| std::fs::read_to_string(shares.join(name)).unwrap()).collect();
    let mut keys: Vec<HybridIdentity> = vec![value["operating"].as_str().unwrap().parse().unwrap(), sago_core::key::epoch::recovery_identity(&pages).unwrap()];
    open_everything(&repo.join("vault").join(epoch), &mut keys);
    assert!(keys.len() > 2, "the vault opened with nothing");
    keys
}

/// Tries every key on every age file below a folder, takes every key found in what opens, and goes on until nothing more opens.
pub(super) fn open_everything(folder: &Path, keys: &mut Vec<HybridIdentity>) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut opened = BTreeMap::new();
    loop {
        let before = (opened.len(), keys.len());
        for path in tree(folder) {
            if opened.contains_key(&path) || path.extension().is_none_or(|extension| extension != "age") {
                continue;
            }
            let Some(text) = open_with_any(keys, &std::fs::read(&path).unwrap()) else { continue };
            if let Some(key) = std::str::from_utf8(&text).ok().and_then(|text| text.trim_end().parse().ok()) {
                keys.push(key);
            }
            if path.file_name().is_some_and(|name| name == "deposit.age") {
                opened.insert(path.with_file_name("journal"), open_journal(&path.with_file_name("journal"), &text));
            }
            opened.insert(path, text);
        }
        if before == (opened.len(), keys.len()) {
            return opened;
        }
    }
}

fn open_with_any(keys: &[HybridIdentity], sealed: &[u8]) -> Option<Vec<u8>> {
    let keys: Vec<&HybridIdentity> = keys.iter().collect();
    let mut text = Vec::new();
    file::open_with(&keys, sealed).ok()?.read_to_end(&mut text).ok()?;
    Some(text)
}

/// The lines of a deposit's journal, opened with the key in its `deposit.age`.
fn open_journal(path: &Path, plan: &[u8]) -> Vec<u8> {
    let plan: Value = serde_json::from_slice(plan).unwrap();
    let key = RowKey::from_bytes(&BASE64.decode(plan["key"].as_str().unwrap()).unwrap().try_into().unwrap());
    let (bytes, mut text, mut at, mut number) = (std::fs::read(path).unwrap(), Vec::new(), 0, 0);
    while let Some(head) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(head.try_into().unwrap()) as usize;
        let Some(record) = bytes.get(at + 4..at + 4 + length) else { break };
        let line = key.open("staging", "journal", &number.to_string(), record).unwrap();
        let value: Value = serde_json::from_slice(&line).unwrap();
        text.extend(BASE64.decode(value["path"].as_str().unwrap()).unwrap());
        text.push(b'\n');
        (at, number) = (at + 4 + length, number + 1);
    }
    text
}

/// Says that nothing that opened speaks of the destroyed unit: no name, no word, and no file sealed to its key.
#[track_caller]
pub(super) fn assert_unspoken(opened: &BTreeMap<PathBuf, Vec<u8>>, rows: &[String], unit: &str) {
    for (path, text) in opened {
        let name = path.to_string_lossy();
        assert!(
            !name.contains(&format!("{unit}.age")) && !name.contains(&format!("{unit}.detail")) && !name.contains(&format!("{unit}.manifest")),
            "{name} opens"
        );
        let text = String::from_utf8_lossy(text);
        for mark in MARKS {
            assert!(!text.contains(mark), "{name} opens and says “{mark}”");
        }
    }
    for text in rows {
        assert!(MARKS.iter().all(|mark| !text.contains(mark)), "a row opens and says {text}");
    }
}

/// Every sealed column of a database that opens with any row key that any of the keys opens.
pub(super) async fn spoken(path: &Path, keys: &[HybridIdentity]) -> Vec<String> {
    let mut db = connect(path).await;
    let wrapped = sqlx::query("SELECT wrapped FROM row_keys").fetch_all(&mut db).await.unwrap();
    let row_keys: Vec<RowKey> =
        wrapped.iter().filter_map(|row| open_with_any(keys, &row.get::<Vec<u8>, _>(0))).map(|key| RowKey::from_bytes(&key.try_into().unwrap())).collect();
    let mut texts = Vec::new();
    for (table, column, sealed, id) in [
        ("events", "skeleton", "skeleton_sealed", "log || '/' || generation || '/' || idx"),
        ("events", "detail", "detail_sealed", "log || '/' || generation || '/' || idx"),
        ("agents", "sealed", "sealed", "id"),
        ("accessions", "sealed", "sealed", "id"),
        ("items", "sealed", "sealed", "id"),
        ("findings", "sealed", "sealed", "accession || '/' || line_index"),
    ] {
        let query = format!("SELECT {id}, {sealed} FROM {table} WHERE {sealed} IS NOT NULL");
        for row in sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut db).await.unwrap() {
            let (id, sealed): (String, Vec<u8>) = (row.get(0), row.get(1));
            let opened = row_keys.iter().find_map(|key| key.open(table, column, &id, &sealed).ok());
            texts.extend(opened.map(|text| String::from_utf8(text.to_vec()).unwrap()));
        }
    }
    db.close().await.unwrap();
    texts
}
