//! What we write of OCFL is valid, is what was asked for, and does not hide a changed bit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use sago_packages::ocfl::write::{
    NewFile, OBJECT_DECLARATION, VersionInfo, content_path, first_version, inventory_bytes, next_version, object_path_0003, sidecar_text, storage_root_files,
};
use sago_packages::ocfl::{Inventory, VersionNum, read_inventory, validate_object, validate_root};
use sago_packages::{Algorithm, Finding, Options};

use crate::support::files_below;

pub fn info(created: &str) -> VersionInfo {
    VersionInfo {
        created: created.to_owned(),
        message: "accession received".to_owned(),
        user_name: "urn:uuid:0b9b2f1e-0000-4000-8000-000000000001".to_owned(),
        user_address: "urn:uuid:0b9b2f1e-0000-4000-8000-000000000001".to_owned(),
    }
}

fn new_file(path: &str, bytes: &[u8]) -> NewFile {
    NewFile { logical_path: path.to_owned(), sha512: Algorithm::Sha512.hash(bytes), sha256: Algorithm::Sha256.hash(bytes) }
}

/// Puts a version on disk as a store would.
pub fn put(object: &Path, inventory: &Inventory, files: &[(&str, &[u8])]) {
    let version = inventory.head;
    for (path, bytes) in files {
        let target = object.join(content_path(version, path));
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
    let bytes = inventory_bytes(inventory);
    fs::create_dir_all(object.join(version.to_string())).unwrap();
    for folder in [object.join(version.to_string()), object.to_owned()] {
        fs::write(folder.join("inventory.json"), &bytes).unwrap();
        fs::write(folder.join("inventory.json.sha512"), sidecar_text(&bytes)).unwrap();
    }
    fs::write(object.join(OBJECT_DECLARATION.0), OBJECT_DECLARATION.1).unwrap();
}

/// Makes an object of one version.
pub fn put_first(object: &Path, id: &str, files: &[(&str, &[u8])]) -> Inventory {
    let new: Vec<NewFile> = files.iter().map(|(path, bytes)| new_file(path, bytes)).collect();
    let inventory = first_version(id, info("2026-03-14T09:00:00Z"), &new).unwrap();
    put(object, &inventory, files);
    inventory
}

/// Makes a storage root with objects of these ids.
pub fn put_root(root: &Path, ids: &[&str]) {
    for (path, bytes) in storage_root_files() {
        let target = root.join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
    for id in ids {
        let files: [(&str, &[u8]); 2] = [("o/000001.age", id.as_bytes()), ("m/object.json", b"{}")];
        put_first(&root.join(object_path_0003(id)), id, &files);
    }
}

fn findings(object: &Path) -> Vec<Finding> {
    validate_object(object, &Options { threads: 1, ..Options::default() }).unwrap().1
}

#[test]
fn objects_lie_where_layout_0003_says() {
    assert_eq!(object_path_0003("object-01"), "3c0/ff4/240/object-01");
    assert_eq!(object_path_0003("..hor/rib:le-$id"), "487/326/d8c/%2e%2ehor%2frib%3ale-%24id");
    let path = object_path_0003("urn:uuid:6e8bc430-9c3a-41d9-9669-0800200c9a66");
    assert!(path.ends_with("/urn%3auuid%3a6e8bc430-9c3a-41d9-9669-0800200c9a66"), "{path}");
}

#[test]
fn inventory_bytes_stay_as_they_are_printed_here() {
    let file = NewFile { logical_path: "o/000001.age".to_owned(), sha512: "ab".repeat(64), sha256: "cd".repeat(32) };
    let inventory = first_version("urn:uuid:6e8bc430-9c3a-41d9-9669-0800200c9a66", info("2026-03-14T09:00:00.000001Z"), &[file]).unwrap();
    let expected = format!(
        r#"{{
  "type": "https://ocfl.io/1.1/spec/#inventory",
  "id": "urn:uuid:6e8bc430-9c3a-41d9-9669-0800200c9a66",
  "digestAlgorithm": "sha512",
  "head": "v1",
  "manifest": {{
    "{0}": ["v1/content/o/000001.age"]
  }},
  "versions": {{
    "v1": {{
      "created": "2026-03-14T09:00:00.000001Z",
      "message": "accession received",
      "user": {{ "name": "urn:uuid:0b9b2f1e-0000-4000-8000-000000000001", "address": "urn:uuid:0b9b2f1e-0000-4000-8000-000000000001" }},
      "state": {{
        "{0}": ["o/000001.age"]
      }}
    }}
  }},
  "fixity": {{
    "sha256": {{
      "{1}": ["v1/content/o/000001.age"]
    }}
  }}
}}
"#,
        "ab".repeat(64),
        "cd".repeat(32)
    );
    assert_eq!(String::from_utf8(inventory_bytes(&inventory)).unwrap(), expected);
}

