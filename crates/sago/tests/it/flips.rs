//! One flipped bit, anywhere: `sago verify` says that something is wrong, and where.
//!
//! A named test for every kind of file and row; `soak_flips` goes everywhere at random and has no list of its own of what to look at.

mod audit;
mod database;
pub mod holdings;
mod soak;

use std::path::{Path, PathBuf};

use audit::{Verdict, audit};
use holdings::Holdings;

use crate::cast::{Seeded, answer};

/// Name of the database's file.
const DATABASE: &str = "index.db";

/// A file in which one bit is flipped; put back at the end.
struct Flipped {
    path: PathBuf,
    before: Vec<u8>,
}

impl Flipped {
    fn new(root: &Path, name: &str, at: usize, bit: u32) -> Self {
        let path = root.join(name);
        let before = std::fs::read(&path).unwrap();
        let mut after = before.clone();
        after[at] ^= 1 << bit;
        std::fs::write(&path, after).unwrap();
        Self { path, before }
    }
}

impl Drop for Flipped {
    fn drop(&mut self) {
        put_back(&self.path, &self.before);
    }
}

/// Writes a file's bytes again, and removes what SQLite may have put beside it.
fn put_back(path: &Path, bytes: &[u8]) {
    for suffix in ["-wal", "-shm"] {
        let mut side = path.as_os_str().to_owned();
        side.push(suffix);
        let _ = std::fs::remove_file(side);
    }
    std::fs::write(path, bytes).unwrap();
}

/// Texts for people: nothing rests on them, so a difference is a warning.
fn is_text_for_people(name: &str) -> bool {
    name == "store/RECOVERY.md" || name.starts_with("store/spec-")
}

/// Flips bits of a file, one after the other: first byte, last byte, the middle and two others; looks at the verdict on each.
fn each_flip(holdings: &Holdings, name: &str, look: impl Fn(&str, &Verdict)) {
    let root = &holdings.stage.repo;
    let length = std::fs::metadata(root.join(name)).unwrap().len();
    let mut random = Seeded(Seeded::from_environment().0 ^ length);
    for at in [0, length - 1, length / 2, random.below(length), random.below(length)] {
        let bit = u32::try_from(random.below(8)).unwrap();
        let flipped = Flipped::new(root, name, usize::try_from(at).unwrap(), bit);
        look(&format!("bit {bit} of byte {at} of {name}"), &audit(root));
        drop(flipped);
    }
}

/// Each verdict must name one of the things.
fn is_named(holdings: &Holdings, name: &str, things: &[&str]) {
    let things: Vec<_> = things.iter().map(|thing| (*thing).to_owned()).collect();
    each_flip(holdings, name, |flip, verdict| {
        assert!(!verdict.is_sound(), "{flip} was flipped and nothing was said");
        assert!(verdict.names(&things), "{flip}: none of {things:?} is named in\n{}", verdict.words());
    });
}

/// Flips bits in the same file of the objects of all three units.
#[track_caller]
fn is_named_in_every_object(what: impl Fn(&str) -> String) {
    let holdings = Holdings::new();
    for unit in [&holdings.working_unit, &holdings.sealed_unit, &holdings.destroyed_unit] {
        let object = holdings.object_of(unit);
        is_named(&holdings, &format!("{object}/{}", what(unit)), &[&object, &object.replace("%3a", ":")]);
    }
}

#[test]
fn a_flip_in_a_sealed_original_is_named() {
    is_named_in_every_object(|_| "v1/content/o/000001.age".to_owned());
}

#[test]
fn a_flip_in_a_manifest_is_named() {
    is_named_in_every_object(|unit| format!("v1/content/m/{unit}.manifest.age"));
}

#[test]
fn a_flip_in_a_keycheck_is_named() {
    is_named_in_every_object(|unit| format!("v1/content/m/{unit}.keycheck.age"));
}

#[test]
fn a_flip_in_an_objects_description_is_named() {
    is_named_in_every_object(|_| "v1/content/m/object.json".to_owned());
}

#[test]
fn a_flip_in_an_inventory_is_named() {
    is_named_in_every_object(|_| "inventory.json".to_owned());
}

#[test]
fn a_flip_in_a_versions_inventory_is_named() {
    is_named_in_every_object(|_| "v1/inventory.json".to_owned());
}

#[test]
fn a_flip_in_a_sidecar_is_named() {
    is_named_in_every_object(|_| "inventory.json.sha512".to_owned());
}

#[test]
fn a_flip_in_a_versions_sidecar_is_named() {
    is_named_in_every_object(|_| "v1/inventory.json.sha512".to_owned());
}

