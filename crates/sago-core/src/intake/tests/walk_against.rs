//! Walking folders that are too deep, change under our feet or may not be read.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

use super::super::walk::{Counts, Options, Seen, Walk};
use super::assert_well_said;
use super::walk::{Met, content, disk, finish, put, walk, walk_with};

/// Makes folders within folders, each with the files `a` and `z` beside the next folder, and returns their descriptors.
fn nest(top: &Path, name: &str, depth: usize) -> OwnedFd {
    let mut folder = openat(CWD, top, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    for _ in 0..depth {
        for file in ["a", "z"] {
            openat(&folder, file, OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).unwrap();
        }
        mkdirat(&folder, name, Mode::from_raw_mode(0o755)).unwrap();
        folder = openat(&folder, name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    openat(&folder, "bottom", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).unwrap();
    folder
}

#[test]
fn paths_far_longer_than_the_system_allows() {
    let (_around, disk) = disk();
    let name = "n".repeat(250);
    let bottom = nest(&disk, &name, 100);
    let met = walk(&[&disk]);
    assert!(met.not_taken.is_empty(), "{:?}", met.not_taken[0]);
    assert_eq!(met.counts, Counts { files: 201, not_taken: 0, notes: 0, folders: 101 });
    // Down by the files `a`, up by the files `z`: on the way back folders are opened again.
    let deepest = &met.files[100];
    assert!(deepest.path_bytes.ends_with(b"/bottom") && deepest.path_bytes.len() == 4 + 100 * 251 + 7);
    assert_eq!(met.files[200].path_bytes, b"disk/z");
    std::io::Write::write_all(&mut fs::File::from(openat(&bottom, "bottom", OFlags::WRONLY, Mode::empty()).unwrap()), b"reached").unwrap();
    assert_eq!(content(&walk(&[&disk]).files[100]), b"reached");
}

#[test]
fn nesting_to_the_limit_is_read_and_beyond_it_is_told() {
    let (_around, disk) = disk();
    nest(&disk, "m", 1_200);
    let met = walk(&[&disk]);
    assert_eq!(met.counts, Counts { files: 2_000, not_taken: 1, notes: 0, folders: 1_000 });
    assert_eq!(met.not_taken[0].code, "depth-limit");
    assert!(met.not_taken[0].message.contains("more than 1000 folders deep"));
    assert_eq!(met.not_taken[0].path_bytes.len(), 4 + 2 * 1_000);
    let deeper = walk_with(std::slice::from_ref(&disk), Options { max_depth: 5_000, ..Options::default() });
    assert_eq!(deeper.counts, Counts { files: 2_401, not_taken: 0, notes: 0, folders: 1_201 });
}

#[test]
fn few_folders_are_open_at_a_time() {
    let (_around, disk) = disk();
    nest(&disk, "m", 500);
    let mut most = 0;
    for seen in Walk::new(&[disk], Options::default()) {
        drop(seen);
        most = most.max(open_under_the_disk());
    }
    assert!((60..=70).contains(&most), "{most} folders were open");
}

/// How many descriptors of this process are on a folder called `m`; a path that long is cut by the kernel and counts too.
fn open_under_the_disk() -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap();
    descriptors.filter_map(Result::ok).filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.file_name() == Some(OsStr::new("m")))).count()
}

/// Walks 100 folders down; at the bottom, folder 20 goes elsewhere, so that the way back does not lead to folder 19.
fn walk_and_lose_the_way_back(options: Options) -> Met {
    let (around, disk) = disk();
    nest(&disk, "m", 100);
    let mut walk = Walk::new(std::slice::from_ref(&disk), options);
    let mut met = Met::default();
    loop {
        let seen = walk.next().expect("the bottom must come");
        let bottom = matches!(&seen, Seen::File(entry) if entry.path_bytes.ends_with(b"bottom"));
        put(&mut met, seen);
        if bottom {
            break;
        }
    }
    fs::rename(disk.join("m/".repeat(20)), around.path().join("elsewhere")).unwrap();
    finish(walk, met)
}

