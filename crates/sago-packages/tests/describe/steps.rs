//! VERIFY.md: its commands are run as they stand, by bash, on a real package.

use std::path::Path;
use std::process::{Command, Output};

use sago_packages::describe::*;

use super::{bag, sample};

/// The `sh` blocks, except the one for the verifiers, which are tested where they live.
fn blocks(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fence: Option<(String, String)> = None;
    for line in markdown.lines() {
        match &mut fence {
            None if line.starts_with("```") => {
                let ticks: String = line.chars().take_while(|c| *c == '`').collect();
                fence = Some((ticks, String::new()));
            }
            Some((ticks, block)) if line == ticks => {
                found.push(std::mem::take(block));
                fence = None;
            }
            Some((_, block)) => {
                block.push_str(line);
                block.push('\n');
            }
            None => {}
        }
    }
    assert!(fence.is_none(), "a block is not closed");
    found.retain(|block| !block.contains(VERIFIER));
    found
}

/// Runs all blocks as one script; `# expected:` lines become marks in the output.
fn follow(folder: &Path, markdown: &str) -> Output {
    let commands = blocks(markdown).concat();
    let script = commands.lines().map(|line| match line.strip_prefix("# expected: ") {
        Some(value) => format!("echo 'EXPECTED {value}'\n"),
        None => format!("{line}\n"),
    });
    let script = format!("set -euo pipefail\n{}rm -r \"$work\"\n", script.collect::<String>());
    Command::new("bash").args(["-c", &script]).current_dir(folder).env("LC_ALL", "C.UTF-8").output().unwrap()
}

/// Compares every value with the one printed for it; gives how many there were.
fn agree(output: &str) -> usize {
    let lines: Vec<&str> = output.lines().collect();
    let mut compared = 0;
    let mut at = 0;
    while at < lines.len() {
        let marks = lines[at..].iter().take_while(|line| line.starts_with("EXPECTED ")).count();
        for n in 0..marks {
            assert_eq!(Some(lines[at - marks + n]), lines[at + n].strip_prefix("EXPECTED "), "in:\n{output}");
            compared += 1;
        }
        at += marks.max(1);
    }
    compared
}

#[test]
fn every_command_prints_what_the_page_says() {
    // Trees of many shapes: one line more than a power of two, a right border, a log whose last entry is the one asked for.
    for (lines, log) in [(4, 6), (878, 21), (9, 64), (5, 7)] {
        let name = format!("{lines}-{log}");
        let (_work, folder, dossier) = bag::make(lines, log, None);
        let markdown = verify_md(&dossier);
        let output = follow(&folder, &markdown);
        let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{name}: {printed}\n{errors}");
        let compared = agree(&printed);
        assert_eq!(compared, markdown.matches("# expected: ").count(), "every promise is kept");
        assert!(printed.contains("Signature Verified Successfully"));
        assert_eq!(printed.matches("\nVerification: OK").count(), 2);
        assert!(!markdown.contains("do not agree"));
    }
}

#[test]
fn a_withheld_half_is_followed_by_its_commitment() {
    for half in ["skeleton", "detail"] {
        let (_work, folder, dossier) = bag::make(12, 13, Some(half));
        let markdown = verify_md(&dossier);
        assert!(markdown.contains(&format!("# The {half} is withheld; its commitment is given.")));
        assert_eq!(markdown.contains("this link of the chain cannot be checked here"), half == "detail");
        assert!(!markdown.contains("do not agree"));
        let output = follow(&folder, &markdown);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(agree(&String::from_utf8_lossy(&output.stdout)), markdown.matches("# expected: ").count());
    }
}

#[test]
fn a_changed_original_stops_the_reader() {
    let (_work, folder, dossier) = bag::make(4, 6, None);
    let original = folder.join(&dossier.items[1].evidence);
    let mut bytes = std::fs::read(&original).unwrap();
    bytes[0] ^= 1;
    std::fs::write(original, bytes).unwrap();
    let output = follow(&folder, &verify_md(&dossier));
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("FAILED"));
}

#[test]
fn proofs_that_do_not_fit_are_named_or_left_unworked() {
    let (_work, _, mut dossier) = bag::make(9, 9, None);
    let example = dossier.example.clone().unwrap();
    let other = example.item_proof.replace("A-2026-0001.00001", "A-2026-0001.00009");
    dossier.example = Some(Example { item_proof: other, ..example.clone() });
    assert!(verify_md(&dossier).contains("**The two do not agree in this package.**"));
    for broken in ["", "{}", "[1]", "{\"line\":\"x\",\"line_index\":9,\"line_count\":2,\"path\":[]}"] {
        dossier.example = Some(Example { item_proof: broken.into(), ..example.clone() });
        assert!(verify_md(&dossier).contains("no example could be worked out"), "{broken}");
    }
    for broken in ["", "c2sp.org/tlog-proof@v1\n\n", &example.tlog_proof.replace("index 5", "index 99"), &example.tlog_proof.replace("extra ", "extra !")] {
        dossier.example = Some(Example { tlog_proof: broken.into(), ..example.clone() });
        assert!(verify_md(&dossier).contains("no example could be worked out"), "{broken}");
    }
    dossier.example = Some(Example { tlog_proof: example.tlog_proof.replace("— sago", "— other"), ..example });
    assert!(verify_md(&dossier).contains("carries no Ed25519 signature"));
}

#[test]
fn hostile_text_stays_text() {
    let dossier = sample::hostile();
    let markdown = verify_md(&dossier);
    assert!(markdown.chars().all(|c| !c.is_control() || c == '\n'));
    assert!(!markdown.contains(['\u{202e}', '\u{2066}', '\u{feff}']));
    assert!(!markdown.replace("\\<script\\>", "").contains("<script>") || markdown.contains("`<script>"));
    for block in blocks(&markdown) {
        assert!(!block.contains("alert(1)"), "no hostile text reaches a command: {block}");
    }
    // And a hostile path in a command is one word.
    let mut dossier = sample::sample();
    dossier.stamps[0].chain = format!("data/{}", sample::NASTY);
    for log in &mut dossier.repository.logs {
        log.file = "data/proofs/$(touch /tmp/sago-owned)'; id #".into();
    }
    let markdown = verify_md(&dossier);
    assert!(markdown.contains("sha256sum 'data/proofs/$(touch /tmp/sago-owned)'\\''; id #' | cut"));
    assert!(blocks(&markdown).iter().any(|block| block.contains("$'data/<script>alert(1)</script> ]]> --> \\000\\001")));
}

#[test]
fn after_a_restart_the_proof_is_checked_with_the_key_of_its_own_log() {
    let (_work, _, mut dossier) = bag::make(4, 6, None);
    let mut earlier = dossier.repository.logs[0].clone();
    earlier.origin = "sago.example/earlier".into();
    earlier.file = "data/proofs/keys/earlier.vkey".into();
    earlier.content = "sago.example/earlier+00000000+Bgo=\n".into();
    dossier.repository.logs.insert(0, earlier);
    let markdown = verify_md(&dossier);
    assert!(markdown.contains("data/proofs/keys/custody.vkey | cut -d+ -f3-"));
    assert!(!markdown.contains("data/proofs/keys/earlier.vkey | cut -d+ -f3-"));
}

#[test]
fn the_verifiers_are_given_the_key_of_every_log() {
    let markdown = verify_md(&sample::sample());
    assert!(markdown.contains("sago-verify --key /elsewhere/custody.vkey --key /elsewhere/access.vkey .\n"));
    assert!(markdown.contains("python3 data/verify/sago_verify.py --key /elsewhere/custody.vkey --key /elsewhere/access.vkey .\n"));
}
