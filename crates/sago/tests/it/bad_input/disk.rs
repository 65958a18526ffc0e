//! Disks that refuse: no permission, no space. These tests mount a small disk and act as another user, so they run as root.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{accession, item, opens_to, refused, stocked};
use crate::cast::{Answer, Stage, answer};
use crate::shredding::tree;

/// The user that nobody is.
const NOBODY: u32 = 65_534;

#[track_caller]
fn assert_root() {
    assert!(rustix::process::geteuid().is_root(), "This test mounts a disk or acts as another user: run it as root.");
}

/// A small disk in memory; taken away at the end, whatever happens.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(path: PathBuf, size: &str) -> Self {
        assert_root();
        std::fs::create_dir_all(&path).unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size},mode=0777"), "tmpfs"]).arg(&path).status().unwrap();
        assert!(done.success(), "The disk cannot be mounted: this test needs the right to mount (CAP_SYS_ADMIN).");
        Self { path }
    }

    fn resize(&self, size: &str) {
        assert!(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.path).status().unwrap().success());
    }

    /// Fills what is left.
    fn fill(&self) -> PathBuf {
        let filler = self.path.join("filler");
        let mut file = std::fs::File::create(&filler).unwrap();
        for block in [1 << 16, 1 << 12, 1] {
            while std::io::Write::write_all(&mut file, &vec![0x5a; block]).is_ok() {}
        }
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A process of the story may still hold it for an instant: it goes when the last one lets go.
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

/// A repository on a small disk; sources, pages and passphrase lie elsewhere. The disk is dropped before the folder it is in.
fn small_repository(size: &str) -> (SmallDisk, Stage) {
    let mut stage = Stage::empty();
    let disk = SmallDisk::mount(stage.path("small disk"), size);
    stage.repo = disk.path.join("repository");
    (disk, stage)
}

fn init(stage: &Stage) -> Answer {
    let shares = stage.path("shares");
    stage.sago([
        "init",
        stage.repo.to_str().unwrap(),
        "--name",
        "Small",
        "--custodians",
        "3",
        "--threshold",
        "2",
        "--work-factor",
        "10",
        "--shares-dir",
        shares.to_str().unwrap(),
    ])
}

#[test]
fn a_full_disk_stops_a_deposit_and_the_same_command_goes_on_when_there_is_room() {
    let (disk, stage) = small_repository("12m");
    init(&stage).ends(0);
    stage.file("before/one.txt", "one");
    stage.deposit(&stage.path("before"));
    let mut seeded = crate::cast::Seeded(11);
    for n in 0..30 {
        stage.file(&format!("much/{n:02}.bin"), seeded.bytes(1_000_000));
    }
    let arguments = ["deposit", stage.path("much").to_str().unwrap(), "--contributor", "c", "--title", "much", "--json"].map(str::to_owned);
    for _ in 0..2 {
        refused(stage.sago(&arguments), &["disk is full", "Nothing that was receipted is lost", "run the same command again"]);
    }
    disk.resize("200m");
    assert_eq!(stage.say("list items --json").ends(0).objects().len(), 1, "half a deposit is visible");
    let listed = stage.say("list --json").ends(0).objects();
    assert_eq!(listed.iter().filter(|one| one["status"] == "received").count(), 1);
    stage.verify_everything();
    let deposited = stage.sago(&arguments).ends(0).object();
    assert_eq!((&deposited["items"], &deposited["findings"]), (&30.into(), &0.into()));
    let listed = stage.say("list --json").ends(0).objects();
    assert_eq!(listed.iter().filter(|one| one["status"] == "received").count(), 2, "the same command began anew: {listed:?}");
    assert_eq!(listed.len(), 2, "the same command began anew: {listed:?}");
    stage.verify_everything();
    assert_eq!(tree(&stage.repo.join("staging")), Vec::<PathBuf>::new());
    assert_eq!(stage.say("fixity --all --json").ends(0).object()["failures"], 0);
}

#[test]
fn a_deposit_that_meets_a_full_disk_anywhere_loses_nothing() {
    // From a few pages left to almost enough: each size stops at another step.
    let (disk, stage) = small_repository("100m");
    init(&stage).ends(0);
    stage.file("before/one.txt", "one");
    stage.deposit(&stage.path("before"));
    let used = || -> u64 {
        let text = Command::new("df").args(["-k", "--output=used"]).arg(&disk.path).output().unwrap().stdout;
        String::from_utf8(text).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    };
    let mut stopped = 0;
    for kibibytes in [4, 12, 40, 90, 120, 150, 190, 240, 300, 400] {
        stage.file(&format!("disk {kibibytes}/a.bin"), crate::cast::Seeded(kibibytes).bytes(60_000));
        let arguments =
            ["deposit", stage.path(&format!("disk {kibibytes}")).to_str().unwrap(), "--contributor", "c", "--title", "t", "--json"].map(str::to_owned);
        disk.resize(&format!("{}k", used() + kibibytes));
        let tried = stage.sago(&arguments);
        disk.resize("100m");
        if tried.code != 0 {
            refused(tried, &["disk is full"]);
            stopped += 1;
            stage.sago(&arguments).ends(0);
        }
        stage.verify_everything();
    }
    assert!(stopped >= 3, "the disk was full only {stopped} times");
    let listed = stage.say("list --json").ends(0).objects();
    assert!(listed.iter().all(|one| one["status"] == "received" || one["status"] == "abandoned"), "{listed:?}");
    assert_eq!(stage.say("rebuild --json").ends(0).object()["differences"], 0);
    stage.verify_everything();
}

#[test]
fn a_full_disk_at_init_leaves_nothing_that_looks_like_a_repository() {
    for size in ["48k", "96k", "160k", "200k", "240k", "280k", "320k", "360k"] {
        let (disk, stage) = small_repository(size);
        let tried = init(&stage);
        if tried.code == 0 {
            stage.verify_everything_or_full(&disk);
            continue;
        }
        refused(tried, &["disk is full"]);
        refused(stage.say("list"), &["is not a Sago repository"]);
        disk.resize("100m");
        // The first attempt left files: the second says so, and what to do, and touches nothing.
        refused(init(&stage), &["is not empty"]);
        std::fs::remove_dir_all(&stage.repo).unwrap();
        if stage.path("shares").exists() {
            std::fs::remove_dir_all(stage.path("shares")).unwrap();
        }
        init(&stage).ends(0);
        stage.verify_everything();
    }
}

impl Stage {
    /// A repository that was just made on a disk with next to no room is sound once there is some.
    fn verify_everything_or_full(&self, disk: &SmallDisk) {
        disk.resize("100m");
        self.verify_everything();
    }
}

#[test]
fn reading_stops_when_the_reading_cannot_be_entered() {
    let (disk, stage) = small_repository("20m");
    init(&stage).ends(0);
    stage.file("disk/one.txt", "one");
    stage.deposit(&stage.path("disk"));
    let filler = disk.fill();
    let output = stage.path("output");
    let arguments = ["open", &item(1, 1), "--reason", "r", "--output", output.to_str().unwrap()].map(str::to_owned);
    refused(stage.sago(&arguments), &["disk is full"]);
    assert!(!output.exists() && !stage.path("output.part").exists(), "evidence was released without an entry in the log");
    let package = ["export", &accession(1), "--output", output.to_str().unwrap()].map(str::to_owned);
    refused(stage.sago(&package), &["disk is full"]);
    assert!(!output.exists(), "evidence was released without an entry in the log");
    std::fs::remove_file(filler).unwrap();
    stage.sago(&arguments).ends(0);
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "one");
    stage.verify_everything();
}

