//! The judge over trees: the same verdict wherever an object lies, one listing for each, and no fault of the source that passes for soundness.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sago_packages::ocfl::write::{NewFile, VersionInfo, first_version, inventory_bytes, next_version, object_path_0003, sidecar_text, storage_root_files};
use sago_packages::ocfl::{validate_object, validate_object_in, validate_root, validate_root_in};
use sago_packages::tree::{DiskTree, Kind, Nest, Subtree, Tree, read_limited};
use sago_packages::{Algorithm, Finding, Options};

use crate::memory::{Fault, MemoryTree};
use crate::support::{children, name, shared, unzip};

/// One thread, so that questions come in a fixed order.
fn options() -> Options {
    Options { threads: 1, ..Options::default() }
}

/// Every folder of a kind in a suite of fixtures, unpacked where it is an archive.
fn fixtures(suite: &str, kinds: &[&str], temporary: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for spec in ["1.0", "1.1"] {
        for kind in kinds {
            for path in children(&shared(suite).join(spec).join(kind)) {
                let label = format!("{spec}/{}", name(&path));
                let folder = if path.extension().is_some_and(|extension| extension == "zip") {
                    let target = temporary.join(kind).join(&label);
                    unzip(&path, &target);
                    target
                } else {
                    path
                };
                found.push((label, folder));
            }
        }
    }
    found
}

/// Findings that only one of two judgements has, as `code path`, `-` for those of the first.
fn difference(disk: &[Finding], memory: &[Finding]) -> Vec<String> {
    let only = |sign: &str, one: &[Finding], other: &[Finding]| -> Vec<String> {
        one.iter().filter(|finding| !other.contains(finding)).map(|finding| format!("{sign}{} {}", finding.code, finding.path)).collect()
    };
    [only("-", disk, memory), only("+", memory, disk)].concat()
}

#[test]
fn every_fixture_object_is_judged_in_memory_as_on_the_disk_but_for_what_only_a_disk_holds() {
    let temporary = tempfile::tempdir().unwrap();
    let kinds = ["bad-objects", "good-objects", "warn-objects"];
    let mut cases = 0;
    let mut differ = BTreeMap::new();
    for suite in ["ocfl-fixtures", "ocfl-extra"] {
        for (label, folder) in fixtures(suite, &kinds, &temporary.path().join(suite)) {
            let (summary, disk) = validate_object(&folder, &options()).unwrap();
            let (memory, lost) = MemoryTree::load(&folder);
            cases += 1;
            match validate_object_in(&memory, "", &options()) {
                Ok((in_memory, findings)) if disk == findings => {
                    assert_eq!(summary, in_memory, "{label}");
                }
                Ok((_, findings)) => {
                    assert!(!lost.is_empty(), "{label}: {:?}", difference(&disk, &findings));
                    differ.insert(label, difference(&disk, &findings).join(", "));
                }
                Err(error) => {
                    assert!(memory.files.is_empty(), "{label}: {error}");
                    differ.insert(label, "no file, so not there".to_owned());
                }
            }
        }
    }
    assert_eq!(cases, 52 + 55 + 10 + 12 + 14 + 13 + 17 + 5 + 3 + 1 + 1);
    let expected = [("1.0/E024_empty_dir_in_content.zip", "-E024 v1/content/empty_dir"), ("1.0/W003_empty_content_dir.zip", "-W003 v2/content")];
    assert_eq!(differ, expected.map(|(label, difference)| (label.to_owned(), difference.to_owned())).into());
}

#[test]
fn every_fixture_root_is_judged_in_memory_as_on_the_disk_but_for_what_only_a_disk_holds() {
    let temporary = tempfile::tempdir().unwrap();
    let mut differ = BTreeMap::new();
    let mut cases = 0;
    for (label, folder) in fixtures("ocfl-extra", &["good-storage-roots", "bad-storage-roots"], temporary.path()) {
        let (summary, disk) = validate_root(&folder, &options()).unwrap();
        let (memory, lost) = MemoryTree::load(&folder);
        let (in_memory, findings) = validate_root_in(&memory, &options()).unwrap();
        cases += 1;
        assert_eq!(summary, in_memory, "{label}");
        if disk != findings {
            assert!(!lost.is_empty(), "{label}: {:?}", difference(&disk, &findings));
            differ.insert(label, difference(&disk, &findings).join(", "));
        }
    }
    assert_eq!(cases, 6 + 4);
    let expected = [("1.0/E073_root_with_empty_dir.zip", "-E073 empty_dir"), ("1.0/simple-bad-root.zip", "-E073 empty_dir")];
    assert_eq!(differ, expected.map(|(label, difference)| (label.to_owned(), difference.to_owned())).into());
}

