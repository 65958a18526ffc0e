//! Exports with time-stamps of an authority made for the test by `openssl ts`, the reference for tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sago_ledger::checkpoint::Checkpoint;
use sago_verify::stamp::log_id;
use sago_verify::{Options, Report, read_anchors, read_pinned, verify_path};
use tempfile::TempDir;

use crate::build::{World, write};
use crate::judge::{both_accept, both_reject, python, rust};
use crate::stage::Stage;

const CONFIG: &str = "\
[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = Test authority\n\
[root]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n\
[leaf]\nbasicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = critical, timeStamping\n\
[tsa]\ndefault_tsa = this\n[this]\nserial = serial\ncrypto_device = builtin\nsigner_cert = leaf.pem\nsigner_key = leaf.key\n\
signer_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256, sha512\nordering = no\ntsa_name = no\ness_cert_id_chain = no\n\
ess_cert_id_alg = sha256\n";

struct Authority {
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap() };
        write(&authority.path("config"), CONFIG);
        write(&authority.path("serial"), "01\n");
        authority.openssl("req -x509 -new -newkey rsa:2048 -nodes -keyout root.key -out root.pem -config config -extensions root -days 30 -subj /CN=Root");
        authority.openssl("req -new -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -config config -subj /CN=Authority");
        authority.openssl("x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile config -extensions leaf -out leaf.pem");
        authority
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .current_dir(self.folder.path())
            .args(arguments.split(' '))
            .output()
            .unwrap_or_else(|error| panic!("the openssl command is needed for this test: {error}"));
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The files that stand beside a stamped checkpoint.
    fn stamp(&self, note: &str) -> Vec<(String, Vec<u8>)> {
        write(&self.path("checkpoint"), note);
        let mut files = vec![("checkpoint".to_owned(), note.as_bytes().to_vec())];
        for algorithm in ["sha256", "sha512"] {
            self.openssl(&format!("ts -query -data checkpoint -{algorithm} -cert -out query.tsq"));
            self.openssl("ts -reply -config config -section this -queryfile query.tsq -out reply.tsr");
            for (name, ending) in [("query.tsq", "tsq"), ("reply.tsr", "tsr")] {
                files.push((format!("test.{algorithm}.{ending}"), fs::read(self.path(name)).unwrap()));
            }
        }
        let chain = [fs::read(self.path("leaf.pem")).unwrap(), fs::read(self.path("root.pem")).unwrap()].concat();
        files.push(("test.chain.pem".to_owned(), chain));
        files
    }
}

fn place(world: &World, name: &str) -> String {
    format!("data/stamps/{}/{}/{name}", log_id(&world.custody.origin), world.custody.size)
}

fn stage() -> (Authority, Stage) {
    let authority = Authority::new();
    let files = authority.stamp(&World::new().custody.checkpoint());
    (authority, Stage::stamped_export(&files))
}

fn judge(stage: &Stage, anchor: &Path) -> Report {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut options = Options::at(sago_stamp::Moment::from_seconds(now as i64));
    options.pinned = stage.keys.iter().flat_map(|key| read_pinned(key).unwrap()).collect();
    options.anchors = read_anchors(anchor).unwrap();
    verify_path(&stage.root, &options).unwrap()
}