#[test]
fn a_folder_moved_away_while_we_are_in_it_loses_nothing_silently() {
    let met = walk_and_lose_the_way_back(Options::default());
    assert_eq!((met.counts.files, met.counts.not_taken), (181, 20));
    let told = |end: &[u8]| met.not_taken.iter().all(|finding| finding.code == "folder-moved" && finding.path_bytes.ends_with(end));
    assert!(told(b"/z"));
    // Where the names were not in memory any more, the folder itself is told.
    let met = walk_and_lose_the_way_back(Options { names_in_memory: 1, ..Options::default() });
    assert_eq!((met.counts.files, met.counts.not_taken), (181, 20));
    assert!(met.not_taken.iter().all(|finding| finding.code == "folder-moved" && finding.message.contains("unknown")));
    assert_eq!(met.not_taken[19].path_bytes, b"disk");
}

/// Walks a small disk and does something to it after the first file; the disk lasts as long as the first answer.
fn walk_and_meddle(meddle: impl FnOnce(&Path)) -> (tempfile::TempDir, Met) {
    let (around, disk) = disk();
    for name in ["1-first", "2-file", "4-last"] {
        fs::write(disk.join(name), name).unwrap();
    }
    fs::create_dir(disk.join("3-folder")).unwrap();
    fs::write(disk.join("3-folder/inside"), "").unwrap();
    let mut walk = Walk::new(std::slice::from_ref(&disk), Options::default());
    let mut met = Met::default();
    put(&mut met, walk.next().unwrap());
    meddle(&disk);
    (around, finish(walk, met))
}

#[test]
fn what_vanishes_after_the_listing_is_told() {
    let (_around, met) = walk_and_meddle(|disk| {
        fs::remove_file(disk.join("2-file")).unwrap();
        fs::remove_dir_all(disk.join("3-folder")).unwrap();
    });
    assert_eq!(met.paths(), ["disk/1-first", "disk/4-last"]);
    assert_eq!(met.not_taken().into_values().collect::<Vec<_>>(), ["file-vanished", "file-vanished"]);
    let (_around, met) = walk_and_meddle(|disk| fs::remove_dir_all(disk).unwrap());
    assert_eq!((met.files.len(), met.not_taken.len()), (1, 3));
}

#[test]
fn what_is_swapped_for_a_link_leads_nowhere() {
    let (_around, met) = walk_and_meddle(|disk| {
        for name in ["2-file", "3-folder"] {
            fs::rename(disk.join(name), disk.join(format!("{name}-moved"))).unwrap();
            symlink("/etc", disk.join(name)).unwrap();
        }
    });
    assert_eq!(met.paths(), ["disk/1-first", "disk/4-last"]);
    assert_eq!(met.not_taken().into_values().collect::<Vec<_>>(), ["link-not-followed", "link-not-followed"]);
    // The whole disk renamed and a link in its place: the walk stays in the folder it opened.
    let (_around, met) = walk_and_meddle(|disk| {
        fs::rename(disk, disk.with_extension("moved")).unwrap();
        symlink("/etc", disk).unwrap();
    });
    assert_eq!(met.paths(), ["disk/1-first", "disk/2-file", "disk/3-folder/inside", "disk/4-last"]);
    assert_eq!(content(&met.files[1]), b"2-file");
}

#[test]
fn devices_and_other_file_systems_are_told() {
    let met = walk_with(&[PathBuf::from("/dev")], Options { max_depth: 2, ..Options::default() });
    assert_eq!(met.not_taken().get("dev/null").copied(), Some("special-file"));
    assert!(met.message("dev/null").contains("a character device"));
    let device = fs::metadata("/dev").unwrap().dev();
    let mounted: Vec<String> = ["pts", "shm", "mqueue", "hugepages"]
        .into_iter()
        .filter(|name| fs::symlink_metadata(Path::new("/dev").join(name)).is_ok_and(|metadata| metadata.is_dir() && metadata.dev() != device))
        .map(|name| format!("dev/{name}"))
        .collect();
    assert!(!mounted.is_empty(), "this test needs a file system mounted at /dev/pts or /dev/shm");
    let told: Vec<String> = met.notes().into_iter().filter(|(_, code)| *code == "other-filesystem").map(|(path, _)| path).collect();
    for path in mounted {
        assert!(told.contains(&path), "{path} is not among {told:?}");
    }
    assert!(!told.contains(&"dev".to_owned()));
}