#[test]
fn an_output_that_does_not_fit_is_taken_back() {
    let stage = Stage::new();
    stage.file("disk/large.bin", crate::cast::Seeded(5).bytes(3_000_000));
    stage.deposit(&stage.path("disk"));
    let stick = SmallDisk::mount(stage.path("stick"), "1m");
    let output = stick.path.join("opened.bin");
    let open = ["open", &item(1, 1), "--reason", "r", "--output", output.to_str().unwrap()].map(str::to_owned);
    refused(stage.sago(&open), &["disk is full"]);
    assert_eq!(tree(&stick.path), Vec::<PathBuf>::new(), "half an original was left");
    let package = stick.path.join("package");
    let export = ["export", &accession(1), "--output", package.to_str().unwrap()].map(str::to_owned);
    refused(stage.sago(&export), &["disk is full"]);
    assert!(!package.join("bagit.txt").exists(), "half a package looks whole");
    if package.exists() {
        std::fs::remove_dir_all(&package).unwrap();
    }
    stick.resize("50m");
    stage.sago(&open).ends(0);
    assert_eq!(output.metadata().unwrap().len(), 3_000_000);
    stage.sago(&export).ends(0);
    stage.sago(["verify", package.to_str().unwrap()]).ends(0);
    stage.verify_everything();
}

fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}

/// Runs a command as another user, who has no more rights than that user has.
fn as_user(stage: &Stage, user: u32, arguments: &[&str]) -> Answer {
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).args(["--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]);
    command
        .arg(env!("CARGO_BIN_EXE_sago"))
        .args(arguments)
        .env("SAGO_REPO", &stage.repo)
        .env("SAGO_PASSPHRASE_FILE", stage.path("passphrase"))
        .stdin(std::process::Stdio::null());
    answer(command.output().expect("this test needs `setpriv` (util-linux)"))
}

#[test]
fn what_may_not_be_read_is_a_finding_and_the_rest_is_received() {
    assert_root();
    let stage = Stage::new();
    stage.file("disk/open.txt", "open");
    stage.file("disk/closed.txt", "closed");
    stage.file("disk/closed folder/inside.txt", "inside");
    give(stage.folder.path(), NOBODY);
    for (name, mode) in [("disk/closed.txt", 0o600), ("disk/closed folder", 0o700)] {
        chown(stage.path(name), Some(0), Some(0)).unwrap();
        std::fs::set_permissions(stage.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    let deposit = ["deposit", stage.path("disk").to_str().unwrap(), "--contributor", "c", "--title", "t", "--json"].map(str::to_owned);
    let deposit: Vec<&str> = deposit.iter().map(String::as_str).collect();
    let deposited = as_user(&stage, NOBODY, &deposit).ends(0).object();
    assert_eq!((&deposited["items"], &deposited["findings"]), (&1.into(), &2.into()), "{deposited}");
    for (code, name) in [("file-unreadable", "disk/closed.txt"), ("folder-unreadable", "disk/closed folder")] {
        let found = deposited["details"].as_array().unwrap().iter().find(|one| one["code"] == code).unwrap_or_else(|| panic!("{deposited}"));
        assert_eq!((&found["path"], &found["taken"]), (&name.into(), &false.into()));
        assert!(found["message"].as_str().unwrap().contains("no right to read it"), "{found}");
    }
    // The right is given, the rest follows into the same unit.
    give(&stage.path("disk"), NOBODY);
    let unit = accession(1);
    let again: Vec<&str> = deposit.iter().copied().chain(["--unit", &unit]).collect();
    let again = as_user(&stage, NOBODY, &again).ends(0).object();
    assert_eq!((&again["items"], &again["findings"], &again["duplicates"]), (&3.into(), &0.into(), &1.into()));
    let report = as_user(&stage, NOBODY, &["verify", "--json"]).ends(0).object();
    assert_eq!(report["sound"], true);
}

#[test]
fn a_repository_of_another_user_is_refused_and_unharmed() {
    assert_root();
    let stage = stocked();
    // The folder may be looked into by all; what is in it may not.
    std::fs::set_permissions(stage.folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&stage.repo, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(stage.repo.join("sago.toml"), PermissionsExt::from_mode(0o644)).unwrap();
    let stranger = |arguments: &[&str]| as_user(&stage, NOBODY, arguments);
    for line in [&["list"][..], &["verify"], &["rebuild"], &["fixity"]] {
        refused(stranger(line), &["Permission denied"]);
    }
    for path in tree(&stage.repo) {
        let mode = path.metadata().unwrap().permissions().mode();
        let is_open = path.ends_with("sago.toml");
        assert!(is_open || mode & 0o077 == 0 || is_behind_a_closed_folder(&stage.repo, &path), "{} can be read by others ({mode:o})", path.display());
    }
    // Keys readable, nothing writable: it reads what it may and says what it may not.
    give(&stage.path("passphrase"), NOBODY);
    stage.verify_everything();
    opens_to(&stage, &item(1, 1), "one");
}

/// Whether a folder between the repository and the file keeps others out.
fn is_behind_a_closed_folder(repo: &Path, path: &Path) -> bool {
    path.ancestors().skip(1).take_while(|folder| *folder != repo).any(|folder| folder.metadata().unwrap().permissions().mode() & 0o077 == 0)
}
