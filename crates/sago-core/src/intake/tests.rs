//! Tests of the intake against real folders, and of the table of codes.

mod reader;
mod sender_list;
mod walk;
mod walk_against;

use std::collections::BTreeSet;

use super::*;

#[test]
fn codes_are_words_and_each_stands_once() {
    let mut seen = BTreeSet::new();
    for line in CODES {
        assert!(seen.insert(line.code), "{} stands twice", line.code);
        assert!(line.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{}", line.code);
        assert!(line.meaning.ends_with('.') && line.advice.ends_with('.'), "{} wants sentences", line.code);
    }
}

/// The other direction (every code used is in the table) holds by construction: a finding is made from a line of it.
#[test]
fn every_code_of_the_table_is_used() {
    let sources = [
        include_str!("disk.rs"),
        include_str!("name.rs"),
        include_str!("source.rs"),
        include_str!("reader.rs"),
        include_str!("sender_list.rs"),
        include_str!("walk.rs"),
    ]
    .concat();
    for line in CODES {
        let name = line.code.replace('-', "_").to_uppercase();
        assert!(sources.contains(&format!("code::{name}")), "{name} is never used");
    }
}

/// Checks that a finding is one that a person can look up and read.
pub(crate) fn assert_well_said(finding: &Finding) {
    assert!(CODES.iter().any(|line| line.code == finding.code), "{} is not in the table", finding.code);
    assert!(finding.message.ends_with('.'), "{}", finding.message);
    assert!(!finding.message.chars().any(char::is_control), "{:?}", finding.message);
}
