//! The only place that prints: answers on standard output, everything else on standard error.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::Write as _;

use sago_core::repository::{Repository, Standing};
use sago_core::{Error, ErrorKind};
use serde_json::{Value, json};

/// Prints a line of an answer. A reader that closed the pipe has seen enough.
pub fn line(text: impl AsRef<str>) {
    print(&shown(text.as_ref(), is_line_end));
}

/// Prints one object of an answer as JSON.
pub fn object(value: &Value) {
    // Such a letter can only stand inside a string, where JSON has an escape for it.
    let escape = |letter: char| format!("\\u{:04x}", u32::from(letter));
    print(&value.to_string().chars().map(|letter| if acts(letter) { escape(letter) } else { letter.to_string() }).collect::<String>());
}

/// A text of somebody else as one harmless line: what would act on a terminal, or begin a new line, is shown as `\u{…}`.
pub fn plain(text: &str) -> String {
    shown(text, |_| false)
}

/// The same for a text that may have several lines: all but the first are indented, so that none passes for one of ours.
fn indented(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n      ")
}

fn shown(text: &str, stays: fn(char) -> bool) -> String {
    text.chars().map(|letter| if acts(letter) && !stays(letter) { format!("\\u{{{:x}}}", u32::from(letter)) } else { letter.to_string() }).collect()
}

fn is_line_end(letter: char) -> bool {
    letter == '\n'
}

/// Whether a letter does something to a terminal instead of being seen: control codes, and what turns the text around.
fn acts(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn print(text: &str) {
    // The work is done and entered whatever becomes of the answer; a closed pipe is the reader's choice.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Says that names were withheld where looking at them cannot be entered in the log; whether that is so.
pub fn say_withheld(repo: &Repository) -> bool {
    let is_withheld = repo.standing() != Standing::Live;
    if is_withheld {
        complain("sago: this place is read-only (moved, or a replica): names and titles are withheld, since looking at them could not be entered in the log");
    }
    is_withheld
}

/// Prints a line for the person, not for scripts.
pub fn complain(text: &str) {
    eprintln!("{}", plain(text));
}

/// Prints an error: what happened, then what to do.
pub fn error(error: &Error, is_json: bool) {
    if is_json {
        object(&json!({ "error": kind_code(error.kind), "message": error.message, "hints": error.hints }));
    }
    eprintln!("sago: {}", indented(&error.message));
    for hint in &error.hints {
        eprintln!("  → {}", indented(hint));
    }
}

fn kind_code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "not-found",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::Invalid => "invalid",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Corrupt => "corrupt",
        ErrorKind::Internal => "internal",
    }
}

/// A size as people read it: `1.5 MB` (decimal).
pub fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    #[allow(clippy::cast_precision_loss)] // for people, three digits are enough
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}

/// A table with aligned columns and a header.
pub fn table(head: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let mut widths: Vec<usize> = head.iter().map(|cell| width(cell)).collect();
    for row in &rows {
        for (at, cell) in row.iter().enumerate() {
            if let Some(known) = widths.get_mut(at) {
                *known = (*known).max(width(cell));
            }
        }
    }
    let print_row = |cells: Vec<&str>| {
        let mut text = String::new();
        for (at, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if at + 1 < cells.len() {
                text.extend(std::iter::repeat_n(' ', widths[at].saturating_sub(width(cell)) + 2));
            }
        }
        line(text.trim_end());
    };
    print_row(head.to_vec());
    for row in &rows {
        print_row(row.iter().map(String::as_str).collect());
    }
}

/// Columns a text takes in a terminal: Korean and other wide letters take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|letter| {
            if matches!(u32::from(letter), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60) {
                2
            } else {
                1
            }
        })
        .sum()
}
