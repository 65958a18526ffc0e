//! `cargo xtask golden`: makes the golden repository of this release in `testdata/golden/<version>/`.
//!
//! A small repository of fictitious people, made by the program as it is now, with everything that opens it. Every later build must open it,
//! verify it and go on with it (`crates/sago/tests/it/golden.rs`). Made once for each release and never again after it: the bytes are the promise.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::run;
use crate::workspace::Workspace;

/// The passphrase of the repository; it protects nothing.
const PASSPHRASE: &str = "golden words that everybody may know";

/// A golden repository is cloned with the source for ever; this keeps it small. Bytes.
const MOST_BYTES: u64 = 2_000_000;

/// Arguments of `cargo xtask golden`.
#[derive(Args)]
pub struct Golden {
    /// Replaces the one of this version: only before the release
    #[arg(long)]
    replace: bool,
}

impl Golden {
    /// Runs the verb.
    pub fn run(self, ws: &Workspace) -> Result<()> {
        run::quiet("build sago", &mut ws.cargo(["build", "--locked", "--quiet", "--package", "sago", "--bins"]))?;
        let sago = ws.built("sago");
        let version = run::text(ws.command(&sago).arg("--version"))?;
        let version = version.split_whitespace().last().context("sago --version says nothing")?.to_owned();
        let target = ws.root.join("testdata/golden").join(&version);
        if target.exists() {
            ensure!(self.replace, "{} is there: a golden repository is never made anew after its release (--replace before it)", ws.shown(&target));
            fs::remove_dir_all(&target).with_context(|| format!("cannot remove {}", target.display()))?;
        }
        // A name that says nothing of this machine: it stands, sealed, in the log.
        let scratch = PathBuf::from("/var/tmp/sago-golden");
        fs::create_dir(&scratch).with_context(|| format!("{} must not exist: remove it if an interrupted run left it", scratch.display()))?;
        let made = Maker { ws, sago: &sago, scratch: &scratch }.make(&version);
        let kept = made.and_then(|expected| keep(&scratch, &target, &expected, &version));
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
        run::say(format_args!("the golden repository of {version} is in {} ({} bytes)", ws.shown(&target), kept?));
        Ok(())
    }
}

struct Maker<'a> {
    ws: &'a Workspace,
    sago: &'a Path,
    scratch: &'a Path,
}

impl Maker<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        self.bytes(&self.path(name), text.as_bytes())
    }

    fn bytes(&self, path: &Path, bytes: &[u8]) -> Result<PathBuf> {
        fs::create_dir_all(path.parent().unwrap_or(self.scratch))?;
        fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.to_owned())
    }

    /// Runs a line of words; a word `@NAME` is a path below the scratch folder.
    fn say(&self, line: &str) -> Result<Vec<Value>> {
        let mut command = self.ws.command(self.sago);
        for name in ["SAGO_AS", "AWS_ENDPOINT_URL"] {
            command.env_remove(name);
        }
        command.env("SAGO_REPO", self.path("repository")).env("SAGO_PASSPHRASE_FILE", self.path("passphrase"));
        for word in line.split_whitespace() {
            match word.strip_prefix('@') {
                Some(name) => command.arg(self.path(name)),
                // Words that must hold a space are written with `_`.
                None => command.arg(word.replace('_', " ")),
            };
        }
        let text = run::text(command.arg("--json").arg("--quiet"))?;
        text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))).collect()
    }

    fn last(&self, line: &str) -> Result<Value> {
        self.say(line)?.pop().with_context(|| format!("nothing was answered: {line}"))
    }

    fn make(&self, version: &str) -> Result<Value> {
        self.file("passphrase", &format!("{PASSPHRASE}\n"))?;
        for (name, text) in [("one", "first approver's own words\n"), ("two", "second approver's own words\n")] {
            self.file(&format!("approvers/{name}"), text)?;
        }
        self.say("init @repository --name Golden_repository_of_fictitious_people --custodians 3 --threshold 2 --work-factor 10 --shares-dir @shares/1")?;
        for name in ["one", "two"] {
            self.say(&format!("agent add --name Approver_{name} --role approver --agent-passphrase-file @approvers/{name}"))?;
        }
        self.file("odd/진술서 (가공).txt", "가공의 인물의 진술서입니다.\n")?;
        self.file("odd/a \"quoted\"\tname\nin two lines.txt", "names are bytes\n")?;
        self.file("odd/empty", "")?;
        self.file("odd/copy of the first.txt", "가공의 인물의 진술서입니다.\n")?;
        let korean = self.path("odd").join(OsString::from_vec(b"\xb0\xa1\xb3\xaa.txt".to_vec()));
        self.bytes(&korean, b"a name in EUC-KR\n")?;
        self.file("sealed/statement.txt", "the words of a fictitious witness\n")?;
        self.file("doomed/tape.txt", "what a fictitious person took back\n")?;
        // Longer than one piece of an age file, and not exported: bytes that are kept for ever are few.
        self.bytes(&self.path("later/bytes.bin"), &(0..=255).cycle().take(70_000).collect::<Vec<u8>>())?;
        self.file("later/after the rotation.txt", "received in the second epoch\n")?;
        self.say("deposit @odd --contributor Fictitious_partner --title Odd_names")?;
        self.say("deposit @sealed --contributor Fictitious_witness --title Statement --sealed")?;
        self.say("deposit @doomed --contributor Fictitious_person --title Tape")?;
        let accessions = self.accessions()?;
        let [odd, sealed, doomed] = accessions.as_slice() else { bail!("three accessions were expected: {accessions:?}") };
        let request = self.last(&format!("key destroy {doomed} --reason consent_was_withdrawn"))?;
        let request = request["request"].as_str().context("the request has no number")?;
        self.say(&format!("--as P-02 key approve {request} --agent-passphrase-file @approvers/one"))?;
        self.say(&format!("--as P-03 key approve {request} --agent-passphrase-file @approvers/two"))?;
        self.say("key rotate --custodians 3 --threshold 2 --shares-dir @shares/2 --share @shares/1/share-1-of-3.txt --share @shares/1/share-3-of-3.txt")?;
        self.say("deposit @later --contributor Fictitious_partner --title Later")?;
        self.say(&format!("open {odd}.00001 --reason to_see_it_once --output @opened"))?;
        self.say("fixity --all")?;
        self.say(&format!("receipt {odd} --output @receipt"))?;
        self.say(&format!("export {odd} --recipient Fictitious_court --reason request_1 --output @export"))?;
        self.say("backup @backup")?;
        self.say("backup --vault @vault-backup")?;
        let items = self.say("list items")?;
        let listed = self.say("list")?;
        let report = self.last("verify")?;
        ensure!(report["sound"] == true, "what was made is not sound: {report}");
        let keep = |rows: &[Value], names: &[&str]| -> Vec<Value> {
            rows.iter().map(|row| names.iter().map(|name| ((*name).to_owned(), row[*name].clone())).collect::<serde_json::Map<_, _>>().into()).collect()
        };
        let head = |log: &str| fs::read_to_string(self.path("repository/lock").join(format!("{log}-1"))).context("the lock cannot be read");
        Ok(json!({
            "version": version, "passphrase": PASSPHRASE, "epoch": 2, "generation": 1,
            "accessions": keep(&listed, &["accession", "status", "items", "bytes", "title", "contributor", "unit"]),
            "items": keep(&items, &["item", "bytes", "path", "sha256"]),
            "sealed": sealed, "destroyed": doomed, "exported": odd,
            "custody_head": head("custody")?, "access_head": head("access")?,
        }))
    }

    fn accessions(&self) -> Result<Vec<String>> {
        let listed = self.say("list")?;
        listed.iter().map(|one| one["accession"].as_str().map(str::to_owned).context("an accession has no number")).collect()
    }
}

