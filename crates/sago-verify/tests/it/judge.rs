//! Both verifiers, run as a stranger runs them, and their answers in one shape.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use sago_verify::{Finding, Severity};

/// What a verifier answered.
#[derive(Debug)]
pub struct Answer {
    pub exit: i32,
    pub findings: Vec<Finding>,
    pub complaint: String,
}

impl Answer {
    pub fn errors(&self) -> BTreeSet<&str> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).map(|finding| finding.code.as_str()).collect()
    }

    pub fn has(&self, code: &str, path: &str) -> bool {
        self.findings.iter().any(|finding| finding.code == code && finding.path == path)
    }
}

pub fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python/sago_verify.py")
}

fn run(mut command: Command, path: &Path, keys: &[&Path], name: &str) -> Answer {
    for key in keys {
        command.arg("--key").arg(key);
    }
    let output = command
        .arg("--json")
        .arg(path)
        .output()
        .unwrap_or_else(|error| panic!("{name} could not be started ({error}): the tests need python3 in the PATH, the second verifier is written in it"));
    let text = String::from_utf8(output.stdout).unwrap();
    let findings = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!complaint.contains("Traceback") && !complaint.contains("panicked"), "{name} broke down: {complaint}");
    Answer { exit: output.status.code().unwrap(), findings, complaint }
}

/// The program of this crate.
pub fn rust(path: &Path, keys: &[&Path]) -> Answer {
    run(Command::new(env!("CARGO_BIN_EXE_sago-verify")), path, keys, "sago-verify")
}

/// The second verifier.
pub fn python(path: &Path, keys: &[&Path]) -> Answer {
    let mut command = Command::new("python3");
    command.args(["-I", "-S", "-B"]).arg(script());
    run(command, path, keys, "sago_verify.py")
}

/// Both must call it sound; gives both answers.
pub fn both_accept(path: &Path, keys: &[&Path]) -> (Answer, Answer) {
    let (rust, python) = (rust(path, keys), python(path, keys));
    assert_eq!(rust.exit, 0, "{rust:#?}");
    assert_eq!(python.exit, 0, "{python:#?}");
    (rust, python)
}

/// Both must reject it, each naming `code`, and the second must name nothing that the first does not.
pub fn both_reject(name: &str, path: &Path, keys: &[&Path], code: &str) {
    let (rust, python) = (rust(path, keys), python(path, keys));
    for (who, answer) in [("sago-verify", &rust), ("sago_verify.py", &python)] {
        assert_eq!(answer.exit, 1, "{name}: {who} did not reject: {answer:#?}");
        assert!(answer.errors().contains(code), "{name}: {who} did not name {code}: {answer:#?}");
    }
    let only_python: Vec<_> = python.errors().difference(&rust.errors()).copied().collect();
    assert!(only_python.is_empty(), "{name}: only the second verifier names {only_python:?}: {rust:#?} {python:#?}");
}
