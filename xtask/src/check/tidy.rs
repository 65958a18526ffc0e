//! File hygiene: rules about the text of files that no compiler checks.
//!
//! Files of outside origin (`testdata/`) and build output are left alone. A rule is a line in [`rules`]; every
//! violation is printed, not only the first.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::run;
use crate::workspace::Workspace;

/// Folders that hold nothing written by hand.
const SKIPPED_FOLDERS: [&str; 4] = [".git", "target", "testdata", "node_modules"];
/// What is text and ours to keep clean.
const TEXT: [&str; 14] = ["rs", "toml", "md", "py", "sh", "sql", "css", "js", "html", "json", "yml", "txt", "xml", "run"];
/// Longest Rust file without a stated reason, in lines.
const RUST_LINES_MAX: usize = 600;
/// Longest `ARCHITECTURE.md`, in lines: a map that long is no longer read.
const ARCHITECTURE_LINES_MAX: usize = 300;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "service"];
/// Words of unfinished work, spelt in two halves so that this file passes its own rule.
const UNFINISHED: [&str; 4] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("dbg", "!(")];
/// Beginnings of paths that exist on one machine only, in two halves for the same reason.
const MACHINE_PATHS: [&str; 4] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Use", "rs/"), concat!("/wo", "rk/")];

/// Walks the checkout and fails when a file breaks a rule.
pub fn check(ws: &Workspace) -> Result<()> {
    run::say("· tidy");
    let mut findings = Vec::new();
    walk(&ws.root, &ws.root, &mut findings)?;
    for finding in &findings {
        run::say(format_args!("  {finding}"));
    }
    ensure!(findings.is_empty(), "tidy: {} finding(s)", findings.len());
    Ok(())
}

fn walk(root: &Path, folder: &Path, findings: &mut Vec<String>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            if !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                walk(root, &path, findings)?;
            }
            continue;
        }
        let relative = path.strip_prefix(root)?.to_string_lossy().into_owned();
        if is_text(&relative) {
            match String::from_utf8(fs::read(&path).with_context(|| format!("cannot read {relative}"))?) {
                Ok(text) => rules(&relative, &text, findings),
                Err(_) => findings.push(format!("{relative}: not UTF-8")),
            }
        }
    }
    Ok(())
}

fn is_text(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit('.').next().unwrap_or(name);
    name == "LICENSE" || name == ".gitignore" || TEXT.contains(&extension)
}

/// All rules, over one file. `path` is relative to the root, with `/`.
fn rules(path: &str, text: &str, findings: &mut Vec<String>) {
    let mut say = |line: usize, what: &str| findings.push(format!("{path}:{line}: {what}"));
    let rust = path.ends_with(".rs");
    let lines = text.lines().count();

    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        say(lines, "must end with exactly one newline");
    }
    for (index, line) in text.split_terminator('\n').enumerate() {
        let number = index + 1;
        // The last columns of a table may be empty.
        let is_table = path.ends_with(".tsv") && line.ends_with('\t');
        if line.ends_with([' ', '\t', '\r']) && !is_table {
            say(number, "white space at the end of the line");
        }
        if rust && line.contains('\t') {
            say(number, "a tab");
        }
        if UNFINISHED.iter().any(|word| line.contains(word)) {
            say(number, "unfinished work: finish it or open an issue");
        }
        if MACHINE_PATHS.iter().any(|start| has_path(line, start)) {
            say(number, "a path of one machine");
        }
        if rust && line.trim_start().starts_with("#[ignore") {
            say(number, "an ignored test");
        }
    }

    if rust && lines > RUST_LINES_MAX && !text.lines().any(|line| line.starts_with("// size:")) {
        say(lines, "more than 600 lines: split it, or say why not in a line `// size: …`");
    }
    if path == "ARCHITECTURE.md" && lines > ARCHITECTURE_LINES_MAX {
        say(lines, "more than 300 lines");
    }
    if rust && in_source(path) {
        if !opens_with_module_comment(text) {
            say(1, "a module opens with `//!`: what lives here and what does not");
        }
        let stem = path.trim_end_matches("/mod.rs").trim_end_matches(".rs").rsplit('/').next().unwrap_or(path);
        if EMPTY_NAMES.contains(&stem) {
            say(1, "a file's name says what is in it");
        }
    }
    if path.ends_with("package-lock.json") || path.ends_with("npm-shrinkwrap.json") {
        // Node tools are installed by exact version; their lock would also carry the host it was made from.
        say(1, "no lock file of another package manager belongs in the project");
    }
}

/// Whether `start` begins an absolute path in `line`, not the middle of a longer one.
fn has_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | '>' | '*' | '…' | ':')))
    })
}

fn in_source(path: &str) -> bool {
    path.starts_with("xtask/src/") || (path.starts_with("crates/") && path.split('/').nth(2) == Some("src"))
}

fn opens_with_module_comment(text: &str) -> bool {
    // Attributes of the crate may stand above the text.
    text.lines().find(|line| !line.is_empty() && !line.starts_with("#![")).is_some_and(|line| line.starts_with("//!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        rules(path, text, &mut found);
        found
    }

    #[test]
    fn clean_files_pass() {
        let long_with_reason = format!("//! A table.\n// size: one table, read from top to bottom\n{}", "// row\n".repeat(700));
        for (path, text) in [
            ("crates/sago/src/main.rs", "//! Text.\nfn main() {}\n"),
            ("crates/sago/src/lib.rs", "#![cfg_attr(test, allow(x))]\n\n//! Text.\n"),
            ("crates/sago/src/table.rs", &long_with_reason),
            ("crates/sago/tests/it/main.rs", "mod story;\n"),
            ("docs/a.md", "Framework/work/paper and https://example.org/home/x\n"),
            ("empty.md", ""),
        ] {
            assert_eq!(findings(path, text), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn each_rule_finds_its_violation() {
        let todo = format!("// {}: later\n", UNFINISHED[0]);
        let path_line = format!("see `{}me/notes`\n", MACHINE_PATHS[0]);
        let long = format!("//! Text.\n{}", "// row\n".repeat(600));
        for (path, text, expected) in [
            ("a.md", "text", "exactly one newline"),
            ("a.md", "text\n\n", "exactly one newline"),
            ("a.md", "text \nmore\n", "a.md:1: white space"),
            ("a.md", "text\r\n", "white space"),
            ("a.md", &todo, "unfinished"),
            ("a.md", &path_line, "one machine"),
            ("crates/x/tests/a.rs", "#[test]\n    #[ignore = \"slow\"]\n", "a.rs:2: an ignored test"),
            ("crates/x/tests/a.rs", "\tlet x = 1;\n", "a tab"),
            ("crates/x/src/a.rs", &long, "more than 600"),
            ("crates/x/src/a.rs", "use std::fs;\n", "opens with"),
            ("crates/x/src/utils.rs", "//! Text.\n", "name says"),
            ("crates/x/src/helpers/mod.rs", "//! Text.\n", "name says"),
            ("ARCHITECTURE.md", &"line\n".repeat(301), "more than 300"),
            ("web/package-lock.json", "{}\n", "lock file"),
        ] {
            let found = findings(path, text);
            assert_eq!(found.len(), 1, "{path}: {found:?}");
            assert!(found[0].contains(expected), "{found:?}");
        }
    }
}
