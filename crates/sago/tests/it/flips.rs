//! One flipped bit, anywhere: `sago verify` says that something is wrong, and where.

mod audit;
mod database;
mod holdings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use audit::audit;
use database::dump;
use holdings::Holdings;

use crate::cast::{Seeded, rounds};

/// All files of a repository, relative, sorted.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path.strip_prefix(root).unwrap().to_owned()) }
        }
    }
    found.sort();
    found
}

#[test]
fn probe() {
    let holdings = Holdings::new();
    let root = &holdings.stage.repo;
    let mut random = Seeded::from_environment();
    let all: Vec<_> = files(root).into_iter().filter(|path| std::fs::metadata(root.join(path)).unwrap().len() > 0).collect();
    let pristine = dump(&root.join("index.db")).unwrap();
    let mut missed: BTreeMap<String, u64> = BTreeMap::new();
    let mode = std::env::var("PROBE").unwrap_or_default();
    let begun = std::time::Instant::now();
    for round in 0..rounds(60) {
        let path = if mode == "db" { PathBuf::from("index.db") } else { all[random.below(all.len() as u64) as usize].clone() };
        let full = root.join(&path);
        let before = std::fs::read(&full).unwrap();
        let at = random.below(before.len() as u64) as usize;
        let bit = random.below(8);
        let mut after = before.clone();
        after[at] ^= 1 << bit;
        std::fs::write(&full, &after).unwrap();
        let is_database = path == Path::new("index.db");
        let same = is_database && dump(&full).as_ref() == Some(&pristine);
        let differs = if is_database && !same { dump(&full) } else { None };
        let verdict = audit(root);
        if is_database {
            for suffix in ["index.db-wal", "index.db-shm"] {
                let _ = std::fs::remove_file(root.join(suffix));
            }
        }
        std::fs::write(&full, &before).unwrap();
        let name = path.display().to_string();
        if verdict.is_sound() && !same {
            println!("{round} MISSED {name} byte {at} bit {bit}");
            if let Some(differs) = differs {
                for (one, two) in differs.iter().zip(&pristine).filter(|(one, two)| one != two).take(2) {
                    println!("   {}\n   {}", &one.chars().take(150).collect::<String>(), &two.chars().take(150).collect::<String>());
                }
            }
            *missed.entry(name).or_default() += 1;
        } else if !same {
            let words = verdict.words();
            println!("{round} ok {name} byte {at} bit {bit}: {}", words.lines().next().unwrap_or_default());
        }
        assert_eq!(files(root).len(), files(root).len());
    }
    println!("{missed:#?} in {:?}", begun.elapsed());
    let last = audit(root);
    println!("{}", last.words());
}