#[test]
fn a_stamped_export_is_sound_and_the_command_that_is_printed_verifies_the_token() {
    let (authority, stage) = stage();
    let (rust, python) = both_accept(&stage.root, &stage.keys());
    assert!(rust.findings.iter().any(|finding| finding.code == "stamp-unanchored"), "{rust:#?}");
    assert!(python.findings.iter().any(|finding| finding.code == "stamp-unchecked"), "{python:#?}");
    for answer in [&rust, &python] {
        // The one event of the access log is not under the stamped custody checkpoint.
        let bare = answer.findings.iter().find(|finding| finding.code == "not-stamped").unwrap();
        assert!(bare.message.starts_with('1'), "{bare:?}");
        assert!(answer.has("not-covered", &place(&stage.world, "test.chain.pem")), "{answer:#?}");
    }
    let report = judge(&stage, &authority.path("root.pem"));
    assert!(report.is_sound() && !report.findings.iter().any(|finding| finding.code == "stamp-unanchored"), "{report:#?}");
    let human = Command::new("python3").arg(crate::judge::script()).arg(&stage.root).output().unwrap();
    let text = String::from_utf8(human.stdout).unwrap();
    let commands: Vec<&str> = text.lines().filter(|line| line.contains("openssl ts -verify")).collect();
    assert_eq!(commands.len(), 2, "{text}");
    for command in commands {
        let command = command.replace("ROOT.pem", authority.path("root.pem").to_str().unwrap());
        let output = Command::new("sh").arg("-c").arg(&command).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn another_authority_than_the_trusted_one_is_found() {
    let (_authority, stage) = stage();
    let report = judge(&stage, &Authority::new().path("root.pem"));
    assert!(!report.is_sound(), "{report:#?}");
    assert!(report.findings.iter().any(|finding| finding.code.starts_with("stamp-") && finding.is_error()), "{report:#?}");
}

#[test]
fn a_token_over_another_checkpoint_is_rejected_by_both() {
    let (authority, stage) = stage();
    let other = authority.stamp("something else\n");
    for (name, bytes) in other.iter().filter(|(name, _)| name.ends_with(".tsr")) {
        stage.write(&place(&stage.world, name), bytes);
    }
    stage.fix_bag();
    both_reject("token over other bytes", &stage.root, &stage.keys(), "stamp-imprint-mismatch");
}

#[test]
fn a_sha256_token_passed_off_as_one_over_sha512_is_rejected_by_both() {
    let (_authority, stage) = stage();
    let token = stage.read(&place(&stage.world, "test.sha256.tsr"));
    stage.write(&place(&stage.world, "test.sha512.tsr"), token);
    stage.fix_bag();
    both_reject("sha256 as sha512", &stage.root, &stage.keys(), "stamp-imprint-mismatch");
}

#[test]
fn a_stamped_checkpoint_that_the_log_did_not_sign_is_rejected_by_both() {
    let (_authority, stage) = stage();
    let checkpoint = stage.text(&place(&stage.world, "checkpoint"));
    stage.write(&place(&stage.world, "checkpoint"), checkpoint.replacen("\n7\n", "\n9\n", 1));
    stage.fix_bag();
    both_reject("other size stamped", &stage.root, &stage.keys(), "signature-invalid");
}

#[test]
fn a_stamped_fork_of_the_log_is_rejected_by_both() {
    let authority = Authority::new();
    let world = World::new();
    let other = Checkpoint::new(&world.custody.origin, world.custody.size, sago_ledger::Hash(crate::build::seed("other"))).unwrap();
    let note = other.sign(&world.custody.signers, 1).unwrap().to_string();
    let stage = Stage::stamped_export(&authority.stamp(&note));
    both_reject("fork", &stage.root, &stage.keys(), "checkpoint-fork");
}

#[test]
fn a_stamp_filed_under_another_size_is_rejected_by_both() {
    let (_authority, stage) = stage();
    let folder = stage.root.join("data/stamps").join(log_id(&stage.world.custody.origin));
    fs::rename(folder.join("7"), folder.join("8")).unwrap();
    stage.fix_bag();
    both_reject("wrong folder", &stage.root, &stage.keys(), "stamp-folder");
}

#[test]
fn a_token_without_the_name_of_one_is_said_to_be_uncovered() {
    let (_authority, stage) = stage();
    let token = stage.read(&place(&stage.world, "test.sha256.tsr"));
    stage.write(&place(&stage.world, "test.md5.tsr"), token);
    stage.fix_bag();
    let (rust, python) = both_accept(&stage.root, &stage.keys());
    for answer in [&rust, &python] {
        assert!(answer.has("not-covered", &place(&stage.world, "test.md5.tsr")), "{answer:#?}");
    }
}

#[test]
fn stamps_without_their_checkpoint_are_rejected_by_both() {
    let (_authority, stage) = stage();
    stage.remove(&place(&stage.world, "checkpoint"));
    stage.fix_bag();
    both_reject("no checkpoint", &stage.root, &stage.keys(), "file-missing");
}

#[test]
fn an_anchor_file_that_is_none_could_not_be_used() {
    let stage = Stage::receipt();
    assert!(read_anchors(&stage.root.join("receipt.txt")).is_err());
    assert_eq!((rust(&stage.root, &[]).exit, python(&stage.root, &[]).exit), (0, 0));
}