#[test]
fn a_flip_in_an_objects_declaration_is_named() {
    is_named_in_every_object(|_| "0=ocfl_object_1.1".to_owned());
}

#[test]
fn a_flip_in_a_file_of_the_storage_root_itself_is_named() {
    let holdings = Holdings::new();
    let own = |name: &str| name.starts_with("store/") && !name.contains("urn%3a") && !is_text_for_people(name);
    for name in holdings.files_where(own) {
        // Without its declaration the root is no root: that is said in the first sentence.
        is_named(&holdings, &name, &[&name, "is not an OCFL 1.1 storage root"]);
    }
}

#[test]
fn a_flip_in_a_text_of_the_storage_root_is_a_warning_until_the_text_is_written_anew() {
    let holdings = Holdings::new();
    let names = holdings.files_where(is_text_for_people);
    assert_eq!(names.len(), 6, "{names:?}");
    for name in &names {
        each_flip(&holdings, name, |flip, verdict| assert!(verdict.is_sound() && verdict.warns_of(name), "{flip} was flipped and no warning names it"));
    }
    let root = &holdings.stage.repo;
    let before = std::fs::read(root.join(&names[1])).unwrap();
    std::fs::remove_file(root.join(&names[0])).unwrap();
    std::fs::write(root.join(&names[1]), "another text").unwrap();
    let verdict = audit(root);
    assert!(verdict.is_sound() && verdict.warns_of(&names[0]) && verdict.warns_of(&names[1]));
    // Whatever else the doctor finds: the code it ends with is not of interest here.
    let said = answer(holdings.stage.command(["doctor", "--refresh-texts", "--json"]).output().unwrap());
    let told: Vec<_> = said.objects().into_iter().filter_map(|one| one["refreshed"].as_str().map(|name| format!("store/{name}"))).collect();
    assert_eq!(told, names[..2], "{said:?}");
    assert_eq!(std::fs::read(root.join(&names[1])).unwrap(), before);
    let verdict = audit(root);
    assert!(verdict.is_sound() && names.iter().all(|name| !verdict.warns_of(name)));
}

#[test]
fn a_flip_in_a_hash_tile_is_named() {
    let holdings = Holdings::new();
    for log in ["custody", "access"] {
        for level in ["0", "1"] {
            for name in holdings.files_where(|name| name.starts_with(&format!("log/1/{log}/tile/{level}/"))) {
                is_named(&holdings, &name, &[&name]);
            }
        }
    }
}

#[test]
fn a_flip_in_an_entry_bundle_is_named() {
    let holdings = Holdings::new();
    for log in ["custody", "access"] {
        for name in holdings.files_where(|name| name.starts_with(&format!("log/1/{log}/tile/entries/"))) {
            is_named(&holdings, &name, &[&name]);
        }
    }
}

#[test]
fn a_flip_in_a_checkpoint_is_named() {
    let holdings = Holdings::new();
    for log in ["custody", "access"] {
        is_named(&holdings, &format!("log/1/{log}/checkpoint"), &[&format!("log/1/{log}/checkpoint")]);
    }
}

#[test]
fn a_flip_in_a_lock_is_named() {
    let holdings = Holdings::new();
    for log in ["custody", "access"] {
        is_named(&holdings, &format!("lock/{log}-1"), &[&format!("lock/{log}-1")]);
    }
}

#[test]
fn a_flip_in_a_verifier_key_is_named() {
    let holdings = Holdings::new();
    for log in ["custody", "access"] {
        // Other keys make every signature of the log one of a stranger: then the checkpoint is what is named.
        is_named(&holdings, &format!("log/1/{log}.vkey"), &[&format!("log/1/{log}.vkey"), &format!("log/1/{log}/checkpoint")]);
    }
}

#[test]
fn a_flip_in_a_payload_segment_is_named_even_when_nobody_can_open_it() {
    let holdings = Holdings::new();
    let one = |half: &str, unit: &str| {
        let ending = format!(".{unit}.{half}.age");
        holdings.files_where(|name| name.starts_with("log/1/payload/") && name.ends_with(&ending)).remove(0)
    };
    let domain = holdings.files_where(|name| name.ends_with(".skeleton.age")).remove(0);
    let domain_unit = domain.split('.').nth(1).unwrap();
    let mut names = vec![one("skeleton", domain_unit), one("detail", domain_unit)];
    names.extend([&holdings.working_unit, &holdings.sealed_unit, &holdings.destroyed_unit].map(|unit| one("detail", unit)));
    for name in names {
        is_named(&holdings, &name, &[&name]);
    }
}

