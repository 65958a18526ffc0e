//! The only place that prints: answers on standard output, everything else on standard error.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::Write as _;

use sago_core::{Error, ErrorKind};
use serde_json::{Value, json};

/// Prints a line of an answer. A reader that closed the pipe has seen enough.
pub fn line(text: impl AsRef<str>) {
    // The work is done and entered whatever becomes of the answer; a closed pipe is the reader's choice.
    let _ = writeln!(std::io::stdout().lock(), "{}", text.as_ref());
}

/// Prints one object of an answer as JSON.
pub fn object(value: &Value) {
    line(value.to_string());
}

/// Prints a line for the person, not for scripts.
pub fn complain(text: &str) {
    eprintln!("{text}");
}

/// Prints an error: what happened, then what to do.
pub fn error(error: &Error, is_json: bool) {
    if is_json {
        object(&json!({ "error": kind_code(error.kind), "message": error.message, "hints": error.hints }));
    }
    eprintln!("sago: {}", error.message);
    for hint in &error.hints {
        eprintln!("  → {hint}");
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
    let mut widths: Vec<usize> = head.iter().map(|cell| width(cell)).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            if let Some(known) = widths.get_mut(at) {
                *known = (*known).max(width(cell));
            }
        }
    }
    let print = |cells: Vec<&str>| {
        let mut text = String::new();
        for (at, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if at + 1 < cells.len() {
                text.extend(std::iter::repeat_n(' ', widths[at].saturating_sub(width(cell)) + 2));
            }
        }
        line(text.trim_end());
    };
    print(head.to_vec());
    for row in rows {
        print(row.iter().map(String::as_str).collect());
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