/// An object of two versions in a storage root of ours, in memory.
fn root_in_memory(objects: usize) -> MemoryTree {
    let mut tree = MemoryTree { files: storage_root_files().into_iter().collect(), ..MemoryTree::default() };
    for number in 0..objects {
        for (path, bytes) in object(&format!("urn:uuid:8c2f1f2e-6f44-4b2b-9a52-3c1df1f1{number:04}")) {
            tree.files.insert(path, bytes);
        }
    }
    tree
}

fn object(id: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::from([("0=ocfl_object_1.1".to_owned(), b"ocfl_object_1.1\n".to_vec())]);
    let info = || VersionInfo {
        created: "2026-03-14T10:02:00Z".to_owned(),
        message: "Received".to_owned(),
        user_name: "P-1".to_owned(),
        user_address: "urn:uuid:5b8c8f0e-0a53-4ef7-8d3a-5a1e6c0a0002".to_owned(),
    };
    let new =
        |path: &str, bytes: &[u8]| NewFile { logical_path: path.to_owned(), sha512: Algorithm::Sha512.hash(bytes), sha256: Algorithm::Sha256.hash(bytes) };
    let content = [("v1", "o/000001.age", b"first file".to_vec()), ("v1", "manifest.age", vec![7; 70_000]), ("v2", "o/000002.age", b"second".to_vec())];
    let of = |version: &str| -> Vec<NewFile> { content.iter().filter(|file| file.0 == version).map(|file| new(file.1, &file.2)).collect() };
    let first = first_version(id, info(), &of("v1")).unwrap();
    let second = next_version(&first, info(), &of("v2"), &[]).unwrap();
    for (place, inventory) in [("v1/", &first), ("v2/", &second), ("", &second)] {
        let bytes = inventory_bytes(inventory);
        files.insert(format!("{place}inventory.json.sha512"), sidecar_text(&bytes).into_bytes());
        files.insert(format!("{place}inventory.json"), bytes);
    }
    for (version, path, bytes) in content {
        files.insert(format!("{version}/content/{path}"), bytes);
    }
    let place = object_path_0003(id);
    files.into_iter().map(|(path, bytes)| (format!("{place}/{path}"), bytes)).collect()
}

#[test]
fn a_root_costs_one_listing_and_one_more_for_each_object_and_no_content_file_is_read_twice() {
    let tree = root_in_memory(3);
    let (summary, findings) = validate_root_in(&tree, &options()).unwrap();
    assert_eq!((summary.objects, summary.content_files, findings), (3, 9, vec![]));
    let asked = tree.asked.lock().unwrap();
    let count = |word: &str| asked.iter().filter(|what| what.starts_with(word)).count();
    assert_eq!((count("listing "), count("list "), count("stat ")), (4, 0, 0), "{asked:#?}");
    let content: Vec<&String> = asked.iter().filter(|what| what.contains("/content/")).collect();
    assert_eq!((content.len(), content.iter().collect::<BTreeSet<_>>().len()), (9, 9));
}

#[test]
fn a_file_that_breaks_off_ends_early_or_differs_is_named_and_never_sound() {
    let whole = root_in_memory(1);
    for (path, bytes) in &whole.files {
        let (middle, end) = (bytes.len() / 2, bytes.len());
        // Two bytes at the end: the last one of a sidecar or a JSON text is a line's end, which may be missing.
        for fault in [Fault::Lost(0), Fault::Lost(middle), Fault::Lost(end), Fault::Cut(0), Fault::Cut(middle), Fault::Cut(end - 2), Fault::Flipped(middle)] {
            // Nothing promises the bytes of the layout and its parameters.
            if matches!(fault, Fault::Flipped(_)) && (path.starts_with("extensions/") || path == "ocfl_layout.json") {
                continue;
            }
            let mut tree = root_in_memory(1);
            tree.faults.insert(path.clone(), fault);
            let (_, findings) = validate_root_in(&tree, &options()).unwrap();
            // An inventory and its sidecar are held against each other; either may be named.
            let pair = |path: &str| path.trim_end_matches(".sha512").to_owned();
            let named = findings.iter().any(|finding| finding.is_error() && pair(&finding.path) == pair(path));
            assert!(named, "{path} {fault:?}: {findings:#?}");
        }
    }
}

