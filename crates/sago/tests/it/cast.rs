//! The stage of every story: a folder, a repository in it, and the binary with its answers.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::pairs::{self, Pair, Remote};

/// The passphrase of every repository in the stories.
pub const PASSPHRASE: &str = "five words nobody would guess";

/// A folder with one repository; removed at the end.
pub struct Stage {
    /// Keeps the folder.
    pub folder: TempDir,
    /// The repository.
    pub repo: PathBuf,
    /// What it has on the servers, when the story runs there.
    pub remote: Option<Remote>,
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    /// Exit code; -1 when killed.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Answer {
    /// Says that the command ended with the given code, and returns the answer.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// The JSON objects of the answer, one a line.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// The last JSON object of the answer.
    #[track_caller]
    pub fn object(&self) -> Value {
        self.objects().pop().expect("an object was printed")
    }
}

impl Stage {
    /// A folder without a repository.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let repo = folder.path().join("repository");
        std::fs::write(folder.path().join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
        let remote = match pairs::pair() {
            Pair::Embedded => None,
            Pair::Servers => Some(Remote::new()),
        };
        Self { folder, repo, remote }
    }

    /// A repository with three custodians, two of them needed.
    pub fn new() -> Self {
        let stage = Self::empty();
        let repo = stage.repo.clone();
        let shares = stage.path("shares");
        stage
            .sago(
                [OsStr::new("init"), repo.as_os_str(), "--name".as_ref(), "Story".as_ref(), "--custodians".as_ref(), "3".as_ref()]
                    .into_iter()
                    .chain(["--threshold".as_ref(), "2".as_ref(), "--work-factor".as_ref(), "10".as_ref(), "--shares-dir".as_ref(), shares.as_os_str()])
                    .chain(stage.where_it_lies().iter().map(AsRef::as_ref)),
            )
            .ends(0);
        stage
    }

    /// What `sago init` is told so that the repository lies where this story wants it.
    pub fn where_it_lies(&self) -> Vec<String> {
        self.remote.as_ref().map(Remote::words).unwrap_or_default()
    }

    /// A copy of repository and shares with all that lies on the servers, as a story that breaks things needs it.
    pub fn copy(&self) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let repo = folder.path().join("repository");
        std::fs::copy(self.path("passphrase"), folder.path().join("passphrase")).unwrap();
        crate::flips::holdings::copy(&self.repo, &repo);
        crate::flips::holdings::copy(&self.path("shares"), &folder.path().join("shares"));
        let remote = self.remote.as_ref().map(|remote| {
            let copy = remote.copy();
            let settings = std::fs::read_to_string(repo.join("sago.toml")).unwrap();
            std::fs::write(repo.join("sago.toml"), settings.replace(remote.name(), copy.name())).unwrap();
            copy
        });
        Self { folder, repo, remote }
    }

    /// The one text that a query of the database gives.
    pub fn value_of(&self, query: &str) -> String {
        match &self.remote {
            Some(remote) => remote.value_of(query),
            None => pairs::blocking(crate::shredding::value_of(&self.repo.join("index.db"), query)),
        }
    }

    /// Changes rows behind the back of the software.
    pub fn change(&self, statement: &str) {
        match &self.remote {
            Some(remote) => remote.change(statement),
            None => pairs::blocking(crate::shredding::change(&self.repo.join("index.db"), statement)),
        }
    }

    /// Whether a database is there.
    pub fn has_database(&self) -> bool {
        self.remote.is_some() || self.repo.join("index.db").is_file()
    }

    /// Writes one file of a place behind the back of the software; `None` removes it.
    pub fn put(&self, place: &str, path: &str, bytes: Option<Vec<u8>>) {
        let there = self.repo.join(place).join(path);
        match (&self.remote, bytes) {
            (Some(remote), bytes) => remote.put(place, path, bytes),
            (None, Some(bytes)) => std::fs::write(there, bytes).unwrap(),
            (None, None) => std::fs::remove_file(there).unwrap(),
        }
    }

    /// A place of the repository (`store`, `log`, `stamps`, `vault`) as a folder to read: itself, or what a plain client fetched just now.
    pub fn local(&self, place: &str) -> PathBuf {
        let Some(remote) = self.remote.as_ref().filter(|_| ["store", "log", "stamps", "derived", "vault"].contains(&place)) else {
            return self.repo.join(place);
        };
        let folder = self.path(&format!("fetched {place}"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        remote.fetch(place, &folder);
        folder
    }

    /// A path in the stage's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the stage's folder.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The command line, ready to run on this stage's repository.
    pub fn command<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sago"));
        command
            .args(arguments)
            .env("SAGO_REPO", &self.repo)
            .env("SAGO_PASSPHRASE_FILE", self.path("passphrase"))
            .env_remove("SAGO_AS")
            .stdin(std::process::Stdio::null());
        if self.remote.is_none() {
            for name in pairs::VARIABLES {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs the command line on this stage's repository.
    pub fn sago<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Answer {
        answer(self.command(arguments).output().unwrap())
    }

    /// Runs a line of words; paths in it must have no spaces.
    pub fn say(&self, line: &str) -> Answer {
        self.sago(line.split_whitespace())
    }

    /// Deposits a path and returns the object that was printed.
    #[track_caller]
    pub fn deposit(&self, path: &Path) -> Value {
        self.sago([
            OsStr::new("deposit"),
            path.as_os_str(),
            "--contributor".as_ref(),
            "Partner".as_ref(),
            "--title".as_ref(),
            "Disk".as_ref(),
            "--json".as_ref(),
        ])
        .ends(0)
        .object()
    }

    /// The auditor: verifies everything with the keys, and says that it is sound.
    #[track_caller]
    pub fn verify_everything(&self) {
        let report = self.say("verify --json").ends(0).object();
        assert_eq!(report["sound"], true, "{report}");
    }
}

/// What a process answered.
pub fn answer(output: Output) -> Answer {
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Real files that nobody here wrote. Their absence fails the test that needs them, and says so.
#[track_caller]
pub fn shared_data(name: &str) -> PathBuf {
    let root = std::env::var_os("SAGO_SHARED_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(name);
    assert!(path.exists(), "The shared data is absent: {} does not exist. Set SAGO_SHARED_DATA to its folder.", path.display());
    path
}

/// Path of an outside tool that the test command installed (`cargo xtask tools`). Its absence fails the test that needs it, and says so.
#[track_caller]
pub fn tool(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} is not set: run the tests with `cargo xtask test`, or `eval \"$(cargo xtask tools)\"` first."));
    PathBuf::from(path)
}

/// A generator of test data with a seed (splitmix64): the same seed gives the same story.
pub struct Seeded(pub u64);

impl Seeded {
    /// The seed of this run: `SAGO_SOAK_SEED`, else a fixed one.
    pub fn from_environment() -> Self {
        Self(std::env::var("SAGO_SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123))
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(count).collect()
    }
}

/// How many rounds a soak runs: `SAGO_SOAK_ROUNDS`, else the short number of an ordinary run.
pub fn rounds(short: u64) -> u64 {
    std::env::var("SAGO_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(short)
}