#[test]
fn a_flip_in_a_vault_entry_is_named() {
    let holdings = Holdings::new();
    let keys = holdings.files_where(|name| name.starts_with("vault/1/") && !name.contains("recipient"));
    assert_eq!(keys.len(), 3, "domain, working and sealed");
    for name in keys {
        is_named(&holdings, &name, &[&name]);
    }
}

#[test]
fn a_flip_in_the_recipient_of_a_sealed_unit_is_named() {
    let holdings = Holdings::new();
    let name = format!("vault/1/{}.recipient.age", holdings.sealed_unit);
    is_named(&holdings, &name, &[&name]);
}

#[test]
fn a_flip_in_a_key_is_refused_with_its_name() {
    let holdings = Holdings::new();
    // A flip in the salt of the passphrase makes it a wrong passphrase, and nobody can tell the two apart.
    is_named(&holdings, "keys/1/operating.age", &["keys/1/operating.age", "The passphrase is wrong"]);
    is_named(&holdings, "keys/1/signing.age", &["keys/1/signing.age"]);
    for bit in 0..8 {
        for at in 0..2 {
            let flipped = Flipped::new(&holdings.stage.repo, "keys/current", at, bit);
            let verdict = audit(&holdings.stage.repo);
            assert!(!verdict.is_sound() && verdict.names(&["/keys/".to_owned()]), "bit {bit} of byte {at}: {}", verdict.words());
            drop(flipped);
        }
    }
}

#[test]
fn what_is_missing_is_said_by_its_own_code() {
    let holdings = Holdings::new();
    let root = &holdings.stage.repo;
    for (name, code, place) in [
        ("keys/1/operating.age", "keys-unusable", "keys"),
        ("keys/1/signing.age", "keys-unusable", "keys"),
        ("keys/current", "keys-unusable", "keys"),
        (DATABASE, "database-damaged", "database"),
    ] {
        let before = std::fs::read(root.join(name)).unwrap();
        std::fs::remove_file(root.join(name)).unwrap();
        let told = answer(holdings.stage.command(["verify", "--json"]).output().unwrap()).objects();
        let errors: Vec<_> = told.iter().filter(|one| one["severity"] == "error").map(|one| (one["code"].clone(), one["path"].clone())).collect();
        assert_eq!(errors, [(code.into(), place.into())], "{name}: {told:?}");
        put_back(&root.join(name), &before);
    }
    assert!(audit(root).is_sound());
}

#[test]
fn a_flip_in_a_persons_key_is_named() {
    let holdings = Holdings::new();
    for name in holdings.files_where(|name| name.starts_with("keys/agents/")) {
        is_named(&holdings, &name, &[&name]);
    }
}

#[test]
fn a_flip_in_the_settings_that_name_the_repository_is_named() {
    let holdings = Holdings::new();
    let root = &holdings.stage.repo;
    let text = std::fs::read_to_string(root.join("sago.toml")).unwrap();
    for setting in ["repository = \"", "domain_unit = \"", "format = ", "store = \"", "vault = \"", "keys = \"", "database = \""] {
        let at = text.find(setting).unwrap() + setting.len();
        let flipped = Flipped::new(root, "sago.toml", at, 0);
        let verdict = audit(root);
        // Another place for one of the folders: what is missing there is what is named.
        let things = ["sago.toml", "storage root", "keys-unusable", "ault", "database"].map(str::to_owned);
        assert!(!verdict.is_sound() && verdict.names(&things), "{setting}: {}", verdict.words());
        drop(flipped);
    }
}

#[test]
fn a_flip_in_a_time_stamp_or_what_is_kept_with_it_is_named() {
    let holdings = Holdings::new();
    let stamps = holdings.files_where(|name| name.starts_with("stamps/"));
    assert_eq!(stamps.len(), 6, "checkpoint, two queries, two replies, chain");
    for name in stamps {
        let folder = name.rsplit_once('/').unwrap().0.to_owned();
        is_named(&holdings, &name, &[&folder]);
    }
}

