//! Walking real folders: everything is met once, nothing leads out, and the sums add up.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::super::walk::{Counts, Entry, Options, Seen, Walk};
use super::{Finding, assert_well_said};

/// All that a walk met, sorted into heaps.
#[derive(Default)]
pub(super) struct Met {
    pub(super) files: Vec<Entry>,
    pub(super) not_taken: Vec<Finding>,
    pub(super) notes: Vec<Finding>,
    pub(super) counts: Counts,
}

impl Met {
    pub(super) fn paths(&self) -> Vec<String> {
        self.files.iter().map(|entry| String::from_utf8_lossy(&entry.path_bytes).into_owned()).collect()
    }

    pub(super) fn not_taken(&self) -> BTreeMap<String, &str> {
        let all: BTreeMap<_, _> = self.not_taken.iter().map(|finding| (String::from_utf8_lossy(&finding.path_bytes).into_owned(), finding.code)).collect();
        assert_eq!(all.len(), self.not_taken.len(), "one path is not taken twice: {:?}", self.not_taken);
        all
    }

    pub(super) fn notes(&self) -> Vec<(String, &str)> {
        self.notes.iter().map(|finding| (String::from_utf8_lossy(&finding.path_bytes).into_owned(), finding.code)).collect()
    }

    pub(super) fn message(&self, path: &str) -> &str {
        let mut all = self.not_taken.iter().chain(&self.notes).filter(|finding| finding.path_bytes == path.as_bytes());
        &all.next().unwrap_or_else(|| panic!("nothing is said about {path}")).message
    }
}

pub(super) fn finish(mut walk: Walk, mut met: Met) -> Met {
    for seen in walk.by_ref() {
        put(&mut met, seen);
    }
    met.counts = walk.counts();
    assert_eq!((met.counts.files, met.counts.not_taken, met.counts.notes), (met.files.len() as u64, met.not_taken.len() as u64, met.notes.len() as u64));
    assert!(walk.next().is_none());
    met
}

pub(super) fn put(met: &mut Met, seen: Seen) {
    match seen {
        Seen::File(entry) => met.files.push(entry),
        Seen::NotTaken(finding) => {
            assert_well_said(&finding);
            assert!(!finding.taken);
            met.not_taken.push(finding);
        }
        Seen::Note(finding) => {
            assert_well_said(&finding);
            assert!(finding.taken);
            met.notes.push(finding);
        }
    }
}

pub(super) fn walk_with(sources: &[PathBuf], options: Options) -> Met {
    finish(Walk::new(sources, options), Met::default())
}

pub(super) fn walk(sources: &[&Path]) -> Met {
    let sources: Vec<PathBuf> = sources.iter().map(|path| path.to_path_buf()).collect();
    walk_with(&sources, Options::default())
}

pub(super) fn content(entry: &Entry) -> Vec<u8> {
    let mut reader = entry.open().unwrap_or_else(|finding| panic!("{}", finding.message));
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(reader.finish().changed, None);
    bytes
}

/// A folder `disk` in a new temporary folder.
pub(super) fn disk() -> (tempfile::TempDir, PathBuf) {
    let around = tempfile::tempdir().unwrap();
    let disk = around.path().join("disk");
    fs::create_dir(&disk).unwrap();
    (around, disk)
}