/// Copies what was made to its place, and says what it is.
fn keep(scratch: &Path, target: &Path, expected: &Value, version: &str) -> Result<u64> {
    let mut bytes = 0;
    for name in ["repository", "shares", "approvers", "receipt", "export", "backup", "vault-backup", "passphrase"] {
        bytes += copy(&scratch.join(name), &target.join(name))?;
    }
    fs::write(target.join("expected.json"), format!("{expected:#}\n"))?;
    fs::write(target.join("README.md"), readme(version))?;
    ensure!(bytes <= MOST_BYTES, "{bytes} bytes are more than the {MOST_BYTES} that a golden repository may have");
    Ok(bytes)
}

fn copy(from: &Path, to: &Path) -> Result<u64> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        let mut bytes = 0;
        for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
            let name = entry?.file_name();
            bytes += copy(&from.join(&name), &to.join(&name))?;
        }
        return Ok(bytes);
    }
    // Locks that are held, and side files of a closed database, are nothing that lasts.
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    if name.ends_with(".held") || name.ends_with("-wal") || name.ends_with("-shm") {
        ensure!(!name.ends_with("-wal") || from.metadata()?.len() == 0, "{} still holds rows", from.display());
        return Ok(0);
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))
}

fn readme(version: &str) -> String {
    format!(
        "# Golden repository of Sago {version}\n\n\
         Made by `cargo xtask golden` with Sago {version}, and never changed since: every later build must open it. Nobody in it exists.\n\n\
         - `repository/`: the repository. Its passphrase is in `passphrase` (work factor 10: it protects nothing).\n\
         - `shares/1`, `shares/2`: the custodians' pages of the first epoch, which ended, and of the second. Two of three are needed.\n\
         - `approvers/`: the passphrases of P-02 and P-03, who approved the destruction.\n\
         - `receipt/`, `export/`: what a contributor and a court were given.\n\
         - `backup/`, `vault-backup/`: a backup of the records and one of the vault.\n\
         - `expected.json`: what must hold: accessions, items with their SHA-256, heads of both logs, which unit is sealed and which is destroyed.\n\n\
         In it: names in Korean, with quotes, a tab and a line break, and one in EUC-KR that is no UTF-8; an empty file; two files with the same bytes; a sealed unit; a\n\
         destroyed unit; an epoch that ended; an opening, a fixity check, an export and backups in the log. There are no time-stamps in it.\n\n\
         Empty folders are not kept by git: `repository/staging` is made again by whoever uses a copy.\n\n\
         `crates/sago/tests/it/golden.rs` copies each golden repository and checks all of this. A failure there means that this build breaks a\n\
         promise: mend the build, not the fixture.\n"
    )
}