#[test]
fn a_flip_in_the_kept_certificates_is_named_also_when_their_anchor_is_no_longer_configured() {
    let holdings = Holdings::new();
    let settings = holdings.stage.repo.join("sago.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.split("[[authority]]").next().unwrap()).unwrap();
    assert!(audit(&holdings.stage.repo).is_sound(), "an anchor may be taken out of the settings");
    let chain = holdings.files_where(|name| name.ends_with(".chain.pem")).remove(0);
    is_named(&holdings, &chain, &[&chain]);
}

#[test]
fn a_flip_in_an_anchor_is_named() {
    let holdings = Holdings::new();
    let root = &holdings.stage.repo;
    let name = "anchors/test.pem";
    let length = std::fs::metadata(root.join(name)).unwrap().len();
    // Between the two lines that frame it; one that still is a certificate is another one, and the time-stamps then rest on nothing.
    for at in [40, length / 3, length / 2, length - 60] {
        let flipped = Flipped::new(root, name, usize::try_from(at).unwrap(), 1);
        let verdict = audit(root);
        assert!(!verdict.is_sound() && verdict.names(&[name.to_owned(), "stamps/".to_owned()]), "byte {at}: {}", verdict.words());
        drop(flipped);
    }
}

#[test]
fn a_flip_in_any_column_of_any_table_is_named() {
    let holdings = Holdings::new();
    let root = &holdings.stage.repo;
    let database = root.join(DATABASE);
    let before = std::fs::read(&database).unwrap();
    let (mut kinds, mut flips) = (std::collections::BTreeSet::new(), 0);
    for (table, columns) in database::tables(&database) {
        for column in columns {
            let kind = database::flip_value(&database, &table, &column, &holdings.sealed_unit);
            let Some(kind) = kind else {
                // Payload waits there between an event and the next signed head; the others say what is being done now. At rest they are empty.
                let is_empty_at_rest = ["segments", "nodes", "jobs", "deposit_leases"].contains(&table.as_str());
                assert!(is_empty_at_rest, "{table}.{column} has no value to flip: the holdings do not cover it");
                continue;
            };
            let verdict = audit(root);
            assert!(!verdict.is_sound(), "{table}.{column} was changed and nothing was said");
            let things = [format!("database/{table}/"), "database".to_owned()];
            // An altered value of the columns that others hang on may show in those first.
            assert!(verdict.names(&things), "{table}.{column}: {}", verdict.words());
            kinds.insert(kind);
            flips += 1;
            put_back(&database, &before);
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["blob", "integer", "text"]);
    println!("{flips} columns");
    assert!(audit(root).is_sound());
}

#[test]
fn a_change_of_the_databases_shape_is_named() {
    let holdings = Holdings::new();
    let root = &holdings.stage.repo;
    let database = root.join(DATABASE);
    let before = std::fs::read(&database).unwrap();
    for change in [
        "DROP INDEX items_accession",
        "CREATE TRIGGER quiet AFTER INSERT ON items BEGIN DELETE FROM findings; END",
        "CREATE TABLE more (id TEXT)",
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'number TEXT NOT NULL UNIQUE', 'number BLOB NOT NULL UNIQUE') WHERE name = 'items'",
    ] {
        database::run_sql(&database, change);
        let verdict = audit(root);
        assert!(!verdict.is_sound() && verdict.names(&["database/sqlite_master/".to_owned()]), "{change}: {}", verdict.words());
        put_back(&database, &before);
    }
}

#[test]
fn the_audit_here_is_that_of_the_binary() {
    let holdings = Holdings::new();
    let root = &holdings.stage.repo;
    let original = format!("{}/v1/content/o/000001.age", holdings.object_of(&holdings.working_unit));
    let places = [None, Some(original.as_str()), Some("lock/custody-1"), Some("keys/1/operating.age"), Some(DATABASE), Some("sago.toml")];
    for name in places {
        let flipped = name.map(|name| Flipped::new(root, name, 20, 5));
        let said = answer(holdings.stage.command(["verify", "--json"]).output().unwrap());
        match audit(root) {
            Verdict::Judged(report) => {
                let told: Vec<_> = said.objects();
                let (last, findings) = told.split_last().unwrap();
                assert_eq!(last["sound"], report.is_sound(), "{name:?}");
                assert_eq!(said.code, i32::from(report.exit_code()), "{name:?}");
                let ours: Vec<_> = report.findings.iter().map(|finding| (finding.code.as_str(), finding.path.as_str())).collect();
                let theirs: Vec<_> = findings.iter().map(|finding| (finding["code"].as_str().unwrap(), finding["path"].as_str().unwrap())).collect();
                assert_eq!(ours, theirs, "{name:?}");
            }
            Verdict::Refused(message) => {
                assert_eq!(said.code, 2, "{name:?}: {said:?}");
                assert_eq!(said.object()["message"], message.as_str(), "{name:?}");
            }
        }
        drop(flipped);
    }
}
