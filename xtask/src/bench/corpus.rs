//! The files that are taken in: two made from a seed, one of public documents.
//!
//! Seeded bytes are the same on every machine and do not compress, so no contestant gains by compressing. A made
//! corpus is kept for the next run; its stamp stands beside it, never inside it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run;
use crate::workspace::Workspace;

const SEED: u64 = 0x5A60;
const MIB: u64 = 1024 * 1024;

/// Files to take in.
pub struct Corpus {
    /// Short name, also the folder's.
    pub name: &'static str,
    /// The folder that is deposited.
    pub folder: PathBuf,
    /// Number of files.
    pub files: u64,
    /// Sum of their sizes.
    pub bytes: u64,
}

/// How much is taken in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// To try the bench itself.
    Quick,
    /// One GiB, ten thousand files.
    Usual,
    /// Beside these, eight GiB and a hundred thousand files.
    Large,
}

/// Every chosen corpus, made if it is not there yet. The public documents are left out, with a line, when they are absent.
pub fn all(ws: &Workspace, folder: &Path, extent: Extent, chosen: impl Fn(&str) -> bool) -> Result<Vec<Corpus>> {
    const KIB: u64 = 1024;
    let one = |bytes: u64| move |folder: &Path| write_random(&folder.join("one.bin"), &mut Random(SEED), bytes);
    let many = |files: u64, least: u64, most: u64| move |folder: &Path| write_many(folder, files, least..=most);
    let mut corpora = Vec::new();
    let mut add = |name: &'static str, amount: u64, make: &dyn Fn(&Path) -> io::Result<()>| -> Result<()> {
        if chosen(name) {
            corpora.push(made(folder, name, amount, make)?);
        }
        Ok(())
    };
    if extent == Extent::Quick {
        add("one-file-quick", 64 * MIB, &one(64 * MIB))?;
        add("many-files-quick", 500, &many(500, 4 * KIB, 60 * KIB))?;
    } else {
        add("one-file", 1024 * MIB, &one(1024 * MIB))?;
        add("many-files", 10_000, &many(10_000, 4 * KIB, 60 * KIB))?;
    }
    if extent == Extent::Large {
        add("large-file", 8 * 1024 * MIB, &one(8 * 1024 * MIB))?;
        add("very-many-files", 100_000, &many(100_000, 10 * KIB, 10 * KIB))?;
    }
    let documents = ws.shared_data.join("documents");
    if chosen("documents") && documents.is_dir() {
        corpora.push(Corpus::of("documents", documents)?);
    } else if chosen("documents") {
        run::say(format_args!("  corpus documents is absent: no {}", documents.display()));
    }
    Ok(corpora)
}

impl Corpus {
    fn of(name: &'static str, folder: PathBuf) -> Result<Self> {
        let mut corpus = Self { name, folder, files: 0, bytes: 0 };
        each_file(&corpus.folder, &mut |path| {
            corpus.files += 1;
            corpus.bytes += path.metadata()?.len();
            Ok(())
        })?;
        Ok(corpus)
    }

    /// Reads everything once, so that every contestant finds it in memory.
    pub fn warm(&self) -> Result<()> {
        each_file(&self.folder, &mut |path| {
            let mut file = File::open(path)?;
            let mut buffer = vec![0; MIB as usize];
            while file.read(&mut buffer)? > 0 {}
            Ok(())
        })
    }
}

fn made(folder: &Path, name: &'static str, amount: u64, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<Corpus> {
    let place = folder.join(name);
    let stamp = folder.join(format!("{name}.stamp"));
    let what = format!("seed {SEED:#x}, amount {amount}\n");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == what) {
        return Corpus::of(name, place);
    }
    run::say(format_args!("· make corpus {name}"));
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    make(&place).with_context(|| format!("cannot make {}", place.display()))?;
    fs::write(&stamp, what)?;
    Corpus::of(name, place)
}

/// Files of random lengths in a range of bytes, a hundred to a folder.
fn write_many(folder: &Path, files: u64, bytes: RangeInclusive<u64>) -> io::Result<()> {
    let mut random = Random(SEED);
    for number in 0..files {
        let sub = folder.join(format!("{:03}", number / 100));
        if number % 100 == 0 {
            fs::create_dir(&sub)?;
        }
        let bytes = bytes.start() + random.next() % (bytes.end() - bytes.start() + 1);
        write_random(&sub.join(format!("{number:05}.bin")), &mut random, bytes)?;
    }
    Ok(())
}

fn write_random(path: &Path, random: &mut Random, bytes: u64) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(MIB as usize, File::create(path)?);
    let mut left = bytes;
    while left > 0 {
        let word = random.next().to_le_bytes();
        let take = left.min(8);
        file.write_all(&word[..take as usize])?;
        left -= take;
    }
    file.flush()
}

fn each_file(folder: &Path, visit: &mut dyn FnMut(&Path) -> io::Result<()>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            each_file(&entry.path(), visit)?;
        } else {
            visit(&entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast, the same everywhere; not for secrets.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generator_gives_the_published_sequence() {
        // First outputs for seed 1234567, as published with several implementations of SplitMix64.
        let mut random = Random(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn corpus_is_the_same_again_and_made_once() {
        let temporary = tempfile::tempdir().unwrap();
        let make = |folder: &Path| write_many(folder, 101, 4 * 1024..=60 * 1024);
        let first = made(&temporary.path().join("a"), "many", 101, make).unwrap();
        let second = made(&temporary.path().join("b"), "many", 101, make).unwrap();
        assert_eq!((first.files, first.bytes), (101, second.bytes));
        let name = "001/00100.bin";
        assert_eq!(fs::read(first.folder.join(name)).unwrap(), fs::read(second.folder.join(name)).unwrap());
        each_file(&first.folder, &mut |path| {
            assert!((4 * 1024..=60 * 1024).contains(&path.metadata()?.len()));
            Ok(())
        })
        .unwrap();
        first.warm().unwrap();

        fs::write(first.folder.join(name), "x").unwrap();
        let again = made(&temporary.path().join("a"), "many", 101, |_| panic!("made twice")).unwrap();
        assert!(again.bytes < second.bytes);
    }
}