/// Set, for a child process that is one of these tests again, to the folder that it shall walk.
const CHILD: &str = "SAGO_INTAKE_TEST_WALK";

/// Runs one test of this file again, in a process of its own, over `disk`; as nobody where we are root.
fn run_in_child(test: &str, disk: &Path) {
    let module = module_path!().split_once("::").unwrap().1;
    let mut child = std::process::Command::new("/proc/self/exe");
    child.args(["--exact", "--nocapture", &format!("{module}::{test}")]);
    child.env(CHILD, disk);
    if rustix::process::geteuid().is_root() {
        child.uid(65_534).gid(65_534);
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

fn set_mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

/// Root may read everything, so the walk itself runs in a child without root's rights.
#[test]
fn what_may_not_be_read_is_told() {
    if let Some(disk) = std::env::var_os(CHILD) {
        return walk_without_rights(Path::new(&disk));
    }
    let (around, disk) = disk();
    set_mode(around.path(), 0o755);
    fs::create_dir_all(disk.join("closed/inner")).unwrap();
    fs::create_dir(disk.join("names only")).unwrap();
    for (name, bits) in [("open", 0o444), ("secret", 0o000), ("closed/inner/known", 0o444), ("names only/x", 0o444), ("names only/y", 0o444)] {
        fs::write(disk.join(name), "x").unwrap();
        set_mode(&disk.join(name), bits);
    }
    for (name, bits) in [("closed/inner", 0o755), ("closed", 0o111), ("names only", 0o444), ("", 0o755)] {
        set_mode(&disk.join(name), bits);
    }
    run_in_child("what_may_not_be_read_is_told", &disk);
    set_mode(&disk.join("closed"), 0o755);
    set_mode(&disk.join("names only"), 0o755);
}

fn walk_without_rights(disk: &Path) {
    assert!(!rustix::process::geteuid().is_root());
    let met = walk(&[disk]);
    assert_eq!(
        met.not_taken().into_iter().collect::<Vec<_>>(),
        [
            ("disk/closed".to_owned(), "folder-unreadable"),
            ("disk/names only/x".to_owned(), "file-unreadable"),
            ("disk/names only/y".to_owned(), "file-unreadable")
        ]
    );
    assert!(met.message("disk/closed").contains("no right to read it") && met.message("disk/closed").contains("unknown"));
    // Whether a file may be read shows when it is opened.
    assert_eq!(met.paths(), ["disk/open", "disk/secret"]);
    assert_eq!(content(&met.files[0]), b"x");
    let refused = met.files[1].open().expect_err("nobody may read this");
    assert_well_said(&refused);
    assert_eq!((refused.code, refused.taken), ("file-unreadable", false));
    // Known by its path though the folder around it cannot be listed: it is read by itself.
    let met = walk(&[disk, &disk.join("closed/inner")]);
    assert!(met.paths().contains(&"inner/known".to_owned()));
    assert_eq!(walk(&[&disk.join("closed")]).not_taken().into_iter().collect::<Vec<_>>(), [("closed".to_owned(), "folder-unreadable")]);
}

#[test]
fn a_limit_of_this_computer_is_not_blamed_on_the_disk() {
    if let Some(disk) = std::env::var_os(CHILD) {
        return walk_with_few_descriptors(Path::new(&disk));
    }
    let (around, disk) = disk();
    set_mode(around.path(), 0o755);
    set_mode(&disk, 0o755);
    nest(&disk, "m", 60);
    run_in_child("a_limit_of_this_computer_is_not_blamed_on_the_disk", &disk);
}

fn walk_with_few_descriptors(disk: &Path) {
    let limits = rustix::process::Rlimit { current: Some(40), maximum: Some(40) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limits).unwrap();
    let met = walk(&[disk]);
    assert_eq!(met.counts.not_taken, 1);
    assert_eq!(met.not_taken[0].code, "own-limit");
    assert!(met.not_taken[0].message.contains("too many files are open"));
    // Two files for each folder that was entered: what was reached is taken.
    assert_eq!(met.counts.files, 2 * met.counts.folders);
    // The same limit, met when a file is opened.
    let mut hoard = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        hoard.push(file);
    }
    let refused = met.files[0].open().expect_err("no descriptor is left");
    assert_well_said(&refused);
    assert_eq!((refused.code, refused.taken), ("own-limit", false));
}
