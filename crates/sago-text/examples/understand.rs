//! Prints how queries are understood, and the stems of their words: `cargo run -p sago-text --example understand -- QUERY …`.
#![allow(clippy::print_stdout)]

use sago_text::{TokenKind, analyse, understand};

fn main() {
    for query in std::env::args().skip(1) {
        println!("{query}");
        for t in analyse(&query).iter().filter(|t| matches!(t.kind, TokenKind::Exact | TokenKind::Stem | TokenKind::Date)) {
            println!("  {:?} {} {}", t.kind, t.position, t.text);
        }
        for group in understand(&query) {
            println!("  group {}", &query[group.start..group.end]);
            for way in group.ways {
                println!("    {:.2} {:?} {:?}{} {}", way.weight, way.why, way.kind, if way.bridged { " across spaces" } else { "" }, way.terms.join(" + "));
            }
        }
    }
}