#[test]
fn a_storage_root_of_ours_has_no_finding_at_all() {
    let dir = tempfile::tempdir().unwrap();
    put_root(dir.path(), &["urn:uuid:6e8bc430-9c3a-41d9-9669-0800200c9a66", "urn:uuid:6e8bc430-9c3a-41d9-9669-0800200c9a67"]);
    for threads in [1, 4] {
        let (summary, findings) = validate_root(dir.path(), &Options { threads, ..Options::default() }).unwrap();
        assert_eq!(findings, []);
        assert_eq!((summary.objects, summary.content_files, summary.content_bytes), (2, 4, 94));
    }
}

#[test]
fn versions_follow_each_other_without_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let object = dir.path();
    let v1 = put_first(object, "urn:x:1", &[("a", b"1"), ("b/c", b"2"), ("same", b"1")]);
    let v2 = next_version(&v1, info("2026-03-15T09:00:00Z"), &[new_file("b/c", b"3"), new_file("d", b"1")], &["a"]).unwrap();
    put(object, &v2, &[("b/c", b"3"), ("d", b"1")]);
    let v3 = next_version(&v2, info("2026-03-16T09:00:00Z"), &[], &["same"]).unwrap();
    put(object, &v3, &[]);
    assert_eq!(findings(object), []);
    let (read, found) = read_inventory(object).unwrap();
    assert_eq!((read, found), (Some(v3), vec![]));
}

#[test]
fn what_would_make_a_bad_object_is_refused() {
    let one = new_file("a", b"1");
    let v1 = first_version("urn:x:1", info("2026-03-14T09:00:00Z"), std::slice::from_ref(&one)).unwrap();
    let with = |path: &str| NewFile { logical_path: path.to_owned(), ..one.clone() };
    let when = || info("2026-03-14T09:00:00Z");
    assert!(first_version("no uri", when(), &[]).is_err());
    assert!(first_version("urn:x:1", info("2026-03-14"), &[]).is_err());
    assert!(first_version("urn:x:1", VersionInfo { user_address: "me".to_owned(), ..when() }, &[]).is_err());
    for path in ["", "/a", "a/", "a//b", "../a", "a/./b", "a\nb"] {
        assert!(first_version("urn:x:1", when(), &[with(path)]).is_err(), "{path:?}");
    }
    assert!(first_version("urn:x:1", when(), &[one.clone(), one.clone()]).is_err());
    assert!(first_version("urn:x:1", when(), &[one.clone(), with("a/b")]).is_err());
    assert!(first_version("urn:x:1", when(), &[NewFile { sha512: one.sha512.to_uppercase(), ..one.clone() }]).is_err());
    assert!(first_version("urn:x:1", when(), &[NewFile { sha256: "00".to_owned(), ..one.clone() }]).is_err());
    assert!(next_version(&v1, when(), &[], &["b"]).is_err());
    assert!(next_version(&v1, when(), &[with("a/b")], &[]).is_err());
    assert!(next_version(&v1, when(), &[with("a/b")], &["a"]).is_ok());
}

/// Says whether a changed file still says the same: a digest in a sidecar is hexadecimal in any case, and its blank may be a tab.
fn means_the_same(path: &Path, before: &[u8], after: &[u8]) -> bool {
    let is_sidecar = path.file_name().unwrap().to_str().unwrap().starts_with("inventory.json.");
    let plain = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map(|text| text.replace('\t', " ").replace("inventory.json", "*").to_lowercase());
    is_sidecar && plain(before) == plain(after) && plain(before).is_ok()
}

