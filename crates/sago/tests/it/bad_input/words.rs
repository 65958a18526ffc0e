//! Words that would do something to a terminal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::{accession, item};
use crate::cast::{Answer, Stage};

/// Clears the screen, rings, sets the title, moves the cursor, forges a line, in one and two bytes, and turns the text around.
const HOSTILE: [&str; 8] = ["\x1b[2J", "\x07", "\x1b]0;owned\x07", "\r", "\u{9b}2J", "\x7f", "\u{202e}", "\u{85}"];

/// Says that nothing in an answer acts on a terminal.
#[track_caller]
fn assert_harmless(answer: &Answer) {
    for (stream, text) in [("standard output", &answer.out), ("standard error", &answer.err)] {
        for line in text.lines() {
            let bad = line.chars().find(|letter| letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
            assert_eq!(bad, None, "{stream} carries {bad:?}: {line:?}");
        }
    }
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let stage = Stage::new();
    let disk = stage.path("disk");
    std::fs::create_dir_all(&disk).unwrap();
    for (n, hostile) in HOSTILE.iter().enumerate() {
        std::fs::write(disk.join(format!("{n}{hostile}.txt")), format!("{n}")).unwrap();
        std::fs::create_dir(disk.join(format!("empty {n}{hostile}"))).unwrap();
        std::os::unix::fs::symlink(format!("/target{hostile}"), disk.join(format!("link {n}{hostile}"))).unwrap();
    }
    std::fs::write(disk.join("a line\nSound: yes (0 warnings)"), "forged").unwrap();
    std::fs::write(disk.join(OsStr::from_bytes(b"old \x1b[31m \x9b2J \xff")), "bytes").unwrap();
    let all = HOSTILE.concat();
    let list = stage.file("list.txt", format!("{}  absent{all}.txt\n{}  0{}.txt\nnot a line {all}\n", "0".repeat(64), "1".repeat(64), HOSTILE[0]));
    let (title, reason) = (format!("T{all}"), format!("R{all}\nforged line"));
    let arguments = [
        "deposit",
        disk.to_str().unwrap(),
        "--manifest",
        list.to_str().unwrap(),
        "--contributor",
        &title,
        "--title",
        &title,
        "--agreement",
        &title,
        "--condition",
        &title,
    ];
    let deposited = stage.sago(arguments).ends(0);
    assert_harmless(&deposited);
    assert!(!deposited.out.lines().any(|line| line.starts_with("Sound: yes")), "a name forged a line: {}", deposited.out);
    stage.sago(["agent", "add", "--name", &title, "--role", "auditor"]).ends(0);
    let output = stage.path("output");
    stage.sago(["open", &item(1, 1), "--reason", &reason, "--output", output.to_str().unwrap()]).ends(0);
    stage.sago(["export", &accession(1), "--reason", &reason, "--recipient", &title, "--output", stage.path("package").to_str().unwrap()]).ends(0);
    stage.sago(["key", "destroy", &accession(1), "--reason", &reason]).ends(0);
    let lines =
        ["list", "list items", "agent list", "key requests", "key list", "fixity --all", "verify", "list --json", "list items --json", "agent list --json"];
    let mut answers: Vec<Answer> = lines.iter().map(|line| stage.say(line).ends(0)).collect();
    for id in [item(1, 1), accession(1)] {
        answers.extend([stage.sago(["show", &id]).ends(0), stage.sago(["show", &id, "--json"]).ends(0)]);
    }
    for said in &answers {
        assert_harmless(said);
        assert!(!said.out.lines().any(|line| line.starts_with("Sound: yes") || line.starts_with("forged line")), "a name forged a line: {}", said.out);
    }
    // What people type wrongly comes back harmless too.
    assert_harmless(&stage.sago(["show", &all]).ends(2));
    assert_harmless(&stage.sago(["deposit", &format!("/absent{all}"), "--contributor", "c", "--title", "t"]).ends(2));
    // And the evidence is still what it was: bytes, names, order.
    let names: Vec<_> = stage.say("list items --json").ends(0).objects();
    assert_eq!(names.len(), HOSTILE.len() + 2);
    stage.sago(["verify", stage.path("package").to_str().unwrap()]).ends(0);
    stage.verify_everything();
}

crate::pairs::also_on_servers!(hostile_names_do_not_reach_the_terminal,);