#[test]
fn short_reads_change_nothing() {
    for step in [1, 7, 65_536] {
        let tree = MemoryTree { step, ..root_in_memory(2) };
        let (summary, findings) = validate_root_in(&tree, &options()).unwrap();
        assert_eq!((summary.objects, findings), (2, vec![]), "{step}");
    }
}

#[test]
fn a_file_that_is_not_listed_yet_is_missed() {
    let id = "urn:uuid:8c2f1f2e-6f44-4b2b-9a52-3c1df1f10000";
    let place = object_path_0003(id);
    let expected = |path: &str| match path {
        "0=ocfl_object_1.1" => ("E072", format!("{place}/inventory.json")),
        "inventory.json" => ("E063", format!("{place}/inventory.json")),
        "inventory.json.sha512" => ("E058", format!("{place}/inventory.json")),
        "v1/inventory.json" => ("W010", format!("{place}/v1")),
        "v2/inventory.json" => ("W010", format!("{place}/v2")),
        "v1/inventory.json.sha512" => ("E058", format!("{place}/v1/inventory.json")),
        "v2/inventory.json.sha512" => ("E058", format!("{place}/v2/inventory.json")),
        content => ("E092", format!("{place}/{content}")),
    };
    let mut cases = 0;
    for path in object(id).keys() {
        let mut tree = root_in_memory(1);
        tree.unlisted.insert(path.clone());
        let (_, findings) = validate_root_in(&tree, &options()).unwrap();
        let (code, named) = expected(path.strip_prefix(&format!("{place}/")).unwrap());
        assert!(findings.iter().any(|finding| finding.code == code && finding.path == named), "{path}: {findings:#?}");
        cases += 1;
    }
    assert_eq!(cases, 10);
    let mut tree = root_in_memory(1);
    tree.unlisted.insert("0=ocfl_1.1".to_owned());
    assert!(validate_root_in(&tree, &options()).unwrap().1.iter().any(|finding| finding.code == "E069"));
}

#[test]
fn whichever_question_gets_no_answer_the_root_is_not_sound() {
    let questions = {
        let tree = root_in_memory(2);
        validate_root_in(&tree, &options()).unwrap();
        tree.asked.into_inner().unwrap()
    };
    assert_eq!(questions.len(), 4 + 2 * 11);
    for (number, question) in questions.iter().enumerate() {
        let tree = MemoryTree { silent_at: Some(number), ..root_in_memory(2) };
        match validate_root_in(&tree, &options()) {
            // The second reading of a newest inventory, after a first one that failed, compares as well.
            Ok((_, findings)) if findings.is_empty() => assert!(question.ends_with("v2/inventory.json"), "{number} {question}"),
            Ok((_, findings)) => {
                let place = question.split_once(' ').unwrap().1;
                assert!(
                    findings.iter().any(|finding| finding.is_error() && !finding.path.is_empty() && place.starts_with(&finding.path)),
                    "{number} {question}: {findings:#?}"
                );
            }
            Err(error) => assert!(error.to_string().contains("memory:"), "{error}"),
        }
    }
}

#[test]
fn an_object_in_a_folder_of_a_tree_is_judged_as_one_alone() {
    let tree = root_in_memory(1);
    let place = object_path_0003("urn:uuid:8c2f1f2e-6f44-4b2b-9a52-3c1df1f10000");
    let (summary, findings) = validate_object_in(&tree, &place, &options()).unwrap();
    assert_eq!((summary.content_files, findings), (3, vec![]));
    let (below, _) = place.rsplit_once('/').unwrap();
    let name = place.rsplit('/').next().unwrap();
    let (again, findings) = validate_object_in(&Subtree::new(&tree, below), name, &options()).unwrap();
    assert_eq!((again, findings), (summary, vec![]));
    let absent = validate_object_in(&tree, "elsewhere", &options()).unwrap_err();
    assert!(absent.to_string().starts_with("memory:/elsewhere"), "{absent}");
}

