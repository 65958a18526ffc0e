//! Reads files and folders, with what they contain, and prints a line for each: format, weight, text, findings. For trials on real files.
//!
//! `cargo run -p sago-formats --example read_files -- [--text] PATH…`

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use sago_formats::{Collected, Limits};

/// Deepest nesting that is followed.
const DEPTH: usize = 8;

fn main() -> std::io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let shows_text = arguments.iter().any(|argument| argument == "--text");
    arguments.retain(|argument| argument != "--text");
    for path in &arguments {
        let mut files = Vec::new();
        walk(Path::new(path), &mut files)?;
        files.sort();
        for file in files {
            let bytes = std::fs::read(&file)?;
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            show(&file.display().to_string(), &name, &bytes, 0, shows_text)?;
        }
    }
    Ok(())
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

fn show(place: &str, name: &str, bytes: &[u8], depth: usize, shows_text: bool) -> std::io::Result<()> {
    let started = std::time::Instant::now();
    let read = Collected::of(name, bytes, &Limits::default())?;
    let summary = &read.summary;
    let weight = summary.weight.map_or_else(|| "fine".to_owned(), |weight| format!("{weight:?}"));
    let codes: Vec<String> = summary.findings.iter().map(|(code, count)| format!("{code}×{count}")).collect();
    println!(
        "{}\t{}\t{}\t{}\t{} blocks\t{} bytes\t{} children\t{} ms\t{}",
        "  ".repeat(depth) + place,
        summary.format.as_deref().unwrap_or("-"),
        summary.puid.as_deref().unwrap_or("-"),
        weight,
        summary.blocks,
        summary.text_bytes,
        summary.children,
        started.elapsed().as_millis(),
        codes.join(" ")
    );
    if shows_text {
        for block in &read.blocks {
            println!("    {:?} {} | {}", block.kind, serde_json::to_string(&block.anchor).unwrap_or_default(), block.text);
        }
        for property in &read.properties {
            println!("    {} = {}", property.name, property.value);
        }
        for finding in &read.findings {
            println!("    ! {:?} {:?} [{}] {}", finding.severity, finding.code, finding.place, finding.text);
        }
    }
    for (child, bytes) in &read.children {
        if depth < DEPTH {
            show(&format!("{:?} {}", child.role, child.name), &child.name, bytes, depth + 1, shows_text)?;
        } else {
            println!("{}deeper than {DEPTH}", "  ".repeat(depth));
        }
    }
    Ok(())
}
