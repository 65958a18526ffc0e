//! Names the format of each file below the given paths: path, identifier, others that fit as well, basis, row. With `--speed`, how many files a second one
//! thread judges, from memory, several rounds.
//!
//! `cargo run --release -p sago-formats --example identify_files -- [--speed] PATH…`

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sago_formats::Source;
use sago_formats::identify::identify;

/// Rounds over all files when speed is measured.
const ROUNDS: u32 = 3;

fn main() -> std::io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_speed = arguments.iter().any(|argument| argument == "--speed");
    arguments.retain(|argument| argument != "--speed");
    let mut files = Vec::new();
    for path in &arguments {
        walk(Path::new(path), &mut files)?;
    }
    files.sort();
    let mut loaded = Vec::new();
    for file in &files {
        loaded.push((file.display().to_string(), std::fs::read(file)?));
    }
    if is_speed {
        // The register is made once, at the first file.
        let first = Instant::now();
        judge("", b"x")?;
        println!("register made in {} ms", first.elapsed().as_millis());
        let started = Instant::now();
        let mut slowest = (0, "");
        for _ in 0..ROUNDS {
            for (name, bytes) in &loaded {
                let one = Instant::now();
                judge(name, bytes)?;
                let took = one.elapsed().as_micros();
                if took > slowest.0 {
                    slowest = (took, name.as_str());
                }
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        let count = f64::from(ROUNDS) * f64::from(u32::try_from(loaded.len()).unwrap_or(u32::MAX));
        println!("{} files, {:.0} a second; slowest {} µs ({})", loaded.len(), count / seconds, slowest.0, slowest.1);
        return Ok(());
    }
    for (name, bytes) in &loaded {
        println!("{name}\t{}", judge(name, bytes)?);
    }
    Ok(())
}

fn judge(name: &str, bytes: &[u8]) -> std::io::Result<String> {
    let mut cursor = Cursor::new(bytes);
    let found = identify(&mut Source::new(&mut cursor)?, name)?;
    Ok(found.map_or_else(
        || "-".to_owned(),
        |found| {
            let row = found.format.map_or("-", |format| format.code);
            let mislabelled = found.mislabelled.unwrap_or_default();
            format!("{}\t{}\t{:?}\t{row}\t{}\t{mislabelled}", found.puid.unwrap_or_else(|| "-".to_owned()), found.also.join(" "), found.basis, found.name)
        },
    ))
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            walk(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}