#[test]
fn names_of_an_object_store_that_are_no_paths_are_found() {
    for (path, named) in
        [("v1/content//x", "v1/content//x"), ("v1/content/a/", "v1/content/a/"), ("v1/content/../x", "v1/content/../x"), ("/x", "/x"), ("", "")]
    {
        let mut tree = MemoryTree::load(&shared("ocfl-fixtures/1.1/good-objects/spec-ex-full")).0;
        assert_eq!(validate_object_in(&tree, "", &options()).unwrap().1, [], "{path}");
        tree.files.insert(path.to_owned(), b"x".to_vec());
        let (_, findings) = validate_object_in(&tree, "", &options()).unwrap();
        assert!(findings.iter().any(|finding| finding.is_error() && finding.path == named), "{path}: {findings:#?}");
    }
    // Deeper than any judge goes.
    let mut tree = MemoryTree::load(&shared("ocfl-fixtures/1.1/good-objects/spec-ex-full")).0;
    tree.files.insert(format!("v1/content/{}x", "a/".repeat(600)), b"x".to_vec());
    let (_, findings) = validate_object_in(&tree, "", &options()).unwrap();
    assert!(findings.iter().any(|finding| finding.code == "ocfl-too-deep"), "{findings:#?}");
}

#[test]
fn a_nest_gives_folders_in_any_order_of_names_and_stops_where_it_is_told() {
    let ends = |name: &str| name.starts_with("0=");
    let paths = ["r/a/z", "r/a/0=mark", "r/a/b/c", "r/x", "r/0=top", "r/n/m/y", "r/n/m"];
    for order in [paths.to_vec(), paths.iter().rev().copied().collect()] {
        let mut nest = Nest::new("r", &ends);
        order.iter().for_each(|path| nest.add(path, 1).unwrap());
        assert!(nest.add("ra/x", 1).is_err());
        let listing = nest.finish().unwrap();
        let names = |folder: &str| listing.list(folder).map(|entries| entries.iter().map(|entry| entry.path.clone()).collect::<Vec<_>>());
        assert_eq!(names("r").unwrap(), ["r/0=top", "r/a", "r/n", "r/x"]);
        assert_eq!(names("r/a").unwrap(), ["r/a/0=mark"]);
        assert!(names("r/a/b").is_err());
        // A name may be a file and a folder at once.
        assert_eq!(names("r/n").unwrap(), ["r/n/m", "r/n/m"]);
        assert_eq!(names("r/n/m").unwrap(), ["r/n/m/y"]);
    }
    assert_eq!(Nest::new("", &ends).finish().unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn a_tree_of_a_disk_follows_no_links_leads_nowhere_else_and_opens_every_name() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let strange = root.join(std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    fs::create_dir_all(&strange).unwrap();
    fs::write(strange.join("x"), "inside").unwrap();
    fs::write(folder.path().join("secret"), "s").unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret"), root.join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let tree = DiskTree::new(&root);
    let entries = tree.list("").unwrap();
    let kinds: Vec<(&str, Kind)> = entries.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
    assert_eq!(kinds, [("link", Kind::Link), ("socket", Kind::Special), ("\u{fffd}\u{fffd}", Kind::Folder)]);
    let below = tree.list(&entries[2].path).unwrap();
    assert!(!entries[2].exact && below[0].exact);
    assert_eq!(read_limited(&tree, &below[0].path, 99).unwrap(), Some(b"inside".to_vec()));
    assert_eq!(read_limited(&tree, &below[0].path, 5).unwrap(), None);
    assert_eq!(tree.place(&below[0].path), strange.join("x"));
    for path in ["link", "socket", "../secret", "/secret", "a//b", ".", "./x", "\0zz"] {
        assert!(tree.open(path).is_err(), "{path}");
    }
    assert_eq!(tree.stat("link").unwrap(), Some(Kind::Link));
    assert_eq!((tree.stat("absent").unwrap(), tree.stat("link/x").unwrap()), (None, None));
    assert_eq!(tree.stat("").unwrap(), Some(Kind::Folder));
    assert_eq!(tree.open("absent").err().unwrap().kind(), std::io::ErrorKind::NotFound);
}
