//! Measures how fast a text is analysed, in megabytes (10^6 bytes) a second of one core's time: `cargo run --release -p sago-text --example speed -- FILE`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use sago_text::{TokenKind, analyse_with, fold::folding};

fn main() -> Result<(), std::io::Error> {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path)?;
        let mb = text.len() as f64 / 1e6;
        let rounds = (20.0 / mb).ceil().max(1.0) as usize;
        let begin = Instant::now();
        let chars: usize = (0..rounds).map(|_| folding(&text).count()).sum();
        let folded = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let mut counts = [0u64; TokenKind::ALL.len()];
        for _ in 0..rounds {
            analyse_with(&text, &mut |t| counts[TokenKind::ALL.iter().position(|k| *k == t.kind).unwrap_or(0)] += 1);
        }
        let analysed = begin.elapsed().as_secs_f64();
        let total = mb * rounds as f64;
        println!("{path}: {total:.1} MB, {chars} characters; folding {:.1} MB/s, analysis {:.1} MB/s", total / folded, total / analysed);
        println!(
            "  tokens for each kilobyte: {}",
            TokenKind::ALL.iter().zip(counts).map(|(k, n)| format!("{k:?} {:.0}", n as f64 / total / 1e3)).collect::<Vec<_>>().join(", ")
        );
    }
    Ok(())
}