#[test]
fn flipped_bits_of_an_object_are_found() {
    let dir = tempfile::tempdir().unwrap();
    put_first(dir.path(), "urn:x:1", &[("a", b"x")]);
    assert_eq!(findings(dir.path()), []);
    let mut flips = 0;
    for path in files_below(dir.path()) {
        let before = fs::read(&path).unwrap();
        // Every bit of declarations, sidecars and content; one bit of every second byte of inventories, whose digest covers them evenly.
        let is_inventory = path.ends_with("inventory.json");
        let bits = (0..before.len() * 8).filter(|bit| !is_inventory || (bit / 8 % 2 == 0 && bit % 8 == bit / 8 % 7));
        for bit in bits {
            let mut after = before.clone();
            after[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &after).unwrap();
            let found = findings(dir.path()).iter().any(Finding::is_error);
            assert!(found || means_the_same(&path, &before, &after), "{} bit {bit}", path.display());
            flips += 1;
        }
        fs::write(&path, &before).unwrap();
    }
    assert!(flips > 3_000, "{flips}");
}

/// One step of a made-up history: files to store and files to remove.
type Step = (BTreeMap<String, Vec<u8>>, Vec<prop::sample::Index>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let path = "[a-c]{1,2}(/[d-e한]{1,2}){0,2}";
    let files = prop::collection::btree_map(path, prop::collection::vec(any::<u8>(), 0..40), 0..6);
    let removed = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    prop::collection::vec((files, removed), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_history_is_valid_and_keeps_every_state(steps in steps(), flip in any::<(prop::sample::Index, prop::sample::Index, u8)>()) {
        let dir = tempfile::tempdir().unwrap();
        let object = dir.path();
        let mut state: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut states = Vec::new();
        let mut current: Option<Inventory> = None;
        for (files, removed) in steps {
            let held: Vec<String> = state.keys().cloned().collect();
            let mut gone: Vec<&str> = removed.iter().filter(|_| !held.is_empty()).map(|index| held[index.index(held.len())].as_str()).collect();
            gone.sort_unstable();
            gone.dedup();
            let new: Vec<NewFile> = files.iter().map(|(path, bytes)| new_file(path, bytes)).collect();
            let made = match &current {
                None => first_version("urn:x:1", info("2026-03-14T09:00:00Z"), &new),
                Some(inventory) => next_version(inventory, info("2026-03-14T09:00:00Z"), &new, &gone),
            };
            // A path that is a file and a folder at once is refused; such a step is left out.
            let Ok(inventory) = made else { continue };
            gone.iter().for_each(|path| { state.remove(*path); });
            state.extend(files.clone());
            let stored: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
            put(object, &inventory, &stored);
            states.push(state.clone());
            current = Some(inventory);
        }
        let Some(inventory) = current else { return Ok(()) };
        prop_assert_eq!(findings(object), vec![]);
        let (read, _) = Inventory::parse(&inventory_bytes(&inventory), "inventory.json", None);
        prop_assert_eq!(read.as_ref(), Some(&inventory));
        for (index, state) in states.iter().enumerate() {
            let version = VersionNum { number: u32::try_from(index + 1).unwrap(), width: 0 };
            let mut read = BTreeMap::new();
            for (digest, paths) in &inventory.versions[&version].state {
                let bytes = fs::read(object.join(&inventory.manifest[digest][0])).unwrap();
                paths.iter().for_each(|path| { read.insert(path.clone(), bytes.clone()); });
            }
            prop_assert_eq!(&read, state);
        }

        // Any other byte anywhere is found.
        let files = files_below(object);
        let path = &files[flip.0.index(files.len())];
        let before = fs::read(path).unwrap();
        if !before.is_empty() && flip.2 != 0 {
            let mut after = before.clone();
            after[flip.1.index(before.len())] ^= flip.2;
            fs::write(path, &after).unwrap();
            prop_assert!(findings(object).iter().any(Finding::is_error) || means_the_same(path, &before, &after), "{}", path.display());
        }
    }
}