#[test]
fn a_disk_with_everything_on_it() {
    let (_around, disk) = disk();
    let long = "l".repeat(255);
    let decomposed = "\u{110C}\u{1175}\u{11AB}.hwp";
    let names: [&[u8]; 8] =
        [b"plain.txt", b"zero", long.as_bytes(), decomposed.as_bytes(), b"\xC1\xF8\xBC\xFA.hwp", b"\xFF\xFE\x80", b"line\nbreak", b"-rf * \\ \x1B[2J"];
    for name in names {
        let bytes: &[u8] = if name == b"zero" { b"" } else { name };
        fs::write(disk.join(OsStr::from_bytes(name)), bytes).unwrap();
    }
    fs::hard_link(disk.join("plain.txt"), disk.join("same as plain")).unwrap();
    fs::create_dir_all(disk.join("empty/inner")).unwrap();
    fs::create_dir(disk.join("sub")).unwrap();
    fs::write(disk.join("sub/file"), "in sub").unwrap();
    symlink("..", disk.join("sub/up")).unwrap();
    symlink("loop", disk.join("loop")).unwrap();
    symlink("nowhere/at\nall", disk.join("dangling")).unwrap();
    symlink("/etc", disk.join("out")).unwrap();
    mknodat(CWD, disk.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _socket = UnixListener::bind(disk.join("socket")).unwrap();

    let met = walk(&[&disk]);
    let mut expected: Vec<Vec<u8>> = names.iter().copied().chain([b"same as plain".as_slice(), b"sub/file"]).map(|name| [b"disk/", name].concat()).collect();
    expected.sort();
    assert_eq!(met.files.iter().map(|entry| entry.path_bytes.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(
        met.not_taken().into_iter().collect::<Vec<_>>(),
        [
            ("disk/dangling".to_owned(), "link-not-followed"),
            ("disk/loop".to_owned(), "link-not-followed"),
            ("disk/out".to_owned(), "link-not-followed"),
            ("disk/pipe".to_owned(), "special-file"),
            ("disk/socket".to_owned(), "special-file"),
            ("disk/sub/up".to_owned(), "link-not-followed"),
        ]
    );
    assert_eq!(met.notes(), [("disk/empty/inner".to_owned(), "empty-folder")]);
    assert_eq!(met.counts, Counts { files: 10, not_taken: 6, notes: 1, folders: 4 });
    assert!(met.message("disk/dangling").contains(r"“nowhere/at\u{000A}all”"));
    assert!(met.message("disk/out").contains("“/etc”"));
    assert!(met.message("disk/pipe").contains("a named pipe"));
    assert!(met.message("disk/socket").contains("a socket"));
    for entry in &met.files {
        let name = &entry.path_bytes[b"disk/".len()..];
        let expected: &[u8] = match name {
            b"zero" => b"",
            b"same as plain" => b"plain.txt",
            b"sub/file" => b"in sub",
            name => name,
        };
        assert_eq!(content(entry), expected, "{}", String::from_utf8_lossy(name));
        assert_eq!((entry.source, entry.size_bytes), (0, expected.len() as u64));
        let metadata = fs::metadata(disk.join(OsStr::from_bytes(name))).unwrap();
        assert_eq!((entry.device, entry.inode), (metadata.dev(), metadata.ino()));
    }
    let inode = |name: &str| met.files.iter().find(|entry| entry.path_bytes == name.as_bytes()).unwrap().inode;
    assert_eq!(inode("disk/plain.txt"), inode("disk/same as plain"));
}

#[test]
fn folders_come_at_their_place_in_byte_order() {
    let (_around, disk) = disk();
    fs::create_dir_all(disk.join("a")).unwrap();
    for name in ["a/z", "a.txt", "B", "가", "a/b"] {
        fs::write(disk.join(name), "").unwrap();
    }
    assert_eq!(walk(&[&disk]).paths(), ["disk/B", "disk/a/b", "disk/a/z", "disk/a.txt", "disk/가"]);
}

#[test]
fn sources_are_folders_files_dots_links_or_nothing() {
    let (around, disk) = disk();
    fs::write(disk.join("one"), "1").unwrap();
    symlink("disk", around.path().join("link")).unwrap();
    assert_eq!(walk(&[&disk.join("one")]).paths(), ["one"]);
    assert_eq!(walk(&[&disk.join(".")]).paths(), ["disk/one"]);
    fs::create_dir(disk.join("sub")).unwrap();
    assert_eq!(walk(&[&disk.join("sub/..")]).paths(), ["disk/one"]);
    assert_eq!(walk(&[&PathBuf::from(format!("{}//", disk.display()))]).paths(), ["disk/one"]);
    // Through a link in the middle is the person's own path; a link at the end is not followed.
    assert_eq!(walk(&[&around.path().join("link/one")]).paths(), ["one"]);
    let met = walk(&[&around.path().join("link"), &around.path().join("nothing"), &around.path().join("no/where"), Path::new("")]);
    assert_eq!(met.files.len(), 0);
    assert_eq!(
        met.not_taken.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        ["link-not-followed", "source-not-found", "source-not-found", "source-not-found"]
    );
    assert_eq!(met.not_taken[1].path_bytes, b"nothing");
    assert!(walk(&[]).files.is_empty());
}

#[test]
fn the_root_folder_can_be_a_source() {
    let met = walk_with(&[PathBuf::from("/")], Options { max_depth: 1, ..Options::default() });
    assert_eq!(met.not_taken().get("etc").copied(), Some("depth-limit"));
    assert_eq!(met.counts.folders, 1);
}

#[test]
fn what_is_given_twice_is_read_once() {
    let (around, disk) = disk();
    fs::create_dir_all(disk.join("sub/deep")).unwrap();
    for name in ["a", "sub/b", "sub/deep/c"] {
        fs::write(disk.join(name), name).unwrap();
    }
    let all = ["disk/a", "disk/sub/b", "disk/sub/deep/c"];
    let twice = walk(&[&disk, &disk]);
    assert_eq!((twice.paths(), twice.notes()), (all.map(str::to_owned).to_vec(), vec![("disk".to_owned(), "listed-twice")]));
    // In whatever order, and by whatever way: the folder around counts.
    symlink(&disk, around.path().join("link")).unwrap();
    let met = walk(&[&disk.join("sub/deep"), &around.path().join("link/sub"), &disk.join("a"), &disk]);
    assert_eq!(met.paths(), all);
    assert!(met.files.iter().all(|entry| entry.source == 3));
    assert_eq!(met.notes(), [("sub".to_owned(), "listed-twice"), ("a".to_owned(), "listed-twice"), ("deep".to_owned(), "listed-twice")]);
    assert!(met.not_taken.is_empty());
    // Names that only begin alike are different sources.
    fs::create_dir(around.path().join("disk2")).unwrap();
    fs::write(around.path().join("disk2/x"), "").unwrap();
    assert_eq!(walk(&[&disk, &around.path().join("disk2")]).files.len(), 4);
}

#[test]
fn a_source_inside_another_is_read_by_itself_if_the_other_does_not_reach_it() {
    let (_around, disk) = disk();
    fs::create_dir_all(disk.join("1/2/3/4")).unwrap();
    fs::write(disk.join("1/2/3/4/file"), "x").unwrap();
    let sources = [disk.join("1/2/3/4"), disk.join("1/2/3"), disk.clone()];
    let met = walk_with(&sources, Options { max_depth: 3, ..Options::default() });
    assert_eq!(met.not_taken().into_iter().collect::<Vec<_>>(), [("disk/1/2/3".to_owned(), "depth-limit")]);
    assert_eq!(met.paths(), ["3/4/file"]);
    assert_eq!(met.files[0].source, 1);
    assert_eq!(met.notes(), [("4".to_owned(), "listed-twice")]);
}

#[test]
fn two_disks_of_one_name_are_both_taken_and_told() {
    let (_first, one) = disk();
    let (_second, two) = disk();
    fs::write(one.join("x"), "one").unwrap();
    fs::write(two.join("x"), "two").unwrap();
    let met = walk(&[&one, &two]);
    assert_eq!(met.paths(), ["disk/x", "disk/x"]);
    assert_eq!(met.files.iter().map(|entry| (entry.source, content(entry))).collect::<Vec<_>>(), [(0, b"one".to_vec()), (1, b"two".to_vec())]);
    assert_eq!(met.notes(), [("disk".to_owned(), "source-name-shared")]);
}

#[test]
fn twenty_thousand_files_in_one_folder_in_any_amount_of_memory() {
    let (_around, disk) = disk();
    let mut expected: Vec<String> = (0..20_000_u32).map(|number| format!("disk/IMG_{:x}", number.wrapping_mul(2_654_435_761))).collect();
    for path in &expected {
        fs::write(disk.parent().unwrap().join(path), "").unwrap();
    }
    expected.sort();
    for names_in_memory in [1_000_000, 20_000, 19_999, 777] {
        let met = walk_with(std::slice::from_ref(&disk), Options { names_in_memory, ..Options::default() });
        assert!(met.paths() == expected, "wrong with {names_in_memory} names in memory");
        assert!(met.not_taken.is_empty() && met.notes.is_empty());
    }
}

#[test]
fn folders_among_names_that_are_listed_in_pieces() {
    let (_around, disk) = disk();
    let mut expected = Vec::new();
    for number in 0..30 {
        fs::create_dir(disk.join(format!("{number:02}"))).unwrap();
        for file in ["a", "b", "c"] {
            let path = format!("disk/{number:02}/{file}");
            fs::write(disk.parent().unwrap().join(&path), "").unwrap();
            expected.push(path);
        }
    }
    for names_in_memory in [0, 1, 2, 7] {
        let met = walk_with(std::slice::from_ref(&disk), Options { names_in_memory, ..Options::default() });
        assert_eq!(met.paths(), expected);
        assert_eq!(met.counts.folders, 31);
    }
}
